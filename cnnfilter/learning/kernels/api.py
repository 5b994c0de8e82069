"""`learn_kernel`: a kernel from pairs of pictures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from cnnfilter.errors import ArgumentError
from cnnfilter.kernels.matrix import MAX_SIDE
from cnnfilter.learning.kernels.doubts import MOST_WEIGHTS, count_weights, doubts, is_poor, shifted, why
from cnnfilter.learning.kernels.fitting import Learned, fit
from cnnfilter.learning.kernels.pairs import Pair, as_pairs, check_pairs
from cnnfilter.messages import either
from cnnfilter.sizes import Pair as Size
from cnnfilter.sizes import Size as Sized
from cnnfilter.sizes import parse_pair


def learn_kernel(before: Any, after: Any, size: Sized = 5, *, channels: str | None = None) -> Learned:
    """Learn which kernel, and bias, turns one picture into another: least squares over all pixels, in closed form.

    Parameters
    ----------
    before : Picture or ndarray, (H, W) or (H, W, C), of uint8, uint16 or float32, or a list of them
    after : Picture or ndarray, of the same size and type, or of float32; or a list of as many
        What a filter made of each. Where they are whole numbers, black and white ones are left out: they may have been
        cut off. So are those whose windows reach over the border.
    size : int, pair or str
        Of the kernel, height before width.
    channels : {"one", "each", "sum"}, optional
        One kernel for all channels, one for each, or for each channel of the result a sum over all of the picture's;
        by default the first, or the last where they differ in number.

    Returns
    -------
    Learned
        Its `kernel`, `bias`, `rms` and `certainty`, the standard error of each weight; `bank` is what `apply` takes.

    Raises
    ------
    ArgumentError
        If a value is outside its limits, a picture is constant, or too few pixels are left.
    ShapeError
        If sizes or channels do not match.

    Notes
    -----
    With windows `x` about their mean, results `y` and n pixels the weights are ``w = C^-1 c``, ``C = mean(x x^T)``,
    ``c = mean(x y)``, and their standard errors ``sqrt(RSS / (n - k - 1) * diag(C^-1) / n)``. The sums are exact for
    whole numbers.

    Examples
    --------
    >>> photo = np.random.default_rng(0).integers(60, 190, (40, 50), dtype=np.uint8)
    >>> blurred = photo[1:-1, :-2] / 4 + photo[1:-1, 1:-1] / 2 + photo[1:-1, 2:] / 4
    >>> learned = learn_kernel(photo, np.pad(blurred, 1).astype(np.float32), size=3)
    >>> learned.kernel[1].round(4).tolist()
    [0.25, 0.5, 0.25]
    """
    return learn(as_pairs(before, after), parse_pair(size, "size"), channels)


def learn(pairs: Sequence[Pair], size: Size, channels: str | None = None) -> Learned:
    """Learn from pairs as `learn_kernel` does, and look for the cause where no kernel explains them."""
    channels = check_pairs(pairs, size, channels)
    weights = count_weights(pairs[0], size, channels)
    if max(size) > MAX_SIDE or weights > MOST_WEIGHTS:
        name = either("--size", "size")
        msg = f"{name} {size[0]}x{size[1]} makes {weights} weights of one filter (at most {MOST_WEIGHTS})"
        raise ArgumentError(msg)
    found = fit(pairs, size, channels)
    if is_poor(found, pairs):
        found = shifted(found, pairs, size) or found
    seen = [pair.shifted(*found.shift) for pair in pairs]
    reason = [why(found, seen, size)] if is_poor(found, seen) else []
    return replace(found, notes=(*found.notes, *reason, *doubts(found)))
