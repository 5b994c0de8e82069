import io
import json
from functools import partial
from pathlib import Path

import click
import cv2
import numpy as np
import pytest
from PIL import Image

from cnnfilter import Pipeline, apply
from cnnfilter.cli import run as run_module
from cnnfilter.imaging.colormaps import COLORMAPS
from cnnfilter.imaging.maps import finite_range, map_picture
from cnnfilter.imaging.reading import read
from cnnfilter.imaging.sheet import SCALINGS, contact_sheet
from cnnfilter.results.chain import map_names
from tests import command as shell
from tests.command import PHOTO, files, load, run, run_process, save

GREY = PHOTO[..., 1].copy()
BANK = "gray,conv:sobel-x+sobel-y+laplacian"
TITLES = ("sobel-x", "sobel-y", "laplacian")
VECTOR = "gray,maxpool:10,flatten"  # 3 x 4 values

refused = partial(shell.refused, command="run")
failed = partial(shell.failed, command="run")
done = partial(shell.done, "run")


@pytest.fixture(autouse=True)
def _photo(tmp_path, monkeypatch):
    """Work in a folder that holds a colour photo and a grey one."""
    monkeypatch.chdir(tmp_path)
    save("photo.png")
    save("grey.png", GREY)


def maps(stages, picture=PHOTO):
    return Pipeline.parse(stages).run(picture)


# Pictures


@pytest.mark.parametrize("name", ["photo", "grey"])
def test_one_kernel_gives_the_picture_that_apply_gives(name):
    assert done("conv:edge", f"{name}.png").messages == [f"wrote {name}-chain.png  43x28"]
    expected = apply(load(f"{name}.png"), "edge", padding="valid")
    np.testing.assert_array_equal(load(f"{name}-chain.png"), expected)


def test_a_chain_over_each_channel_stays_a_colour_picture():
    done("conv:sobel-x+sobel-y,magnitude,relu,maxpool:2", "photo.png")
    expected = maps("conv:sobel,relu,maxpool:2").transpose(1, 2, 0)
    np.testing.assert_array_equal(load("photo-chain.png"), np.clip(np.rint(expected), 0, 255))


@pytest.mark.parametrize("options", ["depthwise:bank.npy", "conv:bank.npy:groups=3"])
def test_filters_of_one_channel_each_keep_the_colours_apart(options):
    np.save("bank.npy", np.ones((3, 1, 2, 2), np.float32) / 4)
    assert done(options, "photo.png").messages == ["wrote photo-chain.png  44x29"]
    assert load("photo-chain.png").shape == (29, 44, 3)


@pytest.mark.parametrize(
    "stages", ["softmax", "gray,conv:sobel-x+sobel-y+edge", "conv:bank.npy:layout=oihw", "conv:sobel-x+sobel-y"]
)
def test_maps_of_mixed_channels_are_no_colours(stages):
    np.save("bank.npy", np.ones((3, 3, 5, 5), np.float32))
    done(stages, "photo.png", "--no-labels")
    np.testing.assert_array_equal(load("photo-chain.png"), contact_sheet(maps(stages), labels=False).pixels)


@pytest.mark.parametrize("range_", ["abs", "normalize", "center"])
def test_a_range_maps_the_values(range_):
    for name, picture in (("photo", PHOTO), ("grey", GREY)):
        done("conv:sobel-x", f"{name}.png", "--range", range_)
        expected = apply(picture, "sobel-x", padding="valid", range=range_)
        np.testing.assert_array_equal(load(f"{name}-chain.png"), expected)


def test_the_format_depth_and_metadata_are_those_of_the_input():
    save("photo.jpg", dpi=(72, 72))
    assert done("conv:box", "photo.jpg", "--save-option", "quality=95").messages == ["wrote photo-chain.jpg  43x28"]
    assert read("photo-chain.jpg").metadata.dpi == (72, 72)
    done("conv:box", "photo.jpg", "-o", "bare.jpg", "--strip")
    assert read("bare.jpg").metadata.dpi is None
    cv2.imwrite("deep.png", GREY.astype(np.uint16) * 257)
    done("conv:box", "deep.png")
    deep = cv2.imread("deep-chain.png", cv2.IMREAD_UNCHANGED)
    np.testing.assert_array_equal(deep, apply(GREY.astype(np.uint16) * 257, "box", padding="valid"))
    done("conv:box", "deep.png", "--depth", "8", "-f")
    np.testing.assert_array_equal(load("deep-chain.png"), apply(GREY, "box", padding="valid"))


def test_values_that_would_be_black_are_told_with_a_remedy():
    assert done("normalize,conv:edge,relu", "grey.png").messages == [
        f"warning: grey.png: the values, 0 to {maps('normalize,conv:edge,relu', GREY).max():.3g}, are nearly black; "
        "--range normalize or --colormap auto shows them",
        "wrote grey-chain.png  43x28",
    ]
    assert done("normalize", "grey.png", "--range", "normalize", "-f").messages == ["wrote grey-chain.png  45x30"]
    save("flat.png", np.zeros((9, 9), np.uint8))
    assert done("conv:edge", "flat.png").messages == ["wrote flat-chain.png  7x7"]


def test_transparency_is_left_out_with_a_note():
    transparency = np.full((30, 45, 1), 255, np.uint8)
    save("opaque.png", np.dstack([PHOTO, transparency]))
    assert done("conv:edge", "opaque.png").messages == ["wrote opaque-chain.png  43x28"]
    transparency[3] = 254
    save("clear.png", np.dstack([PHOTO, transparency]))
    assert done("conv:edge", "clear.png").messages == [
        "warning: clear.png: its transparency is left out: the colours below count as they are",
        "wrote clear-chain.png  43x28",
    ]
    np.testing.assert_array_equal(load("clear-chain.png"), load("opaque-chain.png"))


# Contact sheets


def test_more_maps_make_a_contact_sheet_in_png():
    save("photo.jpg")
    expected = contact_sheet(maps(BANK, load("photo.jpg")), titles=TITLES).pixels
    height, width = expected.shape[:2]
    assert done(BANK, "photo.jpg").messages == [f"wrote photo-chain.png  {width}x{height}, 3 maps"]
    np.testing.assert_array_equal(load("photo-chain.png"), expected)
    done(BANK, "photo.jpg", "-o", "sheet.bmp")
    np.testing.assert_array_equal(load("sheet.bmp"), expected)


def test_options_reach_the_sheet():
    Path("names.txt").write_text("left to right\nup, down\nä\n\n", encoding="utf-8")
    done(
        BANK, "photo.png", "--colormap", "magma", "--scaling", "global", "--topk", "2", "--labels", "names.txt"
    )  # fmt: skip
    names = ["left to right", "up, down", "ä"]
    expected = contact_sheet(maps(BANK), colormap="magma", scaling="global", topk=2, titles=names)
    np.testing.assert_array_equal(load("photo-chain.png"), expected.pixels)
    done(BANK, "photo.png", "--no-labels", "--columns", "1", "--cell", "20", "-f")
    expected = contact_sheet(maps(BANK), labels=False, columns=1, cell=20)
    np.testing.assert_array_equal(load("photo-chain.png"), expected.pixels)


@pytest.mark.parametrize(
    ("stages", "names"),
    [
        ("gray,conv:sobel-x+sobel-y,relu,maxpool:2", ("sobel-x", "sobel-y")),
        ("conv:prewitt,conv:box", ("box, prewitt, red", "box, prewitt, green", "box, prewitt, blue")),
        ("gray,conv:sobel-x+sobel-y,magnitude", ("sobel-x+sobel-y",)),
        ("maxpool:2", ("red", "green", "blue")),
        ("conv:one.npy", ("one, red", "one, green", "one, blue")),
        ("conv:bank.npy:layout=oihw", None),
        ("depthwise:pair.npy", None),
        ("conv:box,softmax", None),
        ("gray", None),
    ],
)
def test_maps_are_called_by_their_kernels_and_colours(stages, names):
    np.save("one.npy", np.ones((2, 2), np.float32))
    np.save("bank.npy", np.ones((3, 3, 5, 5), np.float32))
    np.save("pair.npy", np.ones((6, 1, 2, 2), np.float32))
    assert map_names(Pipeline.parse(stages).plan(PHOTO.shape)) == names


@pytest.mark.parametrize("options", [["--maps", "sheet"], ["--colormap", "auto"], ["--scaling", "map"]])
def test_a_single_map_gets_a_sheet_with_a_legend_on_request(options):
    expected = contact_sheet(maps("conv:edge", GREY), titles=["edge"]).pixels
    height, width = expected.shape[:2]
    assert done("conv:edge", "grey.png", *options).messages == [f"wrote grey-chain.png  {width}x{height}, 1 map"]
    np.testing.assert_array_equal(load("grey-chain.png"), expected)


def test_notes_of_the_sheet_are_warnings():
    assert done(BANK, "photo.png", "-o", "a.png", "--range", "abs").messages[0] == (
        "warning: photo.png: --range abs is for plain pictures; this sheet of 3 maps goes without it"
    )
    save("flat.png", np.zeros((9, 9, 3), np.uint8))
    assert "dead" in done(BANK, "flat.png").messages[0]
    assert done(BANK, "flat.png", "-q", "-f").messages == []


# A file for each map


def test_each_map_is_coloured_on_the_scale_of_all():
    assert done(BANK, "photo.png", "--maps", "each", "--scaling", "global").messages == [
        "wrote photo-chain-0.png to photo-chain-2.png  43x28, 3 maps"
    ]
    values = maps(BANK)
    for index, plane in enumerate(values):
        expected = map_picture(plane, limits=finite_range(values)).pixels
        np.testing.assert_array_equal(load(f"photo-chain-{index}.png"), expected)


def test_each_map_is_coloured_on_its_own_scale():
    done(f"{BANK},abs", "photo.png", "--maps", "each")
    for index, plane in enumerate(maps(f"{BANK},abs")):
        np.testing.assert_array_equal(load(f"photo-chain-{index}.png"), map_picture(plane, colormap="viridis").pixels)


@pytest.mark.parametrize("scaling", ["map", "global"])
def test_each_map_is_a_plain_picture_with_a_range(scaling):
    save("photo.bmp")
    done(BANK, "photo.bmp", "--maps", "each", "--range", "normalize", "--scaling", scaling, "-o", "out/")
    assert sorted(path.name for path in Path("out").iterdir()) == [f"photo-chain-{i}.bmp" for i in range(3)]
    values = maps(BANK)
    for index, plane in enumerate(values):
        low, high = finite_range(values if scaling == "global" else plane)
        expected = np.rint((plane.astype(float) - low) * 255 / (high - low))
        np.testing.assert_array_equal(load(f"out/photo-chain-{index}.bmp"), expected)


def test_each_map_of_many_has_a_number_of_as_many_digits():
    np.save("bank.npy", np.arange(44, dtype=np.float32).reshape(11, 1, 2, 2) - 20)
    result = done("conv:bank.npy", "grey.png", "--maps", "each", "-o", "map.png")
    assert result.messages == ["wrote map-00.png to map-10.png  44x29, 11 maps"]
    assert [name for name in files() if name.startswith("map")] == [f"map-{i:02}.png" for i in range(11)]


def test_each_map_may_go_to_a_device():
    before = sorted(Path("/dev").iterdir())
    assert done(BANK, "photo.png", "--maps", "each", "-o", "/dev/null").messages == [
        "wrote /dev/null to /dev/null  43x28, 3 maps"
    ]
    assert sorted(Path("/dev").iterdir()) == before


def test_each_map_may_be_raw():
    done(BANK, "photo.png", "--maps", "each", "--format", "npy")
    for index, plane in enumerate(maps(BANK)):
        np.testing.assert_array_equal(np.load(f"photo-chain-{index}.npy"), plane)


def test_names_of_maps_are_claimed_before_any_work():
    Path("photo-chain-1.png").write_bytes(b"mine")
    assert refused(BANK, "photo.png", "--maps", "each") == "'photo-chain-1.png' exists already; --force overwrites it"
    done(BANK, "photo.png", "--maps", "each", "--force")
    assert load("photo-chain-1.png").shape == (28, 43, 3)
    line = refused(BANK, "photo-chain-1.png", "photo.png", "--maps", "each", "-f")
    assert line == (
        "the output 'photo-chain-1.png' is the input 'photo-chain-1.png', which is never overwritten; "
        "choose another name"
    )
    assert refused(BANK, "-", "--maps", "each") == (
        "standard output takes one picture, not one for each map; name a folder with -o"
    )
    assert refused(BANK, "photo.png", "-o", "-", "--maps", "each").startswith("standard output takes one picture")


def test_names_of_maps_from_standard_input_are_claimed_when_they_are_known():
    data = Path("photo.png").read_bytes()
    Path("x-1.png").write_bytes(b"mine")
    result = run("run", BANK, "-", "--maps", "each", "-o", "x.png", stdin=data)
    assert result.exit_code == 1
    assert result.messages == ["cnnfilter: error: standard input: 'x-1.png' exists already; --force overwrites it"]
    assert [name for name in files() if name.startswith("x")] == ["x-1.png"]
    assert done(BANK, "-", "--maps", "each", "-o", "y.png", stdin=data).messages == [
        "wrote y-0.png to y-2.png  43x28, 3 maps"
    ]


# Raw numbers


def test_arrays_keep_the_floats():
    values = maps(BANK)
    assert done(BANK, "photo.png", "-o", "maps.npy").messages == ["wrote maps.npy  3x28x43 float32"]
    np.testing.assert_array_equal(np.load("maps.npy"), values)
    done(BANK, "photo.png", "-o", "maps.npz")
    with np.load("maps.npz") as archive:
        np.testing.assert_array_equal(archive["maps"], values)
    done(BANK, "photo.png", "--format", "npz")
    assert Path("photo-chain.npz").read_bytes() == Path("maps.npz").read_bytes()
    done(BANK, "photo.png", "-o", "maps.tif")
    with Image.open("maps.tif") as tiff:
        for index, plane in enumerate(values):
            tiff.seek(index)
            np.testing.assert_array_equal(np.asarray(tiff), plane)
    assert tiff.n_frames == 3


def test_arrays_go_to_standard_output_too():
    result = done(BANK, "photo.png", "-o", "-", "--format", "npy")
    np.testing.assert_array_equal(np.load(io.BytesIO(result.data)), maps(BANK))


def test_an_array_gives_an_array_where_it_would_give_a_picture():
    values = np.random.default_rng(0).normal(size=(9, 8, 3)).astype(np.float32)
    np.save("x.npy", values)
    assert done("conv:sobel-x", "x.npy").messages == ["wrote x-chain.npy  3x7x6 float32"]
    np.testing.assert_array_equal(np.load("x-chain.npy"), maps("conv:sobel-x", values.transpose(2, 0, 1)))
    done("conv:sobel-x", "x.npy", "--range", "abs", "-o", "{name}-abs.{ext}")
    np.testing.assert_array_equal(np.load("x-abs.npy"), np.abs(np.load("x-chain.npy")).transpose(1, 2, 0))
    done("conv:sobel-x", "x.npy", "--maps", "sheet")
    assert load("x-chain.png").dtype == np.uint8
    np.save("ten.npy", GREY[..., None])
    done("conv:sobel-x", "ten.npy")
    np.testing.assert_array_equal(np.load("ten-chain.npy"), maps("conv:sobel-x", GREY))


def test_a_float_picture_stays_one():
    Image.fromarray(GREY.astype(np.float32) / 7).save("x.tif")
    done("conv:sobel-x", "x.tif")
    np.testing.assert_array_equal(load("x-chain.tif"), maps("conv:sobel-x", GREY.astype(np.float32) / 7)[0])


def test_numbers_typed_into_a_table_are_a_picture():
    Path("slide.csv").write_text("1,2,3\n4,5,6\n7,8,10\n")
    done("conv:0 1; 0 0", "slide.csv", "-o", "out.npy")
    assert np.load("out.npy").tolist() == [[[2, 3], [5, 6]]]
    message = "slide.csv: stage 1 (conv): window 5x5 does not fit in 3x3"
    assert failed("conv:box:size=5", "slide.csv").startswith(message)


# What is said


def test_verbose_tells_the_sizes():
    messages = done("gray,conv:box:padding=1,maxpool:2", "photo.png", "-v").messages
    assert messages[:4] == [
        "30x45x3  photo.png",
        "30x45x1  gray",
        "30x45x1  conv:box:padding=1",
        "15x22x1  maxpool:2",
    ]
    assert messages[4].startswith("wrote photo-chain.png  22x15 PNG, 0.")
    assert messages[4].endswith("% of values clipped")
    messages = done("gray", "photo.png", "-v", "-o", "-", "--format", "npy").messages
    assert messages[-1].startswith("wrote standard output  1x30x45 float32 NPY, 0.")


def test_json_is_a_line_for_each_input():
    result = run("run", BANK, "photo.png", "none.png", "--json", "--maps", "each")
    assert result.exit_code == 1
    good, bad = (json.loads(line) for line in result.out.splitlines())
    assert good.pop("seconds") > 0
    assert bad.pop("seconds") >= 0
    names = [f"photo-chain-{i}.png" for i in range(3)]
    assert good == {
        "input": "photo.png", "output": names, "size": [43, 28], "format": "PNG", "clipped": None, "notes": [],
        "skipped": False, "error": None, "shape": [28, 43, 3],
    }  # fmt: skip
    assert bad == {
        "input": "none.png", "output": None, "size": None, "format": None, "clipped": None, "notes": [],
        "skipped": False, "error": "no such file", "shape": None,
    }  # fmt: skip
    assert json.loads(done("gray", "photo.png", "--json").out)["output"] == "photo-chain.png"
    each = json.loads(done("gray", "photo.png", "--json", "-f", "--maps", "each").out)
    assert each["output"] == ["photo-chain-0.png"]


def test_a_pipe_carries_a_picture():
    with open("photo.png", "rb") as photo:  # noqa: PTH123  (a stream for a process)
        result = run_process("run", "conv:edge", "-", stdin=photo)
    assert result.exit_code == 0, result.err
    assert result.err == ""
    Path("out.png").write_bytes(result.data)
    np.testing.assert_array_equal(load("out.png"), apply(PHOTO, "edge", padding="valid"))


# Words that stand in two places


def test_the_words_of_the_options_are_those_of_the_library():
    offered = {param.name: param.type.choices for param in run_module.command.params
               if isinstance(param.type, click.Choice)}  # fmt: skip
    assert tuple(offered["colormap"]) == COLORMAPS
    assert tuple(offered["scaling"]) == SCALINGS


def test_the_help_names_the_formats_of_raw_numbers():
    assert "such as png, jpeg, npy, npz or csv." in " ".join(run("run", "--help").out.split())
    assert "such as png, jpeg, npy or csv." in " ".join(run("apply", "--help").out.split())


def test_the_help_names_every_stage():
    from cnnfilter.network.activations import ACTIVATIONS
    from cnnfilter.network.readers import READERS

    text = " ".join(run("run", "--help").out.split())
    assert all(name in text for name in READERS)
    assert all(known.formula in text for known in ACTIVATIONS.values())
    assert "leaky_relu:slope=0.01 x if x >= 0, else slope * x" in text
