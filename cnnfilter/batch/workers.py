"""Threads that work on numbered tasks side by side, so that nobody can tell from the results how many there were.

Results come in the order of the tasks, however long each took. A task asks for the memory that it needs, and gets
it after those before it; it may also wait until all before it are settled (see `turns`).
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

from cnnfilter.batch.memory import Memory, address_limit
from cnnfilter.batch.sharing import AT_REST
from cnnfilter.batch.turns import TICK, Order, Turn

Result = TypeVar("Result")

WINDOW = 64
"""How many tasks are begun or done, and not settled, for each job: enough that a large picture holds up few."""
GRACE = 0.3
"""Seconds that threads are given to end by themselves; what they write is removed, not waited for."""


def never() -> bool:
    """Whether a run is to stop that nobody stops."""
    return False


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
        self.memory = Memory(memory) if isinstance(memory, int) else memory
        self.condition = self.memory.condition
        self._order = Order(self.memory, jobs)
        self._arrived = threading.Condition(self.memory.lock)
        self._tasks = tasks
        self._work = work
        self._jobs = jobs
        self._threads = threads
        self._stopping = stopping
        self._begun = 0
        self._stopped = False
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
                        self._order.idle.notify_all()
                    self._order.settled = index + 1
                    self.condition.notify_all()
                yield result
        finally:
            with self.condition:
                self._order.ended = True
                self.condition.notify_all()
                self._order.idle.notify_all()
            deadline = time.monotonic() + GRACE
            for thread in threads:
                thread.join(max(0, deadline - time.monotonic()))

    def _start(self, threads: list[threading.Thread]) -> None:
        # where addresses are limited, the stack and the heap of a thread take a good part of them
        each = self._threads if address_limit() is None else 1
        for _ in range(min(each * self._jobs, self._tasks)):
            # daemons: one that is in the middle of a long call must not keep the process from ending
            thread = threading.Thread(target=self._loop, daemon=True)
            try:
                thread.start()
            except RuntimeError:  # no memory for its stack: those that run do it
                if not threads:
                    raise MemoryError from None
                return
            threads.append(thread)

    def _loop(self) -> None:
        while (turn := self._next()) is not None:
            try:
                result: Result | BaseException = self._work(turn)
            except BaseException as failure:  # for the thread that takes the results
                result = failure
            with self.condition:
                self._results[turn.index] = result
                turn.end()
                if turn.index == self._order.settled:
                    self._arrived.notify()
            del result

    def _next(self) -> Turn | None:
        with self.condition:
            while not (self._order.ended or self._stopped) and self._begun < self._tasks:
                if self._stopping():
                    self._stopped = True
                    self._arrived.notify()
                elif self._order.busy < self._jobs and not self._is_far_ahead():
                    turn = Turn(self._order, self._begun)
                    self._order.busy += 1
                    self._begun += 1
                    return turn
                else:
                    self._order.idle.wait(TICK)
            return None

    def _is_far_ahead(self) -> bool:
        return self._begun - self._order.settled >= WINDOW * self._jobs
