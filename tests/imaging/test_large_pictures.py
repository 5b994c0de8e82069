"""A picture of 300 megapixels goes through within 3 bytes a pixel plus 150 MB."""

import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from cnnfilter.imaging.size import read_size
from tests.command import COMMAND, ROOT

SIZE = 20_000, 15_000
LAUNCHER = """
import resource, subprocess, sys
status = subprocess.call(sys.argv[1:])
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
sys.exit(status)
"""
"""A small process that starts another: the peak of a process begins with what the one that started it takes."""
LIMIT = 3 * SIZE[0] * SIZE[1] + 150_000_000


@pytest.mark.slow
@pytest.mark.parametrize("extension", ["png", "tif"])
def test_a_large_grey_picture_takes_little_memory(tmp_path, extension):
    source, target = tmp_path / f"large.{extension}", tmp_path / f"out.{extension}"
    tile = np.random.default_rng(1).integers(0, 256, (1500, 2000), dtype=np.uint8)
    options = {"compress_level": 1} if extension == "png" else {}
    Image.fromarray(np.tile(tile, (10, 10))).save(source, **options)
    command = [*COMMAND, "apply", "gaussian", str(source), "-o", str(target), "--max-pixels", "300000000"]
    result = subprocess.run([sys.executable, "-c", LAUNCHER, *command], cwd=ROOT, capture_output=True, check=False)
    assert result.returncode == 0, result.stderr
    peak = int(result.stdout) * (1 if sys.platform == "darwin" else 1024)
    assert peak <= LIMIT, f"{peak / 1e6:.0f} MB"
    assert read_size(target) == (SIZE[1], SIZE[0], 1)
