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
from typing import IO, Any, NamedTuple, cast

import numpy as np
import numpy.typing as npt

from cnnfilter.addresses.address import Where, located
from cnnfilter.errors import KernelError
from cnnfilter.learning.data.arrays import filed, stacked
from cnnfilter.learning.data.dataset import Dataset
from cnnfilter.learning.data.filed import Place, unpacked
from cnnfilter.learning.data.folders import entries
from cnnfilter.messages import readable, show_bytes
from cnnfilter.weights.kinds import file_of, is_there, named_failures

NAME = re.compile(r"(?i)(.*?)images([-.]idx)3(.*)")
"""The name of a file of pictures; that of their classes has `labels` and 1 in place of `images` and 3."""

TYPES = {0x08: "u1", 0x09: "i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
_GZIP = b"\x1f\x8b"
_OTHER = {"train": "t10k", "t10k": "train"}


def is_idx(path: Where) -> bool:
    """Whether a file by its name holds pictures."""
    return NAME.fullmatch(path.name) is not None


def find_idx(folder: Where) -> Where | None:
    """The pictures to learn from in a folder of IDX files, if it is one."""
    found = [located(each.path) for each in entries(folder) if NAME.fullmatch(each.name) and each.is_file()]
    begun = [each for each in found if each.name.lower().startswith("train")]
    return next(iter(begun or found), None)


def read_idx(path: Where, memory: int) -> Dataset:
    """The pictures of a file, with the classes out of the file beside it, and those to validate with if they are there.

    Raises
    ------
    KernelError
        If it cannot be used; one line that names it.
    """
    found = _pair(path, memory)
    test = path.with_name(f"t10k{path.name[5:]}")
    if path.name.startswith("train") and is_there(test):
        found.validation = _pair(test, memory)
    return found


def _pair(path: Where, memory: int) -> Dataset:
    file = file_of(path)
    with named_failures(path):
        pictures = _array(file)
    match = cast("re.Match[str]", NAME.fullmatch(path.name))
    beside = [path.with_name(f"{match[1]}labels{match[2]}1{end}") for end in _ends(match[3])]
    labels = next((each for each in beside if is_there(each)), None)
    with named_failures(path):
        if labels is None:
            msg = f"there is no {readable(beside[0].name)} beside it, with the classes of its pictures"
            raise KernelError(msg)
    with named_failures(labels):
        found = _array(file_of(labels))
        if found.size > memory:
            msg = f"it tells of {show_bytes(found.size)}, and --memory allows {show_bytes(memory)}"
            raise KernelError(msg)
        classes = found.read()
    with named_failures(path):
        if classes.ndim != 1:
            msg = f"{readable(labels.name)} holds an array of {classes.ndim} axes; classes have one"
            raise KernelError(msg)
        if pictures.size <= memory:
            return stacked(pictures.read(), classes, str(path), "its array")
        return filed(pictures.place, pictures.dtype, pictures.shape, classes, str(path), "its array")


def _ends(end: str) -> list[str]:
    """How the name of the other file may end: compressed as the one, or not as it."""
    plain = end.removesuffix(".gz")
    return [end, plain if end != plain else f"{plain}.gz"]


class _Array(NamedTuple):
    """The array of a file, whose header has been read: its numbers begin after `begin` bytes."""

    path: Path
    is_packed: bool
    begin: int
    dtype: np.dtype[Any]
    shape: tuple[int, ...]

    @property
    def size(self) -> int:
        """Bytes of the numbers."""
        return math.prod(self.shape) * self.dtype.itemsize

    def read(self) -> npt.NDArray[Any]:
        """All of its numbers."""
        with _opened(self.path, self.is_packed) as stream:
            stream.seek(self.begin)
            data = stream.read(self.size + 1)
        if len(data) != self.size:
            msg = (
                f"it tells of {self.size} bytes of numbers, but {'more' if len(data) > self.size else len(data)} follow"
            )
            raise KernelError(msg)
        return np.frombuffer(data, self.dtype).reshape(self.shape).astype(self.dtype.newbyteorder("="), copy=False)

    def place(self) -> Place:
        """Where its numbers lie one after the other."""
        if self.is_packed:
            with _opened(self.path, self.is_packed) as stream:
                stream.seek(self.begin)
                return unpacked(stream, self.size)
        if self.path.stat().st_size != self.begin + self.size:
            msg = f"it tells of {self.size} bytes of numbers, but {self.path.stat().st_size - self.begin} follow"
            raise KernelError(msg)
        return Place(self.path.open("rb"), self.begin)


def _array(path: Path) -> _Array:
    with path.open("rb") as file:
        is_packed = file.read(2) == _GZIP
    with _opened(path, is_packed) as stream:
        head = stream.read(4)
        if len(head) < 4 or head[:2] != b"\0\0" or head[2] not in TYPES or not 1 <= head[3] <= 4:
            msg = "no IDX file by its first bytes"
            raise KernelError(msg)
        sides = stream.read(4 * head[3])
    if len(sides) < 4 * head[3]:
        msg = "it is cut off"
        raise KernelError(msg)
    shape = tuple(int.from_bytes(sides[at : at + 4], "big") for at in range(0, len(sides), 4))
    return _Array(path, is_packed, 4 + len(sides), np.dtype(TYPES[head[2]]), shape)


def _opened(path: Path, is_packed: bool) -> IO[bytes]:
    return cast("IO[bytes]", gzip.open(path)) if is_packed else path.open("rb")
