"""Which input makes which output, and every conflict between them, before any work is done.

An output's name comes from one of four places::

    no -o               NAME-KERNEL.EXT beside the input
    -o FOLDER           NAME-KERNEL.EXT in that folder
    -o TEMPLATE         any text with {name}, {kernel}, {ext} or {dir} in it
    -o FILE             that file

In the first two, and where a template holds `{ext}`, the extension follows the format of the result, which
is that of the input where it can hold the result. That is known for certain only once the input has been
read; the plan goes by the input's name, and a changed name is claimed again (`Plan.claim`).
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from cnnfilter.batch.write import is_device
from cnnfilter.errors import OutputError
from cnnfilter.imaging.formats import extension_for, format_for_path

STREAM = "-"
"""Standard input, or standard output. A file of that name is `./-`."""
NAME_BYTES = 255
"""The longest name that the usual file systems hold."""
_FIELD = re.compile(r"\{(name|kernel|ext|dir)\}")
_SEPARATORS = tuple(filter(None, (os.sep, os.altsep)))


class ConflictError(OutputError):
    """Everything that keeps a plan from being carried out; `args` holds one line for each conflict."""

    def __str__(self) -> str:
        return "; ".join(self.args)


@dataclass(frozen=True)
class Job:
    """One input and its output.

    `source` is None for standard input, `target` for standard output. Where the extension follows the
    format of the result, `around` holds the parts of the target's name that stand around it.
    """

    source: Path | None
    target: Path | None
    around: tuple[str, ...] = ()

    @property
    def follows_format(self) -> bool:
        """Whether the target's extension is that of the format of the result."""
        return len(self.around) > 1

    def named_for(self, format: str) -> Path | None:
        """Return the target as it is called when the result is of this format."""
        if self.target is None or not self.follows_format or format_for_path(self.target) == format:
            return self.target
        return Path(_bare_extension(format).join(self.around))

    def __str__(self) -> str:
        return "standard input" if self.source is None else str(self.source)


@dataclass
class Plan:
    """The jobs in the order of the inputs, and the names that they have claimed."""

    jobs: tuple[Job, ...]
    force: bool = False
    folder: Path | None = None
    """The output folder, if it has to be made first."""
    _claimed: dict[str, Job] = field(default_factory=dict)
    _inputs: dict[tuple[int, int], Path] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for job in self.jobs:
            if job.source is not None and (identity := _identity(job.source)):
                self._inputs[identity] = job.source

    def prepare(self) -> None:
        """Make the output folder.

        Raises
        ------
        OutputError
            If that fails.
        """
        if self.folder is None:
            return
        try:
            self.folder.mkdir(exist_ok=True)
        except OSError as error:
            msg = f"cannot make the folder '{self.folder}': {error.strerror}"
            raise OutputError(msg) from error

    def claim(self, job: Job, target: Path) -> None:
        """Take a name for the output of a job.

        Raises
        ------
        OutputError
            If the name is another job's, or an input's, or taken by an existing file that may not be
            overwritten, or lies in no folder that can be written to.
        """
        if target.is_dir():
            msg = f"the output '{target}' is a folder"
            raise OutputError(msg)
        if is_device(target):  # any number of results may go to /dev/null
            return
        other = self._claimed.setdefault(os.path.realpath(target), job)
        if other is not job:
            msg = (
                f"'{target}' would be the output of both '{other}' and '{job}'; "
                "give them different names with -o, as in -o '{dir}/{name}-{kernel}.{ext}'"
            )
            raise OutputError(msg)
        same = self._inputs.get(_identity(target) or (-1, -1))
        if same is not None:
            msg = f"the output '{target}' is the input '{same}', which is never overwritten; choose another name"
            raise OutputError(msg)
        if os.path.lexists(target) and not self.force:
            msg = f"'{target}' exists already; --force overwrites it"
            raise OutputError(msg)
        folder = target.parent
        if folder == self.folder:  # it will be made
            return
        if not folder.is_dir():
            if job.source is not None and folder == job.source.parent:
                return  # the input is missing with it, which says more
            msg = f"there is no folder '{folder}' for the output '{target.name}'"
            raise OutputError(msg)
        if not os.access(folder, os.W_OK):
            msg = f"the folder '{folder}' of the output '{target.name}' cannot be written to"
            raise OutputError(msg)


def plan_outputs(
    inputs: Sequence[str],
    *,
    kernel: str,
    output: str | None = None,
    format: str | None = None,
    force: bool = False,
) -> Plan:
    """Name an output for every input.

    Parameters
    ----------
    inputs : sequence of str
        Paths as the person wrote them; `-` is standard input.
    kernel : str
        The kernel's name; what file systems dislike in it becomes `-`.
    output : str, optional
        What `-o` holds: a folder, a template, a file or `-`.
    format : str, optional
        Pillow's name of the output format, when it does not follow the name or the input.
    force : bool
        Whether existing files are overwritten. Inputs never are.

    Returns
    -------
    Plan
        Nothing has been written or made. Inputs that cannot be read are no conflict: they fail one by one.

    Raises
    ------
    ConflictError
        With every conflict there is.
    """
    conflicts: list[str] = []
    if "" in inputs or output == "":
        conflicts.append("a file name is empty")
    if inputs.count(STREAM) > 1:
        conflicts.append("standard input can be read only once")
    if output == STREAM and len(inputs) > 1:
        conflicts.append(f"standard output takes one picture, not {len(inputs)}; name a folder with -o")
    if conflicts:
        raise ConflictError(*conflicts)

    naming = _Naming(re.sub(r"[^A-Za-z0-9._-]", "-", kernel), output, format, several=len(inputs) > 1)
    folder = Path(naming.folder) if naming.folder is not None else None
    if folder is not None and not folder.is_dir():
        if folder.exists():
            conflicts.append(f"'{folder}' is a file, not a folder, so it cannot hold the outputs")
        elif not folder.parent.is_dir():
            conflicts.append(f"there is no folder '{folder.parent}' to make '{folder.name}' in")
        if conflicts:
            raise ConflictError(*conflicts)
    else:
        folder = None

    plan = Plan(tuple(naming.job(name) for name in inputs), force, folder)
    for job in plan.jobs:
        if job.target is None:
            continue
        try:
            plan.claim(job, job.target)
            if format is None and format_for_path(job.target) is None and not is_device(job.target):
                conflicts.append(
                    f"the name '{job.target}' tells no format; end it in .png or another picture's "
                    "extension, or add --format"
                )
        except OutputError as error:
            conflicts.append(str(error))
    if conflicts:
        raise ConflictError(*conflicts)
    return plan


class _Naming:
    """How the outputs of one run are called."""

    def __init__(self, kernel: str, output: str | None, format: str | None, *, several: bool) -> None:
        self.kernel = kernel
        self.output = output
        self.format = format
        self.folder: str | None = None
        self.template: str | None = None
        if output is None or output == STREAM:
            return
        if Path(output).is_dir():
            self.folder = output
        elif _FIELD.search(output):
            self.template = output + "{name}-{kernel}.{ext}" if output.endswith(_SEPARATORS) else output
        elif several or output.endswith(_SEPARATORS):
            self.folder = output

    def job(self, name: str) -> Job:
        source = None if name == STREAM else Path(name)
        if self.output == STREAM or (source is None and self.output is None):
            return Job(source, None)
        if self.template is not None:
            around = self._fill(self.template, source)
        elif self.output is not None and self.folder is None:
            around = (self.output,)
        else:
            folder = Path(self.folder) if self.folder is not None else source.parent if source else Path()
            around = self._beside(folder, source)
        extension = self._extension(source)
        return Job(source, Path(extension.join(around)), around)

    def _extension(self, source: Path | None) -> str:
        if self.format is not None:
            return _bare_extension(self.format)
        if source is not None and format_for_path(source) is not None:
            return source.suffix.removeprefix(".")  # as the person writes it: JPG stays JPG
        return _bare_extension("PNG")

    def _beside(self, folder: Path, source: Path | None) -> tuple[str, str]:
        stem = _stem(source)
        tail = f"-{self.kernel}."
        while len(os.fsencode(stem + tail)) > NAME_BYTES - 4 and len(stem) > 1:
            stem = stem[:-1]  # a name that fills its limit loses letters rather than the whole output
        return str(folder / (stem + tail)), ""

    def _fill(self, template: str, source: Path | None) -> tuple[str, ...]:
        values = {
            "name": _stem(source),
            "kernel": self.kernel,
            "dir": str(source.parent) if source else ".",
        }
        return tuple(
            _FIELD.sub(lambda match: values[match[1]], part) for part in template.split("{ext}")
        )  # fmt: skip


def _bare_extension(format: str) -> str:
    return extension_for(format).removeprefix(".")


def _stem(source: Path | None) -> str:
    return "stdin" if source is None else source.stem


def _identity(path: Path) -> tuple[int, int] | None:
    """Return what all names of one file have in common; None when there is no such file."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino
