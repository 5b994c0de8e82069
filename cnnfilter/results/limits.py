"""How large a result may be: the limit on the pixels of an input holds for what is made of it, too."""

from __future__ import annotations

import math
from collections.abc import Sequence
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
    _check(f"{width}x{height}", height * width, height * width * bytes_per_pixel, max_pixels)


def filtered_size(kernel_filter: Filter, size: tuple[int, int]) -> tuple[int, int]:
    """Height and width of a filter's result; a `ShapeError` if the kernel does not fit the padded picture."""
    window = kernel_filter.bank.shape[2], kernel_filter.bank.shape[3]
    stride, dilation = kernel_filter.stride, kernel_filter.dilation
    pads = resolve_pads(kernel_filter.padding, size, window, stride, dilation)
    return output_sizes(size, window, stride, pads, dilation)


def between(rows: Sequence[Row]) -> int:
    """How many bytes of maps and vectors exist at a time between two stages.

    Of maps a band in each thread, of as many rows as a row of the result needs: all of them under a window as high,
    before a vector, before and after what takes all of its input, and where circular padding brings the last row to the
    first.
    """
    from cnnfilter.engine.bands import available_threads  # `apply`, whose limits are here too, takes fewer modules

    asked, sizes = 1, [0]
    for row, before in zip(reversed(rows[1:]), reversed(rows[:-1]), strict=True):
        if len(before.output) == 1:
            sizes.append(4 * before.output[0])
            continue
        height, width, count = before.output
        sights = row.stage.sights(row.input)
        is_whole = row.stage.takes_whole or before.stage.takes_whole or row.stage.border.mode == "circular"
        if is_whole or len(row.output) == 1:  # the vector of `flatten` is its maps, and counts already
            sizes.append(4 * width * count * height * is_whole)
            asked = 1
            continue
        if sights is not None:
            asked = min(height, math.ceil((asked - 1) * sights[0].stride + sights[0].size))
        copies = 1 if asked == height else available_threads(None)
        sizes.append(4 * width * count * min(height, asked * copies))
    return max(one + other for one, other in zip(sizes, [*sizes[1:], 0], strict=True))


def check_rows(rows: Sequence[Row], max_pixels: int) -> None:
    """Refuse a chain that makes more numbers than a picture of the largest size has.

    Only what exists whole counts: the result, and maps that become a vector or are taken as a whole.

    Raises
    ------
    PictureError
        Naming size, limit and memory.
    """
    following: list[Row | None] = [*rows[1:], None]
    for row, after in zip(rows, following, strict=True):
        if len(row.output) == 1:
            _check(f"a vector of {row.output[0]:,}", -(-row.output[0] // VALUES), 4 * row.output[0], max_pixels)
        elif after is None or after.stage.takes_whole or len(after.output) == 1:
            height, width, count = row.output
            shown = f"{width}x{height}" if count == 1 else f"{count} maps of {width}x{height}"
            _check(shown, height * width * -(-count // VALUES), 4 * height * width * count, max_pixels)


def _check(shown: str, pixels: int, memory: int, max_pixels: int) -> None:
    if pixels > max_pixels:
        msg = (
            f"the result would be {shown}, which counts as {pixels:,} pixels, more than the limit of {max_pixels:,}; "
            f"it takes at least {show_bytes(memory)} of memory, and --max-pixels {pixels} accepts it"
        )
        raise PictureError(msg)


def is_out_of_memory(error: Exception) -> bool:
    """Whether an exception means that an array is larger than memory can ever be, or than what is left."""
    if isinstance(error, MemoryError):
        return True
    return isinstance(error, ValueError) and str(error).startswith(("array is too big", "Maximum allowed dimension"))
