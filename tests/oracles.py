"""What several of the engine's tests share: inputs, names in other libraries, and the promised error."""

import cv2
import numpy as np
from numba import config

from cnnfilter.engine import ops, reference
from cnnfilter.sizes import Border, parse_border

PRECISION = 1e-5

# name here, numpy.pad, scipy.ndimage, OpenCV
BORDERS = [
    ("zeros", "constant", "constant", cv2.BORDER_CONSTANT),
    ("replicate", "edge", "nearest", cv2.BORDER_REPLICATE),
    ("reflect", "reflect", "mirror", cv2.BORDER_REFLECT_101),
    ("symmetric", "symmetric", "reflect", cv2.BORDER_REFLECT),
    ("circular", "wrap", "wrap", cv2.BORDER_WRAP),
]
BORDER_NAMES = [*(border[0] for border in BORDERS), "constant=-7"]
DTYPES = [np.uint8, np.uint16, np.float32]


def sized(jitted, plain):
    """Choose a size: loops that run as plain Python get the smaller."""
    return plain if config.DISABLE_JIT else jitted


def samples(rng, shape, dtype):
    """Draw a picture or maps over the whole range of 8 or 16 bits, or signed floats."""
    if np.dtype(dtype).kind == "u":
        return rng.integers(0, np.iinfo(dtype).max, shape, dtype, endpoint=True)
    return rng.normal(size=shape).astype(dtype)


def weights(rng, shape, zeros=0.15):
    """Draw asymmetric weights, some of them zero."""
    values = rng.normal(size=shape)
    values[rng.random(shape) < zeros] = 0
    return values.astype(np.float32)


def magnitudes(border):
    """The border that pads |x| as `border` pads x."""
    border = parse_border(border)
    return Border(border.mode, abs(border.value))


def assert_within(result, expected, bound):
    """Hold a float32 result to its float64 definition and the error it may have at each place."""
    assert result.dtype == np.float32
    assert result.shape == expected.shape
    assert result.flags.c_contiguous
    excess = np.abs(result - expected) - bound
    worst = np.unravel_index(np.argmax(excess), excess.shape)
    assert excess[worst] <= 0, f"at {worst}: {result[worst]}, not {expected[worst]} within {bound[worst]}"


def assert_conv2d(x, weight, bias=None, *, threads=None, border="zeros", **options):
    """Hold `ops.conv2d` to the reference, within 1e-5 * (|b| + sum |w||x|)."""
    expected = reference.conv2d(x, weight, bias, border=border, **options)
    positive = None if bias is None else np.abs(bias)
    bound = reference.conv2d(np.abs(x), np.abs(weight), positive, border=magnitudes(border), **options)
    layout = "hwc" if np.ndim(x) == 3 and np.asarray(x).dtype.kind == "u" else "chw"  # as the reference has it
    result = ops.conv2d(x, weight, bias, border=border, layout=layout, threads=threads, **options)
    assert_within(result, expected, PRECISION * bound)
