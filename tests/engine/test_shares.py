"""Filters that are shared out, where a band of rows would read more weights than samples."""

import numpy as np
import pytest

from cnnfilter.engine import ops, reference, steps
from cnnfilter.engine.bands import Chain
from cnnfilter.engine.geometry import Rows, Windows
from cnnfilter.engine.steps import Convolution, Pointwise
from cnnfilter.sizes import Border
from tests.oracles import DTYPES, PRECISION, assert_within, sized


@pytest.fixture(autouse=True)
def eager(monkeypatch):
    """Share out little work, too."""
    monkeypatch.setattr(steps, "FEWEST_SHARED", 0)


def drawn(shape, seed=1):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def convolution(bank, size, stride=1, groups=1):
    windows = Windows.over(
        size, bank.shape[2:], stride=(stride, stride), padding="same", dilation=(1, 1), border=Border("constant")
    )
    return Convolution(bank, drawn(len(bank), 2), windows, groups)


def test_which_are():
    assert convolution(drawn((32, 32, 3, 3)), (4, 4)).shares == 4
    assert convolution(drawn((36, 32, 3, 3)), (4, 4)).shares == 3  # 16, 16 and the last four
    assert convolution(drawn((32, 32, 1, 1)), (3, 3)).shares == 2
    assert convolution(drawn((32, 32, 3, 3)), (70, 70)).shares == 1
    assert convolution(drawn((24, 32, 3, 3)), (7, 7)).shares == 1
    assert convolution(drawn((64, 8, 3, 3)), (7, 7), groups=4).shares == 1


def test_little_work_is_not(monkeypatch):
    monkeypatch.setattr(steps, "FEWEST_SHARED", 1 << 24)
    assert convolution(drawn((32, 32, 3, 3)), (7, 7)).shares == 1


@pytest.mark.parametrize("window", [(1, 1), (3, 3)])
@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("dtype", DTYPES)
def test_are_the_definition_on_any_number_of_threads(window, stride, dtype):
    outputs, channels = sized((68, 20), (36, 4))
    bank, bias = drawn((outputs, channels, *window)), drawn(outputs, 2)
    maps = np.abs(drawn((channels, 6, 7), 3) * 60).astype(dtype)
    x = maps if dtype == np.float32 else maps.transpose(1, 2, 0)
    options = {"padding": "same", "stride": stride}
    expected = reference.conv2d(maps.astype(np.float32), bank, bias, **options)
    bound = reference.conv2d(np.full(maps.shape, maps.max(), np.float32), np.abs(bank), np.abs(bias), **options)
    alone = ops.conv2d(x, bank, bias, threads=1, **options)
    assert_within(alone, expected, PRECISION * bound)
    for threads in (2, 3, None):
        np.testing.assert_array_equal(ops.conv2d(x, bank, bias, threads=threads, **options), alone, strict=True)


def test_stand_alone_in_a_chain():
    step, x = convolution(drawn((32, 16, 3, 3)), (7, 7)), drawn((16, 7, 7))
    double = Pointwise(lambda values: values * 2, step.shape)
    alone = Chain([step])(x)
    chain = Chain([Pointwise(np.asarray, x.shape), step, double, double])
    assert [len(part) for part, _ in chain.parts] == [1, 1, 2]
    np.testing.assert_array_equal(chain(x), alone * 4)
    np.testing.assert_allclose(Chain([step], mean=True)(x)[:, 0, 0], alone.mean(axis=(1, 2)), rtol=1e-5, atol=1e-6)


def test_the_only_share_of_another_step_is_all_of_it():
    x, step = drawn((2, 3, 4)), Pointwise(np.abs, (2, 3, 4))
    out = np.empty(step.shape, np.float32)
    assert step.shares == 1
    step.run_share(0, Rows(x), out)
    np.testing.assert_array_equal(out, np.abs(x))


def test_what_is_not_finite_is_so_in_each_share():
    x, bank = drawn((16, 7, 7)), drawn((32, 16, 3, 3))
    x[3, 3, 3] = np.nan
    bank[:, 3][::5] = 0
    result = ops.conv2d(x, bank, padding=1)
    expected = np.zeros((7, 7), bool)
    expected[2:5, 2:5] = True
    for o in range(32):
        np.testing.assert_array_equal(np.isnan(result[o]), expected if o % 5 else False)


@pytest.mark.parametrize("size", [1e-38, 1e-3, 1.0, 1e30])
@pytest.mark.parametrize("outputs", [4, 8, 13])
def test_filters_are_kept_in_their_weights_alone(size, outputs):
    bank = drawn((outputs, 5, 3, 2)) * np.float32(size)
    step = convolution(bank, (9, 9))
    np.testing.assert_array_equal(step.bank, bank)
