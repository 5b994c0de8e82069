import errno
import os
from pathlib import Path

import pytest
from PIL import Image

from cnnfilter.batch.contests import expected
from cnnfilter.batch.found import Found, Input
from cnnfilter.batch.naming import Wanted
from cnnfilter.batch.plan import ConflictError, outlook, plan_outputs
from cnnfilter.batch.sniff import expected_format
from cnnfilter.errors import OutputError
from tests.command import save
from tests.plans import Doing, carried_out, conflicts, planned, targets, touch


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def test_a_folder_that_exists_takes_the_outputs():
    touch("a.png")
    Path("out").mkdir()
    plan = planned(["a.png"], output="out")
    assert [str(job.target) for job in plan.jobs] == ["out/a-edge.png"]
    plan.prepare()


@pytest.mark.parametrize(("inputs", "output"), [(["a.png"], "new/"), (["a.png", "b.jpg"], "new")])
def test_a_folder_is_made_when_the_work_begins(inputs, output):
    touch(*inputs)
    plan = planned(inputs, output=output)
    assert [job.target.parent for job in plan.jobs] == [Path("new")] * len(inputs)
    assert not Path("new").exists()
    plan.prepare()
    assert Path("new").is_dir()
    plan.prepare()  # somebody else may have made it


def test_a_folder_that_cannot_be_made_is_an_error():
    touch("a.png")
    plan = planned(["a.png"], output="new/")
    touch("new")
    with pytest.raises(OutputError, match="^cannot make the folder 'new': File exists$"):
        plan.prepare()


def test_a_plan_without_a_new_folder_makes_nothing():
    touch("a.png")
    planned(["a.png"]).prepare()
    assert os.listdir() == ["a.png"]  # noqa: PTH208  (names are shorter to compare)


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


def test_a_name_that_turns_out_too_long_is_refused_when_it_is_claimed():
    """The numbers of frames that nobody could count make names longer than what was planned."""
    touch("a.png")
    plan = planned(["a.png"])
    with pytest.raises(OutputError, match="^the name 'a{1,300}.*' is too long$"):
        plan.claim(plan.jobs[0], Path(f"{'a' * 250}-10.png"))


def test_all_conflicts_are_reported_together():
    touch("a.png", "a-edge.png", "b.png", "b-edge.png", "c.png")
    lines = conflicts(["a.png", "b.png", "c.png"])
    assert lines == [
        "'a-edge.png' exists already; --force overwrites it",
        "'b-edge.png' exists already; --force overwrites it",
    ]
    assert str(ConflictError(*lines)) == "; ".join(lines)


def test_of_many_existing_outputs_the_first_stands_for_all():
    names = [f"{number}.png" for number in range(20)]
    touch(*names, *(f"{number}-edge.png" for number in range(20)))
    assert conflicts([*names, "a"], output=None)[:1] == [
        "'0-edge.png' exists already; --force overwrites it, and so do 19 more; --skip-existing leaves them as they are"
    ]


def test_a_folder_that_is_missing_or_closed_is_told_once():
    names = [f"{number}.png" for number in range(20)]
    touch(*names)
    assert conflicts(names, output="none/none/{name}.png") == ["there is no folder 'none' to make 'none' in"]


def test_a_missing_parent_is_a_conflict():
    touch("a.png")
    assert conflicts(["a.png"], output="none/b.png") == ["there is no folder 'none' for the output 'b.png'"]
    assert conflicts(["a.png"], output="none/out/") == ["there is no folder 'none' to make 'out' in"]


def test_a_file_is_no_folder_for_outputs():
    touch("a.png", "b.png", "out.png")
    assert conflicts(["a.png", "b.png"], output="out.png") == [
        "'out.png' is a file, not a folder, so it cannot hold the outputs"
    ]


def test_a_picture_is_no_folder_that_is_made_for_outputs():
    touch("a.png", "b.png")
    for output in ("out.png", "none.tif"):
        assert conflicts(["a.png", "b.png"], output=output) == [
            f"'{output}' is a picture's name, and would take several; end it in / if it is a folder"
        ]
    Path("was.png").mkdir()
    for output in ("out.png/", "out.v2", "was.png"):
        plan = planned(["a.png", "b.png"], output=output)
        assert [str(job.target) for job in plan.jobs] == [f"{Path(output)}/{name}-edge.png" for name in "ab"]


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


def test_a_name_that_contradicts_the_format_is_a_conflict():
    touch("a.png", "b.png")
    message = "the name '{}' is that of a PNG, but --format asks for JPEG; end it in .jpg, or leave out --format"
    assert conflicts(["a.png"], output="x.png", format="JPEG") == [message.format("x.png")]
    assert conflicts(["a.png", "b.png"], output="{name}.png", format="JPEG") == [message.format("{name}.png")]
    assert targets(["a.png"], output="x.jpeg", format="JPEG") == ["x.jpeg"]
    assert targets(["a.png"], output="{name}.{ext}", format="JPEG") == ["a.jpg"]


def test_an_unknown_field_is_a_conflict():
    touch("a.png")
    known = "(known: {name}, {kernel}, {ext}, {dir}, {frame}; a brace itself is written {{ or }})"
    assert conflicts(["a.png"], output="{name}-{foo}.png") == [f"unknown field {{foo}} in -o {known}"]
    line = f"unknown field {{nam}} in -o; did you mean name or frame? {known}"
    assert conflicts(["a.png"], output="{nam}.png") == [line]
    Path("{foo}").mkdir()
    assert targets(["a.png"], output="{foo}") == ["{foo}/a-edge.png"]


@pytest.mark.parametrize("output", ["{}.png", "{}/", "{}/x.png", "{{name}}-{}.png"])
def test_a_name_that_is_too_long_is_a_conflict_and_shown_shortened(output):
    touch("a.png")
    (line,) = conflicts(["a.png"], output=output.replace("{}", "x" * 492))
    assert line.startswith("the name '")
    assert line.endswith("' is too long")
    assert len(line) < 100
    assert conflicts(["a.png"], output="b/" * 2100 + "c.png")[0].endswith("' is too long")
    long = f"{'b' * 200}/{'c' * 200}"
    assert targets(["a.png"], output=f"{{kernel}}/{long}/{{name}}.png") == [f"edge/{long}/a.png"]


def test_of_several_inputs_those_whose_outputs_can_have_no_name_fail_by_themselves():
    save("a.png")
    long = f"{'d' * 300}/b.png"
    plan = planned(["a.png", long, "a\nb.png"], output="out/{dir}/{name}-{kernel}.{ext}")
    first, second, third = carried_out(plan)
    assert (first.error, second.error) == (None, f"the name '{'d' * 57}...' is too long")
    assert third.error == "no such file"  # which a path may be called
    plan = planned(["a.png", "a\nb.png"], output="memory://out/")
    assert [job.error for job in plan.jobs] == [
        None, "the address 'memory://out/a\\nb-edge.png': it holds a control character"
    ]  # fmt: skip
    plan = planned(["a.png", long], counts=[2, ("x", "y" * 300)], output="out/")
    assert [outlook(plan, job).error for job in plan.jobs] == [None, f"the name 'b-edge-{'y' * 50}...' is too long"]


def test_where_no_output_can_have_a_name_nothing_is_begun():
    names = [f"{number}.png" for number in range(20)]
    touch(*names)
    output = f"{{name}}{'x' * 300}.png"
    assert conflicts(names[:2], output=output) == [f"the name '{number}{'x' * 56}...' is too long" for number in "01"]
    assert conflicts(names, output=output) == [
        f"the name '0{'x' * 56}...' is too long; 19 more outputs would have such names"
    ]
    found = Found([Input("s3://b/c\n.png", "", "it holds a control character")], visited={"s3://b"})
    (job,) = plan_outputs(found, Doing(), Wanted(output="memory://out/")).jobs
    assert job.error == "it holds a control character"


def test_a_folder_that_nobody_may_look_into_takes_no_output(monkeypatch):
    touch("a.png", "locked/x/a.png")
    stat, lstat = os.stat, os.lstat

    def denied(look):
        def looked(path, **options):
            if "locked/" in os.fspath(path):
                raise PermissionError(errno.EACCES, "Permission denied", path)
            return look(path, **options)

        return looked

    monkeypatch.setattr(os, "stat", denied(stat))  # root may look everywhere
    monkeypatch.setattr(os, "lstat", denied(lstat))
    assert conflicts(["a.png"], output="locked/x/b.png") == ["there is no folder 'locked/x' for the output 'b.png'"]
    with pytest.raises(OutputError, match="^cannot make the folder 'locked/x': Permission denied$"):
        next(carried_out(planned(["a.png"], output="locked/x/")))
    assert [event.error for event in carried_out(planned(["locked/x/a.png"]))] == ["cannot be read: Permission denied"]


def test_save_options_must_fit_the_formats_that_are_known():
    touch("a.png", "a.txt")
    jpeg = {"quality": "80"}
    none = "PNG has no save option 'quality' (has: compress_level, compress_type, optimize)"
    assert conflicts(["a.png"], output="b.png", options=jpeg) == [none]
    assert conflicts(["a.png"], format="PNG", options=jpeg) == [none]
    assert conflicts(["-"], options=jpeg) == [none]
    assert conflicts(["a.png", "a.txt"], options=jpeg) == [f"a.png: {none}"]
    assert conflicts(["a.png"], default="PNG", options=jpeg) == [f"a.png: {none}"]
    assert conflicts(["a.png"], options={"qualty": "1"})[0].startswith(
        "no format has a save option 'qualty'; did you mean quality"
    )
    assert conflicts(["a.png"], told=True, options={"x y": "1"}) == ["no format has a save option 'x y'"]
    assert targets(["a.txt"], options=jpeg) == ["a-edge.png"]
    assert targets(["a.png"], output="/dev/null", options=jpeg) == ["/dev/null"]
    assert targets(["a.png"], output="b.jpg", options=jpeg) == ["b.jpg"]
    Path("t.csv").write_text("1,2")
    assert conflicts(["t.csv"], options=jpeg) == [f"t.csv: {none}"]


def test_of_many_inputs_the_names_of_most_tell_whether_save_options_fit(monkeypatch):
    from cnnfilter.batch import plan

    monkeypatch.setattr(plan, "LOOKED_AT", 2)
    looked = []
    monkeypatch.setattr(plan, "expected", lambda naming, job: looked.append(str(job)) or expected(naming, job))
    touch("a.png", "b.png", "c.png", "d.tif", "e.tif")
    Image.new("L", (2, 2)).save("f.jpg")
    none = "a.png: PNG has no save option 'quality' (has: compress_level, compress_type, optimize)"
    assert conflicts(["a.png", "b.png", "c.png", "d.tif", "e.tif"], options={"quality": "80"}) == [none]
    assert looked == ["a.png", "b.png", "d.tif"]
    assert len(targets(["a.png", "b.png", "c.png", "f.jpg"], options={"quality": "80"})) == 4


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        (
            "s4://a/b.png?key=secret",
            "the address s4://...: the scheme 's4' is not known; did you mean s3 or gs? "
            "(known: s3, http, https, sftp, gs, az and memory)",
        ),
        ("a.png/", "'a.png/' ends in / like a folder, but is a file; leave that out"),
    ],
)
def test_a_name_that_can_be_no_picture_is_a_conflict(name, reason):
    touch("a.png")
    assert conflicts([name, name]) == [reason]
    assert targets(["none.png/"]) == ["none-edge.png"]


def test_what_an_input_holds_is_told_by_its_first_bytes():
    touch("a.png", "a.txt")
    assert expected_format(Path("a.png")) == "PNG"
    assert [expected_format(Path(name)) for name in ("a.txt", "none.png", ".")] == [None] * 3
    assert expected_format(Path("/dev/null")) == "PNG"
    assert expected_format(None) == "PNG"


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
