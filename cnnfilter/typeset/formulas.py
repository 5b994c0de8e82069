r"""Formulas as `explanation.formulas` writes them, and numbers, as LaTeX.

::

    sum     = product {("+" | "-") product}
    product = unary {("*" | "/") unary}
    unary   = "-" unary | power
    power   = atom ["^" unary]
    atom    = number | name ["(" sum {"," sum} ")"] | "(" sum ")" | "|" sum "|"
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from cnnfilter.text.shown import show

ROOM = 66
"""How many digits a line of a printed page has room for."""

_TOKEN = re.compile(r"\s*(\d+(?:\.\d+)?(?:e[-+]\d+)?|log\d+|[a-z]+|[-+*/^(),|])")
_NAMES = {
    "inf": r"\infty", "nan": r"\mathrm{NaN}", "e": "e", "pi": r"\pi", "max": r"\max", "min": r"\min",
    "tanh": r"\tanh", "ln": r"\ln", "erf": r"\operatorname{erf}", "sum": r"\sum", "mean": r"\operatorname{mean}",
    "n": "n", "p": "p", "t": "t", "x": "x",
}  # fmt: skip
"""What stands for each name; one that is not here raises."""


class _Term(NamedTuple):
    """A part of a formula; `bare` is the same without the parentheses around it."""

    latex: str
    bare: str


def number(value: float) -> str:
    r"""A number.

    Examples
    --------
    >>> print(number(-3), number(2 / 3), number(1.5e-9), number(float("inf")))
    -3 0.666667 1.5 \cdot 10^{-9} \infty
    """
    return formula(show(value))


def formula(text: str) -> str:
    r"""A formula.

    Examples
    --------
    >>> print(formula("(3 - 1) / sqrt(4 + 1e-05) * (-2)"))
    \frac{3 - 1}{\sqrt{4 + 1 \cdot 10^{-5}}} \cdot \left(-2\right)
    """
    return _Reader(_TOKEN.findall(text)).sum()


class _Reader:
    """What is left to read of a formula."""

    def __init__(self, tokens: Iterable[str]) -> None:
        self.rest = [*tokens]

    def found(self, *tokens: str) -> str:
        """The next token if it is one of these, which is read then; else nothing."""
        return self.rest.pop(0) if self.rest and self.rest[0] in tokens else ""

    def sum(self) -> str:
        latex = self.product()
        while sign := self.found("+", "-"):
            latex += f" {sign} {self.product()}"
        return latex

    def product(self) -> str:
        term = self.unary()
        while sign := self.found("*", "/"):
            other = self.unary()
            both = f"{term.latex} \\cdot {other.latex}" if sign == "*" else f"\\frac{{{term.bare}}}{{{other.bare}}}"
            term = _Term(both, both)
        return term.latex

    def unary(self) -> _Term:
        if not self.found("-"):
            return self.power()
        term = self.unary()
        latex = f"-{term.bare if term.bare[0].isdigit() and ' ' not in term.bare else term.latex}"
        return _Term(latex, latex)

    def power(self) -> _Term:
        base = self.atom()
        if not self.found("^"):
            return base
        latex = f"{base.latex}^{{{self.unary().bare}}}"
        return _Term(latex, latex)

    def atom(self) -> _Term:
        if self.found("("):
            inside = self.inside(")")
            return _Term(rf"\left({inside}\right)", inside)
        if self.found("|"):
            latex = rf"\left|{self.inside('|')}\right|"
        elif self.found("sqrt"):
            self.found("(")
            latex = rf"\sqrt{{{self.inside(')')}}}"
        else:
            token = self.rest.pop(0)
            latex = _named(token) if token[0].isalpha() else _digits(token)
            if self.found("("):
                latex += rf"\left({self.inside(')')}\right)"
        return _Term(latex, latex)

    def inside(self, end: str) -> str:
        """What stands up to the end of brackets, which is read as well."""
        parts = [self.sum()]
        while self.found(","):
            parts.append(self.sum())
        self.found(end)
        return ", ".join(parts)


def _named(name: str) -> str:
    base = name.removeprefix("log")
    return rf"\log_{{{base}}}" if base.isdigit() else _NAMES[name]


def _digits(text: str) -> str:
    mantissa, _, exponent = text.partition("e")
    return f"{mantissa} \\cdot 10^{{{int(exponent)}}}" if exponent else mantissa


def equation(label: str, terms: Sequence[float], result: float, longest: int) -> str:
    r"""`label = a + b = result`, over as many lines as it needs; without the terms where these are more than `longest`.

    Examples
    --------
    >>> print(equation("sum", [1, -2, 3], 2, 8))
    \text{sum} = 1 - 2 + 3 = 2
    """
    if not 1 < len(terms) <= longest:
        return rf"\text{{{label}}} = {number(result)}"
    lines, size = [""], 0
    for place, term in enumerate(terms):
        text = show(term)
        sign, digits = ("-", text[1:]) if text.startswith("-") else ("+", text)
        # in braces it is no difference of nothing and a number
        written = f"{sign} {formula(digits)}" if place else f"{{{formula(text)}}}" if sign == "-" else formula(digits)
        size += len(digits) + 3
        if size > ROOM:
            lines.append("")
            size = len(digits) + 3
        lines[-1] += f"{written} "
    first, *more = [line.rstrip() for line in lines]
    if not more:
        return rf"\text{{{label}}} = {first} = {number(result)}"
    rows = [rf"\text{{{label}}} ={{}}& {first}", *(f"& {line}" for line in more), f"={{}}& {{{number(result)}}}"]
    return aligned(rows)


def chain(formulas: Sequence[str]) -> str:
    r"""Formulas that are equal, over as many lines as they need: these end before a `=`, or in a long sum.

    Examples
    --------
    >>> print(chain(["e^2", "7.38906"]))
    e^{2} = 7.38906
    """
    if sum(map(len, formulas)) <= ROOM:
        return " = ".join(map(formula, formulas))
    rows = []
    for place, text in enumerate(formulas):
        first, *more = _broken(formula(_flat(text))) if len(text) > ROOM else [formula(text)]
        rows += [f"{'={}' if place else ''}& {first}", *(rf"& \quad {part}" for part in more)]
    return aligned(rows)


def _flat(text: str) -> str:
    """A formula without the fraction that all of it is, whose lines cannot be broken."""
    return re.sub(r"^(-?)(\(.*\)) / (\d+)$", r"\g<1>1 / \3 * \2", text)


def _broken(latex: str) -> Iterator[str]:
    """The lines of a sum that is too long; parentheses around it no longer grow with what is in them."""
    line = ""
    for term in _terms(latex):
        if line and _digits_wide(line) + _digits_wide(term) > ROOM:
            yield line
            line = ""
        line = f"{line} {term}".strip()
    yield line


def _terms(latex: str) -> Iterator[str]:
    """The terms of a sum, or of the one in the parentheses around it, each with its sign."""
    term, depth, braces = "", 0, 0
    for part in re.split(r"(\\left\(|\\right\)|[{}]| (?=[+-] ))", latex):
        braces += (part == "{") - (part == "}")
        if part == " " and depth <= 1 and not braces:
            yield term
            term = ""
            continue
        depth -= part == r"\right)"
        is_outer = depth == 0 and not braces
        term += {r"\left(": r"\bigl(", r"\right)": r"\bigr)"}.get(part, part) if is_outer else part
        depth += part == r"\left("
    yield term


def _digits_wide(latex: str) -> int:
    """About how many digits wide a formula is."""
    return len(re.sub(r"\\cdot|\\[lr]eft|\\big[lr]|\\[a-z]+(?=_|\\)|[{}_^\\]", "", latex)) + 1


def aligned(rows: Sequence[str]) -> str:
    """Rows below each other, which meet where each has its `&`. A row has a line: GitHub wants its end there."""
    return "\n".join([r"\begin{aligned}", " \\\\\n".join(rows), r"\end{aligned}"])


def matrix(cells: Sequence[Sequence[str]]) -> str:
    """Cells in brackets, to the right of their columns; a row has a line."""
    columns = "r" * len(cells[0])
    rows = " \\\\\n".join(" & ".join(row) for row in cells)
    return f"\\left[\\begin{{array}}{{{columns}}}\n{rows}\n\\end{{array}}\\right]"


def width(texts: Sequence[Sequence[str]]) -> int:
    """How many digits wide the matrix of these numbers is, with its brackets."""
    return 2 + sum(map(column_width, zip(*texts, strict=True)))


def column_width(texts: Sequence[str]) -> int:
    """How many digits wide a column of a matrix is, with what is beside it; a minus takes nearly two."""
    return 2 + max(len(text) + text.count("-") for text in texts)
