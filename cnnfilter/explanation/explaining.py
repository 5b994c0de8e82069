"""From a chain, a picture and a place to the steps behind the value there, the last stage first."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from cnnfilter.engine.arrays import as_samples
from cnnfilter.errors import ArgumentError
from cnnfilter.explanation import steps
from cnnfilter.explanation.evaluation import evaluate
from cnnfilter.explanation.field import ReceptiveField, checked_place, field_of, spot
from cnnfilter.explanation.regions import Place, Region
from cnnfilter.explanation.worked import Result, step_of
from cnnfilter.imaging.mapping import FULL_SCALE
from cnnfilter.messages import show_shape
from cnnfilter.network.graph import INPUT
from cnnfilter.network.plan import Row, at_scale
from cnnfilter.network.stages import Shape, Stage

MOST_TAPS = 1_000_000
"""The largest window whose products are all told: the largest kernel has 998,001."""


class Chain(Protocol):
    """What is explained: a `Pipeline`."""

    @property
    def stages(self) -> tuple[Stage, ...]:
        """All its stages."""

    def check_runnable(self) -> None:
        """Raise an `ArgumentError` if a stage has sizes but no weights."""

    def plan(self, shape: Shape) -> tuple[Row, ...]:
        """A row for each stage."""


@dataclass(frozen=True)
class Explanation:
    """One value of a chain's result.

    Attributes
    ----------
    stages : str
        The chain's text.
    input, output : tuple of int
        (H, W, C) of the picture, and (H, W, C) or (n,) of the result.
    at : tuple of int
        (row, column, map), or (index,) of a vector.
    value : float
    steps : tuple of Step
        The last stage first. Each explains the value that counts most in the one before it: the largest of a
        pool, the largest product of a convolution.
    receptive_field : ReceptiveField
    """

    stages: str
    input: Shape
    output: Shape
    at: Place
    value: float
    steps: tuple[steps.Step, ...]
    receptive_field: ReceptiveField


def explain(pipeline: Chain, picture: Any, at: Sequence[int]) -> Explanation:
    """Explain one value of what a chain makes of a picture.

    Parameters
    ----------
    pipeline : Pipeline
        Any `Chain`.
    picture : array_like, (H, W) or (H, W, C)
        Only what the value depends on is computed with.
    at : sequence of int
        Row and column in the result, counted from 0, and which map (0 if left out); of a vector, the index.

    Returns
    -------
    Explanation
        In float64: `Pipeline.run` gives the same value within the rounding of float32.

    Raises
    ------
    ArgumentError
        If a stage has no weights, or there is no such place; the message has the result's size.
    ShapeError, KernelError
        If a stage does not fit what arrives.

    Examples
    --------
    >>> from cnnfilter import Pipeline
    >>> shown = explain(Pipeline.parse("conv:0 1; 2 3"), [[0, 1, 2], [3, 4, 5], [6, 7, 8]], (0, 0))
    >>> shown.value, shown.steps[0].filters[0].channels[0].products
    (19.0, ((0.0, 1.0), (6.0, 12.0)))
    """
    rows, pixels, shape = planned(pipeline, picture)
    check_windows(rows)
    place = checked_place(at, rows[-1].output)
    values = evaluate(rows, pixels, Region.at(place))
    done: list[steps.Step] = []
    followed: list[tuple[Row, Place]] = []
    number = len(rows) - 1
    following: Place | None = place
    while number != INPUT and following is not None:
        row = rows[number]
        followed.append((row, following))
        value = values.blocks[number].value(following)
        result = Result(number + 1, row, values.given(number, row), following, value)
        with np.errstate(invalid="ignore", over="ignore"):
            done.append(step_of(row.stage, result))
        following = done[-1].follows
        number = row.reads[done[-1].followed]
    field = field_of(rows, values.trace, spot(followed))
    return Explanation(str(pipeline), shape, rows[-1].output, place, done[0].value, tuple(done), field)


def planned(pipeline: Chain, picture: Any) -> tuple[Sequence[Row], NDArray[Any], Shape]:
    """A chain's rows for a picture, which has a scale; its pixels; and their size (H, W, C)."""
    pipeline.check_runnable()
    if not pipeline.stages:
        msg = "a chain without stages has nothing to explain"
        raise ArgumentError(msg)
    pixels = as_samples(picture)
    if pixels.ndim not in (2, 3):
        msg = f"a picture is (H, W) or (H, W, C), not of shape {pixels.shape}"
        raise ArgumentError(msg)
    height, width, channels = np.atleast_3d(pixels).shape
    shape = (height, width, channels)
    rows = at_scale(pipeline.plan(shape), FULL_SCALE[pixels.dtype.name])
    return rows, pixels, shape


def check_windows(rows: Sequence[Row]) -> None:
    """Refuse windows too large to be written out."""
    for number, row in enumerate(rows, 1):
        sliding, sights = row.stage.sliding(row.input), row.stage.sights(row.input) or ()
        window = tuple(math.ceil(sight.size) for sight in sights) if sliding is None else sliding.window
        if math.prod(window) > MOST_TAPS:
            msg = (
                f"stage {number} ({row.stage.name}): a window of {show_shape(window)} is too large to be explained "
                f"(at most {MOST_TAPS:,} taps)"
            )
            raise ArgumentError(msg)
