"""`cnnfilter explain`: the arithmetic behind one value of a chain's result."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import click

from cnnfilter.cli import commands, options, render
from cnnfilter.cli.completion import complete_files, complete_stages
from cnnfilter.errors import ArgumentError, CnnfilterError, PictureError
from cnnfilter.messages import quoted, show_shape
from cnnfilter.text.values import whole_number

if TYPE_CHECKING:
    from cnnfilter.imaging.picture import Picture
    from cnnfilter.pipeline import Pipeline

LARGEST = 32
"""Rows and columns up to which --matrix prints: MNIST's 28x28 fits, and still has a line for each row."""
MOST_MAPS = 16
MOST_VALUES = 64
"""Of a result that is maps, and of one that is a vector: how much of it --matrix prints."""


def _parse_place(text: str) -> tuple[int, ...]:
    parts = text.strip("([ ])").split(",")
    if len(parts) > 3 or (len(parts) == 1 and len(re.findall("[0-9]+", text)) > 1):
        msg = f"--at takes ROW,COL or ROW,COL,MAP, or the index in a vector, not {quoted(text)}"
        raise ArgumentError(msg)
    return tuple(whole_number(part, "--at", 0) for part in parts)


@click.command(
    "explain",
    cls=commands.InputCommand,
    short_help="Show the arithmetic behind one value of a result.",
    epilog="""\b
    Examples:
      cnnfilter explain conv:sobel-x photo.jpg --at 10,20
      cnnfilter explain conv:sobel-x,relu,maxpool:2 photo.jpg --at 5,10
      cnnfilter explain "conv:0 1 0; 1 0 -1; 0 1 0:padding=1" slide.csv --at 0,0
      cnnfilter explain conv:conv1.npz,relu photo.jpg --at 10,20,3 --json
      cnnfilter explain maxpool:2 slide.csv --matrix
      cnnfilter explain slide.csv --matrix
    """,
)
@click.argument("stages", metavar="STAGES", shell_complete=complete_stages)
@click.argument("source", metavar="INPUT", required=False, shell_complete=complete_files)
@click.option(
    "--at", type=options.Parsed("PLACE", _parse_place), metavar="ROW,COL[,MAP]",
    help="Which value of the result, counted from 0 (map 0 unless given); of a vector its index.",
)  # fmt: skip
@click.option(
    "--matrix", is_flag=True,
    help=f"Print the picture's numbers, and without --at the result's, up to {LARGEST}x{LARGEST}; STAGES may then be "
    "left out.",
)  # fmt: skip
@options.depth
@options.frame
@options.max_pixels
@options.as_json
def command(
    stages: str,
    source: str | None,
    at: tuple[int, ...] | None,
    matrix: bool,
    depth: int | None,
    frame: int | None,
    max_pixels: int | None,
    as_json: bool,
) -> int:
    """Show how one value of what STAGES make of INPUT came about, from the value back to the picture.

    For each stage, the last first: the window it looked at, the kernel, every product, the sums, bias and
    result. In a chain, one value of each window is traced to the stage before: the winner of a pool, the largest
    product of a convolution. INPUT is a picture, a table of numbers (.csv), or - for standard input.
    """
    from cnnfilter.batch.naming import STREAM, wrong_input
    from cnnfilter.imaging.formats import DEFAULT_MAX_PIXELS
    from cnnfilter.imaging.reading import read
    from cnnfilter.network.notes import notes as chain_notes
    from cnnfilter.results.limits import check_rows

    text, name = _arguments(stages, source, at, matrix=matrix)
    if reason := wrong_input(name):
        raise ArgumentError(reason)
    limit = max_pixels or DEFAULT_MAX_PIXELS
    pipeline = None if text is None else _pipeline(text)
    shown = "standard input" if name == STREAM else name
    try:
        file = _standard_input() if name == STREAM else Path(name)
        picture = read(file, frame=frame, max_pixels=limit, depth=depth)
        if matrix:
            _check_small(picture)
        rows = () if pipeline is None else pipeline.plan(_shape(picture))
        if rows and at is None:
            check_rows(rows, limit)
    except CnnfilterError as error:
        render.error(f"{shown}: {error}")
        if as_json:
            render.out(render.as_json({"input": name, "error": str(error)}))
        return 1
    notes = [*picture.notes, *(["transparency is left out"] if picture.alpha is not None else [])]
    for note in (*notes, *chain_notes(rows, picture.pixels)):
        render.warning(f"{shown}: {note}")
    render.out(_answer(pipeline, picture, at, matrix=matrix, as_json=as_json))
    return 0


def _arguments(stages: str, source: str | None, at: tuple[int, ...] | None, *, matrix: bool) -> tuple[str | None, str]:
    """Return the chain's text, if there is one, and the input."""
    if source is None:
        if not matrix or at is not None:
            msg = "explain takes STAGES and INPUT; only --matrix alone takes INPUT without STAGES"
            raise ArgumentError(msg)
        return None, stages
    if at is None and not matrix:
        msg = "explain needs the place of a value: --at ROW,COL, counted from 0 in the result"
        raise ArgumentError(msg)
    return stages, source


def _pipeline(text: str) -> Pipeline:
    """Return the chain, all of whose weights could be read: before a picture is opened."""
    from cnnfilter.pipeline import Pipeline

    pipeline = Pipeline.parse(text)
    pipeline.check_runnable()
    pipeline.load_weights()
    return pipeline


def _standard_input() -> BinaryIO:
    if sys.stdin is None:
        msg = "it is closed"
        raise PictureError(msg)
    return sys.stdin.buffer


def _shape(picture: Picture) -> tuple[int, int, int]:
    height, width = picture.pixels.shape[:2]
    return height, width, picture.pixels.shape[2] if picture.pixels.ndim == 3 else 1


def _check_small(picture: Picture) -> None:
    height, width, _ = _shape(picture)
    if max(height, width) > LARGEST:
        msg = (
            f"{width}x{height} pixels are too many for --matrix (at most {LARGEST}x{LARGEST}); --at ROW,COL shows the "
            "numbers behind one value"
        )
        raise PictureError(msg)


def _answer(
    pipeline: Pipeline | None, picture: Picture, at: tuple[int, ...] | None, *, matrix: bool, as_json: bool
) -> str:
    from cnnfilter.explanation import explain, to_record
    from cnnfilter.explanation.record import plain

    planes = _planes(picture)
    result = pipeline.run(planes[None]) if pipeline is not None and at is None else None
    explanation = explain(pipeline, picture.pixels, at) if pipeline is not None and at is not None else None
    if as_json:
        matrices = {"picture": planes.tolist()} if matrix else {}
        if result is not None:
            matrices["result"] = result.tolist()
        record = {} if explanation is None else to_record(explanation)
        return render.as_json(record | ({"matrix": plain(matrices)} if matrix else {}))
    from cnnfilter.cli import board

    parts = []
    if matrix:
        title = f"picture {show_shape(_shape(picture))}"
        parts.append(board.numbers(title, planes.tolist(), "channel", render.columns()))
    if result is not None:
        parts.append(_result(result))
    if explanation is not None:
        parts.append(board.board(explanation, render.width()))
    return "\n".join(parts)


def _planes(picture: Picture) -> Any:
    """Return the pixels as maps (C, H, W)."""
    import numpy as np

    return np.atleast_3d(picture.pixels).transpose(2, 0, 1)


def _result(result: Any) -> str:
    from cnnfilter.cli import board

    if result.ndim == 1:
        maps, size, count = result[None, :MOST_VALUES, None].tolist(), (len(result),), len(result) - MOST_VALUES
    else:
        size, count = (*result.shape[1:], len(result)), len(result) - MOST_MAPS
        maps = result[:MOST_MAPS].tolist()
    text = board.numbers(f"result {show_shape(size)}", maps, "map", render.columns())
    return text + (f"  and {count} more; --json has them all\n" if count > 0 else "")
