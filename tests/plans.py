"""Files and plans for them, in the current folder, and tasks that a function does."""

from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from cnnfilter.batch.found import Found, Input
from cnnfilter.batch.naming import Wanted
from cnnfilter.batch.plan import ConflictError, plan_outputs
from cnnfilter.batch.work import Streams, Work, process
from cnnfilter.imaging.limits import Limits
from cnnfilter.results.pictures import PictureResult
from cnnfilter.results.saving import Saving
from cnnfilter.results.task import Task


@dataclass(frozen=True, eq=False)
class Doing(Task):
    """What a function does."""

    function: object = PictureResult
    name: str = "edge"
    default: str | None = None

    def unshown(self, format):
        return None

    def need(self, height, width, channels):
        return 0

    def transform(self, picture, threads=None):
        return replace(self.function(picture), saving=self.saving)


def touch(*names):
    for name in names:
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_bytes(b"x" if name.endswith((".txt", ".pdf")) else b"\x89PNG\r\n\x1a\n")


def planned(inputs, *, kernel="edge", default=None, counts=None, options=None, told=False, **wanted):
    task = Doing(name=kernel, default=default, saving=Saving(options or {}), told=told)
    return plan_outputs(Found([Input(name) for name in inputs]), task, Wanted(**wanted), counts)


def conflicts(inputs, **options):
    """What is told of a plan that is refused, a line each."""
    with pytest.raises(ConflictError) as caught:
        planned(inputs, **options)
    assert all("\n" not in line for line in caught.value.args)
    return list(caught.value.args)


def targets(inputs, **options):
    return [None if job.target is None else str(job.target) for job in planned(inputs, **options).jobs]


def carried_out(plan, function=PictureResult, *, limits=None, streams=None, work=None, saving=None):
    task = Doing(function=function, saving=saving or Saving())
    return process(plan, task, limits=limits or Limits(), streams=streams or Streams(), work=work or Work())
