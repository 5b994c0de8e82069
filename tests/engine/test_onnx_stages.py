"""ONNX's published cases of operators that are stages here. Left out are those of training, and of other axes."""

import re

import numpy as np
import pytest

import cnnfilter
from cnnfilter import Pipeline
from cnnfilter.network.stages import BatchNorm, Dropout, LocalResponse, Pad, PReLU
from cnnfilter.sizes import Border
from cnnfilter.weights.parameters import Arrays
from tests.onnx_cases import FOLDER, load

ALL = [folder.name.removeprefix("test_") for folder in sorted(FOLDER.glob("test_*"))]


def run(stage, batch):
    """What a stage makes of each of a batch of maps."""
    return np.stack([Pipeline([stage]).run(maps, layout="chw") for maps in batch])


def cases(operator):
    """Every case of an operator, but for those in which it is written out in other operators."""
    return [name for name in ALL if name.startswith(operator) and "_expanded" not in name]


@pytest.mark.parametrize("name", cases("clip"))
def test_clip(name):
    _, _, (x, *bounds), expected = load(name)
    if "int8" in name:  # maps are floats here
        x, *bounds = (each if each is None else each.astype(np.float32) for each in (x, *bounds))
    result = cnnfilter.clip(x, *bounds)
    np.testing.assert_array_equal(result, expected.astype(np.float32))


def test_there_are_as_many_cases_of_clip():
    assert len(cases("clip")) == 12


@pytest.mark.parametrize("name", cases("hardsigmoid"))
def test_hardsigmoid(name):
    _, attributes, (x,), expected = load(name)
    result = cnnfilter.hardsigmoid(x, attributes.get("alpha", 0.2), attributes.get("beta", 0.5))
    np.testing.assert_allclose(result, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", cases("gelu"))
def test_gelu(name):
    _, attributes, (x,), expected = load(name)
    result = cnnfilter.gelu(x, attributes.get("approximate", b"none").decode())
    np.testing.assert_allclose(result, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", cases("lrn"))
def test_lrn(name):
    _, attributes, (x,), expected = load(name)
    result = run(LocalResponse(**attributes), x)
    np.testing.assert_allclose(result, expected, rtol=1e-5)


@pytest.mark.parametrize("name", cases("dropout"))
def test_dropout(name):
    _, _, (x, *_), expected = load(name)
    np.testing.assert_array_equal(run(Dropout(0.5), np.atleast_3d(x)[None])[0], np.atleast_3d(expected))


MODES = {"constant": "constant", "edge": "replicate", "reflect": "reflect", "wrap": "circular"}


@pytest.mark.parametrize("name", [name for name in ALL if re.fullmatch("(constant|edge|reflect|wrap)_pad.*", name)])
def test_pad(name):
    """Those of single axes are told to `Pad` as all axes."""
    _, attributes, (x, pads, *rest), expected = load(name)
    mode = attributes.get("mode", b"constant").decode()
    axes = rest[1] if len(rest) > 1 else np.arange(x.ndim)
    amounts = np.zeros((x.ndim, 2), int)
    amounts[axes] = pads.reshape(2, -1).T
    assert not amounts[:-2].any()
    border = Border("constant", float(rest[0])) if mode == "constant" else Border(MODES[mode])
    if mode != "constant":  # of whole numbers, which float32 holds
        x, expected = x.astype(np.float32), expected.astype(np.float32)
    stage = Pad(tuple(map(tuple, amounts[-2:].tolist())), border)
    np.testing.assert_array_equal(run(stage, x), expected)


@pytest.mark.parametrize("name", [name for name in cases("batchnorm") if "training" not in name])
def test_batchnorm(name):
    _, attributes, (x, weight, bias, mean, variance), expected = load(name)
    numbers = Arrays({"weight": weight, "bias": bias, "running_mean": mean, "running_var": variance})
    result = run(BatchNorm(attributes.get("epsilon", 1e-5), learned=numbers), x)
    np.testing.assert_allclose(result, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", cases("prelu"))
def test_prelu(name):
    """Slopes of all elements are those of a vector, and slopes along the last axis those of maps."""
    _, _, (x, slopes), expected = load(name)
    stage = PReLU(learned=Arrays({"weight": slopes.reshape(-1)}))
    if slopes.shape == x.shape:
        result = Pipeline([stage]).run(x.reshape(-1)).reshape(x.shape)
    else:
        result = Pipeline([stage]).run(x.transpose(2, 0, 1), layout="chw").transpose(1, 2, 0)
    np.testing.assert_allclose(result, expected, rtol=1e-6)


def test_there_are_cases_of_each():
    assert (len(cases("hardsigmoid")), len(cases("gelu"))) == (3, 4)
