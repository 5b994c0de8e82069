"""The IDX files of MNIST, compressed by gzip or not: pictures in one, the numbers of their classes in another.

References
----------
https://yann.lecun.com/exdb/mnist, "The IDX file format"
"""

from __future__ import annotations

import gzip
import math
import re
from pathlib import Path
from typing import IO, Any, cast

import numpy as np
import numpy.typing as npt

from cnnfilter.errors import KernelError
from cnnfilter.learning.data.arrays import stacked
from cnnfilter.learning.data.dataset import Dataset
from cnnfilter.learning.data.folders import entries
from cnnfilter.messages import readable, show_bytes
from cnnfilter.weights.kinds import named_failures

NAME = re.compile(r"(?i)(.*?)images([-.]idx)3(.*)")
"""The name of a file of pictures; that of their classes has `labels` and 1 in place of `images` and 3."""

TYPES = {0x08: "u1", 0x09: "i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
_GZIP = b"\x1f\x8b"
_OTHER = {"train": "t10k", "t10k": "train"}


def is_idx(path: Path) -> bool:
    """Whether a file by its name holds pictures."""
    return NAME.fullmatch(path.name) is not None


def find_idx(folder: Path) -> Path | None:
    """The pictures to learn from in a folder of IDX files, if it is one."""
    found = [Path(each.path) for each in entries(folder) if is_idx(Path(each.name)) and each.is_file()]
    begun = [each for each in found if each.name.lower().startswith("train")]
    return next(iter(begun or found), None)


def read_idx(path: Path, memory: int) -> Dataset:
    """The pictures of a file, with the classes out of the file beside it, and those to validate with if they are there.

    Raises
    ------
    KernelError
        If it cannot be used; one line that names it.
    """
    found = _pair(path, memory)
    test = path.with_name(f"t10k{path.name[5:]}")
    if path.name.startswith("train") and test.is_file():
        found.validation = _pair(test, memory)
    return found


def _pair(path: Path, memory: int) -> Dataset:
    pictures = _array(path, memory)
    match = cast("re.Match[str]", NAME.fullmatch(path.name))
    beside = [path.with_name(f"{match[1]}labels{match[2]}1{end}") for end in _ends(match[3])]
    labels = next((each for each in beside if each.is_file()), None)
    with named_failures(path):
        if labels is None:
            msg = f"there is no {readable(beside[0].name)} beside it, with the classes of its pictures"
            raise KernelError(msg)
    classes = _array(labels, memory)
    with named_failures(path):
        if classes.ndim != 1:
            msg = f"{readable(labels.name)} holds an array of {classes.ndim} axes; classes have one"
            raise KernelError(msg)
        return stacked(pictures, classes, str(path), "its array")


def _ends(end: str) -> list[str]:
    """How the name of the other file may end: compressed as the one, or not as it."""
    plain = end.removesuffix(".gz")
    return [end, plain if end != plain else f"{plain}.gz"]


def _array(path: Path, memory: int) -> npt.NDArray[Any]:
    with named_failures(path), path.open("rb") as stream:
        is_packed = stream.read(2) == _GZIP
        stream.seek(0)
        if not is_packed:
            return _read(stream, memory)
        with gzip.open(stream) as unpacked:
            return _read(cast("IO[bytes]", unpacked), memory)


def _read(stream: IO[bytes], memory: int) -> npt.NDArray[Any]:
    head = stream.read(4)
    if len(head) < 4 or head[:2] != b"\0\0" or head[2] not in TYPES or not 1 <= head[3] <= 4:
        msg = "no IDX file by its first bytes"
        raise KernelError(msg)
    dtype = np.dtype(TYPES[head[2]])
    sides = stream.read(4 * head[3])
    shape = tuple(int.from_bytes(sides[at : at + 4], "big") for at in range(0, len(sides), 4))
    size = math.prod(shape) * dtype.itemsize
    if size > memory:
        msg = f"it tells of {show_bytes(size)}, and --memory allows {show_bytes(memory)}"
        raise KernelError(msg)
    data = stream.read(size + 1)
    if len(sides) < 4 * head[3] or len(data) != size:
        msg = f"it tells of {size} bytes of numbers, but {'more' if len(data) > size else len(data)} follow"
        raise KernelError(msg)
    return np.frombuffer(data, dtype).reshape(shape).astype(dtype.newbyteorder("="), copy=False)
