"""The effective receptive field: which pixels of a photo a value depends on, and how much.

Luo et al., Understanding the Effective Receptive Field in Deep Convolutional Neural Networks, 2016.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from cnnfilter.engine.groups import Array
from cnnfilter.explanation.field import ReceptiveField, checked_place, receptive_field
from cnnfilter.learning.looking import check_finite
from cnnfilter.learning.network import Trainable
from cnnfilter.network.graph import Network
from cnnfilter.network.plan import plan

COUNTS = 0.0455
"""Pixels that count at least this part of the one that counts most are in the field: what Luo et al. take, as two
standard deviations hold 95.45% of a normal distribution."""


@dataclass(frozen=True, eq=False)
class EffectiveField:
    """What a value depends on.

    Attributes
    ----------
    at : tuple of int
        Its place, (row, column) of the sum over all maps, (row, column, map), or (index,).
    values : ndarray of float32, (H, W)
        The magnitude of its gradient with respect to each pixel, summed over its colours.
    field : ReceptiveField
        What it could depend on.
    pixels : int
        How many count; see `COUNTS`.
    """

    at: tuple[int, ...]
    values: Array
    field: ReceptiveField
    pixels: int

    @property
    def side(self) -> float:
        """That of a square of as many pixels as count."""
        return float(np.sqrt(self.pixels))


def effective_field(
    network: Network, maps: Array, at: Sequence[int] | None = None, *, scale: float = 1.0, threads: int | None = None
) -> EffectiveField:
    """The effective receptive field of a value of a network's result.

    Parameters
    ----------
    network : Network
        All of its stages have numbers.
    maps : ndarray, (C, H, W)
        The photo: which pixels count may depend on it.
    at : sequence of int, optional
        As `explain` takes it, but without a map the sum over all is meant; by default the middle of the maps, or the
        largest value of a vector.
    scale : float
        The full scale of the photo.
    threads : int, optional

    Raises
    ------
    ArgumentError, ShapeError, KernelError, MissingExtraError
        If there is no such place, or a stage does not fit what arrives.
    """
    shape = (*maps.shape[1:], maps.shape[0])
    rows = plan(network, shape)
    place = None if at is None else checked_place(at, rows[-1].output)
    if at is not None and place is not None:
        place = place[: len(at)]
    net = Trainable(network, shape, scale=scale, threads=threads)
    net.learns = set()
    results = net.forward(maps[None].astype(np.float32))
    if place is None:
        height, width = results.shape[2:] or (0, 0)
        place = (height // 2, width // 2) if results.ndim == 4 else (int(np.argmax(results)),)
    delta = np.zeros_like(results)
    delta[(0, *place) if results.ndim == 2 else (0, place[2] if len(place) > 2 else slice(None), *place[:2])] = 1
    dx = net.backward(delta)[1]
    assert dx is not None
    check_finite(dx)
    values = np.abs(dx[0]).sum(axis=0)
    largest = values.max()
    pixels = int(np.count_nonzero(values >= COUNTS * largest)) if largest else 0
    return EffectiveField(place, values, receptive_field(rows, place), pixels)
