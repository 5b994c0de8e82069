"""A network planned: the size after every stage, what it costs and what it sees, before there is a pixel."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from cnnfilter.errors import ArgumentError, ShapeError
from cnnfilter.messages import about, shortened, show_shape
from cnnfilter.network.advice import check_learned, misfit
from cnnfilter.network.field import Field, Move
from cnnfilter.network.graph import INPUT, Network, Node
from cnnfilter.network.stages import Dense, Flatten, Normalize, Shape, Stage
from cnnfilter.network.stages.base import dropped
from cnnfilter.network.stages.sight import Number, sliding_sight
from cnnfilter.network.stages.text import show_pair, show_sizes
from cnnfilter.sizes import Pair

LARGEST = 10**9
"""The longest axis of an input: more than any picture has, so that a slip of the finger is told as one."""

LARGEST_RESULT = 10**15
"""The longest axis of a result, receptive field or jump, which a few stages multiply to no picture's."""


COLUMNS = ("STAGE", "INPUT", "OUTPUT", "PARAMS", "MULTIPLY-ADDS", "FIELD", "JUMP", "DROPPED", "ARITHMETIC")
"""What stands over the `cells` of a row."""


@dataclass(frozen=True)
class Row:
    """One stage of a plan.

    Parameters
    ----------
    stage : Stage
    inputs : tuple of tuple of int
        (H, W, C) of maps, or (n,) of a vector: the size of each result that it reads.
    output : tuple of int
    params, macs : int
        Learned numbers; multiply-adds, as torchinfo counts them.
    field : Field
        What one value of the result sees of the network's input.
    arithmetic : str
        The formula behind the size with its numbers; a line for each axis that differs.
    flattened : tuple of int, optional
        The maps (H, W, C) that the vector it takes was flattened from, if no dense stage came between.
    move : Move
        Which rows' results it reads, and what its values see of them.
    name : str, optional
        What it is called.
    """

    stage: Stage
    inputs: tuple[Shape, ...]
    output: Shape
    params: int
    macs: int
    field: Field
    arithmetic: str
    flattened: Shape | None
    move: Move
    name: str | None = None

    @property
    def reads(self) -> tuple[int, ...]:
        """The rows whose results it reads, counted from 0; -1 is the network's input."""
        return self.move.reads

    @property
    def input(self) -> Shape:
        """The size of what it reads; of several results, the last one's."""
        return self.inputs[-1]

    @property
    def receptive_field(self) -> tuple[Number, ...]:
        """How many samples of the network's input one value sees along each axis."""
        return self.field.size

    @property
    def jump(self) -> tuple[Number, ...] | None:
        """How far the fields of neighbouring values lie apart; None where no value has a neighbour."""
        return None if len(self.output) == 1 or self.output[:2] == (1, 1) else self.field.jump

    @property
    def dropped(self) -> Pair | None:
        """How many rows and columns at the end of the input no window reaches; None where no window moves."""
        sliding = self.stage.sliding(self.input)
        if sliding is None:
            return None
        lost = (dropped(self.input[i], self.output[i], i, sliding) - sliding.pads[i][1] for i in (0, 1))
        height, width = (max(count, 0) for count in lost)
        return height, width

    @property
    def cells(self) -> tuple[str, ...]:
        """The row as texts, one for each of `COLUMNS`."""
        return (
            shortened(self.stage),
            show_shape(self.input),
            show_shape(self.output),
            f"{self.params:,}",
            f"{self.macs:,}",
            show_sizes(self.receptive_field),
            "-" if self.jump is None else show_sizes(self.jump if len({*self.jump}) > 1 else self.jump[:1]),
            "" if self.dropped is None else show_pair(self.dropped),
            self.arithmetic,
        )


def parse_size(text: str) -> Shape | None:
    """Read a size `N`, `HxW` or `HxWxC`, or return None if the text is not one.

    Raises
    ------
    ArgumentError
        If a number is 0 or larger than any picture's.

    Examples
    --------
    >>> parse_size("28x28x1"), parse_size("photo.png")
    ((28, 28, 1), None)
    """
    if not re.fullmatch(r"[0-9]+(x[0-9]+){0,2}", text.strip(), re.IGNORECASE):
        return None
    parts = [part.lstrip("0") or "0" for part in text.strip().lower().split("x")]
    for part in parts:
        if len(part) > len(str(LARGEST)) or not 1 <= int(part) <= LARGEST:
            msg = f"a size is from 1 to {LARGEST}, not {part:.20}"
            raise ArgumentError(msg)
    return tuple(int(part) for part in parts)


def input_shape(size: Shape, network: Network | Iterable[Stage]) -> Shape:
    """The input that a size means: one number is a vector before `dense`, else N x N x 1.

    Examples
    --------
    >>> input_shape((784,), [Dense(units=30)]), input_shape((28,), [Flatten()])
    ((784,), (28, 28, 1))
    """
    if len(size) == 1:
        takes = next((stage.takes for stage in Network.of(network).stages if stage.takes != "either"), "maps")
        return size if takes == "vector" else (size[0], size[0], 1)
    return size if len(size) == 3 else (*size, 1)


def plan(network: Network | Iterable[Stage], shape: Shape) -> tuple[Row, ...]:
    """Plan a network.

    Parameters
    ----------
    network : Network or iterable of Stage
        As `cnnfilter.network.grammar.parse` gives it; stages are a chain.
    shape : tuple of int
        The input's: (H, W, C), or (n,).

    Returns
    -------
    tuple of Row
        One for each node.

    Raises
    ------
    ShapeError, ArgumentError, KernelError
        If a stage does not fit what arrives, or its weights cannot be read; the message begins with the stage's
        number, counted from 1, and name.

    Examples
    --------
    >>> from cnnfilter.network.grammar import parse
    >>> [row.output for row in plan(parse("conv:32@3x3,relu,maxpool:2"), (28, 28, 1))]
    [(26, 26, 32), (26, 26, 32), (13, 13, 32)]
    """
    return tuple(planned(network, shape))


def planned(network: Network | Iterable[Stage], shape: Shape) -> Iterator[Row]:
    """The rows of `plan`, those before a stage that does not fit first."""
    if len(shape) not in (1, 3) or min(shape) < 1:
        msg = f"an input is (H, W, C) or (n,) of at least 1 each, not {shape}"
        raise ArgumentError(msg)
    given = _Result(shape, Field.of_input(shape), _places(shape))
    results: list[_Result] = []
    moves: list[Move] = []
    group, advice = None, ""
    for number, node in enumerate(Network.of(network), 1):
        read = [given if each == INPUT else results[each] for each in node.reads]
        if node.group is not group:
            group, advice = node.group, misfit(node.group, read[-1].shape)
        with about(f"stage {number} ({node.stage.name}): ", advice):
            row, result = _planned(node, read, moves)
        yield row
        results.append(result)


class _Result(NamedTuple):
    """What is known of the input, or of a stage's result, while the stages after it are planned.

    Parameters
    ----------
    shape : tuple of int
    field : Field
    places : tuple of int
        How many fields there are along each axis, which `flatten` keeps.
    flattened : tuple of int, optional
        The maps that it was flattened from.
    """

    shape: Shape
    field: Field
    places: tuple[int, ...]
    flattened: Shape | None = None


def _planned(node: Node, read: Sequence[_Result], moves: list[Move]) -> tuple[Row, _Result]:
    """A node's row and result from the results that it reads; what moved over them is added to `moves`."""
    stage, shapes, before = node.stage, tuple(each.shape for each in read), read[-1]
    shape, flattened = before.shape, before.flattened
    output = stage.output(*shapes)
    check_learned(node, shape)
    if isinstance(stage, Dense) and stage.order == "hwc" and flattened is None:
        msg = "layout=hwc needs the flatten before it that made its vector of maps"
        raise ArgumentError(msg)
    places = _places(output) if len(output) == 3 else before.places
    sights, sees_all = stage.sights(shape), stage.sees_all(shape)
    seen = [sliding_sight(count, 1, 1, 0) for count in before.places] if sees_all else sights
    move = Move(node.reads, tuple(each.places for each in read), seen, sees_all)
    moves.append(move)
    if sights is not None:
        field = before.field.through(sights, places)
    else:
        field = Field.joined([each.field for each in read], places)
    if sees_all and any(field.jump):
        field = Field.over_all(before.places, moves)
    _check_sizes(output, field)
    costs = stage.params(shape), stage.macs(shape)
    row = Row(stage, shapes, output, *costs, field, stage.arithmetic(*shapes), flattened, move, node.name)
    if isinstance(stage, Flatten):
        flattened = shape if len(shape) == 3 else flattened
    elif isinstance(stage, Dense):
        flattened = None
    return row, _Result(output, field, places, flattened)


def _check_sizes(output: Shape, field: Field) -> None:
    """Refuse what no picture comes to: the strides of hundreds of stages multiply to numbers of thousands of digits."""
    for name, sizes in (("result", output), ("receptive field", field.size), ("jump", field.jump)):
        if max(sizes) > LARGEST_RESULT:
            msg = (
                f"the {name} would be {show_sizes(sizes)}, more than any picture's (at most {LARGEST_RESULT:,} a side)"
            )
            raise ShapeError(msg)


def at_scale(rows: Iterable[Row], full_scale: float) -> tuple[Row, ...]:
    """A plan for pictures of this full scale, by which `normalize` divides unless it is told otherwise."""
    return tuple(
        replace(row, stage=row.stage.at_scale(full_scale)) if isinstance(row.stage, Normalize) else row for row in rows
    )


def _places(shape: Shape) -> tuple[int, ...]:
    return shape[:2] if len(shape) == 3 else shape
