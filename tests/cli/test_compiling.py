"""What a command does when something has to be compiled: it says so, and compiles what it needs."""

import os
import sys

import numpy as np
import pytest

from cnnfilter.cli.compiling import compiling
from cnnfilter.engine import loops
from cnnfilter.runtime import native, store
from tests.command import ROOT, run

LEFT_TO_NUMBA = any(os.environ.get(name, "0") != "0" for name in native.PLAIN_VARIABLES)


@pytest.fixture(autouse=True)
def told(monkeypatch):
    monkeypatch.setattr(native, "on_compile", [])
    monkeypatch.setattr(store, "on_refusal", [])


@pytest.mark.parametrize(("is_terminal", "quiet"), [(True, False), (True, True), (False, False)])
def test_it_is_said_once_and_to_a_terminal_only(is_terminal, quiet, monkeypatch, capsys):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: is_terminal)
    with compiling(quiet=quiet, verbose=False):
        for _ in range(2):
            for tell in list(native.on_compile):
                tell()
        assert store.on_refusal == []
    assert native.on_compile == []
    said = "compiling for this machine, which takes a few seconds\n"
    assert capsys.readouterr().err == (said if is_terminal and not quiet else "")


@pytest.mark.skipif(LEFT_TO_NUMBA, reason="nothing is stored")
def test_a_run_compiles_what_it_needs_and_no_run_of_the_kind_does_again(tmp_path, monkeypatch):
    """The kinds are those that the README names: few taps, many, rows apart from columns, boxes, spectra."""
    kept = tmp_path / "store"
    monkeypatch.setenv("CNNFILTER_CACHE_DIR", str(kept))
    for loop in (each for each in vars(loops).values() if isinstance(each, native.Loop)):
        monkeypatch.setattr(loop, "ready", {})  # as in a new process
    picture = str(ROOT / "samples" / "chelsea.png")
    random = np.random.default_rng(1)
    for side in (3, 11, 17, 19):
        np.save(tmp_path / f"{side}.npy", random.normal(size=(side, side)))
    compiled = []
    for kernel in ("edge", "11.npy", "gaussian:sigma=3", "box:size=9", "17.npy"):
        before = len(list(kept.glob("*.o")))
        arguments = ("apply", str(tmp_path / kernel) if kernel.endswith("npy") else kernel, picture, "--force", "-o")
        assert run(*arguments, str(tmp_path / "out.png")).exit_code == 0
        compiled.append(len(list(kept.glob("*.o"))) - before)
    assert compiled == [1, 1, 1, 1, 1]
    others = {path.name for path in kept.iterdir()}
    for kernel in ("sharpen", "laplacian", "emboss", "gaussian:sigma=4", "box:size=11", "19.npy"):
        arguments = ("apply", str(tmp_path / kernel) if kernel.endswith("npy") else kernel, picture, "--force", "-o")
        assert run(*arguments, str(tmp_path / "out.png")).exit_code == 0
        assert {path.name for path in kept.iterdir()} == others, kernel
