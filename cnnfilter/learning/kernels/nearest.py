"""The kernel with a name that is most like a learned one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from cnnfilter.engine.geometry import Array
from cnnfilter.kernels.catalogue import KERNELS
from cnnfilter.kernels.kernel import get_kernel
from cnnfilter.sizes import Pair as Size

NEAR = 0.2
"""The part of a kernel's length that may lie aside of one that it is said to be like."""

SIGMAS = [sigma / 10 for sigma in range(4, 41)]
"""Standard deviations of blurs that are compared."""


class Nearest(NamedTuple):
    """A kernel with a name.

    Parameters
    ----------
    name : str
        As `get_kernel` takes it.
    turned : bool
        Whether it is turned by 180 degrees, as mathematics does.
    gain : float
        What it is multiplied by; below 0 only where that is nearer than turning it.
    distance : float
        What the learned one has beside it, as a part of its length (the root of its sum of squares).
    largest : float
        The largest difference of a weight.
    """

    name: str
    turned: bool
    gain: float
    distance: float
    largest: float


def _candidates(size: Size) -> Iterator[str]:
    yield from KERNELS
    for side in range(2, max(size) + 1):
        yield f"box:size={side}"
        yield f"gaussian:size={side}"
        yield from (f"motion:length={side}:angle={angle}" for angle in (0, 45, 90, 135))
    for sigma in SIGMAS:
        yield from (f"{name}:sigma={sigma:g}" for name in ("gaussian", "log", "dog", "unsharp"))
        yield f"gaussian:size={max(size)}:sigma={sigma:g}"
    yield from (f"unsharp:amount={tenths / 10:g}" for tenths in range(2, 31))


def placed(matrix: Array, size: Size) -> Array | None:
    """A matrix in one of zeros, so that `apply` anchors both at the same weight; None where there is no room for it.

    What is 0 all around does not need any.
    """
    while min(matrix.shape) > 2 and np.count_nonzero(matrix) == np.count_nonzero(matrix[1:-1, 1:-1]):
        matrix = matrix[1:-1, 1:-1]
    height, width = matrix.shape
    top, left = (size[0] - 1) // 2 - (height - 1) // 2, (size[1] - 1) // 2 - (width - 1) // 2
    if min(top, left) < 0 or top + height > size[0] or left + width > size[1]:
        return None
    whole = np.zeros(size)
    whole[top : top + height, left : left + width] = matrix
    return whole


def nearest(kernel: Array) -> Nearest | None:
    """The kernel with a name that a learned one, (kh, kw), is most like; None where none is within `NEAR`.

    Of those that are equally near, one that needs no factor, then the first of the catalogue.
    """
    size: Size = (kernel.shape[0], kernel.shape[1])
    length = float(np.linalg.norm(kernel))
    found: list[tuple[tuple[float, bool, bool, bool, int], Nearest]] = []
    for order, name in enumerate(dict.fromkeys(_candidates(size)) if length else ()):
        known = get_kernel(name)
        if len(known.filters) > 1:
            continue
        for turned in (False, True):
            weights = known.weights[::-1, ::-1] if turned else known.weights
            matrix = placed(weights.astype(np.float64), size)
            if matrix is None:
                continue
            gain = float((kernel * matrix).sum() / np.square(matrix).sum())
            if float(np.linalg.norm(kernel - matrix)) < NEAR * length and abs(gain - 1) < 0.01:
                gain = 1.0
            difference = kernel - gain * matrix
            distance = float(np.linalg.norm(difference)) / length
            if distance < NEAR:
                each = Nearest(name, turned, gain, distance, float(np.abs(difference).max()))
                found.append(((round(distance, 4), gain < 0, gain != 1, turned, order), each))
    return min(found)[1] if found else None
