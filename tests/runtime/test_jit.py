"""Compiling loops with Numba."""

import numpy as np
from numba import config

from cnnfilter.runtime import jit


def double(out, x):
    for j in range(out.size):
        out[j] = 2 * x[j]


def test_a_loop_computes():
    out = np.zeros(3)
    jit.loop(double)(out, np.arange(3.0))
    assert out.tolist() == [0, 2, 4]


def test_without_jit_a_loop_is_the_function_itself():
    assert (jit.loop(double) is double) == bool(config.DISABLE_JIT)


def test_flags_keep_what_is_promised():
    assert not {"nnan", "ninf", "reassoc", "fast"} & set(jit.FASTMATH)
