"""The formats of texts for notes: how each writes the parts, and what comes from outside."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from itertools import chain
from typing import NamedTuple

from cnnfilter.explanation import Explanation
from cnnfilter.explanation.numbers import Numbers
from cnnfilter.messages import escaped, printable
from cnnfilter.typeset.document import explanation_parts, numbers_parts
from cnnfilter.typeset.parts import Code, Display, Heading, Math, Paragraph, Part, Piece, Table

LATIN = {chr(code) for code in range(0xC0, 0x100)} - {*"ÐÞðþ"}
"""Characters beyond ASCII for which every LaTeX has fonts; others appear as their escapes."""

SPECIAL = {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "`": r"\textasciigrave{}"}
SPECIAL |= {character: f"\\{character}" for character in "{}$&#_%"}
SPECIAL |= {character: f"{character}\\allowbreak{{}}" for character in ",:;/"}
"""How LaTeX writes what it would obey, and where it may end a line."""

LATEX_BEGIN = r"""% A document by itself, and a part of another that reads it with \input and has \usepackage{amsmath}.
\expandafter\ifx\csname @twoclasseserror\endcsname\documentclass \def\endpart{}\else
\documentclass{article}
\usepackage{amsmath}
\begin{document}
\def\endpart{\end{document}}
\fi
"""
LATEX_END = "\\endpart\n"


class Format(NamedTuple):
    """How a text is written.

    Parameters
    ----------
    write : callable
        Writes a part, which ends in a line break.
    begin, end : str
        What stands around all parts.
    """

    write: Callable[[Part], str]
    begin: str = ""
    end: str = ""


def typeset(format: str, numbers: Iterable[Numbers], explained: Iterable[Explanation]) -> str:
    """Listings of numbers, and explanations, in one of `FORMATS`."""
    parts = chain(
        chain.from_iterable(map(numbers_parts, numbers)), chain.from_iterable(map(explanation_parts, explained))
    )
    return written(format, parts)


def written(format: str, parts: Iterable[Part]) -> str:
    """Parts in one of `FORMATS`."""
    chosen = FORMATS[format]
    return chosen.begin + "\n".join(map(chosen.write, parts)) + chosen.end


def _of_cell(cell: str | Code) -> Code | Math:
    """What stands in a table, as a part of a line."""
    return Math(cell) if isinstance(cell, str) else cell


# Markdown, as GitHub and Pandoc read it


def _markdown(part: Part) -> str:
    match part:
        case Heading(pieces, is_whole):
            return f"{'##' if is_whole else '###'} {_markdown_line(pieces)}\n"
        case Paragraph(pieces):
            return _markdown_line(pieces) + "\n"
        case Display(latex):
            return f"$$\n{latex}\n$$\n"
        case Table(header, rows):
            lines = [header, ["---:"] * len(header), *(map(_markdown_cell, row) for row in rows)]
            return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _markdown_cell(cell: str | Code) -> str:
    piece = _of_cell(cell)
    text = _markdown_piece(piece)
    return text.replace("|", r"\|") if piece is cell else text  # what a table would end a cell at


def _markdown_line(pieces: Iterable[Piece]) -> str:
    return "".join(map(_markdown_piece, pieces))


def _markdown_piece(piece: Piece) -> str:
    match piece:
        case Code(text):
            return _code_span(printable(text))
        case Math(latex):
            return f"${latex}$"
        case str():
            return piece


def _code_span(text: str) -> str:
    """A text between more backticks than it has in a row, and with spaces to be taken off where its ends need them."""
    fence = "`" * (max(map(len, re.findall("`+", text)), default=0) + 1)
    ends = {text[:1], text[-1:]}
    edge = " " if "`" in ends or (ends == {" "} and text.strip(" ")) else ""  # of spaces alone none is taken off
    return f"{fence}{edge}{text}{edge}{fence}"


# LaTeX


def _latex(part: Part) -> str:
    match part:
        case Heading(pieces, is_whole):
            size = r"\large " if is_whole else ""
            return f"{{\\medskip\\raggedright\\noindent\\textbf{{{size}{_latex_line(pieces)}}}\\par}}\n"
        case Paragraph(pieces):
            return f"{{\\raggedright\\noindent {_latex_line(pieces)}\\par}}\n"
        case Display(latex):
            return f"\\[\n{latex}\n\\]\n"
        case Table(header, rows):
            lines = [" & ".join(_latex_piece(_of_cell(cell)) for cell in row) for row in rows]
            cells = " \\\\\n".join([" & ".join(header) + " \\\\ \\hline\n\\rule{0pt}{3ex}" + lines[0], *lines[1:]])
            columns = "r" * len(header)
            return f"\\begin{{center}}\n\\begin{{tabular}}{{{columns}}}\n{cells}\n\\end{{tabular}}\n\\end{{center}}\n"


def _latex_line(pieces: Iterable[Piece]) -> str:
    return "".join(map(_latex_piece, pieces))


def _latex_piece(piece: Piece) -> str:
    match piece:
        case Code(text):
            return f"\\texttt{{{''.join(map(_latex_character, _printed(text)))}}}"
        case Math(latex):
            return f"${latex}$"
        case str():
            return piece


def _printed(text: str) -> str:
    return "".join(c if c.isascii() or c in LATIN else escaped(c) for c in printable(text))


def _latex_character(character: str) -> str:
    return SPECIAL.get(character, character)


FORMATS = {"markdown": Format(_markdown), "latex": Format(_latex, LATEX_BEGIN, LATEX_END)}
"""The formats, by name."""
