"""Which files hold whole networks, and how one is read."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from cnnfilter.errors import KernelError
from cnnfilter.messages import why_no_file
from cnnfilter.weights.kinds import file_of, named_failures

if TYPE_CHECKING:
    from cnnfilter.addresses.address import Where
    from cnnfilter.models.model import Model

READERS = {
    ".onnx": "onnx.converting.read_model",
    ".keras": "keras.reading.read_model",
    ".h5": "keras.reading.read_model",
    ".hdf5": "keras.reading.read_model",
    ".npz": "own.read_model",
    ".safetensors": "own.read_model",
}
"""What of this room reads a file, by its suffix: from a path to a `Model`."""


def load_named(path: str) -> Model | None:
    """The network in a file, or None if by its name it holds none; of files of arrays, by their content.

    Raises
    ------
    KernelError, MissingExtraError
        As for `load`.
    """
    from cnnfilter.models.model import OF_ARRAYS

    name = path
    if "://" in path:
        from cnnfilter.addresses.address import located  # which most texts do without

        name = located(path).name
    name = name.lower()
    if name.endswith(OF_ARRAYS):
        from cnnfilter.models.own import holds_network

        return load(path) if holds_network(file_of(path, _check_name)) else None
    return load(path) if name.endswith(tuple(READERS)) else None


def names_network(path: str) -> bool:
    """Whether a path is that of a network's file by its suffix; of a file of arrays, by its content too.

    Nobody is asked what is at an address: no file of arrays there is one.
    """
    from cnnfilter.models.model import OF_ARRAYS

    if path.lower().endswith(OF_ARRAYS):
        from cnnfilter.models.own import holds_network

        return holds_network(Path(path))
    return path.lower().endswith(tuple(READERS))


def load(path: str | Where) -> Model:
    """The network in a file.

    Parameters
    ----------
    path : str, Path or Address

    Raises
    ------
    KernelError
        If it cannot be used; one line that names it.
    MissingExtraError
        If the library that reads it is not installed.
    ArgumentError
        If the address is refused.
    """
    file = file_of(path, _check_name)
    with named_failures(file):
        if reason := why_no_file(file):  # a pipe would be waited for
            raise KernelError(reason)
        _check_name(file)
        module, _, name = READERS[file.suffix.lower()].rpartition(".")
        model: Model = getattr(import_module(f"cnnfilter.models.{module}"), name)(file)
        return model


def _check_name(path: Where) -> None:
    """Raise a `KernelError` if no network's file has such a name."""
    if path.suffix.lower() not in READERS:
        msg = f"not a file of a network by its name (known: {', '.join(READERS)})"
        raise KernelError(msg)
