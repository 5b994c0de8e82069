"""What is read from buckets and servers: all of it or its beginning, bounded, with what goes wrong in our words."""

import contextlib
import resource
import socketserver
import ssl
import sys
import threading
import time

import fsspec
import pytest

from cnnfilter.addresses import reading, systems
from cnnfilter.addresses.address import located
from cnnfilter.addresses.failures import AddressError
from cnnfilter.addresses.reading import Fetched, fetch, head
from cnnfilter.errors import MissingExtraError, PictureError
from cnnfilter.messages import options_named
from tests.certificates import signed_by_itself
from tests.serving import BOMB

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


def test_a_server_that_has_no_such_part_has_nothing(site):
    site.order("status", "page.bin", 1, status=416)
    assert head(page(site), 10) == b""


def page(site, query=""):
    return located(f"http://ann:0penSesame@127.0.0.1:{site.port}/page.bin{query}")


@pytest.mark.parametrize(
    ("status", "reason", "kind", "tries"),
    [
        (401, "the service asks for a login (401)", PermissionError, 1),
        (403, "permission denied (403)", PermissionError, 1),
        (404, "no such file", FileNotFoundError, 1),
        (410, "no such file any more", FileNotFoundError, 1),
        (418, "the service refuses that (418)", AddressError, 1),
        (501, "the service failed (501); try again later", AddressError, 1),
        (429, "the service asks for fewer requests (429); try again later", AddressError, 3),
        (502, "the service failed (502); try again later", AddressError, 3),
        (503, "the service is not available (503); try again later", AddressError, 3),
    ],
)
def test_what_a_server_of_the_web_refuses_is_told(site, status, reason, kind, tries):
    site.order("status", "page.bin", None, status=status)
    error = refused(page(site, "?token=0penSesame"))
    assert (type(error), error.strerror) == (kind, reason)
    assert "0penSesame" not in f"{error}{error!r}{error.__cause__}"
    assert len(site.requests("page.bin")) == tries


@pytest.mark.parametrize(("kind", "more"), [("truncate", {}), ("lost", {}), ("status", {"status": 503})])
def test_a_server_of_the_web_that_fails_twice_is_asked_a_third_time(site, kind, more):
    (site.folder / "page.bin").write_bytes(DATA)
    site.order(kind, "page.bin", 2, **more)
    assert fetch(page(site)) == DATA
    site.order(kind, "page.bin", None, **more)
    assert refused(page(site)).is_passing


def test_bodies_without_an_end_and_packed_ones_are_bounded(site):
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for kind in ("endless", "gzip"):
        site.order(kind, "page.bin", 1)
        assert refused(page(site), 1 << 20).strerror.startswith("more than 1,048,576 bytes")
    assert (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - most) * 1024 < BOMB // 2
    site.order("endless", "page.bin", 1)
    assert head(page(site), 1000) == b"x" * 1000


@pytest.mark.parametrize(
    ("to", "reason"),
    [
        ("file:///etc/passwd", "it redirects to what is not of the web"),
        ("/page.bin", "it redirects again and again"),
        ("http:///page.bin", "that is no address of the web"),
    ],
)
def test_redirects_lead_to_the_web_and_end(site, to, reason):
    site.order("redirect", "page.bin", None, to=to)
    assert refused(page(site)).strerror == reason


def test_a_server_that_does_not_answer_is_waited_for_only_so_long(site, monkeypatch):
    monkeypatch.setattr(reading, "_WAITING", 0.2)
    (site.folder / "page.bin").write_bytes(DATA)
    site.order("hang", "page.bin", 3, seconds=60)
    start = time.monotonic()
    assert refused(page(site)).strerror == "no answer in time"
    assert time.monotonic() - start < 30


def test_a_server_that_gives_too_little_is_left(site, monkeypatch):
    monkeypatch.setattr(reading, "_GRACE", -1)
    monkeypatch.setattr(reading, "_SLOWEST", 1e9)
    (site.folder / "page.bin").write_bytes(DATA)
    assert refused(page(site)).strerror == "no answer in time"


def test_what_fsspec_is_configured_to_do_is_done(site, monkeypatch):
    monkeypatch.setitem(fsspec.config.conf, "http", {"client_kwargs": {"headers": {"Authorization": "Bearer 1"}}})
    systems.forget()
    fs = systems.system(page(site))
    assert fs.client_kwargs == {"trust_env": True, "headers": {"Authorization": "Bearer 1"}}
    systems.forget()


def test_the_web_is_read_through_the_proxy_of_the_environment(site, monkeypatch):
    (site.folder / "page.bin").write_bytes(DATA)
    monkeypatch.setenv("NO_PROXY", "")
    monkeypatch.setenv("HTTP_PROXY", site.url)
    assert fetch(located("http://no-such-host.invalid/page.bin")) == DATA


def test_a_public_bucket_is_read_without_credentials(box, monkeypatch):
    box.ask("PUT", "/box/public.bin", DATA, x_amz_acl="public-read")
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    monkeypatch.setitem(fsspec.config.conf, "s3", {"anon": "true"})
    systems.forget()
    assert fetch(located("s3://box/public.bin")) == DATA
    systems.forget()


@contextlib.contextmanager
def answering(answer):
    """An address of the web, whose server lets `answer` do what it likes with a connection, and what was asked."""

    class Handler(socketserver.BaseRequestHandler):
        def handle(self):
            with contextlib.suppress(OSError):  # who asked has gone
                answer(self.request, self.request.recv(65536).decode())

    with socketserver.TCPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=[0.01])
        thread.start()
        try:
            yield located(f"http://127.0.0.1:{server.server_address[1]}/a")
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (b"nothing of the web\r\n\r\n", "its answer is none of the web (HTTP)"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n", "its answer is none of the web (HTTP)"),
        (b"HTTP/1.1 200 OK\r\nA: " + b"x" * 100_000 + b"\r\n\r\n", "its answer is none of the web (HTTP)"),
        (b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 5\r\n\r\nabcde", "the connection was lost"),
        (b"HTTP/1.1 204 No Content\r\n\r\n", "the service gives no file (204)"),
        (b"HTTP/1.1 206 Partial Content\r\nContent-Length: 5\r\n\r\nabcde", "the service gives no file (206)"),
        (b"HTTP/1.1 304 Not Modified\r\n\r\n", "the service gives no file (304)"),
        (b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\n\r\n", "the service gives no file (302)"),
        (b"HTTP/1.1 999 No\r\nContent-Length: 0\r\n\r\n", "the service failed (999); try again later"),
        (b"", "the connection was lost"),
    ],
)
def test_whatever_a_server_answers_is_told_in_a_line(answer, reason):
    with answering(lambda request, _: request.sendall(answer)) as address:
        assert refused(address).strerror == reason


def test_the_web_is_asked_for_no_more_than_is_wanted_and_for_nothing_packed():
    def answer(request, words):
        asked.append({line.partition(": ")[0]: line.partition(": ")[2] for line in words.split("\r\n")})
        request.sendall(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 5\r\n\r\nabcde")

    asked = []
    with answering(answer) as address:
        assert head(address, 3) == b"abc"
        assert fetch(address) == b"abcde"
    assert [each["Accept-Encoding"] for each in asked] == ["identity", "identity"]
    assert [each.get("Range") for each in asked] == ["bytes=0-2", None]


def endless(request, _):
    while True:
        request.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")


def dripping(request, _):
    request.sendall(b"HTTP/1.1 200 OK\r\nA: ")
    while True:
        request.sendall(b"x")
        time.sleep(0.01)


@pytest.mark.parametrize("answer", [endless, dripping])
def test_an_answer_that_never_begins_is_not_waited_for(answer, monkeypatch):
    monkeypatch.setattr(reading, "_ANSWERING", 0.1)
    with answering(answer) as address:
        assert refused(address).strerror == "no answer in time"


def test_a_server_whose_certificate_nobody_vouches_for_is_not_trusted(tmp_path):
    (tmp_path / "both.pem").write_bytes(signed_by_itself())
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "both.pem")
    asked = []

    class Answer(socketserver.BaseRequestHandler):
        def handle(self):
            with contextlib.suppress(OSError), context.wrap_socket(self.request, server_side=True) as request:
                asked.append(request.recv(65536))

    with socketserver.TCPServer(("127.0.0.1", 0), Answer) as server:
        thread = threading.Thread(target=server.serve_forever, args=[0.01])
        thread.start()
        try:
            error = refused(located(f"https://ann:0penSesame@127.0.0.1:{server.server_address[1]}/a"))
        finally:
            server.shutdown()
            thread.join()
    assert error.strerror == "the server's certificate is not to be trusted"
    assert not any(asked)


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
