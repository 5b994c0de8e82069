"""The drawing of a network: every stage is told, nothing lies over another, and what leads anywhere gets there."""

import itertools
import xml.etree.ElementTree as ET
from functools import cache

import pytest

from cnnfilter.drawing.blocks import blocks_of, parts_of
from cnnfilter.drawing.diagram import MOST_DRAWN, diagram
from cnnfilter.drawing.laying import lay
from cnnfilter.drawing.letters import width
from cnnfilter.drawing.shapes import Box, Line, Polygon, Text
from cnnfilter.drawing.svg import to_svg
from cnnfilter.errors import ArgumentError
from cnnfilter.messages import printable, show_shape
from cnnfilter.network.grammar import parse
from cnnfilter.network.plan import plan
from cnnfilter.network.presets import PRESETS
from tests.chains import CHAINS
from tests.graphs import graphs

BRANCHED = (
    "relu:as=x,conv:8@3x3:padding=1:as=a,relu,conv:8@3x3:padding=1:as=b,from:x,conv:4@5x5:padding=2:as=c,conv:8@1x1:as=d,"
    "from:a,conv:8@1x1:as=e,add:d,add:e+b,concat:x+c,flatten,dense:3"
)
BELOW = (
    "maxpool:1:as=x,maxpool:1,maxpool:1,maxpool:1,maxpool:1,maxpool:1,maxpool:1,maxpool:1:as=m,from:x,maxpool:1:as=c,"
    "maxpool:1,maxpool:1,add:c,maxpool:1,add:m"
)
"""Branches meet in a lane below."""
RANDOM = [each for seed in range(3) for each in graphs(seed + 90, 8)]
BRANCHES = [(BRANCHED, (32, 32, 3)), (BELOW, (9, 9, 2)), ("resnet-34", (224, 224, 3)), *RANDOM]
ALL = [
    *((name, preset.size) for name, preset in PRESETS.items()),
    *((text, size) for text, size in CHAINS[::2]),
    *BRANCHES,
]


@cache
def rows_of(text, size):
    return plan(parse(text), size)


@cache
def drawn(text, size):
    return diagram(rows_of(text, size), text, "caption")


def fronts(figure):
    """Left, top, right and bottom of each box's front, and of each circle."""
    found = []
    for shape in figure.shapes:
        if isinstance(shape, Polygon):
            xs, ys = zip(*shape.points, strict=True)
            if len(shape.points) > 4 or len({*xs}) == len({*ys}) == 2:
                found.append((min(xs), min(ys), max(xs), max(ys)))
    return found


def extents(figure):
    """All of each box: its front, top and side."""
    shapes = [each for each in figure.shapes if isinstance(each, Polygon)]
    found = []
    while shapes:
        own = shapes[:1] if len({x for x, _ in shapes[0].points}) != 4 else shapes[:3]
        del shapes[: len(own)]
        xs, ys = zip(*(point for each in own for point in each.points), strict=True)
        found.append((min(xs), min(ys), max(xs), max(ys)))
    return found


@pytest.mark.parametrize(("text", "size"), ALL, ids=lambda value: str(value)[:30])
def test_every_stage_is_told_with_its_name_and_its_size(text, size):
    rows = rows_of(text, size)
    root = ET.fromstring(to_svg(drawn(text, size)).encode())
    told = root[1].text.split("; ") if "; " in root[1].text else [root[1].text]
    for number, row in enumerate(rows, 1):
        name = "" if row.name is None else f" {printable(row.name)}"
        start, end = f"{number}{name}: ", f"gives {show_shape(row.output)}"
        assert any(line.startswith(start) for line in told), start
        assert f"{end};" in f"{root[1].text};", end
    texts = [each.text for each in root.iter("{http://www.w3.org/2000/svg}text")]
    blocks = blocks_of(rows)
    shown = [number for part in parts_of(blocks) for number in part.blocks]
    for number in shown:
        block = blocks[number]
        assert block.symbol or show_shape(block.size) in texts
        assert width(block.name, 11) > 132 or printable(block.name) in [*texts, ""]
    assert sorted(row for block in blocks for row in block.rows) == [*range(len(rows))]


@pytest.mark.parametrize(("text", "size"), ALL, ids=lambda value: str(value)[:30])
def test_nothing_lies_over_anything_else(text, size):
    figure = drawn(text, size)
    boxes = extents(figure)
    assert len(boxes) == 1 + sum(len(part.blocks) for part in parts_of(blocks_of(rows_of(text, size))))
    areas = [*boxes, *(area(each) for each in figure.shapes[1:] if isinstance(each, Text) and each.text not in "+×||")]
    assert min(min(left, top) for left, top, _, _ in areas) >= 0
    assert max(right for _, _, right, _ in areas) <= figure.width
    assert max(bottom for *_, bottom in areas) <= figure.height
    for one, other in itertools.combinations(areas, 2):
        apart = one[2] <= other[0] or other[2] <= one[0] or one[3] <= other[1] or other[3] <= one[1]
        assert apart, (one, other)


def area(text):
    """What a line of text covers, by its capitals."""
    across = width(text.text, text.size) - 1
    left = text.x - (across / 2 if text.anchor == "middle" else 0)
    return left, text.y - 0.36 * text.size, left + across, text.y + 0.36 * text.size


@pytest.mark.parametrize(("text", "size"), ALL, ids=lambda value: str(value)[:30])
def test_what_leads_from_block_to_block_crosses_none(text, size):
    figure = drawn(text, size)
    solids = fronts(figure)
    lines = [each for each in figure.shapes if isinstance(each, Line)]
    for line in lines:
        x, y = line.points[-1]
        if line.arrow:  # into the left of a box, or a circle's left or top
            assert any(
                (abs(left - x) < 0.01 and top < y < bottom) or (abs(top - y) < 0.01 and left < x < right)
                for left, top, right, bottom in solids
            )
        for (ax, ay), (bx, by) in itertools.pairwise(line.points):
            assert ax == bx or ay == by
            for left, top, right, bottom in solids:
                passes = (
                    max(ax, bx) > left and min(ax, bx) < right - 0.01 and max(ay, by) > top and min(ay, by) < bottom
                )
                assert not passes, (line, (left, top, right, bottom))


@pytest.mark.parametrize(("text", "size"), BRANCHES, ids=lambda value: str(value)[:30])
def test_what_runs_together_has_one_source_or_one_target(text, size):
    lines = [each.points for each in drawn(text, size).shapes if isinstance(each, Line) and each.arrow]
    for one, other in itertools.combinations(lines, 2):
        if one[0] == other[0] or one[-1] == other[-1]:
            continue
        for (ax, ay), (bx, by) in itertools.pairwise(one):
            for (cx, cy), (dx, dy) in itertools.pairwise(other):
                if ay == by == cy == dy:
                    assert min(max(ax, bx), max(cx, dx)) - max(min(ax, bx), min(cx, dx)) < 1, (one, other)


def test_each_edge_is_drawn_once_and_from_where_it_comes():
    rows = rows_of(BRANCHED, (32, 32, 3))
    blocks = blocks_of(rows)
    edges = [edge for part in parts_of(blocks) for edge in lay(blocks, part.blocks).edges]
    assert len(edges) == sum(len({*block.reads}) for block in blocks)
    assert len([each for each in drawn(BRANCHED, (32, 32, 3)).shapes if isinstance(each, Line)]) == len(edges)
    for part in parts_of(blocks):
        laid = lay(blocks, part.blocks)
        assert len({(laid.columns[number], laid.lanes[number]) for number in part.blocks}) == len(part.blocks)


def test_boxes_are_as_high_as_maps_and_as_wide_as_channels():
    _, first, pooled, wide, line = extents(drawn("conv:16@3x3:padding=1,maxpool:2,conv:64@1x1,flatten", (64, 64, 1)))
    heights = [bottom - top for _, top, _, bottom in fronts(drawn("conv:16@3x3:padding=1,maxpool:2", (64, 64, 1)))]
    assert heights[0] == heights[1] == pytest.approx(heights[2] * 2**0.5)
    assert pooled[3] - pooled[1] == wide[3] - wide[1] < first[3] - first[1]
    front = [right - left for left, _, right, _ in fronts(drawn("conv:16@3x3:padding=1,conv:64@1x1", (64, 64, 1)))]
    assert front[2] == pytest.approx(2 * front[1])
    assert line[2] - line[0] == 9


def test_a_line_begins_where_a_flat_box_ends():
    figure = drawn("conv:4@1x9", (5, 400, 3))
    (line,) = (each for each in figure.shapes if isinstance(each, Line))
    x, y = line.points[0]
    left, top, right, bottom = fronts(figure)[0]
    assert (x, y) == pytest.approx((right + (bottom - top) / 2, (top + bottom) / 2))
    assert x < extents(figure)[0][2]


def test_blocks_tell_what_is_not_seen_of_them():
    text = "pad:1x2,convtranspose:6@2x3:stride=2,conv:sobel-x,depthwise:2@3x3:dilation=2,"
    text += "upsample:2:mode=bilinear,dropout,relu"
    assert [block.lines for block in blocks_of(rows_of(text, (9, 9, 2)))] == [
        ("pad 1x2",), ("convtranspose 2x3", "stride 2"), ("conv sobel-x 3x3",), ("depthwise 3x3", "dilation 2"),
        ("upsample 2", "mode bilinear", "dropout, relu"),
    ]  # fmt: skip


def test_deep_networks_have_their_repetitions_folded_and_others_stand_in_full():
    figure = drawn("resnet-152", (224, 224, 3))
    times = [each.text for each in figure.shapes if isinstance(each, Text) and each.text.startswith("×")]
    assert times == ["× 2", "× 7", "× 35", "× 2"]
    assert len([each for each in figure.shapes if isinstance(each, Box) and each.dashed]) == 4
    assert not [each for each in drawn("resnet-18", (224, 224, 3)).shapes if isinstance(each, Box) and each.dashed]
    for name, preset in PRESETS.items():
        figure = drawn(name, preset.size)
        assert figure.width < 2000, name
        assert figure.height < 1300, name


def test_hostile_names_are_text():
    name = "</text><script>alert(1)</script>"
    root = ET.fromstring(to_svg(drawn(f"relu:as={name},add:in", (4, 4, 1))).encode())
    assert {each.tag.rpartition("}")[2] for each in root.iter()} == {
        "svg", "title", "desc", "rect", "polygon", "polyline", "text",
    }  # fmt: skip
    assert f"1 {name}: relu" in root[1].text


def test_long_names_and_matrices_lose_their_middle():
    matrix = ";".join(["1 2 3 4 5 6 7 8 9"] * 60)
    text = to_svg(drawn(f"conv:{matrix}:padding=50:as={'n' * 900}", (9, 9, 1)))
    assert len(text) < 5000
    assert f"1 {'n' * 100}...{'n' * 100}: conv:1 2 3 4" in text


def test_a_network_of_too_many_blocks_is_refused():
    rows = plan(parse("maxpool:1").stages * (MOST_DRAWN + 1), (4, 4, 1))
    with pytest.raises(ArgumentError, match=r"^1,001 blocks are too many for a drawing \(at most 1,000\); draw a part"):
        diagram(rows, "", "")


def test_long_ways_around_are_drawn_quickly():
    text = ",".join(f"abs:as=a{i},maxpool:1:as=b{i}" for i in range(60))
    text += ",add:" + "+".join(f"a{i}" for i in range(60))
    figure = drawn(text, (4, 4, 1))
    assert len([each for each in figure.shapes if isinstance(each, Line)]) > 120
