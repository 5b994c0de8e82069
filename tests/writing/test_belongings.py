"""A file that takes another's place has its owner and its extended attributes, or it is told that it has not."""

import errno
import os
import stat
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from cnnfilter.writing.belongings import take_over
from cnnfilter.writing.write import Writing, write_atomically
from tests.command import run


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def attributes(monkeypatch):
    """Extended attributes of all files that are there, and those that are given to open ones; some are root's."""
    there, given = {}, {}

    def give(file, name, value):
        assert os.fstat(file)
        if name.startswith("trusted"):
            raise PermissionError(errno.EPERM, "no")
        given[name] = value

    monkeypatch.setattr(os, "listxattr", lambda file, *, follow_symlinks: list(there), raising=False)
    monkeypatch.setattr(os, "getxattr", lambda file, name, *, follow_symlinks: there[name], raising=False)
    monkeypatch.setattr(os, "setxattr", give, raising=False)
    return there, given


def replaced(name="a.txt", **keywords):
    return write_atomically(Path(name), b"new", Writing(overwrite=True, **keywords))


def test_extended_attributes_are_taken_over_or_told_of(attributes):
    there, given = attributes
    Path("a.txt").write_bytes(b"old")
    there.update({"user.rating": b"5", "trusted.x": b"1", "security.\n": b"2", "trusted.\n": b"3"})
    assert replaced() == (r"not kept: its extended attribute trusted.x and extended attribute 'trusted.\n'",)
    assert Path("a.txt").read_bytes() == b"new"
    assert given == {"user.rating": b"5", "security.\n": b"2"}
    given.clear()
    del there["trusted.x"], there["trusted.\n"]
    assert replaced(private=True) == ()
    assert given == {"security.\n": b"2"}
    given.clear()
    assert write_atomically(Path("b.txt"), b"new", Writing(overwrite=False)) == ()
    assert given == {}


def test_a_file_system_or_a_python_without_extended_attributes_has_none_to_keep(monkeypatch):
    def refuse(*arguments, **keywords):
        raise OSError(errno.ENOTSUP, "no")

    Path("a.txt").write_bytes(b"old")
    monkeypatch.setattr(os, "listxattr", refuse, raising=False)
    assert replaced() == ()
    monkeypatch.delattr(os, "listxattr")
    assert replaced() == ()


def owned(monkeypatch, **status):
    """Let the old file be somebody's, and note who the new one is given to."""
    given = []
    monkeypatch.setattr(os, "fchown", lambda file, user, group: given.append((user, group)), raising=False)
    monkeypatch.setattr(os, "stat", lambda *_, **__: SimpleNamespace(**status))
    monkeypatch.delattr(os, "listxattr", raising=False)
    return given


def test_the_owner_and_the_group_are_taken_over_where_they_are_others(monkeypatch, tmp_path):
    with (tmp_path / "new").open("wb") as file:
        new = os.fstat(file.fileno())
        given = owned(monkeypatch, st_mode=stat.S_IFREG, st_uid=new.st_uid + 1, st_gid=new.st_gid + 2)
        assert take_over(file.fileno(), Path("old")) == ()
        assert given == [(-1, new.st_gid + 2), (new.st_uid + 1, -1)]
        given = owned(monkeypatch, st_mode=stat.S_IFREG, st_uid=new.st_uid, st_gid=new.st_gid)
        assert (take_over(file.fileno(), Path("old")), given) == ((), [])
        given = owned(monkeypatch, st_mode=stat.S_IFLNK, st_uid=new.st_uid + 1, st_gid=new.st_gid)
        assert (take_over(file.fileno(), Path("old")), given) == ((), [])  # a link that was put there since


def test_who_may_not_give_files_away_is_told(monkeypatch, tmp_path):
    with (tmp_path / "new").open("wb") as file:
        new = os.fstat(file.fileno())
        owned(monkeypatch, st_mode=stat.S_IFREG, st_uid=new.st_uid + 1, st_gid=new.st_gid + 1)

        def refuse(*arguments):
            raise PermissionError

        monkeypatch.setattr(os, "fchown", refuse)
        assert take_over(file.fileno(), Path("old")) == ("not kept: its group and owner",)
        monkeypatch.delattr(os, "fchown")  # as on Windows
        assert take_over(file.fileno(), Path("old")) == ()


def test_pictures_in_place_keep_theirs_and_lose_the_person_s_own_for_privacy(attributes):
    there, given = attributes
    Image.fromarray(np.zeros((4, 6), np.uint8)).save("a.png")
    there.update({"user.origin": b"https://example.org", "trusted.x": b"1"})
    result = run("apply", "box", "a.png", "--in-place")
    assert result.exit_code == 0
    assert result.messages == ["warning: a.png: not kept: its extended attribute trusted.x", "wrote a.png  6x4"]
    assert given == {"user.origin": b"https://example.org"}
    given.clear()
    assert run("apply", "box", "a.png", "--in-place", "--strip", "privacy").exit_code == 0
    assert given == {}
