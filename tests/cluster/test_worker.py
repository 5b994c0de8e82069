"""A worker makes a run's task once, and works on what it is sent until it is told to end."""

import asyncio
import threading
from types import SimpleNamespace
from typing import get_args

import pytest

from cnnfilter.cli import served
from cnnfilter.cli.rebuilding import task_of
from cnnfilter.cluster import probing, worker
from cnnfilter.cluster.chunks import Sizes
from cnnfilter.cluster.sent import Sent
from cnnfilter.cluster.words import Told, packed, unpacked, with_files
from tests.cluster.fakes import ADDRESS, FakeHere, forget_runs


@pytest.fixture(autouse=True)
def _runs():
    yield
    forget_runs()


def told(run="run", arguments=("apply", "edge", "x.png"), **more):
    return {
        "run": run, "arguments": arguments, "size": None, "versions": worker.versions(), "threads": 1, "memory": None,
        "times": False, "naming": [None, None, False, False, None, False], "probes": [], "answers": [],
        **more,
    }  # fmt: skip


def test_a_worker_knows_a_few_runs_and_all_that_have_tasks(tmp_path):
    weights = tmp_path / "weights"
    weights.write_bytes(b"x")
    here = FakeHere()
    here.folder = tmp_path / "worker"
    here.folder.mkdir()
    for number in range(worker.MOST_RUNS + 1):
        assert unpacked(worker.prepare(with_files(told(str(number)), {"w": weights}), task_of, here)) is None
        assert unpacked(worker.prepare(with_files(told(str(number)), {}), None, FakeHere())) is None  # already
    assert len(worker._runs) == worker.MOST_RUNS + 1
    for each in worker._runs.values():
        each.used -= worker.REST + 1
    assert unpacked(worker.work(packed({"run": "1", "again": False, "jobs": []}), here))["events"] == []
    worker.prepare(with_files(told("new"), {}), task_of, here)
    assert [*worker._runs] == ["1", "3", "4", "new"]
    assert len([*here.folder.iterdir()]) == 3


@pytest.mark.parametrize(
    ("answer", "events"),
    [(True, 1), (None, 1), ("the credentials have expired", None)],
    ids=["well", "busy", "refused"],
)
def test_a_worker_that_buckets_come_to_refuse_is_to_be_tried_again(monkeypatch, answer, events):
    monkeypatch.setattr(probing, "_answer", lambda address: True)
    data = with_files(told(answers=[["s3://box/a.png", True]]), {})
    assert unpacked(worker.prepare(data, task_of, FakeHere())) is None
    monkeypatch.setattr(probing, "_answer", lambda address: answer)
    jobs = packed({"run": "run", "again": False, "jobs": [Sent("/not-here.png", "/not-here-edge.png", [])]})
    given = unpacked(worker.work(jobs, FakeHere()))
    if events is not None:
        assert [Told(*each).error for each in given["events"]] == ["no such file"]
    else:
        assert given == {"lacks": "prepared", "worker": ADDRESS}
        why = f"s3://box/a.png: {answer}; each worker needs credentials and settings of its own"
        assert unpacked(worker.prepare(data, task_of, FakeHere())) == why


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (("apply", "weights-that-are-not-here.npz", "x.png"), "weights-that-are-not-here.npz"),
        (("apply", "edge", "x.png", "--unknown"), "No such option"),
    ],
)
def test_a_task_that_cannot_be_made_here_is_told(arguments, why):
    assert why in unpacked(worker.prepare(with_files(told(arguments=arguments), {}), task_of, FakeHere()))


def test_a_chain_that_does_not_fit_the_size_it_is_tried_on_may_fit_others():
    arguments = ("run", "maxpool:100", "x.png")
    assert unpacked(worker.prepare(with_files(told(arguments=arguments), {}), task_of, FakeHere())) is None


def test_versions_name_what_decides_on_outputs():
    assert {*worker.versions()} == {"Python", "cnnfilter", "numpy", "pillow"}
    assert worker.versions()["Python"].count(".") == 1


def test_who_may_kill_a_worker_is_alone_on_it():
    alone = worker._Alone()
    order = []

    def enter(name, *, whole):
        with alone.held(whole=whole):
            order.append((name, alone.inside))

    with alone.held(whole=False):
        suspect = threading.Thread(target=enter, args=["suspect"], kwargs={"whole": True}, daemon=True)
        suspect.start()
        while not alone._suspects:
            pass
        later = threading.Thread(target=enter, args=["later"], kwargs={"whole": False}, daemon=True)
        later.start()
        assert alone.inside == 1
        assert order == []
    suspect.join(10)
    later.join(10)
    assert order == [("suspect", 1), ("later", 1)]
    assert alone.inside == 0


class FakeScheduler:
    def __init__(self):
        self.metadata = {}

    async def get_metadata(self, keys, default):
        return self.metadata.get(tuple(keys), default)

    async def set_metadata(self, keys, value):
        self.metadata[tuple(keys)] = value


def test_what_dask_tells_of_a_worker(monkeypatch):
    scheduler, task = FakeScheduler(), SimpleNamespace(state="executing")
    there = SimpleNamespace(
        get_current_task=lambda: "key", state=SimpleNamespace(tasks={"key": task}), scheduler=scheduler,
        status=SimpleNamespace(name="running"), memory_manager=SimpleNamespace(memory_limit=10**6), loop=None,
        contact_address=ADDRESS, local_directory="here",
    )  # fmt: skip
    monkeypatch.setattr("distributed.get_worker", lambda: there)
    monkeypatch.setattr("distributed.utils.sync", lambda loop, function, **options: asyncio.run(function(**options)))
    here = worker.Here()
    assert (here.address, here.memory, here.stopping(), here.mark("run")) == (ADDRESS, 500_000, False, None)
    assert here.folder == "here"
    there.memory_manager.memory_limit = None
    assert here.memory > 500_000
    here.set_mark("run", worker.BEGUN)
    assert here.mark("run") == worker.BEGUN
    assert scheduler.metadata == {("run", "key"): "begun"}
    task.state = "cancelled"
    assert here.stopping()
    task.state, there.status.name = "executing", "closing_gracefully"
    assert here.stopping()
    there.state.tasks = {}
    assert here.stopping()


def test_the_parts_of_dask_that_are_no_promise_are_there():
    """What `Here` asks for: where a version has it no longer, this fails, and not a run."""
    from distributed import Worker
    from distributed.core import Status
    from distributed.scheduler import Scheduler
    from distributed.worker_memory import WorkerMemoryManager
    from distributed.worker_state_machine import BaseWorker, TaskStateState

    assert Status.running.name == "running"
    assert "executing" in get_args(TaskStateState)
    assert hasattr(Scheduler, "get_metadata")
    assert hasattr(Scheduler, "set_metadata")
    assert "memory_limit" in WorkerMemoryManager.__annotations__
    assert issubclass(Worker, BaseWorker)
    assert hasattr(Worker, "get_current_task")
    assert "contact_address" in Worker.__annotations__


def test_workers_are_served_by_name(monkeypatch):
    monkeypatch.setattr(worker, "Here", FakeHere)
    assert unpacked(served.prepare(with_files(told(), {}))) is None
    assert unpacked(served.work(packed({"run": "unknown", "again": False, "jobs": []}))) == {
        "lacks": "prepared", "worker": ADDRESS,
    }  # fmt: skip
    assert served.in_hand() == 0


def test_a_worker_that_does_not_know_the_run_sees_that_another_has_begun_the_task():
    here = FakeHere({("unknown", "key"): worker.BEGUN})
    data = packed({"run": "unknown", "again": False, "jobs": []})
    assert unpacked(worker.work(data, here)) == {"lacks": "mark"}


def test_tasks_grow_to_some_seconds_and_shrink_towards_the_end():
    sizes, given = Sizes(), []
    for _ in range(12):
        given.append(sizes.next(10**6, 2))
        sizes.took(given[-1], given[-1] * 0.01)
    assert given == [1, 2, 4, 8, 16, 32, 64, 128, 200, 200, 200, 200]
    assert [sizes.next(left, 2) for left in (400, 40, 3, 1)] == [100, 10, 1, 1]
    sizes.took(200, 0.0)
    assert sizes.next(10**6, 2) > 200
    fast = Sizes()
    for _ in range(12):
        fast.took(fast.next(10**6, 2), 0.0)
    assert fast.next(10**6, 2) == 1000
