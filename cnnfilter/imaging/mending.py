"""Files that Pillow takes for damaged though all of their pixels are there, brought to a form that it reads.

Only what is no part of the pixels is left out, and told: chunks of a PNG whose checksum is wrong, segments of a JPEG
that are cut off. Of a JPEG without an end, that the pixels are all there is tried: what would follow changes none.
"""

from __future__ import annotations

import io
import itertools
import struct
import zlib
from collections.abc import Iterator, Mapping
from typing import BinaryIO, NamedTuple

from cnnfilter.imaging.bitmaps import eight_bits, of_16_bits
from cnnfilter.imaging.headers import EOI, MAX_PARTS, SOS, TEM, png_chunks, segments
from cnnfilter.imaging.metadata import MAX_TEXTS, TEXTS
from cnnfilter.imaging.pieces import Piece, joined
from cnnfilter.messages import shortened


class Mended(NamedTuple):
    """A file in another form.

    Parameters
    ----------
    streams : tuple of binary stream
        Pixels of each must be the same, else the file lacks some.
    notes : tuple of str
        What was left out.
    """

    streams: tuple[BinaryIO, ...]
    notes: tuple[str, ...] = ()


def mended(stream: BinaryIO, format: str, *, was_opened: bool) -> Mended | None:
    """A file that could not be opened, or be decoded, in a form that perhaps can; None if there is none.

    Parameters
    ----------
    stream : binary stream
    format : str
        One of `formats.FORMATS`.
    was_opened : bool
        Whether it could be opened, and as large a picture is allowed: a TGA is decoded here.

    Raises
    ------
    ValueError, IndexError, struct.error
        If it is damaged.
    """
    mend = {"PNG": _png, "JPEG": _jpeg, "TGA": _tga if was_opened else None, "BMP": _bmp}.get(format)
    return None if mend is None else mend(stream)


_LENGTHS = {b"gAMA": 4, b"cHRM": 32, b"sRGB": 1, b"pHYs": 9, b"tIME": 7, b"cICP": 4, b"acTL": 8, b"fcTL": 26}
"""Of a PNG's chunks that have one."""
_TRANSPARENT = {0: 2, 2: 6}
"""Of the one of a transparent colour, by the kind of colours in the header."""
_INFLATED = {b"zTXt": 1 << 20, b"iTXt": 1 << 20}
"""What a text counts for that may be much longer than its chunk."""


def _png(stream: BinaryIO) -> Mended:
    pieces: list[Piece] = [b"\x89PNG\r\n\x1a\n"]
    dropped: list[str] = []
    lengths: dict[bytes, int | None] = {**_LENGTHS}
    texts, kinds = 0, set()
    for kind, begin, end in itertools.islice(png_chunks(stream), MAX_PARTS):
        kinds.add(kind)
        if kind == b"IHDR":
            lengths[b"tRNS"] = _TRANSPARENT.get(stream.read(10)[-1])
        is_lost = kind == b"fcTL" and b"acTL" not in kinds  # a frame of no animation
        size = max(end - begin, _INFLATED.get(kind, 0)) if kind in TEXTS else 0
        is_lost |= texts + size > MAX_TEXTS
        if kind[:1].islower() and (is_lost or not _is_sound(stream, kind, end - begin, lengths)):
            dropped.append(kind.decode("latin-1"))
        else:
            texts += size
            pieces.append((begin - 8, end + 4))
    return Mended((joined(stream, pieces),), _left_out("chunk", dropped))


def _is_sound(stream: BinaryIO, kind: bytes, length: int, lengths: Mapping[bytes, int | None]) -> bool:
    """Whether a chunk that pixels do not need, and whose data follow, is as it should be."""
    if length != (lengths.get(kind) or length) or length > MAX_TEXTS or (kind == b"iCCP" and not length):
        return False
    data = stream.read(length)
    return stream.read(4) == zlib.crc32(kind + data).to_bytes(4)


def _left_out(what: str, names: list[str]) -> tuple[str, ...]:
    if not names:
        return ()
    shown = shortened(", ".join(dict.fromkeys(name for name in names if name.isalnum())))
    several = len(names) > 1
    return (f"{len(names) if several else 'a'} damaged {what}{'s' * several} left out ({shown})",)


_SHORTEST = {0xE0: (b"JFIF", 14), 0xEE: (b"Adobe", 12)}
"""Segments of a JPEG, how they begin, and the least bytes they have."""
_APPS, _RESOURCES = range(0xE0, 0xF0), 0xED
_FILLING = (b"", b"\x55\xaa" * 64)
"""What a JPEG without an end might have had."""


def _jpeg(stream: BinaryIO) -> Mended | None:
    pieces: list[Piece] = [b"\xff\xd8"]
    dropped: list[str] = []
    parts = itertools.islice(segments(stream), MAX_PARTS)
    for marker, at, end in parts:
        if marker == SOS:
            break
        data = stream.read(max(end - at, 0))
        begin, shortest = _SHORTEST.get(marker, (b"", 0))
        if marker in _APPS and (marker == _RESOURCES or (data.startswith(begin) and len(data) < shortest)):
            dropped.append(f"APP{marker - _APPS[0]}")
        elif marker != TEM:
            pieces.append((at - 4, end))
    else:
        return None
    is_whole = any(marker == EOI for marker, _, _ in parts)
    size = stream.seek(0, io.SEEK_END)
    stream.seek(size - 1)
    pieces.append((at - 4, size - (stream.read(1) == b"\xff")))  # half of a marker would make another
    ends = [b""] if is_whole else [filling + b"\xff\xd9" for filling in _FILLING]
    return Mended(tuple(joined(stream, [*pieces, end]) for end in ends), _left_out("segment", dropped))


def _bmp(stream: BinaryIO) -> Mended | None:
    other = eight_bits(stream)
    return None if other is None else Mended((other,))


def _tga(stream: BinaryIO) -> Mended | None:
    """A TGA with its runs written out, which Pillow has none cross from row to row of."""
    stream = of_16_bits(stream)
    stream.seek(0)
    header = bytearray(stream.read(18))
    identity, colours, kind, _, entries, entry, _, _, width, height, depth, _ = struct.unpack("<3B2HB4H2B", header)
    size = -(-depth // 8)
    if not kind & 8:
        return None
    header[2] = kind & 7
    before = 18 + identity + bool(colours) * entries * -(-entry // 8)
    stream.seek(before)
    pixels = bytearray()
    for run in _runs(stream, size):
        pixels += run
        if len(pixels) >= width * height * size:
            return Mended((joined(stream, [bytes(header), (18, before), bytes(pixels)]),))
    return None


def _runs(stream: BinaryIO, size: int) -> Iterator[bytes]:
    """The pixels of each packet, of so many bytes each: one that is repeated, or as many as it says."""
    while head := stream.read(1):
        count = (head[0] & 0x7F) + 1
        yield stream.read(size) * count if head[0] & 0x80 else stream.read(size * count)
