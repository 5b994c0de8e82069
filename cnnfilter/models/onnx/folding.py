"""Operations on arrays that do not depend on the picture: sizes that exporters compute, weights that they reshape.

Small arrays are computed at once. What large ones, the weights, become is computed when they are read. A length that is
not known before there is a picture stands among numbers as a `Size`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from cnnfilter.messages import show_shape
from cnnfilter.models.onnx.reading import Operation
from cnnfilter.models.onnx.tensors import FLOATS, TYPES, Tensor
from cnnfilter.models.onnx.values import Size, UnsupportedError

if TYPE_CHECKING:
    import numpy.typing as npt

    Numbers = npt.NDArray[Any]

SMALL = 4096
"""Arrays of at most so many numbers are computed at once."""

BUDGET = 1 << 20
"""How many numbers all that is computed at once may hold."""

LARGEST = 1 << 27
"""The most numbers that an array may have: 512 MB as float32, and more than any published layer for pictures."""

INT64, FLOAT32, FLOAT64 = 7, 1, 11


def constant(numbers: Numbers) -> Tensor:
    """An array as a tensor; whole numbers may be `Size`s."""
    code = FLOAT32 if numbers.dtype.kind == "f" else INT64
    return Tensor(numbers.shape, code, partial(_itself, numbers))


def _itself(numbers: Numbers) -> Numbers:
    return numbers


def small(tensor: Tensor) -> Numbers:
    """The numbers of a small tensor.

    Raises
    ------
    UnsupportedError
        If it is large.
    """
    if tensor.size > SMALL:
        msg = f"computes with an array of {show_shape(tensor.shape)}, where a few numbers are usual"
        raise UnsupportedError(msg)
    return tensor.load()


def numbers_of(tensor: Tensor) -> tuple[Any, ...]:
    """The numbers of a small tensor in a row: Python's, or sizes."""
    return tuple(small(tensor).ravel().tolist())


def whole_numbers(tensor: Tensor) -> tuple[int, ...]:
    """The whole numbers of a small tensor in a row.

    Raises
    ------
    UnsupportedError
        If one is not known yet.
    """
    found = []
    for number in numbers_of(tensor):
        known = number.known if isinstance(number, Size) else int(number)
        if known is None:
            msg = "depends on the size of the picture"
            raise UnsupportedError(msg)
        found.append(known)
    return tuple(found)


def sizes(lengths: Sequence[Size]) -> Tensor:
    """Lengths as the operator Shape gives them."""
    import numpy as np

    known = [each.known for each in lengths]
    if None not in known:
        return constant(np.array(known, np.int64))
    array = np.empty(len(lengths), object)
    array[:] = [each if each.known is None else each.known for each in lengths]
    return constant(array)


# Each takes the operation, the opset, and the arrays; an input that is left out is None


def _axes(operation: Operation, given: Sequence[Numbers | None]) -> tuple[int, ...] | None:
    if len(given) > 1 and given[1] is not None:
        return tuple(int(number) for number in given[1].ravel())
    return operation.attributes.get("axes")


def _unsqueeze(operation: Operation, given: Sequence[Any]) -> Numbers:
    import numpy as np

    return np.expand_dims(given[0], _axes(operation, given) or ())


def _squeeze(operation: Operation, given: Sequence[Any]) -> Numbers:
    import numpy as np

    return np.squeeze(given[0], _axes(operation, given))


def _slice(operation: Operation, given: Sequence[Any]) -> Numbers:
    attributes = operation.attributes
    begins, ends = given[1:3] if len(given) > 1 else (attributes["starts"], attributes["ends"])
    axes, steps = (*given[3:], None, None)[:2]
    axes = attributes.get("axes") if axes is None else axes
    parts = [slice(None)] * given[0].ndim
    for number, (begin, end) in enumerate(zip(begins, ends, strict=True)):
        axis = number if axes is None else int(axes[number])
        parts[axis] = slice(int(begin), int(end), 1 if steps is None else int(steps[number]))
    return given[0][tuple(parts)]


def _gather(operation: Operation, given: Sequence[Any]) -> Numbers:
    import numpy as np

    return np.take(given[0], given[1].astype(np.int64), operation.attributes.get("axis", 0))


def _concat(operation: Operation, given: Sequence[Any]) -> Numbers:
    import numpy as np

    return np.concatenate(given, operation.attributes.get("axis", 1))


def _cast(operation: Operation, given: Sequence[Any]) -> Numbers:
    import numpy as np

    if given[0].dtype == object:
        return given[0]
    code = operation.attributes["to"]
    if code not in TYPES:
        msg = "casts to a type that is not read"
        raise UnsupportedError(msg)
    with np.errstate(invalid="ignore"):
        return given[0].astype(np.float32 if code in FLOATS else np.int64)


def _divide(operation: Operation, given: Sequence[Any]) -> Numbers:
    import numpy as np

    first, second = given
    if first.dtype.kind == second.dtype.kind == "i":  # of whole numbers it rounds to zero
        return np.trunc(first / second).astype(np.int64)
    return first / second


def _reshape(operation: Operation, given: Sequence[Any]) -> Numbers:
    shape = [int(number) for number in given[1].ravel()]
    if not operation.attributes.get("allowzero", 0):
        shape = [given[0].shape[place] if length == 0 else length for place, length in enumerate(shape)]
    return given[0].reshape(shape)


def _transpose(operation: Operation, given: Sequence[Any]) -> Numbers:
    return given[0].transpose(operation.attributes.get("perm"))


def _where(operation: Operation, given: Sequence[Any]) -> Numbers:
    import numpy as np

    return np.where(given[0].astype(bool), given[1], given[2])


def _equal(operation: Operation, given: Sequence[Any]) -> Numbers:
    import numpy as np

    return np.asarray(given[0] == given[1]).astype(np.int64)


def _expand(operation: Operation, given: Sequence[Any]) -> Numbers:
    import numpy as np

    return np.broadcast_to(given[0], np.broadcast_shapes(given[0].shape, tuple(int(n) for n in given[1])))


def _dequantize(operation: Operation, given: Sequence[Any]) -> Numbers:
    import numpy as np

    numbers, scale = given[:2]
    zero = given[2] if len(given) > 2 and given[2] is not None else np.zeros_like(scale)
    if operation.attributes.get("block_size", 0):
        msg = "is quantised in blocks, which is not read"
        raise UnsupportedError(msg)
    shape = [1] * numbers.ndim
    if scale.size > 1:
        shape[operation.attributes.get("axis", 1)] = scale.size
    shifted = numbers.astype(np.float32) - zero.reshape(shape).astype(np.float32)
    return shifted * scale.reshape(shape).astype(np.float32)


def _of(name: str) -> Callable[[Operation, Sequence[Any]], Numbers]:
    """A function of NumPy's of all inputs."""

    def compute(operation: Operation, given: Sequence[Any]) -> Numbers:
        import numpy as np

        function: Callable[..., Numbers] = getattr(np, name)
        return function(*given)

    return compute


def _product(operation: Operation, given: Sequence[Any]) -> Numbers:
    import numpy as np

    keeps = bool(operation.attributes.get("keepdims", 1))
    return np.asarray(np.prod(given[0], axis=_axes(operation, given), keepdims=keeps))


AS_IT_IS = ("Dropout", "Identity")
SAME_SHAPE = ("Cast", "DequantizeLinear", "Neg", "Sqrt")
JOINED = ("Add", "Div", "Mul", "Sub")
MOVED = ("Squeeze", "Transpose", "Unsqueeze")
"""What changes nothing; and what is done to large arrays, when they are read: the result has the shape of the first,
that of all together, or one that NumPy tells of a view."""

FOLDS: dict[str, Callable[[Operation, Sequence[Any]], Numbers]] = {
    "Add": _of("add"),
    "Cast": _cast,
    "Ceil": _of("ceil"),
    "Concat": _concat,
    "DequantizeLinear": _dequantize,
    "Div": _divide,
    "Equal": _equal,
    "Expand": _expand,
    "Floor": _of("floor"),
    "Gather": _gather,
    "Max": _of("maximum"),
    "Min": _of("minimum"),
    "Mul": _of("multiply"),
    "Neg": _of("negative"),
    "ReduceProd": _product,
    "Reshape": _reshape,
    "Slice": _slice,
    "Sqrt": _of("sqrt"),
    "Squeeze": _squeeze,
    "Sub": _of("subtract"),
    "Transpose": _transpose,
    "Unsqueeze": _unsqueeze,
    "Where": _where,
}
"""The operators that are computed."""


class Folder:
    """Computes what depends on the file alone, and keeps of it no more than a few megabytes."""

    def __init__(self) -> None:
        self._left = BUDGET

    def __call__(self, operation: Operation, given: Sequence[Tensor | None]) -> Tensor:
        """What an operation makes of arrays.

        Raises
        ------
        UnsupportedError
            If that is not known, does not fit or would take much memory.
        """
        if operation.type in AS_IT_IS and given and given[0] is not None:
            return given[0]
        compute = FOLDS.get(operation.type)
        if compute is None or not given or given[0] is None:
            msg = "is not computed for numbers of the file alone"
            raise UnsupportedError(msg)
        try:
            if all(each is None or each.size <= SMALL for each in given):
                return self._small(operation, compute, given)
            return _large(operation, compute, given[0], given)
        except (ValueError, IndexError, TypeError, KeyError, AttributeError, ArithmeticError):
            shapes = " and ".join(show_shape(each.shape) for each in given if each is not None)
            msg = f"does not fit the numbers that it is given, of the shapes {shapes}"
            raise UnsupportedError(msg) from None

    def _small(self, operation: Operation, compute: Any, given: Sequence[Tensor | None]) -> Tensor:
        import numpy as np

        with np.errstate(all="ignore"):
            made = np.asarray(compute(operation, [None if each is None else each.load() for each in given]))
        self._left -= made.size
        if self._left < 0:
            msg = f"makes the arrays that are computed hold over {BUDGET} numbers"
            raise UnsupportedError(msg)
        return constant(made)


def _large(operation: Operation, compute: Any, first: Tensor, given: Sequence[Tensor | None]) -> Tensor:
    """What becomes of large arrays, which are read when it is needed."""
    import numpy as np

    others = [None if each is None else np.broadcast_to(np.float32(0), each.shape) for each in given]
    if operation.type in SAME_SHAPE:
        shape = first.shape
    elif operation.type in JOINED:
        shape = np.broadcast_shapes(*(each.shape for each in others if each is not None))
    elif operation.type in MOVED:
        rest = [None if each is None else small(each) for each in given[1:]]
        shape = compute(operation, [others[0], *rest]).shape
    elif operation.type == "Reshape" and given[1] is not None:
        shape = _reshape(operation, [others[0], small(given[1])]).shape  # of one number repeated, a view
    else:
        msg = f"is not computed for arrays as large as {show_shape(first.shape)}"
        raise UnsupportedError(msg)
    if math.prod(shape) > LARGEST:
        msg = f"makes an array of {show_shape(shape)}; at most {LARGEST} numbers are read"
        raise UnsupportedError(msg)
    return Tensor(shape, FLOAT32, partial(_computed, operation, compute, tuple(given)))


def _computed(operation: Operation, compute: Any, given: Sequence[Tensor | None]) -> Numbers:
    import numpy as np

    with np.errstate(all="ignore"):
        made: Numbers = compute(operation, [None if each is None else each.load() for each in given])
    return made
