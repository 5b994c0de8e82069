import itertools
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from cnnfilter.engine import ops, reference
from cnnfilter.errors import ArgumentError, ShapeError
from tests.oracles import (
    BORDER_NAMES,
    BORDERS,
    DTYPES,
    PRECISION,
    assert_conv2d,
    assert_within,
    samples,
    sized,
    weights,
)

LARGE = sized([(13, 13), (15, 31), (31, 31), (64, 1), (1, 40)], [(13, 15), (20, 1)])
PADDINGS = [0, 2, "same", "same-lower", (1, 0), ((1, 2), (0, 3)), ((9, 0), (4, 11))]


@pytest.mark.parametrize("border", BORDER_NAMES)
@pytest.mark.parametrize("padding", PADDINGS)
def test_window_stride_and_dilation(padding, border):
    rng = np.random.default_rng(1)
    x = samples(rng, (9, 12), np.float32)
    windows = [(1, 1), (3, 3), (2, 3), (4, 1), (1, 5)]
    for window, stride, dilation in itertools.product(windows, [1, 2, (3, 1)], [1, (2, 3)]):
        if dilation != 1 and padding in (0, (1, 0)) and window == (1, 5):
            continue  # does not fit
        assert_conv2d(x, weights(rng, window), [0.5], stride=stride, padding=padding, dilation=dilation, border=border)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("border", BORDER_NAMES)
def test_channels_groups_and_banks(border, dtype):
    rng = np.random.default_rng(2)
    options = {"border": border, "padding": ((1, 2), (2, 0)), "stride": (2, 1)}
    for channels, window in itertools.product([1, 2, 3, 4], [(3, 3), (2, 1)]):
        picture = (6, 7, channels) if np.dtype(dtype).kind == "u" else (channels, 6, 7)
        x = samples(rng, picture, dtype)
        assert_conv2d(x, weights(rng, window), **options)
        assert_conv2d(x, weights(rng, (2, *window)), weights(rng, 2), **options)
        assert_conv2d(x, weights(rng, (5, channels, *window)), weights(rng, 5), **options)
        assert_conv2d(x, weights(rng, (2 * channels, 1, *window)), groups=channels, **options)
    x = samples(rng, (4, 6, 7), np.float32)
    assert_conv2d(x, weights(rng, (6, 2, 3, 2)), weights(rng, 6), groups=2, **options)


@pytest.mark.parametrize("dtype", DTYPES)
def test_one_channel_and_a_batch(dtype):
    rng = np.random.default_rng(3)
    plane, batch = samples(rng, (7, 8), dtype), samples(rng, (3, 2, 7, 8), dtype)
    assert_conv2d(plane, weights(rng, (3, 2)), padding="same")
    assert_conv2d(plane, weights(rng, (4, 3, 2)), weights(rng, 4), padding="same")
    assert_conv2d(plane, weights(rng, (4, 1, 3, 2)), weights(rng, 4), padding="same")
    assert_conv2d(batch, weights(rng, (3, 2)), padding="same")
    assert_conv2d(batch, weights(rng, (4, 3, 2)), padding="same")
    assert_conv2d(batch, weights(rng, (4, 2, 3, 2)), weights(rng, 4), padding="same", stride=2)


@pytest.mark.parametrize("size", [(1, 1), (1, 7), (7, 1), (2, 2)])
@pytest.mark.parametrize("border", BORDER_NAMES)
def test_tiny_pictures_under_wide_padding(border, size):
    rng = np.random.default_rng(4)
    x = samples(rng, size, np.uint8)
    for padding in ("same", 3, ((0, 7), (6, 1))):
        for window in ((1, 1), (5, 5), (4, 2)):
            if padding == "same" or window != (5, 5) or padding == 3:
                assert_conv2d(x, weights(rng, window), padding=padding, border=border)


@st.composite
def convolutions(draw):
    """A picture, its weights, and options under which at least one window fits."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    dtype = draw(st.sampled_from(DTYPES))
    size, window = [draw(st.tuples(st.integers(1, top), st.integers(1, top))) for top in (12, 6)]
    stride, dilation = [draw(st.tuples(st.integers(1, top), st.integers(1, top))) for top in (4, 3)]
    if draw(st.booleans()):
        padding = draw(st.sampled_from(["same", "same-lower"]))
    else:
        sides = []
        for n, taps, gap in zip(size, window, dilation, strict=True):
            begin = draw(st.integers(0, 15))
            lacking = max(0, gap * (taps - 1) + 1 - n - begin)
            sides.append((begin, lacking + draw(st.integers(0, 15))))
        padding = tuple(sides)
    groups, inputs, outputs = [draw(st.integers(1, top)) for top in (2, 3, 2)]
    channels = groups * inputs
    shape = {
        "kernel": window,
        "kernels": (outputs, *window),
        "bank": (groups * outputs, inputs, *window),
    }[draw(st.sampled_from(["kernel", "kernels", "bank"]))]
    picture = (*size, channels) if np.dtype(dtype).kind == "u" else (channels, *size)
    weight = weights(rng, shape, zeros=draw(st.sampled_from([0, 0.2, 0.9, 1])))
    bias = weights(rng, len(weight) if len(shape) > 2 else 1) if draw(st.booleans()) else None
    options = {
        "stride": stride,
        "padding": padding,
        "dilation": dilation,
        "border": draw(st.sampled_from(BORDER_NAMES)),
        "groups": groups if len(shape) == 4 else 1,
        "threads": draw(st.sampled_from([None, 1, 2, 3])),
    }
    return samples(rng, picture, dtype), weight, bias, options


@settings(deadline=None, max_examples=sized(250, 100), database=None)
@given(convolutions())
def test_any_convolution(case):
    x, weight, bias, options = case
    assert_conv2d(x, weight, bias, **options)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("border", "mode"), [(border[0], border[2]) for border in BORDERS])
def test_wider_than_a_band(border, mode, dtype):
    rng = np.random.default_rng(5)
    x, weight = samples(rng, sized((301, 1100), (19, 21)), dtype), weights(rng, (5, 3))
    exact, heavy = x.astype(np.float64), weight.astype(np.float64)
    result = ops.conv2d(x, weight, padding=(2, 1), border=border)
    bound = ndimage.correlate(np.abs(exact), np.abs(heavy), mode=mode)
    assert_within(result, ndimage.correlate(exact, heavy, mode=mode), PRECISION * bound)


@pytest.mark.parametrize("window", sized([(13, 13), (15, 31), (31, 31), (64, 1), (1, 40)], [(13, 15), (20, 1)]))
@pytest.mark.parametrize("dtype", DTYPES)
def test_a_large_kernel(dtype, window):
    rng = np.random.default_rng(6)
    x, weight = samples(rng, sized((300, 290), (17, 16)), dtype), weights(rng, window)
    exact, heavy = x.astype(np.float64), weight.astype(np.float64)
    result = ops.conv2d(x, weight, padding="same-lower", border="reflect")
    bound = np.broadcast_to(np.abs(heavy).sum() * np.abs(exact).max(), x.shape)
    if dtype == np.float32:  # FFT methods, with their wider bound, are for 8 and 16 bits
        bound = ndimage.correlate(np.abs(exact), np.abs(heavy), mode="mirror")
    assert_within(result, ndimage.correlate(exact, heavy, mode="mirror"), PRECISION * bound)


@pytest.mark.parametrize("dtype", DTYPES)
def test_long_sums_stay_within_the_bound(dtype):
    rng = np.random.default_rng(7)
    channels = sized(256, 96)
    shape = (5, 4, channels) if np.dtype(dtype).kind == "u" else (channels, 5, 4)
    x = np.abs(samples(rng, shape, dtype))
    bank = rng.random((2, channels, 5, 4)).astype(np.float32)
    assert_conv2d(x, bank, [1e3, -1e3], padding=1)
    assert_conv2d(x, bank - np.float32(0.5), padding=1)


@pytest.mark.parametrize("outputs", [1, 8])
@pytest.mark.parametrize("channels", sized([16, 256, 1024, 2047, 2304], [16, 256]))
def test_a_large_term_does_not_swallow_the_small(channels, outputs):
    # Each of the others is just below half a unit in the last place of the first: added to it, it is lost.
    x = np.full((channels, *sized((4, 40), (2, 3))), 0.99 * 2.0**-24, np.float32)
    x[0] = 1
    expected = np.broadcast_to(x.sum(axis=0, dtype=np.float64), (outputs, *x.shape[1:]))
    assert_within(ops.conv2d(x, np.ones((outputs, channels, 1, 1))), expected, PRECISION * expected)


@pytest.mark.parametrize("outputs", [1, 8, 40])
def test_many_filters(outputs):
    rng = np.random.default_rng(8)
    x, bank = samples(rng, (3, 8, 9), np.float32), weights(rng, (outputs, 3, 3, 3))
    assert_conv2d(x, bank, weights(rng, outputs), padding=1)
    assert_conv2d(x, bank, weights(rng, outputs), padding=2, dilation=2, stride=2, border="circular")


@pytest.mark.parametrize("border", BORDER_NAMES)
@pytest.mark.parametrize("stride", [2, 3, (2, 1), (1, 3)])
def test_strided_banks(stride, border):
    rng = np.random.default_rng(12)
    x = rng.normal(size=(3, 9, sized(40, 14))).astype(np.float32)
    for window in ((1, 1), (1, 3), (3, 1), (3, 3)):
        for padding in (0, ((2, 1), (0, 3))):
            assert_conv2d(x, weights(rng, (5, 3, *window)), stride=stride, padding=padding, border=border)


def test_a_strided_bank_over_long_rows():
    x, bank = samples(np.random.default_rng(13), (1, 4, 70), np.float32), np.arange(1.0, 37).reshape(4, 1, 3, 3)
    assert_conv2d(x, bank, stride=2, padding=1)


@pytest.mark.parametrize("shape", [(3, 2), (2, 3, 2), (4, 2, 3, 2), (24, 2, 3, 2)])
@pytest.mark.parametrize("dtype", DTYPES)
def test_bit_identical_for_any_number_of_threads(dtype, shape):
    rng = np.random.default_rng(9)
    size = sized((157, 211), (13, 17))
    x = samples(rng, (*size, 2) if np.dtype(dtype).kind == "u" else (2, *size), dtype)
    bank = weights(rng, shape)
    for options in ({"padding": "same", "border": "reflect"}, {"stride": 2, "padding": 1}):
        alone = ops.conv2d(x, bank, threads=1, **options)
        for threads in (2, 3, None):
            np.testing.assert_array_equal(ops.conv2d(x, bank, threads=threads, **options), alone, strict=True)


def test_a_large_kernel_is_bit_identical_for_any_number_of_threads():
    rng = np.random.default_rng(10)
    x, weight = samples(rng, sized((700, 613), (19, 23)), np.uint8), weights(rng, sized((31, 31), (13, 13)))
    alone = ops.conv2d(x, weight, threads=1)
    for threads in (2, 3, None):
        np.testing.assert_array_equal(ops.conv2d(x, weight, threads=threads), alone, strict=True)


@pytest.mark.parametrize("dtype", DTYPES)
def test_any_memory_layout(dtype):
    rng = np.random.default_rng(11)
    x, weight = samples(rng, (14, 12), dtype), weights(rng, (3, 2))
    bank = weights(rng, (2, 2, 3, 2))
    for view in (x.T, x[::-1], x[:, ::2], np.asfortranarray(x), x.astype(x.dtype.newbyteorder())):
        assert_conv2d(view, weight.T[::-1], padding=1)
    maps = np.ascontiguousarray(np.broadcast_to(x, (2, 14, 12)), np.float32)
    np.testing.assert_array_equal(ops.conv2d(maps, np.asfortranarray(bank)), ops.conv2d(maps, bank), strict=True)


def test_inputs_are_left_alone():
    rng = np.random.default_rng(12)
    x, weight, bias = samples(rng, (6, 7), np.float32), weights(rng, (3, 2)), weights(rng, 1)
    copies = x.copy(), weight.copy(), bias.copy()
    for array in (x, weight, bias):
        array.flags.writeable = False
    result = ops.conv2d(x, weight, bias)
    assert result.flags.writeable
    for array, copy in zip((x, weight, bias), copies, strict=True):
        np.testing.assert_array_equal(array, copy)


@pytest.mark.parametrize("shape", [(3, 3), (2, 3, 3), (2, 1, 3, 3), (16, 1, 3, 3)])
def test_nan_reaches_the_windows_that_use_it_and_no_others(shape):
    rng = np.random.default_rng(13)
    x, weight = samples(rng, (9, 8), np.float32), weights(rng, shape, zeros=0.5)
    x[rng.random(x.shape) < 0.1] = np.nan
    for border in ("zeros", "reflect"):
        expected = reference.conv2d(x, weight, padding=2, border=border)
        assert np.isnan(expected).any()
        assert not np.isnan(expected).all()
        result = ops.conv2d(x, weight, padding=2, border=border)
        np.testing.assert_allclose(result, expected, rtol=1e-4, atol=1e-4)


def test_a_zero_weight_ignores_nan_and_infinity():
    x = np.array([[np.nan, np.inf], [-np.inf, 4]], np.float32)
    weight = np.array([[0, 0], [0, 3]], np.float32)
    np.testing.assert_array_equal(ops.conv2d(x, weight), [[12]])
    np.testing.assert_array_equal(ops.conv2d(x, [[[[-0.0, 0], [0, 0]]]], [5]), [[[5]]])


def test_infinity_stays_infinite():
    x = np.zeros((3, 3), np.float32)
    x[1, 1] = np.inf
    np.testing.assert_array_equal(ops.conv2d(x, [[1, -2]]), [[0, 0], [-np.inf, np.inf], [0, 0]])


PLANE = np.ones((4, 5), np.float32)
MAPS = np.ones((3, 4, 5), np.float32)
KERNEL = np.ones((3, 3), np.float32)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"stride": 0}, "stride must be at least 1, not 0"),
        ({"stride": (1, -1)}, "stride must be at least 1, not -1"),
        ({"stride": 1.5}, r"stride must be a whole number, not 1\.5"),
        ({"stride": (1, 2, 3)}, "stride takes one number or two"),
        ({"dilation": 0}, "dilation must be at least 1, not 0"),
        ({"padding": -1}, "padding must be at least 0, not -1"),
        ({"padding": "sam"}, "padding must be a number, .* not 'sam'"),
        ({"border": "reflekt"}, "unknown border 'reflekt'; did you mean reflect"),
        ({"border": "constant=nan"}, "the border's constant must be a finite number, not 'nan'"),
        ({"threads": 0}, "threads must be at least 1, not 0"),
    ],
)
def test_a_bad_option_names_the_value_and_the_limit(options, message):
    with pytest.raises(ArgumentError, match=message):
        ops.conv2d(PLANE, KERNEL, **options)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, r"window 5x3 does not fit in 4x5 \(height x width\); use more padding or a smaller kernel"),
        ({"padding": ((0, 0), (1, 1))}, "window 5x3 does not fit in 4x5, padded to 4x7"),
        ({"dilation": (1, 3), "padding": ((1, 0), (0, 0))}, r"window 5x3 \(spanning 5x7 when dilated\)"),
    ],
)
def test_a_kernel_that_does_not_fit_names_both_sizes(options, message):
    with pytest.raises(ShapeError, match=message):
        ops.conv2d(PLANE, np.ones((5, 3)), **options)


@pytest.mark.parametrize(
    ("x", "message"),
    [
        (np.ones(4, np.float32), r"x must have 2, 3 or 4 axes, not 1 \(its shape is \(4,\)\)"),
        (np.ones((1, 1, 1, 4, 5), np.float32), "x must have 2, 3 or 4 axes, not 5"),
        (np.ones((4, 5), np.complex64), "x must hold real numbers, not complex64"),
        (np.array([["a", "b"]]), "x must hold real numbers, not <U1"),
        ("cat.png", "x must be an array of numbers, not 'cat.png'; cnnfilter.read reads a picture"),
        (Path("cat.png"), r"x must be an array of numbers, not \w+\('cat.png'\); "),
        (np.array([[None]]), "x must hold real numbers, not object"),
        (np.ones((0, 5), np.float32), r"x is empty: its shape is \(0, 5\)"),
        (np.ones((4, 5, 0), np.uint8), r"x is empty: its shape is \(4, 5, 0\)"),
    ],
)
def test_a_bad_picture_is_named(x, message):
    with pytest.raises(ArgumentError, match=message):
        ops.conv2d(x, np.ones((1, 1)))


@pytest.mark.parametrize(
    ("weight", "message"),
    [
        (np.ones(3), r"weight must have 2 or 3 or 4 axes, not 1 \(its shape is \(3,\)\)"),
        (np.ones((1, 1, 1, 3, 3)), r"weight must have 2 or 3 or 4 axes, not 5"),
        (np.ones((0, 3)), r"weight of shape 0x3 hold no numbers"),
        (np.ones((3, 3), np.complex64), "weight must be real numbers, not complex64"),
        (np.array([["a"]]), "weight must be real numbers, not <U1"),
        ([[0, 1], [np.nan, 1]], r"nan at \[1, 0\]: weight must be finite"),
        ([[0, -np.inf], [2, 1]], r"-inf at \[0, 1\]: weight must be finite"),
        ([[0, 1], [2, 1e300]], r"1e\+300 at \[1, 1\] is too large for float32"),
    ],
)
def test_bad_weights_are_named(weight, message):
    with pytest.raises(ArgumentError, match=message):
        ops.conv2d(PLANE, weight)


@pytest.mark.parametrize(
    ("x", "weight", "options", "message"),
    [
        (MAPS, (2, 1, 3, 3), {}, "each filter takes 1 channels, but the input has 3; give a bank"),
        (MAPS, (2, 4, 3, 3), {}, "each filter takes 4 channels, but the input has 3; give a bank"),
        (
            PLANE,
            (2, 3, 3, 3),
            {},
            "takes 3 channels, but the input has 1; .* or a 2-D kernel",
        ),
        (MAPS, (3, 3, 3, 3), {"groups": 3}, "takes 3 channels, but the input has 3 in 3 groups; give"),
        (MAPS, (6, 1, 3, 3), {"groups": 2}, "groups=2 does not divide 3 input channels and 6 filters"),
        (MAPS, (4, 1, 3, 3), {"groups": 3}, "groups=3 does not divide 3 input channels and 4 filters"),
    ],
)
def test_a_bank_that_does_not_match_the_channels_says_how_to_fix_it(x, weight, options, message):
    with pytest.raises(ShapeError, match=message):
        ops.conv2d(x, np.ones(weight, np.float32), **options)


@pytest.mark.parametrize("groups", [0, -1, 1.5, True])
def test_groups_are_a_whole_number(groups):
    with pytest.raises(ArgumentError, match=f"groups must be (at least 1|a whole number), not {groups}"):
        ops.conv2d(MAPS, np.ones((3, 3, 3, 3)), groups=groups)


@pytest.mark.parametrize("weight", [(3, 3), (2, 3, 3)])
def test_groups_need_a_bank(weight):
    message = rf"groups=3 needs a bank \(O, I, kh, kw\): a kernel of {len(weight)} axes"
    with pytest.raises(ArgumentError, match=message):
        ops.conv2d(MAPS, np.ones(weight), groups=3)


@pytest.mark.parametrize(
    ("bias", "message"),
    [
        ([1, 2, 3], "bias must hold a number for each of 2 maps, or one for all, not 3"),
        ([[1, 2]], r"bias must have 0 or 1 axes, not 2"),
        (["a", "b"], "bias must be real numbers, not <U1"),
        ("bias.npy", "bias must be an array of numbers, not 'bias.npy'$"),
        ([1, np.nan], r"nan at \[1\]: bias must be finite"),
    ],
)
def test_a_bad_bias_is_named(bias, message):
    with pytest.raises(ArgumentError, match=message):
        ops.conv2d(MAPS, np.ones((2, 3, 3, 3), np.float32), bias)


def test_several_kernels_take_a_bias_for_each_kernel_or_for_each_map():
    rng = np.random.default_rng(14)
    x, kernels, bias = samples(rng, (3, 5, 6), np.float32), weights(rng, (2, 3, 3)), weights(rng, 6, zeros=0)
    assert_conv2d(x, kernels, bias[:2])
    assert_conv2d(x, kernels, bias)
    for one in (2.5, [2.5]):
        np.testing.assert_array_equal(ops.conv2d(x, kernels, one), ops.conv2d(x, kernels, [2.5, 2.5]), strict=True)
    with pytest.raises(ShapeError, match="bias must hold a number for each of 6 maps, or one for all, not 3"):
        ops.conv2d(x, kernels, bias[:3])


def test_many_filters_of_large_whole_numbers_are_exact():
    """They pass 2^24 on the way to sums that do not, where float32 would round them."""
    rng = np.random.default_rng(3)
    x = rng.integers(0, 2**15, (19, 21), dtype=np.uint16)
    bank = rng.integers(9000, 9999, (8, 1, 3, 3)).astype(np.float32)
    bank[:, 0, 1:, 1:] *= -1
    bank[:, 0, :, 0] //= 9
    expected = reference.conv2d(x, bank)  # in float64
    assert np.abs(expected).min() < 2**24
    np.testing.assert_array_equal(ops.conv2d(x, bank), expected.astype(np.float32))


@pytest.mark.parametrize("border", BORDER_NAMES)
def test_a_bank_over_maps_that_are_padded_above_and_below_only(border):
    rng = np.random.default_rng(4)
    for padding in (((1, 1), (0, 0)), ((2, 0), (0, 0)), ((0, 3), (0, 0))):
        assert_conv2d(samples(rng, (2, 6, 40), np.float32), weights(rng, (4, 2, 3, 3)), padding=padding, border=border)


def test_many_filters_over_very_many_channels():
    rng = np.random.default_rng(11)
    x = rng.normal(size=(520, 3, 4)).astype(np.float32)
    assert_conv2d(x, rng.normal(size=(6, 520, 3, 3)).astype(np.float32))
