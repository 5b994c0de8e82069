"""How texts of figures are written, and how wide they are, whichever font will write them."""

from __future__ import annotations

import re

MIDDLE = 0.36
"""How far the middle of capital letters and digits lies above the line they stand on, in sizes of the font."""

MINUS = "\N{MINUS SIGN}"

_WIDTHS = {
    " .,:;|!'": 0.28,
    'ijl()[]{}/\\-`"': 0.36,
    "frtI*^": 0.4,
    "ckszvxyJ?_": 0.56,
    "mMWw@%": 0.96,
    "ABCDEFGHKLNOPQRSTUVXYZ&": 0.74,
}
"""Of letters in sizes of the font, the wider of Pillow's own font and Arial; most others are `_USUAL`."""
_OF = {letter: width for letters, width in _WIDTHS.items() for letter in letters}
_USUAL, _WIDE = 0.62, 1.0

_NUMBER = re.compile(r"(?<![\w.)])-(?=[\d.]|inf\b)")
_OPERATOR = re.compile(r"(?<= )([-*])(?= )")


def width(text: str, size: float) -> float:
    """How wide a line of text is at most in the usual fonts without serifs."""
    return size * sum(_OF.get(letter, _USUAL if letter < "\u1100" or letter == MINUS else _WIDE) for letter in text)


def typeset(text: str) -> str:
    r"""A formula with the signs of print.

    Examples
    --------
    >>> ascii(typeset("-3 * 2 - (-inf)"))
    "'\\u22123 \\xd7 2 \\u2212 (\\u2212inf)'"
    """
    signs = {"-": MINUS, "*": "\N{MULTIPLICATION SIGN}"}
    return _OPERATOR.sub(lambda match: signs[match[1]], _NUMBER.sub(MINUS, text))


def cut(text: str, size: float, room: float) -> str:
    """As much of a line as there is room for, `...` in the place of its middle where that is less than all."""
    if width(text, size) <= room:
        return text
    half = next((half for half in range(min(len(text), int(room)) // 2, 0, -1)
                 if width(f"{text[:half]}...{text[-half:]}", size) <= room), 0)  # fmt: skip
    return f"{text[:half]}...{text[len(text) - half :]}"
