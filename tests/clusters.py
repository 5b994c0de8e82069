"""Dask schedulers and workers, each a process of its own: `cluster()` and what it starts end with its context.

A worker is a nanny with a child that works, as `dask worker` starts them; a signal to the child is what happens to a
worker, and its nanny starts another.
"""

import contextlib
import itertools
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.command import ROOT
from tests.faults import without_coverage

PATIENCE = 60
"""Seconds after which what was started counts as stuck; 1 to 2 are usual."""
SETTLING = 0.5
"""Seconds after which a nanny knows that its worker is there: it gives up where that is killed before."""
REGISTERED = re.compile(r"Registered to:")


def wait_until(condition, what, seconds=PATIENCE, process=None):
    """The first true value of a condition, which is asked often; an error if there is none in time, or of a process."""
    end = time.monotonic() + seconds
    while not (value := condition()):
        assert process is None or process.poll() is None, f"it ended before {what}: {process.stderr.read().decode()}"
        assert time.monotonic() < end, f"waited {seconds} s until {what}"
        time.sleep(0.02)
    return value


def children(process):
    """The ids of a process's children, whichever of its threads has started them; none once it has gone."""
    found = []
    with contextlib.suppress(OSError):
        for thread in Path(f"/proc/{process}/task").iterdir():
            found += map(int, (thread / "children").read_text().split())
    return sorted(found)


def family(process):
    """The ids of a process and of all below it."""
    return [process, *(each for child in children(process) for each in family(child))]


def words(process):
    """The command line of a process as one text; of one that has gone, nothing."""
    try:
        return Path(f"/proc/{process}/cmdline").read_bytes().replace(b"\0", b" ").decode()
    except OSError:
        return ""


def spawned(process):
    """The ids of the processes below one that Python's multiprocessing has spawned: a nanny's or `local`'s workers."""
    below = [child for child in children(process) if "spawn_main" in words(child)]
    return below + [worker for child in children(process) for worker in spawned(child)]


class Part:
    """A scheduler or a worker: its process, and the log that it writes."""

    def __init__(self, folder, name, arguments, environment, prefix=()):
        self.name, self.log = name, folder / f"{name}.log"
        self._seen, self._killed = (0, 0.0), 0
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [*map(str, prefix), sys.executable, "-m", "dask", *map(str, arguments)],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment, cwd=folder, start_new_session=True,
            )  # fmt: skip

    def workers(self):
        """The ids of the processes that work here: one, or none while the nanny starts another."""
        return spawned(self.process.pid)

    def registered(self):
        """How often a worker of this nanny has told the scheduler that it is there."""
        return len(REGISTERED.findall(self.log.read_text(errors="replace")))

    def is_settled(self):
        """Whether its worker is there, and the nanny knows of it; as far as it was asked before."""
        count = self.registered()
        if count != self._seen[0]:
            self._seen = count, time.monotonic()
        return count > self._killed and time.monotonic() > self._seen[1] + SETTLING and bool(self.workers())

    def kill(self):
        """Kill what works here; the nanny starts another."""
        self._killed = self.registered()
        for process in self.workers():
            os.kill(process, signal.SIGKILL)

    def send(self, number):
        """Send a signal to the nanny or the scheduler and all that it has started."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, number)

    def end(self):
        """Kill it and all below it but the trackers of Python's multiprocessing, which remove its semaphores then."""
        if self.process.poll() is None:
            os.kill(self.process.pid, signal.SIGSTOP)  # it starts no more of them
            below = family(self.process.pid)
            trackers = [each for each in below if "resource_tracker" in words(each)]
            for each in set(below).difference(trackers):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(each, signal.SIGKILL)
            self.process.wait(PATIENCE)
            wait_until(lambda: not any(map(words, trackers)), "its semaphores are removed")
        self.send(signal.SIGKILL)  # what it has left


class Cluster:
    """A scheduler at `address`, and its workers."""

    def __init__(self, folder, environment):
        self.folder, self.environment = folder, environment
        told = folder / "scheduler.json"
        arguments = ["--host", "127.0.0.1", "--port", "0", "--dashboard-address", ":0", "--scheduler-file", told]
        self.scheduler = Part(folder, "scheduler", ["scheduler", *arguments], environment)
        self.workers = []
        self._numbers = itertools.count()
        self._told = told

    @property
    def address(self):
        def read():
            with contextlib.suppress(OSError, ValueError):
                return json.loads(self._told.read_text())["address"]

        return wait_until(read, "the scheduler told its address")

    def start(self, *options, threads=1, environment=None, prefix=()):
        """Start a worker, with other options of `dask worker`, another environment, or another command before it."""
        name = f"worker-{next(self._numbers)}"
        arguments = [
            "worker", self.address, "--host", "127.0.0.1", "--nthreads", threads, "--no-dashboard",
            "--local-directory", self.folder / name, "--death-timeout", PATIENCE, *options,
        ]  # fmt: skip
        worker = Part(self.folder, name, arguments, {**self.environment, **(environment or {})}, prefix)
        self.workers.append(worker)
        return worker

    def wait(self):
        """Wait until all workers are there."""
        for worker in self.workers:
            wait_until(worker.registered, f"{worker.name} registered")
        time.sleep(SETTLING)
        return self

    def kill_one(self, draw):
        """Kill one of the workers that are settled; whether there was one. Where a nanny gave up, start another."""
        for worker in self.workers:
            if worker.process.poll() is not None:
                self.workers.remove(worker)
                self.start()
        settled = [worker for worker in self.workers if worker.is_settled()]
        if settled:
            draw.choice(settled).kill()
        return bool(settled)

    def log(self):
        """All that scheduler and workers have logged, for a test that failed."""
        parts = [self.scheduler, *self.workers]
        return "\n".join(f"== {part.name}\n{part.log.read_text(errors='replace')}" for part in parts)

    def end(self):
        for part in (*self.workers, self.scheduler):
            part.end()


def settings(**values):
    """Dask's settings as its environment: `scheduler__worker_ttl="3s"` is `distributed.scheduler.worker-ttl`."""
    return {f"DASK_DISTRIBUTED__{name.upper()}": value for name, value in values.items()}


@contextlib.contextmanager
def cluster(workers=2, threads=1, environment=None):
    """A scheduler with as many workers, in this environment besides the tests'."""
    base = {**without_coverage(), "PYTHONPATH": str(ROOT), **(environment or {})}
    with tempfile.TemporaryDirectory(prefix="cluster-", ignore_cleanup_errors=True) as folder:
        made = Cluster(Path(folder), {**base, "DASK_TEMPORARY_DIRECTORY": folder})
        try:
            for _ in range(workers):
                made.start(threads=threads)
            yield made.wait()
        finally:
            made.end()
