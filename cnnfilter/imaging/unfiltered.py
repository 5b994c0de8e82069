"""PNG whose rows are stored as they are, where predicting them from their neighbours makes nothing smaller.

Before a PNG compresses a row, it may replace each sample by its difference from what its neighbours predict. Which
prediction is best Pillow tries out row by row, which takes half of the time of writing; and edges, which filters make,
are differences already: a sample of rows tells. Pillow leaves it out for the indices of palettes only. So the samples
of a picture, whatever its channels, are given to it as such indices, and the header says afterwards what they are.

References
----------
PNG Specification, third edition (W3C 2025): section 9, filtering, and 11.2.1, the header.
"""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable
from typing import Any

import numpy as np
from PIL import Image

from cnnfilter.imaging.arrays import Array, Uint8Array
from cnnfilter.imaging.headers import png_chunks
from cnnfilter.runtime import pillow

BLOCKS, BLOCK_ROWS = 6, 6
"""How many blocks of rows are tried, evenly spread, and rows in each: the first is filtered by a row that was not
before it."""

NO_LARGER = 1.01
"""How many times as large as the other a sample may be that counts as no larger."""

_BEFORE = 12
"""Bytes of the signature, and of the length of the first chunk, the header, which does not change."""

_COLOURS = 256
"""Of a palette with which Pillow gives each index 8 bits."""

_COLOUR_TYPES = {1: 0, 3: 2}
"""PNG's number for grey and for RGB, by channels."""

Save = Callable[[Image.Image], bytes | memoryview]


def pays(pixels: Array, save: Save) -> bool:
    """Whether rows as they are compress as well as filtered ones, by a sample of both.

    Parameters
    ----------
    pixels : ndarray, (H, W) or (H, W, 3)
        Only uint8 is ever written so.
    save : callable
        Returns the PNG that Pillow makes of an image.
    """
    if pixels.dtype != np.uint8:
        return False
    begins = np.linspace(0, max(len(pixels) - BLOCK_ROWS, 0), BLOCKS).astype(int)
    places = (begins[:, None] + np.arange(BLOCK_ROWS)).reshape(-1) if len(pixels) > BLOCKS * BLOCK_ROWS else slice(None)
    sample = np.ascontiguousarray(pixels[places])
    grey = sample.ndim == 2 or sample.shape[2] == 1
    return len(encode(sample, save)) <= NO_LARGER * len(save(pillow.wrapped(sample, "L" if grey else "RGB")))


def encode(pixels: Uint8Array, save: Save) -> bytes:
    """A PNG of unfiltered rows.

    Parameters
    ----------
    pixels : ndarray, (H, W) or (H, W, 3), of uint8
        C-contiguous.
    save : callable
        Returns the PNG that Pillow makes of an image of palette indices.

    Returns
    -------
    bytes
        The same PNG, whose header tells of the pixels.
    """
    height, width = pixels.shape[:2]
    channels = pixels.size // (height * width)
    image = Image.frombuffer("P", (width * channels, height), pixels, "raw", "P", 0, 1)  # shares the memory
    image.putpalette(bytes(3 * _COLOURS))
    saved = save(image)
    data = memoryview(saved)
    header = b"IHDR" + struct.pack(">II5B", width, height, 8, _COLOUR_TYPES[channels], 0, 0, 0)
    parts: list[Any] = [data[:_BEFORE], header, struct.pack(">I", zlib.crc32(header))]
    for kind, begin, end in png_chunks(io.BytesIO(saved)):
        if kind == b"IDAT":
            break
        if kind not in (b"IHDR", b"PLTE"):
            parts.append(data[begin - 8 : end + 4])
    return b"".join([*parts, data[begin - 8 :]])
