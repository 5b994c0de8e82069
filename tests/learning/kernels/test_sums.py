"""Sums over windows against those of all windows written out."""

import numpy as np
import pytest
from numpy.lib.stride_tricks import sliding_window_view

from cnnfilter.learning.kernels import sums
from cnnfilter.learning.kernels.sums import Windows, centred


def written_out(planes, size, after, counts):
    windows = np.concatenate(
        [sliding_window_view(each, size)[counts].reshape(np.count_nonzero(counts), -1) for each in planes], axis=1
    ).astype(object)
    response = after[counts].astype(object)
    return windows.sum(axis=0), windows.T @ windows, response.sum(), (response * response).sum(), windows.T @ response


@pytest.mark.parametrize("kind", ["uint8", "uint16"])
@pytest.mark.parametrize("size", [(1, 1), (3, 3), (2, 5), (4, 1)])
@pytest.mark.parametrize("part", [0.05, 0.5, 0.98, 1])
def test_they_are_exact_for_whole_numbers(kind, size, part, monkeypatch):
    monkeypatch.setattr(sums, "BAND_SAMPLES", 100)
    monkeypatch.setattr(sums, "PLACES", 200)
    monkeypatch.setattr(sums, "WINDOWS", 16)
    random = np.random.default_rng(1)
    pixels = random.integers(0, np.iinfo(kind).max, (3, 23, 31), dtype=kind, endpoint=True)
    planes = [centred(each, sums.MIDDLE[kind]) for each in pixels[:2]]
    after = pixels[2, : 24 - size[0], : 32 - size[1]]
    counts = random.random(after.shape) < part
    found = Windows(planes, size).sums(after, counts)
    expected = written_out(planes, size, after, counts)
    assert found.count == np.count_nonzero(counts)
    for one, other in zip(
        (found.windows, found.products, found.response, found.square, found.joint), expected, strict=True
    ):
        assert np.asarray(one).dtype == np.int64
        np.testing.assert_array_equal(np.asarray(one).astype(object), other)


def test_extreme_pixels_are_summed_exactly_too():
    pixels = np.full((40, 40), 65535, np.uint16)
    pixels[::3] = 0
    found = Windows([centred(pixels, 32768)], (3, 3)).sums(pixels[1:-1, 1:-1], np.ones((38, 38), bool))
    expected = written_out([centred(pixels, 32768)], (3, 3), pixels[1:-1, 1:-1], np.ones((38, 38), bool))
    np.testing.assert_array_equal(found.products.astype(object), expected[1])


@pytest.mark.parametrize("part", [0.2, 1])
def test_those_of_floats_are_as_float64_gives_them(part):
    random = np.random.default_rng(2)
    pixels = random.random((2, 30, 40)).astype(np.float32)
    planes, after = [centred(pixels[0], 0.5)], pixels[1, :28, :38]
    counts = random.random(after.shape) < part
    found = Windows(planes, (3, 3)).sums(after, counts)
    for one, other in zip(
        (found.windows, found.products, found.response, found.square, found.joint),
        written_out(planes, (3, 3), after.astype(np.float64), counts),
        strict=True,
    ):
        np.testing.assert_allclose(one, np.asarray(other, np.float64), rtol=1e-12, atol=1e-10)


def test_pairs_are_added():
    pixels = np.random.default_rng(3).integers(0, 256, (2, 20, 20), dtype=np.uint8)
    one, other = (
        Windows([centred(each, 128)], (3, 3)).sums(each[1:-1, 1:-1], np.ones((18, 18), bool)) for each in pixels
    )
    both = one + other
    assert both.count == 648
    np.testing.assert_array_equal(both.products, one.products + other.products)
