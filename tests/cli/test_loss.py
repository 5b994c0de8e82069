import json

import pytest

from tests.command import run
from tests.typeset.reading import DISPLAYS, displays, matrices, value

COURSE = ["cross-entropy", "0.775,0.116,0.039,0.070", "--label", "0", "--base", "2"]


def test_an_entropy_with_its_numbers():
    result = run("loss", "entropy", "26/30,4/30")
    assert result.exit_code == 0, result.err
    assert result.out.splitlines() == [
        "formula  -sum(p*log2(p))",
        "numbers  -(0.866667*log2(0.866667) + 0.133333*log2(0.133333)) = -(-0.178924 - 0.387585) = 0.56651",
        "result   0.56651 bits",
    ]


def test_a_softmax_power_by_power():
    result = run("loss", "softmax", "3.2", "1.3", "-1")
    assert result.exit_code == 0, result.err
    assert result.out.splitlines() == [
        "formula  e^x / sum(e^x)",
        "power    e^3.2 = 24.5325",
        "         e^1.3 = 3.6693",
        "         e^(-1) = 0.367879",
        "sum      24.5325 + 3.6693 + 0.367879 = 28.5697",
        "share    24.5325 / 28.5697 = 0.85869",
        "         3.6693 / 28.5697 = 0.128433",
        "         0.367879 / 28.5697 = 0.0128766",
        "result   0.85869, 0.128433, 0.0128766",
    ]


def test_a_minus_and_a_target():
    result = run("loss", "mse", "-0.9,.2", "--target", "-1,0")
    assert result.exit_code == 0, result.err
    assert "numbers  ((-0.9 - (-1))^2 + (0.2 - 0)^2) / 2 = (0.01 + 0.04) / 2 = 0.025\n" in result.out


def test_json():
    result = run("loss", *COURSE, "--json")
    assert result.exit_code == 0, result.err
    record = json.loads(result.out)
    assert record["result"] == pytest.approx(0.3677, abs=5e-5)
    assert (record["base"], record["targets"], record["formula"]) == (2, [1, 0, 0, 0], "-sum(t*log2(p))")
    assert json.loads(run("loss", "softmax", "0,0", "--json").out)["result"] == [0.5, 0.5]
    assert json.loads(run("loss", "cross-entropy", "0,1", "--label", "0", "--json").out)["result"] == "inf"
    rows = json.loads(run("loss", "one-hot", "b,a", "--json").out)
    assert rows == {"labels": ["b", "a"], "classes": ["a", "b"], "rows": [[0, 1], [1, 0]]}


@pytest.mark.parametrize("format", DISPLAYS)
def test_notes(format):
    result = run("loss", *COURSE, "--format", format)
    assert result.exit_code == 0, result.err
    formula, numbers = displays(result.out, format)
    assert formula == r"-\sum\left(t \cdot \log_{2}\left(p\right)\right)"
    rows = numbers.removeprefix("\\begin{aligned}\n").removesuffix("\n\\end{aligned}").split(" \\\\\n")
    terms, summed, total = "".join(row.replace("& ", "") for row in rows).split("={}")
    assert terms.startswith(r"-\left(1 \cdot \log_{2}\left(0.775\right) + 0 \cdot")
    assert value(summed) == value(total) == pytest.approx(0.3677, abs=5e-5)
    mean = displays(run("loss", "mse", "1", "2", "--label", "0", "--format", format).out, format)
    assert mean[0] == r"\operatorname{mean}\left(\left(p - t\right)^{2}\right)"
    share = displays(run("loss", "softmax", "1,2", "--format", format).out, format)
    assert share[0] == r"\frac{e^{x}}{\sum\left(e^{x}\right)}"
    labels = run("loss", "one-hot", "b_,a", "--format", format)
    assert matrices(labels.out) == [[[0, 1], [1, 0]]]


def test_one_hot():
    result = run("loss", "one-hot", "cat,", "dog")
    assert result.exit_code == 0, result.err
    assert [line.split() for line in result.out.splitlines()] == [
        ["LABEL", "cat", "dog"],
        ["cat", "1", "0"],
        ["dog", "0", "1"],
    ]
    assert run("loss", "one-hot", "0 2", "--classes", "3").out == run("loss", "one-hot", "0", "2").out


def test_a_warning_where_they_are_no_probabilities():
    result = run("loss", "cross-entropy", "0.5,0.4", "--label", "0")
    assert result.exit_code == 0, result.err
    assert result.messages == ["warning: the probabilities sum to 0.9, not to 1"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["entropie", "1"], "unknown loss 'entropie'; did you mean entropy"),
        (["cross-entropy", "3,1", "--label", "0"], "not 3; --scores makes some by a softmax"),
        (["mse", "1,a", "--label", "0"], "'a' is not a number (row 1, column 2)"),
        (["mse", "1;2", "--label", "0"], "'1;2' has 2 rows; a loss is worked out of one"),
        (["mse", "1,2"], "give --label N, the number of a class, or --target with 2 numbers"),
        (["entropy", "1", "--label", "0"], "takes no --label and no --target"),
        (["entropy", "1", "--base", "1"], "--base is e, or a whole number from 2 to 1,000, not '1'"),
        (["one-hot", "1", "--label", "1"], "one-hot takes labels, and no option but --classes"),
        (["softmax", "1", "--classes", "1"], "--classes is for one-hot"),
    ],
)
def test_what_is_refused(arguments, message):
    result = run("loss", *arguments)
    assert (result.exit_code, result.out) == (2, "")
    (line,) = result.messages
    assert line.startswith("cnnfilter: error: ")
    assert message in line


def test_two_formats_are_refused():
    result = run("loss", "softmax", "1", "--json", "--format", "latex")
    assert result.exit_code == 2
    assert "give one of them" in result.err
