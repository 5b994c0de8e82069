"""Banks whose layout their shape does not tell, settled by what arrives at the stage or by their biases."""

import numpy as np
import pytest

from cnnfilter import Pipeline
from cnnfilter.engine import reference
from cnnfilter.errors import KernelError
from cnnfilter.explanation import explain
from cnnfilter.export import emit
from cnnfilter.network.grammar import parse
from cnnfilter.weights.bank import load_kernel
from cnnfilter.weights.layouts import readings
from tests.command import refused, run, save

RNG = np.random.default_rng(3)
AMBIGUOUS = RNG.normal(size=(5, 8, 5, 3)).astype(np.float32)
MAPS = RNG.normal(size=(8, 9, 10)).astype(np.float32)


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    np.save("bank.npy", AMBIGUOUS)


def close(result, expected):
    np.testing.assert_allclose(result, expected, rtol=1e-5, atol=1e-4)


def test_the_channels_that_arrive_settle_the_layout():
    close(Pipeline.parse("conv:bank.npy").run(MAPS), reference.conv2d(MAPS, AMBIGUOUS))
    five = MAPS[:5]
    close(Pipeline.parse("conv:bank.npy").run(five), reference.conv2d(five, AMBIGUOUS.transpose(3, 2, 0, 1)))


def test_one_chain_takes_both():
    pipeline = Pipeline.parse("conv:bank.npy:padding=same,relu,conv:bank.npy")
    first = np.maximum(reference.conv2d(MAPS, AMBIGUOUS, padding="same"), 0)
    close(pipeline.run(MAPS), reference.conv2d(first, AMBIGUOUS.transpose(3, 2, 0, 1)))
    assert [row.output for row in pipeline.plan((9, 10, 8))][::2] == [(9, 10, 5), (5, 3, 3)]


def test_groups_count_for_what_arrives():
    np.save("bank.npy", np.ones((10, 4, 5, 3)))  # hwio: 3 filters over 5 channels
    assert parse("conv:bank.npy:groups=2").stages[0].output((9, 9, 8)) == (5, 7, 10)


@pytest.mark.parametrize("channels", [3, 40])
def test_what_fits_neither_way_is_refused_with_both(channels):
    with pytest.raises(KernelError, match=r"5x8x5x3 may be oihw .* or hwio .*; say which with layout=oihw"):
        parse("conv:bank.npy").stages[0].output((9, 9, channels))


def test_what_fits_both_ways_is_refused_before_any_picture_is_read():
    np.save("bank.npy", np.ones((3, 3, 3, 3)))
    save("photo.png")
    message = "stage 1 (conv): bank.npy: shape 3x3x3x3 may be oihw"
    assert refused("conv:bank.npy", "photo.png", command="run").startswith(message)
    assert refused("conv:bank.npy", "photo.png", "--at", "0,0", command="explain").startswith(message)


def test_a_bias_for_each_filter_settles_the_layout():
    np.savez("net.npz", w=AMBIGUOUS, b=np.ones(5))
    assert load_kernel("net.npz").weight.shape == (5, 8, 5, 3)
    np.savez("net.npz", w=AMBIGUOUS, b=np.ones(3))
    assert load_kernel("net.npz").weight.shape == (3, 5, 5, 8)
    np.savez("net.npz", w=AMBIGUOUS, b=np.ones(1))
    with pytest.raises(KernelError, match="may be oihw"):
        load_kernel("net.npz")
    assert Pipeline.parse("conv:net.npz").plan((9, 10, 8))[0].output == (5, 8, 5)


def test_what_the_channels_alone_tell_of_a_depthwise_bank_waits_for_them():
    np.save("bank.npy", np.ones((6, 1, 1, 4)))
    pipeline = Pipeline.parse("depthwise:bank.npy")
    pipeline.load_weights()
    assert pipeline.plan((9, 9, 4))[0].output == (4, 9, 4)


def test_what_the_shape_tells_is_not_turned_to_fit():
    np.save("bank.npy", np.ones((8, 3, 5, 5)))  # as hwio it would be 5 filters of 8x3 over 5 channels
    result = run("shape", "9x9x5", "conv:bank.npy")
    assert result.exit_code == 2
    assert "bank holds filters over 3 channels, but 5 arrive" in result.err


def test_a_window_that_no_kernel_has_is_no_way_to_read_a_bank():
    assert [each.name for each in readings((2048, 512, 1, 1))] == ["oihw"]
    assert [each.name for each in readings((1, 1, 512, 2048))] == ["hwio"]
    assert len(readings((64, 64, 1, 1))) == 2


# Depthwise


def depthwise(maps, kernels):
    """Convolve channel c with each of kernels[c] (C, m, kh, kw), one after the other."""
    return np.concatenate(
        [reference.conv2d(plane[None], one[:, None]) for plane, one in zip(maps, kernels, strict=True)]
    )


@pytest.mark.parametrize("layout", ["", ":layout=hwio"])
@pytest.mark.parametrize("multiplier", [1, 2, 8])
def test_depthwise_weights_of_keras_are_height_width_channels_multiplier(layout, multiplier):
    kernels = RNG.normal(size=(8, multiplier, 3, 3)).astype(np.float32)
    bias = RNG.normal(size=8 * multiplier).astype(np.float32)
    np.savez("net.npz", **{"dw/depthwise_kernel:0": kernels.transpose(2, 3, 0, 1), "dw/bias:0": bias})
    expected = depthwise(MAPS, kernels) + bias[:, None, None]
    close(Pipeline.parse(f"depthwise:net.npz{layout}").run(MAPS), expected)


@pytest.mark.parametrize("layout", ["", ":layout=hwio", ":layout=oihw"])
def test_depthwise_weights_of_others_have_one_channel(layout):
    bank = RNG.normal(size=(16, 1, 3, 3)).astype(np.float32)
    np.save("bank.npy", bank if layout == ":layout=oihw" else bank.transpose(2, 3, 1, 0))  # as Flax stores them
    close(Pipeline.parse(f"depthwise:bank.npy{layout}").run(MAPS), depthwise(MAPS, bank.reshape(8, 2, 3, 3)))


def test_one_kernel_for_each_channel_may_have_three_axes():
    kernels = RNG.normal(size=(8, 3, 3)).astype(np.float32)
    np.save("first.npy", kernels)
    np.save("last.npy", kernels.transpose(1, 2, 0))
    for text in ("depthwise:first.npy", "depthwise:last.npy", "depthwise:last.npy:layout=hwio"):
        close(Pipeline.parse(text).run(MAPS), depthwise(MAPS, kernels[:, None]))


def test_depthwise_weights_of_other_channels_are_refused():
    np.save("bank.npy", np.ones((3, 3, 4, 2)))
    result = run("shape", "9x9x8", "depthwise:bank.npy:layout=hwio")
    assert result.exit_code == 2
    assert "bank holds 2 filters over 4 channels; over 8 channels, depthwise needs filters over 1" in result.err


# Dense


@pytest.mark.parametrize("biased", [True, False])
def test_a_matrix_of_keras_is_run_explained_and_emitted_as_what_fits(biased):
    matrix, bias = RNG.normal(size=(12, 5)).astype(np.float32), RNG.normal(size=5).astype(np.float32)
    np.savez("net.npz", **{"d/kernel:0": matrix}, **({"d/bias:0": bias} if biased else {}))
    picture = RNG.integers(0, 256, (3, 4), dtype=np.uint8)
    expected = picture.reshape(-1).astype(np.float32) @ matrix + (bias if biased else 0)
    pipeline = Pipeline.parse("flatten,dense:net.npz")
    close(pipeline.run(picture), expected)
    assert explain(pipeline, picture, (2,)).value == pytest.approx(expected[2], rel=1e-5)
    rows = pipeline.plan((3, 4, 1))
    assert rows[-1].params == 60 + 5 * biased
    program = {"__name__": "emitted"}
    exec(emit(rows, "numpy"), program)
    close(program["network"](picture[None].astype(np.float32)), expected)


@pytest.mark.parametrize("text", ["conv:bank.npy", "depthwise:keras.npy", "depthwise:keras.npy:layout=hwio"])
def test_what_arrives_counts_in_every_room(text):
    np.save("keras.npy", RNG.normal(size=(3, 3, 8, 2)).astype(np.float32))
    pipeline = Pipeline.parse(text)
    rows = pipeline.plan((9, 10, 8))
    result = pipeline.run(MAPS)
    picture = np.ascontiguousarray(MAPS.transpose(1, 2, 0))
    assert explain(pipeline, picture, (2, 3, 4)).value == pytest.approx(result[4, 2, 3], rel=1e-4)
    program = {"__name__": "emitted"}
    exec(emit(rows, "numpy"), program)
    close(program["network"](MAPS), result)
