"""A photo's EXIF with all that cameras and programs put there, and shorthands for what is kept of it."""

import io

from PIL import Image

from cnnfilter.imaging.encoding import encode
from cnnfilter.imaging.metadata import Metadata
from cnnfilter.imaging.picture import Picture
from cnnfilter.imaging.reading import read
from tests.picture_files import noise, saved, tiff

IPTC = b"\x1c\x02\x5a\x00\x03Ulm" + b"\x1c\x02\x19\x00\x04face"
PREVIEW = saved(Image.new("RGB", (16, 16), "red"), "JPEG")
PHOTO = {
    256: 600, 257: 400, 271: b"Maker\0", 274: (3, [6]), 315: "José ©\0".encode(), 34377: (7, b"8BIM"),
    330: [{256: 8, 257: 8, "data": [b"preview of a raw"]}],
    34665: [{36864: (7, b"0232"), 37500: (7, b"note" + PREVIEW + b"more"), 40962: (3, [600]), 40963: (3, [400]),
             42033: b"serial\0", 40965: [{1: b"R98\0", 4097: (3, [600]), 4098: 400}]}],
    34853: [{1: b"N\0", 2: (5, [48, 1, 6, 1, 0, 1])}],
}  # fmt: skip
"""What cameras write, with previews at all places where there are some."""
THUMBNAIL = {259: 6, "data": [PREVIEW]}


def block(order="<", **more):
    return tiff(PHOTO | more, THUMBNAIL, order=order) + PREVIEW


def back(data):
    return read(io.BytesIO(data))


def told(picture, format, **options):
    """The names of what a format does not keep."""
    notes = []
    encode(picture, format, notes=notes, **options)
    return notes[0].removeprefix(f"not kept in {format}: ") if notes else ""


def with_metadata(**fields):
    return Picture(noise(4, 6, 3), metadata=Metadata(**fields))


def tags(block, *places):
    """The tags of an EXIF block, as Pillow reads them; of a directory below the first."""
    found = Image.Exif()
    found.load(block)
    return found.get_ifd(places[0]) if places else found
