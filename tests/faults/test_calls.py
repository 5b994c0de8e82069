"""Every call that writing makes fails once: the file is the old one or the complete new one, and alone."""

import builtins
import errno
import io
import os
from dataclasses import dataclass, field

import pytest

from cnnfilter.writing import temporaries as module
from tests.command import load, run
from tests.faults import contents, crops, temporaries

COUNT = 3
NAMED = ("fsync", "replace", "link", "utime", "unlink")
REASONS = {
    errno.EIO: "Input/output error",
    errno.ENOSPC: "No space left on device",
    errno.EROFS: "Read-only file system",
}


@dataclass
class Calls:
    """Counts calls; one of them fails."""

    function: str = ""
    failing: int = -1
    number: int = errno.EIO
    short: bool = False
    made: list[str] = field(default_factory=list)

    def count(self, function):
        self.made.append(function)
        if function == self.function and self.made.count(function) == self.failing:
            raise OSError(self.number, os.strerror(self.number))


@pytest.fixture
def calls(tmp_path, monkeypatch):
    """Put every call of the writer under control."""
    control = Calls()

    class File(io.FileIO):
        def write(self, data):
            control.count("write")
            return super().write(data[:100] if control.short else data)

    def opened(path, mode, buffering, opener=None):
        assert (mode, buffering) == ("xb", 0)
        control.count("open")
        return File(path, mode, opener=opener)

    def counted(name):
        function = getattr(os, name)

        def call(path, *arguments, **options):
            control.count(name if name != "fsync" or os.path.isfile(f"/proc/self/fd/{path}") else "fsync of a folder")  # noqa: PTH113
            return function(path, *arguments, **options)

        monkeypatch.setattr(os, name, call)

    monkeypatch.setattr(module, "open", opened, raising=False)
    for name in NAMED:
        counted(name)
    monkeypatch.chdir(tmp_path)
    crops(tmp_path / "in", COUNT, 60, 40)
    return control


WAYS = {
    "new": ["-o", "out/"],
    "overwritten": ["-o", "out/", "--force"],
    "in place": ["--in-place", "--preserve-times"],
}


def prepare(tmp_path, way):
    """The folder that is written to, and what is in it."""
    if way == "in place":
        return tmp_path / "in"
    out = tmp_path / "out"
    out.mkdir(exist_ok=True)
    for path in list(out.iterdir()):
        path.unlink()
    if way == "overwritten":
        for path in (tmp_path / "in").iterdir():
            out.joinpath(f"{path.stem}-gaussian{path.suffix}").write_bytes(b"old")
    return out


def restore(folder, files):
    for path in list(folder.iterdir()):
        path.unlink()
    for name, data in files.items():
        (folder / name).write_bytes(data)


@pytest.mark.skipif(not os.path.exists("/proc/self/fd"), reason="files and folders are told apart in /proc")  # noqa: PTH110
@pytest.mark.parametrize("way", WAYS)
def test_whichever_call_fails_files_are_old_or_new(calls, tmp_path, way):
    folder = prepare(tmp_path, way)
    old = contents(folder)
    arguments = ["apply", "gaussian", "in/", *WAYS[way]]
    assert run(*arguments).exit_code == 0
    new, made = contents(folder), list(calls.made)
    assert new != old
    assert set(made) >= {"open", "write", "fsync", "fsync of a folder", "link" if way == "new" else "replace"}
    tried = 0
    for function in dict.fromkeys(made):
        for failing in range(1, made.count(function) + 1):
            for number, reason in REASONS.items():
                restore(folder, old)
                vars(calls).update(vars(Calls(function, failing, number)))
                result = run(*arguments)
                where = (function, failing, reason, result.err)
                tried += 1
                assert temporaries(folder) == [], where
                after = contents(folder)
                assert set(after) <= set(new), where
                assert all(data in (old.get(name), new[name]) for name, data in after.items()), where
                if function in ("unlink", "link"):
                    assert (result.exit_code, after) == (0, new), where  # another try, or another way, was left
                    continue
                assert result.exit_code == 1, where
                (line,) = [line for line in result.messages if "error" in line]
                assert line.endswith(f": {reason}"), where
                failed = 0 if function == "fsync of a folder" else 1
                assert sum(after.get(name) != data for name, data in new.items()) == failed, where
                assert result.messages[-1] == f"{COUNT - 1} written, 1 failed", where
    vars(calls).update(vars(Calls()))
    assert tried >= 3 * len(made)


def test_short_writes_are_continued_to_the_end(calls, tmp_path):
    assert run("apply", "gaussian", "in/", "-o", "out/").exit_code == 0
    whole, few = contents(tmp_path / "out"), calls.made.count("write")
    vars(calls).update(vars(Calls(short=True)))
    assert run("apply", "gaussian", "in/", "-o", "out/", "--force").exit_code == 0
    assert calls.made.count("write") > 3 * few
    assert contents(tmp_path / "out") == whole
    assert load(sorted((tmp_path / "out").iterdir())[0]).shape == (40, 60, 3)


def test_this_file_replaces_the_builtin_that_the_writer_calls(calls):
    assert module.open is not builtins.open
    assert run("apply", "gaussian", "in/", "-o", "out/").exit_code == 0
    assert calls.made.count("open") == COUNT
