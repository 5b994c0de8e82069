"""A program that tells what an HDF5 file holds, in a process of its own, whose end is the worst that can happen.

`cnnfilter.models.keras.hdf5` runs it by its path, in Python's isolated mode, with the file as its standard input. It
knows nothing of cnnfilter. No name in the file is followed out of it: links, virtual datasets and numbers kept
elsewhere are refused before they are opened, and by then the process can open no file at all.

It answers with a line of JSON, then with the numbers of those arrays that do not lie in the file as they are, one
after the other. Arguments: where the HDF5 file begins in the file, its length, the names at its root that are walked,
joined by `,`, the number of the process that runs it, and the folders that h5py and NumPy are in.
"""

from __future__ import annotations

import codecs
import contextlib
import io
import json
import math
import os
import signal
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

MAX_OBJECTS = 20_000
"""The most groups and arrays; the deepest published networks have a few thousand of each."""

MAX_DEPTH = 64
"""The most groups around an array: networks within networks have two for each."""

MAX_TEXT = 16 << 20
"""Characters of the longest text, and of all names together; the configuration of a deep network has some 300,000."""

SMALL = 16 << 20
MAX_RATIO = 50
"""Numbers that do not lie in the file as they are may take `SMALL` bytes, or this many times what they take there:
trained weights hardly shrink, a sparse network's by a factor of ten or so."""

MEMORY = 128 << 20
"""What the process may take beside three times the file: the library's own buffers."""

KINDS = {"": 0, "<f2": 2, "<f4": 4, "<f8": 8, ">f2": 2, ">f4": 4, ">f8": 8, "bfloat16": 2}
"""The bytes of a number of each type, by NumPy's name of it; empty for those that are no floats and are not read."""

FILTERS = {1, 2, 3}
"""HDF5's own: deflate, shuffle, fletcher32. Others are plugins, which are programs."""

_PR_SET_PDEATHSIG = 1
"""From Linux's `prctl.h`."""

SECONDS, BYTES_A_SECOND = 5, 20_000_000
"""The time that the process may compute: so long, and longer for a large file."""


class Refused(Exception):
    """What is in the file and not read; the message is for a person."""


class Part(io.RawIOBase):
    """A part of a file that lies in it as it is, for reading.

    Parameters
    ----------
    stream : file
    start, size : int
    """

    def __init__(self, stream: io.RawIOBase, start: int, size: int) -> None:
        self._stream, self._start, self._size = stream, start, size
        self._place = 0

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go to a place in the part."""
        self._place = offset + {io.SEEK_SET: 0, io.SEEK_CUR: self._place, io.SEEK_END: self._size}[whence]
        return self._place

    def tell(self) -> int:
        """The place."""
        return self._place

    def readinto(self, buffer: Any) -> int:
        """Fill a buffer as far as the part goes."""
        view = memoryview(buffer).cast("B")
        view = view[: max(0, self._size - self._place)]
        self._stream.seek(self._start + self._place)
        count = 0
        while count < len(view) and (more := self._stream.readinto(view[count:])):
            count += more
        self._place += count
        return count


def describe(part: Part, size: int, roots: Iterable[str]) -> tuple[dict[str, Any], list[bytes]]:
    """The answer about a file: what it tells of itself and of each array, and the numbers that lie in no one piece.

    Raises
    ------
    Refused
        If it holds what is not read.
    """
    import h5py

    with h5py.File(part, "r") as file:
        texts = {name: text for name in file.attrs if (text := _text(file.attrs, name, size)) is not None}
        answer: dict[str, Any] = {"texts": texts, "orders": {}, "arrays": {}}
        sent: list[bytes] = []
        letters = 0
        for name, found in _walk(h5py, file, [each for each in roots if each in file]):
            if isinstance(found, h5py.Group):
                if order := list(_order(found.attrs, size)):
                    answer["orders"][name] = order
                    letters += sum(map(len, order))  # one text in the file may be many in a list
                    if letters > MAX_TEXT:
                        msg = f"its lists of names have more than {MAX_TEXT} characters"
                        raise Refused(msg)
                continue
            kind, offset = _check(h5py, found, name, size)
            array: dict[str, Any] = {"shape": found.shape or (), "kind": kind, "offset": offset}
            if kind and offset is None:
                sent.append(_numbers(found, name, KINDS[kind], SMALL + MAX_RATIO * size - sum(map(len, sent))))
                array["sent"] = len(sent[-1])
            answer["arrays"][name] = array
    return answer, sent


def _walk(h5py: Any, file: Any, roots: list[str]) -> Iterator[tuple[str, Any]]:
    """The groups and datasets below the roots, by their paths, each opened after it is known that it lies here."""
    seen: set[int] = set()
    names = 0
    waiting = [(file, root, root, 1) for root in reversed(roots)]
    while waiting:
        parent, own, path, depth = waiting.pop()
        link = parent.get(own, getlink=True)
        if not isinstance(link, h5py.HardLink):
            where = f" to {link.filename!r}" if isinstance(link, h5py.ExternalLink) else ""
            msg = f"{_quoted(path)} is a link{where}, and links are not followed"
            raise Refused(msg)
        address = h5py.h5o.get_info(parent.id, own.encode("utf-8", "surrogateescape")).addr
        if address in seen:
            msg = f"{_quoted(path)} is another name of what is in the file already"
            raise Refused(msg)
        seen.add(address)
        names += len(path)
        if len(seen) > MAX_OBJECTS or names > MAX_TEXT or depth > MAX_DEPTH:
            msg = f"it holds more than {MAX_OBJECTS} groups and arrays, or groups in more than {MAX_DEPTH} groups"
            raise Refused(msg)
        found = parent[own]
        if isinstance(found, h5py.Group):
            yield path, found
            inner = [*found]
            waiting.extend((found, each, f"{path}/{each}", depth + 1) for each in reversed(inner))
        elif isinstance(found, h5py.Dataset):
            yield path, found


def _check(h5py: Any, array: Any, name: str, size: int) -> tuple[str, int | None]:
    """The type of an array's numbers, empty where they are no floats, and where they lie; None if in no one piece."""
    made = array.id.get_create_plist()
    if made.get_external_count():
        msg = f"the numbers of {_quoted(name)} are kept in another file, which is not opened"
        raise Refused(msg)
    layout = made.get_layout()
    if layout == h5py.h5d.VIRTUAL:
        msg = f"{_quoted(name)} is a virtual dataset, whose numbers are in other files, which are not opened"
        raise Refused(msg)
    for number in range(made.get_nfilters()):
        if (code := made.get_filter(number)[0]) not in FILTERS:
            msg = f"{_quoted(name)} is packed by filter {code}, which is a plugin, and plugins are not loaded"
            raise Refused(msg)
    kind = _kind(h5py, array.id.get_type()) if array.size else ""
    if not kind or layout != h5py.h5d.CONTIGUOUS:
        return kind, None
    offset = array.id.get_offset()
    needed = math.prod(array.shape) * KINDS[kind]
    if offset is None or offset + needed > size:
        msg = f"the numbers of {_quoted(name)} are not in the file; it is cut off"
        raise Refused(msg)
    return kind, offset


def _kind(h5py: Any, stored: Any) -> str:
    """NumPy's name of a type of floats, `bfloat16`, or nothing of another type."""
    if stored.get_class() == h5py.h5t.OPAQUE and stored.get_size() == 2:  # as Keras stores it
        return "bfloat16"
    if stored.get_class() != h5py.h5t.FLOAT:
        return ""
    kind = ""
    with contextlib.suppress(TypeError, ValueError):  # of a type that NumPy has none for
        kind = str(stored.dtype.str)
    return kind if KINDS.get(kind) == stored.get_size() else ""


def _numbers(array: Any, name: str, width: int, room: int) -> bytes:
    """The numbers of an array that is packed or in several pieces; `room` is what all such arrays may still take."""
    there = array.id.get_storage_size()
    needed = max(math.prod(array.shape), math.prod(array.chunks or ())) * width
    if needed > min(room, max(SMALL, MAX_RATIO * there)):
        msg = f"{_quoted(name)} grows from {there} to {needed} bytes, as bombs do"
        raise Refused(msg)
    return bytes(array[()].tobytes())


def _text(attributes: Any, name: str, size: int) -> str | None:
    """An attribute that is one text; None of any other."""
    found = attributes.get_id(name)
    if found.shape != () or not _is_text(found, size):
        return None
    value = attributes[name]
    value = value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
    if len(value) > MAX_TEXT:
        msg = f"its {_quoted(name)} has {len(value)} characters, at most {MAX_TEXT} are read"
        raise Refused(msg)
    return value


def _order(attributes: Any, size: int) -> Iterator[str]:
    """The names of a layer's arrays in their order: the attribute `weight_names`, or parts of it where it is long."""
    parts = [name for name in attributes if name.startswith("weight_names")]
    for part in sorted(parts, key=lambda name: (len(name), name)):
        found = attributes.get_id(part)
        if len(found.shape) != 1 or found.shape[0] > MAX_OBJECTS or not _is_text(found, size):
            continue  # of a layer without weights, it is empty and of numbers
        values = attributes[part]
        yield from (value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value) for value in values)


def _is_text(attribute: Any, size: int) -> bool:
    """Whether an attribute is of texts that the file has room for."""
    stored = attribute.get_type()
    is_text = hasattr(stored, "is_variable_str")
    return is_text and math.prod(attribute.shape) * stored.get_size() <= max(size, 1 << 16)


def _quoted(name: str) -> str:
    return repr(name if len(name) < 100 else f"{name[:60]}...")


def _end_with_parent(parent: int) -> None:
    """Let the system end this process when its parent is killed: Linux can, and elsewhere its time is limited."""
    with contextlib.suppress(ImportError, AttributeError, OSError, TypeError):  # TypeError: of Windows
        import ctypes

        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # it was killed before that
            sys.exit()


def _limit(size: int) -> None:
    """Take from the process what it does not need: memory, time, files."""
    codecs.lookup("ascii")  # h5py asks for it, and its module is a file
    try:
        import resource
    except ImportError:  # Windows has none of these limits; the deadline is its parent's
        return
    taken = 1 << 30  # of addresses, where the system does not tell
    with contextlib.suppress(OSError, ValueError, IndexError):
        taken = int(Path("/proc/self/statm").read_bytes().split()[0]) * resource.getpagesize()
    wanted = {
        "RLIMIT_CPU": seconds(size),
        "RLIMIT_CORE": 0,
        "RLIMIT_FSIZE": 0,
        "RLIMIT_NOFILE": 3,
        "RLIMIT_AS": taken + MEMORY + 3 * size,
    }
    for name, limit in wanted.items():
        with contextlib.suppress(AttributeError, OSError, ValueError):  # what the system does not know
            resource.setrlimit(getattr(resource, name), (limit, limit))


def seconds(size: int) -> int:
    """How long the process may compute for a file of so many bytes."""
    return SECONDS + size // BYTES_A_SECOND


def main(arguments: list[str]) -> None:
    """Answer about the file that is the standard input."""
    start, size = int(arguments[0]), int(arguments[1])
    sys.path.extend(arguments[4:])
    _end_with_parent(int(arguments[3]))
    sent: list[bytes] = []
    try:
        from h5py import h5pl

        for _ in range(h5pl.size()):
            h5pl.remove(0)
        with open(0, "rb", buffering=0, closefd=False) as stream:
            _limit(size)
            answer, sent = describe(Part(stream, start, size), size, arguments[2].split(","))
    except ImportError as error:
        answer = {"refused": f"h5py cannot be loaded: {error}"}
    except Refused as error:
        answer = {"refused": str(error)}
    except MemoryError:
        answer = {"refused": "not enough memory"}
    except Exception:  # the library's words are about its insides
        answer = {"damaged": True}
    sys.stdout.buffer.write(json.dumps(answer).encode() + b"\n")
    for numbers in sent:
        sys.stdout.buffer.write(numbers)
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    main(sys.argv[1:])
