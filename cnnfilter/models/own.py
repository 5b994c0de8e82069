"""Networks in files of our own: their learned numbers by name, and beside them their stages as text.

In a `.npz` the text is one more member, `cnnfilter.json`; in a `.safetensors` it is in what that format keeps for
metadata. Such a file is a state dict too. Of the text only stages are made, which may name no other file.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, NamedTuple

from cnnfilter.errors import ArgumentError, KernelError
from cnnfilter.messages import about, quoted
from cnnfilter.models.model import OF_ARRAYS, Model
from cnnfilter.network.grammar import parse
from cnnfilter.network.graph import IN, LAST, Network, names_of
from cnnfilter.network.groups import with_parameters
from cnnfilter.network.plan import plan
from cnnfilter.network.presets import PRESETS
from cnnfilter.network.stages import Learned, Shape
from cnnfilter.sizes import LARGEST
from cnnfilter.weights.archives import check_zip_member, open_zip
from cnnfilter.weights.parameters import Named, fan_in

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Weights = npt.NDArray[np.float32]

MEMBER = "cnnfilter.json"
KEY = "cnnfilter"
"""Where the text is: the member of a `.npz`, the metadata of a `.safetensors`."""

MAX_TEXT = 4 << 20
"""Bytes of the text: the stages, names of classes and figures of a deep network take some 100,000."""
MAX_LABELS = 100_000
MAX_LABEL = 1000
"""The most classes, and characters of the name of one."""


class Record(NamedTuple):
    """What a file holds beside the numbers.

    Parameters
    ----------
    stages : str
    size : tuple of int, optional
        That of the input: (H, W, C) or (n,), None for a number that may be any.
    labels : tuple of str
        The names of the classes.
    facts : mapping
        What else is told, as JSON holds it: how it was trained, and what was reached.
    """

    stages: str
    size: tuple[int | None, ...] | None = None
    labels: tuple[str, ...] = ()
    facts: Mapping[str, Any] = {}

    def text(self) -> bytes:
        """The record as JSON."""
        told = {"stages": self.stages, "size": self.size, "labels": self.labels, **self.facts}
        return json.dumps(told, allow_nan=False).encode()


def holds_network(path: Path) -> bool:
    """Whether a file by its name and its content is one of ours; not of any that cannot be read."""
    if path.suffix.lower() not in OF_ARRAYS:
        return False
    try:
        return path.is_file() and _text_of(path) is not None
    except Exception:  # as `named_failures` has it: who reads it as something else tells what is wrong
        return False


def read_record(path: Path) -> tuple[Record, dict[str, Any]]:
    """What a file tells of its network, and all else that it tells.

    Raises
    ------
    KernelError
        If it tells nothing, or what cannot be.
    """
    found = _text_of(path)
    if found is None:
        msg = "it holds arrays alone, and does not tell their network; a preset takes them, as PRESET:weights=FILE"
        raise KernelError(msg)
    told = json.loads(found.decode())
    if not isinstance(told, dict):
        msg = f"what it tells of its network is {quoted(told)}"
        raise KernelError(msg)
    stages, size, labels = told.pop("stages", None), told.pop("size", None), told.pop("labels", [])
    if not isinstance(stages, str):
        msg = f"its stages are {quoted(stages)}, which is no text"
        raise KernelError(msg)
    if not (size is None or (isinstance(size, list) and len(size) in (1, 3) and all(map(_fits, size)))):
        msg = f"the size of its input is {quoted(size)}, which is none"
        raise KernelError(msg)
    is_list = isinstance(labels, list) and len(labels) <= MAX_LABELS
    if not (is_list and all(isinstance(each, str) and len(each) <= MAX_LABEL for each in labels)):
        msg = f"its labels are {quoted(labels)}, which are not texts in a list"
        raise KernelError(msg)
    return Record(stages, None if size is None else tuple(size), tuple(labels)), told


def read_model(path: Path) -> Model:
    """The network in a file.

    Raises
    ------
    KernelError, MissingExtraError
        If it cannot be used.
    """
    record, _ = read_record(path)
    with about("its stages: "):
        network = parse(record.stages, names_files=False)
    if any(node.stage.runnable is not None for node in network):
        from cnnfilter.weights.state import load_state  # brings NumPy, which a file that is refused does not need

        state = load_state(path)
        network = with_parameters(network, lambda number, node, stage: Named(state, node.name or str(number + 1)))
    return Model(network, record.size, labels=record.labels)


def named(network: Network) -> Network:
    """A network in which all that learns has a name, by which its numbers are kept: `conv1`, `dense2`."""
    taken = {IN, LAST, *PRESETS, *(name for node in network for name in names_of(node))}
    nodes = []
    count = 0
    for node in network:
        if isinstance(node.stage, Learned) and node.stage.runnable is None and node.stage.learned is not None:
            count += 1
            name = node.name
            while name is None:
                name = f"{node.stage.name}{count}"
                if name in taken:
                    name, count = None, count + 1
            taken.add(name)
            node = node._replace(name=name)
        nodes.append(node._replace(group=None))
    return Network(nodes)


def arrays_of(network: Network, size: Shape | None) -> dict[str, Weights]:
    """The learned numbers of a network, by the names of its nodes, all of which have some.

    Parameters
    ----------
    network : Network
    size : tuple of int, optional
        That of its input, which shapes that a text leaves open follow from.

    Raises
    ------
    CnnfilterError
        If they cannot be read, or a size is needed.
    """
    found = {}
    rows = None if size is None else plan(network, size)
    for number in sorted(network.needed()):
        node = network[number]
        if not isinstance(node.stage, Learned) or node.stage.learned is None:
            continue
        learned = node.stage.learned
        if rows is not None:
            shapes = node.stage.arrays(rows[number].inputs[0])
        else:
            known = {role: learned.shape(role) for role in node.stage.roles}
            shapes = {role: shape for role, shape in known.items() if shape is not None}
            if not shapes:
                msg = f"the numbers of {node.name} depend on the size of the input: give size=(H, W, C)"
                raise ArgumentError(msg)
        fan = fan_in(shapes["weight"]) if "weight" in shapes else None
        for role, shape in shapes.items():
            array = learned.array(role, shape, fan if role == "bias" else None)
            if array is not None:
                found[f"{node.name}.{role}"] = array
    return found


def text_of(network: Network) -> str:
    """The stages of a network that is `named` as text, from which they can be made again without another file.

    Raises
    ------
    ArgumentError
        If that cannot be done.
    """
    bare = Network(
        node._replace(stage=replace(node.stage, learned=None))
        if isinstance(node.stage, Learned) and node.stage.learned is not None
        else node
        for node in network
    )
    text = str(bare)
    with about("these stages cannot be saved in a file of their own: "):
        parse(text, names_files=False)
    return text


def written(suffix: str, arrays: Mapping[str, Weights], record: Record) -> list[bytes | memoryview]:
    """A file, in parts; the same bytes for the same network.

    Raises
    ------
    ArgumentError
        If the suffix is of no such file.
    """
    import numpy as np

    from cnnfilter.npy import archive

    check_suffix(suffix)

    whole = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    return archive(whole, {MEMBER: record.text()}) if suffix.lower() == ".npz" else _safetensors(whole, record)


def check_suffix(suffix: str) -> None:
    """Raise an `ArgumentError` if no file of ours has a name that ends so."""
    if suffix.lower() not in OF_ARRAYS:
        msg = f"a network is written as {' or '.join(OF_ARRAYS)}, not as {quoted(suffix)}"
        raise ArgumentError(msg)


def _safetensors(arrays: Mapping[str, Weights], record: Record) -> list[bytes | memoryview]:
    header: dict[str, Any] = {"__metadata__": {KEY: record.text().decode()}}
    end = 0
    for name, array in arrays.items():
        begin, end = end, end + array.nbytes
        header[name] = {"dtype": "F32", "shape": array.shape, "data_offsets": [begin, end]}
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)  # numbers begin at a multiple of 8
    return [len(text).to_bytes(8, "little") + text, *(array.reshape(-1).view("u1").data for array in arrays.values())]


def _text_of(path: Path) -> bytes | None:
    """The JSON of a file; None if there is none."""
    size = path.stat().st_size
    with path.open("rb") as stream:
        return (_in_zip if path.suffix.lower() == ".npz" else _in_header)(stream, size)


def _in_zip(stream: IO[bytes], size: int) -> bytes | None:
    with open_zip(stream, size, ".npz") as archive:
        if MEMBER not in archive.NameToInfo:
            return None
        info = archive.getinfo(MEMBER)
        check_zip_member(info, size, ".npz")
        _check_length(info.file_size)
        return archive.read(info)


def _in_header(stream: IO[bytes], size: int) -> bytes | None:
    from cnnfilter.weights.files import MAX_SAFETENSORS_HEADER

    length = int.from_bytes(stream.read(8), "little")
    _check_length(length, MAX_SAFETENSORS_HEADER)
    header = json.loads(stream.read(length))
    about_it = header.get("__metadata__") if isinstance(header, dict) else None
    found = about_it.get(KEY) if isinstance(about_it, dict) else None
    return found.encode() if isinstance(found, str) else None


def _check_length(length: int, most: int = MAX_TEXT) -> None:
    if length > most:
        msg = f"what it tells of its network has {length} bytes, at most {most} are read"
        raise KernelError(msg)


def _fits(length: object) -> bool:
    is_whole = isinstance(length, int) and not isinstance(length, bool)
    return length is None or (is_whole and 1 <= length <= LARGEST)  # type: ignore[operator]  # an int by then
