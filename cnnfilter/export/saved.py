"""The learned numbers of a network as a file, by the names that its programs have for them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

from cnnfilter.errors import ArgumentError
from cnnfilter.export.naming import Paths
from cnnfilter.export.program import learned, main_paths
from cnnfilter.network.plan import Row
from cnnfilter.network.stages.base import Learned
from cnnfilter.weights.parameters import fan_in

if TYPE_CHECKING:
    from cnnfilter.weights.parameters import Weights

SUFFIXES = (".npz", ".safetensors")


def learned_arrays(rows: Sequence[Row]) -> dict[str, Weights]:
    """The learned numbers that are known, laid out as PyTorch has them, by the names in its `state_dict()`.

    Raises
    ------
    ArgumentError
        If none are known.
    KernelError, MissingExtraError
        If some are missing or cannot be used.
    """
    import numpy as np

    found: dict[str, Weights] = {}
    known = learned(rows)
    for number, path in sorted(main_paths(rows, Paths()).items()):
        stage, given = rows[number].stage, rows[number].input
        if number not in known or not isinstance(stage, Learned) or stage.learned is None:
            continue
        shapes = stage.arrays(given)
        for role, shape in shapes.items():
            array = stage.learned.array(role, shape, fan_in(shapes["weight"]))
            found[".".join((*path, role))] = np.zeros(shape, np.float32) if array is None else array
    if not found:
        msg = "the network has no learned numbers to write; weights=FILE or random=1 on its stages gives it some"
        raise ArgumentError(msg)
    return found


def is_suitable(path: str) -> bool:
    """Whether a file of such a name is one that `encoded` makes."""
    return path.lower().endswith(SUFFIXES)


def encoded(arrays: dict[str, Weights], path: str) -> list[bytes | memoryview]:
    """Arrays by name as a `.npz` or a `.safetensors` file, by its name; the numbers are not copied.

    Source: https://huggingface.co/docs/safetensors/index#format
    """
    if path.lower().endswith(".npz"):
        from cnnfilter.npy import archive

        return archive(arrays)
    header, end = {}, 0
    for name, array in arrays.items():
        header[name] = {"dtype": "F32", "shape": array.shape, "data_offsets": (end, end + array.nbytes)}
        end += array.nbytes
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    numbers = (array.astype("<f4", copy=False).reshape(-1).view("u1").data for array in arrays.values())
    return [len(text).to_bytes(8, "little"), text, *numbers]
