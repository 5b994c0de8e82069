"""Pictures of inks and of LAB: their colours are those that viewers show, and that they changed is told."""

import io
import struct

import numpy as np
import pytest
from PIL import Image, ImageCms

from cnnfilter.imaging.encoding import encode
from cnnfilter.imaging.reading import read
from tests.picture_files import cmyk_icc, icc, noise, saved, tiff

THROUGH = "its CMYK became sRGB through its profile"
GUESSED = "its CMYK became RGB by a plain formula, as it has no profile of CMYK: colours are a guess"

INKS = np.zeros((16, 48, 4), np.uint8)
INKS[:, :16, 0], INKS[:, 16:32, 3], INKS[:, 32:, 3] = 255, 128, 255
"""Cyan, half of black, black."""


def ycck():
    """INKS as Photoshop writes them: turned over, and cyan, magenta and yellow as brightness and hue."""
    hue = np.asarray(Image.fromarray(INKS[..., :3]).convert("YCbCr"))
    stored = np.dstack([hue, 255 - INKS[..., 3]])
    data = bytearray(saved(Image.fromarray(255 - stored, "CMYK"), "JPEG", quality=100, icc_profile=cmyk_icc()))
    data[data.index(b"Adobe") + 11] = 2  # says so
    return bytes(data)


def files():
    image = Image.fromarray(INKS, "CMYK")
    yield "tif", saved(image, "TIFF", icc_profile=cmyk_icc())
    yield "lzw", saved(image, "TIFF", icc_profile=cmyk_icc(), compression="tiff_lzw")
    yield "jpeg", saved(image, "JPEG", icc_profile=cmyk_icc(), quality=100)
    yield "ycck", ycck()
    page = {256: 48, 257: 16, 262: 5, 277: 4, 278: 16, 284: 2, 34675: (7, cmyk_icc())}
    planes = [INKS[..., ink] for ink in range(4)]
    yield "planar", tiff(page | {258: (3, [8] * 4), "data": [plane.tobytes() for plane in planes]})
    deep = [plane.astype("<u2") * 257 for plane in planes]
    yield "16 bits", tiff(page | {258: (3, [16] * 4), "data": [plane.tobytes() for plane in deep]})


@pytest.mark.parametrize(("name", "data"), list(files()))
def test_inks_go_through_their_profile(name, data):
    picture = read(io.BytesIO(data), shared=True, depth=8)
    # L* of 255, 127 and 0 of 255 as sRGB
    np.testing.assert_array_equal(picture.pixels[8, [8, 24, 40]], [[255] * 3, [118] * 3, [0] * 3])
    assert (picture.metadata.icc, picture.notes) == (None, (THROUGH,))
    assert (picture.pixels.dtype, picture.alpha) == (np.uint8, None)
    notes = []
    assert "icc_profile" not in Image.open(io.BytesIO(encode(picture, "PNG", notes=notes))).info
    assert notes == []


def test_a_photo_of_inks_is_turned_upright_in_bands(monkeypatch):
    monkeypatch.setattr("cnnfilter.imaging.decoding.BAND", 100)
    image = Image.fromarray(noise(20, 30, 4), "CMYK")
    exif = Image.Exif()
    exif[274] = 6
    picture = read(io.BytesIO(saved(image, "TIFF", icc_profile=cmyk_icc(), exif=exif)))
    plain = read(io.BytesIO(saved(image, "TIFF", icc_profile=cmyk_icc())))
    np.testing.assert_array_equal(picture.pixels, np.rot90(plain.pixels, -1))


@pytest.mark.parametrize("profile", [None, icc(), b"junk" * 50, cmyk_icc()[:200]])
def test_inks_without_a_profile_of_theirs_are_told_of(profile):
    parameters = {"icc_profile": profile} if profile else {}
    picture = read(io.BytesIO(saved(Image.fromarray(INKS, "CMYK"), "TIFF", **parameters)))
    np.testing.assert_array_equal(picture.pixels[8, [8, 24, 40]], [[0, 255, 255], [127] * 3, [0] * 3])
    assert (picture.metadata.icc, picture.notes) == (None, (GUESSED,))


def test_a_pillow_without_its_library_for_profiles_guesses(monkeypatch):
    def missing(*arguments):
        raise ImportError

    monkeypatch.setattr(ImageCms, "createProfile", missing)
    monkeypatch.setattr(ImageCms, "buildTransform", missing)
    assert read(io.BytesIO(saved(Image.fromarray(INKS, "CMYK"), "TIFF", icc_profile=cmyk_icc()))).notes == (GUESSED,)


def test_lab_becomes_srgb_and_is_told_of():
    samples = bytes([128, 0, 0])  # of L*, and of signed a* and b*
    page = {256: 1, 257: 1, 258: (3, [8, 8, 8]), 262: 8, 277: 3, 278: 1, 34675: (7, icc()), "data": [samples]}
    picture = read(io.BytesIO(tiff(page)))
    np.testing.assert_array_equal(picture.pixels, [[[119] * 3]])
    assert (picture.metadata.icc, picture.notes) == (None, ("its LAB became sRGB",))


def test_the_profile_of_the_tests_is_one():
    profile = ImageCms.ImageCmsProfile(io.BytesIO(cmyk_icc())).profile
    assert (profile.xcolor_space, struct.unpack(">I", cmyk_icc()[:4])[0]) == ("CMYK", len(cmyk_icc()))
