import io

import numpy as np
import pytest
from PIL import Image

from cnnfilter.errors import ArgumentError, CnnfilterError, PictureError
from cnnfilter.imaging.encoding import encode
from cnnfilter.imaging.formats import FORMATS, NPY, extension_for, holds
from cnnfilter.imaging.options import OPTIONS, read_options
from cnnfilter.imaging.picture import Picture
from cnnfilter.imaging.reading import read
from tests.picture_files import exif, noise, png, saved

HEIGHT, WIDTH = 20, 30
LOSSY = {"JPEG", "WEBP", "AVIF"}


def back(data, format, tmp_path):
    path = tmp_path / ("a." + extension_for(format))
    path.write_bytes(data)
    return read(path)


def made(channels, alpha, dtype):
    pixels = noise(HEIGHT, WIDTH, *([] if channels is None else [channels]), dtype=dtype)
    return Picture(pixels, noise(HEIGHT, WIDTH, dtype=dtype, seed=1) if alpha else None)


def combinations():
    for format in [*FORMATS, NPY]:
        for dtype in ("uint8", "uint16", "float32"):
            for channels in (None, 1, 3):
                for alpha in (False, True):
                    if holds(format, made(channels, alpha, dtype)):
                        yield format, dtype, channels, alpha


@pytest.mark.parametrize(("format", "dtype", "channels", "alpha"), list(combinations()))
def test_what_a_format_holds_comes_back_as_it_was(format, dtype, channels, alpha, tmp_path):
    picture = made(channels, alpha, dtype)
    options = {"lossless": "true", "exact": "true"} if format == "WEBP" else {}
    result = back(encode(picture, format, options=options), format, tmp_path)
    assert result.format == (format if format != "PNM" else "PPM" if channels == 3 else "PGM")
    assert result.pixels.dtype == dtype
    assert result.notes == ()
    if format == NPY:
        stacked = picture.pixels if not alpha else np.dstack([picture.pixels, picture.alpha])
        np.testing.assert_array_equal(result.pixels, stacked)
        return
    assert (result.alpha is not None) == alpha
    expected = picture.pixels
    if channels == 1 or result.pixels.ndim == 2:
        expected = expected.reshape(HEIGHT, WIDTH)
    if result.pixels.ndim > expected.ndim:  # WebP, PPM, and AVIF with alpha, have no grey
        expected = np.dstack([expected] * 3)
    assert result.pixels.shape == expected.shape
    if format in LOSSY - {"WEBP"}:
        assert np.abs(result.pixels.astype(int) - expected).mean() < (25 if format == "JPEG" or channels != 3 else 60)
        return
    np.testing.assert_array_equal(result.pixels, expected)
    if alpha:
        np.testing.assert_array_equal(result.alpha, picture.alpha)


def test_a_view_that_is_not_contiguous_is_written_as_it_looks():
    pixels = noise(HEIGHT, WIDTH, 3)
    turned = Picture(pixels.transpose(1, 0, 2)[::-1], noise(WIDTH, HEIGHT)[:, ::1])
    result = read(io.BytesIO(encode(turned, "PNG")))
    np.testing.assert_array_equal(result.pixels, turned.pixels)


def test_a_format_may_be_given_by_an_extension_but_must_be_known():
    assert encode(made(3, False, "uint8"), "jpg") == encode(made(3, False, "uint8"), "JPEG")
    with pytest.raises(ArgumentError, match="unknown picture format 'eps'"):
        encode(made(3, False, "uint8"), "eps")


def test_what_a_format_cannot_hold_is_an_error():
    with pytest.raises(
        PictureError, match=r"^JPEG cannot hold alpha: write PNG, or drop it: Picture\(picture.pixels\)$"
    ):
        encode(made(3, True, "uint8"), "JPEG")


def test_jpeg_keeps_colour_at_full_resolution_and_quality_90():
    data = encode(made(3, False, "uint8"), "JPEG")
    reference = saved(Image.fromarray(noise(HEIGHT, WIDTH, 3)), "JPEG", quality=90, subsampling=0)
    assert data == reference


def test_png_is_run_length_compressed_unless_a_level_is_asked_for():
    image = Image.fromarray(np.sort(noise(HEIGHT, WIDTH, 3), axis=1))
    picture = Picture(np.asarray(image))
    assert encode(picture, "PNG") == saved(image, "PNG", compress_level=1, compress_type=3)
    assert encode(picture, "PNG", options={"compress_level": "9"}) == saved(image, "PNG", compress_level=9)
    assert encode(picture, "PNG", options={"optimize": "yes"}) == saved(image, "PNG", optimize=True)


def test_save_options_reach_the_encoder():
    smooth = Picture(np.indices((64, 64)).sum(0).astype(np.uint8))
    sizes = [len(encode(smooth, "JPEG", options={"quality": quality})) for quality in ("5", "100")]
    assert sizes[0] < sizes[1]
    packed = encode(smooth, "TIFF", options={"compression": "deflate"})
    assert len(packed) < len(encode(smooth, "TIFF")) / 2
    np.testing.assert_array_equal(read(io.BytesIO(packed)).pixels, smooth.pixels)
    assert len(encode(smooth, "JPEG2000", options={"quality_layers": "20", "irreversible": "true"})) < 1000
    assert len(encode(Picture(np.zeros((64, 64), np.uint8)), "TGA", options={"compression": "rle"})) < 1000


@pytest.mark.parametrize(
    ("format", "options", "expected"),
    [
        ("PNG", {"compress_type": " 2 "}, {"compress_type": 2}),
        (
            "JPEG",
            {"progressive": "Yes", "subsampling": "4:2:0"},
            {"progressive": True, "subsampling": "4:2:0"},
        ),
        ("JPEG2000", {"quality_layers": "40+20.5"}, {"quality_layers": [40, 20.5]}),
        ("JPEG2000", {"quality_mode": "dB"}, {"quality_mode": "dB"}),
        ("AVIF", {"range": "limited"}, {"range": "limited"}),
        ("TGA", {"compression": "none"}, {"compression": None}),
    ],
)
def test_options_are_read_from_text(format, options, expected):
    assert read_options(format, options) == expected


@pytest.mark.parametrize(
    ("format", "options", "message"),
    [
        ("JPEG", {"qualiti": "3"}, r"^JPEG has no save option 'qualiti'; did you mean quality\? \(has: quality, "),
        ("BMP", {"quality": "3"}, r"^BMP has no save option 'quality' \(has none\)$"),
        (
            "JPEG",
            {"quality": "101"},
            "^save option quality of JPEG takes a whole number from 1 to 100 or keep, not '101'$",
        ),
        ("JPEG", {"quality": "best"}, "takes a whole number from 1 to 100 or keep, not 'best'"),
        ("PNG", {"optimize": "2"}, "takes one of true, false, yes, no, on, off, not '2'"),
        ("JPEG", {"subsampling": "4:1:0"}, "takes one of 4:4:4, 4:2:2, 4:2:0 or keep, not '4:1:0'"),
        ("JPEG2000", {"quality_layers": "20+0"}, r"takes numbers joined by \+, not '20\+0'"),
    ],
)
def test_unknown_options_and_values_are_errors_naming_the_known_ones(format, options, message):
    with pytest.raises(ArgumentError, match=message):
        encode(made(None, False, "uint8"), format, options=options)


def test_every_format_has_its_options():
    assert set(OPTIONS) <= {*FORMATS}


def test_what_the_codec_refuses_is_one_line(capfd):
    with pytest.raises(PictureError, match="^cannot encode TIFF: .*; leave out the save options$"):
        encode(made(None, False, "uint8"), "TIFF", options={"compression": "lzw", "quality": "80"})
    for dtype in ("uint16", "float32"):
        with pytest.raises(PictureError, match="^the jpeg compression of TIFF takes 8-bit pixels only: leave out"):
            encode(made(None, False, dtype), "TIFF", options={"compression": "jpeg"})
    assert len(encode(made(3, True, "uint8"), "TIFF", options={"compression": "jpeg", "quality": "80"})) > 100
    assert capfd.readouterr() == ("", "")


def test_progressive_noise_of_the_best_quality_can_be_written():
    noisy = Picture(noise(600, 600, 3))
    data = encode(noisy, "JPEG", options={"quality": "100", "progressive": "true", "optimize": "true"})
    assert read(io.BytesIO(data)).pixels.shape == (600, 600, 3)


def small_files():
    colour = Image.fromarray(noise(12, 16, 3))
    palette = colour.quantize(16)
    pictures = [Picture(noise(12, 16, 3)), Picture(noise(12, 16)), Picture(noise(12, 16, dtype="float32"))]
    for format in [*FORMATS, NPY]:
        able = [picture for picture in pictures if holds(format, picture)]
        yield format, encode(able[0], format) if able else b"P4 16 12\n" + bytes(range(24))
    for format in ("GIF", "PNG", "TIFF"):
        yield format, saved(palette, format, save_all=True, append_images=[palette.copy(), palette.copy()])
    for format in ("JPEG", "PNG", "TIFF"):
        yield format, saved(colour, format, exif=exif(6))
    yield "TIFF", saved(colour, "TIFF", compression="tiff_lzw")
    yield "BMP", saved(palette, "BMP")
    yield "MPO", saved(colour, "MPO", save_all=True, append_images=[colour.copy()])
    yield "PPM", b"P3\n4 4\n255\n" + b" ".join(b"%d" % value for value in range(48))
    yield "PNG", png(noise(4, 4, dtype="uint16"), 0)


@pytest.mark.parametrize(("format", "data"), list(small_files()))
def test_a_broken_file_is_one_clear_error_or_a_picture(format, data, tmp_path, capfd):
    generator = np.random.default_rng(len(data))
    path = tmp_path / ("a." + extension_for(format) if format in FORMATS else "a")
    failed = 0
    for trial in range(40):
        broken = bytearray(data)
        if trial % 2:
            del broken[generator.integers(0, len(data)) :]
        else:
            for position in generator.integers(0, min(len(data), 150), 3):
                broken[position] = generator.integers(0, 256)
        path.write_bytes(broken)
        try:
            assert read(path).pixels.size > 0
        except CnnfilterError as error:
            failed += 1
            message = str(error)
        else:
            message = ""
        assert "\n" not in message
        assert str(path) not in message
    assert failed >= 4
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("format", "shape", "dtype", "head"),
    [
        ("PPM", (4, 4), "uint8", b"P6"),
        ("PPM", (4, 4, 3), "uint8", b"P6"),
        ("PGM", (4, 4), "uint16", b"P5"),
        ("PFM", (4, 4), "float32", b"Pf"),
        ("PNM", (4, 4), "uint8", b"P5"),
        ("PNM", (4, 4, 3), "uint8", b"P6"),
    ],
)
def test_a_netpbm_file_holds_what_its_name_says(format, shape, dtype, head):
    assert encode(Picture(noise(*shape, dtype=dtype)), format).startswith(head)


@pytest.mark.parametrize(("name", "shape"), [("a.pgm", (4, 4, 3)), ("a.pbm", (4, 4)), ("a.pfm", (4, 4))])
def test_a_netpbm_file_is_refused_what_its_name_does_not_say(name, shape):
    with pytest.raises(PictureError, match=r"^P[GBF]M cannot hold 8-bit (grey|colour): write P[GP]M$"):
        encode(Picture(noise(*shape)), name[1:])
