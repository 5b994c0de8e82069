"""`cnnfilter learn`: the kernel that turns one picture into another."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

import click

from cnnfilter.cli import commands, options, render, tables
from cnnfilter.cli.completion import complete_files
from cnnfilter.cli.matrices import Lines, matrix_rows
from cnnfilter.errors import ArgumentError, CnnfilterError
from cnnfilter.messages import quoted, readable, without_secrets
from cnnfilter.sizes import Size as Sized
from cnnfilter.sizes import parse_pair

if TYPE_CHECKING:
    from cnnfilter.learning.kernels.descent import Step
    from cnnfilter.learning.kernels.fitting import Learned
    from cnnfilter.learning.kernels.pairs import Pair

STEPS = 1000
"""Steps of gradient descent, unless told otherwise."""
MOST_STEPS = 1_000_000
STREAM = "-"
MOST_SHOWN = 9
"""Matrices that are shown; --json has them all."""
DIGITS = 4
"""Digits of the largest weight; the others have as many decimals."""


@click.command(
    "learn",
    cls=commands.InputCommand,
    short_help="Learn the kernel that turns one picture into another.",
    epilog="""\b
    Examples:
      cnnfilter learn photo.png filtered.png
      cnnfilter learn photo.png filtered.png --size 9 -o kernel.json
      cnnfilter apply kernel.json other.png
      cnnfilter learn a.png a2.png b.png b2.png       from two pairs
      cnnfilter learn photo.png sepia.png --size 1 --channels sum
      cnnfilter learn photo.png filtered.png --size 3 --descent
    """,
)
@click.argument("inputs", metavar="BEFORE AFTER [BEFORE AFTER]...", nargs=-1, shell_complete=complete_files)
@options.size("--size", default=5, help="Size of the kernel.  [default: 5]")
@click.option(
    "--channels", type=click.Choice(["one", "each", "sum"]),
    help="One kernel for all channels, one for each, or for each channel of AFTER a sum over all of BEFORE's.  "
    "[default: one; sum where they differ in number]",
)  # fmt: skip
@click.option(
    "-o", "--output", metavar="PATH", shell_complete=complete_files,
    help="Write the kernel with its bias as .json, which apply, run and kernels take; - is standard output.",
)  # fmt: skip
@options.force
@options.flag("--descent", help="Learn the same by gradient descent as well, and show its steps.")
@click.option(
    "--steps", type=click.IntRange(1, MOST_STEPS), metavar="N", help=f"Steps of --descent.  [default: {STEPS}]"
)
@click.option(
    "--rate", type=float, metavar="V",
    help="What --descent multiplies the gradient by.  [default: 1 over the largest curvature]",
)  # fmt: skip
@options.depth
@options.frame
@options.max_pixels
@options.bounded
@options.as_json
def command(
    inputs: tuple[str, ...],
    size: Sized,
    channels: str | None,
    output: str | None,
    force: bool,
    descent: bool,
    steps: int | None,
    rate: float | None,
    depth: int | None,
    frame: int | None,
    max_pixels: int | None,
    as_json: bool,
) -> int:
    """Learn which kernel, and bias, turns each BEFORE into the AFTER behind it.

    Least squares over all pixels, in closed form: the filter of another program or of a camera is copied from a picture
    and what that made of it. Left out are pixels of AFTER that are black or white, since they may have been cut off,
    and those whose windows reach over the border. Shown are the weights with their standard errors, what is left over,
    the kernel with a name that is most like it, and where no kernel explains AFTER what is likely: a shift, which is
    tried, a curve of brightness, vignetting, a larger kernel. One of the pictures may be - for standard input.
    """
    if len(inputs) % 2:
        msg = f"pictures come in pairs, BEFORE AFTER, and {quoted(inputs[-1])} has no partner"
        raise click.UsageError(msg)
    if not descent and (steps is not None or rate is not None):
        msg = f"{'--rate' if steps is None else '--steps'} is for gradient descent; it needs --descent"
        raise click.UsageError(msg)
    if output == STREAM and as_json:
        msg = "-o - and --json both print to standard output; give one of them"
        raise click.UsageError(msg)
    _check_output(output, force=force)
    pairs, errors = _read(inputs, depth=depth, frame=frame, max_pixels=max_pixels)
    for name, error in errors:
        render.error(f"{_called(name)}: {error}")
        if as_json:
            render.out(render.as_json({"input": name, "error": str(error)}))
    if errors:
        return 1
    from cnnfilter.cli.compiling import compiling
    from cnnfilter.learning.kernels.api import learn

    with compiling(quiet=False, verbose=False):
        learned = learn(pairs, parse_pair(size, "size"), channels)
    followed = learned.descent(STEPS if steps is None else steps, rate) if descent else []
    for note in learned.notes:
        render.warning(note)
    if output is not None:
        from cnnfilter.addresses.address import located
        from cnnfilter.learning.kernels.stored import kernel_file
        from cnnfilter.writing.write import Writing, write_atomically

        if output == STREAM:
            render.out(kernel_file(learned).decode())
            return 0
        write_atomically(located(output), kernel_file(learned), Writing(overwrite=force))
    render.out(_as_json(inputs, output, learned, followed) if as_json else _told(learned, followed))
    if output is not None:
        from cnnfilter.weights.layouts import readings

        shape = learned.kernel.shape
        is_told = len(shape) == 2 or "oihw" in [each.name for each in readings(shape)]
        advice = "" if is_told else "; its shape may be another's: take it with --layout oihw"
        render.message(f"wrote {readable(output)}  {shape[-2]}x{shape[-1]}{advice}")
    return 0


def _called(name: str) -> str:
    """What messages call an input."""
    return "standard input" if name == STREAM else without_secrets(name)


def _check_output(output: str | None, *, force: bool) -> None:
    """Refuse what cannot be written before anything is learned."""
    if output is None or output == STREAM:
        return
    from cnnfilter.addresses.address import located
    from cnnfilter.batch.names import wrong_output
    from cnnfilter.writing.write import check_free

    if reason := wrong_output(output):
        raise ArgumentError(reason)
    if PurePath(output).suffix.lower() != ".json":
        msg = f"-o writes the kernel as text, and {quoted(output)} does not end in .json"
        raise ArgumentError(msg)
    check_free(located(output), overwrite=force)


def _read(
    inputs: Sequence[str], *, depth: int | None, frame: int | None, max_pixels: int | None
) -> tuple[list[Pair], list[tuple[str, CnnfilterError]]]:
    """The pairs, and the pictures that cannot be read, each with the reason."""
    import numpy as np

    from cnnfilter.addresses.address import located
    from cnnfilter.batch.names import wrong_input
    from cnnfilter.imaging.formats import DEFAULT_MAX_PIXELS
    from cnnfilter.imaging.reading import read
    from cnnfilter.learning.kernels.pairs import Pair

    if reason := next(filter(None, map(wrong_input, inputs)), None):
        raise ArgumentError(reason)
    if inputs.count(STREAM) > 1:
        msg = "standard input can be read only once"
        raise ArgumentError(msg)
    pixels, errors = [], []
    for name in inputs:
        try:
            source = render.standard_input() if name == STREAM else located(name)
            picture = read(source, frame=frame, max_pixels=max_pixels or DEFAULT_MAX_PIXELS, depth=depth)
        except CnnfilterError as error:
            errors.append((name, error))
            continue
        for note in (*picture.notes, *(["transparency is left out"] if picture.alpha is not None else [])):
            render.warning(f"{_called(name)}: {note}")
        pixels.append(np.atleast_3d(picture.pixels))
    if errors:
        return [], errors
    names = [*map(_called, inputs)]
    pairs = zip(pixels[::2], pixels[1::2], names[::2], names[1::2], strict=True)
    return [Pair(before, after, (one, other)) for before, after, one, other in pairs], []


def _as_json(inputs: Sequence[str], output: str | None, learned: Learned, followed: Sequence[Step]) -> str:
    from cnnfilter.learning.kernels.stored import numbers, record

    data: dict[str, Any] = {"inputs": list(inputs), "output": output, **record(learned)}
    if followed:
        shape = learned.kernel.shape
        data["descent"] = [
            {"step": each.number, "mse": each.mse, "kernel": numbers(each.weights.reshape(shape))} for each in followed
        ]
    return render.as_json(data)


def _told(learned: Learned, followed: Sequence[Step]) -> str:
    """The description, and the steps of gradient descent."""
    filters, channels, height, width = learned.bank.weight.shape
    whom = {
        "one": "one for all channels",
        "each": f"one for each of {filters} channels",
        "sum": f"{filters} over {channels} channels",
    }[learned.channels]
    rows: Lines = [("kernel", f"{height}x{width}, {whom}"), *_matrices(learned)]
    biases = zip(learned.biases.tolist(), learned.bias_errors.tolist(), strict=True)
    rows += [
        ("bias" if i == 0 else "", f"{bias:.4g} (standard error {error:.2g})") for i, (bias, error) in enumerate(biases)
    ]
    left, clipped = learned.residual, f"; {learned.clipped:,} black or white ones are left out" * bool(learned.clipped)
    rows += [
        ("error", f"standard error of a weight, at most {learned.errors.max():.2g}"),
        ("pixels", f"{learned.pixels:,}{clipped}"),
        ("residual", f"RMS {left.rms:.3g}, largest {left.largest:.3g}, PSNR {learned.psnr:.1f} dB"),
    ]
    if left.pixels:
        rows.append(("rounded", f"{_per_cent(left.same, left.pixels)} of the pixels are those of AFTER"))
    if learned.channels == "one":
        rows.append(("nearest", _nearest(learned)))
    text = tables.facts(rows, render.width(), prose=True)
    return text + "\n" + _steps(learned, followed) if followed else text


def _per_cent(part: int, whole: int) -> str:
    """A part in per cent; all only where it is all."""
    shown = f"{100 * part / whole:.2f}"
    return "100%" if part == whole else f"{'99.99' if shown == '100.00' else shown}%"


def _matrices(learned: Learned) -> Lines:
    rows: Lines = []
    filters = learned.bank.weight
    shown = [(o, i) for o in range(filters.shape[0]) for i in range(filters.shape[1])]
    for o, i in shown[:MOST_SHOWN]:
        if len(shown) > 1:
            over = f", over channel {i}" if learned.channels == "sum" else ""
            rows.append((f"filter {o}", f"for channel {o}{over}"))
        rows += matrix_rows(_shown(filters[o, i].tolist(), float(abs(filters).max())))
    if len(shown) > MOST_SHOWN:
        rows.append(("more", f"{len(shown) - MOST_SHOWN} matrices; --json has them all"))
    return rows


def _shown(matrix: list[list[float]], largest: float) -> tuple[tuple[float, ...], ...]:
    """Weights with as many decimals as the largest needs for its digits."""
    import math

    decimals = DIGITS - 1 - math.floor(math.log10(largest)) if largest else 0
    return tuple(tuple(round(value, decimals) + 0.0 for value in row) for row in matrix)


def _nearest(learned: Learned) -> str:
    near = learned.nearest
    if near is None:
        return "no kernel with a name is like it"
    turned = " turned by 180 degrees (apply --true-convolution)" * near.turned
    times = "" if near.gain == 1 else f" times {near.gain:.4g}"
    return f"{near.name}{turned}{times}; the largest difference of a weight is {near.largest:.2g}"


def _steps(learned: Learned, followed: Sequence[Step]) -> str:
    """A table of the steps that are told, with the closed form as the last."""
    shape = learned.kernel.shape if learned.kernel.ndim == 2 else (-1, learned.kernel.shape[-1])
    kernels = [each.weights.reshape(shape).tolist() for each in followed]
    ends = [learned.kernel.reshape(shape).tolist()]
    names = [*(str(each.number) for each in followed), "closed form"]
    errors = [*(each.mse for each in followed), learned.rms**2]
    rows = []
    for name, mse, kernel in zip(names, errors, [*kernels, *ends], strict=True):
        largest = max(abs(value) for row in ends[0] for value in row)
        cells = tables.padded([[f"{value:.{DIGITS}g}" for value in row] for row in _shown(kernel, largest)])
        rows.append([name, f"{mse:.6g}", "\n".join(tables.GAP.join(row) for row in cells)])
    return tables.table(["STEP", "MSE", "KERNEL"], rows, (1,))
