"""What the samples of a TIFF's page mean: which pages are read, by whom, and why others are not."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, BinaryIO

import numpy as np
from PIL import Image, TiffImagePlugin

from cnnfilter.errors import PictureError
from cnnfilter.imaging import decoding, tiff
from cnnfilter.imaging.arrays import Array
from cnnfilter.imaging.costs import OTHER_MODES, PER_PIXEL
from cnnfilter.imaging.formats import raw_photo
from cnnfilter.imaging.headers import silence_libtiff
from cnnfilter.imaging.limits import Limits, Need, check_size
from cnnfilter.imaging.mapping import FULL_SCALE
from cnnfilter.imaging.metadata import ICC_TAG, read_tiff_metadata
from cnnfilter.imaging.opening import prepare
from cnnfilter.imaging.picture import Picture
from cnnfilter.imaging.stored import stored_in_tiff
from cnnfilter.imaging.tiff import Directory, Tiff
from cnnfilter.imaging.tiff_samples import BYTES, PICTURES, check_segments, read_samples, segment_size
from cnnfilter.runtime import pillow

if TYPE_CHECKING:
    from PIL.ImageFile import ImageFile

_BY_PILLOW_ALONE = (2, 3, 4, 6, 7, 32771, 32809)
"""Compressions of fax, JPEG, and ThunderScan."""
_COMPRESSIONS = {
    2: "fax", 3: "fax", 4: "fax", 6: "JPEG", 7: "JPEG", 9: "JBIG", 10: "JBIG", 22610: "JPEG XR", 32766: "NeXT",
    32767: "Sony ARW", 32809: "ThunderScan", 33003: "JPEG 2000", 33005: "JPEG 2000", 34661: "JBIG", 34676: "SGI LogLuv",
    34677: "SGI LogLuv", 34712: "JPEG 2000", 34713: "Nikon NEF", 34887: "LERC", 34892: "lossy JPEG", 34933: "PNG",
    34934: "JPEG XR", 50001: "WebP", 50002: "JPEG XL", 52546: "JPEG XL",
}  # fmt: skip
_MEANINGS = {
    0: "grey", 1: "grey", 2: "RGB", 3: "palette", 4: "mask", 5: "CMYK", 6: "YCbCr", 8: "L*a*b*", 9: "L*a*b*",
    10: "L*a*b*", 32844: "logarithmic", 32845: "logarithmic",
}  # fmt: skip
_DEPTHS = 4
"""How many depths of samples are told; a damaged directory may have thousands."""
_KINDS = {1: "", 2: " signed", 3: " float", 4: ""}
_UNSIGNED, _SIGNED, _FLOAT = (1, 4), 2, 3
_BITS = {_SIGNED: (8, 16, 32, 64), _FLOAT: (16, 32, 64)}
_WHITE_IS_0, _RGB, _PALETTE, _CMYK, _YCBCR, _LAB = 0, 2, 3, 5, 6, 8
_MODES = {0: "L", 1: "L", 2: "RGB", 5: "CMYK", 6: "YCbCr", 8: "LAB"}
"""Pillow's names of the colours that pages read here may have."""
_RAW = (32803, 34892)
"""The photometric interpretations of raw photos: what a sensor saw, and that with all colours at each pixel."""
_DNG_VERSION = 50706
_SUBSAMPLING = 530
_ASSOCIATED, _UNASSOCIATED = 1, 2
"""Alpha that the colours were multiplied with, and alpha that they were not."""

_TURNS = {2: (1,), 3: (0, 1), 4: (0,), 5: (), 6: (1,), 7: (0, 1), 8: (0,)}
"""The axes to flip for an orientation, after those from 5 on are transposed."""


def check(file: Tiff, page: Directory) -> None:
    """Refuse what nobody here reads right.

    Raises
    ------
    PictureError
        Naming what the page holds, and what would help.
    ValueError
        If it is damaged.
    """
    check_segments(page)
    if _DNG_VERSION in file.page(0).entries or any(each.photometric in _RAW for each in (page, *page.copies())):
        raise raw_photo()
    if not is_plain(page) and not _is_known(page):
        msg = f"a TIFF of {_held(page)} is not read; save it as 8- or 16-bit grey or RGB, with LZW or no compression"
        raise PictureError(msg)


def is_plain(page: Directory) -> bool:
    """Whether Pillow reads a page right: samples without a sign, of up to 8 bits, side by side."""
    if page.layout == (">", True):  # a BigTIFF that Pillow takes for a small one
        return False
    if page.compression in _BY_PILLOW_ALONE:
        return max(page.bits) <= 8
    order = {"<": b"II", ">": b"MM"}[page.layout.order]
    bits = page.bits * page.samples if len(page.bits) == 1 else page.bits[: page.samples]
    key = order, page.photometric, (1,), page.number(tiff.FILL_ORDER, 1), bits, page.numbers(tiff.EXTRA_SAMPLES)
    return (
        page.compression in BYTES
        and not page.is_planar
        and set(page.sample_formats) == {1}
        and max(bits) <= 8
        and key in TiffImagePlugin.OPEN_INFO
    )


def _is_known(page: Directory) -> bool:
    """Whether `read_samples` and what follows here read a page right."""
    if len(set(page.bits)) > 1 or len(set(page.sample_formats)) > 1 or page.photometric not in _MODES:
        return False
    bits, kind = page.bits[0], page.sample_formats[0]
    channels = Image.getmodebands(_MODES[page.photometric])
    is_scaled = kind in _UNSIGNED and 0 < bits <= 16
    is_known = {
        _CMYK: kind in _UNSIGNED and bits in (8, 16),
        _YCBCR: kind in _UNSIGNED and bits == 8 and page.numbers(_SUBSAMPLING) == (1, 1),
        _LAB: kind in _UNSIGNED and bits == 8,
        _WHITE_IS_0: is_scaled,
    }.get(page.photometric, is_scaled or kind == _FLOAT or _alpha(page, channels) is None)
    if kind not in _KINDS or page.samples < channels or not is_known:
        return False
    if page.compression in PICTURES:
        return kind in _UNSIGNED and bits in (8, 16) and page.samples <= 4
    if is_scaled and bits not in (8, 16):
        return page.compression in BYTES and page.number(tiff.PREDICTOR, 1) == 1
    return page.compression in BYTES and bits in _BITS.get(kind, _BITS[_SIGNED])


def _held(page: Directory) -> str:
    """What a page holds, in a few words."""
    depths = sorted(set(page.bits))
    bits = "/".join(str(bits) for bits in depths[:_DEPTHS]) + "/..." * (len(depths) > _DEPTHS)
    kind = _KINDS.get(page.sample_formats[0], " complex")
    meaning = page.photometric
    name = "unknown" if meaning is None else _MEANINGS.get(meaning, f"unknown ({meaning})")
    samples = f" in {page.samples} samples" if page.samples not in (1, 3) else ""
    number = page.compression
    how = "" if number in BYTES else f" compressed as {_COMPRESSIONS.get(number, f'number {number}')}"
    return f"{bits}-bit{kind} {name}{samples}{how}"


def bytes_needed(page: Directory) -> int:
    """How much memory decoding a page takes, with its pixels and a result as large."""
    width, height = page.size
    across, down = segment_size(page)
    sample = -(-max(page.bits) // 8)
    if is_plain(page):
        per_pixel = (
            PER_PIXEL["P"]
            if page.photometric == _PALETTE
            else {1: PER_PIXEL["L"], 3: PER_PIXEL["RGB"]}.get(page.samples, OTHER_MODES)
        )
    else:
        per_pixel = min(4 * page.samples * sample, 2 * page.samples * sample + 8)
    at_once = 0 if page.compression == 1 else across * down * page.samples * sample
    return width * height * per_pixel + at_once


def left_out(page: Directory) -> list[str]:
    """A note of samples beside colours and alpha, which are not read."""
    channels = {_PALETTE: 1}.get(page.photometric or 0) or Image.getmodebands(_MODES.get(page.photometric or 0, "RGB"))
    number = page.samples - channels - (_alpha(page, channels) is not None)
    which = "last sample" if number == 1 else f"last {number} samples"
    return [f"the {which} of each pixel, no colour and no alpha, left out"] * (number > 0)


def _alpha(page: Directory, channels: int) -> int | None:
    """Which kind of alpha follows the colours."""
    extra = page.numbers(tiff.EXTRA_SAMPLES)
    if not extra and page.photometric == _RGB and page.samples == channels + 1:
        return _UNASSOCIATED  # as Pillow and others take it
    return int(extra[0]) if extra and extra[0] in (_ASSOCIATED, _UNASSOCIATED) else None


def mode_of(page: Directory, image: ImageFile | None) -> str:
    """Pillow's name of the colours of a page, which it opened as `image`, or did not."""
    return image.mode if image else _MODES[int(page.photometric or _WHITE_IS_0)]


def opened(page: Directory, *, is_first: bool) -> ImageFile | None:
    """A page as Pillow opens it, if it reads it right."""
    if not is_plain(page):
        return None
    stream = page.stream if is_first else tiff.file_of(page)
    stream.seek(0)
    return TiffImagePlugin.TiffImageFile(stream)


def to_arrays(
    page: Directory, image: ImageFile | None, *, depth: int | None, shared: bool, notes: list[str]
) -> tuple[Array, Array | None]:
    """Pixels and alpha of a page that `check` lets pass, turned upright.

    Parameters
    ----------
    page : Directory
    image : ImageFile or None
        What `opened` returned.
    depth, shared, notes
        As for `decoding.to_arrays`.

    Raises
    ------
    PictureError
        If the depth is more than a picture may have.
    ValueError, OSError, struct.error
        If the file is damaged.
    """
    if image:
        raw = decoding.raw_mode(image)
        image.load()
        return decoding.to_arrays(image, raw=raw, depth=depth, shared=shared, notes=notes)
    decoded = _decoded(page, depth)
    if isinstance(decoded, tuple):
        return decoded
    decoded.info = {"icc_profile": page.held(ICC_TAG)}
    return decoding.to_arrays(decoded, notes=notes)


def read(stream: BinaryIO, limits: Limits) -> Iterator[Picture]:
    """Read pages of a TIFF."""
    prepare(limits.max_pixels)
    silence_libtiff()
    file = tiff.read_tiff(stream)
    frames = len(file.pages)
    wanted = limits.wanted(frames)
    limits.admit_all(_needs(file, wanted, limits.max_pixels))
    for index in wanted:
        page = file.page(index)
        image = opened(page, is_first=not index)
        mode = mode_of(page, image)
        stored = stored_in_tiff(page, mode)
        notes = limits.notes(frames)
        pixels, alpha = to_arrays(page, image, depth=limits.depth, shared=limits.shared, notes=notes)
        kept = read_tiff_metadata(page, mode)
        notes += left_out(page) + limits.left_out(stored)
        yield Picture(pixels, alpha, kept, "TIFF", tuple(notes), frames, stored)


def _needs(file: Tiff, wanted: range, max_pixels: int) -> Iterator[Need]:
    for page in map(file.page, wanted):
        check(file, page)
        width, height = page.upright_size
        yield bytes_needed(page), height, width, page.samples
        check_size(segment_size(page), max_pixels, page.samples)  # a tile is decoded whole


def _decoded(page: Directory, depth: int | None) -> Image.Image | tuple[Array, Array | None]:
    """An image where the samples have 8 bits in the end; else pixels of 16 bits or of floats, and alpha."""
    mode = _MODES[int(page.photometric or _WHITE_IS_0)]
    channels = Image.getmodebands(mode)
    alpha = _alpha(page, channels)
    deep = page.bits[0] > 8 and page.sample_formats[0] != _FLOAT
    if deep and channels > 1 and depth is None:
        raise decoding.deep_colour_error(page.bits[0], "colour")
    if page.sample_formats[0] == _FLOAT:
        decoding.check_float_depth(depth)
    samples = read_samples(page)[..., : channels + (alpha is not None)]
    samples = _upright(
        _scaled(page, samples, depth, is_associated=alpha == _ASSOCIATED), page.number(tiff.ORIENTATION, 1)
    )
    pixels = np.ascontiguousarray(samples[..., 0] if channels == 1 else samples[..., :channels])
    if samples.dtype != np.uint8:
        return pixels, None if alpha is None else np.ascontiguousarray(samples[..., channels])
    if alpha is None or mode not in ("L", "RGB"):
        return pillow.wrapped(pixels, mode)
    return pillow.wrapped(samples, mode + "A")


def _upright(samples: Array, orientation: int) -> Array:
    turned = samples.swapaxes(0, 1) if orientation in (5, 6, 7, 8) else samples
    return np.ascontiguousarray(np.flip(turned, _TURNS.get(orientation, ())))


def _scaled(page: Directory, samples: Array, depth: int | None, *, is_associated: bool) -> Array:
    """Samples as the pixels of a picture are: of uint8 or uint16 from black to white, or of float32.

    Raises
    ------
    PictureError
        If numbers that have a sign, or more than 16 bits, are outside what 16 bits hold.
    """
    bits, kind = page.bits[0], page.sample_formats[0]
    is_scaled = kind in _UNSIGNED and bits <= 16  # others are numbers as they are
    if not is_scaled and kind != _FLOAT:
        decoding.check_range(f"{bits}-bit", int(samples.min()), int(samples.max()))
    held = np.float32 if kind == _FLOAT else np.uint8 if bits <= 8 else np.uint16
    white = FULL_SCALE[held.__name__]
    dtype = np.uint8 if depth == 8 else held
    is_same = samples.dtype == dtype and bits == 8 * samples.itemsize and page.photometric != _WHITE_IS_0
    if is_same and not is_associated:
        return samples
    out = np.empty(samples.shape, dtype)
    rows = max(1, decoding.BAND // samples[0].size)
    for top in range(0, len(samples), rows):
        band = samples[top : top + rows]
        if is_scaled and (full := (1 << bits) - 1) < white:
            band = (band.astype(np.uint32) * white + full // 2) // full
        if page.photometric == _WHITE_IS_0 and kind != _FLOAT:
            band = np.concatenate([white - band[..., :1], band[..., 1:]], axis=-1)
        if is_associated:
            band = _unmultiplied(band, white)
        with np.errstate(over="ignore"):  # a double beyond float32 becomes infinite
            out[top : top + rows] = decoding.reduced(band) if dtype != held else band
    return out


def _unmultiplied(band: Array, white: int) -> Array:
    """Colours that were multiplied with alpha, the last sample, as they were before; 0 where nothing is seen."""
    alpha = band[..., -1:]
    with np.errstate(all="ignore"):
        colours = np.where(alpha == 0, 0, band[..., :-1] * np.float64(white) / alpha)
    if band.dtype.kind != "f":
        colours = np.rint(np.minimum(colours, white)).astype(band.dtype)
    return np.concatenate([colours, alpha], axis=-1)
