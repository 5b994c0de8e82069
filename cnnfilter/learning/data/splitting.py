"""Which pictures are learned from, and which tell how well."""

from __future__ import annotations

import numpy as np

from cnnfilter.errors import ArgumentError
from cnnfilter.learning.data.dataset import Classes, Dataset
from cnnfilter.learning.random import generator
from cnnfilter.messages import listed, quoted


def split(classes: Classes, fraction: float, seed: int) -> tuple[Classes, Classes]:
    """The numbers of the pictures to learn from, and of those held back: of each class the same fraction.

    Parameters
    ----------
    classes : ndarray of int64, (N,)
    fraction : float
        From 0 to below 1. Of each class at least one is learned from.
    seed : int

    Returns
    -------
    training, validation : ndarray of int64
        In rising order.
    """
    order = generator(seed, 0).permutation(len(classes))
    is_held = np.zeros(len(classes), bool)
    for number in np.flatnonzero(np.bincount(classes)):  # np.unique loads all that NumPy has for masked arrays
        mine = order[classes[order] == number]
        is_held[mine[: min(round(len(mine) * fraction), len(mine) - 1)]] = True
    return np.flatnonzero(~is_held), np.flatnonzero(is_held)


def same_labels(training: Dataset, validation: Dataset) -> Dataset:
    """What there is to validate with, its classes numbered as those of what is learned from.

    Raises
    ------
    ArgumentError
        If it has others.
    """
    unknown = [label for label in validation.labels if label not in training.labels]
    if unknown:
        msg = f"the validation part has the classes {listed(unknown)}, which the training part has not"
        raise ArgumentError(msg)
    numbers = np.array([training.labels.index(label) for label in validation.labels])
    validation.classes, validation.labels = numbers[validation.classes], training.labels
    return validation


def told_missing(training: Dataset, classes: Classes) -> str | None:
    """What is told of classes that no picture of the validation part is of; None if there are none."""
    missing = [label for number, label in enumerate(training.labels) if number not in classes]
    if not missing:
        return None
    return f"the validation part has no picture of {', '.join(map(quoted, missing[:5]))}" + ", ..." * (len(missing) > 5)
