"""What a file has beside its pixels: kept, made true for the picture that is written, or told of."""

import io
import struct
import zlib
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image, ImageCms, IptcImagePlugin

from cnnfilter.imaging import headers, metadata
from cnnfilter.imaging.encoding import encode
from cnnfilter.imaging.exif import cleaned
from cnnfilter.imaging.formats import ARRAYS, FORMATS, extension_for, holds
from cnnfilter.imaging.keeping import keep
from cnnfilter.imaging.metadata import Metadata
from cnnfilter.imaging.picture import Picture
from cnnfilter.imaging.reading import read
from tests.photos import IPTC, PREVIEW, back, block, tags, told, with_metadata
from tests.picture_files import UPRIGHT_XMP, XMP, chunk, exif, icc, noise, png, saved, tiff


def box(kind, content):
    return struct.pack(">I4s", len(content) + 8, kind) + content


def test_what_pillow_leaves_in_a_jpeg_2000_is_read():
    data = saved(Image.fromarray(noise(4, 6, 3)), "JPEG2000")
    at = data.index(b"jp2c") - 4
    header = data.index(b"jp2h") - 4
    colours = data.index(b"colr") - 4
    end = header + struct.unpack_from(">I", data, header)[0]
    described = data[header + 8 : colours] + box(b"colr", b"\2\0\0" + icc())
    extra = b"".join(
        box(b"uuid", bytes.fromhex(name) + content) for name, content in (
            ("be7acfcb97a942e89c71999491e3afac", XMP), (b"JpgTiffExif->JP2".hex(), block()),
            ("33c7a4d2b81d4723a0baf1a3e097ad38", IPTC), ("00" * 16, b"other"),
        )
    )  # fmt: skip
    picture = back(data[:header] + box(b"jp2h", described) + data[end:at] + extra + data[at:])
    found = picture.metadata
    assert (found.icc, found.xmp, found.iptc, tags(found.exif)[271]) == (icc(), UPRIGHT_XMP, IPTC, "Maker")
    assert told(picture, "PNG") == ""
    assert told(picture, "JPEG2000") == "EXIF, ICC profile, XMP, IPTC"


def test_boxes_that_are_none_end_the_search():
    assert list(headers.boxes(io.BytesIO(box(b"free", b"ab") + b"\0\0\0\4free" + bytes(8)))) == [(b"free", 8, 10)]


def test_the_profile_of_a_bmp_is_read():
    bmp = saved(Image.fromarray(noise(4, 6, 3)), "BMP")
    header = (
        struct.pack("<I", 124)
        + bmp[18:54]
        + bytes(16)
        + b"DEBM"
        + bytes(52)
        + struct.pack("<II", 0, len(icc()))
        + bytes(4)
    )
    assert len(header) == 124
    pixels = bmp[54:]
    offset = 124 + len(pixels)
    header = header[:112] + struct.pack("<I", offset) + header[116:]
    whole = b"BM" + struct.pack("<IHHI", 14 + offset + len(icc()), 0, 0, 138) + header + pixels + icc()
    picture = back(whole)
    np.testing.assert_array_equal(picture.pixels, noise(4, 6, 3))
    assert (picture.metadata.icc, told(picture, "BMP")) == (icc(), "ICC profile")
    assert back(whole[:-1]).metadata.icc is None


def test_what_the_colours_of_an_avif_mean_is_read():
    data = saved(Image.fromarray(noise(4, 6, 3)), "AVIF")
    at = data.index(b"nclx") + 4
    assert (back(data).metadata.colour, back(data[:at] + b"\0\1\0\x0d" + data[at + 4 :]).metadata.colour) == ((), ())
    picture = back(data[:at] + b"\0\x09\0\x10" + data[at + 4 :])
    assert picture.metadata.colour == (CICP,)
    assert told(picture, "AVIF") == "cICP"
    assert b"cICP\x09\x10\0\1" in encode(picture, "PNG")
    assert headers.avif_colours(b"nothing") is None


@pytest.mark.parametrize(("name", "lost"), [(b"XMP DataXMP", "XMP"), (b"ICCRGBG1012", "ICC profile")])
def test_what_pillow_leaves_in_a_gif_is_told_of(name, lost):
    data = saved(Image.fromarray(noise(4, 6)), "GIF")
    at = 13 + 3 * (2 << (data[10] & 7))  # behind the palette
    extension = b"\x21\xff\x0b" + name + b"\3abc\0"
    assert told(back(data[:at] + extension + data[at:]), "PNG") == lost


@pytest.mark.parametrize("name", [b"GCamera:MotionPhoto", b"GCamera:MicroVideo"])
def test_a_video_behind_a_photo_is_told_of(name):
    picture = back(saved(Image.new("RGB", (4, 4)), "JPEG", xmp=b"<x " + name + b"='1'/>"))
    assert told(picture, "JPEG") == "video"


def test_content_credentials_are_told_of():
    segment = b"JP" + bytes(6) + b"\0\0\0\x20jumb"
    extra = b"\xff\xeb" + struct.pack(">H", len(segment) + 2) + segment
    assert told(back(saved(Image.new("RGB", (4, 4)), "JPEG", extra=extra)), "PNG") == "content credentials"
    assert told(back(png(noise(4, 18), 2, chunk(b"caBX", segment), bits=8)), "PNG") == "content credentials"


def test_segments_that_only_a_camera_knows_are_told_of():
    extra = b"".join(b"\xff" + bytes([0xE0 + number]) + b"\0\x09" + data for number, data in (
        (7, b"sensor."), (4, b"sensor."), (12, b"Ducky..")))  # fmt: skip
    assert told(back(saved(Image.new("RGB", (4, 4)), "JPEG", extra=extra)), "PNG") == "segment APP4, segment APP7"


def test_xmp_in_another_kind_of_text_is_read():
    text = chunk(b"zTXt", b"XML:com.adobe.xmp\0\0" + zlib.compress(XMP + "José".encode()))
    assert back(png(noise(4, 18), 2, text, bits=8)).metadata.xmp == UPRIGHT_XMP + "José".encode()


NAMES = {"exif": "EXIF", "icc": "ICC profile", "xmp": "XMP", "iptc": "IPTC", "comments": "comment", "dpi": "resolution"}


@pytest.mark.parametrize("format", sorted(set(FORMATS) - {"PBM"}))  # which holds no result
def test_each_format_keeps_what_it_can_and_the_rest_is_told_of(format, tmp_path):
    carried = Metadata(cleaned(exif(1)).block, icc(), UPRIGHT_XMP, (300.0, 150.0), iptc=IPTC, comments=(b"a cat",))
    pictures = (Picture(noise(4, 6, 3)), Picture(noise(4, 6)), Picture(noise(4, 6, dtype="float32")))
    picture = replace(next(each for each in pictures if holds(format, each)), metadata=carried)
    notes = []
    path = tmp_path / ("a." + extension_for(format))
    path.write_bytes(encode(picture, format, notes=notes))
    kept, able = read(path).metadata, FORMATS[format].metadata
    assert (kept.exif is not None) == ("exif" in able)
    assert kept.icc == (carried.icc if "icc" in able else None)
    assert kept.xmp == (carried.xmp if "xmp" in able else None)
    assert kept.iptc == (carried.iptc if "iptc" in able else None)
    assert kept.comments == (carried.comments if "comments" in able else ())
    if "dpi" in able:
        np.testing.assert_allclose(kept.dpi, carried.dpi, atol=0.02)
    lost = [name for field, name in NAMES.items() if field not in able]
    assert notes == ([f"not kept in {format}: {', '.join(lost)}"] if lost else [])
    path.write_bytes(encode(picture, format, strip="all", notes=notes[:0]))
    bare = read(path).metadata
    assert (bare.exif, bare.icc, bare.xmp, bare.iptc, bare.comments) == (None, None, None, None, ())


@pytest.mark.parametrize("format", ARRAYS)
def test_an_array_has_room_for_numbers_alone(format):
    picture = with_metadata(icc=icc(), dpi=(300, 300), comments=(b"a cat",))
    assert keep(picture.metadata, format, (4, 6, 3)).lost == ("ICC profile", "comment")


def test_a_result_without_colour_loses_the_colour_profile():
    carried = Metadata(icc=icc())
    assert read(io.BytesIO(encode(Picture(noise(4, 4), metadata=carried), "PNG"))).metadata.icc is None
    grey = Metadata(icc=icc(b"GRAY"))
    kept = read(io.BytesIO(encode(Picture(noise(4, 4), metadata=grey), "PNG")))
    assert kept.metadata.icc == icc(b"GRAY")


@pytest.mark.parametrize(("shape", "space", "lost"), [((4, 6), b"RGB ", "grey"), ((4, 6, 3), b"GRAY", "RGB")])
def test_a_profile_for_other_channels_is_told_of(shape, space, lost):
    picture = back(saved(Image.fromarray(noise(*shape)), "JPEG", icc_profile=icc(space)))
    assert told(picture, "PNG") == f"ICC profile, which is not for {lost}"
    assert back(encode(picture, "PNG")).metadata.icc is None


def test_a_profile_keeps_a_grey_palette_in_colour():
    image = Image.fromarray(noise(4, 4)).convert("P")
    picture = read(io.BytesIO(saved(image, "PNG", icc_profile=icc())))
    assert picture.pixels.shape == (4, 4, 3)
    assert picture.metadata.icc == icc()


@pytest.mark.parametrize("dpi", [None, 72, (72,), (0, 0), (np.nan, 72), (np.inf, 1), ("a", "b"), (-3, 3)])
def test_a_resolution_that_makes_no_sense_is_dropped(dpi):
    assert metadata.sane_resolution(dpi) is None


def test_the_profile_of_the_tests_is_one():
    assert ImageCms.ImageCmsProfile(io.BytesIO(icc())).profile.xcolor_space.strip() == "RGB"


def test_a_resolution_is_kept_with_or_without_a_unit_or_told_of():
    assert told(with_metadata(dpi=(100_000, 100_000)), "JPEG") == "resolution"
    assert told(with_metadata(dpi=(0.1, 0.1)), "JPEG") == "resolution"
    assert told(with_metadata(dpi=(300, 300)), "WEBP") == "resolution"
    assert told(with_metadata(dpi=(300, 300), exif=tiff({282: (5, [300, 1]), 283: (5, [300, 1])})), "WEBP") == ""
    assert told(with_metadata(dpi=(72.01, 72)), "WEBP") == ""
    assert told(with_metadata(aspect=(1, 1)), "PNG") == ""
    assert told(with_metadata(aspect=(2, 1)), "PNG") == "resolution without a unit"
    assert told(with_metadata(aspect=(300, 300)), "JPEG") == "resolution without a unit"
    for format, dpi in (("PNG", (100_000, 0.1)), ("TIFF", (100_000, 0.125)), ("BMP", (70_000, 70_000))):
        picture = with_metadata(dpi=dpi)
        assert told(picture, format) == ""
        np.testing.assert_allclose(back(encode(picture, format)).metadata.dpi, dpi, rtol=2e-3, atol=0.02)
    data = saved(Image.new("RGB", (4, 4)), "TIFF", x_resolution=2, y_resolution=1, resolution_unit=1)
    picture = back(data)
    assert (picture.metadata.dpi, picture.metadata.aspect) == (None, (2, 1))
    assert back(encode(picture, "TIFF")).metadata.aspect == (2, 1)
    assert Image.open(io.BytesIO(encode(picture, "TIFF"))).tag_v2[296] == 1
    png_file = saved(Image.new("RGB", (4, 4)), "PNG")
    assert back(png_file[:33] + chunk(b"pHYs", struct.pack(">IIB", 4, 3, 0)) + png_file[33:]).metadata.aspect == (4, 3)
    assert back(saved(Image.new("RGB", (4, 4)), "JPEG")).metadata.aspect == (1, 1)


@pytest.mark.parametrize("format", ["JPEG", "TIFF", "PNG"])
def test_iptc_is_kept_without_its_preview(format):
    preview = b"\x1c\x02\xca" + struct.pack(">H", len(PREVIEW)) + PREVIEW
    resources = [(0x03ED, b"cut off"), (0x040C, PREVIEW), (0x0404, IPTC + preview)]
    segment = b"Photoshop 3.0\0"
    for number, data in resources:
        segment += b"8BIM" + struct.pack(">H", number) + b"\x03abc" + struct.pack(">I", len(data)) + data
        segment += bytes(len(data) % 2)
    extra = b"\xff\xed" + struct.pack(">H", len(segment) + 2) + segment
    data = saved(Image.fromarray(noise(4, 6, 3)), "JPEG", extra=extra)
    picture = back(data)
    assert picture.metadata.iptc == IPTC + preview[:5] + bytes(len(PREVIEW))
    written = encode(picture, format)
    assert told(picture, format) == ""
    assert back(written).metadata.iptc == picture.metadata.iptc
    if format != "PNG":
        assert IptcImagePlugin.getiptcinfo(Image.open(io.BytesIO(written)))[2, 0x5A] == b"Ulm"
    assert told(picture, "WEBP") == "IPTC"


def test_resources_of_photoshop_may_be_cut_off_or_be_others():
    assert metadata.iptc_resource(b"abc") == b"8BIM\x04\x04\0\0\0\0\0\3abc\0"
    for text in ("8BIM\x04\x04", "8BIM\x04\x05\0\0\0\0\0\1a\0"):
        hexadecimal = text.encode("latin-1").hex()
        data = png(
            noise(4, 18), 2, chunk(b"tEXt", b"Raw profile type 8bim\0\n8bim\n9\n" + hexadecimal.encode()), bits=8
        )
        assert back(data).metadata.iptc is None


def test_profiles_in_texts_of_a_png_are_found():
    def text(name, data):
        return chunk(
            b"zTXt", b"Raw profile type " + name + b"\0\0" + zlib.compress(b"\n%s\n9\n" % name + data.hex().encode())
        )

    texts = (text(b"iptc", IPTC), text(b"icc", icc()), text(b"APP1", b"http://ns.adobe.com/xap/1.0/\0" + XMP))
    found = back(png(noise(4, 18), 2, *texts, text(b"other", b"x"), bits=8)).metadata
    assert (found.iptc, found.icc, found.xmp, found.texts) == (IPTC, icc(), UPRIGHT_XMP, ())
    found = back(png(noise(4, 18), 2, text(b"APP1", b"Exif\0\0" + block()), text(b"xmp", XMP), bits=8)).metadata
    assert (tags(found.exif)[271], found.xmp) == ("Maker", UPRIGHT_XMP)
    broken = chunk(b"tEXt", b"Raw profile type exif\0\nexif\n9\nxyz")
    assert told(back(png(noise(4, 18), 2, broken, bits=8)), "PNG") == "exif profile, which is broken"
    many = [chunk(b"tEXt", b"Raw profile type a%d\0\na\n9\nxyz" % number) for number in range(99)]
    assert len(told(back(png(noise(4, 18), 2, *many, bits=8)), "PNG")) < 420


def test_texts_and_comments_of_a_png_are_kept_as_they_are():
    texts = (
        chunk(b"tEXt", b"Title\0caf\xe9"),
        chunk(b"zTXt", b"Title\0\0" + zlib.compress(b"another")),
        chunk(b"iTXt", b"Author\0\0\0de\0Autor\0Jos\xc3\xa9"),
        chunk(b"tEXt", b"Comment\0na\xefve"),
    )
    data = png(noise(4, 18), 2, *texts, bits=8)
    behind = chunk(b"tEXt", b"Software\0behind the pixels")
    picture = back(data[:-12] + behind + data[-12:])
    assert picture.metadata.comments == ("naïve".encode(),)
    assert [kind for kind, _ in picture.metadata.texts] == [b"tEXt", b"zTXt", b"iTXt", b"tEXt"]
    written = encode(picture, "PNG")
    assert all(text in written for text in (*texts, behind))
    again = back(written).metadata
    assert (again.texts, again.comments) == (picture.metadata.texts, picture.metadata.comments)
    assert told(picture, "JPEG") == "texts"
    assert back(encode(picture, "JPEG")).metadata.comments == ("naïve".encode(),)
    assert told(picture, "TIFF") == "comment, texts"


def test_more_text_than_anybody_reads_is_told_of(monkeypatch):
    monkeypatch.setattr(metadata, "MAX_TEXTS", 10)
    picture = back(png(noise(4, 18), 2, chunk(b"tEXt", b"Title\0longer"), bits=8))
    assert told(picture, "PNG") == "texts, which are longer than 10 bytes"


def test_an_animation_is_not_searched_to_its_end_for_texts():
    frames = [Image.fromarray(noise(4, 6, 3, seed=seed)) for seed in (1, 2)]
    data = saved(frames[0], "PNG", save_all=True, append_images=frames[1:])
    text = chunk(b"tEXt", b"Title\0cat")
    assert back(data[:33] + text + data[33:]).metadata.texts == ((b"tEXt", b"Title\0cat"),)


@pytest.mark.parametrize("format", ["JPEG", "GIF", "JPEG2000", "PNG"])
def test_comments_are_kept(format):
    comments = b"\xff\xfe\0\x05one" + b"\xff\xfe\0\x05two"
    picture = back(saved(Image.fromarray(noise(4, 6)), "JPEG", extra=comments))
    assert picture.metadata.comments == (b"one", b"two")
    joined = (b"one\ntwo",) if format in ("GIF", "JPEG2000") else (b"one", b"two")
    assert back(encode(picture, format)).metadata.comments == joined
    assert told(picture, format) == ""
    assert back(encode(Picture(noise(4, 6)), format)).metadata.comments == ()
    assert back(encode(with_metadata(comments=(b"na\xefve",)), "PNG")).metadata.comments == ("naïve".encode(),)


def test_what_a_jpeg_s_segments_cannot_hold_is_told_of():
    picture = with_metadata(
        exif=cleaned(exif(maker="M" * 66_000)).block,
        xmp=XMP + b" " * 66_000,
        iptc=IPTC * 6_000,
        comments=(b"c" * 65_534,),
    )
    assert told(picture, "JPEG") == "EXIF beyond 64 KB, XMP beyond 64 KB, comment or IPTC beyond 64 KB"
    found = back(encode(picture, "JPEG")).metadata
    assert (found.exif, found.xmp, found.iptc, found.comments) == (None, None, None, ())
    found = back(encode(picture, "PNG")).metadata
    assert (found.exif, found.iptc) == (picture.metadata.exif, IPTC * 6_000)
    assert len(found.xmp) > 66_000


def test_xmp_in_several_segments_and_in_other_letters_is_told_of():
    extension = b"http://ns.adobe.com/xmp/extension/\0" + b"0" * 32 + bytes(8) + b"<more/>"
    main = b'<x xmpNote:HasExtendedXMP="' + b"0" * 32 + b'"/>'
    extra = b"\xff\xe1" + struct.pack(">H", len(extension) + 2) + extension
    picture = back(saved(Image.new("RGB", (4, 4)), "JPEG", xmp=main, extra=extra))
    assert (picture.metadata.xmp, told(picture, "PNG")) == (b"<x />", "XMP beyond 64 KB")
    picture = back(saved(Image.new("RGB", (4, 4)), "JPEG", xmp="<x/>".encode("utf-16")))
    assert (picture.metadata.xmp, told(picture, "PNG")) == (None, "XMP, which is not UTF-8")


def test_the_map_of_a_photo_s_brightness_is_told_of():
    image = Image.fromarray(noise(4, 6, 3))
    data = saved(image, "MPO", save_all=True, append_images=[image], xmp=b'<x hdrgm:Version="1.0"/>')
    assert told(back(data), "JPEG") == "HDR gain map"


GAMMA = (b"gAMA", struct.pack(">I", 100_000))
SRGB_GAMMA = (b"gAMA", struct.pack(">I", 45_455))
PRIMARIES = (b"cHRM", struct.pack(">8I", 31270, 32900, 68000, 32000, 26500, 69000, 15000, 6000))
CICP = (b"cICP", b"\x09\x10\x00\x01")
SRGB = (b"sRGB", b"\0")


@pytest.mark.parametrize(
    ("colour", "profile", "lost"),
    [
        ((GAMMA, PRIMARIES), None, "gAMA, cHRM"),
        ((SRGB_GAMMA,), None, ""),
        ((SRGB, PRIMARIES), None, ""),
        ((CICP, SRGB), None, "cICP"),
        ((GAMMA, PRIMARIES, CICP), icc(), "cICP"),
    ],
)
def test_what_the_colours_of_a_png_mean_is_kept_or_told_of(colour, profile, lost):
    data = saved(Image.fromarray(noise(4, 6, 3)), "PNG", **({"icc_profile": profile} if profile else {}))
    data = data[:33] + b"".join(chunk(*each) for each in colour) + data[33:]
    picture = back(data)
    assert picture.metadata.colour == colour
    for strip in (None, "privacy"):
        again = back(encode(picture, "PNG", strip=strip)).metadata
        assert (again.colour, again.icc) == (colour, profile)
        assert told(picture, "JPEG", strip=strip) == lost
    assert back(encode(picture, "PNG", strip="all")).metadata.colour == ()


def test_privacy_keeps_colour_and_resolution_alone():
    texts = ((b"tEXt", b"Author\0me"),)
    picture = with_metadata(
        exif=cleaned(block()).block, icc=icc(), xmp=UPRIGHT_XMP, dpi=(300, 300), iptc=IPTC, comments=(b"me",),
        texts=texts, colour=(GAMMA,), lost=("EXIF, which is broken",),
    )  # fmt: skip
    for format in ("PNG", "JPEG", "TIFF", "WEBP", "AVIF"):
        data = encode(picture, format, strip="privacy")
        found = back(data).metadata
        assert (found.exif, found.xmp, found.iptc, found.comments, found.texts) == (None, None, None, (), ())
        assert found.icc == icc()
        assert found.dpi is None or found.dpi == pytest.approx((300, 300), abs=0.01)
        assert not any(word in data for word in (b"Maker", b"serial", b"Ulm", b"Author"))
    assert told(picture, "WEBP", strip="privacy") == "resolution"
    assert told(picture, "JPEG", strip="all") == ""
