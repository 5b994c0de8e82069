"""The receptive field of a value on each picture: the task of `run --field`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from cnnfilter.explanation.field import ReceptiveField, receptive_field
from cnnfilter.explanation.selection import range_text
from cnnfilter.imaging.formats import ARRAYS, NPY, holds_floats
from cnnfilter.imaging.mapping import FULL_SCALE, Mapping, mapping, quantise
from cnnfilter.imaging.maps import finite_range
from cnnfilter.imaging.spotlight import Part, brought_out
from cnnfilter.results.pictures import PictureResult
from cnnfilter.results.saving import Ready, ready
from cnnfilter.results.showing import AS_PICTURES, Showing, unfit_for_numbers
from cnnfilter.results.task import Task
from cnnfilter.runtime import pillow

if TYPE_CHECKING:
    from cnnfilter.imaging.picture import Picture
    from cnnfilter.network.plan import Row
    from cnnfilter.network.stages import Shape
    from cnnfilter.pipeline import Pipeline

COPIES = 3
"""How many times as much memory as the picture its darkened copy takes, with floats in between."""


@dataclass(frozen=True, eq=False, repr=False)
class FieldResult(PictureResult):
    """A picture in which a field is brought out."""

    def drawn(self, format: str) -> Iterator[Ready]:
        """The picture, ready to be encoded; floats from black to white where the format has none."""
        picture = self.picture
        if picture.pixels.dtype == np.float32 and not holds_floats(format):
            spanned = mapping("normalize", *finite_range(picture.pixels), np.uint8)
            pixels = quantise(picture.pixels, np.uint8, spanned)
            alpha = None if picture.alpha is None else quantise(picture.alpha, np.uint8, Mapping(FULL_SCALE["uint8"]))
            picture = replace(picture, pixels=pixels, alpha=alpha)
        yield ready(picture, format, self.saving)


@dataclass(frozen=True, eq=False, repr=False)
class FieldTask(Task):
    """What of each picture one value of a network's result depends on, which takes no weights.

    Parameters
    ----------
    pipeline : Pipeline
    at : tuple of int
        The place of the value, as `explain` takes it.
    name : str
        What stands in an output's name.
    showing : Showing
    """

    pipeline: Pipeline
    at: tuple[int, ...]
    name: str = "field"
    showing: Showing = AS_PICTURES

    def unshown(self, format: str) -> str | None:
        """Why a format of numbers is none for a picture to look at."""
        return unfit_for_numbers(format, ["--field"]) if format in ARRAYS else None

    def need(self, height: int, width: int, channels: int) -> int:
        """How many bytes the copies take."""
        shown = self.showing.need(height * width, height * width)
        return COPIES * height * width * channels + shown

    def plan_for(self, shape: Shape) -> tuple[Row, ...]:
        """The network's plan for a picture of a shape (H, W, C)."""
        return self.pipeline.plan(shape)

    def transform(self, picture: Picture, threads: int | None = None) -> FieldResult:
        """Bring out the receptive field in a picture.

        Raises
        ------
        ShapeError, ArgumentError
            If the network does not fit the picture, or its result has no such place.
        """
        pixels = pillow.contiguous(picture.pixels)
        rows = self.plan_for((*pixels.shape[:2], pixels.shape[2] if pixels.ndim == 3 else 1))
        field = receptive_field(rows, self.at)
        picture = replace(picture, pixels=pixels, notes=(*picture.notes, *field_notes(field, pixels.shape[:2])))
        if picture.format == NPY:
            picture = replace(picture, format="PNG")
        return FieldResult(self._shown(picture, field), saving=self.saving, rows=rows)

    def _shown(self, picture: Picture, field: ReceptiveField) -> Picture:
        plain = self.showing._replace(beside=False).picture(picture, picture)
        part, factor = part_of(field), self.showing.enlarge or 1
        if part is not None:
            (top, bottom), (left, right) = ((first * factor, (last + 1) * factor - 1) for first, last in part)
            part = (top, bottom), (left, right)
        marked = replace(plain, pixels=brought_out(plain.pixels, part))
        if not self.showing.beside:
            return marked
        from cnnfilter.imaging.showing import beside

        return beside(plain, marked)

    def details(self, rows: tuple[Row, ...]) -> str:
        """The field in words."""
        return f", {field_text(receptive_field(rows, self.at))}"

    def record(self, outputs: Sequence[str], rows: tuple[Row, ...]) -> dict[str, Any]:
        """The place, and the field as `explain` tells it."""
        from cnnfilter.explanation import to_record

        field = to_record({"field": receptive_field(rows, self.at)})["field"] if rows else None
        return {"at": self.at, "receptive_field": field}


def part_of(field: ReceptiveField) -> Part | None:
    """What a field has in the picture, if anything."""
    if not field.corners:
        return None
    (top, left), (bottom, right) = field.corners[0], field.corners[-1]
    return (top, bottom), (left, right)


def field_text(field: ReceptiveField) -> str:
    """A field in words.

    Examples
    --------
    >>> field_text(ReceptiveField((3, 4), (-1, 1), (2, 5), ((0, 2), (0, 5), (1, 2), (1, 5)), 4))
    'receptive field 3x4, rows -1 to 1, columns 2 to 5'
    """
    height, width = field.size
    if not height:
        return "receptive field none"
    return f"receptive field {height}x{width}, {range_text('row', *field.rows)}, {range_text('column', *field.columns)}"


def field_notes(field: ReceptiveField, size: tuple[int, ...]) -> tuple[str, ...]:
    """What a person does not see of a field in a picture of a size."""
    part, count = part_of(field), field.size[0] * field.size[1]
    if part is None:
        return ("the value depends on nothing in the picture: all that it sees is padding",)
    notes = []
    if field.in_padding:
        notes.append(f"{field.in_padding:,} of the {count:,} samples of the field are padding, and not of the picture")
    if part == ((0, size[0] - 1), (0, size[1] - 1)):
        notes.append("the field holds the whole picture, so that no line is around it")
    return tuple(notes)
