"""The jobs of a plan: each is an input and the output that it makes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from cnnfilter.addresses.address import Where
from cnnfilter.batch.found import Input
from cnnfilter.batch.names import EACH_FRAME, where_of
from cnnfilter.writing.write import Place, look

if TYPE_CHECKING:
    from cnnfilter.batch.naming import Naming

Files = int | tuple[str, ...] | None
"""How many numbered files a job makes, or what they are called; None for one without a number."""


class Job(NamedTuple):
    """One input and its output.

    Parameters
    ----------
    source : Path or Address, optional
        None for standard input.
    target : Path or Address, optional
        None for standard output, and where the result is told. Of frames that have a file each, the first's.
    told : bool
        Whether the result is told, and not written.
    format : str
        The output's, see `Naming.settled`; empty as long as it follows a result that is not known.
    around : tuple of str
        The parts of the target's name that stand around its extension, where that follows the format.
    each : str, optional
        The name of frames that have a file each, with `EACH_FRAME` for the number.
    number : int
        The place in the plan.
    times : int
        How often the person named the input.
    error : str, optional
        Why the input cannot be read, if that is known already.
    skipped : bool
        Whether the output exists, and is left as it is.
    is_device : bool
        Whether the target was a device when the run was planned, and takes all that the job makes.
    """

    source: Where | None
    target: Where | None
    told: bool = False
    format: str = ""
    around: tuple[str, ...] = ()
    each: str | None = None
    number: int = 0
    times: int = 1
    error: str | None = None
    skipped: bool = False
    is_device: bool = False

    @property
    def follows_format(self) -> bool:
        """Whether the target's extension is that of the format."""
        return len(self.around) > 1

    def targets(self, files: Files) -> tuple[Where | None, ...]:
        """The targets of so many results, or of results of these names; None stands for one without a number.

        Examples
        --------
        >>> [str(path) for path in Job(None, where_of("a.png")).targets(2)]
        ['a-0.png', 'a-1.png']
        """
        target = self.target
        if files is None:
            return (target,)
        if target is None or self.is_device:
            return (target,) * (files if isinstance(files, int) else len(files))
        numbers = [f"{i:0{len(str(files - 1))}}" for i in range(files)] if isinstance(files, int) else files
        if self.each is not None:
            return tuple(numbered(self.each, number) for number in numbers)
        return tuple(target.with_name(f"{target.stem}-{number}{target.suffix}") for number in numbers)

    def __str__(self) -> str:
        return "standard input" if self.source is None else str(self.source)


def numbered(name: str, number: str) -> Where:
    """The file of a frame with some number, where each has its own."""
    return where_of(name.replace(EACH_FRAME, number))


class Jobs:
    """The jobs of a plan, each made when it is asked for: of 10,000 inputs only the names are kept."""

    def __init__(self, inputs: Sequence[Input], naming: Naming, counts: Sequence[Files] | None = None) -> None:
        self.inputs = inputs
        self.naming = naming
        self.counts = counts
        """How many numbered files each makes, or their names, None where nobody knows; without either, no counts."""
        self.times: dict[int, int] = {}
        self.skipped: set[int] = set()
        """The places of jobs that are left undone, as all their outputs exist."""
        self.unnamed: dict[int, str] = {}
        """Why there can be no output of that name, by the places of jobs, which fail by themselves."""
        self._places: dict[Where, Place] = {}

    def __len__(self) -> int:
        return len(self.inputs)

    def __getitem__(self, index: int) -> Job:
        name, place, error, _ = self.inputs[index]
        job = self.naming.job(name, place)
        is_device = job.target is not None and self.place(job.target).device is not None
        times, skipped = self.times.get(index, 1), index in self.skipped
        error = error or self.unnamed.get(index)
        return job._replace(number=index, times=times, error=error, skipped=skipped, is_device=is_device)

    def texts(self) -> Iterator[tuple[int, str | None]]:
        """The targets of all jobs as texts, which takes a tenth of the time of the jobs."""
        text = self.naming.text
        return ((index, text(each[0], each[1])) for index, each in enumerate(self.inputs))

    def targets(self, job: Job) -> list[Where]:
        """The names that a job will need, as far as they are known."""
        if self.counts is None:
            return [] if job.target is None else [job.target]
        count = self.counts[job.number]
        return [] if count is None else list(filter(None, job.targets(count)))

    def look(self, target: Where) -> Place:
        """Note what stands under a name as the run is planned: what takes its place later is in the way."""
        place = look(target)
        if place.device is not None and not self.naming.may_name_device:
            place = Place(target)
        if place != (target, None):
            self._places[target] = place
        return place

    def place(self, target: Where) -> Place:
        """What stood under a name when the run was planned."""
        return self._places.get(target) or Place(target)

    def __iter__(self) -> Iterator[Job]:
        return (self[index] for index in range(len(self)))
