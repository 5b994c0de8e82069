"""Bands of rows: the same values however a chain is cut and shared, and what happens when one fails."""

import os
import signal
import subprocess
import sys
import threading
import time
import tracemalloc

import numpy as np
import pytest

from cnnfilter.engine import bands, reference
from cnnfilter.engine.activations import relu
from cnnfilter.engine.bands import Chain, available_threads, in_bands
from cnnfilter.engine.geometry import Windows, border_index
from cnnfilter.engine.steps import Convolution, Depthwise, Pointwise, Pooling
from cnnfilter.errors import ArgumentError
from cnnfilter.runtime import helpers
from cnnfilter.runtime.helpers import Helper
from cnnfilter.sizes import Border, parse_border, parse_padding
from tests.oracles import sized


def windows(size, window, stride=1, padding=0, border="zeros", **options):
    return Windows.over(
        size,
        (window, window),
        stride=(stride, stride),
        padding=parse_padding(padding),
        dilation=(1, 1),
        border=parse_border(border),
        **options,
    )


def chain(size, border, filters=2):
    """A chain (conv 3x3, ReLU, overlapping max pool, conv 3x3 with stride, average pool), and its definition."""
    rng = np.random.default_rng(5)
    first, second = rng.normal(size=(filters, 1, 3, 3)), rng.normal(size=(8, filters, 3, 3))
    first, second = first.astype(np.float32), second.astype(np.float32)
    biases = rng.normal(size=8).astype(np.float32)
    steps = [Convolution(first, np.zeros(filters), windows(size, 3, padding=1, border=border))]
    steps.append(Pointwise(relu, steps[-1].shape))
    steps.append(Pooling("max", windows(steps[-1].shape[1:], 3, stride=2, padding=1), filters))
    steps.append(
        Convolution(second, biases, windows(steps[-1].shape[1:], 3, stride=2, padding="2+3x0+1", border=border))
    )
    steps.append(Pooling("avg", windows(steps[-1].shape[1:], 2, stride=2), 8))

    def definition(x):
        maps = reference.relu(reference.conv2d(x, first, padding=1, border=border))
        maps = reference.max_pool2d(maps, 3, stride=2, padding=1)
        maps = reference.conv2d(maps, second, biases, stride=2, padding="2+3x0+1", border=border)
        return reference.avg_pool2d(maps, 2)

    return steps, definition


@pytest.mark.parametrize("border", ["zeros", "constant=2", "replicate", "reflect", "symmetric", "circular"])
@pytest.mark.parametrize("whole_samples", [0, 1 << 22])
@pytest.mark.parametrize("band_samples", [1, 200, 1 << 18])
def test_a_chain_equals_its_definition_however_it_is_cut(border, whole_samples, band_samples, monkeypatch):
    monkeypatch.setattr(bands, "WHOLE_SAMPLES", whole_samples)
    monkeypatch.setattr(bands, "BAND_SAMPLES", band_samples)
    x = np.random.default_rng(6).normal(size=(1, 23, 17)).astype(np.float32)
    steps, definition = chain(x.shape[1:], border)
    result = Chain(steps)(x, threads=2)
    expected = definition(x)
    assert result.dtype == np.float32
    assert result.shape == expected.shape
    np.testing.assert_allclose(result, expected, rtol=1e-4, atol=1e-4)
    np.testing.assert_array_equal(result, Chain(steps)(x, threads=1))


def test_a_combined_kernel_in_a_chain():
    x = np.random.default_rng(7).integers(0, 256, (2, 14, 11), dtype=np.uint8)
    pair = np.array([[[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]], [[-1, -2, -1], [0, 0, 0], [1, 2, 1]]], dtype=np.float32)
    steps = [Depthwise([(pair, "magnitude")], 0.5, windows((14, 11), 3), 2)]
    steps.append(Pooling("sum", windows((12, 9), 3, stride=3), 2))
    each = [reference.conv2d(x.astype(np.float32), one) for one in pair]
    expected = reference.sum_pool2d(np.sqrt(each[0] ** 2 + each[1] ** 2) + 0.5, 3)
    np.testing.assert_allclose(Chain(steps)(x), expected, rtol=1e-5)


def test_large_maps_between_steps_never_exist_whole(monkeypatch):
    monkeypatch.setattr(bands, "WHOLE_SAMPLES", 0)
    monkeypatch.setattr(bands, "BAND_SAMPLES", 2048)
    steps, _ = chain((sized(1600, 160), 60), "zeros", filters=1)
    x = np.ones((1, sized(1600, 160), 60), dtype=np.float32)
    Chain(steps)(x, threads=1)  # what is allocated once
    tracemalloc.start()
    result = Chain(steps)(x, threads=1)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    scratch = 2**17  # of the loops, whatever the size
    assert peak < result.nbytes + scratch + x.nbytes / 2


def test_bands_cover_every_row_once():
    seen = []
    in_bands(10, 3, 2, lambda first, last: seen.append((first, last)))
    assert sorted(seen) == [(0, 3), (3, 6), (6, 9), (9, 10)]


def test_the_first_failure_is_raised_and_stops_the_others():
    calls = []

    def work(first, last):
        calls.append(first)
        time.sleep(0.01)
        if first == 2:
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        in_bands(1000, 1, 2, work)
    count = len(calls)
    assert count < 1000
    time.sleep(0.05)
    assert len(calls) == count  # nothing still runs


def test_an_interrupt_while_waiting_stops_the_other_threads():
    finished, begun = [], threading.Event()

    def work(first, last):
        if threading.current_thread() is threading.main_thread():
            begun.wait()
        else:
            begun.set()
            time.sleep(0.1)  # the main thread waits by now
            signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)
            time.sleep(0.1)
        finished.append(first)

    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job ignores it
    try:
        with pytest.raises(KeyboardInterrupt):
            in_bands(2, 1, 2, work)
    finally:
        signal.signal(signal.SIGINT, before)
    count = len(finished)
    assert count == 2
    time.sleep(0.1)
    assert len(finished) == count  # nothing still runs


def test_helpers_are_used_again(monkeypatch):
    seen = set()

    def work(first, last):
        seen.add(threading.current_thread())
        barrier.wait(10)

    monkeypatch.setattr(helpers, "_idle", [])
    for _ in range(5):
        barrier = threading.Barrier(3)
        in_bands(3, 1, 3, work)
    assert len(seen) == 3


def test_callers_at_the_same_time_have_helpers_of_their_own():
    def work(first, last):
        barrier.wait(10)

    barrier = threading.Barrier(6)
    callers = [threading.Thread(target=in_bands, args=(3, 1, 3, work)) for _ in range(2)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join(10)
    assert not any(caller.is_alive() for caller in callers)


def test_a_helper_that_does_not_begin_is_not_waited_for(monkeypatch):
    helper, seen = Helper(), []
    monkeypatch.setattr(helpers, "_idle", [helper])
    monkeypatch.setattr(helper, "awake", threading.Lock())  # which the thread does not wait for: it never runs
    in_bands(4, 1, 2, lambda first, last: seen.append((first, threading.current_thread())))
    assert seen == [(row, threading.current_thread()) for row in range(4)]
    assert helpers._idle == [helper]


def test_a_helper_works_whether_or_not_it_has_woken_for_what_was_withdrawn():
    helper, seen = Helper(), []
    for turn in range(2000):
        helper.ask(lambda turn=turn: seen.append(turn))
        helper.finish()
        seen.clear()
    helper.ask(lambda: seen.append("last"))
    while not seen:
        time.sleep(0.001)
    helper.finish()
    assert seen == ["last"]


def test_no_more_helpers_than_cores_wait():
    seen = set()

    def work(first, last):
        seen.add(threading.current_thread())
        barrier.wait(10)

    barrier = threading.Barrier(helpers.MOST_IDLE + 4)
    in_bands(helpers.MOST_IDLE + 4, 1, helpers.MOST_IDLE + 4, work)
    assert len(helpers._idle) <= helpers.MOST_IDLE
    end = time.monotonic() + 10
    while sum(thread.is_alive() for thread in seen) > helpers.MOST_IDLE + 1 and time.monotonic() < end:
        time.sleep(0.01)
    assert sum(thread.is_alive() for thread in seen) <= helpers.MOST_IDLE + 1  # and this one


def test_an_interrupt_before_any_work_gives_the_helpers_back(monkeypatch):
    def interrupted(helper, job):
        raise KeyboardInterrupt

    helper = Helper()
    monkeypatch.setattr(helpers, "_idle", [helper])
    monkeypatch.setattr(Helper, "ask", interrupted)
    with pytest.raises(KeyboardInterrupt):
        in_bands(4, 1, 2, lambda first, last: None)
    assert helpers._idle == [helper]


INTERRUPTED = """
import faulthandler, random, signal, threading, time
from cnnfilter.engine.bands import in_bands

def work(first, last):
    end = time.perf_counter() + 2e-5
    while time.perf_counter() < end:
        pass

signal.signal(signal.SIGALRM, signal.default_int_handler)
generator = random.Random(5)
interrupted, end = 0, time.monotonic() + 4
while time.monotonic() < end:
    faulthandler.dump_traceback_later(5, exit=True)
    try:
        signal.setitimer(signal.ITIMER_REAL, generator.random() * 4e-4 + 1e-6)
        in_bands(6, 1, 3, work)
        signal.setitimer(signal.ITIMER_REAL, 0)
    except KeyboardInterrupt:
        interrupted += 1
    try:
        signal.setitimer(signal.ITIMER_REAL, 0)
        time.sleep(5e-4)
    except KeyboardInterrupt:
        pass
assert interrupted > 50, interrupted
"""


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="there is no timer")
def test_interrupts_at_any_moment_leave_nothing_waiting():
    # Not measured by coverage: an interrupt in its own lock leaves it waiting for itself.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE")}
    subprocess.run([sys.executable, "-c", INTERRUPTED], env=environment, check=True)


def test_without_more_threads_the_caller_works_alone(monkeypatch):
    def refuse(thread):
        msg = "can't start new thread"
        raise RuntimeError(msg)

    monkeypatch.setattr(threading.Thread, "start", refuse)
    monkeypatch.setattr(helpers, "_idle", [])
    seen = []
    in_bands(4, 1, 3, lambda first, last: seen.append(first))
    assert seen == [0, 1, 2, 3]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
def test_a_forked_child_has_helpers_of_its_own():
    code = """
import os, sys, threading, warnings
from cnnfilter.engine.bands import in_bands
warnings.simplefilter("ignore")  # newer releases of Python warn of forking with threads
def both():
    barrier = threading.Barrier(2)
    in_bands(2, 1, 2, lambda first, last: barrier.wait(10))
both()
child = os.fork()
both()
if child:
    sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def test_threads():
    assert available_threads(None) == len(os.sched_getaffinity(0))
    assert available_threads(3) == 3
    for bad in (0, -1, 1.5, True, "two"):
        with pytest.raises(ArgumentError, match="threads must be (at least 1|a whole number), not"):
            available_threads(bad)


def test_threads_without_affinity(monkeypatch):
    monkeypatch.delattr(os, "sched_getaffinity")
    assert available_threads(None) == os.cpu_count()


@pytest.mark.parametrize(
    ("mode", "pad_mode"),
    [("replicate", "edge"), ("reflect", "reflect"), ("symmetric", "symmetric"), ("circular", "wrap")],
)
@pytest.mark.parametrize("n", [1, 2, 3, 7])
def test_border_index_pads_as_numpy(mode, pad_mode, n):
    values = np.arange(n)
    expected = np.pad(values, (9, 11), mode=pad_mode)
    np.testing.assert_array_equal(values[border_index(n, 9, 11, mode)], expected)


def test_rows_that_only_padding_needs():
    over = Windows.over(
        (4, 4), (2, 2), stride=(1, 1), padding=((5, 0), (0, 0)), dilation=(1, 1), border=Border("constant", 1.0)
    )
    assert over.needed(0, 2) == (0, 1)  # a row all the same: the step before gives at least one
    assert over.needed(3, 6) == (0, 2)


def test_a_zero_weight_is_looked_for_beyond_no_band(monkeypatch):
    """Infinity in one band sends no other to the slower way, and each is the definition."""
    rng = np.random.default_rng(8)
    x, bank = rng.normal(size=(2, 30, 9)).astype(np.float32), rng.normal(size=(8, 2, 3, 3)).astype(np.float32)
    bank[:, :, 1, 1] = 0
    x[0, 20, 4] = np.inf
    monkeypatch.setattr(bands, "BAND_SAMPLES", 8 * 9 * 4)
    step = Convolution(bank, np.zeros(8), windows((30, 9), 3, padding=1))
    result, expected = Chain([step])(x), reference.conv2d(x, bank, padding=1)
    assert np.isfinite(result[:, 20, 4]).all()
    np.testing.assert_allclose(result, expected, rtol=1e-4, atol=1e-4)
