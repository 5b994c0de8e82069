"""Numbers as they are written on a board, alone, in sums and in products."""

from __future__ import annotations

import math
from collections.abc import Iterable

WHOLE = 10**15
"""Whole numbers from here on are no longer all different as floats, and are written short."""


def show(value: float) -> str:
    """A number as it is if it is whole, else in six digits.

    Examples
    --------
    >>> show(-3.0), show(2 / 3), show(1e-9), show(float("-inf"))
    ('-3', '0.666667', '1e-09', '-inf')
    """
    if math.isfinite(value) and value == int(value) and abs(value) < WHOLE:
        return str(int(value))
    return f"{value:.6g}"


def show_sum(terms: Iterable[float]) -> str:
    """The terms of a sum.

    Examples
    --------
    >>> show_sum([1, -2, 3])
    '1 - 2 + 3'
    """
    texts = [show(term) for term in terms]
    return texts[0] + "".join(map(added, texts[1:]))


def added(text: str) -> str:
    """The text of a number that is added to what stands before it."""
    return f" - {text[1:]}" if text.startswith("-") else f" + {text}"


def show_product(factors: Iterable[float]) -> str:
    """The factors of a product, those below 0 in parentheses.

    Examples
    --------
    >>> show_product([2, -3])
    '2 * (-3)'
    """
    return " * ".join(map(factor, factors))


def factor(value: float) -> str:
    """A number as a factor: below 0 in parentheses."""
    text = show(value)
    return f"({text})" if text.startswith("-") else text
