import numpy as np
import pytest

from cnnfilter.engine import activations
from cnnfilter.errors import ArgumentError, ShapeError
from cnnfilter.kernels.kernel import get_kernel
from cnnfilter.network.activations import ACTIVATIONS
from cnnfilter.network.stages import (
    Absolute,
    Activation,
    Conv,
    Dense,
    Flatten,
    GlobalAveragePool,
    Gray,
    Magnitude,
    Normalize,
    Pool,
    Rgb,
    Sliding,
    Softmax,
    WeightFile,
)
from cnnfilter.network.stages.base import dropped, size_arithmetic, size_formula
from cnnfilter.sizes import Border, parse_padding

EDGE = get_kernel("edge")
SOBEL_X, SOBEL_Y, SOBEL = (get_kernel(name) for name in ("sobel-x", "sobel-y", "sobel"))


@pytest.fixture
def save(tmp_path):
    def write(name="w.npz", **arrays):
        np.savez(tmp_path / name, **{key: np.asarray(array, np.float32) for key, array in arrays.items()})
        return str(tmp_path / name)

    return write


def conv(count, window, **options):
    return Conv(sizes=(count, window), **options)


# Pools


@pytest.mark.parametrize(
    ("stage", "shape", "output", "arithmetic"),
    [
        (Pool("max", (2, 2)), (24, 24, 64), (12, 12, 64), "floor((24 + 2*0 - 2)/2) + 1 = 12"),
        (Pool("avg", (2, 2), ceil_mode=True), (5, 5, 1), (3, 3, 1), "ceil((5 + 2*0 - 2)/2) + 1 = ceil(1.5) + 1 = 3"),
        (
            Pool("max", (3, 3), (2, 2), ceil_mode=True),
            (2, 2, 1),
            (1, 1, 1),
            "ceil((2 + 2*0 - 3)/2) + 1 = ceil(-0.5) + 1 = 1",
        ),
        (
            Pool("sum", (2, 2), padding=((1, 1), (1, 1)), ceil_mode=True),
            (3, 3, 1),
            (2, 2, 1),
            "ceil((3 + 2*1 - 2)/2) + 1 - 1 = ceil(1.5) + 1 - 1 = 2",
        ),
        (
            Pool("max", (3, 2), stride=(1, 2), dilation=(2, 1), padding="same-lower"),
            (6, 7, 2),
            (6, 4, 2),
            "height: floor((6 + 2*2 - 2*(3 - 1) - 1)/1) + 1 = 6\nwidth: floor((7 + 1 + 0 - 2)/2) + 1 = 4",
        ),
    ],
    ids=str,
)
def test_a_pool_keeps_the_channels_and_shows_its_arithmetic(stage, shape, output, arithmetic):
    assert stage.output(shape) == output
    assert stage.arithmetic(shape) == arithmetic
    assert (stage.params(shape), stage.macs(shape)) == (0, 0)


@pytest.mark.parametrize(
    ("kind", "options", "message"),
    [
        ("min", {}, r"unknown pool 'min' \(known: max, avg, sum\)"),
        ("avg", {"dilation": (2, 2)}, "avgpool has no dilation; only maxpool has"),
        ("max", {"count_include_pad": False}, "count_include_pad is for avgpool, not for maxpool"),
    ],
)
def test_what_a_pool_has_not_is_an_error(kind, options, message):
    with pytest.raises(ArgumentError, match=message):
        Pool(kind, (2, 2), **options)


def test_the_global_average_is_one_value_a_map():
    stage = GlobalAveragePool()
    assert stage.output((7, 5, 512)) == (1, 1, 512)
    assert stage.arithmetic((7, 5, 512)) == "mean of 7*5 = 35"
    assert stage.sliding((7, 5, 512)) is None
    assert stage.sees_all((7, 5, 512))


# Vectors


def test_flatten_multiplies():
    assert Flatten().output((12, 12, 64)) == (9216,)
    assert Flatten().output((9,)) == (9,)
    assert Flatten().arithmetic((12, 12, 64)) == "12*12*64 = 9216"


@pytest.mark.parametrize(
    ("stage", "params", "arithmetic"),
    [
        (Dense(units=30), 23550, "params: (784 + 1)*30 = 23550"),
        (Dense(units=30, biased=False), 23520, "params: 784*30 = 23520"),
    ],
)
def test_a_dense_stage_counts_its_weights(stage, params, arithmetic):
    assert stage.output((784,)) == (30,)
    assert (stage.params((784,)), stage.macs((784,))) == (params, params)
    assert stage.arithmetic((784,)) == arithmetic
    assert stage.sees_all((784,))


def test_dense_weights_from_a_file(save):
    path = save(**{"fc.weight": np.ones((3, 4)), "fc.bias": np.ones(3), "other": np.ones((5, 4))})
    stage = Dense(file=WeightFile(path, "fc"))
    assert stage.output((4,)) == (3,)
    assert stage.params((4,)) == 15
    assert stage.runnable is None
    assert Dense(file=WeightFile(path, "other")).params((4,)) == 20
    with pytest.raises(ShapeError, match=r"weights \(out, in\) of 3x4 do not fit a vector of 9$"):
        stage.output((9,))
    with pytest.raises(ShapeError, match=r"of 3x4 do not fit a vector of 3$"):  # its bias tells its 3 outputs
        stage.output((3,))
    assert Dense(file=WeightFile(path, "other")).output((5,)) == (4,)  # as Keras stores it


def test_units_cannot_be_run():
    assert Dense(units=3).runnable == "dense:3 has units but no weights; name a weight file to run it"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "takes a number of units or a weight file"),
        ({"units": 3, "file": WeightFile("a.npy")}, "takes a number of units or a weight file"),
        ({"units": 0}, "units must be at least 1, not 0"),
        ({"file": WeightFile("a.npy"), "order": "hcw"}, r"unknown layout 'hcw'; did you mean .*hwc"),
        ({"file": WeightFile("a.npy"), "biased": False}, "bias=no is for units"),
    ],
)
def test_what_a_dense_stage_cannot_be_is_an_error(options, message):
    with pytest.raises(ArgumentError, match=message):
        Dense(**options)


def test_dense_wants_a_vector_and_conv_wants_maps():
    with pytest.raises(ShapeError, match="takes a vector, not maps of 4x4x2; put flatten before it"):
        Dense(units=3).output((4, 4, 2))
    for stage in (Conv((EDGE,)), Pool("max", (2, 2)), GlobalAveragePool(), Gray(), Rgb(), Magnitude(Conv((EDGE,)))):
        message = f"takes maps \\(H, W, C\\), not a vector of 9; put {stage.name} before flatten and dense"
        with pytest.raises(ShapeError, match=message):
            stage.output((9,))


# Place by place


def test_the_activations_are_those_of_the_engine_with_its_defaults():
    import inspect

    for name, known in ACTIVATIONS.items():
        parameters = list(inspect.signature(getattr(activations, name)).parameters.values())[1:]
        assert {each.name: each.default for each in parameters} == known.parameters


def test_an_activation_fills_in_its_defaults():
    assert Activation("rbf", (0.5,)) == Activation("rbf", (0.5, 1.0))
    assert Activation("relu").output((3, 4, 5)) == (3, 4, 5)
    assert not Activation("relu").sees_all((9,))


@pytest.mark.parametrize(
    ("function", "values", "message"),
    [
        ("rleu", (), r"unknown activation 'rleu'; did you mean .*relu"),
        ("relu", (1.0,), "relu takes 0 parameters, not 1"),
        ("elu", (float("inf"),), "alpha must be a finite number, not inf"),
        ("elu", (None,), "alpha must be a finite number, not None"),
        ("clip", ("1",), "min must be a finite number, not '1'"),
        ("gelu", ("erf",), r"unknown approximate 'erf' \(known: none, tanh\)"),
    ],
)
def test_a_wrong_activation_is_an_error(function, values, message):
    with pytest.raises(ArgumentError, match=message):
        Activation(function, values)


def test_gray_takes_three_channels_or_one():
    assert Gray().output((4, 5, 3)) == (4, 5, 1)
    assert Gray().output((4, 5, 1)) == (4, 5, 1)
    with pytest.raises(ShapeError, match=r"takes 3 channels \(or 1, which stays as it is\), not 2"):
        Gray().output((4, 5, 2))


def test_rgb_takes_one_channel_or_three():
    assert Rgb().output((4, 5, 1)) == (4, 5, 3)
    assert Rgb().output((4, 5, 3)) == (4, 5, 3)
    with pytest.raises(
        ShapeError, match=r"takes 1 channel \(or 3, which stay as they are\), not 2; put rgb before conv$"
    ):
        Rgb().output((4, 5, 2))


def test_a_normalization_of_colours_tells_how_grey_becomes_three_channels():
    with pytest.raises(ShapeError, match="fit 4x5x1; put rgb before it, or give one number, or one for each$"):
        Normalize(mean=(0.1, 0.2, 0.3)).output((4, 5, 1))
    for values, shape in (((0.1, 0.2), (4, 5, 1)), ((0.1, 0.2, 0.3), (4, 5, 2)), ((0.1, 0.2, 0.3), (3,))):
        with pytest.raises(ShapeError, match="; give one number, or one for each$"):
            Normalize(mean=values).output(shape)


def test_normalize_takes_one_number_or_one_for_each_channel():
    stage = Normalize(mean=(0.1, 0.2, 0.3), std=(1.0, 2.0, 3.0))
    assert stage.output((4, 5, 3)) == (4, 5, 3)
    assert Normalize().output((9,)) == (9,)
    for shape in ((4, 5, 1), (9,), (3,)):
        with pytest.raises(ShapeError, match="mean holds 3 numbers, one for each channel, which does not fit"):
            stage.output(shape)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"divide": 0.0}, "divide must not be 0"),
        ({"std": (1.0, 0.0)}, "std must not be 0"),
        ({"mean": (float("nan"),)}, "mean must be a finite number"),
    ],
)
def test_normalize_divides_by_no_zero(options, message):
    with pytest.raises(ArgumentError, match=message):
        Normalize(**options)


def test_what_keeps_its_size():
    for stage in (Absolute(), Softmax()):
        assert stage.output((3, 4, 5)) == (3, 4, 5)
        assert stage.arithmetic((3, 4, 5)) == ""
        assert stage.runnable is None
    assert Softmax().sees_all((9,))
    assert not Softmax().sees_all((3, 4, 5))


@pytest.mark.parametrize(
    ("stage", "channels", "count"),
    [
        (Conv((SOBEL_X, SOBEL_Y)), 6, 2),
        (Conv((SOBEL, EDGE)), 4, 2),
        (conv(8, (3, 3)), 8, 8),
        (conv(8, (3, 3), groups=4), 8, 2),
        (conv(2, (3, 3), depthwise=True), 6, 2),
    ],
    ids=str,
)
def test_magnitude_combines_the_maps_of_each_channel(stage, channels, count):
    magnitude = Magnitude(stage)
    assert magnitude.count == count
    assert magnitude.output((4, 5, channels)) == (4, 5, channels // count)
    assert magnitude.arithmetic((4, 5, channels)) == f"{channels} maps / {count} = {channels // count}"


def test_magnitude_of_a_learned_bank(save):
    path = save(w=np.ones((4, 1, 3, 3)))
    assert Magnitude(Conv(file=WeightFile(path))).count == 4
    assert Magnitude(Conv(file=WeightFile(path), groups=2)).count == 2
    with pytest.raises(ArgumentError, match="cannot tell how many filters of w see one channel"):
        Magnitude(Conv(file=WeightFile(path), depthwise=True)).output((4, 5, 4))


def test_magnitude_must_divide_the_maps():
    with pytest.raises(ShapeError, match="combines 2 maps at a time, which does not divide the 3 of 4x5x3"):
        Magnitude(Conv((SOBEL_X, SOBEL_Y))).output((4, 5, 3))


# Text


@pytest.mark.parametrize(
    ("stage", "text"),
    [
        (Conv((EDGE,)), "conv:edge"),
        (Conv((get_kernel("gaussian:sigma=2"),), stride=(2, 2)), "conv:gaussian:sigma=2:stride=2"),
        (Conv((get_kernel("0 1.5; 1e20 -1"),)), "conv:0 1.5; 1e20 -1"),
        (
            Conv((SOBEL_X,), stride=(2, 1), padding=parse_padding("1+2x0+3"), dilation=(1, 2), border=Border("reflect"),
                 flip=True, scale="l1", bias=-0.5),
            "conv:sobel-x:stride=2x1:padding=1+2x0+3:dilation=1x2:border=reflect:flip=yes:scale=l1:bias=-0.5",
        ),
        (Conv((EDGE,), border=Border("constant", 3.0), padding=((1, 1), (2, 2))),
         "conv:edge:padding=1x2:border=constant=3"),
        (conv(8, (3, 1), groups=2, biased=False), "conv:8@3x1:groups=2:bias=no"),
        (conv(1, (3, 3), depthwise=True), "depthwise:3x3"),
        (conv(2, (3, 3), depthwise=True), "depthwise:2@3x3"),
        (Conv(file=WeightFile("a,b.npz", "x:y", "hwio")), "conv:a\\,b.npz:name=x\\:y:layout=hwio"),
        (Conv(file=WeightFile("a=b.npy")), "conv:kernel=a=b.npy"),
        (Conv(file=WeightFile("C:\\w+1\\")), "conv:C:\\w\\+1\\\\"),
        (Pool("max", (2, 2), stride=(2, 2)), "maxpool:2"),
        (Pool("avg", (3, 2), stride=(1, 1), padding="same", ceil_mode=True, count_include_pad=False),
         "avgpool:3x2:stride=1:padding=same:ceil_mode=yes:count_include_pad=no"),
        (Pool("max", (3, 3), dilation=(2, 2)), "maxpool:3:dilation=2"),
        (Dense(units=10), "dense:10"),
        (Dense(units=10, biased=False), "dense:10:bias=no"),
        (Dense(file=WeightFile("a.npz", "fc"), order="hwc"), "dense:a.npz:name=fc:layout=hwc"),
        (Dense(units=3, order="hwc"), "dense:3:layout=hwc"),
        (Dense(file=WeightFile("a=b.npy")), "dense:weights=a=b.npy"),
        (Normalize(), "normalize"),
        (Normalize(2.0, (0.5, -1.0, 1e30), (1.0, 2.0, 3.0)), "normalize:divide=2:mean=0.5+-1+1e30:std=1+2+3"),
        (Activation("leaky_relu"), "leaky_relu"),
        (Activation("rbf", (0.0, 2.0)), "rbf:epsilon=2"),
        (Gray(), "gray"), (Rgb(), "rgb"), (Absolute(), "abs"), (Magnitude(Conv((EDGE,))), "magnitude"),
        (Softmax(), "softmax"), (Flatten(), "flatten"), (GlobalAveragePool(), "globalavgpool"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)  # fmt: skip
def test_a_stage_is_written_in_its_shortest_form(stage, text):
    assert str(stage) == text


@pytest.mark.parametrize(
    ("sliding", "formula"),
    [
        (Sliding((3, 3), (1, 1), (1, 1), ((1, 1), (2, 2))), "floor((n + 2p - k)/s) + 1"),
        (Sliding((3, 3), (1, 1), (2, 1), ((1, 2), (2, 2))), "floor((n + begin + end - d*(k - 1) - 1)/s) + 1"),
    ],
)
def test_the_formula_is_no_longer_than_it_must_be(sliding, formula):
    assert size_formula(sliding) == formula


@pytest.mark.parametrize("n", range(7, 13))
@pytest.mark.parametrize("stride", [1, 2, 3])
@pytest.mark.parametrize("dilation", [1, 2])
def test_the_arithmetic_is_true_and_the_dropped_samples_are_those_no_window_reaches(n, stride, dilation):
    sliding = Sliding((3, 3), (stride, stride), (dilation, dilation), ((1, 2), (1, 2)))
    from math import floor

    *expressions, result = size_arithmetic((n, n), sliding).split(" = ")
    assert {eval(each, {"floor": floor}) for each in expressions} == {int(result)}
    assert len(expressions) == 1 + ((n + 3 - 1 - dilation * 2) % stride > 0)
    last = (int(result) - 1) * stride + dilation * 2
    assert dropped(n, int(result), 0, sliding) == n + 3 - 1 - last
