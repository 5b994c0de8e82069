"""Which input makes which output, and every conflict between them, before any work is done.

The plan goes by the names of the inputs (see `naming`); what is in them is looked at only where names collide,
and where a save option must fit the format. The format of a result is known for certain only once its input has
been read, and a changed name is claimed then (`Plan.claim`). An input that is no picture, or fails, claims none.

An input that makes several files numbers them before the extension: NAME-KERNEL-00.EXT, NAME-KERNEL-01.EXT.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from cnnfilter.batch.claims import Jobs, Plan
from cnnfilter.batch.inputs import Found
from cnnfilter.batch.names import (
    APART,
    EACH_FRAME,
    SEPARATORS,
    STREAM,
    is_folder,
    listed,
    too_long,
    wrong_input,
    wrong_output,
)
from cnnfilter.batch.naming import Files, Job, Naming, Wanted
from cnnfilter.batch.sniff import claim_key, expected_format, identity
from cnnfilter.errors import ArgumentError, ExistsError, OutputError
from cnnfilter.imaging.formats import extension_for, format_for_path
from cnnfilter.imaging.options import OPTIONS, applicable, read_options
from cnnfilter.messages import nearest, quoted

if TYPE_CHECKING:
    from cnnfilter.results.task import Task

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
        Nothing has been written or made. Inputs that cannot be read are no conflict: they fail one by one.

    Raises
    ------
    ConflictError
        With every conflict there is.
    """
    output, in_place, options = wanted.output, task.saving.in_place, task.saving.options
    names = [each.name for each in found.inputs]
    conflicts = list(dict.fromkeys(filter(None, map(wrong_input, names))))
    if output is not None and (reason := wrong_output(output)):
        conflicts.append(reason)
    if names.count(STREAM) > 1:
        conflicts.append("standard input can be read only once")
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

    several = len(names) > 1 or bool(found.visited)
    kernel = re.sub(r"[^A-Za-z0-9._-]", "-", task.name)
    naming = Naming(kernel, wanted, default=task.default, several=several, in_place=in_place, told=task.told)
    if task.told:
        return Plan(Jobs(found.inputs, naming))
    _refuse(_wrong_names(naming))
    jobs = _once(Jobs(found.inputs, naming, counts))
    plan = Plan(jobs)
    collisions, settled = _collisions(plan)
    existing: list[str] = []
    for job in jobs:
        if job.target is None:
            continue
        named = format_for_path(job.target) if in_place else job.format
        try:
            targets = jobs.targets(job) if job.number not in settled else []
            if targets and all([plan.check(job, target) for target in targets]):
                jobs.skipped[job.number] = tuple(targets)
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
    expected = _expected(plan.naming, job)
    target = expected.target
    if expected.each is not None:
        return job._replace(target=Path(expected.each.replace(EACH_FRAME, "{frame}")))
    if target is None or target == job.target:
        return job
    try:
        return expected._replace(skipped=plan.check(job, target))
    except OutputError as error:
        return expected._replace(error=str(error))


def _fed_back(found: Found, plan: Plan) -> list[str]:
    """A line if outputs would lie where the next run would find them as inputs."""
    if plan.naming.folder is None or not found.visited:
        return []
    fed = sorted(found.visited.intersection(plan.real_folders))
    if not fed:
        return []
    return [f"outputs would go into '{fed[0]}', among the inputs, and be inputs of the next run; name another folder"]


def _refuse(conflicts: Sequence[str]) -> None:
    if conflicts:
        raise ConflictError(*conflicts)


def _wrong_names(naming: Naming) -> list[str]:
    """What is wrong with the output folder, or with a name beside the format that is asked for."""
    file, folder, format = naming.file, naming.base, naming.wanted.format
    named = None if file is None else format_for_path(file)
    if format is not None and named not in (None, format):
        extension = extension_for(format)
        return [f"the name '{file}' is that of a {named}, but --format asks for {format}; end it in .{extension}, "
                "or leave out --format"]  # fmt: skip
    if folder is None or is_folder(folder):
        return []
    if (reason := too_long(folder)) is not None:
        return [reason]
    if folder.exists():
        return [f"'{folder}' is a file, not a folder, so it cannot hold the outputs"]
    is_called_folder = str(naming.wanted.output).endswith(SEPARATORS)
    if folder == naming.folder and not is_called_folder and format_for_path(folder) is not None:
        return [f"'{folder}' is a picture's name, and would take several; end it in / if it is a folder"]
    if not folder.parent.is_dir():
        return [f"there is no folder '{folder.parent}' to make '{folder.name}' in"]
    return []


def _once(jobs: Jobs) -> Jobs:
    """The jobs, those that write the same file's result under the same name once."""
    files = [None if name == STREAM else identity(name) for name, _, _ in jobs.inputs]
    times = Counter(files)
    alike: dict[tuple[int, str], list[int]] = {}
    for index, file in enumerate(files):
        if file is not None and times[file] > 1 and (target := jobs[index].target) is not None:
            alike.setdefault((file, claim_key(target)), []).append(index)
    again = {index for _, *others in alike.values() for index in others}
    if not again:
        return jobs
    named = {first: 1 + len(others) for first, *others in alike.values()}
    kept = [index for index in range(len(jobs)) if index not in again]
    counts = None if jobs.counts is None else [jobs.counts[index] for index in kept]
    once = Jobs([jobs.inputs[index] for index in kept], jobs.naming, counts)
    once.times = {place: named[index] for place, index in enumerate(kept) if index in named}
    return once


def _collisions(plan: Plan) -> tuple[list[str], set[int]]:
    """Claim every name that is known, and return a line for each output that several pictures would make.

    Also returned are the places of these jobs, and of those that want the same name but are no pictures: they do
    not claim their names.
    """
    naming = plan.naming
    takers: dict[str, dict[int, Path]] = {}

    def own(index: int, key: str) -> Path:
        """A name as the job that has it writes it."""
        return next(each for each in plan.jobs.targets(plan.jobs[index]) if plan.key(each) == key)

    for job in plan.jobs:
        if job.target is None or plan.jobs.look(job.target).device is not None:
            continue
        for target in plan.jobs.targets(job):
            if plan.jobs.counts is not None:
                plan.jobs.look(target)
            if not too_long(target):
                key = plan.key(target)
                first = plan.take(key, job, target)
                if first != job.number:
                    takers.setdefault(key, {first: own(first, key)})[job.number] = target
    if naming.default is None:
        for job in plan.jobs:  # a colour picture in a GIF becomes a PNG
            changed = naming.settled(job, "PNG").target if plan.jobs.targets(job) else None
            if changed is None or changed == job.target or (key := plan.key(changed)) not in plan.claims:
                continue
            if expected_format(job.source) == "PNG":
                first = plan.claims[key]
                takers.setdefault(key, {first: own(first, key)})[job.number] = changed
    lines: dict[tuple[int, ...], str] = {}
    settled: set[int] = set()
    for key, several in takers.items():
        jobs = {index: plan.jobs[index] for index in sorted(several)}
        pictures = [index for index, job in jobs.items() if expected_format(job.source) is not None]
        settled |= several.keys() - pictures
        plan.claims.pop(key)
        if len(pictures) == 1:
            plan.take(key, jobs[pictures[0]], several[pictures[0]])
        elif pictures:
            settled.update(pictures)
            colliding = [jobs[index] for index in pictures]
            made = f"'{several[pictures[0]]}' would be the output of {listed([str(job) for job in colliding])}"
            lines.setdefault(tuple(pictures), f"{made}; {_remedy(naming, colliding)}")
    return list(lines.values()), settled


def _remedy(naming: Naming, jobs: Sequence[Job]) -> str:
    """What keeps the outputs of these jobs apart."""
    names = [STREAM if job.source is None else str(job.source) for job in jobs]
    for format, without in ((naming.wanted.format, ""), (None, ", without --format,")):
        apart = replace(naming, wanted=naming.wanted._replace(output=APART, format=format))
        targets = {claim_key(_expected(apart, job).target or Path()) for job in map(apart.job, names)}
        if len(targets) == len(jobs):
            return f"-o '{APART}'{without} keeps them apart"
    return "filter each in a run of its own, with another -o"


def _unknown_options(options: Iterable[str]) -> list[str]:
    known = dict.fromkeys(key for each in OPTIONS.values() for key in each)
    return [f"no format has a save option {quoted(key)}{nearest(key, known)}" for key in options if key not in known]


def _wrong_options(naming: Naming, jobs: Iterable[Job], options: Mapping[str, str]) -> list[str]:
    """A line for each save option whose value does not fit the formats of the outputs, or that none of these has."""
    wrong: dict[str, str] = {}
    lacking: dict[str, dict[str, str]] = {key: {} for key in options}
    for job in jobs if options else ():
        format = _expected(naming, job).format
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


def _expected(naming: Naming, job: Job) -> Job:
    """A job with the format that its output will have, as far as the input's first bytes tell it."""
    if job.format or job.is_device:
        return job
    return naming.settled(job, naming.default or expected_format(job.source) or "")
