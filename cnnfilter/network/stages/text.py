"""How sizes, numbers and names are written in the text of a stage, and how such a text is taken apart.

All of it takes time in proportion to a text's length, whatever the text repeats: a pattern begins a run of backslashes
only where the run begins.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from cnnfilter.network.stages.sight import Number
from cnnfilter.sizes import Pads, Pair

Shape = tuple[int, ...]
"""(H, W, C) of maps, or (n,) of a vector."""


def show_pair(pair: Pair) -> str:
    """A window, stride or dilation in its shortest form, `2` or `2x1`."""
    return str(pair[0]) if pair[0] == pair[1] else f"{pair[0]}x{pair[1]}"


def show_sizes(sizes: Sequence[Number]) -> str:
    """A receptive field or a jump: whole numbers, or fractions in four digits.

    Examples
    --------
    >>> from fractions import Fraction
    >>> show_sizes((3, 5)), show_sizes((Fraction(3, 2), 5)), show_sizes([Fraction(4001, 3)])
    ('3x5', '1.5x5', '1333.7')
    """
    return "x".join(map(_fraction, sizes))


def _fraction(number: Number) -> str:
    if isinstance(number, int):
        return str(number)
    return f"{float(number):.4g}" if number < 1000 else f"{float(number):.1f}"


def show_padding(padding: Pads | str) -> str:
    """A padding in its shortest form: `same`, `1`, `1x2`, `1+2x0+3`."""
    if isinstance(padding, str):
        return padding
    if all(begin == end for begin, end in padding):
        return show_pair((padding[0][0], padding[1][0]))
    return "x".join(f"{begin}+{end}" for begin, end in padding)


_FIRST = r"(?:[^\s\\/,]|\\[,+])*"
_QUERY = r"(?:/(?:[^\s\\,:?]|\\[,+])*\?(?:[^\s\\,:]|\\[,+]|:(?!\s*[\w-]+\s*=))*)?"
_WHOLE = rf"(?:[A-Za-z]:(?=[\\/])|(?:[A-Za-z][\w.+-]*::){{0,3}}[A-Za-z][\w.+-]+://{_FIRST}{_QUERY})"
"""What the colons of separate nothing: a drive, or an address up to its folder, its user and its port among it.

Nor do those of its query, but where what follows is a key.
"""

_BEGUN = re.compile(rf"(?:\A|(?<=[:=,]))\s*({_WHOLE})")


def escape(text: str) -> str:
    r"""A path, an address or a name with a backslash before what would split it, as the grammar reads it.

    Examples
    --------
    >>> print(escape("C:/a,b.npy"), escape("s3://bucket/a:b.npy"))
    C:/a\,b.npy s3://bucket/a\:b.npy
    """

    # backslashes before a separator count double: half of them, rounded down, stand for themselves
    def escaped(text: str, separators: str) -> str:
        return re.sub(
            rf"(?<!\\)(\\*)({separators})",
            lambda found: found[1] * 2 + ("\\" if found[2] else "") + found[2],
            text,
        )

    text = escaped(text, r"[,+]|\Z")
    whole = re.match(_WHOLE, text)
    begin = whole.end() if whole else 0
    return text[:begin] + escaped(text[begin:], ":")


class Piece(NamedTuple):
    """A part of a text, and the column of its first character, counted from 1."""

    text: str
    column: int


def split(whole: Piece, separator: str) -> list[Piece]:
    r"""Split where a separator stands without a backslash, and take off the blanks around each part.

    The colon of a one-letter drive, `C:\\` or `C:/`, separates nothing, nor do those of an address before its folder,
    and of its query where no key follows.

    Examples
    --------
    >>> [part.text for part in split(Piece(r"a\:b:C:/c:sftp://me@host:22/d", 1), ":")]
    ['a\\:b', 'C:/c', 'sftp://me@host:22/d']
    """
    text = whole.text
    marks = re.compile(r"\\.|" + re.escape(separator), re.DOTALL)  # a backslash takes what follows along
    held = {place for found in _BEGUN.finditer(text) for place in range(*found.span(1))} if separator == ":" else ()
    ends = [found.start() for found in marks.finditer(text) if found[0] == separator and found.start() not in held]
    parts = []
    for begin, end in zip([0, *(end + 1 for end in ends)], [*ends, len(text)], strict=True):
        part = text[begin:end]
        blanks = len(part) - len(part.lstrip())
        parts.append(Piece(part.strip(), whole.column + begin + blanks))
    return parts


def unescape(text: str) -> str:
    """The text that `escape` was given."""

    def halve(found: re.Match[str]) -> str:
        # at the end of a part one backslash alone stands for itself: a person's path may end in one
        return "\\" * ((len(found[1]) + (not found[2])) // 2) + found[2]

    return re.sub(r"(?<!\\)(\\+)([,:+]|\Z)", halve, text)
