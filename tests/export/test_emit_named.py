"""Programs of networks by their names: of nodes, and of numbers that are loaded."""

import ast
import importlib.util
import os
import random
import re

import numpy as np
import pytest

from cnnfilter.errors import ArgumentError
from cnnfilter.export import PROGRAMS, emit
from cnnfilter.export.as_torch import layers
from cnnfilter.export.naming import RESERVED, Paths, attribute
from cnnfilter.export.torch_helpers import HELPERS
from cnnfilter.export.torch_program import TorchProgram
from cnnfilter.network.grammar import parse
from cnnfilter.network.graph import INPUT, Network, Node
from cnnfilter.network.listing import network_of
from cnnfilter.network.plan import plan
from cnnfilter.network.presets import PRESETS
from cnnfilter.network.stages import Activation, BatchNorm, Concat, Conv, ConvTranspose, Dense, Flatten, PReLU
from cnnfilter.network.stages.base import Learned
from cnnfilter.pipeline import Pipeline
from cnnfilter.weights.parameters import Arrays
from tests.programs import check, emitted, given, in_keras, in_torch, run

# What is loaded by name.


def learned(rng, *, order="chw", depthwise=False):
    """A network whose many numbers are arrays, nodes named as in a state dict, and that state dict."""
    shapes = {
        "features.0": {"weight": (8, 1 if depthwise else 4, 3, 3), "bias": (8,)},
        "features.1": dict.fromkeys(["weight", "bias", "running_mean", "running_var"], (8,)),
        "features.2": {"weight": (8,)},
        "up": {"weight": (16, 2, 2, 2)},
        "head.fc": {"weight": (60, 2 * 11 * 11), "bias": (60,)},
    }
    draw = {name: {role: rng.uniform(0.1, 0.9, size) for role, size in roles.items()} for name, roles in shapes.items()}
    draw["head.fc"]["weight"] -= 0.5
    arrays = {name: {role: each.astype(np.float32) for role, each in roles.items()} for name, roles in draw.items()}
    numbers = {name: Arrays(roles) for name, roles in arrays.items()}
    one = ((1, 1), (1, 1))
    convolution = {"sizes": (2 if depthwise else 8, (3, 3)), "padding": one, "depthwise": depthwise}
    larger = {"sizes": (2, (2, 2)), "stride": (2, 2), "padding": ((0, 1), (0, 1)), "biased": False}
    nodes = [
        Node(Conv(**convolution, learned=numbers["features.0"]), (INPUT,), "features.0"),
        Node(BatchNorm(learned=numbers["features.1"]), (0,), "features.1"),
        Node(PReLU(learned=numbers["features.2"]), (1,), "features.2"),
        Node(Concat(), (1, 2), "features"),
        Node(ConvTranspose(**larger, learned=numbers["up"]), (3,), "up"),
        Node(Flatten(), (4,)),
        Node(Dense(units=60, order=order, learned=numbers["head.fc"]), (5,), "head.fc"),
    ]
    return Network(nodes), {f"{name}.{role}": each for name, roles in arrays.items() for role, each in roles.items()}


CASES = [{}, {"order": "hwc"}, {"depthwise": True}]


@pytest.mark.parametrize("options", CASES)
def test_a_numpy_program_takes_many_numbers_by_name(options):
    network, state = learned(np.random.default_rng(2), **options)
    program = emit(plan(network, (6, 6, 4)), "numpy")
    assert len(program) < 5000
    assert "learned numbers are too many to print; these here are random.\n# --weights FILE.npz, added to" in program
    namespace = run(program)
    assert {name: array.shape for name, array in namespace["parameters"].items()} == {
        name: array.shape for name, array in state.items()
    }
    namespace["parameters"] |= state
    maps = given((6, 6, 4))
    check(namespace["network"](maps.astype(float)), Pipeline(network).run(maps, layout="chw"), options)


def test_what_takes_other_orders_than_pytorch_is_turned_before_it():
    rows = plan(learned(np.random.default_rng(2), order="hwc")[0], (6, 6, 4))
    assert "x.unflatten(1, (2, 11, 11)).permute(0, 2, 3, 1).flatten(1)" in emit(rows, "torch")
    assert "layers.Reshape((2, 11, 11))(x)\nx = layers.Permute((2, 3, 1))(x)\nx = layers.Flatten()" in emit(
        rows, "keras"
    )


def test_a_program_names_the_file_that_its_numbers_are_in(tmp_path):
    rng = np.random.default_rng(1)
    path = tmp_path / 'a"\n.npz'
    state = {"conv1.weight": rng.normal(size=(64, 3, 9, 9)), "conv1.bias": rng.normal(size=64)}
    np.savez(path, **{name: array.astype(np.float32) for name, array in state.items()})
    stage = parse(f"conv:64@9x9:weights={path}:name=conv1,relu")
    rows = plan(stage, (9, 9, 3))
    shown = str(path).replace('"', "\\U00000022").replace("\n", "\\U0000000a")
    torch, keras, numpy = (emit(rows, language) for language in PROGRAMS)
    assert f'np.load("{shown}").items()}})\n' in torch
    assert (
        "\n# 15,616 learned numbers are too many to print; these here are random.\n"
        "# The learned ones are loaded by name, such as by\n# network.load_st"
    ) in torch
    assert "self.conv1 = nn.Conv2d(3, 64, 9)" in torch
    assert f'# load(np.load("{shown}"))\n' in keras
    assert f'# parameters |= np.load("{shown}")\n' in numpy
    namespace = run(numpy)
    namespace["parameters"] |= np.load(path)
    maps = given((9, 9, 3))
    check(namespace["network"](maps.astype(float)), Pipeline(stage).run(maps, layout="chw"), "named")


def named_file(folder, **more):
    """A network of names that PyTorch cannot have, whose many numbers are in a file."""
    rng = np.random.default_rng(1)
    state = {"keys.weight": rng.normal(size=(64, 3, 9, 9)), "keys.bias": rng.normal(size=64)}
    state |= {"a.0.b.weight": rng.normal(size=(2, 64, 1, 1))}
    state = {name: each.astype(np.float32) for name, each in (state | more).items()}
    np.savez(folder / "net.npz", **state)
    where = f"weights={folder / 'net.npz'}"
    text = f"conv:64@9x9:as=keys:{where},relu:as=x,conv:2@1x1:bias=no:as=a.0.b:{where},abs,add:a.0.b"
    return plan(parse(text), (9, 9, 3)), state


def loading(program):
    """The lines that load numbers, which are comments."""
    begin = program.index("# renamed = ")
    return "\n".join(line.removeprefix("# ") for line in program[begin:].partition("\n\n")[0].splitlines())


def test_names_that_pytorch_cannot_have_are_changed_where_they_are_loaded(tmp_path):
    rows, _ = named_file(tmp_path)
    assert loading(emit(rows, "torch")) == (
        'renamed = {"keys.weight": "keys_.weight", "keys.bias": "keys_.bias"}\n'
        "network.load_state_dict({renamed.get(name, name): array for name, array in {name: torch.from_numpy(array) "
        f'for name, array in np.load("{tmp_path / "net.npz"}").items()}}.items()}})'
    )


def test_a_file_with_more_in_it_is_loaded_as_far_as_it_is_needed(tmp_path):
    rows, _ = named_file(tmp_path, other=np.zeros(3))
    assert loading(emit(rows, "torch")).endswith(".items()}, strict=False)")


def test_numbers_of_no_name_are_still_too_many():
    with pytest.raises(ArgumentError, match="holds 15,552 numbers, too many to print.*--weights FILE writes"):
        emitted("conv:64@9x9:random=1:as=a,add:last+last", (9, 9, 3), "torch")


# Names.


def test_names_become_paths_that_pytorch_can_have():
    paths = Paths()
    taken = [paths.take(name, number, "relu") for number, name in enumerate(NAMES, 1)]
    assert taken == PATHS
    assert len({*taken}) == len(taken)


NAMES = [
    "layer1.0.conv1", "layer1.0", "layer1", "layer1.0.conv1", "layer1.0.conv1.deeper", "layer1.0.conv1", "class", "0",
    "0.a", "type", "a:b/c", "", "..", "__init__", "_blocks.0._bn0", "a." * 20 + "b", "x" * 300, "\u00fc", "a.keys",
]  # fmt: skip
PATHS = [
    ("layer1", "0", "conv1"), ("layer1", "0", "relu"), ("layer1", "relu"), ("layer1", "0", "conv1_4"),
    ("layer1", "0", "conv1_", "deeper"), ("layer1", "0", "conv1_6"), ("class",), ("0",),
    ("0_", "a"), ("type_",), ("a_b_c",), ("_",), ("__", "_", "_"), ("init_",), ("_blocks", "0", "_bn0"),
    ("a_" * 20 + "b",), ("x" * 100,), ("__18",), ("a", "keys_"),
]  # fmt: skip


def test_a_number_tells_names_apart_and_if_it_cannot_a_line():
    paths = Paths()
    assert [paths.take(name, number, "relu") for number, name in enumerate(["a", "a_3", "a"], 1)] == [
        ("a",), ("a_3",), ("a_3_",)
    ]  # fmt: skip


@pytest.mark.parametrize("name", PRESETS)
def test_layers_of_presets_are_called_as_their_parameters_are(name):
    program = TorchProgram(plan(parse(name), PRESETS[name].size), layers, HELPERS)
    learned = [part for part in program.parts if isinstance(part.row.stage, Learned)]
    assert [".".join(part.paths[part.main]) for part in learned] == [part.row.name for part in learned]


def test_a_path_is_reached_however_it_is_called():
    assert attribute("self", ("layer1", "0", "conv1")) == 'self.layer1["0"].conv1'
    assert attribute("network", ("class", "a")) == 'getattr(network, "class").a'
    assert attribute("self", ("a", "class")) == 'self.a["class"]'


@pytest.mark.parametrize("language", PROGRAMS)
def test_hostile_names_stay_names(language):
    hostile = '"); import os; os.remove("'
    nodes = [Node(Activation("relu"), (INPUT,), hostile), *parse("conv:1@3x3:padding=1:random=1,add:last+last")]
    nodes[1:] = [Node(nodes[1].stage, (0,), "a\n\\\"'''\x1b[31m"), Node(nodes[2].stage, (1, 0), "__class__")]
    program = emit(plan(Network(nodes), (4, 4, 1)), language)
    assert "\x1b" not in program
    calls = {
        each.func.attr for each in ast.walk(ast.parse(program))
        if isinstance(each, ast.Call) and isinstance(each.func, ast.Attribute)
    }  # fmt: skip
    assert "remove" not in calls
    assert not re.search("^import os", program, re.MULTILINE)


# The frameworks themselves, where they are installed.


@pytest.fixture(scope="module")
def torch():
    return pytest.importorskip("torch")


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("options", CASES)
def test_a_torch_program_takes_a_state_dict(torch, options):
    network, state = learned(np.random.default_rng(2), **options)
    module = run(emit(plan(network, (6, 6, 4)), "torch"))["network"]
    known = {name: tuple(array.shape) for name, array in module.state_dict().items() if array.is_floating_point()}
    assert known == {name: array.shape for name, array in state.items()}
    module.load_state_dict({name: torch.from_numpy(array) for name, array in state.items()})
    maps = given((6, 6, 4))
    check(in_torch(torch, module, maps), Pipeline(network).run(maps, layout="chw"), options)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("more", [{}, {"other": np.zeros(3)}])
def test_what_a_torch_program_says_of_its_numbers_loads_them(torch, tmp_path, more):
    rows, _ = named_file(tmp_path, **more)
    program = emit(rows, "torch")
    namespace = run(program) | {"np": np}
    exec(loading(program), namespace)
    maps = given((9, 9, 3))
    check(in_torch(torch, namespace["network"], maps), Pipeline(network_of(rows)).run(maps, layout="chw"), more)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", ["resnet-18", "squeezenet-1.1", "mobilenet-v2"])
def test_a_torch_program_of_a_preset_computes_what_it_does_with_its_weights(torch, tmp_path, name):
    size = (64, 70, 3)
    network = run(emitted(name, size, "torch"))["network"]
    torch.manual_seed(1)
    state = network.state_dict()
    for array in state.values():
        if array.is_floating_point():
            drawn = torch.randn_like(array) / array[0].numel() ** 0.5
            array.copy_(drawn if array.ndim > 1 else torch.rand_like(array) + 0.5)
    torch.save(state, tmp_path / "net.pth")
    text = f"{name}:weights={tmp_path / 'net.pth'}"
    program = emitted(text, size, "torch")
    assert len(program) < 30_000
    namespace = run(program)
    exec(program[program.index("# network.load_state_dict(") + 2 :].partition("\n")[0], namespace)
    check(in_torch(torch, namespace["network"], given(size)), Pipeline.parse(text).run(given(size), layout="chw"), name)


@pytest.mark.filterwarnings("ignore")
def test_no_attribute_of_a_module_is_taken_for_a_name(torch):
    module = torch.nn.ModuleDict()
    known = {*dir(module), *vars(module), *torch.nn.Module.__annotations__}
    assert {name for name in known if not name.startswith("__")} <= RESERVED
    draw = random.Random(1)
    for name in NAMES:
        text = name.replace(":", "\\:") or "x"
        program = emitted(f"relu,conv:1@1x1:as={text},add:last+last,tanh:as={draw.choice('ab')}", (3, 3, 1), "torch")
        assert run(program)["network"](torch.ones(1, 1, 3, 3)).shape == (1, 1, 3, 3)


@pytest.fixture(scope="module")
def keras():
    known = (name for name in ("jax", "torch") if importlib.util.find_spec(name) is not None)
    os.environ.setdefault("KERAS_BACKEND", next(known, "tensorflow"))
    return pytest.importorskip("keras")


@pytest.mark.filterwarnings("ignore")
def test_a_keras_program_has_every_name(keras):
    texts = [f"relu:as=x,conv:2@3x3:as={name}:padding=1:random=1,relu,add:x" for name in ("re_lu", "add", "x.0", "9")]
    for text in [*texts, "relu:as=x,conv:2@3x3:padding=1:as=max_pooling2d,maxpool:3:stride=1:padding=1,add:x"]:
        assert run(emitted(text, (5, 5, 2), "keras"))["network"].output_shape[1:] == (5, 5, 2)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("options", CASES)
def test_a_keras_program_takes_arrays_by_name(keras, options):
    network, state = learned(np.random.default_rng(2), **options)
    namespace = run(emit(plan(network, (6, 6, 4)), "keras"))
    namespace["load"](state)
    maps = given((6, 6, 4))
    check(in_keras(keras, namespace["network"], maps), Pipeline(network).run(maps, layout="chw"), options)
