"""What keeps a child that is forked while other threads work from waiting for a thread that it does not have.

A program may fork at any time, as `multiprocessing` does. The child has the thread that forked and no other; a lock
that another one held stays locked in it for ever.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Generic, TypeVar, overload

if TYPE_CHECKING:
    import threading

Value = TypeVar("Value")


def lock() -> threading.RLock:
    """A lock for the life of the program, which nobody else holds when the process forks: a fork waits for it.

    Whoever holds it may take locks only of modules that are imported here: the last to ask is the first to be
    waited for at a fork, and Numba, which logs, would wait for the logger that the forking thread has by then.
    """
    import logging  # noqa: F401  (see above)
    import threading

    made = threading.RLock()
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(before=made.acquire, after_in_parent=made.release, after_in_child=made.release)
    return made


class lazy(Generic[Value]):
    """`functools.cached_property` as it is from Python 3.12 on: before, it holds a lock for all objects of a class.

    Where two threads ask first, both may compute the value.
    """

    def __init__(self, function: Callable[[Any], Value]) -> None:
        self.function = function
        self.__doc__ = function.__doc__

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    @overload
    def __get__(self, instance: None, owner: type) -> lazy[Value]: ...
    @overload
    def __get__(self, instance: object, owner: type) -> Value: ...
    def __get__(self, instance: object | None, owner: type) -> lazy[Value] | Value:
        if instance is None:
            return self
        value = instance.__dict__[self.name] = self.function(instance)
        return value
