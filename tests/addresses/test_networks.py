"""Weights, networks and their labels at addresses: what `memory://` holds is what a file would be."""

import pickle
import shutil
from pathlib import Path

import click
import fsspec
import numpy as np
import onnx
import pytest

from cnnfilter import Pipeline
from cnnfilter.addresses import copies, systems
from cnnfilter.addresses.address import located
from cnnfilter.cli.completion import complete_stages
from cnnfilter.cli.mistakes import rewritten
from cnnfilter.errors import ArgumentError, CnnfilterError, CnnfilterWarning, GrammarError, KernelError
from cnnfilter.messages import known_as
from cnnfilter.models.labels import number_among, offered_labels
from cnnfilter.models.loading import load, load_named, names_network
from cnnfilter.network.grammar import parse
from cnnfilter.network.graph import Group
from cnnfilter.weights.bank import find_kernel
from cnnfilter.weights.state import load_state
from tests.command import ROOT
from tests.models.graphs import graph, node

KERNELS = ROOT / "samples/kernels"
FILES = sorted(each for each in KERNELS.iterdir() if each.suffix != ".md")
IMAGE = np.arange(192, dtype=np.uint8).reshape(8, 8, 3)
W = np.arange(24, dtype=np.float32).reshape(2, 3, 2, 2)


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def memory():
    return fsspec.filesystem("memory")


def put(memory, path, name=None):
    """Copy a file to `memory://nets`."""
    memory.pipe_file(f"/nets/{name or path.name}", path.read_bytes())
    return f"memory://nets/{name or path.name}"


@pytest.mark.parametrize(
    "path", sorted(each for each in KERNELS.iterdir() if each.suffix != ".md"), ids=lambda p: p.name
)
def test_every_format_of_weights_is_read(memory, path):
    name = put(memory, path)
    array = {"disk.npz": "small", "pnet.pt": "conv1"}.get(path.name)
    local, found = (find_kernel(text, array_name=array) for text in (str(path), name))
    assert found.name == local.name
    for attribute in ("weights", "weight", "bias"):
        np.testing.assert_array_equal(getattr(found, attribute, None), getattr(local, attribute, None))
    named = f":name={array}" if array else ""
    image = IMAGE if path.name == "pnet.pt" else IMAGE[..., 0]
    results = [Pipeline.parse(f"conv:{text}{named}").run(image) for text in (path, name)]
    np.testing.assert_array_equal(*results)


def test_a_bias_is_not_looked_for_beside_an_address(memory):
    np.save("a.weight.npy", W)
    np.save("a.bias.npy", np.ones(2, np.float32))
    with pytest.warns(CnnfilterWarning, match="its bias is from a.bias.npy"):
        assert find_kernel("a.weight.npy").bias is not None
    put(memory, Path("a.bias.npy"))
    assert find_kernel(put(memory, Path("a.weight.npy"))).bias is None


def state(memory, suffix=".npz"):
    np.savez("net.npz", **{"conv1.weight": W, "conv1.bias": np.ones(2, np.float32)})
    return put(memory, Path("net.npz"), f"net{suffix}")


def test_stages_take_their_numbers_from_a_state_dict(memory):
    name = state(memory)
    text = "conv:2@2x2:weights={}:name=conv1"
    local, there = (Pipeline.parse(text.format(each)) for each in ("net.npz", name))
    np.testing.assert_array_equal(there.run(IMAGE), local.run(IMAGE))
    assert str(there) == text.format(name)
    again = pickle.loads(pickle.dumps(there))
    np.testing.assert_array_equal(again.run(IMAGE), local.run(IMAGE))
    copies.remove_all()
    again = pickle.loads(pickle.dumps(there))  # as in another process
    np.testing.assert_array_equal(again.run(IMAGE), local.run(IMAGE))


def test_networks_are_stages(memory):
    Pipeline.parse("conv:2@2x2:random=1:as=a,relu,flatten").save("own.npz", size=(8, 8, 3), labels=["no", "yes"])
    Pipeline.parse("conv:2@2x2:random=2,relu").save("own.safetensors", size=(8, 8, 3))
    onnx.save(graph([node("Conv", "x w", "y")], w=W), "net.onnx")
    for path in ("own.npz", "own.safetensors", "net.onnx"):
        name = put(memory, Path(path))
        local = Pipeline.parse(path)
        for each in (Pipeline.parse(name), Pipeline.parse(f"relu,{name}")):
            np.testing.assert_array_equal(each.run(IMAGE), local.run(IMAGE))
        assert str(Pipeline.parse(name)) == name
        assert load_named(name) is not None
    assert load_named(state(memory, "2.npz")) is None
    assert load_named("memory://nets/relu") is None


@pytest.mark.parametrize("local", [True, False])
def test_onnx_finds_its_weights_beside_it(memory, local):
    onnx.save(
        graph([node("Conv", "x w", "y")], w=W),
        "net.onnx",
        save_as_external_data=True,
        location="net.data",
        size_threshold=0,
    )
    name = put(memory, Path("net.onnx"))
    with pytest.raises(
        KernelError, match=r"^memory://nets/net.onnx: its tensor 'w' is said to lie in 'net.data': no such file"
    ):
        load(name)
    put(memory, Path("net.data"))
    learned = load("net.onnx" if local else name).network[0].stage.learned
    np.testing.assert_array_equal(learned.array("weight", W.shape), W)
    assert {"net.onnx", "net.data"} <= {located(each).name for each in copies.read_files()}


def test_a_pipeline_file_names_what_lies_beside_it_and_other_addresses(memory):
    put(memory, KERNELS / "gaussian.npy", "k/gaussian.npy")
    put(memory, KERNELS / "gaussian.npy", "g.npy")
    Pipeline.parse("conv:2@2x2:random=2,relu").save("own.npz", size=(8, 8, 3))
    put(memory, Path("own.npz"))
    state(memory, "2.npz")
    lines = ["conv:k/gaussian.npy", "conv:memory://nets/g.npy", "conv:3@2x2:random=1", "own.npz", "conv:2@2x2:random=1"]
    lines += ["conv:3@2x2:random=4", "conv:2@2x2:weights=net2.npz:name=conv1", "relu"]
    memory.pipe_file("/nets/net.txt", "\n".join(lines).encode())
    network = parse("@memory://nets/net.txt", load=load_named)
    assert network[0].stage.file.path == "memory://nets/k/gaussian.npy"
    assert network[1].stage.file.path == "memory://nets/g.npy"
    assert network[3].group.path == "memory://nets/own.npz"
    assert Pipeline(network).run(np.zeros((40, 40, 1), np.uint8)).shape[0] == 2
    text = parse("conv:k/gaussian.npy", base=located("memory://nets"))
    assert str(text) == "conv:memory://nets/k/gaussian.npy"
    with pytest.raises(GrammarError, match="unknown kernel 'gausian'"):
        parse("conv:gausian", base=located("memory://nets"))


def test_labels_lie_beside_a_network(memory):
    Pipeline.parse("conv:2@2x2:random=1:as=a,relu,flatten").save("own.npz", size=(8, 8, 3), labels=["no", "yes"])
    name = put(memory, Path("own.npz"))
    assert offered_labels(Pipeline.parse(name).network) == (("no", "yes"), name)
    copies.remove_all()
    memory.pipe_file("/nets/own.labels.txt", b"cat\ndog\n")
    network = Pipeline.parse(name).network
    assert offered_labels(network) == (("cat", "dog"), "memory://nets/own.labels.txt")
    assert number_among("dog", network, 2) == 1


REFUSED = {
    "memory://nets/none.npz": "memory://nets/none.npz: no such file",
    "memory://nets/photo.png": "memory://nets/photo.png: is a picture, not a kernel",
    "memory://nets/net.h5": "memory://nets/net.h5: .h5 files hold whole networks",
    "memory://nets/net": "memory://nets/net: not a weight file by its name",
    "memory://nets/empty.npy": "memory://nets/empty.npy: the file is empty",
    "memory://nets/broken.npy": "memory://nets/broken.npy: damaged or cut off, or not a .npy file",
    "s4://nets/net.npz?secret=1": "the scheme 's4' is not known; did you mean s3 or gs?",
    "https://me:secret@host:x/net.npz?secret=1": ": its port is no number",
    "file:///etc/passwd.npz": "the address file:///etc/passwd.npz: it is of this machine: give its path",
    "simplecache::memory://nets/net.npz": "the address simplecache::memory://nets/net.npz: chains of addresses",
}


@pytest.mark.parametrize(("name", "message"), REFUSED.items())
def test_what_cannot_be_used_is_refused_by_its_address(memory, name, message):
    memory.pipe_file("/nets/empty.npy", b"")
    memory.pipe_file("/nets/broken.npy", b"\x93NUMPY")
    for use in (find_kernel, lambda name: Pipeline.parse(f"conv:{name}").load_weights(), load_state):
        with pytest.raises(CnnfilterError) as caught:
            use(name)
        assert message in str(caught.value)
        assert "secret" not in str(caught.value)
        assert not any(each in str(caught.value) for each in known_as)


@pytest.mark.parametrize("suffix", [".onnx", ".h5", ".npz", ".safetensors"])
def test_networks_that_cannot_be_used_are_refused_by_their_address(memory, suffix):
    memory.pipe_file(f"/nets/broken{suffix}", b"PK\3\4")
    for use in (load, Pipeline.parse):
        with pytest.raises(CnnfilterError, match=rf"memory://nets/none{suffix}: no such file"):
            use(f"memory://nets/none{suffix}")
    with pytest.raises(CnnfilterError, match=rf"memory://nets/broken{suffix}: "):
        load(f"memory://nets/broken{suffix}")
    with pytest.raises(CnnfilterError, match="the address s4://nets/"):
        Pipeline.parse(f"s4://nets/net{suffix}")
    with pytest.raises(ArgumentError, match="pipeline file memory://nets/none.txt: no such file"):
        parse("@memory://nets/none.txt")
    with pytest.raises(ArgumentError, match=r"^the address ftp://\.\.\.: the scheme 'ftp'"):
        parse("@ftp://me:secret@host/net.txt?secret")
    with pytest.raises(CnnfilterError, match="write 'conv:memory://nets/net2.npz'"):
        Pipeline.parse(state(memory, "2.npz"))


def test_nobody_is_asked_what_is_at_an_address_before_it_is_needed(memory, monkeypatch):
    def asked(address):
        raise AssertionError(address.text)

    name = state(memory)
    monkeypatch.setattr(systems, "system", asked)
    context = click.Context(click.Command("run"))
    for text in (f"conv:{name}:name=", f"dense:3:weights={name}:name=", name, "conv:memory://nets/"):
        assert [each.type for each in complete_stages(context, click.Argument(["stages"]), text)] == ["file"]
    assert not names_network(name)
    assert names_network("memory://nets/net.onnx")
    assert str(parse(f"conv:2@2x2:stride=2,conv:{name}:name=conv1")) == f"conv:2@2x2:stride=2,conv:{name}:name=conv1"
    assert rewritten("run", ["conv:edge", "memory://nets/net.onnx", "memory://nets/photo.png"]) is not None


def test_what_a_network_tells_of_itself_has_no_secrets(memory):
    text = "conv:https://me:hunter2@host/k.npz?hunter2:name=a,dense:3:weights=sftp://me:hunter2@host/w.npz"
    stage = parse(text.partition(",")[0]).stages[0]
    assert repr(stage.file) == "<WeightFile https://host/k.npz?...:name=a>"
    assert "hunter2" not in repr(stage)
    group = Group("net", path="https://host/net.onnx?hunter2")
    assert repr(group) == "<Group net>"


def test_a_worker_of_a_cluster_reads_what_it_is_sent(memory, tmp_path, monkeypatch):
    np.save("a.weight.npy", W)
    np.save("a.bias.npy", np.ones(2, np.float32))
    model = graph([node("Conv", "x w", "y")], w=W)
    onnx.save(model, "net.onnx", save_as_external_data=True, location="net.data", size_threshold=0)
    Pipeline.parse("conv:3@2x2:random=1,relu,flatten").save("own.npz", size=(4, 4, 2))
    Path("own.labels.txt").write_text("cat\ndog\n")
    Path("net.txt").write_text("net.onnx\nconv:a.weight.npy:layout=oihw\nown.npz\n")
    np.save("a.weight.npy", W[:, :2])
    state(memory)

    def results():
        network = Pipeline.parse("@net.txt")
        with pytest.warns(CnnfilterWarning, match="its bias is from a.bias.npy beside it"):
            network.load_weights()
        labels = offered_labels(network.network)
        stored = Pipeline.parse("conv:2@2x2:weights=memory://nets/net.npz:name=conv1")
        return network.run(np.ones((6, 6, 3), np.uint8)), labels, stored.run(IMAGE)

    expected = results()
    sent = copies.read_files()
    for number, (name, path) in enumerate(sent.items()):
        folder = tmp_path / "worker" / str(number)
        folder.mkdir(parents=True)
        sent[name] = folder / path.name
        shutil.copyfile(path, sent[name])
    copies.remove_all()
    monkeypatch.chdir(tmp_path / "worker")
    memory.store.clear()
    copies.hold(sent)
    found = results()
    np.testing.assert_array_equal(found[0], expected[0])
    assert found[1] == expected[1] == (("cat", "dog"), "own.labels.txt")
    np.testing.assert_array_equal(found[2], expected[2])
