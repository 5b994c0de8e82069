"""What is read from servers of the web, whatever they answer."""

import contextlib
import resource
import socketserver
import ssl
import threading
import time

import fsspec
import pytest

from cnnfilter.addresses import reading, systems
from cnnfilter.addresses.address import located
from cnnfilter.addresses.failures import AddressError
from cnnfilter.addresses.reading import fetch, head
from tests.addresses.test_reading import DATA, refused
from tests.certificates import signed_by_itself
from tests.serving import BOMB


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
