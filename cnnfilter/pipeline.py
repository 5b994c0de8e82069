"""A chain of stages over one picture: plan every size, then run the stages fused, band by band.

Stands beside `filtering`: both bring what is below them together for one picture, and know no files.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from cnnfilter.engine import activations
from cnnfilter.engine.arrays import as_maps, as_samples, full_scale
from cnnfilter.engine.bands import Chain, available_threads
from cnnfilter.engine.codes import AS_IS, RECTIFIED
from cnnfilter.engine.dense import dense
from cnnfilter.engine.geometry import Array, Windows
from cnnfilter.engine.pooled import joined
from cnnfilter.engine.scaling import scaled
from cnnfilter.engine.steps import Convolution, Depthwise, Pointwise, Pooling, Step
from cnnfilter.errors import ArgumentError, CnnfilterError
from cnnfilter.model import grammar
from cnnfilter.model.kernels import Kernel
from cnnfilter.model.plan import Row, at_scale, plan
from cnnfilter.model.shapes import Border, parse_shape
from cnnfilter.model.stages import (
    Absolute,
    Activation,
    Conv,
    Dense,
    Flatten,
    GlobalAveragePool,
    Gray,
    Magnitude,
    Normalize,
    Pool,
    Shape,
    Stage,
)
from cnnfilter.words import quoted

LUMA = (0.299, 0.587, 0.114)
"""Weights of red, green and blue in a grey value, ITU-R BT.601."""


Operation = Callable[[Array, int | None], Array]
"""From maps or a vector, and the number of threads, to the result of some stages."""

RELU = Activation("relu")
"""What convolutions do to their own values, where it follows them."""


class Pipeline:
    """A chain of stages.

    Parameters
    ----------
    stages : sequence of Stage

    Examples
    --------
    >>> edges = Pipeline.parse("conv:sobel-x,relu,maxpool:2")
    >>> edges.run(np.eye(6, dtype=np.uint8)).shape
    (1, 2, 2)
    """

    def __init__(self, stages: Sequence[Stage]) -> None:
        is_sequence = isinstance(stages, Sequence) and not isinstance(stages, str)
        if not (is_sequence and all(isinstance(stage, Stage) for stage in stages)):
            msg = f"stages must be a sequence of stages, not {quoted(stages)}; Pipeline.parse reads them from text"
            raise ArgumentError(msg)
        self.stages = tuple(stages)
        self._last: tuple[tuple[Shape, int], list[Operation]] = (((), 0), [])

    @classmethod
    def parse(cls, text: str, *, base: Path | str | None = None) -> Pipeline:
        """Read the text of a chain, or `@FILE`.

        Parameters
        ----------
        text : str
            Such as `"conv:sobel-x,relu,maxpool:2"`.
        base : Path or str, optional
            The folder that file names are relative to; by default the working one.

        Raises
        ------
        GrammarError
            If it cannot be read; the message says where.
        ArgumentError
            If it is no text.
        """
        if not isinstance(text, str):
            msg = f"text must be stages such as 'conv:sobel-x,relu', not {quoted(text)}"
            raise ArgumentError(msg)
        if not isinstance(base, str | PathLike | None):
            msg = f"base must be the path of a folder, not {quoted(base)}"
            raise ArgumentError(msg)
        return cls(grammar.parse(text, base=None if base is None else Path(base)))

    def __str__(self) -> str:
        return grammar.format(self.stages)

    def plan(self, shape: Shape) -> tuple[Row, ...]:
        """Return a row for each stage: input and output size, parameters, multiply-adds, receptive field.

        Parameters
        ----------
        shape : tuple of int
            (H, W, C), or (n,) of a vector.

        Raises
        ------
        ShapeError, ArgumentError, KernelError
            If a stage does not fit what arrives; the message begins with its number and name.
        """
        return plan(self.stages, parse_shape(shape))

    def check_runnable(self) -> None:
        """Raise an `ArgumentError` if a stage has sizes but no weights."""
        for number, stage in enumerate(self.stages, 1):
            if stage.runnable is not None:
                msg = f"stage {number} ({stage.name}): {stage.runnable}"
                raise ArgumentError(msg)

    def load_weights(self) -> None:
        """Read the weight files now, which otherwise are read when they are first needed.

        Raises
        ------
        KernelError, MissingExtraError
            If one cannot be used; the message begins with the stage's number and name.
        """
        for number, stage in enumerate(self.stages, 1):
            try:
                if isinstance(stage, Conv):
                    stage.load()
                elif isinstance(stage, Dense) and stage.file is not None:
                    _ = stage.file.dense
            except CnnfilterError as error:
                msg = f"stage {number} ({stage.name}): {error}"
                raise type(error)(msg) from None

    def run(self, maps_or_image: Any, *, threads: int | None = None) -> Array:
        """Run one picture, or maps, through the chain.

        Parameters
        ----------
        maps_or_image : array_like, (H, W), (H, W, C) of uint8 or uint16, (C, H, W) or (n,)
            Values are taken as they are: nothing is divided unless a `normalize` stage says so, by default by the
            full scale of what is given: 255 of uint8, 65535 of uint16, and 1 of all else, which is taken as float32.
        threads : int, optional
            All cores by default. The result is the same for every number.

        Returns
        -------
        ndarray of float32, maps (C, H', W'), or a vector (n,) after `flatten` and `dense`

        Raises
        ------
        ShapeError, ArgumentError, KernelError
            If a stage does not fit what arrives, or has no weights.
        """
        self.check_runnable()
        if threads is not None:
            available_threads(threads)
        given = as_samples(maps_or_image, "maps_or_image")
        if given.ndim == 1:
            result: Array = given
            shape: Shape = given.shape
        else:
            batch = as_maps(given, "maps_or_image")
            if len(batch) != 1:
                msg = f"a pipeline runs one picture at a time: maps_or_image is a batch of {len(batch)}"
                raise ArgumentError(msg)
            result = batch[0]
            shape = (*result.shape[1:], result.shape[0])
        operations = self._prepared(shape, full_scale(given))
        with np.errstate(over="ignore", invalid="ignore"):  # of vectors, as in `Pointwise`
            for operation in operations:
                result = operation(result, threads)
        return result.astype(np.float32, copy=False)

    def _prepared(self, shape: Shape, scale: int) -> list[Operation]:
        """Return what is done to an input, one after the other; for the last size and scale it is kept.

        A small network takes longer to prepare than to run.
        """
        known, operations = self._last
        if known != (shape, scale):
            operations = _operations(at_scale(self.plan(shape), scale))
            self._last = ((shape, scale), operations)
        return operations


def _operations(rows: Sequence[Row]) -> list[Operation]:
    """Join the stages between maps, as far as they follow each other."""
    operations: list[Operation] = []
    waiting: list[Step] = []
    left = list(rows)
    while left:
        row = left.pop(0)
        if isinstance(row.stage, Conv):
            rectified = bool(left) and left[0].stage == RELU
            if rectified:
                left.pop(0)
            waiting.append(_convolution(row.stage, row, RECTIFIED if rectified else AS_IS))
        elif isinstance(row.stage, GlobalAveragePool):
            operations.append(partial(Chain([*waiting, _step(row, _same)]).run, mean=True))
            waiting = []
        elif len(row.output) == 3:
            step = _maps_step(row)
            both = joined(waiting[-1], step) if waiting else None
            if both is not None:
                waiting[-1] = both
            else:
                waiting.append(step)
        else:
            if waiting:
                operations.append(Chain(waiting).run)
            operations.append(_vector(row))
            waiting = []
    if waiting:
        operations.append(Chain(waiting).run)
    return operations


def _same(values: Array) -> Array:
    return values


def _step(row: Row, function: Callable[[Array], Array]) -> Pointwise:
    """Return a step whose function keeps height and width, and gives the channels of the row's input."""
    height, width, channels = row.input
    return Pointwise(function, (channels, height, width))


def _maps_step(row: Row) -> Step:
    """Return the engine's step for a stage between maps, other than a convolution."""
    stage = row.stage
    height, width, channels = row.output
    if isinstance(stage, Pool):
        return Pooling(stage.kind, _windows(stage, row), channels, count_include_pad=stage.count_include_pad)
    if isinstance(stage, Gray):
        return Pointwise(_gray, (channels, height, width))
    if isinstance(stage, Magnitude):
        return Pointwise(partial(_magnitude, count=stage.count), (channels, height, width))
    return _step(row, _function(stage))


def _function(stage: Stage) -> Callable[[Array], Array]:
    """Return what a stage does to maps and vectors alike."""
    if isinstance(stage, Activation):
        function: Callable[..., Array] = getattr(activations, stage.function)
        return partial(_activated, function=function, values=stage.values)
    if isinstance(stage, Absolute):
        return _absolute
    if isinstance(stage, Normalize):
        return partial(_normalize, stage=stage)
    return activations.softmax


def _activated(maps: Array, *, function: Callable[..., Array], values: tuple[float, ...]) -> Array:
    return function(maps, *values)


def _absolute(maps: Array) -> Array:
    size: Array = np.abs(maps.astype(np.float32, copy=False))
    return size


def _windows(stage: Conv | Pool, row: Row) -> Windows:
    sliding = stage.sliding(row.input)
    border = stage.border if isinstance(stage, Conv) else Border()
    size = (row.input[0], row.input[1])
    out = (row.output[0], row.output[1])
    return Windows(size, sliding.window, sliding.stride, sliding.dilation, sliding.pads, out, border)


def _convolution(stage: Conv, row: Row, after: int) -> Step:
    windows, channels = _windows(stage, row), row.input[2]
    source = stage.bank(channels) if stage.file is not None else None
    if source is None or isinstance(source, Kernel):
        kernels = stage.kernels if source is None else (source,)
        filters: list[tuple[Array, str | None]] = []
        for kernel in kernels:
            weights = _prepared(kernel.weights.reshape(-1, 1, *kernel.size), stage)[:, 0]
            filters += [(weights, kernel.combine)] if kernel.combine else [(one[None], None) for one in weights]
        return Depthwise(filters, stage.bias, windows, channels, after=after)
    bank = _prepared(source.weight, stage)
    biases = (np.zeros(len(bank)) if source.bias is None else source.bias) + stage.bias
    groups = channels if stage.depthwise else stage.groups
    return Convolution(bank, biases, windows, groups, after=after)


def _prepared(bank: Array, stage: Conv) -> Array:
    flipped = bank[..., ::-1, ::-1] if stage.flip else bank
    return np.ascontiguousarray(scaled(flipped, stage.scale))


def _gray(values: Array) -> Array:
    if len(values) == 1:
        return values
    red, green, blue = (np.float32(weight) * plane for weight, plane in zip(LUMA, values, strict=True))
    gray: Array = red + green + blue
    return gray[None]


def _magnitude(values: Array, count: int) -> Array:
    grouped = values.reshape(-1, count, *values.shape[1:]).astype(np.float64)
    magnitude: Array = np.sqrt((grouped * grouped).sum(axis=1))
    return magnitude


def _normalize(values: Array, stage: Normalize) -> Array:
    shape = (-1, *[1] * (values.ndim - 1))
    mean = np.array(stage.mean, dtype=np.float64).reshape(shape)
    std = np.array(stage.std, dtype=np.float64).reshape(shape)
    quotient = np.divide(values, stage.divisor, dtype=np.float64)  # may lie beyond float32 where the result does not
    return ((quotient - mean) / std).astype(np.float32)


def _vector(row: Row) -> Operation:
    """Return what a stage that gives a vector does, on the calling thread."""
    stage = row.stage
    if isinstance(stage, Flatten):
        return _flattened
    if isinstance(stage, Dense) and stage.file is not None:
        weight, bias = stage.file.matrix(row.input[0])
        biases = np.zeros(len(weight), dtype=np.float32) if bias is None else bias
        return partial(_multiplied, weight, biases, row.flattened if stage.order == "hwc" else None)
    return partial(_on_one_thread, _function(stage))


def _flattened(maps: Array, threads: int | None) -> Array:
    return maps.reshape(-1)  # they are (C, H, W) already


def _multiplied(weight: Array, bias: Array, flattened: Shape | None, values: Array, threads: int | None) -> Array:
    if flattened is not None:
        height, width, channels = flattened
        values = values.reshape(channels, height, width).transpose(1, 2, 0).reshape(-1)
    return dense(values, weight, bias)


def _on_one_thread(function: Callable[[Array], Array], values: Array, threads: int | None) -> Array:
    return function(values)
