"""Memory of arrays that each batch needs anew, in sizes that come again."""

from __future__ import annotations

import math
from collections import deque
from typing import Any

import numpy as np

from cnnfilter.engine.groups import Array
from cnnfilter.runtime import buffers
from cnnfilter.runtime.tricks import uses

SMALLEST = 1 << 14
"""Bytes of blocks that are kept. The C library returns what lies free at its end, and the system clears each page of it
for the next batch: without, one of LeNet-5 takes 1.6 times as long."""

MOST = 1 << 29
"""Bytes that are kept at most when an array of another size comes: those of earlier batches are let go then."""

_kept: dict[int, deque[buffers.Claim]] = {}


def fresh(shape: tuple[int, ...], dtype: Any = np.float32) -> Array:
    """An array of any content, in the memory of an earlier one of its size if there is any."""
    kind = np.dtype(dtype)
    size = math.prod(shape) * kind.itemsize
    if size < SMALLEST or not uses("buffers"):
        return np.empty(shape, kind)
    kept = _kept.setdefault(size, deque())
    try:
        memory = kept.pop().kept
    except IndexError:
        if sum(known * len(claims) for known, claims in list(_kept.items())) > MOST:
            let_go()
        memory = np.empty(size, np.uint8)
    return buffers.lent(memory, shape, kind, kept)


def zeros(shape: tuple[int, ...]) -> Array:
    """An array of zeros, float32."""
    array = fresh(shape)
    array[...] = 0
    return array


def let_go() -> None:
    """Keep nothing of what was used so far: another network has other sizes."""
    _kept.clear()
