"""Pictures changed at random as they are learned from, so that none is seen twice alike."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from cnnfilter.engine.groups import Array
from cnnfilter.errors import ArgumentError
from cnnfilter.messages import alternatives, quoted, show_shape
from cnnfilter.network.stages import Gray, Shape
from cnnfilter.text.values import one_of, whole_number

Places = npt.NDArray[np.intp]


class Ends(NamedTuple):
    """What a picture's black and white are in what is made of it, (C, 1, 1) each."""

    black: Array
    white: Array


def _flip(maps: Array, most: float, draw: np.random.Generator) -> Array:
    chosen = draw.random(len(maps)) < 0.5
    return np.where(chosen[:, None, None, None], maps[..., ::-1], maps)


def _upside(maps: Array, most: float, draw: np.random.Generator) -> Array:
    chosen = draw.random(len(maps)) < 0.5
    return np.where(chosen[:, None, None, None], maps[:, :, ::-1], maps)


def _turn(maps: Array, most: float, draw: np.random.Generator) -> Array:
    turns = draw.integers(0, 4, len(maps))
    return np.stack([np.rot90(each, turn, (1, 2)) for each, turn in zip(maps, turns, strict=True)])


def _shift(maps: Array, most: float, draw: np.random.Generator) -> Array:
    count, _, height, width = maps.shape
    pixels = int(most) or max(1, min(height, width) // PART)
    rows = np.clip(np.arange(height) - draw.integers(-pixels, pixels + 1, (count, 1)), 0, height - 1)
    columns = np.clip(np.arange(width) - draw.integers(-pixels, pixels + 1, (count, 1)), 0, width - 1)
    return _taken(maps, rows[:, :, None], columns[:, None, :])


def _rotate(maps: Array, most: float, draw: np.random.Generator) -> Array:
    angles = np.radians(draw.uniform(-most, most, (len(maps), 1, 1)))
    down, right = _from_centre(maps)
    return _sampled(
        maps, np.cos(angles) * down - np.sin(angles) * right, np.sin(angles) * down + np.cos(angles) * right
    )


def _zoom(maps: Array, most: float, draw: np.random.Generator) -> Array:
    scale = 1 / draw.uniform(1 - most, 1 + most, (len(maps), 1, 1))
    down, right = _from_centre(maps)
    return _sampled(maps, scale * down, scale * right)


def _from_centre(maps: Array) -> tuple[Array, Array]:
    """How far each place is below and right of the centre."""
    height, width = maps.shape[2:]
    return (np.arange(height) - (height - 1) / 2)[:, None], (np.arange(width) - (width - 1) / 2)[None, :]


def _sampled(maps: Array, down: Array, right: Array) -> Array:
    """Maps at other places (N, H, W), told from the centre: between four samples, or at the rim."""
    weights = []
    for away, size in ((down, maps.shape[2]), (right, maps.shape[3])):
        at = np.clip(away + (size - 1) / 2, 0, size - 1)
        first = np.minimum(np.floor(at).astype(np.intp), max(size - 2, 0))
        part = (at - first).astype(np.float32)
        weights.append(((first, 1 - part), (np.minimum(first + 1, size - 1), part)))
    result = np.zeros_like(maps)
    for rows, above in weights[0]:
        for columns, beside in weights[1]:
            result += (above * beside)[:, None] * _taken(maps, rows, columns)
    return result


def _taken(maps: Array, rows: Places, columns: Places) -> Array:
    """The samples of each picture at rows and columns of its own."""
    pictures, planes = np.arange(len(maps))[:, None, None, None], np.arange(maps.shape[1])[None, :, None, None]
    found: Array = maps[pictures, planes, rows[:, None], columns[:, None]]
    return found


def _brightness(values: Array, most: float, draw: np.random.Generator) -> Array:
    return values * _factors(values, most, draw)


def _contrast(values: Array, most: float, draw: np.random.Generator) -> Array:
    mean = _luma(values).mean(axis=(2, 3), keepdims=True)
    changed: Array = mean + (values - mean) * _factors(values, most, draw)
    return changed


def _saturation(values: Array, most: float, draw: np.random.Generator) -> Array:
    luma = _luma(values)
    changed: Array = luma + (values - luma) * _factors(values, most, draw)
    return changed


def _factors(values: Array, most: float, draw: np.random.Generator) -> Array:
    found: Array = draw.uniform(1 - most, 1 + most, (len(values), 1, 1, 1)).astype(np.float32)
    return found


def _luma(values: Array) -> Array:
    """How bright each place is, (N, 1, H, W)."""
    weights = Gray.luma if values.shape[1] == 3 else [1 / values.shape[1]] * values.shape[1]
    shares = np.array(weights, np.float32)[:, None, None]
    luma: Array = (values * shares).sum(axis=1, keepdims=True)
    return luma


class Kind(NamedTuple):
    """A way in which pictures are changed.

    Parameters
    ----------
    change : callable
        From maps (N, C, H, W), the most that it may be, and random numbers to maps.
    most : float, optional
        The most that it is unless it is told; None where nothing is to tell.
    limit : int
        What that may not exceed.
    is_whole : bool
        Whether it is a whole number.
    of_colours : bool
        Whether it is done to what the picture itself holds, 0 for black and 1 for white, not to what is made of it.
    """

    change: Callable[[Array, float, np.random.Generator], Array]
    most: float | None = None
    limit: float = 0
    is_whole: bool = False
    of_colours: bool = False


KINDS: dict[str, Kind] = {
    "flip": Kind(_flip),
    "upside": Kind(_upside),
    "turn": Kind(_turn),
    "shift": Kind(_shift, 0, 1 << 15, is_whole=True),
    "rotate": Kind(_rotate, 10, 180),
    "zoom": Kind(_zoom, 0.1, 0.9),
    "brightness": Kind(_brightness, 0.2, 1, of_colours=True),
    "contrast": Kind(_contrast, 0.2, 1, of_colours=True),
    "saturation": Kind(_saturation, 0.2, 1, of_colours=True),
}
"""Left and right changed; up and down; quarter turns; moved by some pixels; turned by up to so many degrees; made
larger or smaller by a part, what comes in repeating the rim; all values, how far they are from their mean, and how far
from grey, times 1 and up to a part more or less, as in torchvision's `ColorJitter`."""

PART = 10
"""A shift is by up to a tenth of the shorter side unless it is told."""


class Augmentation(NamedTuple):
    """One way in which pictures are changed.

    Parameters
    ----------
    kind : str
        One of `KINDS`.
    most : float
        The most that it is: pixels of a shift, of which 0 are a tenth of the shorter side; degrees of a rotation; else
        a part.
    """

    kind: str
    most: float = 0


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
        name, equals, most = word.partition("=")
        one_of(name, "augmentation", KINDS)
        kind = KINDS[name]
        if equals and kind.most is None:
            others = [f"{each}=N" for each, other in KINDS.items() if other.most is not None]
            msg = f"{name} takes no number; {alternatives(others, 'and')} do"
            raise ArgumentError(msg)
        found.append(Augmentation(name, _number(most, name, kind) if equals else kind.most or 0))
    return tuple(found)


def _number(text: str, name: str, kind: Kind) -> float:
    if kind.is_whole:
        return whole_number(text, name, 1, int(kind.limit))
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 < value <= kind.limit:
        msg = f"{name} must be a number above 0, up to {kind.limit}, not {quoted(text)}"
        raise ArgumentError(msg)
    return value


def check_augment(wanted: tuple[Augmentation, ...], shape: Shape) -> None:
    """Raise an `ArgumentError` if pictures (H, W, C) cannot be changed so."""
    size = shape[:2]
    for kind, most in wanted:
        if kind == "turn" and size[0] != size[1]:
            msg = f"turn is for square pictures, and these are {show_shape(size)} (height x width)"
            raise ArgumentError(msg)
        if kind == "shift" and most >= min(size):
            msg = f"shift={most} moves all of {show_shape(size)} (height x width) out of sight"
            raise ArgumentError(msg)
        if kind == "saturation" and shape[2] != 3:
            msg = f"saturation is for pictures of three channels, and these have {shape[2]}"
            raise ArgumentError(msg)


def augmented(maps: Array, wanted: tuple[Augmentation, ...], draw: np.random.Generator, ends: Ends) -> Array:
    """A batch (N, C, H, W), each picture changed by chance of its own."""
    for name, most in wanted:
        kind = KINDS[name]
        maps = _coloured(maps, kind, most, draw, ends) if kind.of_colours else kind.change(maps, most, draw)
    return np.ascontiguousarray(maps)


def _coloured(maps: Array, kind: Kind, most: float, draw: np.random.Generator, ends: Ends) -> Array:
    """Maps whose colours are changed, and stay between black and white where they were."""
    values = (maps - ends.black) / (ends.white - ends.black)
    low, high = (reach(values, axis=(1, 2, 3), keepdims=True) for reach in (np.min, np.max))
    changed = np.clip(kind.change(values, most, draw), np.minimum(low, 0), np.maximum(high, 1))
    result: Array = ends.black + changed * (ends.white - ends.black)
    return result
