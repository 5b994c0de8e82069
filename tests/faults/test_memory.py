"""Memory: a picture for which there is too little fails alone, and many small ones take no more than a few."""

import os
import re
import resource
import tempfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.faults import CHAINS, contents, crops, finished, started, without_coverage

STEP = 96 << 20
COUNT = 4
MANY = 10_000
LAST = MANY - 200
"""The last of which the report can be waited for: the work is some ahead of it, and the process must not end yet."""
GROWTH = 2 << 20
"""What 9,000 pictures may add: 230 bytes for each, less than a path takes that something would remember. The program
keeps nothing of them; the allocator may put a page here and there."""


def address_space(size):
    """What lets a new process have so many bytes of addresses: an allocation beyond them fails."""

    def limit():
        resource.setrlimit(resource.RLIMIT_AS, (size, size))

    return limit


@pytest.mark.slow
@pytest.mark.parametrize("command", CHAINS)
def test_a_picture_without_memory_fails_alone(command, tmp_path):
    crops(tmp_path / "in", COUNT)
    arguments = [command, CHAINS[command], tmp_path / "in", "-j", "1", "--memory", "1T"]  # nothing is held back
    size = 3 * STEP
    while finished(*arguments, "-o", tmp_path / "out", preexec_fn=address_space(size), env=without_coverage())[0]:
        size += STEP  # until it is enough for the small ones
        assert size < 100 * STEP
        for path in (tmp_path / "out").glob("*"):
            path.unlink()
    expected = contents(tmp_path / "out")
    assert len(expected) == COUNT
    shades = np.linspace(0, 255, 5000 * 5000 * 3).reshape(5000, 5000, 3).astype(np.uint8)
    Image.fromarray(shades).save(tmp_path / "in" / "001-large.jpg")
    failures = set()
    for i in range(1, 60):
        out = tmp_path / str(i)
        code, _, lines = finished(
            *arguments, "-o", out, preexec_fn=address_space(size + i * STEP), env=without_coverage()
        )
        done = contents(out)
        if code == 0:
            assert len(done) == COUNT + 1
            break
        assert code == 1, lines
        assert done == expected, lines
        (line,) = [line for line in lines if not line.startswith("wrote ")][:-1]
        error = re.fullmatch(r"cnnfilter: error: \S+/001-large\.jpg: (.*)", line)
        assert error, line
        assert re.search("not enough memory|there is no memory for", error[1]), line
        assert lines[-1] == f"{COUNT} written, 1 failed"
        failures.add(error[1])
    else:
        pytest.fail("it never was enough")
    assert len(failures) > (command == "run"), failures  # a chain's numbers take more than the decoder


def resident(process):
    """The bytes that a process has in memory."""
    status = Path(f"/proc/{process.pid}/status").read_text()
    return int(re.search(r"VmRSS:\s+(\d+) kB", status)[1]) << 10


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="memory in use is read from /proc")
def test_memory_is_flat_from_the_thousandth_picture_to_the_ten_thousandth(tmp_path):
    folder = tmp_path / "in"
    folder.mkdir()
    generator = np.random.default_rng(1)
    for i in range(MANY):
        Image.fromarray(generator.integers(0, 256, (8, 8, 3), dtype=np.uint8)).save(folder / f"{i:05}.png")
    # in memory, where there is such a disk: this is not about what waiting for a real one takes
    place = "/dev/shm" if os.access("/dev/shm", os.W_OK) else tmp_path
    with (
        tempfile.TemporaryDirectory(dir=place) as out,
        started("apply", "gaussian", folder, "-o", out, env=without_coverage()) as process,
    ):
        sizes = {}
        for number, line in enumerate(process.stderr, 1):
            assert line.startswith(b"wrote "), line
            if number in (1000, 5000, LAST):
                sizes[number] = resident(process)
            if number == MANY:
                break
        process.communicate()
        assert process.returncode == 0
    print({number: f"{size / 1e6:.2f} MB" for number, size in sizes.items()})  # noqa: T201
    assert sizes[LAST] - sizes[1000] < GROWTH, sizes
