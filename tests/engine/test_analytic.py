"""What must hold of any convolution, whatever computes it."""

import numpy as np
import pytest

from cnnfilter.engine import ops, pools
from tests.oracles import BORDER_NAMES, DTYPES, samples, weights

WINDOWS = [(1, 1), (3, 3), (2, 4), (5, 2), (13, 1)]


def integers(seed, shape, top=9):
    """Draw whole numbers, whose sums are exact in float32."""
    return np.random.default_rng(seed).integers(-top, top + 1, shape).astype(np.float32)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("border", BORDER_NAMES)
def test_the_identity_returns_the_picture(border, dtype):
    x = samples(np.random.default_rng(1), (7, 9), dtype)
    for window, centre in [((1, 1), (0, 0)), ((3, 3), (1, 1)), ((5, 3), (2, 1)), ((2, 4), (0, 1))]:
        weight = np.zeros(window, np.float32)
        weight[centre] = 1
        result = ops.conv2d(x, weight, padding="same", border=border)
        np.testing.assert_array_equal(result, x.astype(np.float32), strict=True)


@pytest.mark.parametrize("window", WINDOWS)
def test_an_impulse_shows_the_rotated_kernel(window):
    weight = weights(np.random.default_rng(2), window)
    impulse = np.zeros((2 * window[0] - 1, 2 * window[1] - 1), np.float32)
    impulse[window[0] - 1, window[1] - 1] = 1
    np.testing.assert_array_equal(ops.conv2d(impulse, weight), weight[::-1, ::-1], strict=True)


def test_an_impulse_in_one_channel_shows_the_bank_of_that_channel():
    bank = weights(np.random.default_rng(3), (4, 3, 2, 3))
    for channel in range(3):
        impulse = np.zeros((3, 3, 5), np.float32)
        impulse[channel, 1, 2] = 1
        np.testing.assert_array_equal(ops.conv2d(impulse, bank), bank[:, channel, ::-1, ::-1], strict=True)


@pytest.mark.parametrize("border", ["replicate", "reflect", "symmetric", "circular", "constant=200"])
@pytest.mark.parametrize("window", WINDOWS)
def test_a_constant_picture_is_multiplied_by_the_sum(window, border):
    x, weight = np.full((8, 9), 200, np.uint8), integers(4, window)
    result = ops.conv2d(x, weight, [7], padding="same", border=border)
    np.testing.assert_array_equal(result, np.full((8, 9), 200 * weight.sum() + 7, np.float32), strict=True)


def test_a_kernel_that_sums_to_zero_sees_nothing_in_a_constant_picture():
    x = np.full((3, 6, 7), 31.25, np.float32)
    result = ops.conv2d(x, [[-1, -1, -1], [-1, 8, -1], [-1, -1, -1]], padding="same", border="replicate")
    np.testing.assert_array_equal(result, np.zeros((3, 6, 7), np.float32), strict=True)


@pytest.mark.parametrize("border", ["zeros", "replicate", "reflect", "symmetric", "circular"])
@pytest.mark.parametrize("window", WINDOWS)
def test_linear_in_the_picture_and_in_the_kernel(window, border):
    def filtered(picture, kernel):
        return ops.conv2d(picture, kernel, padding=2 if window[0] < 13 else "same", border=border)

    x, y, weight, other = integers(5, (9, 10)), integers(6, (9, 10)), integers(7, window), integers(8, window)
    np.testing.assert_array_equal(filtered(3 * x - 2 * y, weight), 3 * filtered(x, weight) - 2 * filtered(y, weight))
    np.testing.assert_array_equal(filtered(x, 3 * weight - 2 * other), 3 * filtered(x, weight) - 2 * filtered(x, other))


@pytest.mark.parametrize("shift", [(0, 1), (3, 0), (-2, 5)])
@pytest.mark.parametrize("window", WINDOWS)
def test_a_shifted_picture_gives_a_shifted_result(window, shift):
    x, weight = integers(9, (8, 9)), integers(10, window)
    result = ops.conv2d(np.roll(x, shift, (0, 1)), weight, padding="same", border="circular")
    expected = ops.conv2d(x, weight, padding="same", border="circular")
    np.testing.assert_array_equal(result, np.roll(expected, shift, (0, 1)), strict=True)


@pytest.mark.parametrize("border", BORDER_NAMES)
def test_a_transposed_picture_gives_a_transposed_result(border):
    x, weight = integers(11, (7, 9)), integers(12, (2, 5))
    result = ops.conv2d(x.T, weight.T, padding=3, border=border, stride=(1, 2), dilation=(2, 1))
    expected = ops.conv2d(x, weight, padding=3, border=border, stride=(2, 1), dilation=(1, 2))
    np.testing.assert_array_equal(result, expected.T)


def test_a_separable_kernel_is_two_passes():
    x, column, row = integers(13, (9, 8)), integers(14, (3, 1)), integers(15, (1, 5))
    np.testing.assert_array_equal(ops.conv2d(x, column * row), ops.conv2d(ops.conv2d(x, column), row))


def test_average_pooling_is_a_convolution_with_a_box():
    x = integers(16, (2, 8, 9))
    result = pools.avg_pool2d(x, (2, 4), stride=(1, 3), padding=(1, 2))
    expected = ops.conv2d(x, np.full((2, 4), 1 / 8, np.float32), stride=(1, 3), padding=(1, 2))
    np.testing.assert_array_equal(result, expected, strict=True)


def test_a_dense_layer_is_a_convolution_as_large_as_its_input():
    x, bank, bias = integers(17, (3, 4, 5)), integers(18, (6, 3, 4, 5)), integers(19, 6)
    expected = ops.linear(x.ravel(), bank.reshape(6, -1), bias)
    np.testing.assert_array_equal(ops.conv2d(x, bank, bias).ravel(), expected, strict=True)
