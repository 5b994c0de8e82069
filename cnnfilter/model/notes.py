"""What a planned chain does that is hardly meant: its numbers are right, and a person should know."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from cnnfilter.model.plan import Row
from cnnfilter.model.stages import Pool, Sliding, Softmax
from cnnfilter.model.stages.text import show_shape


def notes(rows: Sequence[Row]) -> Iterator[str]:
    """Yield what a person should know of a chain, beginning with the stage's number and name.

    Examples
    --------
    >>> from cnnfilter.model.grammar import parse
    >>> from cnnfilter.model.plan import plan
    >>> list(notes(plan(parse("softmax"), (1, 4, 1))))
    ['stage 1 (softmax): over a single map it gives ones; flatten before it makes a vector of 4']
    """
    for number, row in enumerate(rows, 1):
        if note := _note(row):
            yield f"stage {number} ({row.stage.name}): {note}"


def _note(row: Row) -> str | None:
    stage, shape = row.stage, row.input
    if isinstance(stage, Softmax) and len(shape) == 3 and shape[2] == 1:
        return f"over a single map it gives ones; flatten before it makes a vector of {shape[0] * shape[1]}"
    if isinstance(stage, Pool) and stage.kind == "max":
        sliding = stage.sliding(shape)
        if any(_reaches_nothing(shape[axis], row.output[axis], axis, sliding) for axis in (0, 1)):
            window = show_shape(sliding.window)
            return f"windows of {window} that lie wholly in the padding give -inf; less padding leaves them out"
    return None


def _reaches_nothing(n: int, count: int, axis: int, sliding: Sliding) -> bool:
    """Tell whether one of `count` windows along an axis of `n` samples holds padding alone."""
    step, dilation, (before, _) = sliding.stride[axis], sliding.dilation[axis], sliding.pads[axis]
    reach = dilation * (sliding.window[axis] - 1)
    if reach < before or (count - 1) * step - before >= n:
        return True
    # taps further apart than the input is long may stand on both sides of it
    return dilation > n and any(begin % dilation >= n for begin in range(-before, min(0, count * step - before), step))
