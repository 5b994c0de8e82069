"""ONNX's published cases of operators that are stages here. Left out are those of training, and of other axes."""

import numpy as np
import pytest

import cnnfilter
from tests.onnx_cases import FOLDER, load


def cases(operator):
    """Every case of an operator, but for those in which it is written out in other operators."""
    names = [folder.name.removeprefix("test_") for folder in sorted(FOLDER.glob(f"test_{operator}*"))]
    return [name for name in names if "_expanded" not in name]


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


def test_there_are_cases_of_each():
    assert (len(cases("hardsigmoid")), len(cases("gelu"))) == (3, 4)
