"""Filters as pictures: a cell for each, white at 0, red above and blue below; those over three channels in colour."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Sequence

import numpy as np

from cnnfilter.errors import ShapeError
from cnnfilter.imaging.arrays import Float32Array, Uint8Array
from cnnfilter.imaging.colormaps import DIVERGING, Scale, colours, levels
from cnnfilter.imaging.grid import MAX_SIDE, Text, arrange
from cnnfilter.imaging.lettering import Lettering, draw_numbers, tidy
from cnnfilter.imaging.picture import Picture
from cnnfilter.imaging.sheet import GREY, INK, span

_FEW, _LARGE_CELL = 4, 320
"""Up to so many filters have cells so large, in which their numbers can be read."""
_FONT = 14


def filter_tiles(weight: Float32Array) -> list[Uint8Array]:
    """Each filter of a bank as a small picture, a pixel a weight.

    Parameters
    ----------
    weight : ndarray of float32, (O, I, kh, kw)

    Returns
    -------
    list of ndarray of uint8, (height, width, 3)
        The largest magnitude of each filter has the full colour. One over three channels is red, green and blue, with
        mid grey at 0. Other channels lie side by side and below each other, with white lines between them.
    """
    return list(map(_tile, weight))


def _tile(channels: Float32Array) -> Uint8Array:
    count, height, width = channels.shape
    largest = float(np.abs(channels).max())
    if count == 3:
        return levels(channels.transpose(1, 2, 0), Scale("gray", -largest, largest))[0]
    across = math.ceil(math.sqrt(count))
    tile = np.full((-(-count // across) * (height + 1) - 1, across * (width + 1) - 1, 3), 255, np.uint8)
    for index, channel in enumerate(channels):
        row, column = divmod(index, across)
        top, left = row * (height + 1), column * (width + 1)
        tile[top : top + height, left : left + width] = colours(channel, Scale(DIVERGING, -largest, largest))
    return tile


def filter_sheet(weight: Float32Array, titles: Sequence[str]) -> Picture:
    """Show the filters of a bank, each enlarged in a cell, with its title and its extremes below.

    Parameters
    ----------
    weight : ndarray of float32, (O, I, kh, kw)
        Where there is room, the weights of a filter over one channel are written into it.
    titles : sequence of str
        One for each filter; a long one is cut.

    Returns
    -------
    Picture
        RGB of uint8.

    Raises
    ------
    ShapeError
        If they are too many for one picture.
    """
    tiles = filter_tiles(weight)
    height, width = tiles[0].shape[:2]
    lettering = Lettering(_FONT)
    extremes = [span(float(each.min()), float(each.max()), each.size) for each in weight]
    below = list(zip(map(tidy, titles), extremes, strict=True))
    room = Text(_FONT, 2 * lettering.line + 4, max(map(lettering.width, extremes)))
    cell = _LARGE_CELL if len(tiles) <= _FEW and max(height, width) < _LARGE_CELL else None
    grid = arrange(len(tiles), (height, width), lambda *_: room, cell=cell)
    if grid is None or grid.zoom.shrink > 1:
        shape = "x".join(map(str, weight.shape[1:]))
        msg = f"a picture of {MAX_SIDE} pixels has no room for {len(tiles)} filters of {shape}"
        raise ShapeError(msg)
    canvas = np.full((*grid.size, 3), 255, np.uint8)
    for tile, each, texts, (top, left) in zip(tiles, weight, below, grid.places(len(tiles)), strict=True):
        inside = grid.framed(canvas, top, left)
        inside[:] = grid.zoom.enlarged(tile)
        if len(each) == 1:
            with contextlib.suppress(ShapeError):  # without room they are left out
                draw_numbers(inside, each[0], grid.zoom.grow)
        lines = zip(texts, (INK, GREY), strict=True)
        lettering.draw_lines(canvas, top + grid.tile[0] + 4, left, lines, grid.cell[1])
    return Picture(canvas)
