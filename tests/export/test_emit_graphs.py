"""Programs of networks with branches and names, against `Pipeline.run` and by what stands in them."""

import ast
import importlib.util
import os
import re

import pytest

from cnnfilter.export import PROGRAMS, emit
from cnnfilter.network.graph import INPUT, Network, Node
from cnnfilter.network.plan import plan
from cnnfilter.network.stages import Activation
from cnnfilter.pipeline import Pipeline
from tests.graphs import graphs
from tests.programs import check, emitted, given, in_keras, in_torch, run

GRAPHS = [
    *graphs(3, 60),
    ("conv:4@3x3:random=1:as=a.c,batchnorm:random=1:as=a.b,prelu:random=1:as=a.p,add:a.c,convtranspose:2@2x2:random=1:"
     "stride=2:as=up", (5, 6, 2)),
]  # fmt: skip
BLOCK = "relu:as=x,conv:2@3x3:padding=1:as=conv1,relu,conv:1@3x3:padding=1:as=layer1.0.conv2,add:x,relu"


def test_a_numpy_program_computes_what_the_network_does():
    for text, size in GRAPHS:
        network = run(emitted(text, size, "numpy"))["network"]
        check(network(given(size).astype(float)), Pipeline.parse(text).run(given(size), layout="chw"), text)


@pytest.mark.parametrize("language", PROGRAMS)
def test_every_program_is_python(language):
    for text, size in GRAPHS:
        ast.parse(emitted(text, size, language))


def test_a_torch_module_reads_well():
    assert emitted(BLOCK, (6, 6, 1), "torch") == (
        '''import torch
from torch import nn


class Network(nn.Module):
    """The network, for batches (N, 1, 6, 6)."""

    def __init__(self):
        super().__init__()
        self.x = nn.ReLU()
        self.conv1 = nn.Conv2d(1, 2, 3, padding=1)
        self.relu_3 = nn.ReLU()
        self.layer1 = nn.ModuleDict({
            "0": nn.ModuleDict({
                "conv2": nn.Conv2d(2, 1, 3, padding=1),
            }),
        })
        self.relu_6 = nn.ReLU()

    def forward(self, x):
        x1 = x = self.x(x)  # relu: 6x6x1
        x = self.conv1(x)  # conv: 6x6x2
        x = self.relu_3(x)  # relu: 6x6x2
        x = self.layer1["0"].conv2(x)  # conv: 6x6x1
        x = x1 + x  # add: 6x6x1
        x = self.relu_6(x)  # relu: 6x6x1
        return x


network = Network()

if __name__ == "__main__":
    print(network(torch.rand(1, 1, 6, 6)).shape)
'''
    )


def test_a_keras_model_reads_well():
    text = "relu:as=x,conv:2@3x3:padding=same:as=a.b,from:in,globalavgpool,multiply:a.b,concat:x+last"
    assert emitted(text, (6, 6, 1), "keras") == (
        """import keras
from keras import layers

given = x = keras.Input((6, 6, 1))
x0 = x
x1 = x = layers.ReLU()(x)  # relu: 6x6x1
x2 = x = layers.Conv2D(2, 3, padding="same", name="a_b")(x)  # conv: 6x6x2
x = layers.GlobalAveragePooling2D(keepdims=True)(x0)  # globalavgpool: 1x1x1
x = layers.Multiply()([x2, x])  # multiply: 6x6x2
x = layers.Concatenate()([x1, x])  # concat: 6x6x3
network = keras.Model(given, x)

if __name__ == "__main__":
    network.summary()
"""
    )


def test_a_numpy_function_reads_well():
    program = emitted("relu:as=x,from:in,tanh,pad:1,pad:-1,add:x", (2, 2, 1), "numpy")
    assert '"""relu:as=x,from:in,tanh,pad:1,pad:-1,add:x"""' in program
    assert program.endswith(
        '''parameters = {

}


def network(x, p=parameters):
    """Return the result for maps (C, H, W) of shape (1, 2, 2)."""
    x0 = x
    x1 = x = np.maximum(x, 0)  # relu: (1, 2, 2)
    x = x0
    x = np.tanh(x)  # tanh: (1, 2, 2)
    x = pad(x, ((1, 1), (1, 1)))  # pad: (1, 4, 4)
    x = x[:, 1:3, 1:3]  # pad: (1, 2, 2)
    x = x1 + x  # add: (1, 2, 2)
    return x


if __name__ == "__main__":
    print(network(np.random.default_rng(1).random((1, 2, 2))))
'''
    )


def test_names_alone_make_no_module_of_a_chain():
    plain, named = "conv:2@3x3,relu,flatten,dense:3", "conv:2@3x3:as=conv1,relu:as=relu1,flatten,dense:3:as=fc"
    for language in PROGRAMS:
        assert emitted(named, (5, 5, 1), language) == emitted(plain, (5, 5, 1), language)


def test_a_program_has_no_stage_that_the_result_does_not_depend_on():
    stages = Activation("relu"), Activation("tanh"), Activation("leaky_relu")
    network = Network([Node(stages[0], (INPUT,), "a"), Node(stages[1], (0,), "b"), Node(stages[2], (0,), "c")])
    for language in PROGRAMS:
        program = emit(plan(network, (4, 4, 1)), language)
        assert "tanh" not in program.lower().partition("import")[2], language
        assert not re.search(r"\bx1\b", program)


def test_no_layer_of_keras_is_called_as_keras_calls_others():
    program = emitted("conv:1@3x3:padding=1:as=re_lu_1,relu,conv:1@1x1:as=conv2d,add:re_lu_1", (4, 4, 1), "keras")
    assert 'layers.Conv2D(1, 3, name="re_lu_1_")' in program
    assert 'name="conv2d_"' in program


# The frameworks themselves, where they are installed.


@pytest.fixture(scope="module")
def torch():
    return pytest.importorskip("torch")


@pytest.mark.filterwarnings("ignore")  # PyTorch's and Keras's own
def test_a_torch_program_computes_what_the_network_does(torch):
    for text, size in GRAPHS:
        network = run(emitted(text, size, "torch"))["network"]
        check(in_torch(torch, network, given(size)), Pipeline.parse(text).run(given(size), layout="chw"), text)


@pytest.fixture(scope="module")
def keras():
    known = (name for name in ("jax", "torch") if importlib.util.find_spec(name) is not None)
    os.environ.setdefault("KERAS_BACKEND", next(known, "tensorflow"))
    return pytest.importorskip("keras")


@pytest.mark.filterwarnings("ignore")
def test_a_keras_program_computes_what_the_network_does(keras):
    for text, size in GRAPHS:
        network = run(emitted(text, size, "keras"))["network"]
        check(in_keras(keras, network, given(size)), Pipeline.parse(text).run(given(size), layout="chw"), text)
