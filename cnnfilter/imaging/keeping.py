"""What a format keeps of what a picture file carries beside its pixels, and what is to be told as it cannot."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any, NamedTuple

from PIL import Image

from cnnfilter.imaging.formats import ARRAYS, FORMATS
from cnnfilter.imaging.headers import EXIF_PREFIX
from cnnfilter.imaging.metadata import IPTC_TAG, PHOTOSHOP, PLACE, XMP_TAG, Metadata, icc_fits, iptc_resource, sized_xmp

if TYPE_CHECKING:
    from cnnfilter.imaging.tiff_tags import Tags

_NAMES = {"exif": "EXIF", "icc": "ICC profile", "xmp": "XMP", "iptc": "IPTC", "comments": "comment", "texts": "texts"}

_SEGMENT = 65533
"""Bytes that one segment of a JPEG holds."""
_XMP_OVERHEAD = 29
"""Of these, what Pillow needs to say that it is XMP."""
_BYTE, _UNDEFINED = 1, 7
"""Types of TIFF's tags."""

_RESOLUTIONS = {"JPEG": (0.5, 65535.49), "PNG": (0.02, 5e7), "BMP": (0.02, 5e7), "TIFF": (1e-6, 4e9)}
"""From which to which number a format holds pixels an inch."""
_NO_RESOLUTIONS = ((1, 1), (72, 72), (96, 96))
"""What programs write when they know of none; nobody misses them."""

_SRGB_GAMMA = struct.pack(">I", 45455)
_SRGB_PRIMARIES = struct.pack(">8I", 31270, 32900, 64000, 33000, 30000, 60000, 15000, 6000)
_SRGB = ((b"gAMA", _SRGB_GAMMA), (b"cHRM", _SRGB_PRIMARIES), (b"cICP", b"\x01\x0d\x00\x01"))
"""What says no more than nothing does: pictures without any of it are sRGB."""


class Kept(NamedTuple):
    """Pillow's parameters, the tags that a TIFF is given besides, and the names of what is not kept."""

    parameters: dict[str, Any]
    tags: Tags
    lost: tuple[str, ...]


def keep(metadata: Metadata, format: str, shape: tuple[int, ...]) -> Kept:
    """What a format keeps.

    Parameters
    ----------
    metadata : Metadata
    format : str
        A name out of `formats.FORMATS`, or of `formats.ARRAYS`.
    shape : tuple of int
        Of the pixels, (H, W) or (H, W, C).
    """
    able = FORMATS[format].metadata if format in FORMATS else ()
    lost = list(metadata.lost)
    lost += [name for field, name in _NAMES.items() if getattr(metadata, field) and field not in able]
    metadata = _sized(metadata, (shape[1], shape[0]), lost)
    parameters: dict[str, Any] = {}
    channels = 3 if shape[2:] == (3,) or format == "WEBP" else 1  # WebP has no grey
    if metadata.icc and "icc" in able:
        if icc_fits(metadata.icc, channels):
            parameters["icc_profile"] = metadata.icc
        else:
            lost.append(f"ICC profile, which is not for {'RGB' if channels == 3 else 'grey'}")
    if format not in ARRAYS:
        parameters |= _resolution(metadata, format, lost)
    if format != "PNG":
        lost += _unknown_colours(metadata, known="icc_profile" in parameters)
    tags: Tags = {}
    place = metadata.place[1] if metadata.place and metadata.place[0] == (shape[1], shape[0]) else {}
    if metadata.place and not (place and format == "TIFF"):
        lost.append(PLACE)
    if format == "TIFF":
        tags = _tiff_tags(metadata) | place
    elif format == "JPEG":
        parameters |= _jpeg(metadata, lost)
    elif format == "PNG":
        parameters |= _png(metadata)
    else:
        plain = {"exif": metadata.exif, "xmp": metadata.xmp, "comments": b"\n".join(metadata.comments)}
        parameters |= {_PARAMETERS.get(name, name): data for name, data in plain.items() if data and name in able}
    if format == "AVIF" and "exif" in parameters and not _is_readable(parameters["exif"]):
        del parameters["exif"]
        lost.append("EXIF, which is broken")
    return Kept(parameters, tags, tuple(lost))


_PARAMETERS = {"comments": "comment"}


def _sized(metadata: Metadata, size: tuple[int, int], lost: list[str]) -> Metadata:
    """Metadata that tell the size of what is written."""
    block, xmp = metadata.exif, metadata.xmp
    if block:
        from cnnfilter.imaging import exif  # here and below: most pictures have none

        try:
            block = exif.sized(block, *size)
        except (ValueError, struct.error):
            block = None
            lost.append("EXIF, which is broken")
    return metadata._replace(exif=block, xmp=xmp and sized_xmp(xmp, *size))


def _resolution(metadata: Metadata, format: str, lost: list[str]) -> dict[str, Any]:
    if metadata.dpi:
        low, high = _RESOLUTIONS.get(format, (1, 0))
        if low <= min(metadata.dpi) and max(metadata.dpi) <= high:
            return {"dpi": metadata.dpi}
        told = False
        if metadata.exif is not None and "exif" in FORMATS[format].metadata:
            from cnnfilter.imaging import exif

            told = exif.tells_resolution(metadata.exif)
        if not told and tuple(map(round, metadata.dpi)) not in _NO_RESOLUTIONS:
            lost.append("resolution")
    elif metadata.aspect and format == "TIFF":
        return dict(zip(("x_resolution", "y_resolution", "resolution_unit"), (*metadata.aspect, 1), strict=True))
    elif metadata.aspect and metadata.aspect not in _NO_RESOLUTIONS:
        lost.append("resolution without a unit")
    return {}


def _unknown_colours(metadata: Metadata, *, known: bool) -> list[str]:
    """The chunks of a PNG without which its colours mean something else."""
    kinds = [kind for kind, _ in metadata.colour]
    overruled = (b"gAMA", b"cHRM", b"sRGB") if known or b"sRGB" in kinds else ()
    return [kind.decode() for kind, data in metadata.colour if (kind, data) not in _SRGB and kind not in overruled]


def _tiff_tags(metadata: Metadata) -> Tags:
    from cnnfilter.imaging import exif
    from cnnfilter.imaging.tiff_tags import Value

    tags = exif.descriptive(metadata.exif) if metadata.exif else {}
    if metadata.xmp:
        tags[XMP_TAG] = Value(_BYTE, len(metadata.xmp), metadata.xmp)
    if metadata.iptc:
        tags[IPTC_TAG] = Value(_UNDEFINED, len(metadata.iptc), metadata.iptc)
    return tags


def _jpeg(metadata: Metadata, lost: list[str]) -> dict[str, Any]:
    parameters: dict[str, Any] = {}
    if metadata.exif and len(EXIF_PREFIX + metadata.exif) <= _SEGMENT:
        parameters["exif"] = EXIF_PREFIX + metadata.exif
    elif metadata.exif:
        lost.append("EXIF beyond 64 KB")
    if metadata.xmp and len(metadata.xmp) <= _SEGMENT - _XMP_OVERHEAD:
        parameters["xmp"] = metadata.xmp
    elif metadata.xmp:
        lost.append("XMP beyond 64 KB")
    segments = [(0xFE, comment) for comment in metadata.comments]
    if metadata.iptc:
        segments.append((0xED, PHOTOSHOP + iptc_resource(metadata.iptc)))
    if any(len(data) > _SEGMENT for _, data in segments):
        lost.append("comment or IPTC beyond 64 KB")
    extra = b"".join(
        struct.pack(">BBH", 0xFF, marker, len(data) + 2) + data for marker, data in segments if len(data) <= _SEGMENT
    )
    return parameters | ({"extra": extra} if extra else {})


def _png(metadata: Metadata) -> dict[str, Any]:
    from PIL.PngImagePlugin import PngInfo

    info = PngInfo()
    for kind, data in (*metadata.colour, *metadata.texts):
        info.add(kind, data)
    for comment in metadata.comments:
        info.add_text("Comment", _text(comment))
    if metadata.iptc:  # where ImageMagick keeps it
        data = iptc_resource(metadata.iptc)
        lines = [data[at : at + 36].hex() for at in range(0, len(data), 36)]
        info.add_text("Raw profile type iptc", "\n".join(["", "iptc", f"{len(data):8}", *lines, ""]), zip=True)
    if metadata.xmp:
        info.add_itxt("XML:com.adobe.xmp", metadata.xmp)
    return ({"pnginfo": info} if info.chunks else {}) | ({"exif": metadata.exif} if metadata.exif else {})


def _text(comment: bytes) -> str:
    try:
        return comment.decode()
    except UnicodeDecodeError:
        return comment.decode("latin-1")


def _is_readable(block: bytes) -> bool:
    """Whether Pillow can read a block, as its AVIF plugin does before it writes one."""
    try:
        Image.Exif().load(block)
    except Exception:  # Pillow raises whatever a damaged directory leads to
        return False
    return True
