"""What each layer of Keras is in stages: functions that `entry` of `table` decorates, by what they take."""

from __future__ import annotations

from cnnfilter.messages import nearest, quoted
from cnnfilter.models.keras import joining, learned, plain
from cnnfilter.models.keras.build import Builder, Call, Tensor
from cnnfilter.models.keras.table import LAYERS

PARTS = joining, learned, plain
"""What fills the table."""


def build(builder: Builder, call: Call) -> Tensor:
    """What a layer gives, whose nodes are added.

    Raises
    ------
    KernelError, ArgumentError
        If it is not known, with the nearest names; or its configuration is not read.
    """
    settings = call.settings
    if settings.problem:
        raise settings.refuse(settings.problem)
    if settings.kind not in LAYERS:
        msg = f"a layer that is not known{nearest(settings.kind, LAYERS)}"
        raise settings.refuse(msg)
    known = LAYERS[settings.kind]
    settings.must_be("data_format", None, "channels_last")
    if call.numbers and settings.kind not in ("Add", "Multiply"):
        msg = f"it is given {quoted(call.numbers[0])}, which is not the result of a layer"
        raise settings.refuse(msg)
    if len(call.inputs) > 1 and not known.joins:
        msg = f"it is given {len(call.inputs)} inputs, but takes one"
        raise settings.refuse(msg)
    return known.build(builder, call)
