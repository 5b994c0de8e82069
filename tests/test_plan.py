import os
from pathlib import Path

import pytest

from cnnfilter.batch.plan import ConflictError, Job, plan_outputs
from cnnfilter.errors import OutputError


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def touch(*names):
    for name in names:
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_bytes(b"x")


def targets(inputs, **options):
    plan = plan_outputs(inputs, **{"kernel": "edge", **options})
    return [None if job.target is None else str(job.target) for job in plan.jobs]


def conflicts(inputs, **options):
    with pytest.raises(ConflictError) as caught:
        plan_outputs(inputs, **{"kernel": "edge", **options})
    assert all("\n" not in line for line in caught.value.args)
    return list(caught.value.args)


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


def test_a_folder_that_exists_takes_the_outputs():
    touch("a.png")
    Path("out").mkdir()
    plan = plan_outputs(["a.png"], kernel="edge", output="out")
    assert [str(job.target) for job in plan.jobs] == ["out/a-edge.png"]
    assert plan.folder is None


@pytest.mark.parametrize(("inputs", "output"), [(["a.png"], "new/"), (["a.png", "b.jpg"], "new")])
def test_a_folder_is_made_when_the_work_begins(inputs, output):
    touch(*inputs)
    plan = plan_outputs(inputs, kernel="edge", output=output)
    assert [job.target.parent for job in plan.jobs] == [Path("new")] * len(inputs)
    assert not Path("new").exists()
    plan.prepare()
    assert Path("new").is_dir()
    plan.prepare()  # somebody else may have made it


def test_a_folder_that_cannot_be_made_is_an_error():
    touch("a.png")
    plan = plan_outputs(["a.png"], kernel="edge", output="new/")
    touch("new")
    with pytest.raises(OutputError, match="^cannot make the folder 'new': File exists$"):
        plan.prepare()


def test_a_plan_without_a_new_folder_makes_nothing():
    touch("a.png")
    plan_outputs(["a.png"], kernel="edge").prepare()
    assert os.listdir() == ["a.png"]  # noqa: PTH208  (names are shorter to compare)


def test_a_template_is_filled_in():
    touch("in/a.jpg", "in/b.png")
    Path("edge").mkdir()
    assert targets(["in/a.jpg", "in/b.png"], output="{kernel}/{name}_{dir}.{ext}", kernel="edge") == [
        "edge/a_in.jpg",
        "edge/b_in.png",
    ]
    assert targets(["in/a.jpg"], output="{name}{other}.png") == ["a{other}.png"]
    assert targets(["in/a.jpg"], output="{dir}/") == ["in/a-edge.jpg"]


def test_what_a_template_puts_in_is_not_filled_in_again():
    touch("{kernel}.png")
    assert targets(["{kernel}.png"], output="{name}-x.{ext}") == ["{kernel}-x.png"]


def test_the_extension_follows_the_format_of_the_result():
    touch("a.gif")
    (job,) = plan_outputs(["a.gif"], kernel="edge").jobs
    assert job.follows_format
    assert str(job.target) == "a-edge.gif"
    assert str(job.named_for("PNG")) == "a-edge.png"
    assert str(job.named_for("GIF")) == "a-edge.gif"
    (job,) = plan_outputs(["a.gif"], kernel="edge", output="b.gif").jobs
    assert not job.follows_format
    assert str(job.named_for("PNG")) == "b.gif"
    assert Job(None, None).named_for("PNG") is None


def test_an_existing_output_needs_force():
    touch("a.png", "a-edge.png")
    assert conflicts(["a.png"]) == ["'a-edge.png' exists already; --force overwrites it"]
    assert targets(["a.png"], force=True) == ["a-edge.png"]


def test_a_dangling_link_is_an_existing_output():
    touch("a.png")
    Path("a-edge.png").symlink_to("none")
    assert conflicts(["a.png"]) == ["'a-edge.png' exists already; --force overwrites it"]


@pytest.mark.parametrize("output", ["a.png", "./a.png", "soft.png", "hard.png", "folder/../a.png"])
def test_an_input_is_never_overwritten(output):
    touch("a.png")
    Path("folder").mkdir()
    Path("soft.png").symlink_to("a.png")
    Path("hard.png").hardlink_to("a.png")
    (line,) = conflicts(["a.png"], output=output, force=True)
    assert line == (
        f"the output '{Path(output)}' is the input 'a.png', which is never overwritten; choose another name"
    )


def test_an_output_that_is_another_input_is_a_conflict():
    touch("a.png", "a-edge.png")
    (line,) = conflicts(["a.png", "a-edge.png"], force=True)
    assert line.startswith("the output 'a-edge.png' is the input 'a-edge.png'")


@pytest.mark.parametrize("second", ["b/a.png", "link/a.png"])
def test_two_inputs_with_one_output_are_a_conflict(second):
    touch("a.png", "b/a.png")
    Path("link").symlink_to("b")
    Path("out").mkdir()
    assert conflicts(["a.png", second], output="out", force=True) == [
        f"'out/a-edge.png' would be the output of both 'a.png' and '{second}'; "
        "give them different names with -o, as in -o '{dir}/{name}-{kernel}.{ext}'"
    ]


def test_one_input_given_twice_is_a_conflict():
    touch("a.png")
    (line,) = conflicts(["a.png", "./a.png"])
    assert line.startswith("'a-edge.png' would be the output of both 'a.png' and 'a.png'")


def test_all_conflicts_are_reported_together():
    touch("a.png", "a-edge.png", "b.png", "b-edge.png", "c.png")
    lines = conflicts(["a.png", "b.png", "c.png"])
    assert lines == [
        "'a-edge.png' exists already; --force overwrites it",
        "'b-edge.png' exists already; --force overwrites it",
    ]
    assert str(ConflictError(*lines)) == "; ".join(lines)


def test_a_missing_parent_is_a_conflict():
    touch("a.png")
    assert conflicts(["a.png"], output="none/b.png") == ["there is no folder 'none' for the output 'b.png'"]
    assert conflicts(["a.png"], output="none/out/") == ["there is no folder 'none' to make 'out' in"]


def test_a_file_is_no_folder_for_outputs():
    touch("a.png", "b.png", "out.png")
    assert conflicts(["a.png", "b.png"], output="out.png") == [
        "'out.png' is a file, not a folder, so it cannot hold the outputs"
    ]


def test_a_folder_is_no_output_file():
    touch("a.png")
    Path("a-edge.png").mkdir()
    assert conflicts(["a.png"], force=True) == ["the output 'a-edge.png' is a folder"]


def test_a_read_only_folder_is_a_conflict(monkeypatch):
    touch("a.png")
    monkeypatch.setattr(os, "access", lambda path, mode: False)  # root may write everywhere
    assert conflicts(["a.png"]) == ["the folder '.' of the output 'a-edge.png' cannot be written to"]


def test_a_name_that_tells_no_format_is_a_conflict():
    touch("a.png")
    assert conflicts(["a.png"], output="b.xyz") == [
        "the name 'b.xyz' tells no format; end it in .png or another picture's extension, or add --format"
    ]
    assert targets(["a.png"], output="b.xyz", format="PNG") == ["b.xyz"]


def test_a_device_takes_any_number_of_outputs():
    touch("a.png")
    assert targets(["a.png"], output="/dev/null") == ["/dev/null"]


def test_missing_inputs_are_no_conflict():
    assert targets(["none.png", "nowhere/none.png"]) == ["none-edge.png", "nowhere/none-edge.png"]


def test_streams_and_names_are_used_sensibly():
    touch("a.png", "b.png")
    assert conflicts(["-", "-"], output="out/") == ["standard input can be read only once"]
    assert conflicts(["a.png", "b.png"], output="-") == [
        "standard output takes one picture, not 2; name a folder with -o"
    ]
    assert conflicts([""]) == ["a file name is empty"]
    assert conflicts(["a.png"], output="") == ["a file name is empty"]


def test_a_job_is_called_by_its_input():
    assert str(Job(None, None)) == "standard input"
    assert str(Job(Path("a.png"), None)) == "a.png"
