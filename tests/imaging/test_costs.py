"""What is admitted before a picture is decoded is no less than what decoding it takes, measured in a process."""

import io
import struct
import subprocess
import sys
import zlib

import numpy as np
import pytest
from PIL import Image

from cnnfilter.errors import PictureError
from cnnfilter.imaging.reading import read
from tests.picture_files import noise, saved, tiff

SLACK = 6_000_000
"""Bytes beside the picture: buffers, and what comes with a library's first use."""

CODE = """
import os, sys
os.environ |= {"PILLOW_BLOCK_SIZE": "64m", "PILLOW_BLOCKS_MAX": "4"}  # as the command line has it
import numpy
from cnnfilter.imaging import tiff_picture
from cnnfilter.imaging.reading import read
from PIL import Image
from tests.peaks import peak, reset
Image.init()
path, frame, depth = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
needs = []
reset()
before = peak()
try:
    read(path, frame=frame or None, depth=depth or None, admit=lambda *need: needs.append(need[-1]))
except Exception as error:
    assert "damaged" in str(error), error
print(*needs, peak() - before)
"""


def codestream(width, height, tile, components=3):
    """A JPEG 2000 whose header promises a picture that is not in it."""
    size = struct.pack(">H8IH", 0, width, height, 0, 0, tile, tile, 0, 0, components) + b"\x07\x01\x01" * components
    coding = bytes([0, 0, 0, 1, 0, 5, 4, 4, 0, 1])
    quantisation = bytes([0x40] + [0x48] * 16)
    parts = [(0xFF51, size), (0xFF52, coding), (0xFF5C, quantisation)]
    head = b"".join(struct.pack(">HH", marker, len(data) + 2) + data for marker, data in parts)
    return b"\xff\x4f" + head + b"\xff\x90\0\x0a\0\0\0\0\0\x16\0\1\xff\x93" + bytes(8) + b"\xff\xd9"


def smooth(height, width, channels=3):
    y, x = np.mgrid[:height, :width]
    return np.stack([(x + i * y) // 8 % 256 for i in range(1, channels + 1)], axis=-1).astype(np.uint8)


def twice(array):
    return {"save_all": True, "append_images": [Image.fromarray(np.ascontiguousarray(array[::-1]))]}


COLOUR, CLEAR = smooth(1500, 2000), smooth(1500, 2000, 4)
STRIP = {256: 4000, 257: 3000, 259: 8, 262: 1, 277: 1}
FILES = {
    "tiles.j2k": lambda: codestream(255, 257, 1),
    "small-tiles.j2k": lambda: codestream(4000, 4000, 16),
    "large.j2k": lambda: codestream(3000, 3000, 3000),
    "grey.j2k": lambda: codestream(4000, 4000, 1 << 30, 1),
    "colour.jp2": lambda: saved(Image.fromarray(COLOUR), "JPEG2000"),
    "clear.webp": lambda: saved(Image.fromarray(CLEAR), "WEBP", lossless=True, method=0),
    "colour.avif": lambda: saved(Image.fromarray(COLOUR), "AVIF", speed=10),
    "progressive.jpg": lambda: saved(Image.fromarray(COLOUR), "JPEG", progressive=True, subsampling=0),
    "ink.jpg": lambda: saved(Image.fromarray(COLOUR).convert("CMYK"), "JPEG", progressive=True),
    "second.gif": lambda: saved(Image.fromarray(COLOUR), "GIF", **twice(COLOUR)),
    "second.png": lambda: saved(Image.fromarray(CLEAR), "PNG", compress_level=1, **twice(CLEAR)),
    "second.webp": lambda: saved(Image.fromarray(COLOUR), "WEBP", method=0, **twice(COLOUR)),
    "table.csv": lambda: b"1.5,-2e3,17,3\n" * 200_000,
    "strip.tif": lambda: tiff({**STRIP, 258: 16, "data": [zlib.compress(bytes(2 * 12_000_000))]}),
    "twelve.tif": lambda: tiff({**STRIP, 258: 12, "data": [zlib.compress(bytes(18_000_000))]}),
    "double.tif": lambda: tiff({**STRIP, 257: 500, 258: 64, 339: 3, "data": [zlib.compress(bytes(16_000_000))]}),
    "deep.tif": lambda: tiff({**STRIP, 257: 1000, 258: 16, 262: 2, 277: 4, 338: 1,
                              "data": [zlib.compress(bytes(32_000_000))]}),
    "plain.tif": lambda: tiff({**STRIP, 258: 8, "data": [zlib.compress(bytes(12_000_000))]}),
}  # fmt: skip


@pytest.mark.parametrize("name", FILES)
@pytest.mark.skipif(sys.platform != "linux", reason="other systems measure a process otherwise")
def test_decoding_takes_no_more_memory_than_was_admitted(name, tmp_path):
    (tmp_path / name).write_bytes(FILES[name]())
    frame, depth = ("1" if "second" in name else "0"), ("8" if name == "deep.tif" else "0")
    command = [sys.executable, "-c", CODE, tmp_path / name, frame, depth]
    for may_compile in (True, False):  # the first run may compile the modules that it imports
        result = subprocess.run(command, capture_output=True, text=True, check=True)
        admitted, peak = map(int, result.stdout.split())
        if not may_compile or peak <= admitted + SLACK:
            break
    assert peak <= admitted + SLACK


@pytest.mark.parametrize("format", ["GIF", "PNG", "WEBP", "TIFF"])
def test_a_later_frame_is_admitted_before_it_is_put_together(format, monkeypatch):
    image = Image.fromarray(noise(20, 30, 3))
    data = saved(image, format, save_all=True, append_images=[Image.fromarray(noise(20, 30, 3, seed=1))])

    def refuse(*need):
        msg = f"{need[:2]}, before any frame"
        raise PictureError(msg)

    def fail(self, frame):
        assert frame == 0

    for plugin in ("GifImagePlugin.GifImageFile", "PngImagePlugin.PngImageFile", "WebPImagePlugin.WebPImageFile"):
        monkeypatch.setattr(f"PIL.{plugin}.seek", fail)
    with pytest.raises(PictureError, match=r"^\(20, 30\), before any frame$"):
        read(io.BytesIO(data), frame=1, admit=refuse)
