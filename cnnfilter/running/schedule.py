"""In which order a network is run: stages that follow each other are fused, and what is read twice waits."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import NamedTuple

from cnnfilter.engine.geometry import Array
from cnnfilter.network.graph import INPUT, stretches
from cnnfilter.network.plan import Row
from cnnfilter.running.lowering import Lowering


class Stretch(NamedTuple):
    """Stages of a network that follow each other, without a branch between them.

    Parameters
    ----------
    reads : tuple of int
        The rows whose results it takes, `INPUT` among them.
    result : int
        The row whose result it gives.
    lowered : Lowering
        What is done.
    """

    reads: tuple[int, ...]
    result: int
    lowered: Lowering

    def compute(self, values: list[Array], threads: int | None) -> Array:
        """The result, from those that it reads, which are let go."""
        meeting = self.lowered.meeting
        value = values[0] if meeting is None else meeting(values, threads)
        values.clear()
        for operation in self.lowered.operations:
            value = operation(value, threads)
        return value


class Schedule:
    """The stretches of a network, as far as some results depend on them.

    Parameters
    ----------
    rows : sequence of Row
        A plan, at the scale of the picture.
    wanted : collection of int, optional
        The rows whose results are wanted; the last by default.
    """

    def __init__(self, rows: Sequence[Row], wanted: Collection[int] | None = None) -> None:
        self.wanted = frozenset([len(rows) - 1] if wanted is None else wanted) - {INPUT}
        self.stretches = [
            Stretch(rows[each.start].reads, each[-1], Lowering(rows[each.start : each.stop], each.start + 1))
            for each in stretches([row.reads for row in rows], self.wanted)
        ]
        self.last_reader = {read: place for place, stretch in enumerate(self.stretches) for read in stretch.reads}

    def run(self, given: Array, threads: int | None) -> Array:
        """The last result that is wanted; the input of a network without stages."""
        last = given
        for found in self.results(given, threads):
            last = found[1]
        return last

    def results(self, given: Array, threads: int | None) -> Iterator[tuple[int, Array]]:
        """Each result that is wanted, with its row, as soon as it is there; each is let go after its last reader."""
        held = {INPUT: given}
        for place, stretch in enumerate(self.stretches):
            values = [held[read] for read in stretch.reads]
            for read in {*stretch.reads}:
                if self.last_reader[read] == place:
                    del held[read]
            result = stretch.compute(values, threads)
            if stretch.result in self.last_reader:
                held[stretch.result] = result
            if stretch.result in self.wanted:
                yield stretch.result, result
            del result
