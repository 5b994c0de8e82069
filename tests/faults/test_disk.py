"""A disk that is full: what fits is written whole, what does not is left as it was, and nothing else stays behind."""

import errno
import json
import os
import resource
import subprocess
from contextlib import contextmanager
from pathlib import Path

import pytest

from cnnfilter.batch import events, work
from cnnfilter.errors import DiskFullError
from cnnfilter.writing.write import write_atomically
from tests.command import run
from tests.faults import clean_runs, contents, crops, finished, temporaries, without_coverage

COUNT = 8


@pytest.fixture(scope="module")
def clean(tmp_path_factory):
    return clean_runs(tmp_path_factory.mktemp("clean"), COUNT, ["apply"])


def small_files(size):
    """What lets a new process write files of no more than `size` bytes: the write that passes it is short."""

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
        left = [int(line.split()[6]) for line in result.messages if "the disk is full; " in line]
        assert len(failed) + sum(left) == COUNT - len(done) > 0
        assert result.messages[-1] == f"{len(done)} written, {len(failed)} failed"
        (disk / "filling").unlink()
        assert run("apply", "gaussian", pictures, "-o", disk / "again").exit_code == 0
        assert contents(disk / "again") == made["apply"][0]


@pytest.fixture
def room(tmp_path, monkeypatch):
    """Forty pictures, and a function that leaves room for the results of some of their numbers only."""
    monkeypatch.chdir(tmp_path)
    crops(Path("in"), 40)

    def leave(fits):
        def write(path, *arguments, **options):
            if not fits(int(path.name[:3])):
                msg = f"cannot write '{path}': {os.strerror(errno.EDQUOT)}"
                raise DiskFullError(msg)
            return write_atomically(path, *arguments, **options)

        monkeypatch.setattr(work, "write_atomically", write)

    return leave


def lines(result):
    """What was said but for what was written, of which each is told."""
    told = [line for line in result.messages if line.startswith("wrote ")]
    assert sorted(line.split()[1] for line in told) == sorted(f"out/{name}" for name in contents(Path("out")))
    return [line for line in result.messages if line not in told]


def no_room(number):
    name = f"{number:03}{('.jpg', '.png')[number % 2]}"
    target = f"out/{name.replace('.', '-gaussian.')}"
    return f"cnnfilter: error: in/{name}: cannot write '{target}': {os.strerror(errno.EDQUOT)}"


@pytest.mark.parametrize("jobs", ["1", "4"])
def test_a_full_disk_ends_the_run_after_a_few_failures_with_one_line(jobs, room, monkeypatch):
    synced = []
    monkeypatch.setattr(events, "sync_folder", synced.append)
    room(lambda number: number < 6)
    result = run("apply", "gaussian", "in", "-o", "out", "-j", jobs)
    assert result.exit_code == 1
    assert lines(result) == [
        *map(no_room, (6, 7, 8)), "cnnfilter: error: the disk is full; 31 more inputs are left undone",
        "6 written, 3 failed",
    ]  # fmt: skip
    assert sorted(synced) == [Path(), Path("out")]


def test_programs_are_told_of_each_input_that_is_left(room):
    room(lambda number: number < 6)
    result = run("apply", "gaussian", "in", "-o", "out", "--json")
    records = [json.loads(line) for line in result.out.splitlines()]
    assert len(records) == 40
    assert [record["error"] is None for record in records] == [True] * 6 + [False] * 34
    assert records[-1]["error"] == "the disk is full"
    assert result.messages[-2].endswith("the disk is full; 31 more inputs are left undone")


def test_results_that_fitted_meanwhile_are_told(room):
    room(lambda number: number in (0, 4))  # the fourth may be at work when the third fails
    result = run("apply", "gaussian", "in", "-o", "out", "-j", "2")
    assert lines(result)[:3] == [*map(no_room, (1, 2, 3))]


def test_room_for_some_ends_nothing(room):
    room(lambda number: number % 3 == 0)
    result = run("apply", "gaussian", "in", "-o", "out", "-j", "4")
    assert lines(result)[-1] == "14 written, 26 failed"


def test_the_last_ones_to_fail_are_told_as_any_other(room):
    room(lambda number: number < 37)
    assert lines(run("apply", "gaussian", "in", "-o", "out"))[-2:] == [no_room(39), "37 written, 3 failed"]


def fill(disk, rest):
    """Leave no more than so many bytes, in whole pages."""
    page = os.sysconf("SC_PAGE_SIZE")
    state = os.statvfs(disk)
    Path(disk / "filling").write_bytes(bytes(max(0, state.f_bavail * state.f_frsize - rest // page * page)))
