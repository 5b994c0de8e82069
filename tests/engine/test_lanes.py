"""Operations on lanes: what is compiled does what their definitions say."""

import itertools

import numba
import numpy as np
import pytest

from cnnfilter.engine.codes import ABSOLUTE, AS_IS, RECTIFIED, RECTIFIED_TO_6, ROW_SPANS, TOGETHER
from cnnfilter.engine.groups import Bank, Finish, SharedTaps
from cnnfilter.engine.lanes import operations as lanes
from cnnfilter.runtime.jit import loop

COMPILED = not numba.config.DISABLE_JIT

RANDOM = np.random.default_rng(1)
FLOATS = RANDOM.normal(0, 200, 400).astype(np.float32)
FLOATS[[3, 90, 210]] = np.nan, np.inf, -np.inf
BYTES = RANDOM.integers(0, 256, 400, dtype=np.uint8)
SHORTS = RANDOM.integers(-300, 300, 400).astype(np.int16)


_compiled = {}
"""Loops by the code of their functions, which are made anew at each run of their tests."""


def both(function, out, *arguments):
    """Run a function as Python and compiled; return what each makes of `out`."""
    assert function.__closure__ is None  # it is known by its code alone
    results = []
    for run in (function, _compiled.setdefault(function.__code__, loop(function))):
        result = out.copy()
        with np.errstate(all="ignore"):
            run(result, *arguments)
        results.append(result)
    return results


@pytest.mark.parametrize("x", [FLOATS, BYTES, SHORTS], ids=["float32", "uint8", "int16"])
@pytest.mark.parametrize("after", [AS_IS, ABSOLUTE, RECTIFIED, RECTIFIED_TO_6])
@pytest.mark.parametrize("out", [np.uint8, np.uint16, np.float32])
def test_storing(x, after, out):
    def operate(out, x, after, kind):
        none = lanes.zeros(kind, 32)
        lanes.finish(out, 1, lanes.samples(none, x, 3), Finish(2.0, -20.0, after))
        lanes.put(out, 70, lanes.shaped(lanes.samples(none, x, 200), after))
        lanes.put(out, 110, lanes.samples(none, x, 60))

    kind = np.int16 if x.dtype == np.uint8 else np.float32
    np.testing.assert_array_equal(*both(operate, np.zeros(160, out), x, after, kind))


@pytest.mark.parametrize("kind", [np.float32, np.float64, np.int32])
def test_arithmetic(kind):
    def operate(out, x, y, kind):
        none = lanes.zeros(kind, 16)
        a, b = lanes.samples(none, x, 5), lanes.samples(none, y, 9)
        lanes.put(out, 0, a + b)
        lanes.put(out, 16, a - b)
        lanes.put(out, 32, a * lanes.spread(none, 3))
        lanes.put(out, 48, lanes.add_product(a, 2, y, 30))

    np.testing.assert_array_equal(*both(operate, np.zeros(64, kind), SHORTS, BYTES, kind))


@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_maxima_and_roots(kind):
    def operate(out, x, kind):
        none = lanes.zeros(kind, 16)
        for at in range(0, 320, 16):
            a, b = lanes.samples(none, x, at), lanes.samples(none, x, at + 7)
            lanes.put(out, at, lanes.larger(a, b))
            lanes.put(out, 320 + at, lanes.root(lanes.every_second(none, x, at)))

    np.testing.assert_array_equal(*both(operate, np.zeros(640, kind), FLOATS, kind))


@pytest.mark.parametrize("x", [FLOATS, BYTES], ids=["float32", "uint8"])
@pytest.mark.parametrize("count", [1, 2, 15, 16])
def test_every_second_of_a_few(x, count):
    def operate(out, x, count):
        none = lanes.zeros(np.float32, 16)
        lanes.put(out, 0, lanes.first_of_second(none, x, x.size - 2 * count + 1, count))  # to the last there is

    python, compiled = both(operate, np.ones(16, np.float32), x, count)
    np.testing.assert_array_equal(python, compiled)
    np.testing.assert_array_equal(python[:count], x[-2 * count + 1 :: 2])
    assert not python[count:].any()


@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize(("begin", "width"), [(0, 40), (1, 7), (2, 1), (-3, 20), (5, 20), (-40, 80)])
def test_three_weights_over_windows(stride, begin, width):
    def by_one(out, x, at, begin, end):
        none = lanes.zeros(np.float32, 16)
        one, two, three = lanes.spread(none, 1), lanes.spread(none, 2), lanes.spread(none, 3)
        lanes.put(out, 0, lanes.add_three(one, x, at, begin, end, 1, one, two, three))

    def by_two(out, x, at, begin, end):
        none = lanes.zeros(np.float32, 16)
        one, two, three = lanes.spread(none, 1), lanes.spread(none, 2), lanes.spread(none, 3)
        lanes.put(out, 0, lanes.add_three(one, x, at, begin, end, 2, one, two, three))

    x = RANDOM.integers(-9, 9, width + 10).astype(np.float32)
    given = x[:width].copy(), -begin, begin, begin + width
    python, compiled = both(by_one if stride == 1 else by_two, np.zeros(16, np.float32), *given)
    np.testing.assert_array_equal(python, compiled)
    padded = np.zeros(200, np.float32)
    padded[max(begin, 0) : begin + width] = x[max(-begin, 0) : width]
    places = np.arange(16)[:, None] * stride + np.arange(3)
    np.testing.assert_array_equal(python, 1 + padded[places] @ [1, 2, 3])


def test_tiles():
    def operate(out, x, how):
        none = lanes.zeros(np.float32, 16)
        lanes.put_tiles(none, out, 5, 20, x, 3, 40, 80)
        lanes.put_results(none, out, 400, 50, x, 7, 20, how)

    x = RANDOM.normal(size=400).astype(np.float32)
    python, compiled = both(operate, np.zeros(500, np.float32), x, Finish(0.5, -0.25, RECTIFIED))
    np.testing.assert_allclose(python, compiled, rtol=0, atol=1e-6)
    tile = np.array([x[start : start + 4] for start in (13, 53, 93, 133)])  # the sixth
    down = np.array([[1, 0, -1, 0], [0, 1, 1, 0], [0, -1, 1, 0], [0, 1, 0, -1]])
    np.testing.assert_allclose(python[10:330:20], (down @ tile @ down.T).reshape(-1), rtol=0, atol=1e-6)
    back = np.array([[1, 1, 1, 0], [0, 1, -1, -1]])
    results = back @ x[10:330:20].reshape(4, 4) @ back.T  # of the fourth
    np.testing.assert_allclose(
        python[[406, 407, 456, 457]], np.maximum(results * 0.5 - 0.25, 0).reshape(-1), rtol=0, atol=1e-6
    )


@pytest.mark.parametrize("kind", [np.float64, np.int64])
@pytest.mark.parametrize("out", [np.uint8, np.uint16, np.float32])
def test_sums_of_64_bits_are_finished_in_float64(out, kind):
    def operate(out, x, kind):
        for at in range(0, 96, 16):
            total = lanes.samples(lanes.zeros(kind, 16), x, at)
            largest = lanes.larger(total, lanes.samples(lanes.zeros(kind, 16), x, at + 1))
            lanes.finish(out, at, largest, Finish(0.5, -(2.0**29) + 0.25, AS_IS))

    x = 2.0**30 + np.arange(97) * 3 % 71
    python, compiled = both(operate, np.zeros(96, out), x.astype(kind), kind)
    np.testing.assert_array_equal(python, compiled)
    np.testing.assert_array_equal(
        compiled,
        np.maximum(x[:-1], x[1:]) / 2 - 2.0**29 + 0.25
        if out == np.float32
        else np.rint(np.maximum(x[:-1], x[1:]) / 2 - 2.0**29 + 0.25),
    )


def test_whole_numbers_from_floats():
    def operate(out, x):
        lanes.put(out, 0, lanes.root(lanes.samples(lanes.zeros(np.int64, 16), x, 0)))

    x = np.arange(-8, 8).astype(np.float32) * 99
    np.testing.assert_array_equal(both(operate, np.zeros(16), x), [x, x])


def test_sizes_of_floats():
    def operate(out, x):
        lanes.put(out, 0, lanes.sizes(lanes.zeros(np.int32, 16), x, 1))

    x = np.array([0, -0.0, 0, 1e-45, -1e-45, 1e-40, -1, 1, 2, -3e38, np.inf, -np.inf, np.nan, 5, 6, 7, 8], np.float32)
    python, compiled = both(operate, np.zeros(16, np.int32), x)
    np.testing.assert_array_equal(python, compiled)
    np.testing.assert_array_equal(compiled.view(np.float32), np.abs(x[1:]))


@pytest.mark.parametrize("count", [1, 7, 15, 16])
def test_sizes_of_the_first_floats(count):
    def operate(out, x, count):
        lanes.put(out, 0, lanes.first_sizes(lanes.zeros(np.int32, 16), x, x.size - count, count))

    python, compiled = both(operate, np.ones(16, np.int32), FLOATS, count)
    np.testing.assert_array_equal(python, compiled)
    np.testing.assert_array_equal(compiled.view(np.float32)[:count], np.abs(FLOATS[-count:]))
    assert not compiled[count:].any()


@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_the_sum_of_lanes(kind):
    def operate(out, x, kind):
        none = lanes.zeros(kind, 16)
        for j in range(20):
            out[j] = lanes.add_up(lanes.samples(none, x, 16 * j))

    np.testing.assert_array_equal(*both(operate, np.zeros(20), FLOATS, kind))


@pytest.mark.parametrize("x", [FLOATS, BYTES, SHORTS.astype(np.uint16)], ids=["float32", "uint8", "uint16"])
@pytest.mark.parametrize("count", [1, 7, 15, 16])
def test_the_first_of_some_lanes(x, count):
    """The lanes beyond are neither read, at the end of an array, nor stored."""

    def operate(out, x, count):
        none = lanes.zeros(np.float32, 16)
        lanes.put(out, 0, lanes.first_samples(none, x, x.size - count, count))
        lanes.put_first(out, out.size - count, lanes.samples(none, x, 80), count)

    python, compiled = both(operate, np.full(60, 5, np.float32), x, count)
    np.testing.assert_array_equal(python, compiled)
    np.testing.assert_array_equal(compiled[count : 60 - count], [0] * (16 - count) + [5] * (44 - count))


@pytest.mark.parametrize(
    ("kind", "small"), [(np.float32, np.int16), (np.float32, np.float32), (np.float64, np.float64)]
)
@pytest.mark.parametrize("taps", [0, 1, 16, 37])
def test_sums_of_taps(kind, small, taps):
    def operate(out, x, offsets, weights, kind, small):
        total = lanes.spread(lanes.zeros(kind, 16), 0.5)
        lanes.put(out, 2, lanes.sum_taps(total, lanes.zeros(small, 16), x, 10, offsets, weights, 0, weights.size))

    offsets, weights = RANDOM.integers(0, 300, taps), RANDOM.integers(-4, 5, taps).astype(small)
    np.testing.assert_array_equal(*both(operate, np.zeros(20, kind), BYTES, offsets, weights, kind, small))


@pytest.mark.parametrize("kind", [np.float32, np.float64])
@pytest.mark.parametrize("x", [FLOATS, BYTES, SHORTS.astype(np.uint16)], ids=["float32", "uint8", "uint16"])
def test_sums_of_rows(x, kind):
    def operate(out, x, taps, kind):
        total = lanes.spread(lanes.zeros(kind, 64), taps.base)
        sums = lanes.sum_rows(total, x, 10, taps)
        lanes.finish_rows(out, 0, 2, taps.rows, sums, Finish(2.0, -20.0, ABSOLUTE))
        lanes.put_rows(out, 5, 2, taps.rows, sums)

    compiled = loop(operate)
    for groups, rows in itertools.product((1, 3), (1, 3, TOGETHER)):
        starts = np.concatenate([[0], np.cumsum(RANDOM.integers(0, 4, groups * len(ROW_SPANS)))])
        offsets = RANDOM.integers(0, 300, starts[-1])
        weights = RANDOM.integers(-4, 5, TOGETHER * starts[-1]).astype(kind)
        results = [np.full((10, 20), 7, np.float32) for _ in range(2)]
        for run, result in zip((operate, compiled), results, strict=True):
            with np.errstate(all="ignore"):
                run(result, x, SharedTaps(offsets, weights, starts, 0.5, rows), kind)
        np.testing.assert_allclose(*results, rtol=1e-5, atol=1e-3)  # a product and a sum may be rounded once
        for first in (0, 5):
            assert (results[1][first : first + rows, 18:] == 7).all()
            assert (results[1][first + rows : first + 5] == 7).all()


@pytest.mark.parametrize("after", [AS_IS, RECTIFIED, RECTIFIED_TO_6])
@pytest.mark.parametrize("filters", [1, 5, 8])
@pytest.mark.parametrize("taps", [1, 64, 4200])
def test_sums_of_several_filters(taps, filters, after):
    def operate(out, x, bank):
        none = lanes.zeros(np.float32, 16)
        lanes.sum_filters(none, out, 3, 20, x, 10, bank, 1)

    offsets, weights = RANDOM.integers(0, 300, taps), RANDOM.integers(-4, 5, (2, taps, 8)).astype(np.float32)
    biases = RANDOM.integers(-9, 9, 16).astype(np.float32)
    bank = Bank(offsets, weights, 0.5, biases, 8 + filters, after)
    python, compiled = both(operate, np.zeros(170, np.float32), BYTES.astype(np.float32), bank)
    np.testing.assert_array_equal(python, compiled)
    np.testing.assert_array_equal(compiled[3 + 20 * filters :], 0)


@pytest.mark.parametrize("after", [AS_IS, RECTIFIED, RECTIFIED_TO_6])
@pytest.mark.parametrize("taps", [1, 65])
def test_what_is_not_finite_passes_through_several_filters(taps, after):
    def operate(out, x, bank):
        none = lanes.zeros(np.float32, 16)
        lanes.sum_filters(none, out, 0, 16, x, 0, bank, 0)

    x = np.zeros(32, np.float32)
    x[:5] = np.nan, np.inf, -np.inf, -2, 7
    offsets, weights = np.array([0] + [16] * (taps - 1)), np.ones((1, taps, 8), np.float32)
    bank = Bank(offsets, weights, 1.0, np.zeros(8, np.float32), 8, after)
    python, compiled = both(operate, np.zeros(128, np.float32), x, bank)
    np.testing.assert_array_equal(python, compiled)
    kept = {AS_IS: [np.inf, -np.inf, -2, 7], RECTIFIED: [np.inf, 0, 0, 7], RECTIFIED_TO_6: [6, 0, 0, 6]}[after]
    np.testing.assert_array_equal(compiled[:5], [np.nan, *kept])


@pytest.mark.skipif(not COMPILED, reason="nothing is compiled")
@pytest.mark.parametrize("at", [-1, 385, 400])
def test_bounds_are_checked_where_numba_is_told_to(at):
    @numba.njit(boundscheck=True)
    def operate(out, x, at):
        lanes.put(out, 0, lanes.samples(lanes.zeros(np.float32, 16), x, at))

    operate(np.zeros(16, np.float32), FLOATS, 384)
    with pytest.raises(IndexError):
        operate(np.zeros(16, np.float32), FLOATS, at)


@pytest.mark.skipif(not COMPILED, reason="nothing is compiled")
def test_bounds_of_the_lanes_that_count_are_checked():
    @numba.njit(boundscheck=True)
    def operate(out, x, at, begin, end):
        one = lanes.spread(lanes.zeros(np.float32, 16), 1)
        lanes.put(out, 0, lanes.add_three(one, x, at, begin, end, 1, one, one, one))

    out, x = np.zeros(16, np.float32), FLOATS[:10].copy()
    for at, begin, end in ((-3, 3, 13), (9, 0, 1), (-50, 40, 50)):  # all of it, its last, and none
        operate(out, x, at, begin, end)
    for at, begin, end in ((-3, 2, 13), (-3, 3, 14)):
        with pytest.raises(IndexError):
            operate(out, x, at, begin, end)


@pytest.mark.skipif(not COMPILED, reason="nothing is compiled")
def test_bounds_of_the_first_lanes_are_checked_too():
    @numba.njit(boundscheck=True)
    def operate(out, x, at, count):
        lanes.put_first(out, at, lanes.first_samples(lanes.zeros(np.float32, 16), x, at, count), count)

    for shorter in ((FLOATS, FLOATS[:100]), (FLOATS[:100], FLOATS)):
        out, x = (values.copy() for values in shorter)
        operate(out, x, 93, 7)
        with pytest.raises(IndexError):
            operate(out, x, 93, 8)
