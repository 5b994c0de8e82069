"""`cnnfilter networks`: the presets, and the text of one."""

from __future__ import annotations

from typing import Any

import click

from cnnfilter.cli import commands, options, render, tables
from cnnfilter.cli.completion import complete_from
from cnnfilter.errors import ArgumentError
from cnnfilter.messages import nearest, quoted, show_shape
from cnnfilter.network.presets import PRESETS, Preset

COLUMNS = ("NETWORK", "INPUT", "PARAMETERS", "MULTIPLY-ADDS", "SOURCE")
NUMBERS = (2, 3)
"""The columns that stand to the right."""


@click.command(
    "networks",
    cls=commands.Command,
    short_help="List the well-known networks, or print one.",
    epilog="""\b
    Examples:
      cnnfilter networks
      cnnfilter networks resnet-18
      cnnfilter networks vgg-11 > mine.txt; cnnfilter shape 224x224x3 @mine.txt
      cnnfilter networks --json
    """,
)
@click.argument("name", required=False, shell_complete=complete_from(lambda: [*PRESETS], files=False))
@options.as_json
def command(name: str | None, as_json: bool) -> int:
    """List the networks that may stand where stages do, or print the stages of the one called NAME.

    What is printed is a file of stages, to be copied and changed: @FILE reads it. Its first comments tell the usual
    input, the source, and where learned weights that fit can be had, which are not part of this program, with the
    stages that prepare a picture for them.
    """
    if name is None:
        render.out(render.as_json([_facts(each) for each in PRESETS.values()], indent=2) if as_json else _list())
        return 0
    if name not in PRESETS:
        msg = f"unknown network {quoted(name)}{nearest(name, PRESETS)} (known: {', '.join(PRESETS)})"
        raise ArgumentError(msg)
    preset = PRESETS[name]
    render.out(render.as_json(_facts(preset) | {"stages": preset.text}, indent=2) if as_json else preset.page)
    return 0


def _list() -> str:
    rows = [
        (each.name, show_shape(each.size), f"{each.params:,}", f"{each.macs:,}", each.source)
        for each in PRESETS.values()
    ]
    return tables.table(COLUMNS, rows, NUMBERS)


def _facts(preset: Preset) -> dict[str, Any]:
    return {
        "name": preset.name,
        "input": preset.size,
        "params": preset.params,
        "macs": preset.macs,
        "source": preset.source,
        "weights": preset.weights,
        "before": preset.before,
    }
