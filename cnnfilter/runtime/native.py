"""Calling a loop: machine code that was compiled before is loaded without importing Numba; else Numba compiles it.

What Numba compiles is kept as object code, which `llvmlite.binding` alone can load: without, filtering a small picture
takes 4.7 times as much of the processors, 1.0 s instead of 0.2. It is called through ctypes, which also lets other
threads run, with a single argument: all that the loop takes, packed (see `convention`).

The store (see `store`) holds a file for each loop and each set of argument types, named by a hash of everything that
the code depends on: the processor and its features, the versions of Numba and llvmlite, and the text of every module
that takes part (whose release is that of cnnfilter).
"""

from __future__ import annotations

import contextlib
import ctypes
import hashlib
import importlib
import importlib.util
import itertools
import os
import platform
import re
import struct
import sys
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from types import FunctionType
from typing import Any, NamedTuple

import numpy as np
from numpy import ndarray

from cnnfilter.runtime import forks, store
from cnnfilter.runtime.convention import ARRAY_FIELDS, UNREACHED, WORDS, flat, kind_of, unreadable
from cnnfilter.runtime.tricks import uses

Run = Callable[[Sequence[Any], list[Any]], None]
"""Runs a loop, given its arguments, and what `flat` makes of them."""


class Later(NamedTuple):
    """A call of machine code that is yet to be made.

    Attributes
    ----------
    function : int
        Its address.
    words : bytes
        What it takes.
    values : list
        The arrays among them, which have to live until then.
    """

    function: int
    words: bytes
    values: list[Any]


PACKAGE = Path(__file__).parents[1]
IMPORTS = re.compile(rb"from cnnfilter\.([\w.]+) import (\([^)]*\)|[^\n#]*)")
NAME = re.compile(rb"\b[a-z_]+\b")
"""What may be a module of what such a line names."""

PLAIN_VARIABLES = ("NUMBA_DISABLE_JIT", "NUMBA_BOUNDSCHECK", "NUMBA_DEBUG", "NUMBA_DEBUGINFO", "NUMBA_OPT")
"""Variables under which the loops are left to Numba: object code would not show what they ask for."""

on_compile: list[Callable[[], None]] = []
"""Called before something is compiled, which takes seconds: a command tells the person who waits."""

_lock = forks.lock()  # held by whoever uses llvmlite and Numba, so that no fork finds their own locks taken


class Loop:
    """A compiled function of `engine.loops`.

    Parameters
    ----------
    module, name : str
        Where it is defined.
    """

    def __init__(self, module: str, name: str) -> None:
        self.module = f"cnnfilter.engine.loops.{module}"
        self.name = name
        self.ready: dict[tuple[Any, ...], Run] = {}

    def __call__(self, *arguments: Any) -> None:
        """Run it. Arrays must be C-contiguous; numbers are those of Python or NumPy; groups hold such."""
        run, values = self._found(arguments)
        run(arguments, values)

    def later(self, *arguments: Any) -> Later | None:
        """The call, to be made by any thread; None where the code is Numba's, and has no address to call."""
        run, values = self._found(arguments)
        return run.later(values) if isinstance(run, Native) else None

    def _found(self, arguments: Sequence[Any]) -> tuple[Run, list[Any]]:
        """What runs it, and what that takes."""
        values = flat(arguments)
        # Of each value what is quick to ask for: a band costs a few of these calls.
        key = tuple([(a.dtype, a.ndim) if type(a) is ndarray else type(a) for a in values])
        run = self.ready.get(key)
        if run is None:
            with _lock:
                run = self.ready.get(key) or self._prepare([kind_of(argument) for argument in arguments])
                self.ready[key] = run
        return run, values

    def _prepare(self, kinds: Sequence[Any]) -> Run:
        if uses("store") and not any(os.environ.get(variable, "0") not in ("", "0") for variable in PLAIN_VARIABLES):
            with contextlib.suppress(Exception):  # any failure of the short way leaves the long one
                if _finds_arrays():
                    return self._load(kinds) or self._compile(kinds)
        function = self._function()
        return lambda arguments, _: function(*arguments)

    def _function(self) -> Callable[..., None]:
        from cnnfilter.runtime import compiler  # which a run that finds its code does without

        compiler.load()
        function: Callable[..., None] = getattr(importlib.import_module(self.module), self.name)
        # as plain Python, too, lanes past the last result are silent about what lies there
        return np.errstate(all="ignore")(function) if isinstance(function, FunctionType) else function

    def _file(self, kinds: Sequence[Any]) -> str:
        key = hashlib.sha256("\n".join([environment(), self.module, self.name, *map(str, kinds)]).encode())
        return f"{self.name}-{key.hexdigest()[:32]}.o"

    def _load(self, kinds: Sequence[Any]) -> Run | None:
        stored = store.read(self._file(kinds))
        return None if stored is None else Native(stored, kinds)

    def _compile(self, kinds: Sequence[Any]) -> Run:
        for tell in list(on_compile):
            with contextlib.suppress(Exception):  # whoever cannot be told loses nothing but the message
                tell()
        loop = self._function()
        from cnnfilter.runtime.jit import object_code  # brings Numba

        code = object_code(loop, kinds)
        function = Native(code, kinds)
        store.write(self._file(kinds), code)
        return function


class Native:
    """What calls the machine code that `jit.object_code` made.

    Parameters
    ----------
    stored : bytes
    kinds : sequence
        Those of the arguments, see `convention.kind_of`.
    """

    def __init__(self, stored: bytes, kinds: Sequence[Any]) -> None:
        name, _, code = stored.partition(b"\n")
        self.address = _load_object(name.decode(), code)
        self.native = ctypes.CFUNCTYPE(None, ctypes.c_char_p)(self.address)
        each = flat(kinds)
        self.pack = struct.Struct("=" + "".join(WORDS.get(kind, "q") for kind in each)).pack
        self.arrays = [position for position, kind in enumerate(each) if kind not in WORDS]

    def __call__(self, _: Sequence[Any], values: list[Any]) -> None:
        """Call it."""
        self.native(self._packed(values))

    def later(self, values: list[Any]) -> Later:
        """The call, to be made later."""
        return Later(self.address, self._packed(values.copy()), values)

    def _packed(self, values: list[Any]) -> bytes:
        """What the code takes; the list is used up."""
        for position in self.arrays:
            array = values[position]
            if not array.flags.c_contiguous:
                raise unreadable(array)
            values[position] = id(array)
        return self.pack(*values)


def _finds_arrays() -> bool:
    """Whether an array object begins as every extension module of NumPy has it: address, axes, shape."""
    array = np.zeros((3, 5))
    address, _, shape = (ctypes.c_int64 * 3).from_address(id(array) + ARRAY_FIELDS)
    return address == array.ctypes.data and list((ctypes.c_int64 * 2).from_address(shape)) == [3, 5]


@cache
def _target() -> Any:
    """LLVM, as llvmlite binds it, and the machine that it makes code for."""
    import llvmlite.binding as llvm

    with contextlib.suppress(RuntimeError):  # newer releases do this by themselves, and refuse it
        llvm.initialize()
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    for name in UNREACHED:
        if not llvm.address_of_symbol(name):  # Numba brings them once it has compiled something
            llvm.add_symbol(name, ctypes.cast(_unreached, ctypes.c_void_p).value)
    return llvm, llvm.Target.from_triple(llvm.get_process_triple()).create_target_machine(jit=True)


_unreached = ctypes.CFUNCTYPE(None)(lambda: None)
_engines: list[Any] = []  # they own the code's memory


def _load_object(name: str, code: bytes) -> int:
    llvm, machine = _target()
    engine = llvm.create_mcjit_compiler(llvm.parse_assembly(""), machine)
    engine.add_object_file(llvm.ObjectFileRef.from_data(code))
    engine.finalize_object()
    _engines.append(engine)
    address: int = engine.get_function_address(name)
    if not address:
        msg = "no function in the object code"
        raise LookupError(msg)
    return address


def sources(package: Path) -> dict[Path, bytes]:
    """The text of each loop's module, and of every module that one of these imports.

    Read from their own lines, so that no constant that a loop takes from anywhere is forgotten.
    """
    texts: dict[Path, bytes] = {}
    seen: set[str] = set()
    waiting = {f"engine/loops/{path.stem}" for path in (package / "engine" / "loops").glob("*.py")}
    while waiting:
        seen |= waiting
        paths = [path for module in waiting if (path := package / f"{module}.py").is_file()]
        texts |= {path: path.read_bytes() for path in paths}
        waiting = set()
        for module, names in IMPORTS.findall(b"\n".join(texts[path] for path in paths)):
            place = module.decode().replace(".", "/")
            waiting |= {f"{each}/__init__" for each in itertools.accumulate(place.split("/"), "{}/{}".format)}
            waiting |= {place, *(f"{place}/{name.decode()}" for name in NAME.findall(names))}
        waiting -= seen
    return texts


@cache
def environment() -> str:
    """Everything that object code depends on, but the loop and its types."""
    llvm, _ = _target()
    numba = importlib.util.find_spec("numba")
    version = Path(str(numba and numba.origin)).with_name("_version.py").read_bytes()
    texts = sources(PACKAGE)
    source = hashlib.sha256(b"\0".join(texts[path] for path in sorted(texts))).hexdigest()
    features = llvm.get_host_cpu_features().flatten()
    numba_version = hashlib.sha256(version).hexdigest()
    return "\n".join(
        [
            platform.machine(),
            sys.version,  # the code refers to functions of Python
            llvm.get_host_cpu_name(),
            features,
            numba_version,
            ".".join(map(str, llvm.llvm_version_info)),
            importlib.import_module("llvmlite").__version__,
            source,
            f"parts={uses('parts')}",
            *(f"{name}={value}" for name, value in sorted(os.environ.items()) if name.startswith("NUMBA_CPU")),
        ]
    )
