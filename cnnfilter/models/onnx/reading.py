"""An ONNX file as operations, tensors, inputs and outputs: what it says, before it is known what of it can be run.

Nothing in a file is executed. Its parts are numbers, texts and names of operators; those that this program has are
done by this program.
"""

from __future__ import annotations

import importlib.util
import struct
import sys
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

from cnnfilter.errors import KernelError, MissingExtraError
from cnnfilter.messages import listed, printable, quoted
from cnnfilter.models.onnx.source import Source
from cnnfilter.models.onnx.tensors import NAMES, Tensor, tensor_of
from cnnfilter.models.onnx.wire import Stored, Wire

OLDEST_OPSET, NEWEST_OPSET = 7, 27
"""The first and the last version of ONNX's operators that this program was held to; later ones are read alike."""

MAX_ATTRIBUTES = 64
"""Of a node; ONNX's operators have up to 20."""

OWN_DOMAINS = ("", "ai.onnx")
"""Whose operators are ONNX's own."""


class Unread(NamedTuple):
    """An attribute of a kind that nothing here takes: a graph inside the graph, a sparse tensor."""

    kind: str


@dataclass(frozen=True)
class Operation:
    """A node of an ONNX graph.

    Parameters
    ----------
    type : str
        The operator.
    name : str
        May be empty.
    domain : str
        Whose operator it is; empty for ONNX's own.
    inputs, outputs : tuple of str
        Names of values; empty for those that are left out.
    attributes : dict
        Numbers, texts, tuples of these, and tensors.
    """

    type: str
    name: str
    domain: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: dict[str, Any]


class Input(NamedTuple):
    """What a graph is given: its name, the kind of it, and its axes: lengths, or names of those that may be any."""

    name: str
    kind: str
    axes: tuple[int | str, ...] | None


@dataclass(frozen=True)
class Graph:
    """What an ONNX file says.

    Parameters
    ----------
    operations : tuple of Operation
        In the order of the file.
    tensors : dict
        By name.
    inputs : tuple of Input
        Without those that a tensor is the default of.
    outputs : tuple of str
    opset : int
        The version of ONNX's own operators.
    """

    operations: tuple[Operation, ...]
    tensors: dict[str, Tensor]
    inputs: tuple[Input, ...]
    outputs: tuple[str, ...]
    opset: int


def read_graph(path: Path) -> Graph:
    """Read a file.

    Raises
    ------
    KernelError
        If it cannot be used.
    MissingExtraError
        If the `onnx` library is not installed.
    """
    proto = messages()
    source = Source.at(path)
    if not source.size:
        msg = "the file is empty"
        raise KernelError(msg)
    with source.open() as stream:
        wire = Wire(stream, source.size)
    model = proto.ModelProto()
    model.ParseFromString(wire.rest)
    if not model.graph.node and not model.graph.output:
        msg = "it holds no graph: damaged, or not an ONNX file"
        raise KernelError(msg)
    return _Reader(model.graph, source, wire.stored).graph(_opset(model))


def _opset(model: Any) -> int:
    versions = [each.version for each in model.opset_import if _text(each.domain) in OWN_DOMAINS]
    if not versions:
        domains = listed([_text(each.domain) for each in model.opset_import]) or "none"
        msg = f"it uses no operators of ONNX's own, which networks for pictures are made of (operator sets: {domains})"
        raise KernelError(msg)
    if max(versions) < OLDEST_OPSET:
        msg = (
            f"it is of opset {max(versions)}; those from {OLDEST_OPSET} on are read: convert it with "
            "onnx.version_converter.convert_version(model, 13)"
        )
        raise KernelError(msg)
    return int(max(versions))


class _Reader:
    """The parts of a graph's message, with the tensors in them where they are."""

    def __init__(self, message: Any, source: Source, stored: dict[tuple[int, ...], Stored]) -> None:
        self.message, self.source, self.stored = message, source, stored

    def graph(self, opset: int) -> Graph:
        tensors = {}
        for number, each in enumerate(self.message.initializer):
            name = _text(each.name)
            if name in tensors:
                msg = f"it holds two tensors of the name {quoted(name)}"
                raise KernelError(msg)
            tensors[name] = tensor_of(each, self.source, self.stored.get((5, number)), name)
        if self.message.sparse_initializer:
            name = _text(self.message.sparse_initializer[0].values.name)
            msg = f"its tensor {quoted(name)} is sparse, which is not read"
            raise KernelError(msg)
        operations = tuple(self.operation(number, node) for number, node in enumerate(self.message.node))
        inputs = tuple(_input(each) for each in self.message.input if _text(each.name) not in tensors)
        return Graph(operations, tensors, inputs, _texts(each.name for each in self.message.output), opset)

    def operation(self, number: int, node: Any) -> Operation:
        kind, domain = _text(node.op_type), _text(node.domain)
        if len(node.attribute) > MAX_ATTRIBUTES:
            count = len(node.attribute)
            msg = f"a node ({printable(kind[:60])}) has {count} attributes; at most {MAX_ATTRIBUTES} are read"
            raise KernelError(msg)
        attributes = {
            _text(each.name): self.attribute(each, (1, number, 5, place), kind)
            for place, each in enumerate(node.attribute)
        }
        if len(attributes) < len(node.attribute):
            name = Counter(_text(each.name) for each in node.attribute).most_common(1)[0][0]
            msg = f"a node ({printable(kind[:60])}) has the attribute {quoted(name)} twice"
            raise KernelError(msg)
        domain = "" if domain in OWN_DOMAINS else domain
        return Operation(kind, _text(node.name), domain, _texts(node.input), _texts(node.output), attributes)

    def attribute(self, each: Any, place: tuple[int, ...], operator: str) -> Any:
        kind = each.DESCRIPTOR.enum_types_by_name["AttributeType"].values_by_number[each.type].name
        if kind == "TENSOR":
            return tensor_of(each.t, self.source, self.stored.get((*place, 5, 0)), _text(each.name) or operator)
        if kind == "STRING":
            return _text(each.s)
        field = {"FLOAT": "f", "INT": "i", "FLOATS": "floats", "INTS": "ints"}.get(kind)
        if field is None or each.ref_attr_name:
            return Unread(kind.lower())
        value = getattr(each, field)
        numbers = [value] if kind in ("FLOAT", "INT") else value
        known = tuple(map(_decimal, numbers) if kind.startswith("FLOAT") else numbers)
        return known[0] if kind in ("FLOAT", "INT") else known


def _decimal(number: float) -> float:
    """The shortest number that a float of 32 bits stands for, as it was written: 1e-05, not 9.999999747378752e-06."""
    shorter = (float(f"{number:.{digits}g}") for digits in range(6, 9))
    return next((each for each in shorter if struct.pack("f", each) == struct.pack("f", number)), number)


def _text(data: bytes | str) -> str:
    """A text; the protobuf library gives one that is no UTF-8 as bytes."""
    return data if isinstance(data, str) else data.decode("utf-8", "backslashreplace")


def _texts(data: Iterable[bytes | str]) -> tuple[str, ...]:
    return tuple(map(_text, data))


def _input(value: Any) -> Input:
    kind, name = value.type.WhichOneof("value") or "untold", _text(value.name)
    if kind != "tensor_type":
        return Input(name, f"a {kind.removesuffix('_type')}", None)
    tensor = value.type.tensor_type
    axes = (
        tuple(each.dim_value if each.dim_value > 0 else _text(each.dim_param) for each in tensor.shape.dim)
        if tensor.HasField("shape")
        else None
    )
    return Input(name, NAMES.get(tensor.elem_type, "untold"), axes)


@cache
def messages() -> ModuleType:
    """The messages of ONNX.

    `import onnx` brings much that only its own tools need, in 47 ms; its description of the format alone takes 11.

    Raises
    ------
    MissingExtraError
        If the library is not installed.
    """
    known = sys.modules.get("onnx.onnx_ml_pb2")
    if known is not None:
        return known
    found = importlib.util.find_spec("onnx")
    if found is None or not found.submodule_search_locations:
        msg = "needs the onnx library: pip install 'cnnfilter[onnx]'"
        raise MissingExtraError(msg)
    name, folder = "cnnfilter.models.onnx.messages", found.submodule_search_locations[0]
    module = ModuleType(name)
    SourceFileLoader(name, str(Path(folder) / "onnx_ml_pb2.py")).exec_module(module)
    return module
