"""What becomes of the weights of a filter before it is applied."""

from __future__ import annotations

import numpy as np

from cnnfilter.engine.geometry import Array
from cnnfilter.kernels.scaling import divisor


def prepared(bank: Array, *, flip: bool, scale: str) -> Array:
    """The filters of a bank (O, I, kh, kw), turned by 180 degrees or not, and divided by what `scale` names.

    Examples
    --------
    >>> prepared(np.array([[[[-1.0, 0, 1], [-2, 0, 2], [-1, 0, 1]]]]), flip=True, scale="sum")[0, 0, 1].tolist()
    [0.5, 0.0, -0.5]
    """
    if scale != "none":
        divisors = np.array([divisor(one.ravel().tolist(), scale) for one in bank]).reshape(-1, 1, 1, 1)
        bank = (bank / divisors).astype(np.float32)
    return np.ascontiguousarray(bank[..., ::-1, ::-1] if flip else bank)
