"""Weight files that are damaged or forged end in numbers or in one line, run nothing and take little memory."""

import random
import sys
import time
import tracemalloc
from pathlib import Path

import pytest

from cnnfilter.errors import KernelError
from cnnfilter.weights.state import load_state
from tests.command import run
from tests.weights import broken

COUNTS = (120, pytest.param(500, marks=pytest.mark.slow))
MEMORY = 32 << 20
HARM = ("os.", "subprocess.", "pickle.", "socket.", "shutil.", "ctypes.")
"""Beginnings of the names by which Python tells of what a program does to others."""

_told = []
_listening = []


def _hear(event, arguments):
    if not _listening:
        return
    runs_text = event == "exec" and getattr(arguments[0], "co_filename", "") == "<string>"
    writes = event == "open" and isinstance(arguments[1], str) and set(arguments[1]) & set("wax+")
    if runs_text or writes or (event.startswith(HARM) and event not in ("os.listdir", "os.scandir")):
        _told.append((event, arguments))


sys.addaudithook(_hear)


class listening:  # a hook of Python's stays for ever
    """Hear what Python does; it must do nothing that harms."""

    def __enter__(self):
        _listening.append(True)

    def __exit__(self, *error):
        _listening.clear()
        told, _told[:] = _told[:], []
        assert told == []


def read(path):
    """How many arrays of a file are read, or the message that refuses it."""
    try:
        state = load_state(path)
        return len([state.array(name, state.shape(name)) for name in state.names])
    except KernelError as error:
        return str(error)


@pytest.mark.parametrize("count", COUNTS)
@pytest.mark.parametrize("kind", broken.sources())
@pytest.mark.filterwarnings("ignore::UserWarning:zipfile")
def test_a_damaged_file_is_read_or_is_one_line(tmp_path, kind, count):
    chance, whole = random.Random(kind), broken.sources()[kind]
    path = tmp_path / kind
    for data in whole:
        path.write_bytes(data)
        read(path)  # imports what this takes
    refused = 0
    tracemalloc.start()
    for i in range(count):
        path.write_bytes(broken.mutated(whole[i % len(whole)], chance))
        with listening():
            found = read(path)
        if isinstance(found, str):
            refused += 1
            assert found.startswith(f"{path}: ")
            assert "\n" not in found
            assert found.isprintable()
            assert len(found) < 1000
            assert "Invalid argument" not in found
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert refused > count / 3
    assert peak < MEMORY


EVIL = broken.evil()


@pytest.mark.parametrize("what", EVIL)
def test_a_forged_file_runs_nothing_and_ends(tmp_path, monkeypatch, what):
    monkeypatch.chdir(tmp_path)
    path = Path("net.pt")
    path.write_bytes(EVIL[what])
    read(path)
    begin = time.process_time()
    tracemalloc.start()
    with listening():
        found = read(path)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert isinstance(found, str)
    assert found.startswith("net.pt: ")
    assert "\n" not in found
    assert found.isprintable()
    assert not Path("ran").exists()
    assert peak < MEMORY + 100 * len(EVIL[what])
    assert time.process_time() - begin < 20


@pytest.mark.parametrize("what", ["call zip", "call sequence", "itself zip", "deep tables sequence", "bomb"])
def test_a_forged_file_is_one_line_of_the_program(tmp_path, monkeypatch, what):
    monkeypatch.chdir(tmp_path)
    Path("net.pt").write_bytes(EVIL[what])
    result = run("shape", "28x28x3", "conv:net.pt")
    assert result.exit_code == 2
    (line,) = result.messages
    assert line.startswith("cnnfilter: error: ")
    assert "net.pt: " in line
    assert not Path("ran").exists()


@pytest.mark.parametrize("kind", broken.sources())
def test_a_damaged_file_is_one_line_of_the_program(tmp_path, monkeypatch, kind):
    monkeypatch.chdir(tmp_path)
    chance, whole = random.Random(f"program {kind}"), broken.sources()[kind]
    for i in range(20):
        Path(kind).write_bytes(broken.mutated(whole[i % len(whole)], chance))
        result = run("shape", "28x28x3", f"conv:{kind}:name=conv1")
        assert result.exit_code in (0, 2)
        if result.exit_code:
            (line,) = result.messages
            assert line.startswith("cnnfilter: error: ")
