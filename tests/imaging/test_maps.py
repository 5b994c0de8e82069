import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cnnfilter.errors import ShapeError
from cnnfilter.imaging import maps
from cnnfilter.imaging.colormaps import NOT_FINITE, table
from cnnfilter.imaging.maps import as_maps, finite_range, map_picture, shrunk, summarise


@pytest.fixture
def small_blocks(monkeypatch):
    """Lets a small array take several blocks."""
    monkeypatch.setattr(maps, "BLOCK", 16)


def whole(plane, factor):
    parts = list(shrunk(np.asarray(plane, np.float32), factor))
    assert [first for first, _ in parts] == np.cumsum([0] + [len(rows) for _, rows in parts])[:-1].tolist()
    return np.concatenate([rows for _, rows in parts])


@pytest.mark.parametrize("shape", [(4,), (1, 2, 3, 4), (0, 3, 3), (2, 0, 3), (3, 0)])
def test_other_shapes_are_refused(shape):
    with pytest.raises(ShapeError, match=r"^maps must be \(C, H, W\) or \(H, W\), each at least 1, not \("):
        as_maps(np.zeros(shape))


def test_one_map_may_come_without_an_axis_of_channels():
    assert as_maps([[1, 2, 3]]).shape == (1, 1, 3)
    assert as_maps(np.zeros((2, 3, 4))).dtype == np.float32


def test_float64_beyond_float32_is_infinite():
    assert as_maps(np.array([[1e300]])).tolist() == [[[math.inf]]]


def test_a_summary_leaves_out_what_is_not_finite(small_blocks):
    plane = np.arange(-30, 70, dtype=np.float32).reshape(10, 10)
    plane[2] = np.nan
    plane[9, 9] = np.inf
    good = plane[np.isfinite(plane)]
    found = summarise(plane)
    assert (found.size, found.finite, found.low, found.high) == (100, 89, -30, 68)
    assert found.strength == pytest.approx(np.abs(good).mean())


def test_a_map_without_finite_values_has_an_empty_summary():
    found = summarise(np.full((2, 3), np.nan, np.float32))
    assert (found.size, found.finite, found.low, found.high, found.strength) == (6, 0, 0, 0, 0)
    assert not found.dead


@pytest.mark.parametrize(
    ("values", "dead"),
    [
        ([[0, 0]], True),
        ([[7, 7]], False),
        ([[7, 8]], False),
        ([[7, np.nan]], False),
        ([[0]], True),
        ([[7]], False),
    ],
)
def test_a_map_is_dead_if_all_values_are_0(values, dead):
    assert summarise(np.array(values, np.float32)).dead is dead


def test_the_range_of_maps_is_that_of_their_finite_values():
    assert finite_range([[[1, np.nan]], [[np.inf, -3]]]) == (-3, 1)
    assert finite_range([[np.nan]]) == (0, 0)


@given(st.integers(1, 12), st.integers(1, 12), st.integers(1, 14))
def test_shrinking_takes_the_mean_of_each_square(height, width, factor):
    plane = np.random.default_rng(height * width).normal(size=(height, width)).astype(np.float32)
    expected = [
        [plane[i : i + factor, j : j + factor].mean(dtype=np.float64) for j in range(0, width, factor)]
        for i in range(0, height, factor)
    ]
    np.testing.assert_allclose(whole(plane, factor), expected, rtol=1e-12, atol=1e-12)


def test_shrinking_in_blocks_of_rows_is_no_different(small_blocks):
    plane = np.arange(70, dtype=np.float32).reshape(14, 5)
    np.testing.assert_allclose(whole(plane, 3)[:4, 0], [6, 21, 36, 51])
    np.testing.assert_array_equal(whole(plane, 1), plane)


def test_shrinking_keeps_what_is_not_finite_in_sight_and_does_not_overflow():
    largest = np.finfo(np.float32).max
    plane = [[np.nan, 1, np.inf, -np.inf, largest, largest], [1, 1, 1, 1, largest, largest]]
    shrunken = whole(plane, 2)[0]
    assert np.isnan(shrunken[:2]).all()
    assert shrunken[2] == largest


def test_a_non_negative_map_is_viridis_from_its_minimum_to_its_maximum():
    picture = map_picture([[2, 4], [3, 6]])
    assert picture.format == "PNG"
    assert picture.notes == ()
    assert picture.pixels.dtype == np.uint8
    assert picture.pixels.tolist() == table("viridis")[[[0, 128], [64, 255]]].tolist()


def test_a_signed_map_is_centred_on_0():
    pixels = map_picture(np.array([[[-1, 0, 2]]], np.float32)).pixels
    assert pixels.tolist() == table("blue-white-red")[[[64, 127, 254]]].tolist()  # 63.5 to the even one


def test_a_gray_map_is_a_gray_picture(small_blocks):
    values = np.arange(60, dtype=np.float32).reshape(6, 10)
    pixels = map_picture(values, colormap="gray").pixels
    assert pixels.shape == (6, 10)
    assert pixels.tolist() == np.rint(values * 255 / 59).tolist()


def test_what_is_not_finite_is_magenta_even_in_a_gray_map():
    picture = map_picture([[0, np.nan, 1]], colormap="gray")
    assert picture.pixels.tolist() == [[[0, 0, 0], [255, 0, 255], [255, 255, 255]]]
    assert picture.notes == ("values that are not finite are shown in magenta",)


def test_limits_let_several_pictures_share_a_scale():
    assert map_picture([[0, 5]], colormap="gray", limits=(0, 10)).pixels.tolist() == [[0, 128]]
    signed = map_picture([[0, 5]], limits=(-10, 3)).pixels
    assert signed.tolist() == table("blue-white-red")[[[127, 190]]].tolist()  # 190.5


def test_three_maps_are_a_colour_picture_on_one_scale_from_0(small_blocks):
    values = np.zeros((3, 5, 7), np.float32)
    values[0], values[1], values[2, 4, 6] = 100, 50, 200
    pixels = map_picture(values).pixels
    assert pixels.shape == (5, 7, 3)
    assert pixels[0, 0].tolist() == [128, 64, 0]
    assert pixels[4, 6].tolist() == [128, 64, 255]


def test_three_signed_maps_have_mid_gray_at_0():
    assert map_picture([[[-10]], [[0]], [[5]]]).pixels.tolist() == [[[0, 128, 191]]]


def test_a_colour_pixel_with_one_value_that_is_not_finite_is_magenta():
    picture = map_picture([[[1, 1]], [[np.nan, 1]], [[1, 1]]])
    assert picture.pixels.tolist() == [[list(NOT_FINITE), [255, 255, 255]]]
    assert len(picture.notes) == 1


def test_other_numbers_of_maps_make_no_picture():
    with pytest.raises(ShapeError, match="^one map or three make a picture, not 4; a contact sheet"):
        map_picture(np.ones((4, 2, 2)))


def test_a_map_of_zeros_is_no_trouble():
    assert map_picture(np.zeros((3, 1, 1))).pixels.tolist() == [[[0, 0, 0]]]
    assert map_picture(np.zeros((1, 1))).pixels.tolist() == [[[68, 1, 84]]]
