"""An animation as a PNG, one frame in memory at a time: Pillow's writer holds several copies of all of them.

The chunks are those of the PNG specification, third edition (https://www.w3.org/TR/png-3/): `acTL` tells how many
frames there are, `fcTL` where and for how long each is shown, and `fdAT` has the pixels of all but the first.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Iterable

import numpy as np
from numpy.typing import NDArray

Frame = NDArray[np.uint8]

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_BITS, _PALETTE = 8, 3
_FOR_EVER, _KEEP, _OVER = 0, 0, 1
_CLEAR = bytes(4)
"""The first colour of the file, and that it is transparent: what of a frame is as before is that."""
_SECOND = 1000


def write_apng(frames: Iterable[Frame], palette: Callable[[], bytes], delay: int) -> bytes:
    """The bytes of an animation that goes on for ever.

    Parameters
    ----------
    frames : iterable of ndarray of uint8, (H, W)
        The numbers of the pixels' colours, below 255; one or more, of one size.
    palette : callable
        Gives red, green and blue of each colour, once all frames are there.
    delay : int
        How long each is seen, in milliseconds.
    """
    shown: list[bytes] = []
    before, size, count, order = np.empty((0, 0), np.uint8), (0, 0), 0, 0
    for frame in frames:
        is_other = frame != before if count else np.ones(frame.shape, bool)
        rows, columns = bounds(is_other)
        part = np.where(is_other, frame + 1, 0)[rows, columns].astype(np.uint8)
        height, width = part.shape
        place = struct.pack(">5I", order, width, height, columns.start, rows.start)
        shown.append(_chunk(b"fcTL", place + struct.pack(">2H2B", delay, _SECOND, _KEEP, _OVER)))
        lines = zlib.compress(np.insert(part, 0, 0, axis=1).tobytes())  # each line begins with its filter: none
        shown.append(_chunk(b"fdAT", struct.pack(">I", order + 1) + lines) if count else _chunk(b"IDAT", lines))
        order += 2 if count else 1
        before, size, count = frame, frame.shape, count + 1
    head = struct.pack(">2I5B", size[1], size[0], _BITS, _PALETTE, 0, 0, 0)
    return b"".join(
        [
            _SIGNATURE,
            _chunk(b"IHDR", head),
            _chunk(b"acTL", struct.pack(">2I", count, _FOR_EVER)),
            _chunk(b"PLTE", _CLEAR[1:] + palette()),
            _chunk(b"tRNS", _CLEAR[:1]),
            *shown,
            _chunk(b"IEND", b""),
        ]
    )


def bounds(marks: NDArray[np.bool_]) -> tuple[slice, slice]:
    """The rows and the columns that hold all marks; the first pixel where there are none."""
    ends = [np.flatnonzero(marks.any(axis=axis)) for axis in (1, 0)]
    rows, columns = (slice(int(each[0]), int(each[-1]) + 1) if each.size else slice(0, 1) for each in ends)
    return rows, columns


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
