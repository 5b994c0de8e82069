"""Planes of another size, by Pillow's filters."""

from __future__ import annotations

import numpy as np
from PIL import Image

from cnnfilter.imaging.arrays import Float32Array


def resize_plane(plane: Float32Array, out: Float32Array, filter: str) -> None:
    """Fill `out`, (H', W'), with a plane (H, W) of another size; `filter` is the name of one of Pillow's, in small."""
    height, width = out.shape
    image = Image.fromarray(np.ascontiguousarray(plane, dtype=np.float32))
    out[...] = np.asarray(image.resize((width, height), Image.Resampling[filter.upper()]))
