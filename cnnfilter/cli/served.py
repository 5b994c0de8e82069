"""What Dask calls on a worker, by the names of these functions: they take and give bytes, which hold plain data.

A scheduler that reads these names loads nothing else of the package.
"""

from __future__ import annotations

from cnnfilter.runtime.process import set_libraries


def prepare(data: bytes) -> bytes:
    """See `cluster.worker.prepare`."""
    set_libraries()
    from cnnfilter.cli.rebuilding import task_of
    from cnnfilter.cluster import worker

    return worker.prepare(data, task_of)


def work(data: bytes) -> bytes:
    """See `cluster.worker.work`."""
    from cnnfilter.cluster import worker

    return worker.work(data)


def in_hand() -> int:
    """See `cluster.worker.in_hand`."""
    from cnnfilter.cluster import worker

    return worker.in_hand()
