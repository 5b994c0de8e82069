"""What a picture file carries beside its pixels: EXIF, ICC profile, XMP and DPI.

EXIF is kept as the bytes it came in. Only the orientation is overwritten, in place: writing the block anew,
as `PIL.Image.Exif` does, would lose the thumbnail and break the offsets inside maker notes.
"""

from __future__ import annotations

import math
import re
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from PIL.Image import Exif

_PREFIX = b"Exif\x00\x00"
_ORIENTATION = 0x0112
_TIFF_HEADS = {b"II\x2a\x00": "<", b"MM\x00\x2a": ">"}
_SHORT = 3

_XMP_ORIENTATION = re.compile(rb"""(tiff:Orientation(?:\s*=\s*["']|\s*>\s*))([1-8])""")

DESCRIPTIVE_TAGS = frozenset(
    (270, 271, 272, 305, 306, 315, 316, 18246, 18249, 33432, 40091, 40092, 40093, 40094, 40095, 34665, 34853)
)
"""The EXIF tags that a TIFF file shares its first directory with: what describes the photo (maker, date,
artist, copyright, the EXIF and GPS directories), not how its pixels are stored."""
_DIRECTORIES = (34665, 34853)


@dataclass(frozen=True, eq=False)
class Metadata:
    """What is kept beside the pixels; the orientation in it is always 1.

    Parameters
    ----------
    exif : bytes, optional
        An EXIF block, beginning with its TIFF header.
    icc : bytes, optional
        An ICC profile that fits the pixels.
    xmp : bytes, optional
        An XMP packet.
    dpi : pair of float, optional
        Horizontal and vertical resolution.
    """

    exif: bytes | None = None
    icc: bytes | None = None
    xmp: bytes | None = None
    dpi: tuple[float, float] | None = None


def _first_directory(exif: bytes) -> tuple[str, int, int]:
    """Return the byte order, the first entry's position and the number of entries."""
    order = _TIFF_HEADS[exif[:4]]
    (start,) = struct.unpack_from(order + "I", exif, 4)
    (count,) = struct.unpack_from(order + "H", exif, start)
    return order, start + 2, count


def upright_exif(exif: bytes) -> tuple[bytes, int | None]:
    """Return an EXIF block with its orientation reset to 1, and the orientation (1 to 8) it had, if any.

    Raises
    ------
    ValueError
        If the block is broken.
    """
    while exif.startswith(_PREFIX):  # some writers put it there twice
        exif = exif[len(_PREFIX) :]
    try:
        order, start, count = _first_directory(exif)
        for at in range(start, start + 12 * count, 12):
            tag, kind, _, value = struct.unpack_from(order + "HHIH", exif, at)
            if tag == _ORIENTATION and kind == _SHORT:
                reset = exif[: at + 8] + struct.pack(order + "H", 1) + exif[at + 10 :]
                return reset, value if 1 <= value <= 8 else 1
    except (KeyError, struct.error) as error:
        msg = "the EXIF block is broken"
        raise ValueError(msg) from error
    return exif, None


def readable_exif(exif: bytes) -> Exif | None:
    """Return a block as Pillow's `Exif`, which some formats are written from; None if it is damaged."""
    from PIL import Image

    block = Image.Exif()
    try:
        block.load(exif)
        block.tobytes()
    except Exception:  # Pillow raises whatever a damaged directory leads to
        return None
    return block


def descriptive_exif(source: Exif, *, directories: bool = True) -> Exif:
    """Return only what describes the photo, for reading from and writing to a TIFF's own directory.

    Without `directories`, the nested EXIF and GPS directories are left out.
    """
    from PIL import Image

    kept = Image.Exif()
    for tag in DESCRIPTIVE_TAGS.intersection(source):
        if tag not in _DIRECTORIES:
            kept[tag] = source[tag]
        elif directories and (directory := source.get_ifd(tag)):
            kept[tag] = directory
    return kept


def tiff_exif(source: Exif) -> bytes | None:
    """Return the EXIF of an opened TIFF as a block of its own; None if there is nothing to keep."""
    kept = descriptive_exif(source)
    return kept.tobytes().removeprefix(_PREFIX) if kept else None


def raw_profile(text: str) -> bytes:
    """Return the EXIF block of a PNG text chunk `Raw profile type exif`, ImageMagick's older way to keep it.

    Raises
    ------
    ValueError
        If it is not hexadecimal.
    """
    return bytes.fromhex("".join(text.split("\n")[3:]))


def upright_xmp(xmp: bytes) -> tuple[bytes, int | None]:
    """Return an XMP packet whose `tiff:Orientation` is 1, and the orientation (1 to 8) it had, if any."""
    match = _XMP_ORIENTATION.search(xmp)
    return _XMP_ORIENTATION.sub(rb"\g<1>1", xmp), int(match[2]) if match else None


def icc_fits(icc: bytes, channels: int) -> bool:
    """Return whether a profile is one of greys (1 channel) or of RGB (3 channels), as the pixels are."""
    return icc[36:40] == b"acsp" and icc[16:20] == {1: b"GRAY", 3: b"RGB "}.get(channels)


def sane_dpi(info: Mapping[Any, Any]) -> tuple[float, float] | None:
    """Return the resolution if it is two numbers that a file can hold."""
    try:
        across, down = (float(number) for number in info["dpi"])
    except (KeyError, TypeError, ValueError, ZeroDivisionError):
        return None
    if not (math.isfinite(across) and math.isfinite(down)):
        return None
    return (across, down) if min(across, down) >= 1 and max(across, down) < 65535 else None
