"""Large arrays whose memory is kept for the next one when they are no longer used.

The system clears each page of fresh memory before it hands it out, and the C library returns large blocks to it at
once: without what is kept here, a 3x3 kernel over 12 megapixels of floats takes 1.6 times as long. Told to keep all
blocks, the C library doubled the memory of a folder's run on two threads; so a few are kept, for arrays that they fit.
"""

from __future__ import annotations

import contextlib
import math
import weakref
from collections import deque
from typing import TYPE_CHECKING, Any

import numpy as np

from cnnfilter.runtime.process import BLOCKS
from cnnfilter.runtime.tricks import uses

if TYPE_CHECKING:
    import numpy.typing as npt

SMALLEST = 1 << 20
LARGEST = 1 << 26
"""Bytes of the blocks that are kept: the C library keeps smaller ones itself, and larger ones are too much to hold."""

WASTE = 1.25
"""How many times as large as an array the block may be that it gets."""


class Claim(weakref.ref):  # type: ignore[type-arg]  # of a class that follows
    """The end of a loan, which says what is free again."""

    __slots__ = ("kept",)
    kept: npt.NDArray[np.uint8]


# Appending and taking from its ends are atomic: arrays end in any thread, and in the midst of any call.
_kept: deque[Claim] = deque(maxlen=BLOCKS)


class _Loan:
    """What an array's memory belongs to.

    It ends by a weak reference whose callback is no function of Python: a `__del__` would swallow an interrupt that
    arrived in the long call that the array was the argument of.
    """

    __slots__ = ("__array_interface__", "__weakref__", "claim")

    def __init__(self, array: npt.NDArray[Any], memory: npt.NDArray[np.uint8]) -> None:
        self.__array_interface__ = array.__array_interface__
        self.claim = Claim(self, _kept.append)
        self.claim.kept = memory


def keep(count: int) -> None:
    """Keep so many blocks at most from now on.

    Where none are kept after the last picture, filtering a grey one of 12 megapixels takes 127 MB instead of 138.
    """
    global _kept
    _kept = deque(_kept, maxlen=count)


def empty(shape: tuple[int, ...], dtype: npt.DTypeLike) -> npt.NDArray[Any]:
    """A new array of any content, as `numpy.empty` gives it.

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
    if not (SMALLEST <= size <= LARGEST and uses("buffers")):
        return np.empty(shape, kind)
    memory = _taken(size)
    return np.asarray(_Loan(memory[:size].view(kind).reshape(shape), memory))


def _taken(size: int) -> npt.NDArray[np.uint8]:
    """Kept memory that fits; or new, for which as much of what is kept is let go.

    So the memory of all arrays and what is kept is no more than that of the arrays was at some moment (but for what
    another thread takes while this one looks).
    """
    passed: list[Claim] = []
    with contextlib.suppress(IndexError):  # the last was looked at, or another thread took it
        while True:
            claim = _kept.popleft()
            if size <= claim.kept.size <= size * WASTE:
                _kept.extend(passed)
                return claim.kept
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
