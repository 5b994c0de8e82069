"""The directories of TIFFs: what they say is read as it is, and what is not in the file is never waited for."""

import io
import struct

import pytest

from cnnfilter.imaging import tiff
from cnnfilter.imaging.tiff import read_tiff
from tests import picture_files

GREY = {256: 7, 257: 5, 258: (3, [16]), 262: 1, 277: 1, 273: 8, 279: 70}


def opened(*pages, **layout):
    return read_tiff(io.BytesIO(picture_files.tiff(*pages, **layout)))


@pytest.mark.parametrize("big", [False, True])
@pytest.mark.parametrize("order", "<>")
def test_the_tags_of_each_page_are_read(order, big):
    colour = {
        256: 70000, 257: 5, 258: (3, [8, 8, 8, 8]), 259: 5, 262: 2, 270: "Grüße\0".encode(), 277: 4, 284: 2, 338: 1,
        339: (3, [2, 2, 2, 2]), 282: (5, [300, 1]), 322: 16, 323: 16, "data": [b"abc", b"d"],
        "below": [{256: 35000, 257: 2}, {256: 17500, 257: 1}],
    }  # fmt: skip
    file = opened(GREY, colour, {256: 1, 257: 1}, order=order, big=big)
    assert (file.layout.order, file.layout.is_big, len(file.pages)) == (order, big, 3)
    grey, page = file.page(0), file.page(1)
    assert (grey.size, grey.bits, grey.sample_formats, grey.samples) == ((7, 5), (16,), (1,), 1)
    assert (grey.is_planar, grey.is_tiled, grey.compression, grey.photometric) == (False, False, 1, 1)
    assert (grey.description, grey.subdirectories()) == ("", ())
    assert (page.size, page.bits, page.sample_formats, page.samples) == ((70000, 5), (8,) * 4, (2,) * 4, 4)
    assert (page.is_planar, page.is_tiled, page.compression, page.photometric) == (True, True, 5, 2)
    assert (page.description, page.numbers(282)) == ("Grüße", (300, 1))
    assert [below.size for below in page.subdirectories()] == [(35000, 2), (17500, 1)]
    assert [page.data(tag) for tag in (270, 999)] == ["Grüße\0".encode(), b""]
    for begin, length in zip(page.numbers(tiff.TILE_OFFSETS), page.numbers(tiff.TILE_BYTE_COUNTS), strict=True):
        page.stream.seek(begin)
        assert page.stream.read(length) in (b"abc", b"d")
    bare = file.page(2)
    assert (bare.bits, bare.photometric, bare.numbers(270), bare.number(266, 1)) == ((1,), None, (), 1)
    assert page.numbers(270) == ()  # text is no number


def test_a_chain_ends_where_it_leads_back_or_out_of_the_file():
    data = bytearray(picture_files.tiff(GREY, GREY))
    link = 8 + 2 + 12 * 7
    (second,) = struct.unpack_from("<I", data, link)
    assert len(read_tiff(io.BytesIO(data)).pages) == 2
    assert len(read_tiff(io.BytesIO(data[:-2])).pages) == 2  # only the end of the last is missing
    struct.pack_into("<I", data, second + 2 + 12 * 7, 8)
    assert len(read_tiff(io.BytesIO(data)).pages) == 2
    for place in (len(data), 2**32 - 1, 9):
        struct.pack_into("<I", data, link, place)
        assert read_tiff(io.BytesIO(data)).pages == (8,)
    big = bytearray(picture_files.tiff(GREY, big=True))
    struct.pack_into("<Q", big, 16 + 8 + 20 * 7, 2**64 - 1)
    assert read_tiff(io.BytesIO(big)).pages == (16,)


def test_a_chain_of_200_000_directories_is_walked_in_one_pass(monkeypatch):
    count = 200_000
    entries = (struct.pack("<HHHIII", 1, 256, 3, 1, 7, 26 + 18 * i) for i in range(count - 1))
    data = b"II*\0\x08\0\0\0" + b"".join(entries) + struct.pack("<HHHIII", 1, 256, 3, 1, 7, 0)
    reads = []

    class Counting(io.BytesIO):
        def read(self, size=-1):
            reads.append(size)
            return super().read(size)

    assert len(read_tiff(Counting(data)).pages) == count
    assert sum(reads) <= 7 * count
    monkeypatch.setattr(tiff, "MAX_PAGES", 1000)
    assert len(read_tiff(io.BytesIO(data)).pages) == 1000


@pytest.mark.parametrize("data", [b"II*\0", b"II*\0\x08\0\0\0\0\0", b"MM\0+\0\x08\0\0" + bytes(8), b"II*\0\0\0\0\0"])
def test_a_file_without_a_page_is_named(data):
    with pytest.raises(ValueError, match="^there is no page in it$"):
        read_tiff(io.BytesIO(data))


def test_values_that_cannot_be_true_are_not_read():
    page = opened({**GREY, 270: b"a description", "below": [GREY]}).page(0)
    entry = page.entries[270]
    for changed, message in (
        (entry._replace(number=tiff.MAX_BYTES + 1), "tag 270 has 16777217 bytes"),
        (entry._replace(position=1 << 31), "tag 270 is cut off"),
    ):
        damaged = tiff.Directory(page.stream, page.layout, {270: changed})
        with pytest.raises(ValueError, match=f"^{message}$"):
            damaged.data(270)
    many = tiff.Directory(page.stream, page.layout, {273: tiff.Entry(4, tiff.MAX_NUMBERS + 1, 8)})
    with pytest.raises(ValueError, match="^tag 273 has 1048577 values$"):
        many.numbers(273)
    nowhere = tiff.Directory(page.stream, page.layout, {330: tiff.Entry(4, 1, 0)})
    with pytest.raises(ValueError, match="^the directory at 2771273 has 0 entries$"):
        nowhere.subdirectories()
