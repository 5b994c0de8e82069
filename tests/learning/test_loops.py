"""The loops of learning, against plain NumPy."""

import numpy as np
import pytest

from cnnfilter.engine import loops


@pytest.mark.parametrize(("filters", "rows", "width"), [(5, 3, 19), (4, 1, 32), (3, 5, 16)])
def test_samples_are_weighed(filters, rows, width):
    random = np.random.default_rng(1)
    delta = random.normal(size=(filters, rows * width)).astype(np.float32)
    source = random.normal(size=1000).astype(np.float32)
    offsets, stride = np.array([0, 7, 40, 3, 100, 1, 2, 300]), 21
    want = [
        [
            sum(one[i * width + j] * source[place + i * stride + j] for i in range(rows) for j in range(width))
            for place in offsets
        ]
        for one in delta.astype(np.float64)
    ]
    for together in (1, 2, 9):
        out = np.full((-(-filters // 4) * 4, 8), np.nan, np.float32)
        loops.weigh_rows(out, delta, 0, 4, source, offsets, rows, stride, together)
        assert np.isnan(out[:, 4:]).all()
        loops.weigh_rows(out, delta, 4, 8, source, offsets, rows, stride, together)
        np.testing.assert_allclose(out[:filters], want, rtol=1e-5, atol=1e-5)


ROWS = np.array([[-1, 1, 3], [0, 2, -1]])
COLUMNS = np.array([[0, 2], [1, 3], [-1, 4]])


def windows(x):
    """Of each window (C, H', W', N, taps) its samples, NaN where there is none."""
    padded = np.pad(x.astype(np.float64), ((0, 0), (0, 1), (0, 1), (0, 0)), constant_values=np.nan)
    return np.stack([padded[:, rows][:, :, columns] for rows in ROWS for columns in COLUMNS], axis=-1)


def test_the_first_of_the_largest_wins_and_gets_the_delta():
    random = np.random.default_rng(2)
    x = random.integers(0, 4, (3, 4, 5, 6)).astype(np.float32)
    out, winners = np.empty((3, 3, 2, 6), np.float32), np.empty((3, 3, 2, 6), np.int32)
    loops.largest_windows(out, winners, x, ROWS, COLUMNS, 0, 2)
    loops.largest_windows(out, winners, x, ROWS, COLUMNS, 2, 3)
    seen = windows(x)
    np.testing.assert_array_equal(out, np.nanmax(seen, axis=-1))
    places = windows(np.broadcast_to(np.arange(120.0).reshape(4, 5, 6), x.shape))
    want = np.take_along_axis(places, np.nanargmax(seen, axis=-1)[..., None], -1)[..., 0]
    np.testing.assert_array_equal(winners, want)
    delta = random.normal(size=(3, 36)).astype(np.float32)
    total = np.full((3, 120), np.nan, np.float32)
    loops.to_winners(total, delta, winners.reshape(3, -1), 0, 3)
    spread = np.zeros((3, 120))
    for c in range(3):
        np.add.at(spread[c], winners[c].reshape(-1), delta[c])
    np.testing.assert_allclose(total, spread, rtol=1e-6, atol=1e-6)


def test_of_nothing_there_is_no_winner_and_a_nan_is_the_largest():
    x = np.array([[[[1.0, np.nan]]]], np.float32)
    out, winners = np.empty((1, 1, 2, 2), np.float32), np.empty((1, 1, 2, 2), np.int32)
    loops.largest_windows(out, winners, x, np.array([[0]]), np.array([[-1, 0]]), 0, 1)
    np.testing.assert_array_equal(out, [[[[-np.inf, -np.inf], [1, np.nan]]]])
    np.testing.assert_array_equal(winners, [[[[-1, -1], [0, 1]]]])
    total = np.empty((1, 2), np.float32)
    loops.to_winners(total, np.ones((1, 4), np.float32), winners.reshape(1, -1), 0, 1)
    assert total.tolist() == [[1.0, 1.0]]


def test_of_nothing_but_negative_infinity_the_first_wins():
    x = np.full((1, 1, 2, 1), -np.inf, np.float32)
    out, winners = np.empty((1, 1, 1, 1), np.float32), np.empty((1, 1, 1, 1), np.int32)
    loops.largest_windows(out, winners, x, np.array([[0]]), np.array([[-1], [0], [1]]), 0, 1)
    assert (out.item(), winners.item()) == (-np.inf, 0)


def test_windows_are_summed_and_their_deltas_spread():
    random = np.random.default_rng(3)
    x = random.normal(size=(3, 4, 5, 6)).astype(np.float32)
    shares = random.uniform(size=(3, 2)).astype(np.float32)
    out = np.empty((3, 3, 2, 6), np.float32)
    loops.sum_windows(out, x, shares, ROWS, COLUMNS, 0, 3)
    want = np.nansum(windows(x), axis=-1) * shares[..., None]
    np.testing.assert_allclose(out, want, rtol=1e-5, atol=1e-6)
    delta = random.normal(size=out.shape).astype(np.float32)
    total = np.full(x.shape, np.nan, np.float32)
    loops.spread_windows(total, delta, shares, ROWS, COLUMNS, 0, 3)
    assert (total * x).sum() == pytest.approx((delta * want).sum(), rel=1e-4)


def test_a_rectified_value_passes_its_delta():
    x = np.array([-2, -0.0, 0, 1e-45, 3, np.nan, np.inf, -np.inf], np.float32)
    out, delta = np.empty(8, np.float32), np.arange(1, 9, dtype=np.float32)
    loops.rectify(out, x)
    np.testing.assert_array_equal(out, np.maximum(x, 0))
    loops.pass_rectified(delta, delta.copy(), out)
    assert delta.tolist() == [0, 0, 0, 4, 5, 0, 7, 0]


def test_a_delta_passes_by_a_slope_of_the_value():
    y, delta = np.linspace(-1, 1, 37, dtype=np.float32), np.arange(37, dtype=np.float32)
    out = np.empty(37, np.float32)
    loops.pass_curved(out, delta, y, 1.0, 0.0, -1.0)
    np.testing.assert_allclose(out, delta * (1 - y * y), rtol=1e-6, atol=1e-5)
    loops.pass_curved(out, delta, y, 0.5, 2.0, -3.0)
    np.testing.assert_allclose(out, delta * (0.5 + 2 * y - 3 * y * y), rtol=1e-6, atol=1e-4)
