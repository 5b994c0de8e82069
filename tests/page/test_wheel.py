"""The package as people install it: what an editable install finds beside its code is in the wheel too."""

import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest

from tests.command import ROOT


@pytest.mark.slow
def test_an_installed_wheel_writes_the_same_page(tmp_path):
    def call(*command):
        return subprocess.run(command, cwd=tmp_path, check=True, text=True, capture_output=True).stdout

    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    call(*pip, "wheel", "--no-deps", "--wheel-dir", "wheels", ROOT)
    (wheel,) = (tmp_path / "wheels").iterdir()
    venv.create(tmp_path / "fresh", with_pip=False)
    python = tmp_path / "fresh" / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    call(*pip, "--python", python, "install", "--no-deps", "--no-index", wheel)
    place = call(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))").strip()
    with Path(place, "others.pth").open("w") as others:  # what it depends on; an editable install there is not followed
        others.write(sysconfig.get_path("purelib"))
    assert place in call(python, "-c", "import cnnfilter; print(cnnfilter.__file__)")

    what = ("page", "gray,conv:sobel,relu,maxpool:2", ROOT / "samples/camera.png")
    call(python, "-m", "cnnfilter", *what, "-o", "installed.html")
    call(sys.executable, "-m", "cnnfilter", *what, "-o", "editable.html")
    assert (tmp_path / "installed.html").read_bytes() == (tmp_path / "editable.html").read_bytes()
