"""What a picture file carries beside its pixels, and how it is read from an opened one.

What shows or describes the picture as it was is not kept: the orientation, as pixels are upright; previews, wherever
they are; the descriptions by which programs find their way in a TIFF.
"""

from __future__ import annotations

import contextlib
import math
import re
import struct
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple

from cnnfilter.imaging.colour import CONVERTED
from cnnfilter.imaging.headers import AVIF_HEAD, EXIF_PREFIX, MAX_PROFILE, avif_colours, bmp_profile, boxes, png_chunks

if TYPE_CHECKING:
    from PIL.ImageFile import ImageFile

    from cnnfilter.imaging.tiff import Directory
    from cnnfilter.imaging.tiff_tags import Tags

Chunk = tuple[bytes, bytes]
"""A chunk of a PNG: its type and its data."""

STRIP = ("all", "privacy")
"""What may be left out: everything, or what identifies; colour and resolution then stay."""

XMP_TAG, IPTC_TAG, ICC_TAG = 700, 33723, 34675
"""TIFF's."""
PHOTOSHOP = b"Photoshop 3.0\0"
"""How a JPEG's segment of Photoshop's resources begins."""

PLACE = "GeoTIFF's tags"

MAX_TEXTS = 1 << 24
"""Bytes of a PNG's texts that are kept."""

TEXTS = (b"tEXt", b"zTXt", b"iTXt")
_CREDENTIALS = b"caBX"
_COLOUR = (b"gAMA", b"cHRM", b"sRGB", b"cICP")
_NOT_TEXTS = rb"XML:com\.adobe\.xmp\0|Raw profile type "
_RAW_PROFILE = "Raw profile type "
_SEGMENTS, _DUCKY = ("COM", "APP0", "APP1", "APP2", "APP11", "APP13", "APP14"), b"Ducky"
"""Segments of a JPEG that are known, and the one in which Photoshop notes its quality."""
_EXTENSIONS = {b"XMP Data": "XMP", b"ICCRGBG1": "ICC profile"}
_UUIDS = {
    bytes.fromhex("be7acfcb97a942e89c71999491e3afac"): "xmp",
    b"JpgTiffExif->JP2": "exif",
    bytes.fromhex("33c7a4d2b81d4723a0baf1a3e097ad38"): "iptc",
}
"""Of the boxes of a JPEG 2000."""
_USUAL_PRIMARIES, _USUAL_TRANSFERS = (1, 2), (1, 2, 6, 13)
"""By ITU-T H.273: those of sRGB, and unknown ones, which are taken for these."""
_IPTC_RESOURCE = 0x0404
_PRIVATE = 32768
"""From here on, a TIFF's tags are whoever's has asked for them."""
_UNKEPT = {37724: "layers", 42112: "GDAL's metadata"}
"""Tags of what is not true of other pixels: Photoshop's layers, statistics of the values."""
_KNOWN = (*_UNKEPT, IPTC_TAG, ICC_TAG, 34377, 50838, 50839)
"""Also resources of Photoshop's, the ICC profile, and ImageJ's, which its description is about."""
_RESOURCE, _COMMENT = b"8BIM", b"Comment\0"
_ENCODER = b"Created by OpenJPEG"
"""How the comment begins by which Pillow's encoder of JPEG 2000 names itself."""
_XMP, _EXTENDED_XMP = b"http://ns.adobe.com/xap/1.0/\0", b"http://ns.adobe.com/xmp/extension/\0"

_XMP_ORIENTATION = rb"""(tiff:Orientation(?:\s*=\s*["']|\s*>\s*))([1-8])"""
_XMP_WIDTH = rb"""((?:tiff:ImageWidth|exif:PixelXDimension)(?:\s*=\s*["']|\s*>\s*))\d+"""
_XMP_HEIGHT = rb"""((?:tiff:ImageLength|exif:PixelYDimension)(?:\s*=\s*["']|\s*>\s*))\d+"""
# what base64 makes of the beginning of a JPEG, a PNG and a WebP; no end is asked for, which keeps it linear
_XMP_PICTURE = rb"""(>|=\s*["'])\s*(?:/9j/|iVBORw0KGgo|UklGR)[^<>"']*"""
_XMP_EXTENSION = rb"""xmpNote:HasExtendedXMP\s*=\s*["'][^"']*["']"""


class Metadata(NamedTuple):
    """What is kept beside the pixels.

    Parameters
    ----------
    exif : bytes, optional
        An EXIF block, beginning with its TIFF header, without orientation and previews.
    icc : bytes, optional
        An ICC profile.
    xmp : bytes, optional
        An XMP packet, whose orientation is 1.
    dpi : pair of float, optional
        Horizontal and vertical resolution in pixels an inch.
    aspect : pair of float, optional
        The same without a unit, which at least tells the shape of pixels.
    iptc : bytes, optional
        IPTC's datasets (IIM).
    comments : tuple of bytes
        Of a JPEG, a GIF or a JPEG 2000.
    texts, colour : tuple of Chunk
        Of a PNG: the chunks of its texts, and those that say what colours its numbers mean.
    place : tuple, optional
        A picture's width and height, and the tags of its TIFF that say where on Earth such a picture's pixels are.
    lost : tuple of str
        What the file had besides, and cannot be kept.
    """

    exif: bytes | None = None
    icc: bytes | None = None
    xmp: bytes | None = None
    dpi: tuple[float, float] | None = None
    aspect: tuple[float, float] | None = None
    iptc: bytes | None = None
    comments: tuple[bytes, ...] = ()
    texts: tuple[Chunk, ...] = ()
    colour: tuple[Chunk, ...] = ()
    place: tuple[tuple[int, int], Tags] | None = None
    lost: tuple[str, ...] = ()

    def stripped(self, strip: str | None) -> Metadata:
        """What is left without what `strip`, one of `STRIP` or None, names."""
        if strip is None:
            return self
        if strip == "all":
            return Metadata()
        exif = None
        if self.exif:
            from cnnfilter.imaging.exif import adobe_rgb

            exif = adobe_rgb(self.exif)
        return Metadata(exif, self.icc, dpi=self.dpi, aspect=self.aspect, colour=self.colour)


def read_metadata(image: ImageFile, stream: BinaryIO) -> tuple[Metadata, int]:
    """The metadata of a decoded image that came from a stream, and the orientation of its pixels; see below of a TIFF.

    As in Pillow, that of XMP counts where EXIF has none.
    """
    info, names = image.info, {"icc": "icc_profile", "exif": "exif", "xmp": "xmp"}
    found: dict[str, Any] = {field: info[name] for field, name in names.items() if info.get(name)}
    found |= {"dpi": sane_resolution(info.get("dpi")), "aspect": _aspect(info)}
    return _kept(partial(_READERS.get(str(image.format), _read_segments), image, stream), found, image.mode)


def read_tiff_metadata(page: Directory, mode: str) -> Metadata:
    """The metadata of a page of a TIFF, whose colours have one of Pillow's modes."""
    return _kept(partial(_read_tiff, page), {}, mode)[0]


def _kept(read: Callable[[dict[str, Any], list[str]], None], found: dict[str, Any], mode: str) -> tuple[Metadata, int]:
    """What is kept of metadata that `read` adds to what was found, and the orientation."""
    lost: list[str] = []
    orientation = turned = None
    try:
        read(found, lost)
        if block := found.pop("exif", None):
            from cnnfilter.imaging.exif import cleaned  # most pictures have none

            found["exif"], orientation, others = cleaned(block)
            lost += others
    except ValueError:
        found.pop("exif", None)
        lost.append("EXIF, which is broken")
    xmp = found.pop("xmp", b"").rstrip(b"\0")
    if b"\0" in xmp:
        lost.append("XMP, which is not UTF-8")
    elif xmp:
        found["xmp"], turned = upright_xmp(xmp)
    if mode in CONVERTED:  # to sRGB
        found["icc"] = None
    return Metadata(**found, lost=tuple(lost)), orientation or turned or 1


def _read_tiff(page: Directory, found: dict[str, Any], lost: list[str]) -> None:
    from cnnfilter.imaging.exif import DESCRIPTIVE_TAGS, PLACE_TAGS, described, placed
    from cnnfilter.imaging.tiff import ORIENTATION, RESOLUTION_UNIT, X_RESOLUTION, Y_RESOLUTION

    found |= {"icc": page.held(ICC_TAG) or None, "xmp": page.held(XMP_TAG)}
    found["iptc"] = _without_pictures(page.held(IPTC_TAG))
    if page.tells_resolution:
        unit = page.number(RESOLUTION_UNIT, 2)
        scale = 2.54 if unit == 3 else 1  # of centimetres
        ratios = (scale * page.ratio(tag) for tag in (X_RESOLUTION, Y_RESOLUTION))
        found["dpi" if unit in (2, 3) else "aspect"] = sane_resolution(ratios)
    if place := placed(page):
        if page.number(ORIENTATION, 1) == 1:
            found["place"] = page.size, place
        else:
            lost.append(PLACE)
    lost += [name for tag, name in _UNKEPT.items() if tag in page.entries]
    known = {*DESCRIPTIVE_TAGS, *PLACE_TAGS, *_KNOWN}
    if any(tag >= _PRIVATE and tag not in known for tag in page.entries):
        lost.append("private tags")
    found["exif"] = described(page)


def _without_pictures(iptc: bytes) -> bytes | None:
    """IPTC's datasets without previews, if there are any."""
    if not iptc:
        return None
    from cnnfilter.imaging.exif import without_pictures

    return without_pictures(iptc)


def _read_segments(image: ImageFile, stream: BinaryIO, found: dict[str, Any], lost: list[str]) -> None:
    """Read what a JPEG has of its own, and comments of other formats."""
    segments = getattr(image, "applist", [])
    comments = [data for name, data in segments if name == "COM"] or [image.info.get("comment", b"")]
    found["comments"] = tuple(each for each in comments if each and not each.startswith(_ENCODER))
    resources = b"".join(data.removeprefix(PHOTOSHOP) for _, data in segments if data.startswith(PHOTOSHOP))
    found["iptc"] = _without_pictures(_iptc_resource(resources))
    if any(data.startswith(_EXTENDED_XMP) for _, data in segments):
        lost.append("XMP beyond 64 KB")
    name, _ = image.info.get("extension", (b"", 0))  # a GIF's
    lost += [kind for begin, kind in _EXTENSIONS.items() if name.startswith(begin)]
    xmp = image.info.get("xmp", b"")
    if "mp" in image.info and b"hdrgm:" in xmp:
        lost.append("HDR gain map")
    if b"GCamera:MotionPhoto" in xmp or b"GCamera:MicroVideo" in xmp:
        lost.append("video")
    if any(name == "APP11" and b"jumb" in data[:32] for name, data in segments):
        lost.append("content credentials")
    others = {name for name, data in segments if name not in _SEGMENTS and not data.startswith(_DUCKY)}
    lost += [f"segment {name}" for name in sorted(others)]


def _read_bmp(image: ImageFile, stream: BinaryIO, found: dict[str, Any], lost: list[str]) -> None:
    """Read the profile of a BMP, which Pillow leaves out."""
    found["icc"] = bmp_profile(stream)


def _read_avif(image: ImageFile, stream: BinaryIO, found: dict[str, Any], lost: list[str]) -> None:
    """Read what the colours of an AVIF mean, which Pillow leaves out."""
    stream.seek(0)
    colours = avif_colours(stream.read(AVIF_HEAD))
    if colours is not None and not (colours[0] in _USUAL_PRIMARIES and colours[1] in _USUAL_TRANSFERS):
        found["colour"] = ((b"cICP", colours),)


def _read_jpeg2000(image: ImageFile, stream: BinaryIO, found: dict[str, Any], lost: list[str]) -> None:
    """Read the boxes of a JPEG 2000, which Pillow leaves out."""
    _read_segments(image, stream, found, lost)
    for kind, begin, end in boxes(stream):
        inside = boxes(stream, begin, end) if kind == b"jp2h" else [(kind, begin, end)]
        for inner, first, last in inside:
            stream.seek(first)
            if inner == b"colr" and stream.read(3)[:1] == b"\2":
                found["icc"] = stream.read(min(last - first - 3, MAX_PROFILE))
            elif inner == b"uuid" and (name := _UUIDS.get(stream.read(16))):
                data = stream.read(min(last - first - 16, MAX_TEXTS))
                found[name] = _without_pictures(data) if name == "iptc" else data


def _read_png(image: ImageFile, stream: BinaryIO, found: dict[str, Any], lost: list[str]) -> None:
    """Read what a PNG has of its own, and what stands in texts, as ImageMagick wrote it."""
    from PIL.PngImagePlugin import PngInfo

    chunks = list(_chunks(stream))
    if any(kind == _CREDENTIALS for kind, _ in chunks):
        lost.append("content credentials")
    found["colour"] = tuple(chunk for chunk in chunks if chunk[0] in _COLOUR)
    texts = [chunk for chunk in chunks if chunk[0] in TEXTS]
    before = {data.partition(b"\0")[0].decode("latin-1") for _, data in texts}
    behind = PngInfo()  # the pixels
    for keyword, text in ({} if image.is_animated else image.text).items():  # type: ignore[attr-defined]  # only a PNG's
        if keyword not in before:
            behind.add_text(keyword, text)
    texts += [chunk[:2] for chunk in behind.chunks]
    texts = [chunk for chunk in texts if not re.match(_NOT_TEXTS, chunk[1])]
    if sum(len(data) for _, data in texts) > MAX_TEXTS:
        lost.append(f"texts, which are longer than {MAX_TEXTS} bytes")
        texts = []
    comments = [data for kind, data in texts if kind == b"tEXt" and data.startswith(_COMMENT)]
    found["comments"] = tuple(data.removeprefix(_COMMENT).decode("latin-1").encode() for data in comments)
    found["texts"] = tuple(chunk for chunk in texts if chunk[1] not in comments)
    # of a text that is no iTXt, which Pillow takes for Latin-1
    xmp = str(image.info.get("XML:com.adobe.xmp", "")).encode("latin-1", "replace")
    for field, data in {"xmp": xmp, **_raw_profiles(image.info, lost)}.items():
        found[field] = data if field == "iptc" else found.get(field) or data


_READERS = {"PNG": _read_png, "BMP": _read_bmp, "AVIF": _read_avif, "JPEG2000": _read_jpeg2000}


def _chunks(stream: BinaryIO) -> Iterator[Chunk]:
    """The chunks of texts and colour that stand before the pixels of a PNG, and its credentials."""
    for kind, begin, end in png_chunks(stream):
        if kind == b"IDAT":
            return
        if kind in (*TEXTS, *_COLOUR, _CREDENTIALS):
            yield kind, stream.read(end - begin)


def _raw_profiles(info: Mapping[Any, Any], lost: list[str]) -> dict[str, Any]:
    """What stands in texts `Raw profile type ...`, by the field of `Metadata`."""
    profiles: dict[str, Any] = {}
    for keyword, text in info.items():
        name = str(keyword).removeprefix(_RAW_PROFILE)
        if name == keyword:
            continue
        try:
            data = bytes.fromhex("".join(text.split("\n")[3:]))
        except ValueError:
            lost.append(f"{name} profile, which is broken" if name.isalnum() else "broken profile")
            continue
        if data.startswith(EXIF_PREFIX) or name == "exif":
            profiles["exif"] = data
        elif data.startswith(_XMP) or name == "xmp":
            profiles["xmp"] = data.removeprefix(_XMP)
        elif name in ("icc", "icm"):
            profiles.setdefault("icc", data)
        elif data.startswith(_RESOURCE) or name == "iptc":
            profiles["iptc"] = _without_pictures(_iptc_resource(data))
    return profiles


def _iptc_resource(data: bytes) -> bytes:
    """IPTC's datasets out of Photoshop's resources, or data that is none of these as it is."""
    at = 0
    with contextlib.suppress(struct.error):  # cut off
        while data.startswith(_RESOURCE, at):
            code, name = struct.unpack_from(">HB", data, at + 4)
            at += 6 + name + 1 + (name + 1) % 2
            (length,) = struct.unpack_from(">I", data, at)
            if code == _IPTC_RESOURCE:
                return data[at + 4 : at + 4 + length]
            at += 4 + length + length % 2
    return b"" if data.startswith(_RESOURCE) else data


def iptc_resource(iptc: bytes) -> bytes:
    """IPTC's datasets as a resource of Photoshop's, as JPEG and PNG hold them."""
    return _RESOURCE + struct.pack(">HHI", _IPTC_RESOURCE, 0, len(iptc)) + iptc + bytes(len(iptc) % 2)


def upright_xmp(xmp: bytes) -> tuple[bytes, int | None]:
    """An XMP packet without pictures, whose `tiff:Orientation` is 1, and the one (1 to 8) it had, if any."""
    match = re.search(_XMP_ORIENTATION, xmp)
    xmp = re.sub(_XMP_EXTENSION, b"", re.sub(_XMP_PICTURE, rb"\1", xmp))
    return re.sub(_XMP_ORIENTATION, rb"\g<1>1", xmp), int(match[2]) if match else None


def sized_xmp(xmp: bytes, width: int, height: int) -> bytes:
    """An XMP packet that tells another size of the picture, where it tells one."""
    return re.sub(_XMP_HEIGHT, rb"\g<1>%d" % height, re.sub(_XMP_WIDTH, rb"\g<1>%d" % width, xmp))


def icc_fits(icc: bytes, channels: int) -> bool:
    """Whether a profile is one of greys (1 channel) or of RGB (3 channels), as the pixels are."""
    return icc[36:40] == b"acsp" and icc[16:20] == {1: b"GRAY", 3: b"RGB "}.get(channels)


def sane_resolution(given: Any) -> tuple[float, float] | None:
    """A resolution if it is two numbers that can be one."""
    try:
        across, down = (float(number) for number in given)
    except (TypeError, ValueError, ZeroDivisionError):
        return None
    return (across, down) if min(across, down) > 0 and math.isfinite(across) and math.isfinite(down) else None


def _aspect(info: Mapping[Any, Any]) -> tuple[float, float] | None:
    """A resolution without a unit, as PNG, TIFF and JPEG tell it."""
    if "dpi" in info:
        return None
    density = info.get("jfif_density") if info.get("jfif_unit") == 0 else None
    return sane_resolution(info.get("aspect") or info.get("resolution") or density)
