import doctest
import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import cnnfilter
from cnnfilter.engine import activations, dense, ops, reference
from cnnfilter.errors import ArgumentError, ShapeError
from cnnfilter.network import activations as table
from cnnfilter.network.activations import ACTIVATIONS as TABLE
from tests.chains import parameters
from tests.oracles import PRECISION, assert_within, samples, weights

ACTIVATIONS = [(name, {}) for name in TABLE]
ACTIVATIONS += [
    (name, parameters(known, value)) for name, known in TABLE.items() if known.parameters for value in (0.3, 0, -0.25)
]
NAMES = [name + "".join(f"-{value}" for value in options.values()) for name, options in ACTIVATIONS]
each_activation = pytest.mark.parametrize(("name", "options"), ACTIVATIONS, ids=NAMES)

MOST = float(np.finfo(np.float32).max)
LEAST = float(np.finfo(np.float32).smallest_subnormal)


FINITE = st.floats(min_value=-(2.0**127), max_value=2.0**127, width=32)


def assert_activation(name, x, **options):
    """Hold an activation to its formula in float64, relative to its value down to where float32 ends."""
    expected = getattr(reference, name)(x, **options)
    result = getattr(activations, name)(x, **options)
    # selu takes the largest floats past the end of float32, to infinity as a cast does.
    expected = np.where(np.abs(expected) > MOST, np.copysign(np.inf, expected), expected)
    assert result.dtype == np.float32
    assert result.shape == x.shape
    np.testing.assert_allclose(result, expected, rtol=PRECISION, atol=1e-37)


@each_activation
def test_values_over_the_range_in_use(name, options):
    assert_activation(name, np.linspace(-20, 20, 1001, dtype=np.float32), **options)


@each_activation
def test_no_finite_value_overflows(name, options):
    powers = np.float32(2.0) ** np.arange(-149, 128, dtype=np.float32)
    limits = [0.0, -0.0, LEAST, MOST * 0.95, 87.0, 88.0, 88.72, 88.73, 89.0, 103.0, 104.0, 708.0, 710.0]
    x = np.concatenate([powers, np.array(limits, np.float32)])
    assert_activation(name, np.concatenate([x, -x]), **options)


@settings(deadline=None, max_examples=100, database=None)
@given(st.sampled_from(ACTIVATIONS), FINITE)
def test_any_finite_value(activation, value):
    name, options = activation
    assert_activation(name, np.array([value], np.float32), **options)


@each_activation
def test_nan_stays_nan(name, options):
    x = np.array([[1, np.nan], [-np.nan, -1]], np.float32)
    result = getattr(activations, name)(x, **options)
    np.testing.assert_array_equal(np.isnan(result), np.isnan(x))


@pytest.mark.parametrize(
    ("name", "below", "above"),
    [
        ("relu", 0, np.inf),
        ("leaky_relu", -np.inf, np.inf),
        ("elu", -1, np.inf),
        ("selu", -1.7580993408473766, np.inf),
        ("sigmoid", 0, 1),
        ("tanh", -1, 1),
        ("softplus", 0, np.inf),
        ("rbf", 0, 0),
    ],
)
def test_limits_at_infinity(name, below, above):
    result = getattr(activations, name)(np.array([-np.inf, np.inf], np.float32))
    np.testing.assert_allclose(result, [below, above], rtol=1e-6)


@each_activation
def test_any_shape_and_an_untouched_input(name, options):
    rng = np.random.default_rng(1)
    for shape in [(5,), (4, 3), (2, 4, 3), (2, 2, 4, 3)]:
        x = samples(rng, shape, np.float32)
        copy = x.copy()
        x.flags.writeable = False
        assert_activation(name, x, **options)
        np.testing.assert_array_equal(x, copy)
    assert_activation(name, samples(rng, (6, 5), np.float32).T[::2], **options)


@each_activation
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_whole_numbers_become_floats(dtype, name, options):
    x = np.array([[0, 1, 2], [3, 200, np.iinfo(dtype).max]], dtype)
    assert_activation(name, x, **options)


def test_the_examples():
    assert all(f"cnnfilter.{name}(" in known.compute.__doc__ for name, known in TABLE.items())
    for file in (table.bent, table.curved):
        assert doctest.testmod(file, extraglobs={"cnnfilter": cnnfilter}).failed == 0


@pytest.mark.parametrize("name", TABLE)
def test_the_public_functions(name):
    function = getattr(cnnfilter, name)
    known = TABLE[name]
    assert pickle.loads(pickle.dumps(function)) is function  # as a process is sent it
    x, named = [-2.0, 0.5], parameters(known, 0.25)
    values = named.values()
    np.testing.assert_array_equal(function(x, *values), function(x, **named))
    with pytest.raises(TypeError, match="positional arguments? but"):
        function(x, *values, 1)
    with pytest.raises(TypeError, match="unexpected keyword argument 'unheard'"):
        function(x, unheard=None)


def test_values_of_the_formulas():
    x = np.array([-2, 0, 3], np.float32)
    np.testing.assert_array_equal(activations.relu(x), [0, 0, 3])
    np.testing.assert_allclose(activations.leaky_relu(x), [-0.02, 0, 3], rtol=1e-6)
    np.testing.assert_allclose(activations.leaky_relu(x, 0.1), [-0.2, 0, 3], rtol=1e-6)
    np.testing.assert_allclose(activations.elu(x), [-0.86466472, 0, 3], rtol=1e-6)
    np.testing.assert_allclose(activations.selu(x), [-1.52016647, 0, 3.15210296], rtol=1e-6)
    np.testing.assert_allclose(activations.sigmoid(x), [0.11920292, 0.5, 0.95257413], rtol=1e-6)
    np.testing.assert_allclose(activations.softplus(x), [0.12692801, 0.69314718, 3.04858735], rtol=1e-6)
    np.testing.assert_allclose(activations.swish(x), [-0.23840584, 0, 2.85772238], rtol=1e-6)
    np.testing.assert_allclose(activations.rbf(x, 1, 0.5), [0.10539922, 0.77880078, 0.36787944], rtol=1e-6)
    np.testing.assert_array_equal(activations.clip(x, -1), [-1, 0, 3])
    np.testing.assert_array_equal(activations.clip(x, max=2), [-2, 0, 2])
    np.testing.assert_array_equal(activations.clip(x, 2, 1), [1, 1, 1])
    np.testing.assert_array_equal(activations.clip(x), x)
    np.testing.assert_allclose(activations.hardsigmoid(x), [1 / 6, 0.5, 1], rtol=1e-6)
    np.testing.assert_allclose(activations.hardsigmoid(x, 0.2), [0.1, 0.5, 1], rtol=1e-6)
    np.testing.assert_allclose(activations.gelu(x), [-0.04550026, 0, 2.99595031], rtol=1e-6)
    np.testing.assert_allclose(activations.gelu(x, "tanh"), [-0.04540231, 0, 2.99636261], rtol=1e-6)


@pytest.mark.parametrize(("shape", "axis"), [((7,), 0), ((3, 4, 5), 0), ((4, 5), 1), ((2, 3, 4, 5), 1), ((4, 5), -1)])
def test_softmax_along_an_axis(shape, axis):
    x = samples(np.random.default_rng(2), shape, np.float32) * 20
    result = activations.softmax(x, axis=axis)
    assert_within(result, reference.softmax(x, axis=axis), 1e-5 * reference.softmax(x, axis=axis) + 1e-37)
    np.testing.assert_allclose(result.sum(axis=axis), 1, rtol=1e-6)


def test_softmax_of_the_largest_values_does_not_overflow():
    x = np.array([MOST, -MOST, MOST, 0], np.float32)
    np.testing.assert_array_equal(activations.softmax(x), [0.5, 0, 0.5, 0])
    np.testing.assert_array_equal(activations.softmax(np.array([5], np.float32)), [1])


def test_softmax_of_whole_numbers():
    result = activations.softmax(np.array([200, 0, 200], np.uint8))
    assert result.dtype == np.float32
    np.testing.assert_allclose(result, [0.5, 0, 0.5], rtol=1e-6, atol=1e-37)


def test_softmax_keeps_nan_in_its_own_vector():
    x = np.array([[1, np.nan], [1, 2]], np.float32)
    result = activations.softmax(x, axis=1)
    np.testing.assert_allclose(result, [[np.nan, np.nan], [0.26894142, 0.7310586]], rtol=1e-6)


def test_softmax_of_a_missing_axis():
    with pytest.raises(ArgumentError, match=r"softmax has no axis 2 in a shape of \(2, 3\)"):
        activations.softmax(np.ones((2, 3), np.float32), axis=2)


@pytest.mark.parametrize("outputs", [1, 2, 3, 7, 8, 9])
def test_many_weights_are_multiplied_in_bands(outputs, monkeypatch):
    rng = np.random.default_rng(4)
    x, weight, bias = (rng.normal(size=size).astype(np.float32) for size in ((3, 50), (outputs, 50), (outputs,)))
    whole = ops.linear(x, weight, bias)
    monkeypatch.setattr(dense, "BAND_WEIGHTS", 160)
    for threads in (1, 2, 3, None):
        np.testing.assert_array_equal(ops.linear(x, weight, bias, threads=threads), whole, strict=True)


@pytest.mark.parametrize("shape", [(7,), (1, 7), (4, 7)])
def test_linear(shape):
    rng = np.random.default_rng(3)
    x, weight, bias = samples(rng, shape, np.float32), weights(rng, (5, 7)), weights(rng, 5)
    bound = reference.linear(np.abs(x), np.abs(weight), np.abs(bias))
    assert_within(ops.linear(x, weight, bias), reference.linear(x, weight, bias), PRECISION * bound)
    bound = reference.linear(np.abs(x), np.abs(weight))
    assert_within(ops.linear(x, weight), reference.linear(x, weight), PRECISION * bound)


@pytest.mark.parametrize("inputs", [1, 15, 16, 17, 1023, 1024, 1025, 2048, 2053])
@pytest.mark.parametrize("outputs", [1, 2, 3, 4, 5, 8])
def test_linear_of_every_remainder(inputs, outputs):
    rng = np.random.default_rng(6)
    x, weight, bias = samples(rng, (2, inputs), np.float32), weights(rng, (outputs, inputs)), weights(rng, outputs)
    bound = reference.linear(np.abs(x), np.abs(weight), np.abs(bias))
    assert_within(ops.linear(x, weight, bias), reference.linear(x, weight, bias), PRECISION * bound)


def test_linear_of_many_inputs_stays_within_the_bound():
    rng = np.random.default_rng(4)
    x, weight = rng.random(9216).astype(np.float32), rng.random((3, 9216)).astype(np.float32)
    expected = weight.astype(np.float64) @ x.astype(np.float64)
    assert_within(ops.linear(x, weight), expected, PRECISION * expected)


@pytest.mark.parametrize(("rows", "outputs"), [(1, 1), (1, 8), (8, 8), (100, 100)])
@pytest.mark.parametrize("inputs", [16, 256, 9216])
def test_a_large_term_of_linear_does_not_swallow_the_small(inputs, rows, outputs):
    # Each of the others is just below half a unit in the last place of the first: added to it, it is lost.
    x = np.full((rows, inputs), 0.99 * 2.0**-24, np.float32)
    x[:, 0] = 1
    expected = np.full((rows, outputs), x[0].sum(dtype=np.float64))
    assert_within(ops.linear(x, np.ones((outputs, inputs))), expected, PRECISION * expected)


def test_linear_beyond_float32_is_infinite_without_a_warning():
    x = np.array([3e38, 3e38, np.inf, -np.inf], dtype=np.float32)
    weight = np.array([[1, 1, 0, 0], [0, 0, 1, 0], [0, 0, 1, 1]], dtype=np.float32)
    np.testing.assert_array_equal(ops.linear(x, weight), [np.inf, np.inf, np.nan])


def test_linear_is_bit_identical_for_any_number_of_threads():
    rng = np.random.default_rng(5)
    x, weight = samples(rng, (67, 901), np.float32), weights(rng, (103, 901))
    alone = ops.linear(x, weight, threads=1)
    for threads in (2, 3, None):
        np.testing.assert_array_equal(ops.linear(x, weight, threads=threads), alone, strict=True)


def test_a_zero_weight_of_linear_contributes_nothing_not_even_to_nan():
    x = np.array([np.nan, 2], np.float32)
    np.testing.assert_array_equal(ops.linear(x, [[0, 3], [1, 3]]), [6, np.nan])


@pytest.mark.parametrize(
    ("x", "bias"),
    [(7, ()), (7, 1), (7, 5), (7, (1, 5)), (7, (1, 1)), ((3, 7), ()), ((3, 7), 5), ((3, 7), (1, 5)), ((3, 7), (3, 1)),
     ((3, 7), (3, 5))],
)  # fmt: skip
def test_a_bias_of_linear_is_broadcast(x, bias):
    rng = np.random.default_rng(6)
    x, weight, bias = (rng.normal(size=size).astype(np.float32) for size in (x, (5, 7), bias))
    expected = x @ weight.T + (bias[0] if x.ndim == 1 and bias.ndim == 2 else bias)
    result = ops.linear(x, weight, bias)
    assert (result.shape, result.dtype) == (expected.shape, np.float32)
    np.testing.assert_allclose(result, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    ("x", "weight", "bias", "message"),
    [
        ((6,), (5, 7), None, r"x of shape \(6,\) does not fit a weight \(out, in\) of shape \(5, 7\)"),
        ((2, 3, 7), (5, 7), None, r"x of shape \(2, 3, 7\) does not fit"),
        ((7,), (5, 7), (4,), "bias must hold a number for each of 5 outputs, or one for all, not 4"),
        ((7,), (5, 7), (2, 5), r"5 outputs, or one for all, not an array of \(2, 5\)"),
        ((3, 7), (5, 7), (2, 5), r"5 outputs, or one for all, not an array of \(2, 5\)"),
    ],
)
def test_linear_of_sizes_that_do_not_fit_names_them(x, weight, bias, message):
    with pytest.raises(ShapeError, match=message):
        ops.linear(np.ones(x, np.float32), np.ones(weight), None if bias is None else np.ones(bias))


@pytest.mark.parametrize(
    ("weight", "message"),
    [
        ([[1, np.nan]], r"nan at \[0, 1\]: weight must be finite"),
        ([[np.inf, 1]], r"inf at \[0, 0\]: weight must be finite"),
        ([1, 2], r"weight must have 2 axes, not 1 \(its shape is \(2,\)\)"),
    ],
)
def test_bad_weights_of_linear_are_named(weight, message):
    with pytest.raises(ArgumentError, match=message):
        ops.linear(np.ones(2, np.float32), weight)


@pytest.mark.parametrize(
    ("name", "option", "value"),
    [
        ("leaky_relu", "slope", np.nan),
        ("elu", "alpha", np.inf),
        ("rbf", "center", np.nan),
        ("rbf", "epsilon", -np.inf),
    ],
)
def test_a_parameter_that_is_not_finite_is_named(name, option, value):
    with pytest.raises(ArgumentError, match=f"{option} must be a finite number, not {value!r}"):
        getattr(activations, name)(np.ones(3, np.float32), **{option: value})


def test_a_word_that_is_none_of_those_known_is_named():
    with pytest.raises(ArgumentError, match=r"unknown approximate 'erf' \(known: none, tanh\)"):
        activations.gelu([1.0], approximate="erf")


@pytest.mark.parametrize("name", ["relu", "sigmoid", "softmax"])
def test_an_activation_of_complex_numbers_is_refused(name):
    with pytest.raises(ArgumentError, match="x must hold real numbers, not complex64"):
        getattr(activations, name)(np.ones(3, np.complex64))


@each_activation
def test_slopes_are_those_of_the_definition(name, options):
    known = TABLE[name]
    values = dict(known.parameters) | options
    x = np.array([-7.5, -3.2, -1.1, -0.4, 0.3, 0.9, 2.6, 4.8, 7.25])  # none where one bends
    step = 1e-6
    with np.errstate(all="ignore"):
        y = known.definition(x, **values)
        slopes = (known.definition(x + step, **values) - known.definition(x - step, **values)) / (2 * step)
        found = known.derivative(x, y, **values)
    np.testing.assert_allclose(found, slopes, rtol=1e-5, atol=1e-6)
