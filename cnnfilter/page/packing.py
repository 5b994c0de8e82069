"""Arrays as JSON holds them: their type, their shape, and their bytes, deflated, as base64."""

from __future__ import annotations

import base64
import zlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

TYPES = ("uint8", "uint16", "float32")
"""The types that `arrays.js` reads."""


def packed(array: NDArray[Any]) -> dict[str, Any]:
    """An array as `{"type", "shape", "data"}`; of a type that is none of `TYPES`, in float32."""
    kept = array if array.dtype.name in TYPES else array.astype(np.float32)
    data = np.ascontiguousarray(kept, kept.dtype.newbyteorder("<")).tobytes()
    return {
        "type": kept.dtype.name,
        "shape": list(kept.shape),
        "data": base64.b64encode(zlib.compress(data, 9)).decode("ascii"),
    }
