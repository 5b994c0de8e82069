"""What is done about workers that die, and about a scheduler that is lost."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cnnfilter.cluster import sending, workers
from cnnfilter.cluster.words import packed
from cnnfilter.errors import ClusterError, CnnfilterWarning
from tests.cluster.fakes import ADDRESS, FakeClient, carried_out, forget_runs, pictures

pytestmark = pytest.mark.usefixtures("here")


# Workers that die


def test_the_pictures_of_a_worker_that_died_are_sent_one_by_one(monkeypatch):
    names = pictures(*(f"{number}.png" for number in range(8)))
    faults = [None, None, None, None, "mark"]  # in the first task of two
    events = list(carried_out(monkeypatch, fake := FakeClient(faults), names))
    assert [event.error for event in events] == [None] * 8
    assert len(fake.sent) > 6


@pytest.mark.parametrize("skip_existing", [False, True])
def test_outputs_that_a_worker_finished_before_it_died_are_written_and_anothers_exist(monkeypatch, skip_existing):
    names = pictures("a.png", "b.png", "c.png")
    list(carried_out(monkeypatch, FakeClient(), names))
    finished = {name: Path(f"out/{name}-edge.png").read_bytes() for name in "abc"}
    for name in "abc":
        Path(f"out/{name}-edge.png").unlink()
    faults = ["mark", "mark", "mark", *(lambda name=name: found(name) for name in "abc")]

    def found(name):
        Path(f"out/{name}-edge.png").write_bytes(finished[name] + b"!" * (name == "b"))

    events = list(carried_out(monkeypatch, FakeClient(faults), names, skip_existing=skip_existing))
    assert [event.targets for event in events] == [(Path("out/a-edge.png"),), (), (Path("out/c-edge.png"),)]
    error = None if skip_existing else "'out/b-edge.png' exists already; --force overwrites it"
    assert [event.error for event in events] == [None, error, None]
    assert [event.skipped for event in events] == [False, skip_existing, False]


@pytest.mark.parametrize("before", [[], ["mark"]])
def test_what_is_done_twice_as_what_it_gave_is_lost_blames_nobody(monkeypatch, before):
    events = list(carried_out(monkeypatch, FakeClient([None, *before, "twice"]), pictures("a.png", "b.png")))
    assert [event.targets for event in events] == [(Path("out/a-edge.png"),), (Path("out/b-edge.png"),)]


@pytest.mark.parametrize("fault", ["mark", "killed"])
def test_a_picture_that_kills_two_workers_fails_alone(monkeypatch, fault):
    names = pictures("a.png", "b.png", "c.png")
    fake = FakeClient([None, fault, None, fault])
    events = list(carried_out(monkeypatch, fake, names))
    assert [event.error for event in events] == [None, "two workers died while they worked on it", None]


def test_what_workers_that_died_have_left_is_removed(monkeypatch):
    left = Path("out/.a.png.cnnfilter-0123456789abcdef.tmp")
    names = pictures("a.png", "b.png")
    list(carried_out(monkeypatch, FakeClient([left.touch]), names))
    assert left.exists()  # others may be at work
    list(carried_out(monkeypatch, FakeClient([left.touch, "mark"]), names, force=True))
    assert not left.exists()


def test_a_picture_that_only_waited_where_a_worker_died_is_not_blamed(monkeypatch):
    names = pictures("a.png")
    events = list(carried_out(monkeypatch, FakeClient(["waits", "mark", "waits", "waits"]), names))
    assert [event.error for event in events] == [None]


def test_an_answer_that_cannot_be_read_counts_as_a_death(monkeypatch):
    names = pictures("a.png")
    assert [event.error for event in carried_out(monkeypatch, FakeClient(["unread"]), names)] == [None]


def test_a_worker_that_ends_leaves_the_rest_of_its_task_to_others(monkeypatch):
    names = pictures(*(f"{number}.png" for number in range(8)))
    events = list(carried_out(monkeypatch, FakeClient([None] * 4 + ["stops", "stops"]), names))
    assert [event.error for event in events] == [None] * 8


def test_a_picture_with_which_a_worker_died_is_not_cleared_by_workers_that_did_not_begin_it(monkeypatch):
    faults = [None, "mark", "leaves", forget_runs, "mark"]
    events = list(carried_out(monkeypatch, FakeClient(faults), pictures("a.png", "b.png")))
    assert [event.error for event in events] == [None, "two workers died while they worked on it"]


def test_little_is_done_before_an_earlier_picture(monkeypatch):
    monkeypatch.setattr(sending, "FAR", 0)
    monkeypatch.setattr(sending.Sizes, "next", lambda self, left, threads: 1)
    monkeypatch.setattr(workers, "EVERY", 0)

    class Looked(FakeClient):
        def scheduler_info(self, n_workers=5):
            self.looks = getattr(self, "looks", 0) + 1
            self.status = "closed" if self.looks > 60 else "running"
            return super().scheduler_info()

    events = list(
        carried_out(monkeypatch, fake := Looked([None, "pending"]), pictures(*map("{:02}.png".format, range(30))))
    )
    assert [event.undone for event in events] == [False] + [True] + [False] * 7 + [True] * 21
    assert len(fake.sent) == 9


def test_a_task_that_cannot_even_begin_is_a_defect_of_each_picture(monkeypatch):
    [event] = carried_out(monkeypatch, FakeClient([ValueError("what")]), pictures("a.png"))
    assert event.error == "internal error, please report it: ValueError: what"
    assert str(event.cause) == "what"


def test_the_traceback_of_a_defect_comes_along(monkeypatch):
    def broken(*arguments, **options):
        msg = "a defect"
        raise ZeroDivisionError(msg)

    monkeypatch.setattr("cnnfilter.results.pictures.PictureResult.files", broken)
    names = pictures("a.png")
    events = carried_out(monkeypatch, FakeClient(), names)
    with pytest.raises(ClusterError, match="ZeroDivisionError: a defect"):
        list(events)  # it is met when the worker is prepared
    monkeypatch.setattr("cnnfilter.cluster.worker._tried", lambda *arguments: None)
    [event] = carried_out(monkeypatch, FakeClient(), names)
    assert event.error == "internal error, please report it: ZeroDivisionError: a defect"
    assert "in broken" in str(event.cause)


# Schedulers that are lost


@pytest.mark.parametrize("how", ["status", "cancelled"])
def test_what_is_left_when_the_scheduler_is_lost_is_undone(monkeypatch, how):
    Image.fromarray(np.full((3, 3), 9, np.uint8)).save("a.pbm", format="PPM")
    names = [*pictures("0.png", "1.png"), "a.pbm", *pictures(*(f"{number}.png" for number in range(2, 20)))]
    fake = FakeClient([None, "pending", "mark", None] if how == "status" else [None, "pending", "cancelled"])
    events = carried_out(monkeypatch, fake, names)
    told = [next(events)]
    if how == "status":
        fake.status = "connecting"
    told += events
    assert [event.undone for event in told] == [False] + [True] * 20
    assert {event.error for event in told[1:]} == {
        f"the scheduler {ADDRESS} is lost; run it again with --skip-existing, as workers may have done more"
    }


def test_a_job_that_asked_for_names_is_undone_too(monkeypatch):
    Image.fromarray(np.full((3, 3), 9, np.uint8)).save("a.pbm", format="PPM")
    fake = FakeClient(["pending", None])
    events = carried_out(monkeypatch, fake, [*pictures("0.png"), "a.pbm"])

    def lose(*arguments):
        if len(fake.sent) == 2 and not asked:
            asked.append(1)
        elif asked:
            fake.status = "closed"

    asked = []
    looks = workers.Workers.look
    monkeypatch.setattr(workers.Workers, "look", lambda self, **options: (lose(), looks(self, **options)))
    assert [event.undone for event in events] == [True, True]


def test_a_run_whose_workers_have_all_gone_ends(monkeypatch):
    monkeypatch.setattr(workers, "EVERY", 0)
    fake = FakeClient([None, "pending"])
    events = carried_out(monkeypatch, fake, pictures("0.png", "1.png"))
    assert not next(events).undone
    monkeypatch.setattr(workers, "PATIENCE", 0.05)
    fake.there = {}
    [event] = events
    assert event.error == f"the scheduler {ADDRESS} has no workers any more; {sending.RESUME}"


def test_a_run_ends_whose_workers_are_fit_no_more(monkeypatch):
    class Refused(FakeClient):
        def prepared(self, future, function, data, address):
            if self.sent:
                return future.ended("finished", packed("s3://box/a.png: expired"))
            return super().prepared(future, function, data, address)

    monkeypatch.setattr(workers, "EVERY", 0)
    events = carried_out(monkeypatch, Refused([None, forget_runs]), pictures("0.png", "1.png"))
    assert not next(events).undone
    monkeypatch.setattr(workers, "PATIENCE", 0.05)
    with pytest.warns(CnnfilterWarning, match=f"^worker {ADDRESS}: s3://box/a.png: expired; it gets no work$"):
        [event] = events
    assert event.error == f"the scheduler {ADDRESS} has no workers any more that are fit; {sending.RESUME}"


def test_a_run_whose_workers_are_all_paused_ends_once_they_have_nothing_in_hand(monkeypatch):
    monkeypatch.setattr(workers, "EVERY", 0)
    fake = FakeClient([None, "pending"])
    events = carried_out(monkeypatch, fake, pictures("0.png", "1.png"))
    assert not next(events).undone
    fake.told = {"status": "paused", "metrics": {"task_counts": {"executing": 1}}}
    looks = workers.Workers.look
    asked = []

    def look(self, **options):
        asked.append(1)
        if len(asked) == 20:
            fake.told = {"status": "paused", "metrics": {"task_counts": {}}}
        return looks(self, **options)

    monkeypatch.setattr(workers.Workers, "look", look)
    monkeypatch.setattr(workers, "PATIENCE", 0.05)
    [event] = events
    assert len(asked) > 20
    assert event.undone
    assert event.error == (
        f"the scheduler {ADDRESS} has only workers that are paused, for want of memory; {sending.RESUME}"
    )
