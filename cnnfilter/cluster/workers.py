"""The workers of a scheduler: each is prepared for the run before it gets work, also one that comes late."""

from __future__ import annotations

import queue
import time
import warnings
from collections.abc import Callable, Iterable
from typing import Any

from cnnfilter.cluster.words import unpacked
from cnnfilter.errors import ClusterError, CnnfilterWarning

EVERY = 2.0
"""Seconds after which somebody looks who has come and gone."""
TOLD_AFTER = 2.0
"""Seconds after which a person is told that there is none yet."""
PATIENCE = 60.0
"""Seconds that a run waits for workers that are fit."""
ANSWER = 10.0
"""Seconds in which a worker must give what it has told that it has: it may have died."""
SILENT = 30.0
"""Seconds without a sign of life after which a person is told of a worker; of thousands, each gives one every 10 s."""
TICK = 0.2
"""Seconds after which a wait looks around."""
SMALL = 1 << 20
"""Bytes up to which what a worker needs goes to each by itself; more, from one to the next."""


class Workers:
    """Those that are fit for a run, those that are not, and those that are tried.

    Parameters
    ----------
    client : distributed.Client
    name : str
        What messages call the scheduler.
    prepare : callable
        Prepares a worker; the function of `worker` as it is imported there.
    data : bytes
        What that is given.
    arrived : queue
        Takes futures that are done.
    """

    def __init__(
        self, client: Any, name: str, prepare: Callable[[bytes], bytes], data: bytes, arrived: queue.SimpleQueue[Any]
    ) -> None:
        self.fit: dict[str, int] = {}
        """How many threads each has, by its address."""
        self.unfit: dict[str, str] = {}
        """Why."""
        self._client = client
        self.name = name
        self._prepare = prepare
        self._data = data
        self._arrived = arrived
        self._tried: dict[str, Any] = {}
        self._threads: dict[str, int] = {}
        self._paused: set[str] = set()
        self._heard: dict[str, tuple[float, float]] = {}
        """The last sign of life of each, by the scheduler's clock, and since when by ours we know of no later one."""
        self._looked = 0.0
        self._missing_since = time.monotonic()
        self._begun = False

    @property
    def threads(self) -> int:
        """How many pictures they work on at a time."""
        return max(1, sum(self.fit.values()))

    @property
    def chosen(self) -> list[str] | None:
        """Those that tasks must go to; None if all are fit."""
        return [*self.fit] if self.unfit or self._tried else None

    def have_gone(self, chosen: Iterable[str] | None) -> bool:
        """Whether all of those that a task had to go to have gone: it would wait for them for ever."""
        return chosen is not None and self._threads.keys().isdisjoint(chosen)

    @property
    def are_missing(self) -> str | None:
        """Why nobody should wait for workers any more, where for so long there have been none that work."""
        if not self.fit.keys() <= self._paused:
            self._missing_since = time.monotonic()
        if time.monotonic() - self._missing_since <= PATIENCE:
            return None
        if self.fit:
            return "has only workers that are paused, for want of memory"
        return "has no workers any more that are fit" if self.unfit else "has no workers any more"

    def begin(self) -> None:
        """Prepare those that are there.

        Raises
        ------
        ClusterError
            If one is not fit, or there is none.
        """
        start, is_told = time.monotonic(), False
        while not self.fit or (self._tried and time.monotonic() - start < PATIENCE):
            self.look()
            if not self.fit and not self._tried and self._client.status != "running":
                msg = f"{self.name} is lost"
                raise ClusterError(msg)
            if not self.fit and time.monotonic() - start > PATIENCE:
                lacks = f"has no worker that could be prepared in {PATIENCE:.0f} s"
                msg = f"{self.name} {lacks}; start one: dask worker ADDRESS"
                for address in self._tried:
                    msg = f"worker {address} is not ready after {PATIENCE:.0f} s; it may be at work for others"
                raise ClusterError(msg)
            if not (is_told or self.fit or self._tried) and time.monotonic() - start > TOLD_AFTER:
                is_told = True
                told = f"{self.name} has no worker yet; we wait up to {PATIENCE:.0f} s for one: dask worker ADDRESS"
                warnings.warn(told, CnnfilterWarning, stacklevel=2)
            try:
                self.answered(self._arrived.get(timeout=TICK))
            except queue.Empty:
                continue
            for address, why in self.unfit.items():
                msg = f"worker {address}: {why}"
                raise ClusterError(msg)
        self._begun = True

    def look(self, *, now: bool = False) -> bool:
        """See who has come and gone, from time to time or now, and prepare who has come; return whether it was seen."""
        if self._client.status != "running" or not (now or time.monotonic() - self._looked > EVERY):
            return False
        self._looked = time.monotonic()
        try:
            self._see()
        except (OSError, ValueError):  # scheduler or workers have gone since, which is seen elsewhere or next time
            return False
        return True

    def forget(self, address: str) -> None:
        """Prepare a worker that does not know the run: it is new at an address of before, or has had many others."""
        self.fit.pop(address, None)
        self.look(now=True)

    def _see(self) -> None:
        try:
            told = self._client.scheduler_info(n_workers=-1)
        except TypeError:  # before 2025.4 it tells all
            told = self._client.scheduler_info()
        there = {address: each["nthreads"] for address, each in told["workers"].items()}
        self.fit = {address: there[address] for address in self.fit if address in there}
        for address in [each for each in self._tried if each not in there]:
            self._tried.pop(address).cancel()  # it would wait for that worker for ever
        self._threads = there
        self._paused = {address for address, each in told["workers"].items() if _is_paused(each)}
        self._listen({address: told["workers"][address].get("last_seen", 0.0) for address in self.fit})
        new = [each for each in there if each not in self.fit and each not in self.unfit and each not in self._tried]
        if new:
            self._try(new)

    def _listen(self, seen: dict[str, float]) -> None:
        """Tell of workers that have come to be silent, once of each."""
        now = time.monotonic()
        for address, last in seen.items():
            if last != self._heard.get(address, (None,))[0]:
                self._heard[address] = last, now
            elif last and now - self._heard[address][1] > SILENT:
                self._heard[address] = last, float("inf")
                what = f"worker {address} has been silent for {SILENT:.0f} s"
                msg = f"{what}; others go on, and do its pictures once Dask gives it up (after its worker-ttl)"
                warnings.warn(msg, CnnfilterWarning, stacklevel=2)

    def _try(self, addresses: list[str]) -> None:
        data = self._data
        if len(data) > SMALL:
            data = self._client.scatter(data, workers=addresses, broadcast=True, hash=False)
        for address in addresses:
            future = self._client.submit(
                self._prepare, data, workers=[address], allow_other_workers=False, pure=False, priority=10
            )
            self._tried[address] = future
            future.add_done_callback(self._arrived.put)

    def answered(self, future: Any) -> bool:
        """Note what became of a worker that was tried; return False if this is another's future."""
        address = next((each for each, tried in self._tried.items() if tried.key == future.key), None)
        if address is None:
            return False
        del self._tried[address]
        try:
            why = unpacked(future.result(timeout=ANSWER))
        except Exception as error:
            if future.status != "error" or type(error).__name__ == "KilledWorker":
                return True  # its nanny starts another, which is tried in turn, as is this one if it is still there
            why = _reason(error)
        if why is None:
            self.fit[address] = self._threads[address]
        else:
            self.unfit[address] = why
            if self._begun:
                warnings.warn(f"worker {address}: {why}; it gets no work", CnnfilterWarning, stacklevel=2)
        return True


def _is_paused(told: dict[str, Any]) -> bool:
    """Whether a worker, of what a scheduler tells, begins nothing and has nothing in hand, as Dask has paused it."""
    return told.get("status") == "paused" and not told.get("metrics", {}).get("task_counts", {}).get("executing")


def _reason(error: BaseException) -> str:
    """Why a task could not even begin."""
    cause = error.__cause__ or error
    text = " ".join(f"{type(cause).__name__}: {cause}".split())
    if isinstance(cause, ImportError):
        text += "; scheduler and workers need cnnfilter, in the same version"
    return text
