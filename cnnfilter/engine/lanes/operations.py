"""What each operation on lanes means, on NumPy arrays: how it runs where Numba is switched off."""

from __future__ import annotations

import llvmlite.binding as llvm
import numpy as np

from cnnfilter.engine.codes import (
    ABSOLUTE,
    BOUNDS,
    FILTERS,
    GROUP,
    RECTIFIED,
    RECTIFIED_TO_6,
    ROW,
    ROW_SPANS,
    SIZE_BITS,
    SUM_LENGTH,
    TOGETHER,
)

WIDE = ROW if llvm.get_host_cpu_features().get("avx512f") else ROW // 2
"""Lanes that sums are kept in. Of 32-bit numbers they take 8 of AVX-512's 32 registers, and 8 of AVX2's 16: enough
that one addition need not wait for another, and few enough that they all stay there. Results do not depend on it."""

ROW_LANES = WIDE // 2 if WIDE == ROW else WIDE // 4
"""Lanes of each of the sums of `TOGETHER` rows. In float32 these take 16 of AVX-512's 32 registers, 8 of AVX2's 16."""

ROWS_LANES = TOGETHER * ROW_LANES
"""Those of all of them."""

HALF = WIDE // 4
"""Lanes of each of the sums of `FILTERS` filters: together they take half of AVX-512's registers, or all of AVX2's."""


def zeros(kind, count):
    """`count` lanes of 0 of a NumPy type."""
    return np.zeros(count, kind)


def spread(like, value):
    """As many lanes as `like` has, of its type, that all hold `value`."""
    return np.full_like(like, value)


def sum_taps(total, none, x, origin, offsets, weights, begin, end):
    """Add taps `begin` to `end - 1` to `total`: weights times the samples of `x` from `origin` and their offset on.

    Products are added up a group at a time in the type of `none`, which are lanes of 0.
    """
    for first in range(begin, end, GROUP):
        products = none
        for k in range(first, min(first + GROUP, end)):
            at = offsets[k] + origin
            products = products + weights[k] * x[at : at + none.size].astype(none.dtype)
        total = total + products.astype(total.dtype)
    return total


def sum_rows(total, x, origin, taps):
    """Add `SharedTaps` to the sums of `TOGETHER` rows at once, which lie in `total` one after the other.

    Those of a group that count for the rows of a span begin at `starts[len(ROW_SPANS) * group + span]` and end at the
    next start. The sum of each further group is added up on its own.
    """
    total = total.reshape(TOGETHER, -1)
    for group in range(0, len(taps.starts) - 1, len(ROW_SPANS)):
        sums = np.zeros_like(total) if group else total.copy()
        for span, (low, high) in enumerate(ROW_SPANS, group):
            for k in range(taps.starts[span], taps.starts[span + 1]):
                at = taps.offsets[k] + origin
                seen = x[at : at + total.shape[1]].astype(total.dtype)
                for row in range(low, high + 1):
                    sums[row] += taps.weights[TOGETHER * k + row] * seen
        total = total + sums if group else sums
    return total.reshape(-1)


def add_product(total, weight, x, at):
    """`total` plus `weight` times the samples of `x` from `at` on, in the type of `total`."""
    return total + total.dtype.type(weight) * x[at : at + total.size].astype(total.dtype)


def samples(none, x, at):
    """The samples of `x` from `at` on, as many as `none` holds, of its type."""
    return x[at : at + none.size].astype(none.dtype)


def first_samples(none, x, at, count):
    """The first `count` of what `samples` gives, and 0 in the other lanes, for which nothing is read."""
    result = np.zeros_like(none)
    result[:count] = x[at : at + count]
    return result


def every_second(none, x, at):
    """Every second sample of `x` from `at` on, as many as `none` holds, of its type; one more is read."""
    return x[at : at + 2 * none.size].reshape(-1, 2)[:, 0].astype(none.dtype)


def first_of_second(none, x, at, count):
    """The first `count` of what `every_second` gives, and 0 in the other lanes, for which nothing is read."""
    result = np.zeros_like(none)
    result[:count] = x[at : at + 2 * count - 1 : 2]
    return result


def sizes(none, x, at):
    """The sizes of samples of `x`, float32, as whole numbers in the order of the sizes: their bits but the sign.

    They are as many as `none` holds, int32.
    """
    return x[at : at + none.size].view(np.int32) & np.int32(SIZE_BITS)


def first_sizes(none, x, at, count):
    """The first `count` of what `sizes` gives, and 0 in the other lanes, for which nothing is read."""
    result = np.zeros_like(none)
    result[:count] = x[at : at + count].view(np.int32) & np.int32(SIZE_BITS)
    return result


def larger(value, largest):
    """The larger of each two, and a NaN before everything."""
    return np.where((value > largest) | (value != value), value, largest)


def add_up(values):
    """The sum of lanes of floats in float64, of which there are a power of two."""
    values = values.astype(np.float64)
    while values.size > 1:
        values = values[: values.size // 2] + values[values.size // 2 :]
    return values[0]


def root(value):
    """The square root of lanes of floats; whole numbers have no use for one, and stay."""
    return np.sqrt(value) if value.dtype.kind == "f" else value


def shaped(values, after):
    """What the code `after` makes of values."""
    if after == ABSOLUTE:
        return np.abs(values)
    if after in (RECTIFIED, RECTIFIED_TO_6):
        values = np.where(values < 0, values.dtype.type(0), values)
    return np.where(values > 6, values.dtype.type(6), values) if after == RECTIFIED_TO_6 else values


def put(out, at, values):
    """Store lanes in `out` from `at` on: in unsigned numbers rounded half to even, and clamped.

    Storing 300 in a uint8 unclamped would give 44. NaN becomes 0.
    """
    part = out[at : at + values.size]
    if out.dtype.kind == "u":
        values = np.rint(np.fmin(np.fmax(values.astype(np.float64), 0), np.iinfo(out.dtype).max))
    part[:] = values


def put_first(out, at, values, count):
    """Store the first `count` lanes in `out`, of their type, from `at` on."""
    out[at : at + count] = values[:count]


def finish(out, at, total, how):
    """Store what `how`, a `Finish`, makes of sums, as `put` does: computed in float64 where they have 64 bits."""
    real = np.float64 if total.dtype.itemsize == 8 else np.float32
    put(out, at, shaped(total.astype(real) * real(how.gain) + real(how.bias), how.after))


def finish_rows(out, top, at, rows, total, how):
    """Store the first `rows` of `TOGETHER` rows as `finish` does, in those of `out` (R, L) from `top` on."""
    for row, lanes in enumerate(total.reshape(TOGETHER, -1)[:rows]):
        finish(out[top + row], at, lanes, how)


def put_rows(out, top, at, rows, values):
    """Store the first `rows` of `TOGETHER` rows as `put` does, in those of `out` (R, L) from `top` on."""
    for row, lanes in enumerate(values.reshape(TOGETHER, -1)[:rows]):
        put(out[top + row], at, lanes)


def sum_filters(none, out, to, pitch, x, origin, bank, group):
    """Store as many neighbouring results as `none` has lanes, of each filter of a group of a `Bank`.

    Those of the first filter are stored from `to` on, and those of the next ones `pitch` apart.
    """
    weights, biases = bank.weights[group], bank.biases[group * FILTERS :]

    def added(o, first, end):
        part = none
        for k in range(first, end):
            at = origin + bank.offsets[k]
            part = part + weights[k, o] * x[at : at + none.size]
        return part

    taps = len(bank.offsets)
    for o in range(min(FILTERS, bank.used - group * FILTERS)):
        if taps <= SUM_LENGTH:
            result = added(o, 0, taps)
        else:
            result = none
            for long in range(0, taps, SUM_LENGTH * SUM_LENGTH):
                total = none
                for first in range(long, min(long + SUM_LENGTH * SUM_LENGTH, taps), SUM_LENGTH):
                    total = total + added(o, first, min(first + SUM_LENGTH, taps))
                result = result + total
        result = result * np.float32(bank.gain) + biases[o]
        put(out, to + o * pitch, np.clip(result, *BOUNDS[bank.after]))


def add_three(total, x, at, begin, end, stride, left, middle, right):
    """`total` plus three weights, each in all lanes, times the samples of windows `stride` apart from `at` on.

    Only those count that lie from `begin` samples after `at` on, and before `end`. The stride is 1 or 2.
    """
    for tap, weights in enumerate((left, middle, right)):
        places = tap + stride * np.arange(total.size)
        counts = (begin <= places) & (places < end)
        seen = np.zeros_like(total)
        seen[counts] = x[at + places[counts]]
        total = total + weights * seen
    return total


def put_tiles(none, out, to, apart, x, at, odd, down):
    """Store Winograd's transform of 4x4 samples for each of as many neighbouring tiles as `none` has lanes.

    Tiles begin at every second sample from `at` on; their second row lies `odd` samples later, the third `down`, and
    the fourth both. The 16 numbers of each are stored `apart` from each other.
    """
    rows = (at, at + odd, at + down, at + odd + down)
    tiles = np.array([[x[row + k : row + k + 2 * none.size : 2] for k in range(4)] for row in rows])
    for _ in range(2):  # down, then along
        tiles = np.stack([tiles[0] - tiles[2], tiles[1] + tiles[2], tiles[2] - tiles[1], tiles[1] - tiles[3]], axis=1)
    for place, lanes in enumerate(tiles.reshape(16, -1)):
        put(out, to + place * apart, lanes)


def put_results(none, out, to, below, x, at, apart, how):
    """Store what `how` makes of the 2x2 results of each tile, of which 16 numbers lie `apart` from each other.

    The second row is stored `below` the first.
    """
    tiles = np.array([x[at + place * apart :][: none.size] for place in range(16)]).reshape(4, 4, -1)
    for _ in range(2):  # down, then along
        tiles = np.stack([tiles[0] + (tiles[1] + tiles[2]), (tiles[1] - tiles[2]) - tiles[3]], axis=1)
    for row in range(2):
        finish(out, to + row * below, tiles[row].T.reshape(-1), how)
