"""The samples of a TIFF's page as the file has them: any bits, signs and floats, pixel by pixel or plane by plane.

Pillow decodes samples of up to 8 bits that stand side by side well, and mistakes or refuses most others. Here it only
undoes the compression, of bytes that it is told are greys; what they mean is worked out from the page's directory.
"""

from __future__ import annotations

import importlib
import io
import itertools
import struct
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from PIL import Image

from cnnfilter.imaging import tiff
from cnnfilter.imaging.arrays import Array, Uint8Array
from cnnfilter.imaging.tiff import Directory, Layout
from cnnfilter.imaging.tiff_tags import LONG, Tags, Value, laid_out
from cnnfilter.runtime import pillow

BYTES = (1, 5, 8, 32773, 32946, 34925, 50000)
"""Compressions of bytes, whatever they mean: none, LZW, deflate (two numbers), PackBits, LZMA, Zstandard."""
PICTURES = {33003: "JPEG2000", 33005: "JPEG2000", 34712: "JPEG2000", 50001: "WEBP"}
"""Compressions whose strips and tiles are pictures of another format, by its name."""

_MODES = {1: "L", 2: "LA", 3: "RGB", 4: "RGBA"}
"""What such a picture is, by its samples."""

_BATCH = 1 << 22
"""Bytes that are decompressed at a time, if not a single strip is larger."""
_HORIZONTAL, _FLOATS = 2, 3
"""Predictors: differences of samples, and of the bytes of floats, those of one significance together."""
_REPEATS = 4
"""How often the bytes of a file may be used by strips, some of which may be equal and stored once."""


class _Grid(NamedTuple):
    """How a page is cut into strips or tiles."""

    width: int
    height: int
    across: int
    down: int
    planes: int

    @classmethod
    def of(cls, page: Directory) -> _Grid:
        columns, rows = page.size
        width, height = segment_size(page)
        return cls(width, height, -(-columns // width), -(-rows // height), page.samples if page.is_planar else 1)


def segment_size(page: Directory) -> tuple[int, int]:
    """Width and height of the tiles of a page, or of its strips; each is decoded whole.

    Raises
    ------
    ValueError
        If one is less than a pixel.
    """
    width, height = page.size
    if page.is_tiled:
        width, height = page.number(tiff.TILE_WIDTH, 0), page.number(tiff.TILE_LENGTH, 0)
    else:
        height = min(page.number(tiff.ROWS_PER_STRIP, height) or height, height)
    if min(width, height) < 1:
        msg = f"tiles of {width}x{height}"
        raise ValueError(msg)
    return width, height


def check_segments(page: Directory) -> None:
    """Make sure that the strips or tiles of a page do not share so much of the file that decoding takes for ever.

    Raises
    ------
    ValueError
        If they do.
    """
    total = sum(page.numbers(tiff.TILE_BYTE_COUNTS if page.is_tiled else tiff.STRIP_BYTE_COUNTS))
    if total > _REPEATS * page.stream.seek(0, io.SEEK_END):
        msg = "its strips take more bytes than the file has"
        raise ValueError(msg)


def read_samples(page: Directory) -> Array:
    """Decode the samples of a page.

    Parameters
    ----------
    page : Directory
        Its compression is one of `BYTES` or `PICTURES`, and its samples have the same bits and the same format.

    Returns
    -------
    ndarray
        (H, W, samples), not turned upright: unsigned, signed or float of 8 bits to 64, or of as many more than the
        file has as a type needs.

    Raises
    ------
    ValueError, OSError, struct.error
        If the file is damaged.
    """
    grid = _Grid.of(page)
    width, height = page.size
    dtype = _dtype(page)
    out = np.empty((height, width, page.samples), dtype.newbyteorder("="))
    decode = _decode_picture if page.compression in PICTURES else _decode_bytes
    for place, decoded in decode(page, grid, dtype):
        plane, cell = divmod(place, grid.across * grid.down)
        top, left = (number * size for number, size in zip(divmod(cell, grid.across), grid[1::-1], strict=True))
        samples = slice(plane, plane + 1) if grid.planes > 1 else slice(None)
        target = out[top : top + grid.height, left : left + grid.width, samples]
        target[...] = decoded[: target.shape[0], : target.shape[1]]
    return out


def _dtype(page: Directory) -> np.dtype[Any]:
    """How samples are stored, or the type that is next larger, in the file's byte order."""
    bits, kind = page.bits[0], {2: "i", 3: "f"}.get(page.sample_formats[0], "u")
    size = next(size for size in (8, 16, 32, 64) if size >= bits)
    # samples that do not begin at bytes stand with the most significant bit first
    return np.dtype(f"{page.layout.order if bits == size else '>'}{kind}{size // 8}")


def _segments(page: Directory, grid: _Grid) -> Iterator[bytes]:
    """The strips or tiles as they are in the file."""
    tags = (tiff.TILE_OFFSETS, tiff.TILE_BYTE_COUNTS) if page.is_tiled else (tiff.STRIP_OFFSETS, tiff.STRIP_BYTE_COUNTS)
    offsets, counts = (page.numbers(tag) for tag in tags)
    number = grid.across * grid.down * grid.planes
    if len(offsets) < number or len(counts) < number:
        msg = f"{len(offsets)} strips of {number}"
        raise ValueError(msg)
    for offset, count in zip(offsets[:number], counts, strict=False):
        page.stream.seek(min(int(offset), tiff.LAST))
        yield page.stream.read(int(count))


def _decode_picture(page: Directory, grid: _Grid, dtype: np.dtype[Any]) -> Iterator[tuple[int, Array]]:
    """Each tile by its place, read as the picture that it is."""
    from cnnfilter.imaging.formats import FORMATS

    form = FORMATS[PICTURES[page.compression]]
    importlib.import_module(f"PIL.{form.plugin}")
    for place, data in enumerate(_segments(page, grid)):
        image = Image.OPEN[form.pillow][0](io.BytesIO(data), "")
        if image.width > grid.width or image.height > grid.height:
            msg = f"a tile of {image.width}x{image.height}"
            raise ValueError(msg)
        samples = 1 if grid.planes > 1 else page.samples
        deep = image.mode.startswith("I")
        array = np.asarray(image if deep else image.convert(_MODES[samples])).reshape(
            image.height, image.width, samples
        )
        # where Pillow gives 8 bits of 16, it cuts off the others
        yield place, array.astype(dtype) * 257 if dtype.itemsize > array.itemsize else array


def _decode_bytes(page: Directory, grid: _Grid, dtype: np.dtype[Any]) -> Iterator[tuple[int, Array]]:
    """Each strip or tile by its place, as samples (rows, columns, samples)."""
    bits, samples = page.bits[0], 1 if grid.planes > 1 else page.samples
    row = -(-grid.width * samples * bits // 8)
    last = page.size[1] - (grid.down - 1) * grid.height  # rows of the lowest strip; tiles are always whole
    batch: list[bytes] = []
    for place, data in enumerate(_segments(page, grid), 1):
        batch.append(data)
        is_short = not page.is_tiled and place % grid.down == 0
        if is_short or place == grid.across * grid.down * grid.planes or len(batch) * grid.height * row >= _BATCH:
            rows = (len(batch) - 1) * grid.height + (last if is_short else grid.height)
            packed = _decompressed(page, batch, (rows, row), grid.height)
            array = _meant(page, packed, dtype, grid.width, samples)
            for i in range(len(batch)):
                yield place - len(batch) + i, array[i * grid.height : (i + 1) * grid.height]
            batch = []


def _decompressed(page: Directory, segments: Sequence[bytes], shape: tuple[int, int], rows: int) -> Uint8Array:
    """The bytes of strips, (rows, bytes in a row), through a TIFF in memory that says they are greys."""
    if page.compression == 1 and page.number(tiff.FILL_ORDER, 1) == 1:
        whole = b"".join(segment[: rows * shape[1]] for segment in segments)
        return np.frombuffer(whole, np.uint8, shape[0] * shape[1]).reshape(shape)
    sizes = [len(segment) for segment in segments]
    numbers = {
        tiff.IMAGE_WIDTH: [shape[1]],
        tiff.IMAGE_LENGTH: [shape[0]],
        tiff.BITS_PER_SAMPLE: [8],
        tiff.COMPRESSION: [page.compression],
        tiff.PHOTOMETRIC: [1],
        tiff.FILL_ORDER: [page.number(tiff.FILL_ORDER, 1)],
        tiff.STRIP_OFFSETS: list(itertools.accumulate(sizes[:-1], initial=8)),
        tiff.ROWS_PER_STRIP: [rows],
        tiff.STRIP_BYTE_COUNTS: sizes,
    }
    tags: Tags = {tag: Value(LONG, len(each), struct.pack(f"<{len(each)}I", *each)) for tag, each in numbers.items()}
    data = b"".join(segments)
    at = 8 + len(data) + len(data) % 2
    directory = laid_out(tags, at, Layout("<", is_big=False))
    file = b"".join([b"II*\0", struct.pack("<I", at), data, bytes(len(data) % 2), directory])
    image = Image.OPEN["TIFF"][0](io.BytesIO(file), "")
    image.load()
    return pillow.packed(image)


def _meant(page: Directory, rows: Uint8Array, dtype: np.dtype[Any], columns: int, samples: int) -> Array:
    """The samples (rows, columns, samples) in rows of bytes, which may be differences."""
    predictor, size = page.number(tiff.PREDICTOR, 1), dtype.itemsize
    if predictor == _FLOATS:  # the first bytes of all numbers in a row, then their second bytes
        planes = np.cumsum(rows.reshape(len(rows), -1, samples), axis=1, dtype=np.uint8).reshape(len(rows), size, -1)
        rows = np.ascontiguousarray(planes.transpose(0, 2, 1)).reshape(len(rows), -1)
        dtype = dtype.newbyteorder(">")
    array = _unpacked(rows, page.bits[0], dtype, columns * samples).reshape(len(rows), columns, samples)
    if predictor == _HORIZONTAL:
        whole = array.view(f"u{size}")
        array = np.cumsum(whole, axis=1, dtype=whole.dtype).view(array.dtype)
    return array


def _unpacked(rows: Uint8Array, bits: int, dtype: np.dtype[Any], number: int) -> Array:
    """The samples in rows of bytes, `number` in each, in the machine's byte order."""
    native = dtype.newbyteorder("=")
    if bits == 8 * dtype.itemsize:
        return rows.view(dtype).astype(native, copy=False)
    out = np.empty((len(rows), number), native)
    step = max(1, _BATCH // (number * bits))
    for top in range(0, len(rows), step):  # eight times as much memory, and more
        part = rows[top : top + step]
        single = np.unpackbits(part, axis=1, count=number * bits).reshape(len(part), number, bits)
        wide = np.zeros((len(part), number, 8 * dtype.itemsize), np.uint8)
        wide[..., -bits:] = single
        out[top : top + step] = np.packbits(wide, axis=-1).view(dtype)[..., 0]
    return out
