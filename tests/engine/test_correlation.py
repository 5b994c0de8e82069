"""Correlations of two maps against sums of products."""

import numpy as np
import pytest
from numpy.lib.stride_tricks import sliding_window_view

from cnnfilter.engine import loops


@pytest.mark.parametrize("shape", [(1, 1), (3, 7), (2, 16), (5, 37)])
@pytest.mark.parametrize("lags", [(1, 4), (3, 8)])
def test_sums_of_products_are_exact_for_whole_numbers(shape, lags):
    random = np.random.default_rng(5)
    first = random.integers(-(1 << 15), 1 << 15, shape).astype(np.float64)
    second = random.integers(-(1 << 15), 1 << 15, (shape[0] + lags[0] - 1, shape[1] + lags[1] - 1)).astype(np.float64)
    sums = np.full(lags, np.nan)
    loops.correlate(sums, first, second)
    expected = np.einsum("mnij,ij->mn", sliding_window_view(second, shape).astype(np.int64), first.astype(np.int64))
    np.testing.assert_array_equal(sums, expected)
