"""The task of a command: what it makes of each picture, which the plan, the work and the report of a batch read."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from cnnfilter.imaging.formats import DEFAULT_MAX_PIXELS, NPY, holds_floats
from cnnfilter.results.saving import Saving

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from cnnfilter.imaging.picture import Picture
    from cnnfilter.network.plan import Row
    from cnnfilter.network.stages import Shape
    from cnnfilter.results.saving import Encoded, Ready
    from cnnfilter.results.vector import Vector


class Result(Protocol):
    """What is made of an input, to be told or written."""

    @property
    def notes(self) -> tuple[str, ...]:
        """What a person should know before anything is encoded."""

    @property
    def rows(self) -> tuple[Row, ...]:
        """The plan of a chain."""

    @property
    def vector(self) -> Vector | None:
        """What a chain gave, if it is a vector."""

    @property
    def format(self) -> str:
        """The format that suits it: that of the input, where it can hold the result."""

    @property
    def count(self) -> int | tuple[str, ...] | None:
        """How many numbered files it makes, or what they are called; None for one without a number."""

    def drawn(self, format: str) -> Iterator[Ready] | None:
        """The pictures that its files hold in a format; None where these hold the numbers."""

    def files(self, format: str) -> Iterator[Encoded]:
        """Encode it, one file after the other, as they are asked for.

        Raises
        ------
        PictureError
            If it cannot be written so; at once, but for what only the encoder finds.
        """


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class Task(ABC):
    """What a command makes of each picture.

    Parameters
    ----------
    saving : Saving
    max_pixels : int
        The largest width times height of a result.
    count_clipped : bool
        Whether to count the values that had to be clamped.
    told : bool
        Whether results are told, and not written.
    """

    saving: Saving = Saving()
    max_pixels: int = DEFAULT_MAX_PIXELS
    count_clipped: bool = False
    told: bool = False

    @property
    @abstractmethod
    def name(self) -> str:
        """What stands in an output's name behind the input's."""

    @property
    def default(self) -> str | None:
        """The format that results have unless one is named; None if that is mostly the input's."""
        return NPY if self.saving.floats else None

    @property
    def shared(self) -> bool:
        """Whether colours may stay in Pillow's memory: see `imaging.reading.read`."""
        return False

    def unfit(self, format: str) -> str | None:
        """Why results cannot be written in a format that a person names, or None if they can."""
        if self.saving.floats and not holds_floats(format):
            return f"{format} holds no floats, which --depth float asks for; write .npy, .csv, .tif or .pfm"
        return self.unshown(format)

    @abstractmethod
    def unshown(self, format: str) -> str | None:
        """Why a format does not go with how results are shown, or None if it does."""

    @abstractmethod
    def need(self, height: int, width: int, channels: int) -> int:
        """How many bytes the result for a picture of this size takes beside that; of one that is refused, none."""

    @abstractmethod
    def transform(self, picture: Picture, threads: int | None = None) -> Result:
        """Make the result for a picture, on so many threads; on all cores by default."""

    def plan_for(self, shape: Shape) -> tuple[Row, ...]:
        """The plan that the result for a picture of a shape (H, W, C) follows; empty where there is none."""
        return ()

    def vector_of(self, values: npt.NDArray[np.float32], rows: tuple[Row, ...]) -> Vector:
        """Values that a chain gave, as they are told; only a task that tells results has any."""
        raise NotImplementedError

    def details(self, rows: tuple[Row, ...]) -> str | None:
        """What stands behind the size of a file that was made, by a chain's plan; None for how many maps it has."""
        return None

    def record(self, outputs: Sequence[str], rows: tuple[Row, ...]) -> dict[str, Any]:
        """What programs are told of files that were made, and of a chain's plan, beside what they are told of any."""
        return {}
