"""The task of a command, made again where it is worked on, by the command's own code.

What a worker is told is the command line, which is plain data; nothing of ours is pickled, and nothing is trusted more
than where the command was given.
"""

from __future__ import annotations

import threading
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from cnnfilter.batch.found import Found
from cnnfilter.batch.names import STREAM
from cnnfilter.batch.survey import Survey, survey
from cnnfilter.cli import render
from cnnfilter.cli.batch import Batch
from cnnfilter.cli.batched import BATCH
from cnnfilter.cli.group import cnnfilter
from cnnfilter.messages import options_named

if TYPE_CHECKING:
    from cnnfilter.batch.jobs import Files
    from cnnfilter.imaging.limits import Limits
    from cnnfilter.network.stages import Shape
    from cnnfilter.pipeline import Pipeline
    from cnnfilter.results.task import Task

_alone = threading.Lock()
"""What is silent, and what warnings are shown, are the process's."""


@dataclass(eq=False, repr=False)
class _Rebuilt(Batch):
    """A batch without inputs, whose survey finds the size that it is told; it keeps its task instead of working."""

    found = Found()
    made: list[tuple[Task, Limits]] = field(default_factory=list, init=False)

    def survey(self, pipeline: Pipeline, *, every: bool = False) -> Survey:
        return survey(pipeline, [STREAM], lambda _: self.size)

    def carry_out(self, task: Task, counts: Sequence[Files] | None = None) -> int:
        self.made.append((task, self.limits))
        return 0


def task_of(arguments: Sequence[str], size: Shape | None) -> tuple[Task, Limits]:
    """The task of a command line, and how its inputs are opened; nobody is told anything.

    Parameters
    ----------
    arguments : sequence of str
        Those of `apply`, `run` or `why`, which have been accepted where the command was given.
    size : tuple of int, optional
        The size of the input that the command's survey found, `Batch.size`.

    Raises
    ------
    CnnfilterError
        If what it needs is not here: a file of weights, or an optional library.
    """
    batches: list[_Rebuilt] = []

    def rebuilt(**options: Any) -> Batch:
        batches.append(_Rebuilt(**options))
        batches[0].size = size
        return batches[0]

    with _alone, options_named(), warnings.catch_warnings(), render.messages_to(lambda text: None):
        warnings.simplefilter("ignore")
        with cnnfilter.make_context(render.PROGRAM, list(arguments)) as context:
            context.meta[BATCH] = rebuilt
            cnnfilter.invoke(context)
    return batches[0].made[0]
