"""Killed at random moments, a run leaves whole files, and temporaries that the next one knows and removes."""

import time

import pytest

from tests.command import run
from tests.faults import CHAINS, clean_runs, contents, crops, generator, started, temporaries

KILLS = 50
COUNT = 30


@pytest.fixture(scope="module")
def clean(tmp_path_factory):
    return clean_runs(tmp_path_factory.mktemp("clean"), COUNT)


def wait_for_a_temporary(out, process):
    """Wait until the process writes a file, or has ended."""
    while process.poll() is None and not (out.exists() and temporary_names(out)):
        pass


def temporary_names(folder):
    return [path.name for path in folder.iterdir() if path.name.endswith(".tmp")]


@pytest.mark.slow
def test_what_is_left_is_whole_and_the_next_run_finishes_the_rest(clean, tmp_path):
    pictures, made = clean
    draw = generator()
    tries, kills, left = 0, 0, 0
    while kills < KILLS:
        command = draw.choice(list(CHAINS))
        expected, duration = made[command]
        tries += 1
        out = tmp_path / str(tries)
        arguments = [command, CHAINS[command], pictures, "-o", out, "-j", draw.choice((1, 2, 3))]
        moment = draw.uniform(0, duration)
        with started(*arguments) as process:
            if kills % 2:
                time.sleep(moment)
            else:  # while it writes, which is a small part of the time
                wait_for_a_temporary(out, process)
                time.sleep(moment / duration / 1000)
            process.kill()
            process.communicate(timeout=30)
        if process.returncode == 0:
            continue
        kills += 1
        found = temporaries(out)
        done = {name: data for name, data in contents(out).items() if name not in found}
        assert done == {name: expected[name] for name in done if name in expected}, (command, moment)
        left += bool(found)
        result = run(*arguments, "--skip-existing")
        assert result.exit_code == 0, (command, moment, result.err)
        counts = [f"{COUNT - len(done)} written"] + [f"{len(done)} skipped"] * bool(done)
        assert result.messages[-1] == ", ".join(counts), (command, moment)
        assert contents(out) == expected, (command, moment)
    assert left, "no kill met a file that was being written"
    print(f"{left} of {KILLS} left a temporary")  # noqa: T201


@pytest.mark.slow
def test_inputs_that_are_replaced_are_old_or_new(clean, tmp_path):
    pictures, made = clean
    before, after = contents(pictures), made["apply"][0]
    after = {name.replace("-gaussian", ""): data for name, data in after.items()}
    draw = generator()
    for kill in range(10):
        folder = tmp_path / str(kill)
        crops(folder, COUNT)
        assert contents(folder) == before
        with started("apply", "gaussian", folder, "--in-place") as process:
            time.sleep(draw.uniform(0.5, 1) * made["apply"][1])
            process.kill()
            process.communicate(timeout=30)
        found = temporaries(folder)
        for name, data in contents(folder).items():
            assert name in found or data in (before[name], after[name]), name
