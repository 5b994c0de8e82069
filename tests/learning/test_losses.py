"""Losses: by hand, and their gradients by differences."""

import math

import numpy as np
import pytest

from cnnfilter.errors import ArgumentError
from cnnfilter.learning.losses import LOSSES, loss


def test_values_by_hand():
    logits = np.log(np.array([[0.775, 0.116, 0.039, 0.070], [0.1, 0.2, 0.3, 0.4]], np.float32))
    value, delta = loss("cross-entropy", logits, [0, 3])
    assert value == pytest.approx(-(math.log(0.775) + math.log(0.4)) / 2, rel=1e-6)
    wanted = [[-0.225, 0.116, 0.039, 0.070], [0.1, 0.2, 0.3, -0.6]]
    np.testing.assert_allclose(delta, np.array(wanted) / 2, rtol=1e-5)
    assert loss("mse", np.array([[1.0, 3.0]], np.float32), [[0.0, 1.0]])[0] == 2.5
    value, delta = loss("mse", np.array([[1.0, 3.0]], np.float32), [1])
    assert (value, delta.tolist()) == (2.5, [[1.0, 2.0]])
    value, delta = loss("binary-cross-entropy", np.array([[0.0], [0.0]], np.float32), [[1], [0]])
    assert value == pytest.approx(math.log(2))
    assert delta.tolist() == [[-0.25], [0.25]]


def test_large_scores_do_not_overflow():
    assert loss("cross-entropy", np.array([[3e38, -3e38]], np.float32), [0])[0] == 0
    value, delta = loss("binary-cross-entropy", np.array([[-1e30]], np.float32), [[1.0]])
    assert (value, delta.tolist()) == (pytest.approx(1e30), [[-1.0]])
    assert loss("cross-entropy", np.array([[-3e38, 3e38]], np.float32), [[0.0, 1.0]])[0] == 0


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("shape", [(3, 4), (2, 3, 2, 2)])
def test_gradients_by_differences(name, shape):
    random = np.random.default_rng(2)
    scores = random.normal(size=shape)
    targets = random.dirichlet(np.ones(shape[1]), size=shape[:1] + shape[2:])
    targets = np.moveaxis(targets, -1, 1)
    change = random.normal(size=shape) * 1e-6
    compute = LOSSES[name].compute
    slope = (compute(scores + change, targets)[0] - compute(scores - change, targets)[0]) / 2
    assert (compute(scores, targets)[1] * change).sum() == pytest.approx(slope, rel=1e-6)


def test_what_is_refused():
    scores = np.zeros((2, 3), np.float32)
    with pytest.raises(ArgumentError, match=r"target 3 is no class: the result has 3, counted from 0"):
        loss("cross-entropy", scores, [0, 3])
    with pytest.raises(ArgumentError, match=r"target -1 is no class"):
        loss("cross-entropy", scores, [-1, 2])
    with pytest.raises(ArgumentError, match=r"numbers of classes, 2 in all, or of the shape 2x3, not \[1, 2, 1, 2\]"):
        loss("mse", scores, [1, 2, 1, 2])
    with pytest.raises(ArgumentError, match=r"or of the shape 2x3, not \['cat'\]"):
        loss("mse", scores, ["cat"])
    with pytest.raises(ArgumentError, match=r"or of the shape 2x3, not an array of 3x2"):
        loss("mse", scores, np.zeros((3, 2)))
    for target in ("cat", None, 2.5, [1, 2], [1, [2, 3]]):
        with pytest.raises(ArgumentError) as caught:
            loss("mse", scores[:1], [target])
        assert str(caught.value) == f"a target must be the number of a class, or of the shape 3, not {target!r}"
    with pytest.raises(ArgumentError, match="loss"):
        loss("hinge", scores, [0, 1])


def test_cross_entropy_of_scores_without_end_and_of_targets_of_any_sum():
    value, delta = loss("cross-entropy", np.array([[0, -np.inf]], np.float32), [0])
    assert (value, delta.tolist()) == (0, [[0, 0]])
    value, delta = loss("cross-entropy", np.zeros((1, 2), np.float32), [[0.5, 1.0]])
    assert (value, delta.tolist()) == (pytest.approx(1.5 * np.log(2)), [[0.25, -0.25]])
