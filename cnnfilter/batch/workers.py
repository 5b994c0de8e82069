"""Threads that work on numbered tasks side by side, so that nobody can tell from the results how many there were.

Results come in the order of the tasks, however long each took. A task asks for the memory that it needs, and gets
it after those before it; it may also wait until all before it are settled. So no task waits for a later one, and
none of them for ever.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

from cnnfilter.batch.memory import Memory, address_limit, apart
from cnnfilter.errors import CnnfilterError, PictureError

Result = TypeVar("Result")
Fetched = TypeVar("Fetched")

WINDOW = 64
"""How many tasks are begun or done, and not settled, for each job: enough that a large picture holds up few."""
TICK = 0.2
"""Seconds after which a wait looks around: on Windows, a signal does not end one."""
AT_REST = 2
"""How many threads there are for each that computes: the others wait for the disk (see `Turn.rest`)."""
GRACE = 0.3
"""Seconds that threads are given to end by themselves; what they write is removed, not waited for."""
FETCHED = 4
"""The part of the memory, one in so many, that may hold what is fetched for tasks whose turn to ask for it is later."""


def never() -> bool:
    """Whether a run is to stop that nobody stops."""
    return False


class _CrowdedError(CnnfilterError):
    """What is fetched for a task has no room beside what others hold."""


class StoppedError(Exception):
    """The run has ended before this task; nobody takes its result."""


def share_cores(cores: int, tasks: int, jobs: int | None, threads: int | None) -> tuple[int, int]:
    """How many tasks run side by side, and how many threads each may use: together at most the cores.

    Examples
    --------
    >>> share_cores(8, 100, None, None), share_cores(8, 3, None, None), share_cores(8, 100, None, 4)
    ((8, 1), (3, 2), (2, 4))
    """
    most = max(1, min(cores, tasks))
    if jobs is None:
        jobs = most if threads is None else max(1, cores // threads)
    jobs = min(jobs, most)
    return jobs, min(threads or cores, max(1, cores // jobs))


class Turn:
    """A task's place among the others."""

    def __init__(self, crew: Crew[Result], index: int) -> None:
        self._crew = crew
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
        crew, memory = self._crew, self._crew.memory
        if need > memory.total:
            taken, limit = apart(need, memory.total)
            msg = f"it takes about {taken} of memory, more than the limit of {limit}; see --memory"
            raise PictureError(msg)
        with crew.condition:
            crew.waiting += 1
            crew.wait(lambda: crew.admitted == self.index and memory.free >= need)
            crew.waiting -= 1
            memory.free -= need
            self.held += need
            self._has_its_own()
            crew.pass_on(self.index)

    def _has_its_own(self) -> None:
        """Note that what was fetched counts among what the task has; the condition is held."""
        self._crew.memory.fetched -= self.fetched
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
        crew, memory = self._crew, self._crew.memory
        fetched = 0

        def told(size: int) -> None:
            nonlocal fetched
            fetched = size
            with crew.condition:
                if size > self.fetched and not self._has_room(size):
                    raise _CrowdedError

        def room() -> bool:
            usual = memory.total // FETCHED if memory.usual is None else memory.usual
            return self._has_room(usual if size is None else size)

        with crew.condition:
            crew.busy -= 1
            crew.idle.notify()
        try:
            with crew.condition:
                crew.wait(room)
            try:
                return get(told)
            except _CrowdedError:
                with crew.condition:
                    self._has_its_own()
                    crew.wait(lambda: crew.admitted == self.index)
                return get(told)
        finally:
            with crew.condition:  # who has a place may wait for memory, which goes to this one first
                self._has_room(fetched)
                memory.usual = max(memory.usual or 0, fetched)
                crew.condition.notify_all()
                crew.wait(lambda: crew.admitted == self.index and crew.busy - crew.waiting < crew.jobs)
                crew.busy += 1

    def _has_room(self, size: int) -> bool:
        """Count what is fetched for this task as so many bytes, if they have room; the condition is held."""
        memory = self._crew.memory
        others = memory.fetched - self.fetched
        if size > self.fetched and self._crew.admitted != self.index and others + size > memory.total // FETCHED:
            return False
        memory.fetched, self.fetched = others + size, size
        return True

    def wait(self) -> None:
        """Wait until all tasks before this one are settled."""
        with self._crew.condition:
            self._crew.wait(lambda: self._crew.settled == self.index)

    def rest(self) -> None:
        """Let another task begin: what is left of this one waits for the disk, and computes nothing."""
        crew = self._crew
        with crew.condition:
            if not self.rests:
                self.rests = True
                crew.busy -= 1
                crew.idle.notify()


class Crew(Generic[Result]):
    """The threads of one run, and what they share.

    Parameters
    ----------
    tasks : int
        How many there are.
    work : callable
        Does one, on any thread.
    jobs : int
        How many of them at a time, but for those that rest.
    memory : int or Memory
        Bytes that the tasks may hold together, and those of other crews that have the same `Memory`.
    ahead : dict, optional
        Holds what tasks gave, by their index, until it is taken.
    stopping : callable
        Whether to stop: no further task begins then, and the run ends with those that have begun.
    threads : int
        How many there are for each job, where addresses are not limited: the others wait for the disk, or a network.
    """

    def __init__(
        self,
        tasks: int,
        work: Callable[[Turn], Result],
        *,
        jobs: int,
        memory: int | Memory,
        ahead: dict[int, Result | BaseException] | None = None,
        stopping: Callable[[], bool] = never,
        threads: int = AT_REST,
    ) -> None:
        # One lock for what tasks wait for, threads without a task, and who takes results. It may be taken twice: an
        # interrupt that arrives as it is taken ends the run, which takes it.
        self.memory = Memory(memory) if isinstance(memory, int) else memory
        self.condition = self.memory.condition
        self.idle, self._arrived = (threading.Condition(self.memory.lock) for _ in range(2))
        self.admitted = 0
        self.settled = 0
        self.busy = self.waiting = 0
        self._tasks = tasks
        self._work = work
        self.jobs = jobs
        self._threads = threads
        self._stopping = stopping
        self._begun = 0
        self._ended = self._stopped = False
        self._passed: set[int] = set()
        self._results: dict[int, Result | BaseException] = {} if ahead is None else ahead

    def run(self, settle: Callable[[Result], Result]) -> Iterator[Result]:
        """Do all tasks.

        Parameters
        ----------
        settle : callable
            Is given each result, in order and on the calling thread, before later tasks' `Turn.wait` ends.

        Raises
        ------
        BaseException
            What a task raised; the others are left undone.
        """
        threads: list[threading.Thread] = []
        try:
            self._start(threads)
            for index in range(self._tasks):
                with self.condition:
                    while index not in self._results:
                        if self._stopped and index >= self._begun:
                            return
                        self._arrived.wait(TICK)
                    result = self._results.pop(index)
                if isinstance(result, BaseException):
                    raise result
                result = settle(result)
                with self.condition:
                    if self._is_far_ahead():
                        self.idle.notify_all()
                    self.settled = index + 1
                    self.condition.notify_all()
                yield result
        finally:
            with self.condition:
                self._ended = True
                self.condition.notify_all()
                self.idle.notify_all()
            deadline = time.monotonic() + GRACE
            for thread in threads:
                thread.join(max(0, deadline - time.monotonic()))

    def _start(self, threads: list[threading.Thread]) -> None:
        # where addresses are limited, the stack and the heap of a thread take a good part of them
        each = self._threads if address_limit() is None else 1
        for _ in range(min(each * self.jobs, self._tasks)):
            # daemons: one that is in the middle of a long call must not keep the process from ending
            thread = threading.Thread(target=self._loop, daemon=True)
            try:
                thread.start()
            except RuntimeError:  # no memory for its stack: those that run do it
                if not threads:
                    raise MemoryError from None
                return
            threads.append(thread)

    def wait(self, ready: Callable[[], bool]) -> None:
        """Let a task wait, with the condition held.

        Raises
        ------
        StoppedError
            If the run ends first.
        """
        while not ready():
            if self._ended:
                raise StoppedError
            self.condition.wait(TICK)

    def pass_on(self, index: int) -> None:
        """Note that a task has its memory, or needs none; the condition is held."""
        self._passed.add(index)
        while self.admitted in self._passed:
            self._passed.remove(self.admitted)
            self.admitted += 1
        self.condition.notify_all()

    def _loop(self) -> None:
        while (turn := self._next()) is not None:
            try:
                result: Result | BaseException = self._work(turn)
            except BaseException as failure:  # for the thread that takes the results
                result = failure
            with self.condition:
                self._results[turn.index] = result
                self.memory.free += turn.held
                turn._has_its_own()
                if not turn.rests:
                    self.busy -= 1
                if turn.index >= self.admitted:  # it asked for no memory
                    self.pass_on(turn.index)
                self.condition.notify_all()
                if turn.index == self.settled:
                    self._arrived.notify()
            del result

    def _next(self) -> Turn | None:
        with self.condition:
            while not (self._ended or self._stopped) and self._begun < self._tasks:
                if self._stopping():
                    self._stopped = True
                    self._arrived.notify()
                elif self.busy < self.jobs and not self._is_far_ahead():
                    turn = Turn(self, self._begun)
                    self.busy += 1
                    self._begun += 1
                    return turn
                else:
                    self.idle.wait(TICK)
            return None

    def _is_far_ahead(self) -> bool:
        return self._begun - self.settled >= WINDOW * self.jobs
