"""The canvas of a GIF, and which of its pixels frames have covered: the others are seen through, as in viewers."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import BinaryIO, NamedTuple

import numpy as np

from cnnfilter.imaging.arrays import Array
from cnnfilter.imaging.pieces import joined

_IMAGE, _EXTENSION, _CONTROL, _END = 0x2C, 0x21, 0xF9, 0x3B
_SIZE = 6
"""Where the size of the canvas stands."""
_BACKGROUND, _PREVIOUS = 2, 3
"""What follows a frame: nothing where it was, or what was there before."""


class _Frame(NamedTuple):
    rows: slice
    columns: slice
    disposal: int


class Coverage:
    """What frames have covered, one after another.

    Parameters
    ----------
    stream : binary stream
        The file; it is left where it was each time.
    size : tuple of int
        Width and height of the canvas, in which all frames lie.
    """

    def __init__(self, stream: BinaryIO, size: tuple[int, int]) -> None:
        self._stream = stream
        self._frames = _frames(stream)
        self._place = 0
        self._next = 0
        self._shown, self._after = np.zeros(size[::-1], bool), np.zeros(size[::-1], bool)
        self._is_whole = False

    def at(self, index: int) -> Array | None:
        """Which pixels, (H, W), are covered when a frame is shown; None if the first covers all.

        Of the frames that are asked for, none may come before another.
        """
        place = self._stream.tell()
        self._stream.seek(self._place)
        while self._next <= index and not self._is_whole and (frame := next(self._frames, None)):
            self._shown = self._after.copy()
            self._shown[frame.rows, frame.columns] = True
            if frame.disposal != _PREVIOUS:
                self._after[frame.rows, frame.columns] = frame.disposal != _BACKGROUND
            self._is_whole = self._next == 0 and bool(self._shown.all())
            self._next += 1
        self._place = self._stream.tell()
        self._stream.seek(place)
        return None if self._is_whole or self._shown.all() else self._shown


def on_whole_canvas(stream: BinaryIO, counted: BinaryIO) -> BinaryIO:
    """A GIF whose canvas holds all frames: Pillow makes it larger with each that goes beyond, after the first.

    `counted` is the stream as it is looked through.
    """
    counted.seek(_SIZE)
    told = struct.unpack("<2H", counted.read(4))
    width, height = told
    for frame in _frames(counted):
        width, height = max(width, frame.columns.stop), max(height, frame.rows.stop)
    if (width, height) == told:
        return stream
    return joined(stream, [(0, _SIZE), struct.pack("<2H", width, height), (_SIZE + 4, 1 << 62)])


def _frames(stream: BinaryIO) -> Iterator[_Frame]:
    stream.seek(10)
    _skip_colours(stream, stream.read(3)[0])
    disposal = 0
    while (kind := stream.read(1)) and kind[0] != _END:
        if kind[0] == _EXTENSION:
            label = stream.read(1)
            block = _skip_blocks(stream)
            if label and label[0] == _CONTROL and block:
                disposal = block[0] >> 2 & 7
        elif kind[0] == _IMAGE:
            head = stream.read(9)
            if len(head) < 9:
                return
            left, top, width, height, flags = struct.unpack("<4HB", head)
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
