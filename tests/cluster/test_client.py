"""A run on a cluster: events in order, and names as they would be on this machine."""

import os
from pathlib import Path

import numpy as np
import pytest
from fsspec.implementations.memory import MemoryFileSystem
from PIL import Image

from cnnfilter.addresses.address import located
from cnnfilter.addresses.putting import put
from cnnfilter.batch.events import Event
from cnnfilter.cluster import client, sending
from cnnfilter.cluster.names import Names
from cnnfilter.errors import ArgumentError, OutputError
from tests.cluster.fakes import (
    FakeClient,
    carried_out,
    pictures,
)
from tests.plans import planned

pytestmark = pytest.mark.usefixtures("here")


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


@pytest.mark.parametrize("counts", [None, [None] * 3])
def test_a_name_that_nobody_expected_is_the_first_ones_and_kept_for_no_later_one(counts):
    inputs = ["x/a.gif", "y/a.tif", "z/a.webp"]
    for name in inputs:
        Path(name).parent.mkdir()
        Image.new("L", (3, 3)).save(name)
    plan = planned(inputs, output="out" + os.sep, counts=counts)
    names, jobs = Names(plan), list(plan.jobs)
    files = None if counts is None else 2
    if files:
        names._likely = "PNG", files
    expected = [*plan.naming.settled(jobs[0], "PNG").targets(files)]
    assert names.granted(jobs[0])[-len(expected) :] == expected
    assert not set(expected) & {*names.granted(jobs[1])}
    names.settle(Event(jobs[0], 0.0))
    assert not set(expected) & {*names.granted(jobs[2])}
    assert names.claim(Event(jobs[1], 0.0, format="PNG", files=files)) == ((*expected,), set())
    with pytest.raises(OutputError, match="would be the output of both 'y/a.tif' and 'z/a.webp'"):
        names.claim(Event(jobs[2], 0.0, format="PNG", files=files))
    for job in jobs[1:]:
        names.settle(Event(job, 0.0))
    assert not names._stems


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


# What cannot be sent


@pytest.mark.parametrize(
    ("names", "wanted", "told"),
    [
        (["-"], {}, "standard input and output are of this process"),
        (["a.png"], {"output": "-"}, "standard input and output are of this process"),
        (["memory://in/a.png"], {"output": "out/"}, "memory:// is of this process"),
        (["a.png"], {"output": "memory://out/"}, "memory:// is of this process"),
        (["a.png"], {"output": "/dev/null"}, "'/dev/null' is a device of this machine"),
    ],
)
def test_what_only_this_process_has_is_refused(names, wanted, told):
    Image.new("RGB", (4, 4)).save("a.png")
    with pytest.raises(ArgumentError, match=f"^{told}"):
        client.check(planned(names, **wanted))


@pytest.fixture
def shared_memory():
    """``memory://`` is shared with the fake, which is in this process."""
    yield
    MemoryFileSystem.store.clear()
    MemoryFileSystem.pseudo_dirs[:] = [""]


@pytest.mark.filterwarnings("ignore:what is written at memory")  # which no cluster has; here it stands for a bucket
@pytest.mark.usefixtures("shared_memory")
def test_names_that_stand_at_addresses_are_not_granted_before_they_are_asked_for(monkeypatch):
    put(located("memory://out/a-edge.png"), b"another's", overwrite=True)
    names = pictures("a.gif")
    [event] = carried_out(monkeypatch, fake := FakeClient(), names, output="memory://out/", skip_existing=True)
    assert (event.skipped, event.existing) == (True, (located("memory://out/a-edge.png"),))
    assert len(fake.sent) == 1


@pytest.mark.filterwarnings("ignore:what is written at memory")  # which no cluster has; here it stands for a bucket
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


def test_names_that_were_not_needed_are_forgotten():
    plan = planned(pictures("a.jpg"), kernel="edge", output="out" + os.sep)
    names, job = Names(plan), plan.jobs[0]
    assert [path.name for path in names.granted(job)] == ["a-edge.jpg", "a-edge.png"]
    names.settle(Event(job, 0.0))
    assert [*plan.claims] == [plan.key(job.target)]
    assert not plan._others, "what is kept for each picture is as much as all pictures are"
