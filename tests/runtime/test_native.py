"""Object code that is kept: whatever is wrong with it costs time and never a result."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from cnnfilter.engine import loops
from cnnfilter.engine.codes import BESIDE
from cnnfilter.engine.groups import Maps, Planes, Pool, PoolPadding, Span
from cnnfilter.runtime import jit, native, store
from cnnfilter.runtime.native import Loop

pytestmark = pytest.mark.skipif(
    any(os.environ.get(name, "0") != "0" for name in native.PLAIN_VARIABLES),
    reason="the loops are left to Numba, as test_without_a_store holds in the ordinary run",
)

SMALL = """
import sys, numpy
from cnnfilter.engine import loops
out = numpy.zeros(3, dtype=numpy.float32)
loops.rectify(out, numpy.arange(-1, 2, dtype=numpy.float32))
print(out.tolist(), "numba" in sys.modules)
"""
RECTIFIED = "[0.0, 0.0, 1.0]"
POOLED = "[[5.0, 7.0], [13.0, 15.0]]"


@pytest.fixture
def kept(tmp_path, monkeypatch):
    """Give the process, and those it starts, an empty store."""
    monkeypatch.setenv("CNNFILTER_CACHE_DIR", str(tmp_path / "store"))
    return tmp_path / "store"


def rectified():
    """What a fresh handle gives of the loop that is quickest to compile, as `SMALL` prints it."""
    out = np.zeros(3, dtype=np.float32)
    Loop("learning", "rectify")(out, np.arange(-1, 2, dtype=np.float32))
    return str(out.tolist())


def pool(loop, x=None):
    """Run a fresh handle of the pooling loop over a small array."""
    out = np.zeros((2, 2), dtype=np.float32)
    loop(*pool_arguments(out, np.arange(16, dtype=np.float32) if x is None else x))
    return str(out.tolist())


def pool_arguments(out, x):
    index, pair = np.arange(4), np.array([2, 2])
    padding, windows = PoolPadding(index, index, 0, 2, 0), Pool(pair, pair, np.array([1, 1]))
    planes, maps = Planes(out.reshape(-1), 4, 2, 2), Maps(x, 1, 4, 4)
    return planes, 0, maps, padding, windows, np.zeros(4 + BESIDE, dtype=np.float32)


def fresh():
    return Loop("pooling", "max_pool_rows")


def run_process(**variables):
    result = subprocess.run(
        [sys.executable, "-c", SMALL], env={**os.environ, **variables}, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr
    assert result.stderr == ""
    return result.stdout.strip()


def test_what_was_compiled_is_loaded_without_numba(kept):
    assert run_process() == f"{RECTIFIED} True"
    (file,) = kept.iterdir()
    assert file.name.startswith("rectify-")
    assert run_process() == f"{RECTIFIED} False"


@pytest.mark.parametrize("damage", ["missing", "empty", "short", "flipped", "other", "folder"])
def test_damage_costs_a_compilation_only(damage, kept, monkeypatch):
    compiled = []
    monkeypatch.setattr(native, "on_compile", [lambda: compiled.append(1)])
    assert rectified() == RECTIFIED
    assert rectified() == RECTIFIED
    assert len(compiled) == 1
    (file,) = kept.iterdir()
    whole = file.read_bytes()
    file.unlink()
    if damage == "empty":
        file.write_bytes(b"")
    elif damage == "short":
        file.write_bytes(whole[:-7])
    elif damage == "flipped":
        file.write_bytes(whole[:500] + bytes([whole[500] ^ 1]) + whole[501:])
    elif damage == "other":
        file.write_bytes(b"something else")
    elif damage == "folder":
        file.mkdir()
    assert rectified() == RECTIFIED
    assert len(compiled) == 2
    if damage != "folder":
        assert store.read(file.name) is not None
    assert {path.name for path in kept.iterdir()} == {file.name}


def test_a_store_that_cannot_be_written(monkeypatch, tmp_path):
    file = tmp_path / "file"
    file.write_bytes(b"")
    monkeypatch.setenv("CNNFILTER_CACHE_DIR", str(file / "below"))
    assert rectified() == RECTIFIED


def test_many_processes_at_once(kept):
    processes = [
        subprocess.Popen([sys.executable, "-c", SMALL], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(4)
    ]
    for process in processes:
        out, error = process.communicate()
        assert out.startswith(RECTIFIED), error
    assert len(list(kept.iterdir())) == 1


@pytest.mark.parametrize("variable", ["NUMBA_DISABLE_JIT", "NUMBA_BOUNDSCHECK"])
def test_without_a_store(variable, kept):
    assert run_process(**{variable: "1"}) == f"{RECTIFIED} True"
    assert not kept.exists()


def test_a_missing_feature_falls_back_to_numba(kept, monkeypatch):
    def broken():
        msg = "create_mcjit_compiler"
        raise AttributeError(msg)

    monkeypatch.setattr(native, "_target", broken)
    monkeypatch.setattr(native, "environment", lambda: "here")
    assert rectified() == RECTIFIED


def test_arrays_that_begin_otherwise_are_left_to_numba(kept, monkeypatch):
    assert native._finds_arrays()
    monkeypatch.setattr(native, "_finds_arrays", lambda: False)
    assert rectified() == RECTIFIED
    assert not kept.exists()


@pytest.mark.parametrize("x", [np.arange(16, dtype=np.float32), np.arange(16, dtype=np.uint8)])
def test_arrays_are_read_as_they_lie_at_each_call(x):
    loop, read_only = fresh(), x.copy()
    read_only.flags.writeable = False
    assert pool(loop, x) == pool(loop, read_only) == pool(loop, np.concatenate([x, x])[16:]) == POOLED
    x += 1
    assert pool(loop, x) == "[[6.0, 8.0], [14.0, 16.0]]"


@pytest.mark.parametrize("x", [np.zeros(32, "float32")[::2], np.zeros(16, ">f4")], ids=["gaps", "big-endian"])
def test_arrays_that_the_code_would_misread_are_refused(x):
    loop = fresh()
    assert pool(loop) == POOLED
    with pytest.raises(ValueError, match="a loop takes contiguous arrays of native numbers, not"):
        pool(loop, x)


def test_numbers_reach_the_code():
    def store(out, whole, real, flag):
        out[0], out[1] = whole, real
        out[2] = 1.0 if flag else 2.0

    call = native.Native(jit.object_code(jit.loop(store), KINDS_OF_NUMBERS), KINDS_OF_NUMBERS)
    out = np.zeros(3)
    for numbers in ((-3, -0.25, True), (np.int32(-3), np.float32(-0.25), np.bool_(True))):
        out[:] = 0
        call((), [out, *numbers])
        assert out.tolist() == [-3, -0.25, 1]
    call((), [out, 2**40, np.inf, False])
    assert out.tolist() == [2**40, np.inf, 2]


def test_code_without_its_function(monkeypatch):
    kinds = ["float32[1]", "float32[1]"]
    code = jit.object_code(native.importlib.import_module("cnnfilter.engine.loops.learning").rectify, kinds)
    with pytest.raises(LookupError, match="no function in the object code"):
        native.Native(b"elsewhere\n" + code.partition(b"\n")[2], kinds)


KINDS_OF_NUMBERS = ("float64[1]", "int64", "float64", "boolean")


def test_a_loop_that_needs_more_is_not_stored():
    def allocates(a):
        a[0] = np.arange(a.size).sum()

    with pytest.raises(LookupError, match="the code needs .*NRT_"):
        jit.object_code(jit.loop(allocates), ["float64[1]"])


def test_everything_the_code_depends_on_is_in_its_name(kept, monkeypatch):
    kinds = ("float32[2]",)
    paths = {fresh()._file(kinds), fresh()._file(("float32[1]",)), loops.sum_pool_rows._file(kinds)}
    monkeypatch.setattr(native, "environment", lambda: "another processor")
    paths.add(fresh()._file(kinds))
    assert len(paths) == 4


def test_the_text_of_every_module_that_the_loops_import_is_in_the_environment(tmp_path, monkeypatch):
    copy, package = tmp_path / "cnnfilter", native.PACKAGE
    shutil.copytree(package, copy, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(native, "PACKAGE", copy)
    code = (
        "import importlib, pkgutil, sys; from cnnfilter.engine import loops\n"
        "for each in pkgutil.iter_modules(loops.__path__, loops.__name__ + '.'): importlib.import_module(each.name)\n"
        "print(*[m.__file__ for name, m in sys.modules.items() if name.startswith('cnnfilter.')], sep='\\n')"
    )
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True).stdout.split("\n")
    takes_part = {copy / Path(name).relative_to(package) for name in loaded if name}
    assert takes_part <= set(native.sources(copy))
    assert copy / "engine" / "codes.py" in takes_part
    before = native.environment.__wrapped__()
    for path in sorted(takes_part):
        text = path.read_text()
        path.write_text(text + "# changed")
        assert native.environment.__wrapped__() != before, path
        path.write_text(text)
    (copy / "engine" / "ops.py").write_text("")
    assert native.environment.__wrapped__() == before


def test_numbers_of_every_kind(kept):
    seen = []
    loop = fresh()
    loop._prepare = lambda kinds: seen.append(kinds) or (lambda *_: None)
    loop(1, np.int32(2), True, np.bool_(False), 1.5, np.float32(2), np.zeros((2, 3), np.uint8), Span(3, 4))
    assert seen == [["int64", "int64", "boolean", "boolean", "float64", "float64", "uint8[2]", Span("int64", "int64")]]
