"""The values behind one value: each stage computed only where the next one looks, in float64."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cnnfilter.errors import ArgumentError
from cnnfilter.explanation.regions import Block, Needed, Place, Region, picture_block
from cnnfilter.explanation.values import compute, needed, work
from cnnfilter.network.graph import INPUT
from cnnfilter.network.plan import Row

MOST_PRODUCTS = 2 * 10**9
MOST_VALUES = 1 << 28
"""The most that a value may depend on: some ten seconds, and two gigabytes."""


def evaluate(rows: Sequence[Row], pixels: NDArray[Any], place: Place) -> dict[int, Block]:
    """The picture and what stages make of it, as far as the value at `place` depends on them, that value the last.

    They are numbered as rows are, `INPUT` the picture.

    Raises
    ------
    ArgumentError
        If that takes more work or memory than a person waits for: see `MOST_PRODUCTS` and `MOST_VALUES`.
    """
    last = len(rows) - 1
    regions = {last: Region.at(place)}
    products = values = 0
    for number in range(last, -1, -1):
        if number not in regions:
            continue
        row, region = rows[number], regions[number]
        products += work(row.stage, row, region)
        _check(number + 1, row, products, MOST_PRODUCTS, "products")
        for read, each in zip(row.reads, _of_each(needed(row.stage, row, region)), strict=True):
            if each is not None:
                asked = each if region.is_seen else replace(each, is_seen=False)
                values += asked.count
                regions[read] = regions[read].united(asked) if read in regions else asked
        _check(number + 1, row, values, MOST_VALUES, "values")
    blocks = {INPUT: picture_block(pixels, regions.get(INPUT, Region.at((0, 0, 0))))}
    # NaN and infinity come from pictures of floats, and mean what they mean
    with np.errstate(invalid="ignore", over="ignore"):
        for number in sorted(regions.keys() - {INPUT}):
            row, region = rows[number], regions[number]
            if not region.is_seen:  # what others see may have taken the place of what it would be made of
                blocks[number] = Block(region, np.zeros(region.shape))
                continue
            before = tuple(blocks.get(read) for read in row.reads)
            given: Any = before[0] if len(before) == 1 else before
            blocks[number] = Block(region, compute(row.stage, row, given, region))
    return blocks


def _of_each(regions: Needed) -> tuple[Region | None, ...]:
    return (regions,) if isinstance(regions, Region) else regions


def _check(number: int, row: Row, count: int, most: int, what: str) -> None:
    if count > most:
        msg = (
            f"stage {number} ({row.stage.name}): the value depends on {count:,} {what} from here on, more than can be "
            f"explained ({most:,}); explain a shorter chain, or one of smaller windows"
        )
        raise ArgumentError(msg)
