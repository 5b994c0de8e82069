import numpy as np
import pytest

from cnnfilter.errors import ArgumentError, KernelError, ShapeError
from cnnfilter.kernels.kernel import Kernel, get_kernel
from cnnfilter.network.stages import (
    Conv,
    Sliding,
    WeightFile,
)

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


@pytest.mark.parametrize(
    ("stage", "shape", "output", "params", "macs"),
    [
        (conv(32, (3, 3)), (28, 28, 1), (26, 26, 32), 320, 320 * 26 * 26),
        (conv(32, (3, 3), biased=False), (28, 28, 1), (26, 26, 32), 288, 288 * 26 * 26),
        (conv(6, (5, 3), groups=2), (9, 8, 4), (5, 6, 6), 6 * (5 * 3 * 2 + 1), 6 * 31 * 30),
        (conv(64, (11, 11), stride=(4, 4), padding=((2, 2), (2, 2))), (224, 224, 3), (55, 55, 64), 23296, 70470400),
        (conv(1, (7, 7), stride=(2, 2), padding="same"), (224, 224, 1), (112, 112, 1), 50, 50 * 112 * 112),
        (conv(1, (3, 3), dilation=(2, 1)), (9, 9, 1), (5, 7, 1), 10, 350),
        (conv(2, (3, 3), depthwise=True), (5, 5, 3), (3, 3, 6), 60, 540),
        (Conv((EDGE,)), (5, 5, 3), (3, 3, 3), 0, 9 * 3 * 9),
        (Conv((SOBEL_X, SOBEL_Y)), (5, 5, 3), (3, 3, 6), 0, 18 * 3 * 9),
        (Conv((SOBEL,)), (5, 5, 3), (3, 3, 3), 0, 18 * 3 * 9),
        (Conv((SOBEL, EDGE), bias=1.0), (5, 5, 3), (3, 3, 6), 0, 27 * 3 * 9 + 6 * 9),
        (Conv((EDGE,), depthwise=True), (5, 5, 3), (3, 3, 3), 0, 243),
    ],
    ids=str,
)
def test_a_convolution_knows_its_size_and_costs(stage, shape, output, params, macs):
    assert stage.output(shape) == output
    assert stage.params(shape) == params
    assert stage.macs(shape) == macs


@pytest.mark.parametrize(
    ("array", "options", "shape", "output", "params", "macs"),
    [
        (np.ones((4, 2, 3, 3)), {}, (5, 6, 2), (3, 4, 4), 72 + 4, 76 * 12),
        (np.ones((4, 2, 3, 3)), {"groups": 2}, (5, 6, 4), (3, 4, 4), 76, 76 * 12),
        (np.ones((6, 1, 3, 3)), {"depthwise": True}, (5, 6, 3), (3, 4, 6), 60, 60 * 12),
    ],
)
def test_a_learned_bank_knows_its_size_and_costs(save, array, options, shape, output, params, macs):
    path = save(**{"c.weight": array, "c.bias": np.zeros(len(array))})
    stage = Conv(file=WeightFile(path, "c"), **options)
    assert stage.output(shape) == output
    assert stage.params(shape) == params
    assert stage.macs(shape) == macs
    assert stage.window == (3, 3)
    assert stage.runnable is None


def test_a_bank_without_a_bias_has_only_weights(save):
    assert Conv(file=WeightFile(save(a=np.ones((4, 2, 3, 3))))).params((5, 5, 2)) == 72


def test_a_learned_kernel_filters_every_channel(save):
    stage = Conv(file=WeightFile(save(k=np.ones((2, 3)))))
    assert isinstance(stage.file.bank(3), Kernel)
    assert stage.window == (2, 3)
    assert stage.output((5, 6, 3)) == (4, 4, 3)
    assert stage.params((5, 6, 3)) == 6
    assert stage.macs((5, 6, 3)) == 6 * 3 * 16
    assert stage.maps_per_group == 1


def test_a_weight_file_is_read_once_and_not_before_it_is_needed(save):
    file = WeightFile(save(k=np.ones((2, 3))))
    assert file.bank(3) is file.bank(3)
    assert file.convolution is file.convolution
    missing = Conv(file=WeightFile("none.npy"))
    assert str(missing) == "conv:none.npy"
    with pytest.raises(KernelError, match=r"none\.npy: no such file"):
        missing.output((5, 5, 1))


@pytest.mark.parametrize(
    ("weight", "options", "channels", "message"),
    [
        ((4, 3, 3, 3), {}, 1, "but 1 arrives; use a colour picture, and no gray before it, or put rgb before it$"),
        ((4, 1, 3, 3), {}, 3, "filters over 1 channels, but 3 arrive; put gray before it$"),
        ((6, 1, 3, 3), {}, 3, "put gray before it, or use depthwise"),
        ((4, 2, 3, 3), {}, 4, "groups=2 would fit"),
        ((4, 2, 3, 3), {}, 5, "another stage before it must give that many"),
        ((4, 2, 3, 3), {"depthwise": True}, 4, "depthwise needs filters over 1, the same number for each channel"),
        ((4, 1, 3, 3), {"depthwise": True}, 3, "w holds 4 filters over 1 channels; over 3 channels, depthwise needs"),
        ((4, 2, 3, 3), {"groups": 3}, 6, "groups=3 does not divide 6 input channels and 4 filters"),
    ],
)
def test_a_bank_of_other_channels_says_how_to_fix_it(save, weight, options, channels, message):
    stage = Conv(file=WeightFile(save(w=np.ones(weight))), **options)
    with pytest.raises(ShapeError, match=message):
        stage.output((9, 9, channels))


def test_groups_of_sizes_must_divide():
    with pytest.raises(ShapeError, match="groups=2 does not divide 3 input channels and 4 filters"):
        conv(4, (3, 3), groups=2).output((9, 9, 3))


def test_a_window_larger_than_its_input_is_an_error():
    with pytest.raises(ShapeError, match="window 3x3 does not fit in 2x2; use more padding"):
        Conv((EDGE,)).output((2, 2, 1))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "takes one of a kernel, a weight file and sizes"),
        ({"kernels": (EDGE,), "sizes": (1, (3, 3))}, "takes one of"),
        ({"kernels": (EDGE, get_kernel("box:size=5"))}, "must have one size: edge is 3x3, box:size=5 is 5x5"),
        ({"kernels": (EDGE,), "scale": "l2"}, r"unknown scale 'l2'; did you mean l1\?"),
        ({"kernels": (EDGE,), "bias": float("nan")}, "bias must be a finite number, not nan"),
        ({"kernels": (EDGE,), "groups": 2}, "every channel is a group of its own"),
        ({"sizes": (1, (3, 3)), "groups": 2, "depthwise": True}, "every channel is a group of its own"),
        ({"sizes": (1, (3, 3)), "groups": 0}, "groups must be at least 1, not 0"),
        ({"sizes": (1, (3, 3)), "flip": True}, "are for given weights, not for sizes"),
        ({"sizes": (1, (3, 3)), "scale": "sum"}, "are for given weights, not for sizes"),
        ({"sizes": (1, (3, 3)), "bias": 1.0}, "are for given weights, not for sizes"),
    ],
)
def test_what_does_not_go_together_is_an_error(options, message):
    with pytest.raises(ArgumentError, match=message):
        Conv(**options)


def test_sizes_cannot_be_run():
    assert conv(4, (3, 3)).runnable == ("conv:4@3x3 has sizes but no weights; name a kernel or a weight file to run it")
    assert Conv((EDGE,)).runnable is None


def test_how_a_kernel_slides():
    stage = conv(1, (7, 7), stride=(2, 2), padding="same")
    assert stage.sliding((224, 223, 1)) == Sliding((7, 7), (2, 2), (1, 1), ((2, 3), (3, 3)))
