"""Formulas of stages as they are written on a board."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction

from cnnfilter.network.stages import Activation, LocalResponse, Normalize
from cnnfilter.network.stages.per_map import Normalization
from cnnfilter.text.shown import added, factor, show

SHORT_FRACTION = 10**6


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


def activation(stage: Activation, x: float) -> str:
    """The formula of an activation with its number in it.

    Examples
    --------
    >>> activation(Activation("relu"), -3)
    'max(0, -3)'
    """
    parameters = {name: value for name, value in stage.named.items() if isinstance(value, int | float)}
    numbers = {"x": x, **parameters}
    brackets = {f"({name})": factor(value) for name, value in numbers.items()}
    return stage.known.worked(x, **stage.named).format(
        **{name: show(value) for name, value in numbers.items()}, **brackets
    )


def normalized(stage: Normalize, x: float, mean: float, std: float) -> str:
    """The formula of a normalization with its numbers in it."""
    return f"({show(x)}/{show(stage.divisor)} - {factor(mean)}) / {factor(std)}"


def batch_norm(numbers: Normalization, epsilon: float, number: int, x: float) -> str:
    """The formula of a batch normalization with the numbers of one map in it."""
    weight, bias, mean, variance, _ = (float(each[number]) for each in numbers)
    share = f"({show(x)} - {factor(mean)}) / sqrt({show(variance)} + {show(epsilon)})"
    return f"{share} * {factor(weight)}{added(show(bias))}"


def prelu(slope: float, x: float) -> str:
    """The formula of a parametric ReLU with its numbers in it."""
    return show(x) if x >= 0 else f"{factor(slope)} * {factor(x)}"


def local_response(stage: LocalResponse, x: float, total: float) -> str:
    """The formula of a local response normalization with its numbers in it, from the sum of the squares."""
    sum_of_squares = f"{show(stage.bias)} + {factor(stage.alpha)}/{stage.size} * {show(total)}"
    return f"{show(x)} / ({sum_of_squares})^{show(stage.beta)}"


def gray(weights: Iterable[float], values: Iterable[float]) -> str:
    """The mix of colours that makes a grey value."""
    return " + ".join(f"{show(weight)}*{factor(value)}" for weight, value in zip(weights, values, strict=True))


def magnitude(values: Iterable[float]) -> str:
    """The root of a sum of squares."""
    return f"sqrt({' + '.join(f'{factor(value)}^2' for value in values)})"
