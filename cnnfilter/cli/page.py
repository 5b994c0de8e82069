"""`cnnfilter page`: a network on a picture as one interactive HTML file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from cnnfilter.cli import commands, options, render
from cnnfilter.cli.completion import complete_files, complete_stages
from cnnfilter.cli.labels import offered
from cnnfilter.errors import ArgumentError, CnnfilterError
from cnnfilter.messages import quoted, readable, show_bytes, without_secrets

if TYPE_CHECKING:
    from cnnfilter.imaging.picture import Picture
    from cnnfilter.page.making import Page
    from cnnfilter.pipeline import Pipeline

OF_TEXT = ("www-browser", "links", "elinks", "lynx", "w3m")
"""Browsers, by their names in `webbrowser`, that take the terminal, and run no scripts."""


@click.command(
    "page",
    cls=commands.InputCommand,
    short_help="Make an interactive page of a network on a picture.",
    epilog="""\b
    Examples:
      cnnfilter page gray,conv:sobel,relu,maxpool:2 photo.jpg --open
      cnnfilter page resize:32x32,gray,lenet-5:weights=lenet.npz digit.png
      cnnfilter page net.onnx photo.png --node conv1 --labels names.txt
      cnnfilter page resize:224x224,normalize:imagenet,net.onnx a.jpg --static
    \b
    Scripts, in the browser's console (F12) or of a teacher's own:
      cnnfilter.stages          number, name, text, sizes and figures of each
      cnnfilter.values(2)       a stage's result, Float32Array (C, H, W)
      cnnfilter.select(2, 0, 10, 20)  looks at a stage's map, row, column
      cnnfilter.record()        what is shown, as explain --json prints it
      cnnfilter.explainLoss("cat")  as explain --target cat --json prints it
      cnnfilter.set(1, "stride", "2x1")  changes a key of a stage
      cnnfilter.command()       the command of what is shown
      cnnfilter.state           that as text, as the address has it
      cnnfilter.ready           a promise: kept when all is computed
      "computed"                the event of cnnfilter, whenever that is so
    """,
)
@click.argument("stages", metavar="STAGES", shell_complete=complete_stages)
@click.argument("source", metavar="INPUT", shell_complete=complete_files)
@click.option(
    "-o", "--output", metavar="PATH", shell_complete=complete_files,
    help="The file, or - for standard output.  [default: NAME-page.html beside the input]",
)  # fmt: skip
@options.flag("--open", "shows", help="Show the page in the browser.")
@options.whole("--size", metavar="PIXELS", help="Make a picture whose longer side is longer smaller first.")
@click.option(
    "--node", "asked", metavar="NODE", help="End with the result of a node, by its name or its number in the plan."
)
@options.flag("--static", help="Embed the results of what is too large to be computed again: nothing can be changed.")
@options.labels("Names of a vector's values")
@options.depth
@options.frame
@options.max_pixels
@options.bounded
@options.force
def command(
    stages: str,
    source: str,
    output: str | None,
    shows: bool,
    size: int | None,
    asked: str | None,
    static: bool,
    labels: str | None,
    depth: int | None,
    frame: int | None,
    max_pixels: int | None,
    force: bool,
) -> int:
    """Make a page of STAGES on INPUT: one HTML file, that works from the disk and asks for nothing else.

    Every number on it can be followed back to the picture, and changed: kernels, strides, stages, the picture; all
    that follows is computed again. INPUT is a picture, a table of numbers (.csv), or - for standard input.
    What resize and crop, before all other stages, make of the picture is embedded, as samples.
    """
    from cnnfilter.addresses.address import is_address, located
    from cnnfilter.batch.names import STREAM, wrong_input
    from cnnfilter.models.labels import read_labels
    from cnnfilter.pipeline import Pipeline
    from cnnfilter.writing.write import Writing, check_free, is_same, write_atomically, write_stream

    if reason := wrong_input(source):
        raise ArgumentError(reason)
    target = output or _default(source)
    if target == STREAM and shows:
        msg = "--open shows a file, and -o - writes none; give one of them"
        raise ArgumentError(msg)
    if shows and is_address(target):
        msg = f"--open shows a file, and {quoted(target)} is an address; leave it out, or write the page here with -o"
        raise ArgumentError(msg)
    if source != STREAM and target != STREAM and is_same(source, target):
        msg = f"{quoted(target)} is the input; give the page another name"
        raise ArgumentError(msg)
    where = located(target)
    if where.suffix.lower() not in ("", ".html", ".htm"):  # a pipe or a device has none
        msg = f"a page is HTML, and {quoted(target)} does not end in .html"
        raise ArgumentError(msg)
    if target != STREAM:
        check_free(where, overwrite=force)
    whole = Pipeline.parse(stages)
    pipeline = whole if asked is None else whole.up_to(asked)
    pipeline.check_runnable()
    pipeline.load_weights()
    names = None if labels is None else read_labels(labels)
    shown = "standard input" if source == STREAM else without_secrets(source)
    try:
        picture = _read(source, depth, frame, max_pixels)
        page = _made(pipeline, whole, picture, shown, None if source == STREAM else shown, names, size, static=static)
    except CnnfilterError as error:
        render.error(f"{shown}: {error}")
        return 1
    data = page.html.encode("utf-8")
    if target == STREAM:
        write_stream(render.standard_output().buffer, data)
        return 0
    write_atomically(where, data, Writing(overwrite=force))
    render.message(f"wrote {readable(target)}  {show_bytes(len(data), 1)}")
    if shows and not (isinstance(where, Path) and _is_shown(where)):
        render.warning(f"no browser can be started here; open {quoted(target)} in one")
    return 0


def _is_shown(page: Path) -> bool:
    """Whether a browser could be started with a page; one of text, as without a display, would run no script of it."""
    import webbrowser

    try:
        name = getattr(webbrowser.get(), "name", "")
    except webbrowser.Error:
        return False
    return name not in OF_TEXT and webbrowser.open(page.absolute().as_uri())


def _default(source: str) -> str:
    """What the page is called where nobody says it."""
    from cnnfilter.addresses.address import Address, located, text_of
    from cnnfilter.addresses.schemes import SCHEMES
    from cnnfilter.batch.names import STREAM

    if source == STREAM:
        msg = "the page of standard input needs a name: -o page.html"
        raise ArgumentError(msg)
    where = located(source)
    if isinstance(where, Address) and not SCHEMES[where.scheme].writes:
        msg = f"nothing is written beside {quoted(source)}: give the page a name, -o page.html"
        raise ArgumentError(msg)
    return text_of(where.with_name(f"{where.stem}-page.html"))


def _read(source: str, depth: int | None, frame: int | None, max_pixels: int | None) -> Picture:
    from cnnfilter.addresses.address import located
    from cnnfilter.batch.names import STREAM
    from cnnfilter.imaging.formats import DEFAULT_MAX_PIXELS
    from cnnfilter.imaging.reading import read

    stream = render.standard_input() if source == STREAM else located(source)
    return read(stream, frame=frame, max_pixels=max_pixels or DEFAULT_MAX_PIXELS, depth=depth)


def _made(
    pipeline: Pipeline,
    whole: Pipeline,
    picture: Picture,
    name: str,
    file: str | None,
    labels: tuple[str, ...] | None,
    size: int | None,
    *,
    static: bool,
) -> Page:
    """The page; what a person should know of the picture and the network is told."""
    import numpy as np

    from cnnfilter.network.notes import network_notes, notes
    from cnnfilter.network.plan import plan
    from cnnfilter.page.making import page
    from cnnfilter.page.preparing import shrunk
    from cnnfilter.results.view import View

    pixels = np.atleast_3d(picture.pixels)
    height, width, channels = pixels.shape
    network = shrunk(pipeline.network, (height, width), size)
    rows = plan(network, (height, width, channels))
    found = [*picture.notes, *(["transparency is left out"] if picture.alpha is not None else [])]
    if network is not pipeline.network:
        found.append(f"its {width}x{height} pixels are made fewer first, as {network.stages[0]} does")
    for note in (*found, *network_notes(network, rows, picture.pixels), *notes(rows, picture.pixels)):
        render.warning(f"{name}: {note}")
    if labels is not None:
        View(labels=labels).check_labels(rows[-1].output[-1])
    names = offered(pipeline.network, rows, quiet=False) if labels is None else labels
    maps = pixels.transpose(2, 0, 1)
    before = None if whole is pipeline else shrunk(whole.network, (height, width), size)
    return page(network, maps, name, file=file, labels=names, whole=before, static=static)
