"""Of inputs whose outputs would have one name, it is told which, and what keeps them apart; some are no contest."""

import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cnnfilter.batch.sniff import claim_key
from cnnfilter.errors import OutputError
from tests.plans import conflicts, planned, targets, touch


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("second", ["b/a.png", "link/a.png"])
def test_two_inputs_with_one_output_are_a_conflict(second):
    touch("a.png", "b/a.png")
    Path("link").symlink_to("b")
    Path("out").mkdir()
    assert conflicts(["a.png", second], output="out", force=True) == [
        f"'out/a-edge.png' would be the output of 'a.png' and '{second}'; "
        "-o '{dir}/{name}-{kernel}.{ext}' keeps them apart"
    ]


def test_one_input_given_twice_is_one_job():
    touch("a.png", "b.png")
    plan = planned(["a.png", "b.png", "./a.png", "a.png"], counts=[2, 1, 2, 2])
    assert [(str(job), str(job.target), job.times) for job in plan.jobs] == [
        ("a.png", "a-edge.png", 3),
        ("b.png", "b-edge.png", 1),
    ]


def test_another_name_of_the_same_file_is_a_job_of_its_own():
    touch("a.png")
    Path("b.png").hardlink_to("a.png")
    plan = planned(["a.png", "b.png", "./b.png"])
    assert [(str(job), job.times) for job in plan.jobs] == [("a.png", 1), ("b.png", 2)]


@pytest.mark.parametrize("junk", ["a.txt", "a.pdf", "a.none"])
def test_what_is_no_picture_takes_no_name_from_one(junk):
    touch("a.png", "a.txt", "a.pdf")
    assert targets([junk, "a.png"]) == ["a-edge.png"] * 2
    plan = planned([junk, "a.png"])
    plan.claim(plan.jobs[1], Path("a-edge.png"))
    with pytest.raises(OutputError, match="would be the output of both 'a.png' and"):
        plan.claim(plan.jobs[0], Path("a-edge.png"))


def test_a_name_claimed_by_what_is_no_picture_or_failed_can_be_claimed_again():
    touch("a.pdf", "b.png", "c.png")
    plan = planned(["a.pdf", "b.png", "c.png"])
    plan.claim(plan.jobs[1], Path("a-edge.png"))
    plan.claim(plan.jobs[2], Path("d.png"))
    plan.keep(Path("d.png"))
    for job in list(plan.jobs)[1:]:
        plan.release(job)
    plan.claim(plan.jobs[2], Path("b-edge.png"))
    with pytest.raises(OutputError, match="would be the output of both 'c.png' and 'b.png'; filter this one in a run"):
        plan.claim(plan.jobs[1], Path("d.png"))


def test_a_collision_is_told_once_with_all_its_inputs():
    touch("a.png", *(f"{i}/a.png" for i in range(5)))
    Path("out").mkdir()
    assert conflicts(["a.png", *(f"{i}/a.png" for i in range(5))], output="out", counts=[3] * 6) == [
        "'out/a-edge-0.png' would be the output of 'a.png', '0/a.png', '1/a.png', '2/a.png' and 2 more; "
        "-o '{dir}/{name}-{kernel}.{ext}' keeps them apart"
    ]


def test_the_advice_about_a_collision_works():
    touch("a.png")
    Path("a.bmp").write_bytes(b"BM" + bytes(12) + b"\x28\0\0\0")
    made = "'a-edge.png' would be the output of 'a.bmp' and 'a.png'; "
    template = "-o '{dir}/{name}-{kernel}.{ext}'"
    assert conflicts(["a.bmp", "a.png"], format="PNG") == [f"{made}{template}, without --format, keeps them apart"]
    assert conflicts(["a.bmp", "a.png"], output="{name}-edge.png") == [f"{made}{template} keeps them apart"]
    assert conflicts(["a.bmp", "a.png"], default="PNG") == [f"{made}filter each in a run of its own, with another -o"]


def test_a_colour_picture_in_a_gif_collides_as_the_png_that_it_becomes():
    Image.fromarray(np.zeros((2, 2, 3), np.uint8)).save("a.png")
    Image.fromarray(np.full((2, 2, 3), (255, 0, 0), np.uint8)).convert("P").save("a.gif")
    assert conflicts(["a.gif", "a.png"]) == [
        "'a-edge.png' would be the output of 'a.gif' and 'a.png'; filter each in a run of its own, with another -o"
    ]
    Image.fromarray(np.zeros((2, 2), np.uint8)).save("a.gif")
    assert targets(["a.gif", "a.png"]) == ["a-edge.gif", "a-edge.png"]


def test_standard_input_may_collide():
    touch("stdin.png")
    Path("out").mkdir()
    assert conflicts(["-", "stdin.png"], output="out") == [
        "'out/stdin-edge.png' would be the output of 'standard input' and 'stdin.png'; "
        "filter each in a run of its own, with another -o"
    ]


@pytest.mark.parametrize(("system", "collide"), [("linux", False), ("darwin", True), ("win32", True)])
def test_names_that_differ_in_case_collide_where_files_do(monkeypatch, system, collide):
    touch("A.png", "b/a.png")
    Path("out").mkdir()
    monkeypatch.setattr(sys, "platform", system)
    if collide:
        assert conflicts(["A.png", "b/a.png"], output="out")[0].startswith("'out/A-edge.png' would be the output of")
        assert claim_key(Path("\u00e9")) == claim_key(Path("E\u0301"))
    else:
        assert targets(["A.png", "b/a.png"], output="out") == ["out/A-edge.png", "out/a-edge.png"]
