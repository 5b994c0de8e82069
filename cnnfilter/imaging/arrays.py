"""The arrays that pictures and maps are made of, as types."""

from typing import Any

import numpy as np

Array = np.ndarray[Any, np.dtype[Any]]
Uint8Array = np.ndarray[Any, np.dtype[np.uint8]]
Float32Array = np.ndarray[Any, np.dtype[np.float32]]
