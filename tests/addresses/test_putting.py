"""Files are written at addresses whole or not at all, and over none that stands there unless that is asked for."""

import asyncio
import threading

import fsspec
import pytest

from cnnfilter.addresses import putting, systems
from cnnfilter.addresses.address import located
from cnnfilter.addresses.failures import AddressError
from cnnfilter.addresses.putting import put
from cnnfilter.addresses.reading import fetch
from cnnfilter.errors import ExistsError, OutputError
from cnnfilter.writing.write import Writing, check_free, is_device, is_same, look, write_atomically

ONE, OTHER = b"one" * 1000, b"other" * 1000


@pytest.fixture(params=["s3", "sftp", "memory"])
def fresh(request):
    """The address of a new file, by its name, in a folder that is not there yet."""
    if request.param == "s3":
        request.getfixturevalue("box")
        base = "s3://box/"
    else:
        base = "memory://box/" if request.param == "memory" else request.getfixturevalue("files").address()
    folder = f"put-{request.node.name.partition('[')[0]}/new"
    return lambda name: located(f"{base}{folder}/{name}")


def test_a_file_is_written_once_and_overwritten_only_if_asked(fresh):
    address = fresh("a b.png")
    put(address, ONE, overwrite=False)
    with pytest.raises(FileExistsError, match="it exists already"):
        put(address, OTHER, overwrite=False)
    assert fetch(address) == ONE
    put(address, OTHER, overwrite=True)
    assert fetch(address) == OTHER


def test_the_same_bytes_are_written_already(fresh):
    for _ in range(2):
        put(fresh("a.png"), ONE, overwrite=False)
    assert fetch(fresh("a.png")) == ONE


def test_an_empty_file_is_written(fresh):
    put(fresh("empty"), b"", overwrite=False)
    assert fetch(fresh("empty")) == b""


def test_of_many_at_once_one_is_written(fresh):
    done, lost = [], []

    def write(number):
        try:
            put(fresh("race"), b"%d" % number * 5000, overwrite=False)
            done.append(b"%d" % number * 5000)
        except FileExistsError:
            lost.append(number)

    if fresh("race").scheme == "memory":
        return  # which is of one process, where names are planned
    threads = [threading.Thread(target=write, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(done), len(lost)) == (1, 7)
    assert fetch(fresh("race")) == done[0]


@pytest.mark.parametrize("text", ["http://host/a.png", "https://host/a.png"])
def test_the_web_is_only_read(text):
    with pytest.raises(AddressError, match="is only read"):
        put(located(text), ONE, overwrite=True)


@pytest.mark.parametrize("text", ["s3://box", "s3://box/", "s3://box/a/", "sftp://host"])
def test_a_folder_is_not_written(text):
    with pytest.raises(IsADirectoryError, match="is a folder"):
        put(located(text), ONE, overwrite=True)


def test_a_put_whose_answer_is_lost_is_written(box):
    box.order("lost-answer", "PUT .*lost.png", 1)
    put(located("s3://box/lost.png"), ONE, overwrite=False)
    assert box.get("box/lost.png") == ONE
    assert len(box.requests("PUT .*lost.png")) == 2


def test_what_may_not_be_read_is_not_taken_for_ones_own(box):
    box.put("box/secret.png", ONE)
    box.order("status", "GET .*secret.png", None, status=403)
    with pytest.raises(FileExistsError):
        put(located("s3://box/secret.png"), ONE, overwrite=False)


def test_a_contested_put_is_tried_again(box):
    box.order("status", "PUT .*contested.png", 2, status=409, code="ConditionalRequestConflict")
    put(located("s3://box/contested.png"), ONE, overwrite=False)
    assert box.get("box/contested.png") == ONE
    box.order("status", "PUT .*contested2.png", None, status=409, code="ConditionalRequestConflict")
    with pytest.raises(AddressError, match="another is written there at this moment"):
        put(located("s3://box/contested2.png"), ONE, overwrite=False)


def test_a_service_without_conditions_is_looked_at_before(box):
    box.put("box/there.png", OTHER)
    for name, data in (("there.png", OTHER), ("new.png", ONE)):
        box.order("status", f"PUT .*{name}", 1, status=501)
        if name == "there.png":
            with pytest.raises(FileExistsError):
                put(located(f"s3://box/{name}"), ONE, overwrite=False)
        else:
            put(located(f"s3://box/{name}"), ONE, overwrite=False)
        assert box.get(f"box/{name}") == data


def test_a_put_that_fails_leaves_nothing(box):
    for kind, more in (("status", {"status": 403}), ("status", {"status": 500}), ("lost", {})):
        box.order(kind, "PUT .*none.png", None, **more)
        with pytest.raises(OSError, match=r"permission denied|the service failed|the connection was lost"):
            put(located("s3://box/none.png"), ONE, overwrite=False)
        box.forget()
    assert box.keys("box", "none") == []


def test_the_kind_of_a_content_is_told(box, monkeypatch):
    told = []
    monkeypatch.setattr(
        systems.system(located("s3://box/a.png")), "pipe_file", lambda *_, **options: told.append(options)
    )
    put(located("s3://box/a.png"), ONE, overwrite=False)
    put(located("s3://box/a.unknown"), ONE, overwrite=True)
    assert told == [
        {"mode": "create", "ContentType": "image/png", "chunksize": putting.PART, "max_concurrency": 2},
        {"mode": "overwrite", "chunksize": putting.PART, "max_concurrency": 2},
    ]


@pytest.fixture
def parts(monkeypatch):
    """Files of over 10 MB are put by parts, as they are of over 100 MB."""
    monkeypatch.setattr(putting, "PART", 5 << 20)
    return b"0123456789abcdef" * (700 << 10)


def test_a_large_file_is_put_by_parts_and_completed_once(box, parts):
    address = located("s3://box/large.npy")
    put(address, parts, overwrite=False)
    assert len(box.requests("PUT .*large.npy.partNumber")) == 3
    assert box.get("box/large.npy") == parts
    put(address, parts, overwrite=False)
    with pytest.raises(FileExistsError):
        put(address, parts[:-1] + b"x", overwrite=False)
    assert box.get("box/large.npy") == parts
    put(address, parts[:-1] + b"x", overwrite=True)
    assert box.get("box/large.npy")[-1:] == b"x"


@pytest.mark.parametrize(
    ("kind", "more", "line"),
    [
        ("status", {"status": 403}, "PUT .*failed.npy.partNumber=2"),
        ("status", {"status": 403}, "POST .*failed.npy.uploadId"),
        ("lost", {}, "POST .*failed.npy.uploadId"),
    ],
)
def test_a_large_file_that_fails_leaves_nothing(box, parts, kind, more, line):
    box.order(kind, line, None, **more)
    with pytest.raises(OSError, match=r"permission denied|connection was lost"):
        put(located("s3://box/failed.npy"), parts, overwrite=False)
    assert box.keys("box", "failed") == []
    assert box.requests("DELETE .*failed.npy.uploadId")


def test_a_completion_whose_answer_is_lost_is_written(box, parts):
    box.order("lost-answer", "POST .*completed.npy.uploadId", 1)
    put(located("s3://box/completed.npy"), parts, overwrite=False)
    assert box.get("box/completed.npy") == parts


def test_an_upload_that_was_ended_by_another_is_told(box, parts):
    box.order("status", "POST .*ended.npy.uploadId", None, status=404, code="NoSuchUpload")
    with pytest.raises(AddressError, match="no longer knows the upload"):
        put(located("s3://box/ended.npy"), parts, overwrite=False)
    box.put("box/ended.npy", parts)  # it was completed before, and the answer lost
    put(located("s3://box/ended.npy"), parts, overwrite=True)


def siblings(files):
    return [path for path in files.folder.rglob("*.tmp")]


def test_over_sftp_nothing_is_left_of_what_fails(files):
    for line in ("write", "rename"):
        files.order("failure", f"^{line}", 1)
        with pytest.raises(AddressError, match="the server refuses that"):
            put(located(files.address("failed.png")), ONE, overwrite=False)
    assert siblings(files) == []
    assert not (files.folder / "failed.png").exists()


def test_over_sftp_a_lost_connection_is_made_anew(files):
    for line in ("write", "rename"):
        files.order("lost", f"^{line}", 1)
        put(located(files.address(f"{line}.png")), ONE, overwrite=False)
        assert (files.folder / f"{line}.png").read_bytes() == ONE
    assert siblings(files) == []


def test_over_sftp_nothing_is_sent_where_a_file_stands(files):
    (files.folder / "stands.png").write_bytes(OTHER)
    with pytest.raises(FileExistsError):
        put(located(files.address("stands.png")), ONE, overwrite=False)
    assert files.requests("write") == []


def test_over_sftp_a_file_that_comes_meanwhile_is_not_lost(files, monkeypatch):
    monkeypatch.setattr(putting, "_PIECE", 100)
    address = located(files.address("meanwhile.png"))
    original = putting._rename_to_new

    async def late(channel, sibling, path):
        (files.folder / "meanwhile.png").write_bytes(OTHER)
        await original(channel, sibling, path)

    monkeypatch.setattr(putting, "_rename_to_new", late)
    with pytest.raises(FileExistsError):
        put(address, ONE, overwrite=False)
    assert (files.folder / "meanwhile.png").read_bytes() == OTHER
    assert siblings(files) == []


def test_over_sftp_nothing_is_left_where_a_signal_ends_the_process(files, monkeypatch):
    begun, found = threading.Event(), []

    async def hanging(channel, sibling, path):
        begun.set()
        await asyncio.sleep(600)

    def write():
        with pytest.raises(AddressError, match="the process is about to end") as caught:
            put(located(files.address("ended.png")), ONE, overwrite=False)
        found.append(caught.value)

    monkeypatch.setattr(putting, "_ended", [])
    monkeypatch.setattr(putting, "PATIENCE", 60.0)
    monkeypatch.setattr(putting, "_rename_to_new", hanging)
    thread = threading.Thread(target=write, daemon=True)
    thread.start()
    assert begun.wait(60)
    assert len(siblings(files)) == 1
    putting.remove_all()
    assert siblings(files) == []
    thread.join()
    write()
    putting.remove_all()
    assert len(found) == 2
    assert not (files.folder / "ended.png").exists()


def test_over_sftp_permissions_are_kept_and_folders_are_not_replaced(files):
    path = files.folder / "private.png"
    path.write_bytes(ONE)
    path.chmod(0o600)
    put(located(files.address("private.png")), OTHER, overwrite=True)
    assert (path.read_bytes(), path.stat().st_mode & 0o777) == (OTHER, 0o600)
    (files.folder / "folder.png").mkdir()
    for overwrite in (False, True):
        with pytest.raises(IsADirectoryError, match="is a folder"):
            put(located(files.address("folder.png")), ONE, overwrite=overwrite)


def test_outputs_are_written_at_addresses():
    memory = fsspec.filesystem("memory")
    address = located("memory://box/a.png")
    assert look(address).path == address
    assert write_atomically(address, [ONE, memoryview(OTHER)], Writing()) == ()
    assert memory.cat_file("/box/a.png") == ONE + OTHER
    assert write_atomically(address, memoryview(ONE + OTHER), Writing(), place=look(address)) == ()
    with pytest.raises(ExistsError, match="'memory://box/a.png' exists already; overwrite=True overwrites it"):
        write_atomically(address, ONE, Writing())
    write_atomically(address, ONE, Writing(overwrite=True))
    assert memory.cat_file("/box/a.png") == ONE


def test_an_address_is_no_device_and_the_same_as_itself():
    assert not is_device(located("s3://box/a.png"))
    assert is_same("s3://box/a.png", "s3://box/a.png")
    assert not is_same("s3://box/a.png", "s3://box/b.png")
    assert not is_same("a.png", "s3://box/b.png")


def test_outputs_that_cannot_be_written_are_told_without_secrets(files):
    (files.folder / "folder.png").mkdir(exist_ok=True)
    address = located(files.address("folder.png", password="geheim"))
    with pytest.raises(OutputError, match="cannot write 'sftp://ada@127.0.0.1.*folder.png': is a folder") as caught:
        write_atomically(address, ONE, Writing(overwrite=True))
    assert "geheim" not in str(caught.value)
    with pytest.raises(OutputError, match="cannot write 'https://host/a.png.*': https:// is only read"):
        write_atomically(located("https://host/a.png?token=geheim"), ONE, Writing())


def test_outputs_that_could_not_be_written_are_refused_before(box):
    check_free(located("s3://box/free.png"), overwrite=False)
    box.put("box/taken.png", ONE)
    check_free(located("s3://box/taken.png"), overwrite=True)
    with pytest.raises(ExistsError, match="'s3://box/taken.png' exists already; wait"):
        check_free(located("s3://box/taken.png"), overwrite=False, remedy="wait")
    with pytest.raises(OutputError, match="the output 's3://box/a/' is a folder"):
        check_free(located("s3://box/a/"), overwrite=False)
    with pytest.raises(OutputError, match="cannot write 'http://host/a.png': http:// is only read"):
        check_free(located("http://host/a.png"), overwrite=False)
    for overwrite in (False, True):
        with pytest.raises(OutputError, match="cannot write 's3://none/a.png': no such bucket"):
            check_free(located("s3://none/a.png"), overwrite=overwrite)
    box.order("status", "GET .*list-type=2", None, status=403)
    check_free(located("s3://box/free.png"), overwrite=False)  # who may write need not be let list
    box.order("status", "HEAD .*free.png", None, status=403)
    with pytest.raises(OutputError, match=r"cannot write 's3://box/free.png': permission denied \(403\)"):
        check_free(located("s3://box/free.png"), overwrite=False)
