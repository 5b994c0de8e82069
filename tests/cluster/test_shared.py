"""A worker that does not see the same folders is found out by name before any work."""

import subprocess

import pytest

from tests.clusters import cluster
from tests.command import run_process, save

EMPTY = 'mount -t tmpfs none "$0" && exec "$@"'
"""A shell's words that lay an empty folder over the first argument, where that is seen by this process alone."""


def apart(folder):
    """What starts a process for which a folder is empty, if the system lets us."""
    for options in (["--mount"], ["--user", "--map-root-user", "--mount"]):
        prefix = ["unshare", *options, "sh", "-c", EMPTY, str(folder)]
        try:
            if subprocess.run([*prefix, "true"], capture_output=True, check=False).returncode == 0:
                return prefix
        except FileNotFoundError:
            break
    pytest.skip("this system lets nobody see other folders than the rest")
    return None


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("in", "out"):
        (tmp_path / name).mkdir()
    for name in ("a.png", "b.png", "c.png"):
        save(f"in/{name}")
    return tmp_path


@pytest.mark.parametrize("name", [pytest.param("in", marks=pytest.mark.slow), "out"])
def test_the_worker_and_the_folder_are_named(name, folder):
    with cluster(1) as made:
        made.start(prefix=apart(folder / name))
        made.wait()
        result = run_process("apply", "edge", "in", "-o", "out", "--cluster", made.address)
        assert result.exit_code == 2, result.err
        (line,) = result.messages
        assert line.startswith("cnnfilter: error: worker tcp://127.0.0.1:"), line
        assert f"'{folder / name}' is not the folder that it is here" in line
        assert "addresses" in line
    assert [path.name for path in (folder / "out").iterdir()] == []
