"""The progress bar is for a person who watches, and for nobody else."""

import io
import os
import pty
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

from cnnfilter.batch.events import Event
from cnnfilter.batch.jobs import Job
from cnnfilter.cli import progress, render
from cnnfilter.cli.progress import wants_progress
from tests.command import COMMAND, ROOT, Terminal, save


@pytest.fixture
def terminal(monkeypatch):
    """Makes standard error a terminal, once the test has begun: pytest sets its own before that."""

    def make():
        stream = Terminal()
        monkeypatch.setattr(sys, "stderr", stream)
        monkeypatch.setattr(sys, "stdout", io.StringIO())
        return stream

    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.delenv("NO_COLOR", raising=False)
    return make


def wanted(total=3, *, quiet=False, told=False):
    return wants_progress(total, quiet=quiet, told=told)


def test_a_bar_is_wanted_for_several_inputs_on_a_terminal(terminal):
    terminal()
    assert wanted()
    assert not wanted(1)
    assert not wanted(quiet=True)


@pytest.mark.parametrize(("name", "value"), [("TERM", "dumb"), ("TERM", "unknown")])
def test_no_bar_where_convention_has_none(terminal, monkeypatch, name, value):
    terminal()
    assert wanted()
    monkeypatch.setenv(name, value)
    assert not wanted()


def test_no_bar_among_results_on_the_same_terminal(terminal, monkeypatch):
    terminal()
    assert wanted(told=True)
    monkeypatch.setattr(sys, "stdout", Terminal())
    assert not wanted(told=True)
    assert wanted()


@pytest.mark.parametrize("stream", [None, io.StringIO()])
def test_no_bar_without_a_terminal(terminal, monkeypatch, stream):
    terminal()
    monkeypatch.setattr(sys, "stderr", stream)
    assert not wanted()
    events = [1, 2]
    with progress.progress(2, quiet=False, told=False) as count:
        assert count(events) is events


def test_the_bar_counts_and_messages_stand_above_it(terminal):
    stream = terminal()
    job = Job(Path("a.png"), None)
    events = [Event(job, 0.1, pixels=10**6), Event(job, 0.1, error="no"), Event(job, 0, skipped=True)]
    with progress.progress(3, quiet=False, told=False) as count:
        for event in count(events):
            render.message(f"[bold]{event.error} " + "x" * 200)
    text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", stream.getvalue())
    assert "3/3" in text
    assert re.search(r"\d pictures/s \d+\.\d MP/s", text)
    assert "1 failed" in text
    assert "[bold]no " + "x" * 200 + "\n" in text
    render.message("after")
    assert stream.getvalue().endswith("after\n")


def test_lines_that_come_fast_are_written_together(terminal, monkeypatch):
    monkeypatch.setattr(progress, "PAUSE", 0.05)
    stream, drawn = terminal(), []
    monkeypatch.setattr(stream, "flush", lambda: drawn.append(1))
    with progress.progress(300, quiet=False, told=False):
        render.message("first")
        assert "first\n" in stream.getvalue()  # at once
        for number in range(300):
            render.message(f"line {number}")
        assert "line 299" not in stream.getvalue()
        end = time.monotonic() + 20
        while "line 299\n" not in stream.getvalue() and time.monotonic() < end:  # and nothing follows it
            time.sleep(0.01)
        assert "".join(f"line {number}\n" for number in range(300)) in stream.getvalue()
        render.message("and")
        render.message("last")
    assert "last\n" in stream.getvalue()
    assert len(drawn) < 100


def test_last_words_stand_behind_lines_that_wait(terminal, monkeypatch, capfd):
    monkeypatch.setattr(progress, "PAUSE", 60)
    terminal()
    with progress.progress(3, quiet=False, told=False):
        render.message("first")
        render.message("second")
        render.last_words("interrupted")
    assert capfd.readouterr().err == "\r\x1b[K\x1b[?25hsecond\ninterrupted\n"


def test_a_terminal_that_is_gone_ends_nothing(terminal, monkeypatch):
    monkeypatch.setattr(progress, "PAUSE", 60)
    terminal()

    def fail(text):
        written.append(text)
        raise OSError(5, "Input/output error")

    written = []
    above = progress._Above(fail)
    with pytest.raises(OSError, match="Input/output"):  # which whoever tells the message takes care of
        above("first")
    above._written = time.monotonic()
    above("second")
    above.close()
    assert written == ["first", "second"]


@pytest.mark.parametrize(("columns", "has_bar"), [(20, False), (64, False), (70, True), (200, True)])
def test_a_narrow_terminal_has_the_count_the_time_and_the_failures(terminal, monkeypatch, columns, has_bar):
    monkeypatch.setenv("COLUMNS", str(columns))
    stream = terminal()
    event = Event(Job(Path("a.png"), None), 0.1, error="no", pixels=10**7)
    with progress.progress(2, quiet=False, told=False) as count:
        list(count([event, event]))
    shown = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", stream.getvalue())
    last = re.split(r"[\r\n]+", shown.strip())[-1]
    assert re.search(r"2/2 .*\d:\d\d 2 failed$", last)
    assert ("pictures/s" in last) == ("\u2501" in last) == has_bar
    assert len(last) <= columns


def on_a_terminal(folder, *arguments, **environment):
    """Run `cnnfilter` with a terminal as its standard error; return what was shown."""
    master, slave = pty.openpty()
    variables = {**os.environ, "TERM": "xterm", "PYTHONPATH": str(ROOT), **environment}
    variables = {name: value for name, value in variables.items() if name != "NO_COLOR" or "NO_COLOR" in environment}
    with subprocess.Popen([*COMMAND, *arguments], stderr=slave, cwd=folder, env=variables) as process:
        os.close(slave)
        shown = b""
        while True:
            try:
                part = os.read(master, 4096)
            except OSError:  # the other end is closed
                break
            if not part:
                break
            shown += part
    os.close(master)
    assert process.returncode == 0, shown
    return shown.decode()


def test_a_terminal_shows_the_bar_and_nothing_of_it_stays_where_it_is_not_wanted(tmp_path):
    for name in ("a.png", "b.png"):
        save(tmp_path / name)
    shown = on_a_terminal(tmp_path, "apply", "edge", "a.png", "b.png", "-o", "out/")
    assert "\x1b[" in shown
    assert "pictures/s" in shown
    assert "2 written\r\n" in shown
    plain = "wrote out/a-edge.png  45x30\r\nwrote out/b-edge.png  45x30\r\n2 written\r\n"
    colour = r"\x1b\[[0-9;]*[34][0-9][0-9;]*m"
    assert re.search(colour, shown)
    bare = on_a_terminal(tmp_path, "apply", "edge", "a.png", "b.png", "-o", "out", "-f", NO_COLOR="1")
    assert "pictures/s" in bare
    assert not re.search(colour, bare)
    assert on_a_terminal(tmp_path, "apply", "edge", "a.png", "b.png", "-o", "out", "-f", TERM="dumb") == plain
    assert on_a_terminal(tmp_path, "apply", "edge", "a.png", "b.png", "-o", "out", "-fq") == ""
