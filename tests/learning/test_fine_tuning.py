"""Networks of other frameworks learn on: what is frozen stays, and the file that is written needs no other."""

import shutil
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import cnnfilter
from cnnfilter.errors import CnnfilterWarning
from cnnfilter.models import load, own
from cnnfilter.pipeline import Pipeline
from tests.command import ROOT, done
from tests.learning.strokes import LABELS, strokes

DIGITS = ROOT / "samples" / "digits" / "digits.onnx"
PLAIN = "conv:8@3x3:padding=1:bias=no:as=c,batchnorm,relu,globalavgpool,flatten,dense:10"
"""The first two stages of the digits' network, and others."""

pytestmark = pytest.mark.filterwarnings("ignore::cnnfilter.errors.CnnfilterWarning")


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    pictures, classes = strokes(60)
    for number, (picture, kind) in enumerate(zip(pictures, classes, strict=True)):
        (tmp_path / "data" / LABELS[kind]).mkdir(parents=True, exist_ok=True)
        Image.fromarray(picture).save(tmp_path / "data" / LABELS[kind] / f"{number:02}.png")
    return tmp_path


def numbers(network, size=(12, 12, 1)):
    """The learned numbers of a network, by the names of its nodes."""
    return own.arrays_of(own.named(network), size)


def alone(name, folder):
    """What `run` says of a picture of another size and in colour, where there is nothing but the network's file."""
    (folder / "alone").mkdir()
    shutil.move(name, folder / "alone" / name)
    Image.fromarray(np.stack([strokes(3)[0][1]] * 3, axis=2)).resize((30, 40)).save("alone/photo.png")
    told = done("run", f"alone/{name}", "alone/photo.png", "--top", "1").out.splitlines()
    return told[1].split()[2]


@pytest.mark.parametrize("suffix", [".npz", ".safetensors"])
def test_a_network_of_onnx_learns_on(folder, suffix):
    name = f"net{suffix}"
    told = done(
        "train", DIGITS, "data", "-o", name, "--freeze", "conv1", "--freeze", "4", "--freeze", "bn1", "--epochs", "8"
    )
    assert told.messages[:2] == [
        "stage 31 is dense:3, not dense:10: there are 3 classes", "normalize is put first",
    ]  # fmt: skip
    before, after = numbers(load(DIGITS).network), numbers(load(name).network)
    measured = [f"bn1.{role}" for role in ("weight", "bias", "running_mean", "running_var")]
    for frozen in ("conv1.weight", "layer1.conv1.weight", *measured):
        np.testing.assert_array_equal(after[frozen], before[frozen])
    for learned in ("layer1.conv2.weight", "layer3.conv2.weight", "layer1.bn1.running_mean"):
        assert not np.array_equal(after[learned], before[learned])
    assert alone(name, folder) == "lie"


def test_stages_begin_with_the_numbers_of_a_network_of_onnx():
    before = numbers(load(DIGITS).network)
    keywords = {"epochs": 1, "freeze": ["c", "2"]}
    told = done("train", PLAIN, "data", "-o", "net.npz", "--from", DIGITS, "--epochs", "1", "--freeze", "c")
    assert "2 of 3 stages that learn begin with the numbers that are given" in told.messages
    after = numbers(load("net.npz").network)
    np.testing.assert_array_equal(after["c.weight"], before["conv1.weight"])
    assert 0 < np.abs(after["batchnorm2.weight"] - before["bn1.weight"]).max() < 0.1
    with pytest.warns(CnnfilterWarning, match="2 of 3 stages"):
        training = cnnfilter.train(PLAIN, "data", source=DIGITS, **keywords)
    after = numbers(training.pipeline.network)
    np.testing.assert_array_equal(after["batchnorm2.weight"], before["bn1.weight"])
    other = numbers(cnnfilter.train(PLAIN, "data", source=Pipeline.load(DIGITS), **keywords).pipeline.network)
    assert all(np.array_equal(other[name], after[name]) for name in after)


@pytest.mark.parametrize("suffix", [".keras", ".h5"])
def test_a_network_of_keras_learns_on(folder, suffix):
    pytest.importorskip("h5py")
    with zipfile.ZipFile(ROOT / "tests" / "data" / "keras" / "networks.zip") as archive:
        archive.extract(f"rescaled{suffix}")
    model = load(f"rescaled{suffix}")
    height, width, _ = model.size
    stages = f"rgb,resize:{height}x{width},rescaled{suffix}"
    done("train", stages, "data", "-o", "net.npz", "--freeze", "conv", "--epochs", "12", "--lr", "0.01")
    before, after = numbers(model.network, model.size), numbers(load("net.npz").network)
    np.testing.assert_array_equal(after["conv.weight"], before["conv.weight"])
    assert sum(not np.array_equal(after[name], before[name]) for name in before if name in after) > 5
    Path(f"rescaled{suffix}").unlink()
    assert alone("net.npz", folder) in LABELS


def test_a_network_as_tensorflow_exports_it_learns_on(folder):
    graphs = pytest.importorskip("tests.models.graphs", reason="it needs onnx")
    node, numbers_of = graphs.node, graphs.numbers
    model = graphs.graph(
        [
            node("Conv", "x w b", "c", pads=[1, 1, 1, 1]), node("Relu", "c", "r"),
            node("Transpose", "r", "t", perm=[0, 2, 3, 1]), node("Reshape", "t s", "f"), node("MatMul", "f m", "d"),
            node("Add", "d k", "e"), node("Softmax", "e", "y", axis=1),
        ],
        x=("N", 1, 12, 12), s=np.array([-1, 576]), w=numbers_of(4, 1, 3, 3), b=numbers_of(4),
        m=numbers_of(576, 3, seed=2), k=numbers_of(3),
    )  # fmt: skip
    Path("tf.onnx").write_bytes(model.SerializeToString())
    done("train", "tf.onnx", "data", "-o", "net.npz", "--freeze", "1", "--lr", "1e-30", "--epochs", "1")
    assert ",dense:3:layout=hwc:" in (folder / "net.npz").read_bytes().decode("latin-1")
    for picture in strokes(5)[0]:  # so slow a training changes nothing
        wanted = Pipeline.parse("normalize,tf.onnx")(picture)
        np.testing.assert_allclose(Pipeline.load("net.npz")(picture), wanted, rtol=1e-6)
    done("train", "tf.onnx", "data", "-o", "net.npz", "--freeze", "1", "--lr", "0.01", "--epochs", "6", "--force")
    assert alone("net.npz", folder) in LABELS
