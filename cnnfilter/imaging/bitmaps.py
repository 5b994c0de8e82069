"""Bitmaps whose best is not what Pillow takes: icons of several depths, and colours of any bits."""

from __future__ import annotations

import io
import struct
from typing import BinaryIO

import numpy as np

from cnnfilter.imaging.arrays import Array
from cnnfilter.imaging.headers import icons
from cnnfilter.imaging.pieces import joined

_ENTRY = struct.Struct("<4B2H2I")
"""Of an icon: width, height, colours, nothing, planes, bits, and size and place of the picture."""
_ICON_HEAD = struct.pack("<3H", 0, 1, 1)

_BITFIELDS, _ALPHA_BITFIELDS = 3, 6
_HEAD, _FIELDS, _MASKS = 14, 40, 54
"""Bytes of a BMP's first header, the shortest of those that follow which tells of masks, and where these are."""
_V3 = 56
"""Bytes of the header that has a mask of alpha."""
_TGA_HEAD, _TGA_ENTRY, _TGA_DEPTH = 18, 7, 16
"""Bytes of a TGA's header, and where it tells the bits of the palette's colours and of pixels."""
_BYTES = (0xFF0000, 0xFF00, 0xFF, 0xFF000000)


def best_icon(stream: BinaryIO) -> BinaryIO:
    """An ICO of its largest picture alone, of several as large the one of most colours.

    Raises
    ------
    ValueError, IndexError, struct.error
        If it is damaged.
    """
    best = max(icons(stream), key=lambda icon: (icon.width * icon.height, icon.bits))
    head = _ICON_HEAD + _ENTRY.pack(
        best.width & 0xFF, best.height & 0xFF, 0, 0, 1, best.bits, best.size, len(_ICON_HEAD) + _ENTRY.size
    )
    return joined(stream, [head, (best.offset, best.offset + best.size)])


def has_small_alpha(stream: BinaryIO) -> bool:
    """Whether a BMP has pixels of 16 bits with alpha, which Pillow leaves out."""
    stream.seek(_HEAD)
    head = stream.read(_V3)
    size = int.from_bytes(head[:4], "little")
    if size < _V3 or len(head) < _V3:
        return False
    bits, compression = struct.unpack_from("<HI", head, 14)
    return bits == 16 and compression == _BITFIELDS and any(head[_V3 - 4 :])


def eight_bits(stream: BinaryIO) -> BinaryIO | None:
    """A BMP of 8 bits for each colour and alpha instead of one that tells by masks where they are; or None.

    Raises
    ------
    ValueError, struct.error
        If it is damaged.
    """
    stream.seek(0)
    head = stream.read(_MASKS + 16)
    size, width, height, _, bits, compression = struct.unpack_from("<IiiHHI", head, _HEAD)
    if size < _FIELDS or compression not in (_BITFIELDS, _ALPHA_BITFIELDS) or bits not in (16, 32):
        return None
    masks = struct.unpack_from("<4I", head, _MASKS)
    if size < _V3 and compression == _BITFIELDS:
        masks = (*masks[:3], 0)
    (offset,) = struct.unpack_from("<I", head, 10)
    stream.seek(offset)
    stride = -(-width * bits // 32) * 4
    rows = np.frombuffer(stream.read(stride * abs(height)), f"<u{bits // 8}").reshape(abs(height), -1)[:, :width]
    pixels = np.empty((*rows.shape, 4), np.uint8)
    for place, mask in zip((2, 1, 0, 3), masks, strict=True):
        pixels[..., place] = _scaled(rows, mask)
    fields = struct.pack("<IiiHHIIiiII4I", _V3, width, height, 1, 32, _BITFIELDS, pixels.size, *[0] * 4, *_BYTES[:3],
                         _BYTES[3] if masks[3] else 0)  # fmt: skip
    start = _HEAD + len(fields)
    return io.BytesIO(struct.pack("<2sIHHI", b"BM", start + pixels.size, 0, 0, start) + fields + pixels.tobytes())


def of_16_bits(stream: BinaryIO) -> BinaryIO:
    """A TGA that counts the bit of pixels of 15 bits, or of such a palette, that nothing is in.

    Raises
    ------
    IndexError
        If it is cut off.
    """
    stream.seek(0)
    head = bytearray(stream.read(_TGA_HEAD))
    if 15 not in (head[_TGA_ENTRY], head[_TGA_DEPTH]):
        return stream
    for place in (_TGA_ENTRY, _TGA_DEPTH):
        head[place] += head[place] == 15
    return joined(stream, [bytes(head), (_TGA_HEAD, stream.seek(0, io.SEEK_END))])


def _scaled(rows: Array, mask: int) -> Array:
    """What a mask picks, from 0 to 255."""
    if not mask:
        return np.zeros_like(rows)
    shift = (mask & -mask).bit_length() - 1
    picked = (rows & rows.dtype.type(mask)) >> rows.dtype.type(shift)
    scaled: Array = np.rint(picked * (255 / (mask >> shift)))
    return scaled
