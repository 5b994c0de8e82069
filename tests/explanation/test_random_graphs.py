"""Values of random networks with branches, explained, against those that are run, and against what changes them."""

import random

import numpy as np
import pytest

from cnnfilter.explanation import explain
from cnnfilter.network.field import extent
from cnnfilter.pipeline import Pipeline
from tests.graphs import graphs

WEIGHTED = ":1 2 1; 3 4 5; 1 1 2:"
"""No weight is 0: what a window looks at, the value depends on."""


def weighted(text):
    for name in ("edge", "sobel-x"):
        text = text.replace(f"conv:{name}:", f"conv{WEIGHTED}")
    return text


def dependence(pipeline, maps, axis):
    """Which rows or columns of the picture each value depends on: NaN in one of them reaches all that sees it."""
    answers = []
    for index in range(maps.shape[axis + 1]):
        changed = maps.copy()
        changed[(slice(None),) * (axis + 1) + (index,)] = np.nan
        answers.append(np.isnan(pipeline.run(changed, layout="chw")))
    return np.array(answers)


@pytest.mark.parametrize("seed", range(3))
def test_a_value_is_what_is_run_and_depends_on_the_pixels_of_its_field(seed):
    draw = random.Random(seed)
    for text, size in graphs(seed + 20, 30):
        pipeline = Pipeline.parse(weighted(text))
        maps = np.random.default_rng(1).normal(size=(size[2], *size[:2])).astype(np.float32)
        result = pipeline.run(maps, layout="chw")
        rows = pipeline.plan(size)
        changed = [dependence(pipeline, maps, axis) for axis in (0, 1)]
        for _ in range(3):
            place = tuple(draw.randrange(count) for count in result.shape)
            at = (*place[1:], place[0]) if result.ndim == 3 else place
            found = explain(pipeline, maps.transpose(1, 2, 0), at)
            np.testing.assert_allclose(found.value, result[place], rtol=1e-4, atol=1e-4 * abs(result).max())
            field = found.receptive_field
            for axis, (first, last) in enumerate((field.rows, field.columns)):
                seen = np.flatnonzero(changed[axis][(slice(None), *place)])
                assert (max(first, 0), min(last, size[axis] - 1)) == (seen[0], seen[-1]), (text, size, at)
                if result.ndim == 3:  # that of all maps together, and of all places
                    begin, end = extent([row.move for row in rows], place[1:])[axis]
                    assert begin <= first <= last <= end
                    begin, end = rows[-1].field.extent(*place[1:])[axis]
                    assert "upsample" in text or begin <= first <= last <= end  # fractions hold for all together


def test_a_value_of_joined_maps_sees_what_its_own_maps_do():
    """What it does not depend on is not told as padding."""
    pipeline = Pipeline.parse("relu:as=a,conv:box:padding=1,concat:a")
    maps = np.ones((1, 5, 6), np.float32)
    own = explain(pipeline, maps.transpose(1, 2, 0), (2, 3, 0)).receptive_field
    assert (own.rows, own.columns, own.in_padding) == ((2, 2), (3, 3), 0)
    other = explain(pipeline, maps.transpose(1, 2, 0), (0, 3, 1)).receptive_field
    assert (other.rows, other.columns, other.in_padding) == ((-1, 1), (2, 4), 3)


def test_an_element_of_joined_vectors_sees_what_its_own_vector_does():
    maps = np.random.default_rng(2).normal(size=(2, 4, 6)).astype(np.float32)
    pipeline = Pipeline.parse("abs:as=a,maxpool:2,flatten:as=s,from:a,flatten,concat:s+last")
    for index, place in ((7, (0, 1, 2, 3)), (12 + 24 + 13, (2, 2, 1, 1))):
        field = explain(pipeline, maps.transpose(1, 2, 0), (index,)).receptive_field
        assert (*field.rows, *field.columns) == place
    field = explain(Pipeline.parse("flatten:as=f,dense:2:random=1,concat:f"), maps.transpose(1, 2, 0), (49,))
    assert field.receptive_field.size == (4, 6)


def test_a_gate_looks_at_the_picture_and_not_at_the_padding():
    pipeline = Pipeline.parse(f"conv{WEIGHTED}padding=1:as=a,globalavgpool,multiply:a")
    field = explain(pipeline, np.ones((6, 7)), (0, 3)).receptive_field
    assert (field.rows, field.columns, field.in_padding) == ((-1, 5), (0, 6), 7)
    assert pipeline.plan((6, 7, 1))[-1].receptive_field == (7, 8)
