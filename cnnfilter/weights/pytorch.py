"""The arrays of PyTorch's own files: `.pt` and `.pth`, zip files since PyTorch 1.6 and others before.

Both hold a pickle, which `weights.pickles` reads without running it, and beside it the numbers of its tensors.

References
----------
`torch/serialization.py` and `caffe2/serialize/inline_container.cc` of PyTorch 2.
"""

from __future__ import annotations

import io
import zipfile
from abc import ABC, abstractmethod
from collections import Counter
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import numpy as np

from cnnfilter.errors import KernelError
from cnnfilter.messages import quoted, show_shape
from cnnfilter.weights.archives import MAX_MEMBERS, check_zip_member, open_zip
from cnnfilter.weights.checkpoints import state_dict
from cnnfilter.weights.files import Member
from cnnfilter.weights.pickles import Machine
from cnnfilter.weights.tensors import MEANINGS, MOST_REPEATED, TYPES, Storage, Tensor, item_size, storage_of

if TYPE_CHECKING:
    import numpy.typing as npt

    Bytes = npt.NDArray[np.uint8]
    Numbers = npt.NDArray[np.generic]

MAX_PICKLE = 16 << 20
"""The longest pickle. A state dict takes some 100 bytes for each array."""

MAGIC = 0x1950A86A20F9469CFC6C
VERSION = 1001
"""What a file begins with that is no zip file."""

_PICKLE, _ORDER, _CONSTANTS = "/data.pkl", "/byteorder", "/constants.pkl"
"""Parts of a zip file; the last is of TorchScript programs."""

_CHUNK = 1 << 20

_TAR = 257, b"ustar"
"""Where a tar file says that it is one."""


class Stored(ABC):
    """The storages of a file. What several tensors share is read once."""

    order = "<"

    def __init__(self) -> None:
        self.uses: Counter[str] = Counter()
        self._shared: dict[str, Bytes] = {}
        self._repeated = 0

    @abstractmethod
    def read(self, key: str) -> Bytes:
        """The bytes of a storage."""

    def numbers(self, tensor: Tensor, key: str) -> Numbers:
        """The numbers of a tensor."""
        stored = self._shared[key] if key in self._shared else self.read(key)
        if self.uses[key] > 1:
            self._shared[key] = stored
        self._repeated += (more := tensor.repeated(stored.size))
        if more and self._repeated > MOST_REPEATED:
            msg = (
                f"its tensor of {show_shape(tensor.shape)} repeats what is stored for it, and all that do may have "
                f"{MOST_REPEATED} numbers more"
            )
            raise KernelError(msg)
        return tensor.of(stored, self.order)

    def members(self, root: Any, path: Path, *, is_script: bool = False) -> list[Member]:
        """The tensors of what a pickle holds, with their numbers still in the file."""
        found = state_dict(root, path, is_script=is_script)
        if len(found) > MAX_MEMBERS:
            msg = f"it holds {len(found)} arrays, at most {MAX_MEMBERS} are read"
            raise KernelError(msg)
        self.uses = Counter(tensor.storage.key for tensor in found.values() if tensor.storage)
        return [self._member(name, tensor) for name, tensor in found.items()]

    def _member(self, name: str, tensor: Tensor) -> Member:
        key = tensor.storage.key if tensor.storage else ""
        remedy = f"; {tensor.remedy}" if tensor.remedy else ""
        return Member(
            name, tensor.shape, tensor.dtype, tensor.dtype in TYPES, lambda: self.numbers(tensor, key), remedy
        )


def read_torch(stream: IO[bytes], size: int, path: Path) -> list[Member]:
    """The tensors of a `.pt` or `.pth` file."""
    start = stream.read(_TAR[0] + len(_TAR[1]))
    if start.startswith(b"PK"):
        return _read_zip(stream, size, path)
    if start[_TAR[0] :] == _TAR[1]:
        msg = "it is a tar file, as PyTorch wrote before version 0.1.10; load and save it with a newer one"
        raise KernelError(msg)
    stream.seek(0)
    return _read_sequence(stream, size, path)


def _filled(stream: IO[bytes], length: int) -> Bytes:
    """So many bytes of a stream, or as many as there are, which may be written into."""
    found, done = np.empty(length, np.uint8), 0
    while done < length and (read := stream.read(min(_CHUNK, length - done))):
        found[done : done + len(read)] = np.frombuffer(read, np.uint8)
        done += len(read)
    return found[:done]


# Zip files: PREFIX/data.pkl, PREFIX/data/KEY for each storage, PREFIX/byteorder


class _Zipped(Stored):
    def __init__(self, archive: zipfile.ZipFile, size: int) -> None:
        super().__init__()
        self._archive, self._size = archive, size
        self.names = {info.filename: info for info in archive.infolist()}
        pickles = [name for name in self.names if name.endswith(_PICKLE) and name.count("/") == 1]
        if len(pickles) != 1 or len(self.names) < len(archive.infolist()):
            msg = "it is a zip file, but not as PyTorch writes: one data.pkl, and each name once"
            raise KernelError(msg)
        self.prefix = pickles[0].removesuffix(_PICKLE)

    def read(self, key: str) -> Bytes:
        """See `Stored.read`."""
        return self.contents(f"/data/{key}")

    def contents(self, name: str, longest: int | None = None) -> Bytes:
        """What a member holds."""
        info = self.names.get(f"{self.prefix}{name}")
        if info is None:
            msg = f"its part {quoted(name)} is missing"
            raise KernelError(msg)
        check_zip_member(info, self._size, ".pt")
        if longest is not None and info.file_size > longest:
            msg = f"its part {quoted(name)} has {info.file_size} bytes, at most {longest} are read"
            raise KernelError(msg)
        with self._archive.open(info) as member:
            try:
                found = _filled(member, info.file_size)
                member.read(1)  # at its end, the checksum is looked at
            except zipfile.BadZipFile:
                msg = f"the checksum of its part {quoted(name)} is wrong: it is damaged, or was saved without checksums"
                raise KernelError(msg) from None
        return found


def _read_zip(stream: IO[bytes], size: int, path: Path) -> list[Member]:
    stored = _Zipped(open_zip(stream, size, path.suffix), size)
    if f"{stored.prefix}{_ORDER}" in stored.names:
        stored.order = {b"little": "<", b"big": ">"}[stored.contents(_ORDER, 16).tobytes()]
    pickle = io.BytesIO(stored.contents(_PICKLE, MAX_PICKLE).tobytes())
    root = Machine(MEANINGS, storage_of).run(pickle)
    return stored.members(root, path, is_script=f"{stored.prefix}{_CONSTANTS}" in stored.names)


# Files before: pickles of a magic number, a version, a machine, the object and the keys; then each storage's length and
# numbers


class _Sequence(Stored):
    def __init__(self, stream: IO[bytes]) -> None:
        super().__init__()
        self.stream = stream
        self.places: dict[str, tuple[int, int]] = {}

    def read(self, key: str) -> Bytes:
        """See `Stored.read`."""
        begin, length = self.places[key]
        self.stream.seek(begin)
        return _filled(self.stream, length)


def _read_sequence(stream: IO[bytes], size: int, path: Path) -> list[Member]:
    head = io.BytesIO(stream.read(MAX_PICKLE))
    storages: dict[str, Storage] = {}

    def persistent(key: Any) -> Any:
        found = storage_of(key)
        if isinstance(found, Storage):
            storages.setdefault(found.key, found)
        return found

    machine = Machine(MEANINGS, persistent)
    magic = machine.run(head)
    if not (isinstance(magic, int) and magic == MAGIC and machine.run(head) == VERSION):
        msg = "it was not written by torch.save"
        raise KernelError(msg)
    machine.run(head)
    root = machine.run(head)
    keys = machine.run(head)
    stored, place = _Sequence(stream), head.tell()
    for key in keys:
        if not isinstance(key, str):  # others may take without end to be looked up
            raise TypeError
        stream.seek(place)
        length = int.from_bytes(stream.read(8), "little") * item_size(storages[key].dtype)
        stored.places[key] = (place + 8, length)
        place += 8 + length
        if place > size:
            msg = f"it is cut off: its numbers end at byte {place}, and it has {size}"
            raise KernelError(msg)
    return stored.members(root, path)
