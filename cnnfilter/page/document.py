"""What a page embeds: the picture, the stages and their numbers, as data for its scripts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from cnnfilter.engine.geometry import Array
from cnnfilter.imaging.mapping import FULL_SCALE
from cnnfilter.kernels.kernel import KERNELS, get_kernel
from cnnfilter.messages import shortened
from cnnfilter.network.graph import Network, names_of
from cnnfilter.page.limits import MOST_MACS, MOST_VALUES, check_embedded, check_results, embedded, size_embedded
from cnnfilter.page.packing import packed
from cnnfilter.page.preparing import prepared
from cnnfilter.page.records import kernel_record, record
from cnnfilter.running.schedule import Schedule


class Given(NamedTuple):
    """What a page is made of.

    Parameters
    ----------
    network : Network
    maps : ndarray, (C, H, W) uint8, uint16 or float32
        The picture.
    name : str
        What the picture is called.
    file : str, optional
        Its file, as a command names it.
    labels : sequence of str
        The names of the classes, if they are known.
    whole : Network, optional
        The network that this one is the beginning of, which a command then names with its node.
    static : bool
        Whether results are embedded, and nothing can be changed.
    """

    network: Network
    maps: Array
    name: str
    file: str | None = None
    labels: Sequence[str] = ()
    whole: Network | None = None
    static: bool = False


def document(given: Given) -> dict[str, Any]:
    """What the page's scripts take: see `Contents` in `scripts/types.js`.

    Raises
    ------
    ArgumentError
        If that is more than a page computes or embeds.
    ShapeError, KernelError, MissingExtraError
        If a stage does not fit what arrives, or its weights cannot be read.
    """
    before, rows, network, maps = prepared(given.network, given.maps)
    scale = FULL_SCALE[given.maps.dtype.name]
    check_results(rows, maps.nbytes, static=given.static)
    check_embedded(size_embedded(rows, maps.nbytes, static=given.static))
    groups = list(dict.fromkeys(node.group for node in network if node.group is not None))
    stages: list[dict[str, Any]] = []
    for node, row in zip(network, rows, strict=True):
        keys, learned = record(node.stage, row)
        stages.append(
            {
                "kind": row.stage.name,
                "name": node.name,
                "aliases": node.aliases,
                "group": None if node.group is None else groups.index(node.group),
                "reads": [read + 1 for read in node.reads],
                "keys": keys,
                "learned": {name: packed(np.asarray(array)) for name, array in learned.items()},
            }
        )
    if given.static and (places := embedded(rows)):
        with np.errstate(over="ignore", invalid="ignore"):  # as in `Pipeline.run`
            for number, result in Schedule(rows, places).results(maps, None):
                stages[number]["result"] = packed(result)
    return {
        "title": f"{shortened(given.network)} on {given.name}",
        "before": str(before),
        "whole": None if given.whole is None else str(given.whole),
        "input": next(iter(names_of(before[-1])), None) if before else None,
        "picture": {"name": given.name, "file": given.file, "scale": scale, "maps": packed(maps)},
        "stages": stages,
        "groups": [{"text": group.text, "stages": group.size_in_nodes} for group in groups],
        "labels": list(given.labels),
        "kernels": [kernel_record(get_kernel(name)) for name in KERNELS],
        "isStatic": given.static,
        "limits": {"macs": MOST_MACS, "values": MOST_VALUES},
    }
