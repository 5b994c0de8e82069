"""In which order a network is run: stages that follow each other are fused, and what is read twice waits."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Collection, Iterator, Sequence
from itertools import accumulate
from typing import NamedTuple

from cnnfilter.engine.bands import WHOLE_SAMPLES, Chain, available_threads
from cnnfilter.engine.geometry import Array
from cnnfilter.engine.joins import Concatenation
from cnnfilter.engine.program import Program, Unavailable
from cnnfilter.network.graph import INPUT, stretches
from cnnfilter.network.plan import Row
from cnnfilter.running.lowering import Lowering, Operation
from cnnfilter.runtime.tricks import uses


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
    given : tuple of tuple of int
        The shapes of what it takes, (C, H, W) or (n,).
    """

    reads: tuple[int, ...]
    result: int
    lowered: Lowering
    given: tuple[tuple[int, ...], ...]

    def compute(self, values: list[Array], threads: int | None) -> Array:
        """The result, from those that it reads, which are let go."""
        meeting = self.lowered.meeting
        value = values[0] if meeting is None else meeting(values, threads)
        values.clear()
        for operation in self.lowered.operations:
            value = operation(value, threads)
        return value

    def lay_out(self, program: Program, values: Sequence[Array], whole: Array | None, out: Array | None) -> Array:
        """Add what is done to a program, and return the result.

        It is `out` where there is one; `whole` is what results of several stages are joined in, if some are there.
        """
        operations = self.lowered.operations
        value = values[0]
        if self.lowered.meeting is not None:
            value = self.lowered.meeting.lay_out(program, values, whole if operations or out is None else out)
        for number, operation in enumerate(operations, 1):
            target = out if number == len(operations) else None
            made = _laid_out(operation, program, value, target)
            if number > 1 or self.lowered.meeting is not None:
                program.release(value)
            value = made
        return value

    @property
    def is_nothing(self) -> bool:
        """Whether its result is what it reads."""
        return self.lowered.meeting is None and not self.lowered.operations


def _laid_out(operation: Operation, program: Program, value: Array, out: Array | None) -> Array:
    if isinstance(operation, Chain):
        return operation.lay_out(program, value, out)
    return program.operation(operation, value, out)


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
            Stretch(
                rows[each.start].reads,
                each[-1],
                Lowering(rows[each.start : each.stop], each.start + 1),
                tuple((*shape[2:], *shape[:2]) for shape in rows[each.start].inputs),
            )
            for each in stretches([row.reads for row in rows], self.wanted)
        ]
        chains = [op for each in self.stretches for op in each.lowered.operations if isinstance(op, Chain)]
        has_calls, is_small = any(chain.has_calls for chain in chains), all(chain.is_small for chain in chains)
        self.can_be_laid_out = has_calls and is_small and uses("programs")
        self.programs: list[Program] = []
        self.last_reader = {read: place for place, stretch in enumerate(self.stretches) for read in stretch.reads}

    def run(self, given: Array, threads: int | None) -> Array:
        """The last result that is wanted; the input of a network without stages."""
        if self.can_be_laid_out and math.prod(given.shape) <= WHOLE_SAMPLES:
            with contextlib.suppress(Unavailable):
                result = self._run_program(given, available_threads(threads))
                if result is not None:
                    return result
        last = given
        for found in self.results(given, threads):
            last = found[1]
        return last

    def _run_program(self, given: Array, threads: int) -> Array | None:
        """The result by a program, which is laid out where there is none; None where calls lose digits."""
        try:
            program = self.programs.pop()  # which no other thread has now
        except IndexError:
            program = None
        if program is not None and (program.threads, program.source.dtype) == (threads, given.dtype):
            result = program.run(given)
        else:
            program = Program(threads)
            result = self._lay_out(program, given)
        if program.is_lasting:
            self.programs.append(program)
        return result

    def _lay_out(self, program: Program, given: Array) -> Array:
        """Do all of it, and keep it as a program."""
        slots = self._slots()
        result = program.begin(given)
        held, wholes = {INPUT: result}, {}
        for place, stretch in enumerate(self.stretches):
            out = None
            if stretch.result in slots:
                slot = slots[stretch.result]
                if slot.place not in wholes:
                    wholes[slot.place] = program.empty(slot.shape)
                out = wholes[slot.place][slot.begin : slot.end]
            result = stretch.lay_out(program, [held[read] for read in stretch.reads], wholes.get(place), out)
            if stretch.is_nothing:
                program.retain(result)
            for read in {*stretch.reads}:
                if self.last_reader[read] == place:
                    if read in slots:
                        del held[read]
                    else:
                        program.release(held.pop(read))
            held[stretch.result] = result
        program.end(result)
        return result.copy()

    def _slots(self) -> dict[int, _Slot]:
        """Where results lie in what they are joined to, if nothing else reads them later: they need not be copied."""
        moved = {read for stretch in self.stretches if stretch.is_nothing for read in stretch.reads}
        made = {stretch.result for stretch in self.stretches if not stretch.is_nothing} - moved
        slots: dict[int, _Slot] = {}
        for place, stretch in enumerate(self.stretches):
            if isinstance(stretch.lowered.meeting, Concatenation):
                ends = list(accumulate(shape[0] for shape in stretch.given))
                for read, shape, end in zip(stretch.reads, stretch.given, ends, strict=True):
                    if read in made and self.last_reader[read] == place:
                        slots[read] = _Slot(place, (ends[-1], *shape[1:]), end - shape[0], end)
        return slots

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


class _Slot(NamedTuple):
    """Where a result lies in that of a stretch, whose shape is given."""

    place: int
    shape: tuple[int, ...]
    begin: int
    end: int
