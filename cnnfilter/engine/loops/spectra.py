"""Large kernels: spectra down the columns, and taps along the rows of those.

Down the columns a convolution is a product of spectra, whatever the kernel's height. Along the rows it stays a sum
of taps, now of complex numbers: so all columns are lanes that never mix, and nothing is ever transposed.
"""

from __future__ import annotations

import numpy as np

from cnnfilter.engine.codes import APART, AS_IS, MIDDLE, NARROW, SUM_LENGTH
from cnnfilter.engine.groups import Complex, Finish
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
def _pass_of_four(none, tiles, seen, to, parts, done, spectrum):
    """Join spectra of `done` rows, four at a time, in as many columns as `none` has lanes, from `seen` on to `to` on.

    Stockham's order, in which the result of the last pass is in order.
    """
    cosines, sines = spectrum.cosines, spectrum.sines
    quarter = parts // 4
    for p in range(quarter):
        turn = p * done
        for q in range(done):
            re, im = seen.re + (q + done * p) * seen.length, seen.im + (q + done * p) * seen.length
            ahead = done * quarter * seen.length
            a, b = samples(none, tiles, re), samples(none, tiles, im)
            c, d = samples(none, tiles, re + ahead), samples(none, tiles, im + ahead)
            e, f = samples(none, tiles, re + 2 * ahead), samples(none, tiles, im + 2 * ahead)
            g, h = samples(none, tiles, re + 3 * ahead), samples(none, tiles, im + 3 * ahead)
            a, b, e, f = a + e, b + f, a - e, b - f
            c, d, g, h = c + g, d + h, c - g, d - h
            re, im = to.re + (q + done * 4 * p) * to.length, to.im + (q + done * 4 * p) * to.length
            ahead = done * to.length
            put(tiles, re, a + c)
            put(tiles, im, b + d)
            re, im = re + ahead, im + ahead
            _put_turned(tiles, re, im, e + h, f - g, cosines[turn], sines[turn])
            re, im = re + ahead, im + ahead
            _put_turned(tiles, re, im, a - c, b - d, cosines[2 * turn], sines[2 * turn])
            re, im = re + ahead, im + ahead
            _put_turned(tiles, re, im, e - h, f + g, cosines[3 * turn], sines[3 * turn])


@part
def _transform_columns(tiles, place, scratch, spectrum):
    """Replace each column by its spectrum; with its parts exchanged, the inverse times `side`.

    Parameters
    ----------
    tiles : (samples,) float32 or float64
    place : Complex
        Of rows whose length is a multiple of `NARROW`.
    scratch : int
        Where room for 2 * `NARROW` columns begins.
    spectrum : Spectrum
    """
    none = zeros(tiles.dtype.type, NARROW)
    side = spectrum.cosines.size
    room = side * NARROW + APART
    for at in range(0, place.length, NARROW):
        here = Complex(place.re + at, place.im + at, place.length)
        seen, begin, parts, done = here, scratch, side, 1
        while parts > 1:
            to = here if parts == 4 else Complex(begin, begin + room, NARROW)
            _pass_of_four(none, tiles, seen, to, parts, done, spectrum)
            seen, begin = to, 2 * scratch + 2 * room - begin
            parts //= 4
            done *= 4


@part
def _filter_spectra(tiles, place, size, spectrum):
    """Replace rows of spectra by their weighted sums with shifted rows, each row with weights of its own.

    Parameters
    ----------
    tiles, place, spectrum
        As in `_transform_columns`.
    size : int
        Samples of a row that are computed, a multiple of `MIDDLE`.
    """
    none = zeros(tiles.dtype.type, MIDDLE)
    re, im, offsets = place.re, place.im, spectrum.offsets
    for row in range(spectrum.re.shape[0]):
        for at in range(row * place.length, row * place.length + size, MIDDLE):
            for first in range(0, offsets.size, SUM_LENGTH):
                x, y = none, none
                for k in range(first, min(first + SUM_LENGTH, offsets.size)):
                    a, b = samples(none, tiles, re + at + offsets[k]), samples(none, tiles, im + at + offsets[k])
                    c, d = spread(none, spectrum.re[row, k]), spread(none, spectrum.im[row, k])
                    x = x + a * c - b * d
                    y = y + a * d + b * c
                if first > 0:  # further taps see nothing of the `MIDDLE` samples that hold the sum
                    x = x + samples(none, tiles, re + at)
                    y = y + samples(none, tiles, im + at)
                put(tiles, re + at, x)
                put(tiles, im + at, y)


@part
def _fill_tile(tiles, to, x, padding, first, begin):
    """Copy padded rows from `first` on to `to`, and of each the samples from `begin` on; see `filter_tiles`."""
    none = zeros(np.float32, NARROW)
    rows, gains, bases, columns, width, inside, outside = padding
    last = min(inside + width, begin + tiles.length) - NARROW
    for row in range(first, first + tiles.side):
        at = begin
        origin = rows[row] * width
        while at < begin + tiles.length:
            if inside <= at and at <= last:
                seen = samples(none, x, origin + at - inside)
                finish(tiles.samples, to, seen, Finish(gains[row], bases[row], AS_IS))
                at += NARROW
                to += NARROW
            else:
                value = x[origin + columns[at]] if columns[at] >= 0 else outside
                tiles.samples[to] = gains[row] * value + bases[row]
                at += 1
                to += 1


@loop
def filter_tiles(out, first, x, padding, tiles, spectrum, how):
    """Convolve with a large kernel, in pairs of tiles side by side.

    Parameters
    ----------
    out : (R, L) uint8, uint16 or float32
        Output rows from `first` on, at all columns.
    x : (samples,)
        The source, flat.
    padding : TilePadding
    tiles : Tiles
    spectrum : Spectrum
    how : Finish
    """
    scratch, length, side, size, rows, stride, rounder = tiles
    none, off = zeros(scratch.dtype.type, NARROW), spread(zeros(scratch.dtype.type, NARROW), rounder)
    last = first + out.shape[0]
    tile = side * length + APART
    for top in range(first // rows * rows, last, rows):
        for left in range(0, out.shape[1], 2 * size):
            for half in range(2):
                begin = min(left + half * size, out.shape[1] - size)  # the last overlap those before
                _fill_tile(tiles, half * tile, x, padding, top * stride, begin)
            for half in range(2):  # there, and with the parts exchanged back
                place = Complex(half * tile, (1 - half) * tile, length)
                _transform_columns(scratch, place, 2 * tile, spectrum)
                if half == 0:
                    _filter_spectra(scratch, place, size, spectrum)
            for half in range(2):
                begin = min(left + half * size, out.shape[1] - size)
                for row in range(max(top, first), min(top + rows, last)):
                    origin = half * tile + (row - top) * stride * length
                    for at in range(0, size, NARROW):
                        total = samples(none, scratch, origin + at) + off - off
                        finish(out[row - first], begin + at, total, how)
