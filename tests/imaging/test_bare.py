import io

import numpy as np
import pytest

from cnnfilter.errors import PictureError
from cnnfilter.imaging.encoding import encode
from cnnfilter.imaging.reading import read
from tests.picture_files import noise


def read_bytes(data, **arguments):
    return read(io.BytesIO(data), **arguments)


@pytest.mark.parametrize(
    "array",
    [
        noise(4, 6), noise(4, 6, 1), noise(4, 6, 2), noise(4, 6, 3), noise(4, 6, 4),
        noise(4, 6, dtype="uint16"), noise(4, 6, dtype="uint16").astype(">u2"),
        noise(4, 6, 3, dtype="float32"), np.asfortranarray(noise(4, 6, 3)),
        np.array([[np.nan, np.inf]], np.float32),
    ],
)  # fmt: skip
def test_arrays_are_pictures_with_the_channels_last(array):
    buffer = io.BytesIO()
    np.save(buffer, array)
    picture = read_bytes(buffer.getvalue())
    assert (picture.format, picture.alpha, picture.notes) == ("NPY", None, ())
    assert picture.pixels.dtype == array.dtype.newbyteorder("=")
    assert picture.pixels.flags.c_contiguous
    np.testing.assert_array_equal(picture.pixels, array)
    np.testing.assert_array_equal(np.load(io.BytesIO(encode(picture, "NPY"))), array)


def saved_array(array, version=None):
    buffer = io.BytesIO()
    np.lib.format.write_array(buffer, array, version)
    return buffer.getvalue()


def test_other_floats_are_read_as_float32_with_a_note():
    picture = read_bytes(saved_array(np.array([[0.5, 1e300]])))
    assert picture.notes == ("float64 was read as float32",)
    assert picture.pixels.tolist() == [[0.5, np.inf]]
    assert read_bytes(saved_array(np.ones((2, 2), np.float16))).pixels.dtype == np.float32


def test_arrays_of_header_version_2_and_reduced_ones():
    samples = noise(4, 6, dtype="uint16")
    picture = read_bytes(saved_array(samples, (2, 0)), depth=8)
    np.testing.assert_array_equal(picture.pixels, np.rint(samples / 257))
    assert read_bytes(saved_array(noise(4, 6)), depth=8).pixels.dtype == np.uint8


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.zeros((2, 2), np.int64), "an array of int64 is no picture: save it as uint8, uint16 or float32"),
        (np.zeros((2, 2), bool), "an array of bool is no picture"),
        (
            np.zeros(5, np.uint8),
            r"an array of shape \(5,\) is no picture: save it as \(H, W\) or \(H, W, C\)",
        ),
        (np.zeros((0, 5), np.uint8), r"an array of shape \(0, 5\) is no picture"),
        (np.zeros((16, 28, 28), np.float32), r"an array of shape \(16, 28, 28\) is no picture"),
        (np.zeros((1, 2, 3, 4), np.uint8), "is no picture"),
    ],
)
def test_other_arrays_are_no_pictures(array, message):
    with pytest.raises(PictureError, match=message):
        read_bytes(saved_array(array))


def test_hostile_arrays_are_refused_before_memory_is_taken():
    pickled = io.BytesIO()
    np.save(pickled, np.array([{"a": 1}], object), allow_pickle=True)
    with pytest.raises(PictureError, match="an array of object is no picture"):
        read_bytes(pickled.getvalue())
    header = saved_array(np.zeros((8, 8), np.uint8))
    with pytest.raises(PictureError, match=r"truncated NPY: shape \(8, 8\) of uint8 takes 64 bytes, .* has 63"):
        read_bytes(header[:-1])
    huge = header.replace(b"(8, 8), }         ", b"(900000, 900000), }")
    with pytest.raises(PictureError, match="truncated NPY: .* takes 810000000000 bytes"):
        read_bytes(huge)
    with pytest.raises(PictureError, match="cannot decode NPY: its header is damaged or cut off"):
        read_bytes(b"\x93NUMPY\1\0\5\0abcde")
    with pytest.raises(PictureError, match="8x8 is 64 pixels, more than the limit of 63"):
        read_bytes(header, max_pixels=63)
    with pytest.raises(PictureError, match="there is no frame 2"):
        read_bytes(header, frame=2)
    admitted = []
    with pytest.raises(PictureError, match="float pixels have no full scale"):
        read_bytes(saved_array(np.zeros((2, 2), np.float32)), depth=8, admit=lambda *need: admitted.append(need))
    assert not admitted


def test_a_header_that_says_it_is_gigabytes_long_is_not_read():
    class Counting(io.BytesIO):
        def read(self, size=-1):
            assert 0 <= size < 1 << 20
            return super().read(size)

    for version, length in ((b"\2\0", (1 << 32) - 1), (b"\3\0", 1 << 31), (b"\1\0", 65535)):
        data = b"\x93NUMPY" + version + length.to_bytes(2 if version == b"\1\0" else 4, "little") + b" " * 70_000
        with pytest.raises(PictureError, match="^cannot decode NPY: its header is damaged or cut off$"):
            read(Counting(data))
