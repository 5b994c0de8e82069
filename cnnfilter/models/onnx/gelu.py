"""GELU as exporters write it in other operators: `x * (1 + erf(x / sqrt(2))) * 0.5`, in any order of the factors."""

from __future__ import annotations

import math
from collections.abc import Sequence

from cnnfilter.models.onnx.building import Builder
from cnnfilter.models.onnx.pointwise import scalar
from cnnfilter.models.onnx.reading import Operation
from cnnfilter.models.onnx.tensors import Tensor
from cnnfilter.models.onnx.values import Part, Result, UnsupportedError, Value
from cnnfilter.models.onnx.views import result
from cnnfilter.network import stages

NEAR = 1e-3
"""How near a number is to the one that is meant; files have 1.41421 and 1.4142135381698608 for the same."""


def erf(operation: Operation, given: Sequence[Value | None], builder: Builder) -> Value:
    """The error function of `x / sqrt(2)`, which alone no stage gives."""
    value = result(given[0])
    factor = _factor(value, builder)
    if factor is None or not math.isclose(factor, math.sqrt(1 / 2), rel_tol=NEAR):
        raise _alone()
    return Part(_behind(value, builder))


def continued(operation: Operation, given: Sequence[Value | None], builder: Builder) -> Value:
    """What becomes of a part of GELU, which is the whole at last."""
    (part, *more), others = ([each for each in given if isinstance(each, Part) == is_part] for is_part in (True, False))
    if not isinstance(part, Part) or more or len(others) != 1:
        raise _alone()
    (other,) = others
    if operation.type == "Add" and not part.has_one and isinstance(other, Tensor) and scalar(other, "addend") == 1:
        return part._replace(has_one=True)
    if operation.type != "Mul" or not part.has_one:
        raise _alone()
    if isinstance(other, Tensor):
        part = part._replace(factor=part.factor * scalar(other, "factor"))
    else:
        part = _times(part, result(other), builder)
    if part.is_scaled and math.isclose(part.factor, 1 / 2, rel_tol=NEAR):
        return builder.apply(stages.Activation("gelu"), part.x)
    return part


def _times(part: Part, value: Result, builder: Builder) -> Part:
    """A part times `x`, or times `x` and a number."""
    if part.is_scaled:
        raise _alone()
    factor = 1.0 if value.node == part.x.node else _factor(value, builder)
    if factor is None or (value.node != part.x.node and builder.reads(value) != (part.x.node,)):
        raise _alone()
    if value.node != part.x.node:
        _behind(value, builder)
    return part._replace(is_scaled=True, factor=part.factor * factor)


def _factor(value: Result, builder: Builder) -> float | None:
    """By what a node multiplies its input, if it does that alone."""
    stage = builder.stage(value)
    if not isinstance(stage, stages.Normalize) or len(stage.std) > 1 or stage.mean != (0.0,):
        return None
    return 1 / (stage.divisor * stage.std[0])


def _behind(value: Result, builder: Builder) -> Result:
    """What a node reads, which is not wanted any more where nothing else takes it."""
    if builder.is_own(value):
        builder.left_out.add(value.node)
    return value._replace(node=builder.reads(value)[0])


def _alone() -> UnsupportedError:
    return UnsupportedError("uses the error function in another way than GELU does")
