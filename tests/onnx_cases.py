"""ONNX's published cases of single operators, which the wheel of `onnx` carries (Apache 2.0)."""

from pathlib import Path

import onnx
from onnx import numpy_helper

FOLDER = Path(onnx.__file__).parent / "backend" / "test" / "data" / "node"


def load(name):
    """A case's operator, its attributes, inputs and output; an input that is left out is None."""
    folder = FOLDER / f"test_{name}"
    (node,) = onnx.load(folder / "model.onnx").graph.node
    attributes = {each.name: onnx.helper.get_attribute_value(each) for each in node.attribute}
    data = folder / "test_data_set_0"

    def arrays(kind):
        paths = sorted(data.glob(f"{kind}_*.pb"), key=lambda path: int(path.stem.split("_")[1]))
        return [numpy_helper.to_array(onnx.load_tensor(str(path))) for path in paths]

    given = iter(arrays("input"))
    inputs = [next(given) if name else None for name in node.input]
    return node.op_type, attributes, inputs, arrays("output")[0]
