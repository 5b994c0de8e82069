"""Numbers as they are: feature maps and vectors as `.npy`, `.npz`, `.csv`, or the pages of a float TIFF."""

from __future__ import annotations

from collections.abc import Mapping

import cnnfilter.npy as npy
from cnnfilter.imaging import table
from cnnfilter.imaging.arrays import Float32Array
from cnnfilter.imaging.encoding import encode_frames
from cnnfilter.imaging.formats import NPY, NPZ, TABLE
from cnnfilter.imaging.picture import Picture

RAW = (NPY, NPZ, TABLE, "TIFF")
"""The formats that hold floats of any value."""

Parts = list[bytes | memoryview]


def encode_values(
    values: Float32Array, format: str, *, name: str, options: Mapping[str, str] | None = None
) -> bytes | memoryview | Parts:
    """Maps or a vector as a file.

    Parameters
    ----------
    values : ndarray of float32
        C-contiguous. A TIFF takes maps only, and holds a page for each.
    format : str
        One of `RAW`.
    name : str
        The array's name in an `.npz`.
    options : mapping of str to str, optional
        Save options of a TIFF, as for `encoding.encode`.

    Returns
    -------
    bytes, or memoryview of bytes, or list of these
        All of the file; of an `.npy` and an `.npz`, the numbers are those of `values`, not copied.

    Raises
    ------
    ArgumentError
        If a save option is unknown, or its value not one that it takes.
    PictureError
        If encoding fails.

    Examples
    --------
    >>> header, numbers = encode_values(np.zeros(3, np.float32), "NPY", name="vector")
    >>> len(numbers)
    12
    """
    if format == "TIFF":
        pages = (Picture(plane, format=format) for plane in values.reshape(-1, *values.shape[-2:]))
        return encode_frames(pages, format, options=options, notes=[])
    if format == TABLE:
        return table.written(values)
    return npy.parts(values) if format == NPY else npy.archive({name: values})
