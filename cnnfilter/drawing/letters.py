"""How texts of figures are written, and how wide they are, whichever font will write them."""

from __future__ import annotations

import re

MIDDLE = 0.36
"""How far the middle of capital letters and digits lies above the line they stand on, in sizes of the font."""

MINUS = "\N{MINUS SIGN}"
SQUARE = "\N{SUPERSCRIPT TWO}"

RAISED = 0.75
"""How large an exponent is, in sizes of its base."""
LIFT = 0.4
"""How far it is raised."""

_WIDTHS = {
    " .,:;|!'": 0.28,
    'ijl()[]{}/\\-`"': 0.36,
    "frtI*^": 0.4,
    "ckszvxyJ?_": 0.56,
    "mMWw@%": 0.96,
    "ABCDEFGHKLNOPQRSTUVXYZ&": 0.74,
    f"0123456789+={MINUS}": 0.59,
    "\N{INFINITY}": 0.8,
}
"""Of letters in sizes of the font, the wider of Pillow's own font and Arial; most others are `_USUAL`."""
_OF = {letter: width for letters, width in _WIDTHS.items() for letter in letters}
_USUAL, _WIDE = 0.62, 1.0

_NUMBER = re.compile(r"(?<![\w.)])-(?=[\d.(|]|inf\b)|(?<=\de)-(?=\d)")
_INFINITE = re.compile(r"\binf\b")
_OPERATOR = re.compile(r"(?<= )([-*])(?= )")
_PRODUCT = re.compile(r"(?<=[\w)])\*(?=[\d(])")
_EXPONENT = re.compile(rf"\^({MINUS}?(?:[\d.]+(?:e[-+{MINUS}]?\d+)?|\w+|\((?:[^()]|\([^()]*\))*\))(?:\^2)?)")


def width(text: str, size: float) -> float:
    """How wide a line of text is at most in the usual fonts without serifs."""
    return size * sum(_OF.get(letter, _USUAL if letter < "\u1100" else _WIDE) for letter in text)


def printed(text: str) -> str:
    r"""A formula with the signs of print.

    Examples
    --------
    >>> ascii(printed("-3 * 2 - (-inf)"))
    "'\\u22123 \\xd7 2 \\u2212 (\\u2212\\u221e)'"
    """
    signs = {"-": MINUS, "*": "\N{MULTIPLICATION SIGN}"}
    written = _NUMBER.sub(MINUS, _PRODUCT.sub(" * ", text))
    return _INFINITE.sub("\N{INFINITY}", _OPERATOR.sub(lambda match: signs[match[1]], written))


def runs(formula: str) -> list[tuple[str, bool]]:
    """The parts of a printed formula, and whether each is an exponent.

    Examples
    --------
    >>> runs("1 / (1 + e^(2 + 3)) + 3^2")
    [('1 / (1 + e', False), ('2 + 3', True), (') + 3', False), ('2', True)]
    """
    parts = _EXPONENT.split(formula)
    found = [(part, bool(index % 2)) for index, part in enumerate(parts)]
    return [(_exponent(part) if raised else part, raised) for part, raised in found if part]


def _exponent(text: str) -> str:
    """What is raised: without parentheses around all of it, and a square in it by its own sign."""
    return text[1:-1] if text[0] == "(" and text[-1] == ")" else text.replace("^2", SQUARE)


def formula_width(formula: str, size: float) -> float:
    """How wide a printed formula is at most."""
    return sum(width(part, size * RAISED if raised else size) for part, raised in runs(formula))


def cut(text: str, size: float, room: float) -> str:
    """As much of a line as there is room for, `...` in the place of its middle where that is less than all."""
    if width(text, size) <= room:
        return text
    half = next((half for half in range(min(len(text), int(room)) // 2, 0, -1)
                 if width(f"{text[:half]}...{text[-half:]}", size) <= room), 0)  # fmt: skip
    return f"{text[:half]}...{text[len(text) - half :]}"
