"""Operators that look at one value at a time, or at the values of one place."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from cnnfilter.models.onnx.building import Builder, plain_axes
from cnnfilter.models.onnx.folding import numbers_of
from cnnfilter.models.onnx.learned import Stored
from cnnfilter.models.onnx.reading import Operation
from cnnfilter.models.onnx.tensors import FLOATS, Tensor
from cnnfilter.models.onnx.values import Result, UnsupportedError, Value
from cnnfilter.models.onnx.views import known, result
from cnnfilter.network import stages
from cnnfilter.network.activations import SELU_ALPHA, SELU_SCALE

if TYPE_CHECKING:
    import numpy.typing as npt

    Numbers = npt.NDArray[Any]

Convert = Callable[[Operation, Sequence[Value | None], Builder], Value]


def activation(name: str, **defaults: float | str) -> Convert:
    """What converts an activation, from its attributes with ONNX's defaults, in the order of our parameters."""

    def convert(operation: Operation, given: Sequence[Value | None], builder: Builder) -> Value:
        values = tuple(operation.attributes.get(key, value) for key, value in defaults.items())
        return builder.apply(stages.Activation(name, values), result(given[0]))

    return convert


def plain(stage: Callable[[], stages.Stage]) -> Convert:
    """What converts an operator that is a stage without parameters."""
    return lambda operation, given, builder: builder.apply(stage(), result(given[0]))


def same(operation: Operation, given: Sequence[Value | None], builder: Builder) -> Value:
    """The input as it is."""
    return result(given[0])


def cast(operation: Operation, given: Sequence[Value | None], builder: Builder) -> Value:
    """The input as it is, to floating-point numbers of any precision: all is computed in float32."""
    if operation.attributes.get("to") not in FLOATS:
        msg = "casts to a type that is not one of floating-point numbers"
        raise UnsupportedError(msg)
    return result(given[0])._replace(is_whole=False)


def selu(operation: Operation, given: Sequence[Value | None], builder: Builder) -> Value:
    """SELU with its paper's constants; with others an ELU that is multiplied."""
    alpha, gamma = (operation.attributes.get(*each) for each in (("alpha", SELU_ALPHA), ("gamma", SELU_SCALE)))
    value = result(given[0])
    if math.isclose(alpha, SELU_ALPHA, rel_tol=1e-4) and math.isclose(gamma, SELU_SCALE, rel_tol=1e-4):
        return builder.apply(stages.Activation("selu"), value)
    if not gamma:
        msg = "has gamma=0, which leaves nothing"
        raise UnsupportedError(msg)
    curved = builder.apply(stages.Activation("elu", (alpha,)), value)
    return builder.apply(stages.Normalize(divide=1.0, std=(1 / gamma,)), curved)


def swish(operation: Operation, given: Sequence[Value | None], builder: Builder) -> Value:
    """`x * sigmoid(alpha * x)`, of which the one of alpha 1 is known."""
    if operation.attributes.get("alpha", 1.0) != 1:
        msg = f"has alpha={operation.attributes['alpha']:g}; 1 is done"
        raise UnsupportedError(msg)
    return builder.apply(stages.Activation("swish"), result(given[0]))


def clip(operation: Operation, given: Sequence[Value | None], builder: Builder) -> Value:
    """Values kept within bounds, which are attributes, or since opset 11 inputs."""
    bounds = [_bound(operation, given, place, name) for place, name in ((1, "min"), (2, "max"))]
    if bounds == [None, None]:
        return result(given[0])
    stage = stages.Activation("relu6") if bounds == [0, 6] else stages.Activation("clip", tuple(bounds))
    return builder.apply(stage, result(given[0]))


def _bound(operation: Operation, given: Sequence[Value | None], place: int, name: str) -> float | None:
    value = operation.attributes.get(name)
    if given[place] is not None:
        value = scalar(known(given[place], name), name)
    return None if value is None or abs(value) >= MOST else float(value)


MOST = 3.4028234e38
"""The largest float32, which files have for a bound that is none."""


def at_most(operation: Operation, given: Sequence[Value | None], builder: Builder) -> Value:
    """The smaller of a value and a number."""
    return _bounded(given, builder, upper=True)


def at_least(operation: Operation, given: Sequence[Value | None], builder: Builder) -> Value:
    """The larger of a value and a number."""
    return _bounded(given, builder, upper=False)


def _bounded(given: Sequence[Value | None], builder: Builder, *, upper: bool) -> Value:
    values = [each for each in given if isinstance(each, Result)]
    if len(given) != 2 or len(values) != 1:
        msg = "compares results with each other; with a number it is done"
        raise UnsupportedError(msg)
    (other,) = (each for each in given if not isinstance(each, Result))
    bound = float(scalar(known(other, "bound"), "bound"))
    return builder.apply(stages.Activation("clip", (None, bound) if upper else (bound, None)), values[0])


def scalar(tensor: Tensor, called: str) -> float:
    """The one number of a tensor.

    Raises
    ------
    UnsupportedError
        If it has several.
    """
    numbers = numbers_of(tensor)
    if len(numbers) != 1 or not isinstance(numbers[0], int | float):
        msg = f"has {len(numbers)} numbers for its {called}; one is possible"
        raise UnsupportedError(msg)
    return numbers[0]


def prelu(operation: Operation, given: Sequence[Value | None], builder: Builder) -> Value:
    """A learned slope below 0, for each channel, or one for all."""
    value, slope = result(given[0]), known(given[1], "slope")
    if slope.size == 1:
        return builder.apply(stages.PReLU(learned=Stored({"weight": slope.derived((1,), _row)})), value)
    if not along_channels(value, slope):
        msg = f"has slopes of {'x'.join(map(str, slope.shape))} for {value.show()}; one for each channel is possible"
        raise UnsupportedError(msg)
    return builder.apply(stages.PReLU(learned=Stored({"weight": slope.derived((slope.size,), _row)})), value)


def _row(numbers: Numbers) -> Numbers:
    return numbers.reshape(-1)


def along_channels(value: Result, tensor: Tensor) -> bool:
    """Whether an array, broadcast as ONNX does, has a number for each channel of maps or each value of a vector."""
    rank = len(value.axes)
    if len(tensor.shape) > rank:
        return False
    shape = (1,) * (rank - len(tensor.shape)) + tensor.shape
    long = [axis for axis, length in enumerate(shape) if length != 1]
    return (
        len(long) == 1
        and value.names[long[0]] in (["C"], ["F"])
        and value.shape[long[0]].known == shape[long[0]]
        and value.order == "chw"
    )


def softmax(operation: Operation, given: Sequence[Value | None], builder: Builder) -> Value:
    """Over the channels of each place, or over a vector; before opset 13 over all axes from one on."""
    value = result(given[0])
    is_old = builder.graph.opset < 13
    axis = value.axis(operation.attributes.get("axis", 1 if is_old else -1))
    over = [name for names in (value.names[axis:] if is_old else [value.names[axis]]) for name in names]
    counting = [atom.name for each in plain_axes(value) for atom in each if atom.counts]
    if over not in (["C"], ["F"]) and counting:
        after = " and those after it" * is_old
        msg = f"goes over axis {axis}{after} of {value.show()}; over channels or a vector it is done"
        raise UnsupportedError(msg)
    return builder.apply(stages.Softmax(), value)


def batch_norm(operation: Operation, given: Sequence[Value | None], builder: Builder) -> Value:
    """A batch normalisation, with the mean and the variance that the file has."""
    attributes = operation.attributes
    if attributes.get("training_mode", 0) or any(operation.outputs[1:]):
        msg = "is in the mode of training; export the model in the mode of evaluation"
        raise UnsupportedError(msg)
    if not attributes.get("spatial", 1):
        msg = "has a mean for each place (spatial=0); one for each channel is done"
        raise UnsupportedError(msg)
    value = result(given[0])
    roles = ("weight", "bias", "running_mean", "running_var")
    learned = {role: known(each, role) for role, each in zip(roles, given[1:], strict=True)}
    counting = {"C", "F"} & {name for names in value.names for name in names}
    if len(value.axes) < 2 or {*value.names[1]} != counting or value.order != "chw":
        msg = f"takes N x C x H x W, not {value.show()}"
        raise UnsupportedError(msg)
    return builder.apply(stages.BatchNorm(epsilon=attributes.get("epsilon", 1e-5), learned=Stored(learned)), value)


def lrn(operation: Operation, given: Sequence[Value | None], builder: Builder) -> Value:
    """Local response normalisation over neighbouring channels."""
    attributes = operation.attributes
    stage = stages.LocalResponse(
        size=attributes.get("size", 0),
        alpha=attributes.get("alpha", 1e-4),
        beta=attributes.get("beta", 0.75),
        bias=attributes.get("bias", 1.0),
    )
    return builder.made(stage, builder.maps(result(given[0])))


def dropout(operation: Operation, given: Sequence[Value | None], builder: Builder) -> Value:
    """Nothing, shown with the share that learning sets to 0."""
    rate = operation.attributes.get("ratio", 0.5)
    if given[1] is not None:
        rate = scalar(known(given[1], "ratio"), "ratio")
    if given[2] is not None and scalar(known(given[2], "mode"), "mode"):
        msg = "is in the mode of training; export the model in the mode of evaluation"
        raise UnsupportedError(msg)
    return builder.apply(stages.Dropout(float(rate)), result(given[0]))
