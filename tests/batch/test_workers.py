"""Pictures are worked on side by side, and what is written does not depend on how many at a time."""

import errno
import itertools
import os
import signal
import subprocess
import sys
import threading
import time
import weakref
from pathlib import Path

import pytest

from cnnfilter.batch import events, memory
from cnnfilter.batch.memory import apart, default_memory, parse_memory
from cnnfilter.batch.sharing import share_cores
from cnnfilter.batch.turns import Turn
from cnnfilter.batch.work import Work
from cnnfilter.cli import render
from cnnfilter.engine import bands
from cnnfilter.errors import ArgumentError
from cnnfilter.imaging.picture import Picture
from cnnfilter.results.pictures import FilterTask, PictureResult
from tests.command import COMMAND, PHOTO, ROOT, run, save
from tests.faults import interruptible
from tests.plans import carried_out, planned


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("cores", [1, 2, 8])
def test_jobs_times_threads_are_never_more_than_the_cores(cores):
    for tasks, jobs, threads in itertools.product([0, 1, 3, 100], [None, 1, 4, 100], [None, 1, 4, 100]):
        shared = share_cores(cores, tasks, jobs, threads)
        assert min(shared) >= 1, (tasks, jobs, threads)
        assert shared[0] * shared[1] <= cores, (tasks, jobs, threads)


# Memory


@pytest.mark.parametrize(
    ("text", "size"), [("800M", 800_000_000), ("4g", 4 * 10**9), ("1.5 GB", 1_500_000_000), ("2GiB", 2 << 30),
                       ("1000000", 10**6), ("1000kB", 10**6)],
)  # fmt: skip
def test_memory_is_a_size_as_people_write_it(text, size):
    assert parse_memory(text) == size


@pytest.mark.parametrize("text", ["", "x", "-1G", "4iB", "1 PB", "²G", "9" * 400, "1" + "0" * 5000, "1." + "0" * 400])
def test_what_is_no_size_is_an_error(text):
    with pytest.raises(ArgumentError, match="^memory is a size such as 800M, 4G or 2GiB, not "):
        parse_memory(text)


def test_a_megabyte_is_the_least():
    with pytest.raises(ArgumentError, match="^memory must be at least 1 MB, not '10k'$"):
        parse_memory("10k")


@pytest.mark.parametrize(
    ("size", "limit", "told"),
    [
        (2_000_000_000, 1_000_000_000, ("2.0 GB", "1.0 GB")),
        (1_149_000_000, 1_110_000_000, ("1.15 GB", "1.11 GB")),
        (1_100_000_001, 1_100_000_000, ("1.100000001 GB", "1.100000000 GB")),
        (2_400_000, 2_300_000, ("2.4 MB", "2.3 MB")),
        (1_000_001, 1_000_000, ("1.000001 MB", "1.000000 MB")),
    ],
)
def test_a_size_and_its_limit_are_never_told_as_one_number(size, limit, told):
    assert apart(size, limit) == told


def test_by_default_half_of_what_the_process_may_have(monkeypatch, tmp_path):
    monkeypatch.setattr(memory, "CGROUP", tmp_path / "max")
    whole = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    assert default_memory() == whole // 2
    (tmp_path / "max").write_text("max\n")
    assert default_memory() == whole // 2
    (tmp_path / "max").write_text("1000000\n")
    assert default_memory() == 500_000
    monkeypatch.setattr(memory, "address_limit", lambda: 800_000)
    assert default_memory() == 400_000
    monkeypatch.delattr(os, "sysconf")
    assert default_memory() == memory.UNKNOWN


def test_a_limit_on_addresses_is_known_where_there_is_one(monkeypatch):
    code = (
        "import resource; from cnnfilter.batch.memory import address_limit; print(address_limit())\n"
        "resource.setrlimit(resource.RLIMIT_AS, (10**10, 10**10)); print(address_limit())"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert result.stdout in ("None\n10000000000\n", "10000000000\n10000000000\n"), result.stderr
    monkeypatch.setitem(sys.modules, "resource", None)  # as on Windows
    assert memory.address_limit() is None


def test_a_picture_too_large_for_the_memory_fails_alone():
    save("a.png")
    save("b.png", PHOTO.repeat(40, 0).repeat(40, 1))
    for command in (["apply", "edge"], ["run", "conv:edge"]):
        result = run(*command, "a.png", "b.png", "-o", f"{command[0]}/", "--memory", "8M")
        assert result.exit_code == 1
        assert result.messages[1].startswith("cnnfilter: error: b.png: it takes about ")
        assert result.messages[1].endswith(" MB of memory, more than the limit of 8 MB; see --memory")
        assert result.messages[2] == "1 written, 1 failed"
    result = run("apply", "edge", "a.png", "--padding", "0", "--dilation", "20")
    assert "does not fit" in result.err or "larger than" in result.err


@pytest.mark.parametrize("jobs", [1, 2, 7])
def test_outputs_and_reports_are_the_same_for_any_number_of_jobs(jobs):
    for i in range(12):
        save(f"{i:02}.png", PHOTO + i)
    Path("05.png").write_bytes(Path("05.png").read_bytes()[:300])
    result = run("apply", "gaussian", *(f"{i:02}.png" for i in range(12)), "-o", "out/", "-j", jobs)
    assert result.exit_code == 1
    assert [line.split()[1] for line in result.messages if line.startswith("wrote")] == [
        f"out/{i:02}-gaussian.png" for i in range(12) if i != 5
    ]
    assert result.messages[5].startswith("cnnfilter: error: 05.png: ")
    assert result.messages[-1] == "11 written, 1 failed"
    alone = run("apply", "gaussian", "03.png")
    assert alone.exit_code == 0
    assert Path("out/03-gaussian.png").read_bytes() == Path("03-gaussian.png").read_bytes()


def test_who_gets_a_name_that_changes_does_not_depend_on_who_comes_first():
    from PIL import Image

    Image.fromarray(PHOTO).quantize(200).save("a.gif")
    Path("a.gif").rename("a.jpg")
    Image.fromarray(PHOTO).quantize(200).save("b.gif")
    Path("b.gif").rename("a.webp")

    def slow_first(picture, calls=[]):  # noqa: B006  (counts on purpose)
        calls.append(1)
        time.sleep(0.1 if len(calls) == 1 else 0)
        return PictureResult(picture)

    plan = planned(["a.jpg", "a.webp"])
    first, second = carried_out(plan, slow_first, work=Work(2))
    assert (first.error, str(first.targets[0])) == (None, "a-edge.png")
    assert second.error.startswith("'a-edge.png' would be the output of both 'a.jpg' and 'a.webp'")


def test_folders_are_synced_once_and_a_failure_is_told(monkeypatch):
    for name in ("a.png", "b.png"):
        save(name)
    synced = []
    monkeypatch.setattr(events, "sync_folder", synced.append)
    assert run("apply", "edge", "a.png", "b.png", "-o", "out/").exit_code == 0
    assert synced == [Path(), Path("out")]  # "out" itself was made

    def fail(folder):
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(events, "sync_folder", fail)
    Path("c.png").write_text("no picture")
    result = run("apply", "edge", "a.png", "c.png", "-o", "new/")
    assert result.exit_code == 1
    assert result.messages[1].startswith("cnnfilter: error: c.png: not a picture")
    assert result.messages[1].endswith(
        "; cannot write to the folder '.': Input/output error; cannot write to the folder 'new': Input/output error"
    )
    Path("c.png").unlink()
    result = run("apply", "edge", "a.png", "-o", "c.png")
    assert result.exit_code == 1
    assert result.messages == ["cnnfilter: error: a.png: cannot write to the folder '.': Input/output error"]


def test_while_a_file_waits_for_the_disk_its_pixels_are_gone_and_another_picture_begins(monkeypatch):
    save("a.png")
    save("b.png")
    alive, begun = [], threading.Event()

    def transform(picture):
        if alive:
            begun.set()
        result = PictureResult(Picture(picture.pixels.copy()))
        alive.append(weakref.ref(result.picture.pixels))
        return result

    sync = os.fsync

    def slow(descriptor):
        if not begun.is_set():
            assert alive[0]() is None
            assert begun.wait(10)
        sync(descriptor)

    monkeypatch.setattr(os, "fsync", slow)
    events = list(carried_out(planned(["a.png", "b.png"]), transform))
    assert [event.error for event in events] == [None, None]


def test_of_several_files_only_the_last_is_waited_for_beside_another_picture(monkeypatch):
    save("a.png")
    rested = []
    monkeypatch.setattr(Turn, "rest", lambda turn: rested.append(len(list(Path().glob("a-*.png")))))
    assert run("run", "conv:edge", "a.png", "--maps", "each").exit_code == 0
    assert rested == [2]


def test_an_input_that_gets_the_name_of_an_output_is_not_overwritten():
    save("a.png")
    save("b.png")
    Path("out").mkdir()
    original = Path("b.png").read_bytes()

    def transform(picture):
        if Path("b.png").exists():
            Path("b.png").rename("out/a-edge.png")
        return PictureResult(picture)

    first, second = carried_out(planned(["a.png", "b.png"], output="out", force=True), transform)
    assert first.error.startswith("the output 'out/a-edge.png' is the input 'b.png', which is never overwritten")
    assert second.error == "no such file"
    assert Path("out/a-edge.png").read_bytes() == original


@pytest.mark.parametrize("skip", [True, False])
def test_an_output_that_appears_while_its_picture_is_made_is_kept(monkeypatch, skip):
    save("a.png")
    save("b.png")
    plan = planned(["a.png", "b.png"], skip_existing=skip)
    claim = plan.claim

    def late(job, target):
        known = claim(job, target)
        if str(job) == "a.png":
            target.write_bytes(b"of another run")
        return known

    monkeypatch.setattr(plan, "claim", late)
    first, second = carried_out(plan, PictureResult)
    assert (first.skipped, first.targets) == (skip, ())
    assert first.error == (None if skip else "'a-edge.png' exists already; overwrite=True overwrites it")
    assert (second.skipped, second.error) == (False, None)
    assert Path("a-edge.png").read_bytes() == b"of another run"


def test_what_is_written_is_counted_though_an_earlier_input_is_still_at_work(monkeypatch):
    for name in ("b.png", "c.png", "d.png"):
        save(name)
    save("a.png", PHOTO[:9])
    (transform, so_far) = (FilterTask.transform, [])

    def slow(task, picture, threads):
        if len(picture.pixels) == 9:  # until all others are done
            deadline = time.monotonic() + 30
            while not (count := render._so_far[-1]()).startswith("3 written") and time.monotonic() < deadline:
                time.sleep(0.01)
            so_far.extend([count, sorted(path.name for path in Path("out").glob("*.png"))])
        return transform(task, picture, threads)

    monkeypatch.setattr(FilterTask, "transform", slow)
    monkeypatch.setattr(bands, "available_threads", lambda threads: 2)
    result = run("apply", "box", "a.png", "b.png", "c.png", "d.png", "-o", "out/")
    assert so_far == [
        "3 written; --skip-existing does the rest",
        ["b-box.png", "c-box.png", "d-box.png"],
    ]  # which Ctrl-C would tell
    assert result.messages[-1] == "4 written"


@pytest.mark.parametrize(("number", "word"), [(signal.SIGINT, "interrupted"), (signal.SIGTERM, "terminated")])
def test_a_signal_ends_a_batch_at_once_and_keeps_what_is_done(number, word):
    for i in range(300):
        save(f"{i:03}.png", PHOTO)
    command = [*COMMAND, "apply", "gaussian", *(f"{i:03}.png" for i in range(300)), "-o", "out/"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with interruptible():
        process_ = subprocess.Popen(command, stderr=subprocess.PIPE, env=environment)
    with process_:
        process_.stderr.readline()  # the first is written
        process_.send_signal(number)
        begin = time.monotonic()
        err = process_.stderr.read().decode()
        process_.wait()
        assert time.monotonic() - begin < 5  # 0.01 is usual, and 1 is the promise; this is about a run that hangs
    assert process_.returncode == -number
    *wrote, last = err.splitlines()
    told = len([line for line in wrote if line.startswith("wrote ")]) + 1  # the first line was read before
    done = sorted(path.name for path in Path("out").iterdir())
    assert 0 < len(done) < 300
    # those that just got their names are not known to be done
    counts = range(max(told, len(done) - 2 * (os.cpu_count() or 1)), len(done) + 1)
    assert last in [f"cnnfilter: error: {word}; {count} written; --skip-existing does the rest" for count in counts]
    assert all(name.endswith("-gaussian.png") for name in done)
    assert (
        run("apply", "gaussian", *(f"{i:03}.png" for i in range(300)), "-o", "out/", "--skip-existing").messages[-1]
        == f"{300 - len(done)} written, {len(done)} skipped"
    )
