"""Training: batches forward, deltas back, numbers moved; after each epoch, how well what was held back is named."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np

from cnnfilter.engine.groups import Array
from cnnfilter.errors import ArgumentError
from cnnfilter.learning.data.augmenting import augmented, check_augment, parse_augment
from cnnfilter.learning.data.dataset import Classes
from cnnfilter.learning.losses import loss
from cnnfilter.learning.network import Trainable, rectified_late, scores
from cnnfilter.learning.optimisers import OPTIMISERS
from cnnfilter.learning.parts import Part, Parts
from cnnfilter.learning.random import CHANGES, ORDER, generator
from cnnfilter.learning.settings import Settings
from cnnfilter.messages import listed, quoted
from cnnfilter.network.graph import Network

LOSS = "cross-entropy"


class Figures(NamedTuple):
    """What was reached in an epoch.

    Parameters
    ----------
    epoch : int
        Counted from 1.
    loss, accuracy : float
        Means over the pictures, as they were learned from.
    validation_loss, validation_accuracy : float, optional
        Over those held back, after the epoch; None where there are none.
    """

    epoch: int
    loss: float
    accuracy: float
    validation_loss: float | None = None
    validation_accuracy: float | None = None

    @property
    def goodness(self) -> tuple[float, float]:
        """What is larger of a better epoch."""
        if self.validation_loss is None or self.validation_accuracy is None:
            return 0.0, -self.loss
        return self.validation_accuracy, -self.validation_loss


class Step(NamedTuple):
    """What was reached so far in an epoch: of `total` pictures `done`, and the mean loss and accuracy over these."""

    epoch: int
    done: int
    total: int
    loss: float
    accuracy: float


class Best(NamedTuple):
    """The best epoch so far: its figures, its numbers, and the classes told (columns) of each class (rows)."""

    figures: Figures
    parameters: dict[str, Array]
    confusion: list[list[int]]


class Learner:
    """A network that is trained, epoch by epoch.

    Parameters
    ----------
    network : Network
        What learns, without the stages that prepare pictures; it ends in softmax, and all in it has numbers.
    parts : Parts
    settings : Settings
    threads : int
        Results do not depend on it.
    frozen : mapping of str to str
        The nodes whose numbers stay as they are, by what the person calls them.

    Raises
    ------
    CnnfilterError
        If a stage has no gradient, or cannot be frozen.

    Attributes
    ----------
    epoch : int
        How many are done.
    history : list of Figures
    best : Best, optional
    problem : str, optional
        Why training ended before its time, if it did.
    """

    def __init__(
        self, network: Network, parts: Parts, settings: Settings, threads: int, frozen: Mapping[str, str | None]
    ) -> None:
        self.parts, self.settings = parts, settings
        training = parts.training.prepared
        self._changes = parse_augment(settings.augment)
        check_augment(self._changes, training.shape)
        self._ends = training.ends() if self._changes else None
        self.net = Trainable(
            rectified_late(scores(network, "softmax")),
            training.shape,
            scale=training.scale,
            threads=threads,
            seed=settings.seed,
        )
        self.optimiser = OPTIMISERS[settings.optimizer](settings.rate, settings.weight_decay)
        self._freeze(frozen)
        self.epoch = 0
        self.history: list[Figures] = []
        self.best: Best | None = None
        self.problem: str | None = None

    def _freeze(self, names: Mapping[str, str | None]) -> None:
        nodes = {known: known.rpartition(".")[0] for known in self.net.parameters if known in self.net.learns}
        for each, name in names.items():
            frozen = {known for known, node in nodes.items() if node == name}
            if not frozen:
                others = listed([*dict.fromkeys(nodes.values())])
                msg = f"{quoted(each)} has nothing that learns, to freeze; these have: {others}"
                raise ArgumentError(msg)
            self.net.learns -= frozen
        if not self.net.learns:
            msg = "all that learns is frozen"
            raise ArgumentError(msg)

    def epochs(self, wants_stop: Callable[[], bool] = lambda: False) -> Iterator[Step | Figures]:
        """Train for the epochs that are left, and give what is reached after each batch and each epoch.

        Parameters
        ----------
        wants_stop : callable
            Is asked before each batch whether to end here; what the epoch has learned so far is then lost.
        """
        while self.epoch < self.settings.epochs:
            for step in self._steps(wants_stop):
                yield step
            if self.problem is not None:
                return
            figures = Figures(self.epoch + 1, step.loss, step.accuracy)
            confusion: list[list[int]] = []
            if len(self.parts.validation):
                value, confusion = self._validate(self.parts.validation)
                right = sum(row[number] for number, row in enumerate(confusion))
                figures = figures._replace(
                    validation_loss=value, validation_accuracy=right / len(self.parts.validation)
                )
                if not math.isfinite(value):
                    self.problem = self._told("validation")
                    return
            self.epoch += 1
            self.history.append(figures)
            if self.best is None or figures.goodness > self.best.figures.goodness:
                numbers = {name: value.copy() for name, value in self.net.parameters.items()}
                self.best = Best(figures, numbers, confusion)
            yield figures

    def _steps(self, wants_stop: Callable[[], bool]) -> Iterator[Step]:
        part, settings = self.parts.training, self.settings
        order = generator(settings.seed, ORDER, self.epoch).permutation(part.numbers)
        total, right, done = 0.0, 0, 0
        for begin in range(0, len(order), settings.batch):
            if wants_stop():
                self.problem = "interrupted"
                return
            numbers = order[begin : begin + settings.batch]
            maps = part.prepared.maps(numbers)
            if self._ends is not None:
                draw = generator(settings.seed, CHANGES, self.epoch, begin)
                maps = augmented(maps, self._changes, draw, self._ends)
            classes = part.classes[numbers]
            results = self.net.forward(maps, training=True)
            value, delta = _loss(results, classes)
            if not math.isfinite(value):
                self.problem = self._told(f"batch {begin // settings.batch + 1}")
                return
            gradients, _ = self.net.backward(delta, wanted=False)
            self.optimiser.step(self.net.parameters, gradients)
            done += len(numbers)
            total += value * len(numbers)
            right += int((results.argmax(axis=1) == classes).sum())
            yield Step(self.epoch + 1, done, len(order), total / done, right / done)

    def _told(self, where: str) -> str:
        """Where the loss is no number any more, and what was behind it."""
        numbers = self.net.parameters.items()
        name = next((name for name, value in numbers if not np.isfinite(value).all()), None)
        why = "results grow beyond float32" if name is None else f"{name} holds numbers that are not finite"
        return (
            f"the loss is not finite in epoch {self.epoch + 1}, {where}: {why}; try a smaller learning rate than "
            f"{self.settings.rate:g}"
        )

    def _validate(self, part: Part) -> tuple[float, list[list[int]]]:
        """The mean loss over a part, and how often each class (row) was told as each (column)."""
        count = len(self.parts.labels)
        confusion = np.zeros((count, count), np.int64)
        total = 0.0
        for begin in range(0, len(part), self.settings.batch):
            numbers = part.numbers[begin : begin + self.settings.batch]
            results, classes = self.net.forward(part.prepared.maps(numbers)), part.classes[numbers]
            total += _loss(results, classes)[0] * len(numbers)
            np.add.at(confusion, (classes, results.argmax(axis=1)), 1)
        told: list[list[int]] = confusion.tolist()
        return total / len(part), told

    def facts(self) -> dict[str, Any]:
        """What is told of the training in what is saved: the same whenever and wherever it was done."""
        training, validation = self.parts.training, self.parts.validation
        return {
            "settings": self.settings.told(),
            "pictures": len(training),
            "validation_pictures": len(validation),
            "history": [figures._asdict() for figures in self.history],
            "best": None if self.best is None else self.best.figures._asdict(),
            "confusion": None if self.best is None else self.best.confusion,
        }


def _loss(results: Array, classes: Classes) -> tuple[float, Array]:
    with np.errstate(all="ignore"):  # whether it is finite is asked of the value
        return loss(LOSS, results, classes)
