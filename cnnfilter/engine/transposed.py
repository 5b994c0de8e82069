"""Transposed convolutions, as a convolution for each remainder that places leave of the stride.

The places of one remainder see samples that lie side by side, under every stride-th tap of the kernel, turned around:
that is a convolution of stride 1 over the maps as they are, whose results are strewn over the places.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from cnnfilter.engine.codes import AS_IS, BOUNDS
from cnnfilter.engine.geometry import Array, Rows, Windows
from cnnfilter.engine.steps import Convolution, Step
from cnnfilter.network.stages.placing import Phase, Placing, phases
from cnnfilter.sizes import Border, Pair


class _Places(NamedTuple):
    """The places of one phase along an axis, and the windows that make them.

    Attributes
    ----------
    begin, total : int
        The first place, and how many there are.
    skipped : int
        Windows before that of the first place, which lie in the maps and make no place.
    taps : list of int
        Of the kernel, in the order in which they meet samples.
    step : int
        Samples between these.
    pads : (int, int)
    """

    begin: int
    total: int
    skipped: int
    taps: list[int]
    step: int
    pads: Pair

    @classmethod
    def of(cls, phase: Phase, n: int, out: int, stride: int, before: int) -> _Places | None:
        """Those among `out` places over `n` samples, `before` being cut off; None if there are none."""
        begin = (phase.remainder - before) % stride
        total = -(-(out - begin) // stride)
        if total < 1:
            return None
        first = phase.seen((begin + before) // stride)  # under the first window
        skipped = max(first.start, 0)
        beyond = first.start + total - 1 + (len(phase.taps) - 1) * phase.step - (n - 1)
        return cls(begin, total, skipped, [*reversed(phase.taps)], phase.step, (max(-first.start, 0), max(beyond, 0)))


class TransposedConvolution(Step):
    """A bank of kernels that are added up where each sample lies in the result.

    Parameters
    ----------
    weight : ndarray, (I, O/groups, kh, kw) float32
    biases : ndarray, (O,)
    size : (int, int)
        Of the maps.
    placing : Placing
    out : (int, int)
    groups : int
    after : int
        What becomes of each value; see `codes`.
    """

    def __init__(
        self,
        weight: Array,
        biases: Array,
        size: Pair,
        placing: Placing,
        out: Pair,
        groups: int = 1,
        *,
        after: int = AS_IS,
    ) -> None:
        inputs, outputs, height, width = weight.shape
        by_group = weight.reshape(groups, inputs // groups, outputs, height, width)
        bank = by_group.transpose(0, 2, 1, 3, 4).reshape(groups * outputs, inputs // groups, height, width)
        self.stride = placing.stride
        self.shape = (len(bank), *out)
        self.work = bank.size * size[0] * size[1]
        self.overlaps = any(len(phase.taps) > 1 for phase in phases(height, placing.stride[0], placing.dilation[0]))
        down, along = (self._places(size, placing, out, axis) for axis in (0, 1))
        self.parts: list[tuple[_Places, _Places, Convolution]] = []
        for rows in down:
            for columns in along:
                taps = np.ascontiguousarray(bank[:, :, rows.taps][:, :, :, columns.taps])
                made = rows.skipped + rows.total, columns.skipped + columns.total
                window, step, pads = taps.shape[2:], (rows.step, columns.step), (rows.pads, columns.pads)
                windows = Windows(size, (window[0], window[1]), (1, 1), step, pads, made, Border())
                self.parts.append((rows, columns, Convolution(taps, biases, windows, groups, after=after)))
        made_of = sum(rows.total for rows in down) * sum(columns.total for columns in along)
        biases = biases.astype(np.float32)
        empty = np.clip(biases, *BOUNDS[after])
        self.empty = empty.reshape(-1, 1, 1) if made_of < out[0] * out[1] else None  # of places that no tap reaches

    @staticmethod
    def _places(size: Pair, placing: Placing, out: Pair, axis: int) -> list[_Places]:
        stride, before = placing.stride[axis], placing.pads[axis][0]
        every = phases(placing.window[axis], stride, placing.dilation[axis])
        found = (_Places.of(phase, size[axis], out[axis], stride, before) for phase in every)
        return [each for each in found if each is not None]

    def _windows(self, rows: _Places, first: int, last: int) -> Pair:
        """The windows, from the first to one past the last, of a phase's places among rows `first` to `last - 1`."""
        begin, end = (max(0, -(-(row - rows.begin) // self.stride[0])) for row in (first, last))
        return rows.skipped + begin, rows.skipped + min(end, rows.total)

    def needed(self, first: int, last: int) -> Pair:
        """The rows that meet a tap there; one of any, where none does."""
        windows = ((part, self._windows(rows, first, last)) for rows, _, part in self.parts)
        found = [part.needed(begin, end) for part, (begin, end) in windows if begin < end]
        return (min(begin for begin, _ in found), max(end for _, end in found)) if found else (0, 1)

    def run(self, source: Rows, first: int, out: Array) -> None:
        """Compute output rows `first` onwards, a phase after the other."""
        if self.empty is not None:
            out[...] = self.empty
        for rows, columns, part in self.parts:
            begin, end = self._windows(rows, first, first + out.shape[1])
            if begin >= end:
                continue
            made = np.empty((len(out), end - begin, part.shape[2]), dtype=np.float32)
            part.run(source, begin, made)
            top = rows.begin + (begin - rows.skipped) * self.stride[0] - first
            out[:, top :: self.stride[0], columns.begin :: self.stride[1]] = made[:, :, columns.skipped :]
