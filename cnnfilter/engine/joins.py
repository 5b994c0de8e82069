"""Results that meet: sums and products sample by sample, and maps one after the other."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from cnnfilter.engine.bands import in_bands
from cnnfilter.engine.geometry import Array, new_result

BLOCK = 1 << 18
"""Samples of the result that are combined at a time, on one thread: a megabyte, which stays in a core's cache."""

Combine = Callable[..., Array]
"""`numpy.add`, or another function of two arrays that takes `out`."""


def combine(values: Sequence[Array], threads: int | None, *, function: Combine, rectified: bool = False) -> Array:
    """Results combined sample by sample, from the first to the last.

    Parameters
    ----------
    values : sequence of ndarray, (C, H, W) or (n,)
        At least two; along an axis where one has 1, its sample meets all of the others'.
    threads : int or None
    function : callable
    rectified : bool
        Whether what is below 0 becomes 0.

    Returns
    -------
    ndarray of float32
    """
    shape = np.broadcast_shapes(*(each.shape for each in values))
    out = new_result(shape, np.float32)
    planes = [np.broadcast_to(each, shape) for each in values]
    height = max(1, BLOCK // max(out[0].size, 1))

    def work(first: int, last: int) -> None:
        part = out[first:last]
        with np.errstate(over="ignore", invalid="ignore"):
            function(planes[0][first:last], planes[1][first:last], out=part, dtype=np.float32)
            for each in planes[2:]:
                function(part, each[first:last], out=part, dtype=np.float32)
        if rectified:
            np.maximum(part, 0, out=part)

    in_bands(len(out), height, threads, work)
    return out


def concatenate(values: Sequence[Array], threads: int | None) -> Array:
    """Maps (C, H, W) one after the other, or vectors, as float32."""
    out = new_result((sum(map(len, values)), *values[0].shape[1:]), np.float32)
    ends = np.cumsum([len(each) for each in values]).tolist()

    def work(first: int, last: int) -> None:
        for each, end in zip(values[first:last], ends[first:last], strict=True):
            out[end - len(each) : end] = each

    in_bands(len(values), 1, threads, work)
    return out
