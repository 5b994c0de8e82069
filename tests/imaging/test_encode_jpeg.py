"""JPEG goes to a file in memory where there are such files, and is the same everywhere."""

import mmap
import os
import subprocess
import sys

import pytest

from cnnfilter.imaging.encoding import encode
from cnnfilter.imaging.picture import Picture
from tests.picture_files import noise


@pytest.mark.parametrize(("module", "name"), [(os, "memfd_create"), (mmap, "MAP_POPULATE")])
def test_a_jpeg_is_the_same_wherever_it_is_encoded(monkeypatch, module, name):
    picture = Picture(noise(40, 50, 3))
    data = encode(picture, "JPEG")
    monkeypatch.delattr(module, name, raising=False)
    assert encode(picture, "JPEG") == data


@pytest.mark.skipif(sys.platform == "win32", reason="there is no such limit")
@pytest.mark.parametrize("missing", [1, 2, 1000])
def test_a_jpeg_is_whole_where_files_may_not_be_as_large(missing):
    code = (
        "import resource, sys; import numpy as np; from cnnfilter.imaging.encoding import encode\n"
        "from cnnfilter.imaging.picture import Picture\n"
        "picture = Picture(np.random.default_rng(0).integers(0, 256, (200, 300, 3), dtype=np.uint8))\n"
        "data = encode(picture, 'JPEG')\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (len(data) - int(sys.argv[1]),) * 2)\n"
        "print(encode(picture, 'JPEG') == data)"
    )
    result = subprocess.run([sys.executable, "-c", code, str(missing)], capture_output=True, text=True, check=True)
    assert result.stdout == "True\n"
