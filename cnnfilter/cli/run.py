"""`cnnfilter run`: a chain of stages over pictures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import click
from click.core import ParameterSource

from cnnfilter.cli import commands, options, render
from cnnfilter.cli.batch import Batch
from cnnfilter.cli.batched import batched
from cnnfilter.cli.completion import complete_stages
from cnnfilter.cli.labels import offered
from cnnfilter.errors import ArgumentError
from cnnfilter.imaging.colormaps import COLORMAPS
from cnnfilter.network.activations import ACTIVATIONS, Value
from cnnfilter.results.showing import MAPS

if TYPE_CHECKING:
    from cnnfilter.batch.jobs import Files
    from cnnfilter.pipeline import Pipeline
    from cnnfilter.results.chain import ChainTask
    from cnnfilter.results.nodes import NodesTask
    from cnnfilter.results.view import View

WIDEST = 24
"""Characters up to which formulas stand in a column behind the stages of the help."""


def _activations() -> str:
    """The lines of the help that list the activations, as stages with their defaults, and their formulas."""
    stages = {
        ":".join([name, *(f"{key}={_default(key, value)}" for key, value in known.parameters.items())]): known.formula
        for name, known in ACTIVATIONS.items()
    }
    width = max(len(stage) for stage in stages if len(stage) <= WIDEST)
    return "".join(f"      {stage:{width}}  {formula}\n" for stage, formula in stages.items())


def _default(key: str, value: Value) -> str:
    """What stands in the help for the value of a parameter: its default, or its name where it has none."""
    return f"{value:.6g}" if isinstance(value, int | float) else value or key.upper()


@click.command(
    "run",
    cls=commands.InputCommand,
    short_help="Run pictures through a chain of stages.",
    epilog=f"""\b
    Activations:
{_activations()}
    \b
    Examples:
      cnnfilter run conv:sobel,relu,maxpool:2 photo.jpg        photo-chain.jpg
      cnnfilter run gray,conv:sobel-x+sobel-y,relu photo.jpg   a contact sheet
      cnnfilter run gray,conv:laplacian photo.jpg --colormap auto
      cnnfilter run conv:net.npz:name=conv1,relu *.png -o sheets/ --topk 16
      cnnfilter run conv:64@7x7:weights=net.pth:name=conv1,relu photo.jpg
      cnnfilter run gray,conv:conv1.npy,relu photo.png --maps each -o maps/
      cnnfilter run gray,conv:edge,maxpool:2 photo.png -o edges.npy
      cnnfilter run vgg-16 photo.jpg --node 17 --field 12,20
      cnnfilter run @digits.txt digit.png --labels digits-labels.txt --top 3
    """,
)
@click.argument("stages", shell_complete=complete_stages)
@options.value_range
@click.option(
    "--maps", type=click.Choice(MAPS),
    help="Write all maps on a contact sheet, or each in a file of its own, NAME-chain-0.png.  "
    "[default: one map, or the three of a colour picture, as a picture; more as a sheet]",
)  # fmt: skip
@click.option(
    "--colormap", type=click.Choice(COLORMAPS),
    help="Colours of the maps; auto is blue-white-red around 0 for signed values, else viridis.  [default: auto]",
)  # fmt: skip
@click.option(
    "--scaling", type=click.Choice(["map", "global"]),
    help="Whether each map's colours span its own values or those of all maps.  [default: map]",
)  # fmt: skip
@options.whole("--topk", help="Show only the N maps with the largest mean magnitude.")
@options.whole("--columns", help="Maps side by side on a contact sheet.  [default: as many as make it nearly square]")
@options.whole(
    "--cell", metavar="PIXELS",
    help="The most pixels of a map's longer side on a contact sheet; it is enlarged or reduced by a whole factor.",
)  # fmt: skip
@options.flag("--no-labels", help="Leave labels and legend off a contact sheet.")
@options.labels("Names of a vector's values, or of the maps on a sheet")
@options.whole("--top", help="Print only the N largest values of a vector, or of maps of a point each, in order.")
@click.option(
    "--node", "asked", metavar="NODE", multiple=True,
    help="Write the result of a node, by its name or its number in the plan of all STAGES, and not the last one's; "
    "give it several times, or "
    "all, for a file each, NAME-chain-NODE.",
)  # fmt: skip
@options.place(
    "--field", what="Write each picture, and not the maps, with the receptive field of a value brought out: which value"
)
@options.enlarge
@options.numbers
@options.beside
@batched("chain", "png, jpeg, npy, npz or csv")
@click.pass_context
def command(
    context: click.Context,
    stages: str,
    batch: Batch,
    range_: str,
    maps: str | None,
    colormap: str | None,
    scaling: str | None,
    topk: int | None,
    columns: int | None,
    cell: int | None,
    no_labels: bool,
    labels: str | None,
    top: int | None,
    asked: tuple[str, ...],
    field: tuple[int, ...] | None,
    enlarge: int | None,
    numbers: bool,
    beside: bool,
) -> int:
    """Run each INPUT through STAGES, and write the feature maps beside it.

    STAGES is such as conv:sobel-x,relu,maxpool:2, or @FILE. Stages: resize, crop, gray, rgb, normalize, conv,
    depthwise, convtranspose, any activation, abs, magnitude, maxpool, avgpool, sumpool, globalavgpool, globalmaxpool,
    upsample, pad, batchnorm, prelu, lrn, shuffle, dropout (which does nothing here), flatten, dense and softmax; add,
    multiply and concat join branches. conv and dense take kernels' names, matrices or files of weights. Those of
    sizes, such as conv:32@3x3, batchnorm and prelu take their numbers from the state dict of a network,
    weights=FILE:name=PREFIX, or draw them, random=SEED; so do the networks that cnnfilter networks lists, such as
    resnet-18:weights=FILE. INPUT is a picture, a folder of them, or - for standard input.

    One map, or the three of a colour picture filtered channel by channel, becomes a picture; more become a
    contact sheet, a PNG. An output in .npy, .npz or .csv keeps the float values (C, H, W); so do --depth float,
    and a .tif of maps that make no picture.
    After flatten or dense the values are printed, and after softmax of a vector in per cent.
    """
    from cnnfilter.models.labels import read_labels
    from cnnfilter.pipeline import Pipeline
    from cnnfilter.results.chain import ChainTask
    from cnnfilter.results.showing import Showing
    from cnnfilter.results.view import View

    given = context.get_parameter_source("range_") is not ParameterSource.DEFAULT
    view = View(
        maps=maps, range=range_ if given else None, colormap=colormap, scaling=scaling, topk=topk, columns=columns,
        cell=cell, lettering=not no_labels, labels=None if labels is None else read_labels(labels), top=top,
        showing=Showing(enlarge=enlarge, numbers=numbers, beside=beside),
    )  # fmt: skip
    pipeline = Pipeline.parse(stages)
    if field is not None:
        return _field(pipeline, view, batch, field, asked)
    task = ChainTask(
        pipeline, view, saving=batch.saving, max_pixels=batch.limit, count_clipped=batch.verbose
    )  # fmt: skip
    if asked:
        from cnnfilter.imaging.formats import ARRAYS, format_for_path
        from cnnfilter.results.nodes import ALL, NodesTask, asked_nodes

        named = None if batch.output is None else format_for_path(batch.output)
        nodes = asked_nodes(pipeline.network, asked, arrays=batch.floats or (batch.format_ or named) in ARRAYS)
        left = [node.name or str(n + 1) for n, node in enumerate(pipeline.network) if ALL in asked and n not in nodes]
        if left and not batch.quiet:
            gives = "give vectors, and are" if len(left) > 1 else "gives a vector, and is"
            render.message(f"{', '.join(left)} {gives} left out; --format npy writes them too")
        tasks = {number: replace(task, pipeline=Pipeline(pipeline.network.up_to(number))) for number in nodes}
        if len(nodes) > 1 or ALL in asked:
            several = NodesTask(
                tasks, tuple(nodes.values()), saving=batch.saving, max_pixels=batch.limit, count_clipped=batch.verbose
            )  # fmt: skip
            _check_several(several, batch)
            return batch.carry_out(several, [several.labels] * len(batch.found.inputs))
        ((number, label),) = nodes.items()
        is_whole = number == len(pipeline.network) - 1
        task = replace(tasks[number], name=f"chain-{label}", is_whole=is_whole)
    task, counts = _surveyed(task, batch)
    return batch.carry_out(task, counts)


def _field(pipeline: Pipeline, view: View, batch: Batch, at: tuple[int, ...], asked: Sequence[str]) -> int:
    """Bring out the receptive field of a value in each picture; return the exit code."""
    from cnnfilter.pipeline import Pipeline
    from cnnfilter.results.field import FieldTask
    from cnnfilter.results.nodes import asked_nodes

    wrong = [
        *(["--in-place"] if batch.in_place else []),
        *(["--depth float"] if batch.floats else []),
        *view.given_for_results,
    ]
    if wrong:
        msg = f"{wrong[0]} is for results, and --field marks the picture itself; leave one of them out"
        raise ArgumentError(msg)
    name = "field"
    if asked:
        nodes = asked_nodes(pipeline.network, asked, arrays=True)
        if len(nodes) > 1:
            msg = "--field marks what one value sees; name one --node"
            raise ArgumentError(msg)
        ((number, label),) = nodes.items()
        pipeline, name = Pipeline(pipeline.network.up_to(number)), f"field-{label}"
    task = FieldTask(pipeline, at, name, view.showing, saving=batch.saving, max_pixels=batch.limit)
    return batch.carry_out(task)


def _check_several(task: NodesTask, batch: Batch) -> None:
    """Refuse what has no meaning for the results of several nodes, and read the weights."""
    from cnnfilter.imaging.limits import ALL

    view = task.last.view
    wrong = [
        *(["--in-place"] if batch.in_place else []),
        *(["--frame all"] if batch.frame == ALL else []),
        *(["--maps each"] if view.maps == "each" else []),
        *(["--labels"] if view.labels is not None else []),
        *(["--top"] if view.top is not None else []),
    ]
    if wrong:
        msg = f"{wrong[0]} is for one node's result, and not for several; leave it out"
        raise ArgumentError(msg)
    view.showing.check(in_place=False, floats=batch.floats)
    task.last.pipeline.check_runnable()
    task.last.pipeline.load_weights()


def _surveyed(task: ChainTask, batch: Batch) -> tuple[ChainTask, Sequence[Files] | None]:
    """The task as it is after a look at the inputs, and how many files each of them makes, if that is not one."""
    from cnnfilter.batch.names import STREAM
    from cnnfilter.imaging.limits import ALL
    from cnnfilter.pipeline import Pipeline
    from cnnfilter.results.vector import with_points_in_a_line

    if task.view.top is not None and not task.gives_vector:
        rows = batch.survey(task.pipeline).rows
        task = replace(task, pipeline=Pipeline(with_points_in_a_line(task.pipeline.network, rows)))
    view, vector = task.view, task.gives_vector
    told = vector and batch.format_ is None and batch.output in (None, STREAM) and not batch.in_place
    view.check(vector=vector, told=told)
    if batch.show and vector:
        msg = "--show is for maps, and this chain ends in a vector; leave it out"
        raise ArgumentError(msg)
    each = view.maps == "each"
    if batch.frame == ALL and (told or each):
        msg = "--frame all writes one result of each frame; with --maps each, and for a vector that is told, name one"
        raise ArgumentError(msg)
    view.showing.check(in_place=batch.in_place, floats=batch.floats)
    found = batch.survey(task.pipeline, every=each)
    if found.rows:
        view.check_labels(found.rows[-1].output[-1])
    if told and task.is_whole and view.labels is None:
        view = replace(view, offered=offered(task.pipeline.network, found.rows, quiet=batch.quiet))
    task = replace(task, view=view, rows=found.rows, told=told)
    if batch.in_place and (each or task.default is not None):
        msg = "--in-place replaces a picture by a picture, and this chain gives none of the same kind; leave it out"
        raise ArgumentError(msg)
    return task, found.counts if each else None
