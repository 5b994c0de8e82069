"""The batch of a command that writes pictures: how its options become a plan, its work and what is told of it."""

from __future__ import annotations

import contextlib
import functools
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import click

from cnnfilter.cli import render
from cnnfilter.cli.compiling import compiling
from cnnfilter.cli.progress import progress
from cnnfilter.cli.report import Voice, check_standard_output, report, tell_plan
from cnnfilter.cli.waiting import waiting
from cnnfilter.errors import ArgumentError
from cnnfilter.runtime.forks import lazy
from cnnfilter.runtime.process import collect_garbage

if TYPE_CHECKING:
    from cnnfilter.batch.claims import Plan
    from cnnfilter.batch.events import Ahead, Event
    from cnnfilter.batch.found import Found
    from cnnfilter.batch.jobs import Files
    from cnnfilter.batch.survey import Survey
    from cnnfilter.cli.group import Called
    from cnnfilter.imaging.limits import Limits
    from cnnfilter.network.stages import Shape
    from cnnfilter.pipeline import Pipeline
    from cnnfilter.results.saving import Saving
    from cnnfilter.results.task import Task


@dataclass(eq=False, repr=False)
class Batch:
    """The values of the options that `batched` adds to a command, by their names.

    Parameters
    ----------
    size : tuple of int, optional
        The size of the first input that a survey found the chain to fit: what tasks are made for.
    """

    inputs: tuple[str, ...]
    recursive: bool
    files_from: str | None
    null: bool
    output: str | None
    in_place: bool
    force: bool
    skip_existing: bool
    dry_run: bool
    preserve_times: bool
    format_: str | None
    save_options: tuple[tuple[str, str], ...]
    quality: str | None
    strip: str | None
    depth: str | None
    frame: int | str | None
    max_pixels: int | None
    jobs: int | None
    threads: int | None
    memory: int | None
    cluster: str | int | None
    max_bytes: int | None
    show: bool
    quiet: bool
    verbose: bool
    as_json: bool
    size: Shape | None = field(default=None, init=False)

    @property
    def limit(self) -> int:
        """The largest picture, and result, in pixels."""
        from cnnfilter.imaging.formats import DEFAULT_MAX_PIXELS

        return self.max_pixels or DEFAULT_MAX_PIXELS

    @property
    def floats(self) -> bool:
        """Whether results are written as floats whatever the input holds."""
        return self.depth == "float"

    @property
    def limits(self) -> Limits:
        """How inputs are opened."""
        from cnnfilter.imaging.limits import Limits

        depth = 8 if self.depth == "8" else None
        return Limits(self.frame, max_pixels=self.limit, depth=depth, download=self.max_bytes)

    @property
    def saving(self) -> Saving:
        """How results are encoded."""
        from cnnfilter.results.saving import Saving

        options = dict(self.save_options) | ({} if self.quality is None else {"quality": self.quality})
        return Saving(options=options, strip=self.strip, floats=self.floats, in_place=self.in_place)

    @lazy
    def found(self) -> Found:
        """The files that the person means."""
        from cnnfilter.batch.inputs import find_inputs
        from cnnfilter.batch.lists import read_list

        listed: Sequence[str] = ()
        if self.files_from is not None:
            listed = read_list(self.files_from, sys.stdin.buffer if sys.stdin else None, null=self.null)
        with waiting("listing the inputs: a million names at an address take a minute or two", quiet=self.quiet):
            return find_inputs(self.inputs, listed=listed, recursive=self.recursive, output=self.output)

    def survey(self, pipeline: Pipeline, *, every: bool = False) -> Survey:
        """What the headers of the inputs tell of a chain's results; `every` as in `batch.survey.survey`."""
        from cnnfilter.batch.survey import shape_of, survey

        names = [each.name for each in self.found.inputs]
        found = survey(pipeline, names, functools.partial(shape_of, limits=self.limits), every=every)
        self.size = found.rows[0].input if found.rows else None
        return found

    def plan(self, task: Task, counts: Sequence[Files] | None) -> Plan:
        """The plan of a task; `counts` as in `plan_outputs`."""
        from cnnfilter.addresses.address import is_address
        from cnnfilter.batch.names import EACH_FRAME, fields_of
        from cnnfilter.batch.naming import Wanted
        from cnnfilter.batch.plan import plan_outputs
        from cnnfilter.imaging.limits import ALL

        if self.frame == ALL and "{frame}" in fields_of(self.output or ""):
            from cnnfilter.imaging.size import read_frame_count

            counts = [read_frame_count(each.name) for each in self.found.inputs]
        names = (self.output or "", *(each.name for each in self.found.inputs)) if self.preserve_times else ()
        if any(map(is_address, names)):
            msg = "--preserve-times is for files of this machine: what is at an address has no times to give or to take"
            raise ArgumentError(msg)
        frame = EACH_FRAME if self.frame == ALL else str(self.frame or 0)
        wanted = Wanted(
            output=self.output, format=self.format_, force=self.force, skip_existing=self.skip_existing, frame=frame
        )
        found = self.found  # listed before
        with waiting("planning: what stands in the folders of outputs is listed first", quiet=self.quiet):
            return plan_outputs(found, task, wanted, counts)

    @property
    def _is_several(self) -> bool:
        """Whether a count ends the report: not if the person named one file."""
        found = self.found
        return len(self.inputs) != 1 or self.files_from is not None or len(found.inputs) != 1 or bool(found.visited)

    def carry_out(self, task: Task, counts: Sequence[Files] | None = None) -> int:
        """Plan a task, and carry the plan out or show it; return the exit code.

        Parameters
        ----------
        task : Task
        counts : sequence, optional
            As in `batch.plan.plan_outputs`.
        """
        plan = self.plan(task, counts)
        voice = Voice(quiet=self.quiet, verbose=self.verbose, as_json=self.as_json)
        check_standard_output(plan, as_json=self.as_json)
        if self.cluster is not None:
            from cnnfilter.cluster import client

            client.check(plan)
        if self.dry_run:
            return tell_plan(plan, voice)
        if self.show and not self.quiet and render.is_terminal(sys.stdout):
            from cnnfilter.cli.preview import Preview

            voice = voice._replace(show=functools.partial(Preview(sys.stdout).show_file, max_pixels=self.limit))
        collect_garbage()  # of thousands of pictures, what each leaves behind would add up
        ahead: Ahead = {}
        events = self._events(plan, task, ahead)
        # closed here and now, whatever ends the report: temporary files are not left to the end of the process
        with (
            compiling(quiet=self.quiet, verbose=self.verbose),
            contextlib.closing(events),  # type: ignore[type-var]  # a generator
            progress(len(plan.jobs), quiet=self.quiet, told=task.told or self.as_json or self.show) as count,
        ):
            found = self.found if self._is_several else None
            return report(count(events), task, voice, found=found, ahead=ahead, interrupted=self._interrupted(task))

    def _interrupted(self, task: Task) -> str:
        """How the count of an interrupted run is told: workers finish the pictures in their hands and tell nobody."""
        count = "{}" if self.cluster is None else "{}, as far as is known"
        resumes = not (task.told or self.in_place or self.force)
        return f"{count}; --skip-existing does the rest" if resumes else count

    def _events(self, plan: Plan, task: Task, ahead: Ahead) -> Iterator[Event]:
        """What becomes of each input, here or on a cluster."""
        from cnnfilter.batch.work import Streams, Work, process

        work = Work(threads=self.threads, memory=self.memory, preserve_times=self.preserve_times)
        if self.cluster is not None and len(plan.jobs.skipped) < len(plan.jobs):
            from cnnfilter.cluster import client

            called: Called = click.get_current_context().find_root().obj
            return client.process(
                plan, task, work=work, cluster=self.cluster, arguments=called.arguments, size=self.size,
                served=called.served, ahead=ahead,
            )  # fmt: skip
        from cnnfilter.batch.sharing import share_cores
        from cnnfilter.engine.bands import available_threads

        jobs, threads = share_cores(available_threads(None), len(plan.jobs), self.jobs, self.threads)
        streams = Streams(sys.stdin.buffer if sys.stdin else None, sys.stdout.buffer if sys.stdout else None)
        work = work._replace(jobs=jobs, threads=threads)
        return process(plan, task, limits=self.limits, streams=streams, work=work, ahead=ahead)
