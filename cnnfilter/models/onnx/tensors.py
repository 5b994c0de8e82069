"""The tensors of an ONNX file: arrays that are read when their numbers are needed."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from cnnfilter.errors import KernelError
from cnnfilter.messages import about, quoted, show_shape
from cnnfilter.models.onnx.source import Source
from cnnfilter.weights.kinds import named_failures

if TYPE_CHECKING:
    from pathlib import Path

    import numpy.typing as npt

    from cnnfilter.models.onnx.wire import Stored

    Numbers = npt.NDArray[Any]

BOOL, FLOAT16, BFLOAT16 = 9, 10, 16
TYPES = {
    1: "<f4", 2: "u1", 3: "i1", 4: "<u2", 5: "<i2", 6: "<i4", 7: "<i8", 9: "u1", 10: "<f2", 11: "<f8", 12: "<u4",
    13: "<u8", BFLOAT16: "<u2",
}  # fmt: skip
"""How the numbers of a type, by its code in `TensorProto.DataType`, lie in a file. A bfloat16 is the upper half of a
float32; truth values are bytes."""
NAMES = {
    1: "float32", 2: "uint8", 3: "int8", 4: "uint16", 5: "int16", 6: "int32", 7: "int64", 8: "text", 9: "bool",
    10: "float16", 11: "float64", 12: "uint32", 13: "uint64", 14: "complex64", 15: "complex128", BFLOAT16: "bfloat16",
    17: "float8", 18: "float8", 19: "float8", 20: "float8", 21: "uint4", 22: "int4", 23: "float4", 24: "float8",
    25: "uint2", 26: "int2",
}  # fmt: skip
FLOATS = (1, 10, 11, BFLOAT16)
WHOLE = (2, 3, 4, 5, 6, 7, 9, 12, 13)

RAW = 9
IN_FIELDS = {
    **dict.fromkeys((1,), (4, "float_data", "<f4")),
    **dict.fromkeys((2, 3, 4, 5, 6, 9, 10, BFLOAT16), (5, "int32_data", "<i4")),
    7: (7, "int64_data", "<i8"),
    11: (10, "double_data", "<f8"),
    **dict.fromkeys((12, 13), (11, "uint64_data", "<u8")),
}
"""The field that holds the numbers of a type where they are not raw bytes: its number, name and type."""

MAX_AXES = 16


@dataclass(frozen=True)
class Tensor:
    """An array that does not depend on the picture.

    Parameters
    ----------
    shape : tuple of int
    code : int
        Its type, one of `TYPES`.
    load : callable
        Gives the numbers. Those of one value take no more memory than it.
    before : int
        How many numbers are read and computed on the way to its own.
    depth : int
        How many operations follow one another on that way.
    """

    shape: tuple[int, ...]
    code: int
    load: Callable[[], Numbers]
    before: int = 0
    depth: int = 0

    @property
    def size(self) -> int:
        """How many numbers it has."""
        return math.prod(self.shape)

    @property
    def cost(self) -> int:
        """How many numbers are read and computed to have it."""
        return self.before + self.size

    def derived(self, shape: tuple[int, ...], change: Callable[[Numbers], Numbers], code: int | None = None) -> Tensor:
        """What becomes of it, with its numbers still to be read."""
        code = self.code if code is None else code
        return Tensor(shape, code, partial(_changed, self, change), self.cost, self.depth + 1)


def _changed(tensor: Tensor, change: Callable[[Numbers], Numbers]) -> Numbers:
    return change(tensor.load())


def tensor_of(proto: Any, source: Source, stored: Stored | None, called: str) -> Tensor:
    """The tensor that a `TensorProto` tells of.

    Raises
    ------
    KernelError
        If it is of another type than numbers, or does not hold as many as its shape tells.
    """
    with about(f"its tensor {quoted(called)} "):
        return _tensor_of(proto, source, stored)


def _tensor_of(proto: Any, source: Source, stored: Stored | None) -> Tensor:
    code, shape = proto.data_type, tuple(proto.dims)
    if code not in TYPES:
        msg = f"is of the type {NAMES.get(code, code)}; numbers of 8 bits and more are read"
        raise KernelError(msg)
    if len(shape) > MAX_AXES or any(length < 0 for length in shape):
        msg = f"has the shape {show_shape(shape)}"
        raise KernelError(msg)
    if proto.HasField("segment"):
        msg = "is in segments, which are not read"
        raise KernelError(msg)
    if proto.data_location == 1:
        return _external(proto, source, code, shape)
    field, name, form = IN_FIELDS[code]
    if stored is not None:
        kind = TYPES[code] if stored.field == RAW else form
        if stored.field not in (RAW, field):
            msg = f"of the type {NAMES[code]} holds numbers of another"
            raise KernelError(msg)
        return _in_file(source, stored.begin, stored.size, code, kind, shape)
    raw, listed = proto.raw_data, getattr(proto, name)
    _check_count(len(raw) / width(TYPES[code]) if raw else len(listed), shape)
    load = partial(_of_bytes, raw, code, shape) if raw else partial(_of_list, tuple(listed), form, code, shape)
    return Tensor(shape, code, load)


def width(kind: str) -> int:
    """How many bytes a number of a type takes."""
    return int(kind[-1])


def _of_bytes(raw: bytes, code: int, shape: tuple[int, ...]) -> Numbers:
    import numpy as np

    return _shaped(np.frombuffer(raw, TYPES[code]), code, shape)


def _of_list(listed: tuple[float, ...], form: str, code: int, shape: tuple[int, ...]) -> Numbers:
    import numpy as np

    numbers = np.array(listed, form)
    if code in (FLOAT16, BFLOAT16):
        return _shaped(numbers.astype("<u2").view(TYPES[code]), code, shape)  # their bits
    return _shaped(numbers.astype(TYPES[code]), code, shape)


def _in_file(source: Source, begin: int, size: int, code: int, kind: str, shape: tuple[int, ...]) -> Tensor:
    _check_count(size / width(kind), shape)
    return Tensor(shape, code, partial(_read, source, begin, size, kind, code, shape))


def _check_count(count: float, shape: tuple[int, ...]) -> None:
    if count != math.prod(shape):
        msg = f"has the shape {show_shape(shape)}, but {count:g} numbers"
        raise KernelError(msg)


def _read(source: Source, begin: int, size: int, kind: str, code: int, shape: tuple[int, ...]) -> Numbers:
    with named_failures(source.path):
        return _shaped(source.array(begin, size, kind), code, shape)


def _shaped(numbers: Numbers, code: int, shape: tuple[int, ...]) -> Numbers:
    import numpy as np

    if code == BFLOAT16:
        numbers = (numbers.astype(np.uint32) << 16).view(np.float32)
    return numbers.reshape(shape)


def _external(proto: Any, source: Source, code: int, shape: tuple[int, ...]) -> Tensor:
    """A tensor in another file, which must lie beside the model: a hostile one could name any of the machine's."""
    told = {str(entry.key): str(entry.value) for entry in proto.external_data}
    name = told.get("location", "")
    if not name or name in (".", "..") or re.search(r"[\\/:\x00]", name):
        msg = f"is said to lie in {quoted(name)}; only files beside the model are read, by their names alone"
        raise KernelError(msg)
    size = math.prod(shape) * width(TYPES[code])
    begin, length = (_number(told, key, default) for key, default in (("offset", 0), ("length", size)))
    with about(f"is said to lie in {quoted(name)}: "):
        other = Source.at(_beside(source.path, name), follow=False)
        if length != size or begin + length > other.size:
            msg = f"its shape {show_shape(shape)} takes {size} bytes, not {length} from {begin} on of {other.size}"
            raise KernelError(msg)
    return _in_file(other, begin, size, code, TYPES[code], shape)


def _beside(path: Path, name: str) -> Path:
    from cnnfilter.addresses import copies  # most models are in one file

    try:
        return copies.beside(path, name)
    except OSError as error:
        raise KernelError(error.strerror) from None


def _number(told: Mapping[str, str], key: str, default: int) -> int:
    text = told.get(key, str(default))
    if not re.fullmatch("[0-9]{1,18}", text):
        msg = f"has the {key} {quoted(text)}, which must be a whole number"
        raise KernelError(msg)
    return int(text)
