"""Networks in files of our own: what is written is read again, from one file, which names no other."""

import io
import json
import zipfile
from pathlib import Path

import numpy as np
import pytest

from cnnfilter import Pipeline
from cnnfilter.errors import ArgumentError, ExistsError, GrammarError, KernelError, OutputError
from cnnfilter.models import own
from cnnfilter.models.loading import load, load_named
from cnnfilter.network.grammar import parse
from tests.command import done, run, save

TEXT = (
    "resize:9x9,gray,normalize,conv:3@3x3:padding=1:random=1:as=x,relu,batchnorm:random=1,prelu:random=1,add:x,"
    "conv:[1 2; 3 4],flatten,dense:2:random=3,softmax"
)
PHOTO = np.random.default_rng(2).integers(0, 256, (20, 30, 3), dtype=np.uint8)
SUFFIXES = (".npz", ".safetensors")


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_network_is_the_same_out_of_its_file(suffix):
    pipeline = Pipeline.parse(TEXT)
    pipeline.save(f"net{suffix}", size=(20, 30, 3), labels=["cat", "dog"])
    wanted = pipeline(PHOTO)
    for found in (Pipeline.load(f"net{suffix}"), Pipeline.parse(f"net{suffix}")):
        np.testing.assert_array_equal(found(PHOTO), wanted)
    assert load(f"net{suffix}").labels == ("cat", "dog")
    before = Pipeline.load(f"net{suffix}").up_to(6)  # what stands alone is told with the file of its numbers
    np.testing.assert_array_equal(Pipeline.parse(str(before))(PHOTO), pipeline.up_to(6)(PHOTO))


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_file_tells_what_a_picture_is(suffix):
    Pipeline.parse(TEXT).save(f"net{suffix}", size=(20, 30, 3), labels=["cat", "dog"])
    save("photo.png", PHOTO)
    result = done("run", f"net{suffix}", "photo.png")
    assert [line.split()[-1] for line in result.out.splitlines()] == ["LABEL", "cat", "dog"]
    assert f"labels from net{suffix}" in result.err


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_the_same_network_is_the_same_bytes(suffix):
    for name in ("a", "b"):
        Pipeline.parse(TEXT).save(f"{name}{suffix}", size=(20, 30, 3))
    assert Path(f"a{suffix}").read_bytes() == Path(f"b{suffix}").read_bytes()


def test_other_libraries_read_the_numbers():
    safetensors = pytest.importorskip("safetensors.numpy")
    pipeline = Pipeline.parse("conv:2@3x3:random=1:as=first,relu")
    for suffix in SUFFIXES:
        pipeline.save(f"net{suffix}", size=(9, 9, 1))
    with np.load("net.npz") as arrays:
        mine = {name: arrays[name] for name in arrays.files if name != own.MEMBER}
    theirs = safetensors.load_file("net.safetensors")
    assert sorted(mine) == sorted(theirs) == ["first.bias", "first.weight"]
    for name, array in mine.items():
        np.testing.assert_array_equal(array, theirs[name])
    save("photo.png", PHOTO[..., 0])
    done("run", "conv:2@3x3:weights=net.npz:name=first", "photo.png")


def test_what_is_saved_again_needs_no_size():
    Pipeline.parse(TEXT).save("a.npz", size=(20, 30, 3), labels=["cat", "dog"])
    Pipeline.load("a.npz").save("b.npz")
    np.testing.assert_array_equal(Pipeline.load("a.npz")(PHOTO), Pipeline.load("b.npz")(PHOTO))
    assert load("b.npz").labels == ("cat", "dog")


def test_names_are_given_to_what_learns_and_none_twice():
    network = own.named(parse("conv:2@3x3:random=1:as=dense2,flatten,dense:3:random=1,dense:3:random=1"))
    assert [node.name for node in network] == ["dense2", None, "dense3", "dense4"]


def test_what_cannot_be_saved_is_refused():
    with pytest.raises(ArgumentError, match=r"not as '\.onnx'"):
        Pipeline.parse("relu").save("net.onnx")
    with pytest.raises(ArgumentError, match="give size="):
        Pipeline.parse("conv:2@3x3:random=1").save("net.npz")
    with pytest.raises(ArgumentError, match="has sizes but no weights"):
        Pipeline.parse("conv:2@3x3").save("net.npz")
    np.save("edge.npy", np.eye(3))
    with pytest.raises(GrammarError, match="these stages cannot be saved in a file of their own: .*name no other file"):
        Pipeline.parse("conv:edge.npy,relu").save("net.npz")
    Pipeline.parse("relu").save("net.npz")
    with pytest.raises(ExistsError, match="overwrite=True"):
        Pipeline.parse("abs").save("net.npz")
    Pipeline.parse("abs").save("net.npz", overwrite=True)
    assert str(Pipeline.load("net.npz").stages[0]) == "abs"
    with pytest.raises(OutputError, match="cannot write"):
        Pipeline.parse("abs").save("no/net.npz")


def zipped(told, name=own.MEMBER):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr(name, told if isinstance(told, bytes | str) else json.dumps(told))
    return stream.getvalue()


def headed(told):
    header = json.dumps({"__metadata__": {own.KEY: json.dumps(told)}}).encode()
    return len(header).to_bytes(8, "little") + header


@pytest.mark.parametrize("write", [zipped, headed], ids=SUFFIXES)
@pytest.mark.parametrize(
    ("told", "reason"),
    [
        (
            {"stages": "conv:secret.npz"},
            "its stages: .* stages in a file name no other file, .*'secret.npz'",
        ),
        ({"stages": "conv:secret.npy:name=a"}, "name no other file"),
        ({"stages": "dense:secret.npz"}, "name no other file"),
        ({"stages": "conv:2@3x3:weights=secret.npz"}, "name no other file"),
        ({"stages": "convtranspose:secret.npz"}, "name no other file"),
        ({"stages": "lenet-5:weights=secret.npz"}, "name no other file"),
        ({"stages": "@secret.txt"}, "name no other file"),
        ({"stages": "relu,secret.onnx"}, "its stages: stage 2"),
        ({"stages": "relu,secret.npz"}, "its stages: stage 2"),
        ({"stages": "no"}, "unknown stage"),
        ({"stages": 5}, "its stages are 5, which is no text"),
        ({}, "its stages are None"),
        ([1], r"what it tells of its network is \[1\]"),
        ({"stages": "relu", "size": [0]}, "the size of its input is"),
        ({"stages": "relu", "size": [1, 2]}, "the size of its input is"),
        ({"stages": "relu", "labels": "ab"}, "its labels are 'ab'"),
        ({"stages": "relu", "labels": [1]}, "its labels are"),
        ({"stages": "relu", "labels": ["a" * 2000]}, "its labels are"),
    ],
)
def test_a_file_that_tells_what_cannot_be_is_one_line(folder, write, told, reason):
    for name in ("secret.npz", "secret.txt", "secret.onnx", "secret.npy"):
        (folder / name).write_bytes(b"nobody opens it")
    name = "net.npz" if write is zipped else "net.safetensors"
    (folder / name).write_bytes(write(told))
    with pytest.raises(KernelError, match=f"^{name}: .*{reason}") as caught:
        Pipeline.load(name)
    assert "\n" not in str(caught.value)
    assert "nobody" not in str(caught.value)
    result = run("shape", "9x9x1", name)
    assert result.exit_code == 2
    assert len(result.messages) == 1


def test_damaged_files_are_one_line_or_files_of_weights(folder):
    assert load_named("no.npz") is None
    for name, data in {
        "a.npz": b"PK nothing", "b.npz": zipped("{"), "c.npz": zipped("[" * 100_000), "d.npz": zipped(b"\xff"),
        "e.npz": zipped(" " * (own.MAX_TEXT + 1)), "f.npz": zipped("1", "other.json"),
        "g.safetensors": b"\x05", "h.safetensors": b"\xff" * 50,
        "i.safetensors": (9).to_bytes(8, "little") + b"[1, 2, 3]",
        "j.safetensors": (20).to_bytes(8, "little") + b'{"__metadata__": 1} ',
    }.items():  # fmt: skip
        (folder / name).write_bytes(data)
        with pytest.raises(KernelError, match=f"^{name}: ") as caught:
            Pipeline.load(name)
        assert "\n" not in str(caught.value)
        assert run("shape", "9x9x1", name).exit_code == 2


def test_a_file_of_weights_alone_is_no_network():
    np.savez("weights.npz", **{"c1.weight": np.ones((2, 1, 3, 3))})
    assert load_named("weights.npz") is None
    assert not own.holds_network(Path("weights.csv"))
    with pytest.raises(GrammarError, match="a kernel is no stage by itself; write 'conv:weights.npz'"):
        Pipeline.parse("weights.npz")
    with pytest.raises(KernelError, match="it holds arrays alone, and does not tell their network"):
        Pipeline.load("weights.npz")


def test_numbers_that_do_not_fit_the_stages_are_told():
    arrays = {"conv1.weight": np.ones((2, 1, 5, 5), np.float32)}
    Path("net.npz").write_bytes(b"".join(own.written(".npz", arrays, own.Record("conv:2@3x3:bias=no:as=conv1"))))
    result = run("shape", "9x9x1", "net.npz")
    assert result.exit_code == 2
    assert "is 2x1x5x5, but it must be 2x1x3x3" in result.err
