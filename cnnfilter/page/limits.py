"""What a page computes again in a browser, and what it holds; what is more is refused, with the ways out."""

from __future__ import annotations

import math
from collections.abc import Sequence

from cnnfilter.errors import ArgumentError
from cnnfilter.messages import either, show_bytes
from cnnfilter.network.plan import Row

MOST_MACS = 2 * 10**9
"""Multiply-adds of all stages, and operations like them: one to four seconds of a core, where all is computed again."""

MOST_VALUES = 1 << 26
"""Values of all results: a quarter of a gigabyte."""

MOST_BYTES = 1 << 26
"""Bytes that are embedded, before they are deflated: of the picture, the learned numbers and results."""


def work(row: Row) -> int:
    """How many multiply-adds a stage takes, or operations like them where a window has no weights: of a pool."""
    sliding = row.stage.sliding(row.input)
    return row.macs or (0 if sliding is None else math.prod(row.output) * math.prod(sliding.window))


def check_computed(rows: Sequence[Row]) -> None:
    """Refuse a network that is too large to be computed again at each change.

    Raises
    ------
    ArgumentError
        With the limit, and the ways out.
    """
    macs = sum(map(work, rows))
    values = sum(math.prod(row.output) for row in rows)
    ways = (
        f"end with an earlier stage ({either('--node NODE', 'node')}), take a smaller picture "
        f"({either('--size N', 'size')}), or embed the results ({either('--static', 'static=True')})"
    )
    if macs > MOST_MACS:
        msg = f"this takes {macs:,} multiply-adds, more than a page computes again (at most {MOST_MACS:,}); {ways}"
        raise ArgumentError(msg)
    if values > MOST_VALUES:
        msg = f"this makes {values:,} values, more than a page holds (at most {MOST_VALUES:,}); {ways}"
        raise ArgumentError(msg)


def check_embedded(size: int) -> None:
    """Refuse more bytes than a page embeds.

    Raises
    ------
    ArgumentError
        With the limit, and the ways out.
    """
    if size > MOST_BYTES:
        ways = f"({either('--node NODE', 'node')}), or take a smaller picture ({either('--size N', 'size')})"
        msg = (
            f"picture, learned numbers and results take {show_bytes(size)}, more than a page embeds "
            f"(at most {show_bytes(MOST_BYTES)}); end with an earlier stage {ways}"
        )
        raise ArgumentError(msg)
