"""Pictures out of streams, which may never end: no more is read than the picture has, or kept than is allowed."""

import io
import os
import subprocess
import threading
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageFile

from cnnfilter.errors import PictureError
from cnnfilter.imaging.forward import Forward
from cnnfilter.imaging.reading import read
from tests.broken_files import SOURCES
from tests.command import COMMAND, ROOT, run_process
from tests.peaks import peak, reset
from tests.picture_files import noise, saved

AHEAD = 1 << 21
"""More than decoders look ahead."""


class Endless(io.RawIOBase):
    """A stream in which zeros follow some data for ever; it cannot seek."""

    def __init__(self, data, after=b"\0"):
        self.stream, self.after, self.asked = io.BytesIO(data), after, 0

    def readable(self):
        return True

    def read(self, size=-1):
        assert size >= 0
        self.asked += size
        data = self.stream.read(size)
        return data + (self.after * (size // len(self.after) + 1))[: size - len(data)]


# a TIFF may have parts anywhere, a TGA is known by its name only, and a table has no end
ENDING = {name: data for name, data in SOURCES.items() if not name.endswith((".tif", ".tga", ".csv"))}


@pytest.mark.parametrize("name", ENDING)
@pytest.mark.parametrize("after", [b"\0", b"\xff", b"free" * 2])
def test_what_follows_a_picture_in_a_stream_is_left_there(name, after):
    stream = Endless(ENDING[name], after)
    picture = read(stream)
    assert stream.asked < len(ENDING[name]) + AHEAD
    whole = read(io.BytesIO(ENDING[name]))
    np.testing.assert_array_equal(picture.pixels, whole.pixels)


def test_no_more_is_read_after_a_progressive_jpeg_was_encoded(monkeypatch):
    monkeypatch.setattr(ImageFile, "MAXBLOCK", 1 << 24)
    stream = Endless(ENDING["colour.jpg"])
    read(stream)
    assert stream.asked < len(ENDING["colour.jpg"]) + AHEAD


@pytest.mark.parametrize("name", [name for name in SOURCES if name.endswith(".tif")])
def test_a_tiff_out_of_a_stream_is_whole_or_refused(name):
    expected = read(io.BytesIO(SOURCES[name])).pixels
    read_end, write_end = os.pipe()
    with os.fdopen(read_end, "rb") as stream:

        def write():
            os.write(write_end, SOURCES[name])
            os.close(write_end)

        writer = threading.Thread(target=write, daemon=True)
        writer.start()
        np.testing.assert_array_equal(read(stream).pixels, expected)
        writer.join()
    stream = Endless(SOURCES[name])
    message = "^more than 3,000,000 bytes, the most that is read of it at once; see max_pixels$"
    with pytest.raises(PictureError, match=message):
        read(stream, max_bytes=3_000_000)
    assert stream.asked < 3_000_000 + AHEAD


def test_the_most_that_is_kept_follows_the_largest_picture():
    stream = Endless(SOURCES["plain.tif"])
    with pytest.raises(PictureError, match="^more than 67,124,864 bytes"):
        read(stream, max_pixels=1000)
    assert stream.asked < 67_124_864 + AHEAD


def test_what_is_kept_of_a_stream_counts_as_memory():
    image = Image.fromarray(noise(200, 300, 3))
    needs = {}
    for format in ("TIFF", "BMP"):
        data = saved(image, format)
        for place, source in (("memory", Endless(data) if format == "BMP" else io.BytesIO(data)), ("file", None)):
            if source is None:
                continue
            read(source, admit=lambda height, width, channels, memory, key=(format, place): needs.update({key: memory}))
    assert needs["TIFF", "memory"] >= 10 * 200 * 300 + 3 * 200 * 300
    assert needs["BMP", "memory"] >= 10 * 200 * 300


def codestream(*parts):
    size = b"\xff\x51\x00\x04\0\0"
    return b"\xff\x4f" + size + b"\xff\x64\x00\x06\0\1\xff\xd9" + b"".join(parts)


def part(data, told=None):
    length = 12 + len(data) if told is None else told
    return b"\xff\x90\x00\x0a\0\0" + length.to_bytes(4) + b"\0\1" + data


@pytest.mark.parametrize(
    ("data", "end"),
    [
        (b"RIFF\x10\0\0\0WEBP", 24),
        (b"\0\0\0\x0cjP  \r\n\x87\n" + b"\0\0\0\x08free", 20),
        (b"\0\0\0\x0cftypavif" + b"\0\0\0\1mdat" + (24).to_bytes(8) + bytes(8), 36),
        (codestream(part(b"\xff\xd9" + bytes(6)), part(bytes(3)), b"\xff\xd9"), 16 + 20 + 15 + 2),
    ],
)
def test_a_format_that_tells_where_it_ends_is_believed(data, end):
    stream = Forward(Endless(data), 10**6)
    assert stream.seek(0, io.SEEK_END) == end
    assert stream.kept >= end
    stream.seek(0)
    assert stream.read() == data[:end].ljust(end, b"\0")
    stream.seek(2)
    assert len(stream.read(10**6)) == end - 2


@pytest.mark.parametrize(
    "data",
    [
        b"\0\0\0\x0cftypavif" + b"\0\0\0\0mdat" + bytes(9),  # to the end of the file
        codestream(part(bytes(30), told=0)),
        b"\0\0\0\x08free".replace(b"\0\0\0\x08free", b"\0\0\0\x08ftyp") * 66000,
        codestream(*[part(b"")] * 66000),
    ],
)
def test_one_that_goes_to_the_end_is_kept_as_far_as_that(data):
    stream = Forward(io.BytesIO(data), 10**7)
    assert stream.seek(0, io.SEEK_END) == len(data)
    assert stream.seek(-3, io.SEEK_CUR) == len(data) - 3
    assert len(stream.read()) == 3
    with pytest.raises(PictureError, match="^more than 1,000,000 bytes"):
        Forward(Endless(data), 10**6).seek(0, io.SEEK_END)


@pytest.mark.parametrize("way", ["-", "pipe"])
def test_a_picture_before_an_endless_rest_is_filtered_in_little_memory(tmp_path, way):
    photo = tmp_path / "photo.png"
    Image.fromarray(noise(40, 50, 3)).save(photo)
    out = tmp_path / "out.png"
    if way == "pipe":
        os.mkfifo(tmp_path / "pipe")
    source = "-" if way == "-" else str(tmp_path / "pipe")
    with subprocess.Popen(
        ["sh", "-c", 'cat "$1" /dev/zero' + (' > "$2"' if way == "pipe" else ""), "sh", photo, tmp_path / "pipe"],
        stdout=subprocess.PIPE if way == "-" else None, stderr=subprocess.DEVNULL,
    ) as cat:  # fmt: skip
        result = run_process("apply", "edge", source, "-o", str(out), "--memory", "50M", stdin=cat.stdout)
        if cat.stdout:
            cat.stdout.close()
    assert result.exit_code == 0, result.err
    with Image.open(out) as image:
        assert image.size == (50, 40)


def test_a_stream_without_an_end_is_refused_within_the_memory_of_the_run(tmp_path):
    """What it takes is measured: the process ends with less than twice of `--memory` beside its libraries."""
    (tmp_path / "a.tif").write_bytes(SOURCES["lzw.tif"])
    code = (
        "import sys\nsys.path.insert(0, sys.argv[1])\n"
        "from cnnfilter.cli.main import main\nfrom tests.peaks import peak, reset\n"
        "import cnnfilter.imaging.reading, cnnfilter.imaging.tiff_picture, cnnfilter.running\n"
        "reset()\nbefore = peak()\n"
        "main(['apply', 'edge', '-', '-o', 'out.tif', '--memory', '60M'])\n"
        "print(peak() - before)"
    )
    with subprocess.Popen(["sh", "-c", "cat a.tif /dev/zero"], cwd=tmp_path, stdout=subprocess.PIPE) as cat:
        result = subprocess.run(
            [COMMAND[0], "-c", code, str(ROOT)],
            cwd=tmp_path,
            stdin=cat.stdout,
            capture_output=True,
            text=True,
            check=True,
        )
        cat.stdout.close()
    assert result.stderr == (
        "cnnfilter: error: standard input: more than 60,000,000 bytes, the most that is read of it at once; "
        "see --memory and --max-pixels\n"
    )
    assert int(result.stdout) < 120_000_000
    assert not Path(tmp_path / "out.tif").exists()


@pytest.mark.parametrize("name", ["lossy.webp", "colour.avif", "colour.jp2", "grey.j2k", "colour.png", "colour.jpg"])
def test_what_follows_a_picture_in_a_file_is_not_read(name, tmp_path):
    """A sparse file of gigabytes takes no room, and no memory either."""
    path = tmp_path / name
    path.write_bytes(SOURCES[name])
    expected = read(path).pixels
    with path.open("r+b") as file:
        file.truncate(3 << 30)
    reset()
    before = peak()
    np.testing.assert_array_equal(read(path).pixels, expected)
    assert peak() - before < 100_000_000


@pytest.mark.parametrize("name", ["lossy.webp", "colour.avif"])
def test_a_file_that_is_read_whole_is_refused_if_it_is_too_long(name, tmp_path):
    data = SOURCES[name]
    more = b"mdat" + bytes(5_000_000) if name.endswith("avif") else b"abcd" + (5_000_000).to_bytes(4, "little")
    if name.endswith("avif"):
        data += (len(more) + 4).to_bytes(4) + more
    else:
        data = data[:4] + (len(data) + 5_000_000).to_bytes(4, "little") + data[8:] + more + bytes(5_000_000)
    (tmp_path / name).write_bytes(data)
    with pytest.raises(PictureError, match="^more than 4,000,000 bytes, the most that is read of it at once; "):
        read(tmp_path / name, max_bytes=4_000_000)
    needs = []
    read(tmp_path / name, admit=lambda *need: needs.append(need[-1]))
    assert needs[0] > 5_000_000


def test_a_chunk_of_gigabytes_beside_the_pixels_of_a_png_is_not_read(tmp_path):
    path = tmp_path / "a.png"
    data = SOURCES["colour.png"]
    path.write_bytes(data[:33] + (2**31 - 1).to_bytes(4) + b"tEXt")
    with path.open("r+b") as file:
        file.truncate(3 << 30)
    reset()
    before = peak()
    with pytest.raises(PictureError, match="^cannot decode PNG: the file is damaged or cut off$"):
        read(path)
    assert peak() - before < 100_000_000
    with path.open("r+b") as file:
        file.seek(33 + 12 + 2**31 - 1)
        file.write(data[33:])
    picture = read(path)
    np.testing.assert_array_equal(picture.pixels, read(io.BytesIO(data)).pixels)
    assert picture.notes == ("a damaged chunk left out (tEXt)",)
