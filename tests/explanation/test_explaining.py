import json
import math
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from cnnfilter.engine import reference
from cnnfilter.errors import ArgumentError, KernelError, ShapeError
from cnnfilter.explanation import explain, steps, to_record
from cnnfilter.explanation.regions import Region
from cnnfilter.pipeline import Pipeline
from tests.command import ROOT, load
from tests.explanation.test_formulas import evaluated

CASES = json.loads((Path(__file__).parents[1] / "data" / "seed-cases.json").read_text(encoding="utf-8"))
RANDOM = np.random.default_rng(11)
COLOUR = RANDOM.integers(0, 256, (9, 11, 3), dtype=np.uint8)
GREY = RANDOM.integers(0, 256, (8, 10), dtype=np.uint8)
FLOATS = RANDOM.normal(0, 2, (7, 8)).astype(np.float32)


@pytest.fixture(autouse=True)
def weights(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    generator = np.random.default_rng(3)

    def normal(*shape, deviation=0.1):
        return generator.normal(0, deviation, shape).astype(np.float32)

    np.savez(
        "net.npz",
        **{
            "one.weight": normal(4, 3, 3, 3, deviation=0.01), "one.bias": normal(4),
            "two.weight": normal(6, 2, 2, 3), "two.bias": normal(6),
            "deep.weight": normal(6, 1, 3, 3),
            "norm.weight": normal(3), "norm.bias": normal(3), "norm.running_mean": normal(3, deviation=100),
            "norm.running_var": np.abs(normal(3, deviation=500)), "slopes.weight": normal(3),
            "small.npy": normal(3, 2),
            "fc.weight": normal(5, 24), "fc.bias": normal(5),
        },
    )  # fmt: skip
    np.save("kernel.npy", normal(3, 2))
    np.save("last.npy", normal(3, 5))


def planes(pixels):
    """The picture as maps."""
    return np.atleast_3d(pixels).transpose(2, 0, 1)


def places(shape):
    """All places of a result, as explain takes them, with their index in what run gives."""
    if len(shape) == 1:
        return [((i,), (i,)) for i in range(shape[0])]
    height, width, maps = shape
    return [((i, j, m), (m, i, j)) for i in range(height) for j in range(width) for m in range(maps)]


def check_arithmetic(explanation):
    """Do every sum again, with the numbers that are shown and nothing else."""
    for step, after in zip(explanation.steps[1:], explanation.steps, strict=False):
        assert step.at == after.follows
        assert step.number == after.number - 1
    assert explanation.steps[0].value == explanation.value
    for step in explanation.steps:
        assert_step(step)


def assert_step(step):
    close = {"rel_tol": 1e-12, "abs_tol": 1e-9}
    if isinstance(step, steps.Convolved):
        for each in step.filters:
            for channel in each.channels:
                products = np.array(channel.window.values) * channel.kernel
                np.testing.assert_allclose(channel.products, products, rtol=1e-15)
                assert math.isclose(channel.sum, math.fsum(products.flat), **close)
            assert math.isclose(each.total, math.fsum(channel.sum for channel in each.channels), **close)
            assert math.isclose(each.value, each.total * float(each.scale), **close)
        values = [each.value for each in step.filters]
        combined = {None: values[0], "maximum": max(values), "magnitude": math.hypot(*values)}[step.combine]
        assert math.isclose(step.value, combined + step.bias, **close)
    elif isinstance(step, steps.Pooled):
        values = np.array(step.window.values)
        if step.pool == "max":
            assert step.sum is None
            assert step.value == values.max()
            assert (values[np.array(step.window.padding)] == -np.inf).all()
        else:
            assert math.isclose(step.sum, math.fsum(values.flat), **close)
            assert math.isclose(step.value, step.sum / step.divisor, **close)
            assert (values[np.array(step.window.padding)] == 0).all()
    elif isinstance(step, steps.Averaged):
        assert math.isclose(step.value, step.sum / step.count, **close)
    elif isinstance(step, steps.Pointwise) and step.stage.startswith(("batchnorm", "prelu")):
        assert math.isclose(evaluated(step.formula), step.value, rel_tol=1e-4, abs_tol=1e-4)
    elif isinstance(step, steps.Responded):
        np.testing.assert_allclose(step.squares, np.square(step.inputs))
        assert math.isclose(step.sum, math.fsum(step.squares), **close)
        assert math.isclose(evaluated(step.formula), step.value, rel_tol=1e-4, abs_tol=1e-9)
    elif isinstance(step, steps.Multiplied):
        np.testing.assert_allclose(step.products, np.multiply(step.inputs, step.weights))
        assert math.isclose(step.total, math.fsum(step.products), **close)
        assert math.isclose(step.value, step.total + step.bias, **close)
    elif isinstance(step, steps.Softmaxed):
        assert step.largest == max(step.inputs)
        np.testing.assert_allclose(step.powers, np.exp(np.subtract(step.inputs, step.largest)))
        assert math.isclose(step.sum, math.fsum(step.powers), **close)
        assert math.isclose(step.value, step.powers[step.at[-1]] / step.sum, **close)


CHAINS = [
    ("conv:sobel-x", GREY),
    ("conv:sobel-x+prewitt-y+gaussian:padding=1,relu,maxpool:2", COLOUR),
    ("conv:sobel:padding=2:border=reflect:bias=1.5,avgpool:3:stride=2:padding=1", GREY),
    ("conv:kirsch:padding=same:border=replicate,sumpool:2", GREY),
    ("conv:sobel-x+sobel-y:flip=yes:scale=l1,magnitude,abs", COLOUR),
    ("conv:sharpen:scale=sum,conv:laplacian:scale=sum:dilation=2x1", GREY),
    ("conv:0 0; 0 0:scale=l1", GREY),
    ("conv:sobel:scale=sum", GREY),
    ("conv:kirsch:scale=l1:padding=1", COLOUR),
    ("conv:1 2 3; 4 5 6:stride=2x1:border=circular:padding=1+2x0+3", FLOATS),
    ("conv:box:padding=3:border=constant=7,maxpool:3:stride=1:padding=2", FLOATS),
    ("conv:box:padding=3:border=symmetric,avgpool:3x2:ceil_mode=yes:padding=1", FLOATS),
    ("avgpool:3:stride=2:ceil_mode=yes:padding=1:count_include_pad=no", GREY),
    ("maxpool:2:dilation=2:ceil_mode=yes:stride=3", GREY),
    ("avgpool:9x4:stride=4:ceil_mode=yes", FLOATS),
    ("gray,normalize:mean=0.5:std=0.25,tanh", COLOUR),
    ("gray,leaky_relu:0.1", GREY),
    ("rgb,normalize:imagenet,conv:sobel-x", GREY),
    ("rgb,tanh", COLOUR),
    ("pad:2+1x0+3:border=reflect,conv:sobel-x+sobel-y,shuffle:3,lrn:size=4:alpha=0.01,dropout", COLOUR),
    ("batchnorm:weights=net.npz:name=norm,prelu:weights=net.npz:name=slopes", COLOUR),
    ("normalize,flatten,batchnorm:random=1,prelu:shared=yes:random=1", GREY),
    ("globalmaxpool", GREY),
    ("upsample:4:mode=bilinear,pad:-3", GREY),
    ("lrn:size=3:alpha=-1e-6:beta=-0.5,pad:-1+2:border=constant=-3", COLOUR),
    ("normalize:mean=0.5+0.4+0.3:std=0.2+0.3+0.4,softmax", COLOUR),
    ("normalize,globalavgpool,flatten,softmax", COLOUR),
    ("conv:kernel.npy,elu", FLOATS),
    ("conv:net.npz:name=one,relu,conv:net.npz:name=two:layout=oihw:groups=2:padding=same,maxpool:3,softplus", COLOUR),
    ("depthwise:net.npz:name=deep:bias=0.5,sigmoid", COLOUR),
    ("conv:net.npz:name=one:stride=2:scale=sum,flatten,flatten,softmax", COLOUR),
    ("normalize,conv:net.npz:name=one,avgpool:3:stride=2,maxpool:2x1,flatten,relu,softmax", COLOUR),
    ("normalize,conv:net.npz:name=one:stride=2:padding=0x1,maxpool:2x2,"
     "flatten,dense:net.npz:name=fc,swish,dense:last.npy,softmax", COLOUR[:, :11]),
    ("normalize,conv:net.npz:name=one:stride=2:padding=0x1,maxpool:2x2,"
     "flatten,selu,dense:net.npz:name=fc:layout=hwc", COLOUR[:, :11]),
]  # fmt: skip


@pytest.mark.parametrize(("text", "pixels"), CHAINS, ids=lambda value: value if isinstance(value, str) else "")
def test_every_value_is_that_of_run_and_its_arithmetic_adds_up(text, pixels):
    pipeline = Pipeline.parse(text)
    result = pipeline.run(planes(pixels), layout="chw")
    shape = pipeline.plan(np.atleast_3d(pixels).shape)[-1].output
    every = places(shape)
    for at, index in every[:: max(1, len(every) // 40)]:
        explanation = explain(pipeline, pixels, at)
        check_arithmetic(explanation)
        assert explanation.output == shape
        assert explanation.value == pytest.approx(float(result[index]), rel=2e-5, abs=2e-4)


@pytest.mark.parametrize("case", CASES["conv2d"], ids=lambda case: case["name"])
def test_the_course_s_convolutions(case):
    kernel = "; ".join(" ".join(map(str, row)) for row in case["w"])
    pipeline = Pipeline.parse(f"conv:{kernel}:stride={case['stride']}:padding={case['padding']}")
    x = np.pad(np.array(case["x"]), case["padding"])
    kh, kw = np.shape(case["w"])
    for (i, j), expected in np.ndenumerate(case["out"]):
        explanation = explain(pipeline, case["x"], (i, j))
        (channel,) = explanation.steps[0].filters[0].channels
        top, left = i * case["stride"], j * case["stride"]
        window = x[top : top + kh, left : left + kw]
        np.testing.assert_array_equal(channel.window.values, window)
        np.testing.assert_array_equal(channel.kernel, case["w"])
        np.testing.assert_array_equal(channel.products, window * case["w"])
        assert explanation.value == channel.sum == expected
        inside = np.pad(np.ones_like(case["x"]), case["padding"])[top : top + kh, left : left + kw]
        np.testing.assert_array_equal(channel.window.padding, inside == 0)
        assert channel.window.rows == tuple(top - case["padding"] + m for m in range(kh))


@pytest.mark.parametrize("case", CASES["pool"], ids=lambda case: case["name"])
def test_the_course_s_pools(case):
    pipeline = Pipeline.parse(f"{case['mode']}pool:{case['window']}:stride={case['stride']}")
    for (i, j), expected in np.ndenumerate(case["out"]):
        (step,) = explain(pipeline, case["x"], (i, j)).steps
        window = np.array(case["x"])[2 * i : 2 * i + 2, 2 * j : 2 * j + 2]
        np.testing.assert_array_equal(step.window.values, window)
        assert step.value == expected
        if case["mode"] == "max":
            assert case["x"][step.follows[0]][step.follows[1]] == expected
        else:
            assert (step.sum, step.divisor) == (window.sum(), 4)


def test_the_chain_on_a_photo_is_followed_to_its_pixels():
    camera = load(ROOT / "samples" / "camera.png")
    pipeline = Pipeline.parse("conv:sobel-x,relu,maxpool:2")
    result = pipeline.run(camera)
    maps = reference.relu(reference.conv2d(camera[200:260, 100:170], [[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]]))
    for row, column in [(110, 60), (101, 75), (120, 80)]:
        explanation = explain(pipeline, camera, (row, column))
        pool, relu, conv = explanation.steps
        i, j = 2 * row - 200, 2 * column - 100
        np.testing.assert_array_equal(pool.window.values, maps[i : i + 2, j : j + 2])
        assert explanation.value == maps[i : i + 2, j : j + 2].max() == result[0, row, column]
        assert pool.follows == relu.at == conv.at
        r, c, _ = conv.at
        (channel,) = conv.filters[0].channels
        np.testing.assert_array_equal(channel.window.values, camera[r : r + 3, c : c + 3])
        field = explanation.receptive_field
        assert field.size == (4, 4)
        assert (field.rows, field.columns) == ((2 * row, 2 * row + 3), (2 * column, 2 * column + 3))
        assert field.in_padding == 0


def test_only_the_receptive_field_is_looked_at():
    class Watched(np.ndarray):
        """Remembers how much was taken out of it."""

        def __getitem__(self, key):
            taken = np.ndarray.__getitem__(self, key)
            sizes.append(taken.size)
            return taken

    sizes = []
    pixels = np.zeros((2000, 3000), np.uint8)
    from cnnfilter.explanation.evaluation import evaluate

    pipeline = Pipeline.parse("conv:gaussian,relu,maxpool:2,conv:edge")
    rows = pipeline.plan((2000, 3000, 1))
    blocks = evaluate(rows, pixels.view(Watched), Region.at((7, 8, 0))).blocks
    assert sizes[0] == 8 * 8
    assert [block.values.shape for _, block in sorted(blocks.items())] == [
        (1, 8, 8),
        (1, 6, 6),
        (1, 6, 6),
        (1, 3, 3),
        (1, 1, 1),
    ]


def test_the_field_s_corners_are_cut_at_the_picture():
    field = explain(Pipeline.parse("conv:box:padding=1,conv:box:padding=1"), GREY, (0, 9)).receptive_field
    assert field.size == (5, 5)
    assert (field.rows, field.columns) == ((-2, 2), (7, 11))
    assert field.corners == ((0, 7), (0, 9), (2, 7), (2, 9))
    assert field.in_padding == 25 - 9


def test_a_value_that_sees_only_padding():
    explanation = explain(Pipeline.parse("relu,conv:box:padding=5,relu"), GREY, (0, 0))
    assert explanation.value == 0
    assert [step.number for step in explanation.steps] == [3, 2]
    assert explanation.steps[-1].follows is None
    assert explanation.receptive_field.corners == ()
    assert explanation.receptive_field.in_padding == 9
    explanation = explain(Pipeline.parse("maxpool:2:padding=2"), GREY, (0, 0))
    assert explanation.value == -np.inf
    assert explanation.steps[0].follows is None


@pytest.mark.parametrize(
    ("text", "at", "rows", "columns"),
    [
        ("flatten", (23,), (2, 2), (3, 3)),
        ("conv:box,flatten,relu", (9,), (1, 3), (1, 3)),
        ("flatten,softmax", (0,), (0, 7), (0, 9)),
        ("globalavgpool", (0, 0), (0, 7), (0, 9)),
    ],
)
def test_the_field_of_a_vector_s_value(text, at, rows, columns):
    field = explain(Pipeline.parse(text), GREY, at).receptive_field
    assert (field.rows, field.columns) == (rows, columns)


def test_whole_numbers_stay_whole():
    (step,) = explain(Pipeline.parse("conv:gaussian"), [[1, 2, 1], [2, 4, 2], [1, 2, 1]], (0, 0)).steps
    assert step.filters[0].total == 36
    assert step.filters[0].scale == Fraction(1, 16)
    assert step.value == 2.25
    (step,) = explain(Pipeline.parse("conv:box"), np.full((3, 3), 5), (0, 0)).steps
    assert (step.filters[0].total, step.value) == (45, 5)


def test_the_bias_of_a_file_and_that_of_the_text_add_up():
    bank = np.load("net.npz")
    (step,) = explain(Pipeline.parse("conv:net.npz:name=one:bias=2"), COLOUR, (1, 2, 3)).steps
    assert step.bias == 2 + float(bank["one.bias"][3])
    assert step.filter == "net, map 3"
    for channel in range(3):
        np.testing.assert_array_equal(step.filters[0].channels[channel].kernel, bank["one.weight"][3, channel])
        window = step.filters[0].channels[channel].window
        assert window.channel == channel
        np.testing.assert_array_equal(window.values, COLOUR[1:4, 2:5, channel])


def test_a_group_sees_its_own_channels():
    (step, *_) = explain(
        Pipeline.parse("conv:net.npz:name=one,conv:net.npz:name=two:layout=oihw:groups=2"), COLOUR, (0, 0, 4)
    ).steps
    assert [channel.window.channel for channel in step.filters[0].channels] == [2, 3]


def test_the_largest_product_is_followed_and_of_equals_the_middle_one():
    flat = np.full((5, 5), 3)
    (step,) = explain(Pipeline.parse("conv:1 1 1; 1 1 1; 1 1 1"), flat, (1, 1)).steps
    assert step.follows == (2, 2, 0)
    (step,) = explain(Pipeline.parse("conv:1 1 1; 1 1 1; 1 1 -2"), flat, (1, 1)).steps
    assert step.follows == (3, 3, 0)
    (step,) = explain(Pipeline.parse("maxpool:2"), flat, (0, 0)).steps
    assert step.follows == (0, 0, 0)


def test_values_that_are_not_finite():
    pixels = np.float32([[np.nan, 1, 2], [3, np.inf, 4], [5, 6, 7]])
    (step,) = explain(Pipeline.parse("conv:0 1; 1 0"), pixels, (0, 0)).steps
    assert (step.value, step.filters[0].channels[0].products[0][0]) == (4, 0)
    (step, _) = explain(Pipeline.parse("conv:0 1; 1 0,maxpool:2"), pixels, (0, 0)).steps
    assert step.value == Pipeline.parse("conv:0 1; 1 0,maxpool:2").run(pixels)[0, 0, 0] == np.inf
    (step,) = explain(Pipeline.parse("maxpool:2"), pixels, (0, 0)).steps
    assert np.isnan(step.value)
    assert step.follows == (0, 0, 0)
    (step,) = explain(Pipeline.parse("conv:1 1; 1 1"), pixels, (1, 1)).steps
    assert (step.value, step.follows) == (np.inf, (1, 1, 0))
    record = to_record(explain(Pipeline.parse("maxpool:1:padding=1"), pixels, (0, 0)))
    assert record["value"] == "-inf"
    json.dumps(record, allow_nan=False)


@pytest.mark.parametrize(
    ("text", "at", "message"),
    [
        ("conv:edge", (6, 0), "no value at 6,0: the result is 6x8x1, rows 0 to 5, columns 0 to 7, maps 0 to 0"),
        ("conv:edge", (0, 8, 0), "no value at 0,8,0: the result is 6x8x1, rows 0 to 5, columns 0 to 7, maps 0 to 0"),
        ("conv:edge", (0, 0, 1), "no value at 0,0,1: the result is 6x8x1, rows 0 to 5, columns 0 to 7, maps 0 to 0"),
        ("conv:edge", (-1, 0), "no value at -1,0: the result is 6x8x1, rows 0 to 5, columns 0 to 7, maps 0 to 0"),
        ("conv:edge", (3,), "no value at 3: the result is 6x8x1; give (row, column) or (row, column, map)"),
        ("flatten", (80,), "no value at 80: the result is a vector of 80; give an index from 0 to 79"),
        ("flatten", (1, 2), "no value at 1,2: the result is a vector of 80; give an index from 0 to 79"),
        ("conv:2@3x3", (0, 0), "stage 1 (conv): conv:2@3x3 has sizes but no weights"),
    ],
)
def test_a_place_that_is_not_there_is_named_with_the_size(text, at, message):
    with pytest.raises(ArgumentError) as caught:
        explain(Pipeline.parse(text), GREY, at)
    assert str(caught.value).startswith(message)


def test_what_cannot_be_explained():
    with pytest.raises(ArgumentError, match="a chain without stages has nothing to explain"):
        explain(Pipeline(()), GREY, (0, 0))
    with pytest.raises(ArgumentError, match=r"a picture is \(H, W\) or \(H, W, C\), not of shape \(3,\)"):
        explain(Pipeline.parse("relu"), [1, 2, 3], (0, 0))
    with pytest.raises(ShapeError, match=r"stage 2 \(maxpool\): window 9x9 does not fit"):
        explain(Pipeline.parse("conv:edge,maxpool:9"), GREY, (0, 0))
    with pytest.raises(KernelError, match=r"stage 1 \(conv\)"):
        explain(Pipeline.parse("conv:missing.npy"), GREY, (0, 0))


STEP = {"number", "kind", "name", "stage", "at", "value", "follows"}
SCHEMA = {
    "convolution": {"filter", "filters", "combine", "bias"},
    "pool": {"pool", "window", "sum", "divisor"},
    "mean": {"sum", "count"},
    "function": {"inputs", "formula"},
    "flatten": set(),
    "copy": set(),
    "resample": {"samples"},
    "largest": {"count"},
    "lrn": {"first", "inputs", "squares", "sum", "formula"},
    "dense": {"inputs", "weights", "products", "total", "bias"},
    "softmax": {"inputs", "largest", "powers", "sum"},
}


def test_the_record_has_the_documented_keys_and_is_plain():
    seen = set()
    for text, pixels in CHAINS:
        pipeline = Pipeline.parse(text)
        vector = len(pipeline.plan(np.atleast_3d(pixels).shape)[-1].output) == 1
        record = to_record(explain(pipeline, pixels, (0,) if vector else (0, 0)))
        assert json.loads(json.dumps(record, allow_nan=False)) == record
        assert list(record) == ["stages", "input", "output", "at", "value", "steps", "receptive_field"]
        assert list(record["receptive_field"]) == ["size", "rows", "columns", "corners", "in_padding"]
        for step in record["steps"]:
            assert set(step) == STEP | SCHEMA[step["kind"]]
            seen.add(step["kind"])
            for each in step.get("filters", []):
                assert list(each) == ["channels", "total", "scale", "value"]
                assert list(each["channels"][0]) == ["window", "kernel", "products", "sum"]
                step = {"window": each["channels"][0]["window"]}
            if "window" in step:
                assert list(step["window"]) == ["channel", "rows", "columns", "values", "padding"]
    assert seen == set(SCHEMA)


@pytest.mark.parametrize("at", [None, 3, "ab", (1.5, 0), (None, 0), [[0, 0]]])
def test_a_place_is_whole_numbers(at):
    with pytest.raises(ArgumentError, match="^at must be whole numbers, row and column and which map, not "):
        explain(Pipeline.parse("relu"), [[1, 2], [3, 4]], at)


def test_a_place_may_be_an_array_and_is_told_as_numbers():
    explanation = explain(Pipeline.parse("relu"), [[1, 2], [3, 4]], np.array([1, 0]))
    assert json.loads(json.dumps(to_record(explanation)))["at"] == [1, 0, 0]
    with pytest.raises(ArgumentError, match="^no value at a number of over 4,300 digits,0: the result is 2x2x1"):
        explain(Pipeline.parse("relu"), [[1, 2], [3, 4]], (10**5000, 0))
