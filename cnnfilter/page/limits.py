"""What a page computes again in a browser, and what it holds; what is more is refused, with the ways out."""

from __future__ import annotations

import math
from collections.abc import Sequence

from cnnfilter.errors import ArgumentError
from cnnfilter.messages import alternatives, either, show_bytes
from cnnfilter.network.plan import Row

MOST_MACS = 2 * 10**9
"""Multiply-adds of all stages, and operations like them: one to four seconds of a core, where all is computed again."""

MOST_VALUES, MOST_SHOWN = 1 << 26, 1 << 27
"""Values of all results: a quarter of a gigabyte, which is there twice while they are computed again; and of those that
never are."""

MOST_BYTES = 1 << 26
"""Bytes that are embedded, before they are deflated: of the picture, the learned numbers and results."""


def work(row: Row) -> int:
    """How many multiply-adds a stage takes, or operations like them where a window has no weights: of a pool."""
    sliding = row.stage.sliding(row.input)
    return row.macs or (0 if sliding is None else math.prod(row.output) * math.prod(sliding.window))


def embedded(rows: Sequence[Row]) -> list[int]:
    """The places of the stages whose results a static page embeds: those that take more than an operation a value."""
    return [place for place, row in enumerate(rows) if work(row) > math.prod(row.output)]


def size_embedded(rows: Sequence[Row], picture: int, *, static: bool) -> int:
    """Bytes of the picture, of which there are `picture`, of the learned numbers, and of a static page's results."""
    results = sum(math.prod(rows[place].output) for place in embedded(rows)) if static else 0
    return picture + 4 * (sum(row.params for row in rows) + results)


def check_results(rows: Sequence[Row], picture: int, *, static: bool) -> None:
    """Refuse a network that takes too long to be computed again at each change, or whose results are too many.

    Parameters
    ----------
    rows : sequence of Row
    picture : int
        Bytes of the picture.
    static : bool
        Whether nothing is ever computed again.

    Raises
    ------
    ArgumentError
        With the limit, and the ways out.
    """
    macs = 0 if static else sum(map(work, rows))
    values, most = sum(math.prod(row.output) for row in rows), MOST_SHOWN if static else MOST_VALUES
    can_be_static = values <= MOST_SHOWN and size_embedded(rows, picture, static=True) <= MOST_BYTES
    ways = _ways_out(static=static or not can_be_static)
    if macs > MOST_MACS:
        msg = f"this takes {macs:,} multiply-adds, more than a page computes again (at most {MOST_MACS:,}); {ways}"
        raise ArgumentError(msg)
    if values > most:
        msg = f"this makes {values:,} values, more than a page holds (at most {most:,}); {ways}"
        raise ArgumentError(msg)


def check_embedded(size: int) -> None:
    """Refuse more bytes than a page embeds.

    Raises
    ------
    ArgumentError
        With the limit, and the ways out.
    """
    if size > MOST_BYTES:
        msg = (
            f"picture, learned numbers and results take {show_bytes(size)}, more than a page embeds "
            f"(at most {show_bytes(MOST_BYTES)}); {_ways_out(static=True)}"
        )
        raise ArgumentError(msg)


def _ways_out(*, static: bool) -> str:
    """What makes less of all; results that are embedded already, or too large for that, are none."""
    ways = [
        f"end with an earlier stage ({either('--node NODE', 'node')})",
        f"take a smaller picture ({either('--size N', 'size')})",
        *([] if static else [f"embed the results ({either('--static', 'static=True')})"]),
    ]
    return alternatives(ways)
