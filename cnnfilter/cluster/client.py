"""Carry out a plan on a cluster: the same events as `batch.work.process` gives, in the same order.

Tasks of some pictures are sent to Dask, a few for each thread; what they gave is taken at once and told in order. All
names are claimed here. A task that was begun before, by a worker that died, is worked on again picture by picture, each
alone on its worker; a picture with which two workers died fails.
"""

from __future__ import annotations

import contextlib
import functools
import os
import queue
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from cnnfilter.addresses.copies import read_files
from cnnfilter.batch.memory import Memory, default_memory
from cnnfilter.batch.names import STREAM
from cnnfilter.batch.work import FULL, Ahead, Event, Settling, Work
from cnnfilter.cluster.chunks import Sizes
from cnnfilter.cluster.connecting import connected, name_of
from cnnfilter.cluster.names import Names
from cnnfilter.cluster.probing import probes
from cnnfilter.cluster.sent import naming_sent
from cnnfilter.cluster.words import Told, event_of, packed, unpacked, with_files
from cnnfilter.cluster.worker import BEGUN, versions
from cnnfilter.cluster.workers import TICK, Workers
from cnnfilter.engine.bands import available_threads
from cnnfilter.errors import ArgumentError, OutputError
from cnnfilter.writing.temporaries import Temporaries, sweep
from cnnfilter.writing.write import is_device

if TYPE_CHECKING:
    from types import ModuleType

    from cnnfilter.addresses.address import Where
    from cnnfilter.batch.claims import Plan
    from cnnfilter.batch.naming import Job
    from cnnfilter.network.stages import Shape
    from cnnfilter.results.task import Task

RESUME = "run it again with --skip-existing"
KEPT_PLANS = 64
"""Sizes of inputs whose plans are kept."""


def process(
    plan: Plan,
    task: Task,
    *,
    work: Work,
    cluster: str | int,
    arguments: Sequence[str],
    size: Shape | None,
    served: ModuleType,
    ahead: Ahead | None = None,
) -> Iterator[Event]:
    """Carry out a plan on a cluster.

    Parameters
    ----------
    plan : Plan
    task : Task
    work : Work
        Without `threads`, a picture has one, and on a cluster of this machine its share of the cores; without
        `memory`, a worker takes half of what it has. How many pictures at a time, Dask's workers know.
    cluster : str or int
        As from `parse_cluster`.
    arguments : sequence of str
        The command line, from which workers make the task.
    size : tuple of int, optional
        That of a picture, which they try it on.
    served : module
        Has the functions that workers call, `prepare`, `work` and `in_hand`, and can be imported there.
    ahead : dict, optional
        As in `batch.work.process`.

    Yields
    ------
    Event
        One for each job, in the order of the plan. Of those that are left when the scheduler is lost, undone ones.

    Raises
    ------
    ClusterError
        If it cannot be reached, or a worker is not fit; nothing has been done then.
    ArgumentError, OutputError
        If an input or an output is only of this process, or the output folder cannot be made.
    """
    check_sendable(plan)
    live = _Live(served.in_hand)
    with contextlib.ExitStack() as ends:
        ends.callback(_live.discard, live)
        client, local = live.connection = ends.enter_context(connected(cluster))
        _live.add(live)
        plan.prepare()
        temporaries = ends.enter_context(contextlib.closing(Temporaries()))
        for folder in plan.folders:
            temporaries.sweep(folder)
        threads, memory = work.threads, work.memory.total if isinstance(work.memory, Memory) else work.memory
        if isinstance(cluster, int):  # they share this machine
            threads = threads or max(1, available_threads(None) // cluster)
            memory = (memory or default_memory()) // cluster
        run = os.urandom(8).hex()
        sent = {
            "run": run, "arguments": [*arguments], "size": size, "versions": versions(), "threads": threads or 1,
            "memory": memory, "times": work.preserve_times, "naming": naming_sent(plan.naming),
            "probes": probes(plan, temporaries, ends),
        }  # fmt: skip
        arrived: queue.SimpleQueue[Any] = queue.SimpleQueue()
        workers = Workers(client, name_of(cluster), served.prepare, with_files(sent, read_files()), arrived)
        workers.begin()
        carried = _Run(plan, task, ahead, client, workers, served.work, run, arrived)
        live.parts = carried.parts
        try:
            yield from carried.events()
        finally:
            carried.end()
        if carried.deaths:
            for folder in plan.folders:
                sweep(folder)


def check_sendable(plan: Plan) -> None:
    """Refuse inputs and outputs that only this process has.

    Raises
    ------
    ArgumentError
        If there is one.
    """
    naming = plan.naming
    output = naming.wanted.output or ""
    names = {STREAM} | {each.name for each in plan.jobs.inputs if each.name.startswith("memory://")}
    found = names.intersection(each.name for each in plan.jobs.inputs) or names.intersection([output])
    if found or output.startswith("memory://"):
        what = "memory:// is" if found - {STREAM} or output.startswith("memory://") else "standard input and output are"
        msg = f"{what} of this process, and a cluster's workers are others; name files that they share, or addresses"
        raise ArgumentError(msg)
    if naming.may_name_device and any(job.is_device for job in plan.jobs):
        msg = f"'{output}' is a device of this machine, and a cluster's workers may be on others; name a file"
        raise ArgumentError(msg)


class _Live:
    """A run that is not over, and how to end it early."""

    def __init__(self, in_hand: Callable[[], int]) -> None:
        self.parts: dict[str, _Part] = {}
        self.connection: tuple[Any, Any] = (None, None)
        self._in_hand = in_hand

    def end(self, deadline: float) -> None:
        """Cancel what is left; on this machine, wait until the workers have finished the pictures in hand."""
        client, local = self.connection
        with contextlib.suppress(Exception):  # whatever is lost by now
            client.cancel([each.future for each in list(self.parts.values())], force=True)
            if local is not None:
                while time.monotonic() < deadline and any(client.run(self._in_hand).values()):
                    time.sleep(TICK / 4)
            client.close(timeout=max(0.1, deadline - time.monotonic()))
            if local is not None:
                local.close(timeout=max(0.1, deadline - time.monotonic()))


_live: set[_Live] = set()


def end_all(patience: float = 1.5) -> None:
    """End all runs: the process is about to end. What is met in the middle of something is waited for so long."""
    deadline = time.monotonic() + patience
    for live in list(_live):
        # not on this thread, which may hold what that needs
        thread = threading.Thread(target=live.end, args=[deadline], daemon=True)
        thread.start()
        thread.join(max(0, deadline - time.monotonic()) + TICK)


class _Part(NamedTuple):
    """A task that was sent: its jobs, the names of each, whether they may have been begun before, and who may do it."""

    future: Any
    jobs: list[Job]
    granted: list[list[Where]]
    again: bool
    chosen: list[str] | None


class _Run:
    """What is done, sent and left of a run."""

    def __init__(
        self, plan: Plan, task: Task, ahead: Ahead | None, client: Any, workers: Workers,
        work: Callable[[bytes], bytes], run: str, arrived: queue.SimpleQueue[Any],
    ) -> None:  # fmt: skip
        self.plan, self.task = plan, task
        self.ahead = cast("dict[int, Event]", {} if ahead is None else ahead)
        self.client, self.workers, self.work, self.run, self.arrived = client, workers, work, run, arrived
        self.parts: dict[str, _Part] = {}
        self.deaths = 0
        self.lost: str | None = None
        self._settling = Settling(plan)
        self._names = Names(plan)
        self._sizes = Sizes()
        self._plan_for = functools.lru_cache(KEPT_PLANS)(task.plan_for)
        self._waiting: deque[tuple[list[Job], bool]] = deque()
        """Jobs to be sent again, and whether they may have been begun before."""
        self._next = 0
        self._settled = 0
        self._tasks = 0

    def events(self) -> Iterator[Event]:
        """The events, in order."""
        while self._settled < len(self.plan.jobs):
            self._fill()
            self._take(wait=self._settled not in self.ahead)
            event = self.ahead.pop(self._settled, None)
            if event is None:
                continue
            if event.asks:
                self._grant(event)
                continue
            event = self._settling.settle(event)
            self._names.settle(event)
            self._settled += 1
            yield event

    def end(self) -> None:
        """Forget what the scheduler was told."""
        with contextlib.suppress(Exception):  # it may be lost
            if self.client.status == "running":
                self.client.cancel([each.future for each in self.parts.values()], force=True)
                self.client.set_metadata(self.run, {})

    def _fill(self) -> None:
        """Send tasks, as long as few are on their way and not too much is done before an earlier picture."""
        threads = self.workers.threads
        while len(self.parts) < 2 * threads + 2 and (self.workers.fit or self.lost is not None):
            if self._waiting:
                jobs, again = self._waiting.popleft()
            else:
                size = self._sizes.next(len(self.plan.jobs) - self._next, threads)
                if self._next >= min(len(self.plan.jobs), self._settled + size * (4 * threads + 4)):
                    return
                jobs, again = self._cut(size), False
            if self.lost is not None:
                self._undo(jobs)
            elif jobs:
                self._send(jobs, again=again)

    def _cut(self, size: int) -> list[Job]:
        """The next jobs that are to be sent; what becomes of others is known, and noted."""
        jobs: list[Job] = []
        for number in range(self._next, min(self._next + size, len(self.plan.jobs))):
            job = self.plan.jobs[number]
            if job.skipped:
                self.ahead[number] = Event(job, 0.0, skipped=True, existing=(*self.plan.jobs.targets(job),))
            elif self._settling.is_full:
                self.ahead[number] = Event(job, 0.0, error=FULL, is_full=True)
            elif job.error is not None:
                self.ahead[number] = Event(job, 0.0, error=job.error)
            elif isinstance(job.source, Path) and is_device(job.source):
                self.ahead[number] = Event(job, 0.0, error="a device, which a cluster's workers cannot read; save it")
            else:
                jobs.append(job)
        self._next = min(self._next + size, len(self.plan.jobs))
        return jobs

    def _send(self, jobs: list[Job], *, again: bool) -> None:
        granted = [self._names.granted(job) for job in jobs]
        rows = [self._names.sent(job, names) for job, names in zip(jobs, granted, strict=True)]
        data = packed({"run": self.run, "again": again, "jobs": rows})
        key = f"cnnfilter-{self.run}-{self._tasks}"
        self._tasks += 1
        chosen = self.workers.chosen
        future = self.client.submit(self.work, data, key=key, pure=False, workers=chosen)
        self.parts[key] = _Part(future, jobs, granted, again, chosen)
        future.add_done_callback(self.arrived.put)

    def _take(self, *, wait: bool) -> None:
        """Take what has arrived; look around from time to time."""
        if self.lost is not None:
            return
        self.workers.look()
        if self.client.status != "running":
            self._lose(f"{self.workers.name} is lost")
        elif self.workers.are_missing:
            self._lose(f"{self.workers.name} has no workers any more")
        else:
            for key in [key for key, part in self.parts.items() if self.workers.have_gone(part.chosen)]:
                self.parts[key].future.cancel()
                self._repeat(self.parts.pop(key))
            if wait or not self.arrived.empty():
                with contextlib.suppress(queue.Empty):
                    future = self.arrived.get(timeout=TICK)
                    if not self.workers.answered(future) and (part := self.parts.pop(future.key, None)):
                        self._received(part)

    def _lose(self, why: str) -> None:
        self.lost = f"{why}; {RESUME}"
        for jobs in [part.jobs for part in self.parts.values()] + [jobs for jobs, _ in self._waiting]:
            self._undo(jobs)
        self.parts.clear()
        self._waiting.clear()
        self._undo([each.job for each in self.ahead.values() if each.asks])

    def _undo(self, jobs: Sequence[Job]) -> None:
        for job in jobs:
            self.ahead[job.number] = Event(job, 0.0, error=self.lost, undone=True)

    def _received(self, part: _Part) -> None:
        """See to what a task gave."""
        try:
            status = part.future.status
            answer = unpacked(part.future.result(timeout=60)) if status == "finished" else {"lacks": status}
        except Exception:  # the worker has died with it, or it cannot be read
            answer = {"lacks": "mark"}
        lacks = answer.get("lacks")
        if lacks is None:
            self._done(part, answer)
        elif lacks == "prepared":
            self.workers.look(now=True)
            self._waiting.appendleft((part.jobs, part.again))
        elif lacks == "mark":
            self._died(part)
        elif lacks == "error":
            self._failed(part)
        else:  # cancelled, and not by us
            self._lose(f"{self.workers.name} is lost")
            self._undo(part.jobs)
        part.future.release()

    def _done(self, part: _Part, answer: dict[str, Any]) -> None:
        for told, job, names in zip(answer["events"], part.jobs, part.granted, strict=False):
            told = Told(*told)
            event = event_of(told, job, names, self.task, self._plan_for)
            self.ahead[job.number] = self._names.told(event, [names[place] for place in told.kept])
        done = len(answer["events"])
        if done:
            self._sizes.took(done, answer["seconds"])
        if rest := part.jobs[done:]:  # the worker was told to end
            self._waiting.appendleft((rest, part.again))

    def _failed(self, part: _Part) -> None:
        error = part.future.exception()
        if type(error).__name__ != "KilledWorker":  # nothing of ours lets it come so far
            for job in part.jobs:
                text = f"internal error, please report it: {type(error).__name__}: {error}"
                self.ahead[job.number] = Event(job, 0.0, error=text, cause=error)
        else:
            self._repeat(part)

    def _repeat(self, part: _Part) -> None:
        """Send a task anew whose worker has gone: it had begun it, or it only waited there."""
        if self.client.get_metadata([self.run, part.future.key], None) == BEGUN:
            self._died(part)
        else:
            self._waiting.appendleft((part.jobs, part.again))

    def _died(self, part: _Part) -> None:
        """See to the pictures of a worker that died: each is sent once more, by itself."""
        self.deaths += 1
        if part.again:
            [job] = part.jobs
            self.ahead[job.number] = Event(job, 0.0, error="two workers died while they worked on it")
        else:
            self._waiting.extendleft(([job], True) for job in reversed(part.jobs))

    def _grant(self, event: Event) -> None:
        """Give a job the names that it asks for, as all before it are settled: it is sent again then."""
        job = event.job
        try:
            targets, kept = self._names.claim(event)
        except OutputError as error:
            self.ahead[job.number] = Event(job, event.seconds, notes=event.notes, error=str(error), pixels=event.pixels)
        else:
            if kept.issuperset(targets):
                self.ahead[job.number] = event._replace(asks=False, format=None, skipped=True, existing=targets)
            else:
                self._waiting.appendleft(([job], False))
