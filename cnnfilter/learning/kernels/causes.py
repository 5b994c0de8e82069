"""Why no kernel turns one picture into the other: what is likely, by how much of what is left over it explains."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from cnnfilter.engine.geometry import Array
from cnnfilter.learning.kernels.pairs import Pair
from cnnfilter.learning.kernels.residuals import Part, inner, predicted, unclipped

MOST = 1 << 20
"""About as many pixels are looked at."""
EXPLAINS = 0.5
"""The part of what is left over, in squares, that a likely cause explains."""
BINS = 64
"""Parts of a range of brightness, of as many pixels each."""
BLOCKS = 8
"""Parts of a picture, down and across."""
CROP = 1024
"""Rows and columns of the middle of a picture that are searched for a shift."""
FARTHEST = 128
"""The largest shift, down or across, that is looked for."""


class Cause(NamedTuple):
    """What may have happened to a picture besides a filter.

    Parameters
    ----------
    word : str
        `"curve"` or `"place"`.
    explained : float
        The part of what is left over, in squares, that it explains.
    text : str
        What is said of it.
    """

    word: str
    explained: float
    text: str


def likely(pair: Pair, part: Part, weight: Array, bias: float) -> Cause | None:
    """What explains most of what a filter leaves over, if anything explains half of it."""
    size = (weight.shape[1], weight.shape[2])
    after = inner(pair.after[:, :, part.plane], size)
    step = max(1, math.ceil(math.sqrt(after.size / MOST)))
    made = predicted(pair, part, weight, bias, step).astype(np.float64)
    there, centre = after[::step, ::step], inner(pair.before[:, :, part.planes[0]], size)[::step, ::step]
    counts = unclipped(there)
    found = [_curve(made, there, centre, counts, pair.full), _place(made, there, counts)]
    best = max(found, key=lambda each: each.explained)
    return best if best.explained >= EXPLAINS else None


def _curve(made: Array, there: Array, centre: Array, counts: Array, full: float) -> Cause:
    """Whether what is left over depends on the brightness alone."""
    result, target = made[counts], there[counts].astype(np.float64)
    order = np.argsort(result, kind="stable")
    left = (target - result)[order]
    groups = np.array_split(left, BINS)
    explained = sum(len(each) * float(each.mean()) ** 2 for each in groups if len(each)) / float(left @ left)
    positive = counts & (centre > 0) & (there > 0)
    gamma = _gamma(np.log(centre[positive] / full), np.log(there[positive] / full))
    told = "a curve of brightness, such as contrast or levels" if gamma is None else f"a gamma of about {gamma:.2f}"
    return Cause("curve", explained, f"{told}: what is left over depends on how bright a pixel is")


def _gamma(before: Array, after: Array) -> float | None:
    """The exponent that turns one brightness into the other, from their logarithms, where one does."""
    if not before.size or not np.ptp(before) or not np.ptp(after):
        return None
    covariance = np.cov(before, after)
    gamma = float(covariance[0, 1] / covariance[0, 0])
    fit = float(covariance[0, 1] ** 2 / (covariance[0, 0] * covariance[1, 1]))
    return gamma if fit > 0.9 and abs(gamma - 1) > 0.02 else None


def _place(made: Array, there: Array, counts: Array) -> Cause:
    """Whether what is left over is a factor that differs from place to place."""
    gains = np.ones((BLOCKS, BLOCKS))
    left = explained = 0.0
    for i, rows in enumerate(np.array_split(np.arange(len(there)), BLOCKS)):
        for j, columns in enumerate(np.array_split(np.arange(there.shape[1]), BLOCKS)):
            at = np.ix_(rows, columns)
            result, target = made[at][counts[at]], there[at][counts[at]].astype(np.float64)
            power, error = float(result @ result), float(np.square(target - result).sum())
            left += error
            if power:
                gains[i, j] = float(result @ target) / power
                explained += error - float(np.square(target - gains[i, j] * result).sum())
    corner = float(np.median(gains[[0, 0, -1, -1], [0, -1, 0, -1]]))
    middle = float(np.median(gains[BLOCKS // 2 - 1 : BLOCKS // 2 + 1, BLOCKS // 2 - 1 : BLOCKS // 2 + 1]))
    is_darker = middle > 0 and corner < 0.95 * middle
    told = (
        f"vignetting: the corners have {100 * corner / middle:.0f}% of the brightness of the middle"
        if is_darker
        else "brightness that changes from place to place, as uneven light does"
    )
    return Cause("place", explained / left, told)


def shift_of(pair: Pair) -> tuple[int, int]:
    """How far down and to the right the second picture lies of the first, by the phases of their spectra."""
    height, width = pair.before.shape[:2]
    rows, columns = min(height, CROP), min(width, CROP)
    top, left = (height - rows) // 2, (width - columns) // 2
    window = np.hanning(rows)[:, None] * np.hanning(columns)
    spectra = []
    for pixels in pair[:2]:
        grey = pixels[top : top + rows, left : left + columns].mean(axis=2, dtype=np.float64)
        spectra.append(np.fft.rfft2((grey - grey.mean()) * window))
    cross = spectra[1] * spectra[0].conj()
    size = np.abs(cross)
    there = np.fft.irfft2(np.divide(cross, size, out=np.zeros_like(cross), where=size > 0), s=(rows, columns))
    far_down, far_right = (min(FARTHEST, side // 3) for side in (rows, columns))
    down, right = np.arange(-far_down, far_down + 1), np.arange(-far_right, far_right + 1)
    near = np.abs(there[np.ix_(down % rows, right % columns)])
    best = np.unravel_index(int(near.argmax()), near.shape)
    return int(down[best[0]]), int(right[best[1]])
