"""ONNX's published cases for each operator, which the wheel of `onnx` carries (Apache 2.0).

Its Conv cases all have a kernel of ones, which cannot see a flipped one: asymmetric cases follow below them.
Left out are the 1-D and 3-D ones, and what this project does not have: dilated average pools.
"""

import numpy as np
import onnx
import pytest
from onnx.reference import ReferenceEvaluator

import cnnfilter
from cnnfilter import Pipeline
from cnnfilter.network.activations import ACTIVATIONS, SELU_ALPHA, SELU_SCALE
from cnnfilter.network.readers import stage_name
from tests.onnx_cases import FOLDER, load

WINDOWED = [
    "basic_conv_with_padding",
    "basic_conv_without_padding",
    "conv_with_autopad_same",
    "conv_with_strides_and_asymmetric_padding",
    "conv_with_strides_no_padding",
    "conv_with_strides_padding",
    "maxpool_2d_ceil",
    "maxpool_2d_ceil_output_size_reduce_by_one",
    "maxpool_2d_default",
    "maxpool_2d_dilations",
    "maxpool_2d_pads",
    "maxpool_2d_precomputed_pads",
    "maxpool_2d_precomputed_same_upper",
    "maxpool_2d_precomputed_strides",
    "maxpool_2d_same_lower",
    "maxpool_2d_same_upper",
    "maxpool_2d_strides",
    "maxpool_2d_uint8",
    "averagepool_2d_ceil",
    "averagepool_2d_ceil_last_window_starts_on_pad",
    "averagepool_2d_default",
    "averagepool_2d_pads",
    "averagepool_2d_pads_count_include_pad",
    "averagepool_2d_precomputed_pads",
    "averagepool_2d_precomputed_pads_count_include_pad",
    "averagepool_2d_precomputed_same_upper",
    "averagepool_2d_precomputed_strides",
    "averagepool_2d_same_lower",
    "averagepool_2d_same_upper",
    "averagepool_2d_strides",
]
SOFTMAX = [
    "softmax_axis_0",
    "softmax_axis_1",
    "softmax_axis_2",
    "softmax_default_axis",
    "softmax_example",
    "softmax_large_number",
    "softmax_negative_axis",
]
GEMM = [
    "gemm_default_no_bias",
    "gemm_default_single_elem_vector_bias",
    "gemm_default_vector_bias",
    "gemm_default_zero_bias",
    "gemm_default_scalar_bias",
    "gemm_default_matrix_bias",
    "gemm_alpha",
    "gemm_beta",
    "gemm_transposeA",
    "gemm_transposeB",
    "gemm_all_attributes",
]


def sliding(attributes):
    """The options of a window from ONNX's attributes: pads are top, left, bottom, right."""
    automatic = attributes.get("auto_pad", b"NOTSET").decode()
    top, left, bottom, right = attributes.get("pads", [0, 0, 0, 0])
    named = {"SAME_UPPER": "same", "SAME_LOWER": "same-lower"}
    return {
        "stride": tuple(attributes.get("strides", [1, 1])),
        "padding": named.get(automatic, ((top, bottom), (left, right))),
    }


@pytest.mark.parametrize("name", WINDOWED)
def test_windows(name):
    operator, attributes, inputs, expected = load(name)
    options = sliding(attributes)
    dilation = tuple(attributes.get("dilations", [1, 1]))
    if operator == "Conv":
        result = cnnfilter.conv2d(*inputs, dilation=dilation, groups=attributes.get("group", 1), **options)
    else:
        options["ceil_mode"] = bool(attributes.get("ceil_mode", 0))
        window = tuple(attributes["kernel_shape"])
        if operator == "MaxPool":
            result = cnnfilter.max_pool2d(inputs[0], window, dilation=dilation, **options)
        else:
            counted = bool(attributes.get("count_include_pad", 0))
            result = cnnfilter.avg_pool2d(inputs[0], window, count_include_pad=counted, **options)
    assert result.shape == expected.shape
    digits = 5e-5 if name == "averagepool_2d_ceil_last_window_starts_on_pad" else 1e-6  # its answer has four
    np.testing.assert_allclose(result, expected, rtol=1e-5, atol=digits * 1.2)


ELSEWHERE = ("clip", "gelu", "hardsigmoid")
"""Activations whose numbers are inputs, words or defaults of ONNX's own: see `test_onnx_stages`."""


def activated():
    """Every case of an activation that stands in the table, by ONNX's name for it."""
    for folder in sorted(FOLDER.glob("test_*")):
        name = folder.name.removeprefix("test_")
        function = stage_name(name.removesuffix("_default").removesuffix("_example"))
        if function in ACTIVATIONS and function not in ELSEWHERE:
            yield pytest.param(name, function, id=name)


def test_there_are_cases_of_most_activations():
    assert len({case.values[1] for case in activated()}) >= 8


@pytest.mark.parametrize(("name", "function"), list(activated()))
def test_activations(name, function):
    operator, attributes, (x,), expected = load(name)
    assert stage_name(operator) == function
    given = [value for _, value in sorted(attributes.items())]  # alpha before beta, as our parameters stand
    if function == "selu":  # some cases have other constants than the paper's
        result = attributes.get("gamma", SELU_SCALE) * cnnfilter.elu(x, attributes.get("alpha", SELU_ALPHA))
    else:
        assert ACTIVATIONS[function].parameters or given in ([], [1])  # that of Swish
        result = getattr(cnnfilter, function)(x, *given[: len(ACTIVATIONS[function].parameters)])
    assert result.shape == expected.shape
    np.testing.assert_allclose(result, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", SOFTMAX)
def test_softmax(name):
    _, attributes, (x,), expected = load(name)
    result = cnnfilter.softmax(x, axis=attributes.get("axis", -1))
    assert result.shape == expected.shape
    np.testing.assert_allclose(result, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", GEMM)
def test_gemm(name):
    _, attributes, inputs, expected = load(name)
    a, b = inputs[:2]
    a = a.T if attributes.get("transA") else a
    weight = b if attributes.get("transB") else b.T
    bias = None if len(inputs) < 3 else inputs[2] * attributes.get("beta", 1.0)
    result = cnnfilter.linear(a * attributes.get("alpha", 1.0), weight, bias)
    np.testing.assert_allclose(result, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", ["flatten_axis1", "flatten_default_axis", "globalaveragepool"])
def test_flatten_and_global_average(name):
    operator, _, (x,), expected = load(name)
    chain = Pipeline.parse("flatten" if operator == "Flatten" else "globalavgpool")
    x = x.reshape(x.shape if x.ndim == 4 else (x.shape[0], 1, *x.shape[1:]))
    for one, wanted in zip(x, expected, strict=True):
        np.testing.assert_allclose(chain.run(one).reshape(wanted.shape), wanted, rtol=1e-5)


@pytest.mark.parametrize(
    ("pads", "strides", "dilation", "groups"),
    [([0, 0, 0, 0], 1, 1, 1), ([1, 0, 2, 3], 2, 1, 1), ([2, 2, 2, 2], 1, 2, 1), ([1, 1, 1, 1], 1, 1, 2)],
)
def test_asymmetric_kernels_in_onnx_own_evaluator(pads, strides, dilation, groups):
    rng = np.random.default_rng(3)
    x = rng.normal(size=(2, 4, 9, 8)).astype(np.float32)
    weight = rng.normal(size=(6, 4 // groups, 3, 2)).astype(np.float32)
    bias = rng.normal(size=6).astype(np.float32)
    node = onnx.helper.make_node(
        "Conv", ["x", "w", "b"], ["y"], pads=pads, strides=[strides] * 2, dilations=[dilation] * 2, group=groups
    )
    (expected,) = ReferenceEvaluator(node).run(None, {"x": x, "w": weight, "b": bias})
    options = sliding({"pads": pads, "strides": [strides] * 2})
    result = cnnfilter.conv2d(x, weight, bias, dilation=dilation, groups=groups, **options)
    np.testing.assert_allclose(result, expected, rtol=1e-4, atol=1e-5)
