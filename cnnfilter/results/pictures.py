"""What is made of a picture, on its way to a file: pictures and arrays that know how they are encoded."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import numpy as np

from cnnfilter.errors import PictureError
from cnnfilter.imaging import mapping, memory, stored
from cnnfilter.imaging.encoding import encode
from cnnfilter.imaging.formats import ARRAYS, DEFAULT_MAX_PIXELS, NPY, described, holds_floats, output_format
from cnnfilter.imaging.picture import BLACK_AND_WHITE, Picture
from cnnfilter.results.limits import check_filtered

if TYPE_CHECKING:
    import numpy.typing as npt

    from cnnfilter.network.plan import Row
    from cnnfilter.results.showing import Showing
    from cnnfilter.running.filter import Filter

Data = bytes | memoryview | Sequence[bytes | memoryview]
"""All of a file, at once or in parts: a large array is written where it lies, without a copy."""

ALPHA = ("keep", "drop", "filter")
"""What happens to transparency: carried through, left out, or filtered as one more channel."""


@dataclass(frozen=True)
class Saving:
    """How results are encoded: see `imaging.encoding.encode`.

    `format` None follows the name or the input; `options` count where the format has them; `floats` keeps the numbers
    as they are. What is written `in_place` must be of the input's kind. `encode` takes its place.
    """

    format: str | None = None
    options: Mapping[str, str] = field(default_factory=dict)
    strip: str | None = None
    floats: bool = False
    in_place: bool = False
    encode: Callable[..., bytes | memoryview] | None = None


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
    """

    data: Data
    size: tuple[int, int] | None = None
    notes: tuple[str, ...] = ()
    clipped: float | None = None
    frames: int = 1


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
    """A picture, and the fraction of its values that were clamped, where it was counted.

    Whether a range other than `clip` has `spanned` it: see `encoded_picture`.
    """

    picture: Picture
    clipped: float | None = None
    spanned: bool = False

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
        format = asked or (NPY if saving.floats else output_format(self.picture.format, self.picture))
        return Rendered(format, None, self._files(format, saving))

    def _files(self, format: str, saving: Saving) -> Iterator[Encoded]:
        yield encoded_picture(self.picture, format, saving, self.clipped, spanned=self.spanned)


def encoded_picture(
    picture: Picture, format: str, saving: Saving, clipped: float | None = None, *, spanned: bool = False
) -> Encoded:
    """Return a picture as a file; its notes stay with whoever made it, and those of the file come with it.

    One of floats that is `spanned` by a range, 1 being white, becomes one of 8 bits where the format needs them.
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
    height, width = picture.pixels.shape[:2]
    options, more = stored.fitting(picture, format, saving.options)
    data = (saving.encode or encode)(picture, format, options=options, strip=saving.strip, notes=notes)
    return Encoded(data, (width, height), (*more, *notes), clipped)


def _check_kind(picture: Picture) -> None:
    """Refuse to replace a file by one of another kind."""
    kind = picture.stored.kind
    if not kind and picture.stored.colours == BLACK_AND_WHITE and not stored.is_two_toned(picture):
        kind = "black and white"
    if kind:
        msg = f"in place, {kind} would become {described(picture)}; write it elsewhere"
        raise PictureError(msg)


def filter_picture(
    picture: Picture,
    kernel_filter: Filter,
    *,
    alpha: str = "keep",
    threads: int | None = None,
    count_clipped: bool = False,
    max_pixels: int = DEFAULT_MAX_PIXELS,
    floats: bool = False,
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
    floats : bool
        Whether the result is one of floats, in the scale of the picture and neither rounded nor clamped.

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
    if floats:
        picture = as_floats(picture)
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
    spanned = kernel_filter.range != "clip"
    return PictureResult(replace(picture, pixels=pixels, alpha=transparency), filtered.clipped, spanned)


def show_filtered(picture: Picture, showing: Showing, *, advise: bool = False, **how: Any) -> PictureResult:
    """Filter a picture as `filter_picture` does (`how`), and show the result; `advise` where nothing is seen in it."""
    result = filter_picture(picture, **how)
    if advise and (note := _unseen(result.picture.pixels, picture)):
        result = result._replace(picture=replace(result.picture, notes=(*result.picture.notes, note)))
    return result._replace(picture=showing.picture(result.picture, picture)) if showing.given else result


def _unseen(pixels: npt.NDArray[Any], source: Picture) -> str | None:
    """Return what is said of a result in which nothing is seen, unless there was no more in its source."""
    shade = mapping.shade(pixels)
    if shade is None or shade == source.shade or _is_flat(source.pixels):
        return None
    remedy = {
        "black": "--range normalize, abs or center shows small and negative values",
        "white": "--scale sum divides by the kernel's sum, and --range normalize shows what is cut off",
    }
    return f"the result is nearly {shade}; {remedy[shade]}"


def _is_flat(pixels: npt.NDArray[Any]) -> bool:
    """Tell whether all pixels are of one colour: the first row, then all rows like it, which is compared quickly."""
    return bool((pixels[0] == pixels[0, 0]).all() and (pixels == pixels[:1]).all())


def as_floats(picture: Picture) -> Picture:
    """Return a picture whose pixels are the same numbers as floats, and its alpha from 0 to 1."""
    alpha = picture.alpha
    if alpha is not None:
        alpha = (alpha / np.float32(mapping.FULL_SCALE[alpha.dtype.name])).astype(np.float32)
    return replace(picture, pixels=memory.contiguous(picture.pixels).astype(np.float32), alpha=alpha)
