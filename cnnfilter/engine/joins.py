"""Results that meet: sums and products sample by sample, and maps one after the other."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from cnnfilter.engine import loops
from cnnfilter.engine.bands import in_bands
from cnnfilter.engine.codes import AS_IS, RECTIFIED
from cnnfilter.engine.geometry import Array, new_result
from cnnfilter.engine.program import Program, later, parts

BLOCK = 1 << 18
"""Samples of the result that are combined at a time, on one thread: a megabyte, which stays in a core's cache."""

LEAST_SAMPLES = 1 << 16
"""Samples of a sum from which two threads share it."""

Combine = Callable[..., Array]
"""`numpy.add`, or another function of two arrays that takes `out`."""


class Combination:
    """Results combined sample by sample, from the first to the last.

    Parameters
    ----------
    function : callable
    rectified : bool
        Whether what is below 0 becomes 0.
    """

    def __init__(self, function: Combine, *, rectified: bool = False) -> None:
        self.function, self.rectified = function, rectified

    def __call__(self, values: Sequence[Array], threads: int | None) -> Array:
        """Combine (C, H, W) or (n,), at least two; along an axis where one has 1, its sample meets all of the others'.

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
                self.function(planes[0][first:last], planes[1][first:last], out=part, dtype=np.float32)
                for each in planes[2:]:
                    self.function(part, each[first:last], out=part, dtype=np.float32)
            if self.rectified:
                np.maximum(part, 0, out=part)

        in_bands(len(out), height, threads, work)
        return out

    def lay_out(self, program: Program, values: Sequence[Array], out: Array | None) -> Array:
        """Add what is done to a program, and return the result: `out` where there is one."""
        kinds = {(each.shape, each.dtype) for each in values}
        if self.function is not np.add or len(values) != 2 or len(kinds) != 1 or values[0].dtype != np.float32:
            return program.operation(self, values, out)
        result = program.empty(values[0].shape) if out is None else out
        left, right = (each.reshape(-1) for each in values)
        after = RECTIFIED if self.rectified else AS_IS
        pieces = [
            [later(loops.add_maps, result.reshape(-1)[begin:end], left[begin:end], right[begin:end], after)]
            for begin, end in parts(result.size, program.threads if result.size >= LEAST_SAMPLES else 1)
        ]
        program.stage(pieces)
        return result


class Concatenation:
    """Maps (C, H, W) one after the other, or vectors, as float32."""

    def __call__(self, values: Sequence[Array], threads: int | None) -> Array:
        """Put them one after the other."""
        out = new_result((sum(map(len, values)), *values[0].shape[1:]), np.float32)
        ends = np.cumsum([len(each) for each in values]).tolist()

        def work(first: int, last: int) -> None:
            for each, end in zip(values[first:last], ends[first:last], strict=True):
                out[end - len(each) : end] = each

        in_bands(len(values), 1, threads, work)
        return out

    def lay_out(self, program: Program, values: Sequence[Array], out: Array | None) -> Array:
        """Add what is done to a program, and return the result: `out`, where some may lie already, if there is one."""
        if out is None:
            return program.operation(self, values)
        begin = 0
        for each in values:
            place = out[begin : begin + len(each)]
            if each.ctypes.data != place.ctypes.data:
                program.operation(_as_it_is, each, place)
            begin += len(each)
        return out


def _as_it_is(values: Array, threads: int | None) -> Array:
    return values
