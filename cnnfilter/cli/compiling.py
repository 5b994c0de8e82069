"""What a command does about the compiler: it says that it runs, and lets it finish the rest too."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

from cnnfilter.cli import render

if TYPE_CHECKING:
    from cnnfilter.engine.warmup import Warmup


@contextlib.contextmanager
def compiling(*, quiet: bool, everything: bool) -> Iterator[None]:
    """Say once, on a terminal, that the seconds that pass in the context are the compiler's.

    Parameters
    ----------
    quiet : bool
        Say nothing.
    everything : bool
        Once something is compiled, compile at the end of the context what the other kernels need as well.
    """
    from cnnfilter.engine import native

    started: list[Warmup] = []

    def begin() -> None:
        native.on_compile.clear()
        if not quiet and sys.stderr is not None and sys.stderr.isatty():
            render.message("compiling for this machine; the next run starts at once")
        if everything:
            from cnnfilter.engine.warmup import Warmup

            started.append(Warmup())
            started[0].start()

    native.on_compile[:] = [begin]
    try:
        yield
    except BaseException:
        for warmup in started:
            warmup.stop()
        raise
    finally:
        native.on_compile.clear()
    for warmup in started:
        warmup.finish()
