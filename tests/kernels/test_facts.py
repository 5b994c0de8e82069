import itertools
from fractions import Fraction

import numpy as np
import pytest

from cnnfilter.kernels.facts import SYMMETRIES, describe
from cnnfilter.kernels.kernel import KERNELS, Kernel, get_kernel

EXTREMES = np.array(list(itertools.product([0, 255], repeat=9)), dtype=float)
SMALL = [name for name in KERNELS if np.prod(get_kernel(name).size) <= 9]


@pytest.mark.parametrize("name", SMALL)
def test_the_range_is_what_pictures_reach(name):
    kernel = get_kernel(name)
    bank = kernel.weights.astype(float).reshape(-1, np.prod(kernel.size))
    results = EXTREMES[:, : bank.shape[1]] @ bank.T
    if kernel.combine == "magnitude":
        results = np.hypot(*results.T)
    elif kernel.combine == "maximum":
        results = results.max(axis=1)
    facts = describe(kernel)
    assert facts.exact
    assert facts.low == pytest.approx(results.min(), abs=1e-4)
    assert facts.high == pytest.approx(results.max(), abs=1e-4)


def test_facts_of_one_filter():
    facts = describe(get_kernel("sobel-x"))
    (sobel,) = facts.filters
    assert (facts.name, facts.size, facts.scale, facts.combine) == ("sobel-x", (3, 3), 1, None)
    assert "Sobel" in facts.source
    assert (facts.low, facts.high) == (sobel.low, sobel.high) == (-1020, 1020)
    assert sobel.matrix == ((-1, 0, 1), (-2, 0, 2), (-1, 0, 1))
    assert sobel.sum == 0
    assert sobel.symmetric == ("up-down",)
    assert sobel.antisymmetric == ("left-right", "half turn")
    assert sobel.rank == 1
    assert sobel.separable


def test_facts_of_a_bank_are_those_of_its_filters():
    facts = describe(get_kernel("kirsch"))
    assert len(facts.filters) == 8
    assert facts.combine == "maximum"
    assert [each.high for each in facts.filters] == [15 * 255] * 8


def test_sums_are_exact_before_the_scale():
    assert describe(get_kernel("box")).filters[0].sum == 1
    assert describe(get_kernel("gaussian:size=5")).filters[0].sum == 1
    assert (describe(get_kernel("box")).low, describe(get_kernel("box")).high) == (0, 255)


@pytest.mark.parametrize(
    ("text", "rank"),
    [
        ("box:size=5", 1),
        ("gaussian:sigma=2", 1),
        ("edge", 2),
        ("identity", 1),
        ("log", 3),
        ("1 2; 3 4", 2),
        ("0", 0),
    ],
)
def test_rank(text, rank):
    filter_ = describe(get_kernel(text)).filters[0]
    assert filter_.rank == rank
    assert filter_.separable == (rank <= 1)


def test_symmetries():
    assert describe(get_kernel("gaussian")).filters[0].symmetric == tuple(SYMMETRIES)
    assert describe(get_kernel("1 2; 3 4")).filters[0].symmetric == ()
    assert describe(get_kernel("1 2 1")).filters[0].symmetric == ("left-right", "up-down", "half turn")
    diagonal = describe(get_kernel("edge-diagonal")).filters[0]
    assert diagonal.antisymmetric == ("left-right", "up-down", "quarter turn")
    assert diagonal.symmetric == ("diagonal", "antidiagonal", "half turn")
    assert describe(get_kernel("1 2 3; 4 5 2; 6 4 1")).filters[0].symmetric == ("antidiagonal",)


def test_a_range_that_is_only_bounded_says_so():
    three = (((1, 0),), ((0, 2),), ((-2, 0),))
    magnitude = describe(Kernel("three", three, Fraction(1, 2), "magnitude"))
    assert not magnitude.exact
    assert magnitude.high == pytest.approx(255 * 1.5)
    maximum = describe(Kernel("three", three, Fraction(1, 2), "maximum"))
    assert (maximum.low, maximum.high, maximum.exact) == (0, 255, False)
    plain = describe(Kernel("three", three))
    assert (plain.low, plain.high, plain.exact) == (-510, 510, True)


def test_a_negative_scale_turns_the_range():
    facts = describe(Kernel("minus", (((1, 2),),), -1.0))
    assert (facts.low, facts.high) == (-765, 0)
