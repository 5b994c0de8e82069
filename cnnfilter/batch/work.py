"""Carry out a plan: decode, compute, encode, write; one event for every input, whatever happens to it.

Nothing here prints, and one input that fails stops no other.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Generator, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, NamedTuple

from cnnfilter.addresses.address import Address, Where
from cnnfilter.batch.claims import Plan
from cnnfilter.batch.events import FULL, Ahead, Event, Settling
from cnnfilter.batch.jobs import Job
from cnnfilter.batch.memory import Memory, default_memory
from cnnfilter.batch.sharing import threads_each
from cnnfilter.batch.turns import StoppedError, Turn
from cnnfilter.batch.workers import Crew, never
from cnnfilter.errors import CnnfilterError, DiskFullError, ExistsError, OutputError, PictureError
from cnnfilter.imaging.limits import ALL, Limits
from cnnfilter.imaging.reading import fetched, read_frames
from cnnfilter.imaging.stored import lost_in_place
from cnnfilter.results.limits import is_out_of_memory
from cnnfilter.writing.temporaries import Temporaries
from cnnfilter.writing.write import Writing, is_file_of, write_atomically, write_stream

if TYPE_CHECKING:
    from cnnfilter.imaging.picture import Picture
    from cnnfilter.results.saving import Encoded
    from cnnfilter.results.task import Result, Task


class Work(NamedTuple):
    """How the work is shared out.

    Parameters
    ----------
    jobs : int
        How many inputs are worked on at a time, but for those that only wait for the disk.
    threads : int, optional
        How many each may use; all cores by default.
    memory : int or Memory, optional
        Bytes that they may take together; by default half of the machine's.
    preserve_times : bool
        Whether outputs have the times of their inputs.
    again : bool
        Whether it may have been done before, by somebody who has died: an output that exists counts as written if it
        holds the same bytes.
    is_part : bool
        Whether this is a part of a run whose names, and what killed runs have left, are seen to elsewhere: a job that
        needs other names than it has claimed asks for them (`Event.asks`).
    """

    jobs: int = 1
    threads: int | None = None
    memory: int | Memory | None = None
    preserve_times: bool = False
    again: bool = False
    is_part: bool = False


class Streams(NamedTuple):
    """Standard input and output, for the jobs that use them."""

    stdin: BinaryIO | None = None
    stdout: BinaryIO | None = None


def process(
    plan: Plan,
    task: Task,
    *,
    limits: Limits,
    streams: Streams,
    work: Work,
    ahead: Ahead | None = None,
    stopping: Callable[[], bool] = never,
) -> Iterator[Event]:
    """Carry out a plan, several inputs at a time.

    Whoever does not take all events should close the iterator: that removes the temporary files. In `ahead` are
    those of inputs that are done before an earlier one. `stopping` is asked before each input, and ends the run with
    those that have begun.

    Yields
    ------
    Event
        One for each job, in the order of the plan, and the same for any number of them at a time.

    Raises
    ------
    OutputError
        If the output folder cannot be made; nothing has been done then.
    BrokenPipeError
        If standard output has no reader any more.
    """
    from cnnfilter.runtime import buffers  # loads NumPy
    from cnnfilter.runtime.process import BLOCKS

    plan.prepare()
    buffers.keep(0 if len(plan.jobs) == 1 else BLOCKS)  # after a single picture nothing needs its memory
    memory = default_memory() if work.memory is None else work.memory
    memory = Memory(memory) if isinstance(memory, int) else memory
    run = _Run(plan, task, limits, streams, work, memory.total)
    names = itertools.chain([plan.wanted.output or ""], (each.name for each in plan.jobs.inputs))
    crew = Crew(
        len(plan.jobs), run.carry_out, jobs=work.jobs, memory=memory, ahead=ahead, stopping=stopping,
        threads=threads_each(names),
    )  # fmt: skip
    try:
        for folder in plan.folders:
            run.temporaries.sweep(folder)
        yield from crew.run(run.settling.settle)
    finally:
        run.temporaries.close()


class _Run:
    """What the jobs of one run have in common."""

    def __init__(self, plan: Plan, task: Task, limits: Limits, streams: Streams, work: Work, memory: int) -> None:
        self.plan = plan
        self.task = task
        self.limits = limits
        self.streams = streams
        self.work = work
        self.memory = memory
        self.temporaries = Temporaries(sweeps=not work.is_part)
        self.settling = Settling(plan)

    def carry_out(self, turn: Turn) -> Event:
        job = self.plan.jobs[turn.index]
        start = time.perf_counter()
        notes: tuple[str, ...] = ()
        cause, is_full = None, False
        pixels = 0
        if job.skipped:
            return Event(job, 0.0, skipped=True, existing=tuple(self.plan.jobs.targets(job)))
        if self.settling.is_full:
            return Event(job, 0.0, error=FULL, is_full=True)
        try:
            times = _times(job) if self.work.preserve_times else None
            pictures = self._pictures(job, turn)
            picture = next(pictures)
            pixels = picture.pixels.shape[0] * picture.pixels.shape[1]
            notes = said = _repeated(job)
            notes += picture.notes
            if self.limits.frame != ALL:
                pictures.close()
                result: Result = self.task.transform(picture, self.work.threads)
            else:
                from cnnfilter.results.frames import FrameResults  # which most runs do without

                apart = job.each is not None
                result = FrameResults(picture, pictures, self.task, self.work.threads, apart=apart)
            notes = said + result.notes
            event = Event(job, 0.0, notes=notes, rows=result.rows, pixels=pixels)
            if job.told:
                event = event._replace(vector=result.vector)
            else:
                settled = self.plan.naming.settled(job, result.format)
                targets, files = settled.targets(result.count), result.files(settled.format)
                event = event._replace(files=result.count)
                del picture, result  # may be as large as all that follows
                event = self._write(turn, event, targets, files, times)
                event = event._replace(format=None if event.skipped else settled.format)
            return event._replace(seconds=time.perf_counter() - start)
        except CnnfilterError as failure:
            error, is_full = str(failure), isinstance(failure, DiskFullError)
        except (BrokenPipeError, StoppedError):
            raise
        except Exception as failure:  # a defect met in one picture must not cost the others
            if is_out_of_memory(failure):
                error = "not enough memory for this picture"
            else:
                error = f"internal error, please report it: {type(failure).__name__}: {failure}"
                cause = failure
        seconds = time.perf_counter() - start
        return Event(job, seconds, notes=notes, error=error, cause=cause, pixels=pixels, is_full=is_full)

    def _write(
        self,
        turn: Turn,
        event: Event,
        targets: tuple[Where | None, ...],
        files: Iterable[Encoded],
        times: tuple[int, int] | None,
    ) -> Event:
        plan, job, saving = self.plan, event.job, self.task.saving
        if not all(target is None or plan.owns(job, target) for target in targets):
            if self.work.is_part:
                return event._replace(asks=True)
            turn.wait()  # who gets a name that nobody knew of must not depend on who comes first
        # before the encoder's work
        kept = {target for target in targets if target is not None and self._claim(job, target)}
        if kept.issuperset(targets):
            return event._replace(skipped=True, existing=tuple(filter(None, targets)))
        size, clipped, frames, notes = None, None, 1, list(event.notes)
        details, facts = event.details, event.facts
        # an only file is asked for to the end, which lets its pixels go before it is written
        files = files if len(targets) > 1 else list(files)
        overwrite, private = plan.wanted.force or saving.in_place, saving.strip is not None
        writing = Writing(overwrite=overwrite, private=private, times=times, sync=False)
        for target, encoded in zip(targets, files, strict=True):
            if target is None:
                if self.streams.stdout is None:
                    msg = "standard output is closed"
                    raise OutputError(msg)
                write_stream(self.streams.stdout, encoded.data)
            elif target not in kept:
                plan.make_folder(target)
                if target == targets[-1]:
                    writing = writing._replace(before_sync=turn.rest)
                    if isinstance(target, Address):
                        turn.rest()
                place = plan.jobs.place(target)
                try:
                    more = write_atomically(target, encoded.data, writing, place=place, temporaries=self.temporaries)
                except ExistsError:  # somebody else has written it since, or this run before
                    if self.work.again and is_file_of(target, encoded.data):
                        plan.keep(target)
                    elif plan.wanted.skip_existing:
                        kept.add(target)
                    else:
                        raise
                else:
                    plan.keep(target)
                    notes += [note for note in more if note not in notes]
            size, clipped, frames = encoded.size, encoded.clipped, encoded.frames
            details, facts = encoded.details, encoded.facts
            notes += [note for note in encoded.notes if note not in notes]
        if kept.issuperset(targets):
            return event._replace(skipped=True, existing=tuple(filter(None, targets)))
        written = tuple(target for target in targets if target is not None and target not in kept)
        existing = tuple(target for target in targets if target in kept)
        return event._replace(
            targets=written, existing=existing, size=size, clipped=clipped, notes=tuple(notes), frames=frames,
            details=details, facts=facts,
        )  # fmt: skip

    def _claim(self, job: Job, target: Where) -> bool:
        """Claim a name for a job, and tell whether what stands there is left; of what may be its own, not yet."""
        if self.work.is_part and isinstance(target, Address):
            return False  # the run was planned by a listing, which each of its parts would repeat; writing it will tell
        try:
            return self.plan.claim(job, target) and not self.work.again
        except ExistsError:
            if not self.work.again:
                raise
            return False

    def _pictures(self, job: Job, turn: Turn) -> Generator[Picture, None, None]:
        source = self.streams.stdin if job.source is None else job.source
        if source is None:
            msg = "standard input is closed"
            raise PictureError(msg)
        if job.error is not None:
            raise PictureError(job.error)
        if isinstance(source, Address):
            size = self.plan.jobs.inputs[job.number].size
            source = turn.fetch(partial(fetched, source, self.limits), size)
        every = self.limits.frame == ALL
        together = every and job.each is None
        limits = self.limits._replace(
            shared=self.task.shared and not every, admit=partial(_admit, turn, self.task, together), together=together
        )
        for picture in read_frames(source, limits, self.memory):
            if self.task.saving.in_place and (lost := lost_in_place(picture, every=every)):
                msg = f"in place, {lost} would be lost; write it elsewhere"
                raise PictureError(msg)
            yield picture


def _admit(turn: Turn, task: Task, together: bool, height: int, width: int, channels: int, memory: int) -> None:
    try:
        turn.admit(memory + task.need(height, width, channels))
    except PictureError as error:
        if not together:
            raise
        msg = f"all frames in one file: {error}, or write each to a file with {{frame}} in -o"
        raise PictureError(msg) from None


def _times(job: Job) -> tuple[int, int] | None:
    """When an input was last read and changed; one that is not there fails when it is read."""
    if not isinstance(job.source, Path):
        return None
    try:
        status = job.source.stat()
    except (OSError, ValueError):
        return None
    return status.st_atime_ns, status.st_mtime_ns


def _repeated(job: Job) -> tuple[str, ...]:
    return () if job.times == 1 else (f"named {job.times} times, done once",)
