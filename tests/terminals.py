"""Terminals: ones that the command runs on and that answer as real ones do, and what was drawn on them, read back."""

import base64
import fcntl
import io
import os
import pty
import re
import select
import struct
import subprocess
import sys
import termios
from dataclasses import dataclass, field

import numpy as np
from PIL import Image

from tests.command import COMMAND, ROOT

CONTROLLED = (
    "import fcntl, os, sys, termios; fcntl.ioctl(1, termios.TIOCSCTTY, 0); os.execvp(sys.argv[1], sys.argv[1:])"
)
"""Makes standard output the terminal that controls a process, and runs another in its place."""
PATIENT = "import sys; from cnnfilter.cli import main, terminal; terminal.PATIENCE = 60; sys.exit(main.main())"
"""Runs the command, which waits for an answer as long as a test on a busy machine may take to give it."""
KITTY = re.compile(rb"\x1b_G[^\x1b]*a=q[^\x1b]*\x1b\\")
GROUND = re.compile(rb"\x1b\]11;\?(?:\x1b\\|\x07)")
CELL = re.compile(rb"\x1b\[16t")
WHAT = re.compile(rb"\x1b\[c")


@dataclass
class Terminal:
    """A terminal that runs a command, and what it has shown, is given and leaves.

    One that does not say `what` it is answers nothing at all. One that `closes`
    does so when it is asked, and one that is no `controlling` one is somebody else's.
    """

    kitty: bool = False
    what: bytes = b"62;22"
    cell: tuple[int, int] | None = (20, 10)
    ground: bytes | None = None
    lines: int = 24
    columns: int = 80
    typed: bytes = b""
    stdin: bool = True
    closes: bool = False
    controlling: bool = True
    shown: bytes = field(default=b"", init=False)
    left: bytes = field(default=b"", init=False)
    as_before: bool = field(default=False, init=False)

    @property
    def text(self):
        """What was shown after the questions, if there were any, with lines that end as a program writes them."""
        return self.shown.rpartition(b"\x1b[c")[2].decode().replace("\r\n", "\n")

    def answers(self):
        """What is answered to each question, in the order in which they may come."""
        height, width = self.cell or (0, 0)
        return (
            (KITTY, b"\x1b_Gi=31;OK\x1b\\" if self.kitty else None),
            (GROUND, self.ground and b"\x1b]11;" + self.ground + b"\x1b\\"),
            (CELL, self.cell and b"\x1b[6;%d;%dt" % (height, width)),
            (WHAT, self.what and b"\x1b[?%sc" % self.what),
        )

    def run(self, folder, *arguments, meanwhile=None, command=None, **environment):
        """Run `cnnfilter` on it; `meanwhile` is called again and again, with the process and the terminal's own end."""
        command = command or ([sys.executable, "-c", PATIENT] if self.what else COMMAND)
        master, slave = pty.openpty()
        pixels = (self.cell or (0, 0))[0] * self.lines, (self.cell or (0, 0))[1] * self.columns
        window = struct.pack("HHHH", self.lines, self.columns, pixels[1], pixels[0])
        fcntl.ioctl(slave, termios.TIOCSWINSZ, window)
        before = termios.tcgetattr(slave)
        os.write(master, self.typed)
        own = ("NO_COLOR", "COLORTERM", "COLUMNS", "LINES", "TMUX", "FORCE_COLOR")
        variables = {name: value for name, value in os.environ.items() if name not in own}
        variables |= {"TERM": "xterm-256color", "COLORTERM": "truecolor", "PYTHONPATH": str(ROOT), **environment}
        process = subprocess.Popen(
            [*([sys.executable, "-S", "-c", CONTROLLED] if self.controlling else []), *command, *map(str, arguments)],
            stdin=slave if self.stdin else subprocess.DEVNULL, stdout=slave, stderr=slave,
            cwd=folder, env=variables, start_new_session=True,
        )  # fmt: skip
        with process:
            asked = 0
            while True:
                ended = process.poll() is not None
                if select.select([master], [], [], 0 if ended else 0.02)[0]:
                    self.shown += os.read(master, 1 << 16)
                    asked = self._answer(master, asked)
                    if self.closes and asked:
                        os.close(slave)
                        os.close(master)
                        return process.wait()
                elif ended:
                    break
                if meanwhile is not None and not ended:
                    meanwhile(process, master)
        self.as_before = termios.tcgetattr(slave) == before
        termios.tcsetattr(slave, termios.TCSANOW, [*before[:3], before[3] & ~termios.ICANON, *before[4:]])
        while select.select([slave], [], [], 0)[0]:
            self.left += os.read(slave, 1 << 10)
        os.close(slave)
        os.close(master)
        return process.returncode

    def _answer(self, master, asked):
        """Answer what was asked since; return up to where."""
        if WHAT.search(self.shown, 0, asked):
            return asked  # all was
        found = [
            (match, answer) for question, answer in self.answers() for match in question.finditer(self.shown, asked)
        ]
        for match, answer in sorted(found, key=lambda each: each[0].start()):
            asked = match.end()
            os.write(master, (self.what and answer) or b"")
        return asked


# What was drawn

SGR = re.compile(r"\x1b\[([\d;]*)m")


def half_blocks(text):
    """The pixels of lines of half blocks in 24 bits, (2 * lines, columns, 3); -1 where a cell has no colour."""
    rows, colour, ground = [], None, None
    for line in text.splitlines():
        upper, lower, place = [], [], 0
        while place < len(line):
            if code := SGR.match(line, place):
                colour, ground = _coloured(code[1], colour, ground)
                place = code.end()
                continue
            assert line[place] in " \u2580", line[place]
            upper.append((ground if line[place] == " " else colour) or (-1,) * 3)
            lower.append(ground or (-1,) * 3)
            place += 1
        rows += [upper, lower]
    return np.array(rows)


def _coloured(codes, colour, ground):
    numbers = [int(each or 0) for each in codes.split(";")]
    while numbers:
        first = numbers.pop(0)
        if first == 0:
            colour = ground = None
            continue
        assert first in (38, 48), first
        assert numbers[0] == 2, numbers
        if first == 38:
            colour = tuple(numbers[1:4])
        else:
            ground = tuple(numbers[1:4])
        del numbers[:4]
    return colour, ground


def sixels(data):
    """The pictures that were sent as sixel, each (H, W, 3); every pixel of theirs is drawn."""
    return [_sixel(body) for body in re.findall(rb"\x1bP[\d;]*q(.*?)\x1b\\", data, re.DOTALL)]


def _sixel(body):
    raster = re.match(rb'"(\d+);(\d+);(\d+);(\d+)', body)
    assert raster[1] == raster[2], "its pixels are no squares"
    width, height = int(raster[3]), int(raster[4])
    picture = np.full((-(-height // 6) * 6, width, 3), -1)
    colours, colour, row, column = {}, None, 0, 0
    token = re.compile(rb"#(\d+);2;(\d+);(\d+);(\d+)|#(\d+)|!(\d+)([?-~])|([?-~])|(\$)|(-)")
    place = raster.end()
    while place < len(body):
        match = token.match(body, place)
        assert match, body[place : place + 20]
        place = match.end()
        if match[1]:  # which is not yet chosen: terminals differ there
            colours[int(match[1])] = [round(int(each) * 255 / 100) for each in match.group(2, 3, 4)]
        elif match[5]:
            colour = int(match[5])
        elif match[9]:
            column = 0
        elif match[10]:
            row, column = row + 6, 0
        else:
            count, bits = int(match[6] or 1), (match[7] or match[8])[0] - 63
            for bit in range(6):
                if bits >> bit & 1:
                    picture[row + bit, column : column + count] = colours[colour]
            column += count
            assert column <= width
    assert (picture[height:] == -1).all()
    assert (picture[:height] >= 0).all()
    return picture[:height]


def kitty_pictures(data):
    """The pictures that were sent to kitty, each (H, W, 3), with the lines and columns of the cells that it is on."""
    sent, places = {}, {}
    for keys, payload in re.findall(rb"\x1b_G([^;\x1b]*);?([^\x1b]*)\x1b\\", data):
        told = dict(each.split("=") for each in keys.decode().split(","))
        if told.get("a") == "q":
            continue
        assert told["q"] == "2", "kitty would answer"
        if told.get("a") == "p":
            assert told.keys() == {"a", "i", "c", "r", "q"}
            assert told["i"] in sent
            places[told["i"]] = int(told["r"]), int(told["c"])
        else:
            assert told["f"] == "100"
            assert len(payload) <= 4096
            sent[told["i"]] = sent.get(told["i"], b"") + payload
    assert sent.keys() == places.keys()
    pictures = []
    for number, payload in sent.items():
        with Image.open(io.BytesIO(base64.b64decode(payload))) as image:
            pictures.append((np.asarray(image.convert("RGB")).astype(int), places[number]))
    return pictures
