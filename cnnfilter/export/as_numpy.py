"""A network as a NumPy program, for maps (C, H, W)."""

from __future__ import annotations

from collections.abc import Sequence
from functools import singledispatch

from cnnfilter.export.base import (
    MODES,
    always,
    combined,
    cropped,
    joined,
    mixed,
    normalized,
    pooling,
    written,
)
from cnnfilter.export.numpy_program import NumpyProgram
from cnnfilter.export.resampling import WEIGHTS, cut, enlarged, resized
from cnnfilter.export.weights import conv_weights, dense_weights, map_numbers, transposed_weights
from cnnfilter.network import stages
from cnnfilter.network.activations import ACTIVATIONS
from cnnfilter.network.plan import Row
from cnnfilter.network.stages.base import unknown
from cnnfilter.sizes import NONE, Border
from cnnfilter.text.numbers import show_number

HELPERS = {
    **WEIGHTS,
    "resample": '''
def resample(x, down, along):
    """Make each row and each column a weighted mean of those of the maps."""
    return down @ x @ along.T
''',
    "windows": '''
def windows(x, window, stride, dilation=(1, 1)):
    """Return every window of the maps, as (C, H', W', kh, kw)."""
    span = [d * (k - 1) + 1 for k, d in zip(window, dilation)]
    every = np.lib.stride_tricks.sliding_window_view(x, span, axis=(1, 2))
    return every[:, :: stride[0], :: stride[1], :: dilation[0], :: dilation[1]]
''',
    "conv2d": '''
def conv2d(x, weight, bias=None, stride=(1, 1), dilation=(1, 1), groups=1):
    """Slide filters (O, I, kh, kw) over the maps; each adds up the channels of its group."""
    patches = windows(x, weight.shape[2:], stride, dilation)
    pairs = zip(np.split(weight, groups), np.split(patches, groups))
    out = np.concatenate([np.einsum("oikl,ihwkl->ohw", bank, patch) for bank, patch in pairs])
    return out if bias is None else out + bias[:, None, None]
''',
    "conv_transpose2d": '''
def conv_transpose2d(
    x, weight, bias=None, stride=(1, 1), pads=((0, 0), (0, 0)), extra=(0, 0), dilation=(1, 1), groups=1
):
    """Add the weights (I, O/groups, kh, kw), times each sample, to the result where the sample lies in it."""
    axes = zip(x.shape[1:], stride, dilation, weight.shape[2:], extra)
    sizes = [(n - 1) * s + d * (k - 1) + 1 + more for n, s, d, k, more in axes]
    maps = x.reshape(groups, -1, *x.shape[1:])
    banks = weight.reshape(groups, -1, *weight.shape[1:])
    out = np.zeros((groups, weight.shape[1], *sizes))
    for place in np.ndindex(*weight.shape[2:]):
        begins = [tap * d for tap, d in zip(place, dilation)]
        rows, columns = (slice(b, b + (n - 1) * s + 1, s) for b, n, s in zip(begins, x.shape[1:], stride))
        out[:, :, rows, columns] += np.einsum("gihw,gio->gohw", maps, banks[..., place[0], place[1]])
    (above, below), (left, right) = pads
    out = out.reshape(-1, *sizes)[:, above : sizes[0] - below, left : sizes[1] - right]
    return out if bias is None else out + bias[:, None, None]
''',
    "pad": '''
def pad(x, pads, mode="constant", **value):
    """Surround the maps with ((above, below), (left, right)) samples."""
    return np.pad(x, ((0, 0), *pads), mode, **value)
''',
    "avg_pool2d": '''
def avg_pool2d(x, window, stride, pads, beyond, count_padding):
    """Take the mean of each window; `beyond` is what ceil_mode adds past the padding, which never counts."""
    counted = pad(np.ones_like(x), pads, constant_values=float(count_padding))
    total = windows(pad(pad(x, pads), beyond), window, stride).sum(axis=(3, 4))
    return total / np.maximum(windows(pad(counted, beyond), window, stride).sum(axis=(3, 4)), 1)
''',
    "combine": '''
def combine(x, parts, shift=0.0):
    """Make one map of so many neighbouring ones, by the rule of each part, channel by channel."""
    count = sum(number for number, _ in parts)
    maps = []
    for first in range(0, len(x), count):
        for number, rule in parts:
            answers = x[first : first + number]
            maps.append(np.sqrt((answers**2).sum(axis=0)) if rule == "magnitude" else answers.max(axis=0))
            first += number
    return np.stack(maps) + shift
''',
    **{name: code for each in ACTIVATIONS.values() for name, code in each.numpy_helpers.items()},
    "lrn": '''
def lrn(x, size, alpha, beta, bias):
    """x / (bias + alpha/size * sum of squares)^beta, over so many maps around each."""
    squares = np.pad(x**2, (((size - 1) // 2, size // 2), (0, 0), (0, 0)))
    total = sum(squares[i : i + len(x)] for i in range(size))
    return x / (bias + alpha / size * total) ** beta
''',
    "softmax": '''
def softmax(x):
    """e^x / sum e^x, shifted so that nothing overflows."""
    powers = np.exp(x - x.max(axis=0))
    return powers / powers.sum(axis=0)
''',
}
"""The functions that a program may need; later ones may use earlier ones."""


def numpy_program(rows: Sequence[Row], file: str | None = None) -> str:
    """The program of a planned network in NumPy."""
    return NumpyProgram(rows, expressions, HELPERS, file).program()


@singledispatch
def expressions(stage: stages.Stage, row: Row, program: NumpyProgram) -> list[str]:
    """The expressions of `x` that a stage is."""
    raise unknown(stage, "NumPy code")


expressions.register(stages.Absolute, always("np.abs(x)"))
expressions.register(stages.GlobalMaxPool, always("x.max(axis=(1, 2), keepdims=True)"))
expressions.register(stages.GlobalAveragePool, always("x.mean(axis=(1, 2), keepdims=True)"))
expressions.register(stages.Flatten, always("x.reshape(-1)"))


@expressions.register(stages.Add)
def _add(stage: stages.Add, row: Row, program: NumpyProgram) -> list[str]:
    return [" + ".join(program.given)]


@expressions.register(stages.Multiply)
def _multiply(stage: stages.Multiply, row: Row, program: NumpyProgram) -> list[str]:
    return [" * ".join(program.given)]


@expressions.register(stages.Concat)
def _concat(stage: stages.Concat, row: Row, program: NumpyProgram) -> list[str]:
    return [f"np.concatenate([{', '.join(program.given)}])"]


@expressions.register(stages.Activation)
def _activation(stage: stages.Activation, row: Row, program: NumpyProgram) -> list[str]:
    return [written(stage, stage.known.numpy)]


@expressions.register(stages.Upsample)
def _upsample(stage: stages.Upsample, row: Row, program: NumpyProgram) -> list[str]:
    return [f"resample(x, {enlarged(stage, row)})"]


@expressions.register(stages.Resize)
def _resize(stage: stages.Resize, row: Row, program: NumpyProgram) -> list[str]:
    return [f"resample(x, {resized(stage, row)})"]


@expressions.register(stages.Crop)
def _crop(stage: stages.Crop, row: Row, program: NumpyProgram) -> list[str]:
    return [f"x[:, {cut(stage, row)}]"]


@expressions.register(stages.Normalize)
def _normalize(stage: stages.Normalize, row: Row, program: NumpyProgram) -> list[str]:
    return [normalized(stage, "np.array([{}])[:, None, None]")]


@expressions.register(stages.Gray)
def _gray(stage: stages.Gray, row: Row, program: NumpyProgram) -> list[str]:
    return ["x" if row.input[2] == 1 else mixed("x[{}:{}]")]


@expressions.register(stages.Rgb)
def _rgb(stage: stages.Rgb, row: Row, program: NumpyProgram) -> list[str]:
    return ["x" if row.input[2] == 3 else "np.repeat(x, 3, axis=0)"]


@expressions.register(stages.Magnitude)
def _magnitude(stage: stages.Magnitude, row: Row, program: NumpyProgram) -> list[str]:
    return [f'combine(x, (({stage.count}, "magnitude"),))']


expressions.register(stages.Dropout, always("x"))


@expressions.register(stages.Shuffle)
def _shuffle(stage: stages.Shuffle, row: Row, program: NumpyProgram) -> list[str]:
    return [f"x.reshape({stage.groups}, -1, *x.shape[1:]).swapaxes(0, 1).reshape(x.shape)"]


@expressions.register(stages.BatchNorm)
def _batch_norm(stage: stages.BatchNorm, row: Row, program: NumpyProgram) -> list[str]:
    weight, bias, mean, variance = _each_map(row, program)
    return [f"(x - {mean}) / np.sqrt({variance} + {show_number(stage.epsilon)}) * {weight} + {bias}"]


@expressions.register(stages.PReLU)
def _prelu(stage: stages.PReLU, row: Row, program: NumpyProgram) -> list[str]:
    return [f"np.where(x >= 0, x, {_each_map(row, program)[0]} * x)"]


def _each_map(row: Row, program: NumpyProgram) -> list[str]:
    """The learned numbers of each map of maps (C, H, W), or of each element of a vector."""
    stage: stages.EachMap = row.stage  # type: ignore[assignment]  # those that call it are
    layer, numbers = program.layer(stage.name), map_numbers(row, is_loaded=program.is_loaded)
    shape, index = (stage.length(row.input[-1]),), "[:, None, None]" if len(row.input) == 3 else ""
    names = ((role, numbers.get(role, first)) for role, first in stage.initial)
    return [f"{program.parameter(f'{layer}.{role}', shape, values)}{index}" for role, values in names]


@expressions.register(stages.LocalResponse)
def _local_response(stage: stages.LocalResponse, row: Row, program: NumpyProgram) -> list[str]:
    return [f"lrn(x, {', '.join(map(show_number, (stage.size, stage.alpha, stage.beta, stage.bias)))})"]


@expressions.register(stages.Pad)
def _pad(stage: stages.Pad, row: Row, program: NumpyProgram) -> list[str]:
    less, more = cropped(stage.padding)
    rows, columns = (f"{begin}:{n - end}" for (begin, end), n in zip(less, row.input[:2], strict=True))
    crop = [] if less == NONE else [f"x[:, {rows}, {columns}]"]
    return [*crop, *([] if more == NONE else [f"pad(x, {more}{_border(stage.border)})"])] or ["x"]


@expressions.register(stages.Softmax)
def _softmax(stage: stages.Softmax, row: Row, program: NumpyProgram) -> list[str]:
    return ["softmax(x)"]


@expressions.register(stages.Conv)
def _conv(stage: stages.Conv, row: Row, program: NumpyProgram) -> list[str]:
    bank = conv_weights(row, is_loaded=program.is_loaded)
    layer = program.layer("conv")
    shape = (bank.count, bank.inputs, *bank.window)
    arguments = [program.parameter(f"{layer}.weight", shape, bank.weight, bank.repeat)]
    if bank.biased:
        arguments.append(program.parameter(f"{layer}.bias", (bank.count,), bank.bias))
    options = {
        "stride": (stage.stride, (1, 1)),
        "dilation": (stage.dilation, (1, 1)),
        "groups": (bank.groups, 1),
    }
    arguments += [f"{key}={value}" for key, (value, default) in options.items() if value != default]
    pads = stage.sliding(row.input).pads
    padding = [] if pads == NONE else [f"pad(x, {pads}{_border(stage.border)})"]
    convolution = f"conv2d(x, {', '.join(arguments)})"
    if not bank.parts:
        return [*padding, convolution]
    return [*padding, convolution, f"combine(x, {combined(bank)})"]


@expressions.register(stages.ConvTranspose)
def _transposed(stage: stages.ConvTranspose, row: Row, program: NumpyProgram) -> list[str]:
    bank, placing = transposed_weights(row, stage, is_loaded=program.is_loaded), stage.placing(row.input)
    layer = program.layer("convtranspose")
    shape = (row.input[2], bank.inputs, *bank.window)
    arguments = [program.parameter(f"{layer}.weight", shape, bank.weight, bank.repeat)]
    if bank.biased:
        arguments.append(program.parameter(f"{layer}.bias", (bank.count,), bank.bias))
    options = {
        "stride": (placing.stride, (1, 1)),
        "pads": (placing.pads, NONE),
        "extra": (placing.output_padding, (0, 0)),
        "dilation": (placing.dilation, (1, 1)),
        "groups": (bank.groups, 1),
    }
    arguments += [f"{key}={value}" for key, (value, default) in options.items() if value != default]
    return [f"conv_transpose2d(x, {', '.join(arguments)})"]


def _border(border: Border) -> str:
    if border.mode != "constant":
        return f', "{MODES[border.mode]}"'
    return f", constant_values={show_number(border.value)}" if border.value else ""


@expressions.register(stages.Pool)
def _pool(stage: stages.Pool, row: Row, program: NumpyProgram) -> list[str]:
    sliding, past = pooling(row, stage)
    window, stride = sliding.window, sliding.stride
    if stage.kind == "avg" and (joined(sliding.pads, past) != NONE):
        return [f"avg_pool2d(x, {window}, {stride}, {sliding.pads}, {past}, {stage.count_include_pad})"]
    pads = joined(sliding.pads, past)
    fill = ", constant_values=-np.inf" if stage.kind == "max" else ""
    padding = [] if pads == NONE else [f"pad(x, {pads}{fill})"]
    dilation = f", {sliding.dilation}" if sliding.dilation != (1, 1) else ""
    reduce = {"max": "max", "avg": "mean", "sum": "sum"}[stage.kind]
    return [*padding, f"windows(x, {window}, {stride}{dilation}).{reduce}(axis=(3, 4))"]


@expressions.register(stages.Dense)
def _dense(stage: stages.Dense, row: Row, program: NumpyProgram) -> list[str]:
    matrix, layer = dense_weights(row, is_loaded=program.is_loaded), program.layer("dense")
    outputs, inputs = row.output[0], row.input[0]
    weight = program.parameter(f"{layer}.weight", (outputs, inputs), matrix.weight)
    bias = f" + {program.parameter(f'{layer}.bias', (outputs,), matrix.bias)}" if matrix.biased else ""
    if matrix.order is None:
        return [f"{weight} @ x{bias}"]
    height, width, channels = matrix.order
    order = f"x.reshape({channels}, {height}, {width}).transpose(1, 2, 0).reshape(-1)"
    return [order, f"{weight} @ x{bias}"]
