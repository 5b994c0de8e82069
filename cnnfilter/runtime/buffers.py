"""Large arrays whose memory is kept for the next one when they are no longer used.

Fresh memory takes as long as a small kernel: the system clears each page before it hands it out (36 MB in 4 to 15 ms;
a 3x3 kernel over as many samples takes 10), and the C library returns large blocks to it at once. Told to keep all of
them, it doubled the memory of a folder's run on two threads; so a few are kept here, for arrays that they fit.
"""

from __future__ import annotations

import contextlib
import math
import os
import weakref
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

SMALLEST = 1 << 20
LARGEST = 1 << 26
"""Bytes of the blocks that are kept: the C library keeps smaller ones itself, and larger ones are too much to hold."""

BLOCKS = min(2 * max(2, os.cpu_count() or 1), 8)
"""How many are kept: a source and a result for each of a few workers of a batch."""

WASTE = 1.25
"""How many times as large as an array the block may be that it gets."""


class Claim(weakref.ref):  # type: ignore[type-arg]  # of a class that follows
    """The end of a loan, which says what is free again."""

    __slots__ = ("kept",)
    kept: Any


# Appending and taking from its ends are atomic: arrays end in any thread, and in the midst of any call.
_kept: deque[Claim] = deque(maxlen=BLOCKS)


class _Loan:
    """What an array's memory belongs to.

    It ends by a weak reference whose callback is no function of Python: a `__del__` would swallow an interrupt that
    arrived in the long call that the array was the argument of.
    """

    __slots__ = ("__array_interface__", "__weakref__", "claim")

    def __init__(self, array: npt.NDArray[Any], kept: Any, end: Callable[[Claim], None]) -> None:
        self.__array_interface__ = array.__array_interface__
        self.claim = Claim(self, end)
        self.claim.kept = kept


def lend(array: npt.NDArray[Any], kept: Any, end: Callable[[Claim], None]) -> npt.NDArray[Any]:
    """Return an array in the same memory, whose end is told.

    Parameters
    ----------
    array : ndarray
    kept : object
        What its memory belongs to.
    end : callable
        Is given a `Claim` with `kept` when neither the array nor a view of it is left, in any thread. No function of
        Python, see `_Loan`.
    """
    return np.asarray(_Loan(array, kept, end))


def keep(count: int) -> None:
    """Keep so many blocks at most from now on."""
    global _kept
    _kept = deque(_kept, maxlen=count)


def empty(shape: tuple[int, ...], dtype: npt.DTypeLike) -> npt.NDArray[Any]:
    """Return a new array of any content, as `numpy.empty` does.

    Parameters
    ----------
    shape : tuple of int
    dtype : dtype
        Without fields.

    Returns
    -------
    ndarray
        C-contiguous. It shares memory with no other, but does not own it as far as NumPy can tell: its method
        `resize` refuses.
    """
    kind = np.dtype(dtype)
    size = math.prod(shape) * kind.itemsize
    if not SMALLEST <= size <= LARGEST:
        return np.empty(shape, kind)
    memory = _taken(size)
    return lend(memory[:size].view(kind).reshape(shape), memory, _kept.append)


def _taken(size: int) -> npt.NDArray[np.uint8]:
    """Return kept memory that fits; or new, for which as much of what is kept is let go.

    So the memory of all arrays and what is kept is no more than that of the arrays was at some moment (but for what
    another thread takes while this one looks).
    """
    passed: list[Claim] = []
    with contextlib.suppress(IndexError):  # the last was looked at, or another thread took it
        while True:
            claim = _kept.popleft()
            memory: npt.NDArray[np.uint8] = claim.kept
            if size <= memory.size <= size * WASTE:
                _kept.extend(passed)
                return memory
            passed.append(claim)
    spared = 0
    while passed and spared < size:
        spared += passed.pop(0).kept.size
    _kept.extend(passed)
    try:
        return np.empty(size, np.uint8)
    except MemoryError:
        _kept.clear()
        return np.empty(size, np.uint8)
