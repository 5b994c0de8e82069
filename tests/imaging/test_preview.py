"""A picture in the room of a screen: its proportions, its pixels, and what no screen shows as it is."""

import numpy as np
import pytest

from cnnfilter.errors import ShapeError
from cnnfilter.imaging.picture import Picture
from cnnfilter.imaging.preview import CHEQUERS, fitted

RANDOM = np.random.default_rng(3)
SMALL = RANDOM.integers(0, 256, (5, 7, 3), dtype=np.uint8)


@pytest.mark.parametrize(
    ("size", "room", "largest", "expected"),
    [
        ((5, 7), (40, 40), 1, (5, 7)),
        ((5, 7), (40, 40), 10, (25, 35)),  # five times is the most that fits
        ((5, 7), (400, 400), 10, (50, 70)),
        ((5, 7), (9, 100), 10, (5, 7)),
        ((400, 600), (44, 80), 1, (44, 66)),
        ((600, 400), (44, 80), 1, (44, 29)),
        ((400, 600), (440, 800), 10, (400, 600)),
        ((1, 10000), (44, 80), 1, (1, 80)),
        ((10000, 1), (44, 80), 10, (44, 1)),
        ((1, 1), (1, 1), 10, (1, 1)),
        ((3, 80), (2, 80), 1, (2, 53)),
    ],
)
def test_a_picture_is_as_large_as_it_fits_in_its_proportions(size, room, largest, expected):
    assert fitted(Picture(np.zeros(size, np.uint8)), room, largest).shape == (*expected, 3)


def test_small_pictures_keep_their_pixels_and_large_ones_become_means():
    assert np.array_equal(fitted(Picture(SMALL), (50, 70), 10), SMALL.repeat(10, axis=0).repeat(10, axis=1))
    large = RANDOM.integers(0, 256, (40, 60, 3), dtype=np.uint8)
    means = large.reshape(10, 4, 15, 4, 3).mean(axis=(1, 3))
    assert np.abs(fitted(Picture(large), (10, 15), 1) - means).max() <= 1


def test_grey_is_of_three_equal_colours_and_16_bits_become_8():
    grey = SMALL[..., 0]
    expected = np.repeat(grey[..., np.newaxis], 3, axis=2)
    assert np.array_equal(fitted(Picture(grey), (5, 7), 1), expected)
    assert np.array_equal(fitted(Picture(grey.astype(np.uint16) * 257), (5, 7), 1), expected)


def test_floats_have_the_colours_of_maps():
    blue, white, red = fitted(Picture(np.array([[-2, 0, 2]], np.float32)), (1, 3), 1)[0].astype(int)
    assert blue[2] > blue[0]
    assert white.min() > 240
    assert red[0] > red[2]
    with pytest.raises(ShapeError, match="one map or three"):
        fitted(Picture(np.zeros((2, 3, 2), np.float32)), (5, 5), 1)


@pytest.mark.parametrize("pixels", [np.full((4, 8), 200, np.uint8), np.full((4, 8, 3), 200, np.uint8)])
def test_what_is_transparent_stands_on_chequers(pixels):
    alpha = np.zeros((4, 8), np.uint8)
    alpha[:, 4:] = 255
    shown = fitted(Picture(pixels, alpha), (4, 8), 1)
    assert (shown[:, 4:] == 200).all()
    dark, light = CHEQUERS
    assert shown[:, :4, 1].tolist() == [[dark] * 2 + [light] * 2] * 2 + [[light] * 2 + [dark] * 2] * 2
    half = fitted(Picture(pixels, np.full((4, 8), 128, np.uint8)), (4, 8), 1)
    assert abs(int(half[0, 0, 0]) - (200 + dark) / 2) <= 1
