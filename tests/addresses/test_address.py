"""Addresses as texts: which are refused, what is told of them, and what their parts are."""

import os
from pathlib import Path, PurePosixPath

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cnnfilter.addresses.address import LONGEST, Address, is_address, located, shown, wrong_address
from cnnfilter.addresses.schemes import SCHEMES
from cnnfilter.errors import ArgumentError

SECRET = "0penSesame"

NAMES = st.text(st.sampled_from("ab.%é -_~:@&=+"), min_size=1, max_size=8).filter(lambda name: name.strip(".") != "")
ADDRESSES = st.builds(
    lambda scheme, folders, name: f"{scheme}://first/{''.join(f'{each}/' for each in folders)}{name}",
    st.sampled_from([*SCHEMES]), st.lists(NAMES | st.just(""), max_size=3), NAMES,
)  # fmt: skip


@pytest.mark.parametrize("text", ["s3://b/a.jpg", "S3://b", "zip://a::file:///b", "x-y+z://", "simplecache::s3://b/a"])
def test_an_address_is_told_from_a_path_by_its_scheme(text):
    assert is_address(text)


@pytest.mark.parametrize(
    "text", ["a.jpg", "./s3://b/a.jpg", "/s3://b", "C://a", "s3:/b/a.jpg", "://b", "# see http://b", "conv:3", ""]
)
def test_all_else_is_a_path(text):
    assert not is_address(text)
    assert located(text) == Path(text)


def test_paths_and_addresses_are_located_as_they_are(tmp_path):
    address = located("S3://b/A.jpg")
    assert address == Address("s3://b/A.jpg")
    assert located(address) is address
    assert located(tmp_path) == tmp_path


@pytest.mark.parametrize(
    "text",
    [
        "s3://b", "s3://b/", "s3://my-bucket.of/a b/c::d.jpg", "gs://b/a",
        "http://localhost:8080/a", "https://[::1]:80/a?b=c", "https://bücher.example/a", "https://u:p@h.example./a",
        "sftp://ann:a%40b@host:22/a", "sftp://host", "az://box/a", "memory://a/b", "memory://a@b",
        f"s3://b/{'a' * 4000}",
    ],
)  # fmt: skip
def test_addresses_of_known_schemes_pass(text):
    assert wrong_address(text) is None


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("s4://b/a", "the scheme 's4' is not known; did you mean s3 or gs?"),
        ("ftp://h/a", r"'ftp' is not known.* \(known: s3, http, https, sftp, gs, az and memory\)"),
        ("file:///etc/passwd", "it is of this machine: give its path"),
        ("LOCAL://a", "it is of this machine"),
        ("simplecache::s3://b/a", "chains of addresses"),
        ("zip://a.jpg::file:///b.zip", "chains of addresses"),
        ("s3://b/a::file:///etc/passwd", "chains of addresses"),
        ("s3://", "names no bucket"),
        ("s3:///a", "names no bucket"),
        ("az://", "names no container"),
        ("memory:///a", "names no folder"),
        ("s3://key:secret/x@b/a", "credentials have no place in it"),
        ("s3://a b/c", "no bucket has such a name"),
        ("s3://../c", "no bucket has such a name"),
        ("s3://key:secret@b/a", "credentials have no place in it"),
        ("s3://b/a.jpg?versionId=3", "versions of an object"),
        ("http://", "names no host"),
        ("http://?a", "names no host"),
        ("http://:80/a", "names no host"),
        ("http://h:0/a", "its port is no number from 1 to 65535"),
        ("sftp://h:99999/a", "its port"),
        ("sftp://u:p/w@h/a", "its port"),
        ("sftp://-oProxyCommand=x/a", "no host has such a name"),
        ("http://h h/a", "no host has such a name"),
        ("http://[::1/a", "no host has such a name|its port"),
        ("s3://b/a\0", "a control character"),
        ("s3://b/a\nb", "a control character"),
        ("s3://b/\udcff", "bytes that are no text"),
        ("s3://b/" + "é" * 2045, "4,097 bytes, more than the 4,095"),
    ],
)
def test_a_wrong_address_is_refused_in_one_line(text, reason):
    with pytest.raises(ArgumentError, match=reason) as caught:
        located(text)
    assert "\n" not in str(caught.value)
    assert str(caught.value).startswith("the address ")


@pytest.mark.parametrize(
    ("text", "known"),
    [
        ("https://ann:0penSesame@h:80/a b.jpg?token=0penSesame", "https://h:80/a b.jpg?..."),
        ("https://0penSesame@h/a.jpg#0penSesame", "https://h/a.jpg#..."),
        ("https://h?0penSesame", "https://h?..."),
        ("sftp://ann:0penSesame@h/a?b.jpg", "sftp://ann@h/a?b.jpg"),
        ("sftp://:0penSesame@h/a", "sftp://@h/a"),
        ("s3://key:0penSesame@b/a", "s3://..."),
        ("s4://b/a?x=0penSesame", "s4://..."),
        ("http://u:0penSesame/x@h/a", "http://..."),
        ("s3://key:0penSesame/x@b/a", "s3://..."),
        ("s4://b/a", "s4://b/a"),
        ("s3://b/a@2x?versionId=3", "s3://b/a@2x?versionId=3"),
        ("s3://b/a@2x\n.png", "s3://b/a@2x\n.png"),
        ("s3://b/a::https://0penSesame@h/b", "s3://..."),
        ("sftp://ann:0penSesame@h/a\n.png", "sftp://ann@h/a\n.png"),
        ("https://0penSesame@h/a\n?x=0penSesame", "https://h/a\n?..."),
        ("s3://b/a?b#c.jpg", "s3://b/a?b#c.jpg"),
        ("a?b#c@d.jpg", "a?b#c@d.jpg"),
    ],
)
def test_people_see_neither_password_nor_query(text, known):
    assert shown(text) == known
    if wrong_address(text):
        with pytest.raises(ArgumentError) as caught:
            located(text)
        assert SECRET not in str(caught.value)
    elif is_address(text):
        assert str(located(text)) == known
        assert repr(located(text)) == f"Address({known!r})"
        assert SECRET not in "".join(located(text).parts)


@settings(deadline=None)
@given(
    st.sampled_from([*SCHEMES, "s4", "file", "simplecache::https", "ftp"]),
    st.sampled_from(["", f"ann:{SECRET}@", f"{SECRET}@", f":x{SECRET}@", f"a:{SECRET}@b@", f"a:{SECRET}/@"]),
    st.text(st.sampled_from("ab/.:[]-% é\\"), max_size=12),
    st.sampled_from(["", f"?a={SECRET}", f"#{SECRET}", f"?a@b={SECRET}", f"::file://{SECRET}@h"]),
)
def test_no_address_whatever_shows_a_secret(scheme, user, path, query):
    if scheme in ("sftp", "s3", "gs", "az", "memory"):
        query = ""  # which has none
    if scheme == "memory" or (scheme == "sftp" and user[:1] == SECRET[:1]):
        user = ""
    text = f"{scheme}://{user}h{path}{query}"
    if wrong_address(text):
        with pytest.raises(ArgumentError) as caught:
            located(text)
        assert SECRET not in str(caught.value)
    else:
        address = located(text)
        assert SECRET not in f"{address}{address!r}{address.name}{address.suffix}{address.parts}"


@settings(deadline=None)
@given(st.text(max_size=30), st.sampled_from([*SCHEMES, "S3", "x", "file"]), st.booleans())
def test_whatever_is_typed_is_located_or_refused(text, scheme, is_after):
    text = f"{scheme}://{text}" if is_after else text
    if wrong_address(text):
        with pytest.raises(ArgumentError, match="^the address "):
            located(text)
    else:
        found = located(text)
        assert isinstance(found, Path) or found.scheme in SCHEMES
        assert "/" not in found.name


@settings(deadline=None)
@given(ADDRESSES)
def test_folder_and_name_give_the_address_again(text):
    address = located(text)
    assert address.parent / address.name == address
    assert address.with_name(address.name) == address
    assert address.name == PurePosixPath(text).name
    assert (address.stem + address.suffix) == address.name


def test_parts_of_addresses_are_those_of_a_path():
    address = located("s3://b/2024/a.tar.gz")
    assert (address.scheme, address.first, address.path, address.key) == (
        "s3",
        "b",
        "/2024/a.tar.gz",
        "b/2024/a.tar.gz",
    )
    assert (address.name, address.stem, address.suffix) == ("a.tar.gz", "a.tar", ".gz")
    assert address.parts == ("b", "2024", "a.tar.gz")
    assert address.parent == located("s3://b/2024")
    assert address.parent.parent.parent == located("s3://b")
    assert located("s3://b/2024/").name == "2024"
    assert located("s3://b/2024/").parent == located("s3://b")
    assert located("s3://b/2024/") / "a.jpg" == located("s3://b/2024/a.jpg")
    assert [located(f"s3://b/{name}").suffix for name in (".jpg", "a.", "a", "..", "a.B")] == ["", "", "", "", ".B"]


def test_a_query_belongs_to_no_name():
    address = located("https://u:p@h:80/a/b.jpg?c=/d.png")
    assert (address.name, address.suffix, address.key) == ("b.jpg", ".jpg", address.text)
    assert address.parent == Address("https://u:p@h:80/a")
    assert address.with_name("c.txt").text == "https://u:p@h:80/a/c.txt"
    assert located("sftp://u@h:22/a/b.jpg").key == "/a/b.jpg"
    assert located("sftp://h").key == "/"
    assert located("http://h").name == ""


def test_addresses_have_an_order_and_are_no_paths():
    assert sorted([located("s3://b/b"), located("s3://b/a")]) == [located("s3://b/a"), located("s3://b/b")]
    with pytest.raises(TypeError):
        os.stat(located("s3://b/a"))  # noqa: PTH116  (a path as an object takes no address either)


def test_the_longest_address_passes():
    assert wrong_address("s3://b/" + "a" * (LONGEST - 7)) is None
