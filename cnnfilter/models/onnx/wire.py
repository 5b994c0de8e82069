"""An ONNX file without the numbers of its tensors, which stay in the file until they are needed.

A model is a protobuf message: fields of a number, a type and, where they are messages, texts or arrays, a length in
bytes. Nine tenths of a file are the bytes of a few hundred tensors. Those are passed over here, so that the protobuf
library is given little, which matters: a message of two bytes may take 160 in memory, and to read 45 MB takes it 60 ms.
"""

from __future__ import annotations

from collections import Counter
from typing import IO, NamedTuple

from cnnfilter.errors import KernelError
from cnnfilter.messages import show_bytes

MAX_REST = 2 << 20
"""The most bytes beside tensors: the graphs of deep networks for pictures take a tenth."""

MAX_MESSAGES = 20_000
"""The most nodes, tensors, inputs and the like; the deepest published networks have a few thousand."""

MAX_ATTRIBUTES = 100_000
"""The most attributes; a node has up to six or so."""

MAX_FIELDS = 400_000
"""The most fields, which are gone through one by one: of a node about ten."""

SMALL = 1024
"""Fields of fewer bytes are not looked into, but for nodes."""

BLOCK = 1 << 16

MODEL, GRAPH, NODE, ATTRIBUTE, TENSOR = range(5)
CHILDREN = {MODEL: {7: GRAPH}, GRAPH: {1: NODE, 5: TENSOR}, NODE: {5: ATTRIBUTE}, ATTRIBUTE: {5: TENSOR}}
"""The fields of a message that are looked into, and what they hold."""
NUMBERS = {TENSOR: {4, 9, 10}}
"""Those that stay in the file: `float_data`, `raw_data`, `double_data`."""
NOTES = {MODEL: {6, 14, 20, 25, 26}, GRAPH: {10, 13, 14, 16}, NODE: {6, 9, 10}, ATTRIBUTE: {13}, TENSOR: {12, 16}}
"""Those that are not read: what tools wrote of how the model came about, sizes that follow, training, functions."""

VARINT, EIGHT_BYTES, LENGTH, FOUR_BYTES = 0, 1, 2, 5
"""The types of fields. Groups (3 and 4), which are long out of use, no ONNX message has."""

Place = tuple[int, ...]
"""Where a tensor stands: the field of the graph and its number in it, and so on inwards."""


class Stored(NamedTuple):
    """Numbers that stayed in the file: the field of the tensor that they are, and where they lie."""

    field: int
    begin: int
    size: int


class Wire:
    """The fields of a file, and what is kept of them.

    Attributes
    ----------
    rest : bytes
        The model without what stayed in the file.
    stored : dict
        What stayed, by the place of its tensor.
    """

    def __init__(self, stream: IO[bytes], size: int) -> None:
        self._stream = stream
        self._block, self._begin = b"", 0
        self._counts: Counter[Place] = Counter()
        self._kept = 0
        self._messages: Counter[str] = Counter()
        self.stored: dict[Place, Stored] = {}
        self.rest = self._walk(0, size, MODEL, ())

    def _walk(self, begin: int, end: int, kind: int, place: Place) -> bytes:
        """A message without what stays in the file."""
        pieces: list[bytes] = []
        kept = at = begin
        while at < end:
            field, content, after = self._field(at, end)
            child = CHILDREN.get(kind, {}).get(field)
            if child == ATTRIBUTE:
                self._count("attributes", MAX_ATTRIBUTES)
            elif kind in (MODEL, GRAPH) and field not in NOTES[kind]:
                self._count("nodes, tensors and the like", MAX_MESSAGES)
            inner = place if child is None or kind == MODEL else self._next((*place, field))
            is_large = after - content >= SMALL
            entered = child if is_large or child == NODE else None
            is_stored = is_large and field in NUMBERS.get(kind, ())
            if is_stored or entered is not None or field in NOTES[kind]:
                pieces.append(self._read(kept, at))
                kept = after
            if is_stored:
                self.stored[place] = Stored(field, content, after - content)
            elif entered is not None:
                message = self._walk(content, after, entered, inner)
                pieces.append(_varint(field << 3 | LENGTH) + _varint(len(message)) + message)
            at = after
        pieces.append(self._read(kept, end))
        return b"".join(pieces)

    def _next(self, field: Place) -> Place:
        """The place of one more message of a repeated field."""
        self._counts[field] += 1
        return (*field, self._counts[field] - 1)

    def _count(self, what: str, most: int) -> None:
        self._messages[what] += 1
        if self._messages[what] > most:
            msg = f"it has over {most} {what}"
            raise KernelError(msg)

    def _field(self, at: int, end: int) -> tuple[int, int, int]:
        """A field's number, and where its content begins and ends."""
        self._count("fields", MAX_FIELDS)
        key, content = self._number(at)
        field, kind = key >> 3, key & 7
        if kind == LENGTH:
            length, content = self._number(content)
            after = content + length
        elif kind == VARINT:
            after = self._number(content)[1]
        elif kind in (FOUR_BYTES, EIGHT_BYTES):
            after = content + (4 if kind == FOUR_BYTES else 8)
        else:
            raise _damaged()
        if not field or after > end:
            raise _damaged()
        return field, content, after

    def _number(self, at: int) -> tuple[int, int]:
        """A whole number of as many bytes as it needs, at most 10, and where it ends."""
        if not self._begin <= at <= self._begin + len(self._block) - 10:
            self._stream.seek(at)
            self._block, self._begin = self._stream.read(BLOCK), at
        block, first = self._block, at - self._begin
        value = 0
        for index in range(first, min(first + 10, len(block))):
            byte = block[index]
            value |= (byte & 127) << 7 * (index - first)
            if byte < 128:
                return value, at + index - first + 1
        raise _damaged()

    def _read(self, begin: int, end: int) -> bytes:
        """The bytes that the protobuf library is to see."""
        self._kept += end - begin
        if self._kept > MAX_REST:
            msg = f"it holds over {show_bytes(MAX_REST)} beside the numbers of its tensors, or is no ONNX file"
            raise KernelError(msg)
        self._stream.seek(begin)
        return self._stream.read(end - begin)


def _varint(value: int) -> bytes:
    data = bytearray()
    while value > 127:
        data.append(value & 127 | 128)
        value >>= 7
    return bytes([*data, value])


def _damaged() -> KernelError:
    return KernelError("damaged or cut off, or not an ONNX file")
