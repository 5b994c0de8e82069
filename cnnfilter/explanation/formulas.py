"""Numbers and formulas as they are written on a board."""

from __future__ import annotations

import math
from collections.abc import Iterable
from fractions import Fraction

from cnnfilter.network.stages import Activation, LocalResponse, Normalize
from cnnfilter.network.stages.per_map import Normalization

WHOLE = 10**15
"""Whole numbers from here on are no longer all different as floats, and are written short."""
SHORT_FRACTION = 10**6


def show(value: float) -> str:
    """A number as it is if it is whole, else in six digits.

    Examples
    --------
    >>> show(-3.0), show(2 / 3), show(1e-9), show(float("-inf"))
    ('-3', '0.666667', '1e-09', '-inf')
    """
    if math.isfinite(value) and value == int(value) and abs(value) < WHOLE:
        return str(int(value))
    return f"{value:.6g}"


def show_scale(scale: Fraction | float) -> str:
    """A scale as a fraction where it is a simple one.

    Examples
    --------
    >>> show_scale(Fraction(1, 16)), show_scale(0.25)
    ('1/16', '0.25')
    """
    if isinstance(scale, Fraction) and max(abs(scale.numerator), scale.denominator) < SHORT_FRACTION:
        return str(scale)
    return show(float(scale))


def show_sum(terms: Iterable[float]) -> str:
    """The terms of a sum.

    Examples
    --------
    >>> show_sum([1, -2, 3])
    '1 - 2 + 3'
    """
    texts = [show(term) for term in terms]
    return texts[0] + "".join(map(_added, texts[1:]))


def _added(text: str) -> str:
    return f" - {text[1:]}" if text.startswith("-") else f" + {text}"


def show_product(factors: Iterable[float]) -> str:
    """The factors of a product, those below 0 in parentheses.

    Examples
    --------
    >>> show_product([2, -3])
    '2 * (-3)'
    """
    return " * ".join(map(_factor, factors))


def _factor(value: float) -> str:
    text = show(value)
    return f"({text})" if text.startswith("-") else text


def activation(stage: Activation, x: float) -> str:
    """The formula of an activation with its number in it.

    Examples
    --------
    >>> activation(Activation("relu"), -3)
    'max(0, -3)'
    """
    parameters = {name: value for name, value in stage.named.items() if isinstance(value, int | float)}
    numbers = {"x": x, **parameters}
    brackets = {f"({name})": _factor(value) for name, value in numbers.items()}
    return stage.known.worked(x, **stage.named).format(
        **{name: show(value) for name, value in numbers.items()}, **brackets
    )


def normalized(stage: Normalize, x: float, mean: float, std: float) -> str:
    """The formula of a normalization with its numbers in it."""
    return f"({show(x)}/{show(stage.divisor)} - {_factor(mean)}) / {_factor(std)}"


def batch_norm(numbers: Normalization, epsilon: float, number: int, x: float) -> str:
    """The formula of a batch normalization with the numbers of one map in it."""
    weight, bias, mean, variance, _ = (float(each[number]) for each in numbers)
    share = f"({show(x)} - {_factor(mean)}) / sqrt({show(variance)} + {show(epsilon)})"
    return f"{share} * {_factor(weight)}{_added(show(bias))}"


def prelu(slope: float, x: float) -> str:
    """The formula of a parametric ReLU with its numbers in it."""
    return show(x) if x >= 0 else f"{_factor(slope)} * {_factor(x)}"


def local_response(stage: LocalResponse, x: float, total: float) -> str:
    """The formula of a local response normalization with its numbers in it, from the sum of the squares."""
    sum_of_squares = f"{show(stage.bias)} + {_factor(stage.alpha)}/{stage.size} * {show(total)}"
    return f"{show(x)} / ({sum_of_squares})^{show(stage.beta)}"


def gray(weights: Iterable[float], values: Iterable[float]) -> str:
    """The mix of colours that makes a grey value."""
    return " + ".join(f"{show(weight)}*{_factor(value)}" for weight, value in zip(weights, values, strict=True))


def magnitude(values: Iterable[float]) -> str:
    """The root of a sum of squares."""
    return f"sqrt({' + '.join(f'{_factor(value)}^2' for value in values)})"
