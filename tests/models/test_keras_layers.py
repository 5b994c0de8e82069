"""Layers of Keras that are not read, or are given what is not: planned up to there, with one line that says why."""

import numpy as np
import pytest

from cnnfilter.errors import KernelError, ShapeError
from cnnfilter.models import load
from cnnfilter.network.plan import plan
from cnnfilter.network.stages import Unknown
from cnnfilter.pipeline import Pipeline

pytest.importorskip("h5py")

from tests.models.keras_files import functional, keras_file, layer, sequential, tensor  # noqa: E402
from tests.models.test_keras_refused import RELU, refused  # noqa: E402


def stopped(path, *layers, **more):
    """Why the last node of a network cannot be read, which can be planned up to there."""
    network = load(keras_file(path / "net.keras", sequential(RELU, *layers, **more))).network
    assert str(network[0].stage) == "relu"
    last = network[-1].stage
    assert isinstance(last, Unknown)
    with pytest.raises(ShapeError):
        last.output((1, 1, 1))
    assert "\n" not in last.reason
    return last.reason


def custom(module, registered):
    return layer("Conv2D", "mine") | {"module": module, "registered_name": registered}


LAYERS = {
    "program": (layer("Lambda", "l", function={"class_name": "__lambda__"}), "layer 'l' (Lambda): it holds a program"),
    "somebody's": (
        custom("my_code.layers", "my_code>Conv2D"),
        "layer 'mine' (Conv2D): a layer of somebody's own, 'my_code>Conv2D', which is a program, and is not run",
    ),
    "of a module": (custom("os", None), "a layer of somebody's own, 'os.Conv2D'"),
    "registered": (custom("keras.layers", "Custom>Conv2D"), "a layer of somebody's own, 'Custom>Conv2D'"),
    "no module": (custom(["os"], None), "a layer of somebody's own, \"['os'].Conv2D\""),
    "unknown": (layer("Conv3D", "c"), "layer 'c' (Conv3D): a layer that is not known; did you mean Conv2D"),
    "unknown and unlike": (layer("Qqqqqq", "c"), "layer 'c' (Qqqqqq): a layer that is not known"),
    "activation": (
        layer("Activation", "a", activation="relo"),
        "its activation 'relo' is not known; did you mean relu",
    ),
    "activation's function": (
        layer("Activation", "a", activation={"class_name": "function", "config": "f", "registered_name": "mine>f"}),
        "its activation 'mine>f' is not known",
    ),
    "activation's layer": (
        layer("Dense", "a", units=3, activation={"module": "mine", "class_name": "ReLU", "config": {}}),
        "layer 'a' (Dense): its activation: a layer of somebody's own, 'mine.ReLU'",
    ),
    "activation of another kind": (
        layer("Dense", "a", units=3, activation={"class_name": "PReLU"}),
        "layer 'a' (PReLU): as an activation, it is not known",
    ),
    "learned activation": (
        layer("Dense", "a", units=3, activation=layer("PReLU")),
        "layer 'a' (PReLU): as an activation, it is not known",
    ),
    "channels first": (
        layer("MaxPooling2D", "m", data_format="channels_first"),
        "data_format is 'channels_first', but it must be None or 'channels_last' to be read",
    ),
    "size": (layer("Conv2D", "c", filters=2.5, kernel_size=3), "filters is 2.5, but it must be a whole number from 1"),
    "window": (
        layer("Conv2D", "c", filters=2, kernel_size=[3, 0]),
        "kernel_size is [3, 0], but it must be two whole numbers from 1",
    ),
    "truth": (layer("Conv2D", "c", filters=2, kernel_size=[3, True]), "kernel_size is [3, True], but it must be two"),
    "padding": (
        layer("Conv2D", "c", filters=2, kernel_size=3, padding="causal"),
        "padding is 'causal', but it must be 'valid' or 'same'",
    ),
    "too large": (layer("Conv2D", "c", filters=2, kernel_size=9), "layer 'c' (Conv2D): "),
    "number": (layer("LeakyReLU", "a", negative_slope=float("inf")), "negative_slope is inf, but it must be a finite"),
    "flag": (layer("GlobalMaxPooling2D", "g", keepdims=1), "keepdims is 1, but it must be true or false"),
    "numbers": (layer("Rescaling", "r2", scale=["a"]), "scale is ['a'], but it must be a finite number, or some"),
    "scale": (layer("Rescaling", "r2", scale=0), "scale is 0, but it must be one number that is not 0"),
    "pads": (layer("ZeroPadding2D", "z", padding=[1, -1]), "padding is [1, -1], but it must be whole numbers from 0"),
    "threshold": (layer("ReLU", "t", threshold=1.0), "threshold is 1.0, but it must be None, 0 or 0.0 to be read"),
    "axis": (layer("BatchNormalization", "b", axis=1), "axis is 1, but it must be the last one"),
    "softmax's axis": (layer("Softmax", "s", axis=1), "axis is 1, but it must be -1"),
    "smoothed": (layer("Resizing", "r2", height=3, width=3, antialias=True), "antialias is True, but it must be False"),
    "too small to crop": (
        layer("CenterCrop", "c", height=9, width=7),
        "it takes maps of a known size of at least 9x7",
    ),
    "inverted": (layer("Normalization", "n", invert=True), "invert is True, but it must be False to be read"),
    "shape": (layer("Reshape", "s", target_shape=[7, 16]), "from 8x7x2 to 7x16: only vectors and maps of 1x1 are made"),
    "shape of words": (
        layer("Reshape", "s", target_shape=["a"]),
        "target_shape is ['a'], but it must be whole numbers",
    ),
}


@pytest.mark.parametrize(("told", "reason"), LAYERS.values(), ids=LAYERS)
def test_a_layer_that_is_not_read_is_told_and_planned_up_to(tmp_path, told, reason):
    assert reason in stopped(tmp_path, told)


def test_layers_of_vectors_and_maps_are_told_apart(tmp_path):
    flat = layer("Flatten", "f")
    assert "it takes maps (H, W, C), and a vector arrives" in stopped(tmp_path, flat, layer("MaxPooling2D", "m"))
    assert "it stands behind Flatten" in stopped(tmp_path, flat, layer("Normalization", "n"))
    assert "from 112 to 4x4x7" in stopped(tmp_path, flat, layer("Reshape", "s", target_shape=[4, 4, 7]))
    assert "it takes a vector or maps" in stopped(tmp_path, layer("Dense", "d", units=2), size=(8, 7))
    assert "it takes maps of three axes" in stopped(tmp_path, layer("MaxPooling2D", "m"), size=(8, 7))
    assert "axis is None, but it must be that of channels" in stopped(tmp_path, layer("Softmax", "s"), size=(8, 7))
    assert "it takes maps of a known size" in stopped(tmp_path, flat, size=(None, 7, 2))


PAIR = [(layer("ReLU", "a"), [[("in", 0)]]), (layer("Flatten", "b"), [[("in", 0)]])]


@pytest.mark.parametrize(
    ("joined", "reads", "reason"),
    [
        (layer("Add", "j"), ["a", "b"], "it joins what has different numbers of axes"),
        (layer("Subtract", "j"), ["a"], "it takes two inputs, not 1"),
        (layer("ReLU", "j"), ["a", "a"], "it is given 2 inputs, but takes one"),
        (layer("Concatenate", "j", axis=1), ["a", "a"], "axis is 1, but it must be the last one"),
        (layer("Add", "j"), [], "it is given nothing"),
    ],
)
def test_what_cannot_be_joined(tmp_path, joined, reads, reason):
    told = functional([*PAIR, (joined, [[(name, 0) for name in reads]])], [("j", 0)])
    if not reads:
        assert refused(tmp_path, told).endswith(f"nothing that is made of a picture: layer 'j' (Add): {reason}")
        return
    last = load(keras_file(tmp_path / "net.keras", told)).network[-1].stage
    assert reason in last.reason


def test_vectors_of_different_orders_are_not_added(tmp_path):
    maps = [(layer("MaxPooling2D", "m", pool_size=[8, 1]), [[("in", 0)]])]
    maps += [(layer("MaxPooling2D", "n", pool_size=[1, 7]), [[("in", 0)]])]
    maps += [(layer("Flatten", "f"), [[("m", 0)]]), (layer("Flatten", "g"), [[("n", 0)]])]
    told = functional([*maps, (layer("Add", "j"), [[("f", 0), ("g", 0)]])], [("j", 0)])
    assert (
        "flattened from maps of different sizes"
        in load(keras_file(tmp_path / "n.keras", told)).network[-1].stage.reason
    )


def test_slopes_of_each_sample_are_not_read(tmp_path):
    reason = stopped(tmp_path, layer("PReLU", "p", shared_axes=None))
    assert "shared_axes is None, but it must be [1, 2] or [1, 2, 3] to be read" in reason


@pytest.mark.parametrize(
    ("kind", "given", "expected"),
    [("Add", [3.0], lambda x: x + 3), ("Multiply", [2], lambda x: x * 2), ("Add", [1, 2], lambda x: x + 3)],
)
def test_numbers_are_added_and_multiplied(tmp_path, kind, given, expected):
    told = functional([(layer(kind, "a"), [])], [("a", 0)])
    told["config"]["layers"][1]["inbound_nodes"] = [{"args": [tensor("in"), *given], "kwargs": {}}]
    network = load(keras_file(tmp_path / "net.keras", told)).network
    x = np.linspace(-1, 1, 112, dtype="f4").reshape(2, 8, 7)
    np.testing.assert_allclose(Pipeline(network).run(x, layout="chw"), expected(x), rtol=1e-6)


def test_a_number_among_results_of_layers_is_not_added(tmp_path):
    told = functional([(layer("Add", "a"), [])], [("a", 0)])
    told["config"]["layers"][1]["inbound_nodes"] = [{"args": [tensor("in"), tensor("in"), 2.0], "kwargs": {}}]
    network = load(keras_file(tmp_path / "net.keras", told)).network
    assert network[-1].stage.reason == "layer 'a' (Add): it joins results of layers and the number 2.0"


def test_the_layer_of_keras_own_inception_resnet(tmp_path):
    layers = [(layer("ReLU", "r"), [[("in", 0)]]), (layer("CustomScaleLayer", "s", scale=0.5), [[("in", 0), ("r", 0)]])]
    network = load(keras_file(tmp_path / "net.keras", functional(layers, [("s", 0)]))).network
    x = np.linspace(-1, 1, 112, dtype="f4").reshape(2, 8, 7)
    np.testing.assert_allclose(Pipeline(network).run(x, layout="chw"), x + np.maximum(x, 0) / 2, rtol=1e-6)


def test_a_network_for_pictures_of_any_size_that_fits_one_alone(tmp_path):
    layers = [(layer("Resizing", "r", height=8, width=8), [[("in", 0)]]), (layer("Add", "j"), [[("r", 0), ("in", 0)]])]
    told = functional(layers, [("j", 0)], [("in", (None, None, 2))])
    network = load(keras_file(tmp_path / "net.keras", told)).network
    assert plan(network, (8, 8, 2))[-1].output == (8, 8, 2)
    with pytest.raises(ShapeError, match=r"stage 2 \(add\): takes results of one size"):
        plan(network, (9, 8, 2))


def test_vectors_that_are_joined_again_and_again_have_a_limit(tmp_path):
    layers = [(layer("Flatten", "f"), [[("in", 0)]])]
    layers += [(layer("Concatenate", f"j{n}"), [[(f"j{n - 1}" if n else "f", 0)] * 100]) for n in range(6)]
    network = load(keras_file(tmp_path / "net.keras", functional(layers, [("j5", 0)]))).network
    assert [node.name for node in network] == ["f", "j0", "j1"]
    assert network[-1].stage.reason == "layer 'j1' (Concatenate): it joins more than 1,000 flattened maps"


def test_there_is_a_limit_of_layers_that_are_told_why(tmp_path):
    told = functional([(layer(f"Odd{n}", f"o{n}"), [[("in", 0)]]) for n in range(60)], [("o1", 0)])
    with pytest.raises(KernelError, match=r"layer 'o50' \(Odd50\): a layer that is not known"):
        load(keras_file(tmp_path / "net.keras", told))


def test_no_two_nodes_have_one_name(tmp_path):
    layers = [layer("Activation", "a/relu", activation="relu"), layer("Dense", "a", units=2, activation="relu")]
    network = load(keras_file(tmp_path / "net.keras", sequential(*layers, size=(3,)))).network
    assert [node.name for node in network] == ["a/relu", "a", "a/relu#2"]
