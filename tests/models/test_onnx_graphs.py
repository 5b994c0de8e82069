"""Graphs as exporters write them, against ONNX's own evaluator."""

import numpy as np
import pytest
from onnx import TensorProto
from onnx.reference import ReferenceEvaluator

from cnnfilter import Pipeline
from tests.models.graphs import agrees, both, graph, node, numbers, read

W = numbers(4, 3, 3, 3, seed=1)
DENSE = numbers(5, 256, seed=2)
ROWS = {"w": W, "d": DENSE}
CONV = node("Conv", "x w", "a", pads=[1, 1, 1, 1])


def stages(model, folder):
    return [str(each.stage) for each in read(model, folder).network]


def test_a_flatten_whose_shape_is_computed_from_the_batch(tmp_path):
    model = graph(
        [
            CONV,
            node("Shape", "a", "s"),
            node("Gather", "s zero", "n", axis=0),
            node("Unsqueeze", "n first", "n1"),
            node("Concat", "n1 rest", "shape", axis=0),
            node("Reshape", "a shape", "f"),
            node("Gemm", "f d", "y", transB=1),
        ],
        x=("n", 3, 8, 8), zero=np.int64(0), first=[0], rest=[-1], **ROWS,
    )  # fmt: skip
    assert stages(model, tmp_path) == ["conv:4@3x3:padding=1:bias=no", "flatten", "dense:5:bias=no"]
    agrees(model, tmp_path)


def test_a_network_for_batches_of_a_fixed_size_is_run_on_one_picture(tmp_path):
    nodes = [CONV, node("Reshape", "a shape", "f"), node("Gemm", "f d", "g", transB=1), node("Softmax", "g", "y")]
    model = graph(nodes, x=(4, 3, 8, 8), shape=[4, -1], **ROWS)
    x = numbers(4, 3, 8, 8, seed=99)
    (expected,) = ReferenceEvaluator(model).run(None, {"x": x})
    pipeline = Pipeline(read(model, tmp_path).network)
    np.testing.assert_allclose(pipeline.run(x), expected, rtol=1e-4)


def test_dynamic_sizes_are_none_and_flatten_fits_any(tmp_path):
    model = graph([CONV, node("Flatten", "a", "y")], x=("n", 3, "h", "w"), **ROWS)
    assert read(model, tmp_path).size == (None, None, 3)
    agrees(model, tmp_path, (1, 3, 5, 6))
    agrees(model, tmp_path, (1, 3, 9, 4))


def test_channels_that_are_not_told_are_those_of_the_first_convolution(tmp_path):
    model = graph([CONV, node("Relu", "a", "y")], x=("n", "c", "h", "w"), **ROWS)
    assert read(model, tmp_path).size == (None, None, 3)


@pytest.mark.parametrize("ends", ["maps", "dense", "global"])
def test_channels_last_as_tensorflow_has_them(ends, tmp_path):
    middle = [
        node("Sub", "x mean", "x0"),
        node("Transpose", "x0", "x1", perm=[0, 3, 1, 2]),
        node("Conv", "x1 w", "a0", pads=[1, 1, 1, 1]),
        node("Add", "a0 b", "a"),
        node("Transpose", "a", "t", perm=[0, 2, 3, 1]),
        node("Relu", "t", "r"),
        node("Add", "r b4", "r4"),
        node("Concat", "r4 t", "c", axis=3),
    ]
    end = {
        "maps": [node("Softmax", "c", "y", axis=-1)],
        "dense": [node("Reshape", "c row", "f"), node("MatMul", "f d512", "m"), node("Add", "m bias", "y")],
        "global": [node("ReduceMean", "c", "g", axes=[1, 2], keepdims=0), node("MatMul", "g d8", "y")],
    }[ends]
    model = graph(
        [*middle, *end], x=(1, 8, 8, 3), mean=numbers(3), w=W, b=numbers(4, 1, 1), b4=numbers(4), row=[-1, 512],
        d512=numbers(512, 6, seed=3), bias=numbers(6), d8=numbers(8, 2),
    )  # fmt: skip
    loaded = read(model, tmp_path)
    assert loaded.size == (8, 8, 3)
    x = numbers(1, 8, 8, 3, seed=5)
    (expected,) = ReferenceEvaluator(model).run(None, {"x": x})
    given = Pipeline(loaded.network).run(np.moveaxis(x[0], -1, 0), layout="chw")
    expected = np.moveaxis(expected, -1, 1) if ends == "maps" else expected
    np.testing.assert_allclose(given.ravel(), expected.ravel(), rtol=1e-4, atol=1e-5)
    kinds = [type(each.stage).__name__ for each in loaded.network]
    assert kinds[:2] == ["Normalize", "Conv"]  # the bias became the convolution's
    assert loaded.network[1].stage.biased


@pytest.mark.parametrize(
    ("nodes", "text"),
    [
        ([node("Mul", "x two", "y")], ["normalize:divide=1:std=0.5"]),
        ([node("Add", "x two", "y")], ["normalize:divide=1:mean=-2"]),
        ([node("Sub", "two x", "y")], ["normalize:divide=1:mean=2:std=-1"]),
        ([node("Div", "x two", "y")], ["normalize:divide=1:std=2"]),
        ([node("Sub", "x colours", "a"), node("Div", "a colours", "y")], None),
        ([node("Mul", "x zeros", "y")], ["batchnorm:epsilon=0"]),
        ([node("Mul", "x zero", "y")], ["batchnorm:epsilon=0"]),
        ([node("Sub", "x x2", "y")], None),
        ([node("Sum", "x x2 x", "y")], None),
        ([node("Sum", "x2", "y")], None),
        ([node("Concat", "x2", "y", axis=1)], None),
        ([node("Max", "x zero", "y")], ["clip:min=0"]),
        ([node("Min", "two x", "y")], ["clip:max=2"]),
        ([node("Clip", "x - half", "y")], ["clip:max=0.5"]),
        ([node("Clip", "x zero six", "y")], ["relu6"]),
        ([node("Clip", "x2 - -", "y")], ["abs"]),
        ([node("Sigmoid", "x", "s"), node("Mul", "x s", "y")], ["swish"]),
        ([node("Sigmoid", "x", "s"), node("Mul", "s x", "y")], ["swish"]),
        ([node("HardSigmoid", "x", "s", alpha=1 / 6), node("Mul", "s x", "y")], ["hardswish"]),
        ([node("HardSigmoid", "x", "s"), node("Mul", "s x", "y")], ["hardsigmoid:alpha=0.2", "multiply"]),
        ([node("Sigmoid", "x", "s"), node("Mul", "s s", "t"), node("Add", "t s", "y")], None),
        ([node("Sigmoid", "x", "s"), node("Mul", "s x", "t"), node("Add", "t s", "y")], None),
        ([node("LeakyRelu", "x", "y", alpha=0.1)], ["leaky_relu:slope=0.1"]),
        ([node("PRelu", "x colours", "y")], ["prelu"]),
        ([node("PRelu", "x half", "y")], ["prelu"]),
        ([node("Selu", "x", "y")], ["selu"]),
        ([node("Selu", "x", "y", alpha=2.0, gamma=3.0)], None),
        ([node("Identity", "x2", "i"), node("Cast", "i", "y", to=TensorProto.DOUBLE)], ["abs"]),
        ([node("Pad", "x pads half", "y")], ["pad:1+0x0+2:border=constant=0.5"]),
        ([node("Pad", "x pads", "y", mode="reflect")], ["pad:1+0x0+2:border=reflect"]),
        ([node("Pad", "x2 none", "y")], ["abs"]),
        ([node("Slice", "x one end three", "y")], ["pad:0+0x-1+0"]),
        ([node("Slice", "x2 first end three", "y")], ["abs"]),
        ([node("Dropout", "x half", "y mask")], ["dropout:0.5"]),
        ([node("ReduceMax", "x", "y", axes=[2, 3])], ["globalmaxpool"]),
        ([node("GlobalMaxPool", "x", "y")], ["globalmaxpool"]),
        ([node("Upsample", "x scales", "y", mode="nearest")], None),
        ([node("Resize", "x2 - - same", "y")], ["abs"]),
        ([node("Reshape", "x grouped", "g"), node("Relu", "g", "r"), node("Reshape", "r same", "y")], ["relu"]),
        ([node("Resize", "x - scales", "y", coordinate_transformation_mode="asymmetric")], None),
    ],
    ids=lambda value: " ".join(each.op_type for each in value) if value and not isinstance(value[0], str) else "",
)
def test_arithmetic_and_the_like(nodes, text, tmp_path):
    tensors = {
        "two": np.float32(2), "half": np.array([0.5], np.float32), "zero": np.float32(0), "six": np.float32(6),
        "colours": np.array([0.25, 0.5, 2], np.float32).reshape(3, 1, 1),
        "zeros": np.array([0, 1, 2], np.float32).reshape(1, 3, 1, 1), "pads": [0, 0, 1, 0, 0, 0, 0, 2],
        "none": [0] * 8, "one": [1], "end": [10**12], "three": [3], "first": [0],
        "same": [1, 3, 8, 8], "ones": [1, 3, 1, 1], "grouped": [1, 3, 2, 4, 8],
        "scales": np.array([1, 1, 2, 3], np.float32),
    }  # fmt: skip
    nodes = [node("Abs", "x", "x2"), *nodes] if any("x2" in each.input for each in nodes) else nodes
    opset = 9 if nodes[-1].op_type == "Upsample" else 17
    tensors["half"] = tensors["half"].reshape(()) if nodes[-1].op_type == "Clip" else tensors["half"]
    if nodes[-1].op_type == "Dropout":
        tensors["half"] = np.float32(0.5)
    model = graph(nodes, opset=opset, **tensors)
    if text is not None:
        assert stages(model, tmp_path) == text
    agrees(model, tmp_path)


def test_a_bias_is_taken_into_its_layer_where_nothing_else_reads_that(tmp_path):
    tensors = {"w": W, "b": numbers(4, 1, 1)}
    alone = [node("Conv", "x w", "a"), node("Sub", "a b", "y")]
    assert stages(graph(alone, **tensors), tmp_path) == ["conv:4@3x3"]
    agrees(graph(alone, **tensors), tmp_path)
    assert [each.aliases for each in read(graph(alone, **tensors), tmp_path).network] == [("y",)]
    read_twice = [*alone[:1], node("Add", "a b", "c"), node("Add", "a c", "y")]
    assert stages(graph(read_twice, **tensors), tmp_path)[0] == "conv:4@3x3:bias=no"
    agrees(graph(read_twice, **tensors), tmp_path)
    agrees(
        graph([*alone[:1], node("Relu", "a", "r"), node("Add", "a b", "c"), node("Add", "r c", "y")], **tensors),
        tmp_path,
    )


@pytest.mark.parametrize(
    ("attributes", "pads"),
    [
        ({}, None),
        ({"strides": [2, 3], "output_padding": [1, 2]}, None),
        ({"dilations": [2, 1]}, None),
        ({"strides": [2, 2], "auto_pad": "SAME_UPPER"}, [0, 0, 1, 1]),
        ({"strides": [2, 2], "auto_pad": "SAME_LOWER"}, [1, 1, 0, 0]),
        ({"strides": [2, 2], "output_shape": [15, 16]}, [1, 1, 1, 0]),
        ({"strides": [2, 2], "output_shape": [1, 2, 15, 16], "auto_pad": "SAME_UPPER"}, [1, 0, 1, 1]),
        ({"strides": [2, 2], "output_shape": [15, 16], "auto_pad": "SAME_LOWER"}, [1, 1, 1, 0]),
    ],
    ids=str,
)
def test_transposed_convolutions(attributes, pads, tmp_path):
    """What ONNX's evaluator does not do is compared with the same paddings, which ONNX Runtime 1.32 has too."""

    def model(attributes):
        nodes = [node("ConvTranspose", "x w b", "y", **attributes)]
        return graph(nodes, x=(1, 4, 8, 8), w=numbers(4, 2, 3, 3), b=numbers(2))

    told = {"strides": [2, 2], "pads": pads} if pads else attributes
    given, _ = both(model(told), tmp_path, (1, 4, 8, 8))
    agrees(model(told), tmp_path, (1, 4, 8, 8))
    x = numbers(1, 4, 8, 8, seed=99)
    np.testing.assert_array_equal(Pipeline(read(model(attributes), tmp_path).network).run(x[0], layout="chw"), given)
