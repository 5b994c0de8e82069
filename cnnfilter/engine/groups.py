"""What the loops take: values that travel together, each group under one name."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

# What numpy.typing calls NDArray, without loading that.
Array = np.ndarray[tuple[Any, ...], np.dtype[Any]]
Index = np.ndarray[tuple[Any, ...], np.dtype[np.int64]]


class Span(NamedTuple):
    """The samples of a row that are computed: `size` of them from `begin` on."""

    begin: int
    size: int


class Finish(NamedTuple):
    """What is stored of a sum: `sum * gain + bias`, or what the code `after` makes of that."""

    gain: float
    bias: float
    after: int


class Source(NamedTuple):
    """Flat samples, and where the windows lie in them.

    Attributes
    ----------
    samples : ndarray, (n,)
    origin : int
        Where the first window begins.
    stride : int
        Samples from the windows of one row of results to those of the next.
    """

    samples: Array
    origin: int
    stride: int


class Planes(NamedTuple):
    """Rows of results of several planes.

    Attributes
    ----------
    samples : ndarray, (n,) float32
        All of them, flat.
    pitch : int
        Samples from one plane to the next.
    width, rows : int
        Samples in a row, and rows of each plane; these lie one after the other.
    """

    samples: Array
    pitch: int
    width: int
    rows: int


class Maps(NamedTuple):
    """Maps of so many channels, rows and columns, flat."""

    samples: Array
    channels: int
    height: int
    width: int


class Taps(NamedTuple):
    """Places of samples, (K,) int64, from where a window begins, and their weights, (K,)."""

    offsets: Index
    weights: Array


class Filters(NamedTuple):
    """The taps of a few filters, which are combined into one map.

    Attributes
    ----------
    offsets : ndarray, (K,) int64
        From where a window begins.
    weights : ndarray, (K,)
        Of the type in which the products of a group of taps are added up: that of the sums, or int16.
    starts : ndarray, (F + 1,) int64
        Where each filter's taps begin.
    bases : ndarray, (F,)
        What each filter's sum begins with; of the type of the sums.
    """

    offsets: Index
    weights: Array
    starts: Index
    bases: Array


class SharedTaps(NamedTuple):
    """The taps of a few rows of results at once.

    Attributes
    ----------
    offsets : ndarray, (K,) int64
        From where the first row's window begins.
    weights : ndarray, (K * TOGETHER,)
        With which the sample there counts for each row.
    starts : ndarray, (groups * len(ROW_SPANS) + 1,) int64
        Where the taps of each span of rows begin, in each group.
    base : float
        What each sum begins with.
    rows : int
        How many rows there are: at most `TOGETHER`.
    """

    offsets: Index
    weights: Array
    starts: Index
    base: float
    rows: int


class Bank(NamedTuple):
    """Filters that see the same samples. Stored is `sum * gain + bias`, or what comes after.

    Attributes
    ----------
    offsets : ndarray, (K,) int64
        Of the taps, from where a window begins.
    weights : ndarray, (G, K, FILTERS) float32
        Groups of filters, the last filled up with zeros.
    gain : float
    biases : ndarray, (G * FILTERS,) float32
    used : int
        Filters, without those that fill up.
    after : int
        What becomes of these; see `codes.BOUNDS`.
    """

    offsets: Index
    weights: Array
    gain: float
    biases: Array
    used: int
    after: int


class Tiling(NamedTuple):
    """How results lie in tiles of two rows and two columns.

    Attributes
    ----------
    rows : int
        Rows of tiles whose samples are copied at a time.
    length, columns : int
        Half of the padded columns, and tiles side by side, which are fewer.
    """

    rows: int
    length: int
    columns: int


class TilingScratch(NamedTuple):
    """Where tiles are kept until they are results.

    Attributes
    ----------
    copied : ndarray, (channels * 4 * (tiling.rows + 1) * tiling.length + 4 * `NARROW`,) float32
        For samples with their padding.
    seen : ndarray, (16 * (channels * `TILES` + `NARROW`),) float32
        For transformed samples.
    products : ndarray, (16 * (filters * `TILES` + `NARROW`),) float32
        For the sums of their products; with the filters that fill up a group.
    lines : ndarray, (4 * `TILES`,) float32
        For two rows of results.
    """

    copied: Array
    seen: Array
    products: Array
    lines: Array


class ApartBank(NamedTuple):
    """Filters that each see a single map, equally many for each. Stored is `sum * gain + bias`, or what comes after.

    Attributes
    ----------
    offsets : ndarray, (K,) int64
        Of the taps, from where a window begins.
    weights : ndarray, (O, K) float32
        The filters of the first map first.
    gains, biases : ndarray, (O,) float32
    """

    offsets: Index
    weights: Array
    gains: Array
    biases: Array


class Slide(NamedTuple):
    """How windows slide.

    Attributes
    ----------
    top, left : int
        Rows and columns of padding before the first sample.
    down, along : int
        The stride.
    """

    top: int
    left: int
    down: int
    along: int


class ApartScratch(NamedTuple):
    """Where a map is kept, flat, with room for `ROW` samples beyond: its copy, and the results of a filter."""

    copied: Array
    lines: Array


class LinePadding(NamedTuple):
    """The padding of a line, which is a padded row.

    Attributes
    ----------
    begin, size : int
        Where the source's samples begin in it, and how many there are.
    places, sources : ndarray, (P,) int64
        Its samples that are padding, and the one that each repeats, or -1 for the border's constant.
    outside : float or int
        What stands for the constant.
    """

    begin: int
    size: int
    places: Index
    sources: Index
    outside: float


class MapPadding(NamedTuple):
    """The padding of maps.

    Attributes
    ----------
    rows, columns : ndarray, (R,) and (L,) int64
        Source row and column of each padded one, -1 for the border's constant. Columns may be sorted by the remainder
        of a stride, all remainders equally long.
    firsts, lasts : ndarray, (stride,) int64
        Among the columns of each remainder, those between which at least two of the source's lie equally far apart.
    outside : float
        The border's constant.
    """

    rows: Index
    columns: Index
    firsts: Index
    lasts: Index
    outside: float


class Pool(NamedTuple):
    """Window, stride and dilation of a pool, each (2,) int64."""

    window: Index
    stride: Index
    dilation: Index


class PoolPadding(NamedTuple):
    """The padding of maps that are pooled.

    Attributes
    ----------
    rows, columns : ndarray, (padded,) int64
        Source row and column of each padded one, -1 for padding, which no pool sees.
    first, last : int
        First output column, and one past the last, whose windows lie within the source's columns.
    left : int
        Columns of padding on the left.
    """

    rows: Index
    columns: Index
    first: int
    last: int
    left: int


class PoolCounts(NamedTuple):
    """How many samples windows count: the product of that of their row, (H',) int64, and of their column, (W',)."""

    rows: Index
    columns: Index


class PoolScratch(NamedTuple):
    """Where results are kept until they are pooled.

    Attributes
    ----------
    columns : int
        Columns of the pool's results that are computed at a time; they see at least `ROW` samples.
    lines : ndarray, (rows of a window * samples that so many see,) float32
        For these samples.
    line : ndarray, (samples that so many see + `BESIDE`,) float32
        For the largest of each column.
    rows : ndarray, (rows of a window,) int64
        The numbers of those rows.
    """

    columns: int
    lines: Array
    line: Array
    rows: Index


class RunningSums(NamedTuple):
    """Sums of neighbouring samples, and which of them make up a window.

    Attributes
    ----------
    lines : ndarray, (P * pitch,) int16 or int32
        Scratch that begins as zeros: a padded row, summed down its window, and the sums of 2 ** p neighbours in it.
    pitch : int
        Samples from line to line, with room for `NARROW` beyond each.
    spacing : int
        Samples between neighbouring columns of one channel.
    offsets, weights : ndarray, (Q,) int64 and of the type of `lines`
        Places in `lines` whose samples add up to the first window of a row, and ones.
    """

    lines: Array
    pitch: int
    spacing: int
    offsets: Index
    weights: Array


class Complex(NamedTuple):
    """Rows of complex numbers within flat samples: where their two parts begin, and samples from row to row."""

    re: int
    im: int
    length: int


class Spectrum(NamedTuple):
    """A kernel's spectra down its columns, and what turns samples into spectra and back.

    Attributes
    ----------
    offsets : ndarray, (K,) int64
        Of the taps, in samples along a row.
    re, im : ndarray, (side, K)
        Their weights in each row of spectra, of the type of the tiles.
    cosines, sines : ndarray, (side,)
        Of `2 * pi * t / side`; `side` is a power of 4, at least 16.
    """

    offsets: Index
    re: Array
    im: Array
    cosines: Array
    sines: Array


class TilePadding(NamedTuple):
    """The padding of a source that is cut into tiles.

    Attributes
    ----------
    rows, gains, bases : ndarray, (padded rows,) int64, float32, float32
        The source row of each padded one, as many as the last tile holds; what its samples are multiplied by, and
        what is added: a row of padding is 0 times any other, and the border's constant.
    columns : ndarray, (padded samples,) int64
        The sample of a row behind each padded one, or -1 for the border's constant, as many as the last tile holds.
    width, begin : int
        Samples in a row of the source, and where in a padded row they begin.
    outside : float
        The border's constant.
    """

    rows: Index
    gains: Array
    bases: Array
    columns: Index
    width: int
    begin: int
    outside: float


class Tiles(NamedTuple):
    """Two tiles side by side, which are the real and the imaginary part of what is transformed.

    Attributes
    ----------
    samples : ndarray, (2 * side * (length + 2 * NARROW) + 6 * APART,) float32 or float64
        Scratch: both, and room for a few of their columns.
    length, side : int
        Samples of a row, and rows.
    size, rows : int
        Samples of a row that become results, a multiple of `MIDDLE`, and rows that do.
    stride : int
        Rows between those where the windows of neighbouring results begin.
    rounder : float
        What is added to sums and taken off again: 0, or a number beside which only whole ones have room.
    """

    samples: Array
    length: int
    side: int
    size: int
    rows: int
    stride: int
    rounder: float
