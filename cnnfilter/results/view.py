"""How a person wants the result of a chain shown, and which wishes go together."""

from __future__ import annotations

from dataclasses import dataclass

from cnnfilter.errors import ArgumentError
from cnnfilter.imaging.formats import ARRAYS
from cnnfilter.results.showing import AS_PICTURES, Showing, unfit_for_numbers

_PICTURES = ("--range", "--colormap", "--scaling")
"""Options that all pictures of maps have."""
_SHEET = ("--topk", "--no-labels", "--columns", "--cell")
"""Options that only a contact sheet has; `labels` are for vectors too."""


@dataclass(frozen=True, eq=False, repr=False)
class View:
    """How the result of a chain is shown; None where the person leaves it to the result.

    Parameters
    ----------
    maps : str, optional
        One of `showing.MAPS`. By default, one map and the three of a colour picture whose channels stayed apart make a
        picture, and all else a contact sheet.
    range : str, optional
        One of `imaging.mapping.RANGES`, for plain pictures; `clip` by default.
    colormap, scaling, topk, columns, cell
        As for `imaging.sheet.contact_sheet`.
    labels : tuple of str, optional
        Names of the maps, or of a vector's values.
    offered : tuple of str
        Names of a vector's values that nobody asked for: left out where there are not as many.
    lettering : bool
        Whether a sheet has labels and a legend.
    top : int, optional
        How many values of a vector are told.
    showing : Showing
        On a contact sheet, `enlarge` stands for `cell`.

    Raises
    ------
    ArgumentError
        If these do not go together.
    """

    maps: str | None = None
    range: str | None = None
    colormap: str | None = None
    scaling: str | None = None
    topk: int | None = None
    labels: tuple[str, ...] | None = None
    offered: tuple[str, ...] = ()
    lettering: bool = True
    top: int | None = None
    columns: int | None = None
    cell: int | None = None
    showing: Showing = AS_PICTURES

    def __post_init__(self) -> None:
        sheet = self._given(*_SHEET, "--labels")
        if self.maps == "each" and sheet:
            msg = f"{sheet[0]} is for a contact sheet, and --maps each makes none; leave one of them out"
            raise ArgumentError(msg)
        colours = self._given("--maps sheet", "--colormap", *([] if self.maps == "each" else ["--scaling"]), *_SHEET)
        if self.range is not None and colours:
            msg = f"--range is for plain pictures, and {colours[0]} for maps in colours; leave one of them out"
            raise ArgumentError(msg)

    def _given(self, *options: str) -> list[str]:
        """Those of these options that the person gave."""
        given = {
            "--maps sheet": self.maps == "sheet",
            "--maps each": self.maps == "each",
            "--no-labels": not self.lettering,
        }
        return [each for each in options if given.get(each) or getattr(self, each.removeprefix("--"), None) is not None]

    @property
    def wants_sheet(self) -> bool:
        """Whether something is given that only a contact sheet has."""
        return self.maps != "each" and bool(self._given("--maps sheet", "--colormap", "--scaling", "--labels", *_SHEET))

    @property
    def wants_picture(self) -> bool:
        """Whether something is given that raw numbers do not have."""
        return bool(self._pictorial())

    @property
    def given_for_results(self) -> list[str]:
        """The options that a person gave for how results are shown."""
        return self._given("--maps sheet", "--maps each", *_PICTURES, "--labels", *_SHEET, "--top")

    def _pictorial(self) -> list[str]:
        return self._given("--maps sheet", *_PICTURES, "--labels", *_SHEET) + self.showing.given

    def check(self, *, vector: bool, told: bool) -> None:
        """Refuse what has no meaning for such a result.

        Parameters
        ----------
        vector : bool
            Whether the chain gives a vector and not maps.
        told : bool
            Whether that is told and not written.

        Raises
        ------
        ArgumentError
            Naming the option.
        """
        if vector:
            wrong = self._given("--maps sheet", "--maps each", *_PICTURES, *_SHEET) + self.showing.given
            if wrong:
                msg = f"{wrong[0]} is for maps, and this chain ends in a vector; leave it out"
                raise ArgumentError(msg)
        wrong = self._given("--top", *(["--labels"] if vector else []))
        if wrong and not told:
            hint = "leave out -o and --format" if vector else "--topk shows only the strongest maps"
            what = "this chain ends in maps" if not vector else "a file holds only the numbers"
            msg = f"{wrong[0]} is for a vector that is told, and {what}; {hint}"
            raise ArgumentError(msg)

    def unfit(self, format: str, *, vector: bool) -> str | None:
        """Why results cannot be written in a format, or None if they can."""
        if vector:
            wrong = f"a vector is written as .npy, .npz or .csv, not as {format}; without -o it is told"
            return None if format in ARRAYS else wrong
        return unfit_for_numbers(format, self._pictorial()) if format in ARRAYS and self.wants_picture else None

    def labels_for(self, count: int) -> tuple[str, ...] | None:
        """The names of a vector's values, if there are some."""
        return self.offered if self.labels is None and len(self.offered) == count else self.labels

    def check_labels(self, count: int) -> None:
        """Raise an `ArgumentError` unless there are as many labels as values or maps, if there are any."""
        if self.labels is not None and len(self.labels) != count:
            msg = f"there are {len(self.labels)} labels for {count} results; give one label a line, one for each"
            raise ArgumentError(msg)
