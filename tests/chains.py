"""Chains that hold every stage, and what they compute: `reference`'s functions composed by hand."""

import numpy as np

from cnnfilter.engine import reference, reference_resampling
from cnnfilter.network.activations import ACTIVATIONS
from cnnfilter.network.stages.pictures import FILTERS


def parameters(known, value):
    """Parameters of an activation: this value for numbers, and the last of the words for others."""
    return {key: known.words[key][-1] if key in known.words else value for key in known.parameters}


# Every stage, every kind of weights, and every way to pad; asymmetric wherever a flip or a swap could hide.
CHAINS = [
    ("conv:4@3x2,relu,maxpool:2,flatten,dense:3,softmax", (9, 8, 2)),
    ("conv:4@3x3:stride=2:padding=1:groups=2:bias=no,leaky_relu:0.1", (9, 8, 2)),
    ("conv:2@3x3:padding=1+2x0+3:dilation=2,elu:0.5", (9, 8, 1)),
    ("conv:2@4x4:padding=same,selu", (7, 6, 2)),
    ("conv:2@3x3:padding=same:stride=2,softplus", (8, 7, 1)),
    ("conv:2@3x3:padding=same-lower:stride=2,rbf:0.2:epsilon=2", (8, 7, 1)),
    ("depthwise:2@3x3:padding=1,tanh", (6, 7, 3)),
    ("depthwise:2x3,sigmoid,swish", (6, 7, 2)),
    ("conv:sobel-x+sobel-y:padding=1:border=replicate,magnitude", (7, 8, 3)),
    ("conv:sobel:padding=same:bias=2", (7, 8, 2)),
    ("conv:roberts+roberts-x:bias=-1", (7, 8, 2)),
    ("conv:kirsch:padding=1:border=constant=3", (7, 8, 1)),
    ("conv:emboss:flip=yes:scale=l1:bias=0.5:padding=2:border=reflect", (7, 8, 1)),
    ("conv:sobel-x:scale=sum:padding=1x2:border=circular", (7, 8, 1)),
    ("conv:gaussian:scale=sum:padding=3:border=symmetric", (5, 6, 2)),
    ("conv:box:padding=7:border=reflect", (3, 4, 1)),
    ("conv:box:padding=1+0x2+1:border=replicate", (4, 5, 1)),
    ("conv:1 2; 3 4,abs", (4, 5, 1)),
    ("gray,normalize:255:mean=0.5:std=0.25", (4, 5, 3)),
    ("gray,normalize:2", (4, 5, 1)),
    ("rgb,normalize:mean=0.1+0.2+0.3:std=1+2+3", (4, 5, 1)),
    ("rgb,conv:2@2x3,relu", (4, 5, 3)),
    ("normalize:mean=0.1+0.2+0.3:std=1+2+3", (4, 5, 3)),
    ("maxpool:3:stride=2:padding=1", (8, 9, 2)),
    ("maxpool:2:ceil_mode=yes", (7, 5, 2)),
    ("maxpool:3:stride=2:padding=same", (8, 7, 1)),
    ("maxpool:3:stride=2:padding=2:ceil_mode=yes", (8, 7, 1)),
    ("maxpool:3x4:stride=2x3:ceil_mode=yes", (2, 2, 1)),
    ("maxpool:2x3:stride=1:padding=0x1", (8, 7, 1)),
    ("avgpool:3:stride=2:padding=1", (8, 9, 2)),
    ("avgpool:3:stride=2:padding=1:count_include_pad=no", (8, 9, 2)),
    ("avgpool:3:stride=2:padding=1:ceil_mode=yes", (8, 10, 2)),
    ("avgpool:3:stride=2:padding=2:ceil_mode=yes", (8, 10, 2)),
    ("avgpool:3x7:stride=2:padding=0x2:ceil_mode=yes", (2, 2, 1)),
    ("avgpool:3:stride=2:ceil_mode=yes:count_include_pad=no", (2, 3, 1)),
    ("avgpool:3:padding=2", (8, 10, 1)),
    ("avgpool:3:stride=2:padding=same", (8, 7, 1)),
    ("avgpool:3:stride=2:padding=same:count_include_pad=no", (8, 7, 1)),
    ("avgpool:2", (8, 7, 1)),
    ("sumpool:2:stride=1", (8, 7, 1)),
    ("sumpool:3:padding=same:stride=2", (8, 7, 1)),
    ("globalavgpool,flatten,dense:2:bias=no", (4, 5, 3)),
    ("relu,flatten", (3, 2, 2)),
    ("pad:1x2,maxpool:2", (4, 5, 2)),
    ("pad:1+0x0+3:border=constant=2.5,dropout:0.3,avgpool:2", (4, 5, 2)),
    ("pad:0+1x2:border=reflect", (4, 5, 2)),
    ("pad:1x2:border=replicate,abs", (4, 5, 2)),
    ("pad:3+1x0+2:border=circular", (4, 5, 2)),
    ("pad:6x5:border=reflect", (4, 5, 1)),
    ("pad:2x1:border=symmetric", (4, 5, 1)),
    ("pad:-1+2x0+-2", (4, 5, 2)),
    ("pad:-1x-2:border=constant=1", (4, 5, 2)),
    ("pad:0", (4, 5, 2)),
    ("shuffle:2,conv:2@3x3:groups=2", (4, 5, 6)),
    ("shuffle:3", (2, 3, 6)),
    ("lrn:alpha=2", (3, 4, 7)),
    ("lrn:size=4:alpha=0.5:beta=0.6:bias=2", (3, 4, 7)),
    ("lrn:size=30:alpha=3,relu", (2, 3, 4)),
    ("dropout:0.3,flatten,dropout,dense:3", (3, 2, 2)),
    ("batchnorm:random=1,prelu:random=1", (3, 2, 4)),
    ("conv:3@2x2:random=1:padding=1,batchnorm:random=1,relu,depthwise:2@3x3:random=2,batchnorm:random=1", (5, 6, 2)),
    ("conv:4@3x3:groups=2:bias=no:random=3,flatten,dense:5:random=1", (4, 5, 2)),
    ("batchnorm:epsilon=0.1,prelu,flatten,batchnorm,prelu:shared=yes", (3, 2, 2)),
    ("prelu:shared=yes:random=1", (3, 2, 4)),
    ("dense:4,relu,flatten,dense:2,softmax", (5,)),
    ("softmax", (3, 2, 4)),
    ("globalmaxpool,flatten", (4, 5, 3)),
    ("convtranspose:3@3x2:stride=2,relu", (4, 5, 2)),
    ("convtranspose:3@3x4:stride=2x3:padding=1x0:output_padding=1x2:bias=no", (4, 5, 2)),
    ("convtranspose:2@2x3:stride=3", (4, 3, 2)),
    ("convtranspose:2@2x3:stride=2:random=4", (4, 3, 3)),
    ("convtranspose:2@3:dilation=2x3", (4, 5, 3)),
    ("convtranspose:3@3:stride=2:padding=same,convtranspose:2@2:stride=3:padding=same-lower", (4, 5, 2)),
    ("convtranspose:2@4:stride=2:padding=1+2x0+1", (4, 5, 2)),
    ("convtranspose:1 2 3; 4 5 6:stride=2:bias=0.5", (4, 5, 1)),
    ("convtranspose:sobel-x+emboss:stride=3:bias=1,abs", (4, 5, 2)),
    ("convtranspose:4@3x2:stride=2:groups=2:random=5,relu", (4, 5, 6)),
    ("upsample:2,relu", (4, 5, 3)),
    ("upsample:2x3:mode=bilinear", (4, 5, 3)),
    ("upsample:1.5:mode=bilinear:coordinates=align_corners", (4, 5, 2)),
    ("upsample:size=7x3:coordinates=half_pixel:rounding=round_prefer_ceil", (4, 5, 2)),
    ("upsample:2:coordinates=half_pixel:rounding=round_prefer_floor", (4, 5, 2)),
    ("upsample:1.5x0.5:coordinates=pytorch_half_pixel:rounding=ceil", (4, 2, 2)),
    ("upsample:size=1x3:mode=bilinear:coordinates=pytorch_half_pixel", (4, 5, 2)),
    ("upsample:3:mode=bilinear:coordinates=asymmetric", (3, 4, 1)),
    *((f"resize:6x4:filter={name}", (9, 5, 3)) for name in FILTERS if name != "nearest"),
    ("resize:7,crop:7x6,normalize:imagenet", (9, 8, 3)),
    *((f"conv:1 2; 3 -4,{name}", (4, 5, 1)) for name in ACTIVATIONS),
    *((f"conv:1 2; 3 -4,clip:{bounds}", (4, 5, 1)) for bounds in ("min=-1", "max=1", "min=-1:max=1")),
    ("conv:1 2; 3 -4,gelu:tanh", (4, 5, 1)),
    ("conv:1 2; 3 -4,hardsigmoid:alpha=0.2", (4, 5, 1)),
]
NOT_IN_KERAS = [
    ("convtranspose:4@3:stride=2:padding=1:output_padding=1:groups=2", (4, 5, 2)),
    ("convtranspose:2@3x2:stride=2:dilation=3x2", (4, 5, 1)),
]
"""Transposed convolutions in groups that have no weights yet, or with a stride and a dilation above 1."""
DILATED = ("maxpool:2:stride=1:dilation=2:padding=1", (8, 7, 1))  # Keras has none


def learned_chains(folder):
    """Write weight files into `folder`, and return chains of them."""
    rng = np.random.default_rng(7)

    def save(name, **arrays):
        np.savez(folder / name, **{key: value.astype(np.float32) for key, value in arrays.items()})
        return folder / name

    bank = save("bank.npz", **{"c.weight": rng.normal(size=(4, 2, 3, 3)), "c.bias": rng.normal(size=4)})
    one = save("one.npz", k=rng.normal(size=(2, 3)))
    own = save("own.npz", k=rng.normal(size=(6, 1, 3, 3)))
    dense = save("dense.npz", **{"d.weight": rng.normal(size=(3, 24)), "d.bias": rng.normal(size=3)})
    norm = {f"n.{role}": rng.uniform(0.1, 2, size=3) for role in ("weight", "bias", "running_mean", "running_var")}
    maps = save("maps.npz", **norm, **{"p.weight": rng.normal(size=3), "q.weight": np.array([-2])})
    return [
        (f"batchnorm:weights={maps}:name=n:epsilon=0.01,prelu:weights={maps}:name=p", (4, 3, 3)),
        (f"flatten,prelu:weights={maps}:name=p,batchnorm:weights={maps}:name=n", (1, 1, 3)),
        (f"prelu:weights={maps}:name=q,batchnorm:weights={maps}:as=n,prelu:weights={maps}:name=q", (4, 3, 3)),
        (f"conv:{bank}:bias=0.5:scale=l1,relu", (5, 6, 2)),
        (f"conv:{one}:padding=1", (5, 6, 2)),
        (f"depthwise:{own}:padding=1:border=circular", (5, 6, 3)),
        (f"depthwise:{own}:bias=2", (5, 6, 3)),
        (f"flatten,dense:{dense},relu", (4, 3, 2)),
        (f"flatten,abs,dense:{dense}:layout=hwc", (4, 3, 2)),
    ]


def bank_of(stage, channels, parameters, number):
    """Weights (O, I, kh, kw), bias and groups of a conv, from the stage itself or from the program's random ones."""
    if stage.runnable is not None:
        weight = parameters[f"conv{number}.weight"]
        groups = channels if stage.depthwise else stage.groups
        return weight, parameters.get(f"conv{number}.bias"), groups
    bank = stage.source(channels)
    if not isinstance(bank, tuple):
        weight = np.array([reference.scale_kernel(one, stage.scale) for one in bank.weight])
        bias = np.zeros(len(weight)) if bank.bias is None else bank.bias
        return weight, bias + stage.bias, channels if stage.depthwise else stage.groups
    planes = np.concatenate([kernel.weights.reshape(-1, *kernel.size) for kernel in bank])
    planes = planes[:, ::-1, ::-1] if stage.flip else planes
    return np.array([reference.scale_kernel(one, stage.scale) for one in planes]), None, None


def convolve(row, x, parameters, number):
    stage = row.stage
    weight, bias, groups = bank_of(stage, len(x), parameters, number)
    options = {
        "stride": stage.stride, "padding": stage.padding, "dilation": stage.dilation, "border": stage.border,
    }  # fmt: skip
    if groups is not None:
        return reference.conv2d(x, weight, bias, groups=groups, **options)
    maps = reference.conv2d(x, weight, **options)
    result, first = [], 0
    for _ in range(len(x)):
        for kernel in stage.source(row.input[2]):
            count = len(kernel.filters)
            answers = maps[first : first + count]
            result += [reference.combine(answers, count, kernel.combine)] if kernel.combine else [answers]
            first += count
    return np.concatenate(result) + stage.bias


def convolve_transposed(row, x, parameters, number):
    stage, placing = row.stage, row.stage.placing(row.input)
    if stage.runnable is None:
        weight, bias, groups = stage.weight(len(x))
    else:
        weight, bias, groups = parameters[f"convtranspose{number}.weight"], None, stage.groups
    return reference_resampling.conv_transpose2d(
        x, weight, parameters.get(f"convtranspose{number}.bias", bias), stride=stage.stride, padding=placing.pads,
        output_padding=placing.output_padding, dilation=stage.dilation, groups=groups,
    )  # fmt: skip


def pool(row, x):
    stage = row.stage
    options = {"stride": stage.stride, "padding": stage.padding, "ceil_mode": stage.ceil_mode}
    if stage.kind == "max":
        return reference.max_pool2d(x, stage.window, dilation=stage.dilation, **options)
    if stage.kind == "avg":
        options["count_include_pad"] = stage.count_include_pad
    return getattr(reference, f"{stage.kind}_pool2d")(x, stage.window, **options)


def each_map(row, x, parameters, number):
    """A stage with learned numbers for each map, which the program has, or which learning begins with."""
    stage = row.stage
    if stage.learned is None:
        numbers = [parameters.get(f"{stage.name}{number}.{role}", [value]) for role, value in stage.initial]
        numbers = [np.broadcast_to(each, stage.length(len(x))) for each in numbers]
    else:
        numbers = stage.by_role(len(x)).values()
    return reference.prelu(x, *numbers) if stage.name == "prelu" else reference.batch_norm(x, *numbers, stage.epsilon)


def linear(row, x, parameters, number):
    if row.stage.runnable is not None:
        return reference.linear(x, parameters[f"dense{number}.weight"], parameters.get(f"dense{number}.bias"))
    weight, bias = row.stage.matrix(row.input[0])
    if row.stage.order == "hwc":
        height, width, channels = row.flattened
        x = x.reshape(channels, height, width).transpose(1, 2, 0).reshape(-1)
    return reference.linear(x, weight, bias)


def expected(rows, x, parameters):
    """The chain composed of `reference`'s functions by hand."""
    counts = {}
    for row in rows:
        stage = row.stage
        kind = {"depthwise": "conv"}.get(stage.name, stage.name)
        number = counts[kind] = counts.get(kind, 0) + 1
        if kind in ("conv", "dense"):
            run = convolve if kind == "conv" else linear
            x = run(row, x, parameters, number)
        elif kind.endswith("pool") and not kind.startswith("global"):
            x = pool(row, x)
        elif kind == "convtranspose":
            x = convolve_transposed(row, x, parameters, number)
        elif kind == "upsample":
            options = {"mode": stage.mode, "coordinates": stage.coordinates, "rounding": stage.rounding}
            x = reference_resampling.upsample(x, scale=stage.scale, size=stage.size, **options)
        elif kind == "resize":
            x = reference_resampling.resize(x, row.output[:2], stage.filter)
        elif kind == "crop":
            x = reference_resampling.crop(x, stage.size)
        elif kind == "globalmaxpool":
            x = reference_resampling.global_max_pool2d(x)
        elif kind == "globalavgpool":
            x = x.mean(axis=(1, 2), keepdims=True)
        elif kind == "flatten":
            x = x.reshape(-1)
        elif kind == "magnitude":
            x = reference.magnitude(x, stage.count)
        elif kind == "abs":
            x = np.abs(x)
        elif kind == "gray":
            x = reference.gray(x) if len(x) == 3 else x
        elif kind == "rgb":
            x = x if len(x) == 3 else reference.rgb(x)
        elif kind == "normalize":
            x = reference.normalize(x, stage.divisor, stage.mean, stage.std)
        elif kind == "pad":
            x = reference.pad(x, stage.padding, stage.border)
        elif kind == "shuffle":
            x = reference.channel_shuffle(x, stage.groups)
        elif kind == "lrn":
            x = reference.lrn(x, stage.size, stage.alpha, stage.beta, stage.bias)
        elif kind == "dropout":
            pass
        elif kind in ("batchnorm", "prelu"):
            x = each_map(row, x, parameters, number)
        elif kind == "softmax":
            x = reference.softmax(x)
        else:
            x = getattr(reference, stage.function)(x, *stage.values)
    return x


def sample(shape):
    channels_first = (shape[2], *shape[:2]) if len(shape) == 3 else shape
    return np.random.default_rng(3).normal(scale=2, size=channels_first).astype(np.float32)
