"""What each stage's text may hold, and the stage that it makes. A new stage is one entry of `READERS`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import partial

from cnnfilter.errors import ArgumentError
from cnnfilter.network import stages
from cnnfilter.network.activations import ACTIVATIONS
from cnnfilter.network.arguments import (
    LEARNED_KEYS,
    SETS,
    Choice,
    Given,
    Read,
    Reader,
    amounts,
    divisor,
    number,
    numbers,
    pair,
    scales,
    shorter_or_both,
    whole,
    yes_or_no,
)
from cnnfilter.network.stages.dense import ORDERS
from cnnfilter.network.stages.pictures import FILTERS
from cnnfilter.network.stages.resampling import COORDINATES, MODES, ROUNDINGS
from cnnfilter.network.weighted import (
    CONV_KEYS,
    kernel_parameters,
    output_padding,
    read_conv,
    read_dense,
    read_magnitude,
)
from cnnfilter.sizes import parse_border, parse_padding
from cnnfilter.weights.layouts import TRANSPOSED


def _normalize(given: Given) -> stages.Stage:
    values = given.values
    if isinstance(name := values.get("divide"), str):
        if len(values) > 1:
            msg = f"{name} is a mean and a std already; give it alone"
            raise ArgumentError(msg)
        return stages.Normalize(None, *SETS[name])
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


def _activation(name: str) -> Reader:
    defaults, words = ACTIVATIONS[name].parameters, ACTIVATIONS[name].words

    def make(given: Given) -> stages.Stage:
        return stages.Activation(name, tuple({**defaults, **given.values}.values()))

    keys: dict[str, Read] = {key: Choice(key, words[key]) if key in words else number for key in defaults}
    return Reader(make, keys, bare=next(iter(defaults), None))


def _pool(kind: str, *keys: str) -> Reader:
    readers = {
        "window": pair("window"),
        "stride": pair("stride"),
        "padding": parse_padding,
        "dilation": pair("dilation"),
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
    "rgb": _plain(stages.Rgb),
    "resize": Reader(
        lambda given: stages.Resize(**given.values),
        {"size": shorter_or_both, "filter": Choice("filter", tuple(FILTERS))},
        bare="size",
        needs="needs the shorter side, such as resize:256, or height and width, such as resize:224x224",
    ),
    "crop": Reader(
        lambda given: stages.Crop(**given.values),
        {"size": pair("size")},
        bare="size",
        needs="needs a size, such as crop:224 or crop:224x160",
    ),
    "normalize": Reader(_normalize, {"divide": divisor, "mean": numbers, "std": numbers}, "divide"),
    "conv": Reader(
        partial(read_conv, make=stages.Conv),
        CONV_KEYS,
        bare="kernel",
        needs="needs a kernel, a weight file or sizes, such as conv:sobel-x or conv:32@3x3",
        more=kernel_parameters,
    ),
    "convtranspose": Reader(
        partial(read_conv, make=stages.ConvTranspose),
        {
            **{key: CONV_KEYS[key] for key in ("kernel", "stride", "padding")},
            "output_padding": output_padding,
            **{key: CONV_KEYS[key] for key in ("dilation", "groups", "bias", *LEARNED_KEYS)},
            "layout": Choice("layout", tuple(TRANSPOSED)),
        },
        bare="kernel",
        needs="needs a kernel, a weight file or sizes, such as convtranspose:32@2x2:stride=2",
        more=kernel_parameters,
    ),
    "depthwise": Reader(
        partial(read_conv, make=partial(stages.Conv, depthwise=True), depthwise=True),
        {key: read for key, read in CONV_KEYS.items() if key != "groups"},
        bare="kernel",
        needs="needs a window, a kernel or a weight file, such as depthwise:3x3",
        more=kernel_parameters,
    ),
    **{name: _activation(name) for name in ACTIVATIONS},
    "abs": _plain(stages.Absolute),
    "magnitude": Reader(read_magnitude),
    "maxpool": _pool("max", "dilation"),
    "avgpool": _pool("avg", "count_include_pad"),
    "sumpool": _pool("sum"),
    "globalavgpool": _plain(stages.GlobalAveragePool),
    "globalmaxpool": _plain(stages.GlobalMaxPool),
    "upsample": _plain(
        stages.Upsample,
        {
            "scale": scales,
            "size": pair("size"),
            "mode": Choice("mode", MODES),
            "coordinates": Choice("coordinates", COORDINATES),
            "rounding": Choice("rounding", ROUNDINGS),
        },
        "scale",
    ),
    "flatten": _plain(stages.Flatten),
    "dense": Reader(
        read_dense,
        {"units": str, "bias": yes_or_no, **LEARNED_KEYS, "layout": Choice("layout", ORDERS)},
        bare="units",
    ),
    "softmax": _plain(stages.Softmax),
    "batchnorm": _learned(stages.BatchNorm, {"epsilon": number}),
    "prelu": _learned(stages.PReLU, {"shared": yes_or_no}),
    "lrn": _plain(stages.LocalResponse, {"size": whole, "alpha": number, "beta": number, "bias": number}, "size"),
    "dropout": _plain(stages.Dropout, {"rate": number}, "rate"),
    "shuffle": _plain(stages.Shuffle, {"groups": whole}, "groups", "needs a number of groups, such as shuffle:2"),
    "pad": _plain(
        stages.Pad, {"padding": amounts, "border": parse_border}, "padding", "needs amounts, such as pad:1 or pad:1x2"
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
