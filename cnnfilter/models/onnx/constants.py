"""Operators that give numbers out of nothing."""

from __future__ import annotations

import math
from functools import partial
from typing import TYPE_CHECKING, Any

from cnnfilter.messages import quoted, show_shape
from cnnfilter.models.onnx.folding import FLOAT32, LARGEST, constant, whole_numbers
from cnnfilter.models.onnx.reading import Operation
from cnnfilter.models.onnx.tensors import MAX_AXES, Tensor
from cnnfilter.models.onnx.values import UnsupportedError, Value
from cnnfilter.models.onnx.views import known

if TYPE_CHECKING:
    import numpy.typing as npt

    Numbers = npt.NDArray[Any]

TYPES = {"value_int": int, "value_ints": int, "value_float": float, "value_floats": float}


def given(operation: Operation) -> Value:
    """What the operator Constant tells."""
    import numpy as np

    (name, value), *more = operation.attributes.items() or [("nothing", None)]
    if isinstance(value, Tensor) and not more:
        return value
    kind, numbers = TYPES.get(name), value if isinstance(value, tuple) else (value,)
    if more or any(type(each) is not kind for each in numbers):
        msg = f"holds {quoted(name)}, which is not read"
        raise UnsupportedError(msg)
    return constant(np.array(value, np.int64 if kind is int else np.float32))


def filled(operation: Operation, shape: Value | None) -> Value:
    """What the operator ConstantOfShape gives: one number everywhere, which is stored once."""
    lengths = whole_numbers(known(shape, "shape"))
    value = operation.attributes.get("value")
    if len(lengths) > MAX_AXES or min(lengths, default=0) < 0 or math.prod(lengths) > LARGEST:
        msg = f"makes an array of {show_shape(lengths)}; at most {LARGEST} numbers are read"
        raise UnsupportedError(msg)
    if value is None:
        return Tensor(lengths, FLOAT32, partial(_repeated, None, lengths))
    if not isinstance(value, Tensor) or value.size != 1:
        msg = "has more than one number to repeat"
        raise UnsupportedError(msg)
    return Tensor(lengths, value.code, partial(_repeated, value, lengths))


def _repeated(value: Tensor | None, shape: tuple[int, ...]) -> Numbers:
    import numpy as np

    one = np.float32(0) if value is None else value.load().reshape(())
    return np.broadcast_to(one, shape)
