"""Which tensors of what a PyTorch file holds are the network's, and what they are called.

A file may hold a state dict; a checkpoint, in which the state dict lies among counters and an optimiser's numbers; some
tensors; or a whole network as a pickled object, which is refused.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeVar

from cnnfilter.errors import KernelError
from cnnfilter.messages import printable, quoted
from cnnfilter.weights.pickles import Global, Opaque, Table
from cnnfilter.weights.tensors import Tensor

Value = TypeVar("Value")

STATE_DICTS = (
    "state_dict", "model_state_dict", "model_state", "model_dict", "model", "net", "network", "weights", "params",
)  # fmt: skip
"""What people call the state dict of a checkpoint, the likeliest first."""

_TRAINING = re.compile(r"optimi[sz]er|\boptim(?![a-z])|scheduler|scaler", re.IGNORECASE)
"""What is in the names of the tables that a checkpoint keeps for the training to go on."""

WRAPPER = "module."
"""What PyTorch's DataParallel puts before each name."""

MAX_DEPTH = 16
"""How deep tables may lie in one another."""

MAX_STEPS = 1_000_000
"""How many values are looked at: tables may hold one another many times, and so be far larger than their file."""

MAX_NAME = 1000
"""Characters of the longest name, with those of the tables around it."""


_STRIDE = 64
"""So many letters of a key are one more value to look at: what reads keys takes time by their length."""

_TOO_DEEP = f"its tables lie more than {MAX_DEPTH} deep, or a name has over {MAX_NAME} letters"


class Search:
    """A look for tensors in what a pickle holds, which ends even where that is endless."""

    def __init__(self) -> None:
        self.steps = 0

    def tensors(self, value: Any, prefix: str = "", depth: int = 0) -> Iterator[tuple[str, Tensor]]:
        """The tensors in a value and their names, `layer.weight` of a table within a table.

        Raises
        ------
        KernelError
            If there is too much, too deep.
        """
        if isinstance(value, Tensor):
            yield prefix, value
            return
        for key, each in self.entries(value):
            if isinstance(each, Tensor | list | tuple):
                name = f"{prefix}.{key}" if prefix else key
                if depth == MAX_DEPTH or len(name) > MAX_NAME:
                    raise KernelError(_TOO_DEEP)
                yield from self.tensors(each, name, depth + 1)

    def entries(self, value: Any) -> Iterator[tuple[str, Any]]:
        """The entries of a table by their keys as text, or of a list by their places; of anything else none.

        Raises
        ------
        KernelError
            If there are too many, or a key is too long of what may be a tensor or hold some. Others are passed over.
        """
        pairs: Iterator[tuple[Any, Any]] = iter(())
        if isinstance(value, Table):
            turns = iter(value)  # not its halves: who asks may stop at the first entry of a long table
            pairs = zip(turns, turns, strict=True)
        elif isinstance(value, list | tuple):
            pairs = iter(enumerate(value))
        for key, each in pairs:
            self._step()
            if isinstance(key, str) and len(key) > MAX_NAME:
                if isinstance(each, Tensor | list | tuple):
                    raise KernelError(_TOO_DEEP)
            elif isinstance(key, str) or (isinstance(key, int) and -(2**63) <= key < 2**63):
                name = str(key)
                self._step(len(name) // _STRIDE)
                yield name, each

    def _step(self, count: int = 1) -> None:
        self.steps += count
        if self.steps > MAX_STEPS:
            msg = f"its tables hold more than {MAX_STEPS} values, counted as often as they are named"
            raise KernelError(msg)


def state_dict(root: Any, path: Path, *, is_script: bool = False) -> dict[str, Tensor]:
    """The tensors of a network by their names.

    Parameters
    ----------
    root : object
        What a pickle holds.
    path : Path
        Of the file, for the command that a message advises.
    is_script : bool
        Whether the file is a TorchScript program.

    Raises
    ------
    KernelError
        If there are none, as in a pickled network, or two of one name.
    """
    search = Search()
    found: dict[str, Tensor] = {}
    for name, tensor in search.tensors(_network(search, root)):
        if name in found:
            msg = f"it holds two tensors of the name {quoted(name)}"
            raise KernelError(msg)
        found[name] = tensor
    if not found:
        for place, each in [("", root), *search.entries(root)]:
            if isinstance(each, Opaque):
                _refuse(each, place, path, is_script)
    return unwrapped(found)


def unwrapped(found: dict[str, Value]) -> dict[str, Value]:
    """Arrays by their names without the prefix that PyTorch's DataParallel puts before each, if it did.

    Examples
    --------
    >>> unwrapped({"module.conv1.weight": 1, "module.conv1.bias": 2})
    {'conv1.weight': 1, 'conv1.bias': 2}
    """
    is_wrapped = all(name.startswith(WRAPPER) for name in found)
    return {name.removeprefix(WRAPPER): each for name, each in found.items()} if is_wrapped else found


def _network(search: Search, value: Any) -> Any:
    """The state dict in a checkpoint, or what there is without what is of the training."""
    while isinstance(value, Table):
        entries = [(key, each) for key, each in search.entries(value) if not _is_training(key, each)]
        tables = {key: each for key, each in entries if isinstance(each, Table) and any(search.tensors(each))}
        named = [name for name in STATE_DICTS if name in tables]
        chosen = named or [key for key, each in tables.items() if len(tables) == 1 and _is_whole(search, each)]
        if not chosen or any(isinstance(each, Tensor) for _, each in entries):
            return Table(item for entry in entries for item in entry)
        value = tables[chosen[0]]
    return value


def _is_whole(search: Search, table: Table) -> bool:
    """Whether a table is of a whole network by its names, not of one layer."""
    return any("." in key or key in STATE_DICTS for key, _ in search.entries(table))


def _is_training(key: str, value: Any) -> bool:
    return not isinstance(value, Tensor) and bool(_TRAINING.search(key))


def _refuse(whole: Opaque, place: str, path: Path, is_script: bool) -> None:
    """Raise a `KernelError` that tells how to save the state dict of a network that a file holds as an object."""
    kind: Any = whole
    while isinstance(kind, Opaque):
        kind = kind.origin
    if isinstance(kind, Global) and kind.module.split(".")[0] == "numpy":
        msg = f"it holds {'its array' if not place else quoted(place)} as NumPy pickles it; save it with numpy.savez"
        raise KernelError(msg)
    load = "torch.jit.load(sys.argv[1])" if is_script else "torch.load(sys.argv[1], weights_only=False)"
    part = f"[{place!r}]" if place.isidentifier() and place.isascii() else ""
    code = f"import sys, torch; torch.save({load}{part}.state_dict(), sys.argv[2])"
    other = path.with_name(f"{path.stem}-state{path.suffix}")
    command = f'python -c "{code}" {shlex.quote(str(path))} {shlex.quote(str(other))}'
    called = quoted(str(kind)) if isinstance(kind, Global) else "of no known class"
    msg = (
        f"it holds no state dict but a pickled object, {called}, which only its own code can open; where PyTorch and "
        f"that code are, and if you trust the file, save its state dict: {printable(command)}"
    )
    raise KernelError(msg)
