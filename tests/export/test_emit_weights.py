"""Programs that load what is known of their network's numbers from a file that is written with them."""

import importlib.util
import os

import numpy as np
import pytest

from cnnfilter.export import PROGRAMS
from cnnfilter.models.loading import load_named
from cnnfilter.network.grammar import parse
from cnnfilter.pipeline import Pipeline
from tests import command
from tests.command import ROOT
from tests.programs import check, emitted, given, in_keras, in_torch, run

DIGITS = str(ROOT / "samples/digits/digits.onnx")
RANDOM = "conv:64@9x9:random=1:as=/conv/Conv,prelu:random=3,batchnorm:random=2,conv:sharpen,flatten,dense:9:random=5"
BRANCHES = "conv:4@3x3:padding=1:random=1:as=a,conv:4@1x1:random=2:as=a.keys,convtranspose:4@1x1:bias=no:random=3,add:a"
NETWORKS = [(DIGITS, (32, 32, 1)), (RANDOM, (12, 12, 3)), (BRANCHES, (5, 6, 2))]


def program(text, size, language, path):
    """The program that the command prints, which writes its numbers."""
    result = command.run("shape", "x".join(map(str, size)), text, "--emit", language, "--weights", str(path))
    assert result.exit_code == 0, result.err
    assert result.messages[-1].startswith(f"wrote {path}  ")
    return result.out


def expected(text, size):
    return Pipeline.parse(text).run(given(size), layout="chw")


@pytest.mark.parametrize(("text", "size"), NETWORKS)
def test_a_numpy_program_computes_with_the_numbers_that_are_written(tmp_path, capsys, text, size):
    code = program(text, size, "numpy", tmp_path / "w.npz")
    assert "random:" not in code
    check(run(code)["network"](given(size)), expected(text, size), text)
    exec(code, {"__name__": "__main__"})
    assert "random" not in capsys.readouterr().out


@pytest.mark.parametrize(("text", "size"), NETWORKS)
def test_every_language_and_either_format_has_the_same_arrays(tmp_path, text, size):
    files = []
    for language in PROGRAMS:
        program(text, size, language, tmp_path / f"{language}.npz")
        files.append((tmp_path / f"{language}.npz").read_bytes())
    assert len({*files}) == 1
    program(text, size, "torch", tmp_path / "w.SAFETENSORS")
    known = pytest.importorskip("safetensors.numpy").load_file(tmp_path / "w.SAFETENSORS")
    with np.load(tmp_path / "torch.npz") as arrays:
        assert {*known} == {*arrays}
        for name, array in arrays.items():
            np.testing.assert_array_equal(known[name], array)


def test_our_own_stages_take_them_again(tmp_path):
    program("resnet-18:random=1", (32, 32, 3), "torch", path := tmp_path / "w.npz")
    again, first = (
        Pipeline(parse(f"resnet-18:{key}", load=load_named)).run(given((32, 32, 3)), layout="chw")
        for key in (f"weights={path}", "random=1")
    )
    np.testing.assert_array_equal(again, first)


def test_a_bias_that_is_absent_is_zero(tmp_path):
    from cnnfilter.export.saved import learned_arrays
    from cnnfilter.network.plan import plan
    from cnnfilter.network.stages import Conv
    from cnnfilter.weights.parameters import Arrays

    stage = Conv(sizes=(2, (1, 1)), learned=Arrays({"weight": np.ones((2, 1, 1, 1), np.float32)}))
    arrays = learned_arrays(plan([stage], (3, 3, 1)))
    assert [array.tolist() for array in arrays.values()] == [np.ones((2, 1, 1, 1)).tolist(), [0, 0]]


@pytest.mark.parametrize("language", PROGRAMS)
def test_without_the_file_a_program_says_that_its_numbers_are_random(language):
    result = command.run("shape", DIGITS, "--emit", language)
    assert result.out.startswith("# Its weights are random until they are loaded, as is told below.\n")
    assert "# --weights FILE.npz, added to the command that wrote this program, writes the learned ones" in result.out
    assert '    print("The weights are random, unless they were loaded: see the comment above.")\n' in result.out
    assert "..." not in result.out
    assert "random" not in emitted("conv:2@3x3:random=1:as=a,add:a+a", (5, 5, 1), "torch").replace(":random=1", "")


def test_numbers_from_several_kinds_of_files_are_loaded_from_the_one_that_is_written(tmp_path):
    np.savez(tmp_path / "c.npz", **{"c.weight": np.full((1, 1, 1, 1), 0.5, np.float32)})
    text, size = f"conv:1@1x1:bias=no:weights={tmp_path / 'c.npz'}:name=c,{DIGITS}", (32, 32, 1)
    program_alone = command.run("shape", "32x32x1", text, "--emit", "numpy").out
    assert "c.npz" not in program_alone.partition("import numpy")[2]
    assert "# --weights FILE.npz, added to" in program_alone
    code = program(text, size, "numpy", tmp_path / "w.npz")
    check(run(code)["network"](given(size)), expected(text, size), text)


def test_a_file_of_numbers_is_never_overwritten(tmp_path):
    (path := tmp_path / "w.npz").write_bytes(b"mine")
    result = command.run("shape", DIGITS, "--emit", "numpy", "--weights", str(path))
    assert (result.exit_code != 0, result.out) == (True, "")
    assert result.messages[-1] == (f"cnnfilter: error: '{path}' exists already; --force overwrites it")
    assert path.read_bytes() == b"mine"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([DIGITS, "--weights", "w.npz"], "--weights goes with --emit: it writes the numbers that the program loads"),
        ([DIGITS, "--emit", "torch", "--weights", "w.pth"], "--weights writes .npz or .safetensors, not 'w.pth'"),
        (["28", "-k", "3", "--weights", "w.npz"], "--weights goes with --emit"),
        (["mnist-cnn", "--emit", "torch", "--weights", "w.npz"], "the network has no learned numbers to write"),
    ],
)
def test_what_cannot_be_written_is_told(tmp_path, monkeypatch, arguments, message):
    monkeypatch.chdir(tmp_path)
    result = command.run("shape", *arguments)
    assert (result.exit_code, result.out) == (2, "")
    assert result.messages[-1].startswith(f"cnnfilter: error: {message}")
    assert not [*tmp_path.iterdir()]


# The frameworks themselves, where they are installed.


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("text", "size"), NETWORKS)
@pytest.mark.parametrize("suffix", ["npz", "safetensors"])
def test_a_torch_program_computes_with_the_numbers_that_are_written(tmp_path, text, size, suffix):
    torch = pytest.importorskip("torch")
    network = run(program(text, size, "torch", tmp_path / f"w.{suffix}"))["network"]
    check(in_torch(torch, network, given(size)), expected(text, size), text)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("text", "size"), NETWORKS)
def test_a_keras_program_computes_with_the_numbers_that_are_written(tmp_path, text, size):
    known = (name for name in ("jax", "torch") if importlib.util.find_spec(name) is not None)
    os.environ.setdefault("KERAS_BACKEND", next(known, "tensorflow"))
    keras = pytest.importorskip("keras")
    network = run(program(text, size, "keras", tmp_path / "w.npz"))["network"]
    check(in_keras(keras, network, given(size)), expected(text, size), text)
