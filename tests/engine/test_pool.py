import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cnnfilter.engine import pools, reference
from cnnfilter.errors import ArgumentError, ShapeError
from tests.oracles import DTYPES, PRECISION, assert_within, samples, sized

POOLS = ["max_pool2d", "avg_pool2d", "sum_pool2d"]
INF = np.inf
COUNTING = [[1, 2, 3, 4, 5]]
MIXED = [[9, 1, 2, 8, 0, 3, 7]]


def assert_pool(pool, x, window, *, threads=None, **options):
    """Hold a pool to the reference: a maximum exactly, a sum or mean within 1e-5 times that of |x|."""
    expected = getattr(reference, pool)(x, window, **options)
    result = getattr(pools, pool)(x, window, threads=threads, **options)
    if pool == "max_pool2d":
        assert result.dtype == np.float32
        assert result.flags.c_contiguous
        np.testing.assert_array_equal(result, expected)
        assert result.shape == expected.shape
    else:
        assert_within(result, expected, PRECISION * getattr(reference, pool)(np.abs(x), window, **options))


# What torch.nn.functional gives where it takes the arguments; the arithmetic of each is beside it.
@pytest.mark.parametrize("engine", [pools, reference])
@pytest.mark.parametrize(
    ("pool", "x", "window", "options", "expected"),
    [
        # floor((5 - 2)/2) + 1 = 2 windows; rounded up 3, the last with one sample and so divided by one.
        ("max_pool2d", COUNTING, (1, 2), {}, [[2, 4]]),
        ("max_pool2d", COUNTING, (1, 2), {"ceil_mode": True}, [[2, 4, 5]]),
        ("avg_pool2d", COUNTING, (1, 2), {}, [[1.5, 3.5]]),
        ("avg_pool2d", COUNTING, (1, 2), {"ceil_mode": True}, [[1.5, 3.5, 5]]),
        ("sum_pool2d", COUNTING, (1, 2), {"ceil_mode": True}, [[3, 7, 5]]),
        # (. 1 2) (2 3 4) (4 5 .): padding is never the maximum, and counts in the mean unless told not to.
        ("max_pool2d", [[-1, -2, -3]], (1, 3), {"padding": (0, 1), "stride": 1}, [[-1, -1, -2]]),
        ("avg_pool2d", COUNTING, (1, 3), {"padding": (0, 1), "stride": 2}, [[1, 3, 3]]),
        (
            "avg_pool2d",
            COUNTING,
            (1, 3),
            {"padding": (0, 1), "stride": 2, "count_include_pad": False},
            [[1.5, 3, 4.5]],
        ),
        ("sum_pool2d", COUNTING, (1, 3), {"padding": (0, 1), "stride": 2}, [[3, 9, 9]]),
        # n = 4: (. 1 2) (2 3 4) (4 . !), where ! lies past the padding: it does not count, the padding does.
        (
            "avg_pool2d",
            [[1, 2, 3, 4]],
            (1, 3),
            {"padding": (0, 1), "stride": 2, "ceil_mode": True},
            [[1, 3, 2]],
        ),
        (
            "avg_pool2d",
            [[1, 2, 3, 4]],
            (1, 3),
            {"padding": (0, 1), "stride": 2, "ceil_mode": True, "count_include_pad": False},
            [[1.5, 3, 4]],
        ),
        (
            "max_pool2d",
            [[1, 2, 3, 4]],
            (1, 3),
            {"padding": (0, 1), "stride": 2, "ceil_mode": True},
            [[2, 4, 4]],
        ),
        # (. 1) (3 4), and a third, from the end padding on, is dropped.
        (
            "max_pool2d",
            [[1, 2, 3, 4]],
            (1, 2),
            {"padding": (0, 1), "stride": (1, 3), "ceil_mode": True},
            [[1, 4]],
        ),
        # Taps three apart: (9 8) (1 0) (2 3) (8 7); rounded up, the last is a single 0.
        ("max_pool2d", MIXED, (1, 2), {"dilation": (1, 3), "stride": 1}, [[9, 1, 3, 8]]),
        ("max_pool2d", MIXED, (1, 2), {"dilation": (1, 3), "stride": (1, 2)}, [[9, 3]]),
        (
            "max_pool2d",
            MIXED,
            (1, 2),
            {"dilation": (1, 3), "stride": (1, 2), "ceil_mode": True},
            [[9, 3, 0]],
        ),
        # Two dimensions at once: corners see 4 of 9 samples, edges 6.
        ("avg_pool2d", np.full((3, 3), 9), 3, {"padding": 1, "stride": 1}, [[4, 6, 4], [6, 9, 6], [4, 6, 4]]),
        (
            "avg_pool2d",
            np.full((3, 3), 9),
            3,
            {"padding": 1, "stride": 1, "count_include_pad": False},
            np.full((3, 3), 9),
        ),
        # (1+2+4+5)/4, then columns and rows cut off by the end: (3+6)/2, (7+8)/2, 9/1.
        ("avg_pool2d", [[1, 2, 3], [4, 5, 6], [7, 8, 9]], 2, {"ceil_mode": True}, [[3, 4.5], [7.5, 9]]),
        # A window larger than the input, which reaches less than its stride beyond it: PyTorch's 1x1.
        ("max_pool2d", [[1, -2], [3, 0]], 3, {"stride": 2, "ceil_mode": True}, [[3]]),
        ("avg_pool2d", [[1, -2], [3, 0]], 3, {"stride": 2, "ceil_mode": True}, [[0.5]]),
        ("sum_pool2d", [[1, -2], [3, 0]], 3, {"stride": 2, "ceil_mode": True}, [[2]]),
        ("max_pool2d", [[-7]], 3, {"dilation": 2, "stride": 5, "ceil_mode": True}, [[-7]]),
        # Unlike PyTorch, padding may exceed half the window; here whole windows lie in it.
        ("max_pool2d", [[-1, -2]], (1, 2), {"padding": (0, 2)}, [[-INF, -1, -INF]]),
        ("avg_pool2d", [[-1, -2]], (1, 2), {"padding": (0, 2)}, [[0, -1.5, 0]]),
        ("avg_pool2d", [[-1, -2]], (1, 2), {"padding": (0, 2), "count_include_pad": False}, [[0, -1.5, 0]]),
        ("sum_pool2d", [[-1, -2]], (1, 2), {"padding": (0, 2)}, [[0, -3, 0]]),
        # Asymmetric padding, and the words for it.
        ("max_pool2d", COUNTING, (1, 2), {"padding": ((0, 0), (1, 0))}, [[1, 3, 5]]),
        ("max_pool2d", COUNTING, (1, 2), {"padding": "same"}, [[2, 4, 5]]),
        ("max_pool2d", COUNTING, (1, 2), {"padding": "same-lower"}, [[1, 3, 5]]),
        ("max_pool2d", COUNTING, "1x2", {"padding": "0x1", "stride": "1x3"}, [[1, 4]]),
        # A NaN in the window is the maximum, wherever in the window it stands, and even among infinities.
        ("max_pool2d", [[np.nan, 1, 2, np.nan, INF, np.nan]], (1, 2), {}, [[np.nan, np.nan, np.nan]]),
        ("max_pool2d", [[1, np.nan, 3, 4, 5, 6]], (1, 3), {}, [[np.nan, 6]]),
        ("max_pool2d", [[-INF, -INF, 3, INF]], (1, 2), {}, [[-INF, INF]]),
        ("avg_pool2d", [[1, np.nan, 3, 4]], (1, 2), {}, [[np.nan, 3.5]]),
        ("sum_pool2d", [[1, np.nan, 3, INF]], (1, 2), {}, [[np.nan, INF]]),
    ],
)
def test_values_worked_by_hand(pool, x, window, options, expected, engine):
    result = getattr(engine, pool)(np.array(x, np.float32), window, **options)
    assert result.shape == np.shape(expected)
    np.testing.assert_array_equal(result, expected)


@pytest.mark.parametrize("pool", POOLS)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("padding", [0, 1, "same", "same-lower", ((1, 0), (2, 3)), ((0, 7), (6, 0))])
def test_windows_strides_and_ceil_mode(padding, dtype, pool):
    rng = np.random.default_rng(1)
    x = samples(rng, (7, 8, 2) if np.dtype(dtype).kind == "u" else (2, 7, 8), dtype)
    for window, stride in itertools.product([1, 2, (3, 2), (1, 5)], [None, 1, (2, 3)]):
        for ceil_mode in (False, True):
            assert_pool(pool, x, window, stride=stride, padding=padding, ceil_mode=ceil_mode)
        if pool == "max_pool2d":
            assert_pool(pool, x, window, stride=stride, padding=padding, dilation=(3, 1), ceil_mode=True)
        if pool == "avg_pool2d":
            assert_pool(pool, x, window, stride=stride, padding=padding, count_include_pad=False)


@pytest.mark.parametrize("pool", POOLS)
@pytest.mark.parametrize(
    ("shape", "dtype", "expected"),
    [
        ((5, 6), np.uint8, (2, 3)),
        ((5, 6), np.float32, (2, 3)),
        ((5, 6, 3), np.uint8, (3, 2, 3)),
        ((5, 6, 1), np.uint16, (1, 2, 3)),
        ((3, 5, 6), np.float32, (3, 2, 3)),
        ((2, 3, 5, 6), np.float32, (2, 3, 2, 3)),
    ],
)
def test_the_channels_stay_and_the_rank_follows_the_input(shape, dtype, expected, pool):
    x = samples(np.random.default_rng(2), shape, dtype)
    assert getattr(pools, pool)(x, 2).shape == expected
    assert_pool(pool, x, 2)


@st.composite
def poolings(draw):
    """Maps with or without NaN, and options under which at least one window fits."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    pool = draw(st.sampled_from(POOLS))
    size, window = [draw(st.tuples(st.integers(1, top), st.integers(1, top))) for top in (12, 5)]
    dilation = draw(st.tuples(st.integers(1, 3), st.integers(1, 3))) if pool == "max_pool2d" else (1, 1)
    stride = draw(st.none() | st.tuples(st.integers(1, 4), st.integers(1, 4)))
    ceil_mode = draw(st.booleans())
    sides = []
    for n, taps, gap, step in zip(size, window, dilation, stride or window, strict=True):
        begin = draw(st.integers(0, 8))
        beyond = step - 1 if ceil_mode else 0
        sides.append((begin, max(0, gap * (taps - 1) + 1 - n - begin - beyond) + draw(st.integers(0, 8))))
    options = {
        "stride": stride,
        "padding": draw(st.sampled_from(["same", "same-lower", tuple(sides)])),
        "ceil_mode": ceil_mode,
        "threads": draw(st.sampled_from([None, 1, 2, 3])),
    }
    if pool == "max_pool2d":
        options["dilation"] = dilation
    if pool == "avg_pool2d":
        options["count_include_pad"] = draw(st.booleans())
    x = samples(rng, (draw(st.integers(1, 3)), *size), np.float32)
    if pool == "max_pool2d":
        x[rng.random(x.shape) < draw(st.sampled_from([0, 0.1, 0.6]))] = np.nan
    return pool, x, window, options


@settings(deadline=None, max_examples=sized(200, 80), database=None)
@given(poolings())
def test_any_pooling(case):
    pool, x, window, options = case
    assert_pool(pool, x, window, **options)


@pytest.mark.parametrize("pool", POOLS)
@pytest.mark.parametrize(("window", "stride"), [(2, None), (3, 2), (3, 1)])
@pytest.mark.parametrize("dtype", DTYPES)
def test_large_and_bit_identical_for_any_number_of_threads(dtype, window, stride, pool):
    rng = np.random.default_rng(3)
    height, width = sized((301, 1100), (15, 18))
    shape = (height, width, 3) if np.dtype(dtype).kind == "u" else (3, height, width)
    x = samples(rng, shape, dtype)
    function = getattr(pools, pool)
    alone = function(x, window, stride=stride, padding=1, threads=1)
    for threads in (2, 3, None):
        result = function(x, window, stride=stride, padding=1, threads=threads)
        np.testing.assert_array_equal(result, alone, strict=True)
    maps = reference.to_batch(x)[0]
    corner = getattr(reference, pool)(maps[:, :9, :9], window, stride=stride, padding=1)[:, :3, :3]
    np.testing.assert_allclose(alone[:, :3, :3], corner, rtol=1e-4, atol=1e-5)


def test_a_large_window_sums_within_the_bound():
    x = np.abs(samples(np.random.default_rng(4), sized((120, 130), (21, 22)), np.uint16))
    for pool in ("avg_pool2d", "sum_pool2d"):
        assert_pool(pool, x, sized((100, 110), (20, 21)), stride=10)


def test_inputs_are_left_alone():
    x = samples(np.random.default_rng(5), (6, 7), np.float32)
    copy = x.copy()
    x.flags.writeable = False
    for pool in POOLS:
        assert getattr(pools, pool)(x, 1).flags.writeable
    np.testing.assert_array_equal(x, copy)


@pytest.mark.parametrize("pool", POOLS)
@pytest.mark.parametrize(
    ("window", "options", "message"),
    [
        (0, {}, "window must be at least 1, not 0"),
        (2.5, {}, r"window must be a whole number, not 2\.5"),
        (2, {"stride": 0}, "stride must be at least 1, not 0"),
        (2, {"padding": -1}, "padding must be at least 0, not -1"),
        (2, {"padding": "sam"}, "padding must be a number, .* not 'sam'"),
        (2, {"threads": 0}, "threads must be at least 1, not 0"),
    ],
)
def test_a_bad_option_names_the_value_and_the_limit(window, options, message, pool):
    with pytest.raises(ArgumentError, match=message):
        getattr(pools, pool)(np.ones((4, 5), np.float32), window, **options)


@pytest.mark.parametrize("pool", POOLS)
def test_a_window_that_does_not_fit_names_both_sizes(pool):
    function = getattr(pools, pool)
    with pytest.raises(ShapeError, match="window 5x5 does not fit in 4x4"):
        function(np.ones((4, 4), np.float32), 5)
    with pytest.raises(ShapeError, match="window 5x9 does not fit in 4x4, padded to 5x6"):
        function(np.ones((3, 4, 4), np.float32), (5, 9), stride=2, padding=((1, 0), (1, 1)), ceil_mode=True)


def test_dilation_of_max_pooling_is_checked():
    x = np.ones((4, 4), np.float32)
    with pytest.raises(ArgumentError, match="dilation must be at least 1, not 0"):
        pools.max_pool2d(x, 2, dilation=0)
    with pytest.raises(ShapeError, match=r"window 2x2 \(spanning 5x5 when dilated\) does not fit in 4x4"):
        pools.max_pool2d(x, 2, dilation=4)


@pytest.mark.parametrize("pool", POOLS)
@pytest.mark.parametrize(
    ("x", "message"),
    [
        (np.ones(4, np.float32), "x must have 2, 3 or 4 axes, not 1"),
        (np.ones((4, 5), np.complex64), "x must hold real numbers, not complex64"),
    ],
)
def test_a_bad_picture_is_named(x, message, pool):
    with pytest.raises(ArgumentError, match=message):
        getattr(pools, pool)(x, 1)
