"""`cnnfilter loss`: the arithmetic of a loss, of an entropy, of a softmax, and labels as one-hot."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import click

from cnnfilter.cli import commands, options, render, tables
from cnnfilter.cli.completion import complete_from
from cnnfilter.errors import ArgumentError
from cnnfilter.learning.figures import FIGURES, NATURAL
from cnnfilter.learning.one_hot import OneHot, one_hot
from cnnfilter.learning.worked import Worked, work
from cnnfilter.messages import quoted
from cnnfilter.text.numbers import split_rows
from cnnfilter.text.shown import show
from cnnfilter.text.values import one_of, whole_number

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

ONE_HOT = "one-hot"
LARGEST_BASE = 1000
BASES = (NATURAL, "2", "10")


def _base(text: str) -> int | str:
    if text in (NATURAL, *map(str, range(2, LARGEST_BASE + 1))):
        return text if text == NATURAL else int(text)
    msg = f"--base is e, or a whole number from 2 to {LARGEST_BASE:,}, not {quoted(text)}"
    raise ArgumentError(msg)


def _row(text: str) -> tuple[float, ...]:
    rows = split_rows(text)
    if len(rows.lines) > 1:
        msg = f"{quoted(text)} has {len(rows.lines)} rows; a loss is worked out of one"
        raise ArgumentError(msg)
    return tuple(rows.numbers(0))


def _names() -> Mapping[str, str]:
    return {**{name: figure.formula for name, figure in FIGURES.items()}, ONE_HOT: "1 where the class is the label"}


class Numbers(commands.Command):
    """A command whose arguments are numbers, also when the first begins with a minus like an option."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse the arguments, with a blank before such a minus."""
        return super().parse_args(ctx, [f" {each}" if re.match(r"-\.?\d", each) else each for each in args])


@click.command(
    "loss",
    cls=Numbers,
    short_help="Show the arithmetic of a loss.",
    epilog="""\b
    Examples:
      cnnfilter loss cross-entropy 0.775,0.116,0.039,0.070 --label 0 --base 2
      cnnfilter loss cross-entropy 3.2,1.3,0.2,0.8 --scores --label 0
      cnnfilter loss binary-cross-entropy 0.9 --label 1
      cnnfilter loss mse 0.9,0.2 --target 1,0
      cnnfilter loss entropy 26/30,4/30
      cnnfilter loss softmax 3.2,1.3,0.2,0.8 --format markdown
      cnnfilter loss one-hot cat,dog,cat
    """,
)
@click.argument("name", metavar="LOSS", shell_complete=complete_from(_names, files=False))
@click.argument("values", metavar="VALUES", nargs=-1, required=True)
@click.option(
    "--label", type=options.Parsed("N", lambda text: whole_number(text, "--label", 0)), metavar="N",
    help="The number of the class that is the right one, counted from 0; of a single probability, 0 or 1.",
)  # fmt: skip
@click.option(
    "--target", "targets", type=options.Parsed("VALUES", _row), metavar="VALUES",
    help="What the values should be, in place of a label.",
)  # fmt: skip
@click.option(
    "--base", type=options.Parsed("BASE", _base), metavar="e|2|10|N",
    shell_complete=complete_from(lambda: BASES, files=False),
    help="That of the logarithm.  [default: e, as frameworks have it; of entropy 2, which gives bits]",
)  # fmt: skip
@options.flag(
    "--scores", help="The values are a network's scores: probabilities are made of them first, by softmax or sigmoid."
)
@click.option(
    "--classes", type=options.Parsed("N", lambda text: whole_number(text, "--classes", 1)), metavar="N",
    help="Of one-hot: how many classes there are.  [default: as the labels tell]",
)  # fmt: skip
@click.option(
    "--format", "notes", type=click.Choice(["markdown", "latex"]),
    help="Print it for notes: Markdown with formulas, or LaTeX, which needs amsmath.",
)  # fmt: skip
@options.as_json
def command(
    name: str,
    values: tuple[str, ...],
    label: int | None,
    targets: tuple[float, ...] | None,
    base: int | str | None,
    scores: bool,
    classes: int | None,
    notes: str | None,
    as_json: bool,
) -> int:
    """Show a loss with its formula, the numbers in it, and the result.

    LOSS is cross-entropy, binary-cross-entropy or mse, of VALUES and what they should be (--label or --target); or
    entropy, softmax or sigmoid, of VALUES alone; or one-hot, of labels, which are numbers of classes or names. VALUES
    are split by commas or blanks, and may be fractions. 0*ln(0) counts as 0.
    """
    if as_json and notes is not None:
        msg = "--format prints a text for notes, and --json data for programs; give one of them"
        raise click.UsageError(msg)
    text = " ".join(values)
    if one_of(name, "loss", _names()) == ONE_HOT:
        if (label, targets, base, scores) != (None, None, None, False):
            msg = "one-hot takes labels, and no option but --classes"
            raise click.UsageError(msg)
        labels = one_hot([each.strip() for each in re.split(r"," if "," in text else r"\s+", text.strip())], classes)
        render.out(_one_hot_text(labels, "json" if as_json else notes))
        return 0
    if classes is not None:
        msg = "--classes is for one-hot; the classes of a loss are as many as its values"
        raise click.UsageError(msg)
    worked = work(name, _row(text), targets, label=label, base=base, scores=scores)
    if worked.note:
        render.warning(worked.note)
    render.out(_text(worked, "json" if as_json else notes))
    return 0


def _text(worked: Worked, format: str | None) -> str:
    """A loss for a terminal, as `json`, or in one of the formats of `typeset`."""
    if format == "json":
        from cnnfilter.explanation import to_record  # brings NumPy

        return render.as_json(to_record(worked_record(worked)), indent=2)
    if format is not None:
        from cnnfilter.typeset import written
        from cnnfilter.typeset.losses import worked_parts

        return written(format, worked_parts(worked))
    return worked_text(worked)


def worked_text(worked: Worked) -> str:
    """A loss that is worked out, for a terminal."""
    result = f"{', '.join(map(show, worked.result))} {worked.unit}".rstrip()
    lines = [(line.label, " = ".join(line.equal)) for line in worked.lines]
    return tables.facts([("formula", worked.formula), *_named_once(lines), ("result", result)], render.columns())


def _named_once(lines: Iterable[tuple[str, str]]) -> Iterable[tuple[str, str]]:
    """Lines, of those of one name below each other the first with it."""
    before = ""
    for name, text in lines:
        yield "" if name == before else name, text
        before = name


def worked_record(worked: Worked) -> dict[str, Any]:
    """A loss that is worked out, as JSON has it; numbers may be infinite."""
    single = len(worked.result) == 1 and worked.name not in ("softmax", "sigmoid")
    return {
        "loss": worked.name,
        "formula": worked.formula,
        "values": worked.values,
        "results": worked.results,
        "targets": worked.targets,
        "base": worked.base,
        "lines": [{"name": line.label, "equal": line.equal} for line in worked.lines],
        "result": worked.result[0] if single else worked.result,
    }


def _one_hot_text(labels: OneHot, format: str | None) -> str:
    if format == "json":
        return render.as_json({"labels": labels.labels, "classes": labels.classes, "rows": labels.rows}, indent=2)
    if format is not None:
        from cnnfilter.typeset import written
        from cnnfilter.typeset.losses import one_hot_parts

        return written(format, one_hot_parts(labels))
    rows = ([label, *map(str, row)] for label, row in zip(labels.labels, labels.rows, strict=True))
    return tables.table(["LABEL", *labels.classes], rows, range(1, len(labels.classes) + 1))
