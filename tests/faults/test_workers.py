"""Workers that are killed, stopped or cut off, schedulers that are lost, clients that end: what is written is whole."""

import contextlib
import os
import signal
import time
from pathlib import Path

import pytest

from tests.clusters import cluster, settings, spawned, wait_until, words
from tests.command import ROOT
from tests.faults import TEMPORARY, contents, crops, finished, generator, started, temporaries

pytestmark = pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="workers are found in /proc")

COUNT = 120
KILLS = 30
PATIENCE = 5
"""Seconds after which a client that was told to end, or has lost its scheduler, counts as stuck. Two are promised of
the first, and one is usual; but a machine with other things to do must not fail the test."""
DIED = "two workers died while they worked on it"
KERNEL = "gaussian"
MEETING = """
import os, sys, time

def meet(event, arguments):
    if event == "open" and isinstance(arguments[0], str | bytes):
        name = os.fsdecode(arguments[0])
        if os.path.basename(os.path.dirname(name)) == "in":
            time.sleep({seconds})
            if name.endswith("{name}"):
                with open("{deaths}", "a") as deaths:
                    deaths.write(f"{{os.getpid()}}\\n")
                {act}

sys.addaudithook(meet)
"""
"""A `sitecustomize` of workers, which take their time over each input, and meet one that does something to them."""
SECONDS = 0.03
"""How long workers rest over each input: long enough that something may happen meanwhile."""
DIE = "os.kill(os.getpid(), 9)"
EAT = "eaten = [bytearray(1 << 20) for _ in range(1200)]; time.sleep(60)"


@pytest.fixture(scope="module")
def clean(tmp_path_factory):
    """A folder of pictures, and what `apply` makes of them."""
    return made_in(tmp_path_factory.mktemp("clean"))


def made_in(folder, count=COUNT):
    crops(folder / "in", count)
    assert finished("apply", KERNEL, folder / "in", "-o", folder / "out")[0] == 0
    return folder / "in", contents(folder / "out")


@pytest.fixture
def slow(tmp_path):
    """The environment of workers that take their time."""
    return meeting(tmp_path / "slow")


def meeting(folder, name="none", act="pass"):
    """The environment of workers that meet a picture; `deaths` in the folder tells which did, and how often."""
    folder.mkdir()
    text = MEETING.format(seconds=SECONDS, name=name, deaths=folder / "deaths", act=act)
    (folder / "sitecustomize.py").write_text(text)
    return {"PYTHONPATH": f"{folder}{os.pathsep}{ROOT}"}


def apply(pictures, out, address, *options):
    return ["apply", KERNEL, pictures, "-o", out, "--cluster", address, *options]


def ended(process, timeout=120):
    """The lines of a client that has ended, which is never by a traceback."""
    lines = process.communicate(timeout=timeout)[1].decode().splitlines()
    text = "\n".join(lines)
    assert "Traceback" not in text, text
    assert "internal error" not in text, text
    return lines


@contextlib.contextmanager
def place(where, environment):
    """Workers that take their time: the address of their cluster, and the environment of its client."""
    if where == "local":
        yield "local:2", {**os.environ, **environment}
    else:
        with cluster(2, environment=environment) as made:
            yield made.address, None


def done(out):
    """The bytes of each file that is there by its name; temporaries come and go."""
    paths = [path for path in out.iterdir() if not TEMPORARY.fullmatch(path.name)] if out.exists() else []
    return {path.name: path.read_bytes() for path in paths}


def assert_whole(out, expected):
    """All that is there is whole; the names that are."""
    found = done(out)
    assert found == {name: expected[name] for name in found}
    return found.keys()


def resumed(pictures, out, expected, *options):
    """What a run with --skip-existing makes of the rest; all is there then, and nothing else."""
    code, _, lines = finished("apply", KERNEL, pictures, "-o", out, "--skip-existing", *options)
    assert code == 0, lines
    assert contents(out) == expected
    return lines


def wait_for_outputs(process, out, count):
    def are_there():
        return len(done(out)) >= count

    wait_until(are_there, f"{count} are written", process=process)


def is_still(out):
    """Whether nothing is written there any more, after a moment."""
    before = done(out)
    time.sleep(1)
    return done(out) == before


@pytest.mark.slow
def test_workers_that_are_killed_at_random_moments_tear_nothing(clean, slow, tmp_path):
    pictures, expected = clean
    draw = generator()
    kills = runs = 0
    with cluster(2, environment=slow) as made:
        while kills < KILLS:
            runs += 1
            out = tmp_path / str(runs)
            with started(*apply(pictures, out, made.address)) as process:
                after = 0
                while process.poll() is None and kills < KILLS:
                    time.sleep(draw.uniform(0.05, 0.6))
                    if len(done(out)) > after or draw.random() < 0.1:  # or none would live to be prepared, at times
                        kills += made.kill_one(draw)
                        after = len(done(out))
                lines = ended(process)
            whole = assert_whole(out, expected)
            failed = [line for line in lines if line.startswith("cnnfilter: error: ")]
            assert [line for line in failed if DIED not in line] == []
            blamed = {Path(line.split(": ")[2]).stem for line in failed}
            assert {name for name in expected if name.split("-")[0] not in blamed} <= whole, lines
            assert process.returncode == (1 if failed else 0), lines
            assert not temporaries(out), lines
            resumed(pictures, out, expected, "--cluster", made.address)
    print(f"{kills} kills in {runs} runs")  # noqa: T201


def assert_only_one_failed(process, out, expected, lines, deaths):
    failed = [line for line in lines if line.startswith("cnnfilter: error: ")]
    assert len(failed) == 1, lines
    assert "007.png" in failed[0], lines
    assert DIED in failed[0], lines
    assert lines[-1] == f"{COUNT - 1} written, 1 failed", lines
    assert process.returncode == 1
    assert len(assert_whole(out, expected)) == COUNT - 1
    assert len(set(deaths.read_text().split())) == 2, "as many workers died"
    assert not temporaries(out)


@pytest.mark.slow
def test_a_picture_that_kills_workers_kills_two_and_fails_by_name(clean, tmp_path):
    pictures, expected = clean
    environment = meeting(tmp_path / "poison", "007.png", DIE)
    with cluster(2, environment=environment) as made, started(*apply(pictures, tmp_path / "out", made.address)) as run:
        lines = ended(run)
    assert_only_one_failed(run, tmp_path / "out", expected, lines, tmp_path / "poison" / "deaths")


@pytest.mark.slow
def test_a_picture_that_eats_all_memory_is_tried_twice_too(clean, tmp_path):
    pictures, expected = clean
    environment = meeting(tmp_path / "greed", "007.png", EAT)
    with cluster(0, environment=environment) as made:
        for _ in range(2):
            made.start("--memory-limit", "700MiB")
        made.wait()
        with started(*apply(pictures, tmp_path / "out", made.address)) as run:
            lines = ended(run)
    assert_only_one_failed(run, tmp_path / "out", expected, lines, tmp_path / "greed" / "deaths")


@pytest.mark.slow
@pytest.mark.parametrize("nanny", [False, True], ids=["worker", "worker-and-nanny"])
def test_a_worker_that_is_stopped_is_done_without(nanny, clean, slow, tmp_path):
    pictures, expected = clean
    out = tmp_path / "out"
    with cluster(2, environment={**slow, **settings(scheduler__worker_ttl="3s")}) as made:
        with started(*apply(pictures, out, made.address)) as process:
            wait_for_outputs(process, out, 2)
            worker = made.workers[0]
            stopped = worker.workers()
            if nanny:  # as one that is cut off: nobody starts it again
                worker.send(signal.SIGSTOP)
            else:
                os.kill(stopped[0], signal.SIGSTOP)
            lines = ended(process)
        assert (process.returncode, lines[-1]) == (0, f"{COUNT} written"), lines
        assert contents(out) == expected
        worker.send(signal.SIGCONT)  # it finishes what it had in hand, which is there already
        time.sleep(2)
        assert contents(out) == expected


def test_a_scheduler_that_is_lost_ends_the_run_and_says_how_to_go_on(clean, slow, tmp_path):
    pictures, expected = clean
    out = tmp_path / "out"
    with cluster(1, environment=slow) as made:
        address = made.address
        with started(*apply(pictures, out, address)) as process:
            wait_for_outputs(process, out, 3)
            made.scheduler.send(signal.SIGKILL)
            begin = time.monotonic()
            lines = ended(process)
        assert time.monotonic() - begin < PATIENCE
        wait_until(lambda: not made.workers[0].workers(), "the worker has ended itself")
    assert process.returncode == 1, lines
    whole = assert_whole(out, expected)
    assert f"the scheduler {address} is lost" in "\n".join(lines), lines
    assert "--skip-existing" in "\n".join(lines), lines
    assert len(lines) < COUNT, "each that is left is told"
    last = resumed(pictures, out, expected)[-1]
    assert last == f"{COUNT - len(whole)} written, {len(whole)} skipped"


@pytest.mark.parametrize("where", ["local", pytest.param("tcp", marks=pytest.mark.slow)])
def test_an_interrupt_ends_the_client_and_finishes_what_is_in_hand(where, clean, slow, tmp_path):
    pictures, expected = clean
    out = tmp_path / "out"
    with place(where, slow) as (address, environment):
        with started(*apply(pictures, out, address), env=environment, start_new_session=True) as process:
            wait_for_outputs(process, out, 3)
            below = spawned(process.pid)
            os.killpg(process.pid, signal.SIGINT)
            begin = time.monotonic()
            lines = ended(process)
            took = time.monotonic() - begin
        assert process.returncode == -signal.SIGINT, lines
        assert took < PATIENCE, lines
        assert lines[-1].startswith("cnnfilter: error: interrupted; "), lines
        assert not any("resource_tracker" in line for line in lines), lines
        if where == "local":
            assert below
            assert not any("spawn_main" in words(each) for each in below), "workers are left"
        wait_until(lambda: is_still(out), "nothing more is written", 10)
        assert not temporaries(out)
        whole = assert_whole(out, expected)
    assert 3 <= len(whole) < COUNT
    resumed(pictures, out, expected)


@pytest.mark.slow
@pytest.mark.parametrize("where", ["local", "tcp"])
def test_workers_of_a_client_that_is_killed_stop(where, clean, slow, tmp_path):
    pictures, expected = clean
    out = tmp_path / "out"
    with place(where, slow) as (address, environment):
        with started(*apply(pictures, out, address), env=environment) as process:
            wait_for_outputs(process, out, 3)
            below = spawned(process.pid)
            process.kill()
            process.communicate(timeout=30)
        if where == "local":
            assert below
            wait_until(lambda: not any("spawn_main" in words(each) for each in below), "its workers have ended", 10)
        wait_until(lambda: is_still(out), "nothing more is written", 10)
        whole = assert_whole(out, expected)
        assert 3 <= len(whole) < COUNT
        resumed(pictures, out, expected, *(["--cluster", address] if where == "tcp" else []))
