"""Pictures as characters, for terminals of all kinds."""

import io

import numpy as np
import pytest
from rich.console import Console

from cnnfilter.cli.blocks import blocks
from tests.terminals import SGR, half_blocks

PICTURE = np.random.default_rng(8).integers(0, 256, (6, 9, 3), dtype=np.uint8)
PICTURE[2:4, 2:7] = 30, 60, 90


def printed(pixels, colours="truecolor", encoding="utf-8", **options):
    file = io.StringIO()
    console = Console(file=file, force_terminal=True, color_system=colours, width=80, **options)
    console.print(blocks(pixels, console, encoding), end="")
    return file.getvalue()


def test_each_character_is_two_pixels():
    text = printed(PICTURE)
    assert np.array_equal(half_blocks(text), PICTURE)
    assert text.count("\n") == 3
    assert "     " in text  # equal pixels need no half blocks


def test_the_last_of_an_odd_number_of_rows_has_nothing_below():
    shown = half_blocks(printed(PICTURE[:5]))
    assert np.array_equal(shown[:5], PICTURE[:5])
    assert (shown[5] == -1).all()
    assert np.array_equal(half_blocks(printed(PICTURE[:1]))[0], PICTURE[0])


def test_without_half_blocks_in_the_encoding_there_are_whole_ones():
    text = printed(PICTURE[:5], encoding="latin-1")
    assert text.encode("latin-1")
    means = [(PICTURE[0].astype(int) + PICTURE[1]) // 2, (PICTURE[2].astype(int) + PICTURE[3]) // 2, PICTURE[4]]
    assert np.array_equal(half_blocks(text), np.repeat(means, 2, axis=0))


@pytest.mark.parametrize("colours", ["256", "standard"])
def test_fewer_colours_are_the_nearest_of_the_terminal_s(colours):
    text = printed(PICTURE, colours)
    assert SGR.sub("", text).splitlines() == SGR.sub("", printed(PICTURE)).splitlines()
    for code in SGR.findall(text):
        numbers = [int(each) for each in code.split(";")]
        if colours == "256":
            assert numbers == [0] or (len(numbers), *numbers[:2], *numbers[3:5]) == (6, 38, 5, 48, 5)
        else:
            assert {0, *range(30, 38), *range(40, 48), *range(90, 108)}.issuperset(numbers)
    red = printed(np.array([[[255, 0, 0]]], np.uint8), colours)
    assert {"256": "38;5;196m", "standard": "31m"}[colours] in red


@pytest.mark.parametrize(
    ("options", "encoding", "shades"),
    [
        ({"no_color": True}, "utf-8", " \u2591\u2592\u2593\u2588"),
        ({"colours": None}, "utf-8", " \u2591\u2592\u2593\u2588"),
        ({"colours": None}, "ascii", " .:+#"),
        ({"legacy_windows": True}, "cp437", " \u2591\u2592\u2593\u2588"),
    ],
)
def test_without_colours_there_are_shades(options, encoding, shades):
    ramp = np.linspace(0, 255, 5).astype(np.uint8)
    pixels = np.repeat(np.repeat(ramp[np.newaxis, :, np.newaxis], 3, axis=2), 3, axis=0)
    assert printed(pixels, encoding=encoding, **options) == 2 * f"{shades}\n"
