"""Transposed convolutions, against what PyTorch and ONNX make of the same maps; see `test_resampling.py`."""

from dataclasses import replace

import numpy as np
import pytest
import scipy.signal

from cnnfilter import Pipeline
from cnnfilter.engine import reference_resampling as reference
from cnnfilter.engine.codes import RECTIFIED
from cnnfilter.engine.geometry import Rows
from cnnfilter.engine.transposed import TransposedConvolution
from cnnfilter.kernels.kernel import get_kernel
from cnnfilter.network.grammar import parse
from cnnfilter.network.stages import BatchNorm, ConvTranspose
from cnnfilter.weights.parameters import Arrays
from tests.onnx_cases import load
from tests.running.test_resampling import RECORDED

NAMES = [name for name in RECORDED if name.startswith("convtranspose")]
OPTIONS = list(dict.fromkeys(name.split(":", 2)[2].removesuffix(":bias=no") for name in NAMES))


def maps(seed, shape):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def recorded(name):
    """The stage of a recorded case, whose name has the shape of its weights and its options, and its weights."""
    _, shape, options = name.split(":", 2)
    sizes = tuple(map(int, shape.split("x")))
    number = OPTIONS.index(options.removesuffix(":bias=no"))
    groups = int(dict(each.split("=") for each in options.split(":")).get("groups", 1))
    (stage,) = parse(f"convtranspose:{sizes[1] * groups}@{sizes[2]}x{sizes[3]}:{options}").stages
    assert parse(str(stage)).stages == (stage,)
    arrays = {"weight": maps(10 + number, sizes), "bias": maps(50 + number, sizes[1] * groups)}
    return replace(stage, learned=Arrays(arrays)), arrays


MAPS = maps(3, (4, 5, 6))


@pytest.mark.parametrize("name", NAMES)
def test_the_result_is_pytorchs(name):
    stage, arrays = recorded(name)
    chain = Pipeline([stage])
    result = chain.run(MAPS)
    assert result.dtype == np.float32
    assert result.shape == RECORDED[name].shape
    np.testing.assert_allclose(result, RECORDED[name], rtol=1e-5, atol=1e-5)
    defined = reference.conv_transpose2d(
        MAPS, arrays["weight"], arrays["bias"] if stage.biased else None, stride=stage.stride, padding=stage.padding,
        output_padding=stage.output_padding, dilation=stage.dilation, groups=stage.groups,
    )  # fmt: skip
    np.testing.assert_allclose(result, defined, rtol=1e-5, atol=1e-5)
    (row,) = chain.plan((5, 6, 4))
    assert row.params == sum(each.size for key, each in arrays.items() if key == "weight" or stage.biased)
    assert row.macs == row.params * result.shape[1] * result.shape[2]
    height, width = result.shape[1:]
    for place in [(0, 0, 0), (height - 1, width - 1, len(result) - 1), (height // 2, width // 2, 1)]:
        value = chain.explain(MAPS, at=place, layout="chw")["value"]
        np.testing.assert_allclose(value, result[place[2], place[0], place[1]], rtol=1e-5, atol=1e-5)
    after = Pipeline([stage, *parse("relu,conv:box").stages])
    value = after.explain(MAPS, at=(1, 2, 1), layout="chw")["value"]
    np.testing.assert_allclose(value, after.run(MAPS)[1, 1, 2], rtol=1e-5, atol=1e-5)


ONNX = {
    "convtranspose": {},
    "convtranspose_autopad_same": {"padding": "same"},
    "convtranspose_dilations": {},
    "convtranspose_group_2": {},
    "convtranspose_group_2_image_3": {},
    "convtranspose_kernel_shape": {"output_padding": (1, 1)},
    "convtranspose_output_shape": {"output_padding": (1, 1)},
    "convtranspose_pad": {},
    "convtranspose_pads": {},
}
"""All but those of one and of three axes; beside each what whoever reads the file works out of its output's shape."""


@pytest.mark.parametrize("name", ONNX)
def test_onnx_cases(name):
    operator, attributes, (x, weight), expected = load(name)
    assert operator == "ConvTranspose"
    top, left, bottom, right = attributes.get("pads", [0, 0, 0, 0])
    options = {
        "stride": tuple(attributes.get("strides", [1, 1])),
        "padding": ((top, bottom), (left, right)),
        "output_padding": tuple(attributes.get("output_padding", [0, 0])),
        "dilation": tuple(attributes.get("dilations", [1, 1])),
        "groups": attributes.get("group", 1),
    } | ONNX[name]
    sizes = weight.shape[1] * options["groups"], weight.shape[2:]
    stage = ConvTranspose(sizes=sizes, learned=Arrays({"weight": weight}), biased=False, **options)
    for one, wanted in zip(x, expected, strict=True):
        result = Pipeline([stage]).run(one)
        assert result.shape == wanted.shape
        np.testing.assert_allclose(result, wanted, rtol=1e-5, atol=1e-5)


KERNELS = [
    ("convtranspose:1 2; 3 4:stride=2", (11, 9, 3)),
    ("convtranspose:sobel-x+emboss:stride=3x1:padding=1:bias=2", (6, 9, 2)),
    ("convtranspose:[3]:stride=4x5", (4, 5, 2)),
]


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
@pytest.mark.parametrize(("text", "shape"), KERNELS)
def test_named_kernels_and_matrices_are_for_each_channel(text, shape, dtype):
    picture = np.random.default_rng(4).integers(0, 256, shape).astype(dtype)
    chain = Pipeline.parse(text)
    result = chain.run(picture, layout="hwc")
    (stage,), channels = chain.stages, shape[2]
    weight, bias, groups = stage.weight(channels)
    placing = stage.placing(shape)
    expected = reference.conv_transpose2d(
        picture.transpose(2, 0, 1).astype(np.float32), weight, bias, stride=stage.stride, padding=placing.pads,
        groups=groups,
    )  # fmt: skip
    assert result.shape == expected.shape
    np.testing.assert_allclose(result, expected, rtol=1e-5, atol=1e-3)
    place = (result.shape[1] // 2, result.shape[2] // 3, len(result) - 1)
    value = chain.explain(picture, at=place, layout="hwc")["value"]
    np.testing.assert_allclose(value, expected[place[2], place[0], place[1]], rtol=1e-5, atol=1e-4)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
@pytest.mark.parametrize("kernel", ["box:size=31", "gaussian:sigma=6"])
def test_with_a_stride_of_1_it_is_what_scipy_calls_a_convolution(kernel, dtype):
    picture = np.random.default_rng(4).integers(0, 256, (90, 70)).astype(dtype)
    chain = Pipeline.parse(f"convtranspose:{kernel}:padding=15+0x3+2")
    full = scipy.signal.convolve2d(picture.astype(float), get_kernel(kernel).weights, "full")
    np.testing.assert_allclose(chain.run(picture)[0], full[15:, 3:-2], rtol=1e-5, atol=1e-3)


def test_a_weight_of_zero_meets_no_nan():
    picture = np.array([[1, np.nan], [np.inf, 2]], np.float32)
    chain = Pipeline.parse("convtranspose:1 0; 0 2:stride=2")
    result = chain.run(picture)
    np.testing.assert_array_equal(
        result[0], [[1, 0, np.nan, 0], [0, 2, 0, np.nan], [np.inf, 0, 2, 0], [0, np.inf, 0, 4]]
    )
    overlapping = Pipeline.parse("convtranspose:1 0; 0 2").explain(picture, at=(1, 1))
    assert (overlapping["value"], len(overlapping["steps"][0]["filters"][0]["channels"][0]["window"]["rows"])) == (4, 2)
    after = Pipeline.parse("convtranspose:1 0; 0 2,sumpool:2:stride=1").explain(picture, at=(0, 0))
    assert after["value"] == "nan"


def test_large_maps_are_made_band_by_band_and_rectified_where_no_tap_reaches():
    stage = ConvTranspose(
        sizes=(6, (3, 2)), stride=(2, 3), padding=((1, 0), (2, 2)),
        learned=Arrays({"weight": maps(6, (4, 6, 3, 2)), "bias": maps(7, 6)}),
    )  # fmt: skip
    given = maps(5, (4, 300, 260))
    for end in ("relu", "conv:box:padding=1", "maxpool:3:stride=2"):
        whole = Pipeline([stage]).run(given, threads=1)
        expected = Pipeline.parse(end).run(whole)
        one, two = (Pipeline([stage, *parse(end).stages]).run(given, threads=threads) for threads in (1, 2))
        np.testing.assert_allclose(one, expected, rtol=1e-5, atol=1e-5)
        np.testing.assert_array_equal(one, two)
    small = given[:, :7, :8]
    definition = reference.conv_transpose2d(
        small, stage.learned.array("weight", (4, 6, 3, 2)), stage.learned.array("bias", (6,)), stride=(2, 3),
        padding=stage.padding,
    )  # fmt: skip
    np.testing.assert_allclose(Pipeline([stage]).run(small), definition, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("groups", [1, 2])
def test_a_normalization_that_follows_is_folded_in(groups):
    draw = np.random.default_rng(9)
    numbers = {"weight": draw.normal(size=6), "bias": draw.normal(size=6), "running_mean": draw.normal(size=6)}
    normalization = BatchNorm(learned=Arrays(numbers | {"running_var": draw.random(6)}))
    stage = ConvTranspose(
        sizes=(6, (3, 2)), stride=(2, 4), groups=groups,
        learned=Arrays({"weight": maps(6, (4, 6 // groups, 3, 2)), "bias": maps(7, 6)}),
    )  # fmt: skip
    both = Pipeline([stage, normalization, *parse("relu6").stages])
    apart = Pipeline([normalization, *parse("relu6").stages]).run(Pipeline([stage]).run(MAPS))
    np.testing.assert_allclose(both.run(MAPS), apart, rtol=1e-4, atol=1e-5)
    (operation,) = both._last[1].stretches[0].lowered.operations
    ((steps, _),) = operation.parts
    assert [type(step).__name__ for step in steps] == ["TransposedConvolution"]


@pytest.mark.parametrize(("window", "stride"), [((3, 2), (2, 2)), ((1, 2), (4, 3)), ((5, 4), (3, 1))])
def test_each_row_is_made_of_the_rows_that_it_needs(window, stride):
    stage = ConvTranspose(sizes=(2, window), stride=stride, learned=Arrays({"weight": maps(6, (4, 2, *window))}))
    weight, _, _ = stage.weight(4)
    placing, out = stage.placing((5, 6, 4)), stage.output((5, 6, 4))[:2]
    step = TransposedConvolution(weight, np.ones(2, np.float32), (5, 6), placing, out, after=RECTIFIED)
    whole = np.empty(step.shape, np.float32)
    step.run(Rows(MAPS), 0, whole)
    defined = reference.conv_transpose2d(MAPS, weight, [1, 1], stride=stride)
    np.testing.assert_allclose(whole, np.maximum(defined, 0), rtol=1e-5, atol=1e-5)
    for row in range(out[0]):
        begin, end = step.needed(row, row + 1)
        made = np.empty((2, 1, out[1]), np.float32)
        step.run(Rows(np.ascontiguousarray(MAPS[:, begin:end]), first=begin), row, made)
        np.testing.assert_allclose(made[:, 0], whole[:, row], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("seed", range(40))
def test_random_stages_are_what_the_reference_says(seed):
    draw = np.random.default_rng(seed)
    groups, (inputs, outputs) = int(draw.integers(1, 3)), draw.integers(1, 4, 2)
    window, stride, dilation = (tuple(map(int, draw.integers(1, top, 2))) for top in (5, 5, 4))
    extra = tuple(int(draw.integers(0, max(pair))) for pair in zip(stride, dilation, strict=True))
    size = tuple(map(int, draw.integers(2, 8, 2)))
    room = [(n - 1) * s + d * (k - 1) for n, s, d, k in zip(size, stride, dilation, window, strict=True)]
    pads = tuple(tuple(map(int, draw.integers(0, most // 2 + 1, 2))) for most in room)
    weight, bias = maps(seed, (groups * inputs, outputs, *window)), maps(seed + 1, outputs * groups)
    options = {"stride": stride, "padding": pads, "output_padding": extra, "dilation": dilation, "groups": groups}
    learned = Arrays({"weight": weight, "bias": bias})
    stage = ConvTranspose(sizes=(int(outputs) * groups, window), learned=learned, **options)
    given = maps(seed + 2, (groups * inputs, *size))
    expected = reference.conv_transpose2d(given, weight, bias, **options)
    result = Pipeline([stage]).run(given)
    assert result.shape == expected.shape
    np.testing.assert_allclose(result, expected, rtol=1e-4, atol=1e-4)
