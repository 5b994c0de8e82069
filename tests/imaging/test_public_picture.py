"""`read`, `Picture`, `sheet`, and what a notebook shows."""

import dataclasses
import io
import warnings
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import cnnfilter
from cnnfilter import CnnfilterWarning, Picture, Pipeline, apply, read, sheet
from cnnfilter.imaging.sheet import contact_sheet
from cnnfilter.running.filter import Filter
from tests.command import PHOTO, files, load, save

GREY = PHOTO[..., 0]
ALPHA = np.linspace(0, 255, GREY.size).reshape(GREY.shape).astype(np.uint8)


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(
    ("pixels", "alpha", "name"),
    [
        (PHOTO, None, "a.png"),
        (PHOTO, ALPHA, "a.webp"),
        (GREY, ALPHA, "a.png"),
        (GREY.astype(np.uint16) * 257, None, "a.tif"),
        (GREY / np.float32(255), None, "a.tif"),
        (PHOTO / np.float32(255), None, "a.npy"),
    ],
)
def test_what_is_written_is_read(pixels, alpha, name):
    options = {"lossless": True, "exact": True} if name.endswith("webp") else {}
    Picture(pixels, alpha).write(name, options=options)
    found = read(name)
    np.testing.assert_array_equal(found.pixels, pixels)
    assert found.pixels.dtype == pixels.dtype
    assert (found.alpha is None) == (alpha is None)
    if alpha is not None:
        np.testing.assert_array_equal(found.alpha, alpha)


def test_a_file_is_replaced_only_if_that_is_asked_for():
    save("a.png")
    before = (files(), Path("a.png").read_bytes())
    with pytest.raises(cnnfilter.ExistsError, match=r"^'a\.png' exists already; overwrite=True overwrites it$"):
        Picture(GREY).write("a.png")
    with pytest.raises(cnnfilter.PictureError, match="^PNG cannot hold float grey: write "):
        Picture(GREY.astype(np.float32)).write("a.png", overwrite=True)
    assert (files(), Path("a.png").read_bytes()) == before
    Picture(GREY).write("a.png", overwrite=True)
    np.testing.assert_array_equal(load("a.png"), GREY)
    with pytest.raises(cnnfilter.OutputError, match="^cannot write 'none/a.png': No such file or directory$"):
        Picture(GREY).write("none/a.png")


def test_how_it_is_written():
    picture = Picture(PHOTO)
    picture.write("small.jpg", options={"quality": 10})
    picture.write("large.jpg", options={"quality": "95"})
    sizes = [len(Path(name).read_bytes()) for name in ("small.jpg", "large.jpg")]
    assert sizes[0] * 2 < sizes[1]
    picture.write("a.data", format="png")
    with Image.open("a.data") as image:
        assert image.format == "PNG"
    for how, message in (
        ({"path": "a.data"}, r"^path must end as a picture's does, in \.png or \.jpg, not 'a\.data'; or give format$"),
        ({"path": "b.png", "format": "pgn"}, "^unknown picture format 'pgn'; did you mean pnm, png"),
        ({"path": "b.png", "options": {"quality": 1}}, "^PNG has no save option 'quality'"),
        ({"path": "b.jpg", "options": {"quality": 101}}, "^save option quality of JPEG takes a whole number from 1 to"),
        ({"path": "b.jpg", "strip": "some"}, "^strip must be all or privacy, not 'some'$"),
    ):
        with pytest.raises(cnnfilter.ArgumentError, match=message):
            picture.write(**how)
    assert files() == ["a.data", "large.jpg", "small.jpg"]


def test_what_is_not_kept_is_told():
    image = Image.fromarray(PHOTO)
    exif = Image.Exif()
    exif[0x010E] = "a title"
    image.save("a.jpg", exif=exif)
    picture = read("a.jpg")
    with pytest.warns(CnnfilterWarning, match="^b.bmp: not kept in BMP: EXIF"):
        picture.write("b.bmp")
    picture.write("c.png")
    picture.write("d.png", strip="all")
    with Image.open("c.png") as kept, Image.open("d.png") as stripped:
        assert kept.getexif()[0x010E] == "a title"
        assert not stripped.getexif()
    with pytest.warns(CnnfilterWarning, match="^e.jpg: quality=keep is for"):
        Picture(PHOTO).write("e.jpg", options={"quality": "keep"})


def test_one_of_several_frames():
    Image.fromarray(GREY).save("a.tif", save_all=True, append_images=[Image.fromarray(GREY[::-1])])
    with pytest.warns(CnnfilterWarning, match="^a.tif: first of 2 frames; frame=N picks another, counted from 0$"):
        assert read("a.tif").frames == 2
    np.testing.assert_array_equal(read("a.tif", frame=1).pixels, GREY[::-1])


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ({"path": "none.png"}, "^none.png: no such file$"),
        ({"path": "."}, "^.: is a directory$"),
        ({"path": "a.png", "frame": 3}, "^a.png: there is no frame 3: the file has 1, counted from 0$"),
        ({"path": "a.png", "max_pixels": 100}, "^a.png: 45x30 is 1,350 pixels, .* and max_pixels=1350 accepts it$"),
        ({"path": "deep.tif"}, "^deep.tif: 16-bit colour can only be read reduced to 8 bits; depth=8 accepts that$"),
    ],
)
def test_what_cannot_be_read(how, message):
    save("a.png")
    if how["path"] == "deep.tif":
        import cv2

        cv2.imwrite("deep.tif", PHOTO.astype(np.uint16) * 257)
        assert read("deep.tif", depth=8).pixels.dtype == np.uint8
    with pytest.raises(cnnfilter.PictureError, match=message):
        read(**how)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"frame": -1}, "^frame must be at least 0, not -1$"),
        ({"max_pixels": 0}, "^max_pixels must be at least 1, not 0$"),
        ({"depth": 16}, "^depth must be at most 8, not 16$"),
    ],
)
def test_arguments_of_reading_are_checked(arguments, message):
    save("a.png")
    with pytest.raises(cnnfilter.ArgumentError, match=message):
        read("a.png", **arguments)


@pytest.mark.parametrize(
    ("pixels", "alpha", "message"),
    [
        (GREY.astype(np.float64), None, r"^pixels must be an array \(H, W\) .* not float64 of shape \(30, 45\)$"),
        (GREY[0], None, r"^pixels must be .* not uint8 of shape \(45,\)$"),
        (GREY[:0], None, r"^pixels must be .* not uint8 of shape \(0, 45\)$"),
        ([[1]], None, r"^pixels must be .* not \[\[1\]\]$"),
        (GREY, ALPHA[:5], r"^alpha must be an array of \(30, 45\) of uint8, as the pixels are, not uint8 of shape"),
        (GREY, ALPHA.astype(np.uint16), "^alpha must be an array of .* not uint16 of shape"),
    ],
)
def test_what_is_no_picture(pixels, alpha, message):
    with pytest.raises(cnnfilter.ArgumentError, match=message):
        Picture(pixels, alpha)


def test_a_picture_for_a_picture():
    picture = Picture(PHOTO, ALPHA)
    filtered = apply(picture, "sharpen", range="abs")
    expected = Filter(cnnfilter.get_kernel("sharpen"), range="abs").run(PHOTO, ALPHA)
    assert type(filtered) is Picture
    np.testing.assert_array_equal(filtered.pixels, expected.pixels)
    np.testing.assert_array_equal(filtered.alpha, ALPHA)
    opaque = apply(Picture(PHOTO), "sharpen", stride=2)
    np.testing.assert_array_equal(opaque.pixels, apply(PHOTO, "sharpen", stride=2))
    assert opaque.alpha is None
    assert repr(filtered) == "Picture of 30x45x3 uint8 with alpha"
    np.testing.assert_array_equal(np.asarray(opaque), opaque.pixels)


def shown(picture):
    return np.asarray(Image.open(io.BytesIO(picture._repr_png_())))


def test_a_notebook_shows_a_picture():
    np.testing.assert_array_equal(shown(Picture(PHOTO)), PHOTO)
    np.testing.assert_array_equal(shown(Picture(PHOTO, ALPHA)), np.dstack([PHOTO, ALPHA]))
    np.testing.assert_array_equal(shown(Picture(PHOTO.astype(np.uint16) * 257)), PHOTO)
    np.testing.assert_array_equal(
        shown(Picture(GREY.astype(np.uint16) * 257, ALPHA.astype(np.uint16) * 257))[..., 0], GREY
    )
    floats = np.array([[-1, 0, 0.5], [1, 7, np.nan]], np.float32)
    np.testing.assert_array_equal(shown(Picture(floats)), [[0, 0, 128], [255, 255, 0]])
    assert Picture(PHOTO[..., :2])._repr_png_() is None


def test_what_a_notebook_shows_holds_nothing_else_of_the_file():
    exif = Image.Exif()
    exif[0x010E] = "a title"
    Image.fromarray(PHOTO).save("a.jpg", exif=exif)
    assert b"a title" not in read("a.jpg")._repr_png_()


def test_a_sheet():
    maps = Pipeline.parse("conv:sobel-x+sobel-y,relu")(GREY)
    made = sheet(maps, titles=["x", "y"], scaling="global", columns=1)
    expected = contact_sheet(maps, titles=["x", "y"], scaling="global", columns=1)
    np.testing.assert_array_equal(made.pixels, expected.pixels)
    assert type(made) is Picture
    assert made.notes == expected.notes
    assert made._repr_png_()[:4] == b"\x89PNG"
    np.testing.assert_array_equal(sheet(maps[0]).pixels, sheet(maps[:1]).pixels)


def test_numbers_that_have_no_room_on_a_sheet():
    maps = np.float32([[[1.5, 2], [3, -4], [5, 6]]])
    with pytest.raises(cnnfilter.ShapeError, match=r"; cell=\d+ makes room$") as error:
        sheet(maps, cell=5, numbers=True)
    cell = int(str(error.value).partition("cell=")[2].split()[0])
    assert sheet(maps, cell=cell, numbers=True).pixels.size
    with pytest.raises(cnnfilter.ShapeError, match="do not fit"):
        sheet(maps, cell=cell - 1, numbers=True)


def test_tables_of_networks_with_names_and_branches():
    network = Pipeline.parse("relu:as=<x>,tanh:as=y,from:in,abs,add:<x>+y")
    text = network._repr_html_()
    assert text.startswith("<table><tr><th>NODE</th><th>NAME</th><th>STAGE</th><th>READS</th></tr>")
    assert "<tr><td>3</td><td></td><td>abs</td><td>in</td></tr>" in text
    text = network.plan((5, 5, 1))._repr_html_()
    assert "<th>READS</th><th>INPUT</th>" in text
    assert "<tr><td>1</td><td>&lt;x&gt;</td><td>relu</td><td></td><td>5x5x1</td>" in text
    assert "<td>add:&lt;x&gt;+y</td><td></td><td>5x5x1</td>" in text


def test_a_table_of_stages_and_one_of_sizes():
    chain = Pipeline.parse("conv:0 1; 1 0,relu,maxpool:2")
    assert chain._repr_html_() == (
        "<table><tr><th></th><th>STAGE</th></tr><tr><td>1</td><td>conv:0 1; 1 0</td></tr>"
        "<tr><td>2</td><td>relu</td></tr><tr><td>3</td><td>maxpool:2</td></tr></table>"
    )
    plan = chain.plan((5, 5, 1))
    text = plan._repr_html_()
    assert text.count("<tr>") == len(plan) + 1 == 4
    assert "<tr><td>relu</td><td>4x4x1</td><td>4x4x1</td><td>0</td><td>0</td><td>2x2</td><td>1</td><td></td>" in text
    assert "floor((4 + 2*0 - 2)/2) + 1 = 2" in text
    assert "<br>" in Pipeline.parse("maxpool:2x3").plan((8, 8, 1))._repr_html_()
    assert plan == tuple(plan)


@pytest.mark.parametrize("name", ["<script>alert(1)</script>.npy", "a&b.npy", 'a"b.npy', "a\x1b[31mb.npy"])
def test_a_table_holds_no_more_than_text(name):
    text = Pipeline.parse(f"conv:{name}")._repr_html_()
    for cut in ("<table>", "</table>", "<tr>", "</tr>", "<td>", "</td>", "<th>", "</th>"):
        text = text.replace(cut, "")
    assert "<" not in text
    assert ">" not in text
    assert text.isprintable()
    assert '"' not in text


def test_a_pipeline_is_called_as_it_runs():
    chain = Pipeline.parse("conv:sobel,relu,maxpool:2")
    np.testing.assert_array_equal(chain(PHOTO, threads=1), chain.run(PHOTO))
    record = chain.explain(PHOTO, at=(3, 4, 1))
    assert record["value"] == pytest.approx(chain(PHOTO)[1, 3, 4])
    assert record["at"] == [3, 4, 1]
    with pytest.raises(cnnfilter.ArgumentError, match="^no value at 99,0: the result is 14x21x3"):
        chain.explain(PHOTO, at=(99, 0))
    with pytest.raises(cnnfilter.ArgumentError, match="^one picture is taken at a time here: image is a batch of 2$"):
        chain.explain(np.zeros((2, 1, 9, 9)), at=(0, 0))


def test_nothing_is_warned_of_without_need():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        Picture(PHOTO, ALPHA).write("a.png")
        assert dataclasses.replace(read("a.png"), alpha=None).alpha is None
