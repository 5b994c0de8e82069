"""What stages take from weight files."""

from __future__ import annotations

from functools import singledispatch

from cnnfilter.network.stages import (
    Absolute,
    Activation,
    Conv,
    Dense,
    Flatten,
    GlobalAveragePool,
    Gray,
    Magnitude,
    Normalize,
    Pool,
    Softmax,
    Stage,
)
from cnnfilter.network.stages.base import unknown
from cnnfilter.weights.layouts import readings


@singledispatch
def load(stage: Stage) -> None:
    """Read a stage's arrays now, which otherwise are read when they are first needed.

    Raises
    ------
    KernelError, MissingExtraError
        If its file cannot be used, or may be read in two ways whatever arrives.
    """
    raise unknown(stage, "reading of weights")


@load.register(Conv)
def _conv(stage: Conv) -> None:
    if stage.file is None:
        return
    inputs = {each.lengths[1] for each in readings(stage.file.filters.weight.shape, stage.file.layout)}
    if len(inputs) == 1 and not stage.depthwise:
        stage.bank(inputs.pop() * stage.groups)


@load.register(Dense)
def _dense(stage: Dense) -> None:
    if stage.file is not None:
        _ = stage.file.dense


@load.register(Absolute)
@load.register(Activation)
@load.register(Flatten)
@load.register(GlobalAveragePool)
@load.register(Gray)
@load.register(Magnitude)
@load.register(Normalize)
@load.register(Pool)
@load.register(Softmax)
def _nothing(stage: Stage) -> None:
    """Leave out what has no weights."""
