from functools import partial
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cnnfilter import Pipeline, get_kernel
from cnnfilter.errors import PictureError, ShapeError
from cnnfilter.imaging import lettering
from cnnfilter.imaging.grid import MAX_SIDE
from cnnfilter.imaging.lettering import draw_numbers
from cnnfilter.imaging.maps import map_picture
from cnnfilter.imaging.picture import Picture
from cnnfilter.imaging.sheet import contact_sheet
from cnnfilter.imaging.showing import beside, enlarged
from cnnfilter.messages import options_named
from cnnfilter.results.chain import ChainTask
from cnnfilter.results.pictures import FilterTask
from cnnfilter.results.showing import Showing
from cnnfilter.results.view import View
from cnnfilter.running.filter import Filter
from tests import command as shell
from tests.command import done, load, save

GREY = np.uint8([[0, 50, 100], [150, 200, 250]])
COLOUR = np.dstack([GREY, GREY[::-1], 255 - GREY])
refused = partial(shell.refused, command="apply")


@pytest.fixture(autouse=True)
def _folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    save("grey.png", GREY)
    Path("table.csv").write_text("1,0,-1\n0,2,400\n", encoding="utf-8")


@pytest.fixture
def drawn(monkeypatch):
    """What is written into pictures, with where it begins."""
    texts = []

    def note(self, canvas, top, left, text, colour):
        assert 0 <= top <= canvas.shape[0] - self.line
        assert 0 <= left <= canvas.shape[1] - self.width(text)
        texts.append((text, top, left, colour))

    monkeypatch.setattr(lettering.Lettering, "draw", note)
    return texts


@pytest.mark.parametrize("pixels", [GREY, COLOUR, GREY.astype(np.uint16) * 257])
def test_a_pixel_becomes_a_square(pixels):
    picture = enlarged(Picture(pixels, alpha=GREY if pixels is GREY else None, format="WEBP"), 3)
    np.testing.assert_array_equal(picture.pixels, np.kron(pixels, np.ones((3, 3, 1) if pixels.ndim == 3 else (3, 3))))
    assert picture.pixels.dtype == pixels.dtype
    assert picture.format == "WEBP"
    if pixels is GREY:
        np.testing.assert_array_equal(picture.alpha, picture.pixels)


def test_floats_are_shown_in_colours_and_no_array():
    values = np.float32([[-1, 0], [np.nan, 2]])
    picture = enlarged(Picture(values, format="NPY"), 2)
    np.testing.assert_array_equal(picture.pixels[::2, ::2], map_picture(values).pixels)
    assert (picture.format, picture.notes) == ("PNG", ("values that are not finite are shown in magenta",))
    colours = np.float32(COLOUR) / 255
    pixels = enlarged(Picture(colours), 1).pixels
    np.testing.assert_array_equal(pixels, map_picture(colours.transpose(2, 0, 1)).pixels)


def test_numbers_stand_in_their_cells_and_are_seen(drawn):
    pixels = enlarged(Picture(GREY.astype(np.uint16) * 257), 40, GREY).pixels
    assert pixels.dtype == np.uint8
    assert [text for text, *_ in drawn] == ["0", "50", "100", "150", "200", "250"]
    assert all(top // 40 == i // 3 and left // 40 == i % 3 for i, (_, top, left, _) in enumerate(drawn))
    assert [colour for *_, colour in drawn] == [(255, 255, 255)] * 3 + [(0, 0, 0)] * 3
    np.testing.assert_array_equal(pixels[1::40, 1::40, 0], GREY)


def test_the_numbers_of_colours_stand_below_each_other(drawn):
    enlarged(Picture(COLOUR[:1, :1], alpha=COLOUR[:1, :1, 0]), 64, COLOUR[:1, :1])
    assert [text for text, *_ in drawn] == ["0", "150", "255"]
    tops = [top for _, top, *_ in drawn]
    assert tops == sorted(set(tops))


@pytest.mark.parametrize("values", [np.float32([[-0.00123, 5]]), GREY, COLOUR, np.zeros((1, 1), np.uint8)])
def test_the_remedy_for_numbers_without_room_works(values):
    def canvas(cell):
        return np.zeros((cell * values.shape[0], cell * values.shape[1], 3), np.uint8)

    with (
        options_named(),
        pytest.raises(ShapeError, match=r"do not fit into cells of 5 pixels; --enlarge \d+ makes room$") as error,
    ):
        draw_numbers(canvas(5), values, 5)
    cell = int(str(error.value).split()[-3])
    assert cell < 60
    written = canvas(cell)
    draw_numbers(written, values, cell)
    assert (written > 150).any()
    with pytest.raises(ShapeError, match="do not fit"):
        draw_numbers(canvas(cell - 1), values, cell - 1)


def test_there_are_limits():
    with pytest.raises(PictureError, match=r"^enlarged 3000 times, 3x2 has .* 8192 pixels; --enlarge 2730 is the"):
        enlarged(Picture(GREY), 3000)
    with pytest.raises(PictureError, match="; leave out --enlarge$"):
        enlarged(Picture(np.zeros((5000, 1), np.uint8)), 2)
    with pytest.raises(ShapeError, match="they are for small pictures"):
        draw_numbers(np.zeros((2000, 4000, 3), np.uint8), np.zeros((150, 300)), 13)


def test_pictures_beside_each_other_keep_their_pixels():
    both = beside(Picture(COLOUR), Picture(GREY[:1], alpha=GREY[:1]))
    assert both.pixels.shape == (2, 3 + 2 + 3, 3)
    np.testing.assert_array_equal(both.pixels[:, :3], COLOUR)
    np.testing.assert_array_equal(both.pixels[:1, 5:], np.dstack([GREY[:1]] * 3))
    assert (both.pixels[:, 3:5] == 255).all()
    np.testing.assert_array_equal(both.alpha, [[255, 255, 255, 0, 0, 0, 50, 100], [255, 255, 255, 0, 0, 0, 0, 0]])
    deep = beside(Picture(GREY.astype(np.uint16) * 257, alpha=GREY.astype(np.uint16) * 257), Picture(GREY)).pixels
    np.testing.assert_array_equal(deep[:, :3], GREY)


def test_apply_shows_a_result():
    assert done("apply", "identity", "grey.png", "--enlarge", "4", "--beside").messages[0].endswith("  26x8")
    np.testing.assert_array_equal(load("grey-identity.png")[::4, 14::4], GREY)
    Image.fromarray(COLOUR).save("c.jpg", quality=100, subsampling=0)
    assert done("apply", "identity", "c.jpg", "--beside").messages[0] == "wrote c-identity.jpg  8x2"
    done("apply", "0 0 0; 0 -1 0; 0 0 0", "table.csv", "--enlarge", "50", "--numbers")
    assert load("table-custom.png").shape == (100, 150, 3)


def test_run_shows_maps_and_their_own_numbers(drawn):
    done("run", "conv:0 0 0; 0 -1 0; 0 0 0:padding=1", "table.csv", "--enlarge", "50", "--numbers", "--no-labels")
    assert [text for text, *_ in drawn] == ["-1", "0", "1", "0", "-2", "-400"]
    del drawn[:]
    done("run", "conv:identity:padding=1,abs", "table.csv", "--range", "normalize", "--enlarge", "50", "-f")
    assert load("table-chain.png").shape == (100, 150, 3)
    done("run", "conv:sobel-x+sobel-y:padding=1", "grey.png", "--enlarge", "50", "--numbers", "--beside")
    expected = contact_sheet(
        np.zeros((2, 2, 3)) + [[[0, 1, 2]]], cell=150, titles=["sobel-x", "sobel-y"]
    ).pixels.shape  # fmt: skip
    height, width = load("grey-chain.png").shape[:2]
    assert height == max(expected[0], 100)
    assert width > expected[1] + 150


def test_each_map_is_shown_with_its_numbers(drawn):
    arguments = ["conv:sobel-x+sobel-y:padding=1", "grey.png", "--maps", "each", "--enlarge", "50", "--numbers"]
    done("run", *arguments)
    assert len(drawn) == 12
    assert load("grey-chain-1.png").shape == (100, 150, 3)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--enlarge", "2", "--in-place"],
         "--in-place replaces a picture by its result, and --enlarge makes another; give one of them"),
        (["--beside", "--depth", "float"],
         "--depth float keeps the numbers, and --beside shows them in a picture; give one of them"),
        (["--beside", "-o", "x.npy"], "'x.npy': NPY keeps the numbers themselves, and --beside is for pictures; "
         "leave one of them out"),
    ],
)  # fmt: skip
def test_what_is_to_be_looked_at_is_no_array_and_no_replacement(arguments, message):
    assert refused("edge", "grey.png", *arguments) == message
    assert refused("conv:edge:padding=1", "grey.png", *arguments, command="run") == message
    vector = refused("flatten", "grey.png", "--numbers", command="run")
    assert vector == "--numbers is for maps, and this chain ends in a vector; leave it out"


@pytest.mark.parametrize(
    ("showing", "cells"),
    [(Showing(), 0), (Showing(enlarge=30), 900 * 6), (Showing(beside=True), 12), (Showing(30, beside=True), 900 * 12)],
)
def test_what_is_shown_counts_as_memory(showing, cells):
    """Each cell has three colours, and once more when it is encoded."""
    edge, chain = Filter(get_kernel("edge")), Pipeline.parse("conv:edge:padding=1")
    for plain, shown in (
        (FilterTask(edge), FilterTask(edge, showing=showing)),
        (ChainTask(chain, View()), ChainTask(chain, View(showing=showing))),
    ):
        assert shown.need(2, 3, 1) - plain.need(2, 3, 1) == 6 * cells
    assert showing.need(10**9, 10**9) <= 12 * MAX_SIDE**2


@pytest.mark.parametrize(("command", "what"), [("apply", "edge"), ("run", "conv:edge:padding=1")])
def test_a_picture_that_would_be_enlarged_beyond_the_memory_is_refused(command, what):
    save("large.png", np.zeros((300, 300), np.uint8))
    message = shell.failed(what, "large.png", "--enlarge", "20", "--memory", "50M", command=command)
    assert "large.png: it takes about 21" in message
    assert message.endswith(" MB of memory, more than the limit of 50 MB; see --memory")
