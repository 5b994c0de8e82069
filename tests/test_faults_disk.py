"""A disk that is full: what fits is written whole, what does not is left as it was, and nothing else stays behind."""

import os
import resource
import subprocess
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.command import run
from tests.faults import clean_runs, contents, crops, finished, temporaries, without_coverage

COUNT = 8


@pytest.fixture(scope="module")
def clean(tmp_path_factory):
    return clean_runs(tmp_path_factory.mktemp("clean"), COUNT, ["apply"])


def small_files(size):
    """Return what lets a process write files of no more than `size` bytes: the write that passes it is short."""

    def limit():
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))

    return limit


@pytest.mark.parametrize("force", [False, True])
def test_what_is_larger_than_files_may_be_is_not_begun(clean, tmp_path, force):
    pictures, made = clean
    expected = made["apply"][0]
    limit = sorted(map(len, expected.values()))[COUNT // 2]
    fitting = {name: data for name, data in expected.items() if len(data) <= limit}
    assert 0 < len(fitting) < COUNT
    out = tmp_path / "out"
    if force:
        out.mkdir()
        for name in expected:
            (out / name).write_bytes(b"old")
    code, _, lines = finished(
        "apply", "gaussian", pictures, "-o", out, *["--force"] * force,
        preexec_fn=small_files(limit), env=without_coverage(),
    )  # fmt: skip
    assert code == 1
    assert lines[-1] == f"{len(fitting)} written, {COUNT - len(fitting)} failed"
    assert sum(line.endswith(": File too large") for line in lines) == COUNT - len(fitting)
    others = dict.fromkeys(expected, b"old") if force else {}
    assert contents(out) == {**others, **fitting}


@contextmanager
def mounted(folder, size):
    """Mount a small disk in memory, where that is allowed."""
    folder.mkdir()
    try:
        command = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)]
        result = subprocess.run(command, capture_output=True, text=True)
    except OSError as error:
        pytest.skip(f"nothing can be mounted here: {error}")
    if result.returncode:
        pytest.skip(f"nothing can be mounted here: {result.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


@pytest.mark.parametrize("way", ["new", "overwritten", "in place"])
def test_a_disk_that_fills_up_loses_nothing(clean, tmp_path, way):
    pictures, made = clean
    expected = made["apply"][0]
    size = sum(map(len, expected.values()))
    with mounted(tmp_path / "disk", 4 * size) as disk:
        out = disk / "out"
        if way == "in place":
            crops(out, COUNT)
            expected = {name.replace("-gaussian", ""): data for name, data in expected.items()}
        elif way == "overwritten":
            out.mkdir()
            for name in expected:
                (out / name).write_bytes(b"old")
        before = contents(out)
        fill(disk, sorted(map(len, expected.values()))[COUNT // 2])
        inputs = [out, "--in-place"] if way == "in place" else [pictures, "-o", out, "--force"]
        result = run("apply", "gaussian", *inputs)
        assert result.exit_code == 1
        after = contents(out)
        assert temporaries(out) == []
        done = [name for name in after if after[name] == expected[name]]
        assert all(after[name] in (before.get(name), expected[name]) for name in after)
        failed = [line for line in result.messages if line.endswith(": No space left on device")]
        assert len(failed) == COUNT - len(done) > 0
        assert result.messages[-1] == f"{len(done)} written, {len(failed)} failed"
        (disk / "filling").unlink()
        assert run("apply", "gaussian", pictures, "-o", disk / "again").exit_code == 0
        assert contents(disk / "again") == made["apply"][0]


def fill(disk, rest):
    """Leave no more than so many bytes, in whole pages."""
    page = os.sysconf("SC_PAGE_SIZE")
    state = os.statvfs(disk)
    Path(disk / "filling").write_bytes(bytes(max(0, state.f_bavail * state.f_frsize - rest // page * page)))
