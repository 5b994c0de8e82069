"""From arrays to the bytes of a picture file, in memory.

Defaults: PNG is run-length compressed at level 1 (a third of the time of Pillow's level 6, and photos grow
no larger), its rows filtered where that helps (see `unfiltered`); JPEG, WebP and AVIF have quality 90; JPEG keeps
full colour resolution (4:4:4), as thin coloured edges are what filters make; JPEG 2000 is lossless; TIFF is not
compressed. What the input of the same format chose for itself, as `stored` has it, comes before these.
"""

from __future__ import annotations

import contextlib
import importlib
import io
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from PIL import Image, ImageFile

import cnnfilter.npy as npy
from cnnfilter.errors import PictureError
from cnnfilter.imaging import animation, stored, table, unfiltered
from cnnfilter.imaging.arrays import Array
from cnnfilter.imaging.formats import FORMATS, NPY, TABLE, extension_for, format_named, reason_of, why_not
from cnnfilter.imaging.headers import silence_libtiff
from cnnfilter.imaging.keeping import keep
from cnnfilter.imaging.options import read_options
from cnnfilter.imaging.picture import Picture
from cnnfilter.messages import shortened
from cnnfilter.runtime import forks, memory_files, pillow

_DEFAULTS: dict[str, dict[str, Any]] = {
    "PNG": {"compress_level": 1, "compress_type": 3},
    "JPEG": {"quality": 90, "subsampling": "4:4:4"},
    "TIFF": {"quality": 90},  # of its JPEG compression
    "WEBP": {"quality": 90},
    "AVIF": {"quality": 90},
}
_EFFORT = 75
"""Quality of a lossless WebP: more takes twice the time, and makes nothing smaller."""
_MODES = {"uint8": "L", "uint16": "I;16", "float32": "F"}

_JPEG_END = b"\xff\xd9"
_LONGEST_NOTE = 400
"""Letters of what is not kept; a damaged file may have thousands of broken profiles."""

_settings = forks.lock()


def encode(
    picture: Picture,
    format: str,
    *,
    options: Mapping[str, str] | None = None,
    strip: str | None = None,
    frames: Sequence[Picture] = (),
    notes: list[str] | None = None,
) -> bytes | memoryview:
    """A picture as the bytes of a file.

    Parameters
    ----------
    picture : Picture
        Pixels of uint8, uint16 or float32 in 1 or 3 channels; in any number for `NPY` and `CSV`, where alpha
        becomes the last.
    format : str
        A name out of `formats.FORMATS`, `NPY` or `CSV`; or an extension.
    options : mapping of str to str, optional
        Save options as a person gives them: see `options.OPTIONS`.
    strip : str, optional
        What to leave out of what the file had beside its pixels: one of `metadata.STRIP`.
    frames : sequence of Picture
        Further frames of an animation, as large as the picture.
    notes : list of str, optional
        Is told what the format does not keep, if anything.

    Returns
    -------
    bytes, or memoryview of bytes
        The whole file.

    Raises
    ------
    ArgumentError
        If the format or a save option is unknown, or its value not one that it takes.
    PictureError
        If the format cannot hold the picture, or encoding fails.
    """
    format = format_named(format)
    parameters = read_options(format, options or {})
    few = None if frames else _of_few(picture, format)
    refuse = animation.why_not if frames else why_not
    reasons = (refuse(format, each) for each in (picture, *frames))
    if few is None and (reason := next(filter(None, reasons), None)):
        raise PictureError(reason)
    if parameters.get("compression") == "jpeg" and picture.pixels.dtype != np.uint8:
        # asked to try, Pillow 11.3 crashes
        msg = "the jpeg compression of TIFF takes 8-bit pixels only: leave out the save option compression"
        raise PictureError(msg)
    kept = keep(picture.metadata.stripped(strip), format, picture.pixels.shape)
    notes = [] if notes is None else notes
    if kept.lost:
        notes.append(f"not kept in {format}: {shortened(', '.join(dict.fromkeys(kept.lost)), _LONGEST_NOTE)}")
    try:
        if format == NPY:
            return b"".join(npy.parts(np.ascontiguousarray(_with_alpha(picture))))
        if format == TABLE:
            pixels = _with_alpha(picture)
            return table.written(pixels.transpose(2, 0, 1) if pixels.ndim == 3 else pixels)
        importlib.import_module(f"PIL.{FORMATS[format].plugin}")
        mode = few.mode if few else _mode(picture.pixels) + "A" * (picture.alpha is not None)
        parameters = stored.alike(picture, format, parameters, mode)
        if format == "PNG" and not parameters and picture.alpha is None and few is None and not frames:
            default = _DEFAULTS[format]
            if unfiltered.pays(picture.pixels, lambda image: _saved(image, format, default)):
                pixels = pillow.contiguous(picture.pixels)
                return unfiltered.encode(pixels, lambda image: _saved(image, format, default | kept.parameters))
        image = few or _image(picture)
        if format == "PPM" and image.mode == "L":
            image = image.convert("RGB")
        predictor = parameters.pop("predictor", 1)
        parameters |= kept.parameters
        if predictor > 1:
            parameters["exif"] = _with_predictor(predictor)
        if format == "TIFF":
            silence_libtiff()
        if format == "JPEG" and (parameters.get("progressive") or parameters.get("optimize")):
            _make_room(2 * picture.pixels.size)
        if format == "ICO":
            parameters["sizes"] = [image.size]  # or it would add smaller copies
        if frames:
            image, *others = animation.matched(format, [image, *map(_image, frames)], notes)
            parameters |= animation.parameters(format, [picture, *frames]) | {"append_images": others}
        data = _saved(image, format, _defaults(format, image.mode, parameters) | parameters)
        if not kept.tags:
            return data
        from cnnfilter.imaging.tiff_tags import with_tags  # most files have none

        return with_tags(bytes(data), kept.tags)
    except PictureError:
        raise
    except Exception as error:  # codecs refuse what they cannot do in many ways
        hint = "; leave out the save options" if options else ""
        msg = f"cannot encode {format}: {reason_of(error)}{hint}"
        raise PictureError(msg) from error


def encode_frames(
    pictures: Iterable[Picture],
    format: str,
    *,
    options: Mapping[str, str] | None = None,
    strip: str | None = None,
    notes: list[str],
) -> bytes | memoryview:
    """Several pictures as the pages of a TIFF, or the frames of an animation.

    Parameters
    ----------
    pictures : iterable of Picture
        For a TIFF, each is encoded before the next is asked for.
    format : str
        One of `animation.SEVERAL`.
    options, strip, notes
        As for `encode`.

    Raises
    ------
    ArgumentError, PictureError
        As from `encode`.
    """
    if format != "TIFF":
        first, *others = pictures
        return encode(first, format, options=options, strip=strip, frames=others, notes=notes)
    from cnnfilter.imaging.tiff_tags import joined

    told: list[str] = []
    data = joined(encode(page, format, options=options, strip=strip, notes=told) for page in pictures)
    notes += dict.fromkeys(told)
    return memoryview(data)


def _saved(image: Image.Image, format: str, parameters: Mapping[str, Any]) -> bytes | memoryview:
    """What Pillow saves.

    A JPEG goes to a file in memory. While Pillow encodes into a file, other threads can encode too, which they cannot
    while it encodes for a Python object. It does not look whether a write took all that it was given, as one near a
    limit on file sizes may not; the end of the file tells.
    """

    def save(file: Any) -> None:
        file.name = "picture." + extension_for(format)  # with which Pillow loads no plugin but the one of its extension
        image.save(file, **parameters)

    if format == "JPEG" and memory_files.exist():
        with contextlib.suppress(OSError):
            data = memory_files.written(save)
            if data[-len(_JPEG_END) :] == _JPEG_END:
                return data
    buffer = io.BytesIO()
    save(buffer)
    return buffer.getvalue()


def _defaults(format: str, mode: str, given: Mapping[str, Any]) -> dict[str, Any]:
    if format == "PNG" and (mode in ("1", "P") or not given.keys().isdisjoint(("compress_level", "optimize"))):
        return {}  # run-length coding would make nothing of a higher level, and little of few colours
    if (format == "TIFF" and given.get("compression") != "jpeg") or "qtables" in given:
        return {}
    usual = _DEFAULTS.get(format, {})
    if given.get("lossless"):
        usual = {"quality": _EFFORT}
    return {key: value for key, value in usual.items() if key not in given}


def _make_room(size: int) -> None:
    """Raise the size of Pillow's buffers, of the whole process; it is never lowered again.

    A progressive JPEG must fit into one, and Pillow's guess is too small for noise and for many edges.
    """
    with _settings:
        ImageFile.MAXBLOCK = max(ImageFile.MAXBLOCK, size)


def _with_alpha(picture: Picture) -> Array:
    return picture.pixels if picture.alpha is None else np.dstack([picture.pixels, picture.alpha])


def _image(picture: Picture) -> Image.Image:
    image = pillow.image_of(picture.pixels) or pillow.wrapped(picture.pixels, _mode(picture.pixels))
    if picture.alpha is not None:
        image.putalpha(pillow.wrapped(picture.alpha, "L"))  # in place: no second copy of the pixels
    return image


def _of_few(picture: Picture, format: str) -> Image.Image | None:
    """A picture of few colours as an image of these, where its file had so few or the format has no more."""
    if format != "GIF":
        return stored.image_of_few(picture, format)
    is_grey = _mode(picture.pixels) == "L" and picture.alpha is None
    if is_grey or animation.why_not(format, picture):
        return None
    image = animation.in_palette(_image(picture))
    return image if image.mode == "P" else None


def _mode(pixels: Array) -> str:
    return "RGB" if pixels.ndim == 3 and pixels.shape[2] == 3 else _MODES[pixels.dtype.name]


def _with_predictor(predictor: int) -> bytes:
    from cnnfilter.imaging.tiff import PREDICTOR

    tags = Image.Exif()
    tags[PREDICTOR] = predictor
    return tags.tobytes()
