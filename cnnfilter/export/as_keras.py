"""A chain as a Keras 3 program: a `keras.Sequential`, for batches (N, H, W, C)."""

from __future__ import annotations

from collections.abc import Sequence
from functools import singledispatch

from cnnfilter.errors import ArgumentError
from cnnfilter.export.base import (
    MODES,
    ZEROS,
    Sequential,
    always,
    branches,
    combined,
    cropped,
    joined,
    mixed,
    normalized,
    pooling,
    written,
)
from cnnfilter.export.frameworks import show
from cnnfilter.export.resampling import WEIGHTS, enlarged, resized
from cnnfilter.export.weights import (
    ConvWeights,
    conv_weights,
    dense_weights,
    inline,
    literal,
    map_numbers,
    transposed_weights,
)
from cnnfilter.messages import readable
from cnnfilter.network import stages
from cnnfilter.network.plan import Row
from cnnfilter.network.stages.base import unknown
from cnnfilter.sizes import NONE, Border, Pads
from cnnfilter.text.numbers import show_number

HELPERS = {
    **WEIGHTS,
    "Resample": '''
class Resample(layers.Layer):
    """Make each row and each column a weighted mean of those of the maps."""

    def __init__(self, down, along):
        super().__init__()
        self.down, self.along = down.astype("float32"), along.astype("float32")

    def call(self, x):
        return ops.einsum("ih,nhwc,jw->nijc", self.down, x, self.along)
''',
    "Pad": '''
class Pad(layers.Layer):
    """Surround the maps with a number, or with their own rows and columns as numpy.pad repeats them."""

    def __init__(self, pads, mode="constant", value=0.0):
        super().__init__()
        self.pads, self.mode, self.value = pads, mode, value

    def call(self, x):
        if self.mode == "constant":
            return ops.pad(x, ((0, 0), *self.pads, (0, 0)), constant_values=self.value)
        for axis, pads in zip((1, 2), self.pads):
            x = ops.take(x, np.pad(np.arange(x.shape[axis]), pads, self.mode), axis=axis)
        return x
''',
    "AveragePool": '''
class AveragePool(layers.Layer):
    """The mean of each window; `beyond` is what ceil_mode adds past the padding, which never counts."""

    def __init__(self, window, stride, pads, beyond, count_padding):
        super().__init__()
        self.mean = layers.AveragePooling2D(window, strides=stride)
        self.pad, self.beyond = layers.ZeroPadding2D(pads), layers.ZeroPadding2D(beyond)
        self.pads, self.size, self.counted = pads, np.prod(window), float(count_padding)

    def call(self, x):
        counted = ops.pad(ops.ones_like(x), ((0, 0), *self.pads, (0, 0)), constant_values=self.counted)
        total = self.mean(self.beyond(self.pad(x))) * self.size
        return total / ops.maximum(ops.round(self.mean(self.beyond(counted)) * self.size), 1)
''',
    "LocalResponse": '''
class LocalResponse(layers.Layer):
    """x / (bias + alpha/size * sum of squares)^beta, over so many maps around each."""

    def __init__(self, size, alpha, beta, bias):
        super().__init__()
        self.size, self.alpha, self.beta, self.bias = size, alpha, beta, bias

    def call(self, x):
        around = ((0, 0), (0, 0), (0, 0), ((self.size - 1) // 2, self.size // 2))
        squares, count = ops.pad(ops.square(x), around), x.shape[-1]
        total = sum(squares[..., i : i + count] for i in range(self.size))
        return x / (self.bias + self.alpha / self.size * total) ** self.beta
''',
    "Combine": '''
class Combine(layers.Layer):
    """Make one map of so many neighbouring ones, by the rule of each part, channel by channel."""

    def __init__(self, parts, shift=0.0):
        super().__init__()
        self.parts, self.shift = parts, shift

    def call(self, x):
        maps, first = [], 0
        while first < x.shape[-1]:
            for number, rule in self.parts:
                answers = x[..., first : first + number]
                squares = ops.sqrt(ops.sum(ops.square(answers), axis=-1))
                maps.append(squares if rule == "magnitude" else ops.max(answers, axis=-1))
                first += number
        return ops.stack(maps, axis=-1) + self.shift
''',
}
"""The layers that Keras lacks."""


def keras_program(rows: Sequence[Row]) -> str:
    """The program of a planned chain in Keras.

    Raises
    ------
    ArgumentError
        If Keras lacks an operation.
    """
    program = _Program(rows, " " * 8, HELPERS, layers)
    weights = "\n".join(program.weights) + "\n" if program.weights else ""
    code = program.helpers + program.body + weights
    numpy = ["import numpy as np"] if "np." in code else []
    imports = [*numpy, "import keras", f"from keras import layers{', ops' if 'ops.' in code else ''}"]
    opening = f"network = keras.Sequential(\n    [\n        keras.Input({rows[0].input}),"
    return program.text(imports, opening, "    ]\n)", weights, "network.summary()")


class _Program(Sequential):
    def give(self, *arrays: str) -> None:
        """Set the weights of the layer added next, if there are any."""
        if arrays:
            self.weights.append(f"network.layers[{len(self.layers)}].set_weights([{', '.join(arrays)}])")


@singledispatch
def layers(stage: stages.Stage, row: Row, program: _Program) -> list[str]:
    """A stage's layers of Keras."""
    raise unknown(stage, "Keras code")


layers.register(stages.Absolute, always("layers.Lambda(ops.abs)"))
layers.register(stages.GlobalMaxPool, always("layers.GlobalMaxPooling2D(keepdims=True)"))
layers.register(stages.GlobalAveragePool, always("layers.GlobalAveragePooling2D(keepdims=True)"))
for _join in (stages.Add, stages.Multiply, stages.Concat):
    layers.register(_join, branches)
layers.register(stages.Softmax, always("layers.Softmax()"))


@layers.register(stages.Activation)
def _activation(stage: stages.Activation, row: Row, program: _Program) -> list[str]:
    return [written(stage, stage.known.keras)]


@layers.register(stages.Gray)
def _gray(stage: stages.Gray, row: Row, program: _Program) -> list[str]:
    if row.input[2] == 1:
        return ["layers.Identity()"]
    return [f"layers.Lambda(lambda x: ({mixed('x[..., {}:{}]')}))"]


@layers.register(stages.Magnitude)
def _magnitude(stage: stages.Magnitude, row: Row, program: _Program) -> list[str]:
    return [f'Combine((({stage.count}, "magnitude"),))']


@layers.register(stages.Flatten)
def _flatten(stage: stages.Flatten, row: Row, program: _Program) -> list[str]:
    # Keras flattens in H, W, C order, which weights still to be trained may as well learn
    taken = next((each.stage for each in program.left if each.stage.takes != "either"), None)
    trained_here = isinstance(taken, stages.Dense) and taken.runnable is not None
    in_order = len(row.input) == 1 or trained_here or 1 in (row.input[2], row.input[0] * row.input[1])
    return ["layers.Flatten()"] if in_order else ["layers.Permute((3, 1, 2))", "layers.Flatten()"]


@layers.register(stages.Upsample)
def _upsample(stage: stages.Upsample, row: Row, program: _Program) -> list[str]:
    usual = ("nearest", "asymmetric", "floor"), ("bilinear", "half_pixel", "floor")
    by = [out // n for n, out in zip(row.input[:2], row.output[:2], strict=True)]
    is_whole = stage.sizes(row.input) == (row.input[0] * by[0], row.input[1] * by[1])
    if (stage.mode, stage.coordinates, stage.rounding) not in usual or not is_whole:
        return [f"Resample({enlarged(stage, row)})"]
    mode = "" if stage.mode == "nearest" else ', interpolation="bilinear"'
    return [f"layers.UpSampling2D({show((by[0], by[1]))}{mode})"]


@layers.register(stages.Resize)
def _resize(stage: stages.Resize, row: Row, program: _Program) -> list[str]:
    return [f"Resample({resized(stage, row)})"]


@layers.register(stages.Crop)
def _crop(stage: stages.Crop, row: Row, program: _Program) -> list[str]:
    (top, left), (height, width) = stage.corner(row.input), stage.size
    rest = row.input[0] - top - height, row.input[1] - left - width
    return [f"layers.Cropping2D((({top}, {rest[0]}), ({left}, {rest[1]})))"]


@layers.register(stages.Normalize)
def _normalize(stage: stages.Normalize, row: Row, program: _Program) -> list[str]:
    return [f"layers.Lambda(lambda x: {normalized(stage, 'np.array([{}])')})"]


def _padding(pads: Pads, border: Border = ZEROS) -> list[str]:
    if pads == NONE:
        return []
    if border.mode != "constant":
        return [f'Pad({pads}, "{MODES[border.mode]}")']
    if border.value:
        return [f"Pad({pads}, value={show_number(border.value)})"]
    return [f"layers.ZeroPadding2D({pads})"]


@layers.register(stages.Pad)
def _pad(stage: stages.Pad, row: Row, program: _Program) -> list[str]:
    less, more = cropped(stage.padding)
    crop = [] if less == NONE else [f"layers.Cropping2D({less})"]
    return [*crop, *_padding(more, stage.border)] or ["layers.Identity()"]


@layers.register(stages.Dropout)
def _dropout(stage: stages.Dropout, row: Row, program: _Program) -> list[str]:
    return [f"layers.Dropout({show_number(stage.rate)})"]


@layers.register(stages.Shuffle)
def _shuffle(stage: stages.Shuffle, row: Row, program: _Program) -> list[str]:
    height, width, channels = row.input
    grouped, order = (height, width, stage.groups, channels // stage.groups), (1, 2, 4, 3)
    return [f"layers.Reshape({grouped})", f"layers.Permute({order})", f"layers.Reshape({row.input})"]


@layers.register(stages.BatchNorm)
def _batch_norm(stage: stages.BatchNorm, row: Row, program: _Program) -> list[str]:
    program.give(*(f"np.array({inline(values)})" for values in map_numbers(row).values()))
    return [f"layers.BatchNormalization(momentum=0.9, epsilon={show_number(stage.epsilon)})"]


@layers.register(stages.PReLU)
def _prelu(stage: stages.PReLU, row: Row, program: _Program) -> list[str]:
    count, axes = stage.length(row.input[-1]), len(row.input)
    shape = (*[1] * (axes - 1), count)
    program.give(*(f"np.array({inline(values)}).reshape({shape})" for values in map_numbers(row).values()))
    # it learns a slope for each place too, unless it is told what shares one
    shared = [axis for axis in range(1, axes + 1) if axis < axes or count < row.input[-1]]
    sharing = f", shared_axes={shared}" if shared else ""
    return [f"layers.PReLU(keras.initializers.Constant({dict(stage.initial)['weight']}){sharing})"]


@layers.register(stages.LocalResponse)
def _local_response(stage: stages.LocalResponse, row: Row, program: _Program) -> list[str]:
    return [f"LocalResponse({', '.join(map(show_number, (stage.size, stage.alpha, stage.beta, stage.bias)))})"]


@layers.register(stages.Conv)
def _conv(stage: stages.Conv, row: Row, program: _Program) -> list[str]:
    if max(stage.stride) > 1 and max(stage.dilation) > 1:
        msg = f"{readable(stage)}: Keras refuses a stride above 1 together with a dilation above 1"
        raise ArgumentError(msg)
    bank, pads = conv_weights(row), stage.sliding(row.input).pads
    same = stage.padding == "same" and pads != NONE and str(stage.border) == "zeros"
    program.add(*([] if same else _padding(pads, stage.border)))
    depthwise = bank.inputs == 1 and bank.groups > 1
    arguments = [show(bank.window)] if depthwise else [str(bank.count), show(bank.window)]
    multiplier = bank.count // bank.groups
    arguments += [f"depth_multiplier={multiplier}"] if depthwise and multiplier > 1 else []
    arguments += [f"strides={show(stage.stride)}"] if stage.stride != (1, 1) else []
    arguments += ['padding="same"'] if same else []
    arguments += [f"dilation_rate={show(stage.dilation)}"] if stage.dilation != (1, 1) else []
    arguments += [f"groups={bank.groups}"] if bank.groups > 1 and not depthwise else []
    arguments += [] if bank.biased else ["use_bias=False"]
    program.give(*_arrays(bank, depthwise))
    convolution = f"layers.{'Depthwise' if depthwise else ''}Conv2D({', '.join(arguments)})"
    return [convolution, f"Combine({combined(bank)})"] if bank.parts else [convolution]


@layers.register(stages.ConvTranspose)
def _transposed(stage: stages.ConvTranspose, row: Row, program: _Program) -> list[str]:
    bank, (window, stride, dilation, pads, extra) = transposed_weights(row, stage), stage.placing(row.input)
    if bank.groups > 1:
        msg = f"{readable(stage)}: Keras's transposed convolutions have no groups, as every channel's own kernels are"
        raise ArgumentError(msg)
    if max(stride) > 1 and max(dilation) > 1:
        msg = f"{readable(stage)}: Keras refuses a stride above 1 together with a dilation above 1"
        raise ArgumentError(msg)
    arguments = [str(bank.count), show(window)]
    arguments += [f"strides={show(stride)}"] if stride != (1, 1) else []
    # left out, it is what makes the size a multiple of the stride
    arguments += [f"output_padding={extra}"] if stride != (1, 1) else []
    arguments += [f"dilation_rate={show(dilation)}"] if dilation != (1, 1) else []
    arguments += [] if bank.biased else ["use_bias=False"]
    if bank.weight is not None:
        biases = [] if bank.bias is None else [f"np.array({literal(bank.bias)})"]
        program.give(f"np.array({literal(bank.weight)}).transpose(2, 3, 1, 0)", *biases)
    layer = f"layers.Conv2DTranspose({', '.join(arguments)})"
    return [layer] if pads == NONE else [layer, f"layers.Cropping2D({pads})"]


def _arrays(bank: ConvWeights, depthwise: bool) -> list[str]:
    if bank.weight is None:
        return []
    values = f"np.array({literal(bank.weight)})"
    if bank.repeat > 1:
        values = f"np.tile({values}, ({bank.repeat}, 1, 1, 1))"
    if depthwise:
        values += f".reshape({bank.groups}, -1, {bank.window[0]}, {bank.window[1]}).transpose(2, 3, 0, 1)"
    else:
        values += ".transpose(2, 3, 1, 0)"
    return [values, *([] if bank.bias is None else [f"np.array({literal(bank.bias)})"])]


@layers.register(stages.Pool)
def _pool(stage: stages.Pool, row: Row, program: _Program) -> list[str]:
    sliding, past = pooling(row, stage)
    if sliding.dilation != (1, 1):
        msg = f"{readable(stage)}: Keras's pools have no dilation"
        raise ArgumentError(msg)
    pads = joined(sliding.pads, past)
    window, stride = show(sliding.window), show(sliding.stride)
    arguments = window if sliding.stride == sliding.window else f"{window}, strides={stride}"
    name = "MaxPooling2D" if stage.kind == "max" else "AveragePooling2D"
    # of means, "same" leaves the padding out with TensorFlow, and with PyTorch repeats the edge
    if stage.padding == "same" and past == NONE and stage.kind == "max":
        return [f'layers.{name}({arguments}, padding="same")']
    if stage.kind == "max":
        before = [] if pads == NONE else [f'Pad({pads}, value=float("-inf"))']
        return [*before, f"layers.{name}({arguments})"]
    if stage.kind == "sum":
        size = sliding.window[0] * sliding.window[1]
        return [*_padding(pads), f"layers.{name}({arguments})", f"layers.Rescaling({size})"]
    if past == NONE and (stage.count_include_pad or pads == NONE):
        return [*_padding(pads), f"layers.{name}({arguments})"]
    amounts = f"{sliding.pads}, {past}, {stage.count_include_pad}"
    return [f"AveragePool({sliding.window}, {sliding.stride}, {amounts})"]


@layers.register(stages.Dense)
def _dense(stage: stages.Dense, row: Row, program: _Program) -> list[str]:
    matrix = dense_weights(row)
    if matrix.weight is not None:
        biases = [] if matrix.bias is None else [f"np.array({literal(matrix.bias)})"]
        program.give(f"np.array({literal(matrix.weight)}).T", *biases)
    return [f"layers.Dense({row.output[0]}{'' if matrix.biased else ', use_bias=False'})"]
