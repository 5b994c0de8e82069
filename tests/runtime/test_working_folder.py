"""Nothing that lies in the folder that a person works in is run, or taken for settings."""

import os
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from tests.command import COMMAND, ROOT, save

SCRIPT = Path(sysconfig.get_path("scripts"), "cnnfilter")
MARK = """
import pathlib
pathlib.Path({mark!r}).touch()
raise ImportError("this lies in the working folder")
"""
MODULES = ("numpy", "numba", "llvmlite", "PIL", "click", "rich", "yaml", "signal", "struct", "ctypes", "sitecustomize")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder with a picture in which modules lie."""
    here = tmp_path / "pictures"
    here.mkdir()
    monkeypatch.chdir(here)
    monkeypatch.setenv("CNNFILTER_CACHE_DIR", str(tmp_path / "store"))  # empty: it compiles
    save("a.png")
    for name in MODULES:
        (here / f"{name}.py").write_text(MARK.format(mark=str(tmp_path / "run")))
    return here


def check(command, tmp_path, **variables):
    for again in ("", "again-"):
        result = subprocess.run(
            [*map(str, command), "apply", "sobel", "a.png", "-o", f"{again}b.png"],
            env={**os.environ, **variables}, stdin=subprocess.DEVNULL, capture_output=True, text=True,
        )  # fmt: skip
        assert not (tmp_path / "run").exists()
        assert (result.returncode, result.stdout) == (0, ""), result.stderr
        assert result.stderr == f"wrote {again}b.png  45x30\n"


@pytest.mark.parametrize("command", [[SCRIPT], COMMAND], ids=["script", "module"])
def test_modules_in_it_are_not_imported(command, folder, tmp_path):
    check(command, tmp_path)


def test_a_package_of_our_name_in_it_is_not_imported(folder, tmp_path, monkeypatch):
    (folder / "cnnfilter").mkdir()
    (folder / "cnnfilter" / "__init__.py").write_text((folder / "numpy.py").read_text())
    monkeypatch.delenv("CNNFILTER_CACHE_DIR")  # nothing that it compiles would matter here
    check([SCRIPT], tmp_path)


def test_nothing_is_started_where_the_machine_code_cannot_be_kept(folder, tmp_path):
    (tmp_path / "store").write_bytes(b"")
    check([SCRIPT], tmp_path)


SETTINGS = "disable_jit: 1\ndump_llvm: 1\n"
READER = f"""
import pathlib
def safe_load(file):
    pathlib.Path(__file__).with_name("read").touch()
    return dict(line.split(": ") for line in {SETTINGS!r}.splitlines())
"""


@pytest.mark.parametrize("reader", [True, False])
def test_settings_for_numba_in_it_are_not_read(reader, tmp_path, monkeypatch):
    """With something that reads them, as PyYAML does, and where there is nothing, of which Numba warns."""
    monkeypatch.chdir(tmp_path)
    save("a.png")
    Path(".numba_config.yaml").write_text(SETTINGS)
    Path("reader").mkdir()
    Path("reader", "yaml.py").write_text(READER if reader else "raise ImportError")
    variables = {"CNNFILTER_CACHE_DIR": str(tmp_path / "store"), "PYTHONPATH": str(tmp_path / "reader")}
    check([SCRIPT], tmp_path, **variables)
    assert list(Path("store").iterdir()) != []
    assert not Path("reader", "read").exists()


def test_a_program_that_imports_numba_itself_keeps_its_settings(tmp_path):
    """Numba reads them as it does for any program."""
    code = (
        "import numba, sys; from cnnfilter.runtime import compiler; before = [*sys.meta_path]; compiler.load(); "
        "assert numba.config.DISABLE_JIT; assert sys.meta_path == before"
    )
    (tmp_path / ".numba_config.yaml").write_text(SETTINGS)
    (tmp_path / "yaml.py").write_text(READER)
    variables = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(tmp_path)])}
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=variables, check=True)
