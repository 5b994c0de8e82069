"""Files made as they are read: of pieces of another, none of which is copied, for decoders that are to see it."""

from __future__ import annotations

import abc
import bisect
import io
import itertools
from collections.abc import Sequence
from typing import Any, BinaryIO

Piece = bytes | tuple[int, int]
"""Bytes, or where in the file others begin and end."""


class Made(io.RawIOBase):
    """A file that can seek, of which a subclass has the bytes and the length."""

    _at = 0

    def readable(self) -> bool:
        """Always True."""
        return True

    def seekable(self) -> bool:
        """Always True."""
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go to a place, from the beginning, from where it stands or from the end."""
        base = self._at if whence == io.SEEK_CUR else self._end() if whence == io.SEEK_END else 0
        self._at = base + offset
        return self._at

    def readinto(self, buffer: Any) -> int:
        """Read as much as there is at once, and tell how many bytes."""
        data = self._bytes(len(buffer))
        buffer[: len(data)] = data
        self._at += len(data)
        return len(data)

    @abc.abstractmethod
    def _bytes(self, size: int) -> bytes | memoryview:
        """Up to so many bytes from where it stands; none at the end."""

    @abc.abstractmethod
    def _end(self) -> int:
        """Where it ends."""


class _Pieces(Made):
    def __init__(self, stream: BinaryIO, pieces: Sequence[Piece]) -> None:
        self._stream, self._pieces = stream, pieces
        sizes = [len(piece) if isinstance(piece, bytes) else piece[1] - piece[0] for piece in pieces]
        self._begins = list(itertools.accumulate(sizes, initial=0))

    def _end(self) -> int:
        return self._begins[-1]

    def _bytes(self, size: int) -> bytes:
        index = bisect.bisect_right(self._begins, self._at) - 1  # an empty piece is passed over
        if index == len(self._pieces):
            return b""
        piece, inside = self._pieces[index], self._at - self._begins[index]
        size = min(size, self._begins[index + 1] - self._at)
        if isinstance(piece, bytes):
            return piece[inside : inside + size]
        self._stream.seek(piece[0] + inside)
        return self._stream.read(size)


class _Numbered(_Pieces):
    def fileno(self) -> int:
        return self._stream.fileno()


def joined(stream: BinaryIO, pieces: Sequence[Piece], *, numbered: bool = False) -> BinaryIO:
    """A file of pieces, those of `stream` read when they are asked for.

    One that is `numbered` has the number of that file, for libtiff, which is told where in it to begin.
    """
    return io.BufferedReader((_Numbered if numbered else _Pieces)(stream, pieces))
