"""A vector that a chain gives, as it is told."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt


class Vector(NamedTuple):
    """The values of a vector, as they are told.

    Parameters
    ----------
    values : ndarray of float32, (n,)
    labels : tuple of str, optional
        One for each.
    top : int, optional
        How many of the largest are told; by default all.
    shares : bool
        Whether they are parts of a whole, which are told in per cent.
    """

    values: npt.NDArray[np.float32]
    labels: tuple[str, ...] | None = None
    top: int | None = None
    shares: bool = False

    def scores(self) -> list[dict[str, Any]]:
        """The values with their indices and labels, the largest first if only some are wanted."""
        values = self.values.tolist()
        order: Sequence[int] = range(len(values))
        if self.top is not None:  # NaN, which is in no order, comes last
            order = sorted(order, key=lambda i: (math.isnan(values[i]), -values[i]))[: self.top]
        return [
            {"index": i, "value": values[i]} | ({} if self.labels is None else {"label": self.labels[i]}) for i in order
        ]
