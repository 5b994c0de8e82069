"""A network as a PyTorch program, for batches (N, C, H, W)."""

from __future__ import annotations

from collections.abc import Sequence
from functools import singledispatch

from cnnfilter.export.base import (
    MODES,
    always,
    combined,
    joined,
    mixed,
    normalized,
    pooling,
    written,
)
from cnnfilter.export.frameworks import TORCH_BORDERS, show, torch_padding, torch_pads, torch_refuses
from cnnfilter.export.resampling import cut, enlarged, resized
from cnnfilter.export.torch_helpers import HELPERS
from cnnfilter.export.torch_program import TorchProgram
from cnnfilter.export.weights import conv_weights, dense_weights, map_numbers, transposed_weights
from cnnfilter.network import stages
from cnnfilter.network.plan import Row
from cnnfilter.network.stages.base import unknown
from cnnfilter.sizes import NONE, Pads
from cnnfilter.text.numbers import show_number


def torch_program(rows: Sequence[Row], file: str | None = None) -> str:
    """The program of a planned network in PyTorch."""
    learns = any(isinstance(row.stage, stages.Dropout | stages.BatchNorm) for row in rows)
    return TorchProgram(rows, layers, HELPERS, file).program(learns=learns)


@singledispatch
def layers(stage: stages.Stage, row: Row, program: TorchProgram) -> list[str]:
    """A stage's layers of PyTorch."""
    raise unknown(stage, "PyTorch code")


layers.register(stages.Absolute, always("Apply(torch.abs)"))
layers.register(stages.GlobalAveragePool, always("nn.AdaptiveAvgPool2d(1)"))
layers.register(stages.GlobalMaxPool, always("nn.AdaptiveMaxPool2d(1)"))
layers.register(stages.Flatten, always("nn.Flatten()"))
layers.register(stages.Softmax, always("nn.Softmax(dim=1)"))


@layers.register(stages.Add)
def _add(stage: stages.Add, row: Row, program: TorchProgram) -> list[str]:
    return [" + ".join(program.given)]


@layers.register(stages.Multiply)
def _multiply(stage: stages.Multiply, row: Row, program: TorchProgram) -> list[str]:
    return [" * ".join(program.given)]


@layers.register(stages.Concat)
def _concat(stage: stages.Concat, row: Row, program: TorchProgram) -> list[str]:
    return [f"torch.cat([{', '.join(program.given)}], 1)"]


@layers.register(stages.Activation)
def _activation(stage: stages.Activation, row: Row, program: TorchProgram) -> list[str]:
    return [written(stage, stage.known.torch)]


@layers.register(stages.Upsample)
def _upsample(stage: stages.Upsample, row: Row, program: TorchProgram) -> list[str]:
    how = {
        ("nearest", "asymmetric", "floor"): 'mode="nearest"',
        ("nearest", "half_pixel", "round_prefer_ceil"): 'mode="nearest-exact"',
        ("bilinear", "half_pixel", "floor"): 'mode="bilinear"',
        ("bilinear", "align_corners", "floor"): 'mode="bilinear", align_corners=True',
    }.get((stage.mode, stage.coordinates, stage.rounding))
    if how is None:
        return [f"Resample({enlarged(stage, row)})"]
    scale = stage.scale and str(stage.scale[0] if stage.scale[0] == stage.scale[1] else stage.scale)
    return [f"nn.Upsample({f'scale_factor={scale}' if scale else f'size={show(stage.sizes(row.input))}'}, {how})"]


@layers.register(stages.Resize)
def _resize(stage: stages.Resize, row: Row, program: TorchProgram) -> list[str]:
    return [f"Resample({resized(stage, row)})"]


@layers.register(stages.Crop)
def _crop(stage: stages.Crop, row: Row, program: TorchProgram) -> list[str]:
    return [f"Apply(lambda x: x[:, :, {cut(stage, row)}])"]


@layers.register(stages.Normalize)
def _normalize(stage: stages.Normalize, row: Row, program: TorchProgram) -> list[str]:
    return [f"Apply(lambda x: {normalized(stage, 'torch.tensor([{}])[:, None, None]')})"]


@layers.register(stages.Gray)
def _gray(stage: stages.Gray, row: Row, program: TorchProgram) -> list[str]:
    if row.input[2] == 1:
        return ["nn.Identity()"]
    return [f"Apply(lambda x: {mixed('x[:, {}:{}]')})"]


@layers.register(stages.Rgb)
def _rgb(stage: stages.Rgb, row: Row, program: TorchProgram) -> list[str]:
    return ["nn.Identity()" if row.input[2] == 3 else "Apply(lambda x: x.repeat(1, 3, 1, 1))"]


@layers.register(stages.Magnitude)
def _magnitude(stage: stages.Magnitude, row: Row, program: TorchProgram) -> list[str]:
    return [f'Combine((({stage.count}, "magnitude"),))']


@layers.register(stages.Conv)
def _conv(stage: stages.Conv, row: Row, program: TorchProgram) -> list[str]:
    bank, sliding = conv_weights(row, is_loaded=program.is_loaded), stage.sliding(row.input)
    before, padding = _conv_padding(row, stage, sliding.pads)
    arguments = [str(row.input[2]), str(bank.count), show(bank.window)]
    arguments += [f"stride={show(stage.stride)}"] if stage.stride != (1, 1) else []
    arguments += padding
    arguments += [f"dilation={show(stage.dilation)}"] if stage.dilation != (1, 1) else []
    arguments += [f"groups={bank.groups}"] if bank.groups > 1 else []
    arguments += [] if bank.biased else ["bias=False"]
    program.add(*before)
    program.give("weight", bank.weight, f".repeat({bank.repeat}, 1, 1, 1)" if bank.repeat > 1 else "")
    program.give("bias", bank.bias)
    convolution = f"nn.Conv2d({', '.join(arguments)})"
    return [convolution, f"Combine({combined(bank)})"] if bank.parts else [convolution]


@layers.register(stages.ConvTranspose)
def _transposed(stage: stages.ConvTranspose, row: Row, program: TorchProgram) -> list[str]:
    bank, (window, stride, dilation, pads, extra) = (
        transposed_weights(row, stage, is_loaded=program.is_loaded),
        stage.placing(row.input),
    )
    text = torch_padding(pads)
    arguments = [str(row.input[2]), str(bank.count), show(window)]
    arguments += [f"stride={show(stride)}"] if stride != (1, 1) else []
    arguments += [f"padding={text}"] if text not in (None, "0") else []
    arguments += [f"output_padding={show(extra)}"] if extra != (0, 0) else []
    arguments += [f"groups={bank.groups}"] if bank.groups > 1 else []
    arguments += [] if bank.biased else ["bias=False"]
    arguments += [f"dilation={show(dilation)}"] if dilation != (1, 1) else []
    program.give("weight", bank.weight, f".repeat({bank.repeat}, 1, 1, 1)" if bank.repeat > 1 else "")
    program.give("bias", bank.bias)
    layer = f"nn.ConvTranspose2d({', '.join(arguments)})"
    if text is not None:
        return [layer]
    rows, columns = (f"{begin}:{begin + n}" for (begin, _), n in zip(pads, row.output[:2], strict=True))
    return [layer, f"Apply(lambda x: x[:, :, {rows}, {columns}])"]


def _conv_padding(row: Row, stage: stages.Conv, pads: Pads) -> tuple[list[str], list[str]]:
    """The layers that pad before a convolution, and its own arguments that pad."""
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


@layers.register(stages.Pad)
def _pad(stage: stages.Pad, row: Row, program: TorchProgram) -> list[str]:
    pads, border = stage.padding, stage.border
    amounts = torch_pads(pads)
    if border.mode == "constant":
        return [
            f"nn.ConstantPad2d({amounts}, {show_number(border.value)})" if border.value else f"nn.ZeroPad2d({amounts})"
        ]
    inside = all(max(sides) < n for sides, n in zip(pads, row.input[:2], strict=True))
    kinds = {"reflect": "Reflection", "replicate": "Replication", "circular": "Circular"}
    if inside and border.mode in kinds:
        return [f"nn.{kinds[border.mode]}Pad2d({amounts})"]
    return [f'Pad({pads}, "{MODES[border.mode]}")']


@layers.register(stages.Dropout)
def _dropout(stage: stages.Dropout, row: Row, program: TorchProgram) -> list[str]:
    return [f"nn.Dropout({show_number(stage.rate)})"]


@layers.register(stages.Shuffle)
def _shuffle(stage: stages.Shuffle, row: Row, program: TorchProgram) -> list[str]:
    return [f"nn.ChannelShuffle({stage.groups})"]


@layers.register(stages.BatchNorm)
def _batch_norm(stage: stages.BatchNorm, row: Row, program: TorchProgram) -> list[str]:
    for role, values in map_numbers(row, is_loaded=program.is_loaded).items():
        program.give(role, values)
    epsilon = "" if stage.epsilon == stages.BatchNorm.epsilon else f", eps={show_number(stage.epsilon)}"
    return [f"nn.BatchNorm{len(row.input) - 1 or 1}d({row.input[-1]}{epsilon})"]


@layers.register(stages.PReLU)
def _prelu(stage: stages.PReLU, row: Row, program: TorchProgram) -> list[str]:
    program.give("weight", map_numbers(row, is_loaded=program.is_loaded).get("weight"))
    return [f"nn.PReLU({stage.length(row.input[-1])})"]


@layers.register(stages.LocalResponse)
def _local_response(stage: stages.LocalResponse, row: Row, program: TorchProgram) -> list[str]:
    alpha, beta, bias = map(show_number, (stage.alpha, stage.beta, stage.bias))
    layer = f"nn.LocalResponseNorm({stage.size}, alpha={alpha}, beta={beta}, k={bias})"
    if stage.size % 2:
        return [layer]
    # of an even size, PyTorch takes one more of the maps before
    return ["Apply(lambda x: x.flip(1))", layer, "Apply(lambda x: x.flip(1))"]


@layers.register(stages.Pool)
def _pool(stage: stages.Pool, row: Row, program: TorchProgram) -> list[str]:
    given, (sliding, past) = stage.sliding(row.input), pooling(row, stage)
    window, stride = show(sliding.window), show(sliding.stride)
    arguments = [window] if sliding.stride == sliding.window else [window, f"stride={stride}"]
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


@layers.register(stages.Dense)
def _dense(stage: stages.Dense, row: Row, program: TorchProgram) -> list[str]:
    matrix = dense_weights(row, is_loaded=program.is_loaded)
    if matrix.order is not None:
        height, width, channels = matrix.order
        order = f"x.unflatten(1, {(channels, height, width)}).permute(0, 2, 3, 1).flatten(1)"
        program.add(f"Apply(lambda x: {order})")
    program.give("weight", matrix.weight)
    program.give("bias", matrix.bias)
    return [f"nn.Linear({row.input[0]}, {row.output[0]}{'' if matrix.biased else ', bias=False'})"]
