"""`cnnfilter why`: what of each picture a network looked at."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from cnnfilter.cli import commands, options
from cnnfilter.cli.batch import Batch
from cnnfilter.cli.batched import batched
from cnnfilter.cli.completion import complete_stages
from cnnfilter.cli.labels import offered
from cnnfilter.errors import ArgumentError
from cnnfilter.messages import quoted
from cnnfilter.text.values import whole_number

if TYPE_CHECKING:
    from cnnfilter.pipeline import Pipeline

METHODS = ("grad-cam", "saliency", "integrated-gradients", "occlusion")
BASELINES = ("black", "white", "mean")
"""Those of `learning.attribution`, which loads NumPy; a test compares them."""

ALL = "all"
"""Asks for each method."""


@click.command(
    "why",
    cls=commands.InputCommand,
    short_help="Show what of a picture a network looked at.",
    epilog="""\b
    Examples:
      cnnfilter why net.onnx photo.jpg                photo-why.png, Grad-CAM
      cnnfilter why net.npz photo.jpg --class cat --method all
      cnnfilter why rgb,resize:256,crop:224,normalize:imagenet,net.onnx a.jpg
      cnnfilter why net.keras photos/ --method occlusion --window 24 -o why/
      cnnfilter why net.onnx photo.jpg --method integrated-gradients -o why.npy
      cnnfilter why net.onnx photo.jpg --effective-field --node layer2
    """,
)
@click.argument("stages", metavar="NET", shell_complete=complete_stages)
@click.option(
    "--class", "wanted", metavar="CLASS",
    help="The class that is asked about, by its name, or its number, counted from 0.  [default: that of the largest "
    "score]",
)  # fmt: skip
@click.option(
    "--method", "methods", type=click.Choice([*METHODS, ALL]), multiple=True,
    help="How it is asked; give it several times, or all, for several side by side.  [default: grad-cam]",
)  # fmt: skip
@click.option(
    "--node", metavar="NODE",
    help="Whose maps Grad-CAM weighs, or whose value has the effective field, by its name or its number in the plan.  "
    "[default: the last convolution, with what its result goes through place by place; the last node]",
)  # fmt: skip
@options.whole(
    "--window", metavar="PIXELS",
    help="The side of the square that occlusion covers, in pixels of what resize and crop leave.  "
    "[default: a seventh of the shorter side]",
)  # fmt: skip
@click.option(
    "--baseline", type=click.Choice(BASELINES),
    help="The colour of the picture that integrated gradients begin with.  [default: black]",
)  # fmt: skip
@options.labels("Names of the classes")
@options.flag(
    "--effective-field", help="Show instead which pixels a value depends on, and how much: its gradient with each."
)
@options.place(
    "--at",
    what="Which value that is",
    otherwise="the sum of all maps",
    default="  [default: the middle, or the largest]",
)
@batched("why", "png, jpeg, npy or npz")
def command(
    stages: str,
    batch: Batch,
    wanted: str | None,
    methods: tuple[str, ...],
    node: str | None,
    window: int | None,
    baseline: str | None,
    labels: str | None,
    effective_field: bool,
    at: tuple[int, ...] | None,
) -> int:
    """Show what of each INPUT a network looked at, as colours over the picture.

    NET is a file of a network, or stages as run takes them. The score of a class is what comes before the softmax or
    sigmoid at the end. Grad-CAM weighs a node's maps by how the score changes with each; saliency is the size of the
    score's gradient; integrated gradients share out the difference from an empty picture's score; occlusion covers
    square after square, and shows where the score falls (red) or rises (blue). The picture is as it was before resize
    and crop, and dark where the network does not see it.

    An output in .npy or .npz keeps the numbers, (methods, height, width); --json tells the figures.
    """
    from cnnfilter.pipeline import Pipeline

    if batch.in_place:
        msg = "--in-place replaces a picture by its result, and why shows the picture itself; leave it out"
        raise ArgumentError(msg)
    pipeline = Pipeline.parse(stages)
    given = {
        "--class": wanted, "--method": methods, "--window": window, "--baseline": baseline, "--labels": labels,
    }  # fmt: skip
    if effective_field:
        wrong = next((option for option, value in given.items() if value not in (None, ())), None)
        if wrong is not None:
            msg = f"{wrong} asks about a class, and --effective-field about a value; leave one of them out"
            raise ArgumentError(msg)
        return _effective_field(pipeline, batch, node, at)
    if at is not None:
        msg = "--at names the value of an --effective-field; give that too, or leave it out"
        raise ArgumentError(msg)
    chosen = METHODS if ALL in methods else tuple(dict.fromkeys(methods)) or METHODS[:1]
    needs = {"--node": (node, "grad-cam"), "--window": (window, "occlusion"), "--baseline": (baseline, METHODS[2])}
    for option, (value, method) in needs.items():
        if value is not None and method not in chosen:
            msg = f"{option} is for {method}; add --method {method}, or leave it out"
            raise ArgumentError(msg)
    return _why(pipeline, batch, wanted, chosen, node, window, baseline or BASELINES[0], labels)


def _why(
    pipeline: Pipeline,
    batch: Batch,
    wanted: str | None,
    methods: tuple[str, ...],
    node: str | None,
    window: int | None,
    baseline: str,
    labels: str | None,
) -> int:
    from cnnfilter.learning.attribution import Asked
    from cnnfilter.models.labels import read_labels
    from cnnfilter.results.heat import WhyTask

    number = None if node is None else pipeline.network.find(node)
    rows = batch.survey(pipeline).rows
    if labels is None:
        names = offered(pipeline.network, rows, quiet=batch.quiet)
    else:
        names = read_labels(labels)
        count = rows[-1].output[-1] if rows else len(names)
        if len(names) != count:
            msg = f"there are {len(names)} labels for {count} classes; give one label a line, one for each"
            raise ArgumentError(msg)
    target = None if wanted is None else _class(wanted.strip(), names)
    task = WhyTask(
        pipeline=pipeline, methods=methods, target=target, labels=names, asked=Asked(number, window, baseline),
        saving=batch.saving, max_pixels=batch.limit,
    )  # fmt: skip
    return batch.carry_out(task)


def _effective_field(pipeline: Pipeline, batch: Batch, node: str | None, at: tuple[int, ...] | None) -> int:
    from cnnfilter.pipeline import Pipeline
    from cnnfilter.results.heat import EffectiveTask
    from cnnfilter.results.nodes import file_label

    name = "effective-field"
    if node is not None:
        pipeline = Pipeline(pipeline.network.up_to(pipeline.network.find(node)))
        name += f"-{file_label(node)}"
    pipeline.check_runnable()
    pipeline.load_weights()
    task = EffectiveTask(pipeline=pipeline, at=at, name=name, saving=batch.saving, max_pixels=batch.limit)
    return batch.carry_out(task)


def _class(text: str, names: tuple[str, ...]) -> int:
    """The number of a class.

    Raises
    ------
    ArgumentError
        If it is neither a number nor the name of one.
    """
    from cnnfilter.models.labels import number_of

    if text not in names and text.isascii() and text.isdigit():
        return whole_number(text, "--class", 0)
    if not names:
        msg = f"--class {quoted(text)} is no number, and there are no names of classes; --labels FILE gives them"
        raise ArgumentError(msg)
    return number_of(text, names)
