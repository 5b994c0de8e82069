"""The results of several nodes of a network over each picture: a file for each."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from cnnfilter.errors import ArgumentError
from cnnfilter.imaging.formats import NPY
from cnnfilter.messages import alternatives, readable
from cnnfilter.network.graph import names_of
from cnnfilter.results.chain import ChainTask, planes_of
from cnnfilter.results.limits import check_rows
from cnnfilter.results.task import Task

if TYPE_CHECKING:
    from cnnfilter.imaging.picture import Picture
    from cnnfilter.network.graph import Network
    from cnnfilter.network.plan import Row
    from cnnfilter.network.stages import Shape
    from cnnfilter.results.saving import Encoded

LONGEST = 100
"""The most characters of a node's name in that of a file."""

ALL = "all"
"""Asks for each node that gives maps."""


def asked_nodes(network: Network, asked: Sequence[str], *, arrays: bool) -> dict[int, str]:
    """The nodes that a person asks for, counted from 0, and what their files are called.

    Parameters
    ----------
    network : Network
    asked : sequence of str
        Names or numbers from 1, or `all`.
    arrays : bool
        Whether files hold numbers: then those that give a vector are among all of them.

    Raises
    ------
    ArgumentError
        If there is no such node, two would be called the same, or a vector would be written as a picture.
    """
    if ALL in asked and ALL not in (name for node in network for name in names_of(node)):
        nodes = {number: node.name or str(number + 1) for number, node in enumerate(network)}
        nodes = {number: name for number, name in nodes.items() if arrays or not network.gives_vector(number)}
        if not nodes:
            msg = "no node gives maps; --format npy writes vectors too"
            raise ArgumentError(msg)
        labels = {number: file_label(name) for number, name in nodes.items()}
        while repeated := {label for label, count in Counter(map(str.lower, labels.values())).items() if count > 1}:
            labels = {n: f"{label}-{n + 1}" if label.lower() in repeated else label for n, label in labels.items()}
        return labels
    found = {network.find(name): name for name in reversed(asked)}
    vectors = [readable(found[number]) for number in sorted(found) if network.gives_vector(number)]
    if len(found) > 1 and vectors and not arrays:
        msg = f"{vectors[0]} gives a vector, and no picture; --format npy writes numbers, or ask for it alone"
        raise ArgumentError(msg)
    labels = {number: file_label(found[number]) for number in sorted(found)}
    for label, count in Counter(label.lower() for label in labels.values()).items():
        if count > 1:
            names = [readable(found[number]) for number, each in labels.items() if each.lower() == label]
            msg = f"{alternatives(names, 'and')} would be written under one name, {label}; ask for one by its number"
            raise ArgumentError(msg)
    return labels


def file_label(name: str) -> str:
    """A node's name as a part of a file's.

    Examples
    --------
    >>> file_label("/layer1/conv 1")
    '_layer1_conv_1'
    """
    return re.sub(r"[^A-Za-z0-9._-]", "_", name[:LONGEST])


@dataclass(frozen=True, eq=False, repr=False)
class NodesTask(Task):
    """A network over each picture, of which some nodes' results are written.

    Parameters
    ----------
    tasks : dict of int to ChainTask
        That of each node, counted from 0, in order: the network up to it, shown as it alone would be.
    labels : tuple of str
        What the nodes' files are called.
    """

    tasks: dict[int, ChainTask]
    labels: tuple[str, ...]

    name: str = "chain"

    @property
    def last(self) -> ChainTask:
        """The task of the last node."""
        return self.tasks[max(self.tasks)]

    @property
    def default(self) -> str:
        """An array for floats, and PNG for maps."""
        return NPY if self.saving.floats else "PNG"

    def unshown(self, format: str) -> str | None:
        """The first node's whose result cannot be shown so."""
        pairs = zip(self.labels, self.tasks.values(), strict=True)
        return next((f"{label}: {why}" for label, task in pairs if (why := task.unshown(format))), None)

    def need(self, height: int, width: int, channels: int) -> int:
        """What the largest of the results takes."""
        return max(task.need(height, width, channels) for task in self.tasks.values())

    def plan_for(self, shape: Shape) -> tuple[Row, ...]:
        """The network's plan up to the last node for a picture of a shape (H, W, C)."""
        return self.last.plan_for(shape)

    def transform(self, picture: Picture, threads: int | None = None) -> NodesResult:
        """Plan to run a picture through the network, which the result does; see `ChainTask.transform`.

        Raises
        ------
        CnnfilterError
            As that does.
        """
        rows, notes = self.last.planned(picture)
        for number in self.tasks:
            check_rows(rows[: number + 1], self.max_pixels)
        return NodesResult(self, picture, rows, notes, threads)

    def record(self, outputs: Sequence[str], rows: tuple[Row, ...]) -> dict[str, Any]:
        """All files in a list, and the shape of each node's result."""
        shapes = [rows[number].output for number in self.tasks] if rows else []
        return {"output": outputs or None, "shape": dict(zip(self.labels, shapes, strict=False)) or None}


@dataclass(frozen=True, eq=False, repr=False)
class NodesResult:
    """What a network gives for a picture, node by node.

    Parameters
    ----------
    task : NodesTask
    picture : Picture
    rows : tuple of Row
        The plan up to the last node.
    notes : tuple of str
        What a person should know.
    threads : int, optional
    """

    task: NodesTask
    picture: Picture
    rows: tuple[Row, ...]
    notes: tuple[str, ...]
    threads: int | None

    vector: ClassVar[None] = None

    @property
    def count(self) -> tuple[str, ...]:
        """What the files are called."""
        return self.task.labels

    @property
    def format(self) -> str:
        """An array for floats, and PNG for maps."""
        return self.task.default

    def drawn(self, format: str) -> None:
        """None: a file of several pictures cannot hold those of several nodes."""
        return

    def files(self, format: str) -> Iterator[Encoded]:
        """Encode each node's result as soon as it is there."""
        task = self.task
        nodes = task.last.pipeline.results(planes_of(self.picture), task.tasks, layout="chw", threads=self.threads)
        for label, (number, values) in zip(task.labels, nodes, strict=True):
            for made in task.tasks[number].shown(self.picture, values, self.rows[: number + 1]).files(format):
                yield made._replace(notes=tuple(f"{label}: {note}" for note in made.notes))
