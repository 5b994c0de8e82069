"""Files put together from pieces of others, none of which is copied, for decoders that are to see another file."""

from __future__ import annotations

import bisect
import io
import itertools
from collections.abc import Sequence
from typing import Any, BinaryIO

Piece = bytes | tuple[int, int]
"""Bytes, or where in the file others begin and end."""


class _Pieces(io.RawIOBase):
    def __init__(self, stream: BinaryIO, pieces: Sequence[Piece]) -> None:
        self._stream, self._pieces, self._at = stream, pieces, 0
        sizes = [len(piece) if isinstance(piece, bytes) else piece[1] - piece[0] for piece in pieces]
        self._begins = list(itertools.accumulate(sizes, initial=0))

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self._at = offset + (0, self._at, self._begins[-1])[whence]
        return self._at

    def readinto(self, buffer: Any) -> int:
        index = bisect.bisect_right(self._begins, self._at) - 1  # an empty piece is passed over
        if index == len(self._pieces):
            return 0
        piece, inside = self._pieces[index], self._at - self._begins[index]
        size = min(len(buffer), self._begins[index + 1] - self._at)
        if isinstance(piece, bytes):
            data = piece[inside : inside + size]
        else:
            self._stream.seek(piece[0] + inside)
            data = self._stream.read(size)
        buffer[: len(data)] = data
        self._at += len(data)
        return len(data)


class _Numbered(_Pieces):
    def fileno(self) -> int:
        return self._stream.fileno()


def joined(stream: BinaryIO, pieces: Sequence[Piece], *, numbered: bool = False) -> BinaryIO:
    """Return a file of pieces, those of `stream` read when they are asked for.

    One that is `numbered` has the number of that file, for libtiff, which is told where in it to begin.
    """
    return io.BufferedReader((_Numbered if numbered else _Pieces)(stream, pieces))
