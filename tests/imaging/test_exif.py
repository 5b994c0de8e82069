"""EXIF without what shows or describes the picture as it was, in every format that has room for it."""

import io
import struct
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from cnnfilter.imaging import exif as exif_block
from cnnfilter.imaging import metadata
from cnnfilter.imaging.encoding import encode, encode_frames
from cnnfilter.imaging.exif import cleaned
from cnnfilter.imaging.metadata import Metadata
from cnnfilter.imaging.picture import Picture
from cnnfilter.imaging.reading import read
from tests.photos import IPTC, PREVIEW, back, block, tags, told, with_metadata
from tests.picture_files import UPRIGHT_XMP, XMP, chunk, exif, icc, noise, png, saved, tiff


@pytest.mark.parametrize("order", "<>")
def test_exif_loses_previews_and_orientation_and_nothing_else(order):
    kept, orientation, lost = cleaned(b"Exif\0\0Exif\0\0" + block(order))
    assert (orientation, lost) == (6, ())
    assert (b"\xff\xd8" in kept, b"preview" in kept) == (False, False)
    assert dict(tags(kept)) == {
        256: 600, 257: 400, 271: "Maker", 315: "José ©".encode().decode("latin-1"),
        34665: tags(kept)[34665], 34853: tags(kept)[34853],
    }  # fmt: skip
    photo = tags(kept, 34665)
    assert photo[37500] == b"note" + bytes(len(PREVIEW)) + b"more"
    assert (photo[40962], photo[40963], photo[42033], photo[36864]) == (600, 400, "serial", b"0232")
    assert tags(kept, 40965) == {1: "R98", 4097: 600, 4098: 400}
    assert tags(kept, 34853) == {1: "N", 2: (48, 6, 0)}
    # what stays, stays where it was: maker notes hold places
    before, after = block(order).index(b"note"), kept.index(b"note")
    assert before == after


@pytest.mark.parametrize("order", "<>")
def test_exif_and_xmp_tell_the_size_that_is_written(order):
    kept, _, _ = cleaned(block(order))
    xmp = b"<x exif:PixelXDimension=\"600\" tiff:ImageLength='400'><exif:PixelYDimension>400</exif:PixelYDimension></x>"
    picture = replace(with_metadata(exif=kept, xmp=xmp), pixels=noise(5, 70000, 3))
    again = back(encode(picture, "PNG")).metadata
    first, photo = tags(again.exif), tags(again.exif, 34665)
    assert (first[256], first[257], photo[40962], photo[40963]) == (70000, 5, 70000, 5)
    assert tags(again.exif, 40965) == {1: "R98", 4097: 70000, 4098: 5}
    assert again.xmp == (
        b"<x exif:PixelXDimension=\"70000\" tiff:ImageLength='5'><exif:PixelYDimension>5</exif:PixelYDimension></x>"
    )


def test_only_previews_go_out_of_other_bytes():
    assert exif_block.without_pictures(b"ab\xff\xd8cd\xff\xd9") == b"ab\xff\xd8cd\xff\xd9"
    assert exif_block.without_pictures(b"a\xff\xd8\xff\xe0cd") == b"a" + bytes(6)  # without an end
    assert exif_block.without_pictures(b"a\x02\xd8\xff\xdbcd\xff\xd9e") == b"a" + bytes(8) + b"e"  # Minolta's


@pytest.mark.parametrize(
    "form", ['tiff:Orientation="8"', "tiff:Orientation='8'", "<tiff:Orientation>8</tiff:Orientation>"]
)
def test_xmp_writes_the_orientation_in_three_ways(form):
    upright = f"<x {form.replace('8', '1')} y='8'>".encode()
    assert metadata.upright_xmp(f"<x {form} y='8'>".encode()) == (upright, 8)
    assert metadata.upright_xmp(upright) == (upright, 1)
    assert metadata.upright_xmp(b"<x y='8'>") == (b"<x y='8'>", None)


def test_pictures_in_xmp_are_emptied():
    xmp = (
        b"<xmpGImg:image>/9j/4AAQ&#xA;SkZJRg==</xmpGImg:image><a GImage:Data=\"/9j/4AAQSkZJ\" b='iVBORw0KGgoAAA' "
        b"c='/9'><d>\n UklGRjQAAABXRUJQ</d><e>text</e></a>"
    )
    emptied = b"<xmpGImg:image></xmpGImg:image><a GImage:Data=\"\" b='' c='/9'><d></d><e>text</e></a>"
    assert metadata.upright_xmp(xmp) == (emptied, None)


@pytest.mark.parametrize("broken", [b"junk", b"II\x2a\0\xff\0\0\0", b"II\x2a\0\x08\0\0\0\0\0", b"II\x2b\0\x08\0\0\0"])
def test_broken_exif_is_told_of(broken):
    picture = back(saved(Image.new("RGB", (4, 4)), "JPEG", exif=b"Exif\0\0" + broken))
    assert (picture.metadata.exif, picture.notes) == (None, ())
    assert told(picture, "PNG") == "EXIF, which is broken"
    assert told(with_metadata(exif=broken), "TIFF") == "EXIF, which is broken"


def test_a_maker_note_that_is_all_preview_is_dropped():
    kept, _, _ = cleaned(tiff({271: b"Maker\0", 34665: [{36864: (7, b"0232"), 37500: (7, PREVIEW + bytes(90))}]}))
    assert tags(kept, 34665) == {36864: b"0232"}


def test_what_belongs_elsewhere_is_not_taken_twice():
    kept = cleaned(tiff({271: b"Maker\0", 700: (1, XMP), 33723: (7, IPTC)}))
    assert (dict(tags(kept.block)), kept.lost) == ({271: "Maker"}, ("XMP inside EXIF", "IPTC inside EXIF"))


def test_no_picture_is_left_of_two_values_that_make_one_together():
    data = bytearray(tiff({271: b"Maker\0", 37500: (7, b"12345"), 37501: (7, b"12345")}) + b"xyz" + PREVIEW)
    at = len(data) - len(PREVIEW)
    for tag, number, place in ((37500, 5, at - 3), (37501, len(PREVIEW) - 2, at + 2)):
        struct.pack_into("<II", data, data.index(struct.pack("<HH", tag, 7)) + 4, number, place)
    kept, _, _ = cleaned(bytes(data))
    assert tags(kept)[271] == "Maker"
    assert kept[at - 3 :] == b"xyz" + bytes(len(PREVIEW))


def test_what_is_outside_an_exif_block_is_left_out():
    damaged = tiff({270: b"text\0", 271: b"Maker\0", 34665: 99999, 34853: 99999, 305: (2, b"12345678")})
    place = damaged.index(struct.pack("<HHI", 270, 2, 5))
    damaged = damaged[: place + 8] + struct.pack("<I", 99999) + damaged[place + 12 :]
    kept, orientation, _ = cleaned(damaged)
    assert (dict(tags(kept)), orientation) == ({271: "Maker", 305: "12345678"}, None)
    assert cleaned(tiff({274: (3, [99])})) == (None, 1, ())
    assert cleaned(tiff({34665: [{330: [{256: 1}]}]})).block is None  # nothing stays of either
    overlapping = tiff({tag: (7, bytes(100)) for tag in range(1000, 1100)})
    begin = 8 + 2 + 12 * 100 + 4
    for entry in range(100):
        at = 10 + 12 * entry + 8
        overlapping = overlapping[:at] + struct.pack("<I", begin) + overlapping[at + 4 :]
    with pytest.raises(ValueError, match="broken"):
        cleaned(overlapping[: begin + 100])


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP", "AVIF", "TIFF"])
def test_a_photo_s_exif_arrives_in_every_format(format):
    data = saved(Image.fromarray(noise(4, 6, 3)), "JPEG", exif=b"Exif\0\0" + block())
    notes = []
    written = encode(back(data), format, notes=notes)
    picture = back(written)
    assert notes == []
    first, photo = tags(picture.metadata.exif), tags(picture.metadata.exif, 34665)
    assert (first[271], first[315], first.get(274, 1)) == ("Maker", "José ©".encode().decode("latin-1"), 1)
    assert (photo[40962], photo[40963], photo[42033]) == (4, 6, "serial")
    assert tags(picture.metadata.exif, 40965)[4097] == 4
    assert tags(picture.metadata.exif, 34853) == {1: "N", 2: (48, 6, 0)}
    assert picture.pixels.shape == (6, 4, 3)
    assert b"\xff\xd8\xff" not in written[4:]


@pytest.mark.parametrize("options", [{}, {"compression": "lzw"}, {"compression": "deflate"}, {"big_tiff": "yes"}])
@pytest.mark.parametrize("order", "<>")
def test_a_tiff_has_all_of_it_whatever_its_compression(order, options):
    kept, _, _ = cleaned(block(order))
    picture = with_metadata(exif=kept, icc=icc(), xmp=UPRIGHT_XMP, dpi=(72, 72), iptc=IPTC)
    again = back(encode(picture, "TIFF", options=options))
    np.testing.assert_array_equal(again.pixels, picture.pixels)
    found = again.metadata
    assert (found.dpi, found.icc, found.xmp, found.iptc) == ((72, 72), icc(), UPRIGHT_XMP, IPTC)
    first, photo = tags(found.exif), tags(found.exif, 34665)
    assert (first[271], first[315]) == ("Maker", "José ©".encode().decode("latin-1"))
    assert photo[37500] == b"note" + bytes(len(PREVIEW)) + b"more"
    assert tags(found.exif, 34853) == {1: "N", 2: (48, 6, 0)}


def test_more_pages_of_a_tiff_stay_where_they_are():
    pages = [noise(4, 6, seed=seed) for seed in (0, 1, 2)]
    pictures = [Picture(page, metadata=Metadata(exif=cleaned(block())[0])) for page in pages]
    data = encode_frames(pictures, "TIFF", notes=[])
    for frame, expected in enumerate(pages):
        np.testing.assert_array_equal(read(io.BytesIO(data), frame=frame).pixels, expected)
    assert tags(back(data).metadata.exif)[271] == "Maker"


@pytest.mark.parametrize(
    "description",
    [
        '{"shape": [3, 4, 6]}',
        "shape=(3, 4, 6)",
        "ImageJ=1.53\nimages=3",
        '<?xml version="1.0"?><!-- --><OME xmlns=""/>',
    ],
)
def test_a_description_of_another_shape_is_told_of(description):
    data = saved(Image.fromarray(noise(4, 6)), "TIFF", description=description)
    picture = back(data)
    assert told(picture, "TIFF") == "the description of a TIFF's shape"
    again = Image.open(io.BytesIO(encode(picture, "TIFF")))
    assert 270 not in again.tag_v2
    kept = back(saved(Image.fromarray(noise(4, 6)), "TIFF", description="a cat"))
    assert told(kept, "TIFF") == ""
    assert Image.open(io.BytesIO(encode(kept, "TIFF"))).tag_v2[270] == "a cat"


MAP = {
    256: 6, 257: 4, 258: (3, [8]), 262: 1, 277: 1, 278: 4, "data": [bytes(range(24))],
    33550: (12, [10.0, 10.0, 0.0]), 33922: (12, [0.0, 0.0, 0.0, 440720.0, 3751320.0, 0.0]),
    34735: (3, [1, 1, 0, 1, 3072, 0, 1, 32633]), 34737: b"WGS 84|\0", 42113: b"-9999\0",
}  # fmt: skip


@pytest.mark.parametrize("options", [{}, {"compression": "lzw"}])
@pytest.mark.parametrize("order", "<>")
def test_where_on_earth_a_tiff_is_stays_true_or_is_told_of(order, options):
    picture = back(tiff(MAP, order=order))
    assert told(picture, "TIFF") == ""
    again = Image.open(io.BytesIO(encode(picture, "TIFF", options=options))).tag_v2
    assert (again[33550], again[34735]) == ((10, 10, 0), (1, 1, 0, 1, 3072, 0, 1, 32633))
    assert (again[33922], again[34737], again[42113]) == ((0, 0, 0, 440720, 3751320, 0), "WGS 84|", "-9999")
    assert (again.tagtype[33550], again.tagtype[34735]) == (12, 3)
    assert told(picture, "PNG") == "GeoTIFF's tags"
    assert told(replace(picture, pixels=picture.pixels[::2]), "TIFF") == "GeoTIFF's tags"
    assert told(back(tiff(MAP | {274: (3, [3])}, order=order)), "TIFF") == "GeoTIFF's tags"
    assert told(back(tiff(MAP | {42112: b"<GDALMetadata/>\0"}, order=order)), "TIFF") == "GDAL's metadata"
    assert told(picture, "PNG", strip="privacy") == ""


def test_what_only_the_program_knows_that_wrote_a_tiff_is_told_of():
    page = {256: 6, 257: 4, 258: (3, [8]), 262: 1, 277: 1, 278: 4, "data": [bytes(range(24))]}
    for number, lost in ((37724, "layers"), (65000, "private tags"), (34377, ""), (333, "")):
        assert told(back(tiff(page | {number: (7, b"whatever")})), "TIFF") == lost


def test_privacy_keeps_that_colours_are_adobe_rgb_s():
    adobe = {40961: (3, [65535]), 40965: [{1: b"R03\0"}]}
    for photo, expected in (
        (adobe, {40961: 65535}), ({40961: (3, [1])}, None), ({40961: (3, [65535]), 40965: [{1: b"R98\0"}]}, None),
    ):  # fmt: skip
        kept = with_metadata(exif=tiff({271: b"Maker\0", 34665: [photo]})).metadata.stripped("privacy").exif
        assert (kept and {tag: tags(kept, 34665)[tag] for tag in (40961,)}) == expected
        assert kept is None or (list(tags(kept)), tags(kept, 40965)) == ([34665], {1: "R03"})
    assert with_metadata(exif=tiff({271: b"Maker\0"})).metadata.stripped("privacy").exif is None
    assert with_metadata(exif=b"broken").metadata.stripped("privacy").exif is None


def test_a_tiff_s_own_tags_that_are_outside_it_are_left_out():
    page = {256: 2, 257: 1, 258: (3, [8]), 262: 1, 277: 1, 278: 1, 271: b"Maker\0", 33723: (7, IPTC), "data": [b"ab"]}
    data = tiff(page)
    assert back(data).metadata.iptc == IPTC
    at = data.index(struct.pack("<HHI", 33723, 7, len(IPTC))) + 8
    picture = back(data[:at] + struct.pack("<I", 9999) + data[at + 4 :])
    assert tags(back(tiff(page | {34665: 9999})).metadata.exif)[271] == "Maker"
    assert (picture.metadata.iptc, tags(picture.metadata.exif)[271]) == (None, "Maker")
    large = back(tiff(page | {270: bytes(1 << 24) + b"\0"}))
    assert (large.metadata.exif, told(large, "PNG")) == (None, "EXIF, which is broken")


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
    assert picture.metadata.exif == cleaned(block).block


@pytest.mark.parametrize("format", ["TIFF", "AVIF"])
def test_exif_damaged_further_in_does_not_stop_a_format_that_is_written_from_it(format):
    damaged = b"II\x2a\0\x08\0\0\0\1\0\x69\x87\4\0\1\0\0\0\xff\xff\xff\xff" + bytes(4)
    picture = Picture(noise(4, 4, 3), metadata=Metadata(exif=damaged[:12]))
    assert read(io.BytesIO(encode(picture, format))).metadata.exif is None
    picture = Picture(noise(4, 4, 3), metadata=Metadata(exif=damaged))
    assert read(io.BytesIO(encode(picture, format))).pixels.shape == (4, 4, 3)
