"""Files that other programs read, and Pillow takes for damaged: read, with a note on what no longer counts."""

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from cnnfilter.errors import PictureError
from cnnfilter.imaging.pieces import joined
from cnnfilter.imaging.reading import read
from cnnfilter.imaging.size import read_size
from tests.picture_files import chunk, icc, noise, png, saved

COLOUR = noise(16, 20, 3)
PLAIN = png(COLOUR.reshape(16, 60), 2, bits=8)
PHOTOS = {
    "baseline": saved(Image.fromarray(COLOUR), "JPEG"),
    "progressive": saved(Image.fromarray(COLOUR), "JPEG", progressive=True),
    "grey": saved(Image.fromarray(COLOUR[..., 0]), "JPEG"),
}


def with_wrong_sum(data):
    return data[:-1] + bytes([data[-1] ^ 1])


def segment(marker, data):
    return struct.pack(">HH", marker, len(data) + 2) + data


@pytest.mark.parametrize(
    ("kind", "data", "is_sound"),
    [
        (b"tEXt", b"Title\0text", True), (b"zTXt", b"a\0\0" + zlib.compress(b"text"), True), (b"gAMA", bytes(4), True),
        (b"iCCP", b"n\0\0" + zlib.compress(icc()), True), (b"tIME", bytes(7), True), (b"abCd", b"", True),
        (b"gAMA", b"\0", False), (b"sRGB", b"", False), (b"pHYs", bytes(3), False), (b"cHRM", b"", False),
        (b"tRNS", b"\0\0", False), (b"iCCP", b"", False), (b"fcTL", bytes(26), False),
    ],
)  # fmt: skip
def test_a_damaged_chunk_that_pixels_do_not_need_is_left_out_with_a_note(kind, data, is_sound):
    broken = chunk(kind, data)
    broken = with_wrong_sum(broken) if is_sound else broken
    title = chunk(b"tEXt", b"Author\0me")
    picture = read(io.BytesIO(PLAIN[:33] + title + broken + PLAIN[33:]))
    np.testing.assert_array_equal(picture.pixels, COLOUR)
    assert picture.alpha is None
    assert picture.notes == (f"a damaged chunk left out ({kind.decode()})",)
    assert picture.metadata.texts == ((b"tEXt", b"Author\0me"),)


@pytest.mark.parametrize(
    "data", [PLAIN[:33] + with_wrong_sum(chunk(b"tEXt", b"a\0b")) + PLAIN[33:],
             PHOTOS["baseline"][:20] + segment(0xFFEE, b"Adobe") + PHOTOS["baseline"][20:]]
)  # fmt: skip
def test_what_is_mended_has_a_size_before(data, tmp_path):
    (tmp_path / "a").write_bytes(data)
    assert read_size(tmp_path / "a") == (16, 20, 3)


def test_several_damaged_chunks_are_one_note_and_their_names_are_shown_only_if_they_are_names():
    broken = [with_wrong_sum(chunk(kind, b"x")) for kind in (b"tEXt", b"tEXt", b"tIME", b"a\x1b[m")]
    picture = read(io.BytesIO(PLAIN[:33] + b"".join(broken) + PLAIN[33:]))
    assert picture.notes == ("4 damaged chunks left out (tEXt, tIME)",)
    many = b"".join(with_wrong_sum(chunk(b"a%03d" % number, b"x")) for number in range(999))
    (note,) = read(io.BytesIO(PLAIN[:33] + many + PLAIN[33:])).notes
    assert note.startswith("999 damaged chunks left out (a000, a001, ")
    assert len(note) < 300


def test_a_damaged_chunk_that_pixels_need_is_damage():
    at = PLAIN.index(b"IDAT")
    length = int.from_bytes(PLAIN[at - 4 : at])
    damaged = PLAIN[: at + 4] + bytes(length) + PLAIN[at + 4 + length :]
    with pytest.raises(PictureError, match="^cannot decode PNG: the file is damaged or cut off$"):
        read(io.BytesIO(PLAIN[:33] + with_wrong_sum(chunk(b"tEXt", b"a\0b")) + damaged[33:]))
    with pytest.raises(PictureError, match="^cannot decode PNG: the file is damaged or cut off$"):
        read(io.BytesIO(with_wrong_sum(PLAIN[:33]) + PLAIN[33:]))


def test_profiles_and_texts_of_some_megabytes_are_no_damage():
    profile = icc() + noise(1 << 21).tobytes()
    text = chunk(b"zTXt", b"Log\0\0" + zlib.compress(bytes(3_000_000)))
    picture = read(io.BytesIO(PLAIN[:33] + chunk(b"iCCP", b"n\0\0" + zlib.compress(profile)) + text + PLAIN[33:]))
    assert picture.metadata.icc == profile
    many = chunk(b"tEXt", b"a\0" + b"x" * (1 << 20)) * 70
    picture = read(io.BytesIO(PLAIN[:33] + many + PLAIN[33:]))
    np.testing.assert_array_equal(picture.pixels, COLOUR)
    assert picture.notes[0].endswith("damaged chunks left out (tEXt)")
    bombs = chunk(b"zTXt", b"a\0\0" + zlib.compress(bytes(1_000_000))) * 100
    picture = read(io.BytesIO(PLAIN[:33] + bombs + chunk(b"gAMA", bytes([0, 0, 177, 143])) + PLAIN[33:]))
    np.testing.assert_array_equal(picture.pixels, COLOUR)
    assert picture.notes[0].endswith("damaged chunks left out (zTXt)")


@pytest.mark.parametrize("kind", PHOTOS)
@pytest.mark.parametrize("missing", [1, 2])
def test_a_jpeg_that_lacks_only_its_end_is_whole(kind, missing):
    picture = read(io.BytesIO(PHOTOS[kind][:-missing]))
    np.testing.assert_array_equal(picture.pixels, read(io.BytesIO(PHOTOS[kind])).pixels)
    assert picture.notes == ()


@pytest.mark.parametrize("kind", PHOTOS)
@pytest.mark.parametrize("missing", [4, 10, 100])
def test_a_jpeg_that_lacks_pixels_is_damage(kind, missing):
    with pytest.raises(PictureError, match="^cannot decode JPEG: the file is damaged or cut off$"):
        read(io.BytesIO(PHOTOS[kind][:-missing]))


@pytest.mark.parametrize("kind", PHOTOS)
@pytest.mark.parametrize(
    ("junk", "notes"),
    [
        (segment(0xFFE0, b"JFIF"), ("a damaged segment left out (APP0)",)),
        (segment(0xFFEE, b"Adobe"), ("a damaged segment left out (APP14)",)),
        (segment(0xFFED, b"Photoshop 3.0\0008BIM\4\4"), ("a damaged segment left out (APP13)",)),
        (b"\xff\x01", ()),
        (b"\xff\xff\xff", ()),
        (b"\1\2\3", ()),
    ],
)
def test_segments_of_a_jpeg_that_are_cut_off_are_left_out_with_a_note(kind, junk, notes):
    data = PHOTOS[kind]
    picture = read(io.BytesIO(data[:20] + junk + data[20:]))
    np.testing.assert_array_equal(picture.pixels, read(io.BytesIO(data)).pixels)
    assert picture.notes == notes


@pytest.mark.parametrize("data", [PHOTOS["grey"][:40], PHOTOS["grey"][:20] + b"\xff\x02" + PHOTOS["grey"][20:]])
def test_a_jpeg_without_a_scan_or_of_unknown_markers_is_damage(data):
    with pytest.raises(PictureError, match="^cannot decode JPEG: the file is damaged or cut off$"):
        read(io.BytesIO(data))


def tga(kind, bits, data, *, flags=0x20, colours=b"", entry=0):
    count = len(colours) // (-(-entry // 8)) if colours else 0
    head = struct.pack("<3B2HB4H2B", 2, bool(colours), kind, 0, count, entry, 0, 0, 20, 16, bits, flags)
    return head + b"id" + colours + data


def read_tga(data, tmp_path):
    (tmp_path / "a.tga").write_bytes(data)
    return read(tmp_path / "a.tga")


@pytest.mark.parametrize("size", [1, 2, 3, 4])
def test_runs_of_a_tga_may_cross_rows(size, tmp_path):
    pixels = noise(320, size)
    pixels[100:290] = pixels[100]
    runs = b"\x63" + pixels[:100].tobytes() + b"\xff" + pixels[100].tobytes() + b"\xbd" + pixels[100].tobytes()
    runs += b"\x1d" + pixels[290:].tobytes()
    kind = 11 if size == 1 else 10
    packed = read_tga(tga(kind, 8 * size, runs, flags=0x28 if size == 4 else 0x20), tmp_path)
    plain = read_tga(tga(kind - 8, 8 * size, pixels.tobytes(), flags=0x28 if size == 4 else 0x20), tmp_path)
    np.testing.assert_array_equal(packed.pixels, plain.pixels)
    if size == 1:
        np.testing.assert_array_equal(packed.pixels, pixels.reshape(16, 20))
    elif size > 2:
        np.testing.assert_array_equal(packed.pixels, pixels.reshape(16, 20, size)[..., 2::-1])
    if size == 4:
        np.testing.assert_array_equal(packed.alpha, pixels.reshape(16, 20, 4)[..., 3])
    else:
        assert packed.alpha is None


def test_runs_of_palette_indices_may_cross_rows_too(tmp_path):
    colours = noise(4, 3)
    runs = b"\xff\1\xff\2\xbf\3"
    picture = read_tga(tga(9, 8, runs, colours=colours.tobytes(), entry=24), tmp_path)
    expected = colours[np.repeat([1, 2, 3], [128, 128, 64])][:, ::-1].reshape(16, 20, 3)
    np.testing.assert_array_equal(picture.pixels, expected)


@pytest.mark.parametrize("kind", [2, 10, 1])
def test_a_tga_of_15_bits_has_no_alpha(kind, tmp_path):
    values = noise(320, dtype="uint16")
    colours, entry, data = b"", 0, values.astype("<u2").tobytes()
    if kind == 1:
        colours, entry, data = values[:16].astype("<u2").tobytes(), 15, (np.arange(320) % 16).astype("u1").tobytes()
        values = np.tile(values[:16], 20)
    if kind == 10:
        data = b"".join(b"\x7f" + data[i : i + 256] for i in range(0, 512, 256)) + b"\x3f" + data[512:]
    picture = read_tga(tga(kind, 8 if kind == 1 else 15, data, colours=colours, entry=entry), tmp_path)
    expected = np.stack([values >> 10 & 31, values >> 5 & 31, values & 31], axis=-1).reshape(16, 20, 3) * 255 // 31
    np.testing.assert_array_equal(picture.pixels, expected)
    assert kind == 1 or picture.alpha is None
    assert read_size(tmp_path / "a.tga") == (16, 20, 3)
    if kind == 2:
        assert read_tga(tga(2, 16, data), tmp_path).alpha is None
        assert read_tga(tga(2, 16, data, flags=0x21), tmp_path).alpha is not None


@pytest.mark.parametrize(
    ("kind", "bits", "message"), [(10, 15, "^20x16 is 320 pixels"), (11, 15, "^20x16 is 320"), (10, 48, "damaged")]
)
def test_runs_of_a_tga_that_is_too_large_or_of_unknown_bits_are_not_written_out(
    kind, bits, message, tmp_path, monkeypatch
):
    monkeypatch.setattr("cnnfilter.imaging.mending._runs", lambda *args: pytest.fail("written out"))
    (tmp_path / "a.tga").write_bytes(tga(kind, bits, b"\xff\0\0"))
    with pytest.raises(PictureError, match=message):
        read(tmp_path / "a.tga", max_pixels=319)


def test_runs_that_end_too_early_are_damage(tmp_path):
    with pytest.raises(PictureError, match="^cannot decode TGA: the file is damaged or cut off$"):
        read_tga(tga(10, 24, b"\xffabc" * 2 + b"\xbf"), tmp_path)
    with pytest.raises(PictureError, match="^cannot decode TGA: the file is damaged or cut off$"):
        read_tga(tga(2, 24, b"abc"), tmp_path)


def test_a_file_of_pieces_is_read_as_one():
    stream = io.BytesIO(b"0123456789")
    file = joined(stream, [b"", b"ab", (2, 5), (5, 5), b"", (8, 20), b"c"])
    assert file.read(3) == b"ab2"
    assert file.read() == b"3489"  # where the file ends, so does a piece of it
    assert file.seek(-1, io.SEEK_END) == 17
    assert file.read() == b"c"
    assert file.seek(1) == 1
    assert file.read(4) == b"b234"
