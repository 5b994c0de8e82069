"""One kernel over one picture: alpha, range, scale, bias, learned banks."""

import numpy as np
import pytest

from cnnfilter import apply, get_kernel
from cnnfilter.engine import reference
from cnnfilter.engine.scaling import prepared
from cnnfilter.errors import ArgumentError, KernelError, PictureError, ShapeError
from cnnfilter.imaging.mapping import Mapping, mapping, quantise
from cnnfilter.kernels.kernel import from_array
from cnnfilter.running import run
from cnnfilter.running.filter import Filter
from cnnfilter.weights.bank import FilterBank

TYPES = ["uint8", "uint16", "float32"]
SLOPED = np.array([[0, 1, 2], [-1, 0, 3], [-2, -4, 1]], dtype=np.float32)


@pytest.fixture
def small_bands(monkeypatch):
    """Cut even a small picture into several bands."""
    monkeypatch.setattr(run, "BAND_SAMPLES", 500)


def picture(shape, dtype="uint8", seed=0):
    rng = np.random.default_rng(seed)
    full = 1 if dtype == "float32" else np.iinfo(dtype).max
    values = rng.random(shape) * full
    return values.astype(dtype)


def by_definition(image, matrix, **options):
    """The float values of a 2-D kernel over (H, W, C), from the reference."""
    options = {"padding": "same", "border": "replicate", **options}
    planes = [reference.conv2d(image[..., c].astype(np.float32), matrix, **options) for c in range(image.shape[2])]
    return np.stack(planes, axis=-1)


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("options", [{}, {"stride": 2}, {"padding": "1+2x0+3", "border": "reflect"}, {"dilation": 2}])
def test_apply_filters_each_channel(dtype, options):
    image = picture((11, 13, 3), dtype)
    expected = quantise(by_definition(image, SLOPED, **options), dtype, Mapping())
    result = apply(image, SLOPED, **options)
    assert result.dtype == image.dtype
    assert result.shape == expected.shape
    if dtype == "float32":
        np.testing.assert_allclose(result, expected, rtol=0, atol=1e-5 * np.abs(SLOPED).sum())
    else:
        np.testing.assert_array_equal(result, expected)


def test_a_grey_picture_stays_two_dimensional():
    assert apply(picture((5, 6)), "edge").shape == (5, 6)
    assert apply(picture((5, 6, 1)), "edge").shape == (5, 6, 1)


@pytest.mark.parametrize("kind", ["abs", "normalize", "center"])
@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
def test_range(kind, dtype):
    image = picture((9, 12, 3), dtype)
    values = by_definition(image, SLOPED)
    how = mapping(kind, values.min(), values.max(), dtype)
    result = apply(image, SLOPED, range=kind)
    np.testing.assert_array_equal(result, quantise(values, dtype, how))
    if kind == "normalize":
        assert (result.min(), result.max()) == (0, np.iinfo(dtype).max)


def test_extremes_are_those_of_the_whole_picture(small_bands):
    image = np.zeros((30, 50), dtype=np.uint8)
    image[0, 0], image[-1, -1] = 3, 200
    result = apply(image, [[1.0]], range="normalize")
    assert result[-1, -1] == 255
    assert result[0, 0] == round(3 / 200 * 255)


def test_range_of_values_that_are_not_finite():
    image = np.full((3, 3), np.nan, dtype=np.float32)
    with pytest.raises(PictureError, match="range normalize needs finite values"):
        apply(image, "identity", range="normalize")


def test_bias_comes_before_the_absolute_value():
    image = np.full((2, 2), 10, dtype=np.uint8)
    assert apply(image, [[-1.0]], bias=4, range="abs").tolist() == [[6, 6], [6, 6]]


def test_flip_turns_the_kernel():
    image = picture((7, 8))
    np.testing.assert_array_equal(apply(image, SLOPED, flip=True), apply(image, SLOPED[::-1, ::-1]))


@pytest.mark.parametrize("scale", ["none", "sum", "l1"])
@pytest.mark.parametrize(
    "matrix", [SLOPED, np.abs(SLOPED), -np.abs(SLOPED), SLOPED - SLOPED.mean(), np.zeros((3, 3)), [[1.0, -1.0]]]
)
def test_scale(scale, matrix):
    bank = np.asarray(matrix, dtype=np.float32)[None, None]
    np.testing.assert_allclose(
        prepared(bank, flip=False, scale=scale)[0, 0], reference.scale_kernel(bank[0, 0], scale), rtol=1e-6
    )


def test_scale_sees_a_zero_sum_through_rounding():
    kernel = get_kernel("log:sigma=2")
    weights = prepared(kernel.weights[None, None], flip=False, scale="sum")[0, 0]
    assert weights[weights > 0].sum() == pytest.approx(1)


@pytest.mark.parametrize("name", ["sobel", "roberts", "kirsch"])
def test_bank_is_combined_channel_by_channel(name):
    image, kernel = picture((9, 8, 3), seed=4), get_kernel(name)
    single = np.stack([by_definition(image, one) for one in kernel.weights])
    values = np.sqrt((single**2).sum(axis=0)) if kernel.combine == "magnitude" else single.max(axis=0)
    np.testing.assert_array_equal(apply(image, kernel, bias=2.0), quantise(values + 2, "uint8", Mapping()))


def bank(*shape, bias=None):
    weight = np.random.default_rng(3).integers(-3, 4, shape).astype(np.float32)
    return FilterBank("learned", weight, None if bias is None else np.array(bias, dtype=np.float32))


def test_one_learned_filter_for_every_channel():
    image, learned = picture((6, 7, 3)), bank(1, 1, 3, 2, bias=[5])
    expected = by_definition(image, learned.weight[0, 0]) + 5
    np.testing.assert_array_equal(apply(image, learned), quantise(expected, "uint8", Mapping()))


def test_a_learned_filter_for_each_channel():
    image, learned = picture((6, 7, 3)), bank(3, 1, 3, 3, bias=[5, -6, 7])
    expected = np.stack([by_definition(image, learned.weight[c, 0])[..., c] for c in range(3)], axis=-1)
    expected += learned.bias
    result = apply(image, learned)
    assert result.flags.c_contiguous
    np.testing.assert_array_equal(result, quantise(expected, "uint8", Mapping()))


def test_one_learned_filter_over_all_channels_gives_one_map():
    image, learned = picture((6, 7, 3)), bank(1, 3, 3, 3)
    expected = sum(by_definition(image, learned.weight[0, c])[..., c] for c in range(3))
    result = apply(image, learned.weight)
    assert result.shape == (6, 7)
    np.testing.assert_array_equal(result, quantise(expected, "uint8", Mapping()))


def test_other_banks_name_what_takes_them():
    with pytest.raises(ShapeError, match=r"learned is a bank of 8 x 1 x 3 x 3 .* 3 channels.*conv2d gives the maps"):
        apply(picture((6, 7, 3)), bank(8, 1, 3, 3))
    with pytest.raises(ShapeError, match="1 channels: apply needs a picture of 3 channels"):
        apply(picture((6, 7)), bank(1, 3, 3, 3))


def blended(image, alpha, matrix, **options):
    """The formula of the contract, from the reference."""
    opacity = (alpha / np.iinfo(alpha.dtype).max)[..., None]
    colours = image.astype(np.float64)
    cover_options = {**options, "border": "constant=1"} if options.get("border", "").startswith("c") else options
    filtered = by_definition((colours * opacity).astype(np.float32), matrix, **options)
    cover = by_definition(opacity.astype(np.float32), matrix, **cover_options)
    return filtered, np.sum(matrix, dtype=np.float64) - cover


@pytest.mark.parametrize("border", ["replicate", "constant=9"])
@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
def test_a_transparent_neighbour_counts_as_the_centre(dtype, border):
    image, alpha = picture((9, 10, 3), dtype), picture((9, 10), dtype, seed=1)
    alpha[2:5, 3:6] = 0
    filtered, missing = blended(image, alpha, SLOPED, border=border)
    result = Filter(from_array(SLOPED), border=border).run(image, alpha)
    expected = quantise(filtered + image * missing, dtype, Mapping())
    assert np.abs(result.pixels.astype(int) - expected).max() <= 1  # a tie may round either way
    assert (result.pixels == expected).mean() > 0.97
    np.testing.assert_array_equal(result.alpha, alpha)


def test_transparent_colours_do_not_bleed():
    image = np.zeros((5, 5, 3), dtype=np.uint8)
    image[:, :3] = 200
    image[:, 3:] = 17  # never seen
    alpha = np.full((5, 5), 255, dtype=np.uint8)
    alpha[:, 3:] = 0
    result = Filter(get_kernel("box:size=3")).run(image, alpha)
    assert (result.pixels[:, :3] == 200).all()


def test_opaque_alpha_changes_nothing():
    image, alpha = picture((9, 10, 3)), np.full((9, 10), 255, dtype=np.uint8)
    result = Filter(get_kernel("edge")).run(image, alpha)
    np.testing.assert_array_equal(result.pixels, apply(image, "edge"))
    np.testing.assert_array_equal(result.alpha, alpha)


def test_alpha_is_sampled_at_the_anchor():
    image, alpha = picture((9, 10)), picture((9, 10), seed=1)
    strided = Filter(get_kernel("box:size=3"), stride=2, padding=0).run(image, alpha)
    np.testing.assert_array_equal(strided.alpha, alpha[1:8:2, 1:9:2])
    padded = Filter(get_kernel("box:size=3"), padding=3, border="zeros").run(image, alpha)
    np.testing.assert_array_equal(padded.alpha, np.pad(alpha, 2, mode="edge"))


@pytest.mark.parametrize("name", ["sobel", "kirsch"])
def test_alpha_of_a_bank(name):
    image, alpha, kernel = picture((9, 10, 3)), picture((9, 10), seed=1), get_kernel(name)
    terms = []
    for one in kernel.weights:
        filtered, missing = blended(image, alpha, one)
        terms.append(filtered + image * missing)
    terms = np.stack(terms)
    values = np.sqrt((terms**2).sum(axis=0)) if kernel.combine == "magnitude" else terms.max(axis=0)
    result = Filter(kernel, bias=1.5).run(image, alpha)
    expected = quantise(values + 1.5, "uint8", Mapping())
    assert np.abs(result.pixels.astype(int) - expected).max() <= 1


def test_clipped_fraction_counts_the_whole_picture(small_bands):
    image = np.zeros((70, 50), dtype=np.uint8)
    image[:7] = 200
    filter_ = Filter(get_kernel("identity"), bias=100)
    assert filter_.run(image, count_clipped=True).clipped == pytest.approx(0.1)
    assert filter_.run(image).clipped is None
    alpha = np.full(image.shape, 255, dtype=np.uint8)
    alpha[-1] = 0
    assert filter_.run(image, alpha, count_clipped=True).clipped == pytest.approx(0.1)


def test_float_pictures_keep_what_is_not_finite():
    image = np.array([[1, np.nan, 3], [4, 5, np.inf]], dtype=np.float32)
    np.testing.assert_array_equal(apply(image, "identity"), image)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"scale": "l2"}, r"unknown scale 'l2'; did you mean l1\? \(known: none, sum, l1\)"),
        ({"range": "norm"}, "unknown range 'norm'; did you mean normalize"),
        ({"bias": float("nan")}, "bias must be a finite number, not nan"),
        ({"bias": "x"}, "bias must be a finite number, not 'x'"),
        ({"border": "constant=1e38"}, "the border are too large"),
        ({"bias": 1e30}, r"the bias or the border are too large: a result may reach 1e\+30"),
        ({"stride": 0}, "stride must be at least 1, not 0"),
        ({"padding": -1}, "padding must be at least 0, not -1"),
        ({"border": "mirrored"}, "unknown border 'mirrored'; did you mean mirror"),
        ({"threads": 0}, "threads must be at least 1, not 0"),
    ],
)
def test_bad_options(options, message):
    with pytest.raises(ArgumentError, match=message):
        apply(picture((3, 3)), "edge", **options)


def test_bad_images_and_kernels():
    with pytest.raises(ArgumentError, match=r"not int64 of shape \(2, 2\)"):
        apply(np.zeros((2, 2), dtype=np.int64), "edge")
    with pytest.raises(ArgumentError, match=r"not uint8 of shape \(2,\)"):
        apply(np.zeros(2, dtype=np.uint8), "edge")
    with pytest.raises(KernelError, match="did you mean"):
        apply(picture((3, 3)), "eduge")
    with pytest.raises(ShapeError, match="window 3x3 does not fit in 2x5"):
        apply(picture((2, 5)), "edge", padding="valid")
    with pytest.raises(ArgumentError, match="kernel must have 2 or 3 or 4 axes"):
        apply(picture((3, 3)), np.zeros(3))
    with pytest.raises(
        ArgumentError, match=r"weights, the bias or the border are too large: a result may reach 6.55e\+34"
    ):
        apply(picture((3, 3)), [[1e30]])


@pytest.mark.parametrize("threads", [2, 3, None])
@pytest.mark.parametrize("kernel", ["edge", "gaussian:sigma=2", "sobel"])
def test_bit_identical_for_any_number_of_threads(kernel, threads, small_bands):
    image, alpha = picture((41, 31, 3)), picture((41, 31), seed=1)
    filter_ = Filter(get_kernel(kernel), range="center")
    one, many = filter_.run(image, alpha, threads=1), filter_.run(image, alpha, threads=threads)
    np.testing.assert_array_equal(one.pixels, many.pixels)


@pytest.mark.parametrize("padding", ["same", "same-lower"])
@pytest.mark.parametrize("dilation", [1, 2, 3])
@pytest.mark.parametrize("size", [1, 2, 3, 4])
def test_same_padding_moves_no_alpha(size, dilation, padding):
    image, alpha = picture((9, 10)), picture((9, 10), seed=1)
    filter_ = Filter(from_array(np.ones((size, size)) / size**2), padding=padding, dilation=dilation)
    np.testing.assert_array_equal(filter_.run(image, alpha).alpha, alpha)


def test_byte_order_does_not_matter():
    image = picture((6, 7), "uint16")
    np.testing.assert_array_equal(apply(image.astype(">u2"), "edge"), apply(image, "edge"))


def test_a_stack_of_kernels_is_one_for_each_channel():
    image, stack = picture((6, 7, 3)), bank(3, 1, 3, 3).weight
    np.testing.assert_array_equal(apply(image, stack[:, 0]), apply(image, stack))


def test_one_filter_runs_over_pictures_of_many_sizes_and_types():
    generator = np.random.default_rng(7)
    one = Filter(get_kernel("sharpen"))
    for shape, dtype in [((9, 140), "uint8"), ((9, 140, 3), "uint8"), ((9, 140), "uint16"), ((140, 9), "uint8")] * 2:
        pixels = generator.integers(0, 200, shape).astype(dtype)
        result = one.run(pixels).pixels
        np.testing.assert_array_equal(result, Filter(get_kernel("sharpen")).run(pixels).pixels)
        assert result.dtype == pixels.dtype


def test_learned_sums_over_all_channels_for_each():
    image, learned = picture((6, 7, 3)), bank(3, 3, 3, 3, bias=[5, -6, 7])
    expected = np.stack(
        [sum(by_definition(image, learned.weight[o, c])[..., c] for c in range(3)) for o in range(3)], axis=-1
    )
    np.testing.assert_array_equal(apply(image, learned), quantise(expected + learned.bias, "uint8", Mapping()))
    with pytest.raises(ShapeError, match="1 channels: apply needs a picture of 3 channels"):
        apply(picture((6, 7)), learned)
