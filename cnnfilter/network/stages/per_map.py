"""Stages with learned numbers for each map, or for each element of a vector."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from cnnfilter.errors import ArgumentError, KernelError
from cnnfilter.network.stages.base import Learned
from cnnfilter.network.stages.pointwise import SameSize, check_finite
from cnnfilter.network.stages.text import Shape
from cnnfilter.text.numbers import show_number
from cnnfilter.weights.parameters import BATCHNORM, PRELU

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from cnnfilter.weights.parameters import Weights

    Doubles = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False, repr=False)
class EachMap(Learned, SameSize):
    """A stage whose result is of the same size, with learned numbers for each map."""

    def length(self, channels: int) -> int:
        """How many numbers it has of a kind for so many maps."""
        return channels

    def arrays(self, shape: Shape) -> dict[str, Shape]:
        """The learned arrays over such an input: their shapes, by their roles."""
        return dict.fromkeys(dict(self.initial), (self.length(shape[-1]),))

    def by_role(self, channels: int) -> dict[str, Weights]:
        """Its numbers for so many maps, by PyTorch's names for them.

        Raises
        ------
        ArgumentError
            If they are unknown.
        KernelError, MissingExtraError
            If some are missing or cannot be used.
        """
        import numpy as np  # sizes alone do not need it

        if self.learned is None:
            raise ArgumentError(self.runnable)
        found = {}
        for role, shape in self.arrays((channels,)).items():
            known = self.learned.array(role, shape)
            found[role] = np.zeros(shape, np.float32) if known is None else known
        return found

    def macs(self, shape: Shape) -> int:
        """One for each learned number, as torchinfo counts: only of convolutions does it count one at each place."""
        return self.params(shape)

    @property
    def runnable(self) -> str | None:
        """Without its numbers it cannot be run."""
        if self.learned is not None:
            return None
        return f"{self} has no learned numbers; weights=FILE names some, random=1 those that learning begins with"


class Normalization(NamedTuple):
    """The numbers of a batch normalization, (C,) float64 each; `deviation` is ``sqrt(variance + epsilon)``."""

    weight: Doubles
    bias: Doubles
    mean: Doubles
    variance: Doubles
    deviation: Doubles


@dataclass(frozen=True, eq=False, repr=False)
class BatchNorm(EachMap):
    """``(x - mean) / sqrt(variance + epsilon) * weight + bias`` with a number of each for each map.

    Ioffe and Szegedy, Batch Normalization, 2015.

    Parameters
    ----------
    epsilon : float
    learned : Parameters, optional
        `weight`, `bias` (0 if absent), `running_mean` and `running_var`, each (C,). The last two do not count as
        learned: they are measured.

    Raises
    ------
    ArgumentError
        If `epsilon` is below 0 or not finite.
    """

    epsilon: float = 1e-5

    name = "batchnorm"
    initial = BATCHNORM

    def __post_init__(self) -> None:
        check_finite("epsilon", self.epsilon)
        if self.epsilon < 0:
            msg = f"epsilon must be at least 0, not {show_number(self.epsilon)}"
            raise ArgumentError(msg)

    def params(self, shape: Shape) -> int:
        """A weight and a bias for each map."""
        return 2 * shape[-1]

    def arithmetic(self, shape: Shape) -> str:
        """The formula of the learned numbers, with its numbers."""
        return f"params: 2*{shape[-1]} = {self.params(shape)}"

    def numbers(self, channels: int) -> Normalization:
        """Its numbers for so many maps.

        Raises
        ------
        ArgumentError, KernelError, MissingExtraError
            If they are unknown, or some are missing or cannot be used.
        """
        import numpy as np

        weight, bias, mean, variance = (each.astype(np.float64) for each in self.by_role(channels).values())
        squares = variance + self.epsilon
        if not squares.min() > 0:
            number = int(squares.argmin())
            msg = (
                f"the running_var of map {number} is {variance[number]:.6g}; with the epsilon of "
                f"{show_number(self.epsilon)} it must be above 0"
            )
            raise KernelError(msg)
        return Normalization(weight, bias, mean, variance, np.sqrt(squares))

    def scale_and_shift(self, channels: int) -> tuple[Doubles, Doubles]:
        """What it multiplies the values of each map by, and what it then adds, (C,) float64 each.

        Raises
        ------
        ArgumentError, KernelError, MissingExtraError
            As for `numbers`.
        """
        weight, bias, mean, _, deviation = self.numbers(channels)
        scale = weight / deviation
        return scale, bias - mean * scale

    def arguments(self) -> list[str]:
        """What is not default, then where the numbers are from."""
        epsilon = [f"epsilon={show_number(self.epsilon)}"] if self.epsilon != BatchNorm.epsilon else []
        return [*epsilon, *self.learned_arguments()]


@dataclass(frozen=True, eq=False, repr=False)
class PReLU(EachMap):
    """``x`` from 0 on, below it a learned slope times ``x`` (He et al., Delving Deep into Rectifiers, 2015).

    Parameters
    ----------
    shared : bool
        Whether there is one slope for all maps instead of one for each; where slopes are given, these tell it.
    learned : Parameters, optional
        `weight`, (C,) or (1,).
    """

    shared: bool = False

    name = "prelu"
    initial = PRELU

    def length(self, channels: int) -> int:
        """How many slopes it has for so many maps."""
        one = self.shared or (self.learned is not None and self.learned.shape("weight") == (1,))
        return 1 if one else channels

    def params(self, shape: Shape) -> int:
        """The slopes."""
        return self.length(shape[-1])

    def arithmetic(self, shape: Shape) -> str:
        """How many slopes are learned."""
        return f"params: {self.params(shape)}"

    def slopes(self, channels: int) -> Weights:
        """A slope for each of so many maps, or one for all.

        Raises
        ------
        ArgumentError, KernelError, MissingExtraError
            If they are unknown, missing or cannot be used.
        """
        return self.by_role(channels)["weight"]

    def arguments(self) -> list[str]:
        """What is not default, then where the numbers are from."""
        return [*(["shared=yes"] if self.shared else []), *self.learned_arguments()]
