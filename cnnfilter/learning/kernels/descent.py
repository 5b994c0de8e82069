"""The same kernel by gradient descent, as networks learn theirs, step by step."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from cnnfilter.engine.geometry import Array
from cnnfilter.errors import ArgumentError
from cnnfilter.learning.kernels.solving import Moments

FIRST = 4
"""Steps up to which all are told; then those of powers of two, and the last."""


class Step(NamedTuple):
    """A step of gradient descent.

    Parameters
    ----------
    number : int
        Counted from 0, before which all weights are 0.
    mse : float
        The mean squared error over the pixels that count.
    weights : ndarray, (n,)
    """

    number: int
    mse: float
    weights: Array


def descend(found: Moments, steps: int, rate: float | None = None) -> list[Step]:
    """Follow the gradient of the mean squared error from weights of 0, all pixels at each step.

    The gradient of a weight is the mean over all pixels of `2 (result - target)` times the sample under it. That is
    `2 (C w - c)`, with the covariances `C` of samples and `c` of samples with targets: the bias is at each step the one
    that fits best, without which it would need a thousand times as many.

    Parameters
    ----------
    found : Moments
    steps : int
    rate : float, optional
        What the gradient is multiplied by; by default 1 over the largest curvature. Less than twice that converges.

    Returns
    -------
    list of Step
        Those that are told.

    Raises
    ------
    ArgumentError
        If the rate is too large.
    """
    curvature = 2 * float(np.linalg.eigvalsh(found.covariance)[-1])
    rate = 1 / curvature if rate is None else rate
    if not 0 < rate < 2 / curvature:
        msg = f"the rate {rate:g} must be more than 0 and less than {2 / curvature:.3g}, from which steps lead away"
        raise ArgumentError(msg)
    weights = np.zeros(len(found.joint))
    told = []
    for number in range(steps + 1):
        gradient = 2 * (found.covariance @ weights - found.joint)
        if number <= FIRST or number == steps or number & (number - 1) == 0:
            mse = found.variance + float(weights @ (gradient / 2 - found.joint))
            told.append(Step(number, max(mse, 0.0), weights.copy()))
        weights -= rate * gradient
    return told
