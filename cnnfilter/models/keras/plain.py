"""Layers without learned numbers that take one result, as stages."""

from __future__ import annotations

import math

from cnnfilter.messages import show_shape
from cnnfilter.models.keras import activations
from cnnfilter.models.keras.build import Builder, Call, NeedsMapsError, Tensor
from cnnfilter.models.keras.table import entry, given_maps, padding_of
from cnnfilter.network.stages import (
    Dropout,
    Flatten,
    GlobalAveragePool,
    GlobalMaxPool,
    Normalize,
    Pad,
    Pool,
    Stage,
    Upsample,
)
from cnnfilter.sizes import NONE


@entry(*activations.LAYERS, "Activation")
def _activation(builder: Builder, call: Call) -> Tensor:
    (given,) = call.inputs
    stages = activations.layer(call.settings, builder.version)
    if call.settings.kind == "Softmax" and given.axes == 2:
        raise call.settings.unlike(key="axis", wanted="that of channels")
    return builder.chain(call, stages, given, own=True)


@entry("Dropout", "SpatialDropout2D", "AlphaDropout", "GaussianDropout")
def _dropout(builder: Builder, call: Call) -> Tensor:
    return builder.add(call, Dropout(call.settings.number("rate", 0.5)), call.inputs)


@entry(
    "Identity", "ActivityRegularization", "GaussianNoise", "RandomBrightness", "RandomContrast", "RandomFlip",
    "RandomRotation", "RandomTranslation", "RandomZoom",
)  # fmt: skip
def _nothing(builder: Builder, call: Call) -> Tensor:
    """What it is given: pictures are changed at random in training alone."""
    return call.inputs[0]


def _pool(builder: Builder, call: Call, kind: str) -> Tensor:
    settings = call.settings
    window = settings.pair("pool_size", 2)
    stride = window if settings.config.get("strides") is None else settings.pair("strides")
    padding = padding_of(settings)
    counts = kind == "max" or padding == NONE
    return builder.add(call, Pool(kind, window, stride, padding, count_include_pad=counts), [given_maps(call)])


@entry("MaxPooling2D", "MaxPool2D")
def _max_pool(builder: Builder, call: Call) -> Tensor:
    return _pool(builder, call, "max")


@entry("AveragePooling2D", "AvgPool2D")
def _average_pool(builder: Builder, call: Call) -> Tensor:
    return _pool(builder, call, "avg")


def _global(builder: Builder, call: Call, stage: Stage) -> Tensor:
    made = builder.add(call, stage, [given_maps(call)])
    return made if call.settings.flag("keepdims", False) else made._replace(axes=1)


@entry("GlobalAveragePooling2D", "GlobalAvgPool2D")
def _global_average(builder: Builder, call: Call) -> Tensor:
    return _global(builder, call, GlobalAveragePool())


@entry("GlobalMaxPooling2D", "GlobalMaxPool2D")
def _global_max(builder: Builder, call: Call) -> Tensor:
    return _global(builder, call, GlobalMaxPool())


@entry("Flatten")
def _flatten(builder: Builder, call: Call) -> Tensor:
    (given,) = call.inputs
    if given.is_flat or given.axes == 1:
        return given
    if given.known is None:
        msg = "it takes maps of a known size, and the network takes pictures of any"
        raise call.settings.refuse(msg)
    height, width, channels = given.known
    order = ((height, width, channels),) if channels > 1 and height * width > 1 else ()
    return builder.add(call, Flatten(), [given])._replace(axes=1, order=order)


@entry("Reshape")
def _reshape(builder: Builder, call: Call) -> Tensor:
    (given,) = call.inputs
    target = call.settings.config.get("target_shape")
    if given.known is None or not isinstance(target, list) or not all(isinstance(each, int) for each in target):
        raise call.settings.unlike(key="target_shape", wanted="whole numbers, and what arrives of a known size")
    count = math.prod(given.known)
    rest = abs(math.prod(target))
    wanted = tuple(count // max(rest, 1) if each == -1 else each for each in target)
    if wanted == (count,):
        return _flatten(builder, call)
    if given.is_flat and wanted == (1, 1, count):
        raise NeedsMapsError
    if given.is_flat or len(wanted) not in (2, 3) or (*wanted, 1)[:3] != given.known:
        size = given.known[:2] if given.axes == 2 else given.known
        msg = f"from {show_shape(size)} to {show_shape(wanted)}: only vectors and maps of 1x1 are made of maps"
        raise call.settings.refuse(msg)
    return given._replace(axes=len(wanted))


@entry("ZeroPadding2D")
def _zeros(builder: Builder, call: Call) -> Tensor:
    return builder.add(call, Pad(call.settings.pads("padding")), [given_maps(call)])


@entry("Cropping2D")
def _crop(builder: Builder, call: Call) -> Tensor:
    (above, below), (left, right) = call.settings.pads("cropping")
    return builder.add(call, Pad(((-above, -below), (-left, -right))), [given_maps(call)])


@entry("UpSampling2D")
def _upsample(builder: Builder, call: Call) -> Tensor:
    height, width = call.settings.pair("size", 2)
    mode = call.settings.word("interpolation", ("nearest", "bilinear"), "nearest")
    return builder.add(call, Upsample(scale=(float(height), float(width)), mode=mode), [given_maps(call)])


@entry("Resizing")
def _resize(builder: Builder, call: Call) -> Tensor:
    settings = call.settings
    for key in ("crop_to_aspect_ratio", "pad_to_aspect_ratio", "antialias"):
        settings.must_be(key, False)
    size = settings.count("height"), settings.count("width")
    if settings.word("interpolation", ("nearest", "bilinear"), "bilinear") == "bilinear":
        return builder.add(call, Upsample(size=size, mode="bilinear"), [given_maps(call)])
    nearest = Upsample(size=size, coordinates="half_pixel", rounding="round_prefer_ceil")
    return builder.add(call, nearest, [given_maps(call)])


@entry("CenterCrop")
def _crop_center(builder: Builder, call: Call) -> Tensor:
    given = given_maps(call)
    size = call.settings.count("height"), call.settings.count("width")
    if given.known is None or given.known[0] < size[0] or given.known[1] < size[1]:
        msg = f"it takes maps of a known size of at least {show_shape(size)}"
        raise call.settings.refuse(msg)
    over = [n - wanted for n, wanted in zip(given.known, size, strict=False)]
    above, left = (each // 2 for each in over)
    return builder.add(call, Pad(((-above, above - over[0]), (-left, left - over[1]))), [given])


@entry("Rescaling")
def _rescale(builder: Builder, call: Call) -> Tensor:
    scales, offsets = call.settings.numbers("scale", 1.0), call.settings.numbers("offset", 0.0)
    if 0 in scales or len(set(scales)) > 1:
        raise call.settings.unlike(key="scale", wanted="one number that is not 0")
    return builder.add(call, Normalize(1 / scales[0], tuple(-each for each in offsets)), call.inputs)
