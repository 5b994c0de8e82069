"""`explain -o`: worked steps as pictures, and windows that move."""

import json
import sys

import numpy as np
import pytest
from PIL import Image

from cnnfilter.drawing.grids import SEEN
from cnnfilter.drawing.shapes import MADE, WEIGHTS
from tests.cli.test_explain import SLIDE, error
from tests.command import ROOT, run
from tests.drawing.reading import Shown

CONV = "conv:0 1 0; 1 0 -1; 0 1 0"


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "slide.csv").write_text(SLIDE)
    return tmp_path


def drawn(*arguments):
    result = run("explain", *arguments)
    assert result.exit_code == 0, result.err
    assert result.data == b""
    (line,) = result.messages
    return line


def test_the_numbers_of_an_svg_are_those_of_the_command(folder):
    arguments = (f"{CONV}:padding=1,relu", "slide.csv", "--at", "2,3")
    line = drawn(*arguments, "-o", "step.svg")
    shown = Shown((folder / "step.svg").read_bytes())
    assert (
        line
        == f"wrote step.svg  {shown.root.attrib['width'].partition('.')[0]}x{float(shown.root.attrib['height']):.0f}"
    )
    record = json.loads(run("explain", *arguments, "--json").out)
    (channel,) = record["steps"][1]["filters"][0]["channels"]
    assert shown.cells(WEIGHTS) == [value for row in channel["kernel"] for value in row]
    assert shown.cells(SEEN) == [value for row in channel["window"]["values"] for value in row]
    assert shown.cells(MADE) == [record["value"], channel["sum"]]
    description = shown.root[1].text
    assert description == run("explain", *arguments).out.rstrip("\n") + "\n" * description.endswith("\n")


def test_names_are_shown_and_mean_nothing_more(folder):
    name = "a]]><svg onload>&quot;.csv" if sys.platform != "win32" else "a&b.csv"
    (folder / name).write_text("1,0\n0,-1\n")
    drawn(f"conv:{name}:as=<script>", "slide.csv", "--at", "0,0", "-o", "step.svg")
    shown = Shown((folder / "step.svg").read_bytes())
    assert {each.tag.rpartition("}")[2] for each in shown.root.iter()} == {
        "svg", "title", "desc", "rect", "text", "polyline", "polygon"
    }  # fmt: skip
    assert any(name in text for text in shown.texts)


def test_a_png_is_drawn_twice_as_fine(folder):
    line = drawn(CONV, "slide.csv", "--at", "2,1", "-o", "step.png")
    drawn(CONV, "slide.csv", "--at", "2,1", "-o", "step.svg")
    with Image.open(folder / "step.png") as image:
        assert line == f"wrote step.png  {image.width}x{image.height}"
        width = float(Shown((folder / "step.svg").read_bytes()).root.attrib["width"])
        assert abs(image.width - 2 * width) <= 1
        assert image.getpixel((3, 3)) == (255, 255, 255)


def test_several_nodes_are_drawn_below_each_other(folder):
    drawn(f"{CONV},relu,maxpool:2", "slide.csv", "--node", "all", "--at", "0,0", "-o", "all.svg")
    texts = Shown((folder / "all.svg").read_bytes()).texts
    assert [text for text in texts if text.startswith("conv:")] == [CONV, f"{CONV},relu", f"{CONV},relu,maxpool:2"]


@pytest.mark.parametrize(("name", "format"), [("steps.gif", "GIF"), ("steps.APNG", "PNG")])
def test_a_window_moves_over_all_places(folder, name, format):
    line = drawn(f"{CONV}:stride=2:padding=1", "slide.csv", "-o", name)
    with Image.open(folder / name) as image:
        assert line == f"wrote {name}  {image.width}x{image.height}, 9 frames"
        assert (image.format, image.n_frames, image.info["duration"], image.info["loop"]) == (format, 9, 600, 0)


def test_the_delay_and_the_node_are_as_asked(folder):
    drawn("conv:2@4x4:random=1,relu", "slide.csv", "--node", "1", "--at", "0,0,1", "-o", "a.gif", "--delay", "250")
    with Image.open(folder / "a.gif") as image:
        assert (image.n_frames, image.info["duration"]) == (4, 250)
    drawn("conv:2@4x4:random=1", "slide.csv", "-o", "b.gif", "--delay", "250")
    assert (folder / "a.gif").read_bytes() != (folder / "b.gif").read_bytes()  # the other map


def test_nothing_is_overwritten_unless_asked(folder):
    (folder / "step.svg").write_text("mine")
    arguments = (CONV, "slide.csv", "--at", "2,1", "-o", "step.svg")
    assert error(*arguments) == "'step.svg' exists already; --force overwrites it"
    assert (folder / "step.svg").read_text() == "mine"
    drawn(*arguments, "--force")
    assert "<svg" in (folder / "step.svg").read_text()
    assert sorted(each.name for each in folder.iterdir()) == ["slide.csv", "step.svg"]


def test_a_name_that_cannot_be_printed_is_told_with_escapes():
    (message,) = run("explain", CONV, "slide.csv", "--at", "2,1", "-o", "a\nb.svg").messages
    assert message.startswith(r"wrote 'a\nb.svg'  ")


def test_the_input_is_never_overwritten(folder):
    Image.fromarray(np.eye(5, dtype=np.uint8)).save("small.png")
    message = error("conv:edge", "small.png", "--at", "0,0", "-o", "./small.png", "--force")
    assert message == "'./small.png' is the input; name another file"
    with Image.open("small.png") as image:
        assert image.size == (5, 5)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--at", "0,0", "-o", "a.jpg"], "-o draws pictures that end in .svg, .png, .gif or .apng, not 'a.jpg'"),
        (["--at", "0,0", "-o", "-"], "-o draws pictures that end in .svg, .png, .gif or .apng, not '-'"),
        (["--at", "0,0", "-o", "a.svg", "--json"], "-o draws, and --json prints; give one of them"),
        (["--at", "0,0", "-o", "a.svg", "--matrix"], "-o draws, and --matrix prints; give one of them"),
        (["-o", "a.gif", "--all-matrices"], "-o draws, and --all-matrices prints; give one of them"),
        (["--at", "0,0", "-o", "a.gif", "--format", "latex"], "-o draws, and --format prints; give one of them"),
        (["--at", "0,0", "-o", "a.svg", "--delay", "100"],
         "--delay is for what moves; it needs -o with a name in .gif or .apng"),
        (["--at", "0,0", "--delay", "100"], "--delay is for what moves; it needs -o with a name in .gif or .apng"),
        (["-o", "a.svg"], "explain needs the place of a value: --at ROW,COL, counted from 0 in the result"),
        (["-o", "a.gif", "--node", "1", "--node", "2"], "-o draws one moving window; name one --node"),
        (["-o", "a.gif", "--node", "all"], "-o draws one moving window; name one --node"),
        (["-o", "a.gif"], "stage 2 (relu): no window moves here; a conv, a convtranspose or a pool has one, and "
         "--node NODE names one"),
        (["-o", "a.gif", "--node", "1", "--at", "0,0,7"],
         "stage 1 (conv): no map 7: the result is 3x3x1, maps 0 to 0"),
        (["-o", "a.gif", "--node", "1", "--delay", "1"],
         "Invalid value for '--delay': 1 is not in the range 20<=x<=60000"),
    ],
)  # fmt: skip
def test_what_cannot_be_drawn_is_told_in_one_line(folder, arguments, message):
    result = run("explain", f"{CONV},relu", "slide.csv", *arguments)
    assert result.exit_code == 2
    (line,) = result.messages
    assert line.removeprefix("cnnfilter: error: ").removesuffix("; see cnnfilter explain --help") == message
    assert [each.name for each in folder.iterdir()] == ["slide.csv"]


def test_a_folder_that_is_not_there_is_told(folder):
    message = error(CONV, "slide.csv", "--at", "0,0", "-o", "no/step.svg")
    assert message == "there is no folder 'no' for the output 'step.svg'"


def test_the_picture_of_the_readme_is_what_its_command_draws(folder):
    drawn(CONV, str(ROOT / "samples" / "slide.csv"), "--at", "2,1", "-o", "step.svg")
    assert (folder / "step.svg").read_bytes() == (ROOT / ".github" / "step.svg").read_bytes()
