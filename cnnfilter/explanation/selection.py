"""What is written out of a step where all of it would be too much to read."""

from __future__ import annotations

from collections.abc import Sequence

from cnnfilter.explanation import steps
from cnnfilter.explanation.regions import Place

MOST_CHANNELS = 3
"""Channels that are written out in full; of more, those with the largest sums."""
MOST_ROWS = 15
"""Rows of a window that are written out; of a larger one, the largest products."""
MOST_MEETINGS = 3
"""Rows, and columns, that are each told with the kernel's that they meet."""
MOST_TERMS = 8
"""Products, or powers, that are listed."""
FEW_TERMS = 9
"""Products whose sum is written with those of weights that are 0."""

Tap = tuple[int, int]
"""A row and a column of a window, counted from 0."""


def shown_filters(step: steps.Convolved) -> list[int]:
    """The filters of a convolution that are written out: of those whose largest sum counts, that one."""
    numbers = range(len(step.filters))
    return [max(numbers, key=lambda f: step.filters[f].value)] if step.combine == "maximum" else [*numbers]


def shown_channels(each: steps.FilterSum) -> list[int]:
    """The channels of a filter that are written out, in order."""
    ranked = sorted(range(len(each.channels)), key=lambda c: -abs(each.channels[c].sum))
    return sorted(ranked[:MOST_CHANNELS])


def largest_taps(channel: steps.ChannelSum) -> list[Tap]:
    """The taps of a window that give the largest products, the largest first."""
    window = channel.window
    taps = [(i, j) for i in range(len(window.rows)) for j in range(len(window.columns))]
    return sorted(taps, key=lambda tap: -abs(channel.products[tap[0]][tap[1]]))[:MOST_TERMS]


def summed(channel: steps.ChannelSum) -> list[float]:
    """The products whose sum is written: of many, those of weights that are not 0."""
    products = [value for row in channel.products for value in row]
    weights = [value for row in channel.kernel for value in row]
    if len(products) <= FEW_TERMS:
        return products
    return [product for product, weight in zip(products, weights, strict=True) if weight]


def largest_products(step: steps.Multiplied) -> list[int]:
    """The products of a dense stage that are listed: all in order, or of many the largest, the largest first."""
    count = len(step.products)
    chosen = sorted(range(count), key=lambda i: -abs(step.products[i]))[:MOST_TERMS]
    return chosen if count > MOST_TERMS else sorted(chosen)


def largest_powers(step: steps.Softmaxed) -> list[int]:
    """The powers of a softmax that are listed, in order: the largest, and the value's own."""
    chosen = sorted(range(len(step.inputs)), key=lambda i: -step.powers[i])[:MOST_TERMS]
    return sorted({*chosen, step.at[-1]})


def place_text(place: Sequence[int]) -> str:
    """A place in words.

    Examples
    --------
    >>> place_text((2, 1, 0)), place_text((7,))
    ('row 2, column 1, map 0', 'index 7')
    """
    return f"index {place[0]}" if len(place) == 1 else f"row {place[0]}, column {place[1]}, map {place[2]}"


def range_text(word: str, first: int, last: int) -> str:
    """A range in words.

    Examples
    --------
    >>> range_text("row", 2, 4), range_text("row", 2, 2)
    ('rows 2 to 4', 'row 2')
    """
    return f"{word} {first}" if first == last else f"{word}s {first} to {last}"


def followed_in(step: steps.Step, first: steps.Step) -> Place | None:
    """The place that is marked in a step's windows: what the next step explains, where there is one."""
    return step.follows if step is not first else None
