"""What the weights of a filter are divided by before it is applied."""

from __future__ import annotations

import math
from collections.abc import Iterable

SCALES = ("none", "sum", "l1")
"""What a filter's weights may be divided by: nothing, their sum (ImageMagick), their absolute sum (kornia)."""

ZERO_SUM = 1e-6
"""A share of the absolute sum below which a sum is zero: rounding to float32 leaves about that much."""


def divisor(weights: Iterable[float], scale: str) -> float:
    """What the weights of one filter are divided by; never 0.

    Parameters
    ----------
    weights : iterable of float
    scale : str
        One of `SCALES`.

    Notes
    -----
    `sum` is ImageMagick's `-define convolve:scale='!'`: the absolute value of the sum, or where that is zero the sum of
    the positive weights.

    Examples
    --------
    >>> divisor([-1, 0, 1, -2, 0, 2, -1, 0, 1], "sum")
    4.0
    """
    if scale == "none":
        return 1.0
    numbers = tuple(weights)
    size = math.fsum(map(abs, numbers))
    if scale == "l1":
        return size or 1.0
    total = abs(math.fsum(numbers))
    return (total if total > ZERO_SUM * size else math.fsum(value for value in numbers if value > 0)) or 1.0
