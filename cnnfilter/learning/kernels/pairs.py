"""Pairs of pictures to learn from, checked once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from cnnfilter.engine.arrays import as_array
from cnnfilter.engine.geometry import Array
from cnnfilter.errors import ArgumentError, ShapeError
from cnnfilter.imaging.mapping import FULL_SCALE
from cnnfilter.imaging.picture import Picture
from cnnfilter.messages import either
from cnnfilter.sizes import Pair as Size
from cnnfilter.text.values import one_of

CHANNELS = ("one", "each", "sum")
"""One kernel for all channels, one for each, or for each of the result's a sum over all of the picture's."""

_DEPTHS = {"uint8": "8 bits", "uint16": "16 bits", "float32": "floats"}


class Pair(NamedTuple):
    """A picture and what a filter made of it.

    Parameters
    ----------
    before : ndarray, (H, W, I) of uint8, uint16 or float32
    after : ndarray, (H, W, O), of the same type or of float32
    names : tuple of str
        What messages call them.
    """

    before: Array
    after: Array
    names: tuple[str, str] = ("before", "after")

    @property
    def full(self) -> float:
        """White."""
        return FULL_SCALE[self.before.dtype.name]

    def shifted(self, down: int, right: int) -> Pair:
        """The pair with what `after` shows brought back by so many pixels; what has no partner then is cut off."""
        height, width = self.before.shape[:2]
        rows, columns = slice(max(-down, 0), height - max(down, 0)), slice(max(-right, 0), width - max(right, 0))
        other = slice(max(down, 0), height - max(-down, 0)), slice(max(right, 0), width - max(-right, 0))
        return self._replace(before=self.before[rows, columns], after=self.after[other])


def as_pairs(before: Any, after: Any) -> list[Pair]:
    """The pairs that two pictures, or two sequences of them, make.

    Raises
    ------
    ArgumentError
        If they are not as many, or one is no picture.
    """
    several = isinstance(before, list | tuple), isinstance(after, list | tuple)
    if several[0] != several[1] or (several[0] and len(before) != len(after)):
        msg = "before and after must be two pictures, or two lists of as many"
        raise ArgumentError(msg)
    if not several[0]:
        return [Pair(_picture(before, "before"), _picture(after, "after"))]
    return [
        Pair(_picture(one, f"before[{i}]"), _picture(other, f"after[{i}]"), (f"before[{i}]", f"after[{i}]"))
        for i, (one, other) in enumerate(zip(before, after, strict=True))
    ]


def _picture(image: Any, name: str) -> Array:
    given = image.pixels if isinstance(image, Picture) else as_array(image, name)
    if given.dtype.name not in FULL_SCALE or given.ndim not in (2, 3) or given.size == 0:
        msg = f"{name} must be (H, W) or (H, W, C) of uint8, uint16 or float32, not {given.dtype.name} of {given.shape}"
        raise ArgumentError(msg)
    return np.atleast_3d(given)


def check_pairs(pairs: Sequence[Pair], size: Size, channels: str | None) -> str:
    """Check that a kernel of a size can be learned from pairs, and tell for which channels.

    Parameters
    ----------
    pairs : sequence of Pair
    size : pair of int
    channels : str, optional
        One of `CHANNELS`; by default one kernel, or where the channels differ in number a sum.

    Raises
    ------
    ArgumentError
        If there are no pairs, or a picture is constant or has values that are not finite.
    ShapeError
        If the pictures of a pair differ in size, are smaller than the kernel, or their channels do not match.
    """
    if not pairs:
        msg = "there is nothing to learn from: give two pictures at least"
        raise ArgumentError(msg)
    first = pairs[0]
    inputs, outputs = first.before.shape[2], first.after.shape[2]
    channels = one_of(("one" if inputs == outputs else "sum") if channels is None else channels, "channels", CHANNELS)
    if channels != "sum" and inputs != outputs:
        word = either("--channels sum", 'channels="sum"')
        msg = f"{first.names[0]} has {inputs} channels and {first.names[1]} {outputs}: only {word} can learn that"
        raise ShapeError(msg)
    for pair in pairs:
        _check(pair, size)
        kinds = [(each.shape[2], each.dtype) for each in pair[:2]]
        if kinds != [(each.shape[2], each.dtype) for each in first[:2]]:
            msg = (
                f"{pair.names[0]} and {pair.names[1]} differ in channels or depth from {first.names[0]} and "
                f"{first.names[1]}; learn from pairs that are alike"
            )
            raise ShapeError(msg)
    return channels


def _check(pair: Pair, size: Size) -> None:
    (height, width), other = pair.before.shape[:2], pair.after.shape[:2]
    if (height, width) != other:
        msg = (
            f"{pair.names[0]} is {width}x{height} and {pair.names[1]} {other[1]}x{other[0]}; a kernel is learned from "
            "two pictures of one size"
        )
        raise ShapeError(msg)
    if height < size[0] or width < size[1]:
        name = either("--size", "size")
        msg = f"{pair.names[0]} is {width}x{height}, too small for {name} {size[0]}x{size[1]} (height by width)"
        raise ShapeError(msg)
    one, another = (_DEPTHS[each.dtype.name] for each in pair[:2])
    if pair.after.dtype not in (pair.before.dtype, np.float32):
        advice = either("--depth 8 reduces both to 8 bits", "bring both to one type")
        msg = f"{pair.names[0]} has {one} and {pair.names[1]} {another}; {advice}"
        raise ArgumentError(msg)
    for name, pixels in zip(pair.names, pair[:2], strict=True):
        if pixels.dtype == np.float32 and not np.isfinite(pixels).all():
            msg = f"{name} has values that are NaN or infinite, which nothing is learned from"
            raise ArgumentError(msg)
        if all(np.ptp(pixels[:, :, channel]) == 0 for channel in range(pixels.shape[2])):
            msg = f"{name} has one value everywhere, {pixels[0, 0, 0]:g}: no kernel can be learned from that"
            raise ArgumentError(msg)
