"""A target, the cases that it is measured by, and what came of it."""

import statistics
from collections.abc import Callable
from dataclasses import dataclass

from tests.benchmarks.measure import Measured, Setting
from tests.benchmarks.peers import Need


@dataclass(frozen=True, eq=False)
class Case:
    """One comparison; several targets may share it, and it is measured once."""

    name: str
    measure: Callable[[Setting], Measured]


@dataclass(frozen=True, eq=False)
class Target:
    """A promise: the ratio to `peer` is at least `at_least` in every case, or as their geometric mean."""

    name: str
    work: str
    peer: str
    at_least: float
    cases: tuple[Case, ...]
    needs: tuple[Need, ...] = ()
    mean: bool = False
    unit: str = "s"


@dataclass(frozen=True)
class Outcome:
    """A target with its results, or the reason why there are none."""

    target: Target
    results: dict[Case, Measured]
    skipped: str | None = None
    problem: str | None = None

    @property
    def shown(self):
        """The name and the numbers that stand for the target, None if nothing was measured."""
        if not self.results:
            return None
        if self.target.mean:
            ours = statistics.geometric_mean(result.ours for result in self.results.values())
            peer = statistics.geometric_mean(result.peer for result in self.results.values())
            return "geometric mean", Measured(ours, peer)
        worst = min(self.results, key=lambda case: self.results[case].ratio)
        return worst.name, self.results[worst]

    @property
    def met(self):
        """Whether the target holds, None if it was skipped."""
        if self.skipped is not None:
            return None
        return self.problem is None and self.shown[1].ratio >= self.target.at_least
