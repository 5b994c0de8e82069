"""Winograd's way with banks of 3x3 filters: within its error of the definition, and left where it would not be."""

import numpy as np
import pytest

from cnnfilter.engine import bands, ops, reference, winograd
from cnnfilter.engine.bands import Chain
from cnnfilter.engine.bank import BankFilter
from cnnfilter.engine.geometry import Rows, Windows
from cnnfilter.engine.steps import Convolution
from cnnfilter.engine.winograd import WinogradFilter
from cnnfilter.sizes import Border, parse_border
from tests.oracles import BORDER_NAMES, PRECISION, assert_conv2d, assert_within, sized, weights

SIZE = sized((30, 41), (10, 11))


@pytest.fixture
def eager(monkeypatch):
    """Transform small banks, too."""
    monkeypatch.setattr(winograd, "FEWEST", 1)
    monkeypatch.setattr(winograd, "FEWEST_RESULTS", 1)


@pytest.fixture
def only(monkeypatch, eager):
    """Let nothing else compute a bank."""
    monkeypatch.setattr(BankFilter, "run", None)


def largest_in_tiles(x, padding, border):
    """The largest size in the tile of each result, over all channels."""
    (top, bottom), (left, right) = padding
    sizes = np.abs(reference.pad(x, padding, parse_border(border))).max(axis=0)
    height, width = sizes.shape[0] - 2, sizes.shape[1] - 2
    most = np.empty((height, width))
    for i in range(height):
        for j in range(width):
            most[i, j] = sizes[i // 2 * 2 : i // 2 * 2 + 4, j // 2 * 2 : j // 2 * 2 + 4].max()
    return most


def definition(x, bank, bias=None, padding=((0, 0), (0, 0)), border="zeros"):
    """What `reference.conv2d` gives, whose loop over places would take long."""
    padded = reference.pad(x.astype(np.float64), padding, parse_border(border))
    windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), axis=(1, 2))
    sums = np.einsum("cijmn,ocmn->oij", windows, bank.astype(np.float64), optimize=True)
    return sums if bias is None else sums + bias[:, None, None]


def test_the_definition_is_that_of_the_reference():
    x, bank, bias = drawn((3, 5, 6)), drawn((4, 3, 3, 3)), drawn(4)
    for border in BORDER_NAMES:
        options = {"padding": ((1, 0), (2, 1)), "border": border}
        np.testing.assert_allclose(definition(x, bank, bias, **options), reference.conv2d(x, bank, bias, **options))


def assert_near(x, bank, bias=None, *, padding=((0, 0), (0, 0)), border="zeros", threads=None):
    """Hold a bank to the definition, within 1e-5 * (|b| + sum |w| * max |x|), the latter over a tile."""
    expected = definition(x, bank, bias, padding, border)
    bound = np.abs(bank).sum(axis=(1, 2, 3), dtype=np.float64)[:, None, None] * largest_in_tiles(x, padding, border)
    if bias is not None:
        bound += np.abs(bias)[:, None, None]
    result = ops.conv2d(x, bank, bias, padding=padding, border=border, threads=threads, layout="chw")
    assert_within(result, expected, PRECISION * bound)
    return result


def drawn(shape, seed=1):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


@pytest.mark.parametrize("border", BORDER_NAMES)
@pytest.mark.parametrize("padding", [((0, 0), (0, 0)), ((1, 1), (1, 1)), ((0, 3), (2, 0))])
def test_is_the_definition(border, padding, only):
    x, bank = drawn((3, *SIZE)), weights(np.random.default_rng(2), (9, 3, 3, 3))
    assert_near(x, bank, drawn(9), padding=padding, border=border)


@pytest.mark.parametrize("height", [3, 4, 7, 8])
@pytest.mark.parametrize("width", [3, 4, 9, sized(35, 10), sized(130, 13)])
def test_any_size(height, width, only):
    assert_near(drawn((5, height, width)), drawn((11, 5, 3, 3)))
    assert_near(drawn((5, height, width)), drawn((8, 5, 3, 3)), padding=((1, 1), (1, 1)))


@pytest.mark.parametrize("channels", [16, 64, 65, sized(600, 130)])
def test_any_number_of_channels(channels, only):
    size = sized((12, 13), (2, 3))
    assert_near(drawn((channels, *size)), drawn((16, channels, 3, 3)), padding=((1, 1), (1, 1)))


def hostile(channels):
    """Samples and weights that agree in all channels, at the places and with the signs that transforms add up."""
    rows = np.array([[1, 1, -1, 1], [1, 1, 1, 1], [1, -1, 1, 1], [1, 1, 1, -1]])
    taps = np.array([[1, 1, 1], [1, 1, 1], [1, -1, 1], [1, 1, 1]])
    rng = np.random.default_rng(3)
    for i in range(4):
        for j in range(4):
            tile = np.outer(rows[i], rows[j])
            x = np.tile(tile * rng.uniform(0.5, 1), (channels, 2, 2))
            kernels = np.array([np.outer(taps[i], taps[j]), np.eye(3), tile[:3, :3], np.ones((3, 3))])
            bank = np.repeat(kernels[:, None], channels, axis=1) * rng.uniform(0.1, 1, (4, 1, 1, 1))
            yield x.astype(np.float32), np.tile(bank, (4, 1, 1, 1)).astype(np.float32)


@pytest.mark.parametrize("channels", [64, sized(512, 70)])
def test_keeps_its_error_where_all_channels_agree(channels, only):
    for x, bank in hostile(channels):
        assert_near(x, bank)


def test_keeps_its_error_with_magnitudes_that_differ(only):
    rng = np.random.default_rng(4)
    spread = drawn((32, 12, 12)) * 10.0 ** rng.uniform(-12, 12, (32, 12, 12))
    assert_near(spread.astype(np.float32), drawn((16, 32, 3, 3)))
    heavy = drawn((16, 32, 3, 3)) * 10.0 ** rng.uniform(-6, 6, (16, 32, 3, 3))
    assert_near(drawn((32, 12, 12)), heavy.astype(np.float32))
    spike = drawn((32, 12, 12)) * np.float32(1e-4)
    spike[:, 5, 6] = 1e4
    assert_near(spike, drawn((16, 32, 3, 3)))


@pytest.mark.parametrize("shape", [(24, 20, 3, 3), (16, 130, 3, 3)])
def test_bit_identical_for_any_number_of_threads(shape, monkeypatch, only):
    monkeypatch.setattr(bands, "BAND_SAMPLES", 4000)
    monkeypatch.setattr(bands, "SMALLEST_WORK", 0)
    x, bank = drawn((shape[1], *SIZE)), drawn(shape)
    alone = assert_near(x, bank, padding=((1, 1), (1, 1)), threads=1)
    for threads in (2, 3, None):
        np.testing.assert_array_equal(ops.conv2d(x, bank, padding=1, threads=threads), alone, strict=True)


def test_tiles_lie_alike_in_every_band(only):
    windows = Windows.over((20, 20), (3, 3), stride=(1, 1), padding="same", dilation=(1, 1), border=Border("constant"))
    x, bank = drawn((4, 20, 20)), drawn((8, 4, 3, 3))
    step = Convolution(bank, drawn(8), windows)
    whole = np.empty((8, 20, 20), np.float32)
    step.run(Rows(x), 0, whole)
    for first, last in ((0, 1), (1, 2), (3, 8), (5, 20), (19, 20)):
        begin, end = step.needed(first, last)
        band = np.empty((8, last - first, 20), np.float32)
        step.run(Rows(np.ascontiguousarray(x[:, begin:end]), first=begin), first, band)
        np.testing.assert_array_equal(band, whole[:, first:last])


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 3e38])
def test_what_is_not_finite_or_would_not_stay_so_is_summed_directly(value, eager, monkeypatch):
    monkeypatch.setattr(WinogradFilter, "run", None)
    x, bank = drawn((4, 9, 9)), drawn((8, 4, 3, 3)) * np.float32(1e-2)
    x[2, 4, 4] = value
    bank[:4, 2] = 0
    result = ops.conv2d(x, bank)
    assert np.isfinite(result[:4]).all()
    near = np.abs(result[4:, 2:5, 2:5])
    assert np.isnan(near).all() if np.isnan(value) else (near > 1e30).all()
    apart = np.ones((7, 7), bool)
    apart[2:5, 2:5] = False
    x[2, 4, 4] = 0
    np.testing.assert_allclose(result[:, apart], definition(x, bank)[:, apart], rtol=0, atol=1e-4)


def test_tiny_samples_keep_their_digits(eager, monkeypatch):
    monkeypatch.setattr(WinogradFilter, "run", None)
    assert_conv2d(drawn((4, 9, 9)) * np.float32(1e-36), drawn((8, 4, 3, 3)))


def test_all_zeros_are_fine(only):
    result = ops.conv2d(np.zeros((4, 9, 9), np.float32), drawn((8, 4, 3, 3)), drawn(8))
    np.testing.assert_array_equal(result[:, 3, 4], drawn(8))


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_pictures_stay_exact(dtype, eager, monkeypatch):
    monkeypatch.setattr(WinogradFilter, "run", None)
    rng = np.random.default_rng(5)
    x, bank = rng.integers(0, 256, (20, 21, 3), dtype), rng.integers(-9, 9, (16, 3, 3, 3))
    np.testing.assert_array_equal(ops.conv2d(x, bank), definition(x.transpose(2, 0, 1), bank))


def pays(shape=(16, 16, 3, 3), size=(20, 20), border="zeros", stride=1, dilation=1):
    windows = Windows.over(
        size,
        shape[2:],
        stride=(stride, stride),
        padding="same",
        dilation=(dilation, dilation),
        border=parse_border(border),
    )
    return winograd.pays(np.ones(shape, np.float32), windows)


def test_where_it_pays():
    assert pays()
    for other in (
        {"shape": (16, 3, 3, 3)},
        {"shape": (8, 64, 3, 3)},
        {"shape": (64, 64, 5, 5)},
        {"size": (7, 7)},
        {"stride": 2},
        {"dilation": 2},
        {"border": "constant=1e38"},
    ):
        assert not pays(**other), other


def test_groups_and_relu(only):
    windows = Windows.over((11, 12), (3, 3), stride=(1, 1), padding="same", dilation=(1, 1), border=Border("constant"))
    x, bank = drawn((6, 11, 12)), drawn((16, 3, 3, 3))
    result = Chain([Convolution(bank, drawn(16), windows, 2, after=2)])(x)
    expected = np.maximum(reference.conv2d(x, bank, drawn(16), padding=1, groups=2), 0)
    np.testing.assert_allclose(result, expected, rtol=0, atol=1e-4)


def test_weights_beyond_float32_are_summed_otherwise(eager):
    bank = np.full((8, 40, 3, 3), 3e38, np.float32)
    windows = Windows.over((5, 6), (3, 3), stride=(1, 1), padding="valid", dilation=(1, 1), border=Border("constant"))
    assert WinogradFilter.of(bank, np.zeros(8, np.float32), windows) is None
    assert_conv2d(drawn((40, 5, 6)) * np.float32(1e-3), bank)
