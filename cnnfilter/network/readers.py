"""What each stage's text may hold, and the stage that it makes. A new stage is one entry of `READERS`."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

from cnnfilter.errors import ArgumentError
from cnnfilter.kernels.kernel import KERNELS, Kernel, get_kernel, parse_matrix
from cnnfilter.kernels.matrix import looks_like_matrix
from cnnfilter.kernels.scaling import SCALES
from cnnfilter.messages import about, quoted
from cnnfilter.network import stages
from cnnfilter.network.activations import ACTIVATIONS
from cnnfilter.network.stages.dense import ORDERS
from cnnfilter.network.stages.pictures import FILTERS
from cnnfilter.network.stages.pointwise import IMAGENET
from cnnfilter.network.stages.resampling import COORDINATES, MODES, ROUNDINGS
from cnnfilter.network.stages.text import Piece, split, unescape
from cnnfilter.sizes import BORDER_WORDS, LARGEST, PADDINGS, Pads, Pair, parse_border, parse_padding, parse_pair
from cnnfilter.text.numbers import parse_number
from cnnfilter.text.values import one_of
from cnnfilter.weights.kinds import names_file
from cnnfilter.weights.layouts import LAYOUTS, TRANSPOSED
from cnnfilter.weights.parameters import Named, RandomParameters

if TYPE_CHECKING:
    from pathlib import Path

_SIZES = r"(?ai)([0-9]{1,9})@([0-9]{1,9}(?:x[0-9]{1,9})?)"
_WINDOW = r"(?ai)[0-9]{1,9}(?:x[0-9]{1,9})?"
_COUNT = r"(?a)[0-9]{1,9}"
_MEANT_AS_SIZES = r"(?ai)[0-9x]*@.*|[0-9]+(x[0-9]+)+"

Read = Callable[[str], Any]
"""From the text of a value to the value."""


class Given(NamedTuple):
    """What a stage is made of.

    Parameters
    ----------
    values : dict
        By key.
    before : sequence of Stage
        Those whose results lead to it, back to the input or to where branches meet; the last is the one before.
    earlier : sequence of Stage
        All that are read already.
    base : Path, optional
        The folder that paths are relative to.
    name : str, optional
        What the stage is called.
    """

    values: dict[str, Any]
    before: Sequence[stages.Stage]
    earlier: Sequence[stages.Stage]
    base: Path | None
    name: str | None

    def path(self, text: str) -> str:
        """The path of a file."""
        return text if self.base is None else str(self.base / text)

    def learned(self, stage: type[stages.Learned]) -> dict[str, Any]:
        """Where a stage's numbers are from, if that is said: drawn, or a state dict's of some name."""
        seed, file, name = (self.values.pop(key, None) for key in LEARNED_KEYS)
        if seed is not None and file is not None:
            msg = "takes one of random and weights"
            raise ArgumentError(msg)
        if name is not None and file is None:
            msg = "name is for weight files"
            raise ArgumentError(msg)
        if seed is not None:
            return {"learned": RandomParameters(seed, stage.initial)}
        if file is None:
            return {}
        from cnnfilter.weights.state import load_state  # brings NumPy, which sizes alone do not need

        return {"learned": Named(load_state(self.path(file)), name or self.name or "")}

    def file(self, path: str, layout: str | None = None) -> stages.WeightFile:
        """A file; an equal one of an earlier stage if there is one: it is read, and takes memory, once."""
        file = stages.WeightFile(self.path(path), self.values.pop("name", None), layout)
        return next((known for stage in self.earlier if (known := getattr(stage, "file", None)) == file), file)


class Reader(NamedTuple):
    """How one stage is read.

    Parameters
    ----------
    make : callable
        From what is given to the stage.
    keys : mapping
        What reads the value of each key.
    bare : str, optional
        The key that the first argument may stand without.
    needs : str
        What to say where that one is missing; empty if it may be.
    more : callable
        Gives further keys from the bare argument's text: a kernel's own parameters.
    """

    make: Callable[[Given], stages.Stage]
    keys: Mapping[str, Read] = MappingProxyType({})
    bare: str | None = None
    needs: str = ""
    more: Callable[[str], Mapping[str, Read]] = lambda text: {}


def yes_or_no(text: str) -> bool:
    """Read a switch."""
    words = {"yes": True, "true": True, "1": True, "no": False, "false": False, "0": False}
    if text.lower() not in words:
        msg = f"{quoted(text)} must be yes or no"
        raise ArgumentError(msg)
    return words[text.lower()]


def _number(text: str) -> float:
    return float(parse_number(text))


def _numbers(text: str) -> tuple[float, ...]:
    return tuple(_number(part) for part in text.split("+"))


def _divisor(text: str) -> float | str:
    """What normalize divides by, or the set of numbers that a word stands for."""
    return text.lower() if text.lower() in _SETS else _number(text)


_SETS = {"imagenet": IMAGENET}
"""Mean and deviation by the name of what they were taken from."""


def _scales(text: str) -> tuple[float, float]:
    parts = [_number(part) for part in text.lower().split("x")]
    if len(parts) > 2:
        msg = f"scale takes one number or two (HEIGHTxWIDTH), not {quoted(text)}"
        raise ArgumentError(msg)
    return parts[0], parts[-1]


def _shorter_or_both(text: str) -> int | Pair:
    height, width = parse_pair(text, "size")
    return (height, width) if "x" in text.lower() else height


def _whole(text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,9}", text):
        msg = f"{quoted(text)} must be a whole number"
        raise ArgumentError(msg)
    return int(text)


def _pair(name: str) -> Read:
    return lambda text: parse_pair(text, name)


@dataclass(frozen=True)
class Choice:
    """Reads one of some words."""

    name: str
    known: Sequence[str]

    def __call__(self, text: str) -> str:
        """The word.

        Raises
        ------
        ArgumentError
            If it is none of them; with the nearest.
        """
        return text.lower() if text.lower() in self.known else one_of(text, self.name, self.known)


def words_of(read: Read) -> Sequence[str]:
    """The words that a value may be, among others perhaps, by what reads it."""
    words: dict[Read, Sequence[str]] = {
        yes_or_no: ("yes", "no"),
        parse_padding: PADDINGS,
        parse_border: BORDER_WORDS,
        _divisor: tuple(_SETS),
    }
    return read.known if isinstance(read, Choice) else words.get(read, ())


LEARNED_KEYS: dict[str, Read] = {"random": _whole, "weights": unescape, "name": unescape}
"""Where the numbers of a stage are from that its text gives the sizes of."""


# Convolutions


CONV_KEYS: dict[str, Read] = {
    "kernel": str,
    "stride": _pair("stride"),
    "padding": parse_padding,
    "dilation": _pair("dilation"),
    "border": parse_border,
    "groups": _whole,
    "flip": yes_or_no,
    "scale": Choice("scale", SCALES),
    "bias": str,
    **LEARNED_KEYS,
    "layout": Choice("layout", tuple(LAYOUTS)),
}
"""No kernel has a parameter of one of these names; a test sees to it."""


def _kernel_parameters(text: str) -> dict[str, Read]:
    return {each.name: str for each in KERNELS[text].parameters} if text in KERNELS else {}


def _conv(given: Given, make: Callable[..., stages.Stage], *, depthwise: bool = False) -> stages.Stage:
    values = given.values
    raw, bias = values.pop("kernel"), values.pop("bias", None)
    parameters = {key: values.pop(key) for key in _kernel_parameters(raw) if key in values}
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


def _extra(text: str) -> Pair:
    pads = parse_padding(text)
    if isinstance(pads, str) or any(begin != end for begin, end in pads):
        msg = f"output_padding takes one number or two (HEIGHTxWIDTH), not {quoted(text)}"
        raise ArgumentError(msg)
    return pads[0][0], pads[1][0]


def _bias(text: str) -> float:
    with about("bias "):
        return _number(text)


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


def _magnitude(given: Given) -> stages.Stage:
    for stage in reversed(given.before):
        if isinstance(stage, stages.Conv):
            return stages.Magnitude(stage)
        if not isinstance(stage, _BETWEEN):
            break
    msg = "needs a conv before it, whose maps of each channel it combines: conv:sobel-x+sobel-y,magnitude"
    raise ArgumentError(msg)


# The others


def _dense(given: Given) -> stages.Stage:
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


def _normalize(given: Given) -> stages.Stage:
    values = given.values
    if isinstance(name := values.get("divide"), str):
        if len(values) > 1:
            msg = f"{name} is a mean and a std already; give it alone"
            raise ArgumentError(msg)
        return stages.Normalize(None, *_SETS[name])
    return stages.Normalize(**values)


def _plain(
    stage: type[stages.Stage], keys: Mapping[str, Read] | None = None, bare: str | None = None, needs: str = ""
) -> Reader:
    return Reader(lambda given: stage(**given.values), keys or {}, bare, needs)


def _learned(stage: type[stages.Learned], keys: Mapping[str, Read]) -> Reader:
    def make(given: Given) -> stages.Stage:
        numbers = given.learned(stage)
        return stage(**given.values, **numbers)

    return Reader(make, {**keys, **LEARNED_KEYS})


def _amounts(text: str) -> Pads:
    padding = parse_padding(text, lowest=-LARGEST)
    if isinstance(padding, str):
        msg = f"padding takes amounts, such as 1, 1x2 or 1+2x0+3; {padding} is for a window"
        raise ArgumentError(msg)
    return padding


def _activation(name: str) -> Reader:
    defaults, words = ACTIVATIONS[name].parameters, ACTIVATIONS[name].words

    def make(given: Given) -> stages.Stage:
        return stages.Activation(name, tuple({**defaults, **given.values}.values()))

    keys: dict[str, Read] = {key: Choice(key, words[key]) if key in words else _number for key in defaults}
    return Reader(make, keys, bare=next(iter(defaults), None))


def _pool(kind: str, *keys: str) -> Reader:
    readers = {
        "window": _pair("window"),
        "stride": _pair("stride"),
        "padding": parse_padding,
        "dilation": _pair("dilation"),
        "ceil_mode": yes_or_no,
        "count_include_pad": yes_or_no,
    }

    def make(given: Given) -> stages.Stage:
        if given.values.get("stride") == given.values["window"]:
            del given.values["stride"]
        return stages.Pool(kind, **given.values)

    chosen = {key: readers[key] for key in ("window", "stride", "padding", "ceil_mode", *keys)}
    return Reader(make, chosen, bare="window", needs=f"needs a window, such as {kind}pool:2")


def _join(stage: type[stages.Join]) -> Reader:
    needs = f"needs the name of a stage, such as {stage.name}:x after relu:as=x"
    return Reader(lambda given: stage(), {"names": str}, bare="names", needs=needs)


READERS: dict[str, Reader] = {
    "gray": _plain(stages.Gray),
    "resize": Reader(
        lambda given: stages.Resize(**given.values),
        {"size": _shorter_or_both, "filter": Choice("filter", tuple(FILTERS))},
        bare="size",
        needs="needs the shorter side, such as resize:256, or height and width, such as resize:224x224",
    ),
    "crop": Reader(
        lambda given: stages.Crop(**given.values),
        {"size": _pair("size")},
        bare="size",
        needs="needs a size, such as crop:224 or crop:224x160",
    ),
    "normalize": Reader(_normalize, {"divide": _divisor, "mean": _numbers, "std": _numbers}, "divide"),
    "conv": Reader(
        partial(_conv, make=stages.Conv),
        CONV_KEYS,
        bare="kernel",
        needs="needs a kernel, a weight file or sizes, such as conv:sobel-x or conv:32@3x3",
        more=_kernel_parameters,
    ),
    "convtranspose": Reader(
        partial(_conv, make=stages.ConvTranspose),
        {
            **{key: CONV_KEYS[key] for key in ("kernel", "stride", "padding")},
            "output_padding": _extra,
            **{key: CONV_KEYS[key] for key in ("dilation", "groups", "bias", *LEARNED_KEYS)},
            "layout": Choice("layout", tuple(TRANSPOSED)),
        },
        bare="kernel",
        needs="needs a kernel, a weight file or sizes, such as convtranspose:32@2x2:stride=2",
        more=_kernel_parameters,
    ),
    "depthwise": Reader(
        partial(_conv, make=partial(stages.Conv, depthwise=True), depthwise=True),
        {key: read for key, read in CONV_KEYS.items() if key != "groups"},
        bare="kernel",
        needs="needs a window, a kernel or a weight file, such as depthwise:3x3",
        more=_kernel_parameters,
    ),
    **{name: _activation(name) for name in ACTIVATIONS},
    "abs": _plain(stages.Absolute),
    "magnitude": Reader(_magnitude),
    "maxpool": _pool("max", "dilation"),
    "avgpool": _pool("avg", "count_include_pad"),
    "sumpool": _pool("sum"),
    "globalavgpool": _plain(stages.GlobalAveragePool),
    "globalmaxpool": _plain(stages.GlobalMaxPool),
    "upsample": _plain(
        stages.Upsample,
        {
            "scale": _scales,
            "size": _pair("size"),
            "mode": Choice("mode", MODES),
            "coordinates": Choice("coordinates", COORDINATES),
            "rounding": Choice("rounding", ROUNDINGS),
        },
        "scale",
    ),
    "flatten": _plain(stages.Flatten),
    "dense": Reader(
        _dense,
        {"units": str, "bias": yes_or_no, **LEARNED_KEYS, "layout": Choice("layout", ORDERS)},
        bare="units",
    ),
    "softmax": _plain(stages.Softmax),
    "batchnorm": _learned(stages.BatchNorm, {"epsilon": _number}),
    "prelu": _learned(stages.PReLU, {"shared": yes_or_no}),
    "lrn": _plain(stages.LocalResponse, {"size": _whole, "alpha": _number, "beta": _number, "bias": _number}, "size"),
    "dropout": _plain(stages.Dropout, {"rate": _number}, "rate"),
    "shuffle": _plain(stages.Shuffle, {"groups": _whole}, "groups", "needs a number of groups, such as shuffle:2"),
    "pad": _plain(
        stages.Pad, {"padding": _amounts, "border": parse_border}, "padding", "needs amounts, such as pad:1 or pad:1x2"
    ),
    "add": _join(stages.Add),
    "multiply": _join(stages.Multiply),
    "concat": _join(stages.Concat),
}
"""The stages by name."""

ALIASES = {alias: name for name, each in ACTIVATIONS.items() for alias in each.aliases}
"""Other names for stages."""


def stage_name(word: str) -> str | None:
    """The stage that a word is, in capitals or not, with or without underscores; None if it is none.

    Examples
    --------
    >>> stage_name("MaxPool"), stage_name("leaky-relu"), stage_name("pool")
    ('maxpool', 'leaky_relu', None)
    """
    return _SPELLED.get(re.sub("[-_]", "", word).lower())


_SPELLED = {name.replace("_", ""): name for name in READERS} | ALIASES
