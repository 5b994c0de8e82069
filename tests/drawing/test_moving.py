"""A window that moves: a figure for each place, with what it covers marked and what it makes filled in."""

import io

import numpy as np
import pytest
from PIL import Image

from cnnfilter.drawing import files
from cnnfilter.drawing import moving as module
from cnnfilter.drawing.apng import write_apng
from cnnfilter.drawing.files import Palette, animation, png
from cnnfilter.drawing.grids import SEEN, SEEN_PADDING
from cnnfilter.drawing.moving import lines, moving, multiplied
from cnnfilter.drawing.pixels import to_image
from cnnfilter.drawing.shapes import ACCENT, MADE, WEIGHTS, Box, Figure
from cnnfilter.errors import ArgumentError, PictureError
from cnnfilter.explanation import steps
from cnnfilter.explanation.sweep import sweep
from cnnfilter.pipeline import Pipeline
from cnnfilter.text.shown import show
from tests.drawing.reading import Shown
from tests.drawing.test_worked import COLOURS, SLIDE

STAGES = [
    ("conv:0 1 0; 1 0 -1; 0 1 0:padding=2:stride=2:dilation=2", SLIDE, 0),
    ("conv:sobel", SLIDE, 0),
    ("conv:kirsch", SLIDE, 0),
    ("conv:4@3x3:random=1", COLOURS, 2),
    ("relu,conv:2@2x2:random=1:padding=1", np.random.default_rng(1).random((4, 4, 5), np.float32), 1),
    ("convtranspose:1 2 -1; 3 4 0.5; 1 1 1:stride=2:padding=1", SLIDE, 0),
    ("convtranspose:[2]:stride=2:padding=0", SLIDE[:2, :2], 0),
    ("convtranspose:2@2x2:random=3:stride=3", SLIDE[:2, :2], 1),
    ("maxpool:2:ceil_mode=yes", SLIDE, 0),
    ("avgpool:3:stride=2:padding=1", SLIDE, 0),
]


@pytest.mark.parametrize(("stages", "picture", "number"), STAGES)
def test_each_place_has_a_figure_of_what_is_made_until_then(stages, picture, number):
    pipeline = Pipeline.parse(stages)
    swept = sweep(pipeline, picture, number)
    figures = list(moving(swept))
    assert len({figure[:2] for figure in figures}) == 1
    assert len(figures) == swept.made.size
    values = [float(show(value)) for value in swept.made.reshape(-1).tolist()]
    for index in (0, len(figures) // 2, len(figures) - 1):
        shown, moment = Shown(figures[index]), swept.moments[index]
        assert shown.cells(MADE) == values[: index + 1]
        channels = [channel for channel in multiplied(moment.step, swept)]
        rows, columns = ([places.index(each) for each in lines] for places, lines in (
            (swept.whole.rows, moment.rows), (swept.whole.columns, moment.columns)))  # fmt: skip
        covered = swept.whole.values[channels][:, rows][:, :, columns].reshape(-1).tolist()
        drawn = shown.cells(SEEN) + shown.cells(SEEN_PADDING, dashed=True) + shown.cells(ACCENT)
        assert sorted(drawn) == sorted(float(show(value)) for value in covered)
        height = len(moment.rows) and moment.rows[-1] - moment.rows[0] + 1
        assert round(shown.windows()[0][3] / shown.windows()[-1][3]) == height
        for left, right in shown.equations():
            assert left == pytest.approx(right, rel=1e-4, abs=1e-4)
    made = pipeline.run(picture, layout="hwc" if picture.ndim == 3 else None)[number]
    np.testing.assert_allclose(values, made.reshape(-1), rtol=1e-4, atol=1e-5)


def test_a_transposed_convolution_is_drawn_with_its_kernel_turned_and_samples_apart():
    swept = sweep(Pipeline.parse("convtranspose:1 2 -1; 3 4 0.5; 1 1 1:stride=2"), SLIDE)
    shown = Shown(next(moving(swept)))
    assert shown.cells(WEIGHTS) == [1, 1, 1, 0.5, 4, 3, -1, 2, 1]
    assert "kernel, turned by 180\N{DEGREE SIGN}" in shown.texts
    assert swept.whole.inside.shape == (13, 13)
    heads = shown.texts[shown.texts.index("input") + 1 :][:26]
    assert [head for head in heads if head] == [*"0123401234"]


def test_an_output_that_is_too_wide_stands_below_and_numbers_too_wide_are_refused():
    picture = np.random.default_rng(0).integers(0, 256, (17, 17), dtype=np.uint8)
    figure = next(moving(sweep(Pipeline.parse("conv:edge:stride=2"), picture)))
    assert figure.width < figure.height
    wide = np.random.default_rng(0).random((20, 20)).astype(np.float32) / 1e7
    with pytest.raises(ArgumentError, match="the numbers of 20x20 values are too wide to be read; put a crop before"):
        next(moving(sweep(Pipeline.parse("maxpool:2"), wide)))


@pytest.mark.parametrize(("format", "delay"), [("GIF", 250), ("PNG", 333)])
def test_an_animation_has_a_frame_for_each_place_its_delay_and_no_end(format, delay):
    swept = sweep(Pipeline.parse("conv:1 0; -1 2:stride=3:padding=1"), SLIDE)
    figures = list(moving(swept))
    data, size = animation(iter(figures), len(figures), format, delay)
    with Image.open(io.BytesIO(data)) as image:
        assert (image.format, image.n_frames, image.size, image.info["loop"]) == (format, 4, size, 0)
        scale = min(files.LARGEST_SCALE, (files.FRAME_PIXELS / (figures[0].width * figures[0].height)) ** 0.5)
        for index, figure in enumerate(figures):
            image.seek(index)
            assert image.info["duration"] == delay
            np.testing.assert_array_equal(np.asarray(image.convert("RGB")), np.asarray(to_image(figure, scale)))


def test_frames_that_are_alike_are_frames_all_the_same():
    frames = [np.zeros((3, 4), np.uint8), np.zeros((3, 4), np.uint8), np.full((3, 4), 1, np.uint8)]
    data = write_apng(frames, lambda: bytes([255, 255, 255, 9, 8, 7]), 50)
    with Image.open(io.BytesIO(data)) as image:
        assert (image.n_frames, image.size) == (3, (4, 3))
        shown = []
        for index in range(3):
            image.seek(index)
            shown.append(image.convert("RGB").getpixel((3, 2)))
        assert shown == [(255, 255, 255), (255, 255, 255), (9, 8, 7)]


def test_a_palette_takes_the_nearest_colour_when_it_is_full():
    palette = Palette()
    shades = np.zeros((1, 300, 3), np.uint8)
    shades[0, :255, 0] = range(255)
    palette.apply(Image.fromarray(shades[:, :255]))
    shades[0, 255:] = (250, 9, 9)
    numbers = palette.apply(Image.fromarray(shades))[0]
    assert len(palette.colours) == 255
    assert numbers[:255].tolist() == list(range(255))
    assert {*numbers[255:].tolist()} == {250}


def test_what_would_have_too_many_pixels_is_refused():
    large = Figure(20_000, 9_000, "", "", (Box(0, 0, 1, 1),))
    with pytest.raises(PictureError, match="20000x9000 are too many pixels .* name an .svg, or explain fewer stages"):
        png(large)
    with pytest.raises(PictureError, match="too many pixels"):
        animation(iter([large]), 1, "GIF", 100)


def test_only_steps_of_windows_move():
    step = steps.Copied(1, None, "crop", (0, 0, 0), 1.0, None)
    for function in (lambda: lines(step), lambda: module.multiplied(step, None)):
        with pytest.raises(NotImplementedError, match="copy has no window that moves"):
            function()
