"""Numbers at the ends of their range: sums keep their promise wherever the result is a number of float32."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cnnfilter import Pipeline, apply, conv2d, linear
from cnnfilter.engine import loops
from cnnfilter.engine.bank import MOST_TAPS, BankFilter
from cnnfilter.engine.codes import NARROW
from cnnfilter.engine.direct import DirectFilter
from cnnfilter.engine.fourier import FourierFilter
from cnnfilter.engine.geometry import Rows, Windows
from cnnfilter.engine.methods import FloatFilter, choose
from cnnfilter.engine.reach import Reach, extremes, scaled
from cnnfilter.engine.separable import SeparableFilter
from cnnfilter.kernels.kernel import get_kernel
from cnnfilter.sizes import Border, parse_border
from tests.oracles import PRECISION, samples, sized

LARGEST = float(np.finfo(np.float32).max)
SMALLEST = 2.0**-149
WIDE = sized(150, 130)


def method_for(x, weight, border="zeros"):
    size = x.shape[0], x.shape[1]
    over = Windows.over(size, weight.shape, stride=(1, 1), padding="same", dilation=(1, 1), border=parse_border(border))
    return choose(weight[None, None], over, x.dtype)


def correlate(x, weight, outside=0.0):
    """Correlate planes (C, H, W) with filters (O, C, kh, kw) in float64, with padding `same`."""
    sides = weight.shape[2:]
    pads = [(0, 0), *(((side - 1) // 2, side // 2) for side in sides)]
    padded = np.pad(x.astype(np.float64), pads, constant_values=outside)
    seen = np.lib.stride_tricks.sliding_window_view(padded, sides, axis=(1, 2))
    return np.einsum("chwij,ocij->ohw", seen, weight.astype(np.float64), optimize=True)


def terms_of(x, weight, outside=0.0):
    """The sums of the absolute terms, of which errors are a part."""
    return correlate(np.abs(x), np.abs(weight), abs(outside))


def assert_promised(result, expected, terms):
    """Hold a result to the promise: infinite where the definition is beyond float32, and nowhere else."""
    assert result.dtype == np.float32
    sizes = np.abs(expected)
    beyond, sure = sizes > LARGEST * (1 + PRECISION), sizes < LARGEST * (1 - PRECISION)
    np.testing.assert_array_equal(result[beyond], np.sign(expected[beyond]) * np.inf)
    error = np.abs(result[sure].astype(np.float64) - expected[sure])  # infinite where the result is
    assert (error <= PRECISION * np.broadcast_to(terms, expected.shape)[sure] + 2 * SMALLEST).all()


def scattered(rng, shape, exponents, *, alike):
    """Draw numbers of one size, or each of its own, from among powers of ten."""
    sizes = 10.0 ** rng.uniform(*exponents, () if alike else shape)
    return np.clip(rng.normal(size=shape) * sizes, -LARGEST, LARGEST).astype(np.float32)


@st.composite
def extreme_convolutions(draw):
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    window = draw(st.tuples(st.integers(1, sized(15, 4)), st.integers(1, sized(15, 5))))
    exponents = draw(st.sampled_from([(-45, 38), (-45, -36), (30, 38), (-6, 6)]))
    if draw(st.booleans()):
        weight = scattered(rng, window, exponents, alike=draw(st.booleans()))
    else:
        factors = rng.normal(size=(window[0], 1)) * rng.normal(size=window[1])
        weight = np.clip(factors * 10.0 ** rng.uniform(*exponents), -LARGEST, LARGEST).astype(np.float32)
    size = draw(st.integers(1, sized(30, 6))), draw(st.integers(WIDE - 5, WIDE + 5))
    dtype = draw(st.sampled_from([np.uint8, np.uint16, np.float32]))
    if dtype == np.float32:
        around = draw(st.sampled_from([(-45, 38), (-45, -36), (30, 38), (-6, 6)]))
        x = scattered(rng, size, around, alike=True)
        outside = draw(st.sampled_from([0.0, 7.0, 1e-40, 3e38]))
    else:
        x = samples(rng, size, dtype)
        outside = draw(st.sampled_from([0.0, 7.0, 300.0, 0.5]))
    bias = draw(st.sampled_from([0.0, 0.0, 1e-40, 5.0, -1e38]))
    return x, weight, np.float32(outside), np.float32(bias)


@settings(deadline=None, max_examples=sized(150, 25), database=None)
@given(extreme_convolutions())
def test_any_size_of_weights_and_samples(case):
    x, weight, outside, bias = case
    border = f"constant={outside!r}".replace("np.float32(", "").replace(")", "") if outside else "zeros"
    expected = correlate(x[None], weight[None, None], outside) + bias
    if isinstance(method_for(x, weight, border), FourierFilter):
        terms = np.abs(weight).sum(dtype=np.float64) * max(float(x.max()), float(outside))
    else:
        terms = terms_of(x[None], weight[None, None], outside)
    result = conv2d(x, weight[None, None], [bias], padding="same", border=border)
    assert_promised(result, expected, terms + abs(bias))


@pytest.mark.parametrize("size", [1e-44, 1e-41, 1e-38, 1e-30, 1e30, 1e35, 1e37])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_large_kernels_of_small_and_of_large_weights(dtype, size):
    rng = np.random.default_rng(1)
    x = samples(rng, (sized(40, 17), WIDE), dtype)
    weight = (rng.normal(size=sized((15, 15), (13, 13))) * size).astype(np.float32)
    result = conv2d(x, weight, padding="same")
    terms = np.abs(weight).sum(dtype=np.float64) * x.max()
    assert_promised(result, correlate(x[None], weight[None, None])[0], terms)


def test_tiny_weights_beside_padding_that_is_not_whole():
    x = samples(np.random.default_rng(8), (5, WIDE), np.uint8)
    weight = (np.random.default_rng(9).normal(size=(5, 11)) * 1e-43).astype(np.float32)
    expected, terms = correlate(x[None], weight[None, None], 0.5), terms_of(x[None], weight[None, None], 0.5)
    assert_promised(conv2d(x, weight[None, None], padding="same", border="constant=0.5"), expected, terms)


@pytest.mark.parametrize("window", sized([(4, 180), (4, 500), (5, 999)], [(4, 180)]))
def test_small_weights_are_not_swallowed_by_a_large_one_of_their_row(window):
    # Each of the others is just below half a unit in the last place of the first: added to it, it is lost.
    weight = np.full(window, 0.99 * 2.0**-24, dtype=np.float32)
    weight[:, 0] = 1
    weight[0, 1:9] = 0.9 * 2.0**-24  # of no rank 1, which needs no spectra
    x = np.full((sized(300, 9), window[1] + 140), 128, dtype=np.uint8)
    assert isinstance(method_for(x, weight), FourierFilter)
    result = conv2d(x, weight)
    expected = 128 * weight.sum(dtype=np.float64)
    assert np.abs(result - expected).max() <= PRECISION * expected


@pytest.mark.parametrize("size", [1e-44, 1e-42, 1e-40, 1e-38, 1e-36])
def test_tiny_samples_keep_their_digits(size):
    rng = np.random.default_rng(2)
    x = (rng.random((9, WIDE)) * size).astype(np.float32)
    column, row = rng.random((9, 1)), rng.random(9)
    for weight in (column * row / column.sum() / row.sum(), column * row * 1e9, rng.normal(size=(5, 5)) * 1e-3):
        kernel = weight.astype(np.float32)
        expected = correlate(x[None], kernel[None, None])
        assert_promised(conv2d(x, kernel[None, None], padding="same"), expected, terms_of(x[None], kernel[None, None]))


@pytest.mark.parametrize("name", ["edge", "laplacian", "sobel", "kirsch", "sharpen", "box:size=3", "gaussian:sigma=2"])
@pytest.mark.parametrize("value", [3e38, -3e38, LARGEST])
def test_large_floats_go_beyond_float32_nowhere_on_the_way(name, value):
    x = np.full((12, WIDE), value, dtype=np.float32)
    kernel = get_kernel(name)
    bank = kernel.weights.reshape(-1, 1, *kernel.size)
    each = correlate(np.pad(x, 9, mode="edge")[None], bank)[:, 9:-9, 9:-9]
    expected = np.sqrt((each**2).sum(axis=0)) if kernel.combine == "magnitude" else each.max(axis=0)
    terms = np.abs(bank.astype(np.float64)).sum(axis=(1, 2, 3)).max() * abs(value)
    assert_promised(apply(x, kernel), expected, terms)
    chain = Pipeline.parse(f"conv:{name}:padding=same:border=replicate,relu")
    assert_promised(chain.run(x)[0], np.maximum(expected, 0), terms)


@pytest.mark.parametrize("size", [1e-30, 1e-20, 1e25, 1e37])
def test_magnitudes_whose_squares_are_no_float32(size):
    rng = np.random.default_rng(3)
    x = scattered(rng, (6, WIDE), (0, 0), alike=True) * np.float32(size)
    kernel = get_kernel("sobel")
    each = correlate(x[None], kernel.weights[:, None])
    expected = np.sqrt((each**2).sum(axis=0))
    assert_promised(apply(x, kernel, border="zeros"), expected, terms_of(x[None], kernel.weights[:, None]).max(axis=0))
    beside = Pipeline.parse(f"conv:sobel:padding=1:border=constant={size!r}").run(x * 0)
    assert beside[0, 0, 0] == pytest.approx(3 * np.sqrt(2) * size, rel=PRECISION)


@pytest.mark.parametrize("columns", [WIDE, 9])
@pytest.mark.parametrize("chain", ["relu", "relu,maxpool:1x2", "maxpool:1x2,relu", "maxpool:1x2:stride=1,relu"])
def test_what_goes_below_float32_on_the_way_is_not_rectified(chain, columns):
    x = np.full((3, columns), 3e38, dtype=np.float32)
    result = Pipeline.parse(f"conv:-1 -1 1 1 1,{chain}").run(x)
    np.testing.assert_allclose(result, 3e38, rtol=PRECISION)


@pytest.mark.parametrize("size", [1e-43, 1e-40, 1e-5, 1e36])
@pytest.mark.parametrize("weight_size", [1e-42, 1e-4, 1e5, 1e37])
@pytest.mark.parametrize("outputs", [4, 9])
def test_banks(outputs, weight_size, size):
    rng = np.random.default_rng(4)
    x = scattered(rng, (3, 5, 20), (0, 0), alike=True) * np.float32(size)
    bank = np.clip(rng.normal(size=(outputs, 3, 3, 3)) * weight_size, -LARGEST, LARGEST).astype(np.float32)
    assert_promised(conv2d(x, bank, padding="same"), correlate(x, bank), terms_of(x, bank))


def test_a_bank_whose_weights_lie_too_far_apart():
    bank = np.ones((4, 2, 1, 1), dtype=np.float32)
    bank[:, 0], bank[:, 1] = 1e30, 1.2345678e-20
    assert scaled(bank) is None
    x = np.zeros((2, 3, 20), dtype=np.float32)
    x[1] = 1
    np.testing.assert_array_equal(conv2d(x, bank), np.full((4, 3, 20), bank[0, 1, 0, 0]))


@pytest.mark.parametrize("taps", [MOST_TAPS, MOST_TAPS + 1])
def test_very_long_sums_are_not_for_a_bank(taps):
    bank = np.ones((4, taps, 1, 1), dtype=np.float32)
    over = Windows.over((1, 16), (1, 1), stride=(1, 1), padding=((0, 0), (0, 0)), dilation=(1, 1), border=Border())
    rows = Rows(np.ones((1, 1, 16), dtype=np.float32))
    assert BankFilter(bank, np.zeros(4), over).keeps_promises(rows, 0, 1) == (taps <= MOST_TAPS)


def test_a_bank_of_more_taps_than_float32_adds_up():
    taps = sized(200_000, 9_000)
    x = np.full((taps, 1, 16), 0.99 * 2.0**-24, dtype=np.float32)
    x[0] = 1
    expected = x.sum(axis=0, dtype=np.float64)
    result = conv2d(x, np.ones((4, taps, 1, 1)))
    assert (np.abs(result - expected) <= PRECISION * expected).all()


@pytest.mark.parametrize(("size", "weight_size"), [(1e30, 1e10), (3e38, 1), (1e-42, 1e-2), (1, 1e-43), (1e-30, 1e-12)])
@pytest.mark.parametrize("outputs", [1, 70])
def test_dense_layers(outputs, size, weight_size):
    rng = np.random.default_rng(5)
    x = np.clip(rng.normal(size=(2, 50)) * size, -LARGEST, LARGEST).astype(np.float32)
    x[1] = 0
    matrix = (rng.normal(size=(outputs, 50)) * weight_size).astype(np.float32)
    wide = matrix.astype(np.float64)
    terms = np.abs(x.astype(np.float64)) @ np.abs(wide).T
    assert_promised(linear(x, matrix), x.astype(np.float64) @ wide.T, terms)
    np.testing.assert_array_equal(linear(x[1], matrix, np.ones(outputs)), np.ones(outputs))


@pytest.mark.parametrize("shape", [(1, 3, 4), (12,)])
def test_normalizing_goes_beyond_float32_nowhere_on_the_way(shape):
    x = np.full(shape, 3e38, dtype=np.float32)
    result = Pipeline.parse("normalize:0.001:std=1e10").run(x)
    np.testing.assert_allclose(result, np.full(shape, 3e31), rtol=PRECISION)
    assert np.isinf(Pipeline.parse("normalize:0.001").run(x)).all()
    assert np.isinf(Pipeline.parse("normalize:0.001,abs").run(-x)).all()


def test_infinity_beside_what_goes_beyond_on_the_way():
    x = np.array([3e38, 3e38, -3e38, np.inf], dtype=np.float32)
    assert linear(x, [[1, 1, 1, 0], [1, 1, 1, 2]]).tolist() == [np.float32(3e38), np.inf]


@pytest.mark.parametrize("planes", [1, 3])
@pytest.mark.parametrize("length", [5, 100])
def test_extremes(planes, length):
    x = np.zeros((planes, 4, length), dtype=np.float32)
    x[:, 0], x[:, 3] = 1e-44, np.nan
    assert extremes(x, 1, 3) == (np.inf, 0)
    x[0, 1, 2], x[-1, 2, 4] = -1e-38, 5e37
    assert extremes(x, 1, 3) == pytest.approx((1e-38, 5e37))
    x[0, 2, 0], x[-1, 2, 1] = np.nan, -np.inf
    assert extremes(x, 1, 3) == pytest.approx((1e-38, 5e37))
    assert extremes(x, 2, 2) == (np.inf, 0)


def test_reach():
    reach = Reach(1e-38, 0.0)
    rows = Rows(np.array([[[0], [1e-40], [1.0]]], dtype=np.float32), first=5)
    assert reach.covers(rows, 5, 8)
    assert not reach.covers(rows, 5, 7)
    assert reach.covers(rows, 0, 1)  # of nothing but 0 nothing is lost
    assert not Reach(0.0, 1e-10, 1e10).holds(1e-11)
    assert Reach(0.0, 1e-10, 1e10).holds(-1.0)


def test_kernels_that_float32_cannot_hold_are_summed_in_float64():
    x = np.ones((9, WIDE), dtype=np.float32)
    far = np.array([[1e30, 1.2345678e-20]], dtype=np.float32)
    assert method_for(x, far).kind == np.float64
    method = method_for(x, np.outer(np.arange(1.0, 9), np.arange(1.0, 9)).astype(np.float32))
    assert isinstance(method, FloatFilter)
    assert isinstance(method.usual, SeparableFilter)
    tiny = Rows(x[None] * np.float32(1e-44))
    assert method.over(Rows(x[None]), 0, 9) is method.usual
    assert method.over(tiny, 0, 9).kind == np.float64
    assert isinstance(method_for(x, far[:, :1]).usual, DirectFilter)


@pytest.mark.parametrize("dilation", [5_000, 100_000, "1x90000", "90000x1"])
@pytest.mark.parametrize("outputs", [1, 5])
def test_windows_that_reach_far_beyond_the_picture(outputs, dilation):
    x = samples(np.random.default_rng(6), (9, WIDE), np.uint16)
    bank = np.random.default_rng(7).integers(-9, 9, (outputs, 1, 9, 9)).astype(np.float32)
    result = conv2d(x, bank, padding="same", dilation=dilation)
    # All but the taps in line with the middle lie in the padding.
    down, along = (not str(dilation).startswith("1x"), not str(dilation).endswith("x1"))
    near = bank[:, :, 4:5] if down else bank
    near = near[..., 4:5] if along else near
    np.testing.assert_array_equal(result, correlate(x[None], near))


@pytest.mark.parametrize("shape", [(1, 1, 3, 3), (5, 1, 3, 5), (1, 1, 13, 13)])
@pytest.mark.parametrize("border", ["zeros", "reflect", "constant=2.5"])
def test_windows_that_lie_far_apart(border, shape):
    x = samples(np.random.default_rng(8), sized((60, 300), (9, 20)), np.uint8)
    bank = np.random.default_rng(9).normal(size=shape).astype(np.float32)
    every = conv2d(x, bank, padding=sized(130, 70), border=border)
    for stride in (2, 7, 65, "1x66"):
        result = conv2d(x, bank, padding=sized(130, 70), border=border, stride=stride)
        down, along = (1, 66) if stride == "1x66" else (stride, stride)
        np.testing.assert_allclose(result, every[:, ::down, ::along], atol=255 * 1e-5 * np.abs(bank).sum())


@pytest.mark.parametrize("stride", [1000, 10**6])
@pytest.mark.parametrize("kernel", ["box:size=9", "gaussian:sigma=2", "edge"])
def test_much_padding_takes_no_memory_where_nothing_sees_it(kernel, stride, monkeypatch):
    empty, x = np.empty, np.full((9, WIDE), 200, dtype=np.uint8)
    largest = []
    monkeypatch.setattr(
        np, "empty", lambda shape, *rest, **options: largest.append(np.prod(shape)) or empty(shape, *rest, **options)
    )
    weights = get_kernel(kernel).weights
    result = conv2d(x, weights, padding=10**6, stride=stride)
    assert result.shape == (
        (2_000_000 + 9 - len(weights)) // stride + 1,
        (2_000_000 + WIDE - len(weights)) // stride + 1,
    )
    assert max(largest) <= 1 << 26
    assert conv2d(x, np.stack([weights] * 5)[:, None], padding=10**5, stride=10**5).shape[0] == 5


@pytest.mark.parametrize("size", [1, 15, 16, 40, 1024, 1500])
def test_the_largest_sizes_are_found(size):
    x = np.random.default_rng(size).normal(size=(3, size)).astype(np.float32)
    x[1] = 0
    found = np.zeros(3 * NARROW, np.int32)
    loops.largest_sizes(found, x.reshape(-1), np.iinfo(np.int32).max)
    np.testing.assert_array_equal(found.reshape(3, -1).max(axis=1).view(np.float32), np.abs(x).max(axis=1))
    x[0, -1], x[2, 0] = np.nan, np.inf
    loops.largest_sizes(found, x.reshape(-1), np.iinfo(np.int32).max)
    assert np.isnan(found.reshape(3, -1).max(axis=1).view(np.float32)[0])
    assert found.reshape(3, -1).max(axis=1).view(np.float32)[2] == np.inf


def test_the_rest_is_not_looked_at_once_one_is_large_enough():
    x = np.ones(5000, np.float32)
    x[4000] = 9
    found = np.zeros(NARROW, np.int32)
    loops.largest_sizes(found, x, int(np.float32(0.5).view(np.int32)))
    assert found.max() == np.float32(1).view(np.int32)
