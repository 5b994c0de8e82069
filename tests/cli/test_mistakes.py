"""A command line that cannot be carried out is told what to write instead."""

import re
from pathlib import Path

import pytest

from cnnfilter.cli.group import COMMANDS
from cnnfilter.cli.mistakes import rewritten
from tests.command import files, run, save


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    save("photo.png")


def refused(*arguments):
    """Run what is refused before anything is done; return its only line."""
    before = files()
    result = run(*arguments)
    assert (result.exit_code, result.data) == (2, b"")
    assert files() == before
    (line,) = result.messages
    return line.removeprefix("cnnfilter: error: ").rpartition("; see cnnfilter ")[0]


CHAIN = (
    "apply takes one kernel; for one after the other write cnnfilter run "
    "conv:gaussian:padding=same:border=replicate,conv:sharpen:padding=same:border=replicate photo.png"
)


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["apply", "gaussian,sharpen", "photo.png"], CHAIN),
        (["apply", "gaussian", "sharpen", "photo.png"], CHAIN),
        (["apply", "gaussian", "photo.png", "sharpen"], CHAIN),
        (
            ["apply", "conv:edge,relu", "photo.png"],
            "apply takes a kernel, and run takes stages; write cnnfilter run conv:edge,relu photo.png",
        ),
        (
            ["apply", "gaussian", "sigma=2", "photo.png"],
            "colons part a kernel and its parameters; write cnnfilter apply gaussian:sigma=2 photo.png",
        ),
        (
            ["kernels", "gaussian", "sigma=2"],
            "colons part a kernel and its parameters; write cnnfilter kernels gaussian:sigma=2",
        ),
        (
            ["run", "conv:edge", "relu", "maxpool:2", "photo.png"],
            "commas part stages; write cnnfilter run conv:edge,relu,maxpool:2 photo.png",
        ),
        (
            ["run", "conv:0 1 0; 1 1 1; 0 1 0", "relu", *(f"{i}.png" for i in range(5))],
            "commas part stages; write cnnfilter run 'conv:0 1 0; 1 1 1; 0 1 0,relu' 0.png 1.png 2.png (and 2 more)",
        ),
        (
            ["run", "gray", "normalize", "net.onnx", "0.png", "1.png"],
            "commas part stages; write cnnfilter run gray,normalize,net.onnx 0.png 1.png",
        ),
        (
            ["why", "gray", "net.onnx", "photo.png"],
            "commas part stages; write cnnfilter why gray,net.onnx photo.png",
        ),
        (
            ["explain", "conv:edge", "relu", "photo.png", "--at", "1,1"],
            "commas part stages; write cnnfilter explain conv:edge,relu photo.png",
        ),
        (
            ["shape", "28", "conv:32@3x3", "ReLU"],
            "commas part stages; write cnnfilter shape 28 conv:32@3x3,ReLU",
        ),
        (["shape", "28", "relu", "a", "b"], "too many arguments: 'a b'"),
        (["kernels", "edge", "a"], "too many arguments: 'a'"),
        (
            ["explain", "relu", "photo.png", "--at", "10", "20"],
            "too many arguments: '20'; a place is written --at ROW,COL",
        ),
    ],
)
def test_arguments_that_mean_something_else(arguments, line):
    assert refused(*arguments) == line


def test_a_suggested_command_of_a_pasted_file_is_cut():
    (line,) = run("apply", ",".join(["relu"] * 10_000), "photo.png").messages
    assert re.fullmatch(r".*; write cnnfilter run relu,[relu,]*\.\.\.[relu,]*relu photo\.png; see .*", line)
    assert len(line) < 1200


def test_a_file_that_is_missing_is_no_parameter():
    assert run("apply", "gaussian", "size=5.png").messages == ["cnnfilter: error: size=5.png: no such file"]


def test_a_file_that_has_the_name_of_a_stage_or_a_kernel_is_one():
    for command, first, name in (("run", "conv:edge", "relu"), ("apply", "edge", "sharpen")):
        assert rewritten(command, [first, name]) is not None
        Path(name).mkdir()
        assert rewritten(command, [first, name]) is None


def test_the_file_of_a_network_among_the_inputs_is_a_stage(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("net.onnx", "a.png", "b.png"):
        (tmp_path / name).touch()
    meant = "commas part stages; write cnnfilter run gray,net.onnx a.png b.png"
    assert refused("run", "gray", "net.onnx", "a.png", "b.png") == meant


@pytest.mark.parametrize(
    ("arguments", "meant"),
    [
        (["edge", "photo.png"], "cnnfilter apply edge photo.png"),
        (["gaussian:sigma=2", "photo.png", "-o", "a.png"], "cnnfilter apply gaussian:sigma=2 photo.png -o a.png"),
        (["0 1 0; 1 1 1; 0 1 0", "photo.png"], "cnnfilter apply '0 1 0; 1 1 1; 0 1 0' photo.png"),
        (["net.npz", "photo.png"], "cnnfilter apply net.npz photo.png"),
        (["edge"], "cnnfilter kernels edge"),
        (["photo.png"], "cnnfilter apply KERNEL photo.png"),
        (["conv:edge,relu", "photo.png"], "cnnfilter run conv:edge,relu photo.png"),
        (["28x28x1", "conv:32@3x3"], "cnnfilter shape 28x28x1 conv:32@3x3"),
        (["vgg-16"], "cnnfilter shape vgg-16"),
        (["net.onnx"], "cnnfilter shape net.onnx"),
        (["vgg-16", "photo.png"], "cnnfilter run vgg-16 photo.png"),
        (["vgg-16:weights=net.pth,softmax", "photo.png"], "cnnfilter run vgg-16:weights=net.pth,softmax photo.png"),
        (["resize:224,net.onnx", "photo.png"], "cnnfilter run resize:224,net.onnx photo.png"),
        (["filter", "edge", "photo.png"], "apply"),
        (["chain"], "run"),
        (["summary"], "shape"),
        (["help"], "--help"),
        (["aply"], "apply"),
    ],
)
def test_a_command_that_does_not_exist(arguments, meant):
    known = ", ".join(COMMANDS)
    assert refused(*arguments) == f"unknown command {arguments[0]!r}; did you mean {meant}? (known: {known})"


@pytest.mark.parametrize(
    ("command", "option", "tail"),
    [
        ("apply edge photo.png", "--kernel",
         "the kernel stands before the inputs, as in cnnfilter apply edge photo.jpg"),
        ("apply edge photo.png", "--out", "did you mean --output?"),
        ("apply edge photo.png", "--output-dir", "did you mean --output?"),
        ("apply edge photo.png", "-R", "did you mean --recursive?"),
        ("apply edge photo.png", "--overwrite", "did you mean --force?"),
        ("apply edge photo.png", "--strides", "did you mean --stride?"),
        ("apply edge photo.png", "--padding-mode", "did you mean --border?"),
        ("apply edge photo.png", "--normalize", "did you mean --range normalize?"),
        ("apply edge photo.png", "--sigma",
         "parameters stand with the kernel's name, as in gaussian:sigma=2 and box:size=5"),
        ("apply edge photo.png", "--inputs", "inputs stand without an option"),
        ("apply edge photo.png", "--recursiv", "did you mean --recursive?"),
        ("run conv:edge photo.png", "--stride",
         "in a chain it stands with its stage, as in conv:edge:stride=2:padding=same:border=replicate"),
        ("run relu photo.png", "--cmap", "did you mean --colormap?"),
        ("explain relu photo.png", "--cluster", "apply, run and why have it"),
        ("explain relu photo.png", "--xy", "did you mean --at?"),
        ("shape 28 relu", "--torch", "did you mean --emit?"),
        ("shape 28 relu", "--window", "did you mean --kernel?"),
    ],
)  # fmt: skip
def test_an_option_that_does_not_exist(command, option, tail):
    assert refused(*command.split(), option, "3") == f"No such option '{option}'; {tail}"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["apply", "edge", "photo.png", "--stride", "2,2"], "stride: write '2x2' (height x width), not '2,2'"),
        (["apply", "edge", "photo.png", "--padding", "(1, 2)"], "padding: write '1x2' (height x width), not '(1, 2)'"),
        (["shape", "28", "-k", "3 3"], "kernel: write '3x3' (height x width), not '3 3'"),
        (["shape", "28,28,1", "relu"], "sizes are written 28x28x1, not '28,28,1'"),
        (["shape", "(None, 28, 28, 1)", "relu"], "sizes are written 28x28x1, not '(None, 28, 28, 1)'"),
        (["explain", "relu", "photo.png", "--at", "1x2"],
         "--at takes ROW,COL or ROW,COL,MAP, or the index in a vector, not '1x2'"),
        (["apply", "edge", "photo.png", "-o", "out"], "the name 'out' tells no format; end it in .png or another "
         "picture's extension, in / if it is a folder, or add --format"),
    ],
)  # fmt: skip
def test_numbers_and_names_in_other_spellings(arguments, message):
    result = run(*arguments)
    assert (result.exit_code, result.messages) == (2, [f"cnnfilter: error: {message}"])


def test_a_place_may_stand_in_parentheses():
    assert run("explain", "relu", "photo.png", "--at", "(1, 2)").exit_code == 0


def test_a_missing_input_is_told_of_even_if_its_output_exists():
    save("missing-edge.png")
    for more in ([], ["photo.png"], ["-n"]):
        result = run("apply", "edge", "missing.png", *more)
        assert result.exit_code == 1
        assert "missing.png: no such file" in result.out + result.err
        assert "exists" not in result.out + result.err
