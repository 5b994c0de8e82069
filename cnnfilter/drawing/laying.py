"""Where the blocks between two places of a network stand: columns from left to right, branches in lanes below.

Each block stands in the column behind the last of those that it reads. The longest way through is lane 0; other ways
have lanes below it, which are theirs from where they leave to where they end. What leads past blocks of its own lane is
an arc above all.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from cnnfilter.drawing.blocks import Block

ENTRY = -1
"""The column, in place of one of the part, of what the part goes on from."""

Span = tuple[int, int]
"""The first and the last column that something takes."""


class Edge(NamedTuple):
    """What leads from one block to another.

    Parameters
    ----------
    source : int, optional
        A block's number; None of what the part goes on from.
    target : int
    level : int, optional
        Of an arc, which leads to where branches meet, how high above the lanes it is, counted from 0.
    turns_late : bool
        Whether it keeps to the lane of its source, and not to that of its target.
    """

    source: int | None
    target: int
    level: int | None = None
    turns_late: bool = False


class Laid(NamedTuple):
    """A part of a network, laid out.

    Parameters
    ----------
    columns, lanes : dict of int to int
        Of each block.
    edges : list of Edge
    """

    columns: dict[int, int]
    lanes: dict[int, int]
    edges: list[Edge]


def lay(blocks: Sequence[Block], numbers: range) -> Laid:
    """Lay out the blocks of a part, which reads nothing before it but one result."""
    reads = {n: list(dict.fromkeys(r if r in numbers else None for r in blocks[n].reads)) for n in numbers}
    readers: dict[int, list[int]] = {n: [] for n in numbers}
    columns: dict[int, int] = {}
    for n in numbers:
        columns[n] = 1 + max(ENTRY if r is None else columns[r] for r in reads[n])
        for r in reads[n]:
            if r is not None:
                readers[r].append(n)
    lanes = dict.fromkeys(_longest(reads, columns, numbers[-1]), 0)
    taken: list[list[Span]] = []
    firsts, lasts = set(), {numbers[-1]}
    for n in numbers:
        if n not in lanes:
            way = _way(n, readers, lanes)
            firsts.add(n)
            lasts.add(way[-1])
            begin = 1 + min(ENTRY if r is None else columns[r] for r in reads[n])
            end = max(max((columns[r] - 1 for r in readers[each]), default=columns[each]) for each in way)
            lane = 1 + _free(taken, (begin, max(end, columns[way[-1]])))
            lanes |= dict.fromkeys(way, lane)
    edges = []
    arcs: list[list[Span]] = []
    pairs = [(r, n) for n in numbers for r in reads[n]]
    # the shortest arcs are the lowest
    for r, n in sorted(pairs, key=lambda pair: columns[pair[1]] - _column(columns, pair[0])):
        span = _column(columns, r) + 1, columns[n]  # an arc ends in the middle of its target's column
        is_free = n in firsts or r in lasts or span[0] == span[1]
        edges.append(Edge(r, n, None if is_free else _free(arcs, span), turns_late=n not in firsts))
    return Laid(columns, lanes, edges)


def _column(columns: dict[int, int], number: int | None) -> int:
    return ENTRY if number is None else columns[number]


def _longest(reads: dict[int, list[int | None]], columns: dict[int, int], last: int) -> list[int]:
    """The longest way to a block."""
    way = [last]
    while (before := max(reads[way[-1]], key=lambda r: _column(columns, r))) is not None:
        way.append(before)
    return way


def _way(number: int, readers: dict[int, list[int]], lanes: dict[int, int]) -> list[int]:
    """A block and those that follow it, as far as none has a lane yet."""
    way = [number]
    while following := [r for r in readers[way[-1]] if r not in lanes]:
        way.append(following[0])
    return way


def _free(taken: list[list[Span]], span: Span) -> int:
    """The first lane in which nothing lies in a span, which is taken then."""
    for number, spans in enumerate(taken):
        if all(end < span[0] or span[1] < begin for begin, end in spans):
            spans.append(span)
            return number
    taken.append([span])
    return len(taken) - 1
