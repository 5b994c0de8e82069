"""The formulas that explanations write out give the values beside them."""

import math
import re
from fractions import Fraction

import numpy as np
import pytest

from cnnfilter.engine import reference
from cnnfilter.explanation import explain, formulas
from cnnfilter.network.activations import ACTIVATIONS
from cnnfilter.network.stages import Activation
from cnnfilter.pipeline import Pipeline
from cnnfilter.text.shown import show
from tests.chains import parameters

VARIABLES = {
    "e": math.e,
    "pi": math.pi,
    "erf": math.erf,
    "tanh": math.tanh,
    "ln": math.log,
    "max": max,
    "min": min,
    "abs": abs,
    "sqrt": math.sqrt,
}


def evaluated(formula):
    """What a formula gives that is read as it is written."""
    text = re.sub(r"\|([^|]*)\|", r"abs(\1)", formula).replace("^-", "**-").replace("^", "**")
    return eval(text, {"__builtins__": {}}, VARIABLES)  # noqa: S307  (formulas of our own)


@pytest.mark.parametrize("x", [2.0, -2.0, 0.0, -0.25])
@pytest.mark.parametrize("value", [0.1, 2.0, -1.0])
@pytest.mark.parametrize("function", ACTIVATIONS)
def test_the_formula_gives_the_value(function, value, x):
    for values in ((), tuple(parameters(ACTIVATIONS[function], value).values())):
        formula = formulas.activation(Activation(function, values), x)
        assert evaluated(formula) == pytest.approx(float(getattr(reference, function)(x, *values)), rel=1e-5)


def test_negative_numbers_of_a_formula_stand_in_parentheses():
    assert formulas.activation(Activation("rbf", (-1.0, 0.5)), -2.0) == "e^-(0.5 * |-2 - (-1)|)^2"
    assert formulas.activation(Activation("leaky_relu", (-1.0,)), -2.0) == "(-1) * (-2)"


def test_the_formulas_of_colours_and_magnitudes():
    def formula(text, pixels):
        step = explain(Pipeline.parse(text), pixels, (0, 0)).steps[0]
        assert evaluated(step.formula) == pytest.approx(step.value, rel=1e-5)
        return step.formula, step.follows

    colour = np.float32([[[10, 20, 200]]])
    assert formula("gray", colour) == ("0.299*10 + 0.587*20 + 0.114*200", (0, 0, 2))
    assert formula("gray", np.float32([[7]])) == ("7", (0, 0, 0))
    assert formula("normalize:mean=-1:std=2", colour) == ("(10/1 - (-1)) / 2", (0, 0, 0))
    assert formula("normalize:mean=-1:std=2", colour.astype(np.uint8)) == ("(10/255 - (-1)) / 2", (0, 0, 0))
    assert formula("gray,normalize", colour.astype(np.uint16))[0].endswith("/65535 - 0) / 1")
    assert formula("normalize:7:mean=-1:std=2", colour.astype(np.uint16)) == ("(10/7 - (-1)) / 2", (0, 0, 0))
    assert formula("abs", np.float32([[-3]])) == ("|-3|", (0, 0, 0))
    assert formula("conv:1+2,magnitude".replace("1+2", "identity"), np.float32(np.eye(3)))[0] == "sqrt(1^2)"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"), (-0.0, "0"), (-3.0, "-3"), (19.5, "19.5"), (1 / 3, "0.333333"), (123456789.0, "123456789"),
        (12345678.25, "1.23457e+07"), (1e20, "1e+20"), (math.nan, "nan"), (-math.inf, "-inf"),
    ],
)  # fmt: skip
def test_numbers_are_short(value, text):
    assert show(value) == text


def test_scales_are_fractions_where_these_are_simple():
    assert formulas.show_scale(Fraction(1, 9)) == "1/9"
    assert formulas.show_scale(Fraction(1) / Fraction(0.1)) == "10"
    assert formulas.show_scale(0.125) == "0.125"
