"""The arrays of one layer: which of a file's are meant, and which one is their bias."""

from __future__ import annotations

import contextlib
import itertools
import math
import os
import re
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from cnnfilter.errors import CnnfilterWarning, KernelError
from cnnfilter.kernels.arrays import to_float32
from cnnfilter.kernels.kernel import check_sides
from cnnfilter.messages import about, alternatives, either, nearest, quoted, readable, show_shape
from cnnfilter.weights.files import Member
from cnnfilter.weights.kinds import named_failures, open_members
from cnnfilter.weights.layouts import MAX_WINDOW, readings
from cnnfilter.weights.pairing import Layers, is_vector, read_name

if TYPE_CHECKING:
    import numpy.typing as npt

    Weights = npt.NDArray[np.float32]

    Outputs = Callable[[Member, Member | None], set[int]]

MAX_LISTED = 8
"""The most arrays that a message lists."""

MAX_BESIDE = 20_000
"""The most names in a folder that are looked at for a bias beside its weights."""

_DENSE = re.compile(r"(?<![a-z])(fc|dense|linear|classifier|logits)(?![a-z])", re.IGNORECASE)
"""What frameworks and people call dense layers."""


@dataclass(frozen=True, eq=False)
class Layer:
    """The arrays of a layer as they are in a file.

    Parameters
    ----------
    path : Path
        The file.
    name : str
        That of the array; empty where it has none.
    weight : ndarray
        float32, C-contiguous and finite, in the file's order of axes.
    bias : ndarray, optional
        (n,) float32; one number is for all outputs.
    """

    path: Path
    name: str
    weight: Weights
    bias: Weights | None

    def biases(self, count: int) -> Weights | None:
        """A bias for each of so many outputs, if there is any.

        Raises
        ------
        KernelError
            If there is another number of them.
        """
        if self.bias is None or len(self.bias) == count:
            return self.bias
        if len(self.bias) > 1:
            raise KernelError(_misfit("its bias", f"{len(self.bias)} numbers", str(count)))
        return np.repeat(self.bias, count)


def load_convolution(path: Path, *, array_name: str | None = None, layout: str | None = None) -> Layer:
    """Load the arrays of a convolution.

    Raises
    ------
    KernelError, MissingExtraError
        If the file cannot be used; one line that names it.
    """

    def outputs(weight: Member, bias: Member | None) -> set[int]:
        _refuse_dense(weight, bias)
        found = readings(weight.shape, layout)
        is_matrix = len(weight.shape) == 2 and 1 not in weight.shape
        with about(advice="; a dense layer's matrix is for dense" if is_matrix else ""):
            for each in found:
                check_sides(*each.lengths[2:])
        counts = set()
        for name, _, (filters, inputs, _, _) in found:  # Keras' depthwise convolutions have filters for each input
            counts |= {filters, filters * inputs} if name == "hwio" else {filters}
        return counts

    return _load(path, array_name, ((4,), (2, 3)), outputs)


def load_transposed(path: Path, *, array_name: str | None, layout: str | None, groups: int) -> Layer:
    """Load the arrays of a transposed convolution, whose channels stand where a convolution has its filters.

    Raises
    ------
    KernelError, MissingExtraError
        If the file cannot be used; one line that names it.
    """

    def outputs(weight: Member, bias: Member | None) -> set[int]:
        _refuse_dense(weight, bias)
        found = readings(weight.shape, layout)
        for each in found:
            check_sides(*each.lengths[2:])
        return {each.lengths[1] * groups for each in found}

    return _load(path, array_name, ((4,), (2, 3)), outputs)


def load_dense(path: Path, *, array_name: str | None = None) -> Layer:
    """Load the arrays of a dense layer.

    Raises
    ------
    KernelError, MissingExtraError
        If the file cannot be used; one line that names it.
    """
    return _load(path, array_name, ((2,),), lambda weight, bias: set(weight.shape))


def _refuse_dense(weight: Member, bias: Member | None) -> None:
    """Raise a `KernelError` if a matrix is a dense layer's by its bias or by its name."""
    if len(weight.shape) != 2:
        return
    biases = 1 if bias is None else math.prod(bias.shape)
    told = biases > 1 and biases in weight.shape
    name, (short, long) = read_name(weight.name), sorted(weight.shape)
    named = bool(name.word and _DENSE.search(name.layer)) and 1 < short < long > MAX_WINDOW
    if told or named:
        beside = f" with a bias of {biases} numbers" if told else ""
        msg = f"{weight.label} is {show_shape(weight.shape)}{beside}: that of a dense layer, and no kernel; use dense"
        raise KernelError(msg)


def _load(path: Path, array_name: str | None, dimensions: Sequence[Sequence[int]], outputs: Outputs) -> Layer:
    """Load an array and its bias.

    Parameters
    ----------
    path : Path
    array_name : str, optional
        By its whole name or by its layer's.
    dimensions : sequence of sequences of int
        The numbers of dimensions allowed. Without `array_name`, an array of the first group is preferred to those of
        the next.
    outputs : callable
        Gives the numbers of outputs that weights may have; may refuse their shape before they are read.
    """
    with named_failures(path), open_members(path) as members:
        layers = Layers(members)
        weight = _choose(layers, array_name, dimensions)
        counts = outputs(weight, None)
        # behind a square matrix in a list, as many numbers as it has rows may be another thing
        others = set(weight.shape) if len(weight.shape) == 2 and weight.shape[0] != weight.shape[1] else set()
        bias = layers.bias_of(weight, lambda each: _fits(each, counts | others))
        if bias is not None:
            outputs(weight, bias)
            return Layer(path, weight.name, to_float32(weight.read()), _read_bias(bias, counts))
        if list(layers.members) == [""]:
            return Layer(path, "", to_float32(weight.read()), _bias_beside(path, weight, outputs))
        _tell_unused(path, weight, layers.unused(weight, lambda each: _fits(each, counts)))
        return Layer(path, weight.name, to_float32(weight.read()), None)


def _choose(layers: Layers, array_name: str | None, dimensions: Sequence[Sequence[int]]) -> Member:
    allowed = sorted(number for group in dimensions for number in group)
    if not layers.members:
        msg = "it holds no arrays"
        raise KernelError(msg)
    chosen = _only(layers, dimensions) if array_name is None else layers.named(array_name)
    if chosen is None:
        name = array_name or ""
        msg = f"there is no array {quoted(name)}{nearest(name, layers.members)}; {_listing(layers)}"
        raise KernelError(msg)
    chosen.check()
    if len(chosen.shape) not in allowed:
        wanted = alternatives([f"{number}-D" for number in allowed])
        shape = show_shape(chosen.shape)
        found = f"{len(chosen.shape)}-D ({shape})" if chosen.shape else shape
        of = ", that of a convolution" if len(chosen.shape) in (3, 4) else ""
        msg = f"{chosen.label} is {found}{of}; it must be {wanted}{', or use conv' if of else ''}"
        raise KernelError(msg)
    return chosen


def _only(layers: Layers, dimensions: Sequence[Sequence[int]]) -> Member:
    weights = layers.weights()
    if len(weights) == 1:
        return weights[0]
    for group in dimensions:
        fitting = [each for each in weights if len(each.shape) in group]
        if len(fitting) == 1:
            return fitting[0]
        if fitting:
            break
    msg = f"name the array to use ({either('--kernel-name NAME', 'name=NAME')}); {_listing(layers)}"
    raise KernelError(msg)


def _listing(layers: Layers) -> str:
    if list(layers.members) == [""]:
        return "the file holds one array without a name"
    return f"the file holds {_listed(list(layers.members.values()))}"


def _listed(members: Sequence[Member]) -> str:
    listed = [f"{quoted(each.name)} ({show_shape(each.shape)})" for each in members[:MAX_LISTED]]
    more = f" and {len(members) - MAX_LISTED} more" if len(members) > MAX_LISTED else ""
    return f"{', '.join(listed)}{more}"


# The bias


def _fits(bias: Member, counts: set[int]) -> bool:
    return bias.numeric and is_vector(bias.shape) and math.prod(bias.shape) in counts


def _read_bias(bias: Member, counts: set[int]) -> Weights:
    bias.check()
    if not is_vector(bias.shape) or math.prod(bias.shape) not in {1, *counts}:
        told = alternatives([str(count) for count in sorted(counts)])
        raise KernelError(_misfit(bias.label, show_shape(bias.shape), told))
    return to_float32(bias.read()).reshape(-1)


def _misfit(called: str, shape: str, outputs: str) -> str:
    return f"{called} is {shape}, but there are {outputs} filters or outputs; a bias is one number for each, or for all"


def _tell_unused(path: Path, weight: Member, vectors: Sequence[Member]) -> None:
    if vectors:
        are, hold = ("is", "holds") if len(vectors) == 1 else ("are", "hold")
        _tell(
            path,
            f"{_listed(vectors)} {hold} as many numbers as {quoted(weight.name)} has filters or outputs, and {are} not "
            f"used; its bias would be called {quoted(read_name(weight.name).bias)}",
        )


def _bias_beside(path: Path, weight: Member, outputs: Outputs) -> Weights | None:
    """The bias in a file of its own, `conv1.bias.npy` beside `conv1.weight.npy`; a warning tells where it is from."""
    found = None
    for beside in _biases_beside(path):
        member = None
        try:
            with named_failures(beside), open_members(beside) as members:
                if len(members) != 1:
                    msg = f"it holds {len(members)} arrays"
                    raise KernelError(msg)
                member = members[0]
                bias = _read_bias(member, outputs(weight, None))
        except KernelError as error:
            if member is not None:
                outputs(weight, member)  # it may tell that the weights are a dense layer's
            _tell(path, f"what is beside it by the name of its bias is not used: {error}")
            continue
        if found is None:
            _tell(path, f"its bias is from {readable(beside.name)} beside it")
            found = bias
        else:
            _tell(path, f"{readable(beside.name)} beside it is not used; another file there has its bias")
    return found


def _biases_beside(path: Path) -> list[Path]:
    """The files that are named as the bias of this one's weights; none of an address is looked for."""
    from cnnfilter.addresses.address import Address
    from cnnfilter.addresses.copies import address_of, file_at

    there = address_of(path)
    if isinstance(there, Address):
        return []
    name, suffix = read_name(there.stem), there.suffix.lower()
    return [
        file_at(there.with_name(each.name))
        for each in sorted(_names_beside(path, there))
        if each.suffix.lower() == suffix and each.name != there.name
        if (read := read_name(each.stem)).is_bias and read.layer in (name.layer, name.plain)
    ]


def _names_beside(path: Path, there: Path) -> list[Path]:
    """The files of a folder; of what a worker of a cluster was sent, those that were sent with it."""
    from cnnfilter.addresses.copies import read_files

    if there != path:
        return [Path(each.name) for each in map(Path, read_files()) if each.parent == there.parent]
    with contextlib.suppress(OSError), os.scandir(path.parent) as entries:
        return [Path(entry.name) for entry in itertools.islice(entries, MAX_BESIDE)]
    return []


def _tell(path: Path, note: str) -> None:
    warnings.warn(f"{readable(path)}: {note}", CnnfilterWarning, stacklevel=2)
