"""A result in which nothing is seen is told of, with the way out; one in which something is seen is not."""

import json

import numpy as np
import pytest
from PIL import Image

from cnnfilter.imaging.mapping import shade
from tests.command import PHOTO, ROOT, run, save

CAMERA, CHELSEA, COFFEE = (ROOT / "samples" / name for name in ("camera.png", "chelsea.png", "coffee.jpg"))
BLACK = "the result is nearly black; --range normalize, abs or center shows small and negative values"
WHITE = (
    "the result is nearly white; --scale sum divides by the kernel's sum, and --range normalize shows what is cut off"
)


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def notes(*arguments):
    """The notes on the only input, and whether what is said on standard error agrees."""
    result = run(*arguments, "--json")
    assert result.exit_code == 0, result.err
    told = json.loads(result.out)["notes"]
    assert [line.partition(": ")[2].partition(": ")[2] for line in result.messages] == told
    return told


@pytest.mark.parametrize("picture", [CAMERA, CHELSEA, COFFEE])
@pytest.mark.parametrize("kernel", ["log", "log:sigma=3", "dog", "0 0 0; 0 -1 0; 0 0 0"])
def test_a_filter_whose_result_is_nearly_black_is_told_of_once(picture, kernel):
    assert notes("apply", kernel, picture, "-o", "out.png") == [BLACK]
    for range_ in ("clip", "normalize", "abs", "center"):
        assert notes("apply", kernel, picture, "-o", "out.png", "-f", "--range", range_) == []
    assert run("apply", kernel, picture, "-o", "out.png", "-f", "-q").messages == []


def test_a_filter_that_clips_is_told_of():
    assert notes("apply", "1 1 1; 1 1 1; 1 1 1", CHELSEA, "-o", "out.png") == [WHITE]
    assert notes("apply", "1 1 1; 1 1 1; 1 1 1", CHELSEA, "-o", "out.png", "-f", "--scale", "sum") == []


@pytest.mark.parametrize("picture", [CAMERA, CHELSEA, COFFEE])
@pytest.mark.parametrize("kernel", ["edge", "laplacian", "sobel", "roberts-x", "edge-diagonal", "sharpen", "box"])
def test_a_filter_whose_result_shows_something_is_not(picture, kernel):
    assert notes("apply", kernel, picture, "-o", "out.png") == []


def test_what_the_input_did_not_show_is_not_told_of():
    save("night.png", PHOTO // 64)
    save("paper.png", np.full((40, 40), 255, np.uint8))
    save("flat.png", np.full((40, 40, 3), 90, np.uint8))
    save("red.png", np.full((40, 40, 3), (200, 30, 30), np.uint8))
    for name in ("night.png", "paper.png", "flat.png", "red.png"):
        assert notes("apply", "edge" if name != "night.png" else "box", name) == []
    lines = np.full((200, 200), 255, np.uint8)
    lines[100] = 0
    save("lines.png", lines)  # one in a hundred, and well seen
    assert notes("apply", "edge", "lines.png") == []


def test_a_table_has_shown_nobody_its_values():
    slide = ROOT / "samples" / "slide.csv"
    assert notes("apply", "edge", slide, "-o", "slide.png") == [BLACK]
    assert notes("apply", "edge", slide, "-o", "slide.png", "-f", "--range", "normalize") == []
    (told,) = notes("run", "conv:edge", slide, "-o", "chain.png")
    assert told.startswith("the values, -5 to 5, are nearly black")


def test_a_chain_tells_its_values_also_of_colours():
    save("photo.png")
    values = "the values, 0 to 1, are nearly black; --range normalize or --colormap auto shows them"
    assert notes("run", "normalize", "photo.png") == [values]
    assert notes("run", "normalize", "photo.png", "-f", "--range", "normalize") == []
    white = notes("run", "conv:5 5; 5 5", "photo.png", "-f")
    assert len(white) == 1
    assert white[0].endswith("are nearly white; --range normalize or --colormap auto shows them")
    save("flat.png", np.full((40, 40), 90, np.uint8))
    assert notes("run", "conv:edge", "flat.png") == []


def test_frames_are_told_of_once():
    frames = [Image.fromarray(np.roll(PHOTO, 7 * i, axis=0) // (i + 1)) for i in range(3)]
    frames[0].save("moving.webp", save_all=True, append_images=frames[1:], lossless=True)
    told = notes("run", "normalize", "moving.webp", "--frame", "all")
    assert told == ["the values are nearly black; --range normalize or --colormap auto shows them"]
    assert notes("apply", "log", "moving.webp", "--frame", "all").count(BLACK) == 1


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_the_shade_of_pixels(dtype):
    full = np.iinfo(dtype).max
    pixels = np.zeros((100, 100, 3), dtype)
    assert shade(pixels) == "black"
    assert shade(pixels + full) == "white"
    assert shade(pixels + full // 2) is None
    pixels[::20] = full // 2  # seen
    assert shade(pixels) is None
    assert shade(np.zeros((3, 3), np.float32)) is None
    assert shade(np.array([[0, full]], dtype)) is None
