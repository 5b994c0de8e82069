"""`cnnfilter explain`: the arithmetic behind one value of a chain's result."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import click

from cnnfilter.cli import backward, commands, figures, labels, options, render, told
from cnnfilter.cli.completion import complete_files, complete_stages
from cnnfilter.errors import ArgumentError, CnnfilterError, PictureError
from cnnfilter.messages import without_secrets

if TYPE_CHECKING:
    from cnnfilter.network.plan import Row
    from cnnfilter.pipeline import Pipeline

Place = tuple[int, ...]

LOSSES = ("cross-entropy", "binary-cross-entropy", "mse")
"""Those of `learning.losses`, which loads NumPy; a test compares them."""


@click.command(
    "explain",
    cls=commands.InputCommand,
    short_help="Show the arithmetic behind one value of a result.",
    epilog="""\b
    Examples:
      cnnfilter explain conv:sobel-x photo.jpg --at 10,20
      cnnfilter explain conv:sobel-x,relu,maxpool:2 photo.jpg --at 5,10
      cnnfilter explain "conv:0 1 0; 1 0 -1; 0 1 0:padding=1" slide.csv --at 0,0
      cnnfilter explain "convtranspose:1 2; 3 4:stride=2" slide.csv --at 3,4
      cnnfilter explain conv:conv1.npz,relu photo.jpg --at 10,20,3 --json
      cnnfilter explain maxpool:2 slide.csv --matrix
      cnnfilter explain slide.csv --matrix
      cnnfilter explain conv:edge,relu,maxpool:2 slide.csv --all-matrices
      cnnfilter explain conv:edge,relu slide.csv --at 0,0 --format latex
      cnnfilter explain conv:edge,relu slide.csv --at 0,0 -o step.svg
      cnnfilter explain conv:edge:stride=2:padding=1 slide.csv -o steps.gif
      cnnfilter explain net.onnx digit.png --target 3
      cnnfilter explain net.onnx digit.png --target 3 --weight conv1,0,0,1,1
    """,
)
@click.argument("stages", metavar="STAGES", shell_complete=complete_stages)
@click.argument("source", metavar="INPUT", required=False, shell_complete=complete_files)
@options.place("--at", what="Which value of the result")
@click.option(
    "--node", "asked", metavar="NODE", multiple=True,
    help="Explain the result of a node, by its name or its number, and not the last one's; give it several times, or "
    "all, for the value at the same place of each.",
)  # fmt: skip
@options.flag(
    "--matrix",
    help="Print the picture's numbers, and without --at the result's, up to 32x32; STAGES may then be left out.",
)  # fmt: skip
@options.flag(
    "--all-matrices", help="Print the picture's numbers and those that each stage makes of them, up to 32x32."
)
@click.option(
    "--format", "notes", type=click.Choice(["markdown", "latex"]),
    help="Print it for notes: Markdown with formulas, as GitHub and Pandoc read it, or LaTeX, which needs amsmath.",
)  # fmt: skip
@click.option(
    "-o", "--output", metavar="PATH", shell_complete=complete_files,
    help="Draw it for slides: the steps behind the value as .svg or .png; or as .gif or .apng the window of the last "
    "stage, a convolution's or a pool's, moving over all its places (of --at, the MAP alone counts).",
)  # fmt: skip
@click.option(
    "--delay", type=click.IntRange(20, 60_000), metavar="N",
    help=f"Milliseconds for which a place of the moving window is seen.  [default: {figures.DELAY}]",
)  # fmt: skip
@click.option(
    "--target", metavar="LABEL",
    help="Explain a loss instead: of the result, where LABEL is right (a class's number or name, or what the result "
    "should be, as 0,1,0), its deltas, and the gradients back through the stages.",
)  # fmt: skip
@click.option(
    "--loss", type=click.Choice(LOSSES),
    help="With --target: which.  [default: cross-entropy, of a softmax, which need not be there]",
)  # fmt: skip
@click.option(
    "--weight", metavar="STAGE,FILTER,CHANNEL,ROW,COL", type=options.Parsed("WEIGHT", backward.weight),
    help="With --target: the gradient of one weight, the sum of each delta times what the weight met, and the weight "
    "after a step; of a dense stage STAGE,UNIT,INPUT.",
)  # fmt: skip
@click.option(
    "--lr", "rate", type=options.Parsed("RATE", backward.rate), metavar="RATE",
    help="With --weight: the learning rate of the step.  [default: 0.01]",
)  # fmt: skip
@options.force
@options.depth
@options.frame
@options.max_pixels
@options.bounded
@options.as_json
def command(
    stages: str,
    source: str | None,
    at: Place | None,
    asked: tuple[str, ...],
    matrix: bool,
    all_matrices: bool,
    notes: str | None,
    output: str | None,
    delay: int | None,
    target: str | None,
    loss: str | None,
    weight: tuple[str, Place] | None,
    rate: float | None,
    force: bool,
    depth: int | None,
    frame: int | None,
    max_pixels: int | None,
    as_json: bool,
) -> int:
    """Show how one value of what STAGES make of INPUT came about, from the value back to the picture.

    For each stage, the last first: the window it looked at, the kernel, every product, the sums, bias and
    result. In a chain, one value of each window is traced to the stage before: the winner of a pool, the largest
    product of a convolution. INPUT is a picture, a table of numbers (.csv), or - for standard input. With --target, a
    loss is explained instead, and where its gradient goes.
    """
    import numpy as np

    from cnnfilter.addresses.address import located
    from cnnfilter.batch.names import STREAM
    from cnnfilter.explanation import explain
    from cnnfilter.explanation.numbers import Numbers, every_result
    from cnnfilter.imaging.formats import DEFAULT_MAX_PIXELS
    from cnnfilter.imaging.reading import read
    from cnnfilter.network.notes import network_notes
    from cnnfilter.network.notes import notes as chain_notes
    from cnnfilter.results.limits import check_rows

    if as_json and notes is not None:
        msg = "--format prints a text for notes, and --json data for programs; give one of them"
        raise click.UsageError(msg)
    printing = {"--matrix": matrix, "--all-matrices": all_matrices, "--format": notes is not None, "--json": as_json}
    _check_target(
        target, {"--loss": loss, "--weight": weight, "--lr": rate}, other=any((at, matrix, all_matrices, output, delay))
    )
    moving = figures.is_moving(output, delay, printing)
    pipelines, name = _arguments(
        stages, source, at, asked, matrix=matrix, all_matrices=all_matrices, moving=moving, of_loss=target is not None
    )
    limit = max_pixels or DEFAULT_MAX_PIXELS
    shown = "standard input" if name == STREAM else without_secrets(name)
    try:
        stream = render.standard_input() if name == STREAM else located(name)
        picture = read(stream, frame=frame, max_pixels=limit, depth=depth)
        maps = np.atleast_3d(picture.pixels).transpose(2, 0, 1)
        if matrix or all_matrices:
            _check_small(*maps.shape[1:])
        rows = () if not pipelines else pipelines[-1].plan((*maps.shape[1:], len(maps)))
        if rows and at is None:
            check_rows(rows, limit)
        listed = _listed(pipelines[-1], rows) if all_matrices else ()
    except CnnfilterError as error:
        render.error(f"{shown}: {error}")
        if as_json:
            render.out(render.as_json({"input": name, "error": str(error)}))
        return 1
    found = [*picture.notes, *(["transparency is left out"] if picture.alpha is not None else [])]
    given = () if not pipelines else network_notes(pipelines[-1].network, rows, picture.pixels)
    for note in (*found, *given, *chain_notes(rows, picture.pixels)):
        render.warning(f"{shown}: {note}")
    if target is not None:
        from cnnfilter.learning.explained import explain_loss

        names = labels.offered(pipelines[-1].network, rows, quiet=False)
        passed = explain_loss(
            pipelines[-1], picture.pixels, backward.target(target, names), loss or LOSSES[0],
            weight=weight, rate=0.01 if rate is None else rate, labels=names,
        )  # fmt: skip
        for doubt in (passed.loss.note, backward.twice(passed.loss.name, pipelines[-1].network)):
            if doubt:
                render.warning(f"{shown}: {doubt}")
        render.out(backward.written(passed, "json" if as_json else notes))
        return 0
    numbers = [Numbers("picture", maps)] if matrix or all_matrices else []
    if all_matrices:
        numbers += every_result(rows, pipelines[-1].results(maps, listed, layout="chw"))
    elif pipelines and at is None and not moving:
        numbers.append(Numbers("result", pipelines[-1].run(maps, layout="chw")))
    explained = (
        [explain(pipeline, picture.pixels, at) for pipeline in pipelines] if at is not None and not moving else []
    )
    if output is not None:
        figures.draw(output, pipelines, picture.pixels, explained, figures.Drawing(at, delay, name, force=force))
        return 0
    render.out(told.written(numbers, explained, "json" if as_json else notes))
    return 0


def _arguments(
    stages: str,
    source: str | None,
    at: Place | None,
    asked: Sequence[str],
    *,
    matrix: bool,
    all_matrices: bool,
    moving: bool,
    of_loss: bool,
) -> tuple[list[Pipeline], str]:
    """The networks up to each node that is asked for, whose weights are read before a picture is; the input's name."""
    from cnnfilter.batch.names import wrong_input
    from cnnfilter.pipeline import Pipeline
    from cnnfilter.results.nodes import asked_nodes

    if source is None and (not matrix or all_matrices or at is not None):
        msg = "explain takes STAGES and INPUT; only --matrix alone takes INPUT without STAGES"
        raise ArgumentError(msg)
    if source is not None and at is None and not (matrix or all_matrices or moving or of_loss):
        msg = "explain needs the place of a value: --at ROW,COL, counted from 0 in the result"
        raise ArgumentError(msg)
    if len(asked) > 1 and at is None and not (moving or of_loss):
        msg = f"{'--all-matrices' if all_matrices else '--matrix'} without --at prints one result; name one --node"
        raise ArgumentError(msg)
    name = stages if source is None else source
    if reason := wrong_input(name):
        raise ArgumentError(reason)
    if source is None:
        return [], name
    pipeline = Pipeline.parse(stages)
    nodes = asked_nodes(pipeline.network, asked, arrays=True) if asked else [len(pipeline.network) - 1]
    if of_loss and len(nodes) > 1:
        msg = "--target explains the loss of one result; name one --node"
        raise ArgumentError(msg)
    if moving and len(nodes) > 1:
        msg = "-o draws one moving window; name one --node"
        raise ArgumentError(msg)
    pipelines = [Pipeline(pipeline.network.up_to(number)) for number in nodes]
    for each in pipelines:
        each.check_runnable()
        each.load_weights()
    return pipelines, name


def _check_target(target: str | None, given: Mapping[str, object], *, other: bool) -> None:
    """Refuse what does not go together."""
    alone = next((name for name, value in given.items() if value is not None), None)
    if target is None and alone is not None:
        msg = f"{alone} goes with --target LABEL, which says what the result should be"
        raise click.UsageError(msg)
    if target is not None and other:
        msg = "--target explains a loss, and goes with none of --at, --matrix, --all-matrices, -o and --delay"
        raise click.UsageError(msg)
    if given["--lr"] is not None and given["--weight"] is None:
        msg = "--lr goes with --weight, whose step it is the length of"
        raise click.UsageError(msg)


def _check_small(height: int, width: int) -> None:
    from cnnfilter.explanation.numbers import LARGEST

    if max(height, width) > LARGEST:
        msg = (
            f"{width}x{height} pixels are too many to be printed (at most {LARGEST}x{LARGEST}); --at ROW,COL shows the "
            "numbers behind one value"
        )
        raise PictureError(msg)


def _listed(pipeline: Pipeline, rows: Sequence[Row]) -> list[int]:
    """The stages that are listed, counted from 0: all that the result depends on."""
    from cnnfilter.explanation.numbers import check_listed

    numbers = sorted(pipeline.network.needed())
    check_listed(rows, numbers)
    return numbers
