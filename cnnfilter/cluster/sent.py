"""Jobs as they are sent to a worker, and the plan that it makes of them again."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from cnnfilter.addresses.address import Where, is_address, text_of
from cnnfilter.batch.claims import Plan
from cnnfilter.batch.found import Input
from cnnfilter.batch.jobs import Job, Jobs
from cnnfilter.batch.names import where_of
from cnnfilter.batch.naming import Naming, Wanted
from cnnfilter.writing.write import Place


class Sent(NamedTuple):
    """A job as plain data. A worker is in another folder: all names are absolute.

    Parameters
    ----------
    source : str
    target : str, optional
        The planned name; None where results are told.
    granted : sequence of str
        The names that it has claimed.
    format, around, each, times
        See `Job`.
    place : str, optional
        What the planned name led to if it was a link.
    """

    source: str
    target: str | None
    granted: Sequence[str]
    format: str = ""
    around: Sequence[str] = ()
    each: str | None = None
    times: int = 1
    place: str | None = None


def sent(job: Job, granted: Sequence[Where], place: Place | None, folder: str) -> Sent:
    """A job to be sent.

    Parameters
    ----------
    job : Job
    granted : sequence of Path or Address
    place : Place, optional
        What stood under the planned name.
    folder : str
        The working folder, which names are relative to.
    """

    def absolute(name: Where | str | None) -> str:
        text = name if isinstance(name, str) else text_of(name or Path())
        return text if is_address(text) else os.path.join(folder, text)  # noqa: PTH118  (a path as an object takes longer)

    around = (absolute(job.around[0]), *job.around[1:]) if job.around else ()
    each = None if job.each is None else absolute(job.each)
    led = None if place is None or place.path == job.target else absolute(place.path)
    target = None if job.target is None else absolute(job.target)
    return Sent(absolute(job.source), target, [*map(absolute, granted)], job.format, around, each, job.times, led)


def naming_sent(naming: Naming) -> list[object]:
    """What a worker needs of a run's naming: the formats of outputs, and the folder in which others are made."""
    wanted = naming.wanted
    base = None if naming.base is None else text_of(naming.base)
    if base is not None and not is_address(base):
        base = os.path.join(os.getcwd(), base)  # noqa: PTH118, PTH109  (a path as an object takes longer)
    return [base, wanted.format, wanted.force, wanted.skip_existing, naming.default, naming.told]


def plan_of(rows: Sequence[Sequence[object]], naming: Sequence[object]) -> tuple[Plan, list[list[Where]]]:
    """The plan of jobs that were sent, and the names that each was granted."""
    base, format, force, skip_existing, default, told = naming
    wanted = Wanted(output=base, format=format, force=force, skip_existing=skip_existing)  # type: ignore[arg-type]  # plain data
    jobs = _Given([Sent(*row) for row in rows], Naming("", wanted, default=default, several=True, told=told))  # type: ignore[arg-type]
    plan = Plan(jobs)
    granted = [[where_of(name) for name in each.granted] for each in jobs.given]
    for job, names in zip(jobs, granted, strict=True):
        for target in names:
            plan.take(plan.key(target), job, target)
    return plan, granted


class _Given(Jobs):
    """Jobs that were named elsewhere."""

    def __init__(self, given: Sequence[Sent], naming: Naming) -> None:
        super().__init__([Input(each.source) for each in given], naming)
        self.given = given
        self._places = {
            where_of(each.target): Place(where_of(each.place))
            for each in given
            if each.target and each.place is not None
        }

    def __getitem__(self, index: int) -> Job:
        each = self.given[index]
        target = None if each.target is None else where_of(each.target)
        return Job(
            where_of(each.source), target, told=target is None, format=each.format, around=tuple(each.around),
            each=each.each, number=index, times=each.times,
        )  # fmt: skip
