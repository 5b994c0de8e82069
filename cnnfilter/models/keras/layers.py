"""What each layer of Keras is in stages. A new layer is one entry: a function that `entry` decorates."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

from cnnfilter.messages import nearest, quoted, show_shape
from cnnfilter.models.keras import activations, arrays
from cnnfilter.models.keras.build import Builder, Call, NeedsMapsError, Tensor, joined_order
from cnnfilter.models.keras.config import Settings
from cnnfilter.network.stages import (
    Add,
    BatchNorm,
    Concat,
    Conv,
    ConvTranspose,
    Dense,
    Dropout,
    Flatten,
    GlobalAveragePool,
    GlobalMaxPool,
    Multiply,
    Normalize,
    Pad,
    Pool,
    PReLU,
    Stage,
    Upsample,
)
from cnnfilter.sizes import NONE, Pads, Pair

Build = Callable[[Builder, Call], Tensor]

Variables = Callable[[Settings], Sequence[str]]


class Entry(NamedTuple):
    """What is known of a layer.

    Parameters
    ----------
    build : callable
        From a call to what it gives.
    variables : callable
        The names of its arrays, in Keras's order.
    joins : bool
        Whether it takes several inputs.
    """

    build: Build
    variables: Variables
    joins: bool


LAYERS: dict[str, Entry] = {}
"""The layers by their classes."""

FIXED = ("moving_mean", "moving_variance", "mean", "variance", "count")
"""The arrays that are not trained; `.h5` files have them after all others."""


def entry(*kinds: str, variables: Sequence[str] | Variables = (), joins: bool = False) -> Callable[[Build], Build]:
    """Make a function that of some classes of layers; see `Entry`."""
    names = variables if callable(variables) else lambda settings: variables

    def register(build: Build) -> Build:
        LAYERS.update(dict.fromkeys(kinds, Entry(build, names, joins)))
        return build

    return register


def build(builder: Builder, call: Call) -> Tensor:
    """What a layer gives, whose nodes are added.

    Raises
    ------
    KernelError, ArgumentError
        If it is not known, with the nearest names; or its configuration is not read.
    """
    settings = call.settings
    if settings.problem:
        raise settings.refuse(settings.problem)
    if settings.kind not in LAYERS:
        msg = f"a layer that is not known{nearest(settings.kind, LAYERS)}"
        raise settings.refuse(msg)
    known = LAYERS[settings.kind]
    settings.must_be("data_format", None, "channels_last")
    if call.numbers and settings.kind not in ("Add", "Multiply"):
        msg = f"it is given {quoted(call.numbers[0])}, which is not the result of a layer"
        raise settings.refuse(msg)
    if len(call.inputs) > 1 and not known.joins:
        msg = f"it is given {len(call.inputs)} inputs, but takes one"
        raise settings.refuse(msg)
    return known.build(builder, call)


# Learned layers


def _biased(*names: str) -> Variables:
    return lambda settings: (*names, "bias") if settings.flag("use_bias", True) else names


def _maps(call: Call) -> Tensor:
    """The maps that a layer is given."""
    (given,) = call.inputs
    if given.axes != 3:
        msg = "it takes maps (H, W, C), and a vector arrives" if given.axes == 1 else "it takes maps of three axes"
        raise call.settings.refuse(msg)
    return given


def _activated(builder: Builder, call: Call, given: Tensor) -> Tensor:
    stages = activations.named(call.settings, "activation", builder.version)
    return builder.chain(call, stages, given)


def _bias(call: Call, order: arrays.Order = ()) -> dict[str, arrays.Source]:
    return {"bias": (call.arrays["bias"], arrays.vector(order))} if "bias" in call.arrays else {}


def _padding(settings: Settings) -> Pads | str:
    return "same" if settings.word("padding", ("valid", "same"), "valid") == "same" else NONE


@entry("Conv2D", "Convolution2D", variables=_biased("kernel"))
def _convolution(builder: Builder, call: Call) -> Tensor:
    settings = call.settings
    kernel: arrays.Source = (call.arrays["kernel"], arrays.KERNEL)
    stage = Conv(
        sizes=(settings.count("filters"), settings.pair("kernel_size")),
        stride=settings.pair("strides", 1),
        padding=_padding(settings),
        dilation=settings.pair("dilation_rate", 1),
        groups=settings.count("groups", 1),
        biased="bias" in call.arrays,
        learned=builder.learned(call, weight=kernel, **_bias(call)),
    )
    return _activated(builder, call, builder.add(call, stage, [_maps(call)]))


def _depthwise_stage(builder: Builder, call: Call, kernel: str, bias: dict[str, arrays.Source]) -> Conv:
    settings = call.settings
    return Conv(
        sizes=(settings.count("depth_multiplier", 1), settings.pair("kernel_size")),
        stride=settings.pair("strides", 1),
        padding=_padding(settings),
        dilation=settings.pair("dilation_rate", 1),
        depthwise=True,
        biased=bool(bias),
        learned=builder.learned(call, weight=(call.arrays[kernel], arrays.DEPTHWISE), **bias),
    )


@entry("DepthwiseConv2D", variables=_biased("kernel"))
def _depthwise(builder: Builder, call: Call) -> Tensor:
    stage = _depthwise_stage(builder, call, "kernel", _bias(call))
    return _activated(builder, call, builder.add(call, stage, [_maps(call)]))


@entry("SeparableConv2D", "SeparableConvolution2D", variables=_biased("depthwise_kernel", "pointwise_kernel"))
def _separable(builder: Builder, call: Call) -> Tensor:
    first = builder.add(call, _depthwise_stage(builder, call, "depthwise_kernel", {}), [_maps(call)], "depthwise")
    kernel: arrays.Source = (call.arrays["pointwise_kernel"], arrays.KERNEL)
    second = Conv(
        sizes=(call.settings.count("filters"), (1, 1)),
        biased="bias" in call.arrays,
        learned=builder.learned(call, weight=kernel, **_bias(call)),
    )
    return _activated(builder, call, builder.add(call, second, [first]))


@entry("Conv2DTranspose", "Convolution2DTranspose", variables=_biased("kernel"))
def _transposed(builder: Builder, call: Call) -> Tensor:
    settings = call.settings
    window, stride = settings.pair("kernel_size"), settings.pair("strides", 1)
    dilation = settings.pair("dilation_rate", 1)
    added: Sequence[int | None] = (None, None)
    if settings.config.get("output_padding") is not None:
        added = settings.pair("output_padding", least=0)
    is_same = settings.word("padding", ("valid", "same"), "valid") == "same"
    pads = [_transposed_pads(dilation[i] * (window[i] - 1) + 1, stride[i], added[i], is_same=is_same) for i in (0, 1)]
    kernel: arrays.Source = (call.arrays["kernel"], arrays.KERNEL)
    stage = ConvTranspose(
        sizes=(settings.count("filters"), window),
        stride=stride,
        padding=(pads[0][0], pads[1][0]),
        output_padding=(pads[0][1], pads[1][1]),
        dilation=dilation,
        biased="bias" in call.arrays,
        learned=builder.learned(call, weight=kernel, **_bias(call)),
    )
    return _activated(builder, call, builder.add(call, stage, [_maps(call)]))


def _transposed_pads(span: int, stride: int, added: int | None, *, is_same: bool) -> tuple[Pair, int]:
    """What is cut off at both ends of an axis, and added at its end, so that the size is Keras's.

    That is `n*stride` of `same`, `(n - 1)*stride + max(span, stride)` of `valid`; with `output_padding`,
    `(n - 1)*stride + span - 2*floor(span/2) + output_padding` and `(n - 1)*stride + span + output_padding`.
    """
    if is_same:
        total = span - stride if added is None else span - span % 2 - added
    else:
        total = min(span - stride, 0) if added is None else -added
    begin = max(total, 0) // 2
    return (begin, max(total - begin, 0)), max(-total, 0)


@entry("Dense", variables=_biased("kernel"))
def _dense(builder: Builder, call: Call) -> Tensor:
    (given,) = call.inputs
    units, kernel = call.settings.count("units"), call.arrays["kernel"]
    if given.axes == 2:
        msg = "it takes a vector or maps (H, W, C); put Flatten before it"
        raise call.settings.refuse(msg)
    if given.axes == 3 or (builder.keeps_maps and not given.is_flat):
        conv = Conv(
            sizes=(units, (1, 1)),
            biased="bias" in call.arrays,
            learned=builder.learned(call, weight=(kernel, arrays.POINTWISE), **_bias(call)),
        )
        return _activated(builder, call, builder.add(call, conv, [given]))
    given = builder.vector(call, given)
    weight: arrays.Source = (kernel, arrays.matrix(given.order))
    stage = Dense(units, biased="bias" in call.arrays, learned=builder.learned(call, weight=weight, **_bias(call)))
    made = builder.add(call, stage, [given])
    return _activated(builder, call, made._replace(order=()))


def _normalized_variables(settings: Settings) -> list[str]:
    gamma = ["gamma"] if settings.flag("scale", True) else []
    beta = ["beta"] if settings.flag("center", True) else []
    return [*gamma, *beta, "moving_mean", "moving_variance"]


def _last_axis(call: Call, axis: object) -> None:
    """Refuse an axis that is not the last."""
    axes = call.inputs[0].axes
    if axis not in (-1, axes, [-1], [axes]) or axes == 2:
        raise call.settings.unlike(key="axis", wanted="the last one")


@entry("BatchNormalization", "BatchNormalizationV1", "SyncBatchNormalization", variables=_normalized_variables)
def _normalized(builder: Builder, call: Call) -> Tensor:
    (given,) = call.inputs
    _last_axis(call, call.settings.config.get("axis", -1))
    each = arrays.vector(given.order)

    def source(name: str, otherwise: float) -> arrays.Source:
        return (call.arrays[name], each) if name in call.arrays else otherwise

    learned = builder.learned(
        call,
        weight=source("gamma", 1.0),
        bias=source("beta", 0.0),
        running_mean=source("moving_mean", 0.0),
        running_var=source("moving_variance", 1.0),
    )
    return builder.add(call, BatchNorm(call.settings.number("epsilon", 1e-3), learned=learned), [given])


@entry(
    "Normalization",
    variables=lambda settings: () if settings.config.get("mean") is not None else ("mean", "variance", "count"),
)
def _standardized(builder: Builder, call: Call) -> Tensor:
    (given,) = call.inputs
    settings = call.settings
    settings.must_be("invert", False)
    if settings.config.get("mean") is not None:
        means, variances = settings.numbers("mean", 0.0), settings.numbers("variance", 1.0)
        deviations = tuple(max(math.sqrt(max(each, 0.0)), 1e-7) for each in variances)
        return builder.add(call, Normalize(1.0, means, deviations), [given])
    _last_axis(call, settings.config.get("axis", -1))
    if given.order:
        msg = "it stands behind Flatten; put it before"
        raise settings.refuse(msg)
    learned = builder.learned(
        call,
        weight=1.0,
        bias=0.0,
        running_mean=(call.arrays["mean"], arrays.EACH),
        running_var=(call.arrays["variance"], arrays.VARIANCE),
    )
    return builder.add(call, BatchNorm(0.0, learned=learned), [given])


@entry("PReLU", variables=("alpha",))
def _prelu(builder: Builder, call: Call) -> Tensor:
    (given,) = call.inputs
    call.settings.must_be("shared_axes", *([1, 2], [1, 2, 3]) if given.axes == 3 else (None, [], [1]))
    is_one = given.axes in (call.settings.config.get("shared_axes") or ())
    recipe = arrays.EACH if given.axes == 3 or is_one else arrays.vector(given.order)
    learned = builder.learned(call, weight=(call.arrays["alpha"], recipe))
    return builder.add(call, PReLU(shared=is_one, learned=learned), [given])


# Layers without learned numbers


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
    padding = _padding(settings)
    counts = kind == "max" or padding == NONE
    return builder.add(call, Pool(kind, window, stride, padding, count_include_pad=counts), [_maps(call)])


@entry("MaxPooling2D", "MaxPool2D")
def _max_pool(builder: Builder, call: Call) -> Tensor:
    return _pool(builder, call, "max")


@entry("AveragePooling2D", "AvgPool2D")
def _average_pool(builder: Builder, call: Call) -> Tensor:
    return _pool(builder, call, "avg")


def _global(builder: Builder, call: Call, stage: Stage) -> Tensor:
    made = builder.add(call, stage, [_maps(call)])
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
    return builder.add(call, Pad(call.settings.pads("padding")), [_maps(call)])


@entry("Cropping2D")
def _crop(builder: Builder, call: Call) -> Tensor:
    (above, below), (left, right) = call.settings.pads("cropping")
    return builder.add(call, Pad(((-above, -below), (-left, -right))), [_maps(call)])


@entry("UpSampling2D")
def _upsample(builder: Builder, call: Call) -> Tensor:
    height, width = call.settings.pair("size", 2)
    mode = call.settings.word("interpolation", ("nearest", "bilinear"), "nearest")
    return builder.add(call, Upsample(scale=(float(height), float(width)), mode=mode), [_maps(call)])


@entry("Rescaling")
def _rescale(builder: Builder, call: Call) -> Tensor:
    scales, offsets = call.settings.numbers("scale", 1.0), call.settings.numbers("offset", 0.0)
    if 0 in scales or len(set(scales)) > 1:
        raise call.settings.unlike(key="scale", wanted="one number that is not 0")
    return builder.add(call, Normalize(1 / scales[0], tuple(-each for each in offsets)), call.inputs)


# Layers that take several


@entry("Add", joins=True)
def _add(builder: Builder, call: Call) -> Tensor:
    if call.numbers:
        return _with_number(builder, call, Normalize(1.0, (-sum(call.numbers),)))
    return _sample_by_sample(builder, call, Add())


@entry("Multiply", joins=True)
def _multiply(builder: Builder, call: Call) -> Tensor:
    if call.numbers:
        return _with_number(builder, call, Normalize(1 / math.prod(call.numbers)))
    return _sample_by_sample(builder, call, Multiply())


def _with_number(builder: Builder, call: Call, stage: Stage) -> Tensor:
    if len(call.inputs) > 1:
        msg = f"it joins results of layers and the number {quoted(call.numbers[0])}"
        raise call.settings.refuse(msg)
    return builder.add(call, stage, call.inputs)


def _sample_by_sample(builder: Builder, call: Call, stage: Stage, part: str = "") -> Tensor:
    inputs = builder.alike(call)
    if len({each.order for each in inputs}) > 1:
        msg = "it joins vectors that were flattened from maps of different sizes"
        raise call.settings.refuse(msg)
    return builder.add(call, stage, inputs, part)


@entry("Average", joins=True)
def _average(builder: Builder, call: Call) -> Tensor:
    total = _sample_by_sample(builder, call, Add(), "add")
    return builder.add(call, Normalize(float(len(call.inputs))), [total])


@entry("Subtract", joins=True)
def _subtract(builder: Builder, call: Call) -> Tensor:
    if len(call.inputs) != 2:
        msg = f"it takes two inputs, not {len(call.inputs)}"
        raise call.settings.refuse(msg)
    negative = builder.add(call, Normalize(-1.0), call.inputs[1:], "negative")
    return _sample_by_sample(builder, call._replace(inputs=(call.inputs[0], negative)), Add())


@entry("CustomScaleLayer", joins=True)
def _scaled(builder: Builder, call: Call) -> Tensor:
    """Of Keras's InceptionResNetV2: the first input, and the second times a number."""
    part = call._replace(inputs=call.inputs[1:], numbers=(call.settings.number("scale", 1.0),))
    scaled = _multiply(builder, part._replace(name=f"{call.name}/scale"))
    return _sample_by_sample(builder, call._replace(inputs=(*call.inputs[:1], scaled)), Add())


@entry("Concatenate", joins=True)
def _concatenate(builder: Builder, call: Call) -> Tensor:
    _last_axis(call, call.settings.config.get("axis", -1))
    inputs = builder.alike(call)
    return builder.add(call, Concat(), inputs)._replace(order=joined_order(inputs))
