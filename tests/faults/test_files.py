"""Broken files of every format end in an output or in one line, and cost the others nothing."""

import ctypes
import os
import shutil
import socket
import sys
import threading
from pathlib import Path

import pytest

from tests.broken_files import SOURCES, broken
from tests.command import PHOTO, run, run_process, save
from tests.faults import CHAINS, contents, crops, finished

GOOD = 4
SEEDS = (1, 2)
PR_CAPBSET_DROP, CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH = 24, 1, 2  # of linux/prctl.h and linux/capability.h


def outcome(lines, names):
    """The names of the files that were written, and those that failed; check that nothing else is said."""
    written, failed = set(), set()
    for line in lines:
        kind, _, rest = line.removeprefix("cnnfilter: ").partition(" ")
        place = rest.split("/in/" if kind in ("error:", "warning:") else "/out/")[-1]
        if kind == "wrote":
            stem = place.split("  ")[0].rsplit("-", 1)[0]
            (name,) = [name for name in names if name.rsplit(".", 1)[0] == stem]
        else:
            name = place.split(": ")[0]
            assert name in names, line
            assert len(line) < 700, line
        if kind == "wrote":
            assert name not in written | failed, line
            written.add(name)
        elif kind == "error:":
            assert "internal error" not in line, line
            assert name not in written | failed, line
            failed.add(name)
        else:
            assert kind == "warning:", line
    return written, failed


@pytest.mark.slow
@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("command", CHAINS)
def test_broken_files_end_in_an_output_or_one_line(command, seed, tmp_path):
    crops(tmp_path / "in", GOOD)
    (tmp_path / "in" / "000.jpg").rename(tmp_path / "in" / "zzz.jpg")  # some come first, and some last
    assert finished(command, CHAINS[command], tmp_path / "in", "-o", tmp_path / "clean")[0] == 0
    clean = contents(tmp_path / "clean")
    assert len(clean) == GOOD
    files = broken(seed)
    assert len(files) >= 300
    for name, data in files.items():
        (tmp_path / "in" / name).write_bytes(data)
    names = {path.name for path in (tmp_path / "in").iterdir()}
    listed = tmp_path / "list"  # of a folder, tables of numbers would be passed over
    listed.write_text("\n".join(sorted(str(tmp_path / "in" / name) for name in names)))
    chain = CHAINS[command]
    code, _, lines = finished(command, chain, "--files-from", listed, "-o", tmp_path / "out", timeout=120)
    assert code == 1, lines[-5:]
    written, failed = outcome(lines[:-1], names)
    assert written | failed == names
    assert lines[-1] == f"{len(written)} written, {len(failed)} failed"
    done = contents(tmp_path / "out")
    assert len(done) == len(written)
    assert {name: done[name] for name in clean} == clean
    assert len(failed) > len(files) / 4  # they are broken


def test_the_files_are_whole_before_they_are_broken(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name, data in SOURCES.items():
        Path(name).write_bytes(data)
    result = run("apply", "gaussian", *SOURCES, "-o", "out/")
    assert result.exit_code == 0, result.err
    assert result.messages[-1] == f"{len(SOURCES)} written"


def test_one_broken_file_of_each_format_fails_by_itself(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name, data in SOURCES.items():
        Path(name).write_bytes(data[:20])
    result = run("apply", "gaussian", *SOURCES, "-o", "out/")
    assert result.exit_code == 1
    assert len(result.messages) == len(SOURCES) + 1
    assert result.messages[-1] == f"0 written, {len(SOURCES)} failed"


def strange():
    """Make, beside good pictures, what has a picture's name and is none; return what is said of each."""
    for name in ("a.png", "z.png"):
        save(name)
    Path("empty.png").touch()
    Path("gone.png").symlink_to("nowhere.png")
    Path("loop.png").symlink_to("loop.png")
    listener = socket.socket(socket.AF_UNIX)
    listener.bind("socket.png")
    listener.close()
    return {
        "empty.png": "empty file",
        "gone.png": "no such file",
        "loop.png": "cannot be read: Too many levels of symbolic links",
        "missing.png": "no such file",
        "socket.png": "cannot be read: No such device or address",
    }


@pytest.mark.parametrize("command", CHAINS)
def test_what_only_looks_like_a_file_fails_by_itself(command, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    said = strange()
    result = run(command, CHAINS[command], "a.png", *said, "z.png", "-o", "out/")
    assert result.exit_code == 1
    assert result.messages[1:-2] == [f"cnnfilter: error: {name}: {reason}" for name, reason in said.items()]
    assert result.messages[-1] == f"2 written, {len(said)} failed"
    assert run(command, CHAINS[command], "a.png", "z.png", "-o", "clean/").exit_code == 0
    assert contents(tmp_path / "out") == contents(tmp_path / "clean")


def test_in_a_folder_what_would_be_waited_for_is_passed_over(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("in/folder.png").mkdir(parents=True)
    monkeypatch.chdir("in")
    strange()
    os.mkfifo("pipe.png")
    result = run("apply", "edge", ".", "-o", "../out/")
    assert result.exit_code == 1
    assert [line.removeprefix("cnnfilter: error: ") for line in result.messages if "error" in line] == [
        "empty.png: empty file",
        "gone.png: no such file",
        "loop.png: cannot be read: Too many levels of symbolic links",
    ]
    assert result.messages[-2] == "passed over 2 files (2 special) and 1 folder (-r enters them)"
    assert sorted(contents(tmp_path / "out")) == ["a-edge.png", "z-edge.png"]


def test_a_pipe_that_somebody_writes_into_is_read(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    save("a.png")
    os.mkfifo("pipe.png")
    data = Path("a.png").read_bytes()
    write = Path("pipe.png").write_bytes
    writers = [threading.Thread(target=write, args=(each,), daemon=True) for each in (data, data[:300])]
    writers[0].start()
    assert run("apply", "edge", "pipe.png", "a.png").exit_code == 0
    assert Path("pipe-edge.png").read_bytes() == Path("a-edge.png").read_bytes()
    writers[1].start()
    result = run("apply", "edge", "pipe.png", "a.png", "--force")
    assert result.exit_code == 1
    assert result.messages[0] == "cnnfilter: error: pipe.png: cannot decode PNG: the file is damaged or cut off"
    for writer in writers:
        writer.join()


@pytest.mark.parametrize("command", CHAINS)
def test_a_file_that_vanishes_after_the_plan_fails_by_itself(command, tmp_path, monkeypatch):
    from cnnfilter.batch.claims import Plan

    monkeypatch.chdir(tmp_path)
    for i in range(6):
        save(f"{i}.png", PHOTO + i)
    assert run(command, CHAINS[command], *(f"{i}.png" for i in range(6) if i != 3), "-o", "clean/").exit_code == 0
    prepare = Plan.prepare
    monkeypatch.setattr(Plan, "prepare", lambda plan: (prepare(plan), Path("3.png").unlink()))
    result = run(command, CHAINS[command], *(f"{i}.png" for i in range(6)), "-o", "out/")
    assert result.exit_code == 1
    assert result.messages[3] == "cnnfilter: error: 3.png: no such file"
    assert result.messages[-1] == "5 written, 1 failed"
    assert contents(tmp_path / "out") == contents(tmp_path / "clean")


def test_a_folder_that_vanishes_during_the_run_fails_what_goes_there(tmp_path, monkeypatch):
    from cnnfilter.batch.claims import Plan

    monkeypatch.chdir(tmp_path)
    for folder in ("in/one", "in/two"):
        Path(folder).mkdir(parents=True)
        save(f"{folder}/a.png")
    Path("out/two").mkdir(parents=True)
    prepare = Plan.prepare
    monkeypatch.setattr(Plan, "prepare", lambda plan: (prepare(plan), shutil.rmtree("out")))
    result = run("apply", "edge", "in/", "-r", "-o", "out/")
    assert result.exit_code == 0, result.err  # folders are made as they are needed
    assert sorted(str(path) for path in Path("out").rglob("*.png")) == ["out/one/a-edge.png", "out/two/a-edge.png"]


def _give_up_reading_everything():
    """Drop what lets the superuser read a file whose permissions say no; nothing changes for anyone else."""
    libc = ctypes.CDLL(None)
    for capability in (CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH):
        libc.prctl(PR_CAPBSET_DROP, capability, 0, 0, 0)


@pytest.mark.skipif(sys.platform != "linux", reason="the superuser may read everything")
def test_a_file_that_may_not_be_read_fails_by_itself(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in "abc":
        save(f"{name}.png")
    assert run("apply", "edge", "a.png", "c.png", "-o", "clean/").exit_code == 0
    Path("b.png").chmod(0)
    result = run_process(
        "apply", "edge", "a.png", "b.png", "c.png", "-o", "out/", preexec_fn=_give_up_reading_everything
    )
    assert result.exit_code == 1, result.err
    assert result.messages[1] == "cnnfilter: error: b.png: cannot be read: Permission denied"
    assert result.messages[-1] == "2 written, 1 failed"
    assert contents(tmp_path / "out") == contents(tmp_path / "clean")
