"""The network of the nodes that were made: in order, with names, the result last."""

from __future__ import annotations

from collections.abc import Mapping

from cnnfilter.errors import KernelError
from cnnfilter.messages import listed, quoted
from cnnfilter.models.onnx.building import Builder
from cnnfilter.models.onnx.reading import Graph
from cnnfilter.models.onnx.values import Lost, Result, Value
from cnnfilter.network.graph import INPUT, Network, Node
from cnnfilter.network.stages import Unknown


def finished(
    graph: Graph, builder: Builder, values: Mapping[str, Value], outputs: Mapping[str, Value]
) -> tuple[Network, str, list[str]]:
    """The network, the name of the output that is its result, and notes.

    Its result is the first output from which nothing else follows. Operations that are not known are left out, but for
    the one that the result waits for.

    Raises
    ------
    KernelError
        If there is no output that depends on the picture.
    """
    ends = {name: node for name, value in outputs.items() if (node := _node(value)) is not None}
    if not ends:
        told = f": {listed(graph.outputs)}" if graph.outputs else ""
        why = next((f"; one {value.reason}" for value in outputs.values() if isinstance(value, Lost)), "")
        msg = f"it has no output that is computed from a picture{told}{why}"
        raise KernelError(msg)
    stages = [draft.stage for draft in builder.drafts]
    read = {node for draft in builder.drafts for node in draft.reads if not isinstance(draft.stage, Unknown)}
    result = next((name for name, node in ends.items() if node not in read), next(iter(ends)))
    last = ends[result]
    follows = _following(builder, last) | builder.left_out
    kept = [
        node
        for node, stage in enumerate(stages)
        if node != last and node not in follows and not isinstance(stage, Unknown)
    ]
    numbers = {node: number for number, node in enumerate([*kept, last])} | {INPUT: INPUT}
    names = _names(graph, builder, values)
    nodes = []
    for node in (*kept, last):
        draft, called = builder.drafts[node], names[node]
        nodes.append(Node(draft.stage, tuple(numbers[each] for each in draft.reads), *called))
    notes = []
    if len(graph.outputs) > 1:
        others = listed([name for name in graph.outputs if name != result])
        notes.append(f"its result is {quoted(result)}; --node gives the others: {others}")
    return Network(nodes), result, notes


def _node(value: Value) -> int | None:
    """The node that an output is the result of, or waits for."""
    if isinstance(value, Lost):
        return value.cause
    return value.node if isinstance(value, Result) and value.node != INPUT else None


def _following(builder: Builder, node: int) -> set[int]:
    """The nodes that depend on a node."""
    found = {node}
    for number, draft in enumerate(builder.drafts):
        if found & set(draft.reads):
            found.add(number)
    return found - {node}


def _names(graph: Graph, builder: Builder, values: Mapping[str, Value]) -> list[tuple[str | None, tuple[str, ...]]]:
    """The name of each node and its other names: those of the operation and its result, and of views of it."""
    called: list[list[str]] = [[] for _ in builder.drafts]
    other: list[list[str]] = [[] for _ in builder.drafts]
    for number, operation in enumerate(graph.operations):
        value = values.get(operation.outputs[0]) if operation.outputs else None
        node = None if value is None else _node(value)
        if node is not None and (isinstance(value, Result) or builder.drafts[node].operation == number):
            mine = called if builder.drafts[node].operation == number else other
            mine[node] += [name for name in (operation.name, operation.outputs[0]) if name]
    taken: set[str] = set()
    names: list[str | None] = []
    for own in called:
        name = next((name for name in own if name not in taken), None)
        taken |= {name} if name is not None else set()
        names.append(name)
    found = []
    for name, own, more in zip(names, called, other, strict=True):
        aliases = tuple(dict.fromkeys(each for each in (*own, *more) if each not in taken))
        taken.update(aliases)
        found.append((name, aliases))
    return found
