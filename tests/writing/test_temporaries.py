"""A temporary file is held while it is written, and removed by whoever finds that nobody holds it."""

import errno
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from cnnfilter.writing import temporaries
from cnnfilter.writing.temporaries import Temporaries, sweep
from tests.command import ROOT, run, save


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


STALE = ".a-edge.png.cnnfilter-0123456789abcdef.tmp"


def test_a_temporary_that_was_left_behind_is_removed_by_the_next_run_and_nothing_else():
    save("a.png")
    others = ["." + STALE, STALE + "x", "b.tmp", ".a.png.cnnfilter-0123.tmp"]
    for name in [STALE, *others[1:]]:
        Path(name).write_text("x")
    assert run("apply", "edge", "a.png").exit_code == 0
    assert sorted(path.name for path in Path().iterdir()) == sorted(["a.png", "a-edge.png", *others[1:]])


def test_a_temporary_that_is_held_is_not_removed():
    held = Temporaries()
    path, file = held.open(Path("a.png"), None)
    with file:
        sweep(".")
        assert path.exists()
    sweep(".")
    assert not path.exists()
    sweep("nowhere")


def test_a_temporary_taken_for_one_left_behind_is_replaced_by_another(monkeypatch):
    lock = temporaries._lock
    taken = []

    def late(descriptor, *, wait):
        if not taken:
            taken.extend(Path().glob(".a.png.*"))
            sweep(".")
        return lock(descriptor, wait=wait)

    def once(descriptor, *, wait):
        monkeypatch.setattr(temporaries, "_lock", lock)
        return late(descriptor, wait=wait)

    monkeypatch.setattr(temporaries, "_lock", once)
    path, file = Temporaries().open(Path("a.png"), 0o600)
    file.close()
    assert path.exists()
    assert not taken[0].exists()


def test_where_nothing_can_be_locked_nothing_is_removed(monkeypatch):
    import fcntl

    def fail(descriptor, operation):
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    Path(STALE).write_text("x")
    monkeypatch.setattr(fcntl, "flock", fail)
    sweep(".")
    assert Path(STALE).exists()


def test_on_windows_an_open_file_is_locked_by_itself(monkeypatch):
    monkeypatch.setattr(temporaries, "fcntl", None)
    save("b.png")
    assert run("apply", "edge", "b.png").exit_code == 0
    path, file = Temporaries().open(Path("a.png"), None)
    file.close()
    sweep(".")
    assert not path.exists()


def test_a_run_that_ends_removes_its_temporaries_and_opens_no_more():
    run_ = Temporaries()
    path, file = run_.open(Path("a.png"), None)
    run_.close()
    file.close()
    assert not path.exists()
    with pytest.raises(InterruptedError):
        run_.open(Path("a.png"), None)


def test_the_module_without_locks_can_be_imported():
    code = (
        "import sys; sys.modules['fcntl'] = None; from cnnfilter.writing import temporaries as it; assert not it.fcntl"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)


def test_a_folder_that_is_written_to_later_than_planned_is_swept_as_well():
    Path("real").mkdir()
    save("real/a.png")
    Path("link.png").symlink_to("real/a.png")
    (Path("real") / STALE).write_text("x")
    assert run("apply", "edge", "link.png", "--in-place").exit_code == 0
    assert [path.name for path in Path("real").iterdir()] == ["a.png"]


def test_a_temporary_that_cannot_be_removed_is_tried_again_at_the_end(monkeypatch):
    unlink = Path.unlink

    def fail(path, **options):
        monkeypatch.setattr(Path, "unlink", unlink)
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    save("a.png")
    monkeypatch.setattr(Path, "unlink", fail)
    assert run("apply", "edge", "a.png").exit_code == 0
    assert sorted(path.name for path in Path().iterdir()) == ["a-edge.png", "a.png"]


def test_all_runs_temporaries_are_removed_when_the_process_is_told_to_end():
    one, two = Temporaries(), Temporaries()
    opened = [one.open(Path("a.png"), None), two.open(Path("b.png"), None)]
    temporaries.remove_all()
    assert list(Path().iterdir()) == []
    for _, file in opened:
        file.close()
    with pytest.raises(InterruptedError):
        two.open(Path("c.png"), None)
    assert temporaries._runs == set()


def test_a_run_that_is_told_to_end_before_it_has_opened_any_opens_none():
    run_ = Temporaries()
    temporaries.remove_all()  # by the handler, while another thread is on its way to open the first
    with pytest.raises(InterruptedError):
        run_.open(Path("a.png"), None)
    assert list(Path().iterdir()) == []


@pytest.mark.parametrize("mode", [None, 0o600])
def test_a_signal_that_comes_while_a_temporary_is_opened_leaves_none(mode, monkeypatch):
    def opened(*args, **options):
        file = open(*args, **options)  # noqa: PTH123, SIM115
        temporaries.remove_all()  # what a signal's handler does, before the opening thread has the file
        return file

    monkeypatch.setattr(temporaries, "open", opened, raising=False)
    with pytest.raises(InterruptedError):
        Temporaries().open(Path("a.png"), mode)
    assert list(Path().iterdir()) == []


def test_a_temporary_that_cannot_be_opened_is_not_removed_later(monkeypatch):
    monkeypatch.setattr(os, "urandom", bytes)
    path = Path(f".a.png.cnnfilter-{bytes(8).hex()}.tmp")
    run_ = Temporaries()
    run_.sweep(Path())
    path.write_text("another's")
    with pytest.raises(FileExistsError):
        run_.open(Path("a.png"), None)
    run_.close()
    assert path.exists()


def test_a_thread_that_hangs_while_it_opens_a_file_is_not_waited_for(monkeypatch):
    monkeypatch.setattr(temporaries, "PATIENCE", 0.05)
    run_ = Temporaries()
    _, file = run_.open(Path("a.png"), None)
    begun, release = threading.Event(), threading.Event()

    def hang():
        with run_._lock:
            begun.set()
            release.wait(10)

    thread = threading.Thread(target=hang)
    thread.start()
    begun.wait(10)
    begin = time.monotonic()
    temporaries.remove_all()
    assert time.monotonic() - begin < 2
    release.set()
    thread.join()
    file.close()
    assert list(Path().iterdir()) == []
