"""What a network looked at: a picture, its scores, and how much each sample of it counts for one of them."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from cnnfilter.engine.groups import Array
from cnnfilter.errors import ArgumentError
from cnnfilter.learning.data.preparing import divided
from cnnfilter.learning.network import Trainable, scores
from cnnfilter.learning.placing import Grid
from cnnfilter.messages import quoted
from cnnfilter.models.labels import number_among
from cnnfilter.network.graph import Network
from cnnfilter.network.plan import at_scale, plan
from cnnfilter.network.stages import Conv, ConvTranspose
from cnnfilter.running.schedule import Schedule

AT_ONCE = 1 << 26
"""Bytes of results that a batch of pictures may make, unless one alone makes more."""


class Gone(NamedTuple):
    """What a batch of prepared pictures gave.

    Attributes
    ----------
    scores : ndarray of float64, (N,)
        The score of the class.
    dx : ndarray of float32, (N, C, H, W)
        Its gradient with respect to each picture.
    """

    scores: Array
    dx: Array


def check_finite(gradient: Array) -> None:
    """Raise an `ArgumentError` if a gradient is not all numbers."""
    if not np.isfinite(gradient).all():
        msg = "the gradients of this picture are not all numbers: nothing can be told of what made its scores"
        raise ArgumentError(msg)


class Looking:
    """A network that looks at a picture, and the class that is asked about.

    A score is what comes before the `softmax` or `sigmoid` at a network's end; of one that gives maps, the mean of a
    map. What only prepares the picture, `resize`, `crop`, `gray`, `rgb` and `normalize` at the beginning, is done once.

    Parameters
    ----------
    network : Network
        All of its stages have numbers.
    maps : ndarray, (C, H, W)
        The photo, as it is given to the network.
    target : int or str, optional
        The class, counted from 0, or its name; by default that of the largest score.
    scale : float
        The full scale of the photo.
    threads : int, optional

    Raises
    ------
    ArgumentError
        If there is no such class, nothing follows what prepares the picture, or the scores are no numbers.
    ShapeError, KernelError, MissingExtraError
        If a stage does not fit what arrives, or its weights cannot be read.

    Attributes
    ----------
    rows : tuple of Row
        The plan for the photo.
    first : int
        How many stages prepare it.
    network : Network
        The rest, without a softmax or sigmoid at its end.
    seen : ndarray of float32, (C, H, W)
        The photo, prepared.
    grid : Grid
        Where its pixels lie on the photo.
    scores : ndarray of float64, (n,)
    """

    def __init__(
        self,
        network: Network,
        maps: Array,
        target: int | str | None = None,
        *,
        scale: float,
        threads: int | None = None,
    ) -> None:
        self.shape = (*maps.shape[1:], maps.shape[0])
        self.maps, self.scale, self.threads = maps, scale, threads
        self.rows = at_scale(plan(network, self.shape), scale)
        before, rest = divided(network)
        if not rest:
            msg = "all stages only prepare the picture: none looks at it"
            raise ArgumentError(msg)
        self.first, self._before = len(before), before
        self.network = scores(scores(rest, "softmax"), "sigmoid")
        self.seen = self.prepared(maps)
        self.grid = Grid.prepared(self.rows[: self.first])
        self._rows = at_scale(plan(self.network, (*self.seen.shape[1:], self.seen.shape[0])), scale)
        self._schedule = Schedule(self._rows)
        self._net: Trainable | None = None
        self.scores = self._means(self._run(self.seen)[None])[0]
        if not np.isfinite(self.scores).all():
            msg = "the network's scores of this picture are not all numbers: nothing can be told of what made them"
            raise ArgumentError(msg)
        count = len(self.scores)
        if isinstance(target, str):
            target = number_among(target, network, count)
        if target is not None and not 0 <= target < count:
            msg = f"there is no class {quoted(target)}: the network has {count}; give one from 0 to {count - 1}"
            raise ArgumentError(msg)
        self.target = int(np.argmax(self.scores)) if target is None else target

    @property
    def score(self) -> float:
        """The class's."""
        return float(self.scores[self.target])

    @property
    def region(self) -> tuple[slice, slice]:
        """The rows and columns of the photo that the network sees."""
        return self.grid.region(self.seen.shape[1:], self.shape)

    def placed(self, values: Array, node: int | None = None) -> Array:
        """A map on the photo, (H, W) float32: of a node, or of what the network sees; 0 where that is not."""
        grid = self.grid if node is None else Grid.of_field(self._rows[node - self.first].field).on(self.grid)
        result = np.zeros(self.shape[:2], np.float32)
        result[self.region] = grid.placed(values, self.shape)[self.region]
        return result

    @property
    def batch(self) -> int:
        """How many pictures go through the network at a time."""
        return max(1, min(16, AT_ONCE // sum(4 * math.prod(row.output) for row in self._rows)))

    def prepared(self, maps: Array) -> Array:
        """A photo as the network sees it, (C, H, W) float32."""
        if not self.first:
            return maps.astype(np.float32)
        result: Array = Schedule(self.rows[: self.first]).run(maps, self.threads)
        return result.astype(np.float32)

    def scores_of(self, pictures: Iterator[Array]) -> Iterator[float]:
        """The class's score of each prepared picture."""
        for picture in pictures:
            yield float(self._means(self._run(picture)[None])[0, self.target])

    def gone(self, pictures: Array) -> Gone:
        """Send a batch of prepared pictures through the network, and the class's score back."""
        net = self.net
        results = net.forward(pictures)
        delta = np.zeros_like(results)
        delta[:, self.target] = 1 / math.prod(results.shape[2:])
        dx = net.backward(delta)[1]
        assert dx is not None
        check_finite(dx)
        return Gone(self._means(results)[:, self.target], dx)

    @property
    def net(self) -> Trainable:
        """The network, differentiable with respect to its input."""
        if self._net is None:
            self._net = self._differentiable(self.network, (*self.seen.shape[1:], self.seen.shape[0]))
        return self._net

    def on_photo(self, gradient: Array) -> Array:
        """The gradient with respect to the photo, (C, H, W), of that with respect to what the network sees of it."""
        if not self.first:
            return gradient
        net = self._differentiable(self._before, self.shape)
        net.forward(self.maps[None].astype(np.float32))
        dx = net.backward(gradient[None])[1]
        assert dx is not None
        return np.ascontiguousarray(dx[0])

    def layer(self, node: int | None) -> tuple[int, Array, Array]:
        """A node's maps and the gradients of the class's score with respect to them.

        Parameters
        ----------
        node : int, optional
            By its number among all stages, counted from 0. By default the last convolution whose maps have more
            than one place, with what its result goes through alone and place by place: normalization, sum, activation.

        Returns
        -------
        number : int
            The node's, among all stages.
        maps, gradients : ndarray of float32, (C, h, w)
        """
        number = self._last_maps() if node is None else self._among_the_rest(node)
        net = self.net
        net.seen = {}
        self.gone(self.seen[None])
        seen, net.seen = net.seen, None
        delta = seen[number].delta if number in seen else None
        if delta is None or delta.ndim != 4:
            why = "gives a vector, and no maps" if delta is not None else "is none that the score depends on"
            msg = f"node {number + self.first + 1} ({self.network[number].stage.name}) {why}; name another"
            raise ArgumentError(msg)
        readers = [
            each.inputs[self.network[reader].reads.index(number)]
            for reader, each in seen.items()
            if number in self.network[reader].reads
        ]
        maps = readers[0] if readers else net.forward(self.seen[None])
        return number + self.first, maps[0], delta[0]

    def _among_the_rest(self, node: int) -> int:
        if node < self.first:
            msg = f"node {node + 1} ({self.rows[node].stage.name}) only prepares the picture; name a later one"
            raise ArgumentError(msg)
        if node - self.first >= len(self.network):
            msg = f"node {node + 1} ({self.rows[node].stage.name}) comes after the scores; name an earlier one"
            raise ArgumentError(msg)
        return node - self.first

    def _last_maps(self) -> int:
        readers = self.network.readers()
        found = [
            number
            for number in sorted(self.network.needed())
            if isinstance(self.network[number].stage, Conv | ConvTranspose) and self._rows[number].output[:2] != (1, 1)
        ]
        if not found:
            msg = "no convolution gives maps of more than one place; name a node that gives maps"
            raise ArgumentError(msg)
        number = found[-1]
        while len(readers[number]) == 1 and self._is_placewise(readers[number][0], number):
            number = readers[number][0]
        return number

    def _is_placewise(self, number: int, before: int) -> bool:
        """Whether each of a node's values sees one place of the maps before it."""
        row = self._rows[number]
        return len(row.output) == 3 and row.output[:2] == self._rows[before].output[:2] and row.move.sights is None

    def _run(self, picture: Array) -> Array:
        with np.errstate(all="ignore"):
            result: Array = self._schedule.run(picture, self.threads)
        return result

    def _means(self, results: Array) -> Array:
        means: Array = results.reshape(*results.shape[:2], -1).mean(axis=2, dtype=np.float64)
        return means

    def _differentiable(self, network: Network, shape: tuple[int, ...]) -> Trainable:
        net = Trainable(network, shape, scale=self.scale, threads=self.threads)
        net.learns = set()
        return net
