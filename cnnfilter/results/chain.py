"""A chain over one picture, and how its maps are shown: as a picture, a contact sheet, or raw numbers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from cnnfilter.errors import PictureError
from cnnfilter.imaging.colormaps import scale_for
from cnnfilter.imaging.formats import DEFAULT_MAX_PIXELS, NPY, output_format
from cnnfilter.imaging.mapping import FULL_SCALE, clipped_fraction, mapping, quantise, shade
from cnnfilter.imaging.maps import finite_range, map_picture
from cnnfilter.imaging.options import applicable
from cnnfilter.imaging.picture import Picture
from cnnfilter.imaging.raw import RAW, encode_values
from cnnfilter.imaging.sheet import contact_sheet
from cnnfilter.network.channels import keeps_colours, map_names
from cnnfilter.network.notes import notes as chain_notes
from cnnfilter.network.stages import Stage
from cnnfilter.results.limits import check_rows
from cnnfilter.results.pictures import Encoded, Rendered, Saving, encoded_picture
from cnnfilter.results.view import View

if TYPE_CHECKING:
    import numpy.typing as npt

    from cnnfilter.network.plan import Row
    from cnnfilter.pipeline import Pipeline

Shown = tuple[Picture, float | None, "npt.NDArray[np.float32] | None"]
"""A picture, the fraction of its values that were clamped, where it was counted, and its numbers, unless it is a
sheet."""


def gives_vector(stages: Iterable[Stage]) -> bool:
    """Tell whether a chain gives a vector: no stage makes maps of one again."""
    return any(stage.gives == "vector" for stage in stages)


def is_plain(rows: tuple[Row, ...], view: View) -> bool:
    """Tell whether maps are written as plain pictures, in the input's format where that can hold them."""
    if view.maps == "each":
        return view.range is not None
    return not view.wants_sheet and (rows[-1].output[-1] == 1 or keeps_colours(rows))


def run_picture(
    picture: Picture,
    pipeline: Pipeline,
    *,
    view: View,
    threads: int | None = None,
    count_clipped: bool = False,
    max_pixels: int = DEFAULT_MAX_PIXELS,
    in_place: bool = False,
) -> ChainResult:
    """Run a picture through a chain.

    Parameters
    ----------
    picture : Picture
        Its transparency is left out, with a note.
    pipeline : Pipeline
    view : View
        How the result is shown.
    threads : int, optional
        How many to use; all cores by default.
    count_clipped : bool
        Whether to count the values that a plain picture clamps.
    max_pixels : int
        The largest result: see `limits.check_rows`.
    in_place : bool
        Whether the result replaces the picture, so that nothing of it may be left out.

    Raises
    ------
    ShapeError, ArgumentError
        If the chain does not fit the picture, or the labels do not fit the result.
    PictureError
        If the result would be too large, or lose the picture's transparency `in_place`; nothing has been computed
        then.
    """
    pixels = picture.pixels
    planar = pixels
    if pixels.ndim == 3:
        planar = np.ascontiguousarray(pixels.transpose(2, 0, 1))[None]
    rows = pipeline.plan((*pixels.shape[:2], pixels.shape[2] if pixels.ndim == 3 else 1))
    check_rows(rows, max_pixels)
    view.check_labels(rows[-1].output[-1])
    notes = picture.notes
    if picture.alpha is not None and (picture.alpha < FULL_SCALE[picture.alpha.dtype.name]).any():
        if in_place:
            msg = "in place, its transparency would be lost; write it elsewhere"
            raise PictureError(msg)
        notes += ("its transparency is left out: the colours below count as they are",)
    notes += tuple(chain_notes(rows, pixels))
    values = pipeline.run(planar, threads=threads)
    kept = pixels if view.showing.beside else np.empty((0, 0), pixels.dtype)
    source = replace(picture, pixels=kept, alpha=None, notes=())
    return ChainResult(values, rows, source, view, notes, count_clipped, picture.shade)


@dataclass(frozen=True, eq=False)
class ChainResult:
    """What a chain gave for a picture.

    Parameters
    ----------
    values : ndarray of float32
        Maps (C, H, W), or a vector (n,).
    rows : tuple of Row
        The chain's plan.
    source : Picture
        The input: what is in it but for its pixels, unless it is shown beside the result.
    view : View
        How it is shown.
    notes : tuple of str
        What a person should know.
    count_clipped : bool
        Whether to count clamped values.
    source_shade : str, optional
        The input's, see `Picture.shade`.
    """

    values: npt.NDArray[np.float32]
    rows: tuple[Row, ...]
    source: Picture
    view: View
    notes: tuple[str, ...] = ()
    count_clipped: bool = False
    source_shade: str | None = None

    @property
    def vector(self) -> npt.NDArray[np.float32] | None:
        """The values if they are one."""
        return self.values if self.values.ndim == 1 else None

    def render(self, asked: str | None, saving: Saving) -> Rendered:
        """Choose by what was asked for, then by the number of maps, then by the input's format."""
        each = self.view.maps == "each"
        count = len(self.values) if each else None
        if self.values.ndim == 1:
            return self._raw(asked or NPY, None, saving)
        plain = is_plain(self.rows, self.view)
        if saving.in_place and not plain:
            msg = "in place, its maps make no picture of the same kind; write them elsewhere"
            raise PictureError(msg)
        # a TIFF holds a picture where there is one; maps that make none, and colours as floats, are its pages
        is_raw = asked in RAW and (asked != "TIFF" or not plain or (saving.floats and len(self.values) > 1))
        if is_raw and not self.view.wants_picture and not saving.in_place:
            return self._raw(asked or "", count, saving)
        if not plain:
            return self._pictures(asked or "PNG", count, self._coloured() if each else self._sheet(), saving)
        format = asked or (NPY if saving.floats else self._followed(each))
        if asked is None and format == NPY and not self.view.wants_picture:
            return self._raw(NPY, count, saving)
        dtype = np.dtype(np.float32) if saving.floats else self.source.pixels.dtype
        return self._pictures(format, count, self._plain(each, dtype), saving)

    def _followed(self, each: bool) -> str:
        """Return the format of plain pictures, which is the input's where that can hold them."""
        _, height, width = self.values.shape
        shape = (height, width) if each or len(self.values) == 1 else (height, width, 3)
        if self.view.showing.given and self.source.pixels.dtype == np.float32:
            return "PNG"  # floats are shown in colours
        alike = np.broadcast_to(np.zeros((), self.source.pixels.dtype), shape)
        return output_format(self.source.format, replace(self.source, pixels=alike))

    def _raw(self, format: str, count: int | None, saving: Saving) -> Rendered:
        name = "vector" if self.values.ndim == 1 else "maps"
        parts = [self.values] if count is None else list(self.values)
        encode = partial(encode_values, format=format, name=name, options=applicable(format, saving.options))
        return Rendered(format, count, (Encoded(encode(part)) for part in parts))

    def _pictures(self, format: str, count: int | None, pictures: Iterator[Shown], saving: Saving) -> Rendered:
        spanned = self.view.range not in (None, "clip")

        def files() -> Iterator[Encoded]:
            for result, clipped, numbers in pictures:
                picture = self.view.showing.picture(result, self.source, numbers, sheet=numbers is None)
                encoded = encoded_picture(picture, format, saving, clipped, spanned=spanned)
                yield encoded._replace(notes=picture.notes + encoded.notes)

        return Rendered(format, count, files())

    def _sheet(self) -> Iterator[Shown]:
        view, enlarge = self.view, self.view.showing.enlarge
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
        limits = finite_range(self.values)
        colormap = scale_for(self.view.colormap or "auto", *limits).colormap
        for plane in self.values:
            common = limits if self.view.scaling == "global" else None
            yield map_picture(plane, colormap=colormap, limits=common), None, plane

    def _plain(self, each: bool, dtype: np.dtype[Any]) -> Iterator[Shown]:
        if not each:
            yield self._quantised(self.values, self.values, dtype)
        else:
            for plane in self.values:
                yield self._quantised(plane[None], self.values if self.view.scaling == "global" else plane, dtype)

    def _quantised(
        self, maps: npt.NDArray[np.float32], spanned: npt.NDArray[np.float32], dtype: np.dtype[Any]
    ) -> Shown:
        """Return one map, or three as colours, as a picture of a type.

        `spanned` are the values that `normalize` and `center` look at.
        """
        count, height, width = maps.shape
        range_ = self.view.range or "clip"
        extremes = range_ in ("normalize", "center")
        low, high = (float(spanned.min()), float(spanned.max())) if extremes else (0.0, 0.0)
        how = mapping(range_, low, high, dtype)
        pixels = np.empty((height, width, count), dtype)
        for c, plane in enumerate(maps):
            pixels[..., c] = quantise(plane, dtype, how)
        clipped = clipped_fraction(maps, dtype, how) if self.count_clipped else None
        notes = self._unseen(maps, pixels) if self.view.range is None else ()
        if count == 1:
            pixels = pixels[..., 0]
        return replace(self.source, pixels=pixels, notes=notes), clipped, maps.transpose(1, 2, 0)

    def _unseen(self, maps: npt.NDArray[np.float32], pixels: npt.NDArray[Any]) -> tuple[str, ...]:
        """Return a note if nothing is seen of values that differ, as after `normalize`, and more was in the input."""
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
