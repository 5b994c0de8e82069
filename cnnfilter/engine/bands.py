"""Chains run through bands of rows that stay in cache, and bands spread over threads.

The bands are cut by the sizes of the maps alone, never by the number of threads, so that every number of threads
computes the same values in the same order.
"""

from __future__ import annotations

import itertools
import math
import os
from collections.abc import Callable, Sequence

import numpy as np

from cnnfilter.engine.geometry import Array, Rows, new_result
from cnnfilter.engine.program import Program
from cnnfilter.engine.steps import Step
from cnnfilter.runtime.helpers import borrow, give_back
from cnnfilter.text.values import whole_number

BAND_SAMPLES = 1 << 20
"""Samples of a band, in all maps that it passes through. A quarter of them would stay in a core's second-level
cache, but was 1.9 times slower on one thread and 2.9 times on two: each band costs some tenth of a millisecond of
Python."""

SMALLEST_WORK = 1 << 24
"""Multiply-adds from which it pays to cut a band for a second thread: half as many, 0.2 ms, took longer on two than
on one, for both threads wait until they are woken, and find the maps in each other's caches."""

WHOLE_SAMPLES = 1 << 22
"""Samples up to which maps between two windowed steps are kept whole (16 MB): neighbouring bands of a long chain
would compute the rows that both need twice, and of small maps they both need most."""


def available_threads(threads: int | None) -> int:
    """How many threads to use: all of the process's cores for None.

    Raises
    ------
    ArgumentError
        If it is less than 1.
    """
    if threads is None:
        return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return whole_number(threads, "threads", 1)


def whole_bands(height: int, multiple: int) -> int:
    """Rows of a band: at most `height`, as far as that is a multiple of what is computed together."""
    return max(height // multiple, 1) * multiple


def in_bands(rows: int, height: int, threads: int | None, work: Callable[[int, int], None]) -> None:
    """Call `work(first, last)` for bands that together cover `rows` rows, on up to `threads` threads.

    Parameters
    ----------
    rows : int
        Output rows in all.
    height : int
        Rows of a band, which may not depend on the number of threads.
    threads : int or None
        The calling thread is one of them; None means one a core.
    work : callable
        May be called from several threads at once, for rows that do not overlap.

    Raises
    ------
    Exception
        The first that a call of `work` raised, once every thread has stopped.
    """
    allowed = available_threads(threads)
    if rows <= height:
        work(0, rows)
        return
    starts = range(0, rows, height)
    positions = itertools.count()
    failures: list[BaseException] = []

    def loop() -> None:
        while not failures and (position := next(positions)) < len(starts):
            first = starts[position]
            try:
                work(first, min(rows, first + height))
            except BaseException as failure:  # handed to the calling thread, which may hold an interrupt
                failures.append(failure)

    helpers = borrow(min(allowed, len(starts)) - 1)
    try:
        for helper in helpers:
            helper.ask(loop)
        loop()
    except BaseException as interrupt:  # between two calls of work
        failures.append(interrupt)
    for helper in helpers:
        while True:
            try:
                helper.finish()
                break
            except BaseException as interrupt:  # the arrays are still being written: stop the others first
                failures.append(interrupt)
    give_back(helpers)
    if failures:
        raise failures[0]


Made = dict[tuple[int, int], list[tuple[int, int]]]
"""The rows of every step's result that a band of some rows of the last one needs."""


class Chain:
    """Steps through which maps run; large maps between them never exist whole.

    Parameters
    ----------
    steps : sequence of Step
        At least one; each takes what the one before gives.
    mean : bool
        Whether the result is the mean of each map, (C, 1, 1), for which the last maps are not kept.
    """

    def __init__(self, steps: Sequence[Step], *, mean: bool = False) -> None:
        self.steps, self.mean = list(steps), mean
        self.parts = [(part, _height(part)) for part in _parts(steps)]
        self.made: list[Made] = [{} for _ in self.parts]  # threads may find the same out twice

    def __call__(self, source: Array, threads: int | None = None) -> Array:
        """Run maps through the steps.

        Parameters
        ----------
        source : ndarray, (C, H, W) of uint8, uint16 or float32
        threads : int, optional

        Returns
        -------
        ndarray of float32, of the last step's shape, or (C, 1, 1) for the means
        """
        maps = source
        for number, ((part, height), made) in enumerate(zip(self.parts, self.made, strict=True), 1):
            maps = _run_part(part, height, made, maps, threads, mean=self.mean and number == len(self.parts))
        return maps

    @property
    def is_small(self) -> bool:
        """Whether all maps are small enough to be kept whole."""
        return all(math.prod(step.shape) <= WHOLE_SAMPLES for step in self.steps)

    @property
    def has_calls(self) -> bool:
        """Whether some of it is a matter of calls."""
        return any(step.is_calls for step in self.steps)

    def lay_out(self, program: Program, source: Array, out: Array | None) -> Array:
        """Add to a program what is done, and return the result: `out` where there is one."""
        value = source
        for number, step in enumerate(self.steps, 1):
            is_last = number == len(self.steps)
            chain = Chain([step], mean=self.mean and is_last)
            shape = (step.shape[0], 1, 1) if chain.mean else step.shape
            result = program.empty(shape) if out is None or not is_last else out
            if chain.mean or not step.lay_out(program, value, result):
                program.is_lasting &= not step.is_calls
                program.operation(chain, value, result)
            if value is not source:
                program.release(value)
            value = result
        return value


def _parts(steps: Sequence[Step]) -> list[list[Step]]:
    """Cut a chain before a step that wants all of its input at once, or whose windows overlap in small maps.

    A step whose maps are shared out stays by itself.
    """
    parts: list[list[Step]] = []
    samples = 0
    for step in steps:
        is_shared = step.shares > 1 or (parts and parts[-1][-1].shares > 1)
        if not parts or is_shared or not step.is_local or (step.overlaps and samples <= WHOLE_SAMPLES):
            parts.append([])
        parts[-1].append(step)
        samples = step.shape[0] * step.shape[1] * step.shape[2]
    return parts


def _ranges(steps: Sequence[Step], first: int, last: int) -> list[tuple[int, int]]:
    """The rows of every step's result, and before them of the source, that rows of the last one need."""
    ranges = [(first, last)]
    for step in reversed(steps):
        ranges.append(step.needed(*ranges[-1]))
    return ranges[::-1]


def _height(steps: Sequence[Step]) -> int:
    """How many rows of the last step's result make a band that passes through the cache."""
    rows = steps[-1].shape[1]

    def samples(height: int) -> int:
        first = (rows - height) // 2
        made = _ranges(steps, first, first + height)[1:]
        return sum(
            step.shape[0] * step.shape[2] * (end - begin) for step, (begin, end) in zip(steps, made, strict=True)
        )

    if sum(step.work for step in steps) < SMALLEST_WORK and samples(rows) <= BAND_SAMPLES:
        return rows
    height = 1
    while height * 2 <= rows and samples(height * 2) <= BAND_SAMPLES:
        height *= 2
    pairs = -(-rows // (2 * height))  # an even number of bands leaves neither of two threads waiting for the other
    return whole_bands(-(-rows // (2 * pairs)), max(step.band_rows for step in steps))


def _run_part(steps: Sequence[Step], band: int, made: Made, source: Array, threads: int | None, *, mean: bool) -> Array:
    channels, height, width = steps[-1].shape
    out = new_result((0 if mean else channels, height, width), np.float32)
    sums = np.zeros((height if mean else 0, channels))  # a row for each band, at its first row

    def work(first: int, last: int) -> None:
        rows = Rows(source)
        ranges = made.get((first, last))
        if ranges is None:
            ranges = made[first, last] = _ranges(steps, first, last)[1:]
        for number, (step, (begin, end)) in enumerate(zip(steps, ranges, strict=True), 1):
            if number == len(steps) and not mean:
                result: Array = out[:, first:last]
            else:
                result = np.empty((step.shape[0], end - begin, step.shape[2]), dtype=np.float32)
            step.run(rows, begin, result)
            rows = Rows(result, first=begin)
        if mean:
            sums[first] = result.sum(axis=(1, 2), dtype=np.float64)

    if steps[0].shares > 1 and not mean:
        whole = Rows(source, kept={})
        in_bands(steps[0].shares, 1, threads, lambda share, _: steps[0].run_share(share, whole, out))
        return out
    in_bands(height, band, threads, work)
    if mean:
        means: Array = sums.sum(axis=0) / (height * width)
        return means.astype(np.float32).reshape(channels, 1, 1)
    return out
