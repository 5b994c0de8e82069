"""Losses for notes: lines that are long enough, and no longer, read again as the numbers that they are."""

import re

import pytest

from cnnfilter.learning.worked import work
from cnnfilter.typeset import FORMATS, written
from cnnfilter.typeset.losses import worked_parts
from tests.typeset.reading import displays, value

SCORES = [3.2, 1.3, 0.2, -0.8, 1, 2, 3, 0.5, -1.25, 0.75]


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize(
    ("name", "given"),
    [
        ("cross-entropy", {"targets": [0.1] * 10, "scores": True}),
        ("binary-cross-entropy", {"targets": [0.1] * 10, "scores": True}),
        ("mse", {"label": 3}),
        ("softmax", {}),
    ],
)
def test_long_sums_go_over_lines(format, name, given):
    done = work(name, SCORES, **given)
    shown = displays(written(format, worked_parts(done)), format)[1:]
    lines = [line for line in done.lines if len(line.equal) > 1]
    assert len(shown) == len(lines)
    assert any("aligned" in latex for latex in shown)
    for latex, line in zip(shown, lines, strict=True):
        rows = re.sub(r"\\(begin|end)\{aligned\}\n?|& (\\quad )?|\\\\\n", "", latex).replace("={}", " = ")
        assert len(max(latex.split("\n"), key=len)) < 200
        assert rows.count("{") == rows.count("}")
        values = [value(part.replace(r"\bigl(", "(").replace(r"\bigr)", ")")) for part in rows.split(" = ")]
        assert values == pytest.approx([float(line.equal[-1])] * len(values), rel=1e-3, abs=1e-4)


@pytest.mark.parametrize(("name", "title"), [("mse", "MSE"), ("cross-entropy", "Cross-entropy")])
def test_a_title_is_written_as_the_loss_is(name, title):
    shown = written("markdown", worked_parts(work(name, [0.5, 0.5], label=0)))
    assert shown.startswith(f"## {title}: $"), shown
