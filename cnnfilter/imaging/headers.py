"""What Pillow does not do: tell a file's depth, or its size before taking memory, and keep libtiff quiet."""

from __future__ import annotations

import contextlib
import ctypes
import functools
import math
import re
import struct
from collections.abc import Iterator
from typing import Any, BinaryIO, NamedTuple

from cnnfilter.errors import PictureError

EXIF_PREFIX = b"Exif\x00\x00"
"""What stands before an EXIF block in some formats."""


@functools.cache
def silence_libtiff() -> None:
    """Keep libtiff from printing what it finds wrong with a file; its return codes still say so.

    Pillow has no way to set libtiff's handlers, whose messages go to standard error past Python. They are
    looked up among the libraries that Pillow's own depends on. Where libtiff is linked into it (Windows), they
    are not there, and its messages stay.
    """
    from PIL import _imaging

    loaded = ctypes.CDLL(_imaging.__file__)
    with contextlib.suppress(AttributeError):
        for setter in (loaded.TIFFSetErrorHandler, loaded.TIFFSetWarningHandler):
            setter.argtypes, setter.restype = [ctypes.c_void_p], ctypes.c_void_p
            setter(None)


_WEBP_HEAD = 30
_WEBP_PARTS = {b"VP8X": (24, 3), b"VP8 ": (26, 2)}


def webp_size(head: bytes) -> tuple[int, int] | None:
    """Width and height of a WebP, whose decoder takes the canvas's memory when it is made."""
    kind = head[12:16]
    if kind == b"VP8L" and len(head) >= 25:
        bits = int.from_bytes(head[21:25], "little")
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if kind not in _WEBP_PARTS or len(head) < _WEBP_HEAD:
        return None
    at, wide = _WEBP_PARTS[kind]
    width, height = (int.from_bytes(head[i : i + wide], "little") for i in (at, at + wide))
    return (width + 1, height + 1) if kind == b"VP8X" else (width & 0x3FFF, height & 0x3FFF)


_WEBP_CHUNKS = 1000
"""How many parts of a WebP are looked at for its pixels: others may stand before them."""


def webp_is_lossless(stream: BinaryIO) -> bool:
    """Whether the pixels of a WebP, or of its first frame, are stored without loss."""
    at = 12
    for _ in range(_WEBP_CHUNKS):
        stream.seek(at)
        head = stream.read(8)
        if len(head) < 8 or head[:4] in (b"VP8L", b"VP8 "):
            return head[:4] == b"VP8L"
        size = int.from_bytes(head[4:], "little")
        # a frame has 16 bytes before its own parts
        at += 24 if head[:4] == b"ANMF" else 8 + size + size % 2
    return False


class Icon(NamedTuple):
    """One picture of an ICO, as it tells of itself: the directory's sizes end at 256, and need not be true."""

    width: int
    height: int
    bits: int
    offset: int
    size: int


_PNG_SAMPLES = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}


def icons(stream: BinaryIO) -> list[Icon]:
    """The pictures of an ICO, the largest of which Pillow decodes when it opens it.

    Raises
    ------
    ValueError, IndexError, KeyError, struct.error
        If it is damaged.
    """
    stream.seek(4)
    (count,) = struct.unpack("<H", stream.read(2))
    entries = [struct.unpack("<8x2I", stream.read(16)) for _ in range(count)]
    found = []
    for size, offset in entries:
        stream.seek(offset)
        head = stream.read(26)
        if head.startswith(b"\x89PNG"):
            width, height = struct.unpack_from(">II", head, 16)
            bits = head[24] * _PNG_SAMPLES[head[25]]
        else:  # a bitmap without its file header; below it stands the mask, which counts as height too
            form = "<HHHH" if head[0] == 12 else "<iiHH"
            width, height, _, bits = struct.unpack_from(form, head, 4)
            width, height = abs(width), abs(height) // 2
        found.append(Icon(width, height, bits, offset, size))
    return found


def eager_size(format: str, stream: BinaryIO) -> tuple[int, int] | None:
    """Width and height of a picture that takes memory as soon as Pillow opens it; None for all others."""
    if format == "WEBP":
        stream.seek(0)
        return webp_size(stream.read(_WEBP_HEAD))
    if format == "ICO":
        return max(((icon.width, icon.height) for icon in icons(stream)), key=math.prod)
    return None


def png_chunks(stream: BinaryIO) -> Iterator[tuple[bytes, int, int]]:
    """The chunks of a PNG up to its end: type, and where the data begin, at which the stream is, and end."""
    begin, kind = 16, b""
    while kind != b"IEND":
        stream.seek(begin - 8)
        head = stream.read(8)
        if len(head) < 8:
            return
        length, kind = struct.unpack(">I4s", head)
        yield kind, begin, begin + length
        begin += length + 12


MAX_PROFILE = 1 << 24
"""Bytes of an ICC profile; those of printers have a few million."""
MAX_BOXES = 200
"""Of a JPEG 2000 that are looked at; a file has a dozen."""


def boxes(
    stream: BinaryIO, begin: int = 0, end: int = 1 << 62, most: int = MAX_BOXES
) -> Iterator[tuple[bytes, int, int]]:
    """The boxes of a JPEG 2000 (ISO/IEC 15444-1, annex I): type, and where the content begins and ends."""
    for _ in range(most):
        if begin >= end:
            return
        stream.seek(begin)
        head = stream.read(16)
        if len(head) < 8:
            return
        length, kind = struct.unpack_from(">I4s", head)
        content = begin + 8
        if length == 1 and len(head) == 16:  # the length proper follows in eight bytes
            (length,) = struct.unpack_from(">Q", head, 8)
            content += 8
        last = begin + length if length else end  # 0: it is the last
        if not content <= last <= end:
            return
        yield kind, content, last
        begin = last


class Jpeg2000Header(NamedTuple):
    """What a JPEG 2000 says of itself: bits of the deepest component, how many there are, and how it is cut into tiles.

    `tile_pixels` counts as many of a tile as the picture has.
    """

    depth: int
    components: int
    tiles: int
    tile_pixels: int


def jpeg2000_header(stream: BinaryIO) -> Jpeg2000Header:
    """What Pillow does not tell of a JPEG 2000.

    Raises
    ------
    ValueError, struct.error
        If it is damaged.
    """
    stream.seek(0)
    at = 0
    if stream.read(2) != b"\xff\x4f":  # in a box structure
        found = next((content for kind, content, _ in boxes(stream) if kind == b"jp2c"), None)
        if found is None:
            msg = "no codestream"
            raise ValueError(msg)
        at = found
    # SOC (2 bytes), then the marker SIZ (2), its length (2), and capabilities (2)
    stream.seek(at + 8)
    right, bottom, left, top, *tile, count = struct.unpack(">8IH", stream.read(34))
    width, height, tile_left, tile_top = tile
    components = stream.read(3 * count)
    depth = max((byte & 0x7F) + 1 for byte in components[::3])
    tiles = -(-(right - tile_left) // width) * -(-(bottom - tile_top) // height)
    return Jpeg2000Header(depth, count, tiles, min(width, right - left) * min(height, bottom - top))


def tga_alpha(stream: BinaryIO) -> bool:
    """Whether a TGA of 16 bits a pixel says that one of them is alpha; of others Pillow knows."""
    stream.seek(16)
    depth, flags = stream.read(2)
    return depth not in (15, 16) or bool(flags & 0x0F)


MAX_SCANS = 100
"""Scans of a JPEG; encoders make ten, and each takes as long as decoding the whole picture."""
MAX_PARTS = 200_000
"""Segments of a JPEG, and the parts of a few bytes of other files."""
_PIECE = 1 << 16
_MARKER = rb"\xff[^\x00\xd0-\xd7\xff]"  # no byte of 255, no filling, no restart of the decoder
TEM, EOI, SOS = 0x01, 0xD9, 0xDA
_FRAMES, _PROGRESSIVE = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}, (0xC2, 0xC6, 0xCA, 0xCE)


def is_one_scan(stream: BinaryIO, image: Any) -> bool:
    """Whether the scan at which Pillow stopped, having opened a JPEG, has all components of its picture."""
    start = b"\xff\xda" + struct.pack(">HB", 6 + 2 * image.layers, image.layers)
    stream.seek(max(stream.tell() - len(start) - 2 * image.layers - 3, 0))
    return stream.read(len(start)) == start


def check_scans(stream: BinaryIO, begin: int = 0) -> None:
    """Make sure that a JPEG is not decoded as many times over as somebody liked, before it is decoded at all.

    Raises
    ------
    PictureError
        If it has more scans, or segments, than a picture needs.
    """
    scans = components = 0
    for number, (marker, _, _) in enumerate(segments(stream, begin)):
        if marker in _FRAMES:
            components = 0 if marker in _PROGRESSIVE else stream.read(6)[5]
        if marker == SOS:
            scans += 1
            if stream.read(1)[0] == components:  # all of them in one scan, where decoders end
                return
        if scans > MAX_SCANS:
            msg = f"it has more than {MAX_SCANS} scans, each of which takes as long as a picture; no JPEG needs them"
            raise PictureError(msg)
        if number > MAX_PARTS:
            raise too_many_parts()


def too_many_parts() -> PictureError:
    """The error about a file that takes long to look through."""
    return PictureError(f"it has more than {MAX_PARTS:,} parts of a few bytes each, as no picture has")


def segments(stream: BinaryIO, start: int = 0) -> Iterator[tuple[int, int, int]]:
    """The segments of a JPEG up to its end: marker, and where the data begin, at which the stream is, and end."""
    found = _next_marker(stream, start + 2)
    while found is not None:
        at, marker = found
        stream.seek(at)
        is_bare = marker in (TEM, EOI)
        end = at if is_bare else at + int.from_bytes(stream.read(2))
        yield marker, at if is_bare else at + 2, end
        if marker == EOI:
            return
        found = _next_marker(stream, end)


def _next_marker(stream: BinaryIO, at: int) -> tuple[int, int] | None:
    """Where the segment of the next marker begins, and which one it is; None if there is none."""
    size = 16  # most of them follow each other
    while True:
        stream.seek(at)
        piece = stream.read(size)
        match = re.search(_MARKER, piece)
        if match is not None:
            return at + match.end(), piece[match.end() - 1]
        if len(piece) < size:
            return None
        at += size - 1
        size = min(16 * size, _PIECE)


AVIF_HEAD = 1 << 16
"""Bytes of an AVIF that are enough to hold what is looked for."""


def avif_depth(head: bytes) -> int:
    """The bits of an AVIF's samples: 8, 10 or 12; Pillow shows all as 8-bit.

    `head` is enough of the file to hold the `av1C` box.
    """
    at = head.find(b"av1C")
    if at < 0 or at + 7 > len(head):
        return 8
    flags = head[at + 6]  # seq_tier_0, high_bitdepth, twelve_bit, monochrome, ...
    return 8 if not flags & 0x40 else 12 if flags & 0x20 else 10


def avif_colours(head: bytes) -> bytes | None:
    """What the colours of an AVIF mean, as a PNG's chunk cICP says it (ITU-T H.273); None if nobody says it.

    `head` is enough of the file to hold the `colr` box.
    """
    at = head.find(b"colrnclx")
    if at < 0 or at + 14 > len(head):
        return None
    primaries, transfer = struct.unpack_from(">HH", head, at + 8)
    return bytes([primaries & 0xFF, transfer & 0xFF, 0, 1])  # RGB of the full range, as it is decoded


def bmp_profile(stream: BinaryIO) -> bytes | None:
    """The ICC profile embedded in a BMP of version 5."""
    stream.seek(14)
    header = stream.read(124)
    if len(header) < 124 or header[:4] != b"\x7c\0\0\0" or header[56:60] != b"DEBM":
        return None
    offset, size = struct.unpack_from("<II", header, 112)
    stream.seek(14 + offset)
    profile = stream.read(min(size, MAX_PROFILE))
    return profile if len(profile) == size else None
