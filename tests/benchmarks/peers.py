"""What cnnfilter is compared with: whether it is here, in which version, and how many threads it takes."""

import ctypes
import functools
import importlib.metadata
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np

CORES = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@dataclass(frozen=True)
class Need:
    """Something that a target cannot be measured without; `find` returns its version, or None."""

    name: str
    remedy: str
    find: object


def _distribution(*names):
    for name in names:
        try:
            return importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return None


@functools.cache
def program(name, flag, banner):
    """The path of a program that names itself, and its version.

    Every folder of the path is looked through: a script that stands in for the program, or starts it, would add its
    own time.
    """
    for folder in os.get_exec_path():
        path = shutil.which(name, path=folder)
        if path is None or Path(path).read_bytes()[:2] == b"#!":
            continue
        told = subprocess.run([path, flag], capture_output=True, text=True, check=False)
        if told.returncode == 0 and told.stdout.startswith(banner):
            return path, told.stdout.removeprefix(banner).split()[0]
    return None


def _version(name, flag, banner):
    found = program(name, flag, banner)
    return found and found[1]


VIPS_PROGRAM = ("vips", "--version", "vips-")
CONVERT_PROGRAM = ("convert", "-version", "Version: ImageMagick ")
NODE_PROGRAM = ("node", "--version", "v")
MOGRIFY_PROGRAM = ("mogrify", "-version", "Version: ImageMagick ")


NODE_MODULES = Path(__file__).parents[2] / ".ci/node_modules"
NODE_ENVIRONMENT = {"NODE_PATH": os.pathsep.join(filter(None, (os.environ.get("NODE_PATH"), str(NODE_MODULES))))}
"""Where Node looks for packages: in the person's `NODE_PATH`, then in what `.ci/package.json` names."""


@functools.cache
def _package(name):
    """The version of a package of Node's, None if Node or the package is not here."""
    if (node := program(*NODE_PROGRAM)) is None:
        return None
    told = subprocess.run(
        [node[0], "-p", f"require('{name}/package.json').version"],
        env={**os.environ, **NODE_ENVIRONMENT},
        capture_output=True,
        text=True,
        check=False,
    )
    return told.stdout.strip() if told.returncode == 0 else None


def _workers():
    from cnnfilter.cli.apply import command

    return "-j" if any("-j" in parameter.opts for parameter in command.params) else None


PILLOW = Need("Pillow", "pip install pillow", lambda: _distribution("pillow"))
OPENCV = Need(
    "OpenCV",
    "pip install 'cnnfilter[dev]'",
    lambda: _distribution("opencv-python-headless", "opencv-python", "opencv-contrib-python"),
)
SCIPY = Need("SciPy", "pip install 'cnnfilter[dev]'", lambda: _distribution("scipy"))
TORCH = Need("PyTorch", "pip install torch", lambda: _distribution("torch"))
TORCHVISION = Need("torchvision", "pip install torchvision", lambda: _distribution("torchvision"))
ONNX = Need("onnx", "pip install 'cnnfilter[dev]'", lambda: _distribution("onnx"))
ONNXRUNTIME = Need("ONNX Runtime", "pip install onnxruntime", lambda: _distribution("onnxruntime"))
VIPS = Need("libvips", "apt-get install libvips-tools", lambda: _version(*VIPS_PROGRAM))
IMAGEMAGICK = Need("ImageMagick", "apt-get install imagemagick", lambda: _version(*CONVERT_PROGRAM))
CONVNETJS = Need("ConvNetJS", "Node, and npm ci --prefix .ci", lambda: _package("convnetjs"))
TWO_CORES = Need("a second core", "a machine with two", lambda: str(CORES) if CORES > 1 else None)
DASK = Need("Dask", "pip install 'cnnfilter[cluster]'", lambda: _distribution("distributed"))
MOTO = Need("moto", "pip install 'cnnfilter[dev]'", lambda: _distribution("moto"))
PROC = Need("/proc", "Linux", lambda: "Linux" if Path("/proc/self/stat").exists() else None)
WORKERS = Need("apply -j", "this cnnfilter has no workers yet", _workers)

PEERS = (PILLOW, OPENCV, SCIPY, TORCH, TORCHVISION, ONNXRUNTIME, VIPS, IMAGEMAGICK, CONVNETJS)

ALL_CORES = {"VIPS_CONCURRENCY": str(CORES), "MAGICK_THREAD_LIMIT": str(CORES), "OMP_NUM_THREADS": str(CORES)}
"""The environment in which a process takes as many threads as there are cores, as cnnfilter does unasked."""


def set_threads(count, blas=None):
    """Give every library that is loaded in this process `count` threads, NumPy's BLAS `blas` if that is another."""
    if "cv2" in sys.modules:
        sys.modules["cv2"].setNumThreads(count)
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(count)
    setter = _blas_setter()
    if setter is not None:
        setter(count if blas is None else blas)


@functools.cache
def _blas_setter():
    """What sets the threads of the OpenBLAS in NumPy's wheels; another BLAS is left alone."""
    for library in (Path(np.__file__).parents[1] / "numpy.libs").glob("*openblas*"):
        setter = getattr(ctypes.CDLL(str(library)), "scipy_openblas_set_num_threads64_", None)
        if setter is not None:
            return setter
    return None
