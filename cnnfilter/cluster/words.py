"""What a client and its workers tell each other: plain data, and what becomes of inputs as rows of such."""

from __future__ import annotations

import base64
import json
import traceback
import zlib
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from cnnfilter.batch.events import Event
from cnnfilter.errors import ClusterError

if TYPE_CHECKING:
    from pathlib import Path

    from cnnfilter.addresses.address import Where
    from cnnfilter.batch.jobs import Job
    from cnnfilter.network.plan import Row
    from cnnfilter.network.stages import Shape
    from cnnfilter.results.task import Task

LARGEST = 1 << 28
"""Bytes that a message may hold once it is unpacked."""


def packed(value: Any) -> bytes:
    """Plain data as bytes: JSON, of which names take a tenth of the room when they are compressed."""
    return zlib.compress(json.dumps(value, separators=(",", ":")).encode(), 1)


def unpacked(data: bytes) -> Any:
    """Plain data again.

    Raises
    ------
    ClusterError
        If it is none, or too much.
    """
    try:
        whole = zlib.decompressobj()
        text = whole.decompress(data, LARGEST)
        if whole.eof:
            return json.loads(text)
    except (zlib.error, ValueError, RecursionError, TypeError):
        pass
    msg = "a message of the cluster cannot be read"
    raise ClusterError(msg)


def with_files(value: Any, files: Mapping[str, Path]) -> bytes:
    """Plain data, and the contents of files by their names, which `without_files` takes apart."""
    contents = {name: path.read_bytes() for name, path in files.items()}
    head = packed([value, {name: len(content) for name, content in contents.items()}])
    return b"".join([len(head).to_bytes(8, "big"), head, *contents.values()])


def without_files(data: bytes) -> tuple[Any, dict[str, memoryview]]:
    """What `with_files` has put together."""
    start = 8 + int.from_bytes(data[:8], "big")
    value, sizes = unpacked(data[8:start])
    files = {}
    for name, size in sizes.items():
        files[name] = memoryview(data)[start : start + size]
        start += size
    return value, files


class CauseError(Exception):
    """A defect that a worker met, with the traceback from there."""


class Told(NamedTuple):
    """An event as plain data; fields as there, but names as places among those that the job was granted."""

    seconds: float
    targets: Sequence[int] = ()
    existing: Sequence[int] = ()
    kept: Sequence[int] = ()
    """Names under which something was written, also by a job that failed then."""
    asks: bool = False
    files: Any = None
    size: Sequence[int] | None = None
    format: str | None = None
    clipped: float | None = None
    notes: Sequence[str] = ()
    error: str | None = None
    cause: str | None = None
    shape: Sequence[int] | None = None
    """That of the input, from which the plan of a chain follows."""
    vector: str | None = None
    pixels: int = 0
    skipped: bool = False
    frames: int = 1
    is_full: bool = False
    details: str | None = None
    facts: Mapping[str, Any] = {}


def told(event: Event, granted: Sequence[Where], kept: Sequence[int]) -> Told:
    """An event, as it is told to whoever granted the job its names."""
    cause, vector = event.cause, event.vector
    places = {target: place for place, target in enumerate(granted)}
    return Told(
        seconds=event.seconds,
        targets=[places[target] for target in event.targets],
        existing=[places[target] for target in event.existing],
        kept=kept,
        asks=event.asks,
        files=event.files,
        size=event.size,
        format=event.format,
        clipped=event.clipped,
        notes=event.notes,
        error=event.error,
        cause=None if cause is None else "".join(traceback.format_exception(cause)),
        shape=event.rows[0].input if event.rows else None,
        vector=None if vector is None else base64.b64encode(vector.values.tobytes()).decode(),
        pixels=event.pixels,
        skipped=event.skipped,
        frames=event.frames,
        is_full=event.is_full,
        details=event.details,
        facts=event.facts,
    )


def event_of(
    told: Told, job: Job, granted: Sequence[Where], task: Task, plan_for: Callable[[Shape], tuple[Row, ...]]
) -> Event:
    """An event that was told, with the names of whoever asked for it.

    Parameters
    ----------
    told : Told
    job : Job
    granted : sequence of Path or Address
        The names that the job was granted.
    task : Task
    plan_for : callable
        That of the task, or one that keeps what it gave.
    """
    rows = () if told.shape is None else plan_for(tuple(told.shape))
    values = None if told.vector is None else np.frombuffer(base64.b64decode(told.vector), np.float32)
    return Event(
        job,
        told.seconds,
        targets=tuple(granted[place] for place in told.targets),
        existing=tuple(granted[place] for place in told.existing),
        asks=told.asks,
        files=tuple(told.files) if isinstance(told.files, list) else told.files,
        size=None if told.size is None else (told.size[0], told.size[1]),
        format=told.format,
        clipped=told.clipped,
        notes=tuple(told.notes),
        error=told.error,
        cause=None if told.cause is None else CauseError(told.cause),
        rows=rows,
        vector=None if values is None else task.vector_of(values, rows),
        pixels=told.pixels,
        skipped=told.skipped,
        frames=told.frames,
        is_full=told.is_full,
        details=told.details,
        facts=told.facts,
    )
