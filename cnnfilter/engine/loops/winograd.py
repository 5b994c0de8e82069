"""Winograd's way to convolve with 3x3 filters: 16 products for each four results, where taps take 36."""

from __future__ import annotations

import numpy as np

from cnnfilter.engine.codes import FILTERS, NARROW, TILE_BLOCK, TILES
from cnnfilter.engine.groups import Finish
from cnnfilter.engine.lanes.operations import HALF, put_results, put_tiles, sum_filters, zeros
from cnnfilter.engine.loops.banks import copy_row, pad_rows
from cnnfilter.runtime.jit import loop, part


@part
def _number(place, a, b, c):
    """One of the four numbers for three weights: a, half of a + b + c, half of a - b + c, or c."""
    if place == 0:
        return a
    if place == 3:
        return c
    return (a + c + b) / 2 if place == 1 else (a + c - b) / 2


@loop
def transform_filters(out, filters):
    """Transform filters, down their columns and along their rows.

    Parameters
    ----------
    out : (16, groups of `FILTERS`, channels, `FILTERS`) float32
    filters : (O, channels, 9) float32
    """
    for o in range(filters.shape[0]):
        group, lane = o // FILTERS, o % FILTERS
        for c in range(filters.shape[1]):
            taps = filters[o, c]
            for place in range(16):
                down = place // 4
                left = _number(down, np.float64(taps[0]), np.float64(taps[3]), np.float64(taps[6]))
                middle = _number(down, np.float64(taps[1]), np.float64(taps[4]), np.float64(taps[7]))
                right = _number(down, np.float64(taps[2]), np.float64(taps[5]), np.float64(taps[8]))
                out[place, group, c, lane] = _number(place % 4, left, middle, right)


@loop
def winograd_rows(out, maps, padding, tiling, bank, biases, how, scratch):
    """Convolve with a bank of 3x3 filters, two rows and columns of results at a time.

    Parameters
    ----------
    out : Planes
        Those of the filters.
    maps : Maps
    padding : MapPadding
        With rows sorted by their remainders by 2.
    tiling : Tiling
    bank : Bank
        Of transformed filters, whose taps are `TILE_BLOCK` samples apart.
    biases : (O,) float32
    how : Finish
        Of which the bias does not count.
    scratch : TilingScratch
    """
    none, few = zeros(np.float32, HALF), zeros(np.float32, NARROW)
    copied, seen, products, lines = scratch
    channels, length, groups = maps.channels, tiling.length, bank.weights.shape[0] // 16
    seen_block, block = channels * TILE_BLOCK, groups * FILTERS * TILE_BLOCK
    # Places lie off a power of two from each other.
    seen_apart, apart = TILES // TILE_BLOCK * seen_block + NARROW, TILES // TILE_BLOCK * block + NARROW
    all_rows = (out.rows + 1) // 2
    for top in range(0, all_rows, tiling.rows):
        rows = min(tiling.rows, all_rows - top)
        pad_rows(copied, maps, padding, top, rows + 1, 2)
        tiles, odd = (rows - 1) * length + tiling.columns, (rows + 1) * 2 * length
        for first in range(0, tiles, TILES):
            size = min(-(-(tiles - first) // HALF) * HALF, TILES)
            for c in range(channels):
                begin = 2 * c * odd + 2 * first
                for at in range(0, size, NARROW):
                    to = at // TILE_BLOCK * seen_block + c * TILE_BLOCK + at % TILE_BLOCK
                    put_tiles(few, seen, to, seen_apart, copied, begin + 2 * at, odd, 2 * length)
            for place in range(16):
                for group in range(groups):
                    for at in range(0, size, HALF):
                        side = at % TILE_BLOCK
                        to = place * apart + at // TILE_BLOCK * block + group * FILTERS * TILE_BLOCK + side
                        begin = place * seen_apart + at // TILE_BLOCK * seen_block + side
                        sum_filters(none, products, to, TILE_BLOCK, seen, begin, bank, place * groups + group)
            for o in range(biases.size):
                finish = Finish(how.gain, biases[o], how.after)
                for at in range(0, size, NARROW):
                    begin = at // TILE_BLOCK * block + o * TILE_BLOCK + at % TILE_BLOCK
                    put_results(few, lines, 2 * at, 2 * TILES, products, begin, apart, finish)
                for row in range(first // length, min((first + size - 1) // length + 1, rows)):
                    left = max(first - row * length, 0)
                    count = 2 * (min(first + size - row * length, tiling.columns) - left)
                    count = min(count, out.width - 2 * left)
                    to = o * out.pitch + 2 * (top + row) * out.width + 2 * left
                    at = 2 * (row * length + left - first)
                    copy_row(out.samples, to, lines, at, count, few)
                    if 2 * (top + row) + 1 < out.rows:
                        copy_row(out.samples, to + out.width, lines, 2 * TILES + at, count, few)
