"""Lists of names: in lines or ended by NUL, bounded, and refused by line where a name can name nothing."""

import io
from pathlib import Path

import pytest

from cnnfilter.batch import lists
from cnnfilter.batch.lists import read_list
from cnnfilter.errors import ArgumentError
from tests.command import refused


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def test_a_list_is_of_lines_or_ended_by_nul():
    Path("list").write_bytes(b"a.png\n\nb c.png\n\xff.png")
    assert read_list("list", None) == ("a.png", "b c.png", "\udcff.png")
    assert read_list("-", io.BytesIO(b"a\nb.png\0c.png\0"), null=True) == ("a\nb.png", "c.png")


@pytest.mark.parametrize(
    ("data", "names"),
    [
        (b"a.png\r\n\r\nb c.png\r\n", ("a.png", "b c.png")),
        (b"a.png\r\nb.png", ("a.png", "b.png")),
        (b"a.png\r\nb.png\n", ("a.png\r", "b.png")),  # one that has such a name
        (b"\r\n", ()),
        (b"", ()),
    ],
)
def test_line_ends_of_windows_are_no_part_of_the_names(data, names):
    assert read_list("-", io.BytesIO(data)) == names


def test_names_that_end_in_nul_may_end_in_anything():
    assert read_list("-", io.BytesIO(b"a\r\0b\r\0"), null=True) == ("a\r", "b\r")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("none", "the list of files 'none': No such file or directory"),
        ("a\0b", "the list of files 'a\0b': embedded null byte"),
        ("-", "the list of files: standard input is closed"),
        ("nul", "the list of files 'nul' has names ended by NUL; -0 reads such lists"),
    ],
)
def test_a_list_that_cannot_be_read_is_an_error(name, message):
    Path("nul").write_bytes(b"a\0b")
    with pytest.raises(ArgumentError) as caught:
        read_list(name, None)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"a.png\n\nfile:///x\n", "line 3: the address file:///x: it is of this machine: give its path"),
        (
            b"\r\nS4://b\r\nzip://a::s3://b/c\r\n",
            "line 2: the address S4://b: the scheme 'S4' is not known; did you mean s3 or gs? (known: s3, http, https, "
            "sftp, gs, az and memory); line 3 cannot be taken either",
        ),
        (
            b"s3://k:secret@b/c\n" * 4 + b"a.png\nfile:///x\n",
            "line 1: the address s3://...: credentials have no place in it; its library finds them as it always does; "
            "lines 2, 3, 4 and 6 cannot be taken either",
        ),
        (
            b"file:///x\n" * 1000,
            "line 1: the address file:///x: it is of this machine: give its path; lines 2, 3, 4, 5 and more cannot be "
            "taken either",
        ),
        (b"s3://b/\xff.png\n", "line 1: the address 's3://b/\\xff.png': it holds bytes that are no text"),
        (
            b"s3://b/" + b"a" * 5000,
            f"line 1: the address s3://b/{'a' * 493}...{'a' * 500}: it has 5,007 bytes, more than the 4,095 of an "
            "address",
        ),
        (b"list/", "line 1: 'list/' ends in / like a folder, but is a file; leave that out"),
        (b"a\0s3://b/x\ny.png", "name 2: the address 's3://b/x\\ny.png': it holds a control character"),
    ],
)
def test_a_name_in_a_list_that_can_name_nothing_is_told_with_its_place(data, message):
    Path("list").write_bytes(data)
    told = refused("edge", "--files-from", "list", *["-0"] * (b"\0" in data), "-o", "out/")
    assert told == f"the list of files 'list', {message}"


@pytest.mark.parametrize("null", [False, True])
def test_a_list_without_an_end_is_refused(null, monkeypatch):
    with pytest.raises(ArgumentError) as caught:
        read_list("/dev/zero", None, null=null)
    assert str(caught.value) == (
        f"the list of files '/dev/zero': more than {lists.MAX_LIST} bytes, the most that a list may have"
    )
    monkeypatch.setattr(lists, "MAX_NAMES", 3)
    end = b"\0" if null else b"\n"
    assert read_list("-", io.BytesIO((b"a" + end) * 3), null=null) == ("a", "a", "a")
    with pytest.raises(ArgumentError, match="^the list of files '-': more than 3 names; give it in parts$"):
        read_list("-", io.BytesIO((b"a" + end) * 4), null=null)
