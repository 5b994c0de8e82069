"""The arrays in a weight file, one reader for each binary format; `weights.text` has those of text.

A file is untrusted: nothing is unpickled, and a reader looks at headers only. What an array would take is
checked (`Member.check`) before `Member.read` takes it. A reader may fail with any exception;
`kinds.named_failures` turns it into one line that names the file.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import numpy as np

import cnnfilter.npy as npy
from cnnfilter.errors import KernelError, MissingExtraError
from cnnfilter.messages import quoted, show_shape
from cnnfilter.weights.archives import MAX_MEMBERS, check_zip_member, open_zip

if TYPE_CHECKING:
    import numpy.typing as npt

    Numbers = npt.NDArray[np.generic]

MAX_NUMBERS = 2**27
"""The most numbers an array may hold: 512 MB as float32. The largest layer among the well-known networks,
VGG-16's first dense one, has 103 million."""

MAX_SAFETENSORS_HEADER = 4 << 20
"""Some 100 bytes describe a tensor, and take Python ten times as many; the library's own limit is 100 MB."""

SAFETENSORS_TYPES = {
    "F64": "<f8", "F32": "<f4", "F16": "<f2", "BF16": "<u2",
    "I64": "<i8", "I32": "<i4", "I16": "<i2", "I8": "<i1",
    "U64": "<u8", "U32": "<u4", "U16": "<u2", "U8": "<u1",
}  # fmt: skip
"""The safetensors types that hold real numbers. A BF16 is the upper half of a float32."""


@dataclass(frozen=True)
class Member:
    """One array of a file, whose header has been read and whose numbers have not.

    `name` is empty in formats that hold one array without a name; `numeric` tells whether its type is one
    of real numbers; `remedy` is what a message adds where it is not.
    """

    name: str
    shape: tuple[int, ...]
    dtype: str
    numeric: bool
    read: Callable[[], Numbers]
    remedy: str = ""

    @property
    def label(self) -> str:
        """What a message calls it."""
        return f"array {quoted(self.name)}" if self.name else "its array"

    def check(self) -> None:
        """Raise a `KernelError` if the array is not of real numbers, is empty, or is too large to read."""
        label = self.label
        if self.dtype == "object":
            msg = f"{label} is one of Python objects, which are not opened; write its arrays with numpy.savez"
            raise KernelError(msg)
        if not self.numeric:
            msg = f"{label} is of type {self.dtype}; weights must be real numbers{self.remedy}"
            raise KernelError(msg)
        if any(length < 1 for length in self.shape):
            msg = f"{label} has shape {show_shape(self.shape)} and so holds no numbers"
            raise KernelError(msg)
        if math.prod(self.shape) > MAX_NUMBERS:
            msg = f"{label} has shape {show_shape(self.shape)}, more than {MAX_NUMBERS} numbers"
            raise KernelError(msg)


def read_npy(stream: IO[bytes], size: int, path: Path) -> list[Member]:
    """The one array of a `.npy` file."""
    return [_npy_member("", stream, size)]


def _npy_member(name: str, stream: IO[bytes], size: int) -> Member:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of headers that Python 2 wrote; they are read all the same
        header = npy.read_header(stream)
    if header.version not in ((1, 0), (2, 0)):
        msg = f"NPY format {header.version[0]}.{header.version[1]} is not one for plain numbers (1.0 or 2.0)"
        raise KernelError(msg)
    dtype, following = header.dtype, size - header.size

    def read() -> Numbers:
        if header.promised != following:
            msg = f"its header tells of {header.promised} bytes of numbers, but {following} follow"
            raise KernelError(msg)
        stream.seek(header.size)
        flat = np.frombuffer(stream.read(following), dtype)
        return flat.reshape(header.shape, order="F" if header.fortran_order else "C")

    return Member(name, header.shape, str(dtype), dtype.kind in "iuf", read)


def read_npz(stream: IO[bytes], size: int, path: Path) -> list[Member]:
    """The arrays of a `.npz` file; members that are not arrays are passed over."""
    archive = open_zip(stream, size, ".npz")
    infos = [info for info in archive.infolist() if info.filename.endswith(".npy")]
    if len(infos) > MAX_MEMBERS:
        msg = f"it holds {len(infos)} arrays, at most {MAX_MEMBERS} are read"
        raise KernelError(msg)
    for info in infos:
        check_zip_member(info, size, ".npz")
    return [_npy_member(info.filename.removesuffix(".npy"), archive.open(info), info.file_size) for info in infos]


def read_safetensors(stream: IO[bytes], size: int, path: Path) -> list[Member]:
    """The arrays of a `.safetensors` file.

    Raises
    ------
    MissingExtraError
        If the `safetensors` library is not installed.
    """
    try:
        from safetensors import safe_open  # an extra
    except ImportError:
        msg = "needs the safetensors library: pip install 'cnnfilter[safetensors]'"
        raise MissingExtraError(msg) from None
    import json  # most kernels come from no file

    prefix = stream.read(8)
    length = int.from_bytes(prefix, "little")
    if len(prefix) < 8 or length > min(size - 8, MAX_SAFETENSORS_HEADER):
        msg = f"its header of {length} bytes is cut off or too long (at most {MAX_SAFETENSORS_HEADER})"
        raise KernelError(msg)
    # The library checks the whole layout: sizes against shapes, overlaps, gaps. The numbers themselves are
    # read by the offsets that it approved, because NumPy, and so the library, has no type for BF16.
    with safe_open(path, framework="np"):
        header = json.loads(stream.read(length))
    header.pop("__metadata__", None)
    if len(header) > MAX_MEMBERS:
        msg = f"it holds {len(header)} arrays, at most {MAX_MEMBERS} are read"
        raise KernelError(msg)
    return [_tensor(name, entry, stream, 8 + length) for name, entry in header.items()]


def widened(upper: Numbers) -> npt.NDArray[np.float32]:
    """Numbers of type bfloat16, as the integers in whose bits they lie, as float32."""
    found = upper.astype(np.uint32)
    found <<= 16  # in place: an array of no axes would become a number
    return found.view(np.float32)


def _tensor(name: str, entry: dict[str, Any], stream: IO[bytes], start: int) -> Member:
    kind, shape = entry["dtype"], tuple(entry["shape"])
    begin, end = entry["data_offsets"]

    def read() -> Numbers:
        stream.seek(start + begin)
        flat = np.frombuffer(stream.read(end - begin), SAFETENSORS_TYPES[kind])
        if kind == "BF16":
            flat = widened(flat)
        return flat.reshape(shape)

    return Member(name, shape, kind, kind in SAFETENSORS_TYPES, read)
