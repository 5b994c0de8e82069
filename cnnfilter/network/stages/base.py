"""What every stage can tell."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

from cnnfilter.errors import ShapeError
from cnnfilter.network.stages.sight import Sight, sliding_sight
from cnnfilter.network.stages.text import Shape, escape
from cnnfilter.sizes import Border, Pads, Pair, output_size

if TYPE_CHECKING:
    from cnnfilter.weights.parameters import Parameters


class Sliding(NamedTuple):
    """How a window moves over maps, its padding in samples: ((above, below), (left, right))."""

    window: Pair
    stride: Pair
    dilation: Pair
    pads: Pads

    @property
    def sights(self) -> tuple[Sight, Sight]:
        """What the windows see along each axis."""
        window, stride, dilation, pads = self
        height, width = (sliding_sight(window[i], stride[i], dilation[i], pads[i][0]) for i in (0, 1))
        return height, width


@dataclass(frozen=True, eq=False, repr=False)
class Stage(ABC):
    """One stage of a chain. What a stage does not override, it does not have: no weights, no window.

    A stage with values is a frozen dataclass itself, of which `eq` and `repr` are left to what stands here: a process
    that makes them for each of 25 classes starts 3 ms later.

    Attributes
    ----------
    takes : str
        What it is for: `maps`, `vector` or `either`. A class must say it, and the next.
    gives : str
        `maps`, `vector`, or `same` as it was given.
    takes_whole : bool
        Whether no row of its result can be made before the last row of its input is there.
    """

    takes: ClassVar[str]
    gives: ClassVar[str]
    takes_whole: ClassVar[bool] = False

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and isinstance(other, Stage) and self._values() == other._values()

    def __hash__(self) -> int:
        return hash((type(self), self._values()))

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self}>"

    def _values(self) -> tuple[Any, ...]:
        return tuple(getattr(self, each.name) for each in fields(self))

    @property
    @abstractmethod
    def name(self) -> str:
        """The word that its text begins with."""

    @abstractmethod
    def output(self, shape: Shape) -> Shape:
        """The size of the result for an input of this size.

        Raises
        ------
        ShapeError
            If such an input does not fit.
        """

    def params(self, shape: Shape) -> int:
        """How many learned numbers there are. A named kernel's are constants, and do not count."""
        return 0

    def macs(self, shape: Shape) -> int:
        """How many multiply-adds it takes, counted as torchinfo does.

        One for each weight and each bias at each place of the result; none for pooling and activations.
        """
        return 0

    def arithmetic(self, shape: Shape) -> str:
        """The formula behind the size with its numbers; one line for each axis that differs."""
        return ""

    @property
    def border(self) -> Border:
        """What the padding of its windows holds: nothing, which is zeros in sums, unless a stage has another."""
        return Border()

    def sliding(self, shape: Shape) -> Sliding | None:
        """How its window moves over such an input, or None if it looks at one sample at a time."""
        return None

    def sights(self, shape: Shape) -> tuple[Sight, Sight] | None:
        """What each value sees of such an input along each axis, or None if it looks at one sample at its own place."""
        sliding = self.sliding(shape)
        return None if sliding is None else sliding.sights

    def sees_all(self, shape: Shape) -> bool:
        """Whether each value of the result depends on all places of the input."""
        return False

    @property
    def runnable(self) -> str | None:
        """Why it can only be planned, or None if it can be run."""
        return None

    def load(self) -> None:
        """Read its weights now, which otherwise are read when they are first needed.

        Raises
        ------
        KernelError, MissingExtraError
            If its file cannot be used, or may be read in two ways whatever arrives.
        """
        return

    def arguments(self) -> list[str]:
        """The arguments of its text, without those that have their default."""
        return []

    def __str__(self) -> str:
        return ":".join([self.name, *self.arguments()])


@dataclass(frozen=True, eq=False, repr=False)
class Learned(Stage):
    """A stage whose numbers are learned, as far as they are not in its text.

    Parameters
    ----------
    learned : Parameters, optional
        Its numbers, by their roles.

    Attributes
    ----------
    initial : tuple of (str, float)
        The roles that training begins with one number in, of `RandomParameters`.
    """

    learned: Parameters | None = field(default=None, kw_only=True)

    initial: ClassVar[tuple[tuple[str, float], ...]] = ()

    @property
    def roles(self) -> tuple[str, ...]:
        """The roles of its learned arrays, whatever arrives."""
        return tuple(dict(self.initial))

    @abstractmethod
    def arrays(self, shape: Shape) -> dict[str, Shape]:
        """The learned arrays over such an input: their shapes, by their roles."""

    def check_learned(self, shape: Shape) -> None:
        """Raise a `KernelError` if its numbers, where it has them, do not fit such an input; none are read."""
        if self.learned is not None:
            for role, wanted in self.arrays(shape).items():
                self.learned.check(role, wanted)

    def load(self) -> None:
        """Read its numbers, if they are in a file."""
        if self.learned is not None:
            self.learned.load(self.roles)

    def learned_arguments(self) -> list[str]:
        """How its text tells where its numbers are from."""
        keys = {} if self.learned is None else self.learned.keys()
        return [f"{key}={escape(value)}" for key, value in keys.items()]


def unknown(stage: Stage, aspect: str) -> TypeError:
    """The error of an aspect that was told nothing of a stage's class.

    What another room does with stages is a `functools.singledispatch` there, an *aspect*: its default raises this, so
    that no stage is taken for another. A test holds every stage against every aspect.
    """
    return TypeError(f"{aspect} has no entry for the stage {type(stage).__name__}")


def maps(shape: Shape, stage: Stage) -> tuple[int, int, int]:
    """A size that must be that of maps.

    Raises
    ------
    ShapeError
        If it is that of a vector.
    """
    if len(shape) != 3:
        msg = f"takes maps (H, W, C), not a vector of {shape[0]}; put {stage.name} before flatten and dense"
        raise ShapeError(msg)
    return shape[0], shape[1], shape[2]


def grouped(number: int, count: int, channels: int, groups: int) -> range:
    """The channels that one of `count` maps is made of, where these and the channels are in so many groups.

    Examples
    --------
    >>> grouped(5, 8, 4, 2)
    range(2, 4)
    """
    inputs = channels // groups
    first = number * groups // count * inputs
    return range(first, first + inputs)


def size_arithmetic(size: Pair, sliding: Sliding, *, ceil_mode: bool = False) -> str:
    """The size formula with its numbers, a line for each axis or one for both.

    Examples
    --------
    >>> size_arithmetic((28, 28), Sliding((3, 3), (1, 1), (1, 1), ((0, 0), (0, 0))))
    'floor((28 + 2*0 - 3)/1) + 1 = 26'
    """
    window, stride, dilation, pads = sliding
    lines = [axis_arithmetic(size[i], window[i], stride[i], dilation[i], pads[i], ceil_mode=ceil_mode) for i in (0, 1)]
    return lines[0] if lines[0] == lines[1] else f"height: {lines[0]}\nwidth: {lines[1]}"


def axis_arithmetic(n: int, window: int, stride: int, dilation: int, pads: Pair, *, ceil_mode: bool = False) -> str:
    """The size formula of one axis with its numbers, and the quotient where it is not whole.

    Examples
    --------
    >>> axis_arithmetic(28, 3, 2, 1, (0, 0))
    'floor((28 + 2*0 - 3)/2) + 1 = floor(12.5) + 1 = 13'
    """
    begin, end = pads
    out = output_size(n, window, stride=stride, padding=pads, dilation=dilation, ceil_mode=ceil_mode)
    padding = f"2*{begin}" if begin == end else f"{begin} + {end}"
    span = f"{window}" if dilation == 1 else f"{dilation}*({window} - 1) - 1"
    rounded = "ceil" if ceil_mode else "floor"
    room = n + begin + end - dilation * (window - 1) - 1
    # PyTorch's rule: what ceil adds may not begin in the padding at the end
    added = "1 - 1" if ceil_mode and -(-room // stride) + 1 > out else "1"
    quotient = f"{rounded}({_quotient(room, stride)}) + {added} = " if room % stride else ""
    return f"{rounded}(({n} + {padding} - {span})/{stride}) + {added} = {quotient}{out}"


def _quotient(number: int, divisor: int) -> str:
    """A quotient that is not whole in at most two decimals, which never round it to a whole number."""
    whole = number // divisor
    return f"{min(max(number / divisor, whole + 0.01), whole + 0.99):.2f}".rstrip("0")


def params_arithmetic(window: Iterable[int], count: int, *, biased: bool) -> str:
    """How many numbers are learned: for each of `count` results a weight for each of the inputs, and a bias.

    Examples
    --------
    >>> params_arithmetic((3, 3, 1), 32, biased=True)
    'params: (3*3*1 + 1)*32 = 320'
    """
    sizes = tuple(window)
    product = "*".join(map(str, sizes))
    weights = f"({product} + 1)" if biased else product
    return f"params: {weights}*{count} = {(math.prod(sizes) + biased) * count}"


def size_formula(sliding: Sliding) -> str:
    """The size formula itself, no longer than such padding and dilation need.

    Examples
    --------
    >>> size_formula(Sliding((3, 3), (1, 1), (1, 1), ((0, 0), (0, 0))))
    'floor((n + 2p - k)/s) + 1'
    """
    padding = "2p" if all(begin == end for begin, end in sliding.pads) else "begin + end"
    span = "k" if sliding.dilation == (1, 1) else "d*(k - 1) - 1"
    return f"floor((n + {padding} - {span})/s) + 1"


def dropped(n: int, out: int, axis: int, sliding: Sliding) -> int:
    """How many samples at the end of a padded axis no window reaches: those that the floor drops."""
    span = sliding.dilation[axis] * (sliding.window[axis] - 1) + 1
    return max(n + sum(sliding.pads[axis]) - (out - 1) * sliding.stride[axis] - span, 0)  # below 0 with ceil_mode
