import doctest
import itertools

import cv2
import numpy as np
import pytest
from scipy import ndimage, signal, special

from cnnfilter.engine import reference
from tests.oracles import BORDERS, samples, weights

PADS = [((0, 0), (0, 0)), ((1, 2), (0, 3)), ((5, 0), (7, 9)), ((13, 14), (15, 11))]


def test_examples_in_the_docstrings():
    assert doctest.testmod(reference).failed == 0


@pytest.mark.parametrize("pads", PADS)
@pytest.mark.parametrize(("border", "mode"), [border[:2] for border in BORDERS])
def test_pad_is_numpys(border, mode, pads):
    for size in [(1, 1), (1, 4), (5, 1), (2, 3), (6, 5)]:
        x = samples(np.random.default_rng(1), size, np.float32)
        result = reference.pad(x, pads, border)
        assert result.dtype == np.float64
        np.testing.assert_array_equal(result, np.pad(x, pads, mode=mode))


@pytest.mark.parametrize(("border", "flag"), [(border[0], border[3]) for border in BORDERS])
def test_pad_is_opencvs(border, flag):
    x = samples(np.random.default_rng(2), (6, 5), np.uint8)
    expected = cv2.copyMakeBorder(x, 3, 4, 2, 5, flag)
    np.testing.assert_array_equal(reference.pad(x, ((3, 4), (2, 5)), border), expected)


def test_pad_with_a_constant_keeps_leading_axes():
    x = samples(np.random.default_rng(3), (2, 3, 4, 5), np.float32)
    result = reference.pad(x, ((1, 0), (0, 2)), "constant=-7")
    expected = np.pad(x, ((0, 0), (0, 0), (1, 0), (0, 2)), constant_values=-7)
    np.testing.assert_array_equal(result, expected)


@pytest.mark.parametrize(("border", "mode"), [(border[0], border[2]) for border in BORDERS])
@pytest.mark.parametrize("window", [(1, 1), (3, 3), (2, 3), (5, 1), (4, 4), (1, 6)])
def test_conv2d_is_scipys_correlate(border, mode, window):
    rng = np.random.default_rng(4)
    x, weight = samples(rng, (9, 7), np.float32), weights(rng, window)
    # SciPy centres an even kernel past its middle, which is the odd pixel of padding at the beginning.
    result = reference.conv2d(x, weight, padding="same-lower", border=border)
    expected = ndimage.correlate(x.astype(np.float64), weight.astype(np.float64), mode=mode)
    assert result.shape == (9, 7)
    assert result.dtype == np.float64
    np.testing.assert_allclose(result, expected, rtol=0, atol=1e-12)


def test_conv2d_with_a_constant_is_scipys_correlate():
    rng = np.random.default_rng(5)
    x, weight = samples(rng, (6, 8), np.float32), weights(rng, (3, 5))
    result = reference.conv2d(x, weight, padding="same", border="constant=2.5")
    expected = ndimage.correlate(x.astype(np.float64), weight.astype(np.float64), mode="constant", cval=2.5)
    np.testing.assert_allclose(result, expected, rtol=0, atol=1e-12)


def test_conv2d_with_a_rotated_kernel_is_true_convolution():
    rng = np.random.default_rng(6)
    x, weight = samples(rng, (9, 7), np.float32), weights(rng, (3, 2))
    expected = signal.convolve2d(x.astype(np.float64), weight.astype(np.float64), mode="valid")
    np.testing.assert_allclose(reference.conv2d(x, weight[::-1, ::-1]), expected, rtol=0, atol=1e-12)


def test_stride_takes_every_nth_place_and_dilation_spreads_the_taps():
    rng = np.random.default_rng(7)
    x, weight = samples(rng, (12, 11), np.float32), weights(rng, (3, 2))
    spread = np.zeros((5, 4))
    spread[::2, ::3] = weight
    everywhere = signal.correlate2d(x.astype(np.float64), spread, mode="valid")
    result = reference.conv2d(x, weight, stride=(2, 3), dilation=(2, 3))
    np.testing.assert_allclose(result, everywhere[::2, ::3], rtol=0, atol=1e-12)


@pytest.mark.parametrize(("border", "flag"), [(border[0], border[3]) for border in BORDERS[:4]])
def test_conv2d_is_opencvs_filter2d(border, flag):
    rng = np.random.default_rng(8)
    x, weight = samples(rng, (9, 7), np.uint8), rng.integers(-9, 10, (3, 5))
    expected = cv2.filter2D(x, cv2.CV_32F, weight.astype(np.float32), borderType=flag)
    np.testing.assert_array_equal(reference.conv2d(x, weight, padding="same", border=border), expected)


def test_conv2d_is_opencvs_sobel():
    x = samples(np.random.default_rng(9), (9, 7), np.uint8)
    sobel = [[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]]
    expected = cv2.Sobel(x, cv2.CV_64F, 1, 0)
    np.testing.assert_array_equal(reference.conv2d(x, sobel, padding=1, border="reflect"), expected)


def test_a_bank_sums_over_the_channels_of_its_group():
    rng = np.random.default_rng(10)
    x, bank, bias = samples(rng, (4, 6, 5), np.float32), weights(rng, (6, 2, 3, 2)), weights(rng, 6)
    result = reference.conv2d(x, bank, bias, groups=2)
    assert result.shape == (6, 4, 4)
    for o in range(6):
        first = 0 if o < 3 else 2
        planes = [
            signal.correlate2d(x[first + c].astype(np.float64), bank[o, c].astype(np.float64), mode="valid")
            for c in range(2)
        ]
        np.testing.assert_allclose(result[o], sum(planes) + bias[o], rtol=0, atol=1e-12)


def test_one_kernel_filters_each_channel_on_its_own():
    rng = np.random.default_rng(11)
    x, weight = samples(rng, (6, 5, 3), np.uint8), weights(rng, (3, 2))
    result = reference.conv2d(x, weight, [2])
    assert result.shape == (3, 4, 4)
    for c in range(3):
        np.testing.assert_array_equal(result[c], reference.conv2d(x[..., c], weight) + 2)


def test_several_kernels_give_their_maps_channel_by_channel():
    rng = np.random.default_rng(12)
    x, kernels, bias = samples(rng, (3, 6, 5), np.float32), weights(rng, (2, 3, 2)), weights(rng, 2)
    result = reference.conv2d(x, kernels, bias)
    assert result.shape == (6, 4, 4)
    for c, n in itertools.product(range(3), range(2)):
        np.testing.assert_array_equal(result[2 * c + n], reference.conv2d(x[c], kernels[n], bias[n : n + 1]))


@pytest.mark.parametrize(
    ("x", "weight", "expected"),
    [
        ((5, 6), (3, 2), (3, 5)),
        ((5, 6), (4, 3, 2), (4, 3, 5)),
        ((5, 6), (4, 1, 3, 2), (4, 3, 5)),
        ((1, 5, 6), (3, 2), (1, 3, 5)),
        ((2, 5, 6), (3, 2), (2, 3, 5)),
        ((2, 5, 6), (4, 2, 3, 2), (4, 3, 5)),
        ((1, 2, 5, 6), (3, 2), (1, 2, 3, 5)),
        ((3, 2, 5, 6), (4, 2, 3, 2), (3, 4, 3, 5)),
    ],
)
def test_the_rank_of_the_maps_follows_the_input(x, weight, expected):
    assert reference.conv2d(np.zeros(x, np.float32), np.ones(weight)).shape == expected


def test_a_zero_weight_contributes_nothing_not_even_to_nan():
    x = [[np.nan, 2], [3, 4]]
    np.testing.assert_array_equal(reference.conv2d(x, [[0, 1], [1, 1]]), [[9]])
    np.testing.assert_array_equal(reference.conv2d(x, [[1, 1], [1, 1]]), [[np.nan]])
    np.testing.assert_array_equal(reference.linear([np.nan, 2], [[0, 3], [1, 3]]), [6, np.nan])


@pytest.mark.parametrize("pool", ["max_pool2d", "avg_pool2d", "sum_pool2d"])
def test_pools_are_scipys_filters(pool):
    x = samples(np.random.default_rng(13), (8, 9), np.float32).astype(np.float64)
    oracle = {
        "max_pool2d": lambda: ndimage.maximum_filter(x, (3, 5), mode="constant", cval=-np.inf),
        "avg_pool2d": lambda: ndimage.uniform_filter(x, (3, 5), mode="constant"),
        "sum_pool2d": lambda: ndimage.correlate(x, np.ones((3, 5)), mode="constant"),
    }
    result = getattr(reference, pool)(x, (3, 5), stride=(2, 1), padding=(1, 2))
    np.testing.assert_allclose(result, oracle[pool]()[::2], rtol=0, atol=1e-12)


def test_activations_are_scipys():
    x = np.linspace(-30, 30, 101)
    np.testing.assert_allclose(reference.sigmoid(x), special.expit(x), rtol=1e-14)
    np.testing.assert_allclose(reference.softplus(x), special.log1p(np.exp(x)), rtol=1e-14)
    np.testing.assert_allclose(reference.swish(x), x * special.expit(x), rtol=1e-14)
    np.testing.assert_allclose(reference.softmax(x), special.softmax(x), rtol=1e-12)
    maps = x[:96].reshape(4, 6, 4)
    np.testing.assert_allclose(reference.softmax(maps, axis=1), special.softmax(maps, axis=1), rtol=1e-12)


@pytest.mark.parametrize(
    ("result", "expected"),
    [
        (reference.relu([-2, 0, 3]), [0, 0, 3]),
        (reference.leaky_relu([-2, 0, 3]), [-0.02, 0, 3]),
        (reference.leaky_relu([-2, 0, 3], 0.1), [-0.2, 0, 3]),
        (reference.elu([-2, 0, 3]), [-0.8646647167633873, 0, 3]),
        (reference.elu([-2, 3], 0.5), [-0.43233235838169365, 3]),
        (reference.selu([-2, 3]), [-1.5201664685956948, 3.1521029620664415]),
        (reference.sigmoid([-1000, -2, 0, 1000]), [0, 0.11920292202211755, 0.5, 1]),
        (reference.tanh([-1000, 0.5, 1000]), [-1, 0.46211715726000973, 1]),
        (reference.softplus([-1000, 0, 1000]), [0, 0.6931471805599453, 1000]),
        (reference.swish([-1000, 0, 2]), [0, 0, 1.7615941559557649]),
        (reference.rbf([0, 1, 3]), [1, 0.36787944117144233, 0.00012340980408667956]),
        (reference.rbf([0, 1], center=2, epsilon=0.5), [0.36787944117144233, 0.7788007830714049]),
        (reference.linear([[1, 2], [3, 4]], [[1, 10], [100, 1000], [0, 1]]), [[21, 2100, 2], [43, 4300, 4]]),
    ],
)
def test_values_worked_by_hand(result, expected):
    assert result.dtype == np.float64
    np.testing.assert_allclose(result, expected, rtol=1e-12, atol=1e-300)


def test_gray_of_a_picture_and_of_maps():
    picture = np.array([[[10, 20, 30], [255, 255, 255]]], np.uint8)
    expected = [[[2.99 + 11.74 + 3.42, 255]]]
    np.testing.assert_allclose(reference.gray(picture), expected, rtol=1e-14)
    maps = np.moveaxis(picture, -1, 0).astype(np.float32)
    np.testing.assert_allclose(reference.gray(maps), expected, rtol=1e-14)


def test_normalize_by_one_number_and_by_one_for_each_channel():
    x = np.array([[[51.0]], [[102.0]]])
    np.testing.assert_allclose(reference.normalize(x), [[[0.2]], [[0.4]]])
    result = reference.normalize(x, 1, mean=[50, 100], std=[2, 4])
    np.testing.assert_allclose(result, [[[0.5]], [[0.5]]])


def test_combining_the_maps_of_each_channel():
    maps = np.array([3, -4, 5, -12], np.float32).reshape(4, 1, 1)
    np.testing.assert_array_equal(reference.magnitude(maps), [[[5]], [[13]]])
    np.testing.assert_array_equal(reference.combine(maps, 2, "maximum"), [[[3]], [[5]]])
    np.testing.assert_array_equal(reference.combine(maps, 4, "maximum"), [[[5]]])


@pytest.mark.parametrize(
    ("weight", "scale", "divisor"),
    [
        ([[1, 2], [3, 4]], "none", 1),
        ([[1, 2], [3, 4]], "sum", 10),
        ([[1, -2], [3, -4]], "sum", 2),
        ([[-1, -2], [-3, -4]], "sum", 10),
        ([[-1, 0], [0, 1]], "sum", 1),
        ([[-4, 2], [1, 1]], "sum", 4),
        ([[0, 0], [0, 0]], "sum", 1),
        ([[1, -2], [3, -4]], "l1", 10),
        ([[0, 0], [0, 0]], "l1", 1),
    ],
)
def test_scaling_a_kernel(weight, scale, divisor):
    np.testing.assert_allclose(reference.scale_kernel(weight, scale), np.divide(weight, divisor), rtol=1e-15)


def test_a_sum_that_is_zero_but_for_rounding_is_not_divided_by():
    weight = np.float32([[0.1, 0.2, -0.3]])
    result = reference.scale_kernel(weight, "sum")
    assert float(weight.astype(np.float64).sum()) != 0
    np.testing.assert_allclose(result, weight / np.float32(0.3), rtol=1e-6)
