"""A picture as Pillow opens it: by its own plugin and no other, and only if its parts are not too many.

Pillow looks through a file in Python, a few bytes at a time: millions of empty chunks, frames of one pixel, or blanks
in a header, which are cheap to make, take it minutes. No picture has them.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import itertools
import logging
import warnings
from collections.abc import Iterator
from typing import Any, BinaryIO, cast

from PIL import Image
from PIL.ImageFile import ImageFile

from cnnfilter.addresses.address import Where
from cnnfilter.errors import CnnfilterError, PictureError
from cnnfilter.imaging.formats import FORMATS, HEAD, damage_of, recognise
from cnnfilter.imaging.forward import told_end, too_long
from cnnfilter.imaging.headers import MAX_PARTS, png_chunks, too_many_parts
from cnnfilter.imaging.limits import MOST
from cnnfilter.imaging.pieces import joined
from cnnfilter.runtime import forks

# Without any handler, Python prints what Pillow logs about a broken file on standard error.
logging.getLogger("PIL").addHandler(logging.NullHandler())

_settings = forks.lock()

_BYTES = 16
"""How many bytes are read at a time on average, beyond the first `MAX_PARTS` times, which take less than a second; the
blocks of a GIF have some hundred."""
_LONGEST = 1 << 24
"""Bytes of a PNG's text or profile after decompression, of which Pillow allows four such."""
_BLOCK = 1 << 16
"""Bytes that decoders are given at a time, as Pillow has it until a progressive JPEG is encoded (see `encoding`)."""
_COUNTED = ("PNG", "JPEG", "GIF", "PGM", "PPM", "PBM", "PFM")
"""The formats that Pillow looks through itself."""
_WHOLE = ("WEBP", "AVIF", "JPEG2000")
"""Those that its libraries look through."""


class _Counted:
    """A file that counts how often it is read from."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self.seek, self.tell = stream.seek, stream.tell
        self._left = MAX_PARTS * _BYTES

    def read(self, size: int = -1) -> bytes:
        data = self._stream.read(size)
        self._left += len(data) - _BYTES
        if self._left < 0:
            raise too_many_parts()
        return data


def prepare(max_pixels: int) -> None:
    """Keep Pillow's warnings about broken files from being printed, and let it decode pictures of so many pixels.

    `warnings.catch_warnings` around the call is no way to the former, as other threads would lose their filters
    with it. A filter for Pillow's own modules stays instead, and leaves all else alone.

    Pillow's limit, of the whole process, is raised and never lowered again. Some plugins check it before they let us
    see the size; setting it around a call would be a race.
    """
    with _settings:
        if ("ignore", r"PIL\.") not in [(entry[0], getattr(entry[3], "pattern", None)) for entry in warnings.filters]:
            warnings.filterwarnings("ignore", module=r"PIL\.")
        if Image.MAX_IMAGE_PIXELS is not None:
            Image.MAX_IMAGE_PIXELS = max(Image.MAX_IMAGE_PIXELS, max_pixels)


def format_of(stream: BinaryIO, path: Where | None) -> str:
    """The format of a file, which is left at its beginning; see `formats.recognise`."""
    format = recognise(stream.read(HEAD), path)
    stream.seek(0)
    return format


@contextlib.contextmanager
def damage_told(format: str) -> Iterator[None]:
    """Raise whatever a decoder raises as a `PictureError`."""
    try:
        yield
    except CnnfilterError:
        raise
    except Exception as error:  # a broken file leads Pillow and its plugins to almost any exception
        msg = f"cannot decode {format}: {damage_of(error)}"
        raise PictureError(msg) from error


def opened(stream: BinaryIO, format: str, most: int = MOST) -> ImageFile:
    """A picture of which nothing is decoded yet, but of an ICO and a WebP (see `headers.eager_size`).

    Parameters
    ----------
    stream : binary stream
        Wherever it is.
    format : str
        One of `formats.FORMATS`.
    most : int
        Bytes that a file may have which is taken into memory whole, as Pillow takes some.

    Raises
    ------
    PictureError
        If it has too many parts; it may also be raised later, when frames are looked for.
    Exception
        Whatever a broken file leads Pillow to.
    """
    # As Image.open does it; but that imports five plugins first, and hides why this one failed.
    plugin: Any = importlib.import_module(f"PIL.{FORMATS[format].plugin}")
    if format == "PNG":  # profiles of printers, and texts, of more than a megabyte are no bombs yet
        plugin.MAX_TEXT_CHUNK = max(plugin.MAX_TEXT_CHUNK, _LONGEST)
    if format in _WHOLE:
        stream = _alone(stream)
        if format != "JPEG2000" and stream.seek(0, io.SEEK_END) > most:
            raise too_long(most)
    if format == "PNG":
        _check_chunks(stream)
    if format in ("GIF", "ICO", "BMP", "TGA"):
        stream = _better(stream, format)
    stream.seek(0)
    source: Any = _Counted(stream) if format in _COUNTED else stream
    image: ImageFile = Image.OPEN[FORMATS[format].pillow][0](source, "")
    image.decodermaxblock = _BLOCK
    return image


def _better(stream: BinaryIO, format: str) -> BinaryIO:
    """A picture in the form of which Pillow takes all that is in it."""
    if format == "GIF":
        from cnnfilter.imaging.gif import on_whole_canvas  # here and below: which other formats do without

        return on_whole_canvas(stream, cast(BinaryIO, _Counted(stream)))
    from cnnfilter.imaging.bitmaps import best_icon, eight_bits, has_small_alpha, of_16_bits

    if format == "ICO":
        return best_icon(stream)
    if format == "TGA":
        return of_16_bits(stream)
    if has_small_alpha(stream):
        return eight_bits(stream) or stream
    from cnnfilter.imaging.runs import unpacked

    return unpacked(stream) or stream


def _alone(stream: BinaryIO) -> BinaryIO:
    """A picture without what follows it, which would be read as well."""
    size = stream.seek(0, io.SEEK_END)
    end = told_end(stream, size)
    return joined(stream, [(0, end)]) if end < size else stream


def _check_chunks(stream: BinaryIO) -> None:
    """Make sure that no chunk of a PNG beside its pixels is longer than any has to be; each is read whole.

    Raises
    ------
    ValueError
        If one is, which can be left out.
    """
    for kind, begin, end in itertools.islice(png_chunks(stream), MAX_PARTS):
        if end - begin > 4 * _LONGEST and kind != b"IDAT":
            msg = f"a chunk of {end - begin} bytes"
            raise ValueError(msg)
