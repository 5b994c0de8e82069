"""Contact sheets: many feature maps in one picture, with labels and a legend.

Each map has a thin frame and below it its index and extremes. Dead maps are hatched, values that are not
finite are magenta. Where outliers would leave one colour for all other values, the colours end at a percentile.
Memory stays within the sheet's own pixels and a few blocks.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from cnnfilter.errors import ArgumentError, ShapeError
from cnnfilter.imaging.arrays import Float32Array, Uint8Array
from cnnfilter.imaging.colormaps import DIVERGING, NOT_FINITE, Scale, colours, scale_for
from cnnfilter.imaging.grid import FRAME, MAX_SIDE, Grid, Text, Zoom, arrange
from cnnfilter.imaging.lettering import Colour, Lettering, draw_numbers, number, tidy
from cnnfilter.imaging.maps import OUTLIERS, Summary, as_maps, common_range, shrunk, summarise, typical_range
from cnnfilter.imaging.picture import Picture
from cnnfilter.messages import quoted

SCALINGS = ("map", "global")
"""Whether each map's colours span its own values, or those of all maps on the sheet."""

INK, GREY, _ALARM = (0, 0, 0), (96, 96, 96), (176, 0, 32)
_HATCH = (236, 184)
_FONT = (12, 96)
"""The smallest and the largest font, in pixels; between them a seventieth of the sheet's width, to be read when the
whole sheet is on a screen, but a tenth of a map's longer side at most and a fortieth at least."""


class _Entry(NamedTuple):
    """A map on the sheet: its place among all maps, its colours, and what stands below it, in which colour."""

    place: int
    summary: Summary
    scale: Scale
    lines: tuple[tuple[str, Colour], ...]

    @property
    def has_outliers(self) -> bool:
        """Whether values lie beyond the scale."""
        return self.summary.low < self.scale.low or self.summary.high > self.scale.high


class _Legend(NamedTuple):
    """What explains the sheet: lines of text, the ends of the bar if there is one, and the signs that occur."""

    lines: tuple[str, ...]
    scale: Scale
    ends: tuple[str, ...]
    signs: tuple[tuple[str, str], ...]


def contact_sheet(
    maps: npt.ArrayLike,
    *,
    scaling: str = "map",
    colormap: str = "auto",
    topk: int | None = None,
    columns: int | None = None,
    cell: int | None = None,
    labels: bool = True,
    titles: Sequence[str] | None = None,
    numbers: bool = False,
) -> Picture:
    """Show feature maps side by side.

    Parameters
    ----------
    maps : array_like of float32, (C, H, W)
        The maps; one may come as `(H, W)`.
    scaling : str
        `map`: the colours span each map's own values, so that weak maps can be seen too; `global`: they span
        the values of all maps shown, so that maps can be compared. Maps of a single value (1x1) are always
        compared. An end of the span that only outliers come near is a percentile: see `maps.typical_range`.
    colormap : str
        One of `COLORMAPS`. `auto` is `blue-white-red`, centred on 0, if any map shown has a negative value,
        else `viridis`.
    topk : int, optional
        Show only so many maps, those with the largest mean absolute value (the most active ones), the
        strongest first. Labels keep the index among all maps.
    columns : int, optional
        How many maps stand side by side; by default as many as make the sheet nearly square.
    cell : int, optional
        The most pixels of a map's longer side; it is enlarged or reduced by a whole factor. By default small maps
        are enlarged, and others keep their size.
    labels : bool
        Whether to write labels and the legend.
    titles : sequence of str, optional
        A name for each of the C maps, written after its index; a long one is cut.
    numbers : bool
        Whether each value is written into its place, which must be enlarged enough.

    Returns
    -------
    Picture
        RGB of uint8. Its notes name dead maps, maps with values that are not finite, and a reduction.

    Raises
    ------
    ShapeError
        If the maps are not `(C, H, W)`, or are too many for one sheet, or the numbers do not fit.
    ArgumentError
        If there is no such scaling or colour map, or no title for each map.

    Examples
    --------
    >>> import numpy as np
    >>> maps = np.random.default_rng(0).normal(size=(8, 28, 28)).astype(np.float32)
    >>> contact_sheet(maps, topk=4).pixels.shape
    (431, 296, 3)
    """
    if scaling not in SCALINGS:
        msg = f"unknown scaling {quoted(scaling)} (known: {', '.join(SCALINGS)})"
        raise ArgumentError(msg)
    planes = as_maps(maps)
    if titles is not None and len(titles) != len(planes):
        msg = f"there must be one title for each of {len(planes)} maps, not {len(titles)}"
        raise ArgumentError(msg)
    together = scaling == "global" or min(len(planes), topk or len(planes)) == 1 or planes[0].size == 1
    entries, common = _entries(planes, topk, titles, colormap, together)

    def measure(longer: int, zoom: Zoom) -> Text:
        across = longer * (columns or math.sqrt(len(entries)))
        font = round(min(max(longer / 40, min(across / 70, longer / 10), _FONT[0]), _FONT[1]))
        if not labels:
            return Text(font)
        lettering = Lettering(font)
        below, widest = _room_below(entries, lettering)
        return Text(font, below, widest, _room_of(_legend(planes, entries, common, together, zoom), lettering))

    grid = arrange(len(entries), planes[0].shape, measure, columns=columns, cell=cell)
    if grid is None:
        side = f" in {columns} columns" if columns else ""
        msg = (
            f"a sheet of {MAX_SIDE} pixels has no room for {_counted(len(entries))}{side}; "
            "show fewer with topk, or leave out the labels"
        )
        raise ShapeError(msg)
    canvas = np.full((*grid.size, 3), 255, np.uint8)
    lettering = Lettering(grid.text.size)
    for entry, (top, left) in zip(entries, grid.places(len(entries)), strict=True):
        inside = grid.framed(canvas, top, left)
        _draw_map(inside, planes[entry.place], entry, grid)
        if numbers:
            draw_numbers(inside, planes[entry.place], grid.zoom.grow)
        if labels:
            lettering.draw_lines(canvas, top + grid.tile[0] + 4, left, entry.lines, grid.cell[1])
    if labels:
        _draw_legend(canvas, _legend(planes, entries, common, together, grid.zoom), grid, lettering)
    return Picture(canvas, notes=_notes(entries, planes, grid.zoom))


def _entries(
    planes: Float32Array, topk: int | None, titles: Sequence[str] | None, colormap: str, together: bool
) -> tuple[list[_Entry], Scale]:
    """The maps that are shown, and the scale that they have in common or, each on its own, would have."""
    summaries = [summarise(plane) for plane in planes]
    shown: Sequence[int] = range(len(planes))
    if topk is not None:
        shown = heapq.nlargest(topk, shown, key=lambda index: summaries[index].strength)
    lost = any(summaries[index].finite < summaries[index].size for index in shown)
    extremes = common_range([summaries[index] for index in shown])
    common = scale_for(colormap, *extremes)  # whose sign of values chooses the colours, outliers or not
    if together:
        common = scale_for(common.colormap, *typical_range((planes[index] for index in shown), extremes))
    entries = []
    for index in shown:
        summary, scale = summaries[index], common
        if not together:
            low, high = typical_range([planes[index]], (summary.low, summary.high))
            scale = scale_for(common.colormap, low, high)
        title = f"{index} {tidy(titles[index])}".rstrip() if titles else str(index)
        lines = [(title, INK), _extremes(summary)]
        if lost:
            missing = summary.size - summary.finite
            lines.append((f"{missing} not finite" if missing else "", _ALARM))
        entries.append(_Entry(index, summary, scale, tuple(lines)))
    return entries, common


def _extremes(summary: Summary) -> tuple[str, Colour]:
    if not summary.finite:
        return "no finite value", GREY
    if summary.dead:
        return "dead: all 0", _ALARM
    return span(summary.low, summary.high, summary.size), GREY


def span(low: float, high: float, size: int) -> str:
    """Write the least and the largest of so many values.

    Examples
    --------
    >>> span(-1, 8, 9), span(7, 7, 9), span(7, 7, 1)
    ('-1 to 8', 'all 7', '7')
    """
    if low != high:
        return f"{number(low)} to {number(high)}"
    return f"all {number(low)}" if size > 1 else number(low)


def _room_below(entries: list[_Entry], lettering: Lettering) -> tuple[int, int]:
    """The height of a map's label, and the width that no map's label exceeds.

    A title alone does not widen a sheet beyond some fourteen letters.
    """
    limit = 10 * lettering.size
    widest = 0
    for entry in entries:
        for number_of_line, (text, _) in enumerate(entry.lines):
            width = lettering.width(text)
            widest = max(widest, width if number_of_line else min(width, limit))
    return len(entries[0].lines) * lettering.line + lettering.size // 2, widest


def _legend(planes: Float32Array, entries: list[_Entry], common: Scale, together: bool, zoom: Zoom) -> _Legend:
    count, height, width = planes.shape
    chosen = f"{len(entries)} strongest of " if len(entries) < count else ""
    first = f"{chosen}{_counted(count)} of {height}x{width}"
    if zoom.grow > 1:
        first += f", enlarged {zoom.grow} times"
    if zoom.shrink > 1:
        first += f", reduced {zoom.shrink} times"
    lines = [first]
    if len(entries) > 1:
        lines.append("all maps on one scale" if together else "each map on its own scale")
    outliers = sum(entry.has_outliers for entry in entries)
    if outliers:
        where = "" if together else f" of {_counted(outliers)}"
        lines.append(f"colours{where} end at the {OUTLIERS[1]:g}th percentile; outliers lie beyond")
    ends: tuple[str, ...] = (number(common.low), number(common.high))
    if common.low == common.high:  # no colour is used
        ends = ()
    elif not together:
        ends = ("-max |v|", "max |v|") if common.colormap == DIVERGING else ("min", "max")
    signs = []
    if any(entry.summary.dead for entry in entries):
        signs.append(("dead", "dead: all values 0"))
    if any(entry.summary.finite < entry.summary.size for entry in entries):
        signs.append(("lost", "NaN or infinite"))
    return _Legend(tuple(lines), common, ends, tuple(signs))


def _bar_width(legend: _Legend, lettering: Lettering) -> int:
    texts = sum(lettering.width(text) for text in (*legend.ends, "0"))
    return max(16 * lettering.size, texts + 2 * lettering.size)


def _room_of(legend: _Legend, lettering: Lettering) -> tuple[int, int]:
    """The height and width of the legend."""
    signs = [2 * lettering.size + lettering.width(text) for _, text in legend.signs]
    widest = max(*(lettering.width(text) for text in legend.lines), _bar_width(legend, lettering), *signs, 0)
    bar = lettering.line + 2 * lettering.size if legend.ends else lettering.size // 2
    return (len(legend.lines) + len(legend.signs)) * lettering.line + bar, widest


def _draw_map(inside: Uint8Array, plane: Float32Array, entry: _Entry, grid: Grid) -> None:
    if entry.summary.dead:
        _hatch(inside, grid.text.size)
        return
    for first, rows in shrunk(plane, grid.zoom.shrink):
        painted = grid.zoom.enlarged(colours(rows, entry.scale))
        begin = first * grid.zoom.grow
        inside[begin : begin + len(painted)] = painted


def _hatch(area: Uint8Array, size: int) -> None:
    """Fill an area with diagonal stripes, in greys that no colour map's zero or maximum is taken for."""
    period = max(4, size * 2 // 3)
    stripes = np.where(np.arange(area.shape[1] + period) % period < period // 3, _HATCH[1], _HATCH[0])
    for row in range(area.shape[0]):
        area[row] = stripes[row % period : row % period + area.shape[1], np.newaxis]


def _draw_legend(canvas: Uint8Array, legend: _Legend, grid: Grid, lettering: Lettering) -> None:
    top, left, size = grid.legend_top, grid.margin, lettering.size
    for text in legend.lines:
        lettering.draw(canvas, top, left, text, INK)
        top += lettering.line
    if legend.ends:
        _draw_bar(canvas, top, left, legend, lettering)
        top += size + 4 + lettering.line
    top += size // 2
    for kind, text in legend.signs:
        swatch = canvas[top : top + size, left : left + size + size // 2]
        if kind == "dead":
            _hatch(swatch, size)
        else:
            swatch[:] = NOT_FINITE
        lettering.draw(canvas, top, left + 2 * size, text, INK)
        top += lettering.line


def _draw_bar(canvas: Uint8Array, top: int, left: int, legend: _Legend, lettering: Lettering) -> None:
    width, size, scale = _bar_width(legend, lettering), lettering.size, legend.scale
    canvas[top : top + size + 2, left : left + width] = FRAME
    bar = colours(np.linspace(0, 1, width - 2), Scale(scale.colormap, 0, 1))
    canvas[top + 1 : top + 1 + size, left + 1 : left + width - 1] = bar
    top += size + 4
    low, high = legend.ends
    right = left + width - lettering.width(high)
    lettering.draw(canvas, top, left, low, INK)
    lettering.draw(canvas, top, right, high, INK)
    if scale.low < 0 < scale.high and low != "min":  # several scales have no common place for 0
        middle = left + round((width - 1) * -scale.low / (scale.high - scale.low))
        canvas[top - 4 : top, middle] = INK
        start, space = middle - lettering.width("0") // 2, size // 3
        if left + lettering.width(low) + space <= start <= right - lettering.width("0") - space:
            lettering.draw(canvas, top, start, "0", INK)


def _notes(entries: list[_Entry], planes: Float32Array, zoom: Zoom) -> tuple[str, ...]:
    notes = []
    dead = [entry.place for entry in entries if entry.summary.dead]
    lost = [entry.place for entry in entries if entry.summary.finite < entry.summary.size]
    if dead:
        notes.append(f"dead, all values 0: {_named(dead)}")
    if lost:
        notes.append(f"NaN or infinity, shown in magenta: {_named(lost)}")
    if zoom.shrink > 1:
        height, width = planes.shape[1:]
        small = zoom.tile(height, width)
        notes.append(f"maps of {height}x{width} are shown as {small[0]}x{small[1]}, {zoom.shrink} times reduced")
    return tuple(notes)


def _counted(count: int) -> str:
    return "1 map" if count == 1 else f"{count} maps"


def _named(indices: list[int], limit: int = 8) -> str:
    if len(indices) == 1:
        return f"map {indices[0]}"
    more = ", ..." if len(indices) > limit else ""
    return f"{_counted(len(indices))} ({', '.join(str(index) for index in sorted(indices)[:limit])}{more})"
