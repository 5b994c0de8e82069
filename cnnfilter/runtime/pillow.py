"""Between Pillow's memory and arrays: copied in pieces that stay in cache, or shared where it lies.

Pillow keeps a colour picture with four samples a pixel, the last of which means nothing. A filter may read and write
all four where they are: where the three are taken out and put back, a folder of JPEGs of 12 megapixels takes 1.15
times as much of the processors. Pillow gives access by the interface of Arrow, if the picture is in one block of
memory; see `process` for how large a block is.

References
----------
The Arrow C data interface, https://arrow.apache.org/docs/format/CDataInterface.html
"""

from __future__ import annotations

import contextlib
import ctypes
import io
import math
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image
from PIL import PpmImagePlugin as PpmImagePlugin  # writes what `packed` reads

from cnnfilter.runtime import buffers
from cnnfilter.runtime.tricks import uses

if TYPE_CHECKING:
    import numpy.typing as npt

    Array = npt.NDArray[Any]
    Uint8Array = npt.NDArray[np.uint8]

SAMPLES = 4
"""Of a pixel in Pillow's memory."""

_PPM_HEADER = 64
"""More bytes than the header of a PPM has."""


class _Memory(io.RawIOBase):
    """A stream into memory that is there already; by its name, Pillow loads no plugin but that of the extension."""

    name = "pixels.ppm"

    def __init__(self, size: int) -> None:
        self.memory = buffers.empty((size,), np.uint8)
        self.end = 0

    def write(self, data: Any) -> int:
        begin, self.end = self.end, self.end + len(data)
        self.memory[begin : self.end] = memoryview(data)
        return len(data)


def packed(image: Image.Image) -> Uint8Array:
    """A copy of an image's pixels, (H, W) or (H, W, 3); of one with alpha, without it.

    They are taken as the body of a PPM: with `numpy.asarray`, reading a JPEG of 12 megapixels takes twice as long.

    Parameters
    ----------
    image : PIL.Image.Image
        Of mode L, RGB or RGBA.
    """
    if not uses("packed"):
        return np.asarray(image.convert("RGB") if image.mode == "RGBA" else image)
    shape = (image.height, image.width, 3)[: 2 if image.mode == "L" else 3]
    size = math.prod(shape)
    stream = _Memory(size + _PPM_HEADER)
    image.save(stream)  # type: ignore[arg-type]  # of a stream, it only needs to write
    return stream.memory[stream.end - size : stream.end].reshape(shape)


def wrapped(array: Array, mode: str) -> Image.Image:
    """An image of an array's pixels, which shares its memory unless it is RGB or float."""
    height, width = array.shape[:2]
    # fromarray would copy the array to bytes first
    return Image.frombuffer(mode, (width, height), np.ascontiguousarray(array), "raw", mode, 0, 1)


class _ArrowArray(ctypes.Structure):
    """The beginning of an `ArrowArray`, as far as it is needed."""


_ArrowArray._fields_ = [
    ("length", ctypes.c_int64),
    ("null_count", ctypes.c_int64),
    ("offset", ctypes.c_int64),
    ("n_buffers", ctypes.c_int64),
    ("n_children", ctypes.c_int64),
    ("buffers", ctypes.POINTER(ctypes.c_void_p)),
    ("children", ctypes.POINTER(ctypes.POINTER(_ArrowArray))),
]


class _Lent:
    """What an array in an image's memory belongs to: as long as it is there, so is the memory."""

    def __init__(self, image: Image.Image) -> None:
        if not uses("shared"):
            msg = "pixels are copied"
            raise ValueError(msg)
        self.image = image
        self.capsules = image.__arrow_c_array__()
        pointer = ctypes.pythonapi.PyCapsule_GetPointer
        pointer.restype, pointer.argtypes = ctypes.c_void_p, [ctypes.py_object, ctypes.c_char_p]
        pixels = ctypes.cast(pointer(self.capsules[1], b"arrow_array"), ctypes.POINTER(_ArrowArray)).contents
        samples = pixels.children[0].contents if pixels.n_children == 1 else pixels
        count = image.width * image.height
        if (pixels.length, samples.length, pixels.offset, samples.offset) != (count, SAMPLES * count, 0, 0):
            msg = "not four samples a pixel"
            raise ValueError(msg)
        self.__array_interface__ = {
            "version": 3,
            "shape": (image.height, image.width, SAMPLES),
            "typestr": "|u1",
            "data": (samples.buffers[1], False),
        }


def shared(image: Image.Image) -> Uint8Array | None:
    """The pixels of an RGB image where they lie, (H, W, 3) with a sample between; None if that cannot be."""
    try:
        return np.asarray(_Lent(image))[..., :3]
    except (AttributeError, ValueError):  # an old Pillow; or several blocks
        return None


def empty(shape: tuple[int, ...], dtype: npt.DTypeLike) -> Array:
    """A new array of any content, in the memory of a new image where that can be: (H, W, 4) of uint8."""
    if np.dtype(dtype) == np.uint8 and shape[2:] == (SAMPLES,):
        with contextlib.suppress(ValueError):
            return np.asarray(_Lent(Image.new("RGB", (shape[1], shape[0]), None)))
    return buffers.empty(shape, dtype)


def whole(pixels: Array) -> Uint8Array | None:
    """All samples, (H, W, 4), of pixels that `shared` gave; None for any others."""
    lent = _lent(pixels)
    return None if lent is None else np.asarray(lent)


def image_of(pixels: Array) -> Image.Image | None:
    """The image of pixels that are the first three samples of what `empty` gave; None for any others.

    One out of a file would bring along what the file said beside its pixels.
    """
    lent = _lent(pixels)
    return None if lent is None or lent.image.info else lent.image


def contiguous(pixels: Array) -> Array:
    """Any pixels side by side, copied only if they are not."""
    lent = _lent(pixels)
    return np.ascontiguousarray(pixels) if lent is None else packed(lent.image)


def _lent(pixels: Array) -> _Lent | None:
    """What pixels belong to if they are all of an image."""
    owner: Any = pixels.base
    while isinstance(owner, np.ndarray):
        owner = owner.base
    if not isinstance(owner, _Lent):
        return None
    all_of_it = np.asarray(owner)[..., :3].__array_interface__
    is_all = all(pixels.__array_interface__[key] == all_of_it[key] for key in ("data", "shape", "strides"))
    return owner if is_all else None
