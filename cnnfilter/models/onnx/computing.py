"""How operators compute with numbers of a file alone, by NumPy.

Each function takes the operation and the arrays, of which those are None that are left out. Among whole numbers may be
a `Size`: a length that is not known before there is a picture.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from cnnfilter.models.onnx.reading import Operation
from cnnfilter.models.onnx.tensors import FLOATS, TYPES
from cnnfilter.models.onnx.values import UnsupportedError

if TYPE_CHECKING:
    import numpy.typing as npt

    Numbers = npt.NDArray[Any]

Compute = Callable[[Operation, Sequence[Any]], Any]


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


def reshaped(operation: Operation, given: Sequence[Any]) -> Numbers:
    """An array in another shape, in which 0 is the length that it has; what repeats one number takes no memory."""
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
    zero, scale = (np.broadcast_to(each.reshape(shape).astype(np.float32), numbers.shape) for each in (zero, scale))
    made: Numbers = (numbers.astype(np.float32) - zero) * scale
    return made


def _of(name: str) -> Callable[[Operation, Sequence[Any]], Numbers]:
    """A function of NumPy's of all inputs."""

    def compute(operation: Operation, given: Sequence[Any]) -> Numbers:
        import numpy as np

        function: np.ufunc = getattr(np, name)
        if len(given) != function.nin:  # one more is where NumPy would write the result
            msg = f"takes {function.nin}"
            raise ValueError(msg)
        made: Numbers = function(*given)
        return made

    return compute


def _product(operation: Operation, given: Sequence[Any]) -> Numbers:
    import numpy as np

    keeps = bool(operation.attributes.get("keepdims", 1))
    return np.asarray(np.prod(given[0], axis=_axes(operation, given), keepdims=keeps))


FOLDS: dict[str, Compute] = {
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
    "Reshape": reshaped,
    "Slice": _slice,
    "Sqrt": _of("sqrt"),
    "Squeeze": _squeeze,
    "Sub": _of("subtract"),
    "Transpose": _transpose,
    "Unsqueeze": _unsqueeze,
    "Where": _where,
}
"""The operators that are computed."""
