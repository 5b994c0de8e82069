"""Keras files that are hostile, damaged or of what is not read: one line that says what and where."""

import json
import os
import zipfile

import pytest

from cnnfilter.errors import KernelError
from cnnfilter.models import load
from cnnfilter.models.keras import build, config
from cnnfilter.network.stages import Unknown

pytest.importorskip("h5py")

from tests.models.keras_files import functional, given, keras_file, layer, legacy_file, sequential, tensor  # noqa: E402

RELU = layer("ReLU", "r")


def refused(path, told, **more):
    """The message about a file of a configuration."""
    with pytest.raises(KernelError) as caught:
        load(keras_file(path / "net.keras", told, **more))
    message = str(caught.value)
    assert message.startswith(f"{path / 'net.keras'}: ")
    assert "\n" not in message
    return message.removeprefix(f"{path / 'net.keras'}: ")


def nested(depth):
    told = sequential(RELU)
    for _ in range(depth):
        told = sequential(told)
    return told


def circle():
    return functional([(layer("ReLU", "a"), [[("b", 0)]]), (layer("ReLU", "b"), [[("a", 0)]])], [("b", 0)])


def doubled(depth):
    """Models each of which calls the one within it twice."""
    told = layer("ReLU", "r")
    for number in range(depth):
        name = told["config"]["name"]
        told = functional([(told, [[("in", 0)], [(name, 0)]])], [(name, 1)])
        told["config"]["name"] = f"m{number}"
    return told


MODELS = {
    "no JSON": ("{", "its configuration is no JSON, or damaged"),
    "a list": ("[]", "its configuration is no object of JSON"),
    "deep": ("[" * 100_000, "its configuration is no JSON, or damaged"),
    "deep objects": ('{"a":' * 100_000, "its configuration is no JSON, or damaged"),
    "huge number": ('{"a":' + "1" * 5000 + "}", "its configuration is no JSON, or damaged"),
    "nothing": ({}, "damaged: what should be a layer in its configuration is none"),
    "a program": (
        layer("MyModel", "m") | {"module": "my_code", "registered_name": "x>MyModel"},
        "layer 'm' (MyModel): a model that a program describes, which is not run",
    ),
    "no layers": (layer("Sequential", "m", layers=[]), "layer 'm' (Sequential): it holds no layers"),
    "layers of numbers": (sequential(3), "damaged: what should be a layer in its configuration is none"),
    "nested": (nested(20), "models stand within one another more than 16 times"),
    "nested without end": (
        '{"class_name": "Sequential", "config": {"layers": [' * 1000 + "]}}" * 1000, "is no JSON, or damaged"
    ),
    "circle": (circle(), "its layers form a circle, or what it gives is not made by any of them"),
    "called too often": (doubled(15), "its layers are called more than 10,000 times, too often for a network"),
    "twice": (functional([(RELU, [[("in", 0)]])] * 2, [("r", 0)]), "two layers are called 'r'"),
    "unknown name": (functional([(RELU, [[("im", 0)]])], [("r", 0)]), "there is no layer 'im'; did you mean in?"),
    "no inputs": (functional([(RELU, [[("in", 0)]])], [("r", 0)], ()), "damaged: its inputs are no layers of it"),
    "no outputs": (functional([(RELU, [[("in", 0)]])], []), "what it gives is not made by any of them"),
    "only an input": (functional([], [("in", 0)]), "it gives nothing that is made of a picture"),
    "inputs of a model": (
        sequential(functional([(RELU, [[("in", 0)]])], [("r", 0)], [("in", (8, 7, 2)), ("b", (1,))])),
        "it takes 2 inputs, and is given 1",
    ),
    "size": (sequential(RELU, size=(1, 2, 3, 4)), "its input 'in' is told to be [None, 1, 2, 3, 4], which is no pict"),
    "size of words": (sequential(RELU, size=("a",)), "its input 'in' is told to be [None, 'a'], which is no picture"),
    "no size": (layer("Sequential", "m", layers=[RELU]), "its input 'r' is told to be None, which is no picture"),
    "any channels": (sequential(RELU, size=(8, 8, None)), "its input 'in' may have any number of channels"),
    "any values": (sequential(RELU, size=(None,)), "its input 'in' may have any number of values"),
    "constants": (
        functional([(RELU | {"inbound_nodes": 0}, [])], [("r", 0)]), "what it gives is not made by any of them"
    ),
}  # fmt: skip


@pytest.mark.parametrize(("told", "message"), MODELS.values(), ids=MODELS)
def test_a_model_that_is_not_read(tmp_path, told, message):
    assert message in refused(tmp_path, told)


def node(told):
    """A model whose one layer is told in this way what it is given."""
    model = functional([(RELU, [])], [("r", 0)])
    model["config"]["layers"][1]["inbound_nodes"] = told
    return model


@pytest.mark.parametrize(
    ("told", "message"),
    [
        (3, "damaged: its layers form a circle, or what it gives is not made by any of them"),
        (
            [{"args": [{"config": {"keras_history": ["in", "0", 0]}}]}],
            "layer 'r' (ReLU): it is given {'config': {'keras_",
        ),
        (
            [[["_CONSTANT_VALUE", -1]]],
            "layer 'r' (ReLU): it is given '_CONSTANT_VALUE', which is not the result of a l",
        ),
        ([True], "layer 'r' (ReLU): it is given True, which is not the result of a layer"),
        ([3], "layer 'r' (ReLU): it is given nothing"),
    ],
)
def test_a_layer_that_is_given_no_results_of_layers(tmp_path, told, message):
    assert message in refused(tmp_path, node(told))


@pytest.mark.parametrize(
    ("told", "message"),
    [
        ([{"args": [tensor("in"), 2.0], "kwargs": {}}], "it is given 2.0, which is not the result of a layer"),
        ([{"args": [tensor("in"), "a"], "kwargs": {}}], "it is given 'a', which is not the result of a layer"),
        ([{"args": [tensor("in")], "kwargs": {"z": 3}}], "it is given {'z': 3} beside the results of layers"),
        ([[["in", 0, 0, {"z": 2.0}]]], "it is given {'z': 2.0} beside the results of layers"),
        ([[["in", 0, 0, 3]]], "it is given {'': 3} beside the results of layers"),
    ],
)
def test_a_layer_that_is_given_more_than_results_of_layers(tmp_path, told, message):
    network = load(keras_file(tmp_path / "net.keras", node(told))).network
    assert network[-1].stage.reason == f"layer 'r' (ReLU): {message}"


def test_limits_of_configurations(tmp_path, monkeypatch):
    monkeypatch.setattr(config, "MAX_VALUES", 10)
    assert "its configuration is too long for a network" in refused(tmp_path, sequential(RELU))
    monkeypatch.setattr(config, "MAX_VALUES", 10**6)
    monkeypatch.setattr(build, "MAX_NODES", 3)
    assert "its layers are called more than 3 times" in refused(
        tmp_path, sequential(*[layer("ReLU", f"{n}") for n in range(5)])
    )


def test_names_without_end_are_refused(tmp_path):
    inner = sequential(*[layer("ReLU", f"{n}") for n in range(5000)])
    inner["config"]["name"] = inner["name"] = "N" * (1 << 20)
    message = "its layer 'NNN"
    assert refused(tmp_path, sequential(inner)).startswith(message)
    inner["config"]["name"] = inner["name"] = "N" * 999
    assert "has a name of more than 1000 letters, with those of the models around it" in refused(
        tmp_path, sequential(inner)
    )
    assert "the class of its layer 'r' has more than 1000 letters" in refused(
        tmp_path, sequential(layer("R" * 1001, "r"))
    )


# The files


def test_what_is_no_file_of_keras(tmp_path):
    for name, data in {"a.keras": b"text", "a.h5": b"\x89HDF\r\n\x1a", "b.hdf5": b"x" * 100}.items():
        path = tmp_path / name
        path.write_bytes(data)
        with pytest.raises(KernelError, match="damaged, or not a file that Keras saved: it is neither a zip nor HDF5"):
            load(path)


def test_zips_that_are_no_network(tmp_path):
    assert "it holds no model.weights.h5" in refused(tmp_path, sequential(RELU), model__weights__h5=None)
    assert "it holds no config.json" in refused(tmp_path, sequential(RELU), config__json=None)
    assert "config.json' is compressed by a method" in refused(tmp_path, sequential(RELU), method=zipfile.ZIP_LZMA)
    with zipfile.ZipFile(tmp_path / "twice.keras", "w") as archive:
        archive.writestr("config.json", "{}")
        with pytest.warns(UserWarning, match="Duplicate name"):
            archive.writestr("config.json", "{}")
    with pytest.raises(KernelError, match="it holds more than one config.json"):
        load(tmp_path / "twice.keras")
    path = keras_file(tmp_path / "cut.keras", sequential(RELU))
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(KernelError, match="the end of the zip file is missing; it is cut off, or not a .keras file"):
        load(path)


def test_a_configuration_that_is_a_bomb(tmp_path, monkeypatch):
    text = json.dumps(sequential(RELU)) + " " * (17 << 20)
    assert "config.json' grows from" in refused(tmp_path, text, method=zipfile.ZIP_DEFLATED)
    monkeypatch.setattr("cnnfilter.models.keras.reading.MAX_TEXT", 100)
    assert "config.json has" in refused(tmp_path, sequential(RELU))


def test_an_h5_file_of_weights_alone(tmp_path):
    import h5py

    with h5py.File(tmp_path / "weights.h5", "w") as file:
        file.attrs["layer_names"] = ["conv"]
    with pytest.raises(KernelError, match=r"it holds weights alone, .*; save it whole: model.save\('net.keras'\)"):
        load(tmp_path / "weights.h5")


CONV = layer("Conv2D", "c", filters=1, kernel_size=1)


@pytest.mark.parametrize(
    "order", [[], ["c/kernel:0"], ["c/bias:0", "c/kernel:0"], ["c/kernel:0", "c/bias:0", "c/more:0"]]
)
def test_an_h5_file_whose_arrays_are_not_its_layers(tmp_path, order):
    path = legacy_file(tmp_path / "net.h5", sequential(CONV), {}, {"c": order})
    with pytest.raises(
        KernelError, match=r"layer 'c' \(Conv2D\): its arrays in the file are .*, but by its config"
    ) as caught:
        load(path)
    assert str(caught.value).endswith("kernel, bias")


def test_an_h5_file_with_a_layer_that_is_not_known_is_planned_up_to_it(tmp_path):
    inner = sequential(CONV, layer("Odd", "o"))
    names = ["model/o/weight:0", "model/c/kernel:0", "model/c/bias:0"]
    arrays = {f"model/{name}": values for name, values in zip(names, [[3], [[[[1], [2]]]], [0]], strict=True)}
    network = load(legacy_file(tmp_path / "net.h5", sequential(RELU, inner), arrays, {"model": names})).network
    assert [node.name for node in network] == ["r", "model/c", "model/o"]
    assert isinstance(network[-1].stage, Unknown)
    assert network[1].stage.learned.array("weight", (1, 2, 1, 1)).ravel().tolist() == [1, 2]
    network = load(legacy_file(tmp_path / "net.h5", sequential(RELU, inner), {}, {"model": names[:1]})).network
    with pytest.raises(KernelError, match="its numbers 'model_weights/model/c/kernel' are not in the file"):
        network[1].stage.learned.array("weight", (1, 2, 1, 1))


def test_what_is_no_file(tmp_path):
    (tmp_path / "folder.keras").mkdir()
    os.mkfifo(tmp_path / "pipe.h5")
    for name, reason in {
        "folder.keras": "is a folder",
        "pipe.h5": "is a pipe or a device",
        "no.h5": "no such file",
    }.items():
        with pytest.raises(KernelError, match=f"{name}: {reason}"):
            load(tmp_path / name)


# The numbers


def weight(model, role="weight", shape=(1, 2, 1, 1)):
    return model.network[0].stage.learned.array(role, shape)


def arrays(kernel, bias=(0,)):
    return {"layers/conv2d/vars/0": kernel, "layers/conv2d/vars/1": bias}


@pytest.mark.parametrize(
    ("kernel", "message"),
    [
        ([[[[1], [2], [3]]]], "its weight is 1x3x1x1, but it must be 1x2x1x1"),
        ([[1, 2]], "its numbers are 1x2, which does not fit what arrives"),
        ([[[[float("nan")], [2]]]], r"nan at [0, 0, 0, 0]: its weight must be finite"),
    ],
)
def test_arrays_that_do_not_fit(tmp_path, kernel, message):
    path = keras_file(tmp_path / "net.keras", sequential(CONV), arrays(kernel))
    with pytest.raises(KernelError) as caught:
        weight(load(path))
    assert str(caught.value) == f"{path}: layer 'c' (Conv2D): {message}"


def test_arrays_that_are_missing_or_of_another_type(tmp_path):
    path = keras_file(tmp_path / "net.keras", sequential(CONV))
    with pytest.raises(KernelError, match="its numbers 'layers/conv2d/vars/0' are not in the file"):
        weight(load(path))
    import h5py

    path = legacy_file(tmp_path / "net.h5", sequential(CONV), {}, {"c": ["c/kernel:0", "c/bias:0"]})
    with h5py.File(path, "r+") as file:
        file["model_weights/c/c/kernel:0"] = [[[[1], [2]]]]
    with pytest.raises(KernelError, match="its numbers 'model_weights/c/c/kernel:0' are of a type that is not read"):
        weight(load(path))


def test_a_file_that_changes_before_its_numbers_are_read(tmp_path):
    path = keras_file(tmp_path / "net.keras", sequential(CONV), arrays([[[[1], [2]]]]))
    model = load(path)
    keras_file(path, sequential(CONV), arrays([[[[1], [2]]]]) | {"layers/more": [1, 2, 3]})
    with pytest.raises(KernelError, match="net.keras: .*the file has changed since it was read first"):
        weight(model)


def test_numbers_whose_sum_does_not_fit(tmp_path):
    path = keras_file(tmp_path / "net.keras", sequential(CONV), arrays([[[[1.5], [2]]]]))
    data = path.read_bytes()
    path.write_bytes(data.replace(b"\0\0\xc0\x3f", b"\0\0\xc1\x3f"))
    with pytest.raises(KernelError, match="net.keras: .*damaged or cut off"):
        weight(load(path))


def test_a_role_that_a_layer_has_not(tmp_path):
    model = load(keras_file(tmp_path / "net.keras", sequential(CONV), arrays([[[[1], [2]]]])))
    assert model.network[0].stage.learned.array("bias", (1,)).tolist() == [0]
    with pytest.raises(KernelError, match="there is no running_mean"):
        weight(model, "running_mean")
    bare = layer("Conv2D", "c", filters=1, kernel_size=1, use_bias=False)
    path = keras_file(tmp_path / "bare.keras", sequential(bare), {"layers/conv2d/vars/0": [[[[1], [2]]]]})
    assert weight(load(path), "bias", (1,)) is None


def test_a_model_of_several_inputs_is_run_with_its_first(tmp_path):
    two = [("in", (8, 7, 2)), ("other", (3,))]
    layers = [(layer("ReLU", "r"), [[("in", 0)]]), (layer("Flatten", "f"), [[("r", 0)]])]
    layers += [(layer("Concatenate", "j"), [[("f", 0), ("other", 0)]])]
    model = load(keras_file(tmp_path / "a.keras", functional(layers, [("j", 0)], two)))
    assert model.inputs == ("in", "other")
    assert "it reads the input 'other', and one input is run" in model.network[-1].stage.reason
    assert any("it has others too, of which nothing is run: 'other'" in note for note in model.notes)
    model = load(keras_file(tmp_path / "b.keras", functional(layers, [("j", 0), ("r", 0)], two)))
    assert model.outputs[0] == "j"


def test_of_several_results_those_that_are_made_are_told(tmp_path):
    layers = [
        (layer("ReLU", "r"), [[("in", 0)]]),
        (layer("ReLU", "s"), [[("r", 0)]]),
        (layer("Odd", "o"), [[("s", 0)]]),
    ]
    model = load(keras_file(tmp_path / "a.keras", functional(layers, [("r", 0), ("s", 0)])))
    assert model.outputs == ("s", "r")
    model = load(keras_file(tmp_path / "b.keras", functional(layers, [("r", 0), ("o", 0)])))
    assert [node.name for node in model.network] == ["r", "s", "o"]
    assert model.outputs == ("o", "r")


def test_what_follows_an_unknown_layer_is_left_out(tmp_path):
    layers = [
        (layer("ReLU", "r"), [[("in", 0)]]),
        (layer("Odd", "o"), [[("r", 0)]]),
        (layer("ReLU", "s"), [[("o", 0)]]),
    ]
    model = load(keras_file(tmp_path / "a.keras", functional(layers, [("s", 0)])))
    assert [node.name for node in model.network] == ["r", "o"]
    assert given((1,))["config"]["name"] == "in"
