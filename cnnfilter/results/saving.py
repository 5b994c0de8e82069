"""How results are saved: pictures made ready for a format, and files encoded."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from cnnfilter.errors import PictureError
from cnnfilter.imaging import mapping, stored
from cnnfilter.imaging.encoding import encode
from cnnfilter.imaging.formats import ARRAYS, described, holds_floats
from cnnfilter.imaging.picture import BLACK_AND_WHITE, Picture
from cnnfilter.writing.pieces import Data


class Saving(NamedTuple):
    """How results are encoded.

    Parameters
    ----------
    options : mapping of str to str
        Save options, each of which counts where the format has it.
    strip : str, optional
        See `imaging.encoding.encode`.
    floats : bool
        Whether the numbers are kept as they are.
    in_place : bool
        Whether results take the place of the pictures, and must be of their kind.
    """

    options: Mapping[str, str] = {}
    strip: str | None = None
    floats: bool = False
    in_place: bool = False


class Encoded(NamedTuple):
    """One file.

    Parameters
    ----------
    data : bytes, memoryview of bytes, or several of these
        All of it.
    size : tuple of int, optional
        Width and height, if it is a picture.
    notes : tuple of str
        What a person should know, one line each.
    clipped : float, optional
        The fraction of values that were clamped, where it was counted.
    frames : int
        How many pictures are in it.
    details : str, optional
        What stands behind its size where a person is told of it.
    facts : mapping
        What programs are told of it besides.
    """

    data: Data
    size: tuple[int, int] | None = None
    notes: tuple[str, ...] = ()
    clipped: float | None = None
    frames: int = 1
    details: str | None = None
    facts: Mapping[str, Any] = {}


class Ready(NamedTuple):
    """A picture that is ready to be encoded.

    Parameters
    ----------
    picture : Picture
    format : str
    saving : Saving
        Only those of its options are left that count for this picture in this format.
    notes : tuple of str
        What a person should know.
    clipped : float, optional
        The fraction of values that were clamped, where it was counted.
    """

    picture: Picture
    format: str
    saving: Saving
    notes: tuple[str, ...]
    clipped: float | None

    def encoded(self) -> Encoded:
        """The picture as a file."""
        notes: list[str] = []
        picture, saving = self.picture, self.saving
        data = encode(picture, self.format, options=saving.options, strip=saving.strip, notes=notes)
        return Encoded(data, picture.pixels.shape[1::-1], (*self.notes, *notes), self.clipped)


def ready(
    picture: Picture, format: str, saving: Saving, *, clipped: float | None = None, spanned: bool = False
) -> Ready:
    """A picture as a format needs it; its own notes stay with whoever made it.

    One of floats that is `spanned` by a range other than `clip`, 1 being white, becomes one of 8 bits where the format
    needs them.

    Raises
    ------
    PictureError
        If it would replace a file of another kind.
    """
    notes: list[str] = []
    if spanned and picture.pixels.dtype == np.float32 and not holds_floats(format):
        if (largest := picture.pixels.max()) > 1:
            notes = [f"1 is white in a picture of floats: up to {largest:.3g} is cut off; --range normalize shows all"]
        white = mapping.Mapping(mapping.FULL_SCALE["uint8"])
        picture = replace(picture, pixels=mapping.quantise(picture.pixels, np.uint8, white))
    full = mapping.FULL_SCALE[picture.pixels.dtype.name]
    if picture.stored.table and format in ARRAYS and full > 1 and not spanned:
        notes = [f"its results are rounded, and cut off at 0 and {full}, as a picture's; --depth float keeps them"]
    if saving.in_place:
        _check_kind(picture)
    options, more = stored.fitting(picture, format, saving.options)
    return Ready(picture, format, saving._replace(options=options), (*more, *notes), clipped)


def _check_kind(picture: Picture) -> None:
    """Refuse to replace a file by one of another kind."""
    kind = picture.stored.kind
    if not kind and picture.stored.colours == BLACK_AND_WHITE and not stored.is_two_toned(picture):
        kind = "black and white"
    if kind:
        msg = f"in place, {kind} would become {described(picture)}; write it elsewhere"
        raise PictureError(msg)
