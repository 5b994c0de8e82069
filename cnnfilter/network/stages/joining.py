"""Stages that read several results: branches of a network that meet again."""

from __future__ import annotations

from abc import abstractmethod

from cnnfilter.errors import ShapeError
from cnnfilter.messages import show_shape
from cnnfilter.network.stages.base import Stage
from cnnfilter.network.stages.text import Shape


class Join(Stage):
    """What is made of several results, sample by sample or map by map."""

    takes, gives = "either", "same"

    @abstractmethod
    def output(self, *shapes: Shape) -> Shape:
        """The size of the result for inputs of these sizes.

        Raises
        ------
        ShapeError
            If they do not go together.
        """

    def arithmetic(self, *shapes: Shape) -> str:
        """None: the size is that of what it reads."""
        return ""

    def misfit(self, shapes: tuple[Shape, ...], wanted: str) -> ShapeError:
        """The error of inputs that do not go together."""
        return ShapeError(f"takes {wanted}, not {' and '.join(map(show_shape, shapes))}")


class _SampleBySample(Join):
    def output(self, *shapes: Shape) -> Shape:
        """The size that all have; along an axis where one has 1, its sample meets all of the others'."""
        if len({len(shape) for shape in shapes}) > 1:
            raise self.misfit(shapes, "either maps or vectors")
        axes = [sorted({*sizes} - {1}) or [1] for sizes in zip(*shapes, strict=True)]
        if any(len(sizes) > 1 for sizes in axes):
            raise self.misfit(shapes, "results of one size, or of 1 along an axis")
        return tuple(sizes[0] for sizes in axes)


class Add(_SampleBySample):
    """The sum of some results."""

    name = "add"


class Multiply(_SampleBySample):
    """The product of some results."""

    name = "multiply"


class Concat(Join):
    """The maps of some results one after the other, or their vectors."""

    name = "concat"

    def output(self, *shapes: Shape) -> Shape:
        """The height and width that all have, and the sum of their channels."""
        if len({shape[:-1] for shape in shapes}) > 1:
            raise self.misfit(shapes, "maps of one height and width, or vectors")
        return *shapes[0][:-1], sum(shape[-1] for shape in shapes)

    def arithmetic(self, *shapes: Shape) -> str:
        """The sum of the channels."""
        total = sum(shape[-1] for shape in shapes)
        return f"{' + '.join(str(shape[-1]) for shape in shapes)} = {total}"
