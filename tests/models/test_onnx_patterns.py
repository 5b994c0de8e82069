"""Well-known parts of networks that exporters write in other operators."""

import numpy as np
import pytest
from onnx.reference import ReferenceEvaluator

from cnnfilter import Pipeline
from tests.models.graphs import agrees, graph, node, numbers, read, refusal, refused

W = numbers(4, 3, 3, 3, seed=1)
CONV = node("Conv", "x w", "a", pads=[1, 1, 1, 1])


def stages(model, folder):
    return [str(each.stage) for each in read(model, folder).network]


def gated(*between, out="s"):
    """How much each map counts, by layers of its means."""
    return [
        CONV,
        node("GlobalAveragePool", "a", "g"),
        node("Flatten", "g", "f"),
        *between,
        node("Reshape", f"{out} ones", "r"),
        node("Mul", "a r", "y"),
    ]


DENSE_LAYERS = [
    node("Gemm", "f d1 b1", "h", transB=1),
    node("Relu", "h", "h2"),
    node("MatMul", "h2 d2", "h3"),
    node("Sigmoid", "h3", "s"),
]


LAYERS = {"d1": numbers(2, 4), "b1": numbers(2), "d2": numbers(2, 4), "d3": numbers(2, 4), "d4": numbers(2, 4)}


@pytest.mark.parametrize(
    ("nodes", "text"),
    [
        (gated(*DENSE_LAYERS), ["globalavgpool", "conv:2@1x1", "relu", "conv:4@1x1:bias=no", "sigmoid", "multiply"]),
        (gated(out="f"), ["globalavgpool", "multiply"]),
        ([CONV, node("GlobalAveragePool", "a", "g"), node("Mul", "g a", "y")], ["globalavgpool", "multiply"]),
    ],
    ids=["dense layers", "nothing", "not flattened"],
)
def test_means_of_maps_that_tell_how_much_these_count(nodes, text, tmp_path):
    tensors = {"w": W, "ones": [1, 4, 1, 1], **LAYERS}
    model = graph(nodes, **tensors)
    assert stages(model, tmp_path)[1:] == text
    agrees(model, tmp_path)
    agrees(graph(nodes, x=("n", 3, "h", "w"), **tensors), tmp_path)


@pytest.mark.parametrize(
    "nodes",
    [
        [*gated(*DENSE_LAYERS), node("Gemm", "h d3", "z")],
        [*gated(*DENSE_LAYERS), node("Gemm", "s d4", "z", transB=1)],
        [CONV, node("Flatten", "a", "f"), node("Gemm", "f dense", "s", transB=1), *gated(out="s")[-2:]],
    ],
    ids=["a layer is read", "the result is read", "flattened maps"],
)
def test_vectors_that_cannot_be_maps_of_one_place_are_told(nodes, tmp_path):
    outputs = "y z" if nodes[-1].output[0] == "z" else "y"
    model = graph(nodes, outputs=outputs, w=W, ones=[1, 4, 1, 1], dense=numbers(4, 256), **LAYERS)
    assert "joins results of other axes: N x C x H x W and 1 x F x 1 x 1" in refusal(model, tmp_path)


def test_a_vector_that_never_was_maps_is_told(tmp_path):
    nodes = [node("Relu", "x", "s"), node("Reshape", "s ones", "r"), node("GlobalAveragePool", "r", "y")]
    message = refusal(graph(nodes, x=(1, 4), ones=[1, 4, 1, 1]), tmp_path, (4,))
    assert "takes pictures, N x C x H x W, not 1 x F x 1 x 1" in message


NUMBERS = {
    "root": np.float32(1.41421), "inverse": np.array([0.70710677], np.float32), "one": np.float32(1),
    "half": np.float32(0.5), "two": np.float32(2),
}  # fmt: skip
INSIDE = [node("Relu", "x", "r"), node("Div", "r root", "q"), node("Erf", "q", "e"), node("Add", "e one", "p")]
OTHERWISE = [node("Add", "one e", "p"), node("Mul", "r half", "h"), node("Mul", "p h", "y")]


@pytest.mark.parametrize(
    "nodes",
    [
        [*INSIDE, node("Mul", "r p", "m"), node("Mul", "m half", "y")],
        [*INSIDE, node("Mul", "half p", "m"), node("Mul", "m r", "y")],
        [*INSIDE, node("Mul", "r half", "h"), node("Mul", "h p", "y")],
        [INSIDE[0], node("Mul", "r inverse", "q"), INSIDE[2], *OTHERWISE],
    ],
    ids=range(4),
)  # fmt: skip
def test_gelu_in_other_operators_is_gelu(nodes, tmp_path):
    assert stages(graph(nodes, **NUMBERS), tmp_path) == ["relu", "gelu"]
    x = numbers(1, 3, 8, 8, seed=99)
    given = Pipeline(read(graph(nodes, **NUMBERS), tmp_path).network).run(x[0], layout="chw")
    (expected,) = ReferenceEvaluator(graph(nodes, **NUMBERS)).run(None, {"x": x})
    np.testing.assert_allclose(given, expected[0], atol=1e-5)


@pytest.mark.parametrize(
    "nodes",
    [
        [node("Erf", "x", "y")],
        [node("Div", "x two", "q"), node("Erf", "q", "y")],
        [*INSIDE, node("Mul", "p p", "y")],
        [*INSIDE, node("Add", "p one", "y")],
        [*INSIDE[:3], node("Add", "e two", "y")],
        [*INSIDE[:3], node("Mul", "e r", "y")],
        [*INSIDE, node("Mul", "r p", "m"), node("Mul", "r m", "y")],
        [*INSIDE, node("Mul", "x p", "y")],
        [*INSIDE, node("Mul", "x half", "h"), node("Mul", "h p", "y")],
        [*INSIDE, node("Relu", "p", "y")],
    ],
    ids=range(10),
)
def test_the_error_function_in_another_way_is_told(nodes, tmp_path):
    said = refusal(graph(nodes, **NUMBERS), tmp_path)
    assert "uses the error function in another way than GELU does" in said
    assert said.startswith("stage ")


def test_what_is_left_of_gelu_is_no_output(tmp_path):
    nodes = [*INSIDE, node("Mul", "r p", "y")]
    assert "it has no output that is computed from a picture: 'y'" in refused(graph(nodes, **NUMBERS), tmp_path)
