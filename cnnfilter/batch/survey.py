"""What can be known of a chain's results before a pixel is read: whether it fits, and how much it gives."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from cnnfilter.addresses.address import is_address
from cnnfilter.batch.names import STREAM
from cnnfilter.errors import CnnfilterError
from cnnfilter.imaging.limits import ALL, Limits
from cnnfilter.imaging.size import read_size
from cnnfilter.network.groups import check_weights
from cnnfilter.writing.write import is_device

if TYPE_CHECKING:
    from cnnfilter.network.plan import Row
    from cnnfilter.network.stages import Shape
    from cnnfilter.pipeline import Pipeline


MOST_ASKED = 16
"""Inputs at addresses that are looked at before work."""


class Survey(NamedTuple):
    """What the headers of the inputs tell.

    Parameters
    ----------
    rows : tuple of Row
        The plan for the first input that the chain fits; empty if it fits none whose size could be read.
    counts : tuple of int or None
        How many maps each input gives, if every input was looked at; None where that is unknown.
    """

    rows: tuple[Row, ...]
    counts: tuple[int | None, ...]


def survey(
    pipeline: Pipeline, inputs: Sequence[str], shape_of: Callable[[str], Shape | None], *, every: bool = False
) -> Survey:
    """Plan a chain on the sizes in the headers of its inputs.

    Parameters
    ----------
    pipeline : Pipeline
        Its weights are read now.
    inputs : sequence of str
        As a person wrote them; `-` is standard input, whose size nobody knows yet. Those that cannot be read, or that
        the chain does not fit, are left to fail one by one.
    shape_of : callable
        Gives the size of an input, None where nobody knows it yet; may raise a `CnnfilterError`.
    every : bool
        Look at every input of this machine, not only up to the first that the chain fits. Each one at an address is a
        request: of these a few are looked at, until it fits one.

    Raises
    ------
    ArgumentError
        If the chain has sizes but no weights.
    KernelError, MissingExtraError
        If weights cannot be read.
    """
    pipeline.check_runnable()
    check_weights(pipeline.network)
    pipeline.load_weights()
    rows: tuple[Row, ...] = ()
    counts: list[int | None] = []
    asked = 0
    for name in inputs:
        counts.append(None)
        if is_address(name):
            if rows or asked == MOST_ASKED:
                continue
            asked += 1
        try:
            shape = shape_of(name)
            planned = pipeline.plan(shape) if shape is not None else ()
        except CnnfilterError:
            continue
        if planned:
            rows = rows or planned
            counts[-1] = planned[-1].output[-1]
            if not every:
                break
    return Survey(rows, tuple(counts))


def shape_of(name: str, limits: Limits) -> Shape | None:
    """The size in an input's header, of all frames the first's; None where only reading the input tells it."""
    if name == STREAM or limits.frame not in (None, 0, ALL) or is_device(Path(name)):
        return None
    return read_size(name)
