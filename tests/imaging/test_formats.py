import struct
from types import SimpleNamespace

import numpy as np
import pytest

from cnnfilter.errors import ArgumentError, PictureError
from cnnfilter.imaging.formats import (
    FORMATS,
    NPY,
    damage_of,
    extension_for,
    format_for_path,
    format_named,
    holds,
    output_format,
    reason_of,
    recognise,
    why_not,
)
from cnnfilter.messages import options_named
from cnnfilter.picture import read
from tests.command import ROOT


def result(*shape, dtype="uint8", alpha=False):
    return SimpleNamespace(pixels=np.zeros(shape, dtype), alpha=np.zeros(shape[:2], dtype) if alpha else None)


@pytest.mark.parametrize("format", [*FORMATS, NPY])
def test_extensions_lead_to_their_format_and_back(format):
    assert format_for_path("some dir.d/a.b." + extension_for(format)) == format
    assert format_for_path("A." + extension_for(format).upper()) == format
    assert format_named(format.lower()) == format
    assert format_named(extension_for(format)) == format


def test_names_and_extensions_that_are_not_pictures_have_no_format():
    assert format_for_path("photo.txt") is None
    assert format_for_path("png") is None
    with pytest.raises(ArgumentError, match=r"^unknown picture format 'psd' \(known: PNG, JPEG, .*, NPY, CSV\)$"):
        format_named("psd")


def test_what_tells_of_formats_names_each():
    for text in ((ROOT / "README.md").read_text(encoding="utf-8"), read.__doc__):
        words = "".join(text.split()).upper()
        assert not [form.name for form in FORMATS.values() if form.pillow not in words]


def test_other_names_of_a_format():
    assert [format_named(text) for text in ("jpg", "MPO", "tif", "pgm", "j2k")] == [
        "JPEG", "JPEG", "TIFF", "PGM", "JPEG2000",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("head", "name"),
    [
        (b"%!PS-Adobe-3.0 EPSF-3.0\n", "EPS"),
        (b"\xc5\xd0\xd3\xc6 dos", "EPS"),
        (b"%PDF-1.7", "PDF"),
        (b"8BPS\0\1", "PSD"),
        (b"\xd7\xcd\xc6\x9a\0\0", "WMF"),
        (b"\1\0\0\0" + bytes(36) + b" EMF", "EMF"),
        (b"SIMPLE  =                    T", "FITS"),
        (b"<svg xmlns=", "SVG"),
        (b"\xff\x0a\0", "JPEG XL"),
        (b"PF\n20 16\n-1.0\n", "PFM in colour"),
        (b"PK\3\4", "a ZIP archive"),
    ],
)
def test_other_formats_are_refused_by_name(head, name):
    with pytest.raises(PictureError, match=f"^{name} is not opened; convert it to PNG first$"):
        recognise(head, "photo.png")


@pytest.mark.parametrize(
    ("head", "name"),
    [
        (b"II\x2a\0\x10\0\0\0CR\2\0", "CR2"),
        (b"\0\0\0\x18ftypcrx \0\0\0\1crx isom", "CR3"),
        (b"IIRO\x08\0\0\0", "ORF"),
        (b"IIU\0\x18\0\0\0", "RW2"),
        (b"FUJIFILMCCD-RAW 0201", "RAF"),
        (b"FOVb\0\0\2\0", "X3F"),
        (b"\0MRM\0\0\1\0", "MRW"),
    ],
)
def test_raw_photos_are_refused_as_such(head, name):
    message = (
        rf"^a raw photo \({name}\), what a camera's sensor saw, is not opened; develop it first, for example: dark"
    )
    with pytest.raises(PictureError, match=message):
        recognise(head, "photo.jpg")


def container(*brands):
    body = brands[0] + bytes(4) + b"".join(brands[1:])
    return (len(body) + 8).to_bytes(4, "big") + b"ftyp" + body + bytes(20)


@pytest.mark.parametrize("brands", [(b"heic", b"mif1"), (b"mif1", b"heic"), (b"msf1",), (b"hevc",)])
def test_heic_is_refused_with_how_to_convert_it(brands):
    with pytest.raises(PictureError, match=r"^HEIC is not opened; .*heif-convert in\.heic out\.jpg$"):
        recognise(container(*brands))


def test_avif_is_known_by_any_of_its_brands_and_a_video_is_not_a_picture():
    assert recognise(container(b"avif", b"mif1")) == "AVIF"
    assert recognise(container(b"mif1", b"miaf", b"avif")) == "AVIF"
    with pytest.raises(PictureError, match="not a picture: a video or another file of brand 'isom'"):
        recognise(container(b"isom", b"mp42"))


def test_text_is_not_a_picture_whatever_its_name():
    for name in ("a.png", "a.ico", "a.jpg", None):
        with pytest.raises(PictureError, match=r"^not a picture that cnnfilter knows: it is text \(known formats"):
            recognise(b"BM is how some texts begin\n" * 3, name)
    with pytest.raises(PictureError, match="it is text"):
        recognise(("x" * 63 + "é").encode()[:64])  # cut within a letter


def test_other_bytes_are_named_by_how_they_begin():
    with pytest.raises(PictureError, match="it begins with 00 01 02 03 "):
        recognise(bytes(range(64)))
    with pytest.raises(PictureError, match="^empty file$"):
        recognise(b"")


def test_only_a_tga_goes_by_its_name():
    head = bytes([0, 0, 2]) + bytes(9) + b"\4\0\4\0\x18\x20"
    assert recognise(head, "a.TGA") == "TGA"
    with pytest.raises(PictureError, match="not a picture"):
        recognise(head, "a.png")
    with pytest.raises(PictureError, match="not a picture"):
        recognise(head)


@pytest.mark.parametrize(
    ("format", "picture", "reason"),
    [
        ("JPEG", result(4, 4, 3, alpha=True),
         "JPEG cannot hold alpha: write PNG, or drop it with --alpha drop"),
        ("BMP", result(4, 4, alpha=True), "BMP cannot hold alpha: write PNG, or drop it with --alpha drop"),
        ("JPEG", result(4, 4, dtype="uint16"), "JPEG cannot hold 16-bit grey: write PNG, or reduce it with --depth 8"),
        ("PNG", result(4, 4, 3, dtype="uint16"), "PNG cannot hold 16-bit colour: write .npy"),
        ("PNG", result(4, 4, dtype="float32"),
         "PNG cannot hold float grey: write .tif, .pfm or .npy, or make 8 bits of it with --range normalize"),
        ("PPM", result(4, 4, dtype="float32"), "PPM cannot hold float grey: write PFM"),
        ("PGM", result(4, 4, 3), "PGM cannot hold 8-bit colour: write PPM"),
        ("PBM", result(4, 4), "PBM cannot hold 8-bit grey: write PGM"),
        ("TIFF", result(4, 4, 3, dtype="float32"), "TIFF cannot hold float colour: write .npy"),
        ("GIF", result(4, 4, 3), "GIF cannot hold 8-bit colour: write PNG"),
        ("PNG", result(4, 4, 2), "PNG holds 1 or 3 channels, not 2: write .npy"),
        ("PNG", result(4, 4, dtype="uint16", alpha=True),
         "PNG cannot hold 16-bit with alpha: reduce it with --depth 8, or --alpha drop"),
        ("WEBP", result(1, 16384), "WEBP holds at most 16383 pixels a side, not 16384x1: write PNG"),
        ("JPEG", result(65501, 1), "JPEG holds at most 65500 pixels a side, not 1x65501: write PNG"),
        ("ICO", result(257, 3), "ICO holds at most 256 pixels a side, not 3x257: write PNG"),
    ],
)  # fmt: skip
def test_a_format_that_cannot_hold_a_result_says_why(format, picture, reason):
    with options_named():
        assert why_not(format, picture) == reason
    assert not holds(format, picture)


def test_results_stay_in_their_input_s_format_where_it_can_hold_them():
    assert output_format("JPEG", result(4, 4, 3)) == "JPEG"
    assert output_format("JPEG", result(4, 4, 3, alpha=True)) == "PNG"
    assert output_format("GIF", result(4, 4)) == "GIF"
    assert output_format("GIF", result(4, 4, 3)) == "PNG"
    assert output_format("TIFF", result(4, 4, dtype="float32")) == "TIFF"
    assert output_format("JPEG2000", result(4, 4, dtype="float32")) == "PNG"  # which then says why it cannot
    assert output_format("NPY", result(4, 4, 7, dtype="float32")) == "NPY"


def test_a_result_of_a_netpbm_picture_is_called_what_it_holds():
    grey, colour = result(4, 4), result(4, 4, 3)
    assert [output_format(name, grey) for name in ("PBM", "PGM", "PPM", "PFM")] == ["PGM", "PGM", "PPM", "PGM"]
    assert [output_format(name, colour) for name in ("PBM", "PGM", "PPM", "PFM")] == ["PPM"] * 4
    assert output_format("PPM", result(4, 4, 1, dtype="uint16")) == "PGM"
    assert output_format("PGM", result(4, 4, dtype="float32")) == "PFM"
    assert output_format("PFM", result(4, 4, 3, dtype="float32")) == "PNG"
    assert recognise(b"P4\n8 1\n\0", "a.ppm") == "PBM"


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (struct.error("unpack_from requires a buffer of at least 6 bytes"), "the file is damaged or cut off"),
        (OSError("unrecognized data stream contents when reading image file"), "the file is damaged or cut off"),
        (OSError(-2), "the file is damaged or cut off"),
        (KeyError("A"), "the file is damaged or cut off"),
        (OSError("Unsupported BMP compression (4)"), "Unsupported BMP compression (4)"),
        (SyntaxError("unknown pixel mode"), "unknown pixel mode"),
        (OSError(5, "Input/output error"), "Input/output error"),
        (MemoryError(), "not enough memory"),
    ],
)
def test_a_decoder_s_words_are_kept_only_where_they_help(error, reason):
    assert damage_of(error) == reason


def test_a_format_that_is_misspelt_is_told_its_neighbour():
    with pytest.raises(ArgumentError, match=r"^unknown picture format 'pgn'; did you mean pnm, png or pgm\? \(known"):
        format_named("pgn")


def test_another_library_s_error_becomes_one_line_without_the_file_s_name():
    assert reason_of(OSError(28, "No space left on device", "/a/b")) == "No space left on device"
    assert reason_of(ValueError("two\n  lines")) == "two lines"
    assert reason_of(KeyError(320)) == "320 is missing"
    assert reason_of(MemoryError()) == "not enough memory"
    assert reason_of(EOFError()) == "EOFError"
    assert len(reason_of(ValueError("x" * 999))) == 200


def test_an_archive_of_arrays_is_named_and_holds_no_picture():
    assert format_named("npz") == format_for_path("maps.NPZ") == "NPZ"
    assert extension_for("NPZ") == "npz"
    assert why_not("NPZ", result(4, 4)) == "NPZ holds the values of a chain, and no picture: write .npy"
