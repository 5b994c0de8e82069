"""Time two sides by turns, in this process or each as a process."""

import json
import os
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tests.benchmarks.peers import ALL_CORES

SHORTEST = 0.02
"""Seconds that one turn should take at least: shorter work is repeated."""

PAUSE = 0.02
"""Seconds before a turn: OpenMP's and OpenCV's threads spin for a while when their work is done."""

MOST_TURNS = 100

LAUNCHER = [sys.executable, "-I", "-S", str(Path(__file__).with_name("launcher.py"))]


class Different(Exception):
    """The two sides do not compute the same, or one does not run."""


@dataclass(frozen=True)
class Setting:
    """Where and how thoroughly to measure.

    `seconds` is how long turns go on after the first `runs`; `most_files` is the largest folder, and an epoch has
    `pictures`.
    """

    folder: Path
    megapixels: float = 12
    runs: int = 5
    seconds: float = 1.0
    most_files: int = 100_000
    pictures: int = 2560


@dataclass(frozen=True)
class Measured:
    """What this project and the peer took (or a limit allows), in seconds or bytes."""

    ours: float
    peer: float

    @property
    def ratio(self):
        """How much better this project is: above 1 it is."""
        return self.peer / self.ours


def alternate(ours, peer, setting):
    """The medians of two sides; each is a function that runs once and returns what it took."""
    taken = ([], [])
    begin = time.perf_counter()
    while len(taken[0]) < setting.runs or (
        time.perf_counter() - begin < setting.seconds and len(taken[0]) < MOST_TURNS
    ):
        for side, values in zip((ours, peer), taken, strict=True):
            time.sleep(PAUSE)
            values.append(side())
    return Measured(statistics.median(taken[0]), statistics.median(taken[1]))


def calls(function):
    """A side that calls a function, which is warmed up here."""
    function()
    count = max(1, round(SHORTEST / _seconds(function, 1)))
    return lambda: _seconds(function, count)


def _seconds(function, count):
    begin = time.perf_counter()
    for _ in range(count):
        function()
    return (time.perf_counter() - begin) / count


def agree(ours, peer, tolerance):
    """Raise `Different` unless two arrays are the same but for `tolerance`."""
    if ours.shape != peer.shape:
        msg = f"shapes differ: {ours.shape} here, {peer.shape} there"
        raise Different(msg)
    largest = float(np.abs(ours.astype(np.float64) - peer).max())
    if not largest <= tolerance:
        msg = f"results differ by {largest:.3g}, more than {tolerance:.3g}"
        raise Different(msg)


def run_process(command, environment=()):
    """Run a command to its end; return its seconds, those of the processors, and its peak memory in bytes."""
    result = subprocess.run(
        [*LAUNCHER, *map(str, command)],
        env={**os.environ, **ALL_CORES, **dict(environment)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if result.returncode != 0:
        lines = result.stderr.strip().splitlines() or [f"exit code {result.returncode}"]
        msg = f"{Path(command[0]).name} failed: {lines[-1]}"
        raise Different(msg)
    return json.loads(result.stdout)


def process(command, environment=()):
    """A side that runs a command, which is warmed up here."""
    run_process(command, environment)
    return lambda: run_process(command, environment)["seconds"]
