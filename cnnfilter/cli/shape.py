"""`cnnfilter shape`: the arithmetic of sizes, of one window or of a whole network."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cnnfilter.cli import commands, diagrams, options, plans, render, tables
from cnnfilter.cli.completion import complete_files, complete_from, complete_stages
from cnnfilter.errors import ArgumentError, GrammarError, PictureError, ShapeError
from cnnfilter.messages import nearest, quoted, readable, shortened, show_shape, without_secrets
from cnnfilter.models.loading import load_named
from cnnfilter.network.grammar import parse
from cnnfilter.network.graph import Network
from cnnfilter.network.notes import notes
from cnnfilter.network.plan import input_shape, parse_size, plan, planned
from cnnfilter.network.presets import PRESETS
from cnnfilter.network.stages import Conv
from cnnfilter.network.stages.base import axis_arithmetic, dropped, size_formula
from cnnfilter.network.stages.text import show_padding, show_pair
from cnnfilter.sizes import NONE, ONE, Pads, Pair

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cnnfilter.export.frameworks import Answer
    from cnnfilter.network.plan import Row
    from cnnfilter.network.stages import Shape, Sliding

MOST_COLOURS = 4
"""Channels of a picture: a size that begins with so few is PyTorch's (C, H, W) more often than a picture so low."""

KNOWN = f"presets: {', '.join(PRESETS)}"


@click.command(
    "shape",
    cls=commands.Command,
    short_help="Show the arithmetic of sizes.",
    epilog=f"""\b
    Presets, each with its usual input: {", ".join(PRESETS)}

    \b
    Examples:
      cnnfilter shape 28 -k 3 -s 1 -p 0
      cnnfilter shape 28x28x1 conv:32@3x3,relu,maxpool:2,flatten,dense:10
      cnnfilter shape 7x7x64 convtranspose:32@3x3:stride=2:padding=1
      cnnfilter shape vgg-16
      cnnfilter shape photo.jpg conv:sobel-x:stride=2,relu
      cnnfilter shape 224x224x3 conv:64@7x7:stride=2:padding=same --compare
      cnnfilter shape mnist-cnn --emit torch
      cnnfilter shape net.onnx --emit torch --weights net.npz > net.py
      cnnfilter shape resnet-18 --diagram resnet-18.svg
    """,
)
@click.argument("size", metavar="SIZE|PRESET", shell_complete=complete_from(lambda: [*PRESETS]))
@click.argument("stages", required=False, shell_complete=complete_stages)
@options.size("-k", "--kernel", help="One window instead of STAGES: its size.")
@options.size("-s", "--stride", help="Its step.  [default: 1]")
@options.pads("-p", "--padding", what="What is added around the input", default="0")
@options.size("-d", "--dilation", help="Distance between the window's taps.  [default: 1]")
@options.flag("--compare", "comparing", help="Show sizes and padding of PyTorch, Keras and ONNX for the same request.")
@click.option(
    "--emit", "language", type=click.Choice(["torch", "keras", "numpy"]),
    help="Print the network as a program instead.",
)  # fmt: skip
@click.option(
    "--weights", "weights_file", metavar="FILE", shell_complete=complete_files,
    help="With --emit: write the learned numbers to FILE, an .npz or .safetensors, which the program loads.",
)  # fmt: skip
@click.option(
    "--diagram", metavar="FILE", shell_complete=complete_files,
    help="Draw the network into FILE instead, an .svg of boxes as high as the maps and as wide as there are channels; "
    "- is standard output.",
)  # fmt: skip
@options.force
@options.bounded
@options.as_json
def command(
    size: str,
    stages: str | None,
    kernel: Pair | None,
    stride: Pair | None,
    padding: Pads | str | None,
    dilation: Pair | None,
    comparing: bool,
    language: str | None,
    weights_file: str | None,
    diagram: str | None,
    force: bool,
    as_json: bool,
) -> int:
    """Show every size of a network before there is a picture, with the arithmetic behind it.

    SIZE is N, HxW, HxWxC or a picture's file; a single N is N x N x 1, or a vector before dense. STAGES is a
    chain such as conv:32@3x3,relu,maxpool:2, a preset's name, or @FILE with a stage a line. A preset alone takes
    its usual input.
    """
    _check(stages, kernel, (stride, padding, dilation), comparing or as_json, language)
    if weights_file is not None:
        _check_weights(weights_file, language, force=force)
    if diagram is not None:
        diagrams.check(
            diagram, force=force, other_output=kernel is not None or comparing or as_json or language is not None
        )
    if kernel is not None:
        stage = Conv(
            sizes=(1, kernel), stride=stride or ONE, padding=padding or NONE, dilation=dilation or ONE, biased=False
        )
        render.out(_one_window(_size(size), stage, comparing, as_json))
        return 0
    rows, misfit = _plan(size, stages)
    if misfit is not None and (language is not None or diagram is not None or not rows):
        raise misfit
    for note in notes(rows):
        render.warning(note)
    if language is not None:
        from cnnfilter.export import emit

        program = emit(rows, language, weights_file)
        if weights_file is not None:
            _write_weights(rows, weights_file, force=force)
        render.out(program)
        return 0
    if diagram is not None:
        diagrams.write(rows, stages or size, diagram, force=force)
        return 0
    answers = [_answers(row) for row in rows] if comparing else []
    if as_json:
        error = {} if misfit is None else {"error": str(misfit)}
        render.out(render.as_json(plans.record(rows, answers) | error, indent=2))
        if misfit is not None:  # it is in the object already
            render.error(str(misfit))
            return 2
    elif comparing:
        named = [
            (f"stage {number}", f"{shortened(row.stage)} on {show_shape(row.input)}", given)
            for number, (row, given) in enumerate(zip(rows, answers, strict=True), 1)
        ]
        render.out(plans.comparison([each for each in named if each[2]]))
    else:
        render.out(plans.table(rows, whole=misfit is None))
    if misfit is not None:
        raise misfit
    return 0


def _check(
    stages: str | None, kernel: Pair | None, window: Sequence[Any], other_output: bool, language: str | None
) -> None:
    """Refuse what does not go together."""
    if kernel is not None and stages is not None:
        msg = "give STAGES or -k, not both"
        raise click.UsageError(msg)
    if kernel is None and any(value is not None for value in window):
        msg = "-s, -p and -d go with -k; in STAGES they are written conv:32@3x3:stride=2:padding=1:dilation=1"
        raise click.UsageError(msg)
    if language is not None and (kernel is not None or other_output):
        msg = "--emit prints a program of STAGES, and goes with none of -k, --compare and --json"
        raise click.UsageError(msg)


def _check_weights(path: str, language: str | None, *, force: bool) -> None:
    """Refuse a file that is not to be written."""
    from cnnfilter.export.saved import is_suitable
    from cnnfilter.writing.write import check_free

    if language is None:
        msg = "--weights goes with --emit: it writes the numbers that the program loads"
        raise click.UsageError(msg)
    if not is_suitable(path):
        msg = f"--weights writes .npz or .safetensors, not {quoted(path)}"
        raise click.UsageError(msg)
    if "://" in path:
        msg = f"--weights names the file that the program loads, and {quoted(path)} is an address: give a path"
        raise click.UsageError(msg)
    check_free(Path(path), overwrite=force)


def _write_weights(rows: Sequence[Row], path: str, *, force: bool) -> None:
    """Write the learned numbers to a file."""
    from cnnfilter.export.saved import encoded, learned_arrays
    from cnnfilter.writing.write import Writing, write_atomically

    arrays = learned_arrays(rows)
    write_atomically(Path(path), encoded(arrays, path), Writing(overwrite=force))
    count = sum(array.size for array in arrays.values())
    render.message(f"wrote {readable(path)}  {count:,} numbers in {len(arrays):,} arrays")


def _size(text: str) -> Shape:
    size = parse_size(text)
    if size is not None:
        if len(size) == 3 and size[0] <= MOST_COLOURS < min(size[1:]):
            height, width, channels = size
            render.warning(
                f"{text} is {height} high and {width} wide with {channels} channels: sizes are height x width x "
                f"channels; for {height} channel{'s' * (height > 1)} write {show_shape((width, channels, height))}"
            )
        return size
    from cnnfilter.addresses.address import is_address, located
    from cnnfilter.batch.names import wrong_input
    from cnnfilter.imaging.size import read_size  # brings Pillow, for pictures only

    if reason := wrong_input(text):
        raise ArgumentError(reason)
    if not is_address(text) and not os.path.exists(text):  # noqa: PTH110  (never raises: a NUL is refused before)
        numbers = text.lower().strip("([ ])").removeprefix("none,").strip()
        written = "x".join(re.split(r"[,;*x\u00d7\s]+", numbers))
        msg = (
            f"{quoted(text)} is no size (N, HxW or HxWxC), and there is no picture of that name"
            if parse_size(written) is None
            else f"sizes are written {written}, not {quoted(text)}"
        )
        raise ArgumentError(msg)
    try:
        return read_size(located(text))
    except PictureError as error:
        msg = f"{without_secrets(text)}: {error}"
        raise PictureError(msg) from None


def _plan(size: str, stages: str | None) -> tuple[Sequence[Row], ShapeError | None]:
    """The rows of the plan, up to a stage that does not fit, and what is wrong with that."""
    network = _network(size, alone=True) if stages is None else _network(stages, alone=False)
    shape = _usual(network, size) if stages is None else input_shape(_size(size), network)
    rows: list[Row] = []
    try:
        rows.extend(planned(network, shape))
    except ShapeError as error:
        return rows, error
    return rows, None


def _network(text: str, *, alone: bool) -> Network:
    """The network of a text; `alone` where a preset or a file has no size before it."""
    try:
        network = parse(text, load=load_named)
    except GrammarError as error:
        meant = nearest(text, PRESETS, count=1)
        is_size = alone and parse_size(text) is not None
        if not is_size and ("unknown stage" not in str(error) or not (meant or alone)):
            raise
        if meant:
            msg = f"unknown preset {quoted(text)}{meant} ({KNOWN})"
        else:
            msg = f"give the STAGES that follow {text}, such as conv:32@3x3,relu, or -k for one window ({KNOWN})"
        raise (click.UsageError(msg) if alone else ArgumentError(msg)) from None
    if alone and network[0].group is None:
        msg = f"put a SIZE or a picture before {shortened(text)}, such as cnnfilter shape 224x224x3 STAGES"
        raise click.UsageError(msg)
    return network


def _usual(network: Network, text: str) -> Shape:
    """The input that a preset, or the network in a file, is made for."""
    group = network[0].group
    size = None if group is None else group.size
    if size is None or None in size:
        sides = ["?" if side is None else str(side) for side in size or ()]
        shown = "x".join(sides) if {*sides} - {"?"} else "pictures of any size"
        msg = f"{text} takes {shown}: give the SIZE before it, such as cnnfilter shape 224x224x3 {text}"
        raise click.UsageError(msg)
    return tuple(side for side in size if side is not None)


def _answers(row: Row) -> Sequence[Answer]:
    from cnnfilter.export.frameworks import compare
    from cnnfilter.network.stages import Pool

    return compare(row.stage, row.input) if isinstance(row.stage, Conv | Pool) else ()


def _one_window(size: Shape, stage: Conv, comparing: bool, as_json: bool) -> str:
    """The arithmetic of one window, along one axis if nothing tells two apart."""
    shape = input_shape(size, (stage,))
    (row,) = plan((stage,), shape)
    sliding = stage.sliding(shape)
    axes = (0,) if len(size) == 1 and all(part[0] == part[1] for part in sliding) else (0, 1)
    answers = _answers(row) if comparing else ()
    request = _request(stage)
    if as_json:
        return render.as_json(_window_record(row, request, axes, answers), indent=2)
    if comparing:
        return plans.comparison([("", f"{request} on {show_shape(shape[:2])}", answers)])
    return _arithmetic(row, sliding, axes)


def _arithmetic(row: Row, sliding: Sliding, axes: Sequence[int]) -> str:
    window, stride, dilation, pads = sliding
    lines = [("formula", size_formula(sliding))]
    for axis in axes:
        name = "numbers" if len(axes) == 1 else ("height", "width")[axis]
        lines.append((name, axis_arithmetic(row.input[axis], window[axis], stride[axis], dilation[axis], pads[axis])))
    lines.append(("result", show_shape(tuple(row.output[axis] for axis in axes))))
    lost = [_lost(dropped(row.input[axis], row.output[axis], axis, sliding), pads[axis][1]) for axis in axes]
    named = lost if len(set(lost)) == 1 else [f"height: {lost[0]}; width: {lost[1]}"]
    lines.append(("dropped", named[0]))
    return tables.facts(lines, render.columns())


def _lost(count: int, padding: int) -> str:
    """How many samples at the end no window reaches, and how many of them are padding."""
    if not count:
        return "no pixels: the last window ends where the input ends"
    pixels = f"{count} pixel{'s' * (count > 1)}"
    if count <= padding:
        return f"{pixels} of padding at the end"
    return f"{pixels} at the end" + f", {padding} of padding among them" * bool(padding)


def _request(stage: Conv) -> str:
    """The options as they may be typed."""
    dilation = f" -d {show_pair(stage.dilation)}" if stage.dilation != (1, 1) else ""
    return f"-k {show_pair(stage.window)} -s {show_pair(stage.stride)} -p {show_padding(stage.padding)}{dilation}"


def _window_record(row: Row, request: str, axes: Sequence[int], answers: Sequence[Answer]) -> dict[str, Any]:
    """The plan of one window as JSON has it: without weights there is nothing to count."""
    record = plans.record([row], [answers] if answers else [])
    (stage,) = record["stages"]
    stage |= {key: stage[key] and [stage[key][axis] for axis in axes] for key in plans.SIZES}
    stage |= {"stage": request, "params": 0, "macs": 0}
    del stage["name"], stage["reads"]
    return record | {"total": {"params": 0, "macs": 0}}
