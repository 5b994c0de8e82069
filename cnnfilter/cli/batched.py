"""The options that the commands that write pictures have in common, and which exclude each other."""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable
from dataclasses import fields
from typing import Any

import click

from cnnfilter.cli import options
from cnnfilter.cli.batch import Batch
from cnnfilter.cli.completion import complete_files, complete_from
from cnnfilter.cli.options import Command
from cnnfilter.errors import CnnfilterWarning

BATCH = "cnnfilter.batch"
"""What of a context's `meta` may stand for `Batch`: called as that is, it gives the command another one."""


def _parse_cluster(text: str) -> str | int:
    from cnnfilter.cluster.connecting import parse_cluster

    return parse_cluster(text)


_files_from = click.option(
    "--files-from", metavar="FILE", shell_complete=complete_files,
    help="Take inputs also from this list, one a line, as on the command line but for patterns; - is standard input.",
)  # fmt: skip
_null = options.flag("-0", "--null", help="Names in that list end in a NUL, as find -print0 writes them.")
_recursive = options.flag(
    "-r", "--recursive", help="Enter the folders in a folder too; the output folder has the same tree."
)
_ADDRESSES = """
    INPUT, the files of lists, weights, networks and labels, and -o may be addresses too (pip install
    'cnnfilter[remote]'): s3://BUCKET/KEY and sftp://HOST/PATH; http:// and https:// to read, file by file; gs://
    and az:// with gcsfs and adlfs, which nobody has tested; memory:// within this process. A pattern, or a folder,
    which ends in / or whose name has no extension, is listed; -r lists what lies deeper. Credentials are found
    where the libraries that open addresses look for them. There, too, an output is written whole or not at all, by
    one PUT, and over nothing: S3 refuses it where something stands (If-None-Match), elsewhere we look before, and
    two runs that write the same bytes both count as done. --skip-existing reads a folder's listing once. Biases
    beside weights are not looked for, and parts of a large file that a killed run has left go by the bucket's own
    rule.
"""
"""The paragraph of the help that tells of addresses."""

_CLUSTERS = {
    "local": "processes of this machine",
    "tcp://": "a scheduler",
    "tls://": "a scheduler, by Dask's security settings",
}
"""How values of --cluster begin."""

_in_place = options.flag(
    "--in-place",
    help="Replace each input by its result, in one step; one that would lose its format, depth, frames or other sizes "
    "fails.",
)  # fmt: skip
_skip_existing = options.flag(
    "--skip-existing", help="Leave inputs alone whose output exists: resumes a run that was interrupted."
)
_dry_run = options.flag("-n", "--dry-run", help="Show what would be written, and do nothing.")
_preserve_times = options.flag("--preserve-times", help="Give outputs the times of their inputs.")
_jobs = options.whole("-j", "--jobs", help="Pictures to work on at a time, at most one a core.  [default: all cores]")
_memory = click.option(
    "--memory", type=options.size_in_bytes("memory"), metavar="SIZE",
    help="What they may take together, such as 4G; a larger picture fails.  [default: half of the machine's]",
)  # fmt: skip
_cluster = click.option(
    "--cluster", type=options.Parsed("ADDRESS", _parse_cluster), metavar="ADDRESS|local[:N]",
    shell_complete=complete_from(lambda: _CLUSTERS, files=False),
    help="Let Dask's workers do it (pip install 'cnnfilter[cluster]'): those of the scheduler at ADDRESS, "
    "tcp://HOST:PORT, or tls:// with Dask's own security settings; or N processes of this machine, one a core unless N "
    "is given.  A worker works on as many pictures at a time as it has threads.  All need the same folders, or "
    "addresses and credentials of their own.  Whoever may speak to a scheduler may run programs on its workers: trust "
    "it like a login.  What we send is plain data, no code: the command line and the files that it names but the "
    "inputs, over tcp:// in clear.",
)  # fmt: skip
_EXCLUDING = (
    ("in_place", "output", "--in-place writes over the inputs, and -o elsewhere"),
    (
        "in_place",
        "format_",
        "--in-place keeps names, and with them the formats, and --format sets one",
    ),
    ("in_place", "floats", "--in-place keeps the depth, and --depth float changes it"),
    ("in_place", "skip_existing", "--in-place writes where something exists, and --skip-existing does not"),
    ("show", "as_json", "--show draws on standard output, and --json writes lines for programs there"),
    ("quiet", "verbose", "-q says less and -v says more"),
    ("cluster", "jobs", "-j is how many pictures this machine works on, and --cluster has its workers' threads"),
    ("cluster", "in_place", "--cluster may begin a picture twice, and --in-place would filter it twice"),
    ("force", "skip_existing", "--force overwrites what exists, and --skip-existing leaves it"),
)


def batched(kernel: str, formats: str) -> Callable[[Command], Command]:
    """A decorator that gives a command the options of `Batch`, and calls it with one.

    Parameters
    ----------
    kernel : str
        What stands in an output's name behind the input's.
    formats : str
        Some that the command writes.
    """
    added = (
        click.argument(
            "inputs", metavar="INPUT...", nargs=-1, required=False, shell_complete=complete_files
        ),
        _recursive, _files_from, _null, options.output(kernel), _in_place, options.force, _skip_existing, _dry_run,
        options.output_format(formats), options.save_options, options.quality, options.strip, _preserve_times,
        options.result_depth, options.frames, options.max_pixels, _jobs, options.threads, _memory, _cluster,
        options.max_bytes, options.show, options.quiet, options.verbose, options.json_lines,
    )  # fmt: skip
    names = [each.name for each in fields(Batch) if each.init]

    def decorate(command: Command) -> Command:
        @functools.wraps(command)
        def call(*arguments: Any, **given: Any) -> Any:
            kind = click.get_current_context().meta.get(BATCH, Batch)
            batch = kind(**{name: given.pop(name) for name in names})
            _check(batch)
            if batch.quiet:
                warnings.simplefilter("ignore", CnnfilterWarning)
            return command(*arguments, batch=batch, **given)

        call.__doc__ = f"{command.__doc__}{_ADDRESSES}"
        decorated: Command = call
        for add in reversed(added):
            decorated = add(decorated)
        return decorated

    return decorate


def _check(batch: Batch) -> None:
    for one, other, why in _EXCLUDING:
        if getattr(batch, one) and getattr(batch, other) not in (None, False):
            msg = f"{why}; give one of them"
            raise click.UsageError(msg, click.get_current_context())
    if batch.quality is not None and "quality" in dict(batch.save_options):
        msg = "--quality is short for --save-option quality=...; give one of them"
        raise click.UsageError(msg, click.get_current_context())
    if batch.null and batch.files_from is None:
        msg = "-0 is for the list of --files-from, which is not given"
        raise click.UsageError(msg, click.get_current_context())
    if batch.files_from == "-" and "-" in batch.inputs:
        msg = "standard input cannot be both a picture and the list of --files-from"
        raise click.UsageError(msg, click.get_current_context())
