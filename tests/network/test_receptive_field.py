"""Receptive fields against the pixels that change a value when they change, over random chains."""

import random

import numpy as np
import pytest

from cnnfilter.errors import ShapeError
from cnnfilter.explanation import explain
from cnnfilter.network.grammar import parse
from cnnfilter.network.plan import plan
from cnnfilter.pipeline import Pipeline

CHAINS = (range(80), pytest.param(range(80, 300), marks=pytest.mark.slow))
"""Which of the random chains are tried."""


RESAMPLING = [
    "upsample:2",
    "upsample:3x2",
    "upsample:1.5x0.75",
    "upsample:2x1:mode=bilinear",
    "upsample:3:mode=bilinear:coordinates=asymmetric",
    "upsample:size=5x9:mode=bilinear:coordinates=align_corners",
    "upsample:1.5:coordinates=half_pixel:rounding=round_prefer_floor",
    "upsample:2.5:coordinates=half_pixel:rounding=ceil",
    "resize:4x7",
    "resize:9",
    "resize:5x3:filter=box",
    "resize:6x5:filter=hamming",
    "resize:7x6:filter=nearest",
    "crop:3x2",
    "crop:4",
]
"""Stages whose values see samples that no window slides over; none with weights below 0, which might cancel."""


def window(draw):
    """A stage without a zero weight and without a maximum: what it looks at, it depends on."""
    height, width = draw.randint(1, 4), draw.randint(1, 4)
    ones = "; ".join([" ".join(["1"] * width)] * height)
    kind = draw.choice(["conv", "conv", "convtranspose", "avgpool", "sumpool", "resampling", "pad"])
    if kind == "convtranspose":
        stride, dilation = draw.choice(["=2", "=3", "=1x4", "=3x2"]), draw.choice(["", ":dilation=2", ":dilation=3x1"])
        text = f"convtranspose:[{ones}]:stride{stride}{dilation}"
        return text + draw.choice(["", ":padding=1", ":padding=0+1x2+0"])
    if kind == "pad":
        return f"pad:{draw.randint(-1, 3)}+{draw.randint(0, 2)}x{draw.randint(0, 3)}+{draw.randint(-2, 2)}"
    if kind == "resampling":
        return draw.choice(RESAMPLING)
    text = f"conv:kernel=[{ones}]" if kind == "conv" else f"{kind}:{height}x{width}"
    text += f":stride={draw.choice([1, 1, 2, 3, 5])}x{draw.choice([1, 2, 4])}"
    text += draw.choice(["", "", ":padding=1", ":padding=2x0", ":padding=0+3x1+0", ":padding=same", ":padding=5"])
    if kind == "conv":
        return text + draw.choice(["", "", ":dilation=2", ":dilation=1x3"])
    return text + draw.choice(["", ":ceil_mode=yes"])


def chains(end, which):
    draw = random.Random(7)
    found = []
    while len(found) < which.stop:
        size = (draw.randint(3, 14), draw.randint(3, 14), 1)
        text = ",".join([*(window(draw) for _ in range(draw.randint(1, 3))), *end])
        try:
            rows = plan(parse(text), size)
        except ShapeError:
            continue
        found.append((text, size, rows))
    return found[which.start :]


def branching(end, which):
    """Graphs whose branches shrink and enlarge maps, and meet at one size: half as many."""
    draw = random.Random(11)
    found = []
    while len(found) < which.stop // 2:
        size = (draw.randint(3, 12), draw.randint(3, 12), 1)
        first = draw.choice(["abs", "abs", window(draw)])
        try:
            height, width, _ = plan(parse(first), size)[-1].output
            back = draw.choice(["upsample:size={}x{}", "upsample:size={}x{}:mode=bilinear", "resize:{}x{}:filter=box"])
            branch = [window(draw) for _ in range(draw.randint(1, 2))]
            after = [window(draw) for _ in range(draw.randint(0, 2))]
            text = ",".join([f"{first}:as=x", *branch, back.format(height, width), "add:x", *after, *end])
            found.append((text, size, plan(parse(text), size)))
        except ShapeError:
            continue
    return found[which.start // 2 :]


def dependence(text, size, axis):
    """Which rows or columns of the picture each value depends on: ones in one of them, and zeros elsewhere."""
    pipeline = Pipeline.parse(text)
    answers = []
    for index in range(size[axis]):
        picture = np.zeros(size[:2], np.float32)
        picture[(slice(None),) * axis + (index,)] = 1
        answers.append(pipeline.run(picture) > 1e-12)  # a curve of Pillow's may end at 0 but for its rounding
    return np.array(answers)


def bounds(places):
    seen = np.flatnonzero(places)
    return (int(seen[0]), int(seen[-1])) if seen.size else (0, -1)


@pytest.mark.parametrize("which", CHAINS, ids=repr)
@pytest.mark.parametrize("end", [["globalavgpool"], ["globalavgpool", "conv:1 1; 1 1:padding=1", "maxpool:1x2"]])
def test_what_sees_all_sees_the_pixels_that_change_it(end, which):
    for text, size, rows in chains(end, which):
        for axis in (0, 1):
            first, last = bounds(dependence(text, size, axis).reshape(size[axis], -1).any(axis=1))
            field = rows[-1].field.extent(0, 0)[axis]
            assert field == (first, last), (text, size, axis)
            assert rows[-1].receptive_field[axis] == last - first + 1


@pytest.mark.parametrize("which", CHAINS, ids=repr)
def test_a_dense_stage_sees_what_a_mean_of_all_does(which):
    for text, size, rows in chains(["globalavgpool"], which):
        dense = plan(parse(text.replace("globalavgpool", "flatten,relu,dense:3,dense:2")), size)
        assert {row.receptive_field for row in dense[-2:]} == {rows[-1].receptive_field}, (text, size)


@pytest.mark.parametrize("which", CHAINS, ids=repr)
def test_an_explained_value_depends_on_the_pixels_between_its_corners(which):
    for text, size, rows in chains([], which):
        changed = [dependence(text, size, axis)[:, 0] for axis in (0, 1)]
        picture = np.ones(size[:2], np.float32)
        height, width, _ = rows[-1].output
        for place in {(0, 0), (height - 1, width - 1), (height // 2, width // 3)}:
            field = explain(Pipeline.parse(text), picture, place).receptive_field
            (top, bottom), (left, right) = (bounds(each[:, *place]) for each in changed)
            corners = ((top, left), (top, right), (bottom, left), (bottom, right)) if right >= 0 <= bottom else ()
            assert field.corners == corners, (text, size, place)
            seen = (bottom - top + 1) * (right - left + 1)
            assert field.in_padding == field.size[0] * field.size[1] - seen
            for (first, last), ends in zip((field.rows, field.columns), ((top, bottom), (left, right)), strict=True):
                assert not corners or first <= ends[0] <= ends[1] <= last


@pytest.mark.parametrize("which", CHAINS, ids=repr)
def test_what_meets_of_branches_sees_the_pixels_that_change_it(which):
    """Rows and columns are followed on their own: one that sees padding alone along one counts along both."""
    exact = []
    for text, size, rows in branching(["globalavgpool"], which):
        for axis in (0, 1):
            first, last = bounds(dependence(text, size, axis).reshape(size[axis], -1).any(axis=1))
            begin, end = rows[-1].field.extent(0, 0)[axis]
            assert begin <= first
            assert last <= end
            exact.append((begin, end) == (first, last))
    assert sum(exact) > 0.95 * len(exact)


@pytest.mark.parametrize("which", CHAINS, ids=repr)
def test_a_value_behind_branches_depends_on_the_pixels_between_its_corners(which):
    exact = []
    for text, size, _ in branching([], which):
        changed = [dependence(text, size, axis)[:, 0] for axis in (0, 1)]
        picture = np.ones(size[:2], np.float32)
        pipeline = Pipeline.parse(text)
        result = pipeline.run(picture)
        _, height, width = result.shape
        for place in {(0, 0), (height - 1, width - 1), (height // 2, width // 3)}:
            found = explain(pipeline, picture, place)
            np.testing.assert_allclose(found.value, result[0, *place], rtol=1e-5)
            (top, bottom), (left, right) = (bounds(each[:, *place]) for each in changed)
            if right >= 0 <= bottom:
                rows_seen, columns_seen = ([corner[i] for corner in found.receptive_field.corners] for i in (0, 1))
                assert min(rows_seen) <= top <= bottom <= max(rows_seen)
                assert min(columns_seen) <= left <= right <= max(columns_seen)
                spans = min(rows_seen), max(rows_seen), min(columns_seen), max(columns_seen)
                exact.append(spans == (top, bottom, left, right))
    assert sum(exact) > 0.95 * len(exact)
