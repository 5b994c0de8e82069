"""What a person chose for a file besides its pixels: compression, palette, quality."""

import io
import struct

import cv2
import numpy as np
import pytest
from PIL import Image, JpegImagePlugin

from cnnfilter import apply
from cnnfilter.errors import PictureError
from cnnfilter.imaging.encoding import encode
from cnnfilter.imaging.headers import webp_is_lossless
from cnnfilter.imaging.picture import Picture, Stored
from cnnfilter.imaging.reading import read
from tests.command import PHOTO, done, load, refused, run, save
from tests.picture_files import COLOURS, FEW, of_few, saved

GREY = PHOTO[..., 1].copy()


@pytest.fixture(autouse=True)
def _folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


# TIFF


def tags(name):
    """Compression and predictor, by TIFF's numbers."""
    with Image.open(name) as image:
        return image.tag_v2[259], image.tag_v2.get(317, 1)


@pytest.mark.parametrize(
    ("compression", "predictor", "expected"),
    [
        ("raw", 1, (1, 1)),
        ("tiff_lzw", 1, (5, 1)),
        ("tiff_lzw", 2, (5, 2)),
        ("tiff_adobe_deflate", 2, (8, 2)),
        ("packbits", 1, (32773, 1)),
        ("lzma", 1, (34925, 1)),
        ("zstd", 2, (50000, 2)),
    ],
)
@pytest.mark.parametrize("pixels", [PHOTO, GREY, GREY.astype(np.uint16) * 257], ids=["RGB", "L", "I;16"])
def test_a_tiff_keeps_its_compression(compression, predictor, expected, pixels):
    exif = Image.Exif()
    if predictor > 1:
        exif[317] = predictor
    save("a.tif", pixels, compression=compression, exif=exif)
    assert tags("a.tif") == expected
    done("apply", "box", "a.tif")
    assert tags("a-box.tif") == expected
    written = (
        cv2.imread("a-box.tif", cv2.IMREAD_UNCHANGED) if compression not in ("lzma", "zstd") else load("a-box.tif")
    )
    if pixels is PHOTO and compression not in ("lzma", "zstd"):
        written = written[..., ::-1]
    np.testing.assert_array_equal(written, apply(pixels, "box"))


@pytest.mark.parametrize("predictor", [2, 3])
def test_differences_of_floats_stay_some_of_floats(predictor):
    exif = Image.Exif()
    exif[317] = predictor
    save("a.tif", GREY.astype(np.float32), compression="tiff_lzw", exif=exif)
    done("apply", "box", "a.tif")
    assert tags("a-box.tif") == (5, predictor)
    np.testing.assert_allclose(load("a-box.tif"), apply(GREY.astype(np.float32), "box"))
    done("apply", "box", "a.tif", "--strip", "-f")
    assert tags("a-box.tif") == (5, predictor)


def test_differences_of_no_known_kind_are_not_written():
    exif = Image.Exif()
    exif[317] = 2
    data = saved(Image.fromarray(GREY.astype(np.float32)), "TIFF", compression="tiff_lzw", exif=exif)
    tag = struct.pack("<HHI", 317, 3, 1)
    picture = read(io.BytesIO(data.replace(tag + b"\2", tag + b"\x07")))
    assert picture.stored.predictor == 1
    assert read(io.BytesIO(encode(picture, "TIFF"))).stored.parameters == {"compression": "tiff_lzw"}


def test_a_tiff_of_jpegs_stays_one_of_the_usual_quality():
    save("a.tif", PHOTO, compression="jpeg", quality=100)
    done("apply", "identity", "a.tif")
    assert tags("a-identity.tif") == (7, 1)
    done("apply", "identity", "a.tif", "--quality", "20", "-o", "low.tif")
    with Image.open("low.tif") as low, Image.open("a-identity.tif") as usual:
        errors = [abs(np.asarray(image).astype(int) - PHOTO).mean() for image in (low, usual)]
    assert errors[0] > 3 * errors[1]


def test_a_tiff_of_jpegs_is_deflated_where_it_becomes_floats():
    data = saved(Image.fromarray(GREY), "TIFF", compression="jpeg")
    floats = read(io.BytesIO(data))
    floats = Picture(floats.pixels.astype(np.float32), format="TIFF", stored=floats.stored)
    with Image.open(io.BytesIO(encode(floats, "TIFF"))) as image:
        assert (image.mode, image.tag_v2[259]) == ("F", 8)


def test_a_large_tiff_stays_one_that_may_be_large():
    save("a.tif", PHOTO, big_tiff=True)
    done("apply", "box", "a.tif")
    with open("a-box.tif", "rb") as file:  # noqa: PTH123
        assert file.read(4) == b"II+\0"
    np.testing.assert_array_equal(load("a-box.tif"), apply(PHOTO, "box"))


def test_another_compression_is_written_on_request_and_by_no_other_format():
    exif = Image.Exif()
    exif[317] = 2
    save("a.tif", PHOTO, compression="tiff_lzw", exif=exif)
    done("apply", "box", "a.tif", "--save-option", "compression=packbits")
    assert tags("a-box.tif") == (32773, 1)
    done("apply", "box", "a.tif", "--save-option", "compression=none", "-f")
    assert tags("a-box.tif") == (1, 1)
    save("a.png")
    done("apply", "box", "a.png", "-o", "b.tif")
    assert tags("b.tif") == (1, 1)


def test_a_fax_stays_one_while_it_is_black_and_white():
    page = Image.fromarray(FEW > 2)
    page.save("fax.tif", compression="group4")
    done("apply", "identity", "fax.tif")
    with Image.open("fax-identity.tif") as image:
        assert (image.mode, image.tag_v2[259]) == ("1", 4)
        np.testing.assert_array_equal(np.asarray(image), FEW > 2)
    done("apply", "box", "fax.tif")
    with Image.open("fax-box.tif") as image:
        assert (image.mode, image.tag_v2[259]) == ("L", 8)


# Few colours


@pytest.mark.parametrize("name", ["few.png", "few.tif", "few.bmp"])
def test_a_palette_stays_where_the_result_has_few_colours(name):
    of_few().save(name)
    done("run", "maxpool:5", name, "-o", "out" + name[3:])
    with Image.open("out" + name[3:]) as image:
        assert image.mode == "P"
        np.testing.assert_array_equal(np.asarray(image.convert("RGB")), COLOURS[FEW[::5, ::5]])
    done("apply", "gaussian:sigma=9", name, "-o", "many" + name[3:])
    with Image.open("many" + name[3:]) as image:
        assert image.mode == "RGB"


def test_a_palette_stays_with_its_transparent_colours():
    of_few(transparency=bytes([255, 0, 128, 255, 255, 255])).save("few.png")
    before = np.asarray(Image.open("few.png").convert("RGBA"))
    done("apply", "identity", "few.png")
    with Image.open("few-identity.png") as image:
        assert image.mode == "P"
        np.testing.assert_array_equal(np.asarray(image.convert("RGBA")), before)


def test_few_colours_with_transparency_lose_their_palette_where_that_has_none():
    picture = Picture(COLOURS[FEW], np.full(FEW.shape, 9, np.uint8), format="TIFF", stored=Stored(colours=256))
    with Image.open(io.BytesIO(encode(picture, "TIFF"))) as image:
        assert image.mode == "RGBA"


@pytest.mark.parametrize("cover", [None, 255, 0])
def test_a_gif_takes_colours_that_are_few_enough(cover):
    alpha = None if cover is None else np.where(FEW == 2, cover, 255).astype(np.uint8)
    for pixels in (COLOURS[FEW], FEW * 40):
        with Image.open(io.BytesIO(encode(Picture(pixels, alpha), "GIF"))) as image:
            shown = np.asarray(image.convert("RGBA"))
        seen = np.ones(FEW.shape, bool) if cover != 0 else FEW != 2
        np.testing.assert_array_equal(shown[..., 3] > 0, seen)
        expected = np.broadcast_to(pixels.reshape(*FEW.shape, -1), (*FEW.shape, 3))
        np.testing.assert_array_equal(shown[seen][:, :3], expected[seen])
    of_few().save("a.gif")
    done("run", "maxpool:3:stride=1:padding=1", "a.gif", "--in-place")
    with Image.open("a.gif") as image:
        assert np.asarray(image.convert("RGB"))[0, 0].tolist() == [255, 0, 0]


def test_a_gif_takes_no_more_colours_than_it_has():
    for picture in (Picture(PHOTO), Picture(PHOTO, GREY), Picture(GREY, GREY)):
        with pytest.raises(PictureError, match="^GIF cannot hold (8-bit colour|alpha): write PNG"):
            encode(picture, "GIF")


def test_greys_of_a_palette_stay_in_one():
    image = Image.fromarray(FEW, "P")
    image.putpalette(np.repeat(np.arange(6, dtype=np.uint8) * 50, 3).tobytes())
    image.save("greys.png")
    done("apply", "identity", "greys.png")
    with Image.open("greys-identity.png") as image:
        assert image.mode == "P"
        np.testing.assert_array_equal(np.asarray(image.convert("L")), FEW * 50)
    done("apply", "identity", "greys.png", "-o", "greys.jpg")
    assert load("greys.jpg").shape == FEW.shape


# WebP, JPEG, TGA


def test_a_lossless_webp_stays_one():
    save("a.webp", lossless=True)
    assert done("apply", "box", "a.webp").messages == ["wrote a-box.webp  45x30"]
    np.testing.assert_array_equal(load("a-box.webp"), apply(PHOTO, "box"))
    result = done("apply", "box", "a.webp", "-f", "--quality", "10")
    np.testing.assert_array_equal(load("a-box.webp"), apply(PHOTO, "box"))
    assert "it stays lossless; --save-option lossless=no makes it smaller" in result.messages[0]
    done("apply", "box", "a.webp", "-f", "--save-option", "lossless=no")
    assert (load("a-box.webp") != apply(PHOTO, "box")).any()


def chunks(*names):
    return b"RIFF....WEBP" + b"".join(name + struct.pack("<I", len(data)) + data for name, data in names)


@pytest.mark.parametrize(
    ("data", "lossless"),
    [
        (saved(Image.fromarray(PHOTO), "WEBP", lossless=True), True),
        (saved(Image.fromarray(PHOTO), "WEBP"), False),
        (saved(Image.fromarray(np.dstack([PHOTO, GREY])), "WEBP", exif=b"Exif\0\0MM\0*"), False),
        (saved(Image.fromarray(PHOTO), "WEBP", lossless=True, xmp=b"<x/>", icc_profile=b"odd"), True),
        (saved(Image.fromarray(PHOTO), "WEBP", lossless=True, save_all=True,
               append_images=[Image.fromarray(255 - PHOTO)]), True),
        (chunks((b"ICCP", b"odd\0"), (b"VP8L", b"")), True),
        (chunks(*[(b"more", b"")] * 2000, (b"VP8L", b"")), False),
        (b"RIFF....WEBPVP8", False),
    ],
)  # fmt: skip
def test_what_is_lossless_is_found_behind_other_parts(data, lossless):
    assert webp_is_lossless(io.BytesIO(data)) is lossless


def jpeg(name):
    with Image.open(name) as image:
        return image.quantization, JpegImagePlugin.get_sampling(image), bool(image.info.get("progressive"))


@pytest.mark.parametrize(("subsampling", "number"), [("4:4:4", 0), ("4:2:2", 1), ("4:2:0", 2)])
@pytest.mark.parametrize("progressive", [False, True])
def test_quality_and_subsampling_of_a_jpeg_are_kept_on_request(subsampling, number, progressive):
    save("a.jpg", quality=37, subsampling=subsampling, progressive=progressive)
    done("apply", "box", "a.jpg", "--quality", "keep")
    assert jpeg("a-box.jpg") == jpeg("a.jpg")
    assert jpeg("a.jpg")[1:] == (number, progressive)
    done("apply", "box", "a.jpg", "--save-option", "subsampling=keep", "-f")
    tables, sampling, _ = jpeg("a-box.jpg")
    assert (tables == jpeg("a.jpg")[0], sampling) == (False, number)
    done("apply", "box", "a.jpg", "--quality", "keep", "--save-option", "subsampling=4:4:4", "-f")
    tables, sampling, _ = jpeg("a-box.jpg")
    assert (tables == jpeg("a.jpg")[0], sampling) == (True, 0)


def test_a_grey_result_keeps_the_quality_of_a_colour_jpeg():
    save("a.jpg", quality=37)
    done("run", "gray,conv:box", "a.jpg", "--quality", "keep")
    tables, _, _ = jpeg("a-chain.jpg")
    assert tables[0] == jpeg("a.jpg")[0][0]


def test_only_a_jpeg_has_a_quality_to_keep():
    save("a.png")
    save("b.webp")
    save("c.jpg", quality=7)
    result = done("apply", "box", "a.png", "b.webp", "c.jpg", "-o", "out/", "--quality", "keep")
    note = "quality=keep is for a JPEG that stays one; here quality is as usual"
    assert [line for line in result.messages if "warning" in line] == [f"warning: b.webp: {note}"]
    assert jpeg("out/c-box.jpg")[0] == jpeg("c.jpg")[0]
    result = done("apply", "box", "a.png", "-o", "a.jpg", "--quality", "keep")
    assert result.messages[0] == f"warning: a.png: {note}"
    save("usual.jpg", quality=90, subsampling="4:4:4")
    assert jpeg("a.jpg") == jpeg("usual.jpg")
    line = "b.webp: save option quality of WEBP takes a whole number from 0 to 100, not 'keep'"
    assert refused("box", "b.webp", "--quality", "keep") == line


def test_a_targa_keeps_its_compression():
    save("a.tga", compression="tga_rle")
    done("apply", "box", "a.tga")
    with Image.open("a-box.tga") as image:
        assert image.info["compression"] == "tga_rle"
    save("b.tga")
    done("apply", "box", "b.tga")
    with Image.open("b-box.tga") as image:
        assert "compression" not in image.info


# Options for the formats that have them


def test_options_count_for_the_formats_that_have_them():
    save("a.png")
    save("b.jpg")
    save("c.tif")
    save("d.webp")
    result = done("apply", "box", "a.png", "b.jpg", "c.tif", "d.webp", "-o", "out/", "--quality", "15")
    note = "warning: c.tif: quality is for a TIFF whose compression is jpeg, and this one's is another"
    assert [line for line in result.messages if "warning" in line] == [note]
    expected = saved(Image.fromarray(PHOTO), "JPEG", quality=15)
    with Image.open(io.BytesIO(expected)) as image:
        assert image.quantization == jpeg("out/b-box.jpg")[0]
    np.testing.assert_array_equal(load("out/a-box.png"), apply(PHOTO, "box"))
    done("run", "conv:box", "a.png", "b.jpg", "-o", "out/", "--save-option", "quality=15")
    assert image.quantization == jpeg("out/b-chain.jpg")[0]


def test_an_option_that_no_output_has_is_refused():
    save("a.png")
    save("b.bmp", GREY)
    save("c.jpg")
    assert refused("box", "a.png", "--quality", "80").startswith("a.png: PNG has no save option 'quality' (has: ")
    result = run("apply", "box", "a.png", "b.bmp", "-o", "out/", "--quality", "80")
    assert (result.exit_code, len(result.messages)) == (2, 2)
    line = "c.jpg: save option quality of JPEG takes a whole number from 1 to 100 or keep, not '0'"
    assert refused("box", "a.png", "c.jpg", "-o", "out/", "--quality", "0") == line
    line = "--quality is short for --save-option quality=...; give one of them; see cnnfilter apply --help"
    assert refused("box", "c.jpg", "--quality", "1", "--save-option", "quality=2") == line
