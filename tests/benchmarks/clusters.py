"""Clusters (`--cluster`) of this machine's processes: throughput beside `-j`, and what they cost their client.

What a batch takes is the time from its first event to its last: starting a cluster, and compiling on each worker, are
told apart by nobody here. What a client takes is read from `/proc` as its lines come.
"""

import contextlib
import functools
import os
import subprocess
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

from tests.benchmarks.folders import folder, new
from tests.benchmarks.inputs import size_of
from tests.benchmarks.measure import Different, Measured, alternate
from tests.benchmarks.peers import ALL_CORES, CORES, DASK, MOTO, PROC, TWO_CORES
from tests.benchmarks.processes import command
from tests.benchmarks.rows import Case, Target
from tests.buckets import buckets
from tests.clusters import cluster

WORK_OF_ZERO = """
from cnnfilter.batch.work import Event
from cnnfilter.cluster import worker


def done(plan, task, **_):
    for job in plan.jobs:
        yield Event(job, 0.0, targets=(job.target,), size=(16, 16), format="JPEG")


worker.process = done
"""
"""What a worker loads before all else, to say of every picture that it is written."""
PICTURE = 2e-4
"""Seconds that a picture may cost a client: its processor, and where the work is zero, the run."""


class Mark(NamedTuple):
    """What a process had taken when it told of one of its pictures: `processors` in seconds, memory in bytes."""

    time: float
    processors: float
    memory: int
    peak: int


def _mark(process):
    status = dict(line.split(":", 1) for line in Path(f"/proc/{process}/status").read_text().splitlines())
    times = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    used = (int(times[11]) + int(times[12])) / os.sysconf("SC_CLK_TCK")
    memory, peak = (int(status[name].split()[0]) * 1024 for name in ("VmRSS", "VmHWM"))
    return Mark(time.perf_counter(), used, memory, peak)


def _marks(arguments, count, *places, environment=()):
    """Run `cnnfilter` over `count` pictures: when it began, and a mark at the first, at each of `places`, and the last.

    Those are numbers of pictures, from 1 on and in order.
    """
    wanted = [1, *places, count]
    begin = time.perf_counter()
    with subprocess.Popen(
        [*command(), *map(str, arguments)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        env={**os.environ, **ALL_CORES, **dict(environment)},
    ) as process:
        marks, number, line = [], 0, b""
        for line in process.stderr:
            if line.startswith(b"wrote "):
                number += 1
                while len(marks) < len(wanted) and wanted[len(marks)] == number:
                    marks.append(_mark(process.pid))
    if process.returncode or len(marks) < len(wanted):
        msg = f"cnnfilter failed: {line.decode().strip()}"
        raise Different(msg)
    return begin, marks


def _seconds(source, outputs, *options):
    """Seconds a picture, from the first event to the last."""
    count = len(list(source.iterdir()))
    _, (first, last) = _marks(["apply", "edge", source, "-o", new(outputs), *options], count)
    return (last.time - first.time) / max(count - 1, 1)


def _local(count, size=None):
    def measure(setting):
        source = folder(setting, count, *(size or size_of(setting.megapixels)))
        with tempfile.TemporaryDirectory(dir=setting.folder) as outputs:
            ours, peer = (
                functools.partial(_seconds, source, outputs, *options)
                for options in (("--cluster", f"local:{CORES}"), ("-j", CORES))
            )
            peer()
            return alternate(ours, peer, setting)

    return measure


def _second_worker(setting):
    source = folder(setting, 2_000, 512, 512)
    with cluster(2) as two, cluster(1) as one, tempfile.TemporaryDirectory(dir=setting.folder) as outputs:
        ours, peer = (functools.partial(_seconds, source, outputs, "--cluster", each.address) for each in (two, one))
        return alternate(ours, peer, setting)


@functools.cache
def _many(setting):
    """Marks at a fifth of 100,000 tiny pictures, and at the last, and how many are between."""
    source = folder(setting, 100_000, 16, 16)
    count = len(list(source.iterdir()))
    with cluster(CORES) as made, tempfile.TemporaryDirectory(dir=setting.folder) as outputs:
        arguments = ["apply", "edge", source, "-o", new(outputs), "--cluster", made.address]
        _, (_, early, last) = _marks(arguments, count, max(1, count // 5))
    return early, last, count - max(1, count // 5)


def _client(setting):
    early, last, count = _many(setting)
    return Measured(max(last.processors - early.processors, 1e-9) / count, PICTURE)


def _memory(setting):
    early, last, _ = _many(setting)
    return Measured(last.memory, early.memory)


@functools.cache
def _million(setting):
    """When a run over a million inputs began, whose work is zero, its marks, and how many inputs there were."""
    count = min(10 * setting.most_files, 1_000_000)
    listed, preload = setting.folder / "listed.txt", setting.folder / "work_of_zero.py"
    listed.write_text("".join(f"s3://photos/2024/{i // 1000:04}/IMG_{i:07}.jpg\n" for i in range(count)))
    preload.write_text(WORK_OF_ZERO)
    with contextlib.ExitStack() as held:
        server = held.enter_context(buckets("photos", "edges"))
        made = held.enter_context(cluster(0, environment=server.environment()))
        for _ in range(CORES):
            made.start("--preload", preload)
        made.wait()
        arguments = ["apply", "edge", "--files-from", listed, "-o", "s3://edges/", "--cluster", made.address]
        begin, marks = _marks(arguments, count, environment=server.environment())
    return begin, marks, count


def _rate(setting):
    begin, (_, last), count = _million(setting)
    return Measured((last.time - begin) / count, PICTURE)


def _start(setting):
    begin, (first, _), _ = _million(setting)
    return Measured(first.time - begin, 10.0)


def _peak(setting):
    _, (_, last), _ = _million(setting)
    return Measured(last.peak, 1e9)


NEEDS = (DASK, PROC)
MILLION = "1,000,000 inputs with work of zero"

TARGETS = (
    Target(
        "cluster-local",
        "2,000 pictures of 512 squared, or 64 large ones, on workers of this machine, seconds a picture",
        "-j, all cores",
        0.9,
        (Case("2000-pictures", _local(2_000, (512, 512))), Case("64-large", _local(64))),
        NEEDS,
    ),
    Target(
        "cluster-second-worker",
        "2,000 pictures of 512 squared on two workers, seconds a picture",
        "on one",
        1.6,
        (Case("2000-pictures", _second_worker),),
        (*NEEDS, TWO_CORES),
    ),
    Target(
        "cluster-client",
        "100,000 tiny pictures, what the client's processor takes for one",
        "0.2 ms",
        1,
        (Case("processor", _client),),
        NEEDS,
    ),
    Target(
        "cluster-memory",
        "100,000 tiny pictures: the client's memory flat from the 20,000th on",
        "20,000 pictures",
        0.95,
        (Case("memory", _memory),),
        NEEDS,
        unit="B",
    ),
    Target(
        "million",
        f"{MILLION}, from the start, seconds a picture",
        "0.2 ms",
        1,
        (Case("all", _rate),),
        (*NEEDS, MOTO),
    ),
    Target("million-start", f"{MILLION}, to the first", "10 s", 1, (Case("first", _start),), (*NEEDS, MOTO)),
    Target(
        "million-memory", f"{MILLION}, the client's peak", "1 GB", 1, (Case("peak", _peak),), (*NEEDS, MOTO), unit="B"
    ),
)
