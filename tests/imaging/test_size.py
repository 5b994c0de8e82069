import numpy as np
import pytest
from PIL import Image

from cnnfilter.errors import PictureError
from cnnfilter.imaging import size
from cnnfilter.imaging.formats import FORMATS, HEAD, NPY, TABLE, recognise
from cnnfilter.imaging.reading import read
from cnnfilter.imaging.size import read_size
from tests.broken_files import SOURCES
from tests.picture_files import XMP, chunk, exif, icc, noise, png, saved

GREY, COLOUR = Image.fromarray(noise(5, 7)), Image.fromarray(noise(5, 7, 3))


def palette(colours):
    image = Image.fromarray(noise(5, 7) % len(colours)).convert("P")
    image.putpalette([value for colour in colours for value in colour])
    return image


GREYS, COLOURS = palette([(i, i, i) for i in range(0, 256, 5)]), palette([(i, 0, 255 - i) for i in range(0, 256, 5)])

FILES = {
    "grey.png": saved(GREY, "PNG"),
    "colour.png": saved(COLOUR, "PNG"),
    "alpha.png": saved(Image.fromarray(noise(5, 7, 4)), "PNG"),
    "grey-alpha.png": saved(Image.fromarray(noise(5, 7, 2)), "PNG"),
    "bit.png": saved(GREY.convert("1"), "PNG"),
    "deep.png": saved(Image.fromarray(noise(5, 7, dtype="uint16")), "PNG"),
    "float.tif": saved(Image.fromarray(noise(5, 7, dtype="float32")), "TIFF"),
    "greys.png": saved(GREYS, "PNG"),
    "greys-profile.png": saved(GREYS, "PNG", icc_profile=icc()),
    "colours.png": saved(COLOURS, "PNG"),
    "greys.gif": saved(GREYS, "GIF"),
    "colours.gif": saved(COLOURS, "GIF"),
    "greys.bmp": saved(GREYS, "BMP"),
    "colours.bmp": saved(COLOURS, "BMP"),
    "greys.tif": saved(GREYS, "TIFF"),
    "colours.tif": saved(COLOURS, "TIFF"),
    "photo.jpg": saved(COLOUR, "JPEG"),
    "turned.jpg": saved(COLOUR, "JPEG", exif=exif(6)),
    "mirrored.jpg": saved(COLOUR, "JPEG", exif=exif(2)),
    "turned.png": saved(COLOUR, "PNG", exif=exif(8)),
    "turned.webp": saved(COLOUR, "WEBP", exif=exif(6)),
    "turned.tif": saved(COLOUR, "TIFF", exif=exif(6)),
    "broken-exif.png": png(noise(5, 21), 2, chunk(b"eXIf", b"broken"), bits=8),
    "xmp.jpg": saved(COLOUR, "JPEG", xmp=XMP),
    "grey.webp": saved(GREY, "WEBP"),
    "ink.jpg": saved(COLOUR.convert("CMYK"), "JPEG"),
}
"""What formats have in many forms."""
ALL = SOURCES | FILES


@pytest.mark.parametrize("name", ALL)
def test_the_size_is_that_of_the_decoded_pixels(tmp_path, name):
    path = tmp_path / name
    path.write_bytes(ALL[name])
    pixels = read(path).pixels
    assert read_size(path) == (*pixels.shape[:2], pixels.shape[2] if pixels.ndim == 3 else 1)


@pytest.mark.parametrize("shape", [(5, 7), (5, 7, 3), (5, 7, 1)])
def test_an_array_tells_its_shape(tmp_path, shape):
    np.save(tmp_path / "a.npy", np.zeros(shape, np.float32))
    assert read_size(str(tmp_path / "a.npy")) == (5, 7, shape[2] if len(shape) == 3 else 1)


def test_a_table_of_numbers_tells_its_size(tmp_path, monkeypatch):
    (tmp_path / "a.csv").write_text("1,2,3\n4,5,6\n")
    assert read_size(tmp_path / "a.csv") == (2, 3, 1)
    monkeypatch.setattr(size, "DEFAULT_MAX_PIXELS", 5)
    with pytest.raises(PictureError, match="a table of 3x2 numbers is too large"):
        read_size(tmp_path / "a.csv")


def test_16_bit_colour_that_cannot_be_decoded_has_a_size(tmp_path):
    (tmp_path / "deep.png").write_bytes(png(noise(5, 21, dtype="uint16"), 2))
    assert read_size(tmp_path / "deep.png") == (5, 7, 3)


def test_16_bit_grey_with_alpha_is_one_channel(tmp_path):
    (tmp_path / "deep.png").write_bytes(png(noise(5, 14, dtype="uint16"), 4))
    assert read_size(tmp_path / "deep.png") == (5, 7, 1)


def test_nothing_is_decoded(tmp_path, monkeypatch):
    for name in ("photo.jpg", "greys.png", "turned.png", "greys.tif", "colours.gif"):
        (tmp_path / name).write_bytes(FILES[name][: len(FILES[name]) - 12])
        monkeypatch.setattr(Image.Image, "load", lambda self: pytest.fail("decoded"))
        assert read_size(tmp_path / name)[:2] in ((5, 7), (7, 5))


def test_a_size_that_nobody_could_decode_is_no_error(tmp_path):
    header = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", (100_000).to_bytes(4) * 2 + b"\x08\x02\0\0\0") + chunk(b"IDAT", b"")
    (tmp_path / "huge.png").write_bytes(header)
    assert read_size(tmp_path / "huge.png") == (100_000, 100_000, 3)


def test_a_huge_webp_is_not_even_opened(tmp_path, monkeypatch):
    monkeypatch.setattr(size, "DEFAULT_MAX_PIXELS", 34)
    monkeypatch.setattr(size, "opened", None)
    (tmp_path / "a.webp").write_bytes(FILES["grey.webp"])
    assert read_size(tmp_path / "a.webp") == (5, 7, 3)


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("text.png", b"hello", "not a picture that cnnfilter knows: it is text"),
        ("empty.png", b"", "empty file"),
        ("eps.png", b"%!PS-Adobe", "EPS is not opened"),
        ("cut.png", FILES["colour.png"][:20], "cannot decode PNG"),
        ("cut.gif", b"GIF89a\x01", "cannot decode GIF"),
        ("cut.npy", b"\x93NUMPY\x01\x00", "cannot decode NPY"),
    ],
)
def test_what_is_no_picture_is_an_error(tmp_path, name, data, message):
    (tmp_path / name).write_bytes(data)
    with pytest.raises(PictureError, match=message):
        read_size(tmp_path / name)


def test_what_is_no_file_is_an_error(tmp_path):
    with pytest.raises(PictureError, match="no such file"):
        read_size(tmp_path / "none.png")
    with pytest.raises(PictureError, match="is a folder"):
        read_size(tmp_path)
    with pytest.raises(PictureError, match="no such file|cannot be read"):
        read_size("a\0b.png")


def test_a_file_that_may_not_be_read_is_an_error(tmp_path, monkeypatch):
    path = tmp_path / "a.png"
    path.write_bytes(FILES["grey.png"])

    def refuse(self, mode):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(type(path), "open", refuse)
    with pytest.raises(PictureError, match="cannot be read: Permission denied"):
        read_size(path)


def test_every_format_is_tried():
    formats = {recognise(data[:HEAD], name) for name, data in SOURCES.items()}
    assert formats == {*FORMATS, NPY, TABLE} - {"PNM"}  # any of the three others, as which it is recognised


def test_three_tables_have_three_channels(tmp_path):
    path = tmp_path / "rgb.csv"
    path.write_text("\n\n".join(["1,2,3\n4,5,6"] * 3))
    assert read_size(path) == (2, 3, 3)
