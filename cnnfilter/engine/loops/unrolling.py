"""Columns for a matrix product: one row of the matrix is what one tap sees."""

from __future__ import annotations

import numpy as np

from cnnfilter.engine.jit import loop


@loop
def unroll_rows(
    out,
    x,
    row_length,
    rows,
    columns,
    interior_first,
    interior_last,
    stride_rows,
    stride_columns,
    left,
    taps,
    outside,
    first,
):
    """Copy what each tap sees of a band into a row of `out`, (K, R, W'); parameters as in `filter_rows`."""
    width = out.shape[2]
    constant = np.float32(outside)
    for k in range(out.shape[0]):
        for i in range(out.shape[1]):
            row = out[k, i]
            source = rows[(first + i) * stride_rows + taps[1, k]]
            if source < 0:
                row[:] = constant
                continue
            begin = taps[0, k] + source * row_length
            for rim in range(interior_first + width - interior_last):
                j = rim if rim < interior_first else rim - interior_first + interior_last
                column = columns[j * stride_columns + taps[2, k]]
                row[j] = constant if column < 0 else x[begin + column]
            if interior_last > interior_first:
                inside = row[interior_first:interior_last]
                seen = x[begin + interior_first * stride_columns - left + taps[2, k] :]
                if stride_columns == 1:
                    seen = seen[: inside.size]
                    for j in range(inside.size):
                        inside[j] = seen[j]
                else:
                    for j in range(inside.size):
                        inside[j] = seen[j * stride_columns]
