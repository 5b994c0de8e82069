import io
import os
import struct
import subprocess
import sys
import threading
import warnings

import numpy as np
import pytest
from PIL import Image

from cnnfilter.errors import PictureError
from cnnfilter.imaging import headers, size
from cnnfilter.imaging.reading import read
from tests.picture_files import chunk, noise, saved


def read_bytes(data, **arguments):
    return read(io.BytesIO(data), **arguments)


@pytest.mark.parametrize("format", ["PNG", "JPEG", "TIFF", "WEBP", "BMP", "GIF", "PPM", "ICO", "AVIF", "JPEG2000"])
def test_too_many_pixels_are_refused_naming_size_limit_memory_and_option(format):
    data = saved(Image.new("RGB", (20, 16)), format, **({"sizes": [(20, 16)]} if format == "ICO" else {}))
    assert read_bytes(data, max_pixels=320).pixels.shape[:2] == (16, 20)
    expected = (
        r"^20x16 is 320 pixels, more than the limit of 319; it takes about 0 MB of memory, "
        r"and max_pixels=320 accepts it$"
    )
    with pytest.raises(PictureError, match=expected):
        read_bytes(data, max_pixels=319)


def test_a_picture_beyond_the_default_limit_is_refused_before_decoding(monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)
    header = struct.pack(">IIBBBBB", 50_000, 50_000, 8, 2, 0, 0, 0)
    bomb = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", b"")
    with pytest.raises(PictureError, match=r"50000x50000 is 2,500,000,000 pixels, .* 25\.0 GB of memory"):
        read_bytes(bomb)
    assert Image.MAX_IMAGE_PIXELS == 89_478_485
    webp = b"RIFF\x1e\0\0\0WEBPVP8X\x0a\0\0\0" + bytes(4) + b"\xfe\x3f\0\xfe\x3f\0"
    with pytest.raises(PictureError, match="16383x16383 is 268,402,689 pixels"):
        read_bytes(webp)


def test_the_size_of_a_webp_is_found_in_all_its_forms():
    image = Image.new("RGBA", (300, 200), (1, 2, 3, 100))
    for data in (
        saved(image, "WEBP"),
        saved(image, "WEBP", lossless=True),
        saved(image.convert("RGB"), "WEBP"),
    ):
        assert headers.webp_size(data[:64]) == (300, 200)
    assert headers.webp_size(b"RIFF\0\0\0\0WEBPVP8 ") is None


def test_a_limit_above_pillow_s_own_raises_that_too(monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 10)
    assert read_bytes(saved(Image.new("RGB", (20, 16)), "WEBP")).pixels.shape == (16, 20, 3)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", None)
    assert read_bytes(saved(Image.new("RGB", (20, 16)), "WEBP")).pixels.shape == (16, 20, 3)
    assert Image.MAX_IMAGE_PIXELS is None


def test_paths_that_cannot_be_read_say_why(tmp_path):
    with pytest.raises(PictureError, match="^no such file$"):
        read(tmp_path / "none.png")
    with pytest.raises(PictureError, match="^is a directory$"):
        read(tmp_path)
    with pytest.raises(PictureError, match="^cannot be read: File name too long$"):
        read(tmp_path / ("x" * 300))
    (tmp_path / "empty.png").touch()
    with pytest.raises(PictureError, match="^empty file$"):
        read(tmp_path / "empty.png")


class BrokenStream(io.RawIOBase):
    def readable(self):
        return True

    def read(self, size=-1):
        raise OSError(5, "Input/output error", "/dev/sda")


def test_a_stream_that_cannot_be_read_says_why():
    with pytest.raises(PictureError, match="^cannot be read: Input/output error$"):
        read(BrokenStream())


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "^EPS is not opened; convert it to PNG first$"),
        (b"8BPS\0\1" + bytes(40), "^PSD is not opened"),
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(40), "^HEIC is not opened; .*heif-convert"),
        (b"Dear reader,\nthis is a letter.\n", "^not a picture that cnnfilter knows: it is text "),
    ],
)
def test_hostile_and_foreign_files_are_refused_whatever_their_name(data, message, tmp_path):
    path = tmp_path / "a.png"
    path.write_bytes(data)
    for source in (path, io.BytesIO(data)):
        with pytest.raises(PictureError, match=message):
            read(source)


def test_a_pipe_is_read_to_its_end_by_name_and_as_a_stream(tmp_path):
    data = saved(Image.fromarray(noise(300, 300)), "PNG")
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    for source in (pipe, str(pipe)):
        writer = threading.Thread(target=pipe.write_bytes, args=(data,), daemon=True)
        writer.start()
        np.testing.assert_array_equal(read(source).pixels, noise(300, 300))
        writer.join()
    read_end, write_end = os.pipe()
    with os.fdopen(read_end, "rb") as stream, os.fdopen(write_end, "wb") as sink:
        writer = threading.Thread(target=lambda: (sink.write(data), sink.close()), daemon=True)
        writer.start()
        np.testing.assert_array_equal(read(stream).pixels, noise(300, 300))
        writer.join()


def test_pillow_s_warnings_are_not_shown_and_other_filters_stay(recwarn):
    warnings.simplefilter("always")
    block = b"Exif\0\0II\x2a\0\x08\0\0\0\x01\0\x0f\x01\2\0\xff\xff\0\0\xff\xff\0\0"
    read_bytes(saved(Image.fromarray(noise(5, 7, 3)), "JPEG", exif=block))
    read_bytes(saved(Image.fromarray(noise(5, 7, 3)), "JPEG", exif=block))
    assert [entry for entry in recwarn if "PIL" in str(entry.filename)] == []
    warnings.warn("another", UserWarning, stacklevel=1)
    assert len(recwarn) == 1


def test_libtiff_prints_nothing_about_a_broken_file(capfd):
    data = bytearray(saved(Image.fromarray(noise(40, 40)), "TIFF", compression="tiff_lzw"))
    data[100:900] = bytes(800)
    with pytest.raises(PictureError, match="^cannot decode TIFF: "):
        read_bytes(bytes(data))
    assert capfd.readouterr() == ("", "")


def test_a_pillow_whose_libtiff_is_out_of_reach_reads_as_well(monkeypatch):
    from PIL import _imagingmath

    monkeypatch.setattr("PIL._imaging.__file__", _imagingmath.__file__)
    headers.silence_libtiff.__wrapped__()
    assert read_bytes(saved(Image.fromarray(noise(4, 4)), "TIFF")).format == "TIFF"


def test_reading_a_png_loads_no_other_plugin(tmp_path):
    code = (
        "import sys, io, numpy\n"
        "from cnnfilter.imaging.encoding import encode; from cnnfilter.imaging.picture import Picture\n"
        "from cnnfilter.imaging.reading import read\n"
        "read(sys.argv[1])\n"
        "print(*sorted(name for name in sys.modules if name.startswith('PIL.') and 'Plugin' in name))\n"
        "print('numba' in sys.modules or 'click' in sys.modules)"
    )
    path = tmp_path / "a.png"
    Image.fromarray(noise(5, 7)).save(path)
    result = subprocess.run([sys.executable, "-c", code, path], capture_output=True, text=True, check=True)
    # that of PPM only packs pixels
    assert result.stdout.splitlines() == ["PIL.PngImagePlugin PIL.PpmImagePlugin", "False"]


def icon(*images, size=(16, 16)):
    """An ICO of bitmaps or PNGs, whose directory tells one size of all."""
    entries, at = b"", 6 + 16 * len(images)
    for data in images:
        entries += struct.pack("<BBBBHHII", *size, 0, 0, 1, 32, len(data), at)
        at += len(data)
    return struct.pack("<HHH", 0, 1, len(images)) + entries + b"".join(images)


def test_an_icon_is_refused_before_pillow_decodes_it(monkeypatch, tmp_path):
    monkeypatch.setattr("PIL.IcoImagePlugin.IcoImageFile.load", lambda self: pytest.fail("decoded"))
    small, large = (saved(Image.new("RGB", side), "PNG") for side in ((16, 16), (300, 200)))
    bitmap = struct.pack("<IiiHHIIiiII", 40, 500, 2 * -400, 1, 32, 0, 0, 0, 0, 0, 0)
    old = struct.pack("<IHHHH", 12, 50, 60, 1, 24)
    for data, told in (
        (icon(large), "300x200 is 60,000 pixels"),
        (icon(small, large), "300x200 is 60,000"),
        (icon(small, bitmap), "500x400 is 200,000"),
        (icon(old), "50x30 is 1,500"),
    ):
        with pytest.raises(PictureError, match=f"^{told}.* more than the limit of 1,000;"):
            read_bytes(data, max_pixels=1000)
    (tmp_path / "a.ico").write_bytes(icon(large))
    monkeypatch.setattr(size, "DEFAULT_MAX_PIXELS", 1000)
    assert size.read_size(tmp_path / "a.ico") == (200, 300, 3)


def test_icons_of_pngs_and_bitmaps_are_read():
    image = Image.fromarray(noise(16, 16, 3))
    for kind in ("png", "bmp"):
        data = saved(image, "ICO", sizes=[(16, 16)], bitmap_format=kind)
        assert headers.eager_size("ICO", io.BytesIO(data)) == (16, 16)
        np.testing.assert_array_equal(read_bytes(data, max_pixels=256).pixels, np.asarray(image))


@pytest.mark.parametrize(
    ("data", "format"),
    [
        (b"GIF89a", "GIF"),
        (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 4, 4, 8, 0, 0, 0, 0))[:-1] + b"x", "PNG"),
        (saved(Image.fromarray(noise(9, 9)), "PNG")[:-30], "PNG"),
        (saved(Image.fromarray(noise(9, 9)), "JPEG")[:200], "JPEG"),
        (b"\0\0\1\0", "ICO"),
        (icon(b"")[:20], "ICO"),
        (icon(), "ICO"),
        (b"P5 9 9 255\n", "PGM"),
    ],
)
def test_damage_is_told_in_plain_words(data, format):
    with pytest.raises(PictureError, match=f"^cannot decode {format}: the file is damaged or cut off$"):
        read_bytes(data)
