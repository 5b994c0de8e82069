"""A training that is killed, or finds no room, loses no more than an epoch, and ends as if nothing had happened."""

import json
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.command import ROOT
from tests.faults import contents, finished, generator, started, temporaries, without_coverage
from tests.faults.test_disk import mounted, small_files
from tests.learning.strokes import strokes

STAGES = "conv:6@3x3,batchnorm,relu,maxpool:2,dropout:0.2,flatten,dense:10"
FILES = ("net.npz", "net-checkpoint.npz")
KILLS = 15
IMPORTING = without_coverage() | {"PYTHONPATH": str(ROOT)}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    pictures, classes = strokes()
    np.savez("d.npz", x=pictures, y=classes)
    return tmp_path


def training(epochs, *more, stages=STAGES, threads=2, output="out/net.npz"):
    more = ["--optimizer", "momentum", "--augment", "shift,contrast", "--batch", "16", *more]
    return ["train", stages, "d.npz", "-o", output, "--epochs", epochs, "--threads", threads, *more]


@pytest.mark.slow
@pytest.mark.parametrize("optimizer", ["momentum", "adam"])
def test_killed_and_resumed_is_as_never_interrupted(folder, optimizer):
    (folder / "out").mkdir()
    more = ["--optimizer", optimizer]
    begin = time.monotonic()
    assert finished(*training(60, *more))[0] == 0
    duration = time.monotonic() - begin
    expected = contents(folder / "out")
    assert {*expected} == {*FILES}
    draw = generator()
    tries = resumed = left = 0
    while resumed < KILLS:
        tries += 1
        out = folder / str(tries)
        out.mkdir()
        known = False
        while not (out / "net.npz").exists():
            arguments = training(60, *more, *["--resume"] * known, threads=draw.randint(1, 4), output=out / "net.npz")
            with started(*arguments) as process:
                time.sleep(draw.uniform(0, duration))
                process.kill()
                _, err = process.communicate(timeout=60)
            assert process.returncode in (0, -9), err.decode()
            left += bool(temporaries(out))
            resumed += known
            known = (out / "net-checkpoint.npz").exists()
            assert {*contents(out)} - {*temporaries(out)} <= {*FILES}
        assert finished(*training(60, *more, "--resume", output=out / "net.npz"))[0] == 0
        assert contents(out) == expected, tries
    print(f"{resumed} resumed, {left} left a temporary")  # noqa: T201


def test_a_training_that_is_killed_goes_on(folder):
    (folder / "whole").mkdir()
    (folder / "out").mkdir()
    assert finished(*training(40, output="whole/net.npz"))[0] == 0
    with started(*training(40, "--json", threads=1)) as process:
        for _ in range(5):
            process.stdout.readline()
        process.kill()
        process.communicate(timeout=60)
    assert process.returncode == -9
    assert (folder / "out" / FILES[1]).exists()
    (folder / "out" / ".net-checkpoint.npz.cnnfilter-0123456789abcdef.tmp").write_bytes(b"half a checkpoint")
    code, _, lines = finished(*training(40, "--resume", threads=3))
    assert code == 0, lines
    assert contents(folder / "out") == contents(folder / "whole")


def test_a_disk_without_room_for_a_checkpoint_has_the_network(folder):
    (folder / "whole").mkdir()
    assert finished(*training(3, output="whole/net.npz"))[0] == 0
    whole = contents(folder / "whole")
    small, large = sorted(map(len, whole.values()))
    with mounted(folder / "disk", (small + large) // 2 // 4096 * 4096) as disk:
        code, _, lines = finished(*training(3, output="disk/net.npz"))
        found = contents(disk)
    assert code == 0, lines
    assert found == {"net.npz": whole["net.npz"]}
    told = [line for line in lines if "No space left" in line]
    assert told == [
        "warning: cannot write 'disk/net-checkpoint.npz': No space left on device; training goes on, and cannot be "
        "resumed from here"
    ]  # fmt: skip


def test_a_network_without_room_leaves_nothing_and_is_an_error(folder):
    (folder / "out").mkdir()
    code, out, lines = finished(*training(3, "--json"), preexec_fn=small_files(1000), env=without_coverage())
    assert code == 1
    assert [json.loads(line)["epoch"] for line in out.splitlines()] == [1, 2, 3]
    assert lines[-1] == "cnnfilter: error: cannot write 'out/net.npz': File too large"
    assert contents(folder / "out") == {}


def test_a_checkpoint_that_has_no_room_leaves_the_one_before(folder):
    (folder / "out").mkdir()
    assert finished(*training(2))[0] == 0
    before = contents(folder / "out")
    limit = {"preexec_fn": small_files(len(before["net.npz"])), "env": without_coverage()}
    code, _, lines = finished(*training(4, "--resume"), **limit)
    assert code == 1
    assert sum("File too large" in line for line in lines) == 2
    assert contents(folder / "out") == before
    assert finished(*training(4, "--resume"))[0] == 0
    (folder / "whole").mkdir()
    assert finished(*training(4, output="whole/net.npz"))[0] == 0
    assert contents(folder / "out") == contents(folder / "whole")


PEAK = """
import sys
from cnnfilter.cli.main import main
from tests import peaks
code = main(sys.argv[1:])
print(peaks.peak())
sys.exit(code)
"""


def peak(data, *more):
    """The most memory that a training takes, in bytes."""
    arguments = ["train", "resize:200x200,conv:2@3x3:stride=4,globalavgpool,flatten,dense:2", data, "-o", "net.npz"]
    command = [sys.executable, "-c", PEAK, *arguments, "--epochs", "1", "--batch", "8", "--force", "-q", *more]
    return int(subprocess.run(command, check=True, capture_output=True, cwd=Path.cwd(), env=IMPORTING).stdout)


@pytest.mark.slow
def test_data_may_exceed_memory(folder):
    draw = np.random.default_rng(1)
    pictures = draw.integers(0, 256, (600, 20, 20, 3), dtype=np.uint8)
    for number, picture in enumerate(pictures):
        for data in ["many"] + ["few"] * (number < 20):
            (folder / data / "ab"[number % 2]).mkdir(parents=True, exist_ok=True)
            Image.fromarray(picture).save(folder / data / "ab"[number % 2] / f"{number}.png")
    large = np.repeat(np.repeat(pictures[:, :, :, 0], 10, 1), 10, 2)
    np.savez_compressed("many.npz", x=np.stack([large] * 3, axis=3), y=np.arange(600) % 2)
    least, all_of_it = peak("few"), 600 * 200 * 200 * 3 * 4
    assert peak("many") - least > 0.8 * all_of_it
    known = Path("net.npz").read_bytes()
    for data in ("many", "many.npz"):
        more = peak(data, "--memory", "20M") - least
        print(f"{data}: {more / 1e6:.0f} MB more than a few pictures, of {all_of_it / 1e6:.0f} MB")  # noqa: T201
        assert more < 40e6
        assert data != "many" or Path("net.npz").read_bytes() == known
