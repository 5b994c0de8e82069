"""Copies of files at addresses: fetched once, private, known by their addresses, and gone with the process."""

import os
import stat
import subprocess
import sys
import threading

import fsspec
import pytest

from cnnfilter.addresses import copies, reading
from cnnfilter.addresses.address import located
from cnnfilter.errors import ArgumentError
from cnnfilter.messages import readable


@pytest.fixture
def memory():
    return fsspec.filesystem("memory")


def test_a_path_is_its_own_file(tmp_path):
    path = tmp_path / "net.npz"
    path.write_bytes(b"weights")
    assert copies.file_at(path) == path
    assert copies.file_at(str(path)) == path
    assert copies.address_of(path) == path
    assert copies.beside(path, "none.txt") == tmp_path / "none.txt"
    assert copies.read_files() == {str(path): path}


def test_an_address_is_copied_once(memory, monkeypatch):
    memory.pipe_file("/nets/net.npz", b"weights")
    first = copies.file_at("memory://nets/net.npz")
    monkeypatch.setattr(reading, "fetch", None)
    assert copies.file_at("memory://nets/net.npz") == copies.file_at(located("memory://nets/net.npz")) == first
    assert (first.name, first.read_bytes()) == ("net.npz", b"weights")
    assert copies.read_files() == {"memory://nets/net.npz": first}
    assert copies.address_of(first) == located("memory://nets/net.npz")
    if os.name == "posix":
        assert stat.S_IMODE(first.parent.parent.stat().st_mode) == 0o700


def test_what_has_changed_is_copied_again_after_a_minute(memory, monkeypatch):
    memory.pipe_file("/nets/net.npz", b"old")
    old = copies.file_at("memory://nets/net.npz")
    memory.pipe_file("/nets/net.npz", b"new")
    assert copies.file_at("memory://nets/net.npz") == old
    monkeypatch.setattr(copies, "FRESH", -1.0)
    assert copies.file_at("memory://nets/net.npz").read_bytes() == b"new"
    assert old.read_bytes() == b"old"
    assert copies.file_at("nets/net.npz") == copies.file_at("nets/net.npz")


def test_a_file_beside_one_is_fetched_from_beside_it(memory, tmp_path):
    memory.pipe_file("/nets/net.onnx", b"net")
    memory.pipe_file("/nets/data/net.bin", b"data")
    found = copies.beside(copies.file_at("memory://nets/net.onnx"), "data/net.bin")
    assert found.read_bytes() == b"data"
    copies.remove_all()
    held = {}
    for place, name in enumerate(["nets/net.onnx", "nets/data/net.bin"]):
        held[name] = tmp_path / str(place)
        held[name].write_bytes(b"%d" % place)
    copies.hold(held)
    assert copies.beside(copies.file_at("nets/net.onnx"), "data/net.bin").read_bytes() == b"1"


def test_errors_name_the_address_and_none_of_its_secrets(site):
    (site.folder / "net.npz").write_bytes(b"weights")
    path = copies.file_at(f"http://ann:0penSesame@127.0.0.1:{site.port}/net.npz?token=0penSesame")
    assert readable(path) == f"http://127.0.0.1:{site.port}/net.npz?..."


def test_two_addresses_of_one_name_have_two_copies(memory):
    memory.pipe_file("/a/net.npz", b"a")
    memory.pipe_file("/b/net.npz", b"b")
    assert [copies.file_at(f"memory://{each}/net.npz").read_bytes() for each in "ab"] == [b"a", b"b"]


@pytest.mark.parametrize(
    ("name", "kept"), [("a:b?*c.npz", "a_b__c.npz"), ("é" * 200 + ".npz", "é" * 56 + ".npz"), ("...", "file")]
)
def test_names_that_a_folder_does_not_take_are_changed(memory, name, kept):
    memory.pipe_file(f"/nets/{name}", b"weights")
    assert copies.file_at(f"memory://nets/{name}").name == kept


def test_copies_are_bounded(memory):
    memory.pipe_file("/nets/net.npz", b"weights")
    reading.allow(6)
    with pytest.raises(OSError, match="more than 6 bytes"):
        copies.file_at("memory://nets/net.npz")
    reading.allow(7)
    assert copies.file_at("memory://nets/net.npz").read_bytes() == b"weights"


def test_what_cannot_be_copied_is_told():
    with pytest.raises(FileNotFoundError, match="no such file"):
        copies.file_at("memory://nets/net.npz")
    with pytest.raises(ArgumentError, match="the address file:///etc/passwd: it is of this machine"):
        copies.file_at("file:///etc/passwd")
    assert copies.read_files() == {}


def test_a_worker_holds_what_it_was_sent(tmp_path):
    names = {"nets/net.npz": tmp_path / "0", "s3://nets/net.npz": tmp_path / "1"}
    copies.hold(names)
    assert copies.read_files() == {}
    assert {name: copies.file_at(name) for name in names} == names
    assert copies.address_of(tmp_path / "1") == located("s3://nets/net.npz")
    assert str(copies.address_of(tmp_path / "0")) == os.path.join("nets", "net.npz")  # noqa: PTH118  (as a text)
    assert readable(tmp_path / "1") == "s3://nets/net.npz"
    copies.remove_all()
    assert readable(tmp_path / "1") == str(tmp_path / "1")


def test_copies_go_even_while_a_thread_waits_for_a_server(memory, monkeypatch):
    memory.pipe_file("/nets/net.npz", b"weights")
    path = copies.file_at("memory://nets/net.npz")
    monkeypatch.setattr(copies, "PATIENCE", 0.01)
    asked, answered = threading.Event(), threading.Event()

    def waiting(address):
        asked.set()
        answered.wait()
        return b""

    monkeypatch.setattr(reading, "fetch", waiting)
    thread = threading.Thread(target=copies.file_at, args=["memory://nets/other.npz"], daemon=True)
    thread.start()
    asked.wait()
    copies.remove_all()
    assert not path.exists()
    answered.set()
    thread.join()


def test_copies_go_with_the_process():
    code = """if True:
        import fsspec, os
        from cnnfilter.addresses.copies import file_at
        fsspec.filesystem("memory").pipe_file("/nets/net.npz", b"weights")
        path = file_at("memory://nets/net.npz")
        if hasattr(os, "fork"):
            if not os.fork():
                raise SystemExit(0)  # which removes nothing of its parent's
            os.wait()
        assert path.read_bytes() == b"weights"
        print(path)
    """
    path = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip()
    assert path.endswith("net.npz")
    assert not os.path.lexists(path)
    assert not os.path.lexists(os.path.dirname(os.path.dirname(path)))  # noqa: PTH120  (as a text)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no forks")
def test_a_child_opens_systems_of_its_own(memory):
    from cnnfilter.addresses import systems

    address = located("memory://nets/net.npz")
    before = systems.system(address)
    reader, writer = os.pipe()
    child = os.fork()
    if not child:
        os.write(writer, b"%d" % (systems.system(address) is before))
        os._exit(0)
    os.waitpid(child, 0)
    assert os.read(reader, 1) == b"0"
    os.close(reader)
    os.close(writer)
