"""What decoding a picture costs in memory, as its header tells before a pixel is decoded.

Measured on pictures of 20 megapixels of each kind: the largest memory of a process that reads one.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, BinaryIO

from cnnfilter.imaging.forward import told_end
from cnnfilter.imaging.headers import jpeg2000_header

if TYPE_CHECKING:
    from PIL.ImageFile import ImageFile

PER_PIXEL = {"1": 3, "L": 3, "P": 7, "I;16": 6, "RGB": 10}
"""Bytes of a pixel by Pillow's mode: Pillow's copy, the array and the result."""
OTHER_MODES = 12

_OF_DECODER = {"WEBP": 7, "AVIF": 3}
"""Bytes of a pixel that a decoder takes beside them."""
_OF_FRAME = 10
"""Bytes of a pixel that a frame is put together from, if it is not the first, where Pillow's blocks are kept."""
_JPEG2000_SAMPLE = 4
"""Bytes of each sample of a tile while it is decoded."""
_JPEG2000_TILE, _JPEG2000_COMPONENT = 9000, 1100
"""Bytes of each tile, and of each component of each tile, that are taken before any is decoded."""


def bytes_needed(image: ImageFile, format: str, stream: BinaryIO, *, frame: int | None = None) -> int:
    """How much memory it takes to decode an opened picture, to hold its pixels, and a result as large.

    Where the stream is left, nobody may count on.
    """
    per_pixel = PER_PIXEL.get(image.mode, OTHER_MODES) + _OF_DECODER.get(format, 0)
    if frame:
        per_pixel = max(per_pixel, PER_PIXEL["RGB"]) + _OF_FRAME
    need = image.width * image.height * per_pixel
    if format in ("WEBP", "AVIF"):  # taken into memory whole
        end = stream.seek(0, io.SEEK_END)
        need += min(end, told_end(stream, end))
    if format != "JPEG2000":
        return need
    header = jpeg2000_header(stream)
    samples = header.tile_pixels * header.components * _JPEG2000_SAMPLE
    return need + samples + header.tiles * (_JPEG2000_TILE + header.components * _JPEG2000_COMPONENT)
