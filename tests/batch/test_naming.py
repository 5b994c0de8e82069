"""What outputs are called: beside the input, in a folder, by a template."""

import os
import time
from pathlib import Path

import pytest

from cnnfilter.batch.inputs import find_inputs
from cnnfilter.batch.jobs import Job
from cnnfilter.batch.names import wrong_input, wrong_output
from tests.plans import planned, targets, touch


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(
    ("name", "kernel", "expected"),
    [
        ("a.png", "edge", "a-edge.png"),
        ("folder/a.JPG", "edge", "folder/a-edge.JPG"),
        ("./a.png", "edge", "a-edge.png"),
        ("a.b.tiff", "edge", "a.b-edge.tiff"),
        ("a.npy", "edge", "a-edge.npy"),
        ("noextension", "edge", "noextension-edge.png"),
        ("a.unknown", "edge", "a-edge.png"),
        (".png", "edge", ".png-edge.png"),
        ("a{name}.png", "edge", "a{name}-edge.png"),
        ("a b\n[bold].png", "edge", "a b\n[bold]-edge.png"),
        ("./-", "edge", "--edge.png"),
        ("a.png", "gaussian:sigma=2", "a-gaussian-sigma-2.png"),
        ("a.png", "my kernel/ä", "a-my-kernel--.png"),
    ],
)
def test_the_default_output_stands_beside_the_input(name, kernel, expected):
    touch(name)
    assert targets([name], kernel=kernel) == [expected]


def test_a_format_gives_the_extension():
    touch("a.png")
    assert targets(["a.png"], format="JPEG") == ["a-edge.jpg"]


def test_a_name_that_fills_its_limit_is_shortened():
    name = "ä" * 125 + ".png"
    touch(name)
    (target,) = targets([name])
    assert target == "ä" * 122 + "-edge.png"
    assert len(os.fsencode(target)) <= 255


@pytest.mark.parametrize("unit", [";", "[", "*"])
def test_a_name_far_beyond_its_limit_takes_time_in_proportion(unit):
    name = unit * 60_000
    begin = time.process_time()
    (found,) = find_inputs([name]).inputs
    assert found.name == name
    (target,) = targets([name])
    assert target == unit * 245 + "-edge.png"
    assert time.process_time() - begin < 3  # a hundredth is usual; this is about the order


def test_standard_input_goes_to_standard_output():
    assert targets(["-"]) == [None]
    touch("a.png")
    assert targets(["-", "a.png"]) == [None, "a-edge.png"]
    assert targets(["a.png"], output="-") == ["a.png"][:0] + [None]


def test_standard_input_is_called_stdin_in_a_folder_or_template():
    Path("out").mkdir()
    assert targets(["-"], output="out") == ["out/stdin-edge.png"]
    assert targets(["-"], output="{dir}/{name}.{ext}") == ["stdin.png"]
    assert targets(["-"], output="b.jpg") == ["b.jpg"]


def test_a_template_is_filled_in():
    touch("in/a.jpg", "in/b.png")
    Path("edge").mkdir()
    assert targets(["in/a.jpg", "in/b.png"], output="{kernel}/{name}_{dir}.{ext}", kernel="edge") == [
        "edge/a_in.jpg",
        "edge/b_in.png",
    ]
    assert targets(["in/a.jpg"], output="{{{name}}}{{ext}}.png") == ["{a}{ext}.png"]
    assert targets(["in/a.jpg"], output="{{a}}.png") == ["{a}.png"]
    assert targets(["in/a.jpg"], output="{{a}}/") == ["{a}/a-edge.jpg"]
    assert targets(["in/a.jpg"], output="{dir}/") == ["in/a-edge.jpg"]


def test_what_a_template_puts_in_is_not_filled_in_again():
    touch("{kernel}.png")
    assert targets(["{kernel}.png"], output="{name}-x.{ext}") == ["{kernel}-x.png"]


def settled(suiting, **wanted):
    """Name and format of the output of `a.gif` before it is opened, and where a result suits a format."""
    plan = planned(["a.gif"], **wanted)
    (job,) = plan.jobs
    known = plan.naming.settled(job, suiting)
    return str(job.target), job.format, str(known.target), known.format


def test_the_extension_follows_the_format_of_the_result():
    touch("a.gif")
    assert settled("PNG") == ("a-edge.gif", "", "a-edge.png", "PNG")
    assert settled("GIF") == ("a-edge.gif", "", "a-edge.gif", "GIF")


def test_the_format_is_the_one_that_is_asked_for_or_that_of_the_name():
    touch("a.gif")
    assert settled("PNG", output="b.gif") == ("b.gif", "GIF", "b.gif", "GIF")
    assert settled("PNG", format="TIFF") == ("a-edge.tif", "TIFF", "a-edge.tif", "TIFF")
    assert settled("GIF", output="-") == ("None", "PNG", "None", "PNG")
    assert settled("JPEG", output="/dev/null") == ("/dev/null", "", "/dev/null", "JPEG")


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("{name}-{ext}.png", ["a-jpg.png", "a-JPG.png", "stdin-png.png"]),
        ("{ext}/{name}.npy", ["jpg/a.npy", "JPG/a.npy", "png/stdin.npy"]),
        ("{ext}-{name}.{ext}", ["jpg-a.jpg", "JPG-a.JPG", "png-stdin.png"]),
    ],
)
def test_in_the_midst_of_a_template_the_extension_is_the_inputs(template, expected):
    Path("b").mkdir()
    touch("a.jpg", "b/a.JPG")
    for folder in ("jpg", "JPG", "png"):
        Path(folder).mkdir()
    plan = planned(["a.jpg", "b/a.JPG", "-"], output=template)
    assert [str(job.target) for job in plan.jobs] == expected
    assert [job.follows_format for job in plan.jobs] == [template.endswith("{ext}")] * 3


def test_a_job_is_called_by_its_input():
    assert str(Job(None, None)) == "standard input"
    assert str(Job(Path("a.png"), None)) == "a.png"


def test_no_name_holds_a_nul():
    for wrong in (wrong_input, wrong_output):
        assert wrong("a\0.png") == "the name 'a\\x00.png' holds a NUL, which no file's does"
