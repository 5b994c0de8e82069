"""The pictures that are learned from and those that tell how well, both prepared."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from cnnfilter.errors import ArgumentError
from cnnfilter.learning.data.dataset import Classes, Dataset
from cnnfilter.learning.data.preparing import Prepared, Progress, readable_ones
from cnnfilter.learning.data.splitting import same_labels, split, told_missing
from cnnfilter.messages import quoted, show_shape
from cnnfilter.network.graph import Network

MOST_TOLD = 3
"""How many unreadable pictures are told of by name."""

Preparing = Callable[[Network], Callable[..., Prepared]]


@dataclass
class Part:
    """Pictures, by their numbers among those of a source.

    Parameters
    ----------
    prepared : Prepared
    numbers : ndarray of int64, (n,)
    classes : ndarray of int64
        Of all pictures of the source.
    """

    prepared: Prepared
    numbers: Classes
    classes: Classes

    def __len__(self) -> int:
        return len(self.numbers)


@dataclass
class Parts:
    """Both parts.

    Parameters
    ----------
    training, validation : Part
        The second may hold none.
    labels : tuple of str
    notes : tuple of str
        What a person should know of them.
    """

    training: Part
    validation: Part
    labels: tuple[str, ...]
    notes: tuple[str, ...]

    def mark(self) -> str:
        """What tells these pictures from others: a digest of how many there are, of which classes, in which part."""
        digest = hashlib.sha256(repr((self.labels, self.training.prepared.shape)).encode())
        for part in (self.training, self.validation):
            digest.update(part.numbers.tobytes() + part.classes.tobytes())
            if len(part):
                digest.update(part.prepared.maps(part.numbers[:1]).tobytes())
        return digest.hexdigest()


def parts_of(
    dataset: Dataset, stages: Network, *, fraction: float, seed: int, memory: int, threads: int, progress: Progress
) -> Parts:
    """Both parts of a dataset: what it has to validate with, or else a fraction of all.

    Raises
    ------
    ArgumentError, ShapeError, PictureError
        If it cannot be learned from.
    """
    if len(dataset.labels) < 2:
        msg = (
            f"all pictures to learn from are of one class, {quoted(dataset.labels[0])}; it takes two to tell them apart"
        )
        raise ArgumentError(msg)
    notes = list(dataset.notes)
    other = dataset.validation
    share = len(dataset) / (len(dataset) + (0 if other is None else len(other)))
    first, usable = _prepared(dataset, stages, int(memory * share), threads, progress, notes)
    classes = dataset.classes
    if other is None:
        places, held = split(classes[usable], fraction, seed)
        training, validation = Part(first, usable[places], classes), Part(first, usable[held], classes)
    else:
        other = same_labels(dataset, other)
        notes += other.notes
        second, there = _prepared(other, stages, int(memory * (1 - share)), threads, progress, notes)
        if second.shape != first.shape:
            msg = (
                f"the pictures of the validation part are {show_shape(second.shape)}, and those of the training part "
                f"{show_shape(first.shape)} (height x width x channels); put resize:HxW before the stages"
            )
            raise ArgumentError(msg)
        training, validation = Part(first, usable, classes), Part(second, there, other.classes)
    counts = np.bincount(classes[training.numbers], minlength=len(dataset.labels))
    if gone := [dataset.labels[number] for number in np.flatnonzero(counts == 0)]:
        msg = f"no picture of {', '.join(map(quoted, gone[:MOST_TOLD]))} can be read"
        raise ArgumentError(msg)
    if other is None and fraction and not len(validation):
        notes.append(
            f"there are too few pictures to hold back {fraction:g} of each class: none tells how well it learned"
        )
    if len(validation) and (missing := told_missing(dataset, validation.classes[validation.numbers])):
        notes.append(missing)
    return Parts(training, validation, dataset.labels, tuple(notes))


def _prepared(
    dataset: Dataset, stages: Network, memory: int, threads: int, progress: Progress, notes: list[str]
) -> tuple[Prepared, Classes]:
    prepared = Prepared(dataset.source, stages, memory, threads)
    for done in prepared.survey():
        progress(done, len(dataset))
    bad = prepared.unreadable
    notes += [reason for _, reason in bad[:MOST_TOLD]]
    if bad:
        notes.append(f"left out: {len(bad)} of {len(dataset)} pictures cannot be read")
    return prepared, np.array(readable_ones(prepared, len(dataset)), np.int64)
