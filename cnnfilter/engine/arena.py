"""Memory that is used again: arrays of maps that follow each other lie where others lay."""

from __future__ import annotations

import numpy as np

from cnnfilter.engine.geometry import Array, new_result


class Arena:
    """Memory that was given back, for what fits into it."""

    def __init__(self) -> None:
        self._free: list[Array] = []

    def take(self, size: int) -> Array:
        """At least so many bytes, of any content: the smallest that are large enough, or new ones."""
        fits = [number for number, memory in enumerate(self._free) if len(memory) >= size]
        if fits:
            return self._free.pop(min(fits, key=lambda number: len(self._free[number])))
        return new_result((max(size, 1),), np.uint8)

    def give(self, memory: Array) -> None:
        """Let later ones have what was taken."""
        self._free.append(memory)
