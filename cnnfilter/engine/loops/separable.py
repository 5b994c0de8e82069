"""A kernel of rank 1: down the rows, then along the columns."""

from __future__ import annotations

import numpy as np

from cnnfilter.engine.jit import loop
from cnnfilter.engine.loops.groups import sum_taps
from cnnfilter.engine.loops.storing import pick_columns, store


@loop
def separable_rows(
    out,
    x,
    row_length,
    step,
    rows,
    columns,
    stride_rows,
    stride_columns,
    left,
    down_places,
    down,
    along_places,
    along,
    outside,
    absolute,
    finish,
    first,
    scratch,
    line,
    offsets,
    active,
):
    """Convolve with the outer product of two vectors; parameters as in `filter_rows` but for these.

    Parameters
    ----------
    down_places, down : (K,) int64, (K,)
        Padded rows within a window, and their weights.
    along_places, along : (L,) int64, (L,)
        Samples within a padded row, and their weights.
    scratch : (B,)
        Of the type of the sums: a block of the result.
    line : (padded columns * step,)
        Of that type as well: one row, summed down its window, with its padding.
    offsets, active : (K,) int64, (K,)
        Scratch for the taps of one row of outputs.
    """
    gain, bias, high = finish[0], finish[1], finish[2]
    kind = line.dtype.type
    whole = 0.0
    for k in range(down.size):
        whole += np.float64(down[k]) * outside
    block = max(1, (scratch.size // step - 1) // stride_columns + 1)
    inside = line[left * step : left * step + row_length]
    width = row_length // step
    for i in range(out.shape[0]):
        count = 0
        base = 0.0
        for k in range(down.size):
            source = rows[(first + i) * stride_rows + down_places[k]]
            if source < 0:
                base += np.float64(down[k]) * outside
            else:
                offsets[count] = source * row_length
                active[count] = down[k]
                count += 1
        for begin in range(0, row_length, scratch.size):
            part = inside[begin : begin + scratch.size]
            sum_taps(part, x[begin:], offsets, active, count, kind(base))
        for rim in range(columns.size - width):
            padded = rim if rim < left else rim + width
            source = columns[padded]
            for channel in range(step):
                line[padded * step + channel] = kind(whole) if source < 0 else inside[source * step + channel]
        for column in range(0, out.shape[1] // step, block):
            outputs = min(block, out.shape[1] // step - column)
            acc = scratch[: ((outputs - 1) * stride_columns + 1) * step]
            sum_taps(acc, line[column * stride_columns * step :], along_places, along, along.size, kind(0))
            if stride_columns > 1:
                pick_columns(acc, stride_columns, step, outputs)
            store(
                out[i, column * step : (column + outputs) * step],
                acc[: outputs * step],
                gain,
                bias,
                absolute,
                high,
            )
