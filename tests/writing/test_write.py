import errno
import io
import os
import resource
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from cnnfilter.errors import DiskFullError, ExistsError, OutputError
from cnnfilter.writing import write
from cnnfilter.writing.write import (
    Writing,
    check_free,
    is_device,
    is_file_of,
    is_same,
    write_atomically,
    write_stream,
)
from tests.command import ROOT, save


def failing(number):
    def call(*args, **kwargs):
        raise OSError(number, os.strerror(number))

    return call


@pytest.fixture
def old(tmp_path):
    """A file with old contents, alone in its folder."""
    path = tmp_path / "a.png"
    path.write_bytes(b"old")
    return path


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_new_file_holds_the_data_and_nothing_else_is_left(tmp_path):
    data = os.urandom(300_000)
    write_atomically(tmp_path / "a.png", data, Writing(overwrite=False))
    assert (tmp_path / "a.png").read_bytes() == data
    assert names(tmp_path) == ["a.png"]


def test_parts_are_written_one_after_the_other(tmp_path):
    write_atomically(tmp_path / "a.npy", [b"head", memoryview(b"numbers"), b""], Writing(overwrite=False))
    assert (tmp_path / "a.npy").read_bytes() == b"headnumbers"


def test_an_empty_file_can_be_written(tmp_path):
    write_atomically(tmp_path / "a.png", b"", Writing(overwrite=False))
    assert (tmp_path / "a.png").read_bytes() == b""


def test_names_of_one_file_are_told_from_those_of_others(old):
    os.link(old, old.with_name("b.png"))
    old.with_name("c.png").write_bytes(b"old")
    assert is_same(str(old), str(old.with_name("b.png")))
    for other in ("c.png", "absent.png", "a\0.png"):
        assert not is_same(str(old), str(old.with_name(other)))


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.parametrize("overwrite", [False, True])
def test_permissions_of_a_new_file_follow_the_umask(tmp_path, overwrite):
    before = os.umask(0o027)
    try:
        write_atomically(tmp_path / "a.png", b"new", Writing(overwrite=overwrite))
    finally:
        os.umask(before)
    assert mode(tmp_path / "a.png") == 0o640


@pytest.mark.parametrize("bits", [0o600, 0o444, 0o664, 0o4755])
def test_a_replaced_file_keeps_its_permissions(old, bits):
    old.chmod(bits)
    write_atomically(old, b"new", Writing(overwrite=True))
    assert mode(old) == bits & 0o777
    assert old.read_bytes() == b"new"


def test_a_private_file_is_private_while_it_is_written(old, monkeypatch):
    old.chmod(0o600)
    seen = []
    monkeypatch.setattr(os, "fsync", lambda descriptor: seen.append(stat.S_IMODE(os.fstat(descriptor).st_mode)))
    write_atomically(old, b"new", Writing(overwrite=True))
    assert seen[0] == 0o600


def test_a_file_system_without_permissions_is_written_all_the_same(old, monkeypatch):
    monkeypatch.setattr(os, "chmod", failing(errno.EPERM))
    write_atomically(old, b"new", Writing(overwrite=True))
    assert old.read_bytes() == b"new"


def test_an_existing_file_is_kept_without_overwrite(old):
    with pytest.raises(OutputError, match=r"^'.*a\.png' exists already; overwrite=True overwrites it$"):
        write_atomically(old, b"new", Writing(overwrite=False))
    assert old.read_bytes() == b"old"
    assert names(old.parent) == ["a.png"]


def test_overwrite_replaces_the_file(old):
    write_atomically(old, b"new", Writing(overwrite=True))
    assert old.read_bytes() == b"new"
    assert names(old.parent) == ["a.png"]


def test_a_file_that_appears_during_the_write_is_not_lost(tmp_path, monkeypatch):
    target = tmp_path / "a.png"
    monkeypatch.setattr(os, "fsync", lambda descriptor: target.write_bytes(b"other"))
    with pytest.raises(OutputError, match="exists already"):
        write_atomically(target, b"new", Writing(overwrite=False))
    assert target.read_bytes() == b"other"
    assert names(tmp_path) == ["a.png"]


def test_without_hard_links_a_new_file_is_renamed(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "link", failing(errno.EPERM))
    write_atomically(tmp_path / "a.png", b"new", Writing(overwrite=False))
    assert (tmp_path / "a.png").read_bytes() == b"new"
    assert names(tmp_path) == ["a.png"]


def test_without_hard_links_an_existing_file_is_kept(old, monkeypatch):
    monkeypatch.setattr(os, "link", failing(errno.EPERM))
    with pytest.raises(OutputError, match="exists already"):
        write_atomically(old, b"new", Writing(overwrite=False))
    assert old.read_bytes() == b"old"
    assert names(old.parent) == ["a.png"]


@pytest.mark.parametrize(
    ("function", "number", "error"),
    [
        ("fsync", errno.EIO, OutputError),
        ("fsync", errno.ENOSPC, DiskFullError),
        ("fsync", errno.EDQUOT, DiskFullError),
        ("replace", errno.EIO, OutputError),
    ],
)
def test_a_failure_leaves_the_old_file_and_no_temporary(old, monkeypatch, function, number, error):
    monkeypatch.setattr(os, function, failing(number))
    with pytest.raises(OutputError, match=rf"^cannot write '.*a\.png': {os.strerror(number)}$") as caught:
        write_atomically(old, b"new", Writing(overwrite=True))
    assert caught.type is error
    assert old.read_bytes() == b"old"
    assert names(old.parent) == ["a.png"]


def test_an_interrupt_leaves_the_old_file_and_no_temporary(old, monkeypatch):
    def interrupt(descriptor):
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupt)
    with pytest.raises(KeyboardInterrupt):
        write_atomically(old, b"new", Writing(overwrite=True))
    assert old.read_bytes() == b"old"
    assert names(old.parent) == ["a.png"]


def test_a_short_write_is_continued_and_a_full_disk_is_an_error(tmp_path):
    # a limit on file sizes makes the kernel write 1000 bytes of 5000, then refuse
    code = (
        "import sys; from pathlib import Path; from cnnfilter.writing.write import Writing, write_atomically\n"
        "try: write_atomically(Path(sys.argv[1]), bytes(5000), Writing(overwrite=False))\n"
        "except Exception as error: sys.exit(f'{type(error).__name__}: {error}')\n"
    )
    result = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "a.png")],
        capture_output=True,
        text=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000)),
        cwd=Path(__file__).parents[2],
        env={name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_")},
    )
    assert result.returncode == 1
    assert result.stderr == f"OutputError: cannot write '{tmp_path}/a.png': File too large\n"
    assert names(tmp_path) == []


def test_short_writes_are_continued():
    class Short(io.RawIOBase):
        written = b""

        def write(self, data):
            self.written += bytes(data[:3])
            return len(data[:3])

    short = Short()
    write.write_all(short, b"abcdefgh")
    assert short.written == b"abcdefgh"


def test_a_missing_folder_and_a_folder_in_the_way_are_errors(tmp_path):
    with pytest.raises(OutputError, match=r"^cannot write '.*/none/a\.png': No such file or directory$"):
        write_atomically(tmp_path / "none" / "a.png", b"new", Writing(overwrite=False))
    with pytest.raises(OutputError, match=r"^cannot write '.*': Is a directory$"):
        write_atomically(tmp_path, b"new", Writing(overwrite=True))


def test_a_name_too_long_is_an_error(tmp_path):
    with pytest.raises(OutputError, match="File name too long$"):
        write_atomically(tmp_path / ("a" * 256), b"new", Writing(overwrite=True))


@pytest.mark.parametrize("name", [b"a" * 255, b"\xe4" * 255, "ä".encode() * 127, b"new\nline", b"-", b"%d a:b"])
def test_any_name_that_a_folder_can_hold_works(tmp_path, name):
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/" + name))
    write_atomically(path, b"new", Writing(overwrite=False))
    assert path.read_bytes() == b"new"
    assert [os.fsencode(path) for path in names(tmp_path)] == [name]


def test_a_name_that_the_locale_cannot_spell(tmp_path):
    save(tmp_path / "ünï.png")
    code = """
import os, sys
from cnnfilter.cli.main import main
for name in os.listdir():
    sys.exit(main(["apply", "edge", name, "-o", "out-" + name]))
"""
    result = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env={**os.environ, "PYTHONUTF8": "0", "LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONPATH": str(ROOT)},
        capture_output=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    assert names(tmp_path) == ["out-ünï.png", "ünï.png"]


def test_of_a_symbolic_link_the_target_is_written(tmp_path, old):
    folder = tmp_path / "links"
    folder.mkdir()
    link = folder / "link.png"
    for target in (tmp_path / "none.png", old):
        link.unlink(missing_ok=True)
        link.symlink_to(target)
        with pytest.raises(OutputError, match="exists already"):
            write_atomically(link, b"new", Writing(overwrite=False))
        assert names(tmp_path) == ["a.png", "links"]
    write_atomically(link, b"new", Writing(overwrite=True))
    assert link.is_symlink()
    assert old.read_bytes() == b"new"
    assert names(folder) == ["link.png"]


def test_devices_and_pipes_are_written_straight(tmp_path):
    write_atomically(Path("/dev/null"), b"new", Writing(overwrite=False))
    assert stat.S_ISCHR(Path("/dev/null").stat().st_mode)
    with pytest.raises(OutputError, match=r"^cannot write '/dev/full': No space left on device$"):
        write_atomically(Path("/dev/full"), b"new", Writing(overwrite=False))

    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    got = []
    reader = threading.Thread(target=lambda: got.append(pipe.read_bytes()), daemon=True)
    reader.start()
    write_atomically(pipe, b"new", Writing(overwrite=False))
    reader.join()
    assert got == [b"new"]


def test_only_what_is_neither_file_nor_folder_is_a_device(tmp_path, old):
    assert is_device(Path("/dev/null"))
    assert not is_device(old)
    assert not is_device(tmp_path)
    assert not is_device(tmp_path / "none")


def test_a_folder_that_cannot_be_opened_or_synced_does_not_stop_the_write(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "open", failing(errno.EACCES))
    write.sync_folder(tmp_path)
    monkeypatch.undo()
    monkeypatch.setattr(os, "fsync", failing(errno.EINVAL))
    write.sync_folder(tmp_path)


def test_a_failing_sync_of_the_folder_is_an_error(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "fsync", failing(errno.EIO))
    with pytest.raises(OSError, match="Input/output error"):
        write.sync_folder(tmp_path)


def test_a_stream_gets_all_of_the_data():
    stream = io.BytesIO()
    write_stream(stream, b"data")
    assert stream.getvalue() == b"data"


def test_a_stream_that_fails_is_an_output_error_but_a_closed_pipe_is_not():
    class Stream(io.BytesIO):
        def flush(self):
            raise self.error

    stream = Stream()
    stream.error = OSError(errno.ENOSPC, "No space left on device")
    with pytest.raises(OutputError, match="^cannot write standard output: No space left on device$"):
        write_stream(stream, b"data")
    stream.error = BrokenPipeError()
    with pytest.raises(BrokenPipeError):
        write_stream(stream, b"data")


def test_what_could_not_be_written_is_refused_before(old, monkeypatch):
    folder = old.parent
    (folder / "link").symlink_to("no/there")
    check_free(folder / "new.png", overwrite=False)
    check_free(old, overwrite=True)
    check_free(Path("/dev/null"), overwrite=False)
    for path, overwrite, kind, reason in (
        (old, False, ExistsError, f"'{old}' exists already; overwrite=True overwrites it"),
        (folder, True, OutputError, f"the output '{folder}' is a folder"),
        (folder / "no" / "a.png", False, OutputError, f"there is no folder '{folder}/no' for the output 'a.png'"),
        (folder / "link", True, OutputError, f"there is no folder '{folder}/no' for the output 'link'"),
    ):
        with pytest.raises(kind) as caught:
            check_free(path, overwrite=overwrite)
        assert str(caught.value) == reason
    monkeypatch.setattr(os, "access", lambda path, mode: False)  # root may write everywhere
    with pytest.raises(OutputError, match=r"^the folder '.*' of the output 'new.png' cannot be written to$"):
        check_free(folder / "new.png", overwrite=False)


def test_a_file_is_of_just_its_bytes(tmp_path):
    path = tmp_path / "a.bin"
    path.write_bytes(b"abcd")
    assert is_file_of(path, b"abcd")
    assert is_file_of(path, [b"ab", memoryview(b"cd")])
    assert not any(is_file_of(path, other) for other in (b"abc", b"abcde", b"abcx", []))
    assert not is_file_of(tmp_path / "none.bin", b"")
