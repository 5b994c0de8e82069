"""The tags of a TIFF as values: taken out of directories, and laid out in others.

They keep their types and bytes: Pillow would write other types for some, question marks for letters beyond ASCII, and
no EXIF and GPS directories into a compressed TIFF.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Collection, Iterable, Mapping
from typing import NamedTuple

import numpy as np

from cnnfilter.errors import PictureError
from cnnfilter.imaging.tiff import KINDS, MAX_BYTES, STRIP_OFFSETS, Directory, Layout, read_tiff
from cnnfilter.messages import either

FIRST, EXIF, GPS, INTEROPERABILITY = 0, 34665, 34853, 40965
BELOW: Mapping[int | None, tuple[int, ...]] = {FIRST: (EXIF, GPS), EXIF: (INTEROPERABILITY,)}
"""Which directories stand in which, by the tags that lead to them."""

SHORT, LONG, _LONG8 = 3, 4, 16
"""Types of whole numbers."""


class Value(NamedTuple):
    """The values of a tag: TIFF's number of their type, how many, and their bytes, of little-endian numbers."""

    kind: int
    number: int
    data: bytes


Tags = dict[int, "Value | Tags"]
"""What a directory holds; another directory under the tag that leads to it."""


def with_tags(file: bytes, tags: Tags) -> bytes:
    """A TIFF of one page with more tags in its directory, which is moved to the end for that."""
    single = read_tiff(io.BytesIO(file))
    layout = single.layout
    at = len(file) + len(file) % 2
    directory = laid_out(tags_of(single.page(0), None, None) | tags, at, layout)
    begin = layout.offset.size  # in a BigTIFF, the sizes of its numbers stand before
    rest = memoryview(file)[2 * begin :]  # not copied twice
    return b"".join([file[:begin], layout.offset.pack(at), rest, bytes(at - len(file)), directory])


def joined(pages: Iterable[bytes | memoryview]) -> bytearray:
    """One TIFF of TIFFs of one page in strips; Pillow looks at all pages before each that it adds.

    Raises
    ------
    PictureError
        If places in it would be too large for its kind.
    """
    file = bytearray()
    link = 0
    for data in pages:
        begin = len(file)
        file += data
        file += bytes(len(file) % 2)
        at = len(file)
        single = read_tiff(io.BytesIO(data))
        layout, tags = single.layout, tags_of(single.page(0), FIRST, None)
        strips = tags[STRIP_OFFSETS]
        if isinstance(strips, Value):  # which it always is
            places = np.frombuffer(strips.data, f"<u{struct.calcsize('=' + KINDS[strips.kind])}").astype(np.uint64)
            kind, form = (_LONG8, "<u8") if layout.is_big else (LONG, "<u4")
            tags[STRIP_OFFSETS] = Value(kind, strips.number, (places + np.uint64(begin)).astype(form).tobytes())
        wide = layout.offset.size
        try:
            directory = laid_out(tags, at, layout)
            file[link or wide : (link or wide) + wide] = layout.offset.pack(at)
        except struct.error as error:
            option = either("--save-option big_tiff=yes", 'options={"big_tiff": "yes"}')
            msg = f"a TIFF holds 4 GB; write a larger one with {option}"
            raise PictureError(msg) from error
        file += directory
        link = at + layout.length.size + layout.entry.size * len(tags)
    return file


def tags_of(directory: Directory, place: int | None, wanted: Collection[int] | None) -> Tags:
    """The tags of a directory, or those that are `wanted`, and all of those below it."""
    entries = {tag: entry for tag, entry in directory.entries.items() if wanted is None or tag in wanted}
    if sum(entry.size for entry in entries.values()) > MAX_BYTES:
        msg = f"the directory at {directory.position} has more than {MAX_BYTES} bytes"
        raise ValueError(msg)
    tags: Tags = {}
    for tag, entry in entries.items():
        if found := value_of(directory, tag, place):
            data, below = found
            data = _reordered(data, entry.kind, directory.layout.order)
            tags[tag] = tags_of(below, tag, None) if below else Value(entry.kind, entry.number, data)
    return tags


def value_of(directory: Directory, tag: int, place: int | None) -> tuple[bytes, Directory | None] | None:
    """The bytes of a tag, and the directory that it leads to, if it does; None if they are outside the file."""
    try:
        below = directory.subdirectories(tag) if tag in BELOW.get(place, ()) else ()
        return directory.data(tag), next(iter(below), None)
    except ValueError:
        return None


def _reordered(data: bytes, kind: int, order: str) -> bytes:
    """Numbers of an order as little-endian, or the other way round."""
    size = struct.calcsize("=" + KINDS.get(kind, "c")[0])
    return data if order == "<" or size == 1 else np.frombuffer(data, f"u{size}").byteswap().tobytes()


def laid_out(tags: Tags, at: int, layout: Layout) -> bytes:
    """A directory, its values and those below it as they stand at a place of a file; no other follows."""
    wide = layout.offset.size
    begin = at + layout.length.size + layout.entry.size * len(tags) + wide
    table, values = b"", b""
    for tag, value in sorted(tags.items()):
        values += bytes(len(values) % 2)
        if isinstance(value, Value):
            kind, number, data = value.kind, value.number, _reordered(value.data, value.kind, layout.order)
        else:
            kind, number, data = _LONG8 if layout.is_big else LONG, 1, layout.offset.pack(begin + len(values))
            values += laid_out(value, begin + len(values), layout)
        if len(data) > wide:
            data, values = layout.offset.pack(begin + len(values)), values + data
        table += layout.entry.pack(tag, kind, number, data)
    return layout.length.pack(len(tags)) + table + layout.offset.pack(0) + values
