"""What a text for notes is made of, whatever format it is written in."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Code:
    """Text from outside, such as a stage's, which a format shows as it is and does not obey."""

    text: str


@dataclass(frozen=True)
class Math:
    """A formula within a line, as LaTeX."""

    latex: str


Piece = str | Code | Math
"""A part of a line; texts are our own words."""


@dataclass(frozen=True)
class Heading:
    """A heading, of the whole or of a part of it."""

    pieces: tuple[Piece, ...]
    is_whole: bool = False


@dataclass(frozen=True)
class Paragraph:
    """A paragraph."""

    pieces: tuple[Piece, ...]


@dataclass(frozen=True)
class Display:
    """A formula with lines of its own, as LaTeX."""

    latex: str


@dataclass(frozen=True)
class Table:
    """Formulas, and text from outside, in columns below their names."""

    header: tuple[str, ...]
    rows: tuple[tuple[str | Code, ...], ...]


Part = Heading | Paragraph | Display | Table


def paragraph(*pieces: Piece) -> Paragraph:
    """A paragraph of these."""
    return Paragraph(pieces)
