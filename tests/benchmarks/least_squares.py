"""What a person writes to learn a kernel with NumPy: a process of its own."""

import json
import sys
from pathlib import Path

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from PIL import Image

ROWS = 32
"""Whose windows are multiplied at a time: of 4 to 256 none were faster, and fewer take no more memory than we do."""


def main(before, after, side, output, held):
    """Write the kernel and the bias as JSON, of all windows `at-once`, a byte for each number, or of `some` rows' each.

    The normal equations are added up in float64: float32 gives kernels that are wrong from their first digit on.
    """
    side = int(side)
    edge = side // 2
    pixels, result = (np.asarray(Image.open(path)) for path in (before, after))
    result = result[edge:-edge, edge:-edge]
    windows = sliding_window_view(pixels, (side, side))
    if held == "at-once":
        windows = windows.reshape(*result.shape, side**2)
    count = side**2 + 1
    products, joint = np.zeros((count, count)), np.zeros(count)
    some = np.empty((ROWS * result.shape[1], count))
    for row in range(0, len(result), ROWS):
        response = result[row : row + ROWS].reshape(-1).astype(np.float64)
        rows = some[: len(response)]
        rows[:, :-1], rows[:, -1] = windows[row : row + ROWS].reshape(-1, side**2), 1
        rows[(response == 0) | (response == 255)] = 0  # black and white may have been cut off
        products += rows.T @ rows
        joint += rows.T @ response
    solution = np.linalg.lstsq(products, joint)[0]
    told = {"weight": solution[:-1].reshape(side, side).tolist(), "bias": [solution[-1]]}
    Path(output).write_text(json.dumps(told))


if __name__ == "__main__":
    main(*sys.argv[1:])
