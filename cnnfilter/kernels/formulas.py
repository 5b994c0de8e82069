"""Kernels that follow from a formula: what is behind the entries of the catalogue that have parameters."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from typing import NamedTuple

from cnnfilter.errors import ArgumentError
from cnnfilter.kernels.matrix import MAX_SIDE, Matrix
from cnnfilter.text.numbers import show_number

LARGEST_EXACT_BINOMIAL = 30
"""The widest binomial kernel whose integers a float holds exactly; wider ones are computed already scaled."""

GAUSSIAN_REACH = 3
"""A Gaussian's window ends at 3 sigma, where 1% of its peak is left."""

LOG_REACH = 4
"""The Laplacian of a Gaussian falls off later: at 3 sigma it still has 4% of its peak, at 4 sigma 0.2%."""


class Matrices(NamedTuple):
    """The numbers of a kernel: its filters before the scale, their scale, and how the results combine."""

    filters: tuple[Matrix, ...]
    scale: Fraction | float = 1
    combine: str | None = None


def compass(east: Matrix) -> tuple[Matrix, ...]:
    """The eight directions of a 3x3 kernel, from east counterclockwise, by turning its outer ring."""
    ring = ((0, 0), (0, 1), (0, 2), (1, 2), (2, 2), (2, 1), (2, 0), (1, 0))
    directions = []
    for turn in range(8):
        rows = [list(row) for row in east]
        for place, (i, j) in enumerate(ring):
            source = ring[(place + turn) % 8]
            rows[i][j] = east[source[0]][source[1]]
        directions.append(tuple(tuple(row) for row in rows))
    return tuple(directions)


def box(size: int) -> Matrices:
    """The mean over `size` x `size` pixels."""
    return Matrices((((1,) * size,) * size,), Fraction(1, size * size))


def gaussian(size: int | None, sigma: float | None) -> Matrices:
    """A Gaussian of sum 1: sampled if `sigma` is given, else the binomial of `size` (3 by default)."""
    if sigma is None:
        return _binomial(size or 3)
    return Matrices((_sampled_gaussian(sigma, size or 2 * _radius(sigma, GAUSSIAN_REACH) + 1),))


def laplacian_of_gaussian(sigma: float) -> Matrices:
    """The Laplacian of a Gaussian; its centre is negative, as `laplacian`'s is.

    Notes
    -----
    ``LoG(r) = (r^2 - 2 sigma^2) / sigma^4 * g(r)``, where `g` is the sampled Gaussian of sum 1; then the mean
    is taken off every weight, so that the sum is 0. Both steps are those of MATLAB's `fspecial('log')`.
    """
    radius = _radius(sigma, LOG_REACH)
    offsets = [(i / sigma) * (i / sigma) for i in range(-radius, radius + 1)]
    samples = _sampled_gaussian(sigma, 2 * radius + 1)
    rows = [
        [(y + x - 2) / (sigma * sigma) * g for x, g in zip(offsets, row, strict=True)]
        for y, row in zip(offsets, samples, strict=True)
    ]
    return Matrices((_zero_sum(rows),))


def difference_of_gaussians(sigma: float, ratio: float | None, sigma2: float | None) -> Matrices:
    """The Gaussian of `sigma` minus the wider one of `sigma2`, or of `ratio` times `sigma`."""
    if ratio is not None and sigma2 is not None:
        msg = "give ratio or sigma2, not both"
        raise ArgumentError(msg)
    wide = sigma2 if sigma2 is not None else sigma * (ratio if ratio is not None else 1.6)
    if wide <= sigma:
        msg = f"sigma2 must be more than sigma ({show_number(sigma)}), not {show_number(wide)}"
        raise ArgumentError(msg)
    size = 2 * _radius(wide, GAUSSIAN_REACH) + 1
    pairs = zip(_sampled_gaussian(sigma, size), _sampled_gaussian(wide, size), strict=True)
    return Matrices((_zero_sum([[a - b for a, b in zip(*rows, strict=True)] for rows in pairs]),))


def unsharp(amount: float, sigma: float | None) -> Matrices:
    """The picture plus `amount` times what a Gaussian blur takes away from it.

    Notes
    -----
    ``(1 + amount) * identity - amount * G``. Without `sigma`, `G` is the 5x5 binomial, which with amount 1
    gives the well-known matrix with 476 in the centre, over 256.
    """
    blur, scale, _ = gaussian(5, None) if sigma is None else gaussian(None, sigma)
    centre = len(blur[0]) // 2
    rows = [[-amount * value for value in row] for row in blur[0]]
    rows[centre][centre] += (1 + amount) * (scale.denominator if isinstance(scale, Fraction) else 1)
    return Matrices((_matrix(rows),), scale)


def motion(length: int, angle: float) -> Matrices:
    """The mean along a line of `length` pixels, `angle` degrees counterclockwise from the x axis.

    Notes
    -----
    A weight is ``max(0, 1 - d)``, where `d` is the distance in pixels from the pixel's centre to the
    segment of length ``length - 1`` through the middle, as in MATLAB's `fspecial('motion')`; the sum is 1.
    """
    half = (length - 1) / 2
    # The y axis of a picture points down.
    along = half * math.cos(math.radians(angle)), -half * math.sin(math.radians(angle))
    # Rounding takes off the dust that an angle of 90 degrees leaves beside the line.
    reach = [math.ceil(round(abs(part) + 1, 9)) - 1 for part in along]
    rows = [
        [_line_weight(x, y, along, half) for x in range(-reach[0], reach[0] + 1)]
        for y in range(-reach[1], reach[1] + 1)
    ]
    total = math.fsum(map(math.fsum, rows))
    return Matrices((_matrix(rows),), Fraction(1, int(total)) if total == int(total) else 1 / total)


def _line_weight(x: int, y: int, along: tuple[float, float], half: float) -> float:
    # The nearest point of the segment is at the fraction `t` of one half, between the ends -1 and 1.
    t = max(-1.0, min(1.0, (x * along[0] + y * along[1]) / (half * half))) if half else 0.0
    return round(max(0.0, 1 - math.hypot(x - t * along[0], y - t * along[1])), 9)


def _matrix(rows: Sequence[Sequence[float]]) -> Matrix:
    return tuple(tuple(row) for row in rows)


def _radius(sigma: float, reach: int) -> int:
    radius = math.ceil(reach * sigma)
    if 2 * radius + 1 > MAX_SIDE:
        widest = MAX_SIDE // 2 / reach
        size = f"{2 * radius + 1} pixels, at most {MAX_SIDE}"
        msg = f"sigma {show_number(sigma)} needs {size}; use sigma up to {widest:.4g}"
        raise ArgumentError(msg)
    return radius


def _binomial(size: int) -> Matrices:
    integers = [math.comb(size - 1, k) for k in range(size)]
    if size <= LARGEST_EXACT_BINOMIAL:
        return Matrices((_matrix([[a * b for b in integers] for a in integers]),), Fraction(1, 4 ** (size - 1)))
    row = [value / 2 ** (size - 1) for value in integers]
    return Matrices((_matrix([[a * b for b in row] for a in row]),))


def _sampled_gaussian(sigma: float, size: int) -> Matrix:
    distances = [(i - (size - 1) / 2) / sigma for i in range(size)]
    # Relative to the smallest distance, so that a small sigma in an even window keeps its nearest samples.
    nearest = min(d * d for d in distances)
    samples = [math.exp((nearest - d * d) / 2) for d in distances]
    total = math.fsum(samples)
    row = [value / total for value in samples]
    return _matrix([[a * b for b in row] for a in row])


def _zero_sum(rows: Sequence[Sequence[float]]) -> Matrix:
    """Take the mean off, so that the weights add up to 0 exactly, as float64 and as float32.

    Every weight becomes a whole number of one power of two, small enough that float32 holds each; whole
    numbers add up without rounding, and what is left over (a few units) goes to the centre.
    """
    count = sum(len(row) for row in rows)
    mean = math.fsum(map(math.fsum, rows)) / count
    peak = max(abs(value - mean) for row in rows for value in row)
    unit = math.ldexp(1, math.frexp(peak)[1] - 23)
    units = [[round((value - mean) / unit) for value in row] for row in rows]
    centre = len(rows) // 2
    units[centre][centre] -= sum(map(sum, units))
    return _matrix([[value * unit for value in row] for row in units])
