"""Which outputs want one name, before any work is done.

All names are gone through as texts, a million in some seconds. Looked at closely, as jobs, are the few of which that
cannot tell enough: where names collide, something stands already, or the name is no good.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from cnnfilter.addresses.address import Where, is_address, text_of
from cnnfilter.batch.claims import Plan, is_picture
from cnnfilter.batch.jobs import Job, Jobs
from cnnfilter.batch.names import APART, STREAM, doubled, impossible, listed, parted
from cnnfilter.batch.naming import Naming
from cnnfilter.batch.sniff import claim_key, expected_format, identity
from cnnfilter.batch.standing import OTHER

Suits = Callable[[str], bool]
"""Whether a name that ends in some suffix is fit for an output."""


def claimed(jobs: Jobs, suits: Suits) -> tuple[Plan, Sequence[int]]:
    """A plan whose plain names are claimed, and the places of the jobs that are to be looked at closely.

    Those that write the same file's result under the same name are one in it.
    """
    plan = Plan(jobs)
    close, wanted = _gone_through(plan, suits)
    once = _once(jobs, wanted)
    if once is not jobs:
        plan = Plan(once)
        close, wanted = _gone_through(plan, suits)
    return plan, close


def _gone_through(plan: Plan, suits: Suits) -> tuple[Sequence[int], list[list[int]]]:
    """The jobs to look at closely, and those that want the same names; the others have claimed theirs."""
    jobs, claims, skipped = plan.jobs, plan.claims, plan.jobs.skipped
    suits = functools.cache(suits)
    close: dict[int, str] = {}
    several: dict[str, list[int]] = {}
    links: set[str] = set()
    suffixes: set[str] = set()
    for index, text in jobs.texts():
        if text is None:
            continue
        folder, name = parted(text)
        wrong = impossible(text)
        stands = None if wrong else plan.standing.at(folder, name)
        key = plan.key_of(folder, name)
        if stands == OTHER:
            links.add(key)
            key = claim_key(text)
        suffix = name[name.rfind(".") :]
        suffixes.add(suffix)
        first = claims.setdefault(key, index)
        if first != index:
            several.setdefault(key, [first]).append(index)
        elif wrong or plan.is_in_the_way(text, stands) or plan.no_folder(folder, name) or not suits(suffix):
            close[index] = key
        elif stands and plan.wanted.skip_existing and not plan.naming.in_place:
            skipped.add(index)
    found = {*close, *(index for each in several.values() for index in each)}
    if jobs.naming.default is None and jobs.naming.follows_format and ".png" in suffixes and len(suffixes) > 1:
        found.update(_may_become_png(plan, links))
    for key in (*several, *close.values()):
        claims.pop(key, None)
    if jobs.counts is not None:
        found.update(range(len(jobs)))
        claims.clear()
    skipped -= found
    return sorted(found), list(several.values())


def _may_become_png(plan: Plan, links: set[str]) -> Iterable[int]:
    """The jobs whose output would have another's name if it became a PNG, as a colour picture in a GIF does."""
    if len(plan.naming.job("a").around) > 2:  # there are extensions elsewhere in names, too
        return range(len(plan.jobs))
    claims = plan.claims
    names = ((key.rpartition("."), index) for key, index in claims.items())
    changed = ((f"{name}.png", index) for (name, _, end), index in names if end != "png")
    return [index for name, index in changed if name in claims or name in links]


def _once(jobs: Jobs, several: list[list[int]]) -> Jobs:
    """The jobs, those that write the same file's result under the same name once."""
    named: dict[int, int] = {}
    again: set[int] = set()
    for indices in several:
        firsts: dict[int | str, int] = {}
        for index in indices:
            name = jobs.inputs[index].name
            file = None if name == STREAM else identity(name)
            if file is not None and (first := firsts.setdefault(file, index)) != index:
                again.add(index)
                named[first] = named.get(first, 1) + 1
    if not again:
        return jobs
    kept = [index for index in range(len(jobs)) if index not in again]
    counts = None if jobs.counts is None else [jobs.counts[index] for index in kept]
    once = Jobs([jobs.inputs[index] for index in kept], jobs.naming, counts)
    once.times = {place: named[index] for place, index in enumerate(kept) if index in named}
    return once


def collisions_of(plan: Plan, close: Sequence[int]) -> tuple[list[str], set[int]]:
    """Claim the names of jobs that are looked at closely: a line for each output that several pictures would make.

    Also returned are the places of these jobs, and of those that want the same name but are no pictures: they do
    not claim their names.
    """
    naming, jobs = plan.naming, plan.jobs
    takers: dict[str, dict[int, Where]] = {}

    def note(key: str, job: Job, target: Where) -> None:
        if key not in takers:
            first = plan.claims[key]
            takers[key] = {first: next(each for each in jobs.targets(jobs[first]) if plan.key(each) == key)}
        takers[key][job.number] = target

    for job in map(jobs.__getitem__, close):
        if job.target is None or jobs.look(job.target).device is not None:
            continue
        for target in jobs.targets(job):
            if jobs.counts is not None:
                jobs.look(target)
            if not impossible(text_of(target)):
                key = plan.key(target)
                if plan.take(key, job, target) != job.number:
                    note(key, job, target)
    if naming.default is None:
        for job in map(jobs.__getitem__, close):
            changed = naming.settled(job, "PNG").target if jobs.targets(job) else None
            if changed is None or changed == job.target or (key := plan.key(changed)) not in plan.claims:
                continue
            if expected_format(job.source) == "PNG":
                note(key, job, changed)
    return _told(plan, takers)


def _told(plan: Plan, takers: dict[str, dict[int, Where]]) -> tuple[list[str], set[int]]:
    """What `collisions_of` returns, of those who want each name: of several pictures none has it, of one it does."""
    lines: dict[tuple[int, ...], str] = {}
    settled: set[int] = set()
    for key, several in takers.items():
        jobs = {index: plan.jobs[index] for index in sorted(several)}
        pictures = [index for index, job in jobs.items() if is_picture(job)]
        settled |= several.keys() - pictures
        plan.claims.pop(key)
        if len(pictures) == 1:
            plan.take(key, jobs[pictures[0]], several[pictures[0]])
        elif pictures:
            settled.update(pictures)
            colliding = [jobs[index] for index in pictures]
            made = f"'{several[pictures[0]]}' would be the output of {listed([str(job) for job in colliding])}"
            lines.setdefault(tuple(pictures), f"{made}; {_remedy(plan.naming, colliding)}")
    return list(lines.values()), settled


def _remedy(naming: Naming, jobs: Sequence[Job]) -> str:
    """What keeps the outputs of these jobs apart."""
    names = [STREAM if job.source is None else text_of(job.source) for job in jobs]
    # beside what is at an address, nobody need be allowed to write
    is_away = naming.base is not None and any(map(is_address, names))
    template = doubled(f"{naming.base}".rstrip("/")) + f"/{APART}" if is_away else APART
    for format, without in ((naming.wanted.format, ""), (None, ", without --format,")):
        apart = replace(naming, wanted=naming.wanted._replace(output=template, format=format))
        targets = {claim_key(expected(apart, job).target or Path()) for job in map(apart.job, names)}
        if len(targets) == len(jobs):
            return f"-o '{template}'{without} keeps them apart"
    return "filter each in a run of its own, with another -o"


def expected(naming: Naming, job: Job) -> Job:
    """A job with the format that its output will have, as far as the input's first bytes tell it."""
    if job.format or job.is_device:
        return job
    return naming.settled(job, naming.default or expected_format(job.source) or "")
