"""Addresses as outputs of a batch: what they are called, what is in the way there, and what that asks for."""

import numpy as np
import pytest

from cnnfilter.batch import standing
from cnnfilter.batch.found import Found, Input
from cnnfilter.batch.inputs import find_inputs
from cnnfilter.batch.naming import Wanted
from cnnfilter.batch.plan import ConflictError, plan_outputs
from cnnfilter.errors import OutputError
from tests.batch.conftest import asked, fill
from tests.command import refused, run
from tests.plans import Doing, carried_out, planned, targets, touch


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(
    ("name", "output", "expected"),
    [
        ("s3://b/2024/a.jpg", None, "s3://b/2024/a-edge.jpg"),
        ("S3://b/a.jpg", None, "s3://b/a-edge.jpg"),
        ("s3://b/a.jpg", "out/", "out/a-edge.jpg"),
        ("a.jpg", "s3://b/out/", "s3://b/out/a-edge.jpg"),
        ("a.jpg", "s3://b/", "s3://b/a-edge.jpg"),
        ("a.jpg", "s3://b/x.png", "s3://b/x.png"),
        ("2024/a.jpg", "s3://b/{dir}/{name}.{ext}", "s3://b/2024/a.jpg"),
        ("a.jpg", "s3://b/{dir}/{name}.{ext}", "s3://b/a.jpg"),
        ("/2024/a.jpg", "s3://b/x/{dir}/{name}.png", "s3://b/x/2024/a.png"),
        ("s3://in/2024/a.jpg", "s3://b/{dir}/{name}.{ext}", "s3://b/in/2024/a.jpg"),
        ("s3://in/2024//a.jpg", None, "s3://in/2024//a-edge.jpg"),
        ("s3://in/2024/a.jpg", "out/{dir}/{name}.{ext}", "out/in/2024/a.jpg"),
        ("s3://in/2024/a.jpg", "{dir}/{name}-x.{ext}", "s3://in/2024/a-x.jpg"),
        ("https://h.org/a.jpg?x=/c.gif", "out/", "out/a-edge.jpg"),
        ("https://h.org/d/a.jpg?x=/c.gif", "{kernel}/{dir}/{name}.{ext}", "edge/h.org/d/a.jpg"),
        ("sftp://ann:secret@h.org/d/a.jpg", "out/{dir}/{name}.{ext}", "out/h.org/d/a.jpg"),
        ("sftp://ann:secret@h.org/d/a.jpg", None, "sftp://ann@h.org/d/a-edge.jpg"),
        ("s3://b/a", "out/", "out/a-edge.png"),
        ("memory://m/a.csv", "out/", "out/a-edge.png"),
    ],
)
def test_outputs_of_addresses_are_called_as_those_of_paths_are(name, output, expected, monkeypatch):
    monkeypatch.setattr(standing.Standing, "at", lambda *place: None)  # nobody is asked
    plan = planned([name], output=output)
    (job,) = plan.jobs
    assert str(job.target) == expected
    assert plan.naming.text(name) == getattr(job.target, "text", expected)
    assert "secret" not in f"{job} {job.target}"


def test_a_run_is_resumed_by_one_listing(box, png):
    names = [f"{number:04}.png" for number in range(2300)]
    box.fill("many", [f"p/{name}" for name in names], png)
    box.fill("many", [f"e/{name.removesuffix('.png')}-edge.png" for name in names[10:]], png)
    box.forget()
    result = run("apply", "edge", "s3://many/p/", "-o", "s3://many/e/", "--skip-existing")
    assert (result.exit_code, result.messages[-1]) == (0, "10 written, 2290 skipped"), result.err
    assert len(asked(box, "GET")) == 3 + 1 + 3 + 10  # pages of inputs, their bucket, pages of outputs, and the pictures
    assert len(asked(box, "HEAD")) == standing.FEW
    assert len(asked(box, "PUT")) == 10
    assert len(box.keys("many", "e/")) == 2300


def test_of_many_folders_of_outputs_all_are_listed_at_once(box, png):
    names = [f"{number:02}/{name}.png" for number in range(60) for name in "abc"]
    fill(box, names, png)
    box.fill("outs", [f"{name.removesuffix('.png')}-edge.png" for name in names[:-1]], png)
    box.forget()
    plan = plan_outputs(
        find_inputs(["s3://pics/"], recursive=True), Doing(), Wanted(output="s3://outs/", skip_existing=True)
    )
    assert [job.skipped for job in plan.jobs] == [True] * 179 + [False]
    assert len(asked(box, "GET")) == 1 + standing.FEW + 1
    assert len(asked(box, "HEAD")) == standing.FEW


def test_what_exists_is_told_before_work_and_no_input_is_overwritten(box, png, monkeypatch):
    fill(box, ["a.png", "a-edge.png"], png)
    assert refused("edge", "s3://pics/a.png") == "'s3://pics/a-edge.png' exists already; --force overwrites it"
    with pytest.raises(
        ConflictError, match="^the output 's3://pics/a.png' is the input 's3://pics/a.png', which is never"
    ):
        planned(["s3://pics/a.png"], output="S3://pics/a.png", force=True)
    assert targets(["s3://pics/a.png"], force=True) == ["s3://pics/a-edge.png"]
    with monkeypatch.context() as patch:
        patch.setattr(standing.Standing, "at", lambda *place: standing.FILE)
        for output in ("sftp://h//d/a.png", "SFTP://h/./d/../d/a.png"):
            with pytest.raises(ConflictError, match="^the output '.*' is the input 'sftp://h/d/a.png', which is never"):
                planned(["sftp://h/d/a.png"], output=output, force=True)
    touch("d/a.png")
    with pytest.raises(
        ConflictError, match="^'s3://outs/a-edge.png' would be the output of 's3://pics/a.png' and 'd/a.png"
    ):
        planned(["s3://pics/a.png", "d/a.png"], output="s3://outs/")
    plan = planned(["s3://pics/a.png", "S3://pics/a.png"], output="out/")
    assert [(str(job), job.times) for job in plan.jobs] == [("s3://pics/a.png", 2)]
    assert asked(box, "PUT") == []


@pytest.mark.parametrize(
    ("output", "hint"),
    [
        ("out/", "out/{dir}/{name}-{kernel}.{ext}"),
        ("out{{1}}/", "out{{1}}/{dir}/{name}-{kernel}.{ext}"),
        ("memory://out/x/{name}.{ext}", "memory://out/x/{dir}/{name}-{kernel}.{ext}"),
        ("sftp://ann:0penSesame@h/", "sftp://ann@h/{dir}/{name}-{kernel}.{ext}"),
    ],
)
def test_where_names_of_addresses_collide_they_are_kept_apart_in_the_folder_that_was_named(output, hint, monkeypatch):
    monkeypatch.setattr(standing.Standing, "at", lambda *place: None)
    names = ["https://h.org/1/a.png", "https://h.org/2/a.png"]
    with pytest.raises(ConflictError) as caught:
        planned(names, output=output)
    assert str(caught.value).endswith(f"-o '{hint}' keeps them apart")
    assert len(planned(names, output=hint).jobs) == 2


def test_an_output_folder_is_one_by_its_slash_by_several_inputs_or_as_it_is_there(box, png):
    box.fill("outs", ["there/x.png", "was.png/x.png"], png)
    assert targets(["a.png"], output="s3://outs/there") == ["s3://outs/there/a-edge.png"]
    assert targets(["a.png", "b.png"], output="s3://outs/new") == [
        "s3://outs/new/a-edge.png",
        "s3://outs/new/b-edge.png",
    ]
    with pytest.raises(ConflictError, match="^the name 's3://outs/new' tells no format; .*, in / if it is a folder"):
        planned(["a.png"], output="s3://outs/new")
    with pytest.raises(ConflictError, match="^'s3://outs/new.png' is a picture's name, and would take several"):
        planned(["a.png", "b.png"], output="s3://outs/new.png")
    with pytest.raises(ConflictError, match="^the name 's3://outs/x.png' is that of a PNG, but --format asks for JPEG"):
        planned(["a.png"], output="s3://outs/x.png", format="JPEG")
    with pytest.raises(ConflictError, match="is too long$"):
        planned(["a.png"], output=f"s3://outs/{'x/' * 520}")
    with pytest.raises(ConflictError, match="is too long$"):
        planned(["a.png"], output=f"s3://outs/{'x/' * 510}{{name}}.png")
    with pytest.raises(ConflictError, match=r"^unknown field \{nam\} in -o"):
        planned(["a.png"], output="s3://outs/{nam}.png")
    with pytest.raises(ConflictError, match="^the address s3://o!: no bucket has such a name$"):
        planned(["a.png"], output="s3://o!")
    assert len(targets(["a.png"], output=f"s3://outs/{'x/' * 300}x.png")[0]) > 600


@pytest.mark.parametrize(
    ("output", "part"),
    [
        ("s3://b/../a.png", ".."),
        ("S3://b/x/..", ".."),
        ("s3://b/./{name}.png", "."),
        ("s3://b//a.png", "//"),
        ("memory://b//", "//"),
    ],
)
def test_no_output_goes_where_no_folder_can_be(output, part):
    with pytest.raises(ConflictError) as caught:
        planned(["a.png"], output=output)
    assert str(caught.value) == f"the address {output}: {part!r} in it can be no folder's name; leave that out"
    with pytest.raises(ConflictError, match="^the address memory://b/../a.png: '..' in it can be no folder's name"):
        planned(["../a.png"], output="memory://b/{dir}/{name}.png")
    assert targets(["..a./b..png"], output="memory://b/{dir}/{name}.{ext}") == ["memory://b/..a./b..png"]


def test_a_name_of_this_machine_that_no_address_can_have_is_told_before_work():
    names = {"a\nb.png": "it holds a control character", "\udcff.png": "it holds bytes that are no text"}
    for name, reason in names.items():
        with pytest.raises(ConflictError) as caught:
            planned([name], output="s3://mine/")
        assert str(caught.value).startswith("the address 's3://mine/")
        assert str(caught.value).endswith(f"-edge.png': {reason}")
        assert str(caught.value).isprintable()


def test_buckets_that_do_not_tell_end_a_run_before_work_unless_they_only_keep_their_names_secret(box, png):
    names = [f"{number}.png" for number in range(2 * standing.FEW)]
    for count in (1, 2 * standing.FEW):
        with pytest.raises(OutputError, match="^cannot look for outputs in 's3://none/': no such bucket$"):
            planned(names[:count], output="s3://none/")
    box.order("status", "^(HEAD|GET)", None, status=403)
    assert len(targets(names, output="s3://outs/e/")) == len(names)
    with pytest.raises(ConflictError, match="tells no format"):
        planned(["a.png"], output="s3://outs/e")
    box.forget()
    box.order("status", "^(HEAD|GET)", None, status=501)
    with pytest.raises(OutputError, match="^cannot look at 's3://outs/e': the service cannot do that"):
        planned(["a.png"], output="s3://outs/e")


def test_work_asks_for_no_name_again_and_the_service_refuses_what_has_come_since(box, png):
    fill(box, ["a.png", "b.png"], png)
    plan = planned(["s3://pics/a.png", "s3://pics/b.png"], output="s3://outs/")
    box.put("outs/b-edge.png", b"somebody else's")
    box.forget()
    first, second = carried_out(plan)
    assert (first.error, str(first.targets[0])) == (None, "s3://outs/a-edge.png")
    assert second.error.startswith("'s3://outs/b-edge.png' exists already; ")
    assert asked(box, "HEAD") == []
    assert box.get("outs/b-edge.png") == b"somebody else's"
    plan = planned(["s3://pics/a.png", "s3://pics/b.png"], output="s3://outs/", skip_existing=True)
    assert [event.skipped for event in carried_out(plan)] == [True, True]


def test_a_name_that_nobody_knew_of_replaces_no_input_at_an_address(box, png):
    import io

    from PIL import Image

    colours = io.BytesIO()
    Image.fromarray(np.full((4, 4, 3), (255, 0, 0), np.uint8)).convert("P").save(colours, "GIF")
    fill(box, ["a-edge.png"], png)
    box.put("pics/a.gif", colours.getvalue())
    plan = planned(["s3://pics/a.gif", "s3://pics/a-edge.png"], force=True)
    first, second = carried_out(plan)
    assert first.error.startswith("the output 's3://pics/a-edge.png' is the input 's3://pics/a-edge.png'")
    assert second.error is None
    assert box.get("pics/a-edge.png") == png


def test_no_message_shows_a_password(monkeypatch):
    monkeypatch.setattr(standing.Standing, "at", lambda *place: None)
    folder = "sftp://ann:secret@h/p"
    found = Found([Input(f"{folder}/a.png", ""), Input(f"{folder}/b.png", "")], visited={folder})
    told = []
    for wanted in (
        Wanted(output=f"{folder}/"),
        Wanted(output=f"{folder}/{{x}}.png"),
        Wanted(output=f"{folder}/x.png"),
        Wanted(output=f"{folder}/{{name}}.png", format="JPEG"),
        Wanted(output=f"{folder}/{{kernel}}.png"),
        Wanted(output=f"{folder}/{'x' * 1100}/"),
        Wanted(output=f"{folder}\x07/"),
        Wanted(output="http://ann:secret@h/p/"),
    ):
        with pytest.raises(ConflictError) as caught:
            plan_outputs(found, Doing(), wanted)
        told += caught.value.args
    assert len(told) >= 8
    assert "secret" not in "".join(told)


def test_on_a_server_each_folder_of_outputs_is_listed_by_itself(monkeypatch):
    folders = []
    monkeypatch.setattr(standing, "names_in", lambda folder, **options: folders.append((folder.text, options)) or set())
    names = [f"{number:02}/{name}.png" for number in range(40) for name in "ab"]
    found = Found([Input(f"memory://in/{name}", name[:2]) for name in names], visited={"memory://in"})
    assert len(plan_outputs(found, Doing(), Wanted(output="memory://out/")).jobs) == 80
    assert folders == [(f"memory://out/{number:02}/", {}) for number in range(standing.FEW // 2, 40)]
