import io
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image, ImageCms

from cnnfilter.errors import ArgumentError, CnnfilterError, PictureError
from cnnfilter.imaging import metadata
from cnnfilter.imaging.formats import ARRAYS, FORMATS, NPY, extension_for, holds
from cnnfilter.imaging.metadata import Metadata
from cnnfilter.imaging.options import OPTIONS, read_options
from cnnfilter.imaging.picture import Picture, encode, read
from tests.picture_files import UPRIGHT_XMP, XMP, chunk, exif, icc, noise, png, saved

HEIGHT, WIDTH = 20, 30
LOSSY = {"JPEG", "WEBP", "AVIF"}


def back(data, format, tmp_path):
    path = tmp_path / ("a" + extension_for(format))
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
    with pytest.raises(PictureError, match="^JPEG cannot hold alpha: write PNG, or drop it with --alpha drop$"):
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
    assert set(OPTIONS) == {*FORMATS, *ARRAYS}


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


@pytest.mark.parametrize("format", sorted(set(FORMATS) - {"PBM"}))  # which holds no result
def test_metadata_is_kept_where_the_format_can_and_dropped_on_request(format, tmp_path):
    block, _ = metadata.upright_exif(exif(1))
    carried = Metadata(block, icc(), UPRIGHT_XMP, (300.0, 150.0))
    pictures = (made(3, False, "uint8"), made(None, False, "uint8"), made(None, False, "float32"))
    picture = replace(next(each for each in pictures if holds(format, each)), metadata=carried)
    kept = back(encode(picture, format), format, tmp_path)
    able = FORMATS[format].metadata
    if "exif" in able:
        result = Image.Exif()
        result.load(kept.metadata.exif)
        assert result[0x010F] == "Maker"
        assert result.get_ifd(0x8769)[0x9003] == "2024:05:06 07:08:09"
        assert result.get(0x0112, 1) == 1
    assert kept.metadata.icc == (icc() if "icc" in able else None)
    assert kept.metadata.xmp == (UPRIGHT_XMP if "xmp" in able else None)
    if "dpi" in able:
        np.testing.assert_allclose(kept.metadata.dpi, (300, 150), atol=0.02)
    bare = back(encode(picture, format, strip=True), format, tmp_path).metadata
    assert (bare.exif, bare.icc, bare.xmp) == (None, None, None)


@pytest.mark.parametrize("compression", ["none", "lzw", "deflate"])
def test_a_compressed_tiff_keeps_all_metadata_but_nested_directories(compression):
    block, _ = metadata.upright_exif(exif())
    carried = Metadata(block, icc(), UPRIGHT_XMP, (72.0, 72.0))
    picture = Picture(noise(HEIGHT, WIDTH, 3), metadata=carried)
    kept = read(io.BytesIO(encode(picture, "TIFF", options={"compression": compression})))
    result = Image.Exif()
    result.load(kept.metadata.exif)
    assert result[0x010F] == "Maker"
    assert (0x9003 in result.get_ifd(0x8769)) == (compression == "none")
    assert (kept.metadata.dpi, kept.metadata.icc, kept.metadata.xmp) == ((72, 72), icc(), UPRIGHT_XMP)
    np.testing.assert_array_equal(kept.pixels, picture.pixels)


def test_a_result_without_colour_loses_the_colour_profile():
    carried = Metadata(icc=icc())
    assert read(io.BytesIO(encode(Picture(noise(4, 4), metadata=carried), "PNG"))).metadata.icc is None
    grey = Metadata(icc=icc(b"GRAY"))
    kept = read(io.BytesIO(encode(Picture(noise(4, 4), metadata=grey), "PNG")))
    assert kept.metadata.icc == icc(b"GRAY")


@pytest.mark.parametrize("image", [Image.new("CMYK", (4, 4)), Image.new("L", (4, 4))])
def test_a_profile_for_other_channels_is_dropped_with_a_note(image):
    profile = icc(b"CMYK" if image.mode == "CMYK" else b"RGB ")
    picture = read(io.BytesIO(saved(image, "JPEG", icc_profile=profile)))
    assert picture.metadata.icc is None
    name = "RGB" if image.mode == "CMYK" else "grey"
    assert picture.notes == (f"its ICC profile does not fit {name} and was dropped",)


def test_a_profile_keeps_a_grey_palette_in_colour():
    image = Image.fromarray(noise(4, 4)).convert("P")
    picture = read(io.BytesIO(saved(image, "PNG", icc_profile=icc())))
    assert picture.pixels.shape == (4, 4, 3)
    assert picture.metadata.icc == icc()


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF"])
def test_orientation_is_reset_in_exif_and_xmp_and_the_rest_stays(format):
    image = Image.fromarray(noise(4, 6, 3))
    parameters = {"exif": exif(6), "xmp": XMP}
    if format == "PNG":
        data = saved(image, "PNG", exif=exif(6))
        text = chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + XMP)
        data = data[:33] + text + data[33:]
    elif format == "TIFF":
        block = Image.Exif()
        block.load(exif(6))
        block[700] = XMP
        data = saved(image, "TIFF", exif=block)
    else:
        data = saved(image, format, **parameters)
    picture = read(io.BytesIO(data))
    assert picture.pixels.shape == (6, 4, 3)
    assert b'tiff:Orientation="6"' not in picture.metadata.xmp
    assert picture.metadata.xmp.endswith(b"</x:xmpmeta>")
    again = read(io.BytesIO(encode(picture, "PNG")))
    np.testing.assert_array_equal(again.pixels, picture.pixels)
    assert again.metadata.exif == picture.metadata.exif


def test_exif_stays_byte_for_byte_but_for_the_orientation():
    block = exif(6)
    upright, orientation = metadata.upright_exif(block)
    assert orientation == 6
    assert len(upright) == len(block) - 6
    assert sum(a != b for a, b in zip(upright, block[6:], strict=True)) == 1
    big = b"MM\0\x2a\0\0\0\x08\0\1" + b"\x01\x12\0\3\0\0\0\1\0\x08\0\0" + bytes(4)
    upright, orientation = metadata.upright_exif(b"Exif\0\0Exif\0\0" + big)
    assert orientation == 8
    assert upright == big.replace(b"\1\0\x08\0\0", b"\1\0\1\0\0")
    assert metadata.upright_exif(exif(99))[1] == 1
    assert metadata.upright_exif(exif())[1] is None


@pytest.mark.parametrize(
    "form", ['tiff:Orientation="8"', "tiff:Orientation='8'", "<tiff:Orientation>8</tiff:Orientation>"]
)
def test_xmp_writes_the_orientation_in_three_ways(form):
    upright = f"<x {form.replace('8', '1')} y='8'>".encode()
    assert metadata.upright_xmp(f"<x {form} y='8'>".encode()) == (upright, 8)
    assert metadata.upright_xmp(upright) == (upright, 1)
    assert metadata.upright_xmp(b"<x y='8'>") == (b"<x y='8'>", None)


@pytest.mark.parametrize("format", ["JPEG", "WEBP", "TIFF"])
def test_the_orientation_of_xmp_counts_where_exif_has_none(format):
    image = Image.fromarray(noise(4, 6, 3))
    block = Image.Exif()
    block[700] = XMP
    data = saved(image, format, **({"exif": block} if format == "TIFF" else {"xmp": XMP}))
    assert read(io.BytesIO(data)).pixels.shape == (6, 4, 3)
    if format == "JPEG":
        assert read(io.BytesIO(saved(image, format, xmp=XMP, exif=exif(1)))).pixels.shape == (4, 6, 3)


def test_imagemagick_s_exif_in_a_png_text_is_read():
    block = exif(8)
    text = f"\nexif\n{len(block):8}\n" + "\n".join(block.hex()[i : i + 72] for i in range(0, 2 * len(block), 72))
    data = png(noise(4, 18), 2, chunk(b"tEXt", b"Raw profile type exif\0" + text.encode()), bits=8)
    picture = read(io.BytesIO(data))
    assert picture.pixels.shape == (6, 4, 3)
    assert picture.metadata.exif == metadata.upright_exif(block)[0]


@pytest.mark.parametrize(
    "broken", [b"Exif\0\0junk", b"Exif\0\0II\x2a\0\xff\0\0\0", b"Exif\0\0II\x2a\0\x08\0\0\0\5\0ab"]
)
def test_broken_exif_is_dropped_with_a_note(broken):
    picture = read(io.BytesIO(saved(Image.new("RGB", (4, 4)), "JPEG", exif=broken)))
    assert picture.metadata.exif is None
    assert picture.notes == ("its EXIF is broken and was dropped",)


@pytest.mark.parametrize("format", ["TIFF", "AVIF"])
def test_exif_damaged_further_in_does_not_stop_a_format_that_is_written_from_it(format):
    damaged = b"II\x2a\0\x08\0\0\0\1\0\x69\x87\4\0\1\0\0\0\xff\xff\xff\xff" + bytes(4)
    picture = Picture(noise(4, 4, 3), metadata=Metadata(exif=damaged[:12]))
    assert read(io.BytesIO(encode(picture, format))).metadata.exif is None
    picture = Picture(noise(4, 4, 3), metadata=Metadata(exif=damaged))
    assert read(io.BytesIO(encode(picture, format))).pixels.shape == (4, 4, 3)


def test_metadata_too_large_for_a_jpeg_is_left_out():
    large = exif(maker="M" * 66_000)
    block, _ = metadata.upright_exif(large)
    picture = Picture(noise(4, 4, 3), metadata=Metadata(block, None, XMP + b" " * 66_000))
    kept = read(io.BytesIO(encode(picture, "JPEG"))).metadata
    assert (kept.exif, kept.xmp) == (None, None)
    kept = read(io.BytesIO(encode(picture, "PNG"))).metadata
    assert kept.exif == block
    assert len(kept.xmp) > 66_000


@pytest.mark.parametrize("dpi", [None, 72, (72,), (0, 0), (np.nan, 72), (np.inf, 1), (1e9, 1e9), ("a", "b"), (-3, 3)])
def test_a_resolution_that_makes_no_sense_is_dropped(dpi):
    assert metadata.sane_dpi({"dpi": dpi}) is None
    assert metadata.sane_dpi({}) is None


def test_the_profile_of_the_tests_is_one():
    assert ImageCms.ImageCmsProfile(io.BytesIO(icc())).profile.xcolor_space.strip() == "RGB"


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
    path = tmp_path / ("a" + extension_for(format) if format in FORMATS else "a")
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
