"""Options that commands share, and what reads their values; each is written once."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Mapping
from typing import Any

import click

from cnnfilter.cli.commands import OptionalChoice
from cnnfilter.cli.completion import complete_files, complete_from
from cnnfilter.errors import ArgumentError
from cnnfilter.kernels.scaling import SCALES
from cnnfilter.messages import quoted
from cnnfilter.sizes import BORDER_WORDS, PADDINGS, parse_border, parse_padding, parse_pair
from cnnfilter.text.values import whole_number
from cnnfilter.weights.layouts import LAYOUTS

Command = Callable[..., Any]


class Parsed(click.ParamType):  # type: ignore[type-arg]  # not generic in every version that is supported
    """A parameter that the library reads; its error is the person's error message.

    Parameters
    ----------
    name : str
        What the help calls a value.
    parse : callable
        Takes the text; raises `ArgumentError`.
    """

    def __init__(self, name: str, parse: Callable[[str], Any]) -> None:
        self.name = name
        self.parse = parse

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """What the text stands for; a default that is no text is passed through."""
        return self.parse(value) if isinstance(value, str) else value


def place(*names: str, what: str, otherwise: str = "map 0", default: str = "") -> Callable[[Command], Command]:
    """An option of the place of a value in a result; its help begins with `what`."""

    def parse(text: str) -> tuple[int, ...]:
        parts = text.strip("([ ])").split(",")
        if len(parts) > 3 or (len(parts) == 1 and not re.fullmatch("[+-]?[0-9]+", parts[0].strip())):
            msg = f"{names[0]} takes ROW,COL or ROW,COL,MAP, or the index in a vector, not {quoted(text)}"
            raise ArgumentError(msg)
        return tuple(whole_number(part, names[0], 0) for part in parts)

    help = f"{what}, counted from 0 ({otherwise} unless given); of a vector its index.{default}"
    return click.option(*names, type=Parsed("PLACE", parse), metavar="ROW,COL[,MAP]", help=help)


def _format(text: str) -> str:
    from cnnfilter.imaging.formats import format_named

    return format_named(text)


def _frame(text: str) -> int | str:
    if text == "all":
        return text
    if not re.fullmatch("[0-9]{1,9}", text):
        msg = f"a frame is a whole number from 0, or all, not {quoted(text)}"
        raise click.BadParameter(msg)
    return int(text)


def _format_names() -> list[str]:
    from cnnfilter.imaging.formats import ARRAYS, FORMATS

    return [name.lower() for name in (*FORMATS, *ARRAYS)]


def _save_option(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not (key and equals):
        msg = f"--save-option takes KEY=VALUE, such as quality=80, not {quoted(text)}"
        raise ArgumentError(msg)
    return key, value


def _save_keys() -> Mapping[str, str]:
    from cnnfilter.imaging.options import OPTIONS

    return {f"{key}=": option.takes for known in OPTIONS.values() for key, option in known.items()}


# Kinds of options
flag = functools.partial(click.option, is_flag=True)


def whole(*names: str, help: str, minimum: int = 1, metavar: str = "N") -> Callable[[Command], Command]:
    """An option of a whole number."""
    return click.option(*names, type=click.IntRange(min=minimum), metavar=metavar, help=help)


def size(*names: str, help: str, default: int | None = None) -> Callable[[Command], Command]:
    """An option of a number for each axis; messages call it by its last name."""
    parse = Parsed("SIZE", lambda text: parse_pair(text, names[-1].removeprefix("--")))
    return click.option(*names, type=parse, default=default, metavar="N|HxW", help=help)


def pads(*names: str, what: str, default: str, given: str | None = None) -> Callable[[Command], Command]:
    """An option of a padding; its help begins with `what` and ends with the default, which is `given` if it is used."""
    return click.option(
        *names, type=Parsed("PADDING", parse_padding), default=given, metavar="N|HxW|T+BxL+R|WORD",
        shell_complete=complete_from(lambda: PADDINGS, files=False),
        help=f"{what}, or one of valid (none), same, same-lower.  [default: {default}]",
    )  # fmt: skip


# How the kernel slides
stride = size("--stride", default=1, help="Step between windows, in pixels.  [default: 1]")
padding = pads("--padding", what="Pixels added around the picture", default="same", given="same")
border = click.option(
    "--border", type=Parsed("BORDER", parse_border), default="replicate", metavar="NAME",
    shell_complete=complete_from(lambda: BORDER_WORDS, files=False),
    help="What the padding holds: zeros, constant=V, replicate, reflect, symmetric or circular.  "
    "[default: replicate]",
)  # fmt: skip
dilation = size("--dilation", default=1, help="Distance between the kernel's taps, in pixels.  [default: 1]")
true_convolution = flag(
    "--true-convolution", "flip", help="Turn the kernel by 180 degrees first, as mathematics does; CNNs do not."
)

# What becomes of the numbers. Words of rooms that load NumPy stand here too; a test compares them.
scale = click.option(
    "--scale", type=click.Choice(SCALES), default="none", show_default=True,
    help="Divide the kernel by its sum (of its positive weights where that is 0), or by that of its magnitudes (l1).",
)  # fmt: skip
bias = click.option("--bias", type=float, default=0.0, metavar="V", help="Added to every result.  [default: 0]")
value_range = click.option(
    "--range", "range_", type=click.Choice(["clip", "abs", "normalize", "center"]), default="clip",
    show_default=True,
    help="How results become pixels: clip to black and white, take magnitudes, stretch from darkest to "
    "brightest, or put 0 at mid grey.",
)  # fmt: skip
alpha = click.option(
    "--alpha", type=click.Choice(["keep", "drop", "filter"]), default="keep", show_default=True,
    help="Transparency: carry it through, where transparent neighbours count as the centre's colour; leave it out; or "
    "filter it like a colour.",
)  # fmt: skip

# Kernels
kernel_text = Parsed("KERNEL", lambda text: text[1:] if text.startswith(" -") else text)
"""A kernel without the blank that `KernelCommand` put before a minus."""
kernel_name = click.option(
    "--kernel-name", metavar="NAME", help="Which array of a weight file, or which layer, is the kernel."
)
layout = click.option(
    "--layout", type=click.Choice(tuple(LAYOUTS)),
    help="Order of a weight file's four axes, where its shape does not tell.",
)  # fmt: skip

# Reading pictures, and other files


def size_in_bytes(what: str) -> Parsed:
    """The type of an amount of bytes, such as 4G; messages call it `what`."""

    def parse(text: str) -> int:
        from cnnfilter.batch.memory import parse_memory

        return parse_memory(text, what)

    return Parsed("SIZE", parse)


def _allow(context: click.Context, param: click.Parameter, most: int | None) -> int | None:
    """Let files at addresses have so many bytes, while the command lasts."""
    if most is not None:
        from cnnfilter.addresses import reading
        from cnnfilter.addresses.schemes import DEFAULT_MAX_BYTES

        reading.allow(most)
        context.call_on_close(functools.partial(reading.allow, DEFAULT_MAX_BYTES))
    return most


def _max_bytes(help: str, *, is_passed: bool) -> Callable[[Command], Command]:
    return click.option(
        "--max-bytes", type=size_in_bytes("--max-bytes"), metavar="SIZE", callback=_allow, expose_value=is_passed,
        help=f"{help}, before they are fetched or while; from 1 MB on.  [default: 1GiB]",
    )  # fmt: skip


max_bytes = _max_bytes("Refuse files at addresses that are larger", is_passed=True)
bounded = _max_bytes(
    "All files may be at addresses, such as s3://BUCKET/KEY: see the README. Refuse what is larger of these",
    is_passed=False,
)
"""The same for commands whose help does not tell of addresses, and which need not know of it."""

_REDUCED = "Reduce 16-bit channels to 8 bits, which 16-bit colour needs; grey is rounded, colour cut off by the decoder"
depth = click.option("--depth", type=click.Choice([8]), help=f"{_REDUCED}.  [default: as the input]")
result_depth = click.option(
    "--depth", type=click.Choice(["8", "float"]),
    help=f"{_REDUCED}; or write results as they are, neither rounded nor clipped, as float .npy or the .tif or .pfm "
    "that -o or --format names.  [default: as the input]",
)  # fmt: skip
_FRAME = "Which frame of an animation or page of a TIFF, counted from 0"
frame = whole("--frame", minimum=0, help=f"{_FRAME}.")
frames = click.option(
    "--frame", type=Parsed("N", _frame), metavar="N|all", shell_complete=complete_from(lambda: ["all"], files=False),
    help=f"{_FRAME}; or all, into one TIFF, GIF, WebP, PNG or AVIF, or to a file each where {{frame}} stands in -o.",
)  # fmt: skip
max_pixels = whole(
    "--max-pixels",
    help="Refuse larger pictures before decoding them, and larger results before computing them.  "
    "[default: 89478485]",
)  # fmt: skip


# Writing pictures
def output(kernel: str) -> Callable[[Command], Command]:
    """The option that names outputs; `kernel` is what stands in a name behind the input's."""
    return click.option(
        "-o", "--output", metavar="PATH", shell_complete=complete_files,
        help="A file, a folder, - for standard output, or a template with {name}, {kernel}, {ext}, {dir} or {frame}, "
        "whose folders are made (a brace itself is written twice; at the end, {ext} follows the result, elsewhere it "
        "is the input's).  "
        f"[default: NAME-{kernel}.EXT beside the input]",
    )  # fmt: skip


def labels(names: str) -> Callable[[Command], Command]:
    """The option of a file of labels; its help begins with what they are."""
    return click.option(
        "--labels", metavar="FILE", shell_complete=complete_files,
        help=f"{names}: a text file with one a line.  "
        "[default: STEM.labels.txt beside the file of a network or its weights]",
    )  # fmt: skip


def output_format(examples: str) -> Callable[[Command], Command]:
    """The option that names the format; `examples` are some that the command writes."""
    return click.option(
        "--format", "format_", type=Parsed("FORMAT", _format), metavar="NAME",
        shell_complete=complete_from(_format_names, files=False),
        help=f"Format of the output, such as {examples}.  [default: by its name, else as the input]",
    )  # fmt: skip


save_options = click.option(
    "--save-option", "save_options", multiple=True, type=Parsed("KEY=VALUE", _save_option),
    metavar="KEY=VALUE", shell_complete=complete_from(_save_keys, files=False),
    help="Passed to the encoders of the formats that have it, such as lossless=yes; repeatable.",
)  # fmt: skip
quality = click.option(
    "--quality", metavar="N|keep", shell_complete=complete_from(lambda: ["keep"], files=False),
    help="Of JPEG, WebP and AVIF, from 1 to 100; keep takes over quality and subsampling of a JPEG.  [default: 90]",
)  # fmt: skip
strip = click.option(
    "--strip", type=click.Choice(["all", "privacy"]), cls=OptionalChoice,
    shell_complete=complete_from(lambda: {"all": "", "privacy": "keeps colour profile and resolution"}),
    help="Leave out EXIF, IPTC, XMP, comments, texts, colour profile and resolution; with privacy, all but the last "
    "two.  [without a word: all]",
)  # fmt: skip
force = flag(
    "-f", "--force", help="Overwrite existing files, read-only ones too, keeping their permissions; never an input."
)

# Pictures to look at
enlarge = whole("--enlarge", help="Write each pixel as a square of N by N pixels.")
numbers = flag("--numbers", help="Write each pixel's numbers into it, as far as --enlarge makes room.")
beside = flag("--beside", help="Put the input to the left of the result, in one picture.")
show = flag(
    "--show",
    help="Show each picture that is written in the terminal, in order, of several in a file the first: as kitty or "
    "sixel does, where the terminal can and cnnfilter[preview] is installed, else in half blocks.  Does nothing where "
    "standard output is no terminal, and with -q.",
)

# How the program behaves
threads = whole("--threads", help="Threads for each picture.  [default: all cores]")
quiet = flag("-q", "--quiet", help="Say nothing but errors.")
verbose = flag("-v", "--verbose", help="Say also format, time, how many values were clipped, and the sizes in a chain.")
_BYTES = r"bytes of a name that are no UTF-8 appear as \xff"
as_json = flag("--json", "as_json", help=f"Write JSON to standard output instead of text; {_BYTES}.")
json_lines = flag(
    "--json", "as_json",
    help="Write JSON to standard output, one object a line: for each input its output, whether that existed and the "
    f"input was skipped, or the error; if all is refused, the error alone.  {_BYTES[0].upper()}{_BYTES[1:]}.",
)  # fmt: skip
