"""Operations on words of memory that threads share, and calls of machine code by its address.

As those on lanes, each is defined twice: what it means, which runs where Numba is switched off, and the instructions.
A word is an int64 at an address that is a multiple of eight.
"""

from __future__ import annotations

import ctypes
import threading
import time

from llvmlite import ir
from numba.core import cgutils
from numba.types import Integer, int64

from cnnfilter.engine.lanes.lowering import lowered, nothing

ORDER = "seq_cst"
"""All threads see the changes of all words in one order."""

_lock = threading.Lock()  # makes Python's two steps one


def word(address):
    """The word at an address."""
    return ctypes.c_int64.from_address(int(address)).value


def put_word(address, value):
    """Store a word."""
    ctypes.c_int64.from_address(int(address)).value = value


def exchange(address, known, value):
    """Store a word if the one there is `known`; return whether it was."""
    with _lock:
        found = word(address) == known
        if found:
            put_word(address, value)
        return found


def count_up(address):
    """Add one to a word; return what it was."""
    with _lock:
        value = word(address)
        put_word(address, value + 1)
        return value


def call(function, argument):
    """Call what takes one address and returns nothing, both by their addresses."""
    ctypes.CFUNCTYPE(None, ctypes.c_void_p)(int(function))(int(argument))


def pause():
    """Let others go first for some ten nanoseconds."""
    time.sleep(0)


def _address(builder, value):
    return builder.inttoptr(value, value.type.as_pointer())


@lowered(word, lambda _: int64, Integer)
def _lower_word(context, builder, signature, arguments):
    return builder.load_atomic(_address(builder, *arguments), ORDER, 8)


@lowered(put_word, nothing, Integer, Integer)
def _lower_put_word(context, builder, signature, arguments):
    address, value = arguments
    builder.store_atomic(context.cast(builder, value, signature.args[1], int64), _address(builder, address), ORDER, 8)
    return context.get_dummy_value()


@lowered(exchange, lambda *_: int64, Integer, Integer, Integer)
def _lower_exchange(context, builder, signature, arguments):
    address, *numbers = arguments
    both = zip(numbers, signature.args[1:], strict=True)
    known, value = (context.cast(builder, number, kind, int64) for number, kind in both)
    found = builder.cmpxchg(_address(builder, address), known, value, ORDER, ORDER)
    return builder.zext(builder.extract_value(found, 1), known.type)


@lowered(count_up, lambda _: int64, Integer)
def _lower_count_up(context, builder, signature, arguments):
    (address,) = arguments
    return builder.atomic_rmw("add", _address(builder, address), address.type(1), ORDER)


@lowered(call, nothing, Integer, Integer)
def _lower_call(context, builder, signature, arguments):
    function, argument = arguments
    kind = ir.FunctionType(ir.VoidType(), [argument.type])
    builder.call(builder.inttoptr(function, kind.as_pointer()), [argument])
    return context.get_dummy_value()


PAUSES = {"x86_64": ("llvm.x86.sse2.pause", []), "aarch64": ("llvm.aarch64.isb", [15])}
"""Each processor's instruction to wait for a moment, with what it takes. ARM's `yield` ends at once on most."""


@lowered(pause, nothing)
def _lower_pause(context, builder, signature, arguments):
    name, numbers = PAUSES.get(builder.module.triple.partition("-")[0], (None, []))
    if name is not None:
        numbers = [ir.IntType(32)(number) for number in numbers]
        kind = ir.FunctionType(ir.VoidType(), [number.type for number in numbers])
        builder.call(cgutils.get_or_insert_function(builder.module, kind, name), numbers)
    return context.get_dummy_value()
