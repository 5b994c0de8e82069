"""A learned kernel as a file of weights, and as a record."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np

from cnnfilter.engine.geometry import Array
from cnnfilter.learning.kernels.fitting import Learned


def numbers(values: Array) -> Any:
    """Nested lists of an array, each number in the fewest digits that tell it, and None for what is not finite."""
    if values.ndim:
        return [numbers(each) for each in values]
    return float(str(values)) if np.isfinite(values) else None


def kernel_file(learned: Learned) -> bytes:
    """The text of a `.json` file that `apply`, `kernels` and `conv` take: `weight`, and `bias` beside it."""
    return (json.dumps({"weight": numbers(learned.kernel), "bias": numbers(learned.biases)}) + "\n").encode()


def record(learned: Learned) -> dict[str, Any]:
    """All that is known of a learned kernel; None where a number is infinite."""
    near, left = learned.nearest, learned.residual
    return {
        "size": list(learned.bank.weight.shape[2:]),
        "channels": learned.channels,
        "kernel": numbers(learned.kernel),
        "bias": numbers(learned.biases),
        "certainty": numbers(learned.certainty),
        "bias_certainty": numbers(learned.bias_errors),
        "ranks": list(learned.ranks),
        "pixels": learned.pixels,
        "clipped": learned.clipped,
        "rms": left.rms,
        "largest": left.largest,
        "psnr": learned.psnr if math.isfinite(learned.psnr) else None,
        "same": left.same / left.pixels if left.pixels else None,
        "nearest": None if near is None else near._asdict(),
        "shift": list(learned.shift),
        "notes": list(learned.notes),
    }
