"""What PyTorch, Keras and ONNX do with the same request: sizes, actual padding, and where they differ.

From PyTorch's `torch.nn` reference, Keras 3's layers (which pad as TensorFlow does), and ONNX opset 22.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from cnnfilter.errors import ShapeError
from cnnfilter.network.stages import Conv, Pool, Shape, Sliding
from cnnfilter.network.stages.base import maps
from cnnfilter.network.stages.text import show_padding
from cnnfilter.sizes import NONE, Pads, Pair, output_sizes

TORCH_BORDERS = ("reflect", "replicate", "circular")
"""What the `padding_mode` of `torch.nn.Conv2d` knows besides zeros."""
TORCH_PADS = {"constant": "constant", "reflect": "reflect", "replicate": "replicate", "circular": "circular"}
KERAS_PADS = {"constant": "constant", "reflect": "reflect", "symmetric": "symmetric"}
ONNX_PADS = {"constant": "constant", "reflect": "reflect", "replicate": "edge", "circular": "wrap"}
"""The `mode` of `torch.nn.functional.pad`, of `keras.ops.pad` with every backend, and of ONNX's Pad."""


@dataclass(frozen=True)
class Answer:
    """What one framework does.

    Parameters
    ----------
    framework : str
    request : str
        How it is asked for there.
    output : (int, int), optional
        Height and width of the result; None where it has no such operation.
    pads : ((above, below), (left, right)), optional
        The padding that it really uses.
    notes : tuple of str
        What is refused there, and what else a person should know.
    same_values : bool
        False if the values differ although sizes and padding agree.
    """

    framework: str
    request: str
    output: Pair | None = None
    pads: Pads | None = None
    notes: tuple[str, ...] = ()
    same_values: bool = True

    def differs_from(self, other: Answer) -> str:
        """In what it differs: `refused`, `size`, `pads`, `values`, or nothing."""
        if self.output is None:
            return "refused"
        if self.output != other.output:
            return "size"
        if self.pads != other.pads:
            return "pads"
        return "" if self.same_values else "values"


def compare(stage: Conv | Pool, shape: Shape) -> tuple[Answer, ...]:
    """What cnnfilter, PyTorch, Keras and ONNX do with a stage.

    Parameters
    ----------
    stage : Conv or Pool
    shape : (H, W, C)

    Returns
    -------
    tuple of Answer
        cnnfilter's first.

    Raises
    ------
    ShapeError
        If the input does not fit cnnfilter.

    Examples
    --------
    >>> from cnnfilter.network.grammar import parse
    >>> answers = compare(parse("conv:1@7x7:stride=2:padding=same").stages[0], (224, 224, 1))
    >>> [(answer.framework, answer.pads[0]) for answer in answers]
    [('cnnfilter', (2, 3)), ('PyTorch', (3, 3)), ('Keras', (2, 3)), ('ONNX', (2, 3))]
    """
    height, width, _ = maps(stage.output(shape), stage)
    sliding = stage.sliding(shape)
    ours = Answer("cnnfilter", _own_request(stage), (height, width), sliding.pads)
    size = shape[0], shape[1]
    return ours, _pytorch(stage, size, sliding), _keras(stage, size, sliding), _onnx(stage, size, sliding)


def _own_request(stage: Conv | Pool) -> str:
    ceil_mode = ", ceil_mode=yes" if isinstance(stage, Pool) and stage.ceil_mode else ""
    return f"padding={show_padding(stage.padding)}{ceil_mode}"


def _slide(size: Pair, sliding: Sliding, ceil_mode: bool = False) -> Pair | None:
    window, stride, dilation, pads = sliding
    try:
        return output_sizes(size, window, stride, pads, dilation, ceil_mode=ceil_mode)
    except ShapeError:  # a stand-in's padding can be too little
        return None


def _slide_padded(size: Pair, sliding: Sliding, ceil_mode: bool = False) -> Pair | None:
    """The size where something else pads first, so that ceil_mode knows nothing of the padding."""
    (above, below), (left, right) = sliding.pads
    padded = size[0] + above + below, size[1] + left + right
    return _slide(padded, sliding._replace(pads=NONE), ceil_mode)


def torch_padding(pads: Pads) -> str | None:
    """The `padding` of PyTorch's layers, or None if they have no such padding: their sides are equal."""
    if any(begin != end for begin, end in pads):
        return None
    return show((pads[0][0], pads[1][0]))


def torch_pads(pads: Pads) -> str:
    """The amounts in the order of `torch.nn.functional.pad`: left, right, above, below."""
    return f"({pads[1][0]}, {pads[1][1]}, {pads[0][0]}, {pads[0][1]})"


def show(pair: Pair) -> str:
    """One number for both axes, or a tuple, as the frameworks' code is written."""
    return str(pair[0]) if pair[0] == pair[1] else str(pair)


def torch_refuses(stage: Conv | Pool, sliding: Sliding) -> str | None:
    """Why a pool of PyTorch refuses the padding, or None."""
    if isinstance(stage, Conv):
        return None
    for window, pads in zip(sliding.window, sliding.pads, strict=True):
        if max(pads) > window // 2:
            return f"pools take padding up to half the window, {window // 2}"
    return None


def _pytorch(stage: Conv | Pool, size: Pair, sliding: Sliding) -> Answer:
    notes = []
    options = ""
    ceil_mode = isinstance(stage, Pool) and stage.ceil_mode
    pads = sliding.pads
    if isinstance(stage, Pool):
        options += ", ceil_mode=True" if ceil_mode else ""
        options += ", count_include_pad=False" if not stage.count_include_pad else ""
        options += ", divisor_override=1" if stage.kind == "sum" else ""
    elif pads != NONE and stage.border.mode in TORCH_BORDERS:
        options = f', padding_mode="{stage.border.mode}"'
        reach = max(max(side) - size[i] for i, side in enumerate(pads))
        if reach > 0 or (reach == 0 and stage.border.mode == "reflect"):
            notes.append(f"{stage.border.mode} padding beyond the picture is refused; numpy.pad repeats it")
    elif pads != NONE and _has_border(stage):
        return _padded_first("PyTorch", stage, size, sliding, "F.pad", TORCH_PADS, "padding=0")
    if stage.padding == "same" and isinstance(stage, Conv):
        if sliding.stride == (1, 1):
            return Answer("PyTorch", f'padding="same"{options}', _slide(size, sliding), pads, tuple(notes))
        half = [d * (k - 1) // 2 for d, k in zip(sliding.dilation, sliding.window, strict=True)]
        pads = (half[0], half[0]), (half[1], half[1])
        request = f"padding={torch_padding(pads)}"
        notes.append(f'padding="same" with a stride above 1 is refused; {request} is the usual stand-in')
        stand_in = _slide(size, sliding._replace(pads=pads))
        return Answer("PyTorch", request + options, stand_in, pads, tuple(notes))
    text, refused = torch_padding(pads), torch_refuses(stage, sliding)
    if text is not None and refused is None:
        request = f"padding={text}{options}"
        return Answer("PyTorch", request, _slide(size, sliding, ceil_mode), pads, tuple(notes))
    if isinstance(stage.padding, str):
        of = "for pools" if isinstance(stage, Pool) else "for convolutions"
        notes.append(f'there is no padding="{stage.padding}" {of}')
    elif refused is not None:
        notes.append(refused)
    same_values = not (isinstance(stage, Pool) and not stage.count_include_pad)
    if not same_values:
        notes.append("padded beforehand, the divisor counts the padding")
    fill = ', value=float("-inf")' if isinstance(stage, Pool) and stage.kind == "max" else ""
    request = f"F.pad(x, {torch_pads(pads)}{fill}), then padding=0{options}"
    return Answer("PyTorch", request, _slide_padded(size, sliding, ceil_mode), pads, tuple(notes), same_values)


def _keras(stage: Conv | Pool, size: Pair, sliding: Sliding) -> Answer:
    notes = []
    padded = sliding.pads != NONE
    if isinstance(stage, Conv):
        if max(sliding.stride) > 1 and max(sliding.dilation) > 1:
            refusal = "a stride above 1 together with a dilation above 1 is refused"
            return Answer("Keras", "strides=, dilation_rate=", notes=(refusal,))
        if padded and _has_border(stage):
            return _padded_first("Keras", stage, size, sliding, "ops.pad", KERAS_PADS, 'padding="valid"')
    else:
        if max(sliding.dilation) > 1:
            return Answer("Keras", "MaxPooling2D", notes=("its pools have no dilation",))
        if stage.kind == "sum":
            notes.append("there is no sum pool: AveragePooling2D times the window stands in")
        if stage.ceil_mode:
            notes.append("there is no ceil_mode: sizes are rounded down")
    if stage.padding == "same" or not padded:
        same_values = not (isinstance(stage, Pool) and padded and _divides_by_all(stage))
        if not same_values:
            notes.append("its divisor leaves the padding out, as count_include_pad=no does")
        request = f'padding="{"same" if stage.padding == "same" else "valid"}"'
        output = _slide(size, sliding)
        return Answer("Keras", request, output, sliding.pads, tuple(notes), same_values)
    (above, below), (left, right) = sliding.pads
    request = f'ZeroPadding2D((({above}, {below}), ({left}, {right}))), then padding="valid"'
    same_values = isinstance(stage, Conv) or _divides_by_all(stage)
    if not same_values:
        notes.append(
            "zeros are padded, which are above negative values, instead of minus infinity"
            if isinstance(stage, Pool) and stage.kind == "max"
            else "padded beforehand, the divisor counts the padding"
        )
    output = _slide_padded(size, sliding)
    return Answer("Keras", request, output, sliding.pads, tuple(notes), same_values)


def _divides_by_all(stage: Pool) -> bool:
    """Whether padding with zeros gives the same: in a sum, and in a mean that counts them."""
    return stage.kind != "max" and stage.count_include_pad


def _onnx(stage: Conv | Pool, size: Pair, sliding: Sliding) -> Answer:
    notes = []
    (above, below), (left, right) = sliding.pads
    request = {
        "same": 'auto_pad="SAME_UPPER"',
        "same-lower": 'auto_pad="SAME_LOWER"',
    }.get(str(stage.padding), f"pads=[{above}, {left}, {below}, {right}]")
    if isinstance(stage, Conv):
        if sliding.pads != NONE and _has_border(stage):
            return _padded_first("ONNX", stage, size, sliding, "Pad", ONNX_PADS, "pads=[0, 0, 0, 0]")
        return Answer("ONNX", request, _slide(size, sliding), sliding.pads)
    request += ", ceil_mode=1" if stage.ceil_mode else ""
    if sliding.pads != NONE and _divides_by_all(stage):
        request += ", count_include_pad=1"  # its default is 0
    if stage.kind == "sum":
        notes.append("there is no sum pool: AveragePool times the window stands in")
    output = _slide(size, sliding, stage.ceil_mode)
    return Answer("ONNX", request, output, sliding.pads, tuple(notes))


def _has_border(stage: Conv) -> bool:
    return str(stage.border) != "zeros"


def _padded_first(
    framework: str,
    stage: Conv,
    size: Pair,
    sliding: Sliding,
    pad: str,
    modes: Mapping[str, str],
    then: str,
) -> Answer:
    """The answer where the layer pads zeros only, so that another operation must pad before it."""
    output = _slide_padded(size, sliding)
    if stage.border.mode not in modes:
        note = f"there is no border {stage.border}: numpy.pad beforehand"
        return Answer(framework, f"numpy.pad, then {then}", output, sliding.pads, (note,))
    value = f", {stage.border.value:g}" if stage.border.mode == "constant" else ""
    request = f'{pad} with "{modes[stage.border.mode]}"{value}, then {then}'
    return Answer(framework, request, output, sliding.pads)
