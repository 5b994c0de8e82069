"""What a command does when something has to be compiled: it says so, and compiles the rest too."""

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
import typing
from pathlib import Path

import numpy as np
import pytest

from cnnfilter.cli.compiling import compiling
from cnnfilter.engine import methods, native, warmup
from tests.command import ROOT, run_process

LEFT_TO_NUMBA = any(os.environ.get(name, "0") != "0" for name in native.PLAIN_VARIABLES)

KILLED_LATER = """
import time
from cnnfilter.engine import warmup
first = warmup.Warmup()
first.start()
print(first.helper.pid, flush=True)
time.sleep(60)
"""


@pytest.fixture(autouse=True)
def told(monkeypatch):
    monkeypatch.setattr(native, "on_compile", [])


@pytest.mark.parametrize(("is_terminal", "quiet"), [(True, False), (True, True), (False, False)])
def test_it_is_said_once_and_to_a_terminal_only(is_terminal, quiet, monkeypatch, capsys):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: is_terminal)
    with compiling(quiet=quiet, everything=False):
        for _ in range(2):
            for tell in list(native.on_compile):
                tell()
    said = "compiling for this machine; the next run starts at once\n"
    assert capsys.readouterr().err == (said if is_terminal and not quiet else "")


@pytest.mark.skipif(LEFT_TO_NUMBA, reason="nothing is stored")
def test_after_the_first_kernel_no_kernel_compiles(tmp_path, monkeypatch):
    store = tmp_path / "store"
    monkeypatch.setenv("CNNFILTER_CACHE_DIR", str(store))
    picture = str(ROOT / "samples" / "chelsea.png")
    random = np.random.default_rng(1)
    for side in (11, 17):  # rows share taps; spectra
        np.save(tmp_path / f"{side}.npy", random.normal(size=(side, side)))
    np.save(tmp_path / "sparse.npy", random.normal(size=(5, 5)) * np.eye(5))
    assert run_process("apply", "edge", picture, "-o", str(tmp_path / "edge.png")).exit_code == 0
    kept = {path.name for path in store.iterdir()}
    assert sum(name.startswith("all-") for name in kept) == 1
    others = [
        "gaussian",
        "sobel",
        "kirsch",
        "sharpen",
        "gaussian:sigma=3",
        "box:size=9",
        "laplacian",
        *(str(tmp_path / f"{name}.npy") for name in ("11", "17", "sparse")),
    ]
    for number, kernel in enumerate([*others, "scharr"]):
        scale = ["--scale", "l1"] if kernel == "scharr" else []
        assert run_process("apply", kernel, picture, "-o", str(tmp_path / f"{number}.png"), *scale).exit_code == 0
        assert {path.name for path in store.iterdir()} == kept, kernel


@pytest.mark.skipif(LEFT_TO_NUMBA, reason="nothing is stored")
def test_the_two_processes_share_the_work_once(tmp_path, monkeypatch):
    monkeypatch.setenv("CNNFILTER_CACHE_DIR", str(tmp_path))
    started = []

    class Process(contextlib.nullcontext):
        def __init__(self, arguments, **_):
            super().__init__()
            started.append(arguments)

        def kill(self):
            """It has ended."""

        def wait(self, seconds):
            warmup.second_part()
            return 0

    monkeypatch.setattr(subprocess, "Popen", Process)
    with compiling(quiet=True, everything=True):
        native.on_compile[0]()
    assert len(started) == 1
    assert any(path.name.startswith("all-") for path in tmp_path.iterdir())
    with compiling(quiet=True, everything=True):
        native.on_compile[0]()
    assert len(started) == 1


def test_every_method_is_used():
    kinds = {type(use.__closure__[0].cell_contents) for part in warmup.parts() for use in part}
    assert kinds == set(typing.get_args(methods.Method))


@pytest.mark.skipif(LEFT_TO_NUMBA, reason="nothing is stored")
@pytest.mark.parametrize("failure", [KeyboardInterrupt, subprocess.TimeoutExpired])
def test_the_second_process_does_not_outlive_the_first(failure, tmp_path, monkeypatch):
    monkeypatch.setenv("CNNFILTER_CACHE_DIR", str(tmp_path))
    monkeypatch.setattr(warmup, "parts", lambda: ([], []))
    monkeypatch.setattr(warmup, "LONGEST", 0.01)
    started = []

    class Sleeping(subprocess.Popen):
        def __init__(self, arguments, **options):
            super().__init__([*arguments[:2], "import time; time.sleep(60)"], **options)
            started.append(self)

    monkeypatch.setattr(subprocess, "Popen", Sleeping)
    with contextlib.suppress(KeyboardInterrupt), compiling(quiet=True, everything=True):
        native.on_compile[0]()
        if failure is KeyboardInterrupt:
            raise failure
    assert [process.poll() for process in started] == [-signal.SIGKILL]
    assert not native.on_compile
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(LEFT_TO_NUMBA, reason="nothing is stored")
def test_the_second_process_ends_where_the_first_is_killed(tmp_path):
    """The first is a process that starts the second, says so, and waits."""
    first = subprocess.Popen(
        [sys.executable, "-c", KILLED_LATER],
        env={**os.environ, "CNNFILTER_CACHE_DIR": str(tmp_path)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
    )
    second = int(first.stdout.readline())
    first.kill()
    first.communicate()
    end = time.monotonic() + 20
    while _is_running(second) and time.monotonic() < end:
        time.sleep(0.05)
    assert not _is_running(second)
    assert not list(tmp_path.glob("all-*"))


def test_a_process_ends_with_a_pipe(monkeypatch):
    ended = threading.Event()
    monkeypatch.setattr(os, "_exit", lambda code: ended.set())
    reading, writing = os.pipe()
    warmup.end_with(reading)
    assert not ended.wait(0.05)
    os.close(writing)
    assert ended.wait(10)
    os.close(reading)


def _is_running(process):
    try:
        os.kill(process, 0)
    except ProcessLookupError:  # pragma: no cover  (where somebody waits for orphans)
        return False
    status = Path(f"/proc/{process}/stat")
    return not (status.exists() and status.read_text().rpartition(")")[2].split()[0] == "Z")  # nobody waited for it


def test_no_second_process_where_python_cannot_be_started(monkeypatch, tmp_path):
    monkeypatch.setenv("CNNFILTER_CACHE_DIR", str(tmp_path))
    monkeypatch.setattr(sys, "executable", None)
    helper = warmup.Warmup()
    helper.start()
    helper.stop()
    assert helper.helper is None
