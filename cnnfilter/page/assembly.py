"""The page's own scripts and styles, and what it embeds, joined into one HTML file that asks for nothing else."""

from __future__ import annotations

import base64
import hashlib
import html
import json
from importlib.resources import files
from typing import Any

from cnnfilter.messages import printable
from cnnfilter.page.activations import activations_script

SCRIPTS = (
    "types",
    "base",
    "numbers",
    "text",
    "kernels",
    "arrays",
    "geometry",
    "explaining",
    "values",
    "resampling",
    "placing",
    "kinds",
    "keys",
    "deltas",
    "convolving",
    "convolving-back",
    "stages/conv",
    "stages/pooling",
    "stages/dense",
    "stages/activations",
    "stages/pictures",
    "stages/pointwise",
    "stages/per-map",
    "stages/lrn",
    "stages/global-pools",
    "stages/joining",
    "stages/rearranging",
    "stages/upsample",
    "stages/convtranspose",
    "field",
    "seen",
    "network",
    "plan",
    "changes",
    "fragment",
    "commands",
    "contents",
    "past",
    "selection",
    "computing",
    "record",
    "model",
    "losses",
    "backward",
    "loss-record",
    "interface",
    "views/common",
    "views/colours",
    "views/drawing",
    "views/frame",
    "views/trace",
    "views/tables",
    "views/lens",
    "views/lines",
    "views/work",
    "views/bars",
    "views/rail",
    "views/card",
    "views/search",
    "views/overview",
    "views/header",
    "views/head",
    "views/inputs",
    "views/board",
    "views/player",
    "views/delta",
    "views/detail",
    "views/field",
    "views/notice",
    "views/controls",
    "views/kernel",
    "views/weights",
    "views/in-place",
    "views/adding",
    "views/undo",
    "views/change",
    "views/decoding",
    "views/sketch",
    "views/picture",
    "views/quiz",
    "views/flipped",
    "views/entropy",
    "views/command",
    "views/one-weight",
    "views/loss",
    "views/lesson",
    "boot",
)
"""The scripts in `scripts/`, in the order in which they are joined."""

STYLES = ("base", "overview", "detail", "field", "change")
"""The styles in `styles/`, in order."""

PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>{style}</style>
</head>
<body>
<header></header>
<nav aria-label="Stages"></nav>
<main></main>
<aside aria-label="Receptive field and changes"></aside>
<noscript>This page computes its numbers itself, and needs JavaScript.</noscript>
<script type="application/json" id="document">{document}</script>
<script>{script}</script>
</body>
</html>
"""


def assembled(document: dict[str, Any]) -> str:
    """The HTML file of a page that embeds `document`."""
    script = '"use strict";\n' + activations_script() + _joined("scripts", SCRIPTS, ".js")
    style = _joined("styles", STYLES, ".css")
    policy = (
        f"default-src 'none'; script-src '{_hash(script)}'; style-src '{_hash(style)}'; img-src data: blob:; "
        "base-uri 'none'; form-action 'none'"  # which `default-src` says nothing of
    )
    return PAGE.format(
        policy=policy,
        title=html.escape(printable(document["title"])),
        style=style,
        document=as_script(document),
        script=script,
    )


def as_script(document: dict[str, Any]) -> str:
    r"""JSON as it may stand in a script of HTML: whatever a name holds, no `<` ends it or begins a comment."""
    text = json.dumps(document, ensure_ascii=True, separators=(",", ":"))
    return text.replace("<", "\\u003c")


def _joined(folder: str, names: tuple[str, ...], suffix: str) -> str:
    root = files("cnnfilter.page").joinpath(folder)
    return "".join(_bare(root.joinpath(name + suffix).read_text(encoding="utf-8")) for name in names)


def _bare(text: str) -> str:
    """A script or a style without lines of comment and without indents: half of it is for those who read the file.

    So no text in a script may go over several lines, to which `tests/page/test_scripts.py` sees.
    """
    bare = []
    is_comment = False
    for line in map(str.strip, text.splitlines()):
        begins = not is_comment and line.startswith("/*")
        if not (is_comment or line.startswith("//") or (begins and line.find("*/") in (-1, len(line) - 2))):
            bare.append(line)
        is_comment = (is_comment or begins) and "*/" not in line
    return "".join(line + "\n" for line in bare if line)


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode("utf-8")).digest()).decode("ascii")
