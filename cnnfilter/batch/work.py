"""Carry out a plan: decode, filter, encode, write; one event for every input, whatever happens to it.

Nothing here prints, and one input that fails stops no other.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from cnnfilter.batch.plan import Job, Plan
from cnnfilter.batch.write import write_atomically, write_stream
from cnnfilter.errors import CnnfilterError, OutputError, PictureError
from cnnfilter.imaging.formats import DEFAULT_MAX_PIXELS, format_for_path, output_format

if TYPE_CHECKING:
    from cnnfilter.filtering import Filter
    from cnnfilter.imaging.picture import Picture

Transform = Callable[["Picture"], tuple["Picture", float | None]]
"""What is done to a picture; with the result comes the clipped fraction, where it was counted."""

ALPHA = ("keep", "drop", "filter")
"""What happens to transparency: carried through, left out, or filtered as one more channel."""


@dataclass(frozen=True)
class Reading:
    """How inputs are opened: see `imaging.picture.read`."""

    frame: int | None = None
    max_pixels: int = DEFAULT_MAX_PIXELS
    depth: int | None = None


@dataclass(frozen=True)
class Saving:
    """How results are encoded: see `imaging.picture.encode`. `format` None follows the name or the input."""

    format: str | None = None
    options: Mapping[str, str] = field(default_factory=dict)
    strip: bool = False


@dataclass(frozen=True)
class Streams:
    """Standard input and output, for the jobs that use them."""

    stdin: BinaryIO | None = None
    stdout: BinaryIO | None = None


@dataclass(frozen=True)
class Event:
    """What became of one input.

    Parameters
    ----------
    job : Job
        The input, and the output that was planned.
    seconds : float
        From opening the input to the output's last byte.
    target : Path, optional
        The file that was written; None for standard output, and when it failed.
    size : tuple of int, optional
        Width and height of the result, in pixels.
    format : str, optional
        The format that was written.
    clipped : float, optional
        The fraction of values that were clamped, where that was counted.
    notes : tuple of str
        Warnings about this input.
    error : str, optional
        Why it failed, one line.
    cause : Exception, optional
        The exception behind an error that is a defect of the program.
    """

    job: Job
    seconds: float
    target: Path | None = None
    size: tuple[int, int] | None = None
    format: str | None = None
    clipped: float | None = None
    notes: tuple[str, ...] = ()
    error: str | None = None
    cause: Exception | None = None


def process(
    plan: Plan,
    transform: Transform,
    *,
    reading: Reading | None = None,
    saving: Saving | None = None,
    streams: Streams | None = None,
) -> Iterator[Event]:
    """Carry out a plan, one input after the other.

    Yields
    ------
    Event
        One for each job, in the order of the plan.

    Raises
    ------
    OutputError
        If the output folder cannot be made; nothing has been done then.
    BrokenPipeError
        If standard output has no reader any more.
    """
    plan.prepare()
    for job in plan.jobs:
        yield _run(plan, job, transform, reading or Reading(), saving or Saving(), streams or Streams())


def _run(plan: Plan, job: Job, transform: Transform, reading: Reading, saving: Saving, streams: Streams) -> Event:
    start = time.perf_counter()
    notes: tuple[str, ...] = ()
    cause = None
    try:
        picture = _read(job, reading, streams)
        notes = picture.notes
        result, clipped = transform(picture)
        notes = result.notes
        format = _format(job, saving, result)
        target = _write(plan, job, result, format, saving, streams)
        height, width = result.pixels.shape[:2]
        seconds = time.perf_counter() - start
        return Event(job, seconds, target, (width, height), format, clipped, notes)
    except CnnfilterError as failure:
        error = str(failure)
    except MemoryError:
        error = "not enough memory for this picture"
    except BrokenPipeError:
        raise
    except Exception as failure:  # a defect met in one picture must not cost the others
        error = f"internal error, please report it: {type(failure).__name__}: {failure}"
        cause = failure
    return Event(job, time.perf_counter() - start, notes=notes, error=error, cause=cause)


def _read(job: Job, reading: Reading, streams: Streams) -> Picture:
    from cnnfilter.imaging.picture import read  # loads Pillow

    source = streams.stdin if job.source is None else job.source
    if source is None:
        msg = "standard input is closed"
        raise PictureError(msg)
    return read(source, frame=reading.frame, max_pixels=reading.max_pixels, depth=reading.depth)


def _format(job: Job, saving: Saving, result: Picture) -> str:
    """Choose by the person's word, then the name that they gave, then the input."""
    if saving.format is not None:
        return saving.format
    if job.target is None:
        return "PNG"
    named = None if job.follows_format else format_for_path(job.target)
    return named or output_format(result.format, result)


def _write(plan: Plan, job: Job, result: Picture, format: str, saving: Saving, streams: Streams) -> Path | None:
    from cnnfilter.imaging.picture import encode

    target = job.named_for(format)
    if target is not None and target != job.target:
        plan.claim(job, target)  # before the encoder's work
    data = encode(result, format, options=saving.options, strip=saving.strip)
    if target is not None:
        write_atomically(target, data, overwrite=plan.force)
    elif streams.stdout is None:
        msg = "standard output is closed"
        raise OutputError(msg)
    else:
        write_stream(streams.stdout, data)
    return target


def filter_picture(
    picture: Picture,
    kernel_filter: Filter,
    *,
    alpha: str = "keep",
    threads: int | None = None,
    count_clipped: bool = False,
) -> tuple[Picture, float | None]:
    """Filter a picture, and see to its transparency.

    Parameters
    ----------
    picture : Picture
        What to filter.
    kernel_filter : Filter
        The kernel and everything that it needs to know.
    alpha : str
        One of `ALPHA`.
    threads : int, optional
        How many to use; all cores by default.
    count_clipped : bool
        Whether to count the values that had to be clamped.

    Returns
    -------
    Picture
        The result, with the input's metadata and format.
    float or None
        The fraction of values that were clamped.
    """
    if alpha == "filter" and picture.alpha is not None:
        import numpy as np

        stacked = np.dstack([picture.pixels, picture.alpha])
        filtered = kernel_filter.run(stacked, threads=threads, count_clipped=count_clipped)
        pixels, transparency = filtered.pixels, None
        if pixels.shape == (*pixels.shape[:2], stacked.shape[2]):  # not summed to one map by a bank
            transparency = np.ascontiguousarray(pixels[..., -1])
            pixels = np.ascontiguousarray(pixels[..., :-1].reshape(*pixels.shape[:2], *picture.pixels.shape[2:]))
    else:
        kept = picture.alpha if alpha == "keep" else None
        filtered = kernel_filter.run(picture.pixels, kept, threads=threads, count_clipped=count_clipped)
        pixels, transparency = filtered.pixels, filtered.alpha
    return dataclasses.replace(picture, pixels=pixels, alpha=transparency), filtered.clipped
