"""Optimisers against their formulas in float64, and against PyTorch where it is installed."""

import numpy as np
import pytest

from cnnfilter.learning.optimisers import OPTIMISERS
from cnnfilter.learning.settings import NAMES

START = [1.0, -2.0, 0.5]
SLOPES = ([0.5, 1.0, -3.0], [0.25, -1.0, 0.0], [-2.0, 0.125, 1.0], [1.0, 1.0, 1.0])


def moved(name, rate, decay):
    weight = {"w": np.array(START, np.float32)}
    optimiser = OPTIMISERS[name](rate, decay)
    for slope in SLOPES:
        optimiser.step(weight, {"w": np.array(slope, np.float32)})
    return weight["w"]


def by_hand(name, rate, decay):
    """The formulas in float64, one number after the other."""
    found = []
    for w, slopes in zip(START, zip(*SLOPES, strict=True), strict=True):
        v = m = 0.0
        for t, slope in enumerate(slopes, 1):
            g = slope + decay * w
            if name == "sgd":
                w -= rate * g
            elif name == "momentum":
                v = 0.9 * v + g
                w -= rate * v
            else:
                m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g * g
                w -= rate * (m / (1 - 0.9**t)) / ((v / (1 - 0.999**t)) ** 0.5 + 1e-8)
        found.append(w)
    return found


def test_all_are_known():
    assert tuple(OPTIMISERS) == NAMES


@pytest.mark.parametrize("decay", [0.0, 0.1])
@pytest.mark.parametrize("name", NAMES)
def test_numbers_follow_their_gradients(name, decay):
    np.testing.assert_allclose(moved(name, 0.1, decay), by_hand(name, 0.1, decay), rtol=1e-5)


@pytest.mark.parametrize("name", NAMES)
def test_a_number_that_counts_for_nothing_stays(name):
    weight = {"w": np.array(START, np.float32)}
    OPTIMISERS[name](0.1, 0.0).step(weight, {"w": np.zeros(3, np.float32)})
    assert weight["w"].tolist() == START


@pytest.mark.parametrize("decay", [0.0, 0.1])
@pytest.mark.parametrize("name", NAMES)
def test_pytorch_does_the_same(name, decay):
    torch = pytest.importorskip("torch")
    weight = torch.tensor(START, requires_grad=True)
    make = torch.optim.Adam if name == "adam" else torch.optim.SGD
    more = {"momentum": 0.9} if name == "momentum" else {}
    optimiser = make([weight], lr=0.1, weight_decay=decay, **more)
    for slope in SLOPES:
        weight.grad = torch.tensor(slope)
        optimiser.step()
    np.testing.assert_allclose(moved(name, 0.1, decay), weight.detach().numpy(), rtol=1e-5)
