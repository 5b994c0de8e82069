"""Losses worked out: the course's numbers, those of the gradients' losses, and the arithmetic that is written."""

import math

import numpy as np
import pytest

from cnnfilter.errors import ArgumentError
from cnnfilter.learning.figures import FIGURES, LONGEST_SUM
from cnnfilter.learning.losses import LOSSES, loss
from cnnfilter.learning.worked import work

SCORES = [3.2, 1.3, 0.2, 0.8]


@pytest.mark.parametrize(
    ("name", "values", "given", "result"),
    [
        ("entropy", [26 / 30, 4 / 30], {}, 0.5665),
        ("entropy", [14 / 30, 16 / 30], {}, 0.9968),
        ("entropy", [29 / 30, 1 / 30], {}, 0.2108),
        ("cross-entropy", [0.775, 0.116, 0.039, 0.070], {"label": 0, "base": 2}, 0.3677),
        ("cross-entropy", [0.938, 0.028, 0.013, 0.023], {"label": 0, "base": 2}, 0.0923),  # a slide has 0.095
    ],
)
def test_the_numbers_of_the_course(name, values, given, result):
    done = work(name, values, **given)
    assert round(done.result[0], 4) == result
    assert done.unit == "bits"


def test_softmax_of_the_course():
    assert [round(share, 3) for share in work("softmax", SCORES).result] == [0.775, 0.116, 0.039, 0.070]


@pytest.mark.parametrize("name", [name for name in LOSSES if LOSSES[name].after])
@pytest.mark.parametrize("scale", [1, 1000])
def test_losses_of_scores_are_those_that_networks_learn_by(name, scale):
    random = np.random.default_rng(3)
    scores, targets = random.normal(size=5) * scale, random.dirichlet(np.ones(5))
    done = work(name, scores.tolist(), targets.tolist(), scores=True)
    assert done.result[0] == pytest.approx(loss(name, scores[None], targets[None])[0], rel=1e-12)
    assert bool(done.note) == (scale > 1)
    bits = work(name, scores.tolist(), targets.tolist(), scores=True, base=2).result[0]
    assert bits == pytest.approx(done.result[0] / math.log(2))


def test_mean_square_is_that_which_networks_learn_by():
    done = work("mse", SCORES, [1, -2, 0, 0.5])
    assert done.result[0] == pytest.approx(loss("mse", np.array([SCORES]), np.array([[1, -2, 0, 0.5]]))[0])


def evaluated(text):
    names = {"ln": math.log, "log2": math.log2, "log10": math.log10, "log3": lambda x: math.log(x, 3), "e": math.e}
    return eval(text.replace("^", "**"), {"__builtins__": {}}, names)  # noqa: S307  (our own text)


@pytest.mark.parametrize("count", [1, 2, 12, LONGEST_SUM + 1])
@pytest.mark.parametrize("base", ["e", 2, 10, 3])
@pytest.mark.parametrize("name", FIGURES)
def test_what_is_written_as_equal_is(name, base, count):
    figure, random = FIGURES[name], np.random.default_rng(count)
    values = random.dirichlet(np.ones(count)) * 0.999 if count > 1 else np.array([0.75])
    values = values if figure.base else values * [(-9) ** (place % 2) for place in range(count)]
    targets = random.dirichlet(np.ones(count)) if figure.has_targets else None
    done = work(name, values.tolist(), targets, base=base if figure.base else None)
    for line in done.lines:
        first, *others = map(evaluated, line.equal)
        assert others == pytest.approx([first] * len(others), rel=2e-4, abs=2e-5 * count)
    assert ("ln(" in done.formula) == (figure.base is not None and base == "e")
    assert (
        figure.has_targets
        or name != "entropy"
        or done.result[0] == pytest.approx(-sum(values * np.log(values)) / (math.log(base) if base != "e" else 1))
    )


def test_extreme_scores():
    done = work("cross-entropy", [1000, 0, -1000], label=2, scores=True)
    assert done.result == (2000,)
    assert "too small" in done.note
    assert work("softmax", [1000, 999]).lines[0].equal == ("1000",)
    done = work("binary-cross-entropy", [1000], label=0, scores=True)
    assert done.result == (1000,)
    assert "too small" in done.note
    assert work("cross-entropy", [0, 1], label=0).result == (math.inf,)
    assert work("cross-entropy", [0, 1], label=1).result == (0,)


def test_terms_of_a_target_of_zero_are_left_out_of_many():
    (line,) = [line for line in work("cross-entropy", [0.05] * 20, label=3).lines if line.label == "numbers"]
    assert line.equal == ("-(1*ln(0.05))", "-(-2.99573)", "2.99573")


def test_a_note_where_probabilities_do_not_sum_to_1():
    assert work("cross-entropy", [0.5, 0.4], label=0).note == "the probabilities sum to 0.9, not to 1"
    assert work("binary-cross-entropy", [0.5, 0.4], label=0).note == ""
    assert work("mse", [0.5, 0.4], label=0).note == ""


@pytest.mark.parametrize(
    ("name", "values", "given", "message"),
    [
        ("hinge", [1], {}, "unknown loss 'hinge'"),
        ("mse", [1], {"label": 0, "base": 2}, "mse has no logarithm, and takes no base"),
        ("mse", [1], {"label": 0, "scores": True}, "scores are for cross-entropy and binary-cross-entropy"),
        ("entropy", [26, 4], {}, "entropy takes probabilities, from 0 to 1, not 26; counts are written as shares"),
        ("cross-entropy", [3.2, 1], {"label": 0}, "not 3.2; scores=True makes some by a softmax"),
        ("entropy", [1], {"label": 0}, "entropy is of its values alone, and takes no target"),
        ("softmax", [1], {"targets": [0]}, "softmax is of its values alone"),
        ("mse", [1, 2], {}, "mse compares with what should be: give a label, or targets: 2 numbers"),
        ("mse", [1], {"label": 0, "targets": [1]}, "give a label, or targets: 1 number$"),
        ("mse", [1, 2], {"label": 2}, "label 2 is no class: there are 2, counted from 0"),
        ("binary-cross-entropy", [0.5], {"label": 2}, "the label of a single probability must be at most 1, not 2"),
        ("mse", [1, 2], {"targets": [1]}, "2 values cannot be compared with 1 target$"),
        ("cross-entropy", [0.5, 0.5], {"targets": [2, -1]}, "targets of cross-entropy are from 0 to 1, not 2"),
    ],
)
def test_what_is_refused(name, values, given, message):
    with pytest.raises(ArgumentError, match=message):
        work(name, values, **given)
