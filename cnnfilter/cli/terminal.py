"""The terminal of standard output: what it says that it can draw, and how it is left.

It is asked in one go how it draws pictures, how large a cell is, and of what colour its ground; last what it is (DA1),
which nearly all answer, and in order: after that nothing comes any more. Nothing is asked where somebody has typed
ahead, and where we are in the background.

References
----------
XTerm control sequences, https://invisible-island.net/xterm/ctlseqs/ctlseqs.html
Terminal graphics protocol, https://sw.kovidgoyal.net/kitty/graphics-protocol/
"""

from __future__ import annotations

import atexit
import contextlib
import os
import re
import time
from collections.abc import Iterator
from typing import Any, NamedTuple, TextIO

PATIENCE = 1.0
"""Seconds that a terminal has for its answer."""
LINGER = 0.1
"""Seconds without a byte after which an answer that nobody wants any more has ended."""
MOST = 1 << 12
"""Bytes of an answer that are read."""

_KITTY = b"\x1b_Gi=31,s=1,v=1,a=q,t=d,f=24;AAAA\x1b\\"
_GROUND = b"\x1b]11;?\x1b\\"
_HERE, _CLEAR = b"\x1b7", b"\x1b8\x1b[K"
"""Take away what terminals that know none of the questions between have written of them."""
_CELL = b"\x1b[16t"
_WHAT = b"\x1b[c"

_IS_KITTY = re.compile(rb"\x1b_G[^\x1b]*;OK\x1b\\")
_GROUND_IS = re.compile(rb"\x1b\]11;rgba?:([0-9a-fA-F]{1,4})/([0-9a-fA-F]{1,4})/([0-9a-fA-F]{1,4})")
_CELL_IS = re.compile(rb"\x1b\[6;(\d{1,3});(\d{1,3})t")
_IS = re.compile(rb"\x1b\[\?([\d;]*)c")
_SIXEL = b"4"
"""One of the attributes that a terminal tells of what it is."""

END_OF_PICTURE = b"\x1b\\\x1b[0m\n"
"""Ends a string of control, of which sixel and kitty's pictures are, and colours."""

USUAL_CELL = (20, 10)
_DUMB = ("", "dumb", "unknown", "linux")
"""Values of TERM for terminals that draw no pictures, and may show the questions."""


class Graphics(NamedTuple):
    """How a terminal draws pictures.

    Parameters
    ----------
    way : str
        `"kitty"` or `"sixel"`.
    cell : pair of int
        Height and width of a cell, in pixels.
    ground : tuple of int
        Red, green and blue of what stands behind text, from 0 to 255.
    """

    way: str
    cell: tuple[int, int]
    ground: tuple[int, int, int]


def graphics(stream: TextIO) -> Graphics | None:
    """How the terminal that a stream goes to draws pictures, as it says; None if it does not say so."""
    if os.environ.get("TERM", "") in _DUMB:
        return None
    number, is_within = stream.fileno(), _is_within()
    # tmux and screen would make a title of kitty's question
    answer = _asked(number, _HERE + _KITTY * (not is_within) + _GROUND + _CLEAR + _CELL + _WHAT)
    what = _IS.search(answer)
    if what is None:
        return None
    if _IS_KITTY.search(answer):  # in all colours, where sixel has 256
        way = "kitty"
    elif _SIXEL in what[1].split(b";")[1:] and (not is_within or _tmux_has_sixel()):
        way = "sixel"
    else:
        return None
    cell = _CELL_IS.search(answer)
    size = (int(cell[1]), int(cell[2])) if cell else (0, 0)
    ground = _GROUND_IS.search(answer)
    colour = [int(each, 16) * 255 // (16 ** len(each) - 1) for each in ground.groups()] if ground else [0, 0, 0]
    return Graphics(way, size if all(size) else _measured(number), (colour[0], colour[1], colour[2]))


def _is_within() -> bool:
    """Whether the terminal is a window of tmux or screen, perhaps on another machine."""
    return "TMUX" in os.environ or os.environ["TERM"].startswith(("tmux", "screen"))


def _tmux_has_sixel() -> bool:
    """Whether the terminal that tmux is on draws sixel, which tmux says of itself wherever it is."""
    import subprocess

    command = ["tmux", "display-message", "-p", "#{client_termfeatures}"]
    try:
        told = subprocess.run(command, capture_output=True, stdin=subprocess.DEVNULL, timeout=PATIENCE, check=True)
    except (OSError, subprocess.SubprocessError):
        return False
    return b"sixel" in told.stdout.strip().split(b",")


def _measured(number: int) -> tuple[int, int]:
    """Height and width of a cell by the size of the window, where the system knows that."""
    import fcntl
    import struct
    import termios

    try:
        window = fcntl.ioctl(number, termios.TIOCGWINSZ, bytes(8))
    except OSError:
        return USUAL_CELL
    rows, columns, width, height = struct.unpack("HHHH", window)
    return (height // rows, width // columns) if height >= rows > 0 and width >= columns > 0 else USUAL_CELL


_asking: list[tuple[int, list[Any]]] = []
"""The terminal that is being asked, and how it is set otherwise."""
_drawing: list[int] = []
"""The one that a picture is being written to."""


def _asked(number: int, questions: bytes) -> bytes:
    """What the terminal answers; nothing if it is not ours to ask, or does not answer in time."""
    try:
        import termios
    except ImportError:  # on Windows
        return b""
    try:
        if os.tcgetpgrp(number) != os.getpgrp():  # we would be stopped, or somebody else be given the answer
            return b""
        # which is this one, as it controls us; standard input may be another, and standard output not be readable
        terminal = os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY)
    except OSError:
        return b""
    try:
        return _heard(terminal, questions)
    except (OSError, termios.error):  # it is gone
        return b""
    finally:
        os.close(terminal)


def _heard(terminal: int, questions: bytes) -> bytes:
    """What a terminal answers in time; one that is late is not heard, neither by us nor by a shell, if we still run."""
    import termios

    settings = termios.tcgetattr(terminal)
    silent = [*settings]
    silent[3] &= ~(termios.ECHO | termios.ICANON)  # an interrupt stays one
    answer, end, how = b"", time.monotonic() + PATIENCE, termios.TCSANOW
    _asking.append((terminal, settings))
    try:
        termios.tcsetattr(terminal, termios.TCSANOW, silent)
        if _waits(terminal, 0):  # it was typed for whoever comes next, and would be lost
            return answer
        os.write(terminal, questions)
        how = termios.TCSAFLUSH
        while len(answer) < MOST and _waits(terminal, end - time.monotonic()) and (one := os.read(terminal, 1)):
            answer += one  # and no byte more: what follows is not for us
            if _IS.search(answer):
                how = termios.TCSANOW
                return answer
        atexit.register(_forget)
        return b""
    finally:
        termios.tcsetattr(terminal, how, settings)
        _asking.clear()


def _waits(terminal: int, seconds: float) -> bool:
    """Whether there is something to read, now or in some seconds."""
    import select

    return bool(select.select([terminal], [], [], max(0, seconds))[0])


def _forget() -> None:
    """Drop what the terminal has sent that nobody has read."""
    import termios

    with contextlib.suppress(OSError, termios.error):
        terminal = os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY)
        termios.tcflush(terminal, termios.TCIFLUSH)


@contextlib.contextmanager
def drawing(stream: TextIO) -> Iterator[None]:
    """Let `restore` end, while the context lasts, what a terminal is in the middle of."""
    _drawing.append(stream.fileno())
    try:
        yield
    finally:
        _drawing.clear()


def restore() -> None:
    """Leave the terminal as a shell needs it, whatever is going on: called where the program ends by a signal."""
    for terminal, settings in _asking:
        import termios

        end = time.monotonic() + PATIENCE
        with contextlib.suppress(OSError, termios.error):
            while time.monotonic() < end and _waits(terminal, LINGER) and os.read(terminal, MOST):
                pass
            termios.tcsetattr(terminal, termios.TCSAFLUSH, settings)
    for number in _drawing:
        with contextlib.suppress(OSError):
            os.write(number, END_OF_PICTURE)
