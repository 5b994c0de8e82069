"""Operators that multiply a vector by a matrix."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from cnnfilter.messages import show_shape
from cnnfilter.models.onnx.building import Builder
from cnnfilter.models.onnx.learned import Stored
from cnnfilter.models.onnx.reading import Operation
from cnnfilter.models.onnx.tensors import Tensor
from cnnfilter.models.onnx.values import Result, UnsupportedError, Value
from cnnfilter.models.onnx.views import known, result
from cnnfilter.network import stages

if TYPE_CHECKING:
    import numpy.typing as npt

    Numbers = npt.NDArray[Any]


def gemm(operation: Operation, given: Sequence[Value | None], builder: Builder) -> Value:
    """`alpha * A B + beta * C`, with A or B turned: a dense layer where B and C are numbers of the file."""
    attributes = operation.attributes
    value, matrix = _turned(result(given[0]), attributes.get("transA", 0)), known(given[1], "weights")
    alpha, beta = float(attributes.get("alpha", 1.0)), float(attributes.get("beta", 1.0))
    weight = _weight(matrix, alpha, is_out_first=bool(attributes.get("transB", 0)))
    bias = None
    if given[2] is not None:
        addend, units = known(given[2], "bias"), weight.shape[0]
        if addend.size not in (1, units) or (addend.size > 1 and addend.shape[-1] != units):
            msg = f"has a bias of {show_shape(addend.shape)} for {units} results of one picture"
            raise UnsupportedError(msg)
        bias = addend.derived((units,), partial(_bias, units, beta))
    return _dense(value, weight, bias, builder)


def matmul(operation: Operation, given: Sequence[Value | None], builder: Builder) -> Value:
    """A dense layer without a bias, where the second input is numbers of the file."""
    value, matrix = result(given[0]), known(given[1], "weights")
    return _dense(value, _weight(matrix, 1.0, is_out_first=False), None, builder)


def _turned(value: Result, is_turned: int) -> Result:
    return value._replace(axes=value.axes[::-1]) if is_turned else value


def _weight(matrix: Tensor, alpha: float, *, is_out_first: bool) -> Tensor:
    """The weights (out, in)."""
    if len(matrix.shape) != 2 or not matrix.size:
        msg = f"has weights of {show_shape(matrix.shape)}; those of a dense layer have 2 axes"
        raise UnsupportedError(msg)
    shape = matrix.shape if is_out_first else matrix.shape[::-1]
    return matrix.derived(shape, partial(_multiplied, alpha, is_out_first))


def _multiplied(alpha: float, is_out_first: bool, numbers: Numbers) -> Numbers:
    weight = numbers if is_out_first else numbers.T
    return weight if alpha == 1 else weight * alpha


def _bias(units: int, beta: float, numbers: Numbers) -> Numbers:
    import numpy as np

    return np.broadcast_to(numbers.ravel() * beta, (units,))


def _dense(value: Result, weight: Tensor, bias: Tensor | None, builder: Builder) -> Value:
    flat = builder.vector(value)
    units, inputs = weight.shape
    length = flat.length("F").known
    if length not in (None, inputs):
        msg = f"has weights for {inputs} numbers, but {length} arrive"
        raise UnsupportedError(msg)
    learned = Stored({"weight": weight} if bias is None else {"weight": weight, "bias": bias})
    return builder.made(stages.Dense(units=units, biased=bias is not None, order=flat.order, learned=learned), flat)
