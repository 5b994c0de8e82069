"""What the tasks of a run wait for: memory in their order, a place to compute, all before them.

No task waits for a later one, and none of them for ever.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TypeVar

from cnnfilter.batch.memory import Memory, apart
from cnnfilter.errors import CnnfilterError, PictureError

Fetched = TypeVar("Fetched")

TICK = 0.2
"""Seconds after which a wait looks around: on Windows, a signal does not end one."""
FETCHED = 4
"""The part of the memory, one in so many, that may hold what is fetched for tasks whose turn to ask for it is later."""

KEPT = 0.75
"""How much of the most that was fetched counts after the next: one large file must not make all others wait."""


class _CrowdedError(CnnfilterError):
    """What is fetched for a task has no room beside what others hold."""


class StoppedError(Exception):
    """The run has ended before this task; nobody takes its result."""


class Order:
    """What the tasks of one run wait for; all of it is read and changed with the condition held.

    Parameters
    ----------
    memory : Memory
    jobs : int
        How many tasks compute at a time.
    """

    def __init__(self, memory: Memory, jobs: int) -> None:
        # One lock for what tasks wait for, threads without a task, and who takes results. It may be taken twice: an
        # interrupt that arrives as it is taken ends the run, which takes it.
        self.memory = memory
        self.jobs = jobs
        self.condition = memory.condition
        self.idle = threading.Condition(memory.lock)
        """For threads that have no task."""
        self.admitted = self.settled = 0
        """How many tasks have their memory, and how many are settled, all before these included."""
        self.busy = self.waiting = 0
        """How many tasks compute, and how many of them wait for memory."""
        self.ended = False
        self._passed: set[int] = set()

    def wait(self, ready: Callable[[], bool]) -> None:
        """Let a task wait, with the condition held.

        Raises
        ------
        StoppedError
            If the run ends first.
        """
        while not ready():
            if self.ended:
                raise StoppedError
            self.condition.wait(TICK)

    def pass_on(self, index: int) -> None:
        """Note that a task has its memory, or needs none; the condition is held."""
        self._passed.add(index)
        while self.admitted in self._passed:
            self._passed.remove(self.admitted)
            self.admitted += 1
        self.condition.notify_all()


class Turn:
    """A task's place among the others."""

    def __init__(self, order: Order, index: int) -> None:
        self._order = order
        self.index = index
        self.held = 0
        self.fetched = 0
        self.rests = False

    def admit(self, need: int) -> None:
        """Wait until there is memory for this task, and for all before it.

        Raises
        ------
        PictureError
            If there never will be.
        """
        order, memory = self._order, self._order.memory
        if need > memory.total:
            taken, limit = apart(need, memory.total)
            msg = f"it takes about {taken} of memory, more than the limit of {limit}; see --memory"
            raise PictureError(msg)
        with order.condition:
            order.waiting += 1
            order.wait(lambda: order.admitted == self.index and memory.free >= need)
            order.waiting -= 1
            memory.free -= need
            self.held += need
            self._has_its_own()
            order.pass_on(self.index)

    def _has_its_own(self) -> None:
        """Note that what was fetched counts among what the task has; the condition is held."""
        self._order.memory.fetched -= self.fetched
        self.fetched = 0

    def fetch(self, get: Callable[[Callable[[int], None]], Fetched], size: int | None = None) -> Fetched:
        """What comes over a network: another task may begin, until this one comes back and there is a place again.

        Its bytes count as memory until the task asks for its own. They are a part of it together, but for those of
        the task whose turn to ask it is; what goes beyond that is fetched again when it is this one's turn.

        Parameters
        ----------
        get : callable
            Fetches it, and calls what it is given with the number of bytes that are there so far.
        size : int, optional
            How many there will be, where somebody has said so; by default, as many as of others.
        """
        order, memory = self._order, self._order.memory
        fetched = 0

        def told(size: int) -> None:
            nonlocal fetched
            fetched = size
            with order.condition:
                if size > self.fetched and not self._has_room(size):
                    raise _CrowdedError

        def room() -> bool:
            usual = memory.total // FETCHED if memory.usual is None else memory.usual
            return self._has_room(usual if size is None else size)

        with order.condition:
            order.busy -= 1
            order.idle.notify()
        try:
            with order.condition:
                order.wait(room)
            try:
                return get(told)
            except _CrowdedError:
                with order.condition:
                    self._has_its_own()
                    order.wait(lambda: order.admitted == self.index)
                return get(told)
        finally:
            with order.condition:  # who has a place may wait for memory, which goes to this one first
                self._has_room(fetched)
                memory.usual = max(fetched, int(KEPT * (memory.usual or 0)))
                order.condition.notify_all()
                order.wait(lambda: order.admitted == self.index and order.busy - order.waiting < order.jobs)
                order.busy += 1

    def _has_room(self, size: int) -> bool:
        """Count what is fetched for this task as so many bytes, if they have room; the condition is held."""
        memory = self._order.memory
        others = memory.fetched - self.fetched
        if size > self.fetched and self._order.admitted != self.index and others + size > memory.total // FETCHED:
            return False
        memory.fetched, self.fetched = others + size, size
        return True

    def wait(self) -> None:
        """Wait until all tasks before this one are settled."""
        with self._order.condition:
            self._order.wait(lambda: self._order.settled == self.index)

    def end(self) -> None:
        """Give back what this task has; the condition is held."""
        order = self._order
        order.memory.free += self.held
        self._has_its_own()
        if not self.rests:
            order.busy -= 1
        if self.index >= order.admitted:  # it asked for no memory
            order.pass_on(self.index)
        order.condition.notify_all()

    def rest(self) -> None:
        """Let another task begin: what is left of this one waits for the disk, and computes nothing."""
        order = self._order
        with order.condition:
            if not self.rests:
                self.rests = True
                order.busy -= 1
                order.idle.notify()
