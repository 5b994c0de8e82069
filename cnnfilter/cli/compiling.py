"""What a command says about the compiler and the machine code that is kept."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator

from cnnfilter.cli import render


@contextlib.contextmanager
def compiling(*, quiet: bool, verbose: bool) -> Iterator[None]:
    """Say once, on a terminal, that the seconds that pass in the context are the compiler's.

    Parameters
    ----------
    quiet : bool
        Say nothing.
    verbose : bool
        Say also why kept machine code is not used, or cannot be kept: once for each reason.
    """
    from cnnfilter.runtime import native, store

    said: set[str] = set()

    def say(text: str) -> None:
        if not quiet and text not in said:
            said.add(text)
            render.message(text)

    def begin() -> None:
        if render.is_terminal(sys.stderr):
            say("compiling for this machine, which takes a few seconds")

    native.on_compile[:] = [begin]
    store.on_refusal[:] = [say] if verbose else []
    try:
        yield
    finally:
        native.on_compile.clear()
        store.on_refusal.clear()
