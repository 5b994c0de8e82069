"""A network as a Keras 3 program, for batches (N, H, W, C)."""

from __future__ import annotations

from collections.abc import Sequence
from functools import singledispatch

from cnnfilter.errors import ArgumentError
from cnnfilter.export.base import (
    MODES,
    ZEROS,
    always,
    combined,
    cropped,
    joined,
    mixed,
    normalized,
    pooling,
    written,
)
from cnnfilter.export.frameworks import show
from cnnfilter.export.keras_helpers import HELPERS
from cnnfilter.export.keras_program import KerasProgram
from cnnfilter.export.program import takers_of
from cnnfilter.export.resampling import enlarged, resized
from cnnfilter.export.weights import ConvWeights, conv_weights, dense_weights, inline, map_numbers, transposed_weights
from cnnfilter.messages import readable
from cnnfilter.network import stages
from cnnfilter.network.plan import Row
from cnnfilter.network.stages.base import unknown
from cnnfilter.sizes import NONE, Border, Pads
from cnnfilter.text.numbers import show_number


def keras_program(rows: Sequence[Row], file: str | None = None) -> str:
    """The program of a planned network in Keras.

    Raises
    ------
    ArgumentError
        If Keras lacks an operation.
    """
    return KerasProgram(rows, layers, HELPERS, file).program()


@singledispatch
def layers(stage: stages.Stage, row: Row, program: KerasProgram) -> list[str]:
    """A stage's layers of Keras."""
    raise unknown(stage, "Keras code")


layers.register(stages.Absolute, always("layers.Lambda(ops.abs)"))
layers.register(stages.GlobalMaxPool, always("layers.GlobalMaxPooling2D(keepdims=True)"))
layers.register(stages.GlobalAveragePool, always("layers.GlobalAveragePooling2D(keepdims=True)"))
layers.register(stages.Add, always("layers.Add()"))
layers.register(stages.Multiply, always("layers.Multiply()"))
layers.register(stages.Concat, always("layers.Concatenate()"))
layers.register(stages.Softmax, always("layers.Softmax()"))


@layers.register(stages.Activation)
def _activation(stage: stages.Activation, row: Row, program: KerasProgram) -> list[str]:
    return [written(stage, stage.known.keras)]


@layers.register(stages.Gray)
def _gray(stage: stages.Gray, row: Row, program: KerasProgram) -> list[str]:
    if row.input[2] == 1:
        return ["layers.Identity()"]
    return [f"layers.Lambda(lambda x: ({mixed('x[..., {}:{}]')}))"]


@layers.register(stages.Rgb)
def _rgb(stage: stages.Rgb, row: Row, program: KerasProgram) -> list[str]:
    return ["layers.Identity()" if row.input[2] == 3 else "layers.Lambda(lambda x: ops.repeat(x, 3, axis=-1))"]


@layers.register(stages.Magnitude)
def _magnitude(stage: stages.Magnitude, row: Row, program: KerasProgram) -> list[str]:
    return [f'Combine((({stage.count}, "magnitude"),))']


@layers.register(stages.Flatten)
def _flatten(stage: stages.Flatten, row: Row, program: KerasProgram) -> list[str]:
    # Keras flattens in H, W, C order, which weights still to be trained may as well learn
    takers = takers_of(program.rows, program.number)
    trained_here = bool(takers) and all(isinstance(each, stages.Dense) and each.runnable is not None for each in takers)
    in_order = len(row.input) == 1 or trained_here or 1 in (row.input[2], row.input[0] * row.input[1])
    return ["layers.Flatten()"] if in_order else ["layers.Permute((3, 1, 2))", "layers.Flatten()"]


@layers.register(stages.Upsample)
def _upsample(stage: stages.Upsample, row: Row, program: KerasProgram) -> list[str]:
    usual = ("nearest", "asymmetric", "floor"), ("bilinear", "half_pixel", "floor")
    by = [out // n for n, out in zip(row.input[:2], row.output[:2], strict=True)]
    is_whole = stage.sizes(row.input) == (row.input[0] * by[0], row.input[1] * by[1])
    if (stage.mode, stage.coordinates, stage.rounding) not in usual or not is_whole:
        return [f"Resample({enlarged(stage, row)})"]
    mode = "" if stage.mode == "nearest" else ', interpolation="bilinear"'
    return [f"layers.UpSampling2D({show((by[0], by[1]))}{mode})"]


@layers.register(stages.Resize)
def _resize(stage: stages.Resize, row: Row, program: KerasProgram) -> list[str]:
    return [f"Resample({resized(stage, row)})"]


@layers.register(stages.Crop)
def _crop(stage: stages.Crop, row: Row, program: KerasProgram) -> list[str]:
    (top, left), (height, width) = stage.corner(row.input), stage.size
    rest = row.input[0] - top - height, row.input[1] - left - width
    return [f"layers.Cropping2D((({top}, {rest[0]}), ({left}, {rest[1]})))"]


@layers.register(stages.Normalize)
def _normalize(stage: stages.Normalize, row: Row, program: KerasProgram) -> list[str]:
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
def _pad(stage: stages.Pad, row: Row, program: KerasProgram) -> list[str]:
    less, more = cropped(stage.padding)
    crop = [] if less == NONE else [f"layers.Cropping2D({less})"]
    return [*crop, *_padding(more, stage.border)] or ["layers.Identity()"]


@layers.register(stages.Dropout)
def _dropout(stage: stages.Dropout, row: Row, program: KerasProgram) -> list[str]:
    return [f"layers.Dropout({show_number(stage.rate)})"]


@layers.register(stages.Shuffle)
def _shuffle(stage: stages.Shuffle, row: Row, program: KerasProgram) -> list[str]:
    height, width, channels = row.input
    grouped, order = (height, width, stage.groups, channels // stage.groups), (1, 2, 4, 3)
    return [f"layers.Reshape({grouped})", f"layers.Permute({order})", f"layers.Reshape({row.input})"]


@layers.register(stages.BatchNorm)
def _batch_norm(stage: stages.BatchNorm, row: Row, program: KerasProgram) -> list[str]:
    program.give(*_each_map(stage, row, program))
    return [f"layers.BatchNormalization(momentum=0.9, epsilon={show_number(stage.epsilon)})"]


def _each_map(stage: stages.EachMap, row: Row, program: KerasProgram) -> list[str]:
    """The learned numbers of each map; none if they are not known."""
    numbers = dict.fromkeys(dict(stage.initial), list[float]()) if program.is_loaded else map_numbers(row)
    return [program.array(role, values, inline) for role, values in numbers.items()]


@layers.register(stages.PReLU)
def _prelu(stage: stages.PReLU, row: Row, program: KerasProgram) -> list[str]:
    count, axes = stage.length(row.input[-1]), len(row.input)
    shape = (*[1] * (axes - 1), count)
    program.give(*(f"{numbers}.reshape({shape})" for numbers in _each_map(stage, row, program)))
    # it learns a slope for each place too, unless it is told what shares one
    shared = [axis for axis in range(1, axes + 1) if axis < axes or count < row.input[-1]]
    sharing = f", shared_axes={shared}" if shared else ""
    return [f"layers.PReLU(keras.initializers.Constant({dict(stage.initial)['weight']}){sharing})"]


@layers.register(stages.LocalResponse)
def _local_response(stage: stages.LocalResponse, row: Row, program: KerasProgram) -> list[str]:
    return [f"LocalResponse({', '.join(map(show_number, (stage.size, stage.alpha, stage.beta, stage.bias)))})"]


@layers.register(stages.Conv)
def _conv(stage: stages.Conv, row: Row, program: KerasProgram) -> list[str]:
    if max(stage.stride) > 1 and max(stage.dilation) > 1:
        msg = f"{readable(stage)}: Keras refuses a stride above 1 together with a dilation above 1"
        raise ArgumentError(msg)
    bank, pads = conv_weights(row, is_loaded=program.is_loaded), stage.sliding(row.input).pads
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
    program.give(*_arrays(program, bank, depthwise))
    convolution = f"layers.{'Depthwise' if depthwise else ''}Conv2D({', '.join(arguments)})"
    return [convolution, f"Combine({combined(bank)})"] if bank.parts else [convolution]


@layers.register(stages.ConvTranspose)
def _transposed(stage: stages.ConvTranspose, row: Row, program: KerasProgram) -> list[str]:
    bank, (window, stride, dilation, pads, extra) = (
        transposed_weights(row, stage, is_loaded=program.is_loaded),
        stage.placing(row.input),
    )
    if bank.groups > 1 and bank.weight is None and not program.is_loaded:
        msg = f"{readable(stage)}: Keras's transposed convolutions have no groups; with weights they are told by zeros"
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
    program.give(*_arrays(program, bank, apart=bank.groups > 1))
    layer = f"layers.Conv2DTranspose({', '.join(arguments)})"
    return [layer] if pads == NONE else [layer, f"layers.Cropping2D({pads})"]


def _arrays(program: KerasProgram, bank: ConvWeights, depthwise: bool = False, *, apart: bool = False) -> list[str]:
    """The kernel and the bias; `apart`, with weights of 0 for the channels of other groups."""
    if bank.weight is None and not program.is_loaded:
        return []
    values = program.array("weight", bank.weight)
    if bank.repeat > 1:
        values = f"np.tile({values}, ({bank.repeat}, 1, 1, 1))"
    if apart:
        groups, (height, width) = bank.groups, bank.window
        blocks = f"np.eye({groups}).reshape({groups}, 1, {groups}, 1, 1, 1)"
        values = f"({values}.reshape({groups}, -1, 1, {bank.inputs}, {height}, {width}) * {blocks})"
        values += f".reshape(-1, {bank.count}, {height}, {width})"
    if depthwise:
        values += f".reshape({bank.groups}, -1, {bank.window[0]}, {bank.window[1]}).transpose(2, 3, 0, 1)"
    else:
        values += ".transpose(2, 3, 1, 0)"
    return [values, *([program.array("bias", bank.bias)] if bank.biased else [])]


@layers.register(stages.Pool)
def _pool(stage: stages.Pool, row: Row, program: KerasProgram) -> list[str]:
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
def _dense(stage: stages.Dense, row: Row, program: KerasProgram) -> list[str]:
    matrix = dense_weights(row, is_loaded=program.is_loaded)
    if matrix.order is not None:
        height, width, channels = matrix.order
        program.add(f"layers.Reshape({(channels, height, width)})", "layers.Permute((2, 3, 1))", "layers.Flatten()")
    if matrix.weight is not None or program.is_loaded:
        biases = [program.array("bias", matrix.bias)] if matrix.biased else []
        program.give(f"{program.array('weight', matrix.weight)}.T", *biases)
    return [f"layers.Dense({row.output[0]}{'' if matrix.biased else ', use_bias=False'})"]
