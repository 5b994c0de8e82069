"""Worked steps as figures: the numbers that are read back from them are those of the arithmetic."""

import math

import numpy as np
import pytest

from cnnfilter.drawing.explained import figure_of
from cnnfilter.drawing.grids import OUTLINE, SEEN, SEEN_PADDING
from cnnfilter.drawing.layout import ROOM
from cnnfilter.drawing.shapes import ACCENT, GIVEN, MADE, PAPER, WEIGHTS
from cnnfilter.drawing.worked import worked
from cnnfilter.explanation import explain, steps
from cnnfilter.explanation.whole import small_inputs
from cnnfilter.pipeline import Pipeline
from cnnfilter.text.shown import show
from tests.drawing.reading import Shown, plain

SLIDE = np.array([[1, 0, 1, 0, 1], [1, 0, 0, 1, 1], [0, 1, 1, 0, 0], [1, 0, 0, 1, 0], [0, 0, 1, 1, 0]], np.uint8)
COLOURS = np.random.default_rng(0).integers(0, 256, (6, 7, 3), dtype=np.uint8)
LARGE = np.random.default_rng(1).integers(0, 256, (40, 50), dtype=np.uint8)
MANY = np.random.default_rng(2).integers(0, 9, (12, 12), dtype=np.uint8)


def drawn(stages, picture, at):
    pipeline = Pipeline.parse(stages)
    explanation = explain(pipeline, picture, at)
    return explanation, Shown(figure_of([(explanation, small_inputs(pipeline, picture, explanation))], "in words"))


def told(values):
    """Numbers as they are written, in a row."""
    return [float(show(value)) for row in values for value in row]


def check_channel(shown, channel):
    """A single channel's window, kernel, products and sum, and that they belong together."""
    values, kernel, products = (told(each) for each in (channel.window.values, channel.kernel, channel.products))
    padding = [is_padding for row in channel.window.padding for is_padding in row]
    assert shown.cells(SEEN) == [value for value, is_padding in zip(values, padding, strict=True) if not is_padding]
    assert shown.cells(SEEN_PADDING, dashed=True) == [value for value, out in zip(values, padding, strict=True) if out]
    assert shown.cells(WEIGHTS) == kernel
    assert shown.cells(PAPER) == products
    assert shown.cells(MADE)[-1] == float(show(channel.sum))
    for value, weight, product in zip(values, kernel, products, strict=True):
        assert math.isclose(value * weight, product, rel_tol=1e-4, abs_tol=1e-5)
    assert math.isclose(sum(products), channel.sum, rel_tol=1e-4, abs_tol=1e-4)


@pytest.mark.parametrize(
    ("stages", "picture", "at"),
    [
        ("conv:0 1 0; 1 0 -1; 0 1 0", SLIDE, (2, 1)),
        ("conv:0 1 0; 1 0 -1; 0 1 0:padding=2:stride=2:dilation=2", SLIDE, (0, 0)),
        ("conv:1 -2; 0.5 3:padding=1:border=replicate", SLIDE, (0, 5)),
        ("conv:box:size=9:padding=4", MANY, (3, 10)),
        ("conv:7@5x5:random=2:bias=no", MANY, (1, 2, 6)),
        ("conv:3@11x11:random=2:bias=no:padding=5", MANY, (0, 0, 1)),
    ],
)
def test_a_convolution_is_drawn_as_it_was_worked(stages, picture, at):
    explanation, shown = drawn(stages, picture, at)
    check_channel(shown, explanation.steps[0].filters[0].channels[0])
    assert len(shown.windows()) == 1


def test_a_window_is_marked_where_it_lies_in_the_input():
    explanation, shown = drawn("conv:0 1 0; 1 0 -1; 0 1 0:padding=1", SLIDE, (0, 3))
    (left, top, width, height) = shown.windows()[0]
    inside = [
        float(plain(each.text))
        for each in shown.elements
        if each.text and each.attrib.get("text-anchor") == "middle"
        and left < float(each.attrib["x"]) < left + width and top < float(each.attrib["y"]) < top + height
    ]  # fmt: skip
    assert sorted(inside) == sorted(told(explanation.steps[0].filters[0].channels[0].window.values))
    others = shown.cells(GIVEN) + shown.cells(SEEN)
    assert sum(others) == SLIDE.sum()
    assert len(others) == SLIDE.size


def test_three_channels_are_drawn_below_each_other_and_added():
    explanation, shown = drawn("conv:2@3x3:random=3", COLOURS, (1, 2, 1))
    step = explanation.steps[0]
    channels = step.filters[0].channels
    assert shown.cells(SEEN) == [value for channel in channels for value in told(channel.window.values)]
    assert shown.cells(WEIGHTS) == [value for channel in channels for value in told(channel.kernel)]
    assert shown.cells(PAPER) == [value for channel in channels for value in told(channel.products)]
    assert shown.cells(MADE) == told([[channel.sum for channel in channels]])
    equations = list(shown.equations())
    assert len(equations) == 5  # the sum of each channel, that of all, and with the bias
    for left, right in equations:
        assert math.isclose(left, right, rel_tol=1e-4, abs_tol=1e-4)
    assert equations[-1][1] == float(show(step.value))


def test_of_many_channels_the_rest_is_counted():
    explanation, shown = drawn("conv:16@3x3:random=2,conv:4@3x3:random=1", MANY, (1, 2, 3))
    channels = explanation.steps[0].filters[0].channels
    rest = sorted(channels, key=lambda channel: -abs(channel.sum))[3:]
    together = show(sum(channel.sum for channel in rest))
    assert f"channels that are not drawn: 13, together {together}" in shown.texts


def test_a_window_too_large_to_be_drawn_is_told_by_its_largest_products():
    explanation, shown = drawn("conv:gaussian:sigma=3", LARGE, (5, 6))
    channel = explanation.steps[0].filters[0].channels[0]
    assert "window of 19x19: its 8 largest products" in shown.texts
    products = shown.cells(PAPER)
    assert products == sorted(told(channel.products), reverse=True)[:8]
    for value, weight, product in zip(shown.cells(GIVEN), shown.cells(WEIGHTS), products, strict=True):
        assert math.isclose(value * weight, product, rel_tol=1e-4)


@pytest.mark.parametrize("at", [(3, 4), (0, 0), (6, 3)])
def test_a_transposed_convolution_shows_the_samples_that_meet_the_kernel(at):
    stages = "convtranspose:1 2 -1; 3 4 0.5; 1 1 1:stride=2:padding=1"
    explanation, shown = drawn(stages, SLIDE * np.uint8(3), at)
    check_channel(shown, explanation.steps[0].filters[0].channels[0])
    for axis, word in enumerate(("row", "column")):
        rules = [text for text in shown.texts if text.startswith(word) and "meets" in text]
        assert rules
        for rule in rules:
            sample, stride, padding, tap, dilation, place = (
                int(number) for number in rule.partition(":  ")[2].replace("-", "*").replace("+", "*").replace(
                    "=", "*").split("*")
            )  # fmt: skip
            assert sample * stride - padding + tap * dilation == place == at[axis]


def test_a_place_that_no_sample_reaches_is_told():
    _, shown = drawn("convtranspose:[2]:stride=3", SLIDE, (1, 1))
    assert "no sample's kernel reaches this place: nothing" in shown.texts
    assert shown.cells(MADE) == [0]


def test_many_samples_that_meet_a_kernel_are_told_together():
    _, shown = drawn("convtranspose:2@7x7:random=1", np.ones((9, 9)), (7, 7, 0))
    assert "rows 1 to 7 of the input meet rows 6 to 0 of the kernel:  input * 1 - 0 + kernel * 1 = 7" in shown.texts


def test_a_pool_shows_its_window_and_the_winner():
    explanation, shown = drawn("maxpool:2:ceil_mode=yes", SLIDE + np.uint8(2), (2, 2))
    assert shown.cells(ACCENT) == [explanation.value] == [2]
    assert shown.cells(SEEN_PADDING, dashed=True) == [-math.inf] * 3
    assert "max(2, -inf, -inf, -inf) = 2" in shown.texts
    _, shown = drawn("avgpool:3:stride=2:padding=1", SLIDE, (0, 0))
    assert "mean   2 / 9 = 0.222222" in shown.texts
    assert len(shown.cells(SEEN)) == 4
    _, shown = drawn("sumpool:20", LARGE, (0, 0))
    assert "window of 20x20" in shown.texts
    _, shown = drawn("avgpool:15", LARGE / np.float32(-77e4), (0, 0))
    assert "window of 15x15" in shown.texts
    _, shown = drawn("maxpool:20", LARGE, (0, 0))
    assert f"largest of 400 values = {LARGE[:20, :20].max()}" in shown.texts
    _, shown = drawn("maxpool:1:padding=1", SLIDE, (0, 0))
    assert "max(-inf) = -inf" in shown.texts


def test_whole_maps_are_drawn_where_they_are_small():
    _, shown = drawn("globalavgpool", SLIDE, (0, 0))
    assert shown.cells(SEEN) == told(SLIDE.tolist())
    assert f"mean of the map   {SLIDE.sum()} / 25 = {show(SLIDE.mean())}" in shown.texts
    explanation, shown = drawn("globalmaxpool", COLOURS, (0, 0, 1))
    assert shown.cells(ACCENT) == [COLOURS[..., 1].max()] == [explanation.value]
    _, shown = drawn("globalmaxpool", LARGE, (0, 0))
    assert shown.cells(SEEN) == []
    assert shown.cells(MADE) == [LARGE.max()]


def test_samples_of_a_resampling_have_their_weights():
    explanation, shown = drawn("resize:3x4", COLOURS, (1, 2, 1))
    check_channel(shown, explanation.steps[0].samples)
    assert math.isclose(sum(shown.cells(WEIGHTS)), 1, abs_tol=1e-5)


def test_values_that_only_move_are_told_with_both_places():
    _, shown = drawn("pad:2,crop:4", SLIDE, (0, 0))
    assert shown.cells(MADE) == [1, 1]
    assert {"row 2, column 2, map 0", "row 0, column 0, map 0"} <= {*shown.texts}
    _, shown = drawn("pad:2", SLIDE, (0, 0))
    assert "the constant that the padding holds" in shown.texts
    _, shown = drawn("flatten", COLOURS, (50,))
    assert "row 1, column 1, map 1" in shown.texts
    assert "index 50" in shown.texts


def test_functions_have_their_inputs_and_formula():
    _, shown = drawn("conv:1 -1; 0.5 2,sigmoid", SLIDE, (1, 1))
    assert "1 / (1 + e^(-2.5))" in shown.texts
    assert shown.cells(MADE)[0] == float(show(1 / (1 + math.exp(-2.5))))
    _, shown = drawn("gray", COLOURS, (0, 1))
    assert shown.cells(GIVEN) == COLOURS[0, 1].tolist()
    _, shown = drawn("conv:sobel-x+sobel-y,magnitude", SLIDE, (0, 0))
    assert any(text.startswith("sqrt(") for text in shown.texts)
    _, shown = drawn(f"conv:{'+'.join(['sobel-x'] * 12)},magnitude", COLOURS[..., :1], (0, 0))
    assert "and 4 more" in shown.texts
    assert any(text.startswith("sqrt(") and "..." in text for text in shown.texts)


def test_joined_stages_are_named():
    _, shown = drawn("relu:as=x,conv:box:padding=1:as=b,add:x", SLIDE, (1, 2))
    assert {"stage 1", "stage 2", "0 + 0.444444"} <= {*shown.texts}
    _, shown = drawn("relu:as=a,conv:sobel-x:padding=1:as=b,concat:a+b", SLIDE, (1, 2, 1))
    assert "stage 1, then stage 2: their maps one after the other" in shown.texts
    assert "stage 2, row 1, column 2, map 0" in shown.texts
    names = "+".join(f"a{number}" for number in range(8))
    many = ",".join(f"from:in,relu:as=a{number}" for number in range(8)).removeprefix("from:in,")
    _, shown = drawn(f"{many},add:{names}", SLIDE, (0, 0))
    assert "and 2 more" in shown.texts


def test_squares_of_maps_are_drawn():
    explanation, shown = drawn("conv:6@3x3:random=2,lrn:size=5", SLIDE, (1, 1, 2))
    step = explanation.steps[0]
    assert shown.cells(GIVEN)[: len(step.inputs)] == told([step.inputs])
    assert shown.cells(PAPER)[: len(step.squares)] == told([step.squares])
    _, shown = drawn("conv:30@1x1:random=2,lrn:size=21", SLIDE, (1, 1, 20))
    assert "maps at this place (8 of 20 are drawn)" in shown.texts
    assert {"16", "23"} <= {*shown.texts}


def test_a_dense_stage_and_a_softmax_are_tables():
    explanation, shown = drawn("flatten,dense:4:random=1,softmax", SLIDE, (1,))
    softmax, dense, _ = explanation.steps
    assert shown.cells(GIVEN)[:4] == told([softmax.inputs])
    assert shown.cells(PAPER)[:4] == told([softmax.powers])
    assert f"e^(input - {show(softmax.largest)})" in shown.texts
    assert shown.cells(MADE)[0] == float(show(softmax.value))
    _, below = drawn("conv:[-1],flatten,softmax", SLIDE + 1, (1,))
    assert "e^(input - (-1))" in below.texts
    (outline,) = [each for each in shown.elements if each.attrib.get("stroke-width") == str(OUTLINE)]
    own = shown.elements[shown.elements.index(outline) + 1]
    assert plain(own.text) == show(softmax.inputs[1])
    chosen = sorted(dense.products, key=abs, reverse=True)[:8]
    assert shown.cells(PAPER)[4:] == told([chosen])
    rest = show(dense.total - sum(chosen))
    assert f"products that are not drawn: 17, together {rest}" in shown.texts
    _, shown = drawn("flatten,dense:20:random=1,softmax", SLIDE[:2, :2], (1,))
    assert any(text.startswith("not drawn, as they are smaller: 1") for text in shown.texts)


def test_combined_filters_are_each_drawn_and_put_together():
    explanation, shown = drawn("conv:sobel:bias=1", SLIDE, (1, 1))
    step = explanation.steps[0]
    assert shown.cells(WEIGHTS) == [value for each in step.filters for value in told(each.channels[0].kernel)]
    assert "sobel, filter 2 of 2" in shown.texts
    values = [each.value for each in step.filters]
    squares = " + ".join(f"({show(value)})^(2)" if value < 0 else f"{show(value)}^(2)" for value in values)
    assert f"magnitude   sqrt({squares}) = {show(step.value - 1)}" in shown.texts
    assert list(shown.equations())[-1][1] == step.value
    explanation, shown = drawn("conv:kirsch", SLIDE, (1, 1))
    assert len(shown.cells(WEIGHTS)) == 9
    assert any(text.startswith("maximum   max(") for text in shown.texts)
    _, shown = drawn("conv:sobel-x+box", SLIDE, (1, 1, 1))
    assert "box" in shown.texts
    assert any(text.endswith("* 1/9 = 0.444444") for text in shown.texts)


def test_stages_stand_in_the_order_in_which_they_are_explained_and_what_is_traced_is_outlined():
    _, shown = drawn("conv:sobel-x,relu:as=seen,maxpool:2", SLIDE, (0, 0))
    heads = [text for text in shown.texts if text.startswith("stage ")]
    assert heads == ["stage 3  maxpool:2", "stage 2 (seen)  relu", "stage 1  conv:sobel-x"]
    _, shown = drawn("relu,conv:sobel-x", SLIDE, (0, 0))
    assert "outlined: traced to the stage before" in shown.texts
    _, shown = drawn("pad:5,conv:sobel-x", SLIDE, (0, 0))
    assert "all of its window is from the padding: nothing before it counts" not in shown.texts
    _, shown = drawn("relu,conv:sobel-x:padding=9", SLIDE, (0, 0))
    assert "all of its window is from the padding: nothing before it counts" in shown.texts


def test_nothing_is_wider_than_the_room_for_it():
    for stages, picture, at in (
        ("conv:16@5x5:random=2,conv:4@15x15:random=1:padding=9", MANY, (1, 2, 3)),
        ("conv:8@1x1:random=2,lrn:size=9", COLOURS, (1, 1, 3)),
        ("flatten,dense:3:random=1", COLOURS, (1,)),
        ("conv:identity:as=" + "n" * 300, SLIDE, (1, 1)),
    ):
        explanation = explain(Pipeline.parse(stages), picture, at)
        assert figure_of([(explanation, {})], "").width <= ROOM + 60, stages


def kinds(step=steps.Step):
    return [step, *(found for each in step.__subclasses__() for found in kinds(each))][step is steps.Step :]


@pytest.mark.parametrize("kind", kinds(), ids=lambda kind: kind.kind)
def test_every_kind_of_step_has_a_figure(kind):
    assert worked.dispatch(kind) is not worked.dispatch(object)


def test_an_unknown_kind_of_step_is_an_error():
    class Guessed(steps.Step):
        kind = "guess"

    with pytest.raises(NotImplementedError, match="guess has no figure"):
        worked(Guessed(1, None, "guess", (0, 0, 0), 1.0, None), None)
