"""Taps that a few rows of results share: each row gets its own, and none that is not."""

import numpy as np
import pytest
from scipy import ndimage

from cnnfilter import apply, get_kernel
from cnnfilter.engine import direct, ops
from cnnfilter.engine.codes import ROW_SPANS, SUM_LENGTH, TOGETHER
from cnnfilter.engine.direct import DirectFilter
from cnnfilter.engine.geometry import Rows, Windows
from cnnfilter.engine.shared import share
from cnnfilter.sizes import Border
from tests.oracles import assert_within

PITCH = 100


@pytest.fixture
def eager(monkeypatch):
    """Let rows share in small pictures, too."""
    monkeypatch.setattr(direct, "SHARED_WORK", 0)


def taps_of_each_row(shared):
    """The offsets and weights that count for each row, in order, in groups."""
    rows = [[] for _ in range(TOGETHER)]
    weights = shared.weights.reshape(-1, TOGETHER)
    for group in range(0, len(shared.starts) - 1, len(ROW_SPANS)):
        for row in rows:
            row.append([])
        for span, (low, high) in enumerate(ROW_SPANS, group):
            for k in range(shared.starts[span], shared.starts[span + 1]):
                for row in range(low, high + 1):
                    rows[row][-1].append((int(shared.offsets[k]), float(weights[k, row])))
    assert shared.starts[-1] == len(shared.offsets)
    return rows


@pytest.mark.parametrize("rows", range(1, TOGETHER + 1))
@pytest.mark.parametrize("size", [(0, 3), (1, 1), (3, 3), (7, 2), (200, 1), (2, 40), (1, 64), (20, 20), (3, 64)])
def test_each_row_has_the_taps_of_its_window_in_their_order(size, rows):
    height, width = size
    weights = np.random.default_rng(5).normal(size=size)
    offsets = PITCH * np.arange(height)[:, None] + np.arange(width) + 7
    if height == 0 and rows > 1:
        return  # all of a window lies in padding of one row of results alone
    each = taps_of_each_row(share(offsets, weights, PITCH, rows, 0.0))
    step = SUM_LENGTH // width
    for row in range(rows):
        taps = [
            list(zip((o + row * PITCH).tolist(), w.tolist(), strict=True))
            for o, w in zip(offsets, weights, strict=True)
        ]
        groups = [sum(taps[top : top + step], []) for top in range(0, max(height, 1), step)]
        assert each[row] == groups
        assert max(map(len, groups)) <= SUM_LENGTH
    assert not any(map(any, each[rows:]))


def test_what_several_rows_see_is_there_once():
    shared = share(np.arange(5)[:, None] * PITCH, np.ones((5, 1)), PITCH, TOGETHER, 0.0)
    assert shared.offsets.tolist() == [n * PITCH for n in range(5 + TOGETHER - 1)]


def test_the_rows_of_a_single_window_may_lie_anywhere():
    offsets = np.array([[40, 41], [0, 1], [0, 1]])
    shared = share(offsets, np.arange(6.0).reshape(3, 2), PITCH, 1, 0.0)
    assert shared.offsets.tolist() == offsets.reshape(-1).tolist()


def test_zeros_between_two_taps_spare_a_nan(eager):
    x = np.ones((20, 200), dtype=np.float32)
    x[5] = np.nan
    result = ops.conv2d(x, [[1.5], [0], [2.5]]).reshape(18, 200)
    assert np.flatnonzero(np.isnan(result).any(axis=1)).tolist() == [3, 5]
    np.testing.assert_array_equal(result[4], 4)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
@pytest.mark.parametrize("name", ["dog", "log:sigma=1", "log", "unsharp", "gaussian:sigma=2", "gaussian:sigma=12"])
def test_what_is_the_same_in_all_rows_comes_out_the_same(name, dtype, eager):
    x = np.tile(np.random.default_rng(3).integers(0, 256, 200).astype(dtype), (60, 1))
    result = ops.conv2d(x, get_kernel(name).weights, padding="same", border="replicate")
    if not (name == "log" and dtype != np.float32):  # spectra hold the rounding of all that lies in a tile
        np.testing.assert_array_equal(result.reshape(x.shape), np.tile(result.reshape(x.shape)[:1], (60, 1)))


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
@pytest.mark.parametrize("zeros", [0, 0.5])
@pytest.mark.parametrize("side", [3, 5, 9, 11])
def test_stripes_come_from_no_kernel(side, zeros, dtype, eager):
    random = np.random.default_rng(side)
    x = np.tile(random.integers(0, 256, 200).astype(dtype), (60, 1))
    kernel = random.normal(size=(side, side)) * (random.random((side, side)) >= zeros)
    result = ops.conv2d(x, kernel, padding="same", border="replicate").reshape(x.shape)
    np.testing.assert_array_equal(result, np.tile(result[:1], (60, 1)))


@pytest.mark.parametrize("name", ["dog", "log:sigma=1", "edge", "laplacian", "emboss"])
def test_of_a_constant_picture_the_range_is_black(name, eager):
    for dtype in (np.uint8, np.uint16, np.float32):
        x = np.full((60, 200), 37, dtype=dtype)
        assert not apply(x, name, range="normalize").any()


@pytest.mark.parametrize("rows", [1, 3, 4, 5, 11])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
@pytest.mark.parametrize("size", [(3, 3), (66, 3), (2, 64)])
def test_bands_of_any_height(size, rows, dtype, eager):
    random = np.random.default_rng(6)
    height = 90
    x = random.integers(0, 255, (height, 200)).astype(dtype)
    weights = random.normal(size=size).astype(np.float32)
    windows = Windows.over(x.shape, size, stride=(1, 1), padding="same", dilation=(1, 1), border=Border("reflect"))
    method = DirectFilter(weights[None, None], 1.0, windows, x.dtype)
    assert method.shares
    assert method.band_rows == TOGETHER
    out = np.empty(x.shape, dtype=np.float32)
    for first in range(0, height, rows):
        method.run(Rows(x[None]), first, out[first : first + rows], bias=0.5)
    exact, mode = x.astype(np.float64), "mirror"
    expected = 0.5 + ndimage.correlate(
        exact, weights.astype(np.float64), mode=mode, origin=[-1 if n % 2 == 0 else 0 for n in size]
    )
    bound = 0.5 + ndimage.correlate(
        exact, np.abs(weights).astype(np.float64), mode=mode, origin=[-1 if n % 2 == 0 else 0 for n in size]
    )
    assert_within(out, expected, 1e-5 * bound)


@pytest.mark.parametrize(
    ("weights", "options"),
    [
        (np.ones((3, 3)), {}),  # products of 16 bits
        ([[0.3, 0], [0.3, 0.3]], {}),
        (np.full((1, 9), 0.3), {}),
        (np.full((2, 65), 0.3), {}),
        (np.full((3, 3), 0.3), {"stride": (2, 1)}),
        (np.full((3, 3), 0.3), {"dilation": (2, 1)}),
        (np.full((3, 3), 0.3), {"size": (100, 100)}),
    ],
)
def test_what_gains_nothing_does_not_share(weights, options):
    weights = np.array(weights, dtype=np.float32)
    options = {"size": (1500, 1500), "stride": (1, 1), "dilation": (1, 1)} | options
    windows = Windows.over(options.pop("size"), weights.shape, padding="same", border=Border(), **options)
    numbers, uint8 = weights[None, None], np.dtype(np.uint8)
    assert not DirectFilter(numbers, 1.0, windows, uint8).shares
    usual = Windows.over((1500, 1500), (3, 3), stride=(1, 1), padding="same", dilation=(1, 1), border=Border())
    dense = np.full((1, 1, 3, 3), 0.3, dtype=np.float32)
    assert DirectFilter(dense, 1.0, usual, uint8).shares
    assert not DirectFilter(dense.repeat(2, axis=0), 1.0, usual, uint8, "magnitude").shares
    assert not DirectFilter(dense.repeat(2, axis=1), 1.0, usual, uint8).shares
