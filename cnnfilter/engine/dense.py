"""A dense layer, of checked arrays."""

from __future__ import annotations

import numpy as np

from cnnfilter.engine import loops
from cnnfilter.engine.bands import in_bands
from cnnfilter.engine.geometry import Array, Index
from cnnfilter.text.numbers import FLOAT32_MAX

SURE = 1e-34
"""A sum from which no digits were lost to products too small for float32, of up to a million terms."""

TOGETHER = 64
"""Sums that are computed in float64 at a time."""


BAND_WEIGHTS = 1 << 21
"""Weights of a band of outputs (8 MB): of more, there is work for two threads, where one alone may not read as fast as
memory gives. Each output is summed by itself, wherever it lies in a band."""


def dense(x: Array, weight: Array, bias: Array, threads: int | None = 1) -> Array:
    """``x @ weight.T + bias``, all float32; a weight of zero contributes nothing, not even to NaN.

    Parameters
    ----------
    x : ndarray, (K,) or (N, K)
    weight : ndarray, (O, K)
    bias : ndarray, (O,)
    threads : int or None
        At most so many.
    """
    rows = np.ascontiguousarray(x.reshape(-1, x.shape[-1]))
    matrix, biases = np.ascontiguousarray(weight), bias.astype(np.float32, copy=False)
    total = np.empty((len(rows), len(weight)), dtype=np.float32)
    with np.errstate(over="ignore", invalid="ignore"):  # beyond float32; infinity less infinity
        _in_bands(total, rows, matrix, biases, threads)
        sizes = np.abs(total)
        if not (np.minimum.reduce(sizes, axis=None) >= SURE and np.maximum.reduce(sizes, axis=None) <= FLOAT32_MAX):
            _mend(total, rows, matrix, biases)
    return total.reshape(*x.shape[:-1], len(weight))


def _in_bands(total: Array, rows: Array, matrix: Array, biases: Array, threads: int | None) -> None:
    """Compute all outputs, in bands on several threads where they have many weights."""
    if matrix.size <= BAND_WEIGHTS:
        loops.dense_rows(total, rows, matrix, biases)
        return

    def work(first: int, last: int) -> None:
        part = np.empty((len(rows), last - first), dtype=np.float32)
        loops.dense_rows(part, rows, matrix[first:last], biases[first:last])
        total[:, first:last] = part

    in_bands(len(matrix), max(1, BAND_WEIGHTS // matrix.shape[1]), threads, work)


def _mend(total: Array, rows: Array, matrix: Array, biases: Array) -> None:
    """Compute again what lost digits, and all where a sample that is not finite may have met a zero."""
    finite = np.isfinite(rows)
    clean = rows
    if not finite.all():
        clean = np.where(finite, rows, np.float32(0))
        loops.dense_rows(total, clean, matrix, biases)
    sizes = np.abs(total)
    lost: Array = ~((sizes >= SURE) & np.isfinite(sizes)) & (np.abs(clean).max(axis=1) > 0)[:, None]
    for i in np.flatnonzero(lost.any(axis=1)):
        _sum_in_float64(total[i], np.flatnonzero(lost[i]), clean[i], matrix, biases)
    for i, k in np.argwhere(~finite):
        column = matrix[:, k]
        total[i, column != 0] += rows[i, k] * column[column != 0]


def _sum_in_float64(total: Array, outputs: Index, row: Array, matrix: Array, biases: Array) -> None:
    """Compute some outputs again: float32 may have gone beyond its range on the way, or lost tiny products."""
    for first in range(0, len(outputs), TOGETHER):
        some = outputs[first : first + TOGETHER]
        total[some] = (matrix[some] * row.astype(np.float64)).sum(axis=1) + biases[some]
