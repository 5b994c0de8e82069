"""Known kernels are found again, from photos that filters of this and of other programs made something of."""

import warnings

import cv2
import numpy as np
import pytest
from numpy.lib.stride_tricks import sliding_window_view
from PIL import Image, ImageFilter

from cnnfilter import ArgumentError, ShapeError, apply, conv2d, get_kernel, learn_kernel, read
from cnnfilter.kernels.catalogue import KERNELS
from cnnfilter.learning.kernels.fitting import fit
from cnnfilter.learning.kernels.nearest import placed
from cnnfilter.learning.kernels.pairs import as_pairs
from tests.command import ROOT

CAT = read(ROOT / "samples/chelsea.png").pixels[60:220, 100:320]
CAMERA = read(ROOT / "samples/camera.png").pixels[100:300, 100:300]
NAMED = [name for name in KERNELS if len(get_kernel(name).filters) == 1 and max(get_kernel(name).size) <= 9]
MAGICK = np.load(ROOT / "tests/data/learning/imagemagick.npz")


def floats(pixels, weights, bias=0.0):
    """What a kernel makes of a picture, neither rounded nor cut off."""
    return apply(pixels.astype(np.float32), weights, bias=bias)


@pytest.mark.parametrize("name", NAMED)
def test_every_named_kernel_is_found_again(name):
    kernel = get_kernel(name)
    size = max(max(kernel.size), 3)
    learned = learn_kernel(CAMERA, floats(CAMERA, kernel, bias=7), size=size)
    np.testing.assert_allclose(learned.kernel, placed(kernel.weights, (size, size)), atol=1e-4)
    assert learned.bias == pytest.approx(7, abs=1e-2)
    assert learned.nearest.largest < 1e-4
    assert learned.nearest.gain == 1
    assert learned.notes == ()


@pytest.mark.parametrize("size", [(3, 3), (2, 4), (5, 1), (7, 7)])
def test_random_ones_are_found_again(size):
    random = np.random.default_rng(4)
    weights = random.normal(size=size).astype(np.float32)
    learned = learn_kernel(CAT, floats(CAT, weights, bias=-3), size=size)
    np.testing.assert_allclose(learned.kernel, weights, atol=1e-4)
    assert learned.kernel.dtype == np.float32
    assert learned.certainty.shape == size
    assert learned.nearest is None


@pytest.mark.parametrize("name", ["gaussian:size=5", "box", "sharpen", "sobel-x", "emboss", "unsharp"])
def test_rounding_to_8_bits_leaves_what_it_allows(name):
    kernel = get_kernel(name)
    after = apply(CAT, kernel)
    learned = learn_kernel(CAT, after)
    error = np.abs(learned.kernel - placed(kernel.weights, (5, 5)))
    # rounding is off by at most 1/2, whose worst direction Cauchy and Schwarz bound, and by 1/12 in the mean square
    spread = np.sqrt(np.diag(np.linalg.inv(learned.moments[0].covariance))).reshape(5, 5)
    assert (error <= 0.5 * spread + 1e-6).all()
    assert (error <= 6 * np.sqrt(1 / 12 / learned.pixels) * spread + 1e-6).all()
    assert learned.rms < 0.3
    assert learned.residual.largest < 0.6
    assert learned.nearest.name == name
    back = apply(CAT, learned.bank)
    assert np.abs(back.astype(int) - after).max() <= 1
    assert np.mean(back == after) > 0.98


def test_it_is_what_least_squares_finds():
    random = np.random.default_rng(6)
    after = np.clip(apply(CAMERA, "gaussian").astype(int) + random.integers(-9, 10, CAMERA.shape), 0, 255).astype(
        np.uint8
    )
    learned = learn_kernel(CAMERA, after, size=(3, 4))
    centre = after[1:-1, 1:-2]
    counts = (centre > 0) & (centre < 255)
    windows = sliding_window_view(CAMERA, (3, 4))[counts].reshape(-1, 12).astype(float)
    design, target = np.hstack([windows, np.ones((len(windows), 1))]), centre[counts].astype(float)
    expected, squares, *_ = np.linalg.lstsq(design, target, rcond=None)
    np.testing.assert_allclose([*learned.kernel.ravel(), learned.bias], expected, rtol=1e-4, atol=1e-6)
    assert learned.rms == pytest.approx(np.sqrt(squares[0] / len(target)), rel=1e-5)
    assert learned.psnr == pytest.approx(20 * np.log10(255 / learned.rms))
    errors = np.sqrt(squares[0] / (len(target) - 13) * np.diag(np.linalg.inv(design.T @ design)))
    np.testing.assert_allclose([*learned.certainty.ravel(), learned.bias_errors[0]], errors, rtol=1e-5)
    assert learned.clipped == np.count_nonzero(~counts)


def test_standard_errors_are_those_of_repeated_noise():
    random = np.random.default_rng(7)
    small, clean = CAMERA[:60, :60], floats(CAMERA[:60, :60], "sharpen")
    noise = random.normal(0, 5, (60, *clean.shape)).astype(np.float32)
    found = [fit(as_pairs(small, clean + each), (3, 3), "one") for each in noise]
    spread = np.std([each.kernel for each in found], axis=0)
    np.testing.assert_allclose(found[0].certainty, spread, rtol=0.4)


@pytest.mark.parametrize("kind", ["uint8", "uint16"])
def test_16_bits_are_learned_as_8_are(kind):
    factor = {"uint8": 1, "uint16": 257}[kind]
    pixels = CAMERA.astype(kind) * np.dtype(kind).type(factor)
    learned = learn_kernel(pixels, apply(pixels, "sharpen"), 3)
    np.testing.assert_array_equal(learned.kernel, get_kernel("sharpen").weights)
    assert (learned.bias, learned.rms, learned.psnr) == (0, 0, np.inf)
    assert learned.full == 255 * factor


def test_clipped_pixels_are_left_out():
    after = apply(CAMERA, "sobel-x")
    learned = learn_kernel(CAMERA, after, 3)
    np.testing.assert_array_equal(learned.kernel, get_kernel("sobel-x").weights)
    (note,) = learned.notes
    total = 198 * 198
    assert f"{learned.clipped:,} of {total:,} pixels are black or white and left out" in note


def test_several_pairs_are_learned_from_together():
    before, parts = [CAMERA[:60], CAMERA[90:140, :80]], []
    for each in before:
        parts.append(apply(each, "gaussian:size=3"))
    one, both = learn_kernel(before[0], parts[0], 3), learn_kernel(before, parts, 3)
    assert both.pixels > one.pixels
    assert both.certainty.max() < one.certainty.max()
    np.testing.assert_allclose(both.kernel, get_kernel("gaussian").weights, atol=2e-3)


def test_a_kernel_for_each_channel():
    names = ["box", "sharpen", "sobel-y"]
    after = np.stack([floats(CAT[..., c], name, bias=c) for c, name in enumerate(names)], axis=-1)
    learned = learn_kernel(CAT, after, 3, channels="each")
    assert learned.kernel.shape == (3, 1, 3, 3)
    for weights, name in zip(learned.kernel[:, 0], names, strict=True):
        np.testing.assert_allclose(weights, get_kernel(name).weights, atol=1e-4)
    np.testing.assert_allclose(learned.bias, [0, 1, 2], atol=1e-2)
    assert learned.nearest is None
    np.testing.assert_allclose(apply(CAT.astype(np.float32), learned.bank), after, atol=0.01)


def test_sums_over_channels():
    bank = np.random.default_rng(8).normal(size=(3, 3, 3, 3)).astype(np.float32) / 9
    after = conv2d(CAT, bank, np.array([1, 2, 3]), padding="same", border="replicate").transpose(1, 2, 0)
    learned = learn_kernel(CAT, after, 3, channels="sum")
    np.testing.assert_allclose(learned.kernel, bank, atol=1e-4)
    np.testing.assert_allclose(apply(CAT.astype(np.float32), learned.bank), after, atol=0.01)
    one = learn_kernel(CAT, after[..., 0], 3)
    np.testing.assert_array_equal(one.kernel, learned.kernel[:1])
    assert one.channels == "sum"


@pytest.mark.parametrize(("size", "bias", "border"), [(3, 0, "zeros"), (5, 128, "zeros")])
def test_filters_of_opencv_are_copied(size, bias, border):
    weights = np.random.default_rng(9).normal(size=(size, size)).astype(np.float32) / size
    after = cv2.filter2D(CAT, -1, weights, delta=bias)
    learned = learn_kernel(CAT, after, size)
    np.testing.assert_allclose(learned.kernel, weights, atol=0.005)
    blurred = cv2.GaussianBlur(CAT, (5, 5), 1.1)
    assert learn_kernel(CAT, blurred).nearest.name in ("gaussian:size=5:sigma=1.1", "gaussian:size=5:sigma=1")


def test_filters_of_pillow_are_copied():
    image = Image.fromarray(CAT)
    for made, matrix, scale in [
        (ImageFilter.DETAIL, ImageFilter.DETAIL.filterargs[3], ImageFilter.DETAIL.filterargs[1]),
        (ImageFilter.BLUR, ImageFilter.BLUR.filterargs[3], ImageFilter.BLUR.filterargs[1]),
        (ImageFilter.SMOOTH_MORE, ImageFilter.SMOOTH_MORE.filterargs[3], ImageFilter.SMOOTH_MORE.filterargs[1]),
    ]:
        size = int(len(matrix) ** 0.5)
        learned = learn_kernel(CAT, np.asarray(image.filter(made)), size)
        np.testing.assert_allclose(learned.kernel, np.reshape(matrix, (size, size)) / scale, atol=0.003)
        assert learned.rms < 0.3


@pytest.mark.parametrize(
    ("name", "size", "nearest"),
    [
        ("gaussian-blur", 5, "gaussian:size=5:sigma=0.8"),
        ("unsharp", 7, None),
        ("convolve", 3, None),
        ("motion-blur", 9, None),
    ],
)  # fmt: skip
def test_filters_of_imagemagick_are_copied(name, size, nearest):
    learned = learn_kernel(MAGICK["before"], MAGICK[name], size)
    assert learned.rms < 0.3
    back = apply(MAGICK["before"], learned.bank)
    inside = (slice(size, -size), slice(size, -size))
    assert np.abs(back[inside].astype(int) - MAGICK[name][inside]).max() <= 1
    assert np.mean(back[inside] == MAGICK[name][inside]) > 0.9
    if nearest:
        assert learned.nearest.name == nearest
    if name == "convolve":
        np.testing.assert_allclose(learned.kernel, np.array([[1, 2, 0], [0, 4, 0], [0, -1, 2]]) / 8, atol=0.005)


def test_a_turned_and_multiplied_kernel_is_recognised():
    near = learn_kernel(CAMERA, floats(CAMERA, 2 * get_kernel("emboss").weights[::-1, ::-1]), 3).nearest
    assert (near.name, near.turned, near.gain) == ("emboss", True, pytest.approx(2, rel=1e-4))
    near = learn_kernel(CAMERA, floats(CAMERA, 3 * get_kernel("sobel-x").weights[:, ::-1]), 3).nearest
    assert (near.name, near.turned, near.gain) == ("sobel-x", True, pytest.approx(3, rel=1e-4))
    near = learn_kernel(CAMERA, 255 - CAMERA, 3).nearest
    assert (near.name, near.turned, near.gain) == ("identity", False, -1)
    near = learn_kernel(CAMERA, CAMERA // 2, 1).nearest
    assert (near.name, near.turned, near.gain) == ("identity", False, pytest.approx(0.5, abs=1e-3))


def test_the_descent_ends_at_the_closed_form():
    pixels = np.random.default_rng(10).integers(0, 256, (60, 60), dtype=np.uint8)
    learned = learn_kernel(pixels, floats(pixels, "sharpen"), 3)
    steps = learned.descent(64)
    assert [each.number for each in steps] == [0, 1, 2, 3, 4, 8, 16, 32, 64]
    assert (steps[0].weights == 0).all()
    assert steps[0].mse == pytest.approx(floats(pixels, "sharpen")[1:-1, 1:-1].astype(float).var())
    assert all(after.mse < before.mse for before, after in zip(steps, steps[1:7], strict=False))
    assert steps[-1].mse < 1e-3
    np.testing.assert_allclose(steps[-1].weights.reshape(3, 3), learned.kernel, atol=1e-4)
    slow = learned.descent(1, rate=1e-6)
    windows = sliding_window_view(pixels, (3, 3)).reshape(-1, 9).astype(float)
    error = floats(pixels, "sharpen")[1:-1, 1:-1].astype(float).ravel()
    gradient = -2 * ((error - error.mean())[:, None] * (windows - windows.mean(axis=0))).mean(axis=0)
    np.testing.assert_allclose(slow[1].weights, -1e-6 * gradient, rtol=1e-6)
    with pytest.raises(ArgumentError, match=r"the rate 1 must be more than 0 and less than .*, from which steps lead"):
        learned.descent(1, rate=1)
    with pytest.raises(ArgumentError, match="gradient descent is told of one filter"):
        learn_kernel(CAT, CAT, 1, channels="each").descent()


@pytest.mark.parametrize(
    ("before", "after", "options", "error", "message"),
    [
        (CAT, CAT[1:], {}, ShapeError, "before is 220x160 and after 220x159; a kernel is learned from two"),
        (CAT, CAT.astype("u2"), {}, ArgumentError, "before has 8 bits and after 16 bits; bring both to one type"),
        (CAT, CAMERA[:160, :1], {}, ShapeError, "before is 220x160 and after 1x160"),
        (CAT, CAT[..., :2], {"channels": "one"}, ShapeError, 'has 3 channels and after 2: only channels="sum" can'),
        (CAT[:4], CAT[:4], {}, ShapeError, "before is 220x4, too small for size 5x5 .height by width"),
        (CAT[:5, :5, 0], CAT[:5, :5, 0], {}, ArgumentError, "1 pixels are too few for 25 weights and a bias; give"),
        (CAT * 0, CAT, {}, ArgumentError, "before has one value everywhere, 0: no kernel can be learned"),
        (CAT, CAT * 0 + 3, {}, ArgumentError, "after has one value everywhere, 3"),
        (CAT, np.where(CAT > 99, 255, 0).astype("u1"), {}, ArgumentError, "0 pixels .*: all others are black or white"),
        (CAT, CAT * np.float32(np.nan), {}, ArgumentError, "after has values that are NaN or infinite"),
        (CAT, CAT.astype(int), {}, ArgumentError, r"after must be \(H, W\) or \(H, W, C\) of uint8, .*, not int64"),
        (CAT, "b.png", {}, ArgumentError, "after must be an array of numbers, not 'b.png'"),
        ([CAT], CAT, {}, ArgumentError, "before and after must be two pictures, or two lists of as many"),
        ([], [], {}, ArgumentError, "there is nothing to learn from"),
        ([CAT, CAMERA], [CAT, CAMERA], {}, ShapeError, r"before\[1\] and after\[1\] differ in channels or depth from"),
        (CAT, CAT, {"size": 33}, ArgumentError, "size 33x33 makes 1089 weights of one filter"),
        (CAT, CAT, {"size": 19, "channels": "sum"}, ArgumentError, "size 19x19 makes 1083 weights"),
        (CAT, CAT, {"channels": "all"}, ArgumentError, r"unknown channels 'all' \(known: one, each, sum\)"),
    ],
)  # fmt: skip
def test_what_nothing_can_be_learned_from_is_refused(before, after, options, error, message):
    with pytest.raises(error, match=message):
        learn_kernel(before, after, **options)


def test_pictures_are_taken_and_nothing_is_warned_of():
    picture = read(ROOT / "samples/chelsea.png")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        learned = learn_kernel(picture, apply(picture, "box"), "3")
    assert learned.nearest.name == "box"
