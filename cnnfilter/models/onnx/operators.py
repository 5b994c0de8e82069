"""The operators of ONNX that are known, each an entry: what converts it, and the attributes that this understands.

An attribute that is not listed is refused: it may change what an operator means, as those of later versions do.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from cnnfilter.messages import nearest, quoted
from cnnfilter.models.onnx import arithmetic, gelu, matrices, pointwise, resizing, views, windows
from cnnfilter.models.onnx.building import Builder
from cnnfilter.models.onnx.reading import Operation
from cnnfilter.models.onnx.values import Part, Result, UnsupportedError, Value
from cnnfilter.network import stages

KINDS: dict[type, str] = {
    int: "allowzero antialias axis ceil_mode count_include_pad end exclude_outside group keepdims "
    "noop_with_empty_axes saturate seed size spatial start storage_order to training_mode transA transB",
    float: "alpha beta bias cubic_coeff_a epsilon extrapolation_value gamma max min momentum ratio value",
    str: "approximate auto_pad coordinate_transformation_mode keep_aspect_ratio_policy mode nearest_mode round_mode",
}
"""The attributes of one number or text, by its type; of one name operators have the same."""
MANY: dict[type, str] = {
    int: "axes dilations ends kernel_shape output_padding output_shape pads perm starts strides",
    float: "scales",
}
"""Those of several numbers."""

_ONE_KIND = {name: kind for kind, names in KINDS.items() for name in names.split()}
_MANY_KIND = {name: kind for kind, names in MANY.items() for name in names.split()}


class Operator(NamedTuple):
    """What is known of an operator.

    Parameters
    ----------
    convert : callable
        From an operation, the values of its inputs (None where one is left out) and the network so far to the value of
        its first output. It raises `UnsupportedError` for what no stage does.
    least, most : int
        How many inputs it has. The values of all that it may have are given.
    attributes : frozenset of str
        Those that it understands.
    """

    convert: pointwise.Convert
    least: int
    most: int
    attributes: frozenset[str]


def _known(convert: pointwise.Convert, attributes: str = "", least: int = 1, most: int | None = None) -> Operator:
    return Operator(convert, least, least if most is None else most, frozenset(attributes.split()))


ANY_NUMBER = 10**6
_WINDOW = "auto_pad kernel_shape pads strides dilations"

OPERATORS: dict[str, Operator] = {
    "Abs": _known(pointwise.plain(stages.Absolute)),
    "Add": _known(arithmetic.add, least=2),
    "AveragePool": _known(windows.average_pool, f"{_WINDOW} ceil_mode count_include_pad"),
    "BatchNormalization": _known(pointwise.batch_norm, "epsilon momentum spatial training_mode", least=5),
    "Cast": _known(pointwise.cast, "to saturate round_mode"),
    "Clip": _known(pointwise.clip, "min max", most=3),
    "Concat": _known(arithmetic.concat, "axis", most=ANY_NUMBER),
    "Conv": _known(windows.conv, f"{_WINDOW} group", least=2, most=3),
    "ConvTranspose": _known(windows.conv_transpose, f"{_WINDOW} group output_padding output_shape", least=2, most=3),
    "Div": _known(arithmetic.divide, least=2),
    "Dropout": _known(pointwise.dropout, "ratio seed", most=3),
    "Elu": _known(pointwise.activation("elu", alpha=1.0), "alpha"),
    "Erf": _known(gelu.erf),
    "Flatten": _known(views.flatten, "axis"),
    "Gelu": _known(pointwise.activation("gelu", approximate="none"), "approximate"),
    "Gemm": _known(matrices.gemm, "alpha beta transA transB", least=2, most=3),
    "GlobalAveragePool": _known(windows.global_average),
    "GlobalMaxPool": _known(windows.global_max),
    "HardSigmoid": _known(pointwise.activation("hardsigmoid", alpha=0.2, beta=0.5), "alpha beta"),
    "HardSwish": _known(pointwise.activation("hardswish")),
    "Identity": _known(pointwise.same),
    "LRN": _known(pointwise.lrn, "alpha beta bias size"),
    "LeakyRelu": _known(pointwise.activation("leaky_relu", alpha=0.01), "alpha"),
    "MatMul": _known(matrices.matmul, least=2),
    "Max": _known(pointwise.at_least, most=ANY_NUMBER),
    "MaxPool": _known(windows.max_pool, f"{_WINDOW} ceil_mode storage_order"),
    "Min": _known(pointwise.at_most, most=ANY_NUMBER),
    "Mul": _known(arithmetic.multiply, least=2),
    "PRelu": _known(pointwise.prelu, least=2),
    "Pad": _known(resizing.pad, "mode pads value", most=4),
    "ReduceMax": _known(windows.reduce_max, "axes keepdims noop_with_empty_axes", most=2),
    "ReduceMean": _known(windows.reduce_mean, "axes keepdims noop_with_empty_axes", most=2),
    "Relu": _known(pointwise.activation("relu")),
    "Reshape": _known(views.reshape, "allowzero", least=2),
    "Resize": _known(
        resizing.resize,
        "antialias axes coordinate_transformation_mode cubic_coeff_a exclude_outside extrapolation_value "
        "keep_aspect_ratio_policy mode nearest_mode",
        most=4,
    ),
    "Selu": _known(pointwise.selu, "alpha gamma"),
    "Shape": _known(views.shape, "start end"),
    "Sigmoid": _known(pointwise.activation("sigmoid")),
    "Slice": _known(resizing.cut, "axes ends starts", most=5),
    "Softmax": _known(pointwise.softmax, "axis"),
    "Softplus": _known(pointwise.activation("softplus")),
    "Squeeze": _known(views.squeeze, "axes", most=2),
    "Sub": _known(arithmetic.subtract, least=2),
    "Sum": _known(arithmetic.total, most=ANY_NUMBER),
    "Swish": _known(pointwise.swish, "alpha"),
    "Tanh": _known(pointwise.activation("tanh")),
    "Transpose": _known(views.transpose, "perm"),
    "Unsqueeze": _known(views.unsqueeze, "axes", most=2),
    "Upsample": _known(resizing.resize, "mode scales", most=2),
}
"""The operators by name. Those of numbers of the file alone are in `computing.FOLDS`."""

WHOLE = (
    "Abs", "Cast", "Clip", "Concat", "Flatten", "Identity", "Max", "MaxPool", "Min", "Pad", "ReduceMax", "Relu",
    "Reshape", "Shape", "Squeeze", "Transpose", "Unsqueeze",
)  # fmt: skip
"""Those that do the same with whole numbers as with others."""

QUANTISED = (
    "ConvInteger", "DequantizeLinear", "DynamicQuantizeLinear", "MatMulInteger", "QLinearConv", "QLinearMatMul",
    "QuantizeLinear",
)  # fmt: skip
WITH_GRAPHS = ("If", "Loop", "Scan")


def convert(operation: Operation, given: Sequence[Value | None], builder: Builder) -> Value:
    """The value of an operation's first output.

    Raises
    ------
    UnsupportedError
        If it is not known, or used in a way that no stage has.
    """
    if any(isinstance(each, Part) for each in given):
        return gelu.continued(operation, given, builder)
    operator = OPERATORS.get(operation.type)
    if operation.domain or operator is None:
        raise UnsupportedError(_unknown(operation))
    _check(operation, operator)
    if operation.type not in WHOLE and any(isinstance(each, Result) and each.is_whole for each in given):
        msg = "computes in whole numbers, which are rounded and may run over; a Cast to float before it is possible"
        raise UnsupportedError(msg)
    absent = [None] * (operator.most - len(given)) if operator.most < ANY_NUMBER else []
    return operator.convert(operation, [*given, *absent], builder)


def _check(operation: Operation, operator: Operator) -> None:
    """Refuse attributes that are not known, or of another kind, and inputs that are too many or too few."""
    for name, value in operation.attributes.items():
        if name not in operator.attributes:
            msg = f"has the attribute {quoted(name)}, which is not known{nearest(name, operator.attributes)}"
            raise UnsupportedError(msg)
        one, many = _ONE_KIND.get(name), _MANY_KIND.get(name)
        if not (type(value) is one or (type(value) is tuple and many and all(type(each) is many for each in value))):
            msg = f"has the attribute {quoted(name)} of another kind than it takes"
            raise UnsupportedError(msg)
    count, least, most = len(operation.inputs), operator.least, operator.most
    if not least <= count <= most:
        wanted = f"{least}" if least == most else f"{least} or more" if most == ANY_NUMBER else f"{least} to {most}"
        msg = f"has {count} input{'s' * (count != 1)}; it takes {wanted}"
        raise UnsupportedError(msg)


def _unknown(operation: Operation) -> str:
    if operation.domain:
        return f"is an operator of {quoted(operation.domain)}, not of ONNX itself; those of other makers are not known"
    if operation.type in QUANTISED or operation.type.startswith(("QLinear", "Dequantize")):
        return "computes in int8: the network is quantised; export it with float32 or float16 weights"
    if operation.type in WITH_GRAPHS:
        return "has graphs of its own that are run by what is computed; no stage does that"
    return f"is no operator that is known{nearest(operation.type, OPERATORS)}"
