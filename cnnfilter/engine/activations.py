"""Activation functions, elementwise in float32 but for `softmax`. None overflows for any finite input."""

from __future__ import annotations

from typing import Any

import numpy as np

from cnnfilter.engine.arrays import as_number, as_samples
from cnnfilter.engine.geometry import Array
from cnnfilter.errors import ArgumentError
from cnnfilter.model.shapes import LARGEST
from cnnfilter.model.values import whole_number

SELU_SCALE = 1.0507009873554805
SELU_ALPHA = 1.6732632423543772
"""Klambauer et al., Self-Normalizing Neural Networks, 2017, equation 14."""


def _floats(x: Any) -> Array:
    return as_samples(x).astype(np.float32, copy=False)


def relu(x: Any) -> Array:
    """Return `max(0, x)`; NaN stays NaN.

    Parameters
    ----------
    x : array_like of any shape

    Returns
    -------
    ndarray of float32, of the shape of `x`

    Raises
    ------
    ArgumentError
        If `x` is empty or does not hold real numbers. So for every function here.

    Examples
    --------
    >>> relu([-1.5, 0, 2]).tolist()
    [0.0, 0.0, 2.0]
    """
    return np.maximum(_floats(x), np.float32(0))


def leaky_relu(x: Any, slope: float = 0.01) -> Array:
    """Return `x` where `x >= 0`, else `slope * x`.

    Notes
    -----
    The default slope is PyTorch's; much course material uses 0.1.

    Examples
    --------
    >>> leaky_relu([-2, 3], slope=0.5).tolist()
    [-1.0, 3.0]
    """
    values = _floats(x)
    with np.errstate(over="ignore", invalid="ignore"):  # -inf * 0
        return np.where(values >= 0, values, as_number(slope, "slope") * values)


def elu(x: Any, alpha: float = 1.0) -> Array:
    """Return `x` where `x > 0`, else `alpha * (e^x - 1)` (Clevert et al., 2015).

    Examples
    --------
    >>> elu([0, 3]).tolist()
    [0.0, 3.0]
    """
    values = _floats(x)
    negative = np.expm1(np.minimum(values, np.float32(0)))
    return np.where(values > 0, values, as_number(alpha, "alpha") * negative)


def selu(x: Any) -> Array:
    """Return `SELU_SCALE * elu(x, SELU_ALPHA)` (Klambauer et al., 2017).

    Examples
    --------
    >>> round(float(selu([1.0])[0]), 4)
    1.0507
    """
    with np.errstate(over="ignore"):
        return np.float32(SELU_SCALE) * elu(x, SELU_ALPHA)


def sigmoid(x: Any) -> Array:
    """Return `1 / (1 + e^-x)`.

    Examples
    --------
    >>> sigmoid([0.0]).tolist()
    [0.5]
    """
    values = _floats(x)
    # e^-|x| never overflows; for negative x, e^x / (1 + e^x) is the same number.
    power = np.exp(-np.abs(values))
    return np.where(values >= 0, np.float32(1), power) / (np.float32(1) + power)


def tanh(x: Any) -> Array:
    """Return the hyperbolic tangent.

    Examples
    --------
    >>> tanh([0.0]).tolist()
    [0.0]
    """
    return np.tanh(_floats(x))


def softplus(x: Any) -> Array:
    """Return `ln(1 + e^x)`.

    Examples
    --------
    >>> softplus([100.0]).tolist()
    [100.0]
    """
    values = _floats(x)
    return np.maximum(values, np.float32(0)) + np.log1p(np.exp(-np.abs(values)))


def swish(x: Any) -> Array:
    """Return `x * sigmoid(x)`, also called SiLU (Ramachandran et al., 2017).

    Examples
    --------
    >>> swish([0.0]).tolist()
    [0.0]
    """
    values = _floats(x)
    with np.errstate(invalid="ignore"):  # -inf * 0
        return values * sigmoid(values)


def rbf(x: Any, center: float = 0.0, epsilon: float = 1.0) -> Array:
    """Return the Gaussian radial basis function `e^-(epsilon * |x - center|)^2`.

    Examples
    --------
    >>> rbf([3.0], center=3).tolist()
    [1.0]
    """
    values = _floats(x)
    with np.errstate(over="ignore", invalid="ignore"):  # the square of a large distance is infinite, its power 0
        distance = as_number(epsilon, "epsilon") * (values - as_number(center, "center"))
        return np.exp(-distance * distance)


def softmax(x: Any, axis: int = 0) -> Array:
    """Return `e^x / sum(e^x)` along one axis: the vector, or the channels of maps (C, H, W).

    Raises
    ------
    ArgumentError
        If `x` has no such axis.

    Notes
    -----
    Shifted by the maximum, so that no power overflows.

    Examples
    --------
    >>> softmax([2, 4]).round(4).tolist()
    [0.11919999867677689, 0.8808000087738037]
    """
    values = _floats(x)
    axis = whole_number(axis, "axis", -LARGEST, LARGEST)
    if not -values.ndim <= axis < values.ndim:
        msg = f"softmax has no axis {axis} in a shape of {values.shape}"
        raise ArgumentError(msg)
    with np.errstate(invalid="ignore", over="ignore"):  # inf - inf, and the largest less the smallest
        powers = np.exp(values - values.max(axis=axis, keepdims=True))
        total = powers.sum(axis=axis, keepdims=True, dtype=np.float64)
        result: Array = (powers / total).astype(np.float32)
    return result
