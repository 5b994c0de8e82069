"""All numbers of a small picture, and of what each stage makes of it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from cnnfilter.engine.geometry import Array
from cnnfilter.errors import PictureError
from cnnfilter.explanation.steps import Matrix, matrix
from cnnfilter.messages import show_shape
from cnnfilter.network.graph import INPUT
from cnnfilter.network.listing import network_of, stage_texts
from cnnfilter.network.plan import Row
from cnnfilter.network.stages import Shape

LARGEST = 32
"""Rows and columns up to which maps are listed: MNIST's 28x28 fits, and still has a line for each row."""
MOST_NUMBERS = 20_000
"""How many numbers all stages' results may have: LeNet-5's are 14,732."""
MOST_MAPS = 16
MOST_VALUES = 64
"""Of a result that is maps, and of one that is a vector: how much of it is printed."""


@dataclass(frozen=True, eq=False)
class Numbers:
    """The numbers of a picture or of a result.

    Parameters
    ----------
    what : str
        `picture`, `result` or `stage`.
    values : ndarray, (C, H, W) or (n,)
    number : int
        The stage's, counted from 1; 0 of others.
    name : str, optional
        What the stage is called.
    stage : str
        Its text; empty of others.
    reads : tuple of int
        The stages whose results it took, 0 the picture.
    """

    what: str
    values: Array
    number: int = 0
    name: str | None = None
    stage: str = ""
    reads: tuple[int, ...] = ()

    @property
    def size(self) -> Shape:
        """(H, W, C) of maps, or (n,) of a vector."""
        shape: Shape = self.values.shape
        return shape if len(shape) == 1 else (*shape[1:], shape[0])

    @property
    def word(self) -> str:
        """What one of its matrices is called."""
        return "channel" if self.what == "picture" else "map"

    @property
    def matrices(self) -> tuple[Matrix, ...]:
        """As many of its maps, or of a vector's values in a column, as are printed."""
        values = self.values
        shown = values[None, :MOST_VALUES, None] if values.ndim == 1 else values[:MOST_MAPS]
        return tuple(map(matrix, shown))

    @property
    def unprinted(self) -> int:
        """How many maps, or values of a vector, are not printed."""
        return max(len(self.values) - (MOST_VALUES if self.values.ndim == 1 else MOST_MAPS), 0)


def every_result(rows: Sequence[Row], results: Iterable[tuple[int, Array]]) -> Iterator[Numbers]:
    """The numbers of results, by the number of their rows from 0, with what made them."""
    texts = stage_texts(network_of(rows))
    for number, values in results:
        row = rows[number]
        reads = tuple(read + 1 for read in row.reads)
        yield Numbers("stage", values, number + 1, row.name, texts[number], reads)


def check_listed(rows: Sequence[Row], wanted: Iterable[int]) -> None:
    """Refuse results that nobody reads number by number.

    Parameters
    ----------
    rows : sequence of Row
    wanted : iterable of int
        The rows whose results would be listed, counted from 0.

    Raises
    ------
    PictureError
        Naming the size, the limit and what to do.
    """
    count = 0
    for number in wanted:
        output = rows[number].output
        count += math.prod(output)
        if len(output) == 3 and max(output[:2]) > LARGEST:
            what = f"stage {number + 1} ({rows[number].stage.name}) gives {show_shape(output)}"
            msg = f"{what}, too large for --all-matrices (at most {LARGEST}x{LARGEST} a map); {_instead(rows, number)}"
            raise PictureError(msg)
    if count > MOST_NUMBERS:
        msg = (
            f"the stages give {count:,} numbers, too many for --all-matrices (at most {MOST_NUMBERS:,}); --node NODE "
            "--all-matrices lists up to a node, and cnnfilter run --node all --format npy writes all numbers"
        )
        raise PictureError(msg)


def _instead(rows: Sequence[Row], number: int) -> str:
    """What a person may do whose stage gives too much."""
    first = rows[number].reads[-1]
    before = "" if first == INPUT else f"--node {first + 1} lists what comes before, and "
    return f"{before}cnnfilter run --node {number + 1} --format npy writes its numbers"
