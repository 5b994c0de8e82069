"""Results that meet are added sample by sample."""

import numpy as np
import pytest

from cnnfilter.engine import loops
from cnnfilter.engine.codes import AS_IS, RECTIFIED


@pytest.mark.parametrize("size", [1, 16, 63, 64, 150])
@pytest.mark.parametrize("after", [AS_IS, RECTIFIED])
def test_maps_are_added(size, after):
    left, right = np.random.default_rng(size).normal(size=(2, size)).astype(np.float32)
    left[0] = np.nan
    expected = left + right if after == AS_IS else np.maximum(left + right, 0)
    out = np.empty(size, np.float32)
    loops.add_maps(out, left, right, after)
    np.testing.assert_array_equal(out, expected)
    loops.add_maps(left, left, right, after)
    np.testing.assert_array_equal(left, expected)
