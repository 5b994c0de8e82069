"""Servers that the tests of addresses share, each found in the environment of this process while it is there."""

import contextlib

import pytest
from fsspec.implementations.memory import MemoryFileSystem

from cnnfilter.addresses import copies, reading, systems
from tests.buckets import buckets, web
from tests.sftp import sftp


@contextlib.contextmanager
def found(environment):
    with pytest.MonkeyPatch.context() as patch:
        for name, value in environment.items():
            patch.setenv(name, value)
        systems.forget()
        try:
            yield
        finally:
            systems.forget()


@pytest.fixture(scope="package")
def box():
    """A server of S3 with a bucket `box`; what fails is told at once."""
    with buckets("box") as server, found(server.environment(AWS_MAX_ATTEMPTS="1")):
        yield server


@pytest.fixture(scope="package")
def site(tmp_path_factory):
    """A server of the web; `site.folder` is what it serves."""
    folder = tmp_path_factory.mktemp("site")
    with web(folder) as server, found({"NO_PROXY": "127.0.0.1,localhost"}):
        server.folder = folder
        yield server


@pytest.fixture(scope="package")
def files(tmp_path_factory):
    """A server of SFTP, which is known; `files.folder` is what it serves."""
    folder = tmp_path_factory.mktemp("files")
    with sftp(folder, tmp_path_factory.mktemp("person") / "home") as server, found(server.environment()):
        server.folder = folder
        yield server


@pytest.fixture(autouse=True)
def _orderly(request, monkeypatch):
    """No fault outlives a test, nor a copy, nor a file in memory; nobody waits before another try."""
    monkeypatch.setattr(systems, "PAUSES", (0.01, 0.01))
    yield
    for name in {"box", "site", "files"} & set(request.fixturenames):
        request.getfixturevalue(name).forget()
    MemoryFileSystem.store.clear()
    MemoryFileSystem.pseudo_dirs[:] = [""]
    copies.remove_all()
    reading.allow(1 << 30)
