"""What a picture goes through before the page's network: the page begins with what `resize` and `crop` gave."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from cnnfilter.engine.geometry import Array
from cnnfilter.imaging.mapping import FULL_SCALE
from cnnfilter.network import stages
from cnnfilter.network.graph import INPUT, Network, Node
from cnnfilter.network.plan import Row, at_scale, plan
from cnnfilter.page.limits import check_results
from cnnfilter.running.schedule import Schedule


class Prepared(NamedTuple):
    """A network, and the picture that it is given.

    Parameters
    ----------
    before : Network
        What the picture went through already.
    rows : tuple of Row
        The plan of the rest, at the scale of the picture as it was given.
    network : Network
        The rest.
    maps : ndarray, (C, H, W)
        Of the type that the picture was given in, where that holds its values as they are; else float32.
    """

    before: Network
    rows: tuple[Row, ...]
    network: Network
    maps: Array


def prepared(network: Network, maps: Array) -> Prepared:
    """A network without the stages that only prepare the picture, and the picture as these leave it.

    They end with the last `resize` or `crop` that stands before anything but these, `gray` and `rgb`.

    Raises
    ------
    ArgumentError
        If they make more of the picture than a page holds.
    ShapeError
        If a stage does not fit what arrives.
    """
    count, height, width = maps.shape
    scale = FULL_SCALE[maps.dtype.name]
    number = _prepares(network)
    before, after = Network(network[:number]), network[number:]
    if number:
        steps = at_scale(plan(before, (height, width, count)), scale)
        check_results([row for row in steps if math.prod(row.output) > maps.size], maps.nbytes, static=True)
        maps = _kept(Schedule(steps).run(maps, None), maps.dtype)
        count, height, width = maps.shape
    rest = Network(node._replace(reads=tuple(max(read - number, INPUT) for read in node.reads)) for node in after)
    return Prepared(before, at_scale(plan(rest, (height, width, count)), scale), rest, maps)


PREPARES = stages.Gray | stages.Rgb | stages.Resize | stages.Crop
"""What may stand before the page's first stage; it begins behind the last that gives another size."""


def _prepares(network: Network) -> int:
    """How many stages prepare the picture."""
    last = 0
    for number, node in enumerate(network):
        if not isinstance(node.stage, PREPARES) or not _leads(network, number):
            break
        if isinstance(node.stage, stages.Resize | stages.Crop):
            last = number + 1
    return last


def _leads(network: Network, number: int) -> bool:
    """Whether all that follows a node depends on what is before by its result alone."""
    node, after = network[number], network[number + 1 :]
    return node.group is None and node.reads == (number - 1,) and all(min(each.reads) >= number for each in after)


def _kept(maps: Array, dtype: np.dtype[Any]) -> Array:
    """Maps in the type of a picture, if that holds them as they are."""
    if dtype.kind != "u":
        return maps
    whole = np.clip(maps, 0, np.iinfo(dtype).max).astype(dtype)
    return whole if np.array_equal(whole, maps) else maps


def shrunk(network: Network, size: tuple[int, int], longest: int | None) -> Network:
    """A network that makes the picture smaller first, if its longer side is longer than told."""
    if longest is None or max(size) <= longest:
        return network
    height, width = (max(1, round(side * longest / max(size))) for side in size)
    first = Node(stages.Resize((height, width)), (INPUT,))
    return Network([first, *(node._replace(reads=tuple(read + 1 for read in node.reads)) for node in network)])
