"""Runs the command line: in this process, which is fast, or as a process of its own, which is real.

The pictures and helpers that its tests share are here too; they work in the current folder.
"""

import contextlib
import io
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from cnnfilter.cli.main import main

COMMAND = [sys.executable, "-m", "cnnfilter"]
ROOT = Path(__file__).parent.parent
PHOTO = np.random.default_rng(5).integers(0, 256, (30, 45, 3), dtype=np.uint8)


@dataclass(frozen=True)
class Result:
    exit_code: int
    data: bytes
    err: str

    @property
    def out(self):
        return self.data.decode()

    @property
    def messages(self):
        return self.err.splitlines()


class Terminal(io.StringIO):
    """A text stream that says it is a terminal."""

    def isatty(self):
        return True


@contextlib.contextmanager
def _standard_input(stream):
    before = sys.stdin
    sys.stdin = stream
    try:
        yield
    finally:
        sys.stdin = before


def run(*arguments, stdin=b""):
    """Run `cnnfilter` in this process."""
    data, err = io.BytesIO(), io.StringIO()
    out = io.TextIOWrapper(data, encoding="utf-8", write_through=True)
    with (
        _standard_input(io.TextIOWrapper(io.BytesIO(stdin))),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
    ):
        code = main([str(argument) for argument in arguments])
    return Result(code, data.getvalue(), err.getvalue())


def start(*arguments, **options):
    """Start `cnnfilter` as a process."""
    options = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options}
    return subprocess.Popen([*COMMAND, *arguments], **options)


def run_process(*arguments, **options):
    """Run `cnnfilter` as a process."""
    with start(*arguments, **options) as process:
        data, err = process.communicate()
    return Result(process.returncode, data or b"", (err or b"").decode(errors="surrogateescape"))


def save(name, array=PHOTO, **keywords):
    Image.fromarray(array).save(name, **keywords)


def load(name):
    with Image.open(name) as image:
        return np.asarray(image)


def files():
    return sorted(os.listdir())  # noqa: PTH208  (names are shorter to compare)


def done(*arguments, **keywords):
    """Run what must succeed."""
    result = run(*arguments, **keywords)
    assert result.exit_code == 0, result.err
    return result


def refused(*arguments, command="apply", **keywords):
    """Run what must be refused before any work; return the one line's text."""
    before = files()
    result = run(command, *arguments, **keywords)
    assert result.exit_code == 2, result.err
    assert result.data == b""
    assert files() == before
    (line,) = result.messages
    return line.removeprefix("cnnfilter: error: ")


def failed(*arguments, command="apply", **keywords):
    """Run what must fail for its only input; return the one line's text."""
    before = files()
    result = run(command, *arguments, **keywords)
    assert result.exit_code == 1, result.err
    assert result.data == b""
    assert files() == before
    (line,) = result.messages
    return line.removeprefix("cnnfilter: error: ")
