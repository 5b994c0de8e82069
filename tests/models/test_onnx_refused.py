"""What no stage does: one line with the node, the operator and what is known nearest, at its place in the plan."""

import numpy as np
import pytest
from onnx import TensorProto, helper

from tests.models.graphs import graph, node, numbers, read, refusal

TENSORS = {
    "w": numbers(4, 3, 3, 3),
    "w2": numbers(3, 1, 3, 3),
    "two": np.float32(2),
    "zero": np.float32(0),
    "inf": np.float32(np.inf),
    "row": numbers(8),
    "d": numbers(5, 192),
    "none": [0],
    "axes": [2, 3],
    "minus": [-1, -1],
    "big": numbers(70, 70),
    "seven": [7, 7, 7],
    "pads": [0, 0, 1, 1],
    "many": [0, 1, 0, 0, 0, 0, 0, 0],
    "one": [1],
    "five": [5],
    "steps": [2],
    "two3": [2, 3],
    "scales": np.array([1, 2, 1, 1], np.float32),
    "sizes": [1, 6, 8, 8],
    "w1d": numbers(4, 3, 3),
    "w0": numbers(0, 3, 3, 3),
    "nothing": np.zeros((0, 192), np.float32),
    "minus1": [-1],
}


def conv(**attributes):
    return [node("Conv", "x w", "y", **attributes)]


@pytest.mark.parametrize(
    ("nodes", "message"),
    [
        (
            [node("Relou", "x", "y", name="n1")],
            "stage 1 (Relou): the node 'n1' (Relou) is no operator that is known; did you mean Selu, Relu or Gelu?",
        ),
        (
            [node("Relu", "x", "y", domain="com.example")],
            "the node 'y' (Relu) is an operator of 'com.example', not of ONNX itself",
        ),
        (
            [node("QLinearConv", "x w two two", "y")],
            "computes in int8: the network is quantised; export it with float32",
        ),
        ([node("QuantizeLinear", "x two", "y")], "computes in int8"),
        ([node("Scan", "x", "y", num_scan_inputs=1)], "has graphs of its own"),
        ([node("Relu", "x", "y", slope=1.0)], "has the attribute 'slope', which is not known"),
        (conv(pads=[1.0, 2.0]), "has the attribute 'pads' of another kind than it takes"),
        ([node("Relu", "x two", "y")], "has 2 inputs; it takes 1"),
        ([node("Conv", "x", "y")], "has 1 input; it takes 2 to 3"),
        (conv(group=2), "has weights for 6 channels, but 3 arrive"),
        ([node("Conv", "x w1d", "y")], "has weights of 3 axes; convolutions over pictures have 4"),
        ([node("Conv", "x w0", "y")], "has weights of 0x3x3x3 for a window of other size"),
        ([node("Conv", "x x", "y")], "computes its weights from the picture"),
        ([node("Conv", "x -", "y")], "has no weights"),
        ([node("Conv", "x w4", "y", group=3)], "has 4 filters in 3 groups"),
        ([node("If", "x", "y", then_branch=helper.make_graph([], "g", [], []))], "has graphs of its own"),
        ([node("Relu", "x", "y", then_branch=helper.make_graph([], "g", [], []))], "has the attribute 'then_branch'"),
        ([node("Add", "x deep", "y")], "takes numbers of 2x1x3x8x8 and N x C x H x W"),
        ([node("Reshape", "x part", "y")], "has a shape that leaves out places of N x C x H x W"),
        (conv(kernel_shape=[2, 2]), "for a window of other size"),
        (conv(auto_pad="SAME"), "has the auto_pad 'SAME'"),
        (conv(pads=[-1, 0, 0, 0]), "has pads (-1, 0, 0, 0); 4 of 0 to 1000000 are those of pictures"),
        (conv(strides=[0, 1]), "has strides (0, 1); from 1 to 1000000 is possible"),
        (conv(strides=[2]), "has a window of 1 axes (strides); those of pictures have 2"),
        (conv(dilations=[9, 9]), "window 3x3 (spanning 19x19 when dilated) does not fit in 8x8"),
        ([node("ConvTranspose", "x w", "y")], "has weights for 4 channels, but 3 arrive"),
        ([node("ConvTranspose", "x w2", "y", output_shape=[0, 1])], "is to give a result of (0, 1)"),
        ([node("MaxPool", "x", "y")], "has no kernel_shape"),
        (
            [node("MaxPool", "x", "p i", kernel_shape=[2, 2]), node("Mul", "p i", "y")],
            "reads 'i', a further result of 'p' (MaxPool)",
        ),
        ([node("Softmax", "x", "y", axis=9)], "has no axis 9 in its input of 4 axes"),
        ([node("Swish", "x", "y", alpha=2.0)], "has alpha=2; 1 is done"),
        ([node("Slice", "x none one five", "y")], "has no axis 5 in its input of 4 axes"),
        ([node("Slice", "x none one axes", "y")], "has 1 starts and 1 ends for 2 axes"),
        ([node("Selu", "x", "y", gamma=0.0)], "has gamma=0, which leaves nothing"),
        ([node("Max", "x x", "y")], "compares results with each other; with a number it is done"),
        ([node("Clip", "x row", "y")], "has 8 numbers for its min; one is possible"),
        ([node("Cast", "x", "y", to=TensorProto.INT64)], "casts to a type that is not one of floating-point numbers"),
        ([node("BatchNormalization", "x row row row row", "y", spatial=0)], "has a mean for each place (spatial=0)"),
        (
            [node("Transpose", "x", "t"), node("BatchNormalization", "t row row row row", "y")],
            "takes N x C x H x W, not W x H x C x N",
        ),
        ([node("BatchNormalization", "x row row row row", "y")], "its weight is 8, but it must be 3"),
        (
            [node("Add", "x row", "y")],
            "takes numbers of 8 and N x C x H x W; one, or one for each channel, is possible",
        ),
        ([node("Add", "x -", "y")], "has one input; it takes two"),
        ([node("Div", "two x", "y")], "divides by a result; by a number it is done"),
        ([node("Div", "x zero", "y")], "divides by 0"),
        ([node("Mul", "x inf", "y")], "computes with a number that is not finite"),
        ([node("Concat", "x x", "y")], "has no axis"),
        ([node("Concat", "x x", "y", axis=2)], "joins along axis 2 of N x C x H x W"),
        ([node("Concat", "x two", "y", axis=1)], "has no input that comes from the picture where it needs one"),
        ([node("Flatten", "x", "f"), node("Add", "f x", "y")], "joins results of other axes"),
        ([node("Gemm", "x d", "y", transB=1)], "takes a vector, but its input has the axes N x C x H x W"),
        ([node("Flatten", "x", "f"), node("Gemm", "f big", "y")], "has weights for 70 numbers, but 192 arrive"),
        (
            [node("Flatten", "x", "f"), node("Gemm", "f nothing", "y", transB=1)],
            "has weights of 0x192; those of a dense layer",
        ),
        (
            [node("Flatten", "x", "f"), node("Gemm", "f d big", "y", transB=1)],
            "has a bias of 70x70 for 5 results of one picture",
        ),
        ([node("Reshape", "x minus", "y")], "has -1 twice in its shape"),
        ([node("Reshape", "x seven", "y")], "has a shape that does not go with N x C x H x W"),
        ([node("Reshape", "x two3", "y")], "has a shape that does not go with N x C x H x W"),
        ([node("Reshape", "x x", "y")], "computes its shape from the picture"),
        (
            [node("Flatten", "x", "f"), node("Reshape", "f none3", "y")],
            "has 0 for axis 2, which its input does not have",
        ),
        ([node("Reshape", "x big", "y")], "computes with an array of 70x70, where a few numbers are usual"),
        ([node("Transpose", "x", "y", perm=[0, 0, 1, 2])], "has no order of 4 axes: (0, 0, 1, 2)"),
        ([node("Squeeze", "x axes", "y")], "leaves out axis 2, which has more than one place"),
        ([node("Unsqueeze", "x minus", "y")], "puts in axes (-1, -1), of which one cannot be or is told twice"),
        ([node("Pad", "x pads", "y")], "has 4 pads for 4 axes"),
        ([node("Pad", "x many", "y")], "pads axis 1; those of height and width are done"),
        ([node("Pad", "x many8", "y", mode="odd")], "has the mode 'odd'"),
        ([node("Slice", "x none one one steps", "y")], "takes every second place or the like"),
        (
            [node("Slice", "x none one one", "y")],
            "takes some of axis 1 of N x C x H x W; rows and columns are taken away",
        ),
        ([node("Resize", "x - scales", "y")], "resizes more than height and width"),
        ([node("Resize", "x - - sizes", "y")], "resizes more than height and width"),
        ([node("Resize", "x", "y")], "has neither scales nor sizes"),
        ([node("Resize", "x - scales", "y", mode="cubic")], "has the mode 'cubic'; nearest and linear are done"),
        (
            [node("ReduceMean", "x", "y", axes=[1])],
            "reduces axes [1] of N x C x H x W; height and width together are done",
        ),
        (
            [node("Reshape", "x grouped", "g"), node("GlobalAveragePool", "g", "y")],
            "takes pictures, N x C x H x W, not 3-D data",
        ),
        (
            [node("Reshape", "x halves", "g"), node("Relu", "g", "y")],
            "the output 'y' has its numbers in an order that no stage gives",
        ),
        ([node("Reshape", "x halves", "g"), node("ReduceMean", "g", "y", axes=[3])], "reduces axes [3]"),
        ([node("Reshape", "x halves", "g"), node("ReduceMean", "g", "y", axes=[4])], "works on channels in groups"),
        (
            [
                node("Flatten", "x", "f"),
                node("Transpose", "x", "t", perm=[0, 2, 3, 1]),
                node("Flatten", "t", "u"),
                node("Add", "f u", "y"),
            ],
            "joins vectors that were flattened in other orders",
        ),
        (
            [node("Foo", "two", "k"), node("Mul", "x k", "y")],
            "(Mul) needs what is not known: the node 'k' (Foo) is not computed for numbers of the file alone",
        ),
        ([node("Foo", "two", "k"), node("Foo", "k", "m"), node("Mul", "x m", "y")], "the node 'k' (Foo)"),
        ([node("Foo", "two", "k", domain="com.example"), node("Mul", "x k", "y")], "is an operator of 'com.example'"),
        ([node("Mul", "x b", "y")], "reads the input 'b', and one input is run"),
    ],
    ids=lambda value: " ".join(each.op_type for each in value) if isinstance(value, list) else "",
)
def test_an_operation_that_no_stage_does_is_told(nodes, message, tmp_path):
    others = [helper.make_tensor_value_info("b", TensorProto.FLOAT, [1])]
    more = {
        "w4": numbers(4, 1, 3, 3),
        "deep": numbers(2, 1, 3, 8, 8),
        "part": [1, 3, 8],
    } | {
        "none3": [1, 192, 0],
        "many8": [0, 0, 1, 1, 0, 0, 1, 1],
        "grouped": [1, 3, 8, 8, 1],
        "halves": [1, 3, 4, 2, 8],
    }
    model = graph(nodes, others=others, **TENSORS, **more)
    said = refusal(model, tmp_path)
    assert message in said
    assert said.startswith("stage ")


@pytest.mark.parametrize(
    ("nodes", "message"),
    [
        ([node("Dropout", "x", "y", ratio=7.0)], "rate must be from 0 to 1, not 7.0"),
        ([node("LeakyRelu", "x", "y", alpha=float("nan"))], "slope must be a finite number"),
        ([node("LRN", "x", "y", size=0)], "size must be"),
    ],
    ids=["Dropout", "LeakyRelu", "LRN"],
)
def test_what_a_stage_refuses_is_told_at_its_place(nodes, message, tmp_path):
    model = graph([node("Relu", "x", "r"), *nodes[:-1], nodes[-1]], opset=9)
    model.graph.node[1].input[0] = "r"
    said = refusal(model, tmp_path)
    assert said.startswith(f"stage 2 ({nodes[-1].op_type}): the node 'y' ({nodes[-1].op_type}) {message}")


@pytest.mark.parametrize("operator", ["GlobalAveragePool", "GlobalMaxPool", "BatchNormalization", "LRN"])
def test_without_a_batch_other_axes_are_meant(operator, tmp_path):
    inputs = "x b b b b" if operator == "BatchNormalization" else "x"
    attributes = {"size": 3} if operator == "LRN" else {}
    model = graph([node(operator, inputs, "y", **attributes)], x=(3, 8, 8), b=numbers(8, low=0.5))
    assert "N x C x H x W, not " in refusal(model, tmp_path)


def test_nothing_is_left_of_an_operation_that_is_refused_half_done(tmp_path):
    nodes = [node("Relu", "x", "r"), node("Flatten", "r", "f"), node("Sub", "r f", "y"), node("Conv", "r w", "z")]
    network = read(graph(nodes, outputs="z y", w=TENSORS["w"]), tmp_path).network
    assert [str(each.stage) for each in network] == ["relu", "flatten", "conv:4@3x3:bias=no"]
