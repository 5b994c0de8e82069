"""Heat maps over a photo: colours where values are, the rest as it is told."""

import numpy as np
import pytest

from cnnfilter.imaging.colormaps import Scale, colours
from cnnfilter.imaging.heat import LEAST, LONGEST, MOST, UNSEEN, Panel, closer, heat_panels
from cnnfilter.imaging.lettering import Lettering

ALL = slice(0, 60), slice(0, 40)


def panels(photo, values, seen=ALL, *, is_fine=False):
    """The sheet, and its panels as large as the photo times `factor`: the photo and the heat map."""
    sheet = heat_panels(photo, [Panel("heat", values, is_fine)], seen, "class 1")
    factor = 6
    gap = 13  # the smallest letters
    top = next(row for row in range(sheet.shape[0]) if (sheet[row, gap] != 255).any() and row > 2 * gap)
    height, width = 60 * factor, 40 * factor
    assert sheet.shape[1] > 2 * width
    left = [gap, gap + max(width, 20 * gap) + gap]
    return sheet, [sheet[top : top + height, each : each + width][::factor, ::factor] for each in left]


@pytest.mark.parametrize("kind", ["grey", "colours", "16 bits", "floats"])
def test_values_are_colours_and_the_photo_is_seen(kind):
    photo = np.full((60, 40), 100, np.uint8)
    given = {
        "grey": photo, "colours": np.repeat(photo[..., None], 3, axis=2), "16 bits": photo.astype(np.uint16) * 257,
        "floats": photo / np.float32(255),
    }[kind]  # fmt: skip
    values = np.zeros((60, 40), np.float32)
    values[10:20, 5:15] = 4
    _, (plain, heat) = panels(given, values, (slice(5, 50), slice(0, 40)))
    assert (plain == 100).all()
    hot, cold = colours(np.array([4.0, 0.0]), Scale("inferno", 0, 4))
    assert np.abs(heat[15, 10] - (75 * (1 - MOST) + hot * MOST)).max() < 1
    assert np.abs(heat[30, 30] - (75 * (1 - LEAST) + cold * LEAST)).max() < 1
    assert (heat[:5] == round(100 * UNSEEN)).all()
    assert (heat[50:] == round(100 * UNSEEN)).all()


def test_signed_values_are_red_and_blue_and_the_largest_floats_white():
    photo = np.full((60, 40), 500, np.float32)
    photo[3] = 1000
    values = np.zeros((60, 40), np.float32)
    values[10:20], values[30:40] = 2, -2
    _, (plain, heat) = panels(photo, values)
    assert (plain[3] == 255).all()
    assert (plain[4:] == 128).all()
    assert heat[15, 9, 0] > heat[15, 9, 2] + 50
    assert heat[35, 9, 2] > heat[35, 9, 0] + 50
    assert np.ptp(heat[50, 9]) == 0


def test_what_is_seen_is_looked_at_closer():
    assert closer((slice(0, 60), slice(0, 40)), (60, 40)) is None
    assert closer((slice(0, 21), slice(0, 1)), (60, 40)) is None
    assert closer((slice(20, 24), slice(10, 20)), (60, 40)) == (slice(11, 33), slice(7, 22))
    seen = slice(0, 10), slice(38, 40)
    part = closer(seen, (60, 40))
    assert part == (slice(0, 15), slice(30, 40))
    photo, values = np.full((60, 40), 100, np.uint8), np.zeros((60, 40), np.float32)
    values[3, 39] = values[30, 10] = 9
    sheet = heat_panels(photo, [Panel("closer", values, part=part)], seen, "class 1")
    top, left = 2 * 13 + Lettering(13).line, 13 + max(240, 20 * 13) + 13
    shown = sheet[top : top + 360, left : left + 240][12::24, 12::24]
    assert shown.shape == (15, 10, 3)
    hot, cold = colours(np.array([9.0, 0.0]), Scale("inferno", 0, 9))
    assert np.abs(shown[3, 9] - (75 * (1 - MOST) + hot * MOST)).max() < 1
    assert np.abs(shown[9, 8] - (75 * (1 - LEAST) + cold * LEAST)).max() < 1
    assert (shown[10:] == round(100 * UNSEEN)).all()
    assert (shown[:, :8] == round(100 * UNSEEN)).all()


def test_single_points_are_seen_by_their_means():
    photo = np.full((1800, 1200), 100, np.uint8)
    values = np.zeros((1800, 1200), np.float32)
    values[600:603:2, 300:900:2] = 1
    values[5, 5] = 1000
    sheet = heat_panels(
        photo, [Panel("saliency", values, is_fine=True)] * 4, (slice(0, 1800), slice(0, 1200)), "x" * 999
    )
    assert sheet.shape[0] > 2 * LONGEST
    assert sheet.shape[1] < 3 * 700
    row = sheet[2 * 32 + 300 - 20 : 2 * 32 + 300 + 60, 600 + 2 * 32 + 300]
    assert (row.max(axis=0) > 100).any()


@pytest.mark.parametrize("size", [(3, 900), (900, 3), (1, 1), (4000, 2)])
def test_narrow_photos_have_room_for_their_titles(size):
    photo = np.zeros((*size, 4), np.uint8)
    sheet = heat_panels(
        photo, [Panel("integrated-gradients", np.zeros(size, np.float32))], tuple(map(slice, (0, 0), size)), "a"
    )
    assert sheet.shape[1] > 2 * 20 * 13
