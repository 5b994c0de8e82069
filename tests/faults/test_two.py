"""Two processes write into one folder at once: both end well, and every file is whole."""

import os

import pytest

from cnnfilter.writing.temporaries import sweep
from tests.faults import CHAINS, TEMPORARY, clean_runs, contents, generator, started

COUNT = 40
ROUNDS = 2
STALE = ".a.png.cnnfilter-0123456789abcdef.tmp"


@pytest.fixture(scope="module")
def clean(tmp_path_factory):
    return clean_runs(tmp_path_factory.mktemp("clean"), COUNT)


def side_by_side(one, two):
    """Run two commands at once; return the exit code and the lines of each."""
    with started(*one) as first, started(*two) as second:
        results = []
        for process in (first, second):
            err = process.communicate(timeout=60)[1].decode()
            assert "Traceback" not in err, err
            assert "internal error" not in err, err
            results.append((process.returncode, err.splitlines()))
    return results


@pytest.mark.slow
@pytest.mark.parametrize("option", ["--force", "--skip-existing"])
@pytest.mark.parametrize("command", CHAINS)
def test_both_do_all_or_leave_it_to_the_other(command, option, clean, tmp_path):
    pictures, made = clean
    written = []
    for i in range(ROUNDS):
        out = tmp_path / str(i)
        arguments = [command, CHAINS[command], pictures, "-o", out, option]
        (code, lines), (other_code, other_lines) = side_by_side(arguments, arguments)
        assert (code, other_code) == (0, 0), lines + other_lines
        assert contents(out) == made[command][0]
        written.append(sum(line.startswith("wrote ") for line in lines + other_lines))
        assert "failed" not in lines[-1] + other_lines[-1]
    if option == "--force":
        assert written == [2 * COUNT] * ROUNDS
    else:
        assert written == [COUNT] * ROUNDS


@pytest.mark.slow
def test_without_either_each_file_is_written_by_one_and_told_by_the_other(clean, tmp_path):
    pictures, made = clean
    draw = generator()
    for i in range(ROUNDS):
        out = tmp_path / str(i)
        arguments = ["apply", "gaussian", pictures, "-o", out]
        results = side_by_side([*arguments, "-j", draw.choice((1, 2))], arguments)
        assert contents(out) == made["apply"][0]
        wrote = 0
        for code, lines in results:
            failed = [line for line in lines if line.startswith("cnnfilter: error: ")]
            # of many that were there already as it began, one line tells
            assert all(" exists already; --force overwrites it" in line for line in failed), failed
            wrote += sum(line.startswith("wrote ") for line in lines)
            assert code == (0 if not failed else 1 if any(line.endswith("failed") for line in lines) else 2)
        assert wrote == COUNT


def test_nobody_takes_a_living_process_s_temporaries(clean, tmp_path):
    pictures, made = clean
    out = tmp_path / "out"
    out.mkdir()
    (out / STALE).write_bytes(b"left behind")
    seen, sweeps = set(), 0
    with started("apply", "gaussian", pictures, "-o", out, "-j", "2") as process:
        while process.poll() is None:
            seen.update(name for name in os.listdir(out) if TEMPORARY.fullmatch(name))  # noqa: PTH208
            sweep(out)
            sweeps += 1
        assert process.returncode == 0, process.stderr.read()
    assert len(seen) > 1, "no file was met while it was written"
    assert STALE in seen
    assert contents(out) == made["apply"][0]
