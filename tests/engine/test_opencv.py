"""Odd integer kernels up to 11x11 on 8-bit pictures are exact, and so equal to OpenCV's."""

import cv2
import numpy as np
import pytest

from cnnfilter.engine import ops
from cnnfilter.running.apply import apply
from tests.oracles import BORDERS, samples, sized

WINDOWS = [(1, 1), (3, 3), (5, 5), (7, 7), (9, 9), (11, 11), (3, 7), (11, 1)]
FLAGS = [pytest.param(border[0], border[3], 0, id=border[0]) for border in BORDERS]
FLAGS.append(pytest.param("constant=9", cv2.BORDER_CONSTANT, 9, id="constant=9"))


def picture(channels, size=(40, 53)):
    shape = sized(size, (13, 16)) + ((channels,) if channels > 1 else ())
    return samples(np.random.default_rng(channels), shape, np.uint8)


def integers(window, top):
    return np.random.default_rng(sum(window)).integers(-top, top + 1, window).astype(np.float32)


def filter2d(x, weight, depth, flag, value):
    """`cv2.filter2D` with the padding made beforehand: it knows neither WRAP nor constants but 0."""
    rows, columns = weight.shape[0] // 2, weight.shape[1] // 2
    padded = cv2.copyMakeBorder(x, rows, rows, columns, columns, flag, value=(value,) * 4)
    height, width = x.shape[:2]
    return cv2.filter2D(padded, depth, weight)[rows : rows + height, columns : columns + width]


@pytest.mark.parametrize(("border", "flag", "value"), FLAGS)
@pytest.mark.parametrize("window", WINDOWS, ids=str)
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_conv2d_of_integers_is_exact(channels, window, border, flag, value):
    x, weight = picture(channels), integers(window, 30)
    # From 8 bits to float OpenCV turns to FFT at 7x7, and is no longer exact: it gets floats.
    expected = filter2d(x.astype(np.float32), weight, cv2.CV_32F, flag, value)
    result = ops.conv2d(x, weight, padding="same", border=border)
    np.testing.assert_array_equal(result, np.moveaxis(expected, -1, 0) if channels > 1 else expected)


@pytest.mark.parametrize("border", [border[0] for border in BORDERS[:4]])
@pytest.mark.parametrize("channels", [1, 3])
def test_conv2d_equals_filter2d_with_its_own_border(channels, border):
    x, weight = picture(channels), integers((5, 5), 30)
    flag = dict((name, flag) for name, _, _, flag in BORDERS)[border]
    expected = cv2.filter2D(x, cv2.CV_32F, weight, borderType=flag)
    result = ops.conv2d(x, weight, padding="same", border=border)
    np.testing.assert_array_equal(result, np.moveaxis(expected, -1, 0) if channels > 1 else expected)


@pytest.mark.parametrize(("border", "flag", "value"), FLAGS)
@pytest.mark.parametrize("window", WINDOWS, ids=str)
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_apply_of_integers_equals_filter2d(channels, window, border, flag, value):
    x, weight = picture(channels), integers(window, 3)
    result = apply(x, weight, border=border)
    assert result.dtype == np.uint8
    np.testing.assert_array_equal(result, filter2d(x, weight, -1, flag, value))


@pytest.mark.parametrize("channels", [1, 3])
def test_apply_wider_than_a_band(channels):
    x, weight = picture(channels, (411, 1300)), integers((3, 3), 2)
    expected = cv2.filter2D(x, -1, weight, borderType=cv2.BORDER_REPLICATE)
    np.testing.assert_array_equal(apply(x, weight), expected)
    np.testing.assert_array_equal(apply(x, weight, threads=1), expected)


def test_exact_with_the_largest_values():
    x = np.full(sized((30, 40), (12, 13)), 255, np.uint8)
    weight = np.full((11, 11), 500, np.float32)  # 121 * 500 * 255 < 2**24
    expected = np.full((x.shape[0] - 10, x.shape[1] - 10), 121 * 500 * 255)
    np.testing.assert_array_equal(ops.conv2d(x, weight), expected)
