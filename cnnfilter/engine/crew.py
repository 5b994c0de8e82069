"""Threads that make calls of loops together.

Who waits for the next call looks for it all the time, for a while: to wake a thread takes as long as a convolution of
ten million multiply-adds, and it would have to be given Python's lock besides. So all that Python does for the calls is
done before, by the thread that wants them made.
"""

from __future__ import annotations

import ctypes
import os
import threading
from collections.abc import Sequence
from functools import cache
from itertools import accumulate

import numpy as np

from cnnfilter.engine import loops
from cnnfilter.engine.codes import ASLEEP, WAITING
from cnnfilter.engine.groups import Index
from cnnfilter.runtime.native import Later

PATIENCE = 1 << 17
"""Looks for work until a thread sleeps: some 2 ms, more than what Python does between two parts of a network."""

Piece = Sequence[Later]
"""Calls that follow each other on one thread."""

_idle: list[_Mate] = []

if hasattr(os, "register_at_fork"):  # a child has none of its parent's threads
    os.register_at_fork(after_in_child=_idle.clear)


class Work:
    """Calls that several threads may make together, as often as is wanted.

    Parameters
    ----------
    stages : sequence of sequence of Piece
        Pieces of a stage may be done side by side, once all of the stage before are.
    """

    def __init__(self, stages: Sequence[Sequence[Piece]]) -> None:
        pieces = [piece for stage in stages for piece in stage]
        self.held = [call.values for piece in pieces for call in piece]
        befores = accumulate(map(len, stages), initial=0)
        needed = [before for before, stage in zip(befores, stages, strict=False) for _ in stage]
        starts = [3 + len(pieces), *(2 + 2 * len(piece) for piece in pieces)]
        words = [0, 0, len(pieces), *list(accumulate(starts))[:-1]]
        at = sum(starts)
        for before, piece in zip(needed, pieces, strict=True):
            words += [before, len(piece)]
            for call in piece:
                words += [call.function, at]
                at += len(call.words) // 8
        taken = b"".join([call.words for piece in pieces for call in piece])
        self.words: Index = np.concatenate([np.array(words, np.int64), np.frombuffer(taken, np.int64)])
        self.most = max(map(len, stages))

    def do(self, threads: int) -> None:
        """Make all calls, on at most so many threads."""
        mates = _borrow(min(threads, self.most) - 1)
        try:
            states = np.array([mate.state for mate in mates], dtype=np.int64)
            loops.lead(self.words.ctypes.data, states, _relax())
        finally:
            _idle.extend(mates)


class _Mate:
    """A thread that takes part in the work of one other at a time."""

    def __init__(self) -> None:
        self.words = np.array([WAITING, 0], np.int64)
        self.state: int = self.words.ctypes.data
        loops.attend(self.state, 0, 0)  # falls asleep; and its code is there from now on
        self.awake = threading.Lock()
        self.awake.acquire()
        threading.Thread(target=self._serve, name="cnnfilter", daemon=True).start()

    def _serve(self) -> None:
        while True:
            self.awake.acquire()
            loops.attend(self.state, PATIENCE, _relax())

    def wake(self) -> None:
        """See that it looks for work."""
        if self.words[0] == ASLEEP:
            self.words[0] = WAITING
            self.awake.release()


def _borrow(count: int) -> list[_Mate]:
    """So many others, who look for work."""
    mates: list[_Mate] = []
    while len(mates) < count:
        try:
            mates.append(_idle.pop())
        except IndexError:
            mates.append(_Mate())
        mates[-1].wake()
    return mates


@cache
def _relax() -> int:
    """The address of what lets another thread have the processor, or 0 where the system has none."""
    function = getattr(ctypes.CDLL(None), "sched_yield", None) if os.name == "posix" else None
    return ctypes.cast(function, ctypes.c_void_p).value or 0 if function is not None else 0
