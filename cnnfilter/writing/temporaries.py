"""Temporary files: a name that tells whose they are, a lock while they are alive, and an end for those left behind.

A process that is killed leaves its temporary, `.NAME.cnnfilter-XXXXXXXXXXXXXXXX.tmp`, and with it the lock on it
ends; the next run into that folder removes it. On Windows nobody can remove a file that is open, which is a lock.
"""

from __future__ import annotations

import contextlib
import os
import re
import threading
from pathlib import Path
from typing import BinaryIO

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]  # which is all that it is compared with

STEM_BYTES = 60
"""How much of the target's name a temporary's name repeats: enough to recognise it, short enough for any."""

PATIENCE = 0.3
"""Seconds that a process that is told to end waits for a disk."""

_NAME = r"(?s)\..*\.cnnfilter-[0-9a-f]{16}\.tmp"


_runs: set[Temporaries] = set()
"""Those that are not closed."""

if hasattr(os, "register_at_fork"):  # a child owns none of its parent's
    os.register_at_fork(after_in_child=_runs.clear)


class Temporaries:
    """Those of one run, so that whoever ends it early can remove them while threads are still writing.

    Parameters
    ----------
    sweeps : bool
        Whether to remove what killed runs have left in the folders of its own, which takes looking through each.
    """

    def __init__(self, *, sweeps: bool = True) -> None:
        self._sweeps = sweeps
        self._lock = threading.RLock()  # a signal may come while the thread that sees to it holds this
        self._live: set[Path] = set()
        self._swept: set[Path] = set()
        self._closed = False
        _runs.add(self)  # now: a thread that is about to open its first is to be waited for, or refused

    def sweep(self, folder: Path) -> None:
        """Remove what killed runs have left in a folder, once."""
        with self._lock:  # where one process can lock a file twice, nothing else of ours may be there yet
            if self._sweeps and folder not in self._swept:
                self._swept.add(folder)
                sweep(folder)

    def open(self, target: Path, mode: int | None) -> tuple[Path, BinaryIO]:
        """Open a new temporary beside `target`, locked.

        Parameters
        ----------
        target : Path
        mode : int, optional
            Its permissions; by default as the umask has it. Nobody else can read it before it has them.

        Raises
        ------
        OSError
            If that fails, or the run has ended.
        """
        self.sweep(target.parent)
        stem = target.name
        while len(os.fsencode(stem)) > STEM_BYTES:
            stem = stem[:-1]
        while True:
            path = target.with_name(f".{stem}.cnnfilter-{os.urandom(8).hex()}.tmp")
            with self._lock:
                if self._closed:
                    raise InterruptedError
                self._live.add(path)  # first: a signal that comes while it is opened ends the process right after
                try:  # exclusively, which follows no link either
                    file = open(path, "xb", buffering=0, opener=None if mode is None else _private)  # noqa: PTH123, SIM115  (Path.open takes no opener, the caller closes it)
                except OSError:
                    self._live.discard(path)
                    raise
            _lock(file.fileno(), wait=True)
            if os.fstat(file.fileno()).st_nlink:
                break
            file.close()  # another run took it for one left behind, before it was locked
            self.remove(path)
        if mode is not None:
            with contextlib.suppress(OSError):  # a file system without permissions of its own
                os.chmod(file.fileno() if os.chmod in os.supports_fd else path, mode)  # noqa: PTH101  (Path.chmod takes no descriptor)
        return path, file

    def before_rename(self, file: BinaryIO) -> None:
        """Close a file where no open one can be renamed; elsewhere, its lock must not end before its name does."""
        if fcntl is None:
            file.close()

    def remove(self, path: Path) -> None:
        """Remove a temporary, if its name is still there; what cannot be removed now is left to `close`."""
        try:
            path.unlink(missing_ok=True)
        except OSError:
            return
        self._live.discard(path)

    def close(self, patience: float = -1) -> None:
        """Remove them all, and let nobody open another.

        Parameters
        ----------
        patience : float
            Seconds to wait for a thread that is opening one, on a disk that does not answer; by default, for ever.
        """
        self._closed = True
        if self._lock.acquire(timeout=patience):  # whoever was opening one has noted it now
            self._lock.release()
        for path in list(self._live):
            self.remove(path)
        _runs.discard(self)


def remove_all() -> None:
    """Remove the temporaries of all runs, wherever these are: the process is about to end."""
    for run in list(_runs):
        run.close(PATIENCE)


def _private(name: str, flags: int) -> int:
    return os.open(name, flags, 0o600)


def _lock(descriptor: int, *, wait: bool) -> bool:
    """Lock a file until it is closed; return False if it is locked by another, or cannot be."""
    if fcntl is None:
        return True
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except OSError:  # some network file systems have no locks
        return False
    return True


def sweep(folder: str | Path) -> None:
    """Remove the temporaries in a folder that no living process holds."""
    with contextlib.suppress(OSError), os.scandir(os.fspath(folder)) as entries:
        for name in [entry.path for entry in entries if re.fullmatch(_NAME, entry.name)]:
            _remove_stale(Path(name))


def _remove_stale(path: Path) -> None:
    with contextlib.suppress(OSError):
        flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
        descriptor = os.open(path, flags) if fcntl is not None else None
        try:
            if descriptor is None or _lock(descriptor, wait=False):
                path.unlink()
        finally:
            if descriptor is not None:
                os.close(descriptor)
