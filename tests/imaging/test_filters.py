import io
import re
import sys

import numpy as np
import pytest

from cnnfilter import get_kernel
from cnnfilter.cli import cells, render
from cnnfilter.cli.main import main
from cnnfilter.errors import ShapeError
from cnnfilter.imaging import lettering
from cnnfilter.imaging.colormaps import table
from cnnfilter.imaging.filters import filter_sheet, filter_tiles
from tests.command import load, refused, run

DIVERGING = table("blue-white-red")


@pytest.fixture(autouse=True)
def _folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def bank(*shape):
    return np.random.default_rng(2).normal(size=shape).astype(np.float32)


def test_a_filter_over_one_channel_is_white_at_0_and_full_at_its_largest_magnitude():
    (tile,) = filter_tiles(np.float32([[[[-1, 0], [0.5, 2]]]]))
    np.testing.assert_array_equal(tile, DIVERGING[[[64, 127], [159, 254]]])


def test_each_filter_has_its_own_scale_and_one_of_zeros_is_white():
    small, large, zero = filter_tiles(np.float32([1e-20, 1e20, 0]).reshape(3, 1, 1, 1))
    np.testing.assert_array_equal([small[0, 0], large[0, 0], zero[0, 0]], DIVERGING[[254, 254, 127]])


def test_a_filter_over_three_channels_has_their_colours():
    weight = np.float32([[[[2, -2, 0]], [[0, -2, 1]], [[-1, -2, 2]]]])
    np.testing.assert_array_equal(filter_tiles(weight), [[[[255, 128, 64], [0, 0, 0], [128, 191, 255]]]])


@pytest.mark.parametrize(("channels", "shape"), [(2, (2, 7)), (5, (5, 11)), (9, (8, 11))])
def test_other_channels_lie_beside_each_other(channels, shape):
    weight = bank(1, channels, 2, 3)
    (tile,) = filter_tiles(weight)
    assert tile.shape == (*shape, 3)
    scaled = np.rint((weight[0].astype(np.float64) / np.abs(weight).max() + 1) * 127).astype(int)
    np.testing.assert_array_equal(tile[:2, 4:7], DIVERGING[scaled[1]])
    assert (tile[:, 3] == 255).all()


def test_numbers_stand_in_the_cells_of_a_kernel_as_far_as_there_is_room(monkeypatch):
    texts = []
    monkeypatch.setattr(lettering.Lettering, "draw", lambda self, canvas, top, left, text, colour: texts.append(text))
    weights = get_kernel("sobel").weights[:, None]
    picture = filter_sheet(weights, ["one", "two"])
    assert picture.pixels.shape[1] > 2 * 300
    numbers = ["-1", "0", "1", "-2", "0", "2", "-1", "0", "1"]
    assert texts[:11] == [*numbers, "one", "-2 to 2"]
    del texts[:]
    filter_sheet(np.zeros((1, 1, 2, 2), np.float32), ["none"])
    assert texts == ["0", "0", "0", "0", "none", "all 0"]
    del texts[:]
    filter_sheet(bank(9, 1, 31, 31), list("abcdefghi"))
    assert texts[::2] == list("abcdefghi")


def test_too_many_filters_are_refused():
    with pytest.raises(ShapeError, match="no room for 60000 filters of 1x3x3$"):
        filter_sheet(np.ones((60000, 1, 3, 3), np.float32), [""] * 60000)


@pytest.mark.parametrize("name", ["k.npy", "k.npz", "k.csv"])
def test_a_drawing_is_not_written_as_numbers(name):
    told = f"-o draws a picture, and '{name}' would hold numbers; end it in .png, or take them from --json"
    assert refused("sobel-x", "-o", name, command="kernels") == told


def test_the_command_writes_a_picture():
    np.save("net.npy", bank(8, 3, 5, 5))
    result = run("kernels", "net.npy", "-o", "filters.png")
    assert result.exit_code == 0, result.err
    expected = filter_sheet(np.load("net.npy"), [f"{i} net" for i in range(8)]).pixels
    height, width = expected.shape[:2]
    assert (result.messages, result.out) == ([f"wrote filters.png  {width}x{height}"], "")
    np.testing.assert_array_equal(load("filters.png"), expected)
    assert run("kernels", "edge", "-o", "filters.png").messages[0] == (
        "cnnfilter: error: 'filters.png' exists already; --force overwrites it"
    )
    assert run("kernels", "edge", "-o", "filters.png", "-f").exit_code == 0
    expected = filter_sheet(get_kernel("edge").weights[None, None], ["edge"]).pixels
    np.testing.assert_array_equal(load("filters.png"), expected)
    assert run("kernels", "edge", "-o", "k").messages == [
        "cnnfilter: error: the name 'k' tells no format; end it in .png or another picture's extension"
    ]
    both = run("kernels", "sobel", "-o", "k.png", "--json")
    assert both.exit_code == 2
    assert both.messages == [
        "cnnfilter: error: --output draws the KERNEL, and --json writes its numbers; give one of them"
    ]
    assert run("kernels", "-o", "k.png").messages[0].startswith("cnnfilter: error: --output needs a KERNEL")


@pytest.fixture
def on_terminal(monkeypatch):
    """Makes standard output a terminal of some width."""

    def width(columns, **variables):
        for name, value in {"COLORTERM": "truecolor", "TERM": "xterm", "COLUMNS": str(columns), **variables}.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr(render.standard_output(), "isatty", lambda: True, raising=False)

    for name in ("NO_COLOR", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    return width


def test_a_terminal_shows_coloured_cells(on_terminal):
    on_terminal(80)
    weight = bank(2, 1, 2, 3)
    lines = cells.painted(weight).splitlines()
    assert lines[0] == ""
    tiles = filter_tiles(weight)
    colour = re.compile(r"48;2;(\d+);(\d+);(\d+)m  ")
    found = [[tuple(map(int, each)) for each in colour.findall(line)] for line in lines[1:]]
    assert found == [[tuple(pixel) for tile in tiles for pixel in tile[row].tolist()] for row in range(2)]


def test_colours_reach_the_terminal_as_they_are(on_terminal, monkeypatch):
    data = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(data, encoding="utf-8", write_through=True))
    on_terminal(80)
    np.save("a.npy", bank(2, 1, 3, 3).squeeze(1))
    for name in ("sobel-x", "a.npy"):
        assert main(["kernels", name]) == 0
    assert len(re.findall(rb"\x1b\[48;2;\d+;\d+;\d+m  ", data.getvalue())) == 9 + 18
    assert b"\\x1b" not in data.getvalue()


def test_cells_are_as_many_as_fit_and_nothing_without_colours(on_terminal):
    on_terminal(40)
    lines = cells.painted(bank(100, 1, 3, 3)).splitlines()
    assert len(lines) == 6 * 4 + 2
    assert lines[-1] == "70 more filters; -o FILE shows them all"
    assert cells.painted(bank(2, 1, 31, 31)) == ""
    on_terminal(40, NO_COLOR="1")
    assert cells.painted(bank(2, 1, 3, 3)) == ""


def test_a_pipe_gets_no_cells():
    assert cells.painted(bank(1, 1, 3, 3)) == ""
    assert "\x1b" not in run("kernels", "edge").out
