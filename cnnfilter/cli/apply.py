"""`cnnfilter apply`: filter pictures."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from functools import partial
from typing import TYPE_CHECKING

import click

from cnnfilter.cli import options, render
from cnnfilter.errors import ArgumentError
from cnnfilter.model.shapes import Border, Pads, Pair

if TYPE_CHECKING:
    from cnnfilter.batch.plan import Plan
    from cnnfilter.batch.work import Event


@click.command(
    "apply",
    cls=options.KernelCommand,
    short_help="Filter pictures with a kernel.",
    epilog="""\b
    Examples:
      cnnfilter apply edge photo.jpg                  writes photo-edge.jpg
      cnnfilter apply gaussian:sigma=3 *.png -o out/  writes out/NAME-gaussian-sigma-3.png
      cnnfilter apply "-1 0 1; -2 0 2; -1 0 1" photo.png --range abs
      cnnfilter apply conv1.npy *.tif -o '{dir}/{name}-features.png'
      cat photo.jpg | cnnfilter apply sobel - > edges.png
    """,
)
@click.argument("kernel", type=options.kernel_text)
@click.argument("inputs", metavar="INPUT...", nargs=-1, required=True)
@options.output
@options.stride
@options.padding
@options.border
@options.dilation
@options.true_convolution
@options.scale
@options.bias
@options.value_range
@options.alpha
@options.depth
@options.frame
@options.max_pixels
@options.kernel_name
@options.layout
@options.output_format
@options.save_options
@options.strip
@options.force
@options.threads
@options.quiet
@options.verbose
@options.as_json
def command(
    kernel: str,
    inputs: tuple[str, ...],
    output: str | None,
    stride: Pair,
    padding: Pads | str,
    border: Border,
    dilation: Pair,
    flip: bool,
    scale: str,
    bias: float,
    range_: str,
    alpha: str,
    depth: int | None,
    frame: int | None,
    max_pixels: int | None,
    kernel_name: str | None,
    layout: str | None,
    format_: str | None,
    save_options: tuple[tuple[str, str], ...],
    strip: bool,
    force: bool,
    threads: int | None,
    quiet: bool,
    verbose: bool,
    as_json: bool,
) -> int:
    """Filter each INPUT with KERNEL, and write a picture of the same kind beside it.

    KERNEL is a name that "cnnfilter kernels" lists, a file of weights (.npy, .npz, .json, .csv, .txt,
    .safetensors), or a matrix such as "0 -1 0; -1 5 -1; 0 -1 0". INPUT is a picture, or - for standard
    input; the result then goes to standard output, as PNG unless --format says otherwise.
    """
    from cnnfilter.batch.plan import plan_outputs
    from cnnfilter.batch.work import Reading, Saving, Streams, filter_picture, process
    from cnnfilter.filtering import Filter
    from cnnfilter.imaging.formats import DEFAULT_MAX_PIXELS
    from cnnfilter.model.weights import find_kernel

    found = find_kernel(kernel, array_name=kernel_name, layout=layout)
    kernel_filter = Filter(
        found, stride=stride, padding=padding, dilation=dilation, border=border,
        flip=flip, scale=scale, bias=bias, range=range_,
    )  # fmt: skip
    plan = plan_outputs(inputs, kernel=found.name, output=output, format=format_, force=force)
    _check_standard_output(plan, as_json=as_json)
    events = process(
        plan,
        partial(filter_picture, kernel_filter=kernel_filter, alpha=alpha, threads=threads, count_clipped=verbose),
        reading=Reading(frame, max_pixels or DEFAULT_MAX_PIXELS, depth),
        saving=Saving(format_, dict(save_options), strip),
        streams=Streams(sys.stdin.buffer if sys.stdin else None, sys.stdout.buffer if sys.stdout else None),
    )
    return report(events, several=len(inputs) > 1, quiet=quiet, verbose=verbose, as_json=as_json)


def _check_standard_output(plan: Plan, *, as_json: bool) -> None:
    if all(job.target is not None for job in plan.jobs):
        return
    if as_json:
        msg = "standard output cannot take both the picture and --json; name a file with -o"
        raise ArgumentError(msg)
    if sys.stdout is not None and sys.stdout.isatty():
        msg = "standard output is a terminal, which shows no pictures; name a file with -o, or redirect it"
        raise ArgumentError(msg)


def report(events: Iterable[Event], *, several: bool, quiet: bool, verbose: bool, as_json: bool) -> int:
    """Tell about each input as it is done, and return the exit code."""
    written = failed = 0
    for event in events:
        if not quiet:
            for note in event.notes:
                render.warning(f"{event.job}: {note}")
        if event.error is None:
            written += 1
        else:
            failed += 1
            render.error(f"{event.job}: {event.error}")
            if event.cause is not None:
                render.show_traceback(event.cause)
        if as_json:
            render.out(_json(event))
        elif not quiet and event.error is None and (event.target is not None or verbose):
            render.message(_success(event, verbose=verbose))
    if several and not quiet:
        render.message(f"{written} written" + (f", {failed} failed" if failed else ""))
    return 1 if failed else 0


def _success(event: Event, *, verbose: bool) -> str:
    width, height = event.size or (0, 0)
    line = f"wrote {event.target or 'standard output'}  {width}x{height}"
    if verbose:
        line += f" {event.format}, {event.seconds:.2f} s"
        if event.clipped is not None:
            line += f", {event.clipped:.1%} of values clipped"
    return line


def _json(event: Event) -> str:
    """One line; a file name that is no UTF-8 appears as Python's JSON writes and reads it."""
    record = {
        "input": "-" if event.job.source is None else str(event.job.source),
        "output": None if event.target is None else str(event.target),
        "size": event.size,
        "seconds": round(event.seconds, 4),
        "error": event.error,
    }
    return json.dumps(record) + "\n"
