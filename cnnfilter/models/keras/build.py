"""The nodes of a network, made one after the other as Keras's layers are gone through."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple, cast

from cnnfilter.errors import KernelError, ShapeError
from cnnfilter.messages import about, printable, shortened
from cnnfilter.models.keras.arrays import LayerArrays, Order
from cnnfilter.network.graph import INPUT, Network, Node
from cnnfilter.network.stages import Flatten, Shape, Stage, Unknown

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cnnfilter.models.keras.arrays import Source
    from cnnfilter.models.keras.config import Settings
    from cnnfilter.models.keras.store import Store

MAX_NODES = 10_000
"""The most stages and calls of layers; the deepest published networks have some 1,000."""

ANY_SIZES = (4096, 8192)
"""What stands for a size that may be any: what it gives with both alike does not depend on it."""

MAX_PARTS = 1000
"""The most flattened maps in one vector: joined again and again, their number grows as a power."""

MAX_STOPPED = 50
"""The most layers that are told why they cannot be read; each is compared with all that can."""

Size = tuple[int | None, ...]
"""(H, W, C) of maps or (n,) of a vector; None where any size may come."""


class NeedsMapsError(Exception):
    """A vector is made maps of 1x1 again, which dense layers must then have left it."""


class Tensor(NamedTuple):
    """What a layer gives.

    Parameters
    ----------
    node : int
    size : Size
        Of the node's result.
    axes : int
        How many Keras counts, without that of the batch: 3 of maps, 2 of maps without an axis for their one channel,
        1 of a vector, which is maps of 1x1 here until something takes a vector.
    order : Order
        What a vector was flattened from.
    """

    node: int
    size: Size
    axes: int
    order: Order = ()

    @property
    def known(self) -> Shape | None:
        """The size, if no side of it may be any."""
        return None if None in self.size else cast("Shape", self.size)

    @property
    def is_flat(self) -> bool:
        """Whether the node gives a vector."""
        return len(self.size) == 1


class Lost(NamedTuple):
    """What is not made.

    Parameters
    ----------
    reason : str
    node : int, optional
        Where a layer stands that cannot be read, of what would come of it.
    """

    reason: str
    node: int | None = None


Value = Tensor | Lost


class Call(NamedTuple):
    """One use of a layer.

    Parameters
    ----------
    settings : Settings
    inputs : tuple of Tensor
    name : str
        What its nodes are called.
    arrays : mapping of str to str
        The names of its arrays in the file, by Keras's names of them.
    numbers : tuple of float
        What else it is given: `x + 3` is a layer.
    """

    settings: Settings
    inputs: tuple[Tensor, ...]
    name: str
    arrays: Mapping[str, str]
    numbers: tuple[float, ...] = ()


class Builder:
    """The nodes so far.

    Parameters
    ----------
    store : Store
    version : int
        Of Keras: 2 or 3.
    keeps_maps : bool
        Whether dense layers leave vectors that are maps of 1x1 as they are.
    """

    def __init__(self, store: Store, version: int, *, keeps_maps: bool) -> None:
        self.store, self.version, self.keeps_maps = store, version, keeps_maps
        self.nodes: list[Node] = []
        self._names: Counter[str] = Counter()
        self._calls = self._stopped = 0

    def count(self) -> None:
        """Count the call of a layer, and refuse one too many: a network in a network may be called again and again."""
        self._calls += 1
        if max(self._calls, len(self.nodes)) > MAX_NODES:
            msg = f"its layers are called more than {MAX_NODES:,} times, too often for a network"
            raise KernelError(msg)

    def name(self, wanted: str) -> str:
        """A name that no call has yet: a layer that is used again has a number."""
        self._names[wanted] += 1
        return wanted if self._names[wanted] == 1 else self.name(f"{wanted}#{self._names[wanted]}")

    def add(self, call: Call, stage: Stage, inputs: Sequence[Tensor], part: str = "") -> Tensor:
        """What a stage gives that reads some results, as one more node.

        Parameters
        ----------
        call : Call
            The layer that it is of.
        stage : Stage
        inputs : sequence of Tensor
        part : str
            Which of the layer's nodes it is, if it has several.
        """
        name = self.name(f"{call.name}/{part}") if part else call.name
        with about(f"{call.settings}: "):
            size = _result(stage, inputs)
        self.nodes.append(Node(stage, tuple(each.node for each in inputs), name))
        return Tensor(len(self.nodes) - 1, size, inputs[0].axes, inputs[0].order)

    def chain(self, call: Call, stages: Sequence[Stage], given: Tensor, *, own: bool = False) -> Tensor:
        """What stages give one after the other: parts of a layer, or if `own` the layer itself."""
        for number, stage in enumerate(stages):
            given = self.add(call, stage, [given], "" if own and number == len(stages) - 1 else stage.name)
        return given

    def learned(self, call: Call, **sources: Source) -> LayerArrays:
        """The learned numbers of a layer, by role."""
        return LayerArrays(self.store, str(call.settings), sources)

    def vector(self, call: Call, given: Tensor, part: str = "flatten") -> Tensor:
        """A vector as one here too."""
        return given if given.is_flat else self.add(call, Flatten(), [given], part)

    def alike(self, call: Call) -> tuple[Tensor, ...]:
        """The inputs of a layer that joins: all maps, or all vectors."""
        inputs = call.inputs
        if len({each.axes for each in inputs}) > 1:
            msg = "it joins what has different numbers of axes"
            raise call.settings.refuse(msg)
        if any(each.is_flat for each in inputs):
            return tuple(self.vector(call, each, f"flatten-{number}") for number, each in enumerate(inputs, 1))
        return inputs

    def stop(self, call: Call, reason: str) -> Lost:
        """What a layer gives that cannot be read: nothing, and a node tells why."""
        self._stopped += 1
        if self._stopped > MAX_STOPPED:
            raise KernelError(reason)
        stage = Unknown(printable(shortened(call.settings.kind, 60)), reason)
        self.nodes.append(Node(stage, tuple(each.node for each in call.inputs[:1]), call.name))
        return Lost(reason, len(self.nodes) - 1)

    def finished(self, results: Sequence[Value]) -> tuple[Network, tuple[str, ...]]:
        """The network, and the names of what it gives, the one that is its result first.

        That is the first from which nothing else follows. Layers that cannot be read are left out, but for the one that
        the result waits for.

        Raises
        ------
        KernelError
            If there is no result that depends on the picture.
        """
        ends = [self._end(each) for each in results if each.node not in (None, INPUT)]
        if not ends:
            why = "".join(f": {each.reason}" for each in results[:1] if isinstance(each, Lost))
            msg = f"it gives nothing that is made of a picture{why}"
            raise KernelError(msg)
        read = {each for node in self.nodes for each in node.reads if not isinstance(node.stage, Unknown)}
        last = next((end for end in ends if end not in read), ends[0])
        follows = {last}
        for number, node in enumerate(self.nodes):
            if follows & set(node.reads):
                follows.add(number)
        kept = [
            number
            for number, node in enumerate(self.nodes)
            if number not in follows and not isinstance(node.stage, Unknown)
        ]
        places = {old: new for new, old in enumerate([*kept, last])} | {INPUT: INPUT}
        nodes = [self.nodes[old] for old in (*kept, last)]
        network = Network(Node(each.stage, tuple(places[read] for read in each.reads), each.name) for each in nodes)
        return network, tuple(str(self.nodes[end].name) for end in dict.fromkeys([last, *ends]))

    def _end(self, result: Value) -> int:
        """The node of a result, which is a vector where it is one for Keras."""
        if isinstance(result, Tensor) and result.axes == 1 and not result.is_flat:
            self.nodes.append(Node(Flatten(), (result.node,), self.name(f"{self.nodes[result.node].name}/flatten")))
            return len(self.nodes) - 1
        return result.node or 0


def _result(stage: Stage, inputs: Sequence[Tensor]) -> Size:
    """The size of what a stage gives, as far as it is the same for pictures of any size."""
    shapes = [each.known for each in inputs]
    if None not in shapes:
        return stage.output(*cast("list[Shape]", shapes))
    found = []
    for any_size in ANY_SIZES:
        try:
            found.append(stage.output(*(tuple(n or any_size for n in each.size) for each in inputs)))
        except ShapeError:  # of sizes that are made to fit one another
            return (None,) * len(inputs[0].size)
    return tuple(n if n == other else None for n, other in zip(*found, strict=True))


def joined_order(call: Call, inputs: Sequence[Tensor]) -> Order:
    """The order of vectors that are put one after the other."""
    if not any(each.order for each in inputs):
        return ()
    if sum(len(each.order) or 1 for each in inputs) > MAX_PARTS:
        msg = f"it joins more than {MAX_PARTS:,} flattened maps"
        raise call.settings.refuse(msg)
    return tuple(part for each in inputs for part in each.order or ((1, 1, each.size[0] or 1),))
