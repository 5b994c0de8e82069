"""What people see: messages on standard error, data on standard output.

Nothing from outside is ever printed as it is: whatever `message` and `out` are given is made `printable` here.
"""

from __future__ import annotations

import contextlib
import math
import os
import sys
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO, TextIO

from cnnfilter.errors import PictureError
from cnnfilter.messages import escaped, printable, printable_lines, without_secrets
from cnnfilter.writing.pieces import write_all

PROGRAM = "cnnfilter"
DEBUG = "CNNFILTER_DEBUG"
"""The environment variable that asks for the traceback behind an internal error."""
PLAIN_WIDTH = 100
"""Columns of prose that does not go to a terminal."""
LONGEST_MESSAGE = 5000
"""Characters of the longest message: the two longest file names fit. A longer one is cut."""


def as_json(data: Any, indent: int | None = None) -> str:
    r"""Data as JSON, ending in a line break.

    A byte of a file name that is no UTF-8 appears as `\xff` here too: JSON holds text only, and what Python would
    write instead, half of a pair, many readers refuse.
    """
    import json

    return json.dumps(_texts(data), indent=indent, allow_nan=False) + "\n"


def _texts(data: Any) -> Any:
    if isinstance(data, str):
        return "".join(escaped(c) if "\ud800" <= c <= "\udfff" else c for c in without_secrets(data))
    if isinstance(data, dict):
        return {_texts(key): _texts(value) for key, value in data.items()}
    return [_texts(each) for each in data] if isinstance(data, (list, tuple)) else data


def message(text: str) -> None:
    """Write one line to standard error, made printable."""
    line = printable(without_secrets(text)[: LONGEST_MESSAGE + 1])
    _lines(line if len(line) <= LONGEST_MESSAGE else f"{line[:LONGEST_MESSAGE]}...")


def error(text: str) -> None:
    """Write an error to standard error: one line, made printable."""
    message(f"{PROGRAM}: error: {text}")


def warning(text: str) -> None:
    """Write a warning to standard error: one line, made printable."""
    message(f"warning: {text}")


_screen: list[Callable[[str], None]] = []
"""What writes messages while something stands on the terminal that they must not run into."""
_so_far: list[Callable[[], str]] = []
"""What tells how far the work has got, if it ends before its time."""


@contextlib.contextmanager
def _among(others: list[Any], each: Any) -> Iterator[None]:
    others.append(each)
    try:
        yield
    finally:
        others.remove(each)


def messages_to(write: Callable[[str], None]) -> contextlib.AbstractContextManager[None]:
    """Let messages be written by `write` while the context lasts."""
    return _among(_screen, write)


def telling(count: Callable[[], str]) -> contextlib.AbstractContextManager[None]:
    """Let `last_words` end in a count while the context lasts."""
    return _among(_so_far, count)


def _lines(text: str) -> None:
    if sys.stderr is None:  # closed by whoever started us
        return
    try:
        if _screen:
            _screen[-1](text)
            return
        sys.stderr.write(text + "\n")
        sys.stderr.flush()
    except OSError:  # a message that nobody can be given is no reason to stop the work
        silence(sys.stderr)


def last_words(text: str) -> None:
    """Write one line to standard error in the middle of whatever was being written there, bar included."""
    text = "; ".join([text, *(count() for count in _so_far)])
    if _screen:  # back to the line's beginning, clear it, and show the cursor that the bar hides
        waiting = "".join(f"{line}\n" for line in getattr(_screen[-1], "waiting", ()))
        text = f"\r\x1b[K\x1b[?25h{waiting}{text}"
    with contextlib.suppress(OSError):  # past `sys.stderr`, which cannot be entered again while it writes
        os.write(2, f"{text}\n".encode())


def block(text: str) -> None:
    """Write several lines of our own, such as a help text or a traceback, to standard error."""
    _lines(printable_lines(text.rstrip("\n")))


def show_traceback(error: Exception) -> None:
    """Write the traceback of a defect to standard error, for those who asked for it."""
    if os.environ.get(DEBUG):
        import traceback

        block(without_secrets("".join(traceback.format_exception(error))))


def out(text: str, colours: str = "") -> None:
    """Write lines to standard output, now and in full; what is not `printable` or it cannot encode appears escaped.

    Parameters
    ----------
    text : str
        With a line break behind each line, the last one too.
    colours : str
        What follows as it is: of ours alone, with what a terminal obeys.

    Raises
    ------
    OSError
        If it cannot be written; BrokenPipeError if there is no reader any more.
    """
    stream = standard_output()
    encoding = stream.encoding or "utf-8"
    write_all(stream.buffer, (printable_lines(text) + colours).encode(encoding, "backslashreplace"))
    stream.flush()


def standard_output() -> TextIO:
    """Standard output.

    Raises
    ------
    OSError
        If it is closed.
    """
    if sys.stdout is None:
        msg = "it is closed"
        raise OSError(0, msg)
    return sys.stdout


def standard_input() -> BinaryIO:
    """Standard input, of bytes.

    Raises
    ------
    PictureError
        If it is closed.
    """
    if sys.stdin is None:
        msg = "it is closed"
        raise PictureError(msg)
    return sys.stdin.buffer


def is_terminal(stream: TextIO | None) -> bool:
    """Whether a stream, None if it is closed, is a terminal."""
    return stream is not None and stream.isatty()


def silence(stream: TextIO) -> None:
    """Send what a failed stream still holds, or will be given, nowhere: Python flushes it when it ends."""
    with contextlib.suppress(OSError, ValueError):  # not every stream has a descriptor
        descriptor = stream.fileno()
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, descriptor)
        os.close(nowhere)


def width() -> int:
    """How many columns a line of prose for standard output may have."""
    room = columns()
    return PLAIN_WIDTH if math.isinf(room) else int(room)


def columns(stream: TextIO | None = None) -> float:
    """The columns of a stream that is a terminal, by default standard output; others have no end."""
    import shutil  # a third of what all the rest takes to load

    stream = standard_output() if stream is None else stream
    return shutil.get_terminal_size().columns if stream.isatty() else math.inf
