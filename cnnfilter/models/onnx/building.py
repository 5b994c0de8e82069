"""The network as it grows out of an ONNX graph."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from cnnfilter.errors import CnnfilterError
from cnnfilter.models.onnx.reading import Graph
from cnnfilter.models.onnx.values import (
    Axis,
    Result,
    Size,
    UnsupportedError,
    maps_axes,
    size_of,
    unknown_size,
    vector_axes,
)
from cnnfilter.network.graph import INPUT
from cnnfilter.network.stages import Concat, Flatten, Shape, Stage

_UNKNOWN = {"H": 3 << 22, "W": 5 << 20, "C": 1 << 20, "F": 1 << 24}
"""Sizes put in place of unknown ones to learn which of a result's are known all the same."""


@dataclass
class Draft:
    """A node to be.

    Parameters
    ----------
    stage : Stage
    reads : list of int
    operation : int
        The number of the operation that made it.
    """

    stage: Stage
    reads: tuple[int, ...]
    operation: int


@dataclass
class Builder:
    """Nodes made so far, and what operators ask of the graph around them.

    Parameters
    ----------
    graph : Graph
    drafts : list of Draft
    operation : int
        The number of the one that is at work.
    waiting : Counter
        How many operations and outputs are still to take the result of a node.
    read : Counter
        How many nodes read a node.
    flattened : dict
        The maps behind each result of a flatten.
    left_out : set of int
        Nodes that are not wanted any more.
    """

    graph: Graph
    drafts: list[Draft] = field(default_factory=list)
    operation: int = 0
    waiting: Counter[int] = field(default_factory=Counter)
    read: Counter[int] = field(default_factory=Counter)
    flattened: dict[int, Result] = field(default_factory=dict)
    left_out: set[int] = field(default_factory=set)

    def made(self, stage: Stage, *inputs: Result) -> Result:
        """The maps or vector that a stage gives of some; each reads them as they come, maps or vectors.

        Raises
        ------
        UnsupportedError
            If the stage does not take such sizes.
        """
        sizes = _through(stage, inputs)
        node = self._add(stage, inputs)
        batch = _batch(inputs[-1])
        axes = maps_axes(batch, *sizes) if len(sizes) == 3 else vector_axes(batch, *sizes)
        return Result(node, axes, is_whole=inputs[-1].is_whole)

    def apply(self, stage: Stage, value: Result) -> Result:
        """What a stage that looks at one value at a time makes of a result: its axes stay as they are."""
        return value._replace(node=self._add(stage, (value,)))

    def joined(self, stage: Stage, *inputs: Result) -> Result:
        """What a stage makes of results that have the same axes, which may be in any order, as its result's then are.

        Raises
        ------
        UnsupportedError
            If they have other axes, or do not go together.
        """
        rank = max(len(each.axes) for each in inputs)
        inputs = tuple(each._replace(axes=((),) * (rank - len(each.axes)) + each.axes) for each in inputs)
        order = [max(names, key=len) for names in zip(*(each.names for each in inputs), strict=True)]
        for each in inputs:
            if any(names and names != wanted for names, wanted in zip(each.names, order, strict=True)):
                msg = f"joins results of other axes: {' and '.join(each.show() for each in inputs)}"
                raise UnsupportedError(msg)
        if len({each.order for each in inputs}) > 1:
            msg = "joins vectors that were flattened in other orders"
            raise UnsupportedError(msg)
        made = self.made(stage, *(each._replace(axes=plain_axes(each)) for each in inputs))
        sizes = {name: atom for each in (*inputs, made) for name, atom in each.atoms.items()}
        return made._replace(axes=tuple(tuple(sizes[name] for name in names) for names in order), order=inputs[0].order)

    def concatenated(self, inputs: Sequence[Result], axis: int) -> Result:
        """Results one after the other along an axis, which must be that of channels or of vectors.

        Raises
        ------
        UnsupportedError
            If it is another, or they do not go together.
        """
        from_end = axis - len(inputs[0].axes)
        if all(each.is_maps and from_end == -3 or each.is_vector and from_end == -1 for each in inputs):
            return self.made(Concat(), *inputs)
        if not any(each.names[from_end] == ["C"] for each in inputs if len(each.axes) >= -from_end):
            msg = f"joins along axis {axis} of {inputs[0].show()}; along the channels, or of vectors, it is done"
            raise UnsupportedError(msg)
        return self.joined(Concat(), *inputs)

    def _add(self, stage: Stage, inputs: tuple[Result, ...]) -> int:
        node = len(self.drafts)
        self.drafts.append(Draft(stage, tuple(each.node for each in inputs), self.operation))
        self.read.update(self.drafts[node].reads)
        return node

    def forget(self, count: int) -> None:
        """Leave out what was made after so many nodes, for an operation that turned out not to be known."""
        while len(self.drafts) > count:
            self.read.subtract(self.drafts.pop().reads)
            self.flattened.pop(len(self.drafts), None)

    def stopped(self, stage: Stage, value: Result) -> int:
        """The number of a node that gives nothing, put where an operation is not known."""
        node = self._add(stage, (value,))
        self.read.subtract(self.drafts[node].reads)  # it takes nothing
        return node

    def is_own(self, value: Result) -> bool:
        """Whether the operation at work alone takes a node's result."""
        return not self.read[value.node] and self.waiting[value.node] == 1

    def reads(self, value: Result) -> tuple[int, ...]:
        """What the node of a result reads."""
        return () if value.node == INPUT else self.drafts[value.node].reads

    def change(self, value: Result, stage: Stage) -> None:
        """Give the node of a result another stage, of which it is known that nobody has read it."""
        self.drafts[value.node] = replace(self.drafts[value.node], stage=stage)

    def stage(self, value: Result) -> Stage | None:
        """The stage whose result a value is; None of the network's input."""
        return None if value.node == INPUT else self.drafts[value.node].stage

    def vector(self, value: Result) -> Result:
        """A result as a vector, flattened if it is not one.

        Raises
        ------
        UnsupportedError
            If it is not to be had by flattening maps.
        """
        if value.is_vector:
            return value
        order = flat_order(value)
        if order is None:
            msg = f"takes a vector, but its input has the axes {value.show()}"
            raise UnsupportedError(msg)
        batch = value.axes[0] if len(value.axes) == 2 else None
        source = value._replace(axes=plain_axes(value, batch))
        made = self.made(Flatten(), source)
        self.flattened[made.node] = source
        return made._replace(order=order)

    def maps(self, value: Result, *, batched: bool = True) -> Result:
        """A result as maps.

        Parameters
        ----------
        value : Result
        batched : bool
            Whether there must be an axis for the batch, without which ONNX's windows move over other axes.

        Raises
        ------
        UnsupportedError
            If it is none.
        """
        rank = len(value.axes)
        if not value.is_maps or (batched and rank != 4):
            what = f"{rank - 2}-D data" if rank in (3, 5) else value.show()
            msg = f"takes pictures, N x C x H x W, not {what}"
            raise UnsupportedError(msg)
        return value


def flat_order(value: Result) -> str | None:
    """In which order a value of one axis, beside that of the batch, has maps flattened; None if it does not."""
    names = value.names
    if len(names) == 2 and set(names[0]) <= {"N"}:
        names = names[1:]
    if len(names) != 1:
        return None
    for order in ("chw", "hwc"):
        if [name for name in order.upper() if name in names[0]] == names[0]:
            return order
    return None


def plain_axes(value: Result, batch: Axis | None = ()) -> tuple[Axis, ...]:
    """The axes that a result has as the stages of a network know it: those of maps, or of a vector.

    Raises
    ------
    UnsupportedError
        If an axis was split.
    """
    atoms = value.atoms
    if any("/" in name for name in atoms):
        msg = f"works on channels in groups: {value.show()}"
        raise UnsupportedError(msg)
    if "F" in atoms:
        return vector_axes(batch, atoms["F"].size)
    height, width, channels = map(value.length, "HWC")
    return maps_axes(batch, height, width, channels)


def _batch(value: Result) -> Axis | None:
    return value.axes[0] if len(value.axes) in (2, 4) else None


def _through(stage: Stage, inputs: tuple[Result, ...]) -> tuple[Size, ...]:
    """The size that a stage gives, as far as those of its inputs are known."""
    shapes: list[Shape] = []
    told: dict[int, Size] = {}
    for each in inputs:
        names = "HWC" if each.is_maps else "F"
        sizes = [each.length(name) for name in names]
        known = [size.known for size in sizes]
        shape: Shape = tuple(_UNKNOWN[name] if n is None else n for name, n in zip(names, known, strict=True))
        told |= {n: size for n, size in zip(shape, sizes, strict=True) if size.known is None}
        shapes.append(shape)
    try:
        output = stage.output(*shapes)
    except CnnfilterError as error:
        raise UnsupportedError(str(error)) from None
    limit = min(told) >> 8 if told else max(output) + 1
    return tuple(told[n] if n in told else size_of(n) if n < limit else unknown_size() for n in output)
