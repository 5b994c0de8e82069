"""Figures as SVG: texts stay texts, in whatever font without serifs there is, and nothing is loaded."""

from __future__ import annotations

from functools import singledispatch
from html import escape

from cnnfilter.drawing.letters import LIFT, MIDDLE, RAISED, runs
from cnnfilter.drawing.shapes import PAPER, Box, Figure, Line, Point, Polygon, Text, head
from cnnfilter.messages import printable, printable_lines

FONTS = "Helvetica, Arial, 'Liberation Sans', sans-serif"


def to_svg(figure: Figure) -> str:
    """A figure as the text of an SVG file, in UTF-8, on white."""
    width, height = _number(figure.width), _number(figure.height)
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" width="{width}" height="{height}" '
        f'viewBox="0 0 {width} {height}" font-family="{FONTS}">',
        f"<title>{_text(figure.title)}</title>",
        f"<desc>{escape(printable_lines(figure.description))}</desc>",
        element(Box(0, 0, figure.width, figure.height, PAPER, None)),
        *map(element, figure.shapes),
        "</svg>",
    ]
    return "".join(line + "\n" for line in lines)


@singledispatch
def element(shape: object) -> str:
    """A shape as elements of SVG."""
    msg = f"SVG has no words for {type(shape).__name__}"
    raise NotImplementedError(msg)


@element.register
def _box(box: Box) -> str:
    place = f'x="{_number(box.left)}" y="{_number(box.top)}"'
    size = f'width="{_number(box.width)}" height="{_number(box.height)}"'
    dashes = f' stroke-dasharray="{_number(4 * box.weight)} {_number(3 * box.weight)}"' if box.dashed else ""
    return f"<rect {place} {size} {_paint(box.fill, box.line, box.weight)}{dashes}/>"


@element.register
def _line(line: Line) -> str:
    shaft, *heads = head(line) if line.arrow else (line,)
    paint = _paint(None, shaft.colour, shaft.weight)
    return f'<polyline points="{_points(shaft.points)}" {paint}/>' + "".join(map(element, heads))


@element.register
def _polygon(polygon: Polygon) -> str:
    return f'<polygon points="{_points(polygon.points)}" {_paint(polygon.fill, polygon.line, polygon.weight)}/>'


@element.register
def _words(text: Text) -> str:
    place = f'x="{_number(text.x)}" y="{_number(text.y + MIDDLE * text.size)}" font-size="{_number(text.size)}"'
    anchor = "" if text.anchor == "start" else f' text-anchor="{text.anchor}"'
    bold = ' font-weight="bold"' if text.bold else ""
    spaces = ' xml:space="preserve"' if "  " in text.text else ""  # browsers do not take it from the root
    return f'<text {place} fill="{text.colour}"{anchor}{bold}{spaces}>{_content(text)}</text>'


def _content(text: Text) -> str:
    """What stands in an element of a text, its exponents raised."""
    written, is_high = "", False
    for part, raised in runs(text.text) if text.formula else [(text.text, False)]:
        moves = "" if raised == is_high else f' dy="{_number((is_high - raised) * LIFT * text.size)}"'
        smaller = f' font-size="{_number(RAISED * text.size)}"' if raised else ""
        written += f"<tspan{moves}{smaller}>{_text(part)}</tspan>" if moves or smaller else _text(part)
        is_high = raised
    return written


def _paint(fill: str | None, line: str | None, weight: float) -> str:
    outline = "" if line is None else f' stroke="{line}" stroke-width="{_number(weight)}"'
    return f'fill="{fill or "none"}"{outline}'


def _points(points: tuple[Point, ...]) -> str:
    return " ".join(f"{_number(x)},{_number(y)}" for x, y in points)


def _number(value: float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".")


def _text(text: str) -> str:
    return escape(printable(text))
