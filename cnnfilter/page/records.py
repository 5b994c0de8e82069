"""Each kind of stage as the page's scripts take it: the keys of its text as plain data, and its learned arrays."""

from __future__ import annotations

import dataclasses
from fractions import Fraction
from functools import singledispatch
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cnnfilter.kernels.kernel import Kernel
from cnnfilter.network import stages
from cnnfilter.network.plan import Row
from cnnfilter.network.stages.base import Stage, unknown
from cnnfilter.sizes import Border
from cnnfilter.weights.bank import FilterBank, TransposedBank

Arrays = dict[str, NDArray[Any]]
"""Learned numbers by PyTorch's names for them."""


@singledispatch
def record(stage: Stage, row: Row) -> tuple[dict[str, Any], Arrays]:
    """The keys of a stage's text, as numbers, texts, pairs and lists, and its learned arrays.

    Its kind is `stage.name`, under which `KINDS` of the scripts knows it.
    """
    raise unknown(stage, "the page's record")


@record.register(stages.Conv)
def _convolution(stage: stages.Conv, row: Row) -> tuple[dict[str, Any], Arrays]:
    source = stage.source(row.input[2])
    keys = _of_filters(stage, source) | {"border": str(stage.border), "flip": stage.flip, "scale": stage.scale}
    if isinstance(source, FilterBank):
        return keys | {"bank": source.name}, _present(weight=source.weight, bias=source.bias)
    return keys, {}


def _of_filters(stage: stages.Conv | stages.ConvTranspose, source: Any) -> dict[str, Any]:
    """The keys that convolutions and transposed ones share."""
    return {
        "kernels": [kernel_record(each) for each in source] if isinstance(source, tuple) else [],
        "sizes": None if stage.sizes is None else {"count": stage.sizes[0], "window": stage.sizes[1]},
        "file": None if stage.file is None else stage.file.arguments("kernel"),
        "stride": stage.stride,
        "padding": stage.padding,
        "dilation": stage.dilation,
        "groups": stage.groups,
        "bias": float(stage.bias),
        "biased": stage.biased,
        "numbers": stage.learned_arguments(),
    }


def _present(**arrays: NDArray[Any] | None) -> Arrays:
    return {name: array for name, array in arrays.items() if array is not None}


def kernel_record(kernel: Kernel) -> dict[str, Any]:
    """A kernel: the numbers before the scale, the scale as a numerator and a denominator, and how filters combine."""
    scale = kernel.scale if isinstance(kernel.scale, Fraction) else Fraction(kernel.scale)
    return {
        "name": kernel.name,
        "filters": kernel.filters,
        "scale": [scale.numerator, scale.denominator],
        "combine": kernel.combine,
    }


@record.register(stages.Pool)
def _pool(stage: stages.Pool, row: Row) -> tuple[dict[str, Any], Arrays]:
    keys = {
        "window": stage.window,
        "stride": stage.strides,
        "padding": stage.padding,
        "dilation": stage.dilation,
        "ceil_mode": stage.ceil_mode,
        "count_include_pad": stage.count_include_pad,
    }
    return keys, {}


@record.register(stages.Activation)
def _activation(stage: stages.Activation, row: Row) -> tuple[dict[str, Any], Arrays]:
    return stage.named, {}


@record.register(stages.ConvTranspose)
def _transposed(stage: stages.ConvTranspose, row: Row) -> tuple[dict[str, Any], Arrays]:
    source = stage.source(row.input[2])
    keys = _of_filters(stage, source) | {"output_padding": stage.output_padding}
    if isinstance(source, TransposedBank):
        return keys | {"bank": source.name}, _present(weight=source.weight, bias=source.bias)
    return keys, {}


@record.register(stages.BatchNorm | stages.PReLU)
def _each_map(stage: stages.EachMap, row: Row) -> tuple[dict[str, Any], Arrays]:
    return {**_values(stage), "numbers": stage.learned_arguments()}, stage.by_role(row.input[-1])


@record.register(
    stages.LocalResponse | stages.Normalize | stages.Pad | stages.Shuffle | stages.Dropout | stages.Upsample
)
@record.register(stages.Crop)
def _of_values(stage: Stage, row: Row) -> tuple[dict[str, Any], Arrays]:
    return _values(stage), {}


def _values(stage: Stage) -> dict[str, Any]:
    """What a stage is made of, but for learned numbers, by the names in its text."""
    values = {each.name: getattr(stage, each.name) for each in dataclasses.fields(stage) if each.name != "learned"}
    return {name: str(value) if isinstance(value, Border) else value for name, value in values.items()}


@record.register(stages.Resize)
def _resize(stage: stages.Resize, row: Row) -> tuple[dict[str, Any], Arrays]:
    keys = {
        "arguments": stage.arguments(),
        "from": row.input[:2],
        "size": row.output[:2],
        "arithmetic": row.arithmetic,
        "spacing": [[float(number) for number in stage.spacing(row.input, axis)] for axis in (0, 1)],
    }
    return keys, {name: _taps(stage, row, axis) for axis, name in enumerate(("rows", "columns"))}


def _taps(stage: stages.Resize, row: Row, axis: int) -> NDArray[np.float32]:
    """A row for each value along an axis: the first sample that it is made of, and the weights from there on."""
    taps = [stage.taps(row.input, axis, place) for place in range(row.output[axis])]
    table = np.zeros((len(taps), 1 + max(each[-1][0] - each[0][0] + 1 for each in taps)), np.float32)
    for line, each in zip(table, taps, strict=True):
        line[0] = each[0][0]
        for sample, weight in each:
            line[1 + sample - each[0][0]] = weight
    return table


@record.register(stages.Absolute | stages.Gray | stages.Rgb | stages.Softmax)
@record.register(stages.GlobalAveragePool | stages.GlobalMaxPool | stages.Flatten)
@record.register(stages.Add | stages.Multiply | stages.Concat)
def _without_keys(stage: Stage, row: Row) -> tuple[dict[str, Any], Arrays]:
    return {}, {}


@record.register(stages.Magnitude)
def _magnitude(stage: stages.Magnitude, row: Row) -> tuple[dict[str, Any], Arrays]:
    return {"count": stage.count}, {}


@record.register(stages.Dense)
def _dense(stage: stages.Dense, row: Row) -> tuple[dict[str, Any], Arrays]:
    weight, bias = stage.matrix(row.input[0])
    keys = {
        "units": stage.units,
        "file": None if stage.file is None else stage.file.arguments("weights"),
        "layout": stage.order,
        "flattened": row.flattened,
        "biased": stage.biased,
        "numbers": stage.learned_arguments(),
    }
    return keys, _present(weight=weight, bias=bias)
