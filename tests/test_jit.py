"""Compiling loops: a cache that cannot be read or written costs time and nothing else."""

import numpy as np
import pytest
from numba import config
from numba.core import caching

from cnnfilter.engine import jit


def double(out, x):
    for j in range(out.size):
        out[j] = 2 * x[j]


def run(function):
    out = np.zeros(3)
    function(out, np.arange(3.0))
    return out.tolist()


def broken(*_):
    raise OSError(28, "No space left on device")


def test_a_loop_computes():
    assert run(jit.loop(double)) == [0, 2, 4]


@pytest.mark.parametrize("method", ["load_overload", "save_overload"])
def test_a_broken_cache_stops_nothing(method, monkeypatch):
    monkeypatch.setattr(caching.FunctionCache, method, broken)
    assert run(jit.loop(double)) == [0, 2, 4]


def test_no_place_for_a_cache_stops_nothing(monkeypatch):
    def nowhere(_):
        msg = "cannot cache function: no locator available"
        raise RuntimeError(msg)

    monkeypatch.setattr(jit, "_ForgivingCache", nowhere)
    assert run(jit.loop(double)) == [0, 2, 4]


def test_without_jit_a_loop_is_the_function_itself():
    assert (jit.loop(double) is double) == bool(config.DISABLE_JIT)
