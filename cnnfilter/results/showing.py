"""How a person wants pictures shown: what is done to one that is to be looked at, and not worked with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from cnnfilter.errors import ArgumentError
from cnnfilter.imaging.formats import ARRAYS, NPZ

if TYPE_CHECKING:
    import numpy.typing as npt

    from cnnfilter.imaging.picture import Picture

COLOURS = 3
"""Bytes of a pixel that is looked at."""

MAPS = ("sheet", "each")
"""How maps are written if not as the result suggests: all on one sheet, or each in a file of its own."""


class Showing(NamedTuple):
    """What is done to a picture that is to be looked at, not worked with.

    Parameters
    ----------
    enlarge : int, optional
        How many pixels a side of each pixel has.
    numbers : bool
        Whether each pixel's numbers are written into it.
    beside : bool
        Whether the input stands beside the result.
    """

    enlarge: int | None = None
    numbers: bool = False
    beside: bool = False

    @property
    def given(self) -> list[str]:
        """The options that ask for something."""
        asked = {"--enlarge": self.enlarge is not None, "--numbers": self.numbers, "--beside": self.beside}
        return [option for option, is_given in asked.items() if is_given]

    def check(self, *, in_place: bool, floats: bool) -> None:
        """Raise an `ArgumentError` if the result is no picture to look at: in the input's place, or of floats."""
        if floats and self.given:
            msg = f"--depth float keeps the numbers, and {self.given[0]} shows them in a picture; give one of them"
            raise ArgumentError(msg)
        if in_place and self.given:
            msg = f"--in-place replaces a picture by its result, and {self.given[0]} makes another; give one of them"
            raise ArgumentError(msg)

    def need(self, values: int, source: int) -> int:
        """How many bytes a picture takes that shows so many values, and its encoded form; of none, none.

        `source` are the pixels of the input, which may stand beside them. One that is too large will be refused.
        """
        if not self.given:
            return 0
        from cnnfilter.imaging.grid import MAX_SIDE

        shown = (values + source * self.beside) * (self.enlarge or 1) ** 2
        return 2 * COLOURS * min(shown, (1 + self.beside) * MAX_SIDE**2)

    def unfit(self, format: str) -> str | None:
        """Why a filtered picture cannot be written in a format, or None if it can."""
        if format == NPZ:
            return "an .npz holds the values of a chain, and no picture; write .npy"
        return unfit_for_numbers(format, self.given) if format in ARRAYS and self.given else None

    def picture(
        self, result: Picture, source: Picture, numbers: npt.NDArray[Any] | None = None, *, sheet: bool = False
    ) -> Picture:
        """A result as it is shown.

        Parameters
        ----------
        result, source : Picture
        numbers : ndarray, (H, W) or (H, W, C), optional
            Those of the result; by default its pixels.
        sheet : bool
            It is a contact sheet, which sees to its own numbers and sizes.
        """
        shown = result if sheet else self._enlarged(result, numbers)
        if not self.beside:
            return shown
        from cnnfilter.imaging.showing import beside

        return beside(self._enlarged(source, None), shown)

    def _enlarged(self, picture: Picture, numbers: npt.NDArray[Any] | None) -> Picture:
        if self.enlarge is None and not self.numbers:
            return picture
        from cnnfilter.imaging.showing import enlarged

        written = picture.pixels if numbers is None else numbers
        return enlarged(picture, self.enlarge or 1, written if self.numbers else None)


AS_PICTURES = Showing()
"""Results as they are."""


def unfit_for_numbers(format: str, wrong: list[str]) -> str:
    """Why a format of numbers is none for what these options ask for."""
    return f"{format} keeps the numbers themselves, and {wrong[0]} is for pictures; leave one of them out"
