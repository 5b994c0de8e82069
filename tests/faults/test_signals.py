"""Ctrl-C and termination at random moments: at once, quietly, with what is finished kept and nothing else left."""

import os
import signal
import subprocess
import time
from pathlib import Path

import pytest
from PIL import Image

from tests.command import COMMAND
from tests.faults import CHAINS, PACKAGE, clean_runs, contents, crops, finished, generator, interruptible, started

WORDS = {signal.SIGINT: "interrupted", signal.SIGTERM: "terminated"}
COUNT = 60
HITS = 50
PATIENCE = 5
"""Seconds after which a run that was told to end counts as stuck. The promise is one second, and 0.1 is usual; but a
machine with other things to do must not fail the test."""


@pytest.fixture(scope="module")
def clean(tmp_path_factory):
    return clean_runs(tmp_path_factory.mktemp("clean"), COUNT)


def is_python_s_own(err):
    """Whether an interrupt met Python before it had anything of ours: it shows a traceback then."""
    # an error that was being handled may name the package's folder, where Python looked for our first module
    lines = [line for line in err.splitlines() if line.startswith("  File ") and PACKAGE in line]
    return "Traceback" in err and all(f"{PACKAGE}{os.sep}__" in line for line in lines)  # __init__, __main__


@pytest.mark.slow
@pytest.mark.parametrize("number", WORDS)
def test_a_run_ends_at_any_moment_and_keeps_what_is_done(number, clean, tmp_path):
    pictures, made = clean
    random = generator()
    tries, hits, waits, kept = 0, 0, [], set()
    while hits < HITS:
        command = random.choice(list(CHAINS))
        expected, duration = made[command]
        moment = random.uniform(0, 1.05 * duration)
        jobs = random.choice((1, 2, 3))
        tries += 1
        out = tmp_path / str(tries)
        with started(command, CHAINS[command], pictures, "-o", out, "-j", jobs) as process:
            time.sleep(moment)
            process.send_signal(number)
            begin = time.monotonic()
            err = process.communicate(timeout=30)[1].decode()
            wait = time.monotonic() - begin
        where = f"{command} -j {jobs}, after {moment:.4f} s:\n{err}"
        done = contents(out)
        if process.returncode == 0:  # it was done
            assert done == expected, where
            continue
        if is_python_s_own(err):
            assert not out.exists(), where
            continue
        hits += 1
        waits.append(wait)
        kept.add(len(done))
        assert process.returncode == -number, where
        assert wait < PATIENCE, where
        assert "Traceback" not in err, where
        assert "Exception ignored" not in err, where
        if done and len(done) < len(expected):
            assert err.splitlines()[-1].startswith(f"cnnfilter: error: {WORDS[number]}; "), where
        assert done == {name: expected[name] for name in done if name in expected}, where
    assert len(kept) > 5, kept  # the moments were not all the same
    waits.sort()
    print(f"{HITS} waits: median {waits[HITS // 2]:.3f} s, longest {waits[-1]:.3f} s")  # noqa: T201


def child_of(process):
    """The id of a process's only child, once it has one that runs the command."""
    listing = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    for _ in range(500):
        for child in listing.read_text().split():
            if b"cnnfilter" in Path(f"/proc/{child}/cmdline").read_bytes():
                return int(child)
        time.sleep(0.01)
    pytest.fail("the shell has started nothing")


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="the shell's child is found in /proc")
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_a_shell_sees_128_and_the_signal(number, code, tmp_path):
    pipe = tmp_path / "a.png"
    os.mkfifo(pipe)
    script = ["bash", "-c", '"$@"; echo $?', "bash", *COMMAND, "apply", "edge", str(pipe)]
    with interruptible():
        shell = subprocess.Popen(script, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    with shell:
        child = child_of(shell)
        with pipe.open("wb"):  # opens when the command does: it is at work now
            os.kill(child, number)
            assert shell.communicate(timeout=30)[0] == f"{code}\n".encode()
    assert [path.name for path in tmp_path.iterdir()] == ["a.png"]


@pytest.mark.slow
@pytest.mark.parametrize("command", CHAINS)
def test_a_large_picture_holds_no_signal_up(command, tmp_path):
    crops(tmp_path / "in", 1, 400, 300)
    (small,) = (tmp_path / "in").iterdir()
    large = tmp_path / "large.jpg"
    with Image.open(small) as image:
        image.resize((5000, 4000)).save(large)
    arguments = [command, CHAINS[command], large, "-o", tmp_path / "out.jpg"]
    begin = time.monotonic()
    assert finished(*arguments)[0] == 0
    duration = time.monotonic() - begin
    whole = (tmp_path / "out.jpg").read_bytes()
    draw = generator()
    hits = 0
    while hits < 5:
        with started(*arguments, "--force") as process:
            time.sleep(draw.uniform(0.2, duration))
            process.terminate()
            begin = time.monotonic()
            process.communicate(timeout=30)
            assert time.monotonic() - begin < PATIENCE
        hits += process.returncode == -signal.SIGTERM
        assert process.returncode in (0, -signal.SIGTERM)
        assert (tmp_path / "out.jpg").read_bytes() == whole
        assert sorted(contents(tmp_path).keys() - {"in"}) == ["large.jpg", "out.jpg"]


@pytest.mark.slow
@pytest.mark.parametrize("number", WORDS)
def test_a_signal_while_it_starts_is_quiet(number, tmp_path):
    random = generator()
    hits = 0
    while hits < HITS:
        moment = random.uniform(0, 0.2)
        with started("kernels", "edge") as process:
            time.sleep(moment)
            process.send_signal(number)
            err = process.communicate(timeout=30)[1].decode()
        if process.returncode == 0 or is_python_s_own(err):
            continue
        hits += 1
        assert process.returncode == -number, (moment, err)
        assert err in ("", f"cnnfilter: error: {WORDS[number]}\n"), moment
