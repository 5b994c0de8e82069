"""A filter over each picture: the task of `apply`, and the picture that it makes, ready to be encoded."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from cnnfilter.errors import ShapeError
from cnnfilter.imaging import mapping
from cnnfilter.imaging.formats import NPY, output_format
from cnnfilter.imaging.picture import Picture
from cnnfilter.results.limits import check_filtered, filtered_size
from cnnfilter.results.saving import Encoded, Ready, Saving, ready
from cnnfilter.results.showing import AS_PICTURES, Showing
from cnnfilter.results.task import Task
from cnnfilter.runtime import pillow

if TYPE_CHECKING:
    import numpy.typing as npt

    from cnnfilter.network.plan import Row
    from cnnfilter.running.filter import Filter

ALPHA = ("keep", "drop", "filter")
"""What happens to transparency: carried through, left out, or filtered as one more channel."""


@dataclass(frozen=True, eq=False, repr=False)
class PictureResult:
    """A picture that a filter made, and how it is saved.

    Parameters
    ----------
    picture : Picture
    clipped : float, optional
        The fraction of its values that were clamped, where it was counted.
    spanned : bool
        See `ready`.
    saving : Saving
    rows : tuple of Row
        The plan of a network, if there is one.
    """

    picture: Picture
    clipped: float | None = None
    spanned: bool = False
    saving: Saving = Saving()
    rows: tuple[Row, ...] = ()

    vector: ClassVar[None] = None
    count: ClassVar[None] = None

    @property
    def notes(self) -> tuple[str, ...]:
        """The picture's."""
        return self.picture.notes

    @property
    def format(self) -> str:
        """The input's, or PNG where that cannot hold the picture."""
        if self.saving.floats:
            return NPY
        own = self.picture.format
        return own if self.saving.in_place else output_format(own, self.picture)

    def drawn(self, format: str) -> Iterator[Ready]:
        """The picture, ready to be encoded."""
        yield ready(self.picture, format, self.saving, clipped=self.clipped, spanned=self.spanned)

    def files(self, format: str) -> Iterator[Encoded]:
        """The picture as a file."""
        return (each.encoded() for each in self.drawn(format))


@dataclass(frozen=True, eq=False, repr=False)
class FilterTask(Task):
    """A filter over each picture, what happens to transparency, and how the result is shown.

    Parameters
    ----------
    kernel_filter : Filter
    alpha : str
        One of `ALPHA`.
    showing : Showing
    advise : bool
        Whether to say what helps where nothing is seen in a result.
    """

    kernel_filter: Filter
    alpha: str = "keep"
    showing: Showing = AS_PICTURES
    advise: bool = False

    @property
    def name(self) -> str:
        """The kernel's."""
        return self.kernel_filter.kernel.name

    @property
    def shared(self) -> bool:
        """Whether only colours are looked at, and a fourth sample of each pixel costs little."""
        return self.kernel_filter.is_light and not (self.count_clipped or self.saving.floats or self.showing.given)

    def unshown(self, format: str) -> str | None:
        """See `Showing.unfit`."""
        return self.showing.unfit(format)

    def need(self, height: int, width: int, channels: int) -> int:
        """How many bytes the result takes beyond one as large as the picture, with its encoded form.

        As floats, the picture and the result take four bytes a number.
        """
        try:
            rows, columns = filtered_size(self.kernel_filter, (height, width))
        except ShapeError:
            return 0
        if rows * columns > self.max_pixels:
            return 0
        more = 4 * (height * width + 2 * rows * columns) if self.saving.floats else 2 * rows * columns
        return more * channels + self.showing.need(rows * columns, height * width)

    def transform(self, picture: Picture, threads: int | None = None) -> PictureResult:
        """Filter a picture, see to its transparency, and show the result.

        Raises
        ------
        PictureError
            If the result would be larger than a picture may be; nothing has been computed then.
        ShapeError
            If the kernel does not fit the picture.
        """
        result = self._filtered(picture, threads)
        if self.advise and (note := _unseen(result.picture.pixels, picture)):
            result = replace(result, picture=replace(result.picture, notes=(*result.picture.notes, note)))
        if self.showing.given:
            result = replace(result, picture=self.showing.picture(result.picture, picture))
        return result

    def _filtered(self, picture: Picture, threads: int | None) -> PictureResult:
        kernel_filter, counts = self.kernel_filter, self.count_clipped
        check_filtered(kernel_filter, picture, self.max_pixels)
        if self.saving.floats:
            picture = _as_floats(picture)
        whole = pillow.whole(picture.pixels) if kernel_filter.is_light and not counts else None
        if whole is not None:
            result = kernel_filter.run(whole, threads=threads, empty=pillow.empty).pixels
            return PictureResult(replace(picture, pixels=result[..., :3]), saving=self.saving)
        if self.alpha == "filter" and picture.alpha is not None:
            stacked = np.dstack([picture.pixels, picture.alpha])
            filtered = kernel_filter.run(stacked, threads=threads, count_clipped=counts)
            pixels, alpha = filtered.pixels, None
            if pixels.shape == (*pixels.shape[:2], stacked.shape[2]):  # not summed to one map by a bank
                alpha = np.ascontiguousarray(pixels[..., -1])
                pixels = np.ascontiguousarray(pixels[..., :-1].reshape(*pixels.shape[:2], *picture.pixels.shape[2:]))
        else:
            kept = picture.alpha if self.alpha == "keep" else None
            filtered = kernel_filter.run(pillow.contiguous(picture.pixels), kept, threads=threads, count_clipped=counts)
            pixels, alpha = filtered.pixels, filtered.alpha
        spanned = kernel_filter.range != "clip"
        return PictureResult(replace(picture, pixels=pixels, alpha=alpha), filtered.clipped, spanned, self.saving)


def _unseen(pixels: npt.NDArray[Any], source: Picture) -> str | None:
    """What is said of a result in which nothing is seen, unless there was no more in its source."""
    shade = mapping.shade(pixels)
    if shade is None or shade == source.shade or _is_flat(source.pixels):
        return None
    remedy = {
        "black": "--range normalize, abs or center shows small and negative values",
        "white": "--scale sum divides by the kernel's sum, and --range normalize shows what is cut off",
    }
    return f"the result is nearly {shade}; {remedy[shade]}"


def _is_flat(pixels: npt.NDArray[Any]) -> bool:
    """Whether all pixels are of one colour: the first row, then all rows like it, which is compared quickly."""
    return bool((pixels[0] == pixels[0, 0]).all() and (pixels == pixels[:1]).all())


def _as_floats(picture: Picture) -> Picture:
    """A picture whose pixels are the same numbers as floats, and its alpha from 0 to 1."""
    alpha = picture.alpha
    if alpha is not None:
        alpha = (alpha / np.float32(mapping.FULL_SCALE[alpha.dtype.name])).astype(np.float32)
    return replace(picture, pixels=pillow.contiguous(picture.pixels).astype(np.float32), alpha=alpha)
