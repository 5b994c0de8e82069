"""Files in memory: what was written is used where it lies, and goes to the next file when nobody uses it any more."""

import gc
import subprocess
import sys

import pytest

from cnnfilter.imaging.encoding import encode
from cnnfilter.imaging.picture import Picture
from cnnfilter.runtime import buffers, memory_files
from tests.command import ROOT
from tests.picture_files import noise

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="no other system has such files")


@pytest.fixture(autouse=True)
def _nothing_kept():
    gc.collect()
    memory_files._kept.clear()
    yield
    memory_files._kept.clear()


def written(data):
    """Return what was written, and the number of the file's descriptor."""
    numbers = []

    def write(file):
        numbers.append(file.fileno())
        file.write(data)

    return memory_files.written(write), *numbers


def test_all_that_was_written_is_there_and_cannot_be_changed():
    data = bytes(range(256)) * 100
    view, _ = written(data)
    assert view == data
    assert view.readonly


def test_a_file_goes_to_the_next_when_no_view_is_left():
    view, number = written(b"much longer than the next")
    part = view[5:]
    del view
    other, another = written(b"meanwhile")
    assert another != number
    assert (part, other) == (b"longer than the next", b"meanwhile")
    del part
    view, again = written(b"short")
    assert again == number
    assert (view, other) == (b"short", b"meanwhile")


def test_many_files_at_once_do_not_meet():
    views = [written(bytes([number]) * (1000 + number))[0] for number in range(3 * buffers.BLOCKS)]
    assert all(view == bytes([number]) * (1000 + number) for number, view in enumerate(views))
    del views
    assert len(memory_files._kept) == buffers.BLOCKS


def test_a_file_too_large_to_hold_is_not_kept(monkeypatch):
    monkeypatch.setattr(memory_files, "LARGEST", 10)
    written(bytes(11))
    assert not memory_files._kept
    written(bytes(10))
    assert len(memory_files._kept) == 1


def test_a_file_much_larger_than_what_it_holds_is_not_kept():
    written(bytes(8000))
    assert written(bytes(1000))[0] == bytes(1000)
    assert len(memory_files._kept) == 1
    assert written(bytes(999))[0] == bytes(999)
    assert not memory_files._kept


FORKING = """
import os
from cnnfilter.runtime.memory_files import written

def filled(byte):
    return written(lambda file: file.write(byte * 50_000))

filled(b"a")  # is kept
held = filled(b"b")  # comes back to both
child = os.fork()
byte = b"p" if child else b"c"
assert held == b"b" * 50_000
if child:
    del held
for _ in range(300):
    views = [filled(byte), filled(byte)]
    assert all(view == byte * 50_000 for view in views)
    del views
if child:
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
else:
    assert held == b"b" * 50_000
"""


def test_a_file_from_before_a_fork_is_not_used_again():
    files = []
    for data in (b"before", b"before", b"after"):
        if data == b"after":
            memory_files._forks()
        view, _ = written(data)
        assert view == data
        del view
        files.append(memory_files._kept[0].kept)
    assert files[0] is files[1] is not files[2]


def test_processes_that_fork_write_to_files_of_their_own():
    result = subprocess.run([sys.executable, "-c", FORKING], capture_output=True, text=True, cwd=ROOT)
    assert (result.returncode, result.stderr) == (0, "")


def test_a_file_whose_writer_fails_is_not_used_again():
    written(b"first")

    def fail(file):
        file.write(b"half")
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space"):
        memory_files.written(fail)
    assert not memory_files._kept


def test_an_empty_file_is_empty():
    """It holds nothing of what the file held before."""
    assert written(b"")[0] == b""
    written(b"first")
    assert written(b"")[0] == b""


def test_jpegs_of_other_sizes_are_the_same_one_after_another():
    pictures = [Picture(noise(height, 50, 3)) for height in (90, 20, 40)]
    alone = []
    for picture in pictures:
        alone.append(bytes(encode(picture, "JPEG")))
        memory_files._kept.clear()
    for picture, expected in zip(pictures * 2, alone * 2, strict=True):
        assert encode(picture, "JPEG") == expected
    assert len(memory_files._kept) == 1
