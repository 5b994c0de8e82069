"""Reading pictures: from a file or a stream to arrays.

Files are untrusted. Only the formats of `formats.FORMATS` are opened, each by its signature and with its own
Pillow plugin and no other; the size in the header is checked before a pixel is decoded; whatever a broken
file leads Pillow to raise becomes a `PictureError`.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Generator, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import numpy as np

from cnnfilter.addresses.address import Address, Where, located, no_file
from cnnfilter.addresses.reading import Fetched, nobody
from cnnfilter.errors import CnnfilterError, PictureError
from cnnfilter.imaging import bare, decoding, table
from cnnfilter.imaging.costs import PER_PIXEL, bytes_needed
from cnnfilter.imaging.formats import DEFAULT_MAX_PIXELS, NPY, TABLE, reason_of
from cnnfilter.imaging.headers import check_scans, eager_size, is_one_scan, tga_alpha
from cnnfilter.imaging.limits import ALL, ALL_FRAMES, Admit, Limits, Need, at_once, check_size, most_bytes
from cnnfilter.imaging.metadata import Metadata, read_metadata
from cnnfilter.imaging.opening import damage_told, format_of, opened, prepare
from cnnfilter.imaging.picture import Picture, Stored
from cnnfilter.imaging.stored import stored_in, timing_of

if TYPE_CHECKING:
    from PIL.ImageFile import ImageFile


def read(
    source: str | Path | Address | BinaryIO,
    *,
    frame: int | None = None,
    max_pixels: int = DEFAULT_MAX_PIXELS,
    depth: int | None = None,
    shared: bool = False,
    admit: Admit = at_once,
    max_bytes: int | None = None,
    download: int | None = None,
) -> Picture:
    """Read a picture.

    Parameters
    ----------
    source : path, Address or binary stream
        A stream is read from where it stands to the end of the picture, or as far as its decoder looks ahead. What is
        at an address is fetched first, all of it.
    frame : int, optional
        Which of several frames, counted from 0. By default the first, with a note.
    max_pixels : int
        The largest width times height that is decoded.
    depth : int, optional
        8 accepts that 16-bit colour is reduced to 8 bits, and reduces 16-bit grey as well.
    shared : bool
        Whether colours may stay in Pillow's memory: the pixels are then every first three samples of four.
    admit : callable
        Is asked before the pixels are decoded; what it raises ends the reading.
    max_bytes : int, optional
        The most that is kept of a stream, or read at once of a file, if less than the largest picture may have.
    download : int, optional
        The most that is fetched of a file at an address.

    Returns
    -------
    Picture
        Palette pictures as RGB, 1-bit pictures as grey; CMYK (through its profile), YCbCr, LAB and HSV as RGB; 16-bit
        grey as uint16, float grey as float32; turned upright if EXIF says how.

    Raises
    ------
    PictureError
        If the file cannot be read or decoded, or is refused. The message does not name the file.
    ArgumentError
        If it is an address that is refused.
    """
    limits = Limits(frame, max_pixels, depth, shared, admit, download=download)
    with contextlib.closing(read_frames(source, limits, max_bytes)) as pictures:
        return next(pictures)


def read_frames(
    source: str | Path | Address | BinaryIO, limits: Limits = ALL_FRAMES, max_bytes: int | None = None
) -> Generator[Picture, None, None]:
    """Read frames of an animation, or pages of a TIFF, one by one, as viewers show them.

    Parameters
    ----------
    source, max_bytes
        As for `read`. A `Fetched` is read as a file is.
    limits : Limits
        Its `admit` is asked once, before the first is decoded, with the size of the largest.

    Yields
    ------
    Picture
        Of an animation, each is all of it, not only what changed. `frames` is how many there are.

    Raises
    ------
    PictureError
        As from `read`.
    """
    limits = limits._replace(most=most_bytes(limits.max_pixels, max_bytes))
    path = located(source) if isinstance(source, (str, Path, Address)) else source
    with _failures_told(path):
        if not isinstance(path, (Path, Address, Fetched)):
            yield from _read_forward(path, None, limits)
        elif not isinstance(path, Path):
            yield from _read_fetched(fetched(path, limits) if isinstance(path, Address) else path, limits)
        elif path.is_dir():
            msg = "is a directory"
            raise PictureError(msg)
        else:
            with path.open("rb") as stream:
                yield from (_read if stream.seekable() else _read_forward)(stream, path, limits)


@contextlib.contextmanager
def _failures_told(source: Path | Address | BinaryIO) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError as error:
        msg = no_file(source) if isinstance(source, Path) else reason_of(error)
        raise PictureError(msg) from error
    except OSError as error:
        msg = f"cannot be read: {reason_of(error)}"
        raise PictureError(msg) from error


def fetched(address: Address, limits: Limits, told: Callable[[int], None] = nobody) -> Fetched:
    """A picture's file at an address, in memory, to be read; see `Fetched`.

    Raises
    ------
    PictureError
        If it cannot be fetched, or is too large.
    """
    with _failures_told(address):
        return Fetched(address, limits.download, told)


def _read_fetched(source: Fetched, limits: Limits) -> Iterator[Picture]:
    """Read a picture from a file in memory, all of which counts as memory."""
    with source.getbuffer() as buffer:
        length = len(buffer)

    def admit(height: int, width: int, channels: int, memory: int) -> None:
        limits.admit(height, width, channels, memory + length)

    yield from _read(source, source.address, limits._replace(admit=admit))


def _read_forward(source: BinaryIO, path: Path | None, limits: Limits) -> Iterator[Picture]:
    """Read a picture from a stream that cannot seek, and may not end; what is kept of it counts as memory."""
    from cnnfilter.imaging.forward import Forward  # which files do without

    stream = Forward(source, limits.most)

    def admit(height: int, width: int, channels: int, memory: int) -> None:
        limits.admit(height, width, channels, memory + stream.kept)

    yield from _read(stream, path, limits._replace(admit=admit))


def _read(stream: BinaryIO, path: Where | None, limits: Limits) -> Iterator[Picture]:
    format = format_of(stream, path)
    with damage_told(format):
        if format in (NPY, TABLE):
            limits.wanted(1)
            yield (bare if format == NPY else table).read(stream, limits)
            return
        if size := eager_size(format, stream):
            check_size(size, limits.max_pixels, PER_PIXEL["RGB"])
        if format == "TIFF":
            from cnnfilter.imaging import tiff_picture  # which nobody else needs

            yield from tiff_picture.read(stream, limits)
        else:
            yield from _decode_mended(stream, format, limits)


def _decode_mended(stream: BinaryIO, format: str, limits: Limits) -> Iterator[Picture]:
    """Decode a picture, if need be in another form of the file, which has all of the same pixels."""
    admitted: list[int] = []

    def admit(height: int, width: int, channels: int, memory: int) -> None:
        if not admitted:  # whoever waits for memory has it only once
            limits.admit(height, width, channels, memory)
            admitted.append(memory)

    once, count = limits._replace(admit=admit), 0
    try:
        for picture in _decode(stream, format, once):
            count += 1
            yield picture
    except CnnfilterError:
        raise
    except Exception:
        from cnnfilter.imaging.mending import mended  # which most runs do without

        other = None if count else mended(stream, format, was_opened=bool(admitted))
        if other is None:
            raise
        for first, *others in zip(*(_decode(each, format, once) for each in other.streams), strict=True):
            if not all(np.array_equal(first.pixels, each.pixels) for each in others):
                raise
            yield replace(first, notes=(*first.notes, *other.notes))


def _decode(stream: BinaryIO, format: str, limits: Limits) -> Iterator[Picture]:
    depth = limits.depth
    prepare(limits.max_pixels)
    image = opened(stream, format, limits.most)
    frames = 1 if image.format == "MPO" and limits.frame is None else getattr(image, "n_frames", 1)
    # what an animation shows where none can be played is no frame of it
    start = int(limits.frame == ALL and getattr(image, "default_image", False))
    wanted = limits.wanted(frames)[start:]
    limits.admit_all(_needs(image, format, stream, wanted))
    kept, orientation, stored = Metadata(), 1, Stored()
    coverage = None
    if format == "GIF":
        from cnnfilter.imaging.gif import Coverage

        coverage = Coverage(stream, image.size)
    for index in wanted:
        if limits.frame is not None:
            image.seek(index)  # which puts it together from those before
        if depth is None:
            decoding.refuse_deep_colour(image, format, stream)
        notes = limits.notes(frames)
        raw = decoding.raw_mode(image)
        if ";16" in raw and isinstance(image.info.get("transparency"), tuple):
            notes.append("its transparent colour is compared in 8 bits: colours that differ less are transparent too")
        if format == "JPEG" and (image.info.get("progressive") or not is_one_scan(stream, image)):
            check_scans(stream, getattr(image, "offset", 0))
        image.load()
        if index == wanted[0]:
            place = stream.tell()
            kept, orientation = read_metadata(image, stream)
            stored = stored_in(image, format, stream, raw)
            if image.format == "MPO" and frames > 1:
                stored = stored._replace(others="")  # here they are frames
            notes += limits.left_out(stored)
            stream.seek(place)  # the next frame is read from there
        pixels, alpha = decoding.to_arrays(
            image, raw=raw, orientation=orientation, depth=depth, shared=limits.shared, notes=notes
        )
        if coverage and alpha is None and (mask := coverage.at(index)) is not None:
            alpha = mask * np.uint8(255)
        if format == "TGA" and not tga_alpha(stream):
            alpha = None
        if format == "GIF" and index:
            pixels = decoding.grey_if_alike(pixels)
        held_as = stored._replace(timing=timing_of(image, format)) if len(wanted) > 1 else stored
        yield Picture(pixels, alpha, kept, format, tuple(notes), frames - start, held_as)


def _needs(image: ImageFile, format: str, stream: BinaryIO, wanted: range) -> Iterator[Need]:
    last = wanted[-1]
    for index in wanted:
        if image.format == "MPO" and index:  # whose pictures have sizes of their own; it opens one, as here
            image.seek(index)
        channels = 1 if image.mode in ("1", "L") or image.mode[0] == "I" else 3
        yield bytes_needed(image, format, stream, frame=last), image.height, image.width, channels
