"""A picture as arrays, with what its file held beside the pixels and how it stored them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from cnnfilter.imaging import mapping
from cnnfilter.imaging.arrays import Array
from cnnfilter.imaging.metadata import Metadata

PALETTE = 256
"""The most colours of a palette."""
BLACK_AND_WHITE = 2


class Timing(NamedTuple):
    """How long a frame is shown, in milliseconds, and how often the animation is played, 0 being for ever."""

    duration: float
    plays: int


class Stored(NamedTuple):
    """What is known of how a file stores its pixels.

    Parameters
    ----------
    parameters : mapping
        Pillow's, which store other pixels alike in the same format.
    tables : mapping
        Those that make a JPEG of the same quality.
    predictor : int
        TIFF's number of what its compression makes differences of; 1 is none.
    colours : int
        `PALETTE` or `BLACK_AND_WHITE` of a picture of so few; else 0.
    others : str
        What is in the file beside its frames: `2 other sizes`, `1 smaller copy`.
    kind : str
        What no result is: `CMYK`, `64-bit floats`.
    timing : Timing, optional
        Of a frame of an animation.
    table : bool
        Whether they are numbers in a table, which nobody has looked at as a picture.
    """

    parameters: Mapping[str, Any] = {}
    tables: Mapping[str, Any] = {}
    predictor: int = 1
    colours: int = 0
    others: str = ""
    kind: str = ""
    timing: Timing | None = None
    table: bool = False


@dataclass(frozen=True, eq=False)
class Picture:
    """One decoded picture.

    Parameters
    ----------
    pixels : ndarray
        `(H, W)` or `(H, W, C)`, of uint8, uint16 or float32, upright, without alpha. C-contiguous, or shared with
        Pillow (see `runtime.pillow`).
    alpha : ndarray, optional
        `(H, W)` of the same dtype: 0 is transparent, full scale opaque.
    metadata : Metadata
        What the file held beside them.
    format : str
        The file's format, a name out of `formats.FORMATS` or `NPY`; of a table of numbers, which of `PNG` and `NPY`
        holds them.
    notes : tuple of str
        What a person should know, one line each.
    frames : int
        How many pictures the file holds, this one among them.
    stored : Stored
        How it stores them.
    """

    pixels: Array
    alpha: Array | None = None
    metadata: Metadata = Metadata()
    format: str = "PNG"
    notes: tuple[str, ...] = ()
    frames: int = 1
    stored: Stored = Stored()

    @property
    def shade(self) -> str | None:
        """`"black"` or `"white"` if nearly all of the picture is; else None, also of floats and of tables."""
        return None if self.stored.table else mapping.shade(self.pixels)
