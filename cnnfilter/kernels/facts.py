"""What can be said of a kernel from its numbers alone: sum, symmetry, rank, range of the result."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from cnnfilter.kernels.kernel import Kernel, Matrix

SYMMETRIES: dict[str, Callable[[npt.NDArray[np.float64]], npt.NDArray[np.float64]]] = {
    "left-right": np.fliplr,
    "up-down": np.flipud,
    "diagonal": np.transpose,
    "antidiagonal": lambda matrix: np.rot90(matrix, 2).T,
    "half turn": lambda matrix: np.rot90(matrix, 2),
    "quarter turn": np.rot90,
}
"""Mirrors and turns by name."""

TOLERANCE = 1e-6
"""Numbers that differ by less than this part of the largest count as equal: weights are float32."""


@dataclass(frozen=True)
class FilterFacts:
    """Facts about one filter.

    Parameters
    ----------
    matrix : tuple of tuples of numbers
        The filter before the scale.
    sum : float
        Of the scaled weights: what a constant picture is multiplied by.
    symmetric : tuple of str
        The names in `SYMMETRIES` that leave the filter as it is.
    antisymmetric : tuple of str
        Those that turn every sign.
    rank : int
        1 if the filter is separable, a column times a row.
    low, high : float
        The least and the largest result for values from 0 to 255.
    """

    matrix: Matrix
    sum: float
    symmetric: tuple[str, ...]
    antisymmetric: tuple[str, ...]
    rank: int
    low: float
    high: float

    @property
    def separable(self) -> bool:
        """Whether two passes, a column's and a row's, do the same."""
        return self.rank <= 1


@dataclass(frozen=True)
class KernelFacts:
    """Facts about a kernel and each of its filters.

    `low` and `high` bound the combined result for values from 0 to 255; some picture reaches both, unless
    `exact` is false.
    """

    name: str
    source: str
    size: tuple[int, int]
    scale: Fraction | float
    combine: str | None
    filters: tuple[FilterFacts, ...]
    low: float
    high: float
    exact: bool


def describe(kernel: Kernel) -> KernelFacts:
    """What can be said of a kernel from its numbers.

    Parameters
    ----------
    kernel : Kernel
        Any kernel or bank.

    Returns
    -------
    KernelFacts
        With one `FilterFacts` for each filter.

    Notes
    -----
    A filter's result is least where the picture is 255 under its negative weights and 0 elsewhere.

    The magnitude of two filters is bounded exactly: the pairs of results that pictures can give fill a
    polygon, whose corners light all pixels on one side of a line through the plane of the two weights. The
    magnitude of more filters is bounded by the root of the sum of the squares of each one's largest.

    The maximum over filters that add up to nothing is never negative, as their mean is 0. For others the
    least result is only bounded, by the largest of the filters' least ones.

    Examples
    --------
    >>> facts = describe(Kernel("x", (((-1, 0, 1), (-2, 0, 2), (-1, 0, 1)),)))
    >>> facts.low, facts.high, facts.filters[0].rank
    (-1020.0, 1020.0, 1)
    """
    filters = tuple(_describe_filter(matrix, kernel.scale) for matrix in kernel.filters)
    low, high, exact = _range(kernel, filters)
    return KernelFacts(kernel.name, kernel.source, kernel.size, kernel.scale, kernel.combine, filters, low, high, exact)


def _describe_filter(matrix: Matrix, scale: Fraction | float) -> FilterFacts:
    weights = np.array(matrix, dtype=np.float64) * float(scale)
    limit = TOLERANCE * float(np.abs(weights).max())
    symmetric, antisymmetric = (
        tuple(name for name, turn in SYMMETRIES.items() if _same(turn(weights), sign * weights, limit))
        for sign in (1, -1)
    )
    singular = np.linalg.svd(weights, compute_uv=False)
    # Sums before the scale are sums of integers for most kernels, and so exact.
    numbers = [value for row in matrix for value in row]
    falls = math.fsum(value for value in numbers if value < 0) * 255 * scale
    rises = math.fsum(value for value in numbers if value > 0) * 255 * scale
    return FilterFacts(
        matrix=matrix,
        sum=float(math.fsum(numbers) * scale),
        symmetric=symmetric,
        antisymmetric=antisymmetric,
        rank=int(np.count_nonzero(singular > TOLERANCE * singular[0])),
        low=min(falls, rises),
        high=max(falls, rises),
    )


def _same(turned: npt.NDArray[np.float64], weights: npt.NDArray[np.float64], limit: float) -> bool:
    return turned.shape == weights.shape and bool((np.abs(turned - weights) <= limit).all())


def _range(kernel: Kernel, filters: tuple[FilterFacts, ...]) -> tuple[float, float, bool]:
    lows, highs = [each.low for each in filters], [each.high for each in filters]
    if kernel.combine == "magnitude":
        if len(filters) == 2:
            return 0.0, _largest_magnitude(kernel), True
        return 0.0, math.hypot(*(max(-low, high) for low, high in zip(lows, highs, strict=True))), False
    if kernel.combine == "maximum":
        balanced = not np.sum(kernel.filters, axis=0).any()
        return (0.0 if balanced else max(lows)), max(highs), balanced
    return min(lows), max(highs), True


def _largest_magnitude(kernel: Kernel) -> float:
    x, y = (np.array(matrix, dtype=np.float64).ravel() for matrix in kernel.filters)
    # A corner changes where the dividing line passes a tap; between two such angles any one will do.
    passing = np.unique(np.concatenate([np.arctan2(y, x) + turn for turn in (-np.pi / 2, np.pi / 2)]) % (2 * np.pi))
    angles = (passing + np.roll(passing, -1) + 2 * np.pi * (np.arange(len(passing)) == len(passing) - 1)) / 2
    lit = np.outer(np.cos(angles), x) + np.outer(np.sin(angles), y) > 0
    return float(np.hypot(lit @ x, lit @ y).max() * 255 * abs(float(kernel.scale)))
