"""ONNX graphs for tests, written in a line an operation, and what ONNX's own evaluator makes of them."""

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

from cnnfilter import Pipeline
from cnnfilter.errors import CnnfilterError, KernelError
from cnnfilter.models import load


def node(operator, inputs, outputs, name="", domain=None, **attributes):
    """An operation; names are parted by blanks, and `-` is an input that is left out."""
    names = ["" if each == "-" else each for each in inputs.split()]
    return helper.make_node(operator, names, outputs.split(), name=name, domain=domain, **attributes)


def graph(nodes, x=(1, 3, 8, 8), outputs="y", opset=17, kind=TensorProto.FLOAT, others=(), **tensors):
    """A model of one picture, its tensors by name."""
    given = [helper.make_tensor_value_info("x", kind, x), *others]
    taken = [helper.make_empty_tensor_value_info(name) for name in outputs.split()]
    known = [
        each if isinstance(each, TensorProto) else numpy_helper.from_array(np.asarray(each), name)
        for name, each in tensors.items()
    ]
    opsets = [helper.make_opsetid("", opset), helper.make_opsetid("com.example", 1)]
    return helper.make_model(helper.make_graph(nodes, "net", given, taken, known), opset_imports=opsets, ir_version=8)


def read(model, folder):
    """The model read from a file."""
    path = folder / "net.onnx"
    path.write_bytes(model.SerializeToString())
    return load(path)


def numbers(*shape, seed=0, low=-1.0, high=1.0):
    """Some numbers, float32."""
    return np.random.default_rng(seed).uniform(low, high, shape).astype(np.float32)


def both(model, folder, shape, node=None):
    """What the network gives for some picture, and what ONNX's evaluator gives, both in one row."""
    x = numbers(*shape, seed=99)
    pipeline = Pipeline(read(model, folder).network)
    given = pipeline.run(x if x.ndim == 1 else x[0], node=node, layout="chw" if x.ndim == 4 else None)
    expected = ReferenceEvaluator(model).run([node] if node else None, {"x": x})[0]
    return given, expected


def agrees(model, folder, shape=(1, 3, 8, 8), node=None):
    """Assert that both are alike; in the order of maps, where a graph ends with its channels last."""
    given, expected = both(model, folder, shape, node)
    assert given.size == expected.size
    if given.ndim == 3 and expected.ndim == 4 and expected.shape[1:] != given.shape:
        expected = np.moveaxis(expected, -1, 1)
    np.testing.assert_allclose(given.ravel(), expected.ravel(), rtol=1e-4, atol=1e-5)


def refusal(model, folder, shape=(8, 8, 3)):
    """What is said of a model that cannot be planned to its end."""
    with pytest.raises(CnnfilterError) as error:
        Pipeline(read(model, folder).network).plan(shape)
    message = str(error.value)
    assert "\n" not in message
    return message


def refused(model, folder):
    """What is said of a model that cannot be read."""
    with pytest.raises(KernelError) as error:
        read(model, folder)
    assert "\n" not in str(error.value)
    return str(error.value).removeprefix(f"{folder}/net.onnx: ")
