"""Taps that a few rows of results share: each row gets its own, and none that is not."""

import numpy as np
import pytest

from cnnfilter.engine import ops, reference
from cnnfilter.engine.codes import RUNS, SUM_LENGTH, TOGETHER
from cnnfilter.engine.direct import DirectFilter
from cnnfilter.engine.geometry import Rows, Windows
from cnnfilter.engine.shared import share
from cnnfilter.model.shapes import Border
from tests.oracles import assert_within

PITCH = 100


def taps_of_each_row(shared):
    """Return, for each row, the offsets and weights that count for it, in order, and the most of them in a group."""
    rows, most = [[] for _ in range(TOGETHER)], 0
    weights = shared.weights.reshape(-1, TOGETHER)
    for group in range(0, len(shared.starts) - 1, len(RUNS)):
        before = [len(row) for row in rows]
        for run, (low, high) in enumerate(RUNS, group):
            for k in range(shared.starts[run], shared.starts[run + 1]):
                for row in range(low, high + 1):
                    rows[row].append((int(shared.offsets[k]), float(weights[k, row])))
        most = max(most, *(len(row) - n for row, n in zip(rows, before, strict=True)))
    assert shared.starts[-1] == len(shared.offsets)
    return rows, most


@pytest.mark.parametrize("rows", range(1, TOGETHER + 1))
@pytest.mark.parametrize("zeros", [0.0, 0.4, 0.9])
@pytest.mark.parametrize("size", [(1, 1), (3, 3), (7, 2), (2, 40), (20, 20)])
def test_each_row_has_the_taps_of_its_window(size, zeros, rows):
    random = np.random.default_rng(5)
    kernel = random.normal(size=size) * (random.random(size) >= zeros)
    places = np.argwhere(kernel)
    offsets, weights = places @ [PITCH, 1], kernel[kernel != 0]
    shared = share(offsets, weights, PITCH, rows)
    each, most = taps_of_each_row(shared)
    assert most <= SUM_LENGTH
    for row in range(TOGETHER):
        wanted = [(o + row * PITCH, w) for o, w in zip(offsets.tolist(), weights.tolist(), strict=True)]
        assert sorted(each[row]) == (wanted if row < rows else [])
        if zeros == 0 and row < rows:
            assert each[row] == wanted  # in the kernel's order


def test_what_several_rows_see_is_there_once():
    shared = share(np.arange(5) * PITCH, np.ones(5), PITCH, TOGETHER)
    assert shared.offsets.tolist() == [n * PITCH for n in range(5 + TOGETHER - 1)]


def test_rows_between_two_that_see_a_nan_are_spared():
    x = np.ones((12, 200), dtype=np.float32)
    x[5] = np.nan
    result = ops.conv2d(x, [[1.5], [0], [2.5]]).reshape(10, 200)
    assert np.isnan(result).any(axis=1).tolist() == [i in (3, 5) for i in range(10)]
    np.testing.assert_array_equal(result[4], 4)


@pytest.mark.parametrize("rows", [1, 3, 4, 5, 11])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
@pytest.mark.parametrize("taps", [9, 200])
def test_bands_of_any_height(rows, dtype, taps):
    random = np.random.default_rng(6)
    x = random.integers(0, 255, (40, 150)).astype(dtype)
    weights = random.normal(size=(taps // 3, 3)).astype(np.float32)
    windows = Windows.over(
        x.shape, weights.shape, stride=(1, 1), padding="same", dilation=(1, 1), border=Border("reflect")
    )
    method = DirectFilter(weights[None, None], 1.0, windows, x.dtype)
    assert method.shares
    out = np.empty((40, 150), dtype=np.float32)
    for first in range(0, 40, rows):
        method.run(Rows(x[None]), first, out[first : first + rows], bias=0.5)
    options = {"bias": [0.5], "padding": "same", "border": "reflect"}
    exact = x[None].astype(np.float64)
    expected = reference.conv2d(exact, weights, **options)[0]
    bound = reference.conv2d(exact, np.abs(weights), **options)[0]
    assert_within(out, expected, 1e-5 * bound)


def test_what_does_not_share_goes_the_other_way():
    windows = Windows.over((40, 150), (3, 3), stride=(1, 1), padding="same", dilation=(1, 1), border=Border())
    whole, other = np.ones((1, 1, 3, 3), np.float32), np.full((2, 1, 3, 3), 0.3, np.float32)
    uint8 = np.dtype(np.uint8)
    assert not DirectFilter(whole, 1.0, windows, uint8).shares
    assert not DirectFilter(other, 1.0, windows, uint8, "magnitude").shares
    assert DirectFilter(other[:1], 1.0, windows, uint8).shares
