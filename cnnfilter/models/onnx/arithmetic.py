"""Sums and products: of results with each other, and with numbers of the file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from cnnfilter.messages import show_shape
from cnnfilter.models.onnx.building import Builder
from cnnfilter.models.onnx.folding import constant
from cnnfilter.models.onnx.learned import Stored
from cnnfilter.models.onnx.pointwise import along_channels
from cnnfilter.models.onnx.reading import Operation
from cnnfilter.models.onnx.values import Result, UnsupportedError, Value
from cnnfilter.models.onnx.views import known, result
from cnnfilter.network import stages

if TYPE_CHECKING:
    import numpy.typing as npt

    Numbers = npt.NDArray[Any]

FEW = 4
"""Up to so many numbers stand in the text of the stage, as of a picture's channels; more are learned ones."""


def add(operation: Operation, given: Sequence[Value | None], builder: Builder) -> Value:
    """A sum."""
    value, other = _operands(given)
    if isinstance(other, Result):
        return builder.joined(stages.Add(), value, other)
    return _biased(operation, builder, value, other, 1) or _scaled(builder, value, shift=_numbers(value, other))


def subtract(operation: Operation, given: Sequence[Value | None], builder: Builder) -> Value:
    """A difference; of two results the sum of one and the other times -1."""
    value, other = _operands(given)
    if isinstance(other, Result):
        return builder.joined(stages.Add(), value, _scaled(builder, other, scale=-_ones()))
    if given[0] is value:
        return _biased(operation, builder, value, other, -1) or _scaled(builder, value, shift=-_numbers(value, other))
    return _scaled(builder, value, scale=-_ones(), shift=_numbers(value, other))


def multiply(operation: Operation, given: Sequence[Value | None], builder: Builder) -> Value:
    """A product."""
    value, other = _operands(given)
    if not isinstance(other, Result):
        return _scaled(builder, value, scale=_numbers(value, other))
    for gate, open_value in ((other, value), (value, other)):
        found = _gated(operation, builder, gate, open_value)
        if found is not None:
            return found
    return builder.joined(stages.Multiply(), value, other)


def divide(operation: Operation, given: Sequence[Value | None], builder: Builder) -> Value:
    """A quotient, of a result and a number."""
    value, other = _operands(given)
    if isinstance(other, Result) or given[0] is not value:
        msg = "divides by a result; by a number it is done"
        raise UnsupportedError(msg)
    numbers = _numbers(value, other)
    if not numbers.all():
        msg = "divides by 0"
        raise UnsupportedError(msg)
    return _scaled(builder, value, scale=1 / numbers)


def total(operation: Operation, given: Sequence[Value | None], builder: Builder) -> Value:
    """A sum of any number of results."""
    values = [result(each) for each in given]
    return builder.joined(stages.Add(), *values) if len(values) > 1 else values[0]


def concat(operation: Operation, given: Sequence[Value | None], builder: Builder) -> Value:
    """The channels of results one after the other, or their vectors."""
    values = [result(each) for each in given]
    if "axis" not in operation.attributes:
        msg = "has no axis"
        raise UnsupportedError(msg)
    axis = values[0].axis(operation.attributes["axis"])
    if len(values) == 1:
        return values[0]
    return builder.concatenated(values, axis)


def _operands(given: Sequence[Value | None]) -> tuple[Result, Value]:
    """The first that comes from the picture, and the other one."""
    first, second = given
    value, other = (first, second) if isinstance(first, Result) else (second, first)
    if other is None:
        msg = "has one input; it takes two"
        raise UnsupportedError(msg)
    return result(value), other


def _ones() -> Numbers:
    import numpy as np

    return np.ones(1)


def _numbers(value: Result, other: Value) -> Numbers:
    """What a result is added to or multiplied by, in float64: one number, or one for each channel.

    Raises
    ------
    UnsupportedError
        If there are others.
    """
    import numpy as np

    tensor = known(other, "numbers")
    if tensor.size != 1 and not along_channels(value, tensor):
        msg = (
            f"takes numbers of {show_shape(tensor.shape)} and {value.show()}; one, or one for each channel, is possible"
        )
        raise UnsupportedError(msg)
    return tensor.load().astype(np.float64).ravel()


def _scaled(builder: Builder, value: Result, scale: Numbers | None = None, shift: Numbers | None = None) -> Result:
    """`value * scale + shift`: as a normalisation with a few numbers in its text, or as a batch normalisation."""
    import numpy as np

    scale, shift = (default if each is None else each for each, default in ((scale, _ones()), (shift, np.zeros(1))))
    scale, shift = np.broadcast_arrays(scale, shift)
    if not (np.isfinite(scale).all() and np.isfinite(shift).all()):
        msg = "computes with a number that is not finite"
        raise UnsupportedError(msg)
    if (len(scale) == 1 or (len(scale) <= FEW and "C" in value.atoms)) and scale.all():
        mean, std = -shift / scale, 1 / scale
        return builder.apply(stages.Normalize(1.0, tuple(mean.tolist()), tuple(std.tolist())), value)
    size = value.length("C").times(value.length("F")).known  # of which one is 1
    if size is None:
        msg = "multiplies vectors of which the length is not known"
        raise UnsupportedError(msg)
    tensors = {
        "weight": np.broadcast_to(scale, (size,)),
        "bias": np.broadcast_to(shift, (size,)),
        "running_mean": np.zeros(size),
        "running_var": np.ones(size),
    }
    learned = Stored({role: constant(numbers) for role, numbers in tensors.items()})
    return builder.apply(stages.BatchNorm(epsilon=0.0, learned=learned), value)


HARD = [0.166667, 0.5]
"""What hardswish multiplies with is this hardsigmoid, by its alpha and beta."""

BIASED = (stages.Conv, stages.Dense)


def _biased(operation: Operation, builder: Builder, value: Result, other: Value, sign: int) -> Result | None:
    """The result of a layer without a bias, given one: exporters write the two apart."""
    tensor, stage = known(other, "numbers"), builder.stage(value)
    if not isinstance(stage, BIASED) or stage.biased or not isinstance(stage.learned, Stored):
        return None
    size = value.length("C" if isinstance(stage, stages.Conv) else "F").known
    if not builder.is_own(value) or size is None or not (tensor.size == 1 or along_channels(value, tensor)):
        return None
    bias = tensor.derived((size,), partial(_bias, size, sign))
    builder.change(value, replace(stage, biased=True, learned=Stored({**stage.learned.tensors, "bias": bias})))
    return value


def _bias(size: int, sign: int, numbers: Numbers) -> Numbers:
    import numpy as np

    return np.broadcast_to(sign * numbers.astype(np.float32).ravel(), (size,))


def _gated(operation: Operation, builder: Builder, gate: Result, value: Result) -> Result | None:
    """`x * sigmoid(x)`, which is swish, and `x * hardsigmoid(x)`, which is hardswish."""
    stage = builder.stage(gate)
    if not isinstance(stage, stages.Activation) or builder.reads(gate) != (value.node,) or gate.axes != value.axes:
        return None
    is_hard = stage.function == "hardsigmoid" and [round(float(each or 0), 6) for each in stage.values] == HARD
    name = "swish" if stage.function == "sigmoid" else "hardswish" if is_hard else None
    if name is None or not builder.is_own(gate):
        return None
    builder.change(gate, stages.Activation(name))
    return gate
