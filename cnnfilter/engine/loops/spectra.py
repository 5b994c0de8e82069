"""Large kernels: spectra down the columns, and taps along the rows of those.

Down the columns a convolution is a product of spectra, whatever the kernel's height. Along the rows it stays a sum
of taps, now of complex numbers: so all columns are lanes that never mix, and nothing is ever transposed.
"""

from __future__ import annotations

import numpy as np

from cnnfilter.engine.codes import APART, AS_IS, MIDDLE, NARROW, SUM_LENGTH
from cnnfilter.engine.lanes.operations import finish, put, samples, spread, zeros
from cnnfilter.runtime.jit import loop, part


@loop
def _put_turned(tiles, re, im, x, y, cosine, sine):
    """Store the complex number (x, y) times (cosine, -sine).

    Not a `part`: copied to three places, it takes a tenth of a second more to compile, and runs no faster.
    """
    c, s = spread(x, cosine), spread(x, sine)
    put(tiles, re, x * c + y * s)
    put(tiles, im, y * c - x * s)


@part
def _pass_of_four(none, tiles, re, im, length, to_re, to_im, to_length, parts, done, cosines, sines):
    """Join spectra of `done` rows, four at a time, in as many columns as `none` has lanes.

    Stockham's order, in which the result of the last pass is in order. Rows are `length` samples apart.
    """
    quarter = parts // 4
    for p in range(quarter):
        turn = p * done
        for q in range(done):
            row = (q + done * p) * length
            ahead = done * quarter * length
            a, b = samples(none, tiles, re + row), samples(none, tiles, im + row)
            row += ahead
            c, d = samples(none, tiles, re + row), samples(none, tiles, im + row)
            row += ahead
            e, f = samples(none, tiles, re + row), samples(none, tiles, im + row)
            row += ahead
            g, h = samples(none, tiles, re + row), samples(none, tiles, im + row)
            a, b, e, f = a + e, b + f, a - e, b - f
            c, d, g, h = c + g, d + h, c - g, d - h
            row = (q + done * 4 * p) * to_length
            ahead = done * to_length
            put(tiles, to_re + row, a + c)
            put(tiles, to_im + row, b + d)
            row += ahead
            _put_turned(tiles, to_re + row, to_im + row, e + h, f - g, cosines[turn], sines[turn])
            row += ahead
            _put_turned(tiles, to_re + row, to_im + row, a - c, b - d, cosines[2 * turn], sines[2 * turn])
            row += ahead
            _put_turned(tiles, to_re + row, to_im + row, e - h, f + g, cosines[3 * turn], sines[3 * turn])


@part
def _transform_columns(tiles, re, im, scratch, length, side, cosines, sines):
    """Replace each column by its spectrum; with `re` and `im` exchanged, the inverse times `side`.

    Parameters
    ----------
    tiles : (samples,) float32 or float64
    re, im : int
        Where in `tiles` the parts of `side` rows of `length` complex numbers begin, a multiple of `NARROW`.
    scratch : int
        Where room for 2 * `NARROW` columns begins.
    side : int
        A power of 4, at least 16.
    cosines, sines : (side,)
        Of the type of `tiles`, of `2 * pi * t / side`.
    """
    none = zeros(tiles.dtype.type, NARROW)
    room = side * NARROW + APART
    for at in range(0, length, NARROW):
        x_re, x_im, x_length = re + at, im + at, length
        y_re, parts, done = scratch, side, 1
        while parts > 1:
            y_im, y_length = y_re + room, NARROW
            if parts == 4:
                y_re, y_im, y_length = re + at, im + at, length
            _pass_of_four(none, tiles, x_re, x_im, x_length, y_re, y_im, y_length, parts, done, cosines, sines)
            x_re, x_im, x_length, y_re = y_re, y_im, y_length, 2 * scratch + 2 * room - y_re
            parts //= 4
            done *= 4


@part
def _filter_spectra(tiles, re, im, length, side, size, offsets, weights_re, weights_im):
    """Replace rows of spectra by their weighted sums with shifted rows, each row with weights of its own.

    Parameters
    ----------
    tiles, re, im, length, side
        As in `_transform_columns`.
    size : int
        Samples of a row that are computed, a multiple of `MIDDLE`.
    offsets : (K,) int64
        Of the taps, in samples along the row.
    weights_re, weights_im : (side, K)
        Of the type of `tiles`.
    """
    none = zeros(tiles.dtype.type, MIDDLE)
    for row in range(side):
        for at in range(row * length, row * length + size, MIDDLE):
            for first in range(0, offsets.size, SUM_LENGTH):
                x, y = none, none
                for k in range(first, min(first + SUM_LENGTH, offsets.size)):
                    a, b = samples(none, tiles, re + at + offsets[k]), samples(none, tiles, im + at + offsets[k])
                    c, d = spread(none, weights_re[row, k]), spread(none, weights_im[row, k])
                    x = x + a * c - b * d
                    y = y + a * d + b * c
                if first > 0:  # further taps see nothing of the `MIDDLE` samples that hold the sum
                    x = x + samples(none, tiles, re + at)
                    y = y + samples(none, tiles, im + at)
                put(tiles, re + at, x)
                put(tiles, im + at, y)


@part
def _fill_tile(tiles, to, length, side, x, row_length, rows, gains, bases, first, columns, begin, inside, outside):
    """Copy padded rows from `first` on to `to`, and of each the samples from `begin` on; see `filter_tiles`."""
    none = zeros(np.float32, NARROW)
    last = min(inside + row_length, begin + length) - NARROW
    for row in range(first, first + side):
        at = begin
        origin = rows[row] * row_length
        while at < begin + length:
            if inside <= at and at <= last:
                finish(tiles, to, samples(none, x, origin + at - inside), gains[row], bases[row], AS_IS)
                at += NARROW
                to += NARROW
            else:
                value = x[origin + columns[at]] if columns[at] >= 0 else outside
                tiles[to] = gains[row] * value + bases[row]
                at += 1
                to += 1


@loop
def filter_tiles(
    out,
    first,
    x,
    row_length,
    rows,
    gains,
    bases,
    columns,
    inside,
    outside,
    tiles,
    length,
    size,
    tile_rows,
    stride,
    offsets,
    weights_re,
    weights_im,
    cosines,
    sines,
    rounder,
    gain,
    bias,
    after,
):
    """Convolve with a large kernel, in pairs of tiles side by side.

    Parameters
    ----------
    out : (R, L) uint8, uint16 or float32
        Output rows from `first` on, at all columns.
    x : (samples,)
        The source, flat; a row of it has `row_length` samples.
    rows, gains, bases : (padded rows,) int64, float32, float32
        The source row of each padded one, as many as the last tile holds; what its samples are multiplied by, and
        what is added: a row of padding is 0 times any other, and the border's constant.
    columns : (padded samples,) int64
        The sample of a row behind each padded one, or -1 for the border's constant, as many as the last tile holds.
        The source's own begin at `inside`.
    outside : float
        The border's constant.
    tiles : (2 * side * (length + 2 * NARROW) + 6 * APART,) float32 or float64
        Scratch: two tiles of `side` rows of `length` samples, and room for a few of their columns.
    size, tile_rows : int
        Samples of a tile's rows that become results, a multiple of `MIDDLE`, and rows that do.
    stride : int
        Rows between those where the windows of neighbouring results begin.
    offsets, weights_re, weights_im
        As in `_filter_spectra`.
    cosines, sines
        As in `_transform_columns`.
    rounder : float
        What is added to sums and taken off again: 0, or a number beside which only whole ones have room.
    gain, bias, after : float, float, int
        Stored is `sum * gain + bias`, or what `after` makes of it.
    """
    none, off = zeros(tiles.dtype.type, NARROW), spread(zeros(tiles.dtype.type, NARROW), rounder)
    side, last = cosines.size, first + out.shape[0]
    tile = side * length + APART
    for top in range(first // tile_rows * tile_rows, last, tile_rows):
        for left in range(0, out.shape[1], 2 * size):
            for half in range(2):
                begin = min(left + half * size, out.shape[1] - size)  # the last overlap those before
                _fill_tile(
                    tiles,
                    half * tile,
                    length,
                    side,
                    x,
                    row_length,
                    rows,
                    gains,
                    bases,
                    top * stride,
                    columns,
                    begin,
                    inside,
                    outside,
                )
            for half in range(2):  # there, and with the parts exchanged back
                re, im = half * tile, (1 - half) * tile
                _transform_columns(tiles, re, im, 2 * tile, length, side, cosines, sines)
                if half == 0:
                    _filter_spectra(tiles, re, im, length, side, size, offsets, weights_re, weights_im)
            for half in range(2):
                begin = min(left + half * size, out.shape[1] - size)
                for row in range(max(top, first), min(top + tile_rows, last)):
                    origin = half * tile + (row - top) * stride * length
                    for at in range(0, size, NARROW):
                        total = samples(none, tiles, origin + at) + off - off
                        finish(out[row - first], begin + at, total, gain, bias, after)
