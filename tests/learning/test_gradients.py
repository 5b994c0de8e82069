"""Gradients of every stage: against differences of the reference's float64 values along random directions."""

from dataclasses import replace

import numpy as np
import pytest

from cnnfilter.errors import ArgumentError
from cnnfilter.learning.gradients import differentiable
from cnnfilter.learning.network import Trainable
from cnnfilter.network.grammar import parse
from cnnfilter.network.graph import Network
from cnnfilter.network.plan import plan
from cnnfilter.network.stages import Learned
from cnnfilter.weights.parameters import Arrays
from tests.chains import CHAINS, DILATED, NOT_IN_KERAS, expected, learned_chains

STEP = 2.0**-12
"""Far enough for float64, and such that numbers which are multiples of it stay float32's."""

MORE = [
    ("conv:6@3x5:stride=2x1:dilation=1x2:padding=2x3:border=reflect:groups=2", (9, 8, 4)),
    ("conv:3@2x3:stride=3x2:padding=1+2x0+1:border=circular", (7, 6, 2)),
    ("conv:3@1x1:stride=2,relu,conv:2@2x2:stride=3", (9, 8, 2)),
    ("conv:2@3x3:padding=1:border=constant=2", (5, 4, 3)),
    ("conv:17@3x3:padding=1:border=symmetric", (3, 4, 9)),
    ("conv:2@3x2:padding=4:border=replicate", (3, 2, 1)),
    ("conv:4@3x2:dilation=2x3:groups=2,conv:3@1x1:stride=2", (5, 4, 2)),
    ("conv:4@4x3:stride=3x2:padding=1", (3, 2, 2)),
    ("globalavgpool,conv:4@1x1,sigmoid,flatten,dense:3", (5, 3, 2)),
    ("relu:as=x,conv:2@3x3:padding=1:as=a,batchnorm,add:x+last+a,relu", (5, 4, 2)),
    ("conv:3@1x1:as=x,globalavgpool,sigmoid,multiply:x,conv:2@2x2:as=y,from:x,conv:1@2x2,concat:y+last+y", (5, 4, 2)),
    ("tanh:as=x,globalmaxpool,add:x:as=y,multiply:y+x+y", (4, 3, 2)),
    ("dense:4:as=a,tanh,concat:a,dense:2", (5,)),
    ("conv:kirsch:padding=1:stride=2,abs", (6, 7, 2)),
    ("conv:3@2x2:stride=1x2", (5, 4, 2)),
    ("conv:2@1x1:padding=7", (5, 6, 2)),
    ("convtranspose:3@2x1:padding=0x7", (5, 17, 2)),
]
NETWORKS = [*dict.fromkeys([*CHAINS, *NOT_IN_KERAS, DILATED, *MORE])]


def learned(network, shape, random):
    """The network with numbers of its own: multiples of `STEP`, and those that are divided by above 0."""
    nodes = []
    for node, row in zip(network, plan(network, shape), strict=True):
        stage = node.stage
        if isinstance(stage, Learned) and not (getattr(stage, "kernels", None) or getattr(stage, "file", None)):
            numbers = {
                role: rounded(random.uniform(0.5, 1.5, size) * random.choice([1, -1], size) / np.prod(size[1:]) ** 0.5)
                for role, size in stage.arrays(row.input).items()
            }
            if "running_var" in numbers:
                numbers["running_var"] = np.abs(numbers["running_var"])
            stage = replace(stage, learned=Arrays(numbers))
        nodes.append(node._replace(stage=stage))
    return Network(nodes)


def rounded(numbers):
    return np.round(numbers / STEP) * STEP


def nudged(network, name, change):
    """The network with something added to one of its arrays."""
    node, _, role = name.rpartition(".")
    number = network.find(node)
    stage = network[number].stage
    arrays = {each: value.astype(np.float32) for each, value in stage.learned._arrays.items()}
    arrays[role] = arrays[role] + np.float32(change)
    nodes = list(network)
    nodes[number] = nodes[number]._replace(stage=replace(stage, learned=Arrays(arrays)))
    return Network(nodes)


def reference(network, shape, x):
    """What the network makes of a batch, node by node by the reference."""
    rows = plan(network, shape)
    results = []
    for picture in x:
        made = {-1: picture}
        for number, row in enumerate(rows):
            read = [made[each] for each in row.reads]
            made[number] = expected([row], read[0], {}) if len(read) == 1 else joined(row.stage.name, read)
        results.append(made[len(rows) - 1])
    return np.stack(results)


def joined(kind, values):
    if kind == "concat":
        return np.concatenate(values)
    result = values[0]
    for each in values[1:]:
        result = result + each if kind == "add" else result * each
    return result


@pytest.mark.parametrize(("text", "shape"), NETWORKS, ids=[text for text, _ in NETWORKS])
def test_gradients_are_the_differences_of_the_reference(text, shape):
    random = np.random.default_rng(5)
    network = learned(parse(text), shape, random)
    size = (2, shape[2], *shape[:2]) if len(shape) == 3 else (2, *shape)
    x = random.normal(size=size).astype(np.float32)
    net = Trainable(network, shape)
    given = x.copy()
    output = net.forward(x)
    delta = random.normal(size=output.shape).astype(np.float32)
    want = reference(network, shape, x.astype(np.float64))
    assert output.dtype == np.float32
    assert output.shape == want.shape == (2, *net.output[2:], *net.output[:2])
    np.testing.assert_allclose(output, want, rtol=1e-4, atol=2e-5 * np.abs(want).max())
    gradients, dx = net.backward(delta)
    np.testing.assert_array_equal(x, given)
    assert dx.shape == x.shape
    assert list(gradients) == [name for name in net.parameters if "running" not in name]

    def check(gradient, change, value):
        slope = float((delta * (value(1) - value(-1))).sum()) / 2
        parts = gradient.astype(np.float64) * change
        assert abs(slope - parts.sum()) <= 1e-4 * max(np.abs(parts).max(), 0.01 * np.abs(slope)), "another direction"

    step = 1e-6
    change = random.normal(size=x.shape) * step
    check(dx, change, lambda sign: reference(network, shape, x + sign * change))
    for name, gradient in gradients.items():
        assert gradient.shape == net.parameters[name].shape
        assert gradient.dtype == np.float32
        change = random.choice([-1, 1], gradient.shape) * STEP
        check(
            gradient, change, lambda s, n=name, c=change: reference(nudged(network, n, s * c), shape, x.astype(float))
        )


@pytest.mark.parametrize(("text", "shape"), NETWORKS, ids=[text for text, _ in NETWORKS])
def test_a_batch_is_its_pictures_together(text, shape):
    """Batches of many need no pictures of zeros beside them, and are copied less."""
    random = np.random.default_rng(8)
    network = learned(parse(text), shape, random)
    x = random.normal(size=(17, shape[2], *shape[:2]) if len(shape) == 3 else (17, *shape)).astype(np.float32)
    net = Trainable(network, shape)
    output = net.forward(x)
    delta = random.normal(size=output.shape).astype(np.float32)
    gradients, dx = net.backward(delta)
    few = Trainable(network, shape)
    sums = {name: 0.0 for name in gradients}
    for first in range(0, 17, 3):
        some = slice(first, first + 3)
        close(few.forward(x[some]), output[some], np.abs(output).max())
        found, back = few.backward(delta[some])
        close(back, dx[some], np.abs(dx).max())
        sums = {name: total + found[name] for name, total in sums.items()}
    for name, total in sums.items():
        close(gradients[name], total, np.abs(total).max())


def close(found, expected, size):
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=2e-5 * max(size, 1e-3))


@pytest.mark.parametrize("number", range(9))
def test_numbers_from_files_learn_too(number, tmp_path):
    text, shape = learned_chains(tmp_path)[number]
    random = np.random.default_rng(6)
    x = random.normal(size=(2, shape[2], *shape[:2])).astype(np.float32)
    net = Trainable(parse(text), shape)
    output = net.forward(x)
    want = reference(parse(text), shape, x.astype(np.float64))
    np.testing.assert_allclose(output, want, rtol=1e-4, atol=2e-5 * np.abs(want).max())
    delta = random.normal(size=output.shape)
    gradients, dx = net.backward(delta.astype(np.float32))
    change = random.normal(size=x.shape) * 1e-6
    ends = [reference(parse(text), shape, x + sign * change) for sign in (1, -1)]
    assert (dx * change).sum() == pytest.approx((delta * (ends[0] - ends[1])).sum() / 2, rel=1e-3)
    for name, gradient in gradients.items():
        known, change = (
            net.parameters[name].copy(),
            random.normal(size=gradient.shape).astype(np.float32) * np.float32(3e-4),
        )
        ends = []
        for sign in (1, -1):
            net.parameters[name][...] = known + sign * change
            ends.append(net.forward(x).astype(np.float64))
        net.parameters[name][...] = known
        assert (gradient * change).sum() == pytest.approx((delta * (ends[0] - ends[1])).sum() / 2, rel=0.02)


def test_threads_compute_the_same():
    text = "conv:5@3x3:padding=1:random=1,relu,maxpool:2,conv:9@3x3:random=2:stride=2,flatten,dense:7:random=3"
    random = np.random.default_rng(1)
    x = random.normal(size=(9, 2, 20, 18)).astype(np.float32)
    delta = random.normal(size=(9, 7)).astype(np.float32)
    results = []
    for threads in (1, 2, 3, 4):
        net = Trainable(parse(text), (20, 18, 2), threads=threads)
        output = net.forward(x)
        gradients, dx = net.backward(delta)
        results.append([output, dx, *gradients.values()])
    for others in results[1:]:
        for one, other in zip(results[0], others, strict=True):
            np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize(
    ("text", "size"), [("swish", (1, 1, 1024, 1024)), ("gelu", (1, 1, 1024, 1024)), ("dense:128:random=1", (64, 2048))]
)
def test_no_thread_warns_of_what_is_not_finite(text, size):
    """NumPy's settings are each thread's own; here warnings are errors."""
    x = np.random.default_rng(2).choice(np.array([-1e38, 1e38, np.inf, -np.inf, np.nan], np.float32), size)
    net = Trainable(parse(text), (*size[2:], size[1]), threads=2)
    result = net.forward(x)
    _, dx = net.backward(x[:, :128])
    assert not np.isfinite(result).all()
    assert not np.isfinite(dx).all()


def test_windows_of_maps_that_are_too_large_to_tell_the_winner_are_refused():
    (row,) = plan(parse("maxpool:2:stride=30000"), (60000, 60000, 1))
    node = differentiable(row.stage, row)
    x = np.broadcast_to(np.float32(0), (1, 60000, 60000, 1))
    with pytest.raises(
        ArgumentError, match=r"^maps of 60000x60000 in a batch of 1 have 3,600,000,000 samples, .*2,147,4"
    ):
        node.value(x)
