"""Pictures as a network's learning part takes them: all that is done to each alone is done once, and kept."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import Any

import numpy as np
import numpy.typing as npt

from cnnfilter.engine.groups import Array
from cnnfilter.errors import ArgumentError, CnnfilterError, PictureError, ShapeError
from cnnfilter.imaging.mapping import FULL_SCALE
from cnnfilter.learning.data.augmenting import Ends
from cnnfilter.learning.data.dataset import Classes, Source
from cnnfilter.messages import about, show_bytes, show_shape
from cnnfilter.network.graph import INPUT, Network
from cnnfilter.network.plan import at_scale, plan
from cnnfilter.network.stages import Crop, Gray, Normalize, Resize, Rgb
from cnnfilter.running.schedule import Schedule

ALONE = (Crop, Gray, Normalize, Resize, Rgb)
"""The stages that prepare a picture, where they come before all others."""

AHEAD = 4
"""How many pictures of each thread wait for those before them."""


def divided(network: Network) -> tuple[Network, Network]:
    """The stages that prepare a picture, and the network that learns from what they make of it."""
    count = 0
    for number, node in enumerate(network):
        if not isinstance(node.stage, ALONE) or node.reads != (number - 1,):
            break
        count = number + 1
    while count and any(read < count - 1 for node in network[count:] for read in node.reads):
        count -= 1
    rest = (node._replace(reads=tuple(max(read - count, INPUT) for read in node.reads)) for node in network[count:])
    return Network(network[:count]), Network(rest)


class Prepared:
    """The pictures of a source, prepared.

    Parameters
    ----------
    source : Source
    stages : Network
        What prepares them.
    memory : int
        How many bytes the source and what is prepared may take; of more, each is prepared anew whenever it is asked
        for.
    threads : int
        How many pictures are prepared at a time.

    Raises
    ------
    ArgumentError, ShapeError
        If no picture can be read, or the first does not fit the stages.

    Attributes
    ----------
    shape : tuple of int
        (H, W, C) of all of them.
    scale : int
        The full scale of the first: 255, 65535, or 1.
    unreadable : list of (int, str)
        Which could not be read, and why, after `survey`.
    """

    def __init__(self, source: Source, stages: Network, memory: int, threads: int) -> None:
        self._source, self._stages, self._threads = source, stages, threads
        self._schedules: dict[tuple[tuple[int, ...], int], Schedule] = {}
        self._is_table = bool(stages) and all(isinstance(node.stage, Normalize) for node in stages)
        self._tables: dict[int, Array] = {}
        self.unreadable: list[tuple[int, str]] = []
        self._example, first = self._first()
        self.scale = FULL_SCALE[source.picture(self._example).dtype.name]
        self.shape = (*first.shape[1:], first.shape[0])
        size = len(source) * first.nbytes
        self._kept: Array | None = None
        if size + source.held <= memory:
            self._kept = np.empty((len(source), *first.shape), np.float32)
        elif first.nbytes > memory:
            msg = f"one picture takes {show_bytes(first.nbytes)}, and --memory allows {show_bytes(memory)}"
            raise ArgumentError(msg)
        self._is_kept = np.zeros(len(source), bool)

    def _first(self) -> tuple[int, Array]:
        reason = "it is empty"
        for number in range(len(self._source)):
            try:
                return number, self._prepare(number)
            except PictureError as error:
                reason = f"{self._source.name(number)}: {error}"
        msg = f"no picture can be read; the last, {reason}"
        raise ArgumentError(msg)

    def _prepare(self, number: int) -> Array:
        pixels = self._source.picture(number)
        with about(f"{self._source.name(number)}: "):
            return self._through(pixels)

    def _through(self, pixels: npt.NDArray[Any]) -> Array:
        maps = np.ascontiguousarray(pixels.transpose(2, 0, 1))
        if self._is_table and maps.dtype == np.uint8:
            return self._looked_up(maps)
        return self._computed(maps, pixels.shape)

    def _looked_up(self, maps: npt.NDArray[np.uint8]) -> Array:
        """What stages that only normalize make of 8 bits, out of a table: that takes a tenth of the time."""
        if len(maps) not in self._tables:
            values = np.tile(np.arange(256, dtype=np.uint8), (len(maps), 1))[:, :, None]
            self._tables[len(maps)] = self._computed(values, (256, 1, len(maps)))[:, :, 0]
        return np.stack([table[each] for table, each in zip(self._tables[len(maps)], maps, strict=True)])

    def _computed(self, maps: npt.NDArray[Any], shape: tuple[int, ...]) -> Array:
        if not self._stages:
            return maps.astype(np.float32)
        known = shape, FULL_SCALE[maps.dtype.name]
        if known not in self._schedules:
            if len(self._schedules) > len(ALONE):
                self._schedules.clear()  # each is of one size of pictures
            self._schedules[known] = Schedule(at_scale(plan(self._stages, shape), known[1]))
        return self._schedules[known].run(maps, 1).astype(np.float32, copy=False)

    def ends(self) -> Ends:
        """What is made of black and of white."""
        pixels = self._source.picture(self._example)
        black, white = (self._through(np.full_like(pixels, value))[:, :1, :1] for value in (0, self.scale))
        return Ends(black, white)

    def survey(self) -> Iterator[int]:
        """Look at all pictures, and give how many are done; those that cannot be read are told by `unreadable`.

        Raises
        ------
        ShapeError
            If one has another size than the first.
        """
        if self._source.is_certain:
            return
        for number, found in enumerate(self._each(range(len(self._source)))):
            if isinstance(found, PictureError):
                self.unreadable.append((number, f"{self._source.name(number)}: {found}"))
            else:
                self._keep(number, found)
            yield number + 1

    def _keep(self, number: int, maps: Array) -> Array:
        height, width, channels = self.shape
        if maps.shape != (channels, height, width):
            found, first = show_shape((*maps.shape[1:], maps.shape[0])), show_shape(self.shape)
            remedies = [f"resize:{height}x{width}"] * (maps.shape[1:] != (height, width))
            remedies += ["gray, or rgb,"] * (len(maps) != channels)
            msg = (
                f"{self._source.name(number)} is {found}, and {self._source.name(self._example)} {first} "
                f"(height x width x channels); put {' and '.join(remedies)} before the stages"
            )
            raise ShapeError(msg)
        if self._kept is not None:
            self._kept[number] = maps
            self._is_kept[number] = True
        return maps

    def _each(self, numbers: Iterable[int]) -> Iterator[Array | PictureError]:
        """What is made of pictures, or why one cannot be read, in order; some are prepared ahead."""

        def attempt(number: int) -> Array | PictureError:
            try:
                return self._prepare(number)
            except PictureError as error:
                return error

        if self._threads == 1:
            yield from map(attempt, numbers)
            return
        with ThreadPoolExecutor(self._threads) as pool:
            left = iter(numbers)
            waiting = [pool.submit(attempt, number) for number in islice(left, AHEAD * self._threads)]
            try:
                while waiting:
                    yield waiting.pop(0).result()
                    waiting += [pool.submit(attempt, number) for number in islice(left, 1)]
            finally:
                for each in waiting:
                    each.cancel()

    def maps(self, numbers: Classes) -> Array:
        """Some pictures, (N, C, H, W) float32.

        Raises
        ------
        PictureError
            If one cannot be read any more.
        """
        if self._kept is not None and self._is_kept[numbers].all():
            return self._kept[numbers]
        height, width, channels = self.shape
        found = np.empty((len(numbers), channels, height, width), np.float32)
        missing = [place for place, number in enumerate(numbers) if not self._is_kept[number]]
        is_sure = self._source.is_certain
        asked = [int(numbers[place]) for place in missing]
        made = map(self._prepare, asked) if is_sure else self._each(asked)
        for place, number, each in zip(missing, asked, made, strict=True):
            if isinstance(each, CnnfilterError):
                msg = f"{self._source.name(number)}: {each}"
                raise PictureError(msg)
            found[place] = self._keep(number, each)
        for place, number in enumerate(numbers):
            if place not in missing and self._kept is not None:
                found[place] = self._kept[number]
        return found


def readable_ones(prepared: Prepared, count: int) -> Sequence[int]:
    """The pictures that could be read."""
    bad = {number for number, _ in prepared.unreadable}
    return [number for number in range(count) if number not in bad]


Progress = Callable[[int, int], None]
"""Is told how many of how many pictures were looked at."""
