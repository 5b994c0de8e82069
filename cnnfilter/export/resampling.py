"""The weights of resampled axes as programs compute them, with NumPy whatever the framework."""

from __future__ import annotations

from cnnfilter.network.plan import Row
from cnnfilter.network.stages import Crop, Resize, Upsample

WEIGHTS = {
    "nearest": '''
def nearest(n, out):
    """Return the weights (out, n) of the nearest samples of an axis, found by adding up the step as Pillow does."""
    places = np.cumsum([n / out / 2] + [n / out] * (out - 1)).astype(int)
    return np.eye(n)[np.minimum(places, n - 1)]
''',
    "upsampling": '''
def upsampling(n, out, up, down, half_pixel=False, rounding=None):
    """Return the weights (out, n) of the samples of an axis that is made up / down times as long."""
    places = np.arange(out)
    x = (2 * places * down + down - up) / (2 * up) if half_pixel else places * down / up
    x = np.clip(x if rounding is None else rounding(x), 0, n - 1)
    first = np.floor(x).astype(int)
    weights = np.zeros((out, n))
    weights[places, first] = 1 - (x - first)
    weights[places, np.minimum(first + 1, n - 1)] += x - first
    return weights
''',
    "resizing": '''
def resizing(n, out, curve):
    """Return the weights (out, n) of the samples of an axis under a curve, which is widened if it gets shorter."""
    step = n / out
    centers = (np.arange(out) + 0.5) * step
    weights = curve((np.arange(n) + 0.5 - centers[:, None]) / max(step, 1))
    return weights / weights.sum(axis=1, keepdims=True)
''',
}
"""The functions that give a matrix of weights."""

_ROUNDINGS = {
    "floor": "np.floor",
    "ceil": "np.ceil",
    "round_prefer_floor": "lambda x: np.ceil(x - 0.5)",
    "round_prefer_ceil": "lambda x: np.floor(x + 0.5)",
}

_CURVES = {
    "bilinear": "lambda x: np.maximum(1 - abs(x), 0)",
    "bicubic": "lambda x: np.select([abs(x) < 1, abs(x) < 2], "
    "[(1.5 * abs(x) - 2.5) * x**2 + 1, ((-0.5 * abs(x) + 2.5) * abs(x) - 4) * abs(x) + 2])",
    "lanczos": "lambda x: np.where(abs(x) < 3, np.sinc(x) * np.sinc(x / 3), 0)",
    "box": "lambda x: np.where((x > -0.5) & (x <= 0.5), 1.0, 0.0)",
    "hamming": "lambda x: np.where(abs(x) < 1, np.sinc(x) * (0.54 + 0.46 * np.cos(np.pi * x)), 0)",
}


def enlarged(stage: Upsample, row: Row) -> str:
    """The weights of an enlargement's rows and columns, as two arguments."""
    matrices = []
    for axis in (0, 1):
        up, down, half_pixel = stage.rule(row.input, axis)
        options = ["half_pixel=True"] if half_pixel else []
        options += [f"rounding={_ROUNDINGS[stage.rounding]}"] if stage.mode == "nearest" else []
        matrices.append(
            f"upsampling({', '.join([str(row.input[axis]), str(row.output[axis]), str(up), str(down), *options])})"
        )
    return ", ".join(matrices)


def resized(stage: Resize, row: Row) -> str:
    """The weights of a resized picture's rows and columns, as two arguments."""
    sizes = (f"{row.input[axis]}, {row.output[axis]}" for axis in (0, 1))
    if stage.filter == "nearest":
        return ", ".join(f"nearest({each})" for each in sizes)
    return ", ".join(f"resizing({each}, {_CURVES[stage.filter]})" for each in sizes)


def cut(stage: Crop, row: Row) -> str:
    """The slices of rows and columns that it leaves."""
    begins = stage.corner(row.input)
    return ", ".join(f"{begin}:{begin + size}" for begin, size in zip(begins, stage.size, strict=True))
