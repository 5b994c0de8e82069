"""Kernels of whole numbers over 8- and 16-bit pictures: exact, of any size, as long as 64 bits hold the sums."""

import numpy as np
import pytest

from cnnfilter import apply, conv2d
from cnnfilter.engine import fourier
from cnnfilter.engine.direct import DirectFilter
from cnnfilter.engine.fourier import FourierFilter, is_exact
from cnnfilter.engine.geometry import Windows
from cnnfilter.engine.methods import choose
from cnnfilter.engine.separable import SeparableFilter
from cnnfilter.sizes import parse_border
from tests.oracles import samples, sized

MODES = {"zeros": "constant", "reflect": "reflect", "constant=99": "constant", "circular": "wrap"}
WIDE = sized(300, 140)


def exact_sums(x, weight, border):
    """Correlate in whole numbers of 64 bits, with padding `same`."""
    pads = [((side - 1) // 2, side // 2) for side in weight.shape]
    outside = {"constant_values": int(parse_border(border).value)} if MODES[border] == "constant" else {}
    padded = np.pad(x.astype(np.int64), pads, mode=MODES[border], **outside)
    total = np.zeros(x.shape, dtype=np.int64)
    for (m, n), value in np.ndenumerate(weight):
        total += int(value) * padded[m : m + x.shape[0], n : n + x.shape[1]]
    return total


def drawn(rng, window, size):
    return np.rint(rng.normal(size=window) * size).astype(np.float32)


def method_for(x, weight, border):
    over = Windows.over(
        x.shape, weight.shape, stride=(1, 1), padding="same", dilation=(1, 1), border=parse_border(border)
    )
    return choose(weight[None, None], over, x.dtype)


CASES = [
    (np.uint16, (13, 13), 5, FourierFilter, np.float64),
    (np.uint16, (15, 15), 300, FourierFilter, np.float64),
    (np.uint16, (8, 8), 300, FourierFilter, np.float64),
    (np.uint16, (31, 29), 9, FourierFilter, np.float64),
    (np.uint16, (5, 99), 99, FourierFilter, np.float64),
    (np.uint8, (13, 13), 5, DirectFilter, np.float32),
    (np.uint8, (21, 17), 90, FourierFilter, np.float64),
    (np.uint8, (13, 17), 5000, FourierFilter, np.float64),
    (np.uint16, (3, 75), 1000, DirectFilter, np.float64),
    (np.uint16, (13, 13), 3e8, DirectFilter, np.float64),
    (np.uint16, (13, 13), 3e10, DirectFilter, np.int64),
    (np.uint8, (2, 3), 1e15, DirectFilter, np.int64),
]


@pytest.mark.parametrize("border", MODES)
@pytest.mark.parametrize(("dtype", "window", "size", "method", "kind"), CASES)
def test_sums_are_exact(dtype, window, size, method, kind, border):
    rng = np.random.default_rng(1)
    x, weight = samples(rng, (sized(300, 14), WIDE), dtype), drawn(rng, window, size)
    chosen = method_for(x, weight, border)
    assert (type(chosen), chosen.kind) == (method, kind)
    expected = exact_sums(x, weight, border)
    pads = tuple(((side - 1) // 2, side // 2) for side in window)
    for stride in (1, 3):
        result = conv2d(x, weight, padding=pads, border=border, stride=stride)
        np.testing.assert_array_equal(result, expected[::stride, ::stride].astype(np.float32))


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("threads", [1, 2])
def test_pictures_are_exact(dtype, threads):
    rng = np.random.default_rng(2)
    x = samples(rng, (sized(700, 12), WIDE), dtype)
    weight = drawn(rng, (13, 13), 2)
    weight[6, 6] += 1 - weight.sum()  # values stay about where they are, where many are not clipped
    full = np.iinfo(dtype).max
    expected = np.clip(exact_sums(x, weight, "reflect") + 7, 0, full)
    result = apply(x, weight, border="reflect", bias=7, threads=threads)
    np.testing.assert_array_equal(result, expected.astype(dtype))
    colours = np.stack([x, x[::-1], full - x], axis=-1)
    each = [apply(colours[..., c], weight, border="reflect") for c in range(3)]
    np.testing.assert_array_equal(apply(colours, weight, border="reflect"), np.stack(each, axis=-1))


@pytest.mark.parametrize("value", [0, 255])
def test_the_largest_sums_are_exact(value):
    # A constant picture puts all of a column's terms, and all rounding errors, into a single place of its spectrum.
    x = np.full((sized(260, 20), WIDE), value, dtype=np.uint8)
    x[3, 5] = 1
    weight = np.full((16, 16), 14_000_000, dtype=np.float32)
    weight[0, 0] = -13_999_999
    assert isinstance(method_for(x, weight, "zeros"), FourierFilter)
    result = conv2d(x, weight, padding="same")
    np.testing.assert_array_equal(result, exact_sums(x, weight, "zeros").astype(np.float32))


def test_the_bias_joins_before_the_sum_is_rounded():
    x = np.full((9, WIDE), 65535, dtype=np.uint16)
    weight = np.array([[128, 128, 1]], dtype=np.float32)  # 2**24 + 65279, whose last bit float32 has no room for
    exact = 257 * 65535
    assert float(np.float32(exact)) != exact
    assert conv2d(x, weight[None, None], [-(2.0**24)])[0, 0, 0] == exact - 2**24
    box = np.ones((1, 1, 1, 257), dtype=np.float32)
    assert conv2d(np.pad(x, ((0, 0), (0, 257)), mode="edge"), box, [-(2.0**24)])[0, 0, 0] == exact - 2**24


def test_two_passes_in_float64_are_exact():
    rng = np.random.default_rng(3)
    x = samples(rng, (sized(60, 20), WIDE), np.uint16)
    weight = np.outer(rng.integers(-99, 99, 13), rng.integers(1, 99, 13)).astype(np.float32)
    chosen = method_for(x, weight, "zeros")
    assert (type(chosen), chosen.kind) == (SeparableFilter, np.float64)
    np.testing.assert_array_equal(conv2d(x, weight, padding="same"), exact_sums(x, weight, "zeros").astype(np.float32))


def test_padding_that_no_sample_of_the_picture_can_be():
    x = samples(np.random.default_rng(4), (20, WIDE), np.uint8)
    weight = drawn(np.random.default_rng(5), (3, 5), 1e15)
    padded = np.pad(x.astype(np.int64), ((1, 1), (2, 2)), constant_values=-700)
    expected = exact_sums(padded, weight, "zeros")[1:-1, 2:-2]
    np.testing.assert_array_equal(
        conv2d(x, weight, padding="same", border="constant=-700"), expected.astype(np.float32)
    )
    large = drawn(np.random.default_rng(6), (21, 21), 90)
    assert isinstance(method_for(x, large, "constant=200"), FourierFilter)
    assert isinstance(method_for(x, large, "constant=0.5"), DirectFilter)
    assert isinstance(method_for(x, large, "constant=300"), DirectFilter)


def test_float64_keeps_spectra_exact_up_to_a_limit():
    over = Windows.over(
        (99, 99), (15, 15), stride=(1, 1), padding="same", dilation=(1, 1), border=parse_border("zeros")
    )
    assert is_exact(2.0**36, over)
    assert not is_exact(2.0**42, over)
    assert fourier.ROUNDER + 0.4 - fourier.ROUNDER == 0
