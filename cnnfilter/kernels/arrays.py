"""What an array of numbers must be to serve as weights: real, finite, not empty, and within float32."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from cnnfilter.errors import ArgumentError
from cnnfilter.messages import show_shape
from cnnfilter.text.numbers import FLOAT32_MAX

if TYPE_CHECKING:
    import numpy.typing as npt


def to_float32(array: npt.NDArray[np.generic], name: str = "weights", *, copy: bool = True) -> npt.NDArray[np.float32]:
    """The numbers as a C-contiguous float32 array.

    Parameters
    ----------
    array : ndarray
    name : str
        What a message calls them.
    copy : bool
        Whether the result must not share the memory of `array`, as of what comes from a file's read-only bytes.

    Raises
    ------
    ArgumentError
        If they are not integers or real floating-point numbers, there are none, or one is not finite or too
        large for float32; the message has its position, counted from 0.

    Examples
    --------
    >>> to_float32(np.array([[1, 2]]))
    array([[1., 2.]], dtype=float32)
    """
    if array.dtype.kind not in "iuf":
        msg = f"{name} must be real numbers, not {array.dtype}"
        raise ArgumentError(msg)
    if array.size == 0:
        msg = f"{name} of shape {show_shape(array.shape)} hold no numbers"
        raise ArgumentError(msg)
    with np.errstate(over="ignore", invalid="ignore"):
        weights = np.array(array, dtype=np.float32, order="C", copy=copy or None)
    finite = np.isfinite(weights)
    if not finite.all():
        position = tuple(int(i) for i in np.unravel_index(int(np.argmin(finite)), array.shape))
        value = array[position]
        place = f"at {list(position)}"
        if np.isfinite(value):
            msg = f"{value} {place} is too large for float32 (at most {FLOAT32_MAX:.3g}): {name} must fit"
        else:
            msg = f"{value} {place}: {name} must be finite"
        raise ArgumentError(msg)
    return weights
