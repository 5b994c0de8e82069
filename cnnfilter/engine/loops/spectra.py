"""Large kernels: spectra down the columns, and taps along the rows of those.

Down the columns a convolution is a product of spectra, whatever the kernel's height. Along the rows it stays a sum
of taps, now of complex numbers: so all columns are lanes that never mix, and nothing is ever transposed.
"""

from __future__ import annotations

import numpy as np

from cnnfilter.engine.codes import AS_IS, MIDDLE, NARROW
from cnnfilter.engine.jit import loop, part
from cnnfilter.engine.lanes.operations import finish, put, samples, spread, zeros


@part
def _put_turned(re, im, at, x, y, cosine, sine):
    """Store the complex number (x, y) times (cosine, -sine)."""
    c, s = spread(x, cosine), spread(x, sine)
    put(re, at, x * c + y * s)
    put(im, at, y * c - x * s)


@part
def _pass_of_four(none, re, im, at, length, to_re, to_im, to, to_length, parts, done, cosines, sines):
    """Join spectra of `done` rows, four at a time, in as many columns as `none` has lanes.

    Stockham's order, in which the result of the last pass is in order. Rows are `length` samples apart.
    """
    quarter = parts // 4
    for p in range(quarter):
        turn = p * done
        for q in range(done):
            row = at + (q + done * p) * length
            ahead = done * quarter * length
            a, b = samples(none, re, row), samples(none, im, row)
            c, d = samples(none, re, row + ahead), samples(none, im, row + ahead)
            e, f = samples(none, re, row + 2 * ahead), samples(none, im, row + 2 * ahead)
            g, h = samples(none, re, row + 3 * ahead), samples(none, im, row + 3 * ahead)
            row = to + (q + done * 4 * p) * to_length
            ahead = done * to_length
            a, b, e, f = a + e, b + f, a - e, b - f
            c, d, g, h = c + g, d + h, c - g, d - h
            put(to_re, row, a + c)
            put(to_im, row, b + d)
            _put_turned(to_re, to_im, row + ahead, e + h, f - g, cosines[turn], sines[turn])
            _put_turned(to_re, to_im, row + 2 * ahead, a - c, b - d, cosines[2 * turn], sines[2 * turn])
            _put_turned(to_re, to_im, row + 3 * ahead, e - h, f + g, cosines[3 * turn], sines[3 * turn])


@part
def transform_columns(re, im, length, side, cosines, sines, scratch):
    """Replace each column of a complex array by its spectrum; with `re` and `im` exchanged, the inverse times `side`.

    Parameters
    ----------
    re, im : (side * length,) float32
        Rows of `length` samples, a multiple of `NARROW`.
    side : int
        A power of 4, at least 16.
    cosines, sines : (side,) float32
        Of `2 * pi * t / side`.
    scratch : (2, 2, side * NARROW) float32
    """
    none = zeros(np.float32, NARROW)
    for at in range(0, length, NARROW):
        x_re, x_im, x_at, x_length = re, im, at, length
        parts, done, buffer = side, 1, 0
        while parts > 1:
            y_re, y_im, y_at, y_length = scratch[buffer, 0], scratch[buffer, 1], 0, NARROW
            if parts == 4:
                y_re, y_im, y_at, y_length = re, im, at, length
            _pass_of_four(none, x_re, x_im, x_at, x_length, y_re, y_im, y_at, y_length, parts, done, cosines, sines)
            x_re, x_im, x_at, x_length = y_re, y_im, y_at, y_length
            parts //= 4
            done *= 4
            buffer = 1 - buffer


@part
def filter_spectra(re, im, length, side, size, offsets, weights_re, weights_im):
    """Replace rows of spectra by their weighted sums with shifted rows, each row with weights of its own.

    Parameters
    ----------
    re, im, length, side
        As in `transform_columns`.
    size : int
        Samples of a row that are computed, a multiple of `MIDDLE`.
    offsets : (K,) int64
        Of the taps, in samples along the row.
    weights_re, weights_im : (side, K) float32
    """
    none = zeros(np.float32, MIDDLE)
    for row in range(side):
        at = row * length
        while at < row * length + size:
            x, y = none, none
            for k in range(offsets.size):
                a, b = samples(none, re, at + offsets[k]), samples(none, im, at + offsets[k])
                c, d = spread(none, weights_re[row, k]), spread(none, weights_im[row, k])
                x = x + a * c - b * d
                y = y + a * d + b * c
            put(re, at, x)
            put(im, at, y)
            at += MIDDLE


@part
def _fill_tile(tile, length, x, row_length, rows, gains, bases, first, columns, begin, inside, outside):
    """Copy padded rows from `first` on, and of each the samples from `begin` on; parameters as in `filter_tiles`."""
    none = zeros(np.float32, NARROW)
    last = min(inside + row_length, begin + length) - NARROW
    for i in range(tile.size // length):
        row, at, to = first + i, begin, i * length
        origin = rows[row] * row_length
        while at < begin + length:
            if inside <= at and at <= last:
                finish(tile, to, samples(none, x, origin + at - inside), gains[row], bases[row], AS_IS)
                at += NARROW
                to += NARROW
            else:
                value = x[origin + columns[at]] if columns[at] >= 0 else outside
                tile[to] = gains[row] * value + bases[row]
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
    size,
    tile_rows,
    stride,
    offsets,
    weights_re,
    weights_im,
    cosines,
    sines,
    scratch,
    bias,
    after,
):
    """Convolve with a large kernel, in pairs of tiles one below the other.

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
    tiles : (2, side * length) float32
        Scratch; `side` and `length` as in `transform_columns`.
    size, tile_rows : int
        Samples of a tile's rows that become results, and rows that do.
    stride : int
        Rows between those where the windows of neighbouring results begin.
    offsets, weights_re, weights_im
        As in `filter_spectra`.
    cosines, sines, scratch
        As in `transform_columns`.
    bias, after : float, int
        Stored is `sum + bias`, or what `after` makes of it.
    """
    none = zeros(np.float32, NARROW)
    side, last = cosines.size, first + out.shape[0]
    length = tiles.shape[1] // side
    lanes = (size + MIDDLE - 1) // MIDDLE * MIDDLE
    for top in range(first // (2 * tile_rows) * 2 * tile_rows, last, 2 * tile_rows):
        for left in range(0, out.shape[1], size):
            begin = min(left, out.shape[1] - size)  # the last overlap those before, and store the same
            for half in range(2):
                row = (top + half * tile_rows) * stride
                _fill_tile(tiles[half], length, x, row_length, rows, gains, bases, row, columns, begin, inside, outside)
            for half in range(2):  # there, and with the parts exchanged back
                transform_columns(tiles[half], tiles[1 - half], length, side, cosines, sines, scratch)
                if half == 0:
                    filter_spectra(tiles[0], tiles[1], length, side, lanes, offsets, weights_re, weights_im)
            for row in range(max(top, first), min(top + 2 * tile_rows, last)):
                half = 1 if row >= top + tile_rows else 0
                origin = (row - top - half * tile_rows) * stride * length
                at = 0
                while at < size:
                    at = min(at, size - NARROW)
                    finish(out[row - first], begin + at, samples(none, tiles[half], origin + at), 1.0, bias, after)
                    at += NARROW
