"""Windows at all of their places: what lies under each makes the value that the network makes there."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cnnfilter.errors import ArgumentError
from cnnfilter.explanation import explain
from cnnfilter.explanation.sweep import Sweep, reach_of, sweep
from cnnfilter.explanation.whole import small_inputs
from cnnfilter.pipeline import Pipeline

PICTURE = np.random.default_rng(3).integers(-9, 10, (6, 5, 2)).astype(np.float32)


def under(swept: Sweep):
    """What lies under the window at each place, (places, maps, rows, columns)."""
    found = []
    for moment in swept.moments:
        rows, columns = ([places.index(each) for each in lines] for places, lines in (
            (swept.whole.rows, moment.rows), (swept.whole.columns, moment.columns)))  # fmt: skip
        found.append(swept.whole.values[:, rows][:, :, columns])
    return np.array(found)


sizes = st.integers(1, 3)
some = st.integers(0, 2)


@settings(max_examples=25, deadline=None)
@given(sizes, sizes, sizes, sizes, some, some, sizes, sizes, some, st.integers(0, 2**31))
def test_a_transposed_convolution_is_one_of_a_turned_kernel_over_samples_apart(
    kh, kw, stride, across, pad, side, dilation, along, extra, seed
):
    generator = np.random.default_rng(seed)
    extra = min(extra, max(stride, dilation) - 1, max(across, along) - 1, 1)  # more is not shown of the largest
    keys = f"stride={stride}x{across}:padding={pad}x{side}:dilation={dilation}x{along}:output_padding={extra}"
    pipeline = Pipeline.parse(f"convtranspose:2@{kh}x{kw}:random={seed % 1000}:bias=no:{keys}")
    picture = generator.integers(-9, 10, (3, 2, 2)).astype(np.float32)
    if min(pipeline_output(pipeline, picture.shape)) < 1:
        return
    swept = sweep(pipeline, picture, 1)
    made = pipeline.run(picture, layout="hwc")[1]
    sums = (under(swept) * swept.kernels).sum(axis=(1, 2, 3)).reshape(made.shape)
    np.testing.assert_allclose(sums, made, rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(swept.made, made, rtol=1e-4, atol=1e-4)
    assert swept.whole.inside.sum() == 3 * 2
    assert [moment.step.value for moment in swept.moments] == swept.made.reshape(-1).tolist()


def pipeline_output(pipeline, shape):
    try:
        return pipeline.plan(shape)[-1].output
    except Exception:
        return (0,)


@pytest.mark.parametrize(
    "stages",
    [
        "conv:2@3x3:random=1:bias=no",
        "conv:2@3x2:random=1:bias=no:padding=1+2x0+3:stride=2x1",
        "conv:2@2x2:random=1:bias=no:padding=3:dilation=2:border=reflect",
        "relu,conv:2@3x3:random=1:bias=no:padding=same:stride=2",
    ],
)
def test_a_convolution_is_the_sum_of_what_its_window_covers(stages):
    pipeline = Pipeline.parse(stages)
    swept = sweep(pipeline, PICTURE, 1)
    made = pipeline.run(PICTURE, layout="hwc")[1]
    kernels = np.array([channel.kernel for channel in swept.moments[0].step.filters[0].channels])
    sums = (under(swept) * kernels).sum(axis=(1, 2, 3)).reshape(made.shape)
    np.testing.assert_allclose(sums, made, rtol=1e-4, atol=1e-4)
    assert swept.whole.inside.sum() == 30


@pytest.mark.parametrize("keys", ["2:ceil_mode=yes", "3:padding=2:stride=2", "2:dilation=2:padding=1"])
def test_a_pool_takes_the_largest_or_the_mean_of_what_its_window_covers(keys):
    for kind, take in (("maxpool", np.max), ("sumpool", np.sum)):
        pipeline = Pipeline.parse(f"{kind}:{keys}".replace(":dilation=2", "" if kind == "sumpool" else ":dilation=2"))
        swept = sweep(pipeline, PICTURE, 1)
        np.testing.assert_array_equal(take(under(swept)[:, 1], axis=(1, 2)), swept.made.reshape(-1))
        np.testing.assert_allclose(swept.made, pipeline.run(PICTURE, layout="hwc")[1], rtol=1e-5)


@pytest.mark.parametrize(
    ("stages", "shape", "number", "message"),
    [
        ("conv:edge,relu", (6, 6, 1), 0, r"stage 2 \(relu\): no window moves here; .* and up_to\(NODE\) ends in one"),
        ("flatten,dense:3:random=1", (6, 6, 1), 0, r"stage 2 \(dense\): no window moves here"),
        ("conv:edge", (30, 30, 1), 0, r"stage 1 \(conv\): 28x28 places of the window are too many to be shown"),
        ("conv:edge", (30, 30, 1), 0, "at most 256.; give a smaller picture, or put resize:8 or crop:8 before it"),
        ("conv:edge:stride=9", (30, 30, 1), 0, "30x30 values with the padding are too many to be shown"),
        ("convtranspose:1 2; 3 4:stride=9", (3, 3, 1), 0, "20x20 places"),
        ("conv:edge", (6, 6, 1), 1, "no map 1: the result is 4x4x1, maps 0 to 0"),
        ("conv:3@3x3", (6, 6, 1), 0, "has sizes but no weights"),
    ],
)  # fmt: skip
def test_what_cannot_be_shown_is_refused(stages, shape, number, message):
    with pytest.raises(ArgumentError, match=message):
        sweep(Pipeline.parse(stages), np.ones(shape, np.float32), number)


def test_inputs_are_known_where_they_are_small():
    pipeline = Pipeline.parse("conv:edge:padding=1,relu,maxpool:2:padding=1")
    explanation = explain(pipeline, PICTURE[..., 0], (1, 1))
    whole = small_inputs(pipeline, PICTURE[..., 0], explanation)
    assert {number: each.values.shape for number, each in whole.items()} == {1: (1, 8, 7), 2: (1, 6, 5), 3: (1, 8, 7)}
    assert whole[1].values[0, 1:-1, 1:-1].tolist() == PICTURE[..., 0].tolist()
    assert (whole[1].rows, whole[1].columns) == (range(-1, 7), range(-1, 6))
    assert whole[3].values[0, 0].tolist() == [-np.inf] * 7
    np.testing.assert_allclose(whole[3].values[0, 1:-1, 1:-1], pipeline.up_to(2).run(PICTURE[..., 0])[0])
    large = np.zeros((40, 40), np.float32)
    assert small_inputs(pipeline, large, explain(pipeline, large, (1, 1))) == {}
    pipeline = Pipeline.parse("conv:edge:padding=9")
    assert small_inputs(pipeline, PICTURE, explain(pipeline, PICTURE, (1, 1))) == {}


def test_only_stages_of_windows_have_a_reach():
    with pytest.raises(ArgumentError, match="no window moves here"):
        reach_of(Pipeline.parse("relu").stages[0], None)
