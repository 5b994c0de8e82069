"""The names of classes that come with a network's file, or in a file of their own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from cnnfilter.addresses.address import located, text_of
from cnnfilter.errors import ArgumentError
from cnnfilter.messages import listed, nearest, quoted, readable, why_no_file, without_secrets
from cnnfilter.network.graph import Network
from cnnfilter.text.files import decoded
from cnnfilter.weights.kinds import is_there

MAX_LABELS = 1 << 22
"""The largest file of labels, in bytes: ImageNet's thousand take some 20,000."""


class Labels(NamedTuple):
    """Names, and the file that they are from."""

    names: tuple[str, ...]
    file: str


def offered_labels(network: Network) -> Labels | None:
    """The names that come with a network's file: those of `STEM.labels.txt` beside it, or else its own.

    Of several files, the last.

    Raises
    ------
    CnnfilterError
        As `read_labels`, or where nobody can tell whether there is one.
    """
    group = next((node.group for node in reversed(network) if node.group is not None and node.group.path), None)
    if group is None or group.path is None:
        return None
    path = located(group.path)
    beside = path.with_name(f"{path.stem}.labels.txt")
    if is_there(beside):
        return Labels(read_labels(text_of(beside)), str(beside))
    return Labels(group.labels, group.path) if group.labels else None


def read_labels(name: str) -> tuple[str, ...]:
    """Read labels from a text file, also at an address, one a line; empty lines at its end do not count.

    Raises
    ------
    ArgumentError
        If it cannot be read, is no text in UTF-8 or UTF-16, or holds none.
    """
    from cnnfilter.addresses.copies import file_at  # most runs name no labels

    data, shown, where = b"", without_secrets(name), located(name)
    try:
        file = file_at(where)
        reason = why_no_file(file)  # a pipe would be waited for
        if reason is None:
            with file.open("rb") as stream:
                data = stream.read(MAX_LABELS + 1)
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        reason = getattr(error, "strerror", None) or str(error)
    if reason is not None:
        msg = f"labels '{shown}': {reason}"
        raise ArgumentError(msg)
    if len(data) > MAX_LABELS:
        msg = f"labels '{shown}': larger than a file of labels may be ({MAX_LABELS} bytes)"
        raise ArgumentError(msg)
    try:
        labels = [line.strip() for line in decoded(data).rstrip().splitlines()]
    except UnicodeDecodeError:
        msg = f"labels '{shown}': no text in UTF-8 or UTF-16"
        raise ArgumentError(msg) from None
    if not labels:
        msg = f"labels '{shown}': it holds none"
        raise ArgumentError(msg)
    return tuple(labels)


def number_of(name: str, names: Sequence[str]) -> int:
    """The number of a class, counted from 0, by its name.

    Raises
    ------
    ArgumentError
        If none of the classes is called so; with the nearest names.
    """
    if name in names:
        return names.index(name)
    msg = f"unknown class {quoted(name)}{nearest(name, names)} (known: {listed(names)})"
    raise ArgumentError(msg)


def number_among(name: str, network: Network, count: int) -> int:
    """The number of one of a network's classes, counted from 0, by the name that comes with its file.

    Raises
    ------
    ArgumentError
        If there are no names, not as many as `count`, or none is this one; or as `read_labels`.
    """
    labels = offered_labels(network)
    if labels is None:
        msg = f"target {quoted(name)} is no number of a class, and the network brings no names of any"
        raise ArgumentError(msg)
    if len(labels.names) != count:
        known = f"{readable(labels.file)} holds {len(labels.names)} labels for {count} results"
        msg = f"target {quoted(name)} is no number of a class, and {known}"
        raise ArgumentError(msg)
    return number_of(name, labels.names)
