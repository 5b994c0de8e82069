"""The decorator that compiles a loop, and the cache that may never stop a run."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

import numba
from numba.core import caching

FASTMATH = {"nsz", "arcp", "contract", "afn"}
"""LLVM's fast-math flags but for those that break a promise: under `nnan` and `ninf` a test for NaN is compiled
away, and under `reassoc` the groups in which sums are added, which bound their error, are undone."""


class _ForgivingCache(caching.FunctionCache):  # type: ignore[misc]  # Numba has no types
    """Numba's cache on disk, whose failures cost a compilation and nothing else.

    Numba lets a truncated or unreadable entry and a full disk end the caller's run.
    """

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        try:
            return super().load_overload(sig, target_context)
        except Exception:  # whatever unpickling a damaged file raises
            return None

    def save_overload(self, sig: Any, data: Any) -> None:
        try:
            super().save_overload(sig, data)
        except Exception:  # full, read-only, vanished: the compiled code is in memory all the same
            return


def loop(function: Callable[..., Any]) -> Any:
    """Compile `function` at its first call for each set of types, without holding the GIL."""
    compiled = numba.njit(nogil=True, fastmath=FASTMATH, error_model="numpy")(function)
    if isinstance(compiled, numba.core.dispatcher.Dispatcher):  # a plain function under NUMBA_DISABLE_JIT
        with contextlib.suppress(RuntimeError):  # neither the package's folder nor the user's can be written
            compiled._cache = _ForgivingCache(function)
    return compiled
