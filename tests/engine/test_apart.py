"""Filters that each see a single float map: all in one call, and one by one where that would lose digits."""

import numpy as np
import pytest

from cnnfilter.engine import ops, reference
from cnnfilter.engine.apart import LARGEST_PLANE, ApartFilters
from cnnfilter.engine.bands import Chain
from cnnfilter.engine.codes import RECTIFIED
from cnnfilter.engine.direct import DirectFilter
from cnnfilter.engine.geometry import Rows, Windows
from cnnfilter.engine.steps import Convolution
from cnnfilter.sizes import Border
from tests.oracles import BORDER_NAMES, assert_conv2d, sized, weights


@pytest.fixture
def only(monkeypatch):
    """Let no filter be run by itself."""
    monkeypatch.setattr(DirectFilter, "run", None)


@pytest.fixture
def never(monkeypatch):
    """Let each filter be run by itself."""
    monkeypatch.setattr(ApartFilters, "run", None)


def drawn(shape, seed=1):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


@pytest.mark.parametrize("border", BORDER_NAMES)
@pytest.mark.parametrize("stride", [1, 2, 3, (2, 1), (1, 2)])
def test_is_the_definition(border, stride, only):
    x = drawn((3, 7, sized(21, 9)))
    for window in ((3, 3), (1, 1), (2, 5)):
        bank = weights(np.random.default_rng(2), (3, 1, *window), zeros=0)
        assert_conv2d(x, bank, drawn(3), groups=3, stride=stride, padding=((1, 2), (0, 1)), border=border)


@pytest.mark.parametrize("width", [1, 3, 15, 16, 17, 63, 64, 65, 130])
@pytest.mark.parametrize("stride", [1, 2])
def test_any_width(width, stride, only):
    assert_conv2d(drawn((2, 4, width)), drawn((2, 1, 3, 3)), groups=2, padding=1, stride=stride)


@pytest.mark.parametrize("each", [2, 3])
def test_several_filters_a_map(each, only):
    x, bank = drawn((4, 9, 8)), drawn((4 * each, 1, 3, 3))
    assert_conv2d(x, bank, drawn(4 * each), groups=4, padding="same", dilation=2)
    assert_conv2d(x, bank[:each, 0], padding="same")


def test_relu_follows_in_the_same_call(only):
    windows = Windows.over((9, 70), (3, 3), stride=(1, 1), padding="same", dilation=(1, 1), border=Border("constant"))
    x, bank, bias = drawn((3, 9, 70)), drawn((3, 1, 3, 3)), drawn(3)
    result = Chain([Convolution(bank, bias, windows, 3, after=RECTIFIED)])(x)
    expected = np.maximum(reference.conv2d(x, bank, bias, padding=1, groups=3), 0)
    np.testing.assert_allclose(result, expected, rtol=0, atol=1e-5)
    assert result.min() == 0


def test_bit_identical_for_any_number_of_threads(only):
    x, bank = drawn((64, *sized((80, 90), (5, 6)))), drawn((64, 1, 3, 3))
    alone = ops.conv2d(x, bank, groups=64, padding=1, threads=1)
    for threads in (2, 3, None):
        np.testing.assert_array_equal(ops.conv2d(x, bank, groups=64, padding=1, threads=threads), alone, strict=True)


@pytest.mark.parametrize("border", ["constant", "replicate"])
@pytest.mark.parametrize("stride", [1, 2])
def test_bands_are_parts_of_the_whole(border, stride, only):
    windows = Windows.over(
        (20, 18), (3, 3), stride=(stride, stride), padding="same", dilation=(1, 1), border=Border(border)
    )
    x, step = drawn((3, 20, 18)), Convolution(drawn((3, 1, 3, 3)), drawn(3), windows, 3)
    whole = np.empty(step.shape, np.float32)
    step.run(Rows(x), 0, whole)
    for first, last in ((0, 1), (1, 2), (3, 8), (5, 10), (9, 10)):
        begin, end = step.needed(first, last)
        band = np.empty((3, last - first, whole.shape[2]), np.float32)
        step.run(Rows(np.ascontiguousarray(x[:, begin:end]), first=begin), first, band)
        np.testing.assert_array_equal(band, whole[:, first:last])


def test_a_map_of_zeros_beside_others(only):
    x = drawn((3, 5, 6))
    x[1] = 0
    assert_conv2d(x, drawn((3, 1, 3, 3)), groups=3)
    x[0, 2, 2] = 1e-35  # beside large ones of its own map
    assert_conv2d(x, drawn((3, 1, 3, 3)), groups=3)


def test_weights_of_any_size_for_each_map(only):
    bank = drawn((4, 1, 3, 3)) * np.array([1e-30, 1, 1e30, 0], np.float32)[:, None, None, None]
    bank[3] = 0
    assert_conv2d(drawn((4, 5, 6)), bank, groups=4)


def test_a_map_of_tiny_samples_keeps_its_digits(never):
    x = drawn((3, 5, 6))
    x[1] *= np.float32(1e-36)
    assert_conv2d(x, drawn((3, 1, 3, 3)), groups=3)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_zero_weights_spare_what_is_not_finite(value, never):
    x, bank = np.ones((2, 3, 3), np.float32), np.ones((2, 1, 3, 3), np.float32)
    x[0, 1, 1], bank[0, 0, 1, 1] = value, 0
    assert ops.conv2d(x, bank, groups=2, layout="chw").tolist() == [[[8]], [[9]]]


def test_what_is_not_finite_stays_so(only):
    x, bank = np.ones((2, 3, 4), np.float32), np.ones((2, 1, 3, 3), np.float32)
    x[0, 1, 3], x[1, 0, 0] = np.nan, -np.inf
    np.testing.assert_array_equal(ops.conv2d(x, bank, groups=2), [[[9, np.nan]], [[-np.inf, 9]]])


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_pictures_are_filtered_as_before(dtype, never):
    rng = np.random.default_rng(3)
    x, bank = rng.integers(0, 256, (9, 8, 3), dtype), rng.integers(-9, 9, (3, 1, 3, 3))
    expected = reference.conv2d(x, bank.astype(np.float32), groups=3)
    np.testing.assert_array_equal(ops.conv2d(x, bank, groups=3), expected)


def of(bank, size=(9, 9), border="constant", value=0.0, **options):
    windows = Windows.over(
        size,
        bank.shape[2:],
        **{"stride": (1, 1), "padding": "same", "dilation": (1, 1), "border": Border(border, value), **options},
    )
    return ApartFilters.of(bank, np.zeros(len(bank), np.float32), windows)


def test_where_they_are_run_together():
    ones = np.ones((2, 1, 3, 3), np.float32)
    assert of(ones) is not None
    assert of(ones, value=3.0) is not None
    assert of(ones, value=1e-35) is None
    assert of(ones, (LARGEST_PLANE // 8, 9)) is None
    assert of(np.ones((2, 1, 9, 9), np.float32)) is None
    assert of(ones, stride=(100, 100)) is None
    assert of(ones * np.float32(1e38)) is None
    uneven = ones.copy()
    uneven[0, 0, 0] = 1e-38, 3e37, 1e-44
    assert of(uneven) is None
