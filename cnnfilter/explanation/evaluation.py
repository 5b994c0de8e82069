"""The values behind one value: each stage computed only where the next one looks, in float64."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from cnnfilter.errors import ArgumentError
from cnnfilter.explanation.regions import Block, Needed, Region, picture_block
from cnnfilter.explanation.values import compute, needed, work
from cnnfilter.network.field import Move
from cnnfilter.network.graph import INPUT
from cnnfilter.network.plan import Row

MOST_PRODUCTS = 2 * 10**9
MOST_VALUES = 1 << 28
"""The most that a value may depend on: some ten seconds, and two gigabytes."""
MOST_PLACES = 1 << 24
"""How many taps of windows along an axis are looked at, where no values are computed: a second, and 200 megabytes."""


class Trace(NamedTuple):
    """What a value depends on, before any of it is computed.

    Parameters
    ----------
    regions : dict of int to Region
        Of each row that counts what does; numbered as rows are, `INPUT` the picture.
    asked : dict of int to tuple of Region or None
        What each row asks of those that it reads, which others may ask more of.
    """

    regions: dict[int, Region]
    asked: dict[int, tuple[Region | None, ...]]

    @property
    def seen(self) -> Region:
        """What of the picture counts."""
        return self.regions.get(INPUT, Region.at((0, 0, 0)))

    def moves(self, rows: Sequence[Row]) -> list[Move]:
        """How the rows get the values: of maps that are joined, each value is of one result only."""
        return [
            row.move.of([region is not None for region in self.asked[number]]) if number in self.asked else row.move
            for number, row in enumerate(rows)
        ]


def trace(rows: Sequence[Row], wanted: Region, *, computed: bool = True) -> Trace:
    """What some values depend on.

    Parameters
    ----------
    rows : sequence of Row
    wanted : Region
        Of the last one's result.
    computed : bool
        Whether all of it will be, for which less is enough to keep a person waiting.

    Raises
    ------
    ArgumentError
        If it is more than a person waits for: see `MOST_PRODUCTS`, `MOST_VALUES` and `MOST_PLACES`.
    """
    last = len(rows) - 1
    regions = {last: wanted}
    asked: dict[int, tuple[Region | None, ...]] = {}
    products = values = places = 0
    for number in range(last, -1, -1):
        if number not in regions:
            continue
        row, region = rows[number], regions[number]
        if computed:
            products += work(row.stage, row, region)
            _check(number + 1, row, products, MOST_PRODUCTS, "products")
        else:
            places += _looked_at(row, region)
            _check(number + 1, row, places, MOST_PLACES, "places")
        asked[number] = _of_each(needed(row.stage, row, region), region)
        for read, each in zip(row.reads, asked[number], strict=True):
            if each is not None:
                values += each.count
                regions[read] = regions[read].united(each) if read in regions else each
        if computed:
            _check(number + 1, row, values, MOST_VALUES, "values")
    return Trace(regions, asked)


class Values(NamedTuple):
    """The picture and what stages make of it, as far as one value depends on them.

    Parameters
    ----------
    blocks : dict of int to Block
        Numbered as rows are, `INPUT` the picture.
    trace : Trace
    """

    blocks: dict[int, Block]
    trace: Trace

    def given(self, number: int, row: Row) -> tuple[Block | None, ...]:
        """What a row takes of each of those that it reads; None of one that it takes nothing of."""
        pairs = zip(row.reads, self.trace.asked[number], strict=True)
        return tuple(None if region is None else self.blocks[read].of(region) for read, region in pairs)


def evaluate(rows: Sequence[Row], pixels: NDArray[Any], wanted: Region) -> Values:
    """The picture and what stages make of it, as far as a region of the last result depends on them, that the last.

    Raises
    ------
    ArgumentError
        As `trace`.
    """
    found = trace(rows, wanted)
    values = Values({INPUT: picture_block(pixels, found.seen)}, found)
    # NaN and infinity come from pictures of floats, and mean what they mean
    with np.errstate(invalid="ignore", over="ignore"):
        for number in sorted(found.regions.keys() - {INPUT}):
            row, region = rows[number], found.regions[number]
            if not region.is_seen:  # what others see may have taken the place of what it would be made of
                values.blocks[number] = Block(region, np.zeros(region.shape))
                continue
            before = values.given(number, row)
            given: Any = before[0] if len(before) == 1 else before
            values.blocks[number] = Block(region, compute(row.stage, row, given, region))
    return values


def _of_each(regions: Needed, region: Region) -> tuple[Region | None, ...]:
    """What a region of a result asks of each of the results that it is made of."""
    several = (regions,) if isinstance(regions, Region) else regions
    return several if region.is_seen else tuple(each and replace(each, is_seen=False) for each in several)


def _looked_at(row: Row, region: Region) -> int:
    """How many taps of its windows along one of the axes a region takes to know what it depends on."""
    sights = row.stage.sights(row.input) or ()
    return max((len(places) * math.ceil(s.size) for places, s in zip(region.axes[1:], sights, strict=False)), default=0)


def _check(number: int, row: Row, count: int, most: int, what: str) -> None:
    if count > most:
        msg = (
            f"stage {number} ({row.stage.name}): the value depends on {count:,} {what} from here on, more than can be "
            f"explained ({most:,}); explain a shorter chain, or one of smaller windows"
        )
        raise ArgumentError(msg)
