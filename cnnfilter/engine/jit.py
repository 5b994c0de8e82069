"""Compiling a loop with Numba: at its first call for each set of types, or to object code that can be kept."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Sequence
from typing import Any

import numba
import numpy as np
from numba import types
from numba.extending import intrinsic

from cnnfilter.engine import native

FASTMATH = {"nsz", "arcp", "contract", "afn"}
"""LLVM's fast-math flags but for those that break a promise: under `nnan` and `ninf` a test for NaN is compiled
away, and under `reassoc` the groups in which sums are added, which bound their error, are undone."""

OPTIONS = {"fastmath": FASTMATH, "error_model": "numpy"}
"""How everything is compiled: what is compiled into another function follows the options of that one."""


def loop(function: Callable[..., Any]) -> Any:
    """Compile `function` at its first call for each set of types, without holding the GIL.

    Numba's own cache is not used: it goes stale when another file changes, has no checksum, and lets a damaged
    entry or a full disk end the caller's run. See `native` for what is kept.
    """
    return numba.njit(nogil=True, **OPTIONS)(function)


def part(function: Callable[..., Any]) -> Any:
    """Make `function` a part of those that call it: compiled with them, which takes half the time."""
    return numba.njit(nogil=True, inline="always", **OPTIONS)(function)


@intrinsic
def _pointer(context, address):  # type: ignore[no-untyped-def]  # an address as what `carray` takes
    def build(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        return builder.inttoptr(arguments[0], context.get_value_type(types.voidptr))

    return types.voidptr(types.int64), build


def object_code(function: Any, kinds: Sequence[str]) -> bytes:
    """Compile a loop to a function of one pointer, to its arguments; return its name, a line, and its code.

    Parameters
    ----------
    function : a loop
    kinds : sequence of str
        The types of its arguments, as `native` names them. Each takes eight bytes: a number, or the address of an
        array object, whose data and shape the code finds there itself.

    Raises
    ------
    LookupError
        If the code needs a function that would be missing where Numba is not imported.
    """
    lines = ["def entry(numbers, reals):"]
    arguments: list[str] = []
    namespace = {"loop": part(function.py_func), "carray": numba.carray, "pointer": _pointer, "int64": np.int64}
    for position, kind in enumerate(kinds):
        word = f"carray(numbers, ({len(kinds)},))[{position}]"
        if "[" in kind:
            name, dtype, axes = f"a{position}", kind[: kind.index("[")], int(kind[-2])
            namespace[dtype] = getattr(np, dtype)
            lines.append(f"    {name} = carray(pointer({word} + {native.ARRAY_FIELDS}), (3,), int64)")
            lines.append(f"    {name}_shape = carray(pointer({name}[2]), ({axes},), int64)")
            sizes = ", ".join(f"{name}_shape[{axis}]" for axis in range(axes))
            arguments.append(f"carray(pointer({name}[0]), ({sizes},), {dtype})")
        elif kind == "float64":
            arguments.append(word.replace("numbers", "reals"))
        else:
            arguments.append(f"bool({word})" if kind == "boolean" else word)
    lines.append(f"    loop({', '.join(arguments)})")
    exec("\n".join(lines), namespace)
    words = types.CPointer(types.int64), types.CPointer(types.float64)  # two views of the same
    compiled = numba.cfunc(types.void(*words), **OPTIONS)(namespace["entry"])
    library = compiled._library
    needed = {function.name for function in library._final_module.functions if function.is_declaration}
    missing = [
        name
        for name in sorted(needed.difference(native.UNREACHED))
        if not name.startswith("llvm.") and not hasattr(ctypes.pythonapi, name)
    ]
    if missing:
        msg = f"the code needs {', '.join(missing)}"
        raise LookupError(msg)
    code: bytes = library._get_compiled_object()
    symbol: str = compiled.native_name
    return symbol.encode() + b"\n" + code
