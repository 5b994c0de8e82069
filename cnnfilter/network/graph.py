"""A network: nodes in order, each a stage with the nodes that it reads. A chain is the case where each reads the last.

Nodes are counted from 0 here, and from 1 wherever a person sees them, as the rows of a plan.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from numbers import Integral
from typing import NamedTuple

from cnnfilter.errors import ArgumentError
from cnnfilter.messages import nearest, quoted
from cnnfilter.network.stages import Join, Stage
from cnnfilter.network.stages.text import escape

INPUT = -1
"""What is read in place of a node: the network's input."""

IN, LAST = "in", "last"
"""What the stage language calls the network's input, and the stage before."""


class Group(NamedTuple):
    """Nodes that came out of one piece of text: a preset or a file of a network.

    Parameters
    ----------
    text : str
        The piece, as the stage language has it.
    size : tuple, optional
        That of the input it is made for: (H, W, C) or (n,), None for a number that may be any.
    path : str, optional
        The file that it is in, or of a preset its weights.
    labels : tuple of str
        The names of its classes, if the file has them.
    size_in_nodes : int
        How many nodes it has: where some of them are missing, the others are told one by one.
    """

    text: str
    size: tuple[int | None, ...] | None = None
    path: str | None = None
    labels: tuple[str, ...] = ()
    size_in_nodes: int = 0

    def __repr__(self) -> str:
        return f"<Group {self.text}>"  # its path may hold a password


class Node(NamedTuple):
    """A stage in a network.

    Parameters
    ----------
    stage : Stage
    reads : tuple of int
        The nodes whose results it takes, by number from 0; `INPUT` is the network's input. All are before it.
    name : str, optional
        What it is called. It begins the names of its parameters in a file of weights.
    aliases : tuple of str
        Other names it answers to, as that of its result in an ONNX file.
    group : Group, optional
        The piece of text that it came out of with others.
    """

    stage: Stage
    reads: tuple[int, ...]
    name: str | None = None
    aliases: tuple[str, ...] = ()
    group: Group | None = None


class Network(tuple[Node, ...]):
    """The nodes of a network, the last of which gives its result; `str` gives the canonical text.

    Examples
    --------
    >>> from cnnfilter.network.grammar import parse
    >>> network = parse("relu:as=x,conv:8@3x3:padding=1,add:x")
    >>> [node.reads for node in network]
    [(-1,), (0,), (0, 1)]
    """

    __slots__ = ()

    @classmethod
    def chain(cls, stages: Iterable[Stage]) -> Network:
        """The network in which each stage reads the one before."""
        return cls(Node(stage, (number - 1,)) for number, stage in enumerate(stages))

    @classmethod
    def of(cls, network: Network | Iterable[Stage]) -> Network:
        """A network as it is, or the chain of some stages."""
        return network if isinstance(network, Network) else cls.chain(network)

    @property
    def stages(self) -> tuple[Stage, ...]:
        """The stages, in order."""
        return tuple(node.stage for node in self)

    @property
    def is_chain(self) -> bool:
        """Whether each node reads the one before, and that alone."""
        return all(node.reads == (number - 1,) for number, node in enumerate(self))

    def readers(self) -> list[list[int]]:
        """The nodes that read each node."""
        found: list[list[int]] = [[] for _ in self]
        for number, node in enumerate(self):
            for read in dict.fromkeys(node.reads):
                if read != INPUT:
                    found[read].append(number)
        return found

    def find(self, asked: str | int) -> int:
        """The node of a name, or of a number counted from 1; an equal name comes first.

        Raises
        ------
        ArgumentError
            If there is none; with the nearest names.
        """
        names = {name: number for number, node in reversed([*enumerate(self)]) for name in names_of(node)}
        is_number = isinstance(asked, Integral) and not isinstance(asked, bool)
        if not (isinstance(asked, str) or is_number):
            msg = f"node must be a name or a number, not {quoted(asked)}"
            raise ArgumentError(msg)
        text = str(asked) if isinstance(asked, str) or 0 < asked <= len(self) else ""
        if text in names:
            return names[text]
        if text.isascii() and text.isdigit() and len(text) <= len(str(len(self))) and 1 <= int(text) <= len(self):
            return int(text) - 1
        count = len(self)
        known = f"{count} node{'s' * (count > 1)}, which cnnfilter shape lists; give a name or a number from 1"
        msg = f"there is no node {quoted(asked)} among {known}{nearest(text, names)}"
        raise ArgumentError(msg)

    def needed(self, results: Iterable[int] | None = None) -> set[int]:
        """The nodes that some results depend on; by default the last one's."""
        return needed([node.reads for node in self], [len(self) - 1] if results is None else results)

    def gives_vector(self, number: int) -> bool:
        """Whether a node's result is a vector: no stage makes maps of one again."""
        while number != INPUT:
            stage = self[number].stage
            if stage.gives != "same":
                return stage.gives == "vector"
            number = self[number].reads[-1]
        return False

    def up_to(self, number: int) -> Network:
        """The network whose result is that of a node; all nodes keep their numbers."""
        return Network(self[: number + 1])

    def __str__(self) -> str:
        return ",".join(self._pieces())

    def _pieces(self) -> Iterator[str]:
        """The pieces of the text of what the result depends on: a stage, a group, or `from`."""
        used = sorted(self.needed()) if self else []
        names = self.names()
        named = dict(names)
        for before, number in zip([INPUT, *used], used, strict=False):
            for read in set(self[number].reads) - {INPUT, before}:
                if not names_of(self[read]):
                    named[read] = f"node{read + 1}"
        counts = Counter(id(node.group) for node in self)
        before, group = INPUT, None
        for number in used:
            node = self[number]
            if node.group is not None and counts[id(node.group)] < node.group.size_in_nodes:
                node = node._replace(group=None)
            if node.group is None or node.group is not group:
                if before not in node.reads:
                    yield f"from:{escape(named[node.reads[-1]])}"
                own = named[number] if named[number] != names[number] else node.name
                joined = joined_names(node, before, named)
                yield written(node._replace(name=own), joined) if node.group is None else node.group.text
            before, group = number, node.group

    def names(self) -> dict[int, str]:
        """What each node is called in the text where it is not the stage before."""
        names = {INPUT: IN}
        for number, node in enumerate(self):
            own = names_of(node)
            names[number] = own[0] if own else str(number + 1)
        return names


def names_of(node: Node) -> tuple[str, ...]:
    """All that a node answers to by name."""
    return (node.name, *node.aliases) if node.name is not None else node.aliases


def joined_names(node: Node, before: int, names: dict[int, str]) -> str:
    """What a stage that reads several is given, beside the node before where that comes last; empty for others."""
    if not isinstance(node.stage, Join):
        return ""
    before = before if before in node.reads else node.reads[-1]
    reads = node.reads
    if len(reads) > 1 and reads[-1] == before and before not in reads[:-1]:
        reads = reads[:-1]
    text = "+".join(LAST if read == before else escape(names[read]) for read in reads)
    return f"names={text}" if "=" in text else text


def written(node: Node, joined: str) -> str:
    """A node in the stage language: the stage, what it joins, and its name."""
    name, *arguments = [str(node.stage)] if not joined else [node.stage.name, joined, *node.stage.arguments()]
    named = [] if node.name is None else [f"as={escape(node.name)}"]
    return ":".join([name, *arguments, *named])


def needed(reads: Sequence[tuple[int, ...]], results: Iterable[int]) -> set[int]:
    """The nodes that some results depend on, and these, of nodes that each read some."""
    found = {*results}
    for number in range(len(reads) - 1, -1, -1):
        if number in found:
            found.update(reads[number])
    return found - {INPUT}


def stretches(reads: Sequence[tuple[int, ...]], results: Collection[int]) -> list[range]:
    """The nodes that some results depend on, those together that follow each other without a branch between them.

    Parameters
    ----------
    reads : sequence of tuple of int
        What each node reads.
    results : collection of int
        The nodes whose results are wanted.

    Examples
    --------
    >>> stretches([(INPUT,), (0,), (1,), (2, 0), (3,)], [4])
    [range(0, 1), range(1, 3), range(3, 5)]
    """
    numbers = sorted(needed(reads, results))
    times = Counter(read for number in numbers for read in reads[number])
    found, first = [], 0
    for place, number in enumerate(numbers, 1):
        after = numbers[place] if place < len(numbers) else None
        follows = after == number + 1 and reads[after] == (number,)
        if not follows or times[number] > 1 or number in results:
            found.append(range(numbers[first], number + 1))
            first = place
    return found
