"""What the public functions take for pictures, feature maps and weights, and what is refused."""

from __future__ import annotations

from os import PathLike
from typing import Any

import numpy as np

from cnnfilter.engine.geometry import Array
from cnnfilter.errors import ArgumentError
from cnnfilter.kernels.arrays import to_float32
from cnnfilter.messages import quoted
from cnnfilter.text.numbers import FLOAT32_MAX

SAMPLE_TYPES = (np.dtype(np.uint8), np.dtype(np.uint16), np.dtype(np.float32))
"""What pictures are made of; every other real type is read as float32."""


def as_array(value: Any, name: str, advice: str = "; cnnfilter.read reads a picture") -> Array:
    """A value as an array of whatever it holds; `advice` ends the error about text and paths.

    Raises
    ------
    ArgumentError
        If it is none: a path, rows that differ in length, or values that are masked.
    """
    if type(value) is np.ndarray:
        return value
    if isinstance(value, str | PathLike):
        msg = f"{name} must be an array of numbers, not {quoted(value)}{advice}"
        raise ArgumentError(msg)
    try:
        array = np.asarray(value)
    except Exception as error:  # whatever an object of a person's own raises
        msg = f"{name} is no array of numbers, whose rows are all of one length: {quoted(value)}"
        raise ArgumentError(msg) from error
    if array is not value and np.ma.is_masked(value):
        msg = f"{name} has masked values; give them numbers, as {name}.filled(0) does"
        raise ArgumentError(msg)
    return array


def as_samples(x: Any, name: str = "x") -> Array:
    """`x` as an array of one of `SAMPLE_TYPES`, C-contiguous.

    Raises
    ------
    ArgumentError
        If it does not hold real numbers, or holds none.
    """
    array = as_array(x, name)
    if array.dtype.kind not in "buif":
        msg = f"{name} must hold real numbers, not {array.dtype}"
        raise ArgumentError(msg)
    if array.size == 0:
        msg = f"{name} is empty: its shape is {array.shape}"
        raise ArgumentError(msg)
    array = array.astype(array.dtype.newbyteorder("="), copy=False)
    if array.dtype not in SAMPLE_TYPES:
        with np.errstate(over="ignore"):  # beyond float32 is infinite, as everywhere in float32
            array = array.astype(np.float32)
    return np.ascontiguousarray(array).reshape(array.shape)  # the former makes a scalar 1-D


def as_number(value: Any, name: str) -> np.float32:
    """One number as float32.

    Raises
    ------
    ArgumentError
        If it is none, or not finite in float32.
    """
    try:
        is_number = not isinstance(value, (str, bytes, bool, np.bool_))
        number = float(value) if is_number else np.nan
    except Exception:  # an array of several, an integer beyond float64, or whatever an object raises
        number = np.nan
    if not abs(number) <= FLOAT32_MAX:
        msg = f"{name} must be a finite number, not {quoted(value)}"
        raise ArgumentError(msg)
    return np.float32(number)


LAYOUTS = ("chw", "hwc")
"""How three axes of an input may lie: maps, or a picture."""

PICTURE_CHANNELS = (1, 3, 4)
"""How many channels the last axis of a picture has."""


def layout_of(x: Any, layout: str | None) -> str | None:
    """The layout that is told of an input; where none is, that of a `Picture`, whose axes are never in doubt."""
    if layout is None and not isinstance(x, np.ndarray):
        from cnnfilter.imaging.picture import Picture  # arrays do without

        return "hwc" if isinstance(x, Picture) else None
    return layout


def as_maps(samples: Array, name: str = "x", layout: str | None = None) -> Array:
    """Samples, as `as_samples` gives them, as maps (N, C, H, W).

    2-D is one channel. Without a layout, 3-D uint8 and uint16 is a picture (H, W, C), any other 3-D maps (C, H, W), and
    4-D a batch (N, C, H, W).

    Raises
    ------
    ArgumentError
        If it has another number of axes, or looks like a picture of floats and no layout says whether it is one.
    """
    if not (layout is None or (isinstance(layout, str) and layout in LAYOUTS)):
        msg = f'layout must be "chw" or "hwc", not {quoted(layout)}'
        raise ArgumentError(msg)
    if samples.ndim not in (2, 3, 4):
        msg = f"{name} must have 2, 3 or 4 axes, not {samples.ndim} (its shape is {samples.shape})"
        raise ArgumentError(msg)
    if samples.ndim == 2:
        return samples[None, None]
    batch = samples if samples.ndim == 4 else samples[None]
    if layout is None and samples.ndim == 3:
        layout = "hwc" if samples.dtype.kind == "u" else "chw"
        if layout == "chw" and samples.shape[2] in PICTURE_CHANNELS and min(samples.shape[:2]) > max(PICTURE_CHANNELS):
            msg = (
                f"{name} of shape {samples.shape} may be a picture or {samples.shape[0]} maps: say which, "
                'layout="hwc" for (H, W, C) or layout="chw" for (C, H, W)'
            )
            raise ArgumentError(msg)
    return np.ascontiguousarray(batch.transpose(0, 3, 1, 2)) if layout == "hwc" else batch


def as_weights(weight: Any, axes: tuple[int, ...], name: str = "weight") -> Array:
    """Weights as a finite, C-contiguous float32 array.

    Raises
    ------
    ArgumentError
        If the number of axes is not one of `axes`, or a weight is not a finite float32 number.
    """
    array = as_array(weight, name, advice="")
    if array.ndim not in axes:
        wanted = " or ".join(str(n) for n in axes)
        msg = f"{name} must have {wanted} axes, not {array.ndim} (its shape is {array.shape})"
        raise ArgumentError(msg)
    return to_float32(array, name, copy=False)


def as_given(results: list[Array], x: Array, *, is_plane: bool) -> Array:
    """A batch for a batch, maps for one picture, and a plane for a plane where that `is_plane`."""
    if x.ndim == 4:
        return np.stack(results)
    plane: Array = results[0][0] if x.ndim == 2 and is_plane else results[0]
    return plane
