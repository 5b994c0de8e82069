"""The parts of an explanation: what one stage did to make one value. Plain data, ready for a board or for JSON."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any, ClassVar

from numpy.typing import NDArray

from cnnfilter.explanation.regions import Place

Numbers = tuple[float, ...]
Matrix = tuple[Numbers, ...]


def matrix(values: NDArray[Any]) -> Any:
    """A matrix as nested tuples of Python's numbers."""
    return tuple(map(tuple, values.tolist()))


Told = tuple[int, str | None, str, Place, float]
"""What every `Step` begins with: number, name, stage, place and value."""


@dataclass(frozen=True)
class Window:
    """What a window holds of one channel of a stage's input.

    Attributes
    ----------
    channel : int
    rows, columns : tuple of int
        Where its taps lie in the stage's input; below 0, or beyond the last, in the padding.
    values : matrix
    padding : matrix of bool
        Which taps lie in the padding.
    """

    channel: int
    rows: tuple[int, ...]
    columns: tuple[int, ...]
    values: Matrix
    padding: tuple[tuple[bool, ...], ...]


@dataclass(frozen=True)
class ChannelSum:
    """A window times a kernel, tap by tap, and the sum."""

    window: Window
    kernel: Matrix
    products: Matrix
    sum: float


@dataclass(frozen=True)
class FilterSum:
    """One filter's sums over the channels that it looks at.

    `total` is the sum over the channels, `value` that times the scale.
    """

    channels: tuple[ChannelSum, ...]
    total: float
    scale: Fraction | float
    value: float


@dataclass(frozen=True)
class Step:
    """What one stage did.

    Attributes
    ----------
    kind : str
        What JSON calls it.
    number : int
        The stage's, counted from 1.
    name : str, optional
        What the stage is called.
    stage : str
        Its text.
    at : tuple of int
        The place of the value in the stage's output: (row, column, map), or (index,) of a vector.
    value : float
    follows : tuple of int, optional
        The place in the stage's input of what counts most, which the next step explains; None where all that
        counts lies in the padding.
    """

    kind: ClassVar[str]
    number: int
    name: str | None
    stage: str
    at: Place
    value: float
    follows: Place | None

    @property
    def followed(self) -> int:
        """Which of the results that the stage reads `follows` is a place in."""
        return 0


@dataclass(frozen=True)
class Convolved(Step):
    """A convolution: its value is the combined filters plus the bias.

    `combine` is None for one filter, else `"magnitude"` or `"maximum"`.
    """

    kind = "convolution"

    filter: str
    filters: tuple[FilterSum, ...]
    combine: str | None
    bias: float


@dataclass(frozen=True)
class Transposed(Convolved):
    """A transposed convolution: the samples that reach the place, each times the weight that it meets there.

    `kernel_rows` and `kernel_columns` are those of the kernel that the rows and columns of the windows meet. A sample
    of row i and the kernel's row m come to row ``i * stride - padding + m * dilation``.
    """

    kind = "transposed"

    kernel_rows: tuple[int, ...]
    kernel_columns: tuple[int, ...]
    stride: tuple[int, int]
    padding: tuple[int, int]
    dilation: tuple[int, int]


@dataclass(frozen=True)
class Resampled(Step):
    """A weighted mean of a few samples of the same map, which `samples` has with their weights."""

    kind = "resample"

    samples: ChannelSum


@dataclass(frozen=True)
class Copied(Step):
    """A value that only moved, or, where it follows none, the constant that padding holds."""

    kind = "copy"


@dataclass(frozen=True)
class Pooled(Step):
    """A window's largest value, its mean or its sum.

    `sum` is that of the window, None for the largest; `divisor` is 1 but for a mean.
    """

    kind = "pool"

    pool: str
    window: Window
    sum: float | None
    divisor: int


@dataclass(frozen=True)
class Averaged(Step):
    """The mean of a whole map: `sum` over `count` values."""

    kind = "mean"

    sum: float
    count: int


@dataclass(frozen=True)
class Largest(Step):
    """The largest of a whole map's `count` values."""

    kind = "largest"

    count: int


@dataclass(frozen=True)
class Pointwise(Step):
    """A function of one or a few values of one place.

    `formula` has the numbers in it, and lacks only ` = value`.
    """

    kind = "function"

    inputs: Numbers
    formula: str


@dataclass(frozen=True)
class Joined(Step):
    """What results of several stages gave together, sample by sample; or the one that a joined map is from.

    Attributes
    ----------
    reads : tuple of int
        The stages that are joined, by number, 0 the picture.
    inputs : tuple of float
        Their values, in the same order; of maps joined one after the other, the one that counts.
    formula : str
        It has the numbers in it, and lacks only ` = value`.
    source : int
        Which of `reads` the next step explains.
    """

    kind = "join"

    reads: tuple[int, ...]
    inputs: Numbers
    formula: str
    source: int

    @property
    def followed(self) -> int:
        """The source."""
        return self.source


@dataclass(frozen=True)
class Flattened(Step):
    """A value that only moved, from its place in the maps to one in a vector."""

    kind = "flatten"


@dataclass(frozen=True)
class Responded(Step):
    """A value over a power of the sum of the squares of some maps at its place, `first` and those that follow.

    `formula` has the numbers in it, and lacks only ` = value`.
    """

    kind = "lrn"

    first: int
    inputs: Numbers
    squares: Numbers
    sum: float
    formula: str


@dataclass(frozen=True)
class Multiplied(Step):
    """A dense stage's row of weights times its vector: `products[i] = weights[i] * inputs[i]`, `total` their sum."""

    kind = "dense"

    inputs: Numbers
    weights: Numbers
    products: Numbers
    total: float
    bias: float


@dataclass(frozen=True)
class Softmaxed(Step):
    """Powers of e, shifted by the largest input, over their sum."""

    kind = "softmax"

    inputs: Numbers
    largest: float
    powers: Numbers
    sum: float
