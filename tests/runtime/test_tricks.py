"""What exists for speed or memory alone: without it, results are the same bytes."""

import functools
import os
import subprocess
import sys

import pytest

from cnnfilter.runtime import tricks
from cnnfilter.runtime.tricks import TRICKS, VARIABLE
from tests.command import ROOT, run

FILTER = ("apply", "gaussian:sigma=2", "coffee.jpg", "camera.png", "--format", "jpeg")
SHARED = ("apply", "edge", "coffee.jpg", "--format", "png")
CHAIN = ("run", "conv:sobel-x+sobel-y,relu,maxpool:2", "coffee.jpg", "--maps", "sheet")
COMMANDS = f"""
import sys
from cnnfilter.__main__ import main
folder = sys.argv[1]
for command in {[FILTER, SHARED, CHAIN]}:
    sys.argv[1:] = [*command, "--output", f"{{folder}}/", "--quiet"]
    assert main() == 0
"""
"""The commands, one after the other in one process: what is kept of each is there for the next."""


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """What a filter and a chain make without a trick, by the names of files."""

    @functools.cache
    def make(trick):
        folder = tmp_path_factory.mktemp("made")
        subprocess.run(
            [sys.executable, "-c", COMMANDS, str(folder)],
            cwd=ROOT / "samples", env={**os.environ, VARIABLE: trick}, check=True,
        )  # fmt: skip
        return {path.name: path.read_bytes() for path in folder.iterdir()}

    return make


@pytest.mark.parametrize("trick", TRICKS)
def test_results_are_the_same_without(trick, made):
    assert made(trick) == made("")
    assert len(made("")) == 4


def test_a_name_that_none_has_is_refused(monkeypatch):
    monkeypatch.setattr(tricks, "WITHOUT", {"store", "bufers"})
    result = run("apply", "edge", "no.png")
    assert result.exit_code == 2
    assert result.messages == [f"cnnfilter: error: {VARIABLE}: there is no 'bufers'; known are {', '.join(TRICKS)}"]
