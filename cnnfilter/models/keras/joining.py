"""Layers that take several results, as stages."""

from __future__ import annotations

import math

from cnnfilter.messages import quoted
from cnnfilter.models.keras.build import Builder, Call, Tensor, joined_order
from cnnfilter.models.keras.table import check_last_axis, entry
from cnnfilter.network.stages import Add, Concat, Multiply, Normalize, Stage


@entry("Add", joins=True)
def _add(builder: Builder, call: Call) -> Tensor:
    if call.numbers:
        return _with_number(builder, call, Normalize(1.0, (-sum(call.numbers),)))
    return _sample_by_sample(builder, call, Add())


@entry("Multiply", joins=True)
def _multiply(builder: Builder, call: Call) -> Tensor:
    if call.numbers:
        return _with_number(builder, call, Normalize(1 / math.prod(call.numbers)))
    return _sample_by_sample(builder, call, Multiply())


def _with_number(builder: Builder, call: Call, stage: Stage) -> Tensor:
    if len(call.inputs) > 1:
        msg = f"it joins results of layers and the number {quoted(call.numbers[0])}"
        raise call.settings.refuse(msg)
    return builder.add(call, stage, call.inputs)


def _sample_by_sample(builder: Builder, call: Call, stage: Stage, part: str = "") -> Tensor:
    inputs = builder.alike(call)
    if len({each.order for each in inputs}) > 1:
        msg = "it joins vectors that were flattened from maps of different sizes"
        raise call.settings.refuse(msg)
    return builder.add(call, stage, inputs, part)


@entry("Average", joins=True)
def _average(builder: Builder, call: Call) -> Tensor:
    total = _sample_by_sample(builder, call, Add(), "add")
    return builder.add(call, Normalize(float(len(call.inputs))), [total])


@entry("Subtract", joins=True)
def _subtract(builder: Builder, call: Call) -> Tensor:
    if len(call.inputs) != 2:
        msg = f"it takes two inputs, not {len(call.inputs)}"
        raise call.settings.refuse(msg)
    negative = builder.add(call, Normalize(-1.0), call.inputs[1:], "negative")
    return _sample_by_sample(builder, call._replace(inputs=(call.inputs[0], negative)), Add())


@entry("CustomScaleLayer", joins=True)
def _scaled(builder: Builder, call: Call) -> Tensor:
    """Of Keras's InceptionResNetV2: the first input, and the second times a number."""
    part = call._replace(inputs=call.inputs[1:], numbers=(call.settings.number("scale", 1.0),))
    scaled = _multiply(builder, part._replace(name=f"{call.name}/scale"))
    return _sample_by_sample(builder, call._replace(inputs=(*call.inputs[:1], scaled)), Add())


@entry("Concatenate", joins=True)
def _concatenate(builder: Builder, call: Call) -> Tensor:
    check_last_axis(call, call.settings.config.get("axis", -1))
    inputs = builder.alike(call)
    order = joined_order(call, inputs)
    return builder.add(call, Concat(), inputs)._replace(order=order)
