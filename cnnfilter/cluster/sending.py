"""Jobs that are sent to a cluster, and events that come back, in order.

Tasks of some pictures are sent to Dask, a few for each thread; what they gave is taken at once and told in order. All
names are claimed here. A task that was begun before, by a worker that died, is worked on again picture by picture, each
alone on its worker; a picture with which two workers died fails.
"""

from __future__ import annotations

import contextlib
import functools
import queue
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from cnnfilter.batch.events import FULL, Ahead, Event, Settling
from cnnfilter.cluster.chunks import Sizes
from cnnfilter.cluster.names import Names
from cnnfilter.cluster.words import Told, event_of, packed, unpacked
from cnnfilter.cluster.worker import BEGUN
from cnnfilter.cluster.workers import ANSWER, TICK, Workers
from cnnfilter.errors import OutputError
from cnnfilter.writing.write import is_device

if TYPE_CHECKING:
    from cnnfilter.addresses.address import Where
    from cnnfilter.batch.claims import Plan
    from cnnfilter.batch.jobs import Job
    from cnnfilter.results.task import Task

RESUME = "run it again with --skip-existing, as workers may have done more"
FAR = 4096
"""How many pictures at least may be done before an earlier one: its worker may hang. An event is a kilobyte or two."""
KEPT_PLANS = 64
"""Sizes of inputs whose plans are kept."""


class Part(NamedTuple):
    """A task that was sent: its jobs, the names of each, whether they may have been begun before, and who may do it."""

    future: Any
    jobs: list[Job]
    granted: list[list[Where]]
    again: bool
    chosen: list[str] | None


class Run:
    """What is done, sent and left of a run."""

    def __init__(
        self, plan: Plan, task: Task, ahead: Ahead | None, client: Any, workers: Workers,
        work: Callable[[bytes], bytes], run: str, arrived: queue.SimpleQueue[Any],
    ) -> None:  # fmt: skip
        self.plan, self.task = plan, task
        self.ahead = cast("dict[int, Event]", {} if ahead is None else ahead)
        self.client, self.workers, self.work, self.run, self.arrived = client, workers, work, run, arrived
        self.parts: dict[str, Part] = {}
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
        while len(self.parts) < 2 * threads + 2 and (self._can_send or self.lost is not None):
            if self._waiting:
                jobs, again = self._waiting.popleft()
            else:
                size = self._sizes.next(len(self.plan.jobs) - self._next, threads)
                far = max(FAR, size * (4 * threads + 4))
                if self._next >= min(len(self.plan.jobs), self._settled + far):
                    return
                jobs, again = self._cut(size), False
            if self.lost is not None:
                self._undo(jobs)
            elif jobs:
                self._send(jobs, again=again)

    @property
    def _can_send(self) -> bool:
        """Whether somebody is there; whoever takes events may have rested for long since that was looked at."""
        return bool(self.workers.fit) and self.client.status == "running"

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
        self.parts[key] = Part(future, jobs, granted, again, chosen)
        future.add_done_callback(self.arrived.put)

    def _take(self, *, wait: bool) -> None:
        """Take what has arrived; look around from time to time."""
        if self.lost is not None:
            return
        has_looked = self.workers.look()
        if self.client.status != "running":
            self._lose(f"{self.workers.name} is lost")
        elif why := self.workers.are_missing:
            self._lose(f"{self.workers.name} {why}")
        else:
            if has_looked:
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
        # whoever asks for names is granted them in turn, and undone instead of being sent

    def _undo(self, jobs: Sequence[Job]) -> None:
        for job in jobs:
            self.ahead[job.number] = Event(job, 0.0, error=self.lost, undone=True)

    def _received(self, part: Part) -> None:
        """See to what a task gave."""
        status = part.future.status
        if status in ("lost", "pending"):  # what it gave has gone with its worker since: Dask has it done again
            self.parts[part.future.key] = part
            time.sleep(TICK / 4)  # of what is lost we are told at once
            part.future.add_done_callback(self.arrived.put)
            return
        try:
            answer = unpacked(part.future.result(timeout=ANSWER)) if status == "finished" else {"lacks": status}
        except Exception:  # the worker has died with it, or it cannot be read
            answer = {"lacks": "mark"}
        lacks = answer.get("lacks")
        if lacks is None:
            self._done(part, answer)
        elif lacks == "prepared":
            self.workers.forget(answer["worker"])
            self._waiting.appendleft((part.jobs, part.again))
        elif lacks == "mark":
            self._died(part)
        elif lacks == "error":
            self._failed(part)
        else:  # cancelled, and not by us
            self._lose(f"{self.workers.name} is lost")
            self._undo(part.jobs)
        part.future.release()

    def _done(self, part: Part, answer: dict[str, Any]) -> None:
        for told, job, names in zip(answer["events"], part.jobs, part.granted, strict=False):
            told = Told(*told)
            event = event_of(told, job, names, self.task, self._plan_for)
            self.ahead[job.number] = self._names.told(event, [names[place] for place in told.kept])
        done = len(answer["events"])
        if done:
            self._sizes.took(done, answer["seconds"])
        if rest := part.jobs[done:]:  # the worker was told to end
            self._waiting.appendleft((rest, part.again))

    def _failed(self, part: Part) -> None:
        error = part.future.exception()
        if type(error).__name__ != "KilledWorker":  # nothing of ours lets it come so far
            for job in part.jobs:
                text = f"internal error, please report it: {type(error).__name__}: {error}"
                self.ahead[job.number] = Event(job, 0.0, error=text, cause=error)
        else:
            self._repeat(part)

    def _repeat(self, part: Part) -> None:
        """Send a task anew whose worker has gone: it had begun it, or it only waited there."""
        begun = False
        with contextlib.suppress(OSError):  # the scheduler is lost, which is seen next
            begun = self.client.get_metadata([self.run, part.future.key], None) == BEGUN
        if begun:
            self._died(part)
        else:
            self._waiting.appendleft((part.jobs, part.again))

    def _died(self, part: Part) -> None:
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
