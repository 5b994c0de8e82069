"""What is filtered: photographs, enlarged with noise, and kernels without zeros."""

import functools
import math
from pathlib import Path

import numpy as np
from PIL import Image

from cnnfilter.kernels.kernel import from_array

SAMPLES = Path(__file__).parents[2] / "samples"
SOURCES = {1: "camera.png", 3: "coffee.jpg"}
NOISE = 5.0
"""Standard deviation, of 255: about that of a photograph in dim light."""

JPEG = {"quality": 90, "subsampling": "4:4:4"}
"""What cnnfilter writes by default, and every peer is told to."""


@functools.cache
def photograph(height, width, channels=1):
    """A photograph, (H, W) or (H, W, 3) uint8."""
    with Image.open(SAMPLES / SOURCES[channels]) as image:
        enlarged = np.asarray(image.resize((width, height), Image.Resampling.BICUBIC), dtype=np.float32)
    noise = np.random.default_rng(0).standard_normal(enlarged.shape, dtype=np.float32)
    return np.rint(enlarged + NOISE * noise).clip(0, 255).astype(np.uint8)


def pieces(count, side):
    """Square pieces of a photograph, (count, side, side) uint8."""
    across = math.isqrt(count - 1) + 1
    cut = photograph(across * side, across * side).reshape(across, side, across, side)
    return cut.swapaxes(1, 2).reshape(-1, side, side)[:count]


def size_of(megapixels):
    """Height and width of a photograph of 4 to 3."""
    height = round((megapixels * 1e6 * 3 / 4) ** 0.5)
    return height, round(height * 4 / 3)


def kernel(side, kind):
    """A kernel without zeros: of small whole numbers (`int`), or of any (`float`)."""
    generator = np.random.default_rng(side)
    if kind == "int":
        return from_array(generator.integers(1, 6, (side, side)) * generator.choice([-1, 1], (side, side)))
    return from_array(generator.normal(1 / side**2, 1 / side, (side, side)).astype(np.float32))


def save(path, pixels):
    """Write a photograph as PNG or JPEG, by its name, unless it is there."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(path, **(JPEG if path.suffix == ".jpg" else {"compress_level": 1}))
    return path
