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

COLUMNS = ("EPOCH", "   LOSS", "ACCURACY", "VAL. LOSS", "VAL. ACCURACY", "PICTURES/S", "TIME LEFT")
"""The heads of the table's columns, as wide as these are."""
LEAST_FIRST = (5, 6, 3, 2)
"""Which columns a narrow terminal goes without, the first of them first."""

WIDEST_BAR = 30
BESIDE_BAR = 70
"""Columns of what stands beside the bar; a narrower terminal has no bar."""
TICKS = 10
"""How often a second what moves is drawn anew."""


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


def line(cells: tuple[str, ...], room: float = math.inf) -> str:
    """A line of the table, of the columns that there is room for."""
    shown = [*range(len(COLUMNS))]
    for least in LEAST_FIRST:
        if sum(len(COLUMNS[place]) + 2 for place in shown) - 2 >= room:  # the last place stays free for the cursor
            shown.remove(least)
    return "  ".join(cells[place].rjust(len(COLUMNS[place])) for place in shown)


def cells(figures: Figures, clock: Clock, pictures: int) -> tuple[str, ...]:
    """The cells of an epoch."""
    value, accuracy = figures.validation_loss, figures.validation_accuracy
    return (
        str(figures.epoch),
        _loss(figures.loss),
        f"{figures.accuracy:.2%}",
        "-" if value is None else _loss(value),
        "-" if accuracy is None else f"{accuracy:.2%}",
        f"{clock.speed(pictures):,.0f}",
        show_seconds(clock.left(figures.epoch, pictures)),
    )


def _loss(value: float) -> str:
    """A loss in seven letters, however large."""
    return f"{value:.4f}" if value < 100 else f"{value:.5g}" if value < 1e5 else f"{value:.1e}"


def record(figures: Figures, clock: Clock, pictures: int) -> dict[str, Any]:
    """What JSON has of an epoch."""
    told: dict[str, Any] = figures._asdict()
    speed, left = clock.speed(pictures), clock.left(figures.epoch, pictures)
    return told | {"pictures_per_second": round(speed, 1), "seconds_left": round(left, 1)}


def is_watched(*, quiet: bool) -> bool:
    """Whether somebody sees how far an epoch has got."""
    return not quiet and render.is_terminal(sys.stderr) and os.environ.get("TERM", "") not in ("dumb", "unknown")


@contextlib.contextmanager
def reading(*, quiet: bool) -> Iterator[Callable[[int, int], None]]:
    """Show how many pictures were looked at while the context lasts, where there is somebody to see it.

    Yields
    ------
    callable
        Is told how many of how many there were.
    """
    if not is_watched(quiet=quiet):
        yield lambda done, total: None
        return
    room, drawn = int(render.columns(sys.stderr)) - 1, [0.0]

    def draw(text: str) -> None:
        sys.stderr.write(f"\r\x1b[K{text}")
        sys.stderr.flush()

    def tell(done: int, total: int) -> None:
        now = time.monotonic()
        if now - drawn[0] >= 1 / TICKS:
            drawn[0] = now
            draw(f"reading pictures: {done:,} of {total:,}"[:room])

    try:
        with render.messages_to(lambda text: draw(f"{text}\n")):
            yield tell
    finally:
        if drawn[0]:
            draw("")


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
        *([BarColumn(min(room, WIDEST_BAR))] if room > 0 else []),
        TextColumn("{task.fields[told]}", markup=False),
        console=console,
        transient=True,
        redirect_stdout=False,
        redirect_stderr=False,
    )
    task = shown.add_task("", total=total, told=f"epoch 1/{epochs}")

    def tell(step: Step) -> None:
        shown.update(task, completed=step.done, told=told(step, clock, epochs, console.width - 1))

    def above(text: str) -> None:
        console.print(Text(text), soft_wrap=True)

    with shown, render.messages_to(above):
        yield tell


def told(step: Step, clock: Clock, epochs: int, room: int) -> str:
    """How far an epoch has got, in the words that there is room for."""
    epoch, left = f"epoch {step.epoch}/{epochs}", f"{show_seconds(clock.left(step.epoch, step.done))} left"
    loss, right, speed = f"loss {_loss(step.loss)}", f"{step.accuracy:.1%}", f"{clock.speed(step.done):,.0f} pictures/s"
    for words in ((epoch, loss, right, speed, left), (epoch, loss, right, left), (epoch, loss, left)):
        text = "  ".join(words)
        if len(text) <= room:
            return text
    return f"{epoch}  {left}"[:room]
