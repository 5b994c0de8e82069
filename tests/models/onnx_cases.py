"""ONNX's published cases of operators as files that are read and run: the first input is the picture, others are known.

Where an operator joins results, its inputs are parts of one picture: convolutions and matrices of zeros and ones, which
are exact, take them apart.
"""

from pathlib import Path

import numpy as np
import onnx
from onnx import helper, numpy_helper

from cnnfilter.models.onnx.computing import FOLDS
from cnnfilter.models.onnx.operators import OPERATORS

FOLDER = Path(onnx.__file__).parent / "backend" / "test" / "data"
KNOWN = {*OPERATORS, *FOLDS, "Constant", "ConstantOfShape"}
JOINING = {"Add", "Concat", "Mul", "Sum"}


def operators(folder):
    return {node.op_type for node in onnx.load(folder / "model.onnx").graph.node}


def in_scope():
    """The folders of the cases all of whose operators are known, and not only for numbers of the file alone."""
    folders = [*sorted((FOLDER / "node").glob("test_*")), *sorted((FOLDER / "simple").glob("test_*"))]
    return [folder for folder in folders if takes_tensors(folder) and _is_known(operators(folder))]


def _is_known(used):
    return used <= KNOWN and bool(used & {*OPERATORS})


def takes_tensors(folder):
    """Whether a case is given arrays, not sequences of them or what may be none."""
    given = onnx.load(folder / "model.onnx").graph.input
    return all(each.type.WhichOneof("value") == "tensor_type" for each in given)


def arrays(folder, kind):
    paths = sorted((folder / "test_data_set_0").glob(f"{kind}_*.pb"), key=lambda path: int(path.stem.split("_")[1]))
    return [numpy_helper.to_array(onnx.load_tensor(str(path))) for path in paths]


def prepared(folder):
    """A case as a model of one input, that input, and what its first output is to be."""
    model, inputs, expected = onnx.load(folder / "model.onnx"), arrays(folder, "input"), arrays(folder, "output")[0]
    graph = model.graph
    names = [each.name for each in graph.input]
    axis = max(inputs[0].ndim - 3, 0) if inputs[0].ndim > 2 else inputs[0].ndim - 1
    alike = {(each.ndim, *np.delete(each.shape, axis)) for each in inputs if each.ndim == inputs[0].ndim}
    if operators(folder) <= JOINING and len(inputs) > 1 and len(alike) == 1 and len({e.ndim for e in inputs}) == 1:
        picture = _apart(graph, names, inputs, axis)
    else:
        picture = inputs[0]
        graph.initializer.extend(map(numpy_helper.from_array, inputs[1:], names[1:]))
    model.ir_version = max(model.ir_version, 4)
    return model, picture, expected


def _apart(graph, names, inputs, axis):
    """Make a graph take its inputs out of one picture, and give that."""
    whole = np.concatenate(inputs, axis)
    lengths = [each.shape[axis] for each in inputs]
    before, begin = [], 0
    for name, length in zip(names, lengths, strict=True):
        chosen = np.eye(sum(lengths), dtype=np.float32)[begin : begin + length]
        begin += length
        weight = chosen[:, :, None, None] if whole.ndim > 2 else chosen.T
        graph.initializer.append(numpy_helper.from_array(weight, f"{name}-chosen"))
        made = f"{name}-batch" if whole.ndim == 3 else name
        operator = "Conv" if whole.ndim > 2 else "MatMul"
        before.append(helper.make_node(operator, ["picture", f"{name}-chosen"], [made]))
        if whole.ndim == 3:
            shape = np.array([length, *whole.shape[1:]], np.int64)
            graph.initializer.append(numpy_helper.from_array(shape, f"{name}-shape"))
            before.append(helper.make_node("Reshape", [made, f"{name}-shape"], [name]))
    after = list(graph.node)
    del graph.node[:], graph.input[:]
    graph.node.extend([*before, *after])
    shape = (1, *whole.shape) if whole.ndim == 3 else whole.shape
    graph.input.append(helper.make_tensor_value_info("picture", onnx.TensorProto.FLOAT, shape))
    return whole.reshape(shape)
