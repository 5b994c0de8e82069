"""What a planned chain does that is hardly meant: its numbers are right, and a person should know."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import singledispatch
from typing import TYPE_CHECKING, Any

from cnnfilter.messages import readable, show_shape
from cnnfilter.network import stages
from cnnfilter.network.advice import misfit
from cnnfilter.network.graph import Network
from cnnfilter.network.plan import Row
from cnnfilter.network.stages.base import unknown

if TYPE_CHECKING:
    from numpy.typing import NDArray

LARGE = 10
"""Floats that reach so far are hardly meant to be from 0 to 1, nor to be standardised already."""


def notes(rows: Sequence[Row], pixels: NDArray[Any] | None = None) -> Iterator[str]:
    """What a person should know of a chain, beginning with the stage's number and name.

    Parameters
    ----------
    rows : sequence of Row
    pixels : ndarray, optional
        The picture that enters the chain.

    Examples
    --------
    >>> from cnnfilter.network.grammar import parse
    >>> from cnnfilter.network.plan import plan
    >>> list(notes(plan(parse("softmax"), (1, 4, 1))))
    ['stage 1 (softmax): over a single map it gives ones; flatten before it makes a vector of 4']
    """
    for number, row in enumerate(rows, 1):
        if text := note(row.stage, row, pixels):
            yield f"stage {number} ({row.stage.name}): {text}"


def network_notes(network: Network, rows: Sequence[Row], pixels: NDArray[Any] | None = None) -> Iterator[str]:
    """What a person should know of how a picture is given to the presets and files of networks in a network.

    Parameters
    ----------
    network : Network
    rows : sequence of Row
        Its plan.
    pixels : ndarray, optional
        The picture that enters it.
    """
    is_prepared = pixels is None or pixels.dtype.kind != "u"
    for number, (node, row) in enumerate(zip(network, rows, strict=True)):
        is_prepared = is_prepared or isinstance(node.stage, stages.Normalize)
        is_first = number == 0 or network[number - 1].group is not node.group
        if is_first and (told := misfit(node.group, row.input).removeprefix("; ")):
            yield told
        if node.group is not None and isinstance(node.stage, stages.Learned) and not is_prepared:
            is_prepared = True
            if node.stage.initial:  # a normalization that is learned comes first
                continue
            yield (
                f"{readable(node.group.text)} is given the picture's values as they are; most networks learned from "
                "values of about 0 to 1, which normalize and normalize:imagenet make"
            )


@singledispatch
def note(stage: stages.Stage, row: Row, pixels: NDArray[Any] | None) -> str | None:
    """What a person should know of a stage, if anything."""
    raise unknown(stage, "notes on what is hardly meant")


@note.register(
    stages.Absolute
    | stages.Activation
    | stages.BatchNorm
    | stages.Add
    | stages.Concat
    | stages.Conv
    | stages.ConvTranspose
    | stages.Crop
    | stages.Dense
    | stages.Dropout
    | stages.Flatten
    | stages.GlobalAveragePool
    | stages.GlobalMaxPool
    | stages.Gray
    | stages.LocalResponse
    | stages.Magnitude
    | stages.PReLU
    | stages.Pad
    | stages.Resize
    | stages.Rgb
    | stages.Shuffle
    | stages.Upsample
    | stages.Multiply
)
def _nothing(stage: stages.Stage, row: Row, pixels: NDArray[Any] | None) -> None:
    return None


@note.register(stages.Normalize)
def _not_divided(stage: stages.Normalize, row: Row, pixels: NDArray[Any] | None) -> str | None:
    if stage.divide is None and pixels is not None and pixels.dtype.kind == "f":
        largest = float(pixels.max())
        if largest > LARGE:
            return f"it divides floats by 1, and these reach {largest:.6g}; normalize:255 divides them by 255"
    return None


@note.register(stages.Softmax)
def _over_one_map(stage: stages.Softmax, row: Row, pixels: NDArray[Any] | None) -> str | None:
    shape = row.input
    if len(shape) == 3 and shape[2] == 1:
        return f"over a single map it gives ones; flatten before it makes a vector of {shape[0] * shape[1]}"
    return None


@note.register(stages.Pool)
def _in_padding(stage: stages.Pool, row: Row, pixels: NDArray[Any] | None) -> str | None:
    sliding = stage.sliding(row.input)
    reaches = (_reaches_nothing(row.input[axis], row.output[axis], axis, sliding) for axis in (0, 1))
    if stage.kind == "max" and any(reaches):
        window = show_shape(sliding.window)
        return f"windows of {window} that lie wholly in the padding give -inf; less padding leaves them out"
    return None


def _reaches_nothing(n: int, count: int, axis: int, sliding: stages.Sliding) -> bool:
    """Whether one of `count` windows along an axis of `n` samples holds padding alone."""
    step, dilation, (before, _) = sliding.stride[axis], sliding.dilation[axis], sliding.pads[axis]
    reach = dilation * (sliding.window[axis] - 1)
    if reach < before or (count - 1) * step - before >= n:
        return True
    # taps further apart than the input is long may stand on both sides of it
    return dilation > n and any(begin % dilation >= n for begin in range(-before, min(0, count * step - before), step))
