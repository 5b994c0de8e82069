"""What each operation on lanes means, on NumPy arrays: how it runs where Numba is switched off."""

from __future__ import annotations

import llvmlite.binding as llvm
import numpy as np

from cnnfilter.engine.codes import ABSOLUTE, GROUP, RECTIFIED, ROW, ROW_SPANS, SIZE_BITS, SUM_LENGTH, TOGETHER

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
    """Return `count` lanes of 0 of a NumPy type."""
    return np.zeros(count, kind)


def spread(like, value):
    """Return as many lanes as `like` has, of its type, that all hold `value`."""
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


def sum_rows(total, x, origin, offsets, weights, starts):
    """Add taps to the sums of `TOGETHER` rows at once, which lie in `total` one after the other.

    A tap is a sample's offset and the weight with which it counts for each row. Those of a group that count for the
    rows of a span begin at `starts[len(ROW_SPANS) * group + span]` and end at the next start. The sum of each further
    group is added up on its own.
    """
    total = total.reshape(TOGETHER, -1)
    for group in range(0, len(starts) - 1, len(ROW_SPANS)):
        sums = np.zeros_like(total) if group else total.copy()
        for span, (low, high) in enumerate(ROW_SPANS, group):
            for k in range(starts[span], starts[span + 1]):
                at = offsets[k] + origin
                seen = x[at : at + total.shape[1]].astype(total.dtype)
                for row in range(low, high + 1):
                    sums[row] += weights[TOGETHER * k + row] * seen
        total = total + sums if group else sums
    return total.reshape(-1)


def add_product(total, weight, x, at):
    """Return `total` plus `weight` times the samples of `x` from `at` on, in the type of `total`."""
    return total + total.dtype.type(weight) * x[at : at + total.size].astype(total.dtype)


def samples(none, x, at):
    """Return the samples of `x` from `at` on, as the type and as many as `none` holds."""
    return x[at : at + none.size].astype(none.dtype)


def first_samples(none, x, at, count):
    """Return what `samples` does, but read the first `count` only; the other lanes are 0."""
    result = np.zeros_like(none)
    result[:count] = x[at : at + count]
    return result


def every_second(none, x, at):
    """Return every second sample of `x` from `at` on, as the type and as many as `none` holds; one more is read."""
    return x[at : at + 2 * none.size].reshape(-1, 2)[:, 0].astype(none.dtype)


def sizes(none, x, at):
    """Return the sizes of samples of `x`, float32, as whole numbers in the order of the sizes: their bits but the sign.

    They are as many as `none` holds, int32.
    """
    return x[at : at + none.size].view(np.int32) & np.int32(SIZE_BITS)


def larger(value, largest):
    """Return the larger of each two, and a NaN before everything."""
    return np.where((value > largest) | (value != value), value, largest)


def add_up(values):
    """Return the sum of lanes of floats in float64, of which there are a power of two."""
    values = values.astype(np.float64)
    while values.size > 1:
        values = values[: values.size // 2] + values[values.size // 2 :]
    return values[0]


def root(value):
    """Return the square root of lanes of floats; whole numbers have no use for one, and stay."""
    return np.sqrt(value) if value.dtype.kind == "f" else value


def shaped(values, after):
    """Return what the code `after` makes of values."""
    if after == ABSOLUTE:
        return np.abs(values)
    return np.where(values < 0, values.dtype.type(0), values) if after == RECTIFIED else values


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


def finish(out, at, total, gain, bias, after):
    """Store what `after` makes of `total * gain + bias`, as `put` does: computed in float64 where that has 64 bits."""
    real = np.float64 if total.dtype.itemsize == 8 else np.float32
    put(out, at, shaped(total.astype(real) * real(gain) + real(bias), after))


def finish_rows(out, to, pitch, rows, total, gain, bias, after):
    """Store the first `rows` of `TOGETHER` rows as `finish` does, from `to` on and `pitch` apart."""
    for row, lanes in enumerate(total.reshape(TOGETHER, -1)[:rows]):
        finish(out, to + row * pitch, lanes, gain, bias, after)


def put_rows(out, to, pitch, rows, values):
    """Store the first `rows` of `TOGETHER` rows as `put` does, from `to` on and `pitch` apart."""
    for row, lanes in enumerate(values.reshape(TOGETHER, -1)[:rows]):
        put(out, to + row * pitch, lanes)


def sum_filters(none, out, to, plane, x, origin, offsets, weights, gain, biases, filters, relu):
    """Store as many neighbouring results as `none` has lanes, of a group of filters; parameters as in `bank_rows`."""

    def added(o, first, end):
        part = none
        for k in range(first, end):
            part = part + weights[k, o] * x[origin + offsets[k] : origin + offsets[k] + none.size]
        return part

    taps = len(offsets)
    for o in range(filters):
        place = slice(to + o * plane, to + o * plane + none.size)
        if taps <= SUM_LENGTH:
            result = added(o, 0, taps)
        else:
            result = none
            for long in range(0, taps, SUM_LENGTH * SUM_LENGTH):
                total = none
                for first in range(long, min(long + SUM_LENGTH * SUM_LENGTH, taps), SUM_LENGTH):
                    total = total + added(o, first, min(first + SUM_LENGTH, taps))
                result = result + total
        result = result * np.float32(gain) + biases[o]
        out[place] = np.where(result < 0, none, result) if relu else result
