"""The learned numbers of a stage by their roles, wherever they come from.

A role is PyTorch's name of a parameter: `weight`, `bias`, `running_mean`, `running_var`. Arrays lie as PyTorch's do:
(O, I/groups, kh, kw) of a convolution, (I, O/groups, kh, kw) of a transposed one, (out, in) of a dense layer, (C,) of
a batch normalisation and of a PReLU. What brings NumPy is imported when numbers are first asked for.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

from cnnfilter.errors import ArgumentError, KernelError
from cnnfilter.messages import quoted, show_shape, without_secrets

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from cnnfilter.weights.state import State

    Weights = npt.NDArray[np.float32]

Shape = tuple[int, ...]

OPTIONAL = frozenset({"bias"})
"""The roles that a stage may do without."""

MAX_SEED = 2**32 - 1

BATCHNORM = (("weight", 1.0), ("bias", 0.0), ("running_mean", 0.0), ("running_var", 1.0))
PRELU = (("weight", 0.25),)
"""What `RandomParameters` begins with where nothing is drawn: PyTorch's constants, by their roles."""

_NO_BIAS = "; bias=no is for what has none"
_NO_SHIFT = "; a batchnorm has one, of zeros where nothing was learned"
"""What a message adds where a bias is missing from a state dict: of a stage that multiplies, of a batchnorm."""

_DRAWN = ("weight", "bias")
_BLOCK = 1 << 20


class Parameters(ABC):
    """The learned numbers of one stage."""

    @abstractmethod
    def array(self, role: str, shape: Shape, fan: int | None = None) -> Weights | None:
        """The numbers of a role.

        Parameters
        ----------
        role : str
        shape : tuple of int
            What the stage takes.
        fan : int, optional
            Of a bias: how many numbers each output of its weight sums, `fan_in` of the weight's shape. Random ones
            are drawn by it.

        Returns
        -------
        ndarray or None
            float32, C-contiguous and finite, of exactly this shape, not to be written into; None of an optional role
            that is absent.

        Raises
        ------
        KernelError
            If the numbers are missing, have another shape or cannot be used; one line.
        """

    def check(self, role: str, shape: Shape) -> None:
        """Raise a `KernelError` if there is no array of a role, or of another shape; reads no numbers."""
        return

    def load(self, roles: Collection[str]) -> None:
        """Read the numbers of some roles now, which otherwise are read when they are first needed.

        Raises
        ------
        KernelError
            If they cannot be used.
        """
        return

    def required(self, role: str, shape: Shape) -> Weights:
        """The numbers of a role that no stage does without; see `array`."""
        return cast("Weights", self.array(role, shape))

    def shape(self, role: str) -> Shape | None:
        """The shape of a role's numbers where it is known before a stage asks: a PReLU's may be one for all maps."""
        return None

    def keys(self) -> dict[str, str]:
        """What a stage's text has of it, by key; nothing of what a text cannot tell."""
        return {}


def fan_in(shape: Shape) -> int:
    """How many numbers PyTorch counts as the inputs of a weight: all axes but the first.

    Of a transposed convolution these are its outputs, by which PyTorch draws it all the same.

    Examples
    --------
    >>> fan_in((64, 3, 7, 7))
    147
    """
    return math.prod(shape[1:])


class Arrays(Parameters):
    """Arrays by their roles, as files of whole networks hold them.

    Parameters
    ----------
    arrays : mapping of str to ndarray
        Of real numbers of any type.
    """

    def __init__(self, arrays: Mapping[str, npt.NDArray[np.generic]]) -> None:
        self._arrays = dict(arrays)
        self._converted: dict[str, Weights] = {}

    def array(self, role: str, shape: Shape, fan: int | None = None) -> Weights | None:
        """See `Parameters.array`."""
        self.check(role, shape)
        if role not in self._arrays:
            return None
        if role not in self._converted:
            from cnnfilter.kernels.arrays import to_float32

            try:
                self._converted[role] = to_float32(self._arrays[role], f"its {role}", copy=False)
            except ArgumentError as error:
                raise KernelError(str(error)) from None
            self._arrays[role] = self._converted[role]
        return self._converted[role]

    def check(self, role: str, shape: Shape) -> None:
        """See `Parameters.check`. A bias may be absent."""
        if role in self._arrays:
            check_shape(f"its {role}", self._arrays[role].shape, shape)
        elif role not in OPTIONAL:
            msg = f"there is no {role}"
            raise KernelError(msg)

    def shape(self, role: str) -> Shape | None:
        """See `Parameters.shape`."""
        return self._arrays[role].shape if role in self._arrays else None


class Named(Parameters):
    """The arrays of a state dict whose names begin with a prefix: `conv1.weight` is the weight of `conv1`.

    Parameters
    ----------
    state : State
    prefix : str
        Without the dot; empty where the names are the roles.
    """

    def __init__(self, state: State, prefix: str) -> None:
        self.state = state
        self.prefix = prefix

    def _name(self, role: str) -> str:
        return f"{self.prefix}.{role}" if self.prefix else role

    def array(self, role: str, shape: Shape, fan: int | None = None) -> Weights:
        """See `Parameters.array`; messages name the file. What a stage asks for must be there."""
        self.check(role, shape)
        return self.state.array(self._name(role), shape)

    def check(self, role: str, shape: Shape) -> None:
        """See `Parameters.check`."""
        advice = "" if self.prefix else "; say which layer's with name=NAME"
        if role == "bias" and self.prefix:
            advice = _NO_SHIFT if len(self.shape("weight") or ()) == 1 else _NO_BIAS
        self.state.check(self._name(role), shape, advice)

    def load(self, roles: Collection[str]) -> None:
        """See `Parameters.load`."""
        self.state.load(self._name(""), roles)

    def shape(self, role: str) -> Shape | None:
        """See `Parameters.shape`."""
        return self.state.shape(self._name(role))

    def keys(self) -> dict[str, str]:
        """`weights` and `name`."""
        return {"weights": without_secrets(self.state.source), "name": self.prefix}

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Named) and (self.state is other.state) and self.prefix == other.prefix

    def __hash__(self) -> int:
        return hash((id(self.state), self.prefix))


@dataclass(frozen=True)
class RandomParameters(Parameters):
    """Numbers as PyTorch begins with, the same on every machine.

    Weights and biases are uniform in -b to b, b = 1/sqrt(fan in), which is PyTorch's `kaiming_uniform_(a=sqrt(5))` of
    convolutions, transposed ones and dense layers. They are no numbers of PyTorch's: each role has a stream of its own,
    that of NumPy's `PCG64(SeedSequence([seed, 0]))` for the weight and `[seed, 1]` for the bias, in the order of the
    array in memory, one number of the generator r for each: b*(2*floor(r/2^40)/2^24 - 1), rounded to float32.

    Parameters
    ----------
    seed : int
        From 0 to `MAX_SEED`. Stages of one seed and shape have the same numbers.
    constants : tuple of (str, float)
        The roles of which nothing is drawn, and what they begin with: `BATCHNORM`, `PRELU`.

    Raises
    ------
    ArgumentError
        If the seed is not one.
    """

    seed: int
    constants: tuple[tuple[str, float], ...] = ()
    _made: dict[tuple[str, Shape, int | None], Weights] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    def __post_init__(self) -> None:
        if not 0 <= self.seed <= MAX_SEED:
            msg = f"random must be a whole number from 0 to {MAX_SEED}, not {quoted(self.seed)}"
            raise ArgumentError(msg)

    def array(self, role: str, shape: Shape, fan: int | None = None) -> Weights:
        """See `Parameters.array`."""
        asked = role, shape, fan
        if asked not in self._made:
            self._made[asked] = self._make(role, shape, fan)
        return self._made[asked]

    def _make(self, role: str, shape: Shape, fan: int | None) -> Weights:
        import numpy as np

        for known, value in self.constants:
            if known == role:
                return np.full(shape, value, np.float32)
        if fan is None and len(shape) < 2:
            msg = f"the {role} of {show_shape(shape)} is drawn by the fan of its weight, which is not told"
            raise TypeError(msg)
        bound = 1 / math.sqrt(fan_in(shape) if fan is None else fan)
        generator = np.random.PCG64(np.random.SeedSequence([self.seed, _DRAWN.index(role)]))
        made = np.empty(math.prod(shape), np.float32)
        for begin in range(0, made.size, _BLOCK):
            block = made[begin : begin + _BLOCK]
            upper = (generator.random_raw(block.size) >> np.uint64(40)).astype(np.float64)  # 24 bits: a float32 each
            block[:] = bound * (upper * 2.0**-23 - 1)
        return made.reshape(shape)

    def keys(self) -> dict[str, str]:
        """`random`."""
        return {"random": str(self.seed)}


def check_shape(called: str, shape: Shape, wanted: Shape) -> None:
    """Raise a `KernelError` if an array has another shape than a stage takes."""
    if shape != wanted:
        msg = f"{called} is {show_shape(shape)}, but it must be {show_shape(wanted)}"
        raise KernelError(msg)
