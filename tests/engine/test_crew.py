"""Calls that threads share: each is made once, in its order, whoever makes it."""

import ctypes
import os
import struct
import sys
import threading
import time

import numpy as np
import pytest

from cnnfilter.engine import crew, loops
from cnnfilter.engine.codes import ASLEEP, GIVEN, WAITING
from cnnfilter.runtime.native import Later


class Recorder:
    """A function that can be called by its address, and the numbers that it was called with."""

    def __init__(self, seconds=0.0, until=None):
        self.seen = []
        self.threads = set()
        self.seconds, self.until = seconds, until
        self.function = ctypes.CFUNCTYPE(None, ctypes.c_void_p)(self._record)
        self.address = ctypes.cast(self.function, ctypes.c_void_p).value

    def _record(self, words):
        time.sleep(self.seconds)
        if self.until is not None:
            self.until.wait(30)
        self.threads.add(threading.get_ident())
        self.seen.append(ctypes.c_int64.from_address(words).value)

    def call(self, number):
        held = [self.function]  # who makes the calls may be all that is left of this
        return Later(self.address, struct.pack("q", number), held)


def stages_of(recorder, sizes):
    """Stages of so many pieces of so many calls; calls are numbered 100 * stage + 10 * piece + call."""
    return [
        [[recorder.call(100 * stage + 10 * piece + call) for call in range(calls)] for piece in range(pieces)]
        for stage, (pieces, calls) in enumerate(sizes)
    ]


@pytest.mark.parametrize("threads", [1, 2, 4])
def test_each_call_is_made_once_and_in_its_order(threads):
    sizes = [(3, 2), (1, 1), (4, 3), (2, 0), (2, 2)]
    recorder = Recorder()
    work = crew.Work(stages_of(recorder, sizes))
    for _ in range(20):
        recorder.seen.clear()
        work.do(threads)
        expected = [
            100 * s + 10 * p + c for s, (pieces, calls) in enumerate(sizes) for p in range(pieces) for c in range(calls)
        ]
        assert sorted(recorder.seen) == expected
        assert [number // 100 for number in recorder.seen] == sorted(number // 100 for number in recorder.seen)
        for piece in {number // 10 for number in expected}:
            calls = [number for number in recorder.seen if number // 10 == piece]
            assert calls == sorted(calls)


def test_several_threads_take_part():
    recorder = Recorder(seconds=0.002)
    work = crew.Work(stages_of(recorder, [(8, 1)]))
    for _ in range(50):
        work.do(2)
        if len(recorder.threads) > 1:
            return
    pytest.fail("one thread made all calls")


def test_who_does_not_come_is_not_waited_for():
    nobody = np.array([WAITING, 0], np.int64)
    recorder = Recorder()
    work = crew.Work(stages_of(recorder, [(3, 1)]))
    loops.lead(work.words.ctypes.data, np.array([nobody.ctypes.data], np.int64), 0)
    assert sorted(recorder.seen) == [0, 10, 20]
    assert nobody[0] == WAITING


def test_threads_that_get_no_work_fall_asleep_and_are_woken(monkeypatch):
    monkeypatch.setattr(crew, "PATIENCE", 100)
    recorder = Recorder(seconds=0.001)
    work = crew.Work(stages_of(recorder, [(4, 1)]))
    work.do(2)
    (*_, mate) = crew._idle
    for _ in range(3):
        until = time.monotonic() + 30
        while mate.words[0] != ASLEEP and time.monotonic() < until:
            time.sleep(0.01)
        assert mate.words[0] == ASLEEP
        recorder.seen.clear()
        work.do(2)
        assert sorted(recorder.seen) == [0, 10, 20, 30]


def test_who_waits_for_another_lets_a_third_have_the_processor():
    has_yielded = threading.Event()
    relax = ctypes.CFUNCTYPE(None, ctypes.c_void_p)(lambda _: has_yielded.set())
    address = ctypes.cast(relax, ctypes.c_void_p).value
    recorder = Recorder(until=has_yielded)
    work = crew.Work([*stages_of(recorder, [(1, 1)]), [[]], [[]]])
    resting = np.array([WAITING, 0], np.int64)
    loops.attend(resting.ctypes.data, 0, 0)  # compiles
    given = np.array([[GIVEN, work.words.ctypes.data]] * 2, np.int64)
    states = [row.ctypes.data for row in given]
    other = threading.Thread(target=loops.attend, args=(states[0], 0, address), daemon=True)
    other.start()
    loops.attend(states[1], 0, address)
    other.join()
    assert recorder.seen == [0]
    assert has_yielded.is_set()
    assert crew._relax() or sys.platform == "win32"


def test_no_more_threads_take_part_than_there_are_pieces(monkeypatch):
    monkeypatch.setattr(crew, "_idle", [])
    crew.Work(stages_of(Recorder(), [(1, 3), (2, 1), (1, 1)])).do(8)
    assert len(crew._idle) == 1


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the system does not fork")
def test_a_child_has_threads_of_its_own():
    recorder = Recorder(seconds=0.002)
    work = crew.Work(stages_of(recorder, [(8, 1)]))
    work.do(2)
    child = os.fork()
    if child == 0:
        recorder.threads.clear()
        until = time.monotonic() + 30
        while len(recorder.threads) < 2 and time.monotonic() < until:
            recorder.seen.clear()
            work.do(2)
        os._exit(0 if len(recorder.threads) == 2 and len(recorder.seen) == 8 else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
