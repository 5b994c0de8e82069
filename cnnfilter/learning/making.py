"""The network that is trained, from the stages that a person wrote and the classes that the data has."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

from cnnfilter.errors import ArgumentError
from cnnfilter.messages import about, show_shape
from cnnfilter.models.own import named, text_of
from cnnfilter.network.graph import INPUT, Network, Node, names_of
from cnnfilter.network.groups import with_random
from cnnfilter.network.plan import plan
from cnnfilter.network.stages import (
    Conv,
    Crop,
    Dense,
    Flatten,
    GlobalAveragePool,
    Gray,
    Learned,
    Normalize,
    Resize,
    Rgb,
    Shape,
    Softmax,
    Stage,
)

SIZING, COLOURING = (Resize, Crop), (Gray, Rgb)
"""What brings pictures to a size, and to a number of channels."""


class Made(NamedTuple):
    """A network to train.

    Parameters
    ----------
    network : Network
        With the numbers that it begins with; it ends in softmax.
    text : str
        Its stages, as they are saved.
    notes : tuple of str
        What was changed of what the person wrote.
    """

    network: Network
    text: str
    notes: tuple[str, ...]


def made(network: Network, classes: int, seed: int, source: Network | None = None) -> Made:
    """The network for so many classes.

    Parameters
    ----------
    network : Network
        What has numbers keeps them, and begins with these; those of all else are drawn by `seed`.
    classes : int
    seed : int
    source : Network, optional
        A network whose numbers it begins with, where its stages are the same.

    Raises
    ------
    ArgumentError
        If nothing in it learns, or has the numbers of `source`, or what does takes them from a file without their
        sizes.
    """
    nodes = [node._replace(group=None) for node in network]
    _check_files(nodes)
    last = max((number for number in Network(nodes).needed() if _learns(nodes[number])), default=None)
    if last is None:
        msg = "no stage learns: write one of sizes, such as conv:8@3x3, or dense:10"
        raise ArgumentError(msg)
    notes: list[str] = []
    nodes[last] = _telling(nodes, last, classes, notes)
    nodes = _with_ends(nodes, notes)
    if source is not None:
        nodes, count, of = _with_numbers(nodes, source)
        notes.append(f"{count} of {of} stages that learn begin with the numbers that are given")
    found = named(with_random(Network(nodes), seed))
    return Made(found, text_of(found), tuple(notes))


def _check_files(nodes: list[Node]) -> None:
    """Raise an `ArgumentError` if a stage takes its numbers from a file without telling their sizes."""
    for number, node in enumerate(nodes, 1):
        if getattr(node.stage, "file", None) is not None:
            name = node.stage.name
            sizes = "N" if node.stage.takes == "vector" else "N@HxW"
            msg = f"stage {number} ({name}): to learn on, write its sizes: {name}:{sizes}:weights=FILE"
            raise ArgumentError(msg)


def _telling(nodes: list[Node], last: int, classes: int, notes: list[str]) -> Node:
    """The last node that learns, with as many results as there are classes, which is noted."""
    stage = nodes[last].stage
    fresh: Stage | None = None
    if isinstance(stage, Dense) and stage.units != classes:
        fresh = Dense(units=classes, biased=stage.biased)
    elif isinstance(stage, Conv):
        fresh = _of_maps(stage, classes, nodes[last:])
    if fresh is None:
        return nodes[last]
    notes.append(f"stage {last + 1} is {fresh}, not {_without_numbers(stage)}: there are {classes} classes")
    return nodes[last]._replace(stage=fresh)


def _of_maps(stage: Conv, classes: int, behind: list[Node]) -> Conv | None:
    """A convolution of another number of maps where they are averaged in the end, one for each class; else None."""
    if stage.sizes is None or stage.depthwise or stage.groups > 1 or stage.sizes[0] == classes:
        return None
    if not any(isinstance(node.stage, GlobalAveragePool) for node in behind):
        return None
    return replace(stage, sizes=(classes, stage.sizes[1]), learned=None)


def _without_numbers(stage: Stage) -> Stage:
    return replace(stage, learned=None) if isinstance(stage, Learned) else stage


def _with_ends(nodes: list[Node], notes: list[str]) -> list[Node]:
    """Nodes with `normalize` and `softmax` at their ends, unless they are there, which is noted."""
    nodes = _behind(nodes)
    if not any(isinstance(node.stage, Normalize) for node in nodes):
        notes.append("normalize is put first")
        moved = (node._replace(reads=tuple(read + 1 for read in node.reads)) for node in nodes)
        nodes = [Node(Normalize(), (INPUT,)), *moved]
    if not isinstance(nodes[-1].stage, Softmax):
        notes.append("softmax is put last")
        nodes = [*nodes, Node(Softmax(), (len(nodes) - 1,))]
    return nodes


def _behind(nodes: list[Node]) -> list[Node]:
    """Nodes with the softmax behind the flatten, where they end in these two."""
    if len(nodes) < 2:
        return nodes
    *before, softmax, flat = nodes
    are_both = isinstance(softmax.stage, Softmax) and isinstance(flat.stage, Flatten)
    if not are_both or flat.reads != (len(nodes) - 2,):
        return nodes
    return [*before, flat._replace(reads=softmax.reads), softmax._replace(reads=flat.reads)]


def for_any_picture(found: Made, preparing: Network, shape: Shape) -> Made:
    """A network that also takes pictures of other sizes and colours than those that it learns from.

    Parameters
    ----------
    found : Made
    preparing : Network
        Those of its stages that prepare a picture.
    shape : tuple of int
        (H, W, C) of the pictures that they prepared.
    """
    resize, notes = Resize((shape[0], shape[1])), []
    first: list[Stage] = []
    nodes, sizing = (
        [*found.network],
        [number for number, node in enumerate(preparing) if isinstance(node.stage, SIZING)],
    )
    if not sizing:
        first = [resize]
    elif isinstance(stage := nodes[sizing[-1]].stage, Resize) and isinstance(stage.size, int):  # of the shorter side
        fixed = replace(stage, size=resize.size)
        nodes[sizing[-1]] = nodes[sizing[-1]]._replace(stage=fixed)
        notes.append(f"the file has {fixed} for {stage}: it takes pictures of any shape")
    if shape[2] in (1, 3) and not any(isinstance(node.stage, COLOURING) for node in preparing):
        first = [Gray(), *first] if shape[2] == 1 else [*first, Rgb()]  # in the order that takes less time
    if first:
        moved = (node._replace(reads=tuple(read + len(first) for read in node.reads)) for node in nodes)
        nodes = [*(Node(stage, (number - 1,)) for number, stage in enumerate(first)), *moved]
        notes.append(f"the file begins with {','.join(map(str, first))}: it takes any picture")
    network = Network(nodes)
    return Made(network, text_of(network), (*found.notes, *notes))


def _with_numbers(nodes: list[Node], source: Network) -> tuple[list[Node], int, int]:
    """Nodes with the numbers of another network's, those of the same stages by name, or else by place.

    Returns
    -------
    nodes : list of Node
    count, of : int
        How many of how many that learn were given some.

    Raises
    ------
    ArgumentError
        If none were.
    """
    known = [node for node in source if isinstance(node.stage, Learned) and node.stage.learned is not None]
    by_name = {name: node for node in known for name in names_of(node)}
    learning = [number for number, node in enumerate(nodes) if _learns(node)]
    found, count = list(nodes), 0
    for place, number in enumerate(learning):
        node = nodes[number]
        beside = known[place] if place < len(known) else None
        other = by_name.get(node.name, beside) if node.name is not None else beside
        stage = node.stage
        if other is None or not isinstance(other.stage, Learned) or not isinstance(stage, Learned):
            continue
        if replace(other.stage, learned=None) == replace(stage, learned=None):
            found[number] = node._replace(stage=replace(stage, learned=other.stage.learned))
            count += 1
    if not count:
        msg = "no stage that learns is the same in the network that the numbers are to be from, by name or by place"
        raise ArgumentError(msg)
    return found, count, len(learning)


def _learns(node: Node) -> bool:
    """Whether it has learned numbers, or none yet: not kernels that are told."""
    return isinstance(node.stage, Learned) and (node.stage.learned is not None or node.stage.runnable is not None)


def check_result(network: Network, shape: Shape, classes: int) -> None:
    """Raise an `ArgumentError` if what a network makes of such pictures is not one value for each class."""
    with about("the stages do not fit the pictures: "):
        output = plan(network, shape)[-1].output
    if output != (classes,):
        end = f"end them in flatten,dense:{classes}"
        msg = f"the stages end in {show_shape(output)}, and there are {classes} classes; {end}"
        raise ArgumentError(msg)
