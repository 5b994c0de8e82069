"""PNG whose rows are stored as they are, where predicting them from their neighbours makes nothing smaller.

Before a PNG compresses a row, it may replace each sample by its difference from what its neighbours predict. Which
prediction is best Pillow tries out row by row, which takes half of the time of writing; and edges, which filters make,
are differences already. Pillow leaves it out for the indices of palettes only. So the samples of a picture, whatever
its channels, are given to it as such indices, and the header says afterwards what they are.

References
----------
PNG Specification, third edition (W3C 2025): section 9, filtering, and 11.2.1, the header.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

if TYPE_CHECKING:
    import numpy.typing as npt

SAMPLED_ROWS = 64
"""Rows that are looked at, and as many before them."""

ALIKE = 1.002
"""How many times as many bits are no more: noise takes as many any way, give or take what a sample of it tells."""

_SIGNATURE = 8
"""Bytes before the first chunk."""

_COLOURS = 256
"""Of a palette with which Pillow gives each index 8 bits."""

_COLOUR_TYPES = {1: 0, 3: 2}
"""PNG's number for grey and for RGB, by channels."""

Save = Callable[[Image.Image], bytes]


def pays(pixels: npt.NDArray[Any]) -> bool:
    """Tell whether rows as they are compress as well as their differences from the sample before or above.

    Parameters
    ----------
    pixels : ndarray, (H, W) or (H, W, 3)
        Only uint8 is ever written so.

    Examples
    --------
    >>> noise = np.random.default_rng(1).integers(0, 256, (9, 200)).astype(np.uint8)
    >>> pays(noise), pays(np.sort(noise))
    (True, False)
    """
    if pixels.dtype != np.uint8:
        return False
    height, channels = len(pixels), pixels.shape[2] if pixels.ndim == 3 else 1
    places = np.linspace(min(1, height - 1), height - 1, min(SAMPLED_ROWS, height)).astype(int)
    seen = pixels[places].reshape(len(places), -1)
    before = seen.copy()
    before[:, channels:] -= seen[:, :-channels]
    above = seen - pixels[np.maximum(places - 1, 0)].reshape(seen.shape)
    return bool(_entropy(seen) <= ALIKE * min(_entropy(before), _entropy(above)))


def _entropy(samples: npt.NDArray[np.uint8]) -> float:
    """Return the bits that a sample takes in an ideal code for each by itself (Shannon 1948)."""
    counts = np.bincount(samples.reshape(-1), minlength=256)
    shares = counts[counts > 0] / samples.size
    return float(-(shares * np.log2(shares)).sum())


def encode(pixels: npt.NDArray[np.uint8], save: Save) -> bytes:
    """Return a PNG of unfiltered rows.

    Parameters
    ----------
    pixels : ndarray, (H, W) or (H, W, 3), of uint8
        C-contiguous.
    save : callable
        Returns the PNG that Pillow makes of an image of palette indices.
    """
    height, width = pixels.shape[:2]
    channels = pixels.size // (height * width)
    image = Image.frombuffer("P", (width * channels, height), pixels, "raw", "P", 0, 1)  # shares the memory
    image.putpalette(bytes(3 * _COLOURS))
    data = memoryview(save(image))
    header = struct.pack(">II5B", width, height, 8, _COLOUR_TYPES[channels], 0, 0, 0)
    parts: list[Any] = [data[:_SIGNATURE]]
    begin, kind = _SIGNATURE, b""
    while kind != b"IDAT":
        (length,), kind = struct.unpack_from(">I", data, begin), bytes(data[begin + 4 : begin + 8])
        end = begin + length + 12
        if kind == b"IHDR":
            parts += _chunk(kind, header)
        elif kind != b"PLTE":
            parts.append(data[begin:end])
        begin = end
    return b"".join([*parts, data[begin:]])


def _chunk(kind: bytes, content: bytes) -> list[bytes]:
    return [struct.pack(">I", len(content)), kind, content, struct.pack(">I", zlib.crc32(kind + content))]
