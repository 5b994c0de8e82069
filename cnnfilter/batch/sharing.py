"""How the work of a run is shared out: how many inputs at a time, and how many threads."""

from __future__ import annotations

from collections.abc import Iterable

from cnnfilter.addresses.address import is_address

AT_REST = 2
"""How many threads there are for each that computes: the others wait for the disk (see `turns.Turn.rest`)."""
AWAY = 8
"""The same where files are at addresses: a bucket that answers after 50 ms then gives a picture every 6 ms."""


def share_cores(cores: int, tasks: int, jobs: int | None, threads: int | None) -> tuple[int, int]:
    """How many tasks run side by side, and how many threads each may use: together at most the cores.

    Examples
    --------
    >>> share_cores(8, 100, None, None), share_cores(8, 3, None, None), share_cores(8, 100, None, 4)
    ((8, 1), (3, 2), (2, 4))
    """
    most = max(1, min(cores, tasks))
    if jobs is None:
        jobs = most if threads is None else max(1, cores // threads)
    jobs = min(jobs, most)
    return jobs, min(threads or cores, max(1, cores // jobs))


def threads_each(names: Iterable[str]) -> int:
    """How many threads there are for each that computes, where inputs and outputs have such names."""
    return AWAY if any(map(is_address, names)) else AT_REST
