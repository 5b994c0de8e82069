"""A network that learns: batches go forward through its graph, deltas back, and its numbers can be written."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from cnnfilter.engine.groups import Array
from cnnfilter.errors import ArgumentError
from cnnfilter.learning.gradients import Differentiable, Gradients, differentiable
from cnnfilter.learning.gradients.workspace import Passing, Workspace
from cnnfilter.messages import about
from cnnfilter.network.graph import INPUT, Network
from cnnfilter.network.plan import at_scale, plan
from cnnfilter.network.stages import Activation, Pool, Shape, Softmax
from cnnfilter.sizes import NONE

MEASURED = ("running_mean", "running_var")
"""Roles of what is measured in training, not learned: they have no gradient."""


@dataclass(eq=False)
class Seen:
    """What a node took and was given.

    Attributes
    ----------
    inputs : list of ndarray
        What it read in the last `Trainable.forward`.
    delta : ndarray, optional
        The gradient with respect to its result, of the last `Trainable.backward`.
    gradients : dict of str to ndarray
        Those of its parameters, by their roles.
    """

    inputs: list[Array]
    delta: Array | None = None
    gradients: Gradients = field(default_factory=dict)


class Trainable:
    """A network whose numbers can be learned, for inputs of one size.

    Parameters
    ----------
    network : Network
        All of its stages have numbers: `random=N` draws those that learning begins with.
    shape : tuple of int
        (H, W, C) of each picture, or (n,).
    scale : float
        The full scale of the pictures, by which `normalize` divides unless it is told otherwise.
    threads : int, optional
        How many take part; all cores by default. Results do not depend on it.
    seed : int
        What dropout drops follows from it, the number of the stage, and `step`.

    Raises
    ------
    ShapeError, ArgumentError, KernelError, MissingExtraError
        If a stage does not fit what arrives, or has no numbers that can be used; the message begins with its number.

    Attributes
    ----------
    parameters : dict of str to ndarray
        All numbers by the names that files of weights have for them: `NODE.role`, where a node without a name is its
        number, counted from 1. Optimisers write them in place. Those of `MEASURED` are among them.
    output : tuple of int
        The size of a result, (H, W, C) or (n,).
    step : int
        How many batches have gone forward in training. Who goes on where another left off sets it.
    learns : set of str
        The parameters of which `backward` gives gradients: all but the measured ones, unless some are taken out.
    seen : dict of int to Seen, or None
        Where it is a dictionary, what each node took and was given, by its number from 0, is kept there.

    Examples
    --------
    >>> from cnnfilter.network.grammar import parse
    >>> net = Trainable(parse("conv:2@3x3:random=1:as=c,relu,flatten,dense:3:random=1"), (5, 5, 1))
    >>> net.forward(np.ones((4, 1, 5, 5), np.float32)).shape, list(net.parameters)
    ((4, 3), ['c.weight', 'c.bias', '4.weight', '4.bias'])
    """

    def __init__(
        self, network: Network, shape: Shape, *, scale: float = 1.0, threads: int | None = None, seed: int = 0
    ) -> None:
        rows = at_scale(plan(network, shape), scale)
        self.network, self.output, self.seed, self.step = network, rows[-1].output, seed, 0
        self._nodes: dict[int, Differentiable] = {}
        for number in sorted(network.needed()):
            row = rows[number]
            with about(f"stage {number + 1} ({row.stage.name}): "):
                if row.stage.runnable is not None:
                    raise ArgumentError(row.stage.runnable)
                self._nodes[number] = differentiable(row.stage, row)
        names = network.names()
        self._names = {
            number: {role: f"{names[number]}.{role}" for role in node.parameters}
            for number, node in self._nodes.items()
        }
        self._kept: dict[int, object] = {}
        self._threads = threads
        self._way: tuple[object, ...] | None
        self._passing: Passing
        self._shape: tuple[int, ...]
        self._settle(())
        self.seen: dict[int, Seen] | None = None
        self.parameters = {
            self._names[number][role]: value
            for number, node in self._nodes.items()
            for role, value in node.parameters.items()
        }
        self.learns = {name for name in self.parameters if not name.endswith(MEASURED)}

    def forward(self, x: Array, training: bool = False) -> Array:
        """The result for a batch.

        Parameters
        ----------
        x : ndarray of float32, (N, C, H, W) or (N, n)
        training : bool
            Whether batch normalizations use, and measure, the batch itself, unless nothing of them is in `learns`, and
            dropouts drop. Sets `step` one further.

        Returns
        -------
        ndarray of float32, (N, C, H, W) or (N, n)
        """
        if x.shape != self._shape:
            self._settle(x.shape)
        self._kept, self._passing.is_open = {}, False
        results = {INPUT: self._innermost("x", x)}
        left = [number for node in self._nodes for number in self.network[node].reads]
        with np.errstate(all="ignore"):
            for number, node in self._nodes.items():
                node.seed = self.seed, number, self.step
                reads = self.network[number].reads
                read = [results[each] for each in reads]
                if self.seen is not None:
                    self.seen[number] = Seen([_outermost(each) for each in read])
                with about(f"stage {number + 1} ({self.network[number].stage.name}): "):
                    learns = not node.parameters or self._learned(number)
                    result, self._kept[number] = node.forward(read, training and learns)
                results[number] = np.ascontiguousarray(result)
                for each in reads:
                    left.remove(each)
                    if each not in left:
                        results.pop(each, None)
        self.step += training
        self._trained = training
        return _outermost(results[len(self.network) - 1])

    def backward(self, delta: Array, wanted: bool = True) -> tuple[dict[str, Array], Array | None]:
        """The gradients of what the last batch gave; it is then let go.

        Parameters
        ----------
        delta : ndarray of float32
            The gradient of the loss with respect to the result of `forward`.
        wanted : bool
            Whether that with respect to the input is: it takes time.

        Returns
        -------
        gradients : dict of str to ndarray
            Of each parameter of `learns`; they last until the next call.
        dx : ndarray or None
            With respect to the input, of its shape.
        """
        reached = {INPUT} if wanted else set()
        for number in self._nodes:
            if reached.intersection(self.network[number].reads) or self._learned(number):
                reached.add(number)
        way = (wanted, self._trained, *sorted(self.learns))  # dropouts that drop nothing need no memory
        if self._way not in (way, None):
            self._settle(self._shape)
        self._way, self._passing.is_open = (), True  # which stays so where this is interrupted
        deltas = {len(self.network) - 1: self._innermost("delta", delta)}
        gradients: dict[str, Array] = {}
        with np.errstate(all="ignore"):
            for number, node in reversed(self._nodes.items()):
                kept, own = self._kept.pop(number), deltas.pop(number, None)
                if own is None:
                    continue
                reads, node.learns = self.network[number].reads, self._learned(number)
                back, found = node.backward(kept, own, wanted=bool(reached.intersection(reads)))
                if self.seen is not None:
                    self.seen[number].delta, self.seen[number].gradients = _outermost(own), found
                gradients |= {self._names[number][role]: value for role, value in found.items()}
                for read, each in zip(reads, back, strict=False):
                    if read in reached:
                        each = np.ascontiguousarray(each)
                        if read in deltas:
                            total = self._space.passing(f"to {read} of {number}", each.shape)
                            each = np.add(deltas[read], each, out=total)
                        deltas[read] = each
                self._passing.release(deltas.values())
        self._way, self._passing.is_open = way, False
        ordered = {name: gradients[name] for name in self.parameters if name in self.learns}
        return ordered, _outermost(deltas[INPUT]) if INPUT in deltas else None

    def _settle(self, shape: tuple[int, ...]) -> None:
        """Let all nodes compute in new arrays from now on, for batches of some shape."""
        self._shape, self._way = (), None  # which has to be done again where it is interrupted
        self._passing = Passing()
        self._space = Workspace(self._threads, self._passing)
        for node in self._nodes.values():
            node.space = Workspace(self._threads, self._passing)
        self._shape = shape

    def _innermost(self, name: str, batch: Array) -> Array:
        """A copy (..., N) of a batch (N, ...)."""
        turned = batch.transpose(*range(1, batch.ndim), 0)
        copy = self._space.array(name, turned.shape)
        np.copyto(copy, turned)
        return copy

    def _learned(self, number: int) -> bool:
        return not self.learns.isdisjoint(self._names[number].values())


def _outermost(values: Array) -> Array:
    """A copy (N, ...) of an array (..., N)."""
    return values.transpose(-1, *range(values.ndim - 1)).copy()


def scores(network: Network, function: str | None) -> Network:
    """A network without the `softmax` or activation at its end, if it is this one: what a loss takes in its place."""
    last = network[-1]
    is_it = isinstance(last.stage, Softmax) or (isinstance(last.stage, Activation) and last.stage.function == function)
    if is_it and last.stage.name == function and last.reads == (len(network) - 2,) and len(network) > 1:
        return network.up_to(len(network) - 2)
    return network


def rectified_late(network: Network) -> Network:
    """A network whose ReLUs come behind the max pools that alone read them, where maps are smaller.

    Results and gradients are the same to the bit: the largest of what is above 0 is the same sample, and what is not
    passes no delta. Of padding alone a pool makes minus infinity, so one with padding stays where it is.
    """
    nodes, readers = list(network), network.readers()
    for number, node in enumerate(network):
        is_relu = isinstance(node.stage, Activation) and node.stage.function == "relu"
        if not is_relu or len(readers[number]) != 1 or number == len(network) - 1:
            continue
        reader = readers[number][0]
        pool = network[reader].stage
        if isinstance(pool, Pool) and pool.kind == "max" and pool.padding == NONE:
            nodes[number] = node._replace(stage=pool)
            nodes[reader] = network[reader]._replace(stage=node.stage)
    return Network(nodes)
