"""The names that jobs of a cluster's run are granted, before they are sent and when they ask for others."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from cnnfilter.addresses.address import Address, text_of
from cnnfilter.batch.names import parted
from cnnfilter.cluster.sent import Sent, sent
from cnnfilter.imaging.formats import format_for_path

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cnnfilter.addresses.address import Where
    from cnnfilter.batch.claims import Plan
    from cnnfilter.batch.events import Event
    from cnnfilter.batch.jobs import Files, Job


class Names:
    """Those of one run: the plan's claims, and the working folder that names are relative to.

    A result that does not fit its format becomes a PNG, under another name. That is granted beforehand where it is
    free, so that such a picture need not be worked on twice, and given back when it was not needed. Where nobody knows
    how many files a job makes, it is granted as many as the last one asked for. Of those whose names differ by their
    extensions alone, only the first on its way is granted any: the others ask in their turn, so that none has a name
    that an earlier one turns out to need.
    """

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._folder = os.getcwd()  # noqa: PTH109  (a text)
        self._extra: dict[int, list[Where]] = {}
        self._asked: dict[int, list[Where]] = {}
        self._stems: dict[str, list[int]] = {}
        """The jobs on their way by what their names are without extensions."""
        self._likely: tuple[str, Files] | None = None
        """The format and the number of files of which nobody knew, as they were last."""

    def granted(self, job: Job) -> list[Where]:
        """The names that a job has, and what it may need besides; claimed now."""
        plan, number = self._plan, job.number
        if job.target is None:
            return []
        if number in self._asked:
            return self._asked[number]
        if number not in self._extra:
            self._stems.setdefault(_stem(job), []).append(number)
            self._extra[number] = self._reserved(job)
        return plan.jobs.targets(job) + self._extra[number]

    def _reserved(self, job: Job) -> list[Where]:
        """The names that a job may need besides, claimed now; none if one is not free, or may be an earlier one's."""
        plan, likely = self._plan, self._foreseen(job)
        is_first = self._stems[_stem(job)][0] == job.number
        if not is_first or any(plan.key(each) in plan.claims or self._stands(each) for each in likely):
            return []
        for each in likely:
            plan.take(plan.key(each), job, each)
        return likely

    def _foreseen(self, job: Job) -> list[Where]:
        """The names that a job may need beside those that it has."""
        counts = self._plan.jobs.counts
        files = None if counts is None else counts[job.number]
        format = "" if job.format or (job.target and format_for_path(job.target) == "PNG") else "PNG"
        if counts is not None and files is None:
            format, files = self._likely or ("", None)
        if not format:
            return []
        return [target for target in self._plan.naming.settled(job, format).targets(files) if target is not None]

    def sent(self, job: Job, granted: Sequence[Where]) -> Sent:
        """A job as it is sent."""
        place = None if job.target is None else self._plan.jobs.place(job.target)
        return sent(job, granted, place, self._folder)

    def told(self, event: Event, kept: Sequence[Where]) -> Event:
        """An event in the person's own words; names under which something was written are kept."""
        for name in kept:
            self._plan.keep(name)
        error, notes = event.error, event.notes
        if self._folder in f"{error}{notes}":
            names = [event.job.source, *self.granted(event.job)]
            error = None if error is None else self._spelt(error, names)
            event = event._replace(error=error, notes=tuple(self._spelt(note, names) for note in notes))
        return event

    def _spelt(self, text: str, names: Sequence[Where | None]) -> str:
        texts = {str(each) for name in names if name is not None for each in (name, name.parent)}
        for name in sorted(texts, key=len, reverse=True):
            absolute = os.path.join(self._folder, name) if name != "." else self._folder  # noqa: PTH118  (a text)
            text = text.replace(f"'{absolute}'", f"'{name}'")
        return text

    def claim(self, event: Event) -> tuple[tuple[Where, ...], set[Where]]:
        """Claim the names that a job asks for, as in `batch.work`; all before it are settled.

        Returns
        -------
        targets : tuple of Path or Address
        kept : set of Path or Address
            Those that exist, and are left as they are.

        Raises
        ------
        OutputError
            If one is another's, or in the way.
        """
        job = event.job
        targets = tuple(
            target for target in self._plan.naming.settled(job, event.format or "").targets(event.files) if target
        )
        kept = {target for target in targets if self._plan.claim(job, target)}
        self._asked[job.number] = [*targets]
        self._expect(event.format or "", event.files)
        return targets, kept

    def _expect(self, format: str, files: Files) -> None:
        """Let what a job has asked for be what others get, and those that were sent before come first."""
        if self._plan.jobs.counts is None or self._likely == (format, files):
            return
        self._likely = format, files
        for number in [number for number, names in self._extra.items() if not names]:
            self._extra[number] = self._reserved(self._plan.jobs[number])

    def _stands(self, target: Where) -> bool:
        """Whether something stands under a name: it is looked at when the job asks for it."""
        if isinstance(target, Address):
            # --force would replace an input there that nobody has asked for
            return self._plan.wanted.force or self._plan.standing.at(*parted(target.text)) is not None
        return os.path.lexists(target)

    def settle(self, event: Event) -> None:
        """Give back what a job did not need."""
        job = event.job
        self._asked.pop(job.number, None)
        if job.number in self._extra:
            self._stems[_stem(job)].remove(job.number)
            if not self._stems[_stem(job)]:
                del self._stems[_stem(job)]
        self._plan.give_back(job, self._extra.pop(job.number, []))


def _stem(job: Job) -> str:
    """What the name of a job's output is without its extension, as far as it is known."""
    return job.around[0] if job.around else text_of(job.target or Path())
