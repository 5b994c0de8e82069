"""Losses, and what belongs to them, as they are worked on a board: formula, numbers, result. No NumPy here either."""

from __future__ import annotations

import math
from dataclasses import dataclass

from cnnfilter.errors import ArgumentError
from cnnfilter.learning.figures import (
    FIGURES,
    LONGEST_SUM,
    NATURAL,
    Base,
    Figure,
    Line,
    Values,
    name_of,
    of_probabilities,
    of_scores,
)
from cnnfilter.messages import either
from cnnfilter.text.shown import show
from cnnfilter.text.values import one_of, whole_number

ROUNDED = 0.01
"""How far the sum of probabilities may be from 1: texts round them."""


@dataclass(frozen=True)
class Worked:
    """A loss, or what belongs to it, worked out.

    Attributes
    ----------
    name : str
        One of `FIGURES`.
    formula : str
        Of p, the results, t, the targets, and x, the scores.
    values : tuple of float
        What it was worked out from.
    results : tuple of float
        The values, or the probabilities that were made of them.
    targets : tuple of float, optional
    base : int or str, optional
        Of the logarithm, where there is one.
    lines : tuple of Line
    result : tuple of float
        One number of a loss, several of a softmax.
    unit : str
        That of the result, which may be empty.
    note : str
        What a person should know of the values, which may be empty.
    """

    name: str
    formula: str
    values: tuple[float, ...]
    results: tuple[float, ...]
    targets: tuple[float, ...] | None
    base: Base | None
    lines: tuple[Line, ...]
    result: tuple[float, ...]
    unit: str = ""
    note: str = ""


def work(
    name: str,
    values: Values,
    targets: Values | None = None,
    *,
    label: int | None = None,
    base: Base | None = None,
    scores: bool = False,
) -> Worked:
    """A loss, or what belongs to it, worked out.

    Parameters
    ----------
    name : str
        One of `FIGURES`.
    values : sequence of float
    targets : sequence of float, optional
        What the values should be.
    label : int, optional
        In place of targets: the number of the class that is the right one, counted from 0; of a single probability, 0
        or 1.
    base : int or str, optional
        Of the logarithm, `NATURAL` or a whole number from 2. By default that of entropies is 2 and that of losses e.
    scores : bool
        Whether the values are scores, of which probabilities are made first.

    Raises
    ------
    ArgumentError
        If there is no such loss, or what is given does not fit it.

    Examples
    --------
    >>> done = work("cross-entropy", [0.775, 0.116, 0.039, 0.070], label=0, base=2)
    >>> [*map(show, done.result)], done.unit
    (['0.367732'], 'bits')
    """
    figure = FIGURES[one_of(name, "loss", FIGURES)]
    if figure.base is None and base is not None:
        msg = f"{name} has no logarithm, and takes no base"
        raise ArgumentError(msg)
    if scores and figure.before is None:
        msg = f"{name} takes its values as they are; scores are for {' and '.join(_with_scores())}"
        raise ArgumentError(msg)
    base = figure.base if base is None else base
    before: list[Line] = []
    given = tuple(values)
    if scores and figure.before is not None:
        lines, values = FIGURES[figure.before].work(values, (), NATURAL, ())
        before = [*lines, Line("p", (_listed(values),))]
    note = "" if figure.base is None else _check_probabilities(name, values)
    wanted = _targets(name, figure, len(values), targets, label)
    known = NATURAL if base is None else base
    logarithms = of_scores(given, figure.before, known) if scores else of_probabilities(figure, values, known)
    lines, result = figure.work(values, wanted or (), known, logarithms)
    if scores and (min(values) == 0 or (figure.before == "sigmoid" and max(values) == 1)):
        note = "a probability, or what it lacks to 1, is too small for a number; its logarithm is that of the scores"
    unit = {NATURAL: "nats", 2: "bits"}.get(known, "") if figure.base is not None else ""
    return Worked(
        name,
        figure.formula.replace("ln(", f"{name_of(known)}("),
        given,
        tuple(values),
        wanted,
        base,
        (*before, *([Line("t", (_listed(wanted, label),))] if wanted and label is not None else ()), *lines),
        tuple(value + 0.0 for value in result),
        unit,
        note,
    )


def _listed(values: Values, label: int | None = None) -> str:
    """Values as a text, of many how many there are; of the targets of a label which is 1."""
    if len(values) <= LONGEST_SUM:
        return ", ".join(map(show, values))
    return f"{len(values)} numbers" if label is None else f"1 of class {label}, 0 of {len(values) - 1} others"


def _with_scores() -> list[str]:
    return [name for name, figure in FIGURES.items() if figure.before is not None]


def _check_probabilities(name: str, values: Values) -> str:
    """Refuse what is no probability; a note where they do not sum to 1 that should."""
    wrong = next((value for value in values if not 0 <= value <= 1), None)
    if wrong is not None:
        before = FIGURES[name].before
        made = either("--scores", "scores=True")
        way = f"{made} makes some by a {before}" if before else "counts are written as shares, 26/30,4/30"
        msg = f"{name} takes probabilities, from 0 to 1, not {show(wrong)}; {way}"
        raise ArgumentError(msg)
    total = math.fsum(values)
    if FIGURES[name].before == "sigmoid" or abs(total - 1) <= ROUNDED:  # each of those stands by itself
        return ""
    return f"the probabilities sum to {show(total)}, not to 1"


def _targets(
    name: str, figure: Figure, count: int, targets: Values | None, label: int | None
) -> tuple[float, ...] | None:
    """What the values should be."""
    if not figure.has_targets:
        if targets is not None or label is not None:
            msg = f"{name} is of its values alone, and takes no {either('--label and no --target', 'target')}"
            raise ArgumentError(msg)
        return None
    if (targets is None) == (label is None):
        choice = either("--label N, the number of a class, or --target with", "a label, or targets:")
        msg = f"{name} compares with what should be: give {choice} {count} number{'s' * (count > 1)}"
        raise ArgumentError(msg)
    if label is not None:
        if count == 1 and figure.before == "sigmoid":
            return (float(whole_number(label, "the label of a single probability", 0, 1)),)
        if not 0 <= label < count:
            msg = f"label {label} is no class: there are {count}, counted from 0"
            raise ArgumentError(msg)
        return tuple(float(place == label) for place in range(count))
    given = tuple(map(float, () if targets is None else targets))
    if len(given) != count:
        msg = f"{count} value{'s' * (count > 1)} cannot be compared with {len(given)} target{'s' * (len(given) != 1)}"
        raise ArgumentError(msg)
    wrong = next((each for each in given if figure.base is not None and not 0 <= each <= 1), None)
    if wrong is not None:
        msg = f"targets of {name} are from 0 to 1, not {show(wrong)}"
        raise ArgumentError(msg)
    return given
