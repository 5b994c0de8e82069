"""`cnnfilter apply`: filter pictures."""

from __future__ import annotations

import click
from click.core import ParameterSource

from cnnfilter.cli import commands, options
from cnnfilter.cli.batch import Batch
from cnnfilter.cli.batched import batched
from cnnfilter.cli.completion import complete_kernels
from cnnfilter.sizes import Border, Pads, Pair


@click.command(
    "apply",
    cls=commands.KernelCommand,
    short_help="Filter pictures with a kernel.",
    epilog="""\b
    Examples:
      cnnfilter apply edge photo.jpg               makes photo-edge.jpg
      cnnfilter apply box:size=5 *.png -o out/     makes out/NAME-box-size-5.png
      cnnfilter apply "-1 0 1; -2 0 2; -1 0 1" photo.png --range abs
      cnnfilter apply conv1.npy *.tif -o '{dir}/{name}-features.png'
      cnnfilter apply edge a.gif --frame all       a-edge.gif with all frames
      cnnfilter apply sharpen -r photos/ -o sharp/ the same tree of folders
      find . -name '*.png' -print0 | cnnfilter apply edge --files-from - -0
      cat photo.jpg | cnnfilter apply sobel - > edges.png
      cnnfilter apply edge s3://photos/ -o s3://edges/ --cluster local:2
    """,
)
@click.argument("kernel", type=options.kernel_text, shell_complete=complete_kernels)
@options.stride
@options.padding
@options.border
@options.dilation
@options.true_convolution
@options.scale
@options.bias
@options.value_range
@options.alpha
@options.kernel_name
@options.layout
@options.enlarge
@options.numbers
@options.beside
@batched("KERNEL", "png, jpeg, npy or csv")
@click.pass_context
def command(
    context: click.Context,
    kernel: str,
    batch: Batch,
    stride: Pair,
    padding: Pads | str,
    border: Border,
    dilation: Pair,
    flip: bool,
    scale: str,
    bias: float,
    range_: str,
    alpha: str,
    kernel_name: str | None,
    layout: str | None,
    enlarge: int | None,
    numbers: bool,
    beside: bool,
) -> int:
    """Filter each INPUT with KERNEL, and write a picture of the same kind beside it.

    KERNEL is a name that "cnnfilter kernels" lists, a file of weights (.npy, .npz, .json, .csv, .txt,
    .safetensors, .pt, .pth), or a matrix such as "0 -1 0; -1 5 -1; 0 -1 0": rows end at ; and numbers are split at
    blanks or commas. ImageMagick's "3x3:0,-1,0 -1,5,-1 0,-1,0" is read too. INPUT is a picture, a folder of pictures,
    or - for standard input; the result then goes to standard output, as PNG unless --format says otherwise.
    """
    from cnnfilter.weights.bank import find_kernel

    found = find_kernel(kernel, array_name=kernel_name, layout=layout)
    from cnnfilter.results.pictures import FilterTask  # with the compiler: a wrong name need not wait for that
    from cnnfilter.results.showing import Showing
    from cnnfilter.running.filter import Filter

    kernel_filter = Filter(
        found, stride=stride, padding=padding, dilation=dilation, border=border,
        flip=flip, scale=scale, bias=bias, range=range_,
    )  # fmt: skip
    showing = Showing(enlarge=enlarge, numbers=numbers, beside=beside)
    showing.check(in_place=batch.in_place, floats=batch.floats)
    task = FilterTask(
        kernel_filter, alpha=alpha, showing=showing,
        advise=context.get_parameter_source("range_") is ParameterSource.DEFAULT,
        saving=batch.saving, max_pixels=batch.limit, count_clipped=batch.verbose,
    )  # fmt: skip
    return batch.carry_out(task)
