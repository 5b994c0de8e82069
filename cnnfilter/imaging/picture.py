"""Pictures as arrays: `Picture`, `read`, which decodes one, and `encode`, its way back.

Files are untrusted. Only the formats of `formats.FORMATS` are opened, each by its signature and with its own
Pillow plugin and no other; the size in the header is checked before a pixel is decoded; whatever a broken
file leads Pillow to raise becomes a `PictureError`.
"""

from __future__ import annotations

import contextlib
import importlib
import logging
import warnings
from collections.abc import Generator, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np
from PIL import Image

from cnnfilter.errors import CnnfilterError, PictureError
from cnnfilter.imaging import bare, decoding, mapping, table
from cnnfilter.imaging.colour import CONVERTED
from cnnfilter.imaging.costs import PER_PIXEL, bytes_needed
from cnnfilter.imaging.encoding import encode
from cnnfilter.imaging.formats import DEFAULT_MAX_PIXELS, HEAD, NPY, TABLE, damage_of, reason_of, recognise
from cnnfilter.imaging.headers import check_scans, eager_size, is_one_scan, silence_libtiff, tga_alpha
from cnnfilter.imaging.metadata import Metadata, read_metadata
from cnnfilter.imaging.opening import opened
from cnnfilter.imaging.reading import ALL, HELD, Admit, Limits, at_once, check_arguments, check_size, most_bytes
from cnnfilter.imaging.stored import Stored, stored_in, stored_in_tiff, timing_of
from cnnfilter.runtime import forks

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = ["Picture", "encode", "read"]

# Without any handler, Python prints what Pillow logs about a broken file on standard error.
logging.getLogger("PIL").addHandler(logging.NullHandler())

_settings = forks.lock()


@dataclass(frozen=True, eq=False)
class Picture:
    """One decoded picture.

    Parameters
    ----------
    pixels : ndarray
        `(H, W)` or `(H, W, C)`, of uint8, uint16 or float32, upright, without alpha. C-contiguous, or shared with
        Pillow (see `memory`).
    alpha : ndarray, optional
        `(H, W)` of the same dtype: 0 is transparent, full scale opaque.
    metadata : Metadata
        What the file held beside them.
    format : str
        The file's format, a name out of `formats.FORMATS` or `NPY`; of a table of numbers, which of `PNG` and `NPY`
        holds them.
    notes : tuple of str
        What a person should know, one line each.
    frames : int
        How many pictures the file holds, this one among them.
    stored : Stored
        How it stores them.
    """

    pixels: npt.NDArray[Any]
    alpha: npt.NDArray[Any] | None = None
    metadata: Metadata = Metadata()
    format: str = "PNG"
    notes: tuple[str, ...] = ()
    frames: int = 1
    stored: Stored = Stored()

    @property
    def shade(self) -> str | None:
        """See `mapping.shade`; a table of numbers has none."""
        return None if self.stored.table else mapping.shade(self.pixels)


def read(
    source: str | Path | BinaryIO,
    *,
    frame: int | None = None,
    max_pixels: int = DEFAULT_MAX_PIXELS,
    depth: int | None = None,
    shared: bool = False,
    admit: Admit = at_once,
    max_bytes: int | None = None,
) -> Picture:
    """Read a picture.

    Parameters
    ----------
    source : path or binary stream
        A stream is read from where it stands to the end of the picture, or as far as its decoder looks ahead.
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

    Returns
    -------
    Picture
        Palette pictures as RGB, 1-bit pictures as grey; CMYK (through its profile), YCbCr, LAB and HSV as RGB; 16-bit
        grey as uint16, float grey as float32; turned upright if EXIF says how.

    Raises
    ------
    ArgumentError
        If an argument is outside its limits.
    PictureError
        If the file cannot be read or decoded, or is refused. The message does not name the file.
    """
    check_arguments(frame, max_pixels, depth)
    limits = Limits(frame, max_pixels, depth, shared, admit)
    with contextlib.closing(_pictures(source, limits, max_bytes)) as pictures:
        return next(pictures)


def read_frames(
    source: str | Path | BinaryIO,
    *,
    max_pixels: int = DEFAULT_MAX_PIXELS,
    depth: int | None = None,
    together: bool = False,
    admit: Admit = at_once,
    max_bytes: int | None = None,
) -> Iterator[Picture]:
    """Read all frames of an animation, or pages of a TIFF, one by one, as viewers show them.

    Parameters
    ----------
    source, max_pixels, depth, max_bytes
        As for `read`.
    together : bool
        Whether what is made of each is held until the last is read.
    admit : callable
        Is asked once, before the first is decoded, with the size of the largest.

    Yields
    ------
    Picture
        Of an animation, each is all of it, not only what changed. `frames` is how many there will be.

    Raises
    ------
    ArgumentError, PictureError
        As from `read`.
    """
    check_arguments(None, max_pixels, depth)
    return _pictures(source, Limits(ALL, max_pixels, depth, shared=False, admit=admit, together=together), max_bytes)


def _pictures(source: str | Path | BinaryIO, limits: Limits, max_bytes: int | None) -> Generator[Picture, None, None]:
    limits = limits._replace(most=most_bytes(limits.max_pixels, max_bytes))
    try:
        if not isinstance(source, (str, Path)):
            yield from _read_forward(source, None, limits)
            return
        path = Path(source)
        if path.is_dir():
            msg = "is a directory"
            raise PictureError(msg)
        with path.open("rb") as stream:
            if stream.seekable():
                yield from _read(stream, path, limits)
            else:
                yield from _read_forward(stream, path, limits)
    except FileNotFoundError as error:
        msg = "no such file"
        raise PictureError(msg) from error
    except OSError as error:
        msg = f"cannot be read: {reason_of(error)}"
        raise PictureError(msg) from error


def _read_forward(source: BinaryIO, path: Path | None, limits: Limits) -> Iterator[Picture]:
    """Read a picture from a stream that cannot seek, and may not end; what is kept of it counts as memory."""
    from cnnfilter.imaging.forward import Forward  # which files do without

    stream = Forward(source, limits.most)

    def admit(height: int, width: int, channels: int, memory: int) -> None:
        limits.admit(height, width, channels, memory + stream.kept)

    yield from _read(stream, path, limits._replace(admit=admit))


def _read(stream: BinaryIO, path: Path | None, limits: Limits) -> Iterator[Picture]:
    head = stream.read(HEAD)
    format = recognise(head, path)
    stream.seek(0)
    try:
        if format in (NPY, TABLE):
            limits.wanted(1)
            yield _read_npy(stream, limits) if format == NPY else _read_table(stream, limits)
            return
        if size := eager_size(format, head, stream):
            check_size(size, limits.max_pixels, PER_PIXEL["RGB"])
        yield from _decode_tiff(stream, limits) if format == "TIFF" else _decode_mended(stream, format, limits)
    except CnnfilterError:
        raise
    except Exception as error:  # a broken file leads Pillow and its plugins to almost any exception
        msg = f"cannot decode {format}: {damage_of(error)}"
        raise PictureError(msg) from error


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
        if other is None or not other.streams:
            raise
        for first, *others in zip(*(_decode(each, format, once) for each in other.streams), strict=True):
            if not all(np.array_equal(first.pixels, each.pixels) for each in others):
                raise
            yield replace(first, notes=(*first.notes, *other.notes))


def _decode(stream: BinaryIO, format: str, limits: Limits) -> Iterator[Picture]:
    max_pixels, depth = limits.max_pixels, limits.depth
    _quieten()
    _allow(max_pixels)
    image = opened(stream, format, limits.most)
    frames = 1 if image.format == "MPO" and limits.frame is None else getattr(image, "n_frames", 1)
    # what an animation shows where none can be played is no frame of it
    start = int(limits.frame == ALL and getattr(image, "default_image", False))
    wanted = limits.wanted(frames)[start:]
    largest = 0
    for index in wanted if image.format == "MPO" and frames > 1 else wanted[:1]:
        if image.format == "MPO" and index:  # whose pictures have sizes of their own; it opens one, as here
            image.seek(index)
        width, height = image.size
        need = bytes_needed(image, format, stream, frame=wanted[-1])
        check_size(image.size, max_pixels, need // max(width * height, 1))
        if need > largest:
            largest, admitted = need, (height, width, 1 if image.mode in ("1", "L") or image.mode[0] == "I" else 3)
    held = HELD * limits.together * len(wanted) * admitted[0] * admitted[1]
    limits.admit(*admitted, largest + held)
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
            kept = _of_srgb(kept, image.mode)
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


def _decode_tiff(stream: BinaryIO, limits: Limits) -> Iterator[Picture]:
    from cnnfilter.imaging import tiff, tiff_picture, tiff_samples  # which nobody else needs

    _quieten()
    _allow(limits.max_pixels)
    importlib.import_module("PIL.TiffImagePlugin")
    silence_libtiff()
    file = tiff.read_tiff(stream)
    frames = len(file.pages)
    wanted = limits.wanted(frames)
    needs = []
    for page in map(file.page, wanted):
        tiff_picture.check(file, page)
        width, height = page.upright_size
        need = tiff_picture.bytes_needed(page)
        check_size((width, height), limits.max_pixels, need // max(width * height, 1))
        check_size(tiff_samples.segment_size(page), limits.max_pixels, page.samples)  # a tile is decoded whole
        needs.append((need, height, width, page.samples))
    need, height, width, samples = max(needs)
    held = HELD * limits.together * sum(height * width for _, height, width, _ in needs)
    limits.admit(height, width, samples, need + held)
    for index in wanted:
        page = file.page(index)
        image = tiff_picture.opened(page, is_first=not index)
        mode = tiff_picture.mode_of(page, image)
        stored = stored_in_tiff(page, mode)
        notes = limits.notes(frames)
        pixels, alpha = tiff_picture.to_arrays(page, image, depth=limits.depth, shared=limits.shared, notes=notes)
        kept = _of_srgb(read_metadata(image, page)[0], mode)
        notes += tiff_picture.left_out(page) + limits.left_out(stored)
        yield Picture(pixels, alpha, kept, "TIFF", tuple(notes), frames, stored)


def _of_srgb(kept: Metadata, mode: str) -> Metadata:
    """Return metadata without a profile that colours of a mode are not of any more."""
    return replace(kept, icc=None) if mode in CONVERTED else kept


def _quieten() -> None:
    """Keep Pillow's warnings about broken files from being printed.

    `warnings.catch_warnings` around the call is no way to do that, as other threads would lose their filters
    with it. A filter for Pillow's own modules stays instead, and leaves all else alone.
    """
    with _settings:
        if ("ignore", r"PIL\.") not in [(entry[0], getattr(entry[3], "pattern", None)) for entry in warnings.filters]:
            warnings.filterwarnings("ignore", module=r"PIL\.")


def _allow(max_pixels: int) -> None:
    """Raise Pillow's own limit, of the whole process, if ours is larger; it is never lowered again.

    Some plugins check it before they let us see the size. Setting it around a call would be a race.
    """
    with _settings:
        if Image.MAX_IMAGE_PIXELS is not None and max_pixels > Image.MAX_IMAGE_PIXELS:
            Image.MAX_IMAGE_PIXELS = max_pixels


def _read_npy(stream: BinaryIO, limits: Limits) -> Picture:
    depth = limits.depth
    header = bare.read_header(stream)
    shape, dtype = header.shape, header.dtype
    channels = shape[2] if len(shape) == 3 else 1
    per_pixel = 3 * channels * dtype.itemsize
    check_size((shape[1], shape[0]), limits.max_pixels, per_pixel)
    if dtype.kind == "f":
        decoding.check_float_depth(depth)
    limits.admit(shape[0], shape[1], channels, shape[0] * shape[1] * per_pixel)
    pixels = bare.read_body(stream, header)
    notes = () if dtype.name == pixels.dtype.name else (f"{dtype} was read as {pixels.dtype}",)
    stored = Stored(kind=dtype.name if notes else "")
    return Picture(_reduced(pixels, depth), format=NPY, notes=notes, stored=stored)


def _read_table(stream: BinaryIO, limits: Limits) -> Picture:
    depth = limits.depth

    def check(width: int, height: int, channels: int) -> None:
        check_size((width, height), limits.max_pixels, channels * table.PER_NUMBER)
        limits.admit(height, width, channels, channels * table.PER_NUMBER * width * height)

    pixels = table.read_table(stream, check)
    if pixels.dtype == np.float32:
        decoding.check_float_depth(depth)
    # what holds such numbers is what a result is written as
    format = NPY if pixels.dtype == np.float32 else "PNG"
    return Picture(_reduced(pixels, depth), format=format, stored=Stored(table=True))


def _reduced(pixels: npt.NDArray[Any], depth: int | None) -> npt.NDArray[Any]:
    return decoding.reduced(pixels) if depth == 8 and pixels.dtype == np.uint16 else pixels
