"""The values behind one value: each stage computed only where the next one looks, in float64."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cnnfilter.errors import ArgumentError
from cnnfilter.explanation.regions import Block, Place, Region, picture_block
from cnnfilter.explanation.values import compute, needed, work
from cnnfilter.network.plan import Row

MOST_PRODUCTS = 2 * 10**9
MOST_VALUES = 1 << 28
"""The most that a value may depend on: some ten seconds, and two gigabytes."""


def evaluate(rows: Sequence[Row], pixels: NDArray[Any], place: Place) -> list[Block]:
    """What each stage is given, as far as the value at `place` depends on it, and at last that value.

    Raises
    ------
    ArgumentError
        If that takes more work or memory than a person waits for: see `MOST_PRODUCTS` and `MOST_VALUES`.
    """
    regions = [Region.at(place)]
    products = values = 0
    for number, row in reversed([*enumerate(rows, 1)]):
        products += work(row.stage, row, regions[0])
        _check(number, row, products, MOST_PRODUCTS, "products")
        regions.insert(0, needed(row.stage, row, regions[0]))
        values += regions[0].count
        _check(number, row, values, MOST_VALUES, "values")
        if not regions[1].is_seen:
            regions[0] = replace(regions[0], is_seen=False)
    blocks = [picture_block(pixels, regions[0])]
    # NaN and infinity come from pictures of floats, and mean what they mean
    with np.errstate(invalid="ignore", over="ignore"):
        for row, region in zip(rows, regions[1:], strict=True):
            blocks.append(Block(region, compute(row.stage, row, blocks[-1], region)))
    return blocks


def _check(number: int, row: Row, count: int, most: int, what: str) -> None:
    if count > most:
        msg = (
            f"stage {number} ({row.stage.name}): the value depends on {count:,} {what} from here on, more than can be "
            f"explained ({most:,}); explain a shorter chain, or one of smaller windows"
        )
        raise ArgumentError(msg)
