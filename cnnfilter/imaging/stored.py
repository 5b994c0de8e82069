"""How a file stores its pixels, and how a result that goes into the same format is stored like it.

Compression and palette are no part of what a picture shows, but of what a person chose for the file: a scan that was
compressed stays so, icons of few colours keep their palette, what was kept without loss is.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np
from PIL import Image

from cnnfilter.imaging.arrays import Array
from cnnfilter.imaging.headers import webp_is_lossless
from cnnfilter.imaging.options import DEFLATE, KEEP, OPTIONS, applicable
from cnnfilter.imaging.picture import BLACK_AND_WHITE, PALETTE, Picture, Stored, Timing
from cnnfilter.messages import either
from cnnfilter.runtime import pillow

if TYPE_CHECKING:
    from PIL.ImageFile import ImageFile

    from cnnfilter.imaging.tiff import Directory

_FAX = ("tiff_ccitt", "group3", "group4")
_TIFF = {1: "raw", 2: "tiff_ccitt", 3: "group3", 4: "group4", 5: "tiff_lzw", 6: "jpeg", 7: "jpeg", 8: DEFLATE,
         32773: "packbits", 32946: DEFLATE, 34925: "lzma", 50000: "zstd"}  # fmt: skip
"""Pillow's names of TIFF's compressions, as far as it writes them; of the others, deflate loses nothing."""
_PREDICTED = ("tiff_lzw", DEFLATE, "lzma", "zstd")
"""Those that may store differences of neighbours."""

_FEW = ("PNG", "TIFF", "BMP", "PBM")
"""The formats that are written in few colours, where the input was."""


def stored_in(image: ImageFile, format: str, stream: BinaryIO, raw: str) -> Stored:
    """What an opened image and its file tell; `raw` is how the pixels lie in it.

    Where the stream is left, nobody may count on.
    """
    look = {"JPEG": _jpeg, "WEBP": _webp, "ICO": _ico, "TGA": _tga, "PNG": _png}.get(format)
    return _with_mode(Stored() if look is None else look(image, stream, raw), image.mode)


def stored_in_tiff(page: Directory, mode: str) -> Stored:
    """What a page of a TIFF tells, whose pixels have one of Pillow's modes."""
    from cnnfilter.imaging.tiff import PREDICTOR  # which only a TIFF needs

    parameters: dict[str, Any] = {"compression": _TIFF.get(page.compression, DEFLATE)}
    if page.layout.is_big:
        parameters["big_tiff"] = True
    predictor = page.number(PREDICTOR, 1)
    others = _counted(len(page.copies()), "smaller copy", "smaller copies")
    known = Stored(parameters, predictor=predictor if predictor in (2, 3) else 1, kind=_samples(page), others=others)
    return _with_mode(known, mode)


def _with_mode(found: Stored, mode: str) -> Stored:
    if mode in ("L", "RGB"):  # most pictures are, and of thousands a copy each adds up
        return found
    colours = {"1": BLACK_AND_WHITE, "P": PALETTE, "PA": PALETTE}.get(mode, 0)
    return found._replace(colours=colours, kind=mode if mode in ("CMYK", "LAB") else found.kind)


def _jpeg(image: Any, stream: BinaryIO, raw: str) -> Stored:
    from PIL.JpegImagePlugin import get_sampling

    sampling = get_sampling(image)
    tables = {
        "qtables": dict(image.quantization),
        "subsampling": sampling if sampling >= 0 else "4:4:4",  # of a kind that Pillow does not write: the finest
        "progressive": bool(image.info.get("progressive")),
    }
    return Stored(tables=tables, others=_counted(getattr(image, "n_frames", 1) - 1, "other picture"))


def _samples(page: Directory) -> str:
    """What the samples of a TIFF are, if they are others than those that are written."""
    bits, kind = max(page.bits), page.sample_formats[0]
    if page.photometric == 3 or (kind, bits) in ((1, 1), (1, 8), (1, 16), (3, 32)):
        return ""
    names = {1: "numbers", 2: "signed numbers", 3: "floats"}
    return f"{bits}-bit {names.get(kind, 'samples')}"


def _webp(image: Any, stream: BinaryIO, raw: str) -> Stored:
    return Stored({"lossless": True} if webp_is_lossless(stream) else {})


def _ico(image: Any, stream: BinaryIO, raw: str) -> Stored:
    stream.seek(4)
    count = int.from_bytes(stream.read(2), "little")
    stream.seek(18)  # where the first one is
    stream.seek(int.from_bytes(stream.read(4), "little"))
    is_bitmap = stream.read(4) != b"\x89PNG"
    return Stored({"bitmap_format": "bmp"} if is_bitmap else {}, others=_counted(count - 1, "other size"))


def _tga(image: Any, stream: BinaryIO, raw: str) -> Stored:
    compression = image.info.get("compression")
    return Stored({"compression": compression} if compression else {})


def _png(image: Any, stream: BinaryIO, raw: str) -> Stored:
    return Stored(kind=f"{raw[-1]}-bit grey" if raw in ("L;2", "L;4") else "")


def _counted(number: int, one: str, several: str = "") -> str:
    return f"{number} {one if number == 1 else several or one + 's'}" if number > 0 else ""


def timing_of(image: ImageFile, format: str) -> Timing:
    """The timing of the frame that an image has loaded."""
    loop = image.info.get("loop")
    if format == "GIF":  # what it counts are repetitions
        loop = 1 if loop is None else loop + 1 if loop else 0
    return Timing(float(image.info.get("duration", 0)), int(loop or 0))


def lost_in_place(picture: Picture, *, every: bool = False) -> str | None:
    """What of a file would be lost if a result took its place, that of `every` frame or of one; or None."""
    if picture.frames > 1 and not every:
        return f"{picture.frames - 1} of its {picture.frames} frames"
    return f"its {picture.stored.others}" if picture.stored.others else None


def image_of_few(picture: Picture, format: str) -> Image.Image | None:
    """A picture of few colours as an image of a palette, or of black and white, as its file has it.

    None if it has more colours, or came from a file without, or of another format.
    """
    stored, pixels = picture.stored, picture.pixels
    if not stored.colours or picture.format != format or format not in _FEW or pixels.dtype != np.uint8:
        return None
    if stored.colours == BLACK_AND_WHITE:
        return pillow.wrapped(pixels, "L").convert("1", dither=Image.Dither.NONE) if is_two_toned(picture) else None
    if picture.alpha is not None and format != "PNG":
        return None
    return with_palette(pixels, picture.alpha)


def is_two_toned(picture: Picture) -> bool:
    """Whether all pixels are black or white."""
    pixels = picture.pixels
    return picture.alpha is None and pixels.ndim == 2 and bool(((pixels == 0) | (pixels == 255)).all())


def with_palette(pixels: Array, alpha: Array | None) -> Image.Image | None:
    """An image of palette indices in exactly the colours of a picture; None if they are too many."""
    image = pillow.wrapped(pillow.contiguous(pixels), "L" if pixels.ndim == 2 else "RGB").convert("RGBA")
    if alpha is not None:
        image.putalpha(pillow.wrapped(alpha, "L"))
    found = image.getcolors(PALETTE)
    if found is None:
        return None
    colours = np.sort(np.array([colour for _, colour in found], np.uint8).view(np.uint32).ravel())
    samples = np.asarray(image).view(np.uint32)[..., 0]
    places = np.empty(samples.shape, np.uint8)
    for row, place in zip(samples, places, strict=True):  # row by row: the places of all would take eight bytes each
        place[:] = np.searchsorted(colours, row)
    result = pillow.wrapped(places, "P")
    table = colours.view(np.uint8).reshape(-1, 4)
    result.putpalette(table[:, :3].tobytes())
    if alpha is not None:
        result.info["transparency"] = table[:, 3].tobytes()
    return result


def fitting(picture: Picture, format: str, options: Mapping[str, str]) -> tuple[dict[str, str], tuple[str, ...]]:
    """Those save options that count for a picture in a format, and a note on each that does not there."""
    counting = applicable(format, options)
    notes = []
    for key, text in options.items():
        if text == KEEP and key in OPTIONS.get(format, ()) and not (key in counting and picture.stored.tables):
            counting.pop(key, None)
            notes.append(f"{key}=keep is for a JPEG that stays one; here {key} is as usual")
    own = picture.stored.parameters if picture.format == format else {}
    if format == "TIFF" and "quality" in counting and counting.get("compression", own.get("compression")) != "jpeg":
        del counting["quality"]
        notes.append("quality is for a TIFF whose compression is jpeg, and this one's is another")
    if format == "WEBP" and "quality" in counting and own.get("lossless") and "lossless" not in counting:
        option = either("--save-option lossless=no", 'options={"lossless": "no"}')
        notes.append(f"it stays lossless; {option} makes it smaller")
    return counting, tuple(notes)


def alike(picture: Picture, format: str, given: Mapping[str, Any], mode: str) -> dict[str, Any]:
    """Pillow's parameters that store a picture as its file did, as far as none that are given say otherwise.

    Parameters
    ----------
    picture : Picture
    format : str
        That is written.
    given : mapping
        Pillow's parameters that a person asks for; `KEEP` is replaced.
    mode : str
        Of the image that is written.
    """
    stored, parameters = picture.stored, dict(given)
    for key in ("quality", "subsampling"):
        if parameters.get(key) == KEEP:  # which `fitting` lets pass for a JPEG
            del parameters[key]
            kept = stored.tables if key == "quality" else {key: stored.tables[key]}
            parameters = {**kept, **parameters}
    if picture.format != format:
        return parameters
    own = dict(stored.parameters)
    if format == "TIFF" and "compression" not in parameters:
        own["compression"] = _compression(own.get("compression", "raw"), mode)
        if own["compression"] in _PREDICTED and mode not in ("1", "P"):
            own["predictor"] = stored.predictor if mode == "F" else min(stored.predictor, 2)
    return {**own, **parameters}


def _compression(had: str, mode: str) -> str:
    """The compression that a picture had, or deflate where that is for others only."""
    if (had in _FAX and mode != "1") or (had == "jpeg" and mode not in ("L", "RGB", "RGBA")):
        return DEFLATE
    return had
