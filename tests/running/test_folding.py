"""Convolutions that also do what follows them: a batch norm, and an activation that bends at 0 and 6."""

import numpy as np
import pytest

from cnnfilter import Pipeline
from cnnfilter.engine import reference
from cnnfilter.engine.steps import Convolution
from cnnfilter.network.stages import Activation, BatchNorm, Conv
from cnnfilter.running import lowering
from cnnfilter.weights.parameters import Arrays

MAPS = np.random.default_rng(1).normal(size=(4, 9, 8)).astype(np.float32)


def numbers(channels, **others):
    rng = np.random.default_rng(2)
    drawn = {"weight": rng.normal(size=channels), "bias": rng.normal(size=channels)}
    drawn |= {"running_mean": rng.normal(size=channels), "running_var": rng.uniform(0.5, 2, channels)}
    return Arrays({role: np.asarray(each, np.float32) for role, each in (drawn | others).items()})


def conv(outputs, groups=1):
    rng = np.random.default_rng(3)
    weight, bias = rng.normal(size=(outputs, 4 // groups, 3, 3)), rng.normal(size=outputs)
    learned = Arrays({"weight": weight.astype(np.float32), "bias": bias.astype(np.float32)})
    return Conv(sizes=(outputs, (3, 3)), learned=learned, groups=groups)


@pytest.fixture
def steps(monkeypatch):
    """The steps of each chain that is made."""
    made = []

    class Seen(lowering.Chain):
        def __init__(self, steps):
            made.append([type(step) for step in steps])
            super().__init__(steps)

    monkeypatch.setattr(lowering, "Chain", Seen)
    return made


@pytest.mark.parametrize("activation", ["relu", "relu6", "clip:min=0:max=6", None])
@pytest.mark.parametrize("groups", [1, 2, 4])
def test_one_step_does_all(activation, groups, steps):
    more = [] if activation is None else [node.stage for node in Pipeline.parse(activation).network]
    stages = [conv(8, groups), BatchNorm(learned=numbers(8)), *more]
    result = Pipeline(stages).run(MAPS, layout="chw")
    assert steps == [[Convolution]]
    expected = MAPS
    for stage in stages:
        expected = Pipeline([stage]).run(expected, layout="chw")
    np.testing.assert_allclose(result, expected, rtol=1e-5, atol=1e-5)
    assert (result.min() == 0) == bool(more)
    assert (result.max() == 6) == (len(more) == 1 and more[0] != Activation("relu"))


def test_what_is_wanted_between_is_there(steps):
    pipeline = Pipeline([conv(8), BatchNorm(learned=numbers(8)), Activation("relu6")])
    for node, count in ((1, 1), (2, 2), (3, 3)):
        alone = Pipeline([each.stage for each in pipeline.network[:count]]).run(MAPS, layout="chw")
        np.testing.assert_array_equal(pipeline.run(MAPS, node=node, layout="chw"), alone)


def test_a_norm_that_folded_weights_would_not_hold_stays_by_itself(steps):
    norm = BatchNorm(0.0, learned=numbers(8, weight=np.full(8, 2e38), running_var=np.ones(8)))
    stages = [conv(8), norm]
    result = Pipeline(stages).run(MAPS, layout="chw")
    assert len(steps[0]) == 2
    alone = Pipeline(stages[:1]).run(MAPS, layout="chw")
    np.testing.assert_array_equal(result, Pipeline(stages[1:]).run(alone, layout="chw"))


def test_the_reference_agrees():
    stage, norm = conv(8), BatchNorm(learned=numbers(8))
    weight, bias = (stage.learned.array(role, shape) for role, shape in (("weight", (8, 4, 3, 3)), ("bias", (8,))))
    given = norm.learned
    weights, biases, means, variances = (
        given.array(role, (8,)) for role in ("weight", "bias", "running_mean", "running_var")
    )
    expected = reference.batch_norm(
        reference.conv2d(MAPS, weight, bias), weights, biases, means, variances, norm.epsilon
    )
    np.testing.assert_allclose(Pipeline([stage, norm]).run(MAPS, layout="chw"), expected, rtol=1e-5, atol=1e-5)
