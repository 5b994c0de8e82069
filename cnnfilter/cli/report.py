"""What people and programs are told while a plan is carried out."""

from __future__ import annotations

import contextlib
import math
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from cnnfilter.cli import render, tables
from cnnfilter.errors import ArgumentError
from cnnfilter.messages import shortened, show_bytes, show_shape

if TYPE_CHECKING:
    from cnnfilter.addresses.address import Where
    from cnnfilter.batch.claims import Plan
    from cnnfilter.batch.events import Event
    from cnnfilter.batch.found import Found
    from cnnfilter.batch.jobs import Job
    from cnnfilter.results.task import Task
    from cnnfilter.results.vector import Vector

MOST_KINDS = 4
"""Kinds of files that were passed over, up to which each is counted apart."""


class Voice(NamedTuple):
    """How much is told, and to whom: the options of these names; `show` shows the picture in a file."""

    quiet: bool
    verbose: bool
    as_json: bool
    show: Callable[[Where], None] | None = None


def check_standard_output(plan: Plan, *, as_json: bool) -> None:
    """Refuse to write a picture to a terminal, or among lines of JSON.

    Raises
    ------
    ArgumentError
        If that was asked for.
    """
    if not any(plan.naming.is_streamed(each.name) for each in plan.jobs.inputs):
        return
    if as_json:
        msg = "standard output cannot take both the picture and --json; name a file with -o"
        raise ArgumentError(msg)
    if render.is_terminal(sys.stdout):
        msg = "standard output is a terminal, which shows no pictures; name a file with -o, or redirect it"
        raise ArgumentError(msg)


def report(
    events: Iterable[Event],
    task: Task,
    voice: Voice,
    *,
    found: Found | None = None,
    ahead: Mapping[int, Any],
    interrupted: str = "{}",
) -> int:
    """Tell about each input as it is done; return the exit code.

    Parameters
    ----------
    events : iterable of Event
    task : Task
    voice : Voice
    found : Found, optional
        The inputs, if a count and what was passed over are told at the end.
    ahead : mapping
        See `batch.work.process`: of an interrupted run, what is written and could not be told yet is counted too.
    interrupted : str
        How the count of such a run is told.
    """
    done = "done" if task.told else "written"
    undone, why = 0, ""
    counts = dict.fromkeys((done, "skipped", "failed"), 0)

    def so_far() -> str:
        untold = sum(bool(getattr(each, "targets", ())) for each in list(ahead.values()))
        return interrupted.format(_counted({**counts, done: counts[done] + untold}))

    ends = found is not None and not voice.quiet
    with render.telling(so_far) if ends else contextlib.nullcontext():
        for event in events:
            if event.undone:
                undone, why = undone + 1, why or str(event.error)
            else:
                counts["failed" if event.error is not None else "skipped" if event.skipped else done] += 1
                _warn(event, voice)
            if voice.as_json:
                render.out(render.as_json(_record(event, task)))
            elif not event.undone:
                _tell(event, task, voice, several=found is not None)
    if undone:
        render.error(f"{why}; {undone} more input{'s are' if undone > 1 else ' is'} left undone")
    if found is not None and not voice.quiet:
        _passed_over(found, none=not any(counts.values()))
        render.message(_counted(counts))
    return 1 if counts["failed"] or undone else 0


def _warn(event: Event, voice: Voice) -> None:
    """Tell what is worth knowing of an input, and why it failed."""
    if not voice.quiet:
        for note in event.notes:
            render.warning(f"{event.job}: {note}")
        if voice.verbose and event.rows:
            _sizes(event)
    if event.error is not None:
        render.error(f"{event.job}: {event.error}")
        if event.cause is not None:
            render.show_traceback(event.cause)


def _tell(event: Event, task: Task, voice: Voice, *, several: bool) -> None:
    """Tell a person what was made of an input."""
    if task.told:
        render.out("" if event.vector is None else _table(event.job, event.vector, several=several))
    elif event.skipped:
        if voice.verbose:
            render.message(f"skipped {event.job}: its output exists")
    elif not voice.quiet and event.error is None and (event.targets or voice.verbose):
        details = task.details(event.rows) if event.details is None else event.details
        render.message(success(event, verbose=voice.verbose, details=details))
    if voice.show is not None and event.targets and event.size is None:
        render.message("numbers are not shown; a picture of them, such as a .png, is")
    elif voice.show is not None:
        for target in event.targets:
            voice.show(target)


def _table(job: Job, vector: Vector, *, several: bool) -> str:
    """A vector as a table; the label, of any length and script, is its last column."""
    scores = vector.scores()
    unit, digits, right = ("PERCENT", ".2%", (0, 1)) if vector.shares else ("VALUE", ".6g", (0,))
    header = ("INDEX", unit, *(["LABEL"] if vector.labels is not None else []))
    rows = [(str(index), f"{value:{digits}}", *label) for index, value, *label in map(dict.values, scores)]
    text = tables.table(header, rows, right, prose=True)
    return f"{tables.paragraph(f'{job}:')}{text}\n" if several else text


def _passed_over(found: Found, *, none: bool) -> None:
    """Say what of a folder was no input, and whether all was; in one that is all pictures, nothing."""
    files, folders = found.files, found.folders
    kinds = sorted(files.items(), key=lambda each: (-each[1], each[0]))
    named = [f"{count} {kind}" for kind, count in kinds[:MOST_KINDS]]
    others = sum(count for _, count in kinds[MOST_KINDS:])
    named += [f"{others} others"] if others else []
    total = sum(files.values())
    parts = [f"{total} file{'s' * (total > 1)} ({', '.join(named)})"] if files else []
    parts += [f"{folders} folder{'s' * (folders > 1)} (-r enters them)"] if folders else []
    if parts:
        begin = "found no picture that can be read; " if none else ""
        render.message(f"{begin}passed over {' and '.join(parts)}")


def _counted(parts: dict[str, int]) -> str:
    """A count in words; what is none is left out but for the first."""
    first, *others = [f"{number} {word}" for word, number in parts.items() if number or word == next(iter(parts))]
    return ", ".join([first, *others])


def tell_plan(plan: Plan, voice: Voice) -> int:
    """Show on standard output what would be written; return the exit code."""
    from cnnfilter.batch.found import size_of
    from cnnfilter.batch.plan import outlook

    skipped = failed = 0
    sizes: list[int | None] = []
    for job in plan.jobs:
        expected = outlook(plan, job)
        skipped += expected.skipped
        failed += expected.error is not None
        size = size_of(plan.jobs.inputs[job.number])
        if not (expected.skipped or expected.error):
            sizes.append(size)
        if voice.as_json:
            record = {
                "input": "-" if job.source is None else str(job.source),
                "output": None if expected.target is None else str(expected.target),
                "bytes": size,
                "skipped": expected.skipped,
                "error": expected.error,
            }
            render.out(render.as_json(record))
        elif expected.error is not None:
            render.out(tables.joined(f"{job}:", expected.error))
        else:
            target = "standard output" if expected.target is None else str(expected.target)
            if plan.jobs.counts is not None and isinstance(plan.jobs.counts[job.number], tuple):
                named = plan.jobs.targets(job)
                target = f"{named[0]} to {named[-1]}, {len(named)} files" if len(named) > 1 else str(named[0])
            render.out(tables.joined(str(job), f"-> {target}", *["(exists, skipped)"] * expected.skipped))
    if not voice.quiet:
        counts = _counted({"to write": len(sizes), "skipped": skipped, "failed": failed})
        render.message(f"{counts}{_to_read(sizes)}")
    return 1 if failed else 0


def _to_read(sizes: Sequence[int | None]) -> str:
    """How much is read of inputs of these sizes, some of which nobody knows yet."""
    known = [size for size in sizes if size is not None]
    unknown = len(sizes) - len(known)
    parts = [f"; {show_bytes(sum(known), 1)} to read"] if known else []
    parts += [f"{unknown} of unknown size"] if unknown and known else []
    return " and ".join(parts)


def _sizes(event: Event) -> None:
    """Show the chain's plan: a line for each stage."""
    sizes = [(show_shape(row.output), shortened(row.stage)) for row in event.rows]
    rows = [(show_shape(event.rows[0].input), str(event.job)), *sizes]
    render.block(tables.facts(rows, render.columns(sys.stderr)))


def success(event: Event, *, verbose: bool, details: str | None = None) -> str:
    """The line about something that was written; `details` stands for the count of its maps."""
    names = [str(target) for target in event.targets] or ["standard output"]
    line = f"wrote {names[0]}" + (f" to {names[-1]}" if len(names) > 1 else "") + "  "
    shape = event.rows[-1].output if event.rows else ()
    if event.size is None and details is not None:
        line += details
    elif event.size is None:
        line += "x".join(map(str, (*shape[2:], *shape[:2]))) + " float32"
    else:
        line += "x".join(map(str, event.size))
        if details is not None:
            line += details
        elif shape and (len(names) > 1 or event.size != (shape[1], shape[0])):  # else it is one picture
            line += f", {shape[2]} map" + ("s" if shape[2] > 1 else "")
    if event.frames > 1:
        line += f", {event.frames} frames"
    if verbose:
        line += f" {event.format}, {event.seconds:.2f} s"
        if event.clipped is not None:
            line += f", {event.clipped:.1%} of values clipped"
    return line


def _record(event: Event, task: Task) -> dict[str, Any]:
    """What `--json` says of an event; `clipped` is null unless `-v` had it counted, and a value that is not finite."""
    targets = sorted(map(str, (*event.targets, *event.existing)))  # made now or before
    record = {
        "input": "-" if event.job.source is None else str(event.job.source),
        "output": targets[0] if len(targets) == 1 else targets or None,
        "size": event.size,
        "format": event.format,
        "clipped": event.clipped,
        "seconds": round(event.seconds, 4),
        "notes": event.notes,
        "skipped": event.skipped,
        "error": event.error,
    } | task.record(targets, event.rows)
    record |= event.facts
    if event.vector is not None:
        scores = event.vector.scores()
        record["values"] = [each if math.isfinite(each["value"]) else each | {"value": None} for each in scores]
    return record
