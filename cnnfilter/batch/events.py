"""What becomes of each input of a run, and what is done with that in order, wherever the work was done."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from cnnfilter.batch.claims import Plan
from cnnfilter.batch.jobs import Files, Job
from cnnfilter.writing.write import sync_folder

if TYPE_CHECKING:
    from cnnfilter.addresses.address import Where
    from cnnfilter.network.plan import Row
    from cnnfilter.results.vector import Vector

FULL_FOR_GOOD = 3
"""How many jobs in a row find the disk full before the rest is not begun: a smaller result might fit."""
FULL = "the disk is full"
"""Why these are left undone."""


class Event(NamedTuple):
    """What became of one input.

    Parameters
    ----------
    job : Job
        The input, and the output that was planned.
    seconds : float
        From opening the input to the output's last byte.
    targets : tuple of Path or Address
        The files that were written; none for standard output, and when it failed.
    size : tuple of int, optional
        Width and height of each picture that was written, in pixels.
    format : str, optional
        The format that was written.
    clipped : float, optional
        The fraction of values that were clamped, where that was counted.
    notes : tuple of str
        Warnings about this input.
    error : str, optional
        Why it failed, one line.
    cause : Exception, optional
        The exception behind an error that is a defect of the program.
    rows : tuple of Row
        The plan of a chain.
    vector : Vector, optional
        What a chain gave, where that is told and not written.
    pixels : int
        Those of the input.
    skipped : bool
        Whether nothing was done, as all output exists.
    existing : tuple of Path or Address
        The outputs that exist and were left as they are.
    frames : int
        How many pictures are in each file.
    is_full : bool
        Whether it failed as the disk is full.
    details : str, optional
        What stands behind the size of what was written, where this picture has something of its own.
    facts : mapping
        What programs are told of what was written besides.
    undone : bool
        Whether it is one of those that a full disk leaves undone, after some have failed, or a cluster that is lost.
    files : int, tuple of str or None
        How many numbered files were made, or what they are called.
    asks : bool
        Whether nothing was written, as a part of a run (see `Work.is_part`) has not claimed all names that it takes.
    """

    job: Job
    seconds: float
    targets: tuple[Where, ...] = ()
    size: tuple[int, int] | None = None
    format: str | None = None
    clipped: float | None = None
    notes: tuple[str, ...] = ()
    error: str | None = None
    cause: Exception | None = None
    rows: tuple[Row, ...] = ()
    vector: Vector | None = None
    pixels: int = 0
    skipped: bool = False
    existing: tuple[Where, ...] = ()
    frames: int = 1
    is_full: bool = False
    details: str | None = None
    facts: Mapping[str, Any] = {}
    undone: bool = False
    files: Files = None
    asks: bool = False


Ahead = dict[int, Event | BaseException]


class Settling:
    """What is done with the events of a run, one after the other."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.full = 0
        """How many jobs in a row found the disk full."""
        self._folders: set[Path] = set()

    @property
    def is_full(self) -> bool:
        """Whether the disk is full for good, and what is left is not begun."""
        return self.full >= FULL_FOR_GOOD

    def settle(self, event: Event) -> Event:
        """Let later jobs have the names that a failed one gives up; after the last, make all names last.

        A folder is synced once, and not for each file, which makes writing take half as long again: a power cut
        during a run may cost names, but leaves none without its file, whose bytes are on the disk before it has one.
        """
        job = event.job
        if event.error is not None:
            self.plan.release(job)
        self.full = self.full + 1 if event.is_full else 0 if event.targets else self.full
        if event.is_full and self.full > FULL_FOR_GOOD:
            event = event._replace(undone=True, error=FULL)
        self._folders.update(target.parent for target in event.targets if isinstance(target, Path))
        if job.number == len(self.plan.jobs) - 1:
            errors = [] if event.error is None else [event.error]
            for folder in sorted(self._folders | self.plan.changed):
                try:
                    sync_folder(folder)
                except OSError as error:
                    errors.append(f"cannot write to the folder '{folder}': {error.strerror}")
            event = event._replace(error="; ".join(errors) or None)
        return event
