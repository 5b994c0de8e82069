import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from cnnfilter.errors import PictureError
from cnnfilter.imaging.mapping import RANGES, Mapping, clipped_fraction, mapping, quantise


def floats(*values):
    return np.array(values, np.float32)


@pytest.mark.parametrize(
    ("dtype", "values", "expected"),
    [
        ("uint8", [-1, -0.4, 0.5, 1.5, 254.5, 255.4, 255.6, 1e30], [0, 0, 0, 2, 254, 255, 255, 255]),
        ("uint16", [-1, 0.5, 65534.5, 65535.4, 65536, 1e30], [0, 0, 65534, 65535, 65535, 65535]),
    ],
)  # fmt: skip
def test_clip_rounds_half_to_even_and_then_clamps(dtype, values, expected):
    result = quantise(floats(*values), dtype, mapping("clip", dtype=dtype))
    assert result.dtype == dtype
    assert result.tolist() == expected


def test_clip_leaves_floats_as_they_are_even_those_that_are_not_finite():
    values = floats(-1.25, 300, np.nan, np.inf)
    result = quantise(values, np.float32, mapping("clip", dtype=np.float32))
    assert result.dtype == np.float32
    np.testing.assert_array_equal(result, values)


def test_abs_takes_the_magnitude_and_then_clamps():
    assert quantise(floats(-300, -2.5, 2), np.uint8, mapping("abs")).tolist() == [255, 2, 2]
    assert quantise(floats(-2.5), np.float32, mapping("abs", dtype=np.float32)).tolist() == [2.5]


@pytest.mark.parametrize(("dtype", "full"), [("uint8", 255), ("uint16", 65535), ("float32", 1)])
def test_normalize_stretches_from_black_to_full_scale(dtype, full):
    how = mapping("normalize", -40, 60, dtype)
    result = quantise(floats(-40, 10, 60), dtype, how)
    np.testing.assert_allclose(result, [0, round(full / 2) if full > 1 else 0.5, full])


def test_normalize_gives_a_constant_map_zero():
    for value in (-5, 0, 7):
        how = mapping("normalize", value, value)
        assert quantise(np.full((2, 3), value, np.float32), np.uint8, how).tolist() == [[0] * 3] * 2


def test_normalize_is_exact_where_float32_arithmetic_would_lose_the_difference():
    values = floats(1e6, 1e6 + 5, 1e6 + 10)
    assert quantise(values, np.uint16, mapping("normalize", 1e6, 1e6 + 10, np.uint16)).tolist() == [
        0,
        32768,
        65535,
    ]


@pytest.mark.parametrize(("dtype", "expected"), [("uint8", [0, 128, 153, 255]), ("uint16", [0, 32768, 39321, 65535])])
def test_center_puts_zero_at_mid_grey_and_the_largest_magnitude_at_the_end(dtype, expected):
    how = mapping("center", -50, 10, dtype)
    assert quantise(floats(-50, 0, 10, 50), dtype, how).tolist() == expected


def test_center_of_zeros_is_mid_grey_and_floats_go_from_0_to_1():
    assert quantise(floats(0), np.uint8, mapping("center", 0, 0)).tolist() == [128]
    how = mapping("center", -1, 4, np.float32)
    assert quantise(floats(-4, 0, 4), np.float32, how).tolist() == [0, 0.5, 1]


def test_the_shape_stays_and_the_result_is_contiguous():
    values = np.arange(24, dtype=np.float32).reshape(2, 3, 4).transpose(1, 0, 2)
    result = quantise(values, np.uint8, Mapping())
    assert result.shape == (3, 2, 4)
    assert result.flags.c_contiguous
    np.testing.assert_array_equal(result, values)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_values_that_are_not_finite_are_an_error_with_their_number(bad):
    values = np.zeros((300, 300), np.float32)
    values[0, 0] = values[299, 298] = bad
    with pytest.raises(PictureError, match=r"^2 of 90000 values are NaN or infinite, which uint8 cannot hold; "):
        quantise(values, np.uint8, Mapping())


@pytest.mark.parametrize("range", ["normalize", "center"])
@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_extremes_that_are_not_finite_are_an_error(range, bad):
    with pytest.raises(PictureError, match=f"range {range} needs finite values, but the result goes from 0 to"):
        mapping(range, 0, bad)


def test_the_clipped_fraction_counts_what_rounds_to_outside():
    values = floats(-0.6, -0.4, 100, 255.4, 255.6, 1000, 0, 0)
    assert clipped_fraction(values, np.uint8, Mapping()) == 3 / 8
    assert clipped_fraction(values, np.uint16, Mapping()) == 1 / 8
    assert clipped_fraction(values, np.float32, Mapping()) == 0
    assert clipped_fraction(floats(), np.uint8, Mapping()) == 0
    assert clipped_fraction(-values, np.uint8, mapping("abs")) == 2 / 8


@given(
    arrays(np.float32, (3, 5), elements=st.floats(-1e6, 1e6, width=32)),
    st.sampled_from(RANGES),
    st.sampled_from(["uint8", "uint16"]),
)
def test_every_range_agrees_with_its_formula_in_float64(values, range, dtype):
    low, high = float(values.min()), float(values.max())
    exact, full = values.astype(np.float64), np.iinfo(dtype).max
    if range == "abs":
        exact = np.abs(exact)
    elif range == "normalize":
        exact = (exact - low) * (full / (high - low) if high > low else 0)
    elif range == "center":
        largest = max(abs(low), abs(high))
        exact = exact * (full / 2 / largest if largest else 0) + full / 2
    result = quantise(values, dtype, mapping(range, low, high, dtype))
    # a value within rounding noise of a half may go either way
    np.testing.assert_allclose(result, np.clip(exact, 0, full), atol=0.5 + 1e-6)
