"""The loss of a picture explained: what is told against the gradients of the pipeline, and a weight by hand."""

import numpy as np
import pytest

from cnnfilter.errors import ArgumentError
from cnnfilter.learning.explained import explain_loss, shown_deltas
from cnnfilter.learning.losses import LOSSES
from cnnfilter.learning.one_weight import largest_products
from cnnfilter.pipeline import Pipeline

RANDOM = np.random.default_rng(8)
PICTURE = RANDOM.integers(0, 256, (9, 8, 2)).astype(np.uint8)
TEXT = "normalize,conv:4@3x2:random=1:stride=2x1:padding=2:dilation=1x2:{more}:as=c,tanh,flatten,dense:3:random=2:as=d"


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("more", ["border=reflect", "groups=2", "border=constant=0.5", "border=circular"])
def test_a_weight_is_the_sum_of_deltas_and_samples(loss, more):
    pipeline = Pipeline.parse(TEXT.format(more=more) + ("" if loss == "mse" else f",{LOSSES[loss].after}"))
    value, gradients, dx = pipeline.gradients(PICTURE, [0.2, 0.7, 0.1], loss)
    for name, at in [("c", (3, 0, 2, 1)), ("c", (0, 0, 0, 0)), ("2", (2, 0, 1, 1)), ("d", (1, 7))]:
        told = explain_loss(pipeline, PICTURE, [0.2, 0.7, 0.1], loss, weight=(name, at), rate=0.1)
        weights = gradients[f"{'c' if name == '2' else name}.weight"]
        assert told.loss.result[0] == pytest.approx(value, rel=1e-6)
        assert told.weight.gradient == pytest.approx(weights[at], rel=1e-4, abs=1e-7)
        assert told.weight.stepped == pytest.approx(told.weight.weight - 0.1 * weights[at], rel=1e-4)
    deep = {step.number: {each.what: each.values for each in step.gradients} for step in told.steps}
    assert list(deep) == [5, 4, 3, 2, 1, 0]
    np.testing.assert_array_equal(deep[0]["deltas"], dx)
    np.testing.assert_array_equal(deep[2]["weight"], gradients["c.weight"])
    np.testing.assert_array_equal(deep[5]["bias"], gradients["d.bias"])
    assert told.deltas == pytest.approx(deep[5]["deltas"].tolist())


@pytest.mark.parametrize(
    ("text", "places"),
    [
        ("depthwise:2@3x3:random=1:padding=1", [(0, 0, 2, 1), (3, 0, 0, 0)]),
        ("convtranspose:3@3x2:random=1:stride=2x3:padding=1:dilation=2x1", [(0, 2, 0, 0), (1, 0, 2, 1)]),
        ("convtranspose:4@2x2:random=1:groups=2:output_padding=1:stride=2", [(0, 1, 1, 0), (1, 0, 0, 1)]),
    ],
)
def test_weights_of_other_convolutions(text, places):
    pipeline = Pipeline.parse(f"normalize,{text}:as=c,tanh,flatten,dense:3:random=2")
    gradients = pipeline.gradients(PICTURE, 1)[1]["c.weight"]
    for at in places:
        told = explain_loss(pipeline, PICTURE, 1, weight=("c", at)).weight
        assert told.gradient == pytest.approx(gradients[at], rel=1e-4, abs=1e-7)


def test_the_deltas_are_p_minus_t():
    told = explain_loss(Pipeline.parse("flatten,dense:3:random=1"), PICTURE[..., :1] / np.float32(255), 2)
    p = np.array(told.loss.results)
    assert p.sum() == pytest.approx(1)
    assert told.deltas == pytest.approx((p - [0, 0, 1]).tolist(), rel=1e-6)


def test_a_weight_of_one_kernel_by_hand():
    pipeline = Pipeline.parse("conv:1@2x2:random=1:bias=no,flatten")
    picture = np.array([[1, 2, 3], [4, 5, 6], [7, 8, 10]], np.float32)
    told = explain_loss(pipeline, picture, [0.0] * 4, "mse", weight=("1", (0, 0, 1, 0))).weight
    kernel = pipeline.stages[0].source(1).weight[0, 0].astype(float)
    results = [(picture[i : i + 2, j : j + 2] * kernel).sum() for i in (0, 1) for j in (0, 1)]
    assert told.met.samples.tolist() == [4, 5, 7, 8]
    assert told.met.deltas == pytest.approx([result / 2 for result in results])
    assert told.gradient == pytest.approx(sum(r / 2 * s for r, s in zip(results, (4, 5, 7, 8), strict=True)), rel=1e-6)
    assert told.met.places == ((0, 0), (0, 1), (1, 0), (1, 1))


def test_columns_of_a_matrix_in_another_order(tmp_path):
    np.save(tmp_path / "w.npy", RANDOM.normal(size=(4, 2)).astype(np.float32))
    pipeline = Pipeline.parse(f"flatten,dense:{tmp_path}/w.npy:layout=hwc")
    picture = RANDOM.normal(size=(1, 2, 2)).astype(np.float32)
    told = explain_loss(pipeline, picture, [0.0, 1.0], "mse", weight=("2", (1, 1))).weight
    assert told.met.samples == pytest.approx([picture[0, 0, 1]])
    gradients = pipeline.gradients(picture, [0.0, 1.0], "mse", layout="hwc")[1]
    assert told.gradient == pytest.approx(gradients["2.weight"][1, 1])


def test_what_is_listed_of_many():
    told = explain_loss(Pipeline.parse("conv:2@1x1:random=1,flatten"), PICTURE, 3, weight=("1", (0, 0, 0, 0)))
    assert len(shown_deltas(told)) == len(largest_products(told.weight)) == 8
    products = np.abs(told.weight.products)
    assert products[largest_products(told.weight)].min() >= np.sort(products)[-8]
    (line,) = [line for line in told.loss.lines if line.label == "t"]
    assert line.equal == ("1 of class 3, 0 of 143 others",)


@pytest.mark.parametrize(
    ("text", "target", "weight", "message"),
    [
        ("relu", 0, None, "a network that gives a vector, not 9x8x2; end it in flatten"),
        ("flatten", 200, None, "label 200 is no class: there are 144"),
        (
            "conv:sobel-x,flatten",
            0,
            ("1", (0, 0, 0, 0)),
            r"stage 1 \(conv\): its kernels are constant, and not learned",
        ),
        ("convtranspose:1 2,flatten", 0, ("1", (0, 0, 0, 0)), "its kernels are constant, and not learned"),
        ("conv:1e38,conv:1e38,flatten", 0, None, "the network's result is not finite"),
        ("relu,flatten", 0, ("1", (0, 0, 0, 0)), r"stage 1 \(relu\): it has no weights that are told one by one"),
        (
            "conv:2@3x3:random=1,flatten",
            0,
            ("1", (2, 0, 0, 0)),
            "no weight 2,0,0,0: one is told as FILTER,CHANNEL,ROW,COL",
        ),
        ("flatten,dense:2:random=1", 0, ("2", (0, 0, 0, 0)), "one is told as UNIT,INPUT, counted from 0, of 2x144"),
        ("flatten,dense:2:random=1", 0, ("9", (0, 0)), "9"),
        ("softmax,flatten,softmax", 0, ("3", (0, 0)), "3"),
    ],
)
def test_what_is_refused(text, target, weight, message):
    with pytest.raises(ArgumentError, match=message):
        explain_loss(Pipeline.parse(text), PICTURE, target, weight=weight)


def test_a_weight_on_which_nothing_depends():
    network = Pipeline.parse("relu:as=x,conv:2@1x1:random=1:as=a,from:x,flatten:as=b,from:a,flatten,concat:b").network
    with pytest.raises(ArgumentError, match=r"stage 2 \(conv\): the result does not depend on it"):
        explain_loss(Pipeline(network.up_to(2)), PICTURE, 0, weight=("a", (0, 0, 0, 0)))
