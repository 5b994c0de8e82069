"""A convolution and a maximum over its results, a few rows at a time."""

from __future__ import annotations

import numpy as np

from cnnfilter.engine import loops
from cnnfilter.engine.arrays import SAMPLE_TYPES
from cnnfilter.engine.codes import BESIDE, ROW
from cnnfilter.engine.direct import DirectFilter
from cnnfilter.engine.geometry import Array, Rows
from cnnfilter.engine.groups import PoolScratch
from cnnfilter.engine.methods import FloatFilter, Method
from cnnfilter.engine.steps import Depthwise, Pooling, Step
from cnnfilter.sizes import Pair

BLOCK = 4096
"""Results in a row that are computed before they are pooled: a few rows of them stay in the first-level cache."""


class PooledFilter(Step):
    """Kernels over each channel, and the largest of each window of their results: one step instead of two.

    Parameters
    ----------
    filters : Depthwise
    pooling : Pooling
        As `joined` finds them.
    """

    def __init__(self, filters: Depthwise, pooling: Pooling) -> None:
        self.filters, self.pooling = filters, pooling
        self.shape = pooling.shape
        self.overlaps = filters.overlaps
        self.work = filters.work + pooling.work

    def needed(self, first: int, last: int) -> Pair:
        """The rows that the filters' windows reach."""
        return self.filters.needed(*self.pooling.needed(first, last))

    def run(self, source: Rows, first: int, out: Array) -> None:
        """Compute output rows `first` onwards into `out`."""
        pool = self.pooling.windows
        columns = min(pool.out[1], max(1, BLOCK // pool.stride[1]))
        size = (columns - 1) * pool.stride[1] + pool.window[1]
        lines, line = np.empty(pool.window[0] * size, np.float32), np.empty(size + BESIDE, np.float32)
        scratch = PoolScratch(columns, lines, line, np.arange(pool.window[0]))
        results = iter(out)
        for plane in source.samples:
            rows = Rows(plane[None], source.spacing, source.first)
            for method in self.filters.methods_for(plane.dtype):
                row = first * pool.stride[0]
                if isinstance(method, FloatFilter):
                    method = method.over(rows, row, row + (len(out[0]) - 1) * pool.stride[0] + pool.window[0])
                block = method.block(rows, row, float(self.filters.bias), self.filters.after)  # type: ignore[union-attr]  # see joined
                loops.pooled_block(next(results), *block, self.pooling.pool, scratch)


def _is_direct(method: Method) -> bool:
    return isinstance(method.usual if isinstance(method, FloatFilter) else method, DirectFilter)


def joined(first: Step, second: Step) -> PooledFilter | None:
    """A step and the one after it as one, or None where that cannot be.

    That is where shifted rows are pooled by windows that have none in common, and no window of either reaches into
    padding.
    """
    if not (isinstance(first, Depthwise) and isinstance(second, Pooling) and second.kind == "max"):
        return None
    windows, pool = first.windows, second.windows
    lie_within = all(
        (out - 1) * stride + span <= size
        for out, stride, span, size in zip(pool.out, pool.stride, pool.span, pool.size, strict=True)
    )
    fit = (
        windows.pads == pool.pads == ((0, 0), (0, 0))
        and windows.stride[1] == 1
        and (min(pool.out[1], BLOCK // pool.stride[1]) - 1) * pool.stride[1] + pool.window[1] >= ROW
        and pool.dilation == (1, 1)
        and pool.stride[0] >= pool.window[0]
        and lie_within
        and all(_is_direct(method) for kind in SAMPLE_TYPES for method in first.methods_for(kind))
    )
    return PooledFilter(first, second) if fit else None
