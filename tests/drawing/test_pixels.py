"""Figures as pixels: what is drawn is where it was told, in its colours."""

import numpy as np
import pytest
from PIL import ImageFont

from cnnfilter.drawing import files
from cnnfilter.drawing.layout import moved
from cnnfilter.drawing.pixels import draw, to_image
from cnnfilter.drawing.shapes import Box, Figure, Line, Polygon, Text
from cnnfilter.errors import PictureError
from cnnfilter.imaging import lettering

RED, BLUE, WHITE = (255, 0, 0), (0, 0, 255), (255, 255, 255)


def pixels(*shapes, scale=1.0, size=(60, 40)):
    return np.asarray(to_image(Figure(*size, "", "", shapes), scale))


def ink(*shapes, **keywords):
    """The rows and columns, first and last, of what is not white."""
    rows, columns = (pixels(*shapes, **keywords) < 250).any(axis=2).nonzero()
    return rows.min(), rows.max(), columns.min(), columns.max()


def test_a_box_covers_its_pixels_and_its_outline_lies_half_outside():
    shown = pixels(Box(10, 5, 20, 10, "#ff0000", None))
    assert (shown[5:15, 10:30] == RED).all()
    assert (shown != 255).any(axis=2).sum() == 200
    assert ink(Box(10, 5, 20, 10, None, "#0000ff", 4)) == (3, 16, 8, 31)
    shown = pixels(Box(10, 5, 20, 10, "#ff0000", "#0000ff", 1), scale=2)
    assert shown.shape == (80, 120, 3)
    assert tuple(shown[20, 40]) == RED
    assert tuple(shown[9, 40]) == BLUE


def test_a_dashed_outline_has_gaps():
    top = pixels(Box(5, 5, 50, 30, None, "#0000ff", 1, dashed=True))[5, 5:55]
    is_line = (top == BLUE).all(axis=1)
    assert is_line.tolist() == [number % 7 < 4 for number in range(50)]


def test_lines_polygons_and_arrows_are_drawn():
    shown = pixels(Line(((5, 10), (35, 10)), "#0000ff", 4))
    assert (shown[8:12, 6:34] == BLUE).all()
    assert (shown[13:] == WHITE).all()
    shown = pixels(Polygon(((0, 0), (30, 0), (0, 30)), "#ff0000", "#0000ff"))
    assert tuple(shown[8, 8]) == RED
    assert tuple(shown[25, 25]) == WHITE
    assert pixels(Polygon(((0, 0), (30, 0), (0, 30)), None, None)).min() == 255
    rows = (pixels(Line(((5, 20), (45, 20)), "#0000ff", 2, arrow=True)) != 255).any(axis=2)
    assert rows[:, 10].sum() < rows[:, 34].sum() > rows[:, 43].sum() > 0
    assert not rows[:, 47:].any()


@pytest.mark.parametrize(("anchor", "first", "last"), [("start", 30, 44), ("middle", 22, 37), ("end", 15, 29)])
def test_texts_are_anchored_with_their_capitals_in_the_middle(anchor, first, last):
    top, bottom, left, right = ink(Text(30, 20, "H", 20, "#000000", anchor))
    assert abs((top + bottom) / 2 - 20) <= 1
    assert first <= left < right <= last


def test_signs_that_the_font_has_not_are_drawn():
    missing = pixels(Text(5, 20, "\ufffd", 20))
    for sign in "\u2212\xd7\N{INFINITY}\xb2":
        assert (pixels(Text(5, 20, sign, 20)) != missing).any()
    top, bottom, left, right = ink(Text(5, 20, "\u2212", 24))
    plus = ink(Text(5, 20, "+", 24))
    assert bottom - top <= 3 < right - left
    assert abs((top + bottom) - (plus[0] + plus[1])) <= 2
    assert (left, right) == plus[2:]
    eight, infinity = ink(Text(5, 20, "8", 24)), ink(Text(5, 20, "\N{INFINITY}", 24))
    assert infinity[1] - infinity[0] < eight[1] - eight[0] < infinity[3] - infinity[2]
    assert ink(Text(5, 20, "\xb2", 24))[1] < 22
    assert (pixels(Text(5, 20, "\xfcb", 20)) == pixels(Text(5, 20, "ub", 20))).all()


def test_exponents_are_smaller_and_raised():
    flat, high = ink(Text(5, 20, "e2", 20)), ink(Text(5, 20, "e^2", 20, formula=True))
    assert high[0] < flat[0]
    assert high[3] < flat[3]
    assert high[1] == flat[1]
    assert ink(Text(5, 20, "e^2", 20))[3] > flat[3]


def test_bold_letters_are_thicker():
    thin, bold = (pixels(Text(5, 20, "number", 16, bold=bold)).sum() for bold in (False, True))
    assert bold < thin


def test_shapes_of_no_known_kind_are_errors():
    with pytest.raises(NotImplementedError, match="no pixels for str"):
        draw("circle", None)
    with pytest.raises(NotImplementedError, match="str has no place"):
        moved("circle", 1, 2)


def test_without_freetype_it_says_what_to_do(monkeypatch):
    lettering.font.cache_clear()
    bitmap = ImageFont.load_default_imagefont()

    def without_freetype(size=None):
        if size is not None:
            msg = "The _imagingft C module is not installed"
            raise ImportError(msg)
        return bitmap

    monkeypatch.setattr(ImageFont, "load_default", without_freetype)
    with pytest.raises(PictureError, match="built without FreeType, .* name an .svg instead"):
        pixels(Text(5, 20, "no font", 17.5))
    lettering.font.cache_clear()


def test_all_frames_together_have_few_pixels(monkeypatch):
    monkeypatch.setattr(files, "ALL_PIXELS", 4 * 30_000)
    figures = [Figure(200, 150, "", "", (Text(10, 10, str(number)),)) for number in range(4)]
    _, size = files.animation(iter(figures), 4, "PNG", 100)
    assert size == (200, 150)
