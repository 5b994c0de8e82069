"""A small set of labelled pictures, made here: a bar that lies, stands, or leans, on noise."""

import numpy as np

LABELS = ("lean", "lie", "stand")


def strokes(count=120, side=12, seed=0):
    """Pictures (N, side, side) uint8 and the numbers of their classes, of `LABELS`."""
    draw = np.random.default_rng(seed)
    classes = np.arange(count) % 3
    pictures = draw.integers(0, 80, (count, side, side), dtype=np.uint8)
    for picture, kind in zip(pictures, classes, strict=True):
        at = draw.integers(3, side - 4)
        if kind == 0:
            picture[np.eye(side, dtype=bool)] += 150
        elif kind == 1:
            picture[at : at + 2] += 150
        else:
            picture[:, at : at + 2] += 150
    return pictures, classes
