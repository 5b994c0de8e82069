import subprocess
import sys

import cv2
import numpy as np
import pytest

from cnnfilter.errors import ArgumentError
from cnnfilter.imaging.colormaps import COLORMAPS, DIVERGING, NOT_FINITE, Scale, colours, scale_for, table


@pytest.mark.parametrize(
    ("name", "published"),
    [
        ("viridis", cv2.COLORMAP_VIRIDIS),
        ("magma", cv2.COLORMAP_MAGMA),
        ("inferno", cv2.COLORMAP_INFERNO),
    ],
)
def test_a_map_that_bears_a_published_name_is_that_map(name, published):
    ramp = np.arange(256, dtype=np.uint8)[:, np.newaxis]
    expected = cv2.applyColorMap(ramp, published)[:, 0, ::-1].astype(int)
    assert table(name).shape == (256, 3)
    assert table(name).dtype == np.uint8
    assert np.abs(table(name) - expected).max() <= 1


def test_viridis_begins_is_halfway_and_ends_as_published():
    assert table("viridis")[0].tolist() == [68, 1, 84]
    assert np.abs(table("viridis")[128].astype(int) - [33, 145, 140]).max() <= 2
    assert table("viridis")[255].tolist() == [253, 231, 37]


def test_gray_is_the_identity():
    assert table("gray").tolist() == [[i, i, i] for i in range(256)]


def oklab_lightness(colours):
    """Of sRGB colours, by Ottosson's matrices from sRGB: the other way round than the package."""
    encoded = colours / 255
    linear = np.where(encoded <= 0.04045, encoded / 12.92, ((encoded + 0.055) / 1.055) ** 2.4)
    cones = np.cbrt(
        linear
        @ np.array([
            [0.4122214708, 0.2119034982, 0.0883024619],
            [0.5363325363, 0.6806995451, 0.2817188376],
            [0.0514459929, 0.1073969566, 0.6299787005],
        ])
    )  # fmt: skip
    return cones @ [0.2104542553, 0.7936177850, -0.0040720468]


def test_the_diverging_map_is_neutral_in_the_middle_and_equally_dark_on_both_sides():
    diverging = table(DIVERGING)
    assert diverging.shape == (255, 3)
    assert np.ptp(diverging[127].astype(int)) <= 1
    lightness = oklab_lightness(diverging)
    assert np.abs(lightness - (0.97 - 0.6 * np.abs(np.linspace(-1, 1, 255)))).max() < 0.004  # none was clipped
    assert diverging[0].argmax() == 2
    assert diverging[-1].argmax() == 0


@pytest.mark.parametrize("name", COLORMAPS[1:])
def test_no_map_holds_the_colour_of_what_is_not_finite_nor_a_jump(name):
    entries = table(name).astype(int)
    assert np.abs(entries - NOT_FINITE).sum(axis=1).min() > 80
    assert np.abs(np.diff(entries, axis=0)).max() <= 8


def test_auto_is_diverging_for_signed_values_only():
    assert scale_for("auto", -1, 3) == Scale(DIVERGING, -3, 3)
    assert scale_for("auto", 0, 3) == Scale("viridis", 0, 3)


def test_a_scale_centred_on_0_is_so_for_one_sided_values_too():
    assert scale_for(DIVERGING, 2, 3) == Scale(DIVERGING, -3, 3)


def test_a_scale_of_one_value_reaches_to_0():
    assert scale_for("gray", 3, 3) == Scale("gray", 0, 3)
    assert scale_for("gray", -3, -3) == Scale("gray", -3, 0)


def test_an_unknown_colormap_names_the_known_ones():
    with pytest.raises(ArgumentError, match=r"^unknown colormap 'jet' \(known: auto, viridis, magma, "):
        scale_for("jet", 0, 1)


def test_0_has_the_middle_colour_and_the_ends_the_others():
    painted = colours(np.array([-4, 0, 4], np.float32), Scale(DIVERGING, -4, 4))
    assert painted.tolist() == table(DIVERGING)[[0, 127, 254]].tolist()


def test_values_outside_the_scale_have_the_nearer_ends_colour():
    painted = colours(np.array([[-1e38, 1e38]], np.float32), Scale("gray", 0, 1e-40))
    assert painted.tolist() == [[[0, 0, 0], [255, 255, 255]]]


def test_a_scale_as_wide_as_float32_does_not_overflow():
    largest = np.finfo(np.float32).max
    painted = colours(np.array([-largest, 0, largest]), scale_for("gray", -float(largest), float(largest)))
    assert painted[:, 0].tolist() == [0, 128, 255]


def test_what_is_not_finite_is_magenta():
    painted = colours(np.array([np.nan, np.inf, -np.inf, 1], np.float32), Scale("gray", 0, 1))
    assert painted.tolist() == [[255, 0, 255]] * 3 + [[255, 255, 255]]


@pytest.mark.parametrize(("name", "place"), [("viridis", 0), (DIVERGING, 127)])
def test_all_zero_is_the_colour_of_0(name, place):
    assert colours(np.zeros(1), scale_for(name, 0, 0)).tolist() == [table(name)[place].tolist()]


def test_the_names_cost_no_numpy():
    code = "import sys, cnnfilter.imaging.colormaps; sys.exit('numpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
