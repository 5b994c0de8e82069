"""A planned chain as a program for NumPy, PyTorch or Keras."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from cnnfilter.export.as_keras import keras_program
from cnnfilter.export.as_numpy import numpy_program
from cnnfilter.export.as_torch import torch_program
from cnnfilter.network.plan import Row
from cnnfilter.text.values import one_of

PROGRAMS: dict[str, Callable[[Sequence[Row], str | None], str]] = {
    "torch": torch_program,
    "keras": keras_program,
    "numpy": numpy_program,
}
"""What writes the program for each."""


def emit(rows: Sequence[Row], language: str, file: str | None = None) -> str:
    """A program that computes what the chain computes.

    Parameters
    ----------
    rows : sequence of Row
        As `cnnfilter.network.plan.plan` gives them.
    language : {"torch", "keras", "numpy"}
        `numpy` needs nothing else. Layers with sizes alone get random weights.
    file : str, optional
        A file of the learned numbers that are known, as `cnnfilter.export.saved` makes it: the program loads it.

    Returns
    -------
    str
        Python.

    Raises
    ------
    ArgumentError
        If the language is unknown or lacks an operation, or there are too many weights to print.
    """
    return PROGRAMS[one_of(language, "language", PROGRAMS)](rows, file)
