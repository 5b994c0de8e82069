"""What is done to maps of one size, laid out once and done as often as they come: a network on many pictures.

Between two convolutions of a small network Python takes as long as they do. Laid out, the calls of loops follow each
other without Python, and threads share them (see `crew`); what is no such call stands between them as a function.
MobileNet-v2 takes 0.8 times as long on one thread, and half as long on two, as it does step by step.

All arrays stay where they are: a program does one run at a time. Samples are looked at on the way, and where their
sizes are such that the calls lose digits, the run does not count.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from cnnfilter.engine import loops
from cnnfilter.engine.arena import Arena
from cnnfilter.engine.codes import NARROW
from cnnfilter.engine.crew import Piece, Work
from cnnfilter.engine.geometry import Array
from cnnfilter.runtime.native import Later, Loop


class Sizes(NamedTuple):
    """What sizes samples must have for a way to compute with them.

    Attributes
    ----------
    least, most : float
        Between which the largest must be, unless all are 0.
    enough : float
        From which no other need be looked at.
    is_each : bool
        Whether that holds for each map, not for all together.
    """

    least: float
    most: float
    enough: float
    is_each: bool = False


class Unavailable(Exception):
    """Loops are Numba's own, and have no address to call."""


def later(loop: Loop, *arguments: Any) -> Later:
    """A call of a loop, to be made in a program.

    Raises
    ------
    Unavailable
    """
    call = loop.later(*arguments)
    if call is None:
        raise Unavailable
    return call


def parts(count: int, most: int) -> list[tuple[int, int]]:
    """Where about equal parts of so many things begin and end, of which there are at least one and at most `most`."""
    most = max(min(count, most), 1)
    bounds = [count * part // most for part in range(most + 1)]
    return list(zip(bounds[:-1], bounds[1:], strict=True))


class Program:
    """Calls and functions: each is done when it is added, and all of them again by `run`.

    Parameters
    ----------
    threads : int
        How many share the calls.

    Attributes
    ----------
    source, result : ndarray
        Where the input lies, and the result.
    is_lasting : bool
        Whether `run` may follow: what was added does not hang on the values that were there.
    """

    source: Array
    result: Array

    def __init__(self, threads: int) -> None:
        self.threads = threads
        self.is_lasting = True
        self._acts: list[Callable[[], None]] = []
        self._stages: list[list[Piece]] = []
        self._prepared: list[Piece] = []
        self._looks: list[Piece] = []
        self._seen: list[tuple[Array, Sizes]] = []
        self._arena = Arena()
        self._lent: dict[int, _Block] = {}
        self._scratch: list[Array] = []

    def begin(self, given: Array) -> Array:
        """Say what the first input is, and return where it lies; later ones have its shape and type."""
        self.source = self.empty(given.shape, given.dtype)
        np.copyto(self.source, given)
        return self.source

    def empty(self, shape: tuple[int, ...], dtype: Any = np.float32) -> Array:
        """An array of any content, until `release`."""
        size = math.prod(shape) * np.dtype(dtype).itemsize
        memory = self._arena.take(size)
        self._lent[memory.ctypes.data] = _Block(memory)
        array: Array = memory[:size].view(dtype).reshape(shape)
        return array

    def scratch(self, shape: tuple[int, ...], dtype: Any = np.float32) -> Array:
        """An array of any content, for the next stage alone."""
        self._scratch.append(self.empty(shape, dtype))
        return self._scratch[-1]

    def retain(self, array: Array) -> None:
        """Let an array take one release more."""
        if array.ctypes.data in self._lent:
            self._lent[array.ctypes.data].uses += 1

    def release(self, array: Array) -> None:
        """Let later arrays have the memory of one from `empty`; that of another array is left alone."""
        block = self._lent.get(array.ctypes.data)
        if block is not None:
            block.uses -= 1
            if block.uses == 0:
                self._arena.give(self._lent.pop(array.ctypes.data).memory)

    def watch(self, samples: Array, sizes: Sizes) -> None:
        """Look at the samples (C, H, W) float32 that the next stage reads."""
        found = np.zeros((len(samples) if sizes.is_each else 1) * NARROW, np.int32)
        enough = int(np.float32(sizes.enough).view(np.int32))
        self._looks.append([later(loops.largest_sizes, found, samples.reshape(-1), enough)])
        self._seen.append((found, sizes))

    def prepare(self, pieces: Sequence[Piece]) -> None:
        """Add calls that have to be made before those of the next stage."""
        self._prepared += pieces

    def stage(self, pieces: Sequence[Piece]) -> None:
        """Add calls that may be made side by side, after all those before."""
        stages = [stage for stage in (self._prepared, [*self._looks, *pieces]) if stage]
        self._prepared, self._looks = [], []
        Work(stages).do(self.threads)
        self._stages += stages
        for array in self._scratch:
            self.release(array)
        self._scratch = []

    def operation(self, function: Callable[[Any, int | None], Array], source: Any, out: Array | None = None) -> Array:
        """Add a function of an array, or of several, and the number of threads; return its result, `out` if given."""
        made = function(source, self.threads)
        result = self.empty(made.shape, made.dtype) if out is None else out
        np.copyto(result, made)
        self._join()
        self._acts.append(lambda: np.copyto(result, function(source, self.threads)))
        return result

    def _join(self) -> None:
        """Make one act of the stages since the last."""
        if self._stages:
            work = Work(self._stages)
            self._acts.append(lambda: work.do(self.threads))
            self._stages = []

    def end(self, result: Array) -> None:
        """Say where the result lies."""
        self._join()
        self.result = result

    def run(self, given: Array) -> Array | None:
        """The result for another input, or None where samples are of other sizes than they must be."""
        np.copyto(self.source, given)
        for act in self._acts:
            act()
        return self.result.copy() if all(_are_kept(*each) for each in self._seen) else None


class _Block:
    """Memory that is lent, and how often it has to be released."""

    def __init__(self, memory: Array) -> None:
        self.memory = memory
        self.uses = 1


def _are_kept(found: Array, sizes: Sizes) -> bool:
    """Whether the largest samples, as `loops.largest_sizes` tells them, have the sizes that they must have."""
    largest = np.maximum.reduce(found.reshape(-1, NARROW), axis=1).view(np.float32)
    return bool((((largest >= sizes.least) & (largest <= sizes.most)) | (largest == 0)).all())
