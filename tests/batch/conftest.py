"""A server of buckets, and a picture, that the tests of addresses in a batch share."""

from urllib.parse import quote

import numpy as np
import pytest

import cnnfilter
from tests.addresses.conftest import found as environment
from tests.buckets import buckets

PIXELS = np.arange(64, dtype=np.uint8).reshape(8, 8)


@pytest.fixture(scope="module")
def server():
    with buckets("pics", "outs", "many", "strange") as server, environment(server.environment(AWS_MAX_ATTEMPTS="1")):
        yield server


@pytest.fixture
def box(server):
    """A server of S3 with two empty buckets, and others that are not emptied."""
    for bucket in ("pics", "outs"):
        for name in server.keys(bucket):
            server.ask("DELETE", f"/{bucket}/{quote(name)}")
    server.forget()
    return server


@pytest.fixture(scope="module")
def png(tmp_path_factory):
    path = tmp_path_factory.mktemp("picture") / "a.png"
    cnnfilter.Picture(PIXELS).write(path)
    return path.read_bytes()


def fill(box, names, png):
    box.fill("pics", names, png)
    box.forget()


def asked(box, method, by="KEYOFTESTS"):
    """The requests of some method since the last `forget`, but for what the tests ask."""
    return [line for line in box.requests(by=by) if line.startswith(method)]
