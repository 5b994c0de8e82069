"""What is in folders of buckets and servers, whether something is there, and what patterns stand for."""

import asyncio
import itertools
import os
import stat
from types import SimpleNamespace

import fsspec
import pytest

from cnnfilter.addresses import listing, systems
from cnnfilter.addresses.address import located
from cnnfilter.addresses.failures import AddressError
from cnnfilter.addresses.listing import Entry, Folder, entries, matching, names_in

TREE = {
    "a.jpg": 3, "b.png": 2, ".hidden.jpg": 1, "2024/c.jpg": 1, "2024/may/d.jpg": 2, "2024/may/e.txt": 2,
    "2023/f.jpg": 0, ".git/g.jpg": 1, "2024/.cache/h.jpg": 1, "2024-x.jpg": 4,
}  # fmt: skip


@pytest.fixture(params=["s3", "sftp", "memory"])
def root(request):
    """The address of a folder with the files of `TREE`."""
    if request.param == "s3":
        box = request.getfixturevalue("box")
        for name, size in TREE.items():
            box.put(f"box/tree/{name}", b"x" * size)
        return located("s3://box/tree")
    if request.param == "sftp":
        files = request.getfixturevalue("files")
        for name, size in TREE.items():
            path = files.folder / "tree" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(b"x" * size)
        return located(files.address("tree"))
    for name, size in TREE.items():
        fsspec.filesystem("memory").pipe_file(f"/tree/{name}", b"x" * size)
    return located("memory://tree")


def below(root, found):
    """What is told in a listing, as seen from a folder: a size for a file, None for a folder."""
    return {each.name.removeprefix(f"{root.text}/"): each.size if isinstance(each, Entry) else None for each in found}


def test_a_folder_has_files_and_folders_but_hidden_ones(root):
    shown = {"a.jpg": 3, "b.png": 2, "2024-x.jpg": 4, "2024": None, "2023": None}
    assert below(root, entries(root, recursive=False)) == shown
    assert below(root, entries(located(f"{root.text}/"), recursive=False)) == shown
    assert below(root, entries(root / "2024", recursive=False)) == {"2024/c.jpg": 1, "2024/may": None}


def test_a_tree_has_the_files_of_all_its_folders(root):
    found = list(entries(root, recursive=True))
    assert not [each for each in found if isinstance(each, Folder)]
    assert below(root, found) == {name: size for name, size in TREE.items() if "/." not in f"/{name}"}


def test_names_are_those_of_files_hidden_ones_too(root):
    assert names_in(root) == {"a.jpg", "b.png", ".hidden.jpg", "2024-x.jpg"}
    assert names_in(root / "none") == set()


def test_what_is_there_is_told(root):
    for name in ("a.jpg", "2024/may/d.jpg", "2024-x.jpg"):
        assert ((root / name).is_file(), (root / name).is_dir(), (root / name).exists()) == (True, False, True)
    for name in ("2024", "2024/may", "2024/"):
        assert ((root / name).is_file(), (root / name).is_dir(), (root / name).exists()) == (False, True, True)
    for name in ("none", "2", "2024/may/d"):
        assert ((root / name).is_file(), (root / name).is_dir(), (root / name).exists()) == (False, False, False)


@pytest.mark.parametrize(
    ("pattern", "names"),
    [
        ("*.jpg", {"a.jpg", "2024-x.jpg"}),
        ("*", {"a.jpg", "b.png", "2024", "2023", "2024-x.jpg"}),
        ("?.*", {"a.jpg", "b.png"}),
        ("[ab].*", {"a.jpg", "b.png"}),
        ("[!a].*", {"b.png"}),
        ("2024*", {"2024", "2024-x.jpg"}),
        ("20*/c.jpg", {"2024/c.jpg"}),
        ("20*/*", {"2024/c.jpg", "2024/may", "2023/f.jpg"}),
        ("*/may/*.jpg", {"2024/may/d.jpg"}),
        ("a.jpg/*", set()),
        ("none*", set()),
        ("none/*.jpg", set()),
        ("**/*.jpg", {"a.jpg", "2024-x.jpg", "2024/c.jpg", "2024/may/d.jpg", "2023/f.jpg"}),
        ("**", {name for name in TREE if "/." not in f"/{name}"}),
        ("2024/**/*.jpg", {"2024/c.jpg", "2024/may/d.jpg"}),
        ("**/may/*", {"2024/may/d.jpg", "2024/may/e.txt"}),
        ("**/may/**/d*", {"2024/may/d.jpg"}),
        ("*/**", {"2024/c.jpg", "2024/may/d.jpg", "2024/may/e.txt", "2023/f.jpg"}),
        (".*", {".hidden.jpg", ".git"}),
        ("*/.*/*", {"2024/.cache/h.jpg"}),
        ("**/.*/*.jpg", {".git/g.jpg", "2024/.cache/h.jpg"}),
    ],
)
def test_a_pattern_stands_for_names(root, pattern, names):
    assert set(below(root, matching(root / pattern))) == names


def test_patterns_agree_with_those_of_paths(files, root):
    if root.scheme != "sftp":
        return
    base = files.folder / "tree"
    for pattern in ("*", "*.jpg", "20*/*", "*/may/*", "[!2]*"):
        paths = {path.relative_to(base) for path in base.glob(pattern)}
        known = {path.as_posix() for path in paths if not any(part.startswith(".") for part in path.parts)}
        assert set(below(root, matching(root / pattern))) == known


def test_the_web_has_no_folders(site):
    (site.folder / "there.jpg").write_bytes(b"x")
    base = located(f"http://127.0.0.1:{site.port}")
    assert ((base / "there.jpg").is_file(), (base / "there.jpg").is_dir()) == (True, False)
    assert not (base / "none.jpg").exists()


def test_a_bucket_is_a_folder_if_it_is_there(box):
    assert located("s3://box").is_dir()
    assert not located("s3://box").is_file()
    assert not located("s3://none").is_dir()
    for look in (
        names_in,
        lambda folder: list(entries(folder, recursive=True)),
        lambda folder: list(matching(folder / "*")),
    ):
        with pytest.raises(FileNotFoundError, match="no such bucket"):
            look(located("s3://none"))


def test_a_bucket_is_listed_in_pages_and_of_a_pattern_only_what_may_match(box):
    names = [f"pages/{number:04}.jpg" for number in range(2300)]
    box.fill("box", names, b"xy")
    systems.system(located("s3://box"))
    box.forget()
    found = list(entries(located("s3://box/pages"), recursive=True))
    assert found == [Entry(f"s3://box/{name}", 2) for name in names]
    assert len(box.requests()) == 3
    assert len(names_in(located("s3://box/pages"))) == 2300
    assert len(box.requests()) == 6
    assert len(list(matching(located("s3://box/pages/00[0-4]*.jpg")))) == 50
    assert len(box.requests()) == 7
    cache = systems.system(located("s3://box")).dircache
    assert not cache
    assert not cache.use_listings_cache


def test_times_in_answers_are_those_that_their_library_reads(box):
    from botocore.utils import parse_timestamp

    box.put("box/timed.jpg", b"x")
    fs = systems.system(located("s3://box"))
    (listed,) = fs.call_s3("list_objects_v2", Bucket="box", Prefix="timed")["Contents"]
    told = fs.call_s3("head_object", Bucket="box", Key="timed.jpg")
    assert listed["LastModified"].replace(microsecond=0) == told["LastModified"]
    read = fs.session.get_component("response_parser_factory")._defaults["timestamp_parser"]
    for text in ("2026-11-29T12:00:00.000Z", "2026-11-29T12:00:00Z", "Sun, 29 Nov 2026 12:00:00 GMT", 1790000000.5):
        assert read(text) == parse_timestamp(text)


def test_strange_keys_are_told_as_they_are(box):
    root = located("s3://box/strange")
    keys = ["/a.jpg", "../b.jpg", "c\nd.jpg", "folder/", "é %41+.jpg"]
    box.fill("box", [f"strange/{key}" for key in keys], b"x")
    assert set(below(root, entries(root, recursive=True))) == {"/a.jpg", "c\nd.jpg", "é %41+.jpg"}
    assert (root / "é %41+.jpg").is_file()


def test_where_nobody_lets_us_look_it_is_told(box):
    box.order("status", "GET /box.*list-type", None, status=403)
    assert names_in(located("s3://box/none")) is None
    with pytest.raises(PermissionError):
        list(entries(located("s3://box"), recursive=False))
    box.forget()
    box.order("status", "GET /box.*list-type", None, status=500)
    with pytest.raises(AddressError, match="the service failed"):
        names_in(located("s3://box"))


def test_a_listing_ends(box, monkeypatch, root):
    monkeypatch.setattr(listing, "MOST", 3)
    with pytest.raises(AddressError, match="more than 3 files in it"):
        list(entries(root, recursive=True))
    with pytest.raises(AddressError, match="more than 3 files in it"):
        names_in(root)


def served(monkeypatch, box, pages):
    """The root of a bucket whose service gives these pages of its listing, one after the other."""
    given = iter(pages)
    monkeypatch.setattr(systems.system(located("s3://box")), "call_s3", lambda *_, **__: next(given))
    return located("s3://box/in")


@pytest.mark.parametrize("tokens", [["again"] * 3, ["one", "two", "one", "two"], [None], [""], "abcdefg"])
def test_a_listing_that_breaks_off_or_never_ends_is_told(monkeypatch, box, tokens):
    monkeypatch.setattr(listing, "PAGES", 5)
    pages = [{"IsTruncated": True, "NextContinuationToken": token, "Contents": []} for token in tokens]
    root = served(monkeypatch, box, pages)
    with pytest.raises(AddressError, match="does not say how its listing goes on"):
        list(entries(root, recursive=True))


def test_a_service_that_tells_of_other_folders_or_of_nothing_is_not_believed(monkeypatch, box):
    keys = [{"Key": "elsewhere/a.jpg", "Size": 1}, {"Key": "i", "Size": 1}, {"Size": 1}, {"Key": "in/", "Size": 0}]
    sizes = [{"Key": "in/b.jpg"}, {"Key": "in/c.jpg", "Size": -1}, {"Key": "in/d.jpg", "Size": 2}]
    folders = [{}, {"Prefix": "out/e/"}, {"Prefix": "in/f/"}]
    root = served(monkeypatch, box, [{"Contents": keys + sizes, "CommonPrefixes": folders}])
    assert below(root, entries(root, recursive=False)) == {"b.jpg": 0, "c.jpg": 0, "d.jpg": 2, "f": None}


def test_links_on_a_server_are_what_they_lead_to_and_are_not_followed(files):
    folder = files.folder / "links"
    folder.mkdir()
    (folder / "a.jpg").write_bytes(b"abc")
    (folder / "same.jpg").symlink_to("a.jpg")
    (folder / "nowhere.jpg").symlink_to("none.jpg")
    (folder / "loop").symlink_to(".")
    os.mkfifo(folder / "pipe.jpg")
    root = located(files.address("links"))
    assert below(root, entries(root, recursive=True)) == {"a.jpg": 3, "same.jpg": 3}
    assert not (root / "pipe.jpg").is_file()


def over(monkeypatch, names):
    """A folder of a server of SFTP that tells such names in it."""

    class Channel:
        async def scandir(self, path):
            for name in names:
                yield SimpleNamespace(filename=name, attrs=SimpleNamespace(permissions=stat.S_IFREG, size=1))

    monkeypatch.setattr(listing, "asked", lambda address, question: question(None))
    monkeypatch.setattr(listing, "over_sftp", lambda fs, work: asyncio.run(work(Channel())))
    return located("sftp://h/d")


def test_a_server_that_names_files_elsewhere_is_not_believed(monkeypatch):
    root = over(monkeypatch, ["..", "../a.jpg", "/etc/b.jpg", "c/../../d.jpg", "e.jpg"])
    assert below(root, entries(root, recursive=True)) == {"e.jpg": 1}


def test_a_server_that_tells_names_without_end_is_left(monkeypatch):
    monkeypatch.setattr(listing, "MOST", 3)
    with pytest.raises(AddressError, match="more than 3 files in it"):
        list(entries(over(monkeypatch, map(str, itertools.count())), recursive=False))
