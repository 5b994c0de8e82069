"""A kernel, and how text or an array becomes one. The named ones stand in `catalogue`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

from cnnfilter.errors import ArgumentError, KernelError
from cnnfilter.kernels.catalogue import KERNELS, Entry, Parameter
from cnnfilter.kernels.matrix import MAX_SIDE, Matrix, looks_like_matrix, parse_rows
from cnnfilter.messages import about, alternatives, quoted, show_shape
from cnnfilter.text.numbers import parse_number, show_number

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

__all__ = ["KERNELS", "Kernel", "Matrix", "from_array", "get_kernel", "parse_matrix"]


@dataclass(frozen=True)
class Kernel:
    """One or more 2-D filters of one size, as constants.

    Parameters
    ----------
    name : str
        As `get_kernel` takes it, `"sobel-x"` or `"gaussian:sigma=2"`; `"custom"` for matrices and arrays.
    filters : tuple of matrices
        The numbers before the scale: integers where the field writes integers.
    scale : Fraction or float
        What every number is multiplied by: 1/9, 1/16.
    combine : str, optional
        What the filters' results become: `"magnitude"`, the root of the sum of their squares, or `"maximum"`.
    source : str
        Where the numbers come from.

    Examples
    --------
    >>> get_kernel("box").weights[0, 0]
    np.float32(0.11111111)
    """

    name: str
    filters: tuple[Matrix, ...]
    scale: Fraction | float = 1
    combine: str | None = None
    source: str = ""

    @property
    def size(self) -> tuple[int, int]:
        """Height and width."""
        return len(self.filters[0]), len(self.filters[0][0])

    @property
    def weights(self) -> npt.NDArray[np.float32]:
        """The scaled numbers, (kh, kw); (n, kh, kw) if they combine or there are several filters."""
        import numpy as np  # planning a network needs the sizes only

        # Times the exact scale, then rounded once. A number may stand in thousands of places (`box:size=99`).
        scaled: dict[float, float] = {}
        for value in {value for matrix in self.filters for row in matrix for value in row}:
            scaled[value] = float(value * self.scale)
        numbers = [[[scaled[value] for value in row] for row in matrix] for matrix in self.filters]
        bank = np.array(numbers, dtype=np.float32)
        return bank if self.combine or len(bank) > 1 else bank[0]


def get_kernel(text: str) -> Kernel:
    """A kernel by its name and parameters, or from an inline matrix.

    Parameters
    ----------
    text : str
        A name with its parameters, `"edge"` or `"gaussian:sigma=2"`, as `cnnfilter kernels` lists them; or rows of
        numbers, `"0 -1 0; -1 5 -1; 0 -1 0"`.

    Returns
    -------
    Kernel
        Taken by `conv2d` and `apply`. Its `weights` are (kh, kw) float32, or (n, kh, kw) of several filters, whose
        results `combine` tells how to join: `"magnitude"` or `"maximum"`. Its `name` is the text in one spelling,
        parameters in the catalogue's order, and `source` says where the numbers come from.

    Raises
    ------
    KernelError
        If the name is unknown; the message has the nearest ones.
    ArgumentError
        If a parameter or the matrix is wrong.

    Examples
    --------
    >>> get_kernel("sobel-x").filters
    (((-1, 0, 1), (-2, 0, 2), (-1, 0, 1)),)
    """
    if not isinstance(text, str):
        msg = f"text must be a kernel's name, or a matrix, not {quoted(text)}"
        raise ArgumentError(msg)
    if looks_like_matrix(text):
        return parse_matrix(text)
    name, *arguments = text.strip().split(":")
    if name not in KERNELS:
        raise KernelError(_unknown(name))
    entry = KERNELS[name]
    values = _parse_parameters(entry, arguments)
    with about(f"{name}: "):
        made = entry.make(values)
    given = [f":{each.name}={show_number(values[each.name])}" for each in entry.parameters if each.name in values]
    return Kernel(name + "".join(given), made.filters, made.scale, made.combine, entry.source)


def _unknown(name: str) -> str:
    if not name:
        return "the kernel is empty: give a name, a weight file or a matrix (cnnfilter kernels lists the names)"
    respelled = "-".join(name.lower().replace("_", "-").split())
    family = [entry.name for entry in KERNELS.values() if entry.family == respelled]
    if respelled in KERNELS:
        tail = f"; did you mean {respelled}?"
    elif family:
        tail = f"; of that family there {'is' if len(family) == 1 else 'are'} {alternatives(family, 'and')}"
    else:
        from cnnfilter.text import synonyms  # only what is wrong pays for it

        tail = synonyms.tail(name, synonyms.KERNELS, KERNELS)
    return f"unknown kernel {quoted(name)}{tail} (cnnfilter kernels lists them all)"


def _parse_parameters(entry: Entry, arguments: Sequence[str]) -> dict[str, float]:
    known = {each.name: each for each in entry.parameters}
    names = ", ".join(known)
    values: dict[str, float] = {}
    for argument in arguments:
        key, equals, number = (part.strip() for part in argument.partition("="))
        if not known:
            msg = f"{entry.name} takes no parameters, not {quoted(argument)}"
            raise ArgumentError(msg)
        if not equals:
            is_number = re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,9})?", key)
            example = f", such as {alternatives([f'{name}={key}' for name in known])}" if is_number else ""
            msg = f"{entry.name}: {quoted(argument)} must be written as NAME=VALUE{example} (known: {names})"
            raise ArgumentError(msg)
        if key not in known:
            from cnnfilter.text import synonyms

            tail = synonyms.tail(key, synonyms.PARAMETERS, known)
            msg = f"{entry.name} has no parameter {quoted(key)}{tail} (known: {names})"
            raise ArgumentError(msg)
        if key in values:
            msg = f"{entry.name}: {key} is given twice"
            raise ArgumentError(msg)
        values[key] = _parse_value(entry.name, known[key], number)
    return values


def _parse_value(kernel: str, parameter: Parameter, text: str) -> float:
    with about(f"{kernel}: {parameter.name} "):
        value = parse_number(text)
        if parameter.integer and not isinstance(value, int):
            msg = f"must be a whole number, not {text:.60}"
            raise ArgumentError(msg)
        if not parameter.minimum <= value <= parameter.maximum:
            msg = f"must be {parameter.minimum:g} to {parameter.maximum:g}, not {text:.60}"
            raise ArgumentError(msg)
        return value


def parse_matrix(text: str) -> Kernel:
    """Read a kernel written out as a matrix.

    Parameters
    ----------
    text : str
        Rows end at `;` or a new line; numbers, also fractions such as `1/9`, are split at blanks or commas.
        Or in brackets, `[[1, 2], [3, 4]]`, or as ImageMagick writes it, `3x3:1,0,-1 1,0,-1 1,0,-1`.

    Returns
    -------
    Kernel
        Named `custom`.

    Raises
    ------
    ArgumentError
        If it is not a rectangle of finite numbers.

    Examples
    --------
    >>> parse_matrix("1 2; 3 1/4").filters
    (((1, 2), (3, 0.25)),)
    """
    with about("inline matrix: "):
        return Kernel("custom", (parse_rows(text),))


def from_array(array: npt.ArrayLike, name: str = "custom") -> Kernel:
    """The kernel that an array holds.

    Parameters
    ----------
    array : array_like
        (kh, kw), or (n, kh, kw) for several filters of one size; integers or floats.
    name : str
        What to call it.

    Returns
    -------
    Kernel
        With the same numbers, as float32.

    Raises
    ------
    ArgumentError
        If the shape is another, a side is too long, or a number is not finite.

    Examples
    --------
    >>> from_array([[0, 1], [-1, 0]]).size
    (2, 2)
    """
    import numpy as np  # planning a network needs the sizes only

    from cnnfilter.kernels.arrays import to_float32

    try:
        given = np.asarray(array)
    except ValueError:
        msg = "a kernel's rows must all have the same length"
        raise ArgumentError(msg) from None
    weights = to_float32(given)
    if weights.ndim not in (2, 3):
        msg = f"a kernel is (kh, kw) or (n, kh, kw), not {show_shape(weights.shape)}"
        raise ArgumentError(msg)
    check_sides(weights.shape[-2], weights.shape[-1])
    bank = weights.tolist() if weights.ndim == 3 else [weights.tolist()]
    return Kernel(name, tuple(tuple(tuple(row) for row in matrix) for matrix in bank))


def check_sides(height: int, width: int) -> None:
    """Raise an `ArgumentError` if a kernel's window is larger than `MAX_SIDE` allows."""
    if max(height, width) > MAX_SIDE:
        msg = f"a kernel of {height}x{width} is too large (at most {MAX_SIDE} on a side)"
        raise ArgumentError(msg)
