"""What people and programs are told while a plan is carried out."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from cnnfilter.cli import render, tables
from cnnfilter.errors import ArgumentError
from cnnfilter.messages import shortened, show_shape

if TYPE_CHECKING:
    from cnnfilter.batch.claims import Plan
    from cnnfilter.batch.work import Ahead, Event

Record = dict[str, Any]

MOST_KINDS = 4
"""Kinds of files that were passed over, up to which each is counted apart."""


def check_standard_output(plan: Plan, *, as_json: bool) -> None:
    """Refuse to write a picture to a terminal, or among lines of JSON.

    Raises
    ------
    ArgumentError
        If that was asked for.
    """
    if all(job.target is not None or job.told for job in plan.jobs):
        return
    if as_json:
        msg = "standard output cannot take both the picture and --json; name a file with -o"
        raise ArgumentError(msg)
    if sys.stdout is not None and sys.stdout.isatty():
        msg = "standard output is a terminal, which shows no pictures; name a file with -o, or redirect it"
        raise ArgumentError(msg)


def report(
    events: Iterable[Event],
    *,
    several: bool,
    quiet: bool,
    verbose: bool,
    as_json: bool,
    record: Callable[[Event], Record] | None = None,
    tell: Callable[[Event], str] | None = None,
    passed: tuple[Mapping[str, int], int] = ({}, 0),
    ahead: Ahead | None = None,
) -> int:
    """Tell about each input as it is done.

    Parameters
    ----------
    events : iterable of Event
    several : bool
        Whether to end with a count.
    quiet, verbose, as_json : bool
        The options of these names.
    record : callable, optional
        What `as_json` writes about an event.
    tell : callable, optional
        What standard output is told about a result that is not written.
    passed : tuple of mapping and int
        How many files in a folder were passed over, by kind, and how many folders.
    ahead : dict, optional
        See `batch.work.process`: of an interrupted run, what is written and could not be told yet is counted too.

    Returns
    -------
    int
        The exit code.
    """
    counts = dict.fromkeys(("written" if tell is None else "done", "skipped", "failed"), 0)
    done, undone = next(iter(counts)), 0

    def so_far() -> str:
        untold = sum(bool(getattr(each, "targets", ())) for each in list((ahead or {}).values()))
        return _counted({**counts, done: counts[done] + untold})

    counting = render.telling(so_far) if several and not quiet else contextlib.nullcontext()
    with counting:
        for event in events:
            if event.undone:
                undone += 1
                if as_json:
                    render.out(render.as_json((record or base_record)(event)))
                continue
            counts["failed" if event.error is not None else "skipped" if event.skipped else done] += 1
            if not quiet:
                for note in event.notes:
                    render.warning(f"{event.job}: {note}")
            if verbose and not quiet and event.rows:
                _sizes(event)
            if event.error is not None:
                render.error(f"{event.job}: {event.error}")
                if event.cause is not None:
                    render.show_traceback(event.cause)
            if as_json:
                render.out(render.as_json((record or base_record)(event)))
            elif tell is not None:
                render.out(tell(event) if event.error is None else "")
            elif event.skipped:
                if verbose:
                    render.message(f"skipped {event.job}: its output exists")
            elif not quiet and event.error is None and (event.targets or verbose):
                render.message(success(event, verbose=verbose))
    if undone:
        render.error(f"the disk is full; {undone} more input{'s are' if undone > 1 else ' is'} left undone")
    if several and not quiet:
        _passed_over(*passed, none=not any(counts.values()))
        render.message(_counted(counts))
    return 1 if counts["failed"] else 0


def _passed_over(files: Mapping[str, int], folders: int, *, none: bool) -> None:
    """Say what of a folder was no input, and whether all was; in one that is all pictures, nothing."""
    kinds = sorted(files.items(), key=lambda each: (-each[1], each[0]))
    named = [f"{count} {kind}" for kind, count in kinds[:MOST_KINDS]]
    others = sum(count for _, count in kinds[MOST_KINDS:])
    named += [f"{others} others"] if others else []
    total = sum(files.values())
    parts = [f"{total} file{'s' * (total > 1)} ({', '.join(named)})"] if files else []
    parts += [f"{folders} folder{'s' * (folders > 1)} (-r enters them)"] if folders else []
    if parts:
        found = "found no picture that can be read; " if none else ""
        render.message(f"{found}passed over {' and '.join(parts)}")


def _counted(parts: dict[str, int]) -> str:
    """Return a count; what is none is left out but for the first."""
    first, *others = [f"{number} {word}" for word, number in parts.items() if number or word == next(iter(parts))]
    return ", ".join([first, *others])


def tell_plan(plan: Plan, *, quiet: bool, as_json: bool) -> int:
    """Show on standard output what would be written; return the exit code."""
    from cnnfilter.batch.plan import outlook

    skipped = failed = 0
    for job in plan.jobs:
        expected = outlook(plan, job)
        skipped += expected.skipped
        failed += expected.error is not None
        if as_json:
            record = {
                "input": "-" if job.source is None else str(job.source),
                "output": None if expected.target is None else str(expected.target),
                "skipped": expected.skipped,
                "error": expected.error,
            }
            render.out(render.as_json(record))
        elif expected.error is not None:
            render.out(tables.joined(f"{job}:", expected.error))
        else:
            target = "standard output" if expected.target is None else str(expected.target)
            render.out(tables.joined(str(job), f"-> {target}", *["(exists, skipped)"] * expected.skipped))
    if not quiet:
        left = len(plan.jobs) - skipped - failed
        render.message(_counted({"to write": left, "skipped": skipped, "failed": failed}))
    return 1 if failed else 0


def _sizes(event: Event) -> None:
    """Show the chain's plan: a line for each stage."""
    sizes = [(show_shape(row.output), shortened(row.stage)) for row in event.rows]
    rows = [(show_shape(event.rows[0].input), str(event.job)), *sizes]
    render.block(tables.facts(rows, render.columns(sys.stderr)))


def success(event: Event, *, verbose: bool) -> str:
    """Return the line about something that was written."""
    names = [str(target) for target in event.targets] or ["standard output"]
    line = f"wrote {names[0]}" + (f" to {names[-1]}" if len(names) > 1 else "") + "  "
    shape = event.rows[-1].output if event.rows else ()
    if event.size is None:
        line += "x".join(map(str, (*shape[2:], *shape[:2]))) + " float32"
    else:
        line += "x".join(map(str, event.size))
        if shape and (len(names) > 1 or event.size != (shape[1], shape[0])):  # else it is one picture
            line += f", {shape[2]} map" + ("s" if shape[2] > 1 else "")
    if event.frames > 1:
        line += f", {event.frames} frames"
    if verbose:
        line += f" {event.format}, {event.seconds:.2f} s"
        if event.clipped is not None:
            line += f", {event.clipped:.1%} of values clipped"
    return line


def outputs(event: Event) -> list[str]:
    """Return the files that hold what was made of an input, now or before."""
    return sorted(map(str, (*event.targets, *event.existing)))


def base_record(event: Event) -> Record:
    """Return what `--json` says about any event; `clipped` is null unless `-v` had it counted."""
    targets = outputs(event)
    return {
        "input": "-" if event.job.source is None else str(event.job.source),
        "output": targets[0] if len(targets) == 1 else targets or None,
        "size": event.size,
        "format": event.format,
        "clipped": event.clipped,
        "seconds": round(event.seconds, 4),
        "notes": event.notes,
        "skipped": event.skipped,
        "error": event.error,
    }
