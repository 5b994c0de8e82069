"""Times of any year are kept where that is asked for, and permissions follow the umask."""

import os
import stat
import time
from pathlib import Path

import pytest

from tests.command import run, save
from tests.faults import CHAINS, finished

SECOND = 10**9
TIMES = {
    "before 1970": -86_400 * 365 * SECOND + 5 * SECOND,
    "the beginning": 0,
    "with nanoseconds": 1_234_567_890 * SECOND + 123_456_700,
    "after 2038": 2_500_000_000 * SECOND,
}


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    save("a.png")


def kept(path, modified):
    """Whether a file has a time; a file system may not have every nanosecond, or every year."""
    probe = Path("probe")
    probe.touch()
    os.utime(probe, ns=(modified, modified))
    return path.stat().st_mtime_ns == probe.stat().st_mtime_ns


@pytest.mark.parametrize("modified", TIMES.values(), ids=TIMES)
@pytest.mark.parametrize(
    "arguments",
    [
        ["apply", "edge", "-o", "out/"],
        ["apply", "edge", "--in-place"],
        ["run", "conv:sobel-x+sobel-y", "-o", "out/", "--maps", "each"],
        ["run", "conv:sobel-x+sobel-y", "-o", "out.npy"],
    ],
    ids=" ".join,
)
def test_outputs_have_the_times_of_their_inputs(arguments, modified):
    command, chain, *options = arguments
    os.utime("a.png", ns=(modified + SECOND, modified))
    result = run(command, chain, "a.png", *options, "--preserve-times")
    assert result.exit_code == 0, result.err
    outputs = [*Path().glob("out/*"), *Path().glob("out.npy")] or [Path("a.png")]
    assert all(kept(path, modified) for path in outputs)


@pytest.mark.parametrize("command", CHAINS)
def test_by_default_outputs_are_of_now(command):
    os.utime("a.png", ns=(0, 0))
    assert run(command, CHAINS[command], "a.png", "-o", "out/").exit_code == 0
    (output,) = Path("out").iterdir()
    assert abs(output.stat().st_mtime - time.time()) < 60


def test_an_input_from_the_future_is_worked_on_as_any_other():
    future = (int(time.time()) + 10**6) * SECOND
    os.utime("a.png", ns=(future, future))
    assert run("apply", "edge", "a.png", "-o", "out/").exit_code == 0
    assert run("apply", "edge", "a.png", "-o", "out/", "--skip-existing", "-v").messages[0].startswith("skipped a.png")


def test_a_vanished_input_has_no_times():
    result = run("apply", "edge", "a.png", "none.png", "-o", "out/", "--preserve-times")
    assert result.exit_code == 1
    assert result.messages[1] == "cnnfilter: error: none.png: no such file"


def mode(path):
    return stat.S_IMODE(Path(path).stat().st_mode)


@pytest.mark.parametrize(("umask", "file", "folder"), [(0o077, 0o600, 0o700), (0o002, 0o664, 0o775),
                                                       (0o022, 0o644, 0o755), (0o000, 0o666, 0o777)])  # fmt: skip
@pytest.mark.parametrize("command", CHAINS)
def test_permissions_follow_the_umask(command, umask, file, folder):
    Path("in/deep").mkdir(parents=True)
    save("in/deep/b.png")
    Path("in/deep/b.png").chmod(0o640)  # an input's are its own
    code, _, lines = finished(command, CHAINS[command], "a.png", "in/", "-r", "-o", "out/", umask=umask)
    assert code == 0, lines
    found = sorted(Path("out").rglob("*"))
    assert [path.name.split("-")[0] for path in found] == ["a", "deep", "b"]
    assert [mode(path) for path in found] == [file, folder, file]
    assert mode("out") == folder


@pytest.mark.parametrize("command", CHAINS)
def test_what_is_replaced_keeps_its_permissions_whatever_the_umask(command):
    Path("a.png").chmod(0o600)
    before = os.umask(0o000)
    try:
        assert run(command, CHAINS[command], "a.png", "--in-place").exit_code == 0
    finally:
        os.umask(before)
    assert mode("a.png") == 0o600
