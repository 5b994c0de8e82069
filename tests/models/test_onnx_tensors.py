"""The tensors of ONNX files: types of numbers, and where they lie."""

import os
import pickle

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from cnnfilter import Pipeline
from cnnfilter.errors import KernelError
from cnnfilter.models import load
from cnnfilter.models.onnx import wire
from tests.models.graphs import agrees, graph, node, numbers, read, refusal, refused

CONV = [node("Conv", "x w", "y", name="first")]
W = numbers(20, 3, 3, 3, seed=4)  # large enough to stay in the file


@pytest.mark.parametrize(
    "name", ["FLOAT", "DOUBLE", "FLOAT16", "BFLOAT16", "INT8", "UINT8", "INT32", "INT64", "UINT16", "UINT64"]
)
@pytest.mark.parametrize("raw", [True, False])
@pytest.mark.parametrize("filters", [1, 20])
def test_numbers_of_each_type_are_read_wherever_they_lie(name, raw, filters, tmp_path):
    values = np.arange(filters * 27).reshape(filters, 3, 3, 3) % 100
    given = values.astype(helper.tensor_dtype_to_np_dtype(getattr(TensorProto, name)))
    tensor = numpy_helper.from_array(given, "w")
    if not raw:
        tensor = helper.make_tensor("w", getattr(TensorProto, name), given.shape, given.ravel().tolist())
    pipeline = Pipeline(read(graph(CONV, w=tensor), tmp_path).network)
    weight = pipeline.network[0].stage.learned.array("weight", given.shape)
    assert weight.dtype == np.float32
    np.testing.assert_array_equal(weight, given.astype(np.float32))


def test_bfloat16_is_the_upper_half_of_float32(tmp_path):
    tensor = TensorProto(
        name="w", data_type=TensorProto.BFLOAT16, dims=[1, 3, 1, 1], raw_data=b"\x80\x3f\x00\xc0\x40\x40"
    )
    learned = read(graph(CONV, w=tensor), tmp_path).network[0].stage.learned
    assert learned.array("weight", (1, 3, 1, 1)).ravel().tolist() == [1, -2, 3]
    assert learned.shape("weight") == (1, 3, 1, 1)
    assert learned.shape("bias") is None
    assert learned.array("bias", (1,)) is None
    with pytest.raises(KernelError, match="there is no running_mean"):
        learned.array("running_mean", (1,))


def test_weights_that_are_not_finite_are_refused(tmp_path):
    weight = W.copy()
    weight[1, 2, 0, 0] = np.nan
    network = read(graph(CONV, w=weight), tmp_path).network
    with pytest.raises(KernelError, match=r"stage 1 \(conv\): nan at \[1, 2, 0, 0\]: its weight must be finite"):
        Pipeline(network).load_weights()


def test_quantised_weights_that_are_told_with_a_scale_are_multiplied_by_it(tmp_path):
    whole = np.arange(-270, 270).reshape(20, 3, 3, 3).astype(np.int8)
    nodes = [node("DequantizeLinear", "q s z", "w", axis=0), *CONV]
    scale, zero = np.linspace(0.01, 0.1, 20, dtype=np.float32), np.arange(20, dtype=np.int8)
    agrees(graph(nodes, opset=19, q=whole, s=scale, z=zero), tmp_path)
    agrees(graph([node("DequantizeLinear", "q s", "w"), *CONV], opset=19, q=whole, s=np.float32(0.1)), tmp_path)
    many = np.resize(whole, (200, 3, 3, 3)).astype(np.int8)  # computed when it is read
    agrees(graph([node("DequantizeLinear", "q s", "w"), *CONV], opset=19, q=many, s=np.float32(0.1)), tmp_path)
    message = refusal(graph([node("DequantizeLinear", "q s", "w", block_size=2), *CONV], q=whole, s=scale), tmp_path)
    assert "is quantised in blocks, which is not read" in message


def beside(folder, **told):
    """A model whose weights lie in another file."""
    (folder / "w.bin").write_bytes(b"\0" * 8 + W.tobytes())
    tensor = TensorProto(name="w", data_type=TensorProto.FLOAT, dims=W.shape, data_location=TensorProto.EXTERNAL)
    for key, value in ({"location": "w.bin", "offset": 8} | told).items():
        tensor.external_data.add(key=key, value=str(value))
    return graph(CONV, w=tensor)


def test_weights_in_a_file_beside_the_model_are_read(tmp_path):
    for told in ({}, {"length": W.nbytes}):
        network = read(beside(tmp_path, **told), tmp_path).network
        weight = pickle.loads(pickle.dumps(network[0].stage)).learned.array("weight", W.shape)
        np.testing.assert_array_equal(weight, W)


def test_onnx_own_way_to_store_weights_apart_is_read(tmp_path):
    model = graph(CONV, w=W)
    onnx.save(model, tmp_path / "net.onnx", save_as_external_data=True, location="net.data", size_threshold=0)
    learned = load(tmp_path / "net.onnx").network[0].stage.learned
    np.testing.assert_array_equal(learned.array("weight", W.shape), W)


@pytest.mark.parametrize(
    ("told", "message"),
    [
        ({"location": "../w.bin"}, "only files beside the model are read, by their names alone"),
        ({"location": "/etc/passwd"}, "its tensor 'w' is said to lie in '/etc/passwd'; only files beside the model"),
        ({"location": ".."}, "only files beside the model"),
        ({"location": ""}, "only files beside the model"),
        ({"location": "C:w.bin"}, "only files beside the model"),
        ({"location": "data\\w.bin"}, "only files beside the model"),
        ({"location": "a\0b"}, "only files beside the model"),
        ({"location": "none.bin"}, "is said to lie in 'none.bin': no such file"),
        ({"location": "folder"}, "is said to lie in 'folder': is a folder"),
        ({"location": "pipe"}, "is said to lie in 'pipe': is a pipe or a device, not a file"),
        ({"location": "link"}, "is said to lie in 'link': is a link; the file itself must be there"),
        ({"offset": -8}, "has the offset '-8', which must be a whole number"),
        ({"offset": 9}, "its shape 20x3x3x3 takes 2160 bytes, not 2160 from 9 on of 2168"),
        ({"offset": 10**17}, "its shape 20x3x3x3 takes 2160 bytes, not 2160 from 100000000000000000 on of 2168"),
        ({"offset": 10**30}, "which must be a whole number"),
        ({"length": 4}, "its shape 20x3x3x3 takes 2160 bytes, not 4 from 8 on of 2168"),
        ({"length": 10**17}, "takes 2160 bytes, not 100000000000000000 from 8 on"),
    ],
    ids=lambda value: "-".join(f"{key}" for key in value) if isinstance(value, dict) else "",
)
def test_weights_elsewhere_are_refused(told, message, tmp_path):
    model = beside(tmp_path, **told)
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to("w.bin")
    assert message in refused(model, tmp_path)


def test_files_that_change_before_their_weights_are_read_are_told(tmp_path):
    network = read(beside(tmp_path), tmp_path).network
    (tmp_path / "w.bin").write_bytes(bytes(2169))
    with pytest.raises(KernelError, match=r"w\.bin: it was changed while it was in use"):
        Pipeline(network).load_weights()
    network = read(beside(tmp_path), tmp_path).network
    (tmp_path / "w.bin").unlink()
    with pytest.raises(KernelError, match=r"w\.bin: no such file"):
        Pipeline(network).load_weights()


@pytest.mark.parametrize(
    ("tensor", "message"),
    [
        (
            TensorProto(name="w", data_type=TensorProto.STRING, dims=[1], string_data=[b"a"]),
            "is of the type text; numbers",
        ),
        (
            TensorProto(name="w", data_type=TensorProto.INT4, dims=[2], raw_data=b"a"),
            "its tensor 'w' is of the type int4",
        ),
        (TensorProto(name="w", data_type=77, dims=[2]), "is of the type 77"),
        (TensorProto(name="w", data_type=1, dims=[-1, 4], raw_data=b"abcd"), "has the shape -1x4"),
        (TensorProto(name="w", data_type=1, dims=[1] * 17, raw_data=b"abcd"), "has the shape 1x1x1x1x1x1x1x1x..."),
        (TensorProto(name="w", data_type=1, dims=[2], raw_data=b"abcd"), "has the shape 2, but 1 numbers"),
        (TensorProto(name="w", data_type=1, dims=[1], raw_data=b"abcdef"), "has the shape 1, but 1.5 numbers"),
        (TensorProto(name="w", data_type=1, dims=[3], float_data=[1, 2]), "has the shape 3, but 2 numbers"),
        (
            TensorProto(name="w", data_type=1, dims=[10**9, 10**9], raw_data=bytes(4000)),
            "has the shape 1000000000x1000000000, but 1000 numbers",
        ),
        (
            TensorProto(name="w", data_type=7, dims=[300], float_data=range(300)),
            "of the type int64 holds numbers of another",
        ),
        (
            TensorProto(
                name="w", data_type=1, dims=[2], raw_data=bytes(8), segment=TensorProto.Segment(begin=0, end=1)
            ),
            "is in segments",
        ),
    ],
    ids=lambda value: "",
)
def test_tensors_that_cannot_be_used_are_told(tensor, message, tmp_path):
    assert message in refused(graph(CONV, w=tensor), tmp_path)


def test_a_sparse_tensor_is_told(tmp_path):
    model = graph(CONV, w=W)
    model.graph.sparse_initializer.add().values.name = "s"
    assert refused(model, tmp_path) == "its tensor 's' is sparse, which is not read"


def test_constants_may_be_large_nodes_that_stay_in_the_file(tmp_path):
    nodes = [node("Constant", "", "w", value=numpy_helper.from_array(W)), *CONV]
    model = graph(nodes)
    agrees(model, tmp_path)
    with (tmp_path / "net.onnx").open("rb") as stream:
        found = wire.Wire(stream, (tmp_path / "net.onnx").stat().st_size)
    assert len(found.rest) < 300
    assert [each[2] for each in found.stored.values()] == [W.nbytes]


@pytest.mark.parametrize(
    ("attributes", "message"),
    [
        ({"value_floats": [0.5, 2.0, 3.0]}, None),
        ({"value_ints": [2, 2, 2]}, None),
        ({"value_float": 0.5}, None),
        ({"value_int": 2}, None),
        ({"value_string": "a"}, "holds 'value_string', which is not read"),
        ({"value_int": 2, "value_float": 2.0}, "holds 'value_float', which is not read"),
        ({}, "holds 'nothing', which is not read"),
    ],
)
def test_constants_as_attributes(attributes, message, tmp_path):
    constant = [node("Constant", "", "c", **attributes)]
    if any(name.endswith("s") for name in attributes):
        constant += [node("Unsqueeze", "c axes", "c3")]
    nodes = [*constant, node("Cast", constant[-1].output[0], "f", to=1), node("Mul", "x f", "y")]
    model = graph(nodes, axes=[1, 2])
    if message is None:
        agrees(model, tmp_path)
    else:
        assert message in refusal(model, tmp_path)


@pytest.mark.parametrize(
    ("shape", "value", "message"),
    [
        ([20, 3, 3, 3], np.array([0.5], np.float32), None),
        ([20, 3, 3, 3], None, None),
        ([10**6, 10**6], None, "makes an array of 1000000x1000000; at most 134217728 numbers are read"),
        ([-1, 3], None, "makes an array of -1x3"),
        ([20, 3, 3, 3], np.zeros(2, np.float32), "has more than one number to repeat"),
    ],
)
def test_one_number_everywhere(shape, value, message, tmp_path):
    attributes = {} if value is None else {"value": numpy_helper.from_array(value)}
    model = graph([node("ConstantOfShape", "s", "w", **attributes), *CONV], s=shape)
    if message is None:
        agrees(model, tmp_path)
    else:
        assert message in refusal(model, tmp_path)
