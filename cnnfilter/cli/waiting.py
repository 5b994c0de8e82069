"""What a person is told who waits: a line that comes only where it takes long, and only on a terminal."""

from __future__ import annotations

import contextlib
import sys
import threading
from collections.abc import Iterator

from cnnfilter.cli import render

PATIENCE = 2.0
"""Seconds after which somebody wonders."""


@contextlib.contextmanager
def waiting(text: str, *, quiet: bool) -> Iterator[None]:
    """Say on a terminal what is going on in the context, once that has taken some seconds."""
    timer = threading.Timer(PATIENCE, render.message, [text])
    timer.daemon = True
    if not quiet and render.is_terminal(sys.stderr):
        timer.start()
    try:
        yield
    finally:
        timer.cancel()
