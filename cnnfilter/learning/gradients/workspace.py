"""What nodes compute in: arrays that stay where they are from batch to batch, and calls that are laid out for them.

Batches of one size need the same arrays again, and make the same calls of loops with them. Laid out once, these take
a few microseconds each, and threads share them (see `cnnfilter.engine.crew`). Beside the speed of the loops that is
what training a network of small maps is quick by: on two threads, that of ConvNetJS for MNIST takes half as long as
with new arrays and calls through Python.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

import numpy as np

from cnnfilter.engine.arena import Arena
from cnnfilter.engine.bands import available_threads, in_bands
from cnnfilter.engine.crew import Work
from cnnfilter.engine.geometry import new_result
from cnnfilter.engine.groups import Array
from cnnfilter.runtime.native import Loop
from cnnfilter.runtime.tricks import uses

T = TypeVar("T")

Piece = Sequence[tuple[Any, ...]]
"""What a loop takes in calls that follow each other on one thread."""

BAND, FEWEST = 1 << 15, 4
"""Values of a band, which threads work on side by side: these stay in a near cache; and bands of what is larger."""


class Calls:
    """Calls of a loop on arrays that stay where they are; pieces may be done side by side."""

    def __init__(self, loop: Loop, pieces: Sequence[Piece]) -> None:
        self._loop, self._pieces = loop, pieces
        laid = [[loop.later(*given) for given in piece] for piece in pieces] if uses("calls") else [[None]]
        known = [[call for call in piece if call is not None] for piece in laid]
        self._work = Work([known]) if known == laid else None

    def make(self, threads: int | None) -> None:
        """Make them all."""
        if self._work is not None:
            self._work.do(available_threads(threads))
        else:  # perhaps the code is Numba's own, and has no address
            in_bands(len(self._pieces), 1, threads, self._one)

    def _one(self, number: int, _: int) -> None:
        for given in self._pieces[number]:
            self._loop(*given)


class Passing:
    """Memory that arrays of a backward pass share: each is needed until others are computed of it.

    Who needs it when is found out in the first pass; later ones have to go the same way.

    Attributes
    ----------
    is_open : bool
        Whether such a pass is going on. What is asked for meanwhile keeps its memory to itself.
    """

    def __init__(self) -> None:
        self.is_open = False
        self._arena = Arena()
        self._lent: list[Array] = []

    def empty(self, shape: tuple[int, ...]) -> Array:
        """An array of float32 of any content, until `release`."""
        if not self.is_open:
            return new_result(shape, np.float32, np.empty)
        size = math.prod(shape) * np.dtype(np.float32).itemsize
        memory = self._arena.take(size)
        self._lent.append(memory)
        array: Array = memory[:size].view(np.float32).reshape(shape)
        return array

    def release(self, used: Iterable[Array]) -> None:
        """Let later arrays have the memory of all but these, which may be views of what was given."""
        used = list(used)
        lent, self._lent = self._lent, []
        for memory in lent:
            is_used = any(np.may_share_memory(memory, each) for each in used)
            (self._lent.append if is_used else self._arena.give)(memory)


class Workspace:
    """What one node computes in.

    Parameters
    ----------
    threads : int, optional
        At most so many take part in calls; by default one a core.
    passing : Passing, optional
        Where arrays lie that are needed within a backward pass alone.
    """

    def __init__(self, threads: int | None = None, passing: Passing | None = None) -> None:
        self.threads = threads
        self._passing = Passing() if passing is None else passing
        self._arrays: dict[str, Array] = {}
        self._laid: dict[str, tuple[Sequence[Array], Any]] = {}

    def array(self, name: str, shape: tuple[int, ...], dtype: Any = np.float32) -> Array:
        """The array of a name, of any content at first, then of its last."""
        return self._known(name, shape, dtype, lambda: new_result(shape, dtype, np.empty))

    def passing(self, name: str, shape: tuple[int, ...]) -> Array:
        """One that is needed from a node's `backward` until that of the nodes that get it is done."""
        return self._known(name, shape, np.float32, lambda: self._passing.empty(shape))

    def _known(self, name: str, shape: tuple[int, ...], dtype: Any, make: Callable[[], Array]) -> Array:
        known = self._arrays.get(name)
        if known is None or known.shape != shape or known.dtype != dtype:
            known = self._arrays[name] = make()
        return known

    def once(self, name: str, given: Sequence[Array], make: Callable[[], T]) -> T:
        """What was made the last time, if it was for the same arrays, or else what is made now."""
        known = self._laid.get(name)
        if known is None or not _are_same(known[0], given):
            known = self._laid[name] = given, make()
        made: T = known[1]
        return made

    def call(self, name: str, given: Sequence[Array], loop: Loop, pieces: Callable[[], Sequence[Piece]]) -> None:
        """Call a loop with what `pieces` makes of some arrays."""
        self.once(name, given, lambda: Calls(loop, pieces())).make(self.threads)


def _are_same(known: Sequence[Array], given: Sequence[Array]) -> bool:
    return len(known) == len(given) and all(a is b for a, b in zip(known, given, strict=True))


def maps_of(values: Array) -> list[tuple[int, int]]:
    """Bands of the maps of values (C, ...), which are cut by their size alone."""
    maps = max(1, BAND * len(values) // values.size)
    return cut(len(values), min(maps, -(-len(values) // FEWEST)) if values.size > BAND else maps)


def cut(count: int, most: int) -> list[tuple[int, int]]:
    """Where bands of at most so many of some things begin and end."""
    return [(first, min(count, first + most)) for first in range(0, count, most)]
