"""What an HDF5 file holds, told by a child process: `child` says why, and what it refuses."""

from __future__ import annotations

import contextlib
import json
import math
import os
import subprocess
import sys
import threading
from importlib.machinery import PathFinder
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, NamedTuple

from cnnfilter.errors import KernelError, MissingExtraError
from cnnfilter.models.keras import child as reader

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import numpy as np
    import numpy.typing as npt

SIGNATURE = b"\x89HDF\r\n\x1a\n"

MAX_ANSWER = 64 << 20
"""Bytes of the longest answer, without the numbers in it: the texts and some 200 bytes for each array."""

WAIT = 20
"""How many times longer than the child may compute it is waited for, on a machine that has other work."""

KEPT = ("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "SYSTEMROOT")
"""What the child is told of the environment: where h5py's libraries may be, and what Windows does not start without."""

_ENDED = "damaged: reading it takes too much time or memory, or ends the library that reads it"


class Array(NamedTuple):
    """One array of a file.

    Parameters
    ----------
    shape : tuple of int
    kind : str
        NumPy's name of its type, or `bfloat16`; empty if it is none of floats.
    offset : int or None
        Where its numbers begin in the HDF5 file.
    sent : bytes
        Its numbers, where they do not lie in the file as they are.
    """

    shape: tuple[int, ...]
    kind: str
    offset: int | None
    sent: bytes


class Contents(NamedTuple):
    """What an HDF5 file holds.

    Parameters
    ----------
    texts : mapping
        What the file tells of itself.
    orders : mapping
        The names of the arrays of each group that tells them, in their order.
    arrays : mapping
        By the path of each.
    """

    texts: Mapping[str, str]
    orders: Mapping[str, list[str]]
    arrays: Mapping[str, Array]


def describe(stream: IO[bytes], start: int, size: int, roots: tuple[str, ...]) -> Contents:
    """What is in the HDF5 file that lies in a file, below some names at its root.

    Parameters
    ----------
    stream : file
        With a descriptor.
    start, size : int
        Where it begins in the file, and its length.
    roots : tuple of str

    Raises
    ------
    KernelError
        If it cannot be read, or is refused.
    MissingExtraError
        If h5py is not installed.
    """
    folders = [_folder("numpy"), _folder("h5py")]
    if None in folders:
        msg = "needs the h5py library: pip install 'cnnfilter[keras]'"
        raise MissingExtraError(msg)
    program = Path(reader.__file__)
    child_arguments = [str(start), str(size), ",".join(roots), str(os.getpid()), *dict.fromkeys(map(str, folders))]
    answer = _run([sys.executable, "-I", "-S", str(program), *child_arguments], stream, size)
    line, _, numbers = answer.partition(b"\n")
    return _contents(json.loads(line), memoryview(numbers), size)


def _folder(name: str) -> Path | None:
    """The folder that a library is in, which is not the current one."""
    here = None
    with contextlib.suppress(OSError):  # it may be gone
        here = Path.cwd()
    places = [place for place in sys.path if Path(place).is_absolute() and Path(place) != here]
    spec = PathFinder.find_spec(name, places)
    return None if spec is None or spec.origin is None else Path(spec.origin).absolute().parent.parent


def _run(command: list[str], stream: IO[bytes], size: int) -> bytes:
    environment = {name: os.environ[name] for name in KEPT if name in os.environ}
    environment |= {"HDF5_PLUGIN_PRELOAD": "::", "HDF5_PLUGIN_PATH": "", "OPENBLAS_NUM_THREADS": "1"}
    with subprocess.Popen(
        command, stdin=stream, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment
    ) as child:
        timer = threading.Timer(WAIT * reader.seconds(size), child.kill)
        timer.daemon = True
        timer.start()
        try:
            answer = b"".join(_blocks(child.stdout, MAX_ANSWER + reader.SMALL + reader.MAX_RATIO * size))
        finally:
            timer.cancel()
            child.kill()
    stream.seek(0, os.SEEK_END)  # the child moved in the file: what the stream has buffered is of another place
    if b"\n" not in answer:
        raise KernelError(_ENDED)
    return answer


def _blocks(stream: IO[bytes] | None, most: int) -> Iterator[bytes]:
    """What comes out of a stream, as far as it is not more than it may be."""
    while stream is not None and most > 0 and (block := stream.read(min(most, 1 << 20))):
        most -= len(block)
        yield block


def _contents(answer: dict[str, Any], numbers: memoryview, size: int) -> Contents:
    """What a child has told, which is not trusted more than the file is."""
    if "refused" in answer:
        raise KernelError(str(answer["refused"]))
    if "arrays" not in answer:
        msg = "damaged or cut off, or not an HDF5 file"
        raise KernelError(msg)
    arrays, begin, within = {}, 0, 0
    for name, told in answer["arrays"].items():
        shape, end = tuple(map(int, told["shape"])), begin + int(told.get("sent", 0))
        array = Array(shape, told["kind"], told["offset"], bytes(numbers[begin:end]))
        needed = math.prod(shape) * reader.KINDS[array.kind]
        there = end - begin if array.offset is None else size - array.offset
        if min(shape, default=0) < 0 or end > len(numbers) or needed > there:
            raise KernelError(_ENDED)
        within += 0 if array.offset is None else needed
        if within > size:
            msg = "its arrays are larger together than the file: several are one piece of it"
            raise KernelError(msg)
        arrays[name] = array
        begin = end
    return Contents(answer["texts"], answer["orders"], arrays)


def numbers(stream: IO[bytes], start: int, array: Array) -> npt.NDArray[np.floating]:
    """The numbers of an array of the HDF5 file that begins in a stream at `start`."""
    import numpy as np

    is_upper_half = array.kind == "bfloat16"
    flat = np.frombuffer(_stored(stream, start, array), "<u2" if is_upper_half else array.kind)
    if is_upper_half:
        from cnnfilter.weights.files import widened

        flat = widened(flat)
    return flat.reshape(array.shape)


def held(stream: IO[bytes], array: Array) -> Array:
    """An array of the HDF5 file that a stream is, with its numbers."""
    return array._replace(offset=None, sent=_stored(stream, 0, array)) if array.kind else array


def _stored(stream: IO[bytes], start: int, array: Array) -> bytes:
    if array.offset is None:
        return array.sent
    stream.seek(start + array.offset)
    return stream.read(math.prod(array.shape) * reader.KINDS[array.kind])
