"""The graph of gradients, what differs in training, and the public function."""

import numpy as np
import pytest

from cnnfilter.errors import ArgumentError
from cnnfilter.learning.attribution import heat_map
from cnnfilter.learning.network import Trainable, rectified_late, scores
from cnnfilter.network.grammar import parse
from cnnfilter.pipeline import Pipeline

RANDOM = np.random.default_rng(4)
X = RANDOM.normal(size=(4, 3, 5, 4)).astype(np.float32)


def test_a_batch_normalization_uses_and_measures_its_batch():
    net = Trainable(parse("batchnorm:random=1:as=n"), (5, 4, 3))
    net.parameters["n.weight"][:] = [1, 2, -3]
    net.parameters["n.bias"][:] = [0, 1, 2]
    output = net.forward(X, training=True)
    x = X.astype(np.float64)
    weight, bias = (net.parameters[f"n.{role}"].reshape(-1, 1, 1) for role in ("weight", "bias"))

    def normal(x):
        mean, variance = (of(axis=(0, 2, 3), keepdims=True) for of in (x.mean, x.var))
        return (x - mean) / np.sqrt(variance + 1e-5) * weight + bias

    np.testing.assert_allclose(output, normal(x), rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(net.parameters["n.running_mean"], 0.1 * x.mean(axis=(0, 2, 3)), rtol=1e-5)
    unbiased = x.var(axis=(0, 2, 3), ddof=1)
    np.testing.assert_allclose(net.parameters["n.running_var"], 0.9 + 0.1 * unbiased, rtol=1e-5)
    delta, change = RANDOM.normal(size=X.shape).astype(np.float32), RANDOM.normal(size=X.shape) * 1e-5
    gradients, dx = net.backward(delta)
    slope = (delta * (normal(x + change) - normal(x - change))).sum() / 2
    assert (dx * change).sum() == pytest.approx(slope, rel=1e-4)
    assert list(gradients) == ["n.weight", "n.bias"]
    np.testing.assert_allclose(gradients["n.bias"], delta.sum(axis=(0, 2, 3)), rtol=1e-5)
    np.testing.assert_allclose(
        gradients["n.weight"], (delta * (normal(x) - bias) / weight).sum(axis=(0, 2, 3)), rtol=1e-4
    )


def test_a_batch_normalization_needs_more_than_one_value():
    net = Trainable(parse("flatten,batchnorm:random=1"), (1, 1, 3))
    with pytest.raises(ArgumentError, match=r"stage 2 \(batchnorm\): .* use larger batches"):
        net.forward(np.ones((1, 3, 1, 1), np.float32), training=True)


def test_dropout_follows_from_the_seed_and_the_step():
    def batches(seed, step=0, threads=None):
        net = Trainable(parse("dropout:0.25,relu,dropout:0.5"), (50, 40, 3), seed=seed, threads=threads)
        net.step = step
        return [net.forward(np.ones((2, 3, 50, 40), np.float32), training=True) for _ in range(2)]

    one, two = batches(7)
    assert not np.array_equal(one, two)
    np.testing.assert_array_equal(batches(7, threads=1)[0], one)
    np.testing.assert_array_equal(batches(7, step=1)[0], two)
    assert not np.array_equal(batches(8)[0], one)
    assert np.unique(one) == pytest.approx([0, 8 / 3])
    assert (one > 0).mean() == pytest.approx(0.375, abs=0.01)


def test_dropout_gives_back_what_it_let_through():
    net = Trainable(parse("dropout:0.5"), (5, 4, 3))
    output = net.forward(np.ones_like(X), training=True)
    np.testing.assert_array_equal(net.backward(X)[1], X * output)
    net = Trainable(parse("dropout:1"), (5, 4, 3))
    assert not net.forward(X, training=True).any()


def test_what_no_one_asks_for_is_not_computed():
    for stage in ("conv:2@1x1", "convtranspose:2@1", "batchnorm", "prelu"):
        net = Trainable(parse(f"relu,{stage}:random=1"), (5, 4, 2))
        output = net.forward(X[:, :2])
        delta = np.ones_like(output)
        gradients, dx = net.backward(delta, wanted=False)
        assert dx is None
        assert gradients.keys() == net.learns
    net = Trainable(parse("conv:3@1x1:random=1,add:in"), (5, 4, 3))
    assert net.backward(net.forward(X), wanted=False)[1] is None
    net = Trainable(parse("dense:2:random=1"), (5,))
    net.forward(np.ones((1, 5), np.float32))
    assert net.backward(np.ones((1, 2), np.float32), wanted=False)[0].keys() == {"1.weight", "1.bias"}


def test_what_does_not_learn_is_left_out():
    net = Trainable(parse("conv:2@1x1:random=1:as=a,relu,conv:2@1x1:random=1:as=b"), (5, 4, 3))
    net.learns.difference_update({"a.weight", "a.bias"})
    gradients, dx = net.backward(np.ones_like(net.forward(X)), wanted=False)
    assert (list(gradients), dx) == (["b.weight", "b.bias"], None)


def test_where_nothing_learns_the_input_s_gradient_is_the_same():
    text = "conv:2@3x3:random=1,relu,convtranspose:2@2:random=1,batchnorm:random=1,flatten,dense:3:random=1"
    found = []
    for keeps in (True, False):
        net = Trainable(parse(text), (5, 4, 3))
        if not keeps:
            net.learns.clear()
        found.append(net.backward(np.ones_like(net.forward(X))))
    assert (len(found[0][0]), found[1][0]) == (8, {})
    np.testing.assert_array_equal(found[0][1], found[1][1])


def test_stages_without_numbers_are_refused():
    with pytest.raises(ArgumentError, match=r"^stage 2 \(conv\): conv:2@3x3 has sizes but no weights"):
        Trainable(parse("relu,conv:2@3x3"), (5, 4, 3))


def test_the_end_that_a_loss_takes_the_place_of():
    for text, function, wanted in [
        ("relu,softmax", "softmax", "relu"), ("relu,sigmoid", "sigmoid", "relu"), ("relu,softmax", "sigmoid", None),
        ("relu,softmax", None, None), ("softmax", "softmax", None), ("relu,sigmoid", "softmax", None),
    ]:  # fmt: skip
        assert str(scores(parse(text), function)) == (wanted or text)


@pytest.mark.parametrize(("loss", "end"), [("cross-entropy", "softmax"), ("binary-cross-entropy", "sigmoid")])
def test_gradients_of_a_pipeline(loss, end):
    text = "normalize,conv:4@3x3:random=1:as=c,relu,flatten,dense:3:random=2"
    image = RANDOM.integers(0, 256, (6, 5, 3), np.uint8)
    target = 1 if loss == "cross-entropy" else [0.0, 1.0, 0.5]
    value, gradients, dx = Pipeline.parse(f"{text},{end}").gradients(image, target, loss)
    results = Pipeline.parse(text).run(image).astype(np.float64)
    if end == "softmax":
        assert value == pytest.approx(np.log(np.exp(results).sum()) - results[1], rel=1e-5)
    else:
        assert value == pytest.approx((np.log1p(np.exp(results)) - results * target).mean(), rel=1e-5)
    assert list(gradients) == ["c.weight", "c.bias", "5.weight", "5.bias"]
    assert dx.shape == (3, 6, 5)
    batch = np.stack([image.transpose(2, 0, 1)] * 2) / np.float32(255)
    again, same, both = Pipeline.parse(f"{text},{end}").gradients(batch, [target] * 2, loss)
    assert again == pytest.approx(value, rel=1e-5)
    np.testing.assert_allclose(both[1] * 2 / 255, dx, rtol=1e-4, atol=1e-8)
    for name, gradient in gradients.items():
        np.testing.assert_allclose(same[name], gradient, rtol=1e-3, atol=1e-6)


def test_classes_by_the_names_that_the_network_brings(tmp_path):
    Pipeline.parse("flatten,dense:2:random=1,softmax").save(
        tmp_path / "net.npz", size=(2, 2, 1), labels=["metal", "wood"]
    )
    net = Pipeline.load(tmp_path / "net.npz")
    picture = np.arange(4, dtype=np.uint8).reshape(2, 2)
    batch = np.stack([picture, picture + 1])[:, None]
    for given, named, numbers in ((picture, "wood", 1), (batch, ["wood", "metal"], [1, 0])):
        for wanted in (named, np.array(named) if given is batch else np.str_(named)):
            value, gradients, dx = net.gradients(given, wanted)
            same, others, again = net.gradients(given, numbers)
            assert value == same
            assert all((gradients[name] == others[name]).all() for name in others)
            assert (dx == again).all()
    assert (heat_map(net.up_to(2), picture, "saliency", "wood") == heat_map(net, picture, "saliency", 1)).all()
    for ask in (net.gradients, lambda picture, target: heat_map(net, picture, "saliency", target)):
        with pytest.raises(
            ArgumentError, match=r"^unknown class 'woods'; did you mean wood\? \(known: 'metal', 'wood'\)$"
        ):
            ask(picture, "woods")
    with pytest.raises(ArgumentError, match=r"^target 'wood' .*net[.]npz holds 2 labels for 4 results$"):
        net.up_to(1).gradients(picture, "wood")
    with pytest.raises(ArgumentError, match="^target 'wood' is no number of a class, and the network brings no names"):
        Pipeline.parse("flatten").gradients(picture, "wood")


def test_gradients_of_a_vector():
    pipeline = Pipeline.parse("dense:2:bias=no:random=1:as=d")
    value, gradients, dx = pipeline.gradients([1.0, 2.0, 3.0], [1.0, 1.0], "mse")
    apart = pipeline.run([1.0, 2.0, 3.0]) - 1
    assert value == pytest.approx((apart**2).mean())
    np.testing.assert_allclose(gradients["d.weight"], np.outer(apart, [1, 2, 3]), rtol=1e-5)
    assert dx.shape == (3,)
    with pytest.raises(ArgumentError, match="unknown loss 'hinge'"):
        pipeline.gradients([1.0, 2.0, 3.0], 0, "hinge")
    with pytest.raises(ArgumentError, match="no class"):
        pipeline.gradients([1.0, 2.0, 3.0], 2)


@pytest.mark.parametrize(
    ("text", "late"),
    [
        ("conv:4@3x3:random=1,relu,maxpool:2,flatten,dense:3:random=2", "maxpool:2,relu"),
        ("relu,maxpool:3:stride=2:ceil_mode=yes,conv:4@1x1:random=1", "maxpool:3:stride=2:ceil_mode=yes,relu"),
        ("tanh:as=t,maxpool:2:as=p,from:t,relu,maxpool:2,concat:p+last", "maxpool:2,relu"),
        ("relu:as=x,maxpool:2:as=p,conv:3@1x1:random=1,relu,concat:p+last", "maxpool:2,relu"),
        ("relu:as=x,maxpool:1,add:x,conv:2@1x1:random=1,relu6,maxpool:2,relu,avgpool:2", None),  # read twice; no ReLU
        ("relu,maxpool:2:padding=1,conv:2@1x1:random=1,maxpool:2,relu", None),
    ],
)
def test_a_relu_comes_behind_the_max_pool_that_alone_reads_it(text, late):
    network = parse(text)
    other = rectified_late(network)
    if late is None:
        assert str(other) == str(network)
        return
    assert late in ",".join(str(node.stage) for node in other)
    random = np.random.default_rng(7)
    x = random.integers(-3, 4, (5, 2, 8, 8)).astype(np.float32)  # with ties
    nets = [Trainable(each, (8, 8, 2)) for each in (network, other)]
    results = [net.forward(x) for net in nets]
    np.testing.assert_array_equal(*results)
    delta = random.normal(size=results[0].shape).astype(np.float32)
    (first, dx), (second, dy) = (net.backward(delta) for net in nets)
    np.testing.assert_array_equal(dx, dy)
    assert list(first) == list(second)
    for name, value in first.items():
        np.testing.assert_array_equal(second[name], value)
