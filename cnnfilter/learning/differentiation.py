"""The gradients of a loss over one batch."""

from __future__ import annotations

from typing import Any

import numpy as np

from cnnfilter.engine.groups import Array
from cnnfilter.learning.losses import LOSSES, loss
from cnnfilter.learning.network import Trainable, scores
from cnnfilter.models.labels import number_among
from cnnfilter.network.graph import Network
from cnnfilter.text.values import is_sequence, one_of


def gradients(
    network: Network, x: Array, targets: Any, name: str, *, scale: float = 1.0, threads: int | None = None
) -> tuple[float, dict[str, Array], Array]:
    """The value of a loss over a batch, and its gradients with respect to all that is learned and to the batch.

    Parameters
    ----------
    network : Network
        As it is in use: nothing is dropped, and batch normalizations take what they have measured.
    x : ndarray, (N, C, H, W) or (N, n)
    targets : array_like
        As `cnnfilter.learning.losses.loss` takes them, or names of classes that come with the network's file.
    name : str
        That of the loss.
    scale : float
        The full scale of the pictures.
    threads : int, optional

    Returns
    -------
    value : float
    gradients : dict of str to ndarray
        By the names of `Trainable`.
    dx : ndarray of float32, of the shape of `x`

    Raises
    ------
    ArgumentError, ShapeError, KernelError, MissingExtraError
        If there is no such loss, the targets do not fit, or a stage does not.
    """
    one_of(name, "loss", LOSSES)
    shape = (*x.shape[2:], x.shape[1])
    net = Trainable(scores(network, LOSSES[name].after), shape, scale=scale, threads=threads)
    with np.errstate(over="ignore", invalid="ignore"):  # as in running: what is not finite is told by the value
        results = net.forward(x.astype(np.float32, copy=False))
        value, delta = loss(name, results, _numbered(targets, network, results.shape[1]))
        found, dx = net.backward(delta)
    assert dx is not None
    return value, found, np.ascontiguousarray(dx)


def _numbered(targets: Any, network: Network, count: int) -> Any:
    """The targets with numbers of classes in place of names."""
    given = targets.tolist() if isinstance(targets, np.ndarray) and targets.dtype.kind == "U" else targets
    if not is_sequence(given) or not any(isinstance(each, str) for each in given):
        return targets
    return [number_among(each, network, count) if isinstance(each, str) else each for each in given]
