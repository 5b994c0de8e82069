"""Stages that multiply with weights, from their text: kernels, matrices, files of weights or sizes alone."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from cnnfilter.errors import ArgumentError
from cnnfilter.kernels.kernel import KERNELS, Kernel, get_kernel, parse_matrix
from cnnfilter.kernels.matrix import looks_like_matrix
from cnnfilter.kernels.scaling import SCALES
from cnnfilter.messages import about, quoted
from cnnfilter.network import stages
from cnnfilter.network.arguments import LEARNED_KEYS, Choice, Given, Read, number, pair, whole, yes_or_no
from cnnfilter.network.stages.text import Piece, split, unescape
from cnnfilter.sizes import Pair, parse_border, parse_padding, parse_pair
from cnnfilter.weights.kinds import names_file
from cnnfilter.weights.layouts import LAYOUTS

_SIZES = r"(?ai)([0-9]{1,9})@([0-9]{1,9}(?:x[0-9]{1,9})?)"
_WINDOW = r"(?ai)[0-9]{1,9}(?:x[0-9]{1,9})?"
_COUNT = r"(?a)[0-9]{1,9}"
_MEANT_AS_SIZES = r"(?ai)[0-9x]*@.*|[0-9]+(x[0-9]+)+"

CONV_KEYS: dict[str, Read] = {
    "kernel": str,
    "stride": pair("stride"),
    "padding": parse_padding,
    "dilation": pair("dilation"),
    "border": parse_border,
    "groups": whole,
    "flip": yes_or_no,
    "scale": Choice("scale", SCALES),
    "bias": str,
    **LEARNED_KEYS,
    "layout": Choice("layout", tuple(LAYOUTS)),
}
"""No kernel has a parameter of one of these names; a test sees to it."""


def kernel_parameters(text: str) -> dict[str, Read]:
    """The keys of a named kernel's own parameters."""
    return {each.name: str for each in KERNELS[text].parameters} if text in KERNELS else {}


def read_conv(given: Given, make: Callable[..., stages.Stage], *, depthwise: bool = False) -> stages.Stage:
    """A convolution, or a transposed one, as `make` makes it of its parameters."""
    values = given.values
    raw, bias = values.pop("kernel"), values.pop("bias", None)
    parameters = {key: values.pop(key) for key in kernel_parameters(raw) if key in values}
    sizes = _sizes(raw, depthwise)
    if sizes is not None:
        values |= given.learned(stages.Conv)
    if bias is not None:
        values |= {"bias": _bias(bias)} if sizes is None else {"biased": yes_or_no(bias)}
    if sizes is None and names_file(unescape(raw), given.base):
        values["file"] = given.file(unescape(raw), values.pop("layout", None))
    elif "name" in values or "layout" in values:
        msg = "name and layout are for weight files"
        raise ArgumentError(msg)
    elif "random" in values or "weights" in values:
        msg = "random and weights are for sizes such as 32@3x3"
        raise ArgumentError(msg)
    else:
        values |= {"sizes": sizes} if sizes is not None else {"kernels": _kernels(raw, parameters)}
    return make(**values)


def output_padding(text: str) -> Pair:
    """Read how many rows and columns a transposed convolution gives at the end besides."""
    pads = parse_padding(text)
    if isinstance(pads, str) or any(begin != end for begin, end in pads):
        msg = f"output_padding takes one number or two (HEIGHTxWIDTH), not {quoted(text)}"
        raise ArgumentError(msg)
    return pads[0][0], pads[1][0]


def _bias(text: str) -> float:
    with about("bias "):
        return number(text)


def _sizes(raw: str, depthwise: bool) -> tuple[int, Pair] | None:
    found = re.fullmatch(_SIZES, raw)
    if found:
        count = int(found[1])
        if count < 1:
            msg = "there must be at least 1 filter"
            raise ArgumentError(msg)
        return count, parse_pair(found[2], "window")
    return (1, parse_pair(raw, "window")) if depthwise and re.fullmatch(_WINDOW, raw) else None


def _kernels(raw: str, parameters: Mapping[str, str]) -> tuple[Kernel, ...]:
    text = unescape(raw)
    if re.fullmatch(_COUNT, raw):
        msg = f"a number alone is no kernel; write {raw}@3x3 for {raw} filters of 3x3, or [{raw}] for the matrix of it"
        raise ArgumentError(msg)
    if looks_like_matrix(text):
        return (parse_matrix(text),)
    if re.fullmatch(_MEANT_AS_SIZES, raw):
        msg = f"sizes are written FILTERS@HEIGHTxWIDTH, such as 32@3x3, not {quoted(raw)}"
        raise ArgumentError(msg)
    names = [part.text for part in split(Piece(raw, 1), "+")]
    if len(names) > 1:
        return tuple(get_kernel(unescape(name)) for name in names)
    return (get_kernel(":".join([text, *(f"{key}={value}" for key, value in parameters.items())])),)


_BETWEEN = (
    stages.Absolute,
    stages.Activation,
    stages.BatchNorm,
    stages.Crop,
    stages.Dropout,
    stages.GlobalAveragePool,
    stages.GlobalMaxPool,
    stages.LocalResponse,
    stages.Normalize,
    stages.PReLU,
    stages.Pad,
    stages.Pool,
    stages.Resampling,
    stages.Softmax,
)
"""What may stand between a convolution and the magnitude of its maps: all of these are still there after it."""


def read_magnitude(given: Given) -> stages.Stage:
    """The magnitude of the maps of the nearest convolution before it."""
    for stage in reversed(given.before):
        if isinstance(stage, stages.Conv):
            return stages.Magnitude(stage)
        if not isinstance(stage, _BETWEEN):
            break
    msg = "needs a conv before it, whose maps of each channel it combines: conv:sobel-x+sobel-y,magnitude"
    raise ArgumentError(msg)


def read_dense(given: Given) -> stages.Stage:
    """A dense stage."""
    values = given.values
    text = unescape(values["units"]) if "units" in values else values.pop("weights", None)
    if text is None:
        msg = "needs a number of units or a weight file, such as dense:10"
        raise ArgumentError(msg)
    options = {"order": values.get("layout", "chw"), "biased": values.get("bias", True)}
    if re.fullmatch(r"-?[0-9]{1,9}", text):
        return stages.Dense(units=int(text), **options, **given.learned(stages.Dense))
    if "random" in values or "weights" in values:
        msg = "random and weights are for a number of units"
        raise ArgumentError(msg)
    if not names_file(text, given.base):
        msg = f"{quoted(text)} is neither a number of units nor a weight file"
        raise ArgumentError(msg)
    return stages.Dense(file=given.file(text), **options)
