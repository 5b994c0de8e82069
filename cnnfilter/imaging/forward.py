"""Streams that can only be read forward, as files: what was read is kept, and no more is read than is asked for.

A picture ends where its format says; what follows in a pipe, and may never end, is left there.
"""

from __future__ import annotations

import io
from typing import BinaryIO, cast

from cnnfilter.errors import PictureError
from cnnfilter.imaging.headers import boxes
from cnnfilter.imaging.pieces import Made
from cnnfilter.messages import either

_BUFFER = 1 << 16
_PIECE = 1 << 18
"""Bytes that are read at a time in search of an end."""
_MOST_PARTS = 1 << 16
"""Boxes, or tiles of a JPEG 2000, that are followed."""
_CODESTREAM, _PART, _END_OF_CODESTREAM = b"\xff\x4f\xff\x51", 0xFF90, 0xFFD9


class Forward(io.BufferedReader):
    """A stream as a file that can seek.

    Parameters
    ----------
    source : binary stream
        It is read from where it stands.
    limit : int
        The most bytes that are kept; `PictureError` is raised where more would be.
    """

    def __init__(self, source: BinaryIO, limit: int) -> None:
        self._raw = _Forward(source, limit)
        super().__init__(self._raw, _BUFFER)

    @property
    def kept(self) -> int:
        """How many bytes are kept."""
        return len(self._raw.bytes)


class _Forward(Made):
    """What is read of a stream, to the end of the picture in it."""

    def __init__(self, source: BinaryIO, limit: int) -> None:
        self._source, self._limit = source, limit
        self.bytes = bytearray()
        self._told: int | None = None

    def _bytes(self, size: int) -> memoryview:
        end = self._at + size
        if self._told is not None:  # OpenJPEG ends the process where it finds more than the length that it was told
            end = min(end, self._told)
        self._fill(end)
        return memoryview(self.bytes)[self._at : end]

    def readall(self) -> bytes:
        data = bytes(memoryview(self.bytes)[self._at : self._end()])
        self._at += len(data)
        return data

    def _fill(self, end: int) -> None:
        """Read on, to have that many bytes, or all that there are.

        Raises
        ------
        PictureError
            If they are more than may be kept.
        """
        end = min(end, self._limit + 1)
        while len(self.bytes) < end and (piece := self._source.read(min(_PIECE, end - len(self.bytes)))):
            self.bytes += piece
        if len(self.bytes) > self._limit:
            raise too_long(self._limit)

    def _end(self) -> int:
        """Where the picture ends by what its format tells, or else the stream, of which all is kept then."""
        if self._told is None:
            place = self._at
            self._told = told_end(cast(BinaryIO, self), self._limit)
            self._at = place
        self._fill(self._told)
        return min(self._told, len(self.bytes))


def too_long(most: int) -> PictureError:
    """The error about a file that would take more memory than it may."""
    limits = either("--memory and --max-pixels", "max_pixels")
    return PictureError(f"more than {most:,} bytes, the most that is read of it at once; see {limits}")


def told_end(stream: BinaryIO, most: int) -> int:
    """Where a picture ends by what its format tells; more than `most` if it tells nothing, or not before."""
    stream.seek(0)
    head = stream.read(12)
    if head[:4] == b"RIFF":
        return 8 + int.from_bytes(head[4:8], "little")
    if head[4:8] in (b"jP  ", b"ftyp"):
        return _end_of_boxes(stream, most)
    return _end_of_codestream(stream, most) if head[:4] == _CODESTREAM else most + 1


def _end_of_boxes(stream: BinaryIO, most: int) -> int:
    """Where what no longer looks like a box begins: 4 bytes of length, 4 letters."""
    at = parts = 0
    for kind, _, end in boxes(stream, 0, most + 1, _MOST_PARTS):
        if not kind.isascii() or b"\0" in kind:
            break
        at, parts = end, parts + 1
    return at if parts < _MOST_PARTS else most + 1


def _end_of_codestream(stream: BinaryIO, most: int) -> int:
    """Where a JPEG 2000 without boxes ends, from one of its parts to the next."""
    at = 2
    for _ in range(_MOST_PARTS):
        stream.seek(at)
        head = stream.read(10)
        marker, size = int.from_bytes(head[:2]), int.from_bytes(head[2:4]) + 2
        if marker == _PART:
            size = int.from_bytes(head[6:])
        if marker == _END_OF_CODESTREAM:
            return at + 2
        if size < 4 or at + size > most:
            break
        at += size
    return most + 1  # the last part goes to the end
