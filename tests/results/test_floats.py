"""Floats in and out: a picture stays what it is until a person asks for the numbers, or for a range of them."""

import cv2
import numpy as np
import pytest
from PIL import Image

from cnnfilter import Pipeline, apply
from tests.command import PHOTO, done, failed, load, refused, save

GREY = PHOTO[..., 1].copy()
FLOATS = (GREY / 255).astype(np.float32)


@pytest.fixture(autouse=True)
def _folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    save("photo.tif")
    save("photo.png")
    save("grey.tif", GREY)
    save("floats.tif", FLOATS)
    np.save("floats.npy", FLOATS)
    np.save("colours.npy", (PHOTO / 255).astype(np.float32))


def opened(name):
    """The pages of a TIFF, or one, by another library than the product's."""
    _, pages = cv2.imreadmulti(name, flags=cv2.IMREAD_UNCHANGED)
    pages = [page[..., ::-1] if page.ndim == 3 else page for page in pages]
    return pages[0] if len(pages) == 1 else np.array(pages)


# A TIFF of 8 bits


@pytest.mark.parametrize("output", [(), ("-o", "out.tif"), ("-o", "{name}-chain.tif"), ("--format", "tiff")])
@pytest.mark.parametrize("name", ["photo.tif", "grey.tif"])
def test_a_tiff_stays_a_picture_of_its_kind_however_it_is_named(name, output):
    done("run", "conv:gaussian:padding=same", name, *output)
    written = opened("out.tif" if "out.tif" in output else name.replace(".tif", "-chain.tif"))
    expected = apply(load(name), "gaussian", border="zeros")
    assert written.dtype == np.uint8
    np.testing.assert_array_equal(written, expected)


def test_another_picture_becomes_a_tiff_of_8_bits():
    done("run", "gray,conv:box", "photo.png", "-o", "out.tif")
    assert opened("out.tif").dtype == np.uint8


@pytest.mark.parametrize(("stages", "pages"), [("conv:gaussian", 3), ("gray,conv:gaussian", 1)])
def test_floats_are_pages_of_a_tiff_on_request(stages, pages):
    done("run", stages, "photo.tif", "--depth", "float", "-o", "out.tif")
    written = opened("out.tif").reshape(pages, 28, 43)
    np.testing.assert_array_equal(written, Pipeline.parse(stages).run(PHOTO))


def test_floats_have_a_format_of_their_own():
    done("run", "gray,conv:laplacian", "photo.tif", "--depth", "float")
    np.testing.assert_array_equal(np.load("photo-chain.npy"), Pipeline.parse("gray,conv:laplacian").run(PHOTO))
    done("apply", "laplacian", "photo.png", "--depth", "float")
    laplacian = cv2.Laplacian(PHOTO, cv2.CV_32F, borderType=cv2.BORDER_REPLICATE)
    np.testing.assert_array_equal(np.load("photo-laplacian.npy"), laplacian)
    assert laplacian.min() < 0


@pytest.mark.parametrize("name", ["out.tif", "out.pfm"])
def test_a_filter_writes_floats_where_one_channel_has_room(name):
    done("apply", "laplacian", "grey.tif", "--depth", "float", "-o", name)
    laplacian = cv2.Laplacian(GREY, cv2.CV_32F, borderType=cv2.BORDER_REPLICATE)
    np.testing.assert_array_equal(cv2.imread(name, cv2.IMREAD_UNCHANGED), laplacian)
    done("run", "conv:laplacian:padding=same", "grey.tif", "--depth", "float", "-o", name, "-f")
    assert cv2.imread(name, cv2.IMREAD_UNCHANGED).dtype == np.float32


def test_transparency_beside_floats_goes_from_0_to_1():
    cover = np.where(np.arange(45) < 20, 51, 255).astype(np.uint8) * np.ones((30, 1), np.uint8)
    save("cover.png", np.dstack([PHOTO, cover]))
    done("apply", "identity", "cover.png", "--depth", "float")
    written = np.load("cover-identity.npy")
    np.testing.assert_allclose(written[..., :3], PHOTO, rtol=1e-6)
    np.testing.assert_array_equal(written[..., 3], cover / np.float32(255))


def test_where_floats_have_no_room_is_told_before_any_work():
    line = "'out.png': PNG holds no floats, which --depth float asks for; write .npy, .csv, .tif or .pfm"
    assert refused("edge", "photo.tif", "--depth", "float", "-o", "out.png") == line
    assert refused("conv:edge", "photo.tif", "--depth", "float", "-o", "out.png", command="run") == line
    line = "an .npz holds the values of a chain, and no picture; write .npy"
    assert refused("edge", "photo.tif", "--depth", "float", "--format", "npz") == line
    line = "photo.tif: TIFF cannot hold float colour: write .npy"
    assert failed("edge", "photo.tif", "--depth", "float", "-o", "out.tif") == line
    line = "--in-place keeps the depth, and --depth float changes it; give one of them; see cnnfilter apply --help"
    assert refused("edge", "photo.tif", "--depth", "float", "--in-place") == line


def test_floats_count_for_the_limit_on_memory():
    np.save("large.npy", np.zeros((300, 400), np.uint8))
    done("apply", "box", "large.npy", "--memory", "1M")
    line = "large.npy: it takes about 2 MB of memory, more than the limit of 1 MB; see --memory"
    assert failed("box", "large.npy", "--memory", "1M", "--depth", "float", "-o", "x.npy") == line


# A picture of floats


@pytest.mark.parametrize("command", [("apply", "sobel-x"), ("run", "conv:sobel-x:padding=same:border=replicate")])
@pytest.mark.parametrize("name", ["floats.tif", "floats.npy", "colours.npy"])
@pytest.mark.parametrize("range_", ["normalize", "center", "abs"])
def test_a_range_of_floats_makes_8_bits_where_the_format_needs_them(command, name, range_):
    done(*command, name, "--range", range_, "-o", "out.png")
    picture = opened(name) if name == "floats.tif" else np.load(name)
    sobel = cv2.Sobel(picture.astype(np.float64), cv2.CV_64F, 1, 0, borderType=cv2.BORDER_REPLICATE)
    exact = {
        "normalize": (sobel - sobel.min()) / (sobel.max() - sobel.min()),
        "center": sobel / (2 * abs(sobel).max()) + 0.5,
        "abs": abs(sobel).clip(0, 1),
    }[range_] * 255
    written = load("out.png")
    assert written.dtype == np.uint8
    assert abs(written - exact).max() <= 0.501


def test_values_beyond_white_are_told():
    result = done("apply", "sobel-x", "floats.tif", "--range", "abs", "-o", "out.jpg")
    largest = abs(cv2.Sobel(FLOATS, cv2.CV_32F, 1, 0, borderType=cv2.BORDER_REPLICATE)).max()
    assert result.messages[0] == (
        f"warning: floats.tif: 1 is white in a picture of floats: up to {largest:.3g} is cut off; --range normalize "
        "shows all"
    )
    assert len(done("apply", "box", "floats.tif", "--range", "abs", "-o", "box.jpg").messages) == 1


def test_a_range_leaves_floats_alone_where_the_format_holds_them():
    done("apply", "sobel-x", "floats.tif", "--range", "normalize")
    written = opened("floats-sobel-x.tif")
    assert (written.dtype, written.min(), written.max()) == (np.float32, 0, 1)


def test_a_way_from_floats_to_pictures_is_named():
    line = failed("sobel-x", "floats.tif", "-o", "out.png")
    assert line.endswith("write .tif, .pfm or .npy, or make 8 bits of it with --range normalize")
    with Image.open("floats.tif") as image:
        assert image.mode == "F"
