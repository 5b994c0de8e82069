"""Losses: how far a network's results are from what they should be, and which way they should go.

All are means over the batch, by the natural logarithm, computed in float64.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from cnnfilter.engine.groups import Array
from cnnfilter.errors import ArgumentError
from cnnfilter.learning.figures import FIGURES
from cnnfilter.messages import quoted, show_shape
from cnnfilter.text.values import one_of


class Loss(NamedTuple):
    """What is known of a loss.

    Attributes
    ----------
    formula : str
        Of p, the results, and t, the targets.
    after : str or None
        The stage that makes p of what the loss takes: it is left out where a network ends in it, for the two together
        lose no digits.
    compute : callable
        From results and targets (N, n, ...) in float64 to the value, and its gradient with respect to the results.
    """

    formula: str
    after: str | None
    compute: Callable[[Array, Array], tuple[float, Array]]


def _cross_entropy(scores: Array, targets: Array) -> tuple[float, Array]:
    shifted = scores - scores.max(axis=1, keepdims=True)
    logarithms = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    count = scores.size // scores.shape[1]
    value = -float((targets * np.where(targets != 0, logarithms, 0)).sum()) / count
    return value, (np.exp(logarithms) * targets.sum(axis=1, keepdims=True) - targets) / count


def _binary_cross_entropy(scores: Array, targets: Array) -> tuple[float, Array]:
    value = np.maximum(scores, 0) - scores * targets + np.log1p(np.exp(-np.abs(scores)))
    power = np.exp(-np.abs(scores))
    likely = np.where(scores >= 0, 1, power) / (1 + power)
    return float(value.mean()), (likely - targets) / scores.size


def _mean_square(results: Array, targets: Array) -> tuple[float, Array]:
    apart = results - targets
    return float(np.square(apart).mean()), 2 * apart / results.size


_COMPUTED = {
    "cross-entropy": _cross_entropy,
    "binary-cross-entropy": _binary_cross_entropy,
    "mse": _mean_square,
}
LOSSES = {name: Loss(FIGURES[name].formula, FIGURES[name].before, compute) for name, compute in _COMPUTED.items()}
"""The losses that a network can learn by, by name."""


def loss(name: str, results: Array, targets: Any) -> tuple[float, Array]:
    """The value of a loss, and its gradient with respect to a network's results.

    Parameters
    ----------
    name : str
        One of `LOSSES`.
    results : ndarray, (N, n) or (N, n, H, W)
        Of a network without what the loss is `after`: see `cnnfilter.learning.network.scores`.
    targets : array_like
        The number of each picture's class, (N,) of whole numbers, or of each place's, (N, H, W); or what the results
        should be, of their shape.

    Returns
    -------
    value : float
    delta : ndarray of float32, of the shape of `results`

    Raises
    ------
    ArgumentError
        If there is no such loss, or the targets do not fit the results.

    Examples
    --------
    >>> value, delta = loss("cross-entropy", np.zeros((1, 4)), [2])
    >>> round(value, 4), delta.tolist()
    (1.3863, [[0.25, 0.25, -0.75, 0.25]])
    """
    one_of(name, "loss", LOSSES)
    value, delta = LOSSES[name].compute(results.astype(np.float64), wanted(targets, results.shape))
    return value, delta.astype(np.float32)


def wanted(targets: Any, shape: tuple[int, ...]) -> Array:
    """What results of a shape should be, float64: the numbers of classes become one-hot.

    Raises
    ------
    ArgumentError
        If they do not fit.
    """
    try:
        given = np.asarray(targets)
    except Exception:  # rows of several lengths, or whatever an object of a person's own raises
        given = np.asarray(None)
    if given.shape == shape and given.dtype.kind in "fiub":
        return given.astype(np.float64)
    if given.dtype.kind in "iu" and given.shape == (shape[0], *shape[2:]):
        if given.size and (given.min() < 0 or given.max() >= shape[1]):
            worst = given.min() if given.min() < 0 else given.max()
            msg = f"target {worst} is no class: the result has {shape[1]}, counted from 0"
            raise ArgumentError(msg)
        classes = np.arange(shape[1]).reshape(1, -1, *[1] * (len(shape) - 2))
        return np.asarray(classes == given[:, None], np.float64)
    wants, of, found = f"targets must be numbers of classes, {shape[0]} in all", shape, targets
    if shape[0] == 1 and isinstance(targets, list) and len(targets) == 1:
        wants, of, found = "a target must be the number of a class", shape[1:], targets[0]
    shown = f"an array of {show_shape(found.shape)}" if isinstance(found, np.ndarray) else quoted(found)
    msg = f"{wants}, or of the shape {show_shape(of)}, not {shown}"
    raise ArgumentError(msg)
