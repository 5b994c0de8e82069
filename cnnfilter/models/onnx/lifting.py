"""Vectors that become maps of one place again.

So a mean of each map decides, through dense layers, how much the map counts (Hu et al., Squeeze-and-Excitation
Networks, 2018).
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from cnnfilter.models.onnx.building import Builder
from cnnfilter.models.onnx.learned import Stored
from cnnfilter.models.onnx.values import ONE, Result, maps_axes
from cnnfilter.network.graph import INPUT
from cnnfilter.network.stages import Conv, Dense, Stage

if TYPE_CHECKING:
    import numpy.typing as npt

    Numbers = npt.NDArray[Any]


def lifted(value: Result, builder: Builder) -> Result:
    """A vector that a graph takes as N x C x 1 x 1, as maps: its dense layers are then convolutions of 1x1.

    It stays as it is where it does not come from maps of one place, or something else takes what is in between.
    """
    chain: list[int] = []
    node = value.node
    while node not in builder.flattened:
        if node == INPUT or builder.drafts[node].stage.takes != "either" and not _is_dense(builder.drafts[node].stage):
            return value
        chain.append(node)
        node = builder.drafts[node].reads[0]
    source = builder.flattened[node]
    between = [*chain[1:], node] if chain else []
    is_read = any(builder.waiting[each] or builder.read[each] > 1 for each in between)
    is_own = builder.is_own(value)
    if is_read or (chain and not is_own) or {"H", "W"} & {*sum(source.names, [])}:
        return value
    for each in chain:
        draft = builder.drafts[each]
        builder.drafts[each] = replace(draft, stage=_as_maps(draft.stage))
    if chain:
        builder.drafts[chain[-1]] = replace(builder.drafts[chain[-1]], reads=(source.node,))
        builder.read.update({source.node: 1, node: -1})
    if is_own:
        builder.left_out.add(node)
    last = chain[0] if chain else source.node
    return value._replace(node=last, axes=maps_axes((), ONE, ONE, value.length("F")))


def _is_dense(stage: Stage) -> bool:
    return isinstance(stage, Dense) and isinstance(stage.learned, Stored)


def _as_maps(stage: Stage) -> Stage:
    """What does to maps of one place what a stage does to a vector."""
    if not isinstance(stage, Dense) or not isinstance(stage.learned, Stored):
        return stage
    tensors = dict(stage.learned.tensors)
    shape = (*tensors["weight"].shape, 1, 1)
    tensors["weight"] = tensors["weight"].derived(shape, partial(_reshaped, shape))
    return Conv(sizes=(shape[0], (1, 1)), biased=stage.biased, learned=Stored(tensors))


def _reshaped(shape: tuple[int, ...], numbers: Numbers) -> Numbers:
    return numbers.reshape(shape)
