"""Filters that each see a single map: a map is copied into the first-level cache, and filtered there."""

from __future__ import annotations

import numpy as np

from cnnfilter.engine.codes import MIDDLE, NARROW
from cnnfilter.engine.groups import Finish, Maps
from cnnfilter.engine.lanes.operations import add_three, finish, put_first, shaped, spread, sum_taps, zeros
from cnnfilter.engine.loops.banks import copy_row, pad_rows
from cnnfilter.runtime.jit import loop, part


@loop
def apart_rows(out, maps, padding, length, bank, after, scratch):
    """Convolve each map with a few filters of its own.

    Parameters
    ----------
    out : Planes
        Those of all filters, those of the first map first.
    maps : Maps
    padding : MapPadding
    length : int
        Samples of a copy between the windows of two rows of results.
    bank : ApartBank
    after : int
        What becomes of each value.
    scratch : ApartScratch
    """
    none, few = zeros(np.float32, MIDDLE), zeros(np.float32, NARROW)
    copied, lines = scratch
    size, each = maps.height * maps.width, bank.weights.shape[0] // maps.channels
    # Short rows are computed as a single long one, with what lies between them, and picked out of that.
    is_long = out.width >= MIDDLE
    target, rows = (out.samples, out.rows) if is_long else (lines, 1)
    long = out.width if is_long else max((out.rows - 1) * length + out.width, MIDDLE)
    for o in range(bank.weights.shape[0]):
        if o % each == 0:
            begin = o // each * size
            one = Maps(maps.samples[begin : begin + size], 1, maps.height, maps.width)
            pad_rows(copied, one, padding, 0, padding.rows.size, 1)
        how, weights = Finish(bank.gains[o], bank.biases[o], after), bank.weights[o]
        to = o * out.pitch if is_long else 0
        for i in range(rows):
            for at in range(0, long, MIDDLE):
                at = min(at, long - MIDDLE)  # the last overlap those before, and store the same
                total = sum_taps(none, none, copied, i * length + at, bank.offsets, weights, 0, weights.size)
                finish(target, to + i * long + at, total, how)
        if not is_long:
            for i in range(out.rows):
                copy_row(out.samples, o * out.pitch + i * out.width, lines, i * length, out.width, few)


@part
def _add_rows(total, x, at, begin, end, along, weights, row):
    """`total` plus a row of weights times that of samples."""
    left, middle, right = weights[3 * row], weights[3 * row + 1], weights[3 * row + 2]
    if along == 1:
        return add_three(total, x, at, begin, end, 1, left, middle, right)
    return add_three(total, x, at, begin, end, 2, left, middle, right)


@loop
def apart_windows(out, first, maps, slide, bank, after):
    """Convolve each map with 3x3 filters of its own, where it lies between zeros.

    Parameters
    ----------
    out : Planes
        Those of all filters, those of the first map first.
    first : int
        The output row that `out` begins with, from where `maps` do.
    maps : Maps
    slide : Slide
    bank : ApartBank
    after : int
        What becomes of each value.
    """
    none = zeros(np.float32, NARROW)
    height, width, x = maps.height, maps.width, maps.samples
    each = bank.weights.shape[0] // maps.channels
    for o in range(bank.weights.shape[0]):
        origin, taps = o // each * height * width, bank.weights[o]
        weights = (
            spread(none, taps[0]),
            spread(none, taps[1]),
            spread(none, taps[2]),
            spread(none, taps[3]),
            spread(none, taps[4]),
            spread(none, taps[5]),
            spread(none, taps[6]),
            spread(none, taps[7]),
            spread(none, taps[8]),
        )
        gain, bias = spread(none, bank.gains[o]), spread(none, bank.biases[o])
        for block in range(0, out.width, NARROW):
            j = max(min(block, out.width - NARROW), 0)  # the last overlap those before, and store the same
            count, begin = min(NARROW, out.width - j), slide.left - j * slide.along
            end = begin + width
            for i in range(out.rows):
                top = (first + i) * slide.down - slide.top
                at, total = origin + top * width - begin, none
                if top >= 0 and top < height:
                    total = _add_rows(total, x, at, begin, end, slide.along, weights, 0)
                if top >= -1 and top + 1 < height:
                    total = _add_rows(total, x, at + width, begin, end, slide.along, weights, 1)
                if top >= -2 and top + 2 < height:
                    total = _add_rows(total, x, at + 2 * width, begin, end, slide.along, weights, 2)
                put_first(out.samples, o * out.pitch + i * out.width + j, shaped(total * gain + bias, after), count)
