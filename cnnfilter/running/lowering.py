"""From stages to the engine's steps and operations."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial, singledispatch
from typing import Any, TypeVar

import numpy as np

from cnnfilter.engine.activations import arguments, softmax
from cnnfilter.engine.bands import Chain, in_bands
from cnnfilter.engine.codes import AS_IS, RECTIFIED, RECTIFIED_TO_6
from cnnfilter.engine.dense import dense
from cnnfilter.engine.geometry import Array, Windows, new_result
from cnnfilter.engine.interpolation import Cropping, Interpolation, Neighbours
from cnnfilter.engine.joins import Combination, Combine, Concatenation
from cnnfilter.engine.normalizing import batch_norm, local_response, prelu
from cnnfilter.engine.pooled import joined
from cnnfilter.engine.scaling import prepared
from cnnfilter.engine.steps import Convolution, Depthwise, Padding, Pointwise, Pooling, Step
from cnnfilter.engine.transposed import TransposedConvolution
from cnnfilter.messages import about
from cnnfilter.network import stages
from cnnfilter.network.activations import Value
from cnnfilter.network.plan import Row
from cnnfilter.network.stages.base import unknown
from cnnfilter.sizes import Pair

S = TypeVar("S", bound=stages.Stage)

Operation = Callable[[Array, int | None], Array]
"""From maps or a vector, and the number of threads, to the result of some stages."""

Meeting = Combination | Concatenation
"""From several results, and the number of threads, to one."""

TINY = float(np.finfo(np.float32).tiny)
"""The smallest number with all digits of float32."""

RELU = stages.Activation("relu")
"""What sums and products of results do to their own values, where it follows them."""

AFTER = {RECTIFIED: (RELU,), RECTIFIED_TO_6: (stages.Activation("relu6"), stages.Activation("clip", (0, 6)))}
"""What convolutions do to theirs."""


class Lowering:
    """The operations of stages that follow each other; what is done between maps is joined.

    They are gathered stage by stage: steps between maps wait for those that follow.

    Parameters
    ----------
    rows : sequence of Row
        Of a plan, at the scale of the picture. Only the first may read several results.
    first : int
        The number of the first stage, counted from 1.

    Attributes
    ----------
    meeting : callable, optional
        What is made of several results, first of all.
    operations : list
        What is then done, one after the other.
    """

    def __init__(self, rows: Sequence[Row], first: int = 1) -> None:
        self.left = list(rows)
        self.meeting: Meeting | None = None
        self.operations: list[Operation] = []
        self.waiting: list[Step] = []
        while self.left:
            number = first + len(rows) - len(self.left)
            row = self.left.pop(0)
            with about(f"stage {number} ({row.stage.name}): "):
                lower(row.stage, row, self)
        self.flush()

    def takes(self, stage: stages.Stage) -> bool:
        """Whether the next stage is this one, which is then done with."""
        follows = bool(self.left) and self.left[0].stage == stage
        if follows:
            self.left.pop(0)
        return follows

    def rectifies(self) -> int:
        """What becomes of a convolution's values: as a ReLU or a ReLU6 does that follows, and is done with then."""
        return next((code for code, known in AFTER.items() for stage in known if self.takes(stage)), AS_IS)

    def following(self, kind: type[S]) -> S | None:
        """The next stage if it is of a kind."""
        stage = self.left[0].stage if self.left else None
        return stage if isinstance(stage, kind) else None

    def step(self, step: Step) -> None:
        """Add a step between maps."""
        both = joined(self.waiting[-1], step) if self.waiting else None
        if both is not None:
            self.waiting[-1] = both
        else:
            self.waiting.append(step)

    def mean(self, row: Row) -> None:
        """Take the mean of each map of what waits."""
        self.operations.append(Chain([*self.waiting, _pointwise(row, np.asarray)], mean=True))
        self.waiting = []

    def flush(self) -> None:
        """Run what waits."""
        if self.waiting:
            self.operations.append(Chain(self.waiting))
        self.waiting = []

    def vector(self, function: Callable[[Array], Array]) -> None:
        """Add what gives a vector, on the calling thread."""
        self.whole(partial(_on_one_thread, function))

    def whole(self, operation: Operation) -> None:
        """Add what takes all of its input at once."""
        self.flush()
        self.operations.append(operation)

    def values(self, row: Row, function: Callable[[Array], Array]) -> None:
        """Add what is done to the values of maps and vectors alike."""
        if len(row.output) == 3:
            self.step(_pointwise(row, function))
        else:
            self.vector(function)

    def combine(self, function: Combine) -> None:
        """Combine several results sample by sample."""
        self.meeting = Combination(function, rectified=self.takes(RELU))


@singledispatch
def lower(stage: stages.Stage, row: Row, lowering: Lowering) -> None:
    """Add what the engine does for a stage."""
    raise unknown(stage, "lowering to the engine's steps")


@lower.register(stages.Conv)
def _conv(stage: stages.Conv, row: Row, lowering: Lowering) -> None:
    windows, channels = windows_of(row), row.input[2]
    source = stage.source(channels)
    if isinstance(source, tuple):
        filters: list[tuple[Array, str | None]] = []
        for kernel in source:
            weights = kernel.weights.reshape(-1, 1, *kernel.size)
            weights = prepared(weights, flip=stage.flip, scale=stage.scale)[:, 0]
            filters += [(weights, kernel.combine)] if kernel.combine else [(one[None], None) for one in weights]
        lowering.step(Depthwise(filters, stage.bias, windows, channels, after=lowering.rectifies()))
        return
    bank = prepared(source.weight, flip=stage.flip, scale=stage.scale)
    biases = (np.zeros(len(bank)) if source.bias is None else source.bias) + stage.bias
    bank, biases = _with_normalization(lowering, bank, biases, lambda scale: scale[:, None, None, None])
    groups = channels if stage.depthwise else stage.groups
    lowering.step(Convolution(bank, biases, windows, groups, after=lowering.rectifies()))


def _with_normalization(
    lowering: Lowering, bank: Array, biases: Array, spread: Callable[[Array], Array]
) -> tuple[Array, Array]:
    """A bank and biases that also do what a normalization does that follows, where float32 can hold them.

    It takes one pass over the maps less, and a zero weight stays one. `spread` gives each weight its map's scale.
    """
    normalization = lowering.following(stages.BatchNorm)
    if normalization is None:
        return bank, biases
    scale, shift = normalization.scale_and_shift(len(biases))
    with np.errstate(over="ignore"):
        weights = (bank * spread(scale)).astype(np.float32)
        constants = biases * scale + shift
        if not (np.isfinite(weights).all() and np.isfinite(constants.astype(np.float32)).all()):
            return bank, biases
    # A scale of 0 would hide NaN, a small one lose digits.
    if np.count_nonzero(np.abs(weights) >= TINY) < np.count_nonzero(bank):
        return bank, biases
    lowering.left.pop(0)
    return weights, constants


def windows_of(row: Row) -> Windows:
    """Where the windows of a convolution or a pool lie."""
    stage: Any = row.stage
    sliding = stage.sliding(row.input)
    size, out = (row.input[0], row.input[1]), (row.output[0], row.output[1])
    return Windows(size, sliding.window, sliding.stride, sliding.dilation, sliding.pads, out, stage.border)


@lower.register(stages.ConvTranspose)
def _transposed(stage: stages.ConvTranspose, row: Row, lowering: Lowering) -> None:
    weight, bias, groups = stage.weight(row.input[2])
    biases = np.zeros(row.output[2]) if bias is None else bias
    inputs, outputs = weight.shape[:2]

    def spread(scale: Array) -> Array:
        return np.repeat(scale.reshape(groups, outputs), inputs // groups, axis=0)[..., None, None]

    weight, biases = _with_normalization(lowering, weight, biases, spread)
    size, out, placing = (row.input[0], row.input[1]), (row.output[0], row.output[1]), stage.placing(row.input)
    after = lowering.rectifies()
    lowering.step(TransposedConvolution(weight, biases, size, placing, out, groups, after=after))


@lower.register(stages.Pool)
def _pool(stage: stages.Pool, row: Row, lowering: Lowering) -> None:
    windows = windows_of(row)
    lowering.step(Pooling(stage.kind, windows, row.output[2], count_include_pad=stage.count_include_pad))


@lower.register(stages.GlobalAveragePool)
def _mean(stage: stages.GlobalAveragePool, row: Row, lowering: Lowering) -> None:
    lowering.mean(row)


@lower.register(stages.GlobalMaxPool)
def _largest(stage: stages.GlobalMaxPool, row: Row, lowering: Lowering) -> None:
    lowering.whole(_largest_of_each)


def _largest_of_each(values: Array, threads: int | None) -> Array:
    largest: Array = values.max(axis=(1, 2), keepdims=True).astype(np.float32)
    return largest


@lower.register(stages.Upsample)
def _upsample(stage: stages.Upsample, row: Row, lowering: Lowering) -> None:
    sizes = enumerate(row.output[:2])
    rows, columns = (Neighbours.of(stage.taps(row.input, axis, place) for place in range(n)) for axis, n in sizes)
    lowering.step(Interpolation(rows, columns, row.output[2], row.input[1]))


@lower.register(stages.Resize)
def _resize(stage: stages.Resize, row: Row, lowering: Lowering) -> None:
    lowering.whole(partial(_resized, size=stage.sizes(row.input), filter=stage.filter))


def _resized(values: Array, threads: int | None, *, size: Pair, filter: str) -> Array:
    from cnnfilter.imaging.resampling import resize_plane  # brings Pillow, which other stages do without

    out = new_result((len(values), *size), np.float32)

    def work(first: int, last: int) -> None:
        for plane, result in zip(values[first:last], out[first:last], strict=True):
            resize_plane(plane, result, filter)

    in_bands(len(values), 1, threads, work)
    return out


@lower.register(stages.Crop)
def _crop(stage: stages.Crop, row: Row, lowering: Lowering) -> None:
    lowering.step(Cropping(stage.corner(row.input), (row.output[2], *stage.size)))


@lower.register(stages.Flatten)
def _flatten(stage: stages.Flatten, row: Row, lowering: Lowering) -> None:
    lowering.vector(np.ravel)  # maps are (C, H, W) already


@lower.register(stages.Dense)
def _dense(stage: stages.Dense, row: Row, lowering: Lowering) -> None:
    weight, bias = stage.matrix(row.input[0])
    biases = np.zeros(len(weight), dtype=np.float32) if bias is None else bias
    lowering.whole(partial(_multiplied, weight, biases, row.flattened if stage.order == "hwc" else None))


def _multiplied(
    weight: Array, bias: Array, flattened: stages.Shape | None, values: Array, threads: int | None
) -> Array:
    if flattened is not None:
        height, width, channels = flattened
        values = values.reshape(channels, height, width).transpose(1, 2, 0).reshape(-1)
    return dense(values, weight, bias, threads)


@lower.register(stages.Add)
def _add(stage: stages.Add, row: Row, lowering: Lowering) -> None:
    lowering.combine(np.add)


@lower.register(stages.Multiply)
def _multiply(stage: stages.Multiply, row: Row, lowering: Lowering) -> None:
    lowering.combine(np.multiply)


@lower.register(stages.Concat)
def _concat(stage: stages.Concat, row: Row, lowering: Lowering) -> None:
    lowering.meeting = Concatenation()


@lower.register(stages.Gray)
def _gray(stage: stages.Gray, row: Row, lowering: Lowering) -> None:
    lowering.step(_pointwise(row, _grey))


def _grey(values: Array) -> Array:
    if len(values) == 1:
        return values
    red, green, blue = (np.float32(weight) * plane for weight, plane in zip(stages.Gray.luma, values, strict=True))
    gray: Array = red + green + blue
    return gray[None]


@lower.register(stages.Rgb)
def _rgb(stage: stages.Rgb, row: Row, lowering: Lowering) -> None:
    lowering.step(_pointwise(row, _three_times))


def _three_times(values: Array) -> Array:
    return np.broadcast_to(values, (3, *values.shape[1:]))


@lower.register(stages.Magnitude)
def _magnitude(stage: stages.Magnitude, row: Row, lowering: Lowering) -> None:
    lowering.step(_pointwise(row, partial(_root, count=stage.count)))


def _root(values: Array, count: int) -> Array:
    grouped = values.reshape(-1, count, *values.shape[1:]).astype(np.float64)
    magnitude: Array = np.sqrt((grouped * grouped).sum(axis=1))
    return magnitude


@lower.register(stages.Activation)
def _activation(stage: stages.Activation, row: Row, lowering: Lowering) -> None:
    given = arguments(stage.known, stage.named)
    lowering.values(row, partial(_activated, compute=stage.known.compute, given=given))


def _activated(values: Array, *, compute: Callable[..., Array], given: Mapping[str, Value]) -> Array:
    return compute(np.ascontiguousarray(values, dtype=np.float32), **given)


@lower.register(stages.Absolute)
def _absolute(stage: stages.Absolute, row: Row, lowering: Lowering) -> None:
    lowering.values(row, _size)


def _size(maps: Array) -> Array:
    size: Array = np.abs(maps.astype(np.float32, copy=False))
    return size


@lower.register(stages.Normalize)
def _normalize(stage: stages.Normalize, row: Row, lowering: Lowering) -> None:
    lowering.values(row, partial(_normalized, stage=stage))


def _normalized(values: Array, stage: stages.Normalize) -> Array:
    shape = (-1, *[1] * (values.ndim - 1))
    mean = np.array(stage.mean, dtype=np.float64).reshape(shape)
    std = np.array(stage.std, dtype=np.float64).reshape(shape)
    quotient = np.divide(values, stage.divisor, dtype=np.float64)  # may lie beyond float32 where the result does not
    return ((quotient - mean) / std).astype(np.float32)


@lower.register(stages.BatchNorm)
def _batch_norm(stage: stages.BatchNorm, row: Row, lowering: Lowering) -> None:
    numbers = stage.numbers(row.input[-1])
    parts = {"scale": numbers.weight / numbers.deviation, "mean": numbers.mean, "shift": numbers.bias}
    with np.errstate(over="ignore"):  # beyond float32 is infinite
        parts = {name: each.astype(np.float32) for name, each in parts.items()}
    lowering.values(row, partial(batch_norm, **parts))


@lower.register(stages.PReLU)
def _prelu(stage: stages.PReLU, row: Row, lowering: Lowering) -> None:
    lowering.values(row, partial(prelu, slopes=stage.slopes(row.input[-1])))


@lower.register(stages.LocalResponse)
def _local_response(stage: stages.LocalResponse, row: Row, lowering: Lowering) -> None:
    lowering.step(_pointwise(row, partial(local_response, **vars(stage))))


@lower.register(stages.Shuffle)
def _shuffle(stage: stages.Shuffle, row: Row, lowering: Lowering) -> None:
    lowering.step(_pointwise(row, partial(_in_turn, groups=stage.groups)))


def _in_turn(values: Array, groups: int) -> Array:
    return values.reshape(groups, -1, *values.shape[1:]).swapaxes(0, 1).reshape(values.shape)


@lower.register(stages.Pad)
def _pad(stage: stages.Pad, row: Row, lowering: Lowering) -> None:
    lowering.step(Padding(windows_of(row), row.output[2]))


@lower.register(stages.Dropout)
def _dropout(stage: stages.Dropout, row: Row, lowering: Lowering) -> None:
    """Do nothing."""


@lower.register(stages.Softmax)
def _softmax(stage: stages.Softmax, row: Row, lowering: Lowering) -> None:
    lowering.values(row, softmax)


def _pointwise(row: Row, function: Callable[[Array], Array]) -> Pointwise:
    """A step whose function keeps height and width."""
    height, width = row.input[:2]
    return Pointwise(function, (row.output[2], height, width))


def _on_one_thread(function: Callable[[Array], Array], values: Array, threads: int | None) -> Array:
    return function(values)
