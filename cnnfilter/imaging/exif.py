"""EXIF: blocks without previews that tell of the picture as it is written, alone or among the tags of a TIFF.

A block is a small TIFF. Maker notes hold places in it, so it is edited where it lies, and what goes is overwritten
with zeros.

References
----------
Exif 3.0 (CIPA DC-008): 4.6, the tags.
"""

from __future__ import annotations

import io
import re
import struct
from collections.abc import Iterator
from typing import NamedTuple

from cnnfilter.imaging import tiff, tiff_tags
from cnnfilter.imaging.headers import EXIF_PREFIX
from cnnfilter.imaging.tiff import Directory, Layout, read_tiff
from cnnfilter.imaging.tiff_tags import BELOW, EXIF, FIRST, GPS, INTEROPERABILITY, LONG, SHORT, Tags, Value

DESCRIPTIVE_TAGS = frozenset(
    (269, 270, 271, 272, 285, 305, 306, 315, 316, 18246, 18249, 33432, 40091, 40092, 40093, 40094, 40095, EXIF, GPS)
)
"""The EXIF tags that a TIFF file shares its first directory with: what describes the photo (maker, date,
artist, copyright, the EXIF and GPS directories), not how its pixels are stored."""

PLACE_TAGS = (33550, 33922, 34264, 34735, 34736, 34737, 42113)
"""GeoTIFF's, which say where on Earth pixels are, and GDAL's of the number that means nothing is known there."""

_COLOUR_SPACE, _UNCALIBRATED, _ADOBE_RGB = 40961, b"\xff\xff", b"R03"
_ELSEWHERE = frozenset(
    (tiff.ORIENTATION, tiff.STRIP_OFFSETS, tiff.STRIP_BYTE_COUNTS, tiff.TILE_OFFSETS, tiff.TILE_BYTE_COUNTS,
     tiff.SUB_IFDS, 513, 514, 700, 33723, 34377)
)  # fmt: skip
"""The pixels are upright; previews (in strips, in tiles, in directories below, as JPEG or as a resource of Photoshop's)
show what was not filtered; XMP and IPTC have places of their own."""
_INSIDE = {700: "XMP", 33723: "IPTC"}
_WIDTHS, _HEIGHTS = (tiff.IMAGE_WIDTH, 40962, 4097), (tiff.IMAGE_LENGTH, 40963, 4098)

# A JPEG's beginning; in maker notes of Minolta's, its first byte is another.
_JPEG = rb"(?s:\xff\xd8\xff[\xc0-\xfe]|.\xd8\xff\xdb)"
_JPEG_END = b"\xff\xd9"
_SHAPE = rb'\s*(\{\s*"shape"|shape=|ImageJ=|(<\?xml[^>]*>\s*)?(<!--[^>]*-->\s*)?<OME)'
"""How descriptions begin by which tifffile, ImageJ and readers of OME-XML tell the shape of the whole file."""
_BROKEN = "the EXIF block is broken"


def without_pictures(data: bytes) -> bytes:
    """Bytes of the same length, whose JPEGs are zeros: previews in maker notes and in IPTC."""
    found = re.search(_JPEG, data)
    if found is None:
        return data
    end = data.rfind(_JPEG_END, found.end()) + len(_JPEG_END)
    end = end if end > found.end() else len(data)
    return data[: found.start()] + bytes(end - found.start()) + data[end:]


class Cleaned(NamedTuple):
    """A block without orientation and previews, the orientation (1 to 8) it had, and what else is not in it."""

    block: bytes | None
    orientation: int | None
    lost: tuple[str, ...] = ()


def cleaned(block: bytes) -> Cleaned:
    """A block without what shows or describes the picture as it was.

    Whatever no tag leads to is a preview, too, or nothing.

    Raises
    ------
    ValueError
        If the block is broken.
    """
    while block.startswith(EXIF_PREFIX):  # some writers put it there twice
        block = block[len(EXIF_PREFIX) :]
    first = _first(block)
    orientation = None
    if first.entries.get(tiff.ORIENTATION, (0, 0, 0))[:1] == (SHORT,):
        orientation = first.number(tiff.ORIENTATION, 1)
        orientation = orientation if 1 <= orientation <= 8 else 1
    kept = bytearray(len(block))
    kept[:8] = block[:8]
    end = _keep(first, FIRST, kept)
    lost = [f"{name} inside EXIF" for tag, name in _INSIDE.items() if tag in first.entries]
    lost += ["the description of a TIFF's shape"] * _tells_shape(first)
    # once more, as values that overlap may make one together
    return Cleaned(without_pictures(bytes(kept[:end])) if end else None, orientation, tuple(lost))


def _tells_shape(directory: Directory) -> bool:
    return re.match(_SHAPE, directory.held(tiff.IMAGE_DESCRIPTION)) is not None


def _first(block: bytes) -> Directory:
    if block[:4] not in (b"II*\0", b"MM\0*"):
        raise ValueError(_BROKEN)
    return read_tiff(io.BytesIO(block)).page(0)


def _keep(directory: Directory, place: int, kept: bytearray) -> int:
    """Copy to `kept` what stays of a directory and of those below; return where the last of it ends, 0 if nothing."""
    order, end, rows = directory.layout.order, 0, []
    if sum(entry.size for entry in directory.entries.values()) > 2 * len(kept):
        raise ValueError(_BROKEN)  # values that overlap again and again would take for ever
    for tag, entry in directory.entries.items():
        if tag in _ELSEWHERE or (tag == tiff.IMAGE_DESCRIPTION and _tells_shape(directory)):
            continue
        if (found := tiff_tags.value_of(directory, tag, place)) is None:
            continue
        value, below = found
        if below:
            if not (last := _keep(below, tag, kept)):
                continue
            end = max(end, last)
        elif entry.size > 4:
            without = without_pictures(value)
            if without != value and not without.strip(b"\0"):  # some maker notes are nothing else
                continue
            kept[entry.position : entry.position + entry.size] = without
            end = max(end, entry.position + entry.size)
            value = struct.pack(order + "I", entry.position)
        rows.append(directory.layout.entry.pack(tag, entry.kind, entry.number, value))
    if not rows:
        return 0
    table = directory.layout.length.pack(len(rows)) + b"".join(rows) + directory.layout.offset.pack(0)
    kept[directory.position : directory.position + len(table)] = table
    return max(end, directory.position + len(table))


def sized(block: bytes, width: int, height: int) -> bytes:
    """A cleaned block that tells another size of the picture, where it tells one."""
    edited = bytearray(block)
    for directory in _all(_first(block), FIRST):
        for tags, length in ((_WIDTHS, width), (_HEIGHTS, height)):
            for entry in (directory.entries[tag] for tag in tags if tag in directory.entries):
                if entry.kind in (SHORT, LONG) and entry.number == 1:
                    type_at = entry.position - 6
                    struct.pack_into(directory.layout.order + "HII", edited, type_at, LONG, 1, length)
    return bytes(edited)


def tells_resolution(block: bytes) -> bool:
    """Whether a block has a resolution."""
    return _first(block).tells_resolution


def _all(directory: Directory, place: int) -> Iterator[Directory]:
    yield directory
    for tag in BELOW.get(place, ()):
        for below in directory.subdirectories(tag)[:1]:
            yield from _all(below, tag)


def described(page: Directory) -> bytes | None:
    """What a TIFF's page tells of the photo as an EXIF block, not cleaned; None if it tells nothing."""
    tags = tiff_tags.tags_of(page, FIRST, DESCRIPTIVE_TAGS)
    return _block(tags) if tags else None


def placed(page: Directory) -> Tags:
    """What a TIFF's page tells of where on Earth it is."""
    return tiff_tags.tags_of(page, None, PLACE_TAGS)


def adobe_rgb(block: bytes) -> bytes | None:
    """A block that says no more than that the colours are Adobe RGB's, as cameras do; None if it does not."""
    try:
        photo = tiff_tags.tags_of(_first(block), FIRST, (EXIF,)).get(EXIF)
    except ValueError:
        return None
    more = photo.get(INTEROPERABILITY) if isinstance(photo, dict) else None
    name = more.get(1) if isinstance(more, dict) else None
    if not isinstance(name, Value) or not name.data.startswith(_ADOBE_RGB):
        return None
    return _block({EXIF: {_COLOUR_SPACE: Value(SHORT, 1, _UNCALIBRATED), INTEROPERABILITY: {1: name}}})


def _block(tags: Tags) -> bytes:
    head = b"II*\0" + struct.pack("<I", 8)
    return head + tiff_tags.laid_out(tags, len(head), Layout("<", is_big=False))


def descriptive(block: bytes) -> Tags:
    """The tags of a block that a TIFF's own first directory takes in."""
    return tiff_tags.tags_of(_first(block), FIRST, DESCRIPTIVE_TAGS)
