"""On a terminal, a person who waits for the compiler is told so."""

import sys

import pytest

from cnnfilter.cli.report import tell_compiling
from cnnfilter.engine import native


@pytest.fixture(autouse=True)
def told(monkeypatch):
    monkeypatch.setattr(native, "on_compile", [])


@pytest.mark.parametrize("is_terminal", [True, False])
def test_it_is_said_once_and_to_a_terminal_only(is_terminal, monkeypatch, capsys):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: is_terminal)
    tell_compiling()
    for _ in range(2):
        for tell in list(native.on_compile):
            tell()
    expected = "compiling for this machine; the next run starts at once\n" if is_terminal else ""
    assert capsys.readouterr().err == expected
