"""Where a cluster is, and the connection to its scheduler."""

from __future__ import annotations

import contextlib
import importlib.util
import logging
import os
import re
import signal
import threading
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from typing import Any

from cnnfilter.engine.bands import available_threads
from cnnfilter.errors import ArgumentError, ClusterError, MissingExtraError
from cnnfilter.messages import nearest, quoted

PATIENCE = 5.0
"""Seconds in which a scheduler must answer."""
LOCAL = "local"
_WARNINGS = "PYTHONWARNINGS"
_LOUD = ("distributed", "asyncio", "tornado")
MOST_LOCAL = 512

starting = threading.Lock()
"""Held while processes are started: one whose parent ends in the middle of that says so in a traceback."""

_ADDRESS = r"(?:(tcp|tls)://)?((?:\[[0-9A-Fa-f:.]+\]|[\w.-]+):(\d{1,5}))/?"
_CONFIG = {
    "distributed.worker.profile.enabled": False,
    "distributed.admin.low-level-log-length": 5,  # they hold the arguments of the last tasks
    "distributed.scheduler.worker-ttl": "60s",
}


def parse_cluster(text: str) -> str | int:
    """The address of a scheduler, or how many processes of this machine make a cluster.

    Raises
    ------
    ArgumentError
        If it is neither.

    Examples
    --------
    >>> parse_cluster("local:3"), parse_cluster("scheduler:8786"), parse_cluster("tls://10.0.0.1:8786")
    (3, 'tcp://scheduler:8786', 'tls://10.0.0.1:8786')
    """
    kind, _, number = text.partition(":")
    if kind == LOCAL and (text == LOCAL or re.fullmatch("[0-9]{1,9}", number)):
        count = available_threads(None) if text == LOCAL else int(number)
        if 1 <= count <= MOST_LOCAL:
            return count
        msg = f"local:N takes 1 to {MOST_LOCAL} workers, not {count}"
        raise ArgumentError(msg)
    match = re.fullmatch(_ADDRESS, text)
    if kind == LOCAL or match is None or not 0 < int(match[3]) < 1 << 16:
        msg = f"a cluster is local, local:N, tcp://HOST:PORT or tls://HOST:PORT, not {quoted(text)}{_slip(text)}"
        raise ArgumentError(msg)
    return f"{match[1] or 'tcp'}://{match[2]}"


def _slip(text: str) -> str:
    """A tail for an error message if a text may have been meant as processes of this machine."""
    word = text.rstrip("0123456789")
    number = text[len(word) :]
    if len(number) > len(str(MOST_LOCAL)):  # a scheduler's port
        return ""
    return nearest(word.removeprefix("tcp://"), [LOCAL]).replace("?", f":{number}?" if number else "?")


def _undisturbed(start: Callable[[], Any]) -> Any:
    """What starts processes, which Ctrl-C then leaves alone: a terminal sends it to all, and ours ends the others.

    They inherit the signals that their thread has blocked. What is left of them when we are killed is tidied up by
    Python's own resource tracker, which would say so, and must outlive a terminal, too.
    """
    from multiprocessing import resource_tracker

    def started() -> Any:
        with starting:
            _block("SIGHUP")
            asked = os.environ.get(_WARNINGS)
            os.environ[_WARNINGS] = "ignore"
            resource_tracker.ensure_running()
            os.environ.pop(_WARNINGS) if asked is None else os.environ.update({_WARNINGS: asked})
            _block("SIGINT")  # not before: starting the tracker lets it through
            return start()

    return _in_time(started, None)  # its thread is the parent of those that start processes


def _block(name: str) -> None:
    """Block a signal for this thread, and for what it starts, where there are such."""
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_BLOCK, [getattr(signal, name)])


def _in_time(function: Callable[[], Any], seconds: float | None) -> Any:
    """What a function gives, on a thread of its own, which is left behind if it takes longer."""
    given: Future[Any] = Future()

    def run() -> None:
        try:
            given.set_result(function())
        except BaseException as error:
            given.set_exception(error)

    threading.Thread(target=run, daemon=True).start()
    return given.result(seconds)


def name_of(cluster: str | int) -> str:
    """What messages call the scheduler of a cluster."""
    return "the local cluster" if isinstance(cluster, int) else f"the scheduler {cluster}"


def check_installed() -> None:
    """Refuse to go on without Dask, which is not loaded yet: that takes half a second.

    Raises
    ------
    MissingExtraError
    """
    if importlib.util.find_spec("distributed") is None:
        msg = "--cluster needs the distributed library: pip install 'cnnfilter[cluster]'"
        raise MissingExtraError(msg)


@contextlib.contextmanager
def connected(cluster: str | int) -> Iterator[tuple[Any, Any]]:
    """A Dask client of a cluster, and the cluster itself if it is of this machine, which ends with it.

    Parameters
    ----------
    cluster : str or int
        As `parse_cluster` gives it.

    Raises
    ------
    ClusterError
        If there is none, or it lets nobody in.
    """
    import dask
    import distributed

    for name in [each for each in logging.root.manager.loggerDict if each.split(".")[0] in _LOUD]:
        logging.getLogger(name).setLevel(logging.CRITICAL)  # people are told by events, in our words
    with contextlib.ExitStack() as ends, dask.config.set(_CONFIG), warnings.catch_warnings():
        warnings.filterwarnings("ignore", module="dask|distributed|tornado")  # of versions, ports and slow workers
        local = None
        try:
            if isinstance(cluster, int):
                local = _undisturbed(
                    lambda: distributed.LocalCluster(
                        n_workers=cluster, threads_per_worker=1, dashboard_address=None, memory_limit=0,
                        silence_logs=logging.CRITICAL,
                    )
                )  # fmt: skip
                ends.callback(local.close)
            # what is no scheduler may never say so
            client = _in_time(
                lambda: distributed.Client(local or cluster, timeout=PATIENCE, set_as_default=False), 2 * PATIENCE
            )
        except TypeError as error:
            if str(cluster).startswith("tls://"):
                why = "needs a certificate and a key; Dask's settings distributed.comm.tls name them"
            else:  # it does not know what it is asked
                why = f"is of another version of Dask than the {distributed.__version__} here; give all one environment"
            msg = f"{name_of(cluster)} {why}"
            raise ClusterError(msg) from error
        except Exception as error:  # also of memory, or of unpacking: whatever is at that port may say anything
            ask = "; is it a Dask scheduler (dask scheduler starts one), and can it be reached from here?"
            msg = f"{name_of(cluster)} does not answer{_slip(str(cluster)) or ask}"
            raise ClusterError(msg) from error
        ends.callback(client.close)
        yield client, local
