"""Files of whole networks: by their names, and what is said of those that cannot be read."""

import importlib.util

import pytest

from cnnfilter import Pipeline
from cnnfilter.errors import KernelError, MissingExtraError
from cnnfilter.models import load
from cnnfilter.models.loading import load_named
from cnnfilter.models.onnx import reading
from cnnfilter.network.grammar import parse
from tests.models.graphs import graph, node, read
from tests.test_imports import modules


def test_a_file_is_a_stage_of_the_language_by_its_ending(tmp_path):
    read(graph([node("Relu", "x", "y")]), tmp_path)
    assert load_named(str(tmp_path / "net.npz")) is None
    network = parse(f"{tmp_path}/net.onnx,softmax", load=load_named)
    assert [each.stage.name for each in network] == ["relu", "softmax"]
    assert [row.output for row in Pipeline(network).plan((8, 8, 3))] == [(8, 8, 3)] * 2


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("net.txt", b"x", "not a file of a network by its name (known: .onnx"),
        ("net.onnx", b"", "the file is empty"),
        ("net.onnx", b"\x00" * 64, "damaged or cut off, or not an ONNX file"),
        ("net.onnx", b"\x0a\x02\xff", "damaged or cut off, or not an ONNX file"),
        ("net.onnx", b"\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", "damaged or cut off, or not an ONNX file"),
        ("net.onnx", b"\x0d\x00\x00\x00\x00\x09\x00", "damaged or cut off, or not an ONNX file"),
        ("net.onnx", b"\x0b", "damaged or cut off, or not an ONNX file"),
        ("net.onnx", b"PK\x03\x04 this is a zip, whatever it is called", "damaged or cut off, or not an ONNX file"),
        ("none.onnx", None, "no such file"),
    ],
)
def test_what_cannot_be_read_is_told_in_one_line(name, content, message, tmp_path):
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(KernelError) as error:
        load(tmp_path / name)
    assert str(error.value).startswith(f"{tmp_path / name}: {message}")


def test_a_folder_is_no_file(tmp_path):
    (tmp_path / "net.onnx").mkdir()
    with pytest.raises(KernelError, match="is a folder"):
        load(tmp_path / "net.onnx")


@pytest.fixture
def apart(monkeypatch):
    """Let the library be looked for as in a process that has not imported it."""
    monkeypatch.setattr(reading, "sys", type("sys", (), {"modules": {}}))
    reading.messages.cache_clear()
    yield
    reading.messages.cache_clear()


@pytest.mark.usefixtures("apart")
def test_a_missing_library_is_told_with_the_command_that_installs_it(tmp_path, monkeypatch):
    (tmp_path / "net.onnx").write_bytes(b"x")
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match=r"needs the onnx library: pip install 'cnnfilter\[onnx\]'"):
        load(tmp_path / "net.onnx")


@pytest.mark.usefixtures("apart")
def test_of_the_library_its_description_of_the_format_is_enough(tmp_path):
    assert len(read(graph([node("Relu", "x", "y")]), tmp_path).network) == 1
    assert reading.messages().__name__ == "cnnfilter.models.onnx.messages"


def test_a_file_is_read_without_the_rest_of_the_library(tmp_path):
    read(graph([node("Relu", "x", "y")]), tmp_path)
    code = f"from cnnfilter.models import load; print(len(load({str(tmp_path / 'net.onnx')!r}).network))"
    names = modules("-c", code)
    assert "google.protobuf.message" in names
    assert names & {"onnx", "onnx.checker", "numpy", "numba", "PIL"} == set()
