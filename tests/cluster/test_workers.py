"""Workers that come, go, and do not fit; and how a run ends early."""

import time
from pathlib import Path

import pytest

from cnnfilter.batch.work import Work
from cnnfilter.cluster import client, ending, workers
from cnnfilter.cluster.chunks import Sizes
from cnnfilter.cluster.words import without_files
from cnnfilter.errors import ClusterError, CnnfilterWarning
from tests.cluster.fakes import (
    ADDRESS,
    OTHER,
    FakeClient,
    FakeFuture,
    FakeHere,
    KilledWorker,
    carried_out,
    forget_runs,
    pictures,
)

pytestmark = pytest.mark.usefixtures("here")


# Workers that come, go, and do not fit


def test_a_worker_that_does_not_fit_ends_the_run_before_any_work(monkeypatch):
    monkeypatch.setattr("cnnfilter.cluster.client.versions", lambda: {"Python": "2.7"})
    with pytest.raises(ClusterError, match=rf"^worker {ADDRESS}: Python .*, and 2\.7 here; outputs would differ$"):
        list(carried_out(monkeypatch, FakeClient(), pictures("a.png")))
    assert not Path("out").exists()


@pytest.mark.parametrize(
    ("cluster", "asked", "told"),
    [(2, Work(), (4, 5 * 10**8)), (2, Work(threads=3, memory=10**8), (3, 5 * 10**7)), (ADDRESS, Work(), (1, None)),
     (ADDRESS, Work(threads=3, memory=10**8), (3, 10**8))],
)  # fmt: skip
def test_workers_of_this_machine_share_its_cores_and_memory(monkeypatch, cluster, asked, told):
    monkeypatch.setattr(client, "available_threads", lambda threads: 8)
    monkeypatch.setattr(client, "default_memory", lambda: 10**9)
    monkeypatch.setattr("tests.cluster.fakes.Work", lambda: asked)

    class Told(FakeClient):
        def prepared(self, future, function, data, address):
            sent = without_files(data)[0]
            assert (sent["threads"], sent["memory"]) == told
            return super().prepared(future, function, data, address)

    assert [event.error for event in carried_out(monkeypatch, Told(), pictures("a.png"), cluster=cluster)] == [None]


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (RuntimeError("cannot"), "RuntimeError: cannot"),
        (ImportError("No module named 'cnnfilter'"),
         "ImportError: No module named 'cnnfilter'; scheduler and workers need cnnfilter, in the same version"),
    ],
)  # fmt: skip
def test_a_worker_that_cannot_begin_says_why(monkeypatch, error, told):
    class Failing(FakeClient):
        def prepared(self, future, function, data, address):
            return future.ended("error", error)

    with pytest.raises(ClusterError) as raised:
        list(carried_out(monkeypatch, Failing(), pictures("a.png")))
    assert str(raised.value) == f"worker {ADDRESS}: {told}"


def test_nobody_waits_for_workers_for_ever(monkeypatch):
    monkeypatch.setattr(workers, "PATIENCE", 0.05)
    with pytest.raises(
        ClusterError, match="has no worker that could be prepared in 0 s; start one: dask worker ADDRESS"
    ):
        list(carried_out(monkeypatch, FakeClient(workers=()), pictures("a.png")))
    monkeypatch.setattr(workers, "TOLD_AFTER", 0)
    with (
        pytest.warns(
            CnnfilterWarning,
            match=f"^the scheduler {ADDRESS} has no worker yet; we wait up to 0 s for one: dask worker ADDRESS$",
        ),
        pytest.raises(ClusterError),
    ):
        list(carried_out(monkeypatch, FakeClient(workers=()), pictures("a.png")))
    fake = FakeClient(workers=())
    fake.status = "closed"
    with pytest.raises(ClusterError, match=f"^the scheduler {ADDRESS} is lost$"):
        list(carried_out(monkeypatch, fake, pictures("a.png")))


def test_a_worker_that_is_never_ready_is_named(monkeypatch):
    class Busy(FakeClient):
        def prepared(self, future, function, data, address):
            return future

    monkeypatch.setattr(workers, "PATIENCE", 0.05)
    with pytest.raises(ClusterError, match=f"^worker {ADDRESS} is not ready after 0 s; it may be at work for others$"):
        list(carried_out(monkeypatch, Busy(), pictures("a.png")))


class Coming(FakeClient):
    """A second worker comes late; `answers` are what is said of it, each time that it is tried."""

    def __init__(self, answers, **options):
        super().__init__(**options)
        self.answers = list(answers)

    def prepared(self, future, function, data, address):
        answer = self.answers.pop(0) if address == OTHER else None
        if answer is None:
            return super().prepared(future, function, data, address)
        return answer if isinstance(answer, FakeFuture) else future.ended("error", answer)


def test_a_worker_that_comes_late_is_prepared_first(monkeypatch):
    monkeypatch.setattr(workers, "EVERY", 0)
    fake = Coming([FakeFuture("x").ended("cancelled"), KilledWorker(), None])
    events = carried_out(monkeypatch, fake, pictures(*(f"{number}.png" for number in range(20))))
    next(events)
    fake.there[OTHER] = 1
    assert not any(event.error for event in events)
    assert not fake.answers


def test_a_worker_that_comes_late_and_does_not_fit_gets_no_work(monkeypatch):
    monkeypatch.setattr(workers, "EVERY", 0)
    fake = Coming([RuntimeError("old")])
    events = carried_out(monkeypatch, fake, pictures(*(f"{number}.png" for number in range(30))))
    next(events)
    fake.there[OTHER] = 1
    with pytest.warns(CnnfilterWarning, match=f"^worker {OTHER}: RuntimeError: old; it gets no work$"):
        assert not any(event.error for event in events)
    assert fake.sent[0][1] is None
    assert fake.sent[-1][1] == [ADDRESS]


def test_the_rest_is_done_while_a_worker_hangs_and_that_is_told_once(monkeypatch):
    class Hanging(FakeClient):
        def scheduler_info(self, n_workers=5):
            told = super().scheduler_info()
            asked.append(1)
            assert len(asked) < 1000, "nobody is waited for"
            told["workers"][ADDRESS]["last_seen"] = 5.0
            told["workers"][OTHER]["last_seen"] = time.time()
            return told

        def submit(self, function, data, *, key=None, **options):
            if len(self.sent) == 99:
                self.stopped.ended("finished", function(self.data, FakeHere(self.marks)))
                self.stopped.call(self.stopped)
            future = super().submit(function, data, key=key, **options)
            if future.status == "pending":
                self.stopped, self.data = future, data
                future.add_done_callback = lambda call: setattr(future, "call", call)
            return future

    monkeypatch.setattr(workers, "EVERY", 0)
    monkeypatch.setattr(workers, "SILENT", 0)
    monkeypatch.setattr(Sizes, "next", lambda self, left, threads: 1)
    asked = []
    fake = Hanging(["pending"], workers=(ADDRESS, OTHER))
    with pytest.warns(CnnfilterWarning, match=f"^worker {ADDRESS} has been silent for 0 s; others go on") as told:
        events = list(carried_out(monkeypatch, fake, pictures(*(f"{number:03}.png" for number in range(100)))))
    assert [event.error for event in events] == [None] * 100
    assert len(told) == 1


@pytest.mark.parametrize("fault", ["pending", "begun"])
def test_a_task_that_was_bound_to_a_worker_that_has_gone_goes_to_another(monkeypatch, fault):
    monkeypatch.setattr(workers, "EVERY", 0)
    fake = Binding(fault)
    events = carried_out(monkeypatch, fake, pictures(*(f"{number}.png" for number in range(30))))
    told = [next(events)]
    fake.there[OTHER] = 1
    told += events
    assert not any(event.error for event in told)
    assert len(told) == 30
    (place,) = [place for place, (key, _) in enumerate(fake.sent) if key == fake.bound]
    assert fake.sent[place][1] == [ADDRESS]
    assert place < len(fake.sent) - 1


def test_what_is_lost_before_it_was_taken_is_waited_for(monkeypatch):
    fake = FakeClient(["lost", None, "lost"])
    events = list(carried_out(monkeypatch, fake, pictures("a.png", "b.png", "c.png", "d.png")))
    assert [event.error for event in events] == [None] * 4
    assert not fake.faults


class Binding(Coming):
    """While a second worker is tried a task is bound to the first, of which nothing is heard; then a third is there."""

    def __init__(self, fault):
        super().__init__([None])
        self.fault, self.bound = fault, None

    def submit(self, function, data, *, key=None, workers=None, **options):
        if key and workers and not self.bound:
            self.bound, self.faults, self.there = key, [self.fault], {"tcp://127.0.0.1:3": 1}
        return super().submit(function, data, key=key, workers=workers, **options)


def test_nobody_waits_for_a_worker_that_has_gone_before_it_was_prepared(monkeypatch):
    monkeypatch.setattr(workers, "EVERY", 0)
    waiting = FakeFuture("x")
    fake = Coming([waiting])
    events = carried_out(monkeypatch, fake, pictures(*(f"{number}.png" for number in range(8))))
    next(events)
    fake.there[OTHER] = 1
    next(events)
    del fake.there[OTHER]
    assert not any(event.error for event in events)
    assert waiting.status == "cancelled"


def test_a_worker_that_has_forgotten_the_run_is_prepared_again(monkeypatch):
    fake = FakeClient([forget_runs])  # as if its nanny had started another at its address
    assert not any(event.error for event in carried_out(monkeypatch, fake, pictures("a.png", "b.png")))
    assert len(fake.sent) == 4  # both are sent, and both again


def test_large_files_go_from_worker_to_worker(monkeypatch):
    monkeypatch.setattr(workers, "SMALL", 10)
    list(carried_out(monkeypatch, fake := FakeClient(), pictures("a.png")))
    assert fake.scattered == [{"workers": [ADDRESS], "broadcast": True, "hash": False}]


def test_older_schedulers_tell_all_workers_unasked(monkeypatch):
    class Older(FakeClient):
        def scheduler_info(self):
            return super().scheduler_info()

    class Breaking(FakeClient):
        def scheduler_info(self, n_workers=5):
            self.status = "closed"
            raise OSError

    assert not any(event.error for event in carried_out(monkeypatch, Older(), pictures("a.png")))
    with pytest.raises(ClusterError, match="is lost$"):
        list(carried_out(monkeypatch, Breaking(), pictures("b.png")))


def test_a_scheduler_that_is_lost_as_it_is_asked_about_a_task_blames_nobody(monkeypatch):
    class Losing(FakeClient):
        def get_metadata(self, keys, default):
            self.status = "closed"
            raise OSError

    events = list(carried_out(monkeypatch, Losing([None, "killed"]), pictures("a.png", "b.png")))
    assert [event.undone for event in events] == [False, True]


def test_a_worker_that_goes_while_large_files_are_sent_is_tried_again(monkeypatch):
    monkeypatch.setattr(workers, "SMALL", 10)
    monkeypatch.setattr(workers, "EVERY", 0)

    class Going(FakeClient):
        def scatter(self, data, **options):
            if not self.scattered:
                self.scattered.append(options)
                msg = "No valid workers found"
                raise ValueError(msg)
            return super().scatter(data, **options)

    fake = Going()
    assert not any(event.error for event in carried_out(monkeypatch, fake, pictures("a.png")))
    assert len(fake.scattered) == 2


# Ends


def test_a_run_that_is_left_early_cancels_what_is_on_its_way(monkeypatch):
    fake = FakeClient([None, "pending", "pending"])
    events = carried_out(monkeypatch, fake, pictures("a.png", "b.png", "c.png"))
    next(events)
    events.close()
    assert [future.status for future in fake.cancelled] == ["pending", "pending"]
    fake = FakeClient([None, "pending"])
    events = carried_out(monkeypatch, fake, pictures("a.png", "b.png"), force=True)
    next(events)
    fake.cancel = None
    events.close()


def test_an_end_waits_for_pictures_in_hand_and_not_for_ever(monkeypatch):
    class Local:
        def close(self, timeout):
            closed.append(timeout)

    closed = []
    fake = FakeClient([None, "pending"])
    events = carried_out(monkeypatch, fake, pictures("a.png", "b.png"), cluster=1, local=Local())
    next(events)
    in_hand = [2, 1, 0]
    fake.run = lambda function: {ADDRESS: in_hand.pop(0)}
    ending.end_all()
    assert (in_hand, len(closed), len(fake.closed)) == ([], 1, 1)
    fake.run = lambda function: time.sleep(5)
    start = time.monotonic()
    ending.end_all(0.1)
    assert time.monotonic() - start < 1
    events.close()
    ending.end_all()  # of which there are none


def test_an_end_leaves_no_marks_with_a_scheduler_that_goes_on(monkeypatch):
    fake = FakeClient([None, "pending"])
    events = carried_out(monkeypatch, fake, pictures("a.png", "b.png"))
    next(events)
    ending.end_all()
    assert {run: {} for run, _ in fake.marks} == fake.metadata
    assert fake.closed
    events.close()
