import re
import sys

import numpy as np
import pytest
from safetensors.numpy import save_file

from cnnfilter.errors import ArgumentError, KernelError, MissingExtraError
from cnnfilter.kernels.kernel import Kernel, get_kernel
from cnnfilter.weights import files
from cnnfilter.weights.bank import FilterBank, find_kernel, load_kernel, matrix_of
from cnnfilter.weights.kinds import READERS, UNSUPPORTED
from cnnfilter.weights.layer import load_dense
from tests.weights.torch_files import written

RNG = np.random.default_rng(7)
MATRIX = np.array([[1, 2, 3], [4, 5, 6.5]], np.float32)
OIHW = RNG.normal(size=(4, 3, 5, 5)).astype(np.float32)
BIAS = np.arange(4, dtype=np.float32)


def save(path, **arrays):
    """Write arrays by name to an .npz file; `_` stands for a dot."""
    np.savez(path, **{name.replace("_", "."): array for name, array in arrays.items()})
    return path


@pytest.fixture
def npz(tmp_path):
    return lambda **arrays: save(tmp_path / "bank.npz", **arrays)


def write(path, array):
    """Write one array in the format of the path's suffix."""
    match path.suffix:
        case ".npy":
            np.save(path, array)
        case ".npz":
            np.savez(path, kernel=array)
        case ".json":
            path.write_text(repr(array.tolist()))
        case ".safetensors":
            save_file({"kernel": array}, path)
        case ".pt" | ".pth":
            written(path, {"kernel": array}, "zip" if path.suffix == ".pt" else "sequence")
        case _:
            np.savetxt(path, array, delimiter="," if path.suffix == ".csv" else " ")
    return path


# What an array becomes


@pytest.mark.parametrize("suffix", READERS)
def test_a_matrix_becomes_a_kernel(tmp_path, suffix):
    kernel = load_kernel(write(tmp_path / f"my.kernel{suffix}", MATRIX))
    assert isinstance(kernel, Kernel)
    assert kernel.name == "my.kernel"
    assert kernel.weights.dtype == np.float32
    np.testing.assert_array_equal(kernel.weights, MATRIX)


@pytest.mark.parametrize("suffix", [".npy", ".npz", ".json", ".safetensors", ".pt", ".pth"])
def test_four_dimensions_become_a_bank(tmp_path, suffix):
    bank = load_kernel(str(write(tmp_path / f"bank{suffix}", OIHW)))
    assert isinstance(bank, FilterBank)
    assert bank.name == "bank"
    assert bank.bias is None
    assert bank.weight.dtype == np.float32
    assert bank.weight.flags.c_contiguous
    assert bank.weight.flags.writeable
    np.testing.assert_array_equal(bank.weight, OIHW)


def test_three_dimensions_are_filters_of_one_channel(tmp_path):
    bank = load_kernel(write(tmp_path / "three.npy", OIHW[:, 0]))
    np.testing.assert_array_equal(bank.weight, OIHW[:, :1])


@pytest.mark.parametrize("dtype", ["f2", "f4", "f8", ">f4", ">i2", "u1", "i8", "g"])
def test_numbers_of_any_real_type_become_float32(tmp_path, dtype):
    kernel = load_kernel(write(tmp_path / "k.npy", np.array([[1, 2], [3, 4]], dtype)))
    assert kernel.weights.dtype == np.float32
    np.testing.assert_array_equal(kernel.weights, [[1, 2], [3, 4]])


def test_fortran_order_is_read_in_its_place(tmp_path):
    np.testing.assert_array_equal(load_kernel(write(tmp_path / "k.npy", np.asfortranarray(MATRIX))).weights, MATRIX)
    bank = load_kernel(write(tmp_path / "bank.npz", np.asfortranarray(OIHW)))
    assert bank.weight.flags.c_contiguous
    np.testing.assert_array_equal(bank.weight, OIHW)


# Layouts


def test_the_layout_is_taken_from_the_square_window(npz):
    np.testing.assert_array_equal(load_kernel(npz(w=OIHW)).weight, OIHW)
    hwio = load_kernel(npz(w=OIHW.transpose(2, 3, 1, 0)))
    assert hwio.weight.flags.c_contiguous
    np.testing.assert_array_equal(hwio.weight, OIHW)


def test_a_layout_that_is_given_is_used_as_it_is(npz):
    path = npz(w=np.arange(2 * 2 * 5 * 5).reshape(2, 2, 5, 5))
    assert load_kernel(path, layout="oihw").weight.shape == (2, 2, 5, 5)
    bank = load_kernel(path, layout="HWIO")
    assert bank.weight.shape == (5, 5, 2, 2)
    assert bank.weight[3, 4, 0, 1] == 25 + 4 * 5 + 3


@pytest.mark.parametrize(
    "shape",
    [
        (3, 3, 3, 3),
        (8, 8, 3, 3),
        (8, 1, 5, 7),
        (128, 128, 1, 7),
        (192, 192, 7, 1),
        (3, 3, 1, 7),
        (1, 1, 1, 7),
        (64, 64, 1, 1),
        (5, 1, 8, 8),
        (1, 7, 8, 8),
        (64, 32, 28, 28),
    ],
)
def test_an_ambiguous_layout_is_never_guessed(npz, shape):
    a, b, c, d = shape
    message = (
        rf"bank.npz: shape {a}x{b}x{c}x{d} may be oihw \({a} filters? over {b} channels?, {c}x{d}\) or hwio "
        rf"\({d} filters? over {c} channels?, {a}x{b}\); say which with layout=oihw or layout=hwio"
    )
    with pytest.raises(KernelError, match=message):
        load_kernel(npz(w=np.ones(shape)))


@pytest.mark.parametrize(("name", "axes"), [("conv1.weight", (0, 1, 2, 3)), ("conv1/kernel:0", (3, 2, 0, 1))])
def test_what_frameworks_call_a_bank_tells_its_layout_where_its_shape_does_not(npz, name, axes):
    stored = np.arange(81, dtype=np.float32).reshape(3, 3, 3, 3)
    np.testing.assert_array_equal(load_kernel(npz(**{name: stored})).weight, stored.transpose(axes))
    other = "hwio" if axes[0] == 0 else "oihw"
    np.testing.assert_array_equal(
        load_kernel(npz(**{name: stored}), layout=other).weight,
        stored.transpose((3, 2, 0, 1) if other == "hwio" else (0, 1, 2, 3)),
    )


def test_a_layout_is_refused_where_it_means_nothing(npz):
    with pytest.raises(KernelError, match="layout hwio is of 3-D and 4-D arrays, and this one is 2x3"):
        load_kernel(npz(w=MATRIX), layout="hwio")
    with pytest.raises(ArgumentError, match="layout must be oihw or hwio, not 'ohwi'"):
        load_kernel(npz(w=OIHW), layout="ohwi")


@pytest.mark.parametrize(
    "shape",
    [(8, 1, 5, 5), (6, 1, 5, 5), (3, 1, 3, 3), (1, 3, 3, 3), (64, 3, 11, 11), (32, 16, 3, 3), (256, 64, 15, 15)],
)
def test_a_square_window_between_numbers_of_channels_tells_the_layout(npz, shape):
    assert load_kernel(npz(w=np.ones(shape, "u1"))).weight.shape == shape
    assert load_kernel(npz(w=np.ones((*shape[2:], *shape[1::-1]), "u1"))).weight.shape == shape


def test_three_axes_are_filters_of_one_channel(npz):
    stack = OIHW[:, 0, :, :4]
    bank = load_kernel(npz(w=stack))
    np.testing.assert_array_equal(bank.weight, stack[:, None])
    np.testing.assert_array_equal(load_kernel(npz(w=stack), layout="oihw").weight, stack[:, None])
    assert load_kernel(npz(w=np.ones((1, 1, 1)))).weight.shape == (1, 1, 1, 1)


def test_three_axes_with_a_layout_may_be_one_filter_of_several_channels(npz):
    course = OIHW[0].transpose(1, 2, 0)  # f x f x nc
    bank = load_kernel(npz(w=course, w_bias=[3]), layout="HWIO")
    np.testing.assert_array_equal(bank.weight, OIHW[:1])
    assert bank.weight.flags.c_contiguous
    assert bank.bias.tolist() == [3]


@pytest.mark.parametrize("shape", [(3, 3, 3), (5, 5, 3), (1, 1, 7), (16, 16, 16)])
def test_three_axes_that_may_be_a_square_window_and_channels_are_never_guessed(npz, shape):
    n, kh, kw = shape
    filters, channels = rf"\({n} filters? over 1 channel, {kh}x{kw}\)", rf"\(1 filter over {kw} channels, {n}x{kh}\)"
    message = f"shape {n}x{kh}x{kw} may be oihw {filters} or hwio {channels}; say which with layout="
    with pytest.raises(KernelError, match=message):
        load_kernel(npz(w=np.ones(shape)))


def test_a_bank_has_one_bias_for_each_filter():
    weight = np.ones((4, 3, 5, 5), np.float32)
    assert FilterBank("a", weight, np.ones(4, np.float32)).bias.shape == (4,)
    with pytest.raises(ArgumentError, match="a bias of shape 3 does not fit 4 filters: one for each"):
        FilterBank("a", weight, np.ones(3, np.float32))


# Which array, and its bias


@pytest.mark.parametrize("tail", ["", "_weight", "_kernel"])
@pytest.mark.parametrize("asked", ["short", "full"])
def test_a_name_finds_its_array_and_bias(npz, tail, asked):
    path = npz(**{f"conv1{tail}": OIHW, "conv1_bias": BIAS, "conv2_weight": OIHW[:1], "conv2_bias": BIAS[:1]})
    bank = load_kernel(path, array_name="conv1" if asked == "short" else f"conv1{tail}".replace("_", "."))
    np.testing.assert_array_equal(bank.weight, OIHW)
    np.testing.assert_array_equal(bank.bias, BIAS)
    assert bank.bias.dtype == np.float32


def test_the_exact_name_comes_first(npz):
    path = npz(conv=OIHW, conv_weight=OIHW + 1)
    np.testing.assert_array_equal(load_kernel(path, array_name="conv").weight, OIHW)


@pytest.mark.parametrize(
    "others",
    [
        {},
        {"c_bias": BIAS},
        {"fc_weight": np.ones((10, 4)), "fc_bias": np.ones(10), "names": np.array(["x"]), "mean": np.ones(3)},
    ],
)
def test_without_a_name_the_only_convolution_is_used(npz, others):
    bank = load_kernel(npz(c_weight=OIHW, **others))
    np.testing.assert_array_equal(bank.weight, OIHW)
    assert (bank.bias is None) == ("c_bias" not in others)


def test_without_a_name_a_lone_matrix_is_used(npz):
    np.testing.assert_array_equal(load_kernel(npz(a=MATRIX, mean=np.ones(3), std=np.ones(3))).weights, MATRIX)


def test_a_matrix_with_a_bias_becomes_a_bank_that_keeps_it(npz):
    bank = load_kernel(npz(weight=MATRIX, bias=[128]))
    np.testing.assert_array_equal(bank.weight, MATRIX[None, None])
    np.testing.assert_array_equal(bank.bias, [128])


@pytest.mark.parametrize(
    ("arrays", "name", "message"),
    [
        (
            {"a_weight": OIHW, "b_weight": OIHW},
            None,
            r"bank.npz: name the array to use \(name=NAME\); the file holds 'a.weight' "
            r"\(4x3x5x5\), 'b.weight' \(4x3x5x5\)",
        ),
        ({"a": MATRIX, "b": MATRIX, "c": MATRIX[None]}, None, "name the array to use"),
        ({"a": OIHW, "b": OIHW, "c": MATRIX}, None, "name the array to use"),
        ({"mean": np.ones(3), "std": np.float32(1)}, None, r"'mean' \(3\), 'std' \(a single number\)"),
        ({f"a{i}": MATRIX for i in range(20)}, None, r"'a7' \(2x3\) and 12 more$"),
        (
            {"conv1": OIHW},
            "conv2",
            r"there is no array 'conv2'; did you mean conv1\?; the file holds 'conv1'",
        ),
        ({"conv1": BIAS}, "conv1", r"array 'conv1' is 1-D \(4\); it must be 2-D, 3-D or 4-D"),
        ({"x": np.ones((1, 1, 1, 2, 2))}, None, "array 'x' is 5-D"),
        ({"x": np.float32(2)}, None, "array 'x' is a single number; it must be"),
        ({"c": OIHW, "c_bias": np.ones(3)}, "c", "array 'c.bias' is 3, but there are 4 filters or outputs"),
        ({"c": OIHW, "c_bias": np.ones((2, 2))}, "c", "array 'c.bias' is 2x2, but there are 4 filters or outputs"),
        ({"c": OIHW, "c_bias": np.array(["a"] * 4)}, None, "array 'c.bias' is of type <U1"),
        ({"c": OIHW, "c_bias": np.full(4, np.nan)}, None, r"bank.npz: nan at \[0\]: weights must be finite"),
        ({"c": np.ones((1000, 1))}, None, "bank.npz: a kernel of 1000x1 is too large"),
        ({"c": np.ones((2, 1000, 1000), "u1")}, None, "a kernel of 1000x1000 is too large"),
        ({}, None, "bank.npz: it holds no arrays"),
    ],
)
def test_an_array_that_cannot_be_used_is_explained(npz, arrays, name, message):
    with pytest.raises(KernelError, match=message):
        load_kernel(npz(**arrays), array_name=name)


def test_a_bias_is_checked_against_the_layout(npz):
    hwio = OIHW.transpose(2, 3, 1, 0)
    np.testing.assert_array_equal(load_kernel(npz(c_kernel=hwio, c_bias=BIAS)).bias, BIAS)
    with pytest.raises(KernelError, match="'c.bias' is 5, but there are 4 or 12 filters or outputs"):
        load_kernel(npz(c_kernel=hwio, c_bias=np.ones(5)))
    with pytest.raises(KernelError, match="bank.npz: its bias is 12 numbers, but there are 4 filters or outputs"):
        load_kernel(npz(c_kernel=hwio, c_bias=np.ones(12)))


@pytest.mark.parametrize("suffix", [".npy", ".json", ".csv"])
def test_a_file_of_one_array_has_no_names(tmp_path, suffix):
    with pytest.raises(KernelError, match="there is no array 'conv1'; the file holds one array without a name"):
        load_kernel(write(tmp_path / f"k{suffix}", MATRIX), array_name="conv1")


def test_arrays_of_other_layers_load_with_their_bias(npz):
    path = npz(fc_weight=np.arange(6).reshape(2, 3), fc_bias=[1, 2], conv_weight=OIHW)
    weight, bias = matrix_of(load_dense(path), 3)
    assert weight.dtype == bias.dtype == np.float32
    np.testing.assert_array_equal(weight, [[0, 1, 2], [3, 4, 5]])
    np.testing.assert_array_equal(bias, [1, 2])


# What a person names


@pytest.mark.parametrize("text", ["sobel-x", "gaussian:sigma=2", "0 -1 0; -1 5 -1; 0 -1 0", "1/9 1/9 1/9"])
def test_a_name_or_a_matrix_is_no_file(text):
    assert find_kernel(text) == get_kernel(text)


def test_a_file_is_found_by_its_suffix_or_its_path(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "3x3.NPY".lower(), MATRIX)
    assert find_kernel("3x3.npy").name == "3x3"
    assert find_kernel(str(tmp_path / "3x3.npy")).size == (2, 3)
    (tmp_path / "edge").mkdir()
    assert find_kernel("edge") == get_kernel("edge")
    (tmp_path / "weights.bin").touch()
    known = re.escape(f"not a weight file by its name (known: {', '.join(READERS)})")
    for text in ("weights.bin", "./weights.bin", "models/net", "models\\net"):
        with pytest.raises(KernelError, match=known):
            find_kernel(text)
    with pytest.raises(KernelError, match="^missing.npy: no such file$"):
        find_kernel("missing.npy")


@pytest.mark.parametrize("text", ["nothing-like-it", "a" * 5000, "nul\0"])
def test_what_is_neither_is_an_unknown_kernel(text):
    with pytest.raises(KernelError, match="unknown kernel"):
        find_kernel(text)


def test_a_folder_or_a_picture_is_no_kernel(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "photos").mkdir()
    for text in ("photos", "./photos", "."):
        with pytest.raises(KernelError, match="is a folder, not a kernel$"):
            find_kernel(text)
    (tmp_path / "here.jpg").touch()
    message = ": is a picture, not a kernel$"
    for text in ("here.jpg", "missing.PNG", "a/b.tif"):
        with pytest.raises(KernelError, match=f"^{text}{message}"):
            find_kernel(text)


@pytest.mark.parametrize("text", ["", "  "])
def test_an_empty_kernel_is_said_to_be_one(text):
    with pytest.raises(KernelError, match="^the kernel is empty: give a name, a weight file or a matrix"):
        find_kernel(text)


def test_a_file_name_that_is_no_text_shows_its_bytes():
    with pytest.raises(KernelError, match=r"^'caf\\xe9\.npy': no such file$"):
        find_kernel("caf\udce9.npy")


def test_a_file_that_memory_does_not_hold_is_not_called_damaged(tmp_path, monkeypatch):
    def read(*_):
        raise MemoryError

    monkeypatch.setattr(files, "read_npy", read)
    with pytest.raises(KernelError, match="k.npy: not enough memory$"):
        load_kernel(write(tmp_path / "k.npy", MATRIX))


@pytest.mark.parametrize("options", [{"array_name": "conv1"}, {"layout": "oihw"}])
def test_options_of_files_are_refused_for_names(options):
    with pytest.raises(ArgumentError, match="for weight files, and 'edge' is not one"):
        find_kernel("edge", **options)


def test_options_of_files_reach_the_file(npz):
    path = str(npz(a=np.ones((2, 2, 5, 5)), b=MATRIX))
    assert find_kernel(path, array_name="a", layout="hwio").weight.shape == (5, 5, 2, 2)


# Files of other programs


@pytest.mark.parametrize("suffix", UNSUPPORTED)
def test_other_formats_are_not_supported_but_told_how(suffix):
    message = rf"model{suffix}: {suffix} files hold whole networks, .*; to take one layer's weights, save them .*savez"
    with pytest.raises(KernelError, match=message):
        find_kernel(f"model{suffix}")


def test_a_missing_library_is_named_with_its_command(tmp_path, monkeypatch):
    path = write(tmp_path / "k.safetensors", MATRIX)
    monkeypatch.setitem(sys.modules, "safetensors", None)
    message = r"k.safetensors: needs the safetensors library: pip install 'cnnfilter\[safetensors\]'"
    with pytest.raises(MissingExtraError, match=message):
        load_kernel(path)
