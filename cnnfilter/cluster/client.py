"""Carry out a plan on a cluster: the same events as `batch.work.process` gives, in the same order."""

from __future__ import annotations

import contextlib
import os
import queue
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from cnnfilter.addresses.copies import read_files
from cnnfilter.batch.events import Ahead, Event
from cnnfilter.batch.memory import Memory, default_memory
from cnnfilter.batch.names import STREAM
from cnnfilter.batch.work import Work
from cnnfilter.cluster.connecting import check_installed, connected, name_of
from cnnfilter.cluster.ending import Live
from cnnfilter.cluster.probing import answers, probes
from cnnfilter.cluster.sending import Run
from cnnfilter.cluster.sent import naming_sent
from cnnfilter.cluster.words import with_files
from cnnfilter.cluster.worker import versions
from cnnfilter.cluster.workers import Workers
from cnnfilter.engine.bands import available_threads
from cnnfilter.errors import ArgumentError
from cnnfilter.writing.temporaries import Temporaries, sweep

if TYPE_CHECKING:
    from types import ModuleType

    from cnnfilter.batch.claims import Plan
    from cnnfilter.network.stages import Shape
    from cnnfilter.results.task import Task


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
        That `check` has nothing against.
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
    OutputError
        If the output folder cannot be made.
    """
    run = os.urandom(8).hex()
    live = Live(run, served.in_hand)
    with contextlib.ExitStack() as ends:
        ends.callback(live.discard)
        client, local = live.connection = ends.enter_context(connected(cluster))
        live.add()
        temporaries = ends.enter_context(contextlib.closing(Temporaries()))
        threads, memory = work.threads, work.memory.total if isinstance(work.memory, Memory) else work.memory
        if isinstance(cluster, int):  # they share this machine
            threads = threads or max(1, available_threads(None) // cluster)
            memory = (memory or default_memory()) // cluster
        sent = {
            "run": run, "arguments": [*arguments], "size": size, "versions": versions(), "threads": threads or 1,
            "memory": memory, "times": work.preserve_times, "naming": naming_sent(plan.naming),
            "probes": probes(plan, temporaries, ends), "answers": answers(plan),
        }  # fmt: skip
        arrived: queue.SimpleQueue[Any] = queue.SimpleQueue()
        workers = Workers(client, name_of(cluster), served.prepare, with_files(sent, read_files()), arrived)
        workers.begin()
        plan.prepare()
        for folder in plan.folders:
            temporaries.sweep(folder)
        carried = Run(plan, task, ahead, client, workers, served.work, run, arrived)
        live.parts = carried.parts
        try:
            yield from carried.events()
        finally:
            carried.end()
        if carried.deaths:
            for folder in plan.folders:
                sweep(folder)


def check(plan: Plan) -> None:
    """Refuse what no cluster can carry out; none is asked.

    Raises
    ------
    ArgumentError
        If an input or an output is only of this process.
    MissingExtraError
        If Dask is not installed.
    """
    naming = plan.naming
    output = naming.wanted.output or ""
    names = [output, *(each.name for each in plan.jobs.inputs)]
    is_in_memory = any(name.startswith("memory://") for name in names)
    if is_in_memory or STREAM in names:
        what = "memory:// is" if is_in_memory else "standard input and output are"
        msg = f"{what} of this process, and a cluster's workers are others; name files that they share, or addresses"
        raise ArgumentError(msg)
    if naming.may_name_device and any(job.is_device for job in plan.jobs):
        msg = f"'{output}' is a device of this machine, and a cluster's workers may be on others; name a file"
        raise ArgumentError(msg)
    check_installed()
