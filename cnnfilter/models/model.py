"""A network from a file."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from cnnfilter.network.graph import Network

OF_ARRAYS = (".npz", ".safetensors")
"""The suffixes of files that may hold numbers alone, and of those of our own that hold a network."""


class Model(NamedTuple):
    """What a file of a whole network holds.

    Parameters
    ----------
    network : Network
        Its nodes have the names that the file gives them. What follows an operation that is not known is left out:
        the last node then is an `Unknown`, which can be neither planned nor run.
    size : tuple, optional
        That of its input: (H, W, C) of maps, (n,) of a vector, None for a number that may be any; None if the file
        does not tell.
    inputs, outputs : tuple of str
        Their names in the file. The first of each are those of the network, unless another output follows from it.
    labels : tuple of str
        The names of its classes, if the file has them.
    notes : tuple of str
        What a person should know of how it was read; one line each.
    """

    network: Network
    size: tuple[int | None, ...] | None = None
    inputs: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
