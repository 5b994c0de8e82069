"""What the tests of faults share: folders of real pictures, runs that something happens to, and what they leave."""

import os
import random
import re
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

from PIL import Image

import cnnfilter
from tests.command import COMMAND, ROOT

PACKAGE = str(Path(cnnfilter.__file__).parent)
CHAINS = {"apply": "gaussian", "run": "conv:gaussian"}
"""The commands that make batches, each with something to do."""
SEED = "CNNFILTER_TEST_SEED"
TEMPORARY = re.compile(r"\..*\.cnnfilter-[0-9a-f]{16}\.tmp", re.DOTALL)


def generator():
    """Random numbers, other ones each time; what a failed test has printed draws them again."""
    seed = int(os.environ.get(SEED) or int.from_bytes(os.urandom(4), "big"))
    sys.stdout.write(f"{SEED}={seed} draws the same again\n")
    return random.Random(seed)


def crops(folder, count, width=200, height=150):
    """Fill a folder with as many parts of the samples, each another one, JPEG and PNG in turns."""
    folder.mkdir()
    samples = []
    for name in ("coffee.jpg", "chelsea.png"):
        with Image.open(ROOT / "samples" / name) as sample:
            samples.append(sample.copy())
    for i in range(count):
        sample = samples[i % 2]
        left, top = i * 7 % (sample.width - width), i * 5 % (sample.height - height)
        part = sample.crop((left, top, left + width, top + height))
        part.save(folder / f"{i:03}{('.jpg', '.png')[i % 2]}")


def clean_runs(folder, count, commands=tuple(CHAINS)):
    """A folder of as many pictures, and for each command what a run makes of it, and in how many seconds."""
    crops(folder / "in", count)
    made = {}
    for command in commands:
        arguments = [command, CHAINS[command]]
        one = next((folder / "in").iterdir())
        assert finished(*arguments, one, "-o", folder / f"{command}.png")[0] == 0  # it may compile
        begin = time.monotonic()
        code, _, lines = finished(*arguments, folder / "in", "-o", folder / command)
        assert (code, lines[-1]) == (0, f"{count} written")
        made[command] = contents(folder / command), time.monotonic() - begin
    return folder / "in", made


def contents(folder):
    """The bytes of each file of a folder, by its name; of none, nothing."""
    return {path.name: path.read_bytes() for path in folder.iterdir() if not path.is_dir()} if folder.exists() else {}


def temporaries(folder):
    return [name for name in contents(folder) if TEMPORARY.fullmatch(name)]


@contextmanager
def interruptible():
    """Let a process that is started here be interrupted, also where this one runs in the background and is not."""
    before = signal.getsignal(signal.SIGINT)
    if before == signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


@contextmanager
def started(*arguments, **options):
    """Start `cnnfilter` as a process, which a signal reaches and which ends with the context."""
    options = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options}
    with interruptible():
        process = subprocess.Popen([*COMMAND, *map(str, arguments)], **options)
    with process:
        try:
            yield process
        finally:
            process.kill()


def finished(*arguments, timeout=120, **options):
    """Run `cnnfilter` as a process; return its exit code, standard output, and lines on standard error."""
    with started(*arguments, **options) as process:
        data, err = process.communicate(timeout=timeout)
    return process.returncode, data, (err or b"").decode(errors="surrogateescape").splitlines()


def without_coverage():
    """The environment without what makes processes measure coverage: files for it cannot be written either."""
    return {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_")}
