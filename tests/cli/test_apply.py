import json
from pathlib import Path

import click
import cv2
import numpy as np
import pytest
from PIL import Image

from cnnfilter.cli import apply as apply_module
from cnnfilter.cli import options, report
from cnnfilter.imaging.formats import DEFAULT_MAX_PIXELS
from cnnfilter.imaging.mapping import RANGES
from cnnfilter.kernels.scaling import SCALES
from cnnfilter.results.pictures import ALPHA
from cnnfilter.weights.layouts import LAYOUTS
from tests.command import PHOTO, failed, files, load, refused, run, run_process, save

EDGE = np.array([[-1, -1, -1], [-1, 8, -1], [-1, -1, -1]], np.float32)
SOBEL_X = np.array([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]], np.float32)


@pytest.fixture(autouse=True)
def _photo(tmp_path, monkeypatch):
    """Work in a folder that holds one photo."""
    monkeypatch.chdir(tmp_path)
    save("photo.png")


def opencv(kernel, array=PHOTO):
    return cv2.filter2D(array, -1, kernel, borderType=cv2.BORDER_REPLICATE)


# What is done


def test_a_photo_is_filtered_and_the_output_named():
    result = run("apply", "edge", "photo.png")
    assert result.exit_code == 0, result.err
    assert result.messages == ["wrote photo-edge.png  45x30"]
    assert result.data == b""
    np.testing.assert_array_equal(load("photo-edge.png"), opencv(EDGE))
    assert files() == ["photo-edge.png", "photo.png"]


@pytest.mark.parametrize("place", ["first", "after options", "after values"])
def test_a_matrix_may_begin_with_a_minus(place):
    matrix = "-1 0 1; -2 0 2; -1 0 1"
    arguments = {
        "first": [matrix, "photo.png", "-o", "out.png"],
        "after options": ["-fq", "--strip", matrix, "-oout.png", "photo.png"],
        "after values": ["--bias", "-0", "-fo", "out.png", "--padding=same", matrix, "photo.png"],
    }[place]
    result = run("apply", *arguments)
    assert result.exit_code == 0, result.err
    np.testing.assert_array_equal(load("out.png"), opencv(SOBEL_X))


@pytest.mark.parametrize(
    "matrix",
    [
        "-1",
        "-.5 1",
        "-1,0,1",
        "-1/2 0; 0 1/2",
        "-0.5 0 0.5",
        "-0 1",
        "-0,1;1,0",
        "-0.",
        "-[1]"[1:],
        "\N{MINUS SIGN}0.5 1",
        "3x1:-1,0,1",
        " -0.5 1",
    ],
)
def test_any_matrix_may_begin_with_a_minus(matrix):
    result = run("apply", matrix, "photo.png")
    assert result.exit_code == 0, result.err
    assert result.messages[-1] == "wrote photo-custom.png  45x30"


def test_a_matrix_is_no_option_but_an_option_is_none_either():
    assert refused("-x", "edge", "photo.png").startswith("No such option")
    assert refused("edge", "-9.png").startswith("No such option")
    assert refused("-o").startswith("Option '-o' requires an argument")
    assert refused("-0", "photo.png") == "Missing argument 'INPUT...'; see cnnfilter apply --help"
    result = run("apply", "--", "-0.5 0 1", "photo.png")
    assert result.exit_code == 0, result.err


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--stride", "2x1"], opencv(EDGE)[1::2]),
        (["--padding", "valid"], opencv(EDGE)[1:-1, 1:-1]),
        (["--border", "mirror"], cv2.filter2D(PHOTO, -1, EDGE, borderType=cv2.BORDER_REFLECT_101)),
        (["--bias", "-20.5"], cv2.filter2D(PHOTO, -1, EDGE, delta=-20.5, borderType=cv2.BORDER_REPLICATE)),
    ],
)
def test_options_reach_the_filter(arguments, expected):
    result = run("apply", "edge", "photo.png", *arguments, "-o", "out.png")
    assert result.exit_code == 0, result.err
    np.testing.assert_array_equal(load("out.png"), expected)


def test_true_convolution_range_scale_and_dilation_reach_the_filter():
    plain = opencv(SOBEL_X.astype(np.float32), PHOTO.astype(np.float32))
    run("apply", "sobel-x", "photo.png", "--true-convolution", "-o", "flipped.png")
    np.testing.assert_array_equal(load("flipped.png"), np.clip(-plain, 0, 255).astype(np.uint8))
    run("apply", "sobel-x", "photo.png", "--range", "abs", "-o", "abs.png")
    np.testing.assert_array_equal(load("abs.png"), np.clip(abs(plain), 0, 255).astype(np.uint8))
    run("apply", "sobel-x", "photo.png", "--scale", "l1", "-o", "scaled.png")
    np.testing.assert_array_equal(load("scaled.png"), np.clip(np.rint(plain / 8), 0, 255).astype(np.uint8))
    run("apply", "0 0 1", "photo.png", "--dilation", "5", "-o", "shifted.png")
    np.testing.assert_array_equal(load("shifted.png")[:, :-5], PHOTO[:, 5:])


def test_pipes_carry_pictures():
    result = run("apply", "edge", "-", stdin=Path("photo.png").read_bytes())
    assert result.exit_code == 0, result.err
    assert result.err == ""
    Path("out.png").write_bytes(result.data)
    np.testing.assert_array_equal(load("out.png"), opencv(EDGE))

    result = run("apply", "edge", "photo.png", "-o", "-", "--format", "bmp", "-v")
    assert result.exit_code == 0, result.err
    assert result.data.startswith(b"BM")
    assert result.messages[0].startswith("wrote standard output  45x30 BMP, ")


def test_a_process_filters_in_a_pipe():
    with open("photo.png", "rb") as photo:  # noqa: PTH123  (a stream for a process)
        result = run_process("apply", "edge", "-", stdin=photo)
    assert result.exit_code == 0, result.err
    assert result.err == ""
    assert result.data == run("apply", "edge", "-", stdin=Path("photo.png").read_bytes()).data


def test_alpha_may_be_kept_dropped_or_filtered():
    transparency = np.full((30, 45, 1), 255, np.uint8)
    transparency[10:20] = 0
    save("clear.png", np.dstack([PHOTO, transparency]))
    shapes = {}
    for alpha in ("keep", "drop", "filter"):
        result = run("apply", "box", "clear.png", "--alpha", alpha, "-o", f"{alpha}.png")
        assert result.exit_code == 0, result.err
        shapes[alpha] = load(f"{alpha}.png")
    np.testing.assert_array_equal(shapes["keep"][..., 3:], transparency)
    np.testing.assert_array_equal(shapes["drop"], opencv(np.full((3, 3), 1 / 9, np.float32)))
    assert shapes["filter"][9, 0, 3] == 170
    np.testing.assert_array_equal(shapes["filter"][..., :3], shapes["drop"])


def test_sixteen_bit_colour_needs_depth_8():
    cv2.imwrite("deep.png", PHOTO.astype(np.uint16) * 257)
    assert failed("edge", "deep.png") == (
        "deep.png: 16-bit colour can only be read reduced to 8 bits; --depth 8 accepts that"
    )
    result = run("apply", "identity", "deep.png", "--depth", "8")
    assert result.exit_code == 0, result.err
    np.testing.assert_array_equal(load("deep-identity.png"), PHOTO[..., ::-1])


def test_save_options_reach_the_encoder():
    run("apply", "edge", "photo.png", "--save-option", "quality=10", "-o", "low.jpg")
    run("apply", "edge", "photo.png", "--save-option", "quality=95", "-o", "high.jpg")
    assert Path("low.jpg").stat().st_size < Path("high.jpg").stat().st_size / 2
    message = "PNG has no save option 'quality' (has: compress_level, compress_type, optimize)"
    assert refused("edge", "photo.png", "--save-option", "quality=80") == f"photo.png: {message}"
    assert refused("edge", "photo.png", "--save-option", "quality=80", "-o", "a.png") == message
    assert refused("edge", "photo.png", "--save-option", "quality") == (
        "--save-option takes KEY=VALUE, such as quality=80, not 'quality'"
    )


def test_an_archive_of_arrays_is_for_chains():
    message = "an .npz holds the values of a chain, and no picture; write .npy"
    assert refused("edge", "photo.png", "-o", "out.npz") == f"'out.npz': {message}"
    assert refused("edge", "photo.png", "--format", "npz") == message


def test_a_kernel_may_be_a_file():
    np.savez("net.npz", conv1=EDGE, conv2=np.ones((3, 3)))
    result = run("apply", "net.npz", "photo.png", "--kernel-name", "conv1")
    assert result.exit_code == 0, result.err
    assert result.messages == ["wrote photo-net.png  45x30"]
    np.testing.assert_array_equal(load("photo-net.png"), opencv(EDGE))


def test_a_layout_tells_the_axes_apart():
    weight = np.zeros((3, 3, 3, 1), np.float32)
    weight[1, 1, 0] = 1
    np.save("red.npy", weight)
    result = run("apply", "red.npy", "photo.png", "--layout", "hwio")
    assert result.exit_code == 0, result.err
    np.testing.assert_array_equal(load("photo-red.png"), PHOTO[..., 0])


def test_a_bank_of_many_filters_fails_and_names_run():
    np.save("bank.npy", np.ones((5, 2, 2), np.float32))
    line = failed("bank.npy", "photo.png")
    assert line.startswith("photo.png: ")
    assert "run" in line


# What is said


def test_several_inputs_end_in_a_count():
    save("b.png")
    result = run("apply", "edge", "photo.png", "b.png", "-o", "out")
    assert result.exit_code == 0, result.err
    assert result.messages == [
        "wrote out/photo-edge.png  45x30",
        "wrote out/b-edge.png  45x30",
        "2 written",
    ]


def test_one_bad_input_among_good_ones():
    save("c.png")
    Path("bad.png").write_text("text")
    result = run("apply", "edge", "photo.png", "bad.png", "none.png", "c.png")
    assert result.exit_code == 1
    assert result.messages[0] == "wrote photo-edge.png  45x30"
    assert result.messages[1].startswith("cnnfilter: error: bad.png: not a picture")
    assert result.messages[2:] == [
        "cnnfilter: error: none.png: no such file",
        "wrote c-edge.png  45x30",
        "2 written, 2 failed",
    ]


def test_quiet_says_errors_only():
    save("b.png")
    result = run("apply", "edge", "photo.png", "b.png", "none.png", "-q")
    assert result.exit_code == 1
    assert result.messages == ["cnnfilter: error: none.png: no such file"]


def test_verbose_tells_format_time_and_clipping():
    result = run("apply", "0 0 0; 0 2 0; 0 0 0", "photo.png", "-v")
    assert result.exit_code == 0, result.err
    (line,) = result.messages
    share = f"{np.mean(PHOTO > 127):.1%}"
    assert line.startswith("wrote photo-custom.png  45x30 PNG, 0.")
    assert line.endswith(f" s, {share} of values clipped")


def test_verbose_leaves_out_what_was_not_counted():
    from cnnfilter.batch.events import Event
    from cnnfilter.batch.plan import Job

    event = Event(Job(Path("a"), Path("b")), 0.5, (Path("b"),), (4, 3), "PNG")
    assert report.success(event, verbose=True) == "wrote b  4x3 PNG, 0.50 s"


def test_json_is_a_line_for_each_input_on_standard_output():
    result = run("apply", "edge", "photo.png", "none.png", "--json")
    assert result.exit_code == 1
    assert result.messages == ["cnnfilter: error: none.png: no such file", "1 written, 1 failed"]
    good, bad = (json.loads(line) for line in result.out.splitlines())
    assert good.pop("seconds") > 0
    assert bad.pop("seconds") >= 0
    assert good == {
        "input": "photo.png", "output": "photo-edge.png", "size": [45, 30], "format": "PNG", "clipped": None,
        "notes": [], "skipped": False, "error": None,
    }  # fmt: skip
    assert bad == {
        "input": "none.png", "output": None, "size": None, "format": None, "clipped": None, "notes": [],
        "skipped": False, "error": "no such file",
    }  # fmt: skip
    result = run("apply", "edge", "-", "-o", "out.png", "--json", stdin=Path("photo.png").read_bytes())
    assert json.loads(result.out)["input"] == "-"


def test_json_has_what_verbose_counts_and_the_notes():
    frames = [Image.fromarray(PHOTO[..., 0]), Image.fromarray(PHOTO[..., 1])]
    frames[0].save("moving.gif", save_all=True, append_images=frames[1:])
    result = run("apply", "0 0 0; 0 2 0; 0 0 0", "moving.gif", "--json", "-v")
    record = json.loads(result.out)
    assert record["clipped"] == pytest.approx(np.mean(PHOTO[..., 0] > 127))
    assert record["notes"] == ["first of 2 frames; --frame picks another, counted from 0, or all"]


def test_notes_about_a_picture_are_warnings():
    frames = [Image.fromarray(PHOTO[..., 0]), Image.fromarray(PHOTO[..., 1])]
    frames[0].save("moving.gif", save_all=True, append_images=frames[1:])
    result = run("apply", "edge", "moving.gif", "-o", "out.png")
    assert result.exit_code == 0, result.err
    assert result.messages == [
        "warning: moving.gif: first of 2 frames; --frame picks another, counted from 0, or all",
        "wrote out.png  45x30",
    ]
    assert run("apply", "edge", "moving.gif", "-o", "out.png", "-f", "-q").messages == []
    assert run("apply", "edge", "moving.gif", "-o", "out.png", "-f", "--frame", "1").messages == [
        "wrote out.png  45x30"
    ]


def test_a_defect_met_in_a_picture_shows_its_traceback_on_request(monkeypatch):
    def fail(*arguments, **keywords):
        return 1 // 0

    monkeypatch.setattr("cnnfilter.results.pictures.FilterTask.transform", fail)
    assert failed("edge", "photo.png") == (
        "photo.png: internal error, please report it: ZeroDivisionError: integer division or modulo by zero"
    )
    monkeypatch.setenv("CNNFILTER_DEBUG", "1")
    assert "Traceback (most recent call last):" in run("apply", "edge", "photo.png").messages


# Words that stand in two places


def test_the_words_of_the_options_are_those_of_the_library():
    offered = {param.name: param.type.choices for param in apply_module.command.params
               if isinstance(param.type, click.Choice)}  # fmt: skip
    assert tuple(offered["range_"]) == RANGES
    assert tuple(offered["alpha"]) == ALPHA
    assert tuple(offered["scale"]) == SCALES
    assert tuple(offered["layout"]) == tuple(LAYOUTS)


def test_the_defaults_in_the_help_are_true():
    text = " ".join(run("apply", "--help").out.split())
    assert f"[default: {DEFAULT_MAX_PIXELS}]" in text
    assert options.Parsed("X", int).convert(5, None, None) == 5
