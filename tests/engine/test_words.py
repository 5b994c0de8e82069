"""Operations on words of memory: what is compiled does what their definitions say."""

import ctypes

import numpy as np
import pytest

from cnnfilter.engine.lanes import words
from cnnfilter.runtime.jit import loop


def as_it_is(function):
    return function


@pytest.fixture(params=[as_it_is, loop], ids=["python", "compiled"])
def run(request):
    """Run a function of an address, the first of three words, in one of two ways; return the words that it leaves."""

    def run(function, *arguments):
        memory = np.array([5, 6, 7])
        request.param(function)(memory.ctypes.data, *arguments)
        return memory.tolist()

    return run


def test_loading_and_storing(run):
    def operate(at):
        words.put_word(at + 8, words.word(at) + words.word(at + 16))
        words.put_word(at, -(2**62))

    assert run(operate) == [-(2**62), 12, 7]


def test_a_word_is_exchanged_if_it_is_the_known_one(run):
    def operate(at):
        words.put_word(at + 16, 10 * words.exchange(at, 5, 8) + words.exchange(at + 8, 5, 8))

    assert run(operate) == [8, 6, 10]


def test_counting_up_tells_what_was_there(run):
    def operate(at):
        words.put_word(at + 8, words.count_up(at))
        words.pause()
        words.put_word(at + 16, words.count_up(at))

    assert run(operate) == [7, 5, 6]


def test_a_call_by_its_address(run):
    seen = []
    function = ctypes.CFUNCTYPE(None, ctypes.c_void_p)(seen.append)

    def operate(at, function):
        words.call(function, at)
        words.put_word(at, 0)

    assert run(operate, ctypes.cast(function, ctypes.c_void_p).value) == [0, 6, 7]
    assert len(seen) == 1
