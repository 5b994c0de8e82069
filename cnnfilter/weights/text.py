"""The arrays in a weight file that is text: `.json`, `.csv` and `.txt`. See `weights.files` for what holds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import numpy as np

from cnnfilter.errors import KernelError
from cnnfilter.messages import quoted
from cnnfilter.text.files import decoded
from cnnfilter.text.numbers import read_tables
from cnnfilter.weights.archives import MAX_MEMBERS
from cnnfilter.weights.files import Member

if TYPE_CHECKING:
    import numpy.typing as npt

MAX_TEXT = 16 << 20
"""The longest text; larger weights belong in a `.npz`."""

MAX_VALUES = 2_000_000
"""The most numbers, lists and objects in JSON, each of which takes Python up to 100 bytes, however short its text."""

MAX_NAME = 1000
"""Characters of the longest name of an array in JSON, with those of the objects around it."""


def _text(stream: IO[bytes], size: int) -> str:
    if size > MAX_TEXT:
        msg = f"it has {size} bytes, at most {MAX_TEXT} are read as text; save it as .npy or .npz"
        raise KernelError(msg)
    try:
        return decoded(stream.read(size))
    except UnicodeDecodeError:
        msg = "it is no text in UTF-8 or UTF-16"
        raise KernelError(msg) from None


def read_table(stream: IO[bytes], size: int, path: Path) -> list[Member]:
    """The one matrix of a `.csv` or `.txt` file; `text.numbers` has the rules."""

    def check(heights: list[int], columns: int) -> None:
        if len(heights) > 1:  # two matrices must not become one
            msg = f"empty lines part it into {len(heights)} tables; a file of weights holds one"
            raise KernelError(msg)

    (matrix,) = read_tables(_text(stream, size), check)
    return [Member("", matrix.shape, "float64", numeric=True, read=lambda: matrix)]


def read_json(stream: IO[bytes], size: int, path: Path) -> list[Member]:
    """The arrays of a `.json` file: a nested list, or an object of nested lists by name.

    An object within an object is a layer, `conv1.weight`. Values that are text or null describe, and are passed over.
    """
    import json  # most kernels come from no file

    text = _text(stream, size)
    if sum(map(text.count, ",[{")) > MAX_VALUES:
        msg = f"it holds more than {MAX_VALUES} numbers and lists, too many to read as text; save it as .npy or .npz"
        raise KernelError(msg)
    if text.count('"') > 4 * MAX_MEMBERS:  # a name and a text for each
        msg = f"it holds too many names for weights (at most {MAX_MEMBERS} arrays)"
        raise KernelError(msg)
    # As floats, integers of any length are harmless: too long ones become infinite, which is refused.
    try:
        found = json.loads(text, parse_int=float, object_pairs_hook=_object)
    except json.JSONDecodeError as error:
        msg = f"it is not JSON, or damaged or cut off: line {error.lineno}, column {error.colno} cannot be read"
        raise KernelError(msg) from None
    if isinstance(found, list):
        return [_member("", found)]
    if not isinstance(found, dict):
        msg = "it must hold a nested list, or an object of nested lists by name"
        raise KernelError(msg)
    return list(_members("", found))


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object, none of whose values is lost because another one has its name."""
    found = dict(pairs)
    if len(found) < len(pairs):
        (twice, _), *_ = Counter(name for name, _ in pairs).most_common(1)
        msg = f"it holds two values of the name {quoted(twice)}"
        raise KernelError(msg)
    return found


def _members(prefix: str, found: dict[str, Any]) -> Iterator[Member]:
    for key, value in found.items():
        name = prefix + key
        if len(name) > MAX_NAME:
            msg = f"its name {quoted(name)} is longer than {MAX_NAME} characters"
            raise KernelError(msg)
        if isinstance(value, dict):
            yield from _members(f"{name}.", value)
        elif not isinstance(value, str | None):
            yield _member(name, value)


def _member(name: str, nested: Any) -> Member:
    shape: list[int] = []
    first = nested
    while isinstance(first, list | tuple):
        shape.append(len(first))
        first = first[0] if first else 0.0
    numeric = isinstance(first, int | float) and not isinstance(first, bool)
    return Member(name, tuple(shape), type(first).__name__, numeric, lambda: _array(nested, shape))


def _array(nested: Any, shape: list[int]) -> npt.NDArray[np.generic]:
    values = [nested]
    for length in shape:
        if any(not isinstance(value, list | tuple) or len(value) != length for value in values):
            msg = "its lists differ in length or in depth"
            raise KernelError(msg)
        values = [item for value in values for item in value]
    for value in values:
        if isinstance(value, bool) or not isinstance(value, int | float):
            msg = f"it holds {quoted(value)} where a number must stand"
            raise KernelError(msg)
    return np.array(values, dtype=np.float64).reshape(shape)
