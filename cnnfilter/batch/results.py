"""What is made of a picture, on its way to a file: pictures and arrays that know how they are encoded."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import numpy as np

from cnnfilter.batch.limits import check_filtered
from cnnfilter.batch.write import Data
from cnnfilter.imaging import memory
from cnnfilter.imaging.formats import DEFAULT_MAX_PIXELS, output_format
from cnnfilter.imaging.picture import Picture, encode

if TYPE_CHECKING:
    import numpy.typing as npt

    from cnnfilter.filtering.filter import Filter
    from cnnfilter.model.plan import Row

ALPHA = ("keep", "drop", "filter")
"""What happens to transparency: carried through, left out, or filtered as one more channel."""


@dataclass(frozen=True)
class Saving:
    """How results are encoded: see `imaging.picture.encode`. `format` None follows the name or the input."""

    format: str | None = None
    options: Mapping[str, str] = field(default_factory=dict)
    strip: bool = False


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
    """

    data: Data
    size: tuple[int, int] | None = None
    notes: tuple[str, ...] = ()
    clipped: float | None = None


@dataclass(frozen=True)
class Rendered:
    """The format of a result, how many numbered files it makes (None: one without a number), and these.

    The files are encoded one by one, as they are asked for.
    """

    format: str
    count: int | None
    files: Iterator[Encoded]


class Result(Protocol):
    """What is made of a picture."""

    @property
    def notes(self) -> tuple[str, ...]:
        """What a person should know before anything is encoded."""

    @property
    def rows(self) -> tuple[Row, ...]:
        """The plan of a chain."""

    @property
    def vector(self) -> npt.NDArray[Any] | None:
        """What a chain gave, if it is a vector."""

    def render(self, asked: str | None, saving: Saving) -> Rendered:
        """Choose a format, unless the person has (`asked`), and encode."""


class PictureResult(NamedTuple):
    """A picture, and the fraction of its values that were clamped, where it was counted."""

    picture: Picture
    clipped: float | None = None

    @property
    def notes(self) -> tuple[str, ...]:
        """The picture's."""
        return self.picture.notes

    @property
    def rows(self) -> tuple[Row, ...]:
        """No chain, no plan."""
        return ()

    @property
    def vector(self) -> None:
        """A picture is none."""

    def render(self, asked: str | None, saving: Saving) -> Rendered:
        """Encode it in the input's format, or in PNG where that cannot hold it."""
        format = asked or output_format(self.picture.format, self.picture)
        return Rendered(format, None, self._files(format, saving))

    def _files(self, format: str, saving: Saving) -> Iterator[Encoded]:
        yield encoded_picture(self.picture, format, saving, self.clipped)


def encoded_picture(picture: Picture, format: str, saving: Saving, clipped: float | None = None) -> Encoded:
    """Return a picture as a file; its notes stay with whoever made it."""
    height, width = picture.pixels.shape[:2]
    data = encode(picture, format, options=saving.options, strip=saving.strip)
    return Encoded(data, (width, height), clipped=clipped)


def filter_picture(
    picture: Picture,
    kernel_filter: Filter,
    *,
    alpha: str = "keep",
    threads: int | None = None,
    count_clipped: bool = False,
    max_pixels: int = DEFAULT_MAX_PIXELS,
) -> PictureResult:
    """Filter a picture, and see to its transparency.

    Parameters
    ----------
    picture : Picture
        What to filter.
    kernel_filter : Filter
        The kernel and everything that it needs to know.
    alpha : str
        One of `ALPHA`.
    threads : int, optional
        How many to use; all cores by default.
    count_clipped : bool
        Whether to count the values that had to be clamped.
    max_pixels : int
        The largest width times height of a result.

    Returns
    -------
    PictureResult
        With the input's metadata and format.

    Raises
    ------
    PictureError
        If the result would be larger; nothing has been computed then.
    ShapeError
        If the kernel does not fit the picture.
    """
    check_filtered(kernel_filter, picture, max_pixels)
    whole = memory.whole(picture.pixels) if kernel_filter.is_light and not count_clipped else None
    if whole is not None:
        result = kernel_filter.run(whole, threads=threads, empty=memory.empty).pixels
        return PictureResult(replace(picture, pixels=result[..., :3]))
    if alpha == "filter" and picture.alpha is not None:
        stacked = np.dstack([picture.pixels, picture.alpha])
        filtered = kernel_filter.run(stacked, threads=threads, count_clipped=count_clipped)
        pixels, transparency = filtered.pixels, None
        if pixels.shape == (*pixels.shape[:2], stacked.shape[2]):  # not summed to one map by a bank
            transparency = np.ascontiguousarray(pixels[..., -1])
            pixels = np.ascontiguousarray(pixels[..., :-1].reshape(*pixels.shape[:2], *picture.pixels.shape[2:]))
    else:
        kept = picture.alpha if alpha == "keep" else None
        pixels = memory.contiguous(picture.pixels)
        filtered = kernel_filter.run(pixels, kept, threads=threads, count_clipped=count_clipped)
        pixels, transparency = filtered.pixels, filtered.alpha
    return PictureResult(replace(picture, pixels=pixels, alpha=transparency), filtered.clipped)
