"""Files as Keras 2 wrote them: other lists of what layers are given, other names of arrays, other defaults.

They are made of those that Keras 3 wrote; one that Keras 2 wrote is in `test_keras_networks.py`. Keras 3.15.1, which
reads both, gave the same of the changed `rescaled.h5` and `any.h5` as of the first. Models in models it does not read
as Keras 2 told them, who counted their uses from 1.
"""

import json
import shutil

import numpy as np
import pytest

from cnnfilter.models import load
from tests.models.test_keras_networks import close, folder, run  # noqa: F401  (a fixture)

h5py = pytest.importorskip("h5py")

from tests.models.keras_files import functional, keras_file, layer, legacy_file, sequential  # noqa: E402


def older(told, counted=()):
    """A configuration of Keras 3 as Keras 2 has it; the uses of models that are `counted` begin at 1."""
    config = {key: value for key, value in told["config"].items() if key not in ("dtype", "build_input_shape")}
    if "batch_shape" in config:
        config["batch_input_shape"] = config.pop("batch_shape")
    if "layers" in config:
        nested = {each["config"]["name"] for each in config["layers"] if "layers" in each["config"]}
        layers = [older(each, nested) for each in config["layers"]]
        config["layers"] = layers
        if "output_layers" in config:
            config["input_layers"], outputs = ([each] if isinstance(each[0], str) else each for each in (
                config["input_layers"], config["output_layers"]
            ))  # fmt: skip
            config["output_layers"] = outputs
    made = {"class_name": told["class_name"], "config": config}
    if "inbound_nodes" in told:
        made |= {"name": config["name"], "inbound_nodes": [_node(each, counted) for each in told["inbound_nodes"]]}
    return made


def _node(told, counted):
    (given,) = told["args"]
    histories = [each["config"]["keras_history"] for each in (given if isinstance(given, list) else [given])]
    return [[name, use + (name in counted), part, {}] for name, use, part in histories]


def rewrite(path):
    """Make an `.h5` file of Keras 3 one of Keras 2."""
    with h5py.File(path, "r+") as file:
        told = older(json.loads(file.attrs["model_config"]))
        file.attrs["model_config"] = json.dumps(told)
        file.attrs["keras_version"] = np.bytes_(b"2.15.0")
        groups = file["model_weights"]
        for name in groups:
            order = [each.decode() if isinstance(each, bytes) else each for each in groups[name].attrs["weight_names"]]
            for each in order:
                groups[name].move(each, f"{each}:0")
            groups[name].attrs["weight_names"] = np.array([f"{each}:0".encode() for each in order] or [], "S")


CONV = {"name": "c", "batch_input_shape": [None, 4, 4, 1], "filters": 1, "kernel_size": 1}


@pytest.mark.parametrize("name", ["nested", "rescaled", "any"])
def test_a_network_as_keras_2_told_it_gives_the_same(folder, tmp_path, name):  # noqa: F811
    path = tmp_path / f"{name}.h5"
    shutil.copy(folder / f"{name}.h5", path)
    rewrite(path)
    recorded = np.load(folder / f"{name}.npz")
    close(run(load(path).network, recorded["x"]), recorded["y0"])


def test_a_sequential_model_of_before_2_3_is_a_list_and_has_no_input_layer(tmp_path):
    told = {"class_name": "Sequential", "config": [
        {"class_name": "Conv2D", "config": CONV},
        {"class_name": "Flatten", "config": {"name": "f"}},
    ]}  # fmt: skip
    path = legacy_file(
        tmp_path / "net.h5", told, {"c/c/kernel:0": [[[[2]]]], "c/c/bias:0": [1]}, {"c": ["c/kernel:0", "c/bias:0"]}
    )
    model = load(path)
    assert model.size == (4, 4, 1)
    np.testing.assert_array_equal(run(model.network, np.ones((4, 4, 1), "f4")), np.full(16, 3))


@pytest.mark.parametrize(("version", "expected"), [("2.15.0", 0.7), ("3.0.0", 2 / 3), (None, 0.7)])
def test_a_hard_sigmoid_was_another_before_keras_3(tmp_path, version, expected):
    told = sequential(layer("Activation", "a", activation="hard_sigmoid"), size=(3,))
    model = load(keras_file(tmp_path / "net.keras", told, version=version))
    np.testing.assert_allclose(run(model.network, np.ones(3, "f4")), [expected] * 3, rtol=1e-6)


def test_a_leaky_relu_told_its_slope_as_alpha(tmp_path):
    told = sequential(layer("LeakyReLU", "a", alpha=0.25), size=(3,))
    np.testing.assert_allclose(
        run(load(keras_file(tmp_path / "n.keras", told)).network, -np.ones(3, "f4")), [-0.25] * 3
    )


def test_joins_are_told_by_lists(tmp_path):
    told = functional([(layer("ReLU", "r"), [[("in", 0)]]), (layer("Add", "j"), [[("r", 0), ("in", 0)]])], [("j", 0)])
    for each in told["config"]["layers"][1:]:
        each["inbound_nodes"] = [
            [[*one["config"]["keras_history"], {}] for one in node["args"][0]] for node in each["inbound_nodes"]
        ]
    told["config"]["output_layers"] = ["j", 0, 0]
    told["config"]["input_layers"] = {"picture": ["in", 0, 0]}
    x = np.linspace(-1, 1, 112, dtype="f4").reshape(8, 7, 2)
    network = load(keras_file(tmp_path / "net.keras", told)).network
    np.testing.assert_allclose(run(network, x), np.maximum(x, 0) + x, rtol=1e-6)


def test_functions_were_layers_of_one_class(tmp_path):
    def function(name, called, given):
        return {"class_name": "TFOpLambda", "name": name, "inbound_nodes": [given], "config": {
            "name": name, "trainable": True, "dtype": "float32", "function": called,
        }}  # fmt: skip

    told = functional([(layer("ReLU", "r"), [[("in", 0)]])], [("e", 0)])
    told["config"]["layers"] += [
        function("a", "__operators__.add", ["r", 0, 0, {"y": 3.0, "name": None}]),
        function("b", "nn.relu6", ["a", 0, 0, {"name": None}]),
        function("c", "math.multiply", ["b", 0, 0, {"y": 0.25, "name": None}]),
        function("d", "math.multiply", ["r", 0, 0, {"y": ["c", 0, 0], "name": None}]),
        function("e", "__operators__.add", ["d", 0, 0, {"y": ["r", 0, 0], "name": None}]),
    ]
    x = np.linspace(-4, 4, 112, dtype="f4").reshape(8, 7, 2)
    r = np.maximum(x, 0)
    network = load(keras_file(tmp_path / "net.keras", told)).network
    np.testing.assert_allclose(run(network, x), r * np.minimum(r + 3, 6) / 4 + r, rtol=1e-6)
    told["config"]["layers"][-1]["config"]["function"] = "expand_dims"
    reason = load(keras_file(tmp_path / "net.keras", told)).network[-1].stage.reason
    assert reason == "layer 'e' (TFOpLambda): a layer that is not known"
