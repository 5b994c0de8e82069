import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import ImageFont

from cnnfilter.imaging import lettering
from cnnfilter.imaging.lettering import Lettering, number, tidy


@pytest.fixture(params=["freetype", "bitmap"])
def letters(request, monkeypatch):
    """Lettering of both kinds of Pillow: with FreeType and without it."""
    lettering.font.cache_clear()
    if request.param == "bitmap":
        bitmap = ImageFont.load_default_imagefont()

        def without_freetype(size=None):
            if size is not None:
                msg = "The _imagingft C module is not installed"
                raise ImportError(msg)
            return bitmap

        monkeypatch.setattr(ImageFont, "load_default", without_freetype)
    yield Lettering(12)
    lettering.font.cache_clear()


@given(st.floats(width=32, allow_nan=False, allow_infinity=False))
def test_numbers_are_short_and_true_to_three_digits(value):
    text = number(value)
    assert len(text) <= 9
    assert math.isclose(float(text), value, rel_tol=5.001e-3, abs_tol=0)


def test_negative_zero_is_zero():
    assert number(-0.0) == "0"


def test_titles_are_one_line_of_limited_length():
    assert tidy("a\nb\x1b[1m\u202ec") == "a?b?[1m?c"
    assert len(tidy("x" * 10_000)) == 200


def test_text_is_drawn_within_its_box(letters):
    for text in ("0 gjpqy|()", "sobel-x \u65e5\u672c \xe9", "W"):
        canvas = np.full((letters.line + 6, letters.width(text) + 6, 3), 255, np.uint8)
        letters.draw(canvas, 3, 3, text, (176, 0, 32))
        inside = canvas[3:-3, 3:-3]
        ink = (inside != 255).any(axis=2)
        assert ink.sum() > 15
        assert not ink[-1].any()  # lines that follow each other do not touch
        outside = canvas.copy()
        outside[3:-3, 3:-3] = 255
        assert (outside == 255).all()


def test_text_has_its_colour(letters):
    canvas = np.full((letters.line, letters.width("HH"), 3), 255, np.uint8)
    letters.draw(canvas, 0, 0, "HH", (176, 0, 32))
    assert np.abs(canvas.reshape(-1, 3).astype(int) - (176, 0, 32)).sum(axis=1).min() < 60


def test_a_long_text_is_cut_to_its_room(letters):
    room = letters.width("12 a long title")
    cut = letters.shorten("12 a long title of a map", room)
    assert cut.startswith("12 a long")
    assert cut.endswith("...")
    assert letters.width(cut) <= room
    assert letters.shorten("12 a long title", room) == "12 a long title"
    assert letters.shorten("12 a long title", 0) == "..."
