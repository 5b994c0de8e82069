"""Pickles, read and not run.

A pickle is a program for a stack machine that may import any name and call it. Here its opcodes are walked by a
machine that builds tables, lists, numbers and texts, and looks up what a call means among the few meanings that its
user gives: nothing is imported, nothing of the file is called. What it does not know stays an `Opaque`.

References
----------
https://docs.python.org/3/library/pickletools.html
"""

from __future__ import annotations

import pickletools
from collections.abc import Callable, Mapping, Sized
from dataclasses import dataclass
from typing import IO, Any

from cnnfilter.errors import KernelError
from cnnfilter.messages import quoted

MAX_OPCODES = 2_000_000
"""The most opcodes, each of which takes Python up to 100 bytes. A state dict has some 30 for each array."""

MAX_GLOBAL = 300
"""Characters of the longest name that is imported; it is written anew for each call of what it names."""

MAX_MEMO = 2**32
"""What numbers objects in a pickle; the shorter opcodes cannot say more."""


class Table(list[Any]):
    """A dictionary of a pickle: its keys and values in turn, as they came. Keys are not hashed, and may repeat."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Global:
    """A name that a pickle would import."""

    module: str
    name: str

    def __str__(self) -> str:
        return f"{self.module}.{self.name}"


@dataclass(frozen=True, slots=True, eq=False)
class Opaque:
    """What a pickle would make by calling something that is not known: `origin` tells of what."""

    origin: Any


Meaning = Callable[..., Any]


class Machine:
    """What walks a pickle.

    Parameters
    ----------
    meanings : mapping of str to callable
        What a call of a name means: a function of this program, which gets the arguments that the pickle has.
    persistent : callable, optional
        What stands for an object that is stored beside the pickle, by its key.
    """

    def __init__(self, meanings: Mapping[str, Meaning], persistent: Callable[[Any], Any] | None = None) -> None:
        self._meanings = meanings
        self._persistent = persistent
        self._stack: list[Any] = []
        self._marks: list[int] = []
        self._memo: dict[int, Any] = {}
        self._count = 0

    def run(self, stream: IO[bytes]) -> Any:
        """The object of the pickle that a stream stands before. The stream stands behind it afterwards.

        Raises
        ------
        KernelError
            If it has more opcodes than `MAX_OPCODES`, or one that no such file has.
        Exception
            Whatever a damaged pickle leads to.
        """
        self._stack, self._marks, self._memo, self._count = [], [], {}, 0
        for opcode, argument, _ in pickletools.genops(stream):
            self._charge(1)
            if opcode.name in _LITERALS:
                self._stack.append(argument)
            elif opcode.name in _STEPS:
                _STEPS[opcode.name](self, argument)
            else:
                msg = f"its pickle has the opcode {opcode.name}, which no weights need"
                raise KernelError(msg)
        (result,) = self._stack
        return result

    def _charge(self, count: int) -> None:
        """Count opcodes, and what a call may copy: its arguments may be one long list in each of very many calls."""
        self._count += count
        if self._count > MAX_OPCODES:
            msg = f"its pickle has more than {MAX_OPCODES} opcodes, too many for weights"
            raise KernelError(msg)

    def _charge_call(self, arguments: Any) -> None:
        self._charge(len(arguments))
        self._charge(sum(len(each) for each in arguments if isinstance(each, Sized)))

    def _marked(self) -> list[Any]:
        """Take what lies above the last mark."""
        begin = self._marks.pop()
        taken = self._stack[begin:]
        del self._stack[begin:]
        return taken

    def _call(self, function: Any, arguments: Any) -> Any:
        """What a call means."""
        meaning = self._meanings.get(str(function)) if isinstance(function, Global) else None
        if meaning is None:
            return Opaque(function)
        self._charge_call(arguments)
        return meaning(*arguments)

    # The steps of opcodes

    def _mark(self) -> None:
        self._marks.append(len(self._stack))

    def _pop(self) -> None:
        if self._marks and self._marks[-1] == len(self._stack):
            self._marks.pop()
        else:
            self._stack.pop()

    def _put(self, key: int) -> None:
        if not 0 <= key < MAX_MEMO:
            msg = f"its pickle numbers an object {quoted(key)}"
            raise KernelError(msg)
        self._memo[key] = self._stack[-1]

    def _tuple(self, count: int) -> None:
        self._stack.append(tuple(self._stack.pop() for _ in range(count))[::-1])

    def _extend(self, kind: type[list[Any]], items: list[Any]) -> None:
        """Add to what is on top of the stack; what is added to something opaque is lost."""
        target = self._stack[-1]
        if type(target) is kind:
            target.extend(items)
        elif not isinstance(target, Opaque):
            raise TypeError

    def _extend_by(self, kind: type[list[Any]], count: int) -> None:
        self._extend(kind, [self._stack.pop() for _ in range(count)][::-1])

    def _global(self, module: object, name: object) -> None:
        if not (isinstance(module, str) and isinstance(name, str)):
            raise TypeError
        self._stack.append(_imported(module, name))

    def _reduce(self) -> None:
        arguments, function = self._stack.pop(), self._stack.pop()
        self._stack.append(self._call(function, arguments))

    def _new_with_keywords(self) -> None:
        self._stack.pop()
        self._reduce()

    def _instance(self, name: str) -> None:
        self._stack.append(self._call(_imported(*name.split(" ", 1)), self._marked()))

    def _object(self) -> None:
        function, *arguments = self._marked()
        self._stack.append(self._call(function, arguments))

    def _replace(self, key: Any) -> None:
        """Push what stands for a persistent object."""
        if self._persistent is None:
            self._stack.append(Opaque(key))
            return
        self._charge_call(key)
        self._stack.append(self._persistent(key))


def _imported(module: str, name: str) -> Global:
    if len(module) + len(name) > MAX_GLOBAL:
        msg = f"its pickle imports a name of more than {MAX_GLOBAL} letters"
        raise KernelError(msg)
    return Global(module, name)


_LITERALS = frozenset({
    "INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1", "LONG4", "FLOAT", "BINFLOAT",
    "STRING", "BINSTRING", "SHORT_BINSTRING", "UNICODE", "BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8",
    "BINBYTES", "SHORT_BINBYTES", "BINBYTES8", "BYTEARRAY8",
})  # fmt: skip
"""The opcodes that push their argument."""

_STEPS: dict[str, Callable[[Machine, Any], object]] = {
    "PROTO": lambda machine, _: None,
    "FRAME": lambda machine, _: None,
    "STOP": lambda machine, _: None,
    "NONE": lambda machine, _: machine._stack.append(None),
    "NEWTRUE": lambda machine, _: machine._stack.append(True),
    "NEWFALSE": lambda machine, _: machine._stack.append(False),
    "EMPTY_TUPLE": lambda machine, _: machine._stack.append(()),
    "EMPTY_LIST": lambda machine, _: machine._stack.append([]),
    "EMPTY_SET": lambda machine, _: machine._stack.append([]),
    "EMPTY_DICT": lambda machine, _: machine._stack.append(Table()),
    "TUPLE": lambda machine, _: machine._stack.append(tuple(machine._marked())),
    "TUPLE1": lambda machine, _: machine._tuple(1),
    "TUPLE2": lambda machine, _: machine._tuple(2),
    "TUPLE3": lambda machine, _: machine._tuple(3),
    "LIST": lambda machine, _: machine._stack.append(machine._marked()),
    "FROZENSET": lambda machine, _: machine._stack.append(machine._marked()),
    "DICT": lambda machine, _: machine._stack.append(Table(machine._marked())),
    "APPEND": lambda machine, _: machine._extend_by(list, 1),
    "APPENDS": lambda machine, _: machine._extend(list, machine._marked()),
    "ADDITEMS": lambda machine, _: machine._extend(list, machine._marked()),
    "SETITEM": lambda machine, _: machine._extend_by(Table, 2),
    "SETITEMS": lambda machine, _: machine._extend(Table, machine._marked()),
    "MARK": lambda machine, _: machine._mark(),
    "POP": lambda machine, _: machine._pop(),
    "POP_MARK": lambda machine, _: machine._marked(),
    "DUP": lambda machine, _: machine._stack.append(machine._stack[-1]),
    "PUT": Machine._put,
    "BINPUT": Machine._put,
    "LONG_BINPUT": Machine._put,
    "MEMOIZE": lambda machine, _: machine._put(len(machine._memo)),
    "GET": lambda machine, key: machine._stack.append(machine._memo[key]),
    "BINGET": lambda machine, key: machine._stack.append(machine._memo[key]),
    "LONG_BINGET": lambda machine, key: machine._stack.append(machine._memo[key]),
    "GLOBAL": lambda machine, name: machine._global(*name.split(" ", 1)),
    "STACK_GLOBAL": lambda machine, _: machine._global(*[machine._stack.pop() for _ in range(2)][::-1]),
    "REDUCE": lambda machine, _: machine._reduce(),
    "NEWOBJ": lambda machine, _: machine._reduce(),
    "NEWOBJ_EX": lambda machine, _: machine._new_with_keywords(),
    "INST": Machine._instance,
    "OBJ": lambda machine, _: machine._object(),
    "BUILD": lambda machine, _: machine._stack.pop(),  # attributes, such as the `_metadata` of a state dict
    "PERSID": Machine._replace,
    "BINPERSID": lambda machine, _: machine._replace(machine._stack.pop()),
}
"""What each opcode does, by its name. There are none for extensions and for buffers from elsewhere."""
