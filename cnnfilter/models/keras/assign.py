"""Which arrays of a file are a layer's: a `.keras` file counts them, an `.h5` file lists their names."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping

from cnnfilter.messages import quoted
from cnnfilter.models.keras.graph import INPUT_LAYER, Layer, Model
from cnnfilter.models.keras.store import ROOT
from cnnfilter.models.keras.table import FIXED, LAYERS

GROUP = "model_weights"
"""Where an `.h5` file has the arrays of its layers."""


def by_count(model: Model, root: str = ROOT) -> None:
    """Give each layer the arrays of a `.keras` file: those of the group named by its class, as often as it comes."""
    seen: Counter[str] = Counter()
    for layer in model.layers:
        word = _words(layer.settings.kind)
        group = f"{root}/{word}_{seen[word]}" if seen[word] else f"{root}/{word}"
        seen[word] += 1
        if layer.inner is not None:
            by_count(layer.inner, f"{group}/{ROOT}")
        for number, name in enumerate(_variables(layer)):
            layer.arrays[name] = f"{group}/vars/{number}"


def by_name(model: Model, orders: Mapping[str, list[str]]) -> None:
    """Give each layer the arrays of an `.h5` file: what is trained in a layer and all within it first, then the rest.

    Raises
    ------
    KernelError
        If there are others than the configuration tells.
    """
    for layer in model.layers:
        group = f"{GROUP}/{layer.settings.name}"
        wanted = sorted(_within(layer, trained=True), key=lambda each: not each[2])
        told = orders.get(group, [])
        plain = [name.removesuffix(":0") for name in told]  # `conv/kernel:0` before Keras 3
        if not _is_known(layer):  # nor is which arrays are whose, but by the ends of their names
            ends = {tuple(name.split("/")[-2:]): told[number] for number, name in enumerate(plain)}
            for owner, own, _ in wanted:
                end = (owner.settings.name, own)
                owner.arrays[own] = f"{group}/{ends.get(end, '/'.join(end))}"
            continue
        if len(told) != len(wanted) or not all(map(str.endswith, plain, [own for _, own, _ in wanted])):
            has = ", ".join(map(quoted, told[:8])) or "none"
            needs = ", ".join(own for _, own, _ in wanted[:8]) or "none"
            msg = f"its arrays in the file are {has}, but by its configuration {needs}"
            raise layer.settings.refuse(msg)
        for (owner, own, _), name in zip(wanted, told, strict=True):
            owner.arrays[own] = f"{group}/{name}"


def _within(layer: Layer, *, trained: bool) -> Iterator[tuple[Layer, str, bool]]:
    """The arrays of a layer and of all within it: whose, what, and whether it is trained."""
    trained = trained and layer.settings.config.get("trainable", True) is not False
    for each in layer.inner.layers if layer.inner is not None else ():
        yield from _within(each, trained=trained)
    for name in _variables(layer):
        yield layer, name, trained and name not in FIXED


def _is_known(layer: Layer) -> bool:
    """Whether it is told of a layer, and of all within it, which arrays it has."""
    if layer.inner is not None:
        return all(map(_is_known, layer.inner.layers))
    return layer.settings.kind == INPUT_LAYER or (layer.settings.kind in LAYERS and not layer.settings.problem)


def _variables(layer: Layer) -> list[str]:
    known = LAYERS.get(layer.settings.kind)
    return [] if known is None else [*known.variables(layer.settings)]


def _words(kind: str) -> str:
    """The name of a class in lower case, its words joined by `_`: `DepthwiseConv2D` is `depthwise_conv2d`."""
    apart = re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", re.sub(r"\W+", "", kind))
    return re.sub(r"([a-z])([A-Z])", r"\1_\2", apart).lower()
