"""What is known of each stage's gradient: how a batch goes forward through it, and how deltas come back."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from functools import singledispatch
from typing import Any

import numpy as np

from cnnfilter.engine.groups import Array
from cnnfilter.learning.gradients.workspace import Workspace
from cnnfilter.network.plan import Row
from cnnfilter.network.stages.base import Stage, unknown

Gradients = dict[str, Array]
"""The gradients of parameters by their roles."""


class Differentiable(ABC):
    """A stage that learns: batches go forward through it, and deltas back.

    Batches are float32 with the pictures innermost, (C, H, W, N) of maps and (n, N) of vectors, and contiguous:
    neighbours in memory then take part in the same sums, whatever the strides and borders are. Results may lie where
    the next batch's will: see `Workspace`.

    Attributes
    ----------
    parameters : dict of str to ndarray
        The learned numbers by PyTorch's roles, which optimisers write in place: float32, of its own. What is measured,
        `running_mean` and `running_var`, is among them, but has no gradient.
    space : Workspace
        What it computes in, and the threads that take part; the result does not depend on their number.
    learns : bool
        Whether gradients of parameters are wanted, which take time.
    seed : tuple of int
        What is drawn by chance follows from: see `Trainable`.
    """

    def __init__(self) -> None:
        self.parameters: dict[str, Array] = {}
        self.space = Workspace()
        self.learns = True
        self.seed: tuple[int, ...] = (0,)

    @abstractmethod
    def forward(self, inputs: Sequence[Array], training: bool) -> tuple[Array, Any]:
        """Compute the result for a batch.

        Parameters
        ----------
        inputs : sequence of ndarray
            One for each result that the stage reads.
        training : bool
            Whether batches are normalised by themselves, and values dropped.

        Returns
        -------
        output : ndarray
        kept : object
            What `backward` takes.
        """

    @abstractmethod
    def backward(self, kept: Any, delta: Array, wanted: bool = True) -> tuple[list[Array], Gradients]:
        """Compute the gradients from that of the loss with respect to the output.

        Parameters
        ----------
        kept : object
            What `forward` gave.
        delta : ndarray
            Of the output's shape.
        wanted : bool
            Whether the gradients with respect to the inputs are; without, the list may be empty.

        Returns
        -------
        deltas : list of ndarray
            With respect to each input.
        gradients : dict of str to ndarray
            With respect to the parameters, by their roles; some may be missing where the stage does not learn.
        """


@singledispatch
def differentiable(stage: Stage, row: Row) -> Differentiable:
    """The gradient of a stage at its place of a plan.

    Raises
    ------
    ArgumentError, KernelError, MissingExtraError
        If its numbers are unknown or cannot be used.
    """
    raise unknown(stage, "gradients")


class Fixed(Differentiable):
    """A stage of one input without learned numbers."""

    @abstractmethod
    def value(self, x: Array) -> tuple[Array, Any]:
        """The result, and what `delta` takes of it."""

    @abstractmethod
    def delta(self, kept: Any, delta: Array) -> Array:
        """The gradient with respect to the input."""

    def forward(self, inputs: Sequence[Array], training: bool) -> tuple[Array, Any]:
        """See `Differentiable.forward`."""
        return self.value(inputs[0])

    def backward(self, kept: Any, delta: Array, wanted: bool = True) -> tuple[list[Array], Gradients]:
        """See `Differentiable.backward`."""
        return [self.delta(kept, delta)], {}


def own(parameters: Mapping[str, Array | None]) -> dict[str, Array]:
    """Copies of the parameters that there are, which may be written."""
    return {role: np.array(each, np.float32) for role, each in parameters.items() if each is not None}


def each_map(numbers: Array, x: Array) -> Array:
    """A number for each map, or one for all, so shaped that it meets the values of (C, H, W, N) or (n, N)."""
    return numbers.reshape(-1, *[1] * (x.ndim - 1))


def over_maps(values: Array) -> Array:
    """The sum of all that is there of each map, (C,), of (C, H, W, N) or (n, N)."""
    total: Array = values.reshape(len(values), -1).sum(axis=1)
    return total
