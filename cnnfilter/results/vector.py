"""A vector that a chain gives, as it is told."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from cnnfilter.network.graph import INPUT, Network, Node
from cnnfilter.network.stages import Activation, Flatten, Softmax, Stage

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from cnnfilter.network.plan import Row


class Vector(NamedTuple):
    """The values of a vector, as they are told.

    Parameters
    ----------
    values : ndarray of float32, (n,)
    labels : tuple of str, optional
        One for each.
    top : int, optional
        How many of the largest are told; by default all.
    shares : bool
        Whether they are parts of a whole, which are told in per cent.
    """

    values: npt.NDArray[np.float32]
    labels: tuple[str, ...] | None = None
    top: int | None = None
    shares: bool = False

    def scores(self) -> list[dict[str, Any]]:
        """The values with their indices and labels, the largest first if only some are wanted."""
        values = self.values.tolist()
        order: Sequence[int] = range(len(values))
        if self.top is not None:  # NaN, which is in no order, comes last
            order = sorted(order, key=lambda i: (math.isnan(values[i]), -values[i]))[: self.top]
        return [
            {"index": i, "value": values[i]} | ({} if self.labels is None else {"label": self.labels[i]}) for i in order
        ]


def are_shares(rows: Sequence[Row]) -> bool:
    """Whether the values of a vector are parts of a whole: a softmax gave them."""
    return isinstance(_deciding(rows), Softmax)


def score_notes(rows: Sequence[Row]) -> tuple[str, ...]:
    """How to get per cent, where a network gives something else."""
    if not any(row.params for row in rows) or isinstance(_deciding(rows), Softmax | Activation):
        return ()
    return ("these are scores; with ,softmax behind the last stage they become per cent",)


def _deciding(rows: Sequence[Row]) -> Stage:
    """The stage that says what the values of a vector are: the last that does more than lay points in a line."""
    row = rows[-1]
    while isinstance(row.stage, Flatten) and _are_points(row.input) and row.reads[0] != INPUT:
        row = rows[row.reads[0]]
    return row.stage


def _are_points(shape: Sequence[int]) -> bool:
    return tuple(shape[:-1]) in ((), (1, 1))


def with_points_in_a_line(network: Network, rows: Sequence[Row]) -> Network:
    """A network that gives a vector where this one gives maps of a point each, as some do that classify.

    Parameters
    ----------
    network : Network
    rows : sequence of Row
        Its plan; empty if that is not known.
    """
    if not rows or rows[-1].output[:2] != (1, 1):
        return network
    return Network([*network, Node(Flatten(), (len(network) - 1,))])
