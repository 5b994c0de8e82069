"""What a page embeds: the picture, the stages and their numbers, as data for its scripts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from cnnfilter.engine.geometry import Array
from cnnfilter.imaging.mapping import FULL_SCALE
from cnnfilter.kernels.kernel import KERNELS, get_kernel
from cnnfilter.messages import shortened
from cnnfilter.network.graph import Network
from cnnfilter.network.plan import at_scale, plan
from cnnfilter.page.limits import MOST_MACS, MOST_VALUES
from cnnfilter.page.packing import packed
from cnnfilter.page.records import kernel_record, record


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
    before : str
        The text of the stages that it went through before.
    labels : sequence of str
        The names of the classes, if they are known.
    """

    network: Network
    maps: Array
    name: str
    file: str | None = None
    before: str = ""
    labels: Sequence[str] = ()


def document(given: Given) -> dict[str, Any]:
    """What the page's scripts take: see `Contents` in `scripts/types.js`."""
    count, height, width = given.maps.shape
    rows = at_scale(plan(given.network, (height, width, count)), FULL_SCALE[given.maps.dtype.name])
    groups = list(dict.fromkeys(node.group for node in given.network if node.group is not None))
    stages = []
    for node, row in zip(given.network, rows, strict=True):
        keys, learned = record(row.stage, row)
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
    return {
        "title": f"{shortened(given.network)} on {given.name}",
        "before": given.before,
        "picture": {"name": given.name, "file": given.file, "maps": packed(given.maps)},
        "stages": stages,
        "groups": [{"text": group.text, "stages": group.size_in_nodes} for group in groups],
        "labels": list(given.labels),
        "kernels": [kernel_record(get_kernel(name)) for name in KERNELS],
        "isStatic": False,
        "limits": {"macs": MOST_MACS, "values": MOST_VALUES},
    }
