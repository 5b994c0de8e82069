"""Stages that change the size of maps: their sizes, their arithmetic, and what their values see."""

from fractions import Fraction

import pytest

from cnnfilter.errors import ArgumentError, ShapeError
from cnnfilter.network.field import Field, extent
from cnnfilter.network.grammar import parse
from cnnfilter.network.plan import plan
from cnnfilter.network.stages import Crop, GlobalMaxPool, Resize, Upsample


def row(text, shape):
    return plan(parse(text), shape)[-1]


@pytest.mark.parametrize(
    ("text", "shape", "output", "arithmetic"),
    [
        ("resize:256", (300, 451, 3), (256, 384, 3), "width: floor(256*451/300) = floor(384.85) = 384"),
        ("resize:256", (640, 480, 3), (341, 256, 3), "height: floor(256*640/480) = floor(341.33) = 341"),
        ("resize:256", (480, 960, 1), (256, 512, 1), "width: floor(256*960/480) = 512"),
        ("resize:256", (300, 300, 1), (256, 256, 1), ""),
        ("resize:224x160", (300, 451, 3), (224, 160, 3), ""),
        ("crop:224", (256, 341, 3), (224, 224, 3), "top: round((256 - 224)/2) = 16\nleft: round((341 - 224)/2) = 58"),
        ("crop:3", (8, 8, 3), (3, 3, 3), "top, left: round((8 - 3)/2) = 2"),
        ("upsample:2", (7, 7, 5), (14, 14, 5), "floor(7*2) = 14"),
        ("upsample:1.5x0.5", (7, 7, 5), (10, 3, 5), "height: floor(7*1.5) = 10\nwidth: floor(7*0.5) = 3"),
        ("upsample:size=9x4", (7, 7, 5), (9, 4, 5), ""),
        ("globalmaxpool", (7, 5, 512), (1, 1, 512), "largest of 7*5 = 35"),
    ],
)
def test_sizes_and_their_arithmetic(text, shape, output, arithmetic):
    found = row(text, shape)
    assert found.output == output
    assert found.arithmetic == arithmetic
    assert (found.params, found.macs, found.dropped) == (0, 0, None)


@pytest.mark.parametrize(
    ("text", "shape", "message"),
    [
        ("crop:224", (300, 200, 3), r"stage 1 \(crop\): 224x224 is more than 300x200 \(height x width\), and nothing "
         "is padded; put resize:224 before it"),
        ("upsample:0.1", (9, 20, 3), r"stage 1 \(upsample\): 9x20 times 0.1 leaves nothing; use a larger scale"),
        ("flatten,resize:3", (9, 20, 3), r"stage 2 \(resize\): takes maps \(H, W, C\), not a vector of 540"),
    ],
)  # fmt: skip
def test_what_does_not_fit(text, shape, message):
    with pytest.raises(ShapeError, match=message):
        row(text, shape)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Resize(7, "cubic"), r"unknown filter 'cubic'; did you mean bicubic\?"),
        (lambda: Upsample((2.0, 2.0), coordinates="tf_crop_and_resize"), "unknown coordinates 'tf_crop_and_resize'"),
        (lambda: Upsample((2.0, 2.0), rounding="up"), "unknown rounding 'up'"),
        (lambda: Upsample(), "takes a scale, such as upsample:2"),
    ],
)
def test_what_a_stage_has_not_is_an_error(make, message):
    with pytest.raises(ArgumentError, match=message):
        make()


HALF = Fraction(1, 2)


@pytest.mark.parametrize(
    ("text", "size", "jump"),
    [
        ("upsample:2", 1, HALF),
        ("upsample:2,conv:1@3x3", 2, HALF),
        ("upsample:2,conv:1@2x2", Fraction(3, 2), HALF),  # every second value sees two samples
        ("upsample:2,conv:1@3x3,maxpool:2", Fraction(5, 2), 1),
        ("upsample:2:mode=bilinear", 2, HALF),
        ("maxpool:2,upsample:2:mode=bilinear", 4, 1),
        ("upsample:size=16:mode=bilinear:coordinates=align_corners", 2, Fraction(7, 15)),
        ("resize:4", 4, 2),
        ("resize:4:filter=lanczos", 12, 2),
        ("resize:16", 2, HALF),
        ("resize:4:filter=nearest", 1, 2),
        ("crop:4", 1, 1),
    ],
)
def test_fields_and_jumps_may_be_fractions(text, size, jump):
    found = row(text, (8, 8, 1))
    assert found.receptive_field == (size, size)
    assert found.jump == (jump, jump)
    assert all(type(each) is int or each.denominator > 1 for each in (*found.receptive_field, *found.jump))


def test_fractions_are_shown_in_four_digits():
    cells = row("upsample:3x2,conv:1@2x2", (8, 8, 1)).cells
    assert cells[5:7] == ("1.333x1.5", "0.3333x0.5")
    assert row("upsample:2,conv:1@2x2", (8, 8, 1)).cells[5:7] == ("1.5x1.5", "0.5")


@pytest.mark.parametrize("text", ["upsample:2,conv:1@2x2", "upsample:3,conv:1@2x4", "upsample:3x2,avgpool:3:stride=1"])
def test_a_field_is_the_mean_of_those_of_all_values(text):
    rows = plan(parse(text), (8, 8, 1))
    moves = [row.move for row in rows]
    for axis in (0, 1):
        spans = [extent(moves, (at, at))[axis] for at in range(6, 18)]  # whole periods, away from the edges
        assert Fraction(sum(last - first + 1 for first, last in spans), len(spans)) == rows[-1].receptive_field[axis]
    for at in range(12):
        assert all(a <= c <= d <= b for (a, b), (c, d) in zip(rows[-1].field.extent(at, at), extent(moves, (at, at)),
                                                              strict=True))  # fmt: skip


def test_a_part_sees_what_it_is_cut_out_of():
    found = row("crop:4x2", (9, 8, 1))
    assert found.field == Field((1, 1), (1, 1), (2, 3))
    assert found.field.extent(1, 1) == ((3, 3), (4, 4))


def test_shrinking_a_thousand_times_is_no_trouble():
    assert row(",".join(["upsample:1.01"] * 900), (100, 100, 1)).cells[6].startswith("0.0")


@pytest.mark.parametrize(
    ("text", "shape", "field"),
    [
        ("resize:1:filter=lanczos,globalmaxpool", (10**9, 10**9, 1), 10**9),
        ("resize:1000:filter=bicubic,crop:3,globalavgpool", (10**9, 10**9, 1), 6 * 10**6),
        ("upsample:0.000001,globalavgpool", (10**9, 10**9, 1), 999 * 10**6 + 1),
        ("convtranspose:1@100000:stride=100000,globalavgpool", (30, 30, 1), 30),
        ("convtranspose:1@100000:stride=99999:dilation=99998,globalavgpool", (30, 30, 1), 30),
    ],
)
def test_what_takes_long_to_run_is_planned_at_once(text, shape, field):
    assert row(text, shape).receptive_field == (field, field)


def test_stages_say_whether_they_wait_for_all_of_their_input():
    assert Resize(3).takes_whole
    assert GlobalMaxPool().takes_whole
    assert not Crop((3, 3)).takes_whole
