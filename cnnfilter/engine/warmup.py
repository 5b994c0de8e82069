"""Compiling at once what any kernel over an opaque 8-bit picture needs, where nothing was compiled before.

The first use on a machine pays for compiling; after it no kernel does, whatever its size. (Sums of 64 bits, for whole
weights in the thousands or weights by the thousand, pictures of other types, transparent ones, and ranges that look
at the extremes have code of their own, compiled when it is first needed.) A second process takes half of the work,
which a second thread could not: the compiler runs on one at a time.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np

from cnnfilter.engine import native
from cnnfilter.engine.codes import ROW
from cnnfilter.engine.geometry import Array, Rows, Windows
from cnnfilter.engine.methods import choose
from cnnfilter.model.shapes import Border

SIDE = 2 * ROW
"""Of the picture that is filtered, in pixels: enough for the work to be shared in every way."""

LONGEST = 60.0
"""Seconds after which the second process is no longer waited for."""


def parts() -> tuple[list[Callable[[], None]], list[Callable[[], None]]]:
    """Return small uses of every method: those of the first process, and those of the second."""
    picture = np.zeros((SIDE, SIDE), dtype=np.uint8)
    random = np.random.default_rng(1).random((15, 15), dtype=np.float32)

    def use(weights: Array) -> Callable[[], None]:
        height, width = weights.shape
        windows = Windows.over(
            picture.shape, (height, width), stride=(1, 1), padding="same", dilation=(1, 1), border=Border()
        )
        method = choose(np.ascontiguousarray(weights)[None, None], windows, picture.dtype)
        return lambda: method.run(Rows(picture[None]), 0, np.empty_like(picture))

    sparse = random[:3, :3].copy()
    sparse[1, 1] = 0
    boxes = [np.ones((3, 3), dtype=np.float32), np.ones((21, 21), dtype=np.float32)]
    first = [np.eye(3, dtype=np.float32), sparse, random[:11, :11], *boxes]
    second = [random, np.outer(random[0], random[1])]
    return [use(weights) for weights in first], [use(weights) for weights in second]


def second_part() -> None:
    """Do the second process's share."""
    for use in parts()[1]:
        use()


def end_with(pipe: int = 0) -> None:
    """End this process as soon as nobody holds the other end of a pipe, its input: the first one may be killed."""

    def wait() -> None:
        os.read(pipe, 1)
        os._exit(1)

    threading.Thread(target=wait, daemon=True).start()


class Warmup:
    """Compiles everything, once it is told that something is being compiled."""

    def __init__(self) -> None:
        self.helper: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start the second process, unless everything was compiled before."""
        with contextlib.suppress(OSError):
            if sys.executable and not _done().exists():
                code = f"from {__name__} import end_with, second_part; end_with(); second_part()"
                quiet = subprocess.DEVNULL
                self.helper = subprocess.Popen(
                    [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=quiet, stderr=quiet
                )

    def finish(self) -> None:
        """Do the first process's share, and wait for the second."""
        if self.helper is None:
            return
        for use in parts()[0]:
            use()
        with contextlib.suppress(subprocess.TimeoutExpired, OSError):
            if self.helper.wait(LONGEST) == 0:
                _done().touch()
        self.stop()

    def stop(self) -> None:
        """End the second process, whatever it has done."""
        if self.helper is not None:
            with self.helper:
                self.helper.kill()


def _done() -> Path:
    """Return the file that marks a store in which nothing is missing."""
    return native.store_folder() / f"all-{hashlib.sha256(native.environment().encode()).hexdigest()[:32]}"
