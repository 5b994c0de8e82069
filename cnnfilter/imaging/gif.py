"""Which pixels of a GIF's canvas its frames have covered: the others are seen through, as viewers show them."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import TYPE_CHECKING, BinaryIO, NamedTuple

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

_IMAGE, _EXTENSION, _CONTROL = 0x2C, 0x21, 0xF9
_BACKGROUND, _PREVIOUS = 2, 3
"""What follows a frame: nothing where it was, or what was there before."""


class _Frame(NamedTuple):
    rows: slice
    columns: slice
    disposal: int


def covered(stream: BinaryIO, index: int) -> npt.NDArray[np.bool_] | None:
    """Return which pixels, (H, W), are covered when a frame is shown; None if the first covers all.

    The stream is left where it was.
    """
    place = stream.tell()
    stream.seek(6)
    width, height = struct.unpack("<HH", stream.read(4))
    mask = np.zeros((height, width), bool)
    for number, frame in enumerate(_frames(stream)):
        before = mask.copy() if frame.disposal == _PREVIOUS else mask
        mask[frame.rows, frame.columns] = True
        if number == index or (number == 0 and mask.all()):
            break
        if frame.disposal == _BACKGROUND:
            mask[frame.rows, frame.columns] = False
        mask = before
    stream.seek(place)
    return None if mask.all() else mask


def _frames(stream: BinaryIO) -> Iterator[_Frame]:
    stream.seek(10)
    _skip_colours(stream, stream.read(3)[0])
    disposal = 0
    while kind := stream.read(1):
        if kind[0] == _EXTENSION:
            label = stream.read(1)
            block = _skip_blocks(stream)
            if label and label[0] == _CONTROL and block:
                disposal = block[0] >> 2 & 7
        elif kind[0] == _IMAGE:
            left, top, width, height, flags = struct.unpack("<4HB", stream.read(9))
            yield _Frame(slice(top, top + height), slice(left, left + width), disposal)
            _skip_colours(stream, flags)
            stream.read(1)
            _skip_blocks(stream)
            disposal = 0


def _skip_colours(stream: BinaryIO, flags: int) -> None:
    if flags & 0x80:
        stream.seek(3 << (flags & 7) + 1, 1)


def _skip_blocks(stream: BinaryIO) -> bytes:
    """Pass over blocks up to the empty one, and return the first."""
    first, size = b"", stream.read(1)
    while size and size[0]:
        data = stream.read(size[0])
        first = first or data
        size = stream.read(1)
    return first
