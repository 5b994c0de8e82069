"""What batch normalization and the parametric ReLU are before there is a picture."""

import numpy as np
import pytest

from cnnfilter import Pipeline
from cnnfilter.errors import ArgumentError, GrammarError, KernelError
from cnnfilter.network.grammar import parse
from cnnfilter.network.plan import plan
from cnnfilter.network.stages import BatchNorm, PReLU
from cnnfilter.weights.parameters import Arrays, RandomParameters

NORM = {"weight": [2.0, 3], "bias": [1.0, -1], "running_mean": [5.0, 0], "running_var": [4.0, 0.25]}


def learned(**arrays):
    return Arrays({name: np.asarray(array, np.float32) for name, array in arrays.items()})


@pytest.fixture
def file(tmp_path):
    arrays = {f"layer1.bn.{name}": np.float32(array) for name, array in NORM.items()}
    np.savez(tmp_path / "net.npz", **arrays, **{"act.weight": np.float32([0.5])})
    return tmp_path / "net.npz"


@pytest.mark.parametrize(
    ("text", "shape", "count", "arithmetic"),
    [
        ("batchnorm", (5, 6, 64), 128, "params: 2*64 = 128"),
        ("batchnorm", (64,), 128, "params: 2*64 = 128"),
        ("prelu", (5, 6, 64), 64, "params: 64"),
        ("prelu:shared=yes", (5, 6, 64), 1, "params: 1"),
    ],
)
def test_learned_numbers_are_counted_once_and_so_are_multiply_adds(text, shape, count, arithmetic):
    (row,) = plan(parse(text), shape)
    assert (row.output, row.params, row.macs, row.arithmetic) == (shape, count, count, arithmetic)
    assert set(row.receptive_field) == {1}


def test_buffers_do_not_count():
    assert BatchNorm(learned=learned(**NORM)).params((1, 1, 2)) == 4


def test_a_batch_norm_is_a_scale_and_a_shift():
    scale, shift = BatchNorm(0.0, learned=learned(**NORM)).scale_and_shift(2)
    np.testing.assert_array_equal(scale, [1, 6])
    np.testing.assert_array_equal(shift, [-4, -1])
    assert scale.dtype == shift.dtype == np.float64
    without = {name: array for name, array in NORM.items() if name != "bias"}
    np.testing.assert_array_equal(BatchNorm(0.0, learned=learned(**without)).scale_and_shift(2)[1], [-5, 0])


def test_what_learning_begins_with_changes_nothing_but_negative_values():
    x = np.float32([[[-4, 4]], [[8, -8]]])
    chain = Pipeline.parse("batchnorm:epsilon=0:random=3,prelu:random=3")
    np.testing.assert_array_equal(chain.run(x, layout="chw"), [[[-1, 4]], [[8, -2]]])


def test_numbers_come_from_a_state_dict(file):
    x = np.float32([[[7]], [[1]]])
    chain = f"batchnorm:epsilon=0:weights={file}:name=layer1.bn,prelu:weights={file}:as=act"
    np.testing.assert_allclose(Pipeline.parse(chain).run(x, layout="chw"), [[[3]], [[5]]])
    np.testing.assert_allclose(Pipeline.parse(chain).run(-x, layout="chw"), [[[-5.5]], [[-3.5]]])
    assert plan(parse(chain), (1, 1, 2))[1].params == 1
    assert str(parse(str(parse(chain)))) == str(parse(chain))


@pytest.mark.parametrize(
    "text", ["batchnorm", "batchnorm:epsilon=0.001:random=7", "prelu:shared=yes:random=0", "prelu"]
)
def test_texts_without_what_is_default(text):
    assert str(parse(text)) == text


def test_without_numbers_they_are_planned_alone():
    for stage in (BatchNorm(), PReLU()):
        assert stage.runnable == (
            f"{stage} has no learned numbers; weights=FILE names some, random=1 those that learning begins with"
        )
        with pytest.raises(ArgumentError, match="has no learned numbers"):
            stage.by_role(3)
    with pytest.raises(ArgumentError, match=r"stage 2 \(batchnorm\): batchnorm has no learned numbers"):
        Pipeline.parse("relu,batchnorm").run(np.ones((3, 3)))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("batchnorm:epsilon=-1", "epsilon must be at least 0, not -1"),
        ("batchnorm:random=-1", "must be a whole number from 0 to 4294967295, not '-1'"),
        ("batchnorm:name=x", "name is for weight files"),
        ("prelu:shared=maybe", "'maybe' must be yes or no"),
        ("prelu:0.1", r"'0.1' must be written as KEY=VALUE"),
        ("batchnorm:eps=1e-3", r"unknown key 'eps'; did you mean epsilon\?"),
    ],
)
def test_what_cannot_be_read(text, message):
    with pytest.raises(GrammarError, match=message):
        parse(text)


@pytest.mark.parametrize(
    ("stage", "message"),
    [
        (BatchNorm(learned=learned(**NORM)), r"stage 1 \(batchnorm\): its weight is 2, but it must be 3"),
        (PReLU(learned=learned(weight=[1, 2])), "its weight is 2, but it must be 3"),
        (PReLU(shared=True, learned=learned(weight=[1, 2])), "its weight is 2, but it must be 1"),
        (BatchNorm(learned=learned(weight=np.ones((3, 2)))), "its weight is 3x2, but it must be 3"),
    ],
)
def test_numbers_that_do_not_fit_are_told_when_it_is_planned(stage, message):
    with pytest.raises(KernelError, match=message):
        plan([stage], (4, 4, 3))


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"running_var": [4, -1]}, "the running_var of map 1 is -1; with the epsilon of 1e-05 it must be above 0"),
        ({"running_var": [4, np.nan]}, r"nan at \[1\]: its running_var must be finite"),
        ({"running_mean": [1, 2, 3]}, "its running_mean is 3, but it must be 2"),
        ({"running_var": None}, "there is no running_var"),
    ],
)
def test_numbers_that_cannot_be_used_are_told_before_it_is_run(arrays, message):
    given = {name: array for name, array in {**NORM, **arrays}.items() if array is not None}
    with pytest.raises(KernelError, match=rf"stage 1 \(batchnorm\): {message}"):
        Pipeline([BatchNorm(learned=learned(**given))]).run(np.ones((2, 3, 3)), layout="chw")


def test_slopes_are_one_or_one_for_each_map():
    assert PReLU(learned=RandomParameters(1, PReLU.initial)).slopes(3).tolist() == [0.25] * 3
    assert PReLU(shared=True, learned=RandomParameters(1, PReLU.initial)).slopes(3).tolist() == [0.25]
    assert PReLU(learned=learned(weight=[2])).slopes(3).tolist() == [2]
