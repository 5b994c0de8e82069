"""The arrays of a Keras file: where they are, and reading one."""

from __future__ import annotations

import struct
import tempfile
import zipfile
from pathlib import Path
from typing import IO, TYPE_CHECKING, NamedTuple

from cnnfilter.errors import KernelError
from cnnfilter.messages import quoted
from cnnfilter.models.keras import hdf5
from cnnfilter.runtime.forks import lazy
from cnnfilter.weights.archives import check_zip_member, open_zip

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from cnnfilter.weights.parameters import Shape

KIND = ".keras"

WEIGHTS = "model.weights.h5"

ROOT = "layers"
"""Where a `.keras` file has the arrays of its layers."""

_BLOCK = 1 << 20


class Stamp(NamedTuple):
    """What tells that a file is the one that was read before."""

    device: int
    inode: int
    size: int
    changed: int

    @classmethod
    def of(cls, path: Path) -> Stamp:
        """That of a file as it is now."""
        status = path.stat()
        return cls(status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns)


class Located(NamedTuple):
    """What an HDF5 file holds, and where it begins in the file that it is in."""

    contents: hdf5.Contents
    start: int


class Store:
    """The arrays of a Keras file. What a `.keras` file holds is found when an array is first asked for.

    Parameters
    ----------
    path : Path
    stamp : Stamp
        Of the file that the configuration was read from.
    contents : Contents, optional
        What it holds, of an `.h5` file.
    """

    def __init__(self, path: Path, stamp: Stamp, contents: hdf5.Contents | None = None) -> None:
        self.path, self._stamp, self._contents = path, stamp, contents

    @lazy
    def located(self) -> Located:
        """What is there, and where.

        Raises
        ------
        KernelError, MissingExtraError
            If it cannot be read, or is refused.
        """
        if self._contents is not None:
            return Located(self._contents, 0)
        with self._open() as stream:
            return locate(stream, self._stamp.size)

    def shape(self, name: str) -> Shape:
        """The shape of an array.

        Raises
        ------
        KernelError, MissingExtraError
            If there is none, or it cannot be read.
        """
        return self._array(name).shape

    def read(self, name: str) -> npt.NDArray[np.floating]:
        """An array.

        Raises
        ------
        KernelError, MissingExtraError
            If it cannot be read.
        """
        array = self._array(name)
        with self._open() as stream:
            return hdf5.numbers(stream, self.located.start, array)

    def _array(self, name: str) -> hdf5.Array:
        array = self.located.contents.arrays.get(name)
        if array is None:
            msg = f"its numbers {quoted(name)} are not in the file"
            raise KernelError(msg)
        if not array.kind:
            msg = f"its numbers {quoted(name)} are of a type that is not read; save the network with float32 numbers"
            raise KernelError(msg)
        return array

    def _open(self) -> IO[bytes]:
        if Stamp.of(self.path) != self._stamp:
            msg = "the file has changed since it was read first"
            raise KernelError(msg)
        return self.path.open("rb")


def locate(stream: IO[bytes], size: int) -> Located:
    """What the file of weights in a `.keras` file holds.

    Raises
    ------
    KernelError, MissingExtraError
        If it cannot be read, or is refused.
    """
    with open_zip(stream, size, KIND) as archive:
        info = member(archive, WEIGHTS, size)
        with archive.open(info) as packed:
            if info.compress_type != zipfile.ZIP_STORED:
                return _unpacked(packed, info.file_size)
            while packed.read(_BLOCK):  # to its end, where the sum over it is compared
                pass
    stream.seek(info.header_offset + 26)
    lengths = struct.unpack("<HH", stream.read(4))
    start = info.header_offset + 30 + sum(lengths)
    return Located(hdf5.describe(stream, start, info.file_size, (ROOT,)), start)


def _unpacked(packed: IO[bytes], size: int) -> Located:
    """What a packed file of weights holds, with its numbers, which lie nowhere when this is over."""
    with tempfile.TemporaryFile() as stream:
        while block := packed.read(_BLOCK):
            stream.write(block)
        stream.flush()
        contents = hdf5.describe(stream, 0, size, (ROOT,))
        arrays = {name: hdf5.held(stream, array) for name, array in contents.arrays.items()}
    return Located(contents._replace(arrays=arrays), 0)


def member(archive: zipfile.ZipFile, name: str, size: int) -> zipfile.ZipInfo:
    """A member that may be read, of a `.keras` file of so many bytes.

    Raises
    ------
    KernelError
        If there is none, or more than one, or it is larger than it may be.
    """
    found = [info for info in archive.infolist() if info.filename == name]
    if len(found) != 1:
        msg = f"it holds {'no' if not found else 'more than one'} {name}; it is no network that Keras saved"
        raise KernelError(msg)
    check_zip_member(found[0], size, KIND)
    return found[0]
