"""Threads share numbered tasks, and nobody can tell from the results how many there were."""

import threading
import time

import pytest

from cnnfilter.batch import workers
from cnnfilter.batch.memory import Memory
from cnnfilter.batch.sharing import AT_REST
from cnnfilter.batch.turns import StoppedError
from cnnfilter.batch.workers import Crew
from cnnfilter.errors import PictureError
from tests.meters import Meter


def results(tasks, work, jobs=2, memory=100):
    return list(Crew(tasks, work, jobs=jobs, memory=memory).run(lambda result: result))


@pytest.mark.parametrize("jobs", [1, 2, 5])
def test_results_come_in_order_whatever_they_take(jobs):
    def work(turn):
        time.sleep(0.002 * (turn.index % 3))
        return turn.index

    assert results(20, work, jobs) == list(range(20))


def test_no_more_than_a_window_is_ahead_of_what_is_settled(monkeypatch):
    monkeypatch.setattr(workers, "WINDOW", 2)
    begun = []
    events = Crew(30, lambda turn: begun.append(turn.index), jobs=2, memory=1).run(lambda result: result)
    next(events)
    time.sleep(0.05)
    assert len(begun) <= 5
    assert len(list(events)) == 29


def test_memory_is_shared():
    memory = Meter()

    def work(turn):
        need = 60 if turn.index % 2 else 30
        turn.admit(need)
        with memory.holding(need):
            time.sleep(0.002)
        return turn.index

    assert results(12, work, jobs=4) == list(range(12))
    assert 60 <= memory.most <= 100


def test_no_task_has_memory_before_an_earlier_one():
    admitted, seen, asks = [], [], threading.Event()

    def work(turn):
        if turn.index == 2:
            asks.set()
        turn.admit((60, 60, 10)[turn.index])  # the last would fit beside the first
        admitted.append(turn.index)
        if turn.index == 0:
            assert asks.wait(10)
            time.sleep(0.05)
            seen.extend(admitted)
        return turn.index

    assert results(3, work, jobs=3) == [0, 1, 2]
    assert seen == [0]


@pytest.mark.parametrize("jobs", [1, 2])
def test_no_more_tasks_than_jobs_compute_however_many_have_fetched(jobs):
    busy = Meter()

    def work(turn):
        turn.fetch(lambda told: time.sleep(0.02))  # others begin meanwhile
        turn.admit(1)
        with busy.holding():
            time.sleep(0.005)
        return turn.index

    crew = Crew(12, work, jobs=jobs, memory=1000, threads=8)
    assert list(crew.run(lambda result: result)) == list(range(12))
    assert busy.most == jobs


def test_what_needs_more_than_there_is_fails_alone():
    def work(turn):
        try:
            turn.admit(101 if turn.index == 1 else 50)
        except PictureError as error:
            return str(error)
        return turn.index

    message = "it takes about 101 bytes of memory, more than the limit of 100 bytes; see --memory"
    assert results(3, work) == [0, message, 2]


def test_a_turn_waits_for_all_before_it():
    settled = []

    def work(turn):
        if turn.index == 3:
            turn.wait()
            assert settled == [0, 1, 2]
        else:
            time.sleep(0.01)
        return turn.index

    def settle(result):
        settled.append(result)
        return result

    assert list(Crew(5, work, jobs=3, memory=1).run(settle)) == [0, 1, 2, 3, 4]


def test_while_a_task_rests_another_begins():
    begun = [threading.Event() for _ in range(3)]

    def work(turn):
        begun[turn.index].set()
        if turn.index < 2:
            turn.rest()
            turn.rest()  # again makes no difference
            assert begun[turn.index + 1].wait(10)
        return turn.index

    assert results(3, work, jobs=1) == [0, 1, 2]


@pytest.mark.parametrize("jobs", [1, 3])
def test_no_more_tasks_than_jobs_do_not_rest(jobs):
    busy = Meter()

    def work(turn):
        with busy.holding():
            time.sleep(0.003)
        if turn.index % 3:
            turn.rest()
            time.sleep(0.002)
        return turn.index

    assert results(40, work, jobs=jobs) == list(range(40))
    assert busy.most == jobs


def test_what_a_task_raises_ends_the_run_and_those_who_wait():
    ended = []

    def work(turn):
        if turn.index == 0:
            time.sleep(0.02)
            raise KeyboardInterrupt
        try:
            turn.wait()
        except StoppedError:
            ended.append(turn.index)
            raise

    with pytest.raises(KeyboardInterrupt):
        results(2, work)
    assert ended == [1]


def test_an_interrupt_that_arrives_as_the_lock_is_taken_ends_the_run():
    """It leaves the lock taken, as it arrives before anything sees to its release."""
    ended = threading.Event()

    def interrupted():
        crew = Crew(5, lambda turn: turn.index, jobs=2, memory=1)
        events = crew.run(lambda result: result)
        next(events)
        crew.condition.acquire()
        events.close()
        ended.set()

    threading.Thread(target=interrupted, daemon=True).start()
    assert ended.wait(10)


@pytest.mark.parametrize(("limit", "count"), [(None, 2 * AT_REST), (10**9, 2)])
def test_where_addresses_are_limited_no_thread_waits_for_the_disk_alone(monkeypatch, limit, count):
    monkeypatch.setattr(workers, "address_limit", lambda: limit)
    threads = set()

    def work(turn):
        turn.rest()
        time.sleep(0.01)
        threads.add(threading.get_ident())

    results(20, work)
    assert len(threads) == count


def test_a_run_does_not_wait_for_a_thread_that_is_stuck(monkeypatch):
    release = threading.Event()

    def work(turn):
        if turn.index:
            release.wait(10)

    events = Crew(2, work, jobs=2, memory=1).run(lambda result: result)
    next(events)
    begin = time.monotonic()
    events.close()
    assert time.monotonic() - begin < 1
    release.set()


@pytest.mark.parametrize("most", [0, 1])
def test_where_no_more_threads_can_be_started_those_that_run_do_it(monkeypatch, most):
    start = threading.Thread.start
    started = []

    def limited(thread):
        if len(started) == most:
            raise RuntimeError
        started.append(thread)
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", limited)
    if most:
        assert results(3, lambda turn: turn.index) == [0, 1, 2]
    else:
        with pytest.raises(MemoryError):
            results(3, lambda turn: turn.index)


def test_what_is_begun_is_finished_when_the_run_stops():
    begun = []

    def work(turn):
        begun.append(turn.index)
        time.sleep(0.005)
        return turn.index

    events = list(Crew(40, work, jobs=2, memory=1, stopping=lambda: len(begun) > 5).run(lambda result: result))
    assert events == sorted(begun)
    assert 6 <= len(events) < 12


def test_nothing_is_begun_of_a_run_that_is_stopped():
    assert (
        list(Crew(3, lambda turn: turn.index, jobs=2, memory=1, stopping=lambda: True).run(lambda result: result)) == []
    )


def test_crews_share_a_memory():
    shared, held = Memory(100), Meter()

    def work(turn):
        turn.admit(60)
        with held.holding(60):
            time.sleep(0.002)
        return turn.index

    others = threading.Thread(target=lambda: list(Crew(5, work, jobs=2, memory=shared).run(lambda result: result)))
    others.start()
    assert results(5, work, memory=shared) == list(range(5))
    others.join()
    assert held.most == 60
    assert (shared.free, shared.fetched) == (100, 0)


def test_another_task_begins_while_one_waits_for_a_network():
    away = Meter()

    def get(told):
        with away.holding():
            time.sleep(0.01)
        told(1)

    def work(turn):
        turn.fetch(get)
        turn.admit(10)
        return turn.index

    crew = Crew(12, work, jobs=1, memory=100, threads=4)
    assert list(crew.run(lambda result: result)) == list(range(12))
    assert 2 <= away.most <= 4
    assert (crew.memory.free, crew.memory.fetched) == (100, 0)


def test_one_large_file_does_not_make_all_later_ones_wait_for_their_turn():
    away = Meter()

    def work(turn):
        def get(told):
            with away.holding(turn.index >= 20):
                time.sleep(0.005)
                told(300 if turn.index == 0 else 1)

        turn.fetch(get)
        turn.admit(10)

    list(Crew(40, work, jobs=1, memory=400, threads=4).run(lambda result: result))
    assert 2 <= away.most <= 4


@pytest.mark.parametrize("known", [False, True])
@pytest.mark.parametrize("sizes", [[60] * 24, [1] * 8 + [60] * 16, [10] * 24])
def test_what_is_fetched_for_later_tasks_is_a_part_of_the_memory(sizes, known):
    asked, there, lock = [], {}, threading.Lock()
    most = [0]

    def work(turn):
        def get(told):
            asked.append(turn.index)
            for size in range(1, sizes[turn.index] + 1):
                try:
                    told(size)
                except BaseException:
                    del there[turn.index]
                    raise
                with lock:
                    there[turn.index] = size
                    most[0] = max(most[0], sum(there.values()))
                time.sleep(0.0001)
            return turn.index

        fetched = turn.fetch(get, sizes[turn.index] if known else None)
        with lock:
            there.pop(turn.index)
        turn.admit(10)
        return fetched

    crew = Crew(24, work, jobs=1, memory=400, threads=8)
    assert list(crew.run(lambda result: result)) == list(range(24))
    assert max(sizes) <= most[0] <= 100 + max(sizes)  # a quarter, and that of the task whose turn it is
    assert max(map(asked.count, asked)) <= (1 if known or len(set(sizes)) == 1 else 2)
    assert (crew.memory.free, crew.memory.fetched, crew.memory.usual) == (400, 0, max(sizes))


def test_what_cannot_be_fetched_holds_up_nothing():
    def get(told):
        told(30)
        msg = "no such file"
        raise PictureError(msg)

    def work(turn):
        with pytest.raises(PictureError):
            turn.fetch(get, 1000)
        return turn.index

    crew = Crew(12, work, jobs=2, memory=100, threads=4)
    assert list(crew.run(lambda result: result)) == list(range(12))
    assert (crew.memory.free, crew.memory.fetched) == (100, 0)


def test_a_task_with_a_place_does_not_wait_for_one_that_comes_back_to_none():
    def work(turn):
        if turn.index % 2 == 0:
            turn.fetch(lambda told: time.sleep(0.01))
        turn.admit(80)
        return turn.index

    assert list(Crew(8, work, jobs=1, memory=100).run(lambda result: result)) == list(range(8))
