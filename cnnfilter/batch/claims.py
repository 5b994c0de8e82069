"""Which names the outputs of a run have taken, and why a name cannot be one."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from cnnfilter.addresses.address import Address, Where, is_address, text_of
from cnnfilter.addresses.schemes import SCHEMES
from cnnfilter.batch.found import Input
from cnnfilter.batch.jobs import Job, Jobs
from cnnfilter.batch.names import STREAM, impossible, is_folder, parted, where_of
from cnnfilter.batch.sniff import caseless, expected_format, identity
from cnnfilter.batch.standing import FILE, Standing
from cnnfilter.errors import ExistsError, OutputError
from cnnfilter.writing.write import is_device


class Plan:
    """The jobs in the order of the inputs, and the names that they have claimed."""

    def __init__(self, jobs: Jobs) -> None:
        self.jobs = jobs
        self.naming = jobs.naming
        self.wanted = jobs.naming.wanted
        self.claims: dict[str, int] = {}
        """The job that has a name, by its number; `~number` once the file is written."""
        self.changed: set[Path] = set()
        """Folders in which others were made."""
        self.standing = Standing(jobs.naming.base)
        self._others: dict[int, list[str]] = {}
        self._real: dict[str, str] = {}
        """The real paths of the folders of outputs, with the separators behind them."""
        self._unfit: dict[str, str | None] = {}
        # Where files are replaced, inputs must be known before any is; elsewhere they only make a better message.
        self._inputs = _by_identity(jobs.inputs) if self.wanted.force else None

    def prepare(self) -> None:
        """Make the output folder; from now on, addresses are not asked for what stands there.

        Raises
        ------
        OutputError
            If the folder cannot be made.
        """
        self.standing.is_open = False
        if self.naming.folder is not None:
            self._make(self.naming.folder, parents=False)

    @property
    def folders(self) -> Iterator[Path]:
        """The folders of this machine that outputs go to, as far as they are known."""
        return (Path(folder) for folder in self._unfit if not is_address(folder))

    def make_folder(self, target: Where) -> None:
        """Make the folder of an output, where that mirrors one of the inputs or is named by a template.

        Raises
        ------
        OutputError
            If that fails, or a link has come into its way since the run was planned.
        """
        if isinstance(target, Address):  # which has none
            return
        path, device = self.jobs.place(target)
        folder = parted(str(path))[0]
        real = _real(folder)
        if device is None and real != self._real.get(folder, real):
            msg = f"the folder of '{target}' leads elsewhere than when the run was planned"
            raise OutputError(msg)
        if self._makes_folders:
            self._make(target.parent, parents=True)

    @property
    def _makes_folders(self) -> bool:
        """Whether folders that targets lie in are made: those of a tree, or those that a template names."""
        return self.naming.base is not None

    def _make(self, folder: Where, *, parents: bool) -> None:
        if isinstance(folder, Address):
            return
        try:
            if folder.is_dir():
                return
            made = [each for each in (folder, *folder.parents) if not each.exists()]
            folder.mkdir(exist_ok=True, parents=parents)
        except OSError as error:
            msg = f"cannot make the folder '{folder}': {error.strerror}"
            raise OutputError(msg) from error
        self.changed.update(each.parent for each in made)

    def key(self, target: Where) -> str:
        """What all names of an output have in common."""
        place = self.jobs.place(target).path
        return self.key_of(*parted(text_of(target))) if place == target else caseless(str(place))  # it was a link

    def key_of(self, folder: str, name: str) -> str:
        """What all names of an output have in common that are no links; of one as `parted`."""
        real = self._real.get(folder)
        if real is None:
            real = self._real[folder] = folder if is_address(folder) else _real(folder)
        return real + name if "://" in real else caseless(real + name)

    @property
    def real_folders(self) -> set[str]:
        """The real paths of the folders that outputs go to."""
        return set(map(os.path.dirname, self._real.values()))

    def check(self, job: Job, target: Where) -> bool:
        """Look for what stands in the way of an output, other outputs apart.

        Returns
        -------
        bool
            Whether it exists already, and is to be left as it is.

        Raises
        ------
        OutputError
            If the name is an input's, or taken by an existing file that may not be overwritten, or lies in no
            folder that can be written to.
        """
        if (reason := impossible(text_of(target))) is not None:
            raise OutputError(reason)
        if job.is_device:  # any number of results may go to /dev/null
            return False
        exists = self._exists(target)
        # at an address that nobody has asked for, --force might replace one
        may_be_input = exists or (self.wanted.force and isinstance(target, Address))
        same = self._input_that_is(target) if may_be_input else None
        if same is not None:
            source = where_of(same)
            msg = f"the output '{target}' is the input '{source}', which is never overwritten; choose another name"
            raise OutputError(msg)
        if exists and not (self.wanted.force or self.wanted.skip_existing):
            msg = f"'{target}' exists already; --force overwrites it"
            raise ExistsError(msg)
        if (reason := self._no_place(job, target)) is not None:
            raise OutputError(reason)
        return exists and self.wanted.skip_existing

    def _exists(self, target: Where) -> bool:
        """Whether something stands under a name; in place, where it is to be replaced, that counts as nothing."""
        if isinstance(target, Address):
            return self.standing.at(*parted(target.text)) is not None
        try:
            mode = target.lstat().st_mode
        except OSError:
            return False
        if stat.S_ISDIR(mode) or is_folder(target):
            msg = f"the output '{target}' is a folder"
            raise OutputError(msg)
        if self.naming.in_place and is_device(target):
            msg = f"'{target}' is no file, so none can take its place"
            raise OutputError(msg)
        return not self.naming.in_place

    def is_in_the_way(self, target: str, stands: str | None) -> bool:
        """Whether what stands under a name must be looked at: it may be an input, or not be replaced or kept."""
        if stands is None or (stands == FILE and self.naming.in_place):
            return False
        may_stand = self.wanted.force or self.wanted.skip_existing
        return not (stands == FILE and may_stand and self._input_that_is(target) is None)

    def _input_that_is(self, target: str | Where) -> str | None:
        if self._inputs is None:
            self._inputs = _by_identity(self.jobs.inputs)
        return self._inputs.get(identity(target) or -1)

    def _no_place(self, job: Job, target: Where) -> str | None:
        """Why a folder cannot take an output, or None."""
        reason = self.no_folder(*parted(text_of(target)))
        if reason is None or (job.source is not None and not self.naming.in_place and _is_missing(target, job.source)):
            return None  # in the second case the input is missing with the folder, which says more
        return reason

    def no_folder(self, folder: str, name: str) -> str | None:
        """Why a folder can take no output, the first of which has a name; or None."""
        if folder not in self._unfit:
            self._unfit[folder] = self._wrong_folder(where_of(folder), name)
        return self._unfit[folder]

    def _wrong_folder(self, folder: Where, name: str) -> str | None:
        """Why a folder can take no output, the first of which has a name."""
        if isinstance(folder, Address):
            is_read = not SCHEMES[folder.scheme].writes
            return f"{folder.scheme}:// is only read: name a place for '{name}' with -o" if is_read else None
        if not is_folder(folder):
            if not self._makes_folders:
                return f"there is no folder '{folder}' for the output '{name}'"
            while not os.path.lexists(folder):  # it will be made
                folder = folder.parent
            if not is_folder(folder):
                return f"'{folder}' is no folder, so it cannot hold the output '{name}'"
        if not os.access(folder, os.W_OK):
            return f"the folder '{folder}' of the output '{name}' cannot be written to"
        return None

    def claim(self, job: Job, target: Where) -> bool:
        """Take a name for the output of a job.

        Returns
        -------
        bool
            As from `check`.

        Raises
        ------
        OutputError
            As from `check`, or if the name is another job's.
        """
        if job.is_device or impossible(text_of(target)):
            return self.check(job, target)
        key = self.key(target)
        other = self.take(key, job, target)
        if other not in (job.number, ~job.number):
            first = self.jobs[max(other, ~other)]
            if other < 0 or is_picture(first):
                msg = (
                    f"'{target}' would be the output of both '{first}' and '{job}'; "
                    "filter this one in a run of its own, with another -o"
                )
                raise OutputError(msg)
            self.claims[key] = job.number
        return self.check(job, target)

    def take(self, key: str, job: Job, target: Where) -> int:
        """Note who has a name, unless somebody has it already; return who has it."""
        if target != job.target:
            self._others.setdefault(job.number, []).append(key)
        return self.claims.setdefault(key, job.number)

    def owns(self, job: Job, target: Where) -> bool:
        """Whether a job has claimed a name, so that claiming it again takes it from nobody."""
        return job.is_device or self.claims.get(self.key(target)) in (job.number, ~job.number)

    def keep(self, target: Where) -> None:
        """Note that a file was written, whose name stays claimed whatever becomes of its job."""
        key = self.key(target)
        if key in self.claims:  # not a device's
            self.claims[key] = min(self.claims[key], ~self.claims[key])

    def give_back(self, job: Job, names: Iterable[Where]) -> None:
        """Give up those names that a job has claimed and not used; it is settled."""
        self._others.pop(job.number, None)  # or those of each would be kept to the end
        for key in map(self.key, names):
            if self.claims.get(key) == job.number:
                del self.claims[key]

    def release(self, job: Job) -> None:
        """Give up the names that a failed job has claimed and not used."""
        keys = self._others.pop(job.number, [])
        for key in keys if job.target is None else [*keys, self.key(job.target)]:
            if self.claims.get(key) == job.number:
                del self.claims[key]


def is_picture(job: Job) -> bool:
    """Whether an input is probably a picture, so that its output takes a name from others."""
    return job.error is None and expected_format(job.source) is not None


def _real(folder: str) -> str:
    """The real path of a folder, with the separator behind it."""
    return os.path.join(os.path.realpath(folder), "")  # noqa: PTH118  (a path as an object has none)


def _by_identity(inputs: Sequence[Input]) -> dict[int | str, str]:
    """The names of inputs by what these are, whatever they are called; of several, the first."""
    names = [each.name for each in reversed(inputs) if each.name != STREAM]
    return {known: name for name in names if (known := identity(name)) is not None}


def _is_missing(target: Where, source: Where) -> bool:
    if isinstance(target, Address) or isinstance(source, Address):
        return False
    return target.parent == source.parent and not is_folder(target.parent)
