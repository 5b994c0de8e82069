"""Networks as stages of others: presets with weights, and the nodes of a network among those of another."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Collection
from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

from cnnfilter.errors import CnnfilterWarning
from cnnfilter.messages import quoted, readable, without_secrets
from cnnfilter.network.graph import INPUT, LAST, Group, Network, Node
from cnnfilter.network.plan import plan
from cnnfilter.network.stages import Learned
from cnnfilter.network.stages.text import escape
from cnnfilter.weights.parameters import MAX_SEED, Named, Parameters, RandomParameters

if TYPE_CHECKING:
    from cnnfilter.weights.state import State

MOST_LISTED = 3
"""The most arrays that a warning lists."""


class Model(Protocol):
    """A network from a file, as `cnnfilter.models.Model` is one."""

    @property
    def network(self) -> Network:
        """Its nodes."""

    @property
    def size(self) -> tuple[int | None, ...] | None:
        """The input that it is made for."""

    @property
    def labels(self) -> tuple[str, ...]:
        """The names of its classes."""

    @property
    def notes(self) -> tuple[str, ...]:
        """What a person should know of how it was read."""


def group_of(path: str, model: Model) -> Group:
    """How the network in a file is told in a text.

    Warns
    -----
    CnnfilterWarning
        Of what a person should know of how it was read.
    """
    for note in model.notes:
        warnings.warn(f"{readable(path)}: {note}", CnnfilterWarning, stacklevel=2)
    return Group(escape(without_secrets(path)), model.size, path, model.labels)


def with_weights(network: Network, path: str) -> Network:
    """A network whose learned numbers are those of a state dict, by the names of its nodes.

    Raises
    ------
    KernelError, MissingExtraError
        If the file cannot be used.

    Warns
    -----
    CnnfilterWarning
        Of arrays that no node takes.
    """
    from cnnfilter.weights.state import load_state  # brings NumPy, which sizes alone do not need

    state = load_state(path)
    _tell_unused(state, {node.name for node in network if isinstance(node.stage, Learned)})
    return with_parameters(network, lambda number, node, stage: Named(state, node.name or ""))


def with_random(network: Network, seed: int) -> Network:
    """A network whose learned numbers are drawn, those of its first node by `seed`, of the second by the next one."""
    return with_parameters(
        network, lambda number, node, stage: RandomParameters((seed + number) % (MAX_SEED + 1), stage.initial)
    )


def with_parameters(network: Network, make: Callable[[int, Node, Learned], Parameters]) -> Network:
    """A network with numbers for each stage that has none, by its number from 0, its node and itself."""
    return Network(
        node._replace(stage=replace(node.stage, learned=make(number, node, node.stage)))
        if isinstance(node.stage, Learned) and node.stage.runnable is not None
        else node
        for number, node in enumerate(network)
    )


def _tell_unused(state: State, names: Collection[str | None]) -> None:
    unused = [name for name in state.names if name.rpartition(".")[0] not in names]
    if unused:
        listed = ", ".join(map(quoted, unused[:MOST_LISTED]))
        more = f" and {len(unused) - MOST_LISTED} more" if len(unused) > MOST_LISTED else ""
        are = "is" if len(unused) == 1 else "are"
        warnings.warn(f"{readable(state.path)}: {listed}{more} {are} not used", CnnfilterWarning, stacklevel=2)


def check_weights(network: Network) -> None:
    """Hold the weights of presets and files in a network against the sizes that these are made for.

    Raises
    ------
    KernelError
        If some do not fit, whatever picture comes.
    """
    for group in dict.fromkeys(node.group for node in network):
        size = None if group is None else group.size
        if size is not None and None not in size:
            inside = [number for number, node in enumerate(network) if node.group is group]
            # what lies before them is the input here
            nodes = (network[number]._replace(group=None) for number in inside)
            alone = (each._replace(reads=tuple(max(read - inside[0], INPUT) for read in each.reads)) for each in nodes)
            plan(Network(alone), tuple(side for side in size if side is not None))


def preset_text(name: str, weights: str | None, seed: int | None) -> str:
    """A preset as the stage language has it."""
    if weights is not None:
        return f"{name}:weights={escape(without_secrets(weights))}"
    return name if seed is None else f"{name}:random={seed}"


def spliced(network: Network, group: Group, first: int, last: int, names: Collection[str]) -> list[Node]:
    """The nodes of a network as those of another from number `first` on, whose input is node `last` of it.

    Names that the other has already, or that no text can tell, are left out: their nodes answer to their numbers.
    """

    def free(name: str | None) -> bool:
        return name is not None and name not in {*names, LAST} and name == name.strip() != ""

    group = group._replace(size_in_nodes=len(network))
    return [
        Node(
            node.stage,
            tuple(last if read == INPUT else first + read for read in node.reads),
            node.name if free(node.name) else None,
            tuple(filter(free, node.aliases)),
            group,
        )
        for node in network
    ]
