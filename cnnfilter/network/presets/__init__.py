"""Well-known networks. Each is a text file of stages beside this one, whose first comments tell what is known of it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cnnfilter.network.stages.text import Shape
from cnnfilter.runtime.forks import lazy

NAMES = (
    "mnist-cnn", "lenet-5", "lenet-5-1998", "tiny-vgg", "alexnet", "alexnet-2012",
    "vgg-11", "vgg-13", "vgg-16", "vgg-19", "resnet-18", "resnet-34", "resnet-50", "resnet-101", "resnet-152",
    "squeezenet-1.1", "mobilenet-v2",
)  # fmt: skip
"""The networks, as they are listed."""


@dataclass(frozen=True)
class Preset:
    """One network, of whose file nothing is read before it is asked for."""

    name: str

    @lazy
    def page(self) -> str:
        """The whole file: a pipeline file, with comments."""
        from pathlib import Path  # most commands read none

        return (Path(__file__).parent / f"{self.name}.txt").read_text(encoding="utf-8")

    @lazy
    def text(self) -> str:
        """The stages on one line."""
        return ",".join(line for line in self.page.splitlines() if line and not line.startswith("#"))

    @property
    def size(self) -> Shape:
        """The usual input, (H, W, C)."""
        return tuple(int(part) for part in self._fact("input").split("x"))

    @property
    def params(self) -> int:
        """How many learned numbers it has."""
        return int(self._fact("parameters").replace(",", ""))

    @property
    def macs(self) -> int:
        """How many multiply-adds its usual input takes."""
        return int(self._fact("multiply-adds").replace(",", ""))

    @property
    def source(self) -> str:
        """Where it was published, and whose form of it this is."""
        return self._fact("source")

    @property
    def weights(self) -> str | None:
        """The address of learned numbers that it takes, if somebody offers them."""
        return self._fact("weights") or None

    @property
    def before(self) -> str | None:
        """The stages that make of a picture what these numbers were learned with."""
        return self._fact("before it") or None

    def _fact(self, key: str) -> str:
        found = re.search(f"^# {key}: (.+)$", self.page, re.MULTILINE)
        return found[1] if found else ""


PRESETS = {name: Preset(name) for name in NAMES}
"""The networks by name."""
