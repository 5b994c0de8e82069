"""Stages against what PyTorch's layers of the same numbers make of the same maps.

`tests/data/layers.npz` was recorded with PyTorch 2.14.1 on CPU, layers in evaluation: `maps` and the numbers of layers
are drawn by NumPy's `default_rng(20)`, and `result TEXT` is what `BatchNorm2d`, `PReLU`, `LocalResponseNorm`,
`ChannelShuffle`, `Dropout`, `ConstantPad2d`, `ZeroPad2d`, `ReflectionPad2d`, `ReplicationPad2d`, `CircularPad2d`,
`Hardtanh`, `ReLU6`, `Hardsigmoid`, `Hardswish` and `GELU` make of the maps. NET is the file itself.
"""

from pathlib import Path

import numpy as np
import pytest

from cnnfilter import Pipeline
from cnnfilter.engine import reference
from cnnfilter.engine.normalizing import local_response
from cnnfilter.explanation import explain
from cnnfilter.network.stages import BatchNorm
from cnnfilter.weights.parameters import Arrays

FILE = Path(__file__).parents[1] / "data" / "layers.npz"
RECORDED = dict(np.load(FILE))
MAPS = RECORDED["maps"]
TEXTS = [name.removeprefix("result ") for name in RECORDED if name.startswith("result ")]


@pytest.mark.parametrize("text", TEXTS)
def test_stages_give_what_pytorch_does(text):
    expected = RECORDED[f"result {text}"]
    chain = Pipeline.parse(text.replace("NET", str(FILE)))
    result = chain.run(MAPS, layout="chw")
    assert result.shape == expected.shape
    np.testing.assert_allclose(result, expected, rtol=1e-5, atol=1e-5)
    for place in [(0, 0, 0), (2, 1, 3), (1, 2, 5)]:
        told = explain(chain, MAPS.transpose(1, 2, 0), place)
        np.testing.assert_allclose(told.value, expected[place[2], place[0], place[1]], rtol=1e-5, atol=1e-5)


def test_there_are_as_many_as_are_told_of():
    assert len(TEXTS) == 20


@pytest.mark.parametrize("text", ["dropout", "pad:0", "clip", "flatten", "flatten,dropout,clip", "shuffle:1"])
def test_a_result_takes_nothing_of_the_memory_that_is_given(text):
    result = Pipeline.parse(text).run(MAPS, layout="chw")
    assert not np.may_share_memory(result, MAPS)
    np.testing.assert_array_equal(result.reshape(MAPS.shape), MAPS)
    assert not np.may_share_memory(Pipeline.parse("dropout").run(MAPS[0, 0]), MAPS)


def test_a_mean_far_from_0_takes_no_digits_away():
    rng = np.random.default_rng(1)
    numbers = {"weight": np.ones(2), "bias": np.zeros(2), "running_mean": [1e4, -1e4], "running_var": [1e-4, 1]}
    stage = BatchNorm(0.0, learned=Arrays({role: np.asarray(each, np.float32) for role, each in numbers.items()}))
    means = np.array([1e4, -1e4])[:, None, None]
    maps = (means + rng.normal(size=(2, 5, 6)) * 100).astype(np.float32)
    scale, shift = stage.scale_and_shift(2)
    expected = maps * scale[:, None, None] + shift[:, None, None]
    result = Pipeline([stage]).run(maps, layout="chw")
    np.testing.assert_allclose(result, expected, rtol=1e-6, atol=1e-6 * np.abs(expected).max())


@pytest.mark.parametrize("size", [1, 2, 3, 4, 5, 6, 7, 8, 9, 15, 16, 17, 40, 10**6])
def test_local_responses_of_every_size(size):
    x = np.random.default_rng(2).normal(size=(9, 3, 4)).astype(np.float32)
    expected = reference.lrn(x, size, 2.0, 0.75, 1.5)
    np.testing.assert_allclose(local_response(x, size, 2.0, 0.75, 1.5), expected, rtol=1e-6)


@pytest.mark.parametrize("scale", [1e-25, 1e19, 3e38])
def test_local_responses_of_what_float32_cannot_square(scale):
    x = np.float32(scale) * np.linspace(-1, 1, 24).astype(np.float32).reshape(6, 2, 2)
    expected = reference.lrn(x, 5, 1.0, 0.5, 0.0)
    np.testing.assert_allclose(Pipeline.parse("lrn:alpha=1:beta=0.5:bias=0").run(x, layout="chw"), expected, rtol=1e-6)


def test_local_responses_keep_nan_where_it_is():
    x = np.ones((5, 1, 2), np.float32)
    x[0, 0, 0], x[0, 0, 1] = np.nan, np.inf
    result = Pipeline.parse("lrn:size=3").run(x, layout="chw")
    np.testing.assert_array_equal(np.isnan(result[:, 0]), [[True, True], [True, False], *[[False] * 2] * 3])
    assert result[1, 0, 1] == 0
