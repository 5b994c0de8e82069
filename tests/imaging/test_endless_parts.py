"""Files that are cheap to make and take minutes to look through, or to decode, are refused after some reads."""

import io
import struct

import numpy as np
import pytest
from PIL import Image

from cnnfilter.errors import PictureError
from cnnfilter.imaging import headers
from cnnfilter.imaging.reading import read
from cnnfilter.imaging.size import read_frame_count, read_size
from tests.picture_files import chunk, noise, png, saved

MANY = 300_000
READS = 210_000
"""What is asked of a file before it is given up, with what its picture takes."""


class Reads(io.BytesIO):
    """A file that knows how often it was read from."""

    reads = 0

    def read(self, size=-1):
        self.reads += 1
        return super().read(size)


PHOTO = saved(Image.fromarray(noise(16, 16, 3)), "JPEG", progressive=True)
PLAIN = png(noise(4, 12), 2, bits=8)
MOVING = saved(Image.fromarray(noise(2, 2)), "GIF")
FRAME = b"," + struct.pack("<4HB", 0, 0, 1, 1, 0) + b"\x02\x02\x44\x01\x00"
FILES = {
    "ff.jpg": b"\xff\xd8" + b"\xff" * MANY,
    "fill.jpg": PHOTO[:2] + b"\xff" * MANY + PHOTO[2:],
    "junk.jpg": b"\xff\xd8\xff\xe0\0\x02" + b"\0" * MANY,
    "segments.jpg": PHOTO[:2] + b"\xff\xee\0\x02" * MANY + PHOTO[2:],
    "chunks.png": PLAIN[:33] + chunk(b"abCd", b"") * MANY + PLAIN[33:],
    "texts.png": PLAIN[:33] + chunk(b"tEXt", b"a\0b") * MANY + PLAIN[33:],
    "behind.png": PLAIN[:-12] + chunk(b"abCd", b"") * MANY + PLAIN[-12:],
    "data.png": PLAIN[:33] + chunk(b"IDAT", b"") * MANY + PLAIN[33:],
    "frames.gif": MOVING[:-1] + FRAME * MANY + b";",
    "blocks.gif": MOVING[:-1] + b"!\xfe" + b"\1a" * MANY + b"\0;",
    "blanks.pgm": b"P5" + b" " * 5 * MANY + b"1 1 255 a",
    "comments.pgm": b"P5\n" + b"#\n" * 5 * MANY + b"1 1 255 a",
}


@pytest.mark.parametrize("name", FILES)
def test_a_file_of_endlessly_many_parts_is_given_up(name, tmp_path):
    file = Reads(FILES[name])
    with pytest.raises(PictureError, match="^it has more than 200,000 parts of a few bytes each, as no picture has$"):
        read(file)
    assert file.reads < READS
    (tmp_path / name).write_bytes(FILES[name])
    if name in ("behind.png", "data.png"):  # whose size stands before
        assert read_size(tmp_path / name) == (4, 4, 3)
    elif name.endswith(".gif"):
        assert read_frame_count(tmp_path / name) is None
    else:
        with pytest.raises(PictureError, match="^it has more than 200,000 parts"):
            read_size(tmp_path / name)


def test_many_parts_of_some_size_are_read():
    data = PLAIN[:33] + chunk(b"abCd", bytes(100)) * MANY + PLAIN[33:]
    np.testing.assert_array_equal(read(io.BytesIO(data)).pixels.reshape(4, 12), noise(4, 12))
    rows = noise(500, 600)
    runs = b"".join(b"".join(bytes([1, value]) for value in row) + b"\0\0" for row in rows) + b"\0\1"
    head = struct.pack("<2sIHHI", b"BM", 0, 0, 0, 54 + 1024)
    head += struct.pack("<IiiHHIIiiII", 40, 600, 500, 1, 8, 1, 0, 0, 0, 0, 0) + bytes(
        np.repeat(np.arange(256), 4).tolist()
    )
    np.testing.assert_array_equal(read(io.BytesIO(head + runs)).pixels[::-1], rows)


def scans(count, *, before=b"", **parameters):
    data = saved(Image.fromarray(noise(64, 64, 3)), "JPEG", **parameters)
    last = data.rindex(b"\xff\xda")
    return data[:-2] + (before + data[last:-2]) * count + data[-2:]


@pytest.mark.parametrize("before", [b"", b"\xff\x01"])  # a marker without data
def test_a_jpeg_of_many_scans_is_refused_before_it_is_decoded(monkeypatch, before):
    monkeypatch.setattr("PIL.JpegImagePlugin.JpegImageFile.load", lambda self: pytest.fail("decoded"))
    with pytest.raises(PictureError, match=r"^it has more than 100 scans, .* no JPEG needs them$"):
        read(io.BytesIO(scans(10_000, before=before, progressive=True)))


def test_a_jpeg_of_many_segments_between_its_scans_is_refused():
    with pytest.raises(PictureError, match="^it has more than 200,000 parts"):
        read(io.BytesIO(scans(1, before=b"\xff\xfe\0\x02" * MANY, progressive=True)))


@pytest.mark.parametrize("way", ["progressive", "one component each"])
def test_scans_are_counted_to_the_end_of_the_picture_and_no_further(way):
    if way == "progressive":
        data = saved(Image.fromarray(noise(64, 64, 3)), "JPEG", progressive=True)
    else:  # a frame of three components whose scans say that they have one: not decoded here, only counted
        data = scans(0)
        at = data.index(b"\xff\xda")
        data = data[:at] + (b"\xff\xda\0\x08\1\1\0\0\x3f\0" + b"ab\xff\0c\xff\xd0") * 4 + b"\xff\xd9"
    headers.check_scans(io.BytesIO(data))
    last = data.rindex(b"\xff\xda")
    for extra, refused in ((90, False), (100, True)):
        file = io.BytesIO(data[:-2] + data[last:-2] * extra + b"\xff\xd9" + data[last:-2] * 1000)
        if not refused:
            headers.check_scans(file)
            continue
        with pytest.raises(PictureError, match="more than 100 scans"):
            headers.check_scans(file)
    headers.check_scans(io.BytesIO(data[:-2] + bytes(1 << 17)))  # without an end
    headers.check_scans(io.BytesIO(data[:-2] + data[last:-2] * 90 + b"\xff"))


def test_each_picture_of_an_mpo_is_counted_by_itself():
    pictures = [Image.fromarray(noise(64, 64, 3, seed=seed)) for seed in (0, 1)]
    data = saved(pictures[0], "MPO", save_all=True, append_images=pictures[1:], progressive=True)
    assert read(io.BytesIO(data), frame=1).pixels.shape == (64, 64, 3)
    last = data.rindex(b"\xff\xda")
    data = data[:-2] + data[last:-2] * 100 + data[-2:]
    assert read(io.BytesIO(data)).pixels.shape == (64, 64, 3)
    with pytest.raises(PictureError, match="more than 100 scans"):
        read(io.BytesIO(data), frame=1)
