"""Whether a folder is the same one here and on a worker: a file with random bytes, and the beginnings of inputs.

At addresses, whether buckets and servers that take a login answer a worker as they answer here.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cnnfilter.addresses.address import Address, is_address
from cnnfilter.addresses.failures import DENIED, AddressError
from cnnfilter.batch.names import where_of
from cnnfilter.errors import ClusterError, OutputError
from cnnfilter.writing.temporaries import Temporaries
from cnnfilter.writing.write import is_device

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from cnnfilter.batch.claims import Plan

FOLDERS = 16
"""How many folders of inputs, and how many of outputs, are looked into."""
LOGINS = 4
"""How many buckets and servers are asked."""
LOOKED_AT = 1000
"""Of how many inputs the folders are, and the buckets."""
HEAD = 4096
"""How many bytes of an input are compared."""
NAME = "shared"


def probes(plan: Plan, temporaries: Temporaries, held: contextlib.ExitStack) -> list[list[Any]]:
    """What workers must find: files, how long each is and what it begins with, and whether others can be made beside.

    Parameters
    ----------
    plan : Plan
    temporaries : Temporaries
        Takes a file in each folder of outputs.
    held : ExitStack
        Keeps these open, as long as workers may come: nobody takes them for ones left behind.
    """
    jobs, numbers = plan.jobs, _numbers(plan)
    base = plan.naming.base
    if base is not None:
        is_there = isinstance(base, Address) or base.is_dir()
        outputs: Iterable[str] = [str(base if is_there else base.parent)]  # it is made by whoever needs it
    elif plan.naming.told:
        outputs = []
    else:
        outputs = (os.path.dirname(str(jobs[number].target)) for number in numbers)  # noqa: PTH120
    found = [[*_made(Path(folder), temporaries, held), True] for folder in _some(outputs)]
    inputs = {os.path.dirname(name): name for name in (jobs.inputs[number].name for number in numbers)}  # noqa: PTH120
    found += [[*known, False] for folder in _some(inputs) if (known := _known(Path(inputs[folder]))) is not None]
    return found


def _numbers(plan: Plan) -> range:
    return range(0, len(plan.jobs), max(1, len(plan.jobs) // LOOKED_AT))


def _some(folders: Iterable[str]) -> list[str]:
    return [folder for folder in dict.fromkeys(folders) if not is_address(folder)][:FOLDERS]


def _made(folder: Path, temporaries: Temporaries, held: contextlib.ExitStack) -> list[Any]:
    try:
        path, file = temporaries.open(folder / NAME, None)
        held.enter_context(file).write(os.urandom(16))
    except OSError as error:
        msg = f"cannot write to the folder '{folder}': {error.strerror}"
        raise OutputError(msg) from error
    return _known(path) or []


def _known(path: Path) -> list[Any] | None:
    """A file's absolute name, its length and what it begins with; None of one that cannot be read, or is a device."""
    if is_device(path):
        return None
    try:
        with path.open("rb") as file:
            head = file.read(HEAD)
            return [str(path.absolute()), os.fstat(file.fileno()).st_size, hashlib.sha256(head).hexdigest()]
    except OSError:
        return None


def check_shared(found: Sequence[Sequence[Any]]) -> None:
    """Look for files on a worker that were found where the command was given.

    Raises
    ------
    ClusterError
        If one is missing or another, or no other can be made beside it.
    """
    with contextlib.closing(Temporaries(sweeps=False)) as temporaries, contextlib.ExitStack() as held:
        for *known, is_output in found:
            path = Path(known[0])
            if _known(path) != known:
                msg = f"'{path.parent}' is not the folder that it is here; clusters need a shared one, or addresses"
                raise ClusterError(msg)
            if is_output:
                _made(path.parent, temporaries, held)


def answers(plan: Plan) -> list[list[Any]]:
    """What workers must be answered, one address of each bucket and server: all of it, and whether a file is there."""
    inputs = [plan.jobs.inputs[number] for number in _numbers(plan)]
    asked: list[Any] = [where_of(each.name) for each in inputs if each.error is None]
    if isinstance(plan.naming.base, Address):
        asked.append(plan.naming.base / f"{NAME}-{os.urandom(8).hex()}")
    by_login: dict[tuple[str, str], Address] = {}
    for each in asked:
        if isinstance(each, Address) and not each.scheme.startswith("http"):  # which is read without a login
            by_login.setdefault((each.scheme, each.first), each)
    found = [(each.text, _answer(each)) for each in [*by_login.values()][:LOGINS]]
    return [[text, answer] for text, answer in found if isinstance(answer, bool)]


def _answer(address: Address) -> bool | str | None:
    """Whether a file is there, or why that is not told; None if it may be told the next time."""
    try:
        return address.is_file()
    except OSError as error:
        return None if isinstance(error, AddressError) and error.is_passing else str(error.strerror)


def check_answered(found: Sequence[Sequence[Any]], *, again: bool = False) -> None:
    """Ask on a worker what was answered where the command was given.

    Parameters
    ----------
    found : sequence
        From `answers`.
    again : bool
        Whether that was some time ago: an input may have gone since.

    Raises
    ------
    ClusterError
        If it is refused here.
    """
    for text, is_there in found:
        address = Address(text)
        answer = _answer(address)
        if is_there and answer is False and not again:
            answer = "no such file"
        if isinstance(answer, str) and (is_there or answer != DENIED):  # outputs may be for writing alone
            msg = f"{address}: {answer}; each worker needs credentials and settings of its own"
            raise ClusterError(msg)
