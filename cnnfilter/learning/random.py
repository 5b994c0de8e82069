"""Random numbers of learning: each use has a stream of its own, so that what is left out moves no other."""

from __future__ import annotations

import numpy as np

ORDER, CHANGES, DROPS = 1, 2, 3
"""What random numbers are drawn for, after the seed: the order of the pictures, how they are changed, and dropouts."""


def generator(*key: int) -> np.random.Generator:
    """The stream of a key: the seed, and what is drawn for what."""
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence(key)))
