import itertools
import math
import subprocess
import sys
from fractions import Fraction

import cv2
import numpy as np
import pytest
from scipy import ndimage, signal

from cnnfilter.errors import ArgumentError, KernelError
from cnnfilter.kernels.arrays import to_float32
from cnnfilter.kernels.formulas import compass
from cnnfilter.kernels.kernel import KERNELS, from_array, get_kernel
from cnnfilter.kernels.matrix import MAX_SIDE

CONV_KEYS = {"stride", "padding", "dilation", "border", "groups", "name", "bias", "layout", "flip", "scale"}
OTHER_KEYS = {"threads", "range", "kernel", "weight"}


def response(kernel, picture):
    """Cross-correlate a picture with a kernel, as every framework does."""
    return ndimage.correlate(picture.astype(np.float64), kernel.weights.astype(np.float64), mode="nearest")


# The catalogue


@pytest.mark.parametrize("entry", KERNELS.values(), ids=list(KERNELS))
def test_every_entry_is_complete_and_gives_finite_weights(entry):
    kernel = get_kernel(entry.name)
    assert entry.description
    assert entry.family
    assert kernel.source == entry.source != ""
    assert kernel.name == entry.name
    assert kernel.weights.dtype == np.float32
    assert np.isfinite(kernel.weights).all()
    assert kernel.weights.shape[-2:] == kernel.size


def test_entries_of_a_family_stand_together():
    families = [entry.family for entry in KERNELS.values()]
    assert len(list(itertools.groupby(families))) == len(set(families))


def test_parameter_names_never_collide_with_the_conv_stage():
    for entry in KERNELS.values():
        names = [each.name for each in entry.parameters]
        assert len(set(names)) == len(names)
        assert not set(names) & (CONV_KEYS | OTHER_KEYS)
        assert all(name.isidentifier() for name in names)
        for each in entry.parameters:
            assert each.default is None or each.minimum <= each.default <= each.maximum


@pytest.mark.parametrize(
    ("name", "expected"),
    {
        "identity": [[0, 0, 0], [0, 1, 0], [0, 0, 0]],
        "edge": [[-1, -1, -1], [-1, 8, -1], [-1, -1, -1]],
        "laplacian": [[0, 1, 0], [1, -4, 1], [0, 1, 0]],
        "edge-diagonal": [[1, 0, -1], [0, 0, 0], [-1, 0, 1]],
        "sharpen": [[0, -1, 0], [-1, 5, -1], [0, -1, 0]],
        "box": np.full((3, 3), 1 / 9),
        "gaussian": np.array([[1, 2, 1], [2, 4, 2], [1, 2, 1]]) / 16,
        "sobel-x": [[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]],
        "roberts-x": [[-1, 0], [0, 1]],
        "roberts-y": [[0, -1], [1, 0]],
        "emboss": [[-2, -1, 0], [-1, 1, 1], [0, 1, 2]],
        "line-45": [[-1, -1, 2], [-1, 2, -1], [2, -1, -1]],
        "unsharp": np.array(
            [
                [-1, -4, -6, -4, -1],
                [-4, -16, -24, -16, -4],
                [-6, -24, 476, -24, -6],
                [-4, -16, -24, -16, -4],
                [-1, -4, -6, -4, -1],
            ]
        )
        / 256,
    }.items(),
    ids=str,
)
def test_fixed_weights(name, expected):
    np.testing.assert_array_equal(get_kernel(name).weights, np.array(expected, dtype=np.float32))


def test_listing_keeps_integers_and_the_scale_apart():
    kernel = get_kernel("gaussian")
    assert kernel.filters == (((1, 2, 1), (2, 4, 2), (1, 2, 1)),)
    assert kernel.scale == Fraction(1, 16)
    assert get_kernel("box:size=7").scale == Fraction(1, 49)
    assert get_kernel("gaussian:size=5").scale == Fraction(1, 256)
    assert get_kernel("unsharp").scale == Fraction(1, 256)


# Derivatives against other libraries


@pytest.mark.parametrize(("axis", "dx", "dy"), [("x", 1, 0), ("y", 0, 1)])
@pytest.mark.parametrize(("name", "aperture"), [("sobel", 3), ("scharr", cv2.FILTER_SCHARR)])
def test_derivatives_have_opencv_weights_and_sign(name, aperture, axis, dx, dy):
    row, column = cv2.getDerivKernels(dx, dy, aperture)
    kernel = get_kernel(f"{name}-{axis}")
    np.testing.assert_array_equal(kernel.weights, column @ row.T)
    impulse = np.zeros((5, 5), np.float32)
    impulse[2, 2] = 1
    np.testing.assert_array_equal(response(kernel, impulse), cv2.Sobel(impulse, cv2.CV_32F, dx, dy, ksize=aperture))


@pytest.mark.parametrize(("axis", "number"), [("x", 1), ("y", 0)])
@pytest.mark.parametrize("name", ["sobel", "prewitt"])
def test_derivatives_agree_with_scipy(name, axis, number):
    picture = np.random.default_rng(0).integers(0, 256, (7, 9)).astype(float)
    theirs = getattr(ndimage, name)(picture, axis=number, mode="nearest")
    np.testing.assert_array_equal(response(get_kernel(f"{name}-{axis}"), picture), theirs)


def test_laplacian_agrees_with_opencv():
    picture = np.random.default_rng(1).integers(0, 256, (7, 9)).astype(np.float32)
    theirs = cv2.Laplacian(picture, cv2.CV_32F, ksize=1, borderType=cv2.BORDER_REPLICATE)
    np.testing.assert_array_equal(response(get_kernel("laplacian"), picture), theirs)


@pytest.mark.parametrize("name", ["sobel", "prewitt", "scharr", "roberts"])
def test_derivatives_are_positive_where_the_picture_brightens(name):
    y, x = np.mgrid[:5, :5]
    assert response(get_kernel(f"{name}-x"), x + (y if name == "roberts" else 0))[2, 2] > 0
    assert response(get_kernel(f"{name}-y"), y - (x if name == "roberts" else 0))[2, 2] > 0


@pytest.mark.parametrize("name", ["sobel", "prewitt", "scharr", "roberts"])
def test_a_bare_name_is_the_magnitude_of_both_raw_derivatives(name):
    bank, x, y = (get_kernel(name + tail) for tail in ("", "-x", "-y"))
    assert bank.combine == "magnitude"
    assert bank.weights.shape == (2, *x.size)
    np.testing.assert_array_equal(bank.weights, np.stack([x.weights, y.weights]))


@pytest.mark.parametrize("name", ["kirsch", "robinson"])
def test_compass_banks_turn_by_45_degrees_counterclockwise(name):
    bank = get_kernel(name)
    assert bank.combine == "maximum"
    assert bank.weights.shape == (8, 3, 3)
    for k in range(8):
        np.testing.assert_array_equal(bank.weights[(k + 2) % 8], np.rot90(bank.weights[k]))
        np.testing.assert_array_equal(sorted(bank.weights[k].ravel()), sorted(bank.weights[0].ravel()))
    assert not bank.weights.sum(axis=0).any()


def test_compass_directions_as_published():
    robinson, kirsch = get_kernel("robinson").filters, get_kernel("kirsch").filters
    assert robinson[:2] == (((-1, 0, 1), (-2, 0, 2), (-1, 0, 1)), ((0, 1, 2), (-1, 0, 1), (-2, -1, 0)))
    assert kirsch[2:4] == (((5, 5, 5), (-3, 0, -3), (-3, -3, -3)), ((5, 5, -3), (5, 0, -3), (-3, -3, -3)))
    assert compass(((1, 2, 3), (8, 9, 4), (7, 6, 5)))[1] == ((2, 3, 4), (1, 9, 5), (8, 7, 6))


def test_line_detectors_answer_to_their_own_line():
    names = {0: "line-h", 45: "line-45", 90: "line-v", 135: "line-135"}
    for angle in names:
        line = np.pad(get_kernel(f"motion:length=3:angle={angle}").weights, 3)
        line = line[line.shape[0] // 2 - 1 :][:3, line.shape[1] // 2 - 1 :][:3, :3]
        scores = {other: (get_kernel(name).weights * line).sum() for other, name in names.items()}
        assert max(scores, key=scores.get) == angle


# Blurs and other formulas


@pytest.mark.parametrize("size", [1, 2, 3, 4, 5, 7, 30, 31, 99])
def test_gaussian_of_a_size_is_the_binomial_outer_product(size):
    row = np.array([math.comb(size - 1, k) / 2 ** (size - 1) for k in range(size)])
    kernel = get_kernel(f"gaussian:size={size}")
    np.testing.assert_allclose(kernel.weights, np.outer(row, row), rtol=1e-7, atol=1e-44)
    assert kernel.weights.sum(dtype=np.float64) == pytest.approx(1, abs=1e-7)
    assert isinstance(kernel.filters[0][0][0], int) == (size <= 30)


@pytest.mark.parametrize(("sigma", "side"), [("0.5", 5), ("1", 7), ("2", 13), ("2.1", 15)])
def test_gaussian_of_a_sigma_is_sampled_to_three_sigma(sigma, side):
    kernel = get_kernel(f"gaussian:sigma={sigma}")
    row = cv2.getGaussianKernel(side, float(sigma), cv2.CV_64F)
    assert kernel.size == (side, side)
    np.testing.assert_allclose(kernel.weights, row @ row.T, rtol=1e-6)


def test_gaussian_of_sigma_and_size_is_sampled_in_that_size():
    # Not OpenCV's: its samples of an even window are not those of the formula.
    row = signal.windows.gaussian(4, 1.5)
    expected = np.outer(row, row) / row.sum() ** 2
    np.testing.assert_allclose(get_kernel("gaussian:sigma=1.5:size=4").weights, expected, rtol=1e-6)
    np.testing.assert_array_equal(get_kernel("gaussian:sigma=0.01:size=2").weights, np.full((2, 2), 0.25))


@pytest.mark.parametrize("size", [1, 2, 3, 8, 999])
def test_box_is_the_mean(size):
    weights = get_kernel(f"box:size={size}").weights
    np.testing.assert_array_equal(weights, np.full((size, size), 1 / size**2, dtype=np.float32))


@pytest.mark.parametrize("text", ["log", "log:sigma=0.5", "log:sigma=3", "log:sigma=0.01", "dog", "dog:sigma=2"])
def test_log_and_dog_add_up_to_zero_exactly(text):
    kernel = get_kernel(text)
    assert math.fsum(value for row in kernel.filters[0] for value in row) == 0
    assert math.fsum(kernel.weights.ravel().tolist()) == 0
    np.testing.assert_array_equal(kernel.weights, kernel.weights[::-1])
    np.testing.assert_array_equal(kernel.weights, kernel.weights.T)


def test_log_is_the_laplacian_of_a_gaussian():
    impulse = np.zeros((33, 33))
    impulse[16, 16] = 1
    theirs = ndimage.gaussian_laplace(impulse, 3, truncate=5)
    ours = response(get_kernel("log:sigma=3"), impulse)
    np.testing.assert_allclose(ours, theirs, atol=0.01 * abs(theirs).max())
    assert ours[16, 16] < 0


def test_log_samples_its_formula():
    weights = get_kernel("log:sigma=1.4").weights.astype(float)
    y, x = np.mgrid[-6:7, -6:7]
    gauss = np.exp(-(x**2 + y**2) / (2 * 1.4**2))
    formula = (x**2 + y**2 - 2 * 1.4**2) / 1.4**4 * gauss / gauss.sum()
    np.testing.assert_allclose(weights, formula - formula.mean(), atol=1e-6)


@pytest.mark.parametrize(
    ("text", "wide"), [("dog", 1.6), ("dog:ratio=2", 2), ("dog:sigma2=2", 2), ("dog:sigma=1.5:ratio=2", 3)]
)
def test_dog_is_the_difference_of_two_gaussians(text, wide):
    kernel = get_kernel(text)
    side = kernel.size[0]
    narrow = 1.5 if "sigma=1.5" in text else 1
    a, b = (cv2.getGaussianKernel(side, sigma, cv2.CV_64F) for sigma in (narrow, wide))
    assert side == 2 * math.ceil(3 * wide) + 1
    np.testing.assert_allclose(kernel.weights, a @ a.T - b @ b.T, atol=1e-6)


@pytest.mark.parametrize("text", ["unsharp", "unsharp:amount=2.5", "unsharp:amount=0.5:sigma=2", "unsharp:amount=0"])
def test_unsharp_adds_what_a_blur_takes_away(text):
    kernel = get_kernel(text)
    blur = get_kernel("gaussian:sigma=2" if "sigma" in text else "gaussian:size=5").weights.astype(float)
    amount = float(text.split("=")[1].split(":")[0]) if "=" in text else 1
    expected = -amount * blur
    expected[len(blur) // 2, len(blur) // 2] += 1 + amount
    np.testing.assert_allclose(kernel.weights, expected, atol=1e-6)


@pytest.mark.parametrize("length", [1, 2, 3, 9, 20])
@pytest.mark.parametrize("angle", [0, 17, 45, 90, 120, 180, -30, 360])
def test_motion_is_an_odd_window_of_sum_one_that_half_a_turn_leaves(length, angle):
    kernel = get_kernel(f"motion:length={length}:angle={angle}")
    weights = kernel.weights
    assert all(side % 2 == 1 for side in kernel.size)
    assert max(kernel.size) <= length + 2
    assert weights.sum(dtype=np.float64) == pytest.approx(1, abs=1e-6)
    assert (weights >= 0).all()
    np.testing.assert_allclose(weights, weights[::-1, ::-1], atol=1e-7)


def test_motion_runs_counterclockwise_from_the_x_axis():
    np.testing.assert_array_equal(get_kernel("motion").weights, np.full((1, 9), np.float32(1 / 9)))
    np.testing.assert_array_equal(get_kernel("motion:angle=90").weights, np.full((9, 1), np.float32(1 / 9)))
    weights = get_kernel("motion:angle=30").weights
    assert weights[0, -1] > 0  # 30 degrees leads to the upper right
    assert weights[0, 0] == 0
    assert weights.shape[1] > weights.shape[0]
    np.testing.assert_allclose(get_kernel("motion:angle=150").weights, weights[:, ::-1], atol=1e-7)
    np.testing.assert_array_equal(get_kernel("motion:length=4").weights, [[0.125, 0.25, 0.25, 0.25, 0.125]])


# Names and parameters


def test_a_name_is_canonical():
    assert get_kernel(" gaussian:sigma=2.0 : size=5 ").name == "gaussian:size=5:sigma=2"
    assert get_kernel("motion:angle=1/4").name == "motion:angle=0.25"
    assert get_kernel("gaussian:size=3") != get_kernel("gaussian")
    assert hash(get_kernel("sobel")) == hash(get_kernel("sobel"))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("Sobel-X", r"unknown kernel 'Sobel-X'; did you mean sobel-x\?"),
        ("edge_diagonal", "did you mean edge-diagonal"),
        ("sobel y", "did you mean sobel-y"),
        ("gausian:sigma=2", "unknown kernel 'gausian'; did you mean gaussian"),
        ("zzz", r"^unknown kernel 'zzz' \(cnnfilter kernels lists them all\)$"),
        ("", "^the kernel is empty: give a name"),
        ("sobelx", r"did you mean sobel-x\?"),
        ("blur", r"^unknown kernel 'blur'; of that family there are box, gaussian and motion \(cnnfilter kernels"),
        ("Relief", r"of that family there is emboss \("),
        ("caf\udce9", r"^unknown kernel 'caf\\xe9' \("),
        ("z" * 5000, r"^unknown kernel 'z{55,60}\.\.\.' \("),
    ],
)
def test_an_unknown_kernel_is_told_its_neighbours(text, message):
    with pytest.raises(KernelError, match=message):
        get_kernel(text)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("edge:size=3", "edge takes no parameters, not 'size=3'"),
        (
            "gaussian:2",
            r"gaussian: '2' must be written as NAME=VALUE, such as size=2 or sigma=2 \(known: size, sigma\)",
        ),
        (
            "gaussian:sigm=2",
            r"gaussian has no parameter 'sigm'; did you mean sigma or size\? \(known: size, sigma\)",
        ),
        ("gaussian:sigma=2:sigma=3", "gaussian: sigma is given twice"),
        ("gaussian:sigma=", "gaussian: sigma '' is not a number"),
        ("gaussian:sigma=nan", "gaussian: sigma 'nan' is not finite"),
        ("gaussian:sigma=0", "gaussian: sigma must be 0.01 to 1000, not 0"),
        ("gaussian:sigma=-1", "sigma must be 0.01 to 1000, not -1"),
        ("gaussian:sigma=167", "gaussian: sigma 167 needs 1003 pixels, at most 999; use sigma up to 166.3"),
        ("log:sigma=125", "log: sigma 125 needs 1001 pixels, at most 999; use sigma up to 124.8"),
        ("dog:sigma=2:ratio=2:sigma2=3", "dog: give ratio or sigma2, not both"),
        ("dog:sigma=2:sigma2=2", r"dog: sigma2 must be more than sigma \(2\), not 2"),
        ("dog:sigma=2.0000001:sigma2=2", r"dog: sigma2 must be more than sigma \(2.0000001\), not 2"),
        (
            "gaussian:sigma=166.33333334",
            "gaussian: sigma 166.33333334 needs 1001 pixels, at most 999; use sigma up to 166.3",
        ),
        ("box:size=0", "box: size must be 1 to 999, not 0"),
        ("box:size=1000", "box: size must be 1 to 999, not 1000"),
        ("box:size=2.5", "box: size must be a whole number, not 2.5"),
        ("box:size=0." + "1" * 100, r"box: size must be a whole number, not 0\.1{58}$"),
        ("motion:length=-3", "motion: length must be 1 to 999"),
        ("motion:angle=999", "motion: angle must be -360 to 360"),
    ],
)
def test_a_bad_parameter_is_named_with_its_limits(text, message):
    with pytest.raises(ArgumentError, match=message):
        get_kernel(text)


# Arrays


def test_an_array_becomes_a_kernel_with_the_same_numbers():
    array = np.arange(6, dtype=np.float32).reshape(2, 3) / 7
    kernel = from_array(array, "mine")
    assert kernel.name == "mine"
    np.testing.assert_array_equal(kernel.weights, array)
    bank = from_array(np.arange(8).reshape(2, 2, 2))
    assert bank.weights.shape == (2, 2, 2)
    assert bank.name == "custom"
    assert from_array([[1, 2, 3]]).filters == (((1, 2, 3),),)
    assert from_array(np.ones((1, 2, 2))).weights.shape == (2, 2)


@pytest.mark.parametrize(
    ("array", "message"),
    [
        ([[1, 2], [3]], "rows must all have the same length"),
        ([1, 2, 3], r"a kernel is \(kh, kw\) or \(n, kh, kw\), not 3"),
        (np.ones((1, 1, 1, 1)), "not 1x1x1x1"),
        (5, "not a single number"),
        (np.ones((0, 3)), "weights of shape 0x3 hold no numbers"),
        ([[1, math.nan]], r"nan at \[0, 1\]: weights must be finite"),
        ([[1], [-math.inf]], r"-inf at \[1, 0\]"),
        ([[1e39]], r"1e\+39 at \[0, 0\] is too large for float32 \(at most 3.4e\+38\)"),
        ([[True]], "weights must be real numbers, not bool"),
        ([[1j]], "not complex128"),
        ([["1"]], "not <U1"),
        (np.ones((1, 1000)), "a kernel of 1x1000 is too large"),
    ],
)
def test_a_bad_array_is_refused(array, message):
    with pytest.raises(ArgumentError, match=message):
        from_array(array)


def test_the_largest_side_is_allowed():
    assert from_array(np.ones((MAX_SIDE, 1))).size == (MAX_SIDE, 1)


def test_named_kernels_load_no_numpy():
    code = "import sys, cnnfilter.kernels.kernel as k; k.get_kernel('log:sigma=2'); print('numpy' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


def test_weights_are_checked_under_the_name_they_have_and_copied_only_if_asked():
    given = np.ones((2, 2), np.float32)
    assert not np.shares_memory(to_float32(given), given)
    assert np.shares_memory(to_float32(given, copy=False), given)
    assert to_float32(given.astype("f8").T, copy=False).flags.c_contiguous
    for wrong, message in (
        (np.array(["a"]), "bias must be real numbers, not <U1"),
        (np.empty((0, 3)), "bias of shape 0x3 hold no numbers"),
        (np.array([1, np.nan]), r"nan at \[1\]: bias must be finite"),
    ):
        with pytest.raises(ArgumentError, match=message):
            to_float32(wrong, "bias")
