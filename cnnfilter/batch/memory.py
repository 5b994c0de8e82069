"""How much memory a run may take, and what that many bytes are called."""

from __future__ import annotations

import contextlib
import os
import re
import threading
from fractions import Fraction
from pathlib import Path

from cnnfilter.errors import ArgumentError
from cnnfilter.messages import quoted, show_bytes

UNKNOWN = 2 << 30
"""What is taken for half of the memory of a machine that does not tell."""
CGROUP = Path("/sys/fs/cgroup/memory.max")

_UNITS = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}
_SIZE = r"(?ai)(\d{1,18}(?:\.\d{1,18})?) ?([KMGT]?)(I?)B?"


class Memory:
    """Bytes that runs of one process share, and the lock and the condition of all that wait for some.

    Parameters
    ----------
    total : int
        How many there are.
    """

    def __init__(self, total: int) -> None:
        self.total = self.free = total
        self.fetched = 0
        """How many hold what is fetched for tasks that have asked for none yet."""
        self.usual: int | None = None
        """The most that was fetched for a task of late, once something was."""
        self.lock = threading.RLock()
        self.condition = threading.Condition(self.lock)


def parse_memory(text: str, what: str = "memory") -> int:
    """The number of bytes that a person means; `what` is what errors call it.

    Raises
    ------
    ArgumentError
        If it is none, or less than a megabyte.

    Examples
    --------
    >>> parse_memory("1.5 GB"), parse_memory("512MiB")
    (1500000000, 536870912)
    """
    match = re.fullmatch(_SIZE, text.strip())
    if match is None or (match[3] and not match[2]):
        msg = f"{what} is a size such as 800M, 4G or 2GiB, not {quoted(text)}"
        raise ArgumentError(msg)
    unit = _UNITS[match[2].upper()]
    if match[3]:
        unit = 1 << 10 * list(_UNITS).index(match[2].upper())
    size = int(Fraction(match[1]) * unit)
    if size < 10**6:
        msg = f"{what} must be at least 1 MB, not {quoted(text)}"
        raise ArgumentError(msg)
    return size


def apart(size: int, limit: int) -> tuple[str, str]:
    """Two different numbers of bytes as `show_bytes` has them, with as many digits as tell them apart.

    Examples
    --------
    >>> apart(2_000_000_000, 1_000_000_000), apart(1_130_000_000, 1_120_000_000)
    (('2.0 GB', '1.0 GB'), ('1.13 GB', '1.12 GB'))
    """
    pairs = ((show_bytes(size, more), show_bytes(limit, more)) for more in range(9))
    return next(pair for pair in pairs if pair[0] != pair[1])


def default_memory() -> int:
    """Half of the machine's memory, or of what the process may have of it."""
    limits = []
    try:
        limits.append(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    except (AttributeError, ValueError, OSError):  # Windows, and systems without that number
        return UNKNOWN
    if (limit := address_limit()) is not None:
        limits.append(limit)
    with contextlib.suppress(OSError, ValueError):  # no such group, or "max"
        limits.append(int(CGROUP.read_text()))
    return min(limits) // 2


def address_limit() -> int | None:
    """How many bytes of addresses the process may have (`ulimit -v`); None if nobody has set a limit."""
    try:
        import resource
    except ImportError:  # Windows
        return None
    limit, _ = resource.getrlimit(resource.RLIMIT_AS)
    return None if limit == resource.RLIM_INFINITY else limit
