"""Compiling a loop with Numba: at its first call for each set of types, or to object code that can be kept."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Sequence
from typing import Any

import numba
from numba import types

from cnnfilter.engine.native import UNREACHED

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


def object_code(function: Any, kinds: Sequence[str]) -> bytes:
    """Compile a loop to a function that takes pointers, sizes and numbers; return its name, a line, and its code.

    Parameters
    ----------
    function : a loop
    kinds : sequence of str
        The types of its arguments, as `native` names them: an array becomes its address and its shape.

    Raises
    ------
    LookupError
        If the code needs a function that would be missing where Numba is not imported.
    """
    parameters: list[str] = []
    arguments: list[str] = []
    signature: list[Any] = []
    for position, kind in enumerate(kinds):
        name = f"a{position}"
        parameters.append(name)
        if "[" not in kind:
            arguments.append(name)
            signature.append(getattr(types, kind))
            continue
        dtype, axes = kind[: kind.index("[")], int(kind[-2])
        sizes = [f"{name}_{axis}" for axis in range(axes)]
        parameters += sizes
        arguments.append(f"carray({name}, ({', '.join(sizes)},))")
        signature += [types.CPointer(getattr(types, dtype)), *[types.int64] * axes]
    # Numba takes a function's parameters from its text, so one for each number of them has to be written.
    namespace = {"loop": part(function.py_func), "carray": numba.carray}
    exec(f"def entry({', '.join(parameters)}):\n    loop({', '.join(arguments)})\n", namespace)
    compiled = numba.cfunc(types.void(*signature), **OPTIONS)(namespace["entry"])
    library = compiled._library
    needed = {function.name for function in library._final_module.functions if function.is_declaration}
    missing = [
        name
        for name in sorted(needed.difference(UNREACHED))
        if not name.startswith("llvm.") and not hasattr(ctypes.pythonapi, name)
    ]
    if missing:
        msg = f"the code needs {', '.join(missing)}"
        raise LookupError(msg)
    code: bytes = library._get_compiled_object()
    symbol: str = compiled.native_name
    return symbol.encode() + b"\n" + code
