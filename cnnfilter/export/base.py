"""What the code of stages shares in several languages: how borders and pools are told."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from cnnfilter.export.weights import ConvWeights
from cnnfilter.network import activations, stages
from cnnfilter.network.plan import Row
from cnnfilter.sizes import Border, Pads
from cnnfilter.text.numbers import show_number

MODES = {"replicate": "edge", "reflect": "reflect", "symmetric": "symmetric", "circular": "wrap"}
"""What `numpy.pad` calls the borders."""

ZEROS = Border()

Code = Callable[[Any, Row, Any], list[str]]
"""From a stage, its row and the program to its layers or expressions."""


def always(code: str) -> Code:
    """What writes a stage that is written alike wherever it stands."""
    return lambda stage, row, program: [code]


def called(helpers: dict[str, str], body: str) -> list[str]:
    """The code of the helpers that a program calls, and of the earlier ones that these call."""
    found: list[str] = []
    for name, code in reversed(helpers.items()):
        if re.search(rf"(?<![\w.]){name}\(", body):
            body += code
            found.insert(0, code)
    return found


def written(stage: stages.Activation, code: activations.Code) -> str:
    """The code of an activation with its numbers in it."""
    numbers = {name: show_number(value) for name, value in stage.named.items() if isinstance(value, int | float)}
    return (code if isinstance(code, str) else code(**stage.named)).format(**numbers)


def mixed(channel: str) -> str:
    """The luminance of colours in a program that writes one of its maps, `{}` up to `{}`, as `channel`."""
    terms = (f"{show_number(weight)} * {channel.format(i, i + 1)}" for i, weight in enumerate(stages.Gray.luma))
    return " + ".join(terms)


def combined(bank: ConvWeights) -> str:
    """The arguments of the helper that combines the maps of a convolution."""
    return f"{bank.parts}, {show_number(bank.shift)}" if bank.shift else f"{bank.parts}"


def normalized(stage: stages.Normalize, array: str) -> str:
    """A normalization of `x`; `array` is the code of an array that has a number for each channel."""
    listed = (", ".join(map(show_number, values)) for values in (stage.mean, stage.std))
    mean, std = (array.format(numbers) if "," in numbers else numbers for numbers in listed)
    divisor = "FULL_SCALE" if stage.divide is None else show_number(stage.divide)  # see `scale_of`
    return f"(x / {divisor} - {mean}) / {std}"


def scale_of(body: str) -> str:
    """The line that a program of such a body needs for the full scale of its pictures, or nothing."""
    line = "FULL_SCALE = 255  # white in the pictures that it is given: 65535 in those of 16 bits, 1 in floats\n"
    return line if "FULL_SCALE" in body else ""


def pooling(row: Row, stage: stages.Pool) -> tuple[stages.Sliding, Pads]:
    """How a pool's window moves, without the end padding in which only windows begin that ceil_mode drops.

    And what ceil_mode adds past the padding, at the end of each axis.
    """
    sliding = stage.sliding(row.input)
    pads, past = list(sliding.pads), []
    for i, (begin, end) in enumerate(sliding.pads):
        reach = (row.output[i] - 1) * sliding.stride[i] + sliding.dilation[i] * (sliding.window[i] - 1) + 1
        spare = row.input[i] + begin + end - reach
        if spare >= sliding.stride[i]:  # there would be room for one more
            pads[i] = begin, max(0, end - spare)
        past.append((0, max(0, reach - row.input[i] - sum(pads[i]))))
    return sliding._replace(pads=(pads[0], pads[1])), (past[0], past[1])


def cropped(pads: Pads) -> tuple[Pads, Pads]:
    """What a padding takes away, and what it adds."""
    (above, below), (left, right) = pads
    less = (max(-above, 0), max(-below, 0)), (max(-left, 0), max(-right, 0))
    more = (max(above, 0), max(below, 0)), (max(left, 0), max(right, 0))
    return less, more


def joined(pads: Pads, more: Pads) -> Pads:
    """The sum of two paddings."""
    (a, b), (c, d) = pads
    (e, f), (g, h) = more
    return (a + e, b + f), (c + g, d + h)
