"""What is read from buckets and servers: all of it or its beginning, bounded, with what goes wrong in our words."""

import sys
import threading

import fsspec
import pytest

from cnnfilter.addresses import systems
from cnnfilter.addresses.address import located
from cnnfilter.addresses.failures import AddressError
from cnnfilter.addresses.reading import Fetched, fetch, head
from cnnfilter.errors import MissingExtraError, PictureError
from cnnfilter.messages import options_named

DATA = bytes(range(256)) * 1200


class Place:
    """One kind of server with the same files: `a.bin`, `empty`."""

    def __init__(self, server, address, put):
        self.server, self.address, self.put = server, address, put


@pytest.fixture(params=["s3", "http", "sftp", "memory"])
def place(request):
    if request.param == "s3":
        box = request.getfixturevalue("box")
        found = Place(box, lambda name: located(f"s3://box/{name}"), lambda name, data: box.put(f"box/{name}", data))
    elif request.param == "http":
        site = request.getfixturevalue("site")
        found = Place(
            site,
            lambda name: located(f"http://127.0.0.1:{site.port}/{name}"),
            lambda name, data: (site.folder / name).write_bytes(data),
        )
    elif request.param == "sftp":
        files = request.getfixturevalue("files")
        found = Place(
            files,
            lambda name: located(files.address(name)),
            lambda name, data: (files.folder / name).write_bytes(data),
        )
    else:
        memory = fsspec.filesystem("memory")
        found = Place(
            None,
            lambda name: located(f"memory://box/{name}"),
            lambda name, data: memory.pipe_file(f"/box/{name}", data),
        )
    found.put("a b.bin", DATA)
    found.put("empty", b"")
    return found


def refused(address, *arguments, question=fetch):
    """What a person is told of an address that cannot be read."""
    with pytest.raises(OSError, match=r".") as caught:
        question(address, *arguments)
    return caught.value


def test_a_file_is_read_whole_or_in_part(place):
    address = place.address("a b.bin")
    assert fetch(address) == DATA
    assert fetch(address, len(DATA)) == DATA
    assert head(address, 300) == DATA[:300]
    assert head(address, len(DATA) + 5) == DATA
    told = []
    assert Fetched(address, told=told.append).read() == DATA
    assert told == sorted(told)
    assert told[-1] == len(DATA)
    assert Fetched(address).address == address
    assert address.open().read(3) == DATA[:3]


def test_of_an_empty_file_nothing_is_read(place):
    assert fetch(place.address("empty")) == b""
    assert head(place.address("empty"), 10) == b""


def test_no_more_is_read_than_was_allowed(place):
    error = refused(place.address("a b.bin"), len(DATA) - 1)
    assert error.strerror == f"more than {len(DATA) - 1:,} bytes; max_bytes allows more"
    with options_named():
        assert "; --max-bytes allows more" in refused(place.address("a b.bin"), 10).strerror


def test_a_file_that_is_not_there_is_told(place):
    error = refused(place.address("none.jpg"))
    assert isinstance(error, FileNotFoundError)
    assert error.strerror == "no such file"


def test_a_folder_is_no_file(box, files):
    box.put("box/folder/a.jpg", b"")
    for address in (located("s3://box/folder/"), located(files.address("folder/"))):
        assert refused(address).strerror == "is a folder"


def test_there_is_no_such_bucket(box):
    assert refused(located("s3://none/a.jpg")).strerror == "no such bucket"


@pytest.mark.parametrize(
    ("status", "code", "reason", "kind"),
    [
        (403, "AccessDenied", "permission denied (403)", PermissionError),
        (400, "ExpiredToken", "the credentials have expired", PermissionError),
        (301, "PermanentRedirect", "the bucket is in another region than AWS_DEFAULT_REGION", AddressError),
        (400, "InvalidRequest", "the service does not take the request (400)", AddressError),
        (500, "InternalError", "the service failed (500); try again later", AddressError),
    ],
)
def test_what_a_bucket_refuses_is_told(box, status, code, reason, kind):
    box.put("box/refused.bin", DATA)
    box.order("status", "refused.bin", None, status=status, code=code)
    error = refused(located("s3://box/refused.bin"))
    assert (type(error), error.strerror) == (kind, reason)


def test_a_bucket_that_fails_for_good_is_not_asked_by_two_libraries_in_turn_again_and_again(box):
    box.put("box/never.bin", DATA)
    box.order("status", "never.bin", None, status=503)
    assert "(503)" in refused(located("s3://box/never.bin")).strerror
    assert len(box.requests("never.bin")) == 2  # where botocore asks once, and not five times, each


def test_a_bucket_that_is_overloaded_or_loses_its_answer_is_asked_again(box):
    box.put("box/again.bin", DATA)
    for kind, more in (("status", {"status": 503}), ("truncate", {}), ("lost", {})):
        box.order(kind, "again.bin", 1, **more)
        assert fetch(located("s3://box/again.bin")) == DATA
        assert len(box.requests("again.bin")) == 2
        box.forget()


def test_a_bucket_that_sends_more_than_was_asked_for_is_bounded(box):
    box.order("endless", "endless.bin", 2)
    assert refused(located("s3://box/endless.bin"), 1 << 20).strerror.startswith("more than 1,048,576 bytes")
    assert head(located("s3://box/endless.bin"), 1000) == b"x" * 1000


def test_of_a_bucket_no_more_is_asked_for_than_is_wanted(box, monkeypatch):
    box.put("box/long.bin", DATA)
    fs = systems.system(located("s3://box"))
    call, parts = fs.call_s3, []
    monkeypatch.setattr(
        fs, "call_s3", lambda *names, **options: parts.append(options["Range"]) or call(*names, **options)
    )
    assert head(located("s3://box/long.bin"), 10) == DATA[:10]
    assert fetch(located("s3://box/long.bin"), 1 << 20) == DATA
    assert parts == ["bytes=0-9", f"bytes=0-{1 << 20}"]


def test_who_wants_no_more_of_a_file_is_asked_no_second_time(place):
    def enough(size):
        asked.append(size)
        msg = "enough"
        raise PictureError(msg)

    asked = []
    with pytest.raises(PictureError, match="enough"):
        fetch(place.address("a b.bin"), told=enough)
    assert len(asked) == 1


def test_a_bucket_whose_bodies_are_always_cut_is_told(box):
    box.put("box/cut.bin", DATA)
    box.order("truncate", "cut.bin", None)
    assert refused(located("s3://box/cut.bin")).strerror == "the connection was lost"
    assert len(box.requests("cut.bin")) == 3


def test_a_bucket_without_credentials_is_told_and_none_of_them_shown(box, monkeypatch):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    systems.forget()
    assert "no credentials were found" in refused(located("s3://box/a.bin")).strerror
    monkeypatch.setenv("AWS_PROFILE", "nobody")
    systems.forget()
    assert "the profile of AWS_PROFILE" in refused(located("s3://box/a.bin")).strerror
    systems.forget()


def test_a_bucket_where_nobody_listens_is_told(box, monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    systems.forget()
    told = "no connection to http://127.0.0.1:9 (AWS_ENDPOINT_URL)"
    assert refused(located("s3://box/a.bin")).strerror == told
    monkeypatch.setenv("AWS_ENDPOINT_URL", "127.0.0.1:9")
    systems.forget()
    assert "AWS_ENDPOINT_URL, if set, begins with http://" in refused(located("s3://box/a.bin")).strerror
    systems.forget()


def test_a_public_bucket_is_read_without_credentials(box, monkeypatch):
    box.ask("PUT", "/box/public.bin", DATA, x_amz_acl="public-read")
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    monkeypatch.setitem(fsspec.config.conf, "s3", {"anon": "true"})
    systems.forget()
    assert fetch(located("s3://box/public.bin")) == DATA
    systems.forget()


def test_servers_that_are_not_there_are_told():
    assert refused(located("http://127.0.0.1:9/a")).strerror == "no connection to the server"
    assert refused(located("http://no-such-host.invalid/a")).strerror == "no server of that name is known"
    assert refused(located("sftp://127.0.0.1:9/a")).strerror == "no connection to the server"


def test_a_password_opens_a_server_and_a_wrong_one_does_not(files):
    (files.folder / "a.bin").write_bytes(DATA)
    assert fetch(located(files.address("a.bin", password="geheim"))) == DATA
    error = refused(located(files.address("a.bin", user="bob", password="0penSesame")))
    assert isinstance(error, PermissionError)
    assert "0penSesame" not in f"{error}{error!r}"


def test_a_server_whose_key_is_not_known_is_not_trusted(files):
    known = files.home / ".ssh" / "known_hosts"
    before = known.read_text()
    try:
        known.write_text("")
        systems.forget()
        assert "known_hosts has no such key" in refused(located(files.address("a.bin"))).strerror
    finally:
        known.write_text(before)


def test_a_lost_connection_to_a_server_is_made_anew(files):
    (files.folder / "a.bin").write_bytes(DATA)
    files.order("lost", "open /a.bin", 2)
    assert fetch(located(files.address("a.bin"))) == DATA
    files.order("lost", "open /a.bin", None)
    assert refused(located(files.address("a.bin"))).strerror == "the connection was lost"
    files.forget()
    files.order("failure", "open /a.bin", 1)
    assert refused(located(files.address("a.bin"))).strerror == "the server refuses that"


def test_a_scheme_has_one_system_and_sftp_one_for_each_host(files):
    one, other = located("http://one/a"), located("http://other/b")
    assert systems.system(one) is systems.system(other)
    assert systems.system(located("s3://one")) is systems.system(located("s3://other/a"))
    one, other = located(files.address("a")), located(files.address("a", password="geheim"))
    assert systems.system(one) is not systems.system(other)


def test_threads_share_one_system(files):
    (files.folder / "a.bin").write_bytes(DATA)
    systems.forget()
    found = []
    threads = [threading.Thread(target=lambda: found.append(fetch(located(files.address("a.bin"))))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [DATA] * 8
    assert systems.system(located(files.address("b"))) is systems.system(located(files.address("a.bin")))


@pytest.mark.parametrize(("scheme", "command"), [("gs", "pip install gcsfs"), ("az", "pip install adlfs")])
def test_a_missing_back_end_is_told_with_its_command(scheme, command, monkeypatch):
    for library in ("gcsfs", "adlfs"):
        monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(MissingExtraError, match=f"{scheme}:// needs the .* library: {command}"):
        fetch(located(f"{scheme}://box/a.bin"))


@pytest.mark.parametrize(
    ("scheme", "library"), [("s3", "s3fs"), ("http", "aiohttp"), ("sftp", "sshfs"), ("s3", "fsspec")]
)
def test_without_the_extra_it_is_told_how_to_install_it(scheme, library, monkeypatch):
    monkeypatch.setitem(sys.modules, library, None)
    systems.forget()
    with pytest.raises(MissingExtraError, match=r"pip install 'cnnfilter\[remote\]'"):
        fetch(located(f"{scheme}://box/a.bin"))
