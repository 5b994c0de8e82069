"""What a page embeds: the picture, the stages and their numbers, as data for its scripts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from cnnfilter.engine.geometry import Array
from cnnfilter.imaging.mapping import FULL_SCALE
from cnnfilter.kernels.kernel import KERNELS, get_kernel
from cnnfilter.network.graph import Network
from cnnfilter.network.plan import at_scale, plan
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
    labels : sequence of str
        The names of the classes, if they are known.
    """

    network: Network
    maps: Array
    name: str
    labels: Sequence[str] = ()


def document(given: Given) -> dict[str, Any]:
    """What the page's scripts take: see `Contents` in `scripts/types.js`."""
    count, height, width = given.maps.shape
    rows = at_scale(plan(given.network, (height, width, count)), FULL_SCALE[given.maps.dtype.name])
    stages = []
    for row in rows:
        keys, learned = record(row.stage, row)
        stages.append(
            {
                "kind": row.stage.name,
                "name": row.name,
                "reads": [read + 1 for read in row.reads],
                "keys": keys,
                "learned": {name: packed(np.asarray(array)) for name, array in learned.items()},
            }
        )
    return {
        "network": str(given.network),
        "before": "",
        "picture": {"name": given.name, "maps": packed(given.maps)},
        "stages": stages,
        "labels": list(given.labels),
        "kernels": [kernel_record(get_kernel(name)) for name in KERNELS],
    }
