"""PNG whose rows are stored as they are: only where that costs nothing, and read back by everybody."""

import io
import struct
import zlib

import cv2
import numpy as np
import pytest
from PIL import Image

from cnnfilter import apply
from cnnfilter.imaging import unfiltered
from cnnfilter.imaging.encoding import encode
from cnnfilter.imaging.metadata import Metadata
from cnnfilter.imaging.picture import Picture
from cnnfilter.imaging.reading import read
from tests.command import ROOT
from tests.picture_files import UPRIGHT_XMP, exif, icc, noise, saved


def chunks(data):
    """The chunks of a PNG by their kind, and check their sums."""
    found, at = {}, 8
    while at < len(data):
        (length,), kind = struct.unpack_from(">I", data, at), data[at + 4 : at + 8]
        content = data[at + 8 : at + 8 + length]
        assert struct.unpack_from(">I", data, at + 8 + length) == (zlib.crc32(kind + content),)
        found.setdefault(kind, []).append(content)
        at += length + 12
    return found


def filters(data):
    """The filters of a PNG's rows."""
    found = chunks(data)
    width, height, depth, colour = struct.unpack_from(">IIBB", found[b"IHDR"][0])
    length = width * {0: 1, 2: 3}[colour] * depth // 8 + 1
    rows = zlib.decompress(b"".join(found[b"IDAT"]))
    assert len(rows) == height * length
    return set(rows[::length])


@pytest.mark.parametrize(
    "shape", [(1, 1), (5, 7), (1, 300), (300, 1), (40, 50, 3), (1, 1, 3), (3, 7, 1), (700, 801, 3)]
)
def test_it_is_read_back_by_everybody(shape):
    pixels = noise(*shape)
    data = unfiltered.encode(pixels, lambda image: saved(image, "PNG"))
    assert filters(data) == {0}
    assert b"PLTE" not in chunks(data)
    flat = pixels[..., 0] if shape[2:] == (1,) else pixels
    image = Image.open(io.BytesIO(data))
    assert image.mode == ("RGB" if flat.ndim == 3 else "L")
    np.testing.assert_array_equal(np.asarray(image), flat)
    other = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    np.testing.assert_array_equal(other[..., ::-1] if flat.ndim == 3 else other, flat)


def graphics():
    """Pictures that are no photographs: what runs and repeats, and parts of one that differ."""
    rows, columns = np.indices((600, 800))
    for side in (1, 2, 3, 4, 7):
        yield f"checks of {side}", ((rows // side + columns // side) % 2 * 255).astype(np.uint8)
        yield f"stripes of {side}", (rows // side % 2 * 255).astype(np.uint8)
    photograph = np.asarray(Image.open(ROOT / "samples" / "chelsea.png"))
    edges = apply(photograph, "edge")
    bar, ramp = np.zeros_like(edges), np.zeros_like(edges)
    bar[:], ramp[..., 0] = (200, 30, 90), np.linspace(0, 255, edges.shape[1])
    yield "edges above a bar", np.concatenate([edges, bar[:90]])
    yield "edges above a ramp", np.concatenate([edges, ramp[:200]])
    yield "edges beside a photograph", np.hstack([edges, photograph])
    yield "one colour", bar
    yield "noise", noise(300, 400, 3)


def photographs():
    for name in ("chelsea.png", "camera.png", "coffee.jpg"):
        for kernel in ("identity", "edge", "laplacian", "box", "gaussian:sigma=3", "emboss", "sobel", "log"):
            yield f"{kernel} of {name}", apply(np.asarray(Image.open(ROOT / "samples" / name)), kernel)


@pytest.mark.parametrize(
    ("name", "pixels"), [*graphics(), *photographs()], ids=lambda value: value if isinstance(value, str) else ""
)
def test_no_picture_grows(name, pixels):
    tried = saved(Image.fromarray(pixels), "PNG", compress_level=1, compress_type=3)
    data = encode(Picture(pixels), "PNG")
    assert len(data) <= 1.03 * len(tried) + 40
    if name.startswith(("edge of", "laplacian of", "noise")):
        assert filters(data) == {0}


def test_metadata_stays():
    metadata = Metadata(exif=exif()[6:], icc=icc(), xmp=UPRIGHT_XMP, dpi=(300.0, 300.0))
    for strip in (None, "all"):
        data = encode(Picture(noise(90, 150, 3), metadata=metadata), "PNG", strip=strip)
        kept = read(io.BytesIO(data)).metadata
        assert (kept.icc, kept.xmp) == ((None, None) if strip else (metadata.icc, metadata.xmp))
        assert (kept.exif is None) is (strip == "all")
        assert (b"pHYs" in chunks(data)) is (strip is None)
        assert filters(data) == {0}


@pytest.mark.parametrize(
    ("picture", "options"),
    [
        (Picture(noise(90, 150, 3), noise(90, 150)), {}),
        (Picture(noise(90, 150, dtype="uint16")), {}),
        (Picture(noise(90, 150, 3)), {"compress_type": "3"}),
        (Picture(noise(90, 150, 3)), {"compress_level": "9"}),
    ],
    ids=["alpha", "16 bits", "a type", "a level"],
)
def test_all_else_is_left_to_pillow(picture, options, monkeypatch):
    monkeypatch.delattr("cnnfilter.imaging.unfiltered.encode")
    result = read(io.BytesIO(encode(picture, "PNG", options=options)))
    np.testing.assert_array_equal(result.pixels, picture.pixels)


def test_a_view_is_written_as_it_looks():
    pixels = noise(90, 150, 3).transpose(1, 0, 2)[::-1]
    np.testing.assert_array_equal(read(io.BytesIO(encode(Picture(pixels), "PNG"))).pixels, pixels)
