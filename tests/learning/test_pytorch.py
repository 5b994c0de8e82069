"""Gradients that PyTorch computed, recorded by `tests/data/gradients/record.py`; at ties too."""

import numpy as np
import pytest

from cnnfilter.learning.network import Trainable
from cnnfilter.network.grammar import parse
from tests.command import ROOT

RECORDED = np.load(ROOT / "tests" / "data" / "gradients" / "cases.npz")
TEXTS = RECORDED["texts"].tolist()


@pytest.mark.parametrize("number", range(len(TEXTS)), ids=TEXTS)
def test_gradients_are_pytorch_s(number):
    prefix = f"{number} "
    case = {name.removeprefix(prefix): RECORDED[name] for name in RECORDED.files if name.startswith(prefix)}
    x = case["x"]
    net = Trainable(parse(f"{TEXTS[number]}:as=s"), (*x.shape[2:], x.shape[1]))
    for name, value in net.parameters.items():
        value[...] = case[name]
    measured = {name: value for name, value in case.items() if name.startswith("measured ")}
    result = net.forward(x, training=bool(measured))
    gradients, dx = net.backward(case["delta"])

    def check(value, want):
        assert value.shape == want.shape
        np.testing.assert_allclose(value, want, rtol=0, atol=1e-5 * np.abs(want).max())

    check(result, case["result"])
    check(dx, case["dx"])
    assert {f"gradient {name}" for name in gradients} == {name for name in case if name.startswith("gradient ")}
    for name, gradient in gradients.items():
        check(gradient, case[f"gradient {name}"])
    for name, value in measured.items():
        check(net.parameters[name.removeprefix("measured ")], value)
