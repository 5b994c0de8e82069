"""What programs of several languages share: their layers one after the other, and how borders and pools are told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from cnnfilter.messages import show_shape
from cnnfilter.network.plan import Row
from cnnfilter.network.stages import Activation, Gray, Normalize, Pool, Sliding
from cnnfilter.sizes import Pads
from cnnfilter.text.numbers import show_number

MODES = {"replicate": "edge", "reflect": "reflect", "symmetric": "symmetric", "circular": "wrap"}
"""What `numpy.pad` calls the borders."""

NONE: Pads = ((0, 0), (0, 0))


class Sequential:
    """The layers of a program and the weights they are given, gathered stage by stage.

    Parameters
    ----------
    rows : sequence of Row
        The plan.
    indent : str
        Before each layer.
    helpers : mapping
        The layers that the framework lacks, by name.
    """

    def __init__(self, rows: Sequence[Row], indent: str, helpers: Mapping[str, str]) -> None:
        self.left = list(rows)
        self.layers: list[str] = []
        self.weights: list[str] = []
        self._indent = indent
        self._helpers = helpers

    def add(self, layer: str, comment: str = "") -> None:
        """Add a layer."""
        self.layers.append(f"{self._indent}{layer}," + (f"  # {comment}" if comment else ""))

    def stage(self, row: Row, layers: Sequence[str]) -> None:
        """Add the layers of a stage, the last one with its name and size."""
        *before, last = layers
        for layer in before:
            self.add(layer)
        self.add(last, f"{row.stage.name}: {show_shape(row.output)}")

    @property
    def body(self) -> str:
        """The layers, a line each."""
        return "\n".join(self.layers)

    def uses(self, helper: str) -> bool:
        """Tell whether one of the layers is a helper."""
        return any(layer.startswith(f"{self._indent}{helper}(") for layer in self.layers)

    @property
    def helpers(self) -> str:
        """What the layers need that the framework lacks."""
        return "\n\n".join(text.strip() + "\n" for name, text in self._helpers.items() if self.uses(name))


def written(stage: Activation, code: str) -> str:
    """Return the code of an activation with its numbers in it."""
    return code.format(**{name: show_number(value) for name, value in stage.named.items()})


def mixed(channel: str) -> str:
    """The luminance of colours in a program that writes one of its maps, `{}` up to `{}`, as `channel`."""
    terms = (f"{show_number(weight)} * {channel.format(i, i + 1)}" for i, weight in enumerate(Gray.luma))
    return " + ".join(terms)


def divisor(stage: Normalize) -> str:
    """Return what a normalization divides by: a number, or `FULL_SCALE`, which `scale_of` sets."""
    return "FULL_SCALE" if stage.divide is None else show_number(stage.divide)


def scale_of(body: str) -> str:
    """Return the line that a program of such a body needs for the full scale of its pictures, or nothing."""
    line = "FULL_SCALE = 255  # white in the pictures that it is given: 65535 in those of 16 bits, 1 in floats\n"
    return line if "FULL_SCALE" in body else ""


def pooling(row: Row, stage: Pool) -> Sliding:
    """Return how a pool's window moves, without the end padding in which only windows begin that ceil_mode drops."""
    sliding = stage.sliding(row.input)
    pads = list(sliding.pads)
    for i in (0, 1):
        reach = (row.output[i] - 1) * sliding.stride[i] + sliding.dilation[i] * (sliding.window[i] - 1) + 1
        spare = row.input[i] + sum(pads[i]) - reach
        if spare >= sliding.stride[i]:  # there would be room for one more
            pads[i] = pads[i][0], max(0, pads[i][1] - spare)
    return sliding._replace(pads=(pads[0], pads[1]))


def beyond(row: Row, sliding: Sliding) -> Pads:
    """Return what ceil_mode adds past the padding, at the end of each axis."""
    extra = []
    for i in (0, 1):
        reach = (row.output[i] - 1) * sliding.stride[i] + sliding.dilation[i] * (sliding.window[i] - 1) + 1
        extra.append(max(0, reach - row.input[i] - sum(sliding.pads[i])))
    return (0, extra[0]), (0, extra[1])


def joined(pads: Pads, more: Pads) -> Pads:
    """Return the sum of two paddings."""
    (a, b), (c, d) = pads
    (e, f), (g, h) = more
    return (a + e, b + f), (c + g, d + h)
