"""How large a result may be: the limit on the pixels of an input holds for what is made of it, too."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from cnnfilter.errors import PictureError
from cnnfilter.messages import show_bytes
from cnnfilter.sizes import output_sizes, resolve_pads

if TYPE_CHECKING:
    from cnnfilter.imaging.picture import Picture
    from cnnfilter.network.plan import Row
    from cnnfilter.running.filter import Filter

VALUES = 3
"""Maps of a chain, or numbers of a vector, that count as one pixel: as many as a pixel has colours."""


def check_filtered(kernel_filter: Filter, picture: Picture, max_pixels: int) -> None:
    """Refuse a filter whose result is larger than a picture may be.

    Raises
    ------
    PictureError
        Naming size, limit and memory.
    ShapeError
        If the kernel does not fit the padded picture.
    """
    size = picture.pixels.shape[0], picture.pixels.shape[1]
    height, width = filtered_size(kernel_filter, size)
    bytes_per_pixel = picture.pixels.nbytes // (size[0] * size[1])
    _check(f"the result would be {width}x{height}", height * width, height * width * bytes_per_pixel, max_pixels)


def filtered_size(kernel_filter: Filter, size: tuple[int, int]) -> tuple[int, int]:
    """Height and width of a filter's result; a `ShapeError` if the kernel does not fit the padded picture."""
    window = kernel_filter.bank.shape[2], kernel_filter.bank.shape[3]
    stride, dilation = kernel_filter.stride, kernel_filter.dilation
    pads = resolve_pads(kernel_filter.padding, size, window, stride, dilation)
    return output_sizes(size, window, stride, pads, dilation)


def between(rows: Sequence[Row]) -> int:
    """How many bytes of maps and vectors exist at a time beside the input and the last result.

    That is what a later stage still reads, and what lies between two stages that follow each other: of maps a band in
    each thread, of as many rows as a row of the result needs; all of them under a window as high, before a vector,
    before and after what takes all of its input, behind what joins branches, and where circular padding brings the last
    row to the first.
    """
    most = 0
    for held, part in _parts(rows):
        is_last = part[-1] is rows[-1]
        result = 0 if is_last else _bytes(part[-1])
        most = max(most, sum(map(_bytes, held)) + _between(part) + result)
    return most


def _parts(rows: Sequence[Row]) -> Iterator[tuple[list[Row], Sequence[Row]]]:
    """The rows that follow each other without a branch, as they are run, with those whose results are held then."""
    from cnnfilter.network.graph import stretches as cut  # as in `_joins`

    stretches = cut([row.reads for row in rows], [len(rows) - 1])
    last = {read: place for place, each in enumerate(stretches) for read in rows[each.start].reads}
    held: dict[int, Row] = {}
    for place, each in enumerate(stretches):
        yield [*held.values()], rows[each.start : each.stop]
        held[each[-1]] = rows[each[-1]]
        for read in rows[each.start].reads:
            if last[read] == place:
                held.pop(read, None)


def _between(rows: Sequence[Row]) -> int:
    """What lies between stages that follow each other; see `between`."""
    from cnnfilter.engine.bands import available_threads  # as in `_joins`

    joins = _joins(rows[0])
    if joins and len(rows) > 1 and str(rows[1].stage) == "relu":
        rows = rows[1:]  # done with what it joins
    asked, sizes = 1, [0]
    for number in range(len(rows) - 1, 0, -1):
        row, before = rows[number], rows[number - 1]
        if len(before.output) == 1:
            sizes.append(_bytes(before))
            continue
        height, width, count = before.output
        sights = row.stage.sights(row.input)
        is_whole = row.stage.takes_whole or before.stage.takes_whole or row.stage.border.mode == "circular"
        is_whole = is_whole or (joins and number == 1)
        if is_whole or len(row.output) == 1:  # the vector of `flatten` is its maps, and counts already
            sizes.append(_bytes(before) * is_whole)
            asked = 1
            continue
        if sights is not None:
            asked = min(height, math.ceil((asked - 1) * sights[0].stride + sights[0].size))
        copies = 1 if asked == height else available_threads(None)
        sizes.append(4 * width * count * min(height, asked * copies))
    return max(one + other for one, other in zip(sizes, [*sizes[1:], 0], strict=True))


def _joins(row: Row) -> bool:
    """Whether a row's stage joins branches."""
    from cnnfilter.network.stages import Join  # `apply`, whose limits are here too, takes fewer modules

    return isinstance(row.stage, Join)


def _bytes(row: Row) -> int:
    """Those of a row's result, in float32."""
    return 4 * math.prod(row.output)


def check_rows(rows: Sequence[Row], max_pixels: int) -> None:
    """Refuse a network that makes more numbers than a picture of the largest size has.

    Only what exists whole counts: the result, maps that become a vector, are taken as a whole or joined, and those that
    are held until a later stage reads them, all that are at a time.

    Raises
    ------
    PictureError
        Naming size, limit and memory.
    """
    for held, part in _parts(rows):
        following: list[Row | None] = [*part[1:], None]
        for row, after in zip(part, following, strict=True):
            is_whole = after is None or after.stage.takes_whole or len(after.output) == 1
            if len(row.output) == 1 or is_whole or _joins(row):
                _check(f"the result would be {_shown(row)}", _pixels(row), _bytes(row), max_pixels)
        if len(held) > 1:
            kept = f"{len(held)} results would be held for later stages"
            _check(kept, sum(map(_pixels, held)), sum(map(_bytes, held)), max_pixels)


def _shown(row: Row) -> str:
    if len(row.output) == 1:
        return f"a vector of {row.output[0]:,}"
    height, width, count = row.output
    return f"{width}x{height}" if count == 1 else f"{count} maps of {width}x{height}"


def _pixels(row: Row) -> int:
    """As how many pixels a result counts."""
    *size, count = row.output
    return math.prod(size) * -(-count // VALUES)


def _check(what: str, pixels: int, memory: int, max_pixels: int) -> None:
    if pixels > max_pixels:
        msg = (
            f"{what}, which counts as {pixels:,} pixels, more than the limit of {max_pixels:,}; "
            f"it takes at least {show_bytes(memory)} of memory, and --max-pixels {pixels} accepts it"
        )
        raise PictureError(msg)


def is_out_of_memory(error: Exception) -> bool:
    """Whether an exception means that an array is larger than memory can ever be, or than what is left."""
    if isinstance(error, MemoryError):
        return True
    return isinstance(error, ValueError) and str(error).startswith(("array is too big", "Maximum allowed dimension"))
