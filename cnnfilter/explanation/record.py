"""An explanation as plain data for JSON.

::

    {
      "stages": "conv:sobel-x,relu",     the chain
      "input": [H, W, C],                the picture's size
      "output": [H, W, C],               the result's, or [n] of a vector
      "at": [row, column, map],          or [index]
      "value": number,
      "steps": [step, ...],              the last stage first
      "receptive_field": {
        "size": [height, width],         with the padding
        "rows": [first, last],           outside the picture: in the padding
        "columns": [first, last],
        "corners": [[row, column], ...], of the part in the picture: four, or none
        "in_padding": count
      }
    }

Every step has `number`, `kind`, `name` (or null), `stage`, `at`, `value` and `follows`, the place of the input that the
next step explains, or null. By its `kind` there are also:

=============== ==========================================================================================
`convolution`   `filter`, `combine`, `bias` and `filters`: `{"channels", "total", "scale", "value"}`, a channel
                being `{"window", "kernel", "products", "sum"}`
`transposed`    as of `convolution`, and `kernel_rows`, `kernel_columns`: of the kernel, those that the window's
                meet; `stride`, `padding`, `dilation`
`pool`          `pool` ("max", "avg" or "sum"), `window`, `sum` (null for max), `divisor`
`mean`          `sum`, `count`
`largest`       `count`
`resample`      `samples`: as a channel of a convolution
`copy`          nothing else; it follows none where it is the constant of padding
`function`      `inputs`, `formula`
`join`          `reads` (numbers of stages, 0 the picture), `inputs`, `formula`, `source` (which of `reads` is followed)
`flatten`       nothing else
`lrn`           `first`, the map that `inputs` begin with, `squares`, `sum`, `formula`
`dense`         `inputs`, `weights`, `products`, `total`, `bias`
`softmax`       `inputs`, `largest`, `powers`, `sum`
=============== ==========================================================================================

A window is `{"channel", "rows", "columns", "values", "padding"}`; `rows` and `columns` say where its taps lie,
`padding` which of them lie in the padding. A number that is not finite is the text "inf", "-inf" or "nan".
"""

from __future__ import annotations

import dataclasses
import math
from fractions import Fraction
from typing import Any

from cnnfilter.explanation.explaining import Explanation
from cnnfilter.explanation.steps import Step


def to_record(told: Explanation | dict[str, Any]) -> dict[str, Any]:
    """An explanation, or nested data, as dictionaries, lists, numbers and texts that `json.dumps` takes."""
    record: dict[str, Any] = _plain(told)
    return record


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value):
        fields = {field.name: _plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
        if isinstance(value, Step):
            return {"number": fields.pop("number"), "kind": value.kind, **fields}
        return fields
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value]
    if isinstance(value, Fraction):
        return float(value)
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, float) and value == int(value) and abs(value) < 2**53:
        return int(value)
    return value
