"""The public `Picture`, for programs and notebooks: read, written and shown by the rooms below that do it."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from os import PathLike
from typing import Any

import numpy as np
import numpy.typing as npt

from cnnfilter.addresses.schemes import DEFAULT_MAX_BYTES
from cnnfilter.engine.arrays import as_samples
from cnnfilter.errors import ArgumentError, CnnfilterWarning, PictureError
from cnnfilter.imaging import mapping, picture, reading, stored
from cnnfilter.imaging.encoding import encode
from cnnfilter.imaging.formats import DEFAULT_MAX_PIXELS, format_for_path, format_named, holds
from cnnfilter.imaging.metadata import STRIP
from cnnfilter.imaging.options import read_options
from cnnfilter.imaging.sheet import contact_sheet
from cnnfilter.messages import alternatives, quoted, readable
from cnnfilter.sizes import LARGEST
from cnnfilter.text.values import file_path, switch, whole_number
from cnnfilter.writing.write import Writing, write_atomically

MOST_PIXELS = 1 << 40
"""The largest `max_pixels`: more than any memory holds."""


@dataclass(frozen=True, eq=False, repr=False)
class Picture(picture.Picture):
    """A picture: its pixels, their transparency, and what its file held beside them.

    `read` makes one from a file, and `apply` one from another; `conv2d`, the pools and a `Pipeline` take it for its
    pixels. A notebook shows it.

    Parameters
    ----------
    pixels : ndarray, (H, W) or (H, W, C), of uint8, uint16 or float32
        Upright, and without alpha.
    alpha : ndarray, (H, W), of the same type, optional
        0 is transparent, full scale (255, 65535, 1 of floats) opaque.
    metadata, format, notes, frames, stored
        What `read` found in the file: EXIF and the like, the format's name, what a person should know, how many
        pictures it holds, and how it stores them. `write` keeps of it what the new file has room for.

    Raises
    ------
    ArgumentError
        If `pixels` or `alpha` is of another type or shape.

    Examples
    --------
    >>> Picture(np.zeros((2, 3), dtype=np.uint8))
    Picture of 2x3 uint8
    """

    def __post_init__(self) -> None:
        kinds = tuple(mapping.FULL_SCALE)
        if not _is_array(self.pixels, (2, 3), kinds):
            msg = f"pixels must be an array (H, W) or (H, W, C) of {alternatives(kinds)}, not {_told(self.pixels)}"
            raise ArgumentError(msg)
        size, kind = self.pixels.shape[:2], self.pixels.dtype.name
        if self.alpha is not None and not (_is_array(self.alpha, (2,), (kind,)) and self.alpha.shape == size):
            msg = f"alpha must be an array of {size} of {kind}, as the pixels are, not {_told(self.alpha)}"
            raise ArgumentError(msg)

    def __repr__(self) -> str:
        shape = "x".join(map(str, self.pixels.shape))
        return f"Picture of {shape} {self.pixels.dtype.name}" + " with alpha" * (self.alpha is not None)

    def __array__(self, dtype: npt.DTypeLike | None = None, copy: bool | None = None) -> npt.NDArray[Any]:
        if self.alpha is not None:
            warnings.warn("the picture's transparency is left out", CnnfilterWarning, stacklevel=2)
        return np.array(self.pixels, dtype, copy=copy)

    def write(
        self,
        path: str | PathLike[str],
        *,
        overwrite: bool = False,
        format: str | None = None,
        options: Mapping[str, Any] | None = None,
        strip: str | None = None,
    ) -> None:
        """Write the picture as a file: whole, or not at all.

        Parameters
        ----------
        path : str or path
            Its extension names the format. It may be an address, such as `"s3://photos/edges.png"`.
        overwrite : bool
            Whether a file that exists is replaced.
        format : str, optional
            Another format than that of the extension: `"png"`, `"jpeg"`, `"tiff"`, `"webp"`, `"npy"`, ...
        options : mapping, optional
            Of the format's encoder: `{"quality": 95}`, `{"compression": "lzw"}`.
        strip : {"all", "privacy"}, optional
            What to leave out of what the file held beside its pixels: everything, or all but colour profile and
            resolution.

        Raises
        ------
        ArgumentError
            If an argument is outside its limits, or no format has this extension.
        PictureError
            If the format cannot hold the picture; the message names those that can.
        ExistsError
            If the file exists, and `overwrite` is not set.
        OutputError
            If it cannot be written; an old file is left as it was. `DiskFullError` if there is no room for it.

        Warns
        -----
        CnnfilterWarning
            Of what the format does not keep of the picture, and of options that do not count for it.

        Examples
        --------
        >>> read("samples/camera.png").write("camera.jpg", options={"quality": 95})
        """
        target, replaces = file_path(path), switch(overwrite, "overwrite")
        if format is not None and not isinstance(format, str):
            msg = f"format must be a name such as 'png', not {quoted(format)}"
            raise ArgumentError(msg)
        named = format_for_path(target) if format is None else format_named(format)
        if named is None:
            msg = f"path must end as a picture's does, in .png or .jpg, not {quoted(target.name)}; or give format"
            raise ArgumentError(msg)
        if not (strip is None or (isinstance(strip, str) and strip in STRIP)):
            msg = f"strip must be {alternatives(STRIP)}, not {quoted(strip)}"
            raise ArgumentError(msg)
        if not isinstance(options, Mapping | None):
            msg = f"options must be a mapping of names to values, not {quoted(options)}"
            raise ArgumentError(msg)
        given = {str(key): str(value) for key, value in (options or {}).items()}
        read_options(named, given)  # the next leaves out what is none of the format's
        counting, told = stored.fitting(self, named, given)
        notes: list[str] = []
        data = encode(self, named, options=counting, strip=strip, notes=notes)
        notes += write_atomically(target, data, Writing(overwrite=replaces))
        for note in (*told, *notes):
            warnings.warn(f"{readable(target)}: {note}", CnnfilterWarning, stacklevel=2)

    def _repr_png_(self) -> bytes | None:
        """Bytes of the picture as a PNG of 8 bits, for a notebook; None where its channels are no colours."""
        shown = Picture(_of_8_bits(self.pixels), None if self.alpha is None else _of_8_bits(self.alpha))
        return bytes(encode(shown, "PNG")) if holds("PNG", shown) else None


def _is_array(value: object, axes: Sequence[int], kinds: Sequence[str]) -> bool:
    return isinstance(value, np.ndarray) and value.ndim in axes and value.size > 0 and value.dtype.name in kinds


def _told(value: object) -> str:
    return f"{value.dtype.name} of shape {value.shape}" if isinstance(value, np.ndarray) else quoted(value)


def _of_8_bits(samples: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Samples of a picture with 255 as white, for the eye: what is no number is black."""
    if samples.dtype == np.uint8:
        return samples
    scale = mapping.Mapping(mapping.FULL_SCALE["uint8"] / mapping.FULL_SCALE[samples.dtype.name])
    return mapping.quantise(np.nan_to_num(samples.astype(np.float32)), np.uint8, scale)


def _public(made: picture.Picture) -> Picture:
    return Picture(**{field.name: getattr(made, field.name) for field in fields(made)})


def read(
    path: str | PathLike[str],
    *,
    frame: int | None = None,
    depth: int | None = None,
    max_pixels: int = DEFAULT_MAX_PIXELS,
    max_bytes: int = DEFAULT_MAX_BYTES,
) -> Picture:
    """Read a picture from a file.

    Parameters
    ----------
    path : str or path
        A PNG, JPEG, TIFF, WebP, BMP, GIF, PPM, PGM, ICO, TGA, AVIF or JPEG 2000 file, an `.npy` array, or a `.csv`
        table of numbers; or the address of one, such as `"https://example.org/a.png"`. Nothing in it is executed.
    frame : int, optional
        Which frame of an animation or page of a TIFF, counted from 0. By default the first, with a warning.
    depth : int, optional
        8 accepts that 16-bit colour is reduced to 8 bits, and reduces 16-bit grey as well.
    max_pixels : int
        The largest width times height that is decoded.
    max_bytes : int
        The most that is fetched of a file at an address.

    Returns
    -------
    Picture
        `pixels` are (H, W) or (H, W, C) of uint8, uint16 (grey) or float32, upright; `alpha` is (H, W) or None. CMYK,
        LAB and YCbCr become RGB.

    Raises
    ------
    ArgumentError
        If an argument is outside its limits.
    PictureError
        If the file cannot be read or decoded, or is refused; one line that names it.

    Warns
    -----
    CnnfilterWarning
        Of what a person should know: that there are more frames, or what of the file is left out.

    Examples
    --------
    >>> read("samples/camera.png").pixels.shape
    (512, 512)
    """
    source = file_path(path)
    if frame is not None:
        frame = whole_number(frame, "frame", 0, LARGEST)
    if depth is not None:
        depth = whole_number(depth, "depth", 8, 8)
    max_pixels = whole_number(max_pixels, "max_pixels", 1, MOST_PIXELS)
    max_bytes = whole_number(max_bytes, "max_bytes", 1)
    try:
        found = reading.read(source, frame=frame, depth=depth, max_pixels=max_pixels, download=max_bytes)
    except PictureError as error:
        msg = f"{readable(source)}: {error}"
        raise PictureError(msg) from error
    for note in found.notes:
        warnings.warn(f"{readable(source)}: {note}", CnnfilterWarning, stacklevel=2)
    return _public(found)


def sheet(
    maps: Any,
    *,
    titles: Sequence[str] | None = None,
    scaling: str = "map",
    colormap: str = "auto",
    topk: int | None = None,
    columns: int | None = None,
    cell: int | None = None,
    labels: bool = True,
    numbers: bool = False,
) -> Picture:
    """Contact sheet of feature maps, which a notebook shows.

    Parameters
    ----------
    maps : array_like, (C, H, W) or (H, W)
        Such as `conv2d` or a `Pipeline` gives them.
    titles : sequence of str, optional
        A name for each of the C maps, written after its index; a long one is cut.
    scaling : {"map", "global"}
        Whether the colours span each map's own values, so that weak maps can be seen too, or those of all maps shown,
        so that maps can be compared.
    colormap : str
        `"viridis"`, `"magma"`, `"inferno"`, `"gray"` or `"blue-white-red"`; `"auto"` is the last, with 0 in its middle,
        if any map shown has a negative value, else the first.
    topk : int, optional
        Show only so many maps, those with the largest mean absolute value, the strongest first.
    columns : int, optional
        How many maps stand side by side; by default as many as make the sheet nearly square.
    cell : int, optional
        The most pixels of a map's longer side; it is enlarged or reduced by a whole factor. By default small maps are
        enlarged, and others keep their size.
    labels : bool
        Whether to write each map's index and extremes below it, and a legend.
    numbers : bool
        Whether each value is written into its place, which must be enlarged enough.

    Returns
    -------
    Picture
        `pixels` are (H', W', 3) of uint8, 8192 a side at most. Its `notes` name dead maps, and maps with values that
        are not finite.

    Raises
    ------
    ShapeError
        If `maps` have another shape, or are too many for one sheet, or the numbers do not fit.
    ArgumentError
        If another argument is outside its limits.

    Examples
    --------
    >>> sheet(np.zeros((2, 28, 28), dtype=np.float32), labels=False).pixels.shape
    (138, 264, 3)
    """
    is_sequence = isinstance(titles, Sequence) and not isinstance(titles, str)
    if titles is not None and not (is_sequence and all(isinstance(title, str) for title in titles)):
        msg = f"titles must be a sequence of texts, not {quoted(titles)}"
        raise ArgumentError(msg)
    for name, word in (("scaling", scaling), ("colormap", colormap)):
        if not isinstance(word, str):
            msg = f"{name} must be a name, not {quoted(word)}"
            raise ArgumentError(msg)
    for name, value in (("topk", topk), ("columns", columns), ("cell", cell)):
        if value is not None:
            whole_number(value, name, 1, LARGEST)
    made = contact_sheet(
        as_samples(maps, "maps"), titles=titles, scaling=scaling, colormap=colormap, topk=topk, columns=columns,
        cell=cell, labels=switch(labels, "labels"), numbers=switch(numbers, "numbers"),
    )  # fmt: skip
    return _public(made)
