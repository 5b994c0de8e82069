"""Every argument and option of every command that takes a file, given an address: a right one, and ones that are none.

What a batch reads and writes is not told here: `tests/batch/` and `tests/faults/` have its inputs and outputs.
"""

import contextlib
import re
import shlex
import shutil
from pathlib import Path

import click
import fsspec
import numpy as np
import onnx
import pytest

from cnnfilter import Pipeline
from cnnfilter.addresses import copies, systems
from cnnfilter.cli.commands import OptionalChoice
from cnnfilter.cli.group import COMMANDS, LazyGroup
from tests.command import run, save
from tests.models.graphs import graph, node

READ = [
    ("apply", "kernel", "{}edge.json photo.png -o out.png"),
    ("run", "stages", "@{}net.txt photo.png -o out.npy"),
    ("run", "labels", "flatten,dense:2:random=1,softmax small.png --labels {}two.txt"),
    ("why", "stages", "{}own.npz small.png -o out.png"),
    ("why", "labels", "own.npz small.png -o out.png --labels {}two.txt"),
    ("explain", "stages", "conv:{}edge.json,relu photo.png --at 3,4"),
    ("explain", "source", "conv:edge,relu {}photo.png --at 3,4 --json"),
    ("explain", "source", "{}slide.csv --matrix"),
    ("kernels", "kernel", "{}state.npz --kernel-name conv1"),
    ("learn", "inputs", "{}photo.png {}photo2.png --size 3"),
    ("page", "stages", "{}own.npz small.png -o -"),
    ("page", "source", "conv:edge,relu {}small.png -o -"),
    ("page", "labels", "flatten,dense:2:random=1,softmax small.png --labels {}two.txt -o -"),
    ("shape", "size", "{}photo.png conv:edge,relu"),
    ("shape", "size", "{}own.npz"),
    ("shape", "stages", "8x8x3 conv:2@2x2:weights={}state.npz:name=conv1,relu"),
    ("shape", "stages", "8x8x3 relu,{}net.onnx --json"),
    ("train", "stages", "@{}small.txt data.npz -o out.npz --epochs 1 -q --validation 0"),
    ("train", "source", "flatten,dense:2 {}data.npz -o out.npz --epochs 1 -q --validation 0"),
    ("train", "source", "flatten,dense:2 {}list.csv -o out.npz --epochs 1 -q --validation 0"),
    ("train", "source", "flatten,dense:2 {}pets -o out.npz --epochs 1 -q --validation 0"),
    ("train", "source", "flatten,dense:2 {}divided -o out.npz --epochs 1 -q"),
    ("train", "source", "flatten,dense:2 {}digits -o out.npz --epochs 1 -q"),
    ("train", "source", "flatten,dense:2 {}digits/train-images-idx3-ubyte -o out.npz --epochs 1 -q"),
    ("train", "validation", "flatten,dense:2 data.npz -o out.npz --epochs 1 -q --validation {}pets"),
    (
        "train",
        "source_of_numbers",
        "conv:2@2x2,relu,flatten,dense:2 data.npz -o out.npz --epochs 1 -q --from {}own.npz",
    ),
]
"""Commands, what of them is read, and lines in which `{}` stands before the names of files that are."""

WRITTEN = [
    ("explain", "output", "conv:edge,relu photo.png --at 3,4 -o {}out.svg"),
    ("explain", "output", "maxpool:1x2 slide.csv -o {}out.gif"),
    ("kernels", "output", "sobel -o {}out.png"),
    ("learn", "output", "photo.png photo2.png --size 3 -o {}out.json"),
    ("page", "output", "conv:edge,relu small.png -o {}out.html"),
    ("shape", "diagram", "lenet-5 --diagram {}out.svg"),
    ("train", "output", "flatten,dense:2 data.npz -o {}out.npz --epochs 1 -q"),
    ("train", "report", "flatten,dense:2 data.npz -o net.npz --epochs 1 -q --report {}out.html"),
    ("train", "plot", "flatten,dense:2 data.npz -o net.npz --epochs 1 -q --plot {}out.svg"),
]
"""The same of what is written."""

REFUSED = [("shape", "weights_file", "resnet-18:random=1 --emit torch --weights {}out.npz")]
"""What takes paths alone."""

GROUP = LazyGroup()
BATCH = {(command, each) for command in ("apply", "run", "why") for each in ("inputs", "output", "files_from")}

HOSTILE = [
    ("file:///{}", "it is of this machine: give its path"),
    ("local://{}", "it is of this machine"),
    ("simplecache::memory://box/{}", "chains of addresses"),
    ("zip://a.zip::memory://box/{}", ": "),
    ("s4://box/{}", "the scheme 's4' is not known; did you mean s3"),
    ("ftp://me:hunter2@host/{}", "the scheme 'ftp' is not known"),
    ("https://me:hunter2@host:port/{}?signature=hunter2", "its port is no number"),
    ("s3://me:hunter2@box/{}", "credentials have no place in it"),
    ("s3:///{}", "it names no bucket"),
]
"""Addresses that are refused, for names of files, and why."""


def idx(path, array):
    head = bytes([0, 0, 8, array.ndim]) + b"".join(side.to_bytes(4, "big") for side in array.shape)
    path.write_bytes(head + array.tobytes())


@contextlib.contextmanager
def inside(folder):
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        yield


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A folder of files of all kinds."""
    folder = tmp_path_factory.mktemp("made")
    with inside(folder):
        chance = np.random.default_rng(3)
        photo = chance.integers(0, 256, (12, 10, 3), dtype=np.uint8)
        save("photo.png", photo)
        Path("slide.csv").write_text("1,2,3\n4,5,6\n")
        save("photo2.png", photo // 2)
        save("small.png", photo[:8, :8])
        Path("edge.json").write_text("[[0, 1, 0], [1, -4, 1], [0, 1, 0]]")
        arrays = {"weight": np.arange(24, dtype=np.float32).reshape(2, 3, 2, 2), "bias": np.ones(2, np.float32)}
        np.savez("state.npz", **{f"conv1.{name}": array for name, array in arrays.items()})
        Path("net.txt").write_text("gray\nconv:edge.json\nconv:2@2x2:random=1\nrelu\n")
        Path("small.txt").write_text("flatten\ndense:2\n")
        Path("two.txt").write_text("cat\ndog\n")
        network = "conv:2@2x2:random=1,relu,flatten,dense:2:random=2,softmax"
        Pipeline.parse(network).save("own.npz", size=(8, 8, 3))
        Pipeline.parse("flatten,dense:2:random=2,softmax").save("dense.npz", size=(8, 8, 3))
        weight = np.linspace(-1, 1, 384, dtype=np.float32).reshape(2, 192)
        layers = [node("Flatten", "x", "f"), node("Gemm", "f w", "y", transB=1)]
        onnx.save(graph(layers, w=weight), "net.onnx")
        pictures, classes = chance.integers(0, 256, (20, 8, 8, 3), dtype=np.uint8), np.arange(20) % 2
        np.savez("data.npz", x=pictures, y=classes)
        lines = []
        for number, (picture, kind) in enumerate(zip(pictures, classes, strict=True)):
            for place in ("pets", "divided/train", "divided/val"):
                Path(f"{place}/{kind}").mkdir(parents=True, exist_ok=True)
                save(f"{place}/{kind}/{number}.png", picture)
            lines.append(f"pets/{kind}/{number}.png,{kind}\n")
        Path("list.csv").write_text("".join(lines))
        Path("few.csv").write_text("".join(lines[:4]))
        Path("digits").mkdir()
        for begin in ("train", "t10k"):
            idx(Path(f"digits/{begin}-images-idx3-ubyte"), pictures[..., 0])
            idx(Path(f"digits/{begin}-labels-idx1-ubyte"), classes.astype(np.uint8))
    return folder


@pytest.fixture(autouse=True)
def memory(made, tmp_path, monkeypatch):
    """These files in the current folder, and at `memory://box`."""
    there = fsspec.filesystem("memory")
    shutil.copytree(made, tmp_path, dirs_exist_ok=True)
    there.put(f"{made}/", "/box", recursive=True)
    monkeypatch.chdir(tmp_path)
    return there


def placed(line, place):
    """The words of a line, each file at its place."""
    return shlex.split(re.sub(r"\{\}([\w./-]+)", lambda found: place.format(found[1]), line))


def told(result, prefix=""):
    """What a command said, wherever its files are, but that those in memory go with it."""
    said = result.err.replace(GONE, "").replace(prefix, "")
    return result.exit_code, result.out.replace(prefix, "").split(), said  # columns are wider


GONE = "warning: what is written at memory:// goes with this process\n"


def outputs():
    return {path.name: path.read_bytes() for path in Path().glob("out*")}


def identified(rows):
    return [pytest.param(*row, id=f"{row[0]}-{row[1]}-{number}") for number, row in enumerate(rows)]


def test_all_that_takes_a_file_is_here():
    found = set()
    context = click.Context(GROUP)
    for name in COMMANDS:
        for param in GROUP.get_command(context, name).params:
            complete = param._custom_shell_complete
            if isinstance(param, OptionalChoice):  # behind which a file may stand
                continue
            if complete is not None and any(each.type == "file" for each in complete(context, param, "?")):
                found.add((name, param.name))
    assert found == {row[:2] for row in (*READ, *WRITTEN, *REFUSED)} | BATCH


@pytest.mark.parametrize(("command", "parameter", "line"), identified(READ))
def test_what_is_read_may_be_at_an_address(command, parameter, line):
    local = run(command, *placed(line, "{}"))
    assert local.exit_code == 0, local.err
    expected = outputs()
    for name in [*expected, *map(str, Path().glob("*-checkpoint.npz"))]:
        Path(name).unlink(missing_ok=True)
    there = run(command, *placed(line, "memory://box/{}"))
    assert told(there, "memory://box/") == told(local)
    assert outputs() == expected


@pytest.mark.parametrize(("command", "parameter", "line"), identified(WRITTEN))
def test_what_is_written_may_be_at_an_address(command, parameter, line, memory):
    local = run(command, *placed(line, "{}"))
    assert local.exit_code == 0, local.err
    there, force = placed(line, "memory://box/{}"), ["-f"] if "net.npz" in line else []
    result = run(command, *there, *force)
    assert told(result, "memory://box/") == told(local)
    assert result.err.count(GONE) == 1
    for name, data in outputs().items():
        assert memory.cat(f"/box/{name}") == data
        if not force:
            memory.pipe_file(f"/box/{name}", b"old")
    if not force:
        again = run(command, *there)
        assert (again.exit_code, again.out) == (2, "")
        assert again.err.endswith("exists already; --force overwrites it\n")
        assert {memory.cat(f"/box/{name}") for name in outputs()} == {b"old"}
    assert run(command, *there, "-f").exit_code == 0
    for name, data in outputs().items():
        assert memory.cat(f"/box/{name}") == data
    result = run(command, *placed(line, "https://box/{}"), *force)
    assert (result.exit_code, result.out) == (2, "")
    (message,) = result.messages
    assert "https:// is only read" in message


@pytest.mark.parametrize(("command", "parameter", "line"), identified((*READ, *WRITTEN, *REFUSED)))
def test_what_is_no_address_is_refused_in_a_line_before_any_work(command, parameter, line, monkeypatch):
    def asked(address):
        raise AssertionError(address.text)

    monkeypatch.setattr(systems, "system", asked)
    before = {path: path.stat().st_mtime_ns for path in Path().rglob("*")}
    for template, reason in HOSTILE:
        if "{}out" in line:
            template = template.partition("?")[0]  # the ends of names tell formats
        result = run(command, *placed(line, template))
        assert result.exit_code == 2, result.err
        assert "--json" in line or result.out == ""
        (message,) = result.messages
        assert reason in message or "is an address: give a path" in message
        assert "hunter2" not in message + result.out
    assert {path: path.stat().st_mtime_ns for path in Path().rglob("*")} == before


@pytest.mark.parametrize(("command", "parameter", "line"), identified(REFUSED))
def test_what_takes_paths_alone_says_so(command, parameter, line):
    result = run(command, *placed(line, "memory://box/{}"))
    assert (result.exit_code, result.out) == (2, "")
    (message,) = result.messages
    assert "is an address: give a path" in message


def test_a_page_lies_beside_its_picture_where_something_can_be_written(memory):
    result = run("page", "relu", "memory://box/photo.png")
    assert result.exit_code == 0
    assert result.err.removeprefix(GONE).startswith("wrote memory://box/photo-page.html  ")
    page = memory.cat("/box/photo-page.html")
    assert b"memory://box/photo.png" in page
    secret = run("page", "relu", "https://me:hunter2@host/photo.png?signature=hunter2")
    assert secret.exit_code == 2
    assert secret.messages == [
        "cnnfilter: error: nothing is written beside 'https://host/photo.png?...': give the page a name, -o page.html"
    ]
    result = run("page", "relu", "photo.png", "-o", "memory://box/page.html", "--open")
    assert "--open shows a file, and 'memory://box/page.html' is an address" in result.err
    for words in (["page", "relu"], ["explain", "relu", "--at", "0,0"]):
        result = run(*words, "memory://box/photo.png", "-o", "memory://box/photo.png", "-f")
        assert result.exit_code == 2
        assert "'memory://box/photo.png' is the input" in result.err


def test_commands_that_read_files_take_it(memory):
    memory.pipe_file("/box/k.json", b" " * 1_000_001)
    kernel = "memory://box/k.json"
    lines = [
        ["kernels", kernel],
        ["explain", f"conv:{kernel}", "photo.png", "--at", "0,0"],
        ["page", f"conv:{kernel}", "photo.png"],
        ["shape", "20", f"conv:{kernel}"],
        ["train", f"@{kernel}", "data.npz", "-o", "net.npz"],
        ["learn", kernel, kernel],
    ]
    for line in lines:
        result = run(*line, "--max-bytes", "1M")
        assert "memory://box/k.json: " in result.err
        assert "more than 1,000,000 bytes; --max-bytes allows more" in result.err
        assert "allows more" not in run(*line).err
        copies.remove_all()
