"""What an output is called.

An output's name comes from one of four places::

    no -o               NAME-KERNEL.EXT beside the input
    -o FOLDER           NAME-KERNEL.EXT in that folder
    -o TEMPLATE         any text with {name}, {kernel}, {ext}, {dir} or {frame} in it, also as folders, which are made
    -o FILE             that file
    --in-place          the input itself

What was found in a folder keeps, in the output folder, its place in that. In the first two, and where a template
ends in `{ext}`, the extension follows the format of the result, which is that of the input where it can hold the
result; elsewhere in a template, `{ext}` is the extension of the input. A brace that is part of a name is written twice.
`{dir}` of an address is all of its folder where the template begins with it, and elsewhere its bucket and folders.
"""

from __future__ import annotations

import functools
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from cnnfilter.addresses.address import Address, Where, is_address, text_of
from cnnfilter.batch.jobs import Job, numbered
from cnnfilter.batch.names import (
    EACH_FRAME,
    NAME_BYTES,
    PARTS,
    SEPARATORS,
    STREAM,
    base_of,
    fields_of,
    is_folder,
    normal,
    plain,
    taken_apart,
    where_of,
)
from cnnfilter.imaging.formats import TABLE, extension_for, format_for_path
from cnnfilter.runtime.forks import lazy


class Wanted(NamedTuple):
    """What a person wants of the outputs.

    Parameters
    ----------
    output : str, optional
        What `-o` holds.
    format : str, optional
        The format that is asked for, where it follows neither the name nor the result.
    force : bool
        Whether existing files are overwritten. Inputs never are, but in place.
    skip_existing : bool
        Whether a job is left undone whose output exists.
    frame : str
        What `{frame}` stands for in `output`: a number, or `EACH_FRAME`.
    """

    output: str | None = None
    format: str | None = None
    force: bool = False
    skip_existing: bool = False
    frame: str = "0"


@dataclass(frozen=True, eq=False, repr=False)
class Naming:
    """How the outputs of one run are called.

    Parameters
    ----------
    kernel : str
        Fit for a file name.
    wanted : Wanted
        `wrong_output` has nothing against its `output`.
    default : str, optional
        The format that results have where nothing is asked for, if that is not the input's.
    several : bool
        Whether there are several inputs, or may be.
    in_place : bool
        Whether outputs take the place of the inputs.
    told : bool
        Whether there are none, as results are told.
    """

    kernel: str
    wanted: Wanted
    default: str | None = None
    several: bool = False
    in_place: bool = False
    told: bool = False

    @lazy
    def folder(self) -> Where | None:
        """The folder that takes the outputs, if one does."""
        output = self.wanted.output
        if output is None or output == STREAM:
            return None
        if not is_address(output) and is_folder(Path(output)):
            return Path(output)
        if fields_of(output):
            return None
        where = where_of(plain(output))
        if self.several or output.endswith(SEPARATORS):
            return where
        if isinstance(where, Path) or format_for_path(where.name):  # what has a picture's name is not asked for
            return None
        return where if is_folder(where) else None

    @property
    def base(self) -> Where | None:
        """The folder in which folders are made: that of the outputs, or what a template names before any field."""
        output = self.wanted.output
        if self.folder is not None or output is None or not fields_of(output):
            return self.folder
        return where_of(base_of(output))

    @property
    def file(self) -> str | None:
        """The name, or the template, whose own extension tells the format."""
        output = self.wanted.output
        if output in (None, STREAM) or self.folder is not None:
            return None
        return None if self._template.endswith("{ext}") else output

    @property
    def may_name_device(self) -> bool:
        """Whether a person wrote the whole name: a pipe under any other was put there by somebody else."""
        return not self.in_place and self.file is not None and not fields_of(self.file)

    @property
    def _template(self) -> str:
        output = self.wanted.output or ""
        return output + "{name}-{kernel}.{ext}" if output.endswith(SEPARATORS) else output

    def is_streamed(self, name: str) -> bool:
        """Whether the output of an input goes to standard output."""
        output = self.wanted.output
        return not (self.told or self.in_place) and (output == STREAM or (output is None and name == STREAM))

    def job(self, name: str, place: str | None = None) -> Job:
        """The job of an input; of one that was found in a folder, `place` is its own in that."""
        source = None if name == STREAM else where_of(name)
        if self.told:
            return Job(source, None, told=True)
        if self.in_place:
            return self.settled(Job(source, source))
        if self.is_streamed(name):
            return self.settled(Job(source, None))
        around, suffix = self._around(name, place)
        return self.settled(_called(Job(source, None, around=around), self._extension(suffix)))

    def text(self, name: str, place: str | None = None) -> str | None:
        """The name of an input's output as a text: that of its `job`, which takes ten times as long to make."""
        if self.told or self.is_streamed(name):
            return None
        if self.in_place:
            return normal(name)
        around, suffix = self._around(name, place)
        text = self._extension(suffix).join(around)
        return normal(text.replace(EACH_FRAME, "0")) if self._is_template or os.sep != "/" else text

    def settled(self, job: Job, suiting: str = "") -> Job:
        """A job with the format of its output, and the name that follows from it, as far as they can be told.

        This is the one place where a format is chosen: by the person's word, by the name that they give, or by what
        suits the result.

        Parameters
        ----------
        job : Job
        suiting : str
            The format that suits the result, once that is known. What takes the input's place is of the input's
            format, whatever its name says; but a table, which holds any numbers.
        """
        named = "" if job.target is None else format_for_path(job.target.name) or ""
        if self.wanted.format is not None:
            format = self.wanted.format
        elif job.target is None:
            format = "PNG"
        elif self.in_place:
            format = TABLE if named == TABLE else suiting
        else:
            format = suiting if job.follows_format else named or suiting
        if format == job.format:
            return job
        if format in ("", named) or not job.follows_format:
            return job._replace(format=format)
        return _called(job._replace(format=format), extension_for(format))

    @lazy
    def follows_format(self) -> bool:
        """Whether the extensions of outputs follow the formats of the results, which nobody knows yet."""
        return self.wanted.format is None and not self.in_place and self.file is None and self.wanted.output != STREAM

    @lazy
    def _is_template(self) -> bool:
        """Whether `-o` holds a template, or a file's whole name, which is one without fields."""
        return self.wanted.output is not None and self.folder is None

    def _extension(self, suffix: str) -> str:
        return _extension(suffix, self.wanted.format or self.default)

    def _around(self, name: str, place: str | None) -> tuple[tuple[str, ...], str]:
        """What stands around the extension in the name of an output, and the suffix of the input."""
        folder, stem, suffix = taken_apart(name)
        if self._is_template:
            return self._filled(folder, stem, suffix), suffix
        if self.folder is not None:
            folder = f"{self._prefix}{place.replace(os.sep, '/')}/" if place else self._prefix
        return (folder + self._short(stem) + self._tail, ""), suffix

    @lazy
    def _prefix(self) -> str:
        """What stands before the names of a folder's files."""
        return text_of((self.folder or Path()) / "x")[:-1]

    @lazy
    def _tail(self) -> str:
        return f"-{self.kernel}."

    def _short(self, stem: str) -> str:
        """A stem that leaves room for the rest of a name: rather than the whole output, it loses letters."""
        stem, room = stem[:NAME_BYTES], self._room
        while 4 * len(stem) > room and len(os.fsencode(stem)) > room and len(stem) > 1:
            stem = stem[:-1]
        return stem

    @lazy
    def _room(self) -> int:
        return NAME_BYTES - 4 - len(os.fsencode(self._tail))

    @lazy
    def _is_at_address(self) -> bool:
        return is_address(self._template)

    @lazy
    def _pieces(self) -> list[str]:
        return re.split(PARTS, self._template)

    def _filled(self, folder: str, stem: str, suffix: str) -> tuple[str, ...]:
        values = {
            "{name}": stem,
            "{kernel}": self.kernel,
            "{dir}": _without_end(folder),
            "{frame}": self.wanted.frame,
            "{{": "{",
            "}}": "}",
        }
        follows = self._template.endswith("{ext}")
        if not follows:
            values["{ext}"] = suffix.removeprefix(".")
        around = [""]
        for part in self._pieces:
            if part == "{ext}" and follows:
                around.append("")
            elif part == "{dir}" and around != [""] and is_address(folder):
                around[-1] += _parts(folder)
            else:
                around[-1] += values.get(part, part)
        if self._is_at_address:  # where nobody takes `b/./x` and `b//x` for `b/x`, as this system does
            around = [re.sub(r"(?<=[^:/])/(?:\.?/)+", "/", text) for text in around]
        return tuple(around)


@functools.lru_cache(1024)
def _extension(suffix: str, format: str | None) -> str:
    """The extension of an output before its result is known, which has a format if one is asked for."""
    if format is None and format_for_path(f"a{suffix}") not in (None, TABLE):
        return suffix.removeprefix(".")  # as the person writes it: JPG stays JPG
    return extension_for(format or "PNG")


@functools.lru_cache(1024)
def _parts(folder: str) -> str:
    """The bucket or host of a folder, and the folders down to it, without a password; most inputs share theirs."""
    return "/".join(Address(folder).parts)


def _without_end(folder: str) -> str:
    """A folder without the separator behind it."""
    return folder.rstrip("/" if is_address(folder) else os.sep) or folder or "."


def _called(job: Job, extension: str) -> Job:
    """A job whose target has an extension, if there is a place for it."""
    name = extension.join(job.around)
    return job._replace(target=numbered(name, "0"), each=name if EACH_FRAME in name else None)
