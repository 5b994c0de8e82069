"""Names of outputs as texts, and what is told from them: the same as what the jobs and the folders tell."""

import os
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cnnfilter.addresses.address import is_address, located, text_of, wrong_address
from cnnfilter.addresses.schemes import SCHEMES
from cnnfilter.batch.names import EACH_FRAME, STREAM, normal, parted, taken_apart, wrong_input
from cnnfilter.batch.naming import Naming, Wanted
from cnnfilter.batch.plan import ConflictError
from cnnfilter.batch.standing import FEW, FILE, OTHER, Standing
from tests.plans import planned, targets, touch

PIECES = ("a", "b.png", ".", "..", "/", "//", "\u00e4" * 90, ".jpg", "x.tar.gz", "{name}", "\udcff", "-")
ADDRESSES = st.tuples(
    st.sampled_from(["s3://b", "S3://b", "https://h.org:80", "sftp://ann:pw@h", "memory://m", "gs://b"]),
    st.lists(st.sampled_from(["/", "a", "b.png", ".", "..", "?x=/y.gif", "#", "d/e", "\u00e4", "{name}", " "])),
).map(lambda parts: f"{parts[0]}/{''.join(parts[1])}".rstrip("/"))
NAMES = st.one_of(
    ADDRESSES,
    st.lists(st.sampled_from(PIECES), min_size=1).map("".join),
    st.text(min_size=1).filter(lambda name: "\0" not in name),
)
OUTPUTS = (
    None, "-", "new/", ".", "/", "./o//p/", "{{a}}/", "x.png", "{name}-{kernel}.{ext}", "{dir}/{name}.{ext}",
    "{ext}-{name}.{ext}", "o/{ext}/{name}.npy", "{dir}/{dir}//{name}", "./{name}-{frame}.png", "{name}{frame}.{ext}",
    "s3://o/p/", "S3://o/", "memory://o/{dir}/{name}.{ext}", "sftp://ann:pw@h/x.png", "s3://o/{name}-{frame}.{ext}",
)  # fmt: skip


@given(NAMES, st.sampled_from(OUTPUTS), st.data())
def test_the_text_of_an_output_is_the_name_that_its_job_has(name, output, data):
    format = data.draw(st.sampled_from([None, "JPEG", "PNG"]))
    frame = data.draw(st.sampled_from(["3", EACH_FRAME]))
    place = data.draw(st.sampled_from([None, "", "2024", "2024/01"]))
    naming = Naming("edge", Wanted(output=output, format=format, frame=frame), several=data.draw(st.booleans()))
    naming = replace(naming, in_place=output is None and name != STREAM and data.draw(st.booleans()))
    job = naming.job(name, place)
    assert naming.text(name, place) == (None if job.target is None else text_of(job.target))
    assert naming.is_streamed(name) == (job.target is None)
    assert naming.in_place or job.target is None or naming.follows_format == (job.follows_format and format is None)


@given(NAMES.filter(lambda name: not is_address(name)))
def test_a_name_is_taken_apart_as_a_path_is(name):
    assert normal(name) == str(Path(name))
    folder, base = parted(normal(name))
    assert Path(folder) == Path(name).parent
    assert base == (Path(name).name or normal(name).strip("/"))
    if name != STREAM:
        assert taken_apart(name)[0] == folder
        assert "".join(taken_apart(name)[1:]) == base


@given(ADDRESSES)
def test_an_address_is_taken_apart_as_it_tells_itself(name):
    address = located(name)
    folder, stem, suffix = taken_apart(name)
    assert normal(name) == address.text
    assert folder.rstrip("/") == address.parent.text.rstrip("/")
    assert (stem, suffix) == (address.stem, address.suffix)


def test_what_stands_is_asked_for_by_name_and_then_by_folder(tmp_path, monkeypatch):
    for name in map(str, range(2 * FEW)):
        (tmp_path / name).write_text("")
    (tmp_path / "folder").mkdir()
    (tmp_path / "link").symlink_to("0")
    folder, listed, scan = f"{tmp_path}/", [], os.scandir
    monkeypatch.setattr(os, "scandir", lambda path: listed.append(path) or scan(path))
    standing = Standing()
    expected = {**{str(number): FILE for number in range(2 * FEW)}, "folder": OTHER, "link": OTHER, "none": None}
    for name in (*expected, *expected):
        assert standing.at(folder, name) == expected[name], name
    assert listed == [folder]
    assert standing.at(f"{tmp_path}/none/", "a") is None
    assert standing.at(f"{tmp_path}/0/", "a") is None
    assert Standing().at("", "a\0") is None


def test_where_a_folder_cannot_be_listed_each_name_is_asked_for(tmp_path, monkeypatch):
    def refused(path):
        raise PermissionError

    (tmp_path / "a").write_text("")
    monkeypatch.setattr(os, "scandir", refused)
    standing = Standing()
    assert {standing.at(f"{tmp_path}/", "a") for _ in range(2 * FEW)} == {FILE}
    assert standing.at(f"{tmp_path}/", "none") is None


@pytest.mark.parametrize("count", [FEW - 1, 3 * FEW])
def test_what_exists_is_skipped_or_replaced_unless_it_is_an_input(count, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = [f"{number:03}.png" for number in range(count)]
    touch(*names, *(f"out/{name.replace('.', '-edge.')}" for name in names[1:]))
    plan = planned(names, output="out", skip_existing=True)
    assert [job.skipped for job in plan.jobs] == [False] + [True] * (count - 1)
    assert len(targets(names, output="out", force=True)) == count
    Path("out/001-edge.png").unlink()
    Path("out/001-edge.png").hardlink_to("000.png")
    for options in ({"force": True}, {"skip_existing": True}):
        with pytest.raises(ConflictError, match="^the output 'out/001-edge.png' is the input '000.png'"):
            planned(names, output="out", **options)


def test_of_thousands_a_few_are_looked_at_closely(tmp_path, monkeypatch):
    made = []
    job = Naming.job
    monkeypatch.setattr(Naming, "job", lambda *arguments: made.append(arguments[1]) or job(*arguments))
    monkeypatch.chdir(tmp_path)
    Path("out").mkdir()
    names = [f"in/{number:05}.{'gif' if number % 2 else 'png'}" for number in range(2000)]
    planned(names, output="out")
    assert set(made) == {"a"}  # which tells how extensions stand in names
    planned([*names, "in/00001.png"], output="out")  # 00001.gif may become one
    assert set(made) == {"a", "in/00001.gif"}


def test_a_picture_that_becomes_a_png_wants_the_name_that_it_then_has(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    touch("a.gif", "a.png", "b.gif")  # as a test touches them, all are PNGs
    for output in (None, "{ext}-{name}.{ext}"):
        with pytest.raises(ConflictError, match="would be the output of 'a.gif' and 'a.png'"):
            planned(["b.gif", "a.gif", "a.png"], output=output)
    assert targets(["b.gif", "a.png"]) == ["b-edge.gif", "a-edge.png"]


REST = st.text("aZ0_.-@: ?#\n\u00e4\udcff", max_size=5)
REFUSABLE = st.builds("{}://{}/{}".format, st.sampled_from([*SCHEMES, "file", "S3", "zip::s3"]), REST, REST)


@given(ADDRESSES | REFUSABLE)
def test_what_is_let_pass_at_once_nobody_would_refuse(name):
    assert (wrong_input(name) is None) == (wrong_address(name) is None)
