"""Pixels in Pillow's memory: the same results as copies, and memory that lasts as long as it is looked at."""

import gc
import io
import os
import subprocess
import weakref

import numpy as np
import pytest
from PIL import Image

from cnnfilter import get_kernel
from cnnfilter.imaging.encoding import encode
from cnnfilter.imaging.reading import read
from cnnfilter.results.pictures import FilterTask
from cnnfilter.running.filter import Filter
from cnnfilter.runtime import pillow
from tests.command import COMMAND, ROOT
from tests.picture_files import exif, icc, noise, saved

HEIGHT, WIDTH = 200, 210
PIXELS = noise(HEIGHT, WIDTH, 3)
COFFEE = ROOT / "samples" / "coffee.jpg"


def image():
    return Image.fromarray(PIXELS)


def several_blocks(monkeypatch):
    def refuse(self, schema=None):
        msg = "Image is in multiple array blocks"
        raise ValueError(msg)

    monkeypatch.setattr(Image.Image, "__arrow_c_array__", refuse)


def test_pixels_are_those_of_the_image_where_they_lie():
    one = image()
    pixels = pillow.shared(one)
    np.testing.assert_array_equal(pixels, PIXELS)
    assert pixels.strides == (4 * WIDTH, 4, 1)
    one.putpixel((3, 2), (7, 8, 9))
    assert pixels[2, 3].tolist() == [7, 8, 9]
    assert pillow.whole(pixels).shape == (HEIGHT, WIDTH, 4)
    assert np.shares_memory(pillow.whole(pixels), pixels)


def test_the_memory_lasts_as_long_as_any_view_of_it():
    one = image()
    gone = weakref.ref(one)
    row = pillow.shared(one)[5]
    del one
    gc.collect()
    others = [Image.new("RGB", (WIDTH, HEIGHT), "white") for _ in range(20)]
    np.testing.assert_array_equal(row, PIXELS[5])
    assert gone() is not None
    del row
    gc.collect()
    assert gone() is None
    assert len(others) == 20


def test_what_is_not_all_of_an_image_is_taken_for_any_array():
    pixels = pillow.shared(image())
    shifted = pillow.whole(pixels)[..., 1:]
    for part in (shifted, pixels[1:], pixels[:, ::-1], pixels[..., ::-1], pixels[..., 0], pixels.copy(), PIXELS):
        assert pillow.whole(part) is None
        assert pillow.image_of(part) is None
        np.testing.assert_array_equal(pillow.contiguous(part), part)
    result = pillow.contiguous(pixels)
    assert result.flags.c_contiguous
    np.testing.assert_array_equal(result, PIXELS)


def test_what_cannot_be_shared_is_not(monkeypatch):
    assert pillow.shared(Image.new("L", (3, 2))) is None
    assert pillow.empty((3, 2), np.uint8).shape == (3, 2)
    assert pillow.image_of(pillow.empty((3, 2, 4), np.uint8)[..., :3]).size == (2, 3)
    assert pillow.image_of(pillow.empty((3, 2, 4), np.uint16)[..., :3]) is None
    several_blocks(monkeypatch)
    assert pillow.shared(image()) is None
    assert pillow.empty((3, 2, 4), np.uint8).shape == (3, 2, 4)
    monkeypatch.delattr(Image.Image, "__arrow_c_array__")
    assert pillow.shared(image()) is None


def test_an_image_out_of_a_file_is_not_written_again_as_it_is():
    """What the file said beside its pixels would come along."""
    data = saved(image(), "JPEG", exif=exif(), icc_profile=icc())
    picture = read(io.BytesIO(data), shared=True)
    assert pillow.whole(picture.pixels) is not None
    assert pillow.image_of(picture.pixels) is None
    again = read(io.BytesIO(encode(picture, "PNG", strip="all")))
    np.testing.assert_array_equal(again.pixels, picture.pixels)
    assert (again.metadata.exif, again.metadata.icc) == (None, None)


def test_only_colours_that_stay_as_they_are_are_shared():
    for source, is_shared in (
        (saved(image(), "JPEG"), True),
        (saved(image(), "PNG"), True),
        (saved(image(), "JPEG", exif=exif(6)), False),
        (saved(image().convert("L"), "JPEG"), False),
        (saved(image().convert("CMYK"), "JPEG"), False),
        (saved(image().convert("RGBA"), "PNG"), False),
    ):
        shared, copied = (read(io.BytesIO(source), shared=asked) for asked in (True, False))
        assert (pillow.whole(shared.pixels) is not None) == is_shared
        assert copied.pixels.flags.c_contiguous
        np.testing.assert_array_equal(shared.pixels, copied.pixels)


@pytest.mark.parametrize("format", ["JPEG", "PNG", "TIFF", "WEBP", "BMP", "NPY"])
@pytest.mark.parametrize(
    ("kernel", "options"),
    [
        ("edge", {}),
        ("sobel", {"range": "abs", "stride": 2}),
        ("box:size=5", {"padding": 30}),
        ("gaussian:sigma=3", {}),
        ("laplacian", {"range": "center"}),
        ("emboss", {"border": "constant=0.5", "bias": 7}),
    ],
)
def test_results_are_those_of_copies(kernel, options, format):
    kernel_filter = Filter(get_kernel(kernel), **options)
    task = FilterTask(kernel_filter)
    shared, copied = (task.transform(read(COFFEE, shared=asked)).picture for asked in (True, False))
    np.testing.assert_array_equal(shared.pixels, copied.pixels)
    assert encode(shared, format) == encode(copied, format)
    light = options.get("range") != "center" and kernel != "gaussian:sigma=3"
    assert (pillow.image_of(shared.pixels) is not None) == kernel_filter.is_light == light


def test_clipped_values_are_counted_of_colours_alone():
    task = FilterTask(Filter(get_kernel("edge")), count_clipped=True)
    counted = [task.transform(read(COFFEE, shared=asked)) for asked in (True, False)]
    assert counted[0].clipped == counted[1].clipped > 0


def test_a_command_writes_the_same_where_nothing_can_be_shared(tmp_path):
    """With blocks too small for a picture, it is copied."""
    outputs = []
    for size in ("64m", "4k"):
        output = tmp_path / f"{size}.jpg"
        command = [*COMMAND, "apply", "edge", str(COFFEE), "-o", str(output), "-q"]
        subprocess.run(command, check=True, env={**os.environ, "PILLOW_BLOCK_SIZE": size})
        outputs.append(output.read_bytes())
    assert outputs[0] == outputs[1]
