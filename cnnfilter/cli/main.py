"""Where the program starts, and the one place that turns errors and signals into exit codes.

======== ===================================================================
0        all done
1        some inputs failed, or standard output could not be written
2        usage, or refused before any work
130, 143 interrupted (Ctrl-C), terminated; 129 when the terminal is gone
141      standard output has no reader any more
======== ===================================================================

Set CNNFILTER_DEBUG=1 to see the traceback behind an internal error.
"""

from __future__ import annotations

import contextlib
import signal
import sys
from collections.abc import Iterator, Sequence
from types import FrameType

from cnnfilter.cli import render
from cnnfilter.errors import CnnfilterError


class _Ended(BaseException):  # like KeyboardInterrupt: no `except Exception` stops it
    """A signal asked the program to end."""

    def __init__(self, number: int) -> None:
        self.number = number


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Parameters
    ----------
    arguments : sequence of str, optional
        Those of the process by default.

    Returns
    -------
    int
        The exit code. On an interrupt or termination the process ends itself by the same signal.
    """
    try:
        with _signals_as_exceptions():
            return _run(sys.argv[1:] if arguments is None else arguments)
    except KeyboardInterrupt:
        return _end_by(signal.SIGINT, "interrupted")
    except _Ended as end:
        return _end_by(end.number, "terminated")
    except BrokenPipeError:
        render.silence(sys.stdout)
        return 141
    except CnnfilterError as error:
        for line in error.args:
            render.error(str(line))
        return 2
    except MemoryError:
        render.error("not enough memory")
        return 1
    except OSError as error:
        if error.filename is not None:
            return _defect(error)
        # files are read and written by code that knows their names; what is left is standard output
        render.error(f"cannot write standard output: {error.strerror}")
        if sys.stdout is not None:
            render.silence(sys.stdout)
        return 1
    except Exception as error:
        return _defect(error)


def _run(arguments: Sequence[str]) -> int:
    import click  # an interrupt while it loads is caught already

    from cnnfilter.cli.group import cnnfilter

    try:
        with cnnfilter.make_context(render.PROGRAM, list(arguments)) as context:
            code: int | None = cnnfilter.invoke(context)
            return code or 0
    except click.exceptions.Exit as end:  # --help, --version
        return end.exit_code
    except click.exceptions.NoArgsIsHelpError as error:
        render.block(error.format_message())
        return error.exit_code
    except click.ClickException as error:
        text = error.format_message().rstrip(".")
        if isinstance(error, click.UsageError) and error.ctx is not None:
            text += f"; see {error.ctx.command_path} --help"
        render.error(text)
        return error.exit_code


@contextlib.contextmanager
def _signals_as_exceptions() -> Iterator[None]:
    """Let termination unwind the stack as an interrupt does, so that temporary files are removed."""

    def end(number: int, frame: FrameType | None) -> None:
        raise _Ended(number)

    numbers = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]
    # one that is ignored stays so: that is what nohup is for
    changed = [number for number in numbers if signal.getsignal(number) == signal.SIG_DFL]
    for number in changed:
        signal.signal(number, end)
    try:
        yield
    finally:
        for number in changed:
            signal.signal(number, signal.SIG_DFL)


def _end_by(number: int, word: str) -> int:
    """End by the signal itself: a shell then sees 128 + `number`, and stops its own loop on Ctrl-C."""
    render.error(word)
    signal.signal(number, signal.SIG_DFL)
    signal.raise_signal(number)
    return 128 + number  # still here: the signal is blocked


def _defect(error: Exception) -> int:
    render.error(f"internal error, please report it ({render.DEBUG}=1 shows more): {type(error).__name__}: {error}")
    render.show_traceback(error)
    return 1
