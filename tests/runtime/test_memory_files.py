"""Files in memory: what was written is used where it lies."""

import sys

import pytest

from cnnfilter.imaging.encoding import encode
from cnnfilter.imaging.picture import Picture
from cnnfilter.runtime.memory_files import written
from tests.picture_files import noise

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="no other system has such files")


def test_all_that_was_written_is_there_and_cannot_be_changed():
    data = bytes(range(256)) * 100
    view = written(lambda file: file.write(data))
    other = written(lambda file: file.write(b"meanwhile"))
    assert (view, other) == (data, b"meanwhile")
    assert view.readonly


def test_a_file_whose_writer_fails_is_closed():
    files = []

    def fail(file):
        files.append(file)
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space"):
        written(fail)
    assert files[0].closed


def test_an_empty_file_is_empty():
    assert written(lambda file: None) == b""


def test_jpegs_of_other_sizes_are_the_same_one_after_another():
    pictures = [Picture(noise(height, 50, 3)) for height in (90, 20, 40)]
    alone = [bytes(encode(picture, "JPEG")) for picture in pictures]
    for picture, expected in zip(pictures * 2, alone * 2, strict=True):
        assert encode(picture, "JPEG") == expected
