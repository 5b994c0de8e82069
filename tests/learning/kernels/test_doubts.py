"""What is said where no kernel explains pictures, or they do not tell one."""

import numpy as np
import pytest
from PIL import Image, ImageFilter

from cnnfilter import apply, get_kernel, learn_kernel, read
from tests.command import ROOT

CAT = read(ROOT / "samples/chelsea.png").pixels[40:240, 90:310]
SOFT = apply(CAT, "gaussian")
DOWN, RIGHT = np.meshgrid(np.linspace(-1, 1, CAT.shape[0]), np.linspace(-1, 1, CAT.shape[1]), indexing="ij")


def whole(values):
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)


def note(before, after, *arguments, **options):
    return learn_kernel(before, after, *arguments, **options).notes[0]


@pytest.mark.parametrize("shift", [(7, -12), (-20, 0), (0, 30)])
def test_a_shift_is_found_and_tried(shift):
    learned = learn_kernel(CAT, np.roll(apply(CAT, "sharpen"), shift, (0, 1)), 3)
    assert learned.shift == shift
    np.testing.assert_allclose(learned.kernel, get_kernel("sharpen").weights, atol=1e-5)
    assert learned.rms < 0.01
    ways = [
        text
        for text in (
            f"{abs(shift[0])} {'lower' if shift[0] > 0 else 'higher'}" if shift[0] else "",
            f"{abs(shift[1])} to the {'right' if shift[1] > 0 else 'left'}" if shift[1] else "",
        )
        if text
    ]
    (found,) = learned.notes
    assert found.startswith(
        f"after is shifted: what it shows lies {' and '.join(ways)} (pixels). The kernel is that of"
    )


def test_a_small_shift_is_in_the_kernel():
    learned = learn_kernel(CAT, np.roll(CAT, (1, -2), (0, 1)), 5)
    assert learned.shift == (0, 0)
    assert learned.kernel[1, 4] == 1
    assert np.count_nonzero(learned.kernel) == 1


def test_of_a_shift_and_more_both_are_told():
    gamma = whole(255 * (SOFT / 255) ** 0.6)
    first, second = learn_kernel(CAT, np.roll(gamma, (9, 0), (0, 1)), 3).notes
    assert first.startswith("after is shifted: what it shows lies 9 lower")
    assert "likely is a gamma of about 0.60" in second


@pytest.mark.parametrize("gamma", [0.45, 2.2])
def test_a_gamma_is_told(gamma):
    found = note(CAT, whole(255 * (SOFT / 255) ** gamma), 3)
    assert found.startswith("no linear filter of 3x3 explains after: ")
    told = float(found.split("likely is a gamma of about ")[1].split(":")[0])
    assert told == pytest.approx(gamma, rel=0.03)


@pytest.mark.parametrize(
    "curve",
    [
        lambda light: 0.5 - 0.498 * np.cos(light * 3 * np.pi),
        lambda light: 1 / (1 + np.exp(-8 * (light - 0.5))),  # contrast, near a gamma in its dark half
        lambda light: np.floor(light * 8) / 8,
    ],
)
def test_a_curve_that_is_no_gamma_is_told(curve):
    assert "likely is a curve of brightness, such as contrast or levels: what is left over depends" in note(
        CAT, whole(255 * curve(SOFT / 255)), 3
    )


def test_vignetting_is_told():
    found = note(CAT, whole(SOFT * (1 - 0.25 * (DOWN**2 + RIGHT**2))[..., None]), 3)
    assert "likely is vignetting: the corners have " in found
    assert 50 < float(found.split("the corners have ")[1].split("%")[0]) < 70


def test_uneven_light_is_told():
    found = note(CAT, whole(SOFT * (0.7 + 0.3 * RIGHT)[..., None]), 3)
    assert "likely is brightness that changes from place to place" in found


def test_a_larger_kernel_is_told():
    assert note(CAT, apply(CAT, "gaussian:sigma=2"), 5).endswith(
        '; a larger one (size="11x11") leaves over half of that or less'
    )


def test_other_channels_are_told():
    swapped = CAT[..., ::-1]
    assert 'a sum over channels (channels="sum") leaves over half' in note(CAT, swapped, 1)
    balance = whole(CAT * [1.1, 0.9, 0.6] + [0, 5, 9])
    assert 'a kernel for each channel (channels="each") leaves over half' in note(CAT, balance, 1)


def test_what_is_none_of_these_is_told():
    median = np.asarray(Image.fromarray(CAT).filter(ImageFilter.MedianFilter(5)))
    found = note(CAT, median, 5)
    assert found.endswith(
        "it is no shift, no curve of brightness and no vignetting: perhaps a median, noise or lossy files"
    )
    for other in (CAT[:, ::-1], CAT[::-1]):
        assert note(CAT, other, 5).endswith("no vignetting: perhaps another picture, or turned")
    other = np.random.default_rng(1).integers(0, 256, CAT.shape, dtype=np.uint8)
    assert learn_kernel(CAT, other, 3).nearest is None
    assert "explains after: 100% of its variation" in note(CAT, other, 3)


def test_pictures_without_detail_do_not_tell_all_weights():
    ramp = np.tile(np.arange(1, 201, dtype=np.uint8), (40, 1))
    learned = learn_kernel(ramp, ramp, 3)
    assert learned.ranks == (1,)
    assert np.isinf(learned.certainty).all()
    assert np.isinf(learned.bias_errors).all()
    np.testing.assert_allclose(learned.kernel, np.full((3, 3), 1 / 9), atol=1e-6)
    (found,) = learned.notes
    assert found.startswith("the pictures tell only 1 of 9 weights apart: they have too little detail; of all kernels")
    rows = np.tile(np.random.default_rng(2).integers(1, 255, (60, 1), dtype=np.uint8), (1, 40))
    assert learn_kernel(rows, apply(rows, "box"), 3).ranks == (3,)


def test_weights_that_are_hardly_told_are_told():
    smooth = apply(CAT.astype(np.float32), "gaussian:sigma=1.2")
    noise = np.random.default_rng(3).normal(0, 2, CAT.shape).astype(np.float32)
    notes = learn_kernel(smooth, smooth + noise, 5).notes
    assert notes[-1].startswith("the pictures hardly tell the weights: their standard errors reach ")


def test_small_pictures_that_no_kernel_explains_are_told_too():
    random = np.random.default_rng(4)
    before, after = random.integers(1, 255, (2, 12, 12), dtype=np.uint8)
    assert note(before, after, 3).startswith("no linear filter of 3x3 explains after")
    wide = random.integers(1, 255, (2, 25, 9), dtype=np.uint8)
    assert note(*wide, 5).startswith("no linear filter of 5x5 explains after")


def test_a_middle_that_shows_nothing_is_no_hindrance():
    before = np.random.default_rng(5).integers(1, 255, (800, 700), dtype=np.uint8)
    before[100:700, 50:650] = 9
    after = whole(255 * (before / 255) ** 0.5)
    assert "likely is a gamma of about 0.5" in note(before, after, 3)


def test_kernels_with_too_many_weights_are_not_tried():
    after = apply(CAT[:, :, 0], "gaussian:sigma=9")
    assert "a larger one" not in note(CAT[:, :, 0], after, (15, 18))


def test_a_shift_that_leaves_too_little_is_not_taken():
    before = np.random.default_rng(5).integers(1, 255, (9, 16), dtype=np.uint8)
    learned = learn_kernel(before, np.roll(before, 3, 0), 5)
    assert learned.shift == (0, 0)


def test_a_picture_without_brightness_has_no_gamma():
    before = np.where(np.random.default_rng(7).random((60, 60)) < 0.5, 0, 90).astype(np.uint8)
    after = whole(90 + 80 * np.sin(apply(before, "box").astype(float)))
    assert "gamma" not in note(before, after, 1)
