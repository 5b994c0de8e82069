"""A run on a cluster: events in order, names as they would be on this machine, and what is done about the dead."""

import os
import time
from pathlib import Path

import numpy as np
import pytest
from fsspec.implementations.memory import MemoryFileSystem
from PIL import Image

from cnnfilter.addresses.address import located
from cnnfilter.addresses.putting import put
from cnnfilter.batch.events import Event
from cnnfilter.batch.work import Work
from cnnfilter.cluster import client, ending, sending, workers
from cnnfilter.cluster.names import Names
from cnnfilter.cluster.words import without_files
from cnnfilter.errors import ArgumentError, ClusterError, CnnfilterWarning, OutputError
from tests.cluster.fakes import ADDRESS, FakeClient, FakeFuture, KilledWorker, carried_out, forget_runs
from tests.plans import planned

OTHER = "tcp://127.0.0.1:2"


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(workers, "TICK", 0.01)
    monkeypatch.setattr(sending, "TICK", 0.01)
    yield
    forget_runs()


def pictures(*names, shape=(6, 8, 3)):
    Path("in").mkdir(exist_ok=True)
    for number, name in enumerate(names):
        noise = np.random.default_rng(number).integers(0, 255, shape, np.uint8)
        Image.fromarray(noise).save(f"in/{name}")
    return [f"in/{name}" for name in names]


def test_events_come_in_order_with_the_names_that_the_person_wrote(monkeypatch):
    names = pictures(*(f"{number:02}.png" for number in range(30)))
    events = list(carried_out(monkeypatch, fake := FakeClient(), names))
    assert [event.targets for event in events] == [(Path(f"out/{number:02}-edge.png"),) for number in range(30)]
    assert len([*Path("out").iterdir()]) == 30  # and nothing else
    assert 5 < len(fake.sent) < 30
    assert list(fake.metadata.values()) == [{}]


def test_errors_name_files_as_the_person_did(monkeypatch):
    names = pictures("a.png", "b.png")
    events = carried_out(monkeypatch, FakeClient([lambda: Path("out/a-edge.png").touch()]), names)
    assert [event.error for event in events] == ["'out/a-edge.png' exists already; --force overwrites it", None]
    Image.new("RGB", (4, 4)).save("c.png")
    monkeypatch.setattr("cnnfilter.batch.claims.Plan.make_folder", _refused)
    [event] = carried_out(monkeypatch, FakeClient(), ["c.png"], output="{name}.jpg")
    assert event.error == "'.', 'c.jpg' and 'c.png' are refused"


def _refused(plan, target):
    msg = f"'{target.parent}', '{target}' and '{target.parent / 'c.png'}' are refused"
    raise OutputError(msg)


def test_what_a_link_leads_to_is_overwritten_as_here(monkeypatch):
    names = pictures("a.png")
    Path("out").mkdir()
    Path("real.png").touch()
    Path("out/a-edge.png").symlink_to("../real.png")
    assert [event.error for event in carried_out(monkeypatch, FakeClient(), names, force=True)] == [None]
    assert Path("out/a-edge.png").is_symlink()
    assert Path("real.png").stat().st_size


def test_a_picture_that_changes_its_format_has_the_name_for_that_at_once(monkeypatch):
    names = pictures("a.gif", "b.gif")
    events = list(carried_out(monkeypatch, fake := FakeClient(), names))
    assert [event.targets for event in events] == [(Path("out/a-edge.png"),), (Path("out/b-edge.png"),)]
    assert len(fake.sent) == 2


def test_a_name_that_was_granted_and_not_needed_is_given_back(monkeypatch):
    [name] = pictures("a.gif", shape=(3, 3))
    Image.new("RGB", (4, 4)).save("a.jpg", format="PNG")
    events = list(carried_out(monkeypatch, FakeClient(), [name, "a.jpg"]))
    assert [event.targets for event in events] == [(Path("out/a-edge.gif"),), (Path("out/a-edge.png"),)]


@pytest.mark.parametrize("turn", [1, -1])
def test_a_contested_name_is_the_first_ones_whoever_is_faster(monkeypatch, turn):
    Image.new("RGB", (4, 4)).save("a.jpg", format="PNG")
    names = [*pictures("a.gif"), "a.jpg"][::turn]
    events = list(carried_out(monkeypatch, FakeClient(), names))
    assert [event.error for event in events] == [
        None, f"'out/a-edge.png' would be the output of both '{names[0]}' and '{names[1]}'; filter this one in a run "
        "of its own, with another -o",
    ]  # fmt: skip


def test_a_job_that_asks_for_names_is_sent_again_with_them(monkeypatch):
    Image.fromarray(np.full((3, 3), 9, np.uint8)).save("a.pbm", format="PPM")
    [event] = carried_out(monkeypatch, fake := FakeClient(), ["a.pbm"])
    assert (event.targets, event.asks) == ((Path("out/a-edge.pgm"),), False)
    assert len(fake.sent) == 2
    [event] = carried_out(monkeypatch, FakeClient(), ["a.pbm"], skip_existing=True)
    assert (event.skipped, event.existing, event.asks) == (True, (Path("out/a-edge.pgm"),), False)


def test_files_whose_number_nobody_knew_are_asked_for(monkeypatch):
    names = pictures("a.png", "b.png")
    arguments = ("run", "conv:sobel-x+sobel-y", "--maps", "each", "x.png")
    events = list(carried_out(monkeypatch, FakeClient(), names, arguments, counts=[None, 6]))
    assert [[str(each) for each in event.targets] for event in events] == [
        [f"out/{name}-chain-{number}.png" for number in range(6)] for name in "ab"
    ]
    assert events[0].rows[-1].output == (4, 6, 6)


def test_a_name_of_files_whose_number_nobody_knew_is_the_first_ones_too(monkeypatch):
    names = pictures("0.png", "a.gif", *(f"{number}.png" for number in range(1, 6)), "a.png")
    arguments = ("run", "conv:sobel-x+sobel-y", "--maps", "each", "x.png")
    events = list(carried_out(monkeypatch, FakeClient(), names, arguments, counts=[None] * 8))
    assert [len(event.targets) for event in events] == [6] * 7 + [0]
    assert events[-1].error.startswith("'out/a-chain-0.png' would be the output of both 'in/a.gif' and 'in/a.png'")


def test_of_files_whose_number_nobody_knew_as_many_are_granted_as_the_last_one_asked_for(monkeypatch):
    names = pictures(*(f"{number:02}.png" for number in range(40)))
    arguments = ("run", "conv:sobel-x+sobel-y", "--maps", "each", "x.png")
    events = list(carried_out(monkeypatch, fake := FakeClient(), names, arguments, counts=[None] * 40))
    assert [len(event.targets) for event in events] == [6] * 40
    assert 40 < sum(fake.jobs) < 60  # and not each of them twice


def test_vectors_are_told_with_their_values(monkeypatch):
    names = pictures("a.png")
    arguments = ("run", "resize:2x2,flatten,dense:3:random=1,softmax", "--top", "2", "x.png")
    [event] = carried_out(monkeypatch, FakeClient(), names, arguments, output=None)
    assert event.vector.values.shape == (3,)
    assert event.vector.shares
    assert len(event.vector.scores()) == 2


def test_what_is_known_before_is_not_sent(monkeypatch):
    names = pictures("a.png", "b.png")
    Path("out").mkdir()
    Path("out/a-edge.png").touch()
    os.mkfifo("pipe.png")
    events = list(carried_out(monkeypatch, fake := FakeClient(), [*names, "pipe.png"], skip_existing=True))
    assert [event.skipped for event in events] == [True, False, False]
    assert events[2].error == "a device, which a cluster's workers cannot read; save it"
    assert len(fake.sent) == 1


def test_an_input_that_is_known_to_fail_is_not_sent(monkeypatch):
    plan_of = sending.Settling
    names = pictures("a.png")

    def settling(plan):
        plan.jobs.inputs[0] = plan.jobs.inputs[0]._replace(error="it cannot be read")
        return plan_of(plan)

    monkeypatch.setattr(sending, "Settling", settling)
    [event] = carried_out(monkeypatch, fake := FakeClient(), names)
    assert event.error == "it cannot be read"
    assert not fake.sent


def test_a_full_disk_leaves_the_rest_undone(monkeypatch):
    names = pictures(*(f"{number}.png" for number in range(9)))

    def full(*arguments, **options):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("cnnfilter.writing.write.write_all", full)
    events = list(carried_out(monkeypatch, fake := FakeClient(), names))
    assert [event.undone for event in events] == [False] * 3 + [True] * 6
    assert {event.error for event in events[3:]} == {"the disk is full"}
    assert len(fake.sent) < 9


# Workers that die


def test_the_pictures_of_a_worker_that_died_are_sent_one_by_one(monkeypatch):
    names = pictures(*(f"{number}.png" for number in range(8)))
    faults = [None, None, None, None, "mark"]  # in the first task of two
    events = list(carried_out(monkeypatch, fake := FakeClient(faults), names))
    assert [event.error for event in events] == [None] * 8
    assert len(fake.sent) > 6


def test_outputs_that_a_worker_finished_before_it_died_are_written_and_anothers_exist(monkeypatch):
    names = pictures("a.png", "b.png", "c.png")
    list(carried_out(monkeypatch, FakeClient(), names))
    finished = {name: Path(f"out/{name}-edge.png").read_bytes() for name in "abc"}
    for name in "abc":
        Path(f"out/{name}-edge.png").unlink()
    faults = ["mark", "mark", "mark", *(lambda name=name: found(name) for name in "abc")]

    def found(name):
        Path(f"out/{name}-edge.png").write_bytes(finished[name] + b"!" * (name == "b"))

    events = list(carried_out(monkeypatch, FakeClient(faults), names))
    assert [event.targets for event in events] == [(Path("out/a-edge.png"),), (), (Path("out/c-edge.png"),)]
    assert [event.error for event in events] == [None, "'out/b-edge.png' exists already; --force overwrites it", None]


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
        f"the scheduler {ADDRESS} is lost; run it again with --skip-existing"
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
    assert event.error == f"the scheduler {ADDRESS} has no workers any more; run it again with --skip-existing"


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
    with pytest.raises(ClusterError, match="has no worker that could be prepared in 0 s; see dask worker --help"):
        list(carried_out(monkeypatch, FakeClient(workers=()), pictures("a.png")))
    monkeypatch.setattr(workers, "TOLD_AFTER", 0)
    with (
        pytest.warns(
            CnnfilterWarning, match=f"^the scheduler {ADDRESS} has no worker yet; we wait for one, up to 0 s$"
        ),
        pytest.raises(ClusterError),
    ):
        list(carried_out(monkeypatch, FakeClient(workers=()), pictures("a.png")))
    fake = FakeClient(workers=())
    fake.status = "closed"
    with pytest.raises(ClusterError, match=f"^the scheduler {ADDRESS} is lost$"):
        list(carried_out(monkeypatch, fake, pictures("a.png")))


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


# What cannot be sent


@pytest.mark.parametrize(
    ("names", "wanted", "told"),
    [
        (["-"], {}, "standard input and output are of this process"),
        (["a.png"], {"output": "-"}, "standard input and output are of this process"),
        (["a.png"], {"output": "/dev/null"}, "'/dev/null' is a device of this machine"),
    ],
)
def test_what_only_this_process_has_is_refused(monkeypatch, names, wanted, told):
    Image.new("RGB", (4, 4)).save("a.png")
    with pytest.raises(ArgumentError, match=f"^{told}"):
        list(carried_out(monkeypatch, FakeClient(), names, **wanted))


@pytest.fixture
def shared_memory(monkeypatch):
    """``memory://`` may be used: the fake is in this process."""
    monkeypatch.setattr(client, "check_sendable", lambda plan: None)
    yield
    MemoryFileSystem.store.clear()
    MemoryFileSystem.pseudo_dirs[:] = [""]


@pytest.mark.usefixtures("shared_memory")
def test_names_that_stand_at_addresses_are_not_granted_before_they_are_asked_for(monkeypatch):
    put(located("memory://out/a-edge.png"), b"another's", overwrite=True)
    names = pictures("a.gif")
    [event] = carried_out(monkeypatch, fake := FakeClient(), names, output="memory://out/", skip_existing=True)
    assert (event.skipped, event.existing) == (True, (located("memory://out/a-edge.png"),))
    assert len(fake.sent) == 1


@pytest.mark.usefixtures("shared_memory")
def test_names_at_addresses_that_may_be_inputs_are_not_granted_before_they_are_asked_for(monkeypatch):
    name, other = pictures("a.gif", "a.png")
    put(located("memory://in/a-edge.png"), Path(other).read_bytes(), overwrite=True)
    names = [name, "memory://in/a-edge.png"]
    events = carried_out(monkeypatch, FakeClient(), names, output="memory://in/", force=True)
    assert [event.error for event in events] == [
        "the output 'memory://in/a-edge.png' is the input 'memory://in/a-edge.png', which is never overwritten; choose "
        "another name", None,
    ]  # fmt: skip


@pytest.mark.parametrize("names", [["memory://in/a.png"], ["a.png"]])
def test_what_is_in_this_process_alone_is_refused(monkeypatch, names):
    pictures("a.png")
    with pytest.raises(ArgumentError, match="^memory:// is of this process"):
        list(carried_out(monkeypatch, FakeClient(), names, output="memory://out/"))


def test_names_that_were_not_needed_are_forgotten():
    plan = planned(pictures("a.jpg"), kernel="edge", output="out" + os.sep)
    names, job = Names(plan), plan.jobs[0]
    assert [path.name for path in names.granted(job)] == ["a-edge.jpg", "a-edge.png"]
    names.settle(Event(job, 0.0))
    assert [*plan.claims] == [plan.key(job.target)]
    assert not plan._others, "what is kept for each picture is as much as all pictures are"
