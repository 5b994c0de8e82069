"""What may take the place of a file, and what is kept by it."""

import io
import struct

import cv2
import numpy as np
import pytest
from PIL import Image

from cnnfilter import apply
from cnnfilter.imaging.reading import read
from tests.command import PHOTO, done, failed, files, load, run, save
from tests.picture_files import FEW, png, saved

GREY = PHOTO[..., 1].copy()


@pytest.fixture(autouse=True)
def _folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("name", ["a.tif", "a.png", "a.jpg", "a.webp", "a.bmp"])
def test_a_chain_in_place_keeps_format_depth_and_pages(name):
    save(name)
    before = load(name)
    assert run("run", "conv:gaussian:padding=same", name, "--in-place").exit_code == 0
    with Image.open(name) as image:
        assert (image.mode, image.size, getattr(image, "n_frames", 1)) == ("RGB", (45, 30), 1)
        if name not in ("a.jpg", "a.webp"):
            np.testing.assert_array_equal(np.asarray(image), apply(before, "gaussian", border="zeros"))


def test_16_bits_stay_16_in_place():
    save("deep.tif", GREY.astype(np.uint16) * 257)
    done("run", "conv:box:padding=same:border=replicate", "deep.tif", "--in-place")
    deep = cv2.imread("deep.tif", cv2.IMREAD_UNCHANGED)
    np.testing.assert_array_equal(deep, apply(GREY.astype(np.uint16) * 257, "box"))


@pytest.mark.parametrize("pixels", [PHOTO, GREY, GREY.astype(np.float32) / 7], ids=["RGB", "grey", "floats"])
def test_an_array_in_place_keeps_its_shape_and_type(pixels):
    np.save("a.npy", pixels)
    done("run", "conv:box:padding=same:border=replicate", "a.npy", "--in-place")
    written = np.load("a.npy")
    assert written.dtype == pixels.dtype
    np.testing.assert_allclose(written, apply(pixels, "box"), rtol=1e-6)


def test_maps_that_make_no_picture_replace_none():
    save("a.png", GREY)
    save("b.tif", PHOTO)
    result = run("run", "conv:box,softmax", "a.png", "b.tif", "--in-place")
    line = "b.tif: in place, its maps make no picture of the same kind; write them elsewhere"
    assert result.exit_code == 1
    assert f"cnnfilter: error: {line}" in result.messages


def test_a_file_in_place_keeps_its_format_whatever_its_name():
    save("odd.jpg", format="PNG")
    save("none", format="PNG")
    done("apply", "box", "odd.jpg", "none", "--in-place", "--save-option", "compress_level=9")
    for name in ("odd.jpg", "none"):
        with Image.open(name) as image:
            assert image.format == "PNG"
            np.testing.assert_array_equal(np.asarray(image), apply(PHOTO, "box"))


def pyramid(*, damaged=False):
    """A TIFF whose page has a smaller copy in a directory below it."""
    data = bytearray(saved(Image.fromarray(GREY), "TIFF"))
    (at,) = struct.unpack_from("<I", data, 4)
    (count,) = struct.unpack_from("<H", data, at)
    entries = bytes(data[at + 2 : at + 2 + 12 * count])
    copy = len(data) + 1000 * damaged
    data += struct.pack("<H", count) + entries + bytes(4)
    sub = struct.pack("<HHII", 330, 4, 1, copy)
    more = sorted(
        [entries[i : i + 12] for i in range(0, len(entries), 12)] + [sub], key=lambda e: int.from_bytes(e[:2], "little")
    )
    data[4:8] = struct.pack("<I", len(data))
    return bytes(data + struct.pack("<H", count + 1) + b"".join(more) + bytes(4))


def mpo():
    return saved(Image.fromarray(PHOTO), "MPO", save_all=True, append_images=[Image.fromarray(255 - PHOTO)])


def pages():
    return saved(Image.fromarray(PHOTO), "TIFF", save_all=True, append_images=[Image.fromarray(GREY)])


def icon(*sides):
    return saved(Image.fromarray(np.resize(PHOTO, (48, 48, 3))), "ICO", sizes=[(side, side) for side in sides])


@pytest.mark.parametrize(
    ("name", "data", "lost"),
    [
        ("a.jpg", mpo(), "its 1 other picture"),
        ("a.ico", icon(16, 32, 48), "its 2 other sizes"),
        ("a.tif", pyramid(), "its 1 smaller copy"),
        ("a.tif", pages(), "1 of its 2 frames"),
    ],
)
def test_what_a_result_in_place_would_lose_is_told(name, data, lost):
    with open(name, "wb") as file:  # noqa: PTH123
        file.write(data)
    for command in (("box",), ("conv:box",)):
        line = failed(*command, name, "--in-place", command="apply" if command == ("box",) else "run")
        assert line == f"{name}: in place, {lost} would be lost; write it elsewhere"
    with open(name, "rb") as file:  # noqa: PTH123
        assert file.read() == data
    result = done("apply", "identity", name, "-o", "elsewhere.png")
    note = f"{lost} {'are' if '2' in lost else 'is'} left out"
    if "frames" in lost:
        note = "first of 2 frames; --frame picks another, counted from 0, or all"
    assert result.messages[0] == f"warning: {name}: {note}"


def test_a_copy_outside_of_the_file_is_none():
    assert read(io.BytesIO(pyramid(damaged=True))).notes == ()


@pytest.mark.parametrize("kind", ["bmp", "png"])
def test_an_icon_of_one_size_is_replaced(kind):
    Image.fromarray(np.resize(PHOTO, (48, 48, 3))).save("a.ico", sizes=[(48, 48)], bitmap_format=kind)
    done("apply", "box", "a.ico", "--in-place")
    with Image.open("a.ico") as image:
        assert image.info["sizes"] == {(48, 48)}
    with open("a.ico", "rb") as file:  # noqa: PTH123
        assert (b"PNG" in file.read()) is (kind == "png")


@pytest.mark.parametrize(
    ("name", "data", "kind"),
    [
        ("a.jpg", saved(Image.fromarray(PHOTO).convert("CMYK"), "JPEG"), "CMYK would become 8-bit colour"),
        ("a.tif", saved(Image.fromarray(GREY.astype(np.int32)), "TIFF"), "32-bit"),
        ("a.png", saved(Image.fromarray(FEW > 2), "PNG"), "black and white would become 8-bit grey"),
        ("a.pbm", saved(Image.fromarray(FEW > 2), "PPM"), "black and white would become 8-bit grey"),
        ("a.png", png(FEW % 4, 0, bits=2), "2-bit grey would become 8-bit grey"),
    ],
)
def test_a_picture_of_another_kind_is_not_replaced(name, data, kind):
    with open(name, "wb") as file:  # noqa: PTH123
        file.write(data)
    result = run("apply", "box", name, "--in-place")
    assert result.exit_code == 1
    line = result.messages[-1]
    assert line.startswith(f"cnnfilter: error: {name}: in place, {kind}")
    assert line.endswith("; write it elsewhere")
    with open(name, "rb") as file:  # noqa: PTH123
        assert file.read() == data


@pytest.mark.parametrize("name", ["a.png", "a.bmp", "a.tif", "a.pbm"])
def test_black_and_white_is_replaced_by_such(name):
    Image.fromarray(FEW > 2).save(name)
    done("run", "maxpool:3:stride=1:padding=1", name, "--in-place")
    with Image.open(name) as image:
        assert image.mode == "1"
        np.testing.assert_array_equal(np.asarray(image), cv2.dilate((FEW > 2).astype(np.uint8), np.ones((3, 3))))


def test_floats_of_64_bits_are_not_replaced_by_such_of_32():
    np.save("a.npy", GREY / 7)
    result = run("apply", "box", "a.npy", "--in-place")
    assert (result.exit_code, result.messages) == (1, [
        "warning: a.npy: float64 was read as float32",
        "cnnfilter: error: a.npy: in place, float64 would become float grey; write it elsewhere",
    ])  # fmt: skip


def test_a_chain_in_place_loses_no_transparency():
    save("a.png", np.dstack([PHOTO, GREY]))
    line = "a.png: in place, its transparency would be lost; write it elsewhere"
    assert failed("conv:box", "a.png", "--in-place", command="run") == line
    assert files() == ["a.png"]
