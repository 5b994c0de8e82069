"""Files of Keras broken at random, their configuration too: they load, or one line says why they do not."""

import io
import json
import random
import time
import tracemalloc
import zipfile

import pytest

from cnnfilter.errors import KernelError
from cnnfilter.models import load
from cnnfilter.network.stages import Unknown
from tests.command import ROOT, run

h5py = pytest.importorskip("h5py")

from tests.models.keras_files import keras_file, layer, sequential  # noqa: E402

NETWORKS = ROOT / "tests" / "data" / "keras" / "networks.zip"

ODD = [
    None,
    True,
    -1,
    0,
    10**12,
    10**400,
    1e300,
    "",
    "x" * 1000,
    "relu",
    [],
    [1],
    [[1, 2], 3],
    {},
    {"class_name": "Lambda"},
]


def sources(suffix):
    with zipfile.ZipFile(NETWORKS) as archive:
        return [archive.read(name) for name in archive.namelist() if name.endswith(suffix)]


def broken(chance, data):
    """Data cut off, or with some bits or blocks of it changed, most of them where it begins."""
    data = bytearray(data)
    how = chance.choice(["cut", "flip", "flip", "flip", "empty", "copy"])
    if how == "cut":
        return data[: chance.randrange(len(data))]
    if how == "flip":
        for _ in range(chance.choice([1, 1, 4, 20])):
            data[chance.randrange(min(chance.choice([200, 3000, len(data)]), len(data)))] ^= 1 << chance.randrange(8)
        return data
    begin, other, length = chance.randrange(len(data)), chance.randrange(len(data)), chance.choice([8, 64, 512])
    data[begin : begin + length] = bytes(length) if how == "empty" else data[other : other + length]
    return data


def unlike(chance, told):
    """A configuration one of whose values is another."""
    places = []
    waiting = [told]
    while waiting:
        each = waiting.pop()
        for key in each if isinstance(each, dict) else range(len(each)):
            places.append((each, key))
            if isinstance(each[key], dict | list):
                waiting.append(each[key])
    for _ in range(chance.choice([1, 1, 3])):
        holder, key = chance.choice(places)
        holder[key] = chance.choice(ODD)
    return told


def repacked(chance, data, change):
    """A `.keras` file one of whose members is changed, and whole as a zip."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    if change == "config":
        members["config.json"] = json.dumps(unlike(chance, json.loads(members["config.json"]))).encode()
    else:
        members["model.weights.h5"] = bytes(broken(chance, members["model.weights.h5"]))
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, member in members.items():
            archive.writestr(name, member)
    return stream.getvalue()


def damage(chance, suffix):
    data = chance.choice(sources(suffix))
    how = chance.choice(["file", "config", "config", "weights"]) if suffix == ".keras" else "file"
    return broken(chance, data) if how == "file" else repacked(chance, data, how)


def outcome(path):
    """What a file gives: nothing if it loads with all its numbers, else the message."""
    try:
        network = load(path).network
        for node in network:
            if isinstance(node.stage, Unknown):
                return node.stage.reason
            node.stage.load()
    except KernelError as error:
        return str(error)
    return ""


@pytest.mark.parametrize("suffix", [".keras", ".h5"])
@pytest.mark.parametrize("count", [15, pytest.param(500, marks=pytest.mark.slow)])
def test_a_broken_file_is_one_line(tmp_path, suffix, count):
    path = tmp_path / f"net{suffix}"
    told = []
    tracemalloc.start()
    for seed in range(count):
        chance = random.Random(f"{suffix} {count} {seed}")
        path.write_bytes(damage(chance, suffix))
        begin = time.monotonic()
        message = outcome(path)
        assert time.monotonic() - begin < 60, seed
        assert "\n" not in message, seed
        assert not message or "layer" in message or message.startswith(f"{path}: "), seed
        told.append(message)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert count / 4 < sum(map(bool, told)) < count
    assert peak < 64 << 20


def linked(path):
    with h5py.File(path, "w") as file:
        file.create_group("model_weights")["conv"] = h5py.ExternalLink("/etc/passwd", "/")
    return "is a link to '/etc/passwd', and links are not followed"


def program(path):
    keras_file(path, sequential(layer("Lambda", "mine")))
    return "layer 'mine' (Lambda): it holds a program, which is not run"


def deep(path):
    keras_file(path, "[" * 100_000)
    return "its configuration is no JSON, or damaged"


def cut(path):
    path.write_bytes(sources(path.suffix)[0][:5000])
    return "cut off, or not a"


@pytest.mark.parametrize(
    ("name", "make"),
    [("net.h5", linked), ("net.keras", program), ("net.keras", deep), ("net.keras", cut), ("net.h5", cut)],
)
@pytest.mark.parametrize("command", ["shape", "run"])
def test_a_command_ends_with_one_line(tmp_path, monkeypatch, name, make, command):
    monkeypatch.chdir(tmp_path)
    message = make(tmp_path / name)
    arguments = [name, ROOT / "samples" / "camera.png"] if command == "run" else ["8x7x2", name]
    result = run(command, *map(str, arguments))
    assert (result.exit_code, len(result.messages)) == (2, 1), result.err
    assert message in result.err
