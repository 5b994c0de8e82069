"""The table of layers, and what several of them ask of their configuration."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from cnnfilter.models.keras.build import Builder, Call, Tensor
from cnnfilter.models.keras.config import Settings
from cnnfilter.sizes import NONE, Pads

Build = Callable[[Builder, Call], Tensor]

Variables = Callable[[Settings], Sequence[str]]


class Entry(NamedTuple):
    """What is known of a layer.

    Parameters
    ----------
    build : callable
        From a call to what it gives.
    variables : callable
        The names of its arrays, in Keras's order.
    joins : bool
        Whether it takes several inputs.
    """

    build: Build
    variables: Variables
    joins: bool


LAYERS: dict[str, Entry] = {}
"""The layers by their classes."""

FIXED = ("moving_mean", "moving_variance", "mean", "variance", "count")
"""The arrays that are not trained; `.h5` files have them after all others."""


def entry(*kinds: str, variables: Sequence[str] | Variables = (), joins: bool = False) -> Callable[[Build], Build]:
    """Make a function that of some classes of layers; see `Entry`."""
    names = variables if callable(variables) else lambda settings: variables

    def register(build: Build) -> Build:
        LAYERS.update(dict.fromkeys(kinds, Entry(build, names, joins)))
        return build

    return register


def given_maps(call: Call) -> Tensor:
    """The maps that a layer is given."""
    (given,) = call.inputs
    if given.axes != 3:
        msg = "it takes maps (H, W, C), and a vector arrives" if given.axes == 1 else "it takes maps of three axes"
        raise call.settings.refuse(msg)
    return given


def padding_of(settings: Settings) -> Pads | str:
    """The padding that a layer names."""
    return "same" if settings.word("padding", ("valid", "same"), "valid") == "same" else NONE


def check_last_axis(call: Call, axis: object) -> None:
    """Refuse an axis that is not the last."""
    axes = call.inputs[0].axes
    if axis not in (-1, axes, [-1], [axes]) or axes == 2:
        raise call.settings.unlike(key="axis", wanted="the last one")
