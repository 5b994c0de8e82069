"""Epochs: what is drawn in each, what is told of it, which was the best, and where they stop."""

import numpy as np
import pytest

from cnnfilter.errors import ArgumentError
from cnnfilter.learning.data.arrays import given
from cnnfilter.learning.training import Figures, Step
from tests.learning.strokes import strokes
from tests.learning.trainings import begun, learned


@pytest.mark.parametrize(("losses", "best"), [((1.0, 1.0, 1.0), 1), ((3.0, 1.0, 2.0), 2)])
def test_the_best_is_the_first_of_equals_as_it_was_then(losses, best, monkeypatch):
    learner = begun().learner
    monkeypatch.setattr(learner, "_validate", lambda part: (losses[learner.epoch], [[4, 0, 0], [0, 4, 0], [0, 0, 4]]))
    after = [
        {name: value.copy() for name, value in learner.net.parameters.items()}
        for each in learner.epochs()
        if isinstance(each, Figures)
    ]
    assert (len(after), learner.best.figures.epoch) == (3, best)
    for name, value in learner.best.parameters.items():
        np.testing.assert_array_equal(value, after[best - 1][name])
        assert not np.array_equal(value, after[2][name])


def batches(found, monkeypatch):
    """All batches that are learned from."""
    net, seen = found.learner.net, []
    forward = net.forward
    monkeypatch.setattr(net, "forward", lambda x, training=False: (training and seen.append(x)) or forward(x, training))
    list(found.learner.epochs())
    return seen


def test_each_epoch_has_an_order_of_its_own_and_each_batch_changes(monkeypatch):
    first = batches(begun(epochs=3), monkeypatch)[::7]
    pictures, classes = strokes(48)
    alike = given(np.stack([pictures[0]] * 48), classes)
    changed = batches(begun(data=alike, augment="shift=3", fraction=0.0, epochs=2), monkeypatch)
    assert (len(first), len(changed)) == (3, 6)
    for all_of_them in (first, changed):
        for number, each in enumerate(all_of_them):
            assert not any(np.array_equal(each, other) for other in all_of_them[:number])


def test_losses_are_means_over_the_pictures_whatever_the_batches_are():
    found = [
        learned("conv:6@3x3,relu,flatten,dense:3", batch=batch, epochs=1, rate=1e-30).learner.history[0]
        for batch in (5, 7, 200)
    ]
    for figures in found[:2]:
        assert figures == pytest.approx(found[2], rel=1e-5)


def test_a_loss_that_is_not_finite_ends_it_and_keeps_the_last_good():
    found = begun("flatten,dense:3", epochs=50)
    seen = []
    for each in found.learner.epochs():
        if isinstance(each, Figures):
            seen.append(each)
            if each.epoch == 2:
                found.learner.optimiser.rate = 1e38
    assert len(seen) == 2
    assert found.learner.problem.startswith("the loss is not finite in epoch 3, batch 2: ")
    assert found.learner.problem.endswith("try a smaller learning rate than 0.01")
    assert found.learner.best.figures in seen
    assert all(np.isfinite(value).all() for value in found.network()[4].stage.learned._arrays.values())
    first = learned("flatten,dense:3", rate=1e38)
    with pytest.raises(ArgumentError, match="nothing was learned: the loss is not finite in epoch 1, batch 2"):
        first.file(".npz")


def test_a_loss_that_is_not_finite_in_validation_is_told():
    found = begun("flatten,dense:3", batch=200, rate=1e38, epochs=2)
    list(found.learner.epochs())
    assert "in epoch 1, validation: " in found.learner.problem


def test_what_is_asked_to_stop_stops_before_the_next_batch():
    found = begun()
    steps = []

    def stop():
        return len(steps) > 9

    for each in found.learner.epochs(stop):
        steps.append(each)
    assert found.learner.problem == "interrupted"
    assert (found.learner.epoch, found.learner.best.figures.epoch) == (1, 1)
    assert isinstance(steps[0], Step)
