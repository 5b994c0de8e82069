"""Labelled pictures, wherever they are."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from cnnfilter.addresses.address import Where
from cnnfilter.errors import PictureError
from cnnfilter.messages import readable

Classes = npt.NDArray[np.int64]


class Source(ABC):
    """Pictures by their numbers, counted from 0."""

    @abstractmethod
    def __len__(self) -> int:
        """How many there are."""

    @abstractmethod
    def picture(self, number: int) -> npt.NDArray[Any]:
        """One picture.

        Returns
        -------
        ndarray of uint8, uint16 or float32, (H, W, C)

        Raises
        ------
        PictureError
            If it cannot be read; the message does not name it.
        """

    @abstractmethod
    def name(self, number: int) -> str:
        """What a message calls it."""

    @property
    @abstractmethod
    def held(self) -> int:
        """How many bytes of memory they take where they are."""

    @property
    @abstractmethod
    def is_certain(self) -> bool:
        """Whether all pictures are known to be readable, and to have one size."""


class Stacked(Source):
    """Pictures in one array.

    Parameters
    ----------
    array : ndarray, (N, H, W) or (N, H, W, C)
    file : str
        Where it is from.
    """

    def __init__(self, array: npt.NDArray[Any], file: str) -> None:
        self._array = array if array.ndim == 4 else array[..., None]
        self._file = file

    def __len__(self) -> int:
        return len(self._array)

    def picture(self, number: int) -> npt.NDArray[Any]:
        """See `Source.picture`."""
        picture: npt.NDArray[Any] = self._array[number]
        return picture

    def name(self, number: int) -> str:
        """See `Source.name`."""
        return f"picture {number} of {readable(self._file)}"

    @property
    def held(self) -> int:
        """See `Source.held`."""
        return self._array.nbytes

    @property
    def is_certain(self) -> bool:
        """See `Source.is_certain`."""
        return True


class Files(Source):
    """Pictures in files, which are read, or fetched, whenever one is asked for.

    Parameters
    ----------
    paths : sequence of Path or Address
    """

    def __init__(self, paths: Sequence[Where]) -> None:
        self._paths = paths

    def __len__(self) -> int:
        return len(self._paths)

    def picture(self, number: int) -> npt.NDArray[Any]:
        """See `Source.picture`; transparency is left out."""
        from cnnfilter.imaging.reading import read  # of arrays no file is read

        try:
            pixels = read(self._paths[number]).pixels
        except ValueError:  # a NUL in a name out of a list
            msg = "no such file"
            raise PictureError(msg) from None
        return np.atleast_3d(pixels)

    def name(self, number: int) -> str:
        """See `Source.name`."""
        return readable(self._paths[number])

    @property
    def held(self) -> int:
        """See `Source.held`; names are not counted."""
        return 0

    @property
    def is_certain(self) -> bool:
        """See `Source.is_certain`."""
        return False


@dataclass
class Dataset:
    """Labelled pictures.

    Parameters
    ----------
    source : Source
    classes : ndarray of int64, (N,)
        The number of each one's class.
    labels : tuple of str
        The names of the classes.
    validation : Dataset, optional
        What is there to validate with.
    notes : list of str
        What a person should know of how it was read.
    """

    source: Source
    classes: Classes
    labels: tuple[str, ...]
    validation: Dataset | None = None
    notes: list[str] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.classes)


def labelled(source: Source, names: Sequence[str], validation: Dataset | None = None) -> Dataset:
    """Pictures with the name of each one's class; the classes are in the order of their names."""
    labels, classes = np.unique(np.asarray(names, dtype=object).astype(str), return_inverse=True)
    return Dataset(source, classes.reshape(-1).astype(np.int64), tuple(map(str, labels)), validation)
