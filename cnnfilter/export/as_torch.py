"""A chain as a PyTorch program: a `torch.nn.Sequential`, for batches (N, C, H, W)."""

from __future__ import annotations

from collections.abc import Sequence
from functools import singledispatch

from cnnfilter.export.base import MODES, NONE, Sequential, beyond, divisor, joined, mixed, pooling, scale_of, written
from cnnfilter.export.frameworks import TORCH_BORDERS, show, torch_padding, torch_pads, torch_refuses
from cnnfilter.export.weights import filters_of, literal, matrix_of
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
from cnnfilter.sizes import Pads
from cnnfilter.text.numbers import show_number

HELPERS = {
    "Apply": '''
class Apply(nn.Module):
    """Any function as a layer."""

    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, x):
        return self.function(x)
''',
    "Pad": '''
class Pad(nn.Module):
    """Pad with the picture's own rows and columns, as numpy.pad repeats them."""

    def __init__(self, pads, mode):
        super().__init__()
        self.pads, self.mode = pads, mode

    def forward(self, x):
        for axis, pads in zip((2, 3), self.pads):
            places = np.pad(np.arange(x.shape[axis]), pads, self.mode)
            x = x.index_select(axis, torch.from_numpy(places).to(x.device))
        return x
''',
    "AveragePool": '''
class AveragePool(nn.Module):
    """The mean of each window; `beyond` is what ceil_mode adds past the padding, which never counts."""

    def __init__(self, window, stride, pads, beyond, count_padding):
        super().__init__()
        self.total = nn.AvgPool2d(window, stride, divisor_override=1)
        self.pad, self.beyond = nn.ZeroPad2d(pads), nn.ZeroPad2d(beyond)
        self.count = nn.ConstantPad2d(pads, float(count_padding))

    def forward(self, x):
        counted = self.total(self.beyond(self.count(torch.ones_like(x))))
        return self.total(self.beyond(self.pad(x))) / counted.clamp(min=1)
''',
    "Combine": '''
class Combine(nn.Module):
    """Make one map of so many neighbouring ones, by the rule of each part, channel by channel."""

    def __init__(self, parts, shift=0.0):
        super().__init__()
        self.parts, self.shift = parts, shift

    def forward(self, x):
        maps, first = [], 0
        while first < x.shape[1]:
            for number, rule in self.parts:
                answers = x[:, first : first + number]
                maps.append(answers.square().sum(1).sqrt() if rule == "magnitude" else answers.amax(1))
                first += number
        return torch.stack(maps, 1) + self.shift
''',
}
"""The layers that PyTorch lacks."""


def torch_program(rows: Sequence[Row]) -> str:
    """Return the program."""
    program = _Program(rows)
    for row in rows:
        program.stage(row, layers(row.stage, row, program))
    weights = "\nwith torch.no_grad():\n" + "\n".join(program.weights) + "\n" if program.weights else ""
    imports = "import numpy as np\nimport torch\n" if program.uses("Pad") else "import torch\n"
    shape = rows[0].input
    batch = (1, shape[2], *shape[:2]) if len(shape) == 3 else (1, *shape)
    parts = [
        f"{imports}from torch import nn\n",
        *filter(None, [scale_of(program.body)]),
        *([f"\n{program.helpers}\n"] if program.helpers else []),
        f"network = nn.Sequential(\n{program.body}\n)",
        f'{weights}\nif __name__ == "__main__":\n    print(network(torch.rand{batch}).shape)\n',
    ]
    return "\n".join(parts)


class _Program(Sequential):
    def __init__(self, rows: Sequence[Row]) -> None:
        super().__init__(rows, " " * 4, HELPERS)

    def give(self, name: str, values: str | None) -> None:
        """Copy numbers into the layer added next."""
        if values is not None:
            self.weights.append(f"    network[{len(self.layers)}].{name}.copy_(torch.tensor({values}))")


@singledispatch
def layers(stage: Stage, row: Row, program: _Program) -> list[str]:
    """Return a stage's layers of PyTorch."""
    raise unknown(stage, "PyTorch code")


@layers.register(Activation)
def _activation(stage: Activation, row: Row, program: _Program) -> list[str]:
    return [written(stage, stage.known.torch)]


@layers.register(Normalize)
def _normalize(stage: Normalize, row: Row, program: _Program) -> list[str]:
    mean, std = (_per_channel(values) for values in (stage.mean, stage.std))
    return [f"Apply(lambda x: (x / {divisor(stage)} - {mean}) / {std})"]


def _per_channel(values: tuple[float, ...]) -> str:
    if len(values) == 1:
        return show_number(values[0])
    return f"torch.tensor([{', '.join(map(show_number, values))}])[:, None, None]"


@layers.register(Gray)
def _gray(stage: Gray, row: Row, program: _Program) -> list[str]:
    if row.input[2] == 1:
        return ["nn.Identity()"]
    return [f"Apply(lambda x: {mixed('x[:, {}:{}]')})"]


@layers.register(Absolute)
def _absolute(stage: Absolute, row: Row, program: _Program) -> list[str]:
    return ["Apply(torch.abs)"]


@layers.register(Magnitude)
def _magnitude(stage: Magnitude, row: Row, program: _Program) -> list[str]:
    return [f'Combine((({stage.count}, "magnitude"),))']


@layers.register(GlobalAveragePool)
def _mean(stage: GlobalAveragePool, row: Row, program: _Program) -> list[str]:
    return ["nn.AdaptiveAvgPool2d(1)"]


@layers.register(Flatten)
def _flatten(stage: Flatten, row: Row, program: _Program) -> list[str]:
    return ["nn.Flatten()"]


@layers.register(Softmax)
def _softmax(stage: Softmax, row: Row, program: _Program) -> list[str]:
    return ["nn.Softmax(dim=1)"]


@layers.register(Conv)
def _conv(stage: Conv, row: Row, program: _Program) -> list[str]:
    bank, sliding = filters_of(row), stage.sliding(row.input)
    before, padding = _conv_padding(row, stage, sliding.pads)
    arguments = [str(row.input[2]), str(bank.count), show(bank.window)]
    arguments += [f"stride={show(stage.stride)}"] if stage.stride != (1, 1) else []
    arguments += padding
    arguments += [f"dilation={show(stage.dilation)}"] if stage.dilation != (1, 1) else []
    arguments += [f"groups={bank.groups}"] if bank.groups > 1 else []
    arguments += [] if bank.biased else ["bias=False"]
    for layer in before:
        program.add(layer)
    if bank.weight is not None:
        repeat = f".repeat({bank.repeat}, 1, 1, 1)" if bank.repeat > 1 else ""
        values = literal(bank.weight, " " * 8)
        program.weights.append(f"    network[{len(program.layers)}].weight.copy_(torch.tensor({values}){repeat})")
        program.give("bias", None if bank.bias is None else literal(bank.bias, " " * 8))
    convolution = f"nn.Conv2d({', '.join(arguments)})"
    if not bank.parts:
        return [convolution]
    shift = f", {show_number(bank.shift)}" if bank.shift else ""
    return [convolution, f"Combine({bank.parts}{shift})"]


def _conv_padding(row: Row, stage: Conv, pads: Pads) -> tuple[list[str], list[str]]:
    """Return the layers that pad before a convolution, and its own arguments that pad."""
    border, text = stage.border, torch_padding(pads)
    if pads == NONE:
        return [], []
    if border.mode == "constant" and border.value:
        return [f"nn.ConstantPad2d({torch_pads(pads)}, {show_number(border.value)})"], []
    if border.mode == "constant":
        if text is not None:
            return [], [f"padding={text}"]
        if stage.padding == "same" and stage.stride == (1, 1):
            return [], ['padding="same"']
        return [f"nn.ZeroPad2d({torch_pads(pads)})"], []
    inside = all(max(sides) < n for sides, n in zip(pads, row.input[:2], strict=True))
    if text is not None and inside and border.mode in TORCH_BORDERS:
        return [], [f"padding={text}", f'padding_mode="{border.mode}"']
    return [f'Pad({pads}, "{MODES[border.mode]}")'], []


@layers.register(Pool)
def _pool(stage: Pool, row: Row, program: _Program) -> list[str]:
    given, sliding = stage.sliding(row.input), pooling(row, stage)
    window, stride = show(sliding.window), show(sliding.stride)
    arguments = [window] if sliding.stride == sliding.window else [window, f"stride={stride}"]
    past = beyond(row, sliding)
    pads, text = joined(sliding.pads, past), torch_padding(given.pads)
    before: list[str] = []
    if text is not None and torch_refuses(stage, given) is None:
        arguments += [f"padding={text}"] if given.pads != NONE else []
        arguments += ["ceil_mode=True"] if stage.ceil_mode else []
        arguments += ["count_include_pad=False"] if not stage.count_include_pad else []
    elif stage.kind == "max":
        before = [f'nn.ConstantPad2d({torch_pads(pads)}, float("-inf"))']
    elif stage.kind == "sum" or (stage.count_include_pad and past == NONE):
        before = [f"nn.ZeroPad2d({torch_pads(pads)})"]
    else:
        amounts = f"{torch_pads(sliding.pads)}, {torch_pads(past)}"
        return [f"AveragePool({window}, {stride}, {amounts}, {stage.count_include_pad})"]
    arguments += [f"dilation={show(sliding.dilation)}"] if sliding.dilation != (1, 1) else []
    arguments += ["divisor_override=1"] if stage.kind == "sum" else []
    kind = "Max" if stage.kind == "max" else "Avg"
    return [*before, f"nn.{kind}Pool2d({', '.join(arguments)})"]


@layers.register(Dense)
def _dense(stage: Dense, row: Row, program: _Program) -> list[str]:
    matrix, bias = matrix_of(row)
    outputs, inputs = row.output[0], row.input[0]
    biased = row.params != outputs * inputs
    program.give("weight", None if matrix is None else literal(matrix, " " * 8))
    program.give("bias", None if bias is None else literal(bias, " " * 8))
    return [f"nn.Linear({inputs}, {outputs}{'' if biased else ', bias=False'})"]
