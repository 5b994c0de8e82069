"""Why no kernel turns one picture into the other: what is likely, by how much of what is left over it explains."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from cnnfilter.engine.geometry import Array
from cnnfilter.learning.kernels.pairs import Pair
from cnnfilter.learning.kernels.residuals import Part, inner, predicted, unclipped

MOST = 1 << 20
"""About as many pixels are looked at."""
EXPLAINS = 0.5
"""The part of what is left over, in squares, that a likely cause explains."""
LEAVES = 0.3
"""What it leaves over at most, as a part of the variation: 64 factors explain half of any other picture."""
MOSTLY = 0.6
"""Of what any curve of brightness explains, the part from which a gamma is said to be it."""
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
    """What explains most of what a filter leaves over, if anything explains half of it and leaves little itself."""
    size = (weight.shape[1], weight.shape[2])
    after = inner(pair.after[:, :, part.plane], size)
    step = max(1, math.ceil(math.sqrt(after.size / MOST)))
    made = predicted(pair, part, weight, bias, step).astype(np.float64)
    there, centre = after[::step, ::step], inner(pair.before[:, :, part.planes[0]], size)[::step, ::step]
    counts = unclipped(there)
    lights = [centre[counts] / pair.full, (made[counts] - bias) / (float(weight.sum()) or 1) / pair.full]
    curve = _curve(made[counts] / pair.full, there[counts] / pair.full, lights)
    found = [curve, _place(made, there, counts)]
    best = max(found, key=lambda each: each.explained)
    left = (1 - best.explained) * np.square(there - made)[counts].mean()
    return best if best.explained >= EXPLAINS and left <= LEAVES**2 * there[counts].var(dtype=np.float64) else None


def _curve(made: Array, there: Array, lights: Sequence[Array]) -> Cause:
    """Whether what is left over depends on the brightness alone, that of the picture or of what is filtered."""
    left = (there - made)[np.argsort(made, kind="stable")]
    groups = np.array_split(left, BINS)
    explained = sum(len(each) * float(each.mean()) ** 2 for each in groups if len(each)) / float(left @ left)
    best, gamma = max(_gamma(made, there, light) for light in lights)
    is_gamma = best > MOSTLY * explained and abs(gamma - 1) > 0.02
    told = f"a gamma of about {gamma:.2f}" if is_gamma else "a curve of brightness, such as contrast or levels"
    return Cause("curve", explained, f"{told}: what is left over depends on how bright a pixel is")


def _gamma(made: Array, there: Array, light: Array) -> tuple[float, float]:
    """How much of what is left over a gamma of some brightness explains, and which."""
    positive = (light > 0) & (there > 0)
    made, there, light = made[positive], there[positive], light[positive]
    if not there.size or not np.ptp(light):
        return -np.inf, 1.0
    before, after = np.log(light), np.log(there)
    apart = before - before.mean()
    gamma = float(apart @ after) / float(apart @ apart)
    with np.errstate(over="ignore"):  # of light that hardly differs, gamma may be anything
        found = np.exp(after.mean() + gamma * apart)
        left = np.square(there - found).sum() / np.square(there - made).sum()
    return 1 - float(left), gamma


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
