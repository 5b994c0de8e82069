"""A chain as a Keras 3 program: a `keras.Sequential`, for batches (N, H, W, C)."""

from __future__ import annotations

from collections.abc import Sequence
from functools import singledispatch

from cnnfilter.errors import ArgumentError
from cnnfilter.export.base import MODES, NONE, Sequential, beyond, divisor, joined, mixed, pooling, scale_of, written
from cnnfilter.export.frameworks import show
from cnnfilter.export.weights import Filters, filters_of, literal, matrix_of
from cnnfilter.messages import readable
from cnnfilter.network.plan import Row
from cnnfilter.network.stages import (
    Absolute,
    Activation,
    Conv,
    Dense,
    Flatten,
    GlobalAveragePool,
    Gray,
    Magnitude,
    Normalize,
    Pool,
    Softmax,
    Stage,
)
from cnnfilter.network.stages.base import unknown
from cnnfilter.sizes import Border, Pads
from cnnfilter.text.numbers import show_number

HELPERS = {
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

ZEROS = Border()


def keras_program(rows: Sequence[Row]) -> str:
    """Return the program.

    Raises
    ------
    ArgumentError
        If Keras lacks an operation.
    """
    program = _Program(rows)
    for row in rows:
        program.left.pop(0)
        program.stage(row, layers(row.stage, row, program))
    body, helpers = program.body, program.helpers
    weights = "\n".join(program.weights) + "\n" if program.weights else ""
    code = helpers + body + weights
    imports = [
        *(["import numpy as np"] if "np." in code else []),
        "import keras",
        f"from keras import layers{', ops' if 'ops.' in code else ''}",
    ]
    shape = rows[0].input
    parts = [
        "\n".join(imports) + "\n",
        *filter(None, [scale_of(body)]),
        *([f"\n{helpers}\n"] if helpers else []),
        f"network = keras.Sequential(\n    [\n        keras.Input({shape}),\n{body}\n    ]\n)",
        f'{weights}\nif __name__ == "__main__":\n    network.summary()\n',
    ]
    return "\n".join(parts)


class _Program(Sequential):
    def __init__(self, rows: Sequence[Row]) -> None:
        super().__init__(rows, " " * 8, HELPERS)

    def give(self, *arrays: str) -> None:
        """Set the weights of the layer added next."""
        self.weights.append(f"network.layers[{len(self.layers)}].set_weights([{', '.join(arrays)}])")


@singledispatch
def layers(stage: Stage, row: Row, program: _Program) -> list[str]:
    """Return a stage's layers of Keras."""
    raise unknown(stage, "Keras code")


@layers.register(Activation)
def _activation(stage: Activation, row: Row, program: _Program) -> list[str]:
    return [written(stage, stage.known.keras)]


@layers.register(Gray)
def _gray(stage: Gray, row: Row, program: _Program) -> list[str]:
    if row.input[2] == 1:
        return ["layers.Identity()"]
    return [f"layers.Lambda(lambda x: ({mixed('x[..., {}:{}]')}))"]


@layers.register(Absolute)
def _absolute(stage: Absolute, row: Row, program: _Program) -> list[str]:
    return ["layers.Lambda(ops.abs)"]


@layers.register(Magnitude)
def _magnitude(stage: Magnitude, row: Row, program: _Program) -> list[str]:
    return [f'Combine((({stage.count}, "magnitude"),))']


@layers.register(GlobalAveragePool)
def _mean(stage: GlobalAveragePool, row: Row, program: _Program) -> list[str]:
    return ["layers.GlobalAveragePooling2D(keepdims=True)"]


@layers.register(Flatten)
def _flatten(stage: Flatten, row: Row, program: _Program) -> list[str]:
    # Keras flattens in H, W, C order, which weights still to be trained may as well learn
    taken = next((each.stage for each in program.left if each.stage.takes != "either"), None)
    trained_here = isinstance(taken, Dense) and taken.file is None
    in_order = len(row.input) == 1 or trained_here or 1 in (row.input[2], row.input[0] * row.input[1])
    return ["layers.Flatten()"] if in_order else ["layers.Permute((3, 1, 2))", "layers.Flatten()"]


@layers.register(Softmax)
def _softmax(stage: Softmax, row: Row, program: _Program) -> list[str]:
    return ["layers.Softmax()"]


@layers.register(Normalize)
def _normalize(stage: Normalize, row: Row, program: _Program) -> list[str]:
    mean, std = (
        show_number(values[0]) if len(values) == 1 else f"np.array([{', '.join(map(show_number, values))}])"
        for values in (stage.mean, stage.std)
    )
    return [f"layers.Lambda(lambda x: (x / {divisor(stage)} - {mean}) / {std})"]


def _padding(pads: Pads, border: Border = ZEROS) -> list[str]:
    if pads == NONE:
        return []
    if border.mode != "constant":
        return [f'Pad({pads}, "{MODES[border.mode]}")']
    if border.value:
        return [f"Pad({pads}, value={show_number(border.value)})"]
    return [f"layers.ZeroPadding2D({pads})"]


@layers.register(Conv)
def _conv(stage: Conv, row: Row, program: _Program) -> list[str]:
    if max(stage.stride) > 1 and max(stage.dilation) > 1:
        msg = f"{readable(stage)}: Keras refuses a stride above 1 together with a dilation above 1"
        raise ArgumentError(msg)
    bank, pads = filters_of(row), stage.sliding(row.input).pads
    same = stage.padding == "same" and pads != NONE and str(stage.border) == "zeros"
    before = [] if same else _padding(pads, stage.border)
    for layer in before:
        program.add(layer)
    depthwise = bank.inputs == 1 and bank.groups > 1
    arguments = [show(bank.window)] if depthwise else [str(bank.count), show(bank.window)]
    multiplier = bank.count // bank.groups
    arguments += [f"depth_multiplier={multiplier}"] if depthwise and multiplier > 1 else []
    arguments += [f"strides={show(stage.stride)}"] if stage.stride != (1, 1) else []
    arguments += ['padding="same"'] if same else []
    arguments += [f"dilation_rate={show(stage.dilation)}"] if stage.dilation != (1, 1) else []
    arguments += [f"groups={bank.groups}"] if bank.groups > 1 and not depthwise else []
    arguments += [] if bank.biased else ["use_bias=False"]
    if bank.weight is not None:
        program.give(*_arrays(bank, depthwise))
    convolution = f"layers.{'Depthwise' if depthwise else ''}Conv2D({', '.join(arguments)})"
    if not bank.parts:
        return [convolution]
    shift = f", {show_number(bank.shift)}" if bank.shift else ""
    return [convolution, f"Combine({bank.parts}{shift})"]


def _arrays(bank: Filters, depthwise: bool) -> list[str]:
    values = f"np.array({literal(bank.weight or [])})"
    if bank.repeat > 1:
        values = f"np.tile({values}, ({bank.repeat}, 1, 1, 1))"
    if depthwise:
        values += f".reshape({bank.groups}, -1, {bank.window[0]}, {bank.window[1]}).transpose(2, 3, 0, 1)"
    else:
        values += ".transpose(2, 3, 1, 0)"
    return [values, *([] if bank.bias is None else [f"np.array({literal(bank.bias)})"])]


@layers.register(Pool)
def _pool(stage: Pool, row: Row, program: _Program) -> list[str]:
    sliding = pooling(row, stage)
    if sliding.dilation != (1, 1):
        msg = f"{readable(stage)}: Keras's pools have no dilation"
        raise ArgumentError(msg)
    past = beyond(row, sliding)
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


@layers.register(Dense)
def _dense(stage: Dense, row: Row, program: _Program) -> list[str]:
    matrix, bias = matrix_of(row)
    outputs = row.output[0]
    biased = row.params != outputs * row.input[0]
    if matrix is not None:
        biases = [] if bias is None else [f"np.array({literal(bias)})"]
        program.give(f"np.array({literal(matrix)}).T", *biases)
    return [f"layers.Dense({outputs}{'' if biased else ', use_bias=False'})"]
