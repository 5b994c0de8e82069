"""What the machine code of loops and those who call it agree on.

The code takes the address of its arguments, each in eight bytes: a number as it is, an array as the address of its
object, and a group, which is a named tuple, as the values that it holds. The code looks into the array objects for
itself: to ask for an address takes 0.8 us, and ctypes 0.2 us for each argument, which would make a max pool of 28x28
values take 1.2 times as long, 55 us.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy import ndarray

WORDS = {"boolean": "?7x", "int64": "q", "float64": "d"}
"""How `struct` packs an argument that is a number, by its kind."""

ARRAY_FIELDS = object.__basicsize__
"""Where in an array object its own fields begin: they follow what every Python object has."""

UNREACHED = (
    "NRT_Free",
    "NRT_MemInfo_call_dtor",
    "numba_do_raise",
    "numba_gil_ensure",
    "numba_gil_release",
    "numba_runtime_build_excinfo_struct",
    "numba_unpickle",
)
"""Functions of Numba's runtime that loops refer to and never call: they free no array, and raise nothing, for
which steps of 0 and slices of other sizes would be needed. A loop that needs any other is not stored."""


def flat(arguments: Iterable[Any]) -> list[Any]:
    """The arguments, and in place of each group what it holds."""
    values: list[Any] = []
    for argument in arguments:
        if isinstance(argument, tuple):
            values += argument
        else:
            values.append(argument)
    return values


def unreadable(array: ndarray[Any, Any]) -> ValueError:
    """The error for an array that the code would misread."""
    msg = f"a loop takes contiguous arrays of native numbers, not {array.dtype.str}, steps {array.strides}"
    return ValueError(msg)


def kind_of(argument: Any) -> Any:
    """The kind of an argument: `uint8[2]` of an array of two axes, a number's name, or a group of kinds."""
    if isinstance(argument, tuple):
        return type(argument)(*map(kind_of, argument))
    if type(argument) is ndarray:
        if not argument.dtype.isnative:
            raise unreadable(argument)
        return f"{argument.dtype.name}[{argument.ndim}]"
    if isinstance(argument, bool | np.bool_):
        return "boolean"
    return "int64" if isinstance(argument, int | np.integer) else "float64"
