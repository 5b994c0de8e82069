"""The progress bar, for a person who watches: on standard error, and only where that is a terminal that can show it."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING

from cnnfilter.cli import render

if TYPE_CHECKING:
    from cnnfilter.batch.events import Event

Count = Callable[[Iterable["Event"]], Iterable["Event"]]
"""Passes events on, and counts them."""

BESIDE_BAR = 64
"""Columns of what stands beside the bar; a narrower terminal has only the count, the time left and the failures."""
WIDEST_BAR = 40
PAUSE = 0.1
"""Seconds within which lines wait for each other: the bar is drawn anew below each that is written, in 0.4 ms."""


def wants_progress(total: int, *, quiet: bool, told: bool) -> bool:
    """Whether a bar is shown: not for one input, nor where results are told on the same terminal."""
    if total < 2 or quiet or not render.is_terminal(sys.stderr) or (told and render.is_terminal(sys.stdout)):
        return False
    return os.environ.get("TERM", "") not in ("dumb", "unknown")  # with NO_COLOR rich leaves the colours away


@contextlib.contextmanager
def progress(total: int, *, quiet: bool, told: bool) -> Iterator[Count]:
    """Show a bar while the context lasts, where there is one to show.

    Parameters
    ----------
    total : int
        How many inputs there are.
    quiet : bool
        The option of this name.
    told : bool
        Whether standard output is told results.

    Yields
    ------
    callable
        Passes events on, and moves the bar.
    """
    if not wants_progress(total, quiet=quiet, told=told):
        yield lambda events: events
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
    from rich.text import Text

    console = Console(file=sys.stderr, markup=False, highlight=False, emoji=False)
    room = console.width - BESIDE_BAR
    bar = Progress(
        *([BarColumn(min(room, WIDEST_BAR))] if room > 0 else []),
        MofNCompleteColumn(),
        *([TextColumn("{task.fields[speed]}", markup=False)] if room > 0 else []),
        TimeRemainingColumn(compact=True),
        TextColumn("{task.fields[failures]}", markup=False),
        console=console,
        transient=True,
        redirect_stdout=False,
        redirect_stderr=False,
    )
    task = bar.add_task("", total=total, speed="", failures="")

    def count(events: Iterable[Event]) -> Iterator[Event]:
        begin = time.monotonic()
        done = pixels = failed = 0
        for event in events:
            yield event
            done += not event.skipped
            pixels += event.pixels
            failed += event.error is not None
            seconds = max(time.monotonic() - begin, 1e-3)
            speed = f"{done / seconds:.1f} pictures/s {pixels / seconds / 1e6:.1f} MP/s"
            bar.update(task, advance=1, speed=speed, failures=f"{failed} failed" if failed else "")

    above = _Above(lambda text: console.print(Text(text), soft_wrap=True))
    with bar, contextlib.closing(above), render.messages_to(above):
        yield count


class _Above:
    """Writes lines above a bar: at once, but for those that follow others too soon; these are written together.

    Parameters
    ----------
    write : callable
        Writes one or more lines.
    """

    def __init__(self, write: Callable[[str], None]) -> None:
        self.waiting: list[str] = []
        self._write = write
        self._lock = threading.Lock()
        self._written = -PAUSE
        self._timer: threading.Timer | None = None

    def __call__(self, text: str) -> None:
        with self._lock:
            self.waiting.append(text)
            if self._timer is None and (wait := self._written + PAUSE - time.monotonic()) > 0:
                self._timer = threading.Timer(wait, self._later)
                self._timer.daemon = True
                self._timer.start()
        if self._timer is None:
            self._now()

    def _now(self) -> None:
        with self._lock:
            lines, self.waiting, self._timer = self.waiting, [], None
            if lines:
                self._write("\n".join(lines))
                self._written = time.monotonic()

    def _later(self) -> None:
        try:
            self._now()
        except OSError:  # as in `render.message`
            render.silence(sys.stderr)

    def close(self) -> None:
        """Write what waits."""
        if self._timer is not None:
            self._timer.cancel()
        self._later()
