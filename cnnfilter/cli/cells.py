"""Filters as coloured cells on a terminal, two columns for a weight."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cnnfilter.cli import render

if TYPE_CHECKING:
    from cnnfilter.weights.bank import Weights

_CELL = "  "
_GAP = "  "
_LINES = 24
"""About as many lines of cells are shown as a terminal has."""


def painted(weight: Weights) -> str:
    """As many filters (O, I, kh, kw) as fit, in colours; nothing where there are no colours, or no room.

    Standard output must be a terminal, and NO_COLOR unset.
    """
    if not render.standard_output().isatty():
        return ""
    from rich.console import Console
    from rich.style import Style
    from rich.text import Text

    console = Console(file=render.standard_output(), width=render.width())
    if console.color_system is None or console.no_color:
        return ""
    from cnnfilter.imaging.filters import filter_tiles

    height, width = (side + (len(_GAP) // 2) for side in filter_tiles(weight[:1])[0].shape[:2])
    across = (console.width + len(_GAP)) // (width * len(_CELL))
    shown = across * (_LINES // height)
    if not shown:
        return ""
    tiles = filter_tiles(weight[:shown])
    text = Text()
    for first in range(0, len(tiles), across):
        text.append("\n")
        for row in range(height - 1):
            for tile in tiles[first : first + across]:
                for red, green, blue in tile[row].tolist():
                    text.append(_CELL, Style(bgcolor=f"rgb({red},{green},{blue})"))
                text.append(_GAP)
            text.append("\n")
    if len(weight) > shown:
        text.append(f"\n{len(weight) - shown} more filters; -o FILE shows them all\n")
    with console.capture() as captured:
        console.print(text, end="", no_wrap=True)
    return captured.get()
