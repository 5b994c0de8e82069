"""The weights that the sums over pixels tell, and how certain each is."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from cnnfilter.engine.geometry import Array
from cnnfilter.errors import ArgumentError
from cnnfilter.learning.kernels.sums import Sums

UNDETERMINED = 1e-12
"""Variation along a direction of the weights, as a part of the largest, below which pictures do not tell the weights
apart: float64 resolves less."""


class Moments(NamedTuple):
    """Means over the pixels that count, about their means.

    Parameters
    ----------
    pixels : int
    window : ndarray, (n,)
        The mean window, less the middle of the pixels' range.
    mean : float
        Of what a filter made of them.
    covariance : ndarray, (n, n)
        Of the samples of windows.
    joint : ndarray, (n,)
        Covariances with what a filter made of them.
    variance : float
        Of that.
    """

    pixels: int
    window: Array
    mean: float
    covariance: Array
    joint: Array
    variance: float


class Solution(NamedTuple):
    """Weights in closed form.

    Parameters
    ----------
    weights : ndarray, (n,)
    bias : float
    spread : ndarray, (n,)
        The standard error of each weight, for an error of each pixel of 1; infinite where pictures do not tell.
    bias_spread : float
        That of the bias.
    rank : int
        How many of the weights, or sums of them, pictures tell.
    """

    weights: Array
    bias: float
    spread: Array
    bias_spread: float
    rank: int


def moments(sums: Sums) -> Moments:
    """The means of sums; differences of whole numbers are taken before anything is rounded.

    Raises
    ------
    ArgumentError
        If there are no more pixels than weights.
    """
    count, weights = sums.count, len(sums.windows)
    if count <= weights + 1:
        clipped = "" if count else ": all others are black or white, or there are none"
        msg = (
            f"{count} pixels are too few for {weights} weights and a bias{clipped}; give larger pictures, or learn less"
        )
        raise ArgumentError(msg)

    def times_count(values: Array, one: Array, other: Array) -> Array:
        exact = object if values.dtype.kind == "i" and one.dtype.kind == other.dtype.kind == "i" else np.float64
        difference = values.astype(exact) * count - one.astype(exact) * other.astype(exact)
        mean: Array = np.asarray(difference).astype(np.float64) / count**2
        return mean

    response = np.asarray(sums.response)
    return Moments(
        count,
        sums.windows / count,
        float(sums.response) / count,
        times_count(sums.products, sums.windows[:, None], sums.windows[None]),
        times_count(sums.joint, sums.windows, response),
        float(times_count(np.asarray(sums.square), response, response)),
    )


def solve(found: Moments, middle: float) -> Solution:
    """The weights and the bias with the least sum of squares; the smallest ones where pictures leave a choice.

    Parameters
    ----------
    found : Moments
    middle : float
        What was taken off the pixels.
    """
    values, directions = np.linalg.eigh(found.covariance)
    told = values > UNDETERMINED * max(values[-1], 0)
    inverse = directions[:, told] / values[told] @ directions[:, told].T
    weights = inverse @ found.joint
    weights += inverse @ (found.joint - found.covariance @ weights)  # what rounding took is given back
    spread = np.sqrt(np.maximum(np.diag(inverse), 0) / found.pixels)
    untold = np.square(directions[:, ~told]).sum(axis=1) > UNDETERMINED**0.5
    window = found.window + middle
    bias_spread = np.sqrt((1 + max(float(window @ inverse @ window), 0)) / found.pixels)
    return Solution(
        weights,
        found.mean - float(weights @ window),
        np.where(untold, np.inf, spread),
        float(bias_spread) if told.all() else np.inf,
        int(np.count_nonzero(told)),
    )
