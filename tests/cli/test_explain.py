import json
import re
import sys
from pathlib import Path

import numpy as np
import pytest

from cnnfilter.cli import render
from cnnfilter.errors import PictureError
from cnnfilter.imaging.formats import FORMATS
from cnnfilter.pipeline import Pipeline
from tests.command import PHOTO, ROOT, load, run, save

SLIDE = "1,0,1,0,1\n1,0,0,1,1\n0,1,1,0,0\n1,0,0,1,0\n0,0,1,1,0\n"
CAMERA = ROOT / "samples" / "camera.png"


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "slide.csv").write_text(SLIDE)
    (tmp_path / "signed.csv").write_text("-1,0.5,0\n2,-0.25,1\n0,0,4\n")
    generator = np.random.default_rng(8)
    np.savez(
        "net.npz",
        **{
            "one.weight": generator.integers(-3, 4, (4, 5, 2, 2)).astype(np.float32),
            "one.bias": np.float32([0, 1, -2, 3]),
            "rgb.weight": generator.integers(-3, 4, (5, 3, 3, 3)).astype(np.float32),
            "fc.weight": generator.integers(-3, 4, (3, 25)).astype(np.float32),
            "fc.bias": np.float32([0, -1, 2]),
            "few.weight": np.float32([[1, 0, -1], [2, 2, 2]]),
        },
    )
    return tmp_path


def shown(*arguments, note="", **keywords):
    result = run("explain", *arguments, **keywords)
    assert result.exit_code == 0, result.err
    assert result.err == note
    assert all(line == line.rstrip() for line in result.out.splitlines())
    check_equations(result.out)
    return result.out


def error(*arguments, code=2, **keywords):
    result = run("explain", *arguments, **keywords)
    assert result.exit_code == code, result.err
    assert result.data == b""
    (line,) = result.messages
    return line.removeprefix("cnnfilter: error: ")


NUMBER = r"-?\d+(?:\.\d+)?(?:e[-+]\d+)?"


def check_equations(text):
    """Do every printed sum and product again."""
    for terms, result in re.findall(rf"  ({NUMBER}(?: [-+] {NUMBER.removeprefix('-?')})+) = ({NUMBER})$", text, re.M):
        assert eval(terms) == pytest.approx(float(result), rel=1e-4, abs=1e-3), terms  # noqa: S307
    for left, right, result in re.findall(rf"({NUMBER}) \* +({NUMBER}) = +({NUMBER})$", text, re.M):
        assert float(left) * float(right) == pytest.approx(float(result), rel=1e-4)
    for left, right, result in re.findall(rf"({NUMBER}) / ({NUMBER}) = ({NUMBER})$", text, re.M):
        assert float(left) / float(right) == pytest.approx(float(result), rel=1e-4)


def test_a_slide_s_window_with_every_product():
    assert (
        shown("conv:0 1 0; 1 0 -1; 0 1 0", "slide.csv", "--at", "0,0")
        == """\
conv:0 1 0; 1 0 -1; 0 1 0 on a picture of 5x5x1 gives 3x3x1
row 0, column 0, map 0 = 2

stage 1  conv:0 1 0; 1 0 -1; 0 1 0  row 0, column 0, map 0
  window       kernel    products
    | 0 1 2
  0 | 1 0 1    0 1  0    0 0 0
  1 | 1 0 0    1 0 -1    1 0 0
  2 | 0 1 1    0 1  0    0 1 0
  sum  0 + 0 + 0 + 1 + 0 + 0 + 0 + 1 + 0 = 2

receptive field  3x3, rows 0 to 2, columns 0 to 2
  corners in the picture  (0, 0) (0, 2) (2, 0) (2, 2)
  in the padding          none of 9
"""
    )


def test_taps_in_the_padding_are_marked():
    assert (
        shown("conv:1 2 3; 4 5 6; 7 8 9:padding=1:bias=-2", "signed.csv", "--at", "0,2")
        == """\
conv:1 2 3; 4 5 6; 7 8 9:padding=1:bias=-2 on a picture of 3x3x1 gives 3x3x1
row 0, column 2, map 0 = 6.25

stage 1  conv:1 2 3; 4 5 6; 7 8 9:padding=1:bias=-2  row 0, column 2, map 0
  window                 kernel    products
     |     1   2   3
  -1 |    (0) (0) (0)    1 2 3         0 0 0
   0 |   0.5   0  (0)    4 5 6         2 0 0
   1 | -0.25   1  (0)    7 8 9     -1.75 8 0
  sum  0 + 0 + 0 + 2 + 0 + 0 - 1.75 + 8 + 0 = 8.25
  bias  8.25 - 2 = 6.25

receptive field  3x3, rows -1 to 1, columns 1 to 3
  corners in the picture  (0, 1) (0, 2) (1, 1) (1, 2)
  in the padding          5 of 9

(0) from the padding
"""
    )


def test_a_chain_on_a_photo_is_followed_back():
    assert Pipeline.parse("conv:sobel-x,relu,maxpool:2").run(load(CAMERA))[0, 110, 60] == 18
    assert (
        shown("conv:sobel-x,relu,maxpool:2", CAMERA, "--at", "110,60")
        == """\
conv:sobel-x,relu,maxpool:2 on a picture of 512x512x1 gives 255x255x1
row 110, column 60, map 0 = 18

stage 3  maxpool:2  row 110, column 60, map 0
  window
        | 120  121
    220 |  15   12
    221 | [18]  11
  largest  18, at row 221, column 120, map 0

stage 2  relu  row 221, column 120, map 0
  max(0, 18) = 18

stage 1  conv:sobel-x  row 221, column 120, map 0
  window               kernel    products
      | 120 121 122
  221 |  19  23  23    -1 0 1    -19 0 23
  222 |  18  22  22    -2 0 2    -36 0 44
  223 |  17  20  23    -1 0 1    -17 0 23
  sum  -19 + 0 + 23 - 36 + 0 + 44 - 17 + 0 + 23 = 18

receptive field  4x4, rows 220 to 223, columns 120 to 123
  corners in the picture  (220, 120) (220, 123) (223, 120) (223, 123)
  in the padding          none of 16

[0] traced to the stage before
"""
    )


def test_channels_and_the_bias_of_a_file():
    save("photo.png")
    bank = np.load("net.npz")["rgb.weight"].astype(int)
    lines = shown("conv:net.npz:name=rgb:bias=0.5", "photo.png", "--at", "3,4,2").splitlines()
    assert lines[4] == "  net, map 2"
    sums = []
    for channel in range(3):
        at = lines.index(f"  channel {channel}")
        window = PHOTO[3:6, 4:7, channel].astype(int)
        for i, line in enumerate(lines[at + 3 : at + 6]):
            numbers = [int(each) for each in re.findall(r"-?\d+", line)]
            assert numbers == [3 + i, *window[i], *bank[2, channel, i], *(window * bank[2, channel])[i]]
        sums.append(int((window * bank[2, channel]).sum()))
        assert lines[at + 6].endswith(f" = {sums[-1]}")
    signed = "".join(f" {'-' if each < 0 else '+'} {abs(each)}" for each in sums[1:])
    assert f"  channels  {sums[0]}{signed} = {sum(sums)}" in lines
    assert f"  bias  {sum(sums)} + 0.5 = {sum(sums) + 0.5:.6g}" in lines


def test_of_many_channels_those_that_count():
    save("photo.png")
    out = shown("conv:net.npz:name=rgb,conv:net.npz:name=one:layout=oihw", "photo.png", "--at", "0,0,3")
    stage = out[out.index("stage 2") : out.index("stage 1")]
    assert len(re.findall(r"^  channel \d$", stage, re.M)) == 3
    assert re.search(r"^  channels that are not shown: 2, together -?\d+$", stage, re.M)
    assert len(re.search(r"^  channels  (.*) = ", stage, re.M)[1].split()) == 9
    assert "  bias  " in stage
    assert "[" in stage
    assert "\n[0] traced to the stage before\n" in out


def test_a_scale_and_a_large_window():
    lines = shown("conv:gaussian", CAMERA, "--at", "0,0").splitlines()
    assert any(re.fullmatch(r"  scale  \d+ \* 1/16 = [\d.]+", line) for line in lines)
    assert [line for line in lines if line == "  gaussian"] == []
    lines = shown("conv:gaussian:sigma=4:padding=12", CAMERA, "--at", "0,0").splitlines()
    start = lines.index("  window of 25x25, rows -12 to 12, columns -12 to 12; the 8 largest of 625 products:")
    assert len([line for line in lines if re.match(r"  +\(\d+, \d+\)  ", line)]) == 8
    assert re.fullmatch(r"  sum of 625 products = [\d.]+", lines[start + 9])


def test_combined_filters():
    out = shown("conv:sobel:bias=1", "slide.csv", "--at", "0,0")
    assert "  sobel, filter 1 of 2\n" in out
    assert "  sobel, filter 2 of 2\n" in out
    assert "  magnitude  sqrt((-1)^2 + 1^2) = 1.41421\n  bias  1.41421 + 1 = 2.41421\n" in out
    out = shown("conv:kirsch", "slide.csv", "--at", "1,1")
    assert re.findall(r"filter . of .", out) == ["filter 1 of 8"]
    assert "  maximum  max(7, -1, -1, -1, -1, -1, -1, -1) = 7\n" in out


def test_pools():
    out = shown("avgpool:2:padding=1", "slide.csv", "--at", "1,1")
    assert "  sum  0 + 0 + 1 + 1 = 2\n  mean  2 / 4 = 0.5\n" in out
    assert "[" not in out
    out = shown("sumpool:2", "slide.csv", "--at", "0,0")
    assert out[out.index("  sum  ") :].startswith("  sum  1 + 0 + 1 + 0 = 2\n\nreceptive field")
    out = shown("relu,maxpool:20x20", CAMERA, "--at", "0,0")
    assert "  window of 20x20, rows 0 to 19, columns 0 to 19\n  largest  " in out
    note = "warning: slide.csv: stage 2 (maxpool): windows of 1x1 that lie wholly in the padding give -inf; "
    out = shown("relu,maxpool:1:padding=1", "slide.csv", "--at", "0,0", note=f"{note}less padding leaves them out\n")
    assert "  largest  -inf\n" in out
    assert "\nall of its window is from the padding: nothing before it counts\n" in out
    assert "  corners" not in out
    assert "  in the padding  1 of 1\n" in out
    assert "receptive field  1x1, row -1, column -1\n" in out


def test_a_vector():
    out = shown("flatten,dense:net.npz:name=fc,softmax", "slide.csv", "--at", "2")
    products = np.load("net.npz")["fc.weight"][2] * np.loadtxt("slide.csv", delimiter=",").reshape(-1)
    assert "  the 8 largest of 25 products, input * weight:\n" in out
    assert len(re.findall(r"^    weight", out, re.M)) == 8
    assert f"  bias  {products.sum():g} + 2 = {products.sum() + 2:g}\n" in out
    assert re.search(r"^  index \d+ is row \d, column \d, map 0, 1$", out, re.M)
    assert len(re.findall(r"^    \d  e\^\(", out, re.M)) == 3
    assert re.search(r"^  share  [-.e\d]+ / [.\d]+ = ", out, re.M)
    (given,) = re.findall(r"^index 2 = (.*)$", out, re.M)
    result = Pipeline.parse("flatten,dense:net.npz:name=fc,softmax").run(np.loadtxt("slide.csv", delimiter=","))
    assert float(given) == pytest.approx(result[2], rel=1e-5)


def test_few_terms_and_many_powers():
    Path("row.csv").write_text("3,1,2")
    out = shown("flatten,dense:net.npz:name=few", "row.csv", "--at", "0")
    assert "  products, input * weight:\n    weight 0  3 *  1 =  3\n    weight 1  1 *  0 =  0\n" in out
    assert "  sum  3 + 0 - 2 = 1\n" in out
    assert "bias" not in out
    out = shown("flatten,softmax", "slide.csv", "--at", "24")
    assert "  not shown, as they are smaller: 16\n" in out
    Path("row.csv").write_text("-3,-1,-2")
    out = shown("flatten,softmax", "row.csv", "--at", "0")
    assert "  e^(input - (-1)), the largest taken off so that no power overflows:\n" in out
    assert "    0  e^(-3 - (-1)) = 0.135335\n" in out
    out = shown("globalavgpool", "slide.csv", "--at", "0,0")
    assert "  mean of the map  12 / 25 = 0.48\n" in out


def test_an_input_that_can_be_no_picture_is_refused():
    for name, reason in {
        "file:///a/b.png": "the address file:///a/b.png: it is of this machine: give its path",
        "slide.csv/": "'slide.csv/' ends in / like a folder, but is a file; leave that out",
    }.items():
        result = run("explain", "conv:edge", name, "--at", "0,0")
        assert result.exit_code == 2
        assert result.messages == [f"cnnfilter: error: {reason}"]


def test_a_result_larger_than_the_limit_is_not_computed():
    result = run("explain", "conv:edge:padding=20000", "slide.csv", "--matrix")
    assert result.exit_code == 1
    assert "the result would be 400" in result.messages[0]


def test_json_is_one_object():
    record = json.loads(shown("conv:0 1 0; 1 0 -1; 0 1 0,maxpool:2", "slide.csv", "--at", "0,0", "--json"))
    assert record["stages"] == "conv:0 1 0; 1 0 -1; 0 1 0,maxpool:2"
    assert (record["input"], record["output"], record["at"]) == ([5, 5, 1], [1, 1, 1], [0, 0, 0])
    assert record["value"] == 2
    assert [(step["number"], step["kind"]) for step in record["steps"]] == [(2, "pool"), (1, "convolution")]
    assert record["steps"][0]["window"]["values"] == [[2, 1], [-1, 1]]
    assert record["steps"][1]["filters"][0]["channels"][0]["products"] == [[0, 0, 0], [1, 0, 0], [0, 1, 0]]
    assert record["receptive_field"] == {
        "size": [4, 4], "rows": [0, 3], "columns": [0, 3], "corners": [[0, 0], [0, 3], [3, 0], [3, 3]],
        "in_padding": 0,
    }  # fmt: skip
    assert "matrix" not in record


def test_the_picture_s_numbers():
    assert shown("signed.csv", "--matrix") == "picture 3x3x1\n  -1   0.5 0\n   2 -0.25 1\n   0     0 4\n"
    assert shown("conv:1 1; 1 1:stride=2", "signed.csv", "--matrix") == (
        "picture 3x3x1\n  -1   0.5 0\n   2 -0.25 1\n   0     0 4\n\nresult 1x1x1\n  1.25\n"
    )
    out = shown("relu", "signed.csv", "--matrix", "--at", "0,0")
    assert out.startswith("picture 3x3x1\n  -1   0.5 0\n")
    assert "\n\nrelu on a picture of 3x3x1 gives 3x3x1\nrow 0, column 0, map 0 = 0\n" in out
    assert "result" not in out
    save("photo.png", PHOTO[:2, :3])
    out = shown("photo.png", "--matrix")
    assert [line for line in out.splitlines() if "channel" in line] == ["channel 0", "channel 1", "channel 2"]
    rows = [[int(each) for each in line.split()] for line in out.splitlines() if line.startswith("  ")]
    assert rows == PHOTO[:2, :3].transpose(2, 0, 1).reshape(6, 3).tolist()


def test_results_as_numbers_have_an_end():
    out = shown("conv:" + "+".join(["sobel-x"] * 17), "slide.csv", "--matrix")
    assert "\nmap 15\n" in out
    assert "map 16" not in out
    assert out.endswith("  and 1 more; --json has them all\n")
    save("photo.png", PHOTO[:5, :5])
    out = shown("flatten", "photo.png", "--matrix")
    assert "\nresult 75\n" in out
    assert out.endswith("  and 11 more; --json has them all\n")
    record = json.loads(shown("flatten", "photo.png", "--matrix", "--json"))
    assert list(record) == ["matrix"]
    assert record["matrix"]["result"] == PHOTO[:5, :5].transpose(2, 0, 1).reshape(-1).tolist()
    assert record["matrix"]["picture"] == PHOTO[:5, :5].transpose(2, 0, 1).tolist()


def test_numbers_of_a_large_picture_are_refused():
    assert error(CAMERA, "--matrix", code=1) == (
        f"{CAMERA}: 512x512 pixels are too many to be printed (at most 32x32); --at ROW,COL shows the numbers behind "
        "one value"
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["conv:edge", "slide.csv"], "explain needs the place of a value: --at ROW,COL, counted from 0 in the result"),
        (["slide.csv"], "explain takes STAGES and INPUT; only --matrix alone takes INPUT without STAGES"),
        (["slide.csv", "--matrix", "--at", "0,0"],
         "explain takes STAGES and INPUT; only --matrix alone takes INPUT without STAGES"),
        (["conv:edge", "slide.csv", "--at", "3,0"],
         "no value at 3,0: the result is 3x3x1, rows 0 to 2, columns 0 to 2, maps 0 to 0"),
        (["conv:edge", "slide.csv", "--at", "-1,0"], "--at must be at least 0, not -1"),
        (["conv:edge", "slide.csv", "--at", "a"],
         "--at takes ROW,COL or ROW,COL,MAP, or the index in a vector, not 'a'"),
        (["conv:edge", "slide.csv", "--at", "1,2,3,4"],
         "--at takes ROW,COL or ROW,COL,MAP, or the index in a vector, not '1,2,3,4'"),
        (["conv:edge,relo", "slide.csv", "--at", "0,0"],
         "stage 2 'relo' (column 11): unknown stage; did you mean relu?"),
        (["conv:2@3x3", "missing.png", "--at", "0,0"],
         "stage 1 (conv): conv:2@3x3 has sizes but no weights; name a kernel or a weight file to run it"),
        (["relu,conv:gone.npy", "missing.png", "--at", "0,0"], "stage 2 (conv): gone.npy: no such file"),
        (["flatten,dense:gone.npz", "missing.png", "--at", "0,0"],
         "stage 2 (dense): gone.npz: no such file"),
    ],
)  # fmt: skip
def test_what_is_refused_is_one_line(arguments, message):
    assert error(*arguments) == message


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["relu", "missing.png", "--at", "0,0"], "missing.png: no such file"),
        (["maxpool:9", "slide.csv", "--at", "0,0"],
         "slide.csv: stage 1 (maxpool): window 9x9 does not fit in 5x5; use more padding or a smaller kernel"),
        (["relu", "slide.csv", "--at", "0,0", "--max-pixels", "24"],
         "slide.csv: 5x5 is 25 pixels, more than the limit of 24; it takes about 0 MB of memory, and --max-pixels 25 "
         "accepts it"),
    ],
)  # fmt: skip
def test_a_picture_that_fails_is_exit_1(arguments, message):
    assert error(*arguments, code=1) == message


def test_standard_input(monkeypatch):
    save("grey.png", PHOTO[..., 0])
    result = run("explain", "relu", "-", "--at", "1,2", stdin=Path("grey.png").read_bytes())
    assert result.exit_code == 0, result.err
    assert f"  max(0, {PHOTO[1, 2, 0]}) = {PHOTO[1, 2, 0]}\n" in result.out
    assert run("explain", "relu", "-", "--at", "0,0", stdin=b"text").messages == [
        "cnnfilter: error: standard input: not a picture that cnnfilter knows: it is text "
        f"(known formats: {', '.join(FORMATS)}, NPY, CSV)"
    ]
    monkeypatch.setattr(sys, "stdin", None)
    with pytest.raises(PictureError, match="it is closed"):
        render.standard_input()


def test_transparency_is_left_out_with_a_note():
    save("clear.png", np.dstack([PHOTO, PHOTO[..., 0]]))
    result = run("explain", "relu", "clear.png", "--at", "1,2,2")
    assert result.exit_code == 0
    assert result.messages == ["warning: clear.png: transparency is left out"]
    assert f" = {PHOTO[1, 2, 2]}\n" in result.out


def test_stages_that_rearrange_and_normalize():
    chain = "pad:1,conv:identity+edge+sobel-x+sobel-y,shuffle:2,lrn:size=3:alpha=0.5,batchnorm:random=1,dropout"
    out = shown(chain, "slide.csv", "--at", "2,1,2")
    assert "stage 6  dropout:0.5  row 2, column 1, map 2\n  as it is at row 2, column 1, map 2, 1.45902\n" in out
    assert "  (1.45902 - 0) / sqrt(1 + 1e-05) * 1 + 0 = 1.45902\n" in out
    assert "  maps 1 to 3: 0, 5, 0\n  squares  0 + 25 + 0 = 25\n  5 / (1 + 0.5/3 * 25)^0.75 = 1.45902\n" in out
    assert "stage 3  shuffle:groups=2  row 2, column 1, map 2\n  as it is at row 2, column 1, map 1, 5\n" in out
    assert "stage 1  pad:1  row 3, column 2, map 0\n  as it is at row 2, column 1, map 0, 1\n" in out
    out = shown("pad:1:border=constant=7,lrn:bias=2", "slide.csv", "--at", "0,0")
    assert "  map 0: 7\n  square = 49\n  7 / (2 + 0.0001/5 * 49)^0.75 = 4.16" in out
    assert "stage 1  pad:1:border=constant=7  row 0, column 0, map 0\n  as it is in the padding, 7\n" in out
