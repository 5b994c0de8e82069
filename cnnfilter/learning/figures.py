"""What can be worked out of values on a board, and how: one table, in which each formula stands once.

No NumPy here: what is worked is a line of numbers, and the command that shows it starts fast.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from cnnfilter.text.shown import factor, show, show_sum

NATURAL = "e"
"""The base of the natural logarithm."""

Base = int | str
"""A whole number from 2, or `NATURAL`."""

Values = Sequence[float]

Logarithms = Sequence[tuple[float, float]]
"""Of each probability the logarithm, and that of what it lacks to 1."""

LONGEST_SUM = 36
"""Terms up to which a sum is written out."""
FEW_TERMS = 9
"""Terms up to which those of a target of 0 are written too."""
LARGEST_POWER = 700
"""The exponent of e from which powers may overflow, or all vanish: the largest is taken off then."""


class Line(NamedTuple):
    """Formulas with numbers in them that are equal, and what they are called."""

    label: str
    equal: tuple[str, ...]


Done = tuple[Iterator[Line], Values]
"""The lines of what is worked out, and the result."""


class Figure(NamedTuple):
    """What is known of what can be worked out.

    Attributes
    ----------
    formula : str
        Of p, the results, t, the targets, and x, the scores, with the natural logarithm.
    work : callable
        From values, targets, the base and the values' logarithms to the lines, and the result.
    base : int, str or None
        That of the logarithm unless one is given; None where there is none.
    has_targets : bool
    before : str or None
        The figure that makes probabilities of scores.
    delta : str
        The formula of the gradient with respect to each of n values, or of the scores behind them.
    """

    formula: str
    work: Callable[[Values, Values, Base, Logarithms], Done]
    base: Base | None = None
    has_targets: bool = False
    before: str | None = None
    delta: str = ""


# Logarithms


def name_of(base: Base) -> str:
    """What a logarithm is called."""
    return "ln" if base == NATURAL else f"log{base}"


def logarithm(value: float, base: Base) -> float:
    """A logarithm, which of 0 is minus infinity."""
    if value == 0:
        return -math.inf
    known = {NATURAL: math.log, 2: math.log2, 10: math.log10}
    return known[base](value) if base in known else math.log(value) / math.log(float(base))


def of_probabilities(figure: Figure, values: Values, base: Base) -> Logarithms:
    """The logarithms of probabilities; of other values there are none."""
    return [] if figure.base is None else [(logarithm(p, base), logarithm(1 - p, base)) for p in values]


def of_scores(scores: Values, before: str | None, base: Base) -> Logarithms:
    """The logarithms of the probabilities that are made of scores, also where these are too small for a number."""
    unit = math.log(base) if isinstance(base, int) else 1.0
    if before == "sigmoid":
        rest = [math.log1p(math.exp(-abs(x))) for x in scores]
        return [((min(x, 0) - r) / unit, (min(-x, 0) - r) / unit) for x, r in zip(scores, rest, strict=True)]
    largest = max(scores)
    total = math.log(math.fsum(math.exp(x - largest) for x in scores))
    return [((x - largest - total) / unit, math.nan) for x in scores]


def _weighted(weight: float, log: float) -> float:
    """A weight times a logarithm: 0 where the weight is 0, whatever the other is."""
    return weight * log if weight else 0.0


# What can be worked out


def _negative_sum(weights: Values, values: Values, base: Base, logarithms: Logarithms) -> Done:
    """`-sum(weight * log(value))`."""
    terms = [_weighted(weight, log) for weight, (log, _) in zip(weights, logarithms, strict=True)]
    result = -math.fsum(terms)
    written = [place for place, weight in enumerate(weights) if weight or len(weights) <= FEW_TERMS]

    def lines() -> Iterator[Line]:
        if not 0 < len(written) <= LONGEST_SUM:
            yield Line("numbers", (f"-({show(-result)})", show(result)))
            return
        texts = (f"{show(weights[place])}*{name_of(base)}({show(values[place])})" for place in written)
        summed = show_sum(terms[place] for place in written)
        yield Line("numbers", (f"-({' + '.join(texts)})", f"-({summed})", show(result)))

    return lines(), (result,)


def _entropy(values: Values, targets: Values, base: Base, logarithms: Logarithms) -> Done:
    return _negative_sum(values, values, base, logarithms)


def _cross_entropy(values: Values, targets: Values, base: Base, logarithms: Logarithms) -> Done:
    return _negative_sum(targets, values, base, logarithms)


def _binary_cross_entropy(values: Values, targets: Values, base: Base, logarithms: Logarithms) -> Done:
    log = name_of(base)
    pairs = list(zip(values, targets, strict=True))
    terms = [_weighted(t, log) + _weighted(1 - t, other) for t, (log, other) in zip(targets, logarithms, strict=True)]
    texts = [f"{show(t)}*{log}({show(p)}) + (1 - {show(t)})*{log}(1 - {show(p)})" for p, t in pairs]
    return _mean(terms, [f"({text})" for text in texts] if len(texts) > 1 else texts, -1)


def _mean_square(values: Values, targets: Values, base: Base, logarithms: Logarithms) -> Done:
    pairs = list(zip(values, targets, strict=True))
    return _mean([(p - t) ** 2 for p, t in pairs], [f"({show(p)} - {factor(t)})^2" for p, t in pairs], 1)


def _mean(terms: Values, texts: Sequence[str], sign: int) -> Done:
    """The mean of terms, with its sign turned where `sign` is -1."""
    result = sign * math.fsum(terms) / len(terms)
    minus = "-" * (sign < 0)

    def lines() -> Iterator[Line]:
        written = [" + ".join(texts), show_sum(terms)] if len(terms) <= LONGEST_SUM else [show(math.fsum(terms))]
        yield Line("numbers", (*(f"{minus}({each}) / {len(terms)}" for each in written), show(result)))

    return lines(), (result,)


def _softmax(values: Values, targets: Values, base: Base, logarithms: Logarithms) -> Done:
    largest = max(values)
    is_extreme = max(map(abs, values)) > LARGEST_POWER
    powers = [math.exp(value - largest if is_extreme else value) for value in values]
    total = math.fsum(powers)
    shares = [power / total for power in powers]

    def lines() -> Iterator[Line]:
        if is_extreme:
            yield Line("largest", (show(largest),))
        if len(values) <= LONGEST_SUM:
            for value, power in zip(values, powers, strict=True):
                exponent = f"({show(value)} - {factor(largest)})" if is_extreme else factor(value)
                yield Line("power", (f"e^{exponent}", show(power)))
            yield Line("sum", (show_sum(powers), show(total)))
            for power, share in zip(powers, shares, strict=True):
                yield Line("share", (f"{show(power)} / {show(total)}", show(share)))
        else:
            yield Line("sum", (show(total),))

    return lines(), shares


def _sigmoid(values: Values, targets: Values, base: Base, logarithms: Logarithms) -> Done:
    powers = [math.exp(-abs(value)) for value in values]
    likely = [(1 if value >= 0 else power) / (1 + power) for value, power in zip(values, powers, strict=True)]
    written = list(zip(values, likely, strict=True))[:LONGEST_SUM]
    return (Line("share", (f"1 / (1 + e^(-{factor(value)}))", show(each))) for value, each in written), likely


FIGURES = {
    "cross-entropy": Figure("-sum(t*ln(p))", _cross_entropy, NATURAL, True, "softmax", "p - t"),
    "binary-cross-entropy": Figure(
        "-mean(t*ln(p) + (1 - t)*ln(1 - p))", _binary_cross_entropy, NATURAL, True, "sigmoid", "(p - t)/n"
    ),
    "mse": Figure("mean((p - t)^2)", _mean_square, has_targets=True, delta="2*(p - t)/n"),
    "entropy": Figure("-sum(p*ln(p))", _entropy, 2),
    "softmax": Figure("e^x / sum(e^x)", _softmax),
    "sigmoid": Figure("1 / (1 + e^(-x))", _sigmoid),
}
"""What can be worked out, by name: the one place of their formulas."""
