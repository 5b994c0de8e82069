"""The activations that are curves."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from cnnfilter.network.activations.table import ACTIVATIONS, Quadratic, entry

if TYPE_CHECKING:
    import numpy as np

    from cnnfilter.network.activations.table import Array
else:
    from cnnfilter.network.activations.table import np

SELU_SCALE = 1.0507009873554805
SELU_ALPHA = 1.6732632423543772
"""Klambauer et al., Self-Normalizing Neural Networks, 2017, equation 14."""

ERFC = (
    -1.265512225, 1.00002368, 0.37409196, 0.096784189, -0.186288062, 0.278868084, -1.135204, 1.488515889,
    -0.822152234, 0.170872778,
)  # fmt: skip
"""``ln(erfc(z) e^(z^2) / t)`` by powers of ``t = 1/(1 + z/2)``, z from 0 on, fitted in Chebyshev's nodes: 1e-7 off."""

FARTHEST = 40.0
"""Nothing that float64 holds lies beyond so many deviations, and the square of what is far larger is not finite."""

BLOCK = 1 << 15
"""Values that go through the arrays of `gelu` at a time, which stay in a core's cache: 400,000 take 2 ms instead of 23
all at once."""

CUBIC = 0.044715
"""Hendrycks and Gimpel, Gaussian Error Linear Units, 2016: the cube's share in what stands for erf."""

ELU_CODE = {
    "elu": '''
def elu(x, alpha=1.0):
    """x above 0, alpha*(e^x - 1) below."""
    return np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0)))
'''
}


@entry(
    formula="x if x > 0, else alpha * (e^x - 1)",
    worked=lambda x, alpha: "{x}" if x > 0 else "{(alpha)} * (e^{(x)} - 1)",
    definition=lambda x, alpha: np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0))),
    derivative=lambda x, y, alpha: np.where(x > 0, 1, alpha * np.exp(np.minimum(x, 0))),
    torch="nn.ELU({alpha})",
    keras="layers.ELU(alpha={alpha})",
    script="x > 0 ? x : alpha * Math.expm1(x)",
    script_worked='x > 0 ? "{x}" : "{(alpha)} * (e^{(x)} - 1)"',
    script_slope="x > 0 ? 1 : alpha * Math.exp(x)",
    numpy="elu(x, {alpha})",
    numpy_helpers=ELU_CODE,
)
def elu(x: Any, alpha: float = 1.0) -> Array:
    """`x` where `x > 0`, else `alpha * (e^x - 1)` (Clevert et al., 2015).

    Parameters
    ----------
    alpha : float
        What large negative values go to, with the sign turned.

    Examples
    --------
    >>> cnnfilter.elu([0, 3]).tolist()
    [0.0, 3.0]
    """
    return np.maximum(x, np.float32(0)) + alpha * np.expm1(np.minimum(x, np.float32(0)))


@entry(
    formula=f"{SELU_SCALE:.4f} * (x if x > 0, else {SELU_ALPHA:.5f} * (e^x - 1))",
    worked=lambda x: f"{SELU_SCALE:.4f} * " + ("{x}" if x > 0 else f"{SELU_ALPHA:.5f} * (e^{{(x)}} - 1)"),
    definition=lambda x: SELU_SCALE * np.where(x > 0, x, SELU_ALPHA * np.expm1(np.minimum(x, 0))),
    derivative=lambda x, y: SELU_SCALE * np.where(x > 0, 1, SELU_ALPHA * np.exp(np.minimum(x, 0))),
    torch="nn.SELU()",
    keras='layers.Activation("selu")',
    script=f"{SELU_SCALE} * (x > 0 ? x : {SELU_ALPHA} * Math.expm1(x))",
    script_worked=(f'"{SELU_SCALE:.4f} * " + (x > 0 ? "{{x}}" : "{SELU_ALPHA:.5f} * (e^{{(x)}} - 1)")'),
    script_slope=f"{SELU_SCALE} * (x > 0 ? 1 : {SELU_ALPHA} * Math.exp(x))",
    numpy=f"{SELU_SCALE} * elu(x, {SELU_ALPHA})",
    numpy_helpers=ELU_CODE,
)
def selu(x: Any) -> Array:
    """`scale * (x if x > 0 else alpha * (e^x - 1))` (Klambauer et al., 2017).

    Notes
    -----
    ``scale``, about 1.05, and ``alpha``, about 1.67, are those of equation 14 of Self-Normalizing Neural Networks.

    Examples
    --------
    >>> round(float(cnnfilter.selu([1.0])[0]), 4)
    1.0507
    """
    with np.errstate(over="ignore"):
        return SELU_SCALE * elu(x, SELU_ALPHA)


@entry(
    formula="1 / (1 + e^-{(x)})",
    # e^-|x| never overflows; for negative x, e^x / (1 + e^x) is the same number
    definition=lambda x: np.where(x >= 0, 1.0, np.exp(-np.abs(x))) / (1.0 + np.exp(-np.abs(x))),
    derivative=Quadratic(0, 1, -1),
    torch="nn.Sigmoid()",
    keras='layers.Activation("sigmoid")',
    script="1 / (1 + Math.exp(-x))",
    script_slope="y * (1 - y)",
    numpy="0.5 * (1 + np.tanh(x / 2))",
)
def sigmoid(x: Any) -> Array:
    """`1 / (1 + e^-x)`.

    Examples
    --------
    >>> cnnfilter.sigmoid([0.0]).tolist()
    [0.5]
    """
    # e^x below 0, and 1 from there on: choosing by `np.where` took four times as long
    return np.exp(np.minimum(x, np.float32(0))) / (np.float32(1) + np.exp(-np.abs(x)))


@entry(
    formula="tanh({x})",
    definition=lambda x: np.tanh(x),
    derivative=Quadratic(1, 0, -1),
    torch="nn.Tanh()",
    keras='layers.Activation("tanh")',
    script="Math.tanh(x)",
    script_slope="1 - y * y",
    numpy="np.tanh(x)",
)
def tanh(x: Any) -> Array:
    """The hyperbolic tangent.

    Examples
    --------
    >>> cnnfilter.tanh([0.0]).tolist()
    [0.0]
    """
    return np.tanh(x)


@entry(
    formula="ln(1 + e^{(x)})",
    # with e^x taken out of the logarithm for positive x
    definition=lambda x: np.maximum(x, 0.0) + np.log1p(np.exp(-np.abs(x))),
    derivative=lambda x, y: sigmoid(x),
    torch="nn.Softplus()",
    keras='layers.Activation("softplus")',
    script="Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)))",
    script_slope="1 / (1 + Math.exp(-x))",
    numpy="np.logaddexp(0, x)",
)
def softplus(x: Any) -> Array:
    """`ln(1 + e^x)`.

    Examples
    --------
    >>> cnnfilter.softplus([100.0]).tolist()
    [100.0]
    """
    return np.maximum(x, np.float32(0)) + np.log1p(np.exp(-np.abs(x)))


@entry(
    formula="{x} / (1 + e^-{(x)})",
    definition=lambda x: x * ACTIVATIONS["sigmoid"].definition(x),
    derivative=lambda x, y: _swish_slope(x, sigmoid(x)),
    torch="nn.SiLU()",
    keras='layers.Activation("silu")',
    script="x / (1 + Math.exp(-x))",
    script_slope="(1 + x / (1 + Math.exp(x))) / (1 + Math.exp(-x))",
    numpy="x * 0.5 * (1 + np.tanh(x / 2))",
    aliases=("silu",),
)
def swish(x: Any) -> Array:
    """`x * sigmoid(x)`, also called SiLU (Ramachandran et al., 2017).

    Examples
    --------
    >>> cnnfilter.swish([0.0]).tolist()
    [0.0]
    """
    with np.errstate(invalid="ignore"):  # -inf * 0
        return x * sigmoid(x)


def _swish_slope(x: Any, share: Any) -> Any:
    return share * (1 + x * (1 - share))


def _beyond(x: Any) -> Any:
    """How much of the normal distribution lies beyond x, from 0 on: ``erfc(x / sqrt(2)) / 2``, 4e-7 off."""
    t = 1 / (1 + x * np.float32(math.sqrt(1 / 8)))
    power = np.full_like(t, ERFC[-1])
    for coefficient in ERFC[-2::-1]:
        power *= t
        power += np.float32(coefficient)
    # the square in float64: of a rounded one, the power of e is too far off
    share = np.square(x, dtype=np.float64)
    share *= -0.5
    share += power
    np.exp(share, out=share)
    share *= t
    share *= 0.5
    return share


def _beyond_by_tanh(x: Any) -> Any:
    """What the hyperbolic tangent makes of the same: ``(1 - tanh(y)) / 2``, which is ``e^-2y / (1 + e^-2y)``."""
    power = np.exp(-2 * _in_tanh(x.astype(np.float64)))
    return power / (1 + power)


def _erfc(x: Any) -> Any:
    """`math.erfc` of each value of an array."""
    return np.vectorize(math.erfc, otypes=[np.float64])(x)


def _in_tanh(x: Any) -> Any:
    """What the hyperbolic tangent is taken of that stands for erf."""
    return math.sqrt(2 / math.pi) * (x + CUBIC * x * x * x)


def _gelu_slope(x: Any, approximate: str) -> Any:
    """The share of the normal distribution below x, or what stands for it, and x times the slope of that."""
    if approximate == "none":
        beyond = _beyond(np.minimum(np.abs(x), FARTHEST))
        below = np.where(x > 0, 1 - beyond, beyond)
        return below + x * np.exp(-np.square(x) / 2) / math.sqrt(2 * math.pi)
    below = ACTIVATIONS["sigmoid"].definition(2 * _in_tanh(x.astype(np.float64)))
    return below + 2 * x * below * (1 - below) * math.sqrt(2 / math.pi) * (1 + 3 * CUBIC * x * x)


@entry(
    formula="{x} * (1 + erf({x} / sqrt(2))) / 2",
    worked=lambda x, approximate: (
        "{x} * (1 + erf({x} / sqrt(2))) / 2"
        if approximate == "none"
        else "{x} * (1 + tanh(sqrt(2/pi) * ({x} + 0.044715 * {(x)}^3))) / 2"
    ),
    # as 1 + erf(y) = erfc(-y) and (1 + tanh(y)) / 2 = sigmoid(2 y), which lose nothing where x is far below 0
    definition=lambda x, approximate: (
        x * _erfc(-x / math.sqrt(2)) / 2
        if approximate == "none"
        else x * ACTIVATIONS["sigmoid"].definition(2 * _in_tanh(x))
    ),
    derivative=lambda x, y, approximate: _gelu_slope(x, approximate),
    torch=lambda approximate: "nn.GELU()" if approximate == "none" else 'nn.GELU(approximate="tanh")',
    keras=lambda approximate: (
        'layers.Activation("gelu")' if approximate == "none" else "layers.Lambda(lambda x: ops.gelu(x, True))"
    ),
    script=(
        "approximate === 'none' ? x * erfc(-x / Math.SQRT2) / 2"
        " : x / (1 + Math.exp(-2 * Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3)))"
    ),
    script_worked=(
        "approximate === 'none' ? '{x} * (1 + erf({x} / sqrt(2))) / 2'"
        " : '{x} * (1 + tanh(sqrt(2/pi) * ({x} + 0.044715 * {(x)}^3))) / 2'"
    ),
    script_slope="geluSlope(x, approximate)",
    numpy=lambda approximate: (
        "gelu(x)" if approximate == "none" else "x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3))) / 2"
    ),
    numpy_helpers={
        "gelu": '''
def gelu(x):
    """x times how much of the normal distribution lies below it."""
    from math import erf

    return x * (1 + np.vectorize(erf, otypes=[float])(x / np.sqrt(2))) / 2
'''
    },
    words={"approximate": ("none", "tanh")},
)
def gelu(x: Any, approximate: str = "none") -> Array:
    """`x * (1 + erf(x / sqrt(2))) / 2` (Hendrycks and Gimpel, 2016).

    Parameters
    ----------
    approximate : {"none", "tanh"}
        With `tanh`, `tanh(sqrt(2/pi) * (x + 0.044715 * x^3))` stands for the error function erf.

    Examples
    --------
    >>> cnnfilter.gelu([-1.0, 0.0, 1.0]).round(4).tolist()
    [-0.15870000422000885, 0.0, 0.8413000106811523]
    """
    beyond = _beyond if approximate == "none" else _beyond_by_tanh
    values, out = x.reshape(-1), np.empty(x.size, np.float32)
    for first in range(0, x.size, BLOCK):
        part = values[first : first + BLOCK]
        size = np.minimum(np.abs(part), np.float32(FARTHEST))
        np.subtract(np.maximum(part, 0), size * beyond(size), out=out[first : first + BLOCK], casting="same_kind")
    return out.reshape(x.shape)


@entry(
    formula="e^-({(epsilon)} * |{x} - {(center)}|)^2",
    definition=lambda x, center, epsilon: np.exp(-((epsilon * np.abs(x - center)) ** 2)),
    derivative=lambda x, y, center, epsilon: -2 * epsilon * (epsilon * (x - center)) * y,
    torch="Apply(lambda x: torch.exp(-(({epsilon} * (x - {center})) ** 2)))",
    keras="layers.Lambda(lambda x: ops.exp(-(({epsilon} * (x - {center})) ** 2)))",
    script="Math.exp(-((epsilon * (x - center)) ** 2))",
    script_slope="-2 * epsilon * epsilon * (x - center) * y",
    numpy="np.exp(-(({epsilon} * (x - {center})) ** 2))",
)
def rbf(x: Any, center: float = 0.0, epsilon: float = 1.0) -> Array:
    """The Gaussian radial basis function `e^-(epsilon * |x - center|)^2`.

    Parameters
    ----------
    center : float
        Where the result is 1.
    epsilon : float
        How fast it falls beside that.

    Examples
    --------
    >>> cnnfilter.rbf([3.0], center=3).tolist()
    [1.0]
    """
    with np.errstate(over="ignore", invalid="ignore"):  # the square of a large distance is infinite, its power 0
        distance = epsilon * (x - center)
        return np.exp(-distance * distance)
