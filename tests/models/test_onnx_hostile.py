"""Small ONNX files that ask for much: each is planned or refused in one line, soon and in little memory."""

import time
import tracemalloc

import numpy as np
import pytest
from onnx import TensorProto, helper

from cnnfilter import Pipeline
from cnnfilter.errors import KernelError
from cnnfilter.models import load
from cnnfilter.models.onnx.folding import DEEPEST, LARGEST, SHARED
from cnnfilter.models.onnx.reading import NEWEST_OPSET
from tests.command import run
from tests.models.graphs import agrees, graph, node, numbers, read, refusal, refused
from tests.models.test_onnx_damage import field

W = numbers(200, 3, 3, 3)
LONG = "A" * 100_000


@pytest.fixture(autouse=True)
def soon():
    """Each of these takes little time, though it asks for hours."""
    begin = time.monotonic()
    yield
    assert time.monotonic() - begin < 10


@pytest.fixture
def modest():
    """Little memory is taken, though gigabytes are asked for."""
    tracemalloc.start()
    yield
    taken = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert taken < 64 << 20


def chain(operator, count, first="w"):
    """Operations one after the other, the last giving `v`; of two inputs both are what the one before gives."""
    twice = operator in ("Add", "Mul")
    names = [first, *(f"v{number}" for number in range(1, count)), "v"]
    return [
        node(operator, " ".join([given] * (1 + twice)), made) for given, made in zip(names, names[1:], strict=False)
    ]


@pytest.mark.usefixtures("modest")
def test_weights_that_double_again_and_again_are_refused(tmp_path):
    message = f"would have over {LARGEST + SHARED * W.size} numbers made of those in the file"
    assert message in refusal(graph([*chain("Add", 30), node("Conv", "x v", "y")], w=W), tmp_path)


def test_weights_behind_many_operations_are_refused(tmp_path):
    model = graph([*chain("Neg", 3000), node("Conv", "x v", "y")], w=W)
    assert f"is one of over {DEEPEST} operations, one after the other" in refusal(model, tmp_path)
    agrees(graph([*chain("Neg", DEEPEST), node("Conv", "x v", "y")], w=W), tmp_path)


def test_weights_that_double_a_few_times_are_computed(tmp_path):
    agrees(graph([*chain("Add", 5), node("Conv", "x v", "y")], w=W / 32), tmp_path)


@pytest.mark.usefixtures("modest")
def test_numbers_that_a_file_repeats_are_taken_a_few_times(tmp_path):
    tensors = {"s": [3, LARGEST // 3], "t": [LARGEST // 3, 3]}
    nodes = [node("ConstantOfShape", "s", "a"), node("ConstantOfShape", "t", "b"), node("GlobalAveragePool", "x", "g")]
    nodes += [node("Flatten", "g", "f"), node("MatMul", "f a", "h"), node("MatMul", "h b", "y")]
    said = refusal(graph(nodes, **tensors), tmp_path)
    assert said.startswith("stage 4 (MatMul): the node 'y' (MatMul) would have over 1342177")


@pytest.mark.parametrize("place", ["initializer", "Constant"])
def test_weights_are_shared_as_often_as_they_may(place, tmp_path, monkeypatch):
    monkeypatch.setattr("cnnfilter.models.onnx.folding.LARGEST", 0)
    square = numbers(3, 3, 5, 5)
    tensors = {"v": square} if place == "initializer" else {}
    first = [] if tensors else [helper.make_node("Constant", [], ["v"], value=_tensor(square))]
    names = ["x", *(f"a{number}" for number in range(1, SHARED + 1))]
    layers = [node("Conv", f"{given} v", made, pads=[2] * 4) for given, made in zip(names, names[1:], strict=False)]
    assert len(read(graph([*first, *layers], outputs=names[-1], **tensors), tmp_path).network) == SHARED
    once_more = node("Conv", f"{names[-1]} v", "y")
    assert "numbers made of those in the file" in refusal(graph([*first, *layers, once_more], **tensors), tmp_path)


def _tensor(array):
    return helper.make_tensor("value", TensorProto.FLOAT, array.shape, array.ravel().tolist())


@pytest.mark.usefixtures("modest")
def test_whole_numbers_without_end_are_refused(tmp_path):
    nodes = [node("Shape", "x", "s"), *chain("Mul", 26, "s"), node("Reshape", "x v", "y")]
    said = refusal(graph(nodes, x=("n", 3, "h", "w")), tmp_path)
    assert "(Mul) gives a whole number of over 63 bits" in said


@pytest.mark.usefixtures("modest")
@pytest.mark.parametrize(
    ("operation", "tensors"),
    [
        (node("Concat", " ".join(["a"] * 40_000), "v", axis=0), {"a": np.zeros(4096, np.float32)}),
        (
            node("Where", "a b c", "v"),
            {"a": np.ones((700, 1, 1)), "b": np.ones((1, 700, 1)), "c": np.ones((1, 1, 700))},
        ),
        (node("Expand", "a b", "v"), {"a": np.ones(1), "b": [1 << 20, 1 << 20]}),
    ],
    ids=["Concat", "Where", "Expand"],
)
def test_arrays_that_become_large_are_not_made(operation, tensors, tmp_path):
    message = "makes the arrays that are computed hold over 1048576 numbers"
    assert message in refusal(graph([operation, node("Reshape", "x v", "y")], **tensors), tmp_path)


@pytest.mark.usefixtures("modest")
def test_a_scale_does_not_spread_what_is_quantised(tmp_path):
    tensors = {"q": np.ones((4096, 1), np.int8), "s": np.ones(4096, np.float32)}
    message = "does not fit the numbers that it is given, of the shapes 4096x1 and 4096"
    assert message in refusal(
        graph([node("DequantizeLinear", "q s", "v"), node("Mul", "x v", "y")], **tensors), tmp_path
    )


@pytest.mark.parametrize(
    "operation", [node("Cast", "few many", "v", to=1), node("Add", "none many", "v")], ids=["Cast", "Add"]
)
def test_few_numbers_are_not_made_of_many(operation, tmp_path):
    tensors = {"few": np.ones(3, np.float32), "none": np.ones((0, 1), np.float32), "many": numbers(5000)}
    said = refusal(graph([operation, node("Mul", "x v", "y")], **tensors), tmp_path)
    assert f"({operation.op_type}) does not fit the numbers that it is given" in said


@pytest.mark.parametrize("inputs", ["w one", "w"])
def test_no_array_is_where_a_result_is_written(inputs, tmp_path):
    tensors = {"w": np.float32(3), "one": np.float32(1)}
    operator = "Neg" if " " in inputs else "Add"
    model = graph(
        [node(operator, inputs, "v"), node("Mul", "x v", "z"), node("Add", "x one", "y")], outputs="z", **tensors
    )
    assert f"({operator}) does not fit the numbers that it is given" in refusal(model, tmp_path)


def test_many_arrays_that_do_not_go_together_are_not_all_listed(tmp_path):
    tensors = {"a": np.ones((2, 2), np.float32), "b": np.ones(2, np.float32)}
    model = graph([node("Concat", "a b " * 9000, "v", axis=0), node("Mul", "x v", "y")], **tensors)
    assert refusal(model, tmp_path).endswith("of the shapes 2x2 and 2 and 2x2 and 2 and so on")


@pytest.mark.usefixtures("modest")
@pytest.mark.parametrize("operator", ["Unsqueeze", "Reshape"])
def test_a_result_of_many_axes_is_refused(operator, tmp_path):
    axes = np.arange(4000) if operator == "Unsqueeze" else np.ones(4000, np.int64)
    nodes = [node(operator, f"{'x' if number == 0 else f'a{number}'} axes", f"a{number + 1}") for number in range(2000)]
    said = refusal(graph([*nodes, node("Relu", "a2000", "y")], axes=axes), tmp_path)
    assert f"is to give {4004 if operator == 'Unsqueeze' else 4000} axes; up to 16 are possible" in said


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (field(7, b"\x5a\x00" * 4_000_000), "20000 nodes, tensors and the like"),  # inputs
        (b"\x42\x00" * 4_000_000, "20000 nodes, tensors and the like"),  # operator sets
        (field(7, field(1, b"\x2a\x00" * 400) * 300), "100000 attributes"),
        (field(7, field(1, b"\x0a\x00" * 1_000_000)), "400000 fields"),
        (b"\x32\x00" * 4_000_000, "400000 fields"),  # notes, which are passed over
    ],
    ids=["inputs", "operator sets", "attributes", "names", "notes"],
)
def test_a_file_of_a_great_many_parts_is_refused(data, message, tmp_path):
    (tmp_path / "net.onnx").write_bytes(data)
    with pytest.raises(KernelError, match=f"it has over {message}"):
        load(tmp_path / "net.onnx")


def test_what_is_told_twice_is_refused(tmp_path):
    model = graph([node("Conv", "x w", "y")], w=W)
    model.graph.initializer.append(model.graph.initializer[0])
    assert refused(model, tmp_path) == "it holds two tensors of the name 'w'"
    model = graph([node("Conv", "x w", "y", group=1)], w=W)
    model.graph.node[0].attribute.append(model.graph.node[0].attribute[0])
    assert refused(model, tmp_path) == "a node (Conv) has the attribute 'group' twice"


def test_a_later_opset_is_read_with_a_note(tmp_path):
    notes = [read(graph([node("Relu", "x", "y")], opset=NEWEST_OPSET + later), tmp_path).notes for later in (0, 1)]
    assert notes == [(), (f"it is of opset {NEWEST_OPSET + 1}, read as {NEWEST_OPSET} is, the newest known",)]


@pytest.mark.parametrize(
    "operation",
    [
        node("Conv", "x w", "y", auto_pad=LONG),
        node("Conv", "x w", "y", pads=[1] * 9000),
        node("Conv", "x w", "y", strides=[2**60] * 2),
        node("ConvTranspose", "x w3", "y", output_shape=[1] * 9000),
        node("Resize", "x - up", "y", mode=LONG),
        node("Resize", "x - up", "y", keep_aspect_ratio_policy=LONG),
        node("Resize", "x - up", "y", coordinate_transformation_mode=LONG),
        node("Resize", "x - up", "y", nearest_mode=LONG),
        node("Pad", "x pads", "y", mode=LONG),
        node("Gelu", "x", "y", approximate=LONG),
        node("Transpose", "x", "y", perm=[0] * 9000),
        node("Relu", "x", "y", **{LONG: 1}),
        node(LONG, "x", "y", name=LONG, domain=LONG),
    ],
    ids=lambda each: f"{each.op_type[:20]} {each.attribute[0].name[:20] if each.attribute else ''}",
)
def test_texts_of_a_file_are_not_told_at_length(operation, tmp_path):
    tensors = {"w": W, "w3": numbers(3, 1, 3, 3), "up": np.ones(4, np.float32), "pads": [0, 0, 1, 1, 0, 0, 1, 1]}
    assert len(refusal(graph([operation], opset=20, **tensors), tmp_path)) < 400


def test_many_outputs_are_not_all_listed(tmp_path):
    nodes = [node("Relu", "x", f"y{number}") for number in range(500)]
    (note,) = read(graph(nodes, outputs=" ".join(f"y{number}" for number in range(500))), tmp_path).notes
    assert note.endswith("'y19', 'y20' and 479 more")


def test_an_unknown_form_of_gelu_is_planned_up_to(tmp_path):
    nodes = [node("Relu", "x", "r"), node("Gelu", "r", "y", approximate="sigmoid")]
    (tmp_path / "net.onnx").write_bytes(graph(nodes, opset=20).SerializeToString())
    result = run("shape", tmp_path / "net.onnx")
    assert result.exit_code == 2
    assert "relu" in result.out
    assert result.messages == [
        "cnnfilter: error: stage 2 (Gelu): the node 'y' (Gelu) unknown approximate 'sigmoid' (known: none, tanh)"
    ]


@pytest.mark.parametrize("attributes", [{"to": TensorProto.STRING}, {"to": TensorProto.FLOAT8E5M2}])
def test_what_is_not_computed_of_weights_is_told_when_they_are_read(attributes, tmp_path):
    network = read(graph([node("Cast", "w", "v", **attributes), node("Conv", "x v", "y")], w=W), tmp_path).network
    with pytest.raises(KernelError, match="Cast casts to a type that is not read"):
        Pipeline(network).load_weights()
