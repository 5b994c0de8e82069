"""What stands where a file has something that this program does not know."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NoReturn

from cnnfilter.errors import ShapeError
from cnnfilter.network.stages.base import Stage
from cnnfilter.network.stages.text import Shape


@dataclass(frozen=True, eq=False, repr=False)
class Unknown(Stage):
    """An operation that no stage does. A network can be planned up to it.

    Parameters
    ----------
    operator : str
        What the file calls it, printable.
    reason : str
        Why it cannot be done, with its place in the file; one line.
    """

    operator: str
    reason: str

    takes, gives = "either", "same"

    @property
    def name(self) -> str:
        """The file's word."""
        return self.operator

    def output(self, *shapes: Shape) -> NoReturn:
        """None: it raises a `ShapeError` that says why."""
        raise ShapeError(self.reason)

    @property
    def runnable(self) -> str:
        """Why it cannot be run."""
        return self.reason
