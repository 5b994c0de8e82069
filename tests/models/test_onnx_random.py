"""Random graphs, which move axes about as no exporter does: refused, or run to what ONNX's evaluator gives."""

import random

import numpy as np
import pytest
from onnx.reference import ReferenceEvaluator

from cnnfilter import Pipeline
from cnnfilter.errors import CnnfilterError
from tests.models.graphs import graph, node, numbers, read

GRAPHS = 500


class Growing:
    """A graph that grows by one operation at a time, at the end of those before."""

    def __init__(self, chance):
        self.chance, self.nodes, self.tensors = chance, [], {}
        self.first = (1, chance.choice([2, 4, 6]), chance.choice([1, 2, 4]), chance.choice([2, 3, 4]))
        self.live = {"x": self.first}
        self.add("Relu", [], self.first)

    @property
    def last(self):
        return [*self.live][-1]

    @property
    def shape(self):
        return self.live[self.last]

    def tensor(self, values):
        name = f"t{len(self.tensors)}"
        self.tensors[name] = values
        return name

    def add(self, operator, others, shape, **attributes):
        name = f"v{len(self.nodes)}"
        self.nodes.append(node(operator, " ".join([self.last, *others]), name, **attributes))
        self.live[name] = tuple(shape)

    def axis(self):
        return self.chance.randrange(len(self.shape))


def transpose(net):
    order = [*range(len(net.shape))]
    net.chance.shuffle(order)
    net.add("Transpose", [], [net.shape[axis] for axis in order], perm=order)


def reshape(net):
    count, shape = int(np.prod(net.shape)), []
    while count > 1 and len(shape) < 3:
        shape.append(net.chance.choice([length for length in range(1, count + 1) if count % length == 0]))
        count //= shape[-1]
    shape = [*net.chance.choice([[1], []]), *shape, count]
    net.add("Reshape", [net.tensor(shape)], shape)


def with_numbers(net):
    axis = net.axis()
    shape = [net.shape[axis], *[1] * (len(net.shape) - axis - 1)]
    values = net.tensor(numbers(*shape, seed=axis, low=0.5, high=2.0))
    net.add(net.chance.choice(["Add", "Mul", "Sub", "Div"]), [values], net.shape)


def with_a_result(net):
    other = net.chance.choice([name for name, shape in net.live.items() if shape == net.shape])
    net.add(net.chance.choice(["Add", "Mul", "Sub"]), [other], net.shape)


def concat(net):
    axis = net.axis()
    rest = np.delete(net.shape, axis).tolist()
    alike = {name for name, shape in net.live.items() if len(shape) > axis and np.delete(shape, axis).tolist() == rest}
    other = net.chance.choice(sorted(alike))
    shape = [length + net.live[other][axis] * (place == axis) for place, length in enumerate(net.shape)]
    net.add("Concat", [other], shape, axis=axis)


def flatten(net):
    axis = net.axis()
    net.add("Flatten", [], [int(np.prod(net.shape[:axis])), int(np.prod(net.shape[axis:]))], axis=axis)


def softmax(net):
    net.add("Softmax", [], net.shape, axis=net.axis() - net.chance.choice([0, len(net.shape)]))


def mean(net):
    axes, keeps = {net.axis(), net.axis()}, net.chance.choice([0, 1])
    shape = [1 if axis in axes else n for axis, n in enumerate(net.shape) if keeps or axis not in axes]
    net.add("ReduceMean", [], shape, axes=sorted(axes), keepdims=keeps)


def dense(net):
    net.add("MatMul", [net.tensor(numbers(net.shape[-1], 3))], [*net.shape[:-1], 3])


def unsqueeze(net):
    axis = net.axis()
    net.add("Unsqueeze", [net.tensor([axis])], [*net.shape[:axis], 1, *net.shape[axis:]])


def batch_norm(net):
    if len(net.shape) > 1:
        learned = net.tensor(numbers(net.shape[1], low=0.5, high=2.0))
        net.add("BatchNormalization", [learned] * 4, net.shape)


def windows(net):
    if len(net.shape) == 4 and net.shape[0] == 1:
        weight = net.tensor(numbers(2, net.shape[1], 1, 1))
        net.add("Conv", [weight], [1, 2, *net.shape[2:]])


def means(net):
    if len(net.shape) > 2:
        net.add("GlobalAveragePool", [], [*net.shape[:2], *[1] * (len(net.shape) - 2)])


def curve(net):
    net.add(net.chance.choice(["Sigmoid", "Tanh", "Identity"]), [], net.shape)


STEPS = (
    transpose, reshape, with_numbers, with_a_result, concat, flatten, softmax, mean, dense, unsqueeze, batch_norm,
    windows, means, curve,
)  # fmt: skip


def outcome(seed, folder):
    """Why a graph is refused, or nothing if it is run; its numbers are then what they are to be."""
    net = Growing(random.Random(seed))
    for _ in range(net.chance.choice([2, 3, 4, 5])):
        if net.shape:
            net.chance.choice(STEPS)(net)
    model = graph(net.nodes, x=net.first, outputs=net.last, **net.tensors)
    x = numbers(*net.first, seed=seed)
    (expected,) = ReferenceEvaluator(model).run(None, {"x": x})
    try:
        given = Pipeline(read(model, folder).network).run(x[0], layout="chw")
    except CnnfilterError as error:
        return str(error)
    assert given.size == expected.size, seed
    is_vector, given, expected = given.ndim == 1, given.ravel(), expected.ravel()
    if not is_vector and not np.allclose(given, expected):  # a graph may end with the axes of maps in another order
        given, expected = np.sort(given), np.sort(expected)
    np.testing.assert_allclose(given, expected, rtol=1e-3, atol=1e-4, err_msg=str(seed))
    return ""


@pytest.mark.parametrize("seeds", [range(GRAPHS), pytest.param(range(GRAPHS, 20 * GRAPHS), marks=pytest.mark.slow)])
def test_random_graphs(seeds, tmp_path):
    told = [outcome(seed, tmp_path) for seed in seeds]
    assert len(seeds) / 5 < told.count("") < len(seeds)
    assert not [message for message in told if "damaged" in message]
