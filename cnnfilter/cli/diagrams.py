"""The drawing of a network, as `cnnfilter shape --diagram` writes it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cnnfilter.cli import plans, render
from cnnfilter.messages import quoted, readable, shortened, show_shape

if TYPE_CHECKING:
    from cnnfilter.network.plan import Row

STREAM = "-"


def check(path: str, *, other_output: bool) -> None:
    """Refuse what is no name of a drawing, or does not go with one."""
    if other_output:
        msg = "--diagram draws the network, and goes with none of -k, --compare, --emit and --json"
        raise click.UsageError(msg)
    if path != STREAM and Path(path).suffix.lower() != ".svg":
        msg = f"--diagram writes an SVG, and {quoted(path)} does not end in .svg"
        raise click.UsageError(msg)


def write(rows: Sequence[Row], network: str, path: str, *, force: bool) -> None:
    """Draw a plan into a file, or to standard output.

    Parameters
    ----------
    rows : sequence of Row
    network : str
        What the network is called.
    path : str
        A file, or `-`.
    force : bool
        Whether an existing file is overwritten.

    Raises
    ------
    OutputError
        If it cannot be written; then nothing is.
    """
    from cnnfilter.drawing.diagram import diagram
    from cnnfilter.drawing.svg import to_svg
    from cnnfilter.writing.write import Writing, write_atomically

    figure = diagram(rows, f"{shortened(network)} on {show_shape(rows[0].inputs[0])}", plans.total(rows))
    text = to_svg(figure)
    if path == STREAM:
        render.out(text)
        return
    write_atomically(Path(path), text.encode(), Writing(overwrite=force))
    render.message(f"wrote {readable(path)}  {figure.width:.0f}x{figure.height:.0f}")
