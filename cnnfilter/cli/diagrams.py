"""The drawing of a network, as `cnnfilter shape --diagram` writes it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePath
from typing import TYPE_CHECKING

import click

from cnnfilter.cli import plans, render
from cnnfilter.messages import quoted, readable, shortened, show_shape

if TYPE_CHECKING:
    from cnnfilter.network.plan import Row

STREAM = "-"


def check(path: str, *, force: bool, other_output: bool) -> None:
    """Refuse what is no name of a drawing, cannot be written, or does not go with one."""
    from cnnfilter.addresses.address import located
    from cnnfilter.writing.write import check_free

    if other_output:
        msg = "--diagram draws the network, and goes with none of -k, --compare, --emit and --json"
        raise click.UsageError(msg)
    if path != STREAM and PurePath(path).suffix.lower() != ".svg":
        msg = f"--diagram writes an SVG, and {quoted(path)} does not end in .svg"
        raise click.UsageError(msg)
    if path != STREAM:
        check_free(located(path), overwrite=force)


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
    from cnnfilter.addresses.address import located
    from cnnfilter.drawing.diagram import diagram
    from cnnfilter.drawing.svg import to_svg
    from cnnfilter.writing.write import Writing, write_atomically

    figure = diagram(rows, f"{shortened(network)} on {show_shape(rows[0].inputs[0])}", plans.total(rows))
    text = to_svg(figure)
    if path == STREAM:
        render.out(text)
        return
    write_atomically(located(path), text.encode(), Writing(overwrite=force))
    render.message(f"wrote {readable(path)}  {figure.width:.0f}x{figure.height:.0f}")
