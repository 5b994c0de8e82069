"""Where the program starts, and the one place that turns errors and signals into exit codes.

======== ===================================================================
0        all done
1        some inputs failed, or standard output could not be written
2        usage, or refused before any work, whatever the inputs hold
130, 143 interrupted (Ctrl-C), terminated; 129 when the terminal is gone
141      standard output has no reader any more
======== ===================================================================

What depends on what a picture holds is that picture's failure, and 1 even if it is the only one: a file that cannot be
read, a window larger than the picture, a bank over other channels. `explain` is as `apply` and `run` are; of `shape`,
which needs no picture, a chain that does not fit is a refusal. With --json, a refusal is told as JSON too.

Set CNNFILTER_DEBUG=1 to see the traceback behind an internal error.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import signal
import sys
import warnings
from collections.abc import Iterable, Iterator, Sequence
from types import FrameType
from typing import Any

from cnnfilter.cli import render
from cnnfilter.errors import CnnfilterError, CnnfilterWarning
from cnnfilter.messages import options_named
from cnnfilter.runtime import process, tricks

COMPLETE = "_CNNFILTER_COMPLETE"
"""The environment variable by which a shell asks for completions, or for the script that asks for them."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Parameters
    ----------
    arguments : sequence of str, optional
        Those of the process by default, which then ends with this call.

    Returns
    -------
    int
        The exit code. On an interrupt or termination the process ends by the same signal, and nothing is returned.
    """
    process.set_libraries()
    if arguments is not None:
        return _guarded(arguments)
    process.put_off_garbage()
    code = _guarded(sys.argv[1:])
    process.leave_garbage()
    return code


def _guarded(arguments: Sequence[str]) -> int:
    """Run the command line, and turn whatever ends it into an exit code."""
    try:
        with _ended_by_signals(), _warnings_told(), options_named():
            try:
                return _run(arguments)
            except CnnfilterError as error:
                return _refused(arguments, map(str, error.args))
    except BrokenPipeError:
        render.silence(sys.stdout)
        return 141
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
    tricks.check()
    import click  # an interrupt while it loads is caught already

    from cnnfilter.cli import served
    from cnnfilter.cli.group import Called, cnnfilter

    if instruction := os.environ.get(COMPLETE):
        from cnnfilter.cli import shells

        return shells.answer(cnnfilter, COMPLETE, instruction)
    try:
        called = Called(tuple(arguments), served)  # from up here: what a worker calls imports the commands
        with cnnfilter.make_context(render.PROGRAM, list(arguments), obj=called) as context:
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
        return _refused(arguments, [text], error.exit_code)


def _refused(arguments: Sequence[str], lines: Iterable[str], code: int = 2) -> int:
    """Say why nothing is done, a line for each reason; with --json also to the program that reads standard output."""
    wants_json = "--json" in itertools.takewhile(lambda argument: argument != "--", arguments)
    for line in lines:
        render.error(line)
        if wants_json:
            render.out(render.as_json({"error": line}))
    return code


@contextlib.contextmanager
def _warnings_told() -> Iterator[None]:
    """Write what the library warns of as messages, each once."""
    others = warnings.showwarning

    def show(message: Warning | str, category: type[Warning], *where: Any, **more: Any) -> None:
        if issubclass(category, CnnfilterWarning):
            render.warning(str(message))
        else:
            others(message, category, *where, **more)

    with warnings.catch_warnings():
        warnings.simplefilter("default", CnnfilterWarning)
        warnings.showwarning = show
        yield


@contextlib.contextmanager
def _ended_by_signals() -> Iterator[None]:
    """Let a signal that ends the program remove its temporary files first."""
    numbers = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]
    # one that is ignored stays so: that is what nohup is for
    ordinary = (signal.SIG_DFL, signal.default_int_handler)
    changed = {number: handler for number in numbers if (handler := signal.getsignal(number)) in ordinary}
    ending: list[int] = []

    def end(number: int, frame: FrameType | None) -> None:
        if ending:  # a second one would interrupt the first in what it removes
            return
        ending.append(number)
        _end_by(number)

    for number in changed:
        signal.signal(number, end)
    try:
        yield
    finally:
        for number, handler in changed.items():
            signal.signal(number, handler)


_ENDINGS = (
    ("cluster.ending", "end_all"),
    ("writing.temporaries", "remove_all"),
    ("addresses.putting", "remove_all"),
    ("addresses.copies", "remove_all"),
    ("cli.terminal", "restore"),
)
"""What ends what a module has begun, in order; each takes a second and a half at most."""


def _end_by(number: int) -> None:
    """End by the signal itself: a shell then sees 128 + `number`, and stops its own loop on Ctrl-C.

    Here and now, where the signal was met. An exception is no way to get out: raised while a module loads, or in a
    callback, it is turned into another or dropped, and the program would go on.
    """
    for module, name in _ENDINGS:
        # not imported here: a module that is only half loaded has begun nothing
        end = getattr(sys.modules.get(f"cnnfilter.{module}"), name, None)
        if end is not None:
            end()
    render.last_words(f"{render.PROGRAM}: error: {'interrupted' if number == signal.SIGINT else 'terminated'}")
    signal.signal(number, signal.SIG_DFL)
    signal.raise_signal(number)
    os._exit(128 + number)  # the signal is blocked


def _defect(error: Exception) -> int:
    render.error(f"internal error, please report it ({render.DEBUG}=1 shows more): {type(error).__name__}: {error}")
    render.show_traceback(error)
    return 1
