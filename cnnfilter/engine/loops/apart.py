"""Filters that each see a single map: a map is copied into the first-level cache, and filtered there."""

from __future__ import annotations

import numpy as np

from cnnfilter.engine.codes import MIDDLE, NARROW
from cnnfilter.engine.groups import Finish, Maps
from cnnfilter.engine.lanes.operations import finish, sum_taps, zeros
from cnnfilter.engine.loops.banks import copy_row, pad_rows
from cnnfilter.runtime.jit import loop


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
