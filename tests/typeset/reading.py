"""Reads texts for notes again: formulas as numbers, matrices as lists of them; it shares nothing with what writes."""

import math
import re

DISPLAYS = {"markdown": r"^\$\$\n(.*?)\n\$\$$", "latex": r"^\\\[\n(.*?)\n\\\]$"}
HEADINGS = {"markdown": r"^### ", "latex": r"^\{\\medskip\\raggedright\\noindent\\textbf\{(?!\\large)"}
MATRIX = re.compile(r"\\left\[\\begin\{array\}\{r+\}\n(.*?)\n\\end\{array\}\\right\]", re.DOTALL)
NAMES = {
    r"\cdot": "*", r"\left(": "(", r"\right)": ")", r"\max": "max", r"\min": "min", r"\tanh": "tanh", r"\ln": "log",
    r"\operatorname{erf}": "erf", r"\infty": "inf", r"\mathrm{NaN}": "nan", r"\right|": ")", r"\left|": "abs(",
    r"\pi": "pi",
}  # fmt: skip


def value(latex):
    """The value of a formula, computed in Python."""
    text = re.sub(r"([\d.]+) \\cdot 10\^\{(-?\d+)\}", r"\1e\2", latex)
    for name, meaning in NAMES.items():
        text = text.replace(name, meaning)
    while match := re.search(r"\\frac|\\sqrt", text):
        first, after = braced(text, match.end())
        if match[0] == r"\frac":
            second, after = braced(text, after)
            first = f"({first}) / ({second})"
        else:
            first = f"sqrt({first})"
        text = f"{text[: match.start()]}({first}){text[after:]}"
    text = text.replace("^", "**").replace("{", "(").replace("}", ")")
    assert re.fullmatch(r"[-+*/(),.\d\sa-z]+", text), text
    names = {
        "e": math.e,
        "inf": math.inf,
        "nan": math.nan,
        "pi": math.pi,
        "erf": math.erf,
        "log": math.log,
        "sqrt": math.sqrt,
    }
    return eval(text, {"__builtins__": {}}, names | {"tanh": math.tanh, "max": max, "min": min, "abs": abs})  # noqa: S307


def braced(text, start):
    """What is between the braces that open here, and where they end."""
    depth = 0
    for place in range(start, len(text)):
        depth += {"{": 1, "}": -1}.get(text[place], 0)
        if depth == 0:
            return text[start + 1 : place], place + 1
    raise AssertionError(text)


def sections(text, format):
    """What stands below each heading of a stage, or a picture's."""
    return re.split(HEADINGS[format], text, flags=re.MULTILINE)[1:]


def displays(text, format):
    """The formulas that have lines of their own."""
    return re.findall(DISPLAYS[format], text, re.MULTILINE | re.DOTALL)


def inline(text, format):
    """The sides of each formula within a line, as numbers."""
    lines = re.sub(DISPLAYS[format], "", text, flags=re.MULTILINE | re.DOTALL)
    return [[value(side) for side in latex.split("=")] for latex in re.findall(r"\$([^$\n]+)\$", lines)]


def equation(latex):
    """The label and the sides of an equation, as numbers."""
    text = re.sub(r"\\begin\{aligned\}|\\end\{aligned\}|\\\\\n|&|\{\}", " ", latex)
    label = re.match(r"\s*\\text\{([a-z ]+)\} *=", text)
    sides = text[label.end() if label else 0 :].split("=")
    return label[1] if label else "", [value(side.strip()) for side in sides]


def matrices(latex):
    """The matrices of a formula, without the marks of their numbers."""
    plain = re.sub(r"\\boxed\{([^{}]*(?:\{[^{}]*\})?[^{}]*)\}", r"\1", latex)
    return [
        [[value(cell) for cell in row.split("&")] for row in found.split("\\\\\n")] for found in MATRIX.findall(plain)
    ]


def rows_of(text, format):
    """The cells of the tables' rows, as formulas."""
    pattern = r"^\| (\$.*\$) \|$" if format == "markdown" else r"^(?:\\rule\{0pt\}\{3ex\})?(\$.*?\$)(?: \\\\)?$"
    lines = re.findall(pattern, text, re.MULTILINE)
    return [[cell.strip().strip("$") for cell in re.split(r"\$ [|&] \$", line)] for line in lines]
