"""Standard output that is full is told and ends in 1; one that nobody reads any more ends quietly in 141."""

import os
import subprocess

import pytest

from tests.command import COMMAND, save
from tests.faults import contents, finished

FULL = "cannot write standard output: No space left on device"
CHAIN = "gray,avgpool:10,flatten"

# What each writes, if only a few bytes; with the exit code where that is not 0.
SMALL = [
    ["--version"],
    ["apply", "--help"],
    ["kernels"],
    ["kernels", "edge"],
    ["kernels", "edge", "--json"],
    ["shape", "28", "-k", "3"],
    ["shape", "28x28x1", "conv:32@3x3,relu"],
    ["shape", "28x28x1", "conv:32@3x3,relu", "--emit", "torch"],
    ["explain", "conv:edge", "a.png", "--at", "2,2"],
    ["apply", "edge", "a.png", "b.png", "-o", "out/", "--json"],
    ["apply", "edge", "a.png", "b.png", "-o", "out/", "--dry-run"],
    ["apply", "edge", "a.png", "b.png", "-o", "out/", "--dry-run", "--json"],
    ["apply", "edge", "-"],
    ["apply", "edge", "-", "-o", "-", "--format", "bmp"],
    ["run", "conv:edge", "-"],
    ["run", CHAIN, "a.png"],
    ["run", CHAIN, "a.png", "b.png", "--json"],
]


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    save("a.png")
    save("b.png")


def names(arguments):
    return " ".join(arguments)


@pytest.mark.parametrize("arguments", SMALL, ids=names)
def test_a_full_standard_output_is_told(arguments):
    with open("/dev/full", "wb") as full, open("a.png", "rb") as picture:  # noqa: PTH123
        code, _, lines = finished(*arguments, stdin=picture, stdout=full)
    assert code == 1, lines
    (line,) = [line for line in lines if "error" in line]
    assert line.startswith("cnnfilter: error: ")
    assert line.endswith(FULL)


@pytest.mark.parametrize("arguments", SMALL, ids=names)
def test_a_closed_pipe_is_quiet(arguments):
    read, write = os.pipe()
    os.close(read)
    try:
        with open("a.png", "rb") as picture:  # noqa: PTH123
            code, _, lines = finished(*arguments, stdin=picture, stdout=write)
    finally:
        os.close(write)
    assert (code, lines) == (141, [])


@pytest.mark.parametrize("arguments", [["apply", "edge"], ["run", "conv:edge"]], ids=names)
def test_a_batch_whose_reader_goes_leaves_whole_files(arguments, tmp_path):
    for i in range(40):
        save(f"in-{i:02}.png")
    everything = [*arguments, *(f"in-{i:02}.png" for i in range(40)), "--json"]
    code, data, _ = finished(*everything, "-o", "all/")
    assert (code, data.count(b"\n")) == (0, 40)
    script = '"$@" | head -n 2; echo ${PIPESTATUS[0]}'
    result = subprocess.run(
        ["bash", "-c", script, "bash", *COMMAND, *everything, "-o", "out/"], capture_output=True, text=True
    )
    first, second, code = result.stdout.splitlines()
    assert code in ("141", "0")  # 0: all was done before the reader left
    assert result.stderr == ""
    expected = contents(tmp_path / "all")
    done = contents(tmp_path / "out")
    assert done == {name: expected[name] for name in done}
    assert len(done) >= 2


def test_messages_that_nobody_reads_stop_nothing(tmp_path):
    read, write = os.pipe()
    os.close(read)
    try:
        code, _, _ = finished("apply", "edge", "a.png", "b.png", "-o", "out/", stderr=write)
    finally:
        os.close(write)
    assert code == 0
    assert sorted(contents(tmp_path / "out")) == ["a-edge.png", "b-edge.png"]
