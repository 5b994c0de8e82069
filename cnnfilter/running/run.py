"""One picture under a filter: which part of the filter reads which channels, and any band of the result."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from cnnfilter.engine.bands import in_bands, whole_bands
from cnnfilter.engine.codes import AS_IS
from cnnfilter.engine.geometry import OUTSIDE, Array, Rows, Windows
from cnnfilter.engine.methods import Method, choose
from cnnfilter.imaging.mapping import FULL_SCALE
from cnnfilter.runtime.forks import lazy
from cnnfilter.sizes import Border

BAND_SAMPLES = 1 << 21
"""Samples of the result that one call of the loops computes. Nothing waits in a cache between steps here, so bands
need only be small enough to be weighted, and large enough for what a call costs (30 microseconds) not to count."""

FLOAT_SAMPLES = 1 << 18
"""The same where a band passes through several arrays of floats, 24 bytes a sample on each thread. A quarter of it
took 1.4 times as long, and four times as much gained 4%."""


class Part(NamedTuple):
    """Filters, combined into one map, and the source that they read, (planes, H, W * spacing)."""

    filters: Array
    combine: str | None
    source: Array
    spacing: int
    bias: float


class Setup:
    """How a filter runs over all pictures of one size and type."""

    def __init__(self, windows: Windows, dtype: np.dtype[Any], parts: list[Part]) -> None:
        self.windows = windows
        # Beyond a border of one colour, everything is opaque.
        beyond = Border("constant", 1.0) if windows.border.mode == "constant" else windows.border
        self.cover_windows = replace(windows, border=beyond)
        self.filters = [part.filters for part in parts]
        self.methods = [choose(part.filters, windows, dtype, part.combine) for part in parts]

    @lazy
    def blending(self) -> list[list[list[tuple[Method, Method]]]]:
        """How each weight matrix of each filter of each part runs over colours times alpha, and over alpha."""
        return [[[self._both(one[None, None]) for one in planes] for planes in filters] for filters in self.filters]

    def _both(self, weights: Array) -> tuple[Method, Method]:
        kind = np.dtype(np.float32)
        return choose(weights, self.windows, kind), choose(weights, self.cover_windows, kind)


class Run:
    """A filter over one picture: which part of it reads which channels, and any band of the result."""

    def __init__(self, parts: list[Part], setup: Setup, alpha: Array | None, *, is_same_lower: bool) -> None:
        self.parts = parts
        self.channels = sum(part.spacing for part in parts)
        self.setup, self.windows, self.methods = setup, setup.windows, setup.methods
        self.alpha = alpha
        self.is_same_lower = is_same_lower

    def in_bands(self, work: Callable[[int, int], None], threads: int | None, *, through_floats: bool) -> None:
        """Call `work(first, last)` for bands of rows; see `engine.bands.in_bands`."""
        samples = FLOAT_SAMPLES if through_floats else BAND_SAMPLES
        rows, columns = self.windows.out
        multiple = max(method.band_rows for method in self.methods)
        # Alone in a band, a row of tiles leaves two threads less to wait for each other.
        is_tiled = any(method.is_tiled for method in self.methods)
        height = 1 if is_tiled else max(1, samples // (columns * self.channels))
        in_bands(rows, whole_bands(height, multiple), threads, work)

    def store(self, out: Array, first: int, after: int = AS_IS) -> None:
        """Compute rows `first` onwards into `out`, (R, W', C') of any type of picture."""
        for c, part in enumerate(self.parts):
            rows = out if len(self.parts) == 1 else np.empty(out.shape[:2], dtype=out.dtype)
            source = Rows(part.source, part.spacing)
            self.methods[c].run(source, first, rows.reshape(len(out), -1), bias=part.bias, after=after)
            if len(self.parts) > 1:
                out[..., c] = rows

    def values(self, first: int, last: int) -> Array:
        """Rows `first` to `last - 1` before any range, (R, W', C') float32."""
        out = np.empty((last - first, self.windows.out[1], self.channels), dtype=np.float32)
        if self.alpha is None:
            self.store(out, first)
        else:
            for c, part in enumerate(self.parts):
                out[..., c : c + part.spacing] = self._blended(c, self.alpha, first, last)
        return out

    def _blended(self, c: int, alpha: Array, first: int, last: int) -> Array:
        """`K*(a c) + c (sum(K) - K*a)` for part `c`, combined, (R, W', spacing) float32."""
        part = self.parts[c]
        begin, end = self.windows.needed(first, last)
        opacity = alpha[begin:end] / np.float32(FULL_SCALE[alpha.dtype.name])
        width = self.windows.size[1]
        sums = []
        for planes, methods in zip(part.filters, self.setup.blending[c], strict=True):
            total = np.zeros((last - first, self.windows.out[1], part.spacing), dtype=np.float32)
            for weights, plane, (over_colours, over_cover) in zip(planes, part.source, methods, strict=True):
                colours = plane.reshape(-1, width, part.spacing)
                weighted = np.multiply(colours[begin:end], opacity[..., None], dtype=np.float32)
                filtered = np.empty_like(total)
                cover = np.empty_like(total[..., :1])
                for method, spacing, source, result in (
                    (over_colours, part.spacing, weighted, filtered),
                    (over_cover, 1, opacity, cover),
                ):
                    rows = Rows(source.reshape(1, end - begin, width * spacing), spacing, begin)
                    method.run(rows, first, result.reshape(last - first, -1))
                missing = np.float32(weights.sum(dtype=np.float64)) - cover
                total += filtered + self.at_anchor(colours, first, last) * missing
            sums.append(total)
        if part.combine == "magnitude":
            result = np.sqrt(sum(np.square(one) for one in sums))
        else:
            result = np.maximum.reduce(sums)
        return result + np.float32(part.bias)

    def at_anchor(self, source: Array, first: int, last: int) -> Array:
        """The samples where the windows of rows `first` to `last - 1` are anchored: in their middle."""
        windows = self.windows
        places = []
        for axis, index, bounds in (
            (0, windows.rows, (first, last)),
            (1, windows.columns, (0, windows.out[1])),
        ):
            # Of two middles that with which the window covers as much before as `same` pads there.
            span = windows.span[axis] if self.is_same_lower else windows.span[axis] - 1
            padded = np.arange(*bounds) * windows.stride[axis] + span // 2
            inside = np.clip(padded - windows.pads[axis][0], 0, windows.size[axis] - 1)
            places.append(np.where(index[padded] == OUTSIDE, inside, index[padded]))
        return source[np.ix_(*places)]

    def extremes(self, threads: int | None) -> tuple[float, float]:
        """The smallest and the largest value before any range."""
        found: list[tuple[float, float]] = []

        def work(first: int, last: int) -> None:
            values = self.values(first, last)
            found.append((float(values.min()), float(values.max())))

        self.in_bands(work, threads, through_floats=True)
        return float(np.min(found)), float(np.max(found))
