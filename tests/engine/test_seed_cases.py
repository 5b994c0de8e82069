"""The worked examples of the course material."""

import json
from pathlib import Path

import numpy as np
import pytest

import cnnfilter
from cnnfilter.engine import reference

CASES = json.loads((Path(__file__).parents[1] / "data" / "seed-cases.json").read_text(encoding="utf-8"))


def cases(kind):
    return [pytest.param(case, id=case["name"]) for case in CASES[kind]]


@pytest.mark.parametrize("engine", [cnnfilter, reference])
@pytest.mark.parametrize("case", cases("conv2d"))
def test_conv2d(case, engine):
    x, weight = np.array(case["x"], np.float32), np.array(case["w"], np.float32)
    result = engine.conv2d(x, weight, stride=case["stride"], padding=case["padding"])
    np.testing.assert_array_equal(result, case["out"], strict=False)
    assert result.shape == np.shape(case["out"])


@pytest.mark.parametrize("case", cases("conv2d"))
def test_conv2d_of_a_picture(case):
    x, weight = np.array(case["x"], np.uint8), np.array(case["w"], np.float32)
    result = cnnfilter.conv2d(x, weight, stride=case["stride"], padding=case["padding"])
    assert result.dtype == np.float32
    np.testing.assert_array_equal(result, np.array(case["out"], np.float32), strict=True)


@pytest.mark.parametrize("engine", [cnnfilter, reference])
@pytest.mark.parametrize("case", cases("pool"))
def test_pool(case, engine):
    pool = {"max": engine.max_pool2d, "avg": engine.avg_pool2d}[case["mode"]]
    for dtype in (np.uint8, np.float32):
        result = pool(np.array(case["x"], dtype), case["window"], stride=case["stride"])
        assert result.shape == np.shape(case["out"])
        np.testing.assert_array_equal(result, case["out"])


@pytest.mark.parametrize("engine", [cnnfilter, reference])
@pytest.mark.parametrize("case", cases("activation"))
def test_activation(case, engine):
    result = getattr(engine, case["name"])(np.array(case["x"], np.float32))
    assert result.shape == np.shape(case["out"])
    np.testing.assert_allclose(result, case["out"], rtol=0, atol=5e-8)
