"""Matrix products whose sums keep the promised error however long they are."""

from __future__ import annotations

import numpy as np

from cnnfilter.engine.codes import SUM_LENGTH
from cnnfilter.engine.geometry import Array

MOST_SUMS = 32
"""How many of those sums are added up in float32, for the same reason; more are in float64."""


def product(left: Array, right: Array) -> Array:
    """Return ``left @ right`` of float32 arrays (..., K) and (K, N); it is float64 where the sums are long.

    What goes beyond float32 is infinite, and infinity less infinity NaN, without NumPy's warnings. They would not
    tell much: some of BLAS's kernels raise the flag of an invalid operation for finite numbers too, over lanes that
    no element of the result comes from.
    """
    terms = len(right)
    with np.errstate(over="ignore", invalid="ignore"):
        total: Array = left[..., :SUM_LENGTH] @ right[:SUM_LENGTH]
        if terms > MOST_SUMS * SUM_LENGTH:
            total = total.astype(np.float64)
        for k in range(SUM_LENGTH, terms, SUM_LENGTH):
            total += left[..., k : k + SUM_LENGTH] @ right[k : k + SUM_LENGTH]
    return total
