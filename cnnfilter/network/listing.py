"""How the nodes of a network are listed: numbers, names, and what each reads where that is not the node before."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from cnnfilter.messages import shortened
from cnnfilter.network.graph import Network, Node, joined_names, written
from cnnfilter.network.plan import Row

HEADERS = ("NODE", "NAME", "STAGE", "READS")
"""What stands over the fields of `Listed`."""


class Listed(NamedTuple):
    """A node as texts.

    Parameters
    ----------
    number : str
        Counted from 1.
    name : str
        Empty if it has none.
    stage : str
        In the stage language, with what it joins.
    reads : str
        What it goes on from, by name or else by number; empty where that is the node before.
    """

    number: str
    name: str
    stage: str
    reads: str


def network_of(rows: Iterable[Row]) -> Network:
    """The network that was planned, without what its nodes are called beside their names."""
    return Network(Node(row.stage, row.reads, row.name) for row in rows)


def is_plain(network: Network) -> bool:
    """Whether a network is listed by its stages alone: a chain, and no node has a name."""
    return network.is_chain and all(node.name is None for node in network)


def listed(network: Network) -> list[Listed]:
    """The nodes, in order.

    Examples
    --------
    >>> from cnnfilter.network.grammar import parse
    >>> [tuple(each) for each in listed(parse("relu:as=x,tanh:as=y,from:x,abs,add:y"))][2:]
    [('3', '', 'abs', 'x'), ('4', '', 'add:y', '')]
    """
    names = network.names()
    found = []
    for number, (node, text) in enumerate(zip(network, stage_texts(network), strict=True)):
        reads = "" if number - 1 in node.reads else shortened(names[node.reads[-1]])
        found.append(Listed(str(number + 1), shortened(node.name or ""), shortened(text), reads))
    return found


def stage_texts(network: Network) -> list[str]:
    """The stages in the stage language, with what they join and without names."""
    names = network.names()
    joined = (joined_names(node, number - 1, names) for number, node in enumerate(network))
    return [written(node._replace(name=None), each) for node, each in zip(network, joined, strict=True)]


def columns(network: Network) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """The headers and the cells of a table of nodes, without the columns that are empty."""
    rows = listed(network)
    kept = [place for place, cells in enumerate(zip(*rows, strict=True)) if any(cells)]
    return tuple(HEADERS[place] for place in kept), [tuple(row[place] for place in kept) for row in rows]
