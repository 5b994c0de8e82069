"""Single values of arguments, of any kind that means the same: whole numbers, switches, sequences and arrays."""

from __future__ import annotations

import operator
import re
from collections.abc import Collection, Sequence
from os import PathLike
from typing import TYPE_CHECKING, TypeGuard

from cnnfilter.errors import ArgumentError
from cnnfilter.messages import about, nearest, quoted

if TYPE_CHECKING:
    from cnnfilter.addresses.address import Where


def whole_number(value: object, name: str, minimum: int, maximum: int | None = None) -> int:
    """Read a whole number from `minimum` to `maximum`, an integer of any kind or its text.

    Raises
    ------
    ArgumentError
        If it is something else; `name` says in the message what it is.
    """
    if type(value) is int and minimum <= value and (maximum is None or value <= maximum):
        return value  # nearly always; a call reads twenty
    number = None
    try:
        if isinstance(value, str) and re.fullmatch(r"[+-]?\d+", value.strip()):
            number = int(value)
        elif not isinstance(value, (str, bool)):
            number = operator.index(value)  # type: ignore[arg-type]  # a TypeError says what has no index
    except Exception:  # whatever tells that it is no index; int() limits digits
        number = None
    if number is None:
        msg = f"{name} must be a whole number, not {quoted(value)}"
        raise ArgumentError(msg)
    if number < minimum:
        msg = f"{name} must be at least {minimum}, not {quoted(number)}"
        raise ArgumentError(msg)
    if maximum is not None and number > maximum:
        msg = f"{name} must be at most {maximum}, not {quoted(number)}"
        raise ArgumentError(msg)
    return number


def one_of(value: object, name: str, known: Collection[str]) -> str:
    """Read one of some words.

    Raises
    ------
    ArgumentError
        If it is none of them; with the nearest.
    """
    if isinstance(value, str) and value in known:
        return value
    meant = nearest(value, known) if isinstance(value, str) else ""
    msg = f"unknown {name} {quoted(value)}{meant} (known: {', '.join(known)})"
    raise ArgumentError(msg)


def file_path(value: object, name: str = "path") -> Where:
    """Read the path of a file, a text or an object that stands for one, or a text that is its address.

    Raises
    ------
    ArgumentError
        If it is something else, holds a NUL, or is an address that is refused.
    """
    if not isinstance(value, str | PathLike) or "\0" in str(value) or not str(value):
        msg = f"{name} must be the path of a file, not {quoted(value)}"
        raise ArgumentError(msg)
    from cnnfilter.addresses.address import located  # which most values do without

    with about(f"{name}: "):
        return located(value)


def switch(value: object, name: str) -> bool:
    """Read a switch: True or False, or 1 or 0, of any kind.

    Raises
    ------
    ArgumentError
        If it is something else: the text "no" is none, and would be true.

    Examples
    --------
    >>> switch(1, "ceil_mode")
    True
    """
    if type(value).__name__ == "bool":  # NumPy's too
        return bool(value)
    try:
        number = operator.index(value)  # type: ignore[arg-type]  # as in `whole_number`
    except Exception:
        number = None
    if number not in (0, 1):
        msg = f"{name} must be True or False, not {quoted(value)}"
        raise ArgumentError(msg)
    return bool(number)


def listed(value: object) -> object:
    """The numbers of an array as lists, and anything else as it is."""
    return value.tolist() if hasattr(value, "tolist") and hasattr(value, "dtype") else value


def is_sequence(value: object) -> TypeGuard[Sequence[object]]:
    """Whether something is a sequence of values, which text and bytes are not."""
    # what is cheap to tell first: a small convolution asks seven times
    return not isinstance(value, (int, str, bytes, bytearray)) and isinstance(value, (tuple, list, Sequence))
