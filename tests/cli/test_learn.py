"""`cnnfilter learn`: what it shows, what it writes, and what it refuses."""

import json
from pathlib import Path

import numpy as np
import pytest

from cnnfilter import learn_kernel, read
from tests.command import ROOT, done, failed, load, refused, run, save
from tests.terminals import Terminal

CAT = ROOT / "samples/chelsea.png"
CAMERA = ROOT / "samples/camera.png"
PAIR = ["before.png", "before.png"]


@pytest.fixture(autouse=True)
def _folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    save("before.png", load(CAT)[80:180, 100:230])
    save("grey.png", load(CAMERA)[200:280, 200:290])


def applied(kernel, source="before.png", output="after.png", *options):
    done("apply", kernel, source, "-o", output, *options)


@pytest.mark.parametrize("source", ["before.png", "grey.png"])
@pytest.mark.parametrize("channels", ["one", "each", "sum"])
@pytest.mark.parametrize("size", ["3", "5", "3x5"])
def test_what_it_writes_gives_after_back(source, channels, size):
    applied("sharpen", source, "after.png", "--bias", "12")
    result = done("learn", source, "after.png", "--size", size, "--channels", channels, "-o", "kernel.json")
    is_doubtful = (source, channels, size) == ("before.png", "sum", "3x5")  # as a bank of Keras, for five filters
    advice = "; its shape may be another's: take it with --layout oihw" if is_doubtful else ""
    assert result.messages == [f"wrote kernel.json  {size if 'x' in size else f'{size}x{size}'}{advice}"]
    applied("kernel.json", source, "back.png", *(["--layout", "oihw"] if is_doubtful else []))
    back, after = load("back.png"), load("after.png")
    inside = (slice(2, -2), slice(2, -2))
    assert back.shape == after.shape
    assert np.abs(back[inside].astype(int) - after[inside]).max() <= 1
    assert np.mean(back[inside] == after[inside]) > 0.99


def test_a_colour_picture_made_grey_is_a_sum():
    colours = np.asarray(read("before.png").pixels, float)
    save("after.png", np.rint(colours @ [0.299, 0.587, 0.114]).astype(np.uint8))
    result = done("learn", "before.png", "after.png", "--size", "1", "-o", "grey.json")
    assert result.out.startswith("kernel    1x1, 1 over 3 channels\n")
    applied("grey.json", "before.png", "back.png")
    np.testing.assert_array_equal(load("back.png"), load("after.png"))


def test_the_description():
    applied("box", output="after.png")
    result = done("learn", "before.png", "after.png", "--size", "3")
    assert result.err == ""
    learned = learn_kernel(read("before.png"), read("after.png"), 3)
    names = [line.split()[0] for line in result.out.splitlines() if not line.startswith(" ")]
    assert names == ["kernel", "matrix", "bias", "error", "pixels", "residual", "rounded", "nearest"]
    assert (
        f"residual  RMS {learned.rms:.3g}, largest {learned.residual.largest:.3g}, PSNR {learned.psnr:.1f} dB"
        in result.out
    )
    assert f"pixels    {learned.pixels:,}" in result.out
    assert f"error     standard error of a weight, at most {learned.certainty.max():.2g}" in result.out
    assert f"nearest   box; the largest difference of a weight is {learned.nearest.largest:.2g}" in result.out


def test_an_exact_kernel_is_told_as_exact():
    applied("sharpen", "grey.png")
    lines = done("learn", "grey.png", "after.png", "--size", "3").out.splitlines()
    assert lines[:5] == [
        "kernel    3x3, one for all channels",
        "matrix     0 -1  0",
        "          -1  5 -1",
        "           0 -1  0",
        "bias      0 (standard error 0)",
    ]
    assert lines[-3:] == [
        "residual  RMS 0, largest 0, PSNR inf dB",
        "rounded   100% of the pixels are those of AFTER",
        "nearest   sharpen; the largest difference of a weight is 0",
    ]


def test_a_kernel_that_has_no_name_and_one_that_is_turned_are_told():
    applied("2 4 1; 0 0 0; 0 -7 1", "grey.png", "after.npy", "--depth", "float")
    assert "nearest   no kernel with a name is like it" in done("learn", "grey.png", "after.npy", "--size", "3").out
    applied("emboss", "grey.png", "turned.npy", "--depth", "float", "--true-convolution", "--scale", "l1")
    shown = done("learn", "grey.png", "turned.npy", "--size", "3").out
    assert "nearest   emboss turned by 180 degrees (apply --true-convolution) times 0.1111; the largest" in shown
    assert "rounded" not in shown


def test_matrices_of_many_filters_are_cut_short():
    applied("box")
    shown = done("learn", "before.png", "after.png", "--size", "2", "--channels", "each").out
    assert shown.count("filter ") == 3
    assert "filter 2  for channel 2\n" in shown
    planes = np.random.default_rng(1).integers(1, 255, (40, 40, 4), dtype=np.uint8)
    np.save("four.npy", planes.astype(np.float32))
    shown = done("learn", "four.npy", "four.npy", "--size", "1", "--channels", "sum").out
    assert "filter 2  for channel 2, over channel 0\n" in shown
    assert "more      7 matrices; --json has them all" in shown


def test_json_has_all_numbers():
    applied("gaussian")
    learned = learn_kernel(read("before.png"), read("after.png"), 3)
    data = json.loads(
        done("learn", "before.png", "after.png", "--size", "3", "--json", "--descent", "--steps", "3").out
    )
    assert data["inputs"] == ["before.png", "after.png"]
    np.testing.assert_array_equal(np.float32(data["kernel"]), learned.kernel)
    np.testing.assert_allclose(data["certainty"], learned.certainty)
    assert np.float32(data["bias"]) == learned.biases
    assert (data["rms"], data["psnr"], data["pixels"]) == (learned.rms, learned.psnr, learned.pixels)
    assert data["same"] == learned.residual.same / learned.residual.pixels
    assert data["nearest"]["name"] == "gaussian"
    assert (data["shift"], data["notes"], data["output"]) == ([0, 0], [], None)
    assert [each["step"] for each in data["descent"]] == [0, 1, 2, 3]
    assert data["descent"][0]["kernel"] == [[0, 0, 0]] * 3


def test_json_has_null_for_what_is_infinite():
    save("ramp.png", np.tile(np.arange(1, 201, dtype=np.uint8), (30, 1)))
    np.save("ramp.npy", load("ramp.png").astype(np.float32))
    result = done("learn", "ramp.png", "ramp.png", "--size", "3", "--json")
    data = json.loads(result.out)
    assert data["certainty"] == [[None] * 3] * 3
    assert result.err.startswith("warning: the pictures tell only 1 of 9 weights apart")
    applied("sharpen", "grey.png")
    data = json.loads(done("learn", "grey.png", "after.png", "--json").out)
    assert data["psnr"] is None
    data = json.loads(done("learn", "before.png", "before.png", "--json", "--channels", "each", "--size", "1").out)
    assert data["nearest"] is None
    applied("sharpen", "grey.png", "after.npy", "--depth", "float")
    assert json.loads(done("learn", "grey.png", "after.npy", "--json").out)["same"] is None


def test_the_descent_is_shown_step_by_step():
    applied("box", "grey.png")
    out = done("learn", "grey.png", "after.png", "--size", "2x1", "--descent", "--steps", "2").out
    table = out[out.index("STEP") :].splitlines()
    assert table[0].split() == ["STEP", "MSE", "KERNEL"]
    learned = learn_kernel(read("grey.png"), read("after.png"), (2, 1))
    steps = learned.descent(2)
    assert [line.split()[:2] for line in table[1::2]] == [
        *([str(each.number), f"{each.mse:.6g}"] for each in steps),
        ["closed", "form"],
    ]
    assert table[7].split()[2] == f"{learned.rms**2:.6g}"
    assert float(table[-1]) == pytest.approx(learned.kernel[1, 0], abs=1e-3)


def test_the_descent_of_a_sum_is_shown_too():
    colours = np.asarray(read("before.png").pixels, float)
    save("after.png", np.rint(colours.mean(axis=2)).astype(np.uint8))
    out = done("learn", "before.png", "after.png", "--size", "1", "--descent", "--steps", "1").out
    assert out[out.index("STEP") :].count("\n") == 10


def test_several_pairs():
    applied("box")
    applied("box", "before.png", "other.png")
    result = done("learn", "before.png", "after.png", "before.png", "other.png", "--size", "3", "-o", "k.json")
    assert result.messages == ["wrote k.json  3x3"]
    assert f"pixels    {2 * 98 * 128 * 3:,}" in result.out


def test_a_terminal_is_told_that_it_compiles(tmp_path):
    applied("box")
    shown = Terminal(what=b"", columns=80)
    (tmp_path / "cache").mkdir()
    code = shown.run(
        tmp_path, "learn", "before.png", "after.png", "--size", "3", CNNFILTER_CACHE_DIR=str(tmp_path / "cache")
    )  # fmt: skip
    assert code == 0
    assert shown.shown.decode().count("compiling for this machine, which takes a few seconds") == 1


def test_standard_input_and_output():
    applied("sharpen", "grey.png")
    done("learn", "grey.png", "after.png", "--size", "3", "-o", "kernel.json")
    for names, given in [(["grey.png", "-"], "after.png"), (["-", "after.png"], "grey.png")]:
        result = done("learn", *names, "--size", "3", "-o", "-", stdin=Path(given).read_bytes())
        assert result.messages == []
        assert result.out == Path("kernel.json").read_text(encoding="utf-8")
    result = run("learn", "before.png", "-", stdin=Path("grey.png").read_bytes())
    assert result.messages[0].startswith("cnnfilter: error: before.png is 130x100 and standard input 90x80; a kernel")
    clear = np.random.default_rng(2).integers(1, 255, (30, 30, 4), dtype=np.uint8)
    save("clear.png", clear)
    messages = done("learn", "clear.png", "-", "--size", "1", stdin=Path("clear.png").read_bytes()).messages
    assert messages[1] == "warning: standard input: transparency is left out"
    assert failed("grey.png", "-", command="learn", stdin=b"") == "standard input: empty file"
    result = run("learn", *PAIR, "-o", "-", "--json")
    assert (result.exit_code, result.err) == (
        2, "cnnfilter: error: -o - and --json both print to standard output; give one of them; see cnnfilter learn "
        "--help\n",
    )  # fmt: skip


def test_transparency_is_left_out_with_a_word():
    pixels = np.random.default_rng(2).integers(1, 255, (30, 30, 4), dtype=np.uint8)
    save("clear.png", pixels)
    applied("box", "clear.png")
    messages = run("learn", "clear.png", "after.png", "--size", "3").messages
    assert messages[:2] == [f"warning: {name}: transparency is left out" for name in ("clear.png", "after.png")]


def test_pictures_that_cannot_be_read_are_all_named():
    assert failed("before.png", "gone.png", command="learn") == "gone.png: no such file"
    result = run("learn", "a.png", "b.png", "--json")
    assert result.exit_code == 1
    assert [json.loads(line) for line in result.out.splitlines()] == [
        {"input": name, "error": "no such file"} for name in ("a.png", "b.png")
    ]


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["before.png"], "pictures come in pairs, BEFORE AFTER, and 'before.png' has no partner; see"),
        (["before.png", "grey.png"], "before.png is 130x100 and grey.png 90x80; a kernel is learned from"),
        ([*PAIR, "-o", "k.png"], "-o writes the kernel as text, and 'k.png' does not end in .json"),
        ([*PAIR, "-o", "{x}.json"], "unknown field {x} in -o; did you mean ext? (known: {name}, "),
        ([*PAIR, "-o", "old.json"], "'old.json' exists already; --force overwrites it"),
        ([*PAIR, "-o", "no/new.json"], "there is no folder 'no' for the output 'new.json'"),
        ([*PAIR, "--steps", "3"], "--steps is for gradient descent; it needs --descent; see cnnfilter learn --help"),
        ([*PAIR, "--rate", "3"], "--rate is for gradient descent; it needs --descent; see cnnfilter learn --help"),
        ([*PAIR, "--size", "60"], "--size 60x60 makes 3600 weights of one filter (at most 1024)"),
        (["file:///b.png", "before.png"], "the address file:///b.png: it is of this machine: give its path"),
        (["-", "-"], "standard input can be read only once"),
        ([], "Missing argument 'BEFORE AFTER [BEFORE AFTER]...'; see cnnfilter learn --help"),
    ],
)  # fmt: skip
def test_what_cannot_be_done_is_refused(arguments, line):
    Path("old.json").write_text("kept", encoding="utf-8")
    assert refused(*arguments, command="learn").startswith(line)


def test_force_overwrites():
    save("old.json", np.zeros((3, 3), np.uint8), format="PNG")
    done("learn", "before.png", "before.png", "--size", "1", "-f", "-o", "old.json")
    assert json.loads(Path("old.json").read_text(encoding="utf-8"))["weight"] == [[1.0]]
