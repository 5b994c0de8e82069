"""Learned numbers drawn from a seed, the same on every machine, for networks of any depth."""

import math
import zlib

import numpy as np


def picture(size, channels=3):
    """A picture (C, H, W), float32, with values around 0."""
    return _uniform("picture", (channels, size, size), -1.5, 1.5)


def state(shapes):
    """Numbers for a state dict, its names with their shapes.

    Weights keep the magnitude of what they are given (He et al. 2015); a batch normalization takes 0.7 of it, so
    that the sums of fifty residual blocks stay below 1000, and what it adds is seen beside them.
    """
    return {name: _array(name, tuple(shape)) for name, shape in shapes.items() if "num_batches" not in name}


def _array(name, shape):
    role = name.rpartition(".")[2]
    if len(shape) > 1:
        bound = math.sqrt(6 / math.prod(shape[1:]))
        return _uniform(name, shape, -bound, bound)
    low, high = {"weight": (0.5, 0.9), "running_var": (0.5, 1.5)}.get(role, (-0.2, 0.3))
    return _uniform(name, shape, low, high)


def _uniform(name, shape, low, high):
    random = np.random.default_rng(zlib.crc32(name.encode())).random(math.prod(shape), dtype=np.float32)
    return (np.float32(low) + np.float32(high - low) * random).reshape(shape)
