"""ONNX files: names, inputs and outputs, order, versions, and what is no network for pictures."""

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from cnnfilter import Pipeline
from cnnfilter.errors import CnnfilterError, KernelError
from cnnfilter.models import load
from cnnfilter.models.onnx.reading import read_graph
from tests.models.graphs import agrees, graph, node, numbers, read, refused

CONV = [node("Conv", "x w", "y", name="first")]
W = numbers(20, 3, 3, 3, seed=4)  # large enough to stay in the file


def test_nodes_answer_to_their_own_name_and_that_of_their_result(tmp_path):
    nodes = [
        node("Conv", "x w", "a", name="conv/1"), node("Identity", "a", "b", name="same"),
        node("Relu", "b", "c", name="conv/1"), node("Relu", "c", "d"), node("Tanh", "d", "y", name="y\n\x1b[31m"),
    ]  # fmt: skip
    loaded = read(graph(nodes, w=W), tmp_path)
    assert [(each.name, each.aliases) for each in loaded.network] == [
        ("conv/1", ("a", "same", "b")), ("c", ()), ("d", ()), ("y\n\x1b[31m", ("y",)),
    ]  # fmt: skip
    assert [loaded.network.find(name) for name in ("conv/1", "b", "c", "y", "y\n\x1b[31m", 2)] == [0, 0, 1, 3, 3, 1]
    assert (loaded.inputs, loaded.outputs, loaded.notes) == (("x",), ("y",), ())


def test_of_several_outputs_the_first_that_nothing_follows_from_is_the_result(tmp_path):
    nodes = [node("Conv", "x w", "a"), node("Relu", "a", "b"), node("Tanh", "b", "c"), node("Sigmoid", "a", "aside")]
    loaded = read(graph(nodes, outputs="b c", w=W), tmp_path)
    assert loaded.outputs == ("c", "b")
    assert [each.name for each in loaded.network] == ["a", "b", "aside", "c"]
    assert loaded.notes == ("its result is 'c'; --node gives the others: 'b'",)
    agrees(graph(nodes, outputs="c b", w=W), tmp_path, node="c")
    agrees(graph(nodes, outputs="b c", w=W), tmp_path, node="b")


def test_what_follows_from_the_result_alone_is_left_out(tmp_path):
    nodes = [node("Conv", "x w", "a"), node("Relu", "a", "b"), node("Tanh", "b", "c")]
    assert [each.name for each in read(graph(nodes, outputs="b", w=W), tmp_path).network] == ["a", "b"]


def test_several_inputs_are_named_and_one_is_run(tmp_path):
    others = [helper.make_tensor_value_info("mask", TensorProto.FLOAT, [1, 20, 6, 6])]
    nodes = [node("Conv", "x w", "a"), node("Mul", "a mask", "b"), node("Relu", "a", "y")]
    loaded = read(graph(nodes, others=others, w=W), tmp_path)
    assert loaded.inputs == ("x", "mask")
    assert loaded.notes == ("its input is 'x'; it has others too, of which nothing is run: 'mask'",)
    loaded = read(graph(nodes, outputs="b y", others=others, w=W), tmp_path)
    assert [each.name for each in loaded.network] == ["a", "y", "b"]  # the first is told, and asked for by its name


def test_up_to_what_is_not_known_a_network_is_planned_and_run(tmp_path):
    nodes = [node("Conv", "x w", "a"), node("Relu", "a", "r"), node("Foo", "r", "f"), node("Tanh", "f", "t"),
             node("Add", "t a", "y"), node("Foo", "a", "elsewhere")]  # fmt: skip
    network = read(graph(nodes, w=W), tmp_path).network
    assert [each.name for each in network] == ["a", "r", "f"]
    assert Pipeline(network).run(numbers(3, 8, 8), node="r").shape == (20, 6, 6)
    with pytest.raises(CnnfilterError, match=r"stage 3 \(Foo\): the node 'f' \(Foo\) is no operator that is known"):
        Pipeline(network).plan((8, 8, 3))


def test_operations_may_stand_in_any_order(tmp_path):
    nodes = [node("Tanh", "r", "y"), node("Conv", "x w", "a"), node("Relu", "a", "r")]
    network = read(graph(nodes, w=W), tmp_path).network
    assert [each.name for each in network] == ["a", "r", "y"]


@pytest.mark.parametrize(
    ("nodes", "message"),
    [
        (
            [node("Relu", "b", "a"), node("Relu", "a", "b"), node("Relu", "x", "y")],
            "its operations go in a circle, of which the node 'a' (Relu) is one",
        ),
        ([node("Relu", "x", "y"), node("Tanh", "x", "y")], "the value 'y' is made twice"),
        ([node("Relu", "x", "x")], "the value 'x' is made twice"),
        ([node("Add", "x none", "y")], "the node 'y' (Add) reads 'none', which nothing makes"),
        ([], "it holds no operations"),
        ([node("Shape", "x", "y")], "it has no output that is computed from a picture: 'y'"),
        (
            [node("MaxPool", "x", "p i", kernel_shape=[2, 2]), node("Cast", "i", "y", to=1)],
            "it has no output that is computed from a picture: 'y'; one reads 'i', a further",
        ),
    ],
    ids=lambda value: "",
)
def test_graphs_that_cannot_be(nodes, message, tmp_path):
    assert refused(graph(nodes), tmp_path).startswith(message)


@pytest.mark.parametrize(
    ("x", "kind", "what"),
    [
        ((1, 128), TensorProto.INT64, "takes int64 of 1x128, as networks for texts and tables do"),
        (("batch", "words"), TensorProto.INT32, "takes int32 of batchxwords, as networks for texts"),
        ((1,), TensorProto.STRING, "takes text of 1, as networks for texts"),
        ((1, 3, 8, 8, 8), TensorProto.FLOAT, "takes 5 axes, where pictures have 2 to 4"),
        ((), TensorProto.FLOAT, "takes 0 axes, where pictures have 2 to 4"),
        ((1, 3, 8, 8), TensorProto.FLOAT8E5M2, "takes float8 of 1x3x8x8"),
    ],
)
def test_what_is_no_network_for_pictures_is_told(x, kind, what, tmp_path):
    message = refused(graph([node("Relu", "x", "y")], x=x, kind=kind), tmp_path)
    assert message.startswith(f"it is no network for pictures: its input 'x' {what}")


def test_inputs_of_other_kinds_are_told(tmp_path):
    model = graph([node("Relu", "x", "y")])
    del model.graph.input[:]
    model.graph.input.append(helper.make_tensor_sequence_value_info("s", TensorProto.FLOAT, None))
    assert refused(model, tmp_path) == "it is no network for pictures: its input 's' takes a sequence"
    del model.graph.input[:]
    model.graph.node[0].input[0] = "c"
    model.graph.initializer.append(numpy_helper.from_array(np.zeros(1, np.float32), "c"))
    assert refused(model, tmp_path) == "it takes no input"


def test_a_picture_whose_axes_are_not_told_is_taken_as_maps(tmp_path):
    model = graph(CONV, w=W)
    model.graph.input[0].type.tensor_type.ClearField("shape")
    loaded = read(model, tmp_path)
    assert loaded.size == (None, None, 3)
    del model.graph.node[:]
    model.graph.node.append(node("Relu", "x", "y"))
    assert refused(model, tmp_path) == "it does not say how many channels its input 'x' has"


@pytest.mark.parametrize(
    ("opset", "message"),
    [
        (
            6,
            "it is of opset 6; those from 7 on are read: convert it with "
            "onnx.version_converter.convert_version(model, 13)",
        ),
        (7, None),
        (26, None),
    ],
)
def test_opsets(opset, message, tmp_path):
    model = graph([node("Relu", "x", "y")], opset=opset)
    if message is None:
        assert len(read(model, tmp_path).network) == 1
    else:
        assert refused(model, tmp_path) == message


def test_files_without_operators_of_onnx_own_are_told(tmp_path):
    model = graph([node("Relu", "x", "y")])
    del model.opset_import[0]
    assert refused(model, tmp_path).endswith("(operator sets: 'com.example')")
    del model.opset_import[:]
    assert refused(model, tmp_path).endswith("(operator sets: none)")
    (tmp_path / "net.onnx").write_bytes(b"\x08\x08")  # a version, and nothing else
    with pytest.raises(KernelError, match="it holds no graph: damaged, or not an ONNX file"):
        load(tmp_path / "net.onnx")


def test_what_tools_wrote_is_not_read(tmp_path):
    model = graph(CONV, w=W)
    model.doc_string = model.graph.node[0].doc_string = "long" * 3_000_000
    assert len(read(model, tmp_path).network) == 1


def test_a_file_of_many_parts_is_refused_before_it_takes_memory(tmp_path):
    model = graph(CONV, w=W)
    model.graph.name = "long" * 3_000_000
    message = "it holds over 2 MB beside the numbers of its tensors, or is no ONNX file"
    assert refused(model, tmp_path) == message
    empty = b"\x0a\x00" * 30_000  # as many nodes of nothing
    (tmp_path / "net.onnx").write_bytes(b"\x3a" + varint(len(empty)) + empty)
    with pytest.raises(KernelError, match="it has over 20000 nodes, tensors and the like"):
        load(tmp_path / "net.onnx")


def test_a_node_of_many_attributes_is_refused(tmp_path):
    model = graph([node("Relu", "x", "y", **{f"a{number}": number for number in range(65)})])
    assert refused(model, tmp_path) == "a node (Relu) has 65 attributes; at most 64 are read"


def varint(value):
    return bytes([value & 127 | 128, value >> 7 & 127 | 128, value >> 14])


def test_a_graph_in_two_parts_is_one(tmp_path):
    data = graph([node("Conv", "x w", "a"), node("Relu", "a", "y")], w=W).SerializeToString()
    more = onnx.ModelProto(graph=onnx.GraphProto(initializer=[numpy_helper.from_array(2 * W, "v")])).SerializeToString()
    (tmp_path / "net.onnx").write_bytes(data + more)  # as protobuf has it
    tensors = read_graph(tmp_path / "net.onnx").tensors
    np.testing.assert_array_equal(tensors["v"].load(), 2 * tensors["w"].load())
    np.testing.assert_array_equal(tensors["w"].load(), W)


def test_names_that_are_no_text_are_told_as_bytes(tmp_path):
    data = graph([node("Relu", "x", "y", name="nnnn")]).SerializeToString()
    (tmp_path / "net.onnx").write_bytes(data.replace(b"nnnn", b"n\xff\xfen"))
    assert load(tmp_path / "net.onnx").network[0].name == r"n\xff\xfen"
