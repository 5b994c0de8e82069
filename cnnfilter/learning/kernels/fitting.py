"""The kernel and the bias with the least squares, and what is known of them."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from cnnfilter.engine.geometry import Array
from cnnfilter.errors import ArgumentError
from cnnfilter.learning.kernels import descent
from cnnfilter.learning.kernels.nearest import Nearest, nearest
from cnnfilter.learning.kernels.pairs import Pair
from cnnfilter.learning.kernels.residuals import Part, Residual, inner, residual, unclipped
from cnnfilter.learning.kernels.solving import Moments, moments, solve
from cnnfilter.learning.kernels.sums import MIDDLE, Sums, Windows, centred
from cnnfilter.runtime.forks import lazy
from cnnfilter.sizes import Pair as Size
from cnnfilter.weights.bank import FilterBank


@dataclass(frozen=True, eq=False)
class Learned:
    """A kernel that was learned from pictures, and how good it is.

    Parameters
    ----------
    bank : FilterBank
        The filters with their biases, as `apply` and `conv2d` take them: (1, 1, kh, kw) of one for all channels,
        (C, 1, kh, kw) of one for each, (O, I, kh, kw) of sums.
    errors : ndarray, of the shape of the bank's weights
        The standard error of each weight: infinite where the pictures do not tell it.
    bias_errors : ndarray, (O,)
        That of each bias.
    channels : {"one", "each", "sum"}
    pixels : int
        How many of the result, in all channels, it was learned from.
    clipped : int
        How many were left out since they are black or white, and may have been cut off.
    ranks : tuple of int
        How many weights of each filter, or sums of them, the pictures tell.
    residual : Residual
        What is left over.
    full : float
        White: 255, 65535, or 1 of floats.
    shift : tuple of int
        How many pixels down and to the right the results were taken to lie: (0, 0) unless that explains them.
    notes : tuple of str
        What a person should know, one line each.
    moments : tuple of Moments
        What was learned from, for each filter.
    """

    bank: FilterBank
    errors: Array
    bias_errors: Array
    channels: str
    pixels: int
    clipped: int
    ranks: tuple[int, ...]
    residual: Residual
    full: float
    shift: tuple[int, int]
    notes: tuple[str, ...]
    moments: tuple[Moments, ...]

    @property
    def kernel(self) -> Array:
        """The weights: (kh, kw) float32 of one kernel for all channels, else those of the bank."""
        return self.bank.weight[0, 0] if self.channels == "one" else self.bank.weight

    @property
    def bias(self) -> Any:
        """The bias: a float of one kernel for all channels, else (O,) float32."""
        bias = self.biases
        return float(bias[0]) if self.channels == "one" else bias

    @property
    def biases(self) -> Array:
        """One bias for each filter, (O,) float32."""
        return np.zeros(0, np.float32) if self.bank.bias is None else self.bank.bias

    @property
    def certainty(self) -> Array:
        """The standard error of each weight, in the shape of `kernel`."""
        return self.errors[0, 0] if self.channels == "one" else self.errors

    @property
    def rms(self) -> float:
        """The root of the mean square of what is left over, in the pictures' units."""
        return self.residual.rms

    @property
    def psnr(self) -> float:
        """The same as a peak signal-to-noise ratio, in decibels; infinite where nothing is left over."""
        return self.residual.psnr(self.full)

    @lazy
    def nearest(self) -> Nearest | None:
        """The kernel with a name that is most like it; None if none is, or there are several filters."""
        return nearest(self.kernel.astype(np.float64)) if self.channels == "one" else None

    def descent(self, steps: int = 1000, rate: float | None = None) -> list[descent.Step]:
        """The same kernel by gradient descent from weights of 0, each step over all pixels.

        Parameters
        ----------
        steps : int
        rate : float, optional
            What the gradient is multiplied by; by default 1 over the largest curvature.

        Returns
        -------
        list of Step
            The first ones, those of powers of two, and the last: their number, mean squared error, and weights.

        Raises
        ------
        ArgumentError
            If there are several filters, or the rate is too large.
        """
        if len(self.moments) > 1:
            msg = "gradient descent is told of one filter; learn one for all channels, or of a grey picture"
            raise ArgumentError(msg)
        return descent.descend(self.moments[0], steps, rate)


def parts_of(channels: str, inputs: int, outputs: int) -> list[list[Part]]:
    """For each filter, what it reads and makes."""
    if channels == "sum":
        return [[Part(tuple(range(inputs)), plane)] for plane in range(outputs)]
    each = [Part((plane,), plane) for plane in range(outputs)]
    return [each] if channels == "one" else [[part] for part in each]


def fit(pairs: Sequence[Pair], size: Size, channels: str) -> Learned:
    """Learn from pairs that were checked, without looking for causes.

    Raises
    ------
    ArgumentError
        If too few pixels are left.
    """
    first = pairs[0]
    middle = float(MIDDLE.get(first.before.dtype.name, 0)) or float(first.before.mean(dtype=np.float64))
    filters = parts_of(channels, first.before.shape[2], first.after.shape[2])
    totals: list[Sums | None] = [None] * len(filters)
    clipped = 0
    for pair in pairs:
        windows = _windows(pair, size, middle)
        for number, parts in enumerate(filters):
            for part in parts:
                after = inner(pair.after[:, :, part.plane], size)
                counts = unclipped(after)
                clipped += counts.size - int(np.count_nonzero(counts))
                sums, total = windows(part).sums(after, counts), totals[number]
                totals[number] = sums if total is None else total + sums
    means = [moments(total) for total in totals if total is not None]
    solutions = [solve(each, middle) for each in means]
    weight, bias = _as_stored(
        np.array([each.weights.reshape(-1, *size) for each in solutions]), np.array([each.bias for each in solutions])
    )
    left = [residual(pairs, *each) for each in zip(filters, weight, bias.tolist(), strict=True)]
    errors = [
        math.sqrt(rest.squares / (each.pixels - one.rank - 1))
        for rest, each, one in zip(left, means, solutions, strict=True)
    ]
    return Learned(
        FilterBank("learned", weight, bias),
        np.array([_times(one.spread, sigma) for sigma, one in zip(errors, solutions, strict=True)]).reshape(
            weight.shape
        ),
        np.array([_times(one.bias_spread, sigma) for sigma, one in zip(errors, solutions, strict=True)]),
        channels,
        sum(each.pixels for each in means),
        clipped,
        tuple(each.rank for each in solutions),
        sum(left, start=Residual()),
        first.full,
        (0, 0),
        (),
        tuple(means),
    )


def _windows(pair: Pair, size: Size, middle: float) -> Callable[[Part], Windows]:
    """What gives the windows of what a filter reads; those of the same channels, one after the other, are made once."""

    @functools.lru_cache(maxsize=1)
    def made(planes: tuple[int, ...]) -> Windows:
        return Windows([centred(pair.before[:, :, plane], middle) for plane in planes], size)

    return lambda part: made(part.planes)


def _as_stored(weight: Array, bias: Array) -> tuple[Array, Array]:
    """Weights and biases as float32, without what that does not resolve beside the largest weight.

    What should be 0 or whole is so then, and `apply` leaves it out or sums exactly.
    """
    unit = 2.0 ** (np.frexp(np.abs(weight).max())[1] - 23)
    stored = [(np.round(each / unit) * unit + 0.0).astype(np.float32) for each in (weight, bias)]
    return stored[0], stored[1]


def _times(spread: Any, sigma: float) -> Array:
    """Standard errors for an error `sigma` of each pixel; what pictures do not tell stays infinite."""
    known = np.isfinite(spread)
    return np.where(known, np.where(known, spread, 0) * sigma, np.inf)
