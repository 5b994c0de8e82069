"""State dicts: the arrays of a whole network in one file, by the names that PyTorch gives its parameters."""

from __future__ import annotations

import contextlib
import os
import weakref
from collections import Counter
from collections.abc import Callable, Collection
from pathlib import Path
from typing import TYPE_CHECKING

from cnnfilter.addresses.address import Where, text_of
from cnnfilter.errors import KernelError
from cnnfilter.kernels.arrays import to_float32
from cnnfilter.messages import keys_named, nearest, quoted
from cnnfilter.runtime.forks import lock
from cnnfilter.weights.checkpoints import unwrapped
from cnnfilter.weights.kinds import check_name, file_of, named_failures, open_members
from cnnfilter.weights.parameters import Shape, check_shape

if TYPE_CHECKING:
    from cnnfilter.weights.files import Member
    from cnnfilter.weights.parameters import Weights

COUNTERS = ("num_batches_tracked",)
"""What PyTorch stores beside learned numbers, and nothing needs."""

_known: weakref.WeakValueDictionary[tuple[str, int, int, int, int], State] = weakref.WeakValueDictionary()
_reading = lock()


def load_state(path: str | Where) -> State:
    """The state dict in a file; the same one for all who ask as long as somebody holds it and the file is unchanged.

    Parameters
    ----------
    path : str, Path or Address
        Of a format whose arrays have names.

    Raises
    ------
    KernelError, MissingExtraError
        If it cannot be used; one line that names it.
    """
    from cnnfilter.addresses.copies import address_of

    file = file_of(path, check_name)
    with named_failures(file):
        status = file.stat()
    key = (str(file), status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns)
    state = _known.get(key)
    if state is None:
        with keys_named():  # what asks is the text of a stage
            state = _known[key] = State(file, text_of(address_of(file)))
    return state


class State:
    """The arrays of a file by their names. Headers are read at once, numbers when they are first asked for.

    Parameters
    ----------
    path : Path
    source : str
        What it is called by whoever has it opened again: the path, or an address that it is a copy of.

    Attributes
    ----------
    names : tuple of str
        Without what only counts, and without the prefix that PyTorch's DataParallel puts before each.

    Raises
    ------
    KernelError, MissingExtraError
        If the file cannot be used; one line that names it.
    """

    def __init__(self, path: Path, source: str) -> None:
        self.path, self.source = path, source
        self._arrays: dict[str, Weights] = {}
        self._open()
        self.names = tuple(self._members)

    def _open(self) -> None:
        self._process = os.getpid()
        with named_failures(self.path), contextlib.ExitStack() as stack:
            found = stack.enter_context(open_members(self.path))
            self._members = _by_name(found)
            self.close: Callable[[], object] = weakref.finalize(self, stack.pop_all().close)

    def __reduce__(self) -> tuple[Callable[[str], State], tuple[str]]:
        return load_state, (self.source,)

    def shape(self, name: str) -> Shape | None:
        """The shape of an array, or None if there is none of this name."""
        return self._members[name].shape if name in self._members else None

    def array(self, name: str, shape: Shape) -> Weights:
        """An array.

        Parameters
        ----------
        name : str
        shape : tuple of int
            What it must be.

        Returns
        -------
        ndarray
            float32, C-contiguous and finite.

        Raises
        ------
        KernelError
            If there is none, or of another shape, or it cannot be read or is not of finite real numbers; one line
            that names the file.
        """
        self.check(name, shape)
        return self._read(name)

    def check(self, name: str, shape: Shape, advice: str = "") -> None:
        """Raise a `KernelError` if an array is not there, which `advice` is for, or has another shape or no numbers."""
        with named_failures(self.path):
            if name not in self._members:
                msg = f"there is no array {quoted(name)}{nearest(name, self.names)}{advice}"
                raise KernelError(msg)
            member = self._members[name]
            member.check()
            check_shape(member.label, member.shape, shape)

    def load(self, prefix: str, roles: Collection[str]) -> None:
        """Read the arrays whose names are a prefix and one of some words.

        Raises
        ------
        KernelError
            If there are none, or one cannot be read; one line that names the file.
        """
        found = [name for role in roles if (name := f"{prefix}{role}") in self._members]
        if not found:
            with named_failures(self.path):
                msg = f"there is no array {quoted(f'{prefix}weight')}{nearest(f'{prefix}weight', self.names)}"
                raise KernelError(msg)
        for name in found:
            self._read(name)

    def _read(self, name: str) -> Weights:
        with named_failures(self.path), _reading:
            if self._process != os.getpid():  # a child that was forked would move its parent in the file
                self._open()
            if name not in self._arrays:
                member = self._members[name]
                member.check()  # of arrays that no stage has a shape for
                numbers = member.read()
                self._arrays[name] = to_float32(numbers, member.label, copy=not numbers.flags.writeable)
            return self._arrays[name]


def _by_name(members: list[Member]) -> dict[str, Member]:
    found = {member.name: member for member in members}
    if len(found) < len(members):
        twice, _ = Counter(member.name for member in members).most_common(1)[0]
        msg = f"it holds two arrays of the name {quoted(twice)}"
        raise KernelError(msg)
    if not found:
        msg = "it holds no arrays"
        raise KernelError(msg)
    if "" in found:
        msg = "it holds one array without a name; the arrays of a network are found by theirs, as in a .npz"
        raise KernelError(msg)
    return {name: each for name, each in unwrapped(found).items() if name.rpartition(".")[2] not in COUNTERS}
