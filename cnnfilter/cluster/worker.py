"""What a worker does: it makes a run's task once, by the command's own code, and works on the jobs that it is sent.

A run is stopped between two pictures: Dask tells its worker that a task is no longer wanted, whoever has ended it, and
the worker that it is to end. Before a task begins it leaves a mark with the scheduler; one that finds its own was
begun before by a worker that died, perhaps of it.
"""

from __future__ import annotations

import contextlib
import importlib.metadata
import platform
import tempfile
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from cnnfilter.addresses.address import located
from cnnfilter.addresses.copies import hold
from cnnfilter.batch.memory import Memory, default_memory
from cnnfilter.batch.work import Streams, Work, process
from cnnfilter.cluster.probing import check_answered, check_shared
from cnnfilter.cluster.sent import plan_of
from cnnfilter.cluster.words import packed, told, unpacked, without_files
from cnnfilter.errors import ClusterError, CnnfilterError
from cnnfilter.imaging.limits import Limits
from cnnfilter.imaging.picture import Picture
from cnnfilter.messages import options_named

if TYPE_CHECKING:
    from cnnfilter.network.stages import Shape
    from cnnfilter.results.task import Task

MOST_RUNS = 4
"""How many runs a worker knows that are at rest: of another, its client prepares it again."""
REST = 30.0
"""Seconds without a task after which a run is at rest: those of many clients at once are not."""
SMALL = (64, 64, 3)
"""The size of the picture that a task is tried on, if none is known."""
BEGUN, DONE = "begun", "done"
LIBRARIES = ("cnnfilter", "numpy", "pillow")
"""Those whose versions decide what is in an output."""

TaskOf = Callable[[Sequence[str], "Shape | None"], "tuple[Task, Limits]"]


def versions() -> dict[str, str]:
    """The versions that decide what is in an output."""
    own = {name: importlib.metadata.version(name) for name in LIBRARIES}
    return {"Python": ".".join(platform.python_version_tuple()[:2]), **own}


class Here:
    """The worker that a task is on, as far as Dask tells."""

    def __init__(self) -> None:
        from distributed import get_worker

        self._worker = get_worker()
        self.key: str = self._worker.get_current_task()
        self.address: str = self._worker.contact_address

    @property
    def memory(self) -> int:
        """Half of what Dask, or the machine, lets the worker have."""
        limit = self._worker.memory_manager.memory_limit
        return min(limit // 2 if limit else default_memory(), default_memory())

    @property
    def folder(self) -> str:
        """One for files, which Dask removes in the end, also that of a worker that was killed."""
        folder: str = self._worker.local_directory
        return folder

    def stopping(self) -> bool:
        """Whether nobody wants the task any more, or the worker is about to end."""
        task = self._worker.state.tasks.get(self.key)
        return task is None or task.state != "executing" or self._worker.status.name != "running"

    def mark(self, run: str) -> str | None:
        """What the task is marked as with the scheduler."""
        mark: str | None = self._asked(self._worker.scheduler.get_metadata, keys=[run, self.key], default=None)
        return mark

    def set_mark(self, run: str, mark: str) -> None:
        """Mark the task."""
        self._asked(self._worker.scheduler.set_metadata, keys=[run, self.key], value=mark)

    def _asked(self, function: Callable[..., Any], **arguments: Any) -> Any:
        from distributed.utils import sync

        return sync(self._worker.loop, function, **arguments)


@dataclass
class _Prepared:
    """A run that a worker is ready for."""

    task: Task
    limits: Limits
    work: Work
    naming: Sequence[object]
    answers: Sequence[Sequence[Any]]
    ends: contextlib.ExitStack
    """Removes the files that were sent."""
    used: float = field(default_factory=time.monotonic)
    """When a task of it last began or ended."""


_runs: dict[str, _Prepared] = {}
_preparing = threading.Lock()


class _Alone:
    """A lock that tasks share, but for one that may kill the worker: it waits for all others, and they for it."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self.inside = 0
        self._suspects = 0

    @contextlib.contextmanager
    def held(self, *, whole: bool) -> Iterator[None]:
        with self._changed:
            self._suspects += whole
            self._changed.wait_for(lambda: not self.inside if whole else not self._suspects)
            self.inside += 1
        try:
            yield
        finally:
            with self._changed:
                self.inside -= 1
                self._suspects -= whole
                self._changed.notify_all()


_alone = _Alone()


def in_hand() -> int:
    """How many tasks are worked on in this process."""
    return _alone.inside


def prepare(data: bytes, task_of: TaskOf, here: Here | None = None) -> bytes:
    """Make the task of a run, and try whether this worker is fit for it.

    Parameters
    ----------
    data : bytes
        From `client`: what is the same for all tasks of the run, and files.
    task_of : callable
        Makes a task and its limits of the arguments of a command and the size of a picture.
    here : Here, optional

    Returns
    -------
    bytes
        Why it is not fit; None if it is.
    """
    here = here or Here()
    try:
        sent, files = without_files(data)
        with options_named(), _preparing:
            if sent["run"] not in _runs:
                _check_versions(sent["versions"])
                check_shared(sent["probes"])
                check_answered(sent["answers"])
                _runs[sent["run"]] = _made(sent, files, task_of, here)
                _forget_some()
    except (CnnfilterError, OSError) as error:
        return packed(str(error))
    except Exception as error:  # whatever it is, it says more than a worker that never answers
        return packed(" ".join("".join(traceback.format_exception_only(error)).split()))
    return packed(None)


def _forget_some() -> None:
    for run in sorted(_runs, key=lambda run: _runs[run].used)[:-MOST_RUNS]:
        if time.monotonic() - _runs[run].used > REST:
            _runs.pop(run).ends.close()


def _check_versions(theirs: dict[str, str]) -> None:
    for name, version in versions().items():
        if version != theirs.get(name):
            msg = f"{name} {version}, and {theirs.get(name)} here; outputs would differ"
            raise ClusterError(msg)


def _made(sent: dict[str, Any], files: dict[str, memoryview], task_of: TaskOf, here: Here) -> _Prepared:
    with contextlib.ExitStack() as ends:
        if files:
            folder = ends.enter_context(tempfile.TemporaryDirectory(dir=here.folder, ignore_cleanup_errors=True))
            hold({name: _laid(Path(folder, str(number)), name, files[name]) for number, name in enumerate(files)})
        size = None if sent["size"] is None else tuple(sent["size"])
        task, limits = task_of(sent["arguments"], size)
        memory = Memory(sent["memory"] or here.memory)
        work = Work(threads=sent["threads"], memory=memory, preserve_times=sent["times"], is_part=True)
        _tried(task, size or SMALL, work.threads)
        return _Prepared(task, limits, work, sent["naming"], sent["answers"], ends.pop_all())


def _laid(folder: Path, name: str, content: memoryview) -> Path:
    """A file in a folder of its own, by the name that it has, which tells what it holds."""
    folder.mkdir()
    path = folder / (located(name).name or "file")
    path.write_bytes(content)
    return path


def _tried(task: Task, size: Shape, threads: int | None) -> None:
    """Try a task on a black picture: loops are compiled, and libraries loaded, before any work counts."""
    with contextlib.suppress(CnnfilterError):  # a chain that does not fit this size may fit others
        result = task.transform(Picture(np.zeros(size, np.uint8), format="PNG"), threads)
        if not task.told:
            list(result.files(result.format))


def work(data: bytes, here: Here | None = None) -> bytes:
    """Work on jobs.

    Parameters
    ----------
    data : bytes
        From `client`: the run, jobs as `sent` has them, and whether they may have been done before.
    here : Here, optional

    Returns
    -------
    bytes
        `{"events": ..., "seconds": ...}`, of those jobs that were begun before the worker was stopped, or `{"lacks":
        ...}`: the worker, whose address is told, is not prepared, or is fit no more, or its task was begun before.
    """
    here = here or Here()
    sent = unpacked(data)
    with _alone.held(whole=sent["again"]), options_named():
        if here.mark(sent["run"]) == BEGUN:  # looked at first: a worker that is new does not know the run either
            return packed({"lacks": "mark"})
        prepared = _runs.get(sent["run"])
        if prepared is None:
            return _unprepared(sent["run"], here)
        here.set_mark(sent["run"], BEGUN)
        prepared.used = time.monotonic()
        start = time.perf_counter()
        plan, granted = plan_of(sent["jobs"], prepared.naming)
        events = []
        for event in process(
            plan, prepared.task, limits=prepared.limits, streams=Streams(),
            work=prepared.work._replace(again=sent["again"]), stopping=here.stopping,
        ):  # fmt: skip
            names, number = granted[event.job.number], event.job.number
            kept = [place for place, name in enumerate(names) if plan.claims.get(plan.key(name)) == ~number]
            events.append(told(event, names, kept))
        prepared.used = time.monotonic()
        has_failed = events and all(each.error is not None and not each.kept for each in events)
        if has_failed and _is_refused(prepared.answers):
            return _unprepared(sent["run"], here)
        if sent["again"]:
            here.set_mark(sent["run"], DONE)
    return packed({"events": events, "seconds": time.perf_counter() - start})


def _is_refused(answers: Sequence[Sequence[Any]]) -> bool:
    """Whether buckets and servers have come to refuse this worker, as they do where credentials have expired."""
    try:
        check_answered(answers, again=True)
    except ClusterError:
        return True
    return False


def _unprepared(run: str, here: Here) -> bytes:
    """Let the client prepare this worker, and see whether it is fit."""
    if (known := _runs.pop(run, None)) is not None:
        known.ends.close()
    return packed({"lacks": "prepared", "worker": here.address})
