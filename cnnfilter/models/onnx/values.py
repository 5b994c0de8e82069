"""What flows along the edges of an ONNX graph, seen from here: arrays that are known, and results of nodes.

ONNX moves axes about freely, where the stages of a network take maps or a vector. So an axis of a result is a row of
*atoms*, each an axis of the maps or a part of one: a result that is transposed, flattened or split into groups is the
same result with its atoms in another order, and a stage is made only where an operator takes it so.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import count
from typing import NamedTuple

from cnnfilter.models.onnx.tensors import Tensor

_unknown = count()

MANY = 16
"""The most lengths that are multiplied: a graph may square a product again and again."""

LONG = 2**63
"""Whole numbers from here on ONNX does not have."""


class UnsupportedError(Exception):
    """An operation that no stage does; the message says why."""


@dataclass(frozen=True)
class Size:
    """A length that is known or not: a number times names of lengths, as `2*H`.

    Parameters
    ----------
    factor : Fraction
    names : tuple of str
        In alphabetical order.
    """

    factor: Fraction
    names: tuple[str, ...] = ()

    @property
    def known(self) -> int | None:
        """The number, if it is one."""
        return None if self.names or self.factor.denominator > 1 else int(self.factor)

    @property
    def is_long(self) -> bool:
        """Whether it is of more names or digits than any network's."""
        return len(self.names) > MANY or max(abs(self.factor.numerator), self.factor.denominator) >= LONG

    def times(self, other: Size) -> Size:
        """The product; of many, which no network has, one that is not known."""
        factor, names = self.factor * other.factor, (*self.names, *other.names)
        made = Size(factor, tuple(sorted(names)))
        return unknown_size() if made.is_long else made

    def over(self, other: Size) -> Size | None:
        """The quotient, if it is a whole number of such names."""
        names = list(self.names)
        for name in other.names:
            if name not in names:
                return None
            names.remove(name)
        factor = self.factor / other.factor if other.factor else Fraction(1, 2)
        return Size(factor, tuple(names)) if factor.denominator == 1 else None

    def __mul__(self, other: object) -> Size:
        return self.times(size_of(other))

    def __add__(self, other: object) -> Size:
        added = size_of(other)
        if not added.factor:
            return self
        return Size(self.factor + added.factor, self.names) if added.names == self.names else unknown_size()

    def __sub__(self, other: object) -> Size:
        return self + size_of(other) * -1

    def __floordiv__(self, other: object) -> Size:
        return self.over(size_of(other)) or unknown_size()

    def __floor__(self) -> Size:
        return self if self.factor.denominator == 1 else unknown_size()

    __ceil__ = __floor__
    __rmul__, __radd__, __truediv__ = __mul__, __add__, __floordiv__


ONE = Size(Fraction(1))


def size_of(value: object) -> Size:
    """A number as a size."""
    return value if isinstance(value, Size) else Size(Fraction(value))  # type: ignore[call-overload]  # a number


def unknown_size(name: str = "") -> Size:
    """A size of which nothing is known but its name, or not even that."""
    return Size(Fraction(1), (name or f"?{next(_unknown)}",))


def product(sizes: Iterable[Size]) -> Size:
    """All of them multiplied."""
    result = ONE
    for size in sizes:
        result = result.times(size)
    return result


class Atom(NamedTuple):
    """An axis of a result, or a part of one.

    `name` is N (the batch), C, H or W of maps, F of a vector; C/o and C/i are the outer and the inner part of C.
    """

    name: str
    size: Size

    @property
    def counts(self) -> bool:
        """Whether it has more than one place, so that it matters where it stands."""
        return self.size != ONE


Axis = tuple[Atom, ...]


class Result(NamedTuple):
    """What a node gives, as an ONNX value.

    Parameters
    ----------
    node : int
        Its number in the network that is built, or that of the input.
    axes : tuple of Axis
        Those of the value, in order.
    order : str
        Of a vector: in which order maps were flattened, as `Dense` has it.
    is_whole : bool
        Whether ONNX computes with it in whole numbers, of which a quotient is one too.
    """

    node: int
    axes: tuple[Axis, ...]
    order: str = "chw"
    is_whole: bool = False

    @property
    def shape(self) -> tuple[Size, ...]:
        """The length of each axis."""
        return tuple(product(atom.size for atom in axis) for axis in self.axes)

    @property
    def names(self) -> list[list[str]]:
        """The atoms that count, by axis."""
        return [[atom.name for atom in axis if atom.counts] for axis in self.axes]

    @property
    def atoms(self) -> dict[str, Atom]:
        """The atoms by name."""
        return {atom.name: atom for axis in self.axes for atom in axis}

    def length(self, name: str) -> Size:
        """How long the axis of an atom is: 1 of one that is left out."""
        atom = self.atoms.get(name)
        return ONE if atom is None else atom.size

    @property
    def is_maps(self) -> bool:
        """Whether it is what stages take as maps: N, C, H, W in this order, or without N."""
        return self._fits("NCHW" if len(self.axes) == 4 else "CHW")

    @property
    def is_vector(self) -> bool:
        """Whether it is what stages take as a vector."""
        return self._fits("NF" if len(self.axes) == 2 else "F")

    def _fits(self, wanted: Sequence[str]) -> bool:
        fits = (set(names) <= {name} for names, name in zip(self.names, wanted, strict=False))
        return len(self.axes) == len(wanted) and all(fits)

    def axis(self, number: int) -> int:
        """An axis counted from 0, of one that may be counted from the end."""
        rank = len(self.axes)
        if not -rank <= number < rank:
            msg = f"has no axis {number} in its input of {rank} axes"
            raise UnsupportedError(msg)
        return number % rank

    def show(self) -> str:
        """Its axes as a message has them: `N x C x H*W`."""
        return " x ".join("*".join(atom.name for atom in axis) or "1" for axis in self.axes)


class Part(NamedTuple):
    """A part of GELU, that of its error function, until the whole is known.

    Parameters
    ----------
    x : Result
        What GELU is of.
    has_one : bool
        Whether 1 is added to the error function.
    is_scaled : bool
        Whether that is multiplied by `x`.
    factor : float
        By what else.
    """

    x: Result
    has_one: bool = False
    is_scaled: bool = False
    factor: float = 1.0


@dataclass(frozen=True)
class Lost:
    """What cannot be told, since an operation before it is not known.

    Parameters
    ----------
    reason : str
    cause : int, optional
        The node that stands for that operation; None where it does not work on the picture.
    """

    reason: str
    cause: int | None = None


Value = Tensor | Result | Part | Lost


def maps_axes(batch: Axis | None, height: Size, width: Size, channels: Size) -> tuple[Axis, ...]:
    """The axes of maps, with the axis of the batch if there is one."""
    sizes = (("C", channels), ("H", height), ("W", width))
    return (*([] if batch is None else [batch]), *((Atom(name, size),) for name, size in sizes))


def vector_axes(batch: Axis | None, length: Size) -> tuple[Axis, ...]:
    """The axes of a vector, with the axis of the batch if there is one."""
    return (*([] if batch is None else [batch]), (Atom("F", length),))
