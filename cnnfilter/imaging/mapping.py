"""From a filter's signed numbers to a picture's: `range`, then rounding, then clamping.

With `full` the full scale of the output (255 for uint8, 65535 for uint16, 1 for float32)::

    q = clamp(round(gain * v + offset), 0, full)        v -> |v| first, for `abs`

    clip        gain = 1,                  offset = 0
    abs         gain = 1,                  offset = 0, of |v|
    normalize   gain = full/(high - low),  offset = -low * gain         a constant map: gain = 0, offset = 0
    center      gain = full/(2*m),         offset = full/2              m = max(|low|, |high|)

Rounding is half to even, and comes before clamping; storing without clamping would turn 300 into 44.
float32 output is neither rounded nor clamped: `clip` leaves the values as they are, `normalize` gives
0 to 1, `center` puts 0 at 0.5 and the largest magnitude at 0 or 1.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from cnnfilter.errors import PictureError
from cnnfilter.imaging.arrays import Array, Float32Array

if TYPE_CHECKING:
    import numpy.typing as npt

RANGES = ("clip", "abs", "normalize", "center")
"""What may happen to values before they are rounded; `clip` is the default everywhere."""

FULL_SCALE = {"uint8": 255, "uint16": 65535, "float32": 1}
"""White, by the name of the dtype."""

_CHUNK = 1 << 16
"""Values at a time: the float64 copies then stay in cache, and take no memory of the picture's size."""


SAMPLES = 64
"""Rows and columns of a picture that its shade is judged by: 12,000 numbers of RGB take 20 microseconds."""


class Mapping(NamedTuple):
    """`gain * v + offset`, or of `|v|` when `absolute`."""

    gain: float = 1.0
    offset: float = 0.0
    absolute: bool = False


def mapping(range: str, low: float = 0.0, high: float = 0.0, dtype: npt.DTypeLike = np.uint8) -> Mapping:
    """The mapping that a range stands for.

    Parameters
    ----------
    range : str
        One of `RANGES`.
    low, high : float
        The smallest and the largest value; only `normalize` and `center` look at them.
    dtype : dtype
        Of the output: uint8, uint16 or float32.

    Returns
    -------
    Mapping
        What `quantise` applies.

    Raises
    ------
    PictureError
        If an extreme that is needed is NaN or infinite.

    Notes
    -----
    The formulas stand at the top of the module.

    Examples
    --------
    >>> mapping("center", -40, 100)
    Mapping(gain=1.275, offset=127.5, absolute=False)
    """
    full = FULL_SCALE[np.dtype(dtype).name]
    if range in ("clip", "abs"):
        return Mapping(absolute=range == "abs")
    low, high = float(low), float(high)
    if not (math.isfinite(low) and math.isfinite(high)):
        msg = f"range {range} needs finite values, but the result goes from {low:g} to {high:g}"
        raise PictureError(msg)
    if range == "normalize":
        gain = full / (high - low) if high > low else 0.0
        return Mapping(gain, -low * gain)
    largest = max(abs(low), abs(high))
    return Mapping(full / (2 * largest) if largest else 0.0, full / 2)


def _mapped(values: Float32Array, how: Mapping) -> Array:
    if how.absolute:
        values = np.abs(values)
    if how.gain == 1 and how.offset == 0:
        return values
    # In float32 a large offset would swallow the difference: 1e6 to 1e6 + 10 normalized to 16 bits.
    return values.astype(np.float64) * how.gain + how.offset


def _chunks(flat: Float32Array) -> Iterator[slice]:
    for start in range(0, flat.size, _CHUNK):
        yield slice(start, start + _CHUNK)


def quantise(values: npt.ArrayLike, dtype: npt.DTypeLike, how: Mapping) -> Array:
    """Turn float values into a picture's numbers.

    Parameters
    ----------
    values : array_like of float32
        Any shape.
    dtype : dtype
        uint8 and uint16 are rounded half to even, then clamped; float32 is only mapped.
    how : Mapping
        From `mapping`.

    Returns
    -------
    ndarray
        The same shape, of `dtype`, C-contiguous.

    Raises
    ------
    PictureError
        If a value is NaN or infinite and `dtype` is an integer.

    Examples
    --------
    >>> quantise([-1, 0.5, 1.5, 300], "uint8", Mapping()).tolist()
    [0, 0, 2, 255]
    """
    full = FULL_SCALE[np.dtype(dtype).name]
    values = np.ascontiguousarray(values, dtype=np.float32)
    flat = values.reshape(-1)
    result = np.empty(flat.size, dtype)
    whole = result.dtype.kind == "u"
    for part in _chunks(flat):
        mapped = _mapped(flat[part], how)
        if not whole:
            result[part] = mapped
            continue
        if not np.isfinite(flat[part]).all():
            bad = flat.size - np.count_nonzero(np.isfinite(flat))
            msg = (
                f"{bad} of {flat.size} values are NaN or infinite, which {result.dtype.name} cannot hold; "
                "find their cause, or write float32 (a float TIFF or .npy input stays float)"
            )
            raise PictureError(msg)
        result[part] = np.clip(np.rint(mapped), 0, full)
    return result.reshape(values.shape)


def clipped_fraction(values: npt.ArrayLike, dtype: npt.DTypeLike, how: Mapping) -> float:
    """The fraction of the values that `quantise` clamps, from 0 to 1; 0 for float32.

    Examples
    --------
    >>> clipped_fraction([-1, 0.5, 255.4, 300], "uint8", Mapping())
    0.5
    """
    full = FULL_SCALE[np.dtype(dtype).name]
    flat = np.ascontiguousarray(values, dtype=np.float32).reshape(-1)
    if np.dtype(dtype).kind == "f" or not flat.size:
        return 0.0
    outside = 0
    for part in _chunks(flat):
        rounded = np.rint(_mapped(flat[part], how))
        outside += int(np.count_nonzero((rounded < 0) | (rounded > full)))
    return outside / flat.size


def shade(pixels: Array) -> str | None:
    """Which of `"black"` and `"white"` is nearly all that is seen in a picture, judged by a sample; else None.

    Nearly black has no more than one sample in a hundred above 8% of white, and one in a thousand above 25%: a drawing
    of a few bright lines has more. Nearly white has three quarters at its end, cut off there. Floats have no shade.
    """
    if pixels.dtype.kind == "f":
        return None
    full = FULL_SCALE[pixels.dtype.name]
    rows, columns = (slice(None, None, max(1, size // SAMPLES)) for size in pixels.shape[:2])
    # compared in a tenth of the time; turned, as NumPy copies long rows three times as fast as those of three colours
    sample = np.ascontiguousarray(pixels[rows, columns].T)
    dim, bright = 8 * full // 100, full // 4  # whole, as the sample would become one of floats to compare with floats
    if np.count_nonzero(sample > dim) <= 0.01 * sample.size:
        return "black" if np.count_nonzero(sample > bright) <= 0.001 * sample.size else None
    return "white" if np.count_nonzero(sample == full) >= 0.75 * sample.size else None
