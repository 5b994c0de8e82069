"""The receptive field without the values: what `explain` tells beside them, with or without weights."""

import random
import re

import numpy as np
import pytest

from cnnfilter.errors import ArgumentError
from cnnfilter.explanation import explain
from cnnfilter.explanation.field import receptive_field
from cnnfilter.network.groups import with_random
from cnnfilter.network.presets import PRESETS
from cnnfilter.pipeline import Pipeline
from tests.chains import CHAINS, learned_chains
from tests.graphs import graphs


def places(shape):
    """The first place of a result, one in the middle, and the last."""
    return dict.fromkeys([(0,) * len(shape), tuple(n // 2 for n in shape), tuple(n - 1 for n in shape)])


@pytest.mark.parametrize(("text", "shape"), [each for each in CHAINS if len(each[1]) == 3])
def test_it_is_that_of_the_record_whether_there_are_weights_or_not(text, shape):
    plain = Pipeline.parse(text)
    drawn = Pipeline(with_random(plain.network, 1))
    picture = np.random.default_rng(1).normal(size=shape).astype(np.float32)
    for place in places(plain.plan(shape)[-1].output):
        wanted = explain(drawn, picture, place).receptive_field
        assert receptive_field(plain.plan(shape), place) == wanted
        assert receptive_field(drawn.plan(shape), place) == wanted


def test_it_is_that_of_the_record_with_weights_from_files(tmp_path):
    for text, shape in learned_chains(tmp_path):
        pipeline = Pipeline.parse(text)
        for place in places(pipeline.plan(shape)[-1].output):
            wanted = explain(pipeline, np.ones(shape, np.float32), place).receptive_field
            assert receptive_field(pipeline.plan(shape), place) == wanted


@pytest.mark.parametrize("seed", range(2))
def test_it_is_that_of_the_record_through_branches(seed):
    draw = random.Random(seed)
    for text, size in graphs(seed + 60, 25):
        pipeline = Pipeline.parse(text)
        rows = pipeline.plan(size)
        place = tuple(draw.randrange(count) for count in rows[-1].output)
        wanted = explain(pipeline, np.ones(size, np.float32), place).receptive_field
        assert receptive_field(rows, place) == wanted, (text, size, place)


def test_an_element_of_joined_vectors_sees_what_its_own_vector_does():
    picture = np.random.default_rng(2).normal(size=(4, 6, 2)).astype(np.float32)
    pipeline = Pipeline.parse("abs:as=a,maxpool:2,flatten:as=s,from:a,flatten,concat:s+last")
    for index in (0, 7, 11, 12, 12 + 24 + 13):
        wanted = explain(pipeline, picture, (index,)).receptive_field
        assert receptive_field(pipeline.plan(picture.shape), (index,)) == wanted


def test_a_value_of_a_deep_network_is_no_work():
    for name in ("vgg-16", "mobilenet-v2", "squeezenet-1.1"):
        pipeline = Pipeline.parse(name)
        rows = pipeline.plan(PRESETS[name].size)
        number = max(n for n, row in enumerate(rows) if len(row.output) == 3 and row.output[0] > 6)
        field = receptive_field(rows[: number + 1], (3, 3))
        assert field.size == tuple(rows[number].receptive_field)


def test_there_must_be_such_a_place():
    with pytest.raises(ArgumentError, match=r"^no value at 3,0: the result is 3x3x1, rows 0 to 2"):
        receptive_field(Pipeline.parse("conv:box").plan((5, 5, 1)), (3, 0))


def test_the_field_is_known_of_values_that_depend_on_too_much_to_be_computed():
    pipeline = Pipeline.parse(",".join(["conv:box:size=99"] * 8))
    with pytest.raises(ArgumentError, match="the value depends on"):
        explain(pipeline, np.zeros((800, 800), np.uint8), (3, 3))
    assert receptive_field(pipeline.plan((800, 800, 1)), (3, 3)).size == (785, 785)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("maxpool:1000000x1:padding=500000x0:stride=1,globalavgpool", "stage 1 (maxpool): the value depends on 1,20"),
        (",".join([*["conv:box:padding=1000000"] * 6, "globalavgpool"]), "stage 6 (conv): the value depends on 36,0"),
        ("maxpool:1000000:padding=500000", None),
    ],
)
def test_a_field_that_takes_too_much_is_refused(text, message):
    rows = Pipeline.parse(text).plan((1200, 1200, 1))
    if message is None:
        assert receptive_field(rows, (0, 0)).size == (1000000, 1000000)
        return
    with pytest.raises(ArgumentError, match=f"^{re.escape(message)}.* places from here on, more than can be explained"):
        receptive_field(rows, (0, 0))
