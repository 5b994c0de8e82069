"""What is said where a learned kernel does not explain the pictures, or the pictures do not tell the kernel."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from cnnfilter.errors import CnnfilterError
from cnnfilter.learning.kernels import causes
from cnnfilter.learning.kernels.fitting import Learned, fit, parts_of
from cnnfilter.learning.kernels.pairs import Pair, check_pairs
from cnnfilter.messages import either, show_shape
from cnnfilter.sizes import Pair as Size

MOST_WEIGHTS = 1024
"""Weights of one filter, over all channels that it sums: their equations take a second."""
POOR = 0.005
"""What is left over, as a part of the variation, from which a filter does not explain a picture,"""
ROUNDING = 0.5
"""if it is also more than this in whole pixels: rounding leaves over 0.29."""
BETTER = 0.5
"""What is left over with another cause taken into account, as a part of that without, that tells."""
CROP = 512
"""Rows and columns of the middle of a picture that other kernels are tried on."""
OTHER = 50
"""What is left over, in per cent of the variation, from which a picture hardly shows the same in the same places."""
UNCERTAIN = 0.1
"""The standard error, as a part of the largest weight, from which a kernel is hardly told."""


def is_poor(found: Learned, pairs: Sequence[Pair]) -> bool:
    """Whether a filter leaves over more than rounding and a little of the variation."""
    rounding = ROUNDING if pairs[0].after.dtype.kind == "u" else 0
    return found.rms > max(POOR * found.residual.variation, rounding)


def shifted(found: Learned, pairs: Sequence[Pair], size: Size) -> Learned | None:
    """The same of pictures that are brought back to each other, if that explains much more, with a note."""
    down, right = causes.shift_of(pairs[0])
    if abs(down) <= (size[0] - 1) // 2 and abs(right) <= (size[1] - 1) // 2:  # which a kernel of the size does itself
        return None
    try:
        moved = [pair.shifted(down, right) for pair in pairs]
        check_pairs(moved, size, found.channels)
        better = fit(moved, size, found.channels)
    except CnnfilterError:  # too little is left of the pictures
        return None
    if better.rms > BETTER * found.rms:
        return None
    ways = [f"{abs(down)} {'lower' if down > 0 else 'higher'}"] * bool(down)
    ways += [f"{abs(right)} to the {'right' if right > 0 else 'left'}"] * bool(right)
    note = (
        f"{pairs[0].names[1]} is shifted: what it shows lies {' and '.join(ways)} (pixels). The kernel is that of "
        f"pictures brought back to each other, which leaves over an RMS of {better.rms:.3g} and not {found.rms:.3g}"
    )
    return replace(better, shift=(down, right), notes=(note,))


def why(found: Learned, pairs: Sequence[Pair], size: Size) -> str:
    """What is said where no filter of the size explains the pictures."""
    pair, left = pairs[0], 100 * found.rms / found.residual.variation
    shown = f"{left:.0f}" if left >= 1 else f"{left:.1g}"
    told = f"no linear filter of {show_shape(size)} explains {pair.names[1]}: {shown}% of its variation is left over"
    if other := _other(pair, size, found.channels):
        return f"{told}; {other} leaves over half of that or less"
    (part, *_), *_ = parts_of(found.channels, pair.before.shape[2], pair.after.shape[2])
    cause = causes.likely(pair, part, found.bank.weight[0], float(found.biases[0]))
    if cause is None:
        perhaps = "another picture, or turned" if left > OTHER else "a median, noise or lossy files"
        return f"{told}; it is no shift, no curve of brightness and no vignetting: perhaps {perhaps}"
    return f"{told}; likely is {cause.text} ({100 * cause.explained:.0f}% of its squares)"


def _other(pair: Pair, size: Size, channels: str) -> str | None:
    """What to ask for, so that half of what is left over of the middle of a picture goes away."""
    height, width, inputs = pair.before.shape
    top, left = max(height - CROP, 0) // 2, max(width - CROP, 0) // 2
    middle = slice(top, top + CROP), slice(left, left + CROP)
    crop = pair._replace(before=pair.before[middle], after=pair.after[middle])
    larger = (2 * size[0] + 1, 2 * size[1] + 1)
    trials: list[tuple[Size, str, str]] = [
        (size, "each", f"a kernel for each channel ({_asked('channels', 'each')})"),
        (size, "sum", f"a sum over channels ({_asked('channels', 'sum')})"),
        (larger, channels, f"a larger one ({_asked('size', show_shape(larger))})"),
    ]
    if inputs == 1 or channels == "sum":
        del trials[:2]
    rms = [_rms(crop, size, channels), *(_rms(crop, each, other) for each, other, _ in trials)]
    best = min(rms[1:])
    if not math.isfinite(rms[0]) or best > BETTER * rms[0]:
        return None
    # the first that does nearly as well as the best: fewer numbers tell more
    return next(told for (_, _, told), each in zip(trials, rms[1:], strict=True) if each <= 1.5 * best)


def _rms(pair: Pair, size: Size, channels: str) -> float:
    """What a kernel leaves over of a pair; infinite where none can be learned."""
    try:
        check_pairs([pair], size, channels)
        is_small = count_weights(pair, size, channels) <= MOST_WEIGHTS
        return fit([pair], size, channels).rms if is_small else math.inf
    except CnnfilterError:  # too little is left of the pictures
        return math.inf


def _asked(name: str, value: str) -> str:
    return either(f"--{name} {value}", f'{name}="{value}"')


def count_weights(pair: Pair, size: Size, channels: str) -> int:
    """How many weights one filter has."""
    return size[0] * size[1] * (pair.before.shape[2] if channels == "sum" else 1)


def doubts(found: Learned) -> list[str]:
    """What is said where the pictures do not tell the weights."""
    filters = found.bank.weight
    weights = filters[0].size
    notes = []
    if min(found.ranks) < weights:
        notes.append(
            f"the pictures tell only {min(found.ranks)} of {weights} weights apart: they have too little detail; of "
            "all kernels that fit, this one is the smallest, and other pictures may show another"
        )
    elif (error := float(found.errors.max())) > UNCERTAIN * (largest := float(np.abs(filters).max())):
        notes.append(
            f"the pictures hardly tell the weights: their standard errors reach {error:.2g}, and the weights "
            f"{largest:.2g}"
        )
    if found.clipped > found.pixels:
        notes.append(
            f"{found.clipped:,} of {found.clipped + found.pixels:,} pixels are black or white and left out: they may "
            "have been cut off"
        )
    return notes
