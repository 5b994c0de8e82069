"""A Keras file as a network."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import IO, Any

from cnnfilter.errors import KernelError
from cnnfilter.messages import quoted
from cnnfilter.models.keras import assign, graph, hdf5
from cnnfilter.models.keras.build import Builder, Lost, NeedsMapsError, Tensor, Value
from cnnfilter.models.keras.config import MAX_TEXT, Config, read_config
from cnnfilter.models.keras.store import KIND, WEIGHTS, Stamp, Store, member
from cnnfilter.models.model import Model
from cnnfilter.network.graph import INPUT
from cnnfilter.sizes import LARGEST
from cnnfilter.weights.archives import open_zip

ZIP = b"PK"


def read_model(path: Path) -> Model:
    """The network in a file, `.keras` or `.h5` by its content.

    Raises
    ------
    KernelError
        If it cannot be used.
    MissingExtraError
        If the `h5py` library is needed and not installed.
    """
    stamp = Stamp.of(path)
    with path.open("rb") as stream:
        begin = stream.read(len(hdf5.SIGNATURE))
        if begin.startswith(ZIP):
            return _read_zip(path, stamp, stream)
        if begin == hdf5.SIGNATURE:
            return _read_hdf5(path, stamp, stream)
    msg = "damaged, or not a file that Keras saved: it is neither a zip nor HDF5"
    raise KernelError(msg)


def _read_zip(path: Path, stamp: Stamp, stream: IO[bytes]) -> Model:
    with open_zip(stream, stamp.size, KIND) as archive:
        told, about = (_configuration(archive, name, stamp.size) for name in ("config.json", "metadata.json"))
        member(archive, WEIGHTS, stamp.size)
    model = graph.read_model(told)
    assign.by_count(model)
    return _network(model, Store(path, stamp), about.get("keras_version"))


def _configuration(archive: zipfile.ZipFile, name: str, size: int) -> Config:
    info = member(archive, name, size)
    if info.file_size > MAX_TEXT:
        msg = f"{name} has {info.file_size} bytes, at most {MAX_TEXT} are read"
        raise KernelError(msg)
    return read_config(archive.read(info).decode("utf-8", "replace"))


def _read_hdf5(path: Path, stamp: Stamp, stream: IO[bytes]) -> Model:
    contents = hdf5.describe(stream, 0, stamp.size, (assign.GROUP,))
    told = contents.texts.get("model_config")
    if told is None:
        msg = "it holds weights alone, and does not tell their network; save it whole: model.save('net.keras')"
        raise KernelError(msg)
    model = graph.read_model(read_config(told))
    assign.by_name(model, contents.orders)
    return _network(model, Store(path, stamp, contents), contents.texts.get("keras_version"))


def _network(model: graph.Model, store: Store, version: object) -> Model:
    major = 3 if str(version).startswith("3") else 2
    told = graph.sizes(model)
    names = [name for name, _ in told]
    given = _input(*told[0])
    inputs: list[Value] = [
        given,
        *(Lost(f"it reads the input {quoted(name)}, and one input is run") for name in names[1:]),
    ]
    try:
        builder = Builder(store, major, keeps_maps=False)
        results = graph.expand(builder, model, inputs)
    except NeedsMapsError:
        builder = Builder(store, major, keeps_maps=True)
        results = graph.expand(builder, model, inputs)
    network, outputs = builder.finished(results)
    notes = []
    if len(outputs) > 1:
        others = ", ".join(map(quoted, outputs[1:]))
        notes.append(f"its result is {quoted(outputs[0])}; --node gives the others: {others}")
    if any(isinstance(each, Tensor) and each.order for each in results):
        notes.append("what it gives is flattened in the order C, H, W; Keras has it in the order H, W, C")
    if len(names) > 1:
        others = ", ".join(map(quoted, names[1:]))
        notes.append(f"its input is {quoted(names[0])}; it has others too, of which nothing is run: {others}")
    return Model(network, given.size, tuple(names), outputs, notes=tuple(notes))


def _input(name: str, told: Any) -> Tensor:
    """What a network is given, by the shape that its file tells, that of the batch included."""
    if not isinstance(told, list) or not 2 <= len(told) <= 4 or not all(each is None or _fits(each) for each in told):
        msg = f"its input {quoted(name)} is told to be {quoted(told)}, which is no picture, nor a vector"
        raise KernelError(msg)
    if told[-1] is None and len(told) in (2, 4):
        msg = f"its input {quoted(name)} may have any number of {'values' if len(told) == 2 else 'channels'}"
        raise KernelError(msg)
    axes = tuple(told[1:])
    return Tensor(INPUT, (*axes, 1) if len(axes) == 2 else axes, len(axes))


def _fits(length: object) -> bool:
    return isinstance(length, int) and not isinstance(length, bool) and 1 <= length <= LARGEST
