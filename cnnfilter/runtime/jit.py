"""Compiling a loop with Numba: at its first call for each set of types, or to object code that can be kept."""

from __future__ import annotations

import ctypes
import itertools
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numba
from llvmlite import ir
from numba import types
from numba.extending import intrinsic
from numba.np import arrayobj

from cnnfilter.runtime.convention import ARRAY_FIELDS, UNREACHED
from cnnfilter.runtime.tricks import uses

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
    """Make `function` a part of those that call it, compiled with them.

    Compiled by itself, the first use of a kernel or a pool takes 1.45 times as much of the processors.
    """
    return numba.njit(nogil=True, inline="always" if uses("parts") else "never", **OPTIONS)(function)


def _type_of(kind: Any) -> Any:
    """Numba's type of a kind of argument."""
    if isinstance(kind, tuple):
        return types.NamedTuple([_type_of(each) for each in kind], type(kind))
    name, _, axes = kind.partition("[")
    return types.Array(getattr(types, name), int(axes[:-1]), "C") if axes else getattr(types, name)


def _reader(known: Sequence[Any]) -> Any:
    """What reads a loop's arguments, of known types, from where `native` packs them."""

    def value(context: Any, builder: Any, kind: Any, words: Iterator[Any]) -> Any:
        if isinstance(kind, types.BaseTuple):
            return context.make_tuple(builder, kind, [value(context, builder, each, words) for each in kind.types])
        word = next(words)
        if kind == types.boolean:
            return builder.icmp_signed("!=", word, word.type(0))
        if kind == types.float64:
            return builder.bitcast(word, context.get_value_type(kind))
        if kind == types.int64:
            return word
        pointer = word.type.as_pointer()
        fields = builder.inttoptr(builder.add(word, word.type(ARRAY_FIELDS)), pointer)
        data = builder.inttoptr(builder.load(fields), context.get_data_type(kind.dtype).as_pointer())
        sizes = builder.inttoptr(builder.load(builder.gep(fields, [word.type(2)])), pointer)
        shape = [builder.load(builder.gep(sizes, [word.type(axis)])) for axis in range(kind.ndim)]
        itemsize = word.type(kind.dtype.bitwidth // 8)
        strides = [itemsize]
        for size in shape[:0:-1]:
            strides.insert(0, builder.mul(strides[0], size))
        array = context.make_array(kind)(context, builder)
        arrayobj.populate_array(array, data, shape, strides, itemsize, None)
        return array._getvalue()

    @intrinsic  # type: ignore[untyped-decorator]  # Numba has no types for mypy
    def read(context: Any, words: Any) -> Any:
        def build(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            (words,) = arguments
            each = (builder.load(builder.gep(words, [ir.IntType(64)(position)])) for position in itertools.count())
            return value(context, builder, signature.return_type, each)

        return types.Tuple(known)(words), build

    return read


def object_code(function: Any, kinds: Sequence[Any]) -> bytes:
    """Compile a loop to a function of one pointer, to its arguments; return its name, a line, and its code.

    Parameters
    ----------
    function : a loop
    kinds : sequence
        Those of its arguments, see `convention.kind_of`.

    Raises
    ------
    LookupError
        If the code needs a function that would be missing where Numba is not imported.
    """
    # Numba joins a function with one that calls it only where its arguments are written out.
    values = ", ".join(f"values[{position}]" for position in range(len(kinds)))
    namespace = {"read": _reader([_type_of(kind) for kind in kinds]), "loop": part(function.py_func)}
    exec(f"def entry(words):\n    values = read(words)\n    loop({values})\n", namespace)
    compiled = numba.cfunc(types.void(types.CPointer(types.int64)), **OPTIONS)(namespace["entry"])
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
