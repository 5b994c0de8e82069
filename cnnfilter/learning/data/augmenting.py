"""Pictures changed at random as they are learned from, so that none is seen twice alike."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from cnnfilter.engine.groups import Array
from cnnfilter.errors import ArgumentError
from cnnfilter.messages import quoted, show_shape
from cnnfilter.text.values import one_of, whole_number


def _flip(maps: Array, most: int, draw: np.random.Generator) -> Array:
    chosen = draw.random(len(maps)) < 0.5
    return np.where(chosen[:, None, None, None], maps[..., ::-1], maps)


def _upside(maps: Array, most: int, draw: np.random.Generator) -> Array:
    chosen = draw.random(len(maps)) < 0.5
    return np.where(chosen[:, None, None, None], maps[:, :, ::-1], maps)


def _turn(maps: Array, most: int, draw: np.random.Generator) -> Array:
    turns = draw.integers(0, 4, len(maps))
    return np.stack([np.rot90(each, turn, (1, 2)) for each, turn in zip(maps, turns, strict=True)])


def _shift(maps: Array, most: int, draw: np.random.Generator) -> Array:
    count, channels, height, width = maps.shape
    rows = np.clip(np.arange(height) - draw.integers(-most, most + 1, (count, 1)), 0, height - 1)
    columns = np.clip(np.arange(width) - draw.integers(-most, most + 1, (count, 1)), 0, width - 1)
    pictures, planes = np.arange(count)[:, None, None, None], np.arange(channels)[None, :, None, None]
    moved: Array = maps[pictures, planes, rows[:, None, :, None], columns[:, None, None, :]]
    return moved


KINDS: dict[str, Callable[[Array, int, np.random.Generator], Array]] = {
    "flip": _flip,
    "upside": _upside,
    "turn": _turn,
    "shift": _shift,
}
"""Left and right changed; up and down; quarter turns; moved by some pixels, what comes in repeating the rim."""

PART = 10
"""A shift is by up to a tenth of the shorter side unless it is told."""


class Augmentation(NamedTuple):
    """One way in which pictures are changed.

    Parameters
    ----------
    kind : str
        One of `KINDS`.
    most : int
        Of a shift: the most pixels; 0 is a tenth of the shorter side.
    """

    kind: str
    most: int = 0


def parse_augment(text: str) -> tuple[Augmentation, ...]:
    """Read words such as `flip,shift=2`.

    Raises
    ------
    ArgumentError
        If one is not known.

    Examples
    --------
    >>> parse_augment("flip,shift=2")
    (Augmentation(kind='flip', most=0), Augmentation(kind='shift', most=2))
    """
    if not isinstance(text, str):
        msg = f"augment must be words such as 'flip,shift=2', not {quoted(text)}"
        raise ArgumentError(msg)
    found = []
    for word in filter(None, (each.strip() for each in text.split(","))):
        kind, equals, most = word.partition("=")
        one_of(kind, "augmentation", KINDS)
        if equals and kind != "shift":
            msg = f"{kind} takes no number; shift=N does"
            raise ArgumentError(msg)
        found.append(Augmentation(kind, whole_number(most, "shift", 1) if equals else 0))
    return tuple(found)


def check_augment(wanted: tuple[Augmentation, ...], size: tuple[int, int]) -> None:
    """Raise an `ArgumentError` if pictures of a height and a width cannot be changed so."""
    for kind, most in wanted:
        if kind == "turn" and size[0] != size[1]:
            msg = f"turn is for square pictures, and these are {show_shape(size)} (height x width)"
            raise ArgumentError(msg)
        if most >= min(size):
            msg = f"shift={most} moves all of {show_shape(size)} (height x width) out of sight"
            raise ArgumentError(msg)


def augmented(maps: Array, wanted: tuple[Augmentation, ...], draw: np.random.Generator) -> Array:
    """A batch (N, C, H, W), each picture changed by chance of its own."""
    for kind, most in wanted:
        maps = KINDS[kind](maps, most or max(1, min(maps.shape[2:]) // PART), draw)
    return np.ascontiguousarray(maps)
