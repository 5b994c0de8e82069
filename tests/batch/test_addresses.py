"""Addresses as inputs of a batch: what they stand for, and what that asks for."""

import json
from pathlib import Path

import pytest

from cnnfilter.batch.found import Input
from cnnfilter.batch.inputs import NO_PLACE, find_inputs
from cnnfilter.batch.lists import read_list
from cnnfilter.batch.naming import Wanted
from cnnfilter.batch.plan import ConflictError, plan_outputs
from cnnfilter.batch.survey import MOST_ASKED, survey
from cnnfilter.errors import ArgumentError, MissingExtraError
from tests.batch.conftest import asked, fill
from tests.command import refused, run, save
from tests.plans import Doing, planned, targets


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


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
    from cnnfilter.addresses import reading
    from cnnfilter.batch import lists

    box.put("pics/list.txt", b"a.png\n" * 20)
    monkeypatch.setattr(lists, "MAX_LIST", 100)
    head, asked = reading.head, []
    monkeypatch.setattr(reading, "head", lambda address, size: asked.append(size) or head(address, size))
    with pytest.raises(ArgumentError, match="more than 100 bytes, the most that a list may have"):
        read_list("s3://pics/list.txt", None)
    assert asked == [101]


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
