"""What a network looked at in each picture: the task of `why`, and the heat maps that it makes."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from cnnfilter.engine.activations import softmax
from cnnfilter.errors import CnnfilterError
from cnnfilter.explanation import to_record
from cnnfilter.imaging.formats import ARRAYS, NPY
from cnnfilter.imaging.heat import FINE, LONGEST, Panel, closer, heat_panels
from cnnfilter.imaging.mapping import FULL_SCALE
from cnnfilter.imaging.options import applicable
from cnnfilter.imaging.picture import Picture
from cnnfilter.imaging.raw import encode_values
from cnnfilter.learning.attribution import METHODS, Asked, Heat
from cnnfilter.learning.effective import effective_field
from cnnfilter.learning.looking import AT_ONCE, Looking
from cnnfilter.messages import readable
from cnnfilter.network.notes import network_notes
from cnnfilter.network.notes import notes as chain_notes
from cnnfilter.results.chain import planes_of
from cnnfilter.results.limits import check_rows
from cnnfilter.results.saving import Encoded, Ready, Saving, ready
from cnnfilter.results.task import Task
from cnnfilter.results.vector import are_shares

if TYPE_CHECKING:
    import numpy.typing as npt

    from cnnfilter.network.plan import Row
    from cnnfilter.pipeline import Pipeline

PIXELWISE = ("saliency", "integrated-gradients", "effective field")
"""Of these, neighbouring pixels may differ much."""

MOST_NUMBERS = 20_000
"""Up to so many numbers programs are told all of them; of more, a file holds them."""

KEPT = 4
"""How many times as much memory as its results a network takes that goes back: what is kept, and gradients."""

WAITING = 4
"""Arrays as large as the photo, of float32, that are held at a time."""

TRANSPARENT = "its transparency is left out: the colours below count as they are"


@dataclass(frozen=True, eq=False, repr=False)
class HeatResult:
    """Heat maps of a photo.

    Parameters
    ----------
    photo : Picture
    heats : tuple of Heat
    titles : tuple of str
        One for each.
    seen : (slice, slice)
        The rows and columns of the photo that the network sees.
    heading : str
        What all are of.
    facts : mapping
        What programs are told.
    saving : Saving
    notes : tuple of str
    part : (slice, slice), optional
        The rows and columns of which there is a closer look at the last of the maps.
    """

    photo: Picture
    heats: tuple[Heat, ...]
    titles: tuple[str, ...]
    seen: tuple[slice, slice]
    heading: str
    facts: Mapping[str, Any]
    saving: Saving
    notes: tuple[str, ...] = ()
    part: tuple[slice, slice] | None = None

    rows: ClassVar[tuple[Row, ...]] = ()
    vector: ClassVar[None] = None
    count: ClassVar[None] = None

    @property
    def format(self) -> str:
        """An array for floats, else PNG."""
        return NPY if self.saving.floats else "PNG"

    def drawn(self, format: str) -> Iterator[Ready] | None:
        """The maps over the photo; None where a file holds the numbers."""
        if format in ARRAYS or (format == "TIFF" and self.saving.floats):
            return None
        pairs = zip(self.titles, self.heats, strict=True)
        panels = [Panel(title, heat.values, _is_fine(heat)) for title, heat in pairs]
        if self.part is not None:
            (top, bottom), (left, right) = ((each.start, each.stop - 1) for each in self.part)
            title = f"rows {top} to {bottom}, columns {left} to {right}"
            panels.append(Panel(title, self.heats[-1].values, part=self.part))
        pixels = heat_panels(self.photo.pixels, panels, self.seen, self.heading)
        return iter([ready(Picture(pixels), format, self.saving)])

    def files(self, format: str) -> Iterator[Encoded]:
        """The maps as one picture, or as numbers (methods, H, W)."""
        drawn = self.drawn(format)
        if drawn is not None:
            made = [each.encoded() for each in drawn]
        else:
            values = np.stack([heat.values for heat in self.heats]).astype(np.float32)
            encode = partial(encode_values, format=format, name="heat")
            made = [Encoded(encode(values, options=applicable(format, self.saving.options)))]
        told = f", {self.heading}"
        for each in made:
            size = "" if each.size else f"{'x'.join(map(str, (len(self.heats), *self.photo.pixels.shape[:2])))} float32"
            yield each._replace(details=size + told, facts=self.facts)


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class _Looking(Task):
    """What the tasks of `why` have in common.

    Parameters
    ----------
    pipeline : Pipeline
    """

    pipeline: Pipeline

    @property
    def default(self) -> str:
        """An array for floats, else PNG."""
        return NPY if self.saving.floats else "PNG"

    def unshown(self, format: str) -> None:
        """None: all formats hold either the picture or the numbers."""
        return

    def need(self, height: int, width: int, channels: int) -> int:
        """How many bytes go through the network and back, with what is held of the photo and the panels."""
        try:
            rows = self.pipeline.plan((height, width, channels))
        except CnnfilterError:
            return 0
        results = sum(4 * math.prod(row.output) for row in rows)
        panels = 3 * 4 * (len(METHODS) + 1) * LONGEST**2
        return KEPT * max(results, AT_ONCE) + 4 * WAITING * height * width * (channels + 1) + panels

    def planned(self, picture: Picture) -> tuple[str, ...]:
        """The notes on a picture whose plan is checked."""
        pixels = picture.pixels
        rows = self.pipeline.plan((*pixels.shape[:2], pixels.shape[2] if pixels.ndim == 3 else 1))
        check_rows(rows, self.max_pixels)
        alpha = picture.alpha
        is_seen_through = alpha is not None and bool((alpha < FULL_SCALE[alpha.dtype.name]).any())
        own = (*network_notes(self.pipeline.network, rows, pixels), *chain_notes(rows, pixels))
        return (*picture.notes, *([TRANSPARENT] if is_seen_through else []), *own)


def _maps(picture: Picture) -> npt.NDArray[Any]:
    """A picture's maps, (C, H, W)."""
    planes = planes_of(picture)
    return planes if planes.ndim == 3 else planes[np.newaxis]


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class WhyTask(_Looking):
    """How much each pixel of a photo counts for a network's score of a class.

    Parameters
    ----------
    methods : tuple of str
        Some of `METHODS`.
    target : int, optional
        The class, counted from 0; by default that of the largest score.
    labels : tuple of str
        The names of the classes, if they are known.
    asked : Asked
    """

    methods: tuple[str, ...]
    target: int | None = None
    labels: tuple[str, ...] = ()
    asked: Asked = Asked()

    name: ClassVar[str] = "why"

    def transform(self, picture: Picture, threads: int | None = None) -> HeatResult:
        """Ask the network what it looked at.

        Raises
        ------
        CnnfilterError
            If the network does not fit the picture, or there is no such class or node.
        """
        notes = self.planned(picture)
        maps = _maps(picture)
        scale = FULL_SCALE[picture.pixels.dtype.name]
        looking = Looking(self.pipeline.network, maps, self.target, scale=scale, threads=threads)
        heats = tuple(METHODS[method](looking, self.asked) for method in self.methods)
        named = len(self.labels) == len(looking.scores)
        label = self.labels[looking.target] if named else None
        share = float(softmax(looking.scores)[looking.target]) if are_shares(looking.rows) else None
        value = f", score {looking.score:.6g}" if share is None else f" {share:.2%}"
        what = f"class {looking.target}" if label is None else readable(label)
        facts = {
            "class": looking.target, "label": label, "score": looking.score, "share": share,
            "heat": [_record(heat) for heat in heats],
        }  # fmt: skip
        notes += tuple(note for heat in heats if (note := _doubt(heat)) is not None)
        titles = tuple(map(_title, heats))
        return HeatResult(picture, heats, titles, looking.region, what + value, facts, self.saving, notes)


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class EffectiveTask(_Looking):
    """The effective receptive field of a value on each photo.

    Parameters
    ----------
    at : tuple of int, optional
        Its place; see `effective_field`.
    name : str
        What stands in an output's name.
    """

    at: tuple[int, ...] | None = None
    name: str = "effective-field"

    def transform(self, picture: Picture, threads: int | None = None) -> HeatResult:
        """Find which pixels the value depends on.

        Raises
        ------
        CnnfilterError
            If the network does not fit the picture, or its result has no such place.
        """
        notes = self.planned(picture)
        maps = _maps(picture)
        scale = FULL_SCALE[picture.pixels.dtype.name]
        found = effective_field(self.pipeline.network, maps, self.at, scale=scale, threads=threads)
        heat = Heat("effective field", found.values, {"at": found.at, "pixels": found.pixels, "side": found.side})
        facts = {**_record(heat), "receptive_field": to_record({"field": found.field})["field"]}
        height, width = found.field.size
        place = ", ".join(map(str, found.at))
        count = "1 pixel counts" if found.pixels == 1 else f"{found.pixels} pixels count"
        heading = f"value ({place}): {count}, in a field of {height}x{width}"
        if not found.pixels:
            notes += ("the value changes with no pixel: there is nothing to be seen",)
        seen = _within(found.field.corners, picture.pixels.shape)
        part = closer(seen, picture.pixels.shape[:2])
        return HeatResult(picture, (heat,), (heat.method,), seen, heading, facts, self.saving, notes, part)


def _within(corners: Sequence[tuple[int, int]], size: Sequence[int]) -> tuple[slice, slice]:
    """The rows and columns between corners; all of a photo where there are none."""
    if not corners:
        return slice(0, size[0]), slice(0, size[1])
    (top, left), (bottom, right) = corners[0], corners[-1]
    return slice(top, bottom + 1), slice(left, right + 1)


def _is_fine(heat: Heat) -> bool:
    """Whether neighbouring pixels may differ much, also as the maps are nearly as large as the photo."""
    return heat.method in PIXELWISE or max(heat.facts.get("maps", (0,))) > FINE


def _title(heat: Heat) -> str:
    """A method, with what it was done with."""
    facts = heat.facts
    known = {
        "grad-cam": lambda: f", {readable(facts['name'] or 'node ' + str(facts['node']))}",
        "integrated-gradients": lambda: f", from {facts['baseline']}",
        "occlusion": lambda: f", {facts['window']}x{facts['window']}",
    }
    return heat.method + known.get(heat.method, str)()


def _record(heat: Heat) -> dict[str, Any]:
    """What programs are told of a heat map."""
    low, high = float(heat.values.min()), float(heat.values.max())
    row, column = map(int, np.unravel_index(int(np.argmax(np.abs(heat.values))), heat.values.shape))
    values = heat.values.tolist() if heat.values.size <= MOST_NUMBERS else None
    return {"method": heat.method, **heat.facts, "low": low, "high": high, "at_most": [row, column], "values": values}


def _doubt(heat: Heat) -> str | None:
    """What is said of a heat map of zeros, and of one that does not sum to what it should."""
    if not heat.values.any():
        why = "no map of the node speaks for the class" if heat.method == "grad-cam" else "the score does not change"
        return f"{heat.method} is 0 everywhere: {why}"
    return heat.shortfall
