"""`conv2d` with kernels by name, with `Kernel`s, and with banks from files, which bring their bias."""

import itertools

import numpy as np
import pytest

from cnnfilter import ArgumentError, KernelError, Pipeline, ShapeError, apply, conv2d, get_kernel, load_bank
from cnnfilter.kernels.kernel import KERNELS
from tests.command import ROOT
from tests.oracles import samples

RNG = np.random.default_rng(11)
GREY = samples(RNG, (15, 17), np.uint8)
COLOUR = samples(RNG, (15, 17, 3), np.uint8)
MAPS = samples(RNG, (3, 15, 17), np.float32)
OPTIONS = {"padding": ((1, 2), (2, 0)), "stride": (2, 1), "border": "reflect"}
WRITTEN = "padding=1+2x2+0:stride=2x1:border=reflect"


@pytest.mark.parametrize("name", KERNELS)
def test_a_name_is_what_it_is_in_a_chain(name):
    chain = Pipeline.parse(f"conv:{name}:{WRITTEN}")
    for x, kernel in itertools.product((GREY, COLOUR, MAPS), (name, get_kernel(name))):
        result = conv2d(x, kernel, **OPTIONS)
        assert result.dtype == np.float32
        np.testing.assert_array_equal(result.reshape(-1, *result.shape[-2:]), chain.run(x))


@pytest.mark.parametrize("name", ["sobel-x", "sobel", "kirsch"])
def test_maps_of_a_kernel_are_shaped_as_their_input(name):
    assert conv2d(GREY, name).ndim == 2
    assert conv2d(GREY[..., None], name).shape == (1, *conv2d(GREY, name).shape)
    for x, shape in ((COLOUR, (3,)), (MAPS, (3,)), (MAPS[None], (1, 3)), (np.stack([MAPS, MAPS]), (2, 3))):
        assert conv2d(x, name).shape[:-2] == shape


def test_a_combined_kernel_gives_one_map_a_channel():
    x, y = (conv2d(COLOUR, f"sobel-{axis}").astype(np.float64) for axis in "xy")
    np.testing.assert_array_equal(conv2d(COLOUR, "sobel"), np.hypot(x, y).astype(np.float32))
    stacked = conv2d(COLOUR, get_kernel("sobel").weights)
    assert stacked.shape == (6, 13, 15)
    np.testing.assert_array_equal(stacked, np.stack([x, y], axis=1).reshape(6, 13, 15))


def test_a_matrix_may_be_written_out():
    np.testing.assert_array_equal(conv2d(GREY, "0 1; 2 1/4"), conv2d(GREY, [[0, 1], [2, 0.25]]))


def test_the_bias_of_kernels():
    for name, bias in itertools.product(("sobel-x", "sobel"), (2.5, [2.5])):
        expected = Pipeline.parse(f"conv:{name}:bias=2.5").run(COLOUR)
        np.testing.assert_array_equal(conv2d(COLOUR, name, bias), expected)
    with pytest.raises(ShapeError, match=r"^bias must be one number for kernels that combine \(magnitude\), not 3$"):
        conv2d(COLOUR, "sobel", [1, 2, 3])


@pytest.mark.parametrize("name", ["gabor.npz", "gabor.safetensors"])
def test_a_bank_from_a_file(name):
    bank = load_bank(ROOT / "samples" / "kernels" / name)
    assert bank.weight.shape == (8, 1, 5, 5)
    np.testing.assert_array_equal(conv2d(GREY, bank), conv2d(GREY, bank.weight, bank.bias))
    with pytest.raises(ShapeError, match="^each filter takes 1 channels, but the input has 3; give a bank"):
        conv2d(COLOUR, bank)


def test_a_bank_brings_its_bias(tmp_path):
    weight, bias = RNG.normal(size=(4, 3, 3, 3)).astype(np.float32), np.arange(4, dtype=np.float32)
    np.savez(
        tmp_path / "net.npz", **{"c.weight": weight, "c.bias": bias, "d.weight": weight[:2], "e.weight": weight[0, 0]}
    )
    bank = load_bank(str(tmp_path / "net.npz"), name="c")
    np.testing.assert_array_equal(bank.bias, bias)
    np.testing.assert_array_equal(conv2d(MAPS, bank), conv2d(MAPS, weight, bias))
    np.testing.assert_array_equal(conv2d(MAPS, bank, 0), conv2d(MAPS, weight))
    matrix = load_bank(tmp_path / "net.npz", name="e")
    np.testing.assert_array_equal(matrix.weight, weight[:1, :1])
    assert matrix.bias is None
    np.testing.assert_array_equal(apply(COLOUR, matrix), apply(COLOUR, weight[0, 0]))
    with pytest.raises(KernelError, match=r"name the array to use \(name=NAME\)"):
        load_bank(tmp_path / "net.npz")


@pytest.mark.parametrize(
    ("weight", "message"),
    [
        ("sobelx", "^unknown kernel 'sobelx'; did you mean sobel-x"),
        ("gaussian:sigma=0", "^gaussian: sigma must be "),
        ("1 2; 3", "^inline matrix: "),
    ],
)
def test_other_names_are_refused(weight, message):
    with pytest.raises((ArgumentError, KernelError), match=message):
        conv2d(GREY, weight)
    for groups in (2, 3):
        with pytest.raises(ArgumentError, match=f"^groups={groups} needs a bank"):
            conv2d(COLOUR, "sobel", groups=groups)
