"""From stages and pictures to a learner, and from what it learned to a network."""

from __future__ import annotations

from dataclasses import dataclass, replace

from cnnfilter.engine.groups import Array
from cnnfilter.errors import ArgumentError
from cnnfilter.learning.data.dataset import Dataset
from cnnfilter.learning.data.preparing import Progress, divided
from cnnfilter.learning.making import Made, check_result, for_any_picture, made
from cnnfilter.learning.parts import parts_of
from cnnfilter.learning.settings import Settings
from cnnfilter.learning.training import Learner
from cnnfilter.models.own import Record, written
from cnnfilter.network.graph import Network
from cnnfilter.network.stages import Learned, Normalize
from cnnfilter.weights.parameters import Arrays


@dataclass
class Begun:
    """A training that has begun.

    Parameters
    ----------
    learner : Learner
    made : Made
        The whole network.
    notes : tuple of str
        What a person should know of it, one line each; what is saved apart.
    """

    learner: Learner
    made: Made
    notes: tuple[str, ...]

    @property
    def labels(self) -> tuple[str, ...]:
        """The names of the classes."""
        return self.learner.parts.labels

    def network(self) -> Network:
        """The whole network with the numbers of the best epoch.

        Raises
        ------
        ArgumentError
            If there was none.
        """
        found = self._numbers()
        roles: dict[str, dict[str, Array]] = {}
        for name, value in found.items():
            node, _, role = name.rpartition(".")
            roles.setdefault(node, {})[role] = value
        return Network(
            node._replace(stage=replace(node.stage, learned=Arrays(roles[node.name])))
            if isinstance(node.stage, Learned) and node.name in roles
            else node
            for node in self.made.network
        )

    def _numbers(self) -> dict[str, Array]:
        best = self.learner.best
        if best is None:
            msg = f"nothing was learned: {self.learner.problem or 'no epoch is done'}"
            raise ArgumentError(msg)
        return best.parameters

    def file(self, suffix: str) -> list[bytes | memoryview]:
        """The network of the best epoch as a file, in parts.

        Raises
        ------
        ArgumentError
            If there was none, or the suffix is of no such file.
        """
        record = Record(self.made.text, None, self.labels, self.learner.facts())
        return written(suffix, self._numbers(), record)


def begin(
    network: Network,
    dataset: Dataset,
    settings: Settings,
    *,
    memory: int,
    threads: int,
    progress: Progress,
    source: Network | None = None,
) -> Begun:
    """Begin to train a network.

    Parameters
    ----------
    network : Network
        Its stages; those at its beginning that prepare a picture are applied to each once.
    dataset : Dataset
    settings : Settings
    memory : int
        How many bytes the prepared pictures may take.
    threads : int
    progress : callable
        Is told how many of how many pictures were looked at.
    source : Network, optional
        What it takes the numbers from that it begins with.

    Raises
    ------
    CnnfilterError
        If that cannot be done; one line.
    """
    found = made(network, len(dataset.labels), settings.seed, source)
    before, rest = divided(found.network)
    parts = parts_of(
        dataset, before, fraction=settings.fraction, seed=settings.seed, memory=memory, threads=threads,
        progress=progress,
    )  # fmt: skip
    check_result(rest, parts.training.prepared.shape, len(dataset.labels))
    before_them = int(not any(isinstance(node.stage, Normalize) for node in network))  # which is put first
    names = [node.name for node in found.network[before_them:]]
    asked = Network(node._replace(name=name) for node, name in zip(network, names, strict=False))
    frozen = {each: names[asked.find(each)] for each in settings.freeze}
    whole = for_any_picture(found, before, parts.training.prepared.shape)
    return Begun(Learner(rest, parts, settings, threads, frozen), whole, (*found.notes, *parts.notes))
