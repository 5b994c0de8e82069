"""A training as one HTML file without scripts, that asks for nothing else: curves, classes, filters, figures."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from html import escape
from typing import Any

import numpy as np

from cnnfilter.drawing.svg import to_svg
from cnnfilter.drawing.training import MOST_CLASSES, confusion, curves
from cnnfilter.engine.groups import Array
from cnnfilter.imaging.encoding import encode
from cnnfilter.imaging.filters import filter_sheet
from cnnfilter.learning.training import Best, Figures
from cnnfilter.messages import printable

MOST_FILTERS = 64
"""Of each stage, on the report."""

LEAST = 0.5
"""To what part of its size a figure shrinks in a narrow window: below, its texts are not read any more."""

STYLE = """
:root{color-scheme:light dark;--ink:#1c2733;--ground:#fff;--line:#d5dae0}
@media (prefers-color-scheme:dark){:root{--ink:#ececea;--ground:#16171a;--line:#35383d}}
body{font:16px/1.5 Helvetica,Arial,'Liberation Sans',sans-serif;max-width:1250px;margin:2em auto;padding:0 1em;
color:var(--ink);background:var(--ground)}
.wide{overflow-x:auto;max-width:max-content}
.figure{background:#fff;border-radius:8px}
svg,img{display:block}
svg{max-width:100%;height:auto}
table{border-collapse:collapse}
td,th{padding:.2em .8em;text-align:right;border-bottom:1px solid var(--line)}
th:first-child,td:first-child{text-align:left}
code,h1{overflow-wrap:anywhere}
"""


def report(
    name: str,
    stages: str,
    labels: Sequence[str],
    history: Sequence[Figures],
    best: Best,
    facts: Mapping[str, Any],
) -> str:
    """The report of a training.

    Parameters
    ----------
    name : str
        What the network is called.
    stages : str
    labels : sequence of str
    history : sequence of Figures
    best : Best
    facts : mapping
        What is told of the training beside the figures: its settings, how many pictures.
    """
    figures = {"curves": curves(history)}
    if best.confusion and len(labels) <= MOST_CLASSES:
        figures["classes"] = confusion(best.confusion, labels)
    style = STYLE + "".join(f".{kind} svg{{min-width:{LEAST * each.width:g}px}}\n" for kind, each in figures.items())
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode("ascii")
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; base-uri 'none'; form-action 'none'"
    title = _text(f"{name}: a training")
    parts = [
        "<!doctype html>",
        f'<html lang="en"><head><meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="{policy}">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>{title}</title><style>{style}</style></head><body><main>",
        f"<h1>{title}</h1><p><code>{_text(stages)}</code></p>",
        f"<p>{_text(_told(best, facts))}</p>",
        "<h2>Loss and accuracy</h2>",
        _figure("loss and accuracy", _svg(to_svg(figures["curves"])), "curves"),
    ]
    if "classes" in figures:
        parts.append("<h2>Classes</h2><p>Of each class (row) of what was held back, how many were told as each.</p>")
        parts.append(_figure("classes", _svg(to_svg(figures["classes"])), "classes"))
    parts += _filters(best.parameters)
    parts += ["<h2>Epochs</h2>", _wide("epochs", _table([_words(each) for each in Figures._fields], history))]
    settings = [(_words(name), value) for name, value in facts["settings"].items()]
    parts += ["<h2>Settings</h2>", _wide("settings", _table(("setting", "value"), settings)), "</main></body></html>"]
    return "\n".join(parts) + "\n"


def _told(best: Best, facts: Mapping[str, Any]) -> str:
    figures = best.figures
    told = f"{facts['pictures']:,} pictures were learned from, and {facts['validation_pictures']:,} held back. "
    kept = f"The numbers of epoch {figures.epoch} are kept: accuracy {figures.accuracy:.2%}"
    held = figures.validation_accuracy
    return told + kept + ("." if held is None else f", of what was held back {held:.2%}.")


def _filters(parameters: Mapping[str, Array]) -> Iterator[str]:
    """The filters of each convolution, larger than a sample, as pictures."""
    for name, weight in parameters.items():
        if weight.ndim == 4 and max(weight.shape[2:]) > 1:
            shown = weight[:MOST_FILTERS]
            picture = filter_sheet(np.ascontiguousarray(shown), [str(number) for number in range(len(shown))])
            data = base64.b64encode(encode(picture, "PNG")).decode("ascii")
            more = f", the first {MOST_FILTERS} of {len(weight)}" if len(weight) > len(shown) else ""
            text = _text(f"Filters of {name.rpartition('.')[0]}{more}")
            yield f"<h2>{text}</h2>"
            yield _figure(text, f'<img alt="{text}" src="data:image/png;base64,{data}">', "filters")


def _table(header: Sequence[str], rows: Any) -> str:
    lines = [f"<tr>{''.join(f'<th>{_text(cell)}</th>' for cell in header)}</tr>"]
    for row in rows:
        lines.append(f"<tr>{''.join(f'<td>{_text(_cell(cell))}</td>' for cell in row)}</tr>")
    return f"<table>{''.join(lines)}</table>"


def _cell(value: Any) -> str:
    if value is None:
        return "-"
    text = f"{value:.6g}" if isinstance(value, float) else ", ".join(value) if isinstance(value, list) else str(value)
    return text or "-"


def _words(name: str) -> str:
    return name.replace("_", " ")


def _figure(name: str, content: str, kind: str) -> str:
    return _wide(name, content, f"wide figure {kind}")


def _wide(name: str, content: str, kind: str = "wide") -> str:
    """What may be wider than the window, and is then moved in its own part, also by the keyboard."""
    return f'<div class="{kind}" role="region" aria-label="{name}" tabindex="0">{content}</div>'


def _svg(text: str) -> str:
    """A figure without the line that only a file of its own begins with."""
    return text.partition("?>")[2].strip()


def _text(text: str) -> str:
    return escape(printable(text))
