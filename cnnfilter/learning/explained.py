"""How a loss of one picture came about, and where its gradient goes: deltas, back through the stages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from cnnfilter.engine.groups import Array
from cnnfilter.errors import ArgumentError
from cnnfilter.explanation.explaining import Chain, planned
from cnnfilter.explanation.selection import MOST_TERMS
from cnnfilter.imaging.mapping import FULL_SCALE
from cnnfilter.learning.losses import LOSSES, loss
from cnnfilter.learning.network import Seen, Trainable, scores
from cnnfilter.learning.one_weight import Index, WeightGradient, weight_gradient
from cnnfilter.learning.worked import Worked, work
from cnnfilter.messages import show_shape
from cnnfilter.network.graph import Network
from cnnfilter.network.listing import stage_texts
from cnnfilter.network.stages import Shape
from cnnfilter.text.values import one_of


@dataclass(frozen=True, eq=False)
class Gradient:
    """The gradient of a loss with respect to some numbers.

    Attributes
    ----------
    what : str
        `deltas`, or the role of a parameter.
    values : ndarray
        (C, H, W) or (n,) of deltas; as PyTorch has it of parameters.
    """

    what: str
    values: Array

    @property
    def largest(self) -> Index:
        """Where the one of the largest magnitude is."""
        return tuple(map(int, np.unravel_index(int(np.argmax(np.abs(self.values))), self.values.shape)))

    @property
    def size(self) -> Index:
        """The shape as it is told: (H, W, C) of deltas of maps."""
        return _told_last(self.what, self.values.shape)

    @property
    def place(self) -> Index:
        """Where the largest is, as it is told: (row, column, map) of deltas of maps."""
        return _told_last(self.what, self.largest)

    @property
    def rms(self) -> float:
        """The root of the mean square."""
        return float(np.sqrt(np.square(self.values, dtype=np.float64).mean()))


def _told_last(what: str, axes: Index) -> Index:
    """Axes or places with that of the maps at the end, where it is one of deltas."""
    return (*axes[1:], axes[0]) if what == "deltas" else axes


@dataclass(frozen=True, eq=False)
class Passed:
    """What came back to a stage: the deltas of its result, and the gradients of its numbers.

    Attributes
    ----------
    number : int
        The stage's, counted from 1; 0 is the picture.
    name : str, optional
    stage : str
        Its text.
    gradients : tuple of Gradient
        The deltas first.
    """

    number: int
    name: str | None
    stage: str
    gradients: tuple[Gradient, ...]


@dataclass(frozen=True, eq=False)
class Explained:
    """A loss of one picture, and where its gradient goes.

    Attributes
    ----------
    stages : str
    input, output : tuple of int
    left_out : str or None
        What the loss takes the place of at the network's end, or makes of its result.
    loss : Worked
    deltas : tuple of float
        How the loss changes with each of the values that it is made of.
    steps : tuple of Passed
        The last stage first, and at the end the picture.
    weight : WeightGradient, optional
    right : int, optional
        The number of the class that is the right one, counted from 0.
    labels : tuple of str
        The names of the classes, if they have some.
    """

    stages: str
    input: Shape
    output: Shape
    left_out: str | None
    loss: Worked
    deltas: tuple[float, ...]
    steps: tuple[Passed, ...]
    weight: WeightGradient | None = None
    right: int | None = None
    labels: tuple[str, ...] = ()

    @property
    def label(self) -> str | None:
        """The name of the class that is right, if it has one."""
        return None if self.right is None else next(iter(self.labels[self.right : self.right + 1]), None)


class Net(Chain, Protocol):
    """What a loss is explained of: a `Pipeline`."""

    @property
    def network(self) -> Network:
        """Its graph."""


def explain_loss(
    pipeline: Net,
    picture: Any,
    target: int | Sequence[float],
    name: str = "cross-entropy",
    *,
    weight: tuple[str | int, Index] | None = None,
    rate: float = 0.01,
    labels: tuple[str, ...] = (),
) -> Explained:
    """Explain a loss of what a network makes of a picture, and where its gradient goes.

    Parameters
    ----------
    pipeline : Pipeline
    picture : array_like, (H, W) or (H, W, C)
    target : int or sequence of float
        The number of the class that is the right one, counted from 0, or what the result should be.
    name : str
        One of `LOSSES`. What it is `after` is left out where the network ends in it.
    weight : tuple, optional
        A stage's name or number, and the place of one of its weights, whose gradient is told.
    rate : float
        The length of the step that is told of it.
    labels : tuple of str
        The names of the classes, one for each value of the result, if they have some.

    Raises
    ------
    ArgumentError, ShapeError, KernelError, MissingExtraError
        If the network gives no vector, has no such weight, or a stage or the target does not fit.
    """
    known = LOSSES[one_of(name, "loss", LOSSES)]
    rows, pixels, shape = planned(pipeline, picture)
    if len(rows[-1].output) > 1:
        given = show_shape(rows[-1].output)
        msg = f"a loss is explained of a network that gives a vector, not {given}; end it in flatten"
        raise ArgumentError(msg)
    network, texts = scores(pipeline.network, known.after), stage_texts(pipeline.network)
    number = None if weight is None else pipeline.network.find(weight[0])
    net = Trainable(network, shape, scale=FULL_SCALE[pixels.dtype.name])
    net.seen = {}
    maps = np.atleast_3d(pixels).transpose(2, 0, 1)[None].astype(np.float32)
    results = net.forward(maps)[0].astype(np.float64)
    if not np.isfinite(results).all():
        msg = "the network's result is not finite, so that there is no loss to explain"
        raise ArgumentError(msg)
    label, targets = (target, None) if isinstance(target, int) else (None, target)
    worked = work(name, results.tolist(), targets, label=label, scores=known.after is not None)
    _, delta = loss(name, results[None], [worked.targets])
    dx = net.backward(delta)[1]
    back = [
        Passed(place + 1, network[place].name, texts[place], _gradients(seen))
        for place, seen in reversed(net.seen.items())
        if seen.delta is not None
    ]
    if dx is not None:
        back.append(Passed(0, None, "picture", (Gradient("deltas", dx[0]),)))
    told = None
    if weight is not None and number is not None:
        found = weight_gradient(rows[number], net.seen.get(number), weight[1], number)
        told = WeightGradient(number + 1, pipeline.network[number].name, texts[number], weight[1], *found, rate)
    output = rows[-1].output
    return Explained(
        str(pipeline), shape, output, known.after, worked, tuple(delta[0].tolist()), tuple(back), told, label, labels
    )


def _gradients(seen: Seen) -> tuple[Gradient, ...]:
    deltas = [] if seen.delta is None else [Gradient("deltas", seen.delta[0])]
    return (*deltas, *(Gradient(role, values) for role, values in seen.gradients.items()))


def shown_deltas(explained: Explained) -> list[int]:
    """The deltas that are listed, in order: those of the largest magnitudes."""
    places = range(len(explained.deltas))
    return sorted(sorted(places, key=lambda place: -abs(explained.deltas[place]))[:MOST_TERMS])
