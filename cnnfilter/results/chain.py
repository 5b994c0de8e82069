"""A chain over each picture: the task of `run`, and the maps or the vector that it makes."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from cnnfilter.errors import CnnfilterError, PictureError
from cnnfilter.imaging.colormaps import scale_for
from cnnfilter.imaging.formats import NPY, output_format
from cnnfilter.imaging.mapping import FULL_SCALE, clipped_fraction, mapping, quantise, shade
from cnnfilter.imaging.maps import finite_range, map_picture
from cnnfilter.imaging.options import applicable
from cnnfilter.imaging.picture import Picture
from cnnfilter.imaging.raw import RAW, encode_values
from cnnfilter.imaging.sheet import contact_sheet
from cnnfilter.network.channels import keeps_colours, map_names
from cnnfilter.network.notes import network_notes
from cnnfilter.network.notes import notes as chain_notes
from cnnfilter.results.limits import between, check_rows
from cnnfilter.results.saving import Encoded, Ready, ready
from cnnfilter.results.task import Task
from cnnfilter.results.vector import Vector, are_shares, score_notes
from cnnfilter.results.view import View

if TYPE_CHECKING:
    import numpy.typing as npt

    from cnnfilter.network.plan import Row
    from cnnfilter.network.stages import Shape
    from cnnfilter.pipeline import Pipeline, Plan

Shown = tuple[Picture, float | None, "npt.NDArray[np.float32] | None"]
"""A picture, the fraction of its values that were clamped, where it was counted, and its numbers, unless it is a
sheet."""


@dataclass(frozen=True, eq=False, repr=False)
class ChainTask(Task):
    """A chain over each picture, and how its result is shown.

    Parameters
    ----------
    pipeline : Pipeline
    view : View
    rows : tuple of Row
        The plan for one of the pictures; empty as long as that is not known.
    name : str
        What all chains are called; a node behind that.
    is_whole : bool
        Whether the network's result is wanted, and not that of a node in it.
    """

    pipeline: Pipeline
    view: View
    rows: tuple[Row, ...] = ()
    name: str = "chain"
    is_whole: bool = True

    @property
    def gives_vector(self) -> bool:
        """Whether the chain gives a vector: no stage makes maps of one again."""
        network = self.pipeline.network
        return network.gives_vector(len(network) - 1)

    def makes_plain(self, rows: tuple[Row, ...]) -> bool:
        """Whether maps are written as plain pictures, in the input's format where that can hold them."""
        if self.view.maps == "each":
            return self.view.range is not None
        return not self.view.wants_sheet and (rows[-1].output[-1] == 1 or keeps_colours(rows))

    @property
    def default(self) -> str | None:
        """An array for floats and vectors, and PNG for maps that make no plain picture."""
        if self.saving.floats or self.gives_vector:
            return NPY
        return None if not self.rows or self.makes_plain(self.rows) else "PNG"

    def unshown(self, format: str) -> str | None:
        """See `View.unfit`."""
        return self.view.unfit(format, vector=self.gives_vector)

    def need(self, height: int, width: int, channels: int) -> int:
        """How many bytes are taken by the source in planes, what lies between stages, the result, and its file."""
        try:
            rows = self.pipeline.plan((height, width, channels))
            check_rows(rows, self.max_pixels)
        except CnnfilterError:
            return 0
        result = math.prod(rows[-1].output)
        shown = self.view.showing.need(result, height * width)
        return height * width * channels + between(rows) + 8 * result + shown

    def transform(self, picture: Picture, threads: int | None = None) -> ChainResult:
        """Run a picture through the chain; its transparency is left out, with a note.

        Raises
        ------
        ShapeError, ArgumentError
            If the chain does not fit the picture, or the labels do not fit the result.
        PictureError
            If the result would be too large, or lose the transparency of a picture that it replaces; nothing has been
            computed then.
        """
        rows, notes = self.planned(picture)
        values = self.pipeline.run(planes_of(picture), layout="chw", threads=threads)
        return self.shown(picture, values, rows, notes)

    def plan_for(self, shape: Shape) -> Plan:
        """The chain's plan for a picture of a shape (H, W, C)."""
        return self.pipeline.plan(shape)

    def vector_of(self, values: npt.NDArray[np.float32], rows: tuple[Row, ...]) -> Vector:
        """Values that the chain gave, with their labels, and how many of them are told."""
        return Vector(values, self.view.labels_for(len(values)), self.view.top, are_shares(rows))

    def planned(self, picture: Picture) -> tuple[Plan, tuple[str, ...]]:
        """The plan for a picture, and what a person should know; see `transform`."""
        pixels = picture.pixels
        rows = self.plan_for((*pixels.shape[:2], pixels.shape[2] if pixels.ndim == 3 else 1))
        check_rows(rows, self.max_pixels)
        self.view.check_labels(rows[-1].output[-1])
        notes = picture.notes
        if picture.alpha is not None and (picture.alpha < FULL_SCALE[picture.alpha.dtype.name]).any():
            if self.saving.in_place:
                msg = "in place, its transparency would be lost; write it elsewhere"
                raise PictureError(msg)
            notes += ("its transparency is left out: the colours below count as they are",)
        notes += (*network_notes(self.pipeline.network, rows, pixels), *chain_notes(rows, pixels))
        asked = self.view.top is not None or self.view.labels_for(rows[-1].output[-1])
        if self.told and self.is_whole and asked:
            notes += score_notes(rows)
        return rows, notes

    def shown(
        self, picture: Picture, values: npt.NDArray[np.float32], rows: tuple[Row, ...], notes: tuple[str, ...] = ()
    ) -> ChainResult:
        """The result that a picture's values make."""
        kept = picture.pixels if self.view.showing.beside else np.empty((0, 0), picture.pixels.dtype)
        source = replace(picture, pixels=kept, alpha=None, notes=())
        return ChainResult(self, values, rows, source, notes, picture.shade)

    def record(self, outputs: Sequence[str], rows: tuple[Row, ...]) -> dict[str, Any]:
        """The shape of a result; and all files in a list, where each map has one."""
        listed = {"output": outputs or None} if self.view.maps == "each" else {}
        return listed | {"shape": rows[-1].output if rows else None}


def planes_of(picture: Picture) -> npt.NDArray[Any]:
    """A picture's maps, (C, H, W), or (H, W) of a grey one."""
    pixels = picture.pixels
    return np.ascontiguousarray(pixels.transpose(2, 0, 1)) if pixels.ndim == 3 else pixels


@dataclass(frozen=True, eq=False, repr=False)
class ChainResult:
    """What a chain gave for a picture.

    Parameters
    ----------
    task : ChainTask
        How it is shown and saved.
    values : ndarray of float32
        Maps (C, H, W), or a vector (n,).
    rows : tuple of Row
        The chain's plan.
    source : Picture
        The input: what is in it but for its pixels, unless it is shown beside the result.
    notes : tuple of str
        What a person should know.
    source_shade : str, optional
        The input's, see `Picture.shade`.
    """

    task: ChainTask
    values: npt.NDArray[np.float32]
    rows: tuple[Row, ...]
    source: Picture
    notes: tuple[str, ...] = ()
    source_shade: str | None = None

    @property
    def vector(self) -> Vector | None:
        """The values if they are one."""
        return None if self.values.ndim != 1 else self.task.vector_of(self.values, self.rows)

    @property
    def count(self) -> int | None:
        """How many maps there are, where each goes to a file of its own."""
        return len(self.values) if self.task.view.maps == "each" else None

    @property
    def format(self) -> str:
        """The input's for plain pictures, where that can hold them; PNG for others, and an array for numbers."""
        if self.values.ndim == 1:
            return NPY
        saving = self.task.saving
        if saving.in_place:
            return self.source.format
        if not self._is_plain:
            return "PNG"
        return NPY if saving.floats else self._followed()

    @property
    def _is_plain(self) -> bool:
        return self.task.makes_plain(self.rows)

    def files(self, format: str) -> Iterator[Encoded]:
        """The values as pictures, or as they are where that is the format's way and nobody wants to see them."""
        drawn = self.drawn(format)
        if drawn is not None:
            return (each.encoded() for each in drawn)
        name = "vector" if self.values.ndim == 1 else "maps"
        options = applicable(format, self.task.saving.options)
        encode = partial(encode_values, format=format, name=name, options=options)
        return (Encoded(encode(part)) for part in ([self.values] if self.count is None else list(self.values)))

    def drawn(self, format: str) -> Iterator[Ready] | None:
        """The pictures that show the values; None where these are written as they are.

        Raises
        ------
        PictureError
            If they would replace a picture of another kind.
        """
        if self.values.ndim == 1:
            return None
        task, plain = self.task, self._is_plain
        if task.saving.in_place and not plain:
            msg = "in place, its maps make no picture of the same kind; write them elsewhere"
            raise PictureError(msg)
        # a TIFF holds a picture where there is one; maps that make none, and colours as floats, are its pages
        is_raw = format in RAW and (format != "TIFF" or not plain or (task.saving.floats and len(self.values) > 1))
        if is_raw and not (task.view.wants_picture or task.saving.in_place):
            return None
        if plain:
            return self._ready(format, self._plain())
        return self._ready(format, self._sheet() if self.count is None else self._coloured())

    def _ready(self, format: str, pictures: Iterator[Shown]) -> Iterator[Ready]:
        view = self.task.view
        spanned = view.range not in (None, "clip")
        for result, clipped, numbers in pictures:
            picture = view.showing.picture(result, self.source, numbers, sheet=numbers is None)
            made = ready(picture, format, self.task.saving, clipped=clipped, spanned=spanned)
            yield made._replace(notes=picture.notes + made.notes)

    def _followed(self) -> str:
        """The input's format where that can hold plain pictures of it."""
        each, (_, height, width) = self.count is not None, self.values.shape
        shape = (height, width) if each or len(self.values) == 1 else (height, width, 3)
        if self.task.view.showing.given and self.source.pixels.dtype == np.float32:
            return "PNG"  # floats are shown in colours
        alike = np.broadcast_to(np.zeros((), self.source.pixels.dtype), shape)
        return output_format(self.source.format, replace(self.source, pixels=alike))

    def _sheet(self) -> Iterator[Shown]:
        view, enlarge = self.task.view, self.task.view.showing.enlarge
        sheet = contact_sheet(
            self.values,
            scaling=view.scaling or "map",
            colormap=view.colormap or "auto",
            topk=view.topk,
            columns=view.columns,
            cell=view.cell if enlarge is None else enlarge * max(self.values.shape[1:]),
            numbers=view.showing.numbers,
            labels=view.lettering,
            titles=view.labels or map_names(self.rows),
        )
        if view.range is not None:
            note = f"--range {view.range} is for plain pictures; this sheet of {len(self.values)} maps goes without it"
            sheet = replace(sheet, notes=(*sheet.notes, note))
        yield sheet, None, None

    def _coloured(self) -> Iterator[Shown]:
        view, limits = self.task.view, finite_range(self.values)
        colormap = scale_for(view.colormap or "auto", *limits).colormap
        for plane in self.values:
            common = limits if view.scaling == "global" else None
            yield map_picture(plane, colormap=colormap, limits=common), None, plane

    def _plain(self) -> Iterator[Shown]:
        dtype = np.dtype(np.float32) if self.task.saving.floats else self.source.pixels.dtype
        if self.count is None:
            yield self._quantised(self.values, self.values, dtype)
            return
        for plane in self.values:
            is_common = self.task.view.scaling == "global"
            yield self._quantised(plane[None], self.values if is_common else plane, dtype)

    def _quantised(
        self, maps: npt.NDArray[np.float32], spanned: npt.NDArray[np.float32], dtype: np.dtype[Any]
    ) -> Shown:
        """One map, or three as colours, as a picture of a type.

        `spanned` are the values that `normalize` and `center` look at.
        """
        given = self.task.view.range
        count, height, width = maps.shape
        range_ = given or "clip"
        extremes = range_ in ("normalize", "center")
        low, high = (float(spanned.min()), float(spanned.max())) if extremes else (0.0, 0.0)
        how = mapping(range_, low, high, dtype)
        pixels = np.empty((height, width, count), dtype)
        for c, plane in enumerate(maps):
            pixels[..., c] = quantise(plane, dtype, how)
        clipped = clipped_fraction(maps, dtype, how) if self.task.count_clipped else None
        notes = self._unseen(maps, pixels) if given is None else ()
        if count == 1:
            pixels = pixels[..., 0]
        return replace(self.source, pixels=pixels, notes=notes), clipped, maps.transpose(1, 2, 0)

    def _unseen(self, maps: npt.NDArray[np.float32], pixels: npt.NDArray[Any]) -> tuple[str, ...]:
        """A note if nothing is seen of values that differ, as after `normalize`, and more was in the input."""
        seen = shade(pixels)
        if seen in (None, self.source_shade):
            return ()
        low, high = finite_range(maps)
        if low == high:
            return ()
        remedy = "--range normalize or --colormap auto shows them"
        # of frames, each with a span of its own, only what is common to all: a note is told once
        span = f", {low:.3g} to {high:.3g}," if self.source.frames == 1 else ""
        return (f"the values{span} are nearly {seen}; {remedy}",)
