"""Every option of the commands on a cluster: what is written and told is what one machine writes and tells."""

import os
import shlex
import subprocess

import pytest

from tests.cli import test_rebuilding
from tests.cli.test_rebuilding import LIBRARIES, LINES, told
from tests.clusters import cluster
from tests.command import COMMAND, ROOT, Result

folder = test_rebuilding.folder  # a fixture here too
HERE_ALONE = ("--in-place", "memory://")
"""What has no meaning on a cluster."""


def carried_out(where, arguments):
    result = subprocess.run(
        [*COMMAND, *arguments], cwd=where, env={**os.environ, "PYTHONPATH": str(ROOT)}, stdin=subprocess.DEVNULL,
        capture_output=True, timeout=300,
    )  # fmt: skip
    return told(Result(result.returncode, result.stdout, result.stderr.decode()), where)


@pytest.mark.slow
def test_options_mean_the_same_on_a_cluster(folder):
    for library in ("distributed", *LIBRARIES.values()):
        pytest.importorskip(library)
    lines = [line for line in LINES if not any(part in line for part in HERE_ALONE)]
    with cluster() as running:
        for number, line in enumerate(lines):
            arguments = shlex.split(line.replace("-j 2 ", ""))
            here, there = (folder(f"{number}-{name}") for name in ("here", "there"))
            expected = carried_out(here, arguments)
            assert (line, carried_out(there, [*arguments, "--cluster", running.address])) == (line, expected)
    assert len(lines) > 45
