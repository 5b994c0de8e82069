"""How a network is trained, as a person asks for it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from cnnfilter.errors import ArgumentError
from cnnfilter.learning.data.augmenting import parse_augment
from cnnfilter.messages import either, quoted
from cnnfilter.text.numbers import FLOAT32_MAX
from cnnfilter.text.values import one_of, whole_number
from cnnfilter.weights.parameters import MAX_SEED

NAMES = ("sgd", "momentum", "adam")
"""The optimisers; `optimisers` has them, which planning does not load."""

MAX_EPOCHS, MAX_BATCH = 10_000, 1 << 20


@dataclass(frozen=True)
class Settings:
    """How a network is trained.

    Parameters
    ----------
    epochs : int
        How often all pictures are learned from.
    batch : int
        How many of them at a time.
    rate : float
        The learning rate.
    optimizer : str
        One of `NAMES`.
    weight_decay : float
        L2: this part of each number is added to its gradient.
    augment : str
        Such as `flip,shift=2`.
    fraction : float
        How much of the pictures is held back to validate with, where no others are there for it.
    seed : int
    freeze : tuple of str
        The nodes, by name or number, whose numbers stay as they are.

    Raises
    ------
    ArgumentError
        If one is outside its limits.
    """

    epochs: int = 10
    batch: int = 64
    rate: float = 0.001
    optimizer: str = "adam"
    weight_decay: float = 0.0
    augment: str = ""
    fraction: float = 0.1
    seed: int = 0
    freeze: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        whole_number(self.epochs, either("--epochs", "epochs"), 1, MAX_EPOCHS)
        whole_number(self.batch, either("--batch", "batch"), 1, MAX_BATCH)
        whole_number(self.seed, either("--seed", "seed"), 0, MAX_SEED)
        one_of(self.optimizer, "optimizer", NAMES)
        parse_augment(self.augment)
        _check(self.rate, either("--lr", "lr"), "above 0 and below 3.4e38", above=True)
        _check(self.weight_decay, either("--weight-decay", "weight_decay"), "from 0 to below 3.4e38")
        _check(self.fraction, either("--validation", "validation"), "from 0 to below 1", below=1)

    def told(self) -> dict[str, Any]:
        """All of them, as JSON holds them."""
        return {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(self).items()}


def _check(value: object, name: str, limits: str, *, above: bool = False, below: float = FLOAT32_MAX) -> None:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not (is_number and 0 <= value < below) or (above and value == 0):  # type: ignore[operator]  # a number by then
        msg = f"{name} must be a number {limits}, not {quoted(value)}"
        raise ArgumentError(msg)
