"""Threads that wait to help with some work: to start one takes three times as long as to wake it."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Callable

_idle: list[Helper] = []

if hasattr(os, "register_at_fork"):  # a child has none of its parent's threads
    os.register_at_fork(after_in_child=_idle.clear)


class Helper:
    """A thread that does one job after the other, which raise nothing, and belongs to one caller at a time."""

    def __init__(self) -> None:
        self.jobs: list[Callable[[], None]] = []
        self.awake, self.done = threading.Lock(), threading.Lock()
        self.awake.acquire()
        self.done.acquire()
        threading.Thread(target=self._serve, name="cnnfilter", daemon=True).start()

    def _serve(self) -> None:
        while True:
            self.awake.acquire()
            job = self._taken()
            if job is not None:
                job()
                del job  # which holds pictures
                self.done.release()

    def _taken(self) -> Callable[[], None] | None:
        try:
            return self.jobs.pop()
        except IndexError:
            return None

    def ask(self, job: Callable[[], None]) -> None:
        """Let the thread do a job as soon as it runs."""
        self.jobs.append(job)
        if self.awake.locked():  # else it has yet to wake for a job that was withdrawn
            self.awake.release()

    def finish(self) -> None:
        """Wait for the job's end, or withdraw it if it has not begun: the processor may be busy elsewhere."""
        if self._taken() is None:
            self.done.acquire()


def borrow(count: int) -> list[Helper]:
    """Return so many helpers, or as many as there can be threads."""
    helpers: list[Helper] = []
    with contextlib.suppress(RuntimeError):  # no thread can be started
        while len(helpers) < count:
            try:
                helpers.append(_idle.pop())
            except IndexError:
                helpers.append(Helper())
    return helpers


def give_back(helpers: list[Helper]) -> None:
    """Take back helpers that have finished."""
    _idle.extend(helpers)
