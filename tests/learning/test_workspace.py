"""What nodes compute in, from batch to batch."""

import numpy as np
import pytest

from cnnfilter.engine import loops
from cnnfilter.learning.gradients import windows
from cnnfilter.learning.gradients.workspace import Calls, Passing, Workspace, cut, maps_of
from cnnfilter.learning.network import Trainable
from cnnfilter.network.grammar import parse
from cnnfilter.runtime import tricks


def shares(*arrays):
    return np.may_share_memory(*arrays)


def test_an_array_stays_while_its_shape_does():
    space = Workspace()
    first = space.array("a", (3, 4))
    assert space.array("a", (3, 4)) is first
    assert space.array("b", (3, 4)) is not first
    assert space.array("a", (3, 4), np.int32).dtype == np.int32
    assert space.array("a", (4, 3)).shape == (4, 3)


def test_what_was_made_is_made_again_for_other_arrays():
    space, made = Workspace(), []
    a, b = np.zeros(1), np.zeros(1)
    for given in ([a], [a], [b], [a, b], [a, b], [a]):
        space.once("x", given, lambda: made.append(1))
    assert len(made) == 4


def test_memory_of_a_pass_is_shared_with_what_is_asked_for_later():
    memory = Passing()
    before = memory.empty((100,))
    memory.is_open = True
    first, second = memory.empty((100,)), memory.empty((50,))
    assert not shares(first, second)
    memory.release([second[3:].reshape(47, 1)])  # of which a view is needed
    third, fourth = memory.empty((10, 9)), memory.empty((10, 10))
    assert shares(third, first)
    assert not any(shares(fourth, each) for each in (before, first, second, third))
    memory.release([])
    assert shares(memory.empty((50,)), second)  # the smallest that is large enough


def test_bands_cover_all_and_hang_on_the_size_alone():
    for shape in [(3, 2), (1, 1_000_000), (64, 10_000), (9, 4000)]:
        bands = maps_of(np.empty(shape))
        assert [first for first, _ in bands] == [0, *(last for _, last in bands[:-1])]
        assert bands[-1][1] == shape[0]
    assert cut(5, 2) == [(0, 2), (2, 4), (4, 5)]


@pytest.mark.parametrize("without", ["", "calls"])
@pytest.mark.parametrize("threads", [1, 2, None])
def test_calls_are_made_as_often_as_they_are_asked_for(threads, without, monkeypatch):
    monkeypatch.setattr(tricks, "WITHOUT", {without})
    x, out = np.array([-1, 2, np.nan, -0.0], np.float32), np.empty(4, np.float32)
    calls = Calls(loops.rectify, [[(out[:2], x[:2])], [(out[2:3], x[2:3]), (out[3:], x[3:])]])
    for sign in (1, -1):
        x *= sign
        calls.make(threads)
        np.testing.assert_array_equal(out, np.maximum(x, 0))


TEXT = (
    "conv:4@3x3:padding=1:border=reflect:random=1:as=a,relu,maxpool:2:as=p,"
    "conv:4@1x1:random=2,tanh,add:p,flatten,dense:3:random=3"
)


@pytest.mark.parametrize("threads", [1, 2, 4])
def test_results_are_the_same_where_no_calls_are_laid_out(threads, monkeypatch):
    def learned(**options):
        net = Trainable(parse(TEXT), (6, 8, 2), **options)
        x = np.random.default_rng(5).normal(size=(17, 2, 6, 8)).astype(np.float32)
        for _ in range(3):
            result = net.forward(x, training=True)
            gradients, dx = net.backward(result)
        return [result, dx, *gradients.values()]

    laid_out = learned(threads=threads)
    monkeypatch.setattr(tricks, "WITHOUT", {"calls"})
    for found, expected in zip(laid_out, learned(threads=1), strict=True):
        np.testing.assert_array_equal(found, expected)


def test_large_padded_deltas_lie_in_memory_that_is_shared(monkeypatch):
    def learned():
        net = Trainable(parse(TEXT), (6, 8, 2))
        x = np.random.default_rng(5).normal(size=(17, 2, 6, 8)).astype(np.float32)
        return [net.backward(net.forward(x))[1] for _ in range(2)]

    alone = learned()
    monkeypatch.setattr(windows, "LASTING", 0)
    np.testing.assert_array_equal(learned(), alone)


def test_batches_of_other_sizes_between_change_nothing():
    """Nor does what is asked for of the one before."""
    random = np.random.default_rng(3)
    batches = [random.normal(size=(count, 2, 6, 8)).astype(np.float32) for count in (5, 5, 2, 5, 17, 5)]
    ways = [True, False, False, True, True, True]
    net = Trainable(parse(TEXT), (6, 8, 2))
    for x, wanted in zip(batches, ways, strict=True):
        alone = Trainable(parse(TEXT), (6, 8, 2))
        net.learns = alone.learns = {name for name in alone.learns if len(x) > 2 or not name.startswith("a.")}
        result, expected = net.forward(x), alone.forward(x)
        np.testing.assert_array_equal(result, expected)
        delta = random.normal(size=result.shape).astype(np.float32)
        net.forward(x[::-1])
        net.forward(x)
        (found, dx), (gradients, back) = net.backward(delta, wanted), alone.backward(delta, wanted)
        assert list(found) == list(gradients)
        for name, value in gradients.items():
            np.testing.assert_array_equal(found[name], value)
        assert (dx is None) is not wanted
        if wanted:
            np.testing.assert_array_equal(dx, back)


def test_a_batch_that_drops_after_one_that_does_not_shares_no_memory_with_it():
    """Dropouts that drop need memory of their own for deltas, which the pass before had not asked for."""
    x = np.random.default_rng(6).normal(size=(5, 1, 10, 8)).astype(np.float32)
    found = []
    for before in (True, False):
        net = Trainable(parse("relu:as=x,from:in,dropout:0.4,prelu:random=1,concat:x"), (10, 8, 1))
        if before:
            net.backward(net.forward(x))
        found.append(net.backward(net.forward(x, training=True) * 0 + 1)[1])
    np.testing.assert_array_equal(*found)


def test_an_interrupted_pass_is_not_taken_for_the_way(monkeypatch):
    x = np.random.default_rng(4).normal(size=(5, 9, 6, 8)).astype(np.float32)
    delta = np.ones((5, 3), np.float32)
    expected = Trainable(parse(TEXT), (6, 8, 9))
    expected.forward(x)
    want = expected.backward(delta)
    net = Trainable(parse(TEXT), (6, 8, 9))
    for place in [*(node.backward for node in net._nodes.values()), net._nodes[0].slide._spread_many]:
        net.forward(x)
        with monkeypatch.context() as patch:
            patch.setattr(place.__self__, place.__name__, lambda *_, **__: 1 / 0)
            with pytest.raises(ZeroDivisionError):
                net.backward(delta)
    net.forward(x)
    gradients, dx = net.backward(delta)
    np.testing.assert_array_equal(dx, want[1])
    for name, value in want[0].items():
        np.testing.assert_array_equal(gradients[name], value)


def test_arrays_are_new_after_an_interrupt_while_they_were_let_go(monkeypatch):
    x = np.random.default_rng(7).normal(size=(5, 2, 6, 8)).astype(np.float32)
    net = Trainable(parse(TEXT), (6, 8, 2))
    net.backward(net.forward(x))
    spaces = [node.space for node in net._nodes.values()]
    net.forward(x)
    with monkeypatch.context() as patch:
        patch.setattr("cnnfilter.learning.network.Workspace", interrupted_at(4))
        with pytest.raises(KeyboardInterrupt):
            net.backward(np.ones((5, 3), np.float32), wanted=False)
    net.forward(x)
    assert not any(node.space in spaces for node in net._nodes.values())


def interrupted_at(call):
    """What makes workspaces until Ctrl-C comes at some call."""
    calls = []

    def make(*given):
        calls.append(given)
        if len(calls) == call:
            raise KeyboardInterrupt
        return Workspace(*given)

    return make
