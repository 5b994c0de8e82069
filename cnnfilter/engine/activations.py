"""Activation functions: those of `cnnfilter.network.activations` for whatever a person gives, and `softmax`.

None overflows for any finite input.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from cnnfilter.engine.arrays import as_number, as_samples
from cnnfilter.engine.geometry import Array
from cnnfilter.errors import ArgumentError
from cnnfilter.network.activations import ACTIVATIONS, Function
from cnnfilter.sizes import LARGEST
from cnnfilter.text.values import one_of, whole_number


def _floats(x: Any) -> Array:
    return as_samples(x).astype(np.float32, copy=False)


def arguments(function: Function, given: Mapping[str, Any]) -> dict[str, Any]:
    """Arguments of an activation, checked; one that is none of its parameters as it is.

    Raises
    ------
    ArgumentError
        If a number is not finite in float32, or a word none of those that it may be.
    """
    return {name: _argument(function, name, value) for name, value in given.items()}


def _argument(function: Function, name: str, value: Any) -> Any:
    if name in function.words:
        return one_of(value, name, function.words[name])
    if name not in function.parameters or (value is None and function.parameters[name] is None):
        return value
    as_number(value, name)
    return float(value)  # in float64, for what computes in it


DOCUMENTED = """\
{summary}

Parameters
----------
x : array_like of any shape
{parameters}
Returns
-------
ndarray of float32, of the shape of `x`

Raises
------
ArgumentError
    If `x` is empty or does not hold real numbers{refused}.

{rest}
"""


def _documentation(function: Function) -> str:
    """What holds for all activations, around what the docstring of one says."""
    summary, _, rest = inspect.cleandoc(function.compute.__doc__ or "").partition("\n\n")
    parameters = ""
    if function.parameters:
        own, _, rest = rest.partition("\n\n")
        parameters = own.removeprefix("Parameters\n----------\n") + "\n"
    numbers = " or ".join(f"`{name}`" for name in function.parameters if name not in function.words)
    refused = f", or {numbers} is not a finite number" if numbers else ""
    refused += "".join(f", or `{name}` is none of these words" for name in function.words)
    return DOCUMENTED.format(summary=summary, parameters=parameters, refused=refused, rest=rest)


def _public(function: Function) -> Callable[..., Array]:
    """An activation that checks what it is given."""
    parameters = tuple(function.parameters)

    @functools.wraps(function.compute)
    def checked(x: Any, *given: Any, **named: Any) -> Array:
        first = arguments(function, dict(zip(parameters, given, strict=False)))
        return function.compute(_floats(x), *first.values(), *given[len(first) :], **arguments(function, named))

    checked.__doc__ = _documentation(function)
    checked.__module__ = __name__  # where a process that is sent it finds it
    return checked


globals().update({name: _public(function) for name, function in ACTIVATIONS.items()})


def softmax(x: Any, axis: int = 0) -> Array:
    """`e^x / sum(e^x)` along one axis: the vector, or the channels of maps (C, H, W).

    Parameters
    ----------
    x : array_like of any shape
    axis : int
        Counted from 0, or from the last as -1.

    Returns
    -------
    ndarray of float32, of the shape of `x`

    Raises
    ------
    ArgumentError
        If `x` is empty or does not hold real numbers, or has no such axis.

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
