"""Optimisers: how numbers follow their gradients, as PyTorch's SGD and Adam do.

With the learning rate l, the gradient g of a number w, and the weight decay d, which adds d*w to g.

References
----------
https://docs.pytorch.org/docs/stable/generated/torch.optim.SGD.html,
https://docs.pytorch.org/docs/stable/generated/torch.optim.Adam.html; Kingma and Ba, 2015, arXiv:1412.6980
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping

import numpy as np

from cnnfilter.engine.groups import Array

MOMENTUM = 0.9
BETA_1, BETA_2, EPSILON = 0.9, 0.999, 1e-8


class Optimiser(ABC):
    """What moves numbers by their gradients.

    Parameters
    ----------
    rate : float
        The learning rate.
    decay : float
        The weight decay.

    Attributes
    ----------
    state : dict of str to ndarray
        What it remembers, by names of its own before those of the numbers.
    steps : int
        How many steps were made.
    """

    def __init__(self, rate: float, decay: float = 0.0) -> None:
        self.rate, self.decay = rate, decay
        self.state: dict[str, Array] = {}
        self.steps = 0

    def step(self, parameters: Mapping[str, Array], gradients: Mapping[str, Array]) -> None:
        """Move all numbers that have gradients, in place."""
        self.steps += 1
        with np.errstate(all="ignore"):  # a loss that is not finite is told of where it is computed
            for name, gradient in gradients.items():
                weight = parameters[name]
                slope = gradient + np.float32(self.decay) * weight if self.decay else gradient
                self._move(name, weight, slope)

    @abstractmethod
    def _move(self, name: str, weight: Array, slope: Array) -> None:
        """Move the numbers of one array."""

    def _remembered(self, word: str, name: str, weight: Array) -> Array:
        known = f"{word}/{name}"
        if known not in self.state:
            self.state[known] = np.zeros_like(weight)
        return self.state[known]


class Plain(Optimiser):
    """w - l*g."""

    def _move(self, name: str, weight: Array, slope: Array) -> None:
        weight -= np.float32(self.rate) * slope


class Momentum(Optimiser):
    """v = 0.9 v + g; w - l*v."""

    def _move(self, name: str, weight: Array, slope: Array) -> None:
        speed = self._remembered("speed", name, weight)
        speed *= np.float32(MOMENTUM)
        speed += slope
        weight -= np.float32(self.rate) * speed


class Adam(Optimiser):
    """m = 0.9 m + 0.1 g; v = 0.999 v + 0.001 g^2; w - l * m/(1 - 0.9^t) / (sqrt(v/(1 - 0.999^t)) + 1e-8) at step t."""

    def _move(self, name: str, weight: Array, slope: Array) -> None:
        mean, square = self._remembered("mean", name, weight), self._remembered("square", name, weight)
        mean += np.float32(1 - BETA_1) * (slope - mean)
        square *= np.float32(BETA_2)
        square += np.float32(1 - BETA_2) * slope * slope
        below = np.sqrt(square)
        below /= np.float32(math.sqrt(1 - BETA_2**self.steps))
        below += np.float32(EPSILON)
        np.divide(mean, below, out=below)
        below *= np.float32(self.rate / (1 - BETA_1**self.steps))
        weight -= below


OPTIMISERS: dict[str, Callable[[float, float], Optimiser]] = {"sgd": Plain, "momentum": Momentum, "adam": Adam}
