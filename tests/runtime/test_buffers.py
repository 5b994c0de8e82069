"""Memory of large arrays goes to later arrays, and never to two at once."""

import gc
import signal
import threading

import numpy as np
import pytest

from cnnfilter import conv2d
from cnnfilter.runtime import buffers
from tests.command import run, save

MEGABYTE = 1 << 20


@pytest.fixture(autouse=True)
def _nothing_kept():
    gc.collect()
    buffers.keep(0)
    buffers.keep(buffers.BLOCKS)
    yield
    buffers._kept.clear()


def address(array):
    return array.__array_interface__["data"][0]


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
def test_an_array_is_as_numpys_own(dtype):
    array = buffers.empty((2, 700, 1000), dtype)
    assert (array.shape, array.dtype) == ((2, 700, 1000), np.dtype(dtype))
    assert array.flags.c_contiguous
    assert array.flags.writeable
    array[...] = 7
    assert (array == 7).all()


def test_memory_goes_to_the_next_array_it_fits():
    first = buffers.empty((3, 1000, 1000), np.uint8)
    place = address(first)
    del first
    assert address(buffers.empty((1000, 2900), np.uint8)) == place


def test_memory_is_not_given_away_while_a_view_is_left():
    first = buffers.empty((3, 1000, 1000), np.uint8)
    view = first[1, ::2].T
    place = address(first)
    del first
    other = buffers.empty((3, 1000, 1000), np.uint8)
    assert address(other) != place
    assert not np.shares_memory(other, view)
    del view
    assert address(buffers.empty((3, 1000, 1000), np.uint8)) == place


@pytest.mark.parametrize("size", [2 * MEGABYTE - 1, 4 * MEGABYTE], ids=["wasted", "too-small"])
def test_memory_that_does_not_fit_is_not_given(size):
    first = buffers.empty((int((2 * MEGABYTE - 1) * buffers.WASTE) + 1,), np.uint8)
    place = address(first)
    del first
    assert address(buffers.empty((size,), np.uint8)) != place


def test_no_more_is_held_than_was_in_use_at_once():
    generator = np.random.default_rng(0)
    held, most = [], 0
    for _ in range(300):
        held.append(buffers.empty((int(generator.integers(MEGABYTE, 6 * MEGABYTE)),), np.uint8))
        in_use = sum(array.base.claim.kept.size for array in held)
        most = max(most, in_use)
        assert in_use + sum(claim.kept.size for claim in buffers._kept) <= most
        while held and generator.random() < 0.6:
            del held[int(generator.integers(len(held)))]


@pytest.mark.parametrize("size", [buffers.SMALLEST - 1, buffers.LARGEST + 1, 0])
def test_small_and_huge_arrays_are_numpys(size):
    array = buffers.empty((size,), np.uint8)
    assert array.flags.owndata
    del array
    assert not buffers._kept


def test_a_few_blocks_are_kept():
    arrays = [buffers.empty((2 * MEGABYTE,), np.uint8) for _ in range(buffers.BLOCKS + 3)]
    del arrays
    assert len(buffers._kept) == buffers.BLOCKS


def test_nothing_is_kept_where_nothing_follows():
    lent = buffers.empty((2 * MEGABYTE,), np.uint8)
    buffers.keep(0)
    del lent
    other = buffers.empty((3 * MEGABYTE,), np.uint8)
    del other
    assert not buffers._kept


def test_what_is_kept_is_given_up_where_memory_ends(monkeypatch):
    kept = [buffers.empty((9 * MEGABYTE,), np.uint8) for _ in range(2)]
    del kept
    numpy_empty, calls = np.empty, []

    def empty(*arguments):
        calls.append(len(buffers._kept))
        if len(calls) == 1:
            raise MemoryError
        return numpy_empty(*arguments)

    monkeypatch.setattr(buffers.np, "empty", empty)
    assert buffers.empty((4 * MEGABYTE,), np.uint8).size == 4 * MEGABYTE
    assert calls == [1, 0]


def test_results_of_calls_are_never_overwritten_by_later_ones():
    pixels = np.random.default_rng(0).integers(0, 256, (600, 700), dtype=np.uint8)
    results = [conv2d(pixels, [[weight]]) for weight in range(1, 9)]
    for weight, result in enumerate(results, 1):
        np.testing.assert_array_equal(result, pixels * np.float32(weight))


def test_threads_never_share_memory():
    wrong = []

    def work(number):
        generator = np.random.default_rng(number)
        held = []
        for turn in range(60):
            array = buffers.empty((int(generator.integers(MEGABYTE, 2 * MEGABYTE)),), np.uint8)
            array[:: 1 << 12] = value = (number * 60 + turn) % 251
            held.append((array, value))
            if len(held) > 3:
                array, value = held.pop(int(generator.integers(len(held))))
                wrong.extend(set(array[:: 1 << 12].tolist()) - {value})

    threads = [threading.Thread(target=work, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="there is no timer")
def test_an_interrupt_is_not_lost_where_an_array_goes():
    """An argument's last use ends in the call that was interrupted, before Python looks for signals."""
    before = signal.signal(signal.SIGALRM, signal.default_int_handler)
    try:
        for _ in range(5):
            arrays = [buffers.empty((2000, 2000), np.float32)]
            arrays[0][...] = 1.5
            with pytest.raises(KeyboardInterrupt):  # noqa: PT012  (the timer may be faster than the call)
                signal.setitimer(signal.ITIMER_REAL, 0.01)
                np.float_power(arrays.pop(), 1.7)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def test_a_single_file_keeps_nothing_and_several_do(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("a.png", "b.png"):
        save(name)
    assert run("apply", "edge", "a.png", "-o", "one.png").exit_code == 0
    assert buffers._kept.maxlen == 0
    assert run("apply", "edge", "a.png", "b.png", "-o", "out/").exit_code == 0
    assert buffers._kept.maxlen == buffers.BLOCKS
