import json
import re

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from cnnfilter.cli.explain import command
from cnnfilter.messages import printable
from cnnfilter.typeset import FORMATS
from cnnfilter.typeset.formats import LATIN
from cnnfilter.typeset.formulas import ROOM, equation
from cnnfilter.typeset.parts import Code, Heading, paragraph
from tests.command import run
from tests.typeset.reading import displays, matrices, sections

HOSTILE = "a`b``<img src=x>$x$|_*_\\input{/etc/passwd}%&#~^{}é中\x1b[0m\n"


def written(format, text):
    """What a format makes of a text from outside."""
    return FORMATS[format].write(paragraph(Code(text))).strip()


def code_span(text):
    """The text of a code span, by CommonMark's rules."""
    fence = re.match("`+", text)[0]
    assert text.endswith(fence)
    inside = text[len(fence) : -len(fence)]
    assert fence not in re.findall("`+", inside)
    is_padded = inside.startswith(" ") and inside.endswith(" ") and inside.strip(" ")
    return inside[1:-1] if is_padded else inside


def latex_text(text):
    """The characters that LaTeX prints."""
    text = re.search(r"\\texttt\{(.*)\}\\par\}$", text)[1].replace(r"\allowbreak{}", "")
    for name, character in {"backslash": "\\", "asciitilde": "~", "asciicircum": "^", "asciigrave": "`"}.items():
        text = text.replace(f"\\text{name}{{}}", f"\\{character}")
    found = re.findall(r"\\(.)|([^\\{}$&#^_%~])", text)
    assert "".join(f"\\{one}" if one else other for one, other in found) == text, "something is obeyed"
    return "".join(one or other for one, other in found)


@example(" ")
@example(" ` ")
@example("  a ")
@example("`a")
@example("a`")
@given(st.text(st.characters(exclude_categories=["Cs"]) | st.sampled_from("`$|\\{}&#%_~^"), min_size=1))
def test_text_from_outside_is_text(text):
    assert code_span(written("markdown", text)) == printable(text)
    assert "\n" not in written("markdown", text)
    shown = latex_text(written("latex", text))
    assert {character for character in shown if not character.isascii()} <= LATIN
    assert shown == "".join(
        c if c.isascii() or c in LATIN else c.encode("unicode_escape").decode() for c in printable(text)
    )


def test_a_hostile_name_is_text_in_a_heading_too():
    heading = Heading(("Stage 1 (", Code(HOSTILE), ")"))
    assert FORMATS["markdown"].write(heading) == (
        "### Stage 1 (```a`b``<img src=x>$x$|_*_\\input{/etc/passwd}%&#~^{}é中\\x1b[0m\\n```)\n"
    )
    assert r"\textbackslash{}input\{/\allowbreak{}etc" in FORMATS["latex"].write(heading)


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "small.csv").write_text("1,0,1,0,1\n1,0,0,1,1\n0,1,1,0,0\n")


def done(*arguments):
    result = run("explain", *arguments)
    assert result.exit_code == 0, result.err
    return result.out


def test_what_is_followed_is_in_a_box_and_what_is_all_padding_is_told():
    text = done("relu,conv:1 2; 2 1", "small.csv", "--at", "1,2", "--format", "markdown")
    assert text.count(r"\boxed") == text.count("\n### Stage 1") == 1
    assert "All of its window is from the padding" not in text
    text = done("relu,pad:1", "small.csv", "--at", "0,0", "--format", "latex")
    assert "All of its window is from the padding: nothing before it counts." in text


def test_three_channels_are_all_shown():
    stages = "gray,conv:3@1x1:random=1,conv:1@1x1:random=2"
    assert "not shown" not in done(stages, "small.csv", "--at", "0,0", "--format", "markdown")


@pytest.mark.parametrize("terms", [[1.0] * 36, [123456.0, -1.0] * 18])
def test_sums_are_written_out_up_to_a_length_in_lines_that_fit(terms):
    lines = equation("sum", terms, sum(terms), 36).split("\n")
    assert all(len(line.partition("& ")[2].removesuffix(r" \\")) <= ROOM for line in lines[1:-2])
    assert len(re.findall(r"\d+", " ".join(lines))) == 37
    assert len(re.findall(r"\d+", equation("sum", terms, sum(terms), 35))) == 1


def test_a_value_for_notes():
    assert (
        done("conv:0 1; 2 -3:padding=1:as=c,relu", "small.csv", "--at", "0,1", "--format", "markdown")
        == r"""## Row 0, column 1, map 0: $2$

`conv:0 1; 2 -3:padding=1:as=c,relu` on a picture of 3x5x1 gives 4x6x1.

### Stage 2: `relu`, row 0, column 1, map 0

$$
\max\left(0, 2\right) = 2
$$

### Stage 1 (`c`): `conv:0 1; 2 -3:padding=1`, row 0, column 1, map 0

The window of 2x2 covers rows -1 to 0 and columns 0 to 1.

$$
\overset{\text{window}}{\left[\begin{array}{rr}
(0) & (0) \\
1 & 0
\end{array}\right]}
\odot \overset{\text{kernel}}{\left[\begin{array}{rr}
0 & 1 \\
2 & -3
\end{array}\right]}
= \overset{\text{products}}{\left[\begin{array}{rr}
0 & 0 \\
2 & 0
\end{array}\right]}
$$

$$
\text{sum} = 0 + 0 + 2 + 0 = 2
$$

### Receptive field

2x2: rows -1 to 0 and columns 0 to 1 of the picture, 2 of its 4 samples in the padding.

A number in parentheses is from the padding.
"""
    )


def test_matrices_for_notes():
    text = done("conv:20@1x1:random=1:as=a b,flatten", "small.csv", "--all-matrices", "--format", "latex")
    assert text.startswith("% A document by itself")
    assert text.endswith("\\endpart\n")
    assert "\\textbf{Stage 1 (\\texttt{a b}): \\texttt{conv:\\allowbreak{}20@1x1:" in text
    assert text.count("There are 4 more, which --json has.") == 1
    assert "Map 15:" in text
    assert "Map 16:" not in text
    markdown = done("small.csv", "--matrix", "--format", "markdown")
    assert markdown.startswith("### Picture, 3x5x1\n\n$$\n\\left[\\begin{array}{rrrrr}\n1 & 0 & 1 & 0 & 1 \\\\\n")
    assert "### Result, 3x5x1\n" in done("relu", "small.csv", "--matrix", "--format", "markdown")


def test_a_wide_matrix_is_told_in_parts():
    text = done("upsample:2x6,conv:0.123456", "small.csv", "--matrix", "--format", "markdown", "--node", "2")
    parts = re.findall(r"Columns (\d+) to (\d+):\n\n\$\$\n(.*?)\n\$\$", text, re.DOTALL)
    assert [int(first) for first, _, _ in parts] == [0, *(int(last) + 1 for _, last, _ in parts[:-1])]
    assert int(parts[-1][1]) == 29
    for first, last, latex in parts:
        rows = latex.splitlines()[1:-1]
        assert {row.count("&") for row in rows} == {int(last) - int(first)}
        assert max(map(len, rows)) < 80


def test_several_values_are_told_one_after_the_other():
    text = done("relu,abs", "small.csv", "--at", "0,0", "--node", "all", "--format", "markdown")
    assert re.findall("^#+ .*$", text, re.MULTILINE) == [
        "## Row 0, column 0, map 0: $1$", "### Stage 1: `relu`, row 0, column 0, map 0", "### Receptive field",
        "## Row 0, column 0, map 0: $1$", "### Stage 2: `abs`, row 0, column 0, map 0",
        "### Stage 1: `relu`, row 0, column 0, map 0", "### Receptive field",
    ]  # fmt: skip


def test_one_format_at_a_time():
    result = run("explain", "relu", "small.csv", "--at", "0,0", "--json", "--format", "latex")
    assert result.exit_code == 2
    assert "--format prints a text for notes, and --json data for programs; give one of them" in result.err
    (option,) = (each for each in command.params if each.name == "notes")
    assert [*option.type.choices] == [*FORMATS]


@pytest.mark.parametrize("format", FORMATS)
def test_matrices_read_back_are_those_of_json(format):
    arguments = ["conv:3@2x2:random=1:as=c,tanh,flatten", "small.csv", "--all-matrices"]
    wanted = json.loads(done(*arguments, "--json"))["matrices"]
    parts = sections(done(*arguments, "--format", format), format)
    for part, stage in zip(parts, wanted, strict=True):
        values = np.array(stage["values"])
        values = values[None, :64, None] if values.ndim == 1 else values
        found = [matrix for latex in displays(part, format) for matrix in matrices(latex)]
        np.testing.assert_array_equal(found, [[[float(f"{x:.6g}") for x in row] for row in grid] for grid in values])
