"""A scheduler and its workers in this process, which fail as they are told to."""

import contextlib
import os
from pathlib import Path
from types import SimpleNamespace

import numpy as np
from PIL import Image

from cnnfilter.batch.work import Work
from cnnfilter.cli.rebuilding import task_of
from cnnfilter.cluster import client, worker
from cnnfilter.cluster.words import unpacked
from tests.plans import planned

ADDRESS, OTHER = "tcp://127.0.0.1:1", "tcp://127.0.0.1:2"


class KilledWorker(Exception):
    """As Dask calls it; its own module is not loaded here."""


def pictures(*names, shape=(6, 8, 3)):
    Path("in").mkdir(exist_ok=True)
    for number, name in enumerate(names):
        noise = np.random.default_rng(number).integers(0, 255, shape, np.uint8)
        Image.fromarray(noise).save(f"in/{name}")
    return [f"in/{name}" for name in names]


def forget_runs():
    """Let the worker of this process forget its runs, as a new one has none."""
    while worker._runs:
        worker._runs.popitem()[1].ends.close()


class FakeFuture:
    def __init__(self, key):
        self.key, self.status, self.given = key, "pending", None

    def ended(self, status, given=None):
        self.status, self.given = status, given
        return self

    def result(self, timeout=None):
        if isinstance(self.given, BaseException):
            raise self.given
        return self.given

    def exception(self):
        return self.given

    def add_done_callback(self, call):
        if self.status != "pending":
            call(self)

    def release(self):
        pass

    def cancel(self):
        self.status = "cancelled"


class LostFuture(FakeFuture):
    """What it gave is lost before somebody takes it; then another does it, and it is there again."""

    def add_done_callback(self, call):
        self.status = {"lost": "pending", "pending": "finished"}.get(self.status, "lost")
        call(self)


class FakeHere:
    """The worker that a task is on: `stops` says after how many pictures it is told to end."""

    memory, address, folder = 10**9, ADDRESS, None

    def __init__(self, marks=None, key="key", stops=None):
        self.marks, self.key, self.stops = {} if marks is None else marks, key, stops

    def stopping(self):
        self.stops = None if self.stops is None else self.stops - 1
        return self.stops is not None and self.stops < 0

    def mark(self, run):
        return self.marks.get((run, self.key))

    def set_mark(self, run, mark):
        self.marks[run, self.key] = mark


class FakeClient:
    """Does each task as it is submitted. `faults` are taken one after the other, before the task is done.

    ``None`` is none, ``"mark"`` a worker that dies in its work, ``"waits"`` one that dies before it, ``"stops"`` one
    that ends after a picture, ``"leaves"`` one that ends before any, ``"begun"`` one that is not heard of any more,
    ``"lost"`` one that dies with what it gave, ``"twice"`` one after which another does it too, and others are statuses
    of a future, or an error.
    """

    def __init__(self, faults=(), workers=(ADDRESS,)):
        self.status, self.marks, self.faults, self.sent = "running", {}, list(faults), []
        self.jobs = []
        self.there = dict.fromkeys(workers, 1)
        self.told = {}
        self.cancelled, self.metadata, self.scattered, self.closed = [], {}, [], []

    def scheduler_info(self, n_workers=5):
        return {"workers": {address: {"nthreads": threads, **self.told} for address, threads in self.there.items()}}

    def scatter(self, data, **options):
        self.scattered.append(options)
        return data

    def submit(self, function, data, *, key=None, workers=None, **options):
        assert self.status == "running", "Dask raises an error of its own"
        fault = self.faults.pop(0) if self.faults and key else None
        future = (LostFuture if fault == "lost" else FakeFuture)(key or f"prepare-{workers}")
        if key is None:
            assert not options["allow_other_workers"], "it prepares the worker that it is for"
            return self.prepared(future, function, data, workers[0])
        self.sent.append((key, workers))
        self.jobs.append(len(unpacked(data)["jobs"]))
        here = FakeHere(self.marks, key, {"stops": 1, "leaves": 0}.get(fault))
        if fault in ("mark", "begun"):
            here.set_mark(key.split("-")[1], worker.BEGUN)
        if fault == "waits":
            return future.ended("error", KilledWorker())
        if fault == "killed":
            here.set_mark(key.split("-")[1], worker.BEGUN)
            return future.ended("error", KilledWorker())
        if isinstance(fault, BaseException):
            return future.ended("error", fault)
        if fault == "unread":
            return future.ended("finished", b"?")
        if callable(fault):
            fault()
        if fault in ("cancelled", "pending", "begun"):
            return future.ended("cancelled" if fault == "cancelled" else "pending")
        if fault == "twice":
            function(data, here)
        return future.ended("finished", function(data, here))

    def prepared(self, future, function, data, address):
        return future.ended("finished", function(data))

    def get_metadata(self, keys, default):
        return self.marks.get(tuple(keys), default)

    def set_metadata(self, key, value):
        self.metadata[key] = value

    def cancel(self, futures, **options):
        self.cancelled += futures

    def run(self, function):
        return {ADDRESS: function()}

    def close(self, timeout=None):
        self.closed.append(timeout)


SERVED = SimpleNamespace(
    prepare=lambda data: worker.prepare(data, task_of, FakeHere()), work=worker.work, in_hand=worker.in_hand
)


def carried_out(
    monkeypatch, fake, names, arguments=("apply", "edge", "x.png"), *, cluster=ADDRESS, local=None, **wanted
):
    """The events of a run of a command on files, on a cluster that a fake client stands for."""

    @contextlib.contextmanager
    def connected(cluster):
        yield fake, local

    monkeypatch.setattr(client, "connected", connected)
    task, _ = task_of(arguments, None)
    wanted.setdefault("output", "out" + os.sep)
    return client.process(
        planned(names, kernel=task.name, told=task.told, default=task.default, **wanted), task, work=Work(),
        cluster=cluster, arguments=arguments, size=None, served=SERVED,
    )  # fmt: skip
