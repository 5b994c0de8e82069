"""What somebody puts under an output's name while a picture is made is neither followed, nor opened, nor lost."""

import os
import signal
import stat
from pathlib import Path

import pytest
from PIL import Image

from cnnfilter.batch import work
from cnnfilter.errors import OutputError
from cnnfilter.writing import temporaries, write
from cnnfilter.writing.write import Writing, look, write_atomically
from tests.command import PHOTO, files, load, run, save

EDGE = "a-edge.png"
THINGS = ("dangling link", "link to a file", "link to a folder", "link to a device", "pipe", "file", "folder")
MOMENTS = ("read", "encoded", "written")


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    (tmp_path / "work").mkdir()
    (tmp_path / "private").write_bytes(b"private")
    (tmp_path / "private").chmod(0o640)
    monkeypatch.chdir(tmp_path / "work")
    save("a.png")


def plant(thing, name=EDGE):
    path = Path(name)
    if "link" in thing:
        targets = {"dangling link": "../new", "link to a file": "../private", "link to a folder": ".."}
        path.symlink_to(targets.get(thing, "/dev/null"))
    elif thing == "pipe":
        os.mkfifo(path)
    elif thing == "folder":
        path.mkdir()
    else:
        path.write_bytes(b"other")


def once_read(monkeypatch, act):
    """Do something once a picture is read."""
    read_frames = work.read_frames

    def reading(*arguments):
        for picture in read_frames(*arguments):
            act()
            yield picture

    monkeypatch.setattr(work, "read_frames", reading)


def when(moment, thing, monkeypatch):
    """Plant a thing once a picture is read, once its result is encoded, or once that has yet to get its name only."""
    if moment == "read":
        once_read(monkeypatch, lambda: plant(thing))
        return
    if moment == "encoded":
        write_file = work.write_atomically

        def planted(*arguments, **options):
            plant(thing)
            return write_file(*arguments, **options)

        monkeypatch.setattr(work, "write_atomically", planted)
        return
    sync = os.fsync

    def synced(descriptor):
        if not stat.S_ISDIR(os.fstat(descriptor).st_mode):
            plant(thing)
        sync(descriptor)

    monkeypatch.setattr(os, "fsync", synced)


@pytest.fixture(autouse=True)
def _in_time():
    """End what waits for a pipe."""

    def end(*_):
        raise TimeoutError

    before = signal.signal(signal.SIGALRM, end)
    signal.alarm(60)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


def untouched():
    """Whether nothing outside the folder was made or changed."""
    private = Path("../private")
    outside = sorted(path.name for path in Path("..").iterdir())
    return (private.read_bytes(), stat.S_IMODE(private.stat().st_mode), outside) == (
        b"private", 0o640, ["private", "work"],
    )  # fmt: skip


@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("thing", THINGS)
def test_without_force_it_is_in_the_way(thing, moment, monkeypatch):
    when(moment, thing, monkeypatch)
    result = run("apply", "edge", "a.png")
    assert result.exit_code == 1
    (line,) = result.messages
    assert line.endswith((f"'{EDGE}' exists already; --force overwrites it", f"the output '{EDGE}' is a folder"))
    assert untouched()
    assert files() == [EDGE, "a.png"]
    if thing == "file":
        assert Path(EDGE).read_bytes() == b"other"
    elif thing == "pipe":
        assert stat.S_ISFIFO(Path(EDGE).lstat().st_mode)
    else:
        assert Path(EDGE).is_symlink() == ("link" in thing)


@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("thing", [thing for thing in THINGS if thing not in ("folder", "link to a folder")])
def test_with_force_it_is_replaced_and_not_followed(thing, moment, monkeypatch):
    when(moment, thing, monkeypatch)
    result = run("apply", "edge", "a.png", "--force")
    assert result.exit_code == 0, result.err
    assert untouched()
    assert stat.S_ISREG(Path(EDGE).lstat().st_mode)
    assert load(EDGE).shape == PHOTO.shape
    assert Path(EDGE).stat().st_mode == Path("a.png").stat().st_mode  # neither a link's nor of what it leads to


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_name_that_only_the_result_tells_is_as_safe(moment, monkeypatch):
    """Of a colour picture in a GIF comes a PNG."""
    Image.fromarray(PHOTO).save("a.gif")
    when(moment, "dangling link", monkeypatch)
    result = run("apply", "edge", "a.gif")
    assert result.exit_code == 1
    assert result.messages == [f"cnnfilter: error: a.gif: '{EDGE}' exists already; --force overwrites it"]
    assert untouched()


@pytest.mark.parametrize("force", [True, False])
def test_so_are_names_with_a_number(force, monkeypatch):
    def planted():
        plant("pipe", "maps.png")
        plant("pipe", "maps-0.png")
        plant("link to a file", "maps-1.png")

    once_read(monkeypatch, planted)
    arguments = ["run", "gray,conv:sobel-x+sobel-y", "a.png", "--maps", "each", "-o", "maps.png"]
    result = run(*arguments, *["--force"] * force)
    assert result.exit_code == (0 if force else 1), result.err
    assert [Path(name).is_file() and not Path(name).is_symlink() for name in ("maps-0.png", "maps-1.png")] == [
        force
    ] * 2
    assert stat.S_ISFIFO(Path("maps.png").stat().st_mode)
    assert untouched()


def test_a_link_that_stood_there_before_is_written_through_where_it_led_then(monkeypatch):
    plant("link to a file")

    def turned():
        Path(EDGE).unlink()
        Path(EDGE).symlink_to("../elsewhere")

    once_read(monkeypatch, turned)
    assert run("apply", "edge", "a.png", "--force").exit_code == 0
    assert Path(EDGE).is_symlink()
    assert load("../private").shape == PHOTO.shape
    assert not Path("../elsewhere").exists()


@pytest.mark.parametrize("folder", ["in", "out", "out/tree"])
@pytest.mark.parametrize("force", [True, False])
def test_nor_is_a_link_that_takes_the_place_of_a_folder(folder, force, monkeypatch):
    """Of one that was there, of one that is made, and of one below."""
    Path("in/tree").mkdir(parents=True)
    save("in/tree/a.png")

    def turned():
        if Path(folder).exists():
            Path(folder).rename("away")
        Path(folder).parent.mkdir(exist_ok=True)
        Path(folder).symlink_to(Path("..").resolve())

    once_read(monkeypatch, turned)
    options = ["--in-place"] if folder == "in" else ["-o", "out/", *["--force"] * force]
    result = run("apply", "edge", "-r", "in", *options)
    assert result.exit_code == 1
    assert "leads elsewhere than when the run was planned" in result.messages[0]
    assert untouched()


@pytest.mark.parametrize("output", [[], ["-o", "out/"], ["-o", "out/{name}-{kernel}.png"]])
@pytest.mark.parametrize("thing", ["pipe", "link to a device"])
def test_a_pipe_that_waits_under_a_name_that_nobody_wrote_is_in_the_way(thing, output):
    Path("out").mkdir()
    name = f"out/{EDGE}" if output else EDGE
    plant(thing, name)
    arguments = ["apply", "edge", "a.png", *output]
    assert run(*arguments).messages == [f"cnnfilter: error: '{name}' exists already; --force overwrites it"]
    assert run(*arguments, "--force").exit_code == 0
    assert load(name).shape == PHOTO.shape


def test_in_place_a_pipe_is_refused():
    os.mkfifo("b.png")
    result = run("apply", "edge", "b.png", "--in-place")
    assert (result.exit_code, result.messages) == (
        2, ["cnnfilter: error: 'b.png' is no file, so none can take its place"],
    )  # fmt: skip


def test_what_takes_the_place_of_a_device_is_not_written():
    os.mkfifo("pipe")
    place = look(Path("pipe"))
    Path("pipe").unlink()
    Path("pipe").write_bytes(b"other")
    with pytest.raises(OutputError, match="^cannot write 'pipe': something else has taken its place$"):
        write_atomically(Path("pipe"), b"new", Writing(overwrite=True), place=place)
    assert Path("pipe").read_bytes() == b"other"


def test_permissions_and_times_are_those_of_the_file_that_was_opened(monkeypatch):
    """And not of what somebody puts under a temporary's name."""
    Path(EDGE).write_bytes(b"old")
    Path(EDGE).chmod(0o666)
    os.utime("../private", ns=(5, 5))
    real, seen = os.open, []

    def opened(path, *arguments, **options):
        descriptor = real(path, *arguments, **options)
        if str(path).endswith(".tmp"):
            seen.append(Path(path).rename("taken"))
            Path(path).symlink_to("../private")
        return descriptor

    monkeypatch.setattr(os, "open", opened)
    write_atomically(Path(EDGE), b"new", Writing(overwrite=True, times=(7, 7)))
    assert untouched()
    assert Path("../private").stat().st_mtime_ns == 5
    assert (seen[0].read_bytes(), stat.S_IMODE(seen[0].stat().st_mode), seen[0].stat().st_mtime_ns) == (
        b"new",
        0o666,
        7,
    )


@pytest.mark.parametrize("thing", THINGS)
def test_a_temporary_takes_no_name_that_somebody_foresaw(thing, monkeypatch):
    monkeypatch.setattr(os, "urandom", bytes)
    name = f".{EDGE}.cnnfilter-{bytes(8).hex()}.tmp"
    monkeypatch.setattr(temporaries, "sweep", lambda folder: plant(thing, name))
    with pytest.raises(OutputError):
        write_atomically(Path(EDGE), b"new", Writing(overwrite=True))
    assert untouched()
    assert thing != "file" or Path(name).read_bytes() == b"other"


def test_a_pipe_in_the_place_of_a_folder_is_not_waited_for():
    os.mkfifo("out")
    write.sync_folder(Path("out"))
