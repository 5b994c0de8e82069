import json

import numpy as np
import pytest
from PIL import Image

from tests.command import PHOTO, done, failed, files, load, refused, run, save


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    save("photo.png")
    return tmp_path


def field_of(*arguments):
    """What `run --field --json` tells, and what `explain --json` does."""
    (line,) = done("run", *arguments, "--json", "-o", "told.png", "--force").out.splitlines()
    return json.loads(line)


def check(pixels, source, record):
    """The field is untouched, next to it there is a white line, and a black one, and the rest is dark."""
    corners = record["receptive_field"]["corners"]
    (top, left), (bottom, right) = corners[0], corners[-1]
    rows, columns = np.arange(source.shape[0])[:, None], np.arange(source.shape[1])[None]
    away = np.maximum.reduce(np.broadcast_arrays(top - rows, rows - bottom, left - columns, columns - right))
    assert (pixels[away <= 0] == source[away <= 0]).all()
    assert (pixels[away == 1] == np.iinfo(source.dtype).max).all()
    assert (pixels[away == 2] == 0).all()
    assert (pixels[away > 2] == (source[away > 2] * np.float32(0.4)).astype(source.dtype)).all()
    return (away == 1).any()


@pytest.mark.parametrize(
    ("stages", "place"),
    [
        ("conv:sobel,relu,maxpool:2", "4,7,1"),
        ("gray,conv:3@3x3:padding=1:random=1,relu,maxpool:2,conv:3@3x3:padding=1:random=1", "0,0"),
        ("gray,conv:3@3x3:padding=1:random=1,relu,maxpool:2,conv:3@3x3:padding=1:random=1", "14,21,2"),
        ("relu:as=x,conv:box:padding=1,conv:box:padding=1,concat:x", "9,9,5"),
        ("relu:as=x,conv:box:padding=1,conv:box:padding=1,concat:x", "9,9,1"),
        ("resize:20x30,crop:10x10,conv:sobel-x:dilation=2", "2,3"),
        ("convtranspose:1 2 3; 4 5 6; 7 8 9:stride=3,upsample:1.5:mode=bilinear", "50,60"),
    ],
)
def test_the_field_is_the_record_s(stages, place):
    record = field_of(stages, "photo.png", "--field", place)
    wanted = json.loads(done("explain", stages, "photo.png", "--at", place, "--json").out)
    assert record["receptive_field"] == wanted["receptive_field"]
    assert record["at"] == [int(each) for each in place.split(",")]
    assert check(load("told.png"), PHOTO, record)
    assert record["size"] == [45, 30]


def test_sizes_need_no_weights_and_a_node_is_named():
    record = field_of("conv:8@3x3:as=one,relu,conv:8@3x3,globalavgpool,flatten,dense:3", "photo.png",
                      "--node", "one", "--field", "3,4")  # fmt: skip
    assert record["receptive_field"]["rows"] == [3, 5]
    result = done("run", "conv:8@3x3:as=one,relu", "photo.png", "--node", "one", "--field", "3,4")
    assert result.messages == ["wrote photo-field-one.png  45x30, receptive field 3x3, rows 3 to 5, columns 4 to 6"]
    assert files() == ["photo-field-one.png", "photo.png", "told.png"]


def test_nothing_is_overwritten_without_force():
    done("run", "conv:box", "photo.png", "--field", "1,1")
    before = load("photo-field.png")
    assert "photo-field.png" in refused("conv:box", "photo.png", "--field", "2,2", command="run")
    assert (load("photo-field.png") == before).all()
    done("run", "conv:box", "photo.png", "--field", "2,2", "--force")
    assert (load("photo-field.png") != before).any()


def test_what_is_padding_is_told():
    result = done("run", "conv:box:size=5:padding=2", "photo.png", "--field", "0,1", "-o", "f.png")
    assert result.messages == [
        "warning: photo.png: 13 of the 25 samples of the field are padding, and not of the picture",
        "wrote f.png  45x30, receptive field 5x5, rows -2 to 2, columns -1 to 3",
    ]
    result = done("run", "pad:9,abs", "photo.png", "--field", "0,0", "-o", "g.png")
    assert "warning: photo.png: the value depends on nothing in the picture: all that it sees is padding" in result.err
    assert (load("g.png") == (PHOTO * np.float32(0.4)).astype(np.uint8)).all()
    result = done("run", "convtranspose:[1]:stride=3", "photo.png", "--field", "1,0", "-o", "i.png")
    assert result.messages[-1] == "wrote i.png  45x30, receptive field none"
    result = done("run", "flatten,dense:2", "photo.png", "--field", "1", "-o", "h.png")
    assert "the field holds the whole picture, so that no line is around it" in result.err
    assert (load("h.png") == PHOTO).all()


def test_a_picture_keeps_its_depth_and_its_transparency():
    deep = PHOTO[..., 0].astype(np.uint16) * 257
    Image.fromarray(deep).save("deep.tif")
    done("run", "conv:box", "deep.tif", "--field", "5,6")
    assert load("deep-field.tif").dtype == np.uint16
    record = field_of("conv:box", "deep.tif", "--field", "5,6")
    assert check(load("told.png").astype(np.uint16), deep, record)
    clear = np.dstack([PHOTO, PHOTO[..., :1]])
    save("clear.png", clear)
    done("run", "conv:box", "clear.png", "--field", "5,6")
    assert (load("clear-field.png")[..., 3] == clear[..., 3]).all()


def test_floats_stay_floats_where_the_format_has_them():
    values = PHOTO[..., 0] / np.float32(100)
    Image.fromarray(values).save("floats.tif")
    done("run", "conv:box", "floats.tif", "--field", "5,6")
    kept = load("floats-field.tif")
    assert kept.dtype == np.float32
    assert (kept[5:8, 6:9] == values[5:8, 6:9]).all()
    assert kept[4, 5] == values.max()
    np.save("floats.npy", values)
    done("run", "conv:box", "floats.npy", "--field", "5,6")
    shown = load("floats-field.png")
    assert shown.dtype == np.uint8
    assert (shown[4, 5], shown[3, 4]) == (255, 0)
    spread = (values - 0) * 255 / values.max()
    np.testing.assert_allclose(shown[5:8, 6:9], spread[5:8, 6:9], atol=0.51)
    np.save("bytes.npy", PHOTO)
    done("run", "conv:box", "bytes.npy", "--field", "5,6")
    assert (load("bytes-field.png")[5:8, 6:9] == PHOTO[5:8, 6:9]).all()


def test_a_small_picture_is_enlarged_with_the_line_around_its_squares():
    save("small.png", PHOTO[:6, :7])
    done("run", "conv:box", "small.png", "--field", "1,2", "--enlarge", "9", "-o", "f.png")
    pixels = load("f.png")
    assert pixels.shape == (54, 63, 3)
    large = np.kron(PHOTO[:6, :7], np.ones((9, 9, 1), np.uint8))
    assert (pixels[9:36, 18:45] == large[9:36, 18:45]).all()
    assert (pixels[8, 17:46] == 255).all()
    assert (pixels[36, 17:46] == 255).all()
    done("run", "conv:box", "small.png", "--field", "1,2", "--enlarge", "31", "--beside", "--numbers", "-o", "g.png")
    assert load("g.png").shape[1] > 2 * 7 * 31


def test_several_pictures_and_frames():
    save("other.png", PHOTO[:20, :20])
    result = run("run", "conv:box", "photo.png", "other.png", "--field", "25,3", "-o", "out/")
    assert result.exit_code == 1
    assert result.messages[1] == (
        "cnnfilter: error: other.png: no value at 25,3: the result is 18x18x3, rows 0 to 17, columns 0 to 17, maps 0 "
        "to 2"
    )
    frames = [Image.fromarray(PHOTO[i:, :20]).resize((20, 20)) for i in range(2)]
    frames[0].save("two.gif", save_all=True, append_images=frames[1:])
    done("run", "conv:box", "two.gif", "--frame", "all", "--field", "2,2", "-o", "two-field.gif")
    with Image.open("two-field.gif") as image:
        assert image.n_frames == 2
    (line,) = run("run", "conv:box", "other.png", "--field", "25,3", "--json").out.splitlines()
    assert json.loads(line)["receptive_field"] is None


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (
            ["--colormap", "gray"],
            "--colormap is for results, and --field marks the picture itself; leave one of them out",
        ),
        (["--in-place"], "--in-place is for results"),
        (["--depth", "float"], "--depth float is for results"),
        (["--top", "3"], "--top is for results"),
        (["--maps", "each"], "--maps each is for results"),
        (["--node", "1", "--node", "2"], "--field marks what one value sees; name one --node"),
        (["-o", "f.npy"], "NPY keeps the numbers themselves, and --field is for pictures; leave one of them out"),
    ],
)
def test_what_does_not_go_with_it(arguments, text):
    assert text in refused("relu,conv:box", "photo.png", "--field", "1,1", *arguments, command="run")


def test_a_place_is_whole_numbers():
    assert refused("relu", "photo.png", "--field", "1 2", command="run") == (
        "--field takes ROW,COL or ROW,COL,MAP, or the index in a vector, not '1 2'"
    )
    assert failed("relu", "photo.png", "--field", "1,2,9", command="run").startswith("photo.png: no value at 1,2,9")
