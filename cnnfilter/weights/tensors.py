"""PyTorch's tensors as its files tell of them: which numbers of which storage, and the types that there are.

`MEANINGS` says what the calls in such a file's pickle stand for. A tensor that cannot be weights, a sparse one say, is
kept, so that a message can tell of it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from cnnfilter.errors import KernelError
from cnnfilter.messages import show_shape
from cnnfilter.weights.files import widened
from cnnfilter.weights.pickles import Global, Meaning, Opaque, Table

if TYPE_CHECKING:
    import numpy.typing as npt

    Numbers = npt.NDArray[np.generic]

TYPES = {
    "float64": "f8", "float32": "f4", "float16": "f2", "bfloat16": "u2",
    "int64": "i8", "int32": "i4", "int16": "i2", "int8": "i1",
    "uint64": "u8", "uint32": "u4", "uint16": "u2", "uint8": "u1",
}  # fmt: skip
"""The types of real numbers, and NumPy's codes of what is stored. A bfloat16 is the upper half of a float32."""

STORAGES = {
    "DoubleStorage": "float64", "FloatStorage": "float32", "HalfStorage": "float16", "BFloat16Storage": "bfloat16",
    "LongStorage": "int64", "IntStorage": "int32", "ShortStorage": "int16", "CharStorage": "int8",
    "ByteStorage": "uint8", "UntypedStorage": "uint8", "BoolStorage": "bool",
    "ComplexFloatStorage": "complex64", "ComplexDoubleStorage": "complex128",
}  # fmt: skip
"""The types of PyTorch's storages, by their classes. An untyped one is of bytes, whatever its tensors are of."""

SIZES = {
    "bool": 1, "complex64": 8, "complex128": 16, "qint8": 1, "quint8": 1, "qint32": 4, "quint4x2": 1, "quint2x4": 1,
}  # fmt: skip
"""Bytes of what is stored of other types, which may lie before what is read in a file without a directory."""

MAX_AXES = 64
"""The most axes of a tensor, which are NumPy's."""

MOST_REPEATED = 1 << 20
"""The most numbers that the tensors of a file have more than their storages, whose numbers expanded ones repeat."""

_PLAIN = "torch._utils"
"""The module of what makes tensors from storages."""

_MAX_BITS = 8
"""The most keys and values of what is told of a view: that it is conjugated, or negated."""

REMEDIES = {
    "quantised": "save it after dequantize()",
    "sparse": "save it after to_dense()",
    "nested": "save the tensors that it holds",
    "meta": "it has a shape and no numbers",
}
"""What can be done about a tensor whose numbers do not lie in one storage by strides."""


@dataclass(frozen=True, slots=True)
class Storage:
    """Numbers that lie in a file one after the other: `count` of them, beginning with number `begin` of `key`."""

    key: str
    dtype: str
    count: int
    begin: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class Tensor:
    """A tensor: its type, and where its numbers lie in its storage, counted in numbers. Others have no storage."""

    dtype: str
    shape: tuple[int, ...] = ()
    strides: tuple[int, ...] = ()
    offset: int = 0
    storage: Storage | None = None
    remedy: str = ""

    def repeated(self, length: int) -> int:
        """How many numbers it has more than are stored in so many bytes."""
        return max(0, math.prod(self.shape) - length // item_size(self.dtype))

    def of(self, stored: npt.NDArray[np.uint8], order: str) -> Numbers:
        """Its numbers among the bytes of its storage.

        Parameters
        ----------
        stored : ndarray
            (n,) uint8, all bytes of the storage.
        order : {"<", ">"}
            The order of bytes.

        Raises
        ------
        KernelError
            If it reaches beyond them.
        """
        numbers = stored[: stored.size - stored.size % item_size(self.dtype)].view(order + TYPES[self.dtype])
        begin = self.offset + (self.storage.begin if self.storage else 0)
        last = begin + sum((n - 1) * step for n, step in zip(self.shape, self.strides, strict=True))
        count = math.prod(self.shape)
        if last >= numbers.size:
            msg = f"its tensor of {show_shape(self.shape)} reaches beyond the {numbers.size} numbers stored for it"
            raise KernelError(msg)
        strides = [step * numbers.itemsize for step in self.strides]
        found = np.lib.stride_tricks.as_strided(numbers[begin:], self.shape, strides)
        if self.dtype == "bfloat16":
            return widened(found)
        return found if count == numbers.size else found.copy()


def item_size(dtype: str) -> int:
    """How many bytes a number of a type takes.

    Raises
    ------
    KeyError
        If the type is not known.
    """
    return int(TYPES[dtype][1:]) if dtype in TYPES else SIZES[dtype]


def storage_of(key: Any) -> Any:
    """What a persistent object of a PyTorch file is: a `Storage`, or the class of a pickled module.

    Raises
    ------
    TypeError, ValueError
        If it is neither.
    """
    if key[0] == "module":
        return key[1]
    _, kind, name, _, count, *more = key
    if not (key[0] == "storage" and isinstance(kind, Global) and isinstance(name, str)):
        raise TypeError
    dtype = STORAGES.get(kind.name, kind.name.removesuffix("Storage").lower())
    if more and more[0] is not None:  # a part of another storage, as PyTorch wrote until 2017
        _, begin, count = more[0]
        return Storage(name, dtype, *_whole(count, begin))
    return Storage(name, dtype, *_whole(count))


def _whole(*numbers: Any) -> tuple[int, ...]:
    """The numbers, all of which must be counts.

    Raises
    ------
    TypeError
        If one is none.
    """
    if not all(type(number) is int and 0 <= number < 2**63 for number in numbers):
        raise TypeError
    return numbers


def _tensor(storage: Any, offset: Any, shape: Any, strides: Any, dtype: str = "", remedy: str = "") -> Tensor:
    if isinstance(storage, Opaque):  # pickled within the pickle, as by pickle.dump
        return Tensor("unknown")
    if not isinstance(storage, Storage) or not len(shape) == len(strides) <= MAX_AXES:
        raise TypeError
    return Tensor(dtype or storage.dtype, _whole(*shape), _whole(*strides), _whole(offset)[0], storage, remedy)


def _rebuild(
    storage: Any, offset: Any, shape: Any, strides: Any, _gradient: Any = None, _hooks: Any = None, bits: Any = None
) -> Tensor:
    if isinstance(bits, Table) and len(bits) > _MAX_BITS:
        raise TypeError
    negative = isinstance(bits, Table) and "neg" in [key for key in bits[::2] if isinstance(key, str)]
    dtype = "negated view" if negative else ""
    return _tensor(storage, offset, shape, strides, dtype, "save it after resolve_neg()" if negative else "")


def _rebuild_typed(
    storage: Any, offset: Any, shape: Any, strides: Any, _gradient: Any, _hooks: Any, dtype: Any, _bits: Any = None
) -> Tensor:
    return _tensor(storage, offset, shape, strides, dtype.name)


def _rebuild_quantised(storage: Any, offset: Any, shape: Any, strides: Any, *_: Any) -> Tensor:
    return _tensor(storage, offset, shape, strides, f"quantised {storage.dtype}", REMEDIES["quantised"])


def _rebuild_from_type(function: Any, kind: Any, arguments: Any, _state: Any) -> Any:
    """A tensor of a class of its own: what makes plain ones is called for it, and nothing else ever is."""
    is_plain = isinstance(function, Global) and function.module == _PLAIN
    meaning = MEANINGS.get(str(function)) if is_plain else None
    return Opaque(kind) if meaning is None else meaning(*arguments)


def _foreign(kind: str) -> Meaning:
    return lambda *_: Tensor(kind, remedy=REMEDIES[kind])


def _size(lengths: Any = ()) -> tuple[Any, ...]:
    if not isinstance(lengths, list | tuple) or len(lengths) > MAX_AXES:
        raise TypeError
    return tuple(lengths)


def _ordered(pairs: Any = ()) -> Table:
    return Table(item for key, value in pairs for item in (key, value))


MEANINGS: dict[str, Meaning] = {
    "collections.OrderedDict": _ordered,
    "collections.defaultdict": lambda *_: Table(),
    "torch.Size": _size,
    "torch._utils._rebuild_tensor": _rebuild,
    "torch._utils._rebuild_tensor_v2": _rebuild,
    "torch._utils._rebuild_tensor_v3": _rebuild_typed,
    "torch._utils._rebuild_parameter": lambda tensor, *_: tensor,
    "torch._utils._rebuild_parameter_with_state": lambda tensor, *_: tensor,
    "torch._tensor._rebuild_from_type_v2": _rebuild_from_type,
    "torch._utils._rebuild_qtensor": _rebuild_quantised,
    "torch._utils._rebuild_sparse_tensor": _foreign("sparse"),
    "torch._utils._rebuild_sparse_csr_tensor": _foreign("sparse"),
    "torch._utils._rebuild_nested_tensor": _foreign("nested"),
    "torch._utils._rebuild_meta_tensor_no_storage": _foreign("meta"),
}
"""What the calls in a PyTorch file stand for, by the names of what would be called."""
