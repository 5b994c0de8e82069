"""Ways to compute one filter: each equals the definition, and integers exactly."""

import numpy as np
import pytest

from cnnfilter import apply, get_kernel
from cnnfilter.engine import bands, fourier, loops, methods, ops, reference
from cnnfilter.engine.direct import DirectFilter
from cnnfilter.engine.fourier import FourierFilter
from cnnfilter.engine.geometry import Rows, Windows
from cnnfilter.engine.methods import FloatFilter, choose
from cnnfilter.engine.precision import products_fit_int16, whole_form
from cnnfilter.engine.separable import BoxFilter, SeparableFilter, factors
from cnnfilter.running import run
from cnnfilter.sizes import Border, parse_border
from tests.oracles import BORDER_NAMES, DTYPES, assert_conv2d, samples

SLOPE = np.outer([1, 2, 0, -3, 1], [2, -1, 4, 1, 3])


def windows(size, window, border=None):
    return Windows.over(
        size, window, stride=(1, 1), padding="same", dilation=(1, 1), border=border or Border("replicate")
    )


def chosen(weights, dtype="uint8", **options):
    weights = np.asarray(weights, dtype=np.float32)
    method = choose(weights[None, None], windows((99, 150), weights.shape, **options), np.dtype(dtype))
    return method.usual if isinstance(method, FloatFilter) else method


def test_each_kernel_gets_its_way():
    assert isinstance(chosen(get_kernel("edge").weights), DirectFilter)
    assert isinstance(chosen(np.arange(49.0).reshape(7, 7) % 5), DirectFilter)
    assert isinstance(chosen(get_kernel("gaussian:sigma=2").weights), SeparableFilter)
    assert isinstance(chosen(get_kernel("box:size=7").weights), BoxFilter)
    assert isinstance(chosen(get_kernel("box:size=7").weights, "float32"), SeparableFilter)
    assert isinstance(chosen(get_kernel("box:size=7").weights, border=Border("constant", 0.5)), SeparableFilter)
    assert isinstance(chosen(get_kernel("motion:length=31").weights), BoxFilter)
    assert isinstance(chosen(get_kernel("motion:length=5").weights), DirectFilter)


@pytest.mark.parametrize(
    ("window", "outside", "kind"),
    [
        ((8, 16), 0, np.int16),
        ((8, 16), -255, np.int16),
        ((8, 16), -256, np.int32),
        ((3, 43), 255, np.int32),
        ((11, 11), -270, np.int16),
        ((21, 63), 300, np.int32),
    ],
)
def test_sums_of_a_box_fit_their_type(window, outside, kind):
    x = np.full((1, 40, 150), 255, dtype=np.uint8)
    weights = np.ones(window, dtype=np.float32)
    over = windows((40, 150), window, Border("constant", float(outside)))
    method = choose(weights[None, None], over, x.dtype)
    assert method.kind == kind
    out = np.empty((40, 150), dtype=np.float32)
    method.run(Rows(x), 0, out)
    expected = reference.conv2d(x.astype(np.float32), weights, padding="same", border=f"constant={outside}")
    np.testing.assert_array_equal(out, expected.reshape(40, 150))


@pytest.fixture
def eager(monkeypatch):
    """Choose two passes and running sums wherever they are possible."""
    monkeypatch.setattr(methods, "FEWEST_SEPARABLE", -99)
    monkeypatch.setattr(methods, "FEWEST_BOX", 1)


@pytest.mark.parametrize("border", BORDER_NAMES)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("weights", [SLOPE, SLOPE * 0.37, np.ones((4, 3)), np.full((3, 5), 1 / 15), [[0, 0], [0, 2.0]]])
def test_every_way_is_the_definition(weights, dtype, border, eager):
    weights = np.asarray(weights, dtype=np.float32)
    x = samples(np.random.default_rng(1), (7, 260), dtype)
    for options in (
        {"padding": "1+2x3+0"},
        {"padding": "same", "stride": 2},
        {"padding": 4, "dilation": "2x3"},
        {"padding": "valid" if weights.shape[0] < 5 else 1},
        {"padding": "15x11"},
    ):
        assert_conv2d(x, weights, border=border, **options)


@pytest.mark.parametrize("weights", [SLOPE, np.ones((11, 11)), np.full((5, 5), 200)])
def test_whole_numbers_are_exact(weights, eager):
    x = samples(np.random.default_rng(2), (20, 150), np.uint8)
    direct = ops.conv2d(x.astype(np.int64), weights, padding=5)  # read as float32, which takes neither short cut
    np.testing.assert_array_equal(ops.conv2d(x, weights, padding=5), direct)


def test_interleaved_channels(eager):
    image = samples(np.random.default_rng(3), (8, 390, 3), np.uint8)
    for weights in (SLOPE, np.ones((3, 5)) / 15):
        each = [apply(image[..., c], weights, border="circular") for c in range(3)]
        np.testing.assert_array_equal(apply(image, weights, border="circular"), np.stack(each, axis=-1))
    strided = [apply(image[..., c], SLOPE, stride="2x3") for c in range(3)]
    np.testing.assert_array_equal(apply(image, SLOPE, stride="2x3"), np.stack(strided, axis=-1))


@pytest.mark.parametrize("name", ["gaussian", "gaussian:size=9", "box", "edge", "sobel-x"])
def test_named_kernels_have_whole_forms(name):
    numbers, gain = whole_form(get_kernel(name).weights)
    np.testing.assert_array_equal(numbers, np.rint(numbers))
    np.testing.assert_allclose(numbers * gain, get_kernel(name).weights, rtol=2e-7)


def test_other_kernels_stay_as_they_are():
    for weights in ([[1.5, 2.2]], [[1e-9, 1.0]], [[1e30, 1.0]], [[1.1e-40, 3e-44]], [[0.0]]):
        numbers, gain = whole_form(np.array(weights, dtype=np.float32))
        np.testing.assert_array_equal(numbers * np.float32(gain), np.array(weights, dtype=np.float32))


def test_short_products():
    assert products_fit_int16(np.full((1, 1, 11, 11), 8.0), np.dtype(np.uint8))
    assert not products_fit_int16(np.full((1, 1, 11, 11), 9.0), np.dtype(np.uint8))
    assert not products_fit_int16(np.full((1, 1, 2, 2), 0.5), np.dtype(np.uint8))
    assert not products_fit_int16(np.ones((1, 1, 2, 2)), np.dtype(np.uint16))


@pytest.mark.parametrize("sign", [1, -1])
def test_the_largest_short_products(sign):
    x = np.full((5, 20), 255, dtype=np.uint8)
    weights = np.full((1, 16), 8.0 * sign)
    assert (ops.conv2d(x, weights) == 128 * 255 * sign).all()


def test_factors():
    down, along = factors(SLOPE)
    np.testing.assert_array_equal(np.outer(down, along), SLOPE)
    np.testing.assert_array_equal(down, np.rint(down))
    assert factors(np.zeros((2, 2))) is None
    assert factors(np.array([[1, 2], [3, 4]])) is None
    assert factors(np.array([[1.0, 2.0], [2.0, 4.001]])) is None


@pytest.mark.parametrize("stride", [2, 3])
@pytest.mark.parametrize("kernel", ["edge", "sobel", "gaussian:sigma=2"])
@pytest.mark.parametrize("shape", [(40, 380), (40, 380, 3)])
def test_strides_leave_out_what_lies_between(kernel, stride, shape):
    image = samples(np.random.default_rng(8), shape, np.uint8)
    np.testing.assert_array_equal(
        apply(image, kernel, stride=stride, padding=9), apply(image, kernel, padding=9)[::stride, ::stride]
    )


@pytest.mark.parametrize("kernel", ["edge", "sobel", "box:size=9", "gaussian:sigma=2", "unsharp", "motion:length=9"])
@pytest.mark.parametrize("columns", [127, 128, 129, 300])
def test_rows_wider_than_the_loops_take_at_a_time(kernel, columns):
    image = samples(np.random.default_rng(9), (11, columns), np.uint8)
    whole = apply(image, kernel)
    # The middle of a picture does not know what lies further away.
    for begin in range(0, columns - 60, 30):
        part = apply(image[:, begin : begin + 60], kernel)
        np.testing.assert_array_equal(whole[:, begin + 20 : begin + 40], part[:, 20:40])


@pytest.fixture
def spectral(monkeypatch):
    """Choose spectra, with tiles so small that there are many."""
    monkeypatch.setattr(methods, "FEWEST_FOURIER", 1)
    monkeypatch.setattr(methods, "FEWEST_FOURIER_EXACT", dict.fromkeys(methods.FEWEST_FOURIER_EXACT, 1))
    monkeypatch.setattr(methods, "FEWEST_FOURIER_SHORT", 1)
    monkeypatch.setattr(methods, "FEWEST_SEPARABLE", 999)
    monkeypatch.setattr(methods, "FEWEST_BOX", 999)
    monkeypatch.setattr(fourier, "SMALLEST_TILE", 16)
    monkeypatch.setattr(fourier, "TILE_SAMPLES", 100)


@pytest.mark.parametrize("border", BORDER_NAMES)
@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
@pytest.mark.parametrize("band_samples", [40, 1 << 20])
def test_spectra_are_the_definition(dtype, border, band_samples, spectral, monkeypatch):
    monkeypatch.setattr(bands, "BAND_SAMPLES", band_samples)
    x = samples(np.random.default_rng(4), (29, 140), dtype)
    bound = 1e-5 * np.abs(SLOPE).sum() * x.max()
    for options in ({"padding": "same"}, {"padding": "7x2", "stride": "2x1"}, {"padding": "1+2x9+40", "dilation": 2}):
        expected = reference.conv2d(x, SLOPE, [3.0], border=border, **options)
        result = ops.conv2d(x, SLOPE.astype(np.float32), [3.0], border=border, **options)
        assert result.shape == expected.shape
        assert np.abs(result - expected).max() <= bound


def test_spectra_for_pictures(spectral, monkeypatch):
    assert isinstance(chosen(SLOPE), FourierFilter)
    assert isinstance(chosen(SLOPE, "float32"), DirectFilter)
    monkeypatch.setattr(run, "BAND_SAMPLES", 60)
    image = samples(np.random.default_rng(5), (25, 270, 3), np.uint8)
    for options in ({}, {"range": "abs", "bias": 2.5}, {"border": "reflect", "stride": 2}):
        by_spectra = apply(image, SLOPE / 40, threads=2, **options)
        np.testing.assert_array_equal(by_spectra, apply(image, SLOPE / 40, threads=1, **options))
        with monkeypatch.context() as context:
            context.setattr(methods, "FEWEST_FOURIER", 9999)
            context.setattr(methods, "FEWEST_FOURIER_SHORT", 9999)
            direct = apply(image, SLOPE / 40, **options)
        assert by_spectra.dtype == np.uint8
        assert np.abs(by_spectra.astype(int) - direct).max() <= 1  # a tie may round either way
        assert (by_spectra == direct).mean() > 0.99


def test_large_kernels_get_spectra():
    weights = np.random.default_rng(6).normal(size=(15, 15))
    assert isinstance(chosen(weights), FourierFilter)
    assert isinstance(chosen(np.sign(weights)), DirectFilter)
    assert isinstance(chosen(weights[:11, :11]), DirectFilter)
    assert isinstance(chosen(weights.reshape(3, 75)), DirectFilter)  # spectra make nothing of width cheaper
    assert isinstance(chosen(weights, border=Border("constant", 300.0)), DirectFilter)  # which would spoil a tile


@pytest.fixture
def calls(monkeypatch):
    """The arguments of each call of a loop."""
    made = []
    for name in ("filter_block", "filter_rows", "filter_tiles"):
        loop = getattr(loops, name)
        monkeypatch.setattr(loops, name, lambda *arguments, loop=loop: made.append(arguments) or loop(*arguments))
    return made


def test_few_calls_leave_other_threads_running(calls, monkeypatch):
    image = samples(np.random.default_rng(7), (600, 500, 3), np.uint8)
    apply(image, np.random.default_rng(8).normal(size=(15, 15)), threads=1)
    assert len(calls) == 3  # for each row of tiles
    calls.clear()
    monkeypatch.setattr(run, "BAND_SAMPLES", 200 * 500 * 3)
    apply(image, "edge", threads=1)
    assert len(calls) == 3 * 2 + 2  # what lies within, and beside; the first and the last row have windows of their own


@pytest.mark.parametrize("border", ["zeros", "replicate", "constant=2"])
@pytest.mark.parametrize("side", [3, 5])
def test_a_small_map_takes_one_call(border, side, calls):
    x = np.random.default_rng(9).random((1, 28, 28), dtype=np.float32)
    weight = np.random.default_rng(10).normal(size=(1, 1, side, side)).astype(np.float32)
    method = choose(weight, windows((28, 28), (side, side), parse_border(border)), x.dtype)
    result = np.empty((28, 28), dtype=np.float32)
    for _ in range(2):
        calls.clear()
        method.run(Rows(x), 0, result)
    # What a constant adds to a sum, or which taps are a group, may not depend on how many are left out.
    alike = border == "replicate" or (border == "zeros" and side == 3)
    assert len(calls) == (1 if alike else 1 + side // 2 * 2)
    expected = reference.conv2d(x, weight, padding="same", border=border)
    np.testing.assert_allclose(result, expected[0], atol=1e-5 * np.abs(weight).sum() * 2)


def test_large_floats_are_averaged_without_going_beyond_float32():
    x = np.full((9, 200), 2e38, dtype=np.float32)
    for kernel in ("box", "gaussian", "box:size=9"):
        np.testing.assert_allclose(apply(x, kernel), x, rtol=1e-5)
