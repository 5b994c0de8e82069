"""A picture of 300 megapixels goes through within 3 bytes a pixel plus 150 MB."""

import os
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from cnnfilter.imaging.size import read_size
from tests.command import COMMAND, ROOT

SIZE = 20_000, 15_000
LIMIT = 3 * SIZE[0] * SIZE[1] + 150_000_000


@pytest.mark.slow
@pytest.mark.parametrize("extension", ["png", "tif"])
def test_a_large_grey_picture_takes_little_memory(tmp_path, extension):
    source, target = tmp_path / f"large.{extension}", tmp_path / f"out.{extension}"
    tile = np.random.default_rng(1).integers(0, 256, (1500, 2000), dtype=np.uint8)
    options = {"compress_level": 1} if extension == "png" else {}
    Image.fromarray(np.tile(tile, (10, 10))).save(source, **options)
    command = [*COMMAND, "apply", "gaussian", str(source), "-o", str(target), "--max-pixels", "300000000"]
    with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE) as process:
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        assert process.returncode == 0, process.stderr.read()
    peak = usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    assert peak <= LIMIT, f"{peak / 1e6:.0f} MB"
    assert read_size(target) == (SIZE[1], SIZE[0], 1)
