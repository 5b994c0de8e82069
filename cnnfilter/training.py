"""Networks that learn, as programs and notebooks hold them."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from os import PathLike
from typing import Any

from cnnfilter.addresses.address import text_of
from cnnfilter.batch.memory import default_memory
from cnnfilter.engine.bands import available_threads
from cnnfilter.errors import ArgumentError, CnnfilterWarning
from cnnfilter.learning.beginning import Begun, begin
from cnnfilter.learning.data.arrays import given
from cnnfilter.learning.data.dataset import Dataset
from cnnfilter.learning.data.reading import read_data
from cnnfilter.learning.settings import Settings
from cnnfilter.learning.training import Figures, Step
from cnnfilter.messages import quoted
from cnnfilter.pipeline import Pipeline
from cnnfilter.text.values import file_path, switch, whole_number
from cnnfilter.weights.kinds import renew
from cnnfilter.writing.write import Writing, write_atomically


class Training:
    """What came of a training.

    Attributes
    ----------
    pipeline : Pipeline
        The network with the numbers of its best epoch, and with all stages that prepare a picture.
    history : list of dict
        Of each epoch `epoch`, `loss`, `accuracy`, `validation_loss` and `validation_accuracy`, the last two None where
        nothing was held back.
    best : dict
        That of the best epoch: with the highest validation accuracy, or without one the lowest loss.
    labels : tuple of str
        The names of the classes.
    confusion : list of list of int
        How often each class (row) of what was held back was told as each (column), by the best epoch.
    problem : str or None
        Why it ended before its time, if it did.
    """

    def __init__(self, begun: Begun) -> None:
        learner = begun.learner
        self._begun = begun
        self.pipeline = Pipeline(begun.network())
        self.history = [figures._asdict() for figures in learner.history]
        self.labels, self.problem = begun.labels, learner.problem
        assert learner.best is not None
        self.best, self.confusion = learner.best.figures._asdict(), learner.best.confusion

    def save(self, path: str | PathLike[str], *, overwrite: bool = False) -> None:
        """Write the network with its numbers, preparation, labels and figures into one file.

        Parameters
        ----------
        path : str or path
            Ending in `.npz` or `.safetensors`; or an address.
        overwrite : bool
            Whether an existing file is replaced.

        Raises
        ------
        ArgumentError
            If it ends in something else.
        ExistsError, OutputError
            If it exists, or cannot be written.
        """
        target, replaces = file_path(path), switch(overwrite, "overwrite")
        write_atomically(target, self._begun.file(target.suffix), Writing(overwrite=replaces))

    def __repr__(self) -> str:
        return f"<Training of {len(self.history)} epochs, the best {self.best}>"


def train(
    stages: str | Pipeline,
    data: Any,
    *,
    validation: Any = None,
    epochs: int = 10,
    batch: int = 64,
    lr: float = 0.001,
    optimizer: str = "adam",
    weight_decay: float = 0.0,
    augment: str = "",
    source: str | PathLike[str] | Pipeline | None = None,
    freeze: Sequence[str] = (),
    seed: int = 0,
    memory: int | None = None,
    threads: int | None = None,
    progress: Callable[[Step | Figures], object] | None = None,
) -> Training:
    """Train a network to tell classes of pictures apart.

    Parameters
    ----------
    stages : str or Pipeline
        What is learned: the stages of sizes, such as `conv:8@3x3` and `dense:10`, whose last one gets as many values as
        there are classes. `normalize` is put first unless it is among them, `softmax` last; and before all, unless
        stages do it, what brings any picture to the size and the channels of those that were learned from.
    data : str, path or (pictures, classes)
        A folder with a folder for each class, a `.npz` such as Keras's `mnist.npz`, an IDX file, a `.csv` of files and
        labels; or the address of one of these, such as `"s3://photos/pets"`; or arrays, (N, H, W) or (N, H, W, C) and
        (N,).
    validation : float, or as `data`, optional
        The fraction that is held back, 0.1 by default where the data brings nothing to validate with; or other data.
    epochs, batch : int
        How often all pictures are learned from, and how many of them at a time.
    lr, weight_decay : float
    optimizer : {"sgd", "momentum", "adam"}
        As PyTorch's; `momentum` is SGD with 0.9.
    augment : str
        How each picture is changed by chance, words joined by commas: `flip`, `upside`, `turn`, `shift=N`, `rotate=N`,
        `zoom=N`, `brightness=N`, `contrast=N`, `saturation=N`, which may stand without a number.
    source : str, path or Pipeline, optional
        A network, such as `net.onnx`, with whose numbers it begins where stages are the same by name or place.
    freeze : sequence of str
        The nodes, by name or number, whose numbers stay as they are.
    seed : int
        The same seed on the same machine gives the same numbers, for any number of threads.
    memory : int, optional
        How many bytes the prepared pictures may take; of more, they are read again in each epoch.
    threads : int, optional
        All cores by default.
    progress : callable, optional
        Is given what is reached after each batch and each epoch.

    Returns
    -------
    Training
        Of the epochs so far, where Ctrl-C ended it.

    Raises
    ------
    CnnfilterError
        If the stages, the data or an argument do not fit, or the first epoch ends in numbers that are not finite.

    Warns
    -----
    CnnfilterWarning
        Of what was left out or decided.

    Examples
    --------
    >>> import numpy as np
    >>> pictures = np.zeros((20, 6, 6), np.uint8)
    >>> pictures[10:, 2:4] = 255
    >>> training = train("normalize,flatten,dense:2,softmax", (pictures, [0] * 10 + [1] * 10), epochs=40, lr=0.01)
    >>> training.best["validation_accuracy"]
    1.0
    """
    import warnings

    limit = default_memory() if memory is None else whole_number(memory, "memory", 10**6, sys.maxsize)
    if progress is not None and not callable(progress):
        msg = f"progress must be a function, not {quoted(progress)}"
        raise ArgumentError(msg)
    pipeline = stages if isinstance(stages, Pipeline) else Pipeline.parse(stages)
    if source is not None and not isinstance(source, Pipeline):
        source = Pipeline.load(text_of(file_path(source, "source")))
    renew()
    dataset = _read(data, "data", limit)
    fraction = 0.1 if validation is None else validation
    if validation is not None and not isinstance(validation, int | float):
        dataset.validation, fraction = _read(validation, "validation", limit), 0.0
    elif validation is not None:
        dataset.validation = None
    settings = Settings(epochs, batch, lr, optimizer, weight_decay, augment, fraction, seed, _nodes(freeze))
    count = available_threads(threads)
    begun = begin(
        pipeline.network, dataset, settings, memory=limit, threads=count, progress=lambda done, total: None,
        source=None if source is None else source.network,
    )  # fmt: skip
    for note in begun.notes:
        warnings.warn(note, CnnfilterWarning, stacklevel=2)
    learner = begun.learner
    try:
        for each in learner.epochs():
            if progress is not None:
                progress(each)
    except KeyboardInterrupt:
        learner.problem = "interrupted"
        if learner.best is None:
            raise
    if learner.problem is not None:
        warnings.warn(learner.problem, CnnfilterWarning, stacklevel=2)
    return Training(begun)


def _read(data: Any, name: str, memory: int) -> Dataset:
    if isinstance(data, tuple | list) and len(data) == 2:
        pictures, classes = data
        return given(pictures, classes, name)
    if isinstance(data, str | PathLike):
        return read_data(file_path(data, name), memory)
    msg = f"{name} must be a path, or pictures and their classes, not {quoted(data)}"
    raise ArgumentError(msg)


def _nodes(freeze: Any) -> tuple[str, ...]:
    """The nodes that stay as they are, by name or number."""
    is_sequence = isinstance(freeze, Sequence) and not isinstance(freeze, str | bytes)
    if not is_sequence or not all(isinstance(each, str | int) for each in freeze):
        msg = f"freeze must be a sequence of names and numbers of nodes, not {quoted(freeze)}"
        raise ArgumentError(msg)
    return tuple(map(str, freeze))
