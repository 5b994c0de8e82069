"""Pictures at addresses are fetched while others are worked on; what is fetched counts as memory."""

import time

import numpy as np
import pytest
from fsspec.implementations.memory import MemoryFileSystem

import cnnfilter
from cnnfilter.addresses import reading
from cnnfilter.addresses.address import located
from cnnfilter.addresses.putting import put
from cnnfilter.batch import sharing
from cnnfilter.batch.work import Work
from tests.meters import Meter
from tests.plans import carried_out, planned


@pytest.fixture(autouse=True)
def bucket(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    cnnfilter.Picture(np.zeros((8, 8), np.uint8)).write("a.png")
    (tmp_path / "out").mkdir()
    names = [f"memory://in/{number:02}.png" for number in range(24)]
    for name in names:
        put(located(name), (tmp_path / "a.png").read_bytes(), overwrite=True)
    yield names
    MemoryFileSystem.store.clear()
    MemoryFileSystem.pseudo_dirs[:] = [""]


@pytest.mark.parametrize("here", [[], ["a.png"]], ids=["all-away", "the-first-here"])
def test_one_job_fetches_several_at_a_time(bucket, here, monkeypatch):
    fetch, fetching = reading.fetch, Meter()

    def slow(address, most_bytes, told):
        with fetching.holding():
            time.sleep(0.02)
        return fetch(address, most_bytes, told)

    monkeypatch.setattr(reading, "fetch", slow)
    events = list(carried_out(planned([*here, *bucket], output="out/"), work=Work(jobs=1)))
    assert [event.error for event in events] == [None] * (len(here) + 24)
    assert 4 <= fetching.most <= sharing.AWAY


def test_what_cannot_be_fetched_fails_alone(bucket):
    events = carried_out(planned(["memory://in/none.png", bucket[0]], output="memory://out/"), work=Work(jobs=2))
    assert [event.error for event in events] == ["no such file", None]
    assert located("memory://out/00-edge.png").is_file()


def test_a_part_of_a_run_asks_for_no_listing_of_its_own(bucket, monkeypatch):
    plan = planned(bucket[:2], output="memory://out/")
    monkeypatch.setattr(plan.standing, "at", None)
    events = list(carried_out(plan, work=Work(is_part=True)))
    assert [event.error for event in events] == [None, None]
    put(located("memory://out/00-edge.png"), b"another's", overwrite=True)
    events = list(carried_out(plan, work=Work(is_part=True)))
    told = "'memory://out/00-edge.png' exists already; overwrite=True overwrites it"
    assert [event.error for event in events] == [told, None]
