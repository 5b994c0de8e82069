"""Who waits is told why, where it takes long; nobody else is."""

import io
import sys
import time

import pytest

from cnnfilter.batch import inputs, plan
from cnnfilter.cli import waiting
from tests.command import Terminal, save


@pytest.fixture
def shown(tmp_path, monkeypatch):
    """Runs `apply` where finding inputs and planning take a while, with a stream as standard error; what is told."""
    monkeypatch.chdir(tmp_path)
    save("a.png")
    monkeypatch.setattr(waiting, "PATIENCE", 0.01)

    def slow(function):
        def waits(*given, **options):
            found = function(*given, **options)
            for _ in range(20):  # each lets another thread begin, however long the machine stands still
                time.sleep(0.01)
            return found

        return waits

    monkeypatch.setattr(inputs, "find_inputs", slow(inputs.find_inputs))
    monkeypatch.setattr(plan, "plan_outputs", slow(plan.plan_outputs))

    def run(stream, *options):
        from cnnfilter.cli.main import main

        monkeypatch.setattr(sys, "stderr", stream)
        assert main(["apply", "edge", "a.png", "-n", *options]) == 0
        return stream.getvalue().splitlines()

    return run


def test_on_a_terminal_a_line_says_what_takes_long(shown, monkeypatch):
    *lines, last = shown(Terminal())
    assert lines == [
        "listing the inputs: a million names at an address take a minute or two",
        "planning: what stands in the folders of outputs is listed first",
    ]
    assert last.startswith("1 to write")
    monkeypatch.setattr(waiting, "PATIENCE", 60)
    assert len(shown(Terminal())) == 1


def test_nothing_is_said_to_programs_or_with_quiet(shown):
    assert len(shown(io.StringIO())) == 1
    assert shown(Terminal(), "-q") == []
