"""Which input makes which output, and every conflict between them, before any work is done.

The plan goes by the names of the inputs (see `naming`); what is in them is looked at only where names collide,
and where a save option must fit the format. The format of a result is known for certain only once its input has
been read, and a changed name is claimed then (`Plan.claim`). An input that is no picture, or fails, claims none.

An input that makes several files numbers them before the extension: NAME-KERNEL-00.EXT, NAME-KERNEL-01.EXT.
"""

from __future__ import annotations

import functools
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from cnnfilter.addresses.address import Address, is_address, shown, text_of
from cnnfilter.addresses.systems import check_installed
from cnnfilter.batch.claims import Plan
from cnnfilter.batch.contests import claimed, collisions_of, expected
from cnnfilter.batch.found import Found
from cnnfilter.batch.jobs import Files, Job, Jobs
from cnnfilter.batch.names import (
    EACH_FRAME,
    SEPARATORS,
    STREAM,
    impossible,
    is_folder,
    normal,
    where_of,
    wrong_input,
    wrong_output,
)
from cnnfilter.batch.naming import Naming, Wanted
from cnnfilter.errors import ArgumentError, ExistsError, OutputError
from cnnfilter.imaging.formats import extension_for, format_for_path
from cnnfilter.imaging.options import OPTIONS, applicable, read_options
from cnnfilter.messages import nearest, quoted

if TYPE_CHECKING:
    from cnnfilter.results.task import Task

LOOKED_AT = 10_000
"""Inputs up to which each is looked into for the format of its result; of more, names tell it."""
FEW = 5
"""Outputs that exist up to which each has a line of its own: of thousands, the first stands for all."""


class ConflictError(OutputError):
    """Everything that keeps a plan from being carried out; `args` holds one line for each conflict."""

    def __str__(self) -> str:
        return "; ".join(self.args)


def plan_outputs(found: Found, task: Task, wanted: Wanted, counts: Sequence[Files] | None = None) -> Plan:
    """Name an output for every input.

    Parameters
    ----------
    found : Found
        A file that is named twice, and would be written twice under one name, makes one job.
    task : Task
        What file systems dislike in its name becomes `-`.
    wanted : Wanted
    counts : sequence of int or None, optional
        How many numbered files each input makes, None where that is known only later. By default, every
        input makes one file without a number.

    Returns
    -------
    Plan
        Nothing has been written or made. Inputs that cannot be read are no conflict: they fail one by one, as do those
        of several whose outputs would have names that nothing can have.

    Raises
    ------
    ConflictError
        With every conflict there is.
    """
    output, in_place, options = wanted.output, task.saving.in_place, task.saving.options
    names = [each.name for each in found.inputs]
    wrong = (wrong_input(each.name) for each in found.inputs if each.error is None)
    conflicts = list(dict.fromkeys(filter(None, wrong)))
    if output is not None and (reason := wrong_output(output)):
        conflicts.append(reason)
    if names.count(STREAM) > 1:
        conflicts.append("standard input can be read only once")
    if in_place and any(map(is_address, names)):
        conflicts.append("--in-place is for files of this machine; name a place for what is made of addresses with -o")
    if in_place and STREAM in names:
        conflicts.append("standard input has no place for the output; leave out --in-place")
    if output == STREAM and len(names) > 1:
        conflicts.append(f"standard output takes one picture, not {len(names)}; name a folder with -o")
    if found.visited and output is None and not (task.told or in_place):
        conflicts.append("the pictures of a folder need a folder to go to; name one with -o, such as -o out/")
    if counts is not None and (output == STREAM or (output is None and STREAM in names)):
        conflicts.append("standard output takes one picture, not one for each map; name a folder with -o")
    if wanted.format is not None and (reason := task.unfit(wanted.format)):
        conflicts.append(reason)
    conflicts += _unknown_options(options)
    _refuse(conflicts)
    starts = {name[: name.find("://") + 3] for name in (*names, output or "") if "://" in name}
    for start in filter(is_address, sorted(starts)):
        check_installed(Address(normal(start)))

    several = len(names) > 1 or bool(found.visited)
    kernel = re.sub(r"[^A-Za-z0-9._-]", "-", task.name)
    naming = Naming(kernel, wanted, default=task.default, several=several, in_place=in_place, told=task.told)
    if task.told:
        return Plan(Jobs(found.inputs, naming))
    _refuse(_wrong_names(naming))
    plan, close = claimed(Jobs(found.inputs, naming, counts), functools.partial(_suits, task, naming))
    jobs = plan.jobs
    collisions, settled = collisions_of(plan, close)
    existing: list[str] = []
    for job in map(jobs.__getitem__, close):
        assert job.target is not None
        named = format_for_path(job.target.name) if in_place else job.format
        wrong_names = (impossible(text_of(target)) for target in jobs.targets(job) or [job.target])
        if reason := next(filter(None, wrong_names), None):
            if job.error is None:  # which says more
                jobs.unnamed[job.number] = reason
            continue
        try:
            targets = jobs.targets(job) if job.number not in settled else []
            if targets and all([plan.check(job, target) for target in targets]):
                jobs.skipped.add(job.number)
            if not named and not (job.follows_format or job.is_device or in_place):
                folder = "" if job.target.suffix else ", in / if it is a folder"
                conflicts.append(
                    f"the name '{job.target}' tells no format; end it in .png or another picture's extension{folder}, "
                    "or add --format"
                )
            elif wanted.format is None and named and (reason := task.unfit(named)):
                conflicts.append(f"'{job.target}': {reason}")
        except ExistsError as error:
            if job.error is None:  # else it says more that there is no input
                existing.append(str(error))
                conflicts.append(existing[-1])
        except OutputError as error:
            conflicts.append(str(error))
    if len(existing) > FEW:
        known = set(existing)
        conflicts = [each for each in conflicts if each not in known]
        conflicts.append(f"{existing[0]}, and so do {len(existing) - 1} more; --skip-existing leaves them as they are")
    if len(jobs.unnamed) == len(jobs):  # there is nothing to begin with
        reasons = list(dict.fromkeys(jobs.unnamed.values()))
        more = f"; {len(reasons) - 1} more outputs would have such names"
        conflicts += reasons if len(reasons) <= FEW else [reasons[0] + more]
    conflicts += _fed_back(found, plan)
    _refuse(list(dict.fromkeys([*collisions, *conflicts])) or _wrong_options(naming, jobs, options))
    return plan


def outlook(plan: Plan, job: Job) -> Job:
    """A job as it will be, as far as that can be told: its output, whether that is left alone, and why it fails.

    What an input holds is looked at where its output's name follows that.
    """
    if job.skipped:
        return job._replace(error=None)
    if job.error is not None or not (job.follows_format or job.each is not None):
        return job
    settled = expected(plan.naming, job)
    target = settled.target
    if settled.each is not None:
        return job._replace(target=where_of(settled.each.replace(EACH_FRAME, "{frame}")))
    if target is None or target == job.target:
        return job
    try:
        return settled._replace(skipped=plan.check(job, target))
    except OutputError as error:
        return settled._replace(error=str(error))


def _fed_back(found: Found, plan: Plan) -> list[str]:
    """A line if outputs would lie where the next run would find them as inputs."""
    if plan.naming.folder is None or not found.visited:
        return []
    fed = sorted(found.visited.intersection(plan.real_folders))
    if not fed:
        return []
    return [
        f"outputs would go into '{shown(fed[0])}', among the inputs, and be inputs of the next run; name another folder"
    ]


def _suits(task: Task, naming: Naming, suffix: str) -> bool:
    """Whether a name that ends so is fit for an output, whose format follows it, or is asked for."""
    if naming.follows_format or naming.wanted.format is not None:
        return True
    format = format_for_path(f"a{suffix}")
    return naming.in_place if format is None else task.unfit(format) is None


def _refuse(conflicts: Sequence[str]) -> None:
    if conflicts:
        raise ConflictError(*conflicts)


def _wrong_names(naming: Naming) -> list[str]:
    """What is wrong with the output folder, or with a name beside the format that is asked for."""
    file, folder, format = naming.file and shown(naming.file), naming.base, naming.wanted.format
    named = None if file is None else format_for_path(file)
    if format is not None and named not in (None, format):
        extension = extension_for(format)
        return [f"the name '{file}' is that of a {named}, but --format asks for {format}; end it in .{extension}, "
                "or leave out --format"]  # fmt: skip
    if folder is None or (isinstance(folder, Path) and is_folder(folder)):
        return []
    if (reason := impossible(text_of(folder))) is not None:
        return [reason]
    if isinstance(folder, Path) and os.path.exists(folder):  # noqa: PTH110  (never raises)
        return [f"'{folder}' is a file, not a folder, so it cannot hold the outputs"]
    is_called_folder = str(naming.wanted.output).endswith(SEPARATORS)
    if folder == naming.folder and not is_called_folder and format_for_path(folder.name) is not None:
        return [f"'{folder}' is a picture's name, and would take several; end it in / if it is a folder"]
    if isinstance(folder, Path) and not is_folder(folder.parent):
        return [f"there is no folder '{folder.parent}' to make '{folder.name}' in"]
    return []


def _unknown_options(options: Iterable[str]) -> list[str]:
    known = dict.fromkeys(key for each in OPTIONS.values() for key in each)
    return [f"no format has a save option {quoted(key)}{nearest(key, known)}" for key in options if key not in known]


def _wrong_options(naming: Naming, jobs: Jobs, options: Mapping[str, str]) -> list[str]:
    """A line for each save option whose value does not fit the formats of the outputs, or that none of these has."""
    wrong: dict[str, str] = {}
    lacking: dict[str, dict[str, str]] = {key: {} for key in options}
    seen: set[str] = set()
    for index, text in jobs.texts() if options else ():
        suffix = (text or "").rpartition(".")[2]
        if index >= LOOKED_AT and suffix in seen:
            continue
        seen.add(suffix)
        job = jobs[index]
        format = expected(naming, job).format
        if not format:
            continue
        for key, text in options.items():
            if has := bool(applicable(format, {key: text})):
                lacking.pop(key, None)
            try:
                read_options(format, {key: text})
            except ArgumentError as error:
                follows = naming.wanted.format is None and job.follows_format
                told = f"{job}: {error}" if follows else str(error)
                (wrong if has else lacking.get(key, {})).setdefault(str(error), told)
    return [*wrong.values(), *(line for lines in lacking.values() for line in lines.values())]
