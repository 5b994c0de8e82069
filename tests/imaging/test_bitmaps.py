"""Bitmaps and icons of which Pillow takes less than there is, and GIFs whose frames leave a part of the canvas."""

import io
import struct

import numpy as np
import pytest
from PIL import Image

from cnnfilter.errors import PictureError
from cnnfilter.imaging.gif import Coverage
from cnnfilter.imaging.reading import read, read_frames
from cnnfilter.imaging.size import read_size
from tests.picture_files import noise, saved

HEIGHT, WIDTH = 6, 5


def bmp(values, masks, *, compression=3, header=56, down=False):
    """A BMP of values (H, W) of 16 or 32 bits, and where in them blue, green, red and alpha are."""
    bits = 8 * values.itemsize
    padded = np.pad(values, ((0, 0), (0, -values.shape[1] * values.itemsize % 4 // values.itemsize)))
    data = (padded if down else padded[::-1]).tobytes()
    fields = struct.pack("<IiiHHIIiiII", header, values.shape[1], values.shape[0] * (-1 if down else 1), 1, bits,
                         compression, len(data), 0, 0, 0, 0)  # fmt: skip
    behind = struct.pack(f"<{len(masks)}I", *masks)
    behind = behind.ljust(header - 40, b"\0") if header > 40 else behind
    start = 14 + len(fields) + len(behind)
    return struct.pack("<2sIHHI", b"BM", start + len(data), 0, 0, start) + fields + behind + data


def picked(values, mask):
    shift = (mask & -mask).bit_length() - 1
    return np.rint(((values & mask) >> shift) * (255 / (mask >> shift)))


A1R5G5B5 = (0x7C00, 0x3E0, 0x1F, 0x8000)
A4R4G4B4 = (0xF00, 0xF0, 0xF, 0xF000)
A2B10 = (0x3FF00000, 0xFFC00, 0x3FF, 0xC0000000)
ODD = (0xFF00, 0xFF0000, 0xFF000000, 0xFF)


@pytest.mark.parametrize(("masks", "dtype"), [(A1R5G5B5, "u2"), (A4R4G4B4, "u2"), (A2B10, "u4"), (ODD, "u4")])
@pytest.mark.parametrize("header", [56, 108, 124])
@pytest.mark.parametrize("down", [False, True])
def test_colours_and_alpha_of_any_bits_are_read(masks, dtype, header, down):
    values = np.frombuffer(noise(HEIGHT, WIDTH * 4).tobytes(), dtype)[: HEIGHT * WIDTH].reshape(HEIGHT, WIDTH)
    picture = read(io.BytesIO(bmp(values, masks, header=header, down=down)))
    for channel, mask in enumerate(masks[:3]):
        np.testing.assert_array_equal(picture.pixels[..., channel], picked(values, mask))
    np.testing.assert_array_equal(picture.alpha, picked(values, masks[3]))


def test_colours_without_alpha_and_alpha_told_by_the_compression():
    values = np.frombuffer(noise(HEIGHT, WIDTH * 2).tobytes(), "u2").reshape(HEIGHT, WIDTH)
    for masks in (A4R4G4B4[:3], (*A4R4G4B4[:2], 0)):
        picture = read(io.BytesIO(bmp(values, masks, header=40)))
        assert picture.alpha is None
        np.testing.assert_array_equal(picture.pixels[..., 0], picked(values, masks[0]))
        assert masks[2] or not picture.pixels[..., 2].any()
    picture = read(io.BytesIO(bmp(values, A1R5G5B5, compression=6, header=40)))
    np.testing.assert_array_equal(picture.alpha, picked(values, 0x8000))
    plain = read(io.BytesIO(bmp(values, A1R5G5B5[:3], header=40)))  # as Pillow reads it
    assert plain.alpha is None
    assert np.abs(plain.pixels[..., 0] - picked(values, 0x7C00)).max() <= 1


@pytest.mark.parametrize("cut", [False, True])
def test_a_bitmap_that_is_cut_off_is_damage(cut):
    data = bmp(np.ones((HEIGHT, WIDTH), np.uint16), A4R4G4B4)
    with pytest.raises(PictureError, match="^cannot decode BMP: the file is damaged or cut off$"):
        read(io.BytesIO(data[:-9] if cut else data[:60]))
    with pytest.raises(PictureError, match="^cannot decode BMP: Unsupported BMP pixel depth"):
        read(io.BytesIO(data[:28] + b"\2" + data[29:]))


def icon(*images, told=32):
    """An ICO whose directory tells the same of all its pictures."""
    entries, at = b"", 6 + 16 * len(images)
    for data in images:
        entries += struct.pack("<BBBBHHII", 16, 16, 0, 0, 1, told, len(data), at)
        at += len(data)
    return struct.pack("<HHH", 0, 1, len(images)) + entries + b"".join(images)


def dib(bits, palette=b"", mask=bytes(64)):
    rows = noise(16, 2 * bits, seed=bits).tobytes()
    return struct.pack("<IiiHHIIiiII", 40, 16, 32, 1, bits, 0, 0, 0, 0, 0, 0) + palette + rows + mask


PNG = saved(Image.fromarray(noise(16, 16, 4)), "PNG")
GREY = saved(Image.fromarray(noise(16, 16)), "PNG")
SMALL = saved(Image.fromarray(noise(8, 8, 4)), "PNG")


@pytest.mark.parametrize("told", [0, 4, 32])
def test_of_an_icon_of_several_depths_the_best_is_taken(told):
    four, eight = dib(4, noise(16, 4).tobytes()), dib(8, noise(256, 4).tobytes())
    true = dib(24)
    expected = read(io.BytesIO(icon(true, told=24))).pixels
    for pictures in ([four, true, eight], [true, four], [four, eight, true, SMALL], [SMALL, true]):
        picture = read(io.BytesIO(icon(*pictures, told=told)))
        np.testing.assert_array_equal(picture.pixels, expected)
    best = read(io.BytesIO(icon(GREY, true, PNG, four, told=told)))
    np.testing.assert_array_equal(best.pixels, noise(16, 16, 4)[..., :3])
    assert best.notes == ("its 3 other sizes are left out",)
    rows = noise(16, 48, seed=24).reshape(16, 16, 3)
    np.testing.assert_array_equal(expected, rows[::-1, :, ::-1])


def gif(*frames, control=True):
    """A GIF of 10x8; of each frame: left, top, width, height, what becomes of it afterwards."""
    data = b"GIF89a" + struct.pack("<2H3B", 10, 8, 0x80, 0, 0) + bytes(3) + b"\xff\0\0" + b"!\xfe\3abc\0"
    for left, top, width, height, disposal in frames:
        encoded = saved(Image.new("P", (width, height), 1), "GIF")
        place = encoded.index(b",")
        local = 3 << (encoded[place + 9] & 7) + 1 if encoded[place + 9] & 0x80 else 0
        data += b"!\xf9\4" + bytes([disposal << 2]) + b"\1\0\0\0" if control else b""
        data += struct.pack("<c4HB", b",", left, top, width, height, encoded[place + 9])
        data += encoded[place + 10 : place + 10 + local] + encoded[place + 10 + local : -1]
    return data + b";"


def box(left, top, width, height):
    mask = np.zeros((8, 10), bool)
    mask[top : top + height, left : left + width] = True
    return mask


FIRST, SECOND, BEYOND = (2, 3, 4, 4), (5, 1, 4, 3), (7, 6, 5, 5)


def test_what_no_frame_of_a_gif_covers_is_transparent(tmp_path):
    for control in (True, False):
        picture = read(io.BytesIO(gif((*FIRST, 0), control=control)))
        np.testing.assert_array_equal(picture.alpha, box(*FIRST) * 255)
    (tmp_path / "a.gif").write_bytes(gif((*FIRST, 0)))
    assert read_size(tmp_path / "a.gif")[:2] == (8, 10)
    assert read(io.BytesIO(gif((0, 0, 10, 8, 0)))).alpha is None
    beyond = read(io.BytesIO(gif((0, 0, 10, 8, 2), (*SECOND, 0))), frame=1)
    assert beyond.alpha is None


@pytest.mark.parametrize("disposal", [0, 1, 2, 3])
def test_later_frames_of_a_gif_cover_more_or_less(disposal):
    data = gif((*FIRST, disposal), (*SECOND, 0), (0, 0, 1, 1, 0))
    kept = box(*FIRST) if disposal < 2 else np.zeros((8, 10), bool)
    expected = [box(*FIRST), kept | box(*SECOND), kept | box(*SECOND) | box(0, 0, 1, 1)]
    for number, (picture, mask) in enumerate(zip(read_frames(io.BytesIO(data)), expected, strict=True)):
        np.testing.assert_array_equal(picture.alpha, mask * 255)
        np.testing.assert_array_equal(read(io.BytesIO(data), frame=number).alpha, mask * 255)


@pytest.mark.parametrize("frames", [(BEYOND, FIRST), (FIRST, BEYOND)])
def test_frames_beyond_the_canvas_of_a_gif_make_it_larger_for_all(frames, tmp_path):
    data = gif(*((*frame, 0) for frame in frames))
    covered = np.zeros((11, 12), bool)
    for number, (left, top, width, height) in enumerate(frames):
        covered[top : top + height, left : left + width] = True
        picture = read(io.BytesIO(data + b"what follows is no part of it,"), frame=number)
        np.testing.assert_array_equal(picture.alpha, covered * 255)
    assert [picture.alpha.shape for picture in read_frames(io.BytesIO(data))] == [(11, 12), (11, 12)]
    (tmp_path / "a.gif").write_bytes(data)
    assert read_size(tmp_path / "a.gif") == (11, 12, 3)


def test_a_later_frame_beyond_the_canvas_of_a_gif_counts_before_anything_is_decoded():
    data = gif((*FIRST, 0), (60000, 60000, 1, 1, 0))
    for frame in (None, 0, 1):
        with pytest.raises(PictureError, match="^60001x60001 is 3,600,120,001 pixels, more than the limit"):
            read(io.BytesIO(data), frame=frame)


def test_the_file_is_left_where_it_was():
    stream = io.BytesIO(gif((*FIRST, 0)))
    stream.seek(17)
    assert Coverage(stream, (10, 8)).at(0).sum() == 16
    assert stream.tell() == 17
    assert Coverage(io.BytesIO(gif((*FIRST, 0))[:-3]), (10, 8)).at(5).sum() == 16  # without an end
    assert Coverage(io.BytesIO(gif((*FIRST, 0))[:-1] + b",\0"), (10, 8)).at(5).sum() == 16


def coded(codes, *, bits=8, width=20, height=16, colours=None, down=False):
    """A run-length coded BMP; of its palette, colour i is (i, i, i) times 255 / the last."""
    count = 1 << bits if colours is None else colours
    palette = b"".join(bytes([i * (255 // (count - 1))] * 3 + [0]) for i in range(count))
    rows, compression = -height if down else height, {8: 1, 4: 2}[bits]
    fields = struct.pack("<IiiHHIIiiII", 40, width, rows, 1, bits, compression, len(codes), 0, 0, colours or 0, 0)
    start = 14 + 40 + len(palette)
    return struct.pack("<2sIHHI", b"BM", start + len(codes), 0, 0, start) + fields + palette + codes


def literal(row, bits):
    if bits == 4:
        halves = np.append(row, [0] * (len(row) % 2)).astype(np.uint8)
        packed = (halves[0::2] << 4 | halves[1::2]).tobytes()
    else:
        packed = row.astype(np.uint8).tobytes()
    return bytes([0, len(row)]) + packed + bytes(len(packed) % 2)


@pytest.mark.parametrize("bits", [4, 8])
@pytest.mark.parametrize("down", [False, True])
def test_runs_and_literals_of_a_bmp(bits, down):
    pixels = noise(16, 21) >> (8 - bits)
    pixels[:, 5:12] = pixels[:, 5:6]
    run = [bytes([7, row[5] * (17 if bits == 4 else 1)]) for row in pixels]
    codes = b"".join(
        literal(row[:5], bits) + each + literal(row[12:], bits) + b"\0\0" for row, each in zip(pixels, run, strict=True)
    )
    for end in (b"\0\1", b""):
        picture = read(io.BytesIO(coded(codes + end, bits=bits, width=21, down=down)))
        shown = pixels * (17 if bits == 4 else 1)
        np.testing.assert_array_equal(picture.pixels, shown if down else shown[::-1])


def test_a_run_of_two_colours_takes_them_in_turn():
    picture = read(io.BytesIO(coded(b"\x05\x12\0\1", bits=4, width=5, height=1)))
    np.testing.assert_array_equal(picture.pixels, [[17, 34, 17, 34, 17]])


@pytest.mark.parametrize(
    ("codes", "expected"),
    [
        (b"\0\1", np.zeros((16, 20))),
        (b"\3\7\0\0\0\1", np.pad([[7] * 3], ((0, 15), (0, 17)))),
        (
            b"\2\7\0\2\3\2\4\5\0\1",
            np.pad([[7, 7, *[0] * 18], [0] * 20, [0] * 5 + [5] * 4 + [0] * 11], ((0, 13), (0, 0))),
        ),
        (b"\x20\7\0\0\0\1", np.pad([[7] * 20], ((0, 15), (0, 0)))),  # longer than the row
        (b"\xff\7" * 100 + b"\0\0\0\1", np.pad([[7] * 20], ((0, 15), (0, 0)))),
        (b"\0\0" * 100_000, np.zeros((16, 20))),
        (b"\0\2\0\xff", np.zeros((16, 20))),
    ],
)
def test_what_no_run_sets_has_the_first_colour(codes, expected):
    picture = read(io.BytesIO(coded(codes)))
    np.testing.assert_array_equal(picture.pixels[::-1], expected)


@pytest.mark.parametrize("codes", [b"", b"\x14\7\0\0", b"\0\x14abc", b"\0\2", b"\0\2\1"])
def test_runs_that_are_cut_off_are_damage(codes):
    with pytest.raises(PictureError, match="^cannot decode BMP: the file is damaged or cut off$"):
        read(io.BytesIO(coded(codes)))


def test_a_palette_of_fewer_colours_and_a_file_that_is_read_twice(tmp_path):
    data = coded(b"\x14\1\0\0" * 16, bits=4, colours=2)
    picture = read(io.BytesIO(data))
    np.testing.assert_array_equal(np.unique(picture.pixels), [0, 255])
    (tmp_path / "a.bmp").write_bytes(data)
    assert read_size(tmp_path / "a.bmp") == (16, 20, 1)
    from cnnfilter.imaging.runs import unpacked

    file = unpacked(io.BytesIO(data))
    first = file.read()
    assert file.seek(0) == 0
    assert file.read() == first
    assert file.seek(-3, io.SEEK_CUR) == len(first) - 3
    assert file.seek(0, io.SEEK_END) == len(first)
    assert unpacked(io.BytesIO(bmp(np.ones((2, 2), np.uint16), A4R4G4B4))) is None
