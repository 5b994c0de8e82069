import re
import shutil
import subprocess

import numpy as np
import pytest

from cnnfilter.explanation import explain, steps, to_record
from cnnfilter.network.groups import with_random
from cnnfilter.pipeline import Pipeline
from cnnfilter.text.shown import show
from cnnfilter.typeset import FORMATS, typeset
from cnnfilter.typeset.worked import told
from tests.chains import CHAINS, NOT_IN_KERAS
from tests.typeset.reading import displays, equation, inline, matrices, rows_of, sections, value

LARGE = [
    ("conv:30@17x3:random=1,conv:gaussian:sigma=4", (50, 50, 1)),
    ("conv:2@3x3:random=1:padding=1,conv:9@7x7:random=2", (9, 9, 7)),
    ("maxpool:17,avgpool:1", (40, 40, 1)),
    ("convtranspose:2@9x9:random=1", (12, 12, 1)),
    ("avgpool:3x17", (9, 40, 1)),
    ("softmax", (1, 1, 40)),
    (",".join(["conv:1e38"] * 9 + ["conv:1 -1", "abs"]), (2, 2, 1)),
    ("relu:as=x,conv:3@3x3:padding=1:random=4,tanh:as=y,from:x,multiply:y,add:x+last,concat:y", (4, 4, 3)),
    ("relu:as=x,concat:in+x,lrn:size=3", (4, 4, 3)),
]
ALL = [each for each in [*CHAINS, *NOT_IN_KERAS, *LARGE] if len(each[1]) == 3]
COMMANDS = {
    "left", "right", "begin", "end", "frac", "sqrt", "cdot", "odot", "overset", "text", "boxed", "max", "min", "tanh",
    "ln", "operatorname", "infty", "mathrm", "noindent", "raggedright", "par", "medskip", "large", "textbf", "texttt",
    "hline", "rule", "allowbreak", "expandafter", "ifx", "csname", "endcsname", "documentclass", "usepackage", "def",
    "endpart", "else", "fi", "input", "pi",
}  # fmt: skip
"""Of plain LaTeX and amsmath."""


def explained(text, shape):
    """Explanations of the first value of a chain with numbers, of one in the middle, and of the last."""
    pipeline = Pipeline(with_random(Pipeline.parse(text).network, 1))
    values = np.random.default_rng(2).integers(-9, 10, shape).astype(np.float32)
    output = pipeline.plan(shape)[-1].output
    places = [(0,) * len(output), tuple(size // 2 for size in output), tuple(size - 1 for size in output)]
    return [explain(pipeline, values, at) for at in dict.fromkeys(places)]


def close(one, other):
    return one == pytest.approx(other, rel=2e-5, abs=1e-30, nan_ok=True)


def written(values):
    """A matrix of the record as six digits tell it."""
    return [[float(show(value)) for value in row] for row in values]


def filters_of(step):
    """What a convolution's or a resampling's step writes out: windows, kernels and products, side by side."""
    if isinstance(step, steps.Resampled):
        return [step.samples]
    return [channel for each in step.filters for channel in each.channels] if isinstance(step, steps.Convolved) else []


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize(("text", "shape"), ALL, ids=lambda value: str(value)[:40])
def test_numbers_read_back_are_those_of_the_record(text, shape, format):
    for explanation in explained(text, shape):
        parts = sections(typeset(format, [], [explanation]), format)
        assert len(parts) == len(explanation.steps) + 1
        for part, step in zip(parts, explanation.steps, strict=False):
            check(part, step, format)
        field = explanation.receptive_field
        height, width = field.size
        assert f"{height}x{width}: row" in parts[-1] or height == 0
        counted = f"{field.in_padding or 'none'} of its {height * width} samples in the padding"
        assert counted in parts[-1] or height == 0


def check(part, step, format):
    record = to_record({"value": step.value})["value"]
    numbers = [sides[-1] for sides in inline(part, format) if sides[0] == pytest.approx(sides[-1], 1e-4, nan_ok=True)]
    assert len(numbers) == len(inline(part, format))
    channels = filters_of(step)
    grids = [(channel.window.values, channel.kernel, channel.products) for channel in channels]
    tables = rows_of(part, format)
    ends = []
    for latex in displays(part, format):
        if r"\overset" in latex:
            found = matrices(latex)
            assert found in [[written(grid) for grid in three] for three in grids]
            with np.errstate(over="ignore"):
                np.testing.assert_allclose(np.multiply(*found[:2]), found[2], rtol=2e-5, atol=1e-12)
        elif r"\begin{array}" in latex:
            (found,) = matrices(latex)
            assert found == written(step.window.values)
            ends += [value(latex.rpartition("=")[2])] if "=" in latex else []
        else:
            label, sides = equation(latex)
            ends.append(sides[-1])
            for side in sides[:-1]:
                assert side == pytest.approx(sides[-1], rel=1e-4, abs=2e-4, nan_ok=True), latex
            if label in ("sum", "sum of squares"):
                totals = [each.sum for each in channels] or [getattr(step, "total", getattr(step, "sum", None))]
                assert any(close(sides[-1], total) for total in totals)
    has_taps = any(row for channel in channels for row in channel.products)
    is_listed = isinstance(step, steps.Softmaxed | steps.Multiplied) or (has_taps and r"\overset" not in part)
    assert bool(tables) == is_listed
    for *_, last in tables:
        assert last.count("=") == isinstance(step, steps.Softmaxed)
        sides = [value(side) for side in last.split("=")]
        known = [*getattr(step, "products", ()), *getattr(step, "powers", ())]
        known += [product for channel in channels for row in channel.products for product in row]
        assert any(close(sides[-1], each) for each in known)
        assert close(sides[0], sides[-1]) or len(sides) > 1
    assert any(close(float(record), each) for each in [*numbers, *ends]), part


def test_every_kind_of_step_is_told_and_another_raises():
    kinds = {kind for kind in descendants(steps.Step) if kind.__module__.startswith("cnnfilter.")}
    assert kinds == {*told.registry} - {object}

    class Unheard(steps.Step):
        kind = "unheard"

    with pytest.raises(TypeError, match="nothing to tell of a step of the kind Unheard"):
        told(Unheard(1, None, "", (0,), 0.0, None), None)


def descendants(kind):
    for each in kind.__subclasses__():
        yield each
        yield from descendants(each)


def test_every_kind_of_step_is_among_the_chains_of_these_tests():
    seen = {type(step) for text, shape in ALL for explanation in explained(text, shape) for step in explanation.steps}
    assert seen == {*told.registry} - {object, steps.Step}


def everything(format):
    return typeset(format, [], [each for text, shape in ALL for each in explained(text, shape)])


def test_latex_has_only_commands_that_everybody_has():
    text = everything("latex")
    assert {*re.findall(r"\\([a-zA-Z]+)", text)} <= COMMANDS
    assert text.count("{") - text.count(r"\{") == text.count("}") - text.count(r"\}")
    stack = []
    for command, name in re.findall(r"\\(begin|end)\{(\w+)\}", text.partition("\\fi\n")[2]):
        if command == "begin":
            stack.append(name)
        else:
            assert stack.pop() == name
    assert not stack


def test_rows_end_with_their_lines():
    for line in everything("markdown").splitlines():  # GitHub keeps no \\ elsewhere
        assert "\\\\" not in line.removesuffix(" \\\\")


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="pdflatex is not installed")
def test_latex_compiles_alone_and_within_another(tmp_path):
    (tmp_path / "part.tex").write_text(everything("latex"), encoding="utf-8")
    (tmp_path / "whole.tex").write_text(
        "\\documentclass{article}\\usepackage{amsmath}\\begin{document}\\input{part}\\input{part}\\end{document}"
    )
    for name in ("part", "whole"):
        command = ["pdflatex", "-halt-on-error", "-interaction=nonstopmode", f"{name}.tex"]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout[-2000:]
