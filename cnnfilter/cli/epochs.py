"""What is told of a training: a line for each epoch, and on a terminal how far the epoch has got."""

from __future__ import annotations

import contextlib
import math
import os
import sys
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from cnnfilter.cli import render

if TYPE_CHECKING:
    from cnnfilter.learning.training import Figures, Step

COLUMNS = ("EPOCH", "LOSS", "ACCURACY", "VALIDATION LOSS", "VALIDATION ACCURACY", "PICTURES/S", "TIME LEFT")
WIDEST_BAR = 30
BESIDE_BAR = 66
"""Columns of what stands beside the bar; a narrower terminal has no bar."""


class Clock:
    """How fast a training is, and how long it will take.

    Parameters
    ----------
    pictures : int
        How many an epoch learns from.
    done, epochs : int
        How many epochs there were before, and will be.
    now : callable
        Tells seconds.
    """

    def __init__(self, pictures: int, done: int, epochs: int, now: Callable[[], float] = time.monotonic) -> None:
        self._pictures, self._epochs, self._now = pictures, epochs, now
        self._begin = self._epoch_begin = now()
        self._first = done

    def speed(self, done: int) -> float:
        """How many pictures a second the epoch learns from, of which so many are done."""
        return done / max(self._now() - self._epoch_begin, 1e-6)

    def left(self, epoch: int, done: int) -> float:
        """How many seconds are left, where so many pictures of an epoch are done; validation is counted in."""
        learned = (epoch - 1 - self._first) * self._pictures + done
        whole = (self._epochs - self._first) * self._pictures
        return (self._now() - self._begin) / max(learned, 1) * (whole - learned)

    def next(self) -> None:
        """Begin an epoch."""
        self._epoch_begin = self._now()


def show_seconds(seconds: float) -> str:
    """A time as `12 s` or `3:05` or `1:02:03`."""
    whole = math.ceil(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes = f"{whole // 60 % 60}:{whole % 60:02d}"
    return minutes if whole < 3600 else f"{whole // 3600}:{minutes:0>5}"


def line(cells: tuple[str, ...]) -> str:
    """A line of the table."""
    return "  ".join(cell.rjust(len(name)) for cell, name in zip(cells, COLUMNS, strict=True))


def cells(figures: Figures, clock: Clock, pictures: int) -> tuple[str, ...]:
    """The cells of an epoch."""
    value, accuracy = figures.validation_loss, figures.validation_accuracy
    return (
        str(figures.epoch),
        f"{figures.loss:.4f}",
        f"{figures.accuracy:.2%}",
        "-" if value is None else f"{value:.4f}",
        "-" if accuracy is None else f"{accuracy:.2%}",
        f"{clock.speed(pictures):,.0f}",
        show_seconds(clock.left(figures.epoch, pictures)),
    )


def record(figures: Figures, clock: Clock, pictures: int) -> dict[str, Any]:
    """What JSON has of an epoch."""
    told: dict[str, Any] = figures._asdict()
    speed, left = clock.speed(pictures), clock.left(figures.epoch, pictures)
    return told | {"pictures_per_second": round(speed, 1), "seconds_left": round(left, 1)}


def is_watched(*, quiet: bool) -> bool:
    """Whether somebody sees how far an epoch has got."""
    return not quiet and render.is_terminal(sys.stderr) and os.environ.get("TERM", "") not in ("dumb", "unknown")


@contextlib.contextmanager
def bar(total: int, clock: Clock, epochs: int, *, quiet: bool) -> Iterator[Callable[[Step], None]]:
    """Show how far an epoch has got while the context lasts, where there is somebody to see it.

    Yields
    ------
    callable
        Is told what is reached after each batch.
    """
    if not is_watched(quiet=quiet):
        yield lambda step: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn
    from rich.text import Text

    console = Console(file=sys.stderr, markup=False, highlight=False, emoji=False)
    room = console.width - BESIDE_BAR
    shown = Progress(
        TextColumn("epoch {task.fields[epoch]}", markup=False),
        *([BarColumn(min(room, WIDEST_BAR))] if room > 0 else []),
        TextColumn("{task.fields[told]}", markup=False),
        console=console,
        transient=True,
        redirect_stdout=False,
        redirect_stderr=False,
    )
    task = shown.add_task("", total=total, epoch=f"1/{epochs}", told="")

    def tell(step: Step) -> None:
        speed, left = clock.speed(step.done), show_seconds(clock.left(step.epoch, step.done))
        told = f"loss {step.loss:.4f}  {step.accuracy:.1%}  {speed:,.0f} pictures/s  {left} left"
        shown.update(task, completed=step.done, epoch=f"{step.epoch}/{epochs}", told=told)

    def above(text: str) -> None:
        console.print(Text(text), soft_wrap=True)

    with shown, render.messages_to(above):
        yield tell
