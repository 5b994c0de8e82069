"""A chain of stages over one picture: plan every size, then run the stages fused, band by band.

`filtering` brings what is below it together for one picture; this is what programs hold of a chain.
"""

from __future__ import annotations

from collections.abc import Sequence
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from cnnfilter.engine.arrays import as_maps, as_samples, full_scale
from cnnfilter.engine.bands import available_threads
from cnnfilter.engine.geometry import Array
from cnnfilter.errors import ArgumentError, CnnfilterError
from cnnfilter.filtering.lowering import Operation, operations
from cnnfilter.model import grammar
from cnnfilter.model.learned import load
from cnnfilter.model.plan import Row, at_scale, plan
from cnnfilter.model.shapes import parse_shape
from cnnfilter.model.stages import Shape, Stage
from cnnfilter.words import quoted


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
                load(stage)
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
        prepared = self._prepared(shape, full_scale(given))
        with np.errstate(over="ignore", invalid="ignore"):  # of vectors, as in `Pointwise`
            for operation in prepared:
                result = operation(result, threads)
        return result.astype(np.float32, copy=False)

    def _prepared(self, shape: Shape, scale: int) -> list[Operation]:
        """Return what is done to an input, one after the other; for the last size and scale it is kept.

        A small network takes longer to prepare than to run.
        """
        known, prepared = self._last
        if known != (shape, scale):
            prepared = operations(at_scale(self.plan(shape), scale))
            self._last = ((shape, scale), prepared)
        return prepared
