"""Labels as rows of a 1 among zeros. No NumPy here, so that the command that shows them starts fast."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from cnnfilter.errors import ArgumentError
from cnnfilter.messages import quoted
from cnnfilter.text.values import whole_number

MOST_CELLS = 1_000_000
"""Numbers of the largest one-hot matrix."""


@dataclass(frozen=True)
class OneHot:
    """Labels as rows of a 1 among zeros.

    Attributes
    ----------
    labels : tuple of str
    classes : tuple of str
        One for each column.
    rows : tuple of tuples of int
        One for each label.
    """

    labels: tuple[str, ...]
    classes: tuple[str, ...]
    rows: tuple[tuple[int, ...], ...]


def one_hot(labels: Sequence[str], count: int | None = None) -> OneHot:
    """Labels as rows of a 1 among zeros.

    Parameters
    ----------
    labels : sequence of str
        Numbers of classes, counted from 0, or names.
    count : int, optional
        How many classes there are. By default as many as the largest number asks for; of names as many as there are
        different ones, which are sorted.

    Raises
    ------
    ArgumentError
        If a label is empty or is none of the classes, or there are too many numbers.

    Examples
    --------
    >>> one_hot(["cat", "dog", "cat"]).rows, one_hot(["2", "0"], 4).rows
    (((1, 0), (0, 1), (1, 0)), ((0, 0, 1, 0), (1, 0, 0, 0)))
    """
    if "" in labels:
        msg = f"label {[*labels].index('') + 1} is empty"
        raise ArgumentError(msg)
    is_numbers = all(label.isascii() and label.isdigit() for label in labels)
    known = sorted(set(labels))
    largest = max(known, key=lambda label: (len(label.lstrip("0")), label.lstrip("0"))) if is_numbers else ""
    found = whole_number(largest, "a label", 0, MOST_CELLS) + 1 if is_numbers else len(known)
    size = found if count is None else count
    if size < found:
        msg = (
            f"label {quoted(int(largest))} is no class: there are {size}, counted from 0"
            if is_numbers
            else f"there are {found} different labels, more than {size} class{'es' * (size > 1)}"
        )
        raise ArgumentError(msg)
    if size * len(labels) > MOST_CELLS:
        msg = f"{len(labels):,} labels of {size:,} classes are too many numbers (at most {MOST_CELLS:,})"
        raise ArgumentError(msg)
    if not is_numbers and size > found:
        msg = f"there are {found} different labels; the names of the other {size - found} are not known"
        raise ArgumentError(msg)
    classes = tuple(map(str, range(size))) if is_numbers else tuple(known)
    places = [int(label) if is_numbers else classes.index(label) for label in labels]
    return OneHot(tuple(labels), classes, tuple(tuple(int(place == each) for each in range(size)) for place in places))
