"""Which array is the bias of which, as people and frameworks name them, and that nothing is left out unsaid."""

import json
import os
import time
import warnings
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from cnnfilter.errors import CnnfilterWarning, KernelError
from cnnfilter.kernels.kernel import get_kernel
from cnnfilter.weights.bank import FilterBank, load_kernel, matrix_of
from cnnfilter.weights.files import Member
from cnnfilter.weights.layer import load_dense
from cnnfilter.weights.pairing import Layers, read_name
from tests.command import run, save

OIHW = np.random.default_rng(7).normal(size=(4, 3, 5, 5)).astype(np.float32)
HWIO = OIHW.transpose(2, 3, 1, 0)
BIAS = np.arange(4, dtype=np.float32)
DENSE = np.arange(6, dtype=np.float32).reshape(2, 3)


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def as_npz(arrays):
    np.savez("net.npz", **arrays)
    return Path("net.npz")


def as_json(arrays):
    Path("net.json").write_text(json.dumps({name: array.tolist() for name, array in arrays.items()}))
    return Path("net.json")


def as_safetensors(arrays):
    save_file({name: np.ascontiguousarray(array) for name, array in arrays.items()}, "net.safetensors")
    return Path("net.safetensors")


NAMES = [
    ("w", "b"),
    ("W", "b"),
    ("conv1_W", "conv1_b"),
    ("conv1.W", "conv1.b"),
    ("conv1_weight", "conv1_bias"),
    ("weights", "biases"),
    ("conv1/kernel:0", "conv1/bias:0"),
    ("kernel", "bias"),
    ("arr_0", "arr_1"),  # numpy.savez(file, *layer.get_weights())
    ("W1", "b1"),
    ("W_conv1", "b_conv1"),
    ("conv1_w_0", "conv1_b_0"),  # Caffe2's names in ONNX files
    ("features.0.weight", "features.0.bias"),
    ("conv_b.weight", "conv_b.bias"),
    ("conv", "conv.bias"),
    ("conv", "conv_b"),
    ("w", "w_bias"),
    ("filters", "bias"),
    ("first", "bias"),
    ("onnx::Conv_45", "onnx::Conv_46"),
    ("9", "10"),
    ("p08", "p09"),
    ("layers/conv2d/vars/0", "layers/conv2d/vars/1"),
    ("net/depthwise_kernel:0", "net/bias:0"),
]


@pytest.mark.parametrize("write", [as_npz, as_json, as_safetensors])
@pytest.mark.parametrize(("weight", "bias"), NAMES)
def test_a_bias_is_found_by_its_name(write, weight, bias):
    path = write({weight: OIHW, bias: BIAS})
    for name in (None, weight):
        bank = load_kernel(path, array_name=name)
        np.testing.assert_array_equal(bank.weight, OIHW)
        np.testing.assert_array_equal(bank.bias, BIAS)


@pytest.mark.parametrize(
    "weight", ["conv1", "conv1.weight", "conv1_W", "conv1/kernel:0", "W_conv1", "conv1_weights", "conv1-kernel"]
)
def test_a_layer_is_asked_for_by_its_name(weight):
    others = {"conv2.weight": OIHW[:1], "conv_w_1": OIHW[:1], "conv2.bias": BIAS[:1], "conv1_bias": BIAS}
    bank = load_kernel(as_npz({weight: OIHW, **others}), array_name="conv1")
    np.testing.assert_array_equal(bank.weight, OIHW)
    np.testing.assert_array_equal(bank.bias, BIAS)


def test_all_weights_of_a_keras_model_are_paired_in_their_order():
    path = as_npz(dict(zip(("arr_0", "arr_1", "arr_2", "arr_3"), (HWIO, BIAS, DENSE.T, DENSE[:, 0]), strict=True)))
    np.testing.assert_array_equal(load_kernel(path).bias, BIAS)
    weight, bias = matrix_of(load_dense(path, array_name="arr_2"), 3)
    np.testing.assert_array_equal(weight, DENSE)
    np.testing.assert_array_equal(bias, DENSE[:, 0])


def test_the_vectors_of_a_batch_normalisation_are_no_bias():
    vectors = {f"arr_{i}": BIAS for i in range(1, 5)}
    with pytest.warns(CnnfilterWarning, match=r"'arr_1' \(4\), .*'arr_4' \(4\) hold as many numbers as 'arr_0' has"):
        assert load_kernel(as_npz({"arr_0": HWIO, **vectors})).bias is None


def test_the_one_bias_of_a_separable_convolution_is_that_of_its_second_kernel():
    depthwise, pointwise = np.ones((3, 3, 4, 1)), np.ones((1, 1, 4, 8))
    path = as_npz({"s/depthwise_kernel:0": depthwise, "s/pointwise_kernel:0": pointwise, "s/bias:0": np.ones(8)})
    assert load_kernel(path, array_name="s/depthwise_kernel:0").bias is None
    assert load_kernel(path, array_name="s/pointwise_kernel:0", layout="hwio").bias.shape == (8,)
    with pytest.raises(KernelError, match="there is no array 's'"):
        load_kernel(path, array_name="s")


@pytest.mark.parametrize("shape", [(4,), (1, 4), (4, 1), (1, 1, 1, 4), (4, 1, 1)])
def test_a_bias_of_one_axis_is_one_number_for_each_filter(shape):
    np.testing.assert_array_equal(load_kernel(as_npz({"w": OIHW, "b": BIAS.reshape(shape)})).bias, BIAS)


@pytest.mark.parametrize("bias", [2.0, [2], [[2]]])
def test_a_bias_of_one_number_is_for_all(bias):
    np.testing.assert_array_equal(load_kernel(as_npz({"w": OIHW, "b": np.array(bias)})).bias, [2, 2, 2, 2])
    _, biases = matrix_of(load_dense(as_npz({"fc_W": DENSE, "fc_b": np.array(bias)})), 3)
    np.testing.assert_array_equal(biases, np.float32([2, 2]))


def test_a_bias_for_each_row_of_a_batch_is_refused():
    message = "array 'fc_b' is 5x2, but there are 2 or 3 filters or outputs; a bias is one number for each, or for all"
    with pytest.raises(KernelError, match=message):
        load_dense(as_npz({"fc_W": DENSE, "fc_b": np.ones((5, 2))}), array_name="fc")


def test_letters_that_name_kernels_are_no_biases():
    path = as_npz({"a": np.eye(3), "b": np.eye(3), "c": np.eye(3)})
    assert load_kernel(path, array_name="b").size == load_kernel(path, array_name="a").size == (3, 3)
    assert load_kernel(as_npz({"conv": np.eye(3), "conv_b": np.eye(3)}), array_name="conv").size == (3, 3)
    assert load_kernel(as_npz({"b": np.eye(3), "mean": np.ones(4)})).size == (3, 3)


def test_two_biases_are_refused():
    with pytest.raises(KernelError, match=r"each of 'c.b' \(4\), 'c_bias' \(4\) may be the bias of 'c.weight'"):
        load_kernel(as_npz({"c.weight": OIHW, "c.b": BIAS, "c_bias": BIAS}))


# What is not used


@pytest.mark.parametrize(
    ("arrays", "asked", "note"),
    [
        ({"W": OIHW, "offset": BIAS}, None, "'offset' (4) holds as many numbers as 'W' has filters or outputs, and is "
         "not used; its bias would be called 'b'"),
        ({"w1": OIHW, "w2": BIAS}, None, "'w2' (4) holds as many numbers as 'w1' has filters or outputs, and is not "
         "used; its bias would be called 'b1'"),
        ({"c.weight": OIHW, "bn.weight": BIAS, "bn.bias": BIAS, "bn.mean": BIAS}, "c", "'bn.weight' (4), 'bn.mean' (4) "
         "hold as many numbers as 'c.weight' has filters or outputs, and are not used; its bias would be called "
         "'c.bias'"),
        ({"c": OIHW, "d": DENSE, "offset": BIAS}, "c", "'offset' (4) holds as many numbers as 'c' has filters or "
         "outputs, and is not used; its bias would be called 'c.bias'"),
    ],
)  # fmt: skip
def test_a_vector_that_may_be_the_bias_is_told_of(arrays, asked, note):
    with pytest.warns(CnnfilterWarning) as told:
        bank = load_kernel(as_npz(arrays), array_name=asked)
    assert bank.bias is None
    assert [str(each.message) for each in told] == [f"net.npz: {note}"]


@pytest.mark.parametrize(
    "arrays",
    [
        {"c.weight": OIHW, "fc.weight": np.ones((4, 2)), "fc.bias": BIAS},  # another layer's
        {"c.weight": OIHW, "p1": np.ones((4, 2)), "p2": BIAS},
        {"c.weight": OIHW, "names": np.array(["a"] * 4), "mean": np.ones(3), "table": np.ones((1, 4))},
        {"c.weight": OIHW, "c.bias": BIAS, "offset": BIAS},
    ],
)
def test_what_belongs_to_others_is_not_told_of(arrays):
    assert isinstance(load_kernel(as_npz(arrays), array_name="c"), FilterBank)


# Files of their own


@pytest.mark.parametrize(
    ("weight", "bias"),
    [("w", "b"), ("conv1.weight", "conv1.bias"), ("conv1_W", "conv1_b"), ("conv1", "conv1_bias"), ("w", "w_bias")],
)
@pytest.mark.parametrize("suffix", [".npy", ".json"])
def test_a_bias_in_a_file_beside_its_weights_is_used_and_told_of(weight, bias, suffix):
    for name, array in ((weight, OIHW), (bias, BIAS), ("other_b", BIAS)):
        if suffix == ".npy":
            np.save(name + suffix, array)
        else:
            Path(name + suffix).write_text(json.dumps(array.tolist()))
    Path(f"{bias}.txt").write_text("1 2 3 4")
    with pytest.warns(CnnfilterWarning) as told:
        bank = load_kernel(weight + suffix)
    np.testing.assert_array_equal(bank.bias, BIAS)
    assert [str(each.message) for each in told] == [f"{weight}{suffix}: its bias is from {bias}{suffix} beside it"]


def test_a_table_takes_the_bias_in_a_table_beside_it():
    np.savetxt("fc_w.csv", DENSE, delimiter=",")
    np.savetxt("fc_b.csv", DENSE[:, 0])
    with pytest.warns(CnnfilterWarning, match=r"^fc_w\.csv: its bias is from fc_b\.csv beside it$"):
        layer = load_dense(Path("fc_w.csv"))
    np.testing.assert_array_equal(layer.bias, DENSE[:, 0])


@pytest.mark.parametrize(
    ("save_bias", "problem"),
    [
        (lambda: np.save("b.npy", np.ones(5)), "b.npy: its array is 5, but there are 4 filters or outputs; a bias is"),
        (lambda: np.save("b.npy", np.eye(3)), "b.npy: its array is 3x3, but there are 4 filters"),
        (lambda: np.save("b.npy", np.array([None])), "b.npy: its array is one of Python objects"),
        (lambda: Path("b.npy").write_text("x"), "b.npy: damaged or cut off, or not a .npy file"),
        (lambda: Path("b.npy").touch(), "b.npy: the file is empty"),
    ],
)
def test_what_is_named_as_a_bias_and_is_none_is_told_of(save_bias, problem):
    np.save("w.npy", OIHW)
    save_bias()
    with pytest.warns(CnnfilterWarning) as told:
        assert load_kernel("w.npy").bias is None
    (note,) = told
    assert str(note.message).startswith(f"w.npy: what is beside it by the name of its bias is not used: {problem}")


def test_a_folder_that_cannot_be_listed_has_no_bias_beside(monkeypatch):
    def refuse(_):
        raise PermissionError

    np.save("w.npy", OIHW)
    np.save("b.npy", BIAS)
    monkeypatch.setattr(os, "scandir", refuse)
    assert load_kernel("w.npy").bias is None


def test_a_bias_beside_the_matrix_of_a_dense_layer_tells_that_it_is_no_kernel():
    np.save("w.npy", np.ones((10, 784)))
    np.save("b.npy", np.ones(10))
    with pytest.raises(KernelError, match="^w.npy: its array is 10x784 with a bias of 10 numbers: that of a dense"):
        load_kernel("w.npy")


def test_several_arrays_beside_it_are_no_bias():
    Path("w.json").write_text(json.dumps(OIHW.tolist()))
    Path("b.json").write_text('{"one": [1, 2, 3, 4], "two": [1, 2, 3, 4]}')
    with pytest.warns(CnnfilterWarning, match="is not used: b.json: it holds 2 arrays$"):
        assert load_kernel("w.json").bias is None


def test_of_two_biases_beside_it_one_is_used_and_the_other_told_of():
    for name, array in (("c_w", OIHW), ("c.bias", BIAS), ("c_b", BIAS + 1)):
        np.save(f"{name}.npy", array)
    with pytest.warns(CnnfilterWarning) as told:
        np.testing.assert_array_equal(load_kernel("c_w.npy").bias, BIAS)
    assert [str(each.message) for each in told] == [
        "c_w.npy: its bias is from c.bias.npy beside it",
        "c_w.npy: c_b.npy beside it is not used; another file there has its bias",
    ]


def test_a_warning_that_is_asked_for_as_an_error_is_none_of_the_file():
    np.savez("net.npz", W=OIHW, offset=BIAS)
    with pytest.raises(CnnfilterWarning):  # pytest.ini says that warnings are errors
        load_kernel("net.npz")


# Dense layers and convolutions taken for each other


@pytest.mark.parametrize("shape", [(10, 784), (784, 10)])
def test_the_matrix_of_a_dense_layer_is_no_kernel(shape):
    size = "x".join(map(str, shape))
    message = f"net.npz: array 'W' is {size} with a bias of 10 numbers: that of a dense layer, and no kernel; use dense"
    with pytest.raises(KernelError, match=message):
        load_kernel(as_npz({"W": np.ones(shape), "b": np.ones(10)}))
    with pytest.raises(KernelError, match=f"array 'fc1.weight' is {size}: that of a dense layer"):
        load_kernel(as_npz({"fc1.weight": np.ones(shape)}))
    with pytest.raises(KernelError, match="is too large .*; a dense layer's matrix is for dense"):
        load_kernel(as_npz({"W": np.ones((10, 1000))}))
    with pytest.raises(KernelError, match=f"array 'arr_0' is {size} with a bias of 10 numbers: that of a dense layer"):
        load_kernel(as_npz({"arr_0": np.ones(shape), "arr_1": np.ones(10)}))
    np.save("m.npy", np.ones(shape))
    result = run("shape", "28x28x1", "conv:m.npy")
    assert result.exit_code == 2
    assert result.err.endswith("smaller kernel; a dense layer's matrix is for dense\n")
    for kernel, text in (((29, 29), "conv:m.npy"), ((2, 1, 1, 29), "conv:m.npy:layout=oihw")):
        np.save("m.npy", np.ones(kernel))
        assert run("shape", "28x28x1", text).err.endswith("kernel\n")


def test_kernels_of_names_that_dense_layers_have_too_are_kernels():
    for name, shape in (
        ("linear_blur", (3, 21)),
        ("linear_kernel", (1, 31)),
        ("linear_kernel", (31, 31)),
        ("dense.weight", (3, 5)),
    ):
        assert load_kernel(as_npz({name: np.ones(shape)})).size == shape
    assert load_kernel(as_npz({"arr_0": np.eye(3), "arr_1": np.ones(3)})).size == (3, 3)


def test_the_bank_of_a_convolution_is_no_matrix():
    with pytest.raises(KernelError, match=r"'w' is 3-D \(4x3x3\), that of a convolution; it must be 2-D, or use conv"):
        load_dense(as_npz({"w": np.ones((4, 3, 3))}))
    with pytest.raises(
        KernelError, match=r"'W' is 4-D \(4x3x5x5\), that of a convolution; it must be 2-D, or use conv"
    ):
        load_dense(as_npz({"W": OIHW, "b": BIAS}))


@pytest.mark.parametrize("bias", [None, 1, 2])
def test_a_matrix_is_read_the_way_that_fits(bias):
    arrays = {} if bias is None else {"b": np.ones(bias)}
    for stored in (DENSE, DENSE.T):
        weight, biases = matrix_of(load_dense(as_npz({"W": stored, **arrays})), 3)
        np.testing.assert_array_equal(weight, DENSE)
        assert weight.flags.c_contiguous
        assert biases is None if bias is None else biases.shape == (2,)


def test_a_square_matrix_is_read_by_the_framework_that_its_name_tells():
    square = np.arange(9, dtype=np.float32).reshape(3, 3)
    np.testing.assert_array_equal(matrix_of(load_dense(as_npz({"fc.weight": square})), 3)[0], square)
    np.testing.assert_array_equal(matrix_of(load_dense(as_npz({"fc/kernel:0": square})), 3)[0], square.T)
    with pytest.warns(CnnfilterWarning, match=r"^net.npz: its square matrix is read as \(outputs, inputs\); Keras"):
        np.testing.assert_array_equal(matrix_of(load_dense(as_npz({"fc_W": square})), 3)[0], square)
    matrix_of(load_dense(as_npz({"fc_W": square})), 5)  # fits no way, of which the stage tells


# Commands


@pytest.mark.parametrize(
    "arguments",
    [
        ["kernels", "net.npz"],
        ["shape", "9x9x3", "conv:net.npz"],
        ["run", "conv:net.npz,conv:edge", "photo.png", "other.png", "-o", "x/"],
        ["run", "conv:net.npz:stride=2", "-", "-o", "x.npy"],
        ["explain", "conv:net.npz", "photo.png", "--at", "1,1"],
        ["apply", "net.npz", "photo.png", "--kernel-name", "one"],
    ],
)
def test_each_command_tells_of_what_is_left_out_once(arguments):
    for name in ("photo.png", "other.png"):
        save(name)
    np.savez("net.npz", W=np.ones((6, 3, 3, 3)), offset=np.ones(6), one=np.ones((1, 3, 3)), shift=np.ones(1))
    told = "warning: net.npz: 'offset' (6) holds as many numbers as 'W' has filters or outputs, and is not used; its"
    if "apply" in arguments:
        told = told.replace("offset' (6)", "shift' (1)").replace("'W'", "'one'")
    result = run(*arguments, stdin=Path("photo.png").read_bytes())
    assert result.exit_code == 0, result.err
    (line,) = (line for line in result.messages if line.startswith("warning: net.npz"))
    assert line.startswith(told)
    if arguments[0] in ("run", "apply"):
        assert run(*arguments, "-q", "--force", stdin=Path("photo.png").read_bytes()).err == ""


def test_other_warnings_go_their_own_way(monkeypatch):
    def warn(*_, **__):
        warnings.warn("elsewhere", DeprecationWarning, stacklevel=1)
        return get_kernel("edge")

    monkeypatch.setattr("cnnfilter.weights.bank.find_kernel", warn)
    with pytest.warns(DeprecationWarning, match="^elsewhere$"):
        assert run("kernels", "edge").err == ""


def test_names_of_ten_thousand_arrays_are_paired_at_once():
    members = [
        Member(f"layer{i}.{word}", shape, "<f4", True, np.array)
        for i in range(5000)
        for word, shape in (("weight", (4, 3, 5, 5)), ("bias", (4,)))
    ]
    begin = time.process_time()
    layers = Layers(members)
    assert len(layers.weights()) == 5000
    assert layers.bias_of(members[0], lambda each: True) is members[1]
    assert read_name("b" * 100_000 + "_" * 100_000).word == ""
    assert time.process_time() - begin < 5  # half a second is usual; this is about the order
