"""What the directories of a TIFF say, read within bounds before any decoder guesses.

A directory tells of one page: its size, and how its samples are stored. Each names where the next one is; smaller
copies of a page, and the pixels of a raw photo, may stand in directories of their own below it.

References
----------
TIFF, revision 6.0 (Adobe 1992); the BigTIFF design (libtiff); TIFF/EP (ISO 12234-2) for SubIFDs.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import BinaryIO, NamedTuple

from cnnfilter.imaging.pieces import joined

MAX_PAGES = 1 << 20
"""Directories that are followed, as many as libtiff follows."""
MAX_ENTRIES = 4096
"""Of one directory; more than a few hundred tags are not defined."""
MAX_NUMBERS = 1 << 20
"""Numbers of one tag that are read: the offsets of a million strips."""
MAX_BYTES = 1 << 24
"""Bytes of one tag that are read: descriptions of microscopes have a few million."""
MAX_SUBDIRECTORIES = 64
"""Directories below one that are looked at."""

IMAGE_WIDTH, IMAGE_LENGTH, BITS_PER_SAMPLE, COMPRESSION, PHOTOMETRIC = 256, 257, 258, 259, 262
FILL_ORDER, IMAGE_DESCRIPTION, STRIP_OFFSETS, ORIENTATION, SAMPLES_PER_PIXEL = 266, 270, 273, 274, 277
ROWS_PER_STRIP, STRIP_BYTE_COUNTS, X_RESOLUTION, Y_RESOLUTION, PLANAR_CONFIGURATION = 278, 279, 282, 283, 284
RESOLUTION_UNIT, PREDICTOR = 296, 317
TILE_WIDTH, TILE_LENGTH, TILE_OFFSETS, TILE_BYTE_COUNTS, SUB_IFDS = 322, 323, 324, 325, 330
EXTRA_SAMPLES, SAMPLE_FORMAT = 338, 339

KINDS = {1: "B", 2: "c", 3: "H", 4: "I", 5: "II", 6: "b", 7: "c", 8: "h", 9: "i", 10: "ii", 11: "f", 12: "d",
         13: "I", 16: "Q", 17: "q", 18: "Q"}  # fmt: skip
"""How a value of each type is stored, as `struct` has it."""
_FRACTIONS = (5, 10)


class Entry(NamedTuple):
    """A tag's values: their type, how many there are, and where in the file they begin."""

    kind: int
    number: int
    position: int

    @property
    def size(self) -> int:
        """Bytes of the values."""
        return self.number * struct.calcsize("=" + KINDS.get(self.kind, "c"))


_MISSING = Entry(1, 0, 0)


class Layout(NamedTuple):
    """How the numbers of a file are stored: `<` or `>` as `struct` has it, and whether it is a BigTIFF."""

    order: str
    is_big: bool

    @property
    def offset(self) -> struct.Struct:
        """The form of a place in the file."""
        return struct.Struct(self.order + ("Q" if self.is_big else "I"))

    @property
    def length(self) -> struct.Struct:
        """The form of the number of entries."""
        return struct.Struct(self.order + ("Q" if self.is_big else "H"))

    @property
    def entry(self) -> struct.Struct:
        """The form of an entry: tag, type, number of values, and these or their place."""
        return struct.Struct(self.order + ("HHQ8s" if self.is_big else "HHI4s"))


_HEADS = {
    b"II*\0": Layout("<", is_big=False),
    b"MM\0*": Layout(">", is_big=False),
    b"II+\0": Layout("<", is_big=True),
    b"MM\0+": Layout(">", is_big=True),
}
LAST = 1 << 40
"""A place that is in no file; beyond it, some systems do not even look."""


@dataclass(frozen=True)
class Directory:
    """One page, or a copy of one.

    Parameters
    ----------
    stream : binary stream
        The file; values are read from it when they are asked for.
    layout : Layout
        How its numbers are stored.
    entries : mapping
        By tag.
    position : int
        Where in the file it begins.
    """

    stream: BinaryIO
    layout: Layout
    entries: Mapping[int, Entry]
    position: int = 0
    _known: dict[int, tuple[int | float, ...]] = field(default_factory=dict, init=False, compare=False, repr=False)

    def numbers(self, tag: int) -> tuple[int | float, ...]:
        """A tag's values; none if it is missing or no number. A fraction is numerator and denominator.

        Raises
        ------
        ValueError
            If the file has not that many, or they are too many to be true.
        """
        if tag not in self._known:
            kind, number, _ = self.entries.get(tag, _MISSING)
            form = KINDS.get(kind, "c")
            if number > MAX_NUMBERS and form != "c":
                msg = f"tag {tag} has {number} values"
                raise ValueError(msg)
            form = f"{self.layout.order}{number * len(form)}{form[0]}"
            self._known[tag] = () if form[-1] == "c" or not number else struct.unpack(form, self.data(tag))
        return self._known[tag]

    def number(self, tag: int, default: int) -> int:
        """A tag's first value as a whole number, or what is meant where it is missing."""
        return int(next(iter(self.numbers(tag)), default))

    def ratio(self, tag: int) -> float:
        """A tag's first value, which may be a fraction; 0 if it is missing.

        Raises
        ------
        ValueError, ZeroDivisionError
            As from `numbers`; or if it is none.
        """
        above, below = (*self.numbers(tag), 0, 1)[:2]
        return above / below if self.entries[tag].kind in _FRACTIONS else above

    def held(self, tag: int) -> bytes:
        """A tag's values as the file has them; nothing if they are missing or outside of it."""
        try:
            return self.data(tag)
        except ValueError:
            return b""

    def data(self, tag: int) -> bytes:
        """A tag's values as the file has them, or nothing.

        Raises
        ------
        ValueError
            If the file has not that many, or they are too many to be true.
        """
        entry = self.entries.get(tag, _MISSING)
        if entry.size > MAX_BYTES:
            msg = f"tag {tag} has {entry.size} bytes"
            raise ValueError(msg)
        self.stream.seek(min(entry.position, LAST))
        found = self.stream.read(entry.size)
        if len(found) < entry.size:
            msg = f"tag {tag} is cut off"
            raise ValueError(msg)
        return found

    @property
    def size(self) -> tuple[int, int]:
        """Width and height as they are stored, not turned upright."""
        return self.number(IMAGE_WIDTH, 0), self.number(IMAGE_LENGTH, 0)

    @property
    def upright_size(self) -> tuple[int, int]:
        """Width and height after turning it as its orientation says."""
        width, height = self.size
        return (height, width) if self.number(ORIENTATION, 1) in (5, 6, 7, 8) else (width, height)

    @property
    def samples(self) -> int:
        """How many samples a pixel has."""
        return self.number(SAMPLES_PER_PIXEL, 1)

    @property
    def bits(self) -> tuple[int, ...]:
        """Bits of each sample of a pixel, or of all of them."""
        return tuple(int(number) for number in self.numbers(BITS_PER_SAMPLE)) or (1,)

    @property
    def sample_formats(self) -> tuple[int, ...]:
        """What the samples are: 1 unsigned, 2 signed, 3 floats, 4 undefined, 5 and 6 complex."""
        return tuple(int(number) for number in self.numbers(SAMPLE_FORMAT)) or (1,)

    @property
    def is_planar(self) -> bool:
        """Whether the samples of a colour stand together, one colour after another."""
        return self.number(PLANAR_CONFIGURATION, 1) == 2 and self.samples > 1

    @property
    def compression(self) -> int:
        """By TIFF's number: 1 is none, 5 LZW, 7 JPEG, 8 deflate, 32773 PackBits."""
        return self.number(COMPRESSION, 1)

    @property
    def photometric(self) -> int | None:
        """What samples mean: 0 white is 0, 1 black is 0, 2 RGB, 3 palette, 5 inks, 6 YCbCr, 32803 a raw photo's."""
        return self.number(PHOTOMETRIC, 0) if PHOTOMETRIC in self.entries else None

    @property
    def is_tiled(self) -> bool:
        """Whether pixels are stored by tiles, not by strips of rows."""
        return TILE_OFFSETS in self.entries

    @property
    def tells_resolution(self) -> bool:
        """Whether it has a horizontal and a vertical resolution."""
        return self.entries.keys() >= {X_RESOLUTION, Y_RESOLUTION}

    @property
    def description(self) -> str:
        """The text of ImageDescription; where microscopes write what the pages are."""
        return self.data(IMAGE_DESCRIPTION).rstrip(b"\0").decode("utf-8", "replace")

    def subdirectories(self, tag: int = SUB_IFDS) -> tuple[Directory, ...]:
        """Those below this one: reduced copies of it in a pyramid, the pixels of a raw photo, or EXIF.

        Raises
        ------
        ValueError
            If one is not in the file.
        """
        offsets = self.numbers(tag)[:MAX_SUBDIRECTORIES]
        return tuple(_directory(self.stream, self.layout, int(at)) for at in offsets)

    def copies(self) -> tuple[Directory, ...]:
        """Those in SubIFDs; none if one is damaged, as the page can do without them."""
        try:
            return self.subdirectories()
        except ValueError:
            return ()


class Tiff(NamedTuple):
    """The pages of a file, by where their directories begin.

    Parameters
    ----------
    stream : binary stream
    layout : Layout
        How its numbers are stored.
    pages : tuple of int
        Offsets, each once; a chain that leads back, or out of the file, ends there.
    """

    stream: BinaryIO
    layout: Layout
    pages: tuple[int, ...]

    def page(self, index: int) -> Directory:
        """A page's directory, counted from 0.

        Raises
        ------
        ValueError
            If it is damaged.
        """
        return _directory(self.stream, self.layout, self.pages[index])


def read_tiff(stream: BinaryIO) -> Tiff:
    """Find the pages of a TIFF.

    Of each directory only its length and where the next one is are read.

    Parameters
    ----------
    stream : binary stream
        One that can seek; it is left anywhere.

    Raises
    ------
    ValueError
        If it has no page.
    """
    stream.seek(0)
    head = stream.read(16).ljust(16, b"\0")
    layout = _HEADS[head[:4]]
    offset, each = layout.offset, layout.entry.size
    (at,) = offset.unpack_from(head, offset.size)
    pages: dict[int, None] = {}
    while at and at not in pages and len(pages) < MAX_PAGES:
        try:
            count, entries = _extent(stream, layout, at)
        except ValueError:
            break
        pages[at] = None
        stream.seek(entries + each * count)
        # where the file ends before that, so does the chain
        (at,) = offset.unpack(stream.read(offset.size).ljust(offset.size, b"\0"))
    if not pages:
        msg = "there is no page in it"
        raise ValueError(msg)
    return Tiff(stream, layout, tuple(pages))


def _extent(stream: BinaryIO, layout: Layout, at: int) -> tuple[int, int]:
    """How many entries a directory has, and where they begin."""
    form = layout.length
    stream.seek(min(at, LAST))
    (count,) = form.unpack(stream.read(form.size).ljust(form.size, b"\0"))
    if not 0 < count <= MAX_ENTRIES:
        msg = f"the directory at {at} has {count} entries"
        raise ValueError(msg)
    return count, at + form.size


def _directory(stream: BinaryIO, layout: Layout, at: int) -> Directory:
    count, begin = _extent(stream, layout, at)
    form = layout.entry
    stream.seek(begin)
    data = stream.read(form.size * count)
    entries: dict[int, Entry] = {}
    for place in range(0, len(data) - form.size + 1, form.size):
        tag, kind, number, value = form.unpack_from(data, place)
        # a value that fits where its offset would be stands there
        here = Entry(kind, number, begin + place + form.size - len(value))
        entries.setdefault(
            tag, here if here.size <= len(value) else here._replace(position=layout.offset.unpack(value)[0])
        )
    return Directory(stream, layout, entries, at)


def file_of(page: Directory) -> BinaryIO:
    """A file whose first page is this one, for decoders that know no other way to it."""
    layout, size = page.layout, page.stream.seek(0, io.SEEK_END)
    head = next(head for head, each in _HEADS.items() if each == layout)
    head += struct.pack(layout.order + "HH", 8, 0) if layout.is_big else b""
    head += layout.offset.pack(page.position)
    return joined(page.stream, [head, (len(head), size)], numbered=True)
