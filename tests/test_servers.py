"""The servers of the tests do what they are told: buckets, a folder over HTTP and over SFTP, Dask's scheduler."""

import http.client
import re
import threading

import pytest

from tests.buckets import buckets, web
from tests.clusters import cluster, settings, wait_until
from tests.sftp import PASSWORD, sftp

KEY = "ONE"


@pytest.fixture(scope="module")
def s3():
    with buckets("photos") as server:
        yield server


@pytest.fixture
def bucket(s3):
    s3.forget()
    yield s3
    s3.forget()


def status(call, *arguments, **headers):
    """The status of an answer, or what kept it from coming."""
    try:
        call(*arguments, **headers)
    except (http.client.HTTPException, ConnectionError) as error:
        return type(error).__name__
    except OSError as error:
        return error.errno
    return 200


def put(server, name, data=b"new", **headers):
    return status(server.ask, "PUT", f"/{name}", data, KEY, **headers)


def get(server, name):
    return status(server.ask, "GET", f"/{name}", None, KEY)


def test_of_many_conditional_puts_at_once_one_is_done(bucket):
    done = []

    def race(i):
        done.append((put(bucket, "photos/race", b"%d" % i, If_None_Match="*"), b"%d" % i))

    threads = [threading.Thread(target=race, args=(i,)) for i in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(code for code, _ in done) == [200] + [412] * 15
    assert (200, bucket.get("photos/race")) in done
    assert len(bucket.requests("^PUT /photos/race$", by=KEY)) == 16


def test_parts_are_completed_under_the_same_condition(bucket):
    begun = bucket.ask("POST", "/photos/large?uploads", b"")
    upload = re.search(r"<UploadId>(.*)</UploadId>", begun.decode())[1]
    bucket.ask("PUT", f"/photos/large?partNumber=1&uploadId={upload}", b"1" * 6_000_000)
    listed = bucket.ask("GET", f"/photos/large?uploadId={upload}").decode()
    tag = re.search(r"<ETag>(.*?)</ETag>", listed)[1]
    parts = f"<C><Part><PartNumber>1</PartNumber><ETag>{tag}</ETag></Part></C>".encode()
    complete = ("POST", f"/photos/large?uploadId={upload}", parts, KEY)
    bucket.put("photos/large", b"another's")
    assert status(bucket.ask, *complete, If_None_Match="*") == 412
    assert bucket.get("photos/large") == b"another's"
    bucket.ask("DELETE", "/photos/large")
    assert status(bucket.ask, *complete, If_None_Match="*") == 200
    assert len(bucket.get("photos/large")) == 6_000_000


def test_requests_fail_as_ordered_as_often_as_ordered(bucket):
    bucket.put("photos/a", b"0123456789")
    bucket.order("status", "GET /photos/a", 2, status=503)
    assert [get(bucket, "photos/a") for _ in range(3)] == [503, 503, 200]
    bucket.order("truncate", "GET /photos/a")
    assert [get(bucket, "photos/a") for _ in range(2)] == ["IncompleteRead", 200]
    bucket.order("lost", "PUT /photos/b")
    assert put(bucket, "photos/b") == "RemoteDisconnected"
    assert bucket.keys("photos", "b") == []
    bucket.order("lost-answer", "PUT /photos/b")
    assert put(bucket, "photos/b") == "RemoteDisconnected"
    assert bucket.get("photos/b") == b"new"
    bucket.order("hang", "GET", None, seconds=0.01)
    assert [get(bucket, "photos/a") for _ in range(3)] == [200] * 3
    assert status(bucket.order, "no-such-kind") == 500


def test_a_gate_holds_requests_until_it_is_forgotten(bucket):
    bucket.order("gate", "PUT", None)
    thread = threading.Thread(target=put, args=(bucket, "photos/held"))
    thread.start()
    wait_until(bucket.held, "it is held")
    assert bucket.keys("photos", "held") == []
    bucket.forget()
    thread.join()
    assert bucket.get("photos/held") == b"new"


def test_what_is_cut_off_in_the_middle_is_not_put(bucket):
    connection = http.client.HTTPConnection("127.0.0.1", bucket.port)
    connection.putrequest("PUT", "/photos/half")
    connection.putheader("Content-Length", "1000000")
    connection.endheaders(b"half")
    connection.close()
    put(bucket, "photos/whole")
    assert bucket.keys("photos", "half") == []


def test_many_are_filled_at_once_and_listed_in_pages(bucket):
    names = [f"many/{i:04} & more.jpg" for i in range(2300)]
    bucket.fill("photos", names, b"same")
    assert bucket.keys("photos", "many/") == names
    assert bucket.get(f"photos/{names[7]}") == b"same"
    assert bucket.requests() == []


def test_a_folder_is_read_and_never_what_lies_beside_it(tmp_path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "a.bin").write_bytes(b"abc")
    (tmp_path / "secret").write_bytes(b"no")
    with web(tmp_path / "folder") as server:
        assert server.ask("GET", "/a.bin") == b"abc"
        assert server.ask("GET", "/a.bin", Range="bytes=1-") == b"bc"
        assert get(server, "none") == 404
        assert get(server, "..%2Fsecret") == 404
        server.order("redirect", to=f"{server.url}/a.bin")
        assert server.ask("GET", "/elsewhere", key=KEY) == b"abc"
        assert server.requests() == ["GET /none", "GET /../secret", "GET /elsewhere", "GET /a.bin"]
        server.order("gzip")
        assert len(server.ask("GET", "/a.bin", key=KEY)) < 2 << 20
        server.order("endless")
        connection = http.client.HTTPConnection("127.0.0.1", server.port)
        connection.request("GET", "/a.bin")
        with connection.getresponse() as answer:
            assert len(answer.read(1 << 20)) == 1 << 20
        connection.close()


def test_files_over_sftp_are_those_of_the_folder(tmp_path):
    (tmp_path / "root").mkdir()
    with sftp(tmp_path / "root", tmp_path / "home") as server:
        assert server.address("a.bin", password=PASSWORD) == f"sftp://ada:geheim@{server.host}/a.bin"
        assert (tmp_path / "home/.ssh/known_hosts").read_text().startswith("[127.0.0.1]:")
        assert server.requests() == []
        server.order("failure", "write")
        server.forget()


def test_a_worker_that_is_killed_is_started_again(tmp_path):
    with cluster(workers=1, environment=settings(scheduler__worker_ttl="3s")) as made:
        (worker,) = made.workers
        before = wait_until(lambda: worker.is_settled() and worker.workers(), "it is settled")
        worker.kill()
        assert not worker.is_settled()
        wait_until(worker.is_settled, "it is there again")
        assert worker.workers() != before
        assert made.address in made.log()
    assert worker.workers() == []
    assert made.scheduler.process.poll() is not None
