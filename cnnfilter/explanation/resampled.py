"""Values of maps of another size, by the samples that they are weighted means of, and how each came about."""

from __future__ import annotations

import math

import numpy as np

from cnnfilter.engine.geometry import Index
from cnnfilter.engine.reference import Array
from cnnfilter.explanation import steps
from cnnfilter.explanation.regions import Block, Region
from cnnfilter.network.plan import Row
from cnnfilter.network.stages import Crop, Resampling
from cnnfilter.network.stages.resampling import Taps


def work(stage: Resampling, row: Row, region: Region) -> int:
    """How many products a region takes."""
    return region.count * math.prod(math.ceil(stage.spacing(row.input, axis)[0]) for axis in (0, 1))


def needed(stage: Resampling, row: Row, region: Region) -> Region:
    """The samples that a region's values are made of."""
    rows, columns = (
        np.unique([sample for place in places.tolist() for sample, _ in stage.taps(row.input, axis, place)])
        for axis, places in enumerate((region.rows, region.columns))
    )
    return Region(region.maps, rows, columns, is_seen=region.is_seen)


def compute(stage: Resampling, row: Row, block: Block, region: Region) -> Array:
    """The values of a region."""
    values = block.values
    for axis, (known, places) in enumerate(zip(block.region.axes[1:], (region.rows, region.columns), strict=True)):
        taps = (stage.taps(row.input, axis, place) for place in places.tolist())
        values = np.stack(
            [_mean(values, np.searchsorted(known, [s for s, _ in one]), one, axis) for one in taps], axis + 1
        )
    return values


def _mean(values: Array, where: Index, taps: Taps, axis: int) -> Array:
    weights = np.array([weight for _, weight in taps])
    mean: Array = np.tensordot(values.take(where, axis + 1), weights, (axis + 1, 0))
    return mean


def cropped(stage: Crop, row: Row, region: Region) -> Region:
    """The places of a region in the maps that it is cut out of."""
    top, left = stage.corner(row.input)
    return Region(region.maps, region.rows + top, region.columns + left, is_seen=region.is_seen)


def window(stage: Resampling, row: Row, before: Block, place: tuple[int, ...]) -> steps.ChannelSum:
    """The samples that a value is made of, their weights, and the products."""
    down, along = (stage.taps(row.input, axis, place[axis]) for axis in (0, 1))
    rows, columns = ([sample for sample, _ in taps] for taps in (down, along))
    held = before.take(np.array([place[2]]), np.array(rows), np.array(columns))[0]
    weights = np.outer([weight for _, weight in down], [weight for _, weight in along])
    products = weights * held
    inside = tuple((False,) * len(columns) for _ in rows)
    shown = steps.Window(place[2], tuple(rows), tuple(columns), steps.matrix(held), inside)
    return steps.ChannelSum(shown, steps.matrix(weights), steps.matrix(products), float(products.sum()))
