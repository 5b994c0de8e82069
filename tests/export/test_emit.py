import ast
import importlib
import os

import numpy as np
import pytest

from cnnfilter.errors import ArgumentError
from cnnfilter.export import emit
from cnnfilter.export.weights import MAX_NUMBERS, conv_weights
from cnnfilter.network.grammar import parse
from cnnfilter.network.plan import at_scale, plan
from cnnfilter.network.presets import PRESETS
from cnnfilter.pipeline import Pipeline
from tests.chains import CHAINS, DILATED, NOT_IN_KERAS, expected, learned_chains, sample

WEIGHTED = {"conv": "conv", "depthwise": "conv", "dense": "dense", "convtranspose": "convtranspose"}
"""The stages with weights, and what programs call these."""


def ids(chains):
    return [f"{text}" for text, _ in chains]


@pytest.fixture(scope="module")
def learned(tmp_path_factory):
    return learned_chains(tmp_path_factory.mktemp("weights"))


def run(program):
    namespace = {"__name__": "emitted"}
    exec(compile(program, "emitted", "exec"), namespace)
    return namespace


def check_numpy(text, shape):
    rows = plan(parse(text), shape)
    program = run(emit(rows, "numpy"))
    x = sample(shape)
    result = program["network"](x)
    want = expected(at_scale(rows, 255), x, program["parameters"])
    assert result.shape == want.shape
    np.testing.assert_allclose(result, want, rtol=1e-6, atol=1e-6)
    sizes = {name: array.size for name, array in program["parameters"].items() if ".running_" not in name}
    learned = [row for row in rows if getattr(row.stage, "sizes", None) or getattr(row.stage, "units", None)]
    if len(learned) == len([row for row in rows if row.stage.name in WEIGHTED]):
        assert sum(sizes.values()) == sum(row.params for row in rows)


@pytest.mark.parametrize(
    ("text", "shape"), [*CHAINS, *NOT_IN_KERAS, DILATED], ids=ids([*CHAINS, *NOT_IN_KERAS, DILATED])
)
def test_the_numpy_program_computes_what_the_reference_does(text, shape):
    check_numpy(text, shape)


def test_the_numpy_program_holds_learned_weights(learned):
    for text, shape in learned:
        check_numpy(text, shape)


def test_the_numpy_program_imports_nothing_else_and_prints_a_result_when_run(capsys):
    program = emit(plan(parse(PRESETS["mnist-cnn"].text), (28, 28, 1)), "numpy")
    modules = [
        alias.name for node in ast.walk(ast.parse(program)) if isinstance(node, ast.Import) for alias in node.names
    ]
    assert modules == ["numpy"]
    exec(compile(program, "emitted", "exec"), {"__name__": "__main__"})
    probabilities = np.array(capsys.readouterr().out.strip("[]\n").split(), float)
    assert probabilities.shape == (10,)
    np.testing.assert_allclose(probabilities.sum(), 1, rtol=1e-6)


def test_a_numpy_program_reads_well():
    program = emit(plan(parse("conv:edge:padding=1,relu,maxpool:2"), (6, 6, 1)), "numpy")
    assert '"""conv:edge:padding=1,relu,maxpool:2"""\n\nimport numpy as np\n' in program
    assert program.endswith(
        '''parameters = {
    "conv1.weight": np.array([
        [[[-1, -1, -1], [-1, 8, -1], [-1, -1, -1]]],
    ]),  # (1, 1, 3, 3)
}


def network(x, p=parameters):
    """Return the result for maps (C, H, W) of shape (1, 6, 6)."""
    x = pad(x, ((1, 1), (1, 1)))
    x = conv2d(x, p["conv1.weight"])  # conv: (1, 6, 6)
    x = np.maximum(x, 0)  # relu: (1, 6, 6)
    x = windows(x, (2, 2), (2, 2)).max(axis=(3, 4))  # maxpool: (1, 3, 3)
    return x


if __name__ == "__main__":
    print(network(np.random.default_rng(1).random((1, 6, 6))))
'''
    )


def test_the_text_of_a_chain_cannot_end_the_programs_docstring(tmp_path):
    name = tmp_path / 'a"""\\,b.npy'
    np.save(name, np.ones((2, 2), np.float32))
    stages = parse("conv:" + str(name).replace("\\,", "\\\\\\,"))
    assert stages.stages[0].file.path == str(name)
    program = run(emit(plan(stages, (3, 3, 1)), "numpy"))
    np.testing.assert_array_equal(program["network"](np.ones((1, 3, 3))), np.full((1, 2, 2), 4.0))


@pytest.mark.parametrize("language", ["torch", "keras", "numpy"])
@pytest.mark.parametrize(("text", "shape"), CHAINS, ids=ids(CHAINS))
def test_every_program_is_python(language, text, shape):
    ast.parse(emit(plan(parse(text), shape), language))


@pytest.mark.parametrize("language", ["torch", "keras"])
def test_programs_with_learned_weights_are_python(language, learned):
    for text, shape in learned:
        ast.parse(emit(plan(parse(text), shape), language))


def test_a_torch_program_reads_well():
    program = emit(plan(parse("conv:2@3x3:padding=1,leaky_relu:0.1,maxpool:2,flatten,dense:10"), (6, 6, 3)), "torch")
    assert program == (
        """import torch
from torch import nn

network = nn.Sequential(
    nn.Conv2d(3, 2, 3, padding=1),  # conv: 6x6x2
    nn.LeakyReLU(0.1),  # leaky_relu: 6x6x2
    nn.MaxPool2d(2),  # maxpool: 3x3x2
    nn.Flatten(),  # flatten: 18
    nn.Linear(18, 10),  # dense: 10
)

if __name__ == "__main__":
    print(network(torch.rand(1, 3, 6, 6)).shape)
"""
    )


def test_a_keras_program_reads_well():
    program = emit(plan(parse("conv:2@3x3:padding=same,relu,maxpool:2,flatten,dense:10,softmax"), (6, 6, 3)), "keras")
    assert program == (
        """import keras
from keras import layers

network = keras.Sequential(
    [
        keras.Input((6, 6, 3)),
        layers.Conv2D(2, 3, padding="same"),  # conv: 6x6x2
        layers.ReLU(),  # relu: 6x6x2
        layers.MaxPooling2D(2),  # maxpool: 3x3x2
        layers.Flatten(),  # flatten: 18
        layers.Dense(10),  # dense: 10
        layers.Softmax(),  # softmax: 10
    ]
)

if __name__ == "__main__":
    network.summary()
"""
    )


@pytest.mark.parametrize(
    ("text", "shape", "message"),
    [
        DILATED[:1] + DILATED[1:] + ("Keras's pools have no dilation",),
        (*NOT_IN_KERAS[0], "Keras's transposed convolutions have no groups"),
        (*NOT_IN_KERAS[1], "Keras refuses a stride above 1 together with a dilation above 1"),
        ("conv:2@3x3:stride=2:dilation=2", (9, 9, 1), "Keras refuses a stride above 1 together with a dilation"),
    ],
)
def test_what_keras_lacks_is_an_error(text, shape, message):
    with pytest.raises(ArgumentError, match=message):
        emit(plan(parse(text), shape), "keras")


def test_too_many_weights_are_not_printed(tmp_path):
    np.save(tmp_path / "w.npy", np.ones((1, MAX_NUMBERS + 1), np.float32))
    rows = plan(parse(f"dense:{tmp_path / 'w.npy'}"), (MAX_NUMBERS + 1,))
    with pytest.raises(ArgumentError, match=r"holds 10,001 numbers, too many to print \(at most 10,000\)"):
        emit(rows, "numpy")
    with pytest.raises(ArgumentError, match=r"box:size=101 holds 10,201 numbers"):
        emit(plan(parse("conv:box:size=101"), (200, 200, 1)), "torch")


def test_an_unknown_language_is_named_with_the_nearest():
    with pytest.raises(ArgumentError, match=r"unknown language 'pytorch'; did you mean torch\?"):
        emit(plan(parse("relu"), (3, 3, 1)), "pytorch")


def test_only_a_convolution_has_filters():
    with pytest.raises(ArgumentError, match="relu has no filters"):
        conv_weights(plan(parse("relu"), (3, 3, 1))[0])


@pytest.fixture(scope="module")
def torch():
    return pytest.importorskip("torch")


def check_torch(torch, text, shape):
    rows = plan(parse(text), shape)
    network = run(emit(rows, "torch"))["network"].double()
    sized = run(emit(rows, "numpy"))["parameters"]
    kinds = torch.nn.Conv2d | torch.nn.Linear | torch.nn.ConvTranspose2d
    layers = [layer for layer in network if isinstance(layer, kinds)]
    counts = {"conv": 0, "dense": 0, "convtranspose": 0}
    stages = [row.stage for row in rows if row.stage.name in WEIGHTED]
    for stage, layer in zip(stages, layers, strict=True):
        kind = WEIGHTED[stage.name]
        counts[kind] += 1
        if stage.runnable is not None:
            layer.weight.data = torch.from_numpy(sized[f"{kind}{counts[kind]}.weight"])
            assert (layer.bias is None) == (f"{kind}{counts[kind]}.bias" not in sized)
            if layer.bias is not None:
                layer.bias.data = torch.from_numpy(sized[f"{kind}{counts[kind]}.bias"])
    x = sample(shape).astype(np.float64)
    result = network(torch.from_numpy(x)[None])[0].detach().numpy()
    want = expected(at_scale(rows, 255), x, sized)
    assert result.shape == want.shape
    np.testing.assert_allclose(result, want, rtol=1e-5, atol=1e-5)


@pytest.mark.filterwarnings("ignore")  # PyTorch's and Keras's own
@pytest.mark.parametrize(
    ("text", "shape"), [*CHAINS, *NOT_IN_KERAS, DILATED], ids=ids([*CHAINS, *NOT_IN_KERAS, DILATED])
)
def test_the_torch_program_computes_what_the_reference_does(torch, text, shape):
    check_torch(torch, text, shape)


@pytest.mark.filterwarnings("ignore")
def test_the_torch_program_holds_learned_weights(torch, learned):
    for text, shape in learned:
        check_torch(torch, text, shape)


@pytest.fixture(scope="module")
def keras():
    os.environ.setdefault("KERAS_BACKEND", next((name for name in ("jax", "torch") if _has(name)), "tensorflow"))
    return pytest.importorskip("keras")


def _has(module):
    return importlib.util.find_spec(module) is not None


def check_keras(keras, text, shape):
    rows = plan(parse(text), shape)
    network = run(emit(rows, "keras"))["network"]
    sized = run(emit(rows, "numpy"))["parameters"]
    each_map = keras.layers.BatchNormalization | keras.layers.PReLU
    layers = [layer for layer in network.layers if layer.weights and not isinstance(layer, each_map)]
    counts = {"conv": 0, "dense": 0, "convtranspose": 0}
    stages = [row for row in rows if row.stage.name in WEIGHTED]
    for row, layer in zip(stages, layers, strict=True):
        stage = row.stage
        kind = WEIGHTED[stage.name]
        counts[kind] += 1
        if stage.runnable is None:
            continue
        weight = sized[f"{kind}{counts[kind]}.weight"]
        bias = sized.get(f"{kind}{counts[kind]}.bias")
        if kind == "dense":
            if row.flattened is not None:
                height, width, channels = row.flattened
                weight = weight.reshape(-1, channels, height, width).transpose(0, 2, 3, 1).reshape(len(weight), -1)
            weight = weight.T
        elif type(layer).__name__ == "DepthwiseConv2D":
            channels = row.input[2]
            weight = weight.reshape(channels, -1, *stage.window).transpose(2, 3, 0, 1)
        else:
            weight = weight.transpose(2, 3, 1, 0)
        layer.set_weights([weight] if bias is None else [weight, bias])
    x = sample(shape)
    channels_last = x.transpose(1, 2, 0) if x.ndim == 3 else x
    result = keras.ops.convert_to_numpy(network(channels_last[None]))[0]
    result = result.transpose(2, 0, 1) if result.ndim == 3 else result
    want = expected(at_scale(rows, 255), x, sized)
    assert result.shape == want.shape
    np.testing.assert_allclose(result, want, rtol=1e-3, atol=1e-3)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("text", "shape"), CHAINS, ids=ids(CHAINS))
def test_the_keras_program_computes_what_the_reference_does(keras, text, shape):
    check_keras(keras, text, shape)


@pytest.mark.filterwarnings("ignore")
def test_the_keras_program_holds_learned_weights(keras, learned):
    for text, shape in learned:
        check_keras(keras, text, shape)


@pytest.mark.parametrize("language", ["torch", "keras", "numpy"])
def test_a_program_names_the_full_scale_that_normalize_divides_by(language):
    line = "FULL_SCALE = 255  # white in the pictures that it is given: 65535 in those of 16 bits, 1 in floats"
    assert line in emit(plan(parse("gray,normalize:mean=1"), (3, 3, 3)), language).splitlines()
    assert "FULL_SCALE" not in emit(plan(parse("normalize:255"), (3, 3, 3)), language)


def test_the_full_scale_of_a_numpy_program_may_be_set():
    picture = np.random.default_rng(1).integers(0, 65536, (4, 5), dtype=np.uint16)
    pipeline = Pipeline.parse("normalize:std=2,maxpool:2")
    program = emit(pipeline.plan((4, 5, 1)), "numpy")
    sixteen = run(program.replace("FULL_SCALE = 255 ", "FULL_SCALE = 65535 "))["network"]
    np.testing.assert_allclose(sixteen(picture[None]), pipeline.run(picture), rtol=1e-6)
    eight = (picture >> 8).astype(np.uint8)
    np.testing.assert_allclose(run(program)["network"](eight[None]), pipeline.run(eight), rtol=1e-6)
