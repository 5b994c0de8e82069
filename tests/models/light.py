"""The nine whole networks in the wheel of `onnx` (Apache 2.0), with weights that tell one from another.

As they are published each of their weights is 0.5 or so everywhere. Here every constant tensor is drawn anew, by a
stream of its own, in the range that keeps values of the same size from layer to layer.
"""

from pathlib import Path

import numpy as np
import onnx
from onnx import numpy_helper

FOLDER = Path(onnx.__file__).parent / "backend" / "test" / "data" / "light"
NAMES = (
    "bvlc_alexnet", "densenet121", "inception_v1", "inception_v2", "resnet50", "shufflenet", "squeezenet", "vgg19",
    "zfnet512",
)  # fmt: skip
KEPT = 250
"""How many values of a result are recorded: as many, spread over it."""

NARROW = {1: (0.5, 1.0), 2: (-0.1, 0.1), 3: (-0.1, 0.1), 4: (0.5, 1.5)}
"""The ranges of a batch normalisation's scale, shift, mean and variance, by the place of the input."""


def drawn(seed, shape, low, high):
    """Numbers between two, float32."""
    generator = np.random.Generator(np.random.PCG64(seed))
    numbers = generator.random(int(np.prod(shape)), dtype=np.float32)
    numbers *= np.float32(high - low)
    numbers += np.float32(low)
    return numbers.reshape(shape)


def limits(node, place, shape, is_residual):
    """Between which numbers an input of an operation is drawn; sums of branches grow, and are brought back."""
    if node.op_type == "BatchNormalization":
        return NARROW[place]
    if node.op_type in ("Conv", "Gemm") and place == 1:
        bound = (6 / np.prod(shape[1:] if node.op_type == "Conv" else shape[-1:])) ** 0.5
        bound /= 100 if is_residual and node.op_type == "Gemm" else 1
        return -bound, bound
    return (-0.1, 0.1) if node.op_type in ("Conv", "Gemm", "Add") else (0.5, 1.0)


def randomised(name):
    """The network of a name with other weights, and the names of its scores and of its result."""
    model = onnx.load(FOLDER / f"light_{name}.onnx")
    graph = model.graph
    shapes = {each.name: numpy_helper.to_array(each).tolist() for each in graph.initializer}
    filled = {node.output[0]: shapes[node.input[0]] for node in graph.node if node.op_type == "ConstantOfShape"}
    takers = {given: (node, place) for node in graph.node for place, given in enumerate(node.input)}
    is_residual = any(node.op_type == "Sum" for node in graph.node)
    for seed, (tensor, shape) in enumerate(filled.items()):
        node, place = takers[tensor]
        if node.op_type in ("Reshape", "Unsqueeze"):
            node, place = takers[node.output[0]]
        numbers = drawn(seed, shape, *limits(node, place, shape, is_residual))
        graph.initializer.append(numpy_helper.from_array(numbers, tensor))
    kept = [node for node in graph.node if node.op_type != "ConstantOfShape"]
    del graph.node[:]
    graph.node.extend(kept)
    last = kept[-1]
    return model, last.input[0] if last.op_type == "Softmax" else last.output[0], last.output[0]


def picture():
    """What the networks are given: (3, 224, 224)."""
    return drawn(2026, (3, 224, 224), -1.0, 1.0)


def spread(values):
    """Some of the values of a result."""
    flat = np.asarray(values).ravel()
    return flat[np.linspace(0, flat.size - 1, KEPT).astype(int)]
