"""Run-length coded BMPs, row by row as they are read: Pillow takes ten times as long, and wants a run for each pixel.

Pixels that no run sets, as an end of the row or of the picture may leave them, have the palette's first colour.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator
from typing import BinaryIO

from cnnfilter.imaging.pieces import Made

_RLE8, _RLE4 = (1, 8), (2, 4)
"""Compression and bits."""
_END_OF_ROW, _END, _MOVE = 0, 1, 2
_PIECE = 1 << 16
_LONGEST = 260
"""Bytes of the longest code, and more."""


class _Rows(Made):
    """A BMP without compression, whose rows are worked out as they are read, from the first one after each seek."""

    def __init__(self, head: bytes, stream: BinaryIO, offset: int, size: tuple[int, int], bits: int) -> None:
        self._head, self._stream, self._offset, self._size, self._bits = head, stream, offset, size, bits
        self._rows, self._row = _rows(stream, offset, size, bits), b""

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self._rows, self._row = _rows(self._stream, self._offset, self._size, self._bits), b""
        return super().seek(offset, whence)

    def _end(self) -> int:
        return len(self._head) + _stride(self._size[0]) * self._size[1]

    def _bytes(self, size: int) -> bytes:
        if self._at < len(self._head):
            return self._head[self._at : self._at + size]
        row = self._row or next(self._rows, b"")
        self._row = row[size:]
        return row[:size]


def unpacked(stream: BinaryIO) -> BinaryIO | None:
    """A run-length coded BMP as one that is not; None of any other.

    Raises
    ------
    struct.error
        If it is cut off.
    """
    stream.seek(0)
    head = bytearray(stream.read(54))
    (offset,) = struct.unpack_from("<I", head, 10)
    fields, width, height, _, bits, compression = struct.unpack_from("<IiiHHI", head, 14)
    if fields < 40 or (compression, bits) not in (_RLE8, _RLE4) or width < 1 or offset > _PIECE:
        return None
    colours = struct.unpack_from("<I", head, 46)[0] or 1 << bits
    struct.pack_into("<HI", head, 28, 8, 0)
    struct.pack_into("<I", head, 46, colours)
    rest = stream.read(max(offset - len(head), 0))
    return io.BufferedReader(_Rows(bytes(head) + rest, stream, offset, (width, abs(height)), bits))


def _stride(width: int) -> int:
    return -(-width // 4) * 4


def _rows(stream: BinaryIO, offset: int, size: tuple[int, int], bits: int) -> Iterator[bytes]:
    """Rows of indices, filled up to four bytes."""
    width, height = size
    stride = _stride(width)
    stream.seek(offset)
    data, at, row, done = b"", 0, bytearray(), 0
    while done < height:
        if len(data) - at < _LONGEST:
            data, at = data[at:] + stream.read(_PIECE), 0
            if len(data) < 2:
                return  # cut off, as whoever reads on will find
        count, value = data[at], data[at + 1]
        at += 2
        if count:
            row += (
                bytes((value,)) * count if bits == 8 else (bytes((value >> 4, value & 15)) * (count + 1 >> 1))[:count]
            )
        elif value > _MOVE:
            length = value if bits == 8 else -(-value // 2)
            literal = data[at : at + length]
            row += literal if bits == 8 else bytes(part for byte in literal for part in (byte >> 4, byte & 15))[:value]
            at += length + length % 2
        elif value == _MOVE:
            right, down = data[at : at + 1], data[at + 1 : at + 2]
            at += 2
            row += bytes(right[0] if right else 0)
            for _ in range(min(down[0] if down else 0, height - done)):
                yield bytes(row[:width]).ljust(stride, b"\0")
                done, row = done + 1, bytearray(len(row[:width]))
        else:
            yield bytes(row[:width]).ljust(stride, b"\0")
            done, row = done + 1, bytearray()
            for _ in range((height - done) * (value == _END)):
                yield bytes(stride)
                done += 1
        if len(row) > 2 * width + _LONGEST:  # of which nothing is seen
            del row[width:]
