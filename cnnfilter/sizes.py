"""Output sizes, padding and borders: integers only, and the one place with the formula.

For one axis of `n` samples, a window of `k` taps, dilation `d`, stride `s` and `begin + end` samples of
padding::

    out = floor((n + begin + end - d*(k - 1) - 1) / s) + 1

which with `d = 1` is the course's `floor((n + 2p - f) / s) + 1`. Everything that has two axes is written
height before width.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

from cnnfilter.errors import ArgumentError, ShapeError
from cnnfilter.messages import nearest, quoted
from cnnfilter.text.numbers import FLOAT32_MAX
from cnnfilter.text.values import is_sequence, listed, switch, whole_number

Pair = tuple[int, int]
"""One number for the vertical axis and one for the horizontal."""
Pads = tuple[Pair, Pair]
"""((above, below), (left, right)), in samples."""
NONE: Pads = ((0, 0), (0, 0))
"""No padding."""
ONE: Pair = (1, 1)
"""The stride and dilation of what leaves out nothing."""
Size = int | Sequence[int] | str
"""A window, stride or dilation as a caller writes it: `2`, `(2, 1)` or `"2x1"`."""
Padding = int | Sequence[int] | Sequence[Sequence[int]] | str
"""Padding as a caller writes it: see `parse_padding`."""

LARGEST = 1_000_000
"""The largest window, stride, dilation or padding: beyond it is a slip of the finger, and sums may overflow."""

SAME = ("same", "same-lower")
"""Paddings whose amount depends on the size of the input."""

PADDINGS = ("valid", *SAME)
"""The paddings that are words."""


def parse_pair(value: Size, name: str) -> Pair:
    """Read a window, a stride or a dilation.

    Parameters
    ----------
    value : int, pair of int or str
        `2`, `(2, 1)`, `"2"` or `"2x1"`, height before width; pairs are sequences or arrays.
    name : str
        What it is, for the error message.

    Returns
    -------
    tuple of int
        The number for each of the two axes.

    Raises
    ------
    ArgumentError
        If it is none of these, or a number is below 1.

    Examples
    --------
    >>> parse_pair("2x1", "stride")
    (2, 1)
    """
    given = listed(value)
    if isinstance(given, str):
        parts: Sequence[object] = [part.strip() for part in given.lower().split("x")]
    else:
        parts = given if is_sequence(given) else [given]
    if len(parts) == 1:
        _check_separator(parts[0], name)
        parts = [parts[0], parts[0]]
    if len(parts) != 2 or _any_blank(parts):
        msg = f"{name} takes one number or two (HEIGHTxWIDTH), not {quoted(value)}"
        raise ArgumentError(msg)
    return whole_number(parts[0], name, 1, LARGEST), whole_number(parts[1], name, 1, LARGEST)


def _check_separator(value: object, name: str) -> None:
    """Refuse two numbers parted by a comma, a blank or a star, in parentheses or not, and say how they are written."""
    found = re.fullmatch(r"\s*[(\[]?\s*(\d+)\s*[,;*\s]\s*(\d+)\s*[)\]]?\s*", value) if isinstance(value, str) else None
    if found:
        msg = f"{name}: write {quoted(f'{found[1]}x{found[2]}')} (height x width), not {quoted(value)}"
        raise ArgumentError(msg)


def parse_shape(value: object) -> tuple[int, ...]:
    """Read the shape of a chain's input, (H, W, C) of a picture or (n,) of a vector.

    Raises
    ------
    ArgumentError
        If it is none of these; how large a side may be is the plan's to say.
    """
    sides = listed(value)
    if not is_sequence(sides) or len(sides) not in (1, 3):
        msg = f"shape must be (H, W, C) of a picture, or (n,) of a vector, not {quoted(value)}"
        raise ArgumentError(msg)
    return tuple(whole_number(side, "shape", 1) for side in sides)


def _any_blank(parts: Sequence[object]) -> bool:
    """Whether a text's number is missing, as behind the x of `2x`."""
    return any(isinstance(part, str) and not part.strip() for part in parts)


def parse_padding(value: Padding, *, lowest: int = 0) -> Pads | str:
    """Read a padding as a caller writes it.

    Parameters
    ----------
    value : int, pair, pair of pairs or str
        `2` (all four sides), `(1, 2)` (above and below, left and right), `((1, 2), (0, 3))`
        (above, below, left, right); as text `"2"`, `"1x2"`, `"1+2x0+3"`, or `"valid"`, `"same"`,
        `"same-lower"`.
    lowest : int
        The least amount.

    Returns
    -------
    tuple of pairs, or str
        The four amounts in samples, or `"same"` or `"same-lower"`, whose amounts depend on the input.

    Raises
    ------
    ArgumentError
        If it is none of these forms, or an amount is below the lowest.

    Examples
    --------
    >>> parse_padding("1+2x0+3")
    ((1, 2), (0, 3))
    """
    given = listed(value)
    if isinstance(given, str):
        word = given.strip().lower().replace("_", "-")
        if word in SAME:
            return word
        if word == "valid":
            return NONE
        _check_separator(word, "padding")
        if not re.fullmatch(r"[-+\dx ]+", word):
            msg = f"padding must be a number, HxW, T+BxL+R, valid, same or same-lower, not {quoted(value)}"
            raise ArgumentError(msg)
        axes: Sequence[object] = [axis.split("+") if "+" in axis else axis for axis in word.split("x")]
    else:
        axes = given if is_sequence(given) else [given]
    if len(axes) == 1:
        axes = [axes[0], axes[0]]
    if len(axes) != 2:
        msg = f"padding takes one number, or one or two for each axis, not {quoted(value)}"
        raise ArgumentError(msg)
    first = _sides(axes[0], value, lowest)
    return first, first if axes[1] is axes[0] else _sides(axes[1], value, lowest)


def _sides(axis: object, whole: object, lowest: int = 0) -> Pair:
    axis = listed(axis)
    sides = list(axis) if is_sequence(axis) else [axis, axis]
    if len(sides) != 2 or _any_blank(sides):
        msg = f"padding takes one number, or one or two for each axis, not {quoted(whole)}"
        raise ArgumentError(msg)
    return whole_number(sides[0], "padding", lowest, LARGEST), whole_number(sides[1], "padding", lowest, LARGEST)


def axis_pads(padding: Pair | str, n: int, window: int, stride: int = 1, dilation: int = 1) -> Pair:
    """The samples of padding before and after one axis.

    `same` gives `ceil(n / stride)` outputs; of an odd total the larger half goes to the end
    (TensorFlow, ONNX SAME_UPPER), or to the beginning for `same-lower` (ONNX SAME_LOWER).

    Examples
    --------
    >>> axis_pads("same", 224, window=7, stride=2)
    (2, 3)
    """
    if not isinstance(padding, str):
        return padding
    out = -(-n // stride)
    total = max(0, (out - 1) * stride + dilation * (window - 1) + 1 - n)
    small, large = total // 2, total - total // 2
    return (small, large) if padding == "same" else (large, small)


def resolve_pads(padding: Pads | str, size: Pair, window: Pair, stride: Pair, dilation: Pair) -> Pads:
    """The four amounts of padding for an input of `size` (height, width)."""
    vertical, horizontal = (padding, padding) if isinstance(padding, str) else padding
    return (
        axis_pads(vertical, size[0], window[0], stride[0], dilation[0]),
        axis_pads(horizontal, size[1], window[1], stride[1], dilation[1]),
    )


def _axis_padding(padding: int | Pair | str) -> Pair | str:
    """Read the padding of one axis: a number, its two sides, or a text that pads both axes alike."""
    given = listed(padding)
    if not isinstance(given, str):
        return _sides(given, padding)
    parsed = parse_padding(given)
    if isinstance(parsed, str):
        return parsed
    if parsed[0] != parsed[1]:
        msg = f"padding {quoted(padding)} is of two axes, HxW; one axis takes a number, or a pair (begin, end)"
        raise ArgumentError(msg)
    return parsed[0]


def output_size(
    n: int,
    window: int,
    *,
    stride: int = 1,
    padding: int | Pair | str = 0,
    dilation: int = 1,
    ceil_mode: bool = False,
) -> int:
    """The number of outputs of a window sliding along one axis.

    Parameters
    ----------
    n : int
        Samples of the input along this axis.
    window : int
        Taps of the kernel or pooling window.
    stride : int
        Samples between the starts of neighbouring windows.
    padding : int, (begin, end) or str
        Samples added at both ends, at each end, or `"valid"`, `"same"`, `"same-lower"`; texts mean what they do for two
        axes, so that one that pads these differently is refused.
    dilation : int
        Samples between neighbouring taps.
    ceil_mode : bool
        Round up instead of down, as PyTorch does: a last window that would start in the end padding is dropped, and
        one that reaches less than a stride beyond the padded input is kept.

    Returns
    -------
    int
        At least 1.

    Raises
    ------
    ArgumentError
        If a number is below its limit.
    ShapeError
        If the window is larger than the padded input.

    Notes
    -----
    ``floor((n + begin + end - dilation*(window - 1) - 1) / stride) + 1``, as in PyTorch's `Conv2d` and
    `MaxPool2d`.

    Examples
    --------
    >>> output_size(28, 3)
    26
    >>> output_size(224, 7, stride=2, padding="same")
    112
    >>> output_size(2, 3, stride=2, ceil_mode=True)
    1
    """
    n = whole_number(n, "n", 1)
    window = whole_number(window, "window", 1, LARGEST)
    stride = whole_number(stride, "stride", 1, LARGEST)
    dilation = whole_number(dilation, "dilation", 1, LARGEST)
    sides = _axis_padding(padding)
    begin, end = axis_pads(sides, n, window, stride, dilation)
    span = dilation * (window - 1) + 1
    room = n + begin + end - span
    ceil_mode = switch(ceil_mode, "ceil_mode")
    if room < (1 - stride if ceil_mode else 0):  # rounded up, one window that begins within the input is left
        dilated = f" (spanning {span} with dilation {dilation})" if dilation > 1 else ""
        padded = f" padded to {n + begin + end}" if begin + end else ""
        msg = f"window {window}{dilated} does not fit in {n}{padded}"
        raise ShapeError(msg)
    if not ceil_mode:
        return room // stride + 1
    out = -(-room // stride) + 1
    return out - 1 if (out - 1) * stride >= n + begin else out


def output_sizes(
    size: Pair, window: Pair, stride: Pair, pads: Pads, dilation: Pair, *, ceil_mode: bool = False
) -> Pair:
    """The output height and width; `output_size` for both axes.

    Raises
    ------
    ShapeError
        If the window is larger than the padded input; the message names both in full.
    """
    try:
        height, width = (
            output_size(size[i], window[i], stride=stride[i], padding=pads[i], dilation=dilation[i],
                        ceil_mode=ceil_mode)
            for i in (0, 1)
        )  # fmt: skip
    except ShapeError:
        padded = [size[i] + sum(pads[i]) for i in (0, 1)]
        span = [dilation[i] * (window[i] - 1) + 1 for i in (0, 1)]
        dilated = f" (spanning {span[0]}x{span[1]} when dilated)" if span != list(window) else ""
        around = f", padded to {padded[0]}x{padded[1]}" if padded != list(size) else ""
        # a picture is called WIDTHxHEIGHT elsewhere
        order = "" if all(pair[0] == pair[1] for pair in (size, window, padded, span)) else " (height x width)"
        msg = (
            f"window {window[0]}x{window[1]}{dilated} does not fit in {size[0]}x{size[1]}{around}{order}; "
            "use more padding or a smaller kernel"
        )
        raise ShapeError(msg) from None
    return height, width


BORDERS = ("zeros", "constant", "replicate", "reflect", "symmetric", "circular")
"""What the padding may hold; `zeros` is `constant=0`."""

BORDER_WORDS = tuple("constant=" if name == "constant" else name for name in BORDERS)
"""What a border's text may begin with."""

BORDER_ALIASES = {
    "nearest": "replicate",  # SciPy
    "edge": "replicate",  # NumPy, ONNX
    "mirror": "reflect",  # SciPy
    "reflect-101": "reflect",  # OpenCV
    "reflect101": "reflect",
    "border-reflect": "symmetric",  # OpenCV's whole name: unlike the bare word it is not ambiguous
    "wrap": "circular",  # SciPy, OpenCV, NumPy, ONNX
    "grid-mirror": "symmetric",  # SciPy's other names
    "grid-wrap": "circular",
    "grid-constant": "constant",
}
"""Other libraries' names. A bare `reflect` keeps the meaning of PyTorch and NumPy: SciPy and OpenCV use the
word for `symmetric`, and cannot be told apart."""


@dataclass(frozen=True)
class Border:
    """What the padding holds: `mode` is one of `BORDERS` but `zeros`, `value` is that of `constant`."""

    mode: str = "constant"
    value: float = 0.0

    def __str__(self) -> str:
        if self.mode != "constant":
            return self.mode
        return f"constant={self.value!r}".removesuffix(".0") if self.value else "zeros"


def parse_border(value: str | Border) -> Border:
    """Read a border by its name, or by its name in another library.

    Raises
    ------
    ArgumentError
        If the name is unknown, or the constant is not a finite number of float32.

    Examples
    --------
    >>> parse_border("constant=3")
    Border(mode='constant', value=3.0)
    >>> str(parse_border("mirror"))
    'reflect'
    """
    if not isinstance(value, (str, Border)):
        msg = f"border must be a name, one of {', '.join(BORDERS)}, not {quoted(value)}"
        raise ArgumentError(msg)
    value = str(value)
    word, equals, number = value.strip().lower().partition("=")
    word = word.strip().replace("_", "-")
    word = word if word in BORDER_ALIASES else word.removeprefix("border-")
    word = BORDER_ALIASES.get(word, word)
    if word not in BORDERS or (equals and word != "constant"):
        known = [*BORDERS, *BORDER_ALIASES]
        msg = f"unknown border {quoted(value)}{nearest(word, known)} (known: {', '.join(BORDERS)})"
        raise ArgumentError(msg)
    if not equals:
        return Border() if word in ("zeros", "constant") else Border(word)
    try:
        constant = float(number)
    except ValueError:
        constant = math.nan
    if not abs(constant) <= FLOAT32_MAX:
        msg = f"the border's constant must be a finite number, not {quoted(number)}"
        if not math.isnan(constant) and "inf" not in number.lower():
            msg = f"the border's constant {quoted(number)} is too large for float32 (at most {FLOAT32_MAX:.3g})"
        raise ArgumentError(msg)
    return Border("constant", constant)
