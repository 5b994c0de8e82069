"""From what an ONNX file says to a network."""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from cnnfilter.errors import CnnfilterError, KernelError
from cnnfilter.messages import listed, printable, quoted, shortened
from cnnfilter.models.model import Model
from cnnfilter.models.onnx import constants
from cnnfilter.models.onnx.building import Builder
from cnnfilter.models.onnx.finishing import finished
from cnnfilter.models.onnx.folding import Folder
from cnnfilter.models.onnx.inputs import picture, size_told, value_of
from cnnfilter.models.onnx.operators import convert
from cnnfilter.models.onnx.reading import NEWEST_OPSET, Graph, Operation, read_graph
from cnnfilter.models.onnx.tensors import Tensor
from cnnfilter.models.onnx.values import Lost, Part, Result, UnsupportedError, Value
from cnnfilter.network.stages import Unknown


def read_model(path: Path) -> Model:
    """The network in an ONNX file.

    Raises
    ------
    KernelError
        If it cannot be used.
    MissingExtraError
        If the `onnx` library is not installed.
    """
    graph = read_graph(path)
    if not graph.operations:
        msg = "it holds no operations"
        raise KernelError(msg)
    given = picture(graph)
    first = value_of(given, graph)
    converter = _Converter(graph, {given.name: first})
    for number in _ordered(graph):
        converter.convert(number)
    outputs = {name: converter.output(name) for name in graph.outputs if name in converter.values}
    network, result, notes = finished(graph, converter.builder, converter.values, outputs)
    if graph.opset > NEWEST_OPSET:
        notes.append(f"it is of opset {graph.opset}, read as {NEWEST_OPSET} is, the newest known")
    names = [each.name for each in graph.inputs if each is not given]
    if names:
        notes.append(f"its input is {quoted(given.name)}; it has others too, of which nothing is run: {listed(names)}")
    return Model(
        network,
        size_told(first),
        (given.name, *names),
        (result, *(name for name in graph.outputs if name != result)),
        notes=tuple(notes),
    )


def _ordered(graph: Graph) -> list[int]:
    """The numbers of the operations, each after those that it reads; else in the order of the file.

    Raises
    ------
    KernelError
        If there is no such order, or a value is missing or made twice.
    """
    makers: dict[str, int | None] = dict.fromkeys((*graph.tensors, *(each.name for each in graph.inputs)))
    for number, operation in enumerate(graph.operations):
        for name in filter(None, operation.outputs):
            if name in makers:
                msg = f"the value {quoted(name)} is made twice"
                raise KernelError(msg)
            makers[name] = number
    missing: list[int] = []
    readers: dict[int, list[int]] = {}
    for number, operation in enumerate(graph.operations):
        absent = [name for name in operation.inputs if name and name not in makers]
        if absent:
            msg = f"the node {_called(operation)} reads {quoted(absent[0])}, which nothing makes"
            raise KernelError(msg)
        read = {maker for name in operation.inputs if (maker := makers.get(name)) is not None}
        missing.append(len(read))
        for maker in read:
            readers.setdefault(maker, []).append(number)
    ready = [number for number, count in enumerate(missing) if not count]
    order = []
    while ready:
        number = heapq.heappop(ready)
        order.append(number)
        for reader in readers.get(number, ()):
            missing[reader] -= 1
            if not missing[reader]:
                heapq.heappush(ready, reader)
    if len(order) < len(graph.operations):
        number = next(number for number, count in enumerate(missing) if count)
        msg = f"its operations go in a circle, of which the node {_called(graph.operations[number])} is one"
        raise KernelError(msg)
    return order


def _called(operation: Operation) -> str:
    return quoted(operation.name or next(filter(None, operation.outputs), "")) + f" ({printable(operation.type[:60])})"


class _Converter:
    """The operations of a graph converted one after the other, and the values that they give."""

    def __init__(self, graph: Graph, given: dict[str, Value]) -> None:
        self.graph = graph
        self.builder = Builder(graph)
        inside = [value for each in graph.operations for value in each.attributes.values() if isinstance(value, Tensor)]
        self.fold = Folder(sum(each.size for each in (*graph.tensors.values(), *inside)))
        self.uses = Counter(name for each in graph.operations for name in each.inputs) + Counter(graph.outputs)
        self.values: dict[str, Value] = {}
        for name, tensor in graph.tensors.items():
            self.values[name] = tensor
        for each in graph.inputs:
            other = Lost(f"reads the input {quoted(each.name)}, and one input is run")
            self._set(each.name, given.get(each.name, other))

    def _set(self, name: str, value: Value) -> None:
        self.values[name] = value
        if isinstance(value, Result):
            self.builder.waiting[value.node] += self.uses[name]

    def convert(self, number: int) -> None:
        operation = self.graph.operations[number]
        self.builder.operation = number
        given = [self.values[name] if name else None for name in operation.inputs]
        value = self._value(operation, given)
        for each in given:
            if isinstance(each, Result):
                self.builder.waiting[each.node] -= 1
        for place, name in enumerate(operation.outputs):
            if name:
                rest = Lost(f"reads {quoted(name)}, a further result of {_called(operation)}, which is not made")
                self._set(name, rest if place else value)

    def output(self, name: str) -> Value:
        """An output, which is lost if its numbers lie in an order that no stage gives."""
        value = self.values[name]
        if not isinstance(value, Result) or (value.order == "chw" and not any("/" in atom for atom in value.atoms)):
            return value
        reason = f"the output {quoted(name)} has its numbers in an order that no stage gives: {value.show()}"
        return Lost(reason, self.builder.stopped(Unknown("output", reason), value))

    def _value(self, operation: Operation, given: Sequence[Value | None]) -> Value:
        lost = [each for each in given if isinstance(each, Lost)]
        results = [each.x if isinstance(each, Part) else each for each in given if isinstance(each, Result | Part)]
        if lost and (not results or any(each.cause is not None for each in lost)):
            return next((each for each in lost if each.cause is not None), lost[0])
        made = len(self.builder.drafts)
        try:
            if lost:
                raise UnsupportedError(lost[0].reason)
            return self._computed(operation, given)
        except (UnsupportedError, CnnfilterError) as error:
            self.builder.forget(made)
            reason = f"the node {_called(operation)} {error}"
            if not results:
                return Lost(f"needs what is not known: {reason}")
            stage = Unknown(printable(shortened(operation.type, 60)), reason)
            return Lost(reason, self.builder.stopped(stage, results[0]))

    def _computed(self, operation: Operation, given: Sequence[Value | None]) -> Value:
        is_own = not operation.domain
        if is_own and operation.type == "Constant":
            return constants.given(operation)
        if is_own and operation.type == "ConstantOfShape" and given:
            return constants.filled(operation, given[0])
        reads_picture = any(isinstance(each, Result | Part) for each in given)
        if operation.type != "Shape" and not reads_picture:
            tensors = [each if isinstance(each, Tensor) else None for each in given]
            return self.fold(operation, tensors) if is_own else convert(operation, given, self.builder)
        if reads_picture:
            self.fold.take(each for each in given if isinstance(each, Tensor))
        return convert(operation, given, self.builder)
