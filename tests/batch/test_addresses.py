"""Addresses as inputs and outputs of a batch: what they stand for, what is planned for them, and what that asks for."""

import json
from pathlib import Path
from urllib.parse import quote

import numpy as np
import pytest

import cnnfilter
from cnnfilter.batch import standing
from cnnfilter.batch.found import Found, Input
from cnnfilter.batch.inputs import NO_PLACE, find_inputs
from cnnfilter.batch.lists import read_list
from cnnfilter.batch.naming import Wanted
from cnnfilter.batch.plan import ConflictError, plan_outputs
from cnnfilter.batch.survey import MOST_ASKED, survey
from cnnfilter.errors import ArgumentError, MissingExtraError, OutputError
from tests.addresses.conftest import found as environment
from tests.buckets import buckets
from tests.command import refused, run, save
from tests.plans import Doing, carried_out, planned, targets, touch

PIXELS = np.arange(64, dtype=np.uint8).reshape(8, 8)


@pytest.fixture(scope="module")
def server():
    with buckets("pics", "outs", "many", "strange") as server, environment(server.environment(AWS_MAX_ATTEMPTS="1")):
        yield server


@pytest.fixture
def box(server):
    """A server of S3 with two empty buckets, and others that are not emptied."""
    for bucket in ("pics", "outs"):
        for name in server.keys(bucket):
            server.ask("DELETE", f"/{bucket}/{quote(name)}")
    server.forget()
    return server


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.fixture(scope="module")
def png(tmp_path_factory):
    path = tmp_path_factory.mktemp("picture") / "a.png"
    cnnfilter.Picture(PIXELS).write(path)
    return path.read_bytes()


def fill(box, names, png):
    box.fill("pics", names, png)
    box.forget()


def asked(box, method, by="KEYOFTESTS"):
    """The requests of some method since the last `forget`, but for what the tests ask."""
    return [line for line in box.requests(by=by) if line.startswith(method)]


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


def test_a_folder_is_listed_with_sizes_and_places_and_the_output_folder_is_not(box, png):
    names = ["p/a.png", "p/2024/b.jpg", "p/2024/may/c.png", "p/x.txt", "p/.git/d.png", "p/edges/e.png", "q/f.png"]
    fill(box, names, png)
    for name in ("s3://pics/p", "s3://pics/p/"):
        found = find_inputs([name])
        assert found.inputs == [Input("s3://pics/p/a.png", "", None, len(png))]
        assert (found.folders, found.files, found.visited) == (2, {".txt": 1}, {"s3://pics/p"})
    found = find_inputs(["s3://pics/p/"], recursive=True, output="s3://pics/p/edges/")
    assert [(each.name, each.place, each.size) for each in found.inputs] == [
        ("s3://pics/p/2024/b.jpg", "2024", len(png)),
        ("s3://pics/p/2024/may/c.png", "2024/may", len(png)),
        ("s3://pics/p/a.png", "", len(png)),
    ]
    plan = plan_outputs(found, Doing(), Wanted(output="s3://pics/p/edges/"))
    assert [str(job.target) for job in plan.jobs][1] == "s3://pics/p/edges/2024/may/c-edge.png"
    assert [each.name for each in find_inputs(["s3://pics/"], recursive=True, output="out").inputs][
        -1
    ] == "s3://pics/q/f.png"
    assert len(find_inputs(["s3://pics/p/", "s3://pics/p"], recursive=True).inputs) == 4
    with pytest.raises(ConflictError, match="^outputs would go into 's3://pics/p', among the inputs"):
        plan_outputs(find_inputs(["s3://pics/p/"]), Doing(), Wanted(output="s3://pics/p/"))


def test_a_file_that_has_a_folder_s_name_is_counted_as_passed_over(box, png):
    fill(box, ["p/a", "p/a/b.png"], png)
    found = find_inputs(["s3://pics/p/a"])
    assert ([each.name for each in found.inputs], found.files) == (["s3://pics/p/a/b.png"], {"of a folder's name": 1})
    assert not find_inputs(["s3://pics/p/a/"]).files
    result = run("apply", "edge", "s3://pics/p/a", "-o", "out/")
    assert "passed over 1 file (1 of a folder's name)" in result.messages


def test_patterns_are_those_of_people_and_not_of_lists(box, png):
    fill(box, ["a.png", "b.png", "c[1].png", "d/e.png", "d/f.txt"], png)
    named = [each.name for each in find_inputs(["s3://pics/*.png"]).inputs]
    assert named == ["s3://pics/a.png", "s3://pics/b.png", "s3://pics/c[1].png"]
    assert [each.name for each in find_inputs(["s3://pics/c[1].png"]).inputs] == ["s3://pics/c[1].png"]
    assert [each.name for each in find_inputs(["s3://pics/?"]).inputs] == ["s3://pics/d/e.png"]
    assert find_inputs(["s3://pics/z*"]).inputs == [Input("s3://pics/z*", error="no such file")]
    box.forget()
    assert [each.name for each in find_inputs([], listed=["s3://pics/*.png"]).inputs] == ["s3://pics/*.png"]
    assert find_inputs(["https://h.org/[1].png?a=*"]).inputs == [Input("https://h.org/[1].png?a=*")]
    for name in ("https://h.org/", "https://h.org/d/*.png"):
        assert "no listing" in find_inputs([name]).inputs[0].error
    assert find_inputs(["s3://pics/a.png"]).inputs == [Input("s3://pics/a.png")]
    assert asked(box, "") == []
    assert [each.name for each in find_inputs([], listed=["s3://pics/d/"]).inputs] == ["s3://pics/d/e.png"]


def test_what_cannot_be_looked_into_fails_by_itself(box, png):
    fill(box, ["a.png"], png)
    found = find_inputs(["s3://none/p/", "s3://pics/none/", "s3://pics/a.png", "s4://pics/a.png"])
    assert [each.error for each in found.inputs] == [
        "cannot be looked into: no such bucket", "no such folder, or nothing is in it", None, None
    ]  # fmt: skip
    with pytest.raises(ConflictError, match="^the address s4://pics/a.png: the scheme 's4' is not known"):
        plan_outputs(found, Doing(), Wanted(output="out/"))


def test_no_key_of_a_bucket_leads_out_of_the_output_folder(box, png):
    inside = ["p/a.png", "p/ok/b.png"]
    outside = ["p//etc/c.png", "p/a\nb/d.png", "p/s3://x/e.png", f"p/{'d' * 256}/i.png", "p/j?versionId=1.png"]
    box.fill("strange", [*inside, *outside, "p/../../f.png", "p/./g.png"], png)  # those with a dot in front are hidden
    found = find_inputs(["s3://strange/p/"], recursive=True, output="out/")
    assert {each.name.removeprefix("s3://strange/") for each in found.inputs if each.error is None} == {
        *inside,
        outside[3],
    }
    assert len(found.inputs) == 7
    result = run("apply", "edge", "-r", "s3://strange/p/", "s3://strange/../../h.png", "-o", "out/")
    assert result.exit_code == 1
    assert result.messages[-1].startswith("2 written, 6 failed")
    assert result.err.count(NO_PLACE) == 3
    for name in ("p/a\\nb/d.png", outside[3], "p/j?versionId=1.png"):
        assert f"cnnfilter: error: s3://strange/{name}: " in result.err
    assert {str(path) for path in Path().rglob("*.*")} == {"out/a-edge.png", "out/ok/b-edge.png"}
    for name in ("s3://strange/x/../y.png", "memory://../y.png"):
        assert find_inputs([], listed=[name]).inputs[0].error == f"'..' {NO_PLACE}"


def test_a_pattern_finds_no_key_that_would_be_refused_by_itself(box, png):
    box.fill("strange", ["q/a.png", "q/b\nc.png", "q/d.png?versionId=1.png"], png)
    errors = {
        each.name.removeprefix("s3://strange/q/"): each.error for each in find_inputs(["s3://strange/q/*"]).inputs
    }
    assert errors == {
        "a.png": None,
        "b\nc.png": "it holds a control character",
        "d.png?versionId=1.png": "versions of an object are not told apart: leave ?versionId= out",
    }


def test_on_windows_no_key_holds_what_parts_folders_or_drives_there(monkeypatch):
    from cnnfilter.batch import inputs

    with monkeypatch.context() as patch:
        patch.setattr(inputs.os, "sep", "\\")
        wrong = {
            key: find_inputs([], listed=[f"s3://pics/{key}"]).inputs[0].error
            for key in ("..\\x.png", "C:x.png", "x.png", "Aux/x.png", "com1.b/x.png", "a./x.png", "aux-1/x.png")
        }
    assert wrong == {
        "..\\x.png": f"'..\\\\x.png' {NO_PLACE}",
        "C:x.png": f"'C:x.png' {NO_PLACE}",
        "x.png": None,
        "Aux/x.png": f"'Aux' {NO_PLACE}",
        "com1.b/x.png": f"'com1.b' {NO_PLACE}",
        "a./x.png": f"'a.' {NO_PLACE}",
        "aux-1/x.png": None,
    }


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


def test_what_makes_no_sense_at_addresses_is_refused_in_one_line():
    save("a.png")
    assert refused("edge", "memory://m/a.png", "--in-place") == (
        "--in-place is for files of this machine; name a place for what is made of addresses with -o"
    )
    for arguments in (["memory://m/a.png", "-o", "out/"], ["a.png", "-o", "memory://m/"]):
        assert refused("edge", *arguments, "--preserve-times") == (
            "--preserve-times is for files of this machine: what is at an address has no times to give or to take"
        )


def test_a_missing_back_end_is_told_before_work(monkeypatch):
    def missing(address):
        msg = f"{address.scheme}:// needs the sshfs library: pip install 'cnnfilter[remote]'"
        raise MissingExtraError(msg)

    monkeypatch.setattr("cnnfilter.batch.plan.check_installed", missing)
    for name, output in (("sftp://h/a.png", "out/"), ("a.png", "SFTP://h/a.png")):
        with pytest.raises(MissingExtraError, match="^sftp:// needs"):
            planned([name], output=output)
    assert targets(["a.png"], output="out/") == ["out/a-edge.png"]


def test_a_list_may_be_at_an_address(box, png):
    fill(box, ["a.png", "b.png"], png)
    box.put("pics/list.txt", b"s3://pics/a.png\r\ns3://pics/b.png\r\n")
    assert read_list("s3://pics/list.txt", None) == ("s3://pics/a.png", "s3://pics/b.png")
    result = run("apply", "edge", "--files-from", "s3://pics/list.txt", "-o", "s3://outs/")
    assert (result.exit_code, result.messages[-1]) == (0, "2 written"), result.err
    assert box.keys("outs") == ["a-edge.png", "b-edge.png"]
    for name, reason in {"s3://pics/none": "no such file", "s3://pics/a.png/": "is a folder"}.items():
        with pytest.raises(ArgumentError, match=f"^the list of files '{name}': {reason}$"):
            read_list(name, None)


def test_a_list_at_an_address_is_bounded(box, monkeypatch):
    from cnnfilter.batch import lists

    box.put("pics/list.txt", b"a.png\n" * 20)
    monkeypatch.setattr(lists, "MAX_LIST", 100)
    with pytest.raises(ArgumentError, match="more than 100 bytes, the most that a list may have"):
        read_list("s3://pics/list.txt", None)


def test_a_dry_run_counts_what_would_be_read_and_asks_for_nothing_else(box, png):
    fill(box, ["p/a.png", "p/b.gif", "p/c.png"], png)
    box.fill("outs", ["c-edge.png"], png)
    save("d.png")
    size = Path("d.png").stat().st_size
    arguments = ["s3://pics/p/", "d.png", "s3://pics/e.png", "-o", "s3://outs/", "--skip-existing", "-n"]
    box.forget()
    result = run("apply", "edge", *arguments)
    assert result.out.splitlines() == [
        "s3://pics/p/a.png -> s3://outs/a-edge.png",
        "s3://pics/p/b.gif -> s3://outs/b-edge.gif",
        "s3://pics/p/c.png -> s3://outs/c-edge.png (exists, skipped)",
        "d.png -> s3://outs/d-edge.png",
        "s3://pics/e.png -> s3://outs/e-edge.png",
    ]
    total = f"{(2 * len(png) + size) / 1000:.1f} kB" if 2 * len(png) + size >= 1000 else f"{2 * len(png) + size} bytes"
    assert result.messages == [f"4 to write, 1 skipped; {total} to read and 1 of unknown size"]
    assert asked(box, "GET") == [line for line in asked(box, "GET") if "list-type=2" in line]
    assert asked(box, "PUT") == []
    lines = [json.loads(line) for line in run("apply", "edge", *arguments, "--json").out.splitlines()]
    assert [line["bytes"] for line in lines] == [len(png), len(png), len(png), size, None]


def test_of_addresses_a_few_are_looked_at_before_work():
    class Chain:
        network = ()

        def check_runnable(self):
            pass

        def load_weights(self):
            pass

        def plan(self, shape):
            return (Row,) if shape == (1, 1, 1) else ()

    class Row:
        output = (1, 1, 4)

    looked = []

    def shape_of(name):
        looked.append(name)
        return (1, 1, 1) if name.endswith(".png") else (2, 2, 2)

    names = [f"s3://b/{number}.jpg" for number in range(100)]
    assert survey(Chain(), names, shape_of, every=True) == ((), (None,) * 100)
    assert looked == names[:MOST_ASKED]
    looked.clear()
    assert survey(Chain(), ["s3://b/a.png", "s3://b/b.png", "c.png"], shape_of, every=True).counts == (4, None, 4)
    assert looked == ["s3://b/a.png", "c.png"]


def test_pictures_go_between_folders_and_buckets(box, png):
    fill(box, ["p/a.png", "p/2024/b.png"], png)
    assert run("apply", "edge", "-r", "s3://pics/p", "-o", "here/").messages[-1] == "2 written"
    assert run("apply", "edge", "-r", "s3://pics/p", "-o", "s3://outs/there/").messages[-1] == "2 written"
    assert (
        run("apply", "edge", "here/a-edge.png", "-o", "s3://outs/{name}/x.{ext}").messages[-1].startswith("wrote s3://")
    )
    assert box.keys("outs") == ["a-edge/x.png", "there/2024/b-edge.png", "there/a-edge.png"]
    for name in ("a-edge.png", "2024/b-edge.png"):
        assert box.get(f"outs/there/{name}") == Path("here", name).read_bytes()
    again = run("apply", "edge", "-r", "s3://pics/p", "-o", "s3://outs/there/")
    assert again.messages == [
        "cnnfilter: error: 's3://outs/there/2024/b-edge.png' exists already; --force overwrites it",
        "cnnfilter: error: 's3://outs/there/a-edge.png' exists already; --force overwrites it",
    ]


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
