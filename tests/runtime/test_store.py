"""Machine code is run as it is: only what is the user's own, and no other's to write, is taken from the store."""

import errno
import os
import stat
import threading
import time
from pathlib import Path

import pytest

from cnnfilter.engine import loops
from cnnfilter.runtime import store
from tests.command import run, save

FILE = "filter_block-" + "0" * 32 + ".o"
OTHER = 12345
"""A user that is not this one."""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("CNNFILTER_CACHE_DIR", str(tmp_path / "store"))
    return tmp_path / "store"


@pytest.fixture
def told(monkeypatch):
    reasons = []
    monkeypatch.setattr(store, "on_refusal", [reasons.append])
    return reasons


def said(path, reason):
    return [f"the cache of machine code is not used: {reason.format(path=path)}"]


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


def belongs_to_another(path):
    if os.geteuid() != 0:
        pytest.skip("only root can give a file away")
    os.chown(path, OTHER, OTHER, follow_symlinks=False)


def test_what_is_kept_is_read_again_and_is_this_users_alone(folder, told):
    assert store.read(FILE) is None
    before = os.umask(0)
    try:
        store.write(FILE, b"code")
    finally:
        os.umask(before)
    assert store.read(FILE) == b"code"
    assert (mode(folder), mode(folder / FILE)) == (0o700, 0o600)
    assert told == []


def test_a_changed_bit_anywhere_is_found(folder, told):
    store.write(FILE, b"code")
    stored = (folder / FILE).read_bytes()
    for position in range(len(stored)):
        (folder / FILE).write_bytes(stored[:position] + bytes([stored[position] ^ 4]) + stored[position + 1 :])
        assert store.read(FILE) is None
    assert set(told) == set(said(folder / FILE, "'{path}' is damaged"))


@pytest.mark.parametrize("bits", [0o620, 0o602, 0o666])
@pytest.mark.parametrize("of", ["file", "folder"])
def test_what_others_may_write_to_is_refused(of, bits, folder, told):
    store.write(FILE, b"code")
    path = folder if of == "folder" else folder / FILE
    path.chmod(bits | (0o100 if of == "folder" else 0))
    assert store.read(FILE) is None
    assert told == said(path, "others may write to '{path}'")
    if of == "folder":
        store.write(FILE, b"other")
        assert (folder / FILE).read_bytes().endswith(b"code")
        assert mode(folder) == bits | 0o100  # it may be meant for several people


@pytest.mark.parametrize("of", ["file", "folder"])
def test_what_belongs_to_another_user_is_refused(of, folder, told):
    store.write(FILE, b"code")
    path = folder if of == "folder" else folder / FILE
    belongs_to_another(path)
    assert store.read(FILE) is None
    assert told == said(path, "'{path}' belongs to another user")
    store.write(FILE, b"other")
    assert store.read(FILE) == (None if of == "folder" else b"other")


def test_root_makes_no_folder_in_the_home_of_another_user(tmp_path, monkeypatch, told):
    home = tmp_path / "home"
    home.mkdir()
    belongs_to_another(home)
    monkeypatch.setenv("CNNFILTER_CACHE_DIR", str(home / ".cache" / "cnnfilter"))
    store.write(FILE, b"code")
    assert list(home.iterdir()) == []
    assert told == said(home, "'{path}' belongs to another user")


def test_folders_above_are_made_for_this_user_alone(tmp_path, monkeypatch):
    monkeypatch.setenv("CNNFILTER_CACHE_DIR", str(tmp_path / "a" / "b"))
    store.write(FILE, b"code")
    assert mode(tmp_path / "a") == mode(tmp_path / "a" / "b") == 0o700


def test_a_link_in_the_folder_is_not_followed(folder, told, tmp_path):
    store.write(FILE, b"code")
    (folder / FILE).rename(tmp_path / "elsewhere")
    (folder / FILE).symlink_to(tmp_path / "elsewhere")
    assert store.read(FILE) is None
    assert told == said(FILE, "'{path}': " + os.strerror(errno.ELOOP))
    store.write(FILE, b"other")
    assert not (folder / FILE).is_symlink()
    assert (tmp_path / "elsewhere").read_bytes().endswith(b"code")


def test_a_named_pipe_is_not_waited_for(folder, told):
    folder.mkdir(0o700)
    os.mkfifo(folder / FILE, 0o600)
    answer = []
    reader = threading.Thread(target=lambda: answer.append(store.read(FILE)), daemon=True)
    reader.start()
    reader.join(10)
    assert answer == [None]
    assert told == said(folder / FILE, "'{path}' is no regular file")


@pytest.mark.parametrize("way", ["a file", "a named pipe", "a link to nothing"])
def test_what_is_no_folder_is_refused(way, folder, told):
    if way == "a file":
        folder.write_bytes(b"")
    elif way == "a named pipe":
        os.mkfifo(folder)
    else:
        folder.symlink_to("nowhere")
    store.write(FILE, b"code")
    assert store.read(FILE) is None
    reason = errno.EEXIST if way == "a link to nothing" else errno.ENOTDIR
    assert set(told) == set(said(folder, "'{path}': " + os.strerror(reason)))


def test_a_folder_behind_a_link_may_hold_it(folder, told, tmp_path):
    (tmp_path / "large disk").mkdir(0o755)
    folder.symlink_to(tmp_path / "large disk")
    store.write(FILE, b"code")
    assert store.read(FILE) == b"code"
    assert told == []


def test_only_old_files_of_our_own_naming_are_removed(folder, tmp_path):
    folder.mkdir(0o700)
    unfinished = [f"{FILE}.{digit * 16}.tmp" for digit in "12"]
    others = ["thesis.tmp", "tmpabcdefgh.tmp", f"{FILE}.tmp", f"{unfinished[0]}.tmp", FILE.replace("0", "1")]
    for name in (*unfinished, *others):
        (folder / name).write_bytes(b"")
    (folder / f"{FILE}.{'3' * 16}.tmp").mkdir()
    for path in folder.iterdir():
        if path.name != unfinished[1]:
            os.utime(path, (time.time() - store.OLDEST - 60,) * 2)
    before = {path.name for path in folder.iterdir()}
    store.write(FILE, b"code")
    assert {path.name for path in folder.iterdir()} == before - {unfinished[0]} | {FILE}


@pytest.mark.parametrize("function", ["replace", "open"])
def test_a_disk_that_is_full_leaves_no_part_and_what_there_was(function, folder, told, monkeypatch):
    store.write(FILE, b"code")
    real = getattr(os, function)

    def full(path, *arguments, **options):
        if str(path).endswith(".tmp"):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return real(path, *arguments, **options)

    monkeypatch.setattr(os, function, full)
    store.write(FILE, b"other")
    assert [path.name for path in folder.iterdir()] == [FILE]
    assert store.read(FILE) == b"code"
    assert told == said(None, os.strerror(errno.ENOSPC))


def test_where_the_system_has_no_descriptors_of_folders_files_go_by_their_names(folder, told, monkeypatch):
    monkeypatch.setattr(os, "supports_dir_fd", set())
    monkeypatch.delattr(os, "geteuid")
    store.write(FILE, b"code")
    (folder / FILE).chmod(0o666)  # as Windows shows all of them
    (folder / f"{FILE}.{'1' * 16}.tmp").write_bytes(b"")
    os.utime(folder / f"{FILE}.{'1' * 16}.tmp", (0, 0))
    store.write(FILE, b"other")
    assert store.read(FILE) == b"other"
    assert [path.name for path in folder.iterdir()] == [FILE]
    assert told == []


@pytest.mark.parametrize(
    ("platform", "variables", "kept"),
    [
        ("linux", {"XDG_CACHE_HOME": "/x"}, "/x/cnnfilter"),
        ("linux", {"XDG_CACHE_HOME": "x", "HOME": "/h"}, "/h/.cache/cnnfilter"),
        ("linux", {"HOME": "/h"}, "/h/.cache/cnnfilter"),
        ("linux", {"HOME": "."}, None),
        ("darwin", {"HOME": "/h", "XDG_CACHE_HOME": "/x"}, "/h/Library/Caches/cnnfilter"),
        ("win32", {"LOCALAPPDATA": "/l"}, "/l/cnnfilter"),
        ("win32", {"LOCALAPPDATA": "l", "HOME": "/h"}, "/h/AppData/Local/cnnfilter"),
        ("linux", {"CNNFILTER_CACHE_DIR": "/c", "HOME": "/h"}, "/c"),
        ("linux", {"CNNFILTER_CACHE_DIR": "", "HOME": "/h"}, "/h/.cache/cnnfilter"),
    ],
)
def test_where_it_is_kept(platform, variables, kept, monkeypatch, told):
    for name in ("CNNFILTER_CACHE_DIR", "XDG_CACHE_HOME", "LOCALAPPDATA"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(store.sys, "platform", platform)
    found = store.folder()
    assert found == (None if kept is None else Path(kept))
    assert told == []
    if found is None:
        store.write(FILE, b"code")
        assert store.read(FILE) is None
        assert set(told) == set(said(None, "no folder for caches is known"))


def test_a_relative_path_would_be_another_folder_in_each(monkeypatch, told):
    monkeypatch.setenv("CNNFILTER_CACHE_DIR", "cache")
    monkeypatch.setenv("XDG_CACHE_HOME", "/x")
    assert store.folder() == Path("/x/cnnfilter")
    assert told == said("cache", "CNNFILTER_CACHE_DIR is '{path}', which is no absolute path")


@pytest.mark.parametrize("how", [["-v"], [], ["-q"]])
def test_a_person_who_asks_is_told_once(how, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CNNFILTER_CACHE_DIR", str(tmp_path / "store"))
    for loop in vars(loops).values():  # whichever filters boxes of this size
        if isinstance(loop, loops.Loop):
            monkeypatch.setattr(loop, "ready", {})
    (tmp_path / "store").mkdir()
    (tmp_path / "store").chmod(0o777)
    save("a.png")
    save("b.png")
    result = run("apply", "box:size=9", "a.png", "b.png", "-o", "out/", *how)
    assert result.exit_code == 0, result.err
    lines = [line for line in result.messages if "machine code" in line]
    assert lines == (said(tmp_path / "store", "others may write to '{path}'") if how == ["-v"] else [])
