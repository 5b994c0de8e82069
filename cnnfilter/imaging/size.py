"""The size of a picture from its header alone: what planning a chain needs of a picture."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import BinaryIO

from PIL import Image
from PIL.ImageFile import ImageFile

from cnnfilter.addresses.address import Address, Where, located
from cnnfilter.addresses.reading import Fetched
from cnnfilter.errors import CnnfilterError, PictureError
from cnnfilter.imaging import bare, table
from cnnfilter.imaging.decoding import raw_mode, target_mode
from cnnfilter.imaging.formats import DEFAULT_MAX_PIXELS, FORMATS, NPY, TABLE, reason_of
from cnnfilter.imaging.headers import eager_size
from cnnfilter.imaging.opening import damage_told, format_of, opened
from cnnfilter.messages import why_no_file

_ORIENTATION = 0x0112


def read_size(path: str | Path | Address, most: int | None = None) -> tuple[int, int, int]:
    """Height, width and channels of the pixels that `reading.read` would give, without decoding them.

    Parameters
    ----------
    path : str, Path or Address
        A picture. Its size is not limited: nothing of it is decoded.
    most : int, optional
        Bytes that are fetched of an address; see `reading.fetch`.

    Returns
    -------
    tuple of int
        (H, W, C), upright, without alpha.

    Raises
    ------
    PictureError
        If it cannot be read, or is no picture. The message does not name the file.
    """
    where = located(path)
    try:
        if isinstance(where, Address):
            return _from_header(Fetched(where, most), where)
        if reason := why_no_file(where):
            raise PictureError(reason)
        with where.open("rb") as stream:
            return _from_header(stream, where)
    except FileNotFoundError as error:
        raise PictureError(reason_of(error)) from error
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        msg = f"cannot be read: {reason_of(error)}"
        raise PictureError(msg) from error


def read_frame_count(path: str | Path | Address) -> int | None:
    """How many frames `reading.read_frames` would give; None if only decoding, or fetching, would tell."""
    from cnnfilter.imaging.tiff import read_tiff

    try:
        where = located(path)
        if isinstance(where, Address) or why_no_file(where):
            return None
        with where.open("rb") as stream:
            format = format_of(stream, where)
            if format == "TIFF":
                return len(read_tiff(stream).pages)
            if format not in FORMATS:
                return 1
            if _is_too_large(eager_size(format, stream)):
                return None
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                image = opened(stream, format)
                return getattr(image, "n_frames", 1) - int(getattr(image, "default_image", False))
    except Exception:  # reading it will tell what is wrong with it
        return None


def _is_too_large(size: tuple[int, int] | None) -> bool:
    """Whether merely opening a picture would take the memory of one that is not decoded."""
    return size is not None and size[0] * size[1] > DEFAULT_MAX_PIXELS


def _from_header(stream: BinaryIO, path: Where) -> tuple[int, int, int]:
    format = format_of(stream, path)
    with damage_told(format):
        if format == NPY:
            height, width, channels = (*bare.read_header(stream).shape, 1)[:3]
            return height, width, channels
        if format == TABLE:  # numbers typed in, without a header
            height, width, channels = (*table.read_table(stream, _check_table).shape, 1)[:3]
            return height, width, channels
        size = eager_size(format, stream)
        if size and _is_too_large(size):
            return size[1], size[0], 3
        if format == "TIFF":
            return _of_tiff(stream)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of broken metadata, and of a size that nobody decodes
            image = _opened(stream, format)
            width, height = image.size
            if _orientation(image) >= 5:
                width, height = height, width
        return height, width, _channels(image)


def _opened(stream: BinaryIO, format: str) -> ImageFile:
    """Open a picture, if need be in another form of the file, as `reading.read` does."""
    try:
        return opened(stream, format)
    except CnnfilterError:
        raise
    except Exception:
        from cnnfilter.imaging.mending import mended  # which most runs do without

        other = mended(stream, format, was_opened=False)
        if other is None:
            raise
        return opened(other.streams[0], format)


def _of_tiff(stream: BinaryIO) -> tuple[int, int, int]:
    from cnnfilter.imaging import tiff, tiff_picture  # which nobody else needs

    file = tiff.read_tiff(stream)
    page = file.page(0)
    tiff_picture.check(file, page)
    width, height = page.upright_size
    image = tiff_picture.opened(page, is_first=True)
    return height, width, _channels(image) if image else 1 if tiff_picture.mode_of(page, image) == "L" else 3


def _check_table(width: int, height: int, channels: int) -> None:
    if channels * width * height > DEFAULT_MAX_PIXELS:
        msg = f"a table of {width}x{height} numbers is too large"
        raise PictureError(msg)


def _orientation(image: ImageFile) -> int:
    try:
        # the base's own: that of a PNG decodes the picture in search of a chunk behind it
        return int(Image.Image.getexif(image).get(_ORIENTATION, 1))
    except Exception:  # broken EXIF, which decoding drops with a note
        return 1


def _channels(image: ImageFile) -> int:
    return 3 if target_mode(image, raw_mode(image)).startswith("RGB") else 1
