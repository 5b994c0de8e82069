"""Pictures as bare NumPy arrays, `.npy`.

A picture is `(H, W)` or `(H, W, C)` with C from 1 to 4, of uint8, uint16 or float32; float16 and float64 are
read as float32. No channel is taken for alpha, since nothing in the file says so: all are filtered alike.
"""

from __future__ import annotations

import math
from typing import BinaryIO

import numpy as np

import cnnfilter.npy as npy
from cnnfilter.errors import PictureError
from cnnfilter.imaging.decoding import at_depth, check_float_depth
from cnnfilter.imaging.formats import NPY
from cnnfilter.imaging.limits import Limits
from cnnfilter.imaging.picture import Picture, Stored

_DTYPES = ("uint8", "uint16", "float32")
_FLOATS = ("float16", "float64")


def read_header(stream: BinaryIO) -> npy.Header:
    """Read the header of a `.npy` file that can be a picture.

    Raises
    ------
    PictureError
        If the header is broken or the array no picture, before any memory is taken.
    """
    stream.seek(0)
    try:
        header = npy.read_header(stream)
    except Exception as error:  # a hostile header leads NumPy's parser to many of them
        msg = "cannot decode NPY: its header is damaged or cut off"
        raise PictureError(msg) from error
    shape, dtype = header.shape, header.dtype
    if dtype.name not in (*_DTYPES, *_FLOATS):
        msg = f"an array of {dtype} is no picture: save it as uint8, uint16 or float32"
        raise PictureError(msg)
    if len(shape) not in (2, 3) or min(shape) < 1 or (len(shape) == 3 and shape[2] > 4):
        msg = f"an array of shape {shape} is no picture: save it as (H, W) or (H, W, C) with C from 1 to 4"
        raise PictureError(msg)
    stream.seek(header.size + header.promised - 1)  # not to the end, which a stream may not have
    if not stream.read(1):
        present = stream.seek(0, 2) - header.size
        msg = f"truncated NPY: shape {shape} of {dtype} takes {header.promised} bytes, the file has {present}"
        raise PictureError(msg)
    return header


def read(stream: BinaryIO, limits: Limits) -> Picture:
    """Read an array as a picture, C-contiguous and in the machine's byte order."""
    _, shape, fortran, dtype, begin = read_header(stream)
    height, width, channels = (*shape, 1)[:3]
    if dtype.kind == "f":  # which takes no memory to know
        check_float_depth(limits.depth)
    limits.admit_all([(3 * math.prod(shape) * dtype.itemsize, height, width, channels)])
    stream.seek(begin)
    array = np.empty(shape[::-1] if fortran else shape, dtype)
    stream.readinto(array.reshape(-1).view(np.uint8))  # type: ignore[attr-defined]  # BinaryIO lacks it
    name = "float32" if dtype.name in _FLOATS else dtype.name
    with np.errstate(over="ignore"):  # a float64 beyond float32 becomes infinite
        pixels = np.ascontiguousarray(array.T if fortran else array, dtype=name)
    if name == dtype.name:
        return Picture(at_depth(pixels, limits.depth), format=NPY)
    notes = (f"{dtype} was read as {name}",)
    return Picture(at_depth(pixels, limits.depth), format=NPY, notes=notes, stored=Stored(kind=dtype.name))
