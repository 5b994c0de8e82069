"""Layers with learned numbers, as stages."""

from __future__ import annotations

import math
from collections.abc import Sequence

from cnnfilter.models.keras import activations, arrays
from cnnfilter.models.keras.build import Builder, Call, Tensor
from cnnfilter.models.keras.config import Settings
from cnnfilter.models.keras.table import Variables, check_last_axis, entry, given_maps, padding_of
from cnnfilter.network.stages import BatchNorm, Conv, ConvTranspose, Dense, Normalize, PReLU
from cnnfilter.sizes import Pair


def _biased(*names: str) -> Variables:
    return lambda settings: (*names, "bias") if settings.flag("use_bias", True) else names


def _activated(builder: Builder, call: Call, given: Tensor) -> Tensor:
    stages = activations.named(call.settings, "activation", builder.version)
    return builder.chain(call, stages, given)


def _bias(call: Call, order: arrays.Order = ()) -> dict[str, arrays.Source]:
    return {"bias": (call.arrays["bias"], arrays.vector(order))} if "bias" in call.arrays else {}


@entry("Conv2D", "Convolution2D", variables=_biased("kernel"))
def _convolution(builder: Builder, call: Call) -> Tensor:
    settings = call.settings
    kernel: arrays.Source = (call.arrays["kernel"], arrays.KERNEL)
    stage = Conv(
        sizes=(settings.count("filters"), settings.pair("kernel_size")),
        stride=settings.pair("strides", 1),
        padding=padding_of(settings),
        dilation=settings.pair("dilation_rate", 1),
        groups=settings.count("groups", 1),
        biased="bias" in call.arrays,
        learned=builder.learned(call, weight=kernel, **_bias(call)),
    )
    return _activated(builder, call, builder.add(call, stage, [given_maps(call)]))


def _depthwise_stage(builder: Builder, call: Call, kernel: str, bias: dict[str, arrays.Source]) -> Conv:
    settings = call.settings
    return Conv(
        sizes=(settings.count("depth_multiplier", 1), settings.pair("kernel_size")),
        stride=settings.pair("strides", 1),
        padding=padding_of(settings),
        dilation=settings.pair("dilation_rate", 1),
        depthwise=True,
        biased=bool(bias),
        learned=builder.learned(call, weight=(call.arrays[kernel], arrays.DEPTHWISE), **bias),
    )


@entry("DepthwiseConv2D", variables=_biased("kernel"))
def _depthwise(builder: Builder, call: Call) -> Tensor:
    stage = _depthwise_stage(builder, call, "kernel", _bias(call))
    return _activated(builder, call, builder.add(call, stage, [given_maps(call)]))


@entry("SeparableConv2D", "SeparableConvolution2D", variables=_biased("depthwise_kernel", "pointwise_kernel"))
def _separable(builder: Builder, call: Call) -> Tensor:
    first = builder.add(call, _depthwise_stage(builder, call, "depthwise_kernel", {}), [given_maps(call)], "depthwise")
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
    return _activated(builder, call, builder.add(call, stage, [given_maps(call)]))


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


@entry("BatchNormalization", "BatchNormalizationV1", "SyncBatchNormalization", variables=_normalized_variables)
def _normalized(builder: Builder, call: Call) -> Tensor:
    (given,) = call.inputs
    check_last_axis(call, call.settings.config.get("axis", -1))
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
    check_last_axis(call, settings.config.get("axis", -1))
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
