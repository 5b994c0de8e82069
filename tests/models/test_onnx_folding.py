"""What graphs compute of sizes and of numbers of the file, against ONNX's own evaluator."""

import numpy as np
import pytest
from onnx import TensorProto, numpy_helper

from cnnfilter import Pipeline
from cnnfilter.errors import KernelError
from cnnfilter.models.onnx.folding import BUDGET
from tests.models.graphs import agrees, graph, node, numbers, read, refusal

CONV = node("Conv", "x w", "a", pads=[1, 1, 1, 1])
LAST = 2**63 - 1


def sized(*nodes):
    """A doubling of a result, by a size that the graph computes."""
    return [
        CONV,
        *nodes,
        node("Resize", "a - - sizes", "y", coordinate_transformation_mode="asymmetric", nearest_mode="floor"),
    ]


TENSORS = {
    "w": numbers(4, 3, 3, 3),
    "two": [2, 2],
    "two0": np.int64(2),
    "from2": [2],
    "last": [LAST],
    "c": [4],
    "n": [1],
    "zero": [0],
    "i2": np.int64(2),
    "i3": np.int64(3),
    "axis": [0],
    "up": np.array([2, 2], np.float32),
    "first2": [0, 1],
    "yes": np.array([True, False, True, True]),
    "twelve": [12, 12],
    "none": [0, 0],
}


@pytest.mark.parametrize(
    "nodes",
    [
        [node("Slice", "s from2 last", "hw"), node("Mul", "hw two", "hw2"), node("Slice", "s zero from2", "nc")],
        [node("Slice", "s from2 last zero n", "hw"), node("Mul", "two hw", "hw2"), node("Gather", "s first2", "nc")],
        [
            node("Gather", "s i2", "h"),
            node("Gather", "s i3", "v"),
            node("Mul", "h two0", "h2"),
            node("Add", "v v", "v2"),
            node("Unsqueeze", "h2 axis", "h3"),
            node("Unsqueeze", "v2 axis", "v3"),
            node("Concat", "h3 v3", "hw2", axis=0),
            node("Concat", "n c", "nc", axis=0),
        ],
        [
            node("Slice", "s from2 last", "hw"),
            node("Cast", "hw", "f", to=TensorProto.FLOAT),
            node("Mul", "f up", "g"),
            node("Floor", "g", "fl"),
            node("Cast", "fl", "hw2", to=TensorProto.INT64),
            node("Concat", "n c", "nc", axis=0),
        ],
        [
            node("Slice", "s from2 last", "hw"),
            node("Mul", "hw two", "m"),
            node("Div", "m two", "d"),
            node("Sub", "d none", "e"),
            node("Mul", "e two", "hw2"),
            node("Identity", "s", "t"),
            node("Slice", "t zero from2", "nc"),
        ],
    ],
    ids=range(5),
)
@pytest.mark.parametrize("x", [(1, 3, 8, 8), ("n", 3, "h", "w")], ids=["told", "untold"])
def test_a_size_computed_from_that_of_a_result(x, nodes, tmp_path):
    sizes = node("Concat", "nc hw2", "sizes", axis=0)
    model = graph(sized(node("Shape", "a", "s"), *nodes, sizes), x=x, **TENSORS)
    assert read(model, tmp_path).size == ((8, 8, 3) if x[2] == 8 else (None, None, 3))
    agrees(model, tmp_path)


def test_what_becomes_of_a_size_that_is_not_told_may_not_be_known(tmp_path):
    nodes = [node("Shape", "a", "s"), node("Slice", "s from2 last", "hw"), node("Add", "hw twelve", "hw2"),
             node("Concat", "n c hw2", "sizes", axis=0)]  # fmt: skip
    model = graph(sized(*nodes), x=("n", 3, "h", "w"), **TENSORS)
    message = "is to give a size that depends on the picture's in a way that is not known"
    assert message in refusal(model, tmp_path)
    nodes = [node("Shape", "a", "s"), node("Slice", "s from2 last", "hw"), node("Div", "hw two", "hw2"),
             node("Concat", "n c hw2", "sizes", axis=0)]  # fmt: skip
    assert message in refusal(graph(sized(*nodes), x=("n", 3, "h", "w"), **TENSORS), tmp_path)
    nodes = [CONV, node("Shape", "a", "s"), node("Pad", "a s2", "y"), node("Concat", "s s", "s2", axis=0)]
    model = graph(nodes, x=("n", 3, "h", "w"), **TENSORS)
    assert "depends on the size of the picture" in refusal(model, tmp_path)
    model = graph([CONV, node("Slice", "a n last3 axes", "y")], x=("n", 3, "h", "w"), last3=[5], axes=[2], **TENSORS)
    assert "takes places that depend on the size of the picture" in refusal(model, tmp_path)
    deconv = node("ConvTranspose", "x v", "y", output_shape=[9, 9])
    model = graph([deconv], x=("n", 3, "h", "w"), v=numbers(3, 2, 3, 3))
    assert "has a padding that depends on the size of the picture" in refusal(model, tmp_path)
    scaled = [node("Flatten", "x", "f"), node("Mul", "f zero0", "y")]
    model = graph(scaled, x=("n", 3, "h", "w"), zero0=np.float32(0))
    assert "multiplies vectors of which the length is not known" in refusal(model, tmp_path)


def test_a_crop_is_known_where_it_is_counted_from_the_ends(tmp_path):
    tensors = {"starts": [1, 0], "ends": [LAST, -2], "axes": [2, 3]}
    agrees(graph([node("Slice", "x starts ends axes", "y")], x=("n", 3, "h", "w"), **tensors), tmp_path)


@pytest.mark.parametrize("x", [("n", 3, 8, 8), ("n", 3, "h", "w")], ids=["told", "untold"])
def test_a_shape_with_what_is_left_as_the_batch_flattens(x, tmp_path):
    nodes = [CONV, node("Reshape", "a shape", "f"), node("Gemm", "f d", "y", transB=1)]
    agrees(graph(nodes, x=x, shape=[-1, 256], d=numbers(5, 256), w=TENSORS["w"]), tmp_path)


def test_a_shape_that_does_not_go_with_unknown_sizes_is_told(tmp_path):
    model = graph([node("Reshape", "x shape", "y")], x=("n", 3, "h", "w"), shape=[1, 5, -1, 7])
    assert "has a shape that does not go with N x C x H x W" in refusal(model, tmp_path)


FEW = {
    "w": numbers(6, 3, 2, 2),
    "b": numbers(6, 1, 1),
    "perm": numbers(3, 6, 2, 2),
    "two": np.float32(2),
    "axis0": [0],
    "i": np.array([0, 1, 2, 3, 4, 5]),
    "yes": np.array([True, False, True, False, True, True]).reshape(6, 1, 1, 1),
    "shape": [6, 3, 2, 2],
    "flat": numbers(72),
    "zeros": np.zeros((6, 3, 2, 2), np.float32),
    "ones": np.ones((1, 3, 2, 2), np.float32),
    "six": np.array([6, 1, 1, 1]),
    "starts": [0],
    "ends": [6],
    "copy": [0, 3, 0, 2],
    "wide": numbers(7, 3, 2, 2),
    "m1": [-1],
}


@pytest.mark.parametrize("many", [1, 90], ids=["at once", "when read"])
@pytest.mark.parametrize(
    "nodes",
    [
        [node("Mul", "w two", "v")],
        [node("Neg", "w", "v")],
        [node("Cast", "w", "v", to=TensorProto.DOUBLE), node("Cast", "v", "v2", to=TensorProto.FLOAT)],
        [node("Transpose", "perm", "v", perm=[1, 0, 2, 3])],
        [node("Unsqueeze", "w axis0", "u"), node("Squeeze", "u axis0", "v")],
        [node("Reshape", "flat shape", "v")],
        [node("Add", "w ones", "q"), node("Div", "q two", "v")],
        [node("Abs", "x", "unused"), node("Identity", "w", "v")],
    ],
    ids=lambda value: " ".join(each.op_type for each in value),
)
def test_weights_that_are_computed(nodes, many, tmp_path):
    tensors = dict(FEW)
    tensors["w"], tensors["perm"] = numbers(6 * many, 3, 2, 2), numbers(3, 6 * many, 2, 2)
    tensors["shape"], tensors["flat"] = [6 * many, 3, 2, 2], numbers(72 * many)
    agrees(graph([*nodes, node("Conv", f"x {nodes[-1].output[0]}", "y")], **tensors), tmp_path)


@pytest.mark.parametrize(
    "nodes",
    [
        [node("Where", "yes w zeros", "v")],
        [node("Gather", "w i", "v")],
        [node("Concat", "w ones", "v", axis=0)],
        [node("Expand", "ones shape", "v")],
        [node("Reshape", "w copy", "v")],
        [node("Slice", "wide starts ends", "v")],
        [node("Sqrt", "ones", "t"), node("Sub", "w t", "s"), node("Max", "s zeros", "t2"), node("Min", "t2 two", "v")],
        [node("Ceil", "w", "v")],
        [node("Equal", "i ends", "e"), node("Reshape", "e six", "e2"), node("Where", "e2 w zeros", "v")],
        [node("ReduceProd", "shape", "p"), node("Reshape", "flat p", "f"), node("Reshape", "f shape", "v")],
        [node("Shape", "w", "s"), node("Reshape", "flat s", "v")],
        [node("Shape", "w", "s", start=1), node("Concat", "m1 s", "t", axis=0), node("Reshape", "flat t", "v")],
    ],
    ids=lambda value: " ".join(each.op_type for each in value),
)
def test_few_numbers_that_are_computed(nodes, tmp_path):
    agrees(graph([*nodes, node("Conv", "x v", "y")], **FEW), tmp_path)


def test_whole_numbers_are_divided_as_onnx_divides_them(tmp_path):
    nodes = [node("Div", "seven minus2", "d"), node("Cast", "d", "f", to=1), node("Add", "x f", "y")]
    agrees(graph(nodes, seven=np.int64(7), minus2=np.int64(-2)), tmp_path)


@pytest.mark.parametrize(
    ("nodes", "message"),
    [
        ([node("Cast", "w", "v", to=TensorProto.STRING)], "casts to a type that is not read"),
        ([node("Reshape", "w i", "v")], "does not fit the numbers that it is given, of the shapes 6x3x2x2 and 6"),
        ([node("Squeeze", "w axis0", "v")], "does not fit the numbers that it is given"),
        ([node("Sin", "w", "v")], "(Sin) is not computed for numbers of the file alone"),
        ([node("Gather", "huge i", "v")], "is not computed for arrays as large as 9000"),
        ([node("Reshape", "huge -", "v")], "is not computed for arrays as large as 9000"),
        ([node("Reshape", "huge huge8", "v")], "computes with an array of 9000, where a few numbers are usual"),
        ([node("Mul", "huge tall", "v")], "makes an array of 20000x9000; at most 134217728 numbers are read"),
        ([node("Reshape", "huge i", "v")], "does not fit the numbers"),
        ([node("Neg", "-", "v")], "(Neg) is not computed for numbers of the file alone"),
        ([node("Reshape", "x shape", "unused")], "has no weights"),
    ],
    ids=lambda value: " ".join(each.op_type for each in value) if isinstance(value, list) else "",
)
def test_what_cannot_be_computed_is_told(nodes, message, tmp_path):
    more = {"huge": numbers(9000), "huge8": np.ones(9000, np.int64), "tall": numbers(20000, 1)}
    known = "v" if any("v" in each.output for each in nodes) else "-"
    last = node("Conv", f"x {known}", "y")
    assert message in refusal(graph([*nodes, last], **FEW, **more), tmp_path)


def test_what_is_computed_at_once_is_no_more_than_a_few_megabytes(tmp_path):
    count = BUDGET // 4096 + 1
    nodes = [node("Neg", "big", f"v{number}") for number in range(count)]
    last = [node("Relu", "x", "r"), node("Add", f"r v{count - 1}", "y")]
    model = graph([*nodes, *last], big=numpy_helper.from_array(np.zeros(4096, np.float32), "big"))
    assert f"makes the arrays that are computed hold over {BUDGET} numbers" in refusal(model, tmp_path)


@pytest.mark.parametrize("operator", ["Add", "Where", "Gather"])
def test_what_would_take_much_memory_is_not_computed(operator, tmp_path):
    tensors = {
        "a": np.ones((4096, 1), np.int64),
        "b": np.ones((1, 4096), np.int64),
        "c": np.ones((4096, 1, 1), np.int64),
    }
    inputs = {"Add": "a b", "Where": "c a b", "Gather": "a b"}[operator]
    model = graph([node(operator, inputs, "v"), node("Mul", "x v", "y")], **tensors)
    assert f"makes the arrays that are computed hold over {BUDGET} numbers" in refusal(model, tmp_path)


def test_a_length_that_is_squared_again_and_again_is_not_known(tmp_path):
    nodes = [node("Shape", "x", "s"), node("Slice", "s from2 last", "v0")]
    nodes += [node("Mul", f"v{number} v{number}", f"v{number + 1}") for number in range(60)]
    last = [node("Concat", "n c v60", "sizes", axis=0), node("Resize", "x - - sizes", "y")]
    tensors = {"from2": [2], "last": [LAST], "n": [1], "c": [3]}
    model = graph([*nodes, *last], x=("n", 3, "h", "w"), **tensors)
    assert "is to give a size that depends on the picture's in a way that is not known" in refusal(model, tmp_path)


def test_large_arrays_that_do_not_go_together_are_told_when_they_are_read(tmp_path):
    whole, scale = np.ones((200, 3, 3, 3), np.int8), np.ones(7, np.float32)
    model = graph([node("DequantizeLinear", "q s", "w", axis=0), node("Conv", "x w", "y")], q=whole, s=scale)
    network = read(model, tmp_path).network
    with pytest.raises(KernelError, match=r"stage 1 \(conv\): DequantizeLinear does not fit the numbers"):
        Pipeline(network).load_weights()


def test_a_weight_that_is_cut_off_while_it_is_read_is_told(tmp_path):
    weight = numbers(20, 3, 3, 3)
    learned = read(graph([node("Conv", "x w", "y")], w=weight), tmp_path).network[0].stage.learned
    source = learned.tensors["w" if "w" in learned.tensors else "weight"].load.args[0]
    with pytest.raises(KernelError, match="it was changed while it was in use"):
        source.array(source.size - 4, 8, "<f4")
