"""What `explain` draws: a worked step, or a window that moves, as a picture for slides."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from cnnfilter.cli import render
from cnnfilter.errors import ArgumentError
from cnnfilter.messages import alternatives, quoted, readable, show_shape

if TYPE_CHECKING:
    from cnnfilter.explanation import Explanation
    from cnnfilter.pipeline import Pipeline

STILL, MOVING = (".svg", ".png"), {".gif": "GIF", ".apng": "PNG"}
"""The ends of names, of which the latter are animations, and what Pillow calls those."""
DELAY = 600
"""Milliseconds for which a place of a moving window is seen."""


def is_moving(output: str | None, delay: int | None, others: Mapping[str, bool]) -> bool:
    """Whether a window is to be drawn as it moves; false where nothing is.

    Parameters
    ----------
    output : str, optional
        The file's name.
    delay : int, optional
        What was asked for.
    others : dict of str to bool
        Options that print something, and whether each is given.

    Raises
    ------
    click.UsageError
        If such options are given too, or a delay for what does not move.
    ArgumentError
        If the name ends in nothing that is drawn.
    """
    suffix = "" if output is None else PurePath(output).suffix.lower()
    if output is not None and suffix not in (*STILL, *MOVING):
        msg = f"-o draws pictures that end in {alternatives([*STILL, *MOVING])}, not {quoted(output)}"
        raise ArgumentError(msg)
    if delay is not None and suffix not in MOVING:
        msg = f"--delay is for what moves; it needs -o with a name in {alternatives([*MOVING])}"
        raise click.UsageError(msg)
    given = next((name for name, is_given in others.items() if is_given), None)
    if output is not None and given is not None:
        msg = f"-o draws, and {given} prints; give one of them"
        raise click.UsageError(msg)
    return suffix in MOVING


class Drawing(NamedTuple):
    """How something is drawn.

    Parameters
    ----------
    at : tuple of int, optional
        The place that was asked for, of which a moving window takes the map.
    delay : int, optional
        How long a place of a moving window is seen, in milliseconds.
    source : str
        The input's name.
    force : bool
        Whether an existing file is replaced.
    """

    at: tuple[int, ...] | None
    delay: int | None
    source: str
    force: bool


def draw(
    output: str, pipelines: Sequence[Pipeline], picture: Any, explained: Sequence[Explanation], drawing: Drawing
) -> None:
    """Write a figure of worked steps, or without them an animation of the last stage's window, and tell.

    Raises
    ------
    ArgumentError
        If the file is the input, or there is too much to be drawn.
    ExistsError, OutputError
        If it cannot be written.
    """
    from cnnfilter.addresses.address import located
    from cnnfilter.writing.write import Writing, check_free, is_same, write_atomically

    if is_same(drawing.source, output):
        msg = f"{quoted(output)} is the input; name another file"
        raise ArgumentError(msg)
    target = located(output)
    check_free(target, overwrite=drawing.force)
    data, told = (
        _steps(output, pipelines, picture, explained) if explained else _moving(output, pipelines[-1], picture, drawing)
    )
    write_atomically(target, data, Writing(overwrite=drawing.force))
    render.message(f"wrote {readable(output)}  {told}")


def _steps(
    output: str, pipelines: Sequence[Pipeline], picture: Any, explained: Sequence[Explanation]
) -> tuple[bytes, str]:
    """The file, and its size."""
    from cnnfilter.cli.board import board
    from cnnfilter.drawing.explained import figure_of
    from cnnfilter.drawing.svg import to_svg
    from cnnfilter.explanation.whole import small_inputs

    pairs = zip(pipelines, explained, strict=True)
    told = [(each, small_inputs(pipeline, picture, each)) for pipeline, each in pairs]
    figure = figure_of(told, "\n".join(board(each, render.PLAIN_WIDTH) for each in explained))
    if PurePath(output).suffix.lower() == ".svg":
        return to_svg(figure).encode(), f"{figure.width:.0f}x{figure.height:.0f}"
    from cnnfilter.drawing.files import png

    data, size = png(figure)
    return data, show_shape(size)


def _moving(output: str, pipeline: Pipeline, picture: Any, drawing: Drawing) -> tuple[bytes, str]:
    """The file, and its size."""
    from cnnfilter.drawing.files import animation
    from cnnfilter.drawing.moving import moving
    from cnnfilter.explanation.sweep import sweep

    swept = sweep(pipeline, picture, drawing.at[2] if drawing.at is not None and len(drawing.at) == 3 else 0)
    count, delay = len(swept.moments), DELAY if drawing.delay is None else drawing.delay
    data, size = animation(moving(swept), count, MOVING[PurePath(output).suffix.lower()], delay)
    return data, f"{show_shape(size)}, {count} frames"
