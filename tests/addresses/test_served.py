"""Commands other than a batch, with files on real servers: what they tell and write is what they make of files here."""

import shlex
import shutil
from pathlib import Path

import pytest

from tests.addresses.test_everywhere import made  # noqa: F401  (a fixture)
from tests.command import run
from tests.sftp import PASSWORD

SECRETS = ("hunter2", PASSWORD)


class Place:
    """A server with the files of `made`: `{}` of a line becomes `before`, and what follows the name `after`."""

    def __init__(self, before, shown, get, after=""):
        self.before, self.shown, self.get, self.after = before, shown, get, after

    def words(self, line):
        """The words of a line, with addresses for names that begin with `@@`."""
        return [self.placed(word) for word in shlex.split(line)]

    def placed(self, word):
        begin, mark, name = word.rpartition("@@")
        path, comma, rest = name.partition(",")
        return f"{begin}{self.before}{path}{self.after}{comma}{rest}" if mark else word

    def plain(self, text):
        """What was told, as of files here."""
        assert not any(secret in text for secret in SECRETS)
        return text.replace(self.shown, "").replace("?...", "").split()


@pytest.fixture(params=["s3", "http", "sftp"])
def place(request, made, tmp_path, monkeypatch):  # noqa: F811
    shutil.copytree(made, tmp_path / "here")
    monkeypatch.chdir(tmp_path / "here")
    files = [path.relative_to(made) for path in made.rglob("*") if path.is_file() and "divided" not in path.parts]
    if request.param == "s3":
        box = request.getfixturevalue("box")
        for path in files:
            box.put(f"box/nets/{path.as_posix()}", (made / path).read_bytes())
        return Place("s3://box/nets/", "s3://box/nets/", lambda name: box.ask("GET", f"/box/nets/{name}"))
    server = request.getfixturevalue("site" if request.param == "http" else "files")
    folder = server.folder / "nets"
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(made, folder)

    def get(name):
        return (folder / name).read_bytes()

    if request.param == "http":
        before = f"http://127.0.0.1:{server.port}/nets/"
        return Place(before, before, get, f"?signature={SECRETS[0]}")
    before = server.address("nets/", password=PASSWORD)
    return Place(before, before.replace(f":{PASSWORD}@", "@"), get)


READ = [
    "explain conv:@@edge.json,relu @@photo.png --at 3,4 --json",
    "shape @@photo.png @@@net.txt",
    "shape 8x8x3 @@own.npz --json",
    "page flatten,dense:2:random=1,softmax @@small.png --labels @@two.txt -o -",
    "train flatten,dense:2 @@data.npz -o out.npz -f --epochs 1 -q --from @@dense.npz",
    "train flatten,dense:2 @@digits/train-images-idx3-ubyte -o out.npz -f --epochs 1 -q",
    "train flatten,dense:2 @@few.csv -o out.npz -f --epochs 1 -q --validation 0",
]
"""Lines in which `@@` stands before the names of files."""

WRITTEN = [
    "explain conv:edge,relu photo.png --at 3,4 -o @@out.svg",
    "page conv:edge,relu small.png -o @@out.html",
    "train flatten,dense:2 @@pets -o @@out.npz --epochs 1 -q",
]


def test_what_is_read_is_read_as_here(place):
    for line in READ:
        local = run(*shlex.split(line.replace("@@", "")))
        assert local.exit_code == 0, local.err
        expected = {path: path.read_bytes() for path in Path().glob("out*")}
        there = run(*place.words(line))
        assert there.exit_code == 0, there.err
        assert [place.plain(text) for text in (there.out, there.err)] == [local.out.split(), local.err.split()]
        assert {path: path.read_bytes() for path in Path().glob("out*")} == expected


def test_what_is_written_is_written_as_here(place):
    for line in WRITTEN:
        if place.before.startswith("http"):
            place.after = ""  # the ends of names tell formats
            result = run(*place.words(line))
            assert (result.exit_code, result.out) == (2, "")
            assert "http:// is only read" in result.err or "http:// has no folders" in result.err
            continue
        assert run(*shlex.split(line.replace("@@", ""))).exit_code == 0
        result = run(*place.words(line))
        assert result.exit_code == 0, result.err
        place.plain(result.err)
        (path,) = Path().glob("out.*")
        assert place.get(path.name) == path.read_bytes()
        path.unlink()


def test_what_is_not_there_is_told_by_its_address(place):
    for line in (
        "explain conv:@@none.json photo.png --at 0,0", "kernels @@none.npz", "shape @@none.png relu",
        "learn @@none.png photo.png",
        "page @@none.onnx photo.png", "train relu @@none.csv -o net.npz", "shape 8x8x3 @@@none.txt",
    ):  # fmt: skip
        result = run(*place.words(line))
        assert result.exit_code in (1, 2)
        (message,) = result.messages
        assert f"{place.shown}none." in message
        assert "no such file" in message
        place.plain(message)
