"""What the commands that write pictures have in common: their options, and how these become a plan and its work."""

from __future__ import annotations

import contextlib
import functools
import sys
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any

import click

from cnnfilter.cli import options, render
from cnnfilter.cli.compiling import compiling
from cnnfilter.cli.completion import complete_files, complete_from
from cnnfilter.cli.options import Command
from cnnfilter.cli.progress import progress
from cnnfilter.cli.report import Voice, check_standard_output, report, tell_plan
from cnnfilter.errors import CnnfilterWarning
from cnnfilter.runtime.forks import lazy
from cnnfilter.runtime.process import collect_garbage

if TYPE_CHECKING:
    from cnnfilter.batch.claims import Plan
    from cnnfilter.batch.inputs import Found
    from cnnfilter.batch.naming import Files
    from cnnfilter.batch.survey import Survey
    from cnnfilter.imaging.limits import Limits
    from cnnfilter.network.stages import Shape
    from cnnfilter.pipeline import Pipeline
    from cnnfilter.results.saving import Saving
    from cnnfilter.results.task import Task


BATCH = "cnnfilter.batch"
"""What of a context's `meta` may stand for `Batch`: called as that is, it gives the command another one."""


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
    cluster: str | None
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
        from cnnfilter.imaging.limits import DOWNLOAD, Limits

        depth = 8 if self.depth == "8" else None
        return Limits(self.frame, max_pixels=self.limit, depth=depth, download=self.max_bytes or DOWNLOAD)

    @property
    def saving(self) -> Saving:
        """How results are encoded."""
        from cnnfilter.results.saving import Saving

        options = dict(self.save_options) | ({} if self.quality is None else {"quality": self.quality})
        return Saving(options=options, strip=self.strip, floats=self.floats, in_place=self.in_place)

    @lazy
    def found(self) -> Found:
        """The files that the person means."""
        from cnnfilter.batch.inputs import find_inputs, read_list

        listed: Sequence[str] = ()
        if self.files_from is not None:
            listed = read_list(self.files_from, sys.stdin.buffer if sys.stdin else None, null=self.null)
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
        from cnnfilter.batch.names import EACH_FRAME, fields_of
        from cnnfilter.batch.naming import Wanted
        from cnnfilter.batch.plan import plan_outputs
        from cnnfilter.imaging.limits import ALL

        if self.frame == ALL and "{frame}" in fields_of(self.output or ""):
            from cnnfilter.imaging.size import read_frame_count

            counts = [read_frame_count(each.name) for each in self.found.inputs]
        frame = EACH_FRAME if self.frame == ALL else str(self.frame or 0)
        wanted = Wanted(
            output=self.output, format=self.format_, force=self.force, skip_existing=self.skip_existing, frame=frame
        )
        return plan_outputs(self.found, task, wanted, counts)

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
        from cnnfilter.batch.work import Ahead, Streams, Work, process
        from cnnfilter.batch.workers import share_cores
        from cnnfilter.engine.bands import available_threads

        plan = self.plan(task, counts)
        voice = Voice(quiet=self.quiet, verbose=self.verbose, as_json=self.as_json)
        check_standard_output(plan, as_json=self.as_json)
        if self.dry_run:
            return tell_plan(plan, voice)
        if self.show and not self.quiet and render.is_terminal(sys.stdout):
            from cnnfilter.cli.preview import Preview

            voice = voice._replace(show=functools.partial(Preview(sys.stdout).show_file, max_pixels=self.limit))
        collect_garbage()  # of thousands of pictures, what each leaves behind would add up
        jobs, threads = share_cores(available_threads(None), len(plan.jobs), self.jobs, self.threads)
        ahead: Ahead = {}
        events = process(
            plan,
            task,
            limits=self.limits,
            streams=Streams(sys.stdin.buffer if sys.stdin else None, sys.stdout.buffer if sys.stdout else None),
            work=Work(jobs=jobs, threads=threads, memory=self.memory, preserve_times=self.preserve_times),
            ahead=ahead,
        )
        # closed here and now, whatever ends the report: temporary files are not left to the end of the process
        with (
            compiling(quiet=self.quiet, verbose=self.verbose),
            contextlib.closing(events),  # type: ignore[type-var]  # a generator
            progress(len(plan.jobs), quiet=self.quiet, told=task.told or self.as_json or self.show) as count,
        ):
            return report(count(events), task, voice, found=self.found if self._is_several else None, ahead=ahead)


def _size(what: str) -> options.Parsed:
    def parse(text: str) -> int:
        from cnnfilter.batch.memory import parse_memory

        return parse_memory(text, what)

    return options.Parsed("SIZE", parse)


_files_from = click.option(
    "--files-from", metavar="FILE", shell_complete=complete_files,
    help="Take inputs also from this list, one a line; - is standard input.",
)  # fmt: skip
_null = options.flag("-0", "--null", help="Names in that list end in a NUL, as find -print0 writes them.")
_recursive = options.flag(
    "-r", "--recursive", help="Enter the folders in a folder too; the output folder has the same tree."
)
_CLUSTERS = {
    "local": "processes of this machine",
    "tcp://": "a scheduler",
    "tls://": "a scheduler, by Dask's security settings",
}
"""How values of --cluster begin."""

_in_place = options.flag(
    "--in-place",
    help="Replace each input by its result, in one step; one that would lose its format, depth, frames or other sizes "
    "fails.",
)  # fmt: skip
_skip_existing = options.flag(
    "--skip-existing", help="Leave inputs alone whose output exists: resumes a run that was interrupted."
)
_dry_run = options.flag("-n", "--dry-run", help="Show what would be written, and do nothing.")
_preserve_times = options.flag("--preserve-times", help="Give outputs the times of their inputs.")
_jobs = options.whole("-j", "--jobs", help="Pictures to work on at a time, at most one a core.  [default: all cores]")
_memory = click.option(
    "--memory", type=_size("memory"), metavar="SIZE",
    help="What they may take together, such as 4G; a larger picture fails.  [default: half of the machine's]",
)  # fmt: skip
_cluster = click.option(
    "--cluster", metavar="ADDRESS|local[:N]", shell_complete=complete_from(lambda: _CLUSTERS, files=False),
    help="Let Dask's workers do it: those of the scheduler at ADDRESS, tcp://HOST:PORT (tls:// with Dask's own "
    "security settings), or N processes of this machine, one a core unless N is given.  All need the same folders, or "
    "addresses.  Whoever may speak to a scheduler may run programs on its workers: trust it like a login.",
)  # fmt: skip
_max_bytes = click.option(
    "--max-bytes", type=_size("--max-bytes"), metavar="SIZE",
    help="Refuse files at addresses that are larger, before they are fetched or while.  [default: 1GiB]",
)  # fmt: skip

_EXCLUDING = (
    ("in_place", "output", "--in-place writes over the inputs, and -o elsewhere"),
    (
        "in_place",
        "format_",
        "--in-place keeps names, and with them the formats, and --format sets one",
    ),
    ("in_place", "floats", "--in-place keeps the depth, and --depth float changes it"),
    ("in_place", "skip_existing", "--in-place writes where something exists, and --skip-existing does not"),
    ("show", "as_json", "--show draws on standard output, and --json writes lines for programs there"),
    ("quiet", "verbose", "-q says less and -v says more"),
    ("force", "skip_existing", "--force overwrites what exists, and --skip-existing leaves it"),
)


def batched(kernel: str, formats: str) -> Callable[[Command], Command]:
    """A decorator that gives a command the options of `Batch`, and calls it with one.

    Parameters
    ----------
    kernel : str
        What stands in an output's name behind the input's.
    formats : str
        Some that the command writes.
    """
    added = (
        click.argument(
            "inputs", metavar="INPUT...", nargs=-1, required=False, shell_complete=complete_files
        ),
        _recursive, _files_from, _null, options.output(kernel), _in_place, options.force, _skip_existing, _dry_run,
        options.output_format(formats), options.save_options, options.quality, options.strip, _preserve_times,
        options.result_depth, options.frames, options.max_pixels, _jobs, options.threads, _memory, _cluster, _max_bytes,
        options.show, options.quiet, options.verbose, options.json_lines,
    )  # fmt: skip
    names = [each.name for each in fields(Batch) if each.init]

    def decorate(command: Command) -> Command:
        @functools.wraps(command)
        def call(*arguments: Any, **given: Any) -> Any:
            kind = click.get_current_context().meta.get(BATCH, Batch)
            batch = kind(**{name: given.pop(name) for name in names})
            _check(batch)
            if batch.quiet:
                warnings.simplefilter("ignore", CnnfilterWarning)
            return command(*arguments, batch=batch, **given)

        decorated: Command = call
        for add in reversed(added):
            decorated = add(decorated)
        return decorated

    return decorate


def _check(batch: Batch) -> None:
    for one, other, why in _EXCLUDING:
        if getattr(batch, one) and getattr(batch, other) not in (None, False):
            msg = f"{why}; give one of them"
            raise click.UsageError(msg, click.get_current_context())
    if batch.quality is not None and "quality" in dict(batch.save_options):
        msg = "--quality is short for --save-option quality=...; give one of them"
        raise click.UsageError(msg, click.get_current_context())
    if batch.null and batch.files_from is None:
        msg = "-0 is for the list of --files-from, which is not given"
        raise click.UsageError(msg, click.get_current_context())
    if batch.files_from == "-" and "-" in batch.inputs:
        msg = "standard input cannot be both a picture and the list of --files-from"
        raise click.UsageError(msg, click.get_current_context())
