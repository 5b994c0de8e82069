"""A file that is read in parts, when they are needed."""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING

from cnnfilter.errors import KernelError
from cnnfilter.messages import why_no_file

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt


@dataclass(frozen=True)
class Source:
    """A file as it was when it was first looked at. It is not held open: threads, forks and pickles do without.

    Parameters
    ----------
    path : Path
    stamp : tuple of int
        What tells whether it is still the same.
    """

    path: Path
    stamp: tuple[int, ...]

    @classmethod
    def at(cls, path: Path, *, follow: bool = True) -> Source:
        """The regular file at a path.

        Raises
        ------
        KernelError
            If there is none, or if there is a link, which may not be followed.
        OSError
            If it cannot be looked at.
        """
        reason = why_no_file(path)
        if reason is not None:
            raise KernelError(reason)
        status = path.stat(follow_symlinks=follow)
        if stat.S_ISLNK(status.st_mode):
            msg = "is a link; the file itself must be there"
            raise KernelError(msg)
        return cls(path, _stamp(status))

    @property
    def size(self) -> int:
        """How many bytes it holds."""
        return self.stamp[0]

    @contextlib.contextmanager
    def open(self) -> Iterator[IO[bytes]]:
        """Open it.

        Raises
        ------
        KernelError
            If it is another file by now.
        OSError
            If it cannot be opened.
        """
        # a pipe that took its place would be waited for
        with os.fdopen(os.open(self.path, _FLAGS), "rb") as stream:
            status = os.fstat(stream.fileno())
            if not stat.S_ISREG(status.st_mode) or _stamp(status) != self.stamp:
                msg = "it was changed while it was in use"
                raise KernelError(msg)
            yield stream

    def array(self, begin: int, size: int, dtype: str) -> npt.NDArray[np.generic]:
        """The numbers in so many bytes from a place on, in one row.

        Raises
        ------
        KernelError
            If it is another file by now, or was cut off.
        """
        import numpy as np

        with self.open() as stream:
            numbers = np.fromfile(stream, dtype, size // np.dtype(dtype).itemsize, offset=begin)
        if numbers.nbytes < size:
            msg = "it was changed while it was in use"
            raise KernelError(msg)
        return numbers


_FLAGS = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)


def _stamp(status: os.stat_result) -> tuple[int, ...]:
    return status.st_size, status.st_mtime_ns, status.st_dev, status.st_ino
